/* Many channels, forward: an implicit matrix product.
 *
 *     y[co][pixel] = sum_k  w[co][k] x[k][pixel],   k = (input channel, tap)
 *
 * is computed for blocks of flattened output pixels.  What a block reads of the input is first copied into a slab: padded by the boundary
 * rule, and split into the phases of the stride along every axis, so that a tap meets a run of outputs in a run of samples, for any rank,
 * stride, dilation and layout.  Panels of a few vectors of pixels by some hundred k are gathered from it into L1 and used at once by all
 * output channels.  Where nothing is padded or strided, they come from the input itself.  With few output channels, or long rows, a panel is a
 * window of the slab: nothing is gathered, but what lies between the rows is multiplied too, and then left out.
 *
 * Each output sums in the order of k, in blocks that the shape of a sample decides; where pixels lie in panels, whether weights are packed
 * and how channels are divided among threads changes no bit. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/slab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PANEL_BYTES = 24 * 1024,   /* of L1 */
    PANELS_BYTES = 192 * 1024, /* of L2, where all panels of a block wait for the next output channels */
    BLOCK_PIXELS = 1024,
    WINDOWS_PIXELS = 8192, /* of larger blocks, where copies and outputs fit in L2 */
    WINDOWS_BYTES = 256 * 1024,
    BLOCK_BYTES = 1 << 20,     /* of a slab, and of the outputs of a block */
    ASIDE_BYTES = 4 << 20,     /* of outputs that wait for their place */
    SLABS_BYTES = 4 << 20,     /* of those of several images */
    WINDOW_LOADS = 8,          /* cycles of a term's samples, three vectors across lines */
    PACKED_BYTES = 64 << 20,   /* of weights that are worth a second copy */
    PACKED_SAMPLES = 16 << 20, /* of a gradient that takes their place */
    SMALL_PLANE = 128,         /* outputs of a sample of which several share a block */
    SHORT_SUM = 64,            /* so few k that the outputs' way to memory decides */
    UNPACKED_PANELS = 8,       /* weights that are read less often stay where they are */
    MOST_TAPS = 4096,
    MOST_PARTS = 96 /* columns of the widest tile: 3 vectors of 32 */
};

typedef struct tiling {
    int64_t images, len[3];        /* of a block */
    int64_t image_blocks, blocks[3];
    cf_slab slab;
    int64_t image; /* samples from one image to the next, in what panels are gathered from */
    int64_t couts; /* output channels of a piece at most */
    int64_t channels, taps, kc, panel_cols, panels; /* channels in the slab at a time; k and columns of a panel; panels of a block */
    int windows, aside, rows_outer, packs;
    double cycles; /* of a sample's group */
    size_t tables_bytes, slab_bytes, panel_bytes, y_bytes;
} tiling;

static int64_t block_pixels(const tiling *t) { return t->images * t->len[0] * t->len[1] * t->len[2]; }

/* From one row of a block's columns to the next. */
static int64_t row_step(const tiling *t) { return t->windows ? t->slab.step[1] : t->len[2]; }

/* The columns of a block of so many outputs. */
static int64_t columns_of(const tiling *t, const int64_t len[3], int64_t images)
{
    return t->windows ? (len[0] - 1) * t->slab.step[0] + (len[1] - 1) * t->slab.step[1] + len[2] : images * len[0] * len[1] * len[2];
}

/* Cycles of a sample's group, of panels that are gathered, or windows; as of copies in any layout: the method decides the bits, and these do not
 * depend on how the arrays lie. */
static double cycles_of(const cf_plan *plan, const tiling *t)
{
    const int windows = t->windows;
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(plan);
    const double m2 = (double)a[2].m, outputs = (double)(a[0].m * a[1].m) * m2, blocks = (double)(t->blocks[0] * t->blocks[1] * t->blocks[2]);
    const double units = set->lanes * plan->task.dtype->size == 64 ? 2 : 1; /* half vectors are there */
    const double apart[2] = {(double)t->slab.step[0], (double)t->slab.step[1]};
    const double window = (double)(t->len[0] - 1) * apart[0] + (double)(t->len[1] - 1) * apart[1] + (double)t->len[2];
    const double columns = windows ? blocks * window : outputs;
    const double vectors = ceil(columns * units / set->lanes) / units, panels = ceil(vectors / 3);
    const double rows = (double)cf_min(s->cout, set->gemm_rows), tiles = (double)cf_ceil_div(s->cout, set->gemm_rows);
    const double sum = (double)s->cin * (double)t->taps, parts = t->taps == 1 ? 1 : 1 + fmin(set->gemm_cols, outputs - 1) / m2;
    const double loads = windows ? WINDOW_LOADS : CF_FMA_LATENCY, gather = windows ? 0 : 4 + 5 * parts;
    const double tile_cycles = fmax(loads, CF_DENSE * cf_vector_cycles(plan->task.dtype->arith) * rows * vectors / panels);
    const double sums = ceil(sum / (double)t->kc); /* each begins and ends with its outputs */
    const double store = windows ? (double)(s->cout * a[0].m * a[1].m) * (8 + m2 * 2 / set->lanes) : 0;
    const double slab = 0.6 * cf_slab_channel(&t->slab) * blocks * (double)s->cin;
    return panels * (sum * (tile_cycles * tiles + gather) + 60 * sums * tiles) + store + slab;
}

