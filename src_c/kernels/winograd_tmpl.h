/* cf_winograd_fn: the transforms of Winograd's minimal filtering along two axes (A. Lavin and S. Gray, "Fast algorithms for convolutional neural
 * networks", arXiv:1509.09308).  As an output of taps and a tap's gradient of outputs are the same sum, what serves taps and outputs one way serves
 * outputs and taps the other: a part has transforms of samples, of 2 or 3 factors, to 2 or 3 sums (to 4 from 6 points). */

enum { FN(HALF), FN(MINUS_HALF), FN(TWO), FN(MINUS_TWO), FN(FOUR), FN(MINUS_FOUR), FN(EIGHT), FN(MINUS_FIVE), FN(QUARTER), FN(MINUS_SIXTH), FN(SIXTH),
       FN(TWELFTH), FN(TWENTY_FOURTH) };
#define C(name) FN(name)
static const ELEM FN(winograd_constants)[] = {
    [C(HALF)] = (ELEM)0.5, [C(MINUS_HALF)] = (ELEM)-0.5, [C(TWO)] = 2, [C(MINUS_TWO)] = -2, [C(FOUR)] = 4, [C(MINUS_FOUR)] = -4, [C(EIGHT)] = 8,
    [C(MINUS_FIVE)] = -5, [C(QUARTER)] = (ELEM)0.25, [C(MINUS_SIXTH)] = (ELEM)(-1.0 / 6), [C(SIXTH)] = (ELEM)(1.0 / 6),
    [C(TWELFTH)] = (ELEM)(1.0 / 12), [C(TWENTY_FOURTH)] = (ELEM)(1.0 / 24)};

#define ADD(a, b) V(add)(a, b)
#define SUB(a, b) V(sub)(a, b)
#define TIMES(c, a, b) V(fma)(a, V(set1)(FN(winograd_constants) + (c)), b) /* b + c*a */
#define D(j) from[(j) * from_step]
#define T(i) to[(i) * to_step]

CF_INLINE void FN(winograd_samples)(const int points, const VEC *from, const int from_step, VEC *to, const int to_step)
{
    if (points == 3) {
        VEC d1 = D(1);
        T(0) = SUB(D(0), d1);
        T(1) = d1;
        T(2) = SUB(d1, D(2));
    } else if (points == 4) {
        VEC d1 = D(1), d2 = D(2);
        T(0) = SUB(D(0), d2);
        T(1) = ADD(d1, d2);
        T(2) = SUB(d2, d1);
        T(3) = SUB(d1, D(3));
    } else {
        VEC d1 = D(1), d2 = D(2), d3 = D(3), d4 = D(4);
        VEC even = TIMES(C(MINUS_FOUR), d2, d4), odd = TIMES(C(MINUS_FOUR), d1, d3);
        VEC even2 = SUB(d4, d2), odd2 = SUB(d3, d1);
        T(0) = TIMES(C(FOUR), D(0), TIMES(C(MINUS_FIVE), d2, d4));
        T(1) = ADD(even, odd);
        T(2) = SUB(even, odd);
        T(3) = TIMES(C(TWO), odd2, even2);
        T(4) = TIMES(C(MINUS_TWO), odd2, even2);
        T(5) = TIMES(C(FOUR), d1, TIMES(C(MINUS_FIVE), d3, D(5)));
    }
}

/* Of 2 factors or 3. */
CF_INLINE void FN(winograd_factors)(const int points, const int factors, const VEC *from, const int from_step, VEC *to, const int to_step)
{
    const VEC zero = V(zero)();
    VEC g0 = D(0), g1 = D(1);
    if (points == 3) {
        T(0) = g0;
        T(1) = ADD(g0, g1);
        T(2) = g1;
    } else if (points == 4) {
        VEC ends = TIMES(C(HALF), factors == 3 ? ADD(g0, D(2)) : g0, zero);
        T(0) = g0;
        T(1) = TIMES(C(HALF), g1, ends);
        T(2) = TIMES(C(MINUS_HALF), g1, ends);
        T(3) = factors == 3 ? D(2) : SUB(zero, g1);
    } else {
        VEC g2 = D(2), ends = TIMES(C(MINUS_SIXTH), ADD(g0, g2), zero), middle = TIMES(C(TWELFTH), g1, zero);
        VEC wide = TIMES(C(TWENTY_FOURTH), g0, TIMES(C(SIXTH), g2, zero));
        T(0) = TIMES(C(QUARTER), g0, zero);
        T(1) = TIMES(C(MINUS_SIXTH), g1, ends);
        T(2) = TIMES(C(SIXTH), g1, ends);
        T(3) = ADD(wide, middle);
        T(4) = SUB(wide, middle);
        T(5) = g2;
    }
}

