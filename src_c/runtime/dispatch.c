#include "dispatch.h"
#include "cpu.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Best first.  An instruction set is one row here, and its file exports NULL where it cannot be compiled.  The last word says where
 * its kernels have passed tests/c/check_*.c: "hardware", "emulator", or NULL, and then only CORRFAST_ISA chooses it. */
#define ISAS(ISA)                                           \
    ISA(avx512, CF_CPU_AVX512 | CF_CPU_FMA, "hardware")     \
    ISA(avx2, CF_CPU_AVX2 | CF_CPU_FMA, "hardware")         \
    ISA(sse2, CF_CPU_SSE2, "hardware")                      \
    ISA(neon, CF_CPU_NEON, "emulator")                      \
    ISA(scalar, 0, "hardware")

#define DECLARE(isa, needs, checked) CF_HIDDEN extern const cf_kernels *const CF_TABLE(isa);
ISAS(DECLARE)

#define ROW(isa, needs, checked) {&CF_TABLE(isa), #isa, needs, checked},
static const struct {
    const cf_kernels *const *table;
    const char *name;
    unsigned needs;
    const char *checked;
} isas[] = {ISAS(ROW)};
enum { ISA_COUNT = (int)(sizeof isas / sizeof *isas) };

static _Atomic(const cf_kernels *) chosen; /* written once */

CF_PLAIN static int usable(int i, unsigned features)
{
    return *isas[i].table && (features & isas[i].needs) == isas[i].needs;
}

CF_PLAIN static const cf_kernels *choose(void)
{
    unsigned features = cf_cpu_features();
    const char *wanted = getenv("CORRFAST_ISA");
    if (!cf_cpu_meets_baseline())
        return NULL;
    for (int i = 0; i < ISA_COUNT; i++)
        if (usable(i, features) && (wanted && *wanted ? strcmp(wanted, isas[i].name) == 0 : isas[i].checked != NULL))
            return *isas[i].table;
    return NULL;
}

CF_PLAIN const cf_kernels *cf_kernels_get(void)
{
    const cf_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (table)
        return table;
    cf_threads_start();
    if ((table = choose())) /* two threads choose the same */
        atomic_store_explicit(&chosen, table, memory_order_release);
    return table;
}

CF_PLAIN int corrfast_start(void)
{
    return cf_kernels_get() ? CORRFAST_OK : CORRFAST_ERR_ISA;
}

CF_PLAIN const char *corrfast_isa(void)
{
    const cf_kernels *table = cf_kernels_get();
    return table ? table->name : NULL;
}

/* The row of the index-th instruction set that was compiled, or ISA_COUNT. */
CF_PLAIN static int row(int index)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (*isas[i].table && index-- == 0)
            return i;
    return ISA_COUNT;
}

const cf_kernels *cf_kernels_of(int index)
{
    int i = row(index);
    return i < ISA_COUNT ? *isas[i].table : NULL;
}

CF_PLAIN const char *corrfast_isa_info(int index, int *is_usable, const char **checked)
{
    int i = row(index);
    if (i == ISA_COUNT)
        return NULL;
    if (is_usable)
        *is_usable = usable(i, cf_cpu_features());
    if (checked)
        *checked = isas[i].checked;
    return isas[i].name;
}
