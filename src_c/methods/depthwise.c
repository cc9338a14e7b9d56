/* Few channels in a group, depthwise layers above all: a plane, or a strip of its rows, is copied into a slab (core/slab.h) and summed by the
 * kernels that sum one channel.  Forward, and for the gradient of the input where strides are larger than 1, `rows` sums all channels of a
 * group for one channel of what is written; for the gradient of the kernel, `taps` multiplies one channel of the input with one of the
 * output's gradient.
 *
 * With stride s, output o of an axis meets tap j in phase j mod s of the input: taps of one phase are a kernel of their own, and rows, columns
 * and phases make the parts of one sum.  The gradient at position o*s + f takes from the taps of one phase, which f decides: f numbers the
 * phases of what is written, and all come from one slab of the output's gradient.
 *
 * Against direct.c, which reads planes where they lie: small planes pay for looking at every line, and strides for packing each tap row. */
#include "../core/border.h"
#include "../core/plan.h"
#include "../core/slab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    STRIP = 4096, /* outputs */
    MOST_TERMS = 512,
    MOST_TAPS = 1024,
    MOST_STRIDE = 16,  /* for the gradient of the input */
    MOST_COUTS = 256, /* whose sums wait together */
    MOST_GROUPS = 16, /* of a piece */
    MOST_SHARES = 16,
    SHARES_BYTES = 1 << 20,
    SLAB_BYTES = 1 << 18
};

/* Taps of an axis that lie in one phase, and so make one kernel: in elements from the first tap, and in slots from the first output. */
typedef struct part {
    int64_t phase, taps, at, step, w_at, w_step;
} part;

typedef struct parts {
    part *part;
    int64_t count;
} parts;

typedef struct tiling {
    cf_shape shape;    /* what is summed: the problem; for the gradient of the input, the output's gradient padded for all phases */
    int64_t phases[3]; /* of what is written */
    int64_t len[3], blocks[3], taps, channels, planes, lines; /* channels of a slab; lines of one channel */
    int64_t shares; /* of a kernel's gradient: groups of blocks that are summed apart first, where there are few channels to go to threads */
    cf_slab slab;
    int aside;
    size_t lines_bytes, planes_bytes, slab_bytes, y_bytes, tables_bytes, sums_bytes;
} tiling;

/* The gradient of the input as one problem of stride 1: sample o + i - lo of the output's gradient, i < k, is what the outputs o of all phases
 * reach. */
static cf_axis reach_of_phases(const cf_axis *a)
{
    int64_t tap, low = INT64_MAX, high = 0;
    cf_axis phase, all = {.n = a->m, .m = cf_ceil_div(a->n, a->stride), .stride = 1, .dilation = 1, .xs = a->ys, .ys = a->xs,
                          .boundary = CORRFAST_CONSTANT};
    for (int64_t f = 0; f < cf_min(a->stride, a->n); f++)
        if (cf_input_phase(a, 0, a->n, f, a->xs, &phase, &tap)) {
            high = low == INT64_MAX ? -phase.lo + (phase.k - 1) * phase.dilation : cf_max(high, -phase.lo + (phase.k - 1) * phase.dilation);
            low = cf_min(low, -phase.lo);
        }
    all.lo = low == INT64_MAX ? 0 : -low;
    all.k = low == INT64_MAX ? 1 : high - low + 1;
    return all;
}

