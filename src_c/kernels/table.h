/* The kernel table: everything that differs between instruction sets, and the contract of each kernel.
 *
 * "Sample" below is one element of the arithmetic type; a complex one is two floats.  Kernels read and write nothing but
 * the samples named in their contract, at any alignment.  `rows` and `line` sum in an order that depends on the taps alone,
 * never on which tile or lane an output falls in; `dot` in one that depends on the output's place among `count`. */
#ifndef CF_TABLE_H
#define CF_TABLE_H

#include "../core/dtype.h"

/* Tells a kernel how to start and to end a sum.  The two CF_CONJ_* matter for complex samples only. */
enum {
    CF_ACCUMULATE = 1,  /* go on with the sums that y holds instead of starting at zero */
    CF_CONJ_SAMPLES = 2,
    CF_CONJ_TAPS = 4,
    CF_FAR = 8,          /* samples are in no near cache: fetch them ahead */
    CF_FAR_OUTPUTS = 16, /* nor is y */
    CF_STREAM = 32       /* nor are they in the last one: `line` stores past the caches, `rows` goes along the rows */
};

/* One two-dimensional part of a sum: taps kh x kw against samples of kh + rows - 1 lines,
 *     y[r][c] += sum_{i<kh, j<kw} lines[r + i][offset + c + j*step] * taps[i*tap_row + j*tap_col] */
typedef struct cf_plane {
    const void *const *lines;
    int64_t offset, step;
    const void *taps;
    int64_t tap_row, tap_col;
    int64_t kh, kw;
} cf_plane;

/* y[r*y_row + c], r < rows, c < n, over all planes.  Samples of y are contiguous along c. */
typedef void cf_rows_fn(const cf_plane *planes, int64_t count, void *y, int64_t y_row, int64_t rows, int64_t n, int flags);

/* Planes whose sums `rows` keeps apart in registers; after so many it goes on from y, which can change the bits of complex sums. */
enum { CF_ROWS_PLANES = 32 };

/* The same for one row and planes with kh = 1 and step = 1.  Where no plane has more taps than a vector has lanes, nor a complex sum more
 * than CF_ROWS_PLANES planes, these are the bits of `rows`. */
typedef void cf_line_fn(const cf_plane *planes, int64_t count, void *y, int64_t n, int flags);

/* y[j] (+)= sum_{r<rows, c<n} x[r][offset + j*step + c] * taps[r][c], j < count: long sums for few outputs. */
typedef void cf_dot_fn(const void *const *x, int64_t offset, int64_t step, const void *const *taps, int64_t rows, int64_t n,
                       void *y, int64_t count, int flags);

/* y[r*y_row + c] (+)= sum_{k<count} a[r][a_at[k]] * b[b_at[k] + c], r < rows, c < n, summed in the order of k: products of matrices, in tiles
 * of up to gemm_rows rows at a time and n <= gemm_cols.  Rows of b are read up to whole vectors.  If a_at is NULL, the factors of a step lie side
 * by side, a[0][k*a_step + r]; if b_at is, rows of b lie b_row apart. */
typedef void cf_gemm_fn(const void *const *a, const int64_t *a_at, int64_t a_step, const void *b, const int64_t *b_at, int64_t b_row, int64_t count,
                        void *y, int64_t y_row, int64_t rows, int64_t n, int flags);

/* A stretch of n samples that is copied as it is. */
typedef struct cf_run_part {
    int64_t from, to, n;
} cf_run_part;

/* to[k*to_row + part.to + i] = from[at[k] + part.from + i] for all parts, which follow each other in `to`; the rest of a vector after a part
 * may be overwritten as far as to_row goes. */
typedef void cf_panel_fn(const void *from, const int64_t *at, int64_t count, const cf_run_part *parts, int64_t part_count, void *to,
                         int64_t to_row);

/* to[k*to_row + r] = from[r][at[k]], r < rows, k < count: rows become columns. */
typedef void cf_turn_fn(const void *const *from, const int64_t *at, int64_t count, int64_t rows, void *to, int64_t to_row);

