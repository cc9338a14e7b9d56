#include "blocks.h"

#include <math.h>

enum {
    MAX_N = 1 << 20,
    ENOUGH_N = 1 << 12,
    MAX_SPECTRA_BYTES = 16 << 20, /* of a block's samples */
    MAX_KERNEL_BYTES = 128 << 20
};

/* ns for each real sample of a block of 2^k points, there, times a factor, and back (Zen 4, 512 bits): what is in the L1 cache, in the L2 cache
 * (from 2^11 points in float64), in that with its factor (from 2^15), and in neither. */
enum { LEAST_LOG = 4, MOST_LOG = 20 };
static const float block_cost[2][MOST_LOG - LEAST_LOG + 1] = {
    {1.0f, 0.9f, 0.82f, 0.69f, 0.69f, 0.64f, 0.67f, 0.70f, 0.81f, 0.83f, 0.90f, 0.95f, 1.01f, 1.05f, 1.3f, 2.0f, 2.8f},
    {1.4f, 1.25f, 1.05f, 1.08f, 0.97f, 1.07f, 1.07f, 1.22f, 1.30f, 1.44f, 1.50f, 1.66f, 1.74f, 2.05f, 3.0f, 4.0f, 4.2f}};

/* Of these the factor alone; what adding it to other terms takes; and what comes beside: samples that are copied once on their way. */
#define PRODUCT_COST 0.33
#define ADD_COST 0.42
#define COPY_COST 0.15
#define DIVIDE_COST 0.4  /* of complex samples, and the like */
#define CONVERT_COST 1.3 /* of integers */
#define ROW_COST 12.0 /* ns */
#define KERNEL_COST 0.35
#define NEAR_BYTES 1e6 /* of the factors of all channels and terms; beyond, they come from the last cache, then from memory, for each block */
#define LAST_BYTES 16e6

static double cost_of(cf_arith inside, int64_t n)
{
    int k = 0;
    while ((int64_t)1 << k < n)
        k++;
    const float *cost = &block_cost[inside == CF_F64][cf_clamp(k, LEAST_LOG + 1, MOST_LOG) - LEAST_LOG];
    return n % 3 ? (double)*cost : ((double)cost[-1] + (double)*cost) / 2;
}

/* How many times longer narrow vectors take, beside direct sums whose estimates go with the lanes: eight floats are 1.2 times slower, not twice. */
static double width_factor(int float_lanes) { return float_lanes >= 16 ? 1 : float_lanes >= 8 ? 1.7 : float_lanes >= 4 ? 3.5 : 7; }

/* What is looked for: what all blocks share, and what all of the size that is tried do. */
typedef struct search {
    const cf_task *t;
    int wraps_zeros[3]; /* nothing but zeros lies around the array, and steps are 1: what wraps around may be zeros */
    double slower, copy, row_copy, traffic, row_traffic;
    int64_t places; /* of a block: samples */
    double ns, whole; /* for each of them; and in seconds for the block */
    cf_blocks tried, *best;
} search;

static void set_size(search *q, int64_t n)
{
    q->tried.n = n;
    q->places = q->t->dtype->is_complex ? n : 2 * n;
    q->ns = cost_of(q->tried.inside, n) * q->slower;
    q->whole = 2e-9 * (double)n;
}

/* Samples that outputs [0, len) read, or fewer, if these are all outputs and nothing but zeros lies around the array: those that wrap around
 * are zeros then.  Each output and each tap has a place of its own. */
static int64_t reach_of(const search *q, int axis, int64_t len, int64_t taps)
{
    const cf_axis *a = &q->t->shape.axis[axis];
    const int64_t whole = len + taps - 1;
    if (!q->wraps_zeros[axis] || len < a->m || taps < a->k)
        return whole;
    const int64_t first = cf_clamp(a->lo, 0, whole), end = cf_clamp(a->lo + a->n, first, whole);
    return cf_max(cf_max(end, whole - first), cf_max(len, taps));
}

