/* Every kernel for AVX-512.  System headers come first: one first seen inside a region would be compiled for it. */
#if defined(__x86_64__) || defined(_M_X64) || ((defined(__i386__) || defined(_M_IX86)) && defined(__GNUC__))
#define CF_HAVE_AVX512 1
#include <immintrin.h>
#endif
#include "table.h"

#ifdef CF_HAVE_AVX512
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), apply_to = function)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,tune=haswell")
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math", "no-version-loops-for-strides")
#ifndef CF_INSTRUMENTED
#pragma GCC optimize("O3")
#endif
#endif

#define CF_SUFFIX __avx512
#define CF_ISA_NAME "avx512"
#include "vec_avx512.h"
#include "kernels_all.h"
#include "forget.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
CF_HIDDEN const cf_kernels *const CF_TABLE(avx512) = &kernels__avx512;
#else
CF_HIDDEN const cf_kernels *const CF_TABLE(avx512) = NULL;
#endif
