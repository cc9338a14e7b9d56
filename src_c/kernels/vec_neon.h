/* The SIMD vocabulary of 64-bit NEON (AArch64, where it is the baseline); vec_avx2.h says what each word means.
 * Integer vectors are unsigned, where C defines wrapping. */

#define V_(op, type) CF_CAT(CF_CAT(op, _), CF_CAT(type, __neon))

typedef float32x4_t vec_f32__neon;
typedef float64x2_t vec_f64__neon;
typedef uint16x8_t vec_i16__neon;
typedef uint32x4_t vec_i32__neon;
typedef uint64x2_t vec_i64__neon;
#define CF_REGISTERS 32
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

CF_INLINE float32x4_t zero_f32__neon(void) { return vdupq_n_f32(0); }
CF_INLINE float32x4_t set1_f32__neon(const float *p) { return vld1q_dup_f32(p); }
CF_INLINE float32x4_t load_f32__neon(const float *p) { return vld1q_f32(p); }
CF_INLINE void store_f32__neon(float *p, float32x4_t v) { vst1q_f32(p, v); }
CF_INLINE float32x4_t fma_f32__neon(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
CF_INLINE float32x4_t add_f32__neon(float32x4_t a, float32x4_t b) { return vaddq_f32(a, b); }
CF_INLINE float32x4_t sub_f32__neon(float32x4_t a, float32x4_t b) { return vsubq_f32(a, b); }
CF_INLINE float32x4_t mul_f32__neon(float32x4_t a, float32x4_t b) { return vmulq_f32(a, b); }
CF_INLINE float32x4_t fnma_f32__neon(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmsq_f32(c, a, b); }
CF_INLINE float32x4_t xor_f32__neon(float32x4_t a, float32x4_t b)
{
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
CF_INLINE float32x4_t swap_f32__neon(float32x4_t a) { return vrev64q_f32(a); }
CF_INLINE float32x4_t dup_even_f32__neon(float32x4_t a) { return vtrn1q_f32(a, a); }
CF_INLINE float32x4_t dup_odd_f32__neon(float32x4_t a) { return vtrn2q_f32(a, a); }
CF_INLINE void turn_square_f32__neon(const void *const *from, int64_t at, float *to, int64_t to_row)
{
    float32x4_t a = vld1q_f32((const float *)from[0] + at), b = vld1q_f32((const float *)from[1] + at);
    float32x4_t c = vld1q_f32((const float *)from[2] + at), d = vld1q_f32((const float *)from[3] + at);
    float64x2_t ab = vreinterpretq_f64_f32(vzip1q_f32(a, b)), cd = vreinterpretq_f64_f32(vzip1q_f32(c, d));
    float64x2_t ab2 = vreinterpretq_f64_f32(vzip2q_f32(a, b)), cd2 = vreinterpretq_f64_f32(vzip2q_f32(c, d));
    vst1q_f32(to, vreinterpretq_f32_f64(vzip1q_f64(ab, cd)));
    vst1q_f32(to + to_row, vreinterpretq_f32_f64(vzip2q_f64(ab, cd)));
    vst1q_f32(to + 2 * to_row, vreinterpretq_f32_f64(vzip1q_f64(ab2, cd2)));
    vst1q_f32(to + 3 * to_row, vreinterpretq_f32_f64(vzip2q_f64(ab2, cd2)));
}

CF_INLINE void four_sums_f32__neon(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float *to)
{
    vst1q_f32(to, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

CF_INLINE float64x2_t zero_f64__neon(void) { return vdupq_n_f64(0); }
CF_INLINE float64x2_t set1_f64__neon(const double *p) { return vld1q_dup_f64(p); }
CF_INLINE float64x2_t load_f64__neon(const double *p) { return vld1q_f64(p); }
CF_INLINE void store_f64__neon(double *p, float64x2_t v) { vst1q_f64(p, v); }
CF_INLINE float64x2_t fma_f64__neon(float64x2_t a, float64x2_t b, float64x2_t c) { return vfmaq_f64(c, a, b); }
CF_INLINE float64x2_t add_f64__neon(float64x2_t a, float64x2_t b) { return vaddq_f64(a, b); }
CF_INLINE float64x2_t sub_f64__neon(float64x2_t a, float64x2_t b) { return vsubq_f64(a, b); }
CF_INLINE float64x2_t mul_f64__neon(float64x2_t a, float64x2_t b) { return vmulq_f64(a, b); }
CF_INLINE float64x2_t fnma_f64__neon(float64x2_t a, float64x2_t b, float64x2_t c) { return vfmsq_f64(c, a, b); }
CF_INLINE float64x2_t widen_f64__neon(const float *p) { return vcvt_f64_f32(vld1_f32(p)); }
CF_INLINE void narrow_f64__neon(float *p, float64x2_t v) { vst1_f32(p, vcvt_f32_f64(v)); }
CF_INLINE float64x2_t xor_f64__neon(float64x2_t a, float64x2_t b)
{
    return vreinterpretq_f64_u64(veorq_u64(vreinterpretq_u64_f64(a), vreinterpretq_u64_f64(b)));
}
CF_INLINE float64x2_t swap_f64__neon(float64x2_t a) { return vextq_f64(a, a, 1); }
CF_INLINE float64x2_t dup_even_f64__neon(float64x2_t a) { return vtrn1q_f64(a, a); }
CF_INLINE float64x2_t dup_odd_f64__neon(float64x2_t a) { return vtrn2q_f64(a, a); }

CF_INLINE uint32x4_t zero_i32__neon(void) { return vdupq_n_u32(0); }
CF_INLINE uint32x4_t set1_i32__neon(const int32_t *p) { return vld1q_dup_u32((const uint32_t *)p); }
CF_INLINE uint32x4_t load_i32__neon(const int32_t *p) { return vld1q_u32((const uint32_t *)p); }
CF_INLINE void store_i32__neon(int32_t *p, uint32x4_t v) { vst1q_u32((uint32_t *)p, v); }
CF_INLINE uint32x4_t fma_i32__neon(uint32x4_t a, uint32x4_t b, uint32x4_t c) { return vmlaq_u32(c, a, b); }
CF_INLINE uint32x4_t add_i32__neon(uint32x4_t a, uint32x4_t b) { return vaddq_u32(a, b); }

CF_INLINE uint64x2_t zero_i64__neon(void) { return vdupq_n_u64(0); }
CF_INLINE uint64x2_t set1_i64__neon(const int64_t *p) { return vld1q_dup_u64((const uint64_t *)p); }
CF_INLINE uint64x2_t load_i64__neon(const int64_t *p) { return vld1q_u64((const uint64_t *)p); }
CF_INLINE void store_i64__neon(int64_t *p, uint64x2_t v) { vst1q_u64((uint64_t *)p, v); }
/* NEON multiplies no 64-bit lanes; low 64 bits: lo*lo + ((hi*lo + lo*hi) << 32) */
CF_INLINE uint64x2_t fma_i64__neon(uint64x2_t a, uint64x2_t b, uint64x2_t c)
{
    uint32x4_t x = vreinterpretq_u32_u64(a), y = vreinterpretq_u32_u64(b);
    uint64x2_t cross = vshlq_n_u64(vpaddlq_u32(vmulq_u32(vrev64q_u32(x), y)), 32);
    return vmlal_u32(vaddq_u64(c, cross), vmovn_u64(a), vmovn_u64(b));
}
CF_INLINE uint64x2_t add_i64__neon(uint64x2_t a, uint64x2_t b) { return vaddq_u64(a, b); }

CF_INLINE uint16x8_t zero_i16__neon(void) { return vdupq_n_u16(0); }
CF_INLINE uint16x8_t set1_i16__neon(const int16_t *p) { return vld1q_dup_u16((const uint16_t *)p); }
CF_INLINE uint16x8_t load_i16__neon(const int16_t *p) { return vld1q_u16((const uint16_t *)p); }
CF_INLINE void store_i16__neon(int16_t *p, uint16x8_t v) { vst1q_u16((uint16_t *)p, v); }
CF_INLINE uint16x8_t fma_i16__neon(uint16x8_t a, uint16x8_t b, uint16x8_t c) { return vmlaq_u16(c, a, b); }
CF_INLINE uint16x8_t add_i16__neon(uint16x8_t a, uint16x8_t b) { return vaddq_u16(a, b); }

#if defined(__GNUC__)
#define keep__neon(v) __asm__("" : "+w"(v))
#else
#define keep__neon(v) ((void)0)
#endif