static int64_t count_shares(const tiling *t)
{
    const double channels = (double)t->shape.groups * (double)t->shape.cin;
    const double blocks = (double)t->shape.batch * (double)t->blocks[0] * (double)t->blocks[1] * (double)t->blocks[2];
    const double most = fmin(fmin(MOST_SHARES, blocks), fmin(MOST_SHARES / channels, SHARES_BYTES / (channels * (double)t->sums_bytes)));
    return cf_max(1, (int64_t)most);
}

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const cf_axis *a = s->axis;
    const corrfast_pass pass = plan->task.pass;
    const int64_t size = plan->task.dtype->arith_size;
    memset(t, 0, sizeof *t);
    t->shape = pass == CORRFAST_BACKWARD_INPUT ? cf_input_roles(s) : *s;
    for (int i = 0; i < 3; i++) {
        t->shape.axis[i] = pass == CORRFAST_BACKWARD_INPUT ? reach_of_phases(&a[i]) : a[i];
        t->phases[i] = pass == CORRFAST_BACKWARD_INPUT ? cf_min(a[i].stride, a[i].n) : 1;
    }
    s = &t->shape;
    t->channels = pass == CORRFAST_BACKWARD_KERNEL ? 1 : s->cin;
    for (int64_t outputs = STRIP;; outputs /= 2) {
        cf_choose_block(s, outputs, t->len, t->blocks);
        cf_slab_make(s, t->len, 1, &t->slab);
        if (cf_slab_channel(&t->slab) * (double)(t->channels * size) <= SLAB_BYTES || outputs == 1)
            break;
    }
    const cf_slab_axis *slab = t->slab.axis;
    t->taps = a[0].k * a[1].k * a[2].k;
    t->lines = slab[0].period * slab[0].width * slab[1].period * slab[1].width;
    t->aside = t->phases[2] > 1 || (s->axis[2].m > 1 && s->axis[2].ys != 1);
    t->planes = pass == CORRFAST_BACKWARD_KERNEL ? 0 : s->cin * t->taps;
    t->lines_bytes = cf_round64((size_t)(t->channels * t->lines) * sizeof(void *)) + cf_round64(cf_slab_lines_bytes(&t->slab));
    t->planes_bytes = cf_round64((size_t)t->planes * sizeof(cf_plane));
    t->slab_bytes = cf_round64((size_t)(t->slab.channel * t->channels * size)) + 64;
    t->sums_bytes = pass == CORRFAST_BACKWARD_KERNEL ? cf_round64((size_t)(s->cout * t->taps * size)) : 0;
    t->shares = pass == CORRFAST_BACKWARD_KERNEL ? count_shares(t) : 1;
    /* One plane of outputs, in phases and woven, or of their gradient. */
    t->y_bytes = t->aside ? cf_round64((size_t)(t->phases[2] * (t->len[1] + 1) * t->len[2] * size)) : 0;
    t->tables_bytes = cf_round64((size_t)(slab[1].period * slab[1].width) * sizeof(int64_t)) +
                      cf_round64((size_t)(a[0].k + a[1].k + a[2].k) * sizeof(part));
}

static size_t scratch_of(const tiling *t)
{
    return t->lines_bytes + t->planes_bytes + t->slab_bytes + t->y_bytes + t->sums_bytes + t->tables_bytes;
}

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    const void *x, *cval; /* what slabs are filled with */
    char *y;
    char *sums; /* of all shares, if there are several */
    tiling t;
    int64_t groups; /* of a piece: what it sets up serves them all */
    int flags, care, plain;
    atomic_int *poisoned;
} job;

typedef struct block {
    const job *job;
    cf_slab_block at;
    int64_t len[3];
    const void **lines, **fill;
    cf_plane *planes;
    parts parts[3];
    int64_t *rows_at;
    char *slab, *y, *sums;
} block;

/* ---- the slab -------------------------------------------------------------------------------------------------------------- */

/* Whether rows can be copied whole between borders of zeros, if their samples are neighbors. */
static int is_plain(const cf_task *task, const tiling *t)
{
    const cf_axis *a = t->shape.axis;
    const int zeros = task->pads_with_zero || task->pass == CORRFAST_BACKWARD_INPUT;
    const cf_slab_axis *slab = t->slab.axis;
    for (int i = 0; i < 3; i++)
        if (slab[i].period != 1 || a[i].stride != 1 || (cf_leaves_array(&a[i]) && (a[i].boundary != CORRFAST_CONSTANT || !zeros)))
            return 0;
    return a[0].k == 1 && a[0].lo == 0 && a[0].n == a[0].m && t->blocks[2] == 1 && a[2].lo >= 0 &&
           a[2].n + a[2].lo <= slab[2].width;
}

