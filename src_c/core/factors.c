#include "factors.h"

#include <float.h>
#include <math.h>

static double tap_at(const cf_factors *f, int64_t i, int64_t j, int64_t k)
{
    const cf_axis *a = f->shape->axis;
    const void *kernel = f->kernel;
    int64_t at = i * a[0].ws + j * a[1].ws + k * a[2].ws;
    switch (f->dtype->id) {
    /* unsigned ones are read as signed: modulo 2**bits they are the same, and a wrapped -1 is a small number again */
    case CORRFAST_INT16: case CORRFAST_UINT16: return ((const int16_t *)kernel)[at];
    case CORRFAST_INT32: case CORRFAST_UINT32: return ((const int32_t *)kernel)[at];
    case CORRFAST_INT64: case CORRFAST_UINT64: return (double)((const int64_t *)kernel)[at];
    case CORRFAST_FLOAT32: return (double)((const float *)kernel)[at];
    default: return ((const double *)kernel)[at];
    }
}

static void write_tap(const cf_dtype *t, void *to, int64_t at, double x)
{
    switch (t->id) { /* modulo 2**bits: the cast goes through int64 */
    case CORRFAST_INT16: case CORRFAST_UINT16: ((uint16_t *)to)[at] = (uint16_t)(int64_t)x; break;
    case CORRFAST_INT32: case CORRFAST_UINT32: ((uint32_t *)to)[at] = (uint32_t)(int64_t)x; break;
    case CORRFAST_INT64: case CORRFAST_UINT64: ((int64_t *)to)[at] = (int64_t)x; break;
    case CORRFAST_FLOAT32: ((float *)to)[at] = (float)x; break;
    default: ((double *)to)[at] = x;
    }
}

static double entry(const cf_factors *f, int64_t i, int64_t q)
{
    int64_t k2 = f->shape->axis[2].k;
    return f->axis == 0 ? tap_at(f, i, q / k2, q % k2) : tap_at(f, 0, i, q);
}

static double rounded(const cf_factors *f, double x)
{
    return f->dtype->id == CORRFAST_FLOAT32 ? (double)(float)x : x;
}

static double rest_at(const cf_factors *f, int64_t q) { return rounded(f, entry(f, f->row, q) / f->unit); }
static double factor_at(const cf_factors *f, int64_t i) { return rounded(f, entry(f, i, f->col) / rest_at(f, f->col)); }

/* The greatest common divisor of a row: with it the factors of a product of integer vectors are integers, and exact.  Remainders
 * of floats are exact too; a row that is no multiple of anything longer than a few bits counts as having none (0). */
static double common_divisor(const cf_factors *f, double largest)
{
    double gcd = 0;
    for (int64_t q = 0; q < f->cols; q++) {
        double a = fabs(entry(f, f->row, q));
        while (a > 0) {
            double r = gcd > 0 ? fmod(gcd, a) : 0;
            gcd = a;
            a = r;
        }
        if (gcd > 0 && gcd < largest * 0x1p-24)
            return 0;
    }
    return gcd;
}

/* Whether the factors give every tap, as nearly as they have to. */
static int is_product(const cf_factors *f, const double *factor)
{
    const int narrow = f->dtype->id == CORRFAST_FLOAT32; /* a double holds the product of two */
    const double allowed = !f->dtype->is_float ? 0 : narrow ? 4 * FLT_EPSILON : 4 * DBL_EPSILON;
    for (int64_t q = 0; q < f->cols; q++) {
        const double rest = rest_at(f, q);
        for (int64_t i = 0; i < f->rows; i++) {
            const double tap = entry(f, i, q), off = narrow ? factor[i] * rest - tap : fma(factor[i], rest, -tap);
            if (!(fabs(off) <= allowed * fabs(tap)))
                return 0;
        }
    }
    return 1;
}

int cf_factors_find(cf_factors *f, const cf_dtype *dtype, const cf_shape *shape, const void *kernel, int axis)
{
    const cf_axis *a = shape->axis;
    const int is_float = dtype->is_float;
    double largest = 0, sum = 0;
    if (a[axis].k > CF_MAX_FACTOR)
        return 0;
    *f = (cf_factors){.dtype = dtype, .shape = shape, .kernel = kernel, .axis = axis, .rows = a[axis].k};
    f->cols = a[0].k * a[1].k * a[2].k / f->rows;
    for (int64_t i = 0; i < f->rows; i++)
        for (int64_t q = 0; q < f->cols; q++) {
            double tap = fabs(entry(f, i, q));
            if (tap > largest) {
                largest = tap;
                f->row = i;
                f->col = q;
            }
            if (!(is_float ? tap <= DBL_MAX : tap < 0x1p53)) /* NaN, Inf, or an integer that a double may have rounded */
                return 0;
        }
    if (largest == 0)
        return 0;
    f->unit = common_divisor(f, largest);
    if (f->unit == 0)
        f->unit = 1;
    if (is_float) {
        int exponent;
        for (int64_t i = 0; i < f->rows; i++)
            sum += fabs(entry(f, i, f->col) / entry(f, f->row, f->col));
        frexp(sum * f->unit, &exponent);
        f->unit = ldexp(f->unit, -exponent - 1);
        if (!(sum <= DBL_MAX) || f->unit == 0 || !(f->unit <= DBL_MAX))
            return 0;
    }
    double factor[CF_MAX_FACTOR];
    for (int64_t i = 0; i < f->rows; i++) {
        factor[i] = factor_at(f, i);
        if (!(fabs(factor[i]) <= DBL_MAX) || (!is_float && factor[i] != floor(factor[i])))
            return 0;
    }
    return is_product(f, factor);
}

void cf_factors_write(const cf_factors *f, void *factor, void *rest)
{
    for (int64_t i = 0; i < f->rows; i++)
        write_tap(f->dtype, factor, i, factor_at(f, i));
    for (int64_t q = 0; q < f->cols; q++)
        write_tap(f->dtype, rest, q, rest_at(f, q));
}
