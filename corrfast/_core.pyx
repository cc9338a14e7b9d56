# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=False, freethreading_compatible=True
"""Arrays in, one call into the C library, an array or an exception out. No arithmetic on samples happens here."""

import os

cimport cython
cimport numpy as cnp
from cpython.exc cimport PyErr_Occurred
from libc.string cimport memcmp, memcpy, memset
from libc.time cimport time_t

cnp.import_array()

cdef extern from "numpy/ndarraytypes.h" nogil:
    int NPY_HALF  # missing from Cython's numpy.pxd

cdef extern from "Python.h":
    int check_signals "PyErr_CheckSignals"() noexcept  # leaves the exception set, for `fail` to raise

cdef extern from "<time.h>" nogil:
    struct timespec:
        time_t tv_sec
        long tv_nsec
    int timespec_get(timespec *, int)
    int TIME_UTC

cdef enum:
    SIGNALS_MS = 60  # between two looks for Ctrl-C; each takes the GIL, for which another thread may let us wait 5 ms

# The process's defaults for calls that do not name `workers`. Threads read them without a lock; they are plain ints.
cdef int thread_limit = 0
cdef bint fixed_threads = False
cdef bint scopes_exist = False

cdef object VALID = "valid", SAME = "same", FULL = "full", CONSTANT = "constant", AUTO = "auto"
cdef object ONE = 1, ZERO = 0  # small ints are mostly the same object
cdef dict BOUNDARIES = {"constant": 0, "edge": 1, "wrap": 2, "symmetric": 3, "reflect": 4}  # as in arguments.py
cdef tuple METHODS = ("auto", "direct", "fft", "separable", "winograd", "reference")  # by the C library's numbers
cdef dict SHORT_METHODS = {"auto": 0, "direct": 1, "fft": 2, "separable": 3}  # those of the short path
cdef dict PRECISIONS = {"default": 0, "exact": 1, "fast": 2}  # as in arguments.py
cdef object general_forward = None  # corrfast.filters.general_forward, once it is imported


# ---- status and signals


cdef struct watch:
    long long last  # milliseconds of the last look, 0 before the first


cdef int look_for_signals(void *context) noexcept nogil:
    cdef watch *w = <watch *>context
    cdef timespec t
    cdef long long now
    timespec_get(&t, TIME_UTC)
    now = <long long>t.tv_sec * 1000 + t.tv_nsec // 1000000
    if 0 <= now - w.last < SIGNALS_MS:
        return 0
    w.last = now
    with gil:
        return check_signals()


cdef int fail(int status, int method=0) except -1:
    """Raise the exception of a status that is not success."""
    if status == CORRFAST_ERR_CANCELLED and PyErr_Occurred():
        return -1
    text = corrfast_status_text(status).decode()
    if status == CORRFAST_ERR_MEMORY:
        raise MemoryError("corrfast: no memory for scratch")
    if status == CORRFAST_ERR_OVERFLOW:
        raise OverflowError(f"corrfast: {text}")
    if status == CORRFAST_ERR_METHOD and METHODS[method] == "separable":
        raise ValueError("method='separable': the kernel is not one factor along its first axis times a kernel along the others, or the problem "
                         "is not one of rank 2 or 3, real, of 16 bits or more and of precision other than 'exact'; 'auto' and 'direct' take any")
    if status == CORRFAST_ERR_METHOD:
        raise ValueError(f"method={METHODS[method]!r}: {text}; 'auto' and 'direct' do")
    if status == CORRFAST_ERR_ISA:
        raise RuntimeError(f"corrfast: {text}")
    if status == CORRFAST_ERR_CANCELLED:
        raise KeyboardInterrupt
    raise ValueError(f"corrfast: {text}")


# ---- arrays to problem


