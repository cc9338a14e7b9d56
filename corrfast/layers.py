"""A call of `corrfast.nn`, from its arguments to its result: batch, channels and groups around the spatial axes.

As in `corrfast.calls`, the function that runs a pass is a parameter, so that the C core and the oracle share everything else.
A layer is a `Call` whose arrays have a channel axis; the canonical arrays are views of the user's, for each data format. A
convolution is the forward pass of its call. A transposed one is backward input: its input is the call's output, and the reverse,
while its weights are the call's kernel as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import arguments as arg
from .arguments import BACKWARD_INPUT, BACKWARD_KERNEL, FORWARD, Numbers, Pads, Spec
from .calls import PLAIN_ADJOINT, PLAIN_FORWARD, Call, Runner, Side, Target, gradient, parts

_REVERSED = [(slice(None), slice(None)) + (slice(None, None, -1),) * rank for rank in range(arg.MAX_RANK + 1)]

#: For channels-last arrays: the user's axes in canonical order, by rank, without and with a batch.
_LAST = [((rank, *range(rank)), (0, rank + 1, *range(1, rank + 1))) for rank in range(arg.MAX_RANK + 1)]

_ARGUMENTS = ("input", "weight", "bias")

#: The arrays among the arguments of each family of functions.
ARRAYS = {"conv": _ARGUMENTS, "conv_transpose": _ARGUMENTS, "conv_vjp": ("grad", "input", "weight"),
          "conv_transpose_vjp": ("grad", "input", "weight"), "conv_input": ("weight", "grad_output"),
          "conv_weight": ("input", "grad_output")}


class ChannelSide(Side):
    """One array of a layer; `lead` is its channels, after its batch if it has one, or the two channel axes of the weights."""

    __slots__ = ()

    @property
    def shape(self) -> Numbers:
        """The shape that the user sees."""
        if self.order is None:
            return self.lead + self.spatial
        return (*self.lead[:-1], *self.spatial, self.lead[-1])

    def to_core(self, array: np.ndarray) -> np.ndarray:
        """Return the array in canonical form, always a view."""
        if self.order is not None:
            array = array.transpose(self.order)
        if len(self.lead) == 1:
            array = array[None]
        return array[_REVERSED[len(self.spatial)]] if self.flip else array

    def new(self, dtype: np.dtype, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return uninitialized memory twice: in canonical form and, contiguous, as the user sees it."""
        shape = self.shape
        arg.check_bytes(shape, dtype, name)
        view = np.empty(shape, dtype)
        return self.to_core(view), view


class Layer(Call):
    """A call with channels; what a layer conjugates forward is nothing."""

    __slots__ = ()

    @property
    def transposed(self) -> bool:
        """Whether this is a transposed convolution: its input is the output of the call."""
        return self.conj == PLAIN_ADJOINT

    @property
    def given(self) -> Side:
        """The input of the layer."""
        return self.output if self.transposed else self.input

    @property
    def result(self) -> Side:
        """The result of the layer."""
        return self.input if self.transposed else self.output


# Understanding


def _split(shape: Numbers, rank: int, last: bool, name: str) -> tuple[Numbers, int, Numbers]:
    """Return (batch,) or (), the number of channels, and the spatial lengths of an input."""
    if len(shape) not in (rank + 1, rank + 2):
        raise ValueError(f"{name} has shape {shape}: expected {rank + 2} axes, a batch, channels and {rank} spatial ones, "
                         f"or {rank + 1} without the batch")
    batch = shape[:len(shape) - rank - 1]
    channels, spatial = (shape[-1], shape[len(batch):-1]) if last else (shape[len(batch)], shape[len(batch) + 1:])
    if not channels or 0 in spatial:
        raise ValueError(f"{name} has shape {shape}: expected at least one channel and spatial lengths of at least 1")
    return batch, channels, spatial


