/* cf_gemm_fn, and what packs its operands: matrix products of small tiles.  Factors of the rows are packed, or found through a table of offsets:
 * any strides and any order of the sum.  (Without a table 1.25 times as fast on Intel's AVX-512; Zen 4 waits for its units either way.)
 *
 * A step of the sum loads GEMM_VECS vectors of a row of b and gives each of the tile's rows one factor of a, so that with 16 registers 12
 * products share 7 loads, with 32 registers 24 share 11. */
#define GEMM_ROWS (BY_REGISTERS(4, 8) / PARTS)
#define GEMM_VECS 3

/* `rows` x `vecs` (constants), and whether a is packed, then from `packed` on; n: the numbers of y in a row. */
CF_INLINE void FN(gemm_tile)(const void *const *a, const int64_t *a_at, const ELEM *packed, int64_t a_step, const ELEM *b, const int64_t *b_at,
                             int64_t b_row, int64_t count, ELEM *y, int64_t y_row, int64_t n, const int rows, const int vecs, const int is_packed,
                             int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    const int64_t tail = n % VLANES;
    const ELEM *factor[8];
    FN(acc) acc[8][GEMM_VECS];
    CF_UNROLL
    for (int r = 0; r < rows; r++) {
        factor[r] = is_packed ? packed + PARTS * r : a[r];
        CF_UNROLL
        for (int v = 0; v < vecs; v++)
            acc[r][v] = flags & CF_ACCUMULATE ? FN(begin)(y + r * y_row + v * VLANES, v == vecs - 1 ? tail : 0, &signs) : FN(nothing)();
    }
    for (int64_t k = 0; k < count; k++) {
        const int64_t at = is_packed ? 0 : PARTS * a_at[k];
        const ELEM *const row = b_at ? b + PARTS * b_at[k] : b + k * b_row;
        VEC x[GEMM_VECS];
        CF_UNROLL
        for (int v = 0; v < vecs; v++) {
            x[v] = V(load)(row + v * VLANES);
            KEEP(x[v]);
        }
        CF_UNROLL
        for (int r = 0; r < rows; r++) {
            FN(tap) tap = FN(tap_at)(is_packed ? packed + PARTS * r : factor[r] + at);
            CF_UNROLL
            for (int v = 0; v < vecs; v++)
                acc[r][v] = FN(mac)(acc[r][v], x[v], tap);
        }
        packed += a_step;
    }
    CF_UNROLL
    for (int r = 0; r < rows; r++)
        CF_UNROLL
        for (int v = 0; v < vecs; v++)
            FN(end)(y + r * y_row + v * VLANES, acc[r][v], v == vecs - 1 ? tail : 0, &signs);
}

/* The same for columns that fill no more than half a vector: where there are half vectors, two of their products take the time of one (Zen 4: 1.14
 * times as fast with 7 x 7 outputs, which are three vectors and a number). */
#if defined(WITH_WINOGRAD) && defined(HALF_f32)
#define GEMM_HALF (VLANES / 2)
#define H(op) V_(op, CF_CAT(HALF_, TYPE))
CF_INLINE void FN(gemm_half)(const void *const *a, const int64_t *a_at, const ELEM *packed, int64_t a_step, const ELEM *b, const int64_t *b_at,
                             int64_t b_row, int64_t count, ELEM *y, int64_t y_row, int64_t n, const int rows, const int is_packed, int flags)
{
    const ELEM *factor[8];
    H(vec) acc[8];
    ELEM part[GEMM_HALF] = {0};
    CF_UNROLL
    for (int r = 0; r < rows; r++) {
        factor[r] = is_packed ? packed + r : a[r];
        for (int64_t c = 0; flags & CF_ACCUMULATE && c < n; c++)
            part[c] = y[r * y_row + c];
        acc[r] = H(load)(part);
    }
    for (int64_t k = 0; k < count; k++) {
        const int64_t at = is_packed ? 0 : a_at[k];
        H(vec) x = H(load)(b_at ? b + b_at[k] : b + k * b_row);
        KEEP(x);
        CF_UNROLL
        for (int r = 0; r < rows; r++)
            acc[r] = H(fma)(x, H(set1)(is_packed ? packed + r : factor[r] + at), acc[r]);
        packed += a_step;
    }
    CF_UNROLL
    for (int r = 0; r < rows; r++) {
        H(store)(part, acc[r]);
        for (int64_t c = 0; c < n; c++)
            y[r * y_row + c] = part[c];
    }
}
#undef H
#define GEMM_TAIL(rows)                                                                                                                  \
    (a_at ? FN(gemm_half)(a, a_at, packed, a_step, b + n, b_at, b_row, count, y + n, y_row, half, (rows), 0, flags)                      \
          : FN(gemm_half)(a, a_at, packed, a_step, b + n, b_at, b_row, count, y + n, y_row, half, (rows), 1, flags))
