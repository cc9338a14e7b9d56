"""How a call would be computed (`explain`), and how exactly it must be (`precision_scope`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from reprlib import repr as short_repr
from typing import Any

import numpy as np

from . import _core, calls, filters, layers, nn
from . import arguments as arg

__all__ = ["Alternative", "Plan", "explain", "precision_scope"]

_PASSES = {"forward": arg.FORWARD, "backward_input": arg.BACKWARD_INPUT, "backward_kernel": arg.BACKWARD_KERNEL}

#: What `explain` plans, each with its arrays.
_ARRAYS = {_core.correlate: ("a", "v"), _core.convolve: ("a", "v"), filters.conv_transpose: ("g", "v"),
           filters.correlate_vjp: ("g", "a", "v"), filters.convolve_vjp: ("g", "a", "v"),
           **{function: layers.ARRAYS[family] for function, (family, _) in nn.FAMILIES.items()}}
_BY_NAME = {function.__name__: function for function in _ARRAYS}


@dataclass(frozen=True)
class Alternative:
    """A method that was not chosen."""

    method: str
    seconds: float | None  #: the planner's estimate; None if the method cannot run the problem
    why_not: str


@dataclass(frozen=True)
class Plan:
    """How a call would be computed; made by `explain`."""

    function: str
    pass_: str  #: "forward", "backward_input" or "backward_kernel": what runs
    dtype: str  #: of the sums
    output_shape: tuple[int, ...]  #: of what the pass computes
    method: str
    why: str
    seconds: float  #: the planner's estimate, for one thread
    alternatives: tuple[Alternative, ...]
    tile: str  #: the piece of the result that is computed at a time
    scratch_bytes: int  #: memory taken besides the arrays, by all threads together
    shared_bytes: int  #: of these, what the threads share: packed weights, transforms of kernels, partial sums; the others are one thread's each
    isa: str
    threads: int

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "result", f"{self.output_shape} {self.dtype}"
        yield "method", _because(self.method, self.seconds, self.why)
        for other in self.alternatives:
            yield "not", _because(other.method, other.seconds, other.why_not)
        if self.tile:
            yield "tile", self.tile
        shared = f", {_size(self.shared_bytes)} of it for all threads" if self.shared_bytes else ""
        yield "scratch", _size(self.scratch_bytes) + shared
        yield "runs on", f"{self.isa}, {self.threads} thread{'s' if self.threads != 1 else ''}"

    @property
    def _title(self) -> str:
        return f"{self.function}, {self.pass_.replace('_', ' ')}"

    def __str__(self) -> str:
        """Return the plan as lines of text."""
        return "\n".join([self._title] + [f"  {name:<8} {value}" for name, value in self._rows()])

    def _repr_html_(self) -> str:
        """Return the plan as a table for notebooks."""
        from html import escape

        rows = "".join(f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
                       for name, value in self._rows())
        return f"<table><caption>{escape(self._title)}</caption>{rows}</table>"


def _because(method: str, seconds: float | None, reason: str) -> str:
    return ": ".join([word for word in (method, ", ".join([word for word in (_duration(seconds), reason) if word])) if word])


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.4g} {unit}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for scale, unit in ((1e-6, "ns"), (1e-3, "us"), (1.0, "ms")):
        if seconds < scale:
            return f"{seconds / scale * 1000:.3g} {unit}"
    return f"{seconds:.3g} s"


def explain(function: Callable[..., Any] | str, *args: Any, pass_: str = "forward", **kwargs: Any) -> Plan:
    """Plan a call and say how it would be computed, without computing it.

    Parameters
    ----------
    function : callable or str
        `correlate`, `convolve`, `conv_transpose`, `correlate_vjp`, `convolve_vjp`, or a function of `corrfast.nn`, or its name.
    *args, **kwargs
        Its arguments. A shape with a dtype may stand for an array: a tuple ``(shape, dtype)``, or any object with these two
        attributes; a kernel given so counts as not separable. `out` is ignored.
    pass_ : {"forward", "backward_input", "backward_kernel"}, optional
        Which pass of `correlate`, `convolve` or a layer to plan: itself, or the gradient for its first or its second array. For the
        `_vjp` functions the default is the first gradient that `needs` asks for.

    Returns
    -------
    Plan
        With the fields `method`, `why`, `seconds`, `alternatives`, `tile`, `scratch_bytes`, `shared_bytes`, `isa`, `threads` and
        more; print it.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As the call itself would.

    Examples
    --------
    >>> import corrfast
    >>> import numpy as np
    >>> plan = corrfast.explain(corrfast.correlate, ((512, 512), "float32"), ((3, 3), "float32"), "same")
    >>> plan.method, plan.output_shape
    ('direct', (512, 512))

    Whether a kernel is separable is seen where its samples are given:

    >>> corrfast.explain(corrfast.correlate, ((512, 512), "float32"), np.ones((9, 9), "float32"), "same").method
    'separable'
    """
    try:
        called = _BY_NAME[function] if isinstance(function, str) else function
        names = _ARRAYS[called]
    except (KeyError, TypeError):
        words = ", ".join(each.__name__ for each in _ARRAYS if each not in nn.FAMILIES)
        raise ValueError(f"function={short_repr(function)}: expected one of corrfast's {words}, or a function of corrfast.nn") from None
    asked = arg.choose(pass_, _PASSES, "pass_")
    bound = _bind(called, args, kwargs)
    known = [bound[name] for name in names if name in ("v", "weight") and not _is_description(bound[name])]
    for name in names:
        if bound[name] is not None or name != "bias":
            bound[name] = _stand_in(bound[name], name, scalar=called in (_core.convolve, filters.convolve_vjp))
    v = bound["v" if "v" in names else "weight"] if known else None
    if called in nn.FAMILIES:
        call, run = layers.describe(*nn.FAMILIES[called], bound, asked)
    else:
        call, run = _understand(called, names, bound, asked)
    if run is None:
        raise ValueError(f"pass_={pass_!r}: {called.__name__} has no such pass, expected 'forward'")
    return _plan(called.__name__, call, run, v)


def _bind(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments by name, but `out`."""
    bound = signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "out"}


