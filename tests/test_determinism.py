"""The bits of a result depend on its sample alone: not on threads, alignment, batch, neighbours or the run."""
import itertools

import corrfast
import numpy as np
import pytest
from comparison import assert_same_bits
from layouts import at_offset
from problems import random_reals
from processes import python

# Each large enough that its work is divided among threads (some ten million multiply-adds), in sizes that no tile divides.
LARGE = {"1-D short": ((300_007,), (31,), {"mode": "same"}),
         "1-D long": ((50_021,), (513,), {"mode": "valid"}),
         "1-D strided": ((600_011,), (63,), {"stride": 3, "boundary": "reflect", "mode": "same"}),
         "1-D dilated": ((300_007,), (33,), {"dilation": 3, "mode": "full"}),
         "rows": ((61, 5003), (33,), {"mode": "same", "boundary": "wrap"}),
         "a kernel a row": ((61, 5003), (61, 33), {"axes": 1}),
         "2-D": ((701, 613), (5, 6), {"mode": "same", "boundary": "symmetric"}),
         "2-D large kernel": ((263, 241), (17, 15), {"mode": "full"}),
         "2-D strided": ((901, 813), (7, 5), {"stride": (2, 3), "mode": "same"}),
         "2-D dilated": ((501, 513), (5, 5), {"dilation": (3, 2), "mode": "same", "boundary": "edge"}),
         "images": ((13, 227, 211), (5, 5), {"mode": "same"}),
         "columns": ((5003, 61), (33,), {"axes": 0, "mode": "same"}),
         "3-D": ((67, 71, 73), (3, 3, 5), {"mode": "same", "boundary": "reflect"})}


def all_passes(g, a, v, options, **more):
    ga, gv = corrfast.correlate_vjp(g, a, v, **options, **more)
    return {"forward": corrfast.correlate(a, v, **options, **more), "ga": ga, "gv": gv}


def large(name, dtype):
    a_shape, v_shape, options = LARGE[name]
    rng = np.random.default_rng(1)
    a, v = random_reals(rng, a_shape, dtype), random_reals(rng, v_shape, dtype)
    g = random_reals(rng, corrfast.correlate(a, v, **options).shape, dtype)
    return g, a, v, options


@pytest.mark.parametrize("name, dtype", [*itertools.product(LARGE, "fdFDi"), *itertools.product(["1-D short", "rows", "2-D"], "e?Bl"),
                                         ("1-D short", "g"), ("1-D short", "G")])
def test_any_number_of_threads(name, dtype):
    g, a, v, options = large(name, dtype)
    want = all_passes(g, a, v, options, workers=1)
    for workers in (2, 3, 4):
        for which, got in all_passes(g, a, v, options, workers=workers).items():
            assert_same_bits(got, want[which], f"{which} with {workers} workers")


@pytest.mark.parametrize("name", LARGE)
def test_the_conv_transpose_of_any_number_of_threads(name):
    g, a, v, options = large(name, "f")
    options = {key: x for key, x in options.items() if key != "boundary"}
    want = corrfast.conv_transpose(g, v, **options, workers=1)
    for workers in (2, 3, 4):
        assert_same_bits(corrfast.conv_transpose(g, v, **options, workers=workers), want, workers)


@pytest.mark.parametrize("dtype", "fdFD")
@pytest.mark.parametrize("name", LARGE)
def test_alone_or_in_a_batch(name, dtype):
    """A sample's results and its array gradient are the same wherever it stands in a batch, and however large that is."""
    g, a, v, options = large(name, dtype)
    if "axes" in options:
        options = {**options, "axes": options["axes"] - a.ndim}
    alone = all_passes(g, a, v, options, workers=1)
    if v.ndim == a.ndim and "axes" in options:      # a kernel a row: the new axis shares them
        v = v[None]
    rng = np.random.default_rng(2)
    for place, size in ((0, 2), (1, 3), (3, 4)):
        many_a = np.stack([a if i == place else random_reals(rng, a.shape, dtype) for i in range(size)])
        many_g = np.stack([g if i == place else random_reals(rng, g.shape, dtype) for i in range(size)])
        got = all_passes(many_g, many_a, v, options, workers=2)
        assert_same_bits(got["forward"][place], alone["forward"], (place, size))
        assert_same_bits(got["ga"][place], alone["ga"], (place, size))


def test_the_kernel_gradient_of_a_batch_is_the_sum_in_order():
    """Samples of a batch are added one after the other, so that its bits too depend on nothing else."""
    rng = np.random.default_rng(3)
    a, v, g = (random_reals(rng, shape, "f") for shape in ((5, 70, 81), (3, 4), (5, 68, 78)))
    _, once = corrfast.correlate_vjp(g, a, v, workers=1)
    for workers in (2, 3, 4):
        assert_same_bits(corrfast.correlate_vjp(g, a, v, workers=workers)[1], once)


