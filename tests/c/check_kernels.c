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
#include "../../src_c/runtime/dispatch.h"
#include "product_calls.h"

#include <getopt.h>
#include <signal.h>
#include <time.h>

static char doing[512]; /* said by the signal handler */

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
    for (int64_t k = 0; c->kernel == KERNEL_GEMM && k < c->count; k++)
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
static int check(const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith, uint64_t case_seed)
{
    source.state = case_seed;
    call c = {.kernel = kernel, .arith = arith};
    const int sums = kernel <= LAST_SUM;
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
                  : c.kernel == KERNEL_WINOGRAD ? transforms_differ(&c, got, before)
                                                : copies_differ(set, &c, got, want);
    int64_t placed = sums && !sums_rows(kernel) && c.fill == RANDOM ? place_matters(set, &c, got, before) : 0;
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

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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
    static const int64_t lengths[KERNEL_COUNT][3] = {{1, 3, 5}, {7, 31, 127}, {1}, {16, TERMS}, {9, 25}, {TERMS},
                                                     {8, LINES}, {480}, {48}, {96}, {96}};
    printf("%-8s %-6s %-5s", isa, kernels[kernel], ariths[arith].name);
    for (int i = 0; i < 3 && lengths[kernel][i]; i++) {
        int64_t taps = lengths[kernel][i];
        double ours = speed(set, kernel, arith, taps), theirs = speed(scalar, kernel, arith, taps);
        printf(kernel == KERNEL_ROWS ? "  %lldx%lld:" : "  %lld:", (long long)taps, (long long)taps);
        printf(" %7.2f %s (%.1fx scalar)", ours, kernel <= LAST_SUM ? "GMAC/s" : "Gsamples/s", ours / theirs);
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
           "Checks each kernel (rows_f32__avx2, line_c64__sse2, ...) of each instruction set that this CPU has.\n"
           "  --seed     of the first case; printed, so that a failure can be had again (default: the time)\n"
           "  --cases    of each kernel (default 1000)\n"
           "  --require  instruction sets without which the check counts as failed\n"
           "  --bench    times the same calls instead\n", program);
    return status;
}

static struct {
    uint64_t seed;
    int64_t cases;
    const char *isa, *test, *required;
    enum { CHECK, BENCH, LIST } task;
} asked = {.cases = 1000, .test = "", .required = ""};

/* 0, or the exit status that the command line asks for, plus 1. */
static int parse(int argc, char **argv)
{
    enum { SEED = 1, CASES, ISA, TEST, REQUIRE, BENCHING, LISTING, HELP };
    static const struct option options[] = {{"seed", 1, NULL, SEED}, {"cases", 1, NULL, CASES}, {"isa", 1, NULL, ISA},
                                            {"test", 1, NULL, TEST}, {"require", 1, NULL, REQUIRE}, {"bench", 0, NULL, BENCHING},
                                            {"list", 0, NULL, LISTING}, {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};
    char *end = "";
    asked.seed = (uint64_t)time(NULL);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case SEED: asked.seed = strtoull(optarg, &end, 0); break;
        case CASES: asked.cases = strtoll(optarg, &end, 0); break;
        case ISA: asked.isa = optarg; break;
        case TEST: asked.test = optarg; break;
        case REQUIRE: asked.required = optarg; break;
        case BENCHING: asked.task = BENCH; break;
        case LISTING: asked.task = LIST; break;
        case HELP: return 1 + help(argv[0], 0);
        default: return 1 + help(argv[0], 2);
        }
        if (*end || asked.cases < 1) {
            printf("check_kernels: %s is no such number\n", optarg);
            return 1 + help(argv[0], 2);
        }
    }
    return optind < argc ? 1 + help(argv[0], 2) : 0;
}

/* One kernel of one instruction set; the number of failed cases. */
static int64_t work_on(const char *isa, const cf_kernel_set *set, const cf_kernel_set *scalar, enum kernel kernel, cf_arith arith)
{
    int64_t failed = 0;
    int right, has = has_kernel(set, kernel, arith, &right);
    if (!has || !right) {
        if (!right)
            printf("%s_%s__%s is %s\n", kernels[kernel], ariths[arith].name, isa, has ? "there for a type without it" : "missing");
        return !right;
    }
    if (asked.task == BENCH)
        bench(isa, set, scalar, kernel, arith);
    for (int64_t i = 0; asked.task == CHECK && i < asked.cases && failed < 5; i++) {
        uint64_t seed = asked.seed + (uint64_t)i;
        snprintf(doing, sizeof doing, "--test %s_%s__%s --seed %llu --cases 1", kernels[kernel], ariths[arith].name, isa,
                 (unsigned long long)seed);
        failed += check(set, set == scalar ? NULL : scalar, kernel, arith, seed);
    }
    return failed;
}

/* The required instruction sets that are not in `ran`, a list in commas. */
static int64_t missing(const char *ran)
{
    int64_t count = 0;
    for (const char *name = asked.required; *name;) {
        size_t length = strcspn(name, ",");
        char wanted[64];
        snprintf(wanted, sizeof wanted, ",%.*s,", (int)length, name);
        if (!strstr(ran, wanted)) {
            printf("check_kernels: %.*s was required and did not run\n", (int)length, name);
            count++;
        }
        name += length + (name[length] == ',');
    }
    return count;
}

int main(int argc, char **argv)
{
    int64_t failed = 0, all = 0;
    char ran[256] = ",";
    const char *isa;
    const cf_kernels *scalar = NULL;
    int leave = parse(argc, argv);
    if (leave)
        return leave - 1;
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
    if (asked.task == CHECK)
        printf("check_kernels: --seed %llu --cases %lld\n", (unsigned long long)asked.seed, (long long)asked.cases);
    for (int i = 0; (isa = corrfast_isa_info(i, NULL, NULL)); i++)
        if (strcmp(isa, "scalar") == 0)
            scalar = cf_kernels_of(i);
    for (int i = 0, usable; (isa = corrfast_isa_info(i, &usable, NULL)); i++) {
        int64_t tested = 0, bad = 0;
        if (asked.isa && strcmp(asked.isa, isa) != 0)
            continue;
        if (!usable) {
            printf("%-8s could not run: this CPU does not have it\n", isa);
            continue;
        }
        for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
            for (int arith = 0; arith < CF_ARITH_COUNT; arith++) {
                char name[64];
                snprintf(name, sizeof name, "%s_%s__%s", kernels[kernel], ariths[arith].name, isa);
                if (!strstr(name, asked.test))
                    continue;
                if (asked.task == LIST)
                    printf("%s\n", name);
                bad += work_on(isa, &cf_kernels_of(i)->set[arith], &scalar->set[arith], (enum kernel)kernel, (cf_arith)arith);
                tested++;
            }
        if (tested && asked.task == CHECK)
            printf("%-8s ran: %lld kernels, %lld cases each, %lld failed\n", isa, (long long)tested, (long long)asked.cases, (long long)bad);
        if (tested)
            snprintf(ran + strlen(ran), sizeof ran - strlen(ran), "%s,", isa);
        failed += bad;
        all += tested;
    }
    failed += missing(ran);
    if (!all)
        printf("check_kernels: no kernel has that name and instruction set here\n");
    else if (asked.task == CHECK)
        printf("check_kernels: %lld cases, %lld failed\n", (long long)(all * asked.cases), (long long)failed);
    return failed || !all;
}
