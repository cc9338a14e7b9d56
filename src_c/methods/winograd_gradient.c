/* Winograd's minimal filtering for the gradient of few taps, by the schemes of core/tiles.h: of 3 x 3 taps, a tile of 2 x 2 gradients and 4 x 4
 * samples adds 16 products to sums from which the 9 taps are made once at the end, instead of 36 products (F(3x3, 2x2)).
 *
 * Tiles are those of winograd.c.  For a block of them, samples X and gradients G of some channels are transformed; then each point is a
 * matrix product over tiles, with rows of G as they lie and X turned into columns.  The sums of a piece's channels stay in its memory.
 *
 * Sums run over images, phases of the dilation, blocks and tiles in this order.  If any result is not finite, all are summed directly. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    TILES = 128,        /* of a block: terms that a panel in L1 holds */
    CHANNELS = 64,      /* of a piece, in and out */
    MOST_COLS = 48,     /* of the widest tile */
    LEAST_CHANNELS = 16
};

typedef struct tiling {
    cf_scheme scheme[2]; /* of axes 1 and 2 */
    int64_t points, phases[2];
    cf_shape shape; /* of tiles: axes 1 and 2 count tiles of phase 0 */
    int64_t len[3], blocks[3], pitch, x_point, g_point;
    cf_slab slab;
    int64_t channels, couts, rows, sum_point; /* rows: of X, channels and taps of the first axis */
    size_t lines_bytes, slab_bytes, patch_bytes, x_bytes, g_bytes, panel_bytes, sum_bytes;
} tiling;

/* Cycles for a vector of tiles and a point: products, and transforms of both factors. */
static double piece_cost(const void *plan, int64_t channels, int64_t couts)
{
    const cf_kernel_set *set = cf_set_of(plan);
    const int64_t rows = channels * ((const cf_plan *)plan)->task.shape.axis[0].k;
    return (double)cf_round_up(rows, set->lanes) * (double)cf_round_up(couts, set->gemm_rows) + 14 * (double)rows + 8 * (double)couts;
}

static void tile(const cf_plan *plan, int threads, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_kernel_set *set = cf_set_of(plan);
    const int64_t size = plan->task.dtype->size;
    memset(t, 0, sizeof *t);
    cf_schemes_choose(s, 2, t->scheme);
    t->points = t->scheme[0].points * t->scheme[1].points;
    t->shape = *s;
    for (int i = 0; i < 2; i++) {
        t->phases[i] = cf_min(s->axis[i + 1].dilation, s->axis[i + 1].m);
        t->shape.axis[i + 1] = cf_tile_axis(&s->axis[i + 1], &t->scheme[i], 0);
    }
    cf_choose_tiles(&t->shape, set->lanes, TILES, t->len, t->blocks);
    cf_slab_make(&t->shape, t->len, 1, &t->slab);
    t->pitch = cf_round_up(t->len[0] * t->len[1] * t->len[2], set->lanes);
    /* Few tiles or points: what is transformed should serve more channels. */
    const int64_t most = t->points <= 9 || (t->pitch <= TILES / 2 && t->points <= 36) ? 2 * CHANNELS : CHANNELS;
    t->channels = cf_clamp(most / s->axis[0].k, 1, s->cin);
    t->couts = cf_min(s->cout, t->points <= 6 ? 2 * most : most);
    cf_choose_channels(s, threads, piece_cost, plan, &t->channels, &t->couts);
    t->rows = t->channels * s->axis[0].k;
    t->x_point = t->rows * t->pitch + set->lanes; /* no multiple of 4 KiB */
    t->g_point = t->couts * t->pitch + set->lanes;
    t->sum_point = cf_round_up(t->couts * t->rows, set->lanes) + set->lanes;
    t->lines_bytes = cf_round64(cf_slab_lines_bytes(&t->slab)) + cf_round64((size_t)t->pitch * sizeof(int64_t));
    t->slab_bytes = cf_round64((size_t)(t->slab.channel * t->channels * size));
    t->patch_bytes = cf_round64((size_t)(t->scheme[0].samples * t->scheme[1].samples * (cf_max(t->pitch, t->rows) + set->lanes) * size));
    t->x_bytes = cf_round64((size_t)(t->points * t->x_point * size));
    t->g_bytes = cf_round64((size_t)(t->points * t->g_point * size));
    t->panel_bytes = cf_round64((size_t)(t->pitch * set->gemm_cols * size));
    t->sum_bytes = cf_round64((size_t)(t->points * t->sum_point * size));
}

