/* cf_rows_fn, by one of two walks.
 *
 * Strips: a few vectors of columns, from the first line down.  A line belongs to the windows of KH output rows, and the sums of all of
 * them are in registers: its vectors are loaded once for KH x KW taps, so that loads do not bound the speed, and no line is met twice.
 * Then the oldest row is complete and a new one begins.  7x7 in float32 with AVX-512 in a near cache: 92-95 % of the FMA peak, where
 * tiles, whose first and last lines feed few rows, reach 75.  More tap rows than there are registers for are taken a part at a time,
 * resuming from y; that changes no bit of a real sum, for lines come first in its order: lines, planes, columns of taps.
 *
 * Tiles: 4 rows at a time, along the rows, for windows that are narrow or of many rows: there a strip would do little with each line
 * (31x1 in 512 x 512: 0.6 of the speed) or meet every line in several parts (31x3: 0.75).
 *
 * There are no scalar tails: strips and tiles are of nearly equal width, and the last vector of the last one is moved back to end with
 * the row.  Where it overlaps its neighbor both hold the same sum, from the same start. */

#define TILE_ROWS (ROWS_MOST < 4 ? ROWS_MOST : 4)
/* To how many tap rows strips are used, by how many columns of taps there are. */
#define STRIPS_TO(columns) ((columns) <= 2 ? 2 : CF_REGISTERS >= 32 || PARTS == 1 ? 12 : 3)

/* How many vectors wide `rows` sums are: as many as the registers allow, if they hold the vectors of a line and one tap, or one vector
 * and the taps of a column, whichever is wider. */
#define BY_VECTORS(rows) ((CF_REGISTERS - PARTS - ROWS_TEMPS) / (PARTS * (rows) + 1))
#define BY_TAPS(rows) ((CF_REGISTERS - 1 - PARTS * (rows) - ROWS_TEMPS) / (PARTS * (rows)))
#define BY_EITHER(rows) (BY_TAPS(rows) > BY_VECTORS(rows) ? BY_TAPS(rows) : BY_VECTORS(rows))
#ifdef CF_PLAIN_C /* a number is a vector there: wider strips only take longer to compile */
#define ROWS_WIDEST(rows) 2
#else
#define ROWS_WIDEST(rows) ((rows) > 1 ? 6 : 8)
#endif
#define ROWS_VECS(rows) ((rows) > ROWS_MOST ? 0 : BY_EITHER(rows) < ROWS_WIDEST(rows) ? BY_EITHER(rows) : ROWS_WIDEST(rows))

enum {
    FN(NEXT) = 3,            /* lines to the one that is fetched */
    FN(FEW_TAPS) = 16,       /* of samples from memory: 5x5 is as fast in strips */
    FN(NEAR_BYTES) = 1 << 15 /* lines of one call that need not be fetched ahead: they are in the first cache */
};

#define CACHE_LINE_VECS (64 / (int)sizeof(VEC) > 1 ? 64 / (int)sizeof(VEC) : 1)

/* A part of a plane's tap rows; steps in bytes. */
typedef struct FN(part) {
    const void *const *lines;
    int64_t at, step;
    const char *taps;
    int64_t tap_row, tap_col, kw;
} FN(part);

/* Rows of outputs in work. */
typedef struct FN(strip) {
    FN(part) part[CF_ROWS_PLANES];
    int64_t count, kh;
    int near_lines; /* whether lines are fetched from the second cache */
    ELEM *y;
    int64_t y_row, rows; /* y_row in numbers, not samples */
    int flags;
    FN(signs) signs;
} FN(strip);

