/* Calls of gemm, of taps and of what prepares operands and sums, and what these should give; then how any kernel is called. */
#ifndef CF_PRODUCT_CALLS_H
#define CF_PRODUCT_CALLS_H

#include "transforms.h"

enum { DRAWN_TERMS = 48 };

/* ---- sizes and offsets ----------------------------------------------------------------------------------------------------- */

/* Steps of `usual` or others, backward and none too, with breaks: rows that overlap, that repeat and that lie apart. */
static void draw_offsets(int64_t *at, int64_t count, int64_t usual)
{
    int64_t step = PICK(usual, usual, 1, 1, 2, 7, 0, -1, -13), unbroken = PICK(1, 3, 9, 1000);
    at[0] = PICK(0, 0, 5, -11);
    for (int64_t k = 1; k < count; k++)
        at[k] = at[k - 1] + (random_between(&source, 0, unbroken) ? step : random_between(&source, -40, 40));
}

enum { PACKED = 1, WINDOWS = 2 }; /* kinds of gemm: without a table of a, with one of b */

static void draw_gemm(call *c, const cf_kernel_set *set)
{
    int64_t cols = set->gemm_cols, any = random_between(&source, 1, cols);
    c->rows = random_between(&source, 1, PICK(set->gemm_rows, ROWS));
    c->n = PICK(any, any, any, 1, cols, cols - 1, set->lanes, 2 * set->lanes);
    c->count = PICK(0, 1, 2, 3, random_between(&source, 1, DRAWN_TERMS));
    c->kind = (int)random_between(&source, 0, PACKED | WINDOWS);
    c->tap_cols = c->rows + PICK(0, 0, 1, 11);
    c->from_row = PICK(cols, cols, c->n, c->n + 13, 1, 0, -cols);
    draw_offsets(c->at, c->count, set->gemm_rows);
    draw_offsets(c->b_at, c->count, cols);
    for (int64_t k = 0; k < c->count; k++) {
        c->at[k] = c->kind & PACKED ? k * c->tap_cols : c->at[k];
        c->b_at[k] = c->kind & WINDOWS ? c->b_at[k] : k * c->from_row;
    }
}

/* Rows around the lanes, terms around those that are summed at once. */
static void draw_columns(call *c, const cf_kernel_set *set)
{
    c->rows = random_between(&source, 1, PICK(set->lanes, ROWS));
    c->n = random_between(&source, 1, 4);
    c->count = PICK(0, 1, 2, 3, 4, 5, random_between(&source, 1, DRAWN_TERMS));
    c->kind = PACKED;
    c->tap_cols = c->rows + PICK(0, 0, 1, 11);
    c->from_row = PICK(set->gemm_cols, c->n, c->n + 13, 1, 0, -c->n);
    for (int64_t k = 0; k < c->count; k++) {
        c->at[k] = k * c->tap_cols;
        c->b_at[k] = k * c->from_row;
    }
}

/* Around the lanes, which a sum goes along, and around the taps that are summed at once; rows that overlap, repeat and go backward. */
static void draw_taps(call *c, const cf_kernel_set *set)
{
    const int64_t lanes = set->lanes;
    c->rows = PICK(0, 1, 2, random_between(&source, 1, ROWS));
    c->n = PICK(1, lanes, 3 * lanes, random_between(&source, 1, 6 * lanes));
    c->tap_rows = random_between(&source, 1, 6);
    c->tap_cols = random_between(&source, 1, 6);
    c->outputs = c->count = c->tap_rows * c->tap_cols;
    c->from_row = PICK(c->n, c->n + 1, c->n + 13, 1, 0, -c->n - 3);
    c->plane[0].step = PICK(1, 1, 2, 7, 0, -1);
    c->plane[0].tap_row = PICK(c->n, c->n, c->n + 1, c->n + 13, 0, -c->n - 2);
    for (int64_t t = 0; t < c->count; t++)
        c->at[t] = t / c->tap_cols * c->from_row + t % c->tap_cols * c->plane[0].step;
}

