/* The backward passes, as forward problems that the planner solves.
 *
 * Backward kernel swaps roles: gv[j] = sum_o g[o] ext(x)[o*s + j*d - lo] is a forward problem whose kernel is g, whose stride is d
 * and whose dilation is s; the batch takes the place of the input channels.
 *
 * Backward input splits into phases, so that nothing is stuffed with zeros: position p takes from the taps j with
 * j*d = p + lo (mod s).  For p = P + s*t these are j = j0 + u*(s/gcd), and o = O - u*(d/gcd) + t: a forward problem of stride 1
 * and dilation d/gcd over g with the reversed taps.  Positions beyond the array (boundaries other than "constant") are computed
 * block by block in scratch memory and folded onto the samples that they stand for. */
#include "../core/border.h"
#include "../core/plan.h"

#include <stdio.h>
#include <string.h>

enum { FOLD_ELEMENTS = 16384, MOST_PHASES = 1024 };

#define CHILD_SECONDS 0.4e-6 /* what planning the child takes, beside methods that need none */

/* Positions [start, start + length) of each axis, in the coordinates of the input, and where they are written. */
typedef struct window {
    int64_t start[3], length[3];
} window;

static int folds(const cf_axis *a)
{
    return a->boundary != CORRFAST_CONSTANT && cf_leaves_array(a);
}

static int any_folds(const cf_task *task)
{
    return folds(&task->shape.axis[0]) || folds(&task->shape.axis[1]) || folds(&task->shape.axis[2]);
}

static window whole(const cf_shape *s)
{
    return (window){{0, 0, 0}, {s->axis[0].n, s->axis[1].n, s->axis[2].n}};
}

static unsigned input_conjugate(const cf_task *t)
{
    return (t->conjugate & CORRFAST_CONJ_KERNEL) | (t->conjugate & CORRFAST_CONJ_OUTPUT ? CORRFAST_CONJ_INPUT : 0u);
}

static void write_zeros(const cf_task *task, const cf_shape *s, char *y)
{
    const cf_axis *a = s->axis;
    static const _Alignas(16) unsigned char zero[32];
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t c = 0; c < s->groups * s->cout; c++)
            for (int64_t i = 0; i < a[0].m; i++)
                for (int64_t j = 0; j < a[1].m; j++)
                    cf_fill(y + (cf_y_at(s, b, c / s->cout, c % s->cout) + i * a[0].ys + j * a[1].ys) * task->dtype->size, a[2].ys,
                            zero, a[2].m, task->dtype->size);
}

/* By the method that was asked for, where it can; sums at the ends, and such things, directly. */
static int plan_child(const cf_plan *plan, const cf_shape *shape, unsigned conjugate, cf_plan *child)
{
    int status = cf_plan_child(plan, shape, CORRFAST_FORWARD, conjugate, plan->task.asked, NULL, child);
    return status == CORRFAST_ERR_METHOD ? cf_plan_child(plan, shape, CORRFAST_FORWARD, conjugate, CORRFAST_DIRECT, NULL, child) : status;
}

/* One phase over a window: x begins at x_at, the kernel at w_at, in bytes. */
typedef struct phase {
    cf_shape shape;
    int reached; /* 0: by no tap */
    int64_t x_at, w_at;
} phase;

static phase phase_of(const cf_plan *plan, const cf_shape *roles, const window *w, const int64_t f[3], const int64_t xs[3])
{
    const cf_axis *a = plan->task.shape.axis;
    const int64_t size = plan->task.dtype->size;
    phase p = {.shape = *roles, .reached = 1};
    for (int i = 0; i < 3; i++) {
        int64_t tap = 0;
        p.reached &= cf_input_phase(&a[i], w->start[i], w->length[i], f[i], xs[i], &p.shape.axis[i], &tap);
        p.w_at += tap * a[i].ws * size;
        p.x_at += f[i] * xs[i] * size;
    }
    return p;
}

/* Steps f to the next phase over a window; 0 after the last. */
static int next_phase(const cf_axis *a, const window *w, int64_t f[3])
{
    for (int i = 2; i >= 0; i--) {
        if (++f[i] < cf_min(a[i].stride, w->length[i]))
            return 1;
        f[i] = 0;
    }
    return 0;
}

/* Solves all phases over a window; `roles` says batch, groups and channels, `from` where everything of them begins. */
static int run_phases(const cf_plan *plan, const cf_shape *roles, const window *w, const int64_t xs[3], const cf_arrays *from, cf_run *run)
{
    int64_t f[3] = {0, 0, 0};
    char *packed = plan->packed;
    int status = CORRFAST_OK;
    do {
        phase p = phase_of(plan, roles, w, f, xs);
        cf_arrays arrays = {from->output, (char *)from->kernel + p.w_at, (char *)from->input + p.x_at};
        cf_plan child;
        if (!p.reached) {
            write_zeros(&plan->task, &p.shape, arrays.output);
            continue;
        }
        if ((status = plan_child(plan, &p.shape, input_conjugate(&plan->task), &child)))
            break;
        if (packed) {
            child.keeps = 1;
            child.packed = packed;
            packed += cf_plan_packed(&child);
        }
        status = cf_plan_run(&child, &arrays, run);
    } while (!status && next_phase(plan->task.shape.axis, w, f));
    return status;
}

