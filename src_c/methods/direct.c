/* Direct summation, forward: output tiles in registers over lines of the input.
 *
 * One mechanism serves every option.  A two-dimensional part of the sum (cf_plane) is a list of line pointers and a block of
 * taps, so that
 *   - the third axis and the input channels are more planes ("slices");
 *   - a boundary on an outer axis is a line pointer used twice, or one to a line of constants;
 *   - stride s and dilation d of the rows: rows that are d/gcd apart share lines that are lcm(s, d) apart, so outputs split into
 *     d/gcd phases and taps into s/gcd classes, each of them dense;
 *   - stride of the columns: taps split into classes likewise, each with a packed line of every s-th sample;
 *   - a boundary on the columns, strided or converted samples: lines are packed, a block of them at a time, into scratch
 *     memory that fits the L2 cache.  Everything else is read in place, the kernel always (but for dtypes that convert).
 *
 * What is summed in which order, `slices`, `tap_rows` and `tap_cols` and the classes, depends on shape and dtype alone; the
 * blocks of outputs (`rows`, `cols`) may depend on layout, for they do not change any sum. */
#include "../core/border.h"
#include "../core/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PACK_BYTES = 192 * 1024,      /* packed lines of one block, well inside an L2 cache of 512 KiB with the outputs beside them */
    ASIDE_BYTES = 256 * 1024,     /* outputs of one block that are computed aside */
    FAR_TAPS = 4096,              /* samples that the taps of one plane span; a few that are further apart are packed one by one */
    MAX_SLICES = 32,
    STREAM_BYTES = 32000000,      /* input and output together: stores past the caches gain 1.2-1.4 from here on, and lose in a cache */
    ALONG_BYTES = 12000000,       /* the same: `rows` goes along the rows; 3x3 in 16 MB has 0.8 of the speed where a last cache of 32 MB holds just
                                   * that, and 1.4-2 times it where others use it too (Zen 4); in 22 MB 1.3-1.4 times */
    STREAM_TAPS = 32,             /* above, arithmetic hides the stores */
    STREAM_RUN_BYTES = 1 << 16,   /* outputs of one call: those at its ends pass through the caches; runs of 1 KiB: 6 times as slow */
    STREAM_BLOCK_BYTES = 1 << 20, /* outputs of one call where there are enough; 2**18: 5 % slower */
    MAX_CALL_WORK = 1 << 26       /* multiply-adds between two looks at the cancellation callback */
};

#define PIECE_SECONDS 50e-6 /* some times what it takes to wake a thread */

typedef struct tiling {
    int by_line;                   /* cf_line_fn rather than cf_rows_fn */
    int packs;                     /* lines are always packed, not only where they leave the array */
    int aside;                     /* outputs are computed in scratch memory, then converted or scattered */
    int streams;                   /* `line` writes outputs once, and not into the caches, where they would not fit */
    int64_t row_phases, row_gap;   /* outputs o, o + row_phases, ... share lines row_gap apart */
    int64_t row_classes, col_classes;
    int64_t col_step;              /* between taps of one class, in packed samples */
    int64_t tap_rows, tap_cols;    /* taps of one chunk */
    int64_t row_chunks, col_chunks, slices, slice_chunks;
    int64_t rows, cols;            /* outputs of one block */
    int64_t left, right;           /* columns of narrower blocks at the ends, so that all others are read in place */
    int64_t row_blocks, col_blocks;
    int64_t lines, sub_line, line; /* lines of a slice, samples of a class's packed line, of a whole packed line */
    int64_t fill_line;             /* samples of the line of constants */
    size_t lines_bytes, planes_bytes, taps_bytes, fill_bytes, pack_bytes, raw_bytes, y_bytes;
} tiling;

static int64_t lines_of(const tiling *t, int64_t rows)
{
    return t->row_classes * rows + t->tap_rows - t->row_classes;
}