cdef int dtype_code(int number) noexcept nogil:
    """The C library's dtype for a NumPy type number, 0 if it has none."""
    if number == cnp.NPY_FLOAT:
        return CORRFAST_FLOAT32
    if number == cnp.NPY_DOUBLE:
        return CORRFAST_FLOAT64
    if number == cnp.NPY_BOOL:
        return CORRFAST_BOOL
    if number == cnp.NPY_BYTE:
        return CORRFAST_INT8
    if number == cnp.NPY_UBYTE:
        return CORRFAST_UINT8
    if number == cnp.NPY_SHORT:
        return CORRFAST_INT16
    if number == cnp.NPY_USHORT:
        return CORRFAST_UINT16
    if number == cnp.NPY_INT:
        return CORRFAST_INT32
    if number == cnp.NPY_UINT:
        return CORRFAST_UINT32
    if number == cnp.NPY_LONG:
        return CORRFAST_INT64 if sizeof(long) == 8 else CORRFAST_INT32
    if number == cnp.NPY_ULONG:
        return CORRFAST_UINT64 if sizeof(long) == 8 else CORRFAST_UINT32
    if number == cnp.NPY_LONGLONG:
        return CORRFAST_INT64
    if number == cnp.NPY_ULONGLONG:
        return CORRFAST_UINT64
    if number == NPY_HALF:
        return CORRFAST_FLOAT16
    if number == cnp.NPY_CFLOAT:
        return CORRFAST_COMPLEX64
    if number == cnp.NPY_CDOUBLE:
        return CORRFAST_COMPLEX128
    if number == cnp.NPY_LONGDOUBLE:
        return CORRFAST_LONGDOUBLE if sizeof(long double) > 8 else CORRFAST_FLOAT64
    if number == cnp.NPY_CLONGDOUBLE:
        return CORRFAST_CLONGDOUBLE if sizeof(long double) > 8 else CORRFAST_COMPLEX128
    return 0


cdef inline int element_strides(cnp.ndarray array, int first, int64_t *strides) except -1:
    """Write the strides of all axes, counted in elements, from strides[first] on."""
    cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(array)
    cdef Py_ssize_t stride
    cdef int i
    for i in range(cnp.PyArray_NDIM(array)):
        stride = cnp.PyArray_STRIDE(array, i)
        if stride % itemsize and cnp.PyArray_DIM(array, i) > 1:
            raise ValueError("elements do not lie at multiples of their size")
        strides[first + i] = stride // itemsize if cnp.PyArray_DIM(array, i) > 1 else 0
    return 0


cdef inline void init_options(corrfast_options *options, watch *w, int workers) noexcept:
    memset(options, 0, sizeof(corrfast_options))
    w.last = 0
    options.size = sizeof(corrfast_options)
    options.threads = workers
    if not workers:
        if fixed_threads:
            options.threads = thread_limit
        else:
            options.thread_limit = thread_limit
    options.cancel = look_for_signals
    options.cancel_context = w


cdef int make_problem(cnp.ndarray input, cnp.ndarray kernel, cnp.ndarray output, spec, corrfast_problem *p) except -1:
    """Fill the problem from canonical arrays (see corrfast.calls) and check that their shapes belong together."""
    cdef int rank = cnp.PyArray_NDIM(input) - 2, i, status
    cdef int64_t m[3]
    cdef int number = cnp.PyArray_TYPE(input)
    cdef cnp.ndarray value
    memset(p, 0, sizeof(corrfast_problem))
    p.size = sizeof(corrfast_problem)
    p.rank = rank
    p.dtype = dtype_code(number)
    if not 1 <= rank <= 3 or cnp.PyArray_NDIM(kernel) != rank + 2 or cnp.PyArray_NDIM(output) != rank + 2:
        raise ValueError(f"arrays have {input.ndim}, {kernel.ndim} and {output.ndim} axes: expected 3 to 5 of each, equally many")
    if not p.dtype or cnp.PyArray_TYPE(kernel) != number or cnp.PyArray_TYPE(output) != number:
        raise TypeError(f"dtypes {input.dtype}, {kernel.dtype}, {output.dtype}: expected the same numeric one")
    for array in (input, kernel, output):
        if not cnp.PyArray_ISBEHAVED_RO(array):
            raise ValueError("expected aligned arrays in native byte order")
    stride, dilation, padding, boundary, cval, groups, conj = spec[:7]
    p.conjugate = conj
    p.batch = cnp.PyArray_DIM(input, 0)
    p.groups = groups
    p.input_channels = cnp.PyArray_DIM(input, 1)
    p.output_channels = cnp.PyArray_DIM(kernel, 0)
    for i in range(rank):
        p.input_size[i] = cnp.PyArray_DIM(input, i + 2)
        p.kernel_size[i] = cnp.PyArray_DIM(kernel, i + 2)
        p.stride[i] = stride[i]
        p.dilation[i] = dilation[i]
        p.padding_lo[i], p.padding_hi[i] = padding[i]
        p.boundary[i] = boundary[i]
    element_strides(input, 0, p.input_stride)
    element_strides(kernel, 0, p.kernel_stride)
    element_strides(output, 0, p.output_stride)
    if cval:
        value = cnp.PyArray_ZEROS(0, NULL, number, 0)
        value[()] = cval
        memcpy(p.cval, cnp.PyArray_DATA(value), cnp.PyArray_ITEMSIZE(value))
    status = corrfast_output_size(p, m)
    if status:
        fail(status)
    expected = (p.batch, p.output_channels) + tuple([m[i] for i in range(rank)])
    if (<object>output).shape != expected or cnp.PyArray_DIM(kernel, 1) * p.groups != p.input_channels:
        raise ValueError(f"shapes {(<object>input).shape}, {(<object>kernel).shape}, {(<object>output).shape} of input, kernel and output "
                         f"with {groups} groups: expected an output of {expected}")
    return 0