/* One column of taps against the sums lo to hi of `sums`.  Sum d uses the tap row d. */
CF_INLINE void FN(rows_column)(FN(acc) acc[ROWS_MOST][8], const ELEM *x, const char *taps, const char *taps5, int64_t tap_row, int sums,
                               int lo, int hi, int vecs, int64_t last, int64_t tail)
{
/* two bases and the step between rows: seven addresses would be spilled */
#define TAP(d) FN(tap_at)((const ELEM *)(const void *)((d) == 5 || (d) == 7 ? taps5 + ((d) - 5) * tap_row : taps + (d) * tap_row))
#define SAMPLES(c) (tail ? FN(load_part)(x, tail) : V(load)((c) < vecs - 1 ? x + (c) * VLANES : x + last))
    if (vecs > BY_VECTORS(sums) || (CF_REGISTERS >= 32 && hi - lo + 1 < vecs)) { /* a register for each tap, not for each vector */
        FN(tap) tap[ROWS_MOST];
        CF_UNROLL
        for (int d = lo; d <= hi; d++)
            tap[d] = TAP(d);
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            VEC v = SAMPLES(c);
            if (hi > lo)
                KEEP(v); /* else gcc folds the load into each FMA that uses it, and the reuse is gone */
            CF_UNROLL
            for (int d = lo; d <= hi; d++)
                acc[d][c] = FN(mac)(acc[d][c], v, tap[d]);
        }
        return;
    }
    VEC v[8];
    CF_UNROLL
    for (int c = 0; c < vecs; c++) {
        v[c] = SAMPLES(c);
        if (hi > lo)
            KEEP(v[c]);
    }
    CF_UNROLL
    for (int d = lo; d <= hi; d++) {
        FN(tap) tap = TAP(d);
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[d][c] = FN(mac)(acc[d][c], v[c], tap);
    }
#undef TAP
#undef SAMPLES
}

CF_INLINE void FN(rows_fetch)(const ELEM *p, int vecs, int writes)
{
    for (int c = 0; c < vecs; c += CACHE_LINE_VECS)
        if (writes)
            CF_PREFETCH(p + c * VLANES, 1);
        else
            CF_PREFETCH(p + c * VLANES, 0);
}

/* Line i of a plane; line `next` is fetched from the second cache if it is not -1. */
CF_INLINE void FN(rows_line)(FN(acc) acc[ROWS_MOST][8], const FN(part) *p, int64_t i, int64_t next, int64_t c0, int sums, int lo, int hi,
                             int vecs, int64_t last, int64_t tail)
{
    const int64_t step = p->step, tap_row = p->tap_row, tap_col = p->tap_col;
    const char *x = (const char *)p->lines[i] + p->at + c0 * (int64_t)sizeof(ELEM), *taps = p->taps, *taps5 = taps + 5 * tap_row;
    if (next >= 0)
        FN(rows_fetch)((const ELEM *)(const void *)((const char *)p->lines[next] + p->at + c0 * (int64_t)sizeof(ELEM)), vecs, 0);
    for (int64_t j = p->kw; j > 0; j--, x += step, taps += tap_col, taps5 += tap_col)
        FN(rows_column)(acc, (const ELEM *)(const void *)x, taps, taps5, tap_row, sums, lo, hi, vecs, last, tail);
}

CF_INLINE void FN(rows_begin)(FN(acc) acc[8], const ELEM *y, int vecs, int64_t last, int64_t tail, const FN(signs) *signs)
{
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        acc[c] = y ? FN(begin)(y + (c < vecs - 1 ? c * VLANES : last), tail, signs) : FN(nothing)();
}

CF_INLINE void FN(rows_end)(const FN(acc) acc[8], ELEM *y, int vecs, int64_t last, int64_t tail, const FN(signs) *signs)
{
    CF_UNROLL
    for (int c = 0; c < vecs; c++)
        FN(end)(y + (c < vecs - 1 ? c * VLANES : last), acc[c], tail, signs);
}

CF_INLINE void FN(rows_age)(FN(acc) acc[ROWS_MOST][8], int kh, int vecs)
{
    CF_UNROLL
    for (int d = kh - 1; d > 0; d--)
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[d][c] = acc[d - 1][c];
}

/* A strip from number c0 of the rows on, its last vector `last` numbers from its first.  The sum of the row that began d lines ago is
 * acc[d].  kh, vecs and alone are constants; alone: there is one plane, held in registers, for where taps are few nothing else may take
 * long. */
