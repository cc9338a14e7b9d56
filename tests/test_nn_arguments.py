"""Wrong arguments of corrfast.nn: each raises, names the argument and what it was, and nothing is written."""
import inspect

import corrfast
import numpy as np
import pytest
from corrfast import nn
from numpy.lib.stride_tricks import as_strided
from test_arguments import BAD_ARRAYS, Wrong, each_sign_of_number, not_integers, per_axis

CONV, TRANSPOSE = ("conv", "conv_vjp", "conv_input", "conv_weight"), ("conv_transpose", "conv_transpose_vjp")
VJP, LAYERS = ("conv_vjp", "conv_transpose_vjp"), ("conv", "conv_transpose")
EVERY = CONV + TRANSPOSE
ARRAYS = {"conv": ("input", "weight", "bias"), "conv_transpose": ("input", "weight", "bias"), "conv_vjp": ("grad", "input", "weight"),
          "conv_transpose_vjp": ("grad", "input", "weight"), "conv_input": ("input_size", "weight", "grad_output"),
          "conv_weight": ("input", "weight_size", "grad_output")}


def name_of(family, rank):
    head, _, tail = family.rpartition("_")
    return f"{head}{rank}d_{tail}" if tail in ("vjp", "input", "weight") else f"{family}{rank}d"


def function_of(family, rank):
    return getattr(nn, name_of(family, rank))


STEPS, TORCHS = ["stride", "padding", "dilation", "groups"], ["stride", "padding", "output_padding", "groups", "dilation"]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("family", EVERY)
def test_signatures_are_pytorchs_and_then_keywords(family, rank):
    parameters = inspect.signature(function_of(family, rank)).parameters
    positional = [name for name, one in parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional == [*ARRAYS[family], *(TORCHS if family in TRANSPOSE else STEPS)]
    common = {"flip_kernel", "data_format", "method", "precision", "out", "workers"}
    assert set(parameters) - set(positional) == common | ({"padding_mode"} if family in CONV else set()) | \
        ({"needs"} if family in VJP else set())
    defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros", "bias": None,
                "flip_kernel": False, "data_format": "channels_first", "method": "auto", "precision": None, "workers": None,
                "out": (None,) * 3 if family in VJP else None, "needs": (True,) * 3}
    for name, one in parameters.items():
        assert one.default == defaults.get(name, one.empty)


def arrays_for(family, rank):
    """Good arguments of a function: two groups, of 2 and 3 channels."""
    n = (9,) if rank == 1 else (6, 7)
    k = (3,) if rank == 1 else (3, 2)
    small, large = np.ones((5, 4, *n)), np.ones((5, 6, *(ni - ki + 1 for ni, ki in zip(n, k, strict=True))))
    w = np.ones((6, 2, *k))
    return {"conv": (small, w, np.ones(6)), "conv_transpose": (large, w, np.ones(4)), "conv_vjp": (large, small, w),
            "conv_transpose_vjp": (small, large, w), "conv_input": (small.shape, w, large),
            "conv_weight": (small, w.shape, large)}[family]