def run(int pass_, cnp.ndarray input not None, cnp.ndarray kernel not None, cnp.ndarray output not None, spec):
    """Run one pass of a problem on canonical arrays; `corrfast.reference.run` is the same in plain NumPy."""
    cdef corrfast_problem problem
    cdef corrfast_options options
    cdef watch w
    cdef int status
    cdef void *x = cnp.PyArray_DATA(input)
    cdef void *k = cnp.PyArray_DATA(kernel)
    cdef void *y = cnp.PyArray_DATA(output)
    make_problem(input, kernel, output, spec, &problem)
    init_options(&options, &w, spec[9])
    options.method, options.precision = spec[7], spec[8]
    if not cnp.PyArray_ISWRITEABLE((output, input, kernel)[pass_]):
        raise ValueError("the array that the pass writes is read-only")
    with nogil:
        if pass_ == CORRFAST_FORWARD:
            status = corrfast_forward(&problem, &options, x, k, y)
        elif pass_ == CORRFAST_BACKWARD_INPUT:
            status = corrfast_backward_input(&problem, &options, x, k, y)
        else:
            status = corrfast_backward_kernel(&problem, &options, x, k, y)
    if status:
        fail(status, options.method)


# ---- runs that keep what they packed


cdef struct layout:  # of one array, all bytes of which are set
    int64_t type_number, ndim
    int64_t shape[5]
    int64_t stride[5]


cdef inline int layout_of(cnp.ndarray array, layout *l) except -1:
    """Describe a canonical array; those that no plan takes have no axes."""
    cdef int i
    memset(l, 0, sizeof(layout))
    if cnp.PyArray_NDIM(array) > 5 or not cnp.PyArray_ISBEHAVED_RO(array):
        return 0
    l.type_number, l.ndim = cnp.PyArray_TYPE(array), cnp.PyArray_NDIM(array)
    for i in range(cnp.PyArray_NDIM(array)):
        l.shape[i] = cnp.PyArray_DIM(array, i)
    return element_strides(array, 0, l.stride)


