/* The SIMD vocabulary of SSE2; vec_avx2.h says what each word means. */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __sse2))

typedef __m128 vec_f32__sse2;
typedef __m128d vec_f64__sse2;
typedef __m128i vec_i16__sse2;
typedef __m128i vec_i32__sse2;
typedef __m128i vec_i64__sse2;
#define CF_REGISTERS 16
#define CF_STREAMS
#define LANES_f32 4
#define LANES_f64 2
#define LANES_i16 8
#define LANES_i32 4
#define LANES_i64 2
#define MASKS_f32 0
#define MASKS_f64 0
#define MASKS_i16 0
#define MASKS_i32 0
#define MASKS_i64 0
#define SQUARE_f32 4
#define FOURS_f32 1

CF_INLINE void fence__sse2(void) { _mm_sfence(); }
CF_INLINE __m128 zero_f32__sse2(void) { return _mm_setzero_ps(); }
CF_INLINE __m128 set1_f32__sse2(const float *p) { return _mm_set1_ps(*p); }
CF_INLINE __m128 load_f32__sse2(const float *p) { return _mm_loadu_ps(p); }
CF_INLINE void store_f32__sse2(float *p, __m128 v) { _mm_storeu_ps(p, v); }
CF_INLINE void stream_f32__sse2(float *p, __m128 v) { _mm_stream_ps(p, v); }
CF_INLINE __m128 fma_f32__sse2(__m128 a, __m128 b, __m128 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
CF_INLINE __m128 add_f32__sse2(__m128 a, __m128 b) { return _mm_add_ps(a, b); }
CF_INLINE __m128 sub_f32__sse2(__m128 a, __m128 b) { return _mm_sub_ps(a, b); }
CF_INLINE __m128 mul_f32__sse2(__m128 a, __m128 b) { return _mm_mul_ps(a, b); }
CF_INLINE __m128 fnma_f32__sse2(__m128 a, __m128 b, __m128 c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
CF_INLINE __m128 xor_f32__sse2(__m128 a, __m128 b) { return _mm_xor_ps(a, b); }
CF_INLINE __m128 swap_f32__sse2(__m128 a) { return _mm_shuffle_ps(a, a, 0xb1); }
CF_INLINE __m128 dup_even_f32__sse2(__m128 a) { return _mm_shuffle_ps(a, a, 0xa0); }
CF_INLINE __m128 dup_odd_f32__sse2(__m128 a) { return _mm_shuffle_ps(a, a, 0xf5); }
CF_INLINE void turn_square_f32__sse2(const void *const *from, int64_t at, float *to, int64_t to_row)
{
    __m128 a = _mm_loadu_ps((const float *)from[0] + at), b = _mm_loadu_ps((const float *)from[1] + at);
    __m128 c = _mm_loadu_ps((const float *)from[2] + at), d = _mm_loadu_ps((const float *)from[3] + at);
    __m128 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d), ab2 = _mm_unpackhi_ps(a, b), cd2 = _mm_unpackhi_ps(c, d);
    _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
    _mm_storeu_ps(to + to_row, _mm_movehl_ps(cd, ab));
    _mm_storeu_ps(to + 2 * to_row, _mm_movelh_ps(ab2, cd2));
    _mm_storeu_ps(to + 3 * to_row, _mm_movehl_ps(cd2, ab2));
}

CF_INLINE void four_sums_f32__sse2(__m128 a, __m128 b, __m128 c, __m128 d, float *to)
{
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b)), cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    _mm_storeu_ps(to, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
}