/* To 2 sums or 3, of 6 points to 4. */
CF_INLINE void FN(winograd_sums)(const int points, const int sums, const VEC *from, const int from_step, VEC *to, const int to_step)
{
    VEC m1 = D(1), m2 = D(2);
    if (points == 3) {
        T(0) = ADD(D(0), m1);
        T(1) = SUB(m1, m2);
    } else if (points == 4) {
        VEC difference = SUB(m1, m2), sum = ADD(m1, m2);
        T(0) = sums == 3 ? ADD(D(0), sum) : ADD(ADD(D(0), m1), m2);
        T(1) = sums == 3 ? difference : SUB(difference, D(3));
        if (sums == 3)
            T(2) = ADD(sum, D(3));
    } else {
        VEC m3 = D(3), m4 = D(4);
        VEC s = ADD(m1, m2), t = ADD(m3, m4), p = SUB(m1, m2), q = SUB(m3, m4);
        T(0) = ADD(ADD(D(0), s), t);
        T(1) = TIMES(C(TWO), q, p);
        T(2) = TIMES(C(FOUR), t, s);
        T(3) = TIMES(C(EIGHT), q, ADD(p, D(5)));
    }
}

/* What stands for these where a part has one tap. */
CF_INLINE void FN(winograd_copy)(const int n, const VEC *from, const int from_step, VEC *to, const int to_step)
{
    CF_UNROLL
    for (int i = 0; i < n; i++)
        T(i) = D(i);
}

CF_INLINE VEC FN(winograd_sum)(const int n, const VEC *from, const int from_step)
{
    VEC sum = D(0);
    CF_UNROLL
    for (int i = 1; i < n; i++)
        sum = ADD(sum, D(i));
    return sum;
}

/* A part that begins at tap `at`, and at point `point`; outputs are added to those of a part before. */
CF_INLINE void FN(winograd_part)(const int transform, const int m, const int taps, const int stride, const int at, const int point, const VEC *from,
                                 const int from_step, VEC *to, const int to_step)
{
    const int points = m + taps - 1, by_taps = stride * from_step;
    VEC made[CF_SIDE];
    switch (transform) {
    case CF_OF_SAMPLES:
        from += at * from_step;
        to += point * to_step;
        if (taps == 1)
            FN(winograd_copy)(points, from, by_taps, to, to_step);
        else
            FN(winograd_samples)(points, from, by_taps, to, to_step);
        break;
    case CF_OF_TAPS:
        from += at * from_step;
        to += point * to_step;
        if (taps == 1)
            FN(winograd_copy)(points, from, 0, to, to_step);
        else
            FN(winograd_factors)(points, taps, from, by_taps, to, to_step);
        break;
    case CF_TO_OUTPUTS:
        from += point * from_step;
        if (taps == 1)
            FN(winograd_copy)(points, from, from_step, made, 1);
        else
            FN(winograd_sums)(points, m, from, from_step, made, 1);
        CF_UNROLL
        for (int i = 0; i < m; i++)
            to[i * to_step] = point ? ADD(to[i * to_step], made[i]) : made[i];
        break;
    case CF_OF_OUTPUTS:
        to += point * to_step;
        if (taps == 1)
            FN(winograd_copy)(points, from, from_step, to, to_step);
        else
            FN(winograd_factors)(points, m, from, from_step, to, to_step);
        break;
    default: /* CF_TO_TAPS */
        from += point * from_step;
        to += at * to_step;
        if (taps == 1)
            to[0] = FN(winograd_sum)(points, from, from_step);
        else
            FN(winograd_sums)(points, taps, from, from_step, to, stride * to_step);
    }
}