@pytest.mark.parametrize("dtype", "fdF")
@pytest.mark.parametrize("name", ["1-D short", "2-D", "3-D", "columns"])
def test_every_alignment_with_threads(name, dtype):
    """64 places in a cache line, of every array, with a different number of threads each time."""
    a_shape, v_shape, options = {"1-D short": ((20_011,), (31,), {"mode": "same"}), "2-D": ((131, 127), (5, 6), {"mode": "same"}),
                                 "3-D": ((23, 29, 31), (3, 3, 5), {"mode": "same"}),
                                 "columns": ((503, 21), (33,), {"axes": 0})}[name]
    rng = np.random.default_rng(4)
    a, v = random_reals(rng, a_shape, dtype), random_reals(rng, v_shape, dtype)
    g = random_reals(rng, corrfast.correlate(a, v, **options).shape, dtype)
    want = all_passes(g, a, v, options, workers=1)
    for offset in range(64):
        arrays = at_offset(g, offset), at_offset(a, (offset * 5 + 4) % 64), at_offset(v, (offset * 3 + 8) % 64)
        for which, got in all_passes(*arrays, options, workers=1 + offset % 4).items():
            assert_same_bits(got, want[which], (which, offset))


def test_what_lies_beside_a_sample_does_not_matter():
    """NaNs, infinities and huge numbers around an array never reach its results, not even their rounding."""
    rng = np.random.default_rng(5)
    inner, v = random_reals(rng, (40, 37), "f"), random_reals(rng, (5, 3), "f")
    want = corrfast.correlate(inner, v, "same", boundary="reflect")
    for filler in (0, np.nan, np.inf, 1e30):
        outer = np.full((60, 70), filler, dtype="f")
        outer[10:50, 20:57] = inner
        assert_same_bits(corrfast.correlate(outer[10:50, 20:57], v, "same", boundary="reflect"), want)


FINGERPRINT = """
import hashlib, numpy as np, corrfast
rng = np.random.default_rng(7)
total = hashlib.sha256()
for shape, kernel in [((100_003,), (65,)), ((401, 307), (7, 6)), ((41, 43, 47), (3, 4, 3))]:
    for dtype in "fdFD":
        a, v = rng.standard_normal(shape).astype(dtype), rng.standard_normal(kernel).astype(dtype)
        for x in (corrfast.correlate(a, v, "same"), *corrfast.correlate_vjp(a, a, v, "same")):
            total.update(x.tobytes())
print(total.hexdigest())
"""


def test_every_run_and_every_default_number_of_threads():
    """New processes, with new addresses in memory and other thread counts by environment."""
    runs = [python("-c", FINGERPRINT, OMP_NUM_THREADS=threads) for threads in ("1", "2", "3", "4")]
    assert [ran.returncode for ran in runs] == [0] * 4, runs[0].stderr
    assert len({ran.stdout for ran in runs}) == 1


def test_prepared_kernels_give_the_bits_of_plain_calls():
    for name in LARGE:
        _, a, v, options = large(name, "f")
        assert_same_bits(corrfast.prepare(v, **options)(a), corrfast.correlate(a, v, **options), name)


def test_equal_rows_of_many_complex_planes():
    """A block of several rows and the row that is left over are sums of more planes than a kernel keeps apart."""
    rng = np.random.default_rng(4)
    a = np.repeat(random_reals(rng, (27, 1, 134), "D"), 5, 1)
    y = corrfast.correlate(a, random_reals(rng, (27, 1, 4), "D"), stride=(1, 1, 2), method="direct")[0]
    for row in y[1:]:
        assert_same_bits(row, y[0])


@pytest.mark.parametrize("precision", ["default", "fast"])
def test_short_calls_have_the_bits_of_planned_ones(precision):
    """One-dimensional calls skip the planner where transforms could not be chosen: lengths on both sides of that, in every second sample too."""
    rng = np.random.default_rng(3)
    for dtype in (np.float32, np.float64, np.complex64, np.complex128):
        for n in (200, 500, 1000, 2000, 5000, 16000):
            spread = np.zeros(2 * n, dtype)
            spread[::2] = random_reals(rng, (n,), dtype)
            for k in range(16, min(n, 400), 9):
                v = random_reals(rng, (k,), dtype)
                planned = corrfast.correlate(spread[::2], v, precision=precision)
                assert_same_bits(corrfast.correlate(spread[::2].copy(), v, precision=precision), planned)
