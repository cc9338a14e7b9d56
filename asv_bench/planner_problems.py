"""The grid of planner_grid.py: which problems are drawn, by lists that can be read."""

import math
import re
from dataclasses import dataclass, replace

import numpy as np
from planner_library import PASSES

MODES = ("valid", "same", "full")

# Signals, images and volumes of one channel: length of each axis, and kernels around the lengths where one method overtakes another.
SIGNALS = {
    100: [3, 15, 31],
    1_000: [3, 31, 63, 127, 255],
    10_000: [7, 31, 63, 127, 255, 1_023],
    100_000: [7, 31, 63, 127, 511, 2_047, 16_383],
    1_000_000: [3, 31, 63, 127, 1_023, 16_383, 99_999],
}
IMAGES = {
    32: [3, 5, 11],
    128: [3, 5, 7, 11, 15, 31],
    512: [3, 5, 7, 9, 11, 13, 15, 21, 31, 63],
    2_048: [3, 7, 11, 31, 127],
}
VOLUMES = {16: [3, 5], 32: [3, 5, 7], 64: [3, 5, 7, 9], 128: [3, 5, 9]}
# Fewer of the other dtypes, and of strides and dilation: (n, [k]) by rank.
OTHERS = {1: [(1_000, [31, 127]), (10_000, [31, 127, 511]), (100_000, [63, 255, 2_047])], 2: [(256, [5, 11, 21])], 3: [(32, [3, 7])]}
STEPPED = {1: [(10_000, [15, 63, 255]), (100_000, [63, 511])], 2: [(512, [5, 11, 21])], 3: [(64, [3, 5])]}
STEPS = [(2, 1), (3, 1), (1, 2), (2, 3)]  # stride, dilation
GAUSSIANS = {2: [(32, [5]), (128, [3, 5, 11]), (512, [3, 5, 7, 15, 31]), (2_048, [5, 15])], 3: [(32, [5]), (64, [3, 7])]}

# Layers, named as in README.md: [batch x] channels @ length [> channels of the result] taps, then s(tride), d(ilation), p(adding), g(roups).
# Odd taps are padded to keep the length, even ones are not, but where p says it. What a transposed layer runs are the same three passes.
LAYERS = [
    # 1x1
    "256@56>64 1x1", "64@56>256 1x1", "512@14 1x1", "1024@14>2048 1x1 s2", "32@112>16 1x1", "8x64@28 1x1", "512@500 1",
    # 3x3
    "3@224>32 3x3 s2", "3@112>64 3x3", "4@64 3x3", "8@32 3x3", "16@56 3x3", "32@28 3x3", "64@56 3x3", "64@112 3x3", "128@28 3x3", "256@14 3x3",
    "512@7 3x3", "128@56 3x3 s2", "64@28 3x3 s3", "256@28 3x3 d2", "64@56 3x3 d4", "256@28 3x3 g32", "8x32@32 3x3", "16x8@16 3x3", "64x1@28>32 3x3",
    # 5x5, 7x7, 13x13
    "6@14>16 5x5 p0", "16@112 5x5", "32@56 5x5", "64@28 5x5 s2", "128@14 5x5", "64@28 5x5", "3@224>64 7x7 s2", "2@128>16 7x7", "32@56 7x7",
    "64@28 7x7",
    "1@128>16 13x13", "16@64 13x13", "64@28 13x13",
    # few taps otherwise
    "64@64 4x4 s2", "128@32 2x2", "128@56 1x3", "128@17>192 3x1", "256@28 3x3 s2",
    # few channels, or few of a group
    "128@56 3x3 g32", "128@56 3x3 g16", "256@14 3x3 g16", "256@28 3x3 g8", "64@112 3x3 g8", "128@28 5x5 g16", "512@14 3x3 g32", "256@56 3x3 s2 g32",
    "3@224>16 3x3", "3@112>8 5x5", "1@256>8 3x3", "2@64>12 3x3", "8@64>4 7x7", "12@40>24 3x3 d2", "8@24>16 3x3x3", "8x4@28>8 3x3",
    # depthwise
    "32@112 3x3 g32", "64@112 3x3 s2 g64", "512@14 3x3 g512", "240@14 5x5 g240", "96@56 7x7 g96", "64@56 13x13 g64", "64@28 31x31 g64",
    "64@56>128 3x3 g64", "256@500 31 g256", "512@250 15 g512", "128@1024 255 g128",
    # volumes
    "32@32 3x3x3", "1@32>16 3x3x3", "16@16 5x5x5", "8x16@16 3x3x3", "16@32 3x3x3 s2",
    # speech and other recordings
    "512@2000 3 s2", "128@2000 3", "256@1000 5", "64@8000 2",
    "1@80000>512 10 s5", "8x128@4096 3 d8", "1@16000>64 251", "40@1000>256 41", "64@8000 21",
    "1@64000>32 80 s4", "128@4000 11 d4",
    "16@16384>64 41 s4 g4", "64@4096 63", "32@2048 127", "80@1500>256 3", "4x64@1000 15",
    # few channels at one end
    "3@224>96 4x4 s4 p0", "3@224>192 16x16 s16 p0", "3@224>64 3x3", "1@32>32 3x3x3", "2@64>32 5x5", "4@16000>32 25",
    "3@56>8 3x3", "6@112>24 3x3 s2", "8x1@28>32 5x5 p0", "4@64>64 3x3 d2",
    # transposed
    "128@28>256 4x4 s2 p1", "64@56>128 2x2 s2", "3@64>64 4x4 s2 p1", "64@2000>128 16 s8 p4", "1@8000>64 16 s8", "32@32>64 2x2x2 s2",
]
DOUBLE = LAYERS[::3]
LAYER = re.compile(r"(?:(?P<batch>\d+)x)?(?P<channels>\d+)@(?P<n>\d+)(?:>(?P<couts>\d+))? (?P<k>[\dx]+)(?P<options>(?: [sdpg]\d+)*)")


