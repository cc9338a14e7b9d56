/* cf_image_fn: what a copy of the image between zeros would hold, and at stride 2 a copy of every other sample, is made in registers.  The first
 * and the last vector of a strip are loaded in part, and two vectors side by side are taken apart into samples of even and of odd place.
 * Calls of depthwise 3x3 over images of 112x112, Zen 4: 64 at stride 2 98 us where copies and sums of them take 248, 32 at stride 1 85 and 127.
 *
 * Strips of columns, from the first line down.  A group of lines, as many as the stride, belongs to the windows of `depth` rows of outputs,
 * whose sums are in registers; then the oldest row is complete and a new one begins.  Lines that do not exist are skipped.  A sum goes by
 * lines, then columns, as in rows_tmpl.h. */

/* Vectors of a strip. */
#define IMAGE_MOST(depth) BY_REGISTERS((depth) <= 3 ? 3 : (depth) <= 6 ? 2 : 1, (depth) <= 6 ? 4 : 3)

enum {
    FN(IMAGE_VECS) = BY_REGISTERS(3, 4),
    FN(SPREAD_VECS) = 4,
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
CF_INLINE void FN(image_add)(VEC *acc, int acc_row, const VEC *v, const ELEM *taps, int64_t tap_row, int depth, int vecs)
{
    CF_UNROLL
    for (int d = 0; d < depth; d++) {
        const VEC tap = V(set1)(taps + d * tap_row);
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[d * acc_row + c] = V(fma)(v[c], tap, acc[d * acc_row + c]);
    }
}

/* The samples under the strip's first tap in a line, against tap rows row, row + stride, ... of `depth` sums. */
CF_INLINE void FN(image_line)(VEC acc[CF_IMAGE_TAPS][FN(IMAGE_VECS)], const cf_image *im, const FN(image_strip) *s, const ELEM *x, int row,
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
        FN(image_add)(acc[0], FN(IMAGE_VECS), even, taps, tap_row, depth, vecs);
        if (stride == 2 && j + 1 < im->kw)
            FN(image_add)(acc[0], FN(IMAGE_VECS), odd, taps + tap_col, tap_row, depth, vecs);
    }
}

/* Columns from c0 on, `tail` in the last vector. */
CF_INLINE void FN(image_down)(const cf_image *image, ELEM *y, int64_t y_row, int64_t first, int64_t rows, int64_t c0, int64_t tail, int stride,
                              int depth, int vecs)
{
    const cf_image im = *image; /* in registers */
    FN(image_strip) s;
    VEC acc[CF_IMAGE_TAPS][FN(IMAGE_VECS)];
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
        if ((vecs) <= IMAGE_MOST(depth))                                                                                                     \
            FN(image_down)(image, y, y_row, first, rows, c0, tail, stride, depth, (vecs) % (IMAGE_MOST(depth) + 1));                           \
    }
#define WIDTHS(stride, depth) WIDTH(stride, depth, 1) WIDTH(stride, depth, 2) WIDTH(stride, depth, 3) WIDTH(stride, depth, 4)
WIDTHS(1, 2) WIDTHS(1, 3) WIDTHS(1, 4) WIDTHS(1, 5) WIDTHS(1, 6) WIDTHS(1, 7) WIDTHS(1, 8)
WIDTHS(2, 1) WIDTHS(2, 2) WIDTHS(2, 3) WIDTHS(2, 4)
#undef WIDTHS
#undef WIDTH

