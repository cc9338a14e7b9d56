/* The only place that knows the boundary rules. */
#include "border.h"
#include "shape.h"

#include <string.h>

static inline int64_t border_index(int boundary, int64_t p, int64_t n)
{
    if (p >= 0 && p < n)
        return p;
    int64_t period, q;
    switch (boundary) { /* what lies within one length of the array, most of what there is, takes no division */
    case CORRFAST_EDGE:
        return p < 0 ? 0 : n - 1;
    case CORRFAST_WRAP:
        q = p < 0 ? p + n : p - n;
        if (q >= 0 && q < n)
            return q;
        q = p % n;
        return q < 0 ? q + n : q;
    case CORRFAST_SYMMETRIC:
        q = p < 0 ? -1 - p : n - 1 - (p - n);
        if (q >= 0 && q < n)
            return q;
        period = 2 * n;
        q = p % period;
        q = q < 0 ? q + period : q;
        return q < n ? q : period - 1 - q;
    case CORRFAST_REFLECT:
        if (n == 1)
            return 0;
        q = p < 0 ? -p : n - 2 - (p - n);
        if (q >= 0 && q < n)
            return q;
        period = 2 * n - 2;
        q = p % period;
        q = q < 0 ? q + period : q;
        return q < n ? q : period - q;
    default:
        return -1;
    }
}

int64_t cf_border_index(int boundary, int64_t p, int64_t n) { return border_index(boundary, p, n); }

/* gcc vectorizes at -O3 only. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((optimize("O3")))
#else
#define VECTORIZED
#endif
/* Samples of any type, a complex one aligned for its parts. */
#if defined(__GNUC__)
#define ANY __attribute__((may_alias, aligned(1)))
#else
#define ANY
#endif
typedef uint16_t ANY any16;
typedef uint32_t ANY any32;
typedef uint64_t ANY any64;

/* Strided samples, one of each `step`.  Every second one is what strided filters read most, and shuffles do it; for other steps the
 * compiler's shuffles were slower than four moves side by side (3: half the speed). */
#define GATHER(TYPE)                                                                                              \
    VECTORIZED static void halve_##TYPE(TYPE *restrict to, const TYPE *restrict from, int64_t n)                  \
    {                                                                                                             \
        for (int64_t i = 0; i < n; i++)                                                                           \
            to[i] = from[2 * i];                                                                                  \
    }                                                                                                             \
    static void gather_##TYPE(void *to, const void *from, int64_t step, int64_t n)                                \
    {                                                                                                             \
        TYPE *restrict y = to;                                                                                    \
        const TYPE *restrict x = from;                                                                            \
        int64_t i = 0;                                                                                            \
        if (step == 2) {                                                                                          \
            halve_##TYPE(to, from, n);                                                                            \
            return;                                                                                               \
        }                                                                                                         \
        for (; i + 4 <= n; i += 4) {                                                                              \
            TYPE a = x[i * step], b = x[(i + 1) * step], c = x[(i + 2) * step], d = x[(i + 3) * step];            \
            y[i] = a;                                                                                             \
            y[i + 1] = b;                                                                                         \
            y[i + 2] = c;                                                                                         \
            y[i + 3] = d;                                                                                         \
        }                                                                                                         \
        for (; i < n; i++)                                                                                        \
            y[i] = x[i * step];                                                                                   \
    }
GATHER(any16)
GATHER(any32)
GATHER(any64)

/* memcpy of a constant size is one move, whatever the type of the samples */
#define COPY(SIZE)                                                                                         \
    for (int64_t i = 0; i < n; i++)                                                                        \
        memcpy((char *)to + i * to_stride * (SIZE), (const char *)from + i * from_stride * (SIZE), (SIZE)); \
    break

void cf_copy_strided(void *to, int64_t to_stride, const void *from, int64_t from_stride, int64_t n, int size)
{
    if (to_stride == 1 && from_stride == 1) {
        memcpy(to, from, (size_t)(n * size));
        return;
    }
    if (to_stride == 1 && (size == 2 || size == 4 || size == 8)) {
        if (size == 4)
            gather_any32(to, from, from_stride, n);
        else if (size == 8)
            gather_any64(to, from, from_stride, n);
        else
            gather_any16(to, from, from_stride, n);
        return;
    }
    switch (size) {
    case 1: COPY(1);
    case 2: COPY(2);
    case 4: COPY(4);
    case 8: COPY(8);
    case 16: COPY(16);
    default:
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)to + i * to_stride * size, (const char *)from + i * from_stride * size, (size_t)size);
    }
}

