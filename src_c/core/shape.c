/* Checks every number of a problem, with overflow-checked arithmetic, before anything is computed from it. */
#include "shape.h"

#include <math.h>

static int mul(int64_t a, int64_t b, int64_t *result)
{
#if defined(__GNUC__)
    return __builtin_mul_overflow(a, b, result);
#else
    if (a != 0 && b != 0) {
        if ((a == -1 && b == INT64_MIN) || (b == -1 && a == INT64_MIN))
            return 1;
        if (a != -1 && b != -1) {
            if (a > 0 ? (b > 0 ? a > INT64_MAX / b : b < INT64_MIN / a) : (b > 0 ? a < INT64_MIN / b : a < INT64_MAX / b))
                return 1;
        }
    }
    *result = a * b;
    return 0;
#endif
}

static int add(int64_t a, int64_t b, int64_t *result)
{
#if defined(__GNUC__)
    return __builtin_add_overflow(a, b, result);
#else
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
        return 1;
    *result = a + b;
    return 0;
#endif
}

/* m of one axis; every intermediate that later code forms (positions, spans) is proven to fit int64 here. */
static int axis_make(cf_axis *a, int64_t hi)
{
    int64_t extent, padded, span, last, reach;
    if (a->n < 1 || a->k < 1 || a->stride < 1 || a->dilation < 1 || a->boundary < CORRFAST_CONSTANT || a->boundary > CORRFAST_REFLECT)
        return CORRFAST_ERR_ARGUMENT;
    if (mul(a->dilation, a->k - 1, &extent) || add(a->n, a->lo, &padded) || add(padded, hi, &padded) || add(extent, 1, &extent) ||
        add(padded, -extent, &span) || a->lo == INT64_MIN)
        return CORRFAST_ERR_OVERFLOW;
    if (span < 0)
        return CORRFAST_ERR_ARGUMENT; /* the kernel is larger than the padded input */
    a->m = span / a->stride + 1;
    if (a->m == 1)
        a->stride = 1; /* a step never taken may be of any size */
    if (a->k == 1)
        a->dilation = 1;
    /* Positions, and so strides and dilations, stay within +-2^61: sums of a few of them cannot overflow. */
    if (add(span, extent, &last) || add(last, a->lo < 0 ? -a->lo : a->lo, &reach) || add(reach, a->n, &reach) || reach > INT64_MAX / 4)
        return CORRFAST_ERR_OVERFLOW;
    return CORRFAST_OK;
}

/* Adds the bytes from the lowest to the highest element along one axis to *bytes. */
static int add_extent(int64_t count, int64_t stride, int64_t itemsize, int64_t *bytes)
{
    int64_t span;
    if (stride == INT64_MIN || mul(cf_max(count, 1) - 1, stride < 0 ? -stride : stride, &span) || mul(span, itemsize, &span) ||
        add(*bytes, span, bytes))
        return CORRFAST_ERR_OVERFLOW;
    return CORRFAST_OK;
}

/* Methods round counts of elements up to tiles, and count bytes of what they pack: so many times an array's size fits int64. */
enum { SPARE = 64 };

int cf_shape_make(const corrfast_problem *p, int64_t itemsize, cf_shape *s)
{
    if (!p || p->size != sizeof *p || p->rank < 1 || p->rank > CORRFAST_MAX_RANK || p->batch < 0 || p->groups < 1 ||
        p->input_channels < 1 || p->output_channels < 1 || p->input_channels % p->groups || p->output_channels % p->groups ||
        p->conjugate > 7u || p->reserved)
        return CORRFAST_ERR_ARGUMENT;
    s->batch = p->batch;
    s->groups = p->groups;
    s->cin = p->input_channels / p->groups;
    s->cout = p->output_channels / p->groups;
    s->x_batch = p->input_stride[0];
    s->x_channel = p->input_stride[1];
    s->w_cout = p->kernel_stride[0];
    s->w_cin = p->kernel_stride[1];
    s->y_batch = p->output_stride[0];
    s->y_channel = p->output_stride[1];
    int64_t x_bytes = itemsize, w_bytes = itemsize, y_bytes = itemsize;
    int64_t inputs = itemsize * SPARE, taps = inputs, outputs = inputs; /* strides of 0 make arrays of any size of a few bytes */
    for (int i = 0; i < 3; i++) {
        cf_axis *a = &s->axis[i];
        int j = i - (3 - p->rank);
        if (j < 0) {
            *a = (cf_axis){.n = 1, .k = 1, .m = 1, .stride = 1, .dilation = 1};
            continue;
        }
        *a = (cf_axis){.n = p->input_size[j], .k = p->kernel_size[j], .stride = p->stride[j], .dilation = p->dilation[j],
                       .lo = p->padding_lo[j], .xs = p->input_stride[2 + j], .ws = p->kernel_stride[2 + j],
                       .ys = p->output_stride[2 + j], .boundary = p->boundary[j]};
        int status = axis_make(a, p->padding_hi[j]);
        if (status)
            return status;
        if (add_extent(a->n, a->xs, itemsize, &x_bytes) || add_extent(a->k, a->ws, itemsize, &w_bytes) ||
            add_extent(a->m, a->ys, itemsize, &y_bytes) || mul(outputs, a->m, &outputs) || mul(inputs, a->n, &inputs) ||
            mul(taps, a->k, &taps))
            return CORRFAST_ERR_OVERFLOW;
    }
    if (add_extent(s->batch, s->x_batch, itemsize, &x_bytes) || add_extent(s->batch, s->y_batch, itemsize, &y_bytes) ||
        add_extent(p->input_channels, s->x_channel, itemsize, &x_bytes) ||
        add_extent(p->output_channels, s->y_channel, itemsize, &y_bytes) ||
        add_extent(p->output_channels, s->w_cout, itemsize, &w_bytes) || add_extent(s->cin, s->w_cin, itemsize, &w_bytes) ||
        mul(outputs, p->output_channels, &outputs) || mul(outputs, cf_max(s->batch, 1), &outputs) ||
        mul(inputs, p->input_channels, &inputs) || mul(inputs, cf_max(s->batch, 1), &inputs) || mul(taps, p->output_channels, &taps) ||
        mul(taps, s->cin, &taps))
        return CORRFAST_ERR_OVERFLOW;
    /* Steps that are never taken can be anything: here they are none, and no sum of offsets overflows for them. */
    for (int i = 0; i < 3; i++) {
        cf_axis *a = &s->axis[i];
        a->xs = a->n > 1 ? a->xs : 0;
        a->ws = a->k > 1 ? a->ws : 0;
        a->ys = a->m > 1 ? a->ys : 0;
    }
    s->x_batch = s->batch > 1 ? s->x_batch : 0;
    s->y_batch = s->batch > 1 ? s->y_batch : 0;
    s->x_channel = p->input_channels > 1 ? s->x_channel : 0;
    s->y_channel = p->output_channels > 1 ? s->y_channel : 0;
    s->w_cout = p->output_channels > 1 ? s->w_cout : 0;
    s->w_cin = s->cin > 1 ? s->w_cin : 0;
    s->x_group = s->groups > 1 ? s->cin * s->x_channel : 0;
    s->w_group = s->groups > 1 ? s->cout * s->w_cout : 0;
    s->y_group = s->groups > 1 ? s->cout * s->y_channel : 0;
    return CORRFAST_OK;
}