/* Copies the rows that exist, and clears those that do not; borders beside them were cleared once. */
static void fill_plain(const block *b)
{
    const job *j = b->job;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &j->t.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const int64_t size = task->dtype->size, pitch = j->t.slab.step[1], rows = j->t.slab.axis[1].width;
    const int64_t first = b->at.first[1] - row->lo, from = cf_clamp(-first, 0, rows), to = cf_clamp(row->n - first, from, rows);
    const cf_run_part line = {0, 0, col->n};
    for (int64_t i = 0; i < b->at.channels * b->len[0]; i++) {
        int64_t ci = i / b->len[0], depth = i % b->len[0];
        char *slab = b->slab + (ci * j->t.slab.channel + depth * j->t.slab.step[0]) * size;
        if (from == to) {
            memset(slab, 0, (size_t)(rows * pitch * size));
            continue;
        }
        const char *x = (const char *)j->x + (cf_x_at(s, b->at.image, b->at.group, b->at.channel + ci) +
                                            (b->at.first[0] + depth) * s->axis[0].xs + (first + from) * row->xs) * size;
        memset(slab, 0, (size_t)(from * pitch * size));
        memset(slab + to * pitch * size, 0, (size_t)((rows - to) * pitch * size));
        cf_set_of(j->plan)->panel(x, b->rows_at, to - from, &line, 1, slab + (from * pitch + col->lo) * size, pitch);
    }
}

static void fill(const block *b)
{
    const job *j = b->job;
    if (j->plain)
        fill_plain(b);
    else
        cf_slab_fill(&j->t.slab, &j->t.shape, j->plan->task.dtype, cf_set_of(j->plan), j->x, j->cval, &b->at, b->fill, b->slab);
}

/* ---- forward, and the gradient of the input ---------------------------------------------------------------------------------- */

/* The kernels that sum want rows of taps that meet neighboring lines; others are parts of one tap. */
static void add_parts(parts *to, int axis, part whole)
{
    if (axis == 2 || (axis == 1 && whole.step == 1)) {
        to->part[to->count++] = whole;
        return;
    }
    for (int64_t i = 0; i < whole.taps; i++)
        to->part[to->count++] = (part){whole.phase, 1, whole.at + i * whole.step, 1, whole.w_at + i * whole.w_step, 0};
}

static void find_parts(const job *j, int axis, parts *to)
{
    const cf_axis *a = &j->plan->task.shape.axis[axis];
    const cf_slab_axis *slab = &j->t.slab.axis[axis];
    int64_t tap;
    cf_axis phase;
    to->count = 0;
    if (j->plan->task.pass != CORRFAST_BACKWARD_INPUT)
        for (int64_t i = 0; i < slab->period; i++)
            add_parts(to, axis, (part){0, cf_ceil_div(a->k - i, slab->period), i * slab->width, slab->shift, i * a->ws, slab->period * a->ws});
    else
        for (int64_t f = 0; f < j->t.phases[axis]; f++)
            if (cf_input_phase(a, 0, a->n, f, a->xs, &phase, &tap))
                add_parts(to, axis, (part){f, phase.k, j->t.shape.axis[axis].lo - phase.lo, phase.dilation, tap * a->ws, phase.ws});
}

/* Points the parts of the sum of one channel in a phase at their lines and taps; returns their number.  Parts of as many tap rows follow each
 * other: `rows` sums them together. */
static int64_t make_planes(const block *b, int64_t co, const int64_t f[3])
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const char *w = (const char *)j->arrays->kernel + cf_w_at(&t->shape, b->at.group, co, 0) * j->plan->task.dtype->size;
    const int64_t size = j->plan->task.dtype->size, next = t->slab.step[0] / t->slab.step[1];
    const part *p[3], *end[3];
    int64_t count = 0;
    for (int i = 0; i < 3; i++)
        end[i] = b->parts[i].part + b->parts[i].count;
    for (p[1] = b->parts[1].part; p[1] < end[1]; p[1]++)
        for (int64_t ci = 0; p[1]->phase == f[1] && ci < t->shape.cin; ci++)
            for (p[0] = b->parts[0].part; p[0] < end[0]; p[0]++)
                for (p[2] = b->parts[2].part; p[0]->phase == f[0] && p[2] < end[2]; p[2]++)
                    if (p[2]->phase == f[2])
                        b->planes[count++] = (cf_plane){
                            .lines = b->lines + ci * t->lines + p[0]->at * next + p[1]->at, .offset = p[2]->at, .step = p[2]->step,
                            .taps = w + (ci * t->shape.w_cin + p[0]->w_at + p[1]->w_at + p[2]->w_at) * size,
                            .tap_row = p[1]->w_step, .tap_col = p[2]->w_step, .kh = p[1]->taps, .kw = p[2]->taps};
    return count;
}

