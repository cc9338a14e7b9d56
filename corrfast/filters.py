"""The public functions on arrays of one channel, 1-D to 3-D, except `correlate` and `convolve` themselves (see _core.pyx)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, calls
from . import arguments as arg
from ._core import PlannedRun
from ._core import run as _run

if TYPE_CHECKING:  # numpy.typing costs several ms to import
    from numpy.typing import ArrayLike, DTypeLike

__all__ = ["Prepared", "conv_transpose", "convolve_vjp", "correlate_vjp", "correlation_lags", "prepare"]

PerAxis = int | Iterable[int]
Padding = int | Iterable[int | Iterable[int]]
Boundary = str | Iterable[str]


def general_forward(a: ArrayLike, v: ArrayLike, mode: str | int, axes: PerAxis | None, stride: PerAxis, dilation: PerAxis,
                    padding: Padding | None, boundary: Boundary, cval: complex, method: str, precision: str | None,
                    dtype: DTypeLike | None, out: np.ndarray | None, workers: int | None, *, flip: bool) -> np.ndarray:
    """Compute `correlate`, or `convolve` where `flip` is true: every call that the short path of `_core` does not take."""
    return calls.forward(_run, a, v, mode, flip=flip, axes=axes, stride=stride, dilation=dilation, padding=padding,
                         boundary=boundary, cval=cval, method=method, precision=precision, dtype=dtype, out=out, workers=workers)


def conv_transpose(g: ArrayLike, v: ArrayLike, mode: str | int = "valid", *, axes: PerAxis | None = None, stride: PerAxis = 1,
                   dilation: PerAxis = 1, padding: Padding | None = None, output_padding: PerAxis = 0,
                   output_shape: PerAxis | None = None, method: str = "auto", precision: str | None = None,
                   dtype: DTypeLike | None = None, out: np.ndarray | None = None, workers: int | None = None) -> np.ndarray:
    """Transposed convolution: the adjoint of `correlate` in its first argument.

    With the stride s, the dilation d and the padding (lo, hi) of the forward call, along each spatial axis::

        a[i] = sum of g[o] * v[j]    over all (o, j) with o*s + j*d - lo == i

    so that ``vdot(g, correlate(a, v, ...)) == vdot(conv_transpose(g, v, ...), a)`` for every `a` of the shape of the result.
    Positions outside the result are dropped; samples that no pair reaches are zero.

    Parameters
    ----------
    g : array_like
        What the forward call returns, or has the shape of: spatial axes last, or where `axes` says; all others are batch.
    v : array_like
        The kernel of the forward call.
    mode : {"valid", "same", "full"}, optional
        The mode of the forward call.
    axes, stride, dilation, padding : optional
        Those of the forward call; see `correlate`.
    output_padding : int or sequence of int, optional
        Lengthens the result at its end, where the stride leaves open how long `a` was; less than the stride.
    output_shape : int or sequence of int, optional
        The spatial lengths of the result, instead of `output_padding`: any that the forward call reduces to the lengths of `g`.
    method : {"auto", "direct", "fft", "separable"}, optional
        How to compute; see `correlate`.
    precision : {None, "default", "exact", "fast"}, optional
        What `method` may trade for speed; None means that of the `precision_scope`.
    dtype : dtype, optional
        dtype of the sums and of the result; both arrays must be castable to it under "same_kind".
    out : ndarray, optional
        A writable array of the shape and dtype of the result, which is written and returned.
    workers : int, optional
        Threads of this call; the default is `get_num_threads`.

    Returns
    -------
    ndarray
        Of spatial lengths ``(m - 1)*s + d*(k - 1) + 1 - lo - hi + output_padding`` and dtype ``result_type(g, v)`` or `dtype`.

    Raises
    ------
    ValueError
        If shapes or sizes do not fit together, if `output_padding` is not below the stride, if no array of `output_shape` gives
        the lengths of `g`, or if `out` is not what it should be.
    TypeError
        If a dtype is not numeric or cannot be cast, or a float stands where an integer belongs.
    OverflowError
        If a size does not fit in 64 bits.

    See Also
    --------
    correlate_vjp : both adjoints, for every boundary rule.

    Notes
    -----
    The adjoint of `convolve` in its first argument is this function with the kernel reversed along its spatial axes and
    conjugated. See V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, chapter 4.

    Examples
    --------
    >>> import corrfast
    >>> corrfast.conv_transpose([1, 10, 100], [1, 2, 3], stride=2)
    array([  1,   2,  13,  20, 130, 200, 300])
    >>> corrfast.conv_transpose([1, 10, 100], [1, 2, 3], stride=2, output_shape=8)
    array([  1,   2,  13,  20, 130, 200, 300,   0])
    """
    return calls.transpose(_run, g, v, mode, axes=axes, stride=stride, dilation=dilation, padding=padding,
                           output_padding=output_padding, output_shape=output_shape, method=method, precision=precision,
                           dtype=dtype, out=out, workers=workers)


def correlate_vjp(g: ArrayLike, a: ArrayLike, v: ArrayLike, mode: str | int = "valid", *, axes: PerAxis | None = None,
                  stride: PerAxis = 1, dilation: PerAxis = 1, padding: Padding | None = None, boundary: Boundary = "constant",
                  cval: complex = 0, method: str = "auto", precision: str | None = None, dtype: DTypeLike | None = None,
                  workers: int | None = None, needs: Sequence[bool] = (True, True),
                  out: Sequence[np.ndarray | None] = (None, None)) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Vector-Jacobian product of `correlate`: the gradients for `a` and `v` from the gradient `g` for the result.

    With the stride s, the dilation d and the padding (lo, hi) of the forward call, along each spatial axis::

        ga[i] = sum of g[o] * v[j]             over all (o, j) whose position o*s + j*d - lo shows a[i]
        gv[j] = sum over o of conj(g[o]) * ext(a)[o*s + j*d - lo]

    where ext(a) is `a` extended by the boundary rule. A position beyond the ends shows the sample that the rule puts there (the
    adjoint of a reflected edge folds back), or none where the boundary is "constant". Both gradients sum over axes along which
    their argument was broadcast.

    Parameters
    ----------
    g : array_like
        The gradient for the result, of exactly its shape.
    a, v : array_like
        The arrays of the forward call.
    mode, axes, stride, dilation, padding, boundary, cval : optional
        The options of the forward call; see `correlate`.
    method, precision, workers : optional
        How to compute; see `correlate`.
    dtype : dtype, optional
        dtype of the sums, by default ``result_type(g, a, v)``; all three must be castable to it under "same_kind".
    needs : (bool, bool), optional
        Which of `ga` and `gv` to compute.
    out : (ndarray or None, ndarray or None), optional
        Writable arrays of the shape and dtype of `a` and of `v`, which are written and returned.

    Returns
    -------
    ga, gv : ndarray or None
        Each of the shape and dtype of its argument, for complex sums and a real argument the real part; None where `needs` is
        false.

    Raises
    ------
    ValueError
        If the forward call would raise it, or `g` or an `out` does not have the shape that it should have.
    TypeError
        If the forward call would raise it, or an argument's dtype cannot hold its gradient (integers with float sums).
    OverflowError
        If a size does not fit in 64 bits.

    See Also
    --------
    conv_transpose : the first gradient without `a`, for the boundary "constant".

    Notes
    -----
    For complex data this is the convention of PyTorch's autograd: the gradient of a real loss L is dL/dx + 1j*dL/dy
    (K. Kreutz-Delgado, "The complex gradient operator and the CR-calculus", arXiv:0906.4835).

    Examples
    --------
    >>> import corrfast
    >>> ga, gv = corrfast.correlate_vjp([1, 10], [1, 2, 3, 4], [1, 0, -1])
    >>> ga
    array([  1,  10,  -1, -10])
    >>> gv
    array([21, 32, 43])
    """
    return calls.vjp(_run, g, a, v, mode, flip=False, axes=axes, stride=stride, dilation=dilation, padding=padding,
                     boundary=boundary, cval=cval, method=method, precision=precision, dtype=dtype, workers=workers, needs=needs,
                     out=out)