static int64_t line_of(const tiling *t, int64_t cols)
{
    return t->col_classes * (cols + (cf_ceil_div(t->tap_cols, t->col_classes) - 1) * t->col_step);
}

/* How the sum is divided: depends on shape, dtype and instruction set only. */
static void tile_sum(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const cf_kernel_set *set = &plan->kernels->set[plan->task.dtype->arith];
    int64_t row_gcd = cf_gcd(row->stride, row->dilation), col_gcd = cf_gcd(col->stride, col->dilation);
    int64_t row_every = row->stride / row_gcd, col_every = col->stride / col_gcd;

    t->tap_cols = cf_min(col->k, col->stride > 1 ? 256 : row->k == 1 ? 4096 : 256);
    t->col_step = col->dilation / col_gcd;
    int far = t->tap_cols > 1 && t->col_step > FAR_TAPS / (t->tap_cols - 1);
    if (far && col->stride == 1 && t->col_step <= FAR_TAPS / 8) {
        t->tap_cols = FAR_TAPS / t->col_step;
        far = 0;
    } else if (far) {
        t->tap_cols = cf_min(t->tap_cols, 256);
    }
    t->tap_rows = cf_min(row->k, far ? 8 : 32);
    t->col_chunks = cf_ceil_div(col->k, t->tap_cols);
    t->row_phases = cf_min(row->dilation / row_gcd, row->m);
    t->col_classes = cf_min(col_every, t->tap_cols);
    if (far) {
        t->col_classes = t->tap_cols;
        t->col_step = 0;
    }
    /* some columns of the chunk's lines can be packed */
    while (t->row_classes = cf_min(row_every, t->tap_rows),
           t->tap_rows > 1 && plan->task.dtype->arith_size * lines_of(t, 1) * line_of(t, cf_min(col->m, 64)) > 2 * PACK_BYTES)
        t->tap_rows /= 2;
    t->row_chunks = cf_ceil_div(row->k, t->tap_rows);
    /* lcm(stride, dilation); formed only where two rows or two taps are that far apart, so that it cannot overflow */
    t->row_gap = row->m > t->row_phases || t->tap_rows > t->row_classes ? row_every * row->dilation : 0;
    t->slices = t->row_chunks * t->col_chunks > 1 ? 1 : cf_clamp(4096 / (t->tap_rows * t->tap_cols), 1, MAX_SLICES);
    /* no more than can be packed for a few outputs: many classes or far taps need much for each */
    t->slices = cf_clamp(PACK_BYTES / (plan->task.dtype->arith_size * lines_of(t, 1) * line_of(t, cf_min(col->m, 64))), 1, t->slices);
    t->slices = cf_clamp(s->cin * s->axis[0].k, 1, t->slices); /* no channels: an empty sum */
    t->slice_chunks = cf_ceil_div(s->cin * s->axis[0].k, t->slices);
    t->by_line = row->k == 1 && t->col_step == 1 && (row->m == 1 || col->m >= set->line_tile);
}

/* Columns whose windows leave the array become blocks of their own where they are few among many, and only they are packed.
 * Where rows are short, packing all lines costs less than the calls for narrow blocks.  Returns the columns that are packed. */
static int64_t split_ends(const cf_plan *plan, tiling *t)
{
    const cf_axis *a = plan->task.shape.axis, *col = &a[2];
    int64_t reach = (col->k - 1) * col->dilation;
    int64_t left = cf_max(col->lo, 0), right = cf_max(cf_last_position(col) - col->n + 1, 0);
    int64_t few = a[1].m == 1 && a[0].m == 1 ? 16384 : (t->by_line ? 2000 : 1200) / plan->task.dtype->arith_size;
    if (col->stride > 1 || col->m < few || left + right + 32 > col->m / 4 || reach > col->n ||
        t->slices * lines_of(t, 1) * line_of(t, cf_max(left, right)) > PACK_BYTES / plan->task.dtype->arith_size)
        return col->m;
    t->left = left ? cf_max(left, 16) : 0; /* whole vectors, at no cost */
    t->right = right ? cf_max(right, 16) : 0;
    return cf_max(t->left, t->right);
}

