/* The checker of the FFT kernels, cf_kernel_set.fft, on every instruction set: products of polynomials against plain sums in the widest
 * arithmetic there is.
 *
 * Each case is drawn from the seed: sizes, root nodes, and data that hurt.  Each array stands against an inaccessible page, or a few numbers
 * from it; the table has the nodes of the tree under the root alone, and NaN in place of others.  A call must change nothing but its
 * outputs.  Steps done at once, or where arrays lie otherwise, must have the same bits; a NaN or Inf must spoil every output. */
#include "../../src_c/core/roots.h"
#include "checker.h"

#include <float.h>
#include <math.h>

enum { MOST = 1 << 16, NODES = 1 << 16, PLAIN = 128 }; /* PLAIN: outputs of a case that are compared with plain sums, at most */
enum fill { INTEGERS, RANDOM, EXTREMES, DENORMALS, ZEROS, ONE_HOT, ONE_NAN, ONE_INF, FILL_COUNT };
static const char *const fills[FILL_COUNT] = {"integers", "random", "huge and tiny", "denormals", "zeros", "one-hot", "one NaN", "one Inf"};

/* x, y and h of table.h; U is a second x, whose samples are those that h is made from. */
enum { TABLE, X, U, Y, H, X_SAMPLES, U_SAMPLES = X_SAMPLES + 8, OUTPUTS = U_SAMPLES + 8, ARRAYS = OUTPUTS + 8 };
static struct array {
    guarded slot, around; /* around: the part of the slot that is looked at */
    char *block, *copy; /* copy: what the last call left in it */
    size_t bytes;
} arrays[ARRAYS];

typedef struct fft_case {
    const cf_fft *fft;
    size_t size, sample; /* bytes of the kernels' numbers, and of what they are opened from */
    enum fill fill;
    int64_t n, node;
    int single, in_place;
    double scale;    /* of products */
    char wrong[200]; /* the first thing that was */
} fft_case;

/* What the samples are, real and imaginary parts; [0] of x and [1] of u. */
static double data[2][2][MOST], norm[2], sum[2]; /* and their 2-norms and 1-norms */
/* Bits to compare with: x split, x*h, and outputs. */
static char split[2 * MOST * sizeof(double)], product[sizeof split], kept[sizeof split];

static double worst[2]; /* of f32 and f64: the largest error in units of its bound */

#define WRONG(c, ...) ((c)->wrong[0] ? (void)0 : (void)snprintf((c)->wrong, sizeof(c)->wrong, __VA_ARGS__))

/* ---- roots of unity -------------------------------------------------------------------------------------------------------- */

/* A complex number. */
typedef struct wide {
    long double re, im;
} wide;