static void draw_panel(call *c, const cf_kernel_set *set)
{
    const int lanes = set->lanes;
    c->count = random_between(&source, 1, DRAWN_TERMS);
    draw_offsets(c->at, c->count, 61);
    c->run_count = PICK(1, 1, 2, 3, RUNS);
    c->n = PICK(0, 0, 0, 1, lanes, 5); /* columns before the first run; then, of all */
    for (int64_t p = 0; p < c->run_count; p++) {
        int64_t n = PICK(1, lanes, lanes + 1, 2 * lanes, set->gemm_cols, random_between(&source, 1, 2 * lanes));
        c->runs[p] = (cf_run_part){.from = random_between(&source, -50, 50), .to = c->n, .n = n};
        c->n += n;
    }
    c->y_row = c->n + PICK(0, 0, 1, lanes - 1, lanes, random_between(&source, 0, 3 * lanes));
}

static void draw_turn(call *c, const cf_kernel_set *set)
{
    c->rows = random_between(&source, 1, PICK(2 * set->gemm_rows, LINES));
    c->count = random_between(&source, 1, DRAWN_TERMS);
    draw_offsets(c->at, c->count, 1);
    c->y_row = c->rows + PICK(0, 0, 1, 7);
}

/* Every way that a place can have among the vectors that finite adds up at once. */
static void draw_finite(call *c, const cf_kernel_set *set) { c->n = random_between(&source, 1, 9 * set->lanes); }

static void draw_winograd(call *c, const cf_kernel_set *set)
{
    const int64_t lanes = set->lanes;
    draw_transform(c);
    c->n = PICK(1, lanes, 3 * lanes, random_between(&source, 1, 4 * lanes));
    c->from_row = c->n + PICK(0, 0, 1, lanes, 13);
    c->y_row = c->n + PICK(0, 0, 1, lanes, 13);
    c->outputs = PICK(c->n, c->y_row); /* room */
    const int backward = (int)random_between(&source, 0, 1);
    for (int64_t k = 0; k < c->count; k++)
        c->at[k] = (backward ? c->count - 1 - k : k) * c->from_row;
}

static void draw_weave(call *c, const cf_kernel_set *set)
{
    c->rows = PICK(1, 2, 3, 4);
    c->n = random_between(&source, 1, 5 * set->lanes);
    c->from_row = c->n + PICK(0, 0, 1, 13);
    c->y_row = c->n;
}

static void draw_unweave(call *c, const cf_kernel_set *set)
{
    c->rows = PICK(1, 2, 3, 4);
    c->n = c->from_row = random_between(&source, 1, 5 * set->lanes);
    c->y_row = c->n + PICK(0, 0, 1, 13);
}

static void finish_image(call *c)
{
    cf_image *im = &c->image;
    im->rows = im->rows < 1 ? 1 : im->rows;
    im->cols = im->cols < 1 ? 1 : im->cols;
    im->x_row = im->cols + PICK(0, 0, 1, 13);
    im->tap_col = PICK(1, 1, -1, 2, 7, -3);
    const int64_t width = im->kw * llabs(im->tap_col);
    im->tap_row = PICK(width, width, -width, width + 2, 1 - 2 * width);
    c->y_row = c->n + PICK(0, 0, 1, 7);
}

/* Windows reach beyond the image, or stay away from its ends, on every side. */
static void draw_image(call *c, const cf_kernel_set *set)
{
    cf_image *im = &c->image;
    im->stride = (int)random_between(&source, 1, 2);
    im->kh = (int)random_between(&source, 2, c->kernel == KERNEL_IMAGE_TAPS && im->stride == 1 ? 3 : CF_IMAGE_TAPS);
    im->kw = (int)random_between(&source, 1, CF_IMAGE_TAPS);
    im->top = random_between(&source, -3, im->kh + 2);
    im->left = random_between(&source, -3, set->lanes);
    c->rows = random_between(&source, 1, ROWS);
    c->n = random_between(&source, 1, 9 * set->lanes);
    c->first = PICK(0, 0, 1, 5);
    const int64_t lines = im->stride * (c->first + c->rows - 1) + im->kh - im->top, cols = im->stride * (c->n - 1) + im->kw - im->left;
    im->rows = lines - random_between(&source, -3, im->kh + 3);
    im->cols = cols - random_between(&source, -3, set->lanes);
    finish_image(c);
}

/* As few rows as there may be. */
static void draw_image_taps(call *c, const cf_kernel_set *set)
{
    draw_image(c, set);
    c->outputs = c->image.kh * c->image.kw;
    c->rows = PICK(1, 2, 3, c->rows, c->rows);
}

