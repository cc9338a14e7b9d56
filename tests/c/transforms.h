/* The matrices that winograd multiplies with from both sides, in plain numbers, and what checks its results. */
#ifndef TRANSFORMS_H
#define TRANSFORMS_H

#include "kernel_calls.h"

/* Those of a part with so many products: of samples, of 2 or 3 factors, to 2, 3 or 4 sums.  For 4 and 6 they are B^T, G and A^T of F(2, 3) and
 * F(4, 3) in A. Lavin and S. Gray's paper; those of 2 factors and to 3 sums are F(3, 2)'s. */
static const struct part_matrices {
    long double samples[6][6], of[2][6][3], to[3][4][6];
} part_matrices[] = {
    [3] = {.samples = {{1, -1, 0}, {0, 1, 0}, {0, 1, -1}}, .of = {{{1, 0}, {1, 1}, {0, 1}}}, .to = {{{1, 1, 0}, {0, 1, -1}}}},
    [4] = {.samples = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
           .of = {{{1, 0}, {0.5L, 0.5L}, {0.5L, -0.5L}, {0, -1}}, {{1, 0, 0}, {0.5L, 0.5L, 0.5L}, {0.5L, -0.5L, 0.5L}, {0, 0, 1}}},
           .to = {{{1, 1, 1, 0}, {0, 1, -1, -1}}, {{1, 1, 1, 0}, {0, 1, -1, 0}, {0, 1, 1, 1}}}},
    [6] = {.samples = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0},
                       {0, 4, 0, -5, 0, 1}},
           .of = {[1] = {{0.25L, 0, 0}, {-1 / 6.0L, -1 / 6.0L, -1 / 6.0L}, {-1 / 6.0L, 1 / 6.0L, -1 / 6.0L}, {1 / 24.0L, 1 / 12.0L, 1 / 6.0L},
                         {1 / 24.0L, -1 / 12.0L, 1 / 6.0L}, {0, 0, 1}}},
           .to = {[2] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}}}};

typedef struct scheme {
    int taps, stride, m, part[2], at[2], samples, points;
} scheme;

static scheme scheme_of(int id)
{
#define SCHEME(name, taps, stride, m, first, second, at)                                                                                 \
    {taps, stride, m, {first, second}, {0, at}, ((m) - 1) * (stride) + (taps), (m) + (first) - 1 + ((second) ? (m) + (second) - 1 : 0)},
    static const scheme all[] = {CF_SCHEMES(SCHEME)};
#undef SCHEME
    return all[id];
}

/* A transform along one axis: rows are what is made, columns what is taken. */
typedef struct matrix {
    int made, taken;
    long double of[CF_SIDE][CF_SIDE];
} matrix;

static matrix matrix_of(int transform, int id)
{
    const scheme s = scheme_of(id);
    matrix t = {.made = transform == CF_TO_OUTPUTS ? s.m : transform == CF_TO_TAPS ? s.taps : s.points,
                .taken = transform == CF_OF_SAMPLES ? s.samples : transform == CF_OF_TAPS ? s.taps : transform == CF_OF_OUTPUTS ? s.m : s.points};
    for (int part = 0, first = 0; part < 2 && s.part[part]; part++) {
        const int taps = s.part[part], points = s.m + taps - 1, at = s.at[part];
        const struct part_matrices *p = &part_matrices[points == 3 || points == 4 || points == 6 ? points : 3];
        const int plain = taps == 1;
        for (int i = 0; i < points; i++) {
            for (int j = 0; transform == CF_OF_SAMPLES && j < points; j++)
                t.of[first + i][at + j * s.stride] = plain ? i == j : p->samples[i][j];
            for (int j = 0; transform == CF_OF_TAPS && j < taps; j++)
                t.of[first + i][at + j * s.stride] = plain ? 1 : p->of[taps - 2][i][j];
            for (int j = 0; transform == CF_OF_OUTPUTS && j < s.m; j++)
                t.of[first + i][j] = plain ? i == j : p->of[s.m - 2][i][j];
            for (int j = 0; transform == CF_TO_OUTPUTS && j < s.m; j++)
                t.of[j][first + i] = plain ? i == j : p->to[s.m - 2][j][i];
            for (int j = 0; transform == CF_TO_TAPS && j < taps; j++)
                t.of[at + j * s.stride][first + i] = plain ? 1 : p->to[taps - 2][j][i];
        }
        first += points;
    }
    return t;
}

/* What a call does is in its kind. */
static int transform_of(const call *c) { return c->kind % 5; }
static int row_scheme_of(const call *c) { return c->kind / 5 % CF_SCHEME_COUNT; }
static int col_scheme_of(const call *c) { return c->kind / 5 / CF_SCHEME_COUNT; }

