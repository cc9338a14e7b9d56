/* Products of polynomials modulo t^n - c by a tree of factors: what is a discrete Fourier transform down to single points stops at polynomials of
 * a vector's degree, whose products are summed directly, so that nothing is ever shuffled or reordered (D. J. Bernstein, "Multidigit
 * multiplication for mathematicians", 2001, on such trees).  table.h says what the numbers are; coefficients lie in units of VLANES real parts and as
 * many imaginary ones, leaves have LEAF_N of them. */
#if defined(HALF_f32) && defined(HALF_f64)
#define LEAF CF_CAT(HALF_, TYPE)
#else
#define LEAF TYPE
#endif
#define LEAF_N CF_CAT(LANES_, LEAF)
#define LV(op) V_(op, LEAF)
#define LVEC V_(vec, LEAF)

#define STEP TYPE
#include "fft_step_tmpl.h"
#if defined(HALF_f32) && defined(HALF_f64)
#define STEP LEAF
#include "fft_step_tmpl.h"
#endif

#define ST(name) CF_CAT(CF_CAT(CF_CAT(name, _), TYPE), CF_SUFFIX)
#define LT(name) CF_CAT(CF_CAT(CF_CAT(name, _), LEAF), CF_SUFFIX)
#define NODE(t, b) ((t) + 6 * (b))
/* Where the k-th LEAF_N coefficients of a node are. */
#define RE(x, k) ((x) + (k) * LEAF_N / VLANES * (2 * VLANES) + (k) * LEAF_N % VLANES)

enum { FN(FFT_UNIT) = VLANES, FN(FFT_LEAF) = LEAF_N };
enum { FN(FLAT_BYTES) = 16384 }; /* nodes of this size are in the L1 cache: level by level instead of one after the other */

/* The level of a node of n coefficients whose factors are whole units: down to them, or back.  Two levels at a time, eight factors in 32
 * registers, take as long (Zen 4): what is counted is operations, of which 1.5 vectors are done in a cycle. */
CF_INLINE void FN(cross_node)(ELEM *x, int64_t n, const ELEM *t, const int joins)
{
    const ST(node) w = ST(node_at)(t);
    const int64_t q = n / 2;
    for (int64_t i = 0; i < q; i += 2 * VLANES) {
        ST(pair) a[4];
        CF_UNROLL
        for (int k = 0; k < 4; k++)
            a[k] = ST(pair_at)(x + k * q + i, x + k * q + i + VLANES);
        if (joins)
            ST(join4)(a, &w);
        else
            ST(split4)(a, &w);
        CF_UNROLL
        for (int k = 0; k < 4; k++)
            ST(put_pair)(x + k * q + i, x + k * q + i + VLANES, a[k]);
    }
}

/* The last level likewise: `count` nodes of `ways` leaves each. */
CF_INLINE void FN(cross_last)(ELEM *x, const int ways, int64_t count, const ELEM *t, const int joins)
{
    for (int64_t i = 0; i < count; i++, x += 2 * ways * LEAF_N, t += 6) {
        LT(pair) a[4];
        const LT(node) w = LT(node_at)(t);
        CF_UNROLL
        for (int k = 0; k < ways; k++)
            a[k] = LT(pair_at)(RE(x, k), RE(x, k) + VLANES);
        if (ways == 4 && joins)
            LT(join4)(a, &w);
        else if (ways == 4)
            LT(split4)(a, &w);
        else if (joins)
            LT(join2)(a, w.r2);
        else
            LT(split2)(a, w.r2);
        CF_UNROLL
        for (int k = 0; k < ways; k++)
            LT(put_pair)(RE(x, k), RE(x, k) + VLANES, a[k]);
    }
}

/* Leaves, the k-th of a pair of units or of one: y (+)= x*h.  h holds, for each, c*h and h one after the other: a window for each
 * coefficient of x. */
CF_INLINE void FN(multiply_leaf)(const ELEM *x, const ELEM *h, ELEM *y, const int adds)
{
    LVEC rr = LV(zero)(), ri = LV(zero)(), ir = LV(zero)(), ii = LV(zero)();
    CF_UNROLL
    for (int j = 0; j < LEAF_N; j++) {
        LVEC xr = LV(set1)(x + j), xi = LV(set1)(x + VLANES + j);
        LVEC hr = LV(load)(h + LEAF_N - j), hi = LV(load)(h + 3 * LEAF_N - j);
        KEEP(xr);
        KEEP(xi);
        KEEP(hr);
        KEEP(hi);
        rr = LV(fma)(xr, hr, rr);
        ir = LV(fma)(xr, hi, ir);
        ri = LV(fma)(xi, hi, ri);
        ii = LV(fma)(xi, hr, ii);
    }
    LVEC re = LV(sub)(rr, ri), im = LV(add)(ir, ii);
    LV(store)(y, adds ? LV(add)(LV(load)(y), re) : re);
    LV(store)(y + VLANES, adds ? LV(add)(LV(load)(y + VLANES), im) : im);
}

