"""corrfast.nn.prepare with layers whose methods keep the weights in a form of their own: the bits are those of plain calls."""
import concurrent.futures

import numpy as np
import pytest
from comparison import assert_same_bits
from corrfast import nn
from layouts import LAYOUTS, laid_out
from problems import random_reals

# Function, batch and channels of the input, its lengths, shape of the weights, options.
LAYERS = {
    "3x3": ("conv2d", (1, 24), [(8, 9), (23, 30), (8, 9)], (40, 24, 3, 3), {"padding": 1}),
    "3x3 fast": ("conv2d", (2, 32), [(16, 17), (9, 40)], (32, 32, 3, 3), {"padding": "same", "precision": "fast"}),
    "3x3 dilated": ("conv2d", (2, 16), [(21, 22), (9, 9)], (19, 16, 3, 3), {"dilation": 3, "padding": 3, "padding_mode": "reflect"}),
    "3x3 reversed": ("conv2d", (1, 20), [(9, 9), (16, 15)], (20, 20, 3, 3), {"flip_kernel": True}),
    "strided": ("conv2d", (3, 32), [(15, 17), (40, 40), (7, 7)], (36, 16, 3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "pointwise": ("conv2d", (2, 48), [(3, 3), (20, 21), (1, 1)], (50, 48, 1, 1), {}),
    "1-D": ("conv1d", (2, 24), [(7,), (301,)], (33, 24, 7), {"padding": "same"}),
    "3-D": ("conv3d", (1, 16), [(4, 6, 7), (8, 8, 8)], (20, 16, 2, 3, 3), {"padding": 1}),
    "depthwise": ("conv2d", (1, 24), [(9, 9), (20, 20)], (24, 1, 3, 3), {"groups": 24, "padding": 1}),
    "transposed": ("conv_transpose2d", (1, 40), [(7, 6), (15, 16)], (40, 24, 3, 3), {"padding": 1}),
    "transposed, strided": ("conv_transpose2d", (2, 96), [(7, 6), (12, 12), (1, 1)], (96, 52, 4, 5), {"stride": (2, 3), "padding": 1, "groups": 2}),
    "transposed, phases without taps": ("conv_transpose2d", (1, 24), [(7, 6), (9, 9)], (24, 24, 2, 1), {"stride": 3, "output_padding": 1}),
    "transposed 1-D": ("conv_transpose1d", (2, 24), [(50,), (9,)], (24, 16, 8), {"stride": 4, "dilation": 3}),
}


def made(name, dtype):
    """The plain function, its options, weights, bias, and inputs of several shapes."""
    function, lead, lengths, w_shape, options = LAYERS[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    channels = w_shape[1] * options.get("groups", 1) if "transpose" in function else w_shape[0]
    w, bias, *inputs = (random_reals(rng, shape, dtype).copy() for shape in (w_shape, (channels,), *[lead + each for each in lengths]))
    return getattr(nn, function), options, w, bias, inputs


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i4"])
@pytest.mark.parametrize("name", LAYERS)
def test_the_bits_are_those_of_plain_calls(name, dtype):
    function, options, w, bias, inputs = made(name, dtype)
    want = [function(x, w, bias, **options) for x in inputs]
    layer = nn.prepare(w, bias, function=function, **options)
    w[...], bias[...] = 0, 0  # they were copied
    for x, y in zip(inputs * 2, want * 2, strict=True):
        assert_same_bits(layer(x), y, x.shape)
        assert_same_bits(layer(x), y, f"{x.shape} again")
        assert_same_bits(layer(x[0]), y[0], f"{x.shape} without a batch")
    last = nn.prepare(layer._weight, layer._bias, function=function, **options, data_format="channels_last")
    for x, y in zip(inputs, want, strict=True):
        for _ in range(2):
            assert_same_bits(np.moveaxis(last(np.moveaxis(x, 1, -1)), -1, 1), y, f"{x.shape}, channels last")


@pytest.mark.parametrize("name", LAYERS)
def test_threads_share_a_prepared_layer(name):
    function, options, w, bias, inputs = made(name, "f4")
    want = [function(x, w, bias, **options) for x in inputs]
    layer = nn.prepare(w, bias, function=function, **options)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for i, y in enumerate(pool.map(layer, inputs * 20)):
            assert_same_bits(y, want[i % len(want)])
    for workers in (1, 2, 3):
        assert_same_bits(nn.prepare(w, bias, function=function, **options, workers=workers)(inputs[0]), want[0])


def test_any_layout_of_the_input_and_the_result():
    function, options, w, bias, (x, *_) = made("3x3", "f4")
    layer = nn.prepare(w, bias, **options)
    for layout in LAYOUTS:
        given = laid_out(x, layout)
        want = function(given, w, bias, **options)
        out = laid_out(np.zeros_like(want), layout if layout not in ("read-only", "broadcast") else "F")
        for _ in range(2):
            assert_same_bits(layer(given), want, layout)
            assert layer(given, out=out) is out
            assert_same_bits(out.astype(want.dtype), want, layout)


def test_numbers_that_are_not_finite():
    """Sums that meet them are made again from the samples of the weights."""
    for name in ("3x3", "strided", "transposed, strided"):
        function, options, w, bias, (x, *_) = made(name, "f4")
        x[0, 3, 2, 2], w[2, 1, 0, 0] = np.inf, np.nan
        layer = nn.prepare(w, bias, function=function, **options)
        for _ in range(2):
            np.testing.assert_array_equal(layer(x), function(x, w, bias, **options))


@pytest.mark.parametrize("name", ["3x3", "3x3 fast", "strided", "transposed", "transposed, strided"])
def test_weights_are_packed_once(name):
    """What is read after the first call is not their samples."""
    function, options, w, bias, inputs = made(name, "f4")
    x = inputs[1]
    layer = nn.prepare(w, bias, function=function, **options)
    want = layer(x)
    layer._kept[3][...] = 0
    assert_same_bits(layer(x), want)


def test_few_plans_are_kept():
    layer = nn.prepare(np.ones((16, 16, 3, 3), "f4"))
    for n in (*range(3, 20), *range(3, 20)):
        assert layer(np.ones((16, n, n), "f4"))[0, 0, 0] == 144
    assert len(layer._run._plans) == layer._run.MOST == 2
