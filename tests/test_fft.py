"""method="fft": the error bound, NaN and Inf, exact integers, the same bits, gradients, layers, and what the planner says of it.

A block of samples is transformed at once, so that an error goes with the norms of the block and of the kernel, and not with an output's own
products; in float64 arithmetic, but for precision="fast" in float32.
"""
import dataclasses
import itertools
import re

import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits, components, nearest
from corrfast import nn
from hypothesis import given
from hypothesis import strategies as st
from layer_problems import layer_problems
from layouts import LAYOUTS, at_offset, laid_out, output_like
from problems import INTEGERS, NATIVE_FLOATS, RULES, any_integers, generated, plain_problems, problems, random_reals, same_pairs, small_integers

LEVELS = ("default", "fast")
NARROW = "efdFD" # what it takes of the float dtypes
TAKEN = tuple(np.dtype(c) for c in "?" + NARROW) + INTEGERS


def blocks(*args, **options):
    """Outputs of a block along each of the last axes, and N, the samples that it transforms."""
    plan = corrfast.explain(*args, **options, method="fft")
    assert plan.method == "fft"
    said = re.fullmatch(r"blocks of (\d+) x (\d+) x (\d+) outputs, transforms of (\d+) complex points in float(32|64)", plan.tile)
    *lengths, points, bits = map(int, said.groups())
    single = plan.dtype in ("float16", "float32", "complex64") and options.get("precision") == "fast"
    assert bits == (32 if single else 64)
    return lengths, points if plan.dtype.startswith("complex") else 2 * points


# Errors


def offset(rng, shape):
    return 1e6 + rng.standard_normal(shape)


def mixture(rng, shape):
    """Numbers of either sign and of every size, side by side: 1e-15 to 1e15, so that float32 holds their products."""
    return 10 ** rng.uniform(-15, 15, shape) * rng.choice([-1, 1], shape)


def spikes(rng, shape):
    return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.01, 1e9, 1e-9)


def ramp(rng, shape):
    return np.arange(float(np.prod(shape))).reshape(shape) / 7


def alternating(rng, shape):
    return (-1.0) ** np.indices(shape).sum(axis=0) + 1e-7 * rng.standard_normal(shape)


def differences(rng, shape):
    """A kernel whose taps add up to zero: against an offset all but the last digits of the sums cancel."""
    v = rng.standard_normal(shape)
    return v - v.mean()


def normal(rng, shape):
    return rng.standard_normal(shape)


KINDS = {"normal": (normal, normal), "offset": (offset, differences), "offsets": (offset, offset), "mixture": (mixture, mixture),
         "spikes": (spikes, spikes), "ramp": (ramp, differences), "alternating": (alternating, alternating)}

#: Shapes of array and kernel, mode: one block or many, kernels far shorter than a block, as long as the array and longer.
SHAPES = [((40,), (7,), "full"), ((9000,), (60,), "same"), ((3001,), (700,), "valid"), ((300,), (900,), "full"), ((2000,), (2000,), "full"),
          ((70, 90), (9, 12), "same"), ((33, 200), (30, 5), "full"), ((14, 15, 40), (5, 4, 7), "same")]


def made(maker, rng, shape, dtype):
    dtype = np.dtype(dtype)
    values = maker(rng, shape)
    return (values + 1j * maker(rng, shape)).astype(dtype) if dtype.kind == "c" else values.astype(dtype)


def wide(array):
    return array.astype(np.clongdouble if array.dtype.kind == "c" else np.longdouble)


def norm(array):
    return np.sqrt(np.sum(np.abs(wide(array)) ** 2))


