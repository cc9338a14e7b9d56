"""The scripts in examples/ find what is in their data, and reach for no network (test_documentation.py runs them as a reader would)."""

import re
import runpy
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rich")
pytest.importorskip("skimage")
pytest.importorskip("sklearn")
pytest.importorskip("pywt")
pyplot = pytest.importorskip("matplotlib.pyplot")

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("an example tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_draws_without_a_network(script, tmp_path, monkeypatch, capsys, no_network):
    monkeypatch.setattr(sys, "argv", [str(script), "--output", str(tmp_path / "new folder")])
    runpy.run_path(str(script), run_name="__main__")
    (picture,) = (tmp_path / "new folder").glob("*.png")
    said = capsys.readouterr().out
    assert str(picture) in said
    assert script.stem != "digits_cnn" or float(re.search(r"test accuracy ([\d.]+)%", said).group(1)) >= 98
    pixels = pyplot.imread(picture)
    assert min(pixels.shape[:2]) > 300 and np.std(pixels) > 0.05


def example(name):
    return runpy.run_path(str(EXAMPLES[0].with_name(f"{name}.py")))


def test_heartbeat_finds_the_three_beats():
    script = example("heartbeat")
    clean = script["pywt"].data.ecg().astype(float)
    alike = script["likeness"](clean, clean[120:320])
    beats = script["peaks"](alike, script["ALIKE"], apart=200)
    assert beats == [120, 448, 778]
    assert alike[120] == pytest.approx(1) and np.all(abs(alike) < 1 + 1e-9)


def test_edges_are_where_the_step_is():
    script = example("edges")
    photo = np.zeros((40, 60, 3), np.float32)
    photo[:, 30:, 1] = 1  # a green half: one channel alone has the edge, and it points right
    strength, direction = script["edges"](photo)
    assert set(strength.argmax(axis=1)) <= {29, 30}
    assert np.all(strength[:, :20] == 0) and np.allclose(direction[:, 29:31], 0, atol=1e-5)


@pytest.fixture(scope="module")
def digits():
    return example("digits_cnn")


def test_the_networks_gradients_are_the_slopes_of_its_loss(digits):
    """In float64, where differences of the loss are accurate, for a parameter of each layer and each kind."""
    rng = np.random.default_rng(3)
    network = digits["Network"](rng, flip=False)
    for layer in network.layers:
        layer.params = [param.astype(float) for param in layer.params]
    images, labels = rng.standard_normal((5, 1, 8, 8)), np.array([3, 1, 4, 1, 5])
    network.backward(digits["cross_entropy"](network.forward(images), labels)[1].astype(float))
    for param, grad in zip(network.params(), [grad.copy() for grad in network.grads()], strict=True):
        place = tuple(rng.integers(0, param.shape))
        losses = []
        for step in (1e-6, -2e-6):
            param[place] += step
            losses.append(digits["cross_entropy"](network.forward(images), labels)[0])
        assert grad[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_convolution_learns_what_correlation_learns_mirrored(digits):
    learned = []
    for flip in (False, True):
        rng = np.random.default_rng(4)
        (images, labels), _ = digits["digits"](rng)
        network = digits["Network"](rng, flip)
        with digits["Progress"](*digits["Progress"].get_default_columns()[:1], disable=True) as progress:
            losses = digits["train"](network, rng, images[:256], labels[:256], 2, progress)
        learned.append((losses, network.params()))
    (losses, params), (flipped_losses, flipped_params) = learned
    assert losses == flipped_losses and losses[-1] < losses[0]
    for param, flipped in zip(params, flipped_params, strict=True):
        assert np.array_equal(flipped, param[:, :, ::-1, ::-1] if param.ndim == 4 else param)
