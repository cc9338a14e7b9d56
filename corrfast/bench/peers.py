"""How corrfast and each installed peer compute a case, every one in its best spelling."""

import contextlib
import importlib.metadata
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

import corrfast

from .cases import Filter, Layer, random_array
from .exact import layer_check, pads, spot_check


def optional(name):
    try:
        return __import__(name, fromlist=["_"])
    except ImportError:
        return None


cv2, fft, ndimage, signal, threadpoolctl = map(optional, ["cv2", "scipy.fft", "scipy.ndimage", "scipy.signal", "threadpoolctl"])

NDIMAGE_MODES = {"constant": "constant", "symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}
CV2_BORDERS = {"constant": 0, "edge": 1, "symmetric": 2, "reflect": 4}  # cv2.BORDER_*; filter2D has no wrap

# Products, or taps, beyond which a peer's way is left out: it would take seconds and is never the best.
MOST_TAP_BY_TAP = 4e8
MOST_NDIMAGE = 4e8
MOST_FILTER2D_TAPS = 5_000


@dataclass
class Contest:
    """One case, ready to run."""

    candidates: dict[str, Callable]  # corrfast first
    check: Callable  # -> (places, exact values)
    explain: Callable  # -> the Plan


@singledispatch
def contest(case, rng):
    """Arrays, candidates and the exact answer of a case; one function for each kind of case."""
    raise TypeError(f"no way is known to run a {type(case).__name__}")


@contest.register
def _(case: Filter, rng):
    a, v = case.arrays(rng)
    every = (slice(None, None, -1),) * v.ndim
    options = {} if case.boundary == "constant" else {"boundary": case.boundary}
    if case.pass_ == "forward":
        x, w, mode = a, v.reshape((1,) * (a.ndim - v.ndim) + v.shape), case.mode
        ours = lambda: corrfast.correlate(a, v, case.mode, **options)  # noqa: E731
    else:
        g = random_array(rng, [n - k + 1 for n, k in zip(a.shape, v.shape)], case.dtype)
        first = case.pass_ == "backward_input"
        # Both gradients of a valid correlation are correlations again, and this is how the peers compute them.
        x, w, mode = (g, np.conj(v[every]).copy(), "full") if first else (a, g, "valid")
        ours = lambda: corrfast.correlate_vjp(g, a, v, case.mode, needs=(first, not first))[not first]  # noqa: E731
    return Contest(
        candidates={"corrfast": ours, **correlations(x, w, mode, case.boundary, case.gaussian and case.gaussian_factors())},
        check=lambda: spot_check(x, w, mode, case.boundary),
        explain=lambda: corrfast.explain(corrfast.correlate, a, v, case.mode, pass_=case.pass_, **options),
    )


@contest.register
def _(case: Layer, rng):
    x, w, g = case.arrays(rng)
    conv, vjp = (getattr(corrfast.nn, f"conv{len(case.shape) - 2}d{suffix}") for suffix in ("", "_vjp"))
    needs = [case.pass_ == "backward_input", case.pass_ == "backward_kernel", False]
    if case.pass_ == "forward":
        ours = lambda: conv(x, w, **case.options)  # noqa: E731
    else:
        ours = lambda: vjp(g, x, w, needs=needs, **case.options)[needs.index(True)]  # noqa: E731
    candidates = {"corrfast": ours, "numpy.matmul": by_matmul(case, x, w, g)}
    torch = optional("torch")  # here and not above: importing it takes seconds, which only layers are worth
    if torch:
        candidates["torch"] = by_torch(torch, case, x, w, g, needs)
    return Contest(
        candidates=candidates,
        check=lambda: layer_check(case, x, w, g),
        explain=lambda: corrfast.explain(conv, x, w, pass_=case.pass_, **case.options),
    )


def by_matmul(case, x, w, g):
    """Plain NumPy: for each tap, a product of its matrix (output by input channels) with all the samples that it meets."""
    groups, inputs, outputs = case.groups, w.shape[1], len(w) // case.groups
    widths = [(0, 0)] * 2 + [(case.padding,) * 2] * (x.ndim - 2)
    sizes = case.result[2:]
    taps = w.reshape(groups, outputs, *w.shape[1:])
    rows = g.reshape(len(g), groups, outputs, -1)

    def met(tap):
        starts = [j * case.dilation for j in tap]
        return (..., *(slice(i, i + case.stride * (m - 1) + 1, case.stride) for i, m in zip(starts, sizes)))

    def forward():
        padded, total = np.pad(x, widths), np.zeros((len(x), groups, outputs, math.prod(sizes)), x.dtype)
        for tap in np.ndindex(*w.shape[2:]):
            total += taps[(..., *tap)] @ padded[met(tap)].reshape(len(x), groups, inputs, -1)
        return total.reshape(case.result)

    def backward_input():
        total = np.zeros([n + before + after for n, (before, after) in zip(x.shape, widths)], x.dtype)
        for tap in np.ndindex(*w.shape[2:]):
            total[met(tap)] += (taps[(..., *tap)].swapaxes(1, 2) @ rows).reshape(*x.shape[:2], *sizes)
        return total[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths))]

    def backward_kernel():
        padded, result = np.pad(x, widths), np.empty_like(taps)
        for tap in np.ndindex(*w.shape[2:]):
            samples = padded[met(tap)].reshape(len(x), groups, inputs, -1)
            result[(..., *tap)] = (rows @ samples.swapaxes(2, 3)).sum(axis=0)
        return result.reshape(w.shape)

    return {"forward": forward, "backward_input": backward_input, "backward_kernel": backward_kernel}[case.pass_]


