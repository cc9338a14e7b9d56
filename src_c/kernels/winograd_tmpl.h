/* cf_winograd_fn: the transforms of Winograd's minimal filtering for kernels of 3 taps, along two axes (A. Lavin and S. Gray, "Fast algorithms
 * for convolutional neural networks", arXiv:1509.09308).  Points 0, 1, -1 and infinity for outputs of 2 and for gradients, also 2 and -2
 * for outputs of 4. */

#define ADD(a, b) V(add)(a, b)
#define TIMES(c, a, b) V(fma)(a, k[c], b) /* b + c*a */

enum { FN(MINUS), FN(HALF), FN(MINUS_HALF), FN(TWO), FN(MINUS_TWO), FN(FOUR), FN(MINUS_FOUR), FN(EIGHT), FN(MINUS_FIVE), FN(QUARTER),
       FN(MINUS_SIXTH), FN(SIXTH), FN(TWELFTH), FN(TWENTY_FOURTH), FN(CONSTANTS) };
#define C(name) FN(name)

/* One axis: to[i * to_step] from from[j * from_step]; constants fold the step in. */
CF_INLINE void FN(winograd_axis)(const int kind, const VEC *from, const int from_step, VEC *to, const int to_step, const VEC *k)
{
#define D(j) from[(j) * from_step]
#define T(i) to[(i) * to_step]
    const VEC zero = V(zero)();
    (void)zero;
    switch (kind) {
    case CF_F2_INPUT: {
        VEC d1 = D(1), d2 = D(2);
        T(0) = TIMES(C(MINUS), d2, D(0));
        T(1) = ADD(d1, d2);
        T(2) = TIMES(C(MINUS), d1, d2);
        T(3) = TIMES(C(MINUS), D(3), d1);
        break;
    }
    case CF_F2_OUTPUT: {
        VEC m1 = D(1), m2 = D(2);
        T(0) = ADD(ADD(D(0), m1), m2);
        T(1) = TIMES(C(MINUS), D(3), TIMES(C(MINUS), m2, m1));
        break;
    }
    case CF_F2_KERNEL: {
        VEC ends = TIMES(C(HALF), ADD(D(0), D(2)), zero), g1 = D(1);
        T(0) = D(0);
        T(1) = TIMES(C(HALF), g1, ends);
        T(2) = TIMES(C(MINUS_HALF), g1, ends);
        T(3) = D(2);
        break;
    }
    case CF_F2_GRADIENT: {
        VEC half = TIMES(C(HALF), D(0), zero), g1 = D(1);
        T(0) = D(0);
        T(1) = TIMES(C(HALF), g1, half);
        T(2) = TIMES(C(MINUS_HALF), g1, half);
        T(3) = TIMES(C(MINUS), g1, zero);
        break;
    }
    case CF_F2_TAPS: {
        VEC m1 = D(1), m2 = D(2), sum = ADD(m1, m2);
        T(0) = ADD(D(0), sum);
        T(1) = TIMES(C(MINUS), m2, m1);
        T(2) = ADD(sum, D(3));
        break;
    }
    case CF_F4_INPUT: {
        VEC d1 = D(1), d2 = D(2), d3 = D(3), d4 = D(4);
        VEC even = TIMES(C(MINUS_FOUR), d2, d4), odd = TIMES(C(MINUS_FOUR), d1, d3);
        VEC even2 = TIMES(C(MINUS), d2, d4), odd2 = TIMES(C(MINUS), d1, d3);
        T(0) = TIMES(C(FOUR), D(0), TIMES(C(MINUS_FIVE), d2, d4));
        T(1) = ADD(even, odd);
        T(2) = TIMES(C(MINUS), odd, even);
        T(3) = TIMES(C(TWO), odd2, even2);
        T(4) = TIMES(C(MINUS_TWO), odd2, even2);
        T(5) = TIMES(C(FOUR), d1, TIMES(C(MINUS_FIVE), d3, D(5)));
        break;
    }
    case CF_F4_OUTPUT: {
        VEC m1 = D(1), m2 = D(2), m3 = D(3), m4 = D(4);
        VEC s = ADD(m1, m2), t = ADD(m3, m4), p = TIMES(C(MINUS), m2, m1), q = TIMES(C(MINUS), m4, m3);
        T(0) = ADD(ADD(D(0), s), t);
        T(1) = TIMES(C(TWO), q, p);
        T(2) = TIMES(C(FOUR), t, s);
        T(3) = TIMES(C(EIGHT), q, ADD(p, D(5)));
        break;
    }
    default: { /* CF_F4_KERNEL */
        VEC g0 = D(0), g1 = D(1), g2 = D(2);
        VEC ends = TIMES(C(MINUS_SIXTH), ADD(g0, g2), zero), wide = TIMES(C(TWENTY_FOURTH), g0, TIMES(C(SIXTH), g2, zero));
        VEC middle = TIMES(C(TWELFTH), g1, zero);
        T(0) = TIMES(C(QUARTER), g0, zero);
        T(1) = TIMES(C(MINUS_SIXTH), g1, ends);
        T(2) = TIMES(C(SIXTH), g1, ends);
        T(3) = ADD(wide, middle);
        T(4) = TIMES(C(MINUS), middle, wide);
        T(5) = g2;
    }
    }
#undef D
#undef T
}

