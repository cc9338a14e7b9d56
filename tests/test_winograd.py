"""Winograd's F(2x2, 3x3) and its like, which precision="default" allows, and F(4x4, 3x3), of precision="fast": bounds, NaN and Inf, the same bits.

They compute a tile of outputs from a patch of samples, by products of sums: an error is bounded by the largest samples and taps there, and
not by an output's own products.
"""
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits
from corrfast import nn
from problems import small_integers

LEVELS = {"default": 2, "fast": 4}     # precision -> outputs along a side of a tile
PASSES = ["forward", "backward_input"]
CHANNELS = 32                          # enough for F(4x4, 3x3)


def run(pass_, a, w, precision, **options):
    """The layer of `a`, or its gradient for the input with `a` as the gradient for the result; both of the size of `a`."""
    method = "auto" if precision == "exact" else "winograd"
    if pass_ == "forward":
        return nn.conv2d(a, w, padding=1, precision=precision, method=method, **options)
    shape = (*a.shape[:-3], w.shape[1], *a.shape[-2:])
    if precision != "exact":
        plan = corrfast.explain(nn.conv2d_input, shape, w, a, padding=1, precision=precision, method=method)
        assert f"F({LEVELS[precision]}x" in plan.tile
    return nn.conv2d_input(shape, w, a, padding=1, precision=precision, method=method, **options)


def test_the_levels_are_what_they_are_said_to_be():
    x, w = np.ones((1, 64, 28, 28), "f"), np.ones((64, 64, 3, 3), "f")
    for pass_ in PASSES:
        tiles = [corrfast.explain(nn.conv2d, x, w, padding=1, precision=level, pass_=pass_).tile for level in ("exact", "default", "fast")]
        assert "F(" not in tiles[0] and "F(2x2, 3x3)" in tiles[1] and "F(4x4, 3x3)" in tiles[2]
    with pytest.raises(ValueError, match="winograd"):
        nn.conv2d(x, w, method="winograd", precision="exact")


# Errors


def mixture(rng, shape):
    """Numbers of either sign from a thousandth to a thousand, side by side."""
    return 10 ** rng.uniform(-3, 3, shape) * rng.choice([-1, 1], shape)


def spikes(rng, shape):
    return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.02, 1e3, 1e-3)


def checkers(rng, shape):
    """Neighbors of opposite sign, which the transforms of the samples add up."""
    return 100 * (-1.0) ** np.indices(shape).sum(axis=0) + rng.standard_normal(shape)


EVEN = {"normal": lambda rng, shape: rng.standard_normal(shape), "uniform": lambda rng, shape: rng.random(shape),
        "offset": lambda rng, shape: 100 + rng.standard_normal(shape)}
UNEVEN = {"mixture": mixture, "spikes": spikes, "checkers": checkers}


def operands(pass_, make, dtype):
    """What goes in, and the weights: 32 channels are summed over, of which come 40."""
    rng = np.random.default_rng(7)
    a, w = make(rng, (2, CHANNELS, 21, 26)), make(rng, (40, CHANNELS, 3, 3))
    return a.astype(dtype), (w if pass_ == "forward" else w.transpose(1, 0, 2, 3)).astype(dtype)


def of_channel(pass_, w, channel):
    """A view of all taps that a channel of the input meets."""
    return w[:, channel] if pass_ == "forward" else w[channel]


def wide(array):
    return array.astype(np.float64 if array.dtype == np.float32 else np.longdouble)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("pass_", PASSES)
@pytest.mark.parametrize("kind", EVEN)
def test_errors_of_even_data(kind, pass_, dtype):
    """Where samples and taps are of one size: |y - exact| <= c * eps * mean of sum |x||w|; F2 has fewer terms to sum than direct sums."""
    a, w = operands(pass_, EVEN[kind], dtype)
    want, size = (run(pass_, wide(x), wide(y), "exact") for x, y in ((a, w), (abs(a), abs(w))))
    for precision, most in (("exact", 16), ("default", 8), ("fast", 32)):
        error = np.max(abs(run(pass_, a, w, precision) - want)) / size.mean() / np.finfo(dtype).eps
        assert error <= most, (precision, error)


