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

/* NULL in plain C.  Does `rounds` rounds of independent multiply-adds on registers alone, and returns their number: the most that one
 * core can do, to be timed. */
typedef int64_t cf_peak_fn(int64_t rounds);

typedef struct cf_kernel_set {
    int lanes;     /* samples in a vector */
    int line_tile; /* outputs of a whole tile of `line`: for shorter rows `rows`, which takes several at once, is faster */
    cf_rows_fn *rows;
    cf_line_fn *line;
    cf_dot_fn *dot;
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