/* w[i*kw + j] (+)= sum_{r<rows, c<n} g[r*g_row + c] * x[(r + i)*x_row + c + j*step], i < kh, j < kw: what a small kernel's gradient takes from
 * one channel. */
typedef void cf_taps_fn(const void *g, int64_t g_row, const void *x, int64_t x_row, int64_t step, int64_t kh, int64_t kw, int64_t rows, int64_t n,
                        void *w, int flags);

/* Whether none of n samples is NaN or Inf; true of integers. */
typedef int cf_finite_fn(const void *from, int64_t n);

/* Winograd's minimal filtering along an axis: m outputs of `taps` taps at a stride, as sums of fewer products.  The taps come in one part or two, of
 * `first` taps from 0 on and `second` taps from `at` on, a stride apart, whose products add up.  A part of n taps makes m + n - 1 products: those of
 * polynomials' values at 0, 1 and infinity, for 4 products also at -1, for 6 also at 2 and -2 (only "fast" allows these); one tap alone makes its
 * own. */
#define CF_SCHEMES(X)        \
    /* taps, stride, m, first, second, at */ \
    X(ALONE, 1, 1, 1, 1, 0, 0)     \
    X(2_OF_2, 2, 1, 2, 2, 0, 0)    \
    X(3_OF_2, 2, 1, 3, 2, 0, 0)    \
    X(2_OF_3, 3, 1, 2, 3, 0, 0)    \
    X(4_OF_3, 3, 1, 4, 3, 0, 0)    \
    X(2_OF_5, 5, 1, 2, 3, 2, 3)    \
    X(2_OF_3_BY_2, 3, 2, 2, 2, 1, 1) \
    X(3_OF_3_BY_2, 3, 2, 3, 2, 1, 1) \
    X(2_OF_4_BY_2, 4, 2, 2, 2, 2, 1)
enum {
#define CF_SCHEME_OF(name, ...) CF_SCHEME_##name,
    CF_SCHEMES(CF_SCHEME_OF) CF_SCHEME_COUNT
#undef CF_SCHEME_OF
};

/* Transforms: of what is multiplied, to `points` numbers, or of as many sums of products, to what is wanted.  The gradient of a kernel takes
 * outputs' gradients for taps, and makes the taps' gradients. */
enum { CF_OF_SAMPLES, CF_OF_TAPS, CF_TO_OUTPUTS, CF_OF_OUTPUTS, CF_TO_TAPS };

enum { CF_SIDE = 8 }; /* numbers along an axis, at most */

/* Along two axes of these schemes, of columns c < n: to[i*to_row + c], i counting what is made row by row, from from[at[j] + c]; then zeros up to a
 * whole vector, if that is not more than `room`.  Of real floats alone, else NULL. */
typedef void cf_winograd_fn(int transform, int row_scheme, int col_scheme, const void *from, const int64_t *at, void *to, int64_t to_row, int64_t n,
                            int64_t room);

/* y[r*y_row + c] (+)= sum_{k<count} a[k*a_step + r] * b[k*b_row + c], r < rows, c < n <= 4: products that would leave most of gemm's vectors
 * empty.  Steps of a are read up to whole vectors.  Of real floats alone, else NULL. */
typedef void cf_columns_fn(const void *a, int64_t a_step, const void *b, int64_t b_row, int64_t count, void *y, int64_t y_row, int64_t rows,
                           int64_t n, int flags);

/* to[i*m + v] = from[v*from_row + i], i < n, v < m; m is 1 to 4.  Of real floats alone, else NULL. */
typedef void cf_weave_fn(int m, const void *from, int64_t from_row, void *to, int64_t n);

/* to[v*to_row + i] = from[i*m + v], i < n, v < m; m is 1 to 4.  Of real floats alone, else NULL. */
typedef void cf_unweave_fn(int m, const void *from, void *to, int64_t to_row, int64_t n);