/* A transform along an axis by a scheme; all but the places are constants. */
CF_INLINE void FN(winograd_axis)(const int transform, const int stride, const int m, const int first, const int second, const int at, const VEC *from,
                                 const int from_step, VEC *to, const int to_step)
{
    FN(winograd_part)(transform, m, first, stride, 0, 0, from, from_step, to, to_step);
    if (second)
        FN(winograd_part)(transform, m, second, stride, at, m + first - 1, from, from_step, to, to_step);
}

#define POINTS(m, first, second) ((m) + (first) - 1 + ((second) ? (m) + (second) - 1 : 0))
#define SAMPLES(taps, stride, m) (((m) - 1) * (stride) + (taps))
#define TAKEN(transform, taps, stride, m, first, second) \
    ((transform) == CF_OF_SAMPLES ? SAMPLES(taps, stride, m) : (transform) == CF_OF_TAPS ? (taps) : (transform) == CF_OF_OUTPUTS ? (m) \
                                                                                                  : POINTS(m, first, second))
#define NEEDED(transform, m) ((m) < 4 || (transform) < CF_OF_OUTPUTS) /* gradients take none of 4 outputs */
#define MADE(transform, taps, m, first, second) \
    ((transform) == CF_TO_OUTPUTS ? (m) : (transform) == CF_TO_TAPS ? (taps) : POINTS(m, first, second))

/* A vector of columns, one scheme along both axes. */
CF_INLINE void FN(winograd_square)(const int transform, const int taps, const int stride, const int m, const int first, const int second,
                                   const int at_tap, const ELEM *from, const int64_t *at, ELEM *to, int64_t to_row)
{
    const int taken = TAKEN(transform, taps, stride, m, first, second), made = MADE(transform, taps, m, first, second);
    VEC x[CF_SIDE], half[CF_SIDE * CF_SIDE];
    if (!NEEDED(transform, m))
        return;
    CF_UNROLL
    for (int j = 0; j < taken; j++) {
        CF_UNROLL
        for (int r = 0; r < taken; r++)
            x[r] = V(load)(from + at[r * taken + j]);
        FN(winograd_axis)(transform, stride, m, first, second, at_tap, x, 1, half + j, CF_SIDE);
    }
    CF_UNROLL
    for (int r = 0; r < made; r++) {
        FN(winograd_axis)(transform, stride, m, first, second, at_tap, half + r * CF_SIDE, 1, x, 1);
        CF_UNROLL
        for (int j = 0; j < made; j++)
            V(store)(to + (r * made + j) * to_row, x[j]);
    }
}

/* A line of an axis, some vectors of columns of it. */
CF_INLINE void FN(winograd_line)(const int transform, const int taps, const int stride, const int m, const int first, const int second,
                                 const int at_tap, const ELEM *const *from, ELEM *const *to, int vectors)
{
    const int taken = TAKEN(transform, taps, stride, m, first, second), made = MADE(transform, taps, m, first, second);
    for (int v = 0; v < vectors && NEEDED(transform, m); v++) {
        VEC x[CF_SIDE], y[CF_SIDE];
        CF_UNROLL
        for (int j = 0; j < taken; j++)
            x[j] = V(load)(from[j] + v * VLANES);
        FN(winograd_axis)(transform, stride, m, first, second, at_tap, x, 1, y, 1);
        CF_UNROLL
        for (int i = 0; i < made; i++)
            V(store)(to[i] + v * VLANES, y[i]);
    }
}

/* What `call` does, for each transform and scheme. */
#define FOR_TRANSFORMS(call, ...) \
    switch (transform) { \
    case CF_OF_SAMPLES: call(CF_OF_SAMPLES, __VA_ARGS__); break; \
    case CF_OF_TAPS: call(CF_OF_TAPS, __VA_ARGS__); break; \
    case CF_TO_OUTPUTS: call(CF_TO_OUTPUTS, __VA_ARGS__); break; \
    case CF_OF_OUTPUTS: call(CF_OF_OUTPUTS, __VA_ARGS__); break; \
    default: call(CF_TO_TAPS, __VA_ARGS__); \
    }

