/* cf_dot_fn: the sum runs along the lanes and a few outputs share the loaded taps.  For sums much longer than the output:
 * kernel gradients, and kernels about as long as the signal. */

/* `count` outputs (a constant) with `ways` chains each, enough to hide the FMA's latency. */
CF_INLINE void FN(dot_tile)(const void *const *x, int64_t offset, int64_t step, const void *const *taps, int64_t rows, int64_t n,
                            ELEM *y, int count, int ways, int flags, const FN(signs) *signs)
{
    FN(acc) acc[8][8];
    CF_UNROLL
    for (int j = 0; j < count; j++)
        CF_UNROLL
        for (int u = 0; u < ways; u++)
            acc[j][u] = FN(nothing)();
    const int64_t numbers = PARTS * n;
    for (int64_t r = 0; r < rows; r++) {
        const ELEM *line = (const ELEM *)x[r] + PARTS * offset, *t = taps[r];
        int64_t c = 0;
        for (; c + ways * VLANES <= numbers; c += ways * VLANES)
            CF_UNROLL
            for (int u = 0; u < ways; u++) {
                FN(tap) tap = FN(tap_vector)(V(load)(t + c + u * VLANES));
                CF_UNROLL
                for (int j = 0; j < count; j++)
                    acc[j][u] = FN(mac)(acc[j][u], V(load)(line + c + u * VLANES + PARTS * j * step), tap);
            }
        for (; c < numbers; c += VLANES) {
            int64_t tail = numbers - c < VLANES ? numbers - c : 0;
            FN(tap) tap = FN(tap_vector)(tail ? FN(load_part)(t + c, tail) : V(load)(t + c));
            CF_UNROLL
            for (int j = 0; j < count; j++) {
                const ELEM *at = line + c + PARTS * j * step;
                acc[j][0] = FN(mac)(acc[j][0], tail ? FN(load_part)(at, tail) : V(load)(at), tap);
            }
        }
    }
    VEC sums[8];
    ELEM totals[PARTS * (8 + 3)];
    CF_UNROLL
    for (int j = 0; j < count; j++) {
        FN(acc) sum = acc[j][0];
        CF_UNROLL
        for (int u = 1; u < ways; u++)
            sum = FN(join)(sum, acc[j][u]);
        sums[j] = FN(finish)(sum, signs);
    }
    FN(totals)(sums, count, totals);
    FN(put_totals)(y, totals, PARTS * count, flags);
}

static void FN(dot)(const void *const *x, int64_t offset, int64_t step, const void *const *taps, int64_t rows, int64_t n, void *y,
                    int64_t count, int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    int64_t j = 0;
#define GROUP(COUNT, WAYS)                                                                                                     \
    for (; j + (COUNT) <= count; j += (COUNT))                                                                                 \
        FN(dot_tile)(x, offset + j * step, step, taps, rows, n, (ELEM *)y + PARTS * j, COUNT, WAYS, flags, &signs);
#if PARTS == 1
    GROUP(8, 1)
#endif
    GROUP(4, 2)
    GROUP(2, 4 / PARTS)
    GROUP(1, 8 / PARTS)
#undef GROUP
}
