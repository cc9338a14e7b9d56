/* Two copies of the library in one program, one of them renamed, each with its own choice of instruction set.
 * Compiled twice, once with -DCORRFAST_PREFIX=..., and linked to both. */
#include "corrfast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CORRFAST_PREFIX
int renamed_copy(const corrfast_problem *problem, const float *x, const float *w, float *y, const char **isa)
{
    int status = corrfast_forward(problem, NULL, x, w, y);
    *isa = corrfast_isa();
    return status;
}
#else
int renamed_copy(const corrfast_problem *problem, const float *x, const float *w, float *y, const char **isa);

int main(void)
{
    const float x[] = {2, 1, 3, 5, 4}, w[] = {1, -1}, expected[] = {1, -2, -2, 1};
    float y[4] = {0}, z[4] = {0};
    const char *isa;
    corrfast_problem p = {.size = sizeof p, .rank = 1, .dtype = CORRFAST_FLOAT32, .batch = 1, .groups = 1, .input_channels = 1,
                          .output_channels = 1, .input_size = {5}, .kernel_size = {2}, .stride = {1}, .dilation = {1},
                          .input_stride = {5, 5, 1}, .kernel_stride = {2, 2, 1}, .output_stride = {4, 4, 1}};
    setenv("CORRFAST_ISA", "scalar", 1);
    int first = corrfast_forward(&p, NULL, x, w, y);
    unsetenv("CORRFAST_ISA");
    int second = renamed_copy(&p, x, w, z, &isa);
    int bad = first || second || memcmp(y, expected, sizeof y) || memcmp(z, expected, sizeof z) || strcmp(corrfast_isa(), "scalar");
    printf("test_two_copies: %s; one on %s, one on %s\n", bad ? "wrong" : "right", corrfast_isa(), isa);
    return bad;
}
#endif
