/* cf_image_fn: what a copy of the image between zeros would hold, and at stride 2 a copy of every other sample, is made in registers.  The first
 * and the last vector of a strip are loaded in part, and two vectors side by side are taken apart into samples of even and of odd place.
 * Depthwise 3x3 over 64 images of 112x112 from the last cache, Zen 4: at stride 2 95 us where copies and sums of them take 230, at stride 1
 * 150 and 250.
 *
 * Strips of columns, from the first line down.  A group of lines, as many as the stride, belongs to the windows of `depth` rows of outputs,
 * whose sums are in registers; then the oldest row is complete and a new one begins.  Lines that do not exist are skipped.  A sum goes by
 * lines, then columns, as in rows_tmpl.h. */

enum {
    FN(IMAGE_VECS) = BY_REGISTERS(2, 4),
    FN(IMAGE_NEXT) = 4 /* lines to the one that is fetched */
};

/* Which samples exist of a strip's first vector and of its last, from tap column j on; at stride 2 of two vectors. */
typedef struct FN(image_strip) {
    V(mask) first[CF_IMAGE_TAPS][2], last[CF_IMAGE_TAPS][2];
} FN(image_strip);

/* Those of a vector from sample `at` on of a line of `cols`. */
CF_INLINE V(mask) FN(image_lanes)(int64_t at, int64_t cols)
{
    const int64_t from = at > 0 ? 0 : at < -VLANES ? VLANES : -at, end = cols - at;
    return V(some)(from, end < from ? from : end < VLANES ? end : VLANES);
}

CF_INLINE VEC FN(image_vector)(const FN(image_strip) *s, const ELEM *x, int64_t j, int half, int c, int vecs)
{
    return c == 0 ? V(load_some)(x, s->first[j][half]) : c == vecs - 1 ? V(load_some)(x, s->last[j][half]) : V(load)(x);
}

/* A vector of each column against a tap of each sum's own row. */
CF_INLINE void FN(image_add)(VEC (*acc)[FN(IMAGE_VECS)], const VEC *v, const ELEM *taps, int64_t tap_row, int depth, int vecs)
{
    CF_UNROLL
    for (int d = 0; d < depth; d++) {
        const VEC tap = V(set1)(taps + d * tap_row);
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[d][c] = V(fma)(v[c], tap, acc[d][c]);
    }
}

/* The samples under the strip's first tap in a line, against tap rows row, row + stride, ... of `depth` sums. */
CF_INLINE void FN(image_line)(VEC acc[4][FN(IMAGE_VECS)], const cf_image *im, const FN(image_strip) *s, const ELEM *x, int row,
                               int stride, int depth, int vecs)
{
    const ELEM *taps = (const ELEM *)im->taps + row * im->tap_row;
    const int64_t tap_row = stride * im->tap_row, tap_col = im->tap_col;
    for (int64_t j = 0; j < im->kw; j += stride, taps += stride * tap_col, x += stride) {
        VEC even[FN(IMAGE_VECS)], odd[FN(IMAGE_VECS)];
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            even[c] = FN(image_vector)(s, x + stride * c * VLANES, j, 0, c, vecs);
            if (stride == 2) {
                VEC v = even[c], w = FN(image_vector)(s, x + (2 * c + 1) * VLANES, j, 1, c, vecs);
                KEEP(w); /* else gcc loads it twice */
                even[c] = V(evens)(v, w);
                odd[c] = V(odds)(v, w);
            } else if (depth > 1) {
                KEEP(even[c]);
            }
        }
        FN(image_add)(acc, even, taps, tap_row, depth, vecs);
        if (stride == 2 && j + 1 < im->kw)
            FN(image_add)(acc, odd, taps + tap_col, tap_row, depth, vecs);
    }
}