/* Adds a block of positions, computed in `sums`, to the samples they stand for. */
static void fold_block(const cf_task *task, const window *w, const char *sums, char *x)
{
    const cf_axis *a = task->shape.axis;
    int64_t size = task->dtype->size;
    int inside = w->start[2] >= 0 && w->start[2] + w->length[2] <= a[2].n;
    for (int64_t i = 0; i < w->length[0]; i++)
        for (int64_t j = 0; j < w->length[1]; j++, sums += w->length[2] * size) {
            int64_t p0 = cf_border_index(a[0].boundary, w->start[0] + i, a[0].n);
            int64_t p1 = cf_border_index(a[1].boundary, w->start[1] + j, a[1].n);
            char *line = x + (p0 * a[0].xs + p1 * a[1].xs) * size;
            if (inside) {
                cf_fold_add(task->dtype, line + w->start[2] * a[2].xs * size, a[2].xs, sums, w->length[2]);
                continue;
            }
            for (int64_t k = 0; k < w->length[2]; k++)
                cf_fold_add(task->dtype, line + cf_border_index(a[2].boundary, w->start[2] + k, a[2].n) * a[2].xs * size, 1,
                            sums + k * size, 1);
        }
}

/* Folds the region `sides` (-1 before the array, 0 inside, 1 after it, by axis) of one batch and channel. */
static int fold_region(const cf_plan *plan, const cf_shape *roles, const int sides[3], const cf_arrays *group, char *sums, cf_run *run)
{
    const cf_axis *a = plan->task.shape.axis;
    window all, w;
    for (int i = 0; i < 3; i++) {
        const int64_t first = cf_first_position(&a[i]), end = cf_last_position(&a[i]) + 1;
        all.start[i] = sides[i] < 0 ? first : sides[i] > 0 ? cf_max(a[i].n, first) : 0;
        all.length[i] = (sides[i] < 0 ? cf_min(0, end) : sides[i] > 0 ? end : a[i].n) - all.start[i];
        if (all.length[i] <= 0 || (sides[i] && !folds(&a[i])))
            return CORRFAST_OK;
    }
    int64_t most2 = cf_min(all.length[2], 4096), most1 = cf_min(all.length[1], FOLD_ELEMENTS / most2);
    int64_t most0 = cf_min(all.length[0], FOLD_ELEMENTS / most2 / most1);
    for (int64_t i = 0; i < all.length[0]; i += most0)
        for (int64_t j = 0; j < all.length[1]; j += most1)
            for (int64_t k = 0; k < all.length[2]; k += most2) {
                w = (window){{all.start[0] + i, all.start[1] + j, all.start[2] + k},
                             {cf_min(most0, all.length[0] - i), cf_min(most1, all.length[1] - j), cf_min(most2, all.length[2] - k)}};
                int64_t xs[3] = {w.length[1] * w.length[2], w.length[2], 1};
                cf_arrays arrays = {sums, group->kernel, group->output};
                int status = run_phases(plan, roles, &w, xs, &arrays, run);
                if (status)
                    return status;
                fold_block(&plan->task, &w, sums, group->input);
            }
    return CORRFAST_OK;
}

/* Everything outside the array, for one group; always in the same order, one region after the other. */
static int fold_group(const cf_plan *plan, const cf_arrays *group, char *sums, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    int64_t size = plan->task.dtype->size;
    cf_shape roles = cf_input_roles(s);
    roles.batch = roles.groups = roles.cout = 1;
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t c = 0; c < s->cin; c++)
            for (int region = 0; region < 27; region++) {
                int sides[3] = {region / 9 - 1, region / 3 % 3 - 1, region % 3 - 1};
                cf_arrays arrays = {(char *)group->input + (b * s->x_batch + c * s->x_channel) * size,
                                    (char *)group->kernel + c * s->w_cin * size, (char *)group->output + b * s->y_batch * size};
                int status = region == 13 ? CORRFAST_OK : fold_region(plan, &roles, sides, &arrays, sums, run);
                if (status)
                    return status;
            }
    return CORRFAST_OK;
}

/* What the phases are children of: their padding is that of g, always zeros. */
static cf_plan parent_of_phases(const cf_plan *plan)
{
    cf_plan parent = *plan;
    parent.task.pads_with_zero = 1;
    memset(parent.task.cval, 0, sizeof parent.task.cval);
    return parent;
}

