/* Solves problems read from standard input, so that other languages can compare this build with another: see tests/test_c_library.py.
 * One line of numbers a problem, then its three arrays, contiguous; the array that the pass writes comes back.
 *
 *   pass dtype itemsize rank conjugate batch groups input-channels output-channels, and for each axis n k stride dilation lo hi boundary */
#include "corrfast.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t number(void)
{
    long long value;
    if (scanf("%lld", &value) != 1)
        exit(0); /* the end */
    return value;
}

static void *read_array(const int64_t *extent, int axes, size_t itemsize, int64_t *stride, size_t *bytes)
{
    int64_t count = 1;
    for (int i = axes - 1; i >= 0; i--) {
        stride[i] = count;
        count *= extent[i];
    }
    *bytes = (size_t)count * itemsize;
    void *block = malloc(*bytes + 1);
    if (!block || fread(block, 1, *bytes, stdin) != *bytes) {
        fprintf(stderr, "solve: an array is missing\n");
        exit(2);
    }
    return block;
}

int main(void)
{
    for (;;) {
        corrfast_problem p = {.size = sizeof p};
        int pass = (int)number();
        p.dtype = (int32_t)number();
        size_t itemsize = (size_t)number(), bytes[3];
        p.rank = (int32_t)number();
        p.conjugate = (uint32_t)number();
        p.batch = number();
        p.groups = number();
        p.input_channels = number();
        p.output_channels = number();
        for (int i = 0; i < p.rank; i++) {
            p.input_size[i] = number();
            p.kernel_size[i] = number();
            p.stride[i] = number();
            p.dilation[i] = number();
            p.padding_lo[i] = number();
            p.padding_hi[i] = number();
            p.boundary[i] = (int32_t)number();
        }
        getchar(); /* the end of the line */
        int64_t m[CORRFAST_MAX_RANK], x[5] = {p.batch, p.input_channels}, w[5] = {p.output_channels, p.input_channels / p.groups},
                y[5] = {p.batch, p.output_channels};
        int status = corrfast_output_size(&p, m);
        for (int i = 0; i < p.rank; i++) {
            x[i + 2] = p.input_size[i];
            w[i + 2] = p.kernel_size[i];
            y[i + 2] = m[i];
        }
        void *arrays[3] = {read_array(x, p.rank + 2, itemsize, p.input_stride, &bytes[0]),
                           read_array(w, p.rank + 2, itemsize, p.kernel_stride, &bytes[1]),
                           read_array(y, p.rank + 2, itemsize, p.output_stride, &bytes[2])};
        int written = pass == CORRFAST_FORWARD ? 2 : pass == CORRFAST_BACKWARD_INPUT ? 0 : 1;
        if (!status)
            status = pass == CORRFAST_FORWARD          ? corrfast_forward(&p, NULL, arrays[0], arrays[1], arrays[2])
                     : pass == CORRFAST_BACKWARD_INPUT ? corrfast_backward_input(&p, NULL, arrays[0], arrays[1], arrays[2])
                                                       : corrfast_backward_kernel(&p, NULL, arrays[0], arrays[1], arrays[2]);
        if (status) {
            fprintf(stderr, "solve: %s\n", corrfast_status_text(status));
            return 1;
        }
        fwrite(arrays[written], 1, bytes[written], stdout);
        for (int i = 0; i < 3; i++)
            free(arrays[i]);
    }
}
