"""Times in interleaved rounds, and whether the results agree."""

import math
import time
from dataclasses import dataclass, field

import numpy as np

from .exact import largest_gap
from .peers import contest

TOLERANCE = {"float16": 5e-3, "float32": 2e-5, "complex64": 2e-5, "float64": 1e-11, "complex128": 1e-11}
HOPELESS = 25  # a candidate this many times slower than the best so far is timed in two rounds only
LONG = 0.2  # seconds after which a first call counts as a typical one
SEED = 20260101


@dataclass
class Row:
    """What a case gave."""

    case: str
    group: str
    seconds: dict[str, float] = field(default_factory=dict)  # median of each candidate's rounds
    peer: str | None = None  # the fastest peer whose result is right
    speedup: float | None = None  # median over the rounds of that peer's time over corrfast's
    error: float = math.inf  # against exact sums, over the largest of them
    gap: float = 0.0  # against the peer, over its largest value, all elements
    method: str = ""
    agrees: bool = False
    note: str = ""  # why it does not agree


def run_case(case, seconds, rounds=9, pause=0.0):
    """Run one case; an exception of corrfast's becomes a row that does not agree."""
    row = Row(case.name, case.group)
    try:
        play(case, row, seconds, rounds, pause)
    except Exception as exc:  # the table goes on, and says so
        row.note = f"{type(exc).__name__}: {exc}"
    return row


def play(case, row, seconds, rounds, pause):
    match = contest(case, np.random.default_rng(SEED))
    row.method = str(match.explain().method)
    times, results = time_all(match.candidates, seconds, rounds, pause)
    row.seconds = {name: float(np.median(spent)) for name, spent in times.items()}

    places, exact = match.check()
    ours = results["corrfast"]
    tolerance = TOLERANCE.get(ours.dtype.name, 0.0)
    row.error = largest_gap(ours[places], exact)
    right = [name for name, got in results.items() if name != "corrfast" and got.shape == ours.shape]
    right = [name for name in right if largest_gap(results[name][places], exact) <= tolerance]
    if right:
        row.peer = min(right, key=row.seconds.get)
        row.speedup = float(np.median([p / c for p, c in zip(times[row.peer], times["corrfast"])]))
        row.gap = largest_gap(ours, results[row.peer])
    row.agrees = row.error <= tolerance and row.gap <= 2 * tolerance
    if not row.agrees:
        row.note = f"off by {max(row.error, row.gap):.1e}, {tolerance:.0e} allowed"


def time_all(candidates, seconds, rounds, pause=0.0):
    """Seconds a call in each round, `{name: [seconds]}`, and what each returned.

    All candidates run in the same rounds, in rotating order, so that a drift of the machine's speed hits all alike.
    `pause` lets the worker threads of one library go to sleep before the next one is timed.
    """
    once, results = {}, {}
    for name, run in candidates.items():
        try:
            start = time.perf_counter()
            results[name] = run()  # the first call also loads, plans and touches memory
            once[name] = time.perf_counter() - start
            if once[name] < LONG:
                once[name] = timed(run, 1)
        except Exception:
            if name == "corrfast":
                raise
            # a peer that cannot do this case
    best = min(once.values())
    calls = {name: max(1, min(20_000, int(seconds / rounds / max(t, 1e-7)))) for name, t in once.items()}
    times = {name: [] for name in once}
    names = list(once)
    for r in range(rounds):
        for name in names[r % len(names) :] + names[: r % len(names)]:
            if r > 1 and name != "corrfast" and once[name] > HOPELESS * best:
                continue
            time.sleep(pause)
            times[name].append(timed(candidates[name], calls[name]))
    return times, results


def timed(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def summary(rows):
    """Agreement and speed-ups in one dictionary."""
    ratios = [row.speedup for row in rows if row.speedup and row.agrees]
    return {
        "cases": len(rows),
        "agree": sum(row.agrees for row in rows),
        "compared": len(ratios),
        "ahead": sum(ratio >= 1 for ratio in ratios),
        "geometric_mean": math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None,
        "worst": min(ratios, default=None),
    }
