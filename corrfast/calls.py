"""A public call, from its arguments to its result: understand it, run a pass, hand the result back.

`forward`, `transpose` and `vjp` take the function that runs a pass as a parameter, so that `corrfast.filters` (the C core) and
`corrfast.reference` (plain NumPy) are the same functions on two engines. Every engine computes on the canonical arrays

    input (batch, groups*cin, *n)     kernel (groups*cout, cin, *k)     output (batch, groups*cout, *m)

and a `Side` says how one array of a call becomes one of these: non-spatial axes where the kernel is shared are batch, those where
each row has its own kernel are groups, and those where one row of `a` meets many kernels are output channels. `cin` is 1 here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import arguments as arg
from .arguments import BACKWARD_INPUT, BACKWARD_KERNEL, CONJ_INPUT, CONJ_KERNEL, CONJ_OUTPUT, FORWARD, Spec

Runner = Callable[[int, np.ndarray, np.ndarray, np.ndarray, Spec], object]
Shape = tuple[int, ...]

#: The kinds of sums that a gradient of some kind can hold: integers modulo 2**bits, floats the real part of complex numbers.
_HOLDS = {"b": "b", "i": "biu", "u": "biu", "f": "biufc", "c": "biufc"}

#: For each rank the index that reverses the spatial axes of a canonical array.
_REVERSED = [(slice(None), slice(None)) + (slice(None, None, -1),) * rank for rank in range(arg.MAX_RANK + 1)]


class Side(NamedTuple):
    """One array of a call, as the user sees it and as a pass sees it."""

    order: Shape | None  # the user's axes in canonical order; None if they are in that order already
    lead: Shape  # extents of the non-spatial axes, in canonical order
    pair: tuple[int, int]  # the two canonical extents that they merge into
    spatial: Shape
    flip: bool = False  # whether the pass sees it reversed: the kernel of a convolution

    @property
    def shape(self) -> Shape:
        """The shape that the user sees."""
        extents = self.lead + self.spatial
        if self.order is None:
            return extents
        return tuple([extents[self.order.index(axis)] for axis in range(len(extents))])

    def to_core(self, array: np.ndarray) -> np.ndarray:
        """Return the array in canonical form: a view if its non-spatial axes can be merged in place, else a copy."""
        if self.order is not None:
            array = array.transpose(self.order)
        array = array.reshape(self.pair + self.spatial)
        return array[_REVERSED[len(self.spatial)]] if self.flip else array

    def new(self, dtype: np.dtype, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return uninitialized memory twice: in canonical form and as the user sees it."""
        shape = self.pair + self.spatial
        arg.check_bytes(shape, dtype, name)
        core = np.empty(shape, dtype)
        view = core.reshape(self.lead + self.spatial)
        if self.order is not None:
            view = view.transpose([self.order.index(axis) for axis in range(len(self.order))])
        return (core[_REVERSED[len(self.spatial)]] if self.flip else core), view


class Call(NamedTuple):
    """What the arguments of a call mean, for every pass: all but the arrays themselves."""

    spec: Spec  # its conj: what the forward pass conjugates
    dtype: np.dtype
    input: Side
    kernel: Side
    output: Side
    conj: tuple[int, int, int]  # what each pass conjugates, if the dtype is complex: one of the two below

    def spec_of(self, pass_: int) -> Spec:
        """Return the spec of a pass of this call, which differs in what is conjugated."""
        if self.dtype.kind != "c":
            return self.spec
        return self.spec._replace(conj=self.conj[pass_])


#: What FORWARD, BACKWARD_INPUT and BACKWARD_KERNEL conjugate so that gradients are PyTorch's, by which of them conjugates nothing:
#: the forward pass (`convolve`, a layer), or backward input (the adjoint of `correlate`, a transposed layer).
PLAIN_FORWARD = (0, CONJ_KERNEL, CONJ_INPUT)
PLAIN_ADJOINT = (CONJ_KERNEL, 0, CONJ_OUTPUT)


class Target:
    """Where a pass writes, and how that becomes what the caller gets."""

    __slots__ = ("core", "_view", "_out", "_dtype")

    def __init__(self, side: Side, dtype: np.dtype, out: np.ndarray | None, name: str, reads: tuple[np.ndarray, ...],
                 final: np.dtype | None = None) -> None:
        """Find memory for one array of a pass in `dtype`, to be handed back in the dtype `final` (the same by default)."""
        self._out = out
        self._dtype = final = dtype if final is None else final
        if out is not None:
            base = arg.check_out(out, name, side.shape, final)
            if arg.can_write(base, dtype, reads):
                core = side.to_core(base)
                if np.may_share_memory(core, base):  # a view: the non-spatial axes could be merged without a copy
                    self.core, self._view = core, None
                    return
        self.core, self._view = side.new(dtype, name)

    def deliver(self) -> np.ndarray:
        """Return the result, once the pass has written `core`."""
        result = self._view
        if result is None:
            return self._out
        if result.dtype != self._dtype:
            result = (result.real if self._dtype.kind != "c" else result).astype(self._dtype)
        if self._out is None:
            return result
        self._out[...] = result
        return self._out


