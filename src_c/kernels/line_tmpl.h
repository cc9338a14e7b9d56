/* cf_line_fn: long kernels in one dimension, as a product with a Toeplitz matrix in units of vectors.  Taps a vector apart
 * share their loads: for each residue of the tap index, LINE_VECS + LINE_TAPS - 1 loads and LINE_TAPS broadcasts feed
 * LINE_VECS * LINE_TAPS FMAs.  10 x 4 reaches 90-99 % of the FMA peak on Zen 3 from 31 taps on; a plain sliding loop is
 * bound by its misaligned loads at 55-60 %. */

/* Taps t, t + lanes, ... (`taps` of them, a constant) against `vecs` output vectors. */
CF_INLINE void FN(line_step)(FN(acc) acc[LINE_VECS], const ELEM *x, const ELEM *t, int64_t tap_step, int taps, int vecs, int64_t tail)
{
    FN(tap) tap[LINE_TAPS];
    CF_UNROLL
    for (int q = 0; q < taps; q++)
        tap[q] = FN(tap_at)(t + q * tap_step);
    CF_UNROLL
    for (int a = 0; a < vecs + taps - 1; a++) {
        VEC v = tail ? FN(load_part)(x + a * VLANES, tail) : V(load)(x + a * VLANES);
        if (taps > 1 && vecs > 1)
            KEEP(v);
        CF_UNROLL
        for (int q = 0; q < taps; q++)
            if (a - q >= 0 && a - q < vecs)
                acc[a - q] = FN(mac)(acc[a - q], v, tap[q]);
    }
}

CF_INLINE void FN(line_tile)(const cf_plane *planes, int64_t count, ELEM *y, int64_t c0, int vecs, int64_t tail, int flags,
                             const FN(signs) *signs)
{
    const int64_t lanes = VLANES / PARTS;
    FN(acc) acc[LINE_VECS];
    ELEM *out = y + PARTS * c0;
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        acc[c] = FN(begin)(out + c * VLANES, tail, flags, signs);
    for (const cf_plane *p = planes; p < planes + count; p++) {
        const ELEM *x = (const ELEM *)p->lines[0] + PARTS * (p->offset + c0), *t = p->taps;
        const int64_t tap_col = PARTS * p->tap_col, tap_step = lanes * tap_col;
        int64_t k = p->kw;
        for (; k >= lanes * LINE_TAPS; k -= lanes * LINE_TAPS, x += LINE_TAPS * VLANES, t += LINE_TAPS * tap_step)
            for (int64_t j = 0; j < lanes; j++)
                FN(line_step)(acc, x + PARTS * j, t + j * tap_col, tap_step, LINE_TAPS, vecs, tail);
        for (int64_t j = 0; j < lanes && j < k; j++) {
            const ELEM *xj = x + PARTS * j, *tj = t + j * tap_col;
            switch ((k - j + lanes - 1) / lanes) { /* taps left with this residue: no zero taps, so no 0 * Inf */
            case 1: FN(line_step)(acc, xj, tj, tap_step, 1, vecs, tail); break;
            case 2: FN(line_step)(acc, xj, tj, tap_step, 2, vecs, tail); break;
#if LINE_TAPS > 2
            case 3: FN(line_step)(acc, xj, tj, tap_step, 3, vecs, tail); break;
            case 4: FN(line_step)(acc, xj, tj, tap_step, 4, vecs, tail); break;
#endif
            }
        }
    }
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        FN(end)(out + c * VLANES, acc[c], tail, signs);
}

static void FN(line)(const cf_plane *planes, int64_t count, void *y, int64_t n, int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    const int64_t lanes = VLANES / PARTS;
    int64_t c = 0;
    for (; c + LINE_VECS * lanes <= n; c += LINE_VECS * lanes)
        FN(line_tile)(planes, count, y, c, LINE_VECS, 0, flags, &signs);
    for (; c + LINE_VECS / 2 * lanes <= n; c += LINE_VECS / 2 * lanes)
        FN(line_tile)(planes, count, y, c, LINE_VECS / 2, 0, flags, &signs);
    for (; c + lanes <= n; c += lanes)
        FN(line_tile)(planes, count, y, c, 1, 0, flags, &signs);
    if (c < n && n >= lanes && !(flags & CF_ACCUMULATE)) /* moved back: the same bits again where it overlaps */
        FN(line_tile)(planes, count, y, n - lanes, 1, 0, flags, &signs);
    else if (c < n)
        FN(line_tile)(planes, count, y, c, 1, PARTS * (n - c), flags, &signs);
}