static void FN(winograd_apply)(int transform, int scheme, const ELEM *const *from, ELEM *const *to, int vectors)
{
#define LINE(transform, taps, stride, m, first, second, at) \
    FN(winograd_line)(transform, taps, stride, m, first, second, at, from, to, vectors)
#define LINES(name, ...) \
    case CF_SCHEME_##name: FOR_TRANSFORMS(LINE, __VA_ARGS__) break;
    switch (scheme) {
        CF_SCHEMES(LINES)
    }
#undef LINES
#undef LINE
}

/* Numbers along both axes. */
static void FN(winograd_sizes)(int transform, const int schemes[2], int taken[2], int made[2])
{
#define SIZES(name, taps, stride, m, first, second, at) \
    case CF_SCHEME_##name: \
        taken[i] = TAKEN(transform, taps, stride, m, first, second); \
        made[i] = MADE(transform, taps, m, first, second); \
        break;
    for (int i = 0; i < 2; i++)
        switch (schemes[i]) {
        default:
            CF_SCHEMES(SIZES)
        }
#undef SIZES
}

/* Some vectors of columns of any two schemes: along rows into memory, from there along columns; only along one axis where the other has one
 * number. */
enum { FN(WINOGRAD_VECTORS) = 4 };
static void FN(winograd_lines)(int transform, const int schemes[2], const ELEM *from, const int64_t *at, ELEM *to, int64_t to_row, int vectors)
{
    const int one_row = schemes[0] == CF_SCHEME_ALONE, one_col = !one_row && schemes[1] == CF_SCHEME_ALONE, pitch = FN(WINOGRAD_VECTORS) * VLANES;
    int taken[2], made[2];
    FN(winograd_sizes)(transform, schemes, taken, made);
    VEC half_[CF_SIDE * CF_SIDE * FN(WINOGRAD_VECTORS)];
    ELEM *half = (ELEM *)half_, *y[CF_SIDE];
    const ELEM *x[CF_SIDE];
    for (int r = 0; r < taken[0] && !one_col; r++) {
        for (int j = 0; j < taken[1]; j++)
            x[j] = from + at[r * taken[1] + j];
        for (int i = 0; i < made[1]; i++)
            y[i] = one_row ? to + i * to_row : half + (r * made[1] + i) * pitch;
        FN(winograd_apply)(transform, schemes[1], x, y, vectors);
    }
    for (int c = 0; c < made[1] && !one_row; c++) {
        for (int j = 0; j < taken[0]; j++)
            x[j] = one_col ? from + at[j] : half + (j * made[1] + c) * pitch;
        for (int i = 0; i < made[0]; i++)
            y[i] = to + (i * made[1] + c) * to_row;
        FN(winograd_apply)(transform, schemes[0], x, y, vectors);
    }
}

static void FN(winograd_vectors)(int transform, const int schemes[2], const ELEM *from, const int64_t *at, ELEM *to, int64_t to_row, int64_t vectors)
{
#define SQUARE_BY(transform, taps, stride, m, first, second, at_tap) \
    for (int64_t v = 0; v < vectors; v++) \
        FN(winograd_square)(transform, taps, stride, m, first, second, at_tap, from + v * VLANES, at, to + v * VLANES, to_row)
#define SQUARE_SCHEMES(name, ...) \
    case CF_SCHEME_##name: FOR_TRANSFORMS(SQUARE_BY, __VA_ARGS__) break;
    switch (schemes[0] == schemes[1] ? schemes[0] : -1) {
        CF_SCHEMES(SQUARE_SCHEMES)
    default:
        for (int64_t v = 0; v < vectors; v += FN(WINOGRAD_VECTORS)) {
            const int64_t together = vectors - v < FN(WINOGRAD_VECTORS) ? vectors - v : FN(WINOGRAD_VECTORS);
            FN(winograd_lines)(transform, schemes, from + v * VLANES, at, to + v * VLANES, to_row, (int)together);
        }
    }
#undef SQUARE_SCHEMES
#undef SQUARE_BY
}

