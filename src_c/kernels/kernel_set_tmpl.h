/* The kernels of one arithmetic type; forgets afterwards what kernels_all.h said of it. */
#include "sample_tmpl.h"
#include "rows_tmpl.h"
#include "line_tmpl.h"
#include "dot_tmpl.h"
#include "gemm_tmpl.h"
#include "taps_tmpl.h"
#if defined(WITH_PEAK) && !defined(CF_PLAIN_C)
#include "peak_tmpl.h"
#endif
#ifdef WITH_WINOGRAD
#include "winograd_tmpl.h"
#include "fft_tmpl.h"
#if CF_CAT(MASKS_, TYPE)
#include "image_tmpl.h"
#endif
#endif
#undef WITH_PEAK
#undef WITH_WINOGRAD
#undef WITH_NARROW

#undef NAME
#undef TYPE
#undef ELEM
#undef PARTS
#undef ROWS_MOST
#undef ROWS_TEMPS
#undef LINE_VECS
#undef TAPS_ROWS
#undef TAPS_COLS
#undef GEMM_ROWS
#undef GEMM_VECS
#undef GEMM_HALF
#undef GEMM_TAIL
#undef GEMM_TILE
#undef GEMM_WIDTHS
#undef SQUARE
#undef LINE_FEW
#undef LINE_TAPS
#undef LINE_CUTS
#undef WRAP_ADD
#undef FN
#undef V
#undef VEC
#undef VLANES
#undef KEEP
