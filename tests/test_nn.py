"""corrfast.nn against PyTorch's formulas, written out in layer_problems.py: results, gradients, shapes, options, promises."""
import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_exact, assert_identical, assert_same_bits, nearest, scaled_error
from corrfast import nn
from hypothesis import given
from hypothesis import strategies as st
from layer_problems import convolution, input_gradient, layer_problems, weight_gradient
from layouts import LAYOUTS, output_like
from problems import INTEGERS, NATIVE_FLOATS, any_integers, generated, random_reals, same_pairs, small_integers


def compare_forward(problem):
    x, w, bias = problem.operands()
    before = x.tobytes(), w.tobytes()
    got = assert_exact(lambda **choice: problem.call(x, w, bias, **choice), problem.expected(x, w, bias), problem, sums=not problem.transposed)
    assert_identical(problem.oracle(x, w, bias), problem.expected(x, w, bias), problem)
    assert got.flags.c_contiguous and (x.tobytes(), w.tobytes()) == before
    comparison.count()


@given(problem=layer_problems())
@generated(500)
def test_convolutions(problem):
    for variant in problem.variants():
        compare_forward(variant)


@given(problem=layer_problems(transposed_=True))
@generated(350)
def test_transposed_convolutions(problem):
    for variant in problem.variants():
        compare_forward(variant)


def random_gradient(problem, y):
    rng = np.random.default_rng(problem.seed + 1)
    return small_integers(rng, y.shape, y.dtype) if y.dtype.kind in "fc" else any_integers(rng, y.shape, y.dtype)


def compare_gradients(problem):
    """All three gradients, together and each alone."""
    x, w, bias = problem.operands()
    g = random_gradient(problem, problem.call(x, w, bias))
    expected = problem.expected_gradients(g, x, w)
    got = assert_exact(lambda **choice: problem.call(g, x, w, suffix="_vjp", **choice), expected, problem, sums=False)
    assert got[0].dtype == x.dtype.newbyteorder("=") and got[1].dtype == w.dtype.newbyteorder("=")
    comparison.count(2)
    if not problem.transposed:
        assert_same_bits(problem.call(x.shape, w, g, suffix="_input").astype(got[0].dtype), got[0], problem)
        assert_same_bits(problem.call(x, w.shape, g, suffix="_weight").astype(got[1].dtype), got[1], problem)


@given(problem=layer_problems(), transposed=layer_problems(transposed_=True))
@generated(300)
def test_gradients(problem, transposed):
    for each in (problem, transposed):
        for variant in each.variants(mixed=False):
            compare_gradients(variant)


def inner(x, y):
    """sum conj(x)*y in exact arithmetic, for integers modulo 2**bits."""
    if x.dtype.kind in "iu":
        return int(np.sum(x.astype(object) * y.astype(object))) % 2 ** (8 * x.dtype.itemsize)
    return np.vdot(x.astype(np.complex128), y.astype(np.complex128))


@given(problem=layer_problems(dtypes=same_pairs(INTEGERS + tuple(map(np.dtype, "fdgFDG")))),
       transposed=layer_problems(transposed_=True, dtypes=same_pairs(INTEGERS + tuple(map(np.dtype, "fdgFDG")))))
@generated(200)
def test_gradients_are_the_adjoints(problem, transposed):
    """<g, f(x, w)> == <g_input, x> == <g_weight, w> without any rounding, and <g, f + bias> - <g, f> == <g_bias, bias>."""
    for each in (problem, transposed):
        x, w, bias = each.operands()
        y = nearest(each.call(x, w))
        g = random_gradient(each, y)
        g_input, g_weight, g_bias = map(nearest, each.call(g, x, w, suffix="_vjp"))
        assert inner(g, y) == inner(g_input, x) == inner(g_weight, w)
        if bias is not None:
            with_bias = nearest(each.call(x, w, bias))
            assert inner(g, with_bias - y) == inner(g_bias, bias)


FLOAT_PAIRS = st.tuples(st.sampled_from("efdgFDG"), st.sampled_from("efdgFDG")).map(lambda pair: tuple(map(np.dtype, pair)))


