/* Winograd's minimal filtering, forward: few taps along the last two axes, many channels, by the schemes of core/tiles.h.  Of 3 x 3 taps at
 * stride 1, a tile of 2 x 2 outputs takes 16 products instead of 36 (F2), one of 4 x 4 takes 36 instead of 144 (F4, less exact: only for precision
 * "fast"); at stride 2, one of 2 x 2 takes 25 instead of 36.
 *
 * Tiles of samples are an axis with as many taps, and the stride of a tile, to core/slab.h; with dilation d, every d-th output is a problem of its
 * own.  Taps of the first axis are further channels.  For a block of tiles the transformed samples V lie in L2, in panels; then, some output channels
 * at a time, a matrix product U V for each point is made and all are transformed back at once.
 *
 * Where an output is not finite, all outputs of its tile of output channels in its block are summed directly. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PANEL_BYTES = 24 * 1024,  /* of L1 */
    BLOCK_BYTES = 512 * 1024, /* of transformed samples, in L2 */
    SLAB_BYTES = 1 << 20,
    SUM_BYTES = 128 * 1024, /* of products that wait for their transform */
    MOST_K = 512,           /* terms of a product that a panel holds */
    FEW_TILES = 64,         /* of a sample, which are not divided */
    FEW_BYTES = 11 << 20,   /* unless their transformed samples take more */
    MOST_SUM_BYTES = 144 * 1024, /* of all points: keeps scratch memory below 16 MiB for each thread, like the next */
    MOST_DEPTH = 64,        /* taps along the first axis */
    MOST_GROWTH = 4,        /* transformed weights over weights */
    SHARED_BYTES = 128 << 20, /* of transformed weights that are kept for all pieces */
    CACHED_BYTES = 6 << 20,   /* of them that are near */
    LOCAL_BYTES = 4 << 20,    /* of the weights that a piece transforms at a time */
    LEAST_CHANNELS = 16,    /* fewer do not pay for the transforms */
    MOST_U_ROWS = 32,
    TURNED = 32,            /* input channels whose taps are transformed at a time */
    MOST_COLS = 48          /* of the widest tile */
};

typedef struct tiling {
    cf_scheme scheme[2]; /* of axes 1 and 2 */
    int64_t points, made, taps;
    int64_t phases[2];   /* of the dilation */
    cf_shape shape;      /* of tiles: axes 1 and 2 count tiles of phase 0 */
    int64_t len[3], blocks[3], cols;
    cf_slab slab;
    int64_t sum, channels, kc;                  /* terms of a product; input channels in the slab at a time; terms of one panel in L1 */
    int64_t panel_cols, panels, v_point, pitch; /* samples */
    int64_t chunk, m_point;                     /* output channels at a time */
    int64_t u_rows, u_tile, u_point, u_chunk_point; /* output channels that lie together; samples of them, of all, of a chunk's */
    int local;                                  /* weights are used so rarely that each piece transforms its own */
    size_t slab_bytes, lines_bytes, patch_bytes, v_bytes, m_bytes, out_bytes, turned_bytes, u_bytes;
} tiling;

