/* The words of one element type in portable C: ELEM in memory, WORK in sums, BITS to flip signs (floats only). */
#define W(op) V_(op, TYPE)
#define VEC V_(vec, TYPE)

typedef struct { ELEM e[2]; } VEC;

CF_INLINE VEC W(zero)(void) { return (VEC){{0, 0}}; }
CF_INLINE VEC W(set1)(const ELEM *p) { return (VEC){{*p, *p}}; }
CF_INLINE VEC W(load)(const ELEM *p) { return (VEC){{p[0], p[1]}}; }
CF_INLINE void W(store)(ELEM *p, VEC v)
{
    p[0] = v.e[0];
    p[1] = v.e[1];
}
CF_INLINE ELEM W(fma1)(ELEM a, ELEM b, ELEM c) { return (ELEM)((WORK)a * (WORK)b + (WORK)c); }
CF_INLINE VEC W(fma)(VEC a, VEC b, VEC c)
{
    return (VEC){{W(fma1)(a.e[0], b.e[0], c.e[0]), W(fma1)(a.e[1], b.e[1], c.e[1])}};
}
CF_INLINE VEC W(add)(VEC a, VEC b)
{
    return (VEC){{(ELEM)((WORK)a.e[0] + (WORK)b.e[0]), (ELEM)((WORK)a.e[1] + (WORK)b.e[1])}};
}

#ifdef BITS
CF_INLINE VEC W(sub)(VEC a, VEC b) { return (VEC){{a.e[0] - b.e[0], a.e[1] - b.e[1]}}; }
CF_INLINE VEC W(mul)(VEC a, VEC b) { return (VEC){{a.e[0] * b.e[0], a.e[1] * b.e[1]}}; }
CF_INLINE VEC W(fnma)(VEC a, VEC b, VEC c) { return (VEC){{c.e[0] - a.e[0] * b.e[0], c.e[1] - a.e[1] * b.e[1]}}; }
CF_INLINE ELEM W(flip)(ELEM a, ELEM b) /* a with its sign flipped where b is negative */
{
    union { ELEM f; BITS u; } x, y;
    x.f = a;
    y.f = b;
    x.u ^= y.u;
    return x.f;
}
CF_INLINE VEC W(xor)(VEC a, VEC b) { return (VEC){{W(flip)(a.e[0], b.e[0]), W(flip)(a.e[1], b.e[1])}}; }
CF_INLINE VEC W(swap)(VEC a) { return (VEC){{a.e[1], a.e[0]}}; }
CF_INLINE VEC W(dup_even)(VEC a) { return (VEC){{a.e[0], a.e[0]}}; }
CF_INLINE VEC W(dup_odd)(VEC a) { return (VEC){{a.e[1], a.e[1]}}; }
#endif

#undef W
#undef VEC
#undef TYPE
#undef ELEM
#undef WORK
#undef BITS
