/* The SIMD vocabulary of AVX-512 (F, BW, DQ, VL: what every processor since Skylake-SP has); vec_avx2.h says what each word means.
 * Tails are masks in registers: no array of lanes for any type. */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __avx512))

typedef __m512 vec_f32__avx512;
typedef __m512d vec_f64__avx512;
typedef __m512i vec_i16__avx512;
typedef __m512i vec_i32__avx512;
typedef __m512i vec_i64__avx512;
#define CF_REGISTERS 32
#define CF_STREAMS
#define CF_CUT
#define LANES_f32 16
#define LANES_f64 8
#define LANES_i16 32
#define LANES_i32 16
#define LANES_i64 8
#define MASKS_f32 1
#define MASKS_f64 1
#define MASKS_i16 1
#define MASKS_i32 1
#define MASKS_i64 1
#define SQUARE_f32 4
#define FOURS_f32 1
#define FOURS_f64 1
#define SQUARE_f64 4

CF_INLINE __mmask8 mask8__avx512(int64_t n) { return (__mmask8)((1u << n) - 1); }
CF_INLINE __mmask16 mask16__avx512(int64_t n) { return (__mmask16)((1u << n) - 1); }
CF_INLINE __mmask32 mask32__avx512(int64_t n) { return (__mmask32)(((uint64_t)1 << n) - 1); }

CF_INLINE void fence__avx512(void) { _mm_sfence(); }
CF_INLINE __m512 zero_f32__avx512(void) { return _mm512_setzero_ps(); }
CF_INLINE __m512 set1_f32__avx512(const float *p) { return _mm512_set1_ps(*p); }
CF_INLINE __m512 load_f32__avx512(const float *p) { return _mm512_loadu_ps(p); }
CF_INLINE void store_f32__avx512(float *p, __m512 v) { _mm512_storeu_ps(p, v); }
CF_INLINE void stream_f32__avx512(float *p, __m512 v) { _mm512_stream_ps(p, v); }
CF_INLINE __m512 load_tail_f32__avx512(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(mask16__avx512(n), p); }
CF_INLINE void store_tail_f32__avx512(float *p, __m512 v, int64_t n) { _mm512_mask_storeu_ps(p, mask16__avx512(n), v); }
CF_INLINE __m512 fma_f32__avx512(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
CF_INLINE __m512 add_f32__avx512(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
CF_INLINE __m512 sub_f32__avx512(__m512 a, __m512 b) { return _mm512_sub_ps(a, b); }
CF_INLINE __m512 mul_f32__avx512(__m512 a, __m512 b) { return _mm512_mul_ps(a, b); }
CF_INLINE __m512 fnma_f32__avx512(__m512 a, __m512 b, __m512 c) { return _mm512_fnmadd_ps(a, b, c); }
CF_INLINE __m512 xor_f32__avx512(__m512 a, __m512 b) { return _mm512_xor_ps(a, b); }
CF_INLINE __m512 swap_f32__avx512(__m512 a) { return _mm512_permute_ps(a, 0xb1); }
CF_INLINE __m512 dup_even_f32__avx512(__m512 a) { return _mm512_moveldup_ps(a); }
CF_INLINE __m512 dup_odd_f32__avx512(__m512 a) { return _mm512_movehdup_ps(a); }
CF_INLINE void turn_square_f32__avx512(const void *const *from, int64_t at, float *to, int64_t to_row)
{
    __m128 a = _mm_loadu_ps((const float *)from[0] + at), b = _mm_loadu_ps((const float *)from[1] + at);
    __m128 c = _mm_loadu_ps((const float *)from[2] + at), d = _mm_loadu_ps((const float *)from[3] + at);
    __m128 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d), ab2 = _mm_unpackhi_ps(a, b), cd2 = _mm_unpackhi_ps(c, d);
    _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
    _mm_storeu_ps(to + to_row, _mm_movehl_ps(cd, ab));
    _mm_storeu_ps(to + 2 * to_row, _mm_movelh_ps(ab2, cd2));
    _mm_storeu_ps(to + 3 * to_row, _mm_movehl_ps(cd2, ab2));
}

CF_INLINE void four_sums_f32__avx512(__m512 a, __m512 b, __m512 c, __m512 d, float *to)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

#define cut_f32__avx512(a, b, j) _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), j))
#define cut_f64__avx512(a, b, j) _mm512_castsi512_pd(_mm512_alignr_epi64(_mm512_castpd_si512(b), _mm512_castpd_si512(a), j))
#define cut_i32__avx512(a, b, j) _mm512_alignr_epi32(b, a, j)
#define cut_i64__avx512(a, b, j) _mm512_alignr_epi64(b, a, j)

typedef __mmask16 mask_f32__avx512;
CF_INLINE __mmask16 some_f32__avx512(int64_t from, int64_t to) { return (__mmask16)((1u << to) - (1u << from)); }
CF_INLINE __m512 load_some_f32__avx512(const float *p, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, p); }
CF_INLINE __m512 evens_f32__avx512(__m512 a, __m512 b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
CF_INLINE __m512 odds_f32__avx512(__m512 a, __m512 b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);
}
CF_INLINE void store_some_f32__avx512(float *p, __m512 v, __mmask16 lanes) { _mm512_mask_storeu_ps(p, lanes, v); }
CF_INLINE __m512 zip_low_f32__avx512(__m512 a, __m512 b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
CF_INLINE __m512 zip_high_f32__avx512(__m512 a, __m512 b)
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
}
typedef __mmask8 mask_f64__avx512;
CF_INLINE __mmask8 some_f64__avx512(int64_t from, int64_t to) { return (__mmask8)((1u << to) - (1u << from)); }
CF_INLINE __m512d load_some_f64__avx512(const double *p, __mmask8 lanes) { return _mm512_maskz_loadu_pd(lanes, p); }
CF_INLINE void store_some_f64__avx512(double *p, __m512d v, __mmask8 lanes) { _mm512_mask_storeu_pd(p, lanes, v); }
CF_INLINE __m512d zip_low_f64__avx512(__m512d a, __m512d b) { return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b); }
CF_INLINE __m512d zip_high_f64__avx512(__m512d a, __m512d b)
{
    return _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
}
CF_INLINE __m512d evens_f64__avx512(__m512d a, __m512d b) { return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b); }
CF_INLINE __m512d odds_f64__avx512(__m512d a, __m512d b) { return _mm512_permutex2var_pd(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b); }

