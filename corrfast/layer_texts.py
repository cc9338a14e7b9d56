"""The docstrings of `corrfast.nn`: one text for each family of functions, which differ in their number of spatial axes alone.

In a text ``<rank>`` stands for that number, and ``<6>`` for as many sixes as there are spatial axes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)

_STEPS = """\
stride, dilation : int or sequence of int, optional
    Distance between outputs and between taps, in samples; one for all spatial axes or one for each."""

_PADDING = """\
padding : int, sequence or str, optional
    Samples added before and after each spatial axis: one integer, or an integer or a pair (lo, hi) for each axis; negative numbers
    crop. "valid" is 0. "same" or "same_upper" gives ceil(n / s) outputs from the total max((ceil(n / s) - 1)*s + e + 1 - n, 0), the
    odd sample at the end; "same_lower" has the odd sample at the beginning."""

_COMMON = """\
flip_kernel : bool, optional
    Use the weights reversed along their spatial axes: true convolution instead of correlation.
data_format : {"channels_first", "channels_last"}, optional
    Where inputs and results have their channel axis: before the spatial axes or after them. Weights have the same order in both;
    pass others as transposed views.
method : {"auto", "direct", "winograd", "fft"}, optional
    How to compute; see `corrfast.explain`.
precision : {"default", "exact", "fast"}, optional
    What "auto" may choose: direct sums, Winograd F(2x2, 3x3) and its like, or transforms in float64 ("fft"); direct sums alone; or
    also F(4x4, 3x3), F(4, 3) and, of float32 data, transforms in float32. None means that of the enclosing `precision_scope`."""

_GROUPS = """\
groups : int, optional
    Into how many parts, each with weights of its own, input channels and output channels are divided."""

_MODE = """\
padding_mode : {"zeros", "reflect", "replicate", "circular"}, optional
    What lies beyond the ends: nothing, the array mirrored about its end samples, its end samples repeated, or the array repeated;
    for pads of any length."""

_OUT = """\
out : ndarray, optional
    Writable array of the result's shape and dtype, which is written and returned. It may overlap the other arrays."""

_WORKERS = """\
workers : int, optional
    Most threads to use, by default `get_num_threads()`. The bits of the result do not depend on it."""

_NEEDS = """\
needs : (bool, bool, bool), optional
    Which of the three gradients to compute.
out : (ndarray or None, ndarray or None, ndarray or None), optional
    Writable arrays of the shapes and dtypes of the gradients, which are written and returned."""

_ERRORS = """\
Raises
------
ValueError
    If shapes do not fit together, a size, word or `groups` is not one of those allowed, or the weights span more than the padded
    input.
TypeError
    If a dtype is not numeric, or a float stands where an integer belongs.
OverflowError
    If a size does not fit in 64 bits."""

_GRADIENTS = """\
Returns
-------
g_input, g_weight : ndarray or None
    Each of the shape and dtype of its argument, for complex sums and a real argument the real part. None where `needs` is false.
g_bias : ndarray or None
    The sum of `grad` over all but its channels, of shape (out_channels,) and of the dtype of `grad`.

Raises
------
ValueError
    If the forward call would raise it, or `grad` or an `out` does not have the shape that it should have.
TypeError
    If the forward call would raise it, or an argument's dtype cannot hold its gradient (integers with float sums).
OverflowError
    If a size does not fit in 64 bits."""

_CONV = f"""\
Convolution of arrays with channels along <rank> spatial axes, as `torch.nn.functional.conv<rank>d`.

Inside each group, with the stride s, the dilation d, the pads (lo, hi), e = d*(k - 1), and ext(x) = `input` extended beyond its ends
by `padding_mode`, per spatial axis::

    y[b, co, o] = bias[co] + sum over ci, j of ext(x)[b, ci, o*s + j*d - lo] * weight[co, ci, j]      o = 0 .. m-1
    m = floor((n + lo + hi - e - 1) / s) + 1

Parameters
----------
input : array_like, shape (batch, in_channels, *n) or (in_channels, *n)
    The arrays, with <rank> spatial axes; or one array, without a batch.
weight : array_like, shape (out_channels, in_channels // groups, *k)
    The kernels.
bias : array_like, shape (out_channels,), optional
    Added to each output channel.
{_STEPS}
{_PADDING}
{_GROUPS}
{_MODE}
{_COMMON}
{_OUT}
{_WORKERS}

Returns
-------
ndarray, shape (batch, out_channels, *m) or (out_channels, *m)
    In the data format of `input`, with the dtype ``result_type(input, weight, bias)``, which is also that of the sums. Integers are
    exact modulo 2**bits, bool is logical, float16 is summed in float32, complex numbers are not conjugated.

{_ERRORS}

See Also
--------
conv<rank>d_vjp, conv_transpose<rank>d, prepare, corrfast.explain

Notes
-----
Beyond PyTorch: unequal, negative and "same" pads with any stride, pads of any length, channels last, and every numeric dtype. No
padded copy of the input is made. See V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
arXiv:1603.07285.

Examples
--------
>>> import numpy as np
>>> import corrfast
>>> rng = np.random.default_rng(0)
>>> x, w = rng.integers(-9, 9, (5, 1, <6>)), rng.integers(-9, 9, (4, 1, <3>))
>>> y = corrfast.nn.conv<rank>d(x, w, bias=[0, 0, 7, 0])
>>> y.shape
(5, 4, <4>)
>>> bool((y[3, 2] == corrfast.correlate(x[3, 0], w[2, 0]) + 7).all())
True
>>> corrfast.nn.conv<rank>d(x, w, stride=2, padding="same").shape
(5, 4, <3>)
"""

