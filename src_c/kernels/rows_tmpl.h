/* cf_rows_fn: a tile of ROWS output rows by up to ROWS_VECS vectors.  Walking the input lines, each loaded vector feeds every
 * output row that it belongs to, so that loads do not bound the speed: with 4 x 3 tiles 81-93 % of the FMA peak for kernels of
 * 7x7 and more on Zen 3, against 50-58 % when every tap loads its own.
 *
 * There are no scalar tails.  The columns are cut into tiles of nearly equal width; the last vector of the last tile is moved
 * back to end with the line.  Where it overlaps its neighbor both hold the same sum, from the same start. */

#ifdef ROWS_HELD5_VECS
#define HELD 5
#else
#define HELD 3
#endif
#define CACHE_LINE_VECS (64 / (int)sizeof(VEC) > 1 ? 64 / (int)sizeof(VEC) : 1)
#define MIDDLE 6
#define HIGH 7

/* The taps of one column of the kernel that line i of a tile meets, held in registers: tap i - r for the output row r, lo <= r <= hi. */
CF_INLINE void FN(rows_held)(FN(acc) acc[4][8], const ELEM *x, int64_t last, const FN(tap) *tap, int i, int lo, int hi, int vecs,
                             int64_t tail)
{
    CF_UNROLL
    for (int c = 0; c < vecs; c++) {
        VEC v = tail ? FN(load_part)(x, tail) : V(load)(x + (c < vecs - 1 ? c * VLANES : last));
        /* else gcc folds the load into each FMA that uses it, and the reuse is gone */
        if (hi > lo)
            KEEP(v);
        CF_UNROLL
        for (int r = lo; r <= hi; r++)
            acc[r][c] = FN(mac)(acc[r][c], v, tap[i - r]);
    }
}

/* A plane of at most HELD tap rows, column after column of its taps. */
CF_INLINE void FN(rows_low)(FN(acc) acc[4][8], const cf_plane *p, const void *const *lines, int64_t c0, int kh, int rows, int vecs,
                            int64_t last, int64_t tail)
{
    const int64_t step = PARTS * p->step, tap_row = PARTS * p->tap_row, tap_col = PARTS * p->tap_col;
    const ELEM *taps = p->taps;
    int64_t at = PARTS * (p->offset + c0);
    for (int64_t j = p->kw; j > 0; j--, at += step, taps += tap_col) {
        FN(tap) tap[HELD];
        CF_UNROLL
        for (int k = 0; k < kh; k++)
            tap[k] = FN(tap_at)(taps + k * tap_row);
#define LINE(i)                                                                                                    \
    if ((i) < kh + rows - 1)                                                                                       \
        FN(rows_held)(acc, (const ELEM *)lines[i] + at, last, tap, i, (i) < kh ? 0 : (i) - kh + 1, (i) < rows ? (i) : rows - 1, vecs, tail)
        LINE(0);
        LINE(1);
        LINE(2);
        LINE(3);
        LINE(4);
        LINE(5);
        LINE(6);
        LINE(7);
#undef LINE
    }
}

/* One line against taps that are read: `taps` are those of row lo, the rows after it use the tap rows before. */
CF_INLINE void FN(rows_read)(FN(acc) acc[4][8], const ELEM *x, const ELEM *end, const ELEM *taps, int64_t tap_row, int lo, int hi, int vecs,
                             int64_t tail)
{
    const ELEM *upper = taps - 2 * tap_row; /* two bases and one register for the step between rows */
    if (BY_REGISTERS(0, 1)) { /* a register for each tap: fewer than for each vector */
        FN(tap) tap[4];
        CF_UNROLL
        for (int r = lo; r <= hi; r++)
            tap[hi - r] = FN(tap_at)((r - lo < 2 ? taps : upper) - (r - lo) % 2 * tap_row);
        CF_UNROLL
        for (int c = 0; c < vecs; c++) {
            VEC v = tail ? FN(load_part)(x, tail) : V(load)(c < vecs - 1 ? x + c * VLANES : end);
            if (hi > lo)
                KEEP(v);
            CF_UNROLL
            for (int r = lo; r <= hi; r++)
                acc[r][c] = FN(mac)(acc[r][c], v, tap[hi - r]);
        }
        return;
    }
    VEC v[8];
    CF_UNROLL
    for (int c = 0; c < vecs; c++) {
        v[c] = tail ? FN(load_part)(x, tail) : V(load)(c < vecs - 1 ? x + c * VLANES : end);
        if (hi > lo)
            KEEP(v[c]);
    }
    CF_UNROLL
    for (int r = lo; r <= hi; r++) {
        FN(tap) tap = FN(tap_at)((r - lo < 2 ? taps : upper) - (r - lo) % 2 * tap_row);
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            acc[r][c] = FN(mac)(acc[r][c], v[c], tap);
    }
}

