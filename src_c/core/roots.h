/* Roots of unity for the kernels of cf_fft: tables that are made once, when they are first wanted, and shared by all later runs. */
#ifndef CF_ROOTS_H
#define CF_ROOTS_H

#include "../kernels/table.h"

/* The table of cf_fft for at least `nodes` nodes, in the type CF_F32 or CF_F64; NULL: no memory. */
CF_HIDDEN const void *cf_roots(cf_arith type, int64_t nodes);

#endif
