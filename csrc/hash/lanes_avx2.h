/* lanes_avx2.h - the vocabulary of the hash templates on AVX2: 8 lanes of 32 bits, 4 lanes of 64. See lanes_portable.h. */
#ifndef PC_LANES_AVX2_H
#define PC_LANES_AVX2_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { W32 = 8, W64 = 4, LANES_MAX = 8 };
typedef __m256i v32;
typedef __m256i v64;

static inline v32 v32_set1(uint32_t x) { return _mm256_set1_epi32((int)x); }
static inline v32 v32_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void v32_store(uint32_t *p, v32 v) { _mm256_storeu_si256((__m256i *)p, v); }
static inline v32 v32_add(v32 a, v32 b) { return _mm256_add_epi32(a, b); }
/* 16 registers hold the state of BLAKE3 or BLAKE2b and nothing else. Left to themselves, compilers load message words early, reorder the sums,
 * and move half of the state to the stack and back. */
#define LANES_ADD_STORED(a, p, instruction)                                                                                 \
    __extension__({                                                                                                         \
        __m256i lanes_sum;                                                                                                  \
        __asm__(instruction " %2, %1, %0" : "=x"(lanes_sum) : "x"(a), "m"(*(p)));                                           \
        lanes_sum;                                                                                                          \
    })
#define v32_add_stored(a, p) LANES_ADD_STORED(a, p, "vpaddd")
#define v64_add_stored(a, p) LANES_ADD_STORED(a, p, "vpaddq")
static inline v32 v32_xor(v32 a, v32 b) { return _mm256_xor_si256(a, b); }
static inline v32 v32_xor3(v32 a, v32 b, v32 c) { return v32_xor(v32_xor(a, b), c); }
#define v32_shr(a, n) _mm256_srli_epi32(a, n)
#define v32_rotl(a, n)                                                                                                      \
    ((n) == 16   ? _mm256_shuffle_epi8(a, LANES_SWAP16)                                                                     \
     : (n) == 8  ? _mm256_shuffle_epi8(a, LANES_ROTL8)                                                                      \
     : (n) == 24 ? _mm256_shuffle_epi8(a, LANES_ROTL24)                                                                     \
                 : _mm256_or_si256(_mm256_slli_epi32(a, n), _mm256_srli_epi32(a, 32 - (n))))
#define LANES_TWICE(a, b, c, d) _mm256_setr_epi32(a, b, c, d, a, b, c, d)
#define LANES_SWAP16            LANES_TWICE(0x01000302, 0x05040706, 0x09080b0a, 0x0d0c0f0e)
#define LANES_ROTL8             LANES_TWICE(0x02010003, 0x06050407, 0x0a09080b, 0x0e0d0c0f)
#define LANES_ROTL24            LANES_TWICE(0x00030201, 0x04070605, 0x080b0a09, 0x0c0f0e0d)
#define LANES_BSWAP32           LANES_TWICE(0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f)
#define LANES_BSWAP64           LANES_TWICE(0x04050607, 0x00010203, 0x0c0d0e0f, 0x08090a0b)
/* x ^ rotl(x ^ rotl(x, 8), n): rotating by 8 is one shuffle */
#define v32_fold(a, n) v32_xor(a, v32_rotl(v32_xor(a, v32_rotl(a, 8)), n))
static inline v32 v32_choose(v32 m, v32 a, v32 b) { return v32_xor(b, _mm256_and_si256(m, v32_xor(a, b))); }
static inline v32 v32_ornxor(v32 a, v32 b, v32 c) { /* ~(~a & b) ^ c */
    return v32_xor(_mm256_andnot_si256(a, b), v32_xor(c, v32_set1(0xffffffff)));
}
static inline v32 v32_majority(v32 a, v32 b, v32 c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
}

static inline v32 v32_and(v32 a, v32 b) { return _mm256_and_si256(a, b); }
static inline v64 v64_and(v64 a, v64 b) { return _mm256_and_si256(a, b); }
#define LANES_MAJORITY_LAST
#define LANES_HAVE_FIRST
static inline v32 v32_first(v32 a) {
    __asm__("" : "+x"(a));
    return a;
}
static inline v64 v64_first(v64 a) { return v32_first(a); }

