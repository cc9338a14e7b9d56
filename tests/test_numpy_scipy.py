"""The calls that NumPy and SciPy have: the same values, shapes, dtypes and errors."""
import itertools

import corrfast
import numpy as np
import pytest
import scipy.signal
from comparison import assert_identical
from problems import DTYPES, any_integers, small_integers

MODES = ["full", "same", "valid"]
SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (5, 3), (3, 5), (4, 4), (8, 5), (5, 8), (9, 6), (6, 9), (40, 11), (11, 40), (70, 33)]


def samples(shape, dtype, seed=0):
    """Samples whose sums are exact; integers from their whole range, so that they wrap around."""
    return any_integers(np.random.default_rng(seed), shape, dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sizes", SIZES)
def test_one_dimension_is_numpys(function, mode, sizes):
    """Every dtype, arrays and kernels of either length: values, wraparound, dtype and the conjugate."""
    for dtype in DTYPES:
        a, v = samples(sizes[0], dtype, 1), samples(sizes[1], dtype, 2)
        assert_identical(getattr(corrfast, function)(a, v, mode), getattr(np, function)(a, v, mode), dtype)


@pytest.mark.parametrize("mode", MODES)
def test_pairs_of_dtypes_are_numpys(function, mode):
    for one, other in itertools.product(DTYPES, DTYPES):
        a, v = (small_integers(np.random.default_rng(3), n, dtype) for n, dtype in ((9, one), (4, other)))
        assert_identical(getattr(corrfast, function)(a, v, mode), getattr(np, function)(a, v, mode), (one, other))


def test_defaults_are_numpys():
    a, v = np.arange(1, 8), np.array([1, 5, 2])
    assert_identical(corrfast.correlate(a, v), np.correlate(a, v))
    assert_identical(corrfast.convolve(a, v), np.convolve(a, v))
    assert_identical(corrfast.correlate(a=a, v=v, mode="same"), np.correlate(a=a, v=v, mode="same"))
    for number in (0, 1, 2, np.int8(1)):
        assert_identical(corrfast.convolve(a, v, number), np.convolve(a, v, int(number)))


@pytest.mark.parametrize("arguments", [([1, 2, 3], [1, 2]), ([1, 2, 3], [0.5]), ((True, False), [1]), ([1, 2j], [1.5, 2]),
                                       (range(5), (1, 2)), (np.arange(4, dtype="u1"), [1, 2]),
                                       (np.float32([1, 2, 3]), [2.0, 1.0])])
def test_sequences_are_arrays(function, arguments):
    for mode in MODES:
        assert_identical(getattr(corrfast, function)(*arguments, mode), getattr(np, function)(*arguments, mode))


def test_convolve_takes_scalars_and_correlate_refuses_them():
    for arguments in ((3, [1, 2]), ([1, 2], 3), (2.5, 3), (np.float32(2), np.arange(3, dtype="f")), (np.array(4), [1j])):
        assert_identical(corrfast.convolve(*arguments), np.convolve(*arguments))
        with pytest.raises(ValueError):
            np.correlate(*arguments)
        with pytest.raises(ValueError):
            corrfast.correlate(*arguments)


def test_signs_of_infinities_and_nans_are_numpys(function):
    a = np.array([1, np.inf, 2, np.nan, 3, -np.inf, 4, 0, 5, 6.])
    for v in ([1., 2], [0., 1, 0], [-1., np.inf], [np.nan, 0]):
        for mode in MODES:
            with np.errstate(invalid="ignore"):
                want = getattr(np, function)(a, v, mode)
            assert_identical(getattr(corrfast, function)(a, v, mode), want, (v, mode))


def test_subclasses_give_what_their_data_give(function):
    masked = np.ma.masked_array([1., 2, 3, 4], mask=[0, 1, 0, 0])
    got = getattr(corrfast, function)(masked, [1., 1])
    assert type(got) is np.ndarray
    assert_identical(got, getattr(np, function)(masked.data, [1., 1]))


@pytest.mark.parametrize("arguments, error", [
    (([], [1]), ValueError), (([1], []), ValueError), (([], []), ValueError),
    (([1, 2], [1], "v"), ValueError), (([1, 2], [1], "FULL"), ValueError), (([1, 2], [1], ""), ValueError),
    (([1, 2], [1], -1), ValueError), (([1, 2], [1], 3), ValueError), (([1, 2], [1], None), TypeError),
    (([1, 2], [1], 1.0), TypeError), (([1, 2], [1], True), TypeError), (([1, 2], [1], ["full"]), TypeError),
    (([1, 2],), TypeError), ((), TypeError), (([1, 2], [1], "full", 1), TypeError)])
def test_errors_are_numpys(function, arguments, error):
    """The same exception type for the same call, as far as NumPy documents one."""
    with pytest.raises(error):
        getattr(np, function)(*arguments)
    with pytest.raises(error):
        getattr(corrfast, function)(*arguments)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 3, 0)])