def patch_bound(pass_, a, w, m):
    """sum over channels of (largest |sample| of the patch) * (largest |tap|), for the patches of all tiles that an output may lie in."""
    padded = np.pad(abs(wide(a)), [(0, 0), (0, 0), (m, m), (m, m)])
    largest = np.lib.stride_tricks.sliding_window_view(padded, (2 * m + 1, 2 * m + 1), axis=(2, 3)).max(axis=(4, 5))
    return np.einsum("bcij,oc->boij" if pass_ == "forward" else "bcij,co->boij", largest, abs(wide(w)).max(axis=(2, 3)))


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("pass_", PASSES)
@pytest.mark.parametrize("kind", {**EVEN, **UNEVEN})
def test_errors_of_any_data(kind, pass_, dtype):
    """The bound that follows from the transforms: c * (channels + r) * eps * sum of max|x| max|w|.

    c is the product of the absolute row sums of the three matrices along a path from samples to output, squared for the two axes: 8**2 for
    F2, 48**2 for F4. r is the number of roundings in the transforms.
    """
    a, w = operands(pass_, {**EVEN, **UNEVEN}[kind], dtype)
    want = run(pass_, wide(a), wide(w), "exact")
    for precision, growth, roundings in (("default", 8**2, 10), ("fast", 48**2, 20)):
        bound = growth * (CHANNELS + roundings) * np.finfo(dtype).eps * patch_bound(pass_, a, w, LEVELS[precision])
        assert np.all(abs(run(pass_, a, w, precision) - want) <= bound)


# taps and stride along an axis -> the growth of errors along it: the product of absolute row sums, as for F2 above, of the schemes of 2 and 3 outputs
GROWTH = {(1, 1): 1, (2, 1): 6, (3, 1): 8, (5, 1): 12, (3, 2): 7, (4, 2): 8}


@pytest.mark.parametrize("kind", {**EVEN, **UNEVEN})
@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("sides", [((3, 2), (3, 2)), ((2, 1), (2, 1)), ((4, 2), (4, 2)), ((5, 1), (5, 1)), ((1, 1), (3, 1)), ((3, 2), (1, 1)),
                                   ((3, 1), (4, 2))])
def test_errors_of_other_taps_and_strides(sides, dtype, kind):
    """The bound of any data, with the growths of both axes; samples may lie as far away as a patch is long."""
    rng = np.random.default_rng(17)
    taps, stride = zip(*sides)
    x = ({**EVEN, **UNEVEN}[kind](rng, (2, CHANNELS, 30, 33))).astype(dtype)
    w = ({**EVEN, **UNEVEN}[kind](rng, (40, CHANNELS, *taps))).astype(dtype)
    y, want = nn.conv2d(x, w, stride=stride, method="winograd"), nn.conv2d(wide(x), wide(w), stride=stride, precision="exact")
    padded = np.pad(abs(wide(x)), [(0, 0), (0, 0), (8, 8), (8, 8)])
    largest = np.lib.stride_tricks.sliding_window_view(padded, (17, 17), axis=(2, 3)).max(axis=(4, 5))
    largest = largest[:, :, ::stride[0], ::stride[1]][:, :, :y.shape[2], :y.shape[3]]
    bound = np.einsum("bcij,oc->boij", largest, abs(wide(w)).max(axis=(2, 3)))
    assert np.all(abs(y - want) <= GROWTH[sides[0]] * GROWTH[sides[1]] * (CHANNELS + 10) * np.finfo(dtype).eps * bound)
    if kind in EVEN:                   # no more than direct sums are off by
        size = nn.conv2d(abs(wide(x)), abs(wide(w)), stride=stride, precision="exact").mean()
        assert np.max(abs(y - want)) <= 16 * np.finfo(dtype).eps * size


