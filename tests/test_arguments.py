"""Wrong arguments, by the classes that have hit other libraries: each raises, says what was wrong, and nothing is written."""
import re
from typing import NamedTuple

import corrfast
import numpy as np
import pytest
from comparison import assert_identical
from numpy.lib.stride_tricks import as_strided

FORWARD = ("correlate", "convolve")
VJP = ("correlate_vjp", "convolve_vjp")
EVERY = FORWARD + VJP + ("conv_transpose",)
WITH_BOUNDARY = FORWARD + VJP

A, V = np.arange(1., 10), np.array([1., 2, 3])
A2, V2 = np.ones((6, 7)), np.ones((3, 2))


class Wrong(NamedTuple):
    """A keyword that must be refused: by which exception, in words among which are the keyword and `says`."""

    keywords: dict
    error: type
    says: str = ""
    functions: tuple = EVERY
    rank: int = 1

    def __str__(self):
        return ", ".join(f"{name}={value!r}" for name, value in self.keywords.items())[:60]


def each_sign_of_number(name, functions=EVERY):
    """What no positive integer keyword takes."""
    return [Wrong({name: 0}, ValueError, "0", functions), Wrong({name: -1}, ValueError, "-1", functions),
            Wrong({name: np.int32(-7)}, ValueError, "-7", functions), Wrong({name: -2**70}, ValueError, str(-2**70), functions),
            *not_integers(name, functions)]


def not_integers(name, functions=EVERY):
    return [Wrong({name: 2.0}, TypeError, "2.0", functions), Wrong({name: np.float64(1.5)}, TypeError, "1.5", functions),
            Wrong({name: True}, TypeError, "True", functions), Wrong({name: np.True_}, TypeError, "True", functions),
            Wrong({name: "2"}, (TypeError, ValueError), "2", functions), Wrong({name: 1j}, TypeError, "1j", functions),
            Wrong({name: object()}, TypeError, "object", functions), Wrong({name: (2.0,)}, TypeError, "2.0", functions)]


def per_axis(name, good, functions=EVERY):
    return [Wrong({name: (good, good)}, ValueError, f"({good!r}, {good!r})", functions),
            Wrong({name: (good,)}, ValueError, "2", functions, rank=2),
            Wrong({name: (good,) * 3}, ValueError, "2", functions, rank=2),
            Wrong({name: ()}, ValueError, "()", functions), Wrong({name: []}, ValueError, "[]", functions, rank=2)]


