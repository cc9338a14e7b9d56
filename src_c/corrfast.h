/* corrfast: convolution and correlation of 1-D to 3-D arrays, and their gradients, on a CPU.
 *
 * One operation, in one description (corrfast_problem), with three passes.  Per spatial axis, with input length n,
 * kernel length k, stride s, dilation d, padding (lo, hi) and ext(x) = x extended by the boundary rule:
 *
 *   forward           y[b,co,o]  = sum_ci sum_j  ext(x)[b,ci, o*s + j*d - lo] * w[co,ci,j]     o = 0 .. m-1
 *   backward input    x[b,ci,i]  = sum over co and all (o, j) with o*s + j*d - lo mapped to i of y[b,co,o] * w[co,ci,j]
 *   backward kernel   w[co,ci,j] = sum_b sum_o  y[b,co,o] * ext(x)[b,ci, o*s + j*d - lo]
 *   m = floor((n + lo + hi - d*(k-1) - 1) / s) + 1
 *
 * Convolution is the same with a reversed view of w (negative strides); transposed convolution is backward input.
 * With boundary "constant" and a zero cval, what lies outside the array contributes nothing at all, so that an Inf
 * or NaN in the kernel does not turn padding into NaN.
 *
 * SPDX-License-Identifier: BSD-3-Clause */
#ifndef CORRFAST_H
#define CORRFAST_H

#include <stddef.h>
#include <stdint.h>

/* Two copies can live in one program: compile one of them with -DCORRFAST_PREFIX=other_ (and include this header so). */
#ifdef CORRFAST_PREFIX
#define CORRFAST_JOIN_(a, b) a##b
#define CORRFAST_JOIN(a, b) CORRFAST_JOIN_(a, b)
#define corrfast_forward CORRFAST_JOIN(CORRFAST_PREFIX, forward)
#define corrfast_backward_input CORRFAST_JOIN(CORRFAST_PREFIX, backward_input)
#define corrfast_backward_kernel CORRFAST_JOIN(CORRFAST_PREFIX, backward_kernel)
#define corrfast_output_size CORRFAST_JOIN(CORRFAST_PREFIX, output_size)
#define corrfast_explain CORRFAST_JOIN(CORRFAST_PREFIX, explain)
#define corrfast_plan_create CORRFAST_JOIN(CORRFAST_PREFIX, plan_create)
#define corrfast_plan_prepare CORRFAST_JOIN(CORRFAST_PREFIX, plan_prepare)
#define corrfast_plan_run CORRFAST_JOIN(CORRFAST_PREFIX, plan_run)
#define corrfast_plan_destroy CORRFAST_JOIN(CORRFAST_PREFIX, plan_destroy)
#define corrfast_status_text CORRFAST_JOIN(CORRFAST_PREFIX, status_text)
#define corrfast_start CORRFAST_JOIN(CORRFAST_PREFIX, start)
#define corrfast_isa CORRFAST_JOIN(CORRFAST_PREFIX, isa)
#define corrfast_isa_info CORRFAST_JOIN(CORRFAST_PREFIX, isa_info)
#define corrfast_max_threads CORRFAST_JOIN(CORRFAST_PREFIX, max_threads)
#define corrfast_peak CORRFAST_JOIN(CORRFAST_PREFIX, peak)
#define corrfast_has_openmp CORRFAST_JOIN(CORRFAST_PREFIX, has_openmp)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CORRFAST_VERSION "0.1.0"
#define CORRFAST_MAX_RANK 3

/* Values are pinned: they never change their meaning. */
typedef enum corrfast_status {
    CORRFAST_OK = 0,
    CORRFAST_ERR_ARGUMENT = -1,  /* a field of the problem or the options is out of range */
    CORRFAST_ERR_OVERFLOW = -2,  /* a size in elements or bytes exceeds int64 */
    CORRFAST_ERR_MEMORY = -3,    /* an allocation failed; outputs are unspecified, nothing leaked */
    CORRFAST_ERR_CANCELLED = -4, /* the cancellation callback asked to stop; outputs are unspecified */
    CORRFAST_ERR_METHOD = -5,    /* the method asked for does not support this problem */
    CORRFAST_ERR_ISA = -6        /* CORRFAST_ISA names no usable instruction set, or the CPU is below the compiled baseline */
} corrfast_status;

