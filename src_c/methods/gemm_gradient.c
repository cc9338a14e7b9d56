/* Many channels, the gradient of the kernel: a matrix product whose sum runs over pixels.
 *
 *     w[co][k] = sum_pixel  g[co][pixel] x[k][pixel],   k = (input channel, tap)
 *
 * with x from a slab (core/slab.h).  The rows of one of the two factors are read where they lie, by the offsets of the pixels; those of the
 * other are turned into columns, some hundred pixels at a time.  Whichever has fewer rows is turned: then the result is w, or its transpose,
 * which is turned at the end.
 *
 * Each element sums image after image, block after block, in the order of the pixels: how channels are divided among threads, and which
 * factor is turned, changes no bit. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/slab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PANEL_BYTES = 24 * 1024, /* of L1 */
    BLOCK_PIXELS = 1024,
    SLAB_BYTES = 1 << 19,
    SUM_BYTES = 1 << 19, /* of the sums of a piece */
    MOST_TAPS = 16384,
    MOST_COLS = 96 /* of the widest tile */
};

typedef struct tiling {
    int64_t len[3], blocks[3];
    cf_slab slab;
    int64_t taps, kc, panel_cols;
    int64_t channels, couts; /* of a piece */
    int turns_x;             /* else g */
    int flat, in_place;      /* k are neighbors in w; then sums can be made there */
    size_t tables_bytes, slab_bytes, panel_bytes, sum_bytes;
} tiling;


static int64_t block_pixels(const tiling *t) { return t->len[0] * t->len[1] * t->len[2]; }

/* Vectors of products, those of unused lanes included, if the factor of `cols` rows is turned. */
static double padded(const cf_kernel_set *set, int64_t rows, int64_t cols)
{
    return (double)rows * ceil((double)cols / set->lanes);
}

/* Cycles a pixel: products, and moves of what is turned. */
static double cost(const cf_kernel_set *set, int64_t rows, int64_t cols) { return padded(set, rows, cols) + 0.5 * (double)cols; }

typedef struct turning {
    const cf_kernel_set *set;
    int64_t taps;
    int turns_x;
} turning;

/* Cycles of a piece for a pixel, its slab's included. */
static double piece_cost(const void *argument, int64_t channels, int64_t couts)
{
    const turning *t = argument;
    const int64_t k = channels * t->taps, rows = t->turns_x ? couts : k, cols = t->turns_x ? k : couts;
    return cost(t->set, cf_round_up(rows, t->set->gemm_rows), cols) + (double)channels;
}

static void tile(const cf_plan *plan, int threads, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = cf_set_of(plan);
    const int64_t size = plan->task.dtype->arith_size;
    memset(t, 0, sizeof *t);
    t->taps = a[0].k * a[1].k * a[2].k;
    for (int64_t pixels = BLOCK_PIXELS;; pixels /= 2) {
        cf_choose_block(s, pixels, t->len, t->blocks);
        cf_slab_make(s, t->len, plan->task.dtype->is_complex, &t->slab); /* complex sums: the same pieces, and so bits, in any layout */
        double one = cf_slab_channel(&t->slab) * (double)size, slab = one * (double)s->cin;
        if (slab <= SLAB_BYTES || (pixels <= 128 && one <= SLAB_BYTES) || pixels == 1)
            break;
    }
    t->panel_cols = set->gemm_cols;
    t->kc = cf_min(PANEL_BYTES / (t->panel_cols * size), block_pixels(t));
    double pixels = (double)s->batch * (double)a[0].m * (double)a[1].m * (double)a[2].m, k = (double)s->cin * (double)t->taps;
    double turn_g = cost(set, s->cin * t->taps, s->cout) + 0.5 * k * (double)s->cout / fmax(pixels, 1);
    t->turns_x = cost(set, s->cout, s->cin * t->taps) < turn_g;
    /* Pieces: as few as hold their sums and their slab, and keep all threads busy. */
    t->couts = cf_min(s->cout, t->turns_x ? 2048 : 256); /* those of many rows read the panel in L1 */
    t->couts = cf_clamp(4 * SUM_BYTES / (t->taps * size), 1, t->couts);
    cf_slab_make(s, t->len, 0, &t->slab);
    t->channels = cf_clamp((int64_t)fmin(1e9, 2 * SLAB_BYTES / fmax(1, cf_slab_channel(&t->slab) * (double)size)), 1, s->cin);
    t->channels = cf_clamp(SUM_BYTES / (t->couts * t->taps * size), 1, t->channels);
    cf_choose_channels(s, threads, piece_cost, &(turning){set, t->taps, t->turns_x}, &t->channels, &t->couts);
    t->flat = (a[2].k == 1 || a[2].ws == 1) && (a[1].k == 1 || a[1].ws == a[2].k) && (a[0].k == 1 || a[0].ws == a[1].k * a[2].k) &&
              (s->cin == 1 || s->w_cin == t->taps);
    t->in_place = t->flat && t->turns_x;
    const int64_t rows = t->channels * t->taps;
    t->tables_bytes = cf_round64((size_t)(2 * t->kc) * sizeof(int64_t)) + cf_round64(cf_slab_lines_bytes(&t->slab)) +
                      cf_round64((size_t)(rows + t->couts) * sizeof(void *));
    t->slab_bytes = t->slab.in_place ? 0 : cf_round64((size_t)(t->slab.channel * t->channels * size));
    t->panel_bytes = cf_round64((size_t)(t->panel_cols * t->kc * size));
    t->sum_bytes = t->in_place ? 0 : cf_round64((size_t)(rows * t->couts * size));
}