def convolve_vjp(g: ArrayLike, a: ArrayLike, v: ArrayLike, mode: str | int = "full", *, axes: PerAxis | None = None,
                 stride: PerAxis = 1, dilation: PerAxis = 1, padding: Padding | None = None, boundary: Boundary = "constant",
                 cval: complex = 0, method: str = "auto", precision: str | None = None, dtype: DTypeLike | None = None,
                 workers: int | None = None, needs: Sequence[bool] = (True, True),
                 out: Sequence[np.ndarray | None] = (None, None)) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Vector-Jacobian product of `convolve`: the gradients for `a` and `v` from the gradient `g` for the result.

    With the stride s, the dilation d and the padding (lo, hi) of the forward call, and k samples in the kernel, along each axis::

        ga[i] = sum of g[o] * conj(v[k-1-j])   over all (o, j) whose position o*s + j*d - lo shows a[i]
        gv[k-1-j] = sum over o of g[o] * conj(ext(a)[o*s + j*d - lo])

    where ext(a) is `a` extended by the boundary rule. Everything else is as in `correlate_vjp`; a scalar counts as an array of
    length 1, and so does its gradient.

    Parameters
    ----------
    g : array_like
        The gradient for the result, of exactly its shape.
    a, v : array_like
        The arrays of the forward call.
    mode, axes, stride, dilation, padding, boundary, cval : optional
        The options of the forward call; see `convolve`.
    method, precision, dtype, workers, needs, out : optional
        As in `correlate_vjp`.

    Returns
    -------
    ga, gv : ndarray or None
        Each of the shape and dtype of its argument, for complex sums and a real argument the real part; None where `needs` is
        false.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As `correlate_vjp`.

    See Also
    --------
    correlate_vjp : formulas, conventions and sources.

    Examples
    --------
    >>> import corrfast
    >>> ga, gv = corrfast.convolve_vjp([1, 10, 100, 1000], [1, 2, 3], [1, -1])
    >>> ga
    array([  -9,  -90, -900])
    >>> gv
    array([ 321, 3210])
    """
    return calls.vjp(_run, g, a, v, mode, flip=True, axes=axes, stride=stride, dilation=dilation, padding=padding,
                     boundary=boundary, cval=cval, method=method, precision=precision, dtype=dtype, workers=workers, needs=needs,
                     out=out)


def prepare(v: ArrayLike, mode: str | int | None = None, *, function: str | Callable[..., np.ndarray] = "correlate",
            axes: PerAxis | None = None, stride: PerAxis = 1, dilation: PerAxis = 1, padding: Padding | None = None,
            boundary: Boundary = "constant", cval: complex = 0, method: str = "auto", precision: str | None = None,
            dtype: DTypeLike | None = None, workers: int | None = None, shape: Iterable[int] | None = None) -> Prepared:
    """Keep a kernel and its options ready for repeated use.

    ``prepare(v, ...)(a)`` is ``correlate(a, v, ...)``, bit for bit. The options are checked here, once; the kernel is copied, so
    that changing `v` afterwards changes nothing; and what a call works out from the shape and dtype of `a` is kept for the next,
    with the kernel in the form that the method reads: see the notes of `corrfast.nn.prepare`.

    Parameters
    ----------
    v : array_like
        The kernel.
    mode : {None, "valid", "same", "full"}, optional
        None means the default of `function`.
    function : {"correlate", "convolve"}, optional
        The function to prepare, by name or itself.
    axes, stride, dilation, padding, boundary, cval, method, precision, dtype, workers : optional
        See `correlate`. A precision of None is that of the `precision_scope` in which `prepare` is called.
    shape : sequence of int, optional
        The shape that every `a` will have. It is then checked here that it suits the kernel, and `a` of another shape is refused.

    Returns
    -------
    Prepared
        Called as ``f(a, out=None)``. It may be used from several threads at once.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As `function` would.

    Examples
    --------
    >>> import corrfast
    >>> smooth = corrfast.prepare([1, 2, 1], "same", boundary="edge")
    >>> smooth
    <prepared correlate: kernel (3,) int64, mode='same', boundary='edge'>
    >>> smooth([0, 0, 4, 0])
    array([0, 4, 8, 4])
    """
    return Prepared(v, mode, function, shape, dtype, axes=axes, stride=stride, dilation=dilation, padding=padding,
                    boundary=boundary, cval=cval, method=method, precision=precision, workers=workers)


class Prepared:
    """A kernel with its options, to be called as ``f(a, out=None)``; made by `prepare`."""

    __slots__ = ("_dtype", "_flip", "_kept", "_kernel", "_mode", "_options", "_run", "_shape")

    #: Multiply-adds that take no longer than finding out what was kept for them.
    _SHORT = 2**16

    #: Any length that no kernel exceeds: options are checked against it while the shape of `a` is not known.
    _LONG = 2**59

    def __init__(self, v: ArrayLike, mode: str | int | None, function: str | Callable[..., np.ndarray],
                 shape: Iterable[int] | None, dtype: DTypeLike | None, **options: Any) -> None:
        """Check everything that does not depend on `a`."""
        if function not in ("correlate", "convolve", _core.correlate, _core.convolve):
            raise ValueError(f"function={function!r}: expected 'correlate' or 'convolve'")
        self._flip = function in ("convolve", _core.convolve)
        self._mode = ("full" if self._flip else "valid") if mode is None else mode
        if options["precision"] is None:
            options["precision"] = list(arg.PRECISIONS)[arg.PRECISION_SCOPE.get()]
        self._dtype = dtype
        self._options = {name: arg.frozen(value) for name, value in options.items()}
        self._kernel = np.array(arg.as_array(v, "v", self._flip), order="C")
        self._shape = None if shape is None else arg.extents(shape, "shape")
        self._kept, self._run = None, PlannedRun()
        known = arg.common_dtype(dtype, v=self._kernel)
        # Without dtype= the sums have a dtype that depends on `a`; a complex one takes every cval.
        self._understand(self._any_shape() if shape is None else self._shape, known if dtype is not None else np.dtype(complex))

    def __call__(self, a: ArrayLike, out: np.ndarray | None = None) -> np.ndarray:
        """Compute for one array."""
        short = type(a) is np.ndarray and a.ndim == self._kernel.ndim == 1 and a.size * self._kernel.size <= self._SHORT
        if short and self._shape in (None, a.shape):
            function = _core.convolve if self._flip else _core.correlate
            return function(a, self._kernel, self._mode, dtype=self._dtype, out=out, **self._options)
        a = arg.as_array(a, "a", self._flip)
        if self._shape is not None and a.shape != self._shape:
            raise ValueError(f"a has shape {a.shape}: expected {self._shape}, for which it was prepared")
        call, kernel = self._understood(a)
        return calls.run_forward(self._run, call, a, kernel, out)

    def __repr__(self) -> str:
        """Name the function, the kernel, and the options that are not the defaults."""
        plain = {"stride": 1, "dilation": 1, "boundary": "constant", "cval": 0, "method": "auto", "precision": "default"}
        said = [f"kernel {self._kernel.shape} {self._kernel.dtype}", f"mode={self._mode!r}"]
        said += [f"{name}={value!r}" for name, value in self._options.items() if value is not None and value != plain.get(name)]
        said += [f"{name}={value!r}" for name, value in (("dtype", self._dtype), ("shape", self._shape)) if value is not None]
        return f"<prepared {'convolve' if self._flip else 'correlate'}: {', '.join(said)}>"

    def _any_shape(self) -> tuple[int, ...]:
        """Return a shape that suits the kernel, whatever it is: for checking the options."""
        axes, own = self._options["axes"], self._kernel.shape
        if axes is None:
            return (self._LONG,) * len(own)
        if len(own) == (len(axes) if isinstance(axes, tuple) else 1):
            return (self._LONG,) * 64  # NumPy's limit; the kernel does not say how many axes `a` has
        spatial = arg.axis_numbers(axes, len(own))
        return tuple([self._LONG if axis in spatial else extent for axis, extent in enumerate(own)])

    def _understand(self, shape: tuple[int, ...], dtype: np.dtype) -> calls.Call:
        return calls.understand(shape, self._kernel.shape, dtype, self._mode, flip=self._flip, **self._options)

    def _understood(self, a: np.ndarray) -> tuple[calls.Call, np.ndarray]:
        kept = self._kept  # one reference, replaced as a whole: threads that share this object need no lock
        if kept is None or kept[0] != a.shape or kept[1] != a.dtype:
            call = self._understand(a.shape, arg.common_dtype(self._dtype, a=a, v=self._kernel))
            if kept is not None and kept[2].dtype == call.dtype and kept[2].kernel == call.kernel:
                kernel = kept[3]  # itself, not an equal one: plans are kept for it
            else:
                kernel = np.ascontiguousarray(call.kernel.to_core(arg.readable(self._kernel, call.dtype)))
            self._kept = kept = (a.shape, a.dtype, call, kernel)
        return kept[2], kept[3]


def correlation_lags(n: int, k: int, mode: str | int = "full") -> np.ndarray:
    """The displacement of the second array, for each sample of the 1-D correlation of arrays of `n` and `k` samples.

    ``correlate(a, v, mode)[i]`` is the sum over j of ``a[j + lags[i]] * conj(v[j])``.

    Parameters
    ----------
    n, k : int
        Lengths of the first and the second array.
    mode : {"full", "same", "valid"}, optional
        The mode of the correlation.

    Returns
    -------
    ndarray of int
        Increasing by 1.

    Raises
    ------
    ValueError
        If a length is below 1 or the mode is none of these.

    Notes
    -----
    These are the values of `scipy.signal.correlation_lags`, except in mode "same" where those do not name the results: for odd
    `n` and even `k` they are one too high, and for `k` > `n` they are `n` lags while NumPy and this package return `k` samples.

    Examples
    --------
    >>> import numpy as np, corrfast
    >>> late = [0, 0, 0, 1, 2, 1]
    >>> early = [0, 1, 2, 1, 0, 0]
    >>> lags = corrfast.correlation_lags(6, 6)
    >>> int(lags[np.argmax(corrfast.correlate(late, early, "full"))])
    2
    """
    n, k = arg.integer(n, "n"), arg.integer(k, "k")
    if min(n, k) < 1:
        raise ValueError(f"n={n}, k={k}: expected lengths of at least 1")
    mode = arg.mode_name(mode)
    padding = arg.swapped_padding(mode, (n,), (k,), flip=False) or arg.mode_padding(mode, (k,), (1,))
    (lo, _), = padding
    m, = arg.output_sizes((n,), (k,), (1,), (1,), padding)
    return np.arange(-lo, m - lo)