@given(problem=layer_problems(dtypes=FLOAT_PAIRS), transposed=layer_problems(transposed_=True, dtypes=FLOAT_PAIRS))
@generated(100)
def test_gradients_have_their_arguments_dtypes(problem, transposed):
    """Mixed precisions, and the real part where an argument is real and the sums are complex."""
    for each in (problem, transposed):
        x, w, _ = each.operands()
        g = random_gradient(each, each.call(x, w))
        wide = np.result_type(g, x, w)
        expected = each.expected_gradients(g.astype(wide), x.astype(wide), w.astype(wide))
        finals = [like.dtype.newbyteorder("=") for like in (x, w, g)]
        expected = tuple((want if final.kind == "c" else want.real).astype(final) for want, final in zip(expected, finals, strict=True))
        assert_exact(lambda each=each, g=g, x=x, w=w, **choice: each.call(g, x, w, suffix="_vjp", **choice), expected, each, sums=False)


@given(problem=layer_problems(dtypes=same_pairs(NATIVE_FLOATS + (np.dtype("e"),)), layouts=st.just("C")))
@generated(150)
def test_random_reals_stay_within_the_bound(problem):
    """|y - exact| <= (terms + 2) * eps * sum|products|, by the definition in float64 of float32 data."""
    problem = problem.with_dtype({"d": "f", "D": "F"}.get(problem.x_dtype.char, problem.x_dtype.char))
    x, w, _ = problem.operands(random_reals)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    want = problem.expected(x.astype(wide), w.astype(wide))
    size = problem.expected(np.abs(x).astype(float), np.abs(w).astype(float))
    terms = problem.expected(np.ones(x.shape), np.ones(w.shape))
    assert scaled_error(problem.call(x, w, precision="exact"),
                        want, size, terms, x.dtype) <= 1


# Options


@pytest.mark.parametrize("unbatched", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_last_is_a_view_with_the_same_bits(rank, unbatched):
    """Not an integer: the sums themselves are the same, also through the gradients; and results are contiguous in their format."""
    rng = np.random.default_rng(rank)
    n = {1: (150,), 2: (24, 21), 3: (9, 8, 11)}[rank]
    x, w = random_reals(rng, (3, 8, *n), "f"), random_reals(rng, (16, 4, *(3,) * rank), "f")
    b = random_reals(rng, (16,), "f")
    x = x[0] if unbatched else x
    last = np.ascontiguousarray(np.moveaxis(x, -rank - 1, -1))
    y = getattr(nn, f"conv{rank}d")(x, w, b, stride=2, padding=1, groups=2)
    y_last = getattr(nn, f"conv{rank}d")(last, w, b, stride=2, padding=1, groups=2, data_format="channels_last")
    assert y_last.flags.c_contiguous
    assert_same_bits(np.moveaxis(y_last, -1, -rank - 1), y)
    vjp = getattr(nn, f"conv{rank}d_vjp")
    first, other = vjp(y, x, w, 2, 1, groups=2), vjp(y_last, last, w, 2, 1, groups=2, data_format="channels_last")
    assert other[0].flags.c_contiguous
    assert_same_bits(np.moveaxis(other[0], -1, -rank - 1), first[0])
    assert_same_bits(other[1], first[1])
    assert_same_bits(other[2], first[2])


@pytest.mark.parametrize("stride, kernel, pads", [
    (1, (3, 3), (1, 1)), (1, (2, 4), (0, 3)), (1, (5, 5), (2, 2)), (1, (7, 7), (3, 3)), (1, (3, 3), (0, 7)), (1, (3, 3), (0, 20)),
    (2, (3, 3), (1, 1)), (2, (5, 5), (2, 1)), (2, (7, 8), (3, 4)), (2, (2, 2), (0, 0)), (2, (3, 3), (5, 9)), (2, (3, 3), (1, 4)),
    (2, (3, 3), (1, 40))])
@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("columns", [5, 30, 43, 130])
def test_depthwise_layers_of_small_kernels(stride, kernel, pads, dtype, columns):
    """Planes are read where they lie, if their samples lie side by side; else from a copy, with the same bits."""
    rng, channels, options = np.random.default_rng(5), 24, {"stride": stride, "padding": pads, "groups": 24}
    x, w = (rng.integers(-9, 9, shape).astype(dtype) for shape in ((2, channels, 19, columns), (channels, 1, *kernel)))
    y = nn.conv2d(x, w, **options)
    g = rng.integers(-9, 9, y.shape).astype(dtype)
    definition = ((stride,) * 2, (1, 1), [(p, p) for p in pads], channels, "zeros")
    assert_identical(y, convolution(x, w, *definition))
    gradients = nn.conv2d_vjp(g, x, w, needs=(True, True, False), **options)[:2]
    assert_identical(gradients[0], input_gradient(g, x.shape, w, *definition))
    assert_identical(gradients[1], weight_gradient(g, x, w.shape, *definition))
    x, w, g = (array + rng.standard_normal(array.shape).astype(dtype) for array in (x, w, g))
    last = [np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) for array in (x, g)]
    assert_same_bits(nn.conv2d(last[0], w, **options), nn.conv2d(x, w, **options))
    for one, other in zip(nn.conv2d_vjp(last[1], last[0], w, **options)[:2], nn.conv2d_vjp(g, x, w, **options)[:2], strict=True):
        assert_same_bits(one, other)
    if corrfast.show_config("dicts")["isa"].startswith("avx") and columns > 5 and kernel[0] < 7 and max(pads) < 5:
        assert corrfast.explain(nn.conv2d, x, w, **options).method == "image"