/* Blocks of panels or windows as they are estimated; of windows they are so run too. */
static void plan_block(const cf_plan *plan, int windows, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const double size = (double)plan->task.dtype->arith_size;
    t->windows = windows;
    for (int64_t pixels = windows ? WINDOWS_PIXELS : BLOCK_PIXELS;; pixels /= 2) {
        cf_choose_block(s, pixels, t->len, t->blocks);
        cf_slab_make(s, t->len, 1, &t->slab);
        if (pixels <= BLOCK_PIXELS || (cf_slab_channel(&t->slab) * (double)s->cin + (double)(block_pixels(t) * s->cout)) * size <= WINDOWS_BYTES)
            break;
    }
    t->cycles = cycles_of(plan, t);
}

static int writes_flat(const cf_shape *s, const tiling *t)
{
    const cf_axis *a = s->axis;
    return t->images == 1 && (a[2].m == 1 || a[2].ys == 1) && (t->len[1] == 1 || a[1].ys == a[2].m) &&
           (t->len[0] == 1 || a[0].ys == a[1].m * a[2].m);
}

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(plan);
    const int64_t size = plan->task.dtype->arith_size;
    memset(t, 0, sizeof *t);
    t->taps = a[0].k * a[1].k * a[2].k;
    t->images = 1;
    const int64_t sample = a[0].m * a[1].m * a[2].m, most = PANEL_BYTES / (set->gemm_cols * size);
    /* A complex sum that goes on from y can have other bits: where it does depends on the shape of a sample alone, not on batch and layout. */
    const int alike = plan->task.dtype->is_complex, shares = sample <= SMALL_PLANE && s->batch > 1;
    t->kc = cf_min(most, s->cin * t->taps);
    tiling panels = *t;
    plan_block(plan, 0, &panels);
    if (!alike && !shares && t->taps > 1)
        plan_block(plan, 1, t);
    if (!t->windows || t->cycles >= panels.cycles || cf_slab_channel(&t->slab) * (double)size > BLOCK_BYTES)
        *t = panels;
    for (int64_t pixels = BLOCK_PIXELS; !t->windows; pixels /= 2) {
        cf_choose_block(s, pixels, t->len, t->blocks);
        cf_slab_make(s, t->len, alike, &t->slab);
        double slab = cf_slab_channel(&t->slab) * (double)s->cin * (double)size;
        double out = (double)block_pixels(t) * (double)s->cout * (double)size;
        int small = pixels <= 3 * set->gemm_cols && cf_slab_channel(&t->slab) * (double)size <= BLOCK_BYTES;
        if ((slab <= BLOCK_BYTES && out <= BLOCK_BYTES) || small || pixels == 1)
            break;
    }
    const double room = SLABS_BYTES / fmax(1, cf_slab_channel(&t->slab) * (double)size);
    t->channels = (int64_t)fmax(1, fmin((double)s->cin, room / 2));
    if (shares)
        t->images = cf_clamp(cf_min(s->batch, 2 * SMALL_PLANE / sample), 1, (int64_t)fmax(1, fmin(1e9, room / (alike ? (double)t->channels : 1))));
    cf_slab_make(s, t->len, t->windows, &t->slab);
    if (!alike)
        t->channels = t->slab.in_place ? s->cin : (int64_t)fmax(1, fmin((double)s->cin, room / 2 / (double)t->images));
    t->image_blocks = cf_ceil_div(s->batch, t->images);
    t->aside = t->windows || !writes_flat(s, t);
    t->image = t->slab.in_place ? s->x_batch : t->slab.channel * t->channels;
    const int64_t k = t->channels * t->taps, cols = columns_of(t, t->len, t->images);
    t->panel_cols = set->gemm_cols;
    t->kc = cf_ceil_div(k, cf_ceil_div(k, most));
    t->panels = cf_ceil_div(cols, set->gemm_cols);
    t->rows_outer = !t->windows && (k <= SHORT_SUM || t->panels * t->panel_cols * t->kc * size <= PANELS_BYTES);
    /* Kept weights: 0.95 of the speed with few panels where each sum's lie in one run, except for a single vector; else up to 3.4
     * (Zen 4).  Packing such weights for one run alone takes as long as it saves. */
    const int apart = (s->cin > 1 && s->w_cin != t->taps) || block_pixels(t) <= set->lanes;
    t->packs = ((plan->keeps && apart) || t->image_blocks * t->blocks[0] * t->blocks[1] * t->blocks[2] * t->panels >= UNPACKED_PANELS) &&
               (double)s->groups * (double)cf_round_up(s->cout, set->gemm_rows) * (double)s->cin * (double)t->taps * (double)size <=
                   (plan->task.is_gradient ? PACKED_SAMPLES : PACKED_BYTES);
    t->tables_bytes = cf_round64((size_t)(2 * t->kc) * sizeof(int64_t)) + cf_round64(cf_slab_lines_bytes(&t->slab));
    t->slab_bytes = t->slab.in_place ? 0 : cf_round64((size_t)((t->image * t->images + (t->windows ? t->panel_cols : 0)) * size));
    t->panel_bytes = t->windows ? 0 : cf_round64((size_t)((t->rows_outer ? t->panels : 1) * t->panel_cols * t->kc * size));
    const int64_t rows = cf_clamp(ASIDE_BYTES / (cols * size) / set->gemm_rows, 1, cf_ceil_div(s->cout, set->gemm_rows));
    t->couts = t->aside ? rows * set->gemm_rows : cf_ceil_div(s->cout, set->gemm_rows) * set->gemm_rows;
    t->y_bytes = t->aside ? cf_round64((size_t)(cols * t->couts * size)) : 0;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    char *packed;    /* while it is written */
    int64_t co_step; /* output channels of one piece */
    int flags, care;
    atomic_int *poisoned;
} job;