/* The schemes of most outputs that memory allows; returns 0 if there are none. */
static int choose_schemes(const cf_task *task, cf_scheme scheme[2])
{
    const cf_shape *s = &task->shape;
    const int fast = task->precision == CORRFAST_FAST && cf_min(s->cin, s->cout) >= 32;
    for (int most = fast ? 4 : 3; most >= 2; most--) {
        if (!cf_schemes_choose(s, most, scheme))
            continue;
        const int points = scheme[0].points * scheme[1].points, taps = scheme[0].taps * scheme[1].taps;
        if (points <= MOST_GROWTH * taps && (double)s->cin * (double)s->axis[0].k * points <= (double)(MOST_SUM_BYTES / task->dtype->size))
            return 1;
    }
    return 0;
}

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_task *task = &plan->task;
    const cf_shape *s = &task->shape;
    const cf_kernel_set *set = cf_set_of(plan);
    const int64_t size = task->dtype->size, lanes = set->lanes;
    memset(t, 0, sizeof *t);
    choose_schemes(task, t->scheme);
    t->points = t->scheme[0].points * t->scheme[1].points;
    t->made = t->scheme[0].m * t->scheme[1].m;
    t->taps = s->axis[1].k * s->axis[2].k;
    t->shape = *s;
    for (int i = 0; i < 2; i++) {
        t->phases[i] = cf_min(s->axis[i + 1].dilation, s->axis[i + 1].m);
        t->shape.axis[i + 1] = cf_tile_axis(&s->axis[i + 1], &t->scheme[i], 0);
    }
    t->sum = s->cin * s->axis[0].k;
    t->panel_cols = set->gemm_cols;
    const int64_t tiles = t->shape.axis[0].m * t->shape.axis[1].m * t->shape.axis[2].m;
    int64_t most = cf_clamp(BLOCK_BYTES / (t->points * t->sum * size), t->panel_cols, 3 * t->panel_cols);
    if (tiles <= FEW_TILES) /* the weights' way is longer than the samples' */
        most = cf_round_up(FEW_TILES, t->panel_cols) * t->points * t->sum * size <= FEW_BYTES ? FEW_TILES : t->panel_cols;
    cf_choose_tiles(&t->shape, lanes, most, t->len, t->blocks);
    t->cols = t->len[0] * t->len[1] * t->len[2];
    cf_slab_make(&t->shape, t->len, 1, &t->slab);
    t->channels = (int64_t)fmax(1, fmin((double)s->cin, SLAB_BYTES / (cf_slab_channel(&t->slab) * (double)size)));
    t->kc = cf_ceil_div(t->sum, cf_ceil_div(t->sum, cf_min(MOST_K, PANEL_BYTES / (t->panel_cols * size))));
    t->panels = cf_ceil_div(t->cols, t->panel_cols);
    t->v_point = t->panels * t->sum * t->panel_cols + t->panel_cols; /* no multiple of 4 KiB */
    t->pitch = cf_round_up(t->cols, lanes);
    t->u_rows = cf_round_up(cf_max(lanes, set->gemm_rows), set->gemm_rows);
    t->chunk = cf_clamp(SUM_BYTES / (t->points * t->pitch * size) / t->u_rows, 1, cf_ceil_div(s->cout, t->u_rows)) * t->u_rows;
    t->local = (!plan->keeps && s->batch * t->phases[0] * t->phases[1] * t->blocks[0] * t->blocks[1] * t->blocks[2] <= 2) ||
               (double)s->groups * (double)cf_round_up(s->cout, t->u_rows) * (double)(t->points * t->sum * size) > SHARED_BYTES;
    if (t->local)
        t->chunk = cf_clamp(LOCAL_BYTES / (t->points * t->sum * size) / t->u_rows * t->u_rows, t->u_rows, t->chunk);
    t->m_point = t->chunk * t->pitch + lanes;
    t->u_tile = t->u_rows * t->sum;
    t->u_point = cf_ceil_div(s->cout, t->u_rows) * t->u_tile + lanes;
    t->u_chunk_point = t->chunk / t->u_rows * t->u_tile + lanes;
    t->lines_bytes = cf_round64(cf_slab_lines_bytes(&t->slab));
    t->slab_bytes = cf_round64((size_t)(t->slab.channel * t->channels * size));
    t->patch_bytes = cf_round64((size_t)(t->scheme[0].samples * t->scheme[1].samples * t->panel_cols * size));
    t->v_bytes = cf_round64((size_t)(t->points * t->v_point * size));
    t->m_bytes = cf_round64((size_t)(t->points * t->m_point * size));
    t->out_bytes = cf_round64((size_t)((t->made * t->pitch + t->len[2] * t->scheme[1].m) * size));
    t->turned_bytes = cf_round64((size_t)(t->taps * TURNED * t->u_rows * size));
    t->u_bytes = t->local ? cf_round64((size_t)(t->points * t->u_chunk_point * size)) : 0;
}