cdef class Plan:
    """One pass of a problem on one kernel, planned, and the kernel packed once if its method packs it. Unchanging, for any threads."""

    cdef corrfast_plan *plan
    cdef layout input, output
    cdef cnp.ndarray kernel
    cdef object spec
    cdef int pass_

    def __cinit__(self, int pass_, cnp.ndarray input not None, cnp.ndarray kernel not None, cnp.ndarray output not None, spec):
        cdef corrfast_problem problem
        cdef corrfast_options options
        cdef watch w
        cdef int status
        make_problem(input, kernel, output, spec, &problem)
        layout_of(input, &self.input)
        layout_of(output, &self.output)
        self.pass_, self.kernel, self.spec = pass_, kernel, spec
        init_options(&options, &w, spec[9])
        options.method, options.precision = spec[7], spec[8]
        options.kernel = cnp.PyArray_DATA(kernel) if pass_ == CORRFAST_FORWARD else NULL
        with nogil:
            status = corrfast_plan_create(&problem, pass_, &options, &self.plan)
            if status == CORRFAST_OK:
                status = corrfast_plan_prepare(self.plan, &options, cnp.PyArray_DATA(kernel))
        if status:
            fail(status, options.method)

    def __dealloc__(self):
        corrfast_plan_destroy(self.plan)

    cdef bint run(self, int pass_, cnp.ndarray input, cnp.ndarray kernel, cnp.ndarray output, spec) except -1:
        """Run the pass if it is the one that was planned, on arrays that lie like those; else return False."""
        cdef layout x, y
        cdef corrfast_options options
        cdef watch w
        cdef int status
        layout_of(input, &x)
        layout_of(output, &y)
        if not (kernel is self.kernel and pass_ == self.pass_ and memcmp(&x, &self.input, sizeof(layout)) == 0
                and memcmp(&y, &self.output, sizeof(layout)) == 0 and (spec is self.spec or spec == self.spec)):
            return False
        if not cnp.PyArray_ISWRITEABLE(output if pass_ == CORRFAST_FORWARD else input):
            raise ValueError("the array that the pass writes is read-only")
        init_options(&options, &w, spec[9])
        with nogil:
            status = corrfast_plan_run(self.plan, &options, cnp.PyArray_DATA(input), cnp.PyArray_DATA(kernel), cnp.PyArray_DATA(output))
        if status:
            fail(status, spec[7])
        return True


class PlannedRun:
    """`run` for forward and backward input, on a kernel that does not change: the last plans are kept, with the kernel packed."""

    __slots__ = ("_plans",)

    #: More of them would hold more memory; a call that makes its plan anew takes about as long as one of `run`.
    MOST = 2

    def __init__(self):
        self._plans = ()

    def __call__(self, int pass_, cnp.ndarray input not None, cnp.ndarray kernel not None, cnp.ndarray output not None, spec):
        cdef Plan plan
        plans = self._plans  # one reference, replaced as a whole: threads that share this object need no lock
        for plan in plans:
            if plan.run(pass_, input, kernel, output, spec):
                return
        plan = Plan(pass_, input, kernel, output, spec)
        self._plans = (plan, *plans[:self.MOST - 1])
        plan.run(pass_, input, kernel, output, spec)


cdef void lay_out(int64_t *strides, cnp.ndarray like) noexcept:
    """Set the strides of a contiguous array of that shape: the arrays that are described need no memory behind them."""
    cdef int64_t n = 1
    cdef int i
    for i in range(cnp.PyArray_NDIM(like) - 1, -1, -1):
        strides[i] = n
        n *= cnp.PyArray_DIM(like, i)


def describe(int pass_, cnp.ndarray input not None, cnp.ndarray kernel not None, cnp.ndarray output not None, spec, bint known=False):
    """Return what the planner decides for a problem; the samples are not looked at, but for those of a known kernel."""
    cdef corrfast_problem problem
    cdef corrfast_options options
    cdef corrfast_report report
    cdef watch w
    cdef int i
    make_problem(input, kernel, output, spec, &problem)
    lay_out(&problem.input_stride[0], input)
    lay_out(&problem.output_stride[0], output)
    if not known:
        lay_out(&problem.kernel_stride[0], kernel)
    init_options(&options, &w, spec[9])
    options.method, options.precision = spec[7], spec[8]
    options.kernel = cnp.PyArray_DATA(kernel) if known else NULL
    report.size = sizeof(corrfast_report)
    status = corrfast_explain(&problem, pass_, &options, &report)
    if status:
        fail(status, options.method)
    alternatives = []
    for i in range(report.method_count):
        seconds = report.methods[i].seconds
        name = report.methods[i].name.decode()
        if name != report.method.decode():
            alternatives.append({"method": name, "seconds": seconds if seconds >= 0 else None,
                                 "why_not": "estimated slower" if seconds >= 0 else "does not support this problem"})
    return {"method": report.method.decode(), "why": report.reason.decode(), "seconds": report.seconds, "alternatives": alternatives,
            "tile": report.tile.decode(), "scratch_bytes": report.scratch_bytes, "shared_bytes": report.shared_bytes,
            "isa": report.isa.decode(), "threads": report.threads}


# ---- the short path

#: Multiply-adds that take less than a microsecond: releasing the GIL and taking it again would be half of such a call.
cdef enum: SHORT_WORK = 5000

