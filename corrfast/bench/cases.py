"""The problems that are measured: records without behavior beyond their name and their arrays.

A new kind of case is a new record class here, its lines in `CASES`, and a function in peers.py that is registered for it.
Nothing else asks what kind a case is.
"""

import math
from dataclasses import dataclass

import numpy as np

PASSES = {"forward": "", "backward_input": "gradient of a", "backward_kernel": "gradient of v"}


@dataclass(frozen=True)
class Filter:
    """One correlation of `shape` with `kernel`, or one of its two gradients; leading axes of `shape` are a batch."""

    group: str
    shape: tuple[int, ...]
    kernel: tuple[int, ...]
    dtype: str = "float64"
    mode: str = "valid"
    boundary: str = "constant"
    pass_: str = "forward"
    signal_dtype: str | None = None  # where the signal is of another dtype than the kernel
    gaussian: bool = False  # a Gaussian, which is the product of one factor per axis, instead of random taps
    quick: bool = False  # also part of --quick

    @property
    def name(self):
        size, taps = ("x".join(map(str, shape)) for shape in (self.shape, self.kernel))
        dtype = f"{self.signal_dtype}*{self.dtype}" if self.signal_dtype else self.dtype
        kind = "gaussian " if self.gaussian else ""
        rule = "" if self.boundary == "constant" else f" {self.boundary}"
        return f"{size} * {kind}{taps} {dtype} " + (PASSES[self.pass_] or self.mode + rule)

    def gaussian_factors(self):
        """The Gaussian along each axis, its edge three standard deviations from its center."""
        factors = []
        for k in self.kernel:
            t = np.arange(k) - (k - 1) / 2
            bell = np.exp(-0.5 * (t / (k / 6)) ** 2)
            factors.append((bell / bell.sum()).astype(self.dtype))
        return factors

    def arrays(self, rng):
        """The signal and the kernel."""
        a = random_array(rng, self.shape, self.signal_dtype or self.dtype)
        if not self.gaussian:
            return a, random_array(rng, self.kernel, self.dtype)
        v = np.ones((), self.dtype)
        for factor in self.gaussian_factors():
            v = np.multiply.outer(v, factor)
        return a, v