static double count_terms(const cf_task *t, const cf_blocks *b)
{
    double terms = (double)t->shape.cin;
    for (int i = 0; i < 3; i++)
        terms *= (double)b->classes[i] * (double)b->parts[i];
    return terms;
}

/* Completes what is chosen, the block's geometry and its cost, and keeps it if it is the best. */
static void weigh(const search *q, cf_blocks *b)
{
    const cf_shape *s = &q->t->shape;
    const double places = (double)q->places;
    double pieces = 1;
    for (int i = 0; i < 3; i++) {
        b->reach[i] = reach_of(q, i, b->len[i], b->taps[i]);
        pieces *= (double)b->count[i] * (double)b->phases[i];
    }
    b->step[2] = 1;
    b->step[1] = b->reach[2];
    if ((double)b->reach[1] * (double)b->reach[2] > places)
        return;
    b->step[0] = b->reach[1] * b->reach[2];
    if ((double)(b->reach[0] - 1) * (double)b->step[0] + (double)b->step[0] > places)
        return;
    const double terms = count_terms(q->t, b), couts = (double)s->cout, point = 2 * (double)b->n * (b->inside == CF_F32 ? 4 : 8);
    const double factors = terms * couts * (double)s->groups * 2 * point;
    if (terms * point > MAX_SPECTRA_BYTES && !(terms == 1 || s->cout == 1))
        return;
    if (factors > MAX_KERNEL_BYTES)
        return;
    b->terms = (int64_t)terms;
    const int rows = b->reach[0] * b->reach[1] > 1;
    const double product = PRODUCT_COST * q->slower, copy = rows ? q->row_copy + ROW_COST / (double)b->reach[2] : q->copy;
    const double moves = terms * couts == 1 || factors < NEAR_BYTES ? 0 : factors < LAST_BYTES ? 0.25 : 1.2;
    const double there = (q->ns - product) / 2 + copy, kernel = terms * couts * (there + KERNEL_COST + 1.5 * moves);
    const double block = (terms + couts) * there + terms * couts * ((terms > 1 ? ADD_COST * q->slower : product) + moves);
    b->seconds = (double)s->groups * ((double)s->batch * pieces * (block * q->whole + CF_FFT_BLOCK_SECONDS) + kernel * q->whole) + CF_FFT_SECONDS +
                 (rows ? q->row_traffic : q->traffic);
    if (q->best->seconds < 0 || b->seconds < q->best->seconds)
        *q->best = *b;
}

/* Outputs and parts of the outermost axis for what fits there; tries some ways. */
static void fit_outer(const search *q, int outer, int64_t outputs, int64_t taps)
{
    int64_t inner = 1;
    for (int i = outer + 1; i < 3; i++)
        inner *= reach_of(q, i, q->tried.len[i], q->tried.taps[i]); /* checked by the caller */
    const int64_t fit = q->places / inner;
    const int64_t whole = reach_of(q, outer, outputs, taps) <= fit ? outputs : fit - taps + 1;
    const int64_t lens[3] = {whole, cf_min(outputs, fit / 2), cf_min(outputs, fit / 4)};
    for (int i = 0; i < 3; i++) {
        if (lens[i] < 1 || (i > 0 && fit - lens[i] + 1 >= taps))
            continue;
        cf_blocks b = q->tried;
        b.count[outer] = cf_ceil_div(outputs, cf_min(lens[i], outputs));
        b.len[outer] = cf_ceil_div(outputs, b.count[outer]);
        b.parts[outer] = i == 0 ? 1 : cf_ceil_div(taps, fit - b.len[outer] + 1);
        b.taps[outer] = cf_ceil_div(taps, b.parts[outer]);
        weigh(q, &b);
    }
}

enum { MOST_COUNTS = 5 };

/* How many blocks an inner axis may have: one, or about as many as give each `reach` samples. */
static int counts_near(double reach, int64_t outputs, int64_t taps, int64_t counts[MOST_COUNTS])
{
    const double len = fmax(reach - (double)taps + 1, 1);
    const int64_t about = len >= (double)outputs ? 1 : (int64_t)ceil((double)outputs / len);
    int n = 0;
    counts[n++] = 1;
    for (int64_t c = cf_max(about - 1, 2); c <= cf_min(about + 2, outputs); c++)
        counts[n++] = c;
    return n;
}

