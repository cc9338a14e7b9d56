/* All size arithmetic.  A cf_shape is a checked problem with its rank raised to 3; methods read nothing else. */
#ifndef CF_SHAPE_H
#define CF_SHAPE_H

#include "names.h"

/* One spatial axis: output o and tap j meet at input position o*stride + j*dilation - lo. */
typedef struct cf_axis {
    int64_t n, k, m; /* input, kernel, output lengths; inside the library k may be 0: an empty sum */
    int64_t stride, dilation, lo;
    int64_t xs, ws, ys; /* element strides of input, kernel, output */
    int boundary;
} cf_axis;

typedef struct cf_shape {
    cf_axis axis[3];
    int64_t batch, groups, cin, cout; /* channels per group */
    int64_t x_batch, x_group, x_channel; /* element strides */
    int64_t w_group, w_cout, w_cin;
    int64_t y_batch, y_group, y_channel;
} cf_shape;

/* Where a channel of one sample or of the kernel begins, in elements. */
static inline int64_t cf_x_at(const cf_shape *s, int64_t batch, int64_t group, int64_t ci)
{
    return batch * s->x_batch + group * s->x_group + ci * s->x_channel;
}
static inline int64_t cf_w_at(const cf_shape *s, int64_t group, int64_t co, int64_t ci)
{
    return group * s->w_group + co * s->w_cout + ci * s->w_cin;
}
static inline int64_t cf_y_at(const cf_shape *s, int64_t batch, int64_t group, int64_t co)
{
    return batch * s->y_batch + group * s->y_group + co * s->y_channel;
}

static inline int64_t cf_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t cf_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t cf_clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

/* Divisors are mostly 1, and a division costs more than the rest of its function: small problems would feel it. */
static inline int64_t cf_ceil_div(int64_t a, int64_t b) { return b == 1 ? a : (a + b - 1) / b; } /* a >= 0, b > 0 */

static inline int64_t cf_round_up(int64_t n, int64_t to) { return cf_ceil_div(n, to) * to; }

/* Takes the last digit off a number whose digits count up to different extents: index % extent, leaving index / extent. */
static inline int64_t cf_take_digit(int64_t *index, int64_t extent)
{
    if (extent == 1)
        return 0;
    int64_t rest = *index % extent;
    *index /= extent;
    return rest;
}

static inline int64_t cf_gcd(int64_t a, int64_t b)
{
    while (b > 1) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return b ? 1 : a;
}

/* First and last input position that any window of the axis touches (last < first if there is none). */
static inline int64_t cf_first_position(const cf_axis *a) { return -a->lo; }
static inline int64_t cf_last_position(const cf_axis *a)
{
    return (a->m - 1) * a->stride + (a->k - 1) * a->dilation - a->lo;
}

/* Input positions that m outputs of the axis reach over. */
static inline int64_t cf_reach(const cf_axis *a, int64_t m) { return (m - 1) * a->stride + (a->k - 1) * a->dilation + 1; }

/* Whether some window of the axis reaches beyond the array. */
static inline int cf_leaves_array(const cf_axis *a)
{
    return a->m > 0 && a->k > 0 && (cf_first_position(a) < 0 || cf_last_position(a) >= a->n);
}

/* Whether some axis does. */
static inline int cf_pads(const cf_shape *s)
{
    return cf_leaves_array(&s->axis[0]) || cf_leaves_array(&s->axis[1]) || cf_leaves_array(&s->axis[2]);
}

/* Checks the problem and fills the shape; itemsize is that of its dtype. */
CF_HIDDEN int cf_shape_make(const corrfast_problem *problem, int64_t itemsize, cf_shape *shape);

/* The gradient of the input as forward problems: roles of the arrays, whose axes are those of a phase. */
CF_HIDDEN cf_shape cf_input_roles(const cf_shape *s);

/* One phase f of one axis: y is the written x (its strides `xs`, from position start + f on), the taps a reversed view that begins at tap
 * *tap.  Returns 0 if no tap reaches the phase. */
CF_HIDDEN int cf_input_phase(const cf_axis *a, int64_t start, int64_t length, int64_t f, int64_t xs, cf_axis *phase, int64_t *tap);

/* How work is divided among threads, where every part of it prepares its operands anew: not in as many parts as there are, but so that the busiest
 * thread has least to do. */

/* Parts of each of `count` pieces, at most `most`; `again` is the share of a piece's time that each of its parts takes too. */
CF_HIDDEN int64_t cf_choose_parts(int64_t count, int threads, int64_t most, double again);

/* Input and output channels of a piece that takes all products between them; at most what they are before. */
typedef double cf_piece_cost(const void *argument, int64_t channels, int64_t couts);
CF_HIDDEN void cf_choose_channels(const cf_shape *s, int threads, cf_piece_cost *cost, const void *argument, int64_t *channels, int64_t *couts);

/* Multiply-adds of the whole problem, saturating. */
static inline double cf_work(const cf_shape *s)
{
    double work = (double)s->batch * (double)s->groups * (double)s->cin * (double)s->cout;
    for (int i = 0; i < 3; i++)
        work *= (double)s->axis[i].m * (double)s->axis[i].k;
    return work;
}

#endif