/* High blocks, for each begins with lines that few rows use: 128 rows instead of 64 gain 4 % in 7x7.  But as many as threads may share,
 * a power of two of them. */
static int64_t block_rows(const cf_plan *plan, const tiling *t, int64_t phase_rows, int64_t col_blocks)
{
    const cf_shape *s = &plan->task.shape;
    const double others = (double)(s->batch * s->groups) * (double)(s->axis[0].m * t->row_phases * col_blocks);
    int64_t blocks = others > 1 ? 1 : 2;
    while (blocks < 64 && (double)blocks * others * PIECE_SECONDS < plan->seconds)
        blocks *= 2;
    return cf_min(cf_clamp(131072 / t->cols, 32, 256), cf_max(64, cf_ceil_div(phase_rows, blocks)));
}

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const cf_dtype *dtype = plan->task.dtype;
    int64_t size = dtype->arith_size;
    t->left = t->right = 0;
    tile_sum(plan, t);
    t->packs = cf_converts(dtype) || (col->xs != 1 && col->n > 1) || t->col_classes > 1 || (col->stride > 1 && col->m > 1);
    t->aside = cf_converts(dtype) || (col->ys != 1 && col->m > 1);

    int fills = 0;
    for (int i = 0; i < 2; i++)
        fills |= s->axis[i].boundary == CORRFAST_CONSTANT && cf_leaves_array(&s->axis[i]);
    t->streams = t->by_line && !t->aside && !fills && t->slice_chunks * t->row_chunks * t->col_chunks == 1 && col->k <= STREAM_TAPS &&
                 col->m * size >= STREAM_RUN_BYTES && cf_traffic_bytes(&plan->task) > STREAM_BYTES;

    int64_t phase_rows = cf_ceil_div(row->m, t->row_phases), packed = t->packs ? col->m : 0;
    if (!t->packs && cf_leaves_array(col))
        packed = split_ends(plan, t);
    /* Wide blocks: short column strips break the hardware's prefetching, and each takes some 0.1 us (a million samples, 3 taps: 1.04). */
    const int64_t inner = col->m - t->left - t->right, alone = cf_clamp(inner / 16, 16384, 65536);
    t->cols = inner <= 5120 ? inner : t->streams ? STREAM_BLOCK_BYTES / size : row->m == 1 && s->axis[0].m == 1 ? alone : 4096;
    t->rows = cf_min(phase_rows, block_rows(plan, t, phase_rows, cf_ceil_div(inner, t->cols)));
    if (packed) {
        int64_t budget = PACK_BYTES / size / t->slices, *cols = t->left || t->right ? &packed : &t->cols;
        t->rows = cf_min(t->rows, cf_max(32, 2 * t->tap_rows));
        while (t->rows > 8 && lines_of(t, t->rows) * line_of(t, cf_min(*cols, 2048)) > budget)
            t->rows -= t->rows / 4;
        while (cols == &t->cols && t->cols > 64 && lines_of(t, t->rows) * line_of(t, t->cols) > budget)
            t->cols -= cf_max(t->cols / 4, 1);
        while (t->rows > 1 && lines_of(t, t->rows) * line_of(t, *cols) > budget)
            t->rows -= cf_max(t->rows / 4, 1);
    }
    while (t->aside && t->cols > 1024 && t->rows * t->cols * size > ASIDE_BYTES)
        t->cols -= t->cols / 4;
    while (t->aside && t->rows > 1 && t->rows * cf_max(t->cols, cf_max(t->left, t->right)) * size > ASIDE_BYTES)
        t->rows -= cf_max(t->rows / 4, 1);
    t->streams &= t->cols * size >= STREAM_RUN_BYTES;
    int64_t call = t->slices * t->tap_rows * t->tap_cols;
    while (t->rows * t->cols * call > MAX_CALL_WORK && t->rows > 4)
        t->rows = cf_max(4, t->rows / 2);
    if (t->cols >= 128 && t->cols < inner)
        t->cols &= ~(int64_t)63; /* whole vectors in all blocks but the last */
    if (t->left == 0 && t->right == 0)
        packed = packed ? t->cols : 0;
    t->row_blocks = cf_ceil_div(phase_rows, t->rows);
    t->col_blocks = cf_ceil_div(inner, t->cols) + (t->left > 0) + (t->right > 0);
    t->lines = lines_of(t, t->rows);
    t->line = line_of(t, packed);
    t->sub_line = t->line / t->col_classes;
    t->fill_line = line_of(t, cf_max(t->cols, cf_max(t->left, t->right)));
    t->lines_bytes = cf_round64((size_t)(t->slices * t->lines) * sizeof(void *));
    t->planes_bytes = cf_round64((size_t)(t->slices * t->row_classes * t->col_classes) * sizeof(cf_plane));
    t->taps_bytes = cf_converts(dtype) ? cf_round64((size_t)(t->slices * t->tap_rows * t->tap_cols * size)) : 0;
    t->fill_bytes = fills ? cf_round64((size_t)(t->fill_line * size)) : 0;
    t->pack_bytes = packed ? cf_round64((size_t)(t->slices * t->lines * t->line * size)) : 0;
    t->raw_bytes = cf_converts(dtype) ? cf_round64((size_t)(t->sub_line * dtype->size)) : 0;
    t->y_bytes = t->aside ? cf_round64((size_t)(t->rows * cf_max(t->cols, cf_max(t->left, t->right)) * size)) : 0;
}