/* A place of the sum: input channels [first, first + channels) are in the slab, k counts from there. */
typedef struct block {
    const job *job;
    int64_t image, group, first[3], co, co_end;
    int64_t images, len[3], cols;
    int64_t channel, channels;
    int64_t *x_at, *w_at;
    const void **lines;
    char *slab, *panel, *y;
} block;

static cf_slab_block slab_block(const block *b, int64_t image)
{
    return (cf_slab_block){b->image + image, b->group, b->channel, b->channels, {b->first[0], b->first[1], b->first[2]}};
}

static void fill_slab(const block *b)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    for (int64_t image = 0; image < b->images; image++) {
        cf_slab_block at = slab_block(b, image);
        cf_slab_fill(&t->slab, &task->shape, task->dtype, cf_set_of(b->job->plan), b->job->arrays->input, task->cval, &at, b->lines,
                     b->slab + image * t->image * task->dtype->size);
    }
}

/* What output 0 of the block finds at offset 0. */
static const char *source(const block *b)
{
    const cf_task *task = &b->job->plan->task;
    cf_slab_block at = slab_block(b, 0);
    return b->job->t.slab.in_place ? cf_slab_in_place(&task->shape, task->dtype, b->job->arrays->input, &at) : b->slab;
}

/* ---- panels ---------------------------------------------------------------------------------------------------------------- */

/* Gathers pixels [pixel, pixel + n) of the block for `count` k. */
static void gather(const block *b, int64_t pixel, int64_t n, int64_t count, char *to)
{
    const tiling *t = &b->job->t;
    cf_run_part parts[MOST_PARTS];
    const int64_t used = cf_slab_parts(&t->slab, b->len, t->image, pixel, n, parts), size = b->job->plan->task.dtype->size;
    cf_clear_tails(to, t->panel_cols * size, count, n, cf_set_of(b->job->plan)->lanes, size);
    cf_set_of(b->job->plan)->panel(source(b), b->x_at, count, parts, used, to, t->panel_cols);
}

static cf_span panel_at(const block *b, int64_t i)
{
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    return cf_panel_at(b->cols, set->lanes, set->gemm_cols, i);
}