/* How many outputs of the block's along an axis are in phase f. */
static int64_t outputs_in(const block *b, int axis, int64_t f)
{
    const int64_t phases = b->job->t.phases[axis], all = phases > 1 ? b->job->plan->task.shape.axis[axis].n : b->job->t.shape.axis[axis].m;
    return cf_clamp(cf_ceil_div(cf_max(all - f, 0), phases) - b->at.first[axis], 0, b->len[axis]);
}

/* Rows of sums in `from`, phase after phase, go to their places. */
static void store_rows(const block *b, int64_t rows, const char *from, char *y, int64_t y_row)
{
    const tiling *t = &b->job->t;
    const cf_kernel_set *set = cf_set_of(b->job->plan);
    const int64_t size = b->job->plan->task.dtype->size, phases = t->phases[2], ys = t->shape.axis[2].ys, plane = t->len[1] * t->len[2];
    const int weaves = phases > 1 && ys == 1 && set->weave && phases <= 4;
    const int64_t whole = weaves ? outputs_in(b, 2, phases - 1) : 0;
    for (int64_t r = 0; weaves && r < rows; r++)
        set->weave((int)phases, from + r * b->len[2] * size, plane, y + r * y_row * size, whole);
    for (int64_t f = 0; f < phases; f++) {
        const int64_t left = outputs_in(b, 2, f) - whole;
        for (int64_t r = 0; left > 0 && r < rows; r++)
            cf_copy_strided(y + (r * y_row + (whole * phases + f) * ys) * size, phases * ys, from + (r * b->len[2] + f * plane + whole) * size, 1,
                            left, (int)size);
    }
}

/* The sums of one plane of a channel: rows of phase f[1], columns of all phases. */
static void sum_plane(const block *b, int64_t co, const int64_t f[3], int64_t depth, char *y)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_kernel_set *set = cf_set_of(j->plan);
    const int64_t size = j->plan->task.dtype->size, y_row = t->shape.axis[1].ys * t->phases[1];
    const int64_t to_row = t->aside ? b->len[2] : y_row, rows = outputs_in(b, 1, f[1]), next = t->slab.step[0] / t->slab.step[1];
    for (int64_t f2 = 0; f2 < t->phases[2]; f2++) {
        char *to = t->aside ? b->y + f2 * t->len[1] * t->len[2] * size : y;
        const int64_t count = make_planes(b, co, (const int64_t[]){f[0], f[1], f2}), n = outputs_in(b, 2, f2);
        for (int64_t p = 0; p < count; p++)
            b->planes[p].lines += depth * next;
        if (n > 0 && rows > 0)
            set->rows(b->planes, count, to, to_row, rows, n, j->flags);
    }
    if (t->aside)
        store_rows(b, rows, b->y, y, y_row);
}

/* One channel of the block. */
static void sum_channel(const block *b, int64_t co)
{
    const tiling *t = &b->job->t;
    const cf_axis *a = t->shape.axis;
    int64_t f[3] = {0, 0, 0};
    for (f[0] = 0; f[0] < t->phases[0]; f[0]++)
        for (int64_t o0 = 0; o0 < outputs_in(b, 0, f[0]); o0++)
            for (f[1] = 0; f[1] < t->phases[1]; f[1]++) {
                int64_t at = cf_y_at(&t->shape, b->at.image, b->at.group, co) + ((b->at.first[0] + o0) * t->phases[0] + f[0]) * a[0].ys +
                             (b->at.first[1] * t->phases[1] + f[1]) * a[1].ys + b->at.first[2] * t->phases[2] * a[2].ys;
                sum_plane(b, co, f, o0, b->job->y + at * b->job->plan->task.dtype->size);
            }
}

static void place(const job *j, int64_t index, block *b)
{
    const tiling *t = &j->t;
    for (int i = 2; i >= 0; i--) {
        b->at.first[i] = cf_take_digit(&index, t->blocks[i]) * t->len[i];
        b->len[i] = cf_min(t->len[i], t->shape.axis[i].m - b->at.first[i]);
    }
}

