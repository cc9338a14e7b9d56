/* Random problems for the public API: their arrays, of any layout, each in a heap block of exactly its bytes; their shapes and options. */
#ifndef CF_DRAWN_PROBLEMS_H
#define CF_DRAWN_PROBLEMS_H

#include "corrfast.h"
#include "testing.h"

#include <float.h>
#include <math.h>

static random_source source;

static uint64_t next(void) { return random_bits(&source); }
static int64_t between(int64_t low, int64_t high) { return random_between(&source, low, high); }

static const struct { int dtype; size_t size; int complex_parts; } dtypes[] = {
    {CORRFAST_BOOL, 1, 1},     {CORRFAST_INT8, 1, 1},     {CORRFAST_UINT8, 1, 1},     {CORRFAST_INT16, 2, 1},
    {CORRFAST_UINT16, 2, 1},   {CORRFAST_INT32, 4, 1},    {CORRFAST_UINT32, 4, 1},    {CORRFAST_INT64, 8, 1},
    {CORRFAST_UINT64, 8, 1},   {CORRFAST_FLOAT16, 2, 1},  {CORRFAST_FLOAT32, 4, 1},   {CORRFAST_FLOAT64, 8, 1},
    {CORRFAST_LONGDOUBLE, sizeof(long double), 1},        {CORRFAST_COMPLEX64, 8, 2}, {CORRFAST_COMPLEX128, 16, 2},
    {CORRFAST_CLONGDOUBLE, 2 * sizeof(long double), 2},
};

enum { FLOAT32_ROW = 10, FLOAT64_ROW };

/* One number of the dtype with the value v, -3..3 (0 or 1 for bool). */
static void put(int dtype, void *to, int v)
{
    static const uint16_t halves[] = {0xc200, 0xc000, 0xbc00, 0, 0x3c00, 0x4000, 0x4200};
    switch (dtype) {
    case CORRFAST_BOOL: *(uint8_t *)to = v > 0; break;
    case CORRFAST_INT8: case CORRFAST_UINT8: *(int8_t *)to = (int8_t)v; break;
    case CORRFAST_INT16: case CORRFAST_UINT16: *(int16_t *)to = (int16_t)v; break;
    case CORRFAST_INT32: case CORRFAST_UINT32: *(int32_t *)to = v; break;
    case CORRFAST_INT64: case CORRFAST_UINT64: *(int64_t *)to = v; break;
    case CORRFAST_FLOAT16: *(uint16_t *)to = halves[v + 3]; break;
    case CORRFAST_FLOAT32: case CORRFAST_COMPLEX64: *(float *)to = (float)v; break;
    case CORRFAST_FLOAT64: case CORRFAST_COMPLEX128: *(double *)to = v; break;
    default: memset(to, 0, sizeof(long double)); *(long double *)to = v;
    }
}

static double tolerance; /* of floats, where a method rounds */

static int near(double a, double b) { return a == b || fabs(a - b) <= tolerance; }

static double half_value(uint16_t half)
{
    const int exponent = half >> 10 & 31, digits = half & 1023;
    const double size = exponent == 31 ? (digits ? NAN : INFINITY) : ldexp(exponent ? 1024 + digits : digits, (exponent ? exponent : 1) - 25);
    return half & 0x8000 ? -size : size;
}

