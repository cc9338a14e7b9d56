"""No pass reads or writes a byte outside an array: each lies against a page whose touch ends the process (see guard_pages.py)."""
import sys

import corrfast
import pytest
from processes import at_once, expect_comparisons, python

USABLE = [isa["name"] for isa in corrfast._core.config()["isas"] if isa["usable"]]
SIDES = ("end", "start")


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="protects pages with mprotect")


@pytest.fixture(scope="module")
def runs():
    """Of guard_pages.py, as many at once as there are CPUs."""
    with at_once() as start:
        yield {(isa, side): start("guard_pages.py", side, CORRFAST_ISA=isa) for isa in USABLE for side in SIDES}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("isa", USABLE)
def test_nothing_outside_the_arrays_is_touched(isa, side, runs):
    expect_comparisons(runs[isa, side].result(), isa, at_least=100)         # exit status -11: memory outside an array was touched


@pytest.mark.parametrize("place, side", [(-1, "start"), (8, "end")])
def test_the_guard_works(place, side):
    """The check itself can fail: one byte beyond either end of a held array ends a process."""
    program = f"""
import ctypes, sys
sys.argv[1:] = [{side!r}]
import numpy as np, guard_pages
held = guard_pages.ARENAS[0].hold(np.zeros(8, dtype=np.uint8), {side!r})
assert ctypes.c_uint8.from_address(held.ctypes.data).value == 0
ctypes.c_uint8.from_address(held.ctypes.data + {place}).value
"""
    ran = python("-c", program)
    assert ran.returncode < 0, ran.stderr