static void start(const job *j, block *b, cf_worker *worker)
{
    const tiling *t = &j->t;
    const cf_shape *s = &t->shape;
    char *memory = worker->scratch;
    *b = (block){.job = j};
    b->lines = (const void **)(void *)memory;
    b->fill = b->lines + cf_round64((size_t)(t->channels * t->lines) * sizeof(void *)) / sizeof(void *);
    b->planes = (cf_plane *)(void *)(memory += t->lines_bytes);
    b->slab = memory += t->planes_bytes;
    b->y = memory += t->slab_bytes;
    b->sums = memory += t->y_bytes;
    b->rows_at = (int64_t *)(void *)(memory += t->sums_bytes);
    memory += cf_round64((size_t)(t->slab.axis[1].period * t->slab.axis[1].width) * sizeof(int64_t));
    for (int i = 0; i < 3; i++) {
        b->parts[i].part = (part *)(void *)memory;
        memory += j->plan->task.shape.axis[i].k * (int64_t)sizeof(part);
        find_parts(j, i, &b->parts[i]);
    }
    for (int64_t r = 0; r < cf_min(t->slab.axis[1].width, s->axis[1].n); r++)
        b->rows_at[r] = r * s->axis[1].xs;
    if (j->plain)
        memset(b->slab, 0, t->slab_bytes);
}

/* Some groups of one sample. */
static void sums_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const cf_shape *s = &j->t.shape;
    block b;
    start(j, &b, worker);
    place(j, index, &b);
    for (int i = 0; i < 3; i++)
        cf_take_digit(&index, j->t.blocks[i]);
    int64_t first = cf_take_digit(&index, cf_ceil_div(s->groups, j->groups)) * j->groups;
    b.at.image = index;
    b.at.channels = s->cin;
    for (int64_t l = 0; l < s->cin * j->t.lines; l++)
        b.lines[l] = b.slab + l * j->t.slab.step[1] * j->plan->task.dtype->size;
    for (b.at.group = first; b.at.group < cf_min(first + j->groups, s->groups); b.at.group++) {
        fill(&b);
        for (int64_t co = 0; co < s->cout; co++) {
            sum_channel(&b, co);
            if (cf_poll(worker, (double)(b.len[0] * b.len[1] * b.len[2]) * (double)(s->cin * j->t.taps)))
                return;
        }
    }
}

/* ---- the gradient of the kernel -------------------------------------------------------------------------------------------- */

/* Multiplies a plane of the block with that of one output channel's gradient: the sums of one part of the taps after another. */
static void add_plane(const block *b, int64_t co, int64_t depth, int first)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    const int64_t size = j->plan->task.dtype->size;
    const char *g = (const char *)j->arrays->output + (cf_y_at(s, b->at.image, b->at.group, co) + (b->at.first[0] + depth) * a[0].ys +
                                                       b->at.first[1] * a[1].ys + b->at.first[2] * a[2].ys) * size;
    char *sums = b->sums + co * t->taps * size;
    for (int64_t o1 = 0; t->aside && o1 < b->len[1]; o1++)
        cf_copy_strided(b->y + o1 * b->len[2] * size, 1, g + o1 * a[1].ys * size, a[2].ys, b->len[2], (int)size);
    const int64_t g_row = t->aside ? b->len[2] : a[1].ys;
    const parts *p = b->parts;
    for (const part *p0 = p[0].part; p0 < p[0].part + p[0].count; p0++)
        for (const part *p1 = p[1].part; p1 < p[1].part + p[1].count; p1++)
            for (const part *p2 = p[2].part; p2 < p[2].part + p[2].count; sums += p1->taps * p2->taps * size, p2++)
                cf_set_of(j->plan)->taps(t->aside ? b->y : g, g_row,
                                         b->slab + ((p0->at + depth) * t->slab.step[0] + p1->at * t->slab.step[1] + p2->at) * size,
                                         t->slab.step[1], p2->step, p1->taps, p2->taps, b->len[1], b->len[2], sums,
                                         j->flags | (first ? 0 : CF_ACCUMULATE));
}

