/* cf_line_fn: one dimension, as a product with a Toeplitz matrix in units of vectors.  Taps a vector apart share their loads: for
 * each residue of the tap index, LINE_VECS + LINE_TAPS - 1 loads and LINE_TAPS broadcasts feed LINE_VECS * LINE_TAPS FMAs.
 * 10 x 4 reaches 90-99 % of the FMA peak on Zen 3 from 31 taps on; a plain sliding loop is bound by its misaligned loads at
 * 55-60 %.
 *
 * A vector as long as a cache line is worse off: all but one of its loads cross lines.  There LINE_SHIFTS vectors of a tile are
 * not loaded for each residue but cut from two neighbors in registers, which keeps another port busy (AVX-512, float32, 5 taps: from 50
 * to 70 % of the FMA peak on Zen 5, from 50 to 64 on Zen 4; all of them cut: 53).  Where taps share their loads there are loads enough,
 * and cutting takes a port from the FMAs: 31 taps, two to a load, on Zen 4: none cut 95 %, one 94, three 93, six 87; one brings the
 * loads down to what Zen 5 does beside the FMAs. */

enum {
    FN(LINE_TILE) = LINE_VECS * VLANES / PARTS,
    FN(AHEAD) = 8192 /* bytes: lines that come from memory are fetched so far ahead; 1024 are 10 % slower */
};

/* The samples under a tile, from the first tap's on. */
typedef struct FN(window) {
    const ELEM *x;
#if LINE_SHIFTS
    VEC held[LINE_SHIFTS + 1];
    V(shift) by;
#endif
} FN(window);

/* How many vectors of a tile are cut where one tap uses each; no samples are read that the tile does not need. */
#define SHIFTED(vecs) ((vecs) > LINE_SHIFTS ? LINE_SHIFTS : (vecs) - 1)

CF_INLINE void FN(window_at)(FN(window) *w, const ELEM *x, int vecs)
{
    w->x = x;
#if LINE_SHIFTS
    w->by = V(no_shift)();
    if (vecs > 1) {
        CF_UNROLL
        for (int a = 0; a <= SHIFTED(vecs); a++)
            w->held[a] = V(load)(x + a * VLANES);
    }
#else
    (void)vecs;
#endif
}

CF_INLINE void FN(window_next)(FN(window) *w)
{
    w->x += PARTS;
#if LINE_SHIFTS
    w->by = V(next_shift)(w->by);
#endif
}

CF_INLINE VEC FN(window_vector)(const FN(window) *w, int a, int vecs, int taps, int64_t tail)
{
#if LINE_SHIFTS
    if (a < SHIFTED(vecs) && a < (taps == 1 ? LINE_SHIFTS : taps == 2))
        return V(shifted)(w->held[a], w->held[a + 1], w->by);
#else
    (void)vecs, (void)taps;
#endif
    return tail ? FN(load_part)(w->x + a * VLANES, tail) : V(load)(w->x + a * VLANES);
}

/* Taps t, t + lanes, ... (`taps` of them, a constant) against `vecs` output vectors. */
CF_INLINE void FN(line_step)(FN(acc) acc[LINE_VECS], const FN(window) *w, const ELEM *t, int64_t tap_step, int taps, int vecs, int64_t tail)
{
    FN(tap) tap[LINE_TAPS];
    CF_UNROLL
    for (int q = 0; q < taps; q++)
        tap[q] = FN(tap_at)(t + q * tap_step);
    CF_UNROLL
    for (int a = 0; a < vecs + taps - 1; a++) {
        VEC v = FN(window_vector)(w, a, vecs, taps, tail);
        if (taps > 1 && vecs > 1)
            KEEP(v);
        CF_UNROLL
        for (int q = 0; q < taps; q++)
            if (a - q >= 0 && a - q < vecs)
                acc[a - q] = FN(mac)(acc[a - q], v, tap[q]);
    }
}

/* All taps of one plane. */
CF_INLINE void FN(line_plane)(FN(acc) acc[LINE_VECS], const cf_plane *p, int64_t c0, int vecs, int64_t tail)
{
    const int64_t lanes = VLANES / PARTS, tap_col = PARTS * p->tap_col, tap_step = lanes * tap_col;
    const ELEM *x = (const ELEM *)p->lines[0] + PARTS * (p->offset + c0), *t = p->taps;
    FN(window) w;
    int64_t k = p->kw;
    for (; k >= lanes * LINE_TAPS; k -= lanes * LINE_TAPS, x += LINE_TAPS * VLANES, t += LINE_TAPS * tap_step) {
        FN(window_at)(&w, x, vecs);
        for (int64_t j = 0; j < lanes; j++, FN(window_next)(&w))
            FN(line_step)(acc, &w, t + j * tap_col, tap_step, LINE_TAPS, vecs, tail);
    }
    if (k == 0)
        return;
    /* What is left has one tap more for the first residues than for the others: no zero taps, so no 0 * Inf. */
    FN(window_at)(&w, x, vecs);
    int64_t taps = k / lanes + 1, j = 0;
    for (int64_t end = k % lanes; taps > 0; taps--, end = lanes) {
#define RESIDUES(taps)                                      \
    for (; j < end; j++, t += tap_col, FN(window_next)(&w)) \
        FN(line_step)(acc, &w, t, tap_step, taps, vecs, tail)
        switch (taps) {
#if LINE_TAPS > 2
        case 4: RESIDUES(4); break;
        case 3: RESIDUES(3); break;
#endif
        case 2: RESIDUES(2); break;
        default: RESIDUES(1);
        }
#undef RESIDUES
    }
}