static size_t worker_bytes(const tiling *t)
{
    return t->lines_bytes + t->slab_bytes + t->patch_bytes + t->v_bytes + t->m_bytes + t->out_bytes + t->turned_bytes + t->u_bytes;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    char *u; /* transformed weights, unless local */
    int64_t co_step;
    unsigned char *poisoned; /* for each block, and each tile of output channels: some output is not finite */
} job;

typedef struct block {
    const job *job;
    cf_slab_block at;
    cf_shape shape; /* tiles of its phase */
    int64_t index, phase[2], len[3], cols, co, co_end; /* index: among all blocks */
    const void **lines;
    char *slab, *patch, *v, *products, *out, *turned, *u;
    int64_t u_point;
} block;

/* ---- weights --------------------------------------------------------------------------------------------------------------- */

/* Transforms the taps of u_rows output channels.  Taps are turned in the order of memory, so that they come in runs. */
static void transform_taps(const job *j, int64_t group, int64_t co, char *turned, char *to, int64_t to_point, cf_worker *worker)
{
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, rows = j->t.u_rows, used = cf_min(rows, s->cout - co);
    const int64_t taps = j->t.taps, k2 = a[2].k;
    const int backward = (a[1].k == 1 || a[1].ws < 0) && (a[2].k == 1 || a[2].ws < 0);
    const int64_t first = backward ? (a[1].k - 1) * a[1].ws + (k2 - 1) * a[2].ws : 0;
    const int64_t ws1 = backward ? -a[1].ws : a[1].ws, ws2 = backward ? -a[2].ws : a[2].ws;
    int64_t at[CF_SIDE * CF_SIDE * TURNED], taps_at[CF_SIDE * CF_SIDE];
    const void *from[MOST_U_ROWS];
    for (int64_t i = 0; i < taps; i++)
        taps_at[i] = (backward ? taps - 1 - i : i) * rows;
    for (int64_t i0 = 0; i0 < a[0].k; i0++)
        for (int64_t ci = 0; ci < s->cin; ci += TURNED) {
            int64_t n = cf_min(TURNED, s->cin - ci);
            for (int64_t i = 0, c = 0; c < n; c++)
                for (int64_t i1 = 0; i1 < a[1].k; i1++)
                    for (int64_t i2 = 0; i2 < k2; i2++)
                        at[i++] = c * s->w_cin + i1 * ws1 + i2 * ws2;
            for (int64_t r = 0; r < used; r++)
                from[r] = (const char *)j->arrays->kernel + (cf_w_at(s, group, co + r, ci) + i0 * a[0].ws + first) * size;
            if (used < rows)
                memset(turned, 0, (size_t)(taps * n * rows * size));
            set->turn(from, at, taps * n, used, turned, rows);
            for (int64_t i = 0; i < n; i++)
                set->winograd(CF_OF_TAPS, j->t.scheme[0].id, j->t.scheme[1].id, turned + taps * i * rows * size, taps_at,
                              to + (i0 * s->cin + ci + i) * rows * size, to_point, rows, rows);
            if (cf_poll(worker, 256.0 * (double)(n * used)))
                return;
        }
}

static void weights_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const int64_t size = j->plan->task.dtype->size, rows = j->t.u_rows;
    int64_t tile_ = cf_take_digit(&index, cf_ceil_div(j->plan->task.shape.cout, rows)), group = index;
    transform_taps(j, group, tile_ * rows, worker->scratch, j->u + (group * j->t.points * j->t.u_point + tile_ * j->t.u_tile) * size,
                   j->t.u_point, worker);
}

/* ---- samples --------------------------------------------------------------------------------------------------------------- */

static cf_span panel_at(const block *b, int64_t i)
{
    return cf_panel_at(b->cols, cf_set_of(b->job->plan)->lanes, b->job->t.panel_cols, i);
}

