/* Butterflies of the kernels in fft_tmpl.h, on vectors of the type STEP.  A node of the tree stands for polynomials modulo t^n - c and has
 * the numbers r = c^(1/4), r^2, r^3; t^n - c = prod_k (t^(n/4) - s_k) with s_k = r, -r, ir, -ir, or (t^(n/2) - r^2)(t^(n/2) + r^2). */
#define SV(op) V_(op, STEP)
#define SVEC V_(vec, STEP)
#define ST(name) CF_CAT(CF_CAT(CF_CAT(name, _), STEP), CF_SUFFIX)

typedef struct { SVEC re, im; } ST(pair);
typedef struct { ST(pair) r, r2, r3; } ST(node);

CF_INLINE ST(pair) ST(pair_at)(const ELEM *re, const ELEM *im)
{
    ST(pair) a = {SV(load)(re), SV(load)(im)};
    KEEP(a.re);
    KEEP(a.im);
    return a;
}
CF_INLINE void ST(put_pair)(ELEM *re, ELEM *im, ST(pair) a)
{
    SV(store)(re, a.re);
    SV(store)(im, a.im);
}
CF_INLINE ST(node) ST(node_at)(const ELEM *t)
{
    return (ST(node)){{SV(set1)(t), SV(set1)(t + 1)}, {SV(set1)(t + 2), SV(set1)(t + 3)}, {SV(set1)(t + 4), SV(set1)(t + 5)}};
}
CF_INLINE ST(pair) ST(plus)(ST(pair) a, ST(pair) b) { return (ST(pair)){SV(add)(a.re, b.re), SV(add)(a.im, b.im)}; }
CF_INLINE ST(pair) ST(minus)(ST(pair) a, ST(pair) b) { return (ST(pair)){SV(sub)(a.re, b.re), SV(sub)(a.im, b.im)}; }
CF_INLINE ST(pair) ST(plus_i)(ST(pair) a, ST(pair) b) { return (ST(pair)){SV(sub)(a.re, b.im), SV(add)(a.im, b.re)}; }  /* a + ib */
CF_INLINE ST(pair) ST(minus_i)(ST(pair) a, ST(pair) b) { return (ST(pair)){SV(add)(a.re, b.im), SV(sub)(a.im, b.re)}; } /* a - ib */
CF_INLINE ST(pair) ST(turned)(ST(pair) a, ST(pair) w) /* a*w */
{
    return (ST(pair)){SV(fnma)(a.im, w.im, SV(mul)(a.re, w.re)), SV(fma)(a.re, w.im, SV(mul)(a.im, w.re))};
}
CF_INLINE ST(pair) ST(turned_back)(ST(pair) a, ST(pair) w) /* a*conj(w) */
{
    return (ST(pair)){SV(fma)(a.im, w.im, SV(mul)(a.re, w.re)), SV(fnma)(a.re, w.im, SV(mul)(a.im, w.re))};
}

/* Coefficients n/4 apart to those modulo the four factors; join4 takes these back, four times as large. */
CF_INLINE void ST(split4)(ST(pair) a[4], const ST(node) *w)
{
    ST(pair) b1 = ST(turned)(a[1], w->r), b2 = ST(turned)(a[2], w->r2), b3 = ST(turned)(a[3], w->r3);
    ST(pair) s02 = ST(plus)(a[0], b2), d02 = ST(minus)(a[0], b2), s13 = ST(plus)(b1, b3), d13 = ST(minus)(b1, b3);
    a[0] = ST(plus)(s02, s13);
    a[1] = ST(minus)(s02, s13);
    a[2] = ST(plus_i)(d02, d13);
    a[3] = ST(minus_i)(d02, d13);
}
CF_INLINE void ST(join4)(ST(pair) a[4], const ST(node) *w)
{
    ST(pair) s01 = ST(plus)(a[0], a[1]), d01 = ST(minus)(a[0], a[1]), s23 = ST(plus)(a[2], a[3]), d23 = ST(minus)(a[2], a[3]);
    a[0] = ST(plus)(s01, s23);
    a[1] = ST(turned_back)(ST(minus_i)(d01, d23), w->r);
    a[2] = ST(turned_back)(ST(minus)(s01, s23), w->r2);
    a[3] = ST(turned_back)(ST(plus_i)(d01, d23), w->r3);
}
/* Three factors instead, r = c^(1/3): s_k = r w^k with w = e^(2 pi i/3); `sine` is that of w. */
CF_INLINE void ST(split3)(ST(pair) a[3], const ST(node) *w, SVEC half, SVEC sine)
{
    ST(pair) b1 = ST(turned)(a[1], w->r), b2 = ST(turned)(a[2], w->r2), sum = ST(plus)(b1, b2), d = ST(minus)(b1, b2);
    ST(pair) middle = {SV(fnma)(sum.re, half, a[0].re), SV(fnma)(sum.im, half, a[0].im)};
    a[0] = ST(plus)(a[0], sum);
    a[1] = (ST(pair)){SV(fnma)(d.im, sine, middle.re), SV(fma)(d.re, sine, middle.im)};
    a[2] = (ST(pair)){SV(fma)(d.im, sine, middle.re), SV(fnma)(d.re, sine, middle.im)};
}
CF_INLINE void ST(join3)(ST(pair) a[3], const ST(node) *w, SVEC half, SVEC sine)
{
    ST(pair) sum = ST(plus)(a[1], a[2]), d = ST(minus)(a[1], a[2]);
    ST(pair) middle = {SV(fnma)(sum.re, half, a[0].re), SV(fnma)(sum.im, half, a[0].im)};
    a[0] = ST(plus)(a[0], sum);
    a[1] = ST(turned_back)((ST(pair)){SV(fma)(d.im, sine, middle.re), SV(fnma)(d.re, sine, middle.im)}, w->r);
    a[2] = ST(turned_back)((ST(pair)){SV(fnma)(d.im, sine, middle.re), SV(fma)(d.re, sine, middle.im)}, w->r2);
}
CF_INLINE void ST(split2)(ST(pair) a[2], ST(pair) r2)
{
    ST(pair) b = ST(turned)(a[1], r2), first = a[0];
    a[0] = ST(plus)(first, b);
    a[1] = ST(minus)(first, b);
}
CF_INLINE void ST(join2)(ST(pair) a[2], ST(pair) r2)
{
    ST(pair) sum = ST(plus)(a[0], a[1]);
    a[1] = ST(turned_back)(ST(minus)(a[0], a[1]), r2);
    a[0] = sum;
}

#undef SV
#undef SVEC
#undef ST
#undef STEP
