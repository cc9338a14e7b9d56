/* Kernels that are a product of one factor along their first axis and a kernel along the others: k0 + k1*k2 products for each
 * output instead of k0*k1*k2, and again k1 + k2 where what is left is such a product too.
 *
 * A few outputs along the first axis at a time are summed into a window of lines (planes, in three dimensions) in the L2 cache, each
 * line extended beyond the array by its boundary; from there a kernel sums along the last axis, or a child plan, which sees no boundary,
 * along the others.
 *
 * Floats: no sum overflows that direct summation could not overflow too.  The factor's magnitudes add up to at most 1/2, so an
 * intermediate is at most max|a|/2; and sum_q |rest_q| sum_i |factor_i||a| is the direct sum's own sum |a||v|.  A NaN or Inf reaches
 * the same outputs as by direct summation, zero taps included, for factor_i * rest_q is zero only where v_iq is. */
#include "../core/border.h"
#include "../core/factors.h"
#include "../core/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WINDOW_BYTES = 256 * 1024, /* of intermediates; 16 KiB, in the L1 cache, are 0.65-0.95 as fast: rows are too short then */
    PACK_BYTES = 64 * 1024,    /* of copies of strided samples */
    MAX_STEP = 32,
    BLOCK_ROWS = 32,           /* where planes are the intermediates */
    CHUNK_TAPS = 4096,         /* that the method "direct" sums at once along a row */
    MEMORY_BYTES = 24000000    /* input and output together: they are in no cache */
};

static int outer_axis(const cf_shape *s)
{
    return s->axis[0].k > 1 ? 0 : 1;
}

typedef struct walk {
    const cf_plan *plan;
    const cf_arrays *arrays;
    int outer;
    int64_t step;                    /* outputs along the outer axis at a time */
    int64_t rows, row_blocks;        /* outputs along axis 1 at a time, where it is not the outer one; else 1 */
    int64_t cols, col_blocks;        /* outputs along axis 2 at a time */
    int64_t height, width, pitch;    /* of what the child reads for one outer output: lines, samples of a line, between lines */
    int at_once;                     /* what is left are rows, each a single sum of one kernel: no child */
    int packs;                       /* lines of strided samples are copied, `chunk` of them at a time */
    int64_t chunk;
    int64_t run_length;              /* outputs along the outer axis that are one piece */
    int64_t runs;
    size_t window_bytes, lines_bytes, pack_bytes, fill_bytes, factor_bytes, rest_bytes, child_bytes;
    const char *factor, *rest;
} walk;

static void make_walk(const cf_plan *plan, walk *w)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    int64_t size = plan->task.dtype->size;
    w->plan = plan;
    w->outer = outer_axis(s);
    w->rows = w->outer == 0 ? cf_min(a[1].m, BLOCK_ROWS) : 1;
    w->height = w->outer == 0 ? cf_reach(&a[1], w->rows) : 1;
    w->at_once = w->outer == 1 && a[2].stride == 1 && a[2].k <= CHUNK_TAPS && (a[2].ys == 1 || a[2].m == 1);
    w->packs = a[2].xs != 1 && a[2].n > 1;
    w->cols = a[2].m;
    while (w->cols > 16 && 4 * w->height * cf_reach(&a[2], w->cols) * size > WINDOW_BYTES)
        w->cols = cf_max(16, (w->cols / 2 + 15) & ~(int64_t)15);
    w->width = cf_reach(&a[2], w->cols);
    /* lines an odd number of cache lines apart: at a power of two they would share few sets of the L1 cache */
    w->pitch = (int64_t)(cf_round64((size_t)(w->width * size)) | 64) / size;
    w->step = cf_min(cf_clamp(WINDOW_BYTES / (w->height * w->pitch * size), 4, MAX_STEP) & ~(int64_t)3, a[w->outer].m);
    w->row_blocks = w->outer == 0 ? cf_ceil_div(a[1].m, w->rows) : 1;
    w->col_blocks = cf_ceil_div(a[2].m, w->cols);
    w->run_length = cf_max(w->step, 64 / w->step * w->step);
    w->runs = cf_ceil_div(a[w->outer].m, w->run_length);
    w->window_bytes = cf_round64((size_t)(w->step * w->height * w->pitch * size));
    w->lines_bytes = cf_round64((size_t)(w->step + a[w->outer].k) * sizeof(void *));
    int64_t lines = w->step + a[w->outer].k - 1;
    w->chunk = w->packs ? cf_clamp(PACK_BYTES / (lines * size), 16, w->width) : w->width;
    w->pack_bytes = w->packs ? cf_round64((size_t)(lines * w->chunk * size)) : 0;
    w->fill_bytes = cf_round64((size_t)((w->width + 1) * size));
    w->factor_bytes = cf_round64((size_t)(a[w->outer].k * size));
    w->rest_bytes = cf_round64((size_t)(a[0].k * a[1].k * a[2].k / a[w->outer].k * size));
}