TRANSPOSE = ("conv_transpose",)
WRONG = [
    *each_sign_of_number("stride"), *per_axis("stride", 2), Wrong({"stride": (2, 0)}, ValueError, "0", rank=2),
    *each_sign_of_number("dilation"), *per_axis("dilation", 2), Wrong({"dilation": (-1, 2)}, ValueError, "-1", rank=2),
    *[wrong for wrong in each_sign_of_number("workers") if "(" not in str(wrong)],
    *not_integers("padding"), Wrong({"padding": (1, 2, 3)}, ValueError, "(1, 2, 3)"),
    Wrong({"padding": ((1, 2, 3),)}, ValueError, "(1, 2, 3)"),
    Wrong({"padding": ((1,),)}, ValueError, "(1,)"), Wrong({"padding": (1,)}, ValueError, "(1,)", rank=2),
    Wrong({"padding": ((1, 2), (3, 4.5))}, TypeError, "4.5", rank=2), Wrong({"padding": "same"}, (TypeError, ValueError), "same"),
    Wrong({"padding": ()}, ValueError, "()"), Wrong({"padding": ((1, True),)}, TypeError, "True"),
    Wrong({"padding": 1, "mode": "same"}, ValueError, "same"), Wrong({"padding": 0, "mode": 1}, ValueError, "mode"),
    Wrong({"mode": "Full"}, ValueError, "'Full'"), Wrong({"mode": "f"}, ValueError, "'full'"),
    Wrong({"mode": ""}, ValueError, "''"),
    Wrong({"mode": 3}, ValueError, "3"), Wrong({"mode": -1}, ValueError, "-1"), Wrong({"mode": 1.0}, TypeError, "1.0"),
    Wrong({"mode": None}, TypeError, "None"), Wrong({"mode": True}, TypeError, "True"),
    Wrong({"mode": b"full"}, TypeError, "b'full'"),
    Wrong({"mode": ("full",)}, TypeError, "full"),
    Wrong({"method": "Direct"}, ValueError, "'Direct'"), Wrong({"method": ""}, ValueError, "'direct'"),
    Wrong({"method": 1}, TypeError, "1"),
    Wrong({"method": None}, TypeError, "None"), Wrong({"method": "reference"}, ValueError, "'reference'"),
    Wrong({"precision": "high"}, ValueError, "'exact'"), Wrong({"precision": 1}, TypeError, "1"),
    Wrong({"precision": ""}, ValueError, "''"),
    Wrong({"boundary": "reflected"}, ValueError, "'reflect'", WITH_BOUNDARY),
    Wrong({"boundary": 1}, TypeError, "1", WITH_BOUNDARY),
    Wrong({"boundary": None}, TypeError, "None", WITH_BOUNDARY),
    Wrong({"boundary": ("wrap",)}, ValueError, "wrap", WITH_BOUNDARY, 2),
    Wrong({"boundary": ("wrap", "nearest")}, ValueError, "'nearest'", WITH_BOUNDARY, 2),
    Wrong({"boundary": ("wrap", 2)}, TypeError, "2", WITH_BOUNDARY, 2),
    Wrong({"cval": "0"}, TypeError, "'0'", WITH_BOUNDARY), Wrong({"cval": 1j}, TypeError, "1j", WITH_BOUNDARY),
    Wrong({"cval": None}, TypeError, "None", WITH_BOUNDARY), Wrong({"cval": [1, 2]}, TypeError, "[1, 2]", WITH_BOUNDARY),
    Wrong({"axes": 1}, ValueError, "1"), Wrong({"axes": -2}, ValueError, "-2"), Wrong({"axes": ()}, ValueError, "()"),
    Wrong({"axes": (0, 0)}, ValueError, "(0, 0)", rank=2), Wrong({"axes": (0, -2)}, ValueError, "-2", rank=2),
    Wrong({"axes": (0, 2)}, ValueError, "2", rank=2), Wrong({"axes": 1.0}, TypeError, "1.0", rank=2),
    Wrong({"axes": "0"}, (TypeError, ValueError), "0"), Wrong({"axes": True}, TypeError, "True", rank=2),
    Wrong({"axes": 2**70}, ValueError, str(2**70)),
    Wrong({"dtype": "O"}, TypeError, "O"), Wrong({"dtype": "U3"}, TypeError, "U3"), Wrong({"dtype": "M8[s]"}, TypeError, "M8"),
    Wrong({"dtype": int}, TypeError, "int"), Wrong({"dtype": "?"}, TypeError, "?"),
    Wrong({"dtype": [("x", "f4")]}, TypeError, "x"),
    Wrong({"output_padding": -1}, ValueError, "-1", TRANSPOSE), Wrong({"output_padding": 1}, ValueError, "1", TRANSPOSE),
    Wrong({"output_padding": 3, "stride": 3}, ValueError, "3", TRANSPOSE),
    Wrong({"output_padding": (0, 2), "stride": (3, 2)}, ValueError, "2", TRANSPOSE, 2),
    Wrong({"output_padding": 2**70, "stride": 2}, ValueError, "output_padding", TRANSPOSE),
    *not_integers("output_padding", TRANSPOSE), *per_axis("output_padding", 0, TRANSPOSE)[:3],
    Wrong({"output_shape": 13}, ValueError, "13", TRANSPOSE), Wrong({"output_shape": 8}, ValueError, "8", TRANSPOSE),
    Wrong({"output_shape": 0}, ValueError, "0", TRANSPOSE), Wrong({"output_shape": -9}, ValueError, "-9", TRANSPOSE),
    Wrong({"output_shape": 2**40}, ValueError, str(2**40), TRANSPOSE), *not_integers("output_shape", TRANSPOSE),
    Wrong({"output_shape": 17, "stride": 2, "output_padding": 1}, ValueError, "output_padding", TRANSPOSE),
    *[Wrong({"needs": x}, (ValueError, TypeError), "needs", VJP) for x in (True, (), (True,), (True, True, True), None)],
    *[Wrong({"out": x}, (ValueError, TypeError), "out", VJP) for x in (A, (None,), (None, None, None), None, (1, None))],
]
CASES = [pytest.param(function, wrong, id=f"{function}({wrong})") for wrong in WRONG for function in wrong.functions]