/* Puts the sums where they belong. */
static void store_taps(const block *b)
{
    const job *j = b->job;
    const int64_t size = j->plan->task.dtype->size;
    const char *from = b->sums;
    const parts *p = b->parts;
    for (int64_t co = 0; co < j->t.shape.cout; co++)
        for (const part *p0 = p[0].part; p0 < p[0].part + p[0].count; p0++)
            for (const part *p1 = p[1].part; p1 < p[1].part + p[1].count; p1++)
                for (const part *p2 = p[2].part; p2 < p[2].part + p[2].count; p2++)
                    for (int64_t i = 0; i < p1->taps; i++, from += p2->taps * size)
                        cf_copy_strided((char *)j->arrays->kernel + (cf_w_at(&j->t.shape, b->at.group, co, b->at.channel) + p0->w_at + p1->w_at +
                                                                     i * p1->w_step + p2->w_at) * size,
                                        p2->w_step, from, 1, p2->taps, (int)size);
}

static size_t share_bytes(const tiling *t) { return (size_t)(t->shape.groups * t->shape.cin) * t->sums_bytes; }

/* The sums of a share are done; those of all channels are added up when all are. */
static void finish_share(const block *b, int64_t share)
{
    const job *j = b->job;
    if (j->care && !cf_set_of(j->plan)->finite(b->sums, j->t.shape.cout * j->t.taps))
        atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
    if (j->sums)
        memcpy(j->sums + (size_t)share * share_bytes(&j->t) + (size_t)(b->at.group * j->t.shape.cin + b->at.channel) * j->t.sums_bytes, b->sums,
               j->t.sums_bytes);
    else
        store_taps(b);
}

/* One channel of the input of some groups with those of the output, over a share of all samples and blocks. */
static void gradient_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    const cf_shape *s = &t->shape;
    const int64_t blocks = t->blocks[0] * t->blocks[1] * t->blocks[2], all = s->batch * blocks;
    block b;
    start(j, &b, worker);
    const int64_t share = cf_take_digit(&index, t->shares);
    const int64_t from = all / t->shares * share + cf_min(all % t->shares, share), to = from + all / t->shares + (share < all % t->shares);
    b.at.channel = cf_take_digit(&index, s->cin);
    b.at.channels = 1;
    for (b.at.group = index * j->groups; b.at.group < cf_min((index + 1) * j->groups, s->groups); b.at.group++) {
        for (int64_t i = from; i < to; i++) {
            place(j, i % blocks, &b);
            b.at.image = i / blocks;
            fill(&b);
            for (int64_t co = 0; co < s->cout; co++) {
                for (int64_t o0 = 0; o0 < b.len[0]; o0++)
                    add_plane(&b, co, o0, i == from && o0 == 0);
                if (cf_poll(worker, (double)(b.len[0] * b.len[1] * b.len[2]) * (double)t->taps))
                    return;
            }
        }
        finish_share(&b, share);
    }
}

/* Adds up the shares of one channel, in their order. */
static void shares_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const tiling *t = &j->t;
    block b;
    start(j, &b, worker); /* for `sums`, and for where they belong */
    b.at.channel = index % t->shape.cin;
    b.at.group = index / t->shape.cin;
    memcpy(b.sums, j->sums + (size_t)index * t->sums_bytes, t->sums_bytes);
    for (int64_t share = 1; share < t->shares; share++)
        cf_fold_add(j->plan->task.dtype, b.sums, 1, j->sums + (size_t)share * share_bytes(t) + (size_t)index * t->sums_bytes,
                    t->shape.cout * t->taps);
    store_taps(&b);
}

static int run_gradient(job *j, cf_run *run, int64_t count)
{
    const size_t bytes = j->t.shares > 1 ? (size_t)j->t.shares * share_bytes(&j->t) : 0;
    if (bytes && !(j->sums = cf_memory_take(&run->memory, bytes)))
        return CORRFAST_ERR_MEMORY;
    int status = cf_run_pieces(run, count, j->plan->seconds, scratch_of(&j->t), gradient_piece, j);
    if (bytes && !status)
        status = cf_run_pieces(run, j->t.shape.groups * j->t.shape.cin, 0, scratch_of(&j->t), shares_piece, j);
    if (bytes)
        cf_memory_give(&run->memory, j->sums, bytes);
    return status;
}

/* ---- the methods ----------------------------------------------------------------------------------------------------------- */

static int is_common(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    if (task->dtype->arith == CF_NO_ARITH || cf_converts(task->dtype) || s->cin < 1 || s->batch < 1)
        return 0;
    double taps = 1;
    for (int i = 0; i < 3; i++) {
        taps *= (double)a[i].k;
        if (a[i].k < 1 || a[i].m < 1)
            return 0;
    }
    return taps <= MOST_TAPS && (s->groups * s->cin * s->cout > 1 || task->pass == CORRFAST_BACKWARD_KERNEL);
}

