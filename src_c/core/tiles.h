/* Tiles of outputs, and of the samples they read, for Winograd's minimal filtering along the last two axes. */
#ifndef CF_TILES_H
#define CF_TILES_H

#include "slab.h"

/* One of CF_SCHEMES: m outputs of an axis from so many samples, by so many products. */
typedef struct cf_scheme {
    int id, m, taps, stride, samples, points;
} cf_scheme;

/* For axes 1 and 2, those with fewest products among those of at most so many outputs.  Returns 0 where an axis has none, or no product is
 * saved. */
CF_HIDDEN int cf_schemes_choose(const cf_shape *s, int most, cf_scheme chosen[2]);

/* An axis whose outputs are the tiles of a scheme, every `dilation` samples from output `first` on: its kernel is what a tile reads. */
CF_HIDDEN cf_axis cf_tile_axis(const cf_axis *a, const cf_scheme *scheme, int64_t first);

/* Columns beyond whole vectors that `columns` multiplies: as fast as gemm would a part of a vector. */
static inline int64_t cf_few_columns(int64_t n, int64_t lanes) { return n % lanes <= lanes / 4 ? n % lanes : 0; }

/* The vectors that n columns cost. */
static inline double cf_tile_vectors(int64_t n, int64_t lanes)
{
    const int64_t few = cf_few_columns(n, lanes);
    return (double)cf_ceil_div(n - few, lanes) + 1.5 * (double)few / (double)lanes;
}

/* Rows of tiles of which about `most` fill a block, such that vectors are full. */
CF_HIDDEN void cf_choose_tiles(const cf_shape *tiles, int64_t lanes, int64_t most, int64_t len[3], int64_t blocks[3]);

/* The transform of n tiles' samples that lie in runs of the slab, with zeros up to whole vectors: run by run, or first gathered in `patch` where runs
 * are shorter than a vector. */
CF_HIDDEN void cf_transform_tiles(const cf_kernel_set *set, const cf_scheme chosen[2], const char *from, const int64_t *at, const cf_run_part *parts,
                                  int64_t used, char *patch, int64_t patch_row, char *to, int64_t to_row, int64_t n, int64_t size);

#endif