static inline v64 v64_set1(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
static inline v64 v64_load(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void v64_store(uint64_t *p, v64 v) { _mm256_storeu_si256((__m256i *)p, v); }
static inline v64 v64_add(v64 a, v64 b) { return _mm256_add_epi64(a, b); }
static inline v64 v64_xor(v64 a, v64 b) { return _mm256_xor_si256(a, b); }
static inline v64 v64_xor3(v64 a, v64 b, v64 c) { return v64_xor(v64_xor(a, b), c); }
#define v64_shr(a, n) _mm256_srli_epi64(a, n)
/* whole bytes are one shuffle; byte i comes from byte i - n / 8 of its word */
#define LANES_BYTES64(n)                                                                                                    \
    ((int64_t)(0x0706050403020100u << (n) | 0x0706050403020100u >> (64 - (n)))),                                            \
        ((int64_t)(0x0f0e0d0c0b0a0908u << (n) | 0x0f0e0d0c0b0a0908u >> (64 - (n))))
#define LANES_SETR64(a, b) _mm256_setr_epi64x(a, b, a, b)
#define LANES_SETR64_2(x)  LANES_SETR64(x)
#define v64_rotl(a, n)                                                                                                      \
    ((n) % 8 == 0 ? _mm256_shuffle_epi8(a, LANES_SETR64_2(LANES_BYTES64(n)))                                                \
     : (n) == 1   ? _mm256_or_si256(_mm256_add_epi64(a, a), _mm256_srli_epi64(a, 63))                                       \
                  : _mm256_or_si256(_mm256_slli_epi64(a, n), _mm256_srli_epi64(a, 64 - (n))))
static inline v64 v64_choose(v64 m, v64 a, v64 b) { return v32_choose(m, a, b); }
static inline v64 v64_majority(v64 a, v64 b, v64 c) { return v32_majority(a, b, c); }
static inline v64 v64_chi(v64 a, v64 b, v64 c) { return v64_xor(a, _mm256_andnot_si256(b, c)); }
static inline v64 v64_theta(v64 a, v64 b) { return v64_xor(a, v64_rotl(b, 1)); }
#define v64_xor_rotl(a, b, n) v64_rotl(v64_xor(a, b), n)

/* out[i] = word i of r[0..3], by 4 x 4 words of 64 bits. */
static inline void lanes_transpose64(v64 out[4], const v64 r[4]) {
    v64 a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
    v64 c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
    out[0] = _mm256_permute2x128_si256(a, c, 0x20);
    out[1] = _mm256_permute2x128_si256(b, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, c, 0x31);
    out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}
static inline void v64_block_words(v64 *w, const uint8_t *const p[W64], int n) {
    for (int k = 0; k < n; k += 4) {
        v64 r[4];
        for (int j = 0; j < 4; j++) r[j] = _mm256_loadu_si256((const __m256i *)(p[j] + 8 * k));
        lanes_transpose64(w + k, r);
    }
}
static inline void v64_block_be(v64 w[16], const uint8_t *const p[W64]) {
    v64_block_words(w, p, 16);
    for (int i = 0; i < 16; i++) w[i] = _mm256_shuffle_epi8(w[i], LANES_BSWAP64);
}
static inline void v64_block_le16(v64 w[16], const uint8_t *const p[W64]) { v64_block_words(w, p, 16); }
static inline void v64_block_le(v64 w[17], const uint8_t *const p[W64]) {
    uint64_t last[W64];
    v64_block_words(w, p, 16);
    for (int j = 0; j < W64; j++) memcpy(&last[j], p[j] + 128, 8);
    w[16] = v64_load(last);
}
/* 8 x 8 words of 32 bits: pairs of words across lanes j and j + 4 fall out of the 64-bit transpose. */
static inline void v32_half_le(v32 w[8], const uint8_t *const p[W32], size_t from) {
    v32 r[8], low[4], high[4];
    for (int j = 0; j < 8; j++) r[j] = _mm256_loadu_si256((const __m256i *)(p[j] + from));
    for (int j = 0; j < 4; j++) { /* 32-bit interleave of lanes 2j and 2j + 1: words 0 1 4 5 and 2 3 6 7 */
        v32 a = _mm256_unpacklo_epi32(r[2 * j], r[2 * j + 1]), b = _mm256_unpackhi_epi32(r[2 * j], r[2 * j + 1]);
        low[j] = a;
        high[j] = b;
    }
    /* a 64-bit word of low[j] is now one message word of lanes 2j, 2j + 1 */
    v64 t[4];
    lanes_transpose64(t, low);
    w[0] = t[0], w[1] = t[1], w[4] = t[2], w[5] = t[3];
    lanes_transpose64(t, high);
    w[2] = t[0], w[3] = t[1], w[6] = t[2], w[7] = t[3];
}
static inline void v32_block_le(v32 w[16], const uint8_t *const p[W32]) {
    v32_half_le(w, p, 0);
    v32_half_le(w + 8, p, 32);
}
static inline void v32_block_be(v32 w[16], const uint8_t *const p[W32]) {
    v32_block_le(w, p);
    for (int i = 0; i < 16; i++) w[i] = _mm256_shuffle_epi8(w[i], LANES_BSWAP32);
}

static inline v32 v32_be(v32 a) { return _mm256_shuffle_epi8(a, LANES_BSWAP32); }
static inline v32 v32_le(v32 a) { return a; }
static inline v64 v64_be(v64 a) { return _mm256_shuffle_epi8(a, LANES_BSWAP64); }
static inline v64 v64_le(v64 a) { return a; }
/* Within 128 bits, interleaving words 0 .. 3 by 32 and then by 64 bits gives words 0 .. 3 of lanes k and k + 4. */
static inline void v32_rows8(uint8_t *rows, const v32 w[8]) {
    v32 t[8];
    for (int i = 0; i < 8; i += 4) {
        v32 a = _mm256_unpacklo_epi32(w[i], w[i + 1]), b = _mm256_unpackhi_epi32(w[i], w[i + 1]);
        v32 c = _mm256_unpacklo_epi32(w[i + 2], w[i + 3]), d = _mm256_unpackhi_epi32(w[i + 2], w[i + 3]);
        t[i] = _mm256_unpacklo_epi64(a, c), t[i + 1] = _mm256_unpackhi_epi64(a, c);
        t[i + 2] = _mm256_unpacklo_epi64(b, d), t[i + 3] = _mm256_unpackhi_epi64(b, d);
    }
    for (int k = 0; k < 4; k++) {
        _mm256_storeu_si256((__m256i *)(rows + 32 * k), _mm256_permute2x128_si256(t[k], t[4 + k], 0x20));
        _mm256_storeu_si256((__m256i *)(rows + 32 * (4 + k)), _mm256_permute2x128_si256(t[k], t[4 + k], 0x31));
    }
}
static inline void v64_rows8(uint8_t *rows, const v64 w[8]) {
    v64 low[4], high[4];
    lanes_transpose64(low, w);
    lanes_transpose64(high, w + 4);
    for (int j = 0; j < 4; j++) {
        _mm256_storeu_si256((__m256i *)(rows + 64 * j), low[j]);
        _mm256_storeu_si256((__m256i *)(rows + 64 * j + 32), high[j]);
    }
}
#endif
