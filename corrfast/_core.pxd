# The C library as Cython sees it: a transcript of src_c/corrfast.h, nothing more.
from libc.stdint cimport int32_t, int64_t, uint32_t


cdef extern from "corrfast.h" nogil:
    const char *CORRFAST_VERSION

    int CORRFAST_OK, CORRFAST_ERR_ARGUMENT, CORRFAST_ERR_OVERFLOW, CORRFAST_ERR_MEMORY, CORRFAST_ERR_CANCELLED
    int CORRFAST_ERR_METHOD, CORRFAST_ERR_ISA

    int CORRFAST_BOOL, CORRFAST_INT8, CORRFAST_UINT8, CORRFAST_INT16, CORRFAST_UINT16, CORRFAST_INT32, CORRFAST_UINT32
    int CORRFAST_INT64, CORRFAST_UINT64, CORRFAST_FLOAT16, CORRFAST_FLOAT32, CORRFAST_FLOAT64, CORRFAST_LONGDOUBLE
    int CORRFAST_COMPLEX64, CORRFAST_COMPLEX128, CORRFAST_CLONGDOUBLE

    int CORRFAST_FORWARD, CORRFAST_BACKWARD_INPUT, CORRFAST_BACKWARD_KERNEL
    uint32_t CORRFAST_CONJ_KERNEL

    ctypedef struct corrfast_problem:
        size_t size
        int32_t rank, dtype
        uint32_t conjugate
        int64_t batch, groups, input_channels, output_channels
        int64_t input_size[3]
        int64_t kernel_size[3]
        int64_t stride[3]
        int64_t dilation[3]
        int64_t padding_lo[3]
        int64_t padding_hi[3]
        int32_t boundary[3]
        int64_t input_stride[5]
        int64_t kernel_stride[5]
        int64_t output_stride[5]
        unsigned char cval[32]

    ctypedef struct corrfast_options:
        size_t size
        int32_t method, precision, threads, thread_limit
        int (*cancel)(void *context) noexcept nogil
        void *cancel_context
        const void *kernel

    struct corrfast_report_method:  # has no name in C; never held in a variable
        const char *name
        double seconds

    ctypedef struct corrfast_report:
        size_t size
        int64_t output_size[3]
        const char *method
        const char *isa
        char reason[160]
        char tile[160]
        double seconds
        int64_t scratch_bytes, shared_bytes
        int32_t threads, method_count
        corrfast_report_method methods[16]

    ctypedef struct corrfast_plan:
        pass

    int corrfast_forward(const corrfast_problem *, const corrfast_options *, const void *, const void *, void *)
    int corrfast_backward_input(const corrfast_problem *, const corrfast_options *, void *, const void *, const void *)
    int corrfast_backward_kernel(const corrfast_problem *, const corrfast_options *, const void *, void *, const void *)
    int corrfast_output_size(const corrfast_problem *, int64_t *)
    int corrfast_explain(const corrfast_problem *, int, const corrfast_options *, corrfast_report *)
    int corrfast_plan_create(const corrfast_problem *, int, const corrfast_options *, corrfast_plan **)
    int corrfast_plan_prepare(corrfast_plan *, const corrfast_options *, const void *)
    int corrfast_plan_run(const corrfast_plan *, const corrfast_options *, void *, void *, void *)
    void corrfast_plan_destroy(corrfast_plan *)
    const char *corrfast_status_text(int)
    int corrfast_start()
    const char *corrfast_isa()
    const char *corrfast_isa_info(int, int *, const char **)
    int64_t corrfast_peak(int dtype, int64_t rounds) nogil
    int corrfast_has_openmp()
    int corrfast_max_threads()
