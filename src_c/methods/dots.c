/* Direct summation, forward, for sums much longer than the output: the gradient of a small kernel, or a kernel about as long as
 * the signal.  The sum runs along the vector's lanes, and a few outputs share the loaded taps.
 *
 * Column stride s and dilation d change roles against direct.c: taps lie d samples apart, so a packed line takes every d-th
 * sample, outputs split into d/gcd classes, and outputs of one class lie s/gcd packed samples apart. */
#include "../core/border.h"
#include "../core/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PACK_BYTES = 192 * 1024,
    FAR_OUTPUTS = 4096, /* outputs further apart than this are packed one by one */
    BLOCK = 64          /* outputs of one piece */
};

typedef struct tiling {
    int packs, packs_taps;
    int64_t classes, step; /* of outputs */
    int64_t tap_rows, tap_cols;
    int64_t outputs, blocks;
    int64_t sub_line, line;
    size_t lines_bytes, taps_bytes, pack_bytes, fill_bytes, raw_bytes, y_bytes;
} tiling;

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const cf_dtype *dtype = plan->task.dtype;
    int64_t size = dtype->arith_size, gcd = cf_gcd(col->stride, col->dilation);
    memset(t, 0, sizeof *t);
    t->outputs = cf_min(col->m, BLOCK);
    t->blocks = cf_ceil_div(col->m, t->outputs);
    t->tap_cols = cf_min(col->k, 4096);
    t->classes = cf_min(col->dilation / gcd, t->outputs);
    t->step = col->stride / gcd;
    if (t->outputs > 1 && t->step > FAR_OUTPUTS / (t->outputs - 1)) {
        t->classes = t->outputs;
        t->step = 0;
    }
    t->sub_line = t->tap_cols + (cf_ceil_div(t->outputs, t->classes) - 1) * t->step;
    t->line = t->sub_line * t->classes;
    t->tap_rows = cf_clamp(PACK_BYTES / size / (t->line + t->tap_cols), 1, cf_min(row->k, 64));
    t->packs = cf_converts(dtype) || (col->xs != 1 && col->n > 1) || t->classes > 1 || col->dilation > 1;
    t->packs_taps = cf_converts(dtype) || (col->ws != 1 && col->k > 1);

    int fill = 0;
    for (int i = 0; i < 2; i++)
        fill |= s->axis[i].boundary == CORRFAST_CONSTANT && cf_leaves_array(&s->axis[i]) && !plan->task.pads_with_zero;
    t->lines_bytes = cf_round64((size_t)(2 * t->tap_rows) * sizeof(void *));
    t->taps_bytes = t->packs_taps ? cf_round64((size_t)(t->tap_rows * t->tap_cols * size)) : 0;
    t->pack_bytes = t->packs || cf_leaves_array(col) ? cf_round64((size_t)(t->tap_rows * t->line * size)) : 0;
    t->fill_bytes = fill ? cf_round64((size_t)(t->line * size)) : 0;
    t->raw_bytes = cf_converts(dtype) ? cf_round64((size_t)(t->sub_line * dtype->size)) : 0;
    t->y_bytes = cf_round64((size_t)(t->outputs * size));
}

static size_t scratch_of(const tiling *t)
{
    return t->lines_bytes + t->taps_bytes + t->pack_bytes + t->fill_bytes + t->raw_bytes + t->y_bytes;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    int flags;
} job;

/* The place of a piece, and its worker's memory. */
typedef struct block {
    const job *job;
    int64_t batch, group, channel, depth, row, col, outputs;
    const void **lines, **tap_lines;
    char *taps, *pack, *fill, *raw, *y;
} block;

static const void *constant_line(block *b)
{
    const cf_task *task = &b->job->plan->task;
    _Alignas(16) unsigned char value[32];
    if (cf_converts(task->dtype))
        cf_widen(task->dtype, value, task->cval, 1, 1);
    else
        memcpy(value, task->cval, sizeof value);
    cf_fill(b->fill, 1, value, b->job->t.line, task->dtype->arith_size);
    return b->fill;
}

