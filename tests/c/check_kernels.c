/* The kernel checker: every kernel of every instruction set against the scalar table, called as methods call them.
 *
 * Each case is drawn from the seed: sizes around lanes and tiles, prime strides, every flag, and data that hurt.  Each array
 * stands against an inaccessible page, at its end or at its start, so that one sample too many is a crash; results must leave all
 * else as it was.  Sums that floating point holds exactly must agree exactly, others within the bound of direct summation; where
 * the samples are random, part of the same sums asked for alone must have the same bits.
 *
 * A kernel added to cf_kernel_set needs a case here: see `kernels` and the assertion below it. */
#include "../../src_c/runtime/dispatch.h"
#include "testing.h"

#include <float.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

enum { PLANES = 3, ROWS = 10, TAP_ROWS = 5, LINES = ROWS + TAP_ROWS - 1, OUTPUTS = 20, SLOT_BYTES = 1 << 16 };

enum kernel { KERNEL_ROWS, KERNEL_LINE, KERNEL_DOT, KERNEL_COUNT };
static const char *const kernels[KERNEL_COUNT] = {"rows", "line", "dot"};
_Static_assert(offsetof(cf_kernel_set, dot) + sizeof(cf_dot_fn *) == sizeof(cf_kernel_set), "a kernel without a case in the checker");

static const struct arith {
    const char *name;
    size_t size; /* of a number; a complex sample has two */
    int parts, is_float;
    double eps, least; /* of floats: the rounding unit, and the smallest number above 0 */
} ariths[CF_ARITH_COUNT] = {
    [CF_I16] = {"i16", 2, 1, 0, 0, 0},
    [CF_I32] = {"i32", 4, 1, 0, 0, 0},
    [CF_I64] = {"i64", 8, 1, 0, 0, 0},
    [CF_F32] = {"f32", 4, 1, 1, FLT_EPSILON, 0x1p-149},
    [CF_F64] = {"f64", 8, 1, 1, DBL_EPSILON, 0x1p-1074},
    [CF_C64] = {"c64", 4, 2, 1, FLT_EPSILON, 0x1p-149},
    [CF_C128] = {"c128", 8, 2, 1, DBL_EPSILON, 0x1p-1074},
};

enum fill { INTEGERS, ZEROS, ALTERNATING, ONE_HOT, EXTREMES, DENORMALS, RANDOM, ONE_NAN, ONE_INF, FILL_COUNT };
static const char *const fills[FILL_COUNT] = {"integers", "zeros", "alternating", "one-hot", "huge and tiny",
                                              "denormals", "random", "one NaN", "one Inf"};

/* One call of one kernel.  `rows` counts output rows; for dot, the rows of a sum. */
typedef struct call {
    enum kernel kernel;
    cf_arith arith;
    enum fill fill;
    int flags, at_end;
    int64_t planes, rows, n, y_row, outputs;
    cf_plane plane[PLANES]; /* of dot, only plane[0]'s offset and step */
    const void *lines[PLANES][LINES], *tap_lines[LINES];
    size_t y_bytes;
    void *y;
} call;

static guarded line_slot[PLANES][LINES], tap_slot[LINES], y_slot;
static random_source source;
static uint64_t seed = 1;
static char doing[512]; /* said by the signal handler */

static int64_t pick(const int64_t *from, int64_t count) { return from[random_between(&source, 0, count - 1)]; }
#define PICK(...) pick((const int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static size_t sample_size(const call *c) { return ariths[c->arith].size * (size_t)ariths[c->arith].parts; }

/* ---- data ------------------------------------------------------------------------------------------------------------------ */

static void put(cf_arith arith, void *to, double value)
{
    switch (arith) {
    case CF_F32: case CF_C64: *(float *)to = (float)value; break;
    default: *(double *)to = value;
    }
}

static double get(cf_arith arith, const void *from)
{
    return arith == CF_F32 || arith == CF_C64 ? (double)*(const float *)from : *(const double *)from;
}

