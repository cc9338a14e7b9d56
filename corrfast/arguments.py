"""Every spelling a user may write, turned into the integers and arrays of one problem.

The tables below are the vocabulary of the public functions; each function here takes one argument as the user wrote it and
returns its canonical form, or raises an exception that names the argument, what it was and what is allowed. Nothing here knows
which function is being called: `corrfast.calls` puts the pieces together.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from contextvars import ContextVar
from math import prod
from typing import Any, NamedTuple

import numpy as np

#: The three passes, as the C library numbers them.
FORWARD, BACKWARD_INPUT, BACKWARD_KERNEL = 0, 1, 2

#: Bits of `Spec.conj`: which operand is conjugated as it is read.
CONJ_INPUT, CONJ_KERNEL, CONJ_OUTPUT = 1, 2, 4

MODES = {"valid": 0, "same": 1, "full": 2}
BOUNDARIES = {"constant": 0, "edge": 1, "wrap": 2, "symmetric": 3, "reflect": 4}
METHODS = {"auto": 0, "direct": 1, "fft": 2, "separable": 3}

#: The words of `corrfast.nn`, with the same codes.
LAYER_METHODS = {"auto": 0, "direct": 1, "winograd": 4, "fft": 2}
PADDING_MODES = {"zeros": 0, "reflect": 4, "replicate": 1, "circular": 2}
PADDINGS = {"valid": 0, "same": 1, "same_upper": 1, "same_lower": 2}
DATA_FORMATS = {"channels_first": 0, "channels_last": 1}
PRECISIONS = {"default": 0, "exact": 1, "fast": 2}

#: The precision that `precision=None` means; `corrfast.precision_scope` sets it.
PRECISION_SCOPE: ContextVar[int] = ContextVar("corrfast.precision", default=0)

MAX_RANK = 3
INT64_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1
POSITION_MAX = INT64_MAX // 4  # as in the C core, which adds up a few positions o*s + j*d - lo

#: `numpy.dtype.char` of what can be computed with: bool, integers, floats, complex numbers.
NUMERIC = frozenset("?bBhHiIlLqQefdgFDG")
INTEGRAL = frozenset("?bBhHiIlLqQ")

_MODE_NAMES = tuple(MODES)

Numbers = tuple[int, ...]  # one per axis
Pads = tuple[tuple[int, int], ...]


class Spec(NamedTuple):
    """What a pass has to know beyond its three arrays; the order of the fields is part of the interface to `corrfast._core`."""

    stride: Numbers
    dilation: Numbers
    padding: Pads  # (lo, hi) per spatial axis; negative numbers crop
    boundary: Numbers  # codes of BOUNDARIES, one per spatial axis
    cval: int | float | complex  # representable in the dtype of the arrays
    groups: int
    conj: int  # CONJ_* bits; zero unless the dtype is complex
    method: int  # code of METHODS
    precision: int  # code of PRECISIONS
    workers: int  # 0: the default, get_num_threads()


# Words


def choose(value: str, table: dict[str, int], name: str) -> int:
    """Return the code of a word in one of the tables above."""
    if isinstance(value, str):
        code = table.get(value)
        if code is not None:
            return code
    words = ", ".join(map(repr, table))
    raise (ValueError if isinstance(value, str) else TypeError)(f"{name}={value!r}: expected one of {words}")


def mode_name(mode: str | int) -> str:
    """Return the name of a mode given by name or by NumPy's numbers 0, 1 and 2."""
    if isinstance(mode, str) and mode in MODES:
        return mode
    expected = f"mode={mode!r}: expected one of {', '.join(map(repr, MODES))}, or NumPy's 0, 1, 2"
    if isinstance(mode, str):
        raise ValueError(expected)
    try:
        number = integer(mode, "mode")
    except TypeError:
        raise TypeError(expected) from None
    if not 0 <= number < len(_MODE_NAMES):
        raise ValueError(expected)
    return _MODE_NAMES[number]


def boundary_codes(boundary: str | Iterable[str], rank: int) -> Numbers:
    """Return one code of `BOUNDARIES` per spatial axis, from one name or from one per axis."""
    if isinstance(boundary, str):
        return (choose(boundary, BOUNDARIES, "boundary"),) * rank
    try:
        names = tuple(boundary)
    except TypeError:
        choose(boundary, BOUNDARIES, "boundary")  # neither a word nor words: raises
        raise
    if len(names) != rank:
        raise ValueError(f"boundary={boundary!r}: expected one name, or {rank}, one for each spatial axis")
    return tuple(choose(name, BOUNDARIES, "boundary") for name in names)


