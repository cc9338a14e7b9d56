"""The oracle itself: corrfast.reference against the definition in Python integers, and both against NumPy and SciPy."""
import definition
import numpy as np
import pytest
import scipy.signal
from comparison import assert_identical, scaled_error
from corrfast import reference
from hypothesis import given
from hypothesis import strategies as st
from problems import (COMPLEX, INTEGERS, REALS, RULES, Problem, generated, has_a_transpose, plain_problems, problems,
                      small_integers)

def exact(array):
    """The values as Python integers, or as whole complex numbers."""
    return array.astype(np.complex128) if array.dtype.kind == "c" else array.astype(object)


def exact_options(problem):
    return {**problem.geometry_options, "cval": exact_number(problem.options.get("cval", 0))}


def exact_number(value):
    return value if isinstance(value, complex) else int(value)


def gradient_arguments(problem):
    """(g, a, v) of one dtype, so that no gradient is rounded to a narrower one."""
    a, v = (x.astype(problem.dtype) for x in problem.operands())
    return problem.gradient(), a, v


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "constant"])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_the_definition_extends_arrays_as_np_pad_does(rule, n):
    padded = np.pad(np.arange(n), 23, mode=rule)
    assert [definition.source(p - 23, n, rule) for p in range(n + 46)] == padded.tolist()


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8])
def test_the_definition_of_modes_is_numpys(function, n, k, mode):
    a, v = np.arange(1, n + 1) ** 2, np.arange(2, k + 2) ** 3
    assert definition.forward(function, exact(a), exact(v), mode=mode).tolist() == getattr(np, function)(a, v, mode).tolist()


@given(problem=problems(any_layout=False))
@generated(400)
def test_forward_is_the_definition(problem):
    a, v = problem.operands()
    got = getattr(reference, problem.function)(a, v, **problem.options)
    if problem.dtype.kind == "b":
        want = definition.forward(problem.function, exact(a), exact(v), **exact_options(problem))
    else:
        want = definition.forward(problem.function, exact(a.astype(problem.dtype)), exact(v.astype(problem.dtype)),
                                  **exact_options(problem))
    assert_identical(got, definition.wrapped(want, problem.dtype))


@given(problem=plain_problems(any_layout=False))
@generated(300)
def test_forward_of_plain_calls_is_the_definition(problem):
    a, v = problem.operands()
    want = definition.forward(problem.function, exact(a.astype(problem.dtype)), exact(v.astype(problem.dtype)), **problem.options)
    assert_identical(getattr(reference, problem.function)(a, v, **problem.options), definition.wrapped(want, problem.dtype))


@given(problem=problems(any_layout=False))
@generated(400)
def test_gradients_are_the_definition(problem):
    g, a, v = gradient_arguments(problem)
    ga, gv = getattr(reference, problem.function + "_vjp")(g, a, v, **problem.options)
    options = exact_options(problem)
    want = definition.input_gradient(problem.function, exact(g), a.shape, exact(v), **options)
    assert_identical(ga, definition.wrapped(want, problem.dtype))
    want = definition.kernel_gradient(problem.function, exact(g), exact(a), v.shape, **options)
    assert_identical(gv, definition.wrapped(want, problem.dtype))


@given(problem=problems(any_layout=False, functions=("correlate",), rules=("constant",)).filter(has_a_transpose),
       data=st.data())
@generated(400)
def test_conv_transpose_is_the_definition(problem, data):
    g, a, v = gradient_arguments(problem)
    options = {name: value for name, value in problem.options.items() if name not in ("boundary", "cval")}
    geometry = problem.geometry
    sizes = [data.draw(st.integers(0, s - 1)) for s in geometry.stride]
    got = reference.conv_transpose(g, v, output_padding=sizes, **options)
    shape = list(g.shape)
    for i, axis in enumerate(geometry.a_axes):
        reach = geometry.dilation[i] * (geometry.k[i] - 1) + 1 - sum(geometry.padding[i])
        shape[axis] = (geometry.m[i] - 1) * geometry.stride[i] + reach + sizes[i]
    pads = {"padding": geometry.padding}
    options = {**{name: x for name, x in problem.geometry_options.items() if name in ("stride", "dilation", "axes")}, **pads}
    want = definition.input_gradient("correlate", exact(g), tuple(shape), exact(v), **options)
    assert_identical(got, definition.wrapped(want, problem.dtype))


@pytest.mark.parametrize("dtype", INTEGERS + REALS + COMPLEX)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((6, 7), (3, 2)), ((4, 9), (4, 4)), ((3, 4), (5, 6)), ((5, 4, 6), (2, 3, 3))])
def test_higher_ranks_are_scipys(function, shapes, mode, dtype):
    rng = np.random.default_rng(1)
    a, v = (small_integers(rng, shape, dtype) for shape in shapes)
    if dtype.char in "egG":                  # SciPy refuses these
        want = definition.wrapped(definition.forward(function, exact(a), exact(v), mode=mode), dtype)
    else:
        want = getattr(scipy.signal, function)(a, v, mode, method="direct")
    assert_identical(getattr(reference, function)(a, v, mode), want)


@pytest.mark.parametrize("dtype", "efdFD")
def test_random_reals_stay_within_the_bound(function, dtype):
    rng = np.random.default_rng(2)
    a, v = (rng.standard_normal(n).astype(dtype) for n in (300, 40))
    wide = np.clongdouble if a.dtype.kind == "c" else np.longdouble
    want = getattr(np, function)(a.astype(wide), v.astype(wide), "full")
    size = np.convolve(np.abs(a).astype(np.longdouble), np.abs(v if function == "convolve" else v[::-1]).astype(np.longdouble))
    assert scaled_error(getattr(reference, function)(a, v, "full"), want, size, v.size, dtype) <= 1


def test_worked_examples():
    f = np.array([2, 1, 3, 5, 4])
    assert reference.convolve(f, [1, -1], "valid").tolist() == [-1, 2, 2, -1]
    assert reference.correlate(f, [1, -1], "valid").tolist() == [1, -2, -2, 1]
    for run in (reference.convolve, reference.correlate):
        assert run(f, [-1, 2, -1], "valid").tolist() == [-3, 0, 3]


def test_an_empty_reduction_is_zero():
    """Windows that lie wholly in the padding sum nothing."""
    got = reference.correlate(np.ones(3), np.full(2, np.inf), padding=((4, 4),))
    assert got.tolist() == [0, 0, 0, np.inf, np.inf, np.inf, np.inf, 0, 0, 0]
    assert Problem("correlate", (3,), (2,), np.dtype(float), np.dtype(float), {"padding": ((4, 4),)}).geometry.m == (10,)