static int supports_forward(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    return task->pass == CORRFAST_FORWARD && is_common(task) &&
           (double)s->cin * (double)s->axis[0].k * (double)s->axis[1].k * (double)s->axis[2].k <= MOST_TERMS;
}

/* Strides that are 1 are the adjoint's. */
static int supports_input(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    double reach = (double)s->cout * task->dtype->size, phases = 1;
    if (task->pass != CORRFAST_BACKWARD_INPUT || !is_common(task) || s->cout < 1)
        return 0;
    for (int i = 0; i < 3; i++) {
        const cf_axis *a = &s->axis[i];
        if (a->n < 1 || a->stride > MOST_STRIDE || (a->boundary != CORRFAST_CONSTANT && cf_leaves_array(a)))
            return 0;
        reach *= (double)reach_of_phases(a).k;
        phases *= (double)a->stride;
    }
    return phases > 1 && reach <= SLAB_BYTES && (double)s->cout * (double)(s->axis[0].k * s->axis[1].k * s->axis[2].k) <= MOST_TERMS;
}

static int supports_gradient(const cf_task *task)
{
    return task->pass == CORRFAST_BACKWARD_KERNEL && is_common(task) && task->shape.cout <= MOST_COUTS;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const double lanes = kernels->set[task->dtype->arith].lanes, cycles = cf_vector_cycles(task->dtype->arith);
    tiling t;
    tile(&plan, &t);
    const cf_shape *s = &t.shape;
    const cf_axis *a = s->axis;
    double channels = (double)s->batch * (double)s->groups, sums = channels * (double)s->cin * (double)s->cout;
    double vectors = (double)a[0].m * (double)a[1].m * ceil((double)a[2].m / lanes), blocks = (double)(t.blocks[0] * t.blocks[1] * t.blocks[2]);
    const int strided = t.slab.axis[2].period > 1;
    double copies = channels * (double)s->cin * blocks *
                    ((double)t.lines * (is_plain(task, &t) ? 2 : strided ? 30 : 15) + (strided ? 0.2 : 0.08) * cf_slab_channel(&t.slab));
    const cf_axis *k = task->shape.axis;
    const int input = task->pass == CORRFAST_BACKWARD_INPUT;
    double taps = (double)t.taps, tiles = (double)(k[0].k * cf_ceil_div(k[1].k, 4) * cf_ceil_div(k[2].k, 3));
    const int fours = task->dtype->is_float && !task->dtype->is_complex && lanes >= 4; /* the lanes of four vectors are added up at once */
    double sum = cycles * CF_DENSE * 1.1 * vectors * taps +
                 blocks * (double)t.len[0] * (fours ? 3 * taps + 35 * tiles : 12 * taps + 60 * tiles); /* of the kernel's gradient */
    if (task->pass != CORRFAST_BACKWARD_KERNEL) {
        /* Pieces of one tap row wait for their loads, and every piece for its beginning. */
        const int64_t apart = input ? cf_min(t.phases[1], k[1].k) : t.slab.axis[1].shift == 1 ? t.slab.axis[1].period : k[1].k;
        double pieces = (double)(k[0].k * apart * (input ? cf_min(t.phases[2], k[2].k) : t.slab.axis[2].period));
        double loads = t.shape.axis[1].m == 1 ? taps : apart > 1 ? (double)(k[0].k * k[2].k * cf_clamp(2 * apart - k[1].k, 0, apart)) : 0;
        sum = fmax(cycles * CF_DENSE * (taps + loads + 0.75 * pieces) * vectors, 0.7 * CF_FMA_LATENCY * taps * ceil(vectors / 8)) + 50 * pieces;
    }
    if (s->cin > 1 && k[0].k * k[1].k * k[2].k == 1) /* single taps: a third of the speed (Zen 4) */
        sum *= 2.8;
    else if (s->cin > 1 && (task->pass == CORRFAST_BACKWARD_KERNEL ? strided : k[0].k > 1)) /* many short pieces: half of it */
        sum *= input ? 3.5 : 2;
    const int gradient = task->pass == CORRFAST_BACKWARD_KERNEL, alone = gradient && s->groups * s->cin * s->cout == 1;
    const int rows = k[0].k * k[1].k > 1;
    if (gradient && s->cin >= 4 && (k[1].k == 1 || k[1].dilation > 1)) /* rows of taps alone do not share their loads */
        sum *= 1 + 3 / (double)cf_min(k[2].k, 3);
    if (gradient && s->cin < 4) /* nor do taps that lie apart */
        sum *= (alone ? 0.8 : s->groups > 1 ? 0.6 : 0.7) * (!rows ? 1 + fmin(1, taps / 100) : alone && k[2].dilation > 1 ? 2 : 1);
    if (alone && k[0].k > 3) /* lines of many planes */
        sum *= 1.15;
    const int far = gradient && rows && cf_traffic_bytes(task) > CF_FAR_BYTES;
    return CF_CALL_SECONDS + (alone ? 0.1e-6 : 0.5e-6) + (sums * sum + copies + channels * (double)s->cout * blocks * 30) * CF_CYCLE +
           cf_traffic_seconds(task) * (far && alone ? 1.5 : far && s->cout > 16 ? 3.5 : 1); /* many planes: none stays in the cache */
}