/* Whole vectors where they lie, the last of them back from the end where there is no room for zeros; else the rest is copied, and zeros with it. */
static void FN(winograd)(int transform, int row_scheme, int col_scheme, const void *from_, const int64_t *at, void *to_, int64_t to_row, int64_t n,
                         int64_t room)
{
    const int schemes[2] = {row_scheme, col_scheme};
    const ELEM *from = from_;
    ELEM *to = to_;
    const int64_t whole = n / VLANES * VLANES;
    FN(winograd_vectors)(transform, schemes, from, at, to, to_row, whole / VLANES);
    if (whole == n)
        return;
    if (whole && whole + VLANES > room) {
        FN(winograd_vectors)(transform, schemes, from + n - VLANES, at, to + n - VLANES, to_row, 1);
        return;
    }
    int taken[2], made[2];
    FN(winograd_sizes)(transform, schemes, taken, made);
    ELEM few[CF_SIDE * CF_SIDE * VLANES], made_few[CF_SIDE * CF_SIDE * VLANES];
    int64_t few_at[CF_SIDE * CF_SIDE];
    const int direct = whole + VLANES <= room;
    for (int j = 0; j < taken[0] * taken[1]; j++) {
        V(store)(few + j * VLANES, FN(load_part)(from + at[j] + whole, n - whole));
        few_at[j] = j * VLANES;
    }
    FN(winograd_vectors)(transform, schemes, few, few_at, direct ? to + whole : made_few, direct ? to_row : VLANES, 1);
    for (int j = 0; !direct && j < made[0] * made[1]; j++)
        FN(store_part)(to + j * to_row + whole, V(load)(made_few + j * VLANES), n - whole);
}

/* cf_columns_fn: vectors of rows, and sums over every fourth term, or every second. */
CF_INLINE void FN(columns_of)(const int n, const int sums, const ELEM *a, int64_t a_step, const ELEM *b, int64_t b_row, int64_t count, ELEM *y,
                              int64_t y_row, int64_t rows, int flags)
{
    VEC acc[4][4];
    CF_UNROLL
    for (int s = 0; s < sums; s++)
        CF_UNROLL
        for (int c = 0; c < n; c++)
            acc[s][c] = V(zero)();
    int64_t k = 0;
    for (; k + sums <= count; k += sums)
        CF_UNROLL
        for (int s = 0; s < sums; s++) {
            VEC factor = V(load)(a + (k + s) * a_step);
            CF_UNROLL
            for (int c = 0; c < n; c++)
                acc[s][c] = V(fma)(factor, V(set1)(b + (k + s) * b_row + c), acc[s][c]);
        }
    for (; k < count; k++)
        CF_UNROLL
        for (int c = 0; c < n; c++)
            acc[0][c] = V(fma)(V(load)(a + k * a_step), V(set1)(b + k * b_row + c), acc[0][c]);
    CF_UNROLL
    for (int c = 0; c < n; c++) {
        ELEM column[VLANES];
        VEC sum = V(add)(acc[0][c], acc[1][c]);
        if (sums == 4)
            sum = V(add)(sum, V(add)(acc[2][c], acc[3][c]));
        V(store)(column, sum);
        for (int64_t r = 0; r < rows && r < VLANES; r++)
            y[r * y_row + c] = flags & CF_ACCUMULATE ? y[r * y_row + c] + column[r] : column[r];
    }
}

static void FN(columns)(const void *a_, int64_t a_step, const void *b, int64_t b_row, int64_t count, void *y_, int64_t y_row, int64_t rows, int64_t n,
                        int flags)
{
    const ELEM *a = a_;
    ELEM *y = y_;
    for (int64_t r = 0; r < rows; r += VLANES, a += VLANES, y += VLANES * y_row)
        switch (n) {
        case 1: FN(columns_of)(1, 4, a, a_step, b, b_row, count, y, y_row, rows - r, flags); break;
        case 2: FN(columns_of)(2, 4, a, a_step, b, b_row, count, y, y_row, rows - r, flags); break;
        case 3: FN(columns_of)(3, 2, a, a_step, b, b_row, count, y, y_row, rows - r, flags); break;
        default: FN(columns_of)(4, 2, a, a_step, b, b_row, count, y, y_row, rows - r, flags);
        }
}