def test_empty_arrays_raise_in_numpys_words(function, shape):
    full = np.ones(tuple(max(size, 1) for size in shape))
    with pytest.raises(ValueError, match="^a cannot be empty"):
        getattr(corrfast, function)(np.ones(shape), full)
    with pytest.raises(ValueError, match="^v cannot be empty"):
        getattr(corrfast, function)(full, np.ones(shape))


SHAPES = [((6, 7), (3, 2)), ((6, 7), (4, 5)), ((5, 5), (5, 5)), ((3, 4), (5, 6)), ((1, 9), (1, 4)), ((9, 1), (2, 1)),
          ((2, 3), (2, 7)),
          ((5, 4, 6), (2, 3, 3)), ((4, 4, 4), (4, 2, 1)), ((2, 3, 4), (3, 3, 5)), ((3, 1, 12), (2, 1, 6))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shapes", SHAPES)
def test_higher_ranks_are_scipys(function, mode, shapes):
    """scipy.signal's direct method, even kernels and swapped sizes included."""
    for dtype in (np.dtype(c) for c in "bBhHiIlLefdFD?"):
        a, v = (samples(shape, dtype, 4) for shape in shapes)
        taken = {"?": "l", "e": "f"}.get(dtype.char, dtype)     # SciPy refuses these two: count, and sum in float32
        want = getattr(scipy.signal, function)(a.astype(taken), v.astype(taken), mode, method="direct").astype(dtype)
        assert_identical(getattr(corrfast, function)(a, v, mode), want, dtype)


@pytest.mark.parametrize("mode", MODES)
def test_pairs_of_dtypes_are_scipys(function, mode):
    for one, other in itertools.product("bBhHiIlLfdFD", repeat=2):
        rng = np.random.default_rng(5)
        a, v = small_integers(rng, (5, 6), one), small_integers(rng, (2, 3), other)
        assert_identical(getattr(corrfast, function)(a, v, mode), getattr(scipy.signal, function)(a, v, mode, method="direct"))


def test_valid_refuses_shapes_of_which_neither_contains_the_other(function):
    for module, options in ((scipy.signal, {"method": "direct"}), (corrfast, {})):
        with pytest.raises(ValueError):
            getattr(module, function)(np.ones((3, 8)), np.ones((5, 2)), "valid", **options)


@pytest.mark.parametrize("n, k", [(1, 1), (5, 3), (8, 4), (8, 5), (3, 7), (4, 9), (1, 6), (6, 1)])
@pytest.mark.parametrize("mode", MODES)
def test_correlation_lags_name_the_results_of_correlate(n, k, mode):
    """A pulse at p against a pulse at q peaks at lag p - q."""
    lags = corrfast.correlation_lags(n, k, mode)
    assert lags.shape == corrfast.correlate(np.ones(n), np.ones(k), mode).shape
    found = []
    for p, q in itertools.product(range(n), range(k)):
        peak = np.flatnonzero(corrfast.correlate(np.eye(1, n, p)[0], np.eye(1, k, q)[0], mode))
        assert peak.size <= 1
        if peak.size:
            assert lags[peak[0]] == p - q
            found.append(peak[0])
    assert set(found) == set(range(lags.size))
    if mode == "full" or n >= k:
        np.testing.assert_array_equal(lags, scipy.signal.correlation_lags(n, k, mode))


def test_correlation_lags_refuses_what_has_no_lags():
    for arguments, error, word in [((0, 3), ValueError, "n"), ((3, -1), ValueError, "k"), ((3, 3, "max"), ValueError, "mode"),
                                   ((2.5, 3), TypeError, "n"), ((3, "4"), TypeError, "k")]:
        with pytest.raises(error, match=word):
            corrfast.correlation_lags(*arguments)
