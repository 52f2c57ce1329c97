/* fe_mont_portable.inc.h - template: Montgomery fields for one lane, R = 2^260, radix 2^52, by signed 64 x 64 -> 128
 * multiplications. Contract: field.h. Same domain as fe_mont52.inc.h, other limbs.
 *
 * Wants FE, FE_P, FE_R, FE_R2, FE_N0 (params.h) and FE_TOP: log2(p) rounded, minus 208 (limb 4 in units of 2^FE_TOP is about
 * the value in units of p). FE_ADD_MULTIPLE(c, i, q) may name a faster way to do c[i..i+4] += q p.
 *
 * Limbs are signed and lazily carried: a sum or difference is five additions, no carry and no bias.
 *
 *   class   value           limbs 0..3          limb 4       comes from
 *   tight   (-p, 2 p)       in [0, 2^52)        |.| < 2^50   mul, sqr, carry, mul_small, half, from_words
 *   loose   (-4 p, 4 p)     |.| < 2^53          |.| < 2^51   add: (-2 p, 4 p); sub: (-3 p, 3 p); neg: (-2 p, p)
 *
 *   mul of loose: |a b| < 16 p^2, divided by R = 2^260 > 16 p less than p in magnitude, and the added m p / R lies in [0,
 * p): the result is in (-p, 2 p). Columns: five products < 2^106 and five q p[j] < 2^104: far below 2^127. from_words: |w
 * R2| / R < p / 16 + p. to_words: a loose value times 1 gives (a + m p) / R, an integer in (-1, p]: 0 ... p. Shifting a
 * negative signed number right is arithmetic in gcc and clang; everything here relies on it. */
#include "words.inc.h"
#define FN(name) PC_CAT(FE, name)
#include "fe_five.inc.h"

#ifdef PC_VERIFY
/* low p < a < high p, limbs 0..3 in (-most, most), limb 4 in (-top, top). */
PC_FN int FN(_between)(const FE_T *a, int64_t low, int64_t high, uint64_t most, uint64_t top, int carried) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    int64_t below = 0, above = 0; /* signs of a - high p and of low p - a */
    for (int i = 0; i < 5; i++) {
        int64_t x = (int64_t)a->l[i], bound = (int64_t)(i < 4 ? most : top);
        if (x <= -bound || x >= bound || (carried && i < 4 && x < 0)) return 0;
        below = (x - high * (int64_t)P[i] + below) >> 52;
        above = (low * (int64_t)P[i] - x + above) >> 52;
    }
    return below < 0 && above < 0;
}
#endif
#define FE_CHECK_TIGHT(a) PC_CHECK(FN(_between)(a, -1, 2, 1ULL << 52, 1ULL << 50, 1))
#define FE_CHECK_LOOSE(a) PC_CHECK(FN(_between)(a, -4, 4, 1ULL << 53, 1ULL << 51, 0))

PC_FN FE_T FN(_one)(void) {
    FE_T r = {PC_LIMBS52(FE_R)};
    return r;
}
PC_INLINE void FN(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    FE_CHECK_TIGHT(a), FE_CHECK_TIGHT(b);
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] + b->l[i];
}
PC_INLINE void FN(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    FE_CHECK_TIGHT(a), FE_CHECK_TIGHT(b);
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] - b->l[i];
}
PC_INLINE void FN(_neg)(FE_T *r, const FE_T *a) {
    FE_CHECK_TIGHT(a);
    for (int i = 0; i < 5; i++) r->l[i] = 0 - a->l[i];
}
/* r = carried limbs of sum c[i] 2^(52 i) - q p. */
PC_INLINE void FN(_settle)(FE_T *r, const pc_i128 c[5], int64_t q) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    pc_i128 e = 0;
    for (int i = 0; i < 5; i++) {
        e += c[i] - (pc_i128)q * (int64_t)P[i];
        r->l[i] = i < 4 ? (uint64_t)e & PC_MASK52 : (uint64_t)e;
        e >>= 52;
    }
    FE_CHECK_TIGHT(r);
}
/* Any limbs below 2^56 with a value in (-32 p, 32 p), as 8 times a loose one. The quotient limb 4 / 2^FE_TOP is off the true one
 * by less than 1, either way, so the result is in (-p, 2 p). */