/* Packs the kernels of the phases over the whole input, one after the other, in the order in which they run, or, where `to` is NULL,
 * only adds up their bytes. */
static int pack_phases(const cf_plan *plan, const cf_arrays *arrays, char *to, size_t *bytes, cf_run *run)
{
    const cf_shape *s = &plan->task.shape, roles = cf_input_roles(s);
    const window inside = whole(s);
    const cf_plan parent = parent_of_phases(plan);
    int64_t f[3] = {0, 0, 0}, xs[3] = {s->axis[0].xs, s->axis[1].xs, s->axis[2].xs};
    int status = CORRFAST_OK;
    *bytes = 0;
    do {
        phase p = phase_of(plan, &roles, &inside, f, xs);
        cf_plan child;
        if (!p.reached)
            continue;
        if ((status = plan_child(&parent, &p.shape, input_conjugate(&plan->task), &child)))
            break;
        child.keeps = 1;
        const size_t own = cf_plan_packed(&child);
        if (to && own) {
            cf_arrays from = {.kernel = (char *)arrays->kernel + p.w_at};
            status = child.method->pack(&child, &from, to + *bytes, run);
        }
        *bytes += own;
    } while (!status && next_phase(s->axis, &inside, f));
    return status;
}

static int run_input(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    int64_t size = plan->task.dtype->size, xs[3] = {s->axis[0].xs, s->axis[1].xs, s->axis[2].xs};
    cf_shape roles = cf_input_roles(s);
    window inside = whole(s);
    size_t fold_bytes = any_folds(&plan->task) ? (size_t)(FOLD_ELEMENTS * size) : 0;
    char *sums = NULL;
    int status = CORRFAST_OK;
    cf_plan parent = parent_of_phases(plan);
    if (fold_bytes && !(sums = cf_memory_take(&run->memory, fold_bytes)))
        return CORRFAST_ERR_MEMORY;
    status = run_phases(&parent, &roles, &inside, xs, arrays, run);
    parent.packed = NULL;
    for (int64_t g = 0; g < s->groups && fold_bytes && !status; g++) {
        cf_arrays group = {(char *)arrays->input + g * s->x_group * size, (char *)arrays->kernel + g * s->w_group * size,
                           (char *)arrays->output + g * s->y_group * size};
        status = fold_group(&parent, &group, sums, run);
    }
    cf_memory_give(&run->memory, sums, fold_bytes);
    return status;
}

/* Roles and axes of a backward kernel problem as a forward one. */
static cf_shape kernel_roles(const cf_shape *s)
{
    cf_shape r = {.batch = s->cin, .groups = s->groups, .cin = s->batch, .cout = s->cout,
                  .x_batch = s->x_channel, .x_group = s->x_group, .x_channel = s->x_batch,
                  .w_group = s->y_group, .w_cout = s->y_channel, .w_cin = s->y_batch,
                  .y_batch = s->w_cin, .y_group = s->w_group, .y_channel = s->w_cout};
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &s->axis[i];
        r.axis[i] = (cf_axis){.n = a->n, .k = a->m, .m = a->k, .stride = a->dilation, .dilation = a->stride, .lo = a->lo, .xs = a->xs,
                              .ws = a->ys, .ys = a->ws, .boundary = a->boundary};
    }
    return r;
}

static unsigned kernel_conjugate(const cf_task *t)
{
    return (t->conjugate & CORRFAST_CONJ_INPUT) | (t->conjugate & CORRFAST_CONJ_OUTPUT ? CORRFAST_CONJ_KERNEL : 0u);
}

static int run_kernel(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    cf_shape roles = kernel_roles(&plan->task.shape);
    cf_plan child;
    cf_arrays swapped = {arrays->input, arrays->output, arrays->kernel};
    int status = plan_child(plan, &roles, kernel_conjugate(&plan->task), &child);
    return status ? status : cf_plan_run(&child, &swapped, run);
}

/* Far more positions beyond the array than products that meet there: padding and stride are huge, and the axis is almost empty. */
static int is_sparse(const cf_axis *a)
{
    double positions = (double)(cf_last_position(a) - cf_first_position(a)), products = (double)a->m * (double)a->k;
    return folds(a) && positions > 64 * (products + (double)a->n);
}

/* What folding does badly the reference scatters product by product: sparse axes, and float16, which folding would round each time. */
static int supports(const cf_task *task)
{
    const cf_axis *a = task->shape.axis;
    if (task->pass != CORRFAST_BACKWARD_INPUT || !any_folds(task))
        return task->pass != CORRFAST_FORWARD;
    return task->dtype->id != CORRFAST_FLOAT16 && !is_sparse(&a[0]) && !is_sparse(&a[1]) && !is_sparse(&a[2]);
}