#else
#define GEMM_HALF 0
#define GEMM_TAIL(rows) ((void)0)
#endif

#define GEMM_TILE(rows, vecs, is_packed)                                                                                                 \
    FN(gemm_tile)(a, a_at, packed, a_step, b, b_at, b_row, count, y, y_row, n, (rows), (vecs), (is_packed), flags)
#define GEMM_WIDTHS(rows)                                                                                                                \
    (vecs == 3   ? a_at ? GEMM_TILE(rows, 3, 0) : GEMM_TILE(rows, 3, 1)                                                                  \
     : vecs == 2 ? a_at ? GEMM_TILE(rows, 2, 0) : GEMM_TILE(rows, 2, 1)                                                                  \
     : vecs == 0 ? (void)0                                                                                                               \
     : a_at      ? GEMM_TILE(rows, 1, 0)                                                                                                 \
                 : GEMM_TILE(rows, 1, 1));                                                                                               \
    if (half)                                                                                                                            \
        GEMM_TAIL(rows)

static void FN(gemm)(const void *const *a, const int64_t *a_at, int64_t a_step, const void *from, const int64_t *b_at, int64_t b_row, int64_t count,
                     void *to, int64_t y_row, int64_t rows, int64_t n, int flags)
{
    const ELEM *b = from, *packed = a[0];
    ELEM *y = to;
    const int64_t half = PARTS * n % VLANES <= GEMM_HALF ? PARTS * n % VLANES : 0;
    a_step *= PARTS;
    b_row *= PARTS;
    y_row *= PARTS;
    n = PARTS * n - half;
    const int64_t vecs = (n + VLANES - 1) / VLANES;
    while (rows > 0) {
        int step;
        if (GEMM_ROWS >= 8 && rows >= 8) {
            step = 8;
            GEMM_WIDTHS(8);
        } else if (GEMM_ROWS >= 4 && rows >= 4) {
            step = 4;
            GEMM_WIDTHS(4);
        } else if (rows >= 2) {
            step = 2;
            GEMM_WIDTHS(2);
        } else {
            step = 1;
            GEMM_WIDTHS(1);
        }
        a += a_at ? step : 0;
        packed += PARTS * step;
        y += step * y_row;
        rows -= step;
    }
}

/* Numbers: `whole` vectors and a tail, written as a vector too if the place allows it. */
CF_INLINE void FN(copy_run)(const ELEM *from, ELEM *to, int64_t n, int overwrites)
{
    int64_t i = 0;
    for (; i + VLANES <= n; i += VLANES)
        V(store)(to + i, V(load)(from + i));
    if (i == n)
        return;
    VEC last = FN(load_part)(from + i, n - i);
    if (overwrites)
        V(store)(to + i, last);
    else
        FN(store_part)(to + i, last, n - i);
}

