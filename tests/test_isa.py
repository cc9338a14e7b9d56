"""Every instruction set that this CPU has runs the generated problems; CORRFAST_ISA chooses one or is refused with the choice."""
import os
import platform
import re
from pathlib import Path

import corrfast
import pytest
from processes import at_once, expect_comparisons, python

SUITES = ["test_filters.py", "test_gradients.py", "test_nonfinite.py", "test_separable.py", "test_fft.py", "test_nn.py"]
CONFIG = corrfast._core.config()
USABLE = [isa["name"] for isa in CONFIG["isas"] if isa["usable"]]
OTHERS = [name for name in USABLE if name != CONFIG["isa"]]
BEST = next(isa["name"] for isa in CONFIG["isas"] if isa["usable"] and isa["checked"])
NEEDS = {  # as Linux names them
    "scalar": set(),
    "sse2": {"sse2"},
    "avx2": {"avx2", "fma"},
    "avx512": {"avx2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def cpu_flags():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":")[1].split())
    return set()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64") or not Path("/proc/cpuinfo").exists(),
                    reason="the expected instruction sets are read from /proc/cpuinfo of an x86-64 Linux")
def test_what_this_cpu_has_is_usable():
    """A suite that passes because nothing was compiled in proves nothing."""
    flags = cpu_flags()
    assert set(USABLE) == {isa for isa, needs in NEEDS.items() if needs <= flags}
    if not os.environ.get("CORRFAST_ISA"):
        assert CONFIG["isa"] == BEST, "not the best one is in use"


def test_what_was_never_checked_is_not_chosen():
    assert all(isa["checked"] in ("hardware", "emulator", None) for isa in CONFIG["isas"])
    assert next(isa for isa in CONFIG["isas"] if isa["name"] == BEST)["checked"]


@pytest.fixture(scope="module")
def suites():
    """The suites on each instruction set but this process's own, which runs all of them anyway: as many at once as there are CPUs."""
    with at_once() as start:
        yield {isa: start("-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES, CORRFAST_ISA=isa, CORRFAST_TEST_PROFILE="isa")
               for isa in OTHERS}


@pytest.mark.parametrize("isa", OTHERS)
def test_the_suites_pass_on(isa, suites):
    """In a process of its own, since the instruction set is chosen once: a share of the generated problems against the oracle."""
    expect_comparisons(suites[isa].result(), isa, at_least=1000)


FIRST_CALL = "import numpy, corrfast; print(corrfast._core.config()['isa']); corrfast.correlate(numpy.ones(9), numpy.ones(3))"


@pytest.mark.parametrize("isa", USABLE)
def test_the_environment_chooses(isa):
    ran = python("-c", FIRST_CALL, CORRFAST_ISA=isa)
    assert (ran.returncode, ran.stdout.strip()) == (0, isa), ran.stderr


def test_without_the_environment_the_best_is_chosen():
    for nothing in (None, ""):
        ran = python("-c", FIRST_CALL, CORRFAST_ISA=nothing)
        assert (ran.returncode, ran.stdout.strip()) == (0, BEST), ran.stderr


@pytest.mark.parametrize("nonsense", ["avx1024", "AVX2x", "avx2,sse2", " ", "0", "scalar;", "x" * 5000])
def test_nonsense_is_refused_with_a_list_of_what_there_is(nonsense):
    ran = python("-c", FIRST_CALL, CORRFAST_ISA=nonsense)
    assert ran.returncode == 1, (ran.returncode, ran.stdout, ran.stderr)
    last = ran.stderr.strip().splitlines()[-1]
    assert re.match(r"(ImportError|RuntimeError)", last), ran.stderr
    for name in ["CORRFAST_ISA", *USABLE]:
        assert name in last


@pytest.mark.parametrize("name", [isa["name"] for isa in CONFIG["isas"] if not isa["usable"]] or [None])
def test_an_instruction_set_that_this_cpu_lacks_is_refused(name):
    if name is None:
        pytest.skip("this CPU has every instruction set that was compiled")
    ran = python("-c", FIRST_CALL, CORRFAST_ISA=name)
    assert ran.returncode == 1 and name in ran.stderr and USABLE[0] in ran.stderr


def test_the_peak_counts_what_it_did():
    """The yardstick of the benchmarks: as many multiply-adds a round as it says, none where it cannot measure."""
    for dtype in ("float32", "float64"):
        one = corrfast._core.peak(dtype, 1)
        assert corrfast._core.peak(dtype, 1000) == 1000 * one and (one > 0) == (CONFIG["isa"] != "scalar")
        assert corrfast._core.peak(dtype, 0) == corrfast._core.peak(dtype, -5) == 0
    assert corrfast._core.peak("int32", 10) == 0


def test_integers_have_the_same_bits_on_every_instruction_set():
    program = """
import hashlib, numpy as np, corrfast
rng, total = np.random.default_rng(1), hashlib.sha256()
for dtype in "bBhHiIlL?":
    for shape, kernel in [((1003,), (65,)), ((41, 37), (7, 6)), ((11, 13, 17), (3, 4, 3))]:
        a = rng.integers(0, 256, shape).astype(dtype); v = rng.integers(0, 256, kernel).astype(dtype)
        for x in (corrfast.correlate(a, v, "same"), *corrfast.correlate_vjp(a, a, v, "same")):
            total.update(x.tobytes())
print(total.hexdigest())
"""
    assert len({python("-c", program, CORRFAST_ISA=isa).stdout for isa in USABLE}) == 1
