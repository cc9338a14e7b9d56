/* The C API as a program that vendors it uses it: plans, the caller's memory, threads and cancellation, and wrong arguments. */
#include "corrfast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            printf("test_api: line %d: %s is false\n", __LINE__, #condition);   \
            failures++;                                                         \
        }                                                                       \
    } while (0)

/* A 1-D problem on contiguous float32 arrays. */
static corrfast_problem line(int64_t n, int64_t k, int64_t lo, int64_t hi)
{
    corrfast_problem p = {.size = sizeof p, .rank = 1, .dtype = CORRFAST_FLOAT32, .batch = 1, .groups = 1, .input_channels = 1,
                          .output_channels = 1, .input_size = {n}, .kernel_size = {k}, .stride = {1}, .dilation = {1},
                          .padding_lo = {lo}, .padding_hi = {hi}, .input_stride = {n, n, 1}, .kernel_stride = {k, k, 1}};
    int64_t m = n + lo + hi - k + 1;
    p.output_stride[0] = p.output_stride[1] = m;
    p.output_stride[2] = 1;
    return p;
}

static void test_worked_examples(void)
{
    const float f[] = {2, 1, 3, 5, 4}, h[] = {1, -1}, l[] = {-1, 2, -1};
    float y[4], g[5], v[2];
    corrfast_problem p = line(5, 2, 0, 0);
    CHECK(corrfast_forward(&p, NULL, f, h, y) == CORRFAST_OK);
    CHECK(y[0] == 1 && y[1] == -2 && y[2] == -2 && y[3] == 1);
    CHECK(corrfast_backward_input(&p, NULL, g, h, y) == CORRFAST_OK);
    CHECK(g[0] == 1 && g[1] == -3 && g[2] == 0 && g[3] == 3 && g[4] == -1);
    CHECK(corrfast_backward_kernel(&p, NULL, f, v, y) == CORRFAST_OK);
    CHECK(v[0] == 2 * 1 - 1 * 2 - 3 * 2 + 5 * 1 && v[1] == 1 * 1 - 3 * 2 - 5 * 2 + 4 * 1);
    p.kernel_stride[2] = -1; /* convolution: a reversed view */
    CHECK(corrfast_forward(&p, NULL, f, h + 1, y) == CORRFAST_OK);
    CHECK(y[0] == -1 && y[1] == 2 && y[2] == 2 && y[3] == -1);
    p = line(5, 3, 0, 0);
    CHECK(corrfast_forward(&p, NULL, f, l, y) == CORRFAST_OK);
    CHECK(y[0] == -3 && y[1] == 0 && y[2] == 3);
}

typedef struct counter {
    int live, taken, fail_at; /* the fail_at-th allocation fails */
} counter;

static void *count_allocate(void *context, size_t bytes)
{
    counter *c = context;
    if (++c->taken == c->fail_at)
        return NULL;
    void *base = malloc(bytes + 128);
    if (!base)
        return NULL;
    uintptr_t start = ((uintptr_t)base + 64 + 63) & ~(uintptr_t)63;
    ((void **)start)[-1] = base;
    c->live++;
    return (void *)start;
}

static void count_release(void *context, void *block, size_t bytes)
{
    counter *c = context;
    (void)bytes;
    c->live--;
    free(((void **)block)[-1]);
}

/* With scratch of the size that the planner states nothing is allocated. */
static void check_stated_scratch(const corrfast_problem *p, int pass, float *x, const float *w, float *y)
{
    corrfast_report report = {.size = sizeof report};
    counter c = {.fail_at = 1};
    corrfast_options o = {.size = sizeof o, .threads = 1, .allocate = count_allocate, .release = count_release, .allocator_context = &c};
    CHECK(corrfast_explain(p, pass, &o, &report) == CORRFAST_OK);
    o.scratch_size = (size_t)report.scratch_bytes;
    void *block = malloc(o.scratch_size + 64);
    o.scratch = (void *)(((uintptr_t)block + 63) & ~(uintptr_t)63);
    int status = pass == CORRFAST_FORWARD ? corrfast_forward(p, &o, x, w, y) : corrfast_backward_input(p, &o, x, w, y);
    CHECK(status == CORRFAST_OK && c.taken == 0);
    free(block);
}

