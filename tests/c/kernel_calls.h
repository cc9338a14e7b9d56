/* One call of one kernel: how it is drawn from the seed and laid out between inaccessible pages.  product_calls.h has gemm and what
 * prepares its operands. */
#ifndef CF_KERNEL_CALLS_H
#define CF_KERNEL_CALLS_H

#include "checker.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

enum { PLANES = 3, ROWS = 24, TAP_ROWS = 17, LINES = ROWS + TAP_ROWS - 1, OUTPUTS = 20, TERMS = 128, RUNS = 5 };
enum { SLOT_BYTES = 1 << 17 };

/* The first are sums; from gemm on, product_calls.h has them. */
enum kernel { KERNEL_ROWS, KERNEL_LINE, KERNEL_DOT, KERNEL_GEMM, KERNEL_COLUMNS, KERNEL_TAPS, KERNEL_IMAGE, KERNEL_SPREAD, KERNEL_IMAGE_TAPS,
              KERNEL_PANEL, KERNEL_TURN, KERNEL_FINITE, KERNEL_WINOGRAD, KERNEL_WEAVE, KERNEL_UNWEAVE, KERNEL_COUNT, LAST_SUM = KERNEL_IMAGE_TAPS };
static const char *const kernels[KERNEL_COUNT] = {"rows", "line", "dot", "gemm", "columns", "taps", "image", "spread", "image_taps", "panel", "turn",
                                                  "finite", "winograd", "weave", "unweave"};
/* check_fft.c checks the last ones, cf_kernel_set.fft. */
_Static_assert(offsetof(cf_kernel_set, fft) + sizeof(cf_fft) == sizeof(cf_kernel_set), "a kernel without a case");

static const struct arith {
    const char *name;
    size_t size; /* of a number; a complex sample has two */
    int parts, is_float;
    double eps, least; /* of floats: the rounding unit, and the smallest number above 0 */
} ariths[CF_ARITH_COUNT] = {
    [CF_I16] = {"i16", 2, 1, 0, 0, 0},
    [CF_I32] = {"i32", 4, 1, 0, 0, 0},
    [CF_I64] = {"i64", 8, 1, 0, 0, 0},
    [CF_F32] = {"f32", 4, 1, 1, FLT_EPSILON, 0x1p-149},
    [CF_F64] = {"f64", 8, 1, 1, DBL_EPSILON, 0x1p-1074},
    [CF_C64] = {"c64", 4, 2, 1, FLT_EPSILON, 0x1p-149},
    [CF_C128] = {"c128", 8, 2, 1, DBL_EPSILON, 0x1p-1074},
};

enum fill { INTEGERS, ZEROS, ALTERNATING, ONE_HOT, EXTREMES, DENORMALS, RANDOM, ONE_NAN, ONE_INF, FILL_COUNT };
static const char *const fills[FILL_COUNT] = {"integers", "zeros", "alternating", "one-hot", "huge and tiny",
                                              "denormals", "random", "one NaN", "one Inf"};

/* One call of one kernel.  `rows` counts output rows; for dot and taps, the rows of a sum; for turn and weave, the rows that become columns. */
typedef struct call {
    enum kernel kernel;
    cf_arith arith;
    enum fill fill;
    int flags, at_end;
    int64_t planes, rows, n, y_row, outputs;
    cf_plane plane[PLANES]; /* of dot, only plane[0]'s offset and step; of taps, its taps and tap_row are g and g_row */
    int64_t count, at[TERMS], b_at[TERMS], run_count; /* of gemm, taps, panel and turn; `at` is a_at of gemm */
    cf_run_part runs[RUNS];
    int kind;         /* of winograd, which makes `rows` rows from `count` with room for `outputs` in each; of gemm, see there */
    int64_t from_row; /* of winograd and weave; x_row of taps; b_row of gemm */
    cf_image image;   /* of image, spread and image_taps, whose first row of outputs is `first` */
    int64_t first;
    int64_t tap_rows, tap_cols; /* of taps, whose `at` they make; a_step of gemm */
    const void *lines[PLANES][LINES], *tap_lines[LINES]; /* lines[0]: also b of gemm, x of taps, what others copy from; tap_lines: also a */
    size_t y_bytes;
    void *y;
    struct { const char *block; size_t bytes; } input[PLANES * LINES + LINES]; /* everything else that the kernel reads */
    int inputs;
} call;