/* The lines of a tile: more and more output rows begin, all of them go on, fewer and fewer are left. */
#define ROWS_WALK(LINE)                     \
    if (rows > 1)                           \
        LINE(0, 0, 0);                      \
    if (rows > 2)                           \
        LINE(1, 0, 1);                      \
    if (rows > 3)                           \
        LINE(2, 0, 2);                      \
    for (int64_t i = rows - 1; i < kh; i++) \
        LINE(i, 0, rows - 1);               \
    if (rows > 1)                           \
        LINE(kh, 1, rows - 1);              \
    if (rows > 2)                           \
        LINE(kh + 1, 2, rows - 1);          \
    if (rows > 3)                           \
        LINE(kh + 2, 3, rows - 1)

/* A plane of some more tap rows, also column after column. */
CF_INLINE void FN(rows_middle)(FN(acc) acc[4][8], const cf_plane *p, const void *const *lines, int64_t c0, int rows, int vecs, int64_t last,
                               int64_t tail)
{
    const int64_t kh = p->kh, step = PARTS * p->step, tap_row = PARTS * p->tap_row, tap_col = PARTS * p->tap_col;
    const ELEM *taps = p->taps;
    int64_t at = PARTS * (p->offset + c0);
    for (int64_t j = p->kw; j > 0; j--, at += step, taps += tap_col) {
#define LINE(i, LO, HI) \
    FN(rows_read)(acc, (const ELEM *)lines[i] + at, (const ELEM *)lines[i] + at + last, taps + ((i) - (LO)) * tap_row, tap_row, LO, HI, vecs, tail)
        ROWS_WALK(LINE);
#undef LINE
    }
}

/* A line and all its taps. */
CF_INLINE void FN(rows_line)(FN(acc) acc[4][8], const cf_plane *p, const void *line, const ELEM *taps, int64_t c0, int lo, int hi, int vecs,
                             int64_t last, int64_t tail)
{
    const int64_t step = PARTS * p->step, tap_row = PARTS * p->tap_row, tap_col = PARTS * p->tap_col;
    const ELEM *x = (const ELEM *)line + PARTS * (p->offset + c0), *end = x + last;
    for (int64_t j = p->kw; j > 0; j--, x += step, end += step, taps += tap_col)
        FN(rows_read)(acc, x, end, taps, tap_row, lo, hi, vecs, tail);
}

/* A plane of many tap rows, line after line: going through many lines for each column would thrash the L1 cache where lines
 * are a power of two apart (11x11 in 512 x 512 doubles: 0.75 of the speed), though it is 5-15 % faster elsewhere. */
CF_INLINE void FN(rows_high)(FN(acc) acc[4][8], const cf_plane *p, const void *const *lines, int64_t c0, int rows, int vecs, int64_t last,
                             int64_t tail)
{
    const int64_t tap_row = PARTS * p->tap_row, kh = p->kh;
    const ELEM *taps = p->taps;
#define LINE(i, LO, HI) FN(rows_line)(acc, p, lines[i], taps + ((i) - (LO)) * tap_row, c0, LO, HI, vecs, last, tail)
    ROWS_WALK(LINE);
#undef LINE
}

#undef ROWS_WALK

/* Rows of outputs in work. */
typedef struct FN(strip) {
    const cf_plane *planes;
    int64_t count, row, y_row;
    const char *const *ahead; /* lines that the next rows are the first to use; NULL: none are fetched ahead */
    ELEM *y;
    int flags;
    FN(signs) signs;
} FN(strip);

/* `rows` rows by `vecs` vectors from column c0 on, the last vector `last` numbers from the first, over planes of one kind: that many
 * tap rows, MIDDLE or HIGH.  rows, vecs and kind are constants. */