WRONG = [
    *each_sign_of_number("stride", EVERY), *per_axis("stride", 2, EVERY), Wrong({"stride": (2, 0)}, ValueError, "0", EVERY, 2),
    *each_sign_of_number("dilation", EVERY), *per_axis("dilation", 2, EVERY),
    *[wrong for wrong in each_sign_of_number("groups", EVERY) if "(" not in str(wrong)],
    Wrong({"groups": 4}, ValueError, "4", EVERY), Wrong({"groups": (2,)}, TypeError, "(2,)", EVERY),
    Wrong({"groups": 2**70}, ValueError, str(2**70), EVERY), Wrong({"groups": 3}, ValueError, "3", CONV),
    Wrong({"groups": None}, TypeError, "None", EVERY),
    *[wrong for wrong in each_sign_of_number("workers", EVERY) if "(" not in str(wrong)],
    *[wrong for wrong in not_integers("padding", EVERY) if "'2'" not in str(wrong)],
    Wrong({"padding": (1, 2, 3)}, ValueError, "(1, 2, 3)", EVERY), Wrong({"padding": ((1, 2, 3),)}, ValueError, "(1, 2, 3)", EVERY),
    Wrong({"padding": ((1, 2), (3, 4.5))}, TypeError, "4.5", EVERY, 2), Wrong({"padding": ()}, ValueError, "()", EVERY),
    Wrong({"padding": "full"}, ValueError, "'same_lower'", EVERY), Wrong({"padding": "SAME"}, ValueError, "'SAME'", EVERY),
    Wrong({"padding": ""}, ValueError, "''", EVERY), Wrong({"padding": b"same"}, (TypeError, ValueError), "same", EVERY),
    Wrong({"padding": ("same", "same")}, (TypeError, ValueError), "same", EVERY, 2),
    Wrong({"padding": None}, TypeError, "None", EVERY),
    Wrong({"padding_mode": "constant"}, ValueError, "'circular'", CONV), Wrong({"padding_mode": 0}, TypeError, "0", CONV),
    Wrong({"padding_mode": ("zeros",)}, TypeError, "zeros", CONV), Wrong({"padding_mode": None}, TypeError, "None", CONV),
    Wrong({"data_format": "NHWC"}, ValueError, "'channels_last'", EVERY), Wrong({"data_format": -1}, TypeError, "-1", EVERY),
    Wrong({"data_format": None}, TypeError, "None", EVERY),
    Wrong({"flip_kernel": "no"}, TypeError, "'no'", EVERY), Wrong({"flip_kernel": 1}, TypeError, "1", EVERY),
    Wrong({"flip_kernel": None}, TypeError, "None", EVERY), Wrong({"flip_kernel": np.array([True])}, TypeError, "True", EVERY),
    Wrong({"method": "separable"}, ValueError, "'winograd'", EVERY), Wrong({"method": "Direct"}, ValueError, "'Direct'", EVERY),
    Wrong({"method": 1}, TypeError, "1", EVERY), Wrong({"method": None}, TypeError, "None", EVERY),
    Wrong({"precision": "high"}, ValueError, "'exact'", EVERY), Wrong({"precision": 1}, TypeError, "1", EVERY),
    Wrong({"output_padding": -1}, ValueError, "-1", TRANSPOSE), Wrong({"output_padding": 1}, ValueError, "1", TRANSPOSE),
    Wrong({"output_padding": 3, "stride": 3, "dilation": 2}, ValueError, "3", TRANSPOSE),
    Wrong({"output_padding": (0, 3), "stride": (9, 2), "dilation": (1, 3)}, ValueError, "3", TRANSPOSE, 2),
    Wrong({"output_padding": 1, "stride": 2, "padding": "same"}, ValueError, "same", TRANSPOSE),
    Wrong({"output_padding": 2**70}, ValueError, str(2**70), TRANSPOSE),
    *not_integers("output_padding", TRANSPOSE), *per_axis("output_padding", 0, TRANSPOSE),
    Wrong({"padding": 40}, ValueError, "40", TRANSPOSE), Wrong({"padding": (2**40, 0)}, ValueError, str(2**40), TRANSPOSE),
    *[Wrong({"needs": x}, (ValueError, TypeError), "needs", VJP) for x in (True, (), (True,), (True, True), None, "yes")],
    *[Wrong({"out": x}, (ValueError, TypeError), "out", VJP) for x in (np.ones(3), (None,), (None, None), None, (1, None, None))],
    *[Wrong({"out": x}, TypeError, "out", ("conv", "conv_transpose", "conv_input", "conv_weight")) for x in (1, [1.0], "out")],
]
CASES = [pytest.param(family, wrong, id=f"{family}({wrong})") for wrong in WRONG for family in wrong.functions]


@pytest.mark.parametrize("family, wrong", CASES)
def test_wrong_keywords(family, wrong):
    """The message names the keyword and what it was, and `out` stays as it was."""
    function, arrays = function_of(family, wrong.rank), arrays_for(family, wrong.rank)
    keywords = {"groups": 2, **wrong.keywords}
    good = function(*arrays, groups=2)
    places = tuple(np.full_like(x, 77) for x in good) if family in VJP else np.full_like(good, 77)
    for more in ({}, {} if "out" in keywords else {"out": places}):
        with pytest.raises(wrong.error) as caught:
            function(*arrays, **keywords, **more)
        message = str(caught.value)
        assert any(name in message for name in wrong.keywords), message
        assert wrong.says in message, message
    assert all((place == 77).all() for place in (places if family in VJP else [places]))