/* The products of one panel with output channels [co, co + rows). */
static void multiply(const block *b, int64_t co, int64_t rows, int64_t k, int64_t count, const char *panel, cf_span cols, char *y, int64_t y_row,
                     int flags)
{
    const job *j = b->job;
    const cf_shape *s = &j->plan->task.shape;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->arith_size, tile_rows = set->gemm_rows;
    const void *a[8];
    if (j->t.packs) {
        int64_t padded = cf_round_up(s->cout, tile_rows), sum = s->cin * j->t.taps;
        a[0] = (const char *)j->plan->packed + (b->group * padded * sum + padded * (b->channel * j->t.taps + k) + co * count) * size;
    }
    for (int64_t r = 0; !j->t.packs && r < rows; r++)
        a[r] = (const char *)j->arrays->kernel + cf_w_at(s, b->group, co + r, 0) * size;
    if (j->t.windows)
        panel = b->slab + cols.first * size;
    set->gemm(a, j->t.packs ? NULL : b->w_at, tile_rows, panel, j->t.windows ? b->x_at : NULL, j->t.panel_cols, count,
              y + ((co - b->co) * y_row + cols.first) * size, y_row, rows, cols.n, flags);
}

/* Adds k in [k, k + count) of the slab to all outputs of the block. */
static void add_block(const block *b, int64_t k, int64_t count, char *y, int64_t y_row, int flags)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->arith_size, panels = cf_ceil_div(b->cols, set->gemm_cols);
    const int64_t bytes = t->panel_cols * t->kc * size;
    cf_slab_terms(&t->slab, &b->job->plan->task.shape, b->channel, k, count, b->x_at, b->w_at);
    for (int64_t p = 0; p < panels; p++) {
        cf_span cols = panel_at(b, p);
        if (!t->windows)
            gather(b, cols.first, cols.n, count, b->panel + (t->rows_outer ? p * bytes : 0));
        for (int64_t co = b->co; !t->rows_outer && co < b->co_end; co += set->gemm_rows)
            multiply(b, co, cf_min(set->gemm_rows, b->co_end - co), k, count, b->panel, cols, y, y_row, flags);
    }
    for (int64_t co = b->co; t->rows_outer && co < b->co_end; co += set->gemm_rows)
        for (int64_t p = 0; p < panels; p++)
            multiply(b, co, cf_min(set->gemm_rows, b->co_end - co), k, count, b->panel + p * bytes, panel_at(b, p), y, y_row, flags);
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------------- */

static char *output_at(const block *b, int64_t image, int64_t co)
{
    const cf_shape *s = &b->job->plan->task.shape;
    const cf_axis *a = s->axis;
    return (char *)b->job->arrays->output + (cf_y_at(s, b->image + image, b->group, co) + b->first[0] * a[0].ys + b->first[1] * a[1].ys +
                                             b->first[2] * a[2].ys) * b->job->plan->task.dtype->size;
}

/* Of rows of the block's columns, those of one plane. */
static void store_plane(const block *b, const char *from, char *to)
{
    const cf_axis *a = b->job->plan->task.shape.axis;
    const int64_t size = b->job->plan->task.dtype->size, step = row_step(&b->job->t), n = b->len[2], none = 0;
    if (a[2].ys != 1 || (a[1].ys != n && b->len[1] > 1)) {
        for (int64_t j = 0; j < b->len[1]; j++)
            cf_copy_strided(to + j * a[1].ys * size, a[2].ys, from + j * step * size, 1, n, (int)size);
        return;
    }
    cf_run_part rows[MOST_PARTS];
    for (int64_t j = 0; j < b->len[1]; j += MOST_PARTS) {
        const int64_t count = cf_min(MOST_PARTS, b->len[1] - j);
        for (int64_t r = 0; r < count; r++)
            rows[r] = (cf_run_part){(j + r) * step, r * n, n};
        cf_set_of(b->job->plan)->panel(from, &none, 1, rows, count, to + j * n * size, count * n);
    }
}

static void store(const block *b)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = b->job->plan->task.shape.axis;
    const int64_t size = b->job->plan->task.dtype->size, plane = t->windows ? t->slab.step[0] : b->len[1] * b->len[2];
    const char *from = b->y;
    for (int64_t co = b->co; co < b->co_end; co++, from += b->cols * size)
        for (int64_t image = 0; image < b->images; image++)
            for (int64_t i = 0; i < b->len[0]; i++)
                store_plane(b, from + (image * b->len[0] + i) * plane * size, output_at(b, image, co) + i * a[0].ys * size);
}