/* Equal numbers: zeros of either sign are, and padding bytes do not count. */
static int equal(int dtype, const void *a, const void *b, size_t size)
{
    switch (dtype) {
    case CORRFAST_FLOAT16: return near(half_value(*(const uint16_t *)a), half_value(*(const uint16_t *)b));
    case CORRFAST_FLOAT32: return near(*(const float *)a, *(const float *)b);
    case CORRFAST_FLOAT64: return near(*(const double *)a, *(const double *)b);
    case CORRFAST_LONGDOUBLE: return *(const long double *)a == *(const long double *)b;
    case CORRFAST_COMPLEX64: return equal(CORRFAST_FLOAT32, a, b, 4) && equal(CORRFAST_FLOAT32, (const float *)a + 1, (const float *)b + 1, 4);
    case CORRFAST_COMPLEX128: return equal(CORRFAST_FLOAT64, a, b, 8) && equal(CORRFAST_FLOAT64, (const double *)a + 1, (const double *)b + 1, 8);
    case CORRFAST_CLONGDOUBLE:
        return equal(CORRFAST_LONGDOUBLE, a, b, 0) && equal(CORRFAST_LONGDOUBLE, (const long double *)a + 1, (const long double *)b + 1, 0);
    default: return memcmp(a, b, size) == 0;
    }
}

/* An array of the given extents in a random memory layout: axes permuted, reversed, spread out. */
typedef struct array {
    char *block;
    size_t bytes;
    int64_t offset; /* of element 0, in elements */
    int axes;
    int64_t extent[5], stride[5];
} array;

