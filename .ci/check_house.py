#!/usr/bin/env python3
"""Check what the rules of CONTRIBUTING.md say about where code lives. Prints each breach; exit status 1 if there is one.

Directions in src_c/:  api -> plan -> methods -> kernels/table.h;  runtime/ and core/'s shapes, borders and dtypes serve all;
kernels/ knows nothing but itself and the plain types; methods do not know each other.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src_c"
LONG = 500

# What serves everyone: no decisions, no algorithms.
COMMON = ["corrfast.h", "core/names.h", "core/dtype.h", "core/shape.h", "core/border.h", "core/factors.h", "core/slab.h", "core/tiles.h"]
RUNTIME = ["runtime/*.h", "kernels/table.h"]

# file -> what it may include beside its own header and template; the first pattern that fits decides
MAY_INCLUDE = {
    "corrfast.h": [],
    "core/api.*": [*COMMON, *RUNTIME, "core/plan.h"],
    "core/plan.*": [*COMMON, *RUNTIME],
    "core/short.*": [*COMMON, *RUNTIME, "core/plan.h", "core/blocks.h"],
    "core/slab.*": [*COMMON, "kernels/table.h"],
    "core/tiles.*": [*COMMON, "kernels/table.h"],
    "core/roots.*": [*COMMON, "kernels/table.h"],
    "core/helix.*": [*COMMON, "core/planes.h", "kernels/table.h"],
    "core/blocks.*": [*COMMON, *RUNTIME, "core/plan.h"],
    "core/*": COMMON,
    "methods/*": [*COMMON, *RUNTIME, "core/plan.h", "core/blocks.h", "core/helix.h", "core/planes.h", "core/roots.h"],
    "kernels/*": ["corrfast.h", "core/names.h", "core/dtype.h", "kernels/*.h"],
    "runtime/*": [*COMMON, *RUNTIME],
}
# Kernels are compiled for one instruction set each: of the system they get types and intrinsics, never functions.
KERNEL_SYSTEM = {"stddef.h", "stdint.h", "immintrin.h", "emmintrin.h", "arm_neon.h", "arm_sve.h", "riscv_vector.h", "altivec.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
OPENMP = re.compile(r"#\s*pragma\s+omp|_Pragma\(\"omp|\bomp_\w+\s*\(|<omp\.h>")


def fits(name, patterns):
    return any(Path(name).match(pattern) for pattern in patterns)


def check_includes(path):
    name = path.relative_to(SOURCE).as_posix()
    patterns = next((allowed for pattern, allowed in MAY_INCLUDE.items() if fits(name, [pattern])), None)
    if patterns is None:
        yield f"{name}: lies in no room that the rules know"
        return
    for own, system in dict.fromkeys(INCLUDE.findall(path.read_text(encoding="utf-8"))):
        if system:
            if name.startswith("kernels/") and system not in KERNEL_SYSTEM:
                yield f"{name}: kernels may not include <{system}>"
            continue
        target = (path.parent / own).resolve()
        if not target.is_relative_to(SOURCE) or not target.is_file():
            yield f'{name}: "{own}" is no file of src_c/'
            continue
        found = target.relative_to(SOURCE).as_posix()
        own_parts = {f"{path.stem}.h", f"{path.stem}_tmpl.h"}
        if (target.parent != path.parent or target.name not in own_parts) and not fits(found, patterns):
            yield f"{name}: may not include {found}"


def check_openmp(path):
    name = path.relative_to(SOURCE).as_posix()
    if name != "runtime/threads.c" and OPENMP.search(path.read_text(encoding="utf-8")):
        yield f"{name}: OpenMP belongs into runtime/threads.c alone"


def check_names(paths):
    seen = {}
    for path in paths:
        other = seen.setdefault(path.name.lower(), path)
        if other is not path and path.name != "README.md":
            yield f"{path.relative_to(ROOT)}: {other.relative_to(ROOT)} has the same file name"


def check_text(path):
    name = path.relative_to(ROOT)
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield f"{name}:{number}: a tab"
        if line != line.rstrip():
            yield f"{name}:{number}: blanks or a carriage return at the end"
    if lines[-1] or len(lines) > 1 and not lines[-2]:
        yield f"{name}: expected exactly one line break at the end"


def texts():
    """The files people write: everything but what builds and environments leave behind."""
    folders = ["corrfast", "src_c", "tests", "asv_bench", "examples", "docs", ".ci"]
    suffixes = {".py", ".pyx", ".pxd", ".pyi", ".c", ".h", ".md", ".sh", ".toml", ".in", ".json", ""}
    paths = [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    generated = {"__pycache__", ".hypothesis", "results", "html", "env", "output", "build", "include"}
    return sorted(
        path
        for path in paths
        if path.is_file()
        and path.suffix in suffixes
        and not generated.intersection(path.relative_to(ROOT).parts)
        and path.name != "_core.c"
        and b"\0" not in path.read_bytes()[:1024]
    )


def main():
    sources = sorted(path for path in SOURCE.rglob("*") if path.suffix in (".c", ".h"))
    breaches = list(check_names(sources)) if sources else ["src_c/: no sources"]
    for path in sources:
        breaches += [*check_includes(path), *check_openmp(path)]
    written = texts()
    for path in written:
        breaches += check_text(path)
    for path in written:
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONG and path.suffix in (".py", ".pyx", ".c", ".h"):
            print(f"note: {path.relative_to(ROOT)} has {lines} lines; beyond {LONG}, see whether it divides along an idea")
    for breach in breaches:
        print(breach)
    print(f"check_house: {len(written)} files, {len(breaches)} breaches")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
