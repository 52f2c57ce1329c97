/* lanes_avx512.h - the vocabulary of the hash templates on AVX-512 F/BW: 16 lanes of 32 bits, 8 lanes of 64.
 * See lanes_portable.h. Rotations and three-input logic are single instructions here. */
#ifndef PC_LANES_AVX512_H
#define PC_LANES_AVX512_H
#ifdef PC_EMULATE_AVX512
#    include "../tests/emulate_avx512.h"
#else
#    include <immintrin.h>
#endif
#include <stdint.h>
#include <string.h>

enum { W32 = 16, W64 = 8, LANES_MAX = 16 };
#define LANES_STREAMS 2 /* every operation on 512 bits takes two cycles: see lanes_streams.h */
typedef __m512i v32;
typedef __m512i v64;

/* Truth tables of vpternlog: bit (4 a + 2 b + c). */
enum { TERN_XOR3 = 0x96, TERN_CHOOSE = 0xca, TERN_MAJORITY = 0xe8, TERN_CHI = 0xd2, TERN_ORNXOR = 0x59 };

static inline v32 v32_set1(uint32_t x) { return _mm512_set1_epi32((int)x); }
static inline v32 v32_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
static inline void v32_store(uint32_t *p, v32 v) { _mm512_storeu_si512(p, v); }
static inline v32 v32_add(v32 a, v32 b) { return _mm512_add_epi32(a, b); }
static inline v32 v32_xor(v32 a, v32 b) { return _mm512_xor_si512(a, b); }
static inline v32 v32_xor3(v32 a, v32 b, v32 c) { return _mm512_ternarylogic_epi32(a, b, c, TERN_XOR3); }
#define v32_rotl(a, n) _mm512_rol_epi32(a, n)
#define v32_shr(a, n)  _mm512_srli_epi32(a, n)
#define v32_fold(a, n) v32_xor3(a, v32_rotl(a, n), v32_rotl(a, (n) + 8))
static inline v32 v32_choose(v32 m, v32 a, v32 b) { return _mm512_ternarylogic_epi32(m, a, b, TERN_CHOOSE); }
static inline v32 v32_ornxor(v32 a, v32 b, v32 c) { return _mm512_ternarylogic_epi32(a, b, c, TERN_ORNXOR); }
static inline v32 v32_majority(v32 a, v32 b, v32 c) { return _mm512_ternarylogic_epi32(a, b, c, TERN_MAJORITY); }

#ifndef PC_EMULATE_AVX512
#    define LANES_HAVE_FIRST
static inline v32 v32_first(v32 a) {
    __asm__("" : "+v"(a));
    return a;
}
static inline v64 v64_first(v64 a) { return v32_first(a); }
#endif

static inline v64 v64_set1(uint64_t x) { return _mm512_set1_epi64((long long)x); }
static inline v64 v64_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
static inline void v64_store(uint64_t *p, v64 v) { _mm512_storeu_si512(p, v); }
static inline v64 v64_add(v64 a, v64 b) { return _mm512_add_epi64(a, b); }
static inline v64 v64_xor(v64 a, v64 b) { return _mm512_xor_si512(a, b); }
static inline v64 v64_xor3(v64 a, v64 b, v64 c) { return v32_xor3(a, b, c); }
#define v64_rotl(a, n) _mm512_rol_epi64(a, n)
#define v64_shr(a, n)  _mm512_srli_epi64(a, n)
static inline v64 v64_choose(v64 m, v64 a, v64 b) { return v32_choose(m, a, b); }
static inline v64 v64_majority(v64 a, v64 b, v64 c) { return v32_majority(a, b, c); }
static inline v64 v64_chi(v64 a, v64 b, v64 c) { return _mm512_ternarylogic_epi64(a, b, c, TERN_CHI); }
static inline v64 v64_theta(v64 a, v64 b) { return v64_xor(a, v64_rotl(b, 1)); }
#define v64_xor_rotl(a, b, n) v64_rotl(v64_xor(a, b), n)

