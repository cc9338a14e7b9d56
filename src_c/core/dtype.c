/* Element-wise work on samples by dtype: conversion to and from the arithmetic type, finiteness, adding. */
#include "dtype.h"

#define ROW(NAME, ID, TYPE, ARITH, ARITH_TYPE, FLOAT, COMPLEX) \
    {NAME, ID, (int)sizeof(TYPE), ARITH, (int)sizeof(ARITH_TYPE), FLOAT, COMPLEX}

typedef struct { float re, im; } c64;
typedef struct { double re, im; } c128;
typedef struct { long double re, im; } cld;

static const cf_dtype dtypes[] = {
    ROW("bool", CORRFAST_BOOL, uint8_t, CF_F32, float, 0, 0),
    ROW("int8", CORRFAST_INT8, int8_t, CF_I16, int16_t, 0, 0),
    ROW("uint8", CORRFAST_UINT8, uint8_t, CF_I16, int16_t, 0, 0),
    ROW("int16", CORRFAST_INT16, int16_t, CF_I16, int16_t, 0, 0),
    ROW("uint16", CORRFAST_UINT16, uint16_t, CF_I16, int16_t, 0, 0),
    ROW("int32", CORRFAST_INT32, int32_t, CF_I32, int32_t, 0, 0),
    ROW("uint32", CORRFAST_UINT32, uint32_t, CF_I32, int32_t, 0, 0),
    ROW("int64", CORRFAST_INT64, int64_t, CF_I64, int64_t, 0, 0),
    ROW("uint64", CORRFAST_UINT64, uint64_t, CF_I64, int64_t, 0, 0),
    ROW("float16", CORRFAST_FLOAT16, uint16_t, CF_F32, float, 1, 0),
    ROW("float32", CORRFAST_FLOAT32, float, CF_F32, float, 1, 0),
    ROW("float64", CORRFAST_FLOAT64, double, CF_F64, double, 1, 0),
    ROW("longdouble", CORRFAST_LONGDOUBLE, long double, CF_NO_ARITH, long double, 1, 0),
    ROW("complex64", CORRFAST_COMPLEX64, c64, CF_C64, c64, 1, 1),
    ROW("complex128", CORRFAST_COMPLEX128, c128, CF_C128, c128, 1, 1),
    ROW("clongdouble", CORRFAST_CLONGDOUBLE, cld, CF_NO_ARITH, cld, 1, 1),
};

const cf_dtype *cf_dtype_of(int id) /* the rows stand in the order of the ids, which begin at 1 */
{
    return id >= 1 && id <= (int)(sizeof dtypes / sizeof *dtypes) ? &dtypes[id - 1] : NULL;
}

void cf_widen(const cf_dtype *t, void *to, const void *from, int64_t stride, int64_t n)
{
    float *f = to;
    int16_t *s = to;
    switch (t->id) {
    case CORRFAST_BOOL:
        for (int64_t i = 0; i < n; i++)
            f[i] = ((const uint8_t *)from)[i * stride] ? 1.0f : 0.0f;
        break;
    case CORRFAST_INT8:
        for (int64_t i = 0; i < n; i++)
            s[i] = ((const int8_t *)from)[i * stride];
        break;
    case CORRFAST_UINT8:
        for (int64_t i = 0; i < n; i++)
            s[i] = ((const uint8_t *)from)[i * stride];
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            f[i] = cf_half_to_float(((const uint16_t *)from)[i * stride]);
    }
}

void cf_narrow(const cf_dtype *t, void *to, int64_t stride, const void *from, int64_t n)
{
    const float *f = from;
    const uint16_t *s = from;
    switch (t->id) {
    case CORRFAST_BOOL:
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)to)[i * stride] = f[i] != 0;
        break;
    case CORRFAST_INT8:
    case CORRFAST_UINT8:
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)to)[i * stride] = (uint8_t)(s[i] & 0xffu);
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)to)[i * stride] = cf_float_to_half(f[i]);
    }
}