static size_t worker_bytes(const tiling *t)
{
    return t->lines_bytes + t->slab_bytes + t->patch_bytes + t->x_bytes + t->g_bytes + t->panel_bytes + t->sum_bytes;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    atomic_int *poisoned;
} job;

typedef struct block {
    const job *job;
    cf_slab_block at;
    cf_shape shape; /* tiles of its phase */
    int64_t phase[2], len[3], cols, co, couts;
    const void **lines;
    int64_t *tile_at;
    char *slab, *patch, *x, *g, *panel, *sums;
} block;

/* Transforms the samples of the block's channels. */
static void transform_samples(const block *b)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, depths = b->shape.axis[0].k;
    const int samples = t->scheme[1].samples;
    int64_t at[CF_SIDE * CF_SIDE];
    cf_run_part parts[TILES];
    for (int i = 0; i < t->scheme[0].samples * samples; i++)
        at[i] = cf_slab_tap(&t->slab, &b->shape, 1, i / samples) + cf_slab_tap(&t->slab, &b->shape, 2, i % samples);
    int64_t used = cf_slab_parts(&t->slab, b->len, 0, 0, b->cols, parts);
    for (int64_t row = 0; row < b->at.channels * depths; row++) {
        const char *from = b->slab + (row / depths * t->slab.channel + cf_slab_tap(&t->slab, &b->shape, 0, row % depths)) * size;
        cf_transform_tiles(set, t->scheme, from, at, parts, used, b->patch, t->pitch, b->x + row * t->pitch * size, t->x_point, b->cols, size);
    }
}

/* Gradients of a row, n of them: those of a tile go to rows of `to` below each other. */
static void split(const block *b, const char *from, int64_t n, char *to)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = &b->job->plan->task.shape.axis[2];
    const int64_t size = b->job->plan->task.dtype->size, step = a->dilation * a->ys, m = t->scheme[1].m;
    const int64_t whole = step == 1 ? n / m : 0;
    cf_set_of(b->job->plan)->unweave((int)m, from, to, t->pitch, whole);
    for (int64_t v = 0; v < m; v++, from += step * size, to += t->pitch * size)
        cf_copy_strided(to + whole * size, 1, from + m * whole * step * size, m * step, cf_ceil_div(n - v, m) - whole, (int)size);
}

/* Transforms the gradients of the block's channels, zeros where a tile reaches beyond the last. */
static void transform_gradients(const block *b)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size;
    const int64_t m[3] = {1, t->scheme[0].m, t->scheme[1].m};
    int64_t first[3] = {b->at.first[0], 0, 0}, count[3] = {b->len[0], 0, 0}, at[CF_SIDE * CF_SIDE];
    for (int i = 1; i < 3; i++) {
        first[i] = b->at.first[i] * m[i] * a[i].dilation + b->phase[i - 1];
        count[i] = cf_ceil_div(a[i].m - first[i], a[i].dilation);
    }
    for (int64_t i = 0; i < m[1] * m[2]; i++)
        at[i] = i * t->pitch;
    memset(b->patch, 0, (size_t)(m[1] * m[2] * t->pitch * size));
    for (int64_t co = 0; co < b->couts; co++) {
        const char *g = (const char *)j->arrays->output + (cf_y_at(s, b->at.image, b->at.group, b->co + co) + first[0] * a[0].ys +
                                                           first[1] * a[1].ys + first[2] * a[2].ys) * size;
        for (int64_t row = 0; row < b->len[0] * b->len[1]; row++)
            for (int64_t u = 0; u < m[1]; u++) {
                const int64_t o1 = row % b->len[1] * m[1] + u, n = cf_min(m[2] * b->len[2], count[2]);
                if (o1 < count[1])
                    split(b, g + (row / b->len[1] * a[0].ys + o1 * a[1].dilation * a[1].ys) * size, n,
                          b->patch + (m[2] * u * t->pitch + row * b->len[2]) * size);
            }
        set->winograd(CF_OF_OUTPUTS, t->scheme[0].id, t->scheme[1].id, b->patch, at, b->g + co * t->pitch * size, t->g_point, b->cols, t->pitch);
    }
}