def block_norms(a, k, mode, lengths, shape):
    """For each output the norm of all samples that its block reads."""
    pads = {"full": [(t - 1, t - 1) for t in k], "same": [(t - 1 - (t - 1) // 2, (t - 1) // 2) for t in k], "valid": [(0, 0)] * len(k)}[mode]
    squares = np.abs(np.pad(wide(a), pads)) ** 2
    norms = np.empty(shape, np.longdouble)
    for first in itertools.product(*[range(0, m, length) for m, length in zip(shape, lengths, strict=True)]):
        reads = tuple(slice(i, i + length + t - 1) for i, length, t in zip(first, lengths, k, strict=True))
        norms[tuple(slice(i, i + length) for i, length in zip(first, lengths, strict=True))] = np.sqrt(np.sum(squares[reads]))
    return norms


def error_ratio(y, want, norms, v, n, single):
    """The largest |y - exact| / bound of components: the transforms' share of it, and one rounding to the dtype of the result."""
    final = np.finfo(y.dtype)
    inside = np.finfo(np.float32 if single else np.float64)
    bound = 8 * inside.eps * np.log2(n) * norms * norm(v) + inside.smallest_subnormal
    worst = 0.0
    for got, exact in zip(components(y), components(want), strict=True):
        rounding = 0 if final.eps == inside.eps else abs(exact) * final.eps / 2 + final.smallest_subnormal
        worst = max(worst, float(np.max((abs(got - exact) - rounding) / bound)))
    return worst


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_within_the_bound(kind, dtype):
    """|y - exact| <= 8 * eps * log2(N) * ||a|| * ||v|| over the block, against sums in `long double`."""
    rng = np.random.default_rng(7)
    for level in LEVELS:
        worst = 0.0
        for n, k, mode in SHAPES:
            a, v = (made(maker, rng, shape, dtype) for maker, shape in zip(KINDS[kind], (n, k), strict=True))
            options = {"mode": mode, "axes": range(-len(n), 0)} # no array and kernel that change places
            lengths, size = blocks(corrfast.correlate, a, v, **options, precision=level)
            y, want = corrfast.correlate(a, v, **options, precision=level, method="fft"), corrfast.correlate(wide(a), wide(v), **options)
            norms = block_norms(a, k, mode, lengths[3 - len(n):], y.shape)
            worst = max(worst, error_ratio(y, want, norms, v, size, level == "fast" and dtype in "fF"))
        print(f"{kind} {dtype} {level}: at most {worst:.3f} of the bound")
        assert worst <= 1


@given(problem=problems(dtypes=same_pairs(NATIVE_FLOATS + (np.dtype("e"),)), choices=False), maker=st.sampled_from([normal, mixture, spikes]),
       level=st.sampled_from(LEVELS))
@generated(300)
def test_errors_of_every_option(problem, maker, level):
    """Strides, dilations, boundaries: the norm of a block is at most that of all samples, each as often as it is read."""
    if problem.a_dtype == np.float16:
        maker = normal
    a, v = problem.operands(lambda rng, shape, dtype: made(maker, rng, shape, dtype))
    run = getattr(corrfast, problem.function)
    y, want = run(a, v, **problem.options, method="fft", precision=level), run(wide(a), wide(v), **problem.options)
    options = problem.options | ({"cval": abs(problem.options["cval"])} if "cval" in problem.options else {})
    ones = np.ones(v.shape, np.longdouble)
    size = np.max(run(abs(wide(a)) ** 2, ones, **options | ({"cval": options["cval"] ** 2} if "cval" in options else {})), initial=0)
    norms = np.sqrt(size * max(y.size, 1)) # of as many windows as there are outputs
    _, samples = blocks(run, a, v, **problem.options, precision=level)
    assert error_ratio(y, want, norms, v, samples, a.dtype.char in "efF" and level == "fast") <= 1 if y.size else y.shape == want.shape
    comparison.count()


def test_float32_data_are_rounded_about_once():
    """In float64 inside: all but a few results are the floats nearest to the exact ones."""
    rng = np.random.default_rng(3)
    a, v = rng.standard_normal(20000).astype("f"), rng.standard_normal(500).astype("f")
    want = corrfast.correlate(a.astype(float), v.astype(float), method="direct").astype("f")
    assert np.count_nonzero(corrfast.correlate(a, v, method="fft") != want) <= 20000 * 1e-4
    assert np.count_nonzero(corrfast.correlate(a, v, method="fft", precision="fast") != want) > 1000


# Every option, against direct sums in exact arithmetic


def compare(problem, **more):
    a, v = problem.operands()
    before = a.tobytes(), v.tobytes()
    run = getattr(corrfast, problem.function)
    got = run(a, v, **problem.options, method="fft", **more)
    assert_identical(nearest(got), run(a, v, **problem.options, method="direct"), problem)
    assert (a.tobytes(), v.tobytes()) == before, "an input was written to"
    comparison.count()


@given(problem=problems(dtypes=same_pairs(TAKEN), choices=False), level=st.sampled_from(LEVELS))
@generated(600)
def test_every_option(problem, level):
    compare(problem, precision=level)
    a, v = problem.operands()
    options = {"mode": None, **problem.options}
    prepared = corrfast.prepare(v, function=problem.function, method="fft", precision=level, **options)
    plain = getattr(corrfast, problem.function)(a, v, method="fft", precision=level, **problem.options)
    for _ in range(2):
        assert_same_bits(prepared(a), plain)


@given(problem=plain_problems(dtypes=same_pairs(TAKEN)))
@generated(200)
def test_plain_calls(problem):
    compare(problem)


@given(problem=problems(dtypes=same_pairs(set(TAKEN) - {np.dtype("e")}), choices=False), level=st.sampled_from(LEVELS))
@generated(400)
def test_gradients(problem, level):
    """Both, as the problems of other shapes that they are; float16's fold at edges in float32, which the planner leaves to the reference."""
    a, v = problem.operands()
    g = problem.gradient()
    run = getattr(corrfast, problem.function + "_vjp")
    want = run(g, a, v, **problem.options, method="direct")
    for got, exact in zip(run(g, a, v, **problem.options, method="fft", precision=level), want, strict=True):
        assert_identical(nearest(got), exact, problem)
    comparison.count(2)


@pytest.mark.parametrize("dtype", "lfdFD")
@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"dilation": 2, "boundary": "reflect"}, {"stride": 2, "dilation": 3, "boundary": "wrap"}])
def test_gradients_are_the_adjoints(dtype, options):
    """<g, f(a, v)> == <ga, a> == <v, gv>, exactly."""
    rng = np.random.default_rng(5)
    for n, k in (((700,), (90,)), ((40, 50), (9, 8)), ((12, 13, 14), (3, 4, 5))):
        a, v = small_integers(rng, n, dtype), small_integers(rng, k, dtype)
        padding = {"padding": 7, "method": "fft", **options}
        y = nearest(corrfast.correlate(a, v, **padding))
        g = small_integers(rng, y.shape, dtype)
        ga, gv = map(nearest, corrfast.correlate_vjp(g, a, v, **padding))
        assert np.vdot(g, y) == np.vdot(ga, a) == np.vdot(v, gv)
        if "boundary" not in options:
            sizes = {"output_shape": n, "padding": 7, "method": "fft", **options}
            assert_identical(nearest(corrfast.conv_transpose(g, v, **sizes)), ga)


