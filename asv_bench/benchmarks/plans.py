"""How calls are planned: corrfast.plans."""

import corrfast

from .common import Benchmark, public, shapes


class Explain(Benchmark):
    """Planning without computing, and the memory that the plan takes besides the arrays."""

    version = "1"
    param_names = ["case", "pass_"]
    params = [
        ["1000*31", "1000000*1023", "2048x2048*7x7", "512x512*31x31", "128x128x128*5x5x5"],
        ["forward", "backward_input", "backward_kernel"],
    ]

    def setup(self, case, pass_):
        public("explain")
        self.a, self.v = ((shape, "float32") for shape in shapes(case))

    def explain(self, pass_):
        return corrfast.explain(corrfast.correlate, self.a, self.v, pass_=pass_)

    def time_explain(self, case, pass_):
        self.explain(pass_)

    def track_scratch(self, case, pass_):
        return self.explain(pass_).scratch_bytes

    track_scratch.unit = "bytes"