/* out[i] lane j = word i of r[j], by 8 x 8 words of 64 bits: pairs of words, then of 128-bit and of 256-bit pieces. */
static inline void lanes_transpose64(v64 out[8], const v64 r[8]) {
    v64 b[8], c[8];
    for (int j = 0; j < 4; j++) {
        b[2 * j] = _mm512_unpacklo_epi64(r[2 * j], r[2 * j + 1]);
        b[2 * j + 1] = _mm512_unpackhi_epi64(r[2 * j], r[2 * j + 1]);
    }
    for (int w = 0; w < 2; w++) {
        c[w] = _mm512_shuffle_i64x2(b[w], b[2 + w], 0x88);
        c[2 + w] = _mm512_shuffle_i64x2(b[w], b[2 + w], 0xdd);
        c[4 + w] = _mm512_shuffle_i64x2(b[4 + w], b[6 + w], 0x88);
        c[6 + w] = _mm512_shuffle_i64x2(b[4 + w], b[6 + w], 0xdd);
    }
    for (int w = 0; w < 2; w++) {
        out[w] = _mm512_shuffle_i64x2(c[w], c[4 + w], 0x88);
        out[4 + w] = _mm512_shuffle_i64x2(c[w], c[4 + w], 0xdd);
        out[2 + w] = _mm512_shuffle_i64x2(c[2 + w], c[6 + w], 0x88);
        out[6 + w] = _mm512_shuffle_i64x2(c[2 + w], c[6 + w], 0xdd);
    }
}
static inline v64 lanes_bswap(v64 x, int64_t high, int64_t low) {
    return _mm512_shuffle_epi8(x, _mm512_set_epi64(high, low, high, low, high, low, high, low));
}
static inline void v64_block_words(v64 w[16], const uint8_t *const p[W64]) {
    for (int k = 0; k < 16; k += 8) {
        v64 r[8];
        for (int j = 0; j < 8; j++) r[j] = _mm512_loadu_si512(p[j] + 8 * k);
        lanes_transpose64(w + k, r);
    }
}
static inline void v64_block_be(v64 w[16], const uint8_t *const p[W64]) {
    v64_block_words(w, p);
    for (int i = 0; i < 16; i++) w[i] = lanes_bswap(w[i], 0x08090a0b0c0d0e0f, 0x0001020304050607);
}
static inline void v64_block_le16(v64 w[16], const uint8_t *const p[W64]) { v64_block_words(w, p); }
static inline void v64_block_le(v64 w[17], const uint8_t *const p[W64]) {
    uint64_t last[W64];
    v64_block_words(w, p);
    for (int j = 0; j < W64; j++) memcpy(&last[j], p[j] + 128, 8);
    w[16] = v64_load(last);
}
/* 32 bytes at each of two places. */
static inline v32 lanes_two(const uint8_t *low, const uint8_t *high) {
#ifdef PC_EMULATE_AVX512
    uint8_t both[64];
    memcpy(both, low, 32);
    memcpy(both + 32, high, 32);
    return _mm512_loadu_si512(both);
#else
    const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)low);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), _mm256_loadu_si256((const __m256i *)(const void *)high), 1);
#endif
}
/* Lanes j and j + 4 share a vector, so that 4 x 4 words of 32 bits, interleaved within 128 bits, and two shuffles of such pieces
 * put the lanes in order. */
static inline void v32_half_le(v32 w[8], const uint8_t *const p[W32], size_t from) {
    v32 t[2][4];
    for (int k = 0; k < 2; k++) {
        v32 r[4];
        for (int j = 0; j < 4; j++) r[j] = lanes_two(p[8 * k + j] + from, p[8 * k + j + 4] + from);
        const v32 a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
        const v32 c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
        t[k][0] = _mm512_unpacklo_epi64(a, c), t[k][1] = _mm512_unpackhi_epi64(a, c);
        t[k][2] = _mm512_unpacklo_epi64(b, d), t[k][3] = _mm512_unpackhi_epi64(b, d);
    }
    for (int i = 0; i < 4; i++) {
        w[i] = _mm512_shuffle_i64x2(t[0][i], t[1][i], 0x88);
        w[4 + i] = _mm512_shuffle_i64x2(t[0][i], t[1][i], 0xdd);
    }
}
static inline void v32_block_le(v32 w[16], const uint8_t *const p[W32]) {
    v32_half_le(w, p, 0);
    v32_half_le(w + 8, p, 32);
}
static inline v32 v32_be(v32 a) { return lanes_bswap(a, 0x0c0d0e0f08090a0b, 0x0405060700010203); }
static inline v32 v32_le(v32 a) { return a; }
static inline void v32_block_be(v32 w[16], const uint8_t *const p[W32]) {
    v32_block_le(w, p);
    for (int i = 0; i < 16; i++) w[i] = v32_be(w[i]);
}
static inline v64 v64_be(v64 a) { return lanes_bswap(a, 0x08090a0b0c0d0e0f, 0x0001020304050607); }
static inline v64 v64_le(v64 a) { return a; }
/* The halves of x, 32 bytes each, to two places: a store takes either half for nothing. */
static inline void lanes_store_two(uint8_t *low, uint8_t *high, v32 x) {
#ifdef PC_EMULATE_AVX512
    uint8_t both[64];
    _mm512_storeu_si512(both, x);
    memcpy(low, both, 32);
    memcpy(high, both + 32, 32);
#else
    _mm256_storeu_si256((__m256i *)(void *)low, _mm512_castsi512_si256(x));
    _mm256_storeu_si256((__m256i *)(void *)high, _mm512_extracti64x4_epi64(x, 1));
#endif
}
/* 4 x 4 words of 32 bits, interleaved within 128 bits, are four words of lanes k, k + 4, k + 8 and k + 12. */
static inline void v32_rows8(uint8_t *rows, const v32 w[8]) {
    const v64 low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    v32 t[2][4];
    for (int i = 0; i < 2; i++) {
        const v32 *x = w + 4 * i;
        const v32 a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]);
        const v32 c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);
        t[i][0] = _mm512_unpacklo_epi64(a, c), t[i][1] = _mm512_unpackhi_epi64(a, c);
        t[i][2] = _mm512_unpacklo_epi64(b, d), t[i][3] = _mm512_unpackhi_epi64(b, d);
    }
    for (int k = 0; k < 4; k++) {
        uint8_t *to = rows + 32 * k;
        lanes_store_two(to, to + 32 * 4, _mm512_permutex2var_epi64(t[0][k], low, t[1][k]));
        lanes_store_two(to + 32 * 8, to + 32 * 12, _mm512_permutex2var_epi64(t[0][k], high, t[1][k]));
    }
}
static inline void v64_rows8(uint8_t *rows, const v64 w[8]) {
    v64 r[8];
    lanes_transpose64(r, w);
    for (int j = 0; j < 8; j++) _mm512_storeu_si512(rows + 64 * j, r[j]);
}
#endif
