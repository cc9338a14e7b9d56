"""conv_transpose and the two _vjps: against the oracle, and as adjoints of the forward pass in exact arithmetic."""
import comparison
import corrfast
import numpy as np
import pytest
from comparison import assert_exact, assert_identical, nearest, scaled_error
from corrfast import reference
from hypothesis import given
from hypothesis import strategies as st
from layouts import LAYOUTS, output_like
from problems import (COMPLEX, INTEGERS, NATIVE_FLOATS, RULES, Problem, generated, has_a_transpose, layouts, plain_problems,
                      problems, random_reals, same_pairs, small_integers)

def vjp(problem, g, a, v, module=corrfast, **more):
    return getattr(module, problem.function + "_vjp")(g, a, v, **{**problem.options, **more})


def compare_gradients(problem, layout="C", **more):
    """Both gradients equal the oracle's, in the dtypes of their arguments, and no input is written to."""
    a, v = problem.operands()
    g = problem.gradient(layout=layout)
    before = g.tobytes(), a.tobytes(), v.tobytes()
    want = vjp(problem, g, a, v, module=reference, **more)
    ga, gv = assert_exact(lambda **choice: vjp(problem, g, a, v, **{**more, **choice}), want, problem)
    assert ga.dtype == problem.a_dtype and gv.dtype == problem.v_dtype
    assert ga.shape == problem.a_shape and gv.shape == problem.v_shape
    assert (g.tobytes(), a.tobytes(), v.tobytes()) == before, "an input was written to"
    comparison.count(2)


@given(problem=problems(), layout=layouts)
@generated(900)
def test_every_option(problem, layout):
    for variant in problem.variants(mixed=False):
        compare_gradients(variant, layout)


@given(problem=plain_problems())
@generated(200)
def test_plain_calls(problem):
    for variant in problem.variants(mixed=False):
        compare_gradients(variant)


FLOAT_PAIRS = st.tuples(st.sampled_from("efdgFDG"), st.sampled_from("efdgFDG")).map(lambda pair: tuple(map(np.dtype, pair)))


@given(problem=problems(dtypes=FLOAT_PAIRS))
@generated(500)
def test_gradients_have_their_arguments_dtypes(problem):
    """Mixed precisions, and the real part where an argument is real and the sums are complex."""
    compare_gradients(problem)


def transposed_options(problem):
    return {name: x for name, x in problem.options.items() if name not in ("boundary", "cval")}


def compare_transpose(problem, output_padding):
    _, v = problem.operands()
    g, options = problem.gradient(), transposed_options(problem)
    want = reference.conv_transpose(g, v, output_padding=output_padding, **options)
    def run(**choice):
        return corrfast.conv_transpose(g, v, output_padding=output_padding, **{**options, **choice})

    got = assert_exact(run, want, problem, sums=False)
    geometry = problem.geometry
    for i, axis in enumerate(geometry.a_axes):
        extra = output_padding if isinstance(output_padding, int) else output_padding[i]
        reach = geometry.dilation[i] * (geometry.k[i] - 1) + 1 - sum(geometry.padding[i])
        assert got.shape[axis] == (geometry.m[i] - 1) * geometry.stride[i] + reach + extra
    by_shape = corrfast.conv_transpose(g, v, output_shape=tuple(got.shape[axis] for axis in geometry.a_axes), **options)
    assert_identical(by_shape, got, "output_shape")
    comparison.count()


@given(problem=problems(functions=("correlate",), rules=("constant",)).filter(has_a_transpose), data=st.data())
@generated(400)
def test_conv_transpose(problem, data):
    output_padding = [data.draw(st.integers(0, s - 1)) for s in problem.geometry.stride]
    for variant in problem.variants():
        if variant.function == "correlate":
            compare_transpose(variant, output_padding)


