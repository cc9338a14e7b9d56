#include "cpu.h"

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#ifdef X86
enum { EAX, EBX, ECX, EDX };

CF_PLAIN static void cpuid(unsigned leaf, unsigned out[4])
{
#if defined(_MSC_VER)
    __cpuidex((int *)out, (int)leaf, 0);
#else
    out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
    if (leaf <= (unsigned)__get_cpuid_max(leaf & 0x80000000u, NULL))
        __cpuid_count(leaf, 0, out[EAX], out[EBX], out[ECX], out[EDX]);
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

CF_PLAIN static int all(unsigned word, unsigned bits) { return (word & bits) == bits; }
#endif

CF_PLAIN unsigned cf_cpu_features(void)
{
    unsigned features = 0;
#ifdef X86
    const unsigned sse3_to_sse42 = 1u | 1u << 9 | 1u << 19 | 1u << 20, popcnt = 1u << 23; /* leaf 1, ECX, as the next two */
    const unsigned fma = 1u << 12, movbe = 1u << 22, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;                                /* leaf 7, EBX, as the next */
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;                 /* F, DQ, CD, BW, VL */
    const unsigned ymm_state = 0x6, zmm_state = 0xe6;
    unsigned leaf1[4], leaf7[4], more[4];
    cpuid(1, leaf1);
    cpuid(7, leaf7);
    cpuid(0x80000001u, more);
    if (all(leaf1[EDX], 1u << 26))
        features |= CF_CPU_SSE2;
    if (all(leaf1[ECX], sse3_to_sse42 | popcnt))
        features |= CF_CPU_V2;
    unsigned saved = all(leaf1[ECX], osxsave) ? saved_by_system() : 0;
    if (all(leaf1[ECX], avx) && all(saved, ymm_state)) {
        features |= CF_CPU_AVX;
        if (all(leaf1[ECX], fma))
            features |= CF_CPU_FMA;
        if (all(leaf7[EBX], avx2))
            features |= CF_CPU_AVX2;
        if (all(leaf1[ECX], movbe | f16c) && all(leaf7[EBX], bmi1 | bmi2) && all(more[ECX], 1u << 5)) /* LZCNT */
            features |= CF_CPU_V3;
        if (all(leaf7[EBX], avx512) && all(saved, zmm_state))
            features |= CF_CPU_AVX512;
    }
#elif defined(__aarch64__) || defined(_M_ARM64)
    features |= CF_CPU_NEON;
#endif
    return features;
}

CF_PLAIN int cf_cpu_meets_baseline(unsigned features)
{
    unsigned needs = 0;
#if defined(__SSE3__) || defined(__SSSE3__) || defined(__SSE4_1__) || defined(__SSE4_2__) || defined(__POPCNT__)
    needs |= CF_CPU_V2;
#endif
#if defined(__AVX__)
    needs |= CF_CPU_AVX;
#endif
#if defined(__AVX2__)
    needs |= CF_CPU_AVX2;
#endif
#if defined(__FMA__)
    needs |= CF_CPU_FMA;
#endif
#if defined(__BMI__) || defined(__BMI2__) || defined(__F16C__) || defined(__LZCNT__) || defined(__MOVBE__)
    needs |= CF_CPU_V3;
#endif
#if defined(__AVX512F__)
    needs |= CF_CPU_AVX512;
#endif
    return (features & needs) == needs;
}