def _sides(a_shape: Shape, v_shape: Shape, axes: Any, flip: bool, name: str = "a") -> tuple[Side, Side, Side]:
    """Return the sides of input, kernel and output, that of the output without its lengths; `name` is what messages call `a`."""
    ndim = len(a_shape)
    if 0 in v_shape:
        raise ValueError("v cannot be empty")
    if axes is not None:
        return _sides_of_axes(a_shape, v_shape, axes, flip, name)
    rank = len(v_shape)
    if rank > arg.MAX_RANK:
        raise ValueError(f"v has {rank} axes: expected 1 to {arg.MAX_RANK}, or axes= naming the spatial ones")
    if ndim < rank:
        raise ValueError(f"{name} has {ndim} axes: expected at least the {rank} of v, or axes= naming the spatial ones")
    lead, n = a_shape[:ndim - rank], a_shape[ndim - rank:]
    if 0 in n:
        raise ValueError(f"{name} cannot be empty")
    pair = (prod(lead), 1)
    return Side(None, lead, pair, n), Side(None, (), (1, 1), v_shape, flip), Side(None, lead, pair, ())


def _sides_of_axes(a_shape: Shape, v_shape: Shape, axes: Any, flip: bool, name: str) -> tuple[Side, Side, Side]:
    """Do the same where `axes` says which axes are spatial."""
    ndim = len(a_shape)
    spatial = arg.axis_numbers(axes, ndim)
    rank = len(spatial)
    if len(v_shape) not in (rank, ndim):
        raise ValueError(f"v has {len(v_shape)} axes: expected {rank}, one for each of axes={axes!r}, or {ndim}, as {name} has")
    n = tuple([a_shape[axis] for axis in spatial])
    if 0 in n:
        raise ValueError(f"{name} cannot be empty")
    others = [axis for axis in range(ndim) if axis not in spatial]
    own = v_shape if len(v_shape) == ndim else (1,) * ndim
    for axis in others:
        if own[axis] != 1 and a_shape[axis] not in (1, own[axis]):
            raise ValueError(f"{name} of shape {a_shape} and v of shape {v_shape} do not broadcast along axis {axis}: "
                             f"expected equal extents or 1 outside axes={axes!r}")
    batch = [axis for axis in others if own[axis] == 1]
    groups = [axis for axis in others if own[axis] != 1 and a_shape[axis] != 1]
    channels = [axis for axis in others if own[axis] != 1 and a_shape[axis] == 1]
    lead = batch + groups + channels
    order = (*lead, *spatial)
    if order == tuple(range(ndim)):
        order = None
    n_batch = prod([a_shape[axis] for axis in batch])
    n_groups = prod([own[axis] for axis in groups])
    n_kernels = prod([own[axis] for axis in groups + channels])
    input_ = Side(order, tuple([a_shape[axis] for axis in lead]), (n_batch, n_groups), n)
    if len(v_shape) == ndim:
        kernel = Side(order, tuple([own[axis] for axis in lead]), (n_kernels, 1), tuple([own[axis] for axis in spatial]), flip)
    else:
        kernel = Side(None, (), (1, 1), v_shape, flip)
    rows = tuple([a_shape[axis] if own[axis] == 1 else own[axis] for axis in lead])
    return input_, kernel, Side(order, rows, (n_batch, n_kernels), ())


