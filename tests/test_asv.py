"""The asv suite without asv: its benchmarks run and compute what they say, and neither they nor the configuration fall into
asv's traps (see asv_bench/README.md).
"""
import importlib.util
import inspect
import json
import re
import sys
import timeit
from pathlib import Path

import numpy as np
import pytest
from processes import python

import corrfast

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT / "asv_bench"
MODULES = ["accuracy", "filters", "nn", "peers", "plans", "runtime"]
BENCHMARK = re.compile(r"(time|timeraw|track|peakmem)_.+")


def load(name):
    """A module of the suite, whose folder is imported as a package named unlike anything else."""
    if "asv_suite" not in sys.modules:
        init = SUITE / "benchmarks" / "__init__.py"
        spec = importlib.util.spec_from_file_location("asv_suite", init, submodule_search_locations=[str(init.parent)])
        sys.modules["asv_suite"] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"asv_suite.{name}")


def benchmarks():
    """`(module.Class, class, names of its benchmarks)`, found as asv finds them: classes with no underscore in front."""
    for module in MODULES:
        for name, each in vars(load(module)).items():
            methods = [method for method, _ in inspect.getmembers(each, inspect.isfunction) if BENCHMARK.fullmatch(method)]
            if inspect.isclass(each) and not name.startswith("_") and methods:
                yield f"{module}.{name}", each, methods


BENCHMARKS = list(benchmarks())
each_class = pytest.mark.parametrize("name, benchmark, methods", BENCHMARKS, ids=[name for name, *_ in BENCHMARKS])


def combinations(params):
    """The first value of each parameter, and each other value among first ones."""
    params = [params] if params and isinstance(params[0], str) else params
    first = tuple(values[0] for values in params)
    others = (first[:i] + (value,) + first[i + 1 :] for i, values in enumerate(params) for value in values[1:])
    return [first, *others]


def play(benchmark, method, combination):
    """What asv does once for a combination; None where it would skip."""
    it = benchmark()
    try:
        getattr(it, "setup", lambda *_: None)(*combination)
        result = getattr(it, method)(*combination)
    except NotImplementedError:
        return None
    finally:
        getattr(it, "teardown", lambda *_: None)(*combination)
    if method.startswith("timeraw_"):
        statement, preparation = (result, "pass") if isinstance(result, str) else result
        return timeit.timeit(statement, preparation, number=1)
    return result if method.startswith("track_") else True


@each_class
def test_benchmark_runs(name, benchmark, methods):
    if name in ("runtime.Threads", "runtime.Cores"):
        try:
            load("runtime").two_cores()
        except NotImplementedError as reason:
            pytest.skip(f"{reason}, and this compares two with one")
    for method in methods:
        first, *others = combinations(getattr(benchmark, "params", []))
        result = play(benchmark, method, first)
        assert result is not None, f"{method}{first} was skipped"
        if method.startswith("track_"):  # these measure, which takes its time
            assert np.isfinite(result) and result >= 0
        else:
            for other in others:
                play(benchmark, method, other)


@each_class
def test_benchmark_is_declared(name, benchmark, methods):
    # Without a version of its own, a class loses its results with each edit of its source.
    assert isinstance(vars(benchmark).get("version"), str)
    params = getattr(benchmark, "params", [])
    params = [params] if params and isinstance(params[0], str) else params
    assert len(params) == len(getattr(benchmark, "param_names", []))
    for value in [value for values in params for value in values]:
        assert isinstance(value, (str, int)) and len(str(value)) <= 60 and "-" not in str(value)
    for method in methods:
        assert hasattr(getattr(benchmark, method), "unit") == method.startswith("track_")


@pytest.mark.parametrize("name", [*MODULES, "common"])
def test_no_function_is_taken_for_a_benchmark(name):
    assert not [word for word, each in vars(load(name)).items() if BENCHMARK.match(word) and callable(each)]


