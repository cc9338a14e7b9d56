"""A NaN or an Inf reaches exactly the outputs that direct summation gives it to."""
import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, nearest
from corrfast import _core, reference
from corrfast.arguments import BACKWARD_INPUT, BACKWARD_KERNEL, FORWARD, Spec
from hypothesis import given
from hypothesis import strategies as st
from problems import NATIVE_FLOATS, REALS, RULES, generated, problems, same_pairs, small_integers

POISONS = (np.nan, np.inf, -np.inf)


def assert_same_places(got, want):
    """Finite values equal, and NaNs and infinities of either sign at the same places."""
    if got.dtype.kind == "c":       # how an infinity spreads between real and imaginary part depends on how products are formed
        finite = np.isfinite(want)
        np.testing.assert_array_equal(np.isfinite(got), finite)
        np.testing.assert_array_equal(got[finite], want[finite])
    else:
        assert_identical(got, want)


def poisoned(array, place, poison):
    copy = np.array(array)
    copy.flat[place % copy.size] = poison
    return copy


@pytest.mark.parametrize("poison", [np.nan, -np.inf])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape, kernel", [((23,), (4,)), ((40,), (9,)), ((4, 11), (3, 2)), ((2, 3, 6), (2, 1, 3))])
def test_every_place_of_the_array(function, shape, kernel, rule, poison):
    """Zero taps take part: 0 * inf is NaN in NumPy's sums and so in these."""
    rng = np.random.default_rng(1)
    a, v = small_integers(rng, shape, "f"), small_integers(rng, kernel, "f")
    options = {"padding": ((3, 5),) * len(shape), "boundary": rule}
    with np.errstate(invalid="ignore"):
        for place in range(a.size):
            bad = poisoned(a, place, poison)
            assert_same_places(getattr(corrfast, function)(bad, v, **options), getattr(reference, function)(bad, v, **options))


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape, kernel", [((23,), (4,)), ((40,), (35,)), ((5, 19), (3, 4)), ((3, 4, 9), (2, 2, 3))])
def test_every_place_of_the_kernel(function, shape, kernel, rule, poison):
    """Padding with zeros contributes nothing, so an infinite tap that meets only padding leaves no trace."""
    rng = np.random.default_rng(2)
    a, v = small_integers(rng, shape, "d"), small_integers(rng, kernel, "d")
    options = {"padding": ((6, 4),) * len(shape), "boundary": rule}
    with np.errstate(invalid="ignore"):
        for place in range(v.size):
            bad = poisoned(v, place, poison)
            assert_same_places(getattr(corrfast, function)(a, bad, **options), getattr(reference, function)(a, bad, **options))


def test_padding_with_zeros_is_nothing_and_padding_with_another_number_is_not():
    bad = np.array([1., np.inf])
    assert_identical(corrfast.correlate(np.ones(2), bad, padding=2), np.array([0, np.inf, np.inf, 1, 0]))
    assert_identical(corrfast.correlate(np.ones(2), bad, padding=2, cval=1), np.array([np.inf] * 5))
    got = corrfast.correlate(np.ones(2), np.ones(2), padding=2, cval=np.nan)
    assert_identical(got, np.array([np.nan, np.nan, 2, np.nan, np.nan]))


@given(problem=problems(dtypes=same_pairs(NATIVE_FLOATS + REALS), choices=False), poison=st.sampled_from(POISONS),
       place=st.integers(0, 10**6), where=st.sampled_from("gav"))
@generated(800)
def test_every_option_and_pass(problem, poison, place, where):
    arrays = dict(zip("av", problem.operands(small_integers), strict=True), g=problem.gradient(small_integers))
    arrays[where] = poisoned(arrays[where], place, poison)
    g, a, v = (arrays[name] for name in "gav")
    with np.errstate(invalid="ignore"):
        for name, inputs in ((problem.function, (a, v)), (problem.function + "_vjp", (g, a, v))):
            want = getattr(reference, name)(*inputs, **problem.options)
            for level in ("exact", "default"): # by default transforms may round
                got = getattr(corrfast, name)(*inputs, **problem.options, precision=level)
                for one, other in zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]:
                    assert_same_places(one if level == "exact" else nearest(one), other)
    comparison.count(3)