/* The n-th allocation fails, for n = 1, 2, ... until none does. */
static void test_memory(void)
{
    corrfast_problem p = line(20000, 31, 15, 15);
    p.boundary[0] = CORRFAST_REFLECT;
    p.input_stride[2] = 2; /* lines that have to be packed */
    float *x = calloc(40000, sizeof *x), *y = calloc(20000, sizeof *y), w[31];
    for (int i = 0; i < 40000; i++)
        x[i] = (float)(i % 7);
    for (int i = 0; i < 31; i++)
        w[i] = (float)(i % 5);
    for (int pass = 0; pass < 3; pass++) {
        int status = -1, tries = 0;
        for (; status && tries < 50; tries++) {
            counter c = {.fail_at = tries + 1};
            corrfast_options o = {.size = sizeof o, .threads = 1, .allocate = count_allocate, .release = count_release, .allocator_context = &c};
            status = pass == 0 ? corrfast_forward(&p, &o, x, w, y)
                   : pass == 1 ? corrfast_backward_input(&p, &o, x, w, y) : corrfast_backward_kernel(&p, &o, x, w, y);
            CHECK(c.live == 0);
            CHECK(status == CORRFAST_OK || status == CORRFAST_ERR_MEMORY);
        }
        CHECK(status == CORRFAST_OK && tries > 1);
    }
    check_stated_scratch(&p, CORRFAST_FORWARD, x, w, y);
    free(x);
    free(y);
}

/* The phases of a strided gradient are problems of their own, none of which may need more than is stated. */
static void test_stated_scratch(void)
{
    static const int64_t shapes[][4] = {{1139, 24, 7, 14}, {1666, 20, 5, 13}, {1524, 18, 7, 13}, {1412, 21, 7, 12}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t n = shapes[i][0], cols = shapes[i][1], k = shapes[i][2], channels = shapes[i][3], m = (n - k) / 2 + 1;
        corrfast_problem p = line(1, 1, 0, 0);
        p.rank = 2;
        p.output_channels = channels;
        p.input_size[0] = n, p.input_size[1] = cols, p.kernel_size[0] = k, p.kernel_size[1] = 1;
        p.stride[0] = 2, p.stride[1] = p.dilation[1] = 1;
        p.input_stride[0] = p.input_stride[1] = n * cols, p.input_stride[2] = cols, p.input_stride[3] = 1;
        p.kernel_stride[0] = p.kernel_stride[1] = k, p.kernel_stride[2] = p.kernel_stride[3] = 1;
        p.output_stride[0] = channels * m * cols, p.output_stride[1] = m * cols, p.output_stride[2] = cols, p.output_stride[3] = 1;
        float *g = calloc((size_t)(channels * m * cols), sizeof *g), *w = calloc((size_t)(channels * k), sizeof *w),
              *x = calloc((size_t)(n * cols), sizeof *x);
        check_stated_scratch(&p, CORRFAST_BACKWARD_INPUT, x, w, g);
        free(g);
        free(w);
        free(x);
    }
}

/* A square 2-D layer on contiguous arrays, padded so that 3x3 taps keep its lengths at stride 1. */
static corrfast_problem layer(int dtype, int64_t groups, int64_t cin, int64_t cout, int64_t n, int64_t k, int64_t stride)
{
    const int64_t pad = (k - 1) / 2, m = (n + 2 * pad - k) / stride + 1;
    return (corrfast_problem){.size = sizeof(corrfast_problem), .rank = 2, .dtype = dtype, .batch = 1, .groups = groups, .input_channels = cin,
                              .output_channels = cout, .input_size = {n, n}, .kernel_size = {k, k}, .stride = {stride, stride},
                              .dilation = {1, 1}, .padding_lo = {pad, pad}, .padding_hi = {pad, pad}, .input_stride = {cin * n * n, n * n, n, 1},
                              .kernel_stride = {cin / groups * k * k, k * k, k, 1}, .output_stride = {cout * m * m, m * m, m, 1}};
}

