#include "roots.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { TABLES = 48, PER_NODE = 6 };

static _Atomic(void *) tables[2][TABLES]; /* [type][k] has 2^k nodes; each written once, and kept for good */

/* The bits of b behind the point, the last one first; exact. */
static double fraction(int64_t b)
{
    double sum = 0;
    for (double place = 0.5; b; place /= 2, b >>= 1)
        sum += b & 1 ? place : 0;
    return sum;
}

/* e^(2 pi i turns), turns in [0, 3/4): by its place in the nearest quarter's eighth, where sine and cosine are most exact. */
static void root_of_unity(double turns, double *re, double *im)
{
    const double quarter = floor(turns * 4 + 0.5), angle = (turns - quarter / 4) * 6.283185307179586476925286766559;
    const double c = cos(angle), s = sin(angle);
    switch ((int)quarter & 3) {
    case 0: *re = c; *im = s; break;
    case 1: *re = -s; *im = c; break;
    case 2: *re = -c; *im = -s; break;
    default: *re = s; *im = -c;
    }
}

static void *make_table(cf_arith type, int64_t nodes)
{
    const size_t size = type == CF_F32 ? sizeof(float) : sizeof(double);
    void *table = malloc((size_t)nodes * PER_NODE * size);
    for (int64_t b = 0; table && b < nodes; b++)
        for (int power = 1; power <= 3; power++) {
            double re, im;
            root_of_unity(power * fraction(b) / 4, &re, &im);
            const int64_t at = b * PER_NODE + 2 * (power - 1);
            if (type == CF_F32) {
                ((float *)table)[at] = (float)re;
                ((float *)table)[at + 1] = (float)im;
            } else {
                ((double *)table)[at] = re;
                ((double *)table)[at + 1] = im;
            }
        }
    return table;
}

const void *cf_roots(cf_arith type, int64_t nodes)
{
    int k = 0;
    while ((int64_t)1 << k < nodes)
        k++;
    _Atomic(void *) *place = &tables[type == CF_F64][k];
    void *table = atomic_load_explicit(place, memory_order_acquire), *none = NULL;
    if (table)
        return table;
    if (!(table = make_table(type, (int64_t)1 << k)))
        return NULL;
    if (atomic_compare_exchange_strong_explicit(place, &none, table, memory_order_acq_rel, memory_order_acquire))
        return table;
    free(table); /* another thread was first */
    return none;
}