@pytest.mark.parametrize("bad, error", [case for case in BAD_ARRAYS if case[0] is not None],
                         ids=[repr(x)[:30].split(" at ")[0] for x, _ in BAD_ARRAYS if x is not None])
@pytest.mark.parametrize("family", EVERY)
def test_arguments_that_hold_no_numbers(family, bad, error):
    good = arrays_for(family, 1)
    for place, name in enumerate(ARRAYS[family]):
        ragged_size = name.endswith("_size") and error is ValueError        # a list among the lengths is no integer
        allowed = TypeError if ragged_size else error if isinstance(bad, (list, np.ndarray)) else (error, ValueError)
        with pytest.raises(allowed, match=rf"\b{name}\b"):
            function_of(family, 1)(*good[:place], bad, *good[place + 1:], groups=2)


SHAPES = [  # family, the argument that is wrong, its shape, and what the message says besides its name
    *[(family, "input", shape, "axes") for family in ("conv", "conv_vjp", "conv_weight", *TRANSPOSE)
      for shape in ((9,), (4, 2, 5, 9), (1,) * 6)],
    *[(family, "weight", shape, "axes") for family in ("conv", "conv_vjp", "conv_input", *TRANSPOSE)
      for shape in ((3,), (6, 2), (6, 2, 3, 3), (1,) * 7)],
    *[("conv", "input", shape, "") for shape in ((5, 0, 9), (5, 4, 0), (5, 3, 9), (5, 6, 9), (0, 9))],
    *[("conv_transpose", "input", shape, "") for shape in ((5, 0, 7), (5, 6, 0), (5, 4, 7), (12, 7))],
    *[(family, "weight", shape, "at least 1") for family in ("conv", "conv_vjp", "conv_transpose") for shape in
      ((0, 2, 3), (6, 0, 3), (6, 2, 0))],
    ("conv", "weight", (5, 2, 3), "divisor"), ("conv_transpose", "weight", (5, 2, 3), "divisor"),
    ("conv", "weight", (6, 3, 3), "channels"), ("conv", "weight", (6, 2, 10), "spans 10"), ("conv_vjp", "weight", (6, 2, 10), "spans 10"),
    *[(family, "bias", shape, "output channel") for family in LAYERS for shape in ((1,), (7,), (6, 1), (1, 6), (0,), (5, 6))],
    ("conv_transpose", "bias", (6,), "(4,)"),
    *[("conv_vjp", "grad", shape, "(5, 6, 7)") for shape in ((5, 6, 6), (5, 6, 8), (5, 4, 7), (4, 6, 7), (6, 7), (1, 5, 6, 7), (0, 6, 7))],
    *[("conv_transpose_vjp", "grad", shape, "(5, 4, 9)") for shape in ((5, 4, 8), (5, 6, 9), (1, 4, 9), (4, 9), (700,))],
    *[(family, "grad_output", shape, "(5, 6, 7)") for family in ("conv_input", "conv_weight") for shape in ((5, 6, 8), (5, 2, 7), (6, 7))],
    *[("conv_input", "input_size", shape, "") for shape in ((9,), (5, 4, 2), (5, 4, -9), (5, 3, 9), (5, 0, 9), (5, 4, 0))],
    *[("conv_weight", "weight_size", shape, "") for shape in ((3,), (6, 2, 10), (6, 3, 3), (6, 2, -3), (6, 0, 3), (5, 2, 3))],
]


@pytest.mark.parametrize("family, name, shape, says", SHAPES)
def test_shapes_that_do_not_fit_together(family, name, shape, says):
    """CVE-2021-29520, -29540, pytorch#194017, #85656: tensors that contradict each other."""
    arrays = list(arrays_for(family, 1))
    arrays[ARRAYS[family].index(name)] = shape if name.endswith("_size") else np.ones(shape)
    with pytest.raises(ValueError) as caught:
        function_of(family, 1)(*arrays, groups=2)
    assert name in str(caught.value) and says in str(caught.value), str(caught.value)


