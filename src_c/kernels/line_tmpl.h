/* cf_line_fn: one dimension, as a product with a Toeplitz matrix in units of vectors.  Taps a vector apart share their loads: for
 * each residue of the tap index, LINE_VECS + LINE_TAPS - 1 loads and LINE_TAPS broadcasts feed LINE_VECS * LINE_TAPS FMAs.
 * 10 x 4 reaches 90-99 % of the FMA peak on Zen 3 from 31 taps on; a plain sliding loop is bound by its misaligned loads at
 * 55-60 %.
 *
 * A vector as long as a cache line is worse off: all but one of its loads cross lines, and take two slots.  There some vectors of a tile
 * are not loaded for each residue but cut from two neighbors in registers, by a constant number of lanes, which keeps another port busy:
 * half of them where each is used by one tap (AVX-512, float32, 7 taps, in the first cache, Zen 4: 108 GFLOP/s; none cut 70, all 81;
 * cut by a register of indices 85).  Where taps share their loads there are loads enough. */

enum {
    FN(LINE_TILE) = LINE_VECS * VLANES / PARTS,
    /* Past the caches (Zen 4, 128 MiB, 3 taps): fetched so many bytes ahead; 8192 take 1.1 times as long, no fetching 1.05 times.  With vectors of
     * a cache line 8 stores in a row take 1.1 times as long as 4. */
    FN(AHEAD) = 2048,
    FN(FEW_PAST_CACHE) = LINE_CUTS ? LINE_FEW / 2 : LINE_FEW
};

/* How many vectors of a tile are cut. */
#define CUTS(vecs, taps) ((taps) == 1 ? (vecs) / 2 : (taps) == 2 ? (vecs) / 16 * 2 : 0)

/* Taps t, t + lanes, ... (`taps` of them, a constant) against `vecs` output vectors, whose samples are at x; the first CUTS are in `cut`. */
CF_INLINE void FN(line_step)(FN(acc) acc[LINE_VECS], const ELEM *x, const VEC *cut, int cuts, const ELEM *t, int64_t tap_step, int taps,
                             int vecs, int64_t tail)
{
    FN(tap) tap[LINE_TAPS];
    CF_UNROLL
    for (int q = 0; q < taps; q++)
        tap[q] = FN(tap_at)(t + q * tap_step);
    CF_UNROLL
    for (int a = 0; a < vecs + taps - 1; a++) {
        VEC v = a < cuts ? cut[a] : tail ? FN(load_part)(x + a * VLANES, tail) : V(load)(x + a * VLANES);
        if (taps > 1 && vecs > 1)
            KEEP(v);
        CF_UNROLL
        for (int q = 0; q < taps; q++)
            if (a - q >= 0 && a - q < vecs)
                acc[a - q] = FN(mac)(acc[a - q], v, tap[q]);
    }
}

#if LINE_CUTS
/* line_steps where some vectors are cut. */
CF_INLINE void FN(line_cut_steps)(FN(acc) acc[LINE_VECS], const ELEM *x, const ELEM *t, int64_t tap_col, int64_t tap_step, int64_t from,
                                  int64_t end, int taps, int vecs, int64_t tail)
{
    const int cuts = CUTS(vecs, taps);
    VEC held[LINE_VECS / 2 + 1], cut[LINE_VECS / 2];
    CF_UNROLL
    for (int a = 0; a <= cuts; a++)
        held[a] = V(load)(x + a * VLANES);
#define RESIDUE(j)                                                                                 \
    if (end <= (j))                                                                                \
        return;                                                                                    \
    if (from <= (j)) {                                                                             \
        CF_UNROLL                                                                                  \
        for (int a = 0; a < cuts; a++)                                                             \
            cut[a] = (j) ? V(cut)(held[a], held[a + 1], (j) * PARTS) : held[a];                    \
        FN(line_step)(acc, x + (j) * PARTS, cut, cuts, t + (j) * tap_col, tap_step, taps, vecs, tail); \
    }
    RESIDUE(0) RESIDUE(1) RESIDUE(2) RESIDUE(3)
#if VLANES / PARTS > 4
    RESIDUE(4) RESIDUE(5) RESIDUE(6) RESIDUE(7)
#endif
#if VLANES / PARTS > 8
    RESIDUE(8) RESIDUE(9) RESIDUE(10) RESIDUE(11) RESIDUE(12) RESIDUE(13) RESIDUE(14) RESIDUE(15)
#endif
#undef RESIDUE
}
#endif

