/* Random problems through the public C API: every dtype, option and pass, the planner's choice against the plain loops of
 * "reference".  The data are small integers, so results must agree bit for bit (but for Winograd's F4 and transforms).  Each array is its own
 * heap block of exactly the bytes it needs, so that AddressSanitizer sees any access beside it, and what lies between its elements must stay.
 * Half of the problems are layers, with many channels.  Runs are on one thread or several, with memory of the library's, with the caller's
 * of the size that the planner states, or with an allocator that fails at first.
 *
 *   test_problems [seconds [seed]] */
#include "drawn_problems.h"

#include <pthread.h>
#include <time.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* ---- runs ------------------------------------------------------------------------------------------------------------------ */

typedef struct one_task {
    void (*task)(void *argument, int64_t index);
    void *argument;
    int64_t index;
    pthread_t thread;
} one_task;

static void *run_task(void *context)
{
    const one_task *t = context;
    t->task(t->argument, t->index);
    return NULL;
}

/* Really at the same time: a data race is wrong in one run of many, and ThreadSanitizer sees it. */
static void threads_for(void *context, int64_t count, void (*task)(void *argument, int64_t index), void *argument)
{
    one_task tasks[16];
    (void)context;
    if (count > 16)
        abort();
    for (int64_t i = 0; i < count; i++) {
        tasks[i] = (one_task){.task = task, .argument = argument, .index = i};
        if (pthread_create(&tasks[i].thread, NULL, run_task, &tasks[i]))
            abort();
    }
    for (int64_t i = 0; i < count; i++)
        pthread_join(tasks[i].thread, NULL);
}

/* Memory whose fail_at-th block is refused, 0: none. */
typedef struct allocator {
    int taken, fail_at, live;
    size_t bytes;
    pthread_mutex_t lock;
} allocator;

static void *take(void *context, size_t bytes)
{
    allocator *a = context;
    pthread_mutex_lock(&a->lock);
    int refused = ++a->taken == a->fail_at;
    char *base = refused ? NULL : malloc(bytes + 128);
    if (base)
        a->live++;
    pthread_mutex_unlock(&a->lock);
    if (!base)
        return NULL;
    size_t shift = 64 - (uintptr_t)base % 64; /* so that the block ends close to what was taken */
    memset(base + shift, 0xff, bytes); /* NaN, where it is read before it is written */
    base[shift - 1] = (char)shift;
    return base + shift;
}

static void give(void *context, void *block, size_t bytes)
{
    allocator *a = context;
    char *at = block;
    (void)bytes;
    pthread_mutex_lock(&a->lock);
    a->live--;
    pthread_mutex_unlock(&a->lock);
    free(at - at[-1]);
}

static int stop_at_second(void *context)
{
    return ++*(int *)context == 2;
}

static int run_pass(int pass, const corrfast_problem *p, const corrfast_options *o, array arrays[3], size_t size)
{
    char *at[3];
    for (int i = 0; i < 3; i++)
        at[i] = arrays[i].block + arrays[i].offset * (int64_t)size;
    switch (pass) {
    case CORRFAST_FORWARD: return corrfast_forward(p, o, at[0], at[1], at[2]);
    case CORRFAST_BACKWARD_INPUT: return corrfast_backward_input(p, o, at[0], at[1], at[2]);
    default: return corrfast_backward_kernel(p, o, at[0], at[1], at[2]);
    }
}

/* The same by a plan that was prepared for its kernel. */
static int run_prepared(int pass, const corrfast_problem *p, const corrfast_options *options, array arrays[3], size_t size)
{
    corrfast_options o = *options;
    corrfast_plan *plan;
    char *at[3];
    for (int i = 0; i < 3; i++)
        at[i] = arrays[i].block + arrays[i].offset * (int64_t)size;
    o.kernel = pass == CORRFAST_FORWARD ? at[1] : NULL;
    int status = corrfast_plan_create(p, pass, &o, &plan);
    status = status ? status : corrfast_plan_prepare(plan, &o, at[1]);
    status = status ? status : corrfast_plan_run(plan, &o, at[0], at[1], at[2]);
    corrfast_plan_destroy(plan);
    return status;
}

/* Runs that fail on the way to one that does not: the n-th block of memory is refused, n = 1, 2, ..., 8, then
 * some of what can be thousands; then a cancelled one.  NULL, or what was wrong. */