/* One worker's part. */
typedef struct block {
    const walk *walk;
    const char *x;
    char *y;                       /* of the first row and column */
    int64_t row, rows, col, cols;
    char *window, *pack, *fill;    /* fill: a line of the boundary's constant, then the constant summed along the outer axis */
    const void **lines;
    int64_t planned;               /* outputs that the child is planned for, if there is one */
    cf_plan child;
} block;

/* The lines that `count` outer outputs sum, from input position `first` on, `step` apart: pointers to position p of axis 2, of which n
 * are read.  `plane`: where axis 1 stands, NULL if beyond the array. */
static void set_lines(const block *b, int64_t first, int64_t count, const char *plane, int64_t p, int64_t n)
{
    const walk *w = b->walk;
    const cf_axis *outer = &w->plan->task.shape.axis[w->outer], *col = &w->plan->task.shape.axis[2];
    const int64_t size = w->plan->task.dtype->size;
    for (int64_t l = 0; l < outer->k + count - 1; l++) {
        int64_t index = plane ? cf_border_index(outer->boundary, first + l * outer->dilation, outer->n) : -1;
        const char *line = index < 0 ? b->fill : plane + (index * outer->xs + p * col->xs) * size;
        b->lines[l] = line;
        if (w->packs && index >= 0) {
            char *to = b->pack + l * w->chunk * size;
            cf_copy_strided(to, 1, line, col->xs, n, (int)size);
            b->lines[l] = to;
        }
    }
}

static void sum_lines(const block *b, int64_t count, char *to, int64_t to_row, int64_t n)
{
    const walk *w = b->walk;
    const cf_plane plane = {.lines = b->lines, .step = 1, .taps = w->factor, .tap_row = 1, .tap_col = 1,
                            .kh = w->plan->task.shape.axis[w->outer].k, .kw = 1};
    w->plan->kernels->set[w->plan->task.dtype->arith].rows(&plane, 1, to, to_row, count, n, w->plan->task.far ? CF_FAR : 0);
}

/* How many positions of axis 2 from q on, all beyond the array, stand for neighbors: index, index + way, index + 2*way, ... that are ready,
 * [first, last); or all of them for the constant, index -1. */
static int64_t neighbors(const cf_axis *col, int64_t q, int64_t end, int64_t first, int64_t last, int64_t index, int64_t *way)
{
    int64_t length = 1, next = index;
    for (*way = 0; q + length < end; length++) {
        const int64_t before = next;
        next = cf_border_index(col->boundary, q + length, col->n);
        if (length == 1)
            *way = next - before;
        if (next - before != *way || (index < 0) != (next < 0) || (next >= 0 && (next < first || next >= last)))
            break;
    }
    return length;
}

/* Positions [q, end) of axis 2, all beyond the array: each stands for one of those that are ready, [first, last), for another one, which
 * is summed alone, or for the constant, whose sum is ready. */