/* Columns from c0 on, `tail` in the last vector. */
CF_INLINE void FN(image_down)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t c0, int64_t tail, int stride,
                              int depth, int vecs)
{
    const cf_image im = *image; /* in registers */
    FN(image_strip) s;
    VEC acc[4][FN(IMAGE_VECS)];
    const int64_t at = stride * c0 - im.left;
    for (int64_t j = 0; j < im.kw; j += stride)
        for (int half = 0; half < stride; half++) {
            const int64_t begin = at + j + half * VLANES, end = begin + stride * (vecs - 1) * VLANES;
            s.first[j][half] = FN(image_lanes)(begin, im.cols);
            s.last[j][half] = FN(image_lanes)(end, im.cols);
        }
    CF_UNROLL
    for (int d = 0; d < depth; d++)
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[d][c] = V(zero)();
    const int odd_depth = im.kh % stride ? depth - 1 : depth; /* rows that the second line of a group belongs to */
    int64_t line = stride * first - im.top;
    const ELEM *x = (const ELEM *)im.x + line * im.x_row + at;
    for (int64_t group = 1 - depth; group < rows; group++) {
        for (int p = 0; p < stride; p++, line++, x += im.x_row) {
            if (line < 0 || line >= im.rows)
                continue;
            if (line + FN(IMAGE_NEXT) < im.rows)
                FN(rows_fetch)(x + FN(IMAGE_NEXT) * im.x_row, stride * vecs, 0);
            if (p == 0)
                FN(image_line)(acc, &im, &s, x, 0, stride, depth, vecs);
            else if (odd_depth == depth)
                FN(image_line)(acc, &im, &s, x, 1, stride, depth, vecs);
            else
                FN(image_line)(acc, &im, &s, x, 1, stride, depth - 1, vecs);
        }
        if (group >= 0) {
            CF_UNROLL
            for (int c = 0; c < vecs; c++)
                if (c < vecs - 1 || tail == VLANES)
                    V(store)(y + c * VLANES, acc[depth - 1][c]);
                else
                    FN(store_part)(y + c * VLANES, acc[depth - 1][c], tail);
            y += y_row;
        }
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            CF_UNROLL
            for (int d = depth - 1; d > 0; d--)
                acc[d][c] = acc[d - 1][c];
            acc[0][c] = V(zero)();
        }
    }
}

typedef void FN(image_fn)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t c0, int64_t tail);
#define WIDTH(stride, depth, vecs)                                                                                                          \
    static void FN(image_##stride##_##depth##_##vecs)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t c0, \
                                                      int64_t tail)                                                                         \
    {                                                                                                                                       \
        if ((vecs) <= FN(IMAGE_VECS))                                                                                                       \
            FN(image_down)(image, y, y_row, first, rows, c0, tail, stride, depth, (vecs) % (FN(IMAGE_VECS) + 1));                           \
    }
#define WIDTHS(stride, depth) WIDTH(stride, depth, 1) WIDTH(stride, depth, 2) WIDTH(stride, depth, 3) WIDTH(stride, depth, 4)
WIDTHS(1, 1) WIDTHS(1, 2) WIDTHS(1, 3)
WIDTHS(2, 1) WIDTHS(2, 2) WIDTHS(2, 3) WIDTHS(2, 4)
#undef WIDTHS
#undef WIDTH