/* Outputs in work. */
typedef struct FN(run) {
    const cf_plane *planes;
    int64_t count;
    ELEM *y;
    int flags;
    FN(signs) signs;
} FN(run);

CF_INLINE void FN(line_tile)(const FN(run) *run, int64_t c0, int vecs, int64_t tail, int streams)
{
    FN(acc) acc[LINE_VECS];
    ELEM *out = run->y + PARTS * c0;
    if (streams) { /* an address past the line's end does no harm */
        const uintptr_t ahead = (uintptr_t)((const ELEM *)run->planes->lines[0] + PARTS * (run->planes->offset + c0)) + FN(AHEAD);
        for (int c = 0; c < vecs * (int)sizeof(VEC); c += 64)
            CF_PREFETCH((const void *)(ahead + (unsigned)c), 0);
    }
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        acc[c] = run->flags & CF_ACCUMULATE ? FN(begin)(out + c * VLANES, tail, &run->signs) : FN(nothing)();
    for (const cf_plane *p = run->planes; p < run->planes + run->count; p++)
        FN(line_plane)(acc, p, c0, vecs, tail);
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        if (streams)
            FN(end_past_cache)(out + c * VLANES, acc[c], &run->signs);
        else
            FN(end)(out + c * VLANES, acc[c], tail, &run->signs);
}

/* Every tile is a function of its own, as in rows_tmpl.h. */
typedef void FN(line_fn)(const FN(run) *run, int64_t c0, int64_t tiles);
#define TILE(name, vecs, streams)                                       \
    static void FN(name)(const FN(run) *run, int64_t c0, int64_t tiles) \
    {                                                                   \
        for (; tiles > 0; tiles--, c0 += (vecs) * (VLANES / PARTS))     \
            FN(line_tile)(run, c0, vecs, 0, streams);                   \
    }
TILE(line_whole, LINE_VECS, 0)
TILE(line_half, LINE_VECS / 2, 0)
TILE(line_quarter, LINE_VECS / 4, 0)
TILE(line_pair, 2, 0)
TILE(line_vector, 1, 0)
#ifdef CF_STREAMS
TILE(line_stream, LINE_VECS, 1)
#endif
#undef TILE
static void FN(line_part)(const FN(run) *run, int64_t c0, int64_t n) { FN(line_tile)(run, c0, 1, PARTS * n, 0); }

#ifdef CF_STREAMS
/* Tiles whose stores bypass the cache, between whole vectors of memory; returns where they end. */
static int64_t FN(line_past_cache)(const FN(run) *run, int64_t n)
{
    const int64_t past = (int64_t)((uintptr_t)run->y % sizeof(VEC));
    const int64_t before = past ? (int64_t)sizeof(VEC) - past : 0, c = before / (int64_t)(PARTS * sizeof(ELEM)), tiles = (n - c) / FN(LINE_TILE);
    if (before % (int64_t)(PARTS * sizeof(ELEM)) || tiles < 1)
        return 0;
    if (c > 0)
        FN(line_vector)(run, 0, 1);
    FN(line_stream)(run, c, tiles);
    CF_CAT(fence, CF_SUFFIX)();
    return c + tiles * FN(LINE_TILE);
}

#endif

static void FN(line)(const cf_plane *planes, int64_t count, void *y, int64_t n, int flags)
{
    static const struct { FN(line_fn) *tiles; int64_t vecs; } widths[] = {
        {FN(line_whole), LINE_VECS}, {FN(line_half), LINE_VECS / 2}, {FN(line_quarter), LINE_VECS / 4}, {FN(line_pair), 2}, {FN(line_vector), 1}};
    const FN(run) run = {planes, count, y, flags, FN(signs_of)(flags)};
    const int64_t lanes = VLANES / PARTS, widest = FN(LINE_TILE);
    /* The last tile is moved back to end with the line, if it is at least half new: the same bits again where it overlaps.  Not if
     * sums go on. */
    const int moves = !(flags & CF_ACCUMULATE);
    int64_t c = 0;
#ifdef CF_STREAMS
    if (flags & CF_STREAM && moves && count > 0)
        c = FN(line_past_cache)(&run, n);
#endif
    const int64_t past = c; /* what went past the cache is not fetched again to be overwritten */
    if (n - c >= widest) {
        FN(line_whole)(&run, c, (n - c) / widest);
        c = n - (n - c) % widest;
    }
    for (int i = 0; i < 5 && c < n; i++) {
        const int64_t width = widths[i].vecs * lanes;
        for (; n - c >= width; c += width)
            widths[i].tiles(&run, c, 1);
        if (c < n && (n - c) * 2 > (width > lanes ? width : 0) && n - width >= past && moves) {
            widths[i].tiles(&run, n - width, 1);
            return;
        }
    }
    if (c < n)
        FN(line_part)(&run, c, n - c);
}
#undef SHIFTED
