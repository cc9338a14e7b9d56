/* The SIMD vocabulary in portable C, with "vectors" of two so that a complex sample is one; vec_avx2.h says what each word means.
 * Products and sums of integers are formed unsigned, where wrapping is defined. */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __scalar))

#define CF_REGISTERS 16
#define CF_PLAIN_C
#define LANES_f32 2
#define LANES_f64 2
#define LANES_i16 2
#define LANES_i32 2
#define LANES_i64 2
#define MASKS_f32 0
#define MASKS_f64 0
#define MASKS_i16 0
#define MASKS_i32 0
#define MASKS_i64 0

#define TYPE f32
#define ELEM float
#define WORK float
#define BITS uint32_t
#include "vec_scalar_tmpl.h"

#define TYPE f64
#define ELEM double
#define WORK double
#define BITS uint64_t
#include "vec_scalar_tmpl.h"

#define TYPE i16
#define ELEM int16_t
#define WORK uint32_t /* uint16_t would be promoted to int, where products overflow */
#include "vec_scalar_tmpl.h"

#define TYPE i32
#define ELEM int32_t
#define WORK uint32_t
#include "vec_scalar_tmpl.h"

#define TYPE i64
#define ELEM int64_t
#define WORK uint64_t
#include "vec_scalar_tmpl.h"

CF_INLINE vec_f64__scalar widen_f64__scalar(const float *p) { return (vec_f64__scalar){{p[0], p[1]}}; }
CF_INLINE void narrow_f64__scalar(float *p, vec_f64__scalar v)
{
    p[0] = (float)v.e[0];
    p[1] = (float)v.e[1];
}

#define keep__scalar(v) ((void)0)
