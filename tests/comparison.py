"""What "equal" means in these tests, and the count of generated problems that were compared with the oracle."""
import numpy as np

compared = 0
elsewhere = {}      # by instruction set: problems that tests compared in processes of their own


def count(problems=1):
    """Called once for each generated problem whose result was compared with the oracle's; the total is printed at the end."""
    global compared
    compared += problems


def assert_identical(actual, expected, context=""):
    """Same shape, dtype and values; NaN equals NaN and the two zeros are one."""
    expected = np.asarray(expected)
    assert isinstance(actual, np.ndarray), f"{type(actual)} is no array {context}"
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape} {context}"
    assert actual.dtype == expected.dtype, f"dtype {actual.dtype}, expected {expected.dtype} {context}"
    if np.array_equal(actual, expected):
        return
    np.testing.assert_array_equal(actual, expected, err_msg=str(context))


def assert_same_bits(actual, expected, context=""):
    """Not one bit differs: signs of zeros and payloads of NaNs included."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, context
    if actual.tobytes() != expected.tobytes():
        different = significant_bytes(actual) != significant_bytes(expected)
        assert not different.any(), f"{different.any(axis=-1).sum()} of {actual.size} elements differ in their bits {context}"


def significant_bytes(array):
    """[element, byte], without the padding bytes that the C type `long double` has in memory."""
    parts = np.ascontiguousarray(array).reshape(-1)
    if array.dtype.char == "G":
        parts = parts.view(np.longdouble)
    octets = parts.view(np.uint8).reshape(parts.size, -1)
    return octets[:, :10] if parts.dtype.char == "g" and np.finfo(np.longdouble).machep == -63 else octets


def components(array):
    """Real and imaginary parts side by side: rounding bounds hold for each."""
    return (array.real, array.imag) if np.iscomplexobj(array) else (array,)


def scaled_error(actual, exact, magnitude, terms, dtype):
    """max over elements of |actual - exact| / bound, where bound = (terms + 2) * eps * magnitude is what direct sums promise.

    `exact` in a wider type, `magnitude` = sum |a||v|, `terms` = number of products per element (a number or an array).
    float16 accumulates in float32 and is rounded once.  Products below the smallest normal number lose up to half a
    subnormal each, whatever the method: they add to the bound.
    """
    dtype = np.dtype(dtype)
    real = np.finfo(dtype).dtype
    accumulator = np.finfo(np.float32) if real == np.float16 else np.finfo(real)
    bound = (terms + 2) * accumulator.eps * magnitude + (terms + 1) * accumulator.smallest_subnormal
    worst = 0.0
    for got, want in zip(components(actual), components(exact), strict=True):
        limit = bound + (np.abs(want) * np.finfo(real).eps / 2 + np.finfo(real).smallest_subnormal if real == np.float16 else 0)
        worst = max(worst, float(np.max(np.abs(got.astype(exact.real.dtype) - want) / limit, initial=0)))
    return worst


def nearest(array):
    """The whole numbers that small integers' sums are off by rounding alone; other dtypes as they are."""
    array = np.asarray(array)
    if array.dtype.kind == "c":
        return (np.rint(array.real) + 1j * np.rint(array.imag)).astype(array.dtype)
    return np.rint(array) if array.dtype.kind == "f" else array


def assert_exact(run, expected, context="", sums=True):
    """run() gives exactly what is expected of small integers, or off by the rounding of transforms (method "fft") where those are chosen.

    Forward `sums` then have the bits of run(method="fft"); gradients, a tuple of them say, are made of several problems, of which each may be
    computed in its own way. Direct sums are exact in any case.
    """
    got = run()
    one = not isinstance(expected, tuple)
    pairs = [(got, expected)] if one else list(zip(got, expected, strict=True))
    if all(each.dtype.kind not in "fc" or np.array_equal(each, want) for each, want in pairs):
        for each, want in pairs:
            assert_identical(each, want, context)
        return got
    direct = run(precision="exact")
    for i, (each, want) in enumerate(pairs):
        assert_identical(nearest(each), want, context)
        assert_identical(direct if one else direct[i], want, context)
    if sums and one:
        assert_same_bits(got, run(method="fft"), context)
    return got
