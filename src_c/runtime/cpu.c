#include "cpu.h"

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

/* These run before anything is known of the processor: no AVX in them, whatever the build's flags say. */
#if defined(X86) && defined(__GNUC__)
#define CF_PLAIN __attribute__((target("no-avx")))
#else
#define CF_PLAIN
#endif

#ifdef X86
CF_PLAIN static void cpuid(unsigned leaf, unsigned out[4])
{
#if defined(_MSC_VER)
    __cpuidex((int *)out, (int)leaf, 0);
#else
    out[0] = out[1] = out[2] = out[3] = 0;
    if (leaf <= (unsigned)__get_cpuid_max(0, NULL))
        __cpuid_count(leaf, 0, out[0], out[1], out[2], out[3]);
#endif
}

CF_PLAIN static unsigned saved_by_system(void) /* XCR0, low half */
{
#if defined(_MSC_VER)
    return (unsigned)_xgetbv(0);
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}
#endif

CF_PLAIN unsigned cf_cpu_features(void)
{
    unsigned features = 0;
#ifdef X86
    unsigned leaf1[4], leaf7[4];
    cpuid(1, leaf1);
    cpuid(7, leaf7);
    if (leaf1[3] & (1u << 26))
        features |= CF_CPU_SSE2;
    if ((leaf1[2] & (1u << 27)) && (saved_by_system() & 6u) == 6u && (leaf1[2] & (1u << 28))) {
        features |= CF_CPU_AVX;
        if (leaf1[2] & (1u << 12))
            features |= CF_CPU_FMA;
        if (leaf7[1] & (1u << 5))
            features |= CF_CPU_AVX2;
    }
#endif
    return features;
}

CF_PLAIN int cf_cpu_meets_baseline(unsigned features)
{
    unsigned needs = 0;
#if defined(__AVX2__)
    needs |= CF_CPU_AVX2;
#endif
#if defined(__AVX__)
    needs |= CF_CPU_AVX;
#endif
#if defined(__FMA__)
    needs |= CF_CPU_FMA;
#endif
    return (features & needs) == needs;
}
