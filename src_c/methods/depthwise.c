/* Few channels in a group, depthwise layers above all: a plane, or a strip of its rows, is copied into a slab (core/slab.h) and summed by the
 * kernels that sum one channel.  Forward, `rows` sums all input channels of a group for one output channel; for the gradient of the kernel,
 * `taps` multiplies one channel of the input with one of the output's gradient.
 *
 * Against direct.c, which reads planes where they lie: small planes pay for looking at every line, and strides for packing each tap row. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/slab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    STRIP = 4096,      /* outputs */
    MOST_PLANES = 128, /* channels and depths of a sum */
    MOST_TERMS = 512,
    MOST_TAPS = 1024,
    MOST_COUTS = 256, /* whose sums wait together */
    SLAB_BYTES = 1 << 18
};

typedef struct tiling {
    int64_t len[3], blocks[3], taps, planes, lines; /* lines of one channel */
    cf_slab slab;
    int tall;           /* lines that taps along the second axis meet are neighbors: they make one part of a sum */
    int aside, by_gemm; /* strides leave no rows to share: the gemm kernel sums each row by itself */
    size_t lines_bytes, planes_bytes, slab_bytes, y_bytes, tables_bytes, sums_bytes;
} tiling;


static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const int64_t size = plan->task.dtype->arith_size, rows = plan->task.pass == CORRFAST_FORWARD ? s->cin : 1;
    memset(t, 0, sizeof *t);
    for (int64_t outputs = STRIP;; outputs /= 2) {
        cf_choose_block(s, outputs, t->len, t->blocks);
        cf_slab_make(s, t->len, 1, &t->slab);
        if (cf_slab_channel(&t->slab) * (double)(rows * size) <= SLAB_BYTES || outputs == 1)
            break;
    }
    const cf_slab_axis *slab = t->slab.axis;
    t->taps = a[0].k * a[1].k * a[2].k;
    t->tall = slab[1].shift == 1 || a[1].k == 1;
    t->lines = slab[0].period * slab[0].width * slab[1].period * slab[1].width;
    t->aside = a[2].m > 1 && a[2].ys != 1;
    t->by_gemm = slab[1].period > 1 || slab[2].period > 1;
    t->planes = t->by_gemm ? 0 : s->cin * a[0].k * (t->tall ? 1 : a[1].k);
    t->lines_bytes = cf_round64((size_t)(s->cin * t->lines) * sizeof(void *)) + cf_round64(cf_slab_lines_bytes(&t->slab));
    t->planes_bytes = cf_round64((size_t)t->planes * sizeof(cf_plane));
    t->slab_bytes = cf_round64((size_t)(t->slab.channel * rows * size)) + 64;
    t->sums_bytes = plan->task.pass == CORRFAST_FORWARD ? 0 : cf_round64((size_t)(s->cout * t->taps * size));
    t->y_bytes = t->aside ? cf_round64((size_t)(t->len[1] * t->len[2] * size)) : 0; /* one plane of outputs, or of their gradient */
    t->tables_bytes = 2 * cf_round64((size_t)(s->cin * t->taps) * sizeof(int64_t)) +
                      cf_round64((size_t)(t->slab.axis[1].period * t->slab.axis[1].width) * sizeof(int64_t));
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    int flags, care, plain;
    atomic_int *poisoned;
} job;

typedef struct block {
    const job *job;
    cf_slab_block at;
    int64_t len[3];
    const void **lines, **fill;
    cf_plane *planes;
    int64_t *rows_at, *taps_at, *w_at;
    char *slab, *y, *sums;
} block;

/* ---- the slab -------------------------------------------------------------------------------------------------------------- */

/* Whether rows can be copied whole between borders of zeros, if their samples are neighbors. */
static int is_plain(const cf_task *task, const tiling *t)
{
    const cf_axis *a = task->shape.axis;
    const cf_slab_axis *slab = t->slab.axis;
    for (int i = 0; i < 3; i++)
        if (slab[i].period != 1 || a[i].stride != 1 || (cf_leaves_array(&a[i]) && (a[i].boundary != CORRFAST_CONSTANT || !task->pads_with_zero)))
            return 0;
    return a[0].k == 1 && a[0].lo == 0 && a[0].n == a[0].m && t->blocks[2] == 1 && a[2].lo >= 0 &&
           a[2].n + a[2].lo <= slab[2].width;
}

