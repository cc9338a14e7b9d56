#include "slab.h"
#include "border.h"

#include <string.h>

static int64_t slots(const cf_slab_axis *a) { return a->period * a->width; }

static cf_slab_axis axis_of(const cf_axis *a, int64_t len)
{
    int64_t gcd = cf_gcd(a->stride, a->dilation), period = cf_min(a->k, a->stride / gcd), shift = a->dilation / gcd;
    double width = (double)len + (double)((a->k - 1) / period) * (double)shift;
    if (width * (double)period > (double)len * (double)a->k) /* taps so far apart that each has its own samples */
        return (cf_slab_axis){a->k, len, 0};
    return (cf_slab_axis){period, (int64_t)width, shift};
}

void cf_slab_make(const cf_shape *s, const int64_t len[3], int copies, cf_slab *slab)
{
    const cf_axis *a = s->axis;
    for (int i = 0; i < 3; i++)
        slab->axis[i] = axis_of(&a[i], len[i]);
    slab->in_place = !copies && !cf_pads(s) && (a[2].m == 1 || (a[2].xs == 1 && a[2].stride == 1));
    if (slab->in_place) {
        slab->channel = s->x_channel;
        for (int i = 0; i < 3; i++)
            slab->step[i] = a[i].stride * a[i].xs;
    } else {
        slab->step[2] = 1;
        slab->step[1] = slots(&slab->axis[2]);
        slab->step[0] = slab->step[1] * slots(&slab->axis[1]);
        slab->channel = slab->step[0] * slots(&slab->axis[0]);
    }
}

double cf_slab_channel(const cf_slab *slab)
{
    return slab->in_place ? 0 : (double)slots(&slab->axis[0]) * (double)slots(&slab->axis[1]) * (double)slots(&slab->axis[2]);
}

size_t cf_slab_lines_bytes(const cf_slab *slab)
{
    return slab->in_place ? 0 : (size_t)slots(&slab->axis[1]) * (sizeof(void *) + sizeof(int64_t));
}

static int64_t slot_position(const cf_axis *a, const cf_slab_axis *slab, int64_t first, int64_t slot)
{
    return (first + slot % slab->width) * a->stride + slot / slab->width * a->dilation - a->lo;
}

/* Slots [i, end) of a phase, some of which may show no samples of the lines. */
static void fill_ends(const cf_axis *a, const cf_dtype *dtype, const void *const *lines, int64_t count, const void *cval, int64_t first, int64_t i,
                      int64_t end, char *to, int64_t pitch)
{
    for (; i < end; i++) {
        const int64_t size = dtype->size, index = cf_border_index(a->boundary, first + i * a->stride, a->n);
        char *slot = to + i * size;
        for (int64_t l = 0; l < count; l++, slot += pitch) {
            if (!lines[l])
                continue;
            const char *from = index < 0 ? cval : (const char *)lines[l] + index * size;
            if (size == 4)
                memcpy(slot, from, 4);
            else if (size == 8)
                memcpy(slot, from, 8);
            else
                memcpy(slot, from, (size_t)size);
        }
    }
}

enum { MOST_PHASES = 4 }; /* that unweave takes apart */

/* All phases of a stride at once; returns 0 where they do not lie side by side. */
static int split_lines(const cf_slab *slab, const cf_axis *a, const cf_dtype *dtype, const cf_kernel_set *set, const void *cval, int64_t first,
                       const void *const *lines, int64_t count, char *to)
{
    const int64_t width = slab->axis[2].width, size = dtype->size, pitch = slab->step[1] * size, phases = slab->axis[2].period;
    if (!set->unweave || phases < 2 || phases > MOST_PHASES || a->stride != phases || a->dilation != 1 || a->xs != 1 || width < 4)
        return 0;
    const int64_t left = cf_min(cf_ceil_div(cf_max(-first, 0), phases), width);
    const int64_t right = cf_clamp((a->n - first) / phases, left, width); /* slots [left, right) show samples in all phases */
    for (int64_t l = 0; right > left && l < count; l++)
        if (lines[l])
            set->unweave((int)phases, (const char *)lines[l] + (first + left * phases) * size, to + l * pitch + left * size, width, right - left);
    for (int64_t f = 0; f < phases; f++) {
        fill_ends(a, dtype, lines, count, cval, first + f, 0, left, to + f * width * size, pitch);
        fill_ends(a, dtype, lines, count, cval, first + f, right, width, to + f * width * size, pitch);
    }
    return 1;
}

