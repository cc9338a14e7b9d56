from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .arguments import Spec

def correlate(
    a: ArrayLike,
    v: ArrayLike,
    mode: str | int = "valid",
    *,
    axes: int | Iterable[int] | None = None,
    stride: int | Iterable[int] = 1,
    dilation: int | Iterable[int] = 1,
    padding: int | Iterable[int | Iterable[int]] | None = None,
    boundary: str | Iterable[str] = "constant",
    cval: complex = 0,
    method: str = "auto",
    precision: str | None = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray | None = None,
    workers: int | None = None,
) -> np.ndarray: ...
def convolve(
    a: ArrayLike,
    v: ArrayLike,
    mode: str | int = "full",
    *,
    axes: int | Iterable[int] | None = None,
    stride: int | Iterable[int] = 1,
    dilation: int | Iterable[int] = 1,
    padding: int | Iterable[int | Iterable[int]] | None = None,
    boundary: str | Iterable[str] = "constant",
    cval: complex = 0,
    method: str = "auto",
    precision: str | None = None,
    dtype: DTypeLike | None = None,
    out: np.ndarray | None = None,
    workers: int | None = None,
) -> np.ndarray: ...
def run(pass_: int, input: np.ndarray, kernel: np.ndarray, output: np.ndarray, spec: Spec) -> None: ...

class PlannedRun:
    MOST: int
    def __call__(self, pass_: int, input: np.ndarray, kernel: np.ndarray, output: np.ndarray, spec: Spec) -> None: ...

def describe(pass_: int, input: np.ndarray, kernel: np.ndarray, output: np.ndarray, spec: Spec, known: bool = False) -> dict[str, Any]: ...
def scope_used(used: bool) -> None: ...
def set_default_workers(count: int, fixed: bool) -> None: ...
def openmp_max_threads() -> int: ...
def peak(dtype: DTypeLike, rounds: int) -> int: ...
def config() -> dict[str, Any]: ...