static void set_transform(call *c, int transform, int row_scheme, int col_scheme)
{
    const matrix down = matrix_of(transform, row_scheme), across = matrix_of(transform, col_scheme);
    c->kind = transform + 5 * (row_scheme + CF_SCHEME_COUNT * col_scheme);
    c->rows = down.made * across.made;
    c->count = down.taken * across.taken;
}

/* Of 4 outputs there are no gradients. */
static void draw_transform(call *c)
{
    const int transform = (int)random_between(&source, 0, 4);
    int id[2];
    for (int i = 0; i < 2; i++)
        do {
            id[i] = (int)random_between(&source, 0, CF_SCHEME_COUNT - 1);
        } while (scheme_of(id[i]).m == 4 && transform >= CF_OF_OUTPUTS);
    if (random_between(&source, 0, 1))
        id[1] = id[0];
    set_transform(c, transform, id[0], id[1]);
}

/* Outputs of the schemes from samples and taps as sums of their products, and as the sums they stand for: a wrong line of CF_SCHEMES differs. */
static int scheme_is_right(int id)
{
    const scheme s = scheme_of(id);
    const matrix of_samples = matrix_of(CF_OF_SAMPLES, id), of_taps = matrix_of(CF_OF_TAPS, id), to = matrix_of(CF_TO_OUTPUTS, id);
    for (int o = 0; o < s.m; o++)
        for (int x = 0; x < s.samples; x++)
            for (int w = 0; w < s.taps; w++) {
                long double sum = 0;
                for (int p = 0; p < s.points; p++)
                    sum += to.of[o][p] * of_samples.of[p][x] * of_taps.of[p][w];
                if (fabsl(sum - (x == o * s.stride + w)) > 1e-15L)
                    return 0;
            }
    return 1;
}

/* M x N^T, the matrices times what column `col` holds, in the widest arithmetic there is; factors of 0 take no part.  Writes to *allowed how far
 * rounding may lead away: constants and intermediate sums are rounded, a sum of tiny numbers to a multiple of the smallest. */
static long double transformed(const call *c, const matrix *down, const matrix *across, int64_t row, int64_t col, long double *allowed)
{
    const struct arith *a = &ariths[c->arith];
    const long double *rows = down->of[row / across->made], *cols = across->of[row % across->made];
    const int divides = transform_of(c) == CF_OF_TAPS && (scheme_of(row_scheme_of(c)).m == 4 || scheme_of(col_scheme_of(c)).m == 4);
    const int exact = !divides && c->fill != EXTREMES && c->fill != DENORMALS && c->fill != RANDOM;
    long double sum = 0, magnitude = 0;
    for (int i = 0; i < down->taken; i++)
        for (int j = 0; j < across->taken; j++) {
            if (rows[i] == 0 || cols[j] == 0)
                continue;
            const char *x = (const char *)c->lines[0][0] + (c->at[i * across->taken + j] + col) * (int64_t)a->size;
            long double term = rows[i] * cols[j] * (long double)get(c->arith, x);
            sum += term;
            magnitude += fabsl(term);
        }
    *allowed = exact ? 0 : 8 * (long double)a->eps * magnitude + 64 * (long double)a->least;
    return sum;
}

/* Numbers that winograd made wrong, zeros up to a whole vector among them, and bytes that it should have left alone. */
static int64_t transforms_differ(const cf_kernel_set *set, const call *c, const char *got, const char *before)
{
    const int64_t size = (int64_t)sample_size(c), whole = whole_vectors(c->n, set->lanes), end = whole <= c->outputs ? whole : c->n;
    const matrix down = matrix_of(transform_of(c), row_scheme_of(c)), across = matrix_of(transform_of(c), col_scheme_of(c));
    int64_t wrong = !scheme_is_right(row_scheme_of(c));
    for (int64_t r = 0; r < c->rows; r++) {
        const int64_t row = r * c->y_row * size, gap = row + end * size;
        for (int64_t i = 0; i < end; i++) {
            long double tolerance = 0, y = (long double)get(c->arith, got + row + i * size);
            long double sum = i < c->n ? transformed(c, &down, &across, r, i, &tolerance) : 0;
            wrong += isnan(sum) ? !isnan(y) : !(y == sum || fabsl(y - sum) <= tolerance);
        }
        wrong += r + 1 < c->rows && memcmp(got + gap, before + gap, (size_t)((c->y_row - end) * size)) != 0;
    }
    return wrong;
}

#endif
