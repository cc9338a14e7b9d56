/* A kernel larger than the array, where nothing but zeros lies beyond the array: most of its taps meet no sample.  Kernel and array
 * change roles, so that the sum runs over the samples:
 *     y[o] = sum_i a[i] v[i + lo - o],   y[m-1 - o'] = sum_i a[i] v[o' + i - (m-1 - lo)]
 * is a forward problem over v with the kernel a, written in reverse; one for each sample of a batch. */
#include "../core/plan.h"

#include <stdio.h>

static int supports(const cf_task *t)
{
    const cf_shape *s = &t->shape;
    double samples = 1, taps = 1;
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &s->axis[i];
        samples *= (double)a->n;
        taps *= (double)a->k;
        if (a->stride != 1 || a->dilation != 1 || a->m < 1 || a->n < 1 || a->k < 1 ||
            (cf_leaves_array(a) && !(a->boundary == CORRFAST_CONSTANT && t->pads_with_zero)))
            return 0;
    }
    return t->pass == CORRFAST_FORWARD && s->groups == 1 && s->cin == 1 && s->cout == 1 && s->batch >= 1 && taps > samples;
}

static int plan_child(const cf_plan *plan, cf_plan *child)
{
    const cf_shape *from = &plan->task.shape;
    unsigned conjugate = plan->task.conjugate;
    cf_shape s = {.batch = 1, .groups = 1, .cin = 1, .cout = 1};
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &from->axis[i];
        s.axis[i] = (cf_axis){.n = a->k, .k = a->n, .m = a->m, .stride = 1, .dilation = 1, .lo = a->m - 1 - a->lo, .xs = a->ws, .ws = a->xs,
                              .ys = -a->ys, .boundary = CORRFAST_CONSTANT};
    }
    conjugate = (conjugate & CORRFAST_CONJ_INPUT ? CORRFAST_CONJ_KERNEL : 0u) | (conjugate & CORRFAST_CONJ_KERNEL ? CORRFAST_CONJ_INPUT : 0u);
    return cf_plan_child(plan, &s, CORRFAST_FORWARD, conjugate, CORRFAST_DIRECT, NULL, child);
}

static double seconds(const cf_task *t, const cf_kernels *kernels)
{
    cf_plan parent = {.task = *t, .kernels = kernels}, child;
    return supports(t) && plan_child(&parent, &child) == CORRFAST_OK ? 1.15 * (double)t->shape.batch * child.seconds : 0; /* all of it padded */
}

static int64_t pieces(const cf_plan *plan)
{
    cf_plan child;
    return plan_child(plan, &child) == CORRFAST_OK ? child.method->pieces(&child) : 1;
}

static size_t scratch(const cf_plan *plan)
{
    cf_plan child;
    return plan_child(plan, &child) == CORRFAST_OK ? child.method->scratch(&child) : 0;
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    cf_plan child;
    char tile[96] = "";
    if (plan_child(plan, &child) == CORRFAST_OK)
        child.method->describe(&child, tile, sizeof tile);
    snprintf(text, size, "the kernel in the place of the array: %s", tile);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_axis *a = plan->task.shape.axis;
    cf_plan child;
    int status = plan_child(plan, &child);
    int64_t last = (a[0].m - 1) * a[0].ys + (a[1].m - 1) * a[1].ys + (a[2].m - 1) * a[2].ys;
    if (cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    for (int64_t b = 0; b < plan->task.shape.batch && !status; b++) {
        int64_t x = b * plan->task.shape.x_batch, y = b * plan->task.shape.y_batch + last;
        cf_arrays roles = {arrays->kernel, (char *)arrays->input + x * plan->task.dtype->size, (char *)arrays->output + y * plan->task.dtype->size};
        status = cf_plan_run(&child, &roles, run);
    }
    return status;
}

const cf_method cf_method_swapped = {
    .name = "direct-swapped", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .seconds = seconds,
    .scratch = scratch, .pieces = pieces, .describe = describe, .run = run,
};
