/* On a processor that lacks what the library was compiled for, every entry point says so; none runs into an illegal instruction.
 * Compiled without flags, linked to a library that was compiled with -mavx2 and the like, run where there is no AVX2. */
#include "corrfast.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    float x[8] = {0}, w[3] = {0}, y[6];
    int64_t m[CORRFAST_MAX_RANK];
    corrfast_problem p = {.size = sizeof p, .rank = 1, .dtype = CORRFAST_FLOAT32, .batch = 1, .groups = 1, .input_channels = 1,
                          .output_channels = 1, .input_size = {8}, .kernel_size = {3}, .stride = {1}, .dilation = {1},
                          .input_stride = {8, 8, 1}, .kernel_stride = {3, 3, 1}, .output_stride = {6, 6, 1}};
    corrfast_report report = {.size = sizeof report};
    corrfast_plan *plan;
    int refused = corrfast_start() == CORRFAST_ERR_ISA;
    refused += corrfast_isa() == NULL;
    refused += corrfast_forward(&p, NULL, x, w, y) == CORRFAST_ERR_ISA;
    refused += corrfast_backward_input(&p, NULL, x, w, y) == CORRFAST_ERR_ISA;
    refused += corrfast_backward_kernel(&p, NULL, x, w, y) == CORRFAST_ERR_ISA;
    refused += corrfast_output_size(&p, m) == CORRFAST_ERR_ISA;
    p.rank = 3; /* loops that a compiler would vectorize */
    for (int i = 0; i < 3; i++)
        p.input_size[i] = p.kernel_size[i] = p.stride[i] = p.dilation[i] = 1;
    refused += corrfast_output_size(&p, m) == CORRFAST_ERR_ISA;
    refused += corrfast_explain(&p, CORRFAST_FORWARD, NULL, &report) == CORRFAST_ERR_ISA;
    refused += corrfast_plan_create(&p, CORRFAST_FORWARD, NULL, &plan) == CORRFAST_ERR_ISA && plan == NULL;
    printf("test_too_old: %d of 9 refused: %s\n", refused, corrfast_status_text(CORRFAST_ERR_ISA));
    return refused != 9;
}