static guarded line_slot[PLANES][LINES], tap_slot[LINES], y_slot;

/* Whether there is one row of outputs, each a sum over all rows. */
static int sums_rows(enum kernel kernel) { return kernel == KERNEL_DOT || kernel == KERNEL_TAPS || kernel == KERNEL_IMAGE_TAPS; }

/* Whether the scalar table lacks it. */
static int is_image(enum kernel kernel) { return kernel >= KERNEL_IMAGE && kernel <= KERNEL_IMAGE_TAPS; }

static size_t sample_size(const call *c) { return ariths[c->arith].size * (size_t)ariths[c->arith].parts; }

static int64_t whole_vectors(int64_t n, int lanes) { return (n + lanes - 1) / lanes * lanes; }

/* ---- data ------------------------------------------------------------------------------------------------------------------ */

static void put(cf_arith arith, void *to, double value)
{
    switch (arith) {
    case CF_F32: case CF_C64: *(float *)to = (float)value; break;
    default: *(double *)to = value;
    }
}

static uint64_t integer(size_t size, const void *from)
{
    return size == 2 ? *(const uint16_t *)from : size == 4 ? *(const uint32_t *)from : *(const uint64_t *)from;
}

static double get(cf_arith arith, const void *from)
{
    return arith == CF_F32 || arith == CF_C64 ? (double)*(const float *)from : *(const double *)from;
}

static double random_float(const struct arith *a, enum fill fill, int is_tap, int64_t i)
{
    double integer = (double)random_between(&source, -4, 4), scale = a->size == 4 ? 1e15 : 1e140;
    switch (fill) {
    case ZEROS: return is_tap ? integer : random_bits(&source) % 2 ? 0.0 : -0.0;
    case ALTERNATING: return is_tap ? integer : i % 2 ? 1 : -1;
    case ONE_HOT: return is_tap ? integer : 0;
    case EXTREMES: return integer / 7 * (double[]){1, scale, 1 / scale}[random_bits(&source) % 3];
    case DENORMALS: return is_tap ? integer : integer * a->least;
    case RANDOM: return (double)(int64_t)random_bits(&source) * 0x1p-62;
    default: return integer;
    }
}

static void fill_number(const call *c, void *to, int is_tap, int64_t i)
{
    const struct arith *a = &ariths[c->arith];
    if (a->is_float) {
        put(c->arith, to, random_float(a, c->fill, is_tap, i));
        return;
    }
    uint64_t bits = random_bits(&source), top = (uint64_t)1 << (8 * a->size - 1);
    if (c->fill == ZEROS || (c->fill == ONE_HOT && !is_tap))
        bits = 0;
    else if (c->fill == EXTREMES)
        bits = bits % 2 ? top : top - 1;
    switch (a->size) { /* not a copy of the first bytes: they are the low ones on little-endian machines only */
    case 2: *(uint16_t *)to = (uint16_t)bits; break;
    case 4: *(uint32_t *)to = (uint32_t)bits; break;
    default: *(uint64_t *)to = bits;
    }
}

static void fill_sample(const call *c, char *to, int is_tap, int64_t i)
{
    for (int part = 0; part < ariths[c->arith].parts; part++)
        fill_number(c, to + (size_t)part * ariths[c->arith].size, is_tap, i);
}

static char *place_input(call *c, const guarded *slot, size_t bytes)
{
    char *block = guarded_block(slot, bytes, c->at_end);
    c->input[c->inputs].block = block;
    c->input[c->inputs++].bytes = bytes;
    return block;
}

