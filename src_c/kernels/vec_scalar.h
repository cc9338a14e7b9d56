/* The SIMD vocabulary in portable C, with "vectors" of two so that a complex sample is one; vec_avx2.h says what each word means.
 * Products and sums of integers are formed unsigned, where wrapping is defined. */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __scalar))

#define VEC__scalar(T, TYPE, FMA, ADD)                                                                                 \
    typedef struct { TYPE e[2]; } vec_##T##__scalar;                                                                   \
    CF_INLINE vec_##T##__scalar zero_##T##__scalar(void) { return (vec_##T##__scalar){{0, 0}}; }                       \
    CF_INLINE vec_##T##__scalar set1_##T##__scalar(const TYPE *p) { return (vec_##T##__scalar){{*p, *p}}; }            \
    CF_INLINE vec_##T##__scalar load_##T##__scalar(const TYPE *p) { return (vec_##T##__scalar){{p[0], p[1]}}; }        \
    CF_INLINE void store_##T##__scalar(TYPE *p, vec_##T##__scalar v) { p[0] = v.e[0]; p[1] = v.e[1]; }                 \
    CF_INLINE vec_##T##__scalar load_tail_##T##__scalar(const TYPE *p, int64_t n)                                      \
    {                                                                                                                  \
        return (vec_##T##__scalar){{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0}};                                              \
    }                                                                                                                  \
    CF_INLINE void store_tail_##T##__scalar(TYPE *p, vec_##T##__scalar v, int64_t n)                                   \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            p[i] = v.e[i];                                                                                             \
    }                                                                                                                  \
    CF_INLINE vec_##T##__scalar fma_##T##__scalar(vec_##T##__scalar a, vec_##T##__scalar b, vec_##T##__scalar c)       \
    {                                                                                                                  \
        return (vec_##T##__scalar){{FMA(a.e[0], b.e[0], c.e[0]), FMA(a.e[1], b.e[1], c.e[1])}};                        \
    }                                                                                                                  \
    CF_INLINE vec_##T##__scalar add_##T##__scalar(vec_##T##__scalar a, vec_##T##__scalar b)                            \
    {                                                                                                                  \
        return (vec_##T##__scalar){{ADD(a.e[0], b.e[0]), ADD(a.e[1], b.e[1])}};                                        \
    }

#define FLOAT_FMA__scalar(a, b, c) ((a) * (b) + (c))
#define FLOAT_ADD__scalar(a, b) ((a) + (b))
#define I16_FMA__scalar(a, b, c) ((int16_t)((uint32_t)(uint16_t)(a) * (uint16_t)(b) + (uint16_t)(c)))
#define I16_ADD__scalar(a, b) ((int16_t)((uint32_t)(uint16_t)(a) + (uint16_t)(b)))
#define I32_FMA__scalar(a, b, c) ((int32_t)((uint32_t)(a) * (uint32_t)(b) + (uint32_t)(c)))
#define I32_ADD__scalar(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define I64_FMA__scalar(a, b, c) ((int64_t)((uint64_t)(a) * (uint64_t)(b) + (uint64_t)(c)))
#define I64_ADD__scalar(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
VEC__scalar(f32, float, FLOAT_FMA__scalar, FLOAT_ADD__scalar)
VEC__scalar(f64, double, FLOAT_FMA__scalar, FLOAT_ADD__scalar)
VEC__scalar(i16, int16_t, I16_FMA__scalar, I16_ADD__scalar)
VEC__scalar(i32, int32_t, I32_FMA__scalar, I32_ADD__scalar)
VEC__scalar(i64, int64_t, I64_FMA__scalar, I64_ADD__scalar)
#define LANES_f32 2
#define LANES_f64 2
#define LANES_i16 2
#define LANES_i32 2
#define LANES_i64 2

#define PAIRS__scalar(T, TYPE, BITS)                                                                                   \
    CF_INLINE TYPE flip_##T##__scalar(TYPE a, TYPE b) /* a with its sign flipped where b is negative */                \
    {                                                                                                                  \
        union { TYPE f; BITS u; } x, y;                                                                                \
        x.f = a;                                                                                                       \
        y.f = b;                                                                                                       \
        x.u ^= y.u;                                                                                                    \
        return x.f;                                                                                                    \
    }                                                                                                                  \
    CF_INLINE vec_##T##__scalar xor_##T##__scalar(vec_##T##__scalar a, vec_##T##__scalar b)                            \
    {                                                                                                                  \
        return (vec_##T##__scalar){{flip_##T##__scalar(a.e[0], b.e[0]), flip_##T##__scalar(a.e[1], b.e[1])}};          \
    }                                                                                                                  \
    CF_INLINE vec_##T##__scalar swap_##T##__scalar(vec_##T##__scalar a) { return (vec_##T##__scalar){{a.e[1], a.e[0]}}; } \
    CF_INLINE vec_##T##__scalar dup_even_##T##__scalar(vec_##T##__scalar a) { return (vec_##T##__scalar){{a.e[0], a.e[0]}}; } \
    CF_INLINE vec_##T##__scalar dup_odd_##T##__scalar(vec_##T##__scalar a) { return (vec_##T##__scalar){{a.e[1], a.e[1]}}; }
PAIRS__scalar(f32, float, uint32_t)
PAIRS__scalar(f64, double, uint64_t)

#define keep__scalar(v) ((void)0)
