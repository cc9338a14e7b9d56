/* cf_rows_fn: a tile of ROWS output rows by VECS vectors.  Walking the input lines, each loaded vector feeds every output
 * row that it belongs to, so that loads do not bound the speed: with 4 x 3 tiles 81-93 % of the FMA peak for kernels of
 * 7x7 and more on Zen 3, against 50-58 % when every tap loads its own. */

/* Line i of a tile against the taps of the output rows lo..hi, whose tap row it is. */
CF_INLINE void FN(rows_step)(FN(acc) acc[4][8], const cf_plane *p, const ELEM *x, int64_t i, int lo, int hi, int vecs, int64_t tail)
{
    const ELEM *taps = (const ELEM *)p->taps + PARTS * (i - lo) * p->tap_row;
    int64_t step = PARTS * p->step, tap_row = PARTS * p->tap_row, tap_col = PARTS * p->tap_col;
    for (int64_t j = p->kw; j > 0; j--, x += step, taps += tap_col) {
        VEC v[8];
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            v[c] = tail ? FN(load_part)(x, tail) : V(load)(x + c * VLANES);
            /* else gcc folds the load into each FMA that uses it, and the reuse is gone */
            if (hi > lo)
                KEEP(v[c]);
        }
        CF_UNROLL
        for (int r = lo; r <= hi; r++) {
            FN(tap) tap = FN(tap_at)(taps - (r - lo) * tap_row);
            CF_UNROLL
            for (int c = 0; c < vecs; c++)
                acc[r][c] = FN(mac)(acc[r][c], v[c], tap);
        }
    }
}

/* Outputs [row, row + rows) x [c0, c0 + vecs vectors); rows and vecs are constants. */
CF_INLINE void FN(rows_tile)(const cf_plane *planes, int64_t count, ELEM *y, int64_t y_row, int64_t row, int64_t c0, int rows, int vecs,
                             int64_t tail, int flags, const FN(signs) *signs)
{
    FN(acc) acc[4][8];
    ELEM *out = y + PARTS * (row * y_row + c0);
    CF_UNROLL
    for (int r = 0; r < rows; r++)
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[r][c] = FN(begin)(out + PARTS * r * y_row + c * VLANES, tail, flags, signs);
    for (const cf_plane *p = planes; p < planes + count; p++) {
        const void *const *lines = p->lines + row;
        for (int64_t i = 0; i < p->kh + rows - 1; i++) {
            const ELEM *x = (const ELEM *)lines[i] + PARTS * (p->offset + c0);
            int64_t lo = i < p->kh ? 0 : i - p->kh + 1, hi = i < rows ? i : rows - 1;
            switch (lo * 4 + hi) {
#define STEP(LO, HI)                                            \
    case (LO) * 4 + (HI):                                       \
        if ((HI) < rows)                                        \
            FN(rows_step)(acc, p, x, i, LO, HI, vecs, tail);    \
        break;
                STEP(0, 0) STEP(0, 1) STEP(0, 2) STEP(0, 3) STEP(1, 1) STEP(1, 2) STEP(1, 3) STEP(2, 2) STEP(2, 3) STEP(3, 3)
#undef STEP
            }
        }
    }
    CF_UNROLL
    for (int r = 0; r < rows; r++)
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            FN(end)(out + PARTS * r * y_row + c * VLANES, acc[r][c], tail, signs);
}

/* All columns of `rows` rows. */
CF_INLINE void FN(rows_strip)(const cf_plane *planes, int64_t count, ELEM *y, int64_t y_row, int64_t row, int64_t n, int rows, int vecs,
                              int flags, const FN(signs) *signs)
{
    const int64_t lanes = VLANES / PARTS;
    const int half = vecs > 3 ? vecs / 2 : 1;
    int64_t c = 0;
    for (; c + vecs * lanes <= n; c += vecs * lanes)
        FN(rows_tile)(planes, count, y, y_row, row, c, rows, vecs, 0, flags, signs);
    if (half > 1)
        for (; c + half * lanes <= n; c += half * lanes)
            FN(rows_tile)(planes, count, y, y_row, row, c, rows, half, 0, flags, signs);
    for (; c + lanes <= n; c += lanes)
        FN(rows_tile)(planes, count, y, y_row, row, c, rows, 1, 0, flags, signs);
    if (c < n && n >= lanes && !(flags & CF_ACCUMULATE)) /* moved back: the same bits again where it overlaps */
        FN(rows_tile)(planes, count, y, y_row, row, n - lanes, rows, 1, 0, flags, signs);
    else if (c < n)
        FN(rows_tile)(planes, count, y, y_row, row, c, rows, 1, PARTS * (n - c), flags, signs);
}

static void FN(rows)(const cf_plane *planes, int64_t count, void *y, int64_t y_row, int64_t rows, int64_t n, int flags)
{
    const FN(signs) signs = FN(signs_of)(flags);
    int64_t row = 0;
    for (; row + ROWS <= rows; row += ROWS)
        FN(rows_strip)(planes, count, y, y_row, row, n, ROWS, ROWS_VECS, flags, &signs);
    for (; row + 2 <= rows; row += 2)
        FN(rows_strip)(planes, count, y, y_row, row, n, 2, ROWS2_VECS, flags, &signs);
    if (row < rows)
        FN(rows_strip)(planes, count, y, y_row, row, n, 1, ROWS1_VECS, flags, &signs);
}