/* Transforms the channels in the slab. */
static void transform_samples(const block *b)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, panels = cf_ceil_div(b->cols, t->panel_cols);
    const int samples = t->scheme[1].samples;
    int64_t at[CF_SIDE * CF_SIDE];
    cf_run_part parts[MOST_COLS];
    for (int i = 0; i < t->scheme[0].samples * samples; i++)
        at[i] = cf_slab_tap(&t->slab, &b->shape, 1, i / samples) + cf_slab_tap(&t->slab, &b->shape, 2, i % samples);
    for (int64_t p = 0; p < panels; p++) {
        cf_span panel = panel_at(b, p);
        int64_t used = cf_slab_parts(&t->slab, b->len, 0, panel.first, panel.n, parts);
        for (int64_t i0 = 0; i0 < b->shape.axis[0].k; i0++)
            for (int64_t ci = 0; ci < b->at.channels; ci++) {
                const char *from = b->slab + (ci * t->slab.channel + cf_slab_tap(&t->slab, &b->shape, 0, i0)) * size;
                int64_t k = i0 * b->shape.cin + b->at.channel + ci;
                cf_transform_tiles(set, t->scheme, from, at, parts, used, b->patch, t->panel_cols,
                                   b->v + (p * t->sum + k) * t->panel_cols * size, t->v_point, panel.n, size);
            }
    }
}

/* ---- products and outputs -------------------------------------------------------------------------------------------------- */

static void multiply(const block *b, int64_t co, int64_t rows)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, panels = cf_ceil_div(b->cols, t->panel_cols);
    for (int64_t point = 0; point < t->points; point++)
        for (int64_t r = 0; r < rows; r += t->u_rows)
            for (int64_t p = 0; p < panels; p++) {
                const cf_span panel = panel_at(b, p);
                const int64_t few = cf_few_columns(panel.n, set->lanes), whole = panel.n - few, used = cf_min(t->u_rows, rows - r);
                for (int64_t k = 0; k < t->sum; k += t->kc) {
                    const char *u = b->u + (point * b->u_point + ((t->local ? r : co + r) * t->sum + k * t->u_rows)) * size;
                    const char *v = b->v + (point * t->v_point + (p * t->sum + k) * t->panel_cols) * size;
                    char *y = b->products + (point * t->m_point + r * t->pitch + panel.first) * size;
                    const int64_t count = cf_min(t->kc, t->sum - k);
                    const void *packed = u;
                    const int flags = k ? CF_ACCUMULATE : 0;
                    if (whole)
                        set->gemm(&packed, NULL, t->u_rows, v, NULL, t->panel_cols, count, y, t->pitch, used, whole, flags);
                    if (few)
                        set->columns(u, t->u_rows, v + whole * size, t->panel_cols, count, y + whole * size, t->pitch, used, few, flags);
                }
            }
}

/* First output of the block's tiles along an axis, counted in all outputs, and their number. */
static cf_span outputs_of(const block *b, int axis)
{
    const cf_axis *a = &b->job->plan->task.shape.axis[axis];
    if (axis == 0)
        return (cf_span){b->at.first[0], b->len[0]};
    const int64_t m = b->job->t.scheme[axis - 1].m, first = b->at.first[axis] * m * a->dilation + b->phase[axis - 1];
    return (cf_span){first, cf_min(b->len[axis] * m, cf_ceil_div(a->m - first, a->dilation))};
}

static char *output_at(const block *b, int64_t co)
{
    const cf_shape *s = &b->job->plan->task.shape;
    int64_t at = cf_y_at(s, b->at.image, b->at.group, co);
    for (int i = 0; i < 3; i++)
        at += outputs_of(b, i).first * s->axis[i].ys;
    return (char *)b->job->arrays->output + at * b->job->plan->task.dtype->size;
}

