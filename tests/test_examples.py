"""The scripts in examples/ find what is in their data, and reach for no network (test_documentation.py runs them as a reader would)."""

import runpy
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage")
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
    assert str(picture) in capsys.readouterr().out
    pixels = pyplot.imread(picture)
    assert min(pixels.shape[:2]) > 300 and np.std(pixels) > 0.05


def test_heartbeat_finds_the_three_beats():
    script = runpy.run_path(str(EXAMPLES[0].with_name("heartbeat.py")))
    clean = script["pywt"].data.ecg().astype(float)
    alike = script["likeness"](clean, clean[120:320])
    beats = script["peaks"](alike, script["ALIKE"], apart=200)
    assert beats == [120, 448, 778]
    assert alike[120] == pytest.approx(1) and np.all(abs(alike) < 1 + 1e-9)


def test_edges_are_where_the_step_is():
    script = runpy.run_path(str(EXAMPLES[0].with_name("edges.py")))
    photo = np.zeros((40, 60, 3), np.float32)
    photo[:, 30:, 1] = 1  # a green half: one channel alone has the edge, and it points right
    strength, direction = script["edges"](photo)
    assert set(strength.argmax(axis=1)) <= {29, 30}
    assert np.all(strength[:, :20] == 0) and np.allclose(direction[:, 29:31], 0, atol=1e-5)
