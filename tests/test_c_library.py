"""The C library compiled on its own, without flags, gives the bits of the Python package."""
import concurrent.futures
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import corrfast

ROOT = Path(__file__).resolve().parents[1]
# Element i is CORRFAST_BOOL + i of corrfast.h, whose values are pinned.
DTYPES = "? b B h H i I q Q e f d g F D G".split()
PASSES = FORWARD, BACKWARD_INPUT, BACKWARD_KERNEL = range(3)


@pytest.fixture(scope="module", params=["gcc", "clang"])
def solve(request, tmp_path_factory):
    """tests/c/solve.c and src_c/, compiled by `cc -O2`, nothing else; the library is run.sh's if that was built before in the same run."""
    compiler = shutil.which(request.param)
    if not compiler:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    objects = sorted(Path(os.environ.get("CORRFAST_C_BUILDS", folder), request.param).glob("*.o"))
    sources = [] if objects else sorted((ROOT / "src_c").rglob("*.c"), key=lambda path: "isa_" not in path.name)

    def compile_one(source):
        subprocess.run([compiler, "-O2", "-c", source, "-I", ROOT / "src_c", "-o", folder / f"{source.stem}.o"], check=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, [*sources, ROOT / "tests" / "c" / "solve.c"]))
    subprocess.run([compiler, *folder.glob("*.o"), *objects, "-o", folder / "solve", "-lm"], check=True)
    return folder / "solve"


def random_problems(count, seed=20261121):
    """(pass, input, kernel, output, spec) as corrfast._core.run takes them, of every dtype, with values that round."""
    rng = np.random.default_rng(seed)
    chosen = itertools.cycle(DTYPES)
    while count:
        rank, groups = int(rng.integers(1, 4)), int(rng.integers(1, 3))
        most, longest = [(0, 0), (400, 80), (40, 9), (14, 4)][rank]
        n, k = rng.integers(1, most, rank), rng.integers(1, longest, rank)
        plain = rng.random() < 0.5
        stride, dilation = (np.ones((2, rank), int) if plain else rng.integers(1, 4, (2, rank))).tolist()
        padding = np.zeros((rank, 2), int) if plain else rng.integers(-1, 6, (rank, 2))
        m = [(a + sum(p) - d * (b - 1) - 1) // s + 1 for a, b, s, d, p in zip(n, k, stride, dilation, padding)]
        if min(m) < 1:
            continue
        count -= 1
        dtype = np.dtype(next(chosen))
        boundary = rng.integers(0, 5, rank).tolist()
        batch, ci, co = (int(x) for x in rng.integers(1, 4, 3))
        shapes = (batch, groups * ci, *n), (groups * co, ci, *k), (batch, groups * co, *m)
        arrays = [random_array(rng, shape, dtype) for shape in shapes]
        conjugate = int(rng.integers(0, 8)) if dtype.kind == "c" else 0
        spec = (stride, dilation, padding.tolist(), boundary, dtype.type(0), groups, conjugate, 0, 0, 1)
        yield int(rng.integers(0, 3)), *arrays, spec


def random_array(rng, shape, dtype):
    if dtype.kind == "b":
        return rng.random(shape) < 0.3
    if dtype.kind in "iu":
        return np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape)).astype(dtype) if dtype.kind == "c" else values.astype(dtype)


def as_input(pass_, x, w, y, spec):
    """The problem in the words of solve.c."""
    stride, dilation, padding, boundary, _, groups, conjugate = spec[:7]
    axes = zip(x.shape[2:], w.shape[2:], stride, dilation, padding, boundary)
    numbers = [pass_, DTYPES.index(x.dtype.char) + 1, x.itemsize, x.ndim - 2, conjugate, len(x), groups, x.shape[1], len(w)]
    for n, k, s, d, (lo, hi), rule in axes:
        numbers += [n, k, s, d, lo, hi, rule]
    return " ".join(map(str, numbers)).encode() + b"\n" + x.tobytes() + w.tobytes() + y.tobytes()


def without_padding(array):
    """What tells two arrays apart: the bytes, but for long doubles, which have some that mean nothing."""
    return repr(array.tolist()) if array.dtype.char in "gG" else array.tobytes()


def test_the_same_bits_as_the_package(solve):
    problems = [(pass_, *(np.array(a) for a in arrays), spec) for pass_, *arrays, spec in random_problems(320)]
    isa = corrfast._core.config()["isa"]
    ran = subprocess.run([solve], input=b"".join(as_input(*problem) for problem in problems), capture_output=True, check=False,
                         env={**os.environ, "CORRFAST_ISA": isa})
    assert ran.returncode == 0, ran.stderr.decode()
    at = 0
    for pass_, x, w, y, spec in problems:
        written = (y, x, w)[pass_]
        corrfast._core.run(pass_, x, w, y, spec)
        got = np.frombuffer(ran.stdout, written.dtype, written.size, at).reshape(written.shape)
        at += written.nbytes
        assert without_padding(got) == without_padding(written), (pass_, x.shape, w.shape, x.dtype, spec)
    assert at == len(ran.stdout)
