/* The SIMD vocabulary of AVX2 and FMA, in the order of every vec_*.h:
 *   CF_REGISTERS how many vectors     vec_T        the vector       LANES_T      its lanes
 *   MASKS_T      1 if there are load_tail, store_tail (the first n lanes; the others read as zero); else sample_tmpl.h makes them
 *   zero  set1 (of a pointer)  load  store
 *   fma (a*b + c; integers modulo 2**bits)  keep (pins a loaded vector in its register)
 *   CF_STREAMS   if defined: stream (store past the cache, to whole vectors of memory), fence (after the last)
 *   CF_CUT       if defined, all but i16: cut (of two vectors, the one j lanes after the first; j is a literal)
 *   FOURS_T      if defined, floats: four_sums (of the lanes of each of four vectors)
 *   SQUARE_T     if defined: turn_square (so many samples from `at` on, of as many rows, become columns)
 *   floats where MASKS_T is 1: mask (a type), some (lanes `from` to `to`), load_some,
 *       store_some (the others read as zero, and are not touched), evens, odds (of two vectors side by side), zip_low, zip_high (back)
 *   HALF_T       if defined, floats: the type of half vectors, which have a few of these words
 *   floats: sub  mul  fnma (c - a*b); f64: widen (load of float samples), narrow (store as such)
 *   floats: xor_, swap (neighbors, (re, im) -> (im, re)), dup_even, dup_odd */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __avx2))

typedef __m256 vec_f32__avx2;
typedef __m256d vec_f64__avx2;
typedef __m256i vec_i16__avx2;
typedef __m256i vec_i32__avx2;
typedef __m256i vec_i64__avx2;
#define CF_REGISTERS 16
#define CF_STREAMS
#define LANES_f32 8
#define LANES_f64 4
#define LANES_i16 16
#define LANES_i32 8
#define LANES_i64 4
#define MASKS_f32 1
#define MASKS_f64 1
#define MASKS_i16 0
#define MASKS_i32 1
#define MASKS_i64 1
#define SQUARE_f32 4
#define FOURS_f32 1
#define FOURS_f64 1
#define SQUARE_f64 4

static const int32_t tail_mask__avx2[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
CF_INLINE __m256i mask32__avx2(int64_t n) { return _mm256_loadu_si256((const __m256i *)(const void *)(tail_mask__avx2 + 8 - n)); }
CF_INLINE __m256i mask64__avx2(int64_t n) { return _mm256_loadu_si256((const __m256i *)(const void *)(tail_mask__avx2 + 8 - 2 * n)); }

CF_INLINE void fence__avx2(void) { _mm_sfence(); }
CF_INLINE __m256 zero_f32__avx2(void) { return _mm256_setzero_ps(); }
CF_INLINE __m256 set1_f32__avx2(const float *p) { return _mm256_broadcast_ss(p); }
CF_INLINE __m256 load_f32__avx2(const float *p) { return _mm256_loadu_ps(p); }
CF_INLINE void store_f32__avx2(float *p, __m256 v) { _mm256_storeu_ps(p, v); }
CF_INLINE void stream_f32__avx2(float *p, __m256 v) { _mm256_stream_ps(p, v); }
CF_INLINE __m256 load_tail_f32__avx2(const float *p, int64_t n) { return _mm256_maskload_ps(p, mask32__avx2(n)); }
CF_INLINE void store_tail_f32__avx2(float *p, __m256 v, int64_t n) { _mm256_maskstore_ps(p, mask32__avx2(n), v); }
CF_INLINE __m256 fma_f32__avx2(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
CF_INLINE __m256 add_f32__avx2(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
CF_INLINE __m256 sub_f32__avx2(__m256 a, __m256 b) { return _mm256_sub_ps(a, b); }
CF_INLINE __m256 mul_f32__avx2(__m256 a, __m256 b) { return _mm256_mul_ps(a, b); }
CF_INLINE __m256 fnma_f32__avx2(__m256 a, __m256 b, __m256 c) { return _mm256_fnmadd_ps(a, b, c); }
CF_INLINE __m256 xor_f32__avx2(__m256 a, __m256 b) { return _mm256_xor_ps(a, b); }
CF_INLINE __m256 swap_f32__avx2(__m256 a) { return _mm256_permute_ps(a, 0xb1); }
CF_INLINE __m256 dup_even_f32__avx2(__m256 a) { return _mm256_moveldup_ps(a); }
CF_INLINE __m256 dup_odd_f32__avx2(__m256 a) { return _mm256_movehdup_ps(a); }
CF_INLINE void turn_square_f32__avx2(const void *const *from, int64_t at, float *to, int64_t to_row)
{
    __m128 a = _mm_loadu_ps((const float *)from[0] + at), b = _mm_loadu_ps((const float *)from[1] + at);
    __m128 c = _mm_loadu_ps((const float *)from[2] + at), d = _mm_loadu_ps((const float *)from[3] + at);
    __m128 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d), ab2 = _mm_unpackhi_ps(a, b), cd2 = _mm_unpackhi_ps(c, d);
    _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
    _mm_storeu_ps(to + to_row, _mm_movehl_ps(cd, ab));
    _mm_storeu_ps(to + 2 * to_row, _mm_movelh_ps(ab2, cd2));
    _mm_storeu_ps(to + 3 * to_row, _mm_movehl_ps(cd2, ab2));
}

CF_INLINE void four_sums_f32__avx2(__m256 a, __m256 b, __m256 c, __m256 d, float *to)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256 all = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
}

typedef __m256i mask_f32__avx2;
CF_INLINE __m256i some_f32__avx2(int64_t from, int64_t to) { return _mm256_andnot_si256(mask32__avx2(from), mask32__avx2(to)); }
CF_INLINE __m256 load_some_f32__avx2(const float *p, __m256i lanes) { return _mm256_maskload_ps(p, lanes); }
CF_INLINE __m256 in_order_f32__avx2(__m256 halves) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(halves), 0xd8)); }
CF_INLINE __m256 evens_f32__avx2(__m256 a, __m256 b) { return in_order_f32__avx2(_mm256_shuffle_ps(a, b, 0x88)); }
CF_INLINE __m256 odds_f32__avx2(__m256 a, __m256 b) { return in_order_f32__avx2(_mm256_shuffle_ps(a, b, 0xdd)); }
/* All lanes apart: AMD's processors take some 20 cycles to store through a mask. */
CF_INLINE void store_some_f32__avx2(float *p, __m256 v, __m256i lanes)
{
    if (_mm256_movemask_ps(_mm256_castsi256_ps(lanes)) == 255)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, lanes, v);
}
CF_INLINE __m256 zip_low_f32__avx2(__m256 a, __m256 b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
CF_INLINE __m256 zip_high_f32__avx2(__m256 a, __m256 b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}
typedef __m256i mask_f64__avx2;
CF_INLINE __m256i some_f64__avx2(int64_t from, int64_t to) { return _mm256_andnot_si256(mask64__avx2(from), mask64__avx2(to)); }
CF_INLINE __m256d load_some_f64__avx2(const double *p, __m256i lanes) { return _mm256_maskload_pd(p, lanes); }
CF_INLINE void store_some_f64__avx2(double *p, __m256d v, __m256i lanes)
{
    if (_mm256_movemask_pd(_mm256_castsi256_pd(lanes)) == 15)
        _mm256_storeu_pd(p, v);
    else
        _mm256_maskstore_pd(p, lanes, v);
}
CF_INLINE __m256d zip_low_f64__avx2(__m256d a, __m256d b)
{
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20);
}
CF_INLINE __m256d zip_high_f64__avx2(__m256d a, __m256d b)
{
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31);
}
CF_INLINE __m256d evens_f64__avx2(__m256d a, __m256d b) { return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8); }
CF_INLINE __m256d odds_f64__avx2(__m256d a, __m256d b) { return _mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8); }

