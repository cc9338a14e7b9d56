/* Convolution by transforms, forward: overlap-save in blocks of one, two and three dimensions (core/blocks.h), on products of polynomials
 * (cf_fft of kernels/table.h).
 *
 * A real block of 2n samples is a polynomial modulo t^2n + 1 = (t^n - i)(t^n + i), and so one of n complex coefficients modulo t^n - i, whose real
 * parts are the first half of the samples and whose imaginary parts the second: one block at a time, no other one is needed beside it. A
 * complex block of n samples is one modulo t^n - 1.  Tap j of a kernel is t^-j, so that output o stands at place o.  Rows of a block in more
 * dimensions follow each other with what they overlap, and so do those of the kernel, `step` places apart.
 *
 * Sums of several terms (input channels, classes of taps of strided problems, parts of long kernels) add up before the way back.
 *
 * Float64 inside but for precision "fast", so that float32 results are rounded about once.  A block with a NaN, an Inf or an overflow is summed
 * directly afterwards.  Integers are rounded where the errors' bound
 *     8 eps log2(2n) sum over terms ||x||_2 ||v||_2  (C. Percival, "Rapid multiplication modulo the sum and difference of highly composite numbers",
 * Math. Comp. 72, 2003, theorem 5.1, has 6.4 for the radix-2 transform) is below 1/2, and summed directly elsewhere. */
#include "../core/blocks.h"
#include "../core/border.h"
#include "../core/helix.h"
#include "../core/planes.h"
#include "../core/roots.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_PARTS = 8,      /* of a block's samples: quarters or thirds of the real parts, then of the imaginary parts */
    STRETCH_BYTES = 2048 /* of each part at a time, so that they are still near when they are used */
};

static int size_of(cf_arith inside) { return inside == CF_F32 ? (int)sizeof(float) : (int)sizeof(double); }

static int rounds(const cf_dtype *d) { return !d->is_float; }
static int is_plain(const cf_dtype *d) { return d->id == CORRFAST_FLOAT32 || d->id == CORRFAST_FLOAT64; }

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    cf_blocks b;
    int ways;                 /* of the first level: 4, or 3 where n is no power of two */
    const void *open, *roots[4]; /* of the first level, and of each of its factors */
    int single, sample;       /* sample: bytes of one on its way */
    int64_t places;           /* of a block: samples */
    int64_t stretch;          /* of each part at a time */
    char *spectra;            /* of the kernel, a factor for each group, output channel and term; then their norms */
    double *norms;
    unsigned char *poisoned;  /* of each piece: to be summed directly */
    size_t x_bytes, sum_bytes, line_bytes, raw_bytes, part_bytes;
} job;

static void make_job(const cf_plan *plan, const cf_arrays *arrays, job *j)
{
    const cf_shape *s = &plan->task.shape;
    const cf_dtype *d = plan->task.dtype;
    memset(j, 0, sizeof *j);
    j->plan = plan;
    j->arrays = arrays;
    memcpy(&j->b, plan->decided, sizeof j->b);
    j->ways = j->b.n % 3 ? 4 : 3;
    j->single = cf_planes_are_single(d);
    j->sample = j->single ? (int)sizeof(float) : (int)sizeof(double);
    j->places = d->is_complex ? j->b.n : 2 * j->b.n;
    const size_t point = (size_t)(2 * j->b.n * size_of(j->b.inside));
    j->x_bytes = cf_round64(point * (size_t)(s->cout > 1 ? j->b.terms : 1));
    j->sum_bytes = j->b.terms > 1 || s->cout > 1 ? point : 0;
    j->stretch = j->b.n / j->ways;
    if (!plan->task.far && (j->b.reach[0] > 1 || j->b.reach[1] > 1)) /* rows from memory are better taken one after the other */
        j->stretch = cf_min(j->stretch, STRETCH_BYTES / size_of(j->b.inside));
    j->part_bytes = cf_round64((size_t)(j->stretch * j->sample));
    j->line_bytes = is_plain(d) ? 0 : cf_round64((size_t)(cf_max(j->b.reach[2], j->b.taps[2]) * d->arith_size));
    j->raw_bytes = cf_converts(d) ? cf_round64((size_t)(j->b.reach[2] * d->size)) : 0;
}

