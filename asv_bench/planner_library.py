"""The C library with the method of each run forced: src_c/ compiled with forced_method.c in the place of core/plan.c, and called by ctypes."""

import ctypes as c
import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src_c"
FLAGS = ["-O2", "-fPIC", "-fopenmp", "-I", str(SOURCE)]

PASSES = ("forward", "backward_input", "backward_kernel")  # by the C library's numbers, as are the next three
PRECISIONS = ("default", "exact", "fast")
DTYPES = {"int16": 4, "int32": 6, "float32": 11, "float64": 12, "complex64": 14, "complex128": 15}
MOST = 64  # methods of a problem; the planner has 14, and as many for the children of the adjoint


class CProblem(c.Structure):
    """corrfast_problem."""

    _fields_ = [
        ("size", c.c_size_t), ("rank", c.c_int32), ("dtype", c.c_int32), ("accumulate", c.c_int32), ("conjugate", c.c_uint32),
        ("batch", c.c_int64), ("groups", c.c_int64), ("input_channels", c.c_int64), ("output_channels", c.c_int64),
        *((name, c.c_int64 * 3) for name in ("input_size", "kernel_size", "stride", "dilation", "padding_lo", "padding_hi")),
        ("boundary", c.c_int32 * 3), ("reserved", c.c_int32),
        *((name, c.c_int64 * 5) for name in ("input_stride", "kernel_stride", "output_stride")), ("cval", c.c_ubyte * 32),
    ]


class COptions(c.Structure):
    """corrfast_options."""

    _fields_ = [
        ("size", c.c_size_t), *((name, c.c_int32) for name in ("method", "precision", "threads", "thread_limit")),
        *((name, c.c_void_p) for name in ("parallel_for", "parallel_context", "allocate", "release", "allocator_context", "scratch")),
        ("scratch_size", c.c_size_t), *((name, c.c_void_p) for name in ("cancel", "cancel_context", "kernel")),
    ]


class CMethod(c.Structure):
    """forced_method."""

    _fields_ = [("name", c.c_char * 48), ("seconds", c.c_double), ("one", c.c_double), ("code", c.c_int32), ("chosen", c.c_int32)]


def compiler():
    """The C compiler's command, None if there is none."""
    words = shlex.split(os.environ.get("CC", "gcc" if shutil.which("gcc") else "cc"))
    return words if shutil.which(words[0]) else None


def build(folder, isa):
    """Compile what is not up to date in `folder`, with CFLAGS besides; return the library's path. Kernels are compiled for one instruction set:
    each takes a minute.
    """
    command = compiler()
    if not command:
        raise SystemExit("planner_grid: no C compiler found; CC can name one")
    flags = FLAGS + shlex.split(os.environ.get("CFLAGS", ""))
    folder = Path(folder, isa)
    folder.mkdir(parents=True, exist_ok=True)
    isas = {path.stem.removeprefix("isa_"): path for path in (SOURCE / "kernels").glob("isa_*.c")}
    if isa not in isas:
        raise SystemExit(f"planner_grid: no instruction set {isa!r}, expected one of {', '.join(sorted(isas))}")
    absent = folder / "absent.c"
    lines = [f"CF_HIDDEN const cf_kernels *const CF_TABLE({name}) = 0;" for name in sorted(isas) if name != isa]
    text = "\n".join(['#include "kernels/table.h"', *lines, ""])
    if not absent.exists() or absent.read_text() != text:
        absent.write_text(text)
    left_out = {SOURCE / "core" / "plan.c", *(path for name, path in isas.items() if name != isa)}
    sources = [isas[isa], *sorted(set(SOURCE.rglob("*.c")) - left_out - {isas[isa]}), Path(__file__).with_name("forced_method.c"), absent]

    def compile_one(source):
        made = folder / f"{source.stem}.o"
        if not is_current(made):
            subprocess.run([*command, *flags, "-MMD", "-c", source, "-o", made], check=True)
        return made

    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    library = folder / "forced.so"
    if not library.exists() or any(made.stat().st_mtime_ns >= library.stat().st_mtime_ns for made in objects):
        subprocess.run([*command, "-shared", *flags, *objects, "-o", library, "-lm"], check=True)
    return library


def is_current(made):
    """Whether an object is newer than all that it was made of, as the compiler wrote it down beside."""
    notes = made.with_suffix(".d")
    if not made.exists() or not notes.exists():
        return False
    parts = re.split(r"(?<!\\)\s+", notes.read_text().partition(":")[2].replace("\\\n", " ").strip())
    paths = [Path(part.replace("\\ ", " ")) for part in parts]
    return all(path.exists() and path.stat().st_mtime_ns < made.stat().st_mtime_ns for path in paths)


class Library:
    """The methods of problems, and the seconds of each."""

    def __init__(self, path, precision, threads):
        self.c = c.CDLL(str(path))
        self.c.forced_seconds.restype = c.c_double
        self.c.corrfast_isa.restype = c.c_char_p
        if not self.c.corrfast_isa():
            raise SystemExit("planner_grid: this processor lacks the instruction set that was compiled, or CORRFAST_ISA names another")
        self.isa = self.c.corrfast_isa().decode()
        self.options = COptions(c.sizeof(COptions), 0, PRECISIONS.index(precision), threads)

    def methods(self, problem, arrays):
        """What the planner may choose among: `{name: CMethod}`."""
        found = (CMethod * MOST)()
        known = arrays[1].ctypes.data if problem.pass_ == "forward" else None
        count = self.c.forced_methods(c.byref(describe(problem, arrays)), PASSES.index(problem.pass_), c.byref(self.options), c.c_void_p(known),
                                      found, MOST)
        if count < 1:
            raise RuntimeError(f"{problem}: status {count}")
        return {each.name.decode(): each for each in found[:count]}

    def seconds(self, problem, arrays, code, samples=1, calls=1):
        """Seconds of a call: the least of `samples`, each of `calls` of them."""
        pointers = [c.c_void_p(array.ctypes.data) for array in arrays]
        took = self.c.forced_seconds(c.byref(describe(problem, arrays)), PASSES.index(problem.pass_), c.byref(self.options), c.c_int(code), *pointers,
                                     c.c_int64(samples), c.c_int64(calls))
        if took < 0:
            raise RuntimeError(f"{problem}: status {took:.0f} of method {code}")
        return took


def describe(problem, arrays):
    """The corrfast_problem of contiguous arrays (input, kernel, output), each with two axes for batch and channels in front."""
    rank = len(problem.n)
    p = CProblem(size=c.sizeof(CProblem), rank=rank, dtype=DTYPES[problem.dtype], batch=problem.batch, groups=problem.groups,
                 input_channels=problem.channels, output_channels=problem.couts)
    p.input_size[:rank], p.kernel_size[:rank] = problem.n, problem.k
    p.stride[:rank], p.dilation[:rank] = [problem.stride] * rank, [problem.dilation] * rank
    p.padding_lo[:rank] = [lo for lo, _ in problem.padding]
    p.padding_hi[:rank] = [hi for _, hi in problem.padding]
    for field, array in zip((p.input_stride, p.kernel_stride, p.output_stride), arrays):
        field[: rank + 2] = [stride // array.itemsize for stride in array.strides]
    return p