/* Writes the outputs of one channel. */
static void store(const block *b, int64_t co)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = b->job->plan->task.shape.axis;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, rows = outputs_of(b, 1).n, n = outputs_of(b, 2).n, each = a[2].ys * a[2].dilation;
    char *y = output_at(b, co), *line = b->out + t->made * t->pitch * size;
    const int m1 = t->scheme[0].m, m2 = t->scheme[1].m;
    for (int64_t o0 = 0; o0 < b->len[0]; o0++)
        for (int64_t o1 = 0; o1 < rows; o1++) {
            const char *from = b->out + (o1 % m1 * m2 * t->pitch + (o0 * b->len[1] + o1 / m1) * b->len[2]) * size;
            char *to = y + (o0 * a[0].ys + o1 * a[1].ys * a[1].dilation) * size;
            int straight = each == 1 && n == b->len[2] * m2;
            set->weave(m2, from, t->pitch, straight ? to : line, b->len[2]);
            if (!straight)
                cf_copy_strided(to, each, line, 1, n, (int)size);
        }
}

static int64_t tiles_of(const cf_plan *plan) { return cf_ceil_div(plan->task.shape.cout, cf_set_of(plan)->gemm_rows); }

/* Sums all outputs of output channels [co, co + n) of the block directly. */
static int sum_directly(const block *b, int64_t co, int64_t n, cf_run *run)
{
    const cf_plan *plan = b->job->plan;
    cf_shape s = plan->task.shape;
    const int64_t size = plan->task.dtype->size;
    const cf_arrays *from = b->job->arrays;
    cf_arrays arrays = {(char *)from->input + cf_x_at(&s, b->at.image, b->at.group, 0) * size,
                        (char *)from->kernel + cf_w_at(&s, b->at.group, co, 0) * size, output_at(b, co)};
    cf_plan child;
    s.batch = s.groups = 1;
    s.cout = n;
    for (int i = 0; i < 3; i++) {
        cf_axis *a = &s.axis[i];
        cf_span outputs = outputs_of(b, i);
        a->lo -= outputs.first * a->stride;
        a->m = outputs.n;
        if (i > 0) {
            a->stride *= a->dilation; /* one of them is 1 */
            a->ys *= a->dilation;
        }
    }
    int status = cf_plan_child(plan, &s, CORRFAST_FORWARD, plan->task.conjugate, CORRFAST_DIRECT, NULL, &child);
    return status ? status : cf_plan_run(&child, &arrays, run);
}

static void write_outputs(const block *b, int64_t co, int64_t rows)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, made = t->made;
    const int64_t calls = b->cols == t->pitch ? 1 : made; /* to look at all that is made */
    int64_t at[CF_SIDE * CF_SIDE];
    for (int64_t i = 0; i < t->points; i++)
        at[i] = i * t->m_point;
    for (int64_t r = 0; r < rows; r += set->gemm_rows) {
        const int64_t n = cf_min(set->gemm_rows, rows - r);
        int finite = 1;
        for (int64_t i = r; i < r + n; i++) {
            set->winograd(CF_TO_OUTPUTS, t->scheme[0].id, t->scheme[1].id, b->products + i * t->pitch * size, at, b->out, t->pitch, b->cols,
                          t->pitch);
            for (int64_t o = 0; o < calls; o++)
                finite &= set->finite(b->out + o * t->pitch * size, b->cols * made / calls);
            store(b, co + i);
        }
        if (!finite)
            b->job->poisoned[b->index * tiles_of(b->job->plan) + (co + r) / set->gemm_rows] = 1;
    }
}

static int64_t channel_pieces(const job *j) { return cf_ceil_div(j->plan->task.shape.cout, j->co_step); }

