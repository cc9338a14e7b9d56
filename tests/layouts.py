"""The same values in other memory: every way in which NumPy may hand over an array that is not a plain contiguous one."""
import numpy as np

LAYOUTS = ("C", "F", "transposed", "reversed", "reversed last", "steps", "inside", "unaligned", "swapped", "swapped unaligned",
           "read-only", "broadcast")


def aligned_empty(shape, dtype, offset=0, boundary=64):
    """An uninitialised C array whose first byte lies `offset` bytes after a multiple of `boundary`."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    buffer = np.empty(size + 2 * boundary + offset, dtype=np.uint8)
    start = -buffer.ctypes.data % boundary + offset
    return buffer[start:start + size].view(dtype).reshape(shape)


def at_offset(array, offset):
    moved = aligned_empty(array.shape, array.dtype, offset)
    moved[...] = array
    return moved


def laid_out(array, layout):
    """`array`'s values in the named layout.  "broadcast" alone changes values: one sample stands for its whole last axis."""
    if layout == "C":
        return np.ascontiguousarray(array).reshape(array.shape)
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "transposed":                              # the axes' order in memory rotated by one
        order = tuple(range(1, array.ndim)) + (0,)
        return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))
    if layout == "reversed":
        flip = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[flip])[flip]
    if layout == "reversed last":
        flip = (Ellipsis, slice(None, None, -1))
        return np.ascontiguousarray(array[flip])[flip]
    if layout == "steps":                                   # every third sample of a larger array, whose others are in the way
        large = np.full(tuple(3 * size for size in array.shape), 1, dtype=array.dtype)
        large[(slice(1, None, 3),) * array.ndim] = array
        return large[(slice(1, None, 3),) * array.ndim]
    if layout == "inside":                                  # rows with other data on both sides
        large = np.full(tuple(size + 3 for size in array.shape), 1, dtype=array.dtype)
        large[tuple(slice(1, 1 + size) for size in array.shape)] = array
        return large[tuple(slice(1, 1 + size) for size in array.shape)]
    if layout == "unaligned":
        return at_offset(array, 1)
    if layout == "swapped":
        return array.astype(array.dtype.newbyteorder("S"))
    if layout == "swapped unaligned":
        return at_offset(array.astype(array.dtype.newbyteorder("S")), 1)
    if layout == "read-only":
        copy = array.copy()
        copy.flags.writeable = False
        return copy
    if layout == "broadcast":
        return np.broadcast_to(array[..., :1], array.shape)
    raise ValueError(layout)


def output_like(shape, dtype, layout, fill):
    """A writable array in a layout, for `out=`: filled with `fill`, so that what is not written shows."""
    holder = laid_out(np.zeros(shape, dtype=dtype), layout)
    holder[...] = fill
    return holder