#: Lengths and outputs beyond which the general way decides: none of the sizes below it overflows.
cdef enum: MAX_SHORT = 1 << 30

cdef inline bint is_plain(object array):
    """An array that the C library can take as it is."""
    return type(array) is cnp.ndarray and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>array)


cdef inline bint is_small(object number):
    """An int from 1 to a million: what a stride, a dilation or a number of threads mostly is."""
    return number is ONE or (type(number) is int and 1 <= number <= 1000000)


cdef inline void byte_bounds(cnp.ndarray array, char **low, char **high) noexcept:
    """Set the ends of the memory that an array with elements lies in."""
    cdef Py_ssize_t reach
    cdef int i
    low[0] = <char *>cnp.PyArray_DATA(array)
    high[0] = low[0] + cnp.PyArray_ITEMSIZE(array)
    for i in range(cnp.PyArray_NDIM(array)):
        reach = (cnp.PyArray_DIM(array, i) - 1) * cnp.PyArray_STRIDE(array, i)
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach


cdef bint can_write(cnp.ndarray out, int ndim, const cnp.npy_intp *shape, int number, cnp.ndarray a, cnp.ndarray v) noexcept:
    """Whether a result may be written straight into `out`, a contiguous array that lies apart from the others."""
    cdef char *low
    cdef char *high
    cdef char *start = <char *>cnp.PyArray_DATA(out)
    cdef char *end = start + cnp.PyArray_NBYTES(out)
    cdef int i
    if not (cnp.PyArray_ISCARRAY(out) and cnp.PyArray_NDIM(out) == ndim and cnp.PyArray_TYPE(out) == number):
        return False
    for i in range(ndim):
        if cnp.PyArray_DIM(out, i) != shape[i]:
            return False
    byte_bounds(a, &low, &high)
    if start < high and low < end:
        return False
    byte_bounds(v, &low, &high)
    return not (start < high and low < end)