static int64_t factor_bytes(const job *j) { return 4 * j->b.n * size_of(j->b.inside); }

static int64_t count_factors(const job *j)
{
    const cf_shape *s = &j->plan->task.shape;
    return s->groups * s->cout * j->b.terms;
}

static int64_t count_pieces(const job *j)
{
    const cf_shape *s = &j->plan->task.shape;
    int64_t count = s->batch * s->groups;
    for (int i = 0; i < 3; i++)
        count *= j->b.phases[i] * j->b.count[i];
    return count;
}

static const cf_fft *fft_of(const job *j) { return &j->plan->kernels->set[j->b.inside].fft; }

/* One worker's memory. */
typedef struct stage {
    const job *job;
    char *x, *sum, *parts, *line, *raw; /* parts: stretches of samples on their way in, or out */
} stage;

static size_t worker_bytes(const job *j) { return j->x_bytes + j->sum_bytes + MOST_PARTS * j->part_bytes + j->line_bytes + j->raw_bytes; }

static stage stage_at(const job *j, char *memory)
{
    stage s = {.job = j, .x = memory};
    s.sum = j->sum_bytes ? memory + j->x_bytes : s.x;
    s.parts = memory + j->x_bytes + j->sum_bytes;
    s.line = s.parts + MOST_PARTS * j->part_bytes;
    s.raw = s.line + j->line_bytes;
    return s;
}

/* ---- samples in, samples out ----------------------------------------------------------------------------------------------- */

/* A block of outputs, or one of the terms of its sum. */
typedef struct block {
    int64_t batch, group;
    int64_t first[3], outputs[3]; /* of the phase that begins at `phase` */
    int64_t phase[3];
    int64_t ci, tap[3], taps[3]; /* of the term: its first tap in each axis' class, which begins at `class` */
    int64_t class[3];
} block;

static void place_term(const job *j, int64_t term, block *b)
{
    const cf_axis *a = j->plan->task.shape.axis;
    for (int i = 2; i >= 0; i--) {
        b->class[i] = cf_take_digit(&term, j->b.classes[i]);
        b->tap[i] = cf_take_digit(&term, j->b.parts[i]) * j->b.taps[i];
        b->taps[i] = cf_clamp(cf_ceil_div(a[i].k - b->class[i], j->b.classes[i]) - b->tap[i], 0, j->b.taps[i]);
    }
    b->ci = term;
}

