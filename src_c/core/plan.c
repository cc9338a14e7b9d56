#include "plan.h"

#include <stdio.h>
#include <string.h>

/* In order of preference among equals; reference supports everything and comes last, so nothing is ever unimplemented. */
static const cf_method *const methods[] = {
    &cf_method_direct, &cf_method_gemm, &cf_method_gemm_gradient, &cf_method_winograd, &cf_method_winograd_gradient, &cf_method_depthwise,
    &cf_method_depthwise_input, &cf_method_depthwise_gradient, &cf_method_image, &cf_method_dots, &cf_method_adjoint, &cf_method_gemm_input,
    &cf_method_swapped, &cf_method_separable, &cf_method_fft, &cf_method_reference};
enum { METHOD_COUNT = (int)(sizeof methods / sizeof *methods) };
_Static_assert(METHOD_COUNT <= sizeof((corrfast_report){0}.methods) / sizeof(*(corrfast_report){0}.methods), "reports have a place for each");

/* The reference sums directly too, for dtypes that have no kernels. */
static int allowed(const cf_method *m, const cf_plan *plan)
{
    const int asked = plan->task.asked;
    return asked == CORRFAST_AUTO || asked == m->id || (asked == CORRFAST_DIRECT && m->id == CORRFAST_REFERENCE) ||
           (m->solves && m->supports(&plan->task) && m->solves(&plan->task, plan->kernels));
}

static int suits(const cf_method *m, const cf_task *task)
{
    return !m->fits || (task->weights && m->fits(task));
}

/* By what one sample costs: the method decides the bits, and these do not depend on the batch.  In the gradient of a kernel its place is taken by
 * the input's channels. */
static int choose(cf_plan *plan)
{
    int64_t batch = plan->task.shape.batch;
    if (!plan->task.is_gradient)
        plan->task.shape.batch = cf_min(batch, 1);
    plan->method = NULL;
    for (int i = 0; i < METHOD_COUNT; i++) {
        const cf_method *m = methods[i];
        if (!allowed(m, plan) || !m->supports(&plan->task))
            continue;
        if (plan->method && m->least && m->least(&plan->task) >= plan->seconds)
            continue;
        int64_t decided[CF_DECIDED];
        double seconds = m->decide ? m->decide(&plan->task, plan->kernels, decided) : m->seconds(&plan->task, plan->kernels);
        if (seconds < CF_NEVER && (!plan->method || seconds < plan->seconds) && suits(m, &plan->task)) {
            plan->method = m;
            plan->seconds = seconds;
            if (m->decide)
                memcpy(plan->decided, decided, sizeof decided);
        }
    }
    plan->task.shape.batch = batch;
    if (plan->method && batch > 1 && !plan->task.is_gradient)
        plan->seconds = plan->method->seconds(&plan->task, plan->kernels);
    return plan->method ? CORRFAST_OK : CORRFAST_ERR_METHOD;
}

int cf_plan_make(const cf_kernels *kernels, const corrfast_problem *p, int pass, const corrfast_options *o, const void *weights,
                 cf_plan *plan)
{
    const cf_dtype *dtype = p ? cf_dtype_of(p->dtype) : NULL;
    if (!dtype || pass < CORRFAST_FORWARD || pass > CORRFAST_BACKWARD_KERNEL || !cf_options_are_right(o))
        return CORRFAST_ERR_ARGUMENT;
    if (p->accumulate && p->accumulate != (dtype->id == CORRFAST_FLOAT16 ? CORRFAST_FLOAT32 : dtype->id))
        return CORRFAST_ERR_ARGUMENT;
    cf_task *t = &plan->task;
    int status = cf_shape_make(p, dtype->size, &t->shape);
    if (status)
        return status;
    t->dtype = dtype;
    t->pass = (corrfast_pass)pass;
    t->conjugate = dtype->is_complex ? p->conjugate : 0;
    t->precision = o->precision;
    t->asked = o->method;
    t->is_gradient = 0;
    t->weights = weights;
    memcpy(t->cval, p->cval, sizeof t->cval);
    t->pads_with_zero = cf_is_zero(dtype, t->cval);
    t->far = cf_traffic_bytes(t) > CF_FAR_BYTES;
    plan->kernels = kernels;
    plan->keeps = 0;
    plan->packed = NULL;
    return choose(plan);
}

int cf_plan_child(const cf_plan *parent, const cf_shape *shape, corrfast_pass pass, unsigned conjugate, int method,
                  const void *weights, cf_plan *child)
{
    child->task = parent->task;
    child->task.shape = *shape;
    for (int i = 0; i < 3; i++)
        if (shape->axis[i].m == 1)
            child->task.shape.axis[i].stride = 1; /* as cf_shape_make has it */
    child->task.pass = pass;
    child->task.conjugate = conjugate;
    child->task.weights = weights;
    child->task.asked = method;
    child->task.is_gradient = parent->task.is_gradient || parent->task.pass == CORRFAST_BACKWARD_KERNEL;
    child->kernels = parent->kernels;
    child->keeps = 0;
    child->packed = NULL;
    return choose(child);
}

static size_t all_scratch(const cf_plan *plan, const corrfast_options *options)
{
    const size_t own = cf_round64(plan->method->scratch(plan)) * (size_t)cf_threads_for(options, plan->method->pieces(plan), plan->seconds);
    return own + (plan->method->shared ? cf_round64(plan->method->shared(plan)) : 0);
}