static void draw_spread(call *c, const cf_kernel_set *set)
{
    cf_image *im = &c->image;
    im->stride = 2;
    im->kh = (int)random_between(&source, 1, CF_IMAGE_TAPS);
    im->kw = (int)random_between(&source, 1, CF_IMAGE_TAPS);
    im->top = random_between(&source, -3, im->kh + 2);
    im->left = random_between(&source, 0, 2 * set->lanes);
    c->rows = random_between(&source, 1, ROWS);
    c->n = random_between(&source, 1, 18 * set->lanes);
    c->first = PICK(0, 0, 1, 5);
    im->rows = (c->first + c->rows + im->top) / 2 - random_between(&source, -3, 4);
    im->cols = (c->n + im->left + 1) / 2 - random_between(&source, -3, set->lanes - 1);
    finish_image(c);
}

/* ---- places ---------------------------------------------------------------------------------------------------------------- */

/* The lowest and the highest of count > 0 offsets. */
static void span_of(const int64_t *at, int64_t count, int64_t *low, int64_t *high)
{
    *low = *high = at[0];
    for (int64_t k = 1; k < count; k++) {
        *low = at[k] < *low ? at[k] : *low;
        *high = at[k] > *high ? at[k] : *high;
    }
}

/* Rows of n samples at the offsets, where `readable` may be read; what lies between and behind them has no part in any sum. */
static const void *place_table(call *c, const guarded *slot, const int64_t *at, int64_t n, int64_t readable, int is_tap)
{
    int64_t low, high, size = (int64_t)sample_size(c);
    span_of(at, c->count, &low, &high);
    char *zero = place_gaps(c, slot, low, c->count ? high - low + readable : 0);
    for (int64_t k = 0; k < c->count; k++)
        for (int64_t i = 0; i < n; i++)
            fill_sample(c, zero + (at[k] + i) * size, is_tap, k + i);
    return zero;
}

/* A number of gemm's or taps' becomes special: of the sample, of the tap, or of what is added to. */
static void place_special_product(call *c, const void *x, int64_t x_at, const void *taps, int64_t tap_at, int64_t y_at)
{
    int where = c->fill == ONE_HOT ? 0 : (int)random_between(&source, 0, 3);
    if (!wants_special(c))
        return;
    if (where == 3 && c->flags & CF_ACCUMULATE)
        make_special(c, c->y, y_at);
    else if (where == 2)
        make_special(c, taps, tap_at);
    else
        make_special(c, x, x_at);
}

static void place_gemm(call *c, const cf_kernel_set *set)
{
    c->lines[0][0] = place_table(c, &line_slot[0][0], c->b_at, c->n, whole_vectors(c->n, set->lanes), 0);
    for (int64_t r = 0; r < c->rows; r++)
        c->tap_lines[r] = !(c->kind & PACKED) ? place_table(c, &tap_slot[r], c->at, 1, 1, 1)
                          : r == 0 ? place_table(c, &tap_slot[0], c->at, c->rows,
                                                 c->kernel == KERNEL_GEMM ? c->rows : whole_vectors(c->rows, set->lanes), 1)
                                   : (const char *)c->tap_lines[0] + r * (int64_t)sample_size(c);
    c->y_row = c->n + PICK(0, 1, 7, 13);
    place_outputs(c, (size_t)((c->rows - 1) * c->y_row + c->n) * sample_size(c));
    int64_t k = c->count ? random_between(&source, 0, c->count - 1) : 0, row = random_between(&source, 0, c->rows - 1);
    int64_t col = random_between(&source, 0, c->n - 1);
    if (c->count)
        place_special_product(c, c->lines[0][0], c->b_at[k] + col, c->tap_lines[row], c->at[k], row * c->y_row + col);
}

