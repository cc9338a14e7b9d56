#include "helix.h"
#include "border.h"
#include "planes.h"

#include "../kernels/table.h" /* CF_PREFETCH */

#include <string.h>

enum { ROWS_AHEAD = 4 };

/* Places that follow each other in one row, or have nothing. */
typedef struct segment {
    int64_t u, v, c;
    int64_t count, there; /* there: how many of them are in the row */
} segment;

/* At place c of a row.  (Returned, it would be stored in parts and loaded as a whole, which stalls.) */
static inline void set_segment(segment *s, const cf_helix *h, int64_t u, int64_t v, int64_t c, int64_t count)
{
    s->u = u;
    s->v = v;
    s->c = c;
    s->count = count;
    s->there = 0;
    if (u >= h->n[0])
        return;
    if (v < h->n[1]) {
        s->count = cf_min(count, h->row - c);
        s->there = cf_clamp(h->n[2] - c, 0, s->count);
    } else {
        s->count = cf_min(count, h->plane - v * h->row - c);
    }
}

/* At most `count` places from `place` on. */
static inline void find_segment(segment *s, const cf_helix *h, int64_t place, int64_t count)
{
    if (place < h->row) {
        set_segment(s, h, 0, 0, place, count);
    } else if (h->n[0] == 1 && h->n[1] == 1) {
        set_segment(s, h, 1, 0, 0, count);
    } else { /* a block has fewer than 2^32 places, and such numbers are divided faster */
        const uint32_t at = (uint32_t)place, plane = (uint32_t)h->plane, row = (uint32_t)h->row, in_plane = at % plane;
        set_segment(s, h, at / plane, in_plane / row, in_plane % row, count);
    }
}

/* The same for the place after s. */
static inline void next_segment(segment *s, const cf_helix *h, int64_t place, int64_t count)
{
    if (s->v + 1 < h->n[1] && s->c + s->count == h->row)
        set_segment(s, h, s->u, s->v + 1, 0, count);
    else
        find_segment(s, h, place, count);
}

static int sample_size(const cf_helix *h) { return cf_planes_are_single(h->dtype) ? (int)sizeof(float) : (int)sizeof(double); }

static void fetch(const char *from, int64_t bytes, const int writes)
{
    for (int64_t at = 0; at < bytes; at += 64) {
        if (writes)
            CF_PREFETCH(from + at, 1);
        else
            CF_PREFETCH(from + at, 0);
    }
}

/* ---- samples in ------------------------------------------------------------------------------------------------------------ */

/* The line that holds a row, or NULL: that of the constant. */
static const char *line_of(const cf_helix *h, const segment *s)
{
    const cf_axis *a = h->shape->axis;
    int64_t plane = h->first[0] + (s->u ? s->u * h->gap[0] : 0), row = h->first[1] + (s->v ? s->v * h->gap[1] : 0);
    if (plane < 0 || plane >= a[0].n)
        plane = cf_border_index(a[0].boundary, plane, a[0].n);
    if (row < 0 || row >= a[1].n)
        row = cf_border_index(a[1].boundary, row, a[1].n);
    if (plane < 0 || row < 0)
        return NULL;
    const char *line = h->at + (plane * a[0].xs + row * a[1].xs) * h->dtype->size;
    const int64_t first = h->first[2] + s->c;
    if (h->far && h->n[1] > 1 && row + ROWS_AHEAD < a[1].n && first >= 0 && first + s->there <= a[2].n && a[2].xs == 1)
        fetch(line + (first + ROWS_AHEAD * a[1].xs) * h->dtype->size, s->there * h->dtype->size, 0);
    return line;
}

/* Samples `there` of a segment. */
static void read_segment(const cf_helix *h, const segment *s, const char *line, char *re, char *im)
{
    const cf_axis *col = &h->shape->axis[2];
    const int64_t gap = h->gap[2], first = h->first[2] + (s->c ? s->c * gap : 0), n = s->there;
    const int size = sample_size(h);
    const cf_line from = {line ? line : h->cval, line ? col->n : 1, line ? col->xs : 0, line ? col->boundary : CORRFAST_EDGE, h->cval};
    if (!line && h->zeros) {
        memset(re, 0, (size_t)(n * size));
        if (im)
            memset(im, 0, (size_t)(n * size));
        return;
    }
    /* most rows; short ones feel it */
    if (line && h->plain && first >= 0 && first + n <= col->n && (gap == 1 || n == 1) && (col->xs == 1 || n == 1)) {
        memcpy(re, line + first * col->xs * size, (size_t)(n * size));
        return;
    }
    cf_pack_line(h->dtype, h->plain ? re : h->line, &from, first, gap, n, h->raw);
    if (!h->plain)
        cf_planes_put(h->dtype, re, im, h->line, n);
    if (h->conjugates)
        cf_planes_negate(h->dtype, im, n);
}

const void *cf_helix_find(const cf_helix *h, int64_t place, int64_t count)
{
    const cf_axis *col = &h->shape->axis[2];
    if (!h->plain || h->gap[2] != 1 || col->xs != 1)
        return NULL;
    segment s;
    find_segment(&s, h, place, count);
    const int64_t first = h->first[2] + s.c;
    const char *line = s.there == count && first >= 0 && first + count <= col->n ? line_of(h, &s) : NULL;
    return line ? line + first * h->dtype->size : NULL;
}

void cf_helix_read(const cf_helix *h, int64_t place, int64_t count, void *re, void *im)
{
    const int size = sample_size(h);
    char *to = re, *imaginary = h->dtype->is_complex ? im : NULL;
    segment s;
    find_segment(&s, h, place, count);
    for (int64_t at = 0;; next_segment(&s, h, place + at, count - at)) {
        const int64_t rest = at + s.there;
        if (s.there)
            read_segment(h, &s, line_of(h, &s), to + at * size, imaginary ? imaginary + at * size : NULL);
        at += s.count;
        if (rest < at)
            memset(to + rest * size, 0, (size_t)((at - rest) * size));
        if (rest < at && imaginary)
            memset(imaginary + rest * size, 0, (size_t)((at - rest) * size));
        if (at == count)
            return;
    }
}

/* ---- samples out ----------------------------------------------------------------------------------------------------------- */

static char *output_at(const cf_helix *h, const segment *s)
{
    char *to = h->at + (s->u * h->stride[0] + s->v * h->stride[1] + s->c * h->stride[2]) * h->dtype->size;
    if (h->far && h->n[1] > 1 && s->v + ROWS_AHEAD < h->n[1] && h->stride[2] == 1)
        fetch(to + ROWS_AHEAD * h->stride[1] * h->dtype->size, s->there * h->dtype->size, 1);
    return to;
}

void *cf_helix_aim(const cf_helix *h, int64_t place, int64_t count)
{
    if (!h->plain || (h->stride[2] != 1 && count > 1))
        return NULL;
    segment s;
    find_segment(&s, h, place, count);
    return s.there == count ? output_at(h, &s) : NULL;
}

void cf_helix_write(const cf_helix *h, int64_t place, int64_t count, const void *re, const void *im)
{
    const int size = sample_size(h);
    segment s;
    find_segment(&s, h, place, count);
    for (int64_t at = 0;; next_segment(&s, h, place + at, count - at)) {
        if (s.there)
            cf_planes_take(h->dtype, output_at(h, &s), h->stride[2], (const char *)re + at * size,
                           h->dtype->is_complex ? (const char *)im + at * size : NULL, s.there);
        if ((at += s.count) == count)
            return;
    }
}