def _is_description(value: Any) -> bool:
    """Whether a shape and a dtype stand for an array."""
    if isinstance(value, tuple):
        return len(value) == 2 and isinstance(value[1], (np.dtype, type, str))
    return hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, (np.ndarray, np.generic))


def _stand_in(value: Any, name: str, scalar: bool) -> np.ndarray:
    if not _is_description(value):
        return arg.as_array(value, name, scalar)
    shape, dtype = value if isinstance(value, tuple) else (value.shape, value.dtype)
    try:
        shape = tuple([arg.integer(extent, name) for extent in shape])
    except TypeError:
        shape = (arg.integer(shape, name),)
    if shape and min(shape) < 0:
        raise ValueError(f"{name} has shape {shape}: expected no negative lengths")
    dtype = np.dtype(dtype)
    arg.check_bytes(shape, dtype, name)
    return arg.as_array(np.broadcast_to(np.zeros((), dtype), shape), name, scalar)


def _understand(function: Callable[..., Any], names: Sequence[str], bound: dict[str, Any],
                asked: int) -> tuple[calls.Call, int | None]:
    """Return the call and the pass that it runs, None if it has none such as `asked`."""
    if function is filters.conv_transpose:
        return calls.transpose_call(**bound), arg.BACKWARD_INPUT if asked == arg.FORWARD else None
    flip = function in (_core.convolve, filters.convolve_vjp)
    if len(names) == 2:
        a, v = bound.pop("a"), bound.pop("v")
        return calls.understand(a.shape, v.shape, arg.common_dtype(bound.pop("dtype", None), a=a, v=v), flip=flip, **bound), asked
    needs = bound.pop("needs", (True, True))
    call = calls.vjp_call(flip=flip, **bound)
    if asked == arg.FORWARD:
        asked = arg.BACKWARD_INPUT if calls.parts(needs, "needs", ("a", "v"))[0] else arg.BACKWARD_KERNEL
    return call, asked


def _plan(name: str, call: calls.Call, run: int, v: np.ndarray | None) -> Plan:
    """Return the plan of a pass; `v` is the kernel where its samples are known, since some methods suit some kernels only."""
    arrays = []
    for side, what in ((call.input, "the input"), (call.kernel, "the kernel"), (call.output, "the result")):
        shape = side.pair + side.spatial
        arg.check_bytes(shape, call.dtype, what)
        arrays.append(np.broadcast_to(np.zeros((), call.dtype), shape))
    known = v is not None and run == arg.FORWARD
    if known:
        arrays[1] = call.kernel.to_core(arg.readable(v, call.dtype))
    found = _core.describe(run, *arrays, call.spec_of(run), known)
    return Plan(
        function=name,
        pass_=next(word for word, code in _PASSES.items() if code == run),
        dtype=str(call.dtype),
        output_shape=(call.output, call.input, call.kernel)[run].shape,
        method=found["method"],
        why=found["why"],
        seconds=found["seconds"],
        alternatives=tuple(Alternative(**other) for other in found["alternatives"]),
        tile=found["tile"],
        scratch_bytes=found["scratch_bytes"],
        shared_bytes=found["shared_bytes"],
        isa=found["isa"],
        threads=found["threads"],
    )


@contextmanager
def precision_scope(level: str) -> Iterator[None]:
    """Set what ``precision=None``, the default everywhere, means inside a `with` block.

    The setting belongs to the running thread and asyncio task (it is a `contextvars.ContextVar`), and scopes nest.

    Parameters
    ----------
    level : {"default", "exact", "fast"}
        "exact" allows direct sums only; "default" also methods whose errors stay within the bounds that the documentation
        states, transforms in float64 among them; "fast" also those with larger ones, such as transforms in float32.

    Raises
    ------
    ValueError
        If `level` is none of these words.

    Examples
    --------
    >>> import corrfast
    >>> with corrfast.precision_scope("exact"):
    ...     corrfast.correlate([1.0, 2.0, 3.0], [1.0, 1.0])
    array([3., 5.])
    """
    code = arg.choose(level, arg.PRECISIONS, "level")
    _core.scope_used(True)  # from now on the short path has to look at the ContextVar
    token = arg.PRECISION_SCOPE.set(code)
    try:
        yield
    finally:
        arg.PRECISION_SCOPE.reset(token)
