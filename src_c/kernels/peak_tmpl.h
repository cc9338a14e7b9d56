/* cf_peak_fn: sums that wait for nothing and read nothing, as the yardstick of all other kernels. */
static int64_t FN(peak)(int64_t rounds)
{
    enum { SUMS = BY_REGISTERS(12, 16) }; /* more than hide the latency of a multiply-add */
    static const ELEM start = 1;
    FN(acc) acc[SUMS];
    VEC x = V(set1)(&start);
    FN(tap) tap = FN(tap_at)(&start);
    CF_UNROLL
    for (int i = 0; i < SUMS; i++)
        acc[i] = FN(nothing)();
    for (int64_t round = 0; round < rounds; round++) {
        CF_UNROLL
        for (int i = 0; i < SUMS; i++)
            acc[i] = FN(mac)(acc[i], x, tap);
        CF_UNROLL
        for (int i = 0; i < SUMS; i++)
            KEEP(acc[i].sum);
    }
    CF_UNROLL
    for (int i = 1; i < SUMS; i++)
        acc[0] = FN(join)(acc[0], acc[i]);
    ELEM lanes[VLANES]; /* the sums count for something, lest they be left out */
    V(store)(lanes, acc[0].sum);
    return lanes[0] < 0 ? 0 : rounds * SUMS * VLANES;
}