CF_INLINE void FN(multiply_leaves)(const ELEM *x, const ELEM *h, ELEM *y, int64_t n, const int adds, int64_t unit, const cf_fft_ahead *ahead)
{
    const int ways = VLANES / LEAF_N;
    for (int64_t i = 0; i < n; i += VLANES, x += 2 * VLANES, y += 2 * VLANES, h += 4 * VLANES, unit++) {
        for (int64_t at = 0; ahead && at < ahead->bytes; at += 64) {
            CF_PREFETCH(ahead->samples + unit * ahead->bytes + at, 0);
            CF_PREFETCH(ahead->outputs + unit * ahead->bytes + at, 1);
        }
        CF_UNROLL
        for (int k = 0; k < ways; k++) {
            CF_PREFETCH((const void *)((uintptr_t)(h + 4 * k * LEAF_N) + 512), 0); /* an address past the end does no harm */
            FN(multiply_leaf)(x + k * LEAF_N, h + 4 * k * LEAF_N, y + k * LEAF_N, adds);
        }
    }
}

/* Leaves below a node of n coefficients of the last level. */
CF_INLINE int FN(last_ways)(int64_t n)
{
    while (n > 4 * LEAF_N)
        n /= 4;
    return (int)(n / LEAF_N);
}

CF_INLINE void FN(split_flat)(const ELEM *t, int64_t node, int64_t n, ELEM *x)
{
    int64_t count = 1, m = n;
    for (; m > 4 * LEAF_N; m /= 4, count *= 4, node *= 4)
        for (int64_t i = 0; i < count; i++)
            FN(cross_node)(x + 2 * i * m, m, NODE(t, node + i), 0);
    if (m == 4 * LEAF_N)
        FN(cross_last)(x, 4, count, NODE(t, node), 0);
    else if (m == 2 * LEAF_N)
        FN(cross_last)(x, 2, count, NODE(t, node), 0);
}

CF_INLINE void FN(join_flat)(const ELEM *t, int64_t node, int64_t n, ELEM *x)
{
    int64_t count = 1, m = n;
    for (; m > 4 * LEAF_N; m /= 4)
        count *= 4;
    if (m == 4 * LEAF_N)
        FN(cross_last)(x, 4, count, NODE(t, node * count), 1);
    else if (m == 2 * LEAF_N)
        FN(cross_last)(x, 2, count, NODE(t, node * count), 1);
    while (m < n) {
        m *= 4;
        count /= 4;
        for (int64_t i = 0; i < count; i++)
            FN(cross_node)(x + 2 * i * m, m, NODE(t, node * count + i), 1);
    }
}

static void FN(fft_tree)(const ELEM *table, int64_t node, int64_t n, ELEM *a, const ELEM *h, ELEM *b, int steps, int64_t unit,
                         const cf_fft_ahead *ahead)
{
    if (n * 2 * (int64_t)sizeof(ELEM) <= FN(FLAT_BYTES)) {
        if (steps & CF_FFT_SPLIT)
            FN(split_flat)(table, node, n, a);
        if (steps & CF_FFT_ADD)
            FN(multiply_leaves)(a, h, b, n, 1, unit, ahead);
        else if (steps & CF_FFT_MULTIPLY)
            FN(multiply_leaves)(a, h, b, n, 0, unit, ahead);
        if (steps & CF_FFT_JOIN)
            FN(join_flat)(table, node, n, b);
        return;
    }
    if (steps & CF_FFT_SPLIT)
        FN(cross_node)(a, n, NODE(table, node), 0);
    for (int k = 0; k < 4; k++)
        FN(fft_tree)(table, 4 * node + k, n / 4, a + k * n / 2, h ? h + k * n : NULL,
                     b ? b + k * n / 2 : NULL, steps, unit + k * n / 4 / VLANES, ahead);
    if (steps & CF_FFT_JOIN)
        FN(cross_node)(b, n, NODE(table, node), 1);
}

static void FN(fft_levels)(const void *table, int64_t node, int64_t n, void *x, const void *h, void *y, int steps, const cf_fft_ahead *ahead)
{
    FN(fft_tree)(table, node, n, x, h, y, steps, 0, ahead);
}

#ifdef WITH_NARROW
#define READ(p, i, single) ((single) ? V(widen)((const float *)(p) + (i)) : V(load)((const ELEM *)(p) + (i)))
#define WRITE(p, i, v, single)                  \
    do {                                        \
        if (single)                             \
            V(narrow)((float *)(p) + (i), v);   \
        else                                    \
            V(store)((ELEM *)(p) + (i), v);     \
    } while (0)
#else
#define READ(p, i, single) V(load)((const ELEM *)(p) + (i))
#define WRITE(p, i, v, single) V(store)((ELEM *)(p) + (i), v)
#endif