static double random_float(const struct arith *a, enum fill fill, int is_tap, int64_t i)
{
    double integer = (double)random_between(&source, -4, 4), scale = a->size == 4 ? 1e15 : 1e140;
    switch (fill) {
    case ZEROS: return is_tap ? integer : random_bits(&source) % 2 ? 0.0 : -0.0;
    case ALTERNATING: return is_tap ? integer : i % 2 ? 1 : -1;
    case ONE_HOT: return is_tap ? integer : 0;
    case EXTREMES: return integer / 7 * (double[]){1, scale, 1 / scale}[random_bits(&source) % 3];
    case DENORMALS: return is_tap ? integer : integer * a->least;
    case RANDOM: return (double)(int64_t)random_bits(&source) * 0x1p-62;
    default: return integer;
    }
}

static void fill_number(const call *c, void *to, int is_tap, int64_t i)
{
    const struct arith *a = &ariths[c->arith];
    if (a->is_float) {
        put(c->arith, to, random_float(a, c->fill, is_tap, i));
        return;
    }
    uint64_t bits = random_bits(&source), top = (uint64_t)1 << (8 * a->size - 1);
    if (c->fill == ZEROS || (c->fill == ONE_HOT && !is_tap))
        bits = 0;
    else if (c->fill == EXTREMES)
        bits = bits % 2 ? top : top - 1;
    switch (a->size) { /* not a copy of the first bytes: they are the low ones on little-endian machines only */
    case 2: *(uint16_t *)to = (uint16_t)bits; break;
    case 4: *(uint32_t *)to = (uint32_t)bits; break;
    default: *(uint64_t *)to = bits;
    }
}

static void fill_sample(const call *c, char *to, int is_tap, int64_t i)
{
    for (int part = 0; part < ariths[c->arith].parts; part++)
        fill_number(c, to + (size_t)part * ariths[c->arith].size, is_tap, i);
}

/* `count` samples in the slot, each filled; where element 0 is, if `first` is the index of the lowest. */
static const void *place_samples(const call *c, const guarded *slot, int64_t first, int64_t count)
{
    size_t size = sample_size(c);
    char *block = guarded_place(slot, (size_t)count * size, c->at_end);
    for (int64_t i = 0; i < count; i++)
        fill_sample(c, block + (size_t)i * size, 0, i);
    return block - first * (int64_t)size;
}

/* Taps; what lies between them is a NaN, or the slot's pattern for integers. */
static const void *place_taps(const call *c, const guarded *slot, const cf_plane *p)
{
    size_t size = sample_size(c);
    int64_t row = (p->kh - 1) * p->tap_row, col = (p->kw - 1) * p->tap_col;
    int64_t low = (row < 0 ? row : 0) + (col < 0 ? col : 0), high = (row > 0 ? row : 0) + (col > 0 ? col : 0);
    char *block = guarded_place(slot, (size_t)(high - low + 1) * size, c->at_end), *zero = block - low * (int64_t)size;
    for (char *at = block; ariths[c->arith].is_float && at < block + (size_t)(high - low + 1) * size; at += ariths[c->arith].size)
        put(c->arith, at, NAN);
    for (int64_t i = 0; i < p->kh; i++)
        for (int64_t j = 0; j < p->kw; j++)
            fill_sample(c, zero + (i * p->tap_row + j * p->tap_col) * (int64_t)size, 1, i * p->kw + j);
    return zero;
}