@dataclass(frozen=True)
class Layer:
    """A convolution with channels, or one of its gradients: `shape` is (batch, channels, *n), `weight` (out, channels // groups, *k)."""

    group: str
    shape: tuple[int, ...]
    weight: tuple[int, ...]
    dtype: str = "float32"
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    pass_: str = "forward"
    quick: bool = False

    @property
    def name(self):
        size, taps = ("x".join(map(str, shape)) for shape in (self.shape, (self.weight[0], *self.weight[2:])))
        options = [("s", self.stride), ("d", self.dilation), ("g", self.groups)]
        words = [f"{letter}{value}" for letter, value in options if value > 1]
        kind = {"forward": "layer", "backward_input": "gradient of x", "backward_kernel": "gradient of w"}[self.pass_]
        return " ".join([f"{size} * {taps}", *words, self.dtype, kind])

    @property
    def options(self):
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}

    @property
    def result(self):
        """The shape of the layer's result."""
        pairs = zip(self.shape[2:], self.weight[2:])
        sizes = [(n + 2 * self.padding - self.dilation * (k - 1) - 1) // self.stride + 1 for n, k in pairs]
        return (self.shape[0], self.weight[0], *sizes)

    @property
    def products(self):
        """How many the definition has, those with padding included."""
        return math.prod(self.result) * math.prod(self.weight[1:])

    def arrays(self, rng):
        """The input, the weights, and the gradient for the result."""
        x, w, g = (random_array(rng, shape, self.dtype) for shape in (self.shape, self.weight, self.result))
        w *= np.asarray(1 / math.sqrt(w[0].size), w.dtype)  # keeps the size of numbers from layer to layer, as training does
        return x, w, g


def random_array(rng, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


CASES = [
    # Short calls, where the work is a few sums and the rest is the way to them.
    Filter("signals", (64,), (3,), "float32", quick=True),
    Filter("signals", (1_000,), (15,), "float64", "full"),
    # Smoothing and matched filtering of recordings.
    Filter("signals", (10_000,), (7,), "float32"),
    Filter("signals", (10_000,), (31,), "float64", "same", quick=True),
    Filter("signals", (100_000,), (63,), "float32", "same"),
    Filter("signals", (100_000,), (127,), "float64"),
    Filter("signals", (1_000_000,), (7,), "float32", "same"),
    Filter("signals", (1_000_000,), (31,), "float32", "same", quick=True),
    Filter("signals", (1_000_000,), (63,), "float64", "full"),
    Filter("signals", (10_000,), (1_023,), "float64", "same"),
    Filter("signals", (20_000,), (101,), "complex128"),
    Filter("signals", (100_000,), (31,), "int32"),
    # Sixty-four channels at once: one kernel along the last axis.
    Filter("signals", (64, 5_000), (31,), "float32", "same", quick=True),
    # Sharpening, derivatives, smoothing of images.
    Filter("images", (512, 512), (3, 3), "float32", "same", "reflect", quick=True),
    Filter("images", (512, 512), (3, 3), "float64", "same", "edge"),
    Filter("images", (512, 512), (5, 5), "float32", "same", "symmetric"),
    Filter("images", (512, 512), (7, 7), "float64", "valid"),
    Filter("images", (512, 512), (11, 11), "float32", "same", "wrap"),
    Filter("images", (512, 512), (15, 15), "float32", "same", "reflect"),
    Filter("images", (512, 512), (15, 15), "float32", "same", "reflect", gaussian=True, quick=True),
    Filter("images", (1_080, 1_920), (3, 3), "float32", "same", "reflect", signal_dtype="uint8"),
    Filter("images", (1_080, 1_920), (5, 5), "float32", "same", "reflect"),
    Filter("images", (256, 256), (31, 31), "float64", "valid"),
    # Volumes, as microscopes and scanners give them.
    Filter("volumes", (64, 64, 64), (3, 3, 3), "float32", "same", "reflect", quick=True),
    Filter("volumes", (64, 64, 64), (3, 3, 3), "float64", "same"),
    Filter("volumes", (64, 64, 64), (5, 5, 5), "float32", "valid"),
    Filter("volumes", (96, 96, 96), (5, 5, 5), "float64", "same", "edge"),
    # What learning a filter, or deblurring, asks for besides.
    Filter("gradients", (10_000,), (31,), "float64", pass_="backward_input", quick=True),
    Filter("gradients", (10_000,), (31,), "float64", pass_="backward_kernel", quick=True),
    Filter("gradients", (1_000_000,), (31,), "float32", pass_="backward_input"),
    Filter("gradients", (1_000_000,), (31,), "float32", pass_="backward_kernel"),
    Filter("gradients", (512, 512), (5, 5), "float32", pass_="backward_input", quick=True),
    Filter("gradients", (512, 512), (5, 5), "float32", pass_="backward_kernel", quick=True),
    Filter("gradients", (512, 512), (11, 11), "float64", pass_="backward_input"),
    Filter("gradients", (512, 512), (11, 11), "float64", pass_="backward_kernel"),
    Filter("gradients", (64, 64, 64), (3, 3, 3), "float32", pass_="backward_input"),
    Filter("gradients", (64, 64, 64), (3, 3, 3), "float32", pass_="backward_kernel"),
    # Layers of ResNet, MobileNet, networks on volumes and on recordings, and of a first network on digits.
    *(Layer("layers", (1, 64, 56, 56), (64, 64, 3, 3), padding=1, pass_=pass_, quick=True) for pass_ in PASSES),
    *(Layer("layers", (1, 256, 14, 14), (256, 256, 3, 3), padding=1, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 64, 56, 56), (64, 64, 3, 3), "float64", padding=1, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 128, 56, 56), (128, 128, 3, 3), stride=2, padding=1, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 256, 56, 56), (64, 256, 1, 1), pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 32, 112, 112), (32, 1, 3, 3), padding=1, groups=32, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (1, 16, 32, 32, 32), (32, 16, 3, 3, 3), padding=1, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (4, 128, 4096), (128, 128, 3), padding=8, dilation=8, pass_=pass_) for pass_ in PASSES),
    *(Layer("layers", (64, 1, 28, 28), (32, 1, 3, 3), padding=1, pass_=pass_) for pass_ in PASSES),
]

GROUPS = list(dict.fromkeys(case.group for case in CASES))


def select(groups=None, only=None, quick=False):
    """The cases of these groups whose name contains `only`."""
    return [
        case
        for case in CASES
        if (not groups or case.group in groups) and (not only or only in case.name) and (case.quick or not quick)
    ]