static void FN(panel)(const void *from, const int64_t *at, int64_t count, const cf_run_part *parts, int64_t part_count, void *to,
                      int64_t to_row)
{
    for (int64_t p = 0; p < part_count; p++) {
        const int64_t n = PARTS * parts[p].n, end = PARTS * parts[p].to + (n + VLANES - 1) / VLANES * VLANES;
        const int overwrites = end <= PARTS * to_row; /* what the next part writes anyway, or nobody reads */
        const ELEM *x = (const ELEM *)from + PARTS * parts[p].from;
        ELEM *y = (ELEM *)to + PARTS * parts[p].to;
        if (n == GEMM_VECS * VLANES)
            for (int64_t k = 0; k < count; k++)
                FN(copy_run)(x + PARTS * at[k], y + PARTS * k * to_row, GEMM_VECS * VLANES, 1);
        else
            for (int64_t k = 0; k < count; k++)
                FN(copy_run)(x + PARTS * at[k], y + PARTS * k * to_row, n, overwrites);
    }
}

#if PARTS == 1 && CF_CAT(SQUARE_, TYPE)
#define SQUARE CF_CAT(SQUARE_, TYPE)
CF_INLINE int FN(follow)(const int64_t *at)
{
    int good = 1;
    CF_UNROLL
    for (int i = 1; i < SQUARE; i++)
        good &= at[i] == at[0] + i;
    return good;
}

/* The first rows, in squares where offsets follow each other: 0.14 ns a sample instead of 0.30 (f32, 8 rows; AMD EPYC).  In vectors
 * of 128 bits f64 has only squares of 2, which gained 1.2x: not worth their words.  Returns how many rows. */
static int64_t FN(turn_squares)(const void *const *from, const int64_t *at, int64_t count, int64_t rows, ELEM *to,
                                int64_t to_row)
{
    int64_t r = 0;
    for (; r + SQUARE <= rows; r += SQUARE)
        for (int64_t k = 0; k < count; k += SQUARE) {
            const int64_t end = k + SQUARE <= count ? k + SQUARE : count;
            if (end == k + SQUARE && FN(follow)(at + k)) {
                V(turn_square)(from + r, at[k], to + k * to_row + r, to_row);
                continue;
            }
            for (int64_t i = k; i < end; i++)
                CF_UNROLL
                for (int u = 0; u < SQUARE; u++)
                    to[i * to_row + r + u] = ((const ELEM *)from[r + u])[at[i]];
        }
    return r;
}
#else
CF_INLINE int64_t FN(turn_squares)(const void *const *from, const int64_t *at, int64_t count, int64_t rows, ELEM *to,
                                   int64_t to_row)
{
    (void)from, (void)at, (void)count, (void)rows, (void)to, (void)to_row;
    return 0;
}
#endif

static void FN(turn)(const void *const *from, const int64_t *at, int64_t count, int64_t rows, void *to, int64_t to_row)
{
    for (int64_t r = FN(turn_squares)(from, at, count, rows, to, to_row); r < rows; r++) {
        const ELEM *x = from[r];
        ELEM *y = (ELEM *)to + PARTS * r;
        for (int64_t k = 0; k < count; k++)
            for (int p = 0; p < PARTS; p++)
                y[PARTS * k * to_row + p] = x[PARTS * at[k] + p];
    }
}

static int FN(finite)(const void *from, int64_t n)
{
    const ELEM *x = from;
    const ELEM none = 0;
    VEC zero = V(set1)(&none), sums[4];
    int64_t i = 0;
    n *= PARTS;
    CF_UNROLL
    for (int u = 0; u < 4; u++)
        sums[u] = V(zero)();
    for (; i + 4 * VLANES <= n; i += 4 * VLANES)
        CF_UNROLL
        for (int u = 0; u < 4; u++)
            sums[u] = V(fma)(V(load)(x + i + u * VLANES), zero, sums[u]);
    ELEM lanes[VLANES], sum = 0;
    V(store)(lanes, V(add)(V(add)(sums[0], sums[1]), V(add)(sums[2], sums[3])));
    for (int j = 0; j < VLANES; j++)
        sum = (ELEM)(sum + lanes[j]);
    for (; i < n; i++)
        sum = (ELEM)(sum + x[i] * none);
    return sum == none;
}