/* One sample or tap becomes special: 1 for ONE_HOT, NaN, Inf. */
static void place_special(call *c)
{
    const struct arith *a = &ariths[c->arith];
    if (c->fill != ONE_HOT && c->fill != ONE_NAN && c->fill != ONE_INF)
        return;
    int64_t p = c->planes ? random_between(&source, 0, c->planes - 1) : 0, lines, first, count;
    if (!c->planes)
        return;
    const cf_plane *plane = &c->plane[p];
    if (c->kernel == KERNEL_DOT) {
        lines = c->rows;
        count = c->n + (c->outputs - 1) * plane->step;
    } else {
        lines = plane->kh + c->rows - 1;
        count = c->n + (plane->kw - 1) * plane->step;
    }
    if (lines < 1 || count < 1)
        return;
    first = plane->offset;
    const char *line = c->lines[p][random_between(&source, 0, lines - 1)];
    uintptr_t at = (uintptr_t)line + (uintptr_t)(first + random_between(&source, 0, count - 1)) * sample_size(c);
    if (c->fill != ONE_HOT && c->kernel != KERNEL_DOT && random_bits(&source) % 4 == 0)
        at = (uintptr_t)plane->taps; /* tap (0, 0) */
    if (random_bits(&source) % 2)
        at += (size_t)(a->parts - 1) * a->size;
    if (a->is_float)
        put(c->arith, (void *)at, c->fill == ONE_HOT ? 1 : c->fill == ONE_NAN ? NAN : -INFINITY);
    else
        memset((void *)at, 1, a->size);
}

/* ---- cases ----------------------------------------------------------------------------------------------------------------- */

/* Around the lanes and their multiples. */
static int64_t draw_length(int lanes)
{
    int64_t vectors = PICK(0, 1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 13);
    int64_t n = vectors * lanes + PICK(-1, 0, 0, 1, random_between(&source, 0, lanes - 1));
    return n < 1 ? 1 : n;
}

static void draw_rows(call *c, const cf_kernel_set *set)
{
    c->planes = PICK(0, 1, 1, 1, 1, 2, 3);
    c->rows = random_between(&source, 1, 2 * set->tile_rows + 1);
    c->n = draw_length(set->lanes);
    for (int64_t p = 0; p < c->planes; p++) {
        cf_plane *plane = &c->plane[p];
        plane->kh = random_between(&source, 1, TAP_ROWS);
        plane->kw = PICK(1, 2, 3, 3, 4, 5, 7, 9, 17);
        plane->step = PICK(1, 1, 1, 2, 3, 7, 13);
    }
}

static void draw_line(call *c, const cf_kernel_set *set)
{
    c->planes = PICK(0, 1, 1, 1, 2, 3);
    c->rows = 1;
    c->n = draw_length(set->lanes);
    for (int64_t p = 0; p < c->planes; p++) {
        c->plane[p].kh = c->plane[p].step = 1;
        c->plane[p].kw = PICK(1, 2, set->lanes - 1 + (set->lanes == 1), set->lanes, set->lanes + 1, set->line_taps, 2 * set->lanes + 1,
                              4 * set->lanes, 5 * set->lanes + 3, random_between(&source, 1, 6 * set->lanes));
    }
}

static void draw_dot(call *c, const cf_kernel_set *set)
{
    c->planes = 1;
    c->rows = random_between(&source, 0, ROWS);
    c->n = draw_length(set->lanes);
    c->outputs = random_between(&source, 1, OUTPUTS);
    c->plane[0].step = PICK(1, 1, 2, 3, 7, 13);
}

