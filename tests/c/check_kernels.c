/* The kernel checker: every kernel of every instruction set against the scalar table, and that against plain sums, called as methods
 * call them.
 *
 * Each case is drawn from the seed: sizes around lanes and tiles, prime strides, every flag, and data that hurt.  Each array
 * stands against an inaccessible page, at its end or at its start, so that one sample too many is a crash; a call must change
 * nothing but its outputs.  Sums that floating point holds exactly must agree exactly, others within the bound of direct summation;
 * where the samples are random, part of the same sums asked for alone must have the same bits.  Copies must be there bit for bit,
 * Winograd's transforms as their matrices have them.
 *
 * A kernel added to cf_kernel_set needs a case: see `kernels` in kernel_calls.h and the assertion below it. */
#include "product_calls.h"

/* ---- comparison ------------------------------------------------------------------------------------------------------------ */

/* An output by the contract, in the widest arithmetic there is: what the scalar table is held against. */
typedef struct plain {
    long double part[2];
    uint64_t integer;
    double magnitude; /* sum |x||tap|: what rounding errors are measured by */
    int64_t terms;
} plain;

static void add_product(const call *c, plain *sum, const void *x, const void *tap)
{
    const struct arith *a = &ariths[c->arith];
    if (!a->is_float) {
        sum->integer += integer(a->size, x) * integer(a->size, tap);
        return;
    }
    double xr = get(c->arith, x), wr = get(c->arith, tap), xi = 0, wi = 0;
    if (a->parts == 2) {
        xi = get(c->arith, (const char *)x + a->size) * (c->flags & CF_CONJ_SAMPLES ? -1 : 1);
        wi = get(c->arith, (const char *)tap + a->size) * (c->flags & CF_CONJ_TAPS ? -1 : 1);
        sum->part[0] -= (long double)xi * wi;
        sum->part[1] += (long double)xr * wi + (long double)xi * wr;
    }
    sum->part[0] += (long double)xr * wr;
    sum->magnitude += (fabs(xr) + fabs(xi)) * (fabs(wr) + fabs(wi));
    sum->terms += a->parts;
}

static plain plain_sum(const call *c, const char *before, int64_t row, int64_t col)
{
    const struct arith *a = &ariths[c->arith];
    const int64_t size = (int64_t)sample_size(c);
    const char *y = before + (row * c->y_row + col) * size;
    plain sum = {{0, 0}, 0, 0, 0};
    if (c->flags & CF_ACCUMULATE && !a->is_float)
        sum.integer = integer(a->size, y);
    for (int part = 0; c->flags & CF_ACCUMULATE && a->is_float && part < a->parts; part++) {
        sum.part[part] = get(c->arith, y + (size_t)part * a->size);
        sum.magnitude += fabs((double)sum.part[part]);
    }
    if (c->kernel == KERNEL_DOT) {
        for (int64_t r = 0; r < c->rows; r++)
            for (int64_t i = 0; i < c->n; i++)
                add_product(c, &sum, (const char *)c->lines[0][r] + (c->plane[0].offset + col * c->plane[0].step + i) * size,
                            (const char *)c->tap_lines[r] + i * size);
        return sum;
    }
    for (int64_t r = 0; c->kernel == KERNEL_TAPS && r < c->rows; r++)
        for (int64_t i = 0; i < c->n; i++)
            add_product(c, &sum, (const char *)c->lines[0][0] + (r * c->from_row + c->at[col] + i) * size,
                        (const char *)c->plane[0].taps + (r * c->plane[0].tap_row + i) * size);
    for (int64_t i = 0; c->kernel == KERNEL_IMAGE && i < c->image.kh; i++)
        for (int64_t j = 0; j < c->image.kw; j++) {
            const cf_image *im = &c->image;
            const int64_t line = (c->first + row) * im->stride + i - im->top, at = col * im->stride + j - im->left;
            if (line >= 0 && line < im->rows && at >= 0 && at < im->cols)
                add_product(c, &sum, (const char *)im->x + (line * im->x_row + at) * size,
                            (const char *)im->taps + (i * im->tap_row + j * im->tap_col) * size);
        }
    for (int64_t r = 0; c->kernel == KERNEL_IMAGE_TAPS && r < c->rows; r++)
        for (int64_t i = 0; i < c->n; i++) {
            const cf_image *im = &c->image;
            const int64_t line = (c->first + r) * im->stride + col / im->kw - im->top, at = i * im->stride + col % im->kw - im->left;
            if (line >= 0 && line < im->rows && at >= 0 && at < im->cols)
                add_product(c, &sum, (const char *)im->x + (line * im->x_row + at) * size,
                            (const char *)c->plane[0].taps + (r * c->y_row + i) * size);
        }
    for (int64_t i = 0; c->kernel == KERNEL_SPREAD && i < c->image.kh; i++)
        for (int64_t j = 0; j < c->image.kw; j++) {
            const cf_image *im = &c->image;
            const int64_t line = c->first + row + im->top - i, at = col + im->left - j; /* twice that */
            if (line >= 0 && line / 2 < im->rows && at >= 0 && at / 2 < im->cols && line % 2 == 0 && at % 2 == 0)
                add_product(c, &sum, (const char *)im->x + (line / 2 * im->x_row + at / 2) * size,
                            (const char *)im->taps + (i * im->tap_row + j * im->tap_col) * size);
        }
    for (int64_t k = 0; (c->kernel == KERNEL_GEMM || c->kernel == KERNEL_COLUMNS) && k < c->count; k++)
        add_product(c, &sum, (const char *)c->lines[0][0] + (c->b_at[k] + col) * size,
                    (const char *)c->tap_lines[row] + c->at[k] * size);
    for (const cf_plane *p = c->plane; p < c->plane + c->planes; p++)
        for (int64_t i = 0; i < p->kh; i++)
            for (int64_t j = 0; j < p->kw; j++)
                add_product(c, &sum, (const char *)p->lines[row + i] + (p->offset + col + j * p->step) * size,
                            (const char *)p->taps + (i * p->tap_row + j * p->tap_col) * size);
    return sum;
}

