/* fe25519_portable.inc.h - 2^255 - 19 for one lane in radix 2^51, by 64 x 64 -> 128 multiplications. Contract: field.h.
 *
 * The value is sum l[i] 2^(51 i); limbs are unsigned and lazily carried, and 2^255 = 19 folds the top for free.
 *
 *   class   every limb       comes from
 *   tight   < 2^51 + 2^13    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^53 - 128     add (2 tight), sub and neg (a + 2 p - b, limb by limb: 2 p has limbs >= 2^52 - 38 >= a tight limb)
 *
 *   mul, sqr of loose: a column is at most 2^53 2^53 (1 + 4 * 19) < 2^112.3, so its carry fits 64 bits. Column 4 has no factor
 *   19: its carry is < 2^57.4, times 19 < 2^61.7; added to limb 0 it carries < 2^11 into limb 1.
 *   carry: one parallel step; carries < 4, limb 0 takes 19 * 4. addc, subc: the same for sums below 2^54 (4 p has limbs
 *   >= 2^53 - 76, not below a loose one). */
#include "fe_element.inc.h"
#define FE_M51         0x7ffffffffffffULL
#define FE_IS_TIGHT(a) FN(_limbs_below)(a, FE_M51 + 1 + (1 << 13), FE_M51 + 1 + (1 << 13))
#define FE_IS_LOOSE(a) FN(_limbs_below)(a, (1ULL << 53) - 128, (1ULL << 53) - 128)

PC_INLINE FE_T IMPL(_one)(void) {
    FE_T r = {{1, 0, 0, 0, 0}};
    return r;
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    uint64_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    r->l[0] = (w0 & FE_M51) + 19 * (w3 >> 63);
    r->l[1] = (w0 >> 51 | w1 << 13) & FE_M51;
    r->l[2] = (w1 >> 38 | w2 << 26) & FE_M51;
    r->l[3] = (w2 >> 25 | w3 << 39) & FE_M51;
    r->l[4] = (w3 >> 12) & FE_M51;
}
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = a->l[i] + b->l[i];
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    r->l[0] = a->l[0] + (2 * (FE_M51 - 18) - b->l[0]);
    for (int i = 1; i < 5; i++) r->l[i] = a->l[i] + (2 * FE_M51 - b->l[i]);
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
PC_INLINE void FN(_carry_limbs)(FE_T *r, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4) {
    r->l[0] = (a0 & FE_M51) + 19 * (a4 >> 51);
    r->l[1] = (a1 & FE_M51) + (a0 >> 51);
    r->l[2] = (a2 & FE_M51) + (a1 >> 51);
    r->l[3] = (a3 & FE_M51) + (a2 >> 51);
    r->l[4] = (a4 & FE_M51) + (a3 >> 51);
}
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) { FN(_carry_limbs)(r, a->l[0], a->l[1], a->l[2], a->l[3], a->l[4]); }
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, a->l[0] + b->l[0], a->l[1] + b->l[1], a->l[2] + b->l[2], a->l[3] + b->l[3], a->l[4] + b->l[4]);
}
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    const uint64_t p0x4 = 4 * (FE_M51 - 18), px4 = 4 * FE_M51;
    FN(_carry_limbs)(r, a->l[0] + (p0x4 - b->l[0]), a->l[1] + (px4 - b->l[1]), a->l[2] + (px4 - b->l[2]),
                     a->l[3] + (px4 - b->l[3]), a->l[4] + (px4 - b->l[4]));
}
/* Columns 0..4 (already folded) to a tight element. */
PC_INLINE void FN(_from_columns)(FE_T *r, pc_u128 c0, pc_u128 c1, pc_u128 c2, pc_u128 c3, pc_u128 c4) {
    uint64_t r0, r1;
    c1 += (uint64_t)(c0 >> 51);
    c2 += (uint64_t)(c1 >> 51);
    c3 += (uint64_t)(c2 >> 51);
    c4 += (uint64_t)(c3 >> 51);
    r0 = ((uint64_t)c0 & FE_M51) + 19 * (uint64_t)(c4 >> 51);
    r1 = ((uint64_t)c1 & FE_M51) + (r0 >> 51);
    r->l[0] = r0 & FE_M51;
    r->l[1] = r1;
    r->l[2] = (uint64_t)c2 & FE_M51;
    r->l[3] = (uint64_t)c3 & FE_M51;
    r->l[4] = (uint64_t)c4 & FE_M51;
}
PC_INLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    const uint64_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const uint64_t b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3], b4 = b->l[4];
    const uint64_t b1x19 = 19 * b1, b2x19 = 19 * b2, b3x19 = 19 * b3, b4x19 = 19 * b4;
