#include "cpu.h"

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

enum { LEAF1_ECX, LEAF1_EDX, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX, LEAF71_EAX, EXTENDED_ECX, WORDS };

#define BIT(n) (1u << (n))
#define AVX512 (BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31)) /* F, DQ, CD, BW, VL in LEAF7_EBX */

CF_PLAIN static void cpuid(unsigned leaf, unsigned subleaf, unsigned out[4])
{
#if defined(_MSC_VER)
    __cpuidex((int *)out, (int)leaf, (int)subleaf);
#else
    out[0] = out[1] = out[2] = out[3] = 0;
    if (leaf <= (unsigned)__get_cpuid_max(leaf & 0x80000000u, NULL))
        __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
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

/* The words of CPUID, without the bits of instructions whose registers the system does not save. */
CF_PLAIN static void read_words(unsigned words[WORDS])
{
    const unsigned osxsave = BIT(27), ymm = 0x6, zmm = 0xe6;
    unsigned leaf[4];
    cpuid(1, 0, leaf);
    words[LEAF1_ECX] = leaf[2];
    words[LEAF1_EDX] = leaf[3];
    cpuid(7, 0, leaf);
    unsigned subleaves = leaf[0];
    words[LEAF7_EBX] = leaf[1];
    words[LEAF7_ECX] = leaf[2];
    words[LEAF7_EDX] = leaf[3];
    words[LEAF71_EAX] = 0;
    if (subleaves >= 1) {
        cpuid(7, 1, leaf);
        words[LEAF71_EAX] = leaf[0];
    }
    cpuid(0x80000001u, 0, leaf);
    words[EXTENDED_ECX] = leaf[2];
    unsigned saved = words[LEAF1_ECX] & osxsave ? saved_by_system() : 0;
    if ((saved & ymm) != ymm) {
        words[LEAF1_ECX] &= ~(BIT(12) | BIT(28) | BIT(29)); /* FMA, AVX, F16C */
        words[LEAF7_EBX] &= ~BIT(5);                       /* AVX2 */
    }
    if ((saved & zmm) != zmm)
        words[LEAF7_EBX] &= ~AVX512;
}

CF_PLAIN unsigned cf_cpu_features(void)
{
    unsigned words[WORDS], features = 0;
    read_words(words);
    if (words[LEAF1_EDX] & BIT(26))
        features |= CF_CPU_SSE2;
    if (words[LEAF7_EBX] & BIT(5))
        features |= CF_CPU_AVX2;
    if (words[LEAF1_ECX] & BIT(12))
        features |= CF_CPU_FMA;
    if ((words[LEAF7_EBX] & AVX512) == AVX512)
        features |= CF_CPU_AVX512;
    return features;
}

/* What -march= and -m flags let a compiler use in plain C, by the macro that tells. */
CF_PLAIN int cf_cpu_meets_baseline(void)
{
    unsigned words[WORDS], needs[WORDS] = {0};
    read_words(words);
#ifdef __SSE3__
    needs[LEAF1_ECX] |= BIT(0);
#endif
#ifdef __SSSE3__
    needs[LEAF1_ECX] |= BIT(9);
#endif
#ifdef __FMA__
    needs[LEAF1_ECX] |= BIT(12);
#endif
#ifdef __SSE4_1__
    needs[LEAF1_ECX] |= BIT(19);
#endif
#ifdef __SSE4_2__
    needs[LEAF1_ECX] |= BIT(20);
#endif
#ifdef __MOVBE__
    needs[LEAF1_ECX] |= BIT(22);
#endif
#ifdef __POPCNT__
    needs[LEAF1_ECX] |= BIT(23);
#endif
#ifdef __AVX__
    needs[LEAF1_ECX] |= BIT(28);
#endif
#ifdef __F16C__
    needs[LEAF1_ECX] |= BIT(29);
#endif
#ifdef __BMI__
    needs[LEAF7_EBX] |= BIT(3);
#endif
#ifdef __AVX2__
    needs[LEAF7_EBX] |= BIT(5);
#endif
#ifdef __BMI2__
    needs[LEAF7_EBX] |= BIT(8);
#endif
#ifdef __AVX512F__
    needs[LEAF7_EBX] |= BIT(16);
#endif
#ifdef __AVX512DQ__
    needs[LEAF7_EBX] |= BIT(17);
#endif
#ifdef __ADX__
    needs[LEAF7_EBX] |= BIT(19);
#endif
#ifdef __AVX512IFMA__
    needs[LEAF7_EBX] |= BIT(21);
#endif
#ifdef __AVX512CD__
    needs[LEAF7_EBX] |= BIT(28);
#endif
#ifdef __AVX512BW__
    needs[LEAF7_EBX] |= BIT(30);
#endif
#ifdef __AVX512VL__
    needs[LEAF7_EBX] |= BIT(31);
#endif
#ifdef __AVX512VBMI__
    needs[LEAF7_ECX] |= BIT(1);
#endif
#ifdef __AVX512VBMI2__
    needs[LEAF7_ECX] |= BIT(6);
#endif
#ifdef __GFNI__
    needs[LEAF7_ECX] |= BIT(8);
#endif
#ifdef __AVX512VNNI__
    needs[LEAF7_ECX] |= BIT(11);
#endif
#ifdef __AVX512BITALG__
    needs[LEAF7_ECX] |= BIT(12);
#endif
#ifdef __AVX512VPOPCNTDQ__
    needs[LEAF7_ECX] |= BIT(14);
#endif
#ifdef __AVX512FP16__
    needs[LEAF7_EDX] |= BIT(23);
#endif
#ifdef __AVXVNNI__
    needs[LEAF71_EAX] |= BIT(4);
#endif
#ifdef __AVX512BF16__
    needs[LEAF71_EAX] |= BIT(5);
#endif
#ifdef __LZCNT__
    needs[EXTENDED_ECX] |= BIT(5);
#endif
#ifdef __SSE4A__
    needs[EXTENDED_ECX] |= BIT(6);
#endif
#ifdef __XOP__
    needs[EXTENDED_ECX] |= BIT(11);
#endif
#ifdef __FMA4__
    needs[EXTENDED_ECX] |= BIT(16);
#endif
#ifdef __TBM__
    needs[EXTENDED_ECX] |= BIT(21);
#endif
    for (int i = 0; i < WORDS; i++)
        if ((words[i] & needs[i]) != needs[i])
            return 0;
    return 1;
}

#else

unsigned cf_cpu_features(void)
{
#if defined(__aarch64__) || defined(_M_ARM64)
    return CF_CPU_NEON;
#else
    return 0;
#endif
}

int cf_cpu_meets_baseline(void)
{
    return 1;
}

#endif
