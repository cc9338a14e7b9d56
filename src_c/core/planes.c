#include "planes.h"
#include "border.h"

#include <string.h>

#define WIDEN(TYPE)                                              \
    for (int64_t i = 0; i < n; i++)                              \
        ((double *)to)[i] = (double)((const TYPE *)from)[i];     \
    break
#define DIVIDE(TYPE)                                              \
    for (int64_t i = 0; i < n; i++) {                             \
        ((TYPE *)to)[i] = ((const TYPE *)from)[2 * i];            \
        ((TYPE *)imaginary)[i] = ((const TYPE *)from)[2 * i + 1]; \
    }                                                             \
    break

void cf_planes_put(const cf_dtype *t, void *to, void *imaginary, const void *from, int64_t n)
{
    switch (t->id) {
    case CORRFAST_BOOL: WIDEN(float);
    case CORRFAST_INT8: case CORRFAST_UINT8: case CORRFAST_INT16: WIDEN(int16_t);
    case CORRFAST_UINT16: WIDEN(uint16_t);
    case CORRFAST_INT32: WIDEN(int32_t);
    case CORRFAST_UINT32: WIDEN(uint32_t);
    case CORRFAST_INT64: WIDEN(int64_t);
    case CORRFAST_UINT64: WIDEN(uint64_t);
    case CORRFAST_COMPLEX64: DIVIDE(float);
    case CORRFAST_COMPLEX128: DIVIDE(double);
    default: memcpy(to, from, (size_t)n * (cf_planes_are_single(t) ? sizeof(float) : sizeof(double)));
    }
}

#define NARROW(TYPE)                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                    \
        double v = ((const double *)from)[i];                                            \
        ((TYPE *)to)[i * stride] = (TYPE)(uint64_t)(int64_t)(v < 0 ? v - 0.5 : v + 0.5); \
    }                                                                                    \
    break
#define UNITE(TYPE)                                                     \
    for (int64_t i = 0; i < n; i++) {                                   \
        ((TYPE *)to)[2 * i * stride] = ((const TYPE *)from)[i];         \
        ((TYPE *)to)[2 * i * stride + 1] = ((const TYPE *)imaginary)[i]; \
    }                                                                   \
    break

void cf_planes_take(const cf_dtype *t, void *to, int64_t stride, const void *from, const void *imaginary, int64_t n)
{
    switch (t->id) {
    case CORRFAST_BOOL:
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)to)[i * stride] = ((const double *)from)[i] > 0.5;
        break;
    case CORRFAST_INT8: case CORRFAST_UINT8: NARROW(uint8_t);
    case CORRFAST_INT16: case CORRFAST_UINT16: NARROW(uint16_t);
    case CORRFAST_INT32: case CORRFAST_UINT32: NARROW(uint32_t);
    case CORRFAST_INT64: case CORRFAST_UINT64: NARROW(uint64_t);
    case CORRFAST_COMPLEX64: UNITE(float);
    case CORRFAST_COMPLEX128: UNITE(double);
    case CORRFAST_FLOAT16: cf_narrow(t, to, stride, from, n); break;
    default: cf_copy_strided(to, stride, from, 1, n, t->size);
    }
}

void cf_planes_negate(const cf_dtype *t, void *from, int64_t n)
{
    const int single = cf_planes_are_single(t);
    for (int64_t i = 0; i < n; i++) {
        if (single)
            ((float *)from)[i] = -((float *)from)[i];
        else
            ((double *)from)[i] = -((double *)from)[i];
    }
}