@pytest.mark.parametrize("sizes", [5, None, "594", (5, 4, 9.0), (5, 4, True), (5, 4, None), ((5,), 4, 9)])
def test_sizes_that_are_no_shapes(sizes):
    _, w, g = arrays_for("conv_input", 1)
    with pytest.raises(TypeError, match="input_size"):
        nn.conv1d_input(sizes, w, g, groups=2)
    with pytest.raises(TypeError, match="weight_size"):
        nn.conv1d_weight(np.ones((5, 4, 9)), sizes, g, groups=2)


@pytest.mark.parametrize("family", EVERY)
def test_places_that_cannot_take_a_result(family):
    function, arrays = function_of(family, 1), arrays_for(family, 1)
    good = function(*arrays, groups=2)
    several = good if isinstance(good, tuple) else (good,)
    for place, result in enumerate(several):
        read_only = np.zeros_like(result)
        read_only.flags.writeable = False
        for bad in (np.zeros(result.shape + (1,)), np.zeros(result.shape, "f"), np.zeros(result.shape, "D"), read_only,
                    as_strided(np.zeros(1), result.shape, (0,) * result.ndim, writeable=True), np.zeros(result.shape)[..., :-1]):
            before = bad.copy()
            out = tuple(bad if i == place else None for i in range(3)) if isinstance(good, tuple) else bad
            with pytest.raises(ValueError, match=f"out\\[{place}\\]" if isinstance(good, tuple) else "out"):
                function(*arrays, groups=2, out=out)
            assert (bad == before).all()


def test_gradients_need_places_of_their_own():
    g, x, w = arrays_for("conv_vjp", 1)
    memory = np.zeros(x.size + w.size + 6)
    both = memory[:x.size].reshape(x.shape), memory[1:1 + w.size].reshape(w.shape), memory[:6]
    for out in ((both[0], both[1], None), (both[0], None, both[2]), (None, both[1], both[2])):
        with pytest.raises(ValueError, match=r"out\[\d\] and out\[\d\] overlap"):
            nn.conv1d_vjp(g, x, w, groups=2, out=out)
    with pytest.raises(ValueError, match=r"out\[2\] is given, but needs"):
        nn.conv1d_vjp(g, x, w, groups=2, out=(None, None, np.zeros(6)), needs=(True, True, False))
    assert (memory == 0).all()


def test_gradients_that_their_argument_cannot_hold():
    g, x, w = arrays_for("conv_vjp", 1)
    with pytest.raises(TypeError, match=r"\binput\b.*int64"):
        nn.conv1d_vjp(g, x.astype(int), w, groups=2)
    with pytest.raises(TypeError, match=r"\bweight\b.*int64"):
        nn.conv1d_vjp(g, x, w.astype(int), groups=2, needs=(False, True, True))
    assert nn.conv1d_vjp(g, x, w.astype(int), groups=2, needs=(True, False, True))[1] is None


@pytest.mark.parametrize("options", [{"padding": 2**62}, {"padding": 10**30}, {"stride": 2**63}, {"stride": 10**40},
                                     {"dilation": 2**63, "padding": 2**62}, {"padding": [(2**62, -2**63)]}, {"padding": [(2**60, 0)]},
                                     {"dilation": 2**64, "padding": "same"}, {"stride": 2**62, "padding": 2**60}])
def test_sizes_beyond_64_bits(options):
    """pytorch#143481, #142457: arithmetic on sizes overflowed."""
    for mode in ("zeros", "circular"):
        with pytest.raises((OverflowError, ValueError), match="64 bits|weight|padding|stride|dilation"):
            nn.conv1d(np.ones((1, 1, 5)), np.ones((1, 1, 3)), padding_mode=mode, **options)
        with pytest.raises((OverflowError, ValueError, TypeError)):
            nn.conv1d_input((1, 1, 5), np.ones((1, 1, 3)), np.ones((1, 1, 3)), padding_mode=mode, **options)
    with pytest.raises((OverflowError, ValueError), match="64 bits|weight|padding|stride|dilation"):
        nn.conv_transpose1d(np.ones((1, 1, 5)), np.ones((1, 1, 3)), **options)


