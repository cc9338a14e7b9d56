"""Some outputs of a correlation or a layer, computed in a wider dtype: what every candidate is held against."""

import math

import numpy as np

SAMPLES = 64
WORK = 1 << 22  # products that a check may cost: fewer samples where the kernel is huge


def wide(dtype):
    """A dtype in which sums are exact, or nearly; integers stay integers, whose sums wrap alike at any width."""
    return np.dtype({"f": np.longdouble, "c": np.clongdouble, "i": np.int64, "u": np.uint64}[np.dtype(dtype).kind])


def pads(mode, kernel):
    """What `mode` adds before and after each axis."""
    if mode == "valid":
        return [(0, 0)] * len(kernel)
    if mode == "full":
        return [(k - 1, k - 1) for k in kernel]
    return [(k - 1 - (k - 1) // 2, (k - 1) // 2) for k in kernel]


def some_places(sizes, products, rng):
    """Columns of indices: all corners, and places at random, fewer where each takes many products."""
    corners = np.array(np.meshgrid(*([0, m - 1] for m in sizes))).reshape(len(sizes), -1)
    inside = np.array([rng.integers(0, m, max(1, min(SAMPLES, WORK // products))) for m in sizes])
    return np.unique(np.concatenate([corners, inside], axis=1), axis=1)


def spot_check(x, w, mode="valid", boundary="constant", rng=None):
    """`(places, values)`: all corners of `correlate(x, w)` and outputs at random places.

    x and w have the same rank. Every pass comes down to such a correlation (peers.py).
    """
    rng = rng or np.random.default_rng(0)
    dtype = np.result_type(x, w)
    padded = np.pad(x, pads(mode, w.shape), mode=boundary)
    sizes = [n - k + 1 for n, k in zip(padded.shape, w.shape)]
    places = some_places(sizes, w.size, rng)
    taps = w.conj().astype(wide(dtype))
    values = [np.sum(padded[tuple(slice(p, p + k) for p, k in zip(place, w.shape))] * taps) for place in places.T]
    values = np.array(values)
    return tuple(places), values.astype(dtype) if dtype.kind in "iu" else values


def layer_check(case, x, w, g, rng=None):
    """The same for a layer, or for one of its gradients (`case`, a record of cases.py)."""
    shape, value = {
        "forward": (case.result, result_at),
        "backward_input": (case.shape, input_gradient_at),
        "backward_kernel": (case.weight, weight_gradient_at),
    }[case.pass_]
    places = some_places(shape, case.products // math.prod(shape) + 1, rng or np.random.default_rng(0))
    dtype = wide(x.dtype)
    x, w, g = np.pad(x.astype(dtype), [(0, 0)] * 2 + [(case.padding,) * 2] * (x.ndim - 2)), w.astype(dtype), g.astype(dtype)
    return tuple(places), np.array([value(case, x, w, g, *place) for place in places.T])


def result_at(case, x, w, g, sample, channel, *place):
    inputs = w.shape[1]
    first = channel // (len(w) // case.groups) * inputs
    starts = [o * case.stride for o in place]
    window = tuple(slice(i, i + case.dilation * (k - 1) + 1, case.dilation) for i, k in zip(starts, w.shape[2:]))
    return np.sum(x[(sample, slice(first, first + inputs), *window)] * w[channel])


def input_gradient_at(case, x, w, g, sample, channel, *place):
    group, channel = divmod(channel, w.shape[1])
    outputs = len(w) // case.groups
    of_group = slice(group * outputs, (group + 1) * outputs)
    total = 0
    for tap in np.ndindex(*w.shape[2:]):
        ahead = [i + case.padding - j * case.dilation for i, j in zip(place, tap)]
        if all(a % case.stride == 0 and 0 <= a // case.stride < m for a, m in zip(ahead, g.shape[2:])):
            total += np.sum(g[(sample, of_group, *(a // case.stride for a in ahead))] * w[(of_group, channel, *tap)])
    return total


def weight_gradient_at(case, x, w, g, channel, of_group, *tap):
    first = channel // (len(w) // case.groups) * w.shape[1]
    starts = [j * case.dilation for j in tap]
    samples = tuple(slice(i, i + case.stride * (m - 1) + 1, case.stride) for i, m in zip(starts, g.shape[2:]))
    return np.sum(x[(slice(None), first + of_group, *samples)] * g[:, channel])


def largest_gap(got, want):
    """Largest difference over the largest value of `want`; infinite where one of them is not finite."""
    if got.shape != want.shape:
        return float("inf")
    got, want = (array.astype(wide(array.dtype)) for array in (got, want))
    scale = np.max(np.abs(want), initial=0) or 1
    gap = float(np.max(np.abs(got - want), initial=0) / scale)
    return gap if np.isfinite(gap) else float("inf")