/* Sum of squares: four at a time, for it is one long chain of additions else. */
static double squares(const void *from, int64_t n)
{
    const double *x = from;
    double sum[4] = {0, 0, 0, 0};
    for (int64_t i = 0; i < n; i++)
        sum[i & 3] += x[i] * x[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static cf_helix helix_of(const stage *s)
{
    const job *j = s->job;
    const cf_task *t = &j->plan->task;
    return (cf_helix){.shape = &t->shape, .dtype = t->dtype, .cval = t->cval, .plain = is_plain(t->dtype), .zeros = t->pads_with_zero,
                      .far = t->far, .conjugates = (t->conjugate & CORRFAST_CONJ_INPUT) != 0, .plane = j->b.step[0], .row = j->b.step[1],
                      .line = s->line, .raw = s->raw};
}

/* Parts of a block hold real samples, or the first half of them real and the second imaginary parts. */
static int count_planes(const job *j) { return j->plan->task.dtype->is_complex ? j->ways : 2 * j->ways; }

/* What a term of a block reads, opened to x; returns the sum of its squares, if these are wanted. */
static double open_term(stage *s, const block *b, char *x)
{
    const job *j = s->job;
    const cf_task *t = &j->plan->task;
    const cf_axis *a = t->shape.axis;
    const int64_t part = j->b.n / j->ways;
    cf_helix h = helix_of(s);
    h.at = (char *)j->arrays->input + cf_x_at(&t->shape, b->batch, b->group, b->ci) * t->dtype->size;
    for (int i = 0; i < 3; i++) {
        h.first[i] = (b->phase[i] + (b->first[i] ? b->first[i] * j->b.phases[i] : 0)) * a[i].stride +
                     (b->class[i] + (b->tap[i] ? b->tap[i] * j->b.classes[i] : 0)) * a[i].dilation - a[i].lo;
        h.gap[i] = j->b.gap[i];
        h.n[i] = b->taps[i] ? cf_min(b->outputs[i] + b->taps[i] - 1, j->b.reach[i]) : 0;
    }
    const char *row = h.n[0] * h.n[1] == 1 ? cf_helix_find(&h, 0, h.n[2]) : NULL; /* the only one */
    double sum = 0;
    for (int64_t at = 0; at < part; at += j->stretch) {
        const int64_t count = cf_min(j->stretch, part - at);
        const void *from[MOST_PARTS];
        for (int p = 0; p < count_planes(j); p++) {
            const int64_t place = p * part + at;
            char *own = s->parts + (size_t)p * j->part_bytes, *im = t->dtype->is_complex ? own + (size_t)j->ways * j->part_bytes : NULL;
            from[p] = !row ? cf_helix_find(&h, place, count) : place + count <= h.n[2] ? row + place * j->sample : NULL;
            if (!from[p]) {
                cf_helix_read(&h, place, count, own, im);
                from[p] = own;
            }
            if (im)
                from[p + j->ways] = im;
            if (rounds(t->dtype))
                sum += squares(from[p], count);
        }
        fft_of(j)->open(j->open, j->ways, j->b.n, at, count, from, j->single && j->b.inside == CF_F64, x);
    }
    return sum;
}

/* One output channel of a block, from its sum; whether it is finite. */
static int close_channel(stage *s, const block *b, int64_t co)
{
    const job *j = s->job;
    const cf_task *t = &j->plan->task;
    const cf_axis *a = t->shape.axis;
    cf_finite_fn *finite = j->plan->kernels->set[j->single ? CF_F32 : CF_F64].finite;
    const int64_t part = j->b.n / j->ways;
    cf_helix h = helix_of(s);
    int64_t first = cf_y_at(&t->shape, b->batch, b->group, co);
    for (int i = 0; i < 3; i++) {
        h.n[i] = b->outputs[i];
        h.stride[i] = b->outputs[i] > 1 ? a[i].ys * j->b.phases[i] : 0;
        first += (b->phase[i] + (b->first[i] ? b->first[i] * j->b.phases[i] : 0)) * a[i].ys;
    }
    h.at = (char *)j->arrays->output + first * t->dtype->size;
    char *row = h.n[0] * h.n[1] == 1 ? cf_helix_aim(&h, 0, h.n[2]) : NULL;
    int right = 1;
    for (int64_t at = 0; at < part; at += j->stretch) {
        const int64_t count = cf_min(j->stretch, part - at);
        void *to[MOST_PARTS];
        unsigned aside = 0; /* parts that are not where they belong yet */
        for (int p = 0; p < 2 * j->ways; p++) {
            const int64_t place = p * part + at;
            to[p] = !row ? cf_helix_aim(&h, place, count) : place + count <= h.n[2] ? row + place * j->sample : NULL;
            if (!to[p]) {
                to[p] = s->parts + (size_t)p * j->part_bytes;
                aside |= 1u << p;
            }
        }
        fft_of(j)->close(j->open, j->ways, j->b.n, at, count, s->sum, to, j->single && j->b.inside == CF_F64);
        for (int p = 0, next; p < 2 * j->ways && !rounds(t->dtype); p = next) { /* those that follow each other at once */
            for (next = p + 1; next < 2 * j->ways && (char *)to[next] == (char *)to[p] + (next - p) * count * j->sample; next++)
                continue;
            right &= finite(to[p], (next - p) * count);
        }
        for (int p = 0; p < count_planes(j); p++)
            if (aside >> p & 1)
                cf_helix_write(&h, p * part + at, count, to[p], t->dtype->is_complex ? to[p + j->ways] : NULL);
    }
    return right;
}

/* ---- a block --------------------------------------------------------------------------------------------------------------- */

/* All factors of the first level. */
static void levels(const job *j, char *x, const char *factor, char *y, int steps, const cf_fft_ahead *ahead)
{
    const int64_t n = j->b.n / j->ways, size = size_of(j->b.inside);
    for (int k = 0; k < j->ways; k++) {
        cf_fft_ahead own;
        if (ahead) {
            const int64_t at = k * n / fft_of(j)->unit * ahead->bytes;
            own = (cf_fft_ahead){ahead->samples + at, ahead->outputs + at, ahead->bytes};
        }
        fft_of(j)->levels(j->roots[k], j->ways == 4 ? 4 + k : 1, n, x + 2 * k * n * size, factor ? factor + 4 * k * n * size : NULL,
                          y + 2 * k * n * size, steps, ahead ? &own : NULL);
    }
}

static const char *factor_at(const job *j, int64_t group, int64_t co, int64_t term)
{
    return j->spectra + ((group * j->plan->task.shape.cout + co) * j->b.terms + term) * factor_bytes(j);
}

static double norm_at(const job *j, int64_t group, int64_t co, int64_t term)
{
    return j->norms[(group * j->plan->task.shape.cout + co) * j->b.terms + term];
}

/* The samples and outputs of the block after b, in a row that is in no near cache; 0: there are none.  Rows of blocks in more dimensions, a few lines
 * at a time likewise: 2048 x 2048 3 % faster, 128 x 128 x 128 9 % slower (Zen 4). */
static int look_ahead(const job *j, const block *b, cf_fft_ahead *ahead)
{
    const cf_task *t = &j->plan->task;
    const cf_axis *a = &t->shape.axis[2];
    const int64_t first = b->first[2] + j->b.len[2], start = first - a->lo + j->b.reach[2] - j->b.len[2];
    if (!t->far || !is_plain(t->dtype) || j->b.reach[0] * j->b.reach[1] > 1 || a->stride > 1 || a->dilation > 1 || a->xs != 1 || a->ys != 1 ||
        first + j->places > a->m || start < 0 || start + j->places > a->n)
        return 0;
    ahead->samples = (const char *)j->arrays->input + (cf_x_at(&t->shape, b->batch, b->group, 0) + start) * t->dtype->size;
    ahead->outputs = (const char *)j->arrays->output + (cf_y_at(&t->shape, b->batch, b->group, 0) + first) * t->dtype->size;
    ahead->bytes = 2 * fft_of(j)->unit * t->dtype->size;
    return 1;
}

/* Whether integers are right: whether the bound of what an output can be off is below 1/2. */
static int is_exact(const job *j, double error)
{
    return !rounds(j->plan->task.dtype) || 8 * 2.220446049250313e-16 * log2(2 * (double)j->b.n) * error < 0.49;
}

/* All output channels of a block; 0: some of them have to be summed directly. */
static int solve_block(stage *s, block *b, cf_worker *worker)
{
    const job *j = s->job;
    const cf_shape *shape = &j->plan->task.shape;
    const int64_t point = 2 * j->b.n * size_of(j->b.inside);
    const double work = 30 * (double)j->b.n;
    const int keeps = shape->cout > 1, once = !keeps && j->b.terms == 1;
    double error = 0;
    int right = 1;
    for (int64_t term = 0; term < j->b.terms; term++) {
        const char *factor = keeps ? NULL : factor_at(j, b->group, 0, term);
        place_term(j, term, b);
        char *x = s->x + (keeps ? term * point : 0);
        const double norm = sqrt(open_term(s, b, x));
        if (rounds(j->plan->task.dtype)) {
            double worst = 0;
            for (int64_t co = 0; co < shape->cout; co++)
                worst = fmax(worst, norm_at(j, b->group, co, term));
            if (!is_exact(j, error += norm * worst))
                return 0;
        }
        cf_fft_ahead ahead;
        levels(j, x, factor, x, once ? CF_FFT_SPLIT | CF_FFT_MULTIPLY | CF_FFT_JOIN : CF_FFT_SPLIT, once && look_ahead(j, b, &ahead) ? &ahead : NULL);
        if (!keeps && !once)
            levels(j, s->x, factor, s->sum, (term ? CF_FFT_ADD : CF_FFT_MULTIPLY) | (term == j->b.terms - 1 ? CF_FFT_JOIN : 0), NULL);
        if (cf_poll(worker, work))
            return 1;
    }
    for (int64_t co = 0; co < shape->cout; co++) {
        for (int64_t term = 0; keeps && term < j->b.terms; term++)
            levels(j, s->x + term * point, factor_at(j, b->group, co, term), s->sum,
                   (term ? CF_FFT_ADD : CF_FFT_MULTIPLY) | (term == j->b.terms - 1 ? CF_FFT_JOIN : 0), NULL);
        right &= close_channel(s, b, co);
        if (cf_poll(worker, work))
            return 1;
    }
    return right;
}

static void place_block(const job *j, int64_t index, block *b)
{
    const cf_axis *a = j->plan->task.shape.axis;
    for (int i = 2; i >= 0; i--) {
        b->first[i] = cf_take_digit(&index, j->b.count[i]) * j->b.len[i];
        b->phase[i] = cf_take_digit(&index, j->b.phases[i]);
        b->outputs[i] = cf_clamp(cf_ceil_div(a[i].m - b->phase[i], j->b.phases[i]) - b->first[i], 0, j->b.len[i]);
    }
    b->group = cf_take_digit(&index, j->plan->task.shape.groups);
    b->batch = index;
}

static int is_empty(const block *b) { return b->outputs[0] < 1 || b->outputs[1] < 1 || b->outputs[2] < 1; }

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    stage s = stage_at(j, worker->scratch);
    block b;
    place_block(j, index, &b);
    if (!is_empty(&b) && !solve_block(&s, &b, worker))
        j->poisoned[index] = 1;
}

/* ---- the kernel ------------------------------------------------------------------------------------------------------------ */

/* A row of taps, `apart` samples from each other, backwards from place `end` on, which is place 0 if there are no more. */
static void place_row(const job *j, char *places, int64_t end, const char *row, int64_t apart, int64_t taps)
{
    const int64_t wraps = end == j->places;
    if (taps < 1)
        return;
    cf_copy_strided(places + (end - taps + 1) * j->sample, 1, row + (taps - 1) * apart * j->sample, -apart, taps - wraps, j->sample);
    if (wraps)
        memcpy(places, row, (size_t)j->sample);
}

/* Tap (i, j, k) at place -(i*step[0] + j*step[1] + k), where t^places is 1 for complex blocks and -1 for real ones: all but the first change
 * their signs there.  Instead the first does, and then the whole factor. */
static void place_taps(const stage *s, const block *b, const char *kernel, char *places)
{
    const job *j = s->job;
    const cf_task *t = &j->plan->task;
    const cf_axis *a = t->shape.axis;
    const int plain = is_plain(t->dtype);
    char *imaginary = places + j->b.n * j->sample;
    memset(places, 0, (size_t)(2 * j->b.n * j->sample));
    for (int64_t u = 0; u < b->taps[0]; u++)
        for (int64_t v = 0; v < b->taps[1]; v++) {
            const char *line = kernel + ((b->class[0] + (b->tap[0] + u) * j->b.classes[0]) * a[0].ws +
                                         (b->class[1] + (b->tap[1] + v) * j->b.classes[1]) * a[1].ws +
                                         (b->class[2] + b->tap[2] * j->b.classes[2]) * a[2].ws) * t->dtype->size;
            const int64_t end = j->places - (u * j->b.step[0] + v * j->b.step[1]), apart = b->taps[2] > 1 ? a[2].ws * j->b.classes[2] : 1;
            if (cf_converts(t->dtype))
                cf_widen(t->dtype, s->line, line, apart, b->taps[2]);
            else if (!plain)
                cf_copy_strided(s->line, 1, line, apart, b->taps[2], t->dtype->size);
            if (!plain) /* by way of x, which is free as yet */
                cf_planes_put(t->dtype, s->x, s->x + j->b.n * j->sample, s->line, b->taps[2]);
            place_row(j, places, end, plain ? line : s->x, plain ? apart : 1, b->taps[2]);
            if (t->dtype->is_complex)
                place_row(j, imaginary, end, s->x + j->b.n * j->sample, 1, b->taps[2]);
        }
    if (!t->dtype->is_complex)
        cf_planes_negate(t->dtype, places, 1);
    else if (t->conjugate & CORRFAST_CONJ_KERNEL)
        cf_planes_negate(t->dtype, imaginary, j->places);
}

static void pack_factor(const job *j, int64_t index, cf_worker *worker)
{
    const cf_shape *shape = &j->plan->task.shape;
    const stage s = stage_at(j, worker->scratch);
    const int64_t channel = index / j->b.terms, part = j->b.n / j->ways, size = size_of(j->b.inside);
    char *factor = j->spectra + index * factor_bytes(j); /* its place has room for its samples too */
    const void *from[MOST_PARTS];
    block b = {0};
    place_term(j, index % j->b.terms, &b);
    const int64_t at = cf_w_at(shape, channel / shape->cout, channel % shape->cout, b.ci);
    place_taps(&s, &b, (const char *)j->arrays->kernel + at * j->plan->task.dtype->size, factor);
    if (rounds(j->plan->task.dtype))
        j->norms[index] = sqrt(squares(factor, j->places));
    for (int p = 0; p < 2 * j->ways; p++)
        from[p] = factor + p * part * j->sample;
    fft_of(j)->open(j->open, j->ways, j->b.n, 0, part, from, j->single && j->b.inside == CF_F64, s.x);
    levels(j, s.x, NULL, s.x, CF_FFT_SPLIT, NULL);
    const double scale = (double)fft_of(j)->leaf / (double)j->b.n;
    for (int k = 0; k < j->ways; k++)
        fft_of(j)->spread(j->roots[k], j->ways == 4 ? 4 + k : 1, part, s.x + 2 * k * part * size,
                          j->plan->task.dtype->is_complex ? scale : -scale, factor + 4 * k * part * size);
}

/* Packers share the factors: no more of them than runs have pieces, whose threads and memory are stated. */
static int64_t count_packers(const job *j) { return cf_max(1, cf_min(count_factors(j), count_pieces(j))); }

static void pack_factors(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const int64_t count = count_factors(j), packers = count_packers(j), end = count / packers * (index + 1) + cf_min(count % packers, index + 1);
    for (int64_t i = count / packers * index + cf_min(count % packers, index); i < end; i++) {
        pack_factor(j, i, worker);
        if (cf_poll(worker, 30 * (double)j->b.n))
            return;
    }
}

static void set_spectra(job *j, void *packed)
{
    j->spectra = packed;
    j->norms = (double *)(void *)(j->spectra + count_factors(j) * factor_bytes(j));
}

/* A real block is a polynomial modulo t^n - e^(2 pi i 3/12), a complex one modulo t^n - 1. */
static int find_roots(job *j)
{
    const int turns = j->plan->task.dtype->is_complex ? 0 : 3;
    const char *own = cf_roots(j->b.inside, turns, j->ways == 4 ? j->b.n / fft_of(j)->leaf : 2);
    j->open = own && j->ways == 4 ? own + 6 * size_of(j->b.inside) : own;
    for (int k = 0; k < j->ways && own; k++)
        if (!(j->roots[k] = j->ways == 4 ? own : cf_roots(j->b.inside, turns / 3 + 4 * k, j->b.n / 3 / fft_of(j)->leaf)))
            return CORRFAST_ERR_MEMORY;
    return own ? CORRFAST_OK : CORRFAST_ERR_MEMORY;
}

static int pack(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run)
{
    job j;
    make_job(plan, arrays, &j);
    set_spectra(&j, to);
    int status = find_roots(&j);
    return status ? status : cf_run_pieces(run, count_packers(&j), plan->seconds / 4, worker_bytes(&j), pack_factors, &j);
}

static size_t packed(const cf_plan *plan)
{
    job j;
    make_job(plan, NULL, &j);
    return (size_t)(count_factors(&j) * (factor_bytes(&j) + (rounds(plan->task.dtype) ? (int64_t)sizeof(double) : 0)));
}

/* ---- the method ------------------------------------------------------------------------------------------------------------ */

static int supports(const cf_task *t)
{
    for (int i = 0; i < 3; i++)
        if (t->shape.axis[i].m < 1 || t->shape.axis[i].k < 1 || t->shape.axis[i].n < 1)
            return 0;
    return t->pass == CORRFAST_FORWARD && t->dtype->arith != CF_NO_ARITH && t->shape.cin >= 1 && t->shape.cout >= 1 &&
           !(t->precision == CORRFAST_EXACT && t->dtype->is_float);
}

static double seconds(const cf_task *t, const cf_kernels *kernels)
{
    cf_blocks b;
    return cf_blocks_choose(t, kernels, &b) ? b.seconds : CF_NEVER;
}

_Static_assert(sizeof(cf_blocks) <= sizeof((cf_plan){0}.decided), "room for what is decided");
static double decide(const cf_task *t, const cf_kernels *kernels, void *decided)
{
    cf_blocks b = {.seconds = 0};
    const int fits = cf_blocks_choose(t, kernels, &b);
    memcpy(decided, &b, sizeof b);
    return fits ? b.seconds : CF_NEVER;
}

static int64_t pieces(const cf_plan *plan)
{
    job j;
    make_job(plan, NULL, &j);
    return count_pieces(&j);
}

static size_t scratch(const cf_plan *plan)
{
    job j;
    make_job(plan, NULL, &j);
    return worker_bytes(&j);
}

static size_t shared(const cf_plan *plan)
{
    return (size_t)pieces(plan);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    job j;
    make_job(plan, NULL, &j);
    snprintf(text, size, "blocks of %lld x %lld x %lld outputs, transforms of %lld complex points in %s", (long long)j.b.len[0],
             (long long)j.b.len[1], (long long)j.b.len[2], (long long)j.b.n, j.b.inside == CF_F32 ? "float32" : "float64");
}

/* Sums a block directly, as a problem of its own. */
static int sum_directly(const job *j, int64_t index, cf_run *run)
{
    const cf_task *t = &j->plan->task;
    cf_shape s = t->shape;
    block b;
    cf_plan child;
    place_block(j, index, &b);
    int64_t y = cf_y_at(&s, b.batch, b.group, 0), w = cf_w_at(&s, b.group, 0, 0), x = cf_x_at(&s, b.batch, b.group, 0);
    s.batch = s.groups = 1;
    for (int i = 0; i < 3; i++) {
        cf_axis *a = &s.axis[i];
        const int64_t first = b.phase[i] + (b.first[i] ? b.first[i] * j->b.phases[i] : 0);
        y += first * a->ys;
        a->lo -= first * a->stride;
        a->m = b.outputs[i];
        a->stride = a->m > 1 ? a->stride * j->b.phases[i] : 1;
        a->ys = a->m > 1 ? a->ys * j->b.phases[i] : 0;
    }
    const cf_arrays arrays = {(char *)j->arrays->input + x * t->dtype->size, (char *)j->arrays->kernel + w * t->dtype->size,
                              (char *)j->arrays->output + y * t->dtype->size};
    int status = cf_plan_child(j->plan, &s, CORRFAST_FORWARD, t->conjugate, CORRFAST_DIRECT, NULL, &child);
    return status ? status : cf_plan_run(&child, &arrays, run);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    job j;
    make_job(plan, arrays, &j);
    const int64_t count = count_pieces(&j);
    int status = find_roots(&j);
    if (status)
        return status;
    if (!cf_kernel_is_finite(plan, arrays)) {
        cf_plan child;
        status = cf_plan_child(plan, &plan->task.shape, CORRFAST_FORWARD, plan->task.conjugate, CORRFAST_DIRECT, NULL, &child);
        return status ? status : cf_plan_run(&child, arrays, run);
    }
    set_spectra(&j, plan->packed);
    if (!(j.poisoned = cf_memory_take(&run->memory, (size_t)count)))
        return CORRFAST_ERR_MEMORY;
    memset(j.poisoned, 0, (size_t)count);
    status = cf_run_pieces(run, count, plan->seconds, worker_bytes(&j), piece, &j);
    for (int64_t i = 0; i < count && !status; i++)
        if (j.poisoned[i])
            status = sum_directly(&j, i, run);
    cf_memory_give(&run->memory, j.poisoned, (size_t)count);
    return status;
}

const cf_method cf_method_fft = {
    .name = "fft", .id = CORRFAST_FFT, .listed = 1, .supports = supports, .seconds = seconds, .least = cf_blocks_least, .decide = decide,
    .scratch = scratch, .shared = shared, .packed = packed, .pack = pack, .pieces = pieces, .describe = describe, .run = run,
};
