/* Scratch memory: the caller's block first, then the caller's allocator or the C library's.  Aligned to 64 bytes. */
#ifndef CF_MEMORY_H
#define CF_MEMORY_H

#include "../core/names.h"

typedef struct cf_memory {
    const corrfast_options *options;
    size_t used; /* of options->scratch */
} cf_memory;

CF_HIDDEN void *cf_memory_take(cf_memory *memory, size_t bytes);
/* In reverse order of taking. */
CF_HIDDEN void cf_memory_give(cf_memory *memory, void *block, size_t bytes);

static inline size_t cf_round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