static const char *fail_first(int pass, const corrfast_problem *p, const corrfast_options *options, array arrays[3], size_t size)
{
    corrfast_options o = *options;
    int status = CORRFAST_ERR_MEMORY, asked = 0;
    for (int n = 1; status == CORRFAST_ERR_MEMORY; n += 1 + n / 8) {
        allocator a = {.fail_at = n, .lock = PTHREAD_MUTEX_INITIALIZER};
        o.allocate = take;
        o.release = give;
        o.allocator_context = &a;
        status = run_pass(pass, p, &o, arrays, size);
        if (a.live)
            return "memory was not released";
        if (status != CORRFAST_OK && status != CORRFAST_ERR_MEMORY)
            return "another status than success or no memory";
        if (status == CORRFAST_ERR_MEMORY && a.taken < n)
            return "no memory where none was refused";
    }
    allocator a = {.lock = PTHREAD_MUTEX_INITIALIZER};
    o.allocator_context = &a;
    o.cancel = stop_at_second;
    o.cancel_context = &asked;
    status = run_pass(pass, p, &o, arrays, size);
    return a.live ? "memory was not released" : status != CORRFAST_OK && !(status == CORRFAST_ERR_CANCELLED && asked >= 2) ? "not cancelled" : NULL;
}

/* Denormal numbers in a sum, which only memory that nobody wrote can bring there, take 150 cycles each on some processors: the processor's
 * flag says whether there were any since the last call. */
static int saw_denormals(void)
{
#if defined(__SSE2__)
    const unsigned state = _mm_getcsr();
    _mm_setcsr(state & ~(unsigned)_MM_EXCEPT_MASK);
    return (state & (unsigned)_MM_EXCEPT_DENORM) != 0;
#else
    return 0;
#endif
}

/* Runs in memory of exactly the size that the planner states, filled with NaN or with denormal numbers; NULL, or what was wrong.
 * What direct-adjoint folds at boundaries it solves in windows that are not foreseen; fft sums blocks of large integers, as -3 is where it is
 * unsigned, directly. */
static const char *run_as_stated(int pass, const corrfast_problem *p, const corrfast_options *options, const corrfast_report *report,
                                 array arrays[3], size_t size, int *status)
{
    corrfast_options o = *options;
    allocator a = {.lock = PTHREAD_MUTEX_INITIALIZER};
    o.scratch_size = (size_t)report->scratch_bytes;
    o.scratch = aligned_alloc(64, (o.scratch_size + 63) / 64 * 64 + 64);
    if (!o.scratch)
        abort();
    const int denormals = (int)random_between(&source, 0, 1);
    for (size_t i = 0; i < o.scratch_size; i++)
        ((unsigned char *)o.scratch)[i] = denormals ? i % 4 == 0 : 0xff;
    o.allocate = take;
    o.release = give;
    o.allocator_context = &a;
    saw_denormals();
    *status = run_pass(pass, p, &o, arrays, size);
    free(o.scratch);
    if (saw_denormals() && denormals)
        return "memory that nobody wrote was multiplied";
    int folds = 0;
    for (int i = 0; i < p->rank; i++)
        folds |= p->boundary[i] != CORRFAST_CONSTANT;
    const int stated = (strcmp(report->method, "direct-adjoint") || !folds) && (strcmp(report->method, "fft") || p->dtype >= CORRFAST_FLOAT16);
    return a.live ? "memory was not released" : a.taken && stated ? "more memory was taken than stated" : NULL;
}

enum { METHODS = 24 };
static struct { const char *name; int64_t count; } reached[METHODS];

static void count_method(const char *name)
{
    int i = 0;
    while (reached[i].name && strcmp(reached[i].name, name) != 0)
        i++;
    reached[i].name = name;
    reached[i].count++;
}

/* The method, and its way. */
static const char *kind_of(const char *method, const char *tile)
{
    if (!strcmp(method, "gemm") && strstr(tile, "windows"))
        return "gemm windows";
    if (!strcmp(method, "image") && strncmp(tile, "image kernel", 12))
        return strncmp(tile, "spread", 6) ? "image taps" : "image spread";
    return method;
}