static void place(call *c)
{
    for (int64_t p = 0; p < c->planes; p++) {
        cf_plane *plane = &c->plane[p];
        plane->offset = PICK(0, 0, 1, 5, 11);
        plane->lines = c->lines[p];
        if (c->kernel == KERNEL_DOT) {
            for (int64_t r = 0; r < c->rows; r++) {
                c->lines[p][r] = place_samples(c, &line_slot[p][r], plane->offset, c->n + (c->outputs - 1) * plane->step);
                cf_plane row = {.kh = 1, .kw = c->n, .tap_col = 1};
                c->tap_lines[r] = place_taps(c, &tap_slot[r], &row);
            }
            continue;
        }
        plane->tap_col = PICK(1, 1, -1, 2, 7, -3);
        int64_t width = plane->kw * llabs(plane->tap_col);
        plane->tap_row = PICK(width, width, -width, width + 2, 1 - 2 * width);
        plane->taps = place_taps(c, &tap_slot[p], plane);
        for (int64_t i = 0; i < plane->kh + c->rows - 1; i++)
            c->lines[p][i] = place_samples(c, &line_slot[p][i], plane->offset, c->n + (plane->kw - 1) * plane->step);
    }
    place_special(c);
    if (c->kernel == KERNEL_DOT) {
        c->y_bytes = (size_t)c->outputs * sample_size(c);
    } else {
        c->y_row = c->n + PICK(0, 1, 7, 13);
        c->y_bytes = (size_t)((c->rows - 1) * c->y_row + c->n) * sample_size(c);
    }
    c->y = guarded_place(&y_slot, c->y_bytes, c->at_end);
    if (c->flags & CF_ACCUMULATE)
        for (size_t at = 0; at < c->y_bytes; at += sample_size(c))
            fill_sample(c, (char *)c->y + at, 0, (int64_t)at);
}

static void run(const cf_kernel_set *set, const call *c, void *y)
{
    switch (c->kernel) {
    case KERNEL_ROWS: set->rows(c->plane, c->planes, y, c->y_row, c->rows, c->n, c->flags); break;
    case KERNEL_LINE: set->line(c->plane, c->planes, y, c->n, c->flags); break;
    default: set->dot(c->lines[0], c->plane[0].offset, c->plane[0].step, c->tap_lines, c->rows, c->n, y, c->outputs, c->flags);
    }
}

/* ---- comparison ------------------------------------------------------------------------------------------------------------ */

static double magnitude(const call *c, const void *line, int64_t index)
{
    const struct arith *a = &ariths[c->arith];
    const char *at = (const char *)line + index * (int64_t)sample_size(c);
    double sum = 0;
    for (int part = 0; part < a->parts; part++)
        sum += fabs(get(c->arith, at + (size_t)part * a->size));
    return sum;
}

/* How far two orders of summation may lie apart in output (row, col): 2 (K + 2) eps sum|x||tap|. */
static double allowed(const call *c, const void *before, int64_t row, int64_t col)
{
    const struct arith *a = &ariths[c->arith];
    double sum = c->flags & CF_ACCUMULATE ? magnitude(c, before, row * c->y_row + col) : 0, terms = 1;
    if (c->fill != EXTREMES && c->fill != RANDOM)
        return 0;
    if (c->kernel == KERNEL_DOT) {
        for (int64_t r = 0; r < c->rows; r++)
            for (int64_t i = 0; i < c->n; i++, terms++)
                sum += magnitude(c, c->lines[0][r], c->plane[0].offset + col * c->plane[0].step + i) * magnitude(c, c->tap_lines[r], i);
    } else {
        for (const cf_plane *p = c->plane; p < c->plane + c->planes; p++)
            for (int64_t i = 0; i < p->kh; i++)
                for (int64_t j = 0; j < p->kw; j++, terms++)
                    sum += magnitude(c, p->lines[row + i], p->offset + col + j * p->step) * magnitude(c, p->taps, i * p->tap_row + j * p->tap_col);
    }
    return 2 * a->parts * (terms + 2) * (a->eps / 2 * sum + a->least);
}

static int close_enough(const call *c, const char *got, const char *want, double tolerance)
{
    const struct arith *a = &ariths[c->arith];
    if (!a->is_float)
        return memcmp(got, want, a->size) == 0;
    double x = get(c->arith, got), y = get(c->arith, want);
    return isnan(x) || isnan(y) ? isnan(x) && isnan(y) : x == y || fabs(x - y) <= tolerance;
}

