/* The definition in plain loops: every dtype, rank, option and pass.  Slow, and the last resort of the planner. */
#include "../core/border.h"
#include "../core/plan.h"

#include <stdio.h>
#include <string.h>

/* gcc without -std=c11 and clang contract a*b + c where the target has FMA: other bits, for other flags. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif

/* The input position of output o and tap j on one axis: an index, or -1 for the constant. */
static int64_t meet(const cf_axis *a, int64_t o, int64_t j)
{
    return cf_border_index(a->boundary, o * a->stride + j * a->dilation - a->lo, a->n);
}

/* Samples whose sums wait in scratch memory where they are wider than the samples: 16 MiB of float.  A larger plane is summed a part at
 * a time, each from all products. */
#define MOST_ASIDE ((int64_t)4 << 20)

/* What every pass of every type works on: one group and what it reads and writes. */
typedef struct job {
    const cf_task *task;
    const cf_arrays *arrays;
} job;

typedef struct { float re, im; } c64;
typedef struct { double re, im; } c128;
typedef struct { long double re, im; } cld;

#define REAL 1
#define NAME bool
#define T uint8_t
#define A uint8_t
#define ADD(s, x, w) ((uint8_t)((s) | ((x) && (w))))
#include "reference_tmpl.h"
#define NAME u8
#define T uint8_t
#define A uint8_t
#define ADD(s, x, w) ((uint8_t)((s) + (x) * (w)))
#include "reference_tmpl.h"
#define NAME u16
#define T uint16_t
#define A uint16_t
#define ADD(s, x, w) ((uint16_t)((s) + (uint32_t)(x) * (w)))
#include "reference_tmpl.h"
#define NAME u32
#define T uint32_t
#define A uint32_t
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#define NAME u64
#define T uint64_t
#define A uint64_t
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#define NAME f16
#define T uint16_t
#define A float
#define LOAD(x) cf_half_to_float(x)
#define STORE(s) cf_float_to_half(s)
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#define NAME f32
#define T float
#define A float
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#define NAME f64
#define T double
#define A double
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#define NAME ld
#define T long double
#define A long double
#define ADD(s, x, w) ((s) + (x) * (w))
#include "reference_tmpl.h"
#undef REAL

#define REAL 0
#define ADD(s, x, w) ((A){(s).re + ((x).re * (w).re - (x).im * (w).im), (s).im + ((x).re * (w).im + (x).im * (w).re)})
#define NAME c64
#define T c64
#define A c64
#include "reference_tmpl.h"
#define ADD(s, x, w) ((A){(s).re + ((x).re * (w).re - (x).im * (w).im), (s).im + ((x).re * (w).im + (x).im * (w).re)})
#define NAME c128
#define T c128
#define A c128
#include "reference_tmpl.h"
#define ADD(s, x, w) ((A){(s).re + ((x).re * (w).re - (x).im * (w).im), (s).im + ((x).re * (w).im + (x).im * (w).re)})
#define NAME cld
#define T cld
#define A cld
#include "reference_tmpl.h"
#undef REAL

#define PASSES(NAME) {forward_##NAME, backward_input_##NAME, backward_kernel_##NAME}

static cf_piece piece_of(const cf_task *task)
{
    static const cf_piece table[][3] = {
        [CORRFAST_BOOL] = PASSES(bool),      [CORRFAST_INT8] = PASSES(u8),         [CORRFAST_UINT8] = PASSES(u8),
        [CORRFAST_INT16] = PASSES(u16),      [CORRFAST_UINT16] = PASSES(u16),      [CORRFAST_INT32] = PASSES(u32),
        [CORRFAST_UINT32] = PASSES(u32),     [CORRFAST_INT64] = PASSES(u64),       [CORRFAST_UINT64] = PASSES(u64),
        [CORRFAST_FLOAT16] = PASSES(f16),    [CORRFAST_FLOAT32] = PASSES(f32),     [CORRFAST_FLOAT64] = PASSES(f64),
        [CORRFAST_LONGDOUBLE] = PASSES(ld),  [CORRFAST_COMPLEX64] = PASSES(c64),   [CORRFAST_COMPLEX128] = PASSES(c128),
        [CORRFAST_CLONGDOUBLE] = PASSES(cld),
    };
    return table[task->dtype->id][task->pass];
}

static int supports(const cf_task *task)
{
    (void)task;
    return 1;
}

static double seconds(const cf_task *task, const cf_kernels *kernels)
{
    (void)kernels;
    return 1e-6 + 8e-9 * cf_work(&task->shape);
}

/* Forward: rows of outputs; backward input: planes of one batch and channel, since a scatter may go anywhere in them;
 * backward kernel: taps. */
static int64_t pieces(const cf_plan *plan)
{
    const cf_shape *s = &plan->task.shape;
    switch (plan->task.pass) {
    case CORRFAST_FORWARD: return s->batch * s->groups * s->cout * s->axis[0].m * s->axis[1].m;
    case CORRFAST_BACKWARD_INPUT: return s->batch * s->groups * s->cin;
    default: return s->groups * s->cout * s->cin * s->axis[0].k * s->axis[1].k * s->axis[2].k;
    }
}

static int scatters_aside(const cf_task *task)
{
    return task->pass == CORRFAST_BACKWARD_INPUT && task->dtype->id == CORRFAST_FLOAT16;
}

static size_t scratch(const cf_plan *plan)
{
    const cf_axis *a = plan->task.shape.axis;
    return scatters_aside(&plan->task) ? sizeof(float) * (size_t)cf_min(a[0].n * a[1].n * a[2].n, MOST_ASIDE) : 0;
}

static void describe(const cf_plan *plan, char *text, size_t size)
{
    (void)plan;
    snprintf(text, size, "one output at a time");
}

static int run(const cf_plan *plan, const cf_arrays *arrays, cf_run *run)
{
    job j = {&plan->task, arrays};
    return cf_run_pieces(run, pieces(plan), plan->seconds, scratch(plan), piece_of(&plan->task), &j);
}

const cf_method cf_method_reference = {
    .name = "reference", .id = CORRFAST_REFERENCE, .listed = 1, .supports = supports, .seconds = seconds,
    .scratch = scratch, .pieces = pieces, .describe = describe, .run = run,
};
