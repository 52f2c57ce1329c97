/* words.inc.h - plain integers per lane, little-endian 64-bit words, and their 52-bit limbs. Those of 256 bits, vec w[4], have the short
 * names; words_*_n take any number of words, a constant.
 *
 * The exchange format between bytes and fields, and the place for comparisons that are not modulo anything. */
#ifndef PC_FIELD_WORDS_INC_H
#define PC_FIELD_WORDS_INC_H
#include "../core/check.h"

#include <stdint.h>
#include <string.h>

/* Vectors that are worked at side by side (FE_side_sqr_n), at most. */
enum { PC_SIDE = 2 };

#define PC_MASK52 0xfffffffffffffULL
#define PC_MASK48 0xffffffffffffULL

/* Constants: four words -> an initialiser of words or of 52-bit limbs. */
#define PC_WORDS(...)   {__VA_ARGS__}
#define PC_LIMBS52(...) PC_CAT(PC_LIMBS52_, PC_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define PC_LIMBS52_4(a, b, c, d)                                                                                            \
    {(a) & PC_MASK52, ((a) >> 52 | (b) << 12) & PC_MASK52, ((b) >> 40 | (c) << 24) & PC_MASK52,                             \
     ((c) >> 28 | (d) << 36) & PC_MASK52, (d) >> 16}
#define PC_LIMBS52_6(a, b, c, d, e, f)                                                                                      \
    {(a) & PC_MASK52,                                                                                                       \
     ((a) >> 52 | (b) << 12) & PC_MASK52,                                                                                   \
     ((b) >> 40 | (c) << 24) & PC_MASK52,                                                                                   \
     ((c) >> 28 | (d) << 36) & PC_MASK52,                                                                                   \
     ((d) >> 16 | (e) << 48) & PC_MASK52,                                                                                   \
     (e) >> 4 & PC_MASK52,                                                                                                  \
     ((e) >> 56 | (f) << 8) & PC_MASK52,                                                                                    \
     (f) >> 44}
/* How many words a constant has, up to eight. */
#define PC_COUNT(...)                             PC_COUNT_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define PC_COUNT_(a, b, c, d, e, f, g, h, n, ...) n

/* a < b as integers, both per lane. */
PC_INLINE vmask words_lt2_n(const vec *a, const vec *b, int n) {
    vmask lt = vlt(a[0], b[0]);
    for (int i = 1; i < n; i++) lt = mor(vlt(a[i], b[i]), mand(veq(a[i], b[i]), lt));
    return lt;
}
PC_INLINE void words_set1_n(vec *w, const uint64_t *c, int n) {
    for (int i = 0; i < n; i++) w[i] = vset1(c[i]);
}
PC_INLINE void words_select_n(vec *r, vmask m, const vec *a, const vec *b, int n) {
    for (int i = 0; i < n; i++) r[i] = vblend(m, a[i], b[i]);
}
/* r = a + b modulo 2^(64 n); returns the lanes that carried out. */
PC_INLINE vmask words_add_n(vec *r, const vec *a, const vec *b, int n) {
    vmask carry = mfrom_bits(0);
    for (int i = 0; i < n; i++) {
        vec s = vadd(a[i], b[i]);
        vmask c = vlt(s, a[i]);
        vec t = vadd(s, vblend(carry, vset1(1), vzero()));
        carry = mor(c, vlt(t, s));
        r[i] = t;
    }
    return carry;
}
/* r = a - b modulo 2^(64 n); returns the lanes that borrowed. */
PC_INLINE vmask words_sub_n(vec *r, const vec *a, const vec *b, int n) {
    vmask borrow = mfrom_bits(0);
    for (int i = 0; i < n; i++) {
        vec s = vsub(a[i], b[i]);
        vmask c = vlt(a[i], b[i]);
        vec t = vsub(s, vblend(borrow, vset1(1), vzero()));
        borrow = mor(c, vlt(s, t));
        r[i] = t;
    }
    return borrow;
}
PC_FN vmask words_is_odd(const vec *w) { return veq(vand(w[0], vset1(1)), vset1(1)); }

/* The same for four words. */
PC_FN vmask words_lt2(const vec a[4], const vec b[4]) { return words_lt2_n(a, b, 4); }
PC_FN void words_set1(vec w[4], const uint64_t c[4]) { words_set1_n(w, c, 4); }
/* w < c for a constant c. */
PC_FN vmask words_lt(const vec w[4], const uint64_t c[4]) {
    vec b[4];
    words_set1(b, c);
    return words_lt2(w, b);
}
PC_FN vmask words_eq(const vec a[4], const vec b[4]) {
    vec d = vxor(a[0], b[0]);
    for (int i = 1; i < 4; i++) d = vor(d, vxor(a[i], b[i]));
    return veq(d, vzero());
}
PC_FN vmask words_is_zero(const vec w[4]) { return veq(vor(vor(w[0], w[1]), vor(w[2], w[3])), vzero()); }
PC_FN void words_select(vec r[4], vmask m, const vec a[4], const vec b[4]) { words_select_n(r, m, a, b, 4); }
PC_FN vmask words_add(vec r[4], const vec a[4], const vec b[4]) { return words_add_n(r, a, b, 4); }
PC_FN vmask words_sub(vec r[4], const vec a[4], const vec b[4]) { return words_sub_n(r, a, b, 4); }
/* VL items of a structure-of-arrays block: word i of item j is soa[i * stride + j]. */
PC_FN void words_load(vec w[4], const uint64_t *soa, size_t stride) {
    for (int i = 0; i < 4; i++) w[i] = vload(soa + (size_t)i * stride);
}
PC_FN void words_store(uint64_t *soa, size_t stride, const vec w[4]) {
    for (int i = 0; i < 4; i++) vstore(soa + (size_t)i * stride, w[i]);
}

