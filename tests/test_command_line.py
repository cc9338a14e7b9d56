"""`python -m corrfast`: the comparison with peers is fair, notices what is wrong, and can be read as text and as data."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import corrfast
from corrfast import __main__ as command
from corrfast.bench import cases, exact, measure, peers, report
from corrfast.bench.cases import Filter, Layer

FAST = ["--seconds", "0.001"]
SMALL = [
    Filter("signals", (40,), (5,), "float32", "same"),
    Filter("signals", (40,), (5,), "complex64", "full"),
    Filter("signals", (3, 40), (5,), "float64", "valid"),
    Filter("signals", (40,), (4,), "int32", "full"),
    *(Filter("images", (17, 20), (3, 5), "float32", "same", boundary) for boundary in ("edge", "wrap", "symmetric", "reflect")),
    Filter("images", (17, 20), (5, 3), "float64", "full"),
    Filter("images", (17, 20), (5, 7), "float32", "same", "reflect", gaussian=True),
    Filter("images", (17, 20), (3, 3), "float32", "valid", signal_dtype="uint8"),
    Filter("volumes", (9, 8, 7), (3, 3, 3), "float64", "same", "reflect"),
    *(
        Filter("gradients", shape, kernel, dtype, pass_=pass_)
        for shape, kernel in [((40,), (5,)), ((17, 20), (3, 5)), ((9, 8, 7), (3, 2, 3))]
        for dtype in ("float32", "complex128")
        for pass_ in ("backward_input", "backward_kernel")
    ),
    *(
        Layer("layers", shape, weight, dtype, **options, pass_=pass_)
        for shape, weight, dtype, options in [
            ((2, 3, 17), (4, 3, 3), "float32", {"padding": 1}),
            ((2, 4, 17, 20), (6, 2, 3, 2), "float64", {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
            ((1, 5, 17, 20), (5, 1, 3, 3), "float32", {"groups": 5, "padding": 2}),
            ((3, 4, 9, 8, 7), (4, 4, 2, 3, 1), "float32", {"stride": 3}),
        ]
        for pass_ in cases.PASSES
    ),
]


def run(capsys, *argv):
    status = command.main(list(argv))
    return status, capsys.readouterr()


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_all_candidates_agree_everywhere(case):
    contest = peers.contest(case, np.random.default_rng(0))
    places, values = contest.check()
    for name, call in contest.candidates.items():
        got = call()
        assert exact.largest_gap(got[places], values) <= measure.TOLERANCE.get(got.dtype.name, 0), name
        assert exact.largest_gap(got, contest.candidates["corrfast"]()) <= 2 * measure.TOLERANCE.get(got.dtype.name, 0), name
    assert len(contest.candidates) > 1


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_numpy_alone_is_enough_of_a_peer(case, monkeypatch):
    for library in ("cv2", "fft", "ndimage", "signal", "threadpoolctl"):
        monkeypatch.setattr(peers, library, None)
    monkeypatch.setattr(peers, "optional", lambda name: None)
    with peers.threads(1):
        row = measure.run_case(case, 0.0)
    assert row.agrees and row.peer.startswith("numpy")


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("kernel", [3, 4])
def test_exact_values_are_numpys(mode, kernel):
    rng = np.random.default_rng(3)
    x, w = rng.integers(-9, 9, 12).astype(float), rng.integers(-9, 9, kernel).astype(float)
    (places,), values = exact.spot_check(x, w, mode)
    assert {0, len(np.correlate(x, w, mode)) - 1} <= set(places)
    assert np.array_equal(values, np.correlate(x, w, mode)[places])


def test_integers_are_compared_as_integers():
    x, w = np.full(20, 2**30, np.int32), np.full(5, 3, np.int32)
    (places,), values = exact.spot_check(x, w)
    assert values.dtype == np.int32 and np.array_equal(values, np.correlate(x, w)[places])
    assert exact.largest_gap(np.array([7]), np.array([8])) > 0


def test_case_names_are_unique():
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)
    assert {case.group for case in cases.select(quick=True)} == set(cases.GROUPS)


@pytest.mark.parametrize("style", ["plain", "rich"])
def test_table_has_every_case(style, capsys):
    if style == "rich":
        pytest.importorskip("rich")
    argv = ["--group", "signals", "--only", "64 * 3 float32", *FAST, *(["--plain"] if style == "plain" else [])]
    status, shown = run(capsys, *argv)
    assert status == 0
    assert "64 * 3 float32 valid" in shown.out and "agree in 1 of 1" in shown.out
    assert all(heading in shown.out for heading in report.HEADINGS[1:])


@pytest.mark.parametrize("pass_", ["layer", "gradient of x", "gradient of w"])
def test_table_has_layers(pass_, capsys):
    status, shown = run(capsys, "--group", "layers", "--only", f"1x64x56x56 * 64x3x3 float32 {pass_}", "--plain", *FAST)
    assert status == 0 and f"64x3x3 float32 {pass_}" in shown.out and "agree in 1 of 1" in shown.out


def test_json_is_the_table_as_data(capsys, tmp_path):
    status, shown = run(capsys, "--only", "64 * 3 float32", "--json", *FAST)
    data = json.loads(shown.out)
    (row,) = data["rows"]
    assert status == 0 and "corrfast" in row["seconds"] and row["agrees"] and row["speedup"] > 0
    assert "64 * 3" in shown.err
    status, shown = run(capsys, "--only", "64 * 3 float32", "--json", str(tmp_path / "figures.json"), *FAST)
    assert json.loads((tmp_path / "figures.json").read_text())["summary"]["agree"] == 1


@pytest.mark.parametrize("damage", ["everywhere", "one element", "raises"])
def test_disagreement_is_an_error(damage, capsys, monkeypatch):
    right = corrfast.correlate

    def wrong(*args, **kwargs):
        if damage == "raises":
            raise RuntimeError("broken on purpose")
        result = right(*args, **kwargs)
        result[... if damage == "everywhere" else -7] += 1
        return result

    monkeypatch.setattr(corrfast, "correlate", wrong)
    monkeypatch.setattr(corrfast, "explain", lambda *args, **kwargs: SimpleNamespace(method="patched"))
    status, shown = run(capsys, "--only", "10000 * 7 float32", "--plain", *FAST)
    assert status == 1 and "WRONG" in shown.out and "agree in 0 of 1" in shown.out
    assert ("broken on purpose" if damage == "raises" else "off by") in shown.out


def test_no_case_selected(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["--only", "no such case"])
    assert "no case" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--threads", "0"], ["--group", "nothing"], ["dance"]])
def test_wrong_arguments(argv):
    with pytest.raises(SystemExit, match="2"):
        command.main(argv)


def test_threads_are_given_back():
    before = corrfast.get_num_threads()
    with peers.threads(before + 1):
        assert corrfast.get_num_threads() == before + 1
    assert corrfast.get_num_threads() == before


def test_info(capsys):
    status, shown = run(capsys, "info")
    assert status == 0 and corrfast.__version__ in shown.out


@pytest.mark.parametrize(
    "seconds, text",
    [(3.21e-7, "321 ns"), (1e-6, "1 us"), (4.567e-5, "45.7 us"), (9.876e-4, "988 us"), (0.1234, "123 ms"), (2.5, "2.5 s")],
)
def test_durations(seconds, text):
    assert report.duration(seconds) == text