def by_torch(torch, case, x, w, g, needs):
    torch.set_num_threads(corrfast.get_num_threads())
    x, w, g = map(torch.from_numpy, (x, w, g))
    rank = x.ndim - 2
    if case.pass_ == "forward":
        conv = getattr(torch.nn.functional, f"conv{rank}d")
        return lambda: conv(x, w, None, **case.options).numpy()
    stride, padding, dilation, extra = ([value] * rank for value in (case.stride, case.padding, case.dilation, 0))
    backward = torch.ops.aten.convolution_backward
    place = needs.index(True)
    return lambda: backward(g, x, w, None, stride, padding, dilation, False, extra, case.groups, needs)[place].numpy()


def correlations(x, w, mode, boundary="constant", factors=None):
    """`{name: call}` for each peer that can correlate x with w; `factors` are w's, one per axis, if it has them."""
    sizes = [n + lo + hi - k + 1 for n, k, (lo, hi) in zip(x.shape, w.shape, pads(mode, w.shape))]
    products = math.prod(sizes) * w.size
    plain = boundary == "constant"
    runs = {}
    if plain and w.size == w.shape[-1]:
        runs["numpy.correlate"] = by_numpy(x, w, mode)
    elif products < MOST_TAP_BY_TAP:
        runs["numpy, tap by tap"] = tap_by_tap(x, w, mode, boundary, sizes)
    if signal and plain and x.dtype.kind in "fc":
        flipped = np.conj(w[(slice(None, None, -1),) * w.ndim])
        axes = [axis for axis, k in enumerate(w.shape) if k > 1]
        runs["scipy fftconvolve"] = lambda: signal.fftconvolve(x, flipped, mode, axes=axes)
        runs["scipy oaconvolve"] = lambda: signal.oaconvolve(x, flipped, mode, axes=axes)
    if ndimage and x.dtype.kind in "fiu" and products < MOST_NDIMAGE and mode != "full":
        runs.update(by_ndimage(x, w, mode, boundary, factors))
    if cv2 and boundary in CV2_BORDERS and x.ndim <= 2 and x.dtype.name in ("uint8", "float32", "float64"):
        runs.update(by_opencv(x, w, mode, boundary, factors))
    return runs


def by_numpy(x, w, mode):
    taps = w.ravel()
    if x.ndim == 1:
        return lambda: np.correlate(x, taps, mode)
    return lambda: np.stack([np.correlate(row, taps, mode) for row in x])