/* Adds the products of the block's tiles to the sums of every point. */
static void add_products(const block *b, int flags)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, cols = b->at.channels * b->shape.axis[0].k, panels = cf_ceil_div(cols, set->gemm_cols);
    const void *rows[MOST_COLS];
    for (int64_t point = 0; point < t->points; point++)
        for (int64_t p = 0; p < panels; p++) {
            const cf_span panel = cf_panel_at(cols, set->lanes, set->gemm_cols, p);
            for (int64_t c = 0; c < panel.n; c++)
                rows[c] = b->x + (point * t->x_point + (panel.first + c) * t->pitch) * size;
            cf_clear_tails(b->panel, set->gemm_cols * size, b->cols, panel.n, set->lanes, size);
            set->turn(rows, b->tile_at, b->cols, panel.n, b->panel, set->gemm_cols);
            for (int64_t co = 0; co < b->couts; co += set->gemm_rows) {
                int64_t used = cf_min(set->gemm_rows, b->couts - co);
                for (int64_t r = 0; r < used; r++)
                    rows[r] = b->g + (point * t->g_point + (co + r) * t->pitch) * size;
                set->gemm(rows, b->tile_at, 0, b->panel, NULL, set->gemm_cols, b->cols,
                          b->sums + (point * t->sum_point + co * t->rows + panel.first) * size, t->rows, used, panel.n, flags);
            }
        }
}

/* Makes the taps of all sums, and writes them. */
static void finish(const block *b)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, depths = a[0].k, n = b->at.channels * depths;
    const int k2 = t->scheme[1].taps;
    int64_t at[CF_SIDE * CF_SIDE];
    for (int64_t i = 0; i < t->points; i++)
        at[i] = i * t->sum_point;
    for (int64_t co = 0; co < b->couts; co++) {
        set->winograd(CF_TO_TAPS, t->scheme[0].id, t->scheme[1].id, b->sums + co * t->rows * size, at, b->patch, t->rows + set->lanes, n,
                      t->rows + set->lanes);
        for (int64_t tap = 0; tap < t->scheme[0].taps * k2; tap++) {
            const char *from = b->patch + tap * (t->rows + set->lanes) * size;
            if (!set->finite(from, n))
                atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
            for (int64_t i0 = 0; i0 < depths; i0++)
                cf_copy_strided((char *)j->arrays->kernel + (cf_w_at(s, b->at.group, b->co + co, b->at.channel) + i0 * a[0].ws +
                                                             tap / k2 * a[1].ws + tap % k2 * a[2].ws) * size,
                                s->w_cin, from + i0 * size, depths, b->at.channels, (int)size);
        }
    }
}

/* Returns 0 where a phase has no such block. */
static int place(block *b, int64_t index)
{
    const tiling *t = &b->job->t;
    const cf_shape *s = &b->job->plan->task.shape;
    for (int i = 1; i >= 0; i--)
        b->phase[i] = cf_take_digit(&index, t->phases[i]);
    for (int i = 2; i >= 0; i--)
        b->at.first[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
    b->at.image = index;
    b->cols = 1;
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            b->shape.axis[i] = cf_tile_axis(&s->axis[i], &t->scheme[i - 1], b->phase[i - 1]);
        b->len[i] = cf_min(t->len[i], b->shape.axis[i].m - b->at.first[i]);
        b->cols *= cf_max(b->len[i], 0);
    }
    return b->cols > 0;
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    block b = {.job = j, .shape = t->shape};
    int flags = 0;
    b.co = cf_take_digit(&index, cf_ceil_div(s->cout, t->couts)) * t->couts;
    b.couts = cf_min(t->couts, s->cout - b.co);
    b.at.channel = cf_take_digit(&index, cf_ceil_div(s->cin, t->channels)) * t->channels;
    b.at.channels = cf_min(t->channels, s->cin - b.at.channel);
    b.at.group = index;
    char *memory = worker->scratch;
    b.tile_at = (int64_t *)(void *)memory;
    b.lines = (const void **)(void *)(memory + cf_round64((size_t)t->pitch * sizeof(int64_t)));
    b.slab = memory += t->lines_bytes;
    b.patch = memory += t->slab_bytes;
    b.x = memory += t->patch_bytes;
    b.g = memory += t->x_bytes;
    b.panel = memory += t->g_bytes;
    b.sums = memory + t->panel_bytes;
    for (int64_t i = 0; i < t->pitch; i++)
        b.tile_at[i] = i;
    memset(b.patch, 0, t->patch_bytes);
    const int64_t blocks = t->phases[0] * t->phases[1] * t->blocks[0] * t->blocks[1] * t->blocks[2];
    for (int64_t i = 0; i < s->batch * blocks; i++) {
        if (!place(&b, i))
            continue;
        cf_slab_fill(&t->slab, &b.shape, task->dtype, cf_set_of(j->plan), j->arrays->input, task->cval, &b.at, b.lines, b.slab);
        transform_samples(&b);
        transform_gradients(&b);
        add_products(&b, flags);
        flags = CF_ACCUMULATE;
        if (cf_poll(worker, (double)(t->points * b.cols) * (double)(b.at.channels * s->axis[0].k * b.couts)))
            return;
    }
    finish(&b);
}