static size_t scratch_of(const tiling *t)
{
    return t->lines_bytes + t->planes_bytes + t->taps_bytes + t->fill_bytes + t->pack_bytes + t->raw_bytes + t->y_bytes;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    int flags;
} job;

/* One block of outputs on one worker. */
typedef struct block {
    const job *job;
    cf_worker *worker;
    int64_t batch, group, depth, phase, row, col; /* place of its first output */
    int64_t rows, cols;
    const void **lines;
    cf_plane *planes;
    char *taps, *fill, *pack, *raw, *y;
    int filled; /* the line of constants is ready */
    int flags;
} block;

/* A part of the sum: `slices` slices from the first on, and a block of their taps. */
typedef struct chunk {
    int64_t slice, slices, tap_row, tap_rows, tap_col, tap_cols;
} chunk;

static const void *constant_line(block *b)
{
    const cf_task *task = &b->job->plan->task;
    if (!b->filled) {
        _Alignas(16) unsigned char value[32];
        if (cf_converts(task->dtype))
            cf_widen(task->dtype, value, task->cval, 1, 1);
        else
            memcpy(value, task->cval, sizeof value);
        cf_fill(b->fill, 1, value, b->job->t.fill_line, task->dtype->arith_size);
        b->filled = 1;
    }
    return b->fill;
}

/* Turns pointers to the starts of `count` input lines, NULL for lines of the constant, into pointers to the samples that the chunk's taps
 * meet: in place, or packed into `to` (NULL: in place). */
static void line_samples(block *b, const chunk *c, const void **lines, int64_t count, char *to)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_axis *col = &task->shape.axis[2];
    const int64_t first = b->col * col->stride + c->tap_col * col->dilation - col->lo, line_bytes = t->line * task->dtype->arith_size;
    const cf_line like = {NULL, col->n, col->xs, col->boundary, task->cval};
    for (int64_t k = 0; to && k < t->col_classes && k < c->tap_cols; k++) {
        int64_t taps = cf_ceil_div(c->tap_cols - k, t->col_classes);
        cf_pack_lines(task->dtype, to + k * t->sub_line * task->dtype->arith_size, line_bytes, lines, count, like,
                      first + k * col->dilation, col->stride, b->cols + (taps - 1) * t->col_step, b->raw);
    }
    for (int64_t l = 0; l < count; l++)
        lines[l] = !lines[l] ? constant_line(b) : to ? to + l * line_bytes : (const char *)lines[l] + first * task->dtype->size;
}