enum { ROWS_AT_ONCE = 64 };
#define NOWHERE INT64_MIN

/* Offsets of a plane's rows; NOWHERE where they show nothing of the array. */
static void find_rows(const cf_slab *slab, const cf_axis *row, int64_t first, int64_t *at)
{
    for (int64_t phase = 0; phase < slab->axis[1].period; phase++)
        for (int64_t j = 0; j < slab->axis[1].width; j++) {
            const int64_t index = cf_border_index(row->boundary, (first + j) * row->stride + phase * row->dilation - row->lo, row->n);
            *at++ = index < 0 ? NOWHERE : index * row->xs;
        }
}

/* Rows whose samples lie side by side, as far as the array goes.  A little after a row's last sample is written too. */
static void copy_rows(const cf_slab *slab, const cf_axis *a, const cf_kernel_set *set, const char *x, const int64_t *at, int64_t count,
                      int64_t first, int64_t room, char *to)
{
    const int64_t width = slab->axis[2].width, left = cf_clamp(-first, 0, width), right = cf_clamp(a->n - first, left, width), start = 0;
    cf_run_part parts[ROWS_AT_ONCE];
    int64_t used = 0;
    for (int64_t i = 0; i < count && right > left; i++)
        if (at[i] != NOWHERE)
            parts[used++] = (cf_run_part){at[i] + first + left, i * width + left, right - left};
    set->panel(x, &start, 1, parts, used, to, room);
}

/* One plane of one channel: the slots of the last two axes. */
static void fill_plane(const cf_slab *slab, const cf_shape *s, const cf_dtype *dtype, const cf_kernel_set *set, const char *x, const void *cval,
                       const cf_slab_block *block, const int64_t *at, const void **lines, char *to)
{
    const cf_axis *col = &s->axis[2];
    const int64_t rows = slots(&slab->axis[1]), width = slab->axis[2].width, pitch = slab->step[1], size = dtype->size;
    const int64_t first = block->first[2] * col->stride - col->lo;
    const int side_by_side = slab->axis[2].period == 1 && col->stride == 1 && col->xs == 1;
    for (int64_t i = 0; i < rows; i++)
        lines[i] = at[i] == NOWHERE ? NULL : x + at[i] * size;
    for (int64_t i = 0; side_by_side && i < rows; i += ROWS_AT_ONCE)
        copy_rows(slab, col, set, x, at + i, cf_min(ROWS_AT_ONCE, rows - i), first, (rows - i) * width, to + i * pitch * size);
    for (int64_t i = 0; i < rows; i++)
        if (!lines[i])
            cf_fill(to + i * pitch * size, 1, cval, pitch, (int)size);
    if (side_by_side) {
        fill_ends(col, dtype, lines, rows, cval, first, 0, cf_clamp(-first, 0, width), to, pitch * size);
        fill_ends(col, dtype, lines, rows, cval, first, cf_clamp(col->n - first, 0, width), width, to, pitch * size);
        return;
    }
    if (split_lines(slab, col, dtype, set, cval, first, lines, rows, to))
        return;
    cf_line like = {NULL, col->n, col->xs, col->boundary, cval};
    for (int64_t phase = 0; phase < slab->axis[2].period; phase++)
        cf_pack_lines(dtype, to + phase * width * size, pitch * size, lines, rows, like, first + phase * col->dilation, col->stride, width, NULL);
}

void cf_slab_fill(const cf_slab *slab, const cf_shape *s, const cf_dtype *dtype, const cf_kernel_set *set, const void *x, const void *cval,
                  const cf_slab_block *block, const void **lines, char *to)
{
    const cf_axis *a = &s->axis[0];
    int64_t *rows_at = (int64_t *)(void *)(lines + slots(&slab->axis[1]));
    find_rows(slab, &s->axis[1], block->first[1], rows_at);
    for (int64_t ci = 0; ci < block->channels; ci++)
        for (int64_t i = 0; i < slots(&slab->axis[0]); i++, to += slab->step[0] * dtype->size) {
            int64_t depth = cf_border_index(a->boundary, slot_position(a, &slab->axis[0], block->first[0], i), a->n);
            if (depth < 0)
                cf_fill(to, 1, cval, slab->step[0], dtype->size);
            else
                fill_plane(slab, s, dtype, set,
                           (const char *)x + (cf_x_at(s, block->image, block->group, block->channel + ci) + depth * a->xs) * dtype->size, cval,
                           block, rows_at, lines, to);
        }
}