/* Packs for itself, and not in memory that every run takes anew, then runs. */
static int pack_and_run(const cf_plan *plan, size_t bytes, const cf_arrays *arrays, cf_run *run)
{
    cf_plan own = *plan;
    const int reserves = !run->memory.reserve;
    if (reserves && !cf_memory_reserve(&run->memory, bytes + all_scratch(plan, run->options)))
        return CORRFAST_ERR_MEMORY;
    int status = CORRFAST_ERR_MEMORY;
    if ((own.packed = cf_memory_take(&run->memory, bytes))) {
        status = plan->method->pack(plan, arrays, own.packed, run);
        if (!status)
            status = plan->method->run(&own, arrays, run);
        cf_memory_give(&run->memory, own.packed, bytes);
    }
    if (reserves)
        cf_memory_unreserve(&run->memory);
    return status;
}

int cf_plan_run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const size_t bytes = plan->packed ? 0 : cf_plan_packed(plan);
    return bytes ? pack_and_run(plan, bytes, arrays, run) : plan->method->run(plan, arrays, run);
}

size_t cf_plan_packed(const cf_plan *plan)
{
    return plan->method->packed ? cf_round64(plan->method->packed(plan)) : 0;
}

/* One axis of an array. */
typedef struct extent {
    int64_t n, step;
} extent;

int cf_kernel_is_finite(const cf_plan *plan, const cf_arrays *arrays)
{
    const cf_task *t = &plan->task;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    const extent all[6] = {{a[2].k, a[2].ws}, {a[1].k, a[1].ws}, {a[0].k, a[0].ws}, {s->cin, s->w_cin}, {s->cout, s->w_cout},
                           {s->groups, s->w_group}};
    const int plain = t->dtype->arith != CF_NO_ARITH && !cf_converts(t->dtype);
    extent line = {1, 1}, rest[6];
    int64_t lines = t->dtype->is_float;
    int axes = 0;
    for (int i = 0; i < 6; i++) {
        if (all[i].n == 1)
            continue;
        if (axes == 0 && (line.n == 1 || all[i].step == line.n * line.step)) { /* goes on where the line ends */
            line = (extent){line.n * all[i].n, line.n == 1 ? all[i].step : line.step};
            continue;
        }
        rest[axes++] = all[i];
        lines *= all[i].n;
    }
    for (int64_t l = 0; line.n > 0 && l < lines; l++) {
        int64_t at = 0, index = l;
        for (int i = 0; i < axes; i++)
            at += cf_take_digit(&index, rest[i].n) * rest[i].step;
        const char *from = (const char *)arrays->kernel + at * t->dtype->size;
        if (plain && line.step == 1 ? !cf_set_of(plan)->finite(from, line.n) : !cf_all_finite(t->dtype, from, line.step, line.n))
            return 0;
    }
    return 1;
}

int cf_padding_needs_care(const cf_plan *plan, const cf_arrays *arrays)
{
    const cf_task *t = &plan->task;
    int pads = t->pass == CORRFAST_BACKWARD_INPUT; /* around the gradient */
    for (int i = 0; i < 3 && !pads; i++)
        pads |= t->shape.axis[i].boundary == CORRFAST_CONSTANT && cf_leaves_array(&t->shape.axis[i]);
    if (!pads || (t->pass == CORRFAST_FORWARD && !t->pads_with_zero))
        return 0;
    return !cf_kernel_is_finite(plan, arrays);
}

int cf_run_with_care(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    cf_plan child;
    int status = cf_plan_child(plan, &plan->task.shape, plan->task.pass, plan->task.conjugate, CORRFAST_REFERENCE, NULL, &child);
    return status ? status : cf_plan_run(&child, arrays, run);
}

int cf_plan_report(const cf_plan *plan, const corrfast_options *options, corrfast_report *report)
{
    const cf_task *t = &plan->task;
    size_t size = report->size;
    if (size != sizeof *report)
        return CORRFAST_ERR_ARGUMENT;
    memset(report, 0, sizeof *report);
    report->size = size;
    for (int i = 0; i < 3; i++)
        report->output_size[i] = t->shape.axis[i].m;
    report->method = plan->method->name;
    report->isa = plan->kernels->name;
    report->seconds = plan->seconds;
    report->threads = cf_threads_for(options, plan->method->pieces(plan), plan->seconds);
    report->shared_bytes = (plan->method->shared ? (int64_t)cf_round64(plan->method->shared(plan)) : 0) + (int64_t)cf_plan_packed(plan);
    report->scratch_bytes = (int64_t)cf_round64(plan->method->scratch(plan)) * report->threads + report->shared_bytes;
    plan->method->describe(plan, report->tile, sizeof report->tile);
    double next = -1;
    const char *second = NULL;
    for (int i = 0; i < METHOD_COUNT; i++) {
        const cf_method *m = methods[i];
        const double seconds = m->supports(t) && suits(m, t) ? m->seconds(t, plan->kernels) : CF_NEVER;
        const int can = seconds < CF_NEVER;
        if (!m->listed && m != plan->method)
            continue;
        report->methods[report->method_count].name = m->name;
        report->methods[report->method_count++].seconds = can ? seconds : -1;
        if (can && m != plan->method && (!second || seconds < next)) {
            second = m->name;
            next = seconds;
        }
    }
    if (options->method != CORRFAST_AUTO)
        snprintf(report->reason, sizeof report->reason, "asked for");
    else if (second)
        snprintf(report->reason, sizeof report->reason, "estimated %.3g s on one thread, %s %.3g s", plan->seconds, second, next);
    else
        snprintf(report->reason, sizeof report->reason, "the only method for this problem");
    return CORRFAST_OK;
}