/* The number of outputs that are not as they should be; numbers between the rows must be those of `before`. */
static int64_t differences(const call *c, const char *got, const char *want, const char *before)
{
    int64_t wrong = 0, rows = c->kernel == KERNEL_DOT ? 1 : c->rows, columns = c->kernel == KERNEL_DOT ? c->outputs : c->n;
    size_t size = sample_size(c), part = ariths[c->arith].size;
    for (int64_t r = 0; r < rows; r++) {
        size_t row = (size_t)(r * c->y_row) * size;
        for (int64_t i = 0; i < columns; i++) {
            size_t at = row + (size_t)i * size;
            double tolerance = ariths[c->arith].is_float ? allowed(c, before, r, i) : 0;
            for (size_t p = 0; p < size; p += part)
                wrong += !close_enough(c, got + at + p, want + at + p, tolerance);
        }
        size_t end = row + (size_t)columns * size, next = r + 1 < rows ? row + (size_t)c->y_row * size : end;
        wrong += memcmp(got + end, before + end, next - end) != 0;
    }
    return wrong;
}

/* Some of the rows and columns, asked for alone: the same bits, or the order of a sum depends on its place in a tile. */
static int64_t place_matters(const cf_kernel_set *set, const call *c, const char *got, const char *before)
{
    call part = *c;
    size_t size = sample_size(c);
    int64_t row = random_between(&source, 0, c->rows - 1), col = random_between(&source, 0, c->n - 1), wrong = 0;
    part.rows = c->kernel == KERNEL_LINE ? 1 : random_between(&source, 1, c->rows - row);
    part.n = random_between(&source, 1, c->n - col);
    for (int64_t p = 0; p < c->planes; p++) {
        part.plane[p].lines += row;
        part.plane[p].offset += col;
    }
    part.y_bytes = (size_t)((part.rows - 1) * c->y_row + part.n) * size;
    part.y = guarded_place(&y_slot, part.y_bytes, !c->at_end);
    size_t start = (size_t)(row * c->y_row + col) * size;
    memcpy(part.y, before + start, part.y_bytes);
    run(set, &part, part.y);
    for (int64_t r = 0; r < part.rows; r++) {
        size_t at = (size_t)(r * c->y_row) * size;
        wrong += memcmp((char *)part.y + at, got + start + at, (size_t)part.n * size) != 0;
    }
    return wrong;
}

static int check(const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith, uint64_t case_seed)
{
    source.state = case_seed;
    call c = {.kernel = kernel, .arith = arith};
    c.fill = (enum fill)random_between(&source, 0, ariths[arith].is_float ? FILL_COUNT - 1 : RANDOM);
    c.at_end = (int)(random_bits(&source) % 2);
    c.flags = (int)(random_bits(&source) % 2 ? CF_ACCUMULATE : 0);
    if (ariths[arith].parts == 2)
        c.flags |= (int)(random_bits(&source) & (CF_CONJ_SAMPLES | CF_CONJ_TAPS));
    (kernel == KERNEL_ROWS ? draw_rows : kernel == KERNEL_LINE ? draw_line : draw_dot)(&c, set);
    place(&c);
    char *before = malloc(c.y_bytes), *want = malloc(c.y_bytes), *got = malloc(c.y_bytes);
    if (!before || !want || !got)
        abort();
    memcpy(before, c.y, c.y_bytes);
    memcpy(want, before, c.y_bytes);
    run(scalar, &c, want);
    run(set, &c, c.y);
    int outside = !guarded_intact(&y_slot, c.y, c.y_bytes);
    memcpy(got, c.y, c.y_bytes);
    int64_t wrong = differences(&c, got, want, before);
    int64_t placed = kernel != KERNEL_DOT && c.fill == RANDOM ? place_matters(set, &c, got, before) : 0;
    free(before);
    free(want);
    free(got);
    if (!wrong && !placed && !outside)
        return 0;
    printf("%s: %lld outputs wrong, %lld rows depend on their place%s (%s, flags %d, planes %lld, rows %lld, n %lld, outputs %lld)\n",
           doing, (long long)wrong, (long long)placed, outside ? ", written outside" : "", fills[c.fill], c.flags, (long long)c.planes,
           (long long)c.rows, (long long)c.n, (long long)c.outputs);
    return 1;
}