@given(problem=layer_problems(dtypes=same_pairs(set(TAKEN) - {np.dtype("e")})),
       transposed=layer_problems(transposed_=True, dtypes=same_pairs(set(TAKEN) - {np.dtype("e")})), level=st.sampled_from(LEVELS))
@generated(250)
def test_layers(problem, transposed, level):
    """Groups, channels, strides, dilations, padding modes, both data formats; forward and all gradients."""
    for each in (problem, transposed):
        direct, fft = (dataclasses.replace(each, options={**each.options, "precision": level, "method": method}) for method in ("direct", "fft"))
        x, w, bias = each.operands()
        want = direct.call(x, w, bias)
        assert_identical(nearest(fft.call(x, w, bias)), want, each)
        g = small_integers(np.random.default_rng(each.seed), want.shape, want.dtype)
        for got, exact in zip(fft.call(g, x, w, suffix="_vjp"), direct.call(g, x, w, suffix="_vjp"), strict=True):
            assert_identical(nearest(got), exact, each)
        comparison.count(3)


def test_layers_with_more_channels():
    """So many that the transforms of a block's channels are kept, and added up in the order of channels."""
    rng = np.random.default_rng(11)
    for shape, weight, options in [((2, 24, 300), (20, 12, 50), {"groups": 2, "padding": "same"}), ((1, 40, 30, 31), (33, 40, 7, 5), {"padding": 3}),
                                   ((2, 16, 25, 40), (1, 16, 11, 11), {"padding_mode": "circular", "padding": 5}),
                                   ((1, 6, 9, 10, 11), (7, 6, 3, 3, 3), {"stride": 2, "padding": 1})]:
        conv = getattr(nn, f"conv{len(shape) - 2}d")
        for dtype in "fdFDil":
            x, w = small_integers(rng, shape, dtype), small_integers(rng, weight, dtype)
            want = conv(x, w, **options, method="direct")
            got = conv(x, w, **options, method="fft")
            assert_identical(nearest(got), want)
            assert_same_bits(nn.prepare(w, function=conv, **options, method="fft")(x), got)