_TRANSPOSE = f"""\
Transposed convolution of arrays with channels along <rank> spatial axes, as `torch.nn.functional.conv_transpose<rank>d`.

The adjoint of `conv<rank>d` in its input. Inside each group, with the stride s, the dilation d and the pads (lo, hi), per spatial
axis::

    y[b, co, i] = bias[co] + sum of input[b, ci, o] * weight[ci, co, j]      over ci and all (o, j) with o*s + j*d - lo == i

for i = 0 .. n-1. Samples that no pair reaches are the bias.

Parameters
----------
input : array_like, shape (batch, in_channels, *m) or (in_channels, *m)
    The arrays, with <rank> spatial axes; or one array, without a batch.
weight : array_like, shape (in_channels, out_channels // groups, *k)
    The kernels: those of the convolution whose adjoint this is, as they stand.
bias : array_like, shape (out_channels,), optional
    Added to each output channel.
{_STEPS}
padding : int, sequence or str, optional
    The pads of that convolution: one integer, or an integer or a pair (lo, hi) for each axis; they shorten the result. "valid" is 0;
    "same", "same_upper" and "same_lower" give the n = m*s samples that a convolution with such a padding reduces to m.
output_padding : int or sequence of int, optional
    Lengthens the result at its end; less than the stride or less than the dilation.
{_GROUPS}
{_COMMON}
{_OUT}
{_WORKERS}

Returns
-------
ndarray, shape (batch, out_channels, *n) or (out_channels, *n)
    Of lengths ``n = (m - 1)*s + d*(k - 1) + 1 - lo - hi + output_padding``, in the data format of `input`, with the dtype
    ``result_type(input, weight, bias)``, which is also that of the sums.

{_ERRORS}

See Also
--------
conv_transpose<rank>d_vjp, conv<rank>d, conv<rank>d_input, prepare, corrfast.explain

Notes
-----
See V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, chapter 4.

Examples
--------
>>> import numpy as np
>>> from corrfast import nn
>>> rng = np.random.default_rng(0)
>>> x, w = rng.integers(-9, 9, (5, 4, <3>)), rng.integers(-9, 9, (4, 2, <3>))
>>> y = nn.conv_transpose<rank>d(x, w, stride=2, padding=1, output_padding=1)
>>> y.shape
(5, 2, <6>)
>>> g = rng.integers(-9, 9, y.shape)
>>> int(np.vdot(y, g)) == int(np.vdot(x, nn.conv<rank>d(g, w, stride=2, padding=1)))
True
"""

_VJP = f"""\
Vector-Jacobian product of `conv<rank>d`: the gradients for input, weights and bias from that for the result.

Inside each group, with the names of `conv<rank>d`, per spatial axis::

    g_input[b, ci, i] = sum of grad[b, co, o] * conj(weight[co, ci, j])     over co and all (o, j) where o*s + j*d - lo shows i
    g_weight[co, ci, j] = sum over b, o of grad[b, co, o] * conj(ext(x)[b, ci, o*s + j*d - lo])
    g_bias[co] = sum over b, o of grad[b, co, o]

A position beyond the ends shows the sample that `padding_mode` puts there, or none where that is "zeros".

Parameters
----------
grad : array_like, shape (batch, out_channels, *m) or (out_channels, *m)
    The gradient for the result, of exactly its shape.
input, weight : array_like
    The arrays of the forward call.
{_STEPS}
{_PADDING}
{_GROUPS}
{_NEEDS}
{_MODE}
{_COMMON}
{_WORKERS}

{_GRADIENTS}

See Also
--------
conv<rank>d_input, conv<rank>d_weight : one of these gradients from the shape of its argument.

Notes
-----
For complex data this is the convention of PyTorch's autograd: the gradient of a real loss L is dL/dx + 1j*dL/dy
(K. Kreutz-Delgado, "The complex gradient operator and the CR-calculus", arXiv:0906.4835). An empty batch has zero gradients for
weights and bias.

Examples
--------
>>> import numpy as np
>>> from corrfast import nn
>>> rng = np.random.default_rng(0)
>>> x, w = rng.integers(-9, 9, (5, 2, <6>)), rng.integers(-9, 9, (4, 2, <3>))
>>> grad = rng.integers(-9, 9, (5, 4, <4>))
>>> g_input, g_weight, g_bias = nn.conv<rank>d_vjp(grad, x, w)
>>> [g.shape for g in (g_input, g_weight, g_bias)]
[(5, 2, <6>), (4, 2, <3>), (4,)]
>>> int(np.vdot(grad, nn.conv<rank>d(x, w))) == int(np.vdot(g_input, x)) == int(np.vdot(g_weight, w))
True
"""