/* How far two orders of summation may lie apart: 2 (K + 2) eps sum|x||tap|; data that floating point sums exactly, not at all. */
static double allowed(const call *c, const plain *sum)
{
    const struct arith *a = &ariths[c->arith];
    if (c->fill != EXTREMES && c->fill != RANDOM)
        return 0;
    return 2 * ((double)sum->terms + 2) * (a->eps / 2 * sum->magnitude + a->least);
}

static int close_enough(long double x, long double y, double tolerance)
{
    return isnan(x) || isnan(y) ? isnan(x) && isnan(y) : x == y || fabsl(x - y) <= tolerance;
}

/* Whether one output is as `want` has it, or without one, as the plain sum has it. */
static int agrees(const call *c, const char *got, const char *want, const char *before, int64_t row, int64_t col)
{
    const struct arith *a = &ariths[c->arith];
    int exact = !a->is_float || (c->fill != EXTREMES && c->fill != RANDOM);
    plain sum = want && exact ? (plain){{0, 0}, 0, 0, 0} : plain_sum(c, before, row, col);
    double tolerance = allowed(c, &sum);
    int good = 1;
    if (!a->is_float)
        return want ? memcmp(got, want, a->size) == 0 : ((integer(a->size, got) ^ sum.integer) << (64 - 8 * a->size)) == 0;
    for (int part = 0; part < a->parts; part++) {
        size_t at = (size_t)part * a->size;
        good &= close_enough(get(c->arith, got + at), want ? get(c->arith, want + at) : sum.part[part], tolerance);
    }
    return good;
}

/* The number of outputs that are not as they should be; what lies between the rows must be as `before`. */
static int64_t differences(const call *c, const char *got, const char *want, const char *before)
{
    int64_t wrong = 0, rows = sums_rows(c->kernel) ? 1 : c->rows, columns = sums_rows(c->kernel) ? c->outputs : c->n;
    size_t size = sample_size(c);
    for (int64_t r = 0; r < rows; r++) {
        size_t row = (size_t)(r * c->y_row) * size, end = row + (size_t)columns * size;
        for (int64_t i = 0; i < columns; i++) {
            size_t at = row + (size_t)i * size;
            wrong += !agrees(c, got + at, want ? want + at : NULL, before, r, i);
        }
        wrong += r + 1 < rows && memcmp(got + end, before + end, (size_t)(c->y_row - columns) * size) != 0;
    }
    return wrong;
}

