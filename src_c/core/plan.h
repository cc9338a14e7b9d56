/* A plan is a checked problem with the method that will run it.  Methods declare themselves in one struct each; the planner
 * keeps those that support the problem and the precision asked for, and takes the cheapest. */
#ifndef CF_PLAN_H
#define CF_PLAN_H

#include "../kernels/table.h"
#include "../runtime/threads.h"
#include "shape.h"

#include <math.h>

/* What a method and its children need to know beyond the shape. */
typedef struct cf_task {
    cf_shape shape;
    const cf_dtype *dtype;
    corrfast_pass pass;
    unsigned conjugate; /* CORRFAST_CONJ_* of the operands as this pass reads them */
    int precision, asked; /* corrfast_precision; corrfast_method */
    int is_gradient;      /* the gradient of a kernel as a forward problem, whose kernel is as large as an output */
    const void *weights; /* the kernel's samples, if the plan may depend on them, else NULL */
    int far;            /* the arrays do not fit the near caches */
    int pads_with_zero; /* boundary "constant" contributes nothing */
    _Alignas(16) unsigned char cval[32];
} cf_task;

/* The three arrays of a run; the pass says which one is written. */
typedef struct cf_arrays {
    void *input, *kernel, *output;
} cf_arrays;

typedef struct cf_plan cf_plan;

#define CF_NEVER 1e300

enum { CF_DECIDED = 40 };

typedef struct cf_method {
    const char *name;
    int id;       /* corrfast_method that asks for it */
    int listed;   /* 0: runs problems for other methods, not a choice of its own */
    int (*supports)(const cf_task *task);
    int (*solves)(const cf_task *task, const cf_kernels *kernels); /* whether it runs task->asked, another method; NULL: none */
    int (*fits)(const cf_task *task); /* whether the samples of the kernel suit it too; NULL: any do */
    double (*seconds)(const cf_task *task, const cf_kernels *kernels); /* estimate for one thread; CF_NEVER: it cannot after all */
    double (*least)(const cf_task *task); /* that `seconds` could be, where that takes long to say; NULL: no bound */
    double (*decide)(const cf_task *task, const cf_kernels *kernels, void *decided); /* `seconds`, and what is decided on the way to it,
                                                     for the other functions to find in plan->decided; NULL: nothing */
    size_t (*scratch)(const cf_plan *plan);                            /* bytes for one thread */
    size_t (*shared)(const cf_plan *plan);                             /* bytes that all threads share; NULL: none */
    size_t (*packed)(const cf_plan *plan); /* bytes of the kernel in the form that runs read; 0, or NULL: they read its samples */
    int (*pack)(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run); /* writes that form; arrays: the kernel alone */
    int64_t (*pieces)(const cf_plan *plan);
    void (*describe)(const cf_plan *plan, char *text, size_t size); /* its tiles, in words */
    int (*run)(const cf_plan *plan, const cf_arrays *arrays, cf_run *run);
} cf_method;

struct cf_plan {
    cf_task task;
    const cf_kernels *kernels;
    const cf_method *method;
    double seconds;
    int64_t decided[CF_DECIDED]; /* by the method, in its own terms */
    int keeps;    /* the kernel is packed for many runs, maybe also where it would not pay for one */
    void *packed; /* NULL: each run packs for itself */
};

static inline const cf_kernel_set *cf_set_of(const cf_plan *plan) { return &plan->kernels->set[plan->task.dtype->arith]; }

CF_HIDDEN extern const cf_method cf_method_direct;
CF_HIDDEN extern const cf_method cf_method_gemm;
CF_HIDDEN extern const cf_method cf_method_gemm_gradient;
CF_HIDDEN extern const cf_method cf_method_gemm_input;
CF_HIDDEN extern const cf_method cf_method_winograd;
CF_HIDDEN extern const cf_method cf_method_winograd_gradient;
CF_HIDDEN extern const cf_method cf_method_depthwise;
CF_HIDDEN extern const cf_method cf_method_depthwise_input;
CF_HIDDEN extern const cf_method cf_method_depthwise_gradient;
CF_HIDDEN extern const cf_method cf_method_image;
CF_HIDDEN extern const cf_method cf_method_dots;
CF_HIDDEN extern const cf_method cf_method_adjoint;
CF_HIDDEN extern const cf_method cf_method_swapped;
CF_HIDDEN extern const cf_method cf_method_separable;
CF_HIDDEN extern const cf_method cf_method_fft;
CF_HIDDEN extern const cf_method cf_method_reference;