_TRANSPOSE_VJP = f"""\
Vector-Jacobian product of `conv_transpose<rank>d`: the gradients for input, weights and bias from that for the result.

Inside each group, with the names of `conv_transpose<rank>d`, per spatial axis::

    g_input[b, ci, o] = sum of grad[b, co, i] * conj(weight[ci, co, j])     over co and all (i, j) with o*s + j*d - lo == i
    g_weight[ci, co, j] = sum over b and all (o, i) with o*s + j*d - lo == i of grad[b, co, i] * conj(input[b, ci, o])
    g_bias[co] = sum over b, i of grad[b, co, i]

Parameters
----------
grad : array_like, shape (batch, out_channels, *n) or (out_channels, *n)
    The gradient for the result, of exactly its shape.
input, weight : array_like
    The arrays of the forward call.
stride, padding, output_padding, groups, dilation : optional
    The options of the forward call; see `conv_transpose<rank>d`.
{_NEEDS}
{_COMMON}
{_WORKERS}

{_GRADIENTS}

See Also
--------
conv_transpose<rank>d, conv<rank>d_vjp

Notes
-----
For complex data this is the convention of PyTorch's autograd: the gradient of a real loss L is dL/dx + 1j*dL/dy
(K. Kreutz-Delgado, "The complex gradient operator and the CR-calculus", arXiv:0906.4835).

Examples
--------
>>> import numpy as np
>>> from corrfast import nn
>>> rng = np.random.default_rng(0)
>>> x, w = rng.integers(-9, 9, (5, 4, <3>)), rng.integers(-9, 9, (4, 2, <3>))
>>> y = nn.conv_transpose<rank>d(x, w, stride=2)
>>> g_input, g_weight, g_bias = nn.conv_transpose<rank>d_vjp(y, x, w, stride=2)
>>> int(np.vdot(y, y)) == int(np.vdot(g_input, x)) == int(np.vdot(g_weight, w))
True
"""

_INPUT = f"""\
The gradient of `conv<rank>d` for its input, from the shape of that input: `torch.nn.grad.conv<rank>d_input`.

The first result of `conv<rank>d_vjp`, where the formulas are.

Parameters
----------
input_size : sequence of int
    The shape of the forward call's input.
weight : array_like, shape (out_channels, in_channels // groups, *k)
    The weights of the forward call.
grad_output : array_like, shape (batch, out_channels, *m) or (out_channels, *m)
    The gradient for the result, of exactly its shape.
{_STEPS}
{_PADDING}
{_GROUPS}
{_MODE}
{_COMMON}
{_OUT}
{_WORKERS}

Returns
-------
ndarray
    Of the shape `input_size` and the dtype ``result_type(weight, grad_output)``.

{_ERRORS}

See Also
--------
conv<rank>d_vjp, conv<rank>d_weight, conv_transpose<rank>d

Examples
--------
>>> import numpy as np
>>> from corrfast import nn
>>> nn.conv<rank>d_input((5, 2, <6>), np.ones((4, 2, <3>)), np.ones((5, 4, <4>))).shape
(5, 2, <6>)
"""

_WEIGHT = f"""\
The gradient of `conv<rank>d` for its weights, from their shape: `torch.nn.grad.conv<rank>d_weight`.

The second result of `conv<rank>d_vjp`, where the formulas are.

Parameters
----------
input : array_like, shape (batch, in_channels, *n) or (in_channels, *n)
    The input of the forward call.
weight_size : sequence of int
    The shape of the forward call's weights.
grad_output : array_like, shape (batch, out_channels, *m) or (out_channels, *m)
    The gradient for the result, of exactly its shape.
{_STEPS}
{_PADDING}
{_GROUPS}
{_MODE}
{_COMMON}
{_OUT}
{_WORKERS}

Returns
-------
ndarray
    Of the shape `weight_size` and the dtype ``result_type(input, grad_output)``.

{_ERRORS}

See Also
--------
conv<rank>d_vjp, conv<rank>d_input

Examples
--------
>>> import numpy as np
>>> from corrfast import nn
>>> nn.conv<rank>d_weight(np.ones((5, 2, <6>)), (4, 2, <3>), np.ones((5, 4, <4>))).shape
(4, 2, <3>)
"""

_TEXTS = {"conv": _CONV, "conv_transpose": _TRANSPOSE, "conv_vjp": _VJP, "conv_transpose_vjp": _TRANSPOSE_VJP, "conv_input": _INPUT,
          "conv_weight": _WEIGHT}


def documented(family: str, rank: int) -> Callable[[Function], Function]:
    """Return a decorator that gives a function the docstring of its family."""
    def decorate(function: Function) -> Function:
        text = _TEXTS[family].replace("<rank>", str(rank))
        function.__doc__ = re.sub(r"<(\d)>", lambda found: ", ".join(found[1] * rank), text)
        return function

    return decorate