/* Pieces of one group. */
static int64_t pieces(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    if (plan->task.pass == CORRFAST_BACKWARD_KERNEL)
        return t.shape.groups * t.shape.cin * t.shares;
    return t.shape.batch * t.shape.groups * t.blocks[0] * t.blocks[1] * t.blocks[2];
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return scratch_of(&t);
}

static size_t shared(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return t.shares > 1 ? (size_t)t.shares * share_bytes(&t) : 0;
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, &t);
    const char *kernel = plan->task.pass == CORRFAST_BACKWARD_KERNEL ? "taps" : "rows";
    snprintf(text, size, "%s kernel, blocks of %lld x %lld x %lld outputs of a channel", kernel, (long long)t.len[0], (long long)t.len[1],
             (long long)t.len[2]);
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_task *task = &plan->task;
    const int input = task->pass == CORRFAST_BACKWARD_INPUT, kernel = task->pass == CORRFAST_BACKWARD_KERNEL;
    static const _Alignas(16) unsigned char zero[32];
    if (!kernel && cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .x = input ? arrays->output : arrays->input, .cval = input ? zero : task->cval,
             .y = input ? arrays->input : arrays->output, .poisoned = &poisoned};
    tile(plan, &j.t);
    const cf_axis *row = &j.t.shape.axis[2];
    j.plain = is_plain(task, &j.t) && (row->n == 1 || row->xs == 1);
    j.care = kernel && task->dtype->is_float && task->pads_with_zero;
    if (task->conjugate & (input ? CORRFAST_CONJ_OUTPUT : CORRFAST_CONJ_INPUT))
        j.flags |= CF_CONJ_SAMPLES;
    if (task->conjugate & (kernel ? CORRFAST_CONJ_OUTPUT : CORRFAST_CONJ_KERNEL))
        j.flags |= CF_CONJ_TAPS;
    const int64_t groups = task->shape.groups, all = pieces(plan), threads = cf_threads_for(run->options, all, plan->seconds);
    j.groups = cf_clamp(all / (4 * threads), 1, cf_min(groups, MOST_GROUPS));
    const int64_t count = all / groups * cf_ceil_div(groups, j.groups);
    int status = kernel ? run_gradient(&j, run, count) : cf_run_pieces(run, count, plan->seconds, scratch_of(&j.t), sums_piece, &j);
    return status || !atomic_load(&poisoned) ? status : cf_run_with_care(plan, arrays, run);
}

const cf_method cf_method_depthwise = {
    .name = "depthwise", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports_forward, .seconds = seconds, .scratch = scratch,
    .pieces = pieces, .describe = describe, .run = run,
};

const cf_method cf_method_depthwise_gradient = {
    .name = "depthwise-gradient", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports_gradient, .seconds = seconds, .scratch = scratch,
    .shared = shared, .pieces = pieces, .describe = describe, .run = run,
};

const cf_method cf_method_depthwise_input = {
    .name = "depthwise-input", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports_input, .seconds = seconds, .scratch = scratch,
    .pieces = pieces, .describe = describe, .run = run,
};
