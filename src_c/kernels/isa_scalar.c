/* Every kernel in portable C, for any compiler and any processor. */
#include "table.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC push_options
/* gcc 12 vectorizes the tap loops of complex samples with loads beyond the last tap: the guard page tests saw it. */
#pragma GCC optimize("no-tree-vectorize", "fp-contract=off", "no-math-errno", "no-trapping-math")
#ifndef CF_INSTRUMENTED
#pragma GCC optimize("O2")
#endif
#endif

#define CF_SUFFIX __scalar
#define CF_ISA_NAME "scalar"
#include "vec_scalar.h"
#include "kernels_all.h"
#include "forget.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
CF_HIDDEN const cf_kernels *const CF_TABLE(scalar) = &kernels__scalar;
