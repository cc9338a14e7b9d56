/* What the processor has, and the operating system saves. */
#ifndef CF_CPU_H
#define CF_CPU_H

#include "../core/names.h"

enum { CF_CPU_SSE2 = 1, CF_CPU_AVX = 2, CF_CPU_AVX2 = 4, CF_CPU_FMA = 8 };

CF_HIDDEN unsigned cf_cpu_features(void);
/* 0 if this file was compiled for a processor (say with -mavx2) that has more than this one. */
CF_HIDDEN int cf_cpu_meets_baseline(unsigned features);

#endif