/* Whether some sample of the block's lines lies outside the array, so that they cannot be read in place. */
static int leaves_line(const block *b, const chunk *c)
{
    const cf_axis *col = &b->job->plan->task.shape.axis[2];
    int64_t first = b->col * col->stride + c->tap_col * col->dilation - col->lo;
    return first < 0 || first + (b->cols - 1) * col->stride + (c->tap_cols - 1) * col->dilation >= col->n;
}

/* Lines and planes of one slice (an input channel and a tap of the first axis); returns the planes' end. */
static cf_plane *add_slice(block *b, const chunk *c, int64_t slice, const void **lines, char *pack, cf_plane *plane)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *row = &s->axis[1];
    int64_t size = task->dtype->size, arith = task->dtype->arith_size, ci = slice, tap0 = cf_take_digit(&ci, s->axis[0].k);
    int64_t depth = cf_border_index(s->axis[0].boundary, b->depth * s->axis[0].stride + tap0 * s->axis[0].dilation - s->axis[0].lo,
                                    s->axis[0].n);
    if (depth < 0 && task->pads_with_zero)
        return plane;
    const char *x = (const char *)b->job->arrays->input +
                    (cf_x_at(s, b->batch, b->group, ci) + cf_max(depth, 0) * s->axis[0].xs) * size;
    int packs = t->packs || leaves_line(b, c);
    for (int64_t i = 0; i < t->row_classes && i < c->tap_rows; i++) {
        int64_t tap_rows = cf_ceil_div(c->tap_rows - i, t->row_classes), count = b->rows + tap_rows - 1;
        int64_t first = (b->phase + b->row * t->row_phases) * row->stride + (c->tap_row + i) * row->dilation - row->lo;
        for (int64_t l = 0; l < count; l++) {
            int64_t index = depth < 0 ? -1 : cf_border_index(row->boundary, first + (l ? l * t->row_gap : 0), row->n);
            lines[l] = index < 0 ? NULL : x + index * row->xs * size;
        }
        line_samples(b, c, lines, count, packs ? pack : NULL);
        pack += packs ? count * t->line * arith : 0;
        for (int64_t k = 0; k < t->col_classes && k < c->tap_cols; k++)
            *plane++ = (cf_plane){.lines = lines, .offset = k * t->sub_line, .step = t->col_step, .kh = tap_rows,
                                  .kw = cf_ceil_div(c->tap_cols - k, t->col_classes)};
        lines += count;
    }
    return plane;
}

/* Points the chunk's planes at the taps of one output channel. */
static void set_taps(const block *b, const chunk *c, int64_t co)
{
    const tiling *t = &b->job->t;
    const cf_task *task = &b->job->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    int64_t size = task->dtype->size, arith = task->dtype->arith_size;
    cf_plane *plane = b->planes;
    for (int64_t slice = c->slice; slice < c->slice + c->slices; slice++) {
        int64_t ci = slice, tap0 = cf_take_digit(&ci, a[0].k);
        if (task->pads_with_zero && cf_border_index(a[0].boundary, b->depth * a[0].stride + tap0 * a[0].dilation - a[0].lo, a[0].n) < 0)
            continue;
        const char *w = (const char *)b->job->arrays->kernel +
                        (cf_w_at(s, b->group, co, ci) + tap0 * a[0].ws + c->tap_row * a[1].ws + c->tap_col * a[2].ws) * size;
        int64_t unit = size, tap_row = a[1].ws, tap_col = a[2].ws;
        if (cf_converts(task->dtype)) {
            char *to = b->taps + (slice - c->slice) * t->tap_rows * t->tap_cols * arith;
            for (int64_t i = 0; i < c->tap_rows; i++)
                cf_widen(task->dtype, to + i * c->tap_cols * arith, w + i * tap_row * size, tap_col, c->tap_cols);
            w = to;
            unit = arith;
            tap_row = c->tap_cols;
            tap_col = 1;
        }
        for (int64_t i = 0; i < t->row_classes && i < c->tap_rows; i++)
            for (int64_t k = 0; k < t->col_classes && k < c->tap_cols; k++, plane++) {
                plane->taps = w + (i * tap_row + k * tap_col) * unit;
                plane->tap_row = t->row_classes * tap_row;
                plane->tap_col = t->col_classes * tap_col;
            }
    }
}