static size_t scratch_of(const tiling *t) { return t->tables_bytes + t->slab_bytes + t->panel_bytes + t->sum_bytes; }

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
    int flags, care;
    atomic_int *poisoned;
} job;

typedef struct block {
    const job *job;
    cf_slab_block at;
    int64_t co, couts, len[3];
    const void **x_rows, **g_rows, **lines;
    int64_t *x_at, *g_at;
    char *slab, *panel, *sums;
    int64_t sum_row;
} block;

static const char *gradient_at(const block *b)
{
    const cf_shape *s = &b->job->plan->task.shape;
    const cf_axis *a = s->axis;
    return (const char *)b->job->arrays->output + (cf_y_at(s, b->at.image, b->at.group, b->co) + b->at.first[0] * a[0].ys +
                                                   b->at.first[1] * a[1].ys + b->at.first[2] * a[2].ys) * b->job->plan->task.dtype->size;
}

/* Where the rows of both factors begin. */
static void find_rows(const block *b)
{
    const job *j = b->job;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const cf_slab *slab = &j->t.slab;
    const char *x = slab->in_place ? cf_slab_in_place(s, task->dtype, j->arrays->input, &b->at) : b->slab, *g = gradient_at(b);
    const void **row = b->x_rows;
    for (int64_t ci = 0; ci < b->at.channels; ci++)
        for (int64_t i0 = 0; i0 < a[0].k; i0++)
            for (int64_t i1 = 0; i1 < a[1].k; i1++)
                for (int64_t i2 = 0; i2 < a[2].k; i2++)
                    *row++ = x + (ci * slab->channel + cf_slab_tap(slab, s, 0, i0) + cf_slab_tap(slab, s, 1, i1) + cf_slab_tap(slab, s, 2, i2)) *
                                     task->dtype->size;
    for (int64_t co = 0; co < b->couts; co++)
        b->g_rows[co] = g + co * s->y_channel * task->dtype->size;
}

/* Offsets of `count` pixels in both factors. */
static void find_pixels(const block *b, int64_t pixel, int64_t count)
{
    const cf_axis *a = b->job->plan->task.shape.axis;
    const int64_t *step = b->job->t.slab.step;
    int64_t o2 = cf_take_digit(&pixel, b->len[2]), o1 = cf_take_digit(&pixel, b->len[1]), o0 = pixel;
    for (int64_t i = 0; i < count; i++) {
        b->x_at[i] = o0 * step[0] + o1 * step[1] + o2 * step[2];
        b->g_at[i] = o0 * a[0].ys + o1 * a[1].ys + o2 * a[2].ys;
        if (++o2 == b->len[2]) {
            o2 = 0;
            if (++o1 == b->len[1]) {
                o1 = 0;
                o0++;
            }
        }
    }
}

