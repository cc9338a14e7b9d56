"""The planner's grid of asv_bench/ works: problems are drawn, methods forced, and what is measured is reported. What it measures is no test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SUITE = Path(__file__).resolve().parents[1] / "asv_bench"
sys.path.append(str(SUITE))
import planner_library  # noqa: E402
import planner_problems  # noqa: E402

GRID = planner_problems.grid()


def grid(*args, **env):
    return subprocess.run([sys.executable, SUITE / "planner_grid.py", *map(str, args)], capture_output=True, text=True, check=False,
                          env={**os.environ, "CORRFAST_ISA": "scalar", **env})


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Where the library is compiled, for portable C and with kernels as plain calls: the rest takes a minute."""
    if not planner_library.compiler():
        pytest.skip("no C compiler")
    return tmp_path_factory.mktemp("planner")


FAST = {"CFLAGS": "-DCF_INSTRUMENTED=1"}


@pytest.fixture(scope="module")
def ran(build):
    report = build / "report.json"
    result = grid("--isa", "scalar", "--build", build, "--seconds", 0.001, "--only", "1-D 100*", "--only", "32^2*5^2", "--only", "6@14>16", "--fit",
                  "--json", report, **FAST)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads(report.read_text())


def test_grid_is_large_and_without_repetitions():
    assert len(GRID) >= 500 and len({str(each) for each in GRID}) == len(GRID)
    assert min(min(each.m) for each in GRID) >= 1
    assert {each.pass_ for each in GRID} == set(planner_library.PASSES)


def test_grid_reports_what_it_measured(ran):
    text, saved = ran
    assert "the chosen method is within 10 % of the best in" in text and "with one factor for each method" in text
    assert saved["summary"]["problems"] == len(saved["rows"]) > 20
    for row in saved["rows"]:
        times = {name: each["seconds"] for name, each in row["methods"].items() if each["seconds"] is not None}
        assert row["best"] == min(times, key=times.get) and row["ratio"] == times[row["chosen"]] / times[row["best"]] >= 1
    assert len({name for row in saved["rows"] for name in row["methods"]}) > 6


def test_report_of_a_saved_grid(ran, build):
    shown = grid("--load", build / "report.json", "--only", "32^2")
    assert shown.returncode == 0, shown.stderr
    assert f"{sum('32^2' in row['name'] for row in ran[1]['rows'])} problems" in shown.stdout
    assert grid("--load", build / "report.json", "--only", "no such problem").returncode == 2


def test_forced_methods_agree_and_one_of_them_is_the_planners_choice(ran, build, monkeypatch):
    monkeypatch.setenv("CORRFAST_ISA", "scalar")
    monkeypatch.setenv("CFLAGS", FAST["CFLAGS"])
    lib = planner_library.Library(planner_library.build(build, "scalar"), "default", 1)
    pool = planner_problems.make_pool()
    drawn = [each for each in GRID if np.prod(each.m) * np.prod(each.k) * each.couts * each.channels < 1e7]
    for problem in drawn[::12]:
        arrays = problem.arrays(pool)
        written = arrays[(2, 0, 1)[planner_library.PASSES.index(problem.pass_)]]
        results, methods = {}, lib.methods(problem, arrays)
        for name, method in methods.items():
            written.fill(0)
            lib.seconds(problem, arrays, method.code)
            results[name] = written.copy()
        written.fill(0)
        lib.seconds(problem, arrays, -1)
        chosen = [name for name, method in methods.items() if method.chosen]
        assert len(chosen) == 1 and np.array_equal(written, results[chosen[0]]), problem
        exact = results["reference"]
        for name, result in results.items():
            gap = np.abs(result - exact).max() / np.abs(exact).max()
            assert gap <= {"f": 2e-5, "d": 1e-12, "F": 2e-5}.get(exact.dtype.char, 0), (str(problem), name)