CF_INLINE void FN(rows_strip)(const FN(strip) *s, int64_t c0, int64_t last, int64_t tail, int kh, int vecs, int alone)
{
    FN(acc) acc[ROWS_MOST][8];
    const int64_t y_row = s->y_row, ahead = 2 * vecs * VLANES; /* the strip after the next */
    const int far = s->flags & CF_FAR, far_y = s->flags & CF_FAR_OUTPUTS;
    const FN(part) *newest = &s->part[s->count - 1]; /* the others are mostly in the cache since the plane before was summed */
    const FN(part) only = s->part[0];
    ELEM *y = s->y + c0;
    const ELEM *begun = y;
    int64_t next, lines = s->near_lines ? s->rows + kh - 1 : 0, i = 0, resumes = s->flags & CF_ACCUMULATE ? s->rows : 0;
#define BEGIN()                                                                         \
    if (resumes > 0) {                                                                  \
        FN(rows_begin)(acc[0], begun, vecs, last, tail, &s->signs);                     \
        begun += y_row;                                                                 \
        resumes--;                                                                      \
    } else {                                                                            \
        FN(rows_begin)(acc[0], NULL, vecs, last, tail, &s->signs);                      \
    }
#define LINE(lo, hi)                                                                                                   \
    if (far)                                                                                                           \
        FN(rows_fetch)((const ELEM *)newest->lines[i] + newest->at / (int64_t)sizeof(ELEM) + c0 + ahead, vecs, 0);     \
    next = i + FN(NEXT) < lines ? i + FN(NEXT) : -1;                                                                   \
    if (alone)                                                                                                         \
        FN(rows_line)(acc, &only, i, next, c0, kh, lo, hi, vecs, last, tail);                                          \
    else                                                                                                               \
        for (const FN(part) *p = s->part; p <= newest; p++)                                                            \
            FN(rows_line)(acc, p, i, next, c0, kh, lo, hi, vecs, last, tail)
#define END()                                                                           \
    if (far_y)                                                                          \
        FN(rows_fetch)(y + ahead, vecs, 1);                                             \
    FN(rows_end)(acc[kh - 1], y, vecs, last, tail, &s->signs);                          \
    y += y_row
    BEGIN();
    CF_UNROLL
    for (int d = 0; d < kh - 1; d++, i++) { /* all rows but one of the first window begin */
        LINE(0, d);
        FN(rows_age)(acc, kh, vecs);
        BEGIN();
    }
    /* Fewer rows than sums: those past the last row are computed from the lines there are, and dropped. */
    const int64_t end = s->rows < kh - 1 ? s->rows + kh - 1 : s->rows;
    for (; i < end; i++) { /* kh sums in other places in each of kh copies of this, instead of moves, are not faster */
        LINE(0, kh - 1);
        END();
        FN(rows_age)(acc, kh, vecs);
        BEGIN();
    }
    if (s->rows < kh - 1)
        return;
    CF_UNROLL
    for (int d = 1; d < kh; d++, i++) { /* the last windows end */
        LINE(d, kh - 1);
        END();
        FN(rows_age)(acc, kh, vecs);
    }
#undef BEGIN
#undef LINE
#undef END
}

/* Where registers are few, the loads of the next line must wait for them. */
#if CF_REGISTERS < 32
#define IN_ORDER() CF_IN_ORDER()
#else
#define IN_ORDER() ((void)0)
#endif

/* The lines of a tile of at most kh + 1 rows against `columns` columns of taps, the first of which meets what lies `at` bytes into a line.
 * Sum r meets the tap row i - r on line i: tap rows are counted upward. */
CF_INLINE void FN(rows_tile_lines)(FN(acc) acc[ROWS_MOST][8], const FN(part) *p, int64_t at, const char *taps, int64_t kh, int64_t columns,
                                   int rows, int vecs, int64_t last, int64_t tail)
{
    const int64_t step = p->step, tap_row = p->tap_row, tap_col = p->tap_col;
    const void *const *const lines = p->lines;
    const char *x, *tap;
#define LINE(i, lo, hi)                                                                                    \
    IN_ORDER();                                                                                            \
    x = (const char *)lines[i] + at;                                                                       \
    tap = taps - (i) * tap_row;                                                                            \
    for (int64_t j = columns; j > 0; j--, x += step, tap += tap_col)                                       \
        FN(rows_column)(acc, (const ELEM *)(const void *)x, tap, tap, tap_row, rows, lo, hi, vecs, last, tail)
    if (rows > 1) {
        LINE(0, 0, 0);
    }
    if (rows > 2) {
        LINE(1, 0, 1);
    }
    if (rows > 3) {
        LINE(2, 0, 2);
    }
    for (int64_t i = rows - 1; i < kh; i++) {
        LINE(i, 0, rows - 1);
    }
    if (rows > 1) {
        LINE(kh, 1, rows - 1);
    }
    if (rows > 2) {
        LINE(kh + 1, 2, rows - 1);
    }
    if (rows > 3) {
        LINE(kh + 2, 3, rows - 1);
    }
#undef LINE
}

