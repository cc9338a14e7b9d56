/* Every kernel for 64-bit NEON, the baseline of AArch64. */
#if (defined(__aarch64__) || defined(_M_ARM64)) && !defined(__AARCH64EB__)
#define CF_HAVE_NEON 1
#include <arm_neon.h>
#endif
#include "table.h"

#ifdef CF_HAVE_NEON
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math")
#ifndef CF_INSTRUMENTED
#pragma GCC optimize("O2")
#endif
#endif

#define CF_SUFFIX __neon
#define CF_ISA_NAME "neon"
#include "vec_neon.h"
#include "kernels_all.h"
#include "forget.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
CF_HIDDEN const cf_kernels *const CF_TABLE(neon) = &kernels__neon;
#else
CF_HIDDEN const cf_kernels *const CF_TABLE(neon) = NULL;
#endif