def test_numbers_too_large_for_the_dtype_become_infinite_alone(function):
    """Overflow stays where it happens, float16's at its final rounding."""
    for dtype in "efdg":
        largest = np.finfo(dtype).max
        a = np.array([1, largest, largest, 1, 1, 1], dtype=dtype)
        got = getattr(corrfast, function)(a, np.ones(2, dtype=dtype), "valid")
        assert_identical(got, np.array([largest, np.inf, largest, 2, 2], dtype=dtype))


@pytest.mark.parametrize(("n", "k"), [((6,), (40,)), ((4, 5), (9, 11))])
def test_a_nonfinite_sample_of_a_batch_leaves_the_bits_of_the_others(n, k):
    """Also where the kernel is larger than the array, and they change places."""
    rng = np.random.default_rng(0)
    a, v = rng.standard_normal((3, *n)), rng.standard_normal(k)
    a[0].flat[2] = np.inf
    axes = range(-len(n), 0)
    assert np.array_equal(corrfast.correlate(a, v, "full", axes=axes)[1], corrfast.correlate(a[1], v, "full"))


LAYERS = {"gemm": ((2, 5, 13, 14), (9, 5, 3, 2), 1, 1), "strided gemm": ((1, 6, 17, 18), (10, 6, 3, 3), 2, 1),
          "few channels": ((1, 3, 20, 37), (4, 3, 5, 5), 2, 1), "depthwise": ((2, 9, 15, 16), (9, 1, 3, 3), 1, 9),
          "strided depthwise": ((2, 9, 15, 16), (9, 1, 3, 3), 2, 9), "groups": ((1, 8, 15, 16), (8, 4, 3, 3), 1, 2),
          "winograd": ((1, 16, 14, 15), (16, 16, 3, 3), 1, 1)}


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("name", LAYERS)
def test_all_passes_of_layers(name, poison):
    """Each operand in turn holds the poison somewhere: inside, at a border, next to padding."""
    x_shape, w_shape, stride, groups = LAYERS[name]
    rng = np.random.default_rng(3)
    spec = Spec((stride,) * 2, (1, 1), ((1, 2), (2, 1)), (0, 0), 0, groups, 0, 0, 0, 1)
    y_shape = (x_shape[0], w_shape[0], *((n + 3 - k) // stride + 1 for n, k in zip(x_shape[2:], w_shape[2:], strict=True)))
    clean = [small_integers(rng, shape, "f") for shape in (x_shape, w_shape, y_shape)]
    for pass_, written in ((FORWARD, 2), (BACKWARD_INPUT, 0), (BACKWARD_KERNEL, 1)):
        for operand in {0, 1, 2} - {written}:
            for place in (0, 77, clean[operand].size - 1):
                arrays = list(clean)
                arrays[operand] = poisoned(clean[operand], place, poison)
                got, want = list(arrays), list(arrays)
                got[written], want[written] = np.zeros_like(clean[written]), np.zeros_like(clean[written])
                with np.errstate(invalid="ignore"):
                    _core.run(pass_, *got, spec)
                    reference.run(pass_, *want, spec)
                assert_same_places(got[written], want[written])


@pytest.mark.parametrize("cval", [0, 1])
def test_infinite_sums_of_shares_stay_infinite(cval):
    """Gradients of small kernels are summed in shares; those of complex ones are added as pairs of real numbers."""
    a, v, g = np.ones((300, 300), "c8"), np.ones((3, 3), "c8"), np.full((298, 298), 1 + 1j, "c8")
    a[150, 150] = np.inf
    with np.errstate(all="ignore"):
        gradient = corrfast.correlate_vjp(g, a, v, cval=cval, needs=(False, True))[1]
    np.testing.assert_array_equal(gradient.real, np.full((3, 3), np.inf))
    np.testing.assert_array_equal(gradient.imag, np.full((3, 3), -np.inf))


@pytest.mark.parametrize("method", ["direct", "winograd"])
def test_a_nan_leaves_the_bits_of_a_gradient_in_any_layout(method):
    """Without padding nothing but the NaN itself is in question."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((1, 16, 33)).astype("f"), rng.standard_normal((1, 16, 32)).astype("f")
    x[0, 0, 5] = np.nan
    gradients = [corrfast.nn.conv1d_weight(a, (16, 16, 2), g, method=method) for a in (x, np.asfortranarray(x))]
    np.testing.assert_array_equal(*gradients)
    assert np.isnan(gradients[0][:, 0]).all() and np.isfinite(gradients[0][:, 1:]).all()