/* g and x hold nothing but what some product takes; the rest has no part in any sum. */
static void place_gradient(call *c)
{
    cf_plane *g = &c->plane[0];
    int64_t low, high, size = (int64_t)sample_size(c), down = (c->rows - 1) * c->from_row;
    g->kh = c->rows;
    g->kw = c->n;
    g->tap_col = 1;
    g->taps = place_taps(c, &tap_slot[0], g);
    span_of(c->at, c->count, &low, &high);
    low += down < 0 ? down : 0;
    high += down > 0 ? down : 0;
    char *x = place_gaps(c, &line_slot[0][0], low, c->rows ? high - low + c->n : 0);
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t t = 0; t < c->count; t++)
            for (int64_t i = 0; i < c->n; i++)
                fill_sample(c, x + (r * c->from_row + c->at[t] + i) * size, 0, r + t + i);
    c->lines[0][0] = x;
    place_outputs(c, (size_t)c->count * sample_size(c));
    int64_t t = random_between(&source, 0, c->count - 1), row = c->rows ? random_between(&source, 0, c->rows - 1) : 0;
    int64_t col = random_between(&source, 0, c->n - 1);
    if (c->rows)
        place_special_product(c, x, row * c->from_row + c->at[t] + col, g->taps, row * g->tap_row + col, t);
}

/* Rows of samples [first, end) around each offset, to be copied. */
static void place_sources(call *c, int64_t rows, int64_t first, int64_t end)
{
    int64_t low, high;
    span_of(c->at, c->count, &low, &high);
    for (int64_t r = 0; r < rows; r++)
        c->lines[0][r] = place_samples(c, &line_slot[0][r], low + first, high - low + end - first);
}

static void place_copies(call *c)
{
    int64_t first = 0, end = 1;
    c->flags &= ~CF_ACCUMULATE;
    if (c->kernel == KERNEL_PANEL) {
        first = c->runs[0].from;
        end = first + c->runs[0].n;
    }
    for (const cf_run_part *p = c->runs; p < c->runs + c->run_count; p++) {
        first = p->from < first ? p->from : first;
        end = p->from + p->n > end ? p->from + p->n : end;
    }
    place_sources(c, c->kernel == KERNEL_TURN ? c->rows : 1, first, end);
    place_outputs(c, (size_t)((c->count - 1) * c->y_row + (c->kernel == KERNEL_TURN ? c->rows : c->y_row)) * sample_size(c));
}

/* y[i] is whether samples [i, n) are finite, i <= n: a NaN comes at every distance from the start. */
static void place_finite(call *c)
{
    c->flags &= ~CF_ACCUMULATE;
    c->lines[0][0] = place_samples(c, &line_slot[0][0], 0, c->n);
    if (wants_special(c))
        make_special(c, c->lines[0][0], random_between(&source, 0, c->n - 1));
    place_outputs(c, (size_t)c->n + 1);
}

/* Rows of n samples, of which the last may be read as far as `readable`. */
static void place_rows(call *c, int64_t rows, int64_t readable)
{
    const int64_t size = (int64_t)sample_size(c);
    char *from = place_gaps(c, &line_slot[0][0], 0, (rows - 1) * c->from_row + readable);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < c->n; i++)
            fill_sample(c, from + (r * c->from_row + i) * size, 0, r + i);
    if (wants_special(c))
        make_special(c, from, random_between(&source, 0, rows - 1) * c->from_row + random_between(&source, 0, c->n - 1));
    c->lines[0][0] = from;
    c->flags &= ~CF_ACCUMULATE;
}

static void place_winograd(call *c)
{
    place_rows(c, c->count, c->n);
    place_outputs(c, (size_t)((c->rows - 1) * c->y_row + c->outputs) * sample_size(c));
}

static void place_weave(call *c)
{
    place_rows(c, c->rows, c->n);
    place_outputs(c, (size_t)((c->rows - 1) * c->y_row + c->n) * sample_size(c));
}

/* NaN and Inf are samples, not taps: whoever calls sees to those. */
static void place_image(call *c)
{
    cf_image *im = &c->image;
    const int64_t size = (int64_t)sample_size(c);
    const cf_plane taps = {.kh = im->kh, .kw = im->kw, .tap_row = im->tap_row, .tap_col = im->tap_col};
    char *x = place_gaps(c, &line_slot[0][0], 0, (im->rows - 1) * im->x_row + im->cols);
    for (int64_t r = 0; r < im->rows; r++)
        for (int64_t i = 0; i < im->cols; i++)
            fill_sample(c, x + (r * im->x_row + i) * size, 0, r + i);
    if (wants_special(c))
        make_special(c, x, random_between(&source, 0, im->rows - 1) * im->x_row + random_between(&source, 0, im->cols - 1));
    im->x = x;
    if (c->kernel == KERNEL_IMAGE_TAPS) { /* g for taps */
        const cf_plane g = {.kh = c->rows, .kw = c->n, .tap_row = c->y_row, .tap_col = 1};
        c->plane[0].taps = place_taps(c, &tap_slot[0], &g);
        place_outputs(c, (size_t)c->outputs * sample_size(c));
        return;
    }
    im->taps = place_taps(c, &tap_slot[0], &taps);
    c->flags &= ~CF_ACCUMULATE;
    place_outputs(c, (size_t)((c->rows - 1) * c->y_row + c->n) * sample_size(c));
}