static array make_array(int axes, const int64_t *extent, size_t size, int broadcasts)
{
    array a = {.axes = axes};
    int order[5] = {0, 1, 2, 3, 4};
    int64_t step = 1;
    if (next() % 3 == 0)
        for (int i = axes - 1; i > 0; i--) {
            int j = (int)between(0, i), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
    memcpy(a.extent, extent, (size_t)axes * sizeof *extent);
    for (int i = axes - 1; i >= 0; i--) {
        int axis = order[i], spread = next() % 6 == 0;
        step *= 1 + spread;
        a.stride[axis] = step;
        step *= extent[axis] ? extent[axis] : 1;
        if (next() % 6 == 0) {
            a.offset += a.stride[axis] * ((extent[axis] ? extent[axis] : 1) - 1);
            a.stride[axis] = -a.stride[axis];
        } else if (broadcasts && next() % 24 == 0) {
            a.stride[axis] = 0;
        }
    }
    a.bytes = (size_t)step * size;
    a.block = malloc(a.bytes ? a.bytes : 1);
    if (!a.block)
        abort();
    memset(a.block, 0x5a, a.bytes);
    return a;
}

static char *element(const array *a, const int64_t *index, size_t size)
{
    int64_t at = a->offset;
    for (int i = 0; i < a->axes; i++)
        at += index[i] * a->stride[i];
    return a->block + at * (int64_t)size;
}

static int step(const array *a, int64_t *index) /* the next index in C order, 0 after the last */
{
    for (int i = a->axes - 1; i >= 0; i--) {
        if (++index[i] < a->extent[i])
            return 1;
        index[i] = 0;
    }
    return 0;
}

static int is_empty(const array *a)
{
    for (int i = 0; i < a->axes; i++)
        if (!a->extent[i])
            return 1;
    return 0;
}

static void fill_array(const array *a, int kind)
{
    int64_t index[5] = {0};
    size_t size = dtypes[kind].size, part = size / (size_t)dtypes[kind].complex_parts;
    if (is_empty(a))
        return;
    do {
        char *at = element(a, index, size);
        for (int p = 0; p < dtypes[kind].complex_parts; p++)
            put(dtypes[kind].dtype, at + (size_t)p * part, (int)between(-3, 3));
    } while (step(a, index));
}

/* Elements of a that are not as in b; then b's are copied there, and what is still different lies between the elements. */
static int64_t differences(array *a, const array *b, int kind)
{
    int64_t index[5] = {0}, count = 0;
    size_t size = dtypes[kind].size;
    if (is_empty(a))
        return 0;
    do {
        count += !equal(dtypes[kind].dtype, element(a, index, size), element(b, index, size), size);
        memcpy(element(a, index, size), element(b, index, size), size);
    } while (step(a, index));
    return count + (memcmp(a->block, b->block, a->bytes) != 0);
}

static array copy_array(const array *a)
{
    array b = *a;
    b.block = malloc(b.bytes ? b.bytes : 1);
    if (!b.block)
        abort();
    memcpy(b.block, a->block, b.bytes);
    return b;
}

/* ---- problems -------------------------------------------------------------------------------------------------------------- */

/* A random problem of reasonable size. */
static void draw_any(corrfast_problem *p)
{
    static const int64_t most_n[] = {300, 24, 10}, most_k[] = {60, 7, 4};
    p->batch = between(0, 3);
    p->groups = between(1, 2);
    p->input_channels = p->groups * between(1, 3);
    p->output_channels = p->groups * between(1, 3);
    int plain = next() % 3 == 0;
    for (int i = 0; i < p->rank; i++) {
        p->input_size[i] = between(1, most_n[p->rank - 1]);
        p->kernel_size[i] = next() % 8 ? between(1, most_k[p->rank - 1]) : between(1, most_n[p->rank - 1]);
        p->stride[i] = plain ? 1 : between(1, 4);
        p->dilation[i] = plain ? 1 : between(1, 4);
        p->padding_lo[i] = plain ? 0 : between(-2, 9);
        p->padding_hi[i] = plain ? 0 : between(-2, 9);
    }
}

/* One with many channels, as networks have them; kernels of 3 more often than others. */
static void draw_layer(corrfast_problem *p)
{
    static const int64_t most_n[] = {200, 26, 9}, most_k[] = {15, 5, 4};
    int plain = next() % 4 == 0, strided = next() % 3 == 0, three = next() % 2, dilated = next() % 3 == 0;
    p->batch = next() % 2 ? 1 : between(1, 6);
    p->groups = next() % 4 ? 1 : between(2, 3);
    p->input_channels = p->groups * (next() % 4 ? between(4, 40) : between(1, 150));
    p->output_channels = p->groups * (next() % 4 ? between(4, 40) : between(1, 150));
    for (int i = 0; i < p->rank; i++) {
        p->input_size[i] = next() % 4 ? between(3, most_n[p->rank - 1]) : between(1, 8);
        p->kernel_size[i] = three && (i || p->rank < 3) ? 3 : between(1, most_k[p->rank - 1]);
        p->stride[i] = strided ? between(1, 4) : 1;
        p->dilation[i] = dilated ? between(1, 5) : 1;
        p->padding_lo[i] = plain ? p->kernel_size[i] / 2 : between(-2, 6);
        p->padding_hi[i] = plain ? p->kernel_size[i] / 2 : between(-2, 6);
    }
}

/* So many channels that what a block reads of them does not fit the caches. */
static void draw_deep(corrfast_problem *p)
{
    draw_layer(p);
    p->groups = 1;
    p->input_channels = between(200, 1200);
    p->output_channels = between(1, 9);
    int64_t most = p->rank == 1 ? 64 : p->rank == 2 ? 11 : 5, padding = between(0, 1);
    for (int i = 0; i < p->rank; i++) {
        p->input_size[i] = between(3, most);
        p->kernel_size[i] = next() % 2 ? 1 : 3;
        p->padding_lo[i] = p->padding_hi[i] = padding;
    }
}

/* One with a long kernel and few channels, which transforms are for. */
static void draw_long(corrfast_problem *p)
{
    static const int64_t most_n[] = {6000, 90, 24}, most_k[] = {1500, 25, 9};
    const int plain = next() % 2;
    p->batch = between(1, 2);
    p->groups = between(1, 2);
    p->input_channels = p->groups * between(1, 2);
    p->output_channels = p->groups * between(1, 2);
    for (int i = 0; i < p->rank; i++) {
        p->input_size[i] = between(most_n[p->rank - 1] / 8, most_n[p->rank - 1]);
        p->kernel_size[i] = between(most_k[p->rank - 1] / 8, most_k[p->rank - 1]);
        p->stride[i] = plain ? 1 : between(1, 3);
        p->dilation[i] = plain ? 1 : between(1, 3);
        p->padding_lo[i] = plain ? p->kernel_size[i] / 2 : between(-2, most_k[p->rank - 1]);
        p->padding_hi[i] = plain ? p->kernel_size[i] / 2 : between(-2, most_k[p->rank - 1]);
    }
}

/* A layer that Winograd's method is for. */
static void draw_few_taps(corrfast_problem *p)
{
    p->rank = (int32_t)between(1, 3);
    draw_layer(p);
    for (int i = p->rank > 1 ? p->rank - 2 : 0, same = next() % 2; i < p->rank; i++) {
        p->kernel_size[i] = same ? 3 : between(1, 5);
        p->stride[i] = same || next() % 2 ? 1 : between(1, 3);
        p->dilation[i] = p->stride[i] > 1 || next() % 4 ? 1 : between(1, 6);
        p->input_size[i] += next() % 4 ? 4 : 0;
    }
    if (p->rank == 3)
        p->kernel_size[0] = between(1, 3);
    if (next() % 3 == 0) { /* so many that F4 is chosen, if it may be */
        p->input_channels += 28 * p->groups;
        p->output_channels += 28 * p->groups;
    }
}

/* Channels on their own, in a window of few taps at stride 1 or 2. */
static void draw_depthwise(corrfast_problem *p)
{
    const int64_t stride = between(1, 2);
    p->rank = 2;
    p->batch = between(1, 3);
    p->groups = next() % 3 ? between(16, 40) : between(1, 16);
    p->input_channels = p->groups * (next() % 4 ? 1 : 2);
    p->output_channels = p->groups * (next() % 4 ? 1 : between(1, 3));
    for (int i = 0; i < 2; i++) {
        p->input_size[i] = between(1, i ? next() % 2 ? 80 : 30 : 20);
        p->kernel_size[i] = next() % 4 ? between(2, stride == 1 ? 4 : 8) : between(1, 8);
        p->stride[i] = next() % 12 ? stride : between(1, 3);
        p->dilation[i] = next() % 12 ? 1 : 2;
        p->padding_lo[i] = next() % 4 ? p->kernel_size[i] / 2 : between(-1, 12);
        p->padding_hi[i] = next() % 4 ? p->kernel_size[i] / 2 : between(-1, 12);
    }
}

/* Few channels into many, as images, volumes and recordings enter networks. */
static void draw_first(corrfast_problem *p)
{
    static const int64_t most_n[] = {700, 40, 12}, most_k[] = {30, 7, 4};
    const int strided = next() % 2;
    p->batch = between(1, 4);
    p->groups = next() % 4 ? 1 : 2;
    p->input_channels = p->groups * between(1, 4);
    p->output_channels = p->groups * between(8, 70);
    for (int i = 0; i < p->rank; i++) {
        p->input_size[i] = between(1, most_n[p->rank - 1]);
        p->kernel_size[i] = between(1, most_k[p->rank - 1]);
        p->stride[i] = strided ? between(1, 5) : 1;
        p->dilation[i] = next() % 6 ? 1 : between(1, 3);
        p->padding_lo[i] = next() % 4 ? p->kernel_size[i] / 2 : between(-3, 9);
        p->padding_hi[i] = next() % 4 ? p->kernel_size[i] / 2 : between(-3, 9);
    }
}

/* Returns 0 if the numbers drawn do not make a problem that the plain loops solve soon. */
static int draw(corrfast_problem *p, int kind, int64_t m[3])
{
    memset(p, 0, sizeof *p);
    p->size = sizeof *p;
    p->rank = (int32_t)between(1, 3);
    p->dtype = dtypes[kind].dtype;
    p->conjugate = dtypes[kind].complex_parts == 2 ? (uint32_t)between(0, 7) : 0;
    int choice = (int)(next() % 12), suits = p->dtype == CORRFAST_FLOAT32 || p->dtype == CORRFAST_FLOAT64;
    if (suits && choice < 3)
        draw_few_taps(p);
    else if (suits && choice > 10)
        draw_first(p);
    else if (suits && choice > 8)
        draw_depthwise(p);
    else if (choice < 4)
        draw_any(p);
    else if (choice < 5)
        draw_deep(p);
    else if (choice < 6)
        draw_long(p);
    else
        draw_layer(p);
    const int between_zeros = next() % 8 == 0 || (choice > 8 && next() % 4);
    for (int i = 0; i < p->rank; i++)
        p->boundary[i] = between_zeros ? CORRFAST_CONSTANT : (int32_t)between(CORRFAST_CONSTANT, CORRFAST_REFLECT);
    if (!between_zeros && next() % 2)
        put(p->dtype, p->cval, 2);
    if (corrfast_output_size(p, m) != CORRFAST_OK)
        return 0;
    double products = (double)p->batch * (double)p->input_channels * (double)p->output_channels / (double)p->groups;
    for (int i = 0; i < p->rank; i++)
        products *= (double)m[i] * (double)p->kernel_size[i];
    return products < 6e6;
}

/* What Winograd's F4 may be off by, in a problem of its own or in one that a gradient is made of: a bound of the sum of absolute products, times
 * eps, times what the transforms enlarge it by (measured: 3 at most). */
static double tolerance_of_f4(const corrfast_problem *p, int pass, const corrfast_options *o, const int64_t m[3])
{
    if (o->precision != CORRFAST_FAST || (p->dtype != CORRFAST_FLOAT32 && p->dtype != CORRFAST_FLOAT64))
        return 0;
    double sum = pass == CORRFAST_BACKWARD_KERNEL ? (double)p->batch
                                                  : (double)(pass ? p->output_channels : p->input_channels) / (double)p->groups;
    for (int i = 0; i < p->rank; i++)
        sum *= (double)(pass == CORRFAST_BACKWARD_KERNEL ? m[i] : p->kernel_size[i]);
    return 12 * 9 * sum * (p->dtype == CORRFAST_FLOAT32 ? FLT_EPSILON : DBL_EPSILON);
}

/* What transforms of up to 2^21 samples may be off by: 8 eps log2(N) times the norms of what is transformed, of numbers up to 3 (18: squared, both
 * parts of complex ones).  Float32 data are transformed in float64, if not for "fast"; their whole numbers round to themselves, 0 apart. */
static double tolerance_of_fft(const corrfast_problem *p, int pass, const corrfast_options *o, const int64_t m[3])
{
    const int narrow = p->dtype == CORRFAST_FLOAT16 || p->dtype == CORRFAST_FLOAT32 || p->dtype == CORRFAST_COMPLEX64;
    double terms = pass == CORRFAST_BACKWARD_KERNEL ? (double)p->batch : (double)(pass ? p->output_channels : p->input_channels) / (double)p->groups;
    double samples = 1, taps = 1;
    for (int i = 0; i < p->rank; i++) {
        samples *= (double)(p->kernel_size[i] + (pass == CORRFAST_BACKWARD_INPUT ? p->input_size[i] : m[i]));
        taps *= (double)(pass == CORRFAST_BACKWARD_KERNEL ? m[i] : p->kernel_size[i]);
    }
    return 8 * 21 * (o->precision == CORRFAST_FAST && narrow ? FLT_EPSILON : DBL_EPSILON) * 18 * terms * sqrt(samples * taps);
}

/* Every method but these two computes small integers exactly. */
static double tolerance_of(const corrfast_problem *p, int pass, const corrfast_options *o, const char *method, const int64_t m[3])
{
    const int transforms = o->method == CORRFAST_FFT || strcmp(method, "fft") == 0 ||
                           (strcmp(method, "direct-adjoint") == 0 && o->method == CORRFAST_AUTO && o->precision != CORRFAST_EXACT);
    return fmax(tolerance_of_f4(p, pass, o, m), transforms ? tolerance_of_fft(p, pass, o, m) : 0);
}

#endif