static void sum_beyond(const block *b, int64_t input, int64_t count, const char *plane, int64_t q, int64_t end, int64_t first, int64_t last,
                       char *zero, int64_t to_row)
{
    const walk *w = b->walk;
    const cf_axis *col = &w->plan->task.shape.axis[2];
    const int64_t size = w->plan->task.dtype->size;
    for (int64_t length, way; q < end; q += length) {
        int64_t index = cf_border_index(col->boundary, q, col->n);
        if (index >= 0 && (index < first || index >= last)) {
            set_lines(b, input, count, plane, index, 1);
            sum_lines(b, count, zero + q * size, to_row, 1);
            length = 1;
            continue;
        }
        length = neighbors(col, q, end, first, last, index, &way);
        for (int64_t r = 0; r < count; r++) {
            const char *from = index < 0 ? b->fill + w->width * size : zero + (r * to_row + index) * size;
            cf_copy_strided(zero + (r * to_row + q) * size, 1, from, way, length, (int)size);
        }
    }
}

/* `count` outer outputs over the positions [p, end) of axis 2: those in the array at once, then those beyond it. */
static void sum_positions(const block *b, int64_t input, int64_t count, const char *plane, int64_t p, int64_t end, char *to, int64_t to_row)
{
    const walk *w = b->walk;
    const int64_t size = w->plan->task.dtype->size, n = w->plan->task.shape.axis[2].n, first = cf_clamp(p, 0, n), last = cf_clamp(end, first, n);
    for (int64_t c = first, length; c < last; c += length) {
        length = cf_min(w->chunk, last - c);
        set_lines(b, input, count, plane, c, length);
        sum_lines(b, count, to + (c - p) * size, to_row, length);
    }
    char *zero = to - p * size; /* where position 0 would be */
    sum_beyond(b, input, count, plane, p, last > first ? first : end, first, last, zero, to_row);
    sum_beyond(b, input, count, plane, last > first ? last : end, end, first, last, zero, to_row);
}

/* Fills the window for the outer outputs [o, o + count). */
static void sum_outer(const block *b, int64_t o, int64_t count)
{
    const walk *w = b->walk;
    const cf_axis *a = w->plan->task.shape.axis, *outer = &a[w->outer];
    const int64_t size = w->plan->task.dtype->size, together = outer->stride == 1 && outer->dilation == 1 ? count : 1;
    const int64_t p = b->col * a[2].stride - a[2].lo, end = p + cf_reach(&a[2], b->cols), height = w->outer == 0 ? cf_reach(&a[1], b->rows) : 1;
    for (int64_t i = 0; i < count; i += together)
        for (int64_t h = 0; h < height; h++) {
            int64_t row = w->outer == 0 ? cf_border_index(a[1].boundary, b->row * a[1].stride - a[1].lo + h, a[1].n) : 0;
            const char *plane = row < 0 ? NULL : w->outer == 0 ? b->x + row * a[1].xs * size : b->x;
            sum_positions(b, (o + i) * outer->stride - outer->lo, together, plane, p, end,
                          b->window + (i * w->height + h) * w->pitch * size, w->height * w->pitch);
        }
}

/* The problem of the child: what the window holds for `count` outer outputs.  It sees no boundary. */
static cf_shape child_shape(const block *b, int64_t count)
{
    const walk *w = b->walk;
    const cf_axis *a = w->plan->task.shape.axis;
    cf_shape s = {.batch = 1, .groups = 1, .cin = 1, .cout = 1};
    s.axis[0] = (cf_axis){.n = 1, .k = 1, .m = 1, .stride = 1, .dilation = 1};
    if (w->outer == 0) {
        s.batch = count;
        s.x_batch = w->height * w->pitch;
        s.y_batch = a[0].ys;
        s.axis[1] = (cf_axis){.n = cf_reach(&a[1], b->rows), .k = a[1].k, .m = b->rows, .stride = a[1].stride, .dilation = a[1].dilation,
                              .xs = w->pitch, .ws = a[2].k, .ys = a[1].ys};
    } else {
        s.axis[1] = (cf_axis){.n = count, .k = 1, .m = count, .stride = 1, .dilation = 1, .xs = w->pitch, .ys = a[1].ys};
    }
    s.axis[2] = (cf_axis){.n = cf_reach(&a[2], b->cols), .k = a[2].k, .m = b->cols, .stride = a[2].stride, .dilation = a[2].dilation,
                          .xs = 1, .ws = 1, .ys = a[2].ys};
    return s;
}

