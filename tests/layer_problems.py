"""Generated calls of `corrfast.nn`, and what each must return: PyTorch's formulas once more, by `np.pad`, windows and `np.einsum`.

The definition below shares no code with the package. It computes in int64 (whose sums wrap around as those of every integer dtype
do), in float64 or in complex128; samples are small whole numbers, so that all of it is exact.
"""
import dataclasses

import corrfast
import numpy as np
from corrfast import layers, nn, reference
from hypothesis import strategies as st
from layouts import laid_out
from numpy.lib.stride_tricks import sliding_window_view
from problems import DTYPES, NATIVE_FLOATS, any_integers, dtype_pairs, small_integers
from problems import layouts as any_layout

PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
AXES = "xyz"


# The definition, on arrays (batch, channels, *spatial)


def pad_pairs(padding, n, k, stride, dilation):
    """(lo, hi) per axis as api.md states them."""
    rank = len(n)
    if padding == "valid":
        return [(0, 0)] * rank
    if isinstance(padding, str):
        pairs = []
        for ni, ki, s, d in zip(n, k, stride, dilation, strict=True):
            outputs = (ni + s - 1) // s
            total = max((outputs - 1) * s + d * (ki - 1) + 1 - ni, 0)
            pairs.append((total - total // 2, total // 2) if padding == "same_lower" else (total // 2, total - total // 2))
        return pairs
    items = [padding] * rank if isinstance(padding, int) else padding
    return [(item, item) if isinstance(item, int) else tuple(item) for item in items]


def extended(x, pads, mode):
    """`x` continued by np.pad; negative pads crop the continued array."""
    grown = np.pad(x, [(0, 0), (0, 0)] + [(max(lo, 0), max(hi, 0)) for lo, hi in pads], mode=PAD_MODES[mode])
    return grown[(slice(None), slice(None)) + tuple([slice(max(-lo, 0), size - max(-hi, 0))
                                                     for (lo, hi), size in zip(pads, grown.shape[2:], strict=True)])]


def windows(x, k, stride, dilation, pads, mode):
    """[batch, channel, *output, *tap]: the sample that each tap of each output reads."""
    reach = tuple(d * (ki - 1) + 1 for ki, d in zip(k, dilation, strict=True))
    rank = len(k)
    found = sliding_window_view(extended(x, pads, mode), reach, axis=tuple(range(2, 2 + rank)))
    return found[(slice(None), slice(None)) + tuple(slice(None, None, s) for s in (*stride, *dilation))]


def by_group(array, groups, axis):
    return array.reshape(array.shape[:axis] + (groups, -1) + array.shape[axis + 1:])


def convolution(x, w, stride, dilation, pads, groups, mode):
    rank = len(stride)
    o, j = AXES[:rank], "uvw"[:rank]
    found = by_group(windows(x, w.shape[2:], stride, dilation, pads, mode), groups, 1)
    y = np.einsum(f"bgi{o}{j},gpi{j}->bgp{o}", found, by_group(w, groups, 0))
    return y.reshape((x.shape[0], w.shape[0]) + y.shape[3:])


def weight_gradient(g, x, w_shape, stride, dilation, pads, groups, mode):
    rank = len(stride)
    o, j = AXES[:rank], "uvw"[:rank]
    found = by_group(windows(np.conj(x), w_shape[2:], stride, dilation, pads, mode), groups, 1)
    if not g.size:
        return np.zeros(w_shape, g.dtype)
    return np.einsum(f"bgi{o}{j},bgp{o}->gpi{j}", found, by_group(g, groups, 1)).reshape(w_shape)


def input_gradient(g, x_shape, w, stride, dilation, pads, groups, mode):
    """Every product is added to the sample that np.pad copied to the place where it was read."""
    rank = len(stride)
    places = np.arange(1, np.prod(x_shape) + 1).reshape(x_shape)       # 0 is what np.pad fills zeros with
    read = by_group(windows(places, w.shape[2:], stride, dilation, pads, mode), groups, 1)
    products = np.einsum(f"bgp{AXES[:rank]},gpi{'uvw'[:rank]}->bgi{AXES[:rank]}{'uvw'[:rank]}", by_group(g, groups, 1),
                         by_group(np.conj(w), groups, 0))
    total = np.zeros(places.size + 1, g.dtype)
    np.add.at(total, read.ravel(), products.ravel())
    return total[1:].reshape(x_shape)


def transposed(x, w, stride, dilation, pads, extra, groups):
    """Each input sample adds the kernel, spread by the dilation, at its stride; the pads cut the ends off."""
    k, m, rank = w.shape[2:], x.shape[2:], len(stride)
    full = [(mi - 1) * s + d * (ki - 1) + 1 for mi, s, d, ki in zip(m, stride, dilation, k, strict=True)]
    y = np.zeros((x.shape[0], groups, w.shape[1], *full), x.dtype)
    x, w = by_group(x, groups, 1), by_group(w, groups, 0)
    for j in np.ndindex(k):
        there = tuple(slice(ji * d, ji * d + (mi - 1) * s + 1, s) for ji, d, mi, s in zip(j, dilation, m, stride, strict=True))
        y[(slice(None),) * 3 + there] += np.einsum(f"bgi{AXES[:rank]},gip->bgp{AXES[:rank]}", x, w[(slice(None),) * 3 + j])
    y = y.reshape((y.shape[0], -1) + y.shape[3:])
    return extended(y, [(-lo, more - hi) for (lo, hi), more in zip(pads, extra, strict=True)], "zeros")


# A call


@dataclasses.dataclass(frozen=True)
class LayerProblem:
    transposed: bool
    x_shape: tuple           # (batch, channels, *n) or (channels, *n), whatever the data format
    w_shape: tuple
    options: dict            # as a user writes them
    stride: tuple
    dilation: tuple
    extra: tuple             # output_padding
    x_dtype: np.dtype
    w_dtype: np.dtype
    bias: str = ""           # its dtype, if there is one
    x_layout: str = "C"
    w_layout: str = "C"
    seed: int = 0

    @property
    def rank(self):
        return len(self.w_shape) - 2

    @property
    def name(self):
        return f"conv{'_transpose' * self.transposed}{self.rank}d"

    @property
    def last(self):
        return self.options.get("data_format") == "channels_last"

    @property
    def groups(self):
        return self.options.get("groups", 1)

    @property
    def out_channels(self):
        return self.w_shape[1] * self.groups if self.transposed else self.w_shape[0]

    @property
    def dtype(self):
        return np.result_type(self.x_dtype, self.w_dtype, *([np.dtype(self.bias)] if self.bias else []))

    @property
    def geometry(self):
        """(stride, dilation, pads, groups), and the padding mode or the output padding."""
        n, k, padding = self.x_shape[-self.rank:], self.w_shape[2:], self.options.get("padding", 0)
        extra = self.extra
        if self.transposed and isinstance(padding, str) and padding.startswith("same"):
            result = [ni * s for ni, s in zip(n, self.stride, strict=True)]
            pads = pad_pairs(padding, result, k, self.stride, self.dilation)
            extra = [r - (ni - 1) * s - d * (ki - 1) - 1 + sum(p)
                     for r, ni, s, d, ki, p in zip(result, n, self.stride, self.dilation, k, pads, strict=True)]
        else:
            pads = pad_pairs(padding, n, k, self.stride, self.dilation)
        return self.stride, self.dilation, pads, self.groups, extra if self.transposed else self.options.get("padding_mode", "zeros")

    def user(self, array):
        """A canonical array (batch, channels, *n) as the user has it."""
        array = array if len(self.x_shape) == self.rank + 2 else array[0]
        return np.moveaxis(array, -self.rank - 1, -1) if self.last else array

    def canonical(self, array):
        array = np.moveaxis(array, -1, -self.rank - 1) if self.last else array
        return array if len(self.x_shape) == self.rank + 2 else array[None]

    def operands(self, maker=None):
        """(input, weight, bias) as a user would pass them."""
        rng = np.random.default_rng(self.seed)
        maker = maker or (any_integers if self.dtype.kind in "biu" else small_integers)
        shape = self.x_shape if len(self.x_shape) == self.rank + 2 else (1, *self.x_shape)
        x = laid_out(np.ascontiguousarray(self.user(maker(rng, shape, self.x_dtype))), self.x_layout)
        w = laid_out(maker(rng, self.w_shape, self.w_dtype), self.w_layout)
        return x, w, maker(rng, (self.out_channels,), self.bias) if self.bias else None

    def with_dtype(self, dtype):
        dtype = np.dtype(dtype)
        return dataclasses.replace(self, x_dtype=dtype, w_dtype=dtype, bias=dtype.char if self.bias else "")

    def variants(self, mixed=True):
        """This call, in its own dtypes unless they are `mixed` and those are not wanted, in a float and in another dtype."""
        own = self if mixed or self.x_dtype == self.w_dtype == self.dtype else self.with_dtype(self.x_dtype)
        return own, self.with_dtype(NATIVE_FLOATS[self.seed % 4]), self.with_dtype(DTYPES[self.seed % len(DTYPES)])

    def call(self, x, w, bias=None, suffix="", **more):
        """The public function, or with a suffix and another first array one of its gradients."""
        return getattr(nn, self.name + suffix)(x, w, bias, **{**self.options, **more})

    def oracle(self, x, w, bias=None):
        """The same by `corrfast.reference`, options in the order in which `corrfast.layers` takes them."""
        defaults = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1} if self.transposed else \
                   {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"}
        defaults |= {"flip_kernel": False, "data_format": "channels_first", "method": "auto", "precision": None, "workers": None}
        kind = "conv_transpose" if self.transposed else "conv"
        return layers.forward(reference.run, kind, self.rank, x, w, bias, None, *(defaults | self.options).values())

    def expected(self, x, w, bias=None):
        """The result by the definition."""
        dtype = np.result_type(x, w, *([] if bias is None else [bias]))
        wide_x, wide_w = self.canonical(exact(x.astype(dtype))), self.taps(exact(w.astype(dtype)))
        y = (transposed if self.transposed else convolution)(wide_x, wide_w, *self.in_order)
        if bias is not None:
            y = y + exact(bias.astype(dtype)).reshape((-1,) + (1,) * self.rank)
        return self.user(narrowed(y, dtype))

    @property
    def in_order(self):
        stride, dilation, pads, groups, last = self.geometry
        return (stride, dilation, pads, last, groups) if self.transposed else (stride, dilation, pads, groups, last)

    def expected_gradients(self, g, x, w):
        """(g_input, g_weight, g_bias) by the definition; all of one dtype."""
        dtype, (stride, dilation, pads, groups, last) = g.dtype, self.geometry
        x, w, g = self.canonical(exact(x)), self.taps(exact(w)), self.canonical(exact(g))
        if self.transposed:
            pads = [(lo, hi - more) for (lo, hi), more in zip(pads, last, strict=True)]
            g_input = convolution(g, np.conj(w), stride, dilation, pads, groups, "zeros")
            g_weight = np.conj(weight_gradient(x, g, w.shape, stride, dilation, pads, groups, "zeros"))
        else:
            g_input = input_gradient(g, x.shape, w, stride, dilation, pads, groups, last)
            g_weight = weight_gradient(g, x, w.shape, stride, dilation, pads, groups, last)
        g_bias = g.sum(axis=(0, *range(2, 2 + self.rank)))
        return self.user(narrowed(g_input, dtype)), narrowed(self.taps(g_weight), dtype), narrowed(g_bias, dtype)

    def taps(self, w):
        return np.flip(w, tuple(range(2, w.ndim))) if self.options.get("flip_kernel") else w


def exact(array):
    """The values in int64 (modulo 2**64), float64 or complex128."""
    return array.astype({"b": np.int64, "i": np.int64, "u": np.int64, "f": np.float64, "c": np.complex128}[array.dtype.kind])


def narrowed(values, dtype):
    return values != 0 if dtype.kind == "b" else values.astype(dtype)


# Drawing calls


def _draw_padding(draw, n, k, stride, dilation, mode):
    kind = draw(st.sampled_from(["none", "word", "word", "number", "numbers", "pairs", "pairs"]))
    if kind == "word":
        return draw(st.sampled_from(["same", "same_upper", "same_lower", "valid"]))
    if kind == "none":
        return 0
    if kind == "number":
        return draw(st.integers(0, 4))
    if kind == "numbers":
        return tuple(draw(st.integers(-1, 5)) for _ in n)
    return [(draw(st.integers(-3, 5)), draw(st.integers(-3, 7))) for _ in n]


def _lengths(draw, n, k, stride, dilation, padding, transposed_, extra):
    """The lengths `n`, made longer where the kernel does not fit or the result would be empty."""
    if transposed_:
        if isinstance(padding, str):
            return n
        pads = pad_pairs(padding, n, k, stride, dilation)
        return [max(ni, 1 + -(-(sum(p) - d * (ki - 1) - more) // s))
                for ni, p, s, d, ki, more in zip(n, pads, stride, dilation, k, extra, strict=True)]
    if isinstance(padding, str) and padding != "valid":
        return n
    pads = pad_pairs(padding, n, k, stride, dilation)
    return [max(ni, d * (ki - 1) + 1 - sum(p)) for ni, p, d, ki in zip(n, pads, dilation, k, strict=True)]


@st.composite
def layer_problems(draw, transposed_=False, ranks=(1, 1, 2, 2, 3), dtypes=dtype_pairs, layouts=any_layout):
    rank = draw(st.sampled_from(ranks))
    longest, taps = {1: (40, 7), 2: (11, 4), 3: (5, 3)}[rank]
    n = [draw(st.integers(1, longest)) for _ in range(rank)]
    k = [draw(st.integers(1, taps)) for _ in range(rank)]
    stride = [draw(st.integers(1, 3)) for _ in n] if draw(st.booleans()) else [1] * rank
    dilation = [draw(st.integers(1, 3)) for _ in n] if draw(st.booleans()) else [1] * rank
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    options = {"groups": groups} if groups > 1 or draw(st.booleans()) else {}
    for name, values in (("stride", stride), ("dilation", dilation)):
        if max(values) > 1:
            options[name] = values[0] if len(set(values)) == 1 else tuple(values)
    mode, extra = "zeros", [0] * rank
    if not transposed_ and draw(st.booleans()):
        mode = options["padding_mode"] = draw(st.sampled_from(list(PAD_MODES)))
    padding = _draw_padding(draw, n, k, stride, dilation, mode)
    if padding != 0 or draw(st.booleans()):
        options["padding"] = padding
    if transposed_ and not (isinstance(padding, str) and padding.startswith("same")) and draw(st.booleans()):
        extra = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
        options["output_padding"] = tuple(extra)
    n = _lengths(draw, n, k, stride, dilation, padding, transposed_, extra)
    if draw(st.booleans()):
        options["data_format"] = draw(st.sampled_from(["channels_last", "channels_last", "channels_first"]))
    if not draw(st.integers(0, 3)):
        options["flip_kernel"] = draw(st.booleans())
    if not draw(st.integers(0, 3)):
        options.update(draw(st.sampled_from([{"method": "direct"}, {"precision": "exact"}, {"workers": 2}])))
    few, many = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    channels = groups * (many if draw(st.booleans()) else few)
    w_shape = (channels, few, *k) if transposed_ else (groups * few, channels // groups, *k)
    batch = draw(st.sampled_from([(), (1,), (2,), (3,)]))
    x_dtype, w_dtype = draw(dtypes)
    bias = draw(st.sampled_from(["", np.result_type(x_dtype, w_dtype).char]))
    return LayerProblem(transposed_, (*batch, channels, *n), w_shape, options, tuple(stride), tuple(dilation), tuple(extra), x_dtype,
                        w_dtype, bias, draw(layouts), draw(layouts), draw(st.integers(0, 2**16)))