/* An array whose numbers, or their parts, are floats; with `odd` another one. */
static float *numbers(int64_t count, int odd)
{
    float *a = malloc((size_t)count * sizeof *a);
    for (int64_t i = 0; i < count; i++)
        a[i] = (float)((i * 7919 + odd) % 1009 - 504) / 97;
    return a;
}

typedef struct preparing {
    int dtype, pass, precision;
    int64_t groups, cin, cout, n, k, stride;
    int method, boundary;
    int keeps, reads; /* the plan has a form of the kernel to keep; its runs read the samples too */
} preparing;

/* A prepared plan gives the bits of a plain call from what it keeps of the kernel, and gives that back. */
static void check_prepared(const preparing *c)
{
    corrfast_problem p = layer(c->dtype, c->groups, c->cin, c->cout, c->n, c->k, c->stride);
    const int parts = c->dtype == CORRFAST_COMPLEX64 ? 2 : 1, forward = c->pass == CORRFAST_FORWARD;
    const int64_t x_count = p.input_stride[0] * parts, y_count = p.output_stride[0] * parts, w_count = c->cout * p.kernel_stride[0] * parts;
    float *x = numbers(x_count, 0), *w = numbers(w_count, 1), *y = numbers(y_count, 2), *other = numbers(w_count, 3);
    float *written = forward ? y : x;
    const size_t bytes = (size_t)(forward ? y_count : x_count) * sizeof *written;
    void *want = malloc(bytes);
    counter kept = {.fail_at = 1}, used = {0};
    corrfast_options keep = {.size = sizeof keep, .allocate = count_allocate, .release = count_release, .allocator_context = &kept};
    corrfast_options use = {.size = sizeof use, .method = c->method, .precision = c->precision, .threads = 1, .allocate = count_allocate,
                            .release = count_release, .allocator_context = &used};
    corrfast_plan *plan;
    p.boundary[0] = p.boundary[1] = c->boundary;
    CHECK((forward ? corrfast_forward(&p, &use, x, w, y) : corrfast_backward_input(&p, &use, x, w, y)) == CORRFAST_OK);
    memcpy(want, written, bytes);
    CHECK(corrfast_plan_create(&p, c->pass, &use, &plan) == CORRFAST_OK);
    CHECK(corrfast_plan_prepare(plan, &keep, other) == (c->keeps ? CORRFAST_ERR_MEMORY : CORRFAST_OK) && kept.live == 0);
    for (int prepared = 0; prepared < 3; prepared++) { /* not at all, once, and once more */
        for (use.threads = 1; use.threads <= 3; use.threads += 2) {
            memset(written, 0, bytes);
            CHECK(corrfast_plan_run(plan, &use, x, prepared == 0 || c->reads ? w : other, y) == CORRFAST_OK && used.live == 0);
            CHECK(memcmp(written, want, bytes) == 0);
        }
        corrfast_options wrong = keep;
        wrong.release = NULL;
        CHECK(corrfast_plan_prepare(plan, &wrong, w) == CORRFAST_ERR_ARGUMENT && corrfast_plan_run(plan, &wrong, x, w, y) == CORRFAST_ERR_ARGUMENT);
        CHECK(corrfast_plan_prepare(plan, &keep, w) == CORRFAST_OK && kept.live == c->keeps);
    }
    corrfast_plan_destroy(plan);
    CHECK(kept.live == 0);
    check_stated_scratch(&p, c->pass, x, w, y);
    free(x);
    free(w);
    free(y);
    free(other);
    free(want);
}

