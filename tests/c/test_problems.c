/* Random problems through the public C API: every dtype, option and pass, the planner's choice against the plain loops of
 * "reference".  The data are small integers, so results must agree bit for bit.  Each array is its own heap block of exactly the
 * bytes it needs, so that AddressSanitizer sees any access beside it.
 *
 *   test_problems [seconds [seed]] */
#include "corrfast.h"
#include "testing.h"

#include <time.h>

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

/* Equal numbers: zeros of either sign are, and padding bytes do not count. */
static int equal(int dtype, const void *a, const void *b, size_t size)
{
    switch (dtype) {
    case CORRFAST_FLOAT16: return *(const uint16_t *)a == *(const uint16_t *)b || !((*(const uint16_t *)a | *(const uint16_t *)b) & 0x7fff);
    case CORRFAST_FLOAT32: return *(const float *)a == *(const float *)b;
    case CORRFAST_FLOAT64: return *(const double *)a == *(const double *)b;
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

static array make_array(int axes, const int64_t *extent, size_t size)
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

static int64_t differences(const array *a, const array *b, int kind)
{
    int64_t index[5] = {0}, count = 0;
    size_t size = dtypes[kind].size;
    if (is_empty(a))
        return 0;
    do
        count += !equal(dtypes[kind].dtype, element(a, index, size), element(b, index, size), size);
    while (step(a, index));
    return count;
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

/* A random problem of reasonable size; 0 if the numbers drawn do not make one. */
static int draw(corrfast_problem *p, int kind, int64_t m[3])
{
    static const int64_t most_n[] = {300, 24, 10}, most_k[] = {60, 7, 4};
    memset(p, 0, sizeof *p);
    p->size = sizeof *p;
    p->rank = (int32_t)between(1, 3);
    p->dtype = dtypes[kind].dtype;
    p->conjugate = dtypes[kind].complex_parts == 2 ? (uint32_t)between(0, 7) : 0;
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
        p->boundary[i] = (int32_t)between(CORRFAST_CONSTANT, CORRFAST_REFLECT);
    }
    if (next() % 2)
        put(p->dtype, p->cval, 2);
    return corrfast_output_size(p, m) == CORRFAST_OK;
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
        corrfast_problem p;
        corrfast_options o = {.size = sizeof o}, reference = {.size = sizeof o, .method = CORRFAST_REFERENCE, .threads = 1};
        source.state = seed;
        int kind = (int)between(0, (int64_t)(sizeof dtypes / sizeof *dtypes) - 1), pass = (int)between(0, 2);
        int64_t m[3];
        if (!draw(&p, kind, m))
            continue;
        o.threads = (int32_t)between(0, 3);
        int64_t x[5] = {p.batch, p.input_channels}, w[5] = {p.output_channels, p.input_channels / p.groups}, y[5] = {p.batch, p.output_channels};
        memcpy(x + 2, p.input_size, sizeof p.input_size);
        memcpy(w + 2, p.kernel_size, sizeof p.kernel_size);
        memcpy(y + 2, m, sizeof m);
        size_t size = dtypes[kind].size;
        array arrays[3] = {make_array(p.rank + 2, x, size), make_array(p.rank + 2, w, size), make_array(p.rank + 2, y, size)}, others[3];
        for (int i = 0; i < 5; i++) {
            p.input_stride[i] = arrays[0].stride[i];
            p.kernel_stride[i] = arrays[1].stride[i];
            p.output_stride[i] = arrays[2].stride[i];
        }
        int target = pass == CORRFAST_FORWARD ? 2 : pass == CORRFAST_BACKWARD_INPUT ? 0 : 1;
        for (int i = 0; i < 3; i++) {
            fill_array(&arrays[i], kind);
            others[i] = i == target ? copy_array(&arrays[i]) : arrays[i];
        }
        int status = run_pass(pass, &p, &o, arrays, size), expected = run_pass(pass, &p, &reference, others, size);
        int64_t wrong = status || expected ? 1 : differences(&arrays[target], &others[target], kind);
        if (wrong) {
            printf("test_problems: seed %llu: pass %d, dtype %d, rank %d: status %d and %d, %lld elements differ\n",
                   (unsigned long long)seed, pass, p.dtype, p.rank, status, expected, (long long)wrong);
            bad++;
        }
        count++;
        free(others[target].block);
        for (int i = 0; i < 3; i++)
            free(arrays[i].block);
    }
    printf("test_problems: %lld problems, %lld wrong, isa %s, next seed %llu\n", (long long)count, (long long)bad, corrfast_isa(),
           (unsigned long long)seed);
    return bad != 0;
}
