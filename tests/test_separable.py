"""Kernels that are products of factors: recognized from their samples, and summed factor by factor to the same results.

Everything is compared with the oracle, which knows nothing of factors.
"""
import itertools

import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits, scaled_error
from corrfast import reference
from hypothesis import given
from hypothesis import strategies as st
from problems import RULES, generated

DTYPES = [np.dtype(c) for c in "hHiIlLfd"]


def product(factors, dtype):
    """The kernel with these factors, one for each axis."""
    kernel = np.ones((1,) * len(factors), dtype)
    for axis, factor in enumerate(factors):
        kernel = kernel * np.asarray(factor, dtype).reshape([-1 if i == axis else 1 for i in range(len(factors))])
    return kernel.astype(dtype)


def gaussian(*lengths, dtype=float):
    return product([np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 5)) ** 2) for n in lengths], float).astype(dtype)


@st.composite
def cases(draw):
    rank = draw(st.integers(2, 3))
    dtype = draw(st.sampled_from(DTYPES))
    lengths = draw(st.lists(st.integers(1, 6), min_size=rank, max_size=rank).filter(lambda k: sum(n > 1 for n in k) > 1))
    low = 0 if dtype.kind == "u" else -3
    factors = [draw(st.lists(st.integers(low, 3), min_size=n, max_size=n).filter(any)) for n in lengths]
    options = {"mode": draw(st.sampled_from(["valid", "same", "full"])),
               "stride": draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)),
               "dilation": draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)),
               "boundary": draw(st.lists(st.sampled_from(RULES), min_size=rank, max_size=rank)),
               "cval": draw(st.integers(0, 3))}
    most = 45 if rank == 2 else 9
    shape = [d * (n - 1) + 1 + draw(st.integers(0, most)) for n, d in zip(lengths, options["dilation"], strict=True)]
    batch = draw(st.sampled_from([(), (), (2,)]))
    a = np.random.default_rng(draw(st.integers(0, 2**32))).integers(low, 4, (*batch, *shape)).astype(dtype)
    return a, product(factors, dtype), options, draw(st.booleans())


@given(case=cases())
@generated(600)
def test_whole_numbers_are_exact(case):
    a, v, options, flip = case
    name = "convolve" if flip else "correlate"
    got = getattr(corrfast, name)(a, v, method="separable", **options)
    assert_identical(got, getattr(reference, name)(a, v, **options))
    comparison.count()


@given(case=cases(), data=st.data())
@generated(200)
def test_nan_and_inf_reach_what_they_reach_by_direct_summation(case, data):
    a, v, options, _ = case
    a, v = a.astype(np.float64), v.astype(np.float64)
    for value in data.draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), min_size=1, max_size=3)):
        a[np.unravel_index(data.draw(st.integers(0, a.size - 1)), a.shape)] = value
    with np.errstate(invalid="ignore"):
        want = reference.correlate(a, v, **options)
    assert_identical(corrfast.correlate(a, v, method="separable", **options), want)
    comparison.count()


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("lengths", [(2, 5), (5, 5), (9, 4), (31, 31), (3, 4, 5), (1, 5, 7), (7, 1, 3), (5, 5, 1)])
@pytest.mark.parametrize("boundary", ["constant", "reflect"])
def test_errors_are_within_the_bound_of_direct_sums(dtype, lengths, boundary, function):
    rng = np.random.default_rng(5)
    a = rng.standard_normal([40 + n for n in lengths[-2:]] if len(lengths) == 2 else [12 + n for n in lengths]).astype(dtype)
    for scale in (1.0, 1e20 if dtype == "f" else 1e150):  # huge, tiny and ordinary samples side by side
        x = (a * rng.choice([1.0, scale, 1 / scale], a.shape)).astype(dtype)
        v = gaussian(*lengths, dtype=dtype)
        got = getattr(corrfast, function)(x, v, "same", boundary=boundary, method="separable")
        exact = getattr(reference, function)(x.astype("g"), v.astype("g"), "same", boundary=boundary)
        size = getattr(reference, function)(abs(x.astype("g")), abs(v.astype("g")), "same", boundary=boundary)
        assert scaled_error(got, exact, size, v.size, dtype) <= 1


