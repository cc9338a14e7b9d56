"""Generated problems: what a user may pass to corrfast, drawn by hypothesis and small enough for the oracle.

A `Problem` holds shapes, dtypes, keywords and memory layouts; its data come from a seed, so that a failing example prints in one
line and can be pasted back.  `generated(n)` is the settings decorator that scales with the profile (see conftest.py).
"""
import dataclasses
import os

import definition
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from layouts import LAYOUTS, laid_out

PROFILE = os.environ.get("CORRFAST_TEST_PROFILE", "default")
SCALE = {"default": 1.0, "full": 20.0, "isa": 0.2, "smoke": 0.05}

RULES = ("constant", "edge", "wrap", "symmetric", "reflect")
INTEGERS = tuple(np.dtype(c) for c in "bBhHiIlL")
REALS = tuple(np.dtype(c) for c in "efdg")
COMPLEX = tuple(np.dtype(c) for c in "FDG")
FLOATS = REALS + COMPLEX
NATIVE_FLOATS = tuple(np.dtype(c) for c in "fdFD")
DTYPES = (np.dtype(bool),) + INTEGERS + FLOATS


def generated(examples):
    """How many problems a test draws: `examples` in the default profile."""
    return settings(max_examples=max(5, int(examples * SCALE[PROFILE])))


def small_integers(rng, shape, dtype, limit=3):
    """Whole numbers of any dtype, so small that sums of thousands of products are exact in every float dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.4
    low = 0 if dtype.kind == "u" else -limit
    values = rng.integers(low, limit + 1, shape)
    if dtype.kind == "c":
        return (values + 1j * rng.integers(low, limit + 1, shape)).astype(dtype)
    return values.astype(dtype)


def any_integers(rng, shape, dtype):
    """Like `small_integers`, but integer dtypes use their whole range, so that sums wrap around."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), dtype=dtype).reshape(shape)
    return small_integers(rng, shape, dtype)


def random_reals(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return any_integers(rng, shape, dtype)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape)).astype(dtype) if dtype.kind == "c" else values.astype(dtype)


@dataclasses.dataclass(frozen=True)
class Problem:
    function: str
    a_shape: tuple
    v_shape: tuple
    a_dtype: np.dtype
    v_dtype: np.dtype
    options: dict = dataclasses.field(default_factory=dict)
    a_layout: str = "C"
    v_layout: str = "C"
    seed: int = 0

    @property
    def dtype(self):
        """Of the result, and of the accumulation."""
        return np.dtype(self.options["dtype"]) if "dtype" in self.options else np.result_type(self.a_dtype, self.v_dtype)

    @property
    def geometry(self):
        return definition.geometry(self.function, self.a_shape, self.v_shape, **self.options)

    @property
    def exact_maker(self):
        """Samples whose results are exact: any integers where sums wrap around, small ones where they are floats."""
        return any_integers if self.dtype.kind in "biu" else small_integers

    def operands(self, maker=None):
        """(a, v) with the problem's dtypes and memory layouts; exact samples unless another maker is given."""
        maker = maker or self.exact_maker
        rng = np.random.default_rng(self.seed)
        return (laid_out(maker(rng, self.a_shape, self.a_dtype), self.a_layout),
                laid_out(maker(rng, self.v_shape, self.v_dtype), self.v_layout))

    def gradient(self, maker=None, layout="C"):
        """An array like the result, for the passes that take one."""
        rng = np.random.default_rng(self.seed + 1)
        return laid_out((maker or self.exact_maker)(rng, self.geometry.output_shape, self.dtype), layout)

    def with_dtype(self, dtype):
        """The same problem in one dtype throughout."""
        dtype = np.dtype(dtype)
        options = {name: x for name, x in self.options.items() if name != "dtype"}
        if "cval" in options:
            options["cval"] = min(int(abs(options["cval"])), 1 if dtype.kind == "b" else 9)
        return dataclasses.replace(self, a_dtype=dtype, v_dtype=dtype, options=options)

    def variants(self, mixed=True):
        """This problem and five more of the same geometry: both functions, in its own dtypes (unless they are `mixed` and those
        are not wanted), in a float and in another dtype.  Drawing a geometry takes longer than computing with it."""
        own = self if mixed or (self.a_dtype == self.v_dtype == self.dtype) else self.with_dtype(self.a_dtype)
        for problem in (own, self.with_dtype(NATIVE_FLOATS[self.seed % 4]), self.with_dtype(DTYPES[self.seed % len(DTYPES)])):
            for function in ("correlate", "convolve"):
                yield dataclasses.replace(problem, function=function)

    @property
    def geometry_options(self):
        """The keywords that the definition needs."""
        return {name: value for name, value in self.options.items() if name not in ("dtype", "method", "precision", "workers")}


