/* What a block of outputs reads of an input with many channels: a copy, padded by the boundary rule and split into the phases of the stride
 * along every axis, so that each tap meets a run of outputs in a run of samples, for any rank, stride, dilation and layout; or the input
 * itself, where nothing is padded or strided. */
#ifndef CF_SLAB_H
#define CF_SLAB_H

#include "../kernels/table.h"
#include "shape.h"

#include <string.h>

/* Tap i of output o, counted from the block's first, lies in slot (i % period) * width + (i / period) * shift + o. */
typedef struct cf_slab_axis {
    int64_t period, width, shift;
} cf_slab_axis;

typedef struct cf_slab {
    int in_place;
    cf_slab_axis axis[3];
    int64_t step[3], channel; /* from an output to the next along each axis, and from a channel to the next; in samples */
} cf_slab;

/* A block of outputs: of one image and group, channels from `channel` on. */
typedef struct cf_slab_block {
    int64_t image, group, channel, channels, first[3];
} cf_slab_block;

/* For blocks of len[0] x len[1] x len[2] outputs; copies: never in place. */
CF_HIDDEN void cf_slab_make(const cf_shape *s, const int64_t len[3], int copies, cf_slab *slab);

/* Samples of one channel of a copy; a double, since it can be any number where an axis is long. */
CF_HIDDEN double cf_slab_channel(const cf_slab *slab);

/* Bytes of the rows' places that cf_slab_fill works with. */
CF_HIDDEN size_t cf_slab_lines_bytes(const cf_slab *slab);

/* Copies a block to `to`; x is the whole input, cval an element.  For dtypes that do not convert. */
CF_HIDDEN void cf_slab_fill(const cf_slab *slab, const cf_shape *s, const cf_dtype *dtype, const cf_kernel_set *set, const void *x, const void *cval,
                            const cf_slab_block *block, const void **lines, char *to);

/* What it takes to fill one channel of a copy, in cycles; a is the last axis. */
CF_HIDDEN double cf_slab_cycles(const cf_slab *slab, const cf_axis *a);

/* Where output 0 of the block meets tap 0, in the input itself. */
CF_HIDDEN const char *cf_slab_in_place(const cf_shape *s, const cf_dtype *dtype, const void *x, const cf_slab_block *block);

/* Offset of tap i of an axis. */
CF_HIDDEN int64_t cf_slab_tap(const cf_slab *slab, const cf_shape *s, int axis, int64_t i);

/* Where outputs [first, first + n) of a block of len[0] x len[1] x len[2] lie, row after row; returns the number of parts, at most n. */
CF_HIDDEN int64_t cf_slab_parts(const cf_slab *slab, const int64_t len[3], int64_t image, int64_t first, int64_t n, cf_run_part *parts);

typedef struct cf_span {
    int64_t first, n;
} cf_span;

/* Panel i of those that `count` columns take in tiles of at most `most`: whole vectors of `lanes`, spread evenly. */
static inline cf_span cf_panel_at(int64_t count, int64_t lanes, int64_t most, int64_t i)
{
    int64_t vectors = cf_ceil_div(count, lanes), panels = cf_ceil_div(count, most), first = i * vectors / panels * lanes;
    return (cf_span){first, cf_min((i + 1) * vectors / panels * lanes, count) - first};
}

/* Zeros in the last vector of each row of n columns, if it is not full: what lies beyond them is multiplied too, though nobody reads the product,
 * and where memory happens to hold denormal numbers each takes 150 cycles (Intel). */
static inline void cf_clear_tails(char *rows, int64_t row_bytes, int64_t count, int64_t n, int64_t lanes, int64_t size)
{
    char *last = rows + n / lanes * lanes * size;
    const int64_t bytes = lanes * size, step = bytes % 16 ? 1 : 16;
    for (int64_t i = 0; n % lanes && i < count; i++, last += row_bytes)
        for (int64_t byte = 0; byte < bytes; byte += step) {
            if (step == 16)
                memset(last + byte, 0, 16);
            else
                last[byte] = 0;
        }
}

/* Where the terms k in [k, k + count) of a sum lie, in the order of channels and their taps: in the slab, counted from its first channel, and in
 * the kernel, counted from input channel 0; `channel` is the slab's first. */
CF_HIDDEN void cf_slab_terms(const cf_slab *slab, const cf_shape *s, int64_t channel, int64_t k, int64_t count, int64_t *x_at, int64_t *w_at);

/* The largest block of about so many outputs: whole samples, else whole planes, else whole rows, else a part of a row; how many cover each axis. */
CF_HIDDEN void cf_choose_block(const cf_shape *s, int64_t outputs, int64_t len[3], int64_t blocks[3]);

#endif
