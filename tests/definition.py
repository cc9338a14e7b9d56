"""The operation of corrfast, written a second time from its definition, in Python integers.

`corrfast.reference` is the oracle of the other tests; this file is what the oracle itself is tested against.  It shares no code
with the package: sizes, modes, boundaries and sums are written here again, as plainly as possible and without regard to speed.

A problem is a *function* ("correlate" or "convolve"), the two shapes and the keywords that a user would write.  Samples are
exact: arrays of Python integers (dtype object), or complex128 arrays of whole numbers.
"""
from typing import NamedTuple

import numpy as np

DEFAULT_MODE = {"correlate": "valid", "convolve": "full"}
INTEGER_MODES = {0: "valid", 1: "same", 2: "full"}


class Geometry(NamedTuple):
    """Where each spatial axis stands, and the integers of the definition, per spatial axis."""

    a_axes: tuple       # places of the spatial axes in `a` (and in the result)
    v_axes: tuple       # places of the spatial axes in `v`
    n: tuple            # samples
    k: tuple            # taps
    m: tuple            # results
    stride: tuple
    dilation: tuple
    padding: tuple      # (lo, hi)
    boundary: tuple     # np.pad's names
    cval: object
    batch: tuple        # shape of the other axes of the result, in order

    @property
    def output_shape(self):
        sizes = iter(self.batch)
        spatial = dict(zip(self.a_axes, self.m, strict=True))
        return tuple(spatial[i] if i in spatial else next(sizes) for i in range(len(self.batch) + len(self.m)))


