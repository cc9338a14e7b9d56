#!/usr/bin/env python3
"""How well the planner picks: every method that it may choose among is timed on a grid of problems, beside its choice and its estimates.

The figures are of the C library, without Python's part of a call and without the planning itself. See README.md, "The planner's grid".
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import planner_library as library
from planner_problems import grid, make_pool

HOPELESS = 8  # alternatives whose estimate is that many times the chosen method's are not timed
CLOSE = 1.5  # those that took longer than that many times the best at first are not timed again
ROUNDS = 5
SAMPLE = 3e-5  # seconds between two looks at the clock, or one call
LONG = 0.2  # seconds after which a first call counts as a typical one
NEAR, FAR = 1.1, 1.5  # ratios that are reported
AGAIN = 1.25  # choices within this factor of NEAR are timed once more
FEW = 3  # problems that a group needs for a factor of its own


def parse(argv):
    parser = argparse.ArgumentParser(prog="planner_grid.py", description="Measure how well the planner picks its methods.")
    parser.add_argument("--seconds", type=float, default=0.2, metavar="S", help="given to the candidates of a problem (default: 0.2)")
    parser.add_argument("--quick", action="store_true", help="one problem in ten, and a tenth of the seconds")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only problems whose group and name contain this (repeatable: or this)")
    parser.add_argument("--fit", action="store_true", help="also print by what factor each method's estimates should be scaled, by kinds of problems")
    parser.add_argument("--json", metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--load", metavar="FILE", help="report what --json has written before, and measure nothing")
    parser.add_argument("--threads", type=int, default=1, help="of each run (default: 1)")
    parser.add_argument("--precision", choices=library.PRECISIONS, default="default", help="what the planner may choose (default: default)")
    parser.add_argument("--isa", help="the instruction set to compile and run (default: what the installed corrfast uses here)")
    parser.add_argument("--build", default=library.ROOT / "build" / "planner_grid", metavar="FOLDER",
                        help="where the library is compiled, once (default: build/planner_grid)")
    parser.add_argument("--list", action="store_true", help="print the problems, and measure nothing")
    return parser.parse_args(argv)


# ---- measuring


def measure(lib, problem, pool, seconds):
    """The row of a problem: each method's estimate, and its seconds, None where it was not timed."""
    arrays = problem.arrays(pool)
    methods = lib.methods(problem, arrays)
    chosen = next(name for name, method in methods.items() if method.chosen)
    limit = HOPELESS * methods[chosen].seconds
    timed = {name: method.code for name, method in methods.items() if method.seconds <= limit}
    spent = {}

    def run(name, budget):
        known = spent.get(name, math.inf)
        calls = max(1, int(SAMPLE / max(known, 1e-8)))
        samples = max(1, int(budget / calls / known))
        spent[name] = min(known, lib.seconds(problem, arrays, timed[name], samples, calls))

    for name in timed:
        run(name, 0)
        if spent[name] < LONG:
            run(name, 1e-3)
    close = [name for name in timed if name == chosen or spent[name] <= CLOSE * min(spent.values())]
    share = seconds / ROUNDS / len(close)
    for r in range(ROUNDS):
        for name in close[r % len(close) :] + close[: r % len(close)]:
            run(name, share)
    others = [name for name in close if name != chosen]
    if others:
        rival = min(others, key=spent.get)
        if NEAR / AGAIN <= spent[chosen] / spent[rival] <= NEAR * AGAIN:
            for r in range(ROUNDS):
                for name in (chosen, rival) if r % 2 else (rival, chosen):
                    run(name, seconds / ROUNDS / 2)
    best = min(spent, key=spent.get)
    return {
        "group": problem.group, "name": problem.name, "dtype": problem.dtype, "pass": problem.pass_, "taps": problem.taps_class,
        "chosen": chosen, "best": best, "ratio": spent[chosen] / spent[best],
        "methods": {name: {"estimate": each.seconds, "estimate_one": each.one, "seconds": spent.get(name)} for name, each in methods.items()},
    }


