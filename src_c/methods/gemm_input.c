/* Few input channels, the gradient of the input: a matrix product, whose results are added where they belong.
 *
 *     z[k][o] = sum_co  w[co][k] g[co][o],   k = (input channel, tap)
 *
 * is a forward problem of single taps, in which every sample of g meets all k at once; in the forward problems of adjoint.c it would meet but
 * the taps of one phase and the few channels.  x[o*s + j*d - lo] += z[j][o] then takes one addition for each of the products' sums (col2im;
 * K. Chellapilla, S. Puri and P. Simard, 2006): rows of z are summed over the taps of the outer axes, then shifted sums over those of the last
 * one, phase by phase of its stride.
 *
 * Blocks of the input are computed on their own, with all the g that meets them.  Each sample sums over output channels, then over taps, in an
 * order that the shape alone decides. */
#include "../core/border.h"
#include "../core/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_CHANNELS = 6,  /* else the forward problems fill the tiles of `gemm` */
    FEWEST_COUTS = 8,   /* else there are as many additions as products */
    MOST_TAPS = 1024,
    MOST_STRIDE = 32,   /* phases that few taps or none reach are not what this is for */
    BLOCK_BYTES = 1 << 21, /* of z, and of the input: what neighbors compute twice costs more than the way to the last cache */
    MOST_BYTES = 8 << 20,
    BLOCK_WORK = 1 << 24, /* multiply-adds, 0.3 ms: enough blocks for threads, */
    LONG = 32             /* where they stay so many times as long as what neighbors compute twice */
};

typedef struct tiling {
    int split;                 /* the axis that blocks divide: of each other axis they have all */
    int64_t len[3], blocks[3]; /* of the input */
    int64_t images, image_blocks;
    int64_t outputs[3];        /* that a block meets, at most */
    int64_t taps, line;        /* line: of sums before they are shifted */
    size_t z_bytes, tables_bytes, lines_bytes, row_bytes, child_bytes;
} tiling;

/* Outputs [first, first + n) of an axis. */
typedef struct range {
    int64_t first, n;
} range;

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

/* The outputs that positions [start, start + length) take from. */
static range meets(const cf_axis *a, int64_t start, int64_t length)
{
    const int64_t lowest = floor_div(start + a->lo - (a->k - 1) * a->dilation + a->stride - 1, a->stride);
    const int64_t first = cf_clamp(lowest, 0, a->m), end = cf_clamp(floor_div(start + length - 1 + a->lo, a->stride) + 1, first, a->m);
    return (range){first, end - first};
}

/* The output of tap 0 on the lowest line of sums, whether or not it exists. */
static int64_t line_begin(const cf_axis *a, int64_t start) { return floor_div(start + a->lo - (a->k - 1) * a->dilation, a->stride); }

static int64_t taps_of(const cf_shape *s) { return s->axis[0].k * s->axis[1].k * s->axis[2].k; }

/* Whether (input channel, tap) of the kernel are one axis. */
static int is_flat(const cf_shape *s)
{
    const cf_axis *a = s->axis;
    const int64_t step = a[2].ws;
    return (a[1].k == 1 || a[1].ws == step * a[2].k) && (a[0].k == 1 || a[0].ws == step * a[1].k * a[2].k) &&
           (s->cin == 1 || s->w_cin == step * taps_of(s)) && a[2].k > 1;
}

static int packs(const cf_plan *plan) { return plan->keeps || !is_flat(&plan->task.shape); }

/* z of outputs n[0] x n[1] x n[2] as a forward problem over them. */
static cf_shape child_shape(const cf_plan *plan, int64_t images, const int64_t n[3])
{
    const cf_shape *s = &plan->task.shape;
    const int64_t k = s->cin * taps_of(s), plane = n[0] * n[1] * n[2];
    cf_shape c = {.batch = images, .groups = 1, .cin = s->cout, .cout = k, .x_batch = s->y_batch, .x_channel = s->y_channel,
                  .w_cout = packs(plan) ? s->cout : s->axis[2].ws, .w_cin = packs(plan) ? 1 : s->w_cout, .y_batch = k * plane, .y_channel = plane};
    for (int i = 0; i < 3; i++)
        c.axis[i] = (cf_axis){.n = n[i], .k = 1, .m = n[i], .stride = 1, .dilation = 1, .xs = s->axis[i].ys, .ws = 1,
                              .ys = i == 2 ? 1 : i == 1 ? n[2] : n[1] * n[2], .boundary = CORRFAST_CONSTANT};
    return c;
}

