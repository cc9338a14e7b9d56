"""The definition: the three passes in plain NumPy, and the public functions built on them.

Tests compare every method of the C library with this module, and this module with NumPy, SciPy and sums over index triples.
It is written to be read; it takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import calls
from .arguments import BACKWARD_INPUT, BACKWARD_KERNEL, CONJ_INPUT, CONJ_KERNEL, CONJ_OUTPUT, FORWARD, Spec

__all__ = ["conv_transpose", "convolve", "convolve_vjp", "correlate", "correlate_vjp", "run"]

Gradients = tuple[np.ndarray | None, np.ndarray | None]
Shape = tuple[int, ...]

_CONSTANT, _EDGE, _WRAP, _SYMMETRIC, _REFLECT = range(5)


def run(pass_: int, input: np.ndarray, kernel: np.ndarray, output: np.ndarray, spec: Spec) -> None:
    """Overwrite one of three arrays from the other two.

    A problem is a set of index triples: output ``o``, tap ``j`` and input ``i`` belong together where the position
    ``p = o*stride + j*dilation - lo`` along each spatial axis is ``i``, or is mapped to ``i`` by the boundary rule. With these

        FORWARD            output[b, co, o] = sum over ci, j  of  input[b, ci, i] * kernel[co, ci, j]
        BACKWARD_INPUT     input[b, ci, i]  = sum over co, j  of  output[b, co, o] * kernel[co, ci, j]
        BACKWARD_KERNEL    kernel[co, ci, j] = sum over b, o  of  output[b, co, o] * input[b, ci, i]

    where ``co`` and ``ci`` are in the same group, and every operand that is read is conjugated if `spec.conj` says so. Under the
    boundary "constant", a position outside the array belongs to no triple if `cval` is 0, else to one whose input is `cval`.

    Integers wrap modulo 2**bits, bool is "or" of "and"s, float16 is summed in float32 and rounded once, and every other dtype is
    summed in itself. The bits of `spec` that concern speed are ignored.

    Parameters
    ----------
    pass_ : int
        FORWARD, BACKWARD_INPUT or BACKWARD_KERNEL.
    input : ndarray, shape (batch, groups*cin, *n)
    kernel : ndarray, shape (groups*cout, cin, *k)
    output : ndarray, shape (batch, groups*cout, *m)
        Arrays of one dtype. The one that the pass computes does not overlap the others.
    spec : Spec
        Stride, dilation, padding, boundary, cval, groups and conj are used.
    """
    with np.errstate(all="ignore"):  # overflow and NaN are results here, as in np.convolve
        x, w, y = _by_group(input, kernel, output, spec.groups)
        x, w, y = (np.conj(a) if spec.conj & bit else a for a, bit in ((x, CONJ_INPUT), (w, CONJ_KERNEL), (y, CONJ_OUTPUT)))
        if pass_ == FORWARD:
            output[...] = _forward(x, w, y.shape, spec).reshape(output.shape)
        elif pass_ == BACKWARD_INPUT:
            input[...] = _backward_input(x.shape, w, y, spec).reshape(input.shape)
        elif pass_ == BACKWARD_KERNEL:
            kernel[...] = _backward_kernel(x, w.shape, y, spec).reshape(kernel.shape)
        else:
            raise ValueError(f"pass_={pass_!r}: expected {FORWARD}, {BACKWARD_INPUT} or {BACKWARD_KERNEL}")


def _forward(x: np.ndarray, w: np.ndarray, y_shape: Shape, spec: Spec) -> np.ndarray:
    y, filled = np.zeros(y_shape, x.dtype), _with_cval(x, spec)
    for j, o, i in _triples(x.shape, w.shape, y_shape, spec, fill=True):
        y[o] += np.einsum("bgi...,goi->bgo...", filled[i], w[j])
    return y


def _backward_input(x_shape: Shape, w: np.ndarray, y: np.ndarray, spec: Spec) -> np.ndarray:
    x = np.zeros(x_shape, y.dtype)
    for j, o, i in _triples(x_shape, w.shape, y.shape, spec, fill=False):
        np.add.at(x, i, np.einsum("bgo...,goi->bgi...", y[o], w[j]))  # add.at: several o may share one i
    return x


def _backward_kernel(x: np.ndarray, w_shape: Shape, y: np.ndarray, spec: Spec) -> np.ndarray:
    w, filled = np.zeros(w_shape, y.dtype), _with_cval(x, spec)
    axes = "xyz"[:len(spec.stride)]
    for j, o, i in _triples(x.shape, w_shape, y.shape, spec, fill=True):
        w[j] = np.einsum(f"bgo{axes},bgi{axes}->goi", y[o], filled[i])
    return w


def _triples(x_shape: Shape, w_shape: Shape, y_shape: Shape, spec: Spec, fill: bool) -> Iterator[tuple]:
    """Yield for each tap its index in the kernel, and those of the outputs and of the inputs that belong to it.

    With `fill` and a `cval` other than 0, a position outside becomes the index n of the sample that `_with_cval` appends.
    Taps without any output are left out, as np.einsum (NumPy 2.4) writes one element into an empty result.
    """
    every = (slice(None),) * 3  # the axes before the spatial ones
    axes = list(zip(x_shape[3:], y_shape[3:], spec.stride, spec.dilation, spec.padding, spec.boundary))
    for j in np.ndindex(w_shape[3:] if x_shape[0] else (0,)):
        outputs, inputs = [], []
        for tap, (n, m, stride, dilation, (lo, _), rule) in zip(j, axes):
            o = np.arange(m)
            i, inside = _source(o * stride + (tap * dilation - lo), n, rule)
            if fill and spec.cval != 0:
                i = np.where(inside, i, n)
            else:
                o, i = o[inside], i[inside]
            outputs.append(o)
            inputs.append(i)
        if all([o.size for o in outputs]):
            yield every + j, every + np.ix_(*outputs), every + np.ix_(*inputs)


def _source(p: np.ndarray, n: int, rule: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sample that each position of the extended axis shows, and whether it shows one."""
    inside = (p >= 0) & (p < n)
    if rule == _CONSTANT:
        return p, inside
    if rule == _EDGE:
        i = np.clip(p, 0, n - 1)
    elif rule == _WRAP:
        i = p % n
    elif rule == _SYMMETRIC:  # period 2n: d c b a | a b c d | d c b a
        i = p % (2 * n)
        i = np.minimum(i, 2 * n - 1 - i)
    else:  # _REFLECT, period 2n - 2: d c b | a b c d | c b a
        period = max(2 * n - 2, 1)
        i = p % period
        i = np.minimum(i, period - i) if n > 1 else i
    return i, np.ones_like(inside)