@given(problem=problems(functions=("correlate",), rules=("constant",), dtypes=same_pairs("qdD"), choices=False), data=st.data())
@generated(400)
def test_conv_transpose_is_the_adjoint_of_correlate(problem, data):
    """vdot(g, correlate(a, v)) == vdot(conv_transpose(g, v), a), exactly: with `a` of any length that gives g's shape."""
    problem.options.pop("cval", None)
    if "mode" in problem.options:             # a mode fixes the pads by the kernel alone: the same for any length
        problem.options["padding"] = problem.geometry.padding
        problem.options.pop("mode")
    a, v = (x.astype(problem.dtype) for x in problem.operands(small_integers))
    g = problem.gradient(small_integers)
    transposed = nearest(corrfast.conv_transpose(g, v, output_shape=problem.geometry.n, **transposed_options(problem)))
    assert np.vdot(g, nearest(corrfast.correlate(a, v, **problem.options))) == np.vdot(
        transposed, a if transposed.shape == a.shape else np.broadcast_to(a, transposed.shape))
    flipped = np.conj(np.flip(v, problem.geometry.v_axes))
    transposed = nearest(corrfast.conv_transpose(g, flipped, output_shape=problem.geometry.n, **transposed_options(problem)))
    assert np.vdot(g, nearest(corrfast.convolve(a, v, **problem.options))) == np.vdot(transposed, np.broadcast_to(a, transposed.shape))


def inner(x, y):
    """sum conj(x)*y in exact arithmetic: Python integers, modulo 2**bits for integer dtypes, or whole complex numbers."""
    if x.dtype.kind in "iu":
        return int(np.sum(x.astype(object) * y.astype(object))) % 2 ** (8 * x.dtype.itemsize)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    return np.vdot(x.astype(wide), y.astype(wide))


@given(problem=problems(dtypes=same_pairs(INTEGERS + tuple(map(np.dtype, "fdgFDG"))), choices=False))
@generated(1200)
def test_gradients_are_the_adjoints(problem):
    """<f(x), g> == <x, f*(g)> for both arguments, every boundary included, without any rounding."""
    a, v = (x.astype(problem.dtype) for x in problem.operands())
    g = problem.gradient()
    ga, gv = map(nearest, vjp(problem, g, a, v))
    y = nearest(getattr(corrfast, problem.function)(a, v, **problem.options))
    linear = {**problem.options, "cval": 0}    # in `a` the map is affine: cval is its constant term
    assert inner(g, nearest(getattr(corrfast, problem.function)(a, v, **linear))) == inner(ga, a)
    kernel_side = inner(gv, v)                 # correlate is antilinear in v, convolve linear
    assert inner(g, y) == (np.conj(kernel_side) if problem.function == "correlate" else kernel_side)


@given(problem=problems(dtypes=same_pairs(INTEGERS + COMPLEX), any_layout=False, choices=False))
@generated(300)
def test_linear_in_the_kernel(problem):
    """f(a, v + w) == f(a, v) + f(a, w), and so in the gradient of the array; cval included, since it multiplies the kernel."""
    a, v = (x.astype(problem.dtype) for x in problem.operands())
    rng = np.random.default_rng(problem.seed + 2)
    w = problem.exact_maker(rng, v.shape, v.dtype)
    g = problem.gradient()
    of_sum, *of_parts = (nearest(getattr(corrfast, problem.function)(a, x, **problem.options)) for x in (v + w, v, w))
    assert_identical(of_sum, sum(of_parts))
    of_sum, *of_parts = (nearest(vjp(problem, g, a, x)[0]) for x in (v + w, v, w))
    assert_identical(of_sum, sum(of_parts))


@pytest.mark.parametrize("a_dtype, v_dtype", [("D", "D"), ("d", "D"), ("D", "d"), ("F", "f"), ("f", "F")])
def test_complex_conventions_are_pytorchs(a_dtype, v_dtype):
    """Written out: correlate ga = sum g*v, gv = sum conj(g)*a; convolve ga = sum g*conj(v), gv = sum g*conj(a); real parts."""
    rng = np.random.default_rng(5)
    a, v = small_integers(rng, 9, a_dtype), small_integers(rng, 4, v_dtype)
    g = small_integers(rng, 6, np.result_type(a, v))

    def like(x, argument):
        return (x if np.iscomplexobj(argument) else x.real).astype(argument.dtype)

    ga, gv = corrfast.correlate_vjp(g, a, v)
    assert_identical(ga, like(np.convolve(g, v, "full"), a))
    assert_identical(gv, like(np.array([np.sum(np.conj(g) * a[j:j + 6]) for j in range(4)]), v))
    ga, gv = corrfast.convolve_vjp(g, a, v, "valid")
    assert_identical(ga, like(np.correlate(g, v, "full"), a))
    assert_identical(gv, like(np.array([np.sum(g * np.conj(a[3 - j:9 - j])) for j in range(4)]), v))


