"""corrfast.nn where the answer is known beforehand: worked examples, the shapes that PyTorch documents, padding "same"."""
import itertools

import corrfast
import numpy as np
import pytest
from corrfast import nn

F, H = np.array([2, 1, 3, 5, 4]), np.array([1, -1])


def test_the_worked_example_in_each_spelling():
    """numpy.convolve, numpy.correlate, tf.nn.conv1d and torch.nn.functional.conv1d of the same five numbers."""
    assert corrfast.convolve(F, H, "valid").tolist() == [-1, 2, 2, -1]
    assert corrfast.correlate(F, H, "valid").tolist() == [1, -2, -2, 1]
    tensorflow = nn.conv1d(F.reshape(1, 5, 1), H.reshape(2, 1, 1).transpose(2, 1, 0), padding="valid", data_format="channels_last")
    assert tensorflow.shape == (1, 4, 1) and tensorflow.ravel().tolist() == [1, -2, -2, 1]
    torch = nn.conv1d(F.reshape(1, 1, 5), H.reshape(1, 1, 2))
    assert torch.shape == (1, 1, 4) and torch.ravel().tolist() == [1, -2, -2, 1]
    assert nn.conv1d(F.reshape(1, 5), H.reshape(1, 1, 2), flip_kernel=True).tolist() == [[-1, 2, 2, -1]]


def test_channels_are_summed_and_groups_are_not():
    x = np.array([[[1, 2, 3], [10, 20, 30]]])
    assert nn.conv1d(x, np.array([[[1, 1], [1, 1]]])).tolist() == [[[33, 55]]]
    assert nn.conv1d(x, np.array([[[1, 1]], [[1, -1]]]), groups=2).tolist() == [[[3, 5], [-10, -10]]]
    assert nn.conv1d(x, np.array([[[1]], [[2]], [[3]], [[4]]]), [0, 100, 0, 100], groups=2).tolist() == \
        [[[1, 2, 3], [102, 104, 106], [30, 60, 90], [140, 180, 220]]]


def test_a_transposed_convolution_by_hand():
    x, w = np.array([[[1, 10, 100]]]), np.array([[[1, 2, 3]]])
    assert nn.conv_transpose1d(x, w).tolist() == [[[1, 12, 123, 230, 300]]]
    assert nn.conv_transpose1d(x, w, stride=2).tolist() == [[[1, 2, 13, 20, 130, 200, 300]]]
    assert nn.conv_transpose1d(x, w, stride=2, padding=1, output_padding=1).tolist() == [[[2, 13, 20, 130, 200, 300]]]
    assert nn.conv_transpose1d(x, w, padding=(0, 2)).tolist() == [[[1, 12, 123]]]
    assert nn.conv_transpose1d(x, w, stride=2, padding="same").tolist() == [[[1, 2, 13, 20, 130, 200]]]
    assert nn.conv_transpose1d(x, w, stride=2, padding="same_lower").tolist() == [[[2, 13, 20, 130, 200, 300]]]
    assert nn.conv_transpose1d(x, w[..., :1], stride=3, padding="same").tolist() == [[[1, 0, 0, 10, 0, 0, 100, 0, 0]]]


def test_gradients_by_hand():
    """The gradient of docs/worked-examples.md, with a channel axis and a bias."""
    g_input, g_weight, g_bias = nn.conv1d_vjp([[1.0, 0, 2]], [[1.0, 2, 3, 4]], [[[1.0, -1]]])
    assert g_input.tolist() == [[1, -1, 2, -2]] and g_weight.tolist() == [[[7, 10]]] and g_bias.tolist() == [3]
    g_input, g_weight, g_bias = nn.conv1d_vjp([[1j]], [[1 + 2j]], [[[3 - 1j]]])
    assert g_input.tolist() == [[1j * (3 + 1j)]] and g_weight.tolist() == [[[1j * (1 - 2j)]]] and g_bias.tolist() == [1j]


