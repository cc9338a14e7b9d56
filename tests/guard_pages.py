"""Runs generated problems with every array against a page that may not be touched: a read or write outside ends this process.

    python guard_pages.py end|start

`test_guard_pages.py` starts it for each instruction set; it prints how many problems it compared with the oracle.
"""
import ctypes
import faulthandler
import mmap
import sys

import comparison
import conftest  # noqa: F401  (loads the profile)
import corrfast
import numpy as np
from comparison import assert_exact, assert_identical
from corrfast import reference
from hypothesis import given
from hypothesis import strategies as st
from layer_problems import layer_problems
from problems import Problem, generated, plain_problems, problems, small_integers

PAGE = mmap.PAGESIZE


class Arena:
    """Memory between two forbidden pages."""

    def __init__(self, size):
        self.size = -(-size // PAGE) * PAGE
        self.map = mmap.mmap(-1, self.size + 2 * PAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        for page in (first, first + PAGE + self.size):
            if mprotect(page, PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")

    def hold(self, array, side):
        """A C-contiguous copy that ends (or starts) exactly at a forbidden page."""
        start = PAGE if side == "start" else PAGE + self.size - array.nbytes
        held = np.frombuffer(self.map, dtype=np.uint8, count=array.nbytes, offset=start).view(array.dtype).reshape(array.shape)
        held[...] = array
        return held


ARENAS = [Arena(1 << 26) for _ in range(6)]  # only what is used takes memory
SIDE = sys.argv[1] if len(sys.argv) > 1 else "end"


def guarded(problem, reverse=False, oracle=reference):
    """All three passes on guarded inputs into guarded outputs; `reverse`: inputs through negative strides.

    Without an oracle the results are not looked at: other tests do, and sooner.
    """
    a, v = problem.operands()
    g, options = problem.gradient(), problem.options
    turn = (lambda x: x[(slice(None, None, -1),) * x.ndim]) if reverse else (lambda x: x)
    a, v, g = (turn(arena.hold(np.ascontiguousarray(turn(x)), SIDE)) for arena, x in zip(ARENAS, (a, v, g), strict=False))
    out = ARENAS[3].hold(np.ones(g.shape, problem.dtype), SIDE)

    def sums(**choice):
        return getattr(corrfast, problem.function)(a, v, out=out, **{**options, **choice}).copy()

    if oracle:
        assert_exact(sums, getattr(oracle, problem.function)(a, v, **options))
        comparison.count()
    else:
        sums()
    if problem.a_dtype == problem.v_dtype == problem.dtype:
        outs = tuple(arena.hold(np.ones(x.shape, x.dtype), SIDE) for arena, x in zip(ARENAS[4:], (a, v), strict=True))

        def gradients(**choice):
            got = getattr(corrfast, problem.function + "_vjp")(g, a, v, out=outs, **{**options, **choice})
            return tuple(x.copy() for x in got)

        if oracle:
            assert_exact(gradients, tuple(getattr(oracle, problem.function + "_vjp")(g, a, v, **options)))
            comparison.count(2)
        else:
            gradients()


@given(problem=problems(any_layout=False))
@generated(250)
def any_problem(problem):
    for variant in problem.variants():
        guarded(variant, reverse=problem.seed % 2 == 1)


@given(problem=plain_problems(any_layout=False))
@generated(50)
def plain_calls(problem):
    for variant in problem.variants():
        guarded(variant)


@given(problem=layer_problems(layouts=st.just("C")), transposed=layer_problems(transposed_=True, layouts=st.just("C")))
@generated(50)
def layers(problem, transposed):
    """All passes of layers of every kind."""
    for layer in (*problem.variants(mixed=False), *transposed.variants(mixed=False)):
        arrays = x, w, bias = layer.operands()
        x, w, bias = (None if array is None else arena.hold(array, SIDE) for arena, array in zip(ARENAS, arrays, strict=False))
        want = layer.oracle(x, w, bias)
        out = ARENAS[3].hold(np.ones(want.shape, want.dtype), SIDE)
        layer.call(x, w, bias, out=out)
        assert_identical(out, want)
        places = tuple(arena.hold(np.ones(shape, want.dtype), SIDE)
                       for arena, shape in zip(ARENAS[3:], (x.shape, w.shape, (layer.out_channels,)), strict=True))
        g = ARENAS[2].hold(small_integers(np.random.default_rng(layer.seed), want.shape, want.dtype), SIDE)
        layer.call(g, x, w, suffix="_vjp", out=places)
        for got, gradient in zip(places, layer.expected_gradients(g, x, w), strict=True):
            assert_identical(got, gradient)
        comparison.count(3)


def every_width():
    """All short lengths with all short kernels: each tail of each vector loop."""
    for dtype in map(np.dtype, "fdFDhBe"):
        for n in range(1, 50):
            for k in (1, 2, 3, 4, 5, 7, 8, 9, 16, 17):
                guarded(Problem("correlate", (n,), (k,), dtype, dtype, {"mode": "same", "boundary": "reflect"}), oracle=None)
                if k <= n:
                    guarded(Problem("correlate", (n,), (k,), dtype, dtype, {"mode": "valid"}), oracle=None)
    for dtype in map(np.dtype, "fd"):
        for n in range(1, 36):
            for k in ((1, 3), (3, 3), (5, 5)):
                guarded(Problem("convolve", (5, n), k, dtype, dtype, {"mode": "full"}), oracle=None)
                guarded(Problem("convolve", (5, n), k, dtype, dtype, {"mode": "same", "stride": 2}), oracle=None)


if __name__ == "__main__":
    faulthandler.enable()
    for check in (every_width, any_problem, plain_calls, layers):
        check()
    print(f"corrfast: {comparison.compared} generated problems compared with the oracle, ISA {conftest.active_isa()}")
