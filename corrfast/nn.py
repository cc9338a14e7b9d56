"""Layers of neural networks: batch, channels and groups, with PyTorch's functional signatures and results on NumPy arrays.

The functions are thin: `corrfast.layers` understands their arguments. Those of one family differ in their number of spatial axes
alone, and so do their docstrings, which `corrfast.layer_texts` holds once for each family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import arguments as arg
from . import layer_texts, layers
from ._core import PlannedRun
from ._core import run as _run

if TYPE_CHECKING:  # numpy.typing costs several ms to import
    from numpy.typing import ArrayLike

__all__ = [
    "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "conv1d_vjp", "conv2d_vjp", "conv3d_vjp",
    "conv_transpose1d_vjp", "conv_transpose2d_vjp", "conv_transpose3d_vjp",
    "conv1d_input", "conv2d_input", "conv3d_input",
    "conv1d_weight", "conv2d_weight", "conv3d_weight",
    "prepare",
]

PerAxis = int | Iterable[int]
Padding = int | str | Iterable[int | Iterable[int]]
Gradients = tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]


@layer_texts.documented("conv", 1)
def conv1d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
           dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
           data_format: str = "channels_first", method: str = "auto", precision: str | None = None, out: np.ndarray | None = None,
           workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv", 1, input, weight, bias, out, stride, padding, dilation, groups, padding_mode, flip_kernel,
                          data_format, method, precision, workers)


@layer_texts.documented("conv", 2)
def conv2d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
           dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
           data_format: str = "channels_first", method: str = "auto", precision: str | None = None, out: np.ndarray | None = None,
           workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv", 2, input, weight, bias, out, stride, padding, dilation, groups, padding_mode, flip_kernel,
                          data_format, method, precision, workers)


@layer_texts.documented("conv", 3)
def conv3d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
           dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
           data_format: str = "channels_first", method: str = "auto", precision: str | None = None, out: np.ndarray | None = None,
           workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv", 3, input, weight, bias, out, stride, padding, dilation, groups, padding_mode, flip_kernel,
                          data_format, method, precision, workers)


@layer_texts.documented("conv_transpose", 1)
def conv_transpose1d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
                     output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *, flip_kernel: bool = False,
                     data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                     out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv_transpose", 1, input, weight, bias, out, stride, padding, output_padding, groups, dilation,
                          flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_transpose", 2)
def conv_transpose2d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
                     output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *, flip_kernel: bool = False,
                     data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                     out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv_transpose", 2, input, weight, bias, out, stride, padding, output_padding, groups, dilation,
                          flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_transpose", 3)
def conv_transpose3d(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: Padding = 0,
                     output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *, flip_kernel: bool = False,
                     data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                     out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.forward(_run, "conv_transpose", 3, input, weight, bias, out, stride, padding, output_padding, groups, dilation,
                          flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_vjp", 1)
def conv1d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
               dilation: PerAxis = 1, groups: int = 1, *, needs: Sequence[bool] = (True, True, True), padding_mode: str = "zeros",
               flip_kernel: bool = False, data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
               out: Sequence[np.ndarray | None] = (None, None, None), workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv", 1, grad, input, weight, needs, out, stride, padding, dilation, groups, padding_mode,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_vjp", 2)
def conv2d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
               dilation: PerAxis = 1, groups: int = 1, *, needs: Sequence[bool] = (True, True, True), padding_mode: str = "zeros",
               flip_kernel: bool = False, data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
               out: Sequence[np.ndarray | None] = (None, None, None), workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv", 2, grad, input, weight, needs, out, stride, padding, dilation, groups, padding_mode,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_vjp", 3)
def conv3d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
               dilation: PerAxis = 1, groups: int = 1, *, needs: Sequence[bool] = (True, True, True), padding_mode: str = "zeros",
               flip_kernel: bool = False, data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
               out: Sequence[np.ndarray | None] = (None, None, None), workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv", 3, grad, input, weight, needs, out, stride, padding, dilation, groups, padding_mode,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_transpose_vjp", 1)
def conv_transpose1d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                         output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *,
                         needs: Sequence[bool] = (True, True, True), flip_kernel: bool = False, data_format: str = "channels_first",
                         method: str = "auto", precision: str | None = None, out: Sequence[np.ndarray | None] = (None, None, None),
                         workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv_transpose", 1, grad, input, weight, needs, out, stride, padding, output_padding, groups, dilation,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_transpose_vjp", 2)
def conv_transpose2d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                         output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *,
                         needs: Sequence[bool] = (True, True, True), flip_kernel: bool = False, data_format: str = "channels_first",
                         method: str = "auto", precision: str | None = None, out: Sequence[np.ndarray | None] = (None, None, None),
                         workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv_transpose", 2, grad, input, weight, needs, out, stride, padding, output_padding, groups, dilation,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_transpose_vjp", 3)
def conv_transpose3d_vjp(grad: ArrayLike, input: ArrayLike, weight: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                         output_padding: PerAxis = 0, groups: int = 1, dilation: PerAxis = 1, *,
                         needs: Sequence[bool] = (True, True, True), flip_kernel: bool = False, data_format: str = "channels_first",
                         method: str = "auto", precision: str | None = None, out: Sequence[np.ndarray | None] = (None, None, None),
                         workers: int | None = None) -> Gradients:
    return layers.vjp(_run, "conv_transpose", 3, grad, input, weight, needs, out, stride, padding, output_padding, groups, dilation,
                      flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_input", 1)
def conv1d_input(input_size: Iterable[int], weight: ArrayLike, grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                 dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                 data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                 out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.input_gradient(_run, 1, input_size, weight, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                 flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_input", 2)
def conv2d_input(input_size: Iterable[int], weight: ArrayLike, grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                 dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                 data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                 out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.input_gradient(_run, 2, input_size, weight, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                 flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_input", 3)
def conv3d_input(input_size: Iterable[int], weight: ArrayLike, grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                 dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                 data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                 out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.input_gradient(_run, 3, input_size, weight, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                 flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_weight", 1)
def conv1d_weight(input: ArrayLike, weight_size: Iterable[int], grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                  dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                  data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                  out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.weight_gradient(_run, 1, input, weight_size, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                  flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_weight", 2)
def conv2d_weight(input: ArrayLike, weight_size: Iterable[int], grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                  dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                  data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                  out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.weight_gradient(_run, 2, input, weight_size, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                  flip_kernel, data_format, method, precision, workers)


@layer_texts.documented("conv_weight", 3)
def conv3d_weight(input: ArrayLike, weight_size: Iterable[int], grad_output: ArrayLike, stride: PerAxis = 1, padding: Padding = 0,
                  dilation: PerAxis = 1, groups: int = 1, *, padding_mode: str = "zeros", flip_kernel: bool = False,
                  data_format: str = "channels_first", method: str = "auto", precision: str | None = None,
                  out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    return layers.weight_gradient(_run, 3, input, weight_size, grad_output, out, stride, padding, dilation, groups, padding_mode,
                                  flip_kernel, data_format, method, precision, workers)


def prepare(weight: ArrayLike, bias: ArrayLike | None = None, *, function: str | Callable[..., np.ndarray] = "conv",
            stride: PerAxis = 1, padding: Padding = 0, output_padding: PerAxis = 0, dilation: PerAxis = 1, groups: int = 1,
            padding_mode: str = "zeros", flip_kernel: bool = False, data_format: str = "channels_first", method: str = "auto",
            precision: str | None = None, workers: int | None = None, shape: Iterable[int] | None = None) -> layers.PreparedLayer:
    """Keep the weights of a layer, its bias and its options ready for repeated use.

    ``prepare(weight, bias, ...)(input)`` is ``conv2d(input, weight, bias, ...)``, or whichever layer suits the rank of the
    weights, bit for bit. The options are checked here, once; the arrays are copied, so that changing them afterwards changes
    nothing; and what a call works out from the shape and dtype of `input` is kept for the next, with the weights in the form that
    the method reads.

    Parameters
    ----------
    weight, bias : array_like
        As in `conv2d` or `conv_transpose2d`, for 1 to 3 spatial axes; no bias by default.
    function : {"conv", "conv_transpose"} or callable, optional
        What to prepare: a convolution or a transposed one with as many spatial axes as `weight` has; or one of these functions.
    stride, padding, dilation, groups, flip_kernel, data_format, method, precision, workers : optional
        As in that function. A precision of None is that of the `precision_scope` in which `prepare` is called.
    padding_mode : optional
        As in `conv2d`; convolutions alone have it.
    output_padding : optional
        As in `conv_transpose2d`; transposed convolutions alone have it.
    shape : sequence of int, optional
        The shape that every `input` will have. It is then checked here that it suits the weights, and other shapes are refused.

    Returns
    -------
    PreparedLayer
        Called as ``f(input, out=None)``. It may be used from several threads at once.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As that function would.

    Notes
    -----
    Besides the copies of the arrays, the weights are held as the last two kinds of `input`, by shape, dtype and layout, need them:
    not at all where they are read as they lie, packed in their size for products of matrices, in 16/9 of it for Winograd's
    F(2x2, 3x3), in 4 times for F(4x4, 3x3), the most (see `explain`). The first call with another kind of
    input packs them. Long weights that few samples meet gain most, 3x3 ones and those of strided transposed layers.

    Examples
    --------
    >>> import numpy as np
    >>> from corrfast import nn
    >>> layer = nn.prepare(np.ones((2, 1, 3)), np.array([0.0, 10.0]), padding=1)
    >>> layer
    <prepared conv1d: weight (2, 1, 3) float64, bias float64, padding=1>
    >>> layer(np.array([[1.0, 2.0, 3.0]]))
    array([[ 3.,  6.,  5.],
           [13., 16., 15.]])
    """
    kind, rank = function, None
    if callable(function):
        kind, rank = next((known for each, known in FAMILIES.items() if each is function), (None, None))
    if not isinstance(kind, str) or kind not in ("conv", "conv_transpose"):
        raise ValueError(f"function={function!r}: expected 'conv', 'conv_transpose', or one of these functions of corrfast.nn")
    weight = arg.as_array(weight, "weight")
    if rank is not None and weight.ndim != rank + 2:
        raise ValueError(f"weight has shape {weight.shape}: expected {rank + 2} axes, as function is {function.__name__}")
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "flip_kernel": flip_kernel,
               "data_format": data_format, "method": method, "precision": precision, "workers": workers}
    own, other = ("padding_mode", padding_mode), ("output_padding", output_padding)
    if kind == "conv_transpose":
        own, other = other, own
    if other not in (("padding_mode", "zeros"), ("output_padding", 0)):
        raise ValueError(f"{other[0]}={other[1]!r}: {kind} has no such option")
    options.update([own])
    return layers.PreparedLayer(PlannedRun(), kind, weight, bias, shape, options)


#: Each function but `prepare`, with its family and its number of spatial axes.
FAMILIES: dict[Callable[..., Any], tuple[str, int]] = {
    function: (family, rank)
    for family, functions in {
        "conv": (conv1d, conv2d, conv3d),
        "conv_transpose": (conv_transpose1d, conv_transpose2d, conv_transpose3d),
        "conv_vjp": (conv1d_vjp, conv2d_vjp, conv3d_vjp),
        "conv_transpose_vjp": (conv_transpose1d_vjp, conv_transpose2d_vjp, conv_transpose3d_vjp),
        "conv_input": (conv1d_input, conv2d_input, conv3d_input),
        "conv_weight": (conv1d_weight, conv2d_weight, conv3d_weight),
    }.items()
    for rank, function in enumerate(functions, 1)
}