def arrays_for(function, rank):
    a, v = (A, V) if rank == 1 else (A2, V2)
    shapes = {"correlate": (a, v), "convolve": (a, v), "conv_transpose": (a, v)}
    if function in shapes:
        return shapes[function]
    return getattr(corrfast, function.removesuffix("_vjp"))(a, v), a, v


@pytest.mark.parametrize("function, wrong", CASES)
def test_wrong_keywords(function, wrong):
    """The message names the keyword and what it was."""
    arrays = arrays_for(function, wrong.rank)
    with pytest.raises(wrong.error) as caught:
        getattr(corrfast, function)(*arrays, **wrong.keywords)
    message = str(caught.value)
    assert any(name in message for name in wrong.keywords), message
    assert wrong.says in message, message


@pytest.mark.parametrize("function, wrong", [case for case in CASES if "out" not in case.values[1].keywords])
def test_wrong_keywords_leave_out_as_it_was(function, wrong):
    arrays = arrays_for(function, wrong.rank)
    good = getattr(corrfast, function)(*arrays)
    buffers = tuple(np.full_like(x, 77) for x in (good if isinstance(good, tuple) else (good,)))
    with pytest.raises(wrong.error):
        getattr(corrfast, function)(*arrays, **{"out": buffers if function in VJP else buffers[0], **wrong.keywords})
    assert all((b == 77).all() for b in buffers)


@pytest.mark.parametrize("name", EVERY)
def test_unknown_keywords_and_missing_arrays(name):
    run, arrays = getattr(corrfast, name), arrays_for(name, 1)
    for call in (lambda: run(*arrays, strides=1), lambda: run(*arrays[:-1]), lambda: run(*arrays, "same", 1), lambda: run()):
        with pytest.raises(TypeError):
            call()


BAD_ARRAYS = [(["x", "y", "z"], TypeError), (np.array([1, None, 2]), TypeError), ([b"ab", b"c", b"d"], TypeError),
              (np.array(["2020-01-01"] * 3, dtype="M8[D]"), TypeError), (np.zeros(3, dtype="m8[s]"), TypeError),
              (np.zeros(3, dtype=[("x", float)]), TypeError), (np.zeros(3, dtype="V4"), TypeError), ([[1, 2], [3]], ValueError),
              (None, TypeError), (object(), TypeError), ({}, TypeError)]


@pytest.mark.parametrize("bad, error", BAD_ARRAYS, ids=[repr(x)[:30].split(" at ")[0] for x, _ in BAD_ARRAYS])
@pytest.mark.parametrize("name", EVERY)
def test_arrays_that_hold_no_numbers(name, bad, error):
    """Each array in turn; the message starts with its name."""
    good = arrays_for(name, 1)
    for place, letter in enumerate("gav" if name in VJP else "gv" if name == "conv_transpose" else "av"):
        arrays = [*good[:place], bad, *good[place + 1:]]
        with pytest.raises((error, ValueError) if bad is None or not isinstance(bad, (list, np.ndarray)) else error,
                           match=rf"\b{letter}\b"):
            getattr(corrfast, name)(*arrays)


def test_ranks_that_do_not_fit():
    """CVE-2021-29520, onnx#8036: the ranks of array, kernel and gradient contradict each other."""
    for name in FORWARD:
        run = getattr(corrfast, name)
        for a, v, options, word in [(np.ones(5), np.ones((2, 2)), {}, "axes"), (np.ones((2,) * 4), np.ones((1,) * 4), {}, "v"),
                                    (np.ones((3, 4, 5)), np.ones((2, 2)), {"axes": 0}, "v"),
                                    (np.ones((3, 4)), np.ones(2), {"axes": (0, 1)}, "v"),
                                    (np.ones((2,) * 5), np.ones((2,) * 4), {"axes": (0, 1, 2, 3)}, "axes"),
                                    (np.ones((3, 4)), np.ones((2, 3)), {"axes": 1}, "broadcast")]:
            with pytest.raises(ValueError, match=word):
                run(a, v, **options)
    with pytest.raises(ValueError):
        corrfast.correlate(np.float64(3), np.ones(1))


