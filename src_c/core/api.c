/* The public entry points: check, plan, run.  Those that compute are CF_PLAIN, so that a library compiled for another
 * processor than this one still answers CORRFAST_ERR_ISA. */
#include "plan.h"
#include "../runtime/cpu.h"
#include "../runtime/dispatch.h"

#include <stdlib.h>

struct corrfast_plan {
    cf_plan plan;
    size_t packed_bytes;
    corrfast_options keeper; /* whose allocator plan.packed is from */
};

static const corrfast_options default_options = {.size = sizeof(corrfast_options)};

static int run_plan(const cf_plan *plan, const corrfast_options *options, void *input, void *kernel, void *output)
{
    cf_run run = {.options = options, .memory = {.options = options}};
    cf_arrays arrays = {input, kernel, output};
    if (plan->task.shape.batch == 0 && plan->task.pass != CORRFAST_BACKWARD_KERNEL)
        return CORRFAST_OK; /* nothing to write; the kernel's gradient would be zeros */
    return cf_plan_run(plan, &arrays, &run);
}

static int make_and_run(const cf_kernels *kernels, const corrfast_problem *problem, int pass, const corrfast_options *options,
                        void *input, void *kernel, void *output)
{
    cf_plan plan;
    options = options ? options : &default_options;
    if (pass == CORRFAST_FORWARD && problem && cf_run_short(kernels, problem, options, input, kernel, output))
        return CORRFAST_OK;
    int status = cf_plan_make(kernels, problem, pass, options, pass == CORRFAST_FORWARD ? kernel : NULL, &plan);
    return status ? status : run_plan(&plan, options, input, kernel, output);
}

CF_PLAIN static int plan_and_run(const corrfast_problem *problem, int pass, const corrfast_options *options, void *input,
                                 void *kernel, void *output)
{
    const cf_kernels *kernels = cf_kernels_get();
    return kernels ? make_and_run(kernels, problem, pass, options, input, kernel, output) : CORRFAST_ERR_ISA;
}

/* Casting away const is safe: a pass writes only the array that its entry point takes as writable. */
int corrfast_forward(const corrfast_problem *problem, const corrfast_options *options, const void *input, const void *kernel,
                     void *output)
{
    return plan_and_run(problem, CORRFAST_FORWARD, options, (void *)(uintptr_t)input, (void *)(uintptr_t)kernel, output);
}

int corrfast_backward_input(const corrfast_problem *problem, const corrfast_options *options, void *input, const void *kernel,
                            const void *output)
{
    return plan_and_run(problem, CORRFAST_BACKWARD_INPUT, options, input, (void *)(uintptr_t)kernel, (void *)(uintptr_t)output);
}

int corrfast_backward_kernel(const corrfast_problem *problem, const corrfast_options *options, const void *input, void *kernel,
                             const void *output)
{
    return plan_and_run(problem, CORRFAST_BACKWARD_KERNEL, options, (void *)(uintptr_t)input, kernel, (void *)(uintptr_t)output);
}

static int make_output_size(const corrfast_problem *problem, int64_t output_size[CORRFAST_MAX_RANK])
{
    cf_shape shape;
    const cf_dtype *dtype = problem ? cf_dtype_of(problem->dtype) : NULL;
    int status = dtype ? cf_shape_make(problem, dtype->size, &shape) : CORRFAST_ERR_ARGUMENT;
    for (int i = 0; !status && i < problem->rank; i++)
        output_size[i] = shape.axis[i + CORRFAST_MAX_RANK - problem->rank].m;
    return status;
}

CF_PLAIN int corrfast_output_size(const corrfast_problem *problem, int64_t output_size[CORRFAST_MAX_RANK])
{
    return cf_kernels_get() ? make_output_size(problem, output_size) : CORRFAST_ERR_ISA;
}

static int make_and_report(const cf_kernels *kernels, const corrfast_problem *problem, int pass, const corrfast_options *options,
                           corrfast_report *report)
{
    cf_plan plan;
    options = options ? options : &default_options;
    int status = cf_plan_make(kernels, problem, pass, options, options->kernel, &plan);
    return status ? status : cf_plan_report(&plan, options, report);
}

