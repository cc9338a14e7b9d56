/* How a convolution by transforms is divided: blocks of outputs that overlap in what they read (overlap-save; A. V. Oppenheim and
 * R. W. Schafer, "Discrete-Time Signal Processing", 8.7.3), each flattened to one row of samples, whose wrap-around reaches no output of the block.
 *
 * Stride s and dilation d: outputs d/gcd apart and taps s/gcd apart meet in samples lcm(s, d) apart, so outputs split into phases, taps into
 * classes, and each pair of them is a problem without either. */
#ifndef CF_BLOCKS_H
#define CF_BLOCKS_H

#include "plan.h"

typedef struct cf_blocks {
    cf_arith inside;                       /* what transforms compute in: CF_F32 or CF_F64 */
    int64_t n;                             /* complex coefficients of a transform; 2n real samples, or n complex ones */
    int64_t phases[3], classes[3], gap[3]; /* gap: between samples */
    int64_t taps[3], parts[3];             /* of a class: in how many parts it is summed, of how many taps */
    int64_t len[3], count[3];              /* outputs of a block, and blocks of a phase */
    int64_t reach[3], step[3];             /* samples of a block along each axis, and places between them in the flattened block */
    int64_t terms;                         /* transforms that a block's sum has: input channels, classes and parts */
    double seconds;
} cf_blocks;

/* Returns 0 if the problem does not fit: not even one output, or more memory than a run should take. */
CF_HIDDEN int cf_blocks_choose(const cf_task *task, const cf_kernels *kernels, cf_blocks *blocks);

/* What no choice could take less than, in seconds. */
CF_HIDDEN double cf_blocks_least(const cf_task *task);

/* The same, closer, for m outputs of a line of n samples with zeros around it and k taps; traffic, which all methods have, is left out. */
CF_HIDDEN double cf_blocks_least_line(int64_t n, int64_t m, int64_t k, int fast);

#endif
