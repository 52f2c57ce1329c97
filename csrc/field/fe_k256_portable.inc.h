/* fe_k256_portable.inc.h - 2^256 - 2^32 - 977 for one lane in radix 2^52, by 64 x 64 -> 128 multiplications. Contract: field.h.
 *
 * Limbs are unsigned and lazily carried. 2^256 = K = 0x1000003d1, so 2^260 = 16 K.
 *
 *   class   limbs 0..3         limb 4           comes from
 *   tight   < 2^52 + 2^44      < 2^48 + 2^44    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^54 - 2^40      < 2^50 - 8       add (2 tight), sub and neg (a + 2 p - b, limb by limb: the limbs of 2 p are
 *                                               >= 2^53 - 2^34 and 2^49 - 2, not below a tight limb)
 *
 *   mul, sqr: a product of limbs is < 2^108, a column of four or five < 2^110.4. The high columns 5..8 are folded with 16 K < 2^37
 *   as 64-bit digits; columns 3 and 4 are finished first, so that what sticks out above bit 256 joins column 5's digit and one
 *   pass is enough (the order that libsecp256k1 made known). */
#include "fe_element.inc.h"
#define FE_IS_TIGHT(a) FN(_limbs_below)(a, (1ULL << 52) + (1ULL << 44), (1ULL << 48) + (1ULL << 44))
#define FE_IS_LOOSE(a) FN(_limbs_below)(a, (1ULL << 54) - (1ULL << 40), (1ULL << 50) - 8)

PC_INLINE FE_T IMPL(_one)(void) {
    FE_T r = {{1, 0, 0, 0, 0}};
    return r;
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) { words_to_limbs52(r->l, w); }
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] + b->l[i];
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] + (2 * P[i] - b->l[i]);
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
/* a4 < 2^51: its part above bit 256 times K is below 2^36. */
PC_INLINE void FN(_carry_limbs)(FE_T *r, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4) {
    r->l[0] = (a0 & PC_MASK52) + FE_K256_K * (a4 >> 48);
    r->l[1] = (a1 & PC_MASK52) + (a0 >> 52);
    r->l[2] = (a2 & PC_MASK52) + (a1 >> 52);
    r->l[3] = (a3 & PC_MASK52) + (a2 >> 52);
    r->l[4] = (a4 & PC_MASK48) + (a3 >> 52);
}
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) { FN(_carry_limbs)(r, a->l[0], a->l[1], a->l[2], a->l[3], a->l[4]); }
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, a->l[0] + b->l[0], a->l[1] + b->l[1], a->l[2] + b->l[2], a->l[3] + b->l[3], a->l[4] + b->l[4]);
}
/* 4 p has limbs >= 2^54 - 2^35 and 2^50 - 4. */
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    FN(_carry_limbs)(r, a->l[0] + (4 * P[0] - b->l[0]), a->l[1] + (4 * P[1] - b->l[1]), a->l[2] + (4 * P[2] - b->l[2]),
                     a->l[3] + (4 * P[3] - b->l[3]), a->l[4] + (4 * P[4] - b->l[4]));
}
#define M(x, y) ((pc_u128)(x) * (y))
/* Reduces the columns p0 .. p8 of a product, given as expressions and computed where they are used: nine of them at once would
 * not fit the registers. The high ones are 2^260 = 16 K times those below. */
#define FE_FOLD(r, p0, p1, p2, p3, p4, p5, p6, p7, p8)                                                                      \
    do {                                                                                                                    \
        const uint64_t K = FE_K256_K, K260 = 16 * FE_K256_K;                                                                \
        pc_u128 c = p8, d = p3;                                                                                             \
        uint64_t t3, t4, top;                                                                                               \
        /* column 8 goes to 3 as a 64-bit digit; its rest is 2^64 = 2^12 columns further up */                              \
        d += (pc_u128)K260 * (uint64_t)c;                                                                                   \
        t3 = (uint64_t)d & PC_MASK52;                                                                                       \
        d = (d >> 52) + p4 + (pc_u128)(K260 << 12) * (uint64_t)(c >> 64);                                                   \
        t4 = (uint64_t)d & PC_MASK52;                                                                                       \
        top = t4 >> 48;                                                                                                     \
        t4 &= PC_MASK48;                                                                                                    \
        /* from here d walks columns 5, 6, 7 and c columns 0, 1, 2, 3, 4 */                                                 \
        d = (d >> 52) + p5;                                                                                                 \
        c = p0 + (pc_u128)K * (((uint64_t)d & PC_MASK52) << 4 | top);                                                       \
        const uint64_t r0 = (uint64_t)c & PC_MASK52;                                                                        \
        d = (d >> 52) + p6;                                                                                                 \
        c = (c >> 52) + p1 + (pc_u128)K260 * ((uint64_t)d & PC_MASK52);                                                     \
        const uint64_t r1 = (uint64_t)c & PC_MASK52;                                                                        \
        d = (d >> 52) + p7;                                                                                                 \
        c = (c >> 52) + p2 + (pc_u128)K260 * (uint64_t)d;                                                                   \
        const uint64_t r2 = (uint64_t)c & PC_MASK52;                                                                        \
        c = (c >> 52) + t3 + (pc_u128)(K260 << 12) * (uint64_t)(d >> 64);                                                   \
        (r)->l[0] = r0;                                                                                                     \
        (r)->l[1] = r1;                                                                                                     \
        (r)->l[2] = r2;                                                                                                     \
        (r)->l[3] = (uint64_t)c & PC_MASK52;                                                                                \
        (r)->l[4] = t4 + (uint64_t)(c >> 52); /* the carry is < 2^43 */                                                     \
    } while (0)