@pytest.mark.parametrize("rule", RULES)
def test_arrays_far_inside_their_padding(rule):
    """Most outputs meet nothing, or most taps; none of them may read or take the place of another."""
    rng = np.random.default_rng(2)
    for n, k, pads in [(1, 3, (500, 500)), (1, 1000, (500, 500)), (3, 700, (400, 350)), (7, 9, (3000, 20)), (7, 9, (20, 3000)), (5, 5, (-1, 900))]:
        a, v = small_integers(rng, n, "d"), small_integers(rng, k, "d")
        for options in ({"padding": pads, "boundary": rule}, {"padding": pads, "boundary": rule, "cval": 2}):
            assert_identical(nearest(corrfast.correlate(a, v, **options, method="fft")), corrfast.correlate(a, v, **options, method="direct"))
    for n, k, pads in [((3, 2), (4, 30), ((5, 5), (20, 20))), ((1, 1), (20, 20), ((30, 30), (30, 30))), ((2, 50), (40, 3), ((20, 30), (90, 1)))]:
        a, v = small_integers(rng, n, "d"), small_integers(rng, k, "d")
        options = {"padding": pads, "boundary": rule}
        assert_identical(nearest(corrfast.correlate(a, v, **options, method="fft")), corrfast.correlate(a, v, **options, method="direct"))


