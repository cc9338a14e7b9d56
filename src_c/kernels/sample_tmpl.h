/* What a sample of the arithmetic type is to the kernels: how products are summed, for real and for complex samples alike.
 *
 * Complex samples stay interleaved.  With x = (xr, xi) and a tap (wr, wi), two real sums over the same loaded vector,
 * a = sum (xr wr, xi wr) and b = sum (xr wi, xi wi), give re = a.re - b.im and im = a.im + b.re at the end: no shuffle
 * in the loop, and conjugation is a change of signs at the end. */

#define FN(name) CF_CAT(CF_CAT(CF_CAT(name, _), NAME), CF_SUFFIX)
#define V(op) V_(op, TYPE)
#define VEC V_(vec, TYPE)
#define VLANES CF_CAT(LANES_, TYPE)
#define KEEP(v) CF_CAT(keep, CF_SUFFIX)(v)

/* The first n lanes; where the instruction set masks nothing, through an array of lanes. */
#if CF_CAT(MASKS_, TYPE)
CF_INLINE VEC FN(load_part)(const ELEM *p, int64_t n) { return V(load_tail)(p, n); }
CF_INLINE void FN(store_part)(ELEM *p, VEC v, int64_t n) { V(store_tail)(p, v, n); }
#else
CF_INLINE VEC FN(load_part)(const ELEM *p, int64_t n)
{
    ELEM lanes[VLANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lanes[i] = p[i];
    return V(load)(lanes);
}
CF_INLINE void FN(store_part)(ELEM *p, VEC v, int64_t n)
{
    ELEM lanes[VLANES];
    V(store)(lanes, v);
    for (int64_t i = 0; i < n; i++)
        p[i] = lanes[i];
}
#endif

#if PARTS == 1

typedef struct { VEC sum; } FN(acc);
typedef VEC FN(tap);
typedef int FN(signs);

CF_INLINE FN(signs) FN(signs_of)(int flags) { return flags; }
CF_INLINE FN(tap) FN(tap_at)(const ELEM *p) { return V(set1)(p); }
CF_INLINE FN(tap) FN(tap_vector)(VEC v) { return v; }
CF_INLINE FN(acc) FN(nothing)(void) { return (FN(acc)){V(zero)()}; }
CF_INLINE FN(acc) FN(resume)(VEC y, const FN(signs) *signs)
{
    (void)signs;
    return (FN(acc)){y};
}
CF_INLINE VEC FN(finish)(FN(acc) acc, const FN(signs) *signs)
{
    (void)signs;
    return acc.sum;
}
CF_INLINE FN(acc) FN(mac)(FN(acc) acc, VEC x, FN(tap) tap) { return (FN(acc)){V(fma)(x, tap, acc.sum)}; }
CF_INLINE FN(acc) FN(join)(FN(acc) p, FN(acc) q) { return (FN(acc)){V(add)(p.sum, q.sum)}; }

#else

typedef struct { VEC a, b; } FN(acc);
typedef struct { VEC re, im; } FN(tap);
typedef struct { VEC a, b; } FN(signs);

/* Sign bits to flip: of a = (+, s) and of swapped b = (b.im, b.re), by what is conjugated. */
CF_INLINE FN(signs) FN(signs_of)(int flags)
{
    int samples = (flags & CF_CONJ_SAMPLES) != 0, taps = (flags & CF_CONJ_TAPS) != 0;
    ELEM a[VLANES], b[VLANES];
    for (int i = 0; i < VLANES; i += 2) {
        a[i] = 0;
        a[i + 1] = samples ? -(ELEM)0 : 0;
        b[i] = samples == taps ? -(ELEM)0 : 0;
        b[i + 1] = taps ? -(ELEM)0 : 0;
    }
    return (FN(signs)){V(load)(a), V(load)(b)};
}
CF_INLINE FN(tap) FN(tap_at)(const ELEM *p) { return (FN(tap)){V(set1)(p), V(set1)(p + 1)}; }
CF_INLINE FN(tap) FN(tap_vector)(VEC v) { return (FN(tap)){V(dup_even)(v), V(dup_odd)(v)}; }
CF_INLINE FN(acc) FN(nothing)(void) { return (FN(acc)){V(zero)(), V(zero)()}; }
CF_INLINE FN(acc) FN(resume)(VEC y, const FN(signs) *signs) { return (FN(acc)){V(xor)(y, signs->a), V(zero)()}; }
CF_INLINE VEC FN(finish)(FN(acc) acc, const FN(signs) *signs)
{
    return V(add)(V(xor)(acc.a, signs->a), V(xor)(V(swap)(acc.b), signs->b));
}
CF_INLINE FN(acc) FN(mac)(FN(acc) acc, VEC x, FN(tap) tap)
{
    return (FN(acc)){V(fma)(x, tap.re, acc.a), V(fma)(x, tap.im, acc.b)};
}
CF_INLINE FN(acc) FN(join)(FN(acc) p, FN(acc) q) { return (FN(acc)){V(add)(p.a, q.a), V(add)(p.b, q.b)}; }

#endif

/* A sum that goes on from the vector of y, and where one ends; the first `tail` numbers of it, or all if tail is 0. */
CF_INLINE FN(acc) FN(begin)(const ELEM *y, int64_t tail, const FN(signs) *signs)
{
    return FN(resume)(tail ? FN(load_part)(y, tail) : V(load)(y), signs);
}

CF_INLINE void FN(end)(ELEM *y, FN(acc) acc, int64_t tail, const FN(signs) *signs)
{
    if (tail)
        FN(store_part)(y, FN(finish)(acc, signs), tail);
    else
        V(store)(y, FN(finish)(acc, signs));
}

/* A whole vector of memory that is not read soon. */
CF_INLINE void FN(end_past_cache)(ELEM *y, FN(acc) acc, const FN(signs) *signs)
{
#ifdef CF_STREAMS
    V(stream)(y, FN(finish)(acc, signs));
#else
    V(store)(y, FN(finish)(acc, signs));
#endif
}

/* What the lanes of each of `count` vectors (a constant) add up to; writes as far as whole fours. */
CF_INLINE void FN(totals)(const VEC *sums, const int count, ELEM *to)
{
#if PARTS == 1 && CF_CAT(FOURS_, TYPE)
    CF_UNROLL
    for (int i = 0; i < count; i += 4)
        V(four_sums)(sums[i], i + 1 < count ? sums[i + 1] : V(zero)(), i + 2 < count ? sums[i + 2] : V(zero)(),
                     i + 3 < count ? sums[i + 3] : V(zero)(), to + i);
#else
    for (int i = 0; i < count; i++) {
        ELEM lanes[VLANES];
        V(store)(lanes, sums[i]);
        for (int half = VLANES / 2; half >= PARTS; half /= 2)
            for (int l = 0; l < half; l++)
                lanes[l] = (ELEM)WRAP_ADD(lanes[l], lanes[l + half]);
        for (int p = 0; p < PARTS; p++)
            to[PARTS * i + p] = lanes[p];
    }
#endif
}

CF_INLINE void FN(put_totals)(ELEM *to, const ELEM *totals, const int n, int flags)
{
    for (int i = 0; i < n; i++) /* not a sum or none: compilers add what nobody wrote, and drop it */
        to[i] = (ELEM)WRAP_ADD(flags & CF_ACCUMULATE ? to[i] : 0, totals[i]);
}