/* `rows` x `rows` numbers a column to `made` x `made` (constants).  The last vector ends where the columns end, and repeats some; fewer columns than
 * a vector has go through one. */
CF_INLINE void FN(winograd_planes)(const int kind, const int rows, const int made, const ELEM *from, const int64_t *at, ELEM *to, int64_t to_row,
                                   int64_t n)
{
    static const ELEM constants[C(CONSTANTS)] = {
        [C(MINUS)] = -1, [C(HALF)] = (ELEM)0.5, [C(MINUS_HALF)] = (ELEM)-0.5, [C(TWO)] = 2, [C(MINUS_TWO)] = -2, [C(FOUR)] = 4,
        [C(MINUS_FOUR)] = -4, [C(EIGHT)] = 8, [C(MINUS_FIVE)] = -5, [C(QUARTER)] = (ELEM)0.25, [C(MINUS_SIXTH)] = (ELEM)(-1.0 / 6),
        [C(SIXTH)] = (ELEM)(1.0 / 6), [C(TWELFTH)] = (ELEM)(1.0 / 12), [C(TWENTY_FOURTH)] = (ELEM)(1.0 / 24)};
    VEC k[C(CONSTANTS)];
    CF_UNROLL
    for (int c = 0; c < C(CONSTANTS); c++)
        k[c] = V(set1)(constants + c);
    ELEM few[36 * VLANES], made_few[36 * VLANES], *y = to;
    int64_t few_at[36], y_row = to_row;
    const int narrow = n < VLANES;
    if (narrow) {
        for (int j = 0; j < rows * rows; j++) {
            V(store)(few + j * VLANES, FN(load_part)(from + at[j], n));
            few_at[j] = j * VLANES;
        }
        from = few;
        at = few_at;
        y = made_few;
        y_row = VLANES;
    }
    int64_t c = 0;
    do {
        const int64_t i = narrow || c + VLANES <= n ? c : n - VLANES;
        VEC x[36], half[36], made_now[36];
        CF_UNROLL
        for (int j = 0; j < rows; j++) {
            CF_UNROLL
            for (int r = 0; r < rows; r++)
                x[r] = V(load)(from + at[r * rows + j] + i);
            FN(winograd_axis)(kind, x, 1, half + j, 6, k);
        }
        CF_UNROLL
        for (int r = 0; r < made; r++) {
            FN(winograd_axis)(kind, half + r * 6, 1, made_now, 1, k);
            CF_UNROLL
            for (int j = 0; j < made; j++)
                V(store)(y + (r * made + j) * y_row + i, made_now[j]);
        }
        c += VLANES;
    } while (c < n);
    for (int j = 0; narrow && j < made * made; j++)
        FN(store_part)(to + j * to_row, V(load)(made_few + j * VLANES), n);
}

static void FN(winograd)(int kind, const void *from, const int64_t *at, void *to, int64_t to_row, int64_t n)
{
    switch (kind) {
    case CF_F2_INPUT: FN(winograd_planes)(CF_F2_INPUT, 4, 4, from, at, to, to_row, n); break;
    case CF_F2_OUTPUT: FN(winograd_planes)(CF_F2_OUTPUT, 4, 2, from, at, to, to_row, n); break;
    case CF_F2_KERNEL: FN(winograd_planes)(CF_F2_KERNEL, 3, 4, from, at, to, to_row, n); break;
    case CF_F2_GRADIENT: FN(winograd_planes)(CF_F2_GRADIENT, 2, 4, from, at, to, to_row, n); break;
    case CF_F2_TAPS: FN(winograd_planes)(CF_F2_TAPS, 4, 3, from, at, to, to_row, n); break;
    case CF_F4_INPUT: FN(winograd_planes)(CF_F4_INPUT, 6, 6, from, at, to, to_row, n); break;
    case CF_F4_OUTPUT: FN(winograd_planes)(CF_F4_OUTPUT, 6, 4, from, at, to, to_row, n); break;
    default: FN(winograd_planes)(CF_F4_KERNEL, 3, 6, from, at, to, to_row, n);
    }
}

#undef ADD
#undef TIMES
#undef C

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
    if (m == 2)
        FN(weave_by)(2, from, from_row, to, n);
    else
        FN(weave_by)(4, from, from_row, to, n);
}

CF_INLINE void FN(unweave_some)(const ELEM *restrict x, ELEM *restrict even, ELEM *restrict odd, const int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        even[i] = x[2 * i];
        odd[i] = x[2 * i + 1];
    }
}

static void FN(unweave)(const void *from, void *even, void *odd, int64_t n)
{
    const ELEM *x = from;
    ELEM *a = even, *b = odd;
    int64_t i = 0;
    if (n < VLANES) {
        FN(unweave_some)(x, a, b, n);
        return;
    }
    for (; i + VLANES <= n; i += VLANES)
        FN(unweave_some)(x + 2 * i, a + i, b + i, VLANES);
    if (i < n)
        FN(unweave_some)(x + 2 * (n - VLANES), a + n - VLANES, b + n - VLANES, VLANES);
}
