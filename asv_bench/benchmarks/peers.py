"""The same problems, the same arrays, for corrfast and for every installed peer, each in the spelling that suits it best.

The spellings are those of `python -m corrfast` (corrfast/bench/peers.py); PyTorch's for one channel is added here.
"""

import contextlib
from functools import lru_cache

import numpy as np

import corrfast

from .common import SEED, Benchmark, public, shapes
from .filters import small_arrays
from .nn import record

try:
    # As modules: asv takes every function whose name begins with time_ for a benchmark, and measure has a time_all.
    from corrfast.bench import cases, exact, measure
    from corrfast.bench import peers as spellings
except ImportError:  # a version without `python -m corrfast`
    spellings = None
try:
    import torch
except ImportError:
    torch = None

CASES = [
    "1000*15 float64 full",
    "10000*31 float64 same",
    "100000*1023 float64 valid",
    "1000000*31 float32 same",
    "20000*101 complex128 valid",
    "100000*31 int32 valid",
    "64x5000*31 float32 same",
    "512x512*3x3 float32 same reflect",
    "512x512*7x7 float64 valid",
    "512x512*15x15 float32 same reflect",
    "512x512*15x15 float32 same reflect gaussian",
    "256x256*31x31 float64 valid",
    "64x64x64*3x3x3 float32 same reflect",
    "64x64x64*5x5x5 float64 valid",
    "10000*31 float64 valid backward_input",
    "10000*31 float64 valid backward_kernel",
    "512x512*5x5 float32 valid backward_input",
    "512x512*5x5 float32 valid backward_kernel",
]
LAYERS = [  # names of nn.LAYERS, then the pass
    "64@56 3x3 forward",
    "64@56 3x3 backward_input",
    "64@56 3x3 backward_kernel",
    "128@56 3x3 s2 forward",
    "32@112 3x3 depthwise forward",
    "64x1@28>32 3x3 backward_kernel",
]
WHO = [
    "corrfast",
    "numpy.correlate",
    "numpy, tap by tap",
    "scipy fftconvolve",
    "scipy oaconvolve",
    "scipy.ndimage",
    "scipy.ndimage, by axis",
    "cv2.filter2D",
    "cv2.sepFilter2D",
    "cv2.matchTemplate",
    "torch",
]
WHO_LAYERS = ["corrfast", "numpy.matmul", "torch"]


def problem(case):
    """The record of corrfast.bench for a name like "512x512*3x3 float32 same reflect", or for a layer's."""
    if case in LAYERS:
        return record(*case.rsplit(" ", 1))
    sizes, dtype, mode, *words = case.split()
    shape, kernel = shapes(sizes)
    options = {"boundary": word for word in words if word in spellings.NDIMAGE_MODES}
    options |= {"pass_": word for word in words if word in cases.PASSES}
    return cases.Filter("asv", shape, kernel, dtype, mode, gaussian="gaussian" in words, **options)


@lru_cache(maxsize=1)  # `setup` runs before every sample
def contest(case):
    """`(candidates by name, the check of their results)`."""
    if not spellings:
        raise NotImplementedError(f"corrfast {corrfast.__version__} has no corrfast.bench")
    one = problem(case)
    found = spellings.contest(one, np.random.default_rng(SEED))
    candidates = dict(found.candidates)
    plain = case not in LAYERS and one.pass_ == "forward" and len(one.shape) == len(one.kernel)
    if torch and plain and np.dtype(one.dtype).kind == "f":
        candidates["torch"] = by_torch(*one.arrays(np.random.default_rng(SEED)), one.mode, one.boundary)
    return candidates, found.check


def by_torch(a, v, mode, boundary):
    torch.set_num_threads(corrfast.get_num_threads())
    convolve = [torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d][a.ndim - 1]
    rule = {"edge": "replicate", "wrap": "circular"}.get(boundary, boundary)
    x, w = (torch.from_numpy(array)[None, None] for array in (a, v))
    widths = [width for pair in reversed(exact.pads(mode, v.shape)) for width in pair]
    pad = torch.nn.functional.pad
    return lambda: convolve(pad(x, widths, rule), w)[0, 0].numpy()


@lru_cache(maxsize=1)
def candidate(case, who):
    """A call that computes the case, and has done so once."""
    candidates, _ = contest(case)
    if who not in candidates:
        raise NotImplementedError(f"{who} does not compute this, or is not installed")
    try:
        candidates[who]()
    except Exception as exc:
        if who == "corrfast":
            raise
        raise NotImplementedError(f"{who} cannot compute this: {exc!r}") from None
    return candidates[who]


class _Peers(Benchmark):
    """As many threads for everyone as corrfast takes: OMP_NUM_THREADS, which OpenCV does not read."""

    limits = contextlib.nullcontext()

    def setup(self, case, *who):
        contest(case)
        self.limits = spellings.threads(corrfast.get_num_threads())
        self.limits.__enter__()

    def teardown(self, case, *who):
        self.limits.__exit__(None, None, None)


class Filters(_Peers):
    version = "1"
    param_names = ["case", "who"]
    params = [CASES, WHO]
    repeat = (2, 1000, 0.2)

    def setup(self, case, who):
        super().setup(case)
        self.run = candidate(case, who)

    def time_call(self, case, who):
        self.run()


class Layers(Filters):
    version = "1"
    params = [LAYERS, WHO_LAYERS]


class Speedup(_Peers):
    """Of corrfast over the fastest peer, all of them timed in the same rounds."""

    version = "1"
    param_names = ["case"]
    params = [CASES + LAYERS]

    def track_speedup(self, case):
        candidates, check = contest(case)
        times, results = measure.time_all(candidates, seconds=0.1, rounds=7)
        places, values = check()
        tolerance = measure.TOLERANCE.get(results["corrfast"].dtype.name, 0.0)
        right = [name for name, result in results.items() if exact.largest_gap(result[places], values) <= tolerance]
        middle = {name: np.median(times[name]) for name in right}
        del middle["corrfast"]  # a KeyError, and a failed benchmark, if corrfast is wrong
        best = min(middle, key=middle.get)
        return round(float(np.median([theirs / ours for theirs, ours in zip(times[best], times["corrfast"])])), 3)

    track_speedup.unit = "x"


class Overhead(Benchmark):
    """The short calls of filters.Overhead, beside NumPy's."""

    version = "1"
    param_names = ["case", "who"]
    params = [["16*3", "64*3", "64*31", "256*5", "1000*31"], ["corrfast", "numpy"]]
    number = 20_000
    repeat = (3, 5, 1.0)
    warmup_time = 0

    def setup(self, case, who):
        public("correlate")

    def timeraw_call(self, case, who):
        return "correlate(a, v)", small_arrays("float64", case) + f"from {who} import correlate"