static wide times(wide a, wide b) { return (wide){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

/* e^(2 pi i / 2^m) */
static wide unit_root(int m)
{
    static wide roots[32];
    if (roots[m].re == 0 && roots[m].im == 0) {
        const long double angle = ldexpl(3.14159265358979323846264338327950288L, 1 - m);
        roots[m] = m == 1 ? (wide){-1, 0} : m == 2 ? (wide){0, 1} : (wide){cosl(angle), sinl(angle)}; /* in the first octant */
    }
    return roots[m];
}

/* e^(2 pi i theta(node) / 2^m), from a factor for each bit. */
static wide node_root(int64_t node, int m)
{
    wide all = {1, 0};
    for (int k = 1; node; k++, node >>= 1)
        if (node & 1)
            all = times(all, unit_root(k + m));
    return all;
}

/* r, r^2, r^3 of a node. */
static const double *powers(int64_t node)
{
    static double all[NODES][6];
    static int64_t known;
    for (; known <= node; known++) {
        const wide r = node_root(known, 2), r2 = times(r, r), r3 = times(r2, r);
        const double row[6] = {(double)r.re, (double)r.im, (double)r2.re, (double)r2.im, (double)r3.re, (double)r3.im};
        memcpy(all[known], row, sizeof row);
    }
    return all[node];
}

/* ---- data ------------------------------------------------------------------------------------------------------------------ */

static void put(void *to, size_t size, int64_t i, double value)
{
    if (size == sizeof(float))
        ((float *)to)[i] = (float)value;
    else
        ((double *)to)[i] = value;
}

static double get(const void *from, size_t size, int64_t i)
{
    return size == sizeof(float) ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

/* The smallest number above 0. */
static double least(size_t size) { return size == sizeof(float) ? 0x1p-149 : 0x1p-1074; }

static double draw_number(const fft_case *c, int is_u)
{
    const double integer = (double)random_between(&source, -4, 4), huge = c->sample == sizeof(float) ? 1e12 : 1e100;
    double number;
    switch (c->fill) {
    case RANDOM: number = (double)(int64_t)random_bits(&source) * 0x1p-62; break;
    case EXTREMES: number = integer / 7 * (double[]){1, huge, 1 / huge}[random_bits(&source) % 3]; break;
    case DENORMALS: number = is_u ? integer : (double)random_between(&source, -(1 << 22), 1 << 22) * least(c->sample); break;
    case ZEROS: number = is_u ? integer : random_bits(&source) % 2 ? 0.0 : -0.0; break;
    case ONE_HOT: number = is_u ? integer : 0; break;
    default: number = integer;
    }
    return c->sample == sizeof(float) ? (float)number : number;
}

static void draw_data(const fft_case *c)
{
    for (int which = 0; which < 2; which++) {
        norm[which] = sum[which] = 0;
        for (int part = 0; part < 2; part++)
            for (int64_t i = 0; i < c->n; i++) {
                const double number = data[which][part][i] = draw_number(c, which);
                norm[which] += number * number;
                sum[which] += fabs(number);
            }
        norm[which] = sqrt(norm[which]);
    }
    if (c->fill >= ONE_HOT) {
        const int which = c->fill == ONE_HOT ? 0 : (int)random_between(&source, 0, 1);
        double *special = &data[which][random_between(&source, 0, 1)][random_between(&source, 0, c->n - 1)];
        *special = c->fill == ONE_HOT ? 1 : c->fill == ONE_NAN ? NAN : random_bits(&source) % 2 ? INFINITY : -INFINITY;
        norm[which] = sum[which] = 1; /* of ONE_HOT: the others have none */
    }
}

/* ---- where arrays lie ------------------------------------------------------------------------------------------------------ */

/* At an end of the slot, or a few times `step` bytes from it. */
static char *place(int which, size_t bytes, size_t step)
{
    struct array *a = &arrays[which];
    const size_t gap = step * (size_t)PICK(0, 0, 0, 1, 3, random_between(&source, 1, 15)), size = bytes + gap + 64;
    const int at_end = (int)(random_bits(&source) % 2);
    a->around = (guarded){guarded_block(&a->slot, size, at_end), size};
    memset(a->around.start, GUARDED_PATTERN, size);
    a->block = a->around.start + (at_end ? size - bytes - gap : gap);
    a->bytes = bytes;
    return a->block;
}

static void place_all(const fft_case *c)
{
    const int64_t leaves = c->n / c->fft->leaf, quarter = c->n / 4;
    int64_t count = 1;
    while (4 * count < leaves)
        count *= 4;
    const int64_t nodes = (c->node + 1) * count; /* the last level's are the last */
    char *table = place(TABLE, (size_t)(6 * nodes) * c->size, c->size);
    for (int64_t i = 0; i < 6 * nodes; i++)
        put(table, c->size, i, NAN);
    for (; count; count /= 4)
        for (int64_t b = c->node * count; b < (c->node + 1) * count; b++)
            for (int i = 0; i < 6; i++)
                put(table, c->size, 6 * b + i, powers(b)[i]);
    for (int which = X; which <= H; which++)
        place(which, (size_t)((which == H ? 4 : 2) * c->n) * c->size, c->size);
    for (int k = 0; k < 24; k++) {
        char *block = place(X_SAMPLES + k, (size_t)quarter * c->sample, c->sample);
        for (int64_t i = 0; i < quarter && k < 16; i++)
            put(block, c->sample, i, data[k / 8][k / 4 % 2][k % 4 * quarter + i]);
    }
    for (struct array *a = arrays; a < arrays + ARRAYS; a++)
        memcpy(a->copy, a->block, a->bytes);
}

/* A call that may have changed `outputs`, a set of arrays, is over. */
static void returned(fft_case *c, const char *call, uint32_t outputs)
{
    for (int which = 0; which < ARRAYS; which++) {
        struct array *a = &arrays[which];
        if (!guarded_intact(&a->around, a->block, a->bytes))
            WRONG(c, "%s wrote beyond an array (%d)", call, which);
        if (outputs >> which & 1)
            memcpy(a->copy, a->block, a->bytes);
        else if (memcmp(a->copy, a->block, a->bytes) != 0)
            WRONG(c, "%s changed what is no output (%d)", call, which);
    }
}

/* ---- calls ----------------------------------------------------------------------------------------------------------------- */

static const void *roots_of(const fft_case *c) { return arrays[TABLE].block + (size_t)(6 * c->node) * c->size; }

static void opened(fft_case *c, int samples, int x)
{
    const void *from[8];
    for (int k = 0; k < 8; k++)
        from[k] = arrays[samples + k].block;
    c->fft->open(roots_of(c), 4, c->n, from, c->single, arrays[x].block);
    returned(c, "open", 1u << x);
}

/* All four factors of the first level. */
static void run_levels(const fft_case *c, char *x, const char *h, char *y, int steps)
{
    const int64_t n = c->n / 4;
    for (int k = 0; k < 4; k++) {
        const size_t at = (size_t)(2 * k * n) * c->size;
        c->fft->levels(arrays[TABLE].block, 4 * c->node + k, n, x + at, h ? h + 2 * at : NULL, y ? y + at : NULL, steps, NULL);
    }
}

/* What steps do not need is not given. */
static void levels(fft_case *c, int x, int y, int steps)
{
    const int multiplies = steps & (CF_FFT_MULTIPLY | CF_FFT_ADD), to_y = multiplies || steps & CF_FFT_JOIN;
    char call[64];
    snprintf(call, sizeof call, "levels (steps %d%s)", steps, x == y ? " in place" : "");
    run_levels(c, arrays[x].block, multiplies ? arrays[H].block : NULL, to_y ? arrays[y].block : NULL, steps);
    returned(c, call, (steps & CF_FFT_SPLIT ? 1u : 0) << x | (to_y ? 1u : 0) << y);
}

static void spread(fft_case *c)
{
    const int64_t n = c->n / 4;
    for (int k = 0; k < 4; k++)
        c->fft->spread(arrays[TABLE].block, 4 * c->node + k, n, arrays[U].block + (size_t)(2 * k * n) * c->size,
                       c->scale * c->fft->leaf / (double)c->n, arrays[H].block + (size_t)(4 * k * n) * c->size);
    returned(c, "spread", 1u << H);
}

static void closed(fft_case *c, int x)
{
    void *to[8];
    for (int k = 0; k < 8; k++) {
        to[k] = arrays[OUTPUTS + k].block;
        memset(to[k], GUARDED_PATTERN, arrays[OUTPUTS + k].bytes);
    }
    c->fft->close(roots_of(c), 4, c->n, arrays[x].block, to, c->single);
    returned(c, "close", 0xffu << OUTPUTS);
}

static void keep(int which, int count, char *to)
{
    for (struct array *a = &arrays[which]; count--; to += a->bytes, a++)
        memcpy(to, a->block, a->bytes);
}

static void same(fft_case *c, int which, int count, const char *bits, const char *what)
{
    for (const struct array *a = &arrays[which]; count--; bits += a->bytes, a++)
        if (memcmp(a->block, bits, a->bytes) != 0)
            WRONG(c, "%s: other bits", what);
}

/* ---- comparison ------------------------------------------------------------------------------------------------------------ */

/* Coefficient k of data[f]*data[g] modulo t^n - e^(2 pi i theta(node)). */
static wide plain_product(const fft_case *c, int f, int g, int64_t k)
{
    wide low = {0, 0}, high = {0, 0};
    for (int64_t i = 0; i < c->n; i++) {
        const int64_t j = k - i + (i <= k ? 0 : c->n);
        const wide p = times((wide){data[f][0][i], data[f][1][i]}, (wide){data[g][0][j], data[g][1][j]});
        wide *part = i <= k ? &low : &high;
        part->re += p.re;
        part->im += p.im;
    }
    high = times(high, node_root(c->node, 0));
    return (wide){low.re + high.re, low.im + high.im};
}

/* Coefficient k of the outputs against `want`, within 8 eps log2(n) times `magnitude`, and what underflows: integers come out as such when
 * rounded.  (One that comes as float is rounded once more.) */
static void compare(fft_case *c, int64_t k, wide want, double magnitude, const char *what)
{
    const int is_f64 = c->size == sizeof(double), narrows = c->sample < c->size;
    const double bound = 8 * (is_f64 ? DBL_EPSILON : FLT_EPSILON) * log2((double)c->n) * magnitude;
    const double under = 16 * least(c->size) * (double)c->n * (1 + sum[0] + sum[1]);
    const long double parts[2] = {want.re, want.im};
    const int64_t quarter = c->n / 4;
    for (int part = 0; part < 2; part++) {
        const double got = get(arrays[OUTPUTS + 4 * part + k / quarter].block, c->sample, k % quarter);
        const double rounded = narrows ? FLT_EPSILON / 2 * fabs((double)parts[part]) + least(c->sample) / 2 : 0;
        const double error = fabs((double)((long double)got - parts[part]));
        if (!(error <= (bound + rounded) * (1 + FLT_EPSILON) + under))
            WRONG(c, "%s: part %d of coefficient %lld is %g instead of %Lg", what, part, (long long)k, got, parts[part]);
        if (!narrows && bound > 0 && error - under > worst[is_f64] * bound)
            worst[is_f64] = (error - under) / bound;
    }
}

/* x*u or, with `more`, (x + u)*u is what is in the outputs. */
static void compare_products(fft_case *c, int more, const char *what)
{
    static int64_t at[PLAIN];
    static wide one[PLAIN], other[PLAIN];
    const int64_t count = c->n <= PLAIN ? c->n : 8 * PLAIN / c->n + 8;
    if (c->fill >= ONE_NAN) {
        for (int k = 0; k < 8; k++)
            for (int64_t i = 0; i < c->n / 4; i++)
                if (isfinite(get(arrays[OUTPUTS + k].block, c->sample, i)))
                    WRONG(c, "%s: number %lld of output %d is finite", what, (long long)i, k);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!more) { /* comes first */
            at[i] = count == c->n ? i : random_between(&source, 0, c->n - 1);
            one[i] = plain_product(c, 0, 1, at[i]);
            other[i] = plain_product(c, 1, 1, at[i]);
        }
        const wide want = {one[i].re + (more ? other[i].re : 0), one[i].im + (more ? other[i].im : 0)};
        const double magnitude = fabs(c->scale) * norm[1] * (more ? norm[0] + norm[1] : norm[0]);
        compare(c, at[i], (wide){want.re * c->scale, want.im * c->scale}, magnitude, what);
    }
}

static void product_at_once(fft_case *c)
{
    const int y = c->in_place ? X : Y;
    opened(c, X_SAMPLES, X);
    levels(c, X, y, CF_FFT_SPLIT | CF_FFT_MULTIPLY | CF_FFT_JOIN);
    closed(c, y);
}

static void check(fft_case *c)
{
    const int y = c->in_place ? X : Y;
    draw_data(c);
    place_all(c);
    opened(c, U_SAMPLES, U);
    levels(c, U, U, CF_FFT_SPLIT);
    spread(c);
    product_at_once(c);
    compare_products(c, 0, "x*u");
    keep(OUTPUTS, 8, kept);

    opened(c, X_SAMPLES, X);
    levels(c, X, X, CF_FFT_SPLIT);
    keep(X, 1, split);
    levels(c, X, y, CF_FFT_MULTIPLY);
    keep(y, 1, product);
    levels(c, y, y, CF_FFT_JOIN);
    closed(c, y);
    same(c, OUTPUTS, 8, kept, "x*u step by step");

    opened(c, X_SAMPLES, X);
    levels(c, X, Y, CF_FFT_SPLIT | CF_FFT_MULTIPLY);
    same(c, X, 1, split, "split and multiply, x");
    same(c, Y, 1, product, "split and multiply, y");
    levels(c, U, Y, CF_FFT_ADD);
    levels(c, Y, Y, CF_FFT_JOIN);
    closed(c, Y);
    compare_products(c, 1, "(x + u)*u");
    keep(OUTPUTS, 8, kept);

    memcpy(arrays[Y].block, product, arrays[Y].bytes);
    returned(c, "memcpy", 1u << Y);
    opened(c, U_SAMPLES, U);
    levels(c, U, Y, CF_FFT_SPLIT | CF_FFT_ADD | CF_FFT_JOIN);
    closed(c, Y);
    same(c, OUTPUTS, 8, kept, "(x + u)*u at once");

    levels(c, X, X, CF_FFT_JOIN);
    closed(c, X);
    for (int64_t k = 0; k < c->n && c->fill < ONE_NAN; k++) {
        const double back = (double)c->n / c->fft->leaf;
        compare(c, k, (wide){data[0][0][k] * back, data[0][1][k] * back}, norm[0] * back, "split and joined");
    }

    product_at_once(c);
    keep(OUTPUTS, 8, kept);
    place_all(c);
    opened(c, U_SAMPLES, U);
    levels(c, U, U, CF_FFT_SPLIT);
    spread(c);
    product_at_once(c);
    same(c, OUTPUTS, 8, kept, "x*u elsewhere");
}

/* ---- timing ---------------------------------------------------------------------------------------------------------------- */

/* Nanoseconds a coefficient of a product with a factor that is there. */
static double speed(fft_case *c)
{
    const void *from[8];
    void *to[8];
    double best = 1e9;
    place_all(c);
    opened(c, U_SAMPLES, U);
    levels(c, U, U, CF_FFT_SPLIT);
    spread(c);
    for (int k = 0; k < 8; k++) {
        from[k] = arrays[X_SAMPLES + k].block;
        to[k] = arrays[OUTPUTS + k].block;
    }
    for (int round = 0; round < 30; round++) {
        const int calls = 1 + (int)(100000 / c->n);
        const double start = now();
        for (int i = 0; i < calls; i++) {
            c->fft->open(roots_of(c), 4, c->n, from, c->single, arrays[X].block);
            run_levels(c, arrays[X].block, arrays[H].block, arrays[X].block, CF_FFT_SPLIT | CF_FFT_MULTIPLY | CF_FFT_JOIN);
            c->fft->close(roots_of(c), 4, c->n, arrays[X].block, to, c->single);
        }
        const double spent = 1e9 * (now() - start) / calls / (double)c->n;
        best = spent < best ? spent : best;
    }
    return best;
}

static void bench(const cf_fft *ours, const cf_fft *scalar, size_t size)
{
    printf("%-14s ns a coefficient (x scalar)", kernel_name);
    for (int64_t n = 256; n <= MOST; n *= 4) {
        fft_case c = {.fft = ours, .size = size, .sample = size, .n = n, .scale = 1};
        source.state = 1;
        draw_data(&c);
        const double mine = speed(&c);
        c.fft = scalar;
        printf("  %lld: %.2f (%.1f)", (long long)n, mine, speed(&c) / mine);
    }
    printf("\n");
}

/* ---- three ways ------------------------------------------------------------------------------------------------------------ */

/* A product modulo t^n - 1 or t^n - i with n = 3*2^m, by the library's own tables; the arrays are as large as they have to be. */
static int64_t check_thirds(const cf_fft *fft, size_t size, int turns, int64_t n)
{
    const int64_t third = n / 3;
    const cf_arith type = size == sizeof(float) ? CF_F32 : CF_F64;
    const char *own = cf_roots(type, turns, 2);
    char *x = malloc((size_t)(2 * n) * size), *h = malloc((size_t)(4 * n) * size), *samples = malloc((size_t)(2 * n) * size);
    const void *from[6];
    void *to[6];
    double squares[2] = {0, 0}, most = 0;
    if (!own || !x || !h || !samples)
        abort();
    for (int f = 1; f >= 0; f--) { /* the factor first */
        for (int64_t i = 0; i < 2 * n; i++) {
            const double v = (double)random_between(&source, -1000, 1000) / 1000;
            put(samples, size, i, v);
            data[f][i / n][i % n] = get(samples, size, i);
            squares[f] += get(samples, size, i) * get(samples, size, i);
        }
        for (int k = 0; k < 6; k++)
            from[k] = to[k] = samples + (size_t)(k * third) * size;
        fft->open(own, 3, n, from, 0, x);
        for (int k = 0; k < 3; k++) {
            const void *table = cf_roots(type, turns / 3 + 4 * k, third / fft->leaf);
            char *part = x + (size_t)(2 * k * third) * size, *factor = h + (size_t)(4 * k * third) * size;
            fft->levels(table, 1, third, part, f ? NULL : factor, part, CF_FFT_SPLIT | (f ? 0 : CF_FFT_MULTIPLY | CF_FFT_JOIN), NULL);
            if (f)
                fft->spread(table, 1, third, part, (double)fft->leaf / (double)n, factor);
        }
    }
    fft->close(own, 3, n, x, to, 0);
    for (int64_t k = 0; k < n; k += n > 200 ? 37 : 1) {
        wide low = {0, 0}, high = {0, 0};
        for (int64_t i = 0; i < n; i++) {
            const int64_t j = k - i + (i <= k ? 0 : n);
            const wide p = times((wide){data[0][0][i], data[0][1][i]}, (wide){data[1][0][j], data[1][1][j]});
            wide *part = i <= k ? &low : &high;
            part->re += p.re;
            part->im += p.im;
        }
        if (turns)
            high = times(high, unit_root(2));
        most = fmax(most, fmax(fabs((double)(low.re + high.re) - get(samples, size, k)), fabs((double)(low.im + high.im) - get(samples, size, n + k))));
    }
    free(x);
    free(h);
    free(samples);
    const double bound = 8 * (type == CF_F32 ? FLT_EPSILON : DBL_EPSILON) * log2((double)n) * sqrt(squares[0] * squares[1]);
    if (!(most <= bound))
        printf("three ways, n %lld, turns %d: off by %g, bound %g\n", (long long)n, turns, most, bound);
    return !(most <= bound);
}

/* ---- the command line ------------------------------------------------------------------------------------------------------ */

static void draw(fft_case *c)
{
    const int64_t least_n = 4 * (int64_t)c->fft->unit;
    c->fill = (enum fill)random_between(&source, 0, FILL_COUNT - 1);
    c->single = (int)(random_bits(&source) % 2);
    c->in_place = (int)(random_bits(&source) % 2);
    c->sample = c->single ? sizeof(float) : c->size;
    c->scale = (double)PICK(1, 1, 1, -3);
    do
        c->n = least_n << PICK(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8);
    while (c->n > 4096);
    if (random_between(&source, 0, 49) == 0)
        c->n = PICK(8192, 8192, 16384, 16384, 32768, MOST);
    c->node = PICK(0, 0, 0, 2, 2, 1, 3, c->n > 4096 ? 0 : random_between(&source, 4, 31));
}

static int64_t check_or_bench(const cf_fft *ours, const cf_fft *scalar, size_t size)
{
    int64_t failed = 0;
    if (asked.task == BENCH)
        bench(ours, scalar, size);
    for (int64_t i = 0; asked.task == CHECK && i < asked.cases && failed < 5; i++) {
        fft_case c = {.fft = ours, .size = size};
        begin_case(i);
        draw(&c);
        check(&c);
        if (c.wrong[0])
            printf("%s: %s (n %lld, node %lld, %s%s)\n", doing, c.wrong, (long long)c.n, (long long)c.node, fills[c.fill],
                   c.single ? ", float samples" : "");
        failed += c.wrong[0] != 0;
    }
    for (int64_t third = 2 * (int64_t)ours->unit; asked.task == CHECK && third <= 1024; third *= 2)
        failed += check_thirds(ours, size, 0, 3 * third) + check_thirds(ours, size, 3, 3 * third);
    return failed;
}

static int64_t check_isa(const char *isa, const cf_kernels *ours, const cf_kernels *scalar, int64_t *tested)
{
    int64_t failed = 0;
    for (int is_f64 = 0; is_f64 < 2; is_f64++)
        if (wanted(tested, "fft", is_f64 ? "f64" : "f32", isa)) {
            const cf_arith arith = is_f64 ? CF_F64 : CF_F32;
            failed += check_or_bench(&ours->set[arith].fft, &scalar->set[arith].fft, is_f64 ? sizeof(double) : sizeof(float));
        }
    for (int arith = 0; arith < CF_ARITH_COUNT; arith++)
        if (arith != CF_F32 && arith != CF_F64 && ours->set[arith].fft.open) {
            printf("%s has FFT kernels for a type without them\n", isa);
            failed++;
        }
    return failed;
}

int main(int argc, char **argv)
{
    for (int which = 0; which < ARRAYS; which++) {
        const size_t numbers = which == TABLE ? 6 * NODES : which == H ? 4 * MOST : which < X_SAMPLES ? 2 * MOST : MOST / 4;
        arrays[which].slot = guarded_make((numbers + 16) * sizeof(double) + 64);
        arrays[which].copy = malloc(numbers * sizeof(double));
        if (!arrays[which].copy)
            abort();
    }
    const int status = check_all(argc, argv, "fft_f32__avx2, fft_f64__sse2, ...", check_isa);
    if (worst[0] > 0 || worst[1] > 0)
        printf("%s: largest errors of their bounds: f32 %.3f, f64 %.3f\n", asked.program, worst[0], worst[1]);
    return status;
}
