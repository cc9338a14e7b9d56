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

enum { MOST = 1 << 16, NODES = 1 << 16, TURNS = 12, PLAIN = 128 }; /* PLAIN: outputs of a case that are compared with plain sums, at most */
enum fill { INTEGERS, RANDOM, EXTREMES, DENORMALS, ZEROS, ONE_HOT, ONE_NAN, ONE_INF, FILL_COUNT };
static const char *const fills[FILL_COUNT] = {"integers", "random", "huge and tiny", "denormals", "zeros", "one-hot", "one NaN", "one Inf"};

/* x, y and h of table.h; U is a second x, whose samples are those that h is made from. */
enum { ROOTS, TABLES, X = TABLES + 3, U, Y, H, X_SAMPLES, U_SAMPLES = X_SAMPLES + 8, OUTPUTS = U_SAMPLES + 8, ARRAYS = OUTPUTS + 8 };
static struct array {
    guarded slot, around; /* around: the part of the slot that is looked at */
    char *block, *copy; /* copy: what the last call left in it */
    size_t bytes;
} arrays[ARRAYS];

typedef struct fft_case {
    const cf_fft *fft;
    size_t size, sample; /* bytes of the kernels' numbers, and of what they are opened from */
    enum fill fill;
    int ways, turns; /* modulo t^n - e^(2 pi i turns/12), by factors of so many */
    int64_t n, node; /* node: of t^n - ..., or with 3 ways, of each of its factors in a table of its own */
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

/* e^(2 pi i part/whole), from the nearest quarter on; the quarters themselves are exact. */
static wide unit_root(int64_t part, int64_t whole)
{
    const int64_t quarter = (8 * part + whole) / (2 * whole), rest = 4 * part - quarter * whole;
    const long double angle = (long double)rest / (long double)whole * 1.57079632679489661923132169163975144L;
    const wide a = {cosl(angle), sinl(angle)};
    switch ((int)quarter & 3) {
    case 0: return a;
    case 1: return (wide){-a.im, a.re};
    case 2: return (wide){-a.re, -a.im};
    default: return (wide){a.im, -a.re};
    }
}

/* e^(2 pi i f/4), where f is what the bits of `digits` say behind the point, the last one first. */
static wide digits_root(int64_t digits)
{
    static wide all[NODES] = {{1, 0}};
    static int64_t known = 1, whole = 8;
    for (; known <= digits; known *= 2, whole *= 2) {
        const wide place = unit_root(1, whole);
        for (int64_t lower = 0; lower < known; lower++)
            all[known + lower] = times(all[lower], place);
    }
    return all[digits];
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

static void put_powers(void *table, size_t size, int64_t node, wide r)
{
    const wide r2 = times(r, r), r3 = times(r2, r);
    const long double all[6] = {r.re, r.im, r2.re, r2.im, r3.re, r3.im};
    for (int i = 0; i < 6; i++)
        put(table, size, 6 * node + i, (double)all[i]);
}

/* The nodes that have factors in a tree of so many leaves, whose root stands for t^n - e^(2 pi i part/whole); its own too if `with_root`. */
static void place_table(const fft_case *c, int which, int64_t part, int64_t whole, int64_t leaves, int with_root)
{
    int64_t count = 1;
    while (4 * count < leaves)
        count *= 4;
    const int64_t nodes = (c->node + 1) * count; /* the last level's are the last */
    char *table = place(which, (size_t)(6 * nodes) * c->size, c->size);
    for (int64_t i = 0; i < 6 * nodes; i++)
        put(table, c->size, i, NAN);
    for (; count >= (with_root ? 1 : 4); count /= 4) {
        const wide first = unit_root(part, 4 * count * whole);
        for (int64_t digits = 0; digits < count; digits++)
            put_powers(table, c->size, c->node * count + digits, times(first, digits_root(digits)));
    }
}

static void place_all(const fft_case *c)
{
    const int64_t leaves = c->n / c->fft->leaf, part = c->n / c->ways;
    put_powers(place(ROOTS, 6 * c->size, c->size), c->size, 0, unit_root(c->turns, c->ways * TURNS));
    for (int k = 0; k < 3; k++) /* with 4 ways there is one table; the root's own numbers are for `open`, unless it has leaves for factors */
        if (c->ways == 3)
            place_table(c, TABLES + k, c->turns + TURNS * k, 3 * TURNS, leaves / 3, 1);
        else if (k)
            place(TABLES + k, 0, c->size);
        else
            place_table(c, TABLES, c->turns, TURNS, leaves, leaves == 4);
    for (int which = X; which <= H; which++)
        place(which, (size_t)((which == H ? 4 : 2) * c->n) * c->size, c->size);
    for (int k = 0; k < 24; k++) {
        const int piece = k % 8;
        char *block = place(X_SAMPLES + k, piece < 2 * c->ways ? (size_t)part * c->sample : 0, c->sample);
        for (int64_t i = 0; i < part && k < 16 && piece < 2 * c->ways; i++)
            put(block, c->sample, i, data[k / 8][piece / c->ways][piece % c->ways * part + i]);
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

/* Samples come and outputs go in two stretches, or in one. */
static int64_t draw_stretch(const fft_case *c)
{
    const int64_t part = c->n / c->ways;
    return PICK(0, 0, part, random_between(&source, 0, part / c->fft->unit) * c->fft->unit);
}

static void opened(fft_case *c, int samples, int x)
{
    const int64_t part = c->n / c->ways, first = draw_stretch(c);
    const void *from[8], *rest[8];
    for (int k = 0; k < 8; k++) {
        from[k] = arrays[samples + k].block;
        rest[k] = arrays[samples + k].block + (size_t)first * c->sample;
    }
    c->fft->open(arrays[ROOTS].block, c->ways, c->n, 0, first, from, c->single, arrays[x].block);
    c->fft->open(arrays[ROOTS].block, c->ways, c->n, first, part - first, rest, c->single, arrays[x].block);
    returned(c, "open", 1u << x);
}

/* The k-th factor of the first level: its table, and its place there. */
static const void *table_of(const fft_case *c, int k, int64_t *node)
{
    *node = c->ways == 3 ? c->node : 4 * c->node + k;
    return arrays[TABLES + (c->ways == 3 ? k : 0)].block;
}

static void run_levels(const fft_case *c, char *x, const char *h, char *y, int steps)
{
    const int64_t n = c->n / c->ways;
    for (int k = 0; k < c->ways; k++) {
        const size_t at = (size_t)(2 * k * n) * c->size;
        int64_t node;
        const void *table = table_of(c, k, &node);
        c->fft->levels(table, node, n, x + at, h ? h + 2 * at : NULL, y ? y + at : NULL, steps, NULL);
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
    const int64_t n = c->n / c->ways;
    for (int k = 0; k < c->ways; k++) {
        const size_t at = (size_t)(2 * k * n) * c->size;
        int64_t node;
        const void *table = table_of(c, k, &node);
        c->fft->spread(table, node, n, arrays[U].block + at, c->scale * c->fft->leaf / (double)c->n, arrays[H].block + 2 * at);
    }
    returned(c, "spread", 1u << H);
}

static void closed(fft_case *c, int x)
{
    const int64_t part = c->n / c->ways, first = draw_stretch(c);
    void *to[8], *rest[8];
    for (int k = 0; k < 8; k++) {
        to[k] = arrays[OUTPUTS + k].block;
        rest[k] = arrays[OUTPUTS + k].block + (size_t)first * c->sample;
        memset(to[k], GUARDED_PATTERN, arrays[OUTPUTS + k].bytes);
    }
    c->fft->close(arrays[ROOTS].block, c->ways, c->n, 0, first, arrays[x].block, to, c->single);
    c->fft->close(arrays[ROOTS].block, c->ways, c->n, first, part - first, arrays[x].block, rest, c->single);
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

/* Coefficient k of data[f]*data[g] modulo t^n - e^(2 pi i turns/12). */
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
    high = times(high, unit_root(c->turns, TURNS));
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
    const int64_t piece = c->n / c->ways;
    for (int part = 0; part < 2; part++) {
        const double got = get(arrays[OUTPUTS + c->ways * part + k / piece].block, c->sample, k % piece);
        const double rounded = narrows ? FLT_EPSILON / 2 * fabs((double)parts[part]) + least(c->sample) / 2 : 0;
        const double error = fabs((double)((long double)got - parts[part]));
        if (!(error <= (bound + rounded) * (1 + FLT_EPSILON) + under))
            WRONG(c, "%s: part %d of coefficient %lld is %.17g instead of %.17Lg", what, part, (long long)k, got, parts[part]);
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
        for (int k = 0; k < 2 * c->ways; k++)
            for (int64_t i = 0; i < c->n / c->ways; i++)
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

/* The tables that the library itself makes: the number that differ from those made here by more than a rounding or two. */
static int64_t check_roots(void)
{
    int64_t wrong = 0;
    for (int i = 0; i < 2 * TURNS; i++) {
        const int turns = i / 2, is_f64 = i % 2, nodes = 1 << 10;
        const size_t size = is_f64 ? sizeof(double) : sizeof(float);
        const void *table = cf_roots(is_f64 ? CF_F64 : CF_F32, turns, nodes);
        double most = table ? 0 : INFINITY, powers[6];
        for (int64_t b = 0, first = 1; table && b < nodes; b++) { /* first: of its level */
            first *= b == 2 * first ? 2 : 1;
            put_powers(powers, sizeof *powers, 0,
                       b ? times(unit_root(turns, 4 * first * TURNS), digits_root(b - first)) : unit_root(turns, 3 * TURNS));
            for (int k = 0; k < 6; k++)
                most = fmax(most, fabs(get(table, size, 6 * b + k) - powers[k]));
        }
        if (most > (is_f64 ? DBL_EPSILON : FLT_EPSILON)) {
            printf("%s: the library's roots for %d turns are off by %g\n", asked.program, turns, most);
            wrong++;
        }
    }
    return wrong;
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
            c->fft->open(arrays[ROOTS].block, c->ways, c->n, 0, c->n / c->ways, from, c->single, arrays[X].block);
            run_levels(c, arrays[X].block, arrays[H].block, arrays[X].block, CF_FFT_SPLIT | CF_FFT_MULTIPLY | CF_FFT_JOIN);
            c->fft->close(arrays[ROOTS].block, c->ways, c->n, 0, c->n / c->ways, arrays[X].block, to, c->single);
        }
        const double spent = 1e9 * (now() - start) / calls / (double)c->n;
        best = spent < best ? spent : best;
    }
    return best;
}

static void bench(const cf_fft *ours, const cf_fft *scalar, size_t size)
{
    static const int64_t lengths[] = {256, 768, 4096, 12288, MOST};
    printf("%-14s ns a coefficient (x scalar)", kernel_name);
    for (int i = 0; i < (int)(sizeof lengths / sizeof *lengths); i++) {
        const int64_t n = lengths[i];
        fft_case c = {.fft = ours, .size = size, .sample = size, .n = n, .node = 1, .ways = n % 3 ? 4 : 3, .scale = 1};
        source.state = 1;
        draw_data(&c);
        const double mine = speed(&c);
        c.fft = scalar;
        printf("  %lld: %.2f (%.1f)", (long long)n, mine, speed(&c) / mine);
    }
    printf("\n");
}

/* ---- the command line ------------------------------------------------------------------------------------------------------ */

static void draw(fft_case *c)
{
    c->fill = (enum fill)random_between(&source, 0, FILL_COUNT - 1);
    c->single = (int)(random_bits(&source) % 2);
    c->in_place = (int)(random_bits(&source) % 2);
    c->sample = c->single ? sizeof(float) : c->size;
    c->scale = (double)PICK(1, 1, 1, -3);
    c->ways = (int)PICK(3, 4);
    c->turns = (int)PICK(0, 0, 3, 3, random_between(&source, 0, TURNS - 1));
    const int64_t unit = c->fft->unit, pair = 2 * (int64_t)c->fft->leaf, least_n = c->ways * (c->ways == 3 && unit < pair ? pair : unit);
    do
        c->n = least_n << PICK(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8);
    while (c->n > 4096);
    if (random_between(&source, 0, 49) == 0)
        c->n = PICK(8192, 8192, 16384, 16384, 32768, MOST) / 4 * c->ways;
    c->node = PICK(1, 1, 1, 2, 3, c->n > 4096 ? 1 : random_between(&source, 4, 31));
    if (c->ways == 4 && c->turns == 0 && random_bits(&source) % 2)
        c->node = 0; /* is its own first factor, as it should where the root is 1 */
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
            printf("%s: %s (n %lld, turns %d, node %lld, %s%s)\n", doing, c.wrong, (long long)c.n, c.turns, (long long)c.node,
                   fills[c.fill], c.single ? ", float samples" : "");
        failed += c.wrong[0] != 0;
    }
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
        const size_t numbers = which < X ? 6 * NODES : which == H ? 4 * MOST : which < X_SAMPLES ? 2 * MOST : MOST / 4;
        arrays[which].slot = guarded_make((numbers + 16) * sizeof(double) + 64);
        arrays[which].copy = malloc(numbers * sizeof(double));
        if (!arrays[which].copy)
            abort();
    }
    int status = check_all(argc, argv, "fft_f32__avx2, fft_f64__sse2, ...", check_isa);
    if (asked.task == CHECK && check_roots() && !status)
        status = 1;
    if (worst[0] > 0 || worst[1] > 0)
        printf("%s: largest errors of their bounds: f32 %.3f, f64 %.3f\n", asked.program, worst[0], worst[1]);
    return status;
}