#define FOLD(TYPE, SUM)                                    \
    for (int64_t i = 0; i < n; i++) {                      \
        TYPE *a = (TYPE *)to + i * stride;                 \
        TYPE b = ((const TYPE *)from)[i];                  \
        *a = SUM;                                          \
    }                                                      \
    break

void cf_fold_add(const cf_dtype *t, void *to, int64_t stride, const void *from, int64_t n)
{
    switch (t->id) {
    case CORRFAST_BOOL: FOLD(uint8_t, (uint8_t)((*a | b) != 0));
    case CORRFAST_INT8:
    case CORRFAST_UINT8: FOLD(uint8_t, (uint8_t)(*a + b));
    case CORRFAST_INT16:
    case CORRFAST_UINT16: FOLD(uint16_t, (uint16_t)(*a + b));
    case CORRFAST_INT32:
    case CORRFAST_UINT32: FOLD(uint32_t, *a + b);
    case CORRFAST_INT64:
    case CORRFAST_UINT64: FOLD(uint64_t, *a + b);
    case CORRFAST_FLOAT16: FOLD(uint16_t, cf_float_to_half(cf_half_to_float(*a) + cf_half_to_float(b)));
    case CORRFAST_FLOAT32: FOLD(float, *a + b);
    case CORRFAST_FLOAT64: FOLD(double, *a + b);
    case CORRFAST_LONGDOUBLE: FOLD(long double, *a + b);
    case CORRFAST_COMPLEX64: FOLD(c64, ((c64){a->re + b.re, a->im + b.im}));
    case CORRFAST_COMPLEX128: FOLD(c128, ((c128){a->re + b.re, a->im + b.im}));
    default: FOLD(cld, ((cld){a->re + b.re, a->im + b.im}));
    }
}

/* x * 0 is NaN exactly where x is NaN or Inf. */
#define FINITE(TYPE, PARTS)                                                        \
    {                                                                              \
        TYPE sum = 0;                                                              \
        for (int64_t i = 0; i < n; i++)                                            \
            for (int part = 0; part < (PARTS); part++)                             \
                sum += ((const TYPE *)from)[i * stride * (PARTS) + part] * 0;      \
        return sum == 0;                                                           \
    }

int cf_all_finite(const cf_dtype *t, const void *from, int64_t stride, int64_t n)
{
    switch (t->id) {
    case CORRFAST_FLOAT16:
        for (int64_t i = 0; i < n; i++)
            if ((((const uint16_t *)from)[i * stride] & 0x7c00u) == 0x7c00u)
                return 0;
        return 1;
    case CORRFAST_FLOAT32: FINITE(float, 1)
    case CORRFAST_FLOAT64: FINITE(double, 1)
    case CORRFAST_LONGDOUBLE: FINITE(long double, 1)
    case CORRFAST_COMPLEX64: FINITE(float, 2)
    case CORRFAST_COMPLEX128: FINITE(double, 2)
    case CORRFAST_CLONGDOUBLE: FINITE(long double, 2)
    default: return 1;
    }
}

int cf_is_zero(const cf_dtype *t, const void *element)
{
    const uint8_t *b = element;
    switch (t->id) { /* by value, for -0.0 and for the padding bytes of long double */
    case CORRFAST_FLOAT16: return cf_half_to_float(*(const uint16_t *)element) == 0;
    case CORRFAST_FLOAT32: return *(const float *)element == 0;
    case CORRFAST_FLOAT64: return *(const double *)element == 0;
    case CORRFAST_LONGDOUBLE: return *(const long double *)element == 0;
    case CORRFAST_COMPLEX64: return ((const c64 *)element)->re == 0 && ((const c64 *)element)->im == 0;
    case CORRFAST_COMPLEX128: return ((const c128 *)element)->re == 0 && ((const c128 *)element)->im == 0;
    case CORRFAST_CLONGDOUBLE: return ((const cld *)element)->re == 0 && ((const cld *)element)->im == 0;
    default:
        for (int i = 0; i < t->size; i++)
            if (b[i])
                return 0;
        return 1;
    }
}