def test_readme_lists_the_benchmarks():
    listed = re.findall(r"^\| `(\w+\.\w+)` \|", (SUITE / "README.md").read_text(), re.M)
    assert sorted(listed) == sorted(name for name, *_ in BENCHMARKS)


peers = load("peers")


@pytest.mark.parametrize("case", peers.CASES + peers.LAYERS)
def test_peers_agree(case):
    candidates, check = peers.contest(case)
    places, exact = check()
    compared = 0
    for name in candidates:
        try:
            result = peers.candidate(case, name)()
        except NotImplementedError:
            continue
        gap = peers.exact.largest_gap(result[places], exact)
        assert gap <= peers.measure.TOLERANCE.get(result.dtype.name, 0), name
        compared += 1
    assert compared > 1


def test_every_candidate_is_timed():
    for cases, who in [(peers.CASES, peers.WHO), (peers.LAYERS, peers.WHO_LAYERS)]:
        assert {name for case in cases for name in peers.contest(case)[0]} <= set(who)


def test_older_versions_are_skipped(monkeypatch):
    monkeypatch.delattr(corrfast, "conv_transpose")
    transpose = load("filters").Transpose
    assert play(transpose, "time_conv_transpose", combinations(transpose.params)[0]) is None
    layers = load("nn")
    monkeypatch.setattr(layers, "Layer", None)
    assert play(layers.Layers, "time_layer", combinations(layers.Layers.params)[0]) is None
    monkeypatch.setattr(peers, "spellings", None)
    peers.contest.cache_clear()
    assert play(peers.Speedup, "track_speedup", peers.CASES[:1]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read as Linux tells it")
def test_peak_memory_is_that_of_the_call():
    """asv reads the largest size that the process ever had: making the arrays must not exceed it."""
    program = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from benchmarks.runtime import PeakMemory
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
it = PeakMemory()
it.setup("2048x2048*7x7")
before = peak()
it.peakmem_correlate("2048x2048*7x7")
print(peak() - before)
"""
    ran = python("-c", program, SUITE)
    assert int(ran.stdout) > 0.9 * 2042 * 2042 * 4 / 1024, ran.stdout + ran.stderr


# ---- the configuration


@pytest.fixture(scope="module")
def conf():
    return json.loads(re.sub(r"(?m)\s//.*$", "", (SUITE / "asv.conf.json").read_text()))


def test_conf_names_what_exists(conf):
    assert (SUITE / conf["repo"]).resolve() == ROOT
    assert (SUITE / conf["benchmark_dir"] / "common.py").is_file()
    ignored = (ROOT / ".gitignore").read_text().split()
    for key in ("env_dir", "results_dir", "html_dir"):
        assert f"{SUITE.name}/{conf[key]}/" in ignored
    assert conf["environment_type"] == "virtualenv"
    assert not (SUITE / "pyproject.toml").exists()  # asv would install its build requirements, and misread them


def test_conf_builds_and_installs_the_project_alone(conf):
    build, = conf["build_command"]
    install, = conf["install_command"]
    assert build.startswith("python -m build --wheel ") and "-o {build_cache_dir} {build_dir}" in build
    assert "--no-deps" in install and install.endswith("{wheel_file}")


def test_conf_requirements_are_as_asv_reads_them(conf):
    # asv joins name and version by a space and then reads "numpy ~=2.4" as numpy==2.4; exact versions alone survive that.
    requirements = conf["matrix"]["req"]
    for name, versions in requirements.items():
        assert " " not in name and ";" not in name
        assert all(re.fullmatch(r"(\d+(\.\d+)*)?", version) for version in versions)
    names = {re.match(r"[\w-]+", name).group().lower() for name in requirements}
    for requirement in re.findall(r'"(.+?)"', re.search(r"requires = \[(.+)\]", (ROOT / "pyproject.toml").read_text()).group(1)):
        assert re.match(r"[\w-]+", requirement).group().lower() in names, "the build is not isolated"