def _with_cval(x: np.ndarray, spec: Spec) -> np.ndarray:
    """Append one sample `cval` to each axis of constant boundary, if `cval` is not 0; conjugated if the input is."""
    if spec.cval == 0:
        return x
    cval = np.conj(spec.cval) if spec.conj & CONJ_INPUT else spec.cval
    after = [(0, int(rule == _CONSTANT)) for rule in spec.boundary]
    return np.pad(x, [(0, 0)] * 3 + after, constant_values=x.dtype.type(cval))


def _by_group(input: np.ndarray, kernel: np.ndarray, output: np.ndarray, groups: int) -> tuple[np.ndarray, ...]:
    """Return the arrays with an axis of their own for the groups, in the dtype of the sums."""
    cout, cin = kernel.shape[0] // groups, kernel.shape[1]
    shapes = (
        (input.shape[0], groups, cin) + input.shape[2:],
        (groups, cout, cin) + kernel.shape[2:],
        (output.shape[0], groups, cout) + output.shape[2:],
    )
    sums = np.promote_types(input.dtype, np.float32) if input.dtype == np.float16 else input.dtype
    return tuple(a.reshape(shape).astype(sums, copy=False) for a, shape in zip((input, kernel, output), shapes))


def correlate(a: Any, v: Any, mode: str | int = "valid", **options: Any) -> np.ndarray:
    """`corrfast.correlate`, computed by `run`."""
    return calls.forward(run, a, v, mode, flip=False, **options)


def convolve(a: Any, v: Any, mode: str | int = "full", **options: Any) -> np.ndarray:
    """`corrfast.convolve`, computed by `run`."""
    return calls.forward(run, a, v, mode, flip=True, **options)


def conv_transpose(g: Any, v: Any, mode: str | int = "valid", **options: Any) -> np.ndarray:
    """`corrfast.conv_transpose`, computed by `run`."""
    return calls.transpose(run, g, v, mode, **options)


def correlate_vjp(g: Any, a: Any, v: Any, mode: str | int = "valid", **options: Any) -> Gradients:
    """`corrfast.correlate_vjp`, computed by `run`."""
    return calls.vjp(run, g, a, v, mode, flip=False, **options)


def convolve_vjp(g: Any, a: Any, v: Any, mode: str | int = "full", **options: Any) -> Gradients:
    """`corrfast.convolve_vjp`, computed by `run`."""
    return calls.vjp(run, g, a, v, mode, flip=True, **options)
