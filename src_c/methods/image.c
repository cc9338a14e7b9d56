/* Depthwise layers of small kernels, at stride 1 or 2: planes between zeros are read where they lie, neither copied nor taken apart.  The
 * kernels `image`, `spread` and `image_taps` load the ends of lines in part, and part and weave samples of even and of odd place in registers
 * (image_tmpl.h).  What they do not take is depthwise.c's.
 *
 * What this method takes depends on the shape and on what lies around the array alone, so that no layout decides the bits: samples that do not
 * lie side by side are copied first, as they are, and outputs are scattered afterwards. */
#include "../core/border.h"
#include "../core/plan.h"

#include <math.h>
#include <stdio.h>

enum {
    STRIP = 1 << 16,  /* outputs of a block */
    STRIP_ROWS = 32,  /* at least, if there are: the first ones take as long as some more */
    MOST_COLS = 8192, /* of which so many rows are copied, if at all */
    MOST_GROUPS = 16, /* of a piece */
    FEWEST_LANES = 4, /* of a vector: AVX2, float64 */
    FEW_CHANNELS = 16 /* too few pieces for threads in a kernel's gradient: depthwise.c shares out their samples */
};

typedef struct tiling {
    cf_shape shape; /* `image` reads its input and writes its output; for the gradient of the input, `spread` does */
    int64_t rows, blocks, taps;
    int aside;
    size_t copy_bytes, y_bytes, sums_bytes;
} tiling;

static void tile(const cf_plan *plan, tiling *t)
{
    const cf_shape *s = &plan->task.shape;
    const int input = plan->task.pass == CORRFAST_BACKWARD_INPUT;
    const int64_t size = plan->task.dtype->arith_size;
    t->shape = input ? cf_input_roles(s) : *s;
    for (int i = 0; i < 3; i++) {
        cf_axis *a = &t->shape.axis[i];
        *a = s->axis[i];
        if (input) {
            a->n = s->axis[i].m;
            a->m = s->axis[i].n;
            a->xs = s->axis[i].ys;
            a->ys = s->axis[i].xs;
        }
    }
    const cf_axis *row = &t->shape.axis[1], *col = &t->shape.axis[2];
    t->blocks = cf_ceil_div(row->m, cf_clamp(STRIP / col->m, cf_min(STRIP_ROWS, row->m), row->m));
    t->rows = cf_ceil_div(row->m, t->blocks);
    t->taps = row->k * col->k;
    t->aside = col->m > 1 && col->ys != 1;
    const int64_t lines = input ? (t->rows + row->k) / row->stride + 1 : t->rows * row->stride + row->k;
    t->copy_bytes = col->n > 1 && col->xs != 1 ? cf_round64((size_t)(cf_min(lines, row->n) * col->n * size)) : 0;
    t->y_bytes = t->aside ? cf_round64((size_t)(t->rows * col->m * size)) : 0;
    t->sums_bytes = plan->task.pass == CORRFAST_BACKWARD_KERNEL ? cf_round64((size_t)(t->shape.cout * t->taps * size)) : 0;
}

static size_t scratch_of(const tiling *t) { return t->copy_bytes + t->y_bytes + t->sums_bytes; }

typedef struct job {
    const cf_plan *plan;
    const cf_arrays *arrays;
    const char *x;
    char *y; /* of a kernel's gradient, what is read beside x */
    tiling t;
    int64_t groups; /* of a piece */
    atomic_int *poisoned;
} job;

/* Rows [first, first + rows) of the outputs of one channel of x. */
typedef struct block {
    const job *job;
    int64_t image, group, channel, first, rows;
    char *copy, *y, *sums;
} block;

/* The lines of samples that the block meets: from *from to *to. */
static void find_lines(const block *b, int64_t *from, int64_t *to)
{
    const cf_axis *row = &b->job->t.shape.axis[1];
    const int input = b->job->plan->task.pass == CORRFAST_BACKWARD_INPUT;
    const int64_t begin = input ? cf_max(b->first + row->lo - row->k + 1, 0) / row->stride : b->first * row->stride - row->lo;
    const int64_t end = input ? (b->first + b->rows - 1 + row->lo) / row->stride + 1 : begin + (b->rows - 1) * row->stride + row->k;
    *from = cf_clamp(begin, 0, row->n);
    *to = cf_clamp(end, *from, row->n);
}

