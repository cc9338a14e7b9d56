/* Work in pieces, on one thread or many, that can be asked to stop.  The only file that knows OpenMP is threads.c. */
#ifndef CF_THREADS_H
#define CF_THREADS_H

#include "memory.h"

#include <stdatomic.h>

/* One call of the library. */
typedef struct cf_run {
    const corrfast_options *options;
    cf_memory memory;
    atomic_int stopped; /* why the pieces that are left are not computed: CORRFAST_ERR_CANCELLED or another status; 0: go on */
    double unpolled;    /* work of worker 0 since the caller was last asked, across jobs */
} cf_run;

typedef struct cf_worker {
    cf_run *run;
    int index;
    void *scratch;
} cf_worker;

/* Computes one piece; pieces write disjoint outputs. */
typedef void (*cf_piece)(const void *argument, int64_t index, cf_worker *worker);

/* Records the process that owns the OpenMP pool: a forked child runs serially, since libgomp cannot be used again there. */
CF_HIDDEN void cf_threads_start(void);

/* The threads a job of `count` pieces and about `seconds` on one thread runs on. */
CF_HIDDEN int cf_threads_for(const corrfast_options *options, int64_t count, double seconds);

/* Runs all pieces, each worker with its own `scratch_bytes`; an enum corrfast_status. */
CF_HIDDEN int cf_run_pieces(cf_run *run, int64_t count, double seconds, size_t scratch_bytes, cf_piece piece, const void *argument);

/* A run inside a piece of another: serial, on the worker's thread and in `bytes` of its scratch memory. */
typedef struct cf_inner {
    corrfast_options options;
    cf_run run;
    cf_worker *worker;
} cf_inner;
CF_HIDDEN void cf_inner_begin(cf_inner *inner, cf_worker *worker, void *scratch, size_t bytes);
CF_HIDDEN void cf_inner_end(cf_inner *inner, int status); /* a status other than CORRFAST_OK stops the outer run */

/* Tells that about `work` multiply-adds were done; non-zero: leave at once, the result is not wanted any more. */
CF_HIDDEN int cf_poll(cf_worker *worker, double work);

#endif