/* Methods that random problems must reach, or they test less than they seem to. */
static int all_reached(int64_t problems)
{
    /* in_part: where vectors can be loaded so; seldom: drawn in few problems */
    static const struct { const char *name; int in_part, seldom; } wanted[] = {
        {"direct", 0, 0}, {"direct-adjoint", 0, 0}, {"gemm", 0, 0}, {"gemm windows", 0, 0}, {"gemm-gradient", 0, 0}, {"gemm-input", 0, 1},
        {"winograd", 0, 0}, {"fft", 0, 0}, {"image", 1, 0}, {"image spread", 1, 1}, {"image taps", 1, 1}};
    const int in_part = !strncmp(corrfast_isa(), "avx", 3);
    int missing = 0;
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
        int found = (wanted[w].in_part && !in_part) || (wanted[w].seldom && problems < 10000);
        for (int i = 0; i < METHODS && reached[i].name; i++)
            found |= strcmp(reached[i].name, wanted[w].name) == 0;
        if (!found)
            printf("test_problems: %s was never chosen\n", wanted[w].name);
        missing += !found;
    }
    return !missing;
}

static void set_strides(corrfast_problem *p, const array arrays[3])
{
    for (int i = 0; i < 5; i++) {
        p->input_stride[i] = arrays[0].stride[i];
        p->kernel_stride[i] = arrays[1].stride[i];
        p->output_stride[i] = arrays[2].stride[i];
    }
}

/* A float of any kind becomes one that is no integer, so that every order of a sum has its own bits. */
static void roughen(const array *a, int kind)
{
    int64_t index[5] = {0};
    const size_t size = dtypes[kind].size, part = size / (size_t)dtypes[kind].complex_parts;
    if (is_empty(a))
        return;
    do
        for (int i = 0; i < dtypes[kind].complex_parts; i++) {
            char *at = element(a, index, size) + (size_t)i * part;
            if (part == 4)
                *(float *)at = (float)(int64_t)next() * 0x1p-62f;
            else
                *(double *)at = (double)(int64_t)next() * 0x1p-62;
        }
    while (step(a, index));
}

static int64_t other_bits(const array *a, const array *b, int64_t first, size_t size)
{
    int64_t index[5] = {0}, count = 0;
    if (is_empty(b))
        return 0;
    do {
        index[0] += first;
        const char *x = element(a, index, size);
        index[0] -= first;
        count += memcmp(x, element(b, index, size), size) != 0;
    } while (step(b, index));
    return count;
}

static void copy_elements(const array *to, const array *from, int64_t first, size_t size)
{
    int64_t index[5] = {0};
    if (is_empty(to))
        return;
    do {
        char *at = element(to, index, size);
        index[0] += first;
        memcpy(at, element(from, index, size), size);
        index[0] -= first;
    } while (step(to, index));
}

/* The bits of a result depend on its sample alone: not on threads, on how the arrays lie, on a kernel packed before, or (but for the kernel's
 * gradient) on the rest of the batch.  Returns how many elements have others. */
static int64_t bits_differ(int pass, corrfast_problem p, corrfast_options o, const array arrays[3], int target, int kind)
{
    const size_t size = dtypes[kind].size;
    const int alone = pass != CORRFAST_BACKWARD_KERNEL && p.batch > 1;
    array first[3], others[3];
    for (int i = 0; i < 3; i++) {
        first[i] = copy_array(&arrays[i]);
        roughen(&first[i], kind);
    }
    int64_t image = alone ? between(0, p.batch - 1) : 0;
    int status = run_pass(pass, &p, &o, first, size);
    p.batch = alone ? 1 : p.batch;
    for (int i = 0; i < 3; i++) {
        int64_t extent[5];
        memcpy(extent, arrays[i].extent, sizeof extent);
        extent[0] = i == 1 ? extent[0] : p.batch;
        others[i] = make_array(arrays[i].axes, extent, size, 0);
        if (i != target)
            copy_elements(&others[i], &first[i], i == 1 ? 0 : image, size);
    }
    set_strides(&p, others);
    o.threads = (int32_t)between(1, 4);
    o.parallel_for = threads_for;
    status = status ? status : (next() % 2 ? run_prepared : run_pass)(pass, &p, &o, others, size);
    int64_t wrong = status ? 1 : other_bits(&first[target], &others[target], image, size);
    for (int i = 0; i < 3; i++) {
        free(first[i].block);
        free(others[i].block);
    }
    return wrong;
}

