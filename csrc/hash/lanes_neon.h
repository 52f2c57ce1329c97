/* lanes_neon.h - the vocabulary of the hash templates on Advanced SIMD of ARMv8-A: 4 lanes of 32 bits, 2 lanes of 64. See
 * lanes_portable.h. Instructions: Arm Architecture Reference Manual for A-profile (DDI 0487), C7.2; intrinsics: Arm C Language
 * Extensions.
 *
 * There is no rotation: a shift and a shift that inserts (SRI) make one, a table lookup does whole bytes, a reversal does halves.
 * Where the compiler may use FEAT_SHA3 (flags of the backend's row), its instructions serve every hash: XOR of three, XOR and
 * rotate, XOR and clear bits. */
#ifndef PC_LANES_NEON_H
#define PC_LANES_NEON_H
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

enum { W32 = 4, W64 = 2, LANES_MAX = 4 };
typedef uint32x4_t v32;
typedef uint64x2_t v64;

#define LANES_8_OF_32(v) vreinterpretq_u8_u32(v)
#define LANES_8_OF_64(v) vreinterpretq_u8_u64(v)
#define LANES_32(v)      vreinterpretq_u32_u8(v)
#define LANES_64(v)      vreinterpretq_u64_u8(v)
/* Bytes of v in the order that a pair of 64-bit constants gives. */
#define LANES_TABLE(low, high) vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))

/* ---- 32 bits ---------------------------------------------------------------------------------------------------------- */

static inline v32 v32_set1(uint32_t x) { return vdupq_n_u32(x); }
static inline v32 v32_load(const uint32_t *p) { return vld1q_u32(p); }
static inline void v32_store(uint32_t *p, v32 v) { vst1q_u32(p, v); }
static inline v32 v32_add(v32 a, v32 b) { return vaddq_u32(a, b); }
static inline v32 v32_xor(v32 a, v32 b) { return veorq_u32(a, b); }
#define v32_shr(a, n) vshrq_n_u32(a, n)
static inline v32 lanes_rotl32_8(v32 a) {
    return LANES_32(vqtbl1q_u8(LANES_8_OF_32(a), LANES_TABLE(0x0605040702010003, 0x0e0d0c0f0a09080b)));
}
static inline v32 lanes_rotl32_16(v32 a) { return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(a))); }
static inline v32 lanes_rotl32_24(v32 a) {
    return LANES_32(vqtbl1q_u8(LANES_8_OF_32(a), LANES_TABLE(0x0407060500030201, 0x0c0f0e0d080b0a09)));
}
#define v32_rotl(a, n)                                                                                                      \
    ((n) == 16   ? lanes_rotl32_16(a)                                                                                       \
     : (n) == 8  ? lanes_rotl32_8(a)                                                                                        \
     : (n) == 24 ? lanes_rotl32_24(a)                                                                                       \
                 : vsriq_n_u32(vshlq_n_u32(a, n), a, 32 - (n)))
/* x ^ rotl(x ^ rotl(x, 8), n): rotating by 8 is one lookup */
#define v32_fold(a, n) v32_xor(a, v32_rotl(v32_xor(a, lanes_rotl32_8(a)), n))
static inline v32 v32_choose(v32 m, v32 a, v32 b) { return vbslq_u32(m, a, b); }
/* where a and b differ, c decides */
static inline v32 v32_majority(v32 a, v32 b, v32 c) { return vbslq_u32(veorq_u32(a, b), c, b); }
static inline v32 v32_ornxor(v32 a, v32 b, v32 c) { return veorq_u32(vornq_u32(a, b), c); }

/* ---- 64 bits ---------------------------------------------------------------------------------------------------------- */

static inline v64 v64_set1(uint64_t x) { return vdupq_n_u64(x); }
static inline v64 v64_load(const uint64_t *p) { return vld1q_u64(p); }
static inline void v64_store(uint64_t *p, v64 v) { vst1q_u64(p, v); }
static inline v64 v64_add(v64 a, v64 b) { return vaddq_u64(a, b); }
static inline v64 v64_xor(v64 a, v64 b) { return veorq_u64(a, b); }
#define v64_shr(a, n) vshrq_n_u64(a, n)
static inline v64 v64_choose(v64 m, v64 a, v64 b) { return vbslq_u64(m, a, b); }
static inline v64 v64_majority(v64 a, v64 b, v64 c) { return vbslq_u64(veorq_u64(a, b), c, b); }

static inline v64 lanes_rotl64_32(v64 a) { return vreinterpretq_u64_u32(vrev64q_u32(vreinterpretq_u32_u64(a))); }
/* byte i comes from byte i - n / 8 of its word */
#define LANES_BYTES64(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define lanes_rotl64_bytes(a, n)                                                                                            \
    LANES_64(vqtbl1q_u8(LANES_8_OF_64(a), LANES_TABLE(LANES_BYTES64(UINT64_C(0x0706050403020100), n),                       \
                                                      LANES_BYTES64(UINT64_C(0x0f0e0d0c0b0a0908), n))))