/* Samples for all outputs of the block and taps [tap, tap + taps): in place, or packed into `to` (NULL: in place). */
static const void *line_samples(const block *b, const char *line, int64_t tap, int64_t taps, char *to)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_axis *col = &task->shape.axis[2];
    int64_t first = b->col * col->stride + tap * col->dilation - col->lo;
    if (!to)
        return line + first * task->dtype->size;
    cf_line from = {line, col->n, col->xs, col->boundary, task->cval};
    for (int64_t k = 0; k < t->classes && k < b->outputs; k++)
        cf_pack_line(task->dtype, to + k * t->sub_line * task->dtype->arith_size, &from, first + k * col->stride, col->dilation,
                     taps + (cf_ceil_div(b->outputs - k, t->classes) - 1) * t->step, b->raw);
    return to;
}

/* Adds the products of taps [i, i + rows) x [j, j + taps) of one slice. */
static void add_taps(block *b, const char *x, const char *w, int outside, int64_t i, int64_t rows, int64_t j, int64_t taps, int *started)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_axis *row = &task->shape.axis[1], *col = &task->shape.axis[2];
    int64_t size = task->dtype->size, arith = task->dtype->arith_size, count = 0;
    int64_t first = b->col * col->stride + j * col->dilation - col->lo;
    int packs = t->packs || first < 0 || first + (b->outputs - 1) * col->stride + (taps - 1) * col->dilation >= col->n;
    const void *constant = NULL;
    for (int64_t r = i; r < i + rows; r++) {
        int64_t index = outside ? -1 : cf_border_index(row->boundary, b->row * row->stride + r * row->dilation - row->lo, row->n);
        if (index < 0 && task->pads_with_zero)
            continue;
        if (index < 0)
            b->lines[count] = constant ? constant : (constant = constant_line(b));
        else
            b->lines[count] = line_samples(b, x + index * row->xs * size, j, taps, packs ? b->pack + count * t->line * arith : NULL);
        const char *tap_line = w + (r * row->ws + j * col->ws) * size;
        if (t->packs_taps) {
            char *to = b->taps + count * t->tap_cols * arith;
            if (cf_converts(task->dtype))
                cf_widen(task->dtype, to, tap_line, col->ws, taps);
            else
                cf_copy_strided(to, 1, tap_line, col->ws, taps, task->dtype->size);
            tap_line = to;
        }
        b->tap_lines[count++] = tap_line;
    }
    char *y = b->y;
    for (int64_t k = 0; k < t->classes && k < b->outputs; k++) {
        int64_t outputs = cf_ceil_div(b->outputs - k, t->classes);
        b->job->plan->kernels->set[task->dtype->arith].dot(b->lines, k * t->sub_line, t->step, b->tap_lines, count, taps, y, outputs,
                                                           b->job->flags | (*started ? CF_ACCUMULATE : 0));
        y += outputs * arith;
    }
    *started = 1;
}

