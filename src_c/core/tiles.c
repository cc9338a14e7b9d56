#include "tiles.h"

static const cf_scheme schemes[CF_SCHEME_COUNT] = {
#define SCHEME(name, taps, stride, m, first, second, at) \
    {CF_SCHEME_##name, m, taps, stride, ((m) - 1) * (stride) + (taps), (m) + (first) - 1 + ((second) ? (m) + (second) - 1 : 0)},
    CF_SCHEMES(SCHEME)
#undef SCHEME
};

int cf_schemes_choose(const cf_shape *s, int most, cf_scheme chosen[2])
{
    double products = 1, plain = 1;
    for (int i = 0; i < 2; i++) {
        const cf_axis *a = &s->axis[i + 1];
        double best = 0;
        if (a->k < 1 || a->m < 1 || (a->stride > 1 && a->dilation > 1))
            return 0;
        for (const cf_scheme *scheme = schemes; scheme < schemes + CF_SCHEME_COUNT; scheme++) {
            if (scheme->taps != a->k || (scheme->stride != a->stride && a->k > 1) || scheme->m > most || (scheme->m == 4 && a->m < 8))
                continue;
            const double tried = (double)cf_ceil_div(a->m, scheme->m) * scheme->points;
            if (best > 0 && tried >= best)
                continue;
            best = tried;
            chosen[i] = *scheme;
        }
        if (best == 0)
            return 0;
        products *= best;
        plain *= (double)(a->m * a->k);
    }
    return products < plain;
}

cf_axis cf_tile_axis(const cf_axis *a, const cf_scheme *scheme, int64_t first)
{
    cf_axis tiles = *a;
    tiles.k = scheme->samples;
    tiles.m = cf_ceil_div(cf_ceil_div(a->m - first, a->dilation), scheme->m);
    tiles.stride = scheme->m * a->stride * a->dilation;
    tiles.lo = a->lo - first * a->stride;
    return tiles;
}

void cf_choose_tiles(const cf_shape *s, int64_t lanes, int64_t most, int64_t len[3], int64_t blocks[3])
{
    double best = 0;
    for (int64_t target = most; target >= cf_max(most / 4, 1); target -= cf_max(target / 16, 1)) {
        int64_t try_len[3], try_blocks[3];
        cf_choose_block(s, target, try_len, try_blocks);
        int64_t cols = try_len[0] * try_len[1] * try_len[2];
        double used = (double)cols / (cf_tile_vectors(cols, lanes) * (double)lanes);
        for (int i = 0; i < 3; i++)
            used *= (double)s->axis[i].m / (double)(try_len[i] * try_blocks[i]);
        if (used > best * 1.02) {
            best = used;
            memcpy(len, try_len, sizeof try_len);
            memcpy(blocks, try_blocks, sizeof try_blocks);
        }
    }
}

void cf_transform_tiles(const cf_kernel_set *set, const cf_scheme chosen[2], const char *from, const int64_t *at, const cf_run_part *parts,
                        int64_t used, char *patch, int64_t patch_row, char *to, int64_t to_row, int64_t n, int64_t size)
{
    const int64_t room = cf_round_up(n, set->lanes);
    if (n >= used * set->lanes && (used == 1 || n == room)) {
        for (const cf_run_part *run = parts; run < parts + used; run++)
            set->winograd(CF_OF_SAMPLES, chosen[0].id, chosen[1].id, from + run->from * size, at, to + run->to * size, to_row, run->n,
                          used == 1 ? room : run->n);
        return;
    }
    const int count = chosen[0].samples * chosen[1].samples;
    int64_t patch_at[CF_SIDE * CF_SIDE];
    for (int i = 0; i < count; i++)
        patch_at[i] = i * patch_row;
    set->panel(from, at, count, parts, used, patch, patch_row);
    set->winograd(CF_OF_SAMPLES, chosen[0].id, chosen[1].id, patch, patch_at, to, to_row, n, room);
}
