"""The command line: `python -m corrfast` runs corrfast beside its peers, `python -m corrfast info` says what was built."""

import argparse
import contextlib
import platform
import sys
import time
from pathlib import Path

import corrfast
from corrfast.bench import measure, peers
from corrfast.bench.cases import GROUPS, select
from corrfast.bench.report import as_json, make_report

DEFAULT_SECONDS, QUICK_SECONDS = 0.12, 0.02
DEFAULT_ROUNDS, QUICK_ROUNDS = 9, 5


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="corrfast",
        description="Run corrfast beside NumPy, and SciPy, OpenCV and PyTorch where they are installed, on signals, images, volumes, "
        "their gradients and layers of neural networks; check that all agree. The exit status is 1 if they do not.",
    )
    parser.add_argument("command", nargs="?", choices=["bench", "info"], default="bench", help="default: bench")
    parser.add_argument("--quick", action="store_true", help="a few seconds: fewer cases, shorter rounds")
    parser.add_argument("--group", action="append", choices=GROUPS, help="only these cases (repeatable)")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--threads", type=positive, default=1, help="for corrfast and for each peer (default: 1)")
    parser.add_argument("--seconds", type=float, help=f"given to each candidate of a case (default: {DEFAULT_SECONDS})")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="the figures as JSON: into FILE, or on stdout")
    parser.add_argument("--plain", action="store_true", help="plain text, even where rich is installed")
    return parser, parser.parse_args(argv)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}, expected 1 or more")
    return value


def bench(args, cases):
    """Run the cases; True if all of them agree."""
    on_stdout = args.json == "-"
    report = make_report(args.plain, sys.stderr if on_stdout else sys.stdout)
    seconds = args.seconds or (QUICK_SECONDS if args.quick else DEFAULT_SECONDS)
    rounds = QUICK_ROUNDS if args.quick else DEFAULT_ROUNDS
    pause = 0.002 if args.threads > 1 else 0.0
    setting = describe(args.threads)
    report.start([f"{name}: {value}" for name, value in setting.items()], len(cases))
    rows, began = [], time.perf_counter()
    with peers.threads(args.threads):
        try:
            for case in cases:
                report.begin(case)
                rows.append(measure.run_case(case, seconds, rounds, pause))
                report.done(rows[-1])
        finally:
            report.stop()
    setting["seconds"] = round(time.perf_counter() - began, 1)
    totals = measure.summary(rows)
    report.finish(rows, totals)
    if args.json:
        text = as_json(setting, rows, totals)
        print(text) if on_stdout else Path(args.json).write_text(text + "\n")
    return totals["agree"] == totals["cases"]


def describe(threads):
    """What one has to know to read a table of times."""
    config = corrfast.show_config("dicts")
    build = [f"{name} {config[name]}" for name in ("isa", "compiler") if name in config]
    return {
        "corrfast": ", ".join([corrfast.__version__, *build]),
        "processor": processor(),
        "peers": ", ".join(f"{name} {version}" for name, version in peers.versions().items()),
        "threads": f"{threads} for each library" + ("" if peers.threadpoolctl else ", but for NumPy's BLAS (no threadpoolctl here)"),
    }


def processor():
    """The processor's name: Linux tells it in a file, others through `platform`."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main(argv=None):
    parser, args = parse(argv)
    if args.command == "info":
        corrfast.show_config()
        return 0
    cases = select(args.group, args.only, args.quick)
    if not cases:
        parser.error("no case has that group and name")
    with contextlib.suppress(KeyboardInterrupt):
        return 0 if bench(args, cases) else 1
    return 130


if __name__ == "__main__":
    sys.exit(main())