static int plan_child(const cf_plan *plan, int64_t images, const int64_t n[3], cf_plan *child)
{
    const cf_shape s = child_shape(plan, images, n);
    return cf_plan_child(plan, &s, CORRFAST_FORWARD, 0, CORRFAST_DIRECT, NULL, child);
}

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const int64_t size = plan->task.dtype->size;
    t->taps = taps_of(s);
    t->split = a[0].n > 1 ? 0 : a[1].n > 1 ? 1 : 2;
    double x, z; /* bytes of a block */
    for (int64_t parts = 1;; parts *= 2) {
        x = z = (double)(s->cin * size);
        z *= (double)t->taps;
        for (int i = 0; i < 3; i++) {
            t->len[i] = i == t->split ? cf_ceil_div(a[i].n, parts) : a[i].n;
            t->blocks[i] = cf_ceil_div(a[i].n, t->len[i]);
            t->outputs[i] = cf_min(a[i].m, (t->len[i] - 1 + (a[i].k - 1) * a[i].dilation) / a[i].stride + 1);
            x *= (double)t->len[i];
            z *= (double)t->outputs[i];
        }
        const cf_axis *split = &a[t->split];
        const int shared_out = z * (double)s->cout <= (double)BLOCK_WORK * (double)size || t->len[t->split] < LONG * (split->k * split->dilation);
        if ((z <= BLOCK_BYTES && x <= BLOCK_BYTES && shared_out) || t->len[t->split] == 1)
            break;
    }
    t->images = t->blocks[t->split] == 1 ? cf_clamp((int64_t)(BLOCK_BYTES / 4 / fmax(x, z)), 1, s->batch) : 1;
    t->image_blocks = cf_ceil_div(s->batch, t->images);
    t->line = (t->len[2] - 1 + (a[2].k - 1) * a[2].dilation) / a[2].stride + 2;
    t->z_bytes = cf_round64((size_t)(fmin(z, MOST_BYTES + 1.0) * (double)t->images));
    t->tables_bytes = cf_round64((size_t)(a[0].k * a[1].k + a[2].k) * (sizeof(cf_plane) + sizeof(void *)));
    t->lines_bytes = cf_round64((size_t)(a[2].k * t->line * size));
    t->row_bytes = a[2].stride > 1 || a[2].xs != 1 ? cf_round64((size_t)((t->len[2] / a[2].stride + 1) * size)) : 0;
    t->child_bytes = 0;
}

/* Whether blocks are long enough that neighbors share little, and small enough. */
static int is_sound(const cf_plan *plan, const tiling *t)
{
    const cf_axis *a = &plan->task.shape.axis[t->split];
    return t->z_bytes <= MOST_BYTES && t->lines_bytes <= MOST_BYTES &&
           (t->blocks[t->split] == 1 || t->len[t->split] > (a->k - 1) * a->dilation);
}

/* The numbers of outputs that the blocks of the split axis meet: at the ends, where at most three meet fewer, since blocks are longer than the
 * taps reach, and between them, where it is the stride's phase that decides between two numbers. */
static int counts_of(const cf_axis *a, const tiling *t, int64_t counts[9])
{
    const int64_t len = t->len[t->split], last = t->blocks[t->split] - 1, most = t->outputs[t->split];
    const int64_t from = cf_max(cf_first_position(a), 0) / len, to = cf_clamp(cf_last_position(a), 0, a->n - 1) / len;
    const int64_t blocks[7] = {from, from + 1, from + 2, to - 2, to - 1, to, last};
    int used = 0;
    for (int i = 0; i < 9; i++) {
        const int64_t b = i < 7 ? cf_clamp(blocks[i], 0, last) : 0;
        const int64_t n = i == 7 ? most : i == 8 ? most - 1 : meets(a, b * len, cf_min(len, a->n - b * len)).n;
        int known = n < 1;
        for (int c = 0; c < used; c++)
            known |= counts[c] == n;
        if (!known)
            counts[used++] = n;
    }
    return used;
}