/* One image between zeros under a small kernel,
 *     y[r*y_row + c] = sum_{i<kh, j<kw} x[((first + r)*stride + i - top)*x_row + c*stride + j - left] * taps[i*tap_row + j*tap_col], r < rows, c < n,
 * where samples beyond the image's rows and cols are zeros that are not read.  stride is 1 or 2, kh and kw at most CF_IMAGE_TAPS, kh 2 at least;
 * windows reach beyond the cols by no more than a vector on each side.  Of real floats and where vectors can be loaded in part, else
 * NULL. */
enum { CF_IMAGE_TAPS = 8 };
typedef struct cf_image {
    const void *x;
    int64_t x_row, rows, cols, top, left;
    const void *taps;
    int64_t tap_row, tap_col;
    int kh, kw, stride;
} cf_image;
typedef void cf_image_fn(const cf_image *image, void *y, int64_t y_row, int64_t first, int64_t rows, int64_t n);

/* The adjoint of `image` at stride 2, where x is as large as what `image` makes, and y as what it reads,
 *     y[r*y_row + c] = sum of x[o*x_row + p] * taps[i*tap_row + j*tap_col] over 2*o + i - top == first + r, 2*p + j - left == c, i < kh, j < kw,
 * r < rows, c < n.  left >= 0, kh and kw at most CF_IMAGE_TAPS, and samples beyond the cols that an output would meet are less than a vector of
 * them.  Where there is `image`. */
typedef void cf_spread_fn(const cf_image *image, void *y, int64_t y_row, int64_t first, int64_t rows, int64_t n);

/* The gradient of an image's taps,
 *     w[i*kw + j] (+)= sum_{r<rows, c<n} g[r*g_row + c] * x[((first + r)*stride + i - top)*x_row + c*stride + j - left], i < kh, j < kw,
 * over the samples that exist.  image->taps is not read; kh is 2 at least, and 3 at most at stride 1.  Where there is `image`. */
typedef void cf_image_taps_fn(const cf_image *image, const void *g, int64_t g_row, int64_t first, int64_t rows, int64_t n, void *w, int flags);

/* Products of polynomials with n complex coefficients modulo t^n - c by a tree of factors: node b of it has the factors 2b and 2b + 1, or 4b to
 * 4b + 3, and `table` holds its r = c^(1/4), r^2 and r^3 at 6b, in the kernels' own type, like x and h.  Those of node 4b + k are the fourth roots of
 * r, -r, ir, -ir for k = 0 to 3, those of 2b + k of r^2 and -r^2.  Read are the nodes under `node` that have factors, all of them below
 * (node + 1)*n/leaf/2.
 *
 * open: from samples to the factors modulo t^(n/ways) - s of t^n - c, for 4 ways like those of a node, for 3 with s = r, rw, rw^2, r = c^(1/3),
 *     w = e^(2 pi i/3): x of coefficients k*n/ways + first + i, whose real parts are from[k][i], imaginary parts from[k + ways][i], i < count;
 *     all three multiples of the unit; `roots` are six numbers, r, r^2, r^3.
 * levels: what `steps` says, in this order, of x (n coefficients, a power of two times the leaf), h (from spread, 4n numbers), and y, which may be
 *     x; one of the two products at most.  h may be NULL if there is none, ahead always, y if x is only split.  x and h are left alone but for the
 *     split, and steps have the same bits at once as one by one.
 * close: open back, to[k][i] and to[k + ways][i], i < count; n/leaf times what was opened, if nothing but CF_FFT_JOIN was done to what was split.
 * spread: a split x, times scale, as a factor for `levels`; a node that is a leaf has to be one of four.
 * A NaN or Inf among the samples of a product's factors makes all its outputs NaN or Inf. */
enum {
    CF_FFT_SPLIT = 1,    /* x down to the leaves */
    CF_FFT_MULTIPLY = 2, /* y = x*h */
    CF_FFT_ADD = 4,      /* y += x*h */
    CF_FFT_JOIN = 8      /* y back up */
};
typedef void cf_fft_open_fn(const void *roots, int ways, int64_t n, int64_t first, int64_t count, const void *const *from, int single, void *x);
/* Lines that are wanted next, asked for a few at a time beside the products, which no memory waits for: samples and outputs of the next block,
 * `bytes` for each unit.  In a burst, or left to the processor, they are waited for (1.2 times on Zen 4, in float64 from memory). */