static void call_kernel(const block *b, int64_t planes, void *y, int64_t y_row, int flags)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = &b->job->plan->kernels->set[b->job->plan->task.dtype->arith];
    int64_t row_bytes = y_row * b->job->plan->task.dtype->arith_size;
    /* narrow blocks: many rows in one call, if it gives the same bits */
    const int same = t->tap_cols <= set->lanes && (planes <= CF_ROWS_PLANES || !b->job->plan->task.dtype->is_complex);
    if (!t->by_line || (same && b->cols < set->line_tile && b->rows > 1)) {
        set->rows(b->planes, planes, y, y_row, b->rows, b->cols, flags);
        return;
    }
    for (int64_t r = 0; r < b->rows; r++) {
        set->line(b->planes, planes, (char *)y + r * row_bytes, b->cols, flags);
        for (int64_t p = 0; p < planes; p++)
            b->planes[p].lines++;
    }
    for (int64_t p = 0; p < planes; p++)
        b->planes[p].lines -= b->rows;
}

static char *output_at(const block *b, int64_t co)
{
    const cf_shape *s = &b->job->plan->task.shape;
    return (char *)b->job->arrays->output +
           (cf_y_at(s, b->batch, b->group, co) + b->depth * s->axis[0].ys + (b->phase + b->row * b->job->t.row_phases) * s->axis[1].ys +
            b->col * s->axis[2].ys) * b->job->plan->task.dtype->size;
}

/* What was computed aside goes where it belongs. */
static void store_block(const block *b, int64_t co)
{
    const cf_dtype *dtype = b->job->plan->task.dtype;
    const cf_axis *a = b->job->plan->task.shape.axis;
    char *to = output_at(b, co);
    for (int64_t r = 0; r < b->rows; r++, to += b->job->t.row_phases * a[1].ys * dtype->size) {
        const char *from = b->y + r * b->cols * dtype->arith_size;
        if (cf_converts(dtype))
            cf_narrow(dtype, to, a[2].ys, from, b->cols);
        else
            cf_copy_strided(to, a[2].ys, from, 1, b->cols, dtype->size);
    }
}

static chunk chunk_at(const block *b, int64_t index)
{
    const tiling *t = &b->job->t;
    const cf_shape *s = &b->job->plan->task.shape;
    chunk c;
    c.tap_col = cf_take_digit(&index, t->col_chunks) * t->tap_cols;
    c.tap_row = cf_take_digit(&index, t->row_chunks) * t->tap_rows;
    c.slice = index * t->slices;
    c.tap_cols = cf_min(t->tap_cols, s->axis[2].k - c.tap_col);
    c.tap_rows = cf_min(t->tap_rows, s->axis[1].k - c.tap_row);
    c.slices = cf_min(t->slices, s->cin * s->axis[0].k - c.slice);
    return c;
}