/* Copies the rows that exist, and clears those that do not; borders beside them were cleared once. */
static void fill_plain(const block *b)
{
    const job *j = b->job;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const int64_t size = task->dtype->size, pitch = j->t.slab.step[1], rows = j->t.slab.axis[1].width;
    const int64_t first = b->at.first[1] - row->lo, from = cf_clamp(-first, 0, rows), to = cf_clamp(row->n - first, from, rows);
    const cf_run_part part = {0, 0, col->n};
    for (int64_t i = 0; i < b->at.channels * b->len[0]; i++) {
        int64_t ci = i / b->len[0], depth = i % b->len[0];
        char *slab = b->slab + (ci * j->t.slab.channel + depth * j->t.slab.step[0]) * size;
        const char *x = (const char *)j->arrays->input + (cf_x_at(s, b->at.image, b->at.group, b->at.channel + ci) +
                                                          (b->at.first[0] + depth) * s->axis[0].xs + (first + from) * row->xs) * size;
        memset(slab, 0, (size_t)(from * pitch * size));
        memset(slab + to * pitch * size, 0, (size_t)((rows - to) * pitch * size));
        cf_set_of(j->plan)->panel(x, b->rows_at, to - from, &part, 1, slab + (from * pitch + col->lo) * size, pitch);
    }
}

static void fill(const block *b)
{
    const job *j = b->job;
    const cf_task *task = &j->plan->task;
    if (j->plain)
        fill_plain(b);
    else
        cf_slab_fill(&j->t.slab, &task->shape, task->dtype, cf_set_of(j->plan), j->arrays->input, task->cval, &b->at, b->fill, b->slab);
}

/* ---- forward --------------------------------------------------------------------------------------------------------------- */

/* Points the parts of the sum for one output channel, for each input channel and depth, at their lines and taps. */
static void make_planes(const block *b, int64_t co)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_axis *a = j->plan->task.shape.axis;
    const char *w = (const char *)j->arrays->kernel + cf_w_at(&j->plan->task.shape, b->at.group, co, 0) * j->plan->task.dtype->size;
    const int64_t each = a[2].k * (t->tall ? a[1].k : 1);
    for (int64_t p = 0; p < t->planes; p++)
        b->planes[p] = (cf_plane){.lines = b->lines + b->taps_at[p * each] / t->slab.step[1], .step = t->slab.axis[2].shift,
                                  .taps = w + b->w_at[p * each] * j->plan->task.dtype->size, .tap_row = a[1].ws, .tap_col = a[2].ws,
                                  .kh = t->tall ? a[1].k : 1, .kw = a[2].k};
}

/* Sums one plane of the block's outputs. */
static void sum_plane(const block *b, int64_t o0, int64_t co, char *to, int64_t to_row)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size;
    if (!t->by_gemm) {
        set->rows(b->planes, t->planes, to, to_row, b->len[1], b->len[2], j->flags);
        return;
    }
    const void *w = (const char *)j->arrays->kernel + cf_w_at(s, b->at.group, co, 0) * size;
    for (int64_t o1 = 0; o1 < b->len[1]; o1++)
        for (int64_t o2 = 0; o2 < b->len[2]; o2 += set->gemm_cols)
            set->gemm(&w, b->w_at, b->slab + (o0 * t->slab.step[0] + o1 * t->slab.step[1] + o2) * size, b->taps_at, s->cin * t->taps,
                      to + (o1 * to_row + o2) * size, to_row, 1, cf_min(set->gemm_cols, b->len[2] - o2), j->flags);
}

/* One output channel of the block. */
static void sum_channel(const block *b, int64_t co)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, next = t->slab.step[0] / t->slab.step[1];
    char *y = (char *)j->arrays->output + (cf_y_at(s, b->at.image, b->at.group, co) + b->at.first[0] * a[0].ys + b->at.first[1] * a[1].ys +
                                           b->at.first[2] * a[2].ys) * size;
    make_planes(b, co);
    for (int64_t o0 = 0; o0 < b->len[0]; o0++, y += a[0].ys * size) {
        char *to = t->aside ? b->y : y;
        const int64_t to_row = t->aside ? b->len[2] : a[1].ys, at_once = to_row == b->len[2] ? b->len[1] : 1;
        sum_plane(b, o0, co, to, to_row);
        for (int64_t o1 = 0; j->care && o1 < b->len[1]; o1 += at_once)
            if (!set->finite(to + o1 * to_row * size, at_once * b->len[2]))
                atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
        for (int64_t o1 = 0; t->aside && o1 < b->len[1]; o1++)
            cf_copy_strided(y + o1 * a[1].ys * size, a[2].ys, to + o1 * to_row * size, 1, b->len[2], (int)size);
        for (int64_t p = 0; p < t->planes; p++)
            b->planes[p].lines += next;
    }
}