static void test_prepared(void)
{
    enum { F = CORRFAST_FORWARD, B = CORRFAST_BACKWARD_INPUT, DIRECT = CORRFAST_DIRECT, WINOGRAD = CORRFAST_WINOGRAD,
           FFT = CORRFAST_FFT };
    static const preparing cases[] = {
        {CORRFAST_FLOAT32, F, 0, 2, 64, 72, 50, 3, 2, DIRECT, 0, 1, 0},
        {CORRFAST_INT32, F, 0, 1, 96, 60, 44, 3, 2, DIRECT, 0, 1, 0},
        {CORRFAST_COMPLEX64, F, 0, 1, 90, 38, 24, 1, 1, DIRECT, 0, 1, 0},
        {CORRFAST_FLOAT32, F, 0, 1, 64, 72, 8, 3, 1, WINOGRAD, 0, 1, 0}, /* so few blocks that each transforms its own */
        {CORRFAST_FLOAT32, F, CORRFAST_FAST, 2, 80, 96, 40, 3, 1, WINOGRAD, CORRFAST_REFLECT, 1, 0},
        {CORRFAST_FLOAT32, B, 0, 1, 72, 64, 9, 1, 1, DIRECT, 0, 1, 0}, /* so few pixels that one run reads weights where they lie */
        {CORRFAST_FLOAT32, B, 0, 1, 70, 64, 14, 3, 1, WINOGRAD, 0, 1, 0},
        {CORRFAST_FLOAT32, B, 0, 2, 70, 64, 14, 3, 2, DIRECT, 0, 1, 0},
        {CORRFAST_FLOAT32, B, 0, 1, 70, 64, 14, 3, 2, DIRECT, CORRFAST_REFLECT, 1, 1}, /* what is folded is planned apart */
        {CORRFAST_FLOAT32, B, 0, 1, 48, 64, 14, 2, 3, DIRECT, 0, 1, 0}, /* phases that no tap reaches */
        {CORRFAST_COMPLEX64, B, 0, 1, 68, 60, 14, 3, 2, DIRECT, 0, 1, 0},
        {CORRFAST_FLOAT32, F, 0, 1, 1, 1, 40, 5, 1, DIRECT, 0, 0, 1},
        {CORRFAST_FLOAT32, F, 0, 1, 1, 1, 150, 31, 1, FFT, 0, 1, 0},
        {CORRFAST_FLOAT32, F, CORRFAST_FAST, 2, 6, 8, 60, 9, 2, FFT, CORRFAST_REFLECT, 1, 0},
        {CORRFAST_COMPLEX64, F, 0, 1, 3, 2, 50, 11, 1, FFT, 0, 1, 0},
        {CORRFAST_INT32, F, 0, 1, 2, 1, 50, 11, 1, FFT, 0, 1, 1}, /* so large that they are summed directly */
        {CORRFAST_FLOAT32, B, 0, 2, 6, 8, 40, 9, 2, FFT, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_prepared(&cases[i]);
}

typedef struct loop {
    int64_t calls, tasks;
} loop;

static void backwards(void *context, int64_t count, void (*task)(void *argument, int64_t index), void *argument)
{
    loop *l = context;
    l->calls++;
    for (int64_t i = count - 1; i >= 0; i--, l->tasks++)
        task(argument, i);
}

static int stop_at_third(void *context)
{
    return ++*(int *)context >= 3;
}

static void test_threads_and_cancellation(void)
{
    enum { N = 400000, K = 400 };
    corrfast_problem p = line(N, K, 0, 0);
    float *x = malloc(N * sizeof *x), *w = malloc(K * sizeof *w), *y = malloc(N * sizeof *y), *z = malloc(N * sizeof *z);
    size_t bytes = (N - K + 1) * sizeof *y;
    for (int i = 0; i < N; i++)
        x[i] = (float)(i % 1009 * 7919 % 1009) / 97;
    for (int i = 0; i < K; i++)
        w[i] = (float)(i * 31 % 17) / 7;
    loop l = {0};
    corrfast_options one = {.size = sizeof one, .threads = 1, .method = CORRFAST_DIRECT}, o = one;
    o.threads = 4;
    CHECK(corrfast_forward(&p, &one, x, w, y) == CORRFAST_OK);
    CHECK(corrfast_forward(&p, &o, x, w, z) == CORRFAST_OK && memcmp(y, z, bytes) == 0);
    memset(z, 0, bytes);
    o.parallel_for = backwards;
    o.parallel_context = &l;
    CHECK(corrfast_forward(&p, &o, x, w, z) == CORRFAST_OK && memcmp(y, z, bytes) == 0);
    CHECK(l.calls == 1 && l.tasks == 4);

    int asked = 0;
    one.cancel = stop_at_third;
    one.cancel_context = &asked;
    CHECK(corrfast_forward(&p, &one, x, w, z) == CORRFAST_ERR_CANCELLED && asked == 3);

    corrfast_plan *plan;
    one.cancel = NULL;
    CHECK(corrfast_plan_create(&p, CORRFAST_FORWARD, &one, &plan) == CORRFAST_OK);
    memset(z, 0, bytes);
    CHECK(corrfast_plan_run(plan, &one, x, w, z) == CORRFAST_OK && memcmp(y, z, bytes) == 0);
    corrfast_plan_destroy(plan);
    free(x);
    free(w);
    free(y);
    free(z);
}

/* A wrong argument is refused before anything is written. */
static void test_wrong_arguments(void)
{
    float x[8] = {0}, w[4] = {0}, y[8];
    corrfast_problem good = line(8, 3, 0, 0), p;
#define REFUSED(change, status)                                          \
    do {                                                                 \
        p = good;                                                        \
        change;                                                          \
        memset(y, 0x77, sizeof y);                                       \
        CHECK(corrfast_forward(&p, NULL, x, w, y) == (status));          \
        CHECK(((unsigned char *)y)[0] == 0x77);                          \
    } while (0)
    REFUSED(p.size = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.rank = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.rank = 4, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.dtype = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.dtype = 99, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.accumulate = CORRFAST_FLOAT64, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.batch = -1, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.groups = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.groups = 2, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.input_channels = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.stride[0] = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.dilation[0] = -1, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.input_size[0] = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.kernel_size[0] = 0, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.kernel_size[0] = 9, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.boundary[0] = 5, CORRFAST_ERR_ARGUMENT);
    REFUSED(p.padding_lo[0] = INT64_MAX, CORRFAST_ERR_OVERFLOW);
    REFUSED(p.padding_lo[0] = INT64_MIN, CORRFAST_ERR_OVERFLOW);
    REFUSED(p.dilation[0] = INT64_MAX, CORRFAST_ERR_OVERFLOW);
    REFUSED((p.dilation[0] = INT64_MAX / 4, p.padding_lo[0] = INT64_MAX / 2), CORRFAST_ERR_OVERFLOW);
    REFUSED(p.input_stride[2] = INT64_MAX, CORRFAST_ERR_OVERFLOW);
    REFUSED(p.output_stride[2] = INT64_MIN, CORRFAST_ERR_OVERFLOW);
    corrfast_options o = {.size = sizeof o, .method = 77};
    CHECK(corrfast_forward(&good, &o, x, w, y) == CORRFAST_ERR_ARGUMENT);
    o = (corrfast_options){.size = sizeof o, .threads = -1};
    CHECK(corrfast_forward(&good, &o, x, w, y) == CORRFAST_ERR_ARGUMENT);
    o = (corrfast_options){.size = sizeof o, .method = CORRFAST_FFT, .precision = CORRFAST_EXACT};
    CHECK(corrfast_forward(&good, &o, x, w, y) == CORRFAST_ERR_METHOD);
    CHECK(corrfast_forward(NULL, NULL, x, w, y) == CORRFAST_ERR_ARGUMENT);
}

int main(void)
{
    if (corrfast_start()) {
        printf("test_api: %s\n", corrfast_status_text(CORRFAST_ERR_ISA));
        return 1;
    }
    test_worked_examples();
    test_memory();
    test_stated_scratch();
    test_prepared();
    test_threads_and_cancellation();
    test_wrong_arguments();
    printf("test_api: %d failures, isa %s\n", failures, corrfast_isa());
    return failures != 0;
}