def precision_code(precision: str | None) -> int:
    """Return the code of a precision; `None` means that of the enclosing `corrfast.precision_scope`."""
    return PRECISION_SCOPE.get() if precision is None else choose(precision, PRECISIONS, "precision")


def frozen(value: Any) -> Any:
    """Return the option with sequences made tuples: an iterator can be used up, and a list changed by its owner."""
    if isinstance(value, str):
        return value
    try:
        return tuple([frozen(item) for item in value])
    except TypeError:  # one value
        return value


def yes_or_no(value: bool, name: str) -> bool:
    """Return a flag as a bool; other types are refused, as "no" and most arrays would count as true."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name}={value!r}: expected True or False")


# Integers


def integer(value: Any, name: str) -> int:
    """Return `value` as an int; floats and bools are refused."""
    if type(value) is int:
        return value
    if not isinstance(value, (bool, np.bool_)):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name}={value!r}: expected an integer")


def positive(value: Any, name: str) -> int:
    """Return `value` as an int of at least 1."""
    number = integer(value, name)
    if number < 1:
        raise ValueError(f"{name}={value!r}: expected at least 1")
    return number


def extents(shape: Iterable[int], name: str) -> Numbers:
    """Return a shape as a tuple of integers that are not negative."""
    try:
        numbers = tuple([integer(extent, name) for extent in shape])
    except TypeError as error:
        raise TypeError(f"{name}={shape!r}: expected a sequence of integers") from error
    if numbers and min(numbers) < 0:
        raise ValueError(f"{name}={shape!r}: expected no negative lengths")
    return numbers


def worker_count(workers: int | None) -> int:
    """Return the number of threads asked for, 0 for the default."""
    if workers is None:
        return 0
    count = integer(workers, "workers")
    if count < 1:
        raise ValueError(f"workers={workers!r}: expected at least 1, or None for the default")
    return min(count, INT32_MAX)


def per_axis(value: int | Iterable[int], rank: int, name: str, least: int) -> Numbers:
    """Return one integer, not below `least`, per spatial axis, from one for all axes or from one per axis."""
    if type(value) is int and value >= least:
        return (value,) * rank
    try:
        items = tuple(value)
    except TypeError:
        items = (value,) * rank
    if len(items) != rank:
        raise ValueError(f"{name}={value!r}: expected one integer, or {rank}, one for each spatial axis")
    numbers = tuple([integer(item, name) for item in items])
    if min(numbers) < least:
        raise ValueError(f"{name}={value!r}: expected integers of at least {least}")
    return numbers


def pad_pairs(padding: int | Iterable[int | Iterable[int]], rank: int) -> Pads:
    """Return `(lo, hi)` per spatial axis, from one integer, or from an integer or a pair per axis.

    For rank 1 the pair may be given bare.
    """
    expected = f"padding={padding!r}: expected an integer, or an integer or a pair (lo, hi) for each of {rank} spatial axes"
    if isinstance(padding, str):
        raise TypeError(f"{expected}; {', '.join(map(repr, MODES))} go into mode=")
    try:
        items = tuple(padding)
    except TypeError:
        items = (integer(padding, "padding"),) * rank
    if rank == 1 and len(items) == 2 and not any(isinstance(item, Collection) for item in items):
        items = (items,)
    if len(items) != rank:
        raise ValueError(expected)
    pairs = []
    for item in items:
        try:
            pair = tuple(item)
        except TypeError:
            pair = (item, item)
        if len(pair) != 2:
            raise ValueError(expected)
        pairs.append((integer(pair[0], "padding"), integer(pair[1], "padding")))
    return tuple(pairs)


def layer_padding(padding: Any, n: Numbers, k: Numbers, stride: Numbers, dilation: Numbers) -> Pads:
    """Return `(lo, hi)` per spatial axis for arrays of lengths `n`, from what `pad_pairs` takes or from a word of `PADDINGS`."""
    if type(padding) is int:
        return ((padding, padding),) * len(n)
    if not isinstance(padding, str):
        return pad_pairs(padding, len(n))
    if padding not in PADDINGS:
        raise ValueError(f"padding={padding!r}: expected integers or one of {', '.join(map(repr, PADDINGS))}")
    if padding == "valid":
        return ((0, 0),) * len(n)
    pairs = []
    for ni, ki, s, d in zip(n, k, stride, dilation):
        total = max((-(-ni // s) - 1) * s + d * (ki - 1) + 1 - ni, 0)  # so that there are ceil(n / s) outputs
        less = total // 2
        pairs.append((total - less, less) if padding == "same_lower" else (less, total - less))
    return tuple(pairs)


def axis_numbers(axes: int | Iterable[int], ndim: int) -> Numbers:
    """Return the spatial axes counted from the front of an array of `ndim` axes."""
    try:
        items = tuple(axes)
    except TypeError:
        items = (axes,)
    if not 1 <= len(items) <= MAX_RANK:
        raise ValueError(f"axes={axes!r}: expected 1 to {MAX_RANK} spatial axes")
    numbers = []
    for item in items:
        number = integer(item, "axes")
        if not -ndim <= number < ndim:
            raise ValueError(f"axes={axes!r}: expected integers from {-ndim} to {ndim - 1}, as the array has {ndim} axes")
        numbers.append(number % ndim)
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"axes={axes!r}: expected each axis once")
    return tuple(numbers)


# Sizes, all in Python's unbounded integers


def mode_padding(mode: str, k: Numbers, dilation: Numbers) -> Pads:
    """Return the padding that a mode means for kernels of lengths `k`."""
    if mode == "valid":
        return ((0, 0),) * len(k)
    extents = [d * (ki - 1) for ki, d in zip(k, dilation)]
    if mode == "full":
        return tuple([(e, e) for e in extents])
    return tuple([(e - e // 2, e // 2) for e in extents])


def swapped_padding(mode: str, n: Numbers, k: Numbers, flip: bool) -> Pads | None:
    """Return the padding that gives NumPy's and SciPy's answer where the kernel is longer than the array.

    Both swap the arrays in that case. The same sums come from padding alone. `None` where they do not swap.
    """
    if mode == "valid" and all([ki >= ni for ni, ki in zip(n, k)]):
        return tuple([(ki - ni, ki - ni) for ni, ki in zip(n, k)])
    if mode == "same" and len(n) == 1 and k[0] > n[0]:
        lo = k[0] - 1 - ((n[0] - 1) // 2 if flip else n[0] // 2)
        return ((lo, 2 * k[0] - 1 - n[0] - lo),)
    return None


def output_sizes(n: Numbers, k: Numbers, stride: Numbers, dilation: Numbers, padding: Pads,
                 names: tuple[str, str] = ("the array", "kernel")) -> Numbers:
    """Return m = floor((n + lo + hi - dilation*(k-1) - 1) / stride) + 1 per spatial axis; `names` is what messages call the two."""
    sizes = []
    for ni, ki, s, d, (lo, hi) in zip(n, k, stride, dilation, padding):
        if s > INT64_MAX or d > INT64_MAX or 2 * ni + lo + hi + abs(lo) > POSITION_MAX:
            raise OverflowError(f"stride {s}, dilation {d} or length {ni} with padding {(lo, hi)} does not fit in 64 bits")
        room = ni + lo + hi - d * (ki - 1) - 1
        if room < 0:
            raise ValueError(f"{names[1]} of length {ki} with dilation {d} spans {d * (ki - 1) + 1} samples: expected at most "
                             f"{ni + lo + hi}, the length {ni} of {names[0]} with padding {(lo, hi)}")
        sizes.append(room // s + 1)
    return tuple(sizes)


def check_bytes(shape: Numbers, dtype: np.dtype, name: str) -> None:
    """Refuse a shape whose byte count exceeds int64 (extents of 0 are counted as 1, as NumPy does)."""
    size = prod(shape) or prod([extent or 1 for extent in shape])
    if size * dtype.itemsize > INT64_MAX:
        raise OverflowError(f"{name} of shape {shape} and dtype {dtype}: its size in bytes does not fit in 64 bits")


# Numbers


def common_dtype(dtype: Any, **arrays: np.ndarray) -> np.dtype:
    """Return the dtype to compute in: that of NumPy's promotion rules, or `dtype` if it is given."""
    common = None
    for name, array in arrays.items():
        own = array.dtype
        if own.char not in NUMERIC:
            raise TypeError(f"{name} has dtype {own}: expected bool, integers, floats or complex numbers")
        common = own if common is None or own is common else np.promote_types(common, own)
    if dtype is not None:
        try:
            common = np.dtype(dtype)
        except TypeError as error:
            raise TypeError(f"dtype={dtype!r}: {error}") from None
        if common.char not in NUMERIC:
            raise TypeError(f"dtype={dtype!r}: expected bool, integers, floats or complex numbers")
        for name, array in arrays.items():
            if not np.can_cast(array.dtype, common, "same_kind"):
                raise TypeError(f"dtype={dtype!r}: {name} of dtype {array.dtype} cannot be cast to it under the rule 'same_kind'")
    return common if common.isnative else common.newbyteorder("=")


