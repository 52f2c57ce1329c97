/* fe_montgomery_portable.inc.h - template: Montgomery fields for one lane, R = 2^260, radix 2^52, by signed 64 x 64 -> 128
 * multiplications. Contract: field.h. Same domain as fe_montgomery.inc.h, other limbs.
 *
 * Requires FE, FE_P, FE_R, FE_R2, FE_N0 (params.h) and FE_TOP: log2(p) rounded, minus 208 (limb 4 in units of 2^FE_TOP is about the
 * value in units of p). FE_TERM0 .. FE_TERM4 and FE_NARROW4 may name a faster way to multiply by p, see below.
 *
 * Limbs are signed and lazily carried: a sum or difference is five additions, no carry and no bias.
 *
 *   class   value          limbs 0..3         limb 4        comes from
 *   tight   (-p, 2 p)      |.| < 2^52 + 2^8   |.| < 2^50    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   (-4 p, 4 p)    |.| < 2^53 + 2^9   |.| < 2^51    add: (-2 p, 4 p); sub: (-3 p, 3 p); neg: (-2 p, p)
 *
 *   mul of loose: |a b| < 16 p^2, divided by R = 2^260 > 16 p less than p in magnitude, and the added m p / R lies in [0, p): the
 *   result is in (-p, 2 p). Columns: five products < 2^106.1 and five q p[j] < 2^104.
 *   from_words: |w R2| / R < p / 16 + p. to_words: a loose value times 1 gives (a + m p) / R, an integer in (-1, p]: 0 .. p.
 *   Shifting a negative signed number right is arithmetic in gcc and clang; everything here relies on it. */
#include "words.inc.h"
#include "fe_element.inc.h"

#ifdef PC_VERIFY
/* low p < a < high p, limbs 0..3 in (-most, most), limb 4 in (-top, top). */
PC_FN int FN(_between)(const FE_T *a, int64_t low, int64_t high, uint64_t most, uint64_t top) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    int64_t below = 0, above = 0; /* signs of a - high p and of low p - a */
    for (int i = 0; i < 5; i++) {
        int64_t x = (int64_t)a->l[i], bound = (int64_t)(i < 4 ? most : top);
        if (x <= -bound || x >= bound) return 0;
        below = (x - high * (int64_t)P[i] + below) >> 52;
        above = (low * (int64_t)P[i] - x + above) >> 52;
    }
    return below < 0 && above < 0;
}
#endif
#define FE_IS_TIGHT(a) FN(_between)(a, -1, 2, (1ULL << 52) + (1ULL << 8), 1ULL << 50)
#define FE_IS_LOOSE(a) FN(_between)(a, -4, 4, (1ULL << 53) + (1ULL << 9), 1ULL << 51)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = {PC_LIMBS52(FE_R)};
    return r;
}
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] + b->l[i];
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] - b->l[i];
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
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
}
/* Any limbs below 2^56 with a value in (-32 p, 32 p), as 8 times a loose one. The quotient limb 4 / 2^FE_TOP is off the true one
 * by less than 1, either way, so the result is in (-p, 2 p). */
PC_INLINE void FN(_carry_limbs)(FE_T *r, int64_t a0, int64_t a1, int64_t a2, int64_t a3, int64_t a4) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    const int64_t mask = (int64_t)PC_MASK52, q = a4 >> FE_TOP; /* |q| <= 33: limbs below 2^59, carries below 2^7 */
    const int64_t t0 = a0 - q * (int64_t)P[0], t1 = a1 - q * (int64_t)P[1], t2 = a2 - q * (int64_t)P[2],
                  t3 = a3 - q * (int64_t)P[3], t4 = a4 - q * (int64_t)P[4];
    r->l[0] = (uint64_t)(t0 & mask);
    r->l[1] = (uint64_t)((t1 & mask) + (t0 >> 52));
    r->l[2] = (uint64_t)((t2 & mask) + (t1 >> 52));
    r->l[3] = (uint64_t)((t3 & mask) + (t2 >> 52));
    r->l[4] = (uint64_t)(t4 + (t3 >> 52));
}
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) {
    FN(_carry_limbs)(r, (int64_t)a->l[0], (int64_t)a->l[1], (int64_t)a->l[2], (int64_t)a->l[3], (int64_t)a->l[4]);
}
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, (int64_t)(a->l[0] + b->l[0]), (int64_t)(a->l[1] + b->l[1]), (int64_t)(a->l[2] + b->l[2]),
                     (int64_t)(a->l[3] + b->l[3]), (int64_t)(a->l[4] + b->l[4]));
}
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, (int64_t)(a->l[0] - b->l[0]), (int64_t)(a->l[1] - b->l[1]), (int64_t)(a->l[2] - b->l[2]),
                     (int64_t)(a->l[3] - b->l[3]), (int64_t)(a->l[4] - b->l[4]));
}