/* Whether all outputs of a channel are finite: what lies between rows may not be. */
static int all_finite(const block *b, const char *y)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size;
    int finite = set->finite(y, b->cols);
    if (finite || !t->windows)
        return finite;
    finite = 1;
    for (int64_t i = 0; i < b->len[0] * b->len[1]; i++)
        finite &= set->finite(y + (i / b->len[1] * t->slab.step[0] + i % b->len[1] * t->slab.step[1]) * size, b->len[2]);
    return finite;
}

static void check(const block *b, const char *y, int64_t y_row)
{
    const int64_t size = b->job->plan->task.dtype->size;
    for (int64_t co = b->co; co < b->co_end; co++, y += y_row * size)
        if (!all_finite(b, y)) {
            atomic_store_explicit(b->job->poisoned, 1, memory_order_relaxed);
            return;
        }
}

static int64_t channel_pieces(const job *j) { return cf_ceil_div(j->plan->task.shape.cout, j->co_step); }

static void place(block *b, int64_t index)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    b->co = cf_take_digit(&index, channel_pieces(j)) * j->co_step;
    b->co_end = cf_min(b->co + j->co_step, s->cout);
    for (int i = 2; i >= 0; i--) {
        b->first[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
        b->len[i] = cf_min(t->len[i], s->axis[i].m - b->first[i]);
    }
    b->group = cf_take_digit(&index, s->groups);
    b->image = index * t->images;
    b->images = cf_min(t->images, s->batch - b->image);
    b->cols = columns_of(t, b->len, b->images);
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    block b = {.job = j};
    char *memory = worker->scratch;
    place(&b, index);
    b.x_at = (int64_t *)(void *)memory;
    b.w_at = b.x_at + t->kc;
    b.lines = (const void **)(void *)(memory + cf_round64((size_t)(2 * t->kc) * sizeof(int64_t)));
    b.slab = memory += t->tables_bytes;
    b.panel = memory += t->slab_bytes;
    b.y = memory + t->panel_bytes;
    char *y = t->aside ? b.y : output_at(&b, 0, b.co);
    int64_t y_row = t->aside ? b.cols : s->y_channel;
    int flags = j->flags;
    if (t->windows) /* the last window reads on */
        memset(b.slab + t->image * j->plan->task.dtype->size, 0, (size_t)(t->panel_cols * j->plan->task.dtype->size));
    for (b.channel = 0; b.channel < s->cin; b.channel += t->channels) {
        b.channels = cf_min(t->channels, s->cin - b.channel);
        if (!t->slab.in_place)
            fill_slab(&b);
        for (int64_t k = 0, end = b.channels * t->taps; k < end; k += t->kc) {
            int64_t count = cf_min(t->kc, end - k);
            add_block(&b, k, count, y, y_row, flags);
            flags |= CF_ACCUMULATE;
            if (cf_poll(worker, (double)count * (double)b.cols * (double)(b.co_end - b.co)))
                return;
        }
    }
    if (j->care)
        check(&b, y, y_row);
    if (t->aside)
        store(&b);
}

/* ---- weights --------------------------------------------------------------------------------------------------------------- */

/* Packs one tile's rows for all k: [part of the sum][tile][k][row], in the order in which they are used. */
static void pack_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->arith_size, rows = set->gemm_rows, tiles = cf_ceil_div(s->cout, rows), sum = s->cin * t->taps;
    int64_t *x_at = worker->scratch, *w_at = x_at + t->kc;
    int64_t co = cf_take_digit(&index, tiles) * rows, group = index, used = cf_min(rows, s->cout - co);
    const void *from[8];
    for (int64_t r = 0; r < used; r++)
        from[r] = (const char *)j->arrays->kernel + cf_w_at(s, group, co + r, 0) * size;
    for (int64_t channel = 0; channel < s->cin; channel += t->channels)
        for (int64_t k = 0, end = cf_min(t->channels, s->cin - channel) * t->taps; k < end; k += t->kc) {
            int64_t count = cf_min(t->kc, end - k);
            cf_slab_terms(&t->slab, s, channel, k, count, x_at, w_at);
            set->turn(from, w_at, count, used,
                      j->packed + (group * tiles * rows * sum + tiles * rows * (channel * t->taps + k) + co * count) * size, rows);
            if (cf_poll(worker, 16.0 * (double)(count * used)))
                return;
        }
}

/* ---- the method ------------------------------------------------------------------------------------------------------------ */