def fill_value(cval: Any, dtype: np.dtype) -> int | float | complex:
    """Return the Python number that `cval` is once rounded to `dtype`; raise if `dtype` cannot hold it."""
    if type(cval) is int and cval == 0:
        return 0
    value = cval.item() if isinstance(cval, (np.generic, np.ndarray)) and cval.ndim == 0 else cval
    if isinstance(value, np.generic):  # long double has no Python counterpart, item() returns it as it is
        value = complex(value) if value.dtype.kind == "c" else float(value)
    if not isinstance(value, (int, float, complex)):
        raise TypeError(f"cval={cval!r}: expected a number")
    if isinstance(value, complex) and dtype.kind != "c":
        raise TypeError(f"cval={cval!r}: expected a real number for dtype {dtype}")
    if dtype.char not in INTEGRAL:
        try:
            with np.errstate(over="ignore"):
                return np.array(value).astype(dtype).astype(complex if dtype.kind == "c" else float).item()
        except OverflowError:
            raise OverflowError(f"cval={cval!r}: expected a number within the range of {dtype}") from None
    if value != value or value in (float("inf"), float("-inf")) or int(value) != value:
        raise TypeError(f"cval={cval!r}: expected an integer for dtype {dtype}")
    least, most = (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    if not least <= value <= most:
        raise ValueError(f"cval={cval!r}: expected an integer from {least} to {most} for dtype {dtype}")
    return int(value)


# Arrays


def as_array(value: Any, name: str, scalar: bool = False) -> np.ndarray:
    """Return `value` as a base-class array of at least one axis; `scalar` admits a scalar, as an array of length 1."""
    if type(value) is np.ndarray:
        array = value
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} cannot be made an array: {error}") from None
    if array.ndim == 0:
        if not scalar:
            raise ValueError(f"{name} is a scalar: expected an array of at least one axis")
        array = array.reshape(1)
    return array