static int plan_direct(block *b, int64_t count)
{
    cf_shape s = child_shape(b, count);
    return cf_plan_child(b->walk->plan, &s, CORRFAST_FORWARD, 0, CORRFAST_DIRECT, NULL, &b->child);
}

static int plan_child(block *b, int64_t count)
{
    const walk *w = b->walk;
    const cf_axis *a = w->plan->task.shape.axis;
    int status = CORRFAST_ERR_METHOD;
    if (w->at_once || b->planned == count)
        return CORRFAST_OK;
    if (w->outer == 0 && a[1].k > 1 && a[2].k > 1) {
        cf_shape s = child_shape(b, count);
        status = cf_plan_child(w->plan, &s, CORRFAST_FORWARD, 0, CORRFAST_SEPARABLE, w->rest, &b->child);
    }
    if (status)
        status = plan_direct(b, count);
    b->planned = status ? 0 : count;
    return status;
}

/* `count` rows of outputs, from the window.  By the kernel that a child would take, as it does where outputs are strided: the same bits. */
static void sum_rows(const block *b, int64_t count, char *y)
{
    const walk *w = b->walk;
    const cf_axis *row = &w->plan->task.shape.axis[1], *col = row + 1;
    const cf_kernel_set *set = &w->plan->kernels->set[w->plan->task.dtype->arith];
    const int64_t size = w->plan->task.dtype->size;
    cf_plane plane = {.lines = b->lines, .step = col->dilation, .taps = w->rest, .tap_col = 1, .kh = 1, .kw = col->k};
    const int by_line = col->dilation == 1 && (count == 1 || b->cols >= set->line_tile);
    for (int64_t r = 0; r < count; r++)
        b->lines[r] = b->window + r * w->pitch * size;
    if (!by_line)
        set->rows(&plane, 1, y, row->ys, count, b->cols, 0);
    for (int64_t r = 0; by_line && r < count; r++, plane.lines++)
        set->line(&plane, 1, y + r * row->ys * size, b->cols, 0);
}

/* What is left to sum along the other axes, for `count` outer outputs. */
static int sum_rest(block *b, int64_t count, char *y, cf_inner *inner)
{
    const walk *w = b->walk;
    if (w->at_once) {
        const cf_axis *a = w->plan->task.shape.axis;
        sum_rows(b, count, y);
        cf_poll(inner->worker, (double)(count * b->cols) * (double)(a[1].k + a[2].k));
        return CORRFAST_OK;
    }
    cf_arrays arrays = {b->window, (void *)(uintptr_t)w->rest, y};
    return cf_plan_run(&b->child, &arrays, &inner->run);
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const walk *w = argument;
    const cf_task *t = &w->plan->task;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis, *outer = &a[w->outer];
    const int64_t size = t->dtype->size;
    block b = {.walk = w, .rows = 1};
    b.col = cf_take_digit(&index, w->col_blocks) * w->cols;
    b.cols = cf_min(w->cols, a[2].m - b.col);
    if (w->outer == 0) {
        b.row = cf_take_digit(&index, w->row_blocks) * w->rows;
        b.rows = cf_min(w->rows, a[1].m - b.row);
    }
    int64_t o = cf_take_digit(&index, w->runs) * w->run_length, end = cf_min(o + w->run_length, outer->m), depth = 0, plane = 0;
    if (w->outer == 1) { /* k0 is 1: a depth reads one plane */
        depth = cf_take_digit(&index, a[0].m);
        plane = depth * a[0].stride - a[0].lo;
    }
    b.x = (const char *)w->arrays->input + (index * s->x_batch + plane * a[0].xs) * size;
    b.y = (char *)w->arrays->output + (index * s->y_batch + b.row * a[1].ys + b.col * a[2].ys + depth * a[0].ys) * size;
    char *memory = worker->scratch;
    b.window = memory;
    b.lines = (const void **)(void *)(memory += w->window_bytes);
    b.pack = memory += w->lines_bytes;
    b.fill = memory += w->pack_bytes;
    cf_fill(b.fill, 1, t->cval, w->width, (int)size);
    set_lines(&b, 0, 1, NULL, 0, 1);
    sum_lines(&b, 1, b.fill + w->width * size, 1, 1);
    cf_inner inner;
    cf_inner_begin(&inner, worker, memory + w->fill_bytes, w->child_bytes);
    int status = CORRFAST_OK;
    for (int64_t count; o < end && !status && !cf_poll(worker, 0); o += count) {
        count = cf_min(w->step, end - o);
        status = plan_child(&b, count);
        if (status)
            break;
        sum_outer(&b, o, count);
        status = sum_rest(&b, count, b.y + o * outer->ys * size, &inner);
    }
    cf_inner_end(&inner, status);
}