@pytest.mark.parametrize("shape, taps", [((2100, 2051), (1, 2)), ((5_000_000,), (2,)), ((3, 1500, 1000), (1, 1, 2))])
def test_float16_beyond_the_edge_is_rounded_once_in_arrays_of_any_size(shape, taps):
    """Sums wait as float32 in scratch memory, which holds a part of an array as large as these."""
    rng = np.random.default_rng(5)
    v = np.full(taps, 1 + 2**-10, np.float16)
    g = rng.integers(-3, 4, shape).astype(np.float16)
    got, want = (corrfast.correlate_vjp(g.astype(dtype), g.astype(dtype), v.astype(dtype), "same", boundary="wrap", needs=(True, False),
                                        workers=2)[0] for dtype in (np.float16, np.float32))
    assert_identical(got, want.astype(np.float16))


@given(problem=problems(any_layout=False, dtypes=same_pairs(NATIVE_FLOATS + (np.dtype("e"),)), choices=False))
@generated(400)
def test_random_reals_stay_within_the_bound(problem):
    """Direct sums, per element: |x - exact| <= (terms + 2) * eps * sum|products|, the terms counted by the oracle."""
    a, v = problem.operands(random_reals)
    g = problem.gradient(random_reals)
    options = {"cval": problem.options.pop("cval", 0)}
    wide = np.clongdouble if a.dtype.kind == "c" else np.longdouble
    exact = vjp(problem, g.astype(wide), a.astype(wide), v.astype(wide), module=reference, **options)
    magnitudes = (np.abs(x).astype(np.longdouble) for x in (g, a, v))
    size = vjp(problem, *magnitudes, module=reference, cval=abs(options["cval"]))
    terms = vjp(problem, *(np.ones(x.shape) for x in (g, a, v)), module=reference, cval=1)
    for got, want, scale, count in zip(vjp(problem, g, a, v, **options, precision="exact"), exact, size, terms, strict=True):
        assert scaled_error(got, want, scale, count, a.dtype) <= 1
    comparison.count(2)