CF_INLINE void FN(rows_tile)(const FN(strip) *s, int64_t c0, int64_t last, int64_t tail, int kind, int rows, int vecs)
{
    FN(acc) acc[4][8];
    const int64_t y_row = PARTS * s->y_row;
    ELEM *const out = s->y + PARTS * c0 + s->row * y_row;
    ELEM *y;
    if (s->flags & CF_ACCUMULATE) {
        CF_UNROLL
        for (int r = 0; r < rows; r++) {
            y = r ? y + y_row : out;
            CF_ANEW(y);
            CF_UNROLL
            for (int c = 0; c < vecs; c++)
                acc[r][c] = FN(begin)(y + (c < vecs - 1 ? c * VLANES : last), tail, &s->signs);
        }
    } else {
        CF_UNROLL
        for (int r = 0; r < rows; r++)
            CF_UNROLL
            for (int c = 0; c < vecs; c++)
                acc[r][c] = FN(nothing)();
    }
    if (s->ahead) {
        for (int r = 0; r < rows; r++) {
            const char *ahead = s->ahead[r] + PARTS * c0 * (int64_t)sizeof(ELEM);
            y = r ? y + y_row : out;
            CF_ANEW(y);
            for (int c = 0; c < vecs; c += CACHE_LINE_VECS) {
                CF_PREFETCH(ahead + c * VLANES * (int64_t)sizeof(ELEM), 0);
                CF_PREFETCH(y + c * VLANES, 1);
            }
        }
    }
    for (const cf_plane *p = s->planes; p < s->planes + s->count; p++) {
        const void *const *lines = p->lines + s->row;
        if (kind <= HELD)
            FN(rows_low)(acc, p, lines, c0, kind, rows, vecs, last, tail);
        else if (kind == MIDDLE)
            FN(rows_middle)(acc, p, lines, c0, rows, vecs, last, tail);
        else
            FN(rows_high)(acc, p, lines, c0, rows, vecs, last, tail);
    }
    CF_UNROLL
    for (int r = 0; r < rows; r++) {
        y = r ? y + y_row : out;
        CF_ANEW(y);
        CF_UNROLL
        for (int c = 0; c < vecs; c++)
            FN(end)(y + (c < vecs - 1 ? c * VLANES : last), acc[r][c], tail, &s->signs);
    }
}

/* Every tile is a function of its own: in one large function gcc spills the tightest of them (0.8 of the speed).  [0] is less than a
 * vector wide, [v] is v vectors wide, up to `most`. */
typedef void FN(tile_fn)(const FN(strip) *strip, int64_t c0, int64_t last, int64_t tiles);
typedef struct FN(tiles) {
    FN(tile_fn) *of[9];
    int64_t most;
} FN(tiles);
#define PART(name, kind, rows)                                                             \
    static void FN(name)(const FN(strip) *s, int64_t c0, int64_t tail, int64_t tiles)      \
    {                                                                                      \
        (void)tiles;                                                                       \
        FN(rows_tile)(s, c0, 0, tail, kind, rows, 1);                                      \
    }
#define TILE(name, kind, rows, most, vecs)                                                 \
    static void FN(name)(const FN(strip) *s, int64_t c0, int64_t last, int64_t tiles)      \
    {                                                                                      \
        if ((vecs) <= (most))                                                              \
            for (; tiles > 0; tiles--, c0 += (vecs) * (VLANES / PARTS))                    \
                FN(rows_tile)(s, c0, last, 0, kind, rows, (vecs) % ((most) + 1));          \
    }
