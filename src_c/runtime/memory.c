#include "memory.h"

#include <stdlib.h>

/* aligned_alloc is missing from MSVC; the pointer to free stands in front of the block. */
static void *aligned_take(size_t bytes)
{
    if (bytes > SIZE_MAX - 64 - sizeof(void *))
        return NULL;
    char *base = malloc(bytes + 64 + sizeof(void *));
    if (!base)
        return NULL;
    uintptr_t start = ((uintptr_t)(base + sizeof(void *)) + 63) & ~(uintptr_t)63;
    ((void **)start)[-1] = base;
    return (void *)start;
}

static int in_scratch(const cf_memory *m, const void *block)
{
    const char *low = m->options->scratch;
    return low && (const char *)block >= low && (const char *)block < low + m->options->scratch_size;
}

void *cf_memory_take(cf_memory *m, size_t bytes)
{
    const corrfast_options *o = m->options;
    bytes = cf_round64(bytes);
    if (o->scratch && bytes && bytes <= o->scratch_size - m->used) {
        void *block = (char *)o->scratch + m->used;
        m->used += bytes;
        return block;
    }
    return o->allocate ? o->allocate(o->allocator_context, bytes) : aligned_take(bytes);
}

void cf_memory_give(cf_memory *m, void *block, size_t bytes)
{
    const corrfast_options *o = m->options;
    bytes = cf_round64(bytes);
    if (!block)
        return;
    if (in_scratch(m, block))
        m->used -= bytes;
    else if (o->allocate)
        o->release(o->allocator_context, block, bytes);
    else
        free(((void **)block)[-1]);
}