/* `count` samples in the slot, each filled; where element 0 is, if `first` is the index of the lowest. */
static const void *place_samples(call *c, const guarded *slot, int64_t first, int64_t count)
{
    size_t size = sample_size(c);
    char *block = place_input(c, slot, (size_t)count * size);
    for (int64_t i = 0; i < count; i++)
        fill_sample(c, block + (size_t)i * size, 0, i);
    return block - first * (int64_t)size;
}

/* The same without samples: all NaN, or a pattern for integers, which spoils a sum that reads between those that come here. */
static char *place_gaps(call *c, const guarded *slot, int64_t first, int64_t count)
{
    size_t size = sample_size(c), bytes = (size_t)count * size;
    char *block = place_input(c, slot, bytes);
    memset(block, GUARDED_PATTERN, bytes);
    for (char *at = block; ariths[c->arith].is_float && at < block + bytes; at += ariths[c->arith].size)
        put(c->arith, at, NAN);
    return block - first * (int64_t)size;
}

static const void *place_taps(call *c, const guarded *slot, const cf_plane *p)
{
    size_t size = sample_size(c);
    int64_t row = (p->kh - 1) * p->tap_row, col = (p->kw - 1) * p->tap_col;
    int64_t low = (row < 0 ? row : 0) + (col < 0 ? col : 0), high = (row > 0 ? row : 0) + (col > 0 ? col : 0);
    char *zero = place_gaps(c, slot, low, high - low + 1);
    for (int64_t i = 0; i < p->kh; i++)
        for (int64_t j = 0; j < p->kw; j++)
            fill_sample(c, zero + (i * p->tap_row + j * p->tap_col) * (int64_t)size, 1, i * p->kw + j);
    return zero;
}

static void place_outputs(call *c, size_t bytes)
{
    c->y_bytes = bytes;
    c->y = guarded_place(&y_slot, bytes, c->at_end);
    if (c->flags & CF_ACCUMULATE)
        for (size_t at = 0; at < bytes; at += sample_size(c))
            fill_sample(c, (char *)c->y + at, 0, (int64_t)at);
}

static int wants_special(const call *c) { return c->fill == ONE_HOT || c->fill == ONE_NAN || c->fill == ONE_INF; }

/* One number becomes special: 1 for ONE_HOT, else NaN or Inf; of sample `index`. */
static void make_special(const call *c, const void *in, int64_t index)
{
    const struct arith *a = &ariths[c->arith];
    uintptr_t at = (uintptr_t)in + (uintptr_t)(index * (int64_t)sample_size(c));
    if (random_bits(&source) % 2)
        at += (size_t)(a->parts - 1) * a->size;
    if (a->is_float)
        put(c->arith, (void *)at, c->fill == ONE_HOT ? 1 : c->fill == ONE_NAN ? NAN : -INFINITY);
    else
        memset((void *)at, 1, a->size);
}

/* Any number that the call reads: a sample, a tap, or what it adds to. */
static void place_special(call *c)
{
    const cf_plane *p = &c->plane[c->planes ? random_between(&source, 0, c->planes - 1) : 0];
    int dot = c->kernel == KERNEL_DOT, where = c->fill == ONE_HOT ? 0 : (int)random_between(&source, 0, 3);
    int64_t lines = dot ? c->rows : p->kh + c->rows - 1, index;
    const void *in;
    if (!wants_special(c) || !c->planes || !lines)
        return;
    if (where == 3 && c->flags & CF_ACCUMULATE) {
        in = c->y;
        index = random_between(&source, 0, (int64_t)(c->y_bytes / sample_size(c)) - 1);
    } else if (where == 2 && dot) {
        in = c->tap_lines[random_between(&source, 0, lines - 1)];
        index = random_between(&source, 0, c->n - 1);
    } else if (where == 2) {
        in = p->taps;
        index = random_between(&source, 0, p->kh - 1) * p->tap_row + random_between(&source, 0, p->kw - 1) * p->tap_col;
    } else {
        in = c->lines[p - c->plane][random_between(&source, 0, lines - 1)];
        index = p->offset + random_between(&source, 0, c->n - 1 + (dot ? c->outputs - 1 : p->kw - 1) * p->step);
    }
    make_special(c, in, index);
}

