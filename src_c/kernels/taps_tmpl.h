/* cf_taps_fn: the gradient of a small kernel from one channel.  The sum runs along the lanes.  Some rows and columns of taps are summed at a
 * time, down the rows of a vector: what is loaded of g stays in registers for all tap rows, what is loaded of x serves all of them. */
#if PARTS == 1
#define TAPS_ROWS BY_REGISTERS(3, 4)
#else
#define TAPS_ROWS BY_REGISTERS(1, 3)
#endif
#define TAPS_COLS 3

/* One vector of every row; the first `tail` numbers of it, or all if tail is 0.  kh and kw are constants. */
CF_INLINE void FN(taps_column)(FN(acc) acc[TAPS_ROWS][TAPS_COLS], const ELEM *g, int64_t g_row, const ELEM *x, int64_t x_row, int64_t step,
                               const int kh, const int kw, int64_t rows, int64_t tail)
{
#define LOAD(p) (tail ? FN(load_part)(p, tail) : V(load)(p))
/* The row of x that is tap row lo's to hi's, with as many rows of g; the youngest is loaded if lo is 0. */
#define LINE(lo, hi)                                                                                                                     \
    do {                                                                                                                                 \
        CF_UNROLL                                                                                                                        \
        for (int i = kh - 1; i > 0; i--)                                                                                                 \
            held[i] = held[i - 1];                                                                                                       \
        if ((lo) == 0)                                                                                                                   \
            held[0] = FN(tap_vector)(LOAD(g));                                                                                           \
        CF_UNROLL                                                                                                                        \
        for (int j = 0; j < kw; j++) {                                                                                                   \
            VEC v = LOAD(x + j * step);                                                                                                  \
            CF_UNROLL                                                                                                                    \
            for (int i = (lo); i <= (hi); i++)                                                                                           \
                acc[i][j] = FN(mac)(acc[i][j], v, held[i]);                                                                              \
        }                                                                                                                                \
        g += g_row;                                                                                                                      \
        x += x_row;                                                                                                                      \
    } while (0)
    FN(tap) held[TAPS_ROWS];
    CF_UNROLL
    for (int i = 0; i < kh; i++)
        held[i] = FN(tap_vector)(V(zero)());
    CF_UNROLL
    for (int d = 0; d < kh - 1; d++)
        LINE(0, d);
    for (int64_t r = kh - 1; r < rows; r++)
        LINE(0, kh - 1);
    CF_UNROLL
    for (int d = 1; d < kh; d++)
        LINE(d, kh - 1);
#undef LINE
#undef LOAD
}

/* kh x kw taps (constants), kh <= rows + 1. */
CF_INLINE void FN(taps_tile)(const ELEM *g, int64_t g_row, const ELEM *x, int64_t x_row, int64_t step, const int kh, const int kw, int64_t rows,
                             int64_t n, ELEM *w, int64_t w_row, int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    FN(acc) acc[TAPS_ROWS][TAPS_COLS];
    int64_t c = 0;
    CF_UNROLL
    for (int i = 0; i < kh; i++)
        CF_UNROLL
        for (int j = 0; j < kw; j++)
            acc[i][j] = FN(nothing)();
    for (; c + VLANES <= n; c += VLANES)
        FN(taps_column)(acc, g + c, g_row, x + c, x_row, step, kh, kw, rows, 0);
    if (c < n)
        FN(taps_column)(acc, g + c, g_row, x + c, x_row, step, kh, kw, rows, n - c);
    VEC sums[TAPS_ROWS * TAPS_COLS];
    ELEM totals[PARTS * (TAPS_ROWS * TAPS_COLS + 3)];
    CF_UNROLL
    for (int i = 0; i < kh; i++)
        CF_UNROLL
        for (int j = 0; j < kw; j++)
            sums[i * kw + j] = FN(finish)(acc[i][j], &signs);
    FN(totals)(sums, kh * kw, totals);
    for (int i = 0; i < kh; i++)
        FN(put_totals)(w + i * w_row, totals + PARTS * i * kw, PARTS * kw, flags);
}

typedef void FN(taps_fn)(const ELEM *g, int64_t g_row, const ELEM *x, int64_t x_row, int64_t step, int64_t rows, int64_t n, ELEM *w, int64_t w_row,
                         int flags);

#define TAPS(kh, kw)                                                                                                                     \
    static void FN(taps_##kh##x##kw)(const ELEM *g, int64_t g_row, const ELEM *x, int64_t x_row, int64_t step, int64_t rows, int64_t n,  \
                                     ELEM *w, int64_t w_row, int flags)                                                                  \
    {                                                                                                                                    \
        FN(taps_tile)(g, g_row, x, x_row, step, kh, kw, rows, n, w, w_row, flags);                                                       \
    }
#define TAPS_OF(kh) TAPS(kh, 1) TAPS(kh, 2) TAPS(kh, 3)
TAPS_OF(1)
#if TAPS_ROWS > 1
TAPS_OF(2)
TAPS_OF(3)
#endif
#if TAPS_ROWS > 3
TAPS_OF(4)
#endif
#undef TAPS
#undef TAPS_OF

static void FN(taps)(const void *g, int64_t g_row, const void *x, int64_t x_row, int64_t step, int64_t kh, int64_t kw, int64_t rows, int64_t n,
                     void *to, int flags)
{
#define TAPS_OF(kh) {FN(taps_##kh##x1), FN(taps_##kh##x2), FN(taps_##kh##x3)}
    static FN(taps_fn) *const tiles[TAPS_ROWS][TAPS_COLS] = {
        TAPS_OF(1),
#if TAPS_ROWS > 1
        TAPS_OF(2), TAPS_OF(3),
#endif
#if TAPS_ROWS > 3
        TAPS_OF(4),
#endif
    };
#undef TAPS_OF
    const int64_t most = rows + 1 < TAPS_ROWS ? rows + 1 : TAPS_ROWS, parts = (kh + most - 1) / most;
    for (int64_t part = 0, i = 0, end; part < parts; part++, i = end) {
        end = kh * (part + 1) / parts;
        for (int64_t j = 0, width; j < kw; j += width) {
            width = kw - j == 4 ? 2 : kw - j < TAPS_COLS ? kw - j : TAPS_COLS;
            tiles[end - i - 1][width - 1](g, PARTS * g_row, (const ELEM *)x + PARTS * (i * x_row + j * step), PARTS * x_row, PARTS * step, rows,
                                          PARTS * n, (ELEM *)to + PARTS * (i * kw + j), PARTS * kw, flags);
        }
    }
}
