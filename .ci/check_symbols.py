#!/usr/bin/env python3
"""Check what a build shows to a linker; exit status 1 if it is more than it should be.

    check_symbols.py                   the extension that this Python imports, and the objects that a build left in build/
    check_symbols.py FILE...           these: an extension (.so) may export PyInit_* alone, an object or archive (.o, .a)
                                       only names that begin with --prefix, corrfast_ by default
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What linkers and start files add to a shared object.
LINKER = {"_init", "_fini", "_edata", "_end", "__bss_start"}


def exported(path):
    dynamic = ["-D"] if path.suffix == ".so" else []
    listing = subprocess.run(["nm", *dynamic, "-g", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    names = {row[-1] for row in rows if len(row) >= 3} - LINKER
    # Cython declares this one `extern`, which takes it out of -fvisibility=hidden's reach.
    return {name for name in names if not name.startswith("__pyx_module_is_main_")}


def breaches(path, prefix="corrfast_"):
    prefix = "PyInit_" if path.suffix == ".so" else prefix
    names = exported(path)
    if path.suffix == ".so" and not names:
        return [f"{path.name}: exports nothing, so it cannot be imported"]
    return [f"{path.name}: {name} does not begin with {prefix}" for name in sorted(names) if not name.startswith(prefix)]


def fresh_objects():
    """What a build in the tree left of the C library; objects older than their source say nothing."""
    for path in sorted(ROOT.glob("build/temp*/src_c/*/*.o")):
        source = ROOT / "src_c" / path.parent.name / f"{path.stem}.c"
        if source.is_file() and source.stat().st_mtime < path.stat().st_mtime:
            yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--prefix", default="corrfast_")
    args = parser.parse_args()
    paths = args.files or [Path(importlib.util.find_spec("corrfast._core").origin), *fresh_objects()]
    wrong = [line for path in paths for line in breaches(path, args.prefix)]
    for line in wrong:
        print(line)
    print(f"check_symbols: {len(paths)} files, {len(wrong)} breaches")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