PC_INLINE void FN(_carry_limbs)(FE_T *r, const int64_t a[5]) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    int64_t q = a[4] >> FE_TOP, e = 0;
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        e += a[i] - q * (int64_t)P[i]; /* |q| <= 33: below 2^59 */
        r->l[i] = i < 4 ? (uint64_t)e & PC_MASK52 : (uint64_t)e;
        e >>= 52;
    }
    FE_CHECK_TIGHT(r);
}
PC_INLINE void FN(_carry)(FE_T *r, const FE_T *a) {
    int64_t t[5];
    FE_CHECK_LOOSE(a);
    for (int i = 0; i < 5; i++) t[i] = (int64_t)a->l[i];
    FN(_carry_limbs)(r, t);
}
PC_INLINE void FN(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    int64_t t[5];
    FE_CHECK_LOOSE(a), FE_CHECK_LOOSE(b);
    for (int i = 0; i < 5; i++) t[i] = (int64_t)(a->l[i] + b->l[i]);
    FN(_carry_limbs)(r, t);
}
PC_INLINE void FN(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    int64_t t[5];
    FE_CHECK_LOOSE(a), FE_CHECK_LOOSE(b);
    for (int i = 0; i < 5; i++) t[i] = (int64_t)(a->l[i] - b->l[i]);
    FN(_carry_limbs)(r, t);
}

#ifndef FE_ADD_MULTIPLE
#    define FE_ADD_MULTIPLE(c, i, q)                                                                                        \
        do {                                                                                                                \
            _Pragma("GCC unroll 5") for (int j_ = 0; j_ < 5; j_++)(c)[(i) + j_] += (pc_i128)(q) * (int64_t)P[j_];           \
        } while (0)
#endif
/* r = c / R mod p for a product in columns 0..8; column 9 is zero on entry. */
PC_INLINE void FN(_reduce)(FE_T *r, pc_i128 c[9]) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    (void)P;
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        int64_t q = (int64_t)(((uint64_t)c[i] * FE_N0) & PC_MASK52);
        FE_ADD_MULTIPLE(c, i, q);
        c[i + 1] += c[i] >> 52;
    }