def has_a_transpose(problem):
    """Whether conv_transpose gives a result: every length that it would have is at least 1."""
    geometry = problem.geometry
    return all((m - 1) * s + d * (k - 1) + 1 - sum(pads) >= 1 for m, s, d, k, pads in
               zip(geometry.m, geometry.stride, geometry.dilation, geometry.k, geometry.padding, strict=True))


dtype_pairs = st.one_of(st.sampled_from(DTYPES).map(lambda d: (d, d)),
                        st.sampled_from(NATIVE_FLOATS).map(lambda d: (d, d)),
                        st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)))


def same_pairs(dtypes):
    return st.sampled_from(tuple(np.dtype(d) for d in dtypes)).map(lambda d: (d, d))


def _sizes(draw, rank):
    """(n, k) per axis: the last axis runs across SIMD widths, the others stay small."""
    if rank == 1:
        n = draw(st.one_of(st.integers(1, 70), st.integers(1, 70), st.integers(71, 400)))
        k = draw(st.one_of(st.integers(1, 9), st.integers(1, 9), st.integers(1, 70)))
        return [n], [k]
    leading, taps = (12, 5) if rank == 2 else (6, 3)
    n = [draw(st.integers(1, leading)) for _ in range(rank - 1)] + [draw(st.integers(1, 45 if rank == 2 else 20))]
    k = [draw(st.integers(1, taps)) for _ in range(rank - 1)] + [draw(st.integers(1, 9 if rank == 2 else 4))]
    return n, k


def _spell(draw, values):
    """One value per axis as a user may write it: a tuple, a list or, where all are equal, one value."""
    if len(set(values)) == 1 and draw(st.booleans()):
        return values[0]
    return draw(st.sampled_from([tuple, list]))(values)


def _padding(draw, n, k, stride, dilation):
    """Any pads, negative and far larger than the array among them, that leave room for the kernel."""
    pads = []
    for size, taps, d in zip(n, k, dilation, strict=True):
        extent = d * (taps - 1)
        reach = st.one_of(st.integers(-min(3, size), 4), st.integers(0, extent + 2), st.integers(0, 3 * size + 3))
        lo, hi = draw(reach), draw(reach)
        if len(n) > 1:                       # keep problems of higher rank small
            lo, hi = min(lo, size + 8), min(hi, size + 8)
        pads.append((lo, max(hi, extent + 1 - size - lo)))
    symmetric = [max(lo, hi) for lo, hi in pads]
    return draw(st.sampled_from([tuple(pads), list(map(list, pads)), _spell(draw, symmetric)]))


def _mode(draw, n, k, dilation):
    fits = all(size > d * (taps - 1) for size, taps, d in zip(n, k, dilation, strict=True))
    longer = len(n) == 1 and k[0] > n[0]      # 1-D: NumPy's own choice (plain_problems), unless another keyword takes part
    if fits:
        return draw(st.sampled_from(["valid", "same", "full", 0, 1, 2]))
    return draw(st.sampled_from(["full", 2] if longer else ["same", "full", 1, 2]))


def _cval(draw, dtype):
    if dtype.kind == "b":
        return draw(st.booleans())
    value = draw(st.integers(0 if dtype.kind == "u" else -3, 3))
    if dtype.kind == "c":
        return complex(value, draw(st.integers(-3, 3)))
    return float(value) if dtype.kind == "f" and draw(st.booleans()) else value


def _result_dtype(draw, a_dtype, v_dtype):
    natural = np.result_type(a_dtype, v_dtype)
    return draw(st.sampled_from([d for d in DTYPES if np.can_cast(natural, d, "same_kind")]))