/* What the child of a block takes at most. */
static size_t child_bytes(const cf_plan *plan, const tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const int64_t fewer = s->batch - (t->image_blocks - 1) * t->images; /* of the last block */
    int64_t counts[9], n[3];
    size_t most = 0;
    for (int i = 0; i < 3; i++)
        n[i] = meets(&s->axis[i], 0, t->len[i]).n;
    const int used = counts_of(&s->axis[t->split], t, counts);
    for (int i = 0; i < used * (fewer == t->images ? 1 : 2); i++) {
        n[t->split] = counts[i % used];
        cf_plan child;
        if (n[0] * n[1] * n[2] < 1 || plan_child(plan, i < used ? t->images : fewer, n, &child))
            continue;
        const size_t own = cf_round64(child.method->scratch(&child)) + cf_plan_packed(&child) +
                           (child.method->shared ? cf_round64(child.method->shared(&child)) : 0);
        most = own > most ? own : most;
    }
    return most;
}

static size_t scratch_of(const tiling *t) { return t->z_bytes + t->tables_bytes + t->lines_bytes + t->row_bytes + t->child_bytes; }

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    tiling t;
} job;

typedef struct block {
    const job *job;
    int64_t image, images, group, start[3], len[3];
    range outputs[3];
    int64_t plane; /* of z */
    char *z, *lines, *row;
    cf_plane *rows, *shifted;
    const void **row_at, **line_at;
} block;

/* ---- additions ------------------------------------------------------------------------------------------------------------- */

/* The output that position p of an axis takes from by tap j, counted from the block's first; negative: none. */
static int64_t output_of(const cf_axis *a, range outputs, int64_t p, int64_t j)
{
    const int64_t at = p + a->lo - j * a->dilation;
    if (at % a->stride)
        return -1;
    const int64_t o = at / a->stride - outputs.first;
    return o < outputs.n ? o : -1;
}

/* For each tap of the last axis, the sums over those of the outer ones; returns how many there are of these. */
static int64_t sum_rows(const block *b, const void *one, const char *z, int64_t p0, int64_t p1)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = b->job->plan->task.shape.axis;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, n2 = b->outputs[2].n, before = b->outputs[2].first - line_begin(&a[2], b->start[2]);
    int64_t count = 0;
    for (int64_t j0 = 0; j0 < a[0].k; j0++) {
        const int64_t o0 = output_of(&a[0], b->outputs[0], p0, j0);
        for (int64_t j1 = 0; o0 >= 0 && j1 < a[1].k; j1++) {
            const int64_t o1 = output_of(&a[1], b->outputs[1], p1, j1);
            if (o1 < 0)
                continue;
            b->row_at[count] = z + ((j0 * a[1].k + j1) * a[2].k * b->plane + (o0 * b->outputs[1].n + o1) * n2) * size;
            b->rows[count] = (cf_plane){.lines = &b->row_at[count], .step = 1, .taps = one, .kh = 1, .kw = 1};
            count++;
        }
    }
    for (int64_t j = 0; j < a[2].k && count; j++) {
        set->line(b->rows, count, b->lines + (j * t->line + before) * size, n2, 0);
        for (int64_t i = 0; i < count; i++)
            b->rows[i].offset += b->plane;
    }
    return count;
}

/* Writes one row of x. */
static void shift_lines(const block *b, const void *one, char *x)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = &b->job->plan->task.shape.axis[2];
    const int64_t size = b->job->plan->task.dtype->size, begin = line_begin(a, b->start[2]);
    for (int64_t f = 0; f < cf_min(a->stride, b->len[2]); f++) {
        const int64_t n = cf_ceil_div(b->len[2] - f, a->stride);
        int64_t count = 0;
        for (int64_t j = 0; j < a->k; j++) {
            const int64_t at = b->start[2] + f + a->lo - j * a->dilation, o = floor_div(at, a->stride);
            if (o * a->stride == at)
                b->shifted[count++] = (cf_plane){.lines = b->line_at, .offset = j * t->line + o - begin, .step = 1, .taps = one, .kh = 1, .kw = 1};
        }
        char *to = x + f * a->xs * size;
        cf_set_of(b->job->plan)->line(b->shifted, count, t->row_bytes ? b->row : to, n, 0);
        if (t->row_bytes)
            cf_copy_strided(to, a->stride * a->xs, b->row, 1, n, (int)size);
    }
}