static void place(const job *j, int64_t index, block *b)
{
    const tiling *t = &j->t;
    for (int i = 2; i >= 0; i--) {
        b->at.first[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
        b->len[i] = cf_min(t->len[i], j->plan->task.shape.axis[i].m - b->at.first[i]);
    }
}

static void start(const job *j, block *b, cf_worker *worker)
{
    const tiling *t = &j->t;
    char *memory = worker->scratch;
    *b = (block){.job = j};
    b->lines = (const void **)(void *)memory;
    b->fill = b->lines + cf_round64((size_t)(j->plan->task.shape.cin * t->lines) * sizeof(void *)) / sizeof(void *);
    b->planes = (cf_plane *)(void *)(memory += t->lines_bytes);
    b->slab = memory += t->planes_bytes;
    b->y = memory += t->slab_bytes;
    b->sums = memory += t->y_bytes;
    b->rows_at = (int64_t *)(void *)(memory += t->sums_bytes);
    b->taps_at = b->rows_at + cf_round64((size_t)(t->slab.axis[1].period * t->slab.axis[1].width) * sizeof(int64_t)) / sizeof(int64_t);
    b->w_at = b->taps_at + cf_round64((size_t)(j->plan->task.shape.cin * t->taps) * sizeof(int64_t)) / sizeof(int64_t);
    cf_slab_terms(&t->slab, &j->plan->task.shape, 0, 0, j->plan->task.shape.cin * t->taps, b->taps_at, b->w_at);
    for (int64_t r = 0; r < t->slab.axis[1].width; r++)
        b->rows_at[r] = r * j->plan->task.shape.axis[1].xs;
    if (j->plain)
        memset(b->slab, 0, t->slab_bytes);
}

/* A number of groups of one sample: what a piece sets up serves them all. */
enum { GROUPS = 16 };

static void forward_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const cf_shape *s = &j->plan->task.shape;
    block b;
    start(j, &b, worker);
    place(j, index, &b);
    for (int i = 0; i < 3; i++)
        cf_take_digit(&index, j->t.blocks[i]);
    int64_t first = cf_take_digit(&index, cf_ceil_div(s->groups, GROUPS)) * GROUPS;
    b.at.image = index;
    b.at.channels = s->cin;
    for (int64_t l = 0; l < s->cin * j->t.lines; l++)
        b.lines[l] = b.slab + l * j->t.slab.step[1] * j->plan->task.dtype->size;
    for (b.at.group = first; b.at.group < cf_min(first + GROUPS, s->groups); b.at.group++) {
        fill(&b);
        for (int64_t co = 0; co < s->cout; co++) {
            sum_channel(&b, co);
            if (cf_poll(worker, (double)(b.len[0] * b.len[1] * b.len[2]) * (double)(s->cin * j->t.taps)))
                return;
        }
    }
}

/* ---- the gradient of the kernel -------------------------------------------------------------------------------------------- */

/* One channel of the input with one of the output, over all samples and blocks. */
static void gradient_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = task->dtype->size, blocks = t->blocks[0] * t->blocks[1] * t->blocks[2];
    block b;
    start(j, &b, worker);
    b.at.channel = cf_take_digit(&index, s->cin);
    b.at.channels = 1;
    b.at.group = index;
    for (int64_t i = 0; i < s->batch * blocks; i++) {
        place(j, i % blocks, &b);
        b.at.image = i / blocks;
        fill(&b);
        for (int64_t co = 0; co < s->cout; co++) {
            for (int64_t o0 = 0; o0 < b.len[0]; o0++) {
                const char *g = (const char *)j->arrays->output + (cf_y_at(s, b.at.image, b.at.group, co) + (b.at.first[0] + o0) * a[0].ys +
                                                                   b.at.first[1] * a[1].ys + b.at.first[2] * a[2].ys) * size;
                for (int64_t o1 = 0; t->aside && o1 < b.len[1]; o1++)
                    cf_copy_strided(b.y + o1 * b.len[2] * size, 1, g + o1 * a[1].ys * size, a[2].ys, b.len[2], (int)size);
                set->taps(t->aside ? b.y : g, t->aside ? b.len[2] : a[1].ys, b.slab + o0 * t->slab.step[0] * size, t->slab.step[1], b.taps_at,
                          t->taps, b.len[1], b.len[2], b.sums + co * t->taps * size, j->flags | (i || o0 ? CF_ACCUMULATE : 0));
            }
            if (cf_poll(worker, (double)(b.len[0] * b.len[1] * b.len[2]) * (double)t->taps))
                return;
        }
    }
    if (j->care && !set->finite(b.sums, s->cout * t->taps))
        atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
    const char *from = b.sums;
    for (int64_t co = 0; co < s->cout; co++)
        for (int64_t i0 = 0; i0 < a[0].k; i0++)
            for (int64_t i1 = 0; i1 < a[1].k; i1++, from += a[2].k * size)
                cf_copy_strided((char *)j->arrays->kernel + (cf_w_at(s, b.at.group, co, b.at.channel) + i0 * a[0].ws + i1 * a[1].ws) * size,
                                a[2].ws, from, 1, a[2].k, (int)size);
}