/* The residues `from` to `end`, of `taps` taps each; x and t are those of residue 0. */
CF_INLINE void FN(line_steps)(FN(acc) acc[LINE_VECS], const ELEM *x, const ELEM *t, int64_t tap_col, int64_t tap_step, int64_t from,
                              int64_t end, int taps, int vecs, int64_t tail)
{
#if LINE_CUTS
    if (CUTS(vecs, taps)) {
        FN(line_cut_steps)(acc, x, t, tap_col, tap_step, from, end, taps, vecs, tail);
        return;
    }
#endif
    for (int64_t j = from; j < end; j++)
        FN(line_step)(acc, x + j * PARTS, NULL, 0, t + j * tap_col, tap_step, taps, vecs, tail);
}

/* All taps of one plane. */
CF_INLINE void FN(line_plane)(FN(acc) acc[LINE_VECS], const cf_plane *p, int64_t c0, int vecs, int64_t tail)
{
    const int64_t lanes = VLANES / PARTS, tap_col = PARTS * p->tap_col, tap_step = lanes * tap_col;
    const ELEM *x = (const ELEM *)p->lines[0] + PARTS * (p->offset + c0), *t = p->taps;
    int64_t k = p->kw;
    for (; k >= lanes * LINE_TAPS; k -= lanes * LINE_TAPS, x += LINE_TAPS * VLANES, t += LINE_TAPS * tap_step)
        FN(line_steps)(acc, x, t, tap_col, tap_step, 0, lanes, LINE_TAPS, vecs, tail);
    /* What is left has one tap more for the first residues than for the others: no zero taps, so no 0 * Inf. */
    int64_t taps = k / lanes + 1, from = 0, end = k % lanes;
    for (; k > 0 && taps > 0; taps--, from = end, end = lanes) {
#define STEPS(taps) FN(line_steps)(acc, x, t, tap_col, tap_step, from, end, taps, vecs, tail)
        switch (taps) {
#if LINE_TAPS > 2
        case 4: STEPS(4); break;
        case 3: STEPS(3); break;
#endif
        case 2: STEPS(2); break;
        default: STEPS(1);
        }
#undef STEPS
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

/* few: a constant; there is one plane, of no more taps than a vector has lanes.  Any number of planes of any size take some 25 cycles more
 * to look at, a quarter of the time of a tile at 3 taps. */
CF_INLINE void FN(line_tile)(const FN(run) *run, int64_t c0, int few, int vecs, int64_t tail, int streams)
{
    FN(acc) acc[LINE_VECS];
    ELEM *out = run->y + PARTS * c0;
    const cf_plane *first = run->planes;
    const ELEM *x = few || streams ? (const ELEM *)first->lines[0] + PARTS * (first->offset + c0) : NULL;
    if (streams) { /* an address past the line's end does no harm */
        const uintptr_t ahead = (uintptr_t)x + FN(AHEAD);
        for (int c = 0; c < vecs * (int)sizeof(VEC); c += 64)
            CF_PREFETCH((const void *)(ahead + (unsigned)c), 0);
    }
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        acc[c] = run->flags & CF_ACCUMULATE ? FN(begin)(out + c * VLANES, tail, &run->signs) : FN(nothing)();
    if (few)
        FN(line_steps)(acc, x, first->taps, PARTS * first->tap_col, 0, 0, first->kw, 1, vecs, tail);
    else
        for (const cf_plane *p = first; p < first + run->count; p++)
            FN(line_plane)(acc, p, c0, vecs, tail);
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        if (streams)
            FN(end_past_cache)(out + c * VLANES, acc[c], &run->signs);
        else
            FN(end)(out + c * VLANES, acc[c], tail, &run->signs);
}

/* Every width is a function of its own, as in rows_tmpl.h. */
typedef void FN(line_fn)(const FN(run) *run, int64_t c0, int64_t tiles);
#define TILE(name, few, vecs, streams)                                      \
    static void FN(name)(const FN(run) *work, int64_t c0, int64_t tiles)    \
    {                                                                       \
        FN(run) run = *work; /* in registers: y could be in its place */    \
        cf_plane only;                                                      \
        if (few) {                                                          \
            only = *work->planes;                                           \
            run.planes = &only;                                             \
        }                                                                   \
        for (; tiles > 0; tiles--, c0 += (vecs) * (VLANES / PARTS))         \
            FN(line_tile)(&run, c0, few, vecs, 0, streams);                 \
    }
#ifdef CF_STREAMS
#define PAST_CACHE(name, few, vecs) TILE(name##_stream, few, (few) ? FN(FEW_PAST_CACHE) : (vecs), 1)
#else
#define PAST_CACHE(name, few, vecs)
#endif
#define TILES(name, few, vecs)                   \
    TILE(name##_whole, few, vecs, 0)             \
    TILE(name##_half, few, (vecs) / 2, 0)        \
    TILE(name##_quarter, few, (vecs) / 4, 0)     \
    TILE(name##_pair, few, 2, 0)                 \
    TILE(name##_vector, few, 1, 0)               \
    PAST_CACHE(name, few, vecs)
TILES(line, 0, LINE_VECS)
TILES(few, 1, LINE_FEW)
#undef TILES
#undef PAST_CACHE
#undef TILE
static void FN(line_part)(const FN(run) *run, int64_t c0, int64_t n) { FN(line_tile)(run, c0, 0, 1, PARTS * n, 0); }

/* Tiles of each kind, the widest first. */
static const struct { FN(line_fn) *tiles; int64_t vecs; } FN(widths)[2][5] = {
    {{FN(line_whole), LINE_VECS}, {FN(line_half), LINE_VECS / 2}, {FN(line_quarter), LINE_VECS / 4}, {FN(line_pair), 2}, {FN(line_vector), 1}},
    {{FN(few_whole), LINE_FEW}, {FN(few_half), LINE_FEW / 2}, {FN(few_quarter), LINE_FEW / 4}, {FN(few_pair), 2}, {FN(few_vector), 1}}};

#ifdef CF_STREAMS
/* Tiles whose stores bypass the cache, between whole vectors of memory; returns where they end. */
static int64_t FN(line_past_cache)(const FN(run) *run, int few, int64_t n)
{
    const int64_t past = (int64_t)((uintptr_t)run->y % sizeof(VEC)), width = (few ? FN(FEW_PAST_CACHE) : LINE_VECS) * (VLANES / PARTS);
    const int64_t before = past ? (int64_t)sizeof(VEC) - past : 0, c = before / (int64_t)(PARTS * sizeof(ELEM)), tiles = (n - c) / width;
    if (before % (int64_t)(PARTS * sizeof(ELEM)) || tiles < 1)
        return 0;
    if (c > 0)
        FN(line_vector)(run, 0, 1);
    (few ? FN(few_stream) : FN(line_stream))(run, c, tiles);
    CF_CAT(fence, CF_SUFFIX)();
    return c + tiles * width;
}

#endif

static void FN(line)(const cf_plane *planes, int64_t count, void *y, int64_t n, int flags)
{
    const FN(run) run = {planes, count, y, flags, FN(signs_of)(flags)};
    const int64_t lanes = VLANES / PARTS;
    const int few = count == 1 && planes->kw > 0 && planes->kw <= lanes;
    const int64_t widest = FN(widths)[few][0].vecs * lanes;
    /* The last tile is moved back to end with the line, if it is at least half new: the same bits again where it overlaps.  Not if
     * sums go on. */
    const int moves = !(flags & CF_ACCUMULATE);
    int64_t c = 0;
#ifdef CF_STREAMS
    if (flags & CF_STREAM && moves && count > 0)
        c = FN(line_past_cache)(&run, few, n);
#endif
    const int64_t past = c; /* what went past the cache is not fetched again to be overwritten */
    if (n - c >= widest) {
        FN(widths)[few][0].tiles(&run, c, (n - c) / widest);
        c = n - (n - c) % widest;
    }
    for (int i = 0; i < 5 && c < n; i++) {
        const int64_t width = FN(widths)[few][i].vecs * lanes;
        for (; n - c >= width; c += width)
            FN(widths)[few][i].tiles(&run, c, 1);
        if (c < n && (n - c) * 2 > (width > lanes ? width : 0) && n - width >= past && moves) {
            FN(widths)[few][i].tiles(&run, n - width, 1);
            return;
        }
    }
    if (c < n)
        FN(line_part)(&run, c, n - c);
}
#undef CUTS