static int supports(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const int floats = (task->dtype->arith == CF_F32 || task->dtype->arith == CF_F64) && !cf_converts(task->dtype);
    const int worth = task->asked == CORRFAST_WINOGRAD || cf_min(s->cin, s->cout) >= LEAST_CHANNELS;
    cf_scheme scheme[2];
    return task->pass == CORRFAST_BACKWARD_KERNEL && task->precision != CORRFAST_EXACT && floats && worth && a[0].m >= 1 &&
           a[1].m >= 1 && a[2].m >= 1 && a[0].k >= 1 && a[1].k >= 1 && a[2].k >= 1 && a[0].k <= CHANNELS && s->batch >= 1 &&
           a[1].dilation <= 1 << 16 && a[2].dilation <= 1 << 16 && cf_schemes_choose(s, 2, scheme);
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const cf_kernel_set *set = &kernels->set[task->dtype->arith];
    tiling t;
    tile(&plan, 1, &t);
    double blocks = (double)s->batch * (double)(t.phases[0] * t.phases[1]) * (double)(t.blocks[0] * t.blocks[1] * t.blocks[2]);
    double tiles = (double)(t.len[0] * t.len[1] * t.len[2]), rows = (double)s->cin * (double)s->axis[0].k, couts = (double)s->cout;
    double x_pieces = (double)cf_ceil_div(s->cin, t.channels), g_pieces = (double)cf_ceil_div(s->cout, t.couts);
    double products = (double)t.points * tiles * rows * ceil(couts / (double)set->gemm_rows) * (double)set->gemm_rows / set->lanes *
                      CF_DENSE * cf_vector_cycles(task->dtype->arith);
    double transforms = (double)t.points * (double)(t.pitch / set->lanes) * (rows * g_pieces * (4 + 0.5 * set->lanes) + couts * x_pieces * 6);
    transforms += (double)t.points * 10 * (double)(t.len[0] * t.len[1]) * rows * g_pieces; /* parts of panels */
    transforms += (double)s->cin * cf_slab_cycles(&t.slab, &t.shape.axis[2]) * g_pieces +
                  30 * (double)(t.len[0] * t.len[1] * t.scheme[0].m) * couts * x_pieces;
    double sums = (double)t.points * rows * couts / set->lanes * 20;
    return 2e-6 + (double)s->groups * (blocks * (products + transforms + sums) + 6 * rows * couts) * CF_CYCLE + cf_traffic_seconds(task);
}

static int64_t pieces_of(const cf_shape *s, const tiling *t)
{
    return s->groups * cf_ceil_div(s->cin, t->channels) * cf_ceil_div(s->cout, t->couts);
}

static int64_t pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    return s->groups * cf_ceil_div(s->cin, 8) * cf_ceil_div(s->cout, 8); /* that are worth it */
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, 1, &t);
    return worker_bytes(&t);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, 1, &t);
    snprintf(text, size, "F(%dx%d, %dx%d), blocks of %lld tiles, %lld x %lld channels at a time", t.scheme[0].taps,
             t.scheme[1].taps, t.scheme[0].m, t.scheme[1].m, (long long)(t.len[0] * t.len[1] * t.len[2]),
             (long long)t.channels, (long long)t.couts);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .poisoned = &poisoned};
    cf_plan child;
    tile(plan, cf_threads_for(run->options, pieces(plan), plan->seconds), &j.t);
    int status = cf_run_pieces(run, pieces_of(&plan->task.shape, &j.t), plan->seconds, worker_bytes(&j.t), piece, &j);
    if (status || !atomic_load(&poisoned))
        return status;
    status = cf_plan_child(plan, &plan->task.shape, plan->task.pass, plan->task.conjugate, CORRFAST_DIRECT, NULL, &child);
    return status ? status : cf_plan_run(&child, arrays, run);
}

const cf_method cf_method_winograd_gradient = {
    .name = "winograd-gradient", .id = CORRFAST_WINOGRAD, .listed = 1, .supports = supports, .seconds = seconds, .scratch = scratch,
    .pieces = pieces, .describe = describe, .run = run,
};