/* ---- what should be there -------------------------------------------------------------------------------------------------- */

static int all_finite(const call *c, const char *sample)
{
    const struct arith *a = &ariths[c->arith];
    for (int part = 0; a->is_float && part < a->parts; part++)
        if (!isfinite(get(c->arith, sample + (size_t)part * a->size)))
            return 0;
    return 1;
}

/* Writes to y what the kernel should; returns how many bytes `got` has otherwise, but for those that panel may overwrite. */
static int64_t copies_differ(const cf_kernel_set *set, const call *c, const char *got, char *y)
{
    const int64_t size = (int64_t)sample_size(c);
    const char *from = c->lines[0][0];
    for (int64_t k = 0; k < c->count; k++) {
        char *row = y + k * c->y_row * size;
        for (int64_t r = 0; c->kernel == KERNEL_TURN && r < c->rows; r++)
            memcpy(row + r * size, (const char *)c->lines[0][r] + c->at[k] * size, (size_t)size);
        for (const cf_run_part *p = c->runs; p < c->runs + c->run_count; p++) {
            int64_t free = p->to + whole_vectors(p->n, set->lanes), free_end = (free < c->y_row ? free : c->y_row) * size;
            memcpy(row + p->to * size, got + (row - y) + p->to * size, (size_t)(free_end - p->to * size));
            memcpy(row + p->to * size, from + (c->at[k] + p->from) * size, (size_t)(p->n * size));
        }
    }
    if (c->kernel == KERNEL_FINITE) {
        y[c->n] = 1;
        for (int64_t i = c->n; i-- > 0;)
            y[i] = (char)(y[i + 1] && all_finite(c, from + i * size));
    }
    for (int64_t i = 0; c->kernel == KERNEL_WEAVE && i < c->n * c->rows; i++)
        memcpy(y + i * size, from + (i % c->rows * c->from_row + i / c->rows) * size, (size_t)size);
    for (int64_t i = 0; c->kernel == KERNEL_UNWEAVE && i < c->rows * c->n; i++)
        memcpy(y + (i % c->rows * c->y_row + i / c->rows) * size, from + i * size, (size_t)size);
    int64_t wrong = 0;
    for (size_t b = 0; b < c->y_bytes; b++)
        wrong += got[b] != y[b];
    return wrong;
}

/* ---- calls of any kernel --------------------------------------------------------------------------------------------------- */

static void place_call(call *c, const cf_kernel_set *set)
{
    switch (c->kernel) {
    case KERNEL_GEMM: case KERNEL_COLUMNS: place_gemm(c, set); break;
    case KERNEL_TAPS: place_gradient(c); break;
    case KERNEL_IMAGE: case KERNEL_SPREAD: case KERNEL_IMAGE_TAPS: place_image(c); break;
    case KERNEL_PANEL: case KERNEL_TURN: place_copies(c); break;
    case KERNEL_FINITE: place_finite(c); break;
    case KERNEL_WINOGRAD: place_winograd(c); break;
    case KERNEL_WEAVE: case KERNEL_UNWEAVE: place_weave(c); break;
    default: place(c);
    }
}

static void draw_call(call *c, const cf_kernel_set *set)
{
    static void (*const draw[KERNEL_COUNT])(call *, const cf_kernel_set *) = {
        draw_rows, draw_line, draw_dot, draw_gemm, draw_columns, draw_taps, draw_image, draw_spread, draw_image_taps, draw_panel, draw_turn,
        draw_finite, draw_winograd, draw_weave, draw_unweave};
    draw[c->kernel](c, set);
    place_call(c, set);
}