/* Blocks as much longer than the kernel along each axis, for then they overlap least; `axes` have more than a sample. */
static double even_reach(double places, const int64_t taps[3], int first, int axis, int axes)
{
    for (int i = first; i < 3 && i <= axis; i++)
        places /= (double)taps[i];
    return (double)taps[axis] * pow(places, 1 / (double)axes);
}

static void try_size(search *q, int outer, const int64_t outputs[3], const int64_t taps[3])
{
    const double places = (double)q->places;
    const int middle = outer == 0 && (outputs[1] > 1 || taps[1] > 1);
    cf_blocks *b = &q->tried;
    int64_t counts2[MOST_COUNTS], counts1[MOST_COUNTS];
    if (outer == 2) {
        fit_outer(q, 2, outputs[2], taps[2]);
        return;
    }
    const int n2 = counts_near(even_reach(places, taps, outer, 2, 2 + middle), outputs[2], taps[2], counts2);
    for (int i2 = 0; i2 < n2; i2++) {
        b->count[2] = counts2[i2];
        b->len[2] = cf_ceil_div(outputs[2], b->count[2]);
        b->taps[2] = taps[2];
        const double width = (double)reach_of(q, 2, b->len[2], taps[2]);
        if (width > places)
            continue;
        const int n1 = middle ? counts_near(even_reach(places / width, taps, 0, 1, 2), outputs[1], taps[1], counts1) : 1;
        for (int i1 = 0; i1 < n1; i1++) {
            b->count[1] = middle ? counts1[i1] : 1;
            b->len[1] = middle ? cf_ceil_div(outputs[1], b->count[1]) : 1;
            b->taps[1] = middle ? taps[1] : 1;
            if (outer == 0 && (double)reach_of(q, 1, b->len[1], b->taps[1]) * width > places)
                continue;
            fit_outer(q, outer, outputs[outer], taps[outer]);
        }
    }
}

/* Whether blocks of n coefficients would hold little beside what they overlap by, while larger ones do not hold all there is yet. */
static int is_mostly_overlap(const search *q, int64_t n, int outer, int64_t least, int64_t all)
{
    const int64_t places = q->t->dtype->is_complex ? n : 2 * n;
    if (places > all || n >= MAX_N)
        return 0;
    /* in one dimension two thirds, for one of twice the size then takes less for each output; parts of kernels as long as the array may fit */
    return outer == 2 && 2 * places <= all ? places / 3 * 2 <= least : 2 * n <= least;
}

/* 2^k and 3*2^k by turns. */
static int64_t size_after(int64_t n) { return n % 3 ? n / 2 * 3 : n / 3 * 4; }

/* Sizes from small to large.  least: of taps; all: of what all outputs read. */
static void try_sizes(search *q, int64_t unit, int outer, const int64_t outputs[3], const int64_t taps[3], int64_t least, int64_t all, int any)
{
    for (int64_t n = 4 * unit; n <= MAX_N; n = size_after(n)) {
        if (!any && is_mostly_overlap(q, n, outer, least, all))
            continue;
        set_size(q, n);
        try_size(q, outer, outputs, taps);
        if (q->best->seconds >= 0 && (q->places >= all || (n % 3 == 0 && n / 3 * 2 >= cf_max(ENOUGH_N, 32 * least))))
            return; /* larger ones hold no more, or waste no less */
    }
}

