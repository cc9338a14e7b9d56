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

/* `bytes` of it, against the page behind or the page before. */
static inline char *guarded_block(const guarded *g, size_t bytes, int at_end)
{
    if (bytes > g->size) {
        fprintf(stderr, "guarded memory: %zu bytes asked of %zu\n", bytes, g->size);
        exit(2);
    }
    return at_end ? g->start + g->size - bytes : g->start;
}

enum { GUARDED_PATTERN = 0xa5 };

/* The same; all of it is filled with a pattern that guarded_intact looks for around the block. */
static inline void *guarded_place(const guarded *g, size_t bytes, int at_end)
{
    memset(g->start, GUARDED_PATTERN, g->size);
    return guarded_block(g, bytes, at_end);
}

/* All bytes are the pattern if the first is and each is as the one before.  A loop took two thirds of the kernel checker's time. */
static inline int guarded_pattern(const char *from, size_t bytes)
{
    return !bytes || ((unsigned char)*from == GUARDED_PATTERN && memcmp(from, from + 1, bytes - 1) == 0);
}

static inline int guarded_intact(const guarded *g, const void *block, size_t bytes)
{
    const char *low = block, *high = low + bytes;
    return guarded_pattern(g->start, (size_t)(low - g->start)) && guarded_pattern(high, (size_t)(g->start + g->size - high));
}

#endif