@pytest.mark.parametrize("dtype", ["f", "d"])
def test_what_direct_sums_hold_does_not_overflow(dtype):
    """The largest samples, with a kernel of sum 1 whose factors could be of any size."""
    a = np.full((20, 20), np.finfo(dtype).max, dtype)
    a[::2, ::3] *= -1
    v = gaussian(7, 7) / gaussian(7, 7).sum() * 0.999
    got = corrfast.correlate(a, v.astype(dtype), "same", method="separable")
    want = reference.correlate(a.astype("g"), v.astype(dtype).astype("g"), "same")
    assert np.isfinite(got).all() and np.allclose(got, want.astype(dtype), rtol=1e-5, atol=float(np.finfo(dtype).max) * 1e-6)


def method_of(a, v, **options):
    return corrfast.explain(corrfast.correlate, a, v, "same", **options).method


LARGE = ((600, 700), "f")


@pytest.mark.parametrize("kernel", [
    np.ones((9, 9), "f"), gaussian(9, 9, dtype="f"), gaussian(15, 8, dtype="f")[::-1], gaussian(9, 9, dtype="f").T,
    np.outer([1, 3, 3, 1, 0, 0, 0, 5, -7], [3, 9, 9, 3, 0, 1, 2, 2, 1]).astype("f"), -1e-20 * gaussian(11, 11).astype("f"),
    np.outer(np.float32([1e-30, 1, 1e5] * 3), np.float32([1, 0.1, 7] * 3)),
], ids=["box", "gaussian", "even, reversed", "transposed", "whole numbers", "tiny", "wide range"])
def test_products_are_recognized(kernel):
    assert method_of(LARGE, kernel) == "separable"
    assert method_of(LARGE, kernel, method="direct") == "direct"
    assert method_of(LARGE, kernel, precision="exact") == "direct"
    a = np.random.default_rng(0).standard_normal((60, 70)).astype("f")
    got = corrfast.correlate(a, kernel, "same", method="separable")
    exact, size = (reference.correlate(x.astype("g"), v.astype("g"), "same") for x, v in [(a, kernel), (abs(a), abs(kernel))])
    assert scaled_error(got, exact, size, kernel.size, "f") <= 1


@pytest.mark.parametrize("spoil", [lambda v: v[0, 0] + 1e-5 * v[0, 0], lambda v: np.nan, lambda v: np.inf, lambda v: 0.0])
def test_one_tap_that_does_not_fit_is_noticed(spoil):
    for place in [(0, 0), (4, 4), (8, 3)]:
        v = gaussian(9, 9, dtype="f")
        v[place] = spoil(v)
        assert method_of(LARGE, v) == "direct"
        with pytest.raises(ValueError, match="separable"):
            corrfast.correlate(np.ones((20, 20), "f"), v, method="separable")


@pytest.mark.parametrize("tap", [2**53, 2**53 + 1, -2**53 - 1, 2**63 - 1])
def test_integers_beyond_what_a_double_holds_are_exact(tap):
    v = np.ones((9, 9), np.int64)
    v[:, 0] = tap
    a = np.random.default_rng(0).integers(-9, 9, (300, 200))
    assert_identical(corrfast.correlate(a, v), reference.correlate(a, v))


def test_what_is_left_of_a_cube_may_be_no_product():
    rest = np.arange(25.0).reshape(5, 5) ** 2
    v = np.array([1, 4, 6, 4, 1.0])[:, None, None] * rest
    a = np.random.default_rng(0).integers(-9, 9, (20, 21, 22)).astype(float)
    assert method_of(((90, 90, 90), "d"), v) == "separable"
    assert_identical(corrfast.correlate(a, v, method="separable"), reference.correlate(a, v))