/* The block's channel of x, its lines side by side. */
static cf_image samples_of(const block *b)
{
    const job *j = b->job;
    const cf_axis *row = &j->t.shape.axis[1], *col = &j->t.shape.axis[2];
    const int64_t size = j->plan->task.dtype->size;
    const char *x = j->x + cf_x_at(&j->t.shape, b->image, b->group, b->channel) * size;
    cf_image image = {.x = x, .x_row = row->xs, .rows = row->n, .cols = col->n, .top = row->lo, .left = col->lo, .tap_row = row->ws,
                      .tap_col = col->ws, .kh = (int)row->k, .kw = (int)col->k, .stride = (int)row->stride};
    int64_t from, to;
    if (!j->t.copy_bytes)
        return image;
    find_lines(b, &from, &to);
    for (int64_t r = from; r < to; r++)
        cf_copy_strided(b->copy + (r - from) * col->n * size, 1, x + r * row->xs * size, col->xs, col->n, (int)size);
    image.x = b->copy;
    image.x_row = col->n;
    image.rows = to - from;
    image.top += j->plan->task.pass == CORRFAST_BACKWARD_INPUT ? -from * row->stride : from;
    return image;
}

/* Where the block's outputs of a channel begin. */
static char *outputs_at(const block *b, int64_t co)
{
    const cf_shape *s = &b->job->t.shape;
    return b->job->y + (cf_y_at(s, b->image, b->group, co) + b->first * s->axis[1].ys) * b->job->plan->task.dtype->size;
}

static void start(const job *j, int64_t piece, block *b, cf_worker *worker)
{
    char *memory = worker->scratch;
    *b = (block){.job = j, .copy = memory, .y = memory + j->t.copy_bytes, .sums = memory + j->t.copy_bytes + j->t.y_bytes};
    b->first = piece * j->t.rows;
    b->rows = cf_min(j->t.rows, j->t.shape.axis[1].m - b->first);
}

/* ---- forward, and the gradient of the input ---------------------------------------------------------------------------------- */

static void sum_channel(const block *b, cf_image *image, int64_t co)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_axis *row = &t->shape.axis[1], *col = &t->shape.axis[2];
    const int64_t size = j->plan->task.dtype->size;
    const cf_kernel_set *set = cf_set_of(j->plan);
    char *y = outputs_at(b, co), *to = t->aside ? b->y : y;
    const int64_t to_row = t->aside ? col->m : row->ys;
    image->taps = (const char *)j->arrays->kernel + cf_w_at(&t->shape, b->group, co, 0) * size;
    if (j->plan->task.pass == CORRFAST_FORWARD)
        set->image(image, to, to_row, b->first, b->rows, col->m);
    else
        set->spread(image, to, to_row, b->first, b->rows, col->m);
    for (int64_t r = 0; t->aside && r < b->rows; r++)
        cf_copy_strided(y + r * row->ys * size, col->ys, b->y + r * col->m * size, 1, col->m, (int)size);
}

/* A block of some groups of one image. */
static void sums_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const cf_shape *s = &j->t.shape;
    block b;
    start(j, cf_take_digit(&index, j->t.blocks), &b, worker);
    const int64_t first = cf_take_digit(&index, cf_ceil_div(s->groups, j->groups)) * j->groups;
    b.image = index;
    for (b.group = first; b.group < cf_min(first + j->groups, s->groups); b.group++) {
        cf_image image = samples_of(&b);
        for (int64_t co = 0; co < s->cout; co++) {
            sum_channel(&b, &image, co);
            if (cf_poll(worker, (double)(b.rows * s->axis[2].m * j->t.taps)))
                return;
        }
    }
}

/* ---- the gradient of the kernel -------------------------------------------------------------------------------------------- */

/* Adds a block of one image to the sums of all output channels. */
static int add_block(const block *b, cf_worker *worker)
{
    const job *j = b->job;
    const tiling *t = &j->t;
    const cf_axis *row = &t->shape.axis[1], *col = &t->shape.axis[2];
    const int64_t size = j->plan->task.dtype->size;
    const cf_image image = samples_of(b);
    for (int64_t co = 0; co < t->shape.cout; co++) {
        const char *g = outputs_at(b, co);
        for (int64_t r = 0; t->aside && r < b->rows; r++)
            cf_copy_strided(b->y + r * col->m * size, 1, g + r * row->ys * size, col->ys, col->m, (int)size);
        cf_set_of(j->plan)->image_taps(&image, t->aside ? b->y : g, t->aside ? col->m : row->ys, b->first, b->rows, col->m,
                                       b->sums + co * t->taps * size, b->image || b->first ? CF_ACCUMULATE : 0);
        if (cf_poll(worker, (double)(b->rows * col->m * t->taps)))
            return 1;
    }
    return 0;
}

