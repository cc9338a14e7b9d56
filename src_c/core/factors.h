/* A kernel as the product of one factor along an axis and a kernel along the others:
 *     v[i][q] = factor[i] * rest[q],   rest[q] = v[row][q] / unit,   factor[i] = v[i][col] / rest[col],
 * rounded to the dtype; `i` runs along the axis, `q` along all others. */
#ifndef CF_FACTORS_H
#define CF_FACTORS_H

#include "dtype.h"
#include "shape.h"

enum { CF_MAX_FACTOR = 1000 }; /* taps of the factor along the axis */

typedef struct cf_factors {
    const cf_dtype *dtype;
    const cf_shape *shape;
    const void *kernel;
    int axis;
    int64_t rows, cols, row, col;
    double unit;
} cf_factors;

/* axis: 0, or 1 where the kernel's axis 0 has one tap.  Returns 0 if the kernel is no product, to within 4 eps of each tap, or exactly
 * for integers; magnitudes of a float factor add up to at most 1/2. */
CF_HIDDEN int cf_factors_find(cf_factors *f, const cf_dtype *dtype, const cf_shape *shape, const void *kernel, int axis);

CF_HIDDEN void cf_factors_write(const cf_factors *f, void *factor, void *rest);

#endif