/* The child that stands for all when costs are estimated: of backward input the phase of tap 0, which has the most taps. */
static int64_t typical_child(const cf_task *task, const cf_kernels *kernels, cf_plan *child)
{
    cf_plan parent = {.task = *task, .kernels = kernels};
    const cf_shape *s = &task->shape;
    cf_shape shape;
    int64_t times = 1;
    if (task->pass == CORRFAST_BACKWARD_KERNEL) {
        shape = kernel_roles(s);
    } else {
        shape = cf_input_roles(s);
        for (int i = 0; i < 3; i++) {
            const cf_axis *a = &s->axis[i];
            int64_t tap, f = a->lo % a->stride;
            f = f > 0 ? a->stride - f : -f;
            cf_input_phase(a, 0, cf_max(a->n, f + 1), f, a->xs, &shape.axis[i], &tap);
            times *= cf_min(a->stride, a->n);
        }
    }
    plan_child(&parent, &shape, 0, child);
    return times;
}

static int solves(const cf_task *task, const cf_kernels *kernels)
{
    cf_plan child;
    if (task->asked != CORRFAST_FFT && (task->asked != CORRFAST_WINOGRAD || task->pass != CORRFAST_BACKWARD_INPUT))
        return 0;
    typical_child(task, kernels, &child);
    return (int)child.method->id == task->asked;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    cf_plan child;
    double times = (double)typical_child(task, kernels, &child);
    return times * child.seconds + (task->pass == CORRFAST_BACKWARD_KERNEL ? CHILD_SECONDS : 0);
}

/* What the phases over the array need at most: they differ in taps, in outputs, and so in methods, pieces and blocks.  Where there are very many,
 * the typical one stands for them, and what is folded needs other, smaller windows besides. */
typedef struct needs {
    int64_t pieces;
    size_t scratch, shared; /* of each thread, and of all */
} needs;

static needs find_needs(const cf_plan *plan)
{
    needs most = {.pieces = 1};
    const cf_shape *s = &plan->task.shape, roles = cf_input_roles(s);
    const window inside = whole(s);
    const cf_plan parent = parent_of_phases(plan);
    int64_t f[3] = {0, 0, 0}, xs[3] = {s->axis[0].xs, s->axis[1].xs, s->axis[2].xs};
    cf_plan child;
    const int64_t times = typical_child(&plan->task, plan->kernels, &child);
    const int several = plan->task.pass == CORRFAST_BACKWARD_INPUT && times <= MOST_PHASES;
    do {
        if (several) {
            phase p = phase_of(plan, &roles, &inside, f, xs);
            if (!p.reached || plan_child(&parent, &p.shape, input_conjugate(&plan->task), &child))
                continue;
        }
        most.pieces = cf_max(most.pieces, child.method->pieces(&child));
        child.seconds = 0; /* what takes less time is cut into higher blocks */
        const size_t own = child.method->scratch(&child);
        const size_t all = (child.method->shared ? cf_round64(child.method->shared(&child)) : 0) + cf_plan_packed(&child);
        most.scratch = own > most.scratch ? own : most.scratch;
        most.shared = all > most.shared ? all : most.shared;
    } while (several && next_phase(s->axis, &inside, f));
    return most;
}

static int64_t pieces(const cf_plan *plan) { return find_needs(plan).pieces; }

static size_t scratch(const cf_plan *plan)
{
    const int fold = plan->task.pass == CORRFAST_BACKWARD_INPUT && any_folds(&plan->task);
    return find_needs(plan).scratch + (fold ? (size_t)(FOLD_ELEMENTS * plan->task.dtype->size) : 0);
}

static size_t shared(const cf_plan *plan) { return find_needs(plan).shared; }

/* One run packs for one phase after the other. */
static size_t packed(const cf_plan *plan)
{
    size_t bytes = 0;
    if (plan->keeps && plan->task.pass == CORRFAST_BACKWARD_INPUT)
        pack_phases(plan, NULL, NULL, &bytes, NULL);
    return bytes;
}

static int pack(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run)
{
    size_t bytes;
    return pack_phases(plan, arrays, to, &bytes, run);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    cf_plan child;
    char tile[96];
    long long times = (long long)typical_child(&plan->task, plan->kernels, &child);
    child.method->describe(&child, tile, sizeof tile);
    snprintf(text, size, "%lld forward problem%s, %s: %s", times, times == 1 ? "" : "s", child.method->name, tile);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    return plan->task.pass == CORRFAST_BACKWARD_KERNEL ? run_kernel(plan, arrays, run) : run_input(plan, arrays, run);
}

const cf_method cf_method_adjoint = {
    .name = "direct-adjoint", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .solves = solves, .seconds = seconds,
    .scratch = scratch, .shared = shared, .packed = packed, .pack = pack, .pieces = pieces, .describe = describe, .run = run,
};