def understand(a_shape: Shape, v_shape: Shape, dtype: np.dtype, mode: str | int, axes: Any = None, stride: Any = 1,
               dilation: Any = 1, padding: Any = None, boundary: Any = "constant", cval: Any = 0, method: str = "auto",
               precision: str | None = None, workers: int | None = None, *, flip: bool, swap: bool = True) -> Call:
    """Return what the arguments of a forward call mean; `swap` lets NumPy's rule for a kernel longer than the array apply."""
    input_, kernel, output = _sides(a_shape, v_shape, axes, flip)
    n, k = input_.spatial, kernel.spatial
    rank = len(n)
    stride = arg.per_axis(stride, rank, "stride", 1)
    dilation = arg.per_axis(dilation, rank, "dilation", 1)
    codes = arg.boundary_codes(boundary, rank)
    cval = arg.fill_value(cval, dtype)
    name = arg.mode_name(mode)
    if padding is None:
        plain = axes is None and len(a_shape) == rank and not any(codes) and cval == 0 and max(stride) == max(dilation) == 1
        if plain and swap:
            padding = arg.swapped_padding(name, n, k, flip)
        if padding is None:
            padding = arg.mode_padding(name, k, dilation)
    else:
        if name != ("full" if flip else "valid"):
            raise ValueError(f"mode={mode!r} and padding={padding!r}: expected one of the two")
        padding = arg.pad_pairs(padding, rank)
    m = arg.output_sizes(n, k, stride, dilation, padding)
    conj = PLAIN_FORWARD if flip else PLAIN_ADJOINT
    spec = Spec(stride, dilation, padding, codes, cval, input_.pair[1], conj[FORWARD] if dtype.kind == "c" else 0,
                arg.choose(method, arg.METHODS, "method"), arg.precision_code(precision), arg.worker_count(workers))
    return Call(spec, dtype, input_, kernel, Side(output.order, output.lead, output.pair, m), conj)


# The forward pass: correlate, and convolve where `flip` is true


def forward(run: Runner, a: Any, v: Any, mode: str | int, *, flip: bool, dtype: Any = None, out: np.ndarray | None = None,
            **options: Any) -> np.ndarray:
    """Compute `correlate(a, v, ...)` or `convolve(a, v, ...)`."""
    a, v = arg.as_array(a, "a", flip), arg.as_array(v, "v", flip)
    call = understand(a.shape, v.shape, arg.common_dtype(dtype, a=a, v=v), mode, flip=flip, **options)
    return run_forward(run, call, a, call.kernel.to_core(arg.readable(v, call.dtype)), out)