#undef ADD
#undef SUB
#undef TIMES
#undef C
#undef D
#undef T
#undef POINTS
#undef SAMPLES
#undef TAKEN
#undef MADE
#undef NEEDED
#undef FOR_TRANSFORMS

/* cf_weave_fn and cf_unweave_fn, a vector of each row at a time; the last one ends where the row ends, and repeats some. */
CF_INLINE void FN(weave_some)(const int m, const ELEM *restrict from, int64_t from_row, ELEM *restrict to, const int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        CF_UNROLL
        for (int v = 0; v < m; v++)
            to[i * m + v] = from[v * from_row + i];
}

CF_INLINE void FN(weave_by)(const int m, const ELEM *from, int64_t from_row, ELEM *to, int64_t n)
{
    int64_t i = 0;
    if (n < VLANES) {
        FN(weave_some)(m, from, from_row, to, n);
        return;
    }
    for (; i + VLANES <= n; i += VLANES)
        FN(weave_some)(m, from + i, from_row, to + i * m, VLANES);
    if (i < n)
        FN(weave_some)(m, from + n - VLANES, from_row, to + (n - VLANES) * m, VLANES);
}

static void FN(weave)(int m, const void *from, int64_t from_row, void *to, int64_t n)
{
    switch (m) {
    case 1: FN(weave_by)(1, from, from_row, to, n); break;
    case 2: FN(weave_by)(2, from, from_row, to, n); break;
    case 3: FN(weave_by)(3, from, from_row, to, n); break;
    default: FN(weave_by)(4, from, from_row, to, n);
    }
}

CF_INLINE void FN(unweave_some)(const int m, const ELEM *restrict from, ELEM *restrict a, ELEM *restrict b, ELEM *restrict c, const int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        a[i] = from[i * m];
        if (m > 1)
            b[i] = from[i * m + 1];
        if (m > 2)
            c[i] = from[i * m + 2];
    }
}

CF_INLINE void FN(unweave_by)(const int m, const int lanes, const ELEM *from, ELEM *to, int64_t to_row, int64_t n)
{
    for (int64_t c = 0; c < n; c += lanes) {
        const int64_t i = c + lanes <= n ? c : n - lanes;
        FN(unweave_some)(m, from + i * m, to + i, to + to_row + i, to + 2 * to_row + i, lanes);
    }
}

CF_INLINE void FN(unweave_rows)(const int m, const ELEM *from, ELEM *to, int64_t to_row, int64_t n)
{
    if (n >= VLANES)
        FN(unweave_by)(m, VLANES, from, to, to_row, n);
    else if (VLANES >= 8 && n >= VLANES / 2)
        FN(unweave_by)(m, VLANES >= 8 ? VLANES / 2 : 1, from, to, to_row, n);
    else
        FN(unweave_some)(m, from, to, to + to_row, to + 2 * to_row, n);
}

/* Four rows are squares turned. */
static void FN(unweave_4)(const ELEM *from, ELEM *to, int64_t to_row, int64_t n)
{
    int64_t done = 0;
#if CF_CAT(SQUARE_, TYPE) == 4
    for (int64_t c = 0; c < n && n >= 4; c += 4) {
        const int64_t i = c + 4 <= n ? c : n - 4;
        const void *const rows[4] = {from + 4 * i, from + 4 * i + 4, from + 4 * i + 8, from + 4 * i + 12};
        V(turn_square)(rows, 0, to + i, to_row);
        done = n;
    }
#endif
    for (; done < n; done++)
        for (int v = 0; v < 4; v++)
            to[v * to_row + done] = from[done * 4 + v];
}

static void FN(unweave)(int m, const void *from, void *to, int64_t to_row, int64_t n)
{
    switch (m) {
    case 1: FN(unweave_rows)(1, from, to, to_row, n); break;
    case 2: FN(unweave_rows)(2, from, to, to_row, n); break;
    case 3: FN(unweave_rows)(3, from, to, to_row, n); break;
    default: FN(unweave_4)(from, to, to_row, n);
    }
}