OTHERS = {"3-D": ((2, 16, 5, 13, 14), (24, 16, 2, 3, 3), {"padding": (0, 1, 1)}),
          "1 x 3 x 3": ((2, 16, 3, 14, 15), (9, 16, 1, 3, 3), {}),
          "dilated": ((2, 20, 23, 22), (24, 20, 3, 3), {"dilation": (2, 3), "padding": (3, 2)}),
          "groups": ((2, 36, 14, 27), (30, 12, 3, 3), {"groups": 3, "padding": ((2, 0), (-1, 4))}),
          "reflected": ((2, 20, 11, 12), (24, 20, 3, 3), {"padding": 2, "padding_mode": "reflect"}),
          "strided": ((2, 20, 23, 30), (24, 20, 3, 3), {"stride": 2, "padding": 1}),
          "4 x 4 strided": ((1, 17, 27, 30), (24, 17, 4, 4), {"stride": 2, "padding": 1}),
          "2 x 2": ((2, 20, 13, 50), (24, 20, 2, 2), {}),
          "5 x 5 dilated": ((1, 20, 33, 30), (24, 20, 5, 5), {"dilation": 2, "padding": 4}),
          "1 x 3": ((2, 20, 13, 50), (24, 20, 1, 3), {}),
          "3 x 1 strided": ((2, 20, 33, 15), (24, 20, 3, 1), {"stride": (2, 1)}),
          "3 x 4, stride 1 and 2": ((2, 20, 33, 15), (24, 20, 3, 4), {"stride": (1, 2)}),
          "1-D": ((2, 20, 100), (24, 20, 3), {"padding": 1}),
          "1-D strided": ((2, 20, 101), (24, 20, 3), {"stride": 2}),
          "1-D, 5 taps, dilated": ((2, 20, 101), (24, 20, 5), {"dilation": 8, "padding": 16}),
          "few columns": ((1, 20, 14, 14), (24, 20, 3, 3), {"padding": 1}),
          "few outputs a phase": ((1, 1, 12, 10), (1, 1, 3, 3), {"dilation": 3}),
          "one channel": ((2, 1, 30, 31), (3, 1, 3, 3), {"padding": 1})}


@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("name", OTHERS)
def test_other_geometries(name, precision):
    """Errors of even data, and a NaN, an Inf and an infinite tap in their places."""
    x_shape, w_shape, options = OTHERS[name]
    rng = np.random.default_rng(11)
    conv = {3: nn.conv1d, 4: nn.conv2d, 5: nn.conv3d}[len(x_shape)]
    x, w = rng.standard_normal(x_shape).astype("f"), rng.standard_normal(w_shape).astype("f")
    y = conv(x, w, method="winograd", precision=precision, **options)
    want, size = (conv(a, b, precision="exact", **options) for a, b in ((wide(x), wide(w)), (abs(wide(x)), abs(wide(w)))))
    assert np.max(abs(y - want)) <= 32 * np.finfo("f").eps * size.mean()
    x, w = (small_integers(rng, shape, "f") for shape in (x_shape, w_shape))
    for _ in range(15):
        bad_x, bad_w = x.copy(), w.copy()
        bad_x.flat[rng.integers(x.size)], bad_x.flat[rng.integers(x.size)] = np.nan, np.inf
        bad_w.flat[rng.integers(w.size)] = rng.choice([1, -np.inf])
        with np.errstate(invalid="ignore"):
            got = conv(bad_x, bad_w, method="winograd", precision=precision, **options)
            assert_same_places(got, conv(bad_x, bad_w, precision="exact", **options), precision)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("pass_", PASSES)
def test_small_integers_are_exact_by_default(pass_, dtype):
    """F2 halves twice and divides by nothing else; F4 divides by 3."""
    a, w = operands(pass_, lambda rng, shape: rng.integers(-100, 101, shape), dtype)
    want = run(pass_, a.astype(np.int64), w.astype(np.int64), "exact")
    assert_identical(run(pass_, a, w, "default"), want.astype(dtype))
    assert np.max(abs(run(pass_, a, w, "fast") - want)) < 1e-4 * np.max(abs(want))


# NaN and Inf