/* Adds the products of `count` pixels to all sums. */
static void add_pixels(const block *b, int64_t pixel, int64_t count, int flags)
{
    const job *j = b->job;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int turns_x = j->t.turns_x;
    const int64_t size = j->plan->task.dtype->arith_size, k = b->at.channels * j->t.taps;
    const void *const *rows = turns_x ? b->g_rows : b->x_rows, *const *cols = turns_x ? b->x_rows : b->g_rows;
    const int64_t row_count = turns_x ? b->couts : k, col_count = turns_x ? k : b->couts;
    const int64_t panels = cf_ceil_div(col_count, j->t.panel_cols);
    find_pixels(b, pixel, count);
    for (int64_t p = 0; p < panels; p++) {
        const cf_span panel = cf_panel_at(col_count, set->lanes, j->t.panel_cols, p);
        cf_clear_tails(b->panel, j->t.panel_cols * size, count, panel.n, set->lanes, size);
        set->turn(cols + panel.first, turns_x ? b->x_at : b->g_at, count, panel.n, b->panel, j->t.panel_cols);
        for (int64_t r = 0; r < row_count; r += set->gemm_rows)
            set->gemm(rows + r, turns_x ? b->g_at : b->x_at, 0, b->panel, NULL, j->t.panel_cols, count,
                      b->sums + (r * b->sum_row + panel.first) * size, b->sum_row, cf_min(set->gemm_rows, row_count - r), panel.n, flags);
    }
}

static char *kernel_at(const block *b, int64_t co, int64_t ci)
{
    const cf_task *task = &b->job->plan->task;
    return (char *)b->job->arrays->kernel + cf_w_at(&task->shape, b->at.group, b->co + co, b->at.channel + ci) * task->dtype->size;
}

/* The sums of one output channel go where they belong: they lie `each` apart from `from` on. */
static void store_channel(const block *b, int64_t co, const char *from, int64_t each)
{
    const cf_axis *a = b->job->plan->task.shape.axis;
    const int64_t size = b->job->plan->task.dtype->size, taps = b->job->t.taps;
    if (b->job->t.flat) {
        cf_copy_strided(kernel_at(b, co, 0), 1, from, each, b->at.channels * taps, (int)size);
        return;
    }
    for (int64_t ci = 0; ci < b->at.channels; ci++)
        for (int64_t i0 = 0; i0 < a[0].k; i0++)
            for (int64_t i1 = 0; i1 < a[1].k; i1++, from += a[2].k * each * size)
                cf_copy_strided(kernel_at(b, co, ci) + (i0 * a[0].ws + i1 * a[1].ws) * size, a[2].ws, from, each, a[2].k, (int)size);
}

static void finish(const block *b)
{
    const job *j = b->job;
    const int64_t size = j->plan->task.dtype->size, rows = j->t.turns_x ? b->couts : b->at.channels * j->t.taps;
    const int64_t cols = j->t.turns_x ? b->at.channels * j->t.taps : b->couts;
    for (int64_t r = 0; j->care && r < rows; r++)
        if (!cf_set_of(j->plan)->finite(b->sums + r * b->sum_row * size, cols))
            atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
    for (int64_t co = 0; !j->t.in_place && co < b->couts; co++)
        store_channel(b, co, b->sums + co * (j->t.turns_x ? b->sum_row : 1) * size, j->t.turns_x ? 1 : b->sum_row);
}

static void place(const job *j, int64_t index, block *b, char *memory)
{
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    *b = (block){.job = j};
    b->co = cf_take_digit(&index, cf_ceil_div(s->cout, t->couts)) * t->couts;
    b->couts = cf_min(t->couts, s->cout - b->co);
    b->at.channel = cf_take_digit(&index, cf_ceil_div(s->cin, t->channels)) * t->channels;
    b->at.channels = cf_min(t->channels, s->cin - b->at.channel);
    b->at.group = index;
    b->x_at = (int64_t *)(void *)memory;
    b->g_at = b->x_at + t->kc;
    memory += cf_round64((size_t)(2 * t->kc) * sizeof(int64_t));
    b->lines = (const void **)(void *)memory;
    memory += cf_round64(cf_slab_lines_bytes(&t->slab));
    b->x_rows = (const void **)(void *)memory;
    b->g_rows = b->x_rows + t->channels * t->taps;
    memory += cf_round64((size_t)(t->channels * t->taps + t->couts) * sizeof(void *));
    b->slab = memory;
    memory += t->slab_bytes;
    b->panel = memory;
    b->sums = t->in_place ? kernel_at(b, 0, 0) : memory + t->panel_bytes;
    b->sum_row = t->in_place ? s->w_cout : t->turns_x ? b->at.channels * t->taps : b->couts;
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &task->shape;
    block b;
    int flags = j->flags;
    place(j, index, &b, worker->scratch);
    for (int64_t i = 0, blocks = t->blocks[0] * t->blocks[1] * t->blocks[2]; i < s->batch * blocks; i++) {
        int64_t digits = i, pixels = 1;
        for (int axis = 2; axis >= 0; axis--) {
            b.at.first[axis] = cf_take_digit(&digits, t->blocks[axis]) * t->len[axis];
            b.len[axis] = cf_min(t->len[axis], s->axis[axis].m - b.at.first[axis]);
            pixels *= b.len[axis];
        }
        b.at.image = digits;
        if (!t->slab.in_place)
            cf_slab_fill(&t->slab, s, task->dtype, cf_set_of(j->plan), j->arrays->input, task->cval, &b.at, b.lines, b.slab);
        find_rows(&b);
        for (int64_t pixel = 0; pixel < pixels; pixel += t->kc) {
            int64_t count = cf_min(t->kc, pixels - pixel);
            add_pixels(&b, pixel, count, flags);
            flags |= CF_ACCUMULATE;
            if (cf_poll(worker, (double)count * (double)(b.at.channels * t->taps) * (double)b.couts))
                return;
        }
    }
    finish(&b);
}