static int64_t count_pieces(const walk *w)
{
    const cf_shape *s = &w->plan->task.shape;
    return s->batch * w->runs * w->row_blocks * w->col_blocks * (w->outer == 1 ? s->axis[0].m : 1);
}

/* Elements of the narrowest window; a double, since dilation and stride may be anything. */
static double least_window(const cf_shape *s)
{
    const cf_axis *a = s->axis;
    double lines = 1, samples = (double)(cf_min(a[2].m, 16) - 1) * (double)a[2].stride + (double)(a[2].k - 1) * (double)a[2].dilation + 1;
    if (outer_axis(s) == 0)
        lines = (double)(cf_min(a[1].m, BLOCK_ROWS) - 1) * (double)a[1].stride + (double)(a[1].k - 1) * (double)a[1].dilation + 1;
    return 4 * lines * samples;
}

static int supports(const cf_task *t)
{
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis, *outer = &a[outer_axis(s)];
    const cf_dtype *d = t->dtype;
    int longer = (a[0].k > 1) + (a[1].k > 1) + (a[2].k > 1);
    if (t->pass != CORRFAST_FORWARD || longer < 2 || s->groups != 1 || s->cin != 1 || s->cout != 1 || d->is_complex ||
        d->arith == CF_NO_ARITH || cf_converts(d))
        return 0;
    if (t->precision == CORRFAST_EXACT && d->is_float)
        return 0;
    for (int i = 0; i < 3; i++)
        if (a[i].m < 1 || cf_first_position(&a[i]) < -INT32_MAX || cf_last_position(&a[i]) > a[i].n + INT32_MAX)
            return 0;
    if (outer->k > CF_MAX_FACTOR || least_window(s) * d->size > WINDOW_BYTES)
        return 0;
    return outer == &a[0] || (a[0].lo <= 0 && cf_last_position(&a[0]) < a[0].n);
}

static int fits(const cf_task *t)
{
    cf_factors f;
    return t->weights && cf_factors_find(&f, t->dtype, &t->shape, t->weights, outer_axis(&t->shape));
}

/* Faster than direct summation from about 5x5 taps on where an array has some 100x100 samples (Zen 4 from 4x4 on in the caches, 1.1-1.3
 * times; Zen 5, whose direct sums are faster, from 5x5 on), from 6x6 on beyond the caches.  In three dimensions from 3x3x3 on, where this
 * estimate is too high by half.  Reading the kernel to find its factors counts, too. */
static double seconds(const cf_task *t, const cf_kernels *kernels)
{
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    const int outer = outer_axis(s);
    double lanes = kernels->set[t->dtype->arith].lanes, cycles = cf_vector_cycles(t->dtype->arith);
    double outputs = (double)s->batch * (double)a[0].m * (double)a[1].m, lines = outputs;
    if (outer == 0)
        lines *= ((double)(a[1].m - 1) * (double)a[1].stride + (double)(a[1].k - 1) * (double)a[1].dilation + 1) / (double)cf_max(a[1].m, 1);
    double width = (double)(a[2].m - 1) * (double)a[2].stride + (double)(a[2].k - 1) * (double)a[2].dilation + 1;
    double passing = cf_traffic_bytes(t) > MEMORY_BYTES ? lanes * (double)t->dtype->size / 8 : 5; /* cycles a vector, through the window */
    double vectors = outputs * ceil((double)a[2].m / lanes), rest = (double)((outer == 0 ? a[1].k : 0) + a[2].k);
    double sums = lines * ceil(width / lanes) * (double)a[outer].k + vectors * rest;
    double steps = ceil((double)a[0].m * (double)a[1].m / 16) + 1, taps = (double)a[0].k * (double)a[1].k * (double)a[2].k;
    double step = outer == 1 && a[2].stride == 1 ? 0.5 : 2; /* a call, or a child plan; not by layout */
    return (sums * cycles + vectors * passing) * CF_CYCLE + steps * step * CF_CALL_SECONDS + taps * 5e-9 + cf_traffic_seconds(t);
}