/* Whether the set has the kernel; *right: whether it should be so. */
static int has_kernel(const cf_kernel_set *set, enum kernel kernel, cf_arith arith, int *right)
{
    const int is_real_float = ariths[arith].is_float && ariths[arith].parts == 1;
    int has = 1;
    *right = 1;
    switch (kernel) {
    case KERNEL_WINOGRAD: has = set->winograd != NULL; break;
    case KERNEL_COLUMNS: has = set->columns != NULL; break;
    case KERNEL_WEAVE: has = set->weave != NULL; break;
    case KERNEL_UNWEAVE: has = set->unweave != NULL; break;
    case KERNEL_IMAGE: case KERNEL_SPREAD: case KERNEL_IMAGE_TAPS:
        has = kernel == KERNEL_IMAGE ? set->image != NULL : kernel == KERNEL_SPREAD ? set->spread != NULL : set->image_taps != NULL;
        *right = has == (is_real_float && set->lanes * (int)ariths[arith].size >= 32); /* AVX2 and AVX-512 load vectors in part */
        return has;
    default: return has;
    }
    *right = has == is_real_float;
    return has;
}

/* FNV-1a over the inputs: a kernel must leave them alone. */
static uint64_t hash_inputs(const call *c)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < c->inputs; i++)
        for (size_t b = 0; b < c->input[i].bytes; b++)
            hash = (hash ^ (unsigned char)c->input[i].block[b]) * 0x100000001b3u;
    return hash;
}

static void run(const cf_kernel_set *set, const call *c, char *y)
{
    const int64_t size = (int64_t)sample_size(c), step = set->gemm_cols;
    const char *from = c->lines[0][0];
    switch (c->kernel) {
    case KERNEL_ROWS: set->rows(c->plane, c->planes, y, c->y_row, c->rows, c->n, c->flags); break;
    case KERNEL_LINE: set->line(c->plane, c->planes, y, c->n, c->flags); break;
    case KERNEL_GEMM: /* the scalar tiles are less wide than those that calls are drawn for */
        for (int64_t i = 0; i < c->n; i += step)
            set->gemm(c->tap_lines, c->kind & PACKED ? NULL : c->at, c->tap_cols, from + i * size, c->kind & WINDOWS ? c->b_at : NULL, c->from_row,
                      c->count, y + i * size, c->y_row, c->rows, c->n - i < step ? c->n - i : step, c->flags);
        break;
    case KERNEL_COLUMNS:
        set->columns(c->tap_lines[0], c->tap_cols, from, c->from_row, c->count, y, c->y_row, c->rows, c->n, c->flags);
        break;
    case KERNEL_TAPS:
        set->taps(c->plane[0].taps, c->plane[0].tap_row, from, c->from_row, c->plane[0].step, c->tap_rows, c->tap_cols, c->rows, c->n, y, c->flags);
        break;
    case KERNEL_IMAGE: set->image(&c->image, y, c->y_row, c->first, c->rows, c->n); break;
    case KERNEL_SPREAD: set->spread(&c->image, y, c->y_row, c->first, c->rows, c->n); break;
    case KERNEL_IMAGE_TAPS: set->image_taps(&c->image, c->plane[0].taps, c->y_row, c->first, c->rows, c->n, y, c->flags); break;
    case KERNEL_PANEL: set->panel(from, c->at, c->count, c->runs, c->run_count, y, c->y_row); break;
    case KERNEL_TURN: set->turn(c->lines[0], c->at, c->count, c->rows, y, c->y_row); break;
    case KERNEL_FINITE:
        for (int64_t i = 0; i <= c->n; i++)
            y[i] = set->finite(from + i * size, c->n - i) != 0;
        break;
    case KERNEL_WINOGRAD:
        set->winograd(transform_of(c), row_scheme_of(c), col_scheme_of(c), from, c->at, y, c->y_row, c->n, c->outputs);
        break;
    case KERNEL_WEAVE: set->weave((int)c->rows, from, c->from_row, y, c->n); break;
    case KERNEL_UNWEAVE: set->unweave((int)c->rows, from, y, c->y_row, c->n); break;
    default: set->dot(c->lines[0], c->plane[0].offset, c->plane[0].step, c->tap_lines, c->rows, c->n, y, c->outputs, c->flags);
    }
}