/* Returns 0 where a phase has no such block. */
static int place(block *b, int64_t index)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    b->co = cf_take_digit(&index, channel_pieces(j)) * j->co_step;
    b->co_end = cf_min(b->co + j->co_step, s->cout);
    b->index = index;
    for (int i = 1; i >= 0; i--) /* all phases of the same samples, while they are near */
        b->phase[i] = cf_take_digit(&index, t->phases[i]);
    for (int i = 2; i >= 0; i--)
        b->at.first[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
    b->at.group = cf_take_digit(&index, s->groups);
    b->at.image = index;
    b->shape = t->shape;
    b->cols = 1;
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            b->shape.axis[i] = cf_tile_axis(&s->axis[i], &t->scheme[i - 1], b->phase[i - 1]);
        b->len[i] = cf_min(t->len[i], b->shape.axis[i].m - b->at.first[i]);
        if (b->len[i] <= 0)
            return 0;
        b->cols *= b->len[i];
    }
    return 1;
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    const int64_t size = task->dtype->size;
    block b = {.job = j};
    if (!place(&b, index))
        return;
    char *memory = worker->scratch;
    b.lines = (const void **)(void *)memory;
    b.slab = memory += t->lines_bytes;
    b.patch = memory += t->slab_bytes;
    b.v = memory += t->patch_bytes;
    b.products = memory += t->v_bytes;
    b.out = memory += t->m_bytes;
    b.turned = memory += t->out_bytes;
    b.u = t->local ? memory + t->turned_bytes : j->u + b.at.group * t->points * t->u_point * size;
    b.u_point = t->local ? t->u_chunk_point : t->u_point;
    for (b.at.channel = 0; b.at.channel < s->cin; b.at.channel += t->channels) {
        b.at.channels = cf_min(t->channels, s->cin - b.at.channel);
        cf_slab_fill(&t->slab, &b.shape, task->dtype, cf_set_of(j->plan), j->arrays->input, task->cval, &b.at, b.lines, b.slab);
        transform_samples(&b);
    }
    for (int64_t co = b.co; co < b.co_end; co += t->chunk) {
        int64_t n = cf_min(t->chunk, b.co_end - co);
        for (int64_t r = 0; t->local && r < n; r += t->u_rows)
            transform_taps(j, b.at.group, co + r, b.turned, b.u + r / t->u_rows * t->u_tile * size, b.u_point, worker);
        multiply(&b, co, n);
        write_outputs(&b, co, n);
        if (cf_poll(worker, (double)(t->points * t->sum) * (double)(b.cols * n)))
            return;
    }
}

/* ---- the method ------------------------------------------------------------------------------------------------------------ */

static int supports(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const int floats = (task->dtype->arith == CF_F32 || task->dtype->arith == CF_F64) && !cf_converts(task->dtype);
    const int worth = task->asked == CORRFAST_WINOGRAD || cf_min(s->cin, s->cout) >= LEAST_CHANNELS;
    cf_scheme scheme[2];
    return task->pass == CORRFAST_FORWARD && task->precision != CORRFAST_EXACT && floats && worth && a[0].m >= 1 && a[1].m >= 1 && a[2].m >= 1 &&
           a[0].k >= 1 && a[0].k <= MOST_DEPTH && s->cin >= 1 && a[1].dilation <= 1 << 16 && a[2].dilation <= 1 << 16 &&
           choose_schemes(task, scheme);
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const cf_kernel_set *set = &kernels->set[task->dtype->arith];
    tiling t;
    tile(&plan, &t);
    double blocks = (double)s->batch * (double)s->groups * (double)(t.blocks[0] * t.blocks[1] * t.blocks[2]) * (double)(t.phases[0] * t.phases[1]);
    double vectors = cf_tile_vectors(t.cols, set->lanes), sum = (double)t.sum, points = (double)t.points, cout = (double)s->cout;
    double products = points * sum * vectors * (double)cf_round_up(s->cout, set->gemm_rows) * cf_vector_cycles(task->dtype->arith) * CF_DENSE;
    double transforms = points * vectors * (t.scheme[0].id == t.scheme[1].id ? 7 : 12) * (sum + cout);
    double runs = s->axis[2].dilation == 1 ? 0.25 : 1;
    double copies = (double)s->cin * cf_slab_cycles(&t.slab, &t.shape.axis[2]) +
                    cout * (double)(t.len[0] * t.len[1] * t.scheme[0].m) * (30 + (double)(t.len[2] * t.scheme[1].m) * runs);
    /* What is more than the caches hold comes anew for each block. */
    double weights = (t.local ? blocks : 1) * sum * cout * ((double)t.taps + 0.7 * points);
    double bytes = points * sum * cout * (double)(s->groups * task->dtype->size);
    double far = bytes < CACHED_BYTES ? 0 : t.local ? bytes / 15e9 : bytes * blocks / 30e9;
    return 2e-6 + (blocks * (products + transforms + copies) + weights) * CF_CYCLE + far + cf_traffic_seconds(task);
}

