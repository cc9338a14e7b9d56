/* What the C tests share: random numbers with a seed, and memory between inaccessible pages. */
#ifndef CF_TESTING_H
#define CF_TESTING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct random_source {
    uint64_t state;
} random_source;

static inline uint64_t random_bits(random_source *s) /* splitmix64 */
{
    uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline int64_t random_between(random_source *s, int64_t low, int64_t high)
{
    return low + (int64_t)(random_bits(s) % (uint64_t)(high - low + 1));
}

/* A stretch of memory with an inaccessible page before and behind it. */
typedef struct guarded {
    char *start;
    size_t size;
} guarded;

static inline guarded guarded_make(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (bytes + page - 1) / page * page;
    char *base = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base, page, PROT_NONE) || mprotect(base + page + size, page, PROT_NONE)) {
        perror("guarded memory");
        exit(2);
    }
    return (guarded){base + page, size};
}

/* `bytes` of it, against the page behind or the page before; the rest is filled with a pattern that guarded_intact looks for. */
static inline void *guarded_place(const guarded *g, size_t bytes, int at_end)
{
    if (bytes > g->size) {
        fprintf(stderr, "guarded memory: %zu bytes asked of %zu\n", bytes, g->size);
        exit(2);
    }
    memset(g->start, 0xa5, g->size);
    return at_end ? g->start + g->size - bytes : g->start;
}

static inline int guarded_intact(const guarded *g, const void *block, size_t bytes)
{
    const char *low = block, *high = low + bytes;
    for (const char *p = g->start; p < g->start + g->size; p++)
        if ((p < low || p >= high) && (unsigned char)*p != 0xa5)
            return 0;
    return 1;
}

#endif