# ---- reporting


def duration(seconds):
    for scale, unit in ((1e-6, "ns"), (1e-3, "us"), (1.0, "ms")):
        if seconds < scale:
            return f"{seconds / scale * 1000:.3g} {unit}"
    return f"{seconds:.3g} s"


def line(row):
    """A row in words."""
    name = f"{row['name']} {row['dtype']} {row['pass']}"
    chosen, best = (f"{row[key]} {duration(row['methods'][row[key]]['seconds'])}" for key in ("chosen", "best"))
    verdict = "" if row["chosen"] == row["best"] else f"  best {best}"
    return f"{row['ratio']:5.2f}  {name:<52} {chosen:<34}{verdict}"


def quantiles(values):
    """Median, 10th and 90th percentile."""
    ordered = sorted(values)
    return [statistics.median(ordered), *(ordered[round(share * (len(ordered) - 1))] for share in (0.1, 0.9))]


def samples(rows):
    """`(method, row, measured over estimated)` of all that was timed."""
    for row in rows:
        for name, each in row["methods"].items():
            if each["seconds"] is not None:
                yield name, row, each["seconds"] / each["estimate"]


def summary(rows):
    near = sum(row["ratio"] <= NEAR for row in rows)
    return {
        "problems": len(rows),
        "within_10_percent": near / len(rows),
        "beyond_1.5": sum(row["ratio"] > FAR for row in rows),
        "worst": max(row["ratio"] for row in rows),
        "geometric_mean": math.exp(statistics.mean(math.log(row["ratio"]) for row in rows)),
        "not_timed": sum(each["seconds"] is None for row in rows for each in row["methods"].values()),
    }


def report(rows):
    total = summary(rows)
    worst = sorted(rows, key=lambda row: -row["ratio"])
    print(f"\n{total['problems']} problems; the chosen method is within 10 % of the best in {total['within_10_percent']:.1%}")
    for group in dict.fromkeys(row["group"] for row in rows):
        part = summary([row for row in rows if row["group"] == group])
        print(f"  {group:<9} {part['within_10_percent']:6.1%} of {part['problems']:4}, worst {part['worst']:.2f}, {part['beyond_1.5']} beyond {FAR}")
    print(f"worst ratio {total['worst']:.2f}, geometric mean {total['geometric_mean']:.4f}")
    print(f"{total['not_timed']} alternatives were not timed, for their estimate is over {HOPELESS} times the chosen one's: counted as not better")
    for title, low, high in ((f"beyond {FAR}", FAR, math.inf), (f"beyond {NEAR}, to {FAR}", NEAR, FAR)):
        found = [row for row in worst if low < row["ratio"] <= high]
        print(f"\n{title}: {len(found)}" + "".join(f"\n{line(row)}" for row in found))
    print("\nmeasured over estimated seconds     timed  median   10th   90th   spread")
    for name, values in by(samples(rows), lambda name, row: name):
        middle, low, high = quantiles(values)
        print(f"{name:<34} {len(values):6} {middle:7.3f} {low:6.3f} {high:6.3f} {high / low:8.2f}")


def by(found, key):
    """What `samples` found, `[(key, values)]` in order of the keys."""
    groups = defaultdict(list)
    for name, row, value in found:
        groups[key(name, row)].append(value)
    return sorted(groups.items())


def kind(row):
    return "layer" if row["group"] == "layer" else "one channel"


def rechosen(rows, factors):
    """The share within 10 % of the best, had each estimate been scaled by `factors(name, row)`; methods that were not timed cannot be chosen."""
    near = 0
    for row in rows:
        timed = {name: each for name, each in row["methods"].items() if each["seconds"] is not None}
        pick = min(timed, key=lambda name: timed[name]["estimate_one"] * factors(name, row))
        near += timed[pick]["seconds"] <= NEAR * timed[row["best"]]["seconds"]
    return near / len(rows)