/* ---- timing ---------------------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Billions of real multiply-adds a second, the best of many short runs; sizes as in an image that fits the first-level cache. */
static double speed(const cf_kernel_set *set, enum kernel kernel, cf_arith arith, int64_t taps)
{
    call c = {.kernel = kernel, .arith = arith, .fill = INTEGERS, .planes = 1, .rows = 8, .n = 480, .outputs = 8};
    source.state = seed;
    int64_t kh = kernel == KERNEL_ROWS ? taps : 1;
    c.plane[0] = (cf_plane){.kh = kh, .kw = taps, .step = 1, .tap_row = taps, .tap_col = 1, .lines = c.lines[0]};
    if (kernel == KERNEL_LINE)
        c.rows = 1;
    c.y_row = c.n;
    for (int64_t i = 0; i < c.rows + kh - 1; i++) {
        c.lines[0][i] = place_samples(&c, &line_slot[0][i], 0, c.n + taps - 1 + c.outputs);
        cf_plane row = {.kh = 1, .kw = c.n, .tap_col = 1};
        c.tap_lines[i] = place_taps(&c, &tap_slot[i], &row);
    }
    c.plane[0].taps = place_taps(&c, &tap_slot[LINES - 1], &c.plane[0]);
    c.y = guarded_place(&y_slot, (size_t)(c.rows * c.n) * sample_size(&c), 0);
    double sums = kernel == KERNEL_DOT ? (double)(c.rows * c.n * c.outputs) : (double)(c.rows * c.n * kh * taps), best = 1e9;
    for (int round = 0; round < 30; round++) {
        int calls = 1 + (int)(3e5 / sums);
        double start = now();
        for (int i = 0; i < calls; i++)
            run(set, &c, c.y);
        double spent = (now() - start) / calls;
        best = spent < best ? spent : best;
    }
    return 1e-9 * sums * ariths[arith].parts * ariths[arith].parts / best;
}

static void bench(const char *isa, const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith)
{
    static const int64_t lengths[KERNEL_COUNT][3] = {{1, 3, 5}, {7, 31, 127}, {1, 0, 0}};
    printf("%-8s %-4s %-5s", isa, kernels[kernel], ariths[arith].name);
    for (int i = 0; i < 3 && lengths[kernel][i]; i++) {
        int64_t taps = lengths[kernel][i];
        double ours = speed(set, kernel, arith, taps);
        printf(kernel == KERNEL_ROWS ? "  %lldx%lld:" : "  %lld:", (long long)taps, (long long)taps);
        printf(" %7.2f GMAC/s (%.1fx scalar)", ours, ours / speed(scalar, kernel, arith, taps));
    }
    printf("\n");
}

/* ---- the command line ------------------------------------------------------------------------------------------------------ */

