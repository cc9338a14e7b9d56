"""What the benchmarks share: how they are sampled, arrays by name, and the rate of a call."""

import math
import statistics
import timeit
from functools import lru_cache

import numpy as np

import corrfast
from corrfast.bench.cases import Filter

SEED = 20260101


class Benchmark:
    """How benchmarks are sampled. Each class says its own `version`: asv's default, a hash of the source, forgets all results
    when a line of it changes. Raise it when what is measured changes, and only then.
    """

    timeout = 60
    warmup_time = 0.05
    # Samples at least, at most, and seconds for them, in each of two rounds. From asv_runner 0.3 on a sample is a single call
    # after a `setup`, and 5 of them, the default, say little. Such a sample is 0.4 us too long (corrfast.correlate of 50 and 10
    # doubles: 0.77 instead of 0.38 us, Xeon, AVX2); calls for which that is much are timed by a `timeraw_`, in a loop.
    repeat = (3, 1000, 0.3)


def public(name):
    """corrfast's function of that name. asv skips a benchmark whose `setup` raises NotImplementedError."""
    try:
        return getattr(corrfast, name)
    except AttributeError:
        raise NotImplementedError(f"corrfast {corrfast.__version__} has no {name}") from None


def shapes(case):
    """The shapes of the arrays that a name like "512x512*7x7" stands for."""
    return [tuple(map(int, sizes.split("x"))) for sizes in case.split("*")]


@lru_cache(maxsize=2)  # `setup` runs before every sample: the arrays stay the same ones, and warm
def arrays(case, dtype, gaussian=False):
    """The signal and the kernel, every page of them written."""
    return Filter("asv", *shapes(case), dtype, gaussian=gaussian).arrays(np.random.default_rng(SEED))


def gflops(run, taps):
    """Effective GFLOP/s of a real correlation: two operations for each product of the definition, however it is computed."""
    outputs = math.prod(run().shape)
    return round(2e-9 * taps * outputs / seconds(run), 3)


def peak_fraction(run, taps, dtype):
    """The share of what a core can do at most, by a loop of multiply-adds on registers timed beside the call."""
    peak = getattr(corrfast._core, "peak", lambda *_: 0)
    if not peak(dtype, 1):
        raise NotImplementedError(f"corrfast {corrfast.__version__} measures no peak here")
    outputs, done = math.prod(run().shape), peak(dtype, 20_000)
    shares = [taps * outputs / seconds(run, 1) / (done / seconds(lambda: peak(dtype, 20_000), 1)) for _ in range(9)]
    return round(statistics.median(shares), 4)


def seconds(run, rounds=9, sample=0.01):
    """Median seconds of a call: asv samples `time_`, but leaves a `track_` to itself."""
    timer = timeit.Timer(run)
    calls = max(1, int(sample / max(1e-9, min(timer.repeat(3, 1)))))
    return statistics.median(timer.repeat(rounds, calls)) / calls