static int supports(const cf_task *task)
{
    const cf_axis *a = task->shape.axis;
    if (task->pass != CORRFAST_BACKWARD_KERNEL || task->dtype->arith == CF_NO_ARITH || cf_converts(task->dtype) || task->shape.batch < 1)
        return 0;
    for (int i = 0; i < 3; i++)
        if (a[i].k < 1 || a[i].m < 1)
            return 0;
    return (double)a[0].k * (double)a[1].k * (double)a[2].k <= MOST_TAPS;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const cf_kernel_set *set = &kernels->set[task->dtype->arith];
    const int64_t k = s->cin * a[0].k * a[1].k * a[2].k;
    double pixels = (double)s->batch * (double)s->groups * (double)(a[0].m * a[1].m * a[2].m);
    double cycles = CF_DENSE * cf_vector_cycles(task->dtype->arith) * fmin(cost(set, k, s->cout), cost(set, s->cout, k));
    if (s->cin == 1 && s->cout == 1) /* mostly moves */
        cycles *= 2;
    else if (a[0].k * a[1].k * a[2].k > 100)
        cycles *= 1.4;
    return 1e-6 + (pixels * (cycles + (double)s->cin) + (double)s->groups * (double)s->cout * (double)k) * CF_CYCLE + cf_traffic_seconds(task);
}

static int64_t pieces_of(const cf_plan *plan, const tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    return s->groups * cf_ceil_div(s->cin, t->channels) * cf_ceil_div(s->cout, t->couts);
}

static int64_t pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    return s->groups * s->cin * cf_ceil_div(s->cout, cf_set_of(plan)->gemm_rows); /* at most */
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, 1, &t);
    return scratch_of(&t);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, 1, &t);
    snprintf(text, size, "gemm kernel, blocks of %lld outputs, panels of %lld x %lld, %s turned", (long long)block_pixels(&t), (long long)t.kc,
             (long long)t.panel_cols, t.turns_x ? "samples" : "gradient");
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .poisoned = &poisoned};
    tile(plan, cf_threads_for(run->options, pieces(plan), plan->seconds), &j.t);
    int conj_x = plan->task.conjugate & CORRFAST_CONJ_INPUT ? 1 : 0, conj_g = plan->task.conjugate & CORRFAST_CONJ_OUTPUT ? 1 : 0;
    j.flags = ((j.t.turns_x ? conj_x : conj_g) ? CF_CONJ_SAMPLES : 0) | ((j.t.turns_x ? conj_g : conj_x) ? CF_CONJ_TAPS : 0);
    j.care = plan->task.dtype->is_float && plan->task.pads_with_zero && cf_pads(&plan->task.shape);
    int status = cf_run_pieces(run, pieces_of(plan, &j.t), plan->seconds, scratch_of(&j.t), piece, &j);
    return !status && atomic_load(&poisoned) ? cf_run_with_care(plan, arrays, run) : status;
}

const cf_method cf_method_gemm_gradient = {
    .name = "gemm-gradient", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .seconds = seconds, .scratch = scratch,
    .pieces = pieces, .describe = describe, .run = run,
};
