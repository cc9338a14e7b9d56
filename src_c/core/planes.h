/* Samples as planes, of their real parts and of their imaginary parts, in float or double: what transforms take and give. */
#ifndef CF_PLANES_H
#define CF_PLANES_H

#include "dtype.h"

/* Floats, where the dtype's own arithmetic is, else doubles. */
static inline int cf_planes_are_single(const cf_dtype *t) { return t->is_float && (t->arith == CF_F32 || t->arith == CF_C64); }

/* n numbers of the dtype's arithmetic type to planes; imaginary parts of complex ones alone. */
CF_HIDDEN void cf_planes_put(const cf_dtype *t, void *to, void *imaginary, const void *from, int64_t n);

/* n samples of planes to elements of the dtype, `stride` elements apart; integers rounded, modulo 2**bits; bool true from 1/2 on. */
CF_HIDDEN void cf_planes_take(const cf_dtype *t, void *to, int64_t stride, const void *from, const void *imaginary, int64_t n);

CF_HIDDEN void cf_planes_negate(const cf_dtype *t, void *from, int64_t n);

#endif
