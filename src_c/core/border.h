/* What lies beyond an array: index maps of the boundary rules, and lines padded by them. */
#ifndef CF_BORDER_H
#define CF_BORDER_H

#include "dtype.h"

/* The index in [0, n) that position p stands for, or -1 for the constant. */
CF_HIDDEN int64_t cf_border_index(int boundary, int64_t p, int64_t n);

/* to[i*to_stride] = from[i*from_stride], elements of `size` bytes. */
CF_HIDDEN void cf_copy_strided(void *to, int64_t to_stride, const void *from, int64_t from_stride, int64_t n, int size);
CF_HIDDEN void cf_fill(void *to, int64_t stride, const void *value, int64_t n, int size);

typedef struct cf_line {
    const void *from; /* sample 0 of the line */
    int64_t n, stride;
    int boundary;
    const void *cval; /* one element of the dtype */
} cf_line;

/* to[i] = ext(line)[first + i*step] for i < count, in the dtype's arithmetic type.  `raw` is scratch for `count` elements of the
 * dtype, needed only if it converts. */
CF_HIDDEN void cf_pack_line(const cf_dtype *t, void *to, const cf_line *line, int64_t first, int64_t step, int64_t count, void *raw);

/* The same for lines that are alike but for where they are, from[l] to `to` + l*to_line bytes; those that are NULL are left out. */
CF_HIDDEN void cf_pack_lines(const cf_dtype *t, char *to, int64_t to_line, const void *const *from, int64_t lines, cf_line like, int64_t first,
                             int64_t step, int64_t count, void *raw);

#endif
