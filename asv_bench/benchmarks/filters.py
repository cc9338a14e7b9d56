"""Correlation, convolution, their transposes and gradients: corrfast.filters, and `correlate` and `convolve` themselves."""

from itertools import product

import numpy as np

import corrfast

from .common import Benchmark, arrays, gflops, peak_fraction, public, shapes

FLOATS = ["float32", "float64"]

# ---- grids of NumPy and SciPy, to be laid beside their dashboards: same class, parameters, arrays and method names


class CorrConv(Benchmark):
    """NumPy's bench_core.CorrConv."""

    version = "1"
    param_names = ["size1", "size2", "mode"]
    params = [["50", "1000", "100000"], ["10", "100", "1000", "10000"], ["valid", "same", "full"]]

    def setup(self, size1, size2, mode):
        self.x1 = np.linspace(0, 1, num=int(size1))
        self.x2 = np.cos(np.linspace(0, 2 * np.pi, num=int(size2)))

    def time_correlate(self, size1, size2, mode):
        corrfast.correlate(self.x1, self.x2, mode=mode)

    def time_convolve(self, size1, size2, mode):
        corrfast.convolve(self.x1, self.x2, mode=mode)


def random_pairs(shapes_of_pairs):
    """Pairs of normally distributed arrays, as SciPy's benchmarks draw them."""
    draw = np.random.RandomState(1234).randn
    return [(draw(*a), draw(*b)) for a, b in shapes_of_pairs]


def fits(a, b):
    return all(m >= k for m, k in zip(a.shape, b.shape))


class Convolve2D(Benchmark):
    """SciPy's signal.Convolve2D: many small images of all proportions, up to 30 x 30."""

    version = "1"
    param_names = ["mode", "boundary"]
    params = [["full", "valid", "same"], ["fill", "wrap", "symm"]]

    def setup(self, mode, boundary):
        sizes = list(product((1, 2, 8, 13, 30), repeat=2))
        pairs = random_pairs(product(sizes, repeat=2))
        self.pairs = [(a, b) for a, b in pairs if mode != "valid" or fits(a, b)]
        self.boundary = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}[boundary]

    def time_convolve2d(self, mode, boundary):
        for a, b in self.pairs:
            corrfast.convolve(a, b, mode, boundary=self.boundary)

    def time_correlate2d(self, mode, boundary):
        for a, b in self.pairs:
            corrfast.correlate(a, b, mode, boundary=self.boundary)


class Convolve(Benchmark):
    """SciPy's signal.Convolve: small signals and images, the method left to the library."""

    version = "1"
    param_names = ["mode"]
    params = [["full", "valid", "same"]]

    def setup(self, mode):
        lengths = product((1, 2, 8, 13, 30, 36, 50, 75), repeat=2)
        sizes = list(product((8, 13, 30), repeat=2))
        pairs = random_pairs([*(((n,), (k,)) for n, k in lengths), *product(sizes, repeat=2)])
        self.pairs = [(a, b) for a, b in pairs if len(b) <= len(a) and (mode != "valid" or fits(a, b))]

    def time_convolve(self, mode):
        for a, b in self.pairs:
            corrfast.convolve(a, b, mode)

    def time_correlate(self, mode):
        for a, b in self.pairs:
            corrfast.correlate(a, b, mode)


# ---- what corrfast is for


class _Valid(Benchmark):
    """Plain correlation in mode "valid"."""

    param_names = ["dtype", "case"]

    def setup(self, dtype, case):
        self.a, self.v = arrays(case, dtype)

    def time_correlate(self, dtype, case):
        corrfast.correlate(self.a, self.v)

    def track_gflops(self, dtype, case):
        return gflops(lambda: corrfast.correlate(self.a, self.v), self.v.size)

    def track_peak(self, dtype, case):
        return peak_fraction(lambda: corrfast.correlate(self.a, self.v, workers=1), self.v.size, dtype)

    track_gflops.unit = "GFLOP/s"
    track_peak.unit = "of the FMA peak"