def _weight_sides(rank: int, w_shape: Numbers, groups: Any, flip_kernel: bool, name: str) -> tuple[Side, int]:
    """Return the side of the weights, (groups*cout, cin, *k), and the number of groups."""
    if len(w_shape) != rank + 2:
        raise ValueError(f"{name} has shape {w_shape}: expected {rank + 2} axes, two of channels and {rank} spatial ones")
    if 0 in w_shape:
        raise ValueError(f"{name} has shape {w_shape}: expected lengths of at least 1")
    count = arg.positive(groups, "groups")
    if w_shape[0] % count:
        raise ValueError(f"groups={groups!r}: expected a divisor of {w_shape[0]}, the first length of {name} of shape {w_shape}")
    pair = w_shape[:2]
    return ChannelSide(None, pair, pair, w_shape[2:], arg.yes_or_no(flip_kernel, "flip_kernel")), count


def _side(batch: Numbers, channels: int, spatial: Numbers, last: bool) -> Side:
    lead = (*batch, channels)
    return ChannelSide(_LAST[len(spatial)][len(batch)] if last else None, lead, lead if batch else (1, channels), spatial)


def convolution(rank: int, x_shape: Numbers, w_shape: Numbers, dtype: np.dtype, stride: Any, padding: Any, dilation: Any,
                groups: Any, padding_mode: str, flip_kernel: bool, data_format: str, method: str, precision: str | None,
                workers: int | None, names: Sequence[str] = ("input", "weight")) -> Layer:
    """Return what the arguments of a convolution mean; `names` is what messages call its two arrays."""
    last = arg.choose(data_format, arg.DATA_FORMATS, "data_format") == 1
    batch, channels, n = _split(x_shape, rank, last, names[0])
    kernel, groups = _weight_sides(rank, w_shape, groups, flip_kernel, names[1])
    if channels != groups * w_shape[1]:
        raise ValueError(f"{names[0]} of shape {x_shape} has {channels} channels: expected {groups * w_shape[1]}, as groups={groups} "
                         f"and {names[1]} has shape {w_shape}")
    stride = arg.per_axis(stride, rank, "stride", 1)
    dilation = arg.per_axis(dilation, rank, "dilation", 1)
    pads = arg.layer_padding(padding, n, kernel.spatial, stride, dilation)
    m = arg.output_sizes(n, kernel.spatial, stride, dilation, pads, names)
    spec = Spec(stride, dilation, pads, (arg.choose(padding_mode, arg.PADDING_MODES, "padding_mode"),) * rank, 0, groups, 0,
                arg.choose(method, arg.LAYER_METHODS, "method"), arg.precision_code(precision), arg.worker_count(workers))
    return Layer(spec, dtype, _side(batch, channels, n, last), kernel, _side(batch, w_shape[0], m, last), PLAIN_FORWARD)


def transposed_convolution(rank: int, x_shape: Numbers, w_shape: Numbers, dtype: np.dtype, stride: Any, padding: Any,
                           output_padding: Any, groups: Any, dilation: Any, flip_kernel: bool, data_format: str, method: str,
                           precision: str | None, workers: int | None) -> Layer:
    """Return what the arguments of a transposed convolution mean."""
    last = arg.choose(data_format, arg.DATA_FORMATS, "data_format") == 1
    batch, channels, m = _split(x_shape, rank, last, "input")
    kernel, groups = _weight_sides(rank, w_shape, groups, flip_kernel, "weight")
    if channels != w_shape[0]:
        raise ValueError(f"input of shape {x_shape} has {channels} channels: expected {w_shape[0]}, as weight of shape {w_shape}")
    stride = arg.per_axis(stride, rank, "stride", 1)
    dilation = arg.per_axis(dilation, rank, "dilation", 1)
    n, pads = _transposed_lengths(m, kernel.spatial, stride, dilation, padding, output_padding)
    arg.output_sizes(n, kernel.spatial, stride, dilation, pads)  # refuses what does not fit in 64 bits
    spec = Spec(stride, dilation, pads, (0,) * rank, 0, groups, 0, arg.choose(method, arg.LAYER_METHODS, "method"),
                arg.precision_code(precision), arg.worker_count(workers))
    return Layer(spec, dtype, _side(batch, groups * w_shape[1], n, last), kernel, _side(batch, channels, m, last), PLAIN_ADJOINT)


