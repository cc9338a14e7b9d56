/* The dtype table: a dtype is one row here.  Its arithmetic type is what the SIMD kernels compute in. */
#ifndef CF_DTYPE_H
#define CF_DTYPE_H

#include "names.h"

/* Types that the kernel table has kernels for.  Signed and unsigned integers share theirs: modulo 2**bits they are the same.
 * 8-bit integers compute in 16 bits and are cut back, which is exact modulo 2**8.  bool computes in float32 on 0 and 1: a sum
 * of ones never decreases and never rounds to zero, so "non-zero" is exactly the logical or. */
typedef enum cf_arith { CF_I16, CF_I32, CF_I64, CF_F32, CF_F64, CF_C64, CF_C128, CF_ARITH_COUNT, CF_NO_ARITH = -1 } cf_arith;

typedef struct cf_dtype {
    const char *name;
    int id; /* corrfast_dtype */
    int size;
    cf_arith arith;
    int arith_size;
    int is_float; /* has NaN and Inf */
    int is_complex;
} cf_dtype;

/* NULL if there is no such dtype. */
CF_HIDDEN const cf_dtype *cf_dtype_of(int id);

static inline int cf_converts(const cf_dtype *t)
{
    return t->id == CORRFAST_BOOL || t->id == CORRFAST_INT8 || t->id == CORRFAST_UINT8 || t->id == CORRFAST_FLOAT16;
}

/* n elements of dtype, `stride` elements apart, to contiguous ones of its arithmetic type; and back.  For dtypes that convert. */
CF_HIDDEN void cf_widen(const cf_dtype *t, void *to, const void *from, int64_t stride, int64_t n);
CF_HIDDEN void cf_narrow(const cf_dtype *t, void *to, int64_t stride, const void *from, int64_t n);

/* to[i*stride] += from[i], in the dtype's own arithmetic. */
CF_HIDDEN void cf_fold_add(const cf_dtype *t, void *to, int64_t stride, const void *from, int64_t n);

CF_HIDDEN int cf_all_finite(const cf_dtype *t, const void *from, int64_t stride, int64_t n);
CF_HIDDEN int cf_is_zero(const cf_dtype *t, const void *element);

/* IEEE half precision, by bits: no CPU support assumed. */
static inline float cf_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, mantissa = h & 0x3ffu;
    union { uint32_t u; float f; } out;
    if (exponent == 31u) {
        out.u = sign | 0x7f800000u | (mantissa << 13);
    } else if (exponent) {
        out.u = sign | ((exponent + 112u) << 23) | (mantissa << 13);
    } else { /* subnormal or zero: mantissa * 2^-24 is exact in float */
        out.f = (float)mantissa * 5.9604644775390625e-8f;
        out.u |= sign;
    }
    return out.f;
}

static inline uint16_t cf_float_to_half(float f) /* round to nearest, ties to even */
{
    union { float f; uint32_t u; } in;
    in.f = f;
    uint32_t sign = (in.u >> 16) & 0x8000u, bits = in.u & 0x7fffffffu, out;
    if (bits > 0x7f800000u) {
        out = 0x7e00u | ((bits >> 13) & 0x3ffu); /* NaN stays NaN */
    } else if (bits >= 0x477ff000u) {
        out = 0x7c00u; /* 65520 and above round to Inf */
    } else if (bits >= 0x38800000u) {
        out = (bits - 0x38000000u + 0xfffu + ((bits >> 13) & 1u)) >> 13;
    } else { /* below the smallest normal half: adding 0.5 aligns the mantissa to 2^-24 and rounds it */
        in.u = bits;
        in.f += 0.5f;
        out = in.u - 0x3f000000u;
    }
    return (uint16_t)(sign | out);
}

#endif