#define TILES(name, kind, rows, most)                                                                                                    \
    PART(name##_part, kind, rows)                                                                                                        \
    TILE(name##_1, kind, rows, most, 1)                                                                                                  \
    TILE(name##_2, kind, rows, most, 2)                                                                                                  \
    TILE(name##_3, kind, rows, most, 3)                                                                                                  \
    TILE(name##_4, kind, rows, most, 4)                                                                                                  \
    TILE(name##_5, kind, rows, most, 5)                                                                                                  \
    TILE(name##_6, kind, rows, most, 6)                                                                                                  \
    TILE(name##_7, kind, rows, most, 7)                                                                                                  \
    TILE(name##_8, kind, rows, most, 8)                                                                                                  \
    static const FN(tiles) FN(name) = {{FN(name##_part), FN(name##_1), FN(name##_2), FN(name##_3), FN(name##_4), FN(name##_5), FN(name##_6), \
                                        FN(name##_7), FN(name##_8)}, most};
TILES(full_1, 1, ROWS, ROWS_LOW_VECS)
TILES(full_2, 2, ROWS, ROWS_LOW_VECS)
TILES(full_3, 3, ROWS, ROWS_LOW_VECS)
#ifdef ROWS_HELD5_VECS
TILES(full_4, 4, ROWS, ROWS_HELD5_VECS)
TILES(full_5, 5, ROWS, ROWS_HELD5_VECS)
#endif
TILES(full_middle, MIDDLE, ROWS, ROWS_VECS)
TILES(full_high, HIGH, ROWS, ROWS_VECS)
TILES(two_middle, MIDDLE, 2, ROWS2_VECS)
TILES(two_high, HIGH, 2, ROWS2_VECS)
TILES(one_1, 1, 1, ROWS1_VECS)
TILES(one_middle, MIDDLE, 1, 4)
TILES(one_high, HIGH, 1, 4)
#undef TILES
#undef TILE
#undef PART

/* The tiles of each kind of plane; those of fewer rows hold no taps, but sum in the same order. */
static const FN(tiles) *const FN(full)[HIGH + 1] = {
#ifdef ROWS_HELD5_VECS
    [4] = &FN(full_4), [5] = &FN(full_5),
#endif
    [1] = &FN(full_1), [2] = &FN(full_2), [3] = &FN(full_3), [MIDDLE] = &FN(full_middle), [HIGH] = &FN(full_high)};

/* Depends on the taps alone, and so does the order of the sum. */
CF_INLINE int FN(rows_kind)(const cf_plane *p)
{
    return p->kh <= HELD ? (int)p->kh : p->kh <= 5 || p->kw <= 2 ? MIDDLE : HIGH;
}

/* All columns of the strip. */
static void FN(rows_strip)(const FN(strip) *s, int64_t n, const FN(tiles) *tiles)
{
    const int64_t lanes = VLANES / PARTS, most = tiles->most;
    int64_t c = 0;
    if (n < lanes) {
        if (n > 0)
            tiles->of[0](s, 0, PARTS * n, 1);
        return;
    }
    for (int64_t left = (n + lanes - 1) / lanes, vecs, count; left > 0; left -= vecs * count) {
        vecs = left <= most ? left : left < 2 * most ? left / 2 : most; /* the last two of nearly equal width */
        count = left >= 2 * most ? (left - most) / most : 1;
        const int64_t end = c + count * vecs * lanes, last = PARTS * ((end < n ? end : n) - lanes - c - (count - 1) * vecs * lanes);
        if (last >= 0)
            tiles->of[vecs](s, c, last, count);
        else if (s->flags & CF_ACCUMULATE) /* a vector alone may not be moved onto what its neighbor has summed already */
            tiles->of[0](s, c, PARTS * (n - c), 1);
        else
            tiles->of[1](s, n - lanes, 0, 1);
        c = end;
    }
}

static void FN(rows)(const cf_plane *planes, int64_t count, void *y, int64_t y_row, int64_t rows, int64_t n, int flags)
{
    FN(strip) s = {planes, 0, 0, y_row, NULL, y, flags, FN(signs_of)(flags)};
    const cf_plane *newest = planes + (count > 0 ? count - 1 : 0); /* the others are mostly in the cache since the plane before was summed */
    do { /* planes of one kind at a time; no planes at all are an empty sum */
        const int kind = count > 0 ? FN(rows_kind)(s.planes) : 1;
        for (s.count = count > 0; s.count < count && FN(rows_kind)(s.planes + s.count) == kind;)
            s.count++;
        for (s.row = 0; s.row + ROWS <= rows; s.row += ROWS) {
            s.ahead = NULL;
            if (flags & CF_FAR && count > 0 && s.row + 2 * ROWS <= rows)
                s.ahead = (const char *const *)newest->lines + s.row + ROWS + newest->kh - 1;
            FN(rows_strip)(&s, n, FN(full)[kind]);
        }
        s.ahead = NULL;
        for (; s.row + 2 <= rows; s.row += 2)
            FN(rows_strip)(&s, n, kind == HIGH ? &FN(two_high) : &FN(two_middle));
        if (s.row < rows)
            FN(rows_strip)(&s, n, kind == HIGH ? &FN(one_high) : kind == 1 ? &FN(one_1) : &FN(one_middle));
        s.planes += s.count;
        s.flags |= CF_ACCUMULATE;
        count -= s.count;
    } while (count > 0);
}

#undef CACHE_LINE_VECS
#undef HELD
#undef MIDDLE
#undef HIGH