/* A tile of `rows` rows from number c0 on.  narrow: of one or two columns of taps; a loop over them within each line would take longer than
 * they do. */
CF_INLINE void FN(rows_tile)(const FN(strip) *s, int64_t c0, int64_t last, int64_t tail, int rows, int vecs, int narrow)
{
    FN(acc) acc[ROWS_MOST][8];
    const int64_t y_row = s->y_row;
    ELEM *y = s->y + c0;
    CF_UNROLL
    for (int r = 0; r < rows; r++)
        FN(rows_begin)(acc[r], s->flags & CF_ACCUMULATE ? y + r * y_row : NULL, vecs, last, tail, &s->signs);
    if (s->flags & CF_FAR) { /* samples of the tile below */
        const FN(part) *newest = &s->part[s->count - 1];
        for (int r = 0; r < rows; r++) {
            FN(rows_fetch)((const ELEM *)newest->lines[rows + s->kh - 1 + r] + newest->at / (int64_t)sizeof(ELEM) + c0, vecs, 0);
            if (s->flags & CF_FAR_OUTPUTS)
                FN(rows_fetch)(y + r * y_row, vecs, 1);
        }
    }
    for (const FN(part) *p = s->part; p < s->part + s->count; p++) {
        const int64_t at = p->at + c0 * (int64_t)sizeof(ELEM);
        if (narrow)
            for (int64_t j = 0; j < p->kw; j++)
                FN(rows_tile_lines)(acc, p, at + j * p->step, p->taps + j * p->tap_col, s->kh, 1, rows, vecs, last, tail);
        else
            FN(rows_tile_lines)(acc, p, at, p->taps, s->kh, p->kw, rows, vecs, last, tail);
    }
    CF_UNROLL
    for (int r = 0; r < rows; r++, y += y_row) {
        CF_ANEW(y);
        FN(rows_end)(acc[r], y, vecs, last, tail, &s->signs);
    }
}

/* Every width is a function of its own: in one large function gcc spills the tightest of them (0.8 of the speed).  [0] is less than a
 * vector wide, [v] is v vectors wide. */
typedef void FN(strip_fn)(const FN(strip) *strip, int64_t c0, int64_t last);
#define PART(name, walk, rows, kind) \
    static void FN(name)(const FN(strip) *s, int64_t c0, int64_t tail) { FN(walk)(s, c0, 0, tail, rows, 1, kind); }
#define WIDTH(name, walk, rows, vecs, kind)                                            \
    static void FN(name)(const FN(strip) *s, int64_t c0, int64_t last)                 \
    {                                                                                  \
        if ((vecs) <= ROWS_VECS(rows))                                                 \
            FN(walk)(s, c0, last, 0, rows, (vecs) % (ROWS_VECS(rows) + 1), kind);      \
    }