/* One problem; 0 if it was none, 1 if it is right, -1 if it is wrong. */
static int solve(uint64_t seed)
{
    corrfast_problem p;
    corrfast_options o = {.size = sizeof o}, reference = {.size = sizeof o, .method = CORRFAST_REFERENCE, .threads = 1};
    corrfast_report report = {.size = sizeof report};
    source.state = seed;
    int kind = (int)between(0, (int64_t)(sizeof dtypes / sizeof *dtypes) - 1), pass = (int)(next() % 2 ? CORRFAST_FORWARD : between(0, 2));
    if (next() % 3 == 0)
        kind = dtypes[kind].size == 8 ? FLOAT64_ROW : FLOAT32_ROW;
    int64_t m[3];
    if (!draw(&p, kind, m))
        return 0;
    o.threads = (int32_t)between(0, 4);
    o.parallel_for = next() % 2 ? threads_for : NULL;
    o.precision = next() % 3 ? CORRFAST_DEFAULT : (int32_t)between(CORRFAST_EXACT, CORRFAST_FAST);
    int64_t x[5] = {p.batch, p.input_channels}, w[5] = {p.output_channels, p.input_channels / p.groups}, y[5] = {p.batch, p.output_channels};
    memcpy(x + 2, p.input_size, sizeof p.input_size);
    memcpy(w + 2, p.kernel_size, sizeof p.kernel_size);
    memcpy(y + 2, m, sizeof m);
    size_t size = dtypes[kind].size;
    int target = pass == CORRFAST_FORWARD ? 2 : pass == CORRFAST_BACKWARD_INPUT ? 0 : 1, axes = p.rank + 2;
    array arrays[3] = {make_array(axes, x, size, target != 0), make_array(axes, w, size, target != 1), make_array(axes, y, size, target != 2)};
    array others[3];
    set_strides(&p, arrays);
    for (int i = 0; i < 3; i++) {
        fill_array(&arrays[i], kind);
        others[i] = i == target ? copy_array(&arrays[i]) : arrays[i];
    }
    static const int32_t asked[] = {CORRFAST_DIRECT, CORRFAST_WINOGRAD, CORRFAST_WINOGRAD, CORRFAST_WINOGRAD, CORRFAST_FFT};
    o.method = next() % 3 == 0 ? asked[next() % (sizeof asked / sizeof *asked)] : CORRFAST_AUTO;
    o.kernel = pass == CORRFAST_FORWARD ? arrays[1].block + arrays[1].offset * (int64_t)size : NULL;
    if (corrfast_explain(&p, pass, &o, &report) == CORRFAST_ERR_METHOD)
        o.method = CORRFAST_AUTO;
    int expected = run_pass(pass, &p, &reference, others, size), status = corrfast_explain(&p, pass, &o, &report);
    const char *complaint = NULL;
    count_method(kind_of(report.method, report.tile));
    tolerance = tolerance_of(&p, pass, &o, report.method, m);
    switch (status ? 3 : next() % 4) {
    case 0: complaint = run_as_stated(pass, &p, &o, &report, arrays, size, &status); break;
    case 1: complaint = fail_first(pass, &p, &o, arrays, size); /* fall through */
    case 2: status = run_pass(pass, &p, &o, arrays, size); break;
    default: status = status ? status : run_pass(pass, &p, &o, arrays, size);
    }
    int64_t wrong = status || expected ? 1 : differences(&arrays[target], &others[target], kind);
    if (!wrong && kind >= FLOAT32_ROW && size / (size_t)dtypes[kind].complex_parts <= sizeof(double) && next() % 2 &&
        bits_differ(pass, p, o, arrays, target, kind))
        complaint = "bits depend on threads, layout, batch or a prepared plan";
    if (wrong || complaint)
        printf("test_problems: seed %llu: pass %d, dtype %d, rank %d, %s: status %d and %d, %lld elements differ%s%s\n", (unsigned long long)seed,
               pass, p.dtype, p.rank, report.method, status, expected, (long long)wrong, complaint ? "; " : "", complaint ? complaint : "");
    free(others[target].block);
    for (int i = 0; i < 3; i++)
        free(arrays[i].block);
    return wrong || complaint ? -1 : 1;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 20260101;
    int64_t count = 0, bad = 0;
    clock_t start = clock();
    if (corrfast_start()) {
        printf("test_problems: %s\n", corrfast_status_text(CORRFAST_ERR_ISA));
        return 1;
    }
    for (; (double)(clock() - start) / CLOCKS_PER_SEC < seconds && bad < 5; seed++) {
        int result = solve(seed);
        count += result != 0;
        bad += result < 0;
    }
    printf("test_problems: %lld problems, %lld wrong, isa %s, next seed %llu;", (long long)count, (long long)bad, corrfast_isa(),
           (unsigned long long)seed);
    for (int i = 0; i < METHODS && reached[i].name; i++)
        printf(" %s %lld", reached[i].name, (long long)reached[i].count);
    printf("\n");
    return bad != 0 || (count >= 1000 && !all_reached(count));
}