static void FN(image)(const cf_image *im, void *out, int64_t y_row, int64_t first, int64_t rows, int64_t n)
{
#define WIDTHS(stride, depth) \
    {FN(image_##stride##_##depth##_1), FN(image_##stride##_##depth##_2), FN(image_##stride##_##depth##_3), FN(image_##stride##_##depth##_4)}
    static FN(image_fn) *const widths[2][CF_IMAGE_TAPS][4] = {
        {{NULL}, WIDTHS(1, 2), WIDTHS(1, 3), WIDTHS(1, 4), WIDTHS(1, 5), WIDTHS(1, 6), WIDTHS(1, 7), WIDTHS(1, 8)},
        {WIDTHS(2, 1), WIDTHS(2, 2), WIDTHS(2, 3), WIDTHS(2, 4)}};
#undef WIDTHS
    const int depth = (im->kh + im->stride - 1) / im->stride;
    FN(image_fn) *const *strips = widths[im->stride - 1][depth - 1];
    ELEM *y = out;
    for (int64_t c = 0, left = (n + VLANES - 1) / VLANES, vecs; left > 0; left -= vecs, c += vecs * VLANES) {
        const int64_t most = IMAGE_MOST(depth);
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
        VEC acc[2][FN(SPREAD_VECS)];
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[0][c] = acc[1][c] = V(zero)();
        int64_t line = p >> 1;
        for (int64_t i = p & 1; i < im.kh; i += 2, line--) {
            if (line < 0 || line >= im.rows)
                continue;
            const ELEM *x = (const ELEM *)im.x + line * im.x_row + c0, *taps = (const ELEM *)im.taps + i * im.tap_row;
            for (int64_t j = 0, e = 0; j < im.kw; j += 2, e++, x--, taps += 2 * im.tap_col) {
                VEC v[FN(SPREAD_VECS)];
                CF_UNROLL
                for (int c = 0; c < vecs; c++) {
                    v[c] = c == 0           ? V(load_some)(x, head[e])
                           : c == vecs - 1 ? V(load_some)(x + c * VLANES, tail[e])
                                            : V(load)(x + c * VLANES);
                    KEEP(v[c]);
                }
                FN(image_add)(acc[0], 0, v, taps, 0, 1, vecs);
                if (j + 1 < im.kw)
                    FN(image_add)(acc[1], 0, v, taps + im.tap_col, 0, 1, vecs);
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
        if ((vecs) <= FN(SPREAD_VECS))                                                                                                \
            FN(spread_down)(image, y, y_row, first, rows, n, c0, (vecs) % (FN(SPREAD_VECS) + 1));                                     \
    }
WIDTH(1) WIDTH(2) WIDTH(3) WIDTH(4)
#undef WIDTH

static void FN(spread)(const cf_image *im, void *y, int64_t y_row, int64_t first, int64_t rows, int64_t n)
{
    static FN(spread_fn) *const strips[4] = {FN(spread_1), FN(spread_2), FN(spread_3), FN(spread_4)};
    const int64_t begin = im->left >> 1, end = ((n - 1 + im->left) >> 1) + 1; /* of the samples that outputs begin with */
    for (int64_t c = begin, left = (end - begin + VLANES - 1) / VLANES, vecs; left > 0; left -= vecs, c += vecs * VLANES) {
        const int64_t most = FN(SPREAD_VECS);
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

/* cf_image_taps_fn, for the same reasons, with sums along the lanes: down the lines of one vector of outputs at a time, whose rows of g are held
 * for all tap rows, as in taps_tmpl.h.  All taps of some columns at once. */

/* A group of lines, x under the first, against the rows of g held from `lo` to `hi`; of lines `line` and on, those that exist.  stride, kh and cols
 * are constants. */
CF_INLINE void FN(image_taps_group)(VEC acc[CF_IMAGE_TAPS][4], const cf_image *im, const ELEM *x, int64_t line, const VEC *held,
                                    V(mask) lanes[4][2], int stride, int kh, int cols, int lo, int hi)
{
    CF_UNROLL
    for (int p = 0; p < stride; p++, x += im->x_row) {
        if (line + p < 0 || line + p >= im->rows)
            continue;
        VEC v[5];
        CF_UNROLL
        for (int j = 0; j < cols; j += stride) {
            v[j] = V(load_some)(x + j, lanes[j][0]);
            KEEP(v[j]);
            if (stride == 2) {
                VEC a = v[j], b = V(load_some)(x + j + VLANES, lanes[j][1]);
                KEEP(b);
                v[j] = V(evens)(a, b);
                v[j + 1] = V(odds)(a, b);
            }
        }
        CF_UNROLL
        for (int i = p; i < kh; i += stride)
            if (i / stride >= lo && i / stride <= hi) {
                CF_UNROLL
                for (int j = 0; j < cols; j++)
                    acc[i][j] = V(fma)(v[j], held[i / stride], acc[i][j]);
            }
    }
}

CF_INLINE void FN(image_taps_tile)(const cf_image *image, const ELEM *g, int64_t g_row, int64_t first, int64_t rows, int64_t n, int64_t j0, ELEM *w,
                                   int flags, int stride, int kh, int cols)
{
    const cf_image im = *image; /* in registers */
    const int depth = (kh + stride - 1) / stride;
    VEC acc[CF_IMAGE_TAPS][4];
    CF_UNROLL
    for (int i = 0; i < kh; i++)
        CF_UNROLL
        for (int j = 0; j < cols; j++)
            acc[i][j] = V(zero)();
    for (int64_t c = 0; c < n; c += VLANES, g += VLANES) {
        const int64_t at = stride * c + j0 - im.left, tail = n - c < VLANES ? n - c : VLANES;
        const V(mask) of_g = V(some)(0, tail);
        V(mask) lanes[4][2];
        CF_UNROLL
        for (int j = 0; j < cols; j += stride) /* those of outputs alone: a zero of g makes a NaN of an Inf */
            CF_UNROLL
            for (int half = 0; half < stride; half++) {
                const int64_t begin = at + j + half * VLANES, end = at + j + stride * tail;
                lanes[j][half] = FN(image_lanes)(begin, end < im.cols ? end : im.cols);
            }
        VEC held[4] = {V(zero)(), V(zero)(), V(zero)(), V(zero)()};
        const ELEM *row = g, *x = (const ELEM *)im.x + (stride * first - im.top) * im.x_row + at;
        int64_t line = stride * first - im.top;
        for (int64_t q = 0; q < rows + depth - 1; q++, line += stride, x += stride * im.x_row, row += g_row) {
            CF_UNROLL
            for (int d = depth - 1; d > 0; d--)
                held[d] = held[d - 1];
            held[0] = q < rows ? V(load_some)(row, of_g) : V(zero)();
            if (q >= depth - 1 && q < rows)
                FN(image_taps_group)(acc, &im, x, line, held, lanes, stride, kh, cols, 0, depth - 1);
            else
                FN(image_taps_group)(acc, &im, x, line, held, lanes, stride, kh, cols, q < rows ? 0 : (int)(q - rows + 1),
                                     q < depth - 1 ? (int)q : depth - 1);
        }
    }
    VEC sums[CF_IMAGE_TAPS * 4];
    ELEM totals[CF_IMAGE_TAPS * 4];
    CF_UNROLL
    for (int i = 0; i < kh; i++)
        CF_UNROLL
        for (int j = 0; j < cols; j++)
            sums[i * cols + j] = acc[i][j];
    FN(totals)(sums, kh * cols, totals);
    for (int i = 0; i < kh; i++)
        FN(put_totals)(w + i * im.kw + j0, totals + i * cols, cols, flags);
}

typedef void FN(image_taps_fn)(const cf_image *image, const ELEM *g, int64_t g_row, int64_t first, int64_t rows, int64_t n, int64_t j0, ELEM *w,
                               int flags);
#define TILE(stride, kh, cols)                                                                                                        \
    static void FN(image_taps_##stride##_##kh##_##cols)(const cf_image *image, const ELEM *g, int64_t g_row, int64_t first, int64_t rows, \
                                                        int64_t n, int64_t j0, ELEM *w, int flags)                                    \
    {                                                                                                                                 \
        FN(image_taps_tile)(image, g, g_row, first, rows, n, j0, w, flags, stride, kh, cols);                                         \
    }
#define TILES(stride, kh) TILE(stride, kh, 1) TILE(stride, kh, 2) TILE(stride, kh, 3) TILE(stride, kh, 4)
#define PAIRS(stride, kh) TILE(stride, kh, 1) TILE(stride, kh, 2)
TILES(1, 2) TILES(1, 3) TILES(2, 2) TILES(2, 3)
PAIRS(2, 4) PAIRS(2, 5) PAIRS(2, 6) PAIRS(2, 7) PAIRS(2, 8)
#undef TILE
#undef TILES
#undef PAIRS

static void FN(image_taps)(const cf_image *im, const void *g, int64_t g_row, int64_t first, int64_t rows, int64_t n, void *w, int flags)
{
#define TILES(stride, kh) \
    {FN(image_taps_##stride##_##kh##_1), FN(image_taps_##stride##_##kh##_2), FN(image_taps_##stride##_##kh##_3), FN(image_taps_##stride##_##kh##_4)}
#define PAIRS(stride, kh) {FN(image_taps_##stride##_##kh##_1), FN(image_taps_##stride##_##kh##_2), NULL, NULL}
    static FN(image_taps_fn) *const tiles[2][CF_IMAGE_TAPS - 1][4] = {
        {TILES(1, 2), TILES(1, 3)},
        {TILES(2, 2), TILES(2, 3), PAIRS(2, 4), PAIRS(2, 5), PAIRS(2, 6), PAIRS(2, 7), PAIRS(2, 8)}};
#undef TILES
#undef PAIRS
    const int most = im->kh > 3 ? 2 : BY_REGISTERS(2, 4);
    for (int64_t j = 0, width; j < im->kw; j += width) {
        width = im->kw - j < most ? im->kw - j : most;
        tiles[im->stride - 1][im->kh - 2][width - 1](im, g, g_row, first, rows, n, j, w, flags);
    }
}
#undef IMAGE_MOST