#ifdef __ARM_FEATURE_SHA3
static inline v32 v32_xor3(v32 a, v32 b, v32 c) { return veor3q_u32(a, b, c); }
static inline v64 v64_xor3(v64 a, v64 b, v64 c) { return veor3q_u64(a, b, c); }
static inline v64 v64_chi(v64 a, v64 b, v64 c) { return vbcaxq_u64(a, c, b); }
/* XAR rotates to the right, and with zero it is the rotation that plain Advanced SIMD lacks */
#    define v64_rotl(a, n)        vxarq_u64(a, vdupq_n_u64(0), 64 - (n))
#    define v64_xor_rotl(a, b, n) vxarq_u64(a, b, 64 - (n))
static inline v64 v64_theta(v64 a, v64 b) { return vrax1q_u64(a, b); }
#else
static inline v32 v32_xor3(v32 a, v32 b, v32 c) { return v32_xor(v32_xor(a, b), c); }
static inline v64 v64_xor3(v64 a, v64 b, v64 c) { return v64_xor(v64_xor(a, b), c); }
static inline v64 v64_chi(v64 a, v64 b, v64 c) { return v64_xor(a, vbicq_u64(c, b)); }
#    define v64_rotl(a, n)                                                                                                  \
        ((n) == 32      ? lanes_rotl64_32(a)                                                                                \
         : (n) % 8 == 0 ? lanes_rotl64_bytes(a, n)                                                                          \
                        : vsriq_n_u64(vshlq_n_u64(a, n), a, 64 - (n)))
#    define v64_xor_rotl(a, b, n) v64_rotl(v64_xor(a, b), n)
static inline v64 v64_theta(v64 a, v64 b) { return v64_xor(a, v64_rotl(b, 1)); }
#endif

/* ---- bytes ------------------------------------------------------------------------------------------------------------ */

static inline v32 v32_be(v32 a) { return LANES_32(vrev32q_u8(LANES_8_OF_32(a))); }
static inline v32 v32_le(v32 a) { return a; }
static inline v64 v64_be(v64 a) { return LANES_64(vrev64q_u8(LANES_8_OF_64(a))); }
static inline v64 v64_le(v64 a) { return a; }

/* out[i] = word i of r[0..3], and the same back. */
static inline void lanes_transpose32(v32 out[4], const v32 r[4]) {
    v64 a = vreinterpretq_u64_u32(vtrn1q_u32(r[0], r[1])), b = vreinterpretq_u64_u32(vtrn2q_u32(r[0], r[1]));
    v64 c = vreinterpretq_u64_u32(vtrn1q_u32(r[2], r[3])), d = vreinterpretq_u64_u32(vtrn2q_u32(r[2], r[3]));
    out[0] = vreinterpretq_u32_u64(vtrn1q_u64(a, c));
    out[1] = vreinterpretq_u32_u64(vtrn1q_u64(b, d));
    out[2] = vreinterpretq_u32_u64(vtrn2q_u64(a, c));
    out[3] = vreinterpretq_u32_u64(vtrn2q_u64(b, d));
}
static inline void lanes_words(v32 *w, const uint8_t *const p[W32], int n) {
    for (int k = 0; k < n; k += 4) {
        v32 r[4];
        for (int j = 0; j < 4; j++) r[j] = LANES_32(vld1q_u8(p[j] + 4 * k));
        lanes_transpose32(w + k, r);
    }
}
static inline void v32_half_le(v32 w[8], const uint8_t *const p[W32], size_t from) {
    const uint8_t *at[W32];
    for (int j = 0; j < W32; j++) at[j] = p[j] + from;
    lanes_words(w, at, 8);
}
static inline void v32_block_le(v32 w[16], const uint8_t *const p[W32]) { lanes_words(w, p, 16); }
static inline void v32_block_be(v32 w[16], const uint8_t *const p[W32]) {
    v32_block_le(w, p);
    for (int i = 0; i < 16; i++) w[i] = v32_be(w[i]);
}
static inline void v64_block_le16(v64 w[16], const uint8_t *const p[W64]) {
    for (int k = 0; k < 16; k += 2) {
        v64 a = LANES_64(vld1q_u8(p[0] + 8 * k)), b = LANES_64(vld1q_u8(p[1] + 8 * k));
        w[k] = vtrn1q_u64(a, b);
        w[k + 1] = vtrn2q_u64(a, b);
    }
}
static inline void v64_block_be(v64 w[16], const uint8_t *const p[W64]) {
    v64_block_le16(w, p);
    for (int i = 0; i < 16; i++) w[i] = v64_be(w[i]);
}
static inline void v64_block_le(v64 w[17], const uint8_t *const p[W64]) {
    v64_block_le16(w, p);
    w[16] = LANES_64(vcombine_u8(vld1_u8(p[0] + 128), vld1_u8(p[1] + 128)));
}
static inline void v32_rows8(uint8_t *rows, const v32 w[8]) {
    v32 low[4], high[4];
    lanes_transpose32(low, w);
    lanes_transpose32(high, w + 4);
    for (int j = 0; j < W32; j++) {
        vst1q_u8(rows + 32 * j, LANES_8_OF_32(low[j]));
        vst1q_u8(rows + 32 * j + 16, LANES_8_OF_32(high[j]));
    }
}
static inline void v64_rows8(uint8_t *rows, const v64 w[8]) {
    for (int k = 0; k < 8; k += 2) {
        vst1q_u8(rows + 8 * k, LANES_8_OF_64(vtrn1q_u64(w[k], w[k + 1])));
        vst1q_u8(rows + 64 + 8 * k, LANES_8_OF_64(vtrn2q_u64(w[k], w[k + 1])));
    }
}
#endif
