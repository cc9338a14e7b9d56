#include "dispatch.h"
#include "cpu.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Best first.  An instruction set is one row here, and its file exports NULL where it cannot be compiled. */
static const struct {
    const cf_kernels *const *table;
    const char *name;
    unsigned needs;
} isas[] = {
    {&cf_kernels_avx2, "avx2", CF_CPU_AVX2 | CF_CPU_FMA},
    {&cf_kernels_sse2, "sse2", CF_CPU_SSE2},
    {&cf_kernels_scalar, "scalar", 0},
};
enum { ISA_COUNT = (int)(sizeof isas / sizeof *isas) };

static _Atomic(const cf_kernels *) chosen; /* written once */

static int usable(int i, unsigned features)
{
    return *isas[i].table && (features & isas[i].needs) == isas[i].needs;
}

static const cf_kernels *choose(void)
{
    unsigned features = cf_cpu_features();
    const char *wanted = getenv("CORRFAST_ISA");
    if (!cf_cpu_meets_baseline(features))
        return NULL;
    for (int i = 0; i < ISA_COUNT; i++)
        if (usable(i, features) && (!wanted || !*wanted || strcmp(wanted, isas[i].name) == 0))
            return *isas[i].table;
    return NULL;
}

const cf_kernels *cf_kernels_get(void)
{
    const cf_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (table)
        return table;
    cf_threads_start();
    if ((table = choose())) /* two threads choose the same */
        atomic_store_explicit(&chosen, table, memory_order_release);
    return table;
}

int corrfast_start(void)
{
    return cf_kernels_get() ? CORRFAST_OK : CORRFAST_ERR_ISA;
}

const char *corrfast_isa(void)
{
    const cf_kernels *table = cf_kernels_get();
    return table ? table->name : NULL;
}

const char *corrfast_isa_info(int index, int *is_usable)
{
    if (index < 0 || index >= ISA_COUNT)
        return NULL;
    if (is_usable)
        *is_usable = usable(index, cf_cpu_features());
    return isas[index].name;
}