static void add_block(const block *b)
{
    const cf_task *task = &b->job->plan->task;
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    const int64_t size = task->dtype->size;
    const double one_double = 1;
    const float one_float = 1;
    const void *one = task->dtype->arith == CF_F64 ? (const void *)&one_double : &one_float;
    static const unsigned char zero[8];
    for (int64_t c = 0; c < b->images * s->cin; c++) {
        const char *z = b->z + c * b->job->t.taps * b->plane * size;
        for (int64_t i = 0; i < b->len[0] * b->len[1]; i++) {
            const int64_t p0 = b->start[0] + i / b->len[1], p1 = b->start[1] + i % b->len[1];
            char *x = (char *)b->job->arrays->input +
                      (cf_x_at(s, b->image + c / s->cin, b->group, c % s->cin) + p0 * a[0].xs + p1 * a[1].xs + b->start[2] * a[2].xs) * size;
            if (sum_rows(b, one, z, p0, p1))
                shift_lines(b, one, x);
            else
                cf_fill(x, a[2].xs, zero, b->len[2], (int)size);
        }
    }
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------------- */

static int multiply(const block *b, cf_worker *worker, void *memory)
{
    const job *j = b->job;
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    const int64_t n[3] = {b->outputs[0].n, b->outputs[1].n, b->outputs[2].n}, size = j->plan->task.dtype->size;
    const int64_t at = cf_y_at(s, b->image, b->group, 0) + b->outputs[0].first * a[0].ys + b->outputs[1].first * a[1].ys +
                       b->outputs[2].first * a[2].ys;
    char *kernel = packs(j->plan) ? (char *)j->plan->packed + b->group * s->cin * j->t.taps * s->cout * size
                                  : (char *)j->arrays->kernel + cf_w_at(s, b->group, 0, 0) * size;
    cf_arrays arrays = {(char *)j->arrays->output + at * size, kernel, b->z};
    cf_plan child;
    cf_inner inner;
    cf_inner_begin(&inner, worker, memory, j->t.child_bytes);
    int status = plan_child(j->plan, b->images, n, &child);
    if (!status)
        status = cf_plan_run(&child, &arrays, &inner.run);
    cf_inner_end(&inner, status);
    return status;
}

static void piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_shape *s = &j->plan->task.shape;
    const cf_axis *a = s->axis;
    char *memory = worker->scratch;
    block b = {.job = j};
    int empty = 0;
    for (int i = 2; i >= 0; i--) {
        b.start[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
        b.len[i] = cf_min(t->len[i], a[i].n - b.start[i]);
        b.outputs[i] = meets(&a[i], b.start[i], b.len[i]);
        empty |= b.outputs[i].n < 1;
    }
    b.group = cf_take_digit(&index, s->groups);
    b.image = index * t->images;
    b.images = cf_min(t->images, s->batch - b.image);
    b.plane = b.outputs[0].n * b.outputs[1].n * b.outputs[2].n;
    b.z = memory;
    b.rows = (cf_plane *)(void *)(memory += t->z_bytes);
    b.shifted = b.rows + a[0].k * a[1].k;
    b.row_at = (const void **)(void *)(b.shifted + a[2].k);
    b.line_at = b.row_at + a[0].k * a[1].k;
    b.lines = memory += t->tables_bytes;
    b.row = memory += t->lines_bytes;
    b.line_at[0] = b.lines;
    memset(b.lines, 0, t->lines_bytes); /* what lies beyond the outputs */
    if (empty)
        b.outputs[0].n = 0;
    if (empty || !multiply(&b, worker, memory + t->row_bytes))
        add_block(&b);
    cf_poll(worker, (double)(b.images * s->cin) * ((double)(t->taps * s->cout * b.plane) + (double)(b.len[0] * b.len[1] * b.len[2])));
}

/* ---- the method ------------------------------------------------------------------------------------------------------------ */

static int supports(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    if (task->pass != CORRFAST_BACKWARD_INPUT || !task->dtype->is_float || task->dtype->is_complex || task->dtype->arith == CF_NO_ARITH ||
        cf_converts(task->dtype) || s->batch < 1 || s->cin < 1 || s->cin > MOST_CHANNELS || s->cout < FEWEST_COUTS)
        return 0;
    double taps = 1;
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &s->axis[i];
        taps *= (double)a->k;
        if (a->k < 1 || a->m < 1 || a->n < 1 || (a->boundary != CORRFAST_CONSTANT && cf_leaves_array(a)) ||
            a->stride > MOST_STRIDE || a->dilation > MOST_TAPS / a->k || a->lo > MOST_TAPS || a->lo < -MOST_TAPS)
            return 0;
    }
    return taps <= MOST_TAPS && taps > 1;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    tiling t;
    tile(&plan, &t);
    if (!is_sound(&plan, &t))
        return CF_NEVER;
    cf_plan child;
    if (plan_child(&plan, t.images, t.outputs, &child))
        return CF_NEVER;
    const double blocks = (double)t.image_blocks * (double)s->groups * (double)(t.blocks[0] * t.blocks[1] * t.blocks[2]);
    const double lanes = cf_set_of(&plan)->lanes, rows = (double)t.images * (double)(s->cin * t.len[0] * t.len[1]);
    const double terms = fmax(1, (double)a[0].k / (double)a[0].stride * (double)a[1].k / (double)a[1].stride);
    const double sums = (double)a[2].k * (15 + ceil((double)t.outputs[2] / lanes) * terms);
    const double shifts = (double)cf_min(a[2].stride, t.len[2]) * (25 + 2 * (double)a[2].k) + ceil((double)t.len[2] / lanes) * (double)a[2].k / (double)a[2].stride +
                          (a[2].stride > 1 ? 0.7 * (double)t.len[2] : 0);
    return CF_CALL_SECONDS + 3e-6 + blocks * (0.76 * child.seconds + (200 + rows * (sums + shifts)) * CF_CYCLE);
}

