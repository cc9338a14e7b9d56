/* Short one-dimensional problems, without a plan: contiguous samples, no options, so little work that planning it would take several
 * times as long (64 samples and 3 taps: 2,300 instructions instead of 350).  What is summed, and in which order, is what the method
 * "direct" does; problems that the planner would give to another method are left to it. */
#include "blocks.h"

#include <math.h>
#include <string.h>

enum {
    MAX_SAMPLES = 16384,
    MAX_TAPS = 512,
    MAX_WORK = 1 << 20, /* samples times taps: some 10 us, and threads may pay */
    MAX_PADDED_BYTES = 8192 /* of an extended line, or of its ends alone, on the stack */
};

static int is_short(const corrfast_problem *p, const corrfast_options *o)
{
    static const unsigned char zeros[sizeof p->cval];
    int64_t lo = p->padding_lo[0], hi = p->padding_hi[0];
    return p->size == sizeof *p && cf_options_are_right(o) && p->rank == 1 && !p->accumulate && !p->reserved && p->conjugate <= 7u &&
           p->batch == 1 && p->groups == 1 && p->input_channels == 1 && p->output_channels == 1 &&
           p->input_stride[2] == 1 && p->output_stride[2] == 1 && p->stride[0] == 1 &&
           p->dilation[0] == 1 && p->kernel_size[0] >= 1 && p->kernel_size[0] <= cf_min(MAX_TAPS, p->input_size[0]) && p->input_size[0] >= 1 &&
           p->input_size[0] <= MAX_SAMPLES && p->kernel_size[0] * p->input_size[0] <= MAX_WORK && lo >= 0 && hi >= 0 && lo <= MAX_TAPS &&
           hi <= MAX_TAPS &&
           (o->method == CORRFAST_AUTO || o->method == CORRFAST_DIRECT) &&
           p->kernel_stride[2] <= MAX_SAMPLES && p->kernel_stride[2] >= -MAX_SAMPLES && p->boundary[0] == CORRFAST_CONSTANT &&
           (lo + hi == 0 || !memcmp(p->cval, zeros, sizeof zeros));
}

/* The planner's estimates of direct.c and dots.c for one line, with a margin between them; and the least for transforms, so that no layout decides
 * the bits. */
static int direct_is_best(const cf_dtype *t, const corrfast_options *o, int lanes, int64_t n, int64_t m, int64_t k)
{
    const double vectors = (double)((m + lanes - 1) / lanes);
    const double tap = cf_vector_cycles(t->arith) * vectors * (1 + (CF_DENSE - 1) * fmin(1, (double)k / 128));
    const double cycles = (double)k * (tap > CF_FMA_LATENCY ? tap : CF_FMA_LATENCY) + 30;
    const int fast = o->precision == CORRFAST_FAST;
    const double seconds = CF_CALL_SECONDS + cycles * CF_CYCLE, output = CF_FFT_OUTPUT_SECONDS(fast);
    return cycles <= 30.0 * (double)m && (seconds <= CF_FFT_SECONDS + (double)m * output || seconds <= cf_blocks_least_line(n, m, k, fast));
}

/* Sums of one kind. */
typedef struct sums {
    cf_line_fn *line;
    cf_plane plane; /* but for the samples */
    size_t size;
    int flags;
} sums;

static void sum_line(const sums *s, const void *samples, char *y, int64_t m)
{
    cf_plane plane = s->plane;
    plane.lines = &samples;
    s->line(&plane, 1, y, m, s->flags);
}

/* Over `n` samples between zeros. */
static void sum_padded(const sums *s, int64_t before, const char *samples, int64_t n, int64_t after, char *y, int64_t m)
{
    _Alignas(64) char padded[MAX_PADDED_BYTES];
    char *inside = padded + (size_t)before * s->size;
    memset(padded, 0, (size_t)before * s->size);
    memcpy(inside, samples, (size_t)n * s->size);
    memset(inside + (size_t)n * s->size, 0, (size_t)after * s->size);
    sum_line(s, padded, y, m);
}

int cf_run_short(const cf_kernels *kernels, const corrfast_problem *p, const corrfast_options *o, const void *input, const void *kernel,
                 void *output)
{
    if (!is_short(p, o))
        return 0;
    const cf_dtype *dtype = cf_dtype_of(p->dtype);
    int64_t n = p->input_size[0], k = p->kernel_size[0], lo = p->padding_lo[0], hi = p->padding_hi[0], m = n + lo + hi - k + 1;
    if (!dtype || dtype->arith == CF_NO_ARITH || cf_converts(dtype) || m < 1)
        return 0;
    const cf_kernel_set *set = &kernels->set[dtype->arith];
    const size_t size = (size_t)dtype->size;
    if (!direct_is_best(dtype, o, set->lanes, n, m, k))
        return 0;
    const int ends = (size_t)(n + lo + hi) * size > MAX_PADDED_BYTES;
    if (lo + hi > 0 && ((ends && (size_t)(cf_max(lo, hi) + k - 1) * size > MAX_PADDED_BYTES) ||
                        !cf_all_finite(dtype, kernel, p->kernel_stride[2], k)))
        return 0;
    sums s = {set->line, {.step = 1, .taps = kernel, .tap_col = p->kernel_stride[2], .kh = 1, .kw = k}, size, 0};
    if (dtype->is_complex && p->conjugate & CORRFAST_CONJ_INPUT)
        s.flags |= CF_CONJ_SAMPLES;
    if (dtype->is_complex && p->conjugate & CORRFAST_CONJ_KERNEL)
        s.flags |= CF_CONJ_TAPS;
    const char *x = input;
    char *y = output;
    if (lo + hi > 0 && !ends) {
        sum_padded(&s, lo, x, n, hi, y, m);
        return 1;
    }
    if (lo > 0)
        sum_padded(&s, lo, x, k - 1, 0, y, lo);
    sum_line(&s, x, y + (size_t)lo * size, n - k + 1);
    if (hi > 0)
        sum_padded(&s, 0, x + (size_t)(n - k + 1) * size, k - 1, hi, y + (size_t)(lo + n - k + 1) * size, hi);
    return 1;
}
