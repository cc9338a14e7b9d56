"""correlate and convolve against the oracle: every option, rank, dtype and memory layout, over generated problems."""
import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_exact, assert_identical, scaled_error
from corrfast import reference
from hypothesis import given
from hypothesis import strategies as st
from problems import (DTYPES, NATIVE_FLOATS, RULES, Problem, generated, plain_problems, problems, random_reals, same_pairs,
                      small_integers)


def compare(problem, **more):
    """Runs the problem on exact samples; corrfast and the oracle must agree in every element."""
    a, v = problem.operands()
    before = a.tobytes(), v.tobytes()
    options = {**problem.options, **more}
    want = getattr(reference, problem.function)(a, v, **options)
    got = assert_exact(lambda **choice: getattr(corrfast, problem.function)(a, v, **{**options, **choice}), want, problem)
    assert got.shape == problem.geometry.output_shape
    assert got.dtype == problem.dtype and got.dtype.isnative
    assert (a.tobytes(), v.tobytes()) == before, "an input was written to"
    comparison.count()


@given(problem=problems())
@generated(1200)
def test_every_option(problem):
    for variant in problem.variants():
        compare(variant)


@given(problem=plain_problems())
@generated(300)
def test_plain_calls(problem):
    for variant in problem.variants():
        compare(variant)


@pytest.mark.parametrize("dtype", "fdFD")
def test_one_dimension_at_every_size_near_a_vector_width(function, dtype):
    """All lengths up to several vectors and all short kernels, each remainder of each loop, against NumPy."""
    rng = np.random.default_rng(1)
    for n in range(1, 71):
        for k in {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 31, 33, n}:
            a, v = small_integers(rng, n, dtype), small_integers(rng, k, dtype)
            for mode in ("full", "same", "valid"):
                assert_exact(lambda a=a, v=v, mode=mode, **choice: getattr(corrfast, function)(a, v, mode, **choice),
                             getattr(np, function)(a, v, mode), (n, k, mode))


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8, 9])
def test_two_dimensions_at_every_width(dtype, rows):
    """Every width up to several vectors and heights around the row tiles."""
    for width in range(1, 41):
        for k in ((1, 1), (3, 3), (2, 5), (5, 4), (7, 7)):
            compare(Problem("correlate", (rows, width), k, np.dtype(dtype), np.dtype(dtype), {"mode": "same"}, seed=width))