static void FN(image)(const cf_image *im, void *out, int64_t y_row, int64_t first, int64_t rows, int64_t n)
{
#define WIDTHS(stride, depth) \
    {FN(image_##stride##_##depth##_1), FN(image_##stride##_##depth##_2), FN(image_##stride##_##depth##_3), FN(image_##stride##_##depth##_4)}
    static FN(image_fn) *const widths[2][4][4] = {{WIDTHS(1, 1), WIDTHS(1, 2), WIDTHS(1, 3)},
                                                  {WIDTHS(2, 1), WIDTHS(2, 2), WIDTHS(2, 3), WIDTHS(2, 4)}};
#undef WIDTHS
    const int depth = (im->kh + im->stride - 1) / im->stride;
    FN(image_fn) *const *strips = widths[im->stride - 1][depth - 1];
    ELEM *y = out;
    for (int64_t c = 0, left = (n + VLANES - 1) / VLANES, vecs; left > 0; left -= vecs, c += vecs * VLANES) {
        const int64_t most = FN(IMAGE_VECS);
        vecs = left <= most ? left : left < 2 * most ? (left + 1) / 2 : most; /* the last two of nearly equal width */
        const int64_t past = c + vecs * VLANES > n ? c + vecs * VLANES - n : 0;
        /* The last one is moved back to end with the row.  If it is the only one, its last vector is stored in part, if all samples under the one
         * before it exist, else it is moved back alone. */
        if (c > 0 || past == 0)
            strips[vecs - 1](im, y + c - past, y_row, first, rows, c - past, VLANES);
        else if (vecs == 1 || im->stride * (vecs - 1) * VLANES - im->left + im->kw - 1 <= im->cols)
            strips[vecs - 1](im, y, y_row, first, rows, 0, VLANES - past);
        else {
            strips[vecs - 2](im, y, y_row, first, rows, 0, VLANES);
            strips[0](im, y + n - VLANES, y_row, first, rows, n - VLANES, VLANES);
        }
    }
}

/* cf_spread_fn, for the same reasons: outputs of even and of odd place are summed apart and woven together in registers.  Each row of outputs is
 * a sum over the lines that meet it; a block is a vector of samples and the two of outputs that begin where it does. */
CF_INLINE void FN(spread_down)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t n, int64_t c0, int vecs)
{
    const cf_image im = *image; /* in registers */
    V(mask) head[CF_IMAGE_TAPS / 2], tail[CF_IMAGE_TAPS / 2], begin[2], end[2];
    const int64_t at = 2 * c0 - im.left;
    for (int64_t e = 0; 2 * e < im.kw; e++) {
        head[e] = FN(image_lanes)(c0 - e, im.cols);
        tail[e] = FN(image_lanes)(c0 - e + (vecs - 1) * VLANES, im.cols);
    }
    for (int half = 0; half < 2; half++) {
        begin[half] = FN(image_lanes)(at + half * VLANES, n);
        end[half] = FN(image_lanes)(at + (2 * (vecs - 1) + half) * VLANES, n);
    }
    y += at;
    for (int64_t p = first + im.top; p < first + im.top + rows; p++, y += y_row) {
        VEC acc[2][FN(IMAGE_VECS)];
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[0][c] = acc[1][c] = V(zero)();
        int64_t line = p >> 1;
        for (int64_t i = p & 1; i < im.kh; i += 2, line--) {
            if (line < 0 || line >= im.rows)
                continue;
            const ELEM *x = (const ELEM *)im.x + line * im.x_row + c0, *taps = (const ELEM *)im.taps + i * im.tap_row;
            for (int64_t j = 0, e = 0; j < im.kw; j += 2, e++, x--, taps += 2 * im.tap_col) {
                VEC v[FN(IMAGE_VECS)];
                CF_UNROLL
                for (int c = 0; c < vecs; c++) {
                    v[c] = c == 0           ? V(load_some)(x, head[e])
                           : c == vecs - 1 ? V(load_some)(x + c * VLANES, tail[e])
                                            : V(load)(x + c * VLANES);
                    KEEP(v[c]);
                }
                FN(image_add)(acc, v, taps, 0, 1, vecs);
                if (j + 1 < im.kw)
                    FN(image_add)(acc + 1, v, taps + im.tap_col, 0, 1, vecs);
            }
        }
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            const VEC low = V(zip_low)(acc[0][c], acc[1][c]), high = V(zip_high)(acc[0][c], acc[1][c]);
            ELEM *to = y + 2 * c * VLANES;
            if (c == 0 || c == vecs - 1) {
                V(store_some)(to, low, c == 0 ? begin[0] : end[0]);
                V(store_some)(to + VLANES, high, c == 0 ? begin[1] : end[1]);
            } else {
                V(store)(to, low);
                V(store)(to + VLANES, high);
            }
        }
    }
}

typedef void FN(spread_fn)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t n, int64_t c0);
#define WIDTH(vecs)                                                                                                                  \
    static void FN(spread_##vecs)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t n, int64_t c0) \
    {                                                                                                                                \
        if ((vecs) <= FN(IMAGE_VECS))                                                                                                \
            FN(spread_down)(image, y, y_row, first, rows, n, c0, (vecs) % (FN(IMAGE_VECS) + 1));                                     \
    }
WIDTH(1) WIDTH(2) WIDTH(3) WIDTH(4)
#undef WIDTH

static void FN(spread)(const cf_image *im, void *y, int64_t y_row, int64_t first, int64_t rows, int64_t n)
{
    static FN(spread_fn) *const strips[4] = {FN(spread_1), FN(spread_2), FN(spread_3), FN(spread_4)};
    const int64_t begin = im->left >> 1, end = ((n - 1 + im->left) >> 1) + 1; /* of the samples that outputs begin with */
    for (int64_t c = begin, left = (end - begin + VLANES - 1) / VLANES, vecs; left > 0; left -= vecs, c += vecs * VLANES) {
        const int64_t most = FN(IMAGE_VECS);
        vecs = left <= most ? left : left < 2 * most ? (left + 1) / 2 : most; /* the last two of nearly equal width */
        const int64_t past = c + vecs * VLANES > end ? c + vecs * VLANES - end : 0;
        /* The last one is moved back, as in `image`; the only one is not, if all samples of the block before its last exist. */
        if (c > begin || past == 0)
            strips[vecs - 1](im, y, y_row, first, rows, n, c - past);
        else if (vecs == 1 || c + (vecs - 1) * VLANES <= im->cols)
            strips[vecs - 1](im, y, y_row, first, rows, n, c);
        else {
            strips[vecs - 2](im, y, y_row, first, rows, n, c);
            strips[0](im, y, y_row, first, rows, n, end - VLANES);
        }
    }
}