/* The inverse of a modulo m, for gcd(a, m) = 1. */
static int64_t inverse(int64_t a, int64_t m)
{
    int64_t r0 = m, r1 = a % m, t0 = 0, t1 = 1;
    while (r1) {
        int64_t q = r0 / r1, r = r0 - q * r1, t = t0 - q * t1;
        r0 = r1;
        r1 = r;
        t0 = t1;
        t1 = t;
    }
    return t0 < 0 ? t0 + m : t0;
}

/* The first tap j with j*dilation = rest (mod stride), or -1. */
static int64_t first_tap(const cf_axis *a, int64_t gcd, int64_t rest)
{
    int64_t every = a->stride / gcd, j = 0;
    if (rest % gcd)
        return -1;
    if (every <= INT32_MAX) /* the product fits */
        j = rest / gcd * inverse(a->dilation / gcd, every) % every;
    else
        while (j < a->k && j * a->dilation % a->stride != rest)
            j++;
    return j < a->k ? j : -1;
}

int cf_input_phase(const cf_axis *a, int64_t start, int64_t length, int64_t f, int64_t xs, cf_axis *out, int64_t *tap)
{
    int64_t gcd = cf_gcd(a->stride, a->dilation), every = a->stride / gcd, q = start + f + a->lo;
    int64_t rest = q % a->stride, j0 = first_tap(a, gcd, rest < 0 ? rest + a->stride : rest);
    out->m = cf_ceil_div(length - f, a->stride);
    out->ys = out->m > 1 ? a->stride * xs : 0;
    if (j0 < 0)
        return 0;
    int64_t taps = cf_ceil_div(a->k - j0, every), step = a->dilation / gcd, first = (q - j0 * a->dilation) / a->stride;
    out->n = a->m;
    out->k = taps;
    out->stride = 1;
    out->dilation = taps > 1 ? step : 1;
    out->lo = (taps - 1) * out->dilation - first;
    out->xs = a->ys;
    out->ws = -every * a->ws;
    out->boundary = CORRFAST_CONSTANT;
    *tap = j0 + (taps - 1) * every;
    return 1;
}

cf_shape cf_input_roles(const cf_shape *s)
{
    return (cf_shape){.batch = s->batch, .groups = s->groups, .cin = s->cout, .cout = s->cin,
                      .x_batch = s->y_batch, .x_group = s->y_group, .x_channel = s->y_channel,
                      .w_group = s->w_group, .w_cout = s->w_cin, .w_cin = s->w_cout,
                      .y_batch = s->x_batch, .y_group = s->x_group, .y_channel = s->x_channel};
}

int64_t cf_choose_parts(int64_t count, int threads, int64_t most, double again)
{
    int64_t best = 1;
    double shortest = (double)cf_ceil_div(count, threads);
    for (int64_t parts = 2; parts <= cf_min(most, 4 * (int64_t)threads) && count < 8 * (int64_t)threads; parts++) {
        double longest = (double)cf_ceil_div(count * parts, threads) * (again + (1 - again) / (double)parts);
        if (longest < shortest * 0.98) {
            shortest = longest;
            best = parts;
        }
    }
    return best;
}

void cf_choose_channels(const cf_shape *s, int threads, cf_piece_cost *cost, const void *argument, int64_t *channels, int64_t *couts)
{
    const int64_t most_channels = *channels, most_couts = *couts;
    double shortest = -1;
    if (threads == 1)
        return;
    for (int64_t ci = most_channels, more = 1; more; more = ci > 1, ci = cf_ceil_div(ci, 2))
        for (int64_t co = most_couts, again = 1; again; again = co > 1, co = cf_ceil_div(co, 2)) {
            double pieces = (double)s->groups * (double)cf_ceil_div(s->cin, ci) * (double)cf_ceil_div(s->cout, co);
            double longest = ceil(pieces / threads) * cost(argument, ci, co);
            if (shortest < 0 || longest < shortest * 0.98) {
                shortest = longest;
                *channels = ci;
                *couts = co;
            }
        }
}