def fit(rows):
    """Print by what the estimates should be scaled. A factor is a median: a few wild problems do not move it."""
    everything = statistics.median(value for _, _, value in samples(rows))
    overall = {name: statistics.median(values) for name, values in by(samples(rows), lambda name, row: name)}
    keys = [("by pass", lambda row: (row["pass"],)), ("by dtype", lambda row: (row["dtype"],)), ("by kind", lambda row: (kind(row),)),
            ("by kind and taps", lambda row: (kind(row), row["taps"])),
            ("by pass, dtype, kind and taps", lambda row: (row["pass"], row["dtype"], kind(row), row["taps"]))]
    print(f"\nfactors for the estimates; what counts is how they differ from one another, not from 1 (median of all: {everything:.3f})")
    for name, factor in overall.items():
        print(f"  {name:<32} x {factor:.3f}")
    for title, key in keys:
        print(f"\nfactors {title} (problems, 10th to 90th percentile)")
        for (name, feature), values in by(samples(rows), lambda name, row, key=key: (name, key(row))):
            if len(values) >= FEW:
                middle, low, high = quantiles(values)
                print(f"  {name:<32} {', '.join(feature):<58} x {middle:.3f}  ({len(values)}, {low:.2f} to {high:.2f})")
    small = {key: statistics.median(values) for key, values in by(samples(rows), lambda name, row: (name, keys[-1][1](row)))}
    print(f"\nwithin 10 % of the best now {rechosen(rows, lambda *_: 1):.1%}, with one factor for each method "
          f"{rechosen(rows, lambda name, row: overall[name]):.1%}, with one for each row of the last table "
          f"{rechosen(rows, lambda name, row: small[name, keys[-1][1](row)]):.1%} (among what was timed)")


# ---- the command


def select(args):
    problems = grid()[:: 10 if args.quick else 1]
    return [each for each in problems if not args.only or any(text in f"{each.group} {each}" for text in args.only)]


def default_isa():
    sys.path.append(str(library.ROOT))  # for a package that was built in place, where none is installed
    import corrfast

    return corrfast.show_config("dicts")["isa"]


def run_grid(args, problems):
    began = time.perf_counter()
    lib = library.Library(library.build(args.build, args.isa or default_isa()), args.precision, args.threads)
    seconds = args.seconds * (0.1 if args.quick else 1)
    print(f"{len(problems)} problems, {lib.isa}, threads: {args.threads}, precision: {args.precision}", flush=True)
    print("ratio  problem                                              chosen")
    rows, pool = [], make_pool()
    try:
        for problem in problems:
            rows.append(measure(lib, problem, pool, seconds))
            print(line(rows[-1]), flush=True)
    except KeyboardInterrupt:  # what was measured is reported
        print(f"interrupted after {len(rows)} of {len(problems)}")
    setting = {"isa": lib.isa, "threads": args.threads, "precision": args.precision, "seconds": round(time.perf_counter() - began, 1)}
    return setting, rows


def main(argv=None):
    args = parse(argv)
    problems = select(args)
    if args.list:
        print("\n".join(f"{each.group}  {each}" for each in problems))
        return 0
    if args.load:
        saved = json.loads(Path(args.load).read_text())
        wanted = {str(each) for each in problems}
        setting, rows = saved["setting"], [row for row in saved["rows"] if f"{row['name']} {row['dtype']} {row['pass']}" in wanted]
    else:
        setting, rows = run_grid(args, problems)
    if not rows:
        print("planner_grid: no problem has such a name; --list shows them", file=sys.stderr)
        return 2
    report(rows)
    if args.fit:
        fit(rows)
    print(f"\nmeasured in {setting['seconds']:.0f} s")
    if args.json:
        Path(args.json).write_text(json.dumps({"setting": setting, "summary": summary(rows), "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
