"""Some outputs of a correlation, computed in a wider dtype: what every candidate is held against."""

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


def spot_check(x, w, mode="valid", boundary="constant", rng=None):
    """`(places, values)`: all corners of `correlate(x, w)` and outputs at random places.

    x and w have the same rank. Every pass comes down to such a correlation (peers.py).
    """
    rng = rng or np.random.default_rng(0)
    dtype = np.result_type(x, w)
    padded = np.pad(x, pads(mode, w.shape), mode=boundary)
    sizes = [n - k + 1 for n, k in zip(padded.shape, w.shape)]
    corners = np.array(np.meshgrid(*([0, m - 1] for m in sizes))).reshape(len(sizes), -1)
    inside = np.array([rng.integers(0, m, max(1, min(SAMPLES, WORK // w.size))) for m in sizes])
    places = np.unique(np.concatenate([corners, inside], axis=1), axis=1)
    taps = w.conj().astype(wide(dtype))
    values = [np.sum(padded[tuple(slice(p, p + k) for p, k in zip(place, w.shape))] * taps) for place in places.T]
    values = np.array(values)
    return tuple(places), values.astype(dtype) if dtype.kind in "iu" else values


def largest_gap(got, want):
    """Largest difference over the largest value of `want`; infinite where one of them is not finite."""
    if got.shape != want.shape:
        return float("inf")
    got, want = (array.astype(wide(array.dtype)) for array in (got, want))
    scale = np.max(np.abs(want), initial=0) or 1
    gap = float(np.max(np.abs(got - want), initial=0) / scale)
    return gap if np.isfinite(gap) else float("inf")