#define WIDTHS(name, walk, rows, kind)     \
    PART(name##_part, walk, rows, kind)    \
    WIDTH(name##_1, walk, rows, 1, kind)   \
    WIDTH(name##_2, walk, rows, 2, kind)   \
    WIDTH(name##_3, walk, rows, 3, kind)   \
    WIDTH(name##_4, walk, rows, 4, kind)   \
    WIDTH(name##_5, walk, rows, 5, kind)   \
    WIDTH(name##_6, walk, rows, 6, kind)   \
    WIDTH(name##_7, walk, rows, 7, kind)   \
    WIDTH(name##_8, walk, rows, 8, kind)   \
    static FN(strip_fn) *const FN(name)[9] = {FN(name##_part), FN(name##_1), FN(name##_2), FN(name##_3), FN(name##_4), \
                                              FN(name##_5), FN(name##_6), FN(name##_7), FN(name##_8)};
WIDTHS(tile_1, rows_tile, 1, 0)
WIDTHS(tile_2, rows_tile, 2, 0)
WIDTHS(tile_most, rows_tile, TILE_ROWS, 0)
WIDTHS(narrow_1, rows_tile, 1, 1)
WIDTHS(narrow_2, rows_tile, 2, 1)
WIDTHS(narrow_most, rows_tile, TILE_ROWS, 1)
WIDTHS(alone_2, rows_strip, 2, 1)
WIDTHS(alone_3, rows_strip, 3, 1)
WIDTHS(strip_1, rows_strip, 1, 0)
WIDTHS(strip_2, rows_strip, 2, 0)
WIDTHS(strip_3, rows_strip, 3, 0)
#if ROWS_MOST > 3
WIDTHS(strip_4, rows_strip, 4, 0)
#endif
#if ROWS_MOST > 4
WIDTHS(strip_5, rows_strip, 5, 0)
WIDTHS(strip_6, rows_strip, 6, 0)
WIDTHS(strip_7, rows_strip, 7, 0)
WIDTHS(strip_8, rows_strip, 8, 0)
WIDTHS(strip_9, rows_strip, 9, 0)
#endif
#undef WIDTHS
#undef WIDTH
#undef PART

/* By whether there is one plane alone, and by the number of sums; alone, 3 rows are 1.14 times as fast, 5 no faster. */
static FN(strip_fn) *const *const FN(strips)[2][9] = {
    {FN(strip_1), FN(strip_2), FN(strip_3),
#if ROWS_MOST > 3
     FN(strip_4),
#endif
#if ROWS_MOST > 4
     FN(strip_5), FN(strip_6), FN(strip_7), FN(strip_8), FN(strip_9),
#endif
    },
    {FN(strip_1), FN(alone_2), FN(alone_3),
#if ROWS_MOST > 3
     FN(strip_4),
#endif
#if ROWS_MOST > 4
     FN(strip_5), FN(strip_6), FN(strip_7), FN(strip_8), FN(strip_9),
#endif
    }};

/* The tap rows of `planes` from `first` on, `way` is -1 to count them upward.  A step that is not taken could overflow. */
static void FN(rows_take)(FN(strip) *s, const cf_plane *planes, int64_t first, int64_t way)
{
    const int64_t size = PARTS * (int64_t)sizeof(ELEM);
    for (int64_t k = 0; k < s->count; k++) {
        const cf_plane *p = &planes[k];
        const int64_t step = p->kw > 1 ? p->step * size : 0, tap_col = p->kw > 1 ? p->tap_col * size : 0;
        const int64_t tap_row = p->kh > 1 ? p->tap_row * size : 0;
        s->part[k] = (FN(part)){p->lines + first, p->offset * size, step, (const char *)p->taps + first * tap_row, way * tap_row, tap_col,
                                p->kw};
    }
}

/* Some columns of the planes in strips, a part of their tap rows at a time. */
static void FN(rows_down)(FN(strip) *s, const cf_plane *planes, int64_t parts, int64_t c0, int64_t last, int64_t vecs)
{
    const int flags = s->flags, near_lines = s->near_lines;
    s->flags &= ~(CF_FAR | CF_FAR_OUTPUTS);
    for (int64_t part = 0, first = 0, end; part < parts; part++, first = end) {
        end = s->kh * (part + 1) / parts;
        FN(rows_take)(s, planes, first, 1);
        if (part == parts - 1)
            s->flags |= flags & (CF_FAR | CF_FAR_OUTPUTS);
        FN(strips)[s->count == 1][end - first - 1][vecs](s, c0, last);
        s->flags |= CF_ACCUMULATE;
        s->near_lines = 0;
    }
    s->flags = flags;
    s->near_lines = near_lines;
}

/* All columns, `most` vectors at a time: of strips, or of one row of tiles. */
static void FN(rows_across)(FN(strip) *s, const cf_plane *planes, int64_t parts, FN(strip_fn) *const *tile, int64_t most, int64_t n)
{
    const int64_t lanes = VLANES / PARTS;
    for (int64_t left = (n + lanes - 1) / lanes, c = 0, vecs; left > 0; left -= vecs) {
        vecs = left <= most ? left : left < 2 * most ? left / 2 : most; /* the last two of nearly equal width */
        const int64_t end = c + vecs * lanes;
        int64_t width = vecs, c0 = PARTS * c, last = PARTS * ((end < n ? end : n) - lanes - c);
        if (last < 0 && (n < lanes || s->flags & CF_ACCUMULATE)) { /* not moved onto what its neighbor has summed already */
            width = 0;
            last = PARTS * (n - c);
        } else if (last < 0) {
            c0 = PARTS * (n - lanes);
            last = 0;
        }
        if (tile)
            tile[width](s, c0, last);
        else
            FN(rows_down)(s, planes, parts, c0, last, width);
        c = end;
    }
}

/* How planes are walked.  The order of the sum must depend on the taps alone.  That of one plane is the same in strips and in wide tiles
 * (lines, columns of taps), so where samples come from memory and taps are so few that memory is what is waited for, it goes in tiles: along
 * the rows, where the processor fetches ahead by itself (Zen 4, 3x3 in 2048 x 2048: 1.3-1.4 times as fast, 3x1 1.2-1.7; in the last
 * cache strips are, 1.1).  Whole lines of memory from there past the caches: 1.05-1.2 with an output that is there, 0.85-0.9 with a new one,
 * whose pages were just cleared. */
enum { FN(STRIPS) = -1, FN(TILES), FN(NARROW_TILES) };

CF_INLINE int FN(rows_walk)(const cf_plane *p, int64_t count, int flags)
{
    const int fits = p->kh <= STRIPS_TO(p->kw), same = fits && count == 1 && (PARTS == 1 || p->kh <= ROWS_MOST);
    if (fits && !(same && flags & CF_STREAM && p->kh * p->kw <= FN(FEW_TAPS)))
        return FN(STRIPS);
    return p->kw > 2 || (fits && p->kw == 2) ? FN(TILES) : FN(NARROW_TILES);
}

static void FN(rows)(const cf_plane *planes, int64_t count, void *y, int64_t y_row, int64_t rows, int64_t n, int flags)
{
    static FN(strip_fn) *const *const tiles[2][3] = {{FN(tile_1), FN(tile_2), FN(tile_most)},
                                                     {FN(narrow_1), FN(narrow_2), FN(narrow_most)}};
    FN(strip) s;
    s.y = y;
    s.y_row = PARTS * y_row;
    s.rows = rows;
    s.signs = FN(signs_of)(flags);
    if (count == 0) { /* one tap row of no taps */
        const cf_plane nothing = {.lines = (const void *const[]){y}, .taps = y, .kh = 1};
        for (int64_t r = 0; r < rows; r++)
            FN(rows)(&nothing, 1, (ELEM *)y + r * s.y_row, y_row, 1, n, flags & ~(CF_FAR | CF_FAR_OUTPUTS));
    }
    for (; count > 0; planes += s.count, count -= s.count, flags |= CF_ACCUMULATE) { /* planes of one kind at a time */
        const int walk = FN(rows_walk)(planes, count, flags);
        s.kh = planes->kh;
        for (s.count = 1; s.count < count && s.count < CF_ROWS_PLANES; s.count++)
            if (planes[s.count].kh != s.kh || FN(rows_walk)(planes + s.count, count, flags) != walk)
                break;
        s.near_lines = s.count * (rows + s.kh) * n * PARTS * (int64_t)sizeof(ELEM) > FN(NEAR_BYTES);
        s.flags = s.count < count ? flags & ~(CF_FAR | CF_FAR_OUTPUTS) : flags;
        if (walk == FN(STRIPS)) {
            /* A real sum has no reason to drop rows: it takes more parts. */
            const int64_t most = PARTS == 1 && rows + 1 < ROWS_MOST ? rows + 1 : ROWS_MOST;
            const int64_t parts = (s.kh + most - 1) / most;
            FN(rows_across)(&s, planes, parts, NULL, ROWS_VECS((s.kh + parts - 1) / parts), n);
            continue;
        }
        FN(rows_take)(&s, planes, 0, -1);
        for (int64_t row = 0, step; row < rows; row += step, s.y += step * s.y_row) {
            step = s.kh > 2 && rows - row >= TILE_ROWS ? TILE_ROWS : rows - row > 1 ? 2 : 1; /* no more than kh + 1 */
            if (rows - row < 2 * TILE_ROWS)
                s.flags &= ~CF_FAR;
            FN(rows_across)(&s, NULL, 1, tiles[walk][step > 2 ? 2 : step - 1], ROWS_VECS(step), n);
            for (int64_t k = 0; k < s.count; k++)
                s.part[k].lines += step;
        }
        s.y = y;
    }
}

#undef TILE_ROWS
#undef IN_ORDER
#undef STRIPS_TO
#undef BY_VECTORS
#undef BY_TAPS
#undef BY_EITHER
#undef ROWS_WIDEST
#undef ROWS_VECS
#undef CACHE_LINE_VECS