/* Lets the call compute `part->rows` x `part->n` of its outputs alone, from `row` and `col` on. */
static void take_part(call *part, const call *c, const cf_kernel_set *set, int64_t row, int64_t col)
{
    for (int64_t p = 0; p < c->planes; p++) {
        part->plane[p].lines += row;
        part->plane[p].offset += col;
    }
    part->first += row;
    part->image.left += c->kernel == KERNEL_SPREAD ? col : -c->image.stride * col;
    if (c->kernel != KERNEL_GEMM)
        return;
    memmove(part->tap_lines, c->tap_lines + row, (size_t)part->rows * sizeof *part->tap_lines);
    /* b goes where whole vectors from `col` on can be read */
    size_t bytes = c->input[0].bytes, more = (size_t)(col + set->lanes) * sample_size(c);
    char *b = guarded_block(&line_slot[0][1], bytes + more, c->at_end);
    memcpy(b, c->input[0].block, bytes);
    memset(b + bytes, 0xff, more);
    part->lines[0][0] = b + ((const char *)c->lines[0][0] - c->input[0].block) + col * (int64_t)sample_size(c);
}

/* To be timed: `length` terms for a whole tile, so many taps, a whole panel, `length` rows that become columns, so many samples to look at,
 * 6 x 6 samples of so many columns to transform, rows so long to weave or unweave, or so many rows and columns of taps over an image.  Returns the
 * number of products or samples. */
static double typical_call(call *c, const cf_kernel_set *set, int64_t length)
{
    c->kind = c->kernel == KERNEL_GEMM || c->kernel == KERNEL_COLUMNS ? PACKED : 0;
    c->count = c->kernel <= LAST_SUM ? length : TERMS;
    switch (c->kernel) {
    case KERNEL_TURN: c->rows = length; break;
    case KERNEL_WINOGRAD: set_transform(c, CF_OF_SAMPLES, CF_SCHEME_4_OF_3, CF_SCHEME_4_OF_3); break;
    case KERNEL_WEAVE: case KERNEL_UNWEAVE: c->rows = 4; break;
    case KERNEL_COLUMNS: c->rows = 2 * set->lanes; break;
    case KERNEL_IMAGE: case KERNEL_SPREAD: case KERNEL_IMAGE_TAPS:
        c->rows = ROWS;
        c->outputs = length * length;
        c->n = c->y_row = 6 * set->lanes;
        c->image = (cf_image){.x_row = c->n, .rows = c->rows, .cols = c->n, .top = 1, .left = 1, .tap_row = length, .tap_col = 1,
                              .kh = (int)length, .kw = (int)length, .stride = c->kernel == KERNEL_SPREAD ? 2 : 1};
        place_image(c);
        return (double)(c->rows * c->n * length * length) / (c->kernel == KERNEL_SPREAD ? 4 : 1);
    default: c->rows = set->gemm_rows;
    }
    c->n = c->kernel >= KERNEL_FINITE ? length : c->kernel == KERNEL_COLUMNS ? 1 : set->gemm_cols;
    c->y_row = c->kernel == KERNEL_TURN ? c->rows : whole_vectors(c->n, set->lanes);
    c->outputs = c->from_row = c->plane[0].tap_row = c->y_row;
    c->run_count = c->kernel == KERNEL_PANEL;
    c->runs[0].n = c->n;
    c->tap_rows = length % 3 == 0 ? 3 : 1;
    c->tap_cols = c->kind ? c->rows : length / c->tap_rows;
    c->plane[0].step = 1;
    for (int64_t k = 0; k < c->count; k++) {
        c->at[k] = c->kernel == KERNEL_TAPS       ? k / c->tap_cols * c->from_row + k % c->tap_cols
                   : c->kernel == KERNEL_WINOGRAD ? k * c->from_row
                   : c->kind                      ? k * c->rows
                                                  : k;
        c->b_at[k] = k * c->n;
    }
    place_call(c, set);
    switch (c->kernel) {
    case KERNEL_GEMM: case KERNEL_COLUMNS: case KERNEL_TAPS: return (double)(c->count * c->rows * c->n);
    case KERNEL_PANEL: return (double)(c->count * c->n);
    case KERNEL_TURN: return (double)(c->count * c->rows);
    case KERNEL_WINOGRAD: case KERNEL_WEAVE: case KERNEL_UNWEAVE: return (double)(c->rows * c->n);
    default: return (double)(c->n * (c->n + 1)) / 2; /* from every sample on */
    }
}

#endif
