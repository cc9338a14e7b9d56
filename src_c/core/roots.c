#include "roots.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { TABLES = 40, PER_NODE = 6, TURNS = 12 };

static _Atomic(void *) tables[2][TURNS][TABLES]; /* [type][turns][k] has 2^k nodes; each written once, and kept for good */

/* e^(2 pi i part/whole), 0 <= part < whole: from the nearest quarter on, exactly as far as sine and cosine are. */
static void root_of_unity(int64_t part, int64_t whole, double *re, double *im)
{
    const int64_t quarter = (8 * part + whole) / (2 * whole), rest = 4 * part - quarter * whole;
    const double angle = (double)rest / (double)whole * 1.5707963267948966192, c = cos(angle), s = sin(angle);
    switch ((int)quarter & 3) {
    case 0: *re = c; *im = s; break;
    case 1: *re = -s; *im = c; break;
    case 2: *re = -c; *im = -s; break;
    default: *re = s; *im = -c;
    }
}

/* Powers 1 to 3 of e^(2 pi i part/whole), part/whole < 1/3. */
static void put_powers(cf_arith type, void *to, int64_t part, int64_t whole)
{
    for (int power = 1; power <= 3; power++) {
        double re, im;
        root_of_unity(power * part, whole, &re, &im);
        if (type == CF_F32) {
            ((float *)to)[2 * power - 2] = (float)re;
            ((float *)to)[2 * power - 1] = (float)im;
        } else {
            ((double *)to)[2 * power - 2] = re;
            ((double *)to)[2 * power - 1] = im;
        }
    }
}

/* c of node 2b + k is e^(pi i k) times a square root of that of b: of node b it is e^(2 pi i (turns/12 + f)/2^d), where d is how many digits b has
 * behind the first, and f these read backwards. */
static void *make_table(cf_arith type, int turns, int64_t nodes)
{
    const size_t bytes = PER_NODE * (type == CF_F32 ? sizeof(float) : sizeof(double));
    char *table = malloc((size_t)nodes * bytes);
    if (!table)
        return NULL;
    put_powers(type, table, turns, 3 * TURNS);
    for (int64_t b = 1; b < nodes; b++) {
        int64_t places = 1, backwards = 0;
        for (int64_t digits = b; digits > 1; digits >>= 1, places *= 2)
            backwards = 2 * backwards + (digits & 1);
        put_powers(type, table + (size_t)b * bytes, turns + TURNS * backwards, 4 * TURNS * places);
    }
    return table;
}

const void *cf_roots(cf_arith type, int turns, int64_t nodes)
{
    int k = 1;
    while ((int64_t)1 << k < nodes)
        k++;
    _Atomic(void *) *place = &tables[type == CF_F64][turns][k];
    void *table = atomic_load_explicit(place, memory_order_acquire), *none = NULL;
    if (table)
        return table;
    if (!(table = make_table(type, turns, (int64_t)1 << k)))
        return NULL;
    if (atomic_compare_exchange_strong_explicit(place, &none, table, memory_order_acq_rel, memory_order_acquire))
        return table;
    free(table); /* another thread was first */
    return none;
}
