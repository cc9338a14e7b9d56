/* Every kernel for SSE2, the baseline of x86-64. */
#if defined(__x86_64__) || defined(_M_X64) || defined(__SSE2__)
#define CF_HAVE_SSE2 1
#include <emmintrin.h>
#endif
#include "table.h"

#ifdef CF_HAVE_SSE2
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math", "no-version-loops-for-strides")
#ifndef CF_INSTRUMENTED
#pragma GCC optimize("O2")
#endif
#endif

#define CF_SUFFIX __sse2
#define CF_ISA_NAME "sse2"
#include "vec_sse2.h"
#include "kernels_all.h"
#include "forget.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
CF_HIDDEN const cf_kernels *const CF_TABLE(sse2) = &kernels__sse2;
#else
CF_HIDDEN const cf_kernels *const CF_TABLE(sse2) = NULL;
#endif