SHAPES = [  # the examples of PyTorch's documentation, with the shapes that its formulas give
    ("conv1d", (33, 16, 30), (20, 16, 5), {}, (33, 20, 26)),
    ("conv1d", (20, 16, 50), (33, 16, 3), {"stride": 2}, (20, 33, 24)),
    ("conv2d", (1, 4, 5, 5), (8, 4, 3, 3), {"padding": 1}, (1, 8, 5, 5)),
    ("conv2d", (20, 16, 50, 100), (33, 16, 3, 3), {"stride": 2}, (20, 33, 24, 49)),
    ("conv2d", (20, 16, 50, 100), (33, 16, 3, 5), {"stride": (2, 1), "padding": (4, 2)}, (20, 33, 28, 100)),
    ("conv2d", (20, 16, 50, 100), (33, 16, 3, 5), {"stride": (2, 1), "padding": (4, 2), "dilation": (3, 1)}, (20, 33, 26, 100)),
    ("conv3d", (20, 16, 50, 10, 20), (33, 16, 3, 3, 3), {}, (20, 33, 48, 8, 18)),
    ("conv3d", (20, 16, 10, 50, 100), (33, 16, 3, 5, 2), {"stride": (2, 1, 1), "padding": (4, 2, 0)}, (20, 33, 8, 50, 99)),
    ("conv_transpose1d", (20, 16, 50), (16, 33, 5), {}, (20, 33, 54)),
    ("conv_transpose2d", (20, 16, 50, 100), (16, 33, 3, 3), {"stride": 2}, (20, 33, 101, 201)),
    ("conv_transpose2d", (20, 16, 50, 100), (16, 33, 3, 5), {"stride": (2, 1), "padding": (4, 2)}, (20, 33, 93, 100)),
    ("conv_transpose2d", (1, 16, 6, 6), (16, 16, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (1, 16, 12, 12)),
    ("conv_transpose3d", (20, 16, 10, 50, 100), (16, 33, 3, 5, 2), {"stride": (2, 1, 1), "padding": (0, 4, 2)},
     (20, 33, 21, 46, 97)),
    ("conv2d", (3, 8, 9, 9), (8, 1, 3, 3), {"groups": 8}, (3, 8, 7, 7)),
    ("conv2d", (8, 9, 9), (6, 4, 3, 3), {"groups": 2}, (6, 7, 7)),
    ("conv_transpose2d", (6, 7, 7), (6, 4, 3, 3), {"groups": 2}, (8, 9, 9)),
]


@pytest.mark.parametrize("name, x_shape, w_shape, options, expected", SHAPES)
def test_the_shapes_that_pytorch_documents(name, x_shape, w_shape, options, expected):
    function = getattr(nn, name)
    x, w = (x_shape, "float32"), (w_shape, "float32")
    assert corrfast.explain(function, x, w, **options).output_shape == expected
    rank = len(w_shape) - 2
    last = ((*x_shape[:-rank - 1], *x_shape[-rank:], x_shape[-rank - 1]), "float32")
    got = corrfast.explain(function, last, w, data_format="channels_last", **options).output_shape
    assert got == (*expected[:-rank - 1], *expected[-rank:], expected[-rank - 1])


def test_lengths_follow_pytorchs_formulas():
    """H_out = floor((H + 2p - d*(k-1) - 1)/s + 1), and (H - 1)*s - 2p + d*(k-1) + output_padding + 1, over a grid."""
    for n, k, s, d, p in itertools.product((1, 2, 5, 8), (1, 2, 3), (1, 2, 3), (1, 2), (0, 1, 3)):
        x, w = np.ones((1, 1, n)), np.ones((1, 1, k))
        reach = d * (k - 1)
        if n + 2 * p > reach:
            assert nn.conv1d(x, w, stride=s, padding=p, dilation=d).shape == (1, 1, (n + 2 * p - reach - 1) // s + 1)
        for extra in range(max(s, d)):
            length = (n - 1) * s - 2 * p + reach + extra + 1
            if length > 0:
                y = nn.conv_transpose1d(x, w, stride=s, padding=p, output_padding=extra, dilation=d)
                assert y.shape == (1, 1, length)


SAME = [  # n, k, stride, dilation -> conv1d of 1, 2, ... n with the weights 1, 10, 100, ...: by "same", by "same_lower"
    (5, 2, 1, 1, [21, 32, 43, 54, 5], [10, 21, 32, 43, 54]),
    (5, 2, 2, 1, [21, 43, 5], [10, 32, 54]),
    (5, 2, 3, 1, [21, 54], [21, 54]),
    (5, 3, 1, 1, [210, 321, 432, 543, 54], [210, 321, 432, 543, 54]),
    (5, 3, 2, 1, [210, 432, 54], [210, 432, 54]),
    (5, 3, 3, 1, [321, 54], [210, 543]),
    (5, 4, 1, 1, [3210, 4321, 5432, 543, 54], [2100, 3210, 4321, 5432, 543]),
    (5, 4, 2, 1, [3210, 5432, 54], [2100, 4321, 543]),
    (5, 4, 3, 1, [3210, 543], [3210, 543]),
    (6, 2, 1, 1, [21, 32, 43, 54, 65, 6], [10, 21, 32, 43, 54, 65]),
    (6, 2, 2, 1, [21, 43, 65], [21, 43, 65]),
    (6, 2, 3, 1, [21, 54], [21, 54]),
    (6, 3, 1, 1, [210, 321, 432, 543, 654, 65], [210, 321, 432, 543, 654, 65]),
    (6, 3, 2, 1, [321, 543, 65], [210, 432, 654]),
    (6, 3, 3, 1, [321, 654], [321, 654]),
    (6, 4, 1, 1, [3210, 4321, 5432, 6543, 654, 65], [2100, 3210, 4321, 5432, 6543, 654]),
    (6, 4, 2, 1, [3210, 5432, 654], [3210, 5432, 654]),
    (6, 4, 3, 1, [4321, 654], [3210, 6543]),
    (5, 3, 1, 2, [310, 420, 531, 42, 53], [310, 420, 531, 42, 53]),
    (5, 2, 2, 3, [30, 52, 4], [20, 41, 3]),
    (4, 1, 3, 1, [1, 4], [1, 4]),
    (7, 3, 4, 2, [420, 64], [420, 64]),
    (3, 8, 2, 1, [321000, 3210], [3210000, 32100]),
]


@pytest.mark.parametrize("n, k, stride, dilation, upper, lower", SAME)
def test_padding_same_is_tensorflows_and_pytorchs(n, k, stride, dilation, upper, lower):
    """TensorFlow's SAME and ONNX's SAME_UPPER, which PyTorch's "same" is for stride 1; ONNX's SAME_LOWER."""
    x, w = np.arange(1, n + 1).reshape(1, 1, n), (10 ** np.arange(k)).reshape(1, 1, k)
    for word, want in (("same", upper), ("same_upper", upper), ("same_lower", lower)):
        assert nn.conv1d(x, w, stride=stride, dilation=dilation, padding=word).ravel().tolist() == want
    images = nn.conv2d(x[..., None, :], w[..., None, :], stride=(1, stride), dilation=(1, dilation), padding="same")
    assert images.ravel().tolist() == upper