/* One channel of the input of some groups. */
static void gradient_piece(const void *argument, int64_t index, cf_worker *worker)
{
    const job *j = argument;
    const cf_task *task = &j->plan->task;
    const cf_shape *s = &j->t.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const int64_t size = task->dtype->size, channel = cf_take_digit(&index, s->cin);
    block b;
    for (int64_t group = index * j->groups; group < cf_min((index + 1) * j->groups, s->groups); group++) {
        for (int64_t image = 0; image < s->batch; image++)
            for (int64_t i = 0; i < j->t.blocks; i++) {
                start(j, i, &b, worker);
                b.image = image;
                b.group = group;
                b.channel = channel;
                if (add_block(&b, worker))
                    return;
            }
        /* zeros around the array times what is not finite */
        if (task->pads_with_zero && !cf_set_of(j->plan)->finite(b.sums, s->cout * j->t.taps))
            atomic_store_explicit(j->poisoned, 1, memory_order_relaxed);
        for (int64_t k = 0; k < s->cout * row->k; k++)
            cf_copy_strided((char *)j->arrays->kernel + (cf_w_at(s, group, k / row->k, channel) + k % row->k * row->ws) * size, col->ws,
                            b.sums + k * col->k * size, 1, col->k, (int)size);
    }
}

/* ---- the method ----------------------------------------------------------------------------------------------------------- */

/* What holds for all passes; the kernels' own limits are in table.h. */
static int is_common(const cf_task *task)
{
    const cf_shape *s = &task->shape;
    const cf_axis *a = s->axis;
    if (!task->dtype->is_float || task->dtype->is_complex || task->dtype->arith == CF_NO_ARITH || cf_converts(task->dtype) || s->batch < 1 ||
        s->cin < 1 || s->cout < 1 || s->groups * s->cin * s->cout == 1 || a[0].k != 1 || a[0].m != 1 || a[0].n != 1 || a[0].lo != 0)
        return 0;
    if (a[1].stride != a[2].stride || a[1].stride > 2 || a[2].n > MOST_COLS || a[2].m > MOST_COLS || a[1].k < 2 || a[1].k > CF_IMAGE_TAPS ||
        a[2].k < 1 || a[2].k > CF_IMAGE_TAPS)
        return 0;
    for (int i = 1; i < 3; i++)
        if (a[i].dilation != 1 || a[i].m < 1 || a[i].n < 1 ||
            (cf_leaves_array(&a[i]) && (a[i].boundary != CORRFAST_CONSTANT || (task->pass != CORRFAST_BACKWARD_INPUT && !task->pads_with_zero))))
            return 0;
    return 1;
}

/* Windows reach beyond the columns by no more than the shortest vector. */
static int reaches_little(const cf_axis *col) { return col->lo <= FEWEST_LANES && cf_last_position(col) - col->n < FEWEST_LANES; }

static int supports_forward(const cf_task *task)
{
    return task->pass == CORRFAST_FORWARD && is_common(task) && task->shape.cin == 1 && reaches_little(&task->shape.axis[2]);
}

static int supports_input(const cf_task *task)
{
    const cf_axis *col = &task->shape.axis[2];
    return task->pass == CORRFAST_BACKWARD_INPUT && is_common(task) && task->shape.cout == 1 && col->stride == 2 && col->lo >= 0 &&
           (col->n + col->lo + 1) / 2 - col->m < FEWEST_LANES;
}

static int supports_gradient(const cf_task *task)
{
    return task->pass == CORRFAST_BACKWARD_KERNEL && is_common(task) && task->shape.groups * task->shape.cin >= FEW_CHANNELS &&
           reaches_little(&task->shape.axis[2]);
}

static int supports(const cf_task *task) { return supports_forward(task) || supports_input(task) || supports_gradient(task); }