def test_steps_far_beyond_the_array():
    a, v = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 10, 100])
    for huge, rule in itertools.product((2**40, 2**58), RULES):
        for options in ({"stride": huge}, {"stride": huge, "padding": ((huge // 2, huge // 2),)}, {"dilation": huge // 2, "padding": ((huge, 0),)}):
            options |= {"boundary": rule, "cval": 7}
            assert_identical(nearest(corrfast.correlate(a, v, **options, method="fft")), corrfast.correlate(a, v, **options, method="direct"))


def test_kernels_as_long_as_the_signal_and_longer():
    rng = np.random.default_rng(4)
    for n, k in [(1, 1), (1, 5000), (5000, 1), (777, 777), (777, 778), (778, 777), (100, 9000), (4096, 4097)]:
        a, v = small_integers(rng, n, "d"), small_integers(rng, k, "d")
        for mode in ("full", "same", "valid"):
            assert_identical(nearest(corrfast.correlate(a, v, mode, method="fft")), np.correlate(a, v, mode), (n, k, mode))
            assert_identical(nearest(corrfast.convolve(a, v, mode, method="fft")), np.convolve(a, v, mode), (n, k, mode))


def test_autocorrelation():
    a = np.random.default_rng(6).integers(-9, 10, 6000)
    for dtype in "fdl":
        x = a.astype(dtype)
        y = nearest(corrfast.correlate(x, x, "full", method="fft"))
        assert y[5999] == np.sum(a * a) and np.array_equal(y, y[::-1])
        assert_identical(y, np.correlate(a, a, "full").astype(dtype))


def test_empty_batches_and_empty_results():
    assert corrfast.correlate(np.ones((0, 50)), np.ones(9), method="fft").shape == (0, 42)
    assert nn.conv1d(np.ones((0, 3, 50)), np.ones((2, 3, 9)), method="fft").shape == (0, 2, 42)
    with pytest.raises(ValueError, match="kernel"):
        corrfast.correlate(np.ones(5), np.ones(9), padding=0, method="fft")


# What it does not take


@pytest.mark.parametrize("dtype", "gG")
def test_long_double_is_refused(dtype):
    with pytest.raises(ValueError, match="fft"):
        corrfast.correlate(np.ones(50, dtype), np.ones(9, dtype), method="fft")


@pytest.mark.parametrize("dtype", NARROW)
def test_exact_precision_means_direct_sums(dtype):
    a, v = np.ones(100_000, dtype), np.ones(5000, dtype)
    with pytest.raises(ValueError, match="fft"):
        corrfast.correlate(a, v, method="fft", precision="exact")
    assert corrfast.explain(corrfast.correlate, a, v, precision="exact").method != "fft"
    for each in corrfast.explain(corrfast.correlate, a, v, precision="exact").alternatives:
        assert each.method != "fft" or each.seconds is None


def test_exact_precision_allows_it_for_integers():
    a = np.arange(5000)
    got = corrfast.correlate(a, a[:300], method="fft", precision="exact")
    assert_identical(got, np.correlate(a, a[:300]))


def test_kernels_that_no_block_holds_are_refused():
    """Wider than the longest transform; or as many spectra as nobody's memory holds."""
    with pytest.raises(ValueError, match="fft"):
        corrfast.correlate(np.ones((3, 50)), np.ones((3, 3_000_000)), padding=((1, 1), (1_500_000, 1_500_000)), method="fft")
    layer = ((1, 2048, 64, 64), "f"), ((2048, 2048, 9, 9), "f")
    with pytest.raises(ValueError, match="fft"):
        corrfast.explain(nn.conv2d, *layer, method="fft")
    assert corrfast.explain(nn.conv2d, *layer).method != "fft"


# NaN and Inf


def assert_same_places(got, want):
    """NaN and Inf where direct sums have them, and the same numbers elsewhere (of complex ones: where a part is not finite)."""
    finite = np.isfinite(want)
    np.testing.assert_array_equal(np.isfinite(got), finite)
    np.testing.assert_array_equal(nearest(got[finite]), want[finite])
    if want.dtype.kind == "f":
        np.testing.assert_array_equal(got[~finite], want[~finite])


PLACES = {"one block": ((60,), (9,), {"padding": 9}), "many blocks": ((9000,), (70,), {"mode": "same"}),
          "wrapped": ((500,), (40,), {"padding": 60, "boundary": "wrap"}), "strided": ((700,), (31,), {"stride": 3, "dilation": 2, "padding": 20}),
          "two axes": ((40, 50), (7, 8), {"mode": "full", "boundary": "reflect"}), "rows": ((3, 2000), (2, 99), {"padding": ((0, 1), (70, 0))}),
          "three axes": ((8, 9, 20), (3, 4, 5), {"mode": "same"}), "a long kernel": ((30,), (200,), {"mode": "full"})}


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", PLACES)
def test_a_number_that_is_not_finite(name, poison):
    """In the array at each kind of place, in the kernel, and as what lies around the array."""
    n, k, options = PLACES[name]
    rng = np.random.default_rng(8)
    for dtype, level in (("f", "default"), ("f", "fast"), ("d", "default"), ("D", "default"), ("e", "default")):
        a, v = small_integers(rng, n, dtype), small_integers(rng, k, dtype)
        cases = [(array, place) for array in "av" for place in {0, 1, 0.5, 0.37, -1}]
        for where, place in [*cases, ("cval", 0)]:
            bad_a, bad_v, more = a.copy(), v.copy(), dict(options)
            if where == "cval":
                more["cval"] = poison
            else:
                bad = bad_a if where == "a" else bad_v
                bad.flat[int(place * bad.size) if 0 < place < 1 else place] = poison
            with np.errstate(invalid="ignore"):
                got = corrfast.correlate(bad_a, bad_v, **more, method="fft", precision=level)
                assert_same_places(got, corrfast.correlate(bad_a, bad_v, **more, method="direct"))


@given(problem=problems(dtypes=same_pairs(NATIVE_FLOATS), choices=False), place=st.integers(0, 10**6), where=st.sampled_from("gav"),
       poison=st.sampled_from([np.nan, np.inf, -np.inf]))
@generated(300)
def test_a_number_that_is_not_finite_with_every_option_and_pass(problem, place, where, poison):
    arrays = dict(zip("av", problem.operands(small_integers), strict=True), g=problem.gradient(small_integers))
    bad = np.array(arrays[where])
    bad.flat[place % bad.size] = poison
    arrays[where] = bad
    g, a, v = (arrays[name] for name in "gav")
    with np.errstate(invalid="ignore"):
        for name, inputs in ((problem.function, (a, v)), (problem.function + "_vjp", (g, a, v))):
            run = getattr(corrfast, name)
            got, want = (run(*inputs, **problem.options, method=method) for method in ("fft", "direct"))
            for one, other in zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]:
                assert_same_places(one, other)
    comparison.count(3)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("level", LEVELS)
def test_what_overflows_inside_alone_stays_finite(dtype, level):
    """Samples and taps whose transforms overflow, and whose sums do not."""
    large = np.finfo(dtype).max
    rng = np.random.default_rng(9)
    a, v = small_integers(rng, 3000, dtype), small_integers(rng, 100, dtype)
    a[1000:1100] = large / 2
    v[...] = 0
    v[[3, 50]] = 1, -1
    want = corrfast.correlate(a, v, method="direct")
    assert np.isfinite(want).all()
    _, n = blocks(corrfast.correlate, a, v, precision=level)
    single = dtype == "f" and level == "fast"
    norms = np.full(want.shape, norm(a))
    assert error_ratio(corrfast.correlate(a, v, method="fft", precision=level), wide(want), norms, v, n, single) <= 1
    v[...] = 0
    v[40] = large # the sum of a spectrum's parts is beyond what the dtype holds
    for x in (np.ones(3000, dtype), (a / large / 2).astype(dtype)):
        want, norms = corrfast.correlate(x, v, method="direct"), np.full(2901, norm(x))
        assert error_ratio(corrfast.correlate(x, v, method="fft", precision=level), wide(want), norms, v, n, single) <= 1


def test_sums_that_overflow_become_infinite_alone():
    for dtype in "efd":
        largest = np.finfo(dtype).max
        a = np.zeros(500, dtype)
        a[[100, 300, 301, 450]] = largest
        got = corrfast.correlate(a, np.ones(40, dtype), method="fft")
        assert_identical(np.isinf(got), np.isinf(corrfast.correlate(a, np.ones(40, dtype), method="direct")))
        assert np.isinf(got).sum() == 39 and not np.isnan(got).any()


def test_a_number_that_is_not_finite_leaves_the_rest_of_the_batch_as_it_is():
    rng = np.random.default_rng(1)
    a, v = rng.standard_normal((3, 5000)), rng.standard_normal(90)
    want = corrfast.correlate(a, v, method="fft")
    a[1, 2222] = np.inf
    got = corrfast.correlate(a, v, method="fft")
    assert_same_bits(got[::2], want[::2])


# Integers


@pytest.mark.parametrize("dtype", [np.dtype(bool), *INTEGERS], ids=str)
def test_integers_are_exact(dtype):
    """Small ones, which are rounded, and those of the full range, whose sums wrap around and may have to be summed directly."""
    rng = np.random.default_rng(10)
    for n, k, options in [((7000,), (300,), {"mode": "full"}), ((60, 70), (11, 12), {"mode": "same", "boundary": "symmetric"}),
                          ((12, 13, 14), (5, 4, 6), {"mode": "same", "cval": 1}), ((900,), (40,), {"stride": 3, "dilation": 2, "mode": "same"})]:
        for maker in (small_integers, any_integers):
            a, v = maker(rng, n, dtype), maker(rng, k, dtype)
            for level in (*LEVELS, "exact"):
                got = corrfast.correlate(a, v, **options, method="fft", precision=level)
                assert_identical(got, corrfast.correlate(a, v, **options, method="direct"))
    top = np.ones(1, bool) if dtype.kind == "b" else np.array([np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    a, v = np.resize(top, 5000), np.resize(top[:1], 400)
    assert_identical(corrfast.correlate(a, v, "full", method="fft"), corrfast.correlate(a, v, "full", method="direct"))


@pytest.mark.parametrize("dtype", ["i8", "u8", "i4", "u4"])
def test_integers_of_every_magnitude_are_exact(dtype):
    """From those whose sums are rounded to those whose sums are beyond what float64 holds: all of one sign, alternating, and at random."""
    rng = np.random.default_rng(12)
    for bits in range(np.iinfo(dtype).bits):
        most = min(2**bits, np.iinfo(dtype).max)
        low = 0 if dtype[0] == "u" else -most
        for a, v in [(np.full(5000, most), np.full(300, most)), (np.resize([most, low], 5000), np.resize([most, low, low], 300)),
                     (rng.integers(low, most, 5000, endpoint=True, dtype=dtype), rng.integers(low, most, 300, endpoint=True, dtype=dtype))]:
            a, v = a.astype(dtype), v.astype(dtype)
            assert_identical(corrfast.correlate(a, v, method="fft"), corrfast.correlate(a, v, method="direct"), bits)


def test_one_large_integer_among_small_ones():
    """Some blocks are rounded, some are summed directly; all channels of one that is not."""
    rng = np.random.default_rng(13)
    x, w = rng.integers(-9, 10, (2, 3, 30_000)), rng.integers(-9, 10, (4, 3, 70))
    x[1, 2, [7_000, 20_000]] = 2**62, -2**61 + 1
    assert_identical(nn.conv1d(x, w, padding=40, method="fft"), nn.conv1d(x, w, padding=40, method="direct"))
    w[3, 1, 5] = 2**55 + 1
    assert_identical(nn.conv1d(x, w, padding=40, method="fft"), nn.conv1d(x, w, padding=40, method="direct"))


# The same bits


LARGE = {"1-D": ((200_003,), (301,), {"mode": "same"}),
         "1-D strided": ((100_003,), (300,), {"stride": 3, "dilation": 2, "boundary": "wrap", "mode": "same"}),
         "2-D": ((401, 413), (25, 31), {"mode": "same", "boundary": "reflect"}), "rows": ((21, 20_003), (201,), {"mode": "full"}),
         "3-D": ((47, 51, 53), (9, 8, 7), {"mode": "full"})}


@pytest.mark.parametrize("dtype", "fdFDle")
@pytest.mark.parametrize("name", LARGE)
def test_the_bits_depend_on_neither_threads_nor_batch_nor_layout(name, dtype):
    n, k, options = LARGE[name]
    rng = np.random.default_rng(14)
    a, v = random_reals(rng, n, dtype), random_reals(rng, k, dtype)
    for level in ("default", *(["fast"] if dtype in "fF" else [])):
        options = {**options, "method": "fft", "precision": level}
        want = corrfast.correlate(a, v, **options, workers=1)
        for workers in (2, 3, 4):
            assert_same_bits(corrfast.correlate(a, v, **options, workers=workers), want, workers)
        for place, size in ((0, 2), (4, 5)) if level == "default" else ():
            many = random_reals(rng, (size, *n), dtype).copy()
            many[place] = a
            assert_same_bits(corrfast.correlate(many, v, **options)[place], want, (place, size))
        assert_same_bits(corrfast.prepare(v, **options)(a), want)


@pytest.mark.parametrize("dtype", "fdFDie")
@pytest.mark.parametrize("n, k, options", [((5003,), (90,), {"mode": "same"}), ((71, 83), (9, 10), {"mode": "full", "boundary": "edge"}),
                                           ((13, 17, 40), (3, 4, 5), {"stride": (1, 2, 3), "mode": "same"})])
def test_any_layout(n, k, options, dtype):
    """Of array, kernel and result; some are read and written where they lie, others are gathered."""
    rng = np.random.default_rng(15)
    a, v = random_reals(rng, n, dtype), random_reals(rng, k, dtype)
    options = {**options, "method": "fft"}
    want = corrfast.correlate(a, v, **options)
    for layout in LAYOUTS:
        if layout == "broadcast":
            continue
        out = output_like(want.shape, dtype, "steps" if layout == "read-only" else layout, 7)
        corrfast.correlate(laid_out(a, layout), laid_out(v, layout), **options, out=out)
        assert_same_bits(np.ascontiguousarray(out).astype(want.dtype), want, layout)
        assert_same_bits(corrfast.prepare(laid_out(v, layout), **options)(laid_out(a, layout)), want, layout)
    still = np.ascontiguousarray(laid_out(a, "broadcast"))
    assert_same_bits(corrfast.correlate(laid_out(a, "broadcast"), v, **options), corrfast.correlate(still, v, **options))
    for shift in range(0, 64, a.itemsize):
        assert_same_bits(corrfast.correlate(at_offset(a, shift), at_offset(v, 64 - shift), **options, workers=1 + shift % 3), want, shift)


def test_results_over_their_own_inputs():
    a, v = np.random.default_rng(16).standard_normal(5000), np.ones(200)
    want = corrfast.correlate(a, v, "same", method="fft")
    assert_same_bits(corrfast.correlate(a, v, "same", method="fft", out=a), want)


# What the planner says


def test_long_kernels_are_its_own():
    """At a length far beyond where it becomes cheaper; short kernels are summed directly."""
    for dtype in "fd":
        for n, k in (((200_000,), (5000,)), ((1000, 1000), (80, 80)), ((100, 100, 100), (20, 20, 20))):
            assert corrfast.explain(corrfast.correlate, (n, dtype), (k, dtype), "same").method == "fft"
            assert corrfast.explain(corrfast.correlate, (n, dtype), ((3,) * len(n), dtype), "same").method == "direct"


@pytest.mark.parametrize("n, k", [((1000,), (90,)), ((10**7,), (1000,)), ((10**6,), (10**5,)), ((2000, 3000), (50, 60)),
                                  ((200, 200, 200), (20, 20, 20))])
@pytest.mark.parametrize("dtype", ["f", "d", "D", "l", "?"])
def test_explain_states_blocks_and_memory(n, k, dtype):
    """What threads have of their own: a few blocks; what they share: the kernel's spectra, a few of its samples' bytes."""
    lengths, size = blocks(corrfast.correlate, (n, dtype), (k, dtype), "same")
    plans = [corrfast.explain(corrfast.correlate, (n, dtype), (k, dtype), "same", method="fft", workers=workers) for workers in (1, 2)]
    assert all(length <= m for length, m in zip(lengths[3 - len(n):], n, strict=True))
    assert np.prod(lengths) <= size
    for plan in plans:
        own = plan.scratch_bytes - plan.shared_bytes
        assert 0 < own <= plan.threads * 6 * 16 * size and plan.shared_bytes >= 16 * size
        assert "scratch" in str(plan) and "transforms of" in str(plan)
    assert plans[0].shared_bytes == plans[1].shared_bytes


def test_small_blocks_where_memory_forbids_large_ones():
    """Transforms of long kernels of many channels would be too large in blocks that hold more than what they overlap by."""
    plan = corrfast.explain("conv1d", ((1, 755, 19885), "f8"), ((151, 5, 6640), "f8"), groups=151, method="fft")
    assert plan.method == "fft" and plan.shared_bytes <= 2**28