@dataclass(frozen=True)
class Problem:
    """One pass over arrays of (batch, channels, *n), (couts, channels // groups, *k) and (batch, couts, *m)."""

    group: str
    name: str  # without dtype and pass
    dtype: str
    n: tuple[int, ...]
    k: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    stride: int = 1
    dilation: int = 1
    batch: int = 1
    groups: int = 1
    channels: int = 1
    couts: int = 1
    gaussian: bool = False
    pass_: str = "forward"

    def __str__(self):
        return f"{self.name} {self.dtype} {self.pass_}"

    @property
    def m(self):
        """The lengths of the output."""
        pairs = zip(self.n, self.k, self.padding)
        return tuple((n + lo + hi - self.dilation * (k - 1) - 1) // self.stride + 1 for n, k, (lo, hi) in pairs)

    @property
    def shapes(self):
        """Of input, kernel and output."""
        return ((self.batch, self.channels, *self.n), (self.couts, self.channels // self.groups, *self.k), (self.batch, self.couts, *self.m))

    @property
    def taps_class(self):
        """How many taps a sum has for each channel, roughly."""
        taps = math.prod(self.k)
        return next((f"to {most} taps" for most in (1, 9, 32, 128, 1024) if taps <= most), "more taps")

    def arrays(self, pool):
        """Input, kernel and output, of what `pool` has for the dtype."""
        arrays = [np.resize(pool[self.dtype], math.prod(shape)).reshape(shape) for shape in self.shapes]
        if self.gaussian:
            v = np.ones((), self.dtype)
            for k in self.k:
                v = np.multiply.outer(v, np.exp(-18 * ((np.arange(k) - (k - 1) / 2) / k) ** 2).astype(self.dtype))
            arrays[1][...] = v
        return arrays


def filters(rank, n, k, dtype, mode, stride=1, dilation=1, gaussian=False, passes=PASSES):
    """The passes of a problem of one channel, each with the next mode."""
    for i, pass_ in enumerate(passes):
        spelled = MODES[(MODES.index(mode) + i) % 3]
        reach = dilation * (k - 1)
        lo, hi = {"valid": (0, 0), "same": (reach // 2, reach - reach // 2), "full": (reach, reach)}[spelled]
        words = [f"{n}^{rank}*{k}^{rank}" if rank > 1 else f"{n}*{k}", spelled, *step_words(stride, dilation), *["gaussian"] * gaussian]
        yield Problem("gaussian" if gaussian else f"{rank}-D", " ".join(words), dtype, (n,) * rank, (k,) * rank, ((lo, hi),) * rank,
                      stride, dilation, gaussian=gaussian, pass_=pass_)


def step_words(stride, dilation):
    return [f"{letter}{step}" for letter, step in (("s", stride), ("d", dilation)) if step > 1]


def layer(name, dtype):
    """The three passes of a layer."""
    word = LAYER.fullmatch(name).groupdict()
    k = tuple(map(int, word["k"].split("x")))
    options = {option[0]: int(option[1:]) for option in word["options"].split()}
    dilation = options.get("d", 1)
    pad = options.get("p", dilation * (k[0] - 1) // 2 if k[0] % 2 else 0)
    channels = int(word["channels"])
    problem = Problem("layer", name, dtype, (int(word["n"]),) * len(k), k, ((pad, pad),) * len(k), options.get("s", 1), dilation,
                      int(word["batch"] or 1), options.get("g", 1), channels, int(word["couts"] or channels))
    return [replace(problem, pass_=pass_) for pass_ in PASSES]


def grid():
    """All problems, always the same and in the same order."""
    problems, start = [], 0  # modes take turns

    def add(*args, **options):
        nonlocal start
        problems.extend(filters(*args, MODES[start % 3], **options))
        start += 1

    for rank, sizes in enumerate((SIGNALS, IMAGES, VOLUMES), 1):
        for n, kernels in sizes.items():
            for k in kernels:
                for dtype in ("float32", "float64"):
                    add(rank, n, k, dtype)
        for n, kernels in OTHERS[rank]:
            for k in kernels:
                for dtype in ("complex64", "int32", "int16"):
                    add(rank, n, k, dtype)
        for n, kernels in STEPPED[rank]:
            for k in kernels:
                for i, (stride, dilation) in enumerate(STEPS):
                    add(rank, n, k, ("float32", "float64")[i % 2], stride=stride, dilation=dilation)
    for rank, sizes in GAUSSIANS.items():
        for n, kernels in sizes:
            for k in kernels:
                for dtype in ("float32", "float64"):
                    add(rank, n, k, dtype, gaussian=True, passes=PASSES[:1])
    problems += [each for name in LAYERS for each in layer(name, "float32")]
    problems += [each for name in DOUBLE for each in layer(name, "float64")]
    return problems


def make_pool():
    """Samples of each dtype to fill arrays with; how many repeat does not matter to time."""
    rng = np.random.default_rng(20260101)
    values = rng.standard_normal(1_000_003)
    pool = {dtype: values.astype(dtype) for dtype in ("float32", "float64")}
    pool |= {dtype: (values + 1j * values[::-1]).astype(dtype) for dtype in ("complex64", "complex128")}
    pool |= {dtype: rng.integers(0, 100, values.size).astype(dtype) for dtype in ("int32", "int16")}
    return pool
