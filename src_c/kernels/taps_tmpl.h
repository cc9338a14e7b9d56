/* cf_taps_fn: the gradient of a small kernel from one channel.  The sum runs along the lanes; TAPS_MOST taps at a time share the loads of g. */
#define TAPS_MOST (BY_REGISTERS(9, 16) / PARTS)

/* `count` taps (a constant). */
CF_INLINE void FN(taps_tile)(const ELEM *g, int64_t g_row, const ELEM *x, int64_t x_row, const int64_t *at, const int count, int64_t rows,
                             int64_t n, ELEM *w, int flags, const FN(signs) *signs)
{
    const ELEM *from[16];
    FN(acc) acc[16];
    CF_UNROLL
    for (int t = 0; t < count; t++) {
        from[t] = x + PARTS * at[t];
        acc[t] = FN(nothing)();
    }
    for (int64_t r = 0; r < rows; r++) {
        int64_t c = 0;
        for (; c + VLANES <= n; c += VLANES) {
            FN(tap) factor = FN(tap_vector)(V(load)(g + r * g_row + c));
            CF_UNROLL
            for (int t = 0; t < count; t++)
                acc[t] = FN(mac)(acc[t], V(load)(from[t] + r * x_row + c), factor);
        }
        if (c < n) {
            FN(tap) factor = FN(tap_vector)(FN(load_part)(g + r * g_row + c, n - c));
            CF_UNROLL
            for (int t = 0; t < count; t++)
                acc[t] = FN(mac)(acc[t], FN(load_part)(from[t] + r * x_row + c, n - c), factor);
        }
    }
    CF_UNROLL
    for (int t = 0; t < count; t++) {
        ELEM lanes[VLANES];
        V(store)(lanes, FN(finish)(acc[t], signs));
        for (int half = VLANES / 2; half >= PARTS; half /= 2)
            for (int i = 0; i < half; i++)
                lanes[i] = (ELEM)WRAP_ADD(lanes[i], lanes[i + half]);
        for (int p = 0; p < PARTS; p++) {
            ELEM sum = flags & CF_ACCUMULATE ? w[PARTS * t + p] : 0;
            w[PARTS * t + p] = (ELEM)WRAP_ADD(sum, lanes[p]);
        }
    }
}

static void FN(taps)(const void *g, int64_t g_row, const void *x, int64_t x_row, const int64_t *at, int64_t count, int64_t rows, int64_t n,
                     void *to, int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    ELEM *w = to;
    g_row *= PARTS;
    x_row *= PARTS;
    n *= PARTS;
    while (count > 0) {
        int step = count >= TAPS_MOST ? TAPS_MOST : count >= 3 ? 3 : 1;
        if (step == TAPS_MOST)
            FN(taps_tile)(g, g_row, x, x_row, at, TAPS_MOST, rows, n, w, flags, &signs);
        else if (count == 9)
            FN(taps_tile)(g, g_row, x, x_row, at, step = 9, rows, n, w, flags, &signs);
        else if (step == 3)
            FN(taps_tile)(g, g_row, x, x_row, at, 3, rows, n, w, flags, &signs);
        else
            FN(taps_tile)(g, g_row, x, x_row, at, 1, rows, n, w, flags, &signs);
        at += step;
        w += PARTS * step;
        count -= step;
    }
}