CF_INLINE __m512d zero_f64__avx512(void) { return _mm512_setzero_pd(); }
CF_INLINE __m512d set1_f64__avx512(const double *p) { return _mm512_set1_pd(*p); }
CF_INLINE __m512d load_f64__avx512(const double *p) { return _mm512_loadu_pd(p); }
CF_INLINE void store_f64__avx512(double *p, __m512d v) { _mm512_storeu_pd(p, v); }
CF_INLINE void stream_f64__avx512(double *p, __m512d v) { _mm512_stream_pd(p, v); }
CF_INLINE __m512d load_tail_f64__avx512(const double *p, int64_t n) { return _mm512_maskz_loadu_pd(mask8__avx512(n), p); }
CF_INLINE void store_tail_f64__avx512(double *p, __m512d v, int64_t n) { _mm512_mask_storeu_pd(p, mask8__avx512(n), v); }
CF_INLINE __m512d fma_f64__avx512(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }
CF_INLINE __m512d add_f64__avx512(__m512d a, __m512d b) { return _mm512_add_pd(a, b); }
CF_INLINE __m512d sub_f64__avx512(__m512d a, __m512d b) { return _mm512_sub_pd(a, b); }
CF_INLINE __m512d mul_f64__avx512(__m512d a, __m512d b) { return _mm512_mul_pd(a, b); }
CF_INLINE __m512d fnma_f64__avx512(__m512d a, __m512d b, __m512d c) { return _mm512_fnmadd_pd(a, b, c); }
CF_INLINE __m512d widen_f64__avx512(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
CF_INLINE void narrow_f64__avx512(float *p, __m512d v) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
CF_INLINE __m512d xor_f64__avx512(__m512d a, __m512d b) { return _mm512_xor_pd(a, b); }
CF_INLINE __m512d swap_f64__avx512(__m512d a) { return _mm512_permute_pd(a, 0x55); }
CF_INLINE __m512d dup_even_f64__avx512(__m512d a) { return _mm512_movedup_pd(a); }
CF_INLINE __m512d dup_odd_f64__avx512(__m512d a) { return _mm512_permute_pd(a, 0xff); }
CF_INLINE void turn_square_f64__avx512(const void *const *from, int64_t at, double *to, int64_t to_row)
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

CF_INLINE void four_sums_f64__avx512(__m512d a, __m512d b, __m512d c, __m512d d, double *to)
{
    __m512d ab = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
    __m512d cd = _mm512_add_pd(_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
    __m256d ab2 = _mm256_add_pd(_mm512_castpd512_pd256(ab), _mm512_extractf64x4_pd(ab, 1));
    __m256d cd2 = _mm256_add_pd(_mm512_castpd512_pd256(cd), _mm512_extractf64x4_pd(cd, 1));
    _mm256_storeu_pd(to, _mm256_add_pd(_mm256_permute2f128_pd(ab2, cd2, 0x20), _mm256_permute2f128_pd(ab2, cd2, 0x31)));
}

/* Half vectors of floats, for sums of few lanes. */
#define HALF_f32 h32
#define HALF_f64 h64
#define LANES_h32 8
#define LANES_h64 4
typedef __m256 vec_h32__avx512;
typedef __m256d vec_h64__avx512;
CF_INLINE __m256 zero_h32__avx512(void) { return _mm256_setzero_ps(); }
CF_INLINE __m256 set1_h32__avx512(const float *p) { return _mm256_broadcast_ss(p); }
CF_INLINE __m256 load_h32__avx512(const float *p) { return _mm256_loadu_ps(p); }
CF_INLINE void store_h32__avx512(float *p, __m256 v) { _mm256_storeu_ps(p, v); }
CF_INLINE __m256 add_h32__avx512(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
CF_INLINE __m256 sub_h32__avx512(__m256 a, __m256 b) { return _mm256_sub_ps(a, b); }
CF_INLINE __m256 mul_h32__avx512(__m256 a, __m256 b) { return _mm256_mul_ps(a, b); }
CF_INLINE __m256 fma_h32__avx512(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
CF_INLINE __m256 fnma_h32__avx512(__m256 a, __m256 b, __m256 c) { return _mm256_fnmadd_ps(a, b, c); }
CF_INLINE __m256d zero_h64__avx512(void) { return _mm256_setzero_pd(); }
CF_INLINE __m256d set1_h64__avx512(const double *p) { return _mm256_broadcast_sd(p); }
CF_INLINE __m256d load_h64__avx512(const double *p) { return _mm256_loadu_pd(p); }
CF_INLINE void store_h64__avx512(double *p, __m256d v) { _mm256_storeu_pd(p, v); }
CF_INLINE __m256d add_h64__avx512(__m256d a, __m256d b) { return _mm256_add_pd(a, b); }
CF_INLINE __m256d sub_h64__avx512(__m256d a, __m256d b) { return _mm256_sub_pd(a, b); }
CF_INLINE __m256d mul_h64__avx512(__m256d a, __m256d b) { return _mm256_mul_pd(a, b); }
CF_INLINE __m256d fma_h64__avx512(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
CF_INLINE __m256d fnma_h64__avx512(__m256d a, __m256d b, __m256d c) { return _mm256_fnmadd_pd(a, b, c); }

CF_INLINE __m512i zero_i32__avx512(void) { return _mm512_setzero_si512(); }
CF_INLINE __m512i set1_i32__avx512(const int32_t *p) { return _mm512_set1_epi32(*p); }
CF_INLINE __m512i load_i32__avx512(const int32_t *p) { return _mm512_loadu_si512(p); }
CF_INLINE void store_i32__avx512(int32_t *p, __m512i v) { _mm512_storeu_si512(p, v); }
CF_INLINE void stream_i32__avx512(int32_t *p, __m512i v) { _mm512_stream_si512((__m512i *)(void *)p, v); }
CF_INLINE __m512i load_tail_i32__avx512(const int32_t *p, int64_t n) { return _mm512_maskz_loadu_epi32(mask16__avx512(n), p); }
CF_INLINE void store_tail_i32__avx512(int32_t *p, __m512i v, int64_t n) { _mm512_mask_storeu_epi32(p, mask16__avx512(n), v); }
CF_INLINE __m512i fma_i32__avx512(__m512i a, __m512i b, __m512i c) { return _mm512_add_epi32(_mm512_mullo_epi32(a, b), c); }
CF_INLINE __m512i add_i32__avx512(__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }

CF_INLINE __m512i zero_i64__avx512(void) { return _mm512_setzero_si512(); }
CF_INLINE __m512i set1_i64__avx512(const int64_t *p) { return _mm512_set1_epi64(*p); }
CF_INLINE __m512i load_i64__avx512(const int64_t *p) { return _mm512_loadu_si512(p); }
CF_INLINE void store_i64__avx512(int64_t *p, __m512i v) { _mm512_storeu_si512(p, v); }
CF_INLINE void stream_i64__avx512(int64_t *p, __m512i v) { _mm512_stream_si512((__m512i *)(void *)p, v); }
CF_INLINE __m512i load_tail_i64__avx512(const int64_t *p, int64_t n) { return _mm512_maskz_loadu_epi64(mask8__avx512(n), p); }
CF_INLINE void store_tail_i64__avx512(int64_t *p, __m512i v, int64_t n) { _mm512_mask_storeu_epi64(p, mask8__avx512(n), v); }
CF_INLINE __m512i fma_i64__avx512(__m512i a, __m512i b, __m512i c) { return _mm512_add_epi64(_mm512_mullo_epi64(a, b), c); }
CF_INLINE __m512i add_i64__avx512(__m512i a, __m512i b) { return _mm512_add_epi64(a, b); }

CF_INLINE __m512i zero_i16__avx512(void) { return _mm512_setzero_si512(); }
CF_INLINE __m512i set1_i16__avx512(const int16_t *p) { return _mm512_set1_epi16(*p); }
CF_INLINE __m512i load_i16__avx512(const int16_t *p) { return _mm512_loadu_si512(p); }
CF_INLINE void store_i16__avx512(int16_t *p, __m512i v) { _mm512_storeu_si512(p, v); }
CF_INLINE void stream_i16__avx512(int16_t *p, __m512i v) { _mm512_stream_si512((__m512i *)(void *)p, v); }
CF_INLINE __m512i load_tail_i16__avx512(const int16_t *p, int64_t n) { return _mm512_maskz_loadu_epi16(mask32__avx512(n), p); }
CF_INLINE void store_tail_i16__avx512(int16_t *p, __m512i v, int64_t n) { _mm512_mask_storeu_epi16(p, mask32__avx512(n), v); }
CF_INLINE __m512i fma_i16__avx512(__m512i a, __m512i b, __m512i c) { return _mm512_add_epi16(_mm512_mullo_epi16(a, b), c); }
CF_INLINE __m512i add_i16__avx512(__m512i a, __m512i b) { return _mm512_add_epi16(a, b); }

#if defined(__GNUC__)
#define keep__avx512(v) __asm__("" : "+v"(v))
#else
#define keep__avx512(v) ((void)0)
#endif
