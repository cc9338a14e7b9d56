"""Other Python processes that import the package under test, wherever it lies."""
import concurrent.futures
import contextlib
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import comparison
import corrfast

HERE = Path(__file__).parent


def python(*arguments, timeout=600, **environment):
    """Runs `python *arguments` here with more environment variables; those that are None are taken away."""
    path = os.pathsep.join([str(Path(corrfast.__file__).parent.parent), str(HERE)])
    env = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, *map(str, arguments)], env={name: x for name, x in env.items() if x is not None},
                          cwd=HERE, capture_output=True, text=True, timeout=timeout)


@contextlib.contextmanager
def at_once():
    """Gives a function that starts `python(...)` in the background, as many as there are CPUs, and returns a future."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield functools.partial(pool.submit, python, timeout=3600)


def expect_comparisons(ran, isa, at_least):
    """The process ended well, compared that many generated problems, and did so on that instruction set."""
    assert ran.returncode == 0, f"exit status {ran.returncode} on {isa}\n{ran.stdout[-6000:]}\n{ran.stderr[-4000:]}"
    said = re.search(r"corrfast: (\d+) generated problems compared with the oracle, ISA (\w+)", ran.stdout)
    assert said, ran.stdout[-2000:]
    assert said.group(2) == isa
    assert int(said.group(1)) >= at_least
    comparison.elsewhere[isa] = comparison.elsewhere.get(isa, 0) + int(said.group(1))
