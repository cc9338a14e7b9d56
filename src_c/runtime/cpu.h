/* What the processor has, and the operating system saves. */
#ifndef CF_CPU_H
#define CF_CPU_H

#include "../core/names.h"

/* What instruction sets need; CF_CPU_AVX512 is F, BW, CD, DQ and VL, which every processor since Skylake-SP has. */
enum { CF_CPU_SSE2 = 1, CF_CPU_AVX2 = 2, CF_CPU_FMA = 4, CF_CPU_AVX512 = 8, CF_CPU_NEON = 16 };

/* For what runs before anything is known of the processor: nothing beyond x86-64's baseline, whatever the build's flags say. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define CF_PLAIN __attribute__((target("no-sse3,no-popcnt,no-bmi,no-bmi2,no-lzcnt,no-movbe"), noinline))
#else
#define CF_PLAIN
#endif

CF_HIDDEN unsigned cf_cpu_features(void);
/* 0 if the library was compiled for a processor (say with -mavx2) that has more than this one. */
CF_HIDDEN int cf_cpu_meets_baseline(void);

#endif