def readable(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the array, or a copy, in `dtype` with every element in native byte order at a multiple of its size."""
    return array if _is_native(array, dtype) else array.astype(dtype)


def _is_native(array: np.ndarray, dtype: np.dtype) -> bool:
    own = array.dtype
    # C's long and long long may be equal dtypes of different numbers, and the core goes by the number.
    if own is not dtype and (own != dtype or own.num != dtype.num) or not array.flags.aligned:
        return False
    # Complex numbers align as their parts do: fields of records may be aligned and yet not lie at multiples of their size.
    return dtype.alignment == dtype.itemsize or not any([stride % dtype.itemsize for stride in array.strides])


def check_out(out: Any, name: str, shape: Numbers, dtype: np.dtype) -> np.ndarray:
    """Return `out` as a base-class array if a result of that shape and dtype may be written into it."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} is of type {type(out).__name__}: expected an array")
    if out.shape != shape:
        raise ValueError(f"{name} has shape {out.shape}: expected {shape}")
    if out.dtype != dtype and out.dtype.newbyteorder("=") != dtype:
        raise ValueError(f"{name} has dtype {out.dtype}: expected {dtype}")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only: expected a writable array")
    if _overlaps_itself(out):
        raise ValueError(f"{name} of strides {out.strides} and shape {shape} overlaps itself: expected elements that lie apart")
    return np.asarray(out)


def _overlaps_itself(array: np.ndarray) -> bool:
    """Whether two elements may share bytes: no, if each axis steps over all that the finer axes reach.

    Sufficient for every slice, transpose, reshape and diagonal; only `as_strided` makes arrays for which it is not necessary.
    """
    if array.flags.c_contiguous:
        return False
    reach = array.itemsize
    for stride, extent in sorted([(abs(stride), extent) for stride, extent in zip(array.strides, array.shape) if extent > 1]):
        if stride < reach:
            return array.size > 0
        reach += stride * (extent - 1)
    return False


def can_write(array: np.ndarray, dtype: np.dtype, reads: Iterable[np.ndarray]) -> bool:
    """Whether a pass may write straight into `array` while it reads the others."""
    return _is_native(array, dtype) and not any([np.may_share_memory(array, other) for other in reads])