def assert_same_places(got, want, precision):
    assert np.array_equal(np.isnan(got), np.isnan(want)) and np.array_equal(np.isinf(got), np.isinf(want))
    infinite, finite = np.isinf(want), np.isfinite(want)
    assert np.array_equal(got[infinite], want[infinite])
    if precision == "default":         # exact, as all are small integers
        assert np.array_equal(got[finite], want[finite])
    else:
        np.testing.assert_allclose(got[finite], want[finite], atol=1e-2)


def compare_poisoned(pass_, a, w, precision):
    with np.errstate(invalid="ignore"):
        assert_same_places(run(pass_, a, w, precision), run(pass_, a, w, "exact"), precision)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("pass_", PASSES)
def test_every_place_of_the_input(pass_, precision, poison):
    """All rows and columns, corners and what lies at the padding among them."""
    a, w = operands(pass_, lambda rng, shape: small_integers(rng, shape, "f"), "f")
    a = np.ascontiguousarray(a[:1, :, :13, :15])
    for row in range(13):
        for column in range(15):
            bad = a.copy()
            bad[0, (5 * row + column) % CHANNELS, row, column] = poison
            compare_poisoned(pass_, bad, w, precision)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("pass_", PASSES)
def test_every_place_of_a_kernel(pass_, precision, poison):
    """An infinite tap that meets only padding leaves no trace there."""
    a, w = operands(pass_, lambda rng, shape: small_integers(rng, shape, "f"), "f")
    a = np.ascontiguousarray(a[:1, :, :13, :15])
    for tap in np.ndindex(3, 3):
        for outer, inner in ((0, 0), (17, 30), (len(w) - 1, w.shape[1] - 1)):
            bad = w.copy()
            bad[(outer, inner, *tap)] = poison
            compare_poisoned(pass_, a, bad, precision)


@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("pass_", PASSES)
def test_what_overflows_on_the_way_alone_stays_finite(pass_, precision):
    """Samples so large that the transforms overflow, and the sums do not."""
    a, w = operands(pass_, lambda rng, shape: small_integers(rng, shape, "f"), "f")
    a[0, 3, 4:9, 5:11] = np.finfo("f").max / 2
    of_channel(pass_, w, 3)[...] = 0
    want = run(pass_, a, w, "exact")
    assert np.isfinite(want).all()
    np.testing.assert_allclose(run(pass_, a, w, precision), want, atol=1e-2)


def test_a_nonfinite_sample_leaves_the_bits_of_the_rest_of_the_batch():
    a, w = operands("forward", EVEN["normal"], "f")
    for precision in LEVELS:
        want, bad = run("forward", a, w, precision), a.copy()
        bad[0, 0, 3, 3] = np.nan
        assert_same_bits(run("forward", bad, w, precision)[1], want[1])


# The same bits


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("pass_", PASSES)
def test_the_bits_depend_neither_on_threads_nor_on_the_batch(pass_, precision, dtype):
    rng = np.random.default_rng(5)
    for channels, n in ((CHANNELS, (61, 57)), (96, (15, 14))):
        a, w = rng.standard_normal((3, channels, *n)).astype(dtype), rng.standard_normal((channels, channels, 3, 3)).astype(dtype)
        want = run(pass_, a, w, precision, workers=1)
        for workers in (2, 3, 4):
            assert_same_bits(run(pass_, a, w, precision, workers=workers), want, workers)
        for one in range(3):
            assert_same_bits(run(pass_, a[one:one + 1], w, precision)[0], want[one], one)
        last = np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        assert_same_bits(run(pass_, last, w, precision), want)


def test_the_method_asked_for_serves_the_gradient_of_the_input():
    """Its forward problems, that is: direct sums have the bits of precision="exact", Winograd has others."""
    rng = np.random.default_rng(13)
    g, w = rng.standard_normal((1, 64, 28, 28)).astype("f"), rng.standard_normal((64, 64, 3, 3)).astype("f")
    gradients = [nn.conv2d_input(g.shape, w, g, padding=1, **options) for options in ({"precision": "exact"}, {"method": "direct"}, {"method": "winograd"})]
    assert_same_bits(gradients[1], gradients[0])
    assert gradients[2].tobytes() != gradients[0].tobytes()
