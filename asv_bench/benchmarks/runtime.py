"""What it costs to have corrfast in a process: corrfast.runtime, and the package as a whole."""

from pathlib import Path

import numpy as np

import corrfast

from .common import Benchmark, shapes


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
