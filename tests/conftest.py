"""Profiles of the generated tests, and the line that says how many problems were compared with the oracle.

CORRFAST_TEST_PROFILE chooses: "default" draws the same problems in every run (minutes); "full" draws 20 times as many, new ones
in each run, and prints how to repeat a failure; "isa" is the share that test_isa.py runs again for each instruction set.
"""
import comparison
import pytest
from hypothesis import HealthCheck, Phase, settings
from problems import PROFILE, SCALE

_common = {"deadline": None, "database": None, "print_blob": True,
           "suppress_health_check": (HealthCheck.too_slow, HealthCheck.data_too_large)}
settings.register_profile("default", derandomize=True, **_common)
settings.register_profile("smoke", derandomize=True, **_common)
settings.register_profile("isa", derandomize=True, **_common)
settings.register_profile("full", derandomize=False, phases=tuple(Phase), **_common)
settings.load_profile(PROFILE)


def active_isa():
    from corrfast import _core
    return _core.config()["isa"]


def pytest_report_header():
    how = "the same problems in every run" if settings.default.derandomize else "new problems in every run"
    return f"corrfast: profile {PROFILE} ({SCALE[PROFILE]:g} times the default's examples), {how}"


def pytest_terminal_summary(terminalreporter):
    said = f"corrfast: {comparison.compared} generated problems compared with the oracle, ISA {active_isa()}"
    terminalreporter.write_line(said)
    if comparison.elsewhere:
        counts = ", ".join(f"{isa} {count}" for isa, count in comparison.elsewhere.items())
        terminalreporter.write_line(f"corrfast: and in processes of their own: {counts}")


@pytest.fixture(params=["correlate", "convolve"])
def function(request):
    """The name of each public forward function in turn."""
    return request.param