def _axes_and_shapes(draw, n, k):
    """Places for the spatial axes: alone, after batch axes, or anywhere among them, the kernel shared or one a row."""
    rank = len(n)
    kind = draw(st.sampled_from(["alone", "alone", "batch", "shared", "rows"]))
    if kind == "alone":
        return tuple(n), tuple(k), None
    batch = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    if kind == "batch":
        return tuple(batch + n), tuple(k), None
    ndim = rank + len(batch)
    axes = tuple(draw(st.permutations(range(ndim)))[:rank])
    a_shape, v_shape = [0] * ndim, [0] * ndim
    for i, axis in enumerate(axes):
        a_shape[axis], v_shape[axis] = n[i], k[i]
    for axis, size in zip((i for i in range(ndim) if i not in axes), batch, strict=True):
        a_shape[axis] = size if kind == "shared" or draw(st.integers(0, 3)) else 1
        v_shape[axis] = size if draw(st.integers(0, 3)) else 1
    axes = tuple(axis - ndim if draw(st.booleans()) else axis for axis in axes)
    return tuple(a_shape), tuple(k) if kind == "shared" else tuple(v_shape), axes


layouts = st.one_of(st.just("C"), st.sampled_from(LAYOUTS))


@st.composite
def problems(draw, ranks=(1, 1, 2, 3), dtypes=dtype_pairs, functions=("correlate", "convolve"), rules=RULES, any_layout=True,
             choices=True):
    """One call of `correlate` or `convolve`: `choices` adds dtype=, method=, precision= and workers= to the keywords."""
    function = draw(st.sampled_from(functions))
    n, k = _sizes(draw, draw(st.sampled_from(ranks)))
    rank = len(n)
    a_dtype, v_dtype = draw(dtypes)
    a_shape, v_shape, axes = _axes_and_shapes(draw, n, k)
    options = {} if axes is None else {"axes": axes}
    stride, dilation = [1] * rank, [1] * rank
    if draw(st.integers(0, 2)):
        stride = [draw(st.integers(1, 5)) for _ in n]
        options["stride"] = _spell(draw, stride)
    if draw(st.integers(0, 2)):
        dilation = [draw(st.integers(1, 4)) for _ in n]
        options["dilation"] = _spell(draw, dilation)
    if draw(st.booleans()):
        options["mode"] = _mode(draw, n, k, dilation)
    else:
        options["padding"] = _padding(draw, n, k, stride, dilation)
    if choices and not draw(st.integers(0, 3)):
        options["dtype"] = _result_dtype(draw, a_dtype, v_dtype)
    if draw(st.booleans()):
        options["boundary"] = _spell(draw, [draw(st.sampled_from(rules)) for _ in n])
        if draw(st.booleans()):
            options["cval"] = _cval(draw, np.dtype(options.get("dtype", np.result_type(a_dtype, v_dtype))))
    if choices and not draw(st.integers(0, 3)):
        options.update(draw(st.sampled_from([{"method": "direct"}, {"method": "auto"}, {"precision": "exact"},
                                             {"precision": "default"}, {"workers": 1}, {"workers": 2}])))
    return Problem(function, a_shape, v_shape, a_dtype, v_dtype, options, draw(layouts) if any_layout else "C",
                   draw(layouts) if any_layout else "C", draw(st.integers(0, 2**16)))


@st.composite
def plain_problems(draw, ranks=(1, 1, 2, 3), dtypes=dtype_pairs, any_layout=True):
    """NumPy's and SciPy's own calls: arrays of equal rank and a mode, the kernel often the longer one."""
    n, k = _sizes(draw, draw(st.sampled_from(ranks)))
    if draw(st.booleans()):
        n, k = k, n
    modes = ["full", "same", "valid"]
    if len(n) > 1 and any(t > s for s, t in zip(n, k, strict=True)) and any(t < s for s, t in zip(n, k, strict=True)):
        modes.remove("valid")
    a_dtype, v_dtype = draw(dtypes)
    return Problem(draw(st.sampled_from(["correlate", "convolve"])), tuple(n), tuple(k), a_dtype, v_dtype,
                   {"mode": draw(st.sampled_from(modes))}, draw(layouts) if any_layout else "C",
                   draw(layouts) if any_layout else "C", draw(st.integers(0, 2**16)))