typedef enum corrfast_dtype {
    CORRFAST_BOOL = 1, /* one byte, non-zero is true; sums are "or" of "and" */
    CORRFAST_INT8, CORRFAST_UINT8, CORRFAST_INT16, CORRFAST_UINT16, /* integers are exact modulo 2**bits */
    CORRFAST_INT32, CORRFAST_UINT32, CORRFAST_INT64, CORRFAST_UINT64,
    CORRFAST_FLOAT16, /* sums in float32, rounded once */
    CORRFAST_FLOAT32, CORRFAST_FLOAT64, CORRFAST_LONGDOUBLE,
    CORRFAST_COMPLEX64, CORRFAST_COMPLEX128, CORRFAST_CLONGDOUBLE
} corrfast_dtype;

typedef enum corrfast_pass {
    CORRFAST_FORWARD = 0,         /* writes the output */
    CORRFAST_BACKWARD_INPUT = 1,  /* writes the input from kernel and output */
    CORRFAST_BACKWARD_KERNEL = 2  /* writes the kernel from input and output */
} corrfast_pass;

typedef enum corrfast_boundary { /* numpy.pad's names */
    CORRFAST_CONSTANT = 0, CORRFAST_EDGE = 1, CORRFAST_WRAP = 2, CORRFAST_SYMMETRIC = 3, CORRFAST_REFLECT = 4
} corrfast_boundary;

typedef enum corrfast_method {
    CORRFAST_AUTO = 0, CORRFAST_DIRECT = 1, CORRFAST_FFT = 2, CORRFAST_SEPARABLE = 3, CORRFAST_WINOGRAD = 4,
    CORRFAST_REFERENCE = 5 /* plain loops; for tests */
} corrfast_method;

typedef enum corrfast_precision { CORRFAST_DEFAULT = 0, CORRFAST_EXACT = 1, CORRFAST_FAST = 2 } corrfast_precision;

enum { CORRFAST_CONJ_INPUT = 1, CORRFAST_CONJ_KERNEL = 2, CORRFAST_CONJ_OUTPUT = 4 };

/* Spatial arrays hold `rank` numbers, slowest axis first.  Strides count elements and may be negative or, for what is
 * only read, zero; they go (batch, channel, axes) for input and output, (output channel, input channel, axes) for the
 * kernel, whose input channels are those of one group.  Arrays are aligned for their dtype and in native byte order. */
typedef struct corrfast_problem {
    size_t size;          /* sizeof(corrfast_problem): lets later versions add fields */
    int32_t rank;         /* 1, 2 or 3 */
    int32_t dtype;        /* corrfast_dtype of all three arrays */
    int32_t accumulate;   /* corrfast_dtype of the sums, 0 for the dtype's own (float32 for float16); no other choice yet */
    uint32_t conjugate;   /* which operands are conjugated as they are read: CORRFAST_CONJ_* (complex dtypes only) */
    int64_t batch;        /* may be 0 */
    int64_t groups;
    int64_t input_channels, output_channels; /* over all groups; divisible by groups */
    int64_t input_size[CORRFAST_MAX_RANK], kernel_size[CORRFAST_MAX_RANK];
    int64_t stride[CORRFAST_MAX_RANK], dilation[CORRFAST_MAX_RANK];
    int64_t padding_lo[CORRFAST_MAX_RANK], padding_hi[CORRFAST_MAX_RANK]; /* negative crops */
    int32_t boundary[CORRFAST_MAX_RANK];
    int32_t reserved;
    int64_t input_stride[2 + CORRFAST_MAX_RANK];
    int64_t kernel_stride[2 + CORRFAST_MAX_RANK];
    int64_t output_stride[2 + CORRFAST_MAX_RANK];
    unsigned char cval[32]; /* one element of dtype, in memory order: the value of boundary "constant" */
} corrfast_problem;

/* Runs task(argument, i) once for each i < count, on any threads, and returns when all are done. */
typedef void (*corrfast_parallel_for)(void *context, int64_t count, void (*task)(void *argument, int64_t index), void *argument);
typedef void *(*corrfast_allocate)(void *context, size_t bytes); /* aligned to at least 64 bytes, or NULL */
typedef void (*corrfast_release)(void *context, void *block, size_t bytes);
/* Returns non-zero to stop.  Called between pieces of a long run, from the thread that runs the first of the workers
 * (with OpenMP: the calling thread), at most a few hundred times a second. */
typedef int (*corrfast_cancel)(void *context);