static int64_t pieces_of(const cf_plan *plan, const tiling *t)
{
    return plan->task.shape.batch * plan->task.shape.groups * t->phases[0] * t->phases[1] * t->blocks[0] * t->blocks[1] * t->blocks[2];
}

static int64_t pieces(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return pieces_of(plan, &t) * cf_ceil_div(plan->task.shape.cout, t.chunk);
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return worker_bytes(&t);
}

/* A flag for each tile of output channels of a block. */
static size_t shared(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return (size_t)(pieces_of(plan, &t) * tiles_of(plan));
}

static size_t packed(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return t.local ? 0 : (size_t)(plan->task.shape.groups * t.points * t.u_point * plan->task.dtype->size);
}

static int pack(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    job j = {.plan = plan, .arrays = arrays, .u = to};
    tile(plan, &j.t);
    return cf_run_pieces(run, s->groups * cf_ceil_div(s->cout, j.t.u_rows), plan->seconds * 0.1, j.t.turned_bytes, weights_piece, &j);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, &t);
    snprintf(text, size, "F(%dx%d, %dx%d), blocks of %lld tiles, %lld output channels at a time", t.scheme[0].m, t.scheme[1].m,
             t.scheme[0].taps, t.scheme[1].taps, (long long)t.cols, (long long)t.chunk);
}

static int sum_poisoned(const job *j, cf_run *run)
{
    const int64_t tiles = tiles_of(j->plan), rows = cf_set_of(j->plan)->gemm_rows;
    job all = *j; /* blocks with all their output channels */
    all.co_step = cf_round_up(j->plan->task.shape.cout, rows);
    for (int64_t i = 0; i < pieces_of(j->plan, &j->t); i++)
        for (int64_t co = 0; co < tiles; co++) {
            block b = {.job = &all};
            if (!j->poisoned[i * tiles + co] || !place(&b, i))
                continue;
            int status = sum_directly(&b, co * rows, cf_min(rows, j->plan->task.shape.cout - co * rows), run);
            if (status)
                return status;
        }
    return CORRFAST_OK;
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    job j = {.plan = plan, .arrays = arrays, .u = plan->packed};
    tile(plan, &j.t);
    int threads = cf_threads_for(run->options, pieces(plan), plan->seconds);
    int64_t count = pieces_of(plan, &j.t), chunks = cf_ceil_div(s->cout, j.t.chunk);
    int64_t parts = cf_choose_parts(count, threads, chunks, 10 / (10 + (double)s->cout)); /* samples are transformed */
    j.co_step = cf_ceil_div(chunks, parts) * j.t.chunk;
    const size_t bytes = (size_t)(count * tiles_of(plan));
    if (!(j.poisoned = cf_memory_take(&run->memory, bytes)))
        return CORRFAST_ERR_MEMORY;
    memset(j.poisoned, 0, bytes);
    int status = cf_run_pieces(run, count * channel_pieces(&j), plan->seconds, worker_bytes(&j.t), piece, &j);
    if (!status)
        status = sum_poisoned(&j, run);
    cf_memory_give(&run->memory, j.poisoned, bytes);
    return status;
}

const cf_method cf_method_winograd = {
    .name = "winograd", .id = CORRFAST_WINOGRAD, .listed = 1, .supports = supports, .seconds = seconds, .scratch = scratch, .shared = shared,
    .packed = packed, .pack = pack, .pieces = pieces, .describe = describe, .run = run,
};
