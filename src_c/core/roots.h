/* Roots of unity for the kernels of cf_fft: tables that are made once, when they are first wanted, and shared by all later runs. */
#ifndef CF_ROOTS_H
#define CF_ROOTS_H

#include "../kernels/table.h"

/* The table of cf_fft for t^n - e^(2 pi i turns/12), whose node is 1, with room for at least `nodes` nodes, in the type CF_F32 or CF_F64; in the
 * place of node 0 there is what `open` needs for 3 ways.  NULL: no memory. */
CF_HIDDEN const void *cf_roots(cf_arith type, int turns, int64_t nodes);

#endif
