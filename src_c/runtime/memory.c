#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "memory.h"

#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { HUGE_BYTES = 1 << 22, PAGE_BYTES = 1 << 12 };

/* Large blocks in large pages: making small ones takes as long as a transform of so many samples does, each time. */
static void advise(char *start, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    const size_t skipped = (size_t)(-(uintptr_t)start & (PAGE_BYTES - 1));
    if (bytes >= HUGE_BYTES)
        (void)madvise(start + skipped, bytes - skipped, MADV_HUGEPAGE); /* what it answers changes nothing */
#else
    (void)start, (void)bytes;
#endif
}

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
    advise((char *)start, bytes);
    return (void *)start;
}

static int lies_in(const void *block, const void *start, size_t size)
{
    return start && (const char *)block >= (const char *)start && (const char *)block < (const char *)start + size;
}

static void *take_from(char *start, size_t size, size_t *used, size_t bytes)
{
    if (!start || !bytes || bytes > size - *used)
        return NULL;
    void *block = start + *used;
    *used += bytes;
    return block;
}

void *cf_memory_take(cf_memory *m, size_t bytes)
{
    const corrfast_options *o = m->options;
    bytes = cf_round64(bytes);
    void *block = take_from(m->reserve, m->reserve_size, &m->reserve_used, bytes);
    if (!block)
        block = take_from(o->scratch, o->scratch_size, &m->used, bytes);
    if (block)
        return block;
    return o->allocate ? o->allocate(o->allocator_context, bytes) : aligned_take(bytes);
}

void cf_memory_give(cf_memory *m, void *block, size_t bytes)
{
    const corrfast_options *o = m->options;
    bytes = cf_round64(bytes);
    if (!block)
        return;
    if (lies_in(block, m->reserve, m->reserve_size))
        m->reserve_used -= bytes;
    else if (lies_in(block, o->scratch, o->scratch_size))
        m->used -= bytes;
    else if (o->allocate)
        o->release(o->allocator_context, block, bytes);
    else
        free(((void **)block)[-1]);
}

int cf_memory_reserve(cf_memory *m, size_t bytes)
{
    char *block = cf_memory_take(m, bytes);
    m->reserve = block;
    m->reserve_size = block ? cf_round64(bytes) : 0;
    m->reserve_used = 0;
    return block != NULL;
}

void cf_memory_unreserve(cf_memory *m)
{
    char *block = m->reserve;
    m->reserve = NULL;
    cf_memory_give(m, block, m->reserve_size);
}