CF_PLAIN int corrfast_explain(const corrfast_problem *problem, int pass, const corrfast_options *options, corrfast_report *report)
{
    const cf_kernels *kernels = cf_kernels_get();
    return kernels ? make_and_report(kernels, problem, pass, options, report) : CORRFAST_ERR_ISA;
}

static int make_and_keep(const cf_kernels *kernels, const corrfast_problem *problem, int pass, const corrfast_options *options,
                         corrfast_plan **plan)
{
    cf_plan made;
    options = options ? options : &default_options;
    int status = cf_plan_make(kernels, problem, pass, options, options->kernel, &made);
    if (status)
        return status;
    if (!(*plan = malloc(sizeof **plan)))
        return CORRFAST_ERR_MEMORY;
    **plan = (corrfast_plan){.plan = made};
    return CORRFAST_OK;
}

CF_PLAIN int corrfast_plan_create(const corrfast_problem *problem, int pass, const corrfast_options *options, corrfast_plan **plan)
{
    const cf_kernels *kernels = cf_kernels_get();
    *plan = NULL;
    return kernels ? make_and_keep(kernels, problem, pass, options, plan) : CORRFAST_ERR_ISA;
}

int corrfast_plan_run(const corrfast_plan *plan, const corrfast_options *options, void *input, void *kernel, void *output)
{
    options = options ? options : &default_options;
    return cf_options_are_right(options) ? run_plan(&plan->plan, options, input, kernel, output) : CORRFAST_ERR_ARGUMENT;
}

static void drop_packed(corrfast_plan *plan)
{
    cf_memory memory = {.options = &plan->keeper};
    cf_memory_give(&memory, plan->plan.packed, plan->packed_bytes);
    plan->plan.keeps = 0;
    plan->plan.packed = NULL;
}

int corrfast_plan_prepare(corrfast_plan *plan, const corrfast_options *options, const void *kernel)
{
    options = options ? options : &default_options;
    if (!cf_options_are_right(options))
        return CORRFAST_ERR_ARGUMENT;
    corrfast_plan made = {.plan = plan->plan, .keeper = *options};
    cf_run run = {.options = options, .memory = {.options = options}};
    cf_memory memory = {.options = &made.keeper};
    const cf_arrays arrays = {.kernel = (void *)(uintptr_t)kernel};
    made.keeper.scratch = NULL;
    made.plan.keeps = 1;
    made.plan.packed = NULL;
    if (!(made.packed_bytes = cf_plan_packed(&made.plan))) {
        drop_packed(plan);
        return CORRFAST_OK;
    }
    if (!(made.plan.packed = cf_memory_take(&memory, made.packed_bytes)))
        return CORRFAST_ERR_MEMORY;
    int status = made.plan.method->pack(&made.plan, &arrays, made.plan.packed, &run);
    drop_packed(status ? &made : plan);
    if (!status)
        *plan = made;
    return status;
}

void corrfast_plan_destroy(corrfast_plan *plan)
{
    if (plan)
        drop_packed(plan);
    free(plan);
}

CF_PLAIN int64_t corrfast_peak(int dtype, int64_t rounds)
{
    const cf_kernels *kernels = cf_kernels_get();
    cf_peak_fn *peak = !kernels ? NULL : dtype == CORRFAST_FLOAT32 ? kernels->peak_f32 : dtype == CORRFAST_FLOAT64 ? kernels->peak_f64 : NULL;
    return peak && rounds > 0 ? peak(rounds) : 0;
}

const char *corrfast_status_text(int status)
{
    switch (status) {
    case CORRFAST_OK: return "success";
    case CORRFAST_ERR_ARGUMENT: return "an argument is out of range";
    case CORRFAST_ERR_OVERFLOW: return "a size exceeds 64 bits";
    case CORRFAST_ERR_MEMORY: return "out of memory";
    case CORRFAST_ERR_CANCELLED: return "cancelled";
    case CORRFAST_ERR_METHOD: return "the method does not support this problem";
    case CORRFAST_ERR_ISA: return "CORRFAST_ISA names no instruction set that this build and this CPU have, or the CPU is too old for the build";
    default: return "unknown status";
    }
}