/* The output channels [co, co_end) of a block, chunk after chunk; non-zero: asked to stop. */
static int sum_block(block *b, int64_t co, int64_t co_end)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = b->job->plan->task.shape.axis;
    int64_t chunks = t->slice_chunks * t->row_chunks * t->col_chunks, arith = b->job->plan->task.dtype->arith_size;
    int64_t y_row = t->aside ? b->cols : t->row_phases * a[1].ys;
    int started = 0;
    for (int64_t i = 0; i <= chunks; i++) {
        cf_plane *end = b->planes;
        chunk c = {0};
        if (i < chunks) {
            c = chunk_at(b, i);
            for (int64_t k = 0; k < c.slices; k++)
                end = add_slice(b, &c, c.slice + k, b->lines + k * t->lines, b->pack + k * t->lines * t->line * arith, end);
        }
        if (end == b->planes && (i < chunks || started))
            continue; /* nothing to add; but an empty sum, seen at the end, writes zeros */
        for (int64_t o = co; o < co_end; o++) {
            set_taps(b, &c, o);
            call_kernel(b, end - b->planes, t->aside ? b->y : output_at(b, o), y_row, b->flags | (started ? CF_ACCUMULATE : 0));
            if (t->aside && co_end - co > 1)
                store_block(b, o);
            if (cf_poll(b->worker, (double)(b->rows * b->cols * (c.slices * c.tap_rows * c.tap_cols + 1))))
                return 1;
        }
        started = 1;
    }
    if (t->aside && co_end - co == 1)
        store_block(b, co);
    return 0;
}

/* The narrow blocks at the ends come last: they find their samples in the cache, fetched by the long runs of the others. */
static void place_columns(block *b, int64_t index)
{
    const tiling *t = &b->job->t;
    int64_t m = b->job->plan->task.shape.axis[2].m, inner_end = m - t->right, inner = t->col_blocks - (t->left > 0) - (t->right > 0);
    if (index < inner) {
        b->col = t->left + index * t->cols;
        b->cols = cf_min(t->cols, inner_end - b->col);
    } else if (index == inner && t->left) {
        b->cols = t->left;
    } else {
        b->col = inner_end;
        b->cols = t->right;
    }
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    block b = {.job = j, .worker = worker};
    place_columns(&b, cf_take_digit(&index, t->col_blocks));
    /* narrow blocks lie beside what was just summed */
    b.flags = b.cols < t->cols ? j->flags & ~(CF_FAR | CF_FAR_OUTPUTS | CF_STREAM) : j->flags;
    b.row = cf_take_digit(&index, t->row_blocks) * t->rows;
    b.phase = cf_take_digit(&index, t->row_phases);
    b.depth = cf_take_digit(&index, s->axis[0].m);
    b.group = cf_take_digit(&index, s->groups);
    b.batch = index;
    b.rows = cf_min(t->rows, cf_ceil_div(s->axis[1].m - b.phase, t->row_phases) - b.row);
    if (b.rows <= 0)
        return;
    char *memory = worker->scratch;
    b.lines = (const void **)(void *)memory;
    b.planes = (cf_plane *)(void *)(memory += t->lines_bytes);
    b.taps = memory += t->planes_bytes;
    b.fill = memory += t->taps_bytes;
    b.pack = memory += t->fill_bytes;
    b.raw = memory += t->pack_bytes;
    b.y = memory + t->raw_bytes;
    /* One output channel at a time if partial sums wait in the one block of scratch memory. */
    int64_t together = t->aside && t->slice_chunks * t->row_chunks * t->col_chunks > 1 ? 1 : s->cout;
    for (int64_t co = 0; co < s->cout; co += together)
        if (sum_block(&b, co, co + together))
            return;
}