int cf_blocks_choose(const cf_task *t, const cf_kernels *kernels, cf_blocks *best)
{
    const cf_shape *s = &t->shape;
    const int single = t->dtype->is_float && (t->dtype->arith == CF_F32 || t->dtype->arith == CF_C64);
    const int plain = t->dtype->id == CORRFAST_FLOAT32 || t->dtype->id == CORRFAST_FLOAT64;
    const double beside = plain ? 0 : t->dtype->is_float ? DIVIDE_COST : CONVERT_COST, traffic = cf_traffic_seconds(t);
    search q = {.t = t, .slower = width_factor(kernels->set[CF_F32].lanes), .copy = plain ? 0.05 : beside, .row_copy = plain ? COPY_COST : beside,
                .traffic = traffic, .row_traffic = traffic * (cf_traffic_bytes(t) > CF_FAR_BYTES ? 2 : 1), /* not t->far, which knows the batch */
                .tried = {.inside = t->precision == CORRFAST_FAST && single ? CF_F32 : CF_F64}, .best = best};
    cf_blocks *b = &q.tried;
    int64_t outputs[3], taps[3], least = 1, all = 1; /* of taps, and of what all outputs read */
    int outer = 2;
    for (int i = 2; i >= 0; i--) {
        const cf_axis *a = &s->axis[i];
        if (a->m < 1 || a->k < 1 || a->n < 1)
            return 0;
        const int64_t gcd = cf_gcd(a->stride, a->dilation);
        b->phases[i] = cf_min(a->dilation / gcd, a->m);
        b->classes[i] = cf_min(a->stride / gcd, a->k);
        outputs[i] = cf_ceil_div(a->m, b->phases[i]);
        taps[i] = cf_ceil_div(a->k, b->classes[i]);
        /* lcm(stride, dilation); formed only where two samples are that far apart, so that it cannot overflow */
        b->gap[i] = outputs[i] > 1 || taps[i] > 1 ? a->stride / gcd * a->dilation : 1;
        b->parts[i] = b->count[i] = b->len[i] = b->taps[i] = 1;
        q.wraps_zeros[i] = a->stride == 1 && a->dilation == 1 && a->boundary == CORRFAST_CONSTANT && t->pads_with_zero;
        if (a->m > 1 || a->k > 1)
            outer = i;
        least = cf_min(least * cf_min(taps[i], MAX_N), MAX_N);
        all = cf_min(all * cf_min(outputs[i] + taps[i] - 1, 2 * MAX_N), 2 * MAX_N);
    }
    best->seconds = -1;
    for (int any = 0; any < 2 && best->seconds < 0; any++) /* where memory forbids larger ones, any size is better than none */
        try_sizes(&q, kernels->set[b->inside].fft.unit, outer, outputs, taps, least, all, any);
    return best->seconds >= 0;
}

/* Blocks hold at least as many samples as all outputs read or are, and no fewer outputs than there are. */
double cf_blocks_least(const cf_task *t)
{
    const cf_shape *s = &t->shape;
    const int halves = t->precision == CORRFAST_FAST && t->dtype->is_float && t->dtype->arith != CF_F64 && t->dtype->arith != CF_C128;
    const int rows = s->axis[0].m * s->axis[1].m > 1;
    double samples = (double)s->groups * (t->dtype->is_complex ? 2 : 1), outputs = samples;
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &s->axis[i];
        outputs *= (double)a->m;
        samples *= (double)cf_max(a->m, a->stride == 1 ? cf_min(a->n, a->m + a->k - 1) : 1);
    }
    const double cin = (double)s->cin, cout = (double)s->cout, there = (halves ? 0.15 : 0.31) + (rows ? COPY_COST : 0.05);
    return CF_FFT_SECONDS + ((samples * cin + outputs * cout) * there + samples * cin * cout * (halves ? 0.2 : PRODUCT_COST)) * 1e-9 +
           cf_traffic_seconds(t);
}

double cf_blocks_least_line(int64_t n, int64_t m, int64_t k, int fast)
{
    const double place = CF_FFT_OUTPUT_SECONDS(fast), tap = CF_FFT_TAP_SECONDS(fast);
    double least = (double)m * CF_FFT_PARTS_SECONDS(fast) + (double)k * tap;
    for (int64_t places = 32;; places = size_after(places)) {
        const int all = places >= cf_max(n, m);
        if (all || places >= k) {
            const double blocks = all ? 1 : ceil((double)m / (double)(places - k + 1));
            least = fmin(least, blocks * ((double)places * place + CF_FFT_BLOCK_SECONDS) + (double)places * tap);
        }
        if (all)
            return CF_FFT_SECONDS + least;
    }
}