cdef object short_forward(cnp.ndarray a, cnp.ndarray v, object mode, int64_t stride, int64_t dilation, int boundary, int method, int precision,
                          object out, int workers, bint flip):
    """The result for plain arrays of one dtype, at most one batch axis and plain options, or None: the general way decides then."""
    cdef int rank = cnp.PyArray_NDIM(v), lead = cnp.PyArray_NDIM(a) - rank, number = cnp.PyArray_TYPE(a), i, j, status
    cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(a), n, k, reach, x_stride, w_stride, start = 0
    cdef cnp.npy_intp shape[4]
    cdef corrfast_problem p
    cdef corrfast_options options
    cdef watch w
    cdef cnp.ndarray result
    cdef char *kernel
    cdef bint longer
    if not 1 <= rank <= 3 or not 0 <= lead <= 1 or cnp.PyArray_TYPE(v) != number:
        return None
    if type(mode) is not str:
        return None
    if mode is VALID or mode == VALID:  # strings are mostly interned
        j = 0
    elif mode is FULL or mode == FULL:
        j = 2
    elif mode is SAME or mode == SAME:
        j = 1
    else:
        return None
    memset(&p, 0, sizeof(corrfast_problem))
    p.dtype = dtype_code(number)
    if not p.dtype:
        return None
    p.size = sizeof(corrfast_problem)
    p.rank = rank
    p.batch = p.groups = p.input_channels = p.output_channels = 1
    if lead:
        shape[0] = p.batch = cnp.PyArray_DIM(a, 0)
        if p.batch < 1 or cnp.PyArray_STRIDE(a, 0) % itemsize:
            return None
        p.input_stride[0] = cnp.PyArray_STRIDE(a, 0) // itemsize if p.batch > 1 else 0
    for i in range(rank):
        n, k = cnp.PyArray_DIM(a, lead + i), cnp.PyArray_DIM(v, i)
        x_stride, w_stride = cnp.PyArray_STRIDE(a, lead + i), cnp.PyArray_STRIDE(v, i)
        if not 1 <= n <= MAX_SHORT or not 1 <= k <= MAX_SHORT or x_stride % itemsize or w_stride % itemsize:
            return None
        longer = (k - 1) > (n - 1) // dilation
        if longer and (lead or rank > 1 or boundary or stride > 1 or dilation > 1):
            return None
        reach = (k - 1) * dilation
        p.input_size[i], p.kernel_size[i] = n, k
        p.stride[i], p.dilation[i], p.boundary[i] = stride, dilation, boundary
        p.padding_hi[i] = reach if j == 2 else j * (reach // 2)
        p.padding_lo[i] = reach if j == 2 else j * (reach - reach // 2)
        if longer and j == 0:  # NumPy's answer is that of exchanged arguments, which is a padding
            p.padding_lo[i] = p.padding_hi[i] = k - n
        elif longer and j == 1:
            p.padding_lo[i] = k - 1 - (n - 1 if flip else n) // 2
            p.padding_hi[i] = 2 * k - 1 - n - p.padding_lo[i]
        p.input_stride[2 + i] = x_stride // itemsize if n > 1 else 0
        p.kernel_stride[2 + i] = 0 if k == 1 else -(w_stride // itemsize) if flip else w_stride // itemsize
        if flip:
            start += (k - 1) * w_stride
        shape[lead + i] = (n + p.padding_lo[i] + p.padding_hi[i] - reach - 1) // stride + 1
    n = 1
    for i in range(rank - 1, -1, -1):
        p.output_stride[2 + i] = n
        if shape[lead + i] > MAX_SHORT or n > MAX_SHORT:
            return None
        n *= shape[lead + i]
    p.output_stride[0] = n
    if p.batch > MAX_SHORT or n > MAX_SHORT:
        return None
    n *= p.batch
    if n > MAX_SHORT:
        return None
    if cnp.PyTypeNum_ISCOMPLEX(number) and not flip:
        p.conjugate = CORRFAST_CONJ_KERNEL
    if out is None:
        result = cnp.PyArray_EMPTY(lead + rank, shape, number, 0)
    elif type(out) is cnp.ndarray and can_write(<cnp.ndarray>out, lead + rank, shape, number, a, v):
        result = <cnp.ndarray>out
    else:
        return None
    init_options(&options, &w, workers)
    options.method, options.precision = method, precision
    kernel = <char *>cnp.PyArray_DATA(v) + start
    if n * cnp.PyArray_SIZE(v) < SHORT_WORK:
        status = corrfast_forward(&p, &options, cnp.PyArray_DATA(a), kernel, cnp.PyArray_DATA(result))
    else:
        with nogil:
            status = corrfast_forward(&p, &options, cnp.PyArray_DATA(a), kernel, cnp.PyArray_DATA(result))
    if status:
        fail(status, method)
    return result


cdef object forward(a, v, mode, axes, stride, dilation, padding, boundary, cval, method, precision, dtype, out, workers, bint flip):
    global general_forward
    if (is_plain(a) and is_plain(v) and type(method) is str and axes is None and padding is None and dtype is None
            and (not scopes_exist if precision is None else type(precision) is str) and type(boundary) is str and is_small(stride)
            and is_small(dilation) and (workers is None or is_small(workers)) and (cval is ZERO or (type(cval) is int and cval == 0))):
        rule = 0 if boundary is CONSTANT else BOUNDARIES.get(boundary, -1)
        way = 0 if method is AUTO else SHORT_METHODS.get(method, -1)
        level = 0 if precision is None else PRECISIONS.get(precision, -1)
        if rule >= 0 and way >= 0 and level >= 0:
            result = short_forward(<cnp.ndarray>a, <cnp.ndarray>v, mode, stride, dilation, rule, way, level, out,
                                   0 if workers is None else workers, flip)
            if result is not None:
                return result
    if general_forward is None:
        from .filters import general_forward
    return general_forward(a, v, mode, axes, stride, dilation, padding, boundary, cval, method, precision, dtype, out, workers, flip=flip)


def correlate(a, v, mode="valid", *, axes=None, stride=1, dilation=1, padding=None, boundary="constant", cval=0, method="auto",
              precision=None, dtype=None, out=None, workers=None):
    """Cross-correlation of an array with a kernel, along one to three axes.

    Per spatial axis, with the lengths n of `a` and k of `v`, stride s, dilation d, padding (lo, hi), e = d*(k - 1), and ext(a) = `a`
    extended beyond its ends by the boundary rule::

        y[o] = sum over j of ext(a)[o*s + j*d - lo] * conj(v[j])        o = 0 .. m-1
        m = floor((n + lo + hi - e - 1) / s) + 1

    Parameters
    ----------
    a : array_like
        The array. Its axes that are not spatial are a batch.
    v : array_like
        The kernel. Without `axes` its number of axes, 1 to 3, is the number of spatial axes, which are the last ones of `a`.
    mode : {"valid", "same", "full"}, optional
        The padding: none, (e - e//2, e//2), or (e, e); NumPy's numbers 0, 1, 2 mean the same. With a stride, every s-th sample of
        what stride 1 gives.
    axes : int or sequence of int, optional
        The spatial axes of `a`. `v` then has these axes alone, or all axes of `a`: the others broadcast, so that each row can have
        a kernel of its own.
    stride, dilation : int or sequence of int, optional
        Distance between outputs and between taps, in samples; one for all spatial axes or one for each.
    padding : int or sequence, optional
        Samples added before and after each spatial axis, instead of a `mode`: one integer, or an integer or a pair (lo, hi) for each
        axis. Negative numbers crop.
    boundary : str or sequence of str, optional
        What lies beyond the ends, by the names of `numpy.pad`: "constant", "edge", "wrap", "symmetric", "reflect"; one, or one for
        each spatial axis.
    cval : scalar, optional
        The value of the boundary "constant".
    method : {"auto", "direct", "fft", "separable"}, optional
        How to compute: the fastest way by estimate; sum by sum; by transforms of overlapping blocks, for long kernels of any dtype but
        longdouble; along one axis after the other, if the kernel is a product. See `explain`.
    precision : {"default", "exact", "fast"}, optional
        Which errors are allowed: of all methods, transforms in float64 for float32 data too; of direct sums alone; or also of transforms
        in float32. None means that of the enclosing `precision_scope`.
    dtype : dtype, optional
        dtype of the result and of the sums, by default ``numpy.result_type(a, v)``; both must be castable to it under "same_kind".
    out : ndarray, optional
        Writable array of the result's shape and dtype, which is written and returned. It may overlap `a` and `v`.
    workers : int, optional
        Most threads to use, by default `get_num_threads()`. The bits of the result do not depend on it.

    Returns
    -------
    ndarray
        Batch axes as in `a`, then m samples along each spatial axis. Integers are exact modulo 2**bits, bool is logical, float16 is
        summed in float32.

    Raises
    ------
    ValueError
        If a shape, size, mode or name is not one of those allowed, or the kernel spans more than the padded array.
    TypeError
        If a dtype is not numeric or cannot be cast, or a float stands where an integer belongs.
    OverflowError
        If a size does not fit in 64 bits.

    See Also
    --------
    convolve, conv_transpose, correlate_vjp, prepare, explain

    Notes
    -----
    With NumPy's parameters alone, 1-D calls return what `numpy.correlate` returns, and 2-D and 3-D calls what `scipy.signal.correlate`
    with ``method="direct"`` returns, also where the kernel is longer than the array. A direct sum of K products has an error of at
    most ``(K + 2) * eps * sum|a||v|``; transforms of N samples one of at most ``8 * eps * log2(N) * norm(a) * norm(v)``, of the block
    that an output falls in, with the eps of float64, plus one rounding to a dtype below that ("fast": float32's eps). Integers are
    exact by every method. NaN and Inf reach the outputs that direct sums give them to, and no others. Zero padding
    contributes nothing, even to an infinite tap.

    Examples
    --------
    >>> import corrfast
    >>> corrfast.correlate([2, 1, 3, 5, 4], [1, -1])
    array([ 1, -2, -2,  1])
    >>> corrfast.correlate([2, 1, 3, 5, 4], [-1, 2, -1])
    array([-3,  0,  3])
    >>> corrfast.correlate([2, 1, 3, 5, 4], [1, 1, 1], "same", boundary="wrap")
    array([ 7,  6,  9, 12, 11])
    """
    return forward(a, v, mode, axes, stride, dilation, padding, boundary, cval, method, precision, dtype, out, workers, False)

def convolve(a, v, mode="full", *, axes=None, stride=1, dilation=1, padding=None, boundary="constant", cval=0, method="auto",
             precision=None, dtype=None, out=None, workers=None):
    """Convolution of an array with a kernel, along one to three axes: `correlate` with the kernel reversed and not conjugated.

    Per spatial axis, with the names of `correlate`::

        y[o] = sum over j of ext(a)[o*s + j*d - lo] * v[k - 1 - j]      o = 0 .. m-1
        m = floor((n + lo + hi - e - 1) / s) + 1

    Parameters
    ----------
    a, v : array_like
        The array and the kernel; a scalar counts as an array of length 1.
    mode : {"full", "same", "valid"}, optional
        The padding: (e, e), (e - e//2, e//2), or none.
    axes, stride, dilation, padding, boundary, cval, method, precision, dtype, out, workers : optional
        See `correlate`.

    Returns
    -------
    ndarray
        As `correlate`.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As `correlate`.

    See Also
    --------
    correlate : formulas, parameters and promises.

    Notes
    -----
    With NumPy's parameters alone, 1-D calls return what `numpy.convolve` returns, and 2-D and 3-D calls what `scipy.signal.convolve`
    with ``method="direct"`` returns.

    Examples
    --------
    >>> import corrfast
    >>> corrfast.convolve([2, 1, 3, 5, 4], [1, -1], "valid")
    array([-1,  2,  2, -1])
    >>> corrfast.convolve([2, 1, 3, 5, 4], [-1, 2, -1], "valid")
    array([-3,  0,  3])
    >>> corrfast.convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    """
    return forward(a, v, mode, axes, stride, dilation, padding, boundary, cval, method, precision, dtype, out, workers, True)

# ---- the process


def scope_used(bint used):
    """Say that a precision_scope was entered: from now on calls look at it."""
    global scopes_exist
    scopes_exist = used


def set_default_workers(int count, bint fixed):
    """Set the threads of calls without `workers`: at most `count` (0: no limit) of what OpenMP has, or `count` itself if fixed."""
    global thread_limit, fixed_threads
    thread_limit = count
    fixed_threads = fixed


def openmp_max_threads():
    """Return what the OpenMP runtime would use now; 1 without it."""
    return corrfast_max_threads()


def peak(dtype, int64_t rounds):
    """Do that many rounds of multiply-adds on registers alone, without the GIL, and return how many there were; 0 for a dtype other than
    float32 and float64, and on the instruction set "scalar". Timed, it is the most that one core can do.
    """
    cdef int code = dtype_code(cnp.dtype(dtype).num)
    with nogil:
        rounds = corrfast_peak(code, rounds)
    return rounds


def _isas():
    """The instruction sets of this build, best first, each with what is known of it."""
    cdef int usable = 0
    cdef const char *name
    cdef const char *checked
    isas = []
    while True:
        name = corrfast_isa_info(<int>len(isas), &usable, &checked)
        if name == NULL:
            return isas
        isas.append({"name": name.decode(), "usable": bool(usable), "checked": checked.decode() if checked != NULL else None})


def config():
    """Return what this build is and what it runs on."""
    return {"version": CORRFAST_VERSION.decode(), "compiler": COMPILER.decode(), "openmp": bool(corrfast_has_openmp()),
            "isa": corrfast_isa().decode(), "isas": _isas(), "cython": cython.__version__}


cdef extern from *:
    """
    #if defined(__clang__)
    #define CF_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define CF_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define CF_COMPILER_TEXT_(x) #x
    #define CF_COMPILER_TEXT(x) CF_COMPILER_TEXT_(x)
    #define CF_COMPILER "MSVC " CF_COMPILER_TEXT(_MSC_VER)
    #else
    #define CF_COMPILER "unknown"
    #endif
    """
    const char *COMPILER "CF_COMPILER"


def _start():
    if corrfast_start() == CORRFAST_OK:
        return
    asked = os.environ.get("CORRFAST_ISA")
    if not asked or asked in [isa["name"] for isa in _isas() if isa["usable"]]:
        raise ImportError("corrfast was compiled for a newer processor than this one: build it without -march or -m flags")
    names = [isa["name"] + ("" if isa["usable"] else " (not on this CPU)") for isa in _isas()]
    raise ImportError(f"CORRFAST_ISA={asked!r}: expected one of {', '.join(names)}, or nothing")


_start()