@pytest.mark.parametrize("stride, shape", [(1, (1, 16, 290, 301)), (2, (1, 16, 531, 520))])
def test_depthwise_layers_in_blocks_of_rows(stride, shape):
    """More outputs than a block has: the next one finds its lines, and adds to the sums of those before."""
    rng, options = np.random.default_rng(7), {"stride": stride, "padding": 1, "groups": 16}
    x, w = rng.integers(-2, 3, shape).astype("f"), rng.integers(-2, 3, (16, 1, 3, 3)).astype("f")
    y = nn.conv2d(x, w, **options)
    g = rng.integers(-2, 3, y.shape).astype("f")
    definition = ((stride,) * 2, (1, 1), [(1, 1)] * 2, 16, "zeros")
    last = [np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) for array in (x, g)]
    for a, b in ((x, g), last):
        assert_identical(nn.conv2d(a, w, **options), convolution(x, w, *definition))
        gradients = nn.conv2d_vjp(b, a, w, needs=(True, True, False), **options)
        assert_identical(gradients[0], input_gradient(g, x.shape, w, *definition))
        assert_identical(gradients[1], weight_gradient(g, x, w.shape, *definition))


@pytest.mark.parametrize("x_shape, w_shape, options", [
    ((1, 1, 4003), (64, 1, 10), {"stride": 5}),
    ((3, 2, 900), (32, 2, 7), {"stride": 3, "dilation": 2, "padding": 4}),
    ((1, 3, 61, 50), (64, 3, 7, 7), {"stride": 2, "padding": 3}),
    ((5, 3, 33, 40), (48, 3, 4, 4), {"stride": 4}),
    ((2, 4, 30, 34), (96, 2, 3, 5), {"stride": (1, 2), "padding": (0, 3), "groups": 2}),
    ((2, 1, 9, 12, 14), (40, 1, 3, 2, 4), {"stride": (2, 1, 3), "padding": 2}),
    ((1, 3, 40, 46), (64, 3, 4, 4), {"stride": 4, "padding": ((-3, 9), (7, -2))}),
    ((1, 3, 500, 224), (64, 3, 5, 5), {"stride": 2, "padding": 2}),
    ((1, 1, 200001), (128, 1, 16), {"stride": 4}),
])
@pytest.mark.parametrize("dtype", "fd")
def test_gradient_of_the_input_of_first_layers(x_shape, w_shape, options, dtype):
    """Products with every tap at once, then added where they belong: strides, margins, several images or parts of one in a block."""
    rng, rank = np.random.default_rng(11), len(x_shape) - 2
    each = {name: np.broadcast_to(options.get(name, 1), rank).tolist() for name in ("stride", "dilation")}
    pads = options.get("padding", 0)
    pads = [pair if isinstance(pair, tuple) else (pair, pair) for pair in (pads if isinstance(pads, tuple) else (pads,) * rank)]
    x, w = rng.integers(-3, 4, x_shape).astype(dtype), rng.integers(-3, 4, w_shape).astype(dtype)
    vjp, needs = getattr(nn, f"conv{rank}d_vjp"), (True, False, False)
    g = rng.integers(-3, 4, getattr(nn, f"conv{rank}d")(x, w, **options).shape).astype(dtype)
    assert corrfast.explain(vjp, g, x, w, needs=needs, **options).method == "gemm-input"
    expected = input_gradient(g, x.shape, w, each["stride"], each["dilation"], pads, options.get("groups", 1), "zeros")
    assert_identical(vjp(g, x, w, needs=needs, **options)[0], expected)
    g, w = (array + rng.standard_normal(array.shape).astype(dtype) for array in (g, w))
    plain = vjp(g, x, w, needs=needs, **options)[0]
    last = [np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1) for array in (g, x, w)]
    for workers in (1, 2, 5):
        assert_same_bits(vjp(*last, needs=needs, workers=workers, **options)[0], plain)
    assert_same_bits(vjp(np.concatenate([g, g]), np.concatenate([x, x]), w, needs=needs, **options)[0], np.concatenate([plain, plain]))
    g[(0, 0) + (3,) * rank] = np.inf
    touched = np.isfinite(expected) & (input_gradient(g == np.inf, x.shape, np.ones_like(w), each["stride"], each["dilation"], pads,
                                                      options.get("groups", 1), "zeros") > 0)
    np.testing.assert_array_equal(~np.isfinite(vjp(g, x, w, needs=needs, **options)[0]), touched)