def per_axis(value, rank):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def mode_padding(function, mode, n, k, dilation, plain):
    """(lo, hi) per axis that a mode stands for; `plain`: a call with nothing but NumPy's parameters."""
    rank = len(n)
    extent = tuple(d * (length - 1) for d, length in zip(dilation, k, strict=True))
    if plain and rank == 1 and k[0] > n[0]:                     # NumPy's answer for a kernel longer than the array
        samples, taps = n[0], k[0]
        if mode == "full":
            return ((taps - 1, taps - 1),)
        if mode == "valid":
            return ((taps - samples, taps - samples),)
        centre = samples // 2 if function == "correlate" else (samples - 1) // 2
        lo = taps - 1 - centre
        return ((lo, 2 * taps - 1 - samples - lo),)
    if plain and rank > 1 and mode == "valid" and any(t > s for s, t in zip(n, k, strict=True)):
        if any(t < s for s, t in zip(n, k, strict=True)):
            raise ValueError("valid: neither array is at least as long as the other on every axis")
        return tuple((t - s, t - s) for s, t in zip(n, k, strict=True))
    if mode == "full":
        return tuple((e, e) for e in extent)
    if mode == "same":
        return tuple((e - e // 2, e // 2) for e in extent)
    return ((0, 0),) * rank


def geometry(function, a_shape, v_shape, *, mode=None, padding=None, stride=1, dilation=1, boundary="constant", cval=0, axes=None,
             **others):
    """The problem's integers.  Raises ValueError where the definition gives no result."""
    if axes is None:
        rank = len(v_shape)
        a_axes, v_axes = tuple(range(len(a_shape) - rank, len(a_shape))), tuple(range(rank))
        batch = a_shape[:len(a_shape) - rank]
    else:
        a_axes = tuple(axis % len(a_shape) for axis in per_axis(axes, 1))
        rank = len(a_axes)
        rest = [i for i in range(len(a_shape)) if i not in a_axes]
        if len(v_shape) == len(a_shape):
            v_axes = a_axes
            batch = np.broadcast_shapes(tuple(a_shape[i] for i in rest), tuple(v_shape[i] for i in rest))
        else:
            v_axes = tuple(range(rank))
            batch = tuple(a_shape[i] for i in rest)
    n, k = tuple(a_shape[i] for i in a_axes), tuple(v_shape[i] for i in v_axes)
    stride, dilation, boundary = (per_axis(x, rank) for x in (stride, dilation, boundary))
    if padding is None:
        plain = (len(a_shape) == len(v_shape) and axes is None and cval == 0
                 and set(stride) == set(dilation) == {1} and set(boundary) == {"constant"})
        mode = DEFAULT_MODE[function] if mode is None else mode
        pads = mode_padding(function, INTEGER_MODES.get(mode, mode), n, k, dilation, plain)
    else:
        pads = tuple(per_axis(p, 2) for p in per_axis(padding, rank))
    m = []
    for size, taps, s, d, (lo, hi) in zip(n, k, stride, dilation, pads, strict=True):
        room = size + lo + hi - d * (taps - 1) - 1
        if room < 0:
            raise ValueError("kernel larger than the padded array")
        m.append(room // s + 1)
    return Geometry(a_axes, v_axes, n, k, tuple(m), stride, dilation, pads, boundary, cval, tuple(batch))


def source(position, n, rule):
    """The sample that stands at `position` of the extended array, or None for the constant outside."""
    if 0 <= position < n:
        return position
    if rule == "constant":
        return None
    if rule == "edge":
        return 0 if position < 0 else n - 1
    if rule == "wrap":
        return position % n
    if rule == "symmetric":
        position %= 2 * n
        return min(position, 2 * n - 1 - position)
    if rule == "reflect":
        if n == 1:
            return 0
        position %= 2 * n - 2
        return min(position, 2 * n - 2 - position)
    raise AssertionError(rule)


def index_maps(problem):
    """Per spatial axis an array [o, j] of the sample read by result o and tap j; n stands for "outside"."""
    maps = []
    for axis in range(len(problem.n)):
        n, s, d = problem.n[axis], problem.stride[axis], problem.dilation[axis]
        lo, rule = problem.padding[axis][0], problem.boundary[axis]
        read = s * np.arange(problem.m[axis])[:, None] + d * np.arange(problem.k[axis]) - lo
        positions, place = np.unique(read, return_inverse=True)
        found = [source(p, n, rule) for p in positions.tolist()]
        maps.append(np.array([n if i is None else i for i in found])[place.reshape(read.shape)])
    return maps


def _rows(array, axes, batch):
    """`array` as (rows, spatial...), the other axes broadcast to `batch` and flattened."""
    moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
    spatial = moved.shape[moved.ndim - len(axes):]
    return np.broadcast_to(moved, batch + spatial).reshape((-1,) + spatial)


def _windows(problem, row, maps):
    """[o..., j...] samples of one row read by each result and tap, and whether they lie outside."""
    outside = np.full(tuple(n + 1 for n in problem.n), problem.cval, dtype=row.dtype)
    outside[tuple(slice(0, n) for n in problem.n)] = row
    rank = len(maps)
    grid = tuple(table.reshape(tuple(table.shape[0] if i == axis else table.shape[1] if i == rank + axis else 1
                                     for i in range(2 * rank))) for axis, table in enumerate(maps))
    return outside[grid], grid


def _setup(function, a_shape, v, options):
    problem = geometry(function, a_shape, v.shape, **options)
    taps = v if function == "correlate" else v[tuple(slice(None, None, -1) if i in problem.v_axes else slice(None)
                                                     for i in range(v.ndim))]
    return problem, taps, index_maps(problem)


def _restore(rows, problem, batch):
    """(rows, spatial...) back to the shape and order of axes of the user's array."""
    array = rows.reshape(batch + rows.shape[1:])
    return np.moveaxis(array, range(len(batch), array.ndim), problem.a_axes)


def forward(function, a, v, **options):
    problem, taps, maps = _setup(function, a.shape, v, options)
    if function == "correlate":
        taps = np.conj(taps)
    rank = len(maps)
    rows = []
    for x, w in zip(_rows(a, problem.a_axes, problem.batch), _kernels(taps, problem), strict=True):
        window, _ = _windows(problem, x, maps)
        rows.append((window * w).reshape(problem.m + (-1,)).sum(axis=rank))
    result = np.array(rows, dtype=np.result_type(a, v)).reshape((len(rows),) + problem.m)
    return _restore(result, problem, problem.batch)


def _kernels(taps, problem):
    if taps.ndim == len(problem.batch) + len(problem.m):
        return _rows(taps, problem.v_axes, problem.batch)
    return [taps] * int(np.prod(problem.batch, dtype=int))


def _fold(array, shape):
    """The adjoint of broadcasting: sums over the axes along which an array of `shape` was repeated."""
    lead = array.ndim - len(shape)
    array = array.sum(axis=tuple(range(lead))) if lead else array
    repeated = tuple(i for i, (got, want) in enumerate(zip(array.shape, shape, strict=True)) if got != want)
    return array.sum(axis=repeated, keepdims=True) if repeated else array


def input_gradient(function, g, a_shape, v, **options):
    """correlate: sum of g*v, convolve: sum of g*conj(v), over the index pairs of the forward pass."""
    problem, taps, maps = _setup(function, a_shape, v, options)
    if function == "convolve":
        taps = np.conj(taps)
    rank, rows = len(maps), []
    zeros = np.zeros(problem.n, dtype=np.result_type(g, v))
    for grad, w in zip(_rows(g, problem.a_axes, problem.batch), _kernels(taps, problem), strict=True):
        grown = np.zeros(tuple(n + 1 for n in problem.n), dtype=zeros.dtype)     # the last place gathers what lies outside
        _, grid = _windows(problem, zeros, maps)
        np.add.at(grown, tuple(np.broadcast_arrays(*grid)), grad.reshape(problem.m + (1,) * rank) * w)
        rows.append(grown[tuple(slice(0, n) for n in problem.n)])
    result = np.array(rows, dtype=zeros.dtype).reshape((len(rows),) + problem.n)
    return _fold(_restore(result, problem, problem.batch), a_shape)


def kernel_gradient(function, g, a, v_shape, **options):
    """correlate: sum of conj(g)*ext(a), convolve: sum of g*conj(ext(a)), over the index pairs of the forward pass."""
    problem = geometry(function, a.shape, v_shape, **options)
    maps, rank, rows = index_maps(problem), len(problem.m), []
    for grad, x in zip(_rows(g, problem.a_axes, problem.batch), _rows(a, problem.a_axes, problem.batch), strict=True):
        window, _ = _windows(problem, x, maps)
        if function == "correlate":
            grad = np.conj(grad)
        else:
            window = np.conj(window)[(Ellipsis,) + (slice(None, None, -1),) * rank]
        rows.append((window * grad.reshape(problem.m + (1,) * rank)).reshape((-1,) + problem.k).sum(axis=0))
    result = np.array(rows, dtype=np.result_type(g, a)).reshape((len(rows),) + problem.k)
    if len(v_shape) == len(a.shape):
        result = result.reshape(problem.batch + problem.k)
        return _fold(np.moveaxis(result, range(len(problem.batch), result.ndim), problem.v_axes), v_shape)
    return result.sum(axis=0)


def wrapped(values, dtype):
    """Exact values (Python integers or whole complex numbers) as an array of `dtype`: modulo 2**bits, or logical for bool."""
    dtype = np.dtype(dtype)
    values = np.asarray(values)
    if dtype.kind == "b":
        return np.array([bool(x) for x in values.ravel()], dtype=bool).reshape(values.shape)
    if dtype.kind in "iu":
        bits = 8 * dtype.itemsize
        unsigned = np.array([int(x) % 2**bits for x in values.ravel()], dtype=f"u{dtype.itemsize}")
        return unsigned.view(dtype).reshape(values.shape)
    return values.astype(dtype)