STEPS = [(1, 1), (2, 1), (1, 2), (3, 4), (5, 3)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("stride, dilation", STEPS)
def test_larger_problems(rule, stride, dilation):
    """Some hundred samples an axis: interior, borders and several tiles of each loop in one problem."""
    options = {"boundary": rule, "stride": stride, "dilation": dilation, "cval": 2}
    turn = RULES.index(rule) + STEPS.index((stride, dilation))
    for dtype in (np.dtype("fd"[turn % 2]), np.dtype("Di"[turn % 2])):
        compare(Problem("correlate", (5000,), (37,), dtype, dtype, {**options, "mode": "same"}))
        compare(Problem("correlate", (150, 171), (5, 6), dtype, dtype, {**options, "padding": ((7, 3), (11, 30))}))
        compare(Problem("correlate", (20, 25, 70), (3, 2, 3), dtype, dtype, {**options, "mode": "full"}))
        compare(Problem("correlate", (3, 4, 90, 80), (3, 3), dtype, dtype, {**options, "mode": "same"}))


@pytest.mark.parametrize("k", [100, 127, 513, 2000])
@pytest.mark.parametrize("dtype", "fdFDi")
def test_long_kernels(function, k, dtype):
    compare(Problem(function, (1500,), (k,), np.dtype(dtype), np.dtype(dtype), {"mode": "full"}), method="direct")


@pytest.mark.parametrize("rule", RULES)
def test_pads_far_longer_than_the_array(rule):
    """Windows beyond every copy of the array: folded in, not read from memory (scipy#12686)."""
    for n, k, pad in [(1, 1, 1000), (2, 3, 999), (3, 40, 517), (5, 2, 4000), (7, 300, 300)]:
        compare(Problem("correlate", (n,), (k,), np.dtype("f"), np.dtype("f"), {"padding": pad, "boundary": rule, "cval": 3}))
    compare(Problem("correlate", (2, 3), (5, 4), np.dtype("d"), np.dtype("d"), {"padding": (40, 31), "boundary": rule}))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("huge", [2**40, 2**58, 2**62])
def test_steps_far_beyond_the_array(function, rule, huge):
    """Index arithmetic neither overflows nor loops over what lies between; near the end of 64 bits it may say that it would."""
    a, v = np.array([1., 2, 3, 4, 5]), np.array([1., 10, 100])
    run, oracle = getattr(corrfast, function), getattr(reference, function)
    for options in ({"stride": huge}, {"stride": huge, "padding": ((0, huge),)},
                    {"stride": huge, "padding": ((huge // 2, huge // 2),)}, {"dilation": huge // 2, "padding": ((huge, 0),)},
                    {"dilation": huge // 2, "padding": ((huge - 1, 2),)}):
        try:
            got = run(a, v, boundary=rule, cval=7, **options)
        except OverflowError as error:
            assert huge > 2**58 and any(name in str(error) for name in options), error
        else:
            assert_identical(got, oracle(a, v, boundary=rule, cval=7, **options), options)


def test_same_has_the_arrays_length_once_another_option_takes_part(function):
    """NumPy's swap of a longer kernel belongs to NumPy's own parameters alone."""
    run = getattr(corrfast, function)
    assert run(np.ones(4), np.ones(9), "same").shape == (9,)
    for options in ({"stride": 2}, {"boundary": "wrap"}, {"cval": 1}, {"axes": 0}):
        compare(Problem(function, (4,), (9,), np.dtype(float), np.dtype(float), {"mode": "same", **options}))
    assert run(np.ones((2, 4)), np.ones(9), "same").shape == (2, 4)


@given(problem=problems(dtypes=same_pairs(NATIVE_FLOATS + (np.dtype("e"),)), choices=False))
@generated(600)
def test_random_reals_stay_within_the_bound(problem):
    """Direct sums: |y - exact| <= (K+2) * eps * sum|a||v| in each component, against sums in `long double`."""
    compare_with_bound(problem, random_reals)


def mixed_scales(rng, shape, dtype):
    """Magnitudes from 1e-15 to 1e+15 (float16: 1e-2 to 1) of both signs: cancellation, and sums that swallow small terms."""
    low, high = (-2, 0) if np.dtype(dtype) == np.float16 else (-15, 15)
    return random_reals(rng, shape, dtype) * (10.0 ** rng.integers(low, high + 1, shape)).astype(np.dtype(dtype).char.lower())


def subnormals(rng, shape, dtype):
    """Numbers around the smallest normal one, against taps of ordinary size: nothing may be flushed to zero."""
    real = np.finfo(dtype)
    scale = real.smallest_normal if rng.integers(2) else real.dtype.type(1)
    return (random_reals(rng, shape, dtype) * scale).astype(dtype)


@pytest.mark.parametrize("maker", [mixed_scales, subnormals])
@given(problem=problems(dtypes=same_pairs(NATIVE_FLOATS + (np.dtype("e"),)), any_layout=False, choices=False))
@generated(300)
def test_adversarial_reals_stay_within_the_bound(maker, problem):
    compare_with_bound(problem, maker)


def compare_with_bound(problem, maker):
    a, v = problem.operands(maker)
    options = dict(problem.options)
    got = getattr(corrfast, problem.function)(a, v, **options, precision="exact")
    wide = np.clongdouble if a.dtype.kind == "c" else np.longdouble
    oracle = getattr(reference, problem.function)
    exact = oracle(a.astype(wide), v.astype(wide), **options)
    options["cval"] = abs(options.get("cval", 0))
    size = oracle(np.abs(a).astype(np.longdouble), np.abs(v).astype(np.longdouble), **options)
    taps = int(np.prod(problem.geometry.k))
    assert got.dtype == a.dtype.newbyteorder("=")
    assert scaled_error(got, exact, size, taps, got.dtype) <= 1
    comparison.count()


@given(problem=problems(any_layout=False, choices=False), workers=st.integers(1, 4))
@generated(200)
def test_no_option_of_execution_changes_the_result(problem, workers):
    compare(problem, workers=workers, method="direct")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_kernel_of_one_sample_copies_the_array_to_the_bit(function, dtype):
    a = np.random.default_rng(3).permutation(small_integers(np.random.default_rng(4), (1000,), dtype, limit=100))
    one = np.ones(1, dtype=dtype)
    assert_identical(getattr(corrfast, function)(a, one), a)
    picked = np.eye(1, 9, 4, dtype=dtype)[0]
    assert_identical(getattr(corrfast, function)(a, picked, "valid"), a[4:-4])


def test_worked_examples():
    f = np.array([2, 1, 3, 5, 4])
    assert corrfast.convolve(f, [1, -1], "valid").tolist() == [-1, 2, 2, -1]
    assert corrfast.correlate(f, [1, -1], "valid").tolist() == [1, -2, -2, 1]
    assert corrfast.convolve(f, [-1, 2, -1], "valid").tolist() == [-3, 0, 3]
    assert corrfast.correlate(f, [-1, 2, -1], "valid").tolist() == [-3, 0, 3]