def test_gradient_of_the_input_is_planned_at_once_whatever_the_length():
    n = 2**48
    x, w = (np.broadcast_to(np.float32(0), shape) for shape in ((1, 1, n), (64, 1, 16)))
    g = np.broadcast_to(np.float32(0), (1, 64, (n - 16) // 4 + 1))
    plan = corrfast.explain(nn.conv1d_vjp, g, x, w, stride=4, needs=(True, False, False))
    assert plan.method == "gemm-input" and plan.scratch_bytes < 16 * 2**20 * plan.threads


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_an_array_without_a_batch_is_a_batch_of_one(rank):
    rng = np.random.default_rng(rank)
    x, w, b = (small_integers(rng, shape, "d") for shape in ((1, 4, *(7,) * rank), (4, 4, *(2,) * rank), (4,)))
    for name in (f"conv{rank}d", f"conv_transpose{rank}d"):
        y = getattr(nn, name)(x, w, b)
        assert_identical(getattr(nn, name)(x[0], w, b), y[0])
        for one, many in zip(getattr(nn, name + "_vjp")(y[0], x[0], w), getattr(nn, name + "_vjp")(y, x, w), strict=True):
            assert_identical(one, many.reshape(one.shape))


def test_flipped_weights_are_true_convolution():
    rng = np.random.default_rng(1)
    x, w = small_integers(rng, (1, 1, 9, 8), "D"), small_integers(rng, (1, 1, 3, 2), "D")
    assert_identical(nn.conv2d(x, w, flip_kernel=True)[0, 0], corrfast.convolve(x[0, 0], w[0, 0], "valid"))
    assert_identical(nn.conv_transpose2d(x, w, flip_kernel=True), nn.conv_transpose2d(x, w[..., ::-1, ::-1]))
    g = nn.conv2d(x, w, flip_kernel=True)
    got, want = nn.conv2d_vjp(g, x, w, flip_kernel=True), nn.conv2d_vjp(g, x, w[..., ::-1, ::-1])
    assert_identical(got[0], want[0])
    assert_identical(got[1], want[1][..., ::-1, ::-1])


@pytest.mark.parametrize("rule, mode", [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular"), ("constant", "zeros")])
def test_pads_may_be_longer_than_the_array(rule, mode):
    x, w = np.arange(1., 4).reshape(1, 1, 3), np.arange(1., 21).reshape(1, 1, 20)
    want = corrfast.correlate(x[0, 0], w[0, 0], padding=(50, 41), boundary=rule)
    assert_identical(nn.conv1d(x, w, padding=(50, 41), padding_mode=mode)[0, 0], want)


def test_an_empty_batch_has_an_empty_result_and_zero_gradients():
    for last in (False, True):
        options = {"data_format": "channels_last"} if last else {}
        x, w = np.ones((0, 5, 5, 2) if last else (0, 2, 5, 5)), np.ones((4, 2, 3, 3))
        y = nn.conv2d(x, w, np.ones(4), **options)
        assert y.shape == ((0, 3, 3, 4) if last else (0, 4, 3, 3))
        g_input, g_weight, g_bias = nn.conv2d_vjp(y, x, w, **options)
        assert g_input.shape == x.shape
        assert_identical(g_weight, np.zeros(w.shape))
        assert_identical(g_bias, np.zeros(4))
        assert_identical(nn.conv2d_weight(x, w.shape, y, **options), np.zeros(w.shape))
        up = nn.conv_transpose2d(y, w, np.ones(2), **options)
        assert up.shape == x.shape
        assert_identical(nn.conv_transpose2d_vjp(up, y, w, **options)[1], np.zeros(w.shape))


def test_what_no_window_reaches_is_the_bias():
    """Strides longer than the kernel, output padding, pads beyond the ends, and crops that leave nothing but padding."""
    y = nn.conv_transpose1d([[1, 10]], [[[1, 2]]], [7], stride=4, output_padding=3)
    assert y.tolist() == [[8, 9, 7, 7, 17, 27, 7, 7, 7]]
    assert nn.conv_transpose1d([[1, 10]], [[[1]]], [7], dilation=3, output_padding=2).tolist() == [[8, 17, 7, 7]]
    assert nn.conv_transpose1d([[1]], [[[1]]], [7], padding=[(-2, -1)]).tolist() == [[7, 7, 8, 7]]
    assert nn.conv1d([[1, 2]], [[[1]]], [7], padding=(2, 1)).tolist() == [[7, 7, 8, 9, 7]]


# Memory


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("read-only", "broadcast")])
@pytest.mark.parametrize("last", [False, True])
def test_results_and_gradients_written_to_out(layout, last):
    rng = np.random.default_rng(3)
    options = {"padding": 1, "groups": 2, **({"data_format": "channels_last"} if last else {})}
    for dtype in "fiDe":
        x = small_integers(rng, (2, 9, 7, 4) if last else (2, 4, 9, 7), dtype)
        w, b = small_integers(rng, (6, 2, 3, 2), dtype), small_integers(rng, (6,), dtype)
        want = nn.conv2d(x, w, b, **options)
        out = output_like(want.shape, dtype, layout, 99)
        assert nn.conv2d(x, w, b, out=out, **options) is out and (out == want).all()
        for arrays, function in (((want, x, w), nn.conv2d_vjp), ((want, want, w), nn.conv_transpose2d_vjp)):
            if function is nn.conv_transpose2d_vjp:
                arrays = (nn.conv_transpose2d(want, w, **options), want, w)
            both = function(*arrays, **options)
            places = tuple(output_like(g.shape, dtype, layout, 99) for g in both)
            for got, place, gradient in zip(function(*arrays, out=places, **options), places, both, strict=True):
                assert got is place and (place == gradient).all()
        for function, arrays in ((nn.conv2d_input, (x.shape, w, want)), (nn.conv2d_weight, (x, w.shape, want))):
            plain = function(*arrays, **options)
            out = output_like(plain.shape, dtype, layout, 99)
            assert function(*arrays, out=out, **options) is out and (out == plain).all()


def test_out_may_overlap_the_arguments():
    rng = np.random.default_rng(4)
    x, w, b = small_integers(rng, (1, 3, 6, 6), "d"), small_integers(rng, (3, 3, 3, 3), "d"), small_integers(rng, (3,), "d")
    want = nn.conv2d(x, w, b, padding=1)
    same = x.copy()
    assert_identical(nn.conv2d(same, w, b, padding=1, out=same), want)
    memory = np.zeros(want.size + 2)
    memory[1:4] = b
    assert_identical(nn.conv2d(x, w, memory[1:4], padding=1, out=memory[2:].reshape(want.shape)), want)
    grads = nn.conv2d_vjp(want, x, w, padding=1)
    for place in range(3):
        arrays = [want.copy(), x.copy(), w.copy()]
        own = arrays[place]
        out = (None, own, None) if place == 2 else (own, None, None)
        for got, gradient in zip(nn.conv2d_vjp(*arrays, padding=1, out=out), grads, strict=True):
            assert_identical(got, gradient)
    memory = want.copy()                            # the bias gradient lies over samples of the gradient that it sums
    for got, gradient in zip(nn.conv2d_vjp(memory, x, w, padding=1, out=(None, None, memory[0, 0, 0, :3])), grads, strict=True):
        assert_identical(got, gradient)


@pytest.mark.parametrize("needs", [(True, False, False), (False, True, False), (False, False, True), (False,) * 3, (1, 0, 1)])
def test_needs_leaves_out_what_is_not_wanted(needs):
    rng = np.random.default_rng(5)
    x, w = small_integers(rng, (2, 3, 9), "d"), small_integers(rng, (4, 3, 3), "d")
    for name, x in (("conv1d", x), ("conv_transpose1d", small_integers(rng, (2, 4, 9), "d"))):
        g = getattr(nn, name)(x, w)
        every = getattr(nn, name + "_vjp")(g, x, w)
        for got, want, wanted in zip(getattr(nn, name + "_vjp")(g, x, w, needs=needs), every, needs, strict=True):
            if wanted:
                assert_identical(got, want)
            else:
                assert got is None


# Promises


@pytest.mark.parametrize("last", [False, True])
def test_the_bias_gradient_of_float16_is_rounded_once(last):
    rng = np.random.default_rng(8)
    g = rng.standard_normal((40, 3, 500)).astype("e")
    want = g.astype("f").sum(axis=(0, 2), dtype="d").astype("e")
    x, w = np.zeros((40, 1, 500), "e"), np.zeros((3, 1, 1), "e")
    if last:
        g, x = (np.ascontiguousarray(np.moveaxis(array, 1, -1)) for array in (g, x))
    got = nn.conv1d_vjp(g, x, w, data_format="channels_last" if last else "channels_first", needs=(False, False, True))[2]
    assert_identical(got, want)


LARGE = {"3x3": ((3, 19, 57, 61), (24, 19, 3, 3), {"padding": 1}),
         "strided": ((2, 16, 63, 65), (32, 16, 3, 3), {"stride": 2, "padding": "same"}),
         "depthwise": ((2, 40, 61, 63), (40, 1, 3, 3), {"groups": 40, "padding": 1, "padding_mode": "reflect"}),
         "depthwise between zeros": ((2, 40, 61, 63), (40, 1, 3, 3), {"groups": 40, "padding": 1}),
         "strided depthwise": ((2, 40, 61, 63), (40, 1, 3, 3), {"groups": 40, "padding": 1, "stride": 2}),
         "first": ((2, 3, 70, 75), (24, 3, 7, 7), {"stride": (2, 3), "padding": 3}),
         "pointwise": ((3, 70, 33, 35), (41, 70, 1, 1), {}),
         "1-D": ((2, 24, 3001), (17, 24, 9), {"padding": "same_lower"})}


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("name", LARGE)
def test_the_bits_depend_neither_on_threads_nor_on_the_batch(name, dtype):
    x_shape, w_shape, options = LARGE[name]
    rng = np.random.default_rng(6)
    rank = len(w_shape) - 2
    conv, vjp = getattr(nn, f"conv{rank}d"), getattr(nn, f"conv{rank}d_vjp")
    x, w, b = random_reals(rng, x_shape, dtype), random_reals(rng, w_shape, dtype), random_reals(rng, w_shape[:1], dtype)
    y = conv(x, w, b, **options, workers=1)
    grads = vjp(y, x, w, **options, workers=1)
    for workers in (2, 3):
        assert_same_bits(conv(x, w, b, **options, workers=workers), y)
        for got, want in zip(vjp(y, x, w, **options, workers=workers), grads, strict=True):
            assert_same_bits(got, want)
    for one in (0, len(x) - 1):
        assert_same_bits(conv(x[one], w, b, **options), y[one])
        assert_same_bits(vjp(y[one:one + 1], x[one:one + 1], w, **options)[0][0], grads[0][one])
    assert_same_bits(nn.prepare(w, b, **options)(x), y)


@given(problem=layer_problems(), transposed=layer_problems(transposed_=True))
@generated(60)
def test_prepared_weights_give_the_bits_of_plain_calls(problem, transposed):
    for each in (problem, transposed):
        x, w, bias = each.operands()
        layer = nn.prepare(w, bias, function="conv_transpose" if each.transposed else getattr(nn, each.name), **each.options)
        want = each.call(x, w, bias)
        assert_same_bits(layer(x), want)
        assert_same_bits(layer(x), want, "kept")
        other = x.astype(np.clongdouble)
        assert_identical(layer(other), each.call(other, w, bias))
        out = np.zeros(want.shape, want.dtype)
        assert layer(x, out=out) is out and (out == want).all()
        fixed = nn.prepare(w, bias, function="conv_transpose" if each.transposed else "conv", shape=x.shape, **each.options)
        assert_same_bits(fixed(x), want)
        with pytest.raises(ValueError, match="shape"):
            fixed(np.ones(np.array(x.shape) + 1))


def test_prepared_layers_keep_copies_and_the_precision_of_their_scope():
    w, b = np.ones((1, 1, 2)), np.ones(1)
    with corrfast.precision_scope("exact"):
        layer = nn.prepare(w, b)
    w[...], b[...] = 9, 9
    assert layer([[1.0, 2.0]]).tolist() == [[4.0]]
    assert repr(layer) == "<prepared conv1d: weight (1, 1, 2) float64, bias float64, precision='exact'>"
    assert repr(nn.prepare(w, function=nn.conv_transpose1d, stride=[2], output_padding=1, shape=(1, 5))) == \
        "<prepared conv_transpose1d: weight (1, 1, 2) float64, stride=(2,), output_padding=1, shape=(1, 5)>"


def test_explain_plans_every_function():
    x, w = ((2, 6, 20), "float32"), ((8, 3, 3), "float32")
    y = ((2, 8, 18), "float32")
    for function, arrays, shapes in [(nn.conv1d, (x, w), ((2, 8, 18), (2, 6, 20), (8, 3, 3))),
                                     (nn.conv1d_vjp, (y, x, w), ((2, 6, 20), (2, 6, 20), (8, 3, 3))),
                                     (nn.conv_transpose1d, (y, w), ((2, 6, 20), (2, 8, 18), (8, 3, 3))),
                                     (nn.conv_transpose1d_vjp, (x, y, w), ((2, 8, 18), (2, 8, 18), (8, 3, 3))),
                                     (nn.conv1d_input, (x[0], w, y), ((2, 6, 20), (2, 6, 20), None)),
                                     (nn.conv1d_weight, (x, w[0], y), ((8, 3, 3), None, (8, 3, 3)))]:
        for pass_, shape in zip(("forward", "backward_input", "backward_kernel"), shapes, strict=True):
            if shape is None:
                with pytest.raises(ValueError, match="pass_"):
                    corrfast.explain(function, *arrays, groups=2, pass_=pass_)
            else:
                plan = corrfast.explain(function, *arrays, groups=2, pass_=pass_)
                assert plan.output_shape == shape and plan.function == function.__name__ and plan.dtype == "float32"
    assert corrfast.explain(nn.conv1d, x, w, ((8,), "float64"), groups=2).dtype == "float64"
    assert corrfast.explain(nn.conv1d_vjp, y, x, w, groups=2, needs=(False, True, True)).output_shape == w[0]
    assert corrfast.explain(nn.conv1d, np.ones((20, 6)), np.ones((8, 3, 3)), groups=2, data_format="channels_last").output_shape == (18, 8)
    with pytest.raises(ValueError, match="bias"):
        corrfast.explain(nn.conv1d, x, w, ((7,), "float32"), groups=2)
    with pytest.raises(ValueError, match="grad_output"):
        corrfast.explain(nn.conv1d_weight, x, w[0], x, groups=2)
