"""Layers with channels, and their gradients: corrfast.nn."""

from functools import lru_cache

import numpy as np

import corrfast

from .common import SEED, Benchmark, gflops, peak_fraction, public

try:
    from corrfast.bench.cases import Layer
except ImportError:  # a version without layers
    Layer = None

# Names are as short as in papers: channels or "in>out", where they lie ("@56": 56 x 56), then taps and options.
LAYERS = {
    "3@224>64 7x7 s2": ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    "64@56 3x3": ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
    "128@56 3x3 s2": ((1, 128, 56, 56), (128, 128, 3, 3), {"stride": 2, "padding": 1}),
    "256@14 3x3": ((1, 256, 14, 14), (256, 256, 3, 3), {"padding": 1}),
    "512@7 3x3": ((1, 512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
    "256@56>64 1x1": ((1, 256, 56, 56), (64, 256, 1, 1), {}),
    "1024@14>2048 1x1 s2": ((1, 1024, 14, 14), (2048, 1024, 1, 1), {"stride": 2}),
    "64@224 3x3": ((1, 64, 224, 224), (64, 64, 3, 3), {"padding": 1}),
    "32@112 3x3 depthwise": ((1, 32, 112, 112), (32, 1, 3, 3), {"padding": 1, "groups": 32}),
    "64@112 3x3 depthwise s2": ((1, 64, 112, 112), (64, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 64}),
    "512@14 3x3 depthwise": ((1, 512, 14, 14), (512, 1, 3, 3), {"padding": 1, "groups": 512}),
    "96@56 7x7 depthwise": ((1, 96, 56, 56), (96, 1, 7, 7), {"padding": 3, "groups": 96}),
    "256@28 3x3 d2": ((1, 256, 28, 28), (256, 256, 3, 3), {"padding": 2, "dilation": 2}),
    "256@28 3x3 g32": ((1, 256, 28, 28), (256, 8, 3, 3), {"padding": 1, "groups": 32}),
    "32@64x64x64 3x3x3": ((1, 32, 64, 64, 64), (32, 32, 3, 3, 3), {"padding": 1}),
    "512@16000 3 s2": ((1, 512, 16_000), (512, 512, 3), {"stride": 2}),
    "1@80000>512 10 s5": ((1, 1, 80_000), (512, 1, 10), {"stride": 5}),
    "8x128@4096 3 d8": ((8, 128, 4096), (128, 128, 3), {"padding": 8, "dilation": 8}),
    "64x1@28>32 3x3": ((64, 1, 28, 28), (32, 1, 3, 3), {"padding": 1}),
    "32x64@32 3x3": ((32, 64, 32, 32), (64, 64, 3, 3), {"padding": 1}),
}
LIGHT = ["64@56 3x3", "256@14 3x3", "128@56 3x3 s2", "256@56>64 1x1", "32@112 3x3 depthwise", "64x1@28>32 3x3"]
DOUBLE = ["64@56 3x3", "256@56>64 1x1", "32@112 3x3 depthwise", "64x1@28>32 3x3"]
PASSES = ["forward", "backward_input", "backward_kernel"]


def record(case, pass_="forward", dtype="float32"):
    """The record of corrfast.bench for a name of LAYERS."""
    if not Layer:
        raise NotImplementedError(f"corrfast {corrfast.__version__} has no layers in corrfast.bench")
    shape, weight, options = LAYERS[case]
    return Layer("asv", shape, weight, dtype, **options, pass_=pass_)


@lru_cache(maxsize=1)  # `setup` runs before every sample: the arrays stay the same ones, and warm
def layer_arrays(layer):
    """The input, the weights and the gradient for the result."""
    return layer.arrays(np.random.default_rng(SEED))


class _Passes(Benchmark):
    """One pass of a layer, with everything that it prepares for itself."""

    param_names = ["pass_", "case"]
    dtype = "float32"

    def setup(self, pass_, case, **more):
        nn, layer = public("nn"), record(case, pass_, self.dtype)
        x, w, g = layer_arrays(layer)
        options = layer.options | more
        rank = len(layer.shape) - 2
        if pass_ == "forward":
            conv = getattr(nn, f"conv{rank}d")
            self.run = lambda **also: conv(x, w, **options, **also)
        else:
            vjp, needs = getattr(nn, f"conv{rank}d_vjp"), (pass_ == "backward_input", pass_ == "backward_kernel", False)
            self.run = lambda **also: vjp(g, x, w, needs=needs, **options, **also)[needs.index(True)]
        self.layer = layer


class Layers(_Passes):
    version = "1"
    params = [PASSES, list(LAYERS)]

    def time_layer(self, pass_, case):
        self.run()


class Double(_Passes):
    version = "1"
    params = [PASSES, DOUBLE]
    dtype = "float64"

    def time_layer(self, pass_, case):
        self.run()


class Rates(_Passes):
    version = "1"
    params = [PASSES, LIGHT]

    def track_gflops(self, pass_, case):
        return gflops(self.run, self.layer.products / self.run().size)

    def track_peak(self, pass_, case):
        return peak_fraction(lambda: self.run(workers=1), self.layer.products / self.run().size, self.dtype)

    track_gflops.unit = "GFLOP/s"
    track_peak.unit = "of the FMA peak"


class Precision(_Passes):
    """Levels of `precision`: direct sums, Winograd F(2x2, 3x3), Winograd F(4x4, 3x3)."""

    version = "1"
    param_names = ["precision", "case"]
    params = [["exact", "default", "fast"], ["64@56 3x3", "256@14 3x3", "64@224 3x3"]]

    def setup(self, precision, case):
        super().setup("forward", case, precision=precision)

    def time_layer(self, precision, case):
        self.run()