#define M(x, y) ((pc_u128)(x) * (y))
    pc_u128 c0 = M(a0, b0) + M(a1, b4x19) + M(a2, b3x19) + M(a3, b2x19) + M(a4, b1x19);
    pc_u128 c1 = M(a0, b1) + M(a1, b0) + M(a2, b4x19) + M(a3, b3x19) + M(a4, b2x19);
    pc_u128 c2 = M(a0, b2) + M(a1, b1) + M(a2, b0) + M(a3, b4x19) + M(a4, b3x19);
    pc_u128 c3 = M(a0, b3) + M(a1, b2) + M(a2, b1) + M(a3, b0) + M(a4, b4x19);
    pc_u128 c4 = M(a0, b4) + M(a1, b3) + M(a2, b2) + M(a3, b1) + M(a4, b0);
    FN(_from_columns)(r, c0, c1, c2, c3, c4);
}
PC_INLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const uint64_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const uint64_t a0x2 = 2 * a0, a1x2 = 2 * a1, a2x38 = 38 * a2, a3x19 = 19 * a3, a4x19 = 19 * a4, a4x38 = 38 * a4;
    pc_u128 c0 = M(a0, a0) + M(a1, a4x38) + M(a3, a2x38);
    pc_u128 c1 = M(a0x2, a1) + M(a2, a4x38) + M(a3, a3x19);
    pc_u128 c2 = M(a0x2, a2) + M(a1, a1) + M(a3, a4x38);
    pc_u128 c3 = M(a0x2, a3) + M(a1x2, a2) + M(a4, a4x19);
    pc_u128 c4 = M(a0x2, a4) + M(a1x2, a3) + M(a2, a2);
    FN(_from_columns)(r, c0, c1, c2, c3, c4);
}
PC_INLINE void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    if (k <= 8) /* below 2^56: carries < 2^5, limb 0 takes 19 of them */
        FN(_carry_limbs)(r, a->l[0] * k, a->l[1] * k, a->l[2] * k, a->l[3] * k, a->l[4] * k);
    else
        FN(_from_columns)(r, M(a->l[0], k), M(a->l[1], k), M(a->l[2], k), M(a->l[3], k), M(a->l[4], k));
}
#undef M
PC_INLINE void IMPL(_half)(FE_T *r, const FE_T *a) {
    const uint64_t odd = 0 - (a->l[0] & 1); /* 2^51 is even, so limb 0 has the parity */
    const uint64_t t0 = a->l[0] + (odd & (FE_M51 - 18)), t1 = a->l[1] + (odd & FE_M51), t2 = a->l[2] + (odd & FE_M51),
                   t3 = a->l[3] + (odd & FE_M51), t4 = a->l[4] + (odd & FE_M51);
    FN(_carry_limbs)(r, (t0 >> 1) + ((t1 & 1) << 50), (t1 >> 1) + ((t2 & 1) << 50), (t2 >> 1) + ((t3 & 1) << 50),
                     (t3 >> 1) + ((t4 & 1) << 50), t4 >> 1);
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a); /* value < 2^255 + 2^212 < 2 p: it is >= p exactly when value + 19 carries into bit 255 */
    uint64_t q = (t.l[0] + 19) >> 51;
    for (int i = 1; i < 5; i++) q = (t.l[i] + q) >> 51;
    uint64_t c = 19 * q;
    for (int i = 0; i < 5; i++) {
        c += t.l[i];
        t.l[i] = c & FE_M51;
        c >>= 51; /* out of the top: the 2^255 of value + 19 q, dropped */
    }
    w[0] = t.l[0] | t.l[1] << 51;
    w[1] = t.l[1] >> 13 | t.l[2] << 38;
    w[2] = t.l[2] >> 26 | t.l[3] << 25;
    w[3] = t.l[3] >> 39 | t.l[4] << 12;
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec w[4];
    IMPL(_to_words)(w, a);
    return words_is_zero(w);
}
#include "fe_derived.inc.h"
#undef FE_M51