def run_forward(run: Runner, call: Call, a: np.ndarray, kernel: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Run the forward pass of a call on `a` and a canonical kernel."""
    input_ = call.input.to_core(arg.readable(a, call.dtype))
    if out is None:
        core, result = call.output.new(call.dtype, "the result")
        run(FORWARD, input_, kernel, core, call.spec)
        return result
    target = Target(call.output, call.dtype, out, "out", (input_, kernel))
    run(FORWARD, input_, kernel, target.core, call.spec)
    return target.deliver()


# The adjoint in the first argument, from the size of the output: conv_transpose


def transpose_call(g: np.ndarray, v: np.ndarray, mode: str | int = "valid", *, axes: Any = None, stride: Any = 1,
                   dilation: Any = 1, padding: Any = None, output_padding: Any = 0, output_shape: Any = None, dtype: Any = None,
                   **options: Any) -> Call:
    """Understand `conv_transpose(g, v, ...)`: the call of `correlate` whose adjoint it is."""
    dtype = arg.common_dtype(dtype, g=g, v=v)
    if axes is not None:
        axes = arg.axis_numbers(axes, g.ndim)
    given, kernel, output = _sides(g.shape, v.shape, axes, False, "g")
    m, k, rank = given.spatial, kernel.spatial, len(kernel.spatial)
    steps, gaps = arg.per_axis(stride, rank, "stride", 1), arg.per_axis(dilation, rank, "dilation", 1)
    pads = arg.mode_padding(arg.mode_name(mode), k, gaps) if padding is None else arg.pad_pairs(padding, rank)
    least = [(mi - 1) * s + d * (ki - 1) + 1 - lo - hi for mi, s, ki, d, (lo, hi) in zip(m, steps, k, gaps, pads)]
    extra = arg.per_axis(output_padding, rank, "output_padding", 0)
    if output_shape is None:
        if any([x >= s for x, s in zip(extra, steps)]):
            raise ValueError(f"output_padding={output_padding!r}: expected less than the stride, {stride!r}")
        n, swap = tuple([ni + x for ni, x in zip(least, extra)]), False
    else:
        if any(extra):
            raise ValueError(f"output_padding={output_padding!r} and output_shape={output_shape!r}: expected one of the two")
        n = arg.per_axis(output_shape, rank, "output_shape", 1)
        # A kernel longer than the array: correlate's own padding then depends on the array's length.
        swap = not all([0 <= ni - low < s for ni, low, s in zip(n, least, steps)])
    if min(n) < 1:
        raise ValueError(f"the result would have lengths {n}: expected at least 1; g has lengths {m}, the padding is {pads}")
    if padding is not None:
        padding = pads
    a_shape = output._replace(spatial=n).shape
    call = understand(a_shape, v.shape, dtype, mode, axes, steps, gaps, padding, flip=False, swap=swap, **options)
    if call.output.spatial != m:
        raise ValueError(f"output_shape={output_shape!r}: correlating such an array gives lengths {call.output.spatial}: "
                         f"expected a shape that gives {m}, as g has")
    return call


def transpose(run: Runner, g: Any, v: Any, mode: str | int = "valid", *, out: np.ndarray | None = None,
              **options: Any) -> np.ndarray:
    """Compute `conv_transpose(g, v, ...)`."""
    g, v = arg.as_array(g, "g"), arg.as_array(v, "v")
    call = transpose_call(g, v, mode, **options)
    g = arg.readable(g, call.dtype)
    output = call.output.to_core(np.broadcast_to(g, call.output.shape) if g.shape != call.output.shape else g)
    kernel = call.kernel.to_core(arg.readable(v, call.dtype))
    target = Target(call.input, call.dtype, out, "out", (output, kernel))
    run(BACKWARD_INPUT, target.core, kernel, output, call.spec_of(BACKWARD_INPUT))
    return target.deliver()


# Both adjoints, from the arguments of the forward call: correlate_vjp and convolve_vjp


def vjp_call(g: np.ndarray, a: np.ndarray, v: np.ndarray, mode: str | int, *, flip: bool, dtype: Any = None,
             **options: Any) -> Call:
    """Understand `correlate_vjp(g, a, v, ...)` or `convolve_vjp(g, a, v, ...)`."""
    call = understand(a.shape, v.shape, arg.common_dtype(dtype, a=a, v=v, g=g), mode, flip=flip, **options)
    if g.shape != call.output.shape:
        raise ValueError(f"g has shape {g.shape}: expected {call.output.shape}, what the forward call gives")
    arg.check_bytes(g.shape, call.dtype, "g")
    return call


def vjp(run: Runner, g: Any, a: Any, v: Any, mode: str | int, *, flip: bool, needs: Sequence[bool] = (True, True),
        out: Sequence[np.ndarray | None] = (None, None), **options: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Compute `correlate_vjp(g, a, v, ...)` or `convolve_vjp(g, a, v, ...)`."""
    g, a, v = arg.as_array(g, "g"), arg.as_array(a, "a", flip), arg.as_array(v, "v", flip)
    needs, out = parts(needs, "needs", ("a", "v")), parts(out, "out", ("a", "v"))
    call = vjp_call(g, a, v, mode, flip=flip, **options)
    output = call.output.to_core(arg.readable(g, call.dtype))
    input_ = call.input.to_core(arg.readable(a, call.dtype)) if needs[1] else None
    kernel = call.kernel.to_core(arg.readable(v, call.dtype)) if needs[0] else None
    reads = tuple([array for array in (input_, kernel, output) if array is not None])
    # Both targets are found, and so all arguments checked, before the first pass writes.
    ga = gradient(call, call.input, a, "a", needs[0], out[0], "out[0]", reads)
    gv = gradient(call, call.kernel, v, "v", needs[1], out[1], "out[1]", reads)
    if out[0] is not None and out[1] is not None and np.shares_memory(*out):
        raise ValueError("out[0] and out[1] overlap: expected arrays that lie apart")
    if ga is not None:
        run(BACKWARD_INPUT, ga.core, kernel, output, call.spec_of(BACKWARD_INPUT))
    if gv is not None:
        run(BACKWARD_KERNEL, input_, gv.core, output, call.spec_of(BACKWARD_KERNEL))
    return (None if ga is None else ga.deliver()), (None if gv is None else gv.deliver())


def parts(value: Any, name: str, of: Sequence[str]) -> tuple[Any, ...]:
    """Return an argument that has one part for each of the arguments `of`."""
    if not isinstance(value, (tuple, list)) or len(value) != len(of):
        raise ValueError(f"{name}={value!r}: expected {len(of)} items, for {', '.join(of[:-1])} and {of[-1]}")
    return tuple(value)


def gradient(call: Call, side: Side, array: np.ndarray, name: str, need: bool, out: np.ndarray | None, out_name: str,
             reads: tuple[np.ndarray, ...]) -> Target | None:
    """Return the target of the gradient for an argument, which has that argument's dtype."""
    if not need:
        if out is not None:
            raise ValueError(f"{out_name} is given, but needs leaves out the gradient for {name}: expected None")
        return None
    final = array.dtype.newbyteorder("=")
    if call.dtype.kind not in _HOLDS[final.kind]:
        raise TypeError(f"{name} has dtype {final}, which cannot hold its gradient of dtype {call.dtype}: "
                        "expected a wider one, or needs without it")
    return Target(side, call.dtype, out, out_name, reads, final)