/* q p by columns, q being the quotient digit of column i: FE_TERM0(q) at column i up to FE_TERM4(q) at i + 4, and FE_NARROW4(q) at
 * i + 4 as well. All but TERM4 may be 64-bit numbers below 2^54, which are summed up before they meet the 128-bit column. With
 * p = -1 mod 2^52 the digit is the low limb and TERM0 need not be added: the shift drops what it would clear. */
#define M(x, y) ((pc_i128)(x) * (y))
#ifndef FE_TERM0
#    define FE_TERM0(q)   M(q, (int64_t)P[0])
#    define FE_TERM1(q)   M(q, (int64_t)P[1])
#    define FE_TERM2(q)   M(q, (int64_t)P[2])
#    define FE_TERM3(q)   M(q, (int64_t)P[3])
#    define FE_TERM4(q)   M(q, (int64_t)P[4])
#    define FE_NARROW4(q) 0
#endif
#define FE_DIGIT(c) ((int64_t)(((uint64_t)(c) * FE_N0) & PC_MASK52))
#define FE_UP(c)    ((int64_t)((c) >> 52)) /* columns stay below 2^110 */
/* r = p0 .. p8 (the columns of a product, given as expressions and computed where they are used) / R mod p. */
#define FE_REDUCE(r, p0, p1, p2, p3, p4, p5, p6, p7, p8)                                                                    \
    do {                                                                                                                    \
        static const uint64_t P[5] = PC_LIMBS52(FE_P);                                                                      \
        pc_i128 c = p0;                                                                                                     \
        const int64_t q0 = FE_DIGIT(c);                                                                                     \
        c += FE_TERM0(q0);                                                                                                  \
        c = (p1) + (FE_TERM1(q0) + FE_UP(c));                                                                               \
        const int64_t q1 = FE_DIGIT(c);                                                                                     \
        c += FE_TERM0(q1);                                                                                                  \
        c = (p2) + (FE_TERM1(q1) + FE_TERM2(q0) + FE_UP(c));                                                                \
        const int64_t q2 = FE_DIGIT(c);                                                                                     \
        c += FE_TERM0(q2);                                                                                                  \
        c = (p3) + (FE_TERM1(q2) + FE_TERM2(q1) + FE_TERM3(q0) + FE_UP(c));                                                 \
        const int64_t q3 = FE_DIGIT(c);                                                                                     \
        c += FE_TERM0(q3);                                                                                                  \
        c = (p4) + (FE_TERM1(q3) + FE_TERM2(q2) + FE_TERM3(q1) + FE_NARROW4(q0) + FE_UP(c)) + FE_TERM4(q0);                 \
        const int64_t q4 = FE_DIGIT(c);                                                                                     \
        c += FE_TERM0(q4);                                                                                                  \
        c = (p5) + (FE_TERM1(q4) + FE_TERM2(q3) + FE_TERM3(q2) + FE_NARROW4(q1) + FE_UP(c)) + FE_TERM4(q1);                 \
        const int64_t r0 = (int64_t)((uint64_t)c & PC_MASK52);                                                              \
        c = (p6) + (FE_TERM2(q4) + FE_TERM3(q3) + FE_NARROW4(q2) + FE_UP(c)) + FE_TERM4(q2);                                \
        const int64_t r1 = (int64_t)((uint64_t)c & PC_MASK52);                                                              \
        c = (p7) + (FE_TERM3(q4) + FE_NARROW4(q3) + FE_UP(c)) + FE_TERM4(q3);                                               \
        const int64_t r2 = (int64_t)((uint64_t)c & PC_MASK52);                                                              \
        c = (p8) + (FE_NARROW4(q4) + FE_UP(c)) + FE_TERM4(q4);                                                              \
        (void)P;                                                                                                            \
        (r)->l[0] = (uint64_t)r0;                                                                                           \
        (r)->l[1] = (uint64_t)r1;                                                                                           \
        (r)->l[2] = (uint64_t)r2;                                                                                           \
        (r)->l[3] = (uint64_t)c & PC_MASK52;                                                                                \
        (r)->l[4] = (uint64_t)FE_UP(c);                                                                                     \
    } while (0)