/* Some of the rows and columns, asked for alone and as if they lay elsewhere: the same bits, or the order of a sum depends on its place
 * in a tile or in the caches. */
static int64_t place_matters(const cf_kernel_set *set, const call *c, const char *got, const char *before)
{
    call part = *c;
    size_t size = sample_size(c);
    int64_t row = random_between(&source, 0, c->rows - 1), col = random_between(&source, 0, c->n - 1), wrong = 0;
    part.rows = c->kernel == KERNEL_LINE ? 1 : random_between(&source, 1, c->rows - row);
    part.n = random_between(&source, 1, c->n - col);
    part.flags ^= (int)(random_bits(&source) & (CF_FAR | CF_FAR_OUTPUTS | CF_STREAM));
    take_part(&part, c, set, row, col);
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

/* `line` promises the bits of `rows` for few taps. */
static int64_t rows_differ(const cf_kernel_set *set, const call *c, const char *got, const char *before)
{
    if (c->kernel != KERNEL_LINE)
        return 0;
    for (int64_t p = 0; p < c->planes; p++)
        if (c->plane[p].kw > set->lanes)
            return 0;
    call all = *c;
    all.kernel = KERNEL_ROWS;
    all.y = guarded_place(&y_slot, c->y_bytes, c->at_end);
    memcpy(all.y, before, c->y_bytes);
    run(set, &all, all.y);
    return memcmp(all.y, got, c->y_bytes) != 0;
}

/* One case; `scalar` is NULL where the scalar table itself is checked, against plain sums. */
static int check(const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith)
{
    call c = {.kernel = kernel, .arith = arith};
    const int sums = kernel <= LAST_SUM;
    if (is_image(kernel)) /* the scalar table has none */
        scalar = NULL;
    c.fill = (enum fill)random_between(&source, 0, ariths[arith].is_float ? FILL_COUNT - 1 : RANDOM);
    c.at_end = (int)(random_bits(&source) % 2);
    c.flags = (random_bits(&source) % 2 ? CF_ACCUMULATE : 0) | (random_bits(&source) % 2 ? CF_FAR : 0) |
              (random_bits(&source) % 2 ? CF_FAR_OUTPUTS : 0) | (random_bits(&source) % 2 ? CF_STREAM : 0);
    if (ariths[arith].parts == 2)
        c.flags |= (int)(random_bits(&source) & (CF_CONJ_SAMPLES | CF_CONJ_TAPS));
    draw_call(&c, set);
    char *before = malloc(c.y_bytes), *want = malloc(c.y_bytes), *got = malloc(c.y_bytes);
    if (!before || !want || !got)
        abort();
    memcpy(before, c.y, c.y_bytes);
    memcpy(want, before, c.y_bytes);
    uint64_t inputs = hash_inputs(&c);
    if (scalar && sums)
        run(scalar, &c, want);
    run(set, &c, c.y);
    int elsewhere = !guarded_intact(&y_slot, c.y, c.y_bytes) || hash_inputs(&c) != inputs;
    memcpy(got, c.y, c.y_bytes);
    int64_t wrong = sums                         ? differences(&c, got, scalar ? want : NULL, before)
                  : c.kernel == KERNEL_WINOGRAD ? transforms_differ(set, &c, got, before)
                                                : copies_differ(set, &c, got, want);
    int64_t placed = sums && !sums_rows(kernel) && kernel != KERNEL_COLUMNS && c.fill == RANDOM ? place_matters(set, &c, got, before) : 0;
    if (c.fill == RANDOM)
        placed += rows_differ(set, &c, got, before);
    free(before);
    free(want);
    free(got);
    if (!wrong && !placed && !elsewhere)
        return 0;
    printf("%s: %lld outputs wrong, %lld rows depend on their place%s (%s, flags %d, planes %lld, rows %lld, n %lld, outputs %lld, "
           "count %lld)\n", doing, (long long)wrong, (long long)placed, elsewhere ? ", something else changed" : "", fills[c.fill], c.flags,
           (long long)c.planes, (long long)c.rows, (long long)c.n, (long long)c.outputs, (long long)c.count);
    return 1;
}

/* ---- timing ---------------------------------------------------------------------------------------------------------------- */

/* Seconds of the call, the best of many short runs of about `amount` / 3e5 each. */
static double seconds(const cf_kernel_set *set, const call *c, double amount)
{
    double best = 1e9;
    for (int round = 0; round < 30; round++) {
        int calls = 1 + (int)(3e5 / amount);
        double start = now();
        for (int i = 0; i < calls; i++)
            run(set, c, c->y);
        double spent = (now() - start) / calls;
        best = spent < best ? spent : best;
    }
    return best;
}

/* Billions of real multiply-adds a second, or of samples copied or looked at; sizes that fit the first-level cache. */
static double speed(const cf_kernel_set *set, enum kernel kernel, cf_arith arith, int64_t taps)
{
    call c = {.kernel = kernel, .arith = arith, .fill = INTEGERS, .planes = 1, .rows = 8, .n = 480, .outputs = 8};
    source.state = 1;
    if (kernel >= KERNEL_GEMM) {
        double amount = typical_call(&c, set, taps);
        return 1e-9 * amount * (kernel <= LAST_SUM ? ariths[arith].parts * ariths[arith].parts : 1) / seconds(set, &c, amount);
    }
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
    double sums = kernel == KERNEL_DOT ? (double)(c.rows * c.n * c.outputs) : (double)(c.rows * c.n * kh * taps);
    return 1e-9 * sums * ariths[arith].parts * ariths[arith].parts / seconds(set, &c, sums);
}

static void bench(const char *isa, const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith)
{
    static const int64_t lengths[KERNEL_COUNT][3] = {{1, 3, 5}, {7, 31, 127}, {1}, {16, TERMS}, {16, TERMS}, {9, 25}, {3}, {3}, {3}, {TERMS},
                                                     {8, LINES}, {480}, {48}, {96}, {96}};
    printf("%-8s %-6s %-5s", isa, kernels[kernel], ariths[arith].name);
    for (int i = 0; i < 3 && lengths[kernel][i]; i++) {
        int64_t taps = lengths[kernel][i];
        double ours = speed(set, kernel, arith, taps), theirs = is_image(kernel) ? 0 : speed(scalar, kernel, arith, taps);
        printf(kernel == KERNEL_ROWS ? "  %lldx%lld:" : "  %lld:", (long long)taps, (long long)taps);
        printf(" %7.2f %s", ours, kernel <= LAST_SUM ? "GMAC/s" : "Gsamples/s");
        if (theirs > 0)
            printf(" (%.1fx scalar)", ours / theirs);
    }
    printf("\n");
}

/* ---- the command line ------------------------------------------------------------------------------------------------------ */

/* One kernel of one instruction set; the number of failed cases. */
static int64_t check_or_bench(const char *isa, const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith)
{
    int64_t failed = 0;
    int right, has = has_kernel(set, kernel, arith, &right);
    if (!has || !right) {
        if (!right)
            printf("%s is %s\n", kernel_name, has ? "there for a type without it" : "missing");
        return !right;
    }
    if (asked.task == BENCH)
        bench(isa, set, scalar, kernel, arith);
    for (int64_t i = 0; asked.task == CHECK && i < asked.cases && failed < 5; i++) {
        begin_case(i);
        failed += check(set, set == scalar ? NULL : scalar, kernel, arith);
    }
    return failed;
}

static int64_t all_kernels(const char *isa, const cf_kernels *ours, const cf_kernels *scalar, int64_t *tested)
{
    int64_t failed = 0;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        for (int arith = 0; arith < CF_ARITH_COUNT; arith++)
            if (wanted(tested, kernels[kernel], ariths[arith].name, isa))
                failed += check_or_bench(isa, &ours->set[arith], &scalar->set[arith], (enum kernel)kernel, (cf_arith)arith);
    return failed;
}

int main(int argc, char **argv)
{
    for (int p = 0; p < PLANES; p++)
        for (int i = 0; i < LINES; i++)
            line_slot[p][i] = guarded_make(SLOT_BYTES);
    for (int i = 0; i < LINES; i++)
        tap_slot[i] = guarded_make(SLOT_BYTES);
    y_slot = guarded_make(4 * SLOT_BYTES);
    return check_all(argc, argv, "rows_f32__avx2, line_c64__sse2, ...", all_kernels);
}
