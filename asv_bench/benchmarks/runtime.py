"""What it costs to have corrfast in a process: corrfast.runtime, and the package as a whole."""

import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import corrfast

from .common import Benchmark, arrays, seconds, shapes


def two_cores():
    """Skip a benchmark where the process may run on one core only."""
    cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    if len(cores) < 2:
        raise NotImplementedError("this process has one core")


class Import(Benchmark):
    version = "1"
    repeat = (5, 20, 3.0)
    warmup_time = 0

    def timeraw_import(self):
        return "import corrfast"

    def timeraw_import_after_numpy(self):
        return "import corrfast", "import numpy"


class Size(Benchmark):
    version = "1"

    def track_extension(self):
        """The compiled module with the kernels of all instruction sets."""
        return sum(file.stat().st_size for file in Path(corrfast.__file__).parent.glob("_core*.so"))

    track_extension.unit = "bytes"


class PeakMemory(Benchmark):
    """Of a process that has imported the suite and calls once, on arrays made in place: a larger temporary would be what is measured."""

    version = "1"
    param_names = ["case"]
    params = [["1000000*31", "1000000*1023", "2048x2048*7x7", "512x512*31x31", "128x128x128*5x5x5"]]

    def setup(self, case):
        self.a, self.v = (np.ones(shape, np.float32) for shape in shapes(case))

    def peakmem_correlate(self, case):
        corrfast.correlate(self.a, self.v)


class Threads(Benchmark):
    """How much faster two threads are than one where arithmetic dominates."""

    version = "1"
    param_names = ["case"]
    params = [["1000000*127", "512x512*11x11", "2048x2048*7x7", "128x128x128*7x7x7"]]

    def setup(self, case):
        two_cores()
        self.a, self.v = arrays(case, "float32")

    def track_gain(self, case):
        out = corrfast.correlate(self.a, self.v)

        def by(workers):
            return seconds(lambda: corrfast.correlate(self.a, self.v, out=out, workers=workers), 3)

        return round(statistics.median(by(1) / by(2) for _ in range(5)), 3)

    track_gain.unit = "x"


class Cores(Benchmark):
    """The same for multiply-adds on registers alone: the most that the machine allows."""

    version = "1"

    def setup(self):
        two_cores()
        self.rounds = 20_000_000  # some 50 ms: starting a thread must not count
        if not getattr(corrfast._core, "peak", lambda *_: 0)("float32", 1):
            raise NotImplementedError(f"corrfast {corrfast.__version__} measures no peak here")

    def track_gain(self):
        with ThreadPoolExecutor(2) as pool:

            def by(workers):
                return seconds(lambda: list(pool.map(corrfast._core.peak, ["float32"] * workers, [self.rounds] * workers)), 3)

            return round(statistics.median(2 * by(1) / by(2) for _ in range(5)), 3)

    track_gain.unit = "x"
