"""How far results are from the exact sums: |y - exact| / (eps * sum of |a||v|), the largest among sampled outputs.

Exact sums, rounded once, would have at most 0.5; those of a plain loop over K real products have less than K / 2.
"""

import numpy as np

import corrfast

from .common import Benchmark, arrays, public
from .nn import layer_arrays, record

try:
    from corrfast.bench import exact
except ImportError:
    exact = None


class _Scaled(Benchmark):
    def setup(self, *params):
        if not exact:
            raise NotImplementedError(f"corrfast {corrfast.__version__} has no corrfast.bench")


def scaled_error(y, x, w, mode="valid", boundary="constant"):
    """The largest scaled error among outputs at the corners and at random places of `correlate(x, w)`."""
    places, sums = exact.spot_check(x, w, mode, boundary)
    _, sizes = exact.spot_check(abs(x), abs(w), mode, boundary)
    return round(float(np.max(abs(y[places] - sums) / sizes) / np.finfo(y.dtype).eps), 3)


class Methods(_Scaled):
    version = "1"
    param_names = ["method", "dtype", "case"]
    params = [
        ["direct", "fft"],
        ["float32", "float64", "complex64", "complex128"],
        ["10000*31", "10000*1023", "256x256*15x15", "32x32x32*5x5x5"],
    ]

    def setup(self, method, dtype, case):
        super().setup()
        self.a, self.v = arrays(case, dtype)
        try:
            self.y = corrfast.correlate(self.a, self.v, method=method)
        except ValueError as exc:
            raise NotImplementedError(str(exc)) from None

    def track_correlate(self, method, dtype, case):
        return scaled_error(self.y, self.a, self.v)

    track_correlate.unit = "eps"


class Transforms(_Scaled):
    """What transforms are promised to stay below: |y - exact| / (8 * eps * log2(N) * ||a|| * ||v||), of all of `a` as one block of N samples,
    with float64's eps and a rounding to the dtype of the data, or ("fast") that of float32."""

    version = "1"
    param_names = ["precision", "dtype", "case"]
    params = [["default", "fast"], ["float32", "float64"], ["10000*1023", "256x256*15x15", "32x32x32*5x5x5"]]

    def setup(self, precision, dtype, case):
        super().setup()
        self.a, self.v = arrays(case, dtype)
        try:
            self.y = corrfast.correlate(self.a, self.v, method="fft", precision=precision)
        except ValueError as exc:
            raise NotImplementedError(str(exc)) from None

    def track_bound(self, precision, dtype, case):
        places, sums = exact.spot_check(self.a, self.v)
        single = precision == "fast" and dtype == "float32"
        rounding = 0 if single or dtype == "float64" else abs(sums) * np.finfo(dtype).eps / 2
        norms = np.linalg.norm(self.a.ravel()) * np.linalg.norm(self.v.ravel())
        bound = 8 * np.finfo("float32" if single else "float64").eps * np.log2(self.a.size) * norms
        return round(float(np.max((abs(self.y[places] - sums) - rounding).clip(0) / bound)), 5)

    track_bound.unit = "of the bound"


class Separable(_Scaled):
    """Gaussians, which a sum along one axis after the other computes with fewer roundings, but of rounded factors."""

    version = "1"
    param_names = ["dtype", "case"]
    params = [["float32", "float64"], ["256x256*11x11", "256x256*31x31", "32x32x32*9x9x9"]]

    def track_correlate(self, dtype, case):
        a, v = arrays(case, dtype, gaussian=True)
        y = corrfast.correlate(a, v, "same", boundary="reflect")
        return scaled_error(y, a, v, "same", "reflect")

    track_correlate.unit = "eps"


class Gradients(_Scaled):
    """Of a valid correlation. The kernel's sums as many products as there are outputs."""

    version = "1"
    param_names = ["dtype", "case"]
    params = [["float32", "float64"], ["10000*31", "256x256*5x5", "32x32x32*3x3x3"]]

    def setup(self, dtype, case):
        super().setup()
        self.a, self.v = arrays(case, dtype)
        self.g = np.sin(corrfast.correlate(self.a, self.v))
        self.ga, self.gv = public("correlate_vjp")(self.g, self.a, self.v)

    def track_input(self, dtype, case):
        return scaled_error(self.ga, self.g, self.v[(slice(None, None, -1),) * self.v.ndim], "full")

    def track_kernel(self, dtype, case):
        return scaled_error(self.gv, self.a, self.g)

    track_input.unit = track_kernel.unit = "eps"


class Layers(_Scaled):
    """Direct sums, Winograd F(2x2, 3x3) and F(4x4, 3x3), as the level of precision allows."""

    version = "1"
    param_names = ["precision", "pass_", "case"]
    params = [["exact", "default", "fast"], ["forward", "backward_input"], ["64@56 3x3", "256@14 3x3"]]

    def setup(self, precision, pass_, case):
        super().setup()
        nn, self.layer = public("nn"), record(case, pass_)
        self.arrays = x, w, g = layer_arrays(self.layer)
        if pass_ == "forward":
            self.y = nn.conv2d(x, w, **self.layer.options, precision=precision)
        else:
            self.y = nn.conv2d_vjp(g, x, w, **self.layer.options, precision=precision)[0]

    def track_layer(self, precision, pass_, case):
        places, sums = exact.layer_check(self.layer, *self.arrays)
        _, sizes = exact.layer_check(self.layer, *map(abs, self.arrays))
        return round(float(np.max(abs(self.y[places] - sums) / sizes) / np.finfo(self.y.dtype).eps), 3)

    track_layer.unit = "eps"