@pytest.mark.parametrize("shape", [(6,), (8,), (7, 1), (1, 7), (), (0,), (700,)])
@pytest.mark.parametrize("name", VJP)
def test_gradients_whose_shape_the_forward_call_does_not_give(name, shape):
    """CVE-2021-29540, pytorch#194017: heap reads in a backward pass."""
    for needs in ((True, True), (True, False), (False, True)):
        with pytest.raises(ValueError, match=r"\bg\b"):
            getattr(corrfast, name)(np.ones(shape), A, V, "valid", needs=needs)


def test_every_array_of_a_gradient_call_is_checked():
    for needs in ((True, True), (True, False), (False, True)):
        with pytest.raises(ValueError, match="v cannot be empty"):
            corrfast.correlate_vjp(np.ones(7), A, [], needs=needs)
        with pytest.raises(ValueError, match="a cannot be empty"):
            corrfast.correlate_vjp(np.ones(7), [], V, needs=needs)
        with pytest.raises(TypeError, match=r"\bv\b"):
            corrfast.correlate_vjp(np.ones(7), A, np.array([1, None, 2]), needs=needs)


def test_gradients_that_their_argument_cannot_hold():
    """Integers cannot hold the sums of a float gradient; they say so and nothing is rounded."""
    a, v, g = np.arange(9), np.ones(3), np.ones(7)
    with pytest.raises(TypeError, match=r"\ba\b.*int64"):
        corrfast.correlate_vjp(g, a, v)
    ga, gv = corrfast.correlate_vjp(g, a, v, needs=(False, True))
    assert ga is None and gv.dtype == float


def test_the_kernel_must_fit_into_the_padded_array(function):
    run = getattr(corrfast, function)
    for a, v, options in [(np.ones(5), np.ones(6), {"padding": 0}), (np.ones(5), np.ones(3), {"mode": "valid", "dilation": 3}),
                          (np.ones(5), np.ones(2), {"padding": ((-2, -2),)}), (np.ones(5), np.ones(1), {"padding": ((-3, -2),)}),
                          (np.ones(5), np.ones(6), {"mode": "valid", "stride": 2}),
                          (np.ones(5), np.ones(1), {"padding": ((-2**40, 2),)}),
                          (np.ones((5, 5)), np.ones((2, 6)), {"mode": "valid"}), (np.ones((2, 5)), np.ones(6), {"mode": "valid"}),
                          (np.ones(5), np.ones(6), {"mode": "valid", "boundary": "wrap"})]:
        with pytest.raises(ValueError, match="kernel|v"):
            run(a, v, **options)


@pytest.mark.parametrize("options", [{"padding": 2**62}, {"padding": 2**63 - 1}, {"padding": ((0, 2**63),)}, {"padding": 10**30},
                                     {"padding": -2**70}, {"stride": 2**63}, {"stride": 10**40},
                                     {"dilation": 2**63, "padding": 2**62}, {"padding": ((2**62, -2**63),)},
                                     {"padding": ((2**60, 0),)}, {"dilation": 2**64, "mode": "full"},
                                     {"dilation": 2**62, "mode": "full"}])
@pytest.mark.parametrize("boundary", ["constant", "wrap", "reflect"])
def test_sizes_beyond_64_bits(function, options, boundary):
    """pytorch#143481, #142457: arithmetic on sizes overflowed, and memory outside the array was read and freed."""
    for rank in (1, 2, 3):
        with pytest.raises((OverflowError, ValueError), match="64 bits|kernel|padding|stride|dilation"):
            getattr(corrfast, function)(np.ones((5,) * rank), np.ones((3,) * rank), boundary=boundary, **options)