/* Vectors of a row of outputs are summed down all lines, and at stride 2 wait for their loads, above all those that cross lines of the cache. */
static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    const cf_plan plan = {.task = *task, .kernels = kernels};
    const int gradient = task->pass == CORRFAST_BACKWARD_KERNEL, input = task->pass == CORRFAST_BACKWARD_INPUT;
    const double lanes = cf_set_of(&plan)->lanes;
    const int wide = lanes * (double)task->dtype->size >= 64;
    tiling t;
    tile(&plan, &t);
    const cf_shape *s = &t.shape;
    const cf_axis *row = &s->axis[1], *col = &s->axis[2];
    const int single = row->stride == 1;
    /* Sums too many for 16 registers: copies are 1.1 times as fast (AVX2, gradients of 3x3 and 7x7 at stride 1). */
    if (!cf_set_of(&plan)->image || (single && (wide ? gradient && row->k > 3 : gradient || row->k > 6)))
        return CF_NEVER;
    const double images = (double)s->batch * (double)s->groups * (double)(s->cout * s->cin), vectors = ceil((double)col->m / lanes);
    const double depth = (double)cf_ceil_div(row->k, row->stride), rows = (double)row->m + (double)t.blocks * (depth - 1);
    const double taps = (double)t.taps * (input ? 0.25 : 1);
    double vector = single ? (wide ? 1 : 0.75) * taps + 1 : (wide ? 1.6 : 0.8) * taps + (input ? 2 : 7);
    if (gradient && single)
        vector = 0.9 * taps;
    /* One vector alone waits for its sums. */
    const double line = gradient ? vector * vectors : vector * fmax(vectors, 4.5 / depth) + 4;
    const double begins = gradient ? 150 + 10 * vectors + 5 * taps : 80 * ceil(vectors / 4);
    const double away = s->cout * s->cin * task->dtype->size >= 512 ? 1.35 : 0.95; /* lines that many channels share, further away */
    return CF_CALL_SECONDS + 0.5e-6 + images * away * (rows * line + (double)t.blocks * begins) * CF_CYCLE +
           (cf_traffic_bytes(task) > CF_FAR_BYTES ? 0.5 * cf_traffic_seconds(task) : 0);
}

/* Pieces of one group. */
static int64_t pieces_of(const tiling *t, corrfast_pass pass)
{
    return pass == CORRFAST_BACKWARD_KERNEL ? t->shape.groups * t->shape.cin : t->shape.batch * t->shape.groups * t->blocks;
}

static int64_t pieces(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return pieces_of(&t, plan->task.pass);
}

static size_t scratch(const cf_plan *plan)
{
    tiling t;
    tile(plan, &t);
    return scratch_of(&t);
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    tiling t;
    tile(plan, &t);
    snprintf(text, size, "%s kernel, blocks of %lld rows of a channel, read %s",
             plan->task.pass == CORRFAST_FORWARD ? "image" : plan->task.pass == CORRFAST_BACKWARD_INPUT ? "spread" : "image_taps",
             (long long)t.rows, t.copy_bytes ? "from a copy" : "in place");
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    const cf_task *task = &plan->task;
    const int input = task->pass == CORRFAST_BACKWARD_INPUT, gradient = task->pass == CORRFAST_BACKWARD_KERNEL;
    if (!gradient && cf_padding_needs_care(plan, arrays))
        return cf_run_with_care(plan, arrays, run);
    atomic_int poisoned = 0;
    job j = {.plan = plan, .arrays = arrays, .x = input ? arrays->output : arrays->input, .y = input ? arrays->input : arrays->output,
             .poisoned = &poisoned};
    tile(plan, &j.t);
    const int64_t groups = j.t.shape.groups, all = pieces_of(&j.t, task->pass), threads = cf_threads_for(run->options, all, plan->seconds);
    j.groups = cf_clamp(all / (4 * threads), 1, cf_min(groups, MOST_GROUPS));
    const int status = cf_run_pieces(run, all / groups * cf_ceil_div(groups, j.groups), plan->seconds, scratch_of(&j.t),
                                     gradient ? gradient_piece : sums_piece, &j);
    return status || !atomic_load(&poisoned) ? status : cf_run_with_care(plan, arrays, run);
}

const cf_method cf_method_image = {
    .name = "image", .id = CORRFAST_DIRECT, .listed = 1, .supports = supports, .seconds = seconds, .scratch = scratch, .pieces = pieces,
    .describe = describe, .run = run,
};