CF_INLINE __m256d zero_f64__avx2(void) { return _mm256_setzero_pd(); }
CF_INLINE __m256d set1_f64__avx2(const double *p) { return _mm256_broadcast_sd(p); }
CF_INLINE __m256d load_f64__avx2(const double *p) { return _mm256_loadu_pd(p); }
CF_INLINE void store_f64__avx2(double *p, __m256d v) { _mm256_storeu_pd(p, v); }
CF_INLINE void stream_f64__avx2(double *p, __m256d v) { _mm256_stream_pd(p, v); }
CF_INLINE __m256d load_tail_f64__avx2(const double *p, int64_t n) { return _mm256_maskload_pd(p, mask64__avx2(n)); }
CF_INLINE void store_tail_f64__avx2(double *p, __m256d v, int64_t n) { _mm256_maskstore_pd(p, mask64__avx2(n), v); }
CF_INLINE __m256d fma_f64__avx2(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
CF_INLINE __m256d add_f64__avx2(__m256d a, __m256d b) { return _mm256_add_pd(a, b); }
CF_INLINE __m256d sub_f64__avx2(__m256d a, __m256d b) { return _mm256_sub_pd(a, b); }
CF_INLINE __m256d mul_f64__avx2(__m256d a, __m256d b) { return _mm256_mul_pd(a, b); }
CF_INLINE __m256d fnma_f64__avx2(__m256d a, __m256d b, __m256d c) { return _mm256_fnmadd_pd(a, b, c); }
CF_INLINE __m256d widen_f64__avx2(const float *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
CF_INLINE void narrow_f64__avx2(float *p, __m256d v) { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
CF_INLINE __m256d xor_f64__avx2(__m256d a, __m256d b) { return _mm256_xor_pd(a, b); }
CF_INLINE __m256d swap_f64__avx2(__m256d a) { return _mm256_permute_pd(a, 5); }
CF_INLINE __m256d dup_even_f64__avx2(__m256d a) { return _mm256_movedup_pd(a); }
CF_INLINE __m256d dup_odd_f64__avx2(__m256d a) { return _mm256_permute_pd(a, 15); }
CF_INLINE void turn_square_f64__avx2(const void *const *from, int64_t at, double *to, int64_t to_row)
{
    __m256d a = _mm256_loadu_pd((const double *)from[0] + at), b = _mm256_loadu_pd((const double *)from[1] + at);
    __m256d c = _mm256_loadu_pd((const double *)from[2] + at), d = _mm256_loadu_pd((const double *)from[3] + at);
    __m256d ab = _mm256_unpacklo_pd(a, b), cd = _mm256_unpacklo_pd(c, d);
    __m256d ab2 = _mm256_unpackhi_pd(a, b), cd2 = _mm256_unpackhi_pd(c, d);
    _mm256_storeu_pd(to, _mm256_permute2f128_pd(ab, cd, 0x20));
    _mm256_storeu_pd(to + to_row, _mm256_permute2f128_pd(ab2, cd2, 0x20));
    _mm256_storeu_pd(to + 2 * to_row, _mm256_permute2f128_pd(ab, cd, 0x31));
    _mm256_storeu_pd(to + 3 * to_row, _mm256_permute2f128_pd(ab2, cd2, 0x31));
}

CF_INLINE void four_sums_f64__avx2(__m256d a, __m256d b, __m256d c, __m256d d, double *to)
{
    __m256d ab = _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    __m256d cd = _mm256_add_pd(_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    _mm256_storeu_pd(to, _mm256_add_pd(_mm256_permute2f128_pd(ab, cd, 0x20), _mm256_permute2f128_pd(ab, cd, 0x31)));
}

CF_INLINE __m256i zero_i32__avx2(void) { return _mm256_setzero_si256(); }
CF_INLINE __m256i set1_i32__avx2(const int32_t *p) { return _mm256_set1_epi32(*p); }
CF_INLINE __m256i load_i32__avx2(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
CF_INLINE void store_i32__avx2(int32_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }
CF_INLINE void stream_i32__avx2(int32_t *p, __m256i v) { _mm256_stream_si256((__m256i *)(void *)p, v); }
CF_INLINE __m256i load_tail_i32__avx2(const int32_t *p, int64_t n) { return _mm256_maskload_epi32((const int *)p, mask32__avx2(n)); }
CF_INLINE void store_tail_i32__avx2(int32_t *p, __m256i v, int64_t n) { _mm256_maskstore_epi32((int *)p, mask32__avx2(n), v); }
CF_INLINE __m256i fma_i32__avx2(__m256i a, __m256i b, __m256i c) { return _mm256_add_epi32(_mm256_mullo_epi32(a, b), c); }
CF_INLINE __m256i add_i32__avx2(__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }

CF_INLINE __m256i zero_i64__avx2(void) { return _mm256_setzero_si256(); }
CF_INLINE __m256i set1_i64__avx2(const int64_t *p) { return _mm256_set1_epi64x(*p); }
CF_INLINE __m256i load_i64__avx2(const int64_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
CF_INLINE void store_i64__avx2(int64_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }
CF_INLINE void stream_i64__avx2(int64_t *p, __m256i v) { _mm256_stream_si256((__m256i *)(void *)p, v); }
CF_INLINE __m256i load_tail_i64__avx2(const int64_t *p, int64_t n)
{
    return _mm256_maskload_epi64((const long long *)(const void *)p, mask64__avx2(n));
}
CF_INLINE void store_tail_i64__avx2(int64_t *p, __m256i v, int64_t n)
{
    _mm256_maskstore_epi64((long long *)(void *)p, mask64__avx2(n), v);
}
/* low 64 bits: lo*lo + ((hi*lo + lo*hi) << 32) */
CF_INLINE __m256i fma_i64__avx2(__m256i a, __m256i b, __m256i c)
{
    __m256i cross = _mm256_mullo_epi32(a, _mm256_shuffle_epi32(b, 0xb1));
    __m256i high = _mm256_slli_epi64(_mm256_add_epi64(cross, _mm256_srli_epi64(cross, 32)), 32);
    return _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(a, b), high), c);
}
CF_INLINE __m256i add_i64__avx2(__m256i a, __m256i b) { return _mm256_add_epi64(a, b); }

CF_INLINE __m256i zero_i16__avx2(void) { return _mm256_setzero_si256(); }
CF_INLINE __m256i set1_i16__avx2(const int16_t *p) { return _mm256_set1_epi16(*p); }
CF_INLINE __m256i load_i16__avx2(const int16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
CF_INLINE void store_i16__avx2(int16_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }
CF_INLINE void stream_i16__avx2(int16_t *p, __m256i v) { _mm256_stream_si256((__m256i *)(void *)p, v); }
CF_INLINE __m256i fma_i16__avx2(__m256i a, __m256i b, __m256i c) { return _mm256_add_epi16(_mm256_mullo_epi16(a, b), c); }
CF_INLINE __m256i add_i16__avx2(__m256i a, __m256i b) { return _mm256_add_epi16(a, b); }

#if defined(__GNUC__)
#define keep__avx2(v) __asm__("" : "+x"(v))
#else
#define keep__avx2(v) ((void)0)
#endif