CF_INLINE __m128d zero_f64__sse2(void) { return _mm_setzero_pd(); }
CF_INLINE __m128d set1_f64__sse2(const double *p) { return _mm_set1_pd(*p); }
CF_INLINE __m128d load_f64__sse2(const double *p) { return _mm_loadu_pd(p); }
CF_INLINE void store_f64__sse2(double *p, __m128d v) { _mm_storeu_pd(p, v); }
CF_INLINE void stream_f64__sse2(double *p, __m128d v) { _mm_stream_pd(p, v); }
CF_INLINE __m128d fma_f64__sse2(__m128d a, __m128d b, __m128d c) { return _mm_add_pd(_mm_mul_pd(a, b), c); }
CF_INLINE __m128d add_f64__sse2(__m128d a, __m128d b) { return _mm_add_pd(a, b); }
CF_INLINE __m128d sub_f64__sse2(__m128d a, __m128d b) { return _mm_sub_pd(a, b); }
CF_INLINE __m128d mul_f64__sse2(__m128d a, __m128d b) { return _mm_mul_pd(a, b); }
CF_INLINE __m128d fnma_f64__sse2(__m128d a, __m128d b, __m128d c) { return _mm_sub_pd(c, _mm_mul_pd(a, b)); }
CF_INLINE __m128d widen_f64__sse2(const float *p) { return _mm_setr_pd(p[0], p[1]); }
CF_INLINE void narrow_f64__sse2(float *p, __m128d v) { _mm_storel_pi((__m64 *)(void *)p, _mm_cvtpd_ps(v)); }
CF_INLINE __m128d xor_f64__sse2(__m128d a, __m128d b) { return _mm_xor_pd(a, b); }
CF_INLINE __m128d swap_f64__sse2(__m128d a) { return _mm_shuffle_pd(a, a, 1); }
CF_INLINE __m128d dup_even_f64__sse2(__m128d a) { return _mm_shuffle_pd(a, a, 0); }
CF_INLINE __m128d dup_odd_f64__sse2(__m128d a) { return _mm_shuffle_pd(a, a, 3); }

CF_INLINE __m128i zero_i32__sse2(void) { return _mm_setzero_si128(); }
CF_INLINE __m128i set1_i32__sse2(const int32_t *p) { return _mm_set1_epi32(*p); }
CF_INLINE __m128i load_i32__sse2(const int32_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
CF_INLINE void store_i32__sse2(int32_t *p, __m128i v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
CF_INLINE void stream_i32__sse2(int32_t *p, __m128i v) { _mm_stream_si128((__m128i *)(void *)p, v); }
/* SSE2 multiplies 32 bits in the even lanes only */
CF_INLINE __m128i fma_i32__sse2(__m128i a, __m128i b, __m128i c)
{
    __m128i even = _mm_mul_epu32(a, b), odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
    __m128i product = _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 8), _mm_shuffle_epi32(odd, 8));
    return _mm_add_epi32(product, c);
}
CF_INLINE __m128i add_i32__sse2(__m128i a, __m128i b) { return _mm_add_epi32(a, b); }

CF_INLINE __m128i zero_i64__sse2(void) { return _mm_setzero_si128(); }
CF_INLINE __m128i set1_i64__sse2(const int64_t *p) { return _mm_set1_epi64x(*p); }
CF_INLINE __m128i load_i64__sse2(const int64_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
CF_INLINE void store_i64__sse2(int64_t *p, __m128i v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
CF_INLINE void stream_i64__sse2(int64_t *p, __m128i v) { _mm_stream_si128((__m128i *)(void *)p, v); }
/* low 64 bits: lo*lo + ((hi*lo + lo*hi) << 32) */
CF_INLINE __m128i fma_i64__sse2(__m128i a, __m128i b, __m128i c)
{
    __m128i cross = _mm_add_epi64(_mm_mul_epu32(_mm_srli_epi64(a, 32), b), _mm_mul_epu32(a, _mm_srli_epi64(b, 32)));
    return _mm_add_epi64(_mm_add_epi64(_mm_mul_epu32(a, b), _mm_slli_epi64(cross, 32)), c);
}
CF_INLINE __m128i add_i64__sse2(__m128i a, __m128i b) { return _mm_add_epi64(a, b); }

CF_INLINE __m128i zero_i16__sse2(void) { return _mm_setzero_si128(); }
CF_INLINE __m128i set1_i16__sse2(const int16_t *p) { return _mm_set1_epi16(*p); }
CF_INLINE __m128i load_i16__sse2(const int16_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
CF_INLINE void store_i16__sse2(int16_t *p, __m128i v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
CF_INLINE void stream_i16__sse2(int16_t *p, __m128i v) { _mm_stream_si128((__m128i *)(void *)p, v); }
CF_INLINE __m128i fma_i16__sse2(__m128i a, __m128i b, __m128i c) { return _mm_add_epi16(_mm_mullo_epi16(a, b), c); }
CF_INLINE __m128i add_i16__sse2(__m128i a, __m128i b) { return _mm_add_epi16(a, b); }

#if defined(__GNUC__)
#define keep__sse2(v) __asm__("" : "+x"(v))
#else
#define keep__sse2(v) ((void)0)
#endif