/* Words <-> limbs of 52 bits, of which there are as many as the words fill. */
PC_INLINE void words_to_limbs52_n(vec *l, const vec *w, int limbs, int words) {
#pragma GCC unroll 16
    for (int i = 0; i < limbs; i++) {
        const int at = 52 * i / 64, shift = 52 * i % 64;
        vec x = vshr(w[at], shift);
        if (shift > 12 && at + 1 < words) x = vor(x, vshl(w[at + 1], 64 - shift));
        l[i] = i + 1 < limbs ? vand(x, vset1(PC_MASK52)) : x;
    }
}
/* Limbs below 2^52, value below 2^(64 words). */
PC_INLINE void words_from_limbs52_n(vec *w, const vec *l, int limbs, int words) {
#pragma GCC unroll 16
    for (int i = 0; i < words; i++) {
        const int at = 64 * i / 52, shift = 64 * i % 52;
        vec x = vor(vshr(l[at], shift), vshl(l[at + 1], 52 - shift));
        if (104 - shift < 64 && at + 2 < limbs) x = vor(x, vshl(l[at + 2], 104 - shift));
        w[i] = x;
    }
}
PC_FN void words_to_limbs52(vec l[5], const vec w[4]) {
    const vec mask = vset1(PC_MASK52);
    vec w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    l[0] = vand(w0, mask);
    l[1] = vand(vor(vshr(w0, 52), vshl(w1, 12)), mask);
    l[2] = vand(vor(vshr(w1, 40), vshl(w2, 24)), mask);
    l[3] = vand(vor(vshr(w2, 28), vshl(w3, 36)), mask);
    l[4] = vshr(w3, 16);
}
PC_FN void words_from_limbs52(vec w[4], const vec l[5]) {
    vec l0 = l[0], l1 = l[1], l2 = l[2], l3 = l[3], l4 = l[4];
    w[0] = vor(l0, vshl(l1, 52));
    w[1] = vor(vshr(l1, 12), vshl(l2, 40));
    w[2] = vor(vshr(l2, 24), vshl(l3, 28));
    w[3] = vor(vshr(l3, 36), vshl(l4, 16));
}
PC_FN void words_to_limbs52_6(vec l[8], const vec w[6]) { words_to_limbs52_n(l, w, 8, 6); }
PC_FN void words_from_limbs52_6(vec w[6], const vec l[8]) { words_from_limbs52_n(w, l, 8, 6); }
/* By the number of words, for templates. */
#define WORDS_TO_LIMBS52(words)   PC_CAT(WORDS_TO_LIMBS52_, words)
#define WORDS_FROM_LIMBS52(words) PC_CAT(WORDS_FROM_LIMBS52_, words)
#define WORDS_TO_LIMBS52_4        words_to_limbs52
#define WORDS_FROM_LIMBS52_4      words_from_limbs52
#define WORDS_TO_LIMBS52_6        words_to_limbs52_6
#define WORDS_FROM_LIMBS52_6      words_from_limbs52_6

/* One byte string <-> four words, scalar. Byte by byte these would be the same to read, but gcc 12 gathers the stores of several
 * words into vectors, one insertion a byte. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#    define PC_LE64(x) __builtin_bswap64(x)
#    define PC_BE64(x) (x)
#else
#    define PC_LE64(x) (x)
#    define PC_BE64(x) __builtin_bswap64(x)
#endif
PC_FN uint64_t pc_load64_le(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return PC_LE64(x);
}
PC_FN uint64_t pc_load64_be(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return PC_BE64(x);
}
PC_FN void pc_store64_le(uint8_t *p, uint64_t x) {
    x = PC_LE64(x);
    memcpy(p, &x, sizeof x);
}
PC_FN void pc_store64_be(uint8_t *p, uint64_t x) {
    x = PC_BE64(x);
    memcpy(p, &x, sizeof x);
}
PC_FN void pc_words_from_le(uint64_t w[4], const uint8_t b[32]) {
    for (int i = 0; i < 4; i++) w[i] = pc_load64_le(b + 8 * i);
}
PC_FN void pc_words_from_be(uint64_t w[4], const uint8_t b[32]) {
    for (int i = 0; i < 4; i++) w[3 - i] = pc_load64_be(b + 8 * i);
}
PC_FN void pc_words_to_le(uint8_t b[32], const uint64_t w[4]) {
    for (int i = 0; i < 4; i++) pc_store64_le(b + 8 * i, w[i]);
}
PC_FN void pc_words_to_be(uint8_t b[32], const uint64_t w[4]) {
    for (int i = 0; i < 4; i++) pc_store64_be(b + 8 * i, w[3 - i]);
}
#endif