def _transposed_lengths(m: Numbers, k: Numbers, stride: Numbers, dilation: Numbers, padding: Any,
                        output_padding: Any) -> tuple[Numbers, Pads]:
    """Return the lengths of the result, and the padding with which correlating such an array gives the lengths `m`."""
    extra = arg.per_axis(output_padding, len(m), "output_padding", 0)
    if any([x >= s and x >= d for x, s, d in zip(extra, stride, dilation)]):
        raise ValueError(f"output_padding={output_padding!r}: expected less than the stride, {stride}, or dilation, {dilation}")
    if isinstance(padding, str) and padding != "valid":
        n = tuple([mi * s for mi, s in zip(m, stride)])
        pads = arg.layer_padding(padding, n, k, stride, dilation)
        if any(extra):
            raise ValueError(f"output_padding={output_padding!r} and padding={padding!r}: expected one of the two")
        return n, pads
    pads = arg.layer_padding(padding, m, k, stride, dilation)
    n = tuple([(mi - 1) * s + d * (ki - 1) + 1 - lo - hi + x
               for mi, s, ki, d, (lo, hi), x in zip(m, stride, k, dilation, pads, extra)])
    if min(n) < 1:
        raise ValueError(f"padding={padding!r}: the result would have lengths {n}, expected at least 1; input has lengths {m}")
    # The end of the result counts as cropped: otherwise `extra` of a stride or more would mean more than `m` outputs.
    return n, tuple([(lo, hi - x) for (lo, hi), x in zip(pads, extra)])


UNDERSTAND: dict[str, Callable[..., Layer]] = {"conv": convolution, "conv_transpose": transposed_convolution}


# The layers themselves


def forward(run: Runner, kind: str, rank: int, input: Any, weight: Any, bias: Any, out: np.ndarray | None,
            *options: Any) -> np.ndarray:
    """Compute a convolution or a transposed one, as `kind` says."""
    input, weight = arg.as_array(input, "input"), arg.as_array(weight, "weight")
    if bias is None:
        dtype = arg.common_dtype(None, input=input, weight=weight)
    else:
        bias = arg.as_array(bias, "bias")
        dtype = arg.common_dtype(None, input=input, weight=weight, bias=bias)
    layer = UNDERSTAND[kind](rank, input.shape, weight.shape, dtype, *options)
    return run_forward(run, layer, input, layer.kernel.to_core(arg.readable(weight, dtype)), bias, out)


def run_forward(run: Runner, layer: Layer, input: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None,
                out: np.ndarray | None) -> np.ndarray:
    """Run the forward pass of a layer on a canonical kernel."""
    dtype, target = layer.dtype, None
    given, side = (layer.output, layer.input) if layer.transposed else (layer.input, layer.output)
    x = given.to_core(arg.readable(input, dtype))
    if bias is not None:
        bias = _bias_row(bias, side, dtype)
    if out is None:
        core, result = side.new(dtype, "the result")
    else:
        target = Target(side, dtype, out, "out", (x, kernel) if bias is None else (x, kernel, bias))
        core = target.core
    if layer.transposed:
        run(BACKWARD_INPUT, core, kernel, x, layer.spec)
    else:
        run(FORWARD, x, kernel, core, layer.spec)
    if bias is not None:
        np.add(core, bias, out=core)
    return result if target is None else target.deliver()


def _check_bias(bias: np.ndarray, side: Side) -> None:
    if bias.shape != side.lead[-1:]:
        raise ValueError(f"bias has shape {bias.shape}: expected {side.lead[-1:]}, one number for each output channel")


def _bias_row(bias: np.ndarray, side: Side, dtype: np.dtype) -> np.ndarray:
    """Return the bias so that it broadcasts against the canonical result."""
    _check_bias(bias, side)
    return arg.readable(bias, dtype).reshape(side.lead[-1:] + (1,) * len(side.spatial))


