"""Winograd's F(3x3, 2x2), the gradient of a 3x3 kernel at precision="default", and its like: bounds, exact integers, NaN and Inf, the same bits."""
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits
from corrfast import nn
from numpy.lib.stride_tricks import sliding_window_view
from problems import small_integers

SHAPE = (2, 24, 21, 26)  # odd and even: tiles at the ends reach beyond the outputs


def gradient(x, g, precision="default", **options):
    """The gradient for a kernel of 3 x 3 taps, one tile of the patches beyond each end padded with zeros."""
    w = (g.shape[1], x.shape[1], 3, 3)
    return nn.conv2d_weight(x, w, g, padding=1, precision=precision, **options)


def test_which_methods_the_levels_take():
    x, w = np.ones((1, 64, 28, 28), "f"), np.ones((64, 64, 3, 3), "f")
    methods = [corrfast.explain(nn.conv2d, x, w, padding=1, precision=level, pass_="backward_kernel").method for level in ("exact", "default")]
    assert methods == ["gemm-gradient", "winograd-gradient"]


def operands(make, dtype, couts=40):
    rng = np.random.default_rng(3)
    return make(rng, SHAPE).astype(dtype), make(rng, (SHAPE[0], couts, *SHAPE[2:])).astype(dtype)


def bound_of(x, g):
    """The sum over tiles of the largest sample times the largest gradient, for each pair of channels, and the number of tiles."""
    even = [(0, 0), (0, 0)] + [(0, n % 2) for n in SHAPE[2:]]
    tiles = sliding_window_view(np.pad(abs(g), even), (2, 2), (2, 3))[:, :, ::2, ::2].max((-1, -2))
    patches = sliding_window_view(np.pad(abs(x), [(0, 0), (0, 0)] + [(1, 1 + n % 2) for n in SHAPE[2:]]), (4, 4), (2, 3))[:, :, ::2, ::2].max((-1, -2))
    return np.einsum("boyx,biyx->oi", tiles, patches)[..., None, None], tiles[:, 0].size


DATA = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "offset": lambda rng, shape: 100 + rng.standard_normal(shape),
    "mixture": lambda rng, shape: 10 ** rng.uniform(-3, 3, shape) * rng.choice([-1, 1], shape),
    "checkers": lambda rng, shape: 100 * (-1.0) ** np.indices(shape).sum(axis=0) + rng.standard_normal(shape),
}


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("kind", DATA)
def test_errors(kind, dtype):
    x, g = operands(DATA[kind], dtype)
    wide = np.float64 if dtype == "f" else np.longdouble
    exact = gradient(x.astype(wide), g.astype(wide), "exact")
    got = gradient(x, g, method="winograd")
    largest, tiles = bound_of(x.astype(wide), g.astype(wide))
    eps = np.finfo(dtype).eps
    assert np.all(abs(got - exact) <= 64 * (tiles + 10) * eps * largest)
    if kind in ("normal", "uniform", "offset"):
        usual = gradient(abs(x).astype(wide), abs(g).astype(wide), "exact").mean()
        assert abs(got - exact).max() <= 16 * eps * usual


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("options", [{}, {"dilation": 2}, {"padding_mode": "reflect"}, {"groups": 2}, {"data_format": "channels_last"}])
def test_small_integers_are_exact(dtype, options):
    rng = np.random.default_rng(5)
    d, groups, last = options.get("dilation", 1), options.get("groups", 1), "data_format" in options
    n = [size - 2 * d + 2 for size in SHAPE[2:]]
    x, g = small_integers(rng, SHAPE, dtype), small_integers(rng, (2, 32, *n), dtype)
    if last:
        x, g = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, g))
    w = (32, SHAPE[1] // groups, 3, 3)
    options = {"padding": 1, "groups": groups, "dilation": d, **options}
    assert_identical(nn.conv2d_weight(x, w, g, method="winograd", **options), nn.conv2d_weight(x, w, g, precision="exact", **options))


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize(("x", "w", "options"), [
    ((2, 24, 21, 26), (32, 24, 3, 3), {"stride": 2, "padding": 1}), ((2, 24, 21, 26), (32, 24, 4, 4), {"stride": 2, "padding": 1}),
    ((2, 24, 21, 26), (32, 24, 5, 5), {}), ((2, 24, 21, 26), (32, 24, 2, 2), {}), ((2, 24, 21, 26), (32, 24, 1, 3), {"dilation": (1, 3)}),
    ((2, 24, 21, 26), (32, 24, 3, 1), {"stride": (2, 1)}), ((2, 24, 5, 11, 26), (32, 24, 2, 3, 2), {"stride": (2, 1, 1)}),
    ((2, 24, 200), (32, 24, 3), {"padding": 1}), ((2, 24, 200), (300, 24, 3), {"stride": 2}), ((2, 24, 200), (32, 24, 5), {"dilation": 4})])
def test_small_integers_are_exact_with_other_taps_and_strides(x, w, options, dtype):
    rng = np.random.default_rng(6)
    rank = len(x) - 2
    conv, weight = getattr(nn, f"conv{rank}d"), getattr(nn, f"conv{rank}d_weight")
    x = small_integers(rng, x, dtype)
    g = small_integers(rng, conv(x, np.zeros(w, dtype), **options).shape, dtype)
    assert_identical(weight(x, w, g, method="winograd", **options), weight(x, w, g, precision="exact", **options))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "g"])
def test_what_is_not_finite_reaches_what_it_should(where, poison):
    x, g = operands(DATA["normal"], "f")
    for place in [(0, 0, 0, 0), (1, 23, 20, 25), (0, 5, 0, 13), (1, 7, 10, 0), (0, 11, 9, 8)]:
        a, b = x.copy(), g.copy()
        (a if where == "x" else b)[place] = poison
        with np.errstate(invalid="ignore"):
            got, want = gradient(a, b, method="winograd"), gradient(a, b, "exact")
        assert_identical(np.isnan(got), np.isnan(want))
        assert_identical(np.isposinf(got), np.isposinf(want))
        assert_identical(np.isneginf(got), np.isneginf(want))


@pytest.mark.parametrize("dtype", "fd")
def test_the_bits_depend_neither_on_threads_nor_on_layout(dtype):
    rng = np.random.default_rng(11)
    x, g = rng.standard_normal((3, 48, 30, 31)).astype(dtype), rng.standard_normal((3, 80, 30, 31)).astype(dtype)
    alone = gradient(x, g, method="winograd", workers=1)
    for workers in (2, 3, 4):
        assert_same_bits(gradient(x, g, method="winograd", workers=workers), alone)
    last = [np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, g)]
    assert_same_bits(nn.conv2d_weight(last[0], alone.shape, last[1], padding=1, method="winograd", data_format="channels_last"), alone)
