/* Flattened blocks: rows of samples one after the other, so that a sum along all axes is one along the flattened one.  Row (u, v) begins at place
 * u*plane + v*row and has n[2] samples; there are n[1] rows in a plane and n[0] planes, and nothing at all other places.
 *
 * Stretches of places are asked for, so that no block is ever copied as a whole; one that lies in a row of a plain array is used where it is. */
#ifndef CF_HELIX_H
#define CF_HELIX_H

#include "dtype.h"
#include "shape.h"

typedef struct cf_helix {
    const cf_shape *shape;
    const cf_dtype *dtype;
    const void *cval;
    int plain;        /* float32 or float64: samples can be used where they are */
    int zeros;        /* the constant around the array is zero */
    int far;          /* rows are in no near cache: ask for those below */
    int conjugates;   /* samples that are read */
    int64_t plane, row, n[3];
    char *at;         /* of the array: sample 0 of what is read, or output (0, 0, 0) */
    int64_t first[3], gap[3]; /* of samples, in the array or around it, and between them */
    int64_t stride[3];        /* of outputs, in elements */
    char *line, *raw; /* scratch: a row in the arithmetic type, and in the dtype; those that are not plain, and that convert, need it */
} cf_helix;

/* Where samples at places [place, place + count) can be read as they are, or NULL. */
CF_HIDDEN const void *cf_helix_find(const cf_helix *helix, int64_t place, int64_t count);

/* Copies them: real and imaginary parts of complex ones. */
CF_HIDDEN void cf_helix_read(const cf_helix *helix, int64_t place, int64_t count, void *re, void *im);

/* Where outputs at these places can be written as they are, or NULL. */
CF_HIDDEN void *cf_helix_aim(const cf_helix *helix, int64_t place, int64_t count);

/* Copies them to where they belong, but for those that are none. */
CF_HIDDEN void cf_helix_write(const cf_helix *helix, int64_t place, int64_t count, const void *re, const void *im);

#endif