class Correlate1D(_Valid):
    version = "1"
    params = [FLOATS, [f"{n}*{k}" for n in (1000, 10_000, 1_000_000, 10_000_000) for k in (3, 7, 31, 127)]]


class Correlate2D(_Valid):
    version = "1"
    params = [FLOATS, ["64x64*3x3", "512x512*3x3", "512x512*4x4", "512x512*7x7", "512x512*11x11", "512x512*1x15", "512x512*15x1",
                       "123x457*5x5", "2048x2048*3x3", "2048x2048*5x5"]]


class Correlate3D(_Valid):
    version = "1"
    params = [FLOATS, ["32x32x32*3x3x3", "32x32x32*7x7x7", "128x128x128*3x3x3", "128x128x128*5x5x5"]]


class LongKernels(_Valid):
    """Kernels for which other ways than the direct sum are faster, or could be."""

    version = "1"
    params = [FLOATS, ["10000*511", "1000000*1023", "512x512*31x31", "512x512*63x63", "64x64x64*11x11x11"]]


class KernelLength(Benchmark):
    """A signal of 2^20 samples and ever longer kernels: time grows as log K, or not at all. The plot's axis is log2 of K."""

    version = "2"
    param_names = ["dtype", "log2 K"]
    params = [FLOATS, list(range(4, 21))]
    repeat = (2, 100, 0.1)

    def setup(self, dtype, power):
        self.a, self.v = arrays(f"{2**20}*{2**power}", dtype)

    def time_same(self, dtype, power):
        corrfast.correlate(self.a, self.v, "same")


class Separable(Benchmark):
    """Gaussians: one kernel that is the product of one factor for each axis."""

    version = "1"
    param_names = ["dtype", "case"]
    params = [FLOATS, ["1080x1920*5x5", "1080x1920*11x11", "1080x1920*31x31", "512x512*7x7", "64x64x64*5x5x5", "64x64x64*9x9x9"]]

    def setup(self, dtype, case):
        self.a, self.v = arrays(case, dtype, gaussian=True)

    def time_correlate(self, dtype, case):
        corrfast.correlate(self.a, self.v, "same", boundary="reflect")


class Dtypes(Benchmark):
    version = "1"
    param_names = ["dtype", "case"]
    params = [
        ["bool", "uint8", "int16", "int32", "int64", "float16", "complex64", "complex128", "longdouble"],
        ["10000*31", "256x256*5x5"],
    ]

    def setup(self, dtype, case):
        self.a, self.v = arrays(case, dtype)

    def time_correlate(self, dtype, case):
        corrfast.correlate(self.a, self.v)


class Boundary(Benchmark):
    version = "1"
    param_names = ["boundary", "case"]
    params = [["constant", "edge", "wrap", "symmetric", "reflect"], ["1000000*31", "1080x1920*3x3", "1080x1920*5x5", "1080x1920*7x7"]]

    def setup(self, boundary, case):
        self.a, self.v = arrays(case, "float32")

    def time_same(self, boundary, case):
        corrfast.correlate(self.a, self.v, "same", boundary=boundary)


class Options(Benchmark):
    """One option at a time, beside none."""

    version = "1"
    param_names = ["option"]
    options = {
        "none": {},
        "stride=2": {"stride": 2},
        "stride=3": {"stride": 3},
        "dilation=2": {"dilation": 2},
        "padding=7": {"padding": 7},
        "cval=1": {"cval": 1},
        "dtype=float64": {"dtype": "float64"},
        "precision=exact": {"precision": "exact"},
        "workers=2": {"workers": 2},
        "out": {},
    }
    params = [list(options)]

    def setup(self, option):
        self.a, self.v = arrays("512x512*5x5", "float32")
        self.chosen = {"mode": "same", **self.options[option]}
        if option == "padding=7":
            del self.chosen["mode"]
        if option == "out":
            self.chosen["out"] = np.ones_like(self.a)

    def time_correlate(self, option):
        corrfast.correlate(self.a, self.v, **self.chosen)


