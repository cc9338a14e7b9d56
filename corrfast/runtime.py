"""Threads of the process, and what was built."""

from __future__ import annotations

import os
from os.path import dirname, isfile, join
from typing import Any

import numpy as np

from . import _core
from . import arguments as arg

__all__ = ["get_include", "get_num_threads", "set_num_threads", "show_config"]

_chosen: int | None = None  # what set_num_threads set


def get_num_threads() -> int:
    """The number of threads that a call uses at most, where `workers` does not say.

    Unless `set_num_threads` has set it, that is the number of processors in the affinity mask of the process, but not more than
    the CPU quota of its cgroup or `OMP_NUM_THREADS`, all three as they were when corrfast was imported, nor than what the OpenMP
    runtime says now (`threadpoolctl` sets that).

    Returns
    -------
    int
        At least 1.

    See Also
    --------
    set_num_threads

    Examples
    --------
    >>> import corrfast
    >>> corrfast.get_num_threads() >= 1
    True
    """
    return _chosen or min(_LIMIT, _core.openmp_max_threads())


def set_num_threads(n: int | None = None) -> None:
    """Set the number of threads that a call uses at most, where `workers` does not say.

    Parameters
    ----------
    n : int or None, optional
        At least 1. None goes back to what the machine allows; see `get_num_threads`.

    Raises
    ------
    ValueError
        If `n` is below 1.
    TypeError
        If `n` is not an integer.

    Examples
    --------
    >>> import corrfast
    >>> corrfast.set_num_threads(1)
    >>> corrfast.get_num_threads()
    1
    >>> corrfast.set_num_threads()
    """
    global _chosen
    if n is None:
        count = None
    else:
        count = arg.integer(n, "n")
        if count < 1:
            raise ValueError(f"n={n!r}: expected at least 1, or None for what the machine allows")
        count = min(count, arg.INT32_MAX)
    _core.set_default_workers(count or _LIMIT, count is not None)
    _chosen = count


def _processors() -> int:
    """Return the number of processors that the process may run on."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_cgroup_quota(root: str = "/") -> int | None:
    """Return the processors' worth of time that the cgroup of the process may use, rounded up; None if there is no limit.

    That is the smallest quota of the group and of those above it, in version 1 or 2 of cgroups. `root` is the root folder.
    """
    quotas = []
    for line in _read(join(root, "proc/self/cgroup")).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            mounts, quota = ("", "unified"), _quota_v2
        elif "cpu" in controllers.split(","):
            mounts, quota = (controllers, "cpu"), _quota_v1
        else:
            continue
        names = [name for name in group.split("/") if name]
        for mount in mounts:
            quotas += [quota(join(root, "sys/fs/cgroup", mount, *names[:depth])) for depth in range(len(names) + 1)]
    return min([each for each in quotas if each], default=None)


def _quota_v2(folder: str) -> int | None:
    return _round_up(_read(join(folder, "cpu.max")).split())


def _quota_v1(folder: str) -> int | None:
    return _round_up([_read(join(folder, f"cpu.cfs_{name}_us")).strip() for name in ("quota", "period")])


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # no such group, or no cgroups at all
        return ""


def _round_up(words: list[str]) -> int | None:
    """Return quota / period from their digits; None if these are no numbers above 0: "max", "-1", or nothing to read."""
    if len(words) != 2 or not all([word.isdigit() and int(word) for word in words]):
        return None
    quota, period = map(int, words)
    return -(-quota // period)


def _limit() -> int:
    """Return the most threads that this process should start by itself."""
    limits = [_processors(), read_cgroup_quota()]
    try:
        limits.append(int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0]))
    except ValueError:  # unset, or not a number: OpenMP ignores it, too
        pass
    return max(1, min(filter(None, limits)))


#: Read once, at import; what OpenMP says is asked at every call that is worth a second thread.
_LIMIT = _limit()
_core.set_default_workers(_LIMIT, False)

_LABELS = {"openmp": "OpenMP", "isa": "instruction set", "isas": "compiled for", "cython": "Cython", "numpy": "NumPy"}


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Print what was built, with what, and what the processor offers.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, optional
        "dicts" returns it instead of printing it.

    Returns
    -------
    dict or None
        The versions, the compiler, whether OpenMP is in, the instruction sets compiled (usable
        here or not, checked on hardware, an emulator or never) and the one in use.

    Raises
    ------
    ValueError
        If `mode` is neither.

    Examples
    --------
    >>> import corrfast
    >>> corrfast.show_config("dicts")["version"] == corrfast.__version__
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode={mode!r}: expected 'stdout' or 'dicts'")
    config = {**_core.config(), "numpy": np.__version__, "threads": get_num_threads()}
    if mode == "dicts":
        return config
    text = dict(config)
    text["openmp"] = "yes" if config["openmp"] else "no"
    text["isas"] = ", ".join(map(_describe_isa, config["isas"]))
    print("corrfast")
    for name, value in text.items():
        print(f"  {_LABELS.get(name, name):<16} {value}")
    return None


def _describe_isa(isa):
    """The name, and what one has to know: not every instruction set can run here, or has ever been seen to run."""
    remarks = [] if isa["usable"] else ["not on this processor"]
    if isa["checked"] == "emulator":
        remarks.append("checked on an emulator only")
    elif isa["checked"] is None:
        remarks.append("never checked, used only where CORRFAST_ISA names it")
    return isa["name"] + (f" ({', '.join(remarks)})" if remarks else "")


def get_include() -> str:
    """Return the folder of `corrfast.h`, the header of the C library.

    Returns
    -------
    str
        The folder inside the installed package, or that of the sources.

    Raises
    ------
    FileNotFoundError
        If the header is in neither.

    Examples
    --------
    >>> import corrfast, os
    >>> os.path.exists(os.path.join(corrfast.get_include(), "corrfast.h"))
    True
    """
    package = dirname(os.path.abspath(__file__))
    folders = join(package, "include"), join(dirname(package), "src_c")
    for folder in folders:
        if isfile(join(folder, "corrfast.h")):
            return folder
    raise FileNotFoundError(f"corrfast.h is in neither of {' and '.join(folders)}")