/* weights: the samples of the kernel, NULL where they are not known or not fixed. */
CF_HIDDEN int cf_plan_make(const cf_kernels *kernels, const corrfast_problem *problem, int pass, const corrfast_options *options,
                           const void *weights, cf_plan *plan);
CF_HIDDEN int cf_plan_run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run);
/* What cf_method.packed says, rounded to 64; so that packed kernels can lie one after the other. */
CF_HIDDEN size_t cf_plan_packed(const cf_plan *plan);
CF_HIDDEN int cf_plan_report(const cf_plan *plan, const corrfast_options *options, corrfast_report *report);

static inline int cf_options_are_right(const corrfast_options *o)
{
    return o->size == sizeof *o && o->method >= CORRFAST_AUTO && o->method <= CORRFAST_REFERENCE && o->precision >= CORRFAST_DEFAULT &&
           o->precision <= CORRFAST_FAST && o->threads >= 0 && o->thread_limit >= 0 && (o->allocate != NULL) == (o->release != NULL);
}

/* Solves a short problem at once and returns 1; 0: it is for the planner. */
CF_HIDDEN int cf_run_short(const cf_kernels *kernels, const corrfast_problem *problem, const corrfast_options *options, const void *input,
                           const void *kernel, void *output);

/* Plans a problem that a method needs solved on the way: the same dtype, cval and precision, another shape and pass; nothing packed.
 * method: corrfast_method, CORRFAST_AUTO for the planner's choice. */
CF_HIDDEN int cf_plan_child(const cf_plan *parent, const cf_shape *shape, corrfast_pass pass, unsigned conjugate, int method,
                            const void *weights, cf_plan *child);

/* Zero padding contributes nothing, but kernels multiply it: a kernel that holds NaN or Inf would turn it into NaN.  True if
 * the problem has both; cf_run_with_care then sums what touches the padding by the reference. */
CF_HIDDEN int cf_padding_needs_care(const cf_plan *plan, const cf_arrays *arrays);
CF_HIDDEN int cf_kernel_is_finite(const cf_plan *plan, const cf_arrays *arrays); /* no NaN, no Inf; true of integers */
CF_HIDDEN int cf_run_with_care(const cf_plan *plan, const cf_arrays *arrays, cf_run *run);

/* Constants of the cost estimates, read on Zen 3; what counts is their ratios. */
#define CF_CYCLE 0.3e-9
#define CF_FMA_LATENCY 4.0
#define CF_CALL_SECONDS 0.2e-6

/* Cycles to multiply and add one vector of the type, loads included. */
static inline double cf_vector_cycles(cf_arith arith)
{
    static const double cycles[CF_ARITH_COUNT] = {[CF_I16] = 0.8, [CF_I32] = 1.2, [CF_I64] = 3.5, [CF_F32] = 0.6,
                                                  [CF_F64] = 0.6, [CF_C64] = 1.4, [CF_C128] = 1.4};
    return cycles[arith];
}

/* What transforms cost beside (planning, tables, memory), and each of their blocks. */
#define CF_FFT_SECONDS 1.2e-6
#define CF_FFT_BLOCK_SECONDS 0.1e-6

/* The least that blocks.c can estimate for each output and each tap of one line, by the smallest number in each of its tables. */
#define CF_FFT_OUTPUT_SECONDS(fast) ((fast) ? 0.74e-9 : 1.07e-9)
#define CF_FFT_PARTS_SECONDS(fast) ((fast) ? 1.43e-9 : 1.94e-9) /* of a kernel in parts */
#define CF_FFT_TAP_SECONDS(fast) ((fast) ? 0.55e-9 : 0.72e-9)

/* By how much longer a product takes where every unit is busy with products for as long as a layer lasts (Zen 4). */
#define CF_DENSE 1.67

/* Input, of which long steps leave out most, and output. */
static inline double cf_traffic_bytes(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    double in = (double)s->cin, out = (double)s->cout;
    for (int i = 0; i < 3; i++) {
        in *= fmin((double)s->axis[i].n, (double)s->axis[i].m * (double)s->axis[i].k);
        out *= (double)s->axis[i].m;
    }
    return (double)s->batch * (double)s->groups * (in + out) * task->dtype->size;
}

/* Input and output together from where on kernels fetch lines ahead: 3x3 in 32 MB 1.35, in 4 MB 0.9 of the speed (Zen 5). */
#define CF_FAR_BYTES 6e6

/* Reading the input and writing the output once. */
static inline double cf_traffic_seconds(const cf_task *task) { return cf_traffic_bytes(task) * 0.05e-9; }

#endif
