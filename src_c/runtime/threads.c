#include "threads.h"
#include "cpu.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(_WIN32)
#include <process.h>
#define current_process() ((long)_getpid())
#else
#include <unistd.h>
#define current_process() ((long)getpid())
#endif

/* A few milliseconds of work on the slowest path: often enough for Ctrl-C, too rarely to cost anything. */
#define POLL_WORK 1e7
#define PIECE_WORK 2e3 /* what a piece costs beside its multiply-adds */
/* Starting a team costs 5-10 us when its threads sleep; a thread should get several times that. */
#define SECONDS_PER_THREAD 25e-6

static atomic_long home_process; /* written once */

CF_PLAIN void cf_threads_start(void)
{
    long none = 0;
    atomic_compare_exchange_strong(&home_process, &none, current_process());
}

int corrfast_has_openmp(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

int corrfast_max_threads(void)
{
#ifdef _OPENMP
    if (atomic_load_explicit(&home_process, memory_order_relaxed) != current_process() || omp_in_parallel())
        return 1;
    return omp_get_max_threads();
#else
    return 1;
#endif
}

int cf_threads_for(const corrfast_options *o, int64_t count, double seconds)
{
    double most = seconds / SECONDS_PER_THREAD;
    if (most < 2 || count < 2 || o->threads == 1 || (!o->threads && o->thread_limit == 1))
        return 1;
    int threads = o->threads;
    if (!o->parallel_for) {
        int available = corrfast_max_threads();
        if (!threads)
            threads = available;
#ifdef _OPENMP
        /* an explicit number is honored, but not inside another parallel region or after a fork */
        else if (available == 1 && (omp_in_parallel() || atomic_load(&home_process) != current_process()))
            return 1;
#else
        else
            return 1;
#endif
    } else if (!threads) {
        threads = o->thread_limit ? o->thread_limit : 1;
    }
    if (!o->threads && o->thread_limit && threads > o->thread_limit)
        threads = o->thread_limit;
    if (threads > most)
        threads = (int)most;
    return count < threads ? (int)count : threads;
}

typedef struct job {
    cf_run *run;
    cf_piece piece;
    const void *argument;
    char *scratch;
    size_t scratch_bytes;
    int64_t count;
    atomic_llong next;
} job;

static void work(void *argument, int64_t index)
{
    job *j = argument;
    cf_worker worker = {j->run, (int)index, j->scratch + (size_t)index * j->scratch_bytes};
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (i >= j->count || atomic_load_explicit(&j->run->stopped, memory_order_relaxed))
            return;
        j->piece(j->argument, i, &worker);
        cf_poll(&worker, PIECE_WORK);
    }
}

int cf_run_pieces(cf_run *run, int64_t count, double seconds, size_t scratch_bytes, cf_piece piece, const void *argument)
{
    _Alignas(64) char small[4096];
    int threads = cf_threads_for(run->options, count, seconds);
    job j = {.run = run, .piece = piece, .argument = argument, .scratch_bytes = cf_round64(scratch_bytes), .count = count};
    size_t bytes = j.scratch_bytes * (size_t)threads;
    int heap = bytes > sizeof small;
    j.scratch = small;
    if (heap && !(j.scratch = cf_memory_take(&run->memory, bytes)))
        return CORRFAST_ERR_MEMORY;
    if (threads == 1) {
        work(&j, 0);
    } else if (run->options->parallel_for) {
        run->options->parallel_for(run->options->parallel_context, threads, work, &j);
    } else {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
        work(&j, omp_get_thread_num());
#endif
    }
    if (heap)
        cf_memory_give(&run->memory, j.scratch, bytes);
    return atomic_load(&run->stopped);
}

int cf_poll(cf_worker *worker, double amount)
{
    cf_run *run = worker->run;
    if (worker->index == 0 && (run->unpolled += amount) >= POLL_WORK) {
        run->unpolled = 0;
        if (run->options->cancel && run->options->cancel(run->options->cancel_context))
            atomic_store_explicit(&run->stopped, CORRFAST_ERR_CANCELLED, memory_order_relaxed);
    }
    return atomic_load_explicit(&run->stopped, memory_order_relaxed);
}

void cf_inner_begin(cf_inner *inner, cf_worker *worker, void *scratch, size_t bytes)
{
    const cf_run *outer = worker->run;
    inner->options = *outer->options;
    inner->options.threads = 1;
    inner->options.scratch = scratch;
    inner->options.scratch_size = bytes;
    if (worker->index != 0) /* others are not on the thread that may ask */
        inner->options.cancel = NULL;
    inner->run = (cf_run){.options = &inner->options, .memory = {.options = &inner->options}, .unpolled = worker->index ? 0 : outer->unpolled};
    inner->worker = worker;
}

void cf_inner_end(cf_inner *inner, int status)
{
    cf_run *outer = inner->worker->run;
    if (inner->worker->index == 0)
        outer->unpolled = inner->run.unpolled;
    if (status)
        atomic_store_explicit(&outer->stopped, status, memory_order_relaxed);
}
