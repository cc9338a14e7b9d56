"""Memory: the same bits from any strides, alignment, byte order or overlap, and results written into any array."""
import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from layouts import LAYOUTS, at_offset, laid_out, output_like
from problems import DTYPES, Problem, generated, problems, random_reals

VALUE_KEEPING = [name for name in LAYOUTS if name != "broadcast"]
WRITABLE = [name for name in VALUE_KEEPING if name != "read-only"]
CASES = [Problem("correlate", (67,), (5,), np.dtype("f"), np.dtype("f"), {"mode": "full"}),
         Problem("convolve", (41,), (18,), np.dtype("f"), np.dtype("f"), {"mode": "same", "boundary": "reflect"}),
         Problem("correlate", (13, 29), (3, 4), np.dtype("f"), np.dtype("f"), {"mode": "same", "stride": (1, 2)}),
         Problem("convolve", (2, 11, 23), (3, 3), np.dtype("f"), np.dtype("f"), {"padding": 4, "boundary": "wrap"}),
         Problem("correlate", (3, 11, 23), (3, 3), np.dtype("f"), np.dtype("f"), {"mode": "same", "boundary": "edge"}),
         Problem("correlate", (5, 7, 11), (2, 3, 3), np.dtype("f"), np.dtype("f"), {"dilation": 2}),
         Problem("correlate", (3, 40), (3, 7), np.dtype("f"), np.dtype("f"), {"axes": (1,)})]


def passes(function, a, v, g, **options):
    """Results of all three passes."""
    ga, gv = getattr(corrfast, function + "_vjp")(g, a, v, **options)
    return getattr(corrfast, function)(a, v, **options), ga, gv


@pytest.mark.parametrize("layout", VALUE_KEEPING)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layout_of_every_array(layout, dtype):
    for case in CASES:
        rng = np.random.default_rng(1)
        a, v, g = (random_reals(rng, shape, dtype) for shape in (case.a_shape, case.v_shape, case.geometry.output_shape))
        want = passes(case.function, a, v, g, **case.options)
        for arrays in ((laid_out(a, layout), v, g), (a, laid_out(v, layout), g), (a, v, laid_out(g, layout)),
                       (laid_out(a, layout), laid_out(v, layout), laid_out(g, layout))):
            for got, expected in zip(passes(case.function, *arrays, **case.options), want, strict=True):
                assert got.dtype.isnative
                assert_same_bits(got, expected, (case, layout))


@pytest.mark.parametrize("dtype", "fdFDeihB")
def test_broadcast_arrays_give_what_their_copies_give(function, dtype):
    rng = np.random.default_rng(2)
    a = np.broadcast_to(random_reals(rng, (1, 20), dtype), (15, 20))
    v = np.broadcast_to(random_reals(rng, (3, 1), dtype), (3, 4))
    g = np.broadcast_to(random_reals(rng, (1, 1), dtype), (13, 17))
    want = passes(function, a.copy(), v.copy(), g.copy(), mode="valid")
    for got, expected in zip(passes(function, a, v, g, mode="valid"), want, strict=True):
        assert_same_bits(got, expected)


@given(problem=problems(any_layout=False, choices=False), layouts=st.tuples(*[st.sampled_from(VALUE_KEEPING)] * 3))
@generated(400)
def test_no_layout_changes_a_bit(problem, layouts):
    a, v = problem.operands(random_reals)
    if problem.dtype.kind in "biu" or problem.a_dtype == problem.v_dtype:
        g = problem.gradient(random_reals)
        a, v = a.astype(problem.dtype), v.astype(problem.dtype)
        arrays = [laid_out(x, layout) for x, layout in zip((a, v, g), layouts, strict=True)]
        for got, want in zip(passes(problem.function, *arrays, **problem.options),
                             passes(problem.function, a, v, g, **problem.options), strict=True):
            assert_same_bits(got, want)


@pytest.mark.parametrize("dtype", "fdFDBhe")
def test_every_alignment(dtype):
    """All 64 offsets from a cache line, of each array and of the result, by bytes: aligned for the dtype or not."""
    for case in CASES:
        rng = np.random.default_rng(3)
        a, v, g = (random_reals(rng, shape, dtype) for shape in (case.a_shape, case.v_shape, case.geometry.output_shape))
        want = passes(case.function, a, v, g, **case.options)
        for offset in range(64):
            arrays = at_offset(a, offset), at_offset(v, (7 * offset) % 64), at_offset(g, (offset * 29 + 8) % 64)
            for got, expected in zip(passes(case.function, *arrays, **case.options), want, strict=True):
                assert_same_bits(got, expected, (case, offset))
            out = at_offset(np.zeros_like(want[0]), offset)
            assert getattr(corrfast, case.function)(a, v, out=out, **case.options) is out
            assert_same_bits(out, want[0], (case, offset))


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_written_to_out(layout, dtype):
    """`out` is returned, overwritten entirely, and nothing between its elements is touched."""
    for case in CASES:
        rng = np.random.default_rng(4)
        a, v = (random_reals(rng, shape, dtype) for shape in (case.a_shape, case.v_shape))
        want = getattr(corrfast, case.function)(a, v, **case.options)
        out = output_like(want.shape, dtype, layout, 1)
        between = memory_between(out)
        assert getattr(corrfast, case.function)(a, v, out=out, **case.options) is out
        assert (out == want).all()
        assert_same_bits(np.ascontiguousarray(out).astype(dtype), want, (case, layout))
        assert memory_between(out) == between, "bytes beside the result were written"