static int supports(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    if (task->pass != CORRFAST_FORWARD || task->dtype->arith == CF_NO_ARITH || cf_converts(task->dtype) || s->cin < 1)
        return 0;
    for (int i = 0; i < 3; i++)
        if (a[i].k < 1 || a[i].m < 1)
            return 0;
    return (double)a[0].k * (double)a[1].k * (double)a[2].k <= MOST_TAPS;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_plan plan = {.task = *task, .kernels = kernels};
    tiling t;
    tile(&plan, &t);
    return 1e-6 + (double)task->shape.batch * (double)task->shape.groups * t.cycles * CF_CYCLE + cf_traffic_seconds(task);
}

/* What `seconds` is at least, on vectors of 64 bytes, the widest there are: the products alone. */
static double least(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const double outputs = (double)s->axis[0].m * (double)s->axis[1].m * (double)s->axis[2].m;
    const double cycles = CF_DENSE * cf_vector_cycles(task->dtype->arith);
    const double sum = (double)s->cin * (double)s->axis[0].k * (double)s->axis[1].k * (double)s->axis[2].k;
    return 1e-6 + (double)s->batch * (double)s->groups * sum * outputs * task->dtype->arith_size / 64 *
                      fmax(CF_FMA_LATENCY / 3, cycles * (double)s->cout) * CF_CYCLE + cf_traffic_seconds(task);
}

static int64_t pieces_of(const cf_plan *plan, const tiling *t)
{
    return t->image_blocks * plan->task.shape.groups * t->blocks[0] * t->blocks[1] * t->blocks[2];
}

/* Blocks are divided along output channels too where there are few. */
static int64_t co_step(const cf_plan *plan, const tiling *t, int threads)
{
    int64_t rows = cf_set_of(plan)->gemm_rows, tiles = cf_ceil_div(plan->task.shape.cout, rows);
    int64_t parts = cf_choose_parts(pieces_of(plan, t), threads, tiles, 40 / (40 + 3 * (double)plan->task.shape.cout)); /* slabs, panels */
    return cf_min(cf_ceil_div(tiles, parts) * rows, t->couts);
}

static int64_t pieces(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return pieces_of(plan, &t) * cf_ceil_div(plan->task.shape.cout, cf_set_of(plan)->gemm_rows);
}

static size_t scratch_of(const tiling *t) { return t->tables_bytes + t->slab_bytes + t->panel_bytes + t->y_bytes; }

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return scratch_of(&t);
}

static size_t packed(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    tiling t;
    tile(plan, &t);
    return t.packs ? (size_t)(s->groups * cf_round_up(s->cout, cf_set_of(plan)->gemm_rows) * s->cin * t.taps * plan->task.dtype->arith_size) : 0;
}

static int pack(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    job j = {.plan = plan, .arrays = arrays, .packed = to};
    tile(plan, &j.t);
    return cf_run_pieces(run, s->groups * cf_ceil_div(s->cout, cf_set_of(plan)->gemm_rows), plan->seconds * 0.02,
                         (size_t)(2 * j.t.kc) * sizeof(int64_t), pack_piece, &j);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, &t);
    snprintf(text, size, "gemm kernel, blocks of %lld outputs, panels of %lld x %lld%s, weights %s, samples %s", (long long)block_pixels(&t),
             (long long)t.kc, (long long)t.panel_cols, t.windows ? " that are windows" : "", t.packs ? "packed" : "in place",
             t.slab.in_place ? "in place" : "packed");
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .poisoned = &poisoned};
    tile(plan, &j.t);
    int threads = cf_threads_for(run->options, pieces(plan), plan->seconds);
    j.co_step = co_step(plan, &j.t, threads);
    if (plan->task.conjugate & CORRFAST_CONJ_INPUT)
        j.flags |= CF_CONJ_SAMPLES;
    if (plan->task.conjugate & CORRFAST_CONJ_KERNEL)
        j.flags |= CF_CONJ_TAPS;
    j.care = plan->task.dtype->is_float && plan->task.pads_with_zero && cf_pads(&plan->task.shape);
    int status = cf_run_pieces(run, pieces_of(plan, &j.t) * channel_pieces(&j), plan->seconds, scratch_of(&j.t), piece, &j);
    if (!status && atomic_load(&poisoned) && cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    return status;
}

const cf_method cf_method_gemm = {
    .name = "gemm", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .least = least, .seconds = seconds, .scratch = scratch,
    .packed = packed, .pack = pack, .pieces = pieces, .describe = describe, .run = run,
};