static int64_t pieces(const cf_plan *plan)
{
    walk w;
    make_walk(plan, &w);
    return count_pieces(&w);
}

static size_t scratch(const cf_plan *plan);

/* The most that a child takes: for full blocks and for the last ones, and whether or not what is left of the kernel is a product. */
static size_t child_scratch(const walk *w)
{
    const cf_axis *a = w->plan->task.shape.axis;
    const int64_t counts[2] = {w->step, a[w->outer].m % w->run_length % w->step};
    const int64_t cols[2] = {w->cols, a[2].m % w->cols}, rows[2] = {w->rows, w->outer == 0 ? a[1].m % w->rows : 0};
    size_t most = 0;
    for (int i = 0; !w->at_once && i < 8; i++) {
        block b = {.walk = w, .rows = rows[i & 1], .cols = cols[i >> 1 & 1]};
        if (!b.rows || !b.cols || !counts[i >> 2] || plan_direct(&b, counts[i >> 2]) != CORRFAST_OK)
            continue;
        size_t bytes = b.child.method->scratch(&b.child);
        most = bytes > most ? bytes : most;
        b.child.method = &cf_method_separable;
        if (w->outer == 0 && a[1].k > 1 && a[2].k > 1 && supports(&b.child.task) && (bytes = scratch(&b.child)) > most)
            most = bytes;
    }
    return cf_round64(most) + 1024;
}

static size_t worker_bytes(const walk *w)
{
    return w->window_bytes + w->lines_bytes + w->pack_bytes + w->fill_bytes + w->child_bytes;
}

static size_t scratch(const cf_plan *plan)
{
    walk w;
    make_walk(plan, &w);
    w.child_bytes = child_scratch(&w);
    return worker_bytes(&w) + w.factor_bytes + w.rest_bytes;
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    walk w;
    make_walk(plan, &w);
    snprintf(text, size, "sums along axis %d, then along the others; %lld x %lld x %lld outputs at a time", w.outer - CORRFAST_MAX_RANK,
             (long long)w.step, (long long)w.rows, (long long)w.cols);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_task *t = &plan->task;
    cf_factors f;
    walk w;
    if (!cf_factors_find(&f, t->dtype, &t->shape, arrays->kernel, outer_axis(&t->shape))) { /* planned for another kernel */
        cf_plan child;
        int status = cf_plan_child(plan, &t->shape, t->pass, t->conjugate, CORRFAST_DIRECT, NULL, &child);
        return status ? status : cf_plan_run(&child, arrays, run);
    }
    make_walk(plan, &w);
    w.arrays = arrays;
    size_t bytes = w.factor_bytes + w.rest_bytes;
    char *taps = cf_memory_take(&run->memory, bytes);
    if (!taps)
        return CORRFAST_ERR_MEMORY;
    cf_factors_write(&f, taps, taps + w.factor_bytes);
    w.factor = taps;
    w.rest = taps + w.factor_bytes;
    w.child_bytes = child_scratch(&w);
    int status = cf_run_pieces(run, count_pieces(&w), plan->seconds, worker_bytes(&w), piece, &w);
    cf_memory_give(&run->memory, taps, bytes);
    return status;
}

const cf_method cf_method_separable = {
    .name = "separable", .id = CORRFAST_SEPARABLE, .listed = 1, .supports = supports, .fits = fits, .seconds = seconds,
    .scratch = scratch, .pieces = pieces, .describe = describe, .run = run,
};