def memory_between(array):
    """The bytes of the array's owner that belong to none of its elements."""
    owner = array
    while owner.base is not None:
        owner = owner.base
    flat = owner.reshape(-1, order="A").view(np.uint8)
    mine = np.zeros(flat.size, dtype=bool)
    start = array.ctypes.data - owner.ctypes.data
    places = np.array([start])
    for stride, size in zip(array.strides, array.shape, strict=True):
        places = (places[:, None] + stride * np.arange(size)).ravel()
    mine[(places[:, None] + np.arange(array.itemsize)).ravel()] = True
    return flat[~mine].tobytes()


@pytest.mark.parametrize("dtype", "fdiD?")
def test_out_may_overlap_the_inputs(function, dtype):
    """The array itself, itself reversed, a shifted part of it, or the kernel: as if the inputs had been copied first."""
    run, rng = getattr(corrfast, function), np.random.default_rng(5)
    a, v = random_reals(rng, 50, dtype), random_reals(rng, 5, dtype)
    want = run(a, v, "same")
    same = a.copy()
    assert_same_bits(run(same, v, "same", out=same), want)
    same = a.copy()
    assert_same_bits(run(same, v, "same", out=same[::-1]), want)
    for shift in range(-49, 50):
        holder = np.zeros(150, dtype=dtype)
        holder[50:100] = a
        out = holder[50 + shift:100 + shift]
        assert run(holder[50:100], v, "same", out=out) is out
        assert_same_bits(out, want, shift)
    kernel = v.copy()
    assert_same_bits(run(a[:5], kernel, "same", out=kernel), run(a[:5], v, "same"))
    image = random_reals(rng, (20, 20), dtype)
    want = run(image, np.ones((3, 2), dtype=dtype), "same")
    for turned in (lambda x: x, np.transpose, np.fliplr, lambda x: x[::-1, ::-1]):
        copy = image.copy()
        assert_same_bits(np.ascontiguousarray(run(copy, np.ones((3, 2), dtype=dtype), "same", out=turned(copy))), want)


@pytest.mark.parametrize("dtype", "fdhFD")
def test_results_that_bypass_the_caches_have_the_same_bits(dtype):
    """Long rows of outputs beyond 32 MB, input and output together, are stored past the caches wherever a whole vector fits."""
    count = 17_000_000 // np.dtype(dtype).itemsize
    rng = np.random.default_rng(7)
    a, v = np.resize(random_reals(rng, 10_007, dtype), count), random_reals(rng, 7, dtype)
    for rows in (1, 100):
        a = a[:count // rows * rows].reshape(rows, -1)
        want = np.concatenate([corrfast.correlate(a[:, i:i + 25_000 + 6], v) for i in range(0, a.shape[1] - 6, 25_000)], axis=1)
        assert_same_bits(corrfast.correlate(a, v), want)
        for offset in (0, 1, 3, 15, 31):
            holder = np.zeros(want.size + 64, dtype)
            out = holder[offset:offset + want.size].reshape(want.shape)
            for workers in (1, 2):
                corrfast.correlate(a, v, out=out, workers=workers)
                assert_same_bits(out, want, (rows, offset, workers))
                assert not holder[:offset].any() and not holder[offset + want.size:].any()
                holder[:] = 0


def test_interleaved_out_and_input_do_not_disturb_each_other(function):
    """Bounds overlap but no element does."""
    pairs = np.random.default_rng(6).standard_normal((40, 2))
    want = getattr(corrfast, function)(pairs[:, 0].copy(), [1., 2, 3], "same")
    getattr(corrfast, function)(pairs[:, 0], np.array([1., 2, 3]), "same", out=pairs[:, 1])
    assert_identical(np.ascontiguousarray(pairs[:, 1]), want)


def test_memory_mapped_files_are_read(tmp_path, function):
    a = np.arange(1000, dtype=">f4")
    a.tofile(tmp_path / "samples")
    mapped = np.memmap(tmp_path / "samples", dtype=">f4", mode="r")
    assert_identical(getattr(corrfast, function)(mapped, np.ones(3, "f")), getattr(np, function)(a.astype("f"), np.ones(3, "f"),
                     "valid" if function == "correlate" else "full"))


def test_fields_of_records_are_read_and_written(function):
    records = np.zeros(30, dtype=[("flag", "u1"), ("x", "c8"), ("y", "f4"), ("z", "c8")])
    records["x"], records["y"] = np.arange(30), np.arange(30) ** 2
    run = getattr(corrfast, function)
    want = run(records["x"].copy(), np.ones(3, "F"), "same")
    run(records["x"], np.ones(3, "F"), "same", out=records["z"])
    assert_identical(records["z"].copy(), want)
    assert (records["flag"] == 0).all() and (records["y"] == np.arange(30) ** 2).all()