/* All zeros (but `size`) are the defaults. */
typedef struct corrfast_options {
    size_t size;           /* sizeof(corrfast_options) */
    int32_t method;        /* corrfast_method */
    int32_t precision;     /* corrfast_precision */
    int32_t threads;       /* 0: what OpenMP says at the time of the call, at most thread_limit */
    int32_t thread_limit;  /* 0: none */
    corrfast_parallel_for parallel_for; /* NULL: OpenMP, if built with it */
    void *parallel_context;
    corrfast_allocate allocate; /* NULL: the C library's */
    corrfast_release release;
    void *allocator_context;
    void *scratch;         /* used first for scratch memory, if given; aligned to 64 bytes */
    size_t scratch_size;   /* corrfast_explain says how much a run takes */
    corrfast_cancel cancel;
    void *cancel_context;
    const void *kernel;    /* for corrfast_explain and corrfast_plan_create: the samples of the kernel of a forward pass, if they are known;
                              what a plan chose for them is right, if not best, for any others.  Runs look at the kernel they are given. */
} corrfast_options;

/* What the planner decided, and why. */
typedef struct corrfast_report {
    size_t size; /* sizeof(corrfast_report) */
    int64_t output_size[CORRFAST_MAX_RANK];
    const char *method, *isa;
    char reason[160], tile[160];
    double seconds;        /* the planner's estimate for one thread */
    int64_t scratch_bytes; /* of all threads together, and what they share */
    int64_t shared_bytes;  /* of these, what they share: packed weights, transforms of kernels */
    int32_t threads;       /* that the run would use */
    int32_t method_count;
    struct {
        const char *name;
        double seconds;    /* below 0: cannot run this problem */
    } methods[16];
} corrfast_report;

typedef struct corrfast_plan corrfast_plan;

/* The arrays that a pass does not write are only read; the written one must not overlap them. */
int corrfast_forward(const corrfast_problem *problem, const corrfast_options *options, const void *input, const void *kernel,
                     void *output);
int corrfast_backward_input(const corrfast_problem *problem, const corrfast_options *options, void *input, const void *kernel,
                            const void *output);
int corrfast_backward_kernel(const corrfast_problem *problem, const corrfast_options *options, const void *input, void *kernel,
                             const void *output);

/* The length m of each output axis; checks the whole problem. */
int corrfast_output_size(const corrfast_problem *problem, int64_t output_size[CORRFAST_MAX_RANK]);
int corrfast_explain(const corrfast_problem *problem, int pass, const corrfast_options *options, corrfast_report *report);

/* Planning apart from running: the problem is checked and the method chosen once.  A plan may be run from many threads. */
int corrfast_plan_create(const corrfast_problem *problem, int pass, const corrfast_options *options, corrfast_plan **plan);

/* Brings the kernel into the form that the plan's method reads, once for all later runs, whose bits stay the same.  They have to be given
 * the same samples, which may still be read.  The memory, up to about 4 times that of the kernel with its output channels rounded up to whole
 * vectors, or of transforms as much as 4 of a block for each pair of channels (corrfast_report.shared_bytes), none where the method reads the
 * kernel itself, is taken from options->allocate or the C library, never from options->scratch, and given back to where it was taken from by
 * corrfast_plan_destroy or the next call of this.  Not while another thread runs the plan.  After an error the plan is as it was. */
int corrfast_plan_prepare(corrfast_plan *plan, const corrfast_options *options, const void *kernel);
int corrfast_plan_run(const corrfast_plan *plan, const corrfast_options *options, void *input, void *kernel, void *output);
void corrfast_plan_destroy(corrfast_plan *plan);

const char *corrfast_status_text(int status);

/* Chooses the instruction set; every call does it by itself, an early one says what is wrong.  Name of the one in use, or NULL. */
int corrfast_start(void);
const char *corrfast_isa(void);

/* The instruction sets of this build, best first: name, or NULL when index is past the last.  *usable is 1 if this CPU has it;
 * *checked says where its kernels have passed the kernel checker: "hardware", "emulator", or NULL for nowhere yet, and then it
 * is not chosen by itself, only where CORRFAST_ISA names it.  Either pointer may be NULL. */
const char *corrfast_isa_info(int index, int *usable, const char **checked);

/* Does `rounds` rounds of independent multiply-adds on registers alone, on this thread, and returns their number: timed, it says what the
 * processor can do at most.  0 for dtypes other than CORRFAST_FLOAT32 and
 * CORRFAST_FLOAT64, and on the instruction set "scalar". */
int64_t corrfast_peak(int dtype, int64_t rounds);

int corrfast_has_openmp(void);
int corrfast_max_threads(void); /* what OpenMP would use now; 1 without it */

#ifdef __cplusplus
}
#endif
#endif
