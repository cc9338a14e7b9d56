/* Scratch memory: the caller's block first, then the caller's allocator or the C library's.  Aligned to 64 bytes. */
#ifndef CF_MEMORY_H
#define CF_MEMORY_H

#include "../core/names.h"

typedef struct cf_memory {
    const corrfast_options *options;
    size_t used; /* of options->scratch */
    char *reserve; /* taken at once, and used before anything else */
    size_t reserve_size, reserve_used;
} cf_memory;

CF_HIDDEN void *cf_memory_take(cf_memory *memory, size_t bytes);
/* In reverse order of taking. */
CF_HIDDEN void cf_memory_give(cf_memory *memory, void *block, size_t bytes);

/* Takes one block for what is going to be taken; 0: no memory.  C libraries give several large blocks back to the system where they keep one, and
 * every page is made anew in the next run: 3 times as long for transforms of 2^17 points (glibc). */
CF_HIDDEN int cf_memory_reserve(cf_memory *memory, size_t bytes);
CF_HIDDEN void cf_memory_unreserve(cf_memory *memory);

static inline size_t cf_round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