STEPS = [(1, 1), (2, 1), (1, 2), (3, 4)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("stride, dilation", STEPS)
def test_larger_problems(function, rule, stride, dilation):
    """Some hundred samples an axis: interior, borders and several tiles of each loop in one problem."""
    options = {"boundary": rule, "stride": stride, "dilation": dilation, "cval": 2}
    turn = RULES.index(rule) + STEPS.index((stride, dilation)) + (function == "convolve")
    for dtype in (np.dtype("fd"[turn % 2]), np.dtype("Di"[turn // 2 % 2])):
        compare_gradients(Problem(function, (5000,), (37,), dtype, dtype, {**options, "mode": "same"}))
        compare_gradients(Problem(function, (110, 131), (5, 6), dtype, dtype, {**options, "padding": ((7, 3), (11, 30))}))
        compare_gradients(Problem(function, (14, 15, 40), (3, 2, 3), dtype, dtype, {**options, "mode": "full"}))
        compare_gradients(Problem(function, (3, 2, 60, 50), (3, 3), dtype, dtype, {**options, "mode": "same"}))


@pytest.mark.parametrize("rule", RULES)
def test_gradients_fold_pads_far_longer_than_the_array(function, rule):
    for n, k, pad in [(1, 1, 1000), (2, 3, 999), (3, 40, 517), (5, 2, 4000)]:
        options = {"padding": pad, "boundary": rule, "cval": 3}
        compare_gradients(Problem(function, (n,), (k,), np.dtype("d"), np.dtype("d"), options))


@pytest.mark.parametrize("needs", [(True, False), (False, True), (False, False), (True, True), (1, 0)])
def test_needs_leaves_out_what_is_not_wanted(function, needs):
    a, v, g = np.arange(9.), np.arange(3.), np.ones(7)
    run = getattr(corrfast, function + "_vjp")
    both = run(g, a, v, "valid")
    got = run(g, a, v, "valid", needs=needs)
    for wanted, one, whole in zip(needs, got, both, strict=True):
        if wanted:
            assert_identical(one, whole)
        else:
            assert one is None


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("read-only", "broadcast")])
@pytest.mark.parametrize("dtype", "fdiDe")
def test_gradients_written_to_out(function, layout, dtype):
    """`out` is overwritten entirely, in any layout, and is what is returned; None allocates."""
    problem = Problem(function, (4, 30, 21), (3, 5), np.dtype(dtype), np.dtype(dtype), {"stride": 2, "boundary": "reflect"})
    a, v = problem.operands()
    g = problem.gradient()
    want = vjp(problem, g, a, v)
    buffers = [output_like(x.shape, x.dtype, layout, 99) for x in want]
    for out in (tuple(buffers), (None, buffers[1]), (buffers[0], None)):
        for b in buffers:
            b[...] = 99
        got = vjp(problem, g, a, v, out=out)
        for x, given_buffer, expected in zip(got, out, want, strict=True):
            assert given_buffer is None or x is given_buffer
            assert (x == expected).all()


def test_gradients_written_over_their_arguments(function):
    """`out` may be the array itself, the kernel itself, or overlap g: computed aside and copied."""
    rng = np.random.default_rng(6)
    a, v, run = rng.standard_normal((20, 30)), rng.standard_normal((3, 3)), getattr(corrfast, function + "_vjp")
    g = rng.standard_normal((20, 30))
    want = run(g, a, v, "same")
    for place in "agv":
        arrays = {"g": g.copy(), "a": a.copy(), "v": v.copy()}
        out = (arrays[place], None) if place != "v" else (None, arrays["v"])
        got = run(arrays["g"], arrays["a"], arrays["v"], "same", out=out)
        assert_identical(got[0], want[0])
        assert_identical(got[1], want[1])
    with_overlap = np.zeros((21, 30))
    with_overlap[:20] = a
    assert_identical(run(g, with_overlap[:20], v, "same", out=(with_overlap[1:], None))[0], want[0])


def test_conv_transpose_written_to_out():
    g, v = np.arange(1., 8), np.array([1., 2, 3])
    want = corrfast.conv_transpose(g, v, stride=2)
    out = np.full(2 * want.size, 99.)[::2]
    assert corrfast.conv_transpose(g, v, stride=2, out=out) is out
    assert_identical(out, want)
    same = g.copy()
    want = corrfast.conv_transpose(g, v, "same")
    assert corrfast.conv_transpose(same, v, "same", out=same) is same
    assert_identical(same, want)


def test_broadcast_axes_are_summed():
    """Rows of `a` that serve several kernels, and a kernel that serves several rows, get the sum of what each row gives."""
    rng = np.random.default_rng(7)
    a, v = small_integers(rng, (1, 3, 12), float), small_integers(rng, (4, 1, 5), float)
    g = small_integers(rng, (4, 3, 8), float)
    ga, gv = corrfast.correlate_vjp(g, a, v, axes=-1)
    rows = [[corrfast.correlate_vjp(g[i, j], a[0, j], v[i, 0]) for j in range(3)] for i in range(4)]
    assert_identical(ga, np.array([[sum(rows[i][j][0] for i in range(4)) for j in range(3)]]))
    assert_identical(gv, np.array([[sum(rows[i][j][1] for j in range(3))] for i in range(4)]))


@pytest.mark.parametrize("far", [1 << 40, -(1 << 40), 1 << 57])
@pytest.mark.parametrize("rule", RULES)
def test_windows_far_from_the_array(far, rule):
    """They meet few samples, whatever lies between."""
    rng = np.random.default_rng(4)
    a, v, g = (rng.integers(-4, 5, n).astype("d") for n in (9, 3, 8))
    options = {"padding": ((far, 1 - far),), "boundary": rule}
    for got, want in zip(corrfast.correlate_vjp(g, a, v, **options), reference.correlate_vjp(g, a, v, **options), strict=True):
        assert_identical(got, want)