/* The products alone, on vectors of 64 bytes. */
static double least(const cf_task *task)
{
    return CF_CALL_SECONDS + 3e-6 + 0.7 * cf_work(&task->shape) * task->dtype->arith_size / 64 * cf_vector_cycles(task->dtype->arith) * CF_CYCLE;
}

static int64_t pieces_of(const cf_plan *plan, const tiling *t)
{
    return t->image_blocks * plan->task.shape.groups * t->blocks[0] * t->blocks[1] * t->blocks[2];
}

static int64_t pieces(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return pieces_of(plan, &t);
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    t.child_bytes = child_bytes(plan, &t);
    return scratch_of(&t);
}

static size_t packed(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    return packs(plan) ? (size_t)(s->groups * s->cin * s->cout * taps_of(s) * plan->task.dtype->size) : 0;
}

/* [group][k][output channel] */
static int pack(const cf_plan *plan, const cf_arrays *arrays, void *to, cf_run *run)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const int64_t size = plan->task.dtype->size;
    (void)run;
    for (int64_t k = 0; k < s->groups * s->cin * taps_of(s); k++) {
        int64_t index = k, j2 = cf_take_digit(&index, a[2].k), j1 = cf_take_digit(&index, a[1].k), j0 = cf_take_digit(&index, a[0].k);
        int64_t ci = cf_take_digit(&index, s->cin);
        cf_copy_strided((char *)to + k * s->cout * size, 1,
                        (const char *)arrays->kernel + (cf_w_at(s, index, 0, ci) + j0 * a[0].ws + j1 * a[1].ws + j2 * a[2].ws) * size,
                        s->w_cout, s->cout, (int)size);
    }
    return CORRFAST_OK;
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    cf_plan child;
    char inner[96] = "";
    tile(plan, &t);
    if (!plan_child(plan, t.images, t.outputs, &child))
        child.method->describe(&child, inner, sizeof inner);
    snprintf(text, size, "blocks of %lld x %lld x %lld samples: %s", (long long)t.len[0], (long long)t.len[1], (long long)t.len[2], inner);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    job j = {.plan = plan, .arrays = arrays};
    tile(plan, &j.t);
    j.t.child_bytes = child_bytes(plan, &j.t);
    return cf_run_pieces(run, pieces_of(plan, &j.t), plan->seconds, scratch_of(&j.t), piece, &j);
}

const cf_method cf_method_gemm_input = {
    .name = "gemm-input", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .least = least, .seconds = seconds, .scratch = scratch,
    .packed = packed, .pack = pack, .pieces = pieces, .describe = describe, .run = run,
};
