"""The rows of a run as rich text, plain text or JSON. A report goes through start, begin and done for each case, stop, finish."""

import json
import sys
from dataclasses import asdict

try:
    import rich
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table
except ImportError:
    rich = None

HEADINGS = ("case", "corrfast", "best peer", "its time", "speed-up", "error", "method")
WIDTHS = (48, 10, 20, 10, 8, 8, 14)
NUMBERS = ("corrfast", "its time", "speed-up", "error")


def make_report(plain=False, stream=None):
    """The best report this Python and this terminal can show; everything goes to `stream`, stdout by default."""
    stream = stream or sys.stdout
    return RichReport(stream) if rich and not plain else PlainReport(stream)


def duration(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds / size < 100 else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def cells(row):
    """One text for each heading."""
    if "corrfast" not in row.seconds:
        return (row.case, "failed", "", "", "", "", "")
    peer = (row.peer, duration(row.seconds[row.peer]), f"{row.speedup:.2f}x") if row.peer else ("none here", "", "")
    return (row.case, duration(row.seconds["corrfast"]), *peer, f"{row.error:.0e}", row.method)


def verdict(totals):
    """The lines that close a run."""
    lines = [f"The results agree in {totals['agree']} of {totals['cases']} cases."]
    if totals["compared"]:
        lines.append(
            f"corrfast is ahead of the best peer in {totals['ahead']} of {totals['compared']}; "
            f"speed-up {totals['geometric_mean']:.2f}x in the geometric mean, {totals['worst']:.2f}x at worst."
        )
    return lines


def wrong(rows):
    return [f"{row.case}: {row.note}" for row in rows if not row.agrees]


class PlainReport:
    """Lines as they come: each case is shown when it is done, which is the progress."""

    def __init__(self, stream):
        self.stream = stream

    def say(self, text=""):
        print(text, file=self.stream, flush=True)

    def line(self, texts):
        pairs = zip(HEADINGS, texts, WIDTHS)
        return "  ".join(f"{t:>{w}}" if h in NUMBERS else f"{t:{w}}" for h, t, w in pairs).rstrip()

    def start(self, lines, count):
        self.group = None
        for line in lines:
            self.say(line)

    def begin(self, case):
        if case.group != self.group:
            self.group = case.group
            self.say()
            self.say(self.line((case.group, *HEADINGS[1:])))

    def done(self, row):
        self.say(self.line(cells(row)) + ("" if row.agrees else f"  WRONG: {row.note}"))

    def stop(self):
        pass

    def finish(self, rows, totals):
        self.say()
        for line in verdict(totals) + [f"WRONG {line}" for line in wrong(rows)]:
            self.say(line)


class RichReport:
    """A progress bar while cases run, then one table."""

    def __init__(self, stream):
        self.console = Console(file=stream, highlight=False)
        if not self.console.is_terminal:
            # A pipe or a log has no width of its own; a table folded at 80 columns cannot be read.
            self.console = Console(file=stream, highlight=False, width=sum(WIDTHS) + 3 * len(WIDTHS) + 10)

    def start(self, lines, count):
        for line in lines:
            self.console.print(line, style="dim", markup=False)
        self.progress = Progress(
            TextColumn("[bold]{task.fields[group]:9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=self.console,
            transient=True,
        )
        self.task = self.progress.add_task("", total=count, group="")
        self.progress.start()

    def begin(self, case):
        self.progress.update(self.task, description=case.name, group=case.group)

    def done(self, row):
        self.progress.advance(self.task)
        if not row.agrees:
            self.progress.console.print(f"WRONG {row.case}: {row.note}", style="bold red", markup=False)

    def stop(self):
        self.progress.stop()

    def finish(self, rows, totals):
        table = Table(box=rich.box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
        for heading in HEADINGS:
            # In a narrow terminal the words wrap, and the numbers stay whole.
            table.add_column(heading, justify="right" if heading in NUMBERS else "left", no_wrap=heading in NUMBERS)
        group = None
        for row in rows:
            if row.group != group:
                if group:
                    table.add_section()
                group = row.group
            table.add_row(*cells(row)[:4], self.colored(row), *cells(row)[5:])
        self.console.print(table)
        for line in verdict(totals):
            self.console.print(line, style="bold", markup=False)
        for line in wrong(rows):
            self.console.print(f"WRONG {line}", style="bold red", markup=False)

    def colored(self, row):
        """Green where corrfast is ahead, yellow within noise, red where it is behind or wrong."""
        if row.speedup is None or not row.agrees:
            return cells(row)[4] if row.agrees else "[bold red]WRONG[/]"
        color = "green" if row.speedup >= 1 else "yellow" if row.speedup >= 0.95 else "red"
        return f"[{color}]{cells(row)[4]}[/]"


def as_json(setting, rows, totals):
    """The run as data."""
    return json.dumps({"setting": setting, "summary": totals, "rows": [asdict(row) for row in rows]}, indent=1)