def test_byte_counts_beyond_64_bits_overflow(function):
    """Elements that 64 bits count, bytes that they do not."""
    with pytest.raises(OverflowError):
        getattr(corrfast, function)(np.ones(5), np.ones(3), padding=2**60)
    with pytest.raises(OverflowError):
        corrfast.conv_transpose(np.ones(5), np.ones(3), stride=2**60)
    huge = as_strided(np.ones(1, "f4"), (2**60,), (0,))          # its gradient is summed in float64
    with pytest.raises(OverflowError):
        getattr(corrfast, function + "_vjp")(np.ones(8), huge, np.ones(3), padding=((-2**59, 10 - 2**59),), needs=(True, False))


def test_sizes_that_overflow_without_an_option(function):
    """Lengths near 2**63 and batches whose product is beyond it take the way that says so; strides of axes of length 1 do not count."""
    for one, a, v in ((np.int8(1), (3,), (2**63 - 1,)), (np.complex128(1), (2**30, 2**14, 2**14), (2**14, 2**14))):
        with pytest.raises(OverflowError):
            getattr(corrfast, function)(np.broadcast_to(one, a), np.broadcast_to(one, v), "full")
    samples = np.arange(10, dtype="i1")
    batch = as_strided(samples, (1, 10), (-2**63, 1))
    assert_identical(getattr(corrfast, function)(batch, np.ones(3, "i1"))[0], getattr(corrfast, function)(samples, np.ones(3, "i1")))


def test_results_beyond_memory(function):
    """A size that 64 bits hold and no memory does (scipy#10761)."""
    with pytest.raises(MemoryError):
        getattr(corrfast, function)(np.ones(5), np.ones(3), padding=2**57)
    with pytest.raises(MemoryError):
        getattr(corrfast, function)(np.ones((5, 5, 5)), np.ones((3, 3, 3)), padding=2**18)
    with pytest.raises(MemoryError):
        corrfast.conv_transpose(np.ones(5), np.ones(3), stride=2**55)


def test_arrays_larger_than_memory_are_read_in_place(function):
    """Logical sizes of 2**40 and more over a few bytes: only what is asked for is read, and no copy is made."""
    run = getattr(corrfast, function)
    a = as_strided(np.array([1., 2, 3, 4]), (2**40, 3), (0, 8))
    got = run(a, np.array([[1., 10, 100]]), "valid", stride=(2**38, 1))
    assert_identical(got, np.repeat(run(np.array([[1., 2, 3]]), np.array([[1., 10, 100]]), "valid"), 4, axis=0))
    huge = as_strided(np.array([2.5]), (2**50,), (0,))
    assert_identical(run(huge, np.array([1., 2, 4]), padding=((-2**49, 10 - 2**49),)), np.full(8, 17.5))


def bad_outs(shape):
    """(out, exception) for a float64 result of `shape`."""
    read_only = np.zeros(shape)
    read_only.flags.writeable = False
    return [(np.zeros(shape, dtype="f4"), (TypeError, ValueError)), (np.zeros(shape, dtype=complex), (TypeError, ValueError)),
            (np.zeros(shape, dtype=object), (TypeError, ValueError)), (np.zeros(shape, dtype=int), (TypeError, ValueError)),
            (np.zeros((shape[0] + 1,) + shape[1:]), ValueError), (np.zeros((1,) + shape), ValueError), (np.zeros(()), ValueError),
            (np.zeros((shape[0] - 1,) + shape[1:]), ValueError), (read_only, ValueError), ([0.0] * shape[0], TypeError),
            (7, TypeError),
            ("out", TypeError), (bytearray(8 * shape[0]), TypeError), (np.broadcast_to(np.zeros(1), shape), ValueError),
            (as_strided(np.zeros(1), shape, (0,) * len(shape)), ValueError),
            (as_strided(np.zeros(100), shape, (4,) * len(shape)), ValueError)]


@pytest.mark.parametrize("which", range(16))
@pytest.mark.parametrize("rank", [1, 2])
def test_wrong_out(function, rank, which):
    """Of the wrong shape, dtype or type, read-only or overlapping itself; not a byte of it is written."""
    a, v = (A, V) if rank == 1 else (A2, V2)
    g = getattr(corrfast, function)(a, v, "same")
    for call in (lambda out: getattr(corrfast, function)(a, v, "same", out=out),
                 lambda out: corrfast.conv_transpose(g, v, "same", out=out),
                 lambda out: getattr(corrfast, function + "_vjp")(g, a, v, "same", out=(out, None))):
        out, error = bad_outs(g.shape)[which]
        before = np.array(out, copy=True) if isinstance(out, np.ndarray) else None
        with pytest.raises(error, match="out"):
            call(out)
        assert before is None or (out == before).all()