static void store(const block *b)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    char *to = (char *)b->job->arrays->output +
               (cf_y_at(s, b->batch, b->group, b->channel) + b->depth * a[0].ys + b->row * a[1].ys + b->col * a[2].ys) * task->dtype->size;
    const char *y = b->y;
    for (int64_t k = 0; k < t->classes && k < b->outputs; k++, to += a[2].ys * task->dtype->size) {
        int64_t outputs = cf_ceil_div(b->outputs - k, t->classes);
        if (cf_converts(task->dtype))
            cf_narrow(task->dtype, to, t->classes * a[2].ys, y, outputs);
        else
            cf_copy_strided(to, t->classes * a[2].ys, y, 1, outputs, task->dtype->size);
        y += outputs * task->dtype->arith_size;
    }
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    int64_t size = task->dtype->size;
    block b = {.job = j};
    b.col = cf_take_digit(&index, t->blocks) * t->outputs;
    b.outputs = cf_min(t->outputs, a[2].m - b.col);
    b.row = cf_take_digit(&index, a[1].m);
    b.depth = cf_take_digit(&index, a[0].m);
    b.channel = cf_take_digit(&index, s->cout);
    b.group = cf_take_digit(&index, s->groups);
    b.batch = index;
    char *memory = worker->scratch;
    b.lines = (const void **)(void *)memory;
    b.tap_lines = b.lines + t->tap_rows;
    b.taps = memory += t->lines_bytes;
    b.pack = memory += t->taps_bytes;
    b.fill = memory += t->pack_bytes;
    b.raw = memory += t->fill_bytes;
    b.y = memory + t->raw_bytes;
    memset(b.y, 0, t->y_bytes); /* an empty sum */
    int started = 0;
    for (int64_t ci = 0; ci < s->cin; ci++)
        for (int64_t k = 0; k < a[0].k; k++) {
            int64_t depth = cf_border_index(a[0].boundary, b.depth * a[0].stride + k * a[0].dilation - a[0].lo, a[0].n);
            if (depth < 0 && task->pads_with_zero)
                continue;
            const char *x = (const char *)j->arrays->input +
                            (cf_x_at(s, b.batch, b.group, ci) + cf_max(depth, 0) * a[0].xs) * size;
            const char *w = (const char *)j->arrays->kernel +
                            (cf_w_at(s, b.group, b.channel, ci) + k * a[0].ws) * size;
            for (int64_t r = 0; r < a[1].k; r += t->tap_rows)
                for (int64_t c = 0; c < a[2].k; c += t->tap_cols) {
                    int64_t rows = cf_min(t->tap_rows, a[1].k - r), taps = cf_min(t->tap_cols, a[2].k - c);
                    add_taps(&b, x, w, depth < 0, r, rows, c, taps, &started);
                    if (cf_poll(worker, (double)(rows * taps * b.outputs)))
                        return;
                }
        }
    store(&b);
}

static int supports(const cf_task *task)
{
    return task->pass == CORRFAST_FORWARD && task->dtype->arith != CF_NO_ARITH;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    double vectors = ceil((double)a[2].k / kernels->set[task->dtype->arith].lanes);
    double lines = (double)s->cin * (double)a[0].k * (double)a[1].k;
    double outputs = (double)s->batch * (double)s->groups * (double)s->cout * (double)a[0].m * (double)a[1].m * (double)a[2].m;
    if (s->groups * s->cout * s->cin > 1) /* lines come from further away than those of one channel: 0.2 of the speed (Zen 4) */
        outputs *= 5;
    if (task->is_gradient && (a[0].m > 1 || a[1].m > 1)) { /* the same lines again for each row of outputs, padded or packed again too */
        outputs *= a[0].m > 1 ? 1.8 : 1.5;
        outputs *= a[2].dilation > 1 ? 1.6 : cf_leaves_array(&a[2]) ? 1.4 : 1;
        outputs *= cf_traffic_bytes(task) > CF_FAR_BYTES ? 2.2 : 1;
    } else if (task->is_gradient && a[2].dilation > 1) {
        outputs *= 1.15;
    }
    double line = 8 + 2.3 * cf_vector_cycles(task->dtype->arith) * vectors;
    const double padding = task->is_gradient && cf_leaves_array(&a[2]) ? 0.4e-6 : 0;
    return CF_CALL_SECONDS + padding + outputs * (lines * line + 30) * CF_CYCLE + cf_traffic_seconds(task);
}

static int64_t pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    tiling t;
    tile(plan, &t);
    return s->batch * s->groups * s->cout * s->axis[0].m * s->axis[1].m * t.blocks;
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return scratch_of(&t);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, &t);
    snprintf(text, size, "dot kernel, blocks of %lld outputs, chunks of %lld x %lld taps", (long long)t.outputs, (long long)t.tap_rows,
             (long long)t.tap_cols);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    job j = {.plan = plan, .arrays = arrays};
    if (cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    tile(plan, &j.t);
    if (plan->task.conjugate & CORRFAST_CONJ_INPUT)
        j.flags |= CF_CONJ_SAMPLES;
    if (plan->task.conjugate & CORRFAST_CONJ_KERNEL)
        j.flags |= CF_CONJ_TAPS;
    return cf_run_pieces(run, pieces(plan), plan->seconds, scratch_of(&j.t), piece, &j);
}

const cf_method cf_method_dots = {
    .name = "direct-dots", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .seconds = seconds,
    .scratch = scratch, .pieces = pieces, .describe = describe, .run = run,
};