def test_byte_counts_beyond_64_bits():
    with pytest.raises(OverflowError):
        nn.conv1d(np.ones((1, 1, 5)), np.ones((1, 1, 3)), padding=2**59)
    with pytest.raises(OverflowError):
        nn.conv_transpose1d(np.ones((1, 1, 2)), np.ones((1, 1, 3)), stride=2**60)
    with pytest.raises((OverflowError, MemoryError, ValueError)):
        nn.conv1d_input((2**40, 2**20, 5), np.ones((1, 2**20, 1), "b"), np.ones((1, 1, 5), "b"))
    huge = as_strided(np.ones(1, "b"), (1, 1, 2**59), (0, 0, 0))          # its gradient is summed in complex128
    with pytest.raises(OverflowError, match="grad"):
        nn.conv1d_vjp(huge, huge, np.ones((1, 1, 1), "D"), needs=(True, False, False))


PREPARE = [({"function": "conv2"}, ValueError, "'conv2'"), ({"function": nn.conv1d_vjp}, ValueError, "conv1d_vjp"),
           ({"function": nn.conv2d}, ValueError, "conv2d"), ({"function": None}, ValueError, "None"), ({"function": []}, ValueError, "[]"),
           ({"function": "conv_transpose", "padding_mode": "circular"}, ValueError, "circular"),
           ({"output_padding": 1}, ValueError, "1"), ({"bias": np.ones(5)}, ValueError, "bias"), ({"bias": ["x"]}, TypeError, "bias"),
           ({"groups": 4}, ValueError, "4"), ({"stride": 0}, ValueError, "0"), ({"padding": "full"}, ValueError, "'full'"),
           ({"weight": np.ones((2, 2))}, ValueError, "weight"), ({"weight": np.ones((1,) * 6)}, ValueError, "weight"),
           ({"weight": ["x"]}, (TypeError, ValueError), "weight"), ({"weight": np.ones((6, 2, 0))}, ValueError, "weight"),
           ({"shape": (5, 3, 9)}, ValueError, "channels"), ({"shape": (4, 2)}, ValueError, "weight of length 3"),
           ({"shape": 3}, TypeError, "shape"),
           ({"method": "separable"}, ValueError, "'winograd'"), ({"data_format": "NHWC"}, ValueError, "'NHWC'"),
           ({"dilation": 1.5}, TypeError, "1.5"), ({"flip_kernel": 0}, TypeError, "flip_kernel"), ({"workers": 0}, ValueError, "workers"),
           ({"precision": "best"}, ValueError, "'best'"), ({"padding_mode": "wrap"}, ValueError, "'wrap'")]


@pytest.mark.parametrize("keywords, error, says", PREPARE, ids=[str(case[0])[:50] for case in PREPARE])
def test_prepare_checks_at_once(keywords, error, says):
    arguments = {"weight": np.ones((6, 2, 3)), "groups": 2, **keywords}
    with pytest.raises(error) as caught:
        nn.prepare(**arguments)
    assert says in str(caught.value)


def test_methods_that_do_not_fit_a_problem_are_refused_or_right():
    x, w = np.arange(64.0).reshape(1, 1, 8, 8), np.arange(9.0).reshape(1, 1, 3, 3)
    for method in ("direct", "winograd", "fft"):
        np.testing.assert_allclose(nn.conv2d(x, w, padding=1, method=method), nn.conv2d(x, w, padding=1), rtol=1e-12)
    for method, options in (("winograd", {"stride": 3}), ("winograd", {"precision": "exact"}), ("fft", {"precision": "exact"})):
        with pytest.raises(ValueError, match=method):
            nn.conv2d(x, w, padding=1, method=method, **options)
    with corrfast.precision_scope("exact"), pytest.raises(ValueError, match="precision"):
        nn.conv2d(x, w, precision="exactly")