#pragma GCC unroll 3
    for (int i = 5; i < 8; i++) {
        r->l[i - 5] = (uint64_t)c[i] & PC_MASK52;
        c[i + 1] += c[i] >> 52;
    }
    r->l[3] = (uint64_t)c[8] & PC_MASK52;
    r->l[4] = (uint64_t)(c[8] >> 52);
}
#define M(x, y) ((pc_i128)(x) * (y))
PC_INLINE void FN(_mul_unchecked)(FE_T *r, const FE_T *a, const FE_T *b) {
    const int64_t a0 = (int64_t)a->l[0], a1 = (int64_t)a->l[1], a2 = (int64_t)a->l[2], a3 = (int64_t)a->l[3],
                  a4 = (int64_t)a->l[4];
    const int64_t b0 = (int64_t)b->l[0], b1 = (int64_t)b->l[1], b2 = (int64_t)b->l[2], b3 = (int64_t)b->l[3],
                  b4 = (int64_t)b->l[4];
    pc_i128 c[9];
    c[0] = M(a0, b0);
    c[1] = M(a0, b1) + M(a1, b0);
    c[2] = M(a0, b2) + M(a1, b1) + M(a2, b0);
    c[3] = M(a0, b3) + M(a1, b2) + M(a2, b1) + M(a3, b0);
    c[4] = M(a0, b4) + M(a1, b3) + M(a2, b2) + M(a3, b1) + M(a4, b0);
    c[5] = M(a1, b4) + M(a2, b3) + M(a3, b2) + M(a4, b1);
    c[6] = M(a2, b4) + M(a3, b3) + M(a4, b2);
    c[7] = M(a3, b4) + M(a4, b3);
    c[8] = M(a4, b4);
    FN(_reduce)(r, c);
}
PC_INLINE void FN(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    FE_CHECK_LOOSE(a), FE_CHECK_LOOSE(b);
    FN(_mul_unchecked)(r, a, b);
    FE_CHECK_TIGHT(r);
}
PC_INLINE void FN(_sqr)(FE_T *r, const FE_T *a) {
    FE_CHECK_LOOSE(a);
    const int64_t a0 = (int64_t)a->l[0], a1 = (int64_t)a->l[1], a2 = (int64_t)a->l[2], a3 = (int64_t)a->l[3],
                  a4 = (int64_t)a->l[4];
    const int64_t a0x2 = 2 * a0, a1x2 = 2 * a1, a2x2 = 2 * a2, a3x2 = 2 * a3;
    pc_i128 c[9];
    c[0] = M(a0, a0);
    c[1] = M(a0x2, a1);
    c[2] = M(a0x2, a2) + M(a1, a1);
    c[3] = M(a0x2, a3) + M(a1x2, a2);
    c[4] = M(a0x2, a4) + M(a1x2, a3) + M(a2, a2);
    c[5] = M(a1x2, a4) + M(a2x2, a3);
    c[6] = M(a2x2, a4) + M(a3, a3);
    c[7] = M(a3x2, a4);
    c[8] = M(a4, a4);
    FN(_reduce)(r, c);
    FE_CHECK_TIGHT(r);
}
#undef M
PC_FN void FN(_from_words)(FE_T *r, const vec w[4]) {
    const FE_T r2 = {PC_LIMBS52(FE_R2)};
    FE_T t;
    words_to_limbs52(t.l, w);
    FN(_mul_unchecked)(r, &t, &r2);
    FE_CHECK_TIGHT(r);
}
PC_INLINE void FN(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    pc_i128 c[5], e = 0;
    FE_CHECK_LOOSE(a);
    if (k <= 8) {
        int64_t t[5];
        for (int i = 0; i < 5; i++) t[i] = (int64_t)a->l[i] * (int64_t)k;
        FN(_carry_limbs)(r, t);
        return;
    }
    for (int i = 0; i < 5; i++) {
        c[i] = (pc_i128)(int64_t)a->l[i] * k;
        e = (e >> 52) + c[i];
    }
    FN(_settle)(r, c, (int64_t)(e >> FE_TOP)); /* e: limb 4 once carried, below 2^68 */
}
PC_INLINE void FN(_half)(FE_T *r, const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    FE_CHECK_LOOSE(a);
    const uint64_t odd = 0 - (a->l[0] & 1);
    const int64_t t0 = (int64_t)(a->l[0] + (odd & P[0])), t1 = (int64_t)(a->l[1] + (odd & P[1])),
                  t2 = (int64_t)(a->l[2] + (odd & P[2])), t3 = (int64_t)(a->l[3] + (odd & P[3])),
                  t4 = (int64_t)(a->l[4] + (odd & P[4]));
    const int64_t halves[5] = {(t0 >> 1) + ((t1 & 1) << 51), (t1 >> 1) + ((t2 & 1) << 51), (t2 >> 1) + ((t3 & 1) << 51),
                               (t3 >> 1) + ((t4 & 1) << 51), t4 >> 1};
    FN(_carry_limbs)(r, halves);
}
PC_FN void FN(_to_words)(vec w[4], const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    pc_i128 c[9] = {0};
    uint64_t d[5];
    int64_t e = 0;
    FE_T t;
    FE_CHECK_LOOSE(a);
    for (int i = 0; i < 5; i++) c[i] = (int64_t)a->l[i];
    FN(_reduce)(&t, c);
    for (int i = 0; i < 5; i++) {
        e += (int64_t)(t.l[i] - P[i]);
        d[i] = (uint64_t)e & PC_MASK52;
        e >>= 52;
    }
    for (int i = 0; i < 5; i++) d[i] = e < 0 ? t.l[i] : d[i];
    words_from_limbs52(w, d);
}
PC_FN vmask FN(_is_zero)(const FE_T *a) {
    vec w[4];
    FN(_to_words)(w, a);
    return words_is_zero(w);
}
#undef FE_ADD_MULTIPLE
#include "fe_common.inc.h"