static int supports(const cf_task *task)
{
    return task->pass == CORRFAST_FORWARD && task->dtype->arith != CF_NO_ARITH;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    double cycles = cf_vector_cycles(task->dtype->arith), lanes = kernels->set[task->dtype->arith].lanes;
    const int64_t phases = cf_min(a[1].dilation / cf_gcd(a[1].stride, a[1].dilation), cf_max(a[1].m, 1)); /* whose rows share no lines */
    const int64_t high = cf_ceil_div(a[1].m, phases);
    double vectors = ceil((double)a[2].m / lanes) * (double)cf_min(high, 4);
    if (s->cin > 1) /* lines of many channels come from further away: half the speed, a third along single rows or in strides (Zen 4) */
        cycles *= a[1].m == 1 || a[2].stride > 1 ? 3 : 2.3;
    else if (s->groups > 1)
        cycles *= a[1].m == 1 ? 1.2 : 2; /* many planes, each with lines of its own to look at */
    else if (s->cout > 1)
        cycles *= 1.5;
    const double plane_taps = (double)a[0].k * (double)a[1].k * (double)a[2].k;
    if (s->groups * s->cin * s->cout == 1 && task->dtype->arith != CF_I32) /* long sums keep every unit busy */
        cycles *= 1 + (CF_DENSE - 1) * fmin(1, plane_taps / 128);
    else if (s->cin > 1 && plane_taps <= 4) /* planes of single taps: a third of the speed; of a few, half of it (Zen 4) */
        cycles *= plane_taps == 1 ? 3 : 2;
    if (a[0].k > 1)
        cycles *= s->cin > 1 ? 1.35 : 1.12;
    double tap = vectors < 8 ? fmax(CF_FMA_LATENCY, cycles * vectors) : cycles * vectors;
    if (task->is_gradient && a[0].m * a[1].m == 1 && task->dtype->is_float && vectors > 1) /* thousands of taps for a few vectors */
        tap = fmax(tap, 6.5 + 0.85 * vectors);
    double taps = (double)s->cin * plane_taps;
    double planes = (double)s->batch * (double)s->groups * (double)a[0].m;
    double tiles = planes * (double)s->cout * (double)phases * ceil((double)high / 4);
    if (task->is_gradient && a[1].m % 4 == 3) /* the last rows are two tiles, which take as long as one for each tap */
        tiles += 0.7 * planes * (double)s->cout;
    double lines = a[2].stride > 1 ? 60 * (double)a[1].k * (double)a[1].m : 0; /* packed */
    double looks = s->groups * s->cin > 1 ? planes * (double)a[0].k * (double)s->cin * (lines + 200) : 0;
    /* The lines of many channels, a few of each at a time: what fetches ahead by itself loses the thread. */
    const double apart = s->cin > 1 && cf_traffic_bytes(task) > CF_FAR_BYTES ? 2.5 : 1;
    return CF_CALL_SECONDS + (tiles * (taps * tap + 30) + looks) * CF_CYCLE + apart * cf_traffic_seconds(task);
}

static int64_t pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    tiling t;
    tile(plan, &t);
    return s->batch * s->groups * s->axis[0].m * t.row_phases * t.row_blocks * t.col_blocks;
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
    snprintf(text, size, "%s kernel, blocks of %lld x %lld outputs, lines %s", t.by_line ? "line" : "rows", (long long)t.rows,
             (long long)t.cols, t.packs ? "packed" : t.left || t.right ? "in place, padded at the ends" : t.pack_bytes ? "padded" : "in place");
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    job j; /* set field by field: clearing the tiling costs a small problem more than filling it */
    if (cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    j.plan = plan;
    j.arrays = arrays;
    tile(plan, &j.t);
    j.flags = (plan->task.far ? CF_FAR | CF_FAR_OUTPUTS : 0) |
              (j.t.streams || (!j.t.by_line && cf_traffic_bytes(&plan->task) > ALONG_BYTES) ? CF_STREAM : 0);
    if (plan->task.conjugate & CORRFAST_CONJ_INPUT)
        j.flags |= CF_CONJ_SAMPLES;
    if (plan->task.conjugate & CORRFAST_CONJ_KERNEL)
        j.flags |= CF_CONJ_TAPS;
    int64_t count = s->batch * s->groups * s->axis[0].m * j.t.row_phases * j.t.row_blocks * j.t.col_blocks;
    return cf_run_pieces(run, count, plan->seconds, scratch_of(&j.t), piece, &j);
}

const cf_method cf_method_direct = {
    .name = "direct", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .seconds = seconds,
    .scratch = scratch, .pieces = pieces, .describe = describe, .run = run,
};