@pytest.mark.parametrize(("a", "v"), [(np.ones((9, 9), complex), np.ones((3, 3), complex)), (np.ones((9, 9), "e"), np.ones((3, 3), "e")),
                                      (np.ones((9, 9), bool), np.ones((3, 3), bool)), (np.ones(9), np.ones(3)),
                                      (np.ones((9, 9)), np.ones((1, 3))), (np.ones((9, 9)), np.zeros((3, 3)))])
def test_what_it_does_not_take_is_refused_by_name(a, v):
    with pytest.raises(ValueError, match="separable"):
        corrfast.correlate(a, v, method="separable")


@pytest.mark.parametrize(("shape", "lengths"), [((300, 1000), (9, 9)), ((40, 50, 60), (5, 5, 5)), ((40, 40000), (7, 5))])
def test_bits_depend_on_neither_threads_nor_batch_nor_layout(shape, lengths):
    a = np.random.default_rng(1).standard_normal((3, *shape))
    v = gaussian(*lengths)
    want = corrfast.correlate(a[1], v, "same", boundary="wrap", method="separable", workers=1)
    for workers in (2, 3, 4):
        assert_same_bits(corrfast.correlate(a[1], v, "same", boundary="wrap", method="separable", workers=workers), want)
    assert_same_bits(corrfast.correlate(a, v, "same", boundary="wrap", method="separable")[1], want)
    out = np.empty(shape[::-1]).T
    assert_same_bits(corrfast.correlate(np.asfortranarray(a[1]), v, "same", boundary="wrap", method="separable", out=out), want)
    wide = np.zeros((*shape[:-1], 2 * shape[-1]))[..., ::2]
    corrfast.correlate(a[1], v, "same", boundary="wrap", method="separable", out=wide)
    assert_same_bits(wide, want)


@pytest.mark.parametrize("taps", [(9, 9), (5, 5, 5), (40, 40)])
def test_the_batch_does_not_change_the_method(taps):
    """Near the sizes where one method becomes cheaper than another."""
    for n in range(taps[0], taps[0] + 60, 1 if len(taps) == 2 else 4):
        one, many = (method_of(((*batch, *[n] * len(taps)), "d"), np.ones(taps)) for batch in [(), (1000,)])
        assert one == many, n


@pytest.mark.parametrize(("shape", "lengths"), [((1080, 1920), (31, 31)), ((4000, 100000), (9, 500)), ((128, 128, 128), (7, 7, 7)),
                                                ((50, 900, 30000), (31, 31, 31)), ((5000, 5000), (900, 900)), ((64, 5000, 5000), (1, 99, 99))])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_scratch_is_below_a_mebibyte_for_each_thread(shape, lengths, dtype):
    plan = corrfast.explain(corrfast.correlate, (shape, dtype), np.ones(lengths, dtype), "same", method="separable", workers=1)
    assert plan.scratch_bytes < 2**20, plan.scratch_bytes


@pytest.mark.parametrize("dtype", "fd")
def test_the_layout_of_the_output_changes_no_bit(dtype):
    """Strided outputs go through a child plan, others straight to the kernel."""
    rng = np.random.default_rng(3)
    for rows, taps in itertools.product((1, 2, 31, 33), (5, 9, 17, 33, 65)):
        v = np.multiply.outer(np.array([1, 2, 3]), rng.standard_normal(taps)).astype(dtype)
        for columns in (20, 60, 300):
            a = rng.standard_normal((rows + 2, columns + taps - 1)).astype(dtype)
            aside = np.empty((rows, 2 * columns), dtype)[:, ::2]
            assert corrfast.correlate(a, v, method="separable", out=aside) is aside
            assert_same_bits(aside, corrfast.correlate(a, v, method="separable"), (rows, taps, columns))