def test_both_gradients_cannot_go_to_one_place(function):
    a, v, g = np.ones(5), np.ones(5), np.ones(5)
    place = np.zeros(9)
    with pytest.raises(ValueError, match="out"):
        getattr(corrfast, function + "_vjp")(g, a, v, "same", out=(place[:5], place[4:]))
    assert (place == 0).all()


@pytest.mark.parametrize("dtype, cval, error", [("B", -1, ValueError), ("B", 256, ValueError), ("b", 128, ValueError),
                                                ("?", 2, ValueError),
                                                ("i", 0.5, TypeError), ("i", np.nan, TypeError), ("l", np.inf, TypeError),
                                                ("l", 2**63, ValueError), ("f", 1j, TypeError), ("L", 1e30, ValueError)])
def test_cval_must_fit_the_dtype(function, dtype, cval, error):
    """scipy#10527: NaN became the smallest integer without a word."""
    with pytest.raises(error, match=re.escape(f"cval={cval!r}")):
        getattr(corrfast, function)(np.ones(5, dtype), np.ones(3, dtype), "same", cval=cval)


def test_numbers_of_numpy_and_whole_floats_serve_as_cval(function):
    run = getattr(corrfast, function)
    want = run(np.arange(5), np.arange(3), "full", cval=3)
    for cval in (np.int8(3), np.uint64(3), 3.0, np.float32(3), np.array(3)):
        assert_identical(run(np.arange(5), np.arange(3), "full", cval=cval), want)


def test_integers_of_numpy_and_their_sequences_serve_as_integers(function):
    run, two = getattr(corrfast, function), np.int8(2)
    a, v = np.arange(60.).reshape(6, 10), np.ones((2, 3))
    want = run(a, v, padding=2, stride=2, dilation=2)
    for options in ({"padding": two, "stride": two, "dilation": two},
                    {"padding": np.array([2, 2]), "stride": np.array([2, 2]), "dilation": [2, 2]},
                    {"padding": np.full((2, 2), 2), "stride": (2, two), "dilation": iter([2, 2])}):
        assert_identical(run(a, v, **options), want)


def test_same_kind_casting_rules_dtype(function):
    """dtype= takes what np.can_cast(..., "same_kind") allows and nothing else."""
    run = getattr(corrfast, function)
    for source in "?bBhHiIlLefdFD":
        for target in "?bBhHiIlLefdFD":
            a, v = np.ones(5, source), np.ones(2, source)
            if np.can_cast(source, target, "same_kind"):
                assert run(a, v, dtype=target).dtype == np.dtype(target)
            else:
                with pytest.raises(TypeError, match="dtype"):
                    run(a, v, dtype=target)


def test_an_empty_batch_has_an_empty_result_and_a_zero_kernel_gradient(function):
    """CVE class "uninitialised output when the reduction is empty" (tensorflow#126484)."""
    a, v = np.ones((0, 5)), np.full(3, 7.0)
    y = getattr(corrfast, function)(a, v, "valid")
    assert y.shape == (0, 3)
    ga, gv = getattr(corrfast, function + "_vjp")(y, a, v, "valid")
    assert ga.shape == (0, 5)
    assert_identical(gv, np.zeros(3))
    assert corrfast.conv_transpose(y, v).shape == (0, 5)
    rows = getattr(corrfast, function)(np.ones((0, 5)), np.ones((1, 3)), "valid", axes=1)
    assert rows.shape == (0, 3)


def test_methods_that_do_not_fit_a_problem_are_refused_by_name():
    """A message, never another method's result in silence."""
    np.testing.assert_allclose(corrfast.correlate(A, V, method="fft"), np.correlate(A, V), rtol=1e-13)
    for method, a, options in (("separable", A, {}), ("fft", A.astype(np.longdouble), {}), ("fft", A, {"precision": "exact"})):
        with pytest.raises(ValueError, match=f"{method}.*direct"):
            corrfast.correlate(a, V, method=method, **options)