/* ---- cases ----------------------------------------------------------------------------------------------------------------- */

/* Around the lanes, and around one and two of the widest tiles. */
static int64_t draw_length(int lanes)
{
    int64_t vectors = PICK(0, 1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 16, 17, 20, 21, 25, 31, 32, 33, 39, 49);
    int64_t n = vectors * lanes + PICK(-1, 0, 0, 1, random_between(&source, 0, lanes - 1));
    return n < 1 ? 1 : n;
}

static void draw_rows(call *c, const cf_kernel_set *set)
{
    c->planes = PICK(0, 1, 1, 1, 1, 2, 3);
    c->rows = random_between(&source, 1, ROWS);
    c->n = draw_length(set->lanes);
    for (int64_t p = 0; p < c->planes; p++) {
        cf_plane *plane = &c->plane[p];
        plane->kh = random_between(&source, 1, TAP_ROWS);
        plane->kw = PICK(1, 2, 3, 3, 4, 5, 7, 9, 17);
        plane->step = PICK(1, 1, 1, 2, 3, 7, 13);
    }
}

static void draw_line(call *c, const cf_kernel_set *set)
{
    c->planes = PICK(0, 1, 1, 1, 2, 3);
    c->rows = 1;
    c->n = draw_length(set->lanes);
    for (int64_t p = 0; p < c->planes; p++) {
        c->plane[p].kh = c->plane[p].step = 1;
        c->plane[p].kw = PICK(1, 2, set->lanes > 1 ? set->lanes - 1 : 1, set->lanes, set->lanes + 1, 2 * set->lanes + 1,
                              4 * set->lanes, 5 * set->lanes + 3, 8 * set->lanes, 9 * set->lanes + 1, random_between(&source, 1, 6 * set->lanes));
    }
}

static void draw_dot(call *c, const cf_kernel_set *set)
{
    c->planes = 1;
    c->rows = random_between(&source, 0, ROWS);
    c->n = draw_length(set->lanes);
    c->outputs = random_between(&source, 1, OUTPUTS);
    c->plane[0].step = PICK(1, 1, 2, 3, 7, 13);
}

static void place(call *c)
{
    for (int64_t p = 0; p < c->planes; p++) {
        cf_plane *plane = &c->plane[p];
        plane->offset = PICK(0, 0, 1, 5, 11);
        plane->lines = c->lines[p];
        if (c->kernel == KERNEL_DOT) {
            for (int64_t r = 0; r < c->rows; r++) {
                c->lines[p][r] = place_samples(c, &line_slot[p][r], plane->offset, c->n + (c->outputs - 1) * plane->step);
                cf_plane row = {.kh = 1, .kw = c->n, .tap_col = 1};
                c->tap_lines[r] = place_taps(c, &tap_slot[r], &row);
            }
            continue;
        }
        plane->tap_col = PICK(1, 1, -1, 2, 7, -3);
        int64_t width = plane->kw * llabs(plane->tap_col);
        plane->tap_row = PICK(width, width, -width, width + 2, 1 - 2 * width);
        plane->taps = place_taps(c, &tap_slot[p], plane);
        for (int64_t i = 0; i < plane->kh + c->rows - 1; i++)
            c->lines[p][i] = place_samples(c, &line_slot[p][i], plane->offset, c->n + (plane->kw - 1) * plane->step);
    }
    c->y_row = c->n + PICK(0, 1, 7, 13);
    place_outputs(c, (size_t)(c->kernel == KERNEL_DOT ? c->outputs : (c->rows - 1) * c->y_row + c->n) * sample_size(c));
    place_special(c);
}

#endif