CF_INLINE void FN(open_by)(const ELEM *t, const int ways, int64_t n, int64_t count, const void *const *from, const int single, ELEM *x)
{
    const ELEM constants[2] = {(ELEM)0.5, (ELEM)0.86602540378443864676};
    const ST(node) w = ST(node_at)(t);
    const VEC half = V(set1)(constants), sine = V(set1)(constants + 1);
    const int64_t q = n / ways;
    (void)single, (void)half, (void)sine;
    for (int64_t i = 0; i < count; i += VLANES) {
        ST(pair) a[4];
        CF_UNROLL
        for (int k = 0; k < ways; k++) {
            a[k] = (ST(pair)){READ(from[k], i, single), READ(from[k + ways], i, single)};
            KEEP(a[k].re);
            KEEP(a[k].im);
        }
        if (ways == 4)
            ST(split4)(a, &w);
        else
            ST(split3)(a, &w, half, sine);
        CF_UNROLL
        for (int k = 0; k < ways; k++)
            ST(put_pair)(x + 2 * k * q + 2 * i, x + 2 * k * q + 2 * i + VLANES, a[k]);
    }
}

static void FN(fft_open)(const void *roots, int ways, int64_t n, int64_t first, int64_t count, const void *const *from, int single, void *x)
{
    ELEM *to = (ELEM *)x + 2 * first;
    switch (ways + (single ? 8 : 0)) {
    case 3: FN(open_by)(roots, 3, n, count, from, 0, to); break;
    case 4: FN(open_by)(roots, 4, n, count, from, 0, to); break;
    case 11: FN(open_by)(roots, 3, n, count, from, 1, to); break;
    default: FN(open_by)(roots, 4, n, count, from, 1, to);
    }
}

CF_INLINE void FN(close_by)(const ELEM *t, const int ways, int64_t n, int64_t count, const ELEM *x, void *const *to, const int single)
{
    const ELEM constants[2] = {(ELEM)0.5, (ELEM)0.86602540378443864676};
    const ST(node) w = ST(node_at)(t);
    const VEC half = V(set1)(constants), sine = V(set1)(constants + 1);
    const int64_t q = n / ways;
    (void)single, (void)half, (void)sine;
    for (int64_t i = 0; i < count; i += VLANES) {
        ST(pair) a[4];
        CF_UNROLL
        for (int k = 0; k < ways; k++)
            a[k] = ST(pair_at)(x + 2 * k * q + 2 * i, x + 2 * k * q + 2 * i + VLANES);
        if (ways == 4)
            ST(join4)(a, &w);
        else
            ST(join3)(a, &w, half, sine);
        CF_UNROLL
        for (int k = 0; k < ways; k++) {
            WRITE(to[k], i, a[k].re, single);
            WRITE(to[k + ways], i, a[k].im, single);
        }
    }
}

static void FN(fft_close)(const void *roots, int ways, int64_t n, int64_t first, int64_t count, const void *x, void *const *to, int single)
{
    const ELEM *from = (const ELEM *)x + 2 * first;
    switch (ways + (single ? 8 : 0)) {
    case 3: FN(close_by)(roots, 3, n, count, from, to, 0); break;
    case 4: FN(close_by)(roots, 4, n, count, from, to, 0); break;
    case 11: FN(close_by)(roots, 3, n, count, from, to, 1); break;
    default: FN(close_by)(roots, 4, n, count, from, to, 1);
    }
}

static void FN(fft_spread)(const void *table, int64_t node, int64_t n, const void *spectrum, double scale, void *to)
{
    const int ways = FN(last_ways)(n);
    const ELEM *x = spectrum, *t = table;
    ELEM *h = to;
    const ELEM by = (ELEM)scale;
    const LVEC s = LV(set1)(&by);
    for (int64_t leaf = 0; leaf < n / LEAF_N; leaf++, h += 4 * LEAF_N) {
        /* what t^LEAF_N is there: s_k of the node above */
        const int64_t up = ways > 1 ? ways : 4, b = node * (n / LEAF_N) + leaf;
        const ELEM *r = NODE(t, b / up) + (up == 4 ? 0 : 2);
        const int k = (int)(b % up);
        const ELEM c[2] = {k == 0 ? r[0] : k == 1 ? -r[0] : k == 2 ? -r[1] : r[1], k == 0 ? r[1] : k == 1 ? -r[1] : k == 2 ? r[0] : -r[0]};
        const ELEM *at = x + leaf * LEAF_N / VLANES * (2 * VLANES) + leaf * LEAF_N % VLANES;
        const LT(pair) a = {LV(mul)(LV(load)(at), s), LV(mul)(LV(load)(at + VLANES), s)}, w = {LV(set1)(c), LV(set1)(c + 1)};
        LT(put_pair)(h, h + 2 * LEAF_N, LT(turned)(a, w));
        LT(put_pair)(h + LEAF_N, h + 3 * LEAF_N, a);
    }
}

#undef LEAF
#undef LEAF_N
#undef LV
#undef LVEC
#undef ST
#undef LT
#undef NODE
#undef RE
#undef READ
#undef WRITE