# Gradients


def vjp(run: Runner, kind: str, rank: int, grad: Any, input: Any, weight: Any, needs: Sequence[bool],
        out: Sequence[np.ndarray | None], *options: Any) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Compute the gradients of a convolution or a transposed one, as `kind` says, for its input, weight and bias."""
    grad, input, weight = arg.as_array(grad, "grad"), arg.as_array(input, "input"), arg.as_array(weight, "weight")
    needs, out = parts(needs, "needs", _ARGUMENTS), parts(out, "out", _ARGUMENTS)
    dtype = arg.common_dtype(None, input=input, weight=weight, grad=grad)
    layer = UNDERSTAND[kind](rank, input.shape, weight.shape, dtype, *options)
    g = _gradient_of_result(grad, layer, "grad")
    x = layer.given.to_core(arg.readable(input, dtype)) if needs[1] else None
    kernel = layer.kernel.to_core(arg.readable(weight, dtype)) if needs[0] else None
    reads = tuple([array for array in (x, kernel, g) if array is not None])
    # All targets are found, and so all arguments checked, before the first pass writes.
    targets = [gradient(layer, side, array, name, need, place, f"out[{i}]", reads) for i, (side, array, name, need, place) in
               enumerate(zip((layer.given, layer.kernel), (input, weight), _ARGUMENTS, needs, out))]
    targets.append(_bias_target(grad, layer, needs[2], out[2], reads))
    _check_apart(out)
    for_input, for_weight, for_bias = targets
    if for_input is not None:
        _run_input_gradient(run, layer, for_input.core, kernel, g)
    if for_weight is not None:
        _run_weight_gradient(run, layer, x, for_weight.core, g)
    if for_bias is not None:
        _sum_of_channels(arg.readable(grad, grad.dtype.newbyteorder("=")), layer, for_bias.core)
    return tuple([None if target is None else target.deliver() for target in targets])


def _check_gradient(grad: np.ndarray, layer: Layer, name: str) -> None:
    """Refuse a gradient for the result that does not have the shape of the result."""
    if grad.shape != layer.result.shape:
        raise ValueError(f"{name} has shape {grad.shape}: expected {layer.result.shape}, what the forward call gives")
    arg.check_bytes(grad.shape, layer.dtype, name)


def _gradient_of_result(grad: np.ndarray, layer: Layer, name: str) -> np.ndarray:
    """Return the gradient for the result in canonical form."""
    _check_gradient(grad, layer, name)
    return layer.result.to_core(arg.readable(grad, layer.dtype))


def _check_apart(out: Sequence[np.ndarray | None]) -> None:
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if out[i] is not None and out[j] is not None and np.shares_memory(out[i], out[j]):
            raise ValueError(f"out[{i}] and out[{j}] overlap: expected arrays that lie apart")


def _run_input_gradient(run: Runner, layer: Layer, core: np.ndarray, kernel: np.ndarray, g: np.ndarray) -> None:
    if layer.transposed:
        run(FORWARD, g, kernel, core, layer.spec_of(FORWARD))
    else:
        run(BACKWARD_INPUT, core, kernel, g, layer.spec_of(BACKWARD_INPUT))


def _run_weight_gradient(run: Runner, layer: Layer, x: np.ndarray, core: np.ndarray, g: np.ndarray) -> None:
    if layer.transposed:
        x, g = g, x
    run(BACKWARD_KERNEL, x, core, g, layer.spec_of(BACKWARD_KERNEL))


def _bias_target(grad: np.ndarray, layer: Layer, need: bool, out: np.ndarray | None,
                 reads: tuple[np.ndarray, ...]) -> Target | None:
    """Return where the bias gradient goes: it has the dtype of `grad`, as no bias is given whose dtype it could have."""
    channels = layer.result.lead[-1:]
    side = Side(None, (), (1, 1), channels)
    own = layer._replace(dtype=grad.dtype.newbyteorder("="))
    return gradient(own, side, grad, "bias", need, out, "out[2]", reads)


def _sum_of_channels(grad: np.ndarray, layer: Layer, core: np.ndarray) -> None:
    """Write the sum of each channel: sample after sample, each as a contiguous copy so that the layout changes no bit."""
    dtype = np.dtype(np.float32) if grad.dtype == np.float16 else grad.dtype
    total = np.zeros(core.shape[-1:], dtype)
    for sample in layer.result.to_core(grad):
        rows = np.ascontiguousarray(sample).reshape(len(sample), -1)
        total += np.add.reduce(rows, axis=1, dtype=dtype)
    core[0, 0] = total


def input_gradient(run: Runner, rank: int, input_size: Iterable[int], weight: Any, grad_output: Any, out: np.ndarray | None,
                   *options: Any) -> np.ndarray:
    """Compute the gradient of a convolution for its input, of which the shape is given."""
    weight, grad = arg.as_array(weight, "weight"), arg.as_array(grad_output, "grad_output")
    dtype = arg.common_dtype(None, weight=weight, grad_output=grad)
    layer = convolution(rank, arg.extents(input_size, "input_size"), weight.shape, dtype, *options, ("input_size", "weight"))
    g, kernel = _gradient_of_result(grad, layer, "grad_output"), layer.kernel.to_core(arg.readable(weight, dtype))
    target = Target(layer.input, dtype, out, "out", (g, kernel))
    _run_input_gradient(run, layer, target.core, kernel, g)
    return target.deliver()


def weight_gradient(run: Runner, rank: int, input: Any, weight_size: Iterable[int], grad_output: Any, out: np.ndarray | None,
                    *options: Any) -> np.ndarray:
    """Compute the gradient of a convolution for its weights, of which the shape is given."""
    input, grad = arg.as_array(input, "input"), arg.as_array(grad_output, "grad_output")
    dtype = arg.common_dtype(None, input=input, grad_output=grad)
    layer = convolution(rank, input.shape, arg.extents(weight_size, "weight_size"), dtype, *options, ("input", "weight_size"))
    g, x = _gradient_of_result(grad, layer, "grad_output"), layer.input.to_core(arg.readable(input, dtype))
    target = Target(layer.kernel, dtype, out, "out", (g, x))
    _run_weight_gradient(run, layer, x, target.core, g)
    return target.deliver()


# Plans


def describe(family: str, rank: int, bound: dict[str, Any], asked: int) -> tuple[Layer, int | None]:
    """Return the layer that the arguments of a function mean, and the pass that it runs; None if it has none such as `asked`."""
    arrays = {name: array for name in ARRAYS[family] if (array := bound.pop(name)) is not None}
    needs = parts(bound.pop("needs", (True,) * 3), "needs", _ARGUMENTS)
    names, shapes = [], []
    for name in ("input", "weight"):
        size = f"{name}_size"
        names.append(size if size in bound else name)
        shapes.append(arg.extents(bound.pop(size), size) if size in bound else arrays[name].shape)
    transposed = family.startswith("conv_transpose")
    if not transposed:
        bound["names"] = names
    layer = UNDERSTAND["conv_transpose" if transposed else "conv"](rank, *shapes, arg.common_dtype(None, **arrays), **bound)
    for name in ("grad", "grad_output"):
        if name in arrays:
            _check_gradient(arrays[name], layer, name)
    if "bias" in arrays:
        _check_bias(arrays["bias"], layer.result)
    if family.endswith("_vjp") and asked == FORWARD:
        asked = BACKWARD_INPUT if needs[0] else BACKWARD_KERNEL
    if family in ("conv_input", "conv_weight"):
        own = BACKWARD_INPUT if family == "conv_input" else BACKWARD_KERNEL
        if asked not in (FORWARD, own):
            return layer, None
        asked = own
    return layer, {FORWARD: BACKWARD_INPUT, BACKWARD_INPUT: FORWARD}.get(asked, asked) if transposed else asked


# Weights for repeated use


class PreparedLayer:
    """Weights with their bias and options, to be called as ``f(input, out=None)``; made by `corrfast.nn.prepare`."""

    __slots__ = ("_bias", "_kept", "_kind", "_options", "_rank", "_run", "_shape", "_weight")

    #: A length that every kernel fits into, for checking options while the shape of the input is not known.
    _LONG = 2**59

    def __init__(self, run: Runner, kind: str, weight: Any, bias: Any, shape: Iterable[int] | None,
                 options: dict[str, Any]) -> None:
        """Check everything that does not depend on the input."""
        self._run, self._kind = run, kind
        if options["precision"] is None:
            options["precision"] = list(arg.PRECISIONS)[arg.PRECISION_SCOPE.get()]
        self._options = {name: arg.frozen(value) for name, value in options.items()}
        self._weight = np.array(arg.as_array(weight, "weight"), order="C")
        self._bias = None if bias is None else np.array(arg.as_array(bias, "bias"))
        self._shape = None if shape is None else arg.extents(shape, "shape")
        self._rank = self._weight.ndim - 2
        if not 1 <= self._rank <= arg.MAX_RANK:
            raise ValueError(f"weight has shape {self._weight.shape}: expected two axes of channels and 1 to {arg.MAX_RANK} spatial "
                             "ones")
        self._kept = None
        layer = self._understand(self._any_shape() if shape is None else self._shape, self._dtype())
        if self._bias is not None:
            _check_bias(self._bias, layer.result)

    def __call__(self, input: Any, out: np.ndarray | None = None) -> np.ndarray:
        """Compute for one input."""
        input = arg.as_array(input, "input")
        if self._shape is not None and input.shape != self._shape:
            raise ValueError(f"input has shape {input.shape}: expected {self._shape}, for which it was prepared")
        kept = self._kept  # one reference, replaced as a whole: threads that share this object need no lock
        if kept is None or kept[0] != input.shape or kept[1] != input.dtype:
            layer = self._understand(input.shape, self._dtype(input=input))
            if kept is not None and kept[2].dtype == layer.dtype:
                kernel = kept[3]  # itself, not an equal one: plans are kept for it
            else:
                kernel = np.ascontiguousarray(layer.kernel.to_core(arg.readable(self._weight, layer.dtype)))
            self._kept = kept = (input.shape, input.dtype, layer, kernel)
        return run_forward(self._run, kept[2], input, kept[3], self._bias, out)

    def __repr__(self) -> str:
        """Name the layer, its arrays, and the options that are not the defaults."""
        plain = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros",
                 "flip_kernel": False, "data_format": "channels_first", "method": "auto", "precision": "default", "workers": None}
        said = [f"weight {self._weight.shape} {self._weight.dtype}"]
        said += [f"bias {self._bias.dtype}"] if self._bias is not None else []
        said += [f"{name}={value!r}" for name, value in self._options.items() if value != plain[name]]
        said += [f"shape={self._shape}"] if self._shape is not None else []
        return f"<prepared {self._kind}{self._rank}d: {', '.join(said)}>"

    def _dtype(self, **input_: np.ndarray) -> np.dtype:
        bias = {} if self._bias is None else {"bias": self._bias}
        return arg.common_dtype(None, **input_, weight=self._weight, **bias)

    def _understand(self, shape: Numbers, dtype: np.dtype) -> Layer:
        return UNDERSTAND[self._kind](self._rank, shape, self._weight.shape, dtype, **self._options)

    def _any_shape(self) -> Numbers:
        """Return a shape of inputs that suits the weights, whatever it is: for checking the options."""
        spatial, channels = (self._LONG,) * self._rank, self._weight.shape[0]
        if self._kind == "conv_transpose":  # its result is longer
            spatial = tuple([max(self._LONG // s, 1) for s in arg.per_axis(self._options["stride"], self._rank, "stride", 1)])
        else:
            channels = self._weight.shape[1] * arg.positive(self._options["groups"], "groups")
        return (*spatial, channels) if self._options["data_format"] == "channels_last" else (channels, *spatial)
