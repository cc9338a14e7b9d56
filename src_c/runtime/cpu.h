/* What the processor has, and the operating system saves. */
#ifndef CF_CPU_H
#define CF_CPU_H

#include "../core/names.h"

enum {
    CF_CPU_SSE2 = 1,
    CF_CPU_V2 = 2, /* SSE3 to SSE4.2 and POPCNT: the levels are those of the x86-64 psABI */
    CF_CPU_AVX = 4,
    CF_CPU_AVX2 = 8,
    CF_CPU_FMA = 16,
    CF_CPU_V3 = 32, /* the rest of level 3: BMI1, BMI2, F16C, LZCNT, MOVBE */
    CF_CPU_AVX512 = 64, /* level 4: F, BW, CD, DQ, VL */
    CF_CPU_NEON = 128
};

/* For what runs before anything is known of the processor: nothing beyond x86-64's baseline, whatever the build's flags say. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define CF_PLAIN __attribute__((target("no-sse3,no-popcnt,no-bmi,no-bmi2,no-lzcnt,no-movbe"), noinline))
#else
#define CF_PLAIN
#endif

CF_HIDDEN unsigned cf_cpu_features(void);
/* 0 if the library was compiled for a processor (say with -mavx2) that has more than this one. */
CF_HIDDEN int cf_cpu_meets_baseline(unsigned features);

#endif