class Layouts(Benchmark):
    """Arrays that lie in memory in other ways than one C-ordered block of aligned native numbers."""

    version = "1"
    param_names = ["layout"]
    params = [["C", "Fortran", "every second", "reversed", "byteswapped"]]

    def setup(self, layout):
        self.a, self.v = arrays("512x512*5x5", "float32")
        if layout == "Fortran":
            self.a = np.asfortranarray(self.a)
        elif layout == "every second":
            self.a = np.repeat(self.a, 2, axis=1)[:, ::2]
        elif layout == "reversed":
            self.a = self.a[::-1, ::-1]
        elif layout == "byteswapped":
            self.a = self.a.astype(self.a.dtype.newbyteorder())

    def time_correlate(self, layout):
        corrfast.correlate(self.a, self.v)


class Batch(Benchmark):
    """One kernel for many signals or images, which are the last axes of the array, or the first ones."""

    version = "1"
    param_names = ["axes", "case"]
    params = [["last", "first"], ["64x5000*31", "10000x32*5", "32x128x128*3x3"]]

    def setup(self, axes, case):
        self.a, self.v = arrays(case, "float32")
        self.axes = range(-self.v.ndim, 0)
        if axes == "first":
            self.a = np.ascontiguousarray(np.moveaxis(self.a, 0, -1))
            self.axes = range(self.v.ndim)

    def time_correlate(self, axes, case):
        corrfast.correlate(self.a, self.v, axes=self.axes)


class Gradients(Benchmark):
    version = "1"
    param_names = ["dtype", "case", "needs"]
    params = [FLOATS, ["10000*31", "512x512*5x5", "64x64x64*3x3x3"], ["input", "kernel", "both"]]

    def setup(self, dtype, case, needs):
        public("correlate_vjp")
        self.a, self.v = arrays(case, dtype)
        self.g = corrfast.correlate(self.a, self.v)
        self.needs = (needs != "kernel", needs != "input")

    def time_correlate_vjp(self, dtype, case, needs):
        corrfast.correlate_vjp(self.g, self.a, self.v, needs=self.needs)


class Transpose(Benchmark):
    """Transposed convolution; the case is that of the forward call at stride 1."""

    version = "1"
    param_names = ["case", "stride"]
    params = [["10000*31", "256x256*4x4", "64x64x64*3x3x3"], ["1", "2"]]

    def setup(self, case, stride):
        public("conv_transpose")
        self.a, self.v = arrays(case, "float32")
        self.stride = int(stride)

    def time_conv_transpose(self, case, stride):
        corrfast.conv_transpose(self.a, self.v, stride=self.stride)


class Overhead(Benchmark):
    """Calls of about a microsecond, where the work is a few sums and the rest is the way to them."""

    version = "1"
    param_names = ["dtype", "case", "mode"]
    params = [FLOATS, ["16*3", "64*3", "64*31", "256*5", "1000*31"], ["valid", "full"]]
    number = 20_000
    repeat = (3, 5, 1.0)
    warmup_time = 0

    def setup(self, dtype, case, mode):
        public("prepare")

    def timeraw_correlate(self, dtype, case, mode):
        return f"correlate(a, v, {mode!r})", small_arrays(dtype, case) + "from corrfast import correlate"

    def timeraw_prepared(self, dtype, case, mode):
        return "run(a)", small_arrays(dtype, case) + f"from corrfast import prepare; run = prepare(v, {mode!r})"


def small_arrays(dtype, case):
    """The statements that make a case's arrays in the process of a `timeraw_`."""
    n, k = shapes(case)
    return f"import numpy as np; a, v = np.ones({n}, {dtype!r}), np.ones({k}, {dtype!r}); "