PC_INLINE void FN(_mul_unchecked)(FE_T *r, const FE_T *a, const FE_T *b) {
    const int64_t a0 = (int64_t)a->l[0], a1 = (int64_t)a->l[1], a2 = (int64_t)a->l[2], a3 = (int64_t)a->l[3],
                  a4 = (int64_t)a->l[4];
    const int64_t b0 = (int64_t)b->l[0], b1 = (int64_t)b->l[1], b2 = (int64_t)b->l[2], b3 = (int64_t)b->l[3],
                  b4 = (int64_t)b->l[4];
    FE_REDUCE(r, M(a0, b0), M(a0, b1) + M(a1, b0), M(a0, b2) + M(a1, b1) + M(a2, b0),
              M(a0, b3) + M(a1, b2) + M(a2, b1) + M(a3, b0), M(a0, b4) + M(a1, b3) + M(a2, b2) + M(a3, b1) + M(a4, b0),
              M(a1, b4) + M(a2, b3) + M(a3, b2) + M(a4, b1), M(a2, b4) + M(a3, b3) + M(a4, b2), M(a3, b4) + M(a4, b3),
              M(a4, b4));
}
PC_INLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_mul_unchecked)(r, a, b); }
PC_INLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const int64_t a0 = (int64_t)a->l[0], a1 = (int64_t)a->l[1], a2 = (int64_t)a->l[2], a3 = (int64_t)a->l[3],
                  a4 = (int64_t)a->l[4];
    const int64_t a0x2 = 2 * a0, a1x2 = 2 * a1, a2x2 = 2 * a2, a3x2 = 2 * a3;
    FE_REDUCE(r, M(a0, a0), M(a0x2, a1), M(a0x2, a2) + M(a1, a1), M(a0x2, a3) + M(a1x2, a2),
              M(a0x2, a4) + M(a1x2, a3) + M(a2, a2), M(a1x2, a4) + M(a2x2, a3), M(a2x2, a4) + M(a3, a3), M(a3x2, a4),
              M(a4, a4));
}
#undef M
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    const FE_T r2 = {PC_LIMBS52(FE_R2)};
    FE_T t;
    words_to_limbs52(t.l, w);
    FN(_mul_unchecked)(r, &t, &r2);
}
PC_INLINE void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    pc_i128 c[5], e = 0;
    if (k <= 8) {
        const int64_t n = (int64_t)k;
        FN(_carry_limbs)(r, n * (int64_t)a->l[0], n * (int64_t)a->l[1], n * (int64_t)a->l[2], n * (int64_t)a->l[3],
                         n * (int64_t)a->l[4]);
        return;
    }
    for (int i = 0; i < 5; i++) {
        c[i] = (pc_i128)(int64_t)a->l[i] * k;
        e = (e >> 52) + c[i];
    }
    FN(_settle)(r, c, (int64_t)(e >> FE_TOP)); /* e: limb 4 once carried, below 2^68 */
}
PC_INLINE void IMPL(_half)(FE_T *r, const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    const uint64_t odd = 0 - (a->l[0] & 1);
    const int64_t t0 = (int64_t)(a->l[0] + (odd & P[0])), t1 = (int64_t)(a->l[1] + (odd & P[1])),
                  t2 = (int64_t)(a->l[2] + (odd & P[2])), t3 = (int64_t)(a->l[3] + (odd & P[3])),
                  t4 = (int64_t)(a->l[4] + (odd & P[4]));
    FN(_carry_limbs)(r, (t0 >> 1) + ((t1 & 1) << 51), (t1 >> 1) + ((t2 & 1) << 51), (t2 >> 1) + ((t3 & 1) << 51),
                     (t3 >> 1) + ((t4 & 1) << 51), t4 >> 1);
}
/* r = a / R in [0, p]. */
PC_INLINE void FN(_from_mont)(FE_T *r, const FE_T *a) {
#define M(x, y) ((pc_i128)(x) * (y))
    FE_REDUCE(r, (int64_t)a->l[0], (int64_t)a->l[1], (int64_t)a->l[2], (int64_t)a->l[3], (int64_t)a->l[4], 0, 0, 0, 0);
#undef M
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    uint64_t d[5];
    int64_t e = 0;
    FE_T t;
    FN(_from_mont)(&t, a);
    for (int i = 0; i < 5; i++) {
        e += (int64_t)(t.l[i] - P[i]);
        d[i] = (uint64_t)e & PC_MASK52;
        e >>= 52;
    }
    for (int i = 0; i < 5; i++) d[i] = e < 0 ? t.l[i] : d[i];
    words_from_limbs52(w, d);
}
/* Packed words stay in the domain: the integer behind a R, which is what to_words gives for a times the element R. */
#define FE_OWN_PACK
PC_FN void IMPL(_pack)(vec w[4], const FE_T *a) {
    static const uint64_t R[4] = PC_WORDS(FE_R);
    FE_T t;
    IMPL(_from_words)(&t, R);
    IMPL(_mul)(&t, &t, a);
    IMPL(_to_words)(w, &t);
}
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[4]) { words_to_limbs52(r->l, w); }
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec w[4];
    IMPL(_to_words)(w, a);
    return words_is_zero(w);
}
#undef FE_REDUCE
#undef FE_DIGIT
#undef FE_UP
#undef FE_TERM0
#undef FE_TERM1
#undef FE_TERM2
#undef FE_TERM3
#undef FE_TERM4
#undef FE_NARROW4
#include "fe_derived.inc.h"