static void crashed(int number)
{
    static const char said[] = "\ncrashed: ";
    if (write(STDOUT_FILENO, said, sizeof said - 1) < 0 || write(STDOUT_FILENO, doing, strlen(doing)) < 0 ||
        write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(3);
    _exit(number == SIGILL ? 4 : 3);
}

static int help(const char *program, int status)
{
    printf("usage: %s [--seed N] [--cases N] [--isa NAME] [--test PART-OF-A-NAME] [--require NAME,NAME...] [--bench] [--list]\n"
           "Checks each kernel (rows_f32, line_c64, ...) of each instruction set that this CPU has against the scalar one.\n"
           "  --seed     of the first case; printed, so that a failure can be had again (default: the time)\n"
           "  --cases    of each kernel (default 1000)\n"
           "  --require  instruction sets without which the check counts as failed\n"
           "  --bench    times the same calls instead\n", program);
    return status;
}

int main(int argc, char **argv)
{
    enum { SEED = 1, CASES, ISA, TEST, REQUIRE, BENCH, LIST, HELP };
    static const struct option options[] = {{"seed", 1, NULL, SEED}, {"cases", 1, NULL, CASES}, {"isa", 1, NULL, ISA},
                                            {"test", 1, NULL, TEST}, {"require", 1, NULL, REQUIRE}, {"bench", 0, NULL, BENCH},
                                            {"list", 0, NULL, LIST}, {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};
    const char *only_isa = NULL, *only_test = "", *required = "";
    int64_t cases = 1000, failed = 0, checked = 0;
    int benching = 0, listing = 0;
    char ran[256] = ",";
    seed = (uint64_t)time(NULL);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case SEED: seed = strtoull(optarg, NULL, 0); break;
        case CASES: cases = atoll(optarg); break;
        case ISA: only_isa = optarg; break;
        case TEST: only_test = optarg; break;
        case REQUIRE: required = optarg; break;
        case BENCH: benching = 1; break;
        case LIST: listing = 1; break;
        case HELP: return help(argv[0], 0);
        default: return help(argv[0], 2);
        }
    if (optind < argc)
        return help(argv[0], 2);
    for (int p = 0; p < PLANES; p++)
        for (int i = 0; i < LINES; i++)
            line_slot[p][i] = guarded_make(SLOT_BYTES);
    for (int i = 0; i < LINES; i++)
        tap_slot[i] = guarded_make(SLOT_BYTES);
    y_slot = guarded_make(4 * SLOT_BYTES);
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGILL, crashed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!listing)
        printf("check_kernels: --seed %llu --cases %lld\n", (unsigned long long)seed, (long long)cases);
    const char *isa;
    const cf_kernels *reference = NULL; /* the scalar table */
    for (int index = 0; (isa = corrfast_isa_info(index, NULL, NULL)); index++)
        if (strcmp(isa, "scalar") == 0)
            reference = cf_kernels_of(index);
    for (int index = 0, usable; (isa = corrfast_isa_info(index, &usable, NULL)); index++) {
        const cf_kernels *table = cf_kernels_of(index);
        int64_t tested = 0;
        if (only_isa && strcmp(only_isa, isa) != 0)
            continue;
        if (!usable) {
            printf("%-8s could not run: this CPU does not have it\n", isa);
            continue;
        }
        for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
            for (int arith = 0; arith < CF_ARITH_COUNT; arith++) {
                const cf_kernel_set *set = &table->set[arith], *scalar = &reference->set[arith];
                char name[32];
                snprintf(name, sizeof name, "%s_%s", kernels[kernel], ariths[arith].name);
                if (!strstr(name, only_test))
                    continue;
                if (listing)
                    printf("%s__%s\n", name, isa);
                else if (benching)
                    bench(isa, set, scalar, (enum kernel)kernel, (cf_arith)arith);
                for (int64_t i = 0; i < cases && !listing && !benching && failed < 20; i++, checked++) {
                    uint64_t case_seed = seed + (uint64_t)i;
                    snprintf(doing, sizeof doing, "--isa %s --test %s --seed %llu --cases 1", isa, name, (unsigned long long)case_seed);
                    failed += check(set, scalar, (enum kernel)kernel, (cf_arith)arith, case_seed);
                }
                tested++;
            }
        if (!listing && !benching)
            printf("%-8s ran: %lld kernels, %lld cases each\n", isa, (long long)tested, (long long)cases);
        snprintf(ran + strlen(ran), sizeof ran - strlen(ran), "%s,", isa);
    }
    for (const char *name = required; *name;) {
        size_t length = strcspn(name, ",");
        char wanted[64];
        snprintf(wanted, sizeof wanted, ",%.*s,", (int)length, name);
        if (!strstr(ran, wanted)) {
            printf("check_kernels: %.*s was required and did not run\n", (int)length, name);
            failed++;
        }
        name += length + (name[length] == ',');
    }
    if (!listing && !benching)
        printf("check_kernels: %lld cases, %lld failed\n", (long long)checked, (long long)failed);
    return failed != 0 || (!checked && !listing && !benching);
}