PC_INLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    const uint64_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const uint64_t b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3], b4 = b->l[4];
    FE_FOLD(r, M(a0, b0), M(a0, b1) + M(a1, b0), M(a0, b2) + M(a1, b1) + M(a2, b0),
            M(a0, b3) + M(a1, b2) + M(a2, b1) + M(a3, b0), M(a0, b4) + M(a1, b3) + M(a2, b2) + M(a3, b1) + M(a4, b0),
            M(a1, b4) + M(a2, b3) + M(a3, b2) + M(a4, b1), M(a2, b4) + M(a3, b3) + M(a4, b2), M(a3, b4) + M(a4, b3),
            M(a4, b4));
}
PC_INLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const uint64_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const uint64_t a0x2 = 2 * a0, a1x2 = 2 * a1, a2x2 = 2 * a2, a3x2 = 2 * a3;
    FE_FOLD(r, M(a0, a0), M(a0x2, a1), M(a0x2, a2) + M(a1, a1), M(a0x2, a3) + M(a1x2, a2),
            M(a0x2, a4) + M(a1x2, a3) + M(a2, a2), M(a1x2, a4) + M(a2x2, a3), M(a2x2, a4) + M(a3, a3), M(a3x2, a4),
            M(a4, a4));
}
#undef FE_FOLD
PC_INLINE void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    if (k <= 8) { /* below 2^57, limb 4 below 2^53: carries < 2^5, and K times that < 2^38 */
        FN(_carry_limbs)(r, a->l[0] * k, a->l[1] * k, a->l[2] * k, a->l[3] * k, a->l[4] * k);
        return;
    }
    pc_u128 c = M(a->l[4], k); /* < 2^67; above bit 256: < 2^19 */
    uint64_t t4 = (uint64_t)c & PC_MASK48;
    c = M((uint64_t)(c >> 48), FE_K256_K) + M(a->l[0], k);
    r->l[0] = (uint64_t)c & PC_MASK52;
    for (int i = 1; i < 4; i++) {
        c = (c >> 52) + M(a->l[i], k);
        r->l[i] = (uint64_t)c & PC_MASK52;
    }
    r->l[4] = t4 + (uint64_t)(c >> 52);
}
#undef M
PC_INLINE void IMPL(_half)(FE_T *r, const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    const uint64_t odd = 0 - (a->l[0] & 1);
    const uint64_t t0 = a->l[0] + (odd & P[0]), t1 = a->l[1] + (odd & P[1]), t2 = a->l[2] + (odd & P[2]),
                   t3 = a->l[3] + (odd & P[3]), t4 = a->l[4] + (odd & P[4]);
    FN(_carry_limbs)(r, (t0 >> 1) + ((t1 & 1) << 51), (t1 >> 1) + ((t2 & 1) << 51), (t2 >> 1) + ((t3 & 1) << 51),
                     (t3 >> 1) + ((t4 & 1) << 51), t4 >> 1);
}
/* Carried limbs of the canonical value. */
PC_FN void FN(_normalize)(uint64_t l[5], const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    uint64_t c = 0, d[5];
    int64_t e = 0;
    FE_T t;
    IMPL(_carry)(&t, a); /* value < 2^256 + 2^252 < 2 p */
    for (int i = 0; i < 5; i++) {
        c += t.l[i];
        l[i] = i < 4 ? c & PC_MASK52 : c;
        c >>= 52;
    }
    for (int i = 0; i < 5; i++) {
        e += (int64_t)(l[i] - P[i]);
        d[i] = (uint64_t)e & PC_MASK52;
        e >>= 52;
    }
    for (int i = 0; i < 5; i++) l[i] = e < 0 ? l[i] : d[i];
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    uint64_t l[5];
    FN(_normalize)(l, a);
    words_from_limbs52(w, l);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    uint64_t l[5];
    FN(_normalize)(l, a);
    return veq(l[0] | l[1] | l[2] | l[3] | l[4], 0);
}
#include "fe_derived.inc.h"