typedef struct cf_fft_ahead {
    const char *samples, *outputs;
    int64_t bytes;
} cf_fft_ahead;
typedef void cf_fft_levels_fn(const void *table, int64_t node, int64_t n, void *x, const void *h, void *y, int steps, const cf_fft_ahead *ahead);
typedef void cf_fft_close_fn(const void *roots, int ways, int64_t n, int64_t first, int64_t count, const void *x, void *const *to, int single);
typedef void cf_fft_spread_fn(const void *table, int64_t node, int64_t n, const void *x, double scale, void *h);

typedef struct cf_fft {
    int unit, leaf; /* coefficients */
    cf_fft_open_fn *open; /* single: from and to are float samples, whatever the kernels compute in */
    cf_fft_levels_fn *levels;
    cf_fft_close_fn *close;
    cf_fft_spread_fn *spread;
} cf_fft;

/* NULL in plain C.  Does `rounds` rounds of independent multiply-adds on registers alone, and returns their number: the most that one
 * core can do, to be timed. */
typedef int64_t cf_peak_fn(int64_t rounds);

typedef struct cf_kernel_set {
    int lanes;     /* samples in a vector */
    int line_tile; /* outputs of a whole tile of `line`: for shorter rows `rows`, which takes several at once, is faster */
    cf_rows_fn *rows;
    cf_line_fn *line;
    cf_dot_fn *dot;
    int gemm_rows, gemm_cols; /* of a whole tile */
    cf_gemm_fn *gemm;
    cf_panel_fn *panel;
    cf_turn_fn *turn;
    cf_taps_fn *taps;
    cf_finite_fn *finite;
    cf_winograd_fn *winograd;
    cf_columns_fn *columns;
    cf_weave_fn *weave;
    cf_unweave_fn *unweave;
    cf_image_fn *image;
    cf_spread_fn *spread;
    cf_image_taps_fn *image_taps;
    cf_fft fft; /* of real floats alone, else zeros */
} cf_kernel_set;

typedef struct cf_kernels {
    const char *name; /* also the word for CORRFAST_ISA */
    cf_kernel_set set[CF_ARITH_COUNT];
    cf_peak_fn *peak_f32, *peak_f64;
} cf_kernels;

/* The name of the constant pointer that each isa_*.c exports: NULL where the compiler or the target has no such instruction set. */
#define CF_TABLE(isa) CF_NAME(_kernels_##isa)

/* Instrumented by AddressSanitizer, kernels that are inlined and unrolled take minutes to compile: there they are plain calls. */
#if defined(__SANITIZE_ADDRESS__)
#define CF_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CF_INSTRUMENTED 1
#endif
#endif

#if defined(__GNUC__) && !defined(CF_INSTRUMENTED)
#define CF_INLINE static inline __attribute__((always_inline))
#else
#define CF_INLINE static inline
#endif
#if defined(__GNUC__)
#define CF_PREFETCH(p, writes) __builtin_prefetch(p, writes)
#else
#define CF_PREFETCH(p, writes) ((void)(p))
#endif
/* Keeps the compiler from computing addresses early and holding all of them: two dozen are spilled. */
#if defined(__GNUC__)
#define CF_ANEW(p) __asm__("" : "+r"(p))
#else
#define CF_ANEW(p) ((void)0)
#endif
/* Keeps it from mixing the loads of what comes next with what came before: their registers are wanted by sums. */
#if defined(__GNUC__)
#define CF_IN_ORDER() __asm__ volatile("" ::: "memory")
#else
#define CF_IN_ORDER() ((void)0)
#endif
#if defined(CF_INSTRUMENTED)
#define CF_UNROLL
#elif defined(__clang__)
#define CF_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define CF_UNROLL _Pragma("GCC unroll 32") /* more than any loop has turns: one that is not unrolled keeps its sums in memory */
#else
#define CF_UNROLL
#endif

#endif