static inline void copy_one(char *to, const char *from, int size)
{
    if (size == 4)
        memcpy(to, from, 4);
    else if (size == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, (size_t)size);
}

void cf_fill(void *to, int64_t stride, const void *value, int64_t n, int size)
{
    cf_copy_strided(to, stride, value, 0, n, size);
}

/* Where the samples of a packed line come from: [0, left) lies before the array, [left, right) inside, `each` apart from `inside` on, the
 * rest after it. */
typedef struct extent {
    int64_t left, right, count, inside, each; /* the last two in samples */
} extent;

static extent extent_of(const cf_line *line, int64_t first, int64_t step, int64_t count)
{
    int64_t before = cf_max(-first, 0), to_end = cf_max(line->n - first, 0);
    extent e = {.count = count, .left = cf_min(count, step == 1 ? before : cf_ceil_div(before, step))};
    e.right = first >= line->n ? e.left : cf_clamp(step == 1 ? to_end : cf_ceil_div(to_end, step), e.left, count);
    e.inside = e.left < e.right ? (first + e.left * step) * line->stride : 0;
    e.each = e.right - e.left > 1 ? step * line->stride : 1; /* of a sample alone it could overflow */
    return e;
}

static void pack_inside(char *into, const extent *e, const char *from, int size)
{
    const int64_t n = e->right - e->left;
    if (e->each == 1)
        memcpy(into + e->left * size, from + e->inside * size, (size_t)(n * size));
    else
        cf_copy_strided(into + e->left * size, 1, from + e->inside * size, e->each, n, size);
}

/* Samples [i, end), all of them beyond the array. */
static void pack_beyond(char *into, const cf_line *line, int64_t first, int64_t step, int64_t i, int64_t end, int size)
{
    for (; i < end; i++) {
        int64_t index = border_index(line->boundary, first + i * step, line->n);
        copy_one(into + i * size, index < 0 ? line->cval : (const char *)line->from + index * line->stride * size, size);
    }
}

void cf_pack_line(const cf_dtype *t, void *to, const cf_line *line, int64_t first, int64_t step, int64_t count, void *raw)
{
    const extent e = extent_of(line, first, step, count);
    char *into = cf_converts(t) ? raw : to;
    if (e.left < e.right)
        pack_inside(into, &e, line->from, t->size);
    pack_beyond(into, line, first, step, 0, e.left, t->size);
    pack_beyond(into, line, first, step, e.right, count, t->size);
    if (cf_converts(t))
        cf_widen(t, to, raw, 1, count);
}

enum { MAPPED = 32 }; /* samples beyond the array that lines packed together have at most */
#define CONSTANT INT64_MIN /* no place in an array, whose strides may be negative */

/* Samples beyond the array: those at map[0], map[1], ... elements from the line's start, or the constant. */
static inline void pack_mapped(char *into, const extent *e, const char *from, const int64_t *map, const char *cval, int size)
{
    for (int64_t i = 0; i < e->left; i++, map++)
        copy_one(into + i * size, *map == CONSTANT ? cval : from + *map * size, size);
    for (int64_t i = e->right; i < e->count; i++, map++)
        copy_one(into + i * size, *map == CONSTANT ? cval : from + *map * size, size);
}

void cf_pack_lines(const cf_dtype *t, char *to, int64_t to_line, const void *const *from, int64_t lines, cf_line like, int64_t first,
                   int64_t step, int64_t count, void *raw)
{
    const extent e = extent_of(&like, first, step, count);
    int64_t map[MAPPED], beyond = 0;
    const int maps = !cf_converts(t) && e.left + e.count - e.right <= MAPPED;
    for (int64_t i = e.left ? 0 : e.right; maps && i < count; i = i + 1 == e.left ? e.right : i + 1) {
        int64_t index = border_index(like.boundary, first + i * step, like.n);
        map[beyond++] = index < 0 ? CONSTANT : index * like.stride;
    }
    for (int64_t l = 0; l < lines; l++, to += to_line) {
        if (!from[l])
            continue;
        like.from = from[l];
        if (!maps) {
            cf_pack_line(t, to, &like, first, step, count, raw);
            continue;
        }
        if (e.left < e.right)
            pack_inside(to, &e, like.from, t->size);
        if (t->size == 4) /* constants: one move each */
            pack_mapped(to, &e, like.from, map, like.cval, 4);
        else if (t->size == 8)
            pack_mapped(to, &e, like.from, map, like.cval, 8);
        else
            pack_mapped(to, &e, like.from, map, like.cval, t->size);
    }
}