double cf_slab_cycles(const cf_slab *slab, const cf_axis *a)
{
    const double rows = (double)slots(&slab->axis[0]) * (double)slots(&slab->axis[1]);
    const int runs = a->stride == 1 || (a->stride <= MOST_PHASES && a->dilation == 1); /* in contiguous arrays, which decide */
    return rows * (40 + (double)slots(&slab->axis[2]) * (runs ? 0.25 : 1));
}

const char *cf_slab_in_place(const cf_shape *s, const cf_dtype *dtype, const void *x, const cf_slab_block *block)
{
    int64_t at = cf_x_at(s, block->image, block->group, block->channel);
    for (int i = 0; i < 3; i++)
        at += (block->first[i] * s->axis[i].stride - s->axis[i].lo) * s->axis[i].xs;
    return (const char *)x + at * dtype->size;
}

int64_t cf_slab_tap(const cf_slab *slab, const cf_shape *s, int axis, int64_t i)
{
    const cf_slab_axis *a = &slab->axis[axis];
    if (slab->in_place)
        return i * s->axis[axis].dilation * s->axis[axis].xs;
    return (a->period == 1 ? i * a->shift : i % a->period * a->width + i / a->period * a->shift) * slab->step[axis];
}

void cf_choose_block(const cf_shape *s, int64_t outputs, int64_t len[3], int64_t blocks[3])
{
    for (int i = 2; i >= 0; i--) {
        int64_t m = s->axis[i].m, fit = cf_clamp(outputs, 1, m);
        len[i] = cf_ceil_div(m, cf_ceil_div(m, fit));
        blocks[i] = cf_ceil_div(m, len[i]);
        outputs = blocks[i] > 1 ? 1 : outputs / m;
    }
}

int64_t cf_slab_parts(const cf_slab *slab, const int64_t len[3], int64_t image, int64_t first, int64_t n, cf_run_part *parts)
{
    int64_t used = 0, index = first, col = cf_take_digit(&index, len[2]), row = cf_take_digit(&index, len[1]);
    int64_t depth = cf_take_digit(&index, len[0]), images = index;
    for (int64_t done = 0; done < n; col = 0) {
        int64_t run = cf_min(len[2] - col, n - done);
        int64_t from = images * image + depth * slab->step[0] + row * slab->step[1] + col;
        if (used && parts[used - 1].from + parts[used - 1].n == from)
            parts[used - 1].n += run;
        else
            parts[used++] = (cf_run_part){from, done, run};
        done += run;
        if (++row == len[1]) {
            row = 0;
            if (++depth == len[0]) {
                depth = 0;
                images++;
            }
        }
    }
    return used;
}

void cf_slab_terms(const cf_slab *slab, const cf_shape *s, int64_t channel, int64_t k, int64_t count, int64_t *x_at, int64_t *w_at)
{
    const cf_axis *a = s->axis;
    int64_t index = k, i2 = cf_take_digit(&index, a[2].k), i1 = cf_take_digit(&index, a[1].k), i0 = cf_take_digit(&index, a[0].k), ci = index;
    const int64_t taps = a[0].k * a[1].k * a[2].k;
    for (int64_t i = 0; i < count; i++) {
        if (i >= taps) {
            x_at[i] = x_at[i - taps] + slab->channel;
            w_at[i] = w_at[i - taps] + s->w_cin;
            continue;
        }
        x_at[i] = ci * slab->channel + cf_slab_tap(slab, s, 0, i0) + cf_slab_tap(slab, s, 1, i1) + cf_slab_tap(slab, s, 2, i2);
        w_at[i] = (channel + ci) * s->w_cin + i0 * a[0].ws + i1 * a[1].ws + i2 * a[2].ws;
        if (++i2 < a[2].k)
            continue;
        i2 = 0;
        if (++i1 < a[1].k)
            continue;
        i1 = 0;
        if (++i0 < a[0].k)
            continue;
        i0 = 0;
        ci++;
    }
}
