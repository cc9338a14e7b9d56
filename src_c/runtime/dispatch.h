/* Which kernel table this process uses: the best that the CPU has, or the one that CORRFAST_ISA names. */
#ifndef CF_DISPATCH_H
#define CF_DISPATCH_H

#include "../kernels/table.h"

/* NULL if CORRFAST_ISA names none that is usable, or the CPU is below the compiled baseline. */
CF_HIDDEN const cf_kernels *cf_kernels_get(void);
/* The table that corrfast_isa_info(index, ...) speaks of; NULL when index is past the last. */
CF_HIDDEN const cf_kernels *cf_kernels_of(int index);

#endif