def tap_by_tap(x, w, mode, boundary, sizes):
    """Plain NumPy for any rank: one shifted array for each tap, or one sum for each output, whichever are fewer."""
    dtype = np.result_type(x, w)
    pad = pads(mode, w.shape)
    taps = w.conj()
    letters = "ijk"[: x.ndim]

    def extended():
        return x if mode == "valid" else np.pad(x, pad, mode=boundary)

    def by_taps():
        source, total = extended(), np.zeros(sizes, dtype)
        for place in np.ndindex(*w.shape):
            total += source[tuple(slice(p, p + m) for p, m in zip(place, sizes))] * taps[place]
        return total

    def by_outputs():
        source, result = extended(), np.empty(sizes, dtype)
        for place in np.ndindex(*sizes):
            window = source[tuple(slice(p, p + k) for p, k in zip(place, w.shape))]
            result[place] = np.einsum(f"{letters},{letters}", window, taps)
        return result

    return by_taps if w.size <= math.prod(sizes) else by_outputs


def by_ndimage(x, w, mode, boundary, factors):
    rule = NDIMAGE_MODES[boundary]
    dtype = np.result_type(x, w)
    crop = center(x.shape, w.shape) if mode == "valid" else ...
    runs = {"scipy.ndimage": lambda: ndimage.correlate(x, w, output=dtype, mode=rule)[crop]}
    if factors:

        def one_axis_at_a_time():
            y = x
            for axis, factor in enumerate(factors, start=x.ndim - len(factors)):
                y = ndimage.correlate1d(y, factor, axis, output=dtype, mode=rule)
            return y[crop]

        runs["scipy.ndimage, by axis"] = one_axis_at_a_time
    return runs


def by_opencv(x, w, mode, boundary, factors):
    """filter2D answers at the size of its input, its kernel centered; other modes pad before it or crop after it."""
    runs = {}
    depth = {"float64": cv2.CV_64F}.get(np.result_type(x, w).name, cv2.CV_32F)
    border = CV2_BORDERS[boundary]
    x2, w2 = np.atleast_2d(x), np.atleast_2d(w)
    rows, columns = w2.shape
    like_x = (lambda y: y[0]) if x.ndim == 1 else (lambda y: y)
    if rows % 2 and columns % 2 and w.size <= MOST_FILTER2D_TAPS:
        padding = (rows // 2, rows // 2, columns // 2, columns // 2)
        widen = (lambda: cv2.copyMakeBorder(x2, *padding, border)) if mode == "full" else (lambda: x2)
        crop = center(x2.shape, w2.shape) if mode == "valid" else ...
        runs["cv2.filter2D"] = lambda: like_x(cv2.filter2D(widen(), depth, w2, borderType=border)[crop])
        if factors and mode != "full" and x.ndim == 2:
            by_row, by_column = factors[1], factors[0]
            runs["cv2.sepFilter2D"] = lambda: cv2.sepFilter2D(x2, depth, by_row, by_column, borderType=border)[crop]
    if mode == "valid" and x.dtype == w.dtype == np.float32:
        runs["cv2.matchTemplate"] = lambda: like_x(cv2.matchTemplate(x2, w2, cv2.TM_CCORR))
    return runs


def center(shape, kernel):
    """Where `same` holds what `valid` gives, for odd kernels; for even ones too, as ndimage centers them."""
    return tuple(slice(k // 2, k // 2 + n - k + 1) for n, k in zip(shape, kernel))


@contextlib.contextmanager
def threads(count):
    """Give corrfast and its peers as many threads each; NumPy's BLAS obeys where threadpoolctl is installed."""
    before = corrfast.get_num_threads()
    with contextlib.ExitStack() as stack:
        if threadpoolctl:
            stack.enter_context(threadpoolctl.threadpool_limits(count))
        if fft:
            stack.enter_context(fft.set_workers(count))
        if cv2:
            stack.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(count)
        stack.callback(corrfast.set_num_threads, before)
        corrfast.set_num_threads(count)
        yield


def versions():
    """`{library: version}` of those that take part."""
    scipy = optional("scipy")
    found = {"NumPy": np, "SciPy": scipy, "OpenCV": cv2}
    versions = {name: module.__version__ for name, module in found.items() if module}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["PyTorch"] = importlib.metadata.version("torch")
    return versions