/* ---- the methods ----------------------------------------------------------------------------------------------------------- */

static int is_common(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    if (task->dtype->arith == CF_NO_ARITH || cf_converts(task->dtype) || s->cin < 1 || s->batch < 1)
        return 0;
    double taps = 1;
    for (int i = 0; i < 3; i++) {
        taps *= (double)a[i].k;
        if (a[i].k < 1 || a[i].m < 1)
            return 0;
    }
    return taps <= MOST_TAPS && s->groups * s->cin * s->cout > 1;
}

static int supports_forward(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    return task->pass == CORRFAST_FORWARD && is_common(task) &&
           (double)s->cin * (double)s->axis[0].k * (double)s->axis[1].k * (double)s->axis[2].k <= MOST_TERMS && s->cin * s->axis[0].k <= MOST_PLANES;
}

static int supports_gradient(const cf_task *task)
{
    return task->pass == CORRFAST_BACKWARD_KERNEL && is_common(task) && task->shape.cout <= MOST_COUTS;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const double lanes = kernels->set[task->dtype->arith].lanes, cycles = cf_vector_cycles(task->dtype->arith);
    tiling t;
    tile(&plan, &t);
    double channels = (double)s->batch * (double)s->groups, sums = channels * (double)s->cin * (double)s->cout;
    double vectors = (double)a[0].m * (double)a[1].m * ceil((double)a[2].m / lanes), blocks = (double)(t.blocks[0] * t.blocks[1] * t.blocks[2]);
    double copies = channels * (double)s->cin * blocks * ((double)t.lines * (is_plain(task, &t) ? 5 : 15) + 0.1 * cf_slab_channel(&t.slab));
    double waits = t.by_gemm ? (double)(a[0].m * a[1].m * cf_ceil_div(a[2].m, kernels->set[task->dtype->arith].gemm_cols)) : ceil(vectors / 8);
    double sum = task->pass == CORRFAST_FORWARD ? fmax(cycles * 1.1 * vectors, 0.7 * CF_FMA_LATENCY * waits) : 1.6 * vectors;
    return CF_CALL_SECONDS + 0.5e-6 + (sums * ((double)t.taps * sum + 30) + copies + channels * (double)s->cout * blocks * 30) * CF_CYCLE +
           cf_traffic_seconds(task);
}

static int64_t forward_pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    tiling t;
    tile(plan, &t);
    return s->batch * cf_ceil_div(s->groups, GROUPS) * t.blocks[0] * t.blocks[1] * t.blocks[2];
}

static int64_t gradient_pieces(const cf_plan *plan) { return plan->task.shape.groups * plan->task.shape.cin; }

static size_t scratch_of(const tiling *t)
{
    return t->lines_bytes + t->planes_bytes + t->slab_bytes + t->y_bytes + t->sums_bytes + t->tables_bytes;
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
    snprintf(text, size, "%s kernel, blocks of %lld x %lld x %lld outputs of a channel", plan->task.pass == CORRFAST_FORWARD ? "rows" : "taps",
             (long long)t.len[0], (long long)t.len[1], (long long)t.len[2]);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_task *task = &plan->task;
    const int forward = task->pass == CORRFAST_FORWARD;
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .poisoned = &poisoned};
    tile(plan, &j.t);
    j.plain = is_plain(task, &j.t) && (task->shape.axis[2].n == 1 || task->shape.axis[2].xs == 1);
    j.care = task->dtype->is_float && task->pads_with_zero;
    if (task->conjugate & CORRFAST_CONJ_INPUT)
        j.flags |= CF_CONJ_SAMPLES;
    if (task->conjugate & (forward ? CORRFAST_CONJ_KERNEL : CORRFAST_CONJ_OUTPUT))
        j.flags |= CF_CONJ_TAPS;
    int status = cf_run_pieces(run, forward ? forward_pieces(plan) : gradient_pieces(plan), plan->seconds, scratch_of(&j.t),
                               forward ? forward_piece : gradient_piece, &j);
    if (status || !atomic_load(&poisoned) || (forward && !cf_padding_needs_care(task, arrays)))
        return status;
    return cf_run_with_care(plan, arrays, run);
}

const cf_method cf_method_depthwise = {
    .name = "depthwise", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports_forward, .seconds = seconds, .scratch = scratch,
    .pieces = forward_pieces, .describe = describe, .run = run,
};

const cf_method cf_method_depthwise_gradient = {
    .name = "depthwise-gradient", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports_gradient, .seconds = seconds, .scratch = scratch,
    .pieces = gradient_pieces, .describe = describe, .run = run,
};
