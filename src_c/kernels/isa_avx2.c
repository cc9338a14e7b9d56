/* Every kernel for AVX2 and FMA.  System headers come first: one first seen inside a region would be compiled for it. */
#if defined(__x86_64__) || defined(_M_X64) || ((defined(__i386__) || defined(_M_IX86)) && defined(__GNUC__))
#define CF_HAVE_AVX2 1
#include <immintrin.h>
#endif
#include "table.h"

#ifdef CF_HAVE_AVX2
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,tune=haswell")
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math", "no-version-loops-for-strides")
#ifndef CF_INSTRUMENTED
#pragma GCC optimize("O3")
#endif
#endif

#define CF_SUFFIX __avx2
#define CF_ISA_NAME "avx2"
#include "vec_avx2.h"
#include "kernels_all.h"
#include "forget.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
CF_HIDDEN const cf_kernels *const CF_TABLE(avx2) = &kernels__avx2;
#else
CF_HIDDEN const cf_kernels *const CF_TABLE(avx2) = NULL;
#endif
