/* fe_pseudo_mersenne.inc.h - template: a field modulo a pseudo-Mersenne prime for any number of lanes.
 *
 * Requires FE (prefix), FE_P (the modulus as four words: the folds below are those of 2^256), FE_K (2^256 mod p, below
 * 2^34) and FE_SUB_P (2 or 4: the even multiple of p that exceeds every tight value).
 *
 * Representation: five limbs below 2^52, always carried. IFMA multiplies 52 bits and FMA needs exact 52-bit integers, so there is
 * no headroom inside a limb; the headroom is in the value.
 *
 *   class   value              top limb    comes from
 *   tight   < 2^256 + 2^208    <= 2^48     mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^258            < 2^50      add, sub, neg
 *
 *   operation    why the class holds
 *   add          two tights are below 2^257 + 2^209
 *   sub, neg     a + FE_SUB_P p - b: not negative, and below 2^256 + 2^208 + 2^257
 *   mul, sqr     the product is below 2^516. Folding at 2^260 (16 K < 2^38) leaves less than 2^260 + 2^294; folding the part above
 *                2^256 (then below 2^39, times K) leaves less than 2^256 + 2^73
 *   mul_small    a k is below 2^275; the part above 2^256, below 2^19, adds less than 2^53
 *   carry        the part above 2^256 is below 4 and adds less than 2^36; addc, subc: below 16, less than 2^38
 *   half         of a carried value: (2^256 + 2^36 + p) / 2 */
#include "words.inc.h"
#include "fe_limbs52.inc.h"

#define FE_TOP_TIGHT   ((1ULL << 48) + 1)
#define FE_TOP_LOOSE   (1ULL << 50)
#define FE_IS_TIGHT(a) FN(_limbs_below)(a, PC_MASK52 + 1, FE_TOP_TIGHT)
#define FE_IS_LOOSE(a) FN(_limbs_below)(a, PC_MASK52 + 1, FE_TOP_LOOSE)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = IMPL(_zero)();
    r.l[0] = vset1(1);
    return r;
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[FE_WORDS]) { WORDS_TO_LIMBS52(FE_WORDS)(r->l, w); }
PC_FN void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_add)(r->l, a->l, b->l); }
PC_FN void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_sub)(r->l, a->l, FE_SUB_P, b->l); }
PC_FN void IMPL(_neg)(FE_T *r, const FE_T *a) {
    FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}

/* r = t + h 2^256 for limbs t (the top one may exceed 48 bits: what it has above goes to h as well), h + (top >> 48) < 2^52. */
PC_INLINE void FN(_fold)(FE_T *r, const vec t[FE_LIMBS], vec h) {
    vcol c[FE_LIMBS + 1];
    h = vadd(h, vshr(t[FE_LIMBS - 1], 48));
    for (int i = 0; i <= FE_LIMBS; i++) c[i] = vcol_zero(i == 0, i == 1);
    VCOL_MAC(c, 0, h, vset1(FE_K));
    for (int i = 0; i < FE_LIMBS - 1; i++) {
        VCOL_ADD(c, i, t[i]);
        r->l[i] = VCOL_LOW(c, i);
        VCOL_CARRY(c, i);
    }
    VCOL_ADD(c, FE_LIMBS - 1, vand(t[FE_LIMBS - 1], vset1(PC_MASK48)));
    r->l[FE_LIMBS - 1] = VCOL_ALL(c, FE_LIMBS - 1);
}
PC_FN void IMPL(_carry)(FE_T *r, const FE_T *a) { FN(_fold)(r, a->l, vzero()); }

PC_FN void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_limbs_add)(r->l, a->l, b->l);
    FN(_fold)(r, r->l, vzero());
}
PC_FN void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_limbs_sub)(r->l, a->l, 4 * FE_SUB_P, b->l); /* 4 FE_SUB_P p is above 2^258 and below 2^260 - 2^258 */
    FN(_fold)(r, r->l, vzero());
}

/* r = c mod p for a complete product in columns. */
PC_INLINE void FN(_reduce)(FE_T *r, vcol c[2 * FE_LIMBS]) {
    vec t[2 * FE_LIMBS], u[FE_LIMBS];
    vcol d[FE_LIMBS + 1];
#pragma GCC unroll 16
    for (int i = 0; i < 2 * FE_LIMBS - 1; i++) {
        t[i] = VCOL_LOW(c, i);
        VCOL_CARRY(c, i);
    }
    t[2 * FE_LIMBS - 1] = VCOL_ALL(c, 2 * FE_LIMBS - 1);
    /* 2^260 = 16 K */
#pragma GCC unroll 16
    for (int i = 0; i <= FE_LIMBS; i++) d[i] = vcol_zero(i < FE_LIMBS, i > 0);
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++) {
        VCOL_ADD(d, i, t[i]);
        VCOL_MAC(d, i, t[i + FE_LIMBS], vset1(16 * FE_K));
    }
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++) {
        u[i] = VCOL_LOW(d, i);
        VCOL_CARRY(d, i);
    }
    FN(_fold)(r, u, vshl(VCOL_ALL(d, FE_LIMBS), 4));
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    vcol c[2 * FE_LIMBS];
    FN(_limbs_mul)(c, a->l, b->l, 0);
    FN(_reduce)(r, c);
}
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vcol c[2 * FE_LIMBS];
    FN(_limbs_sqr)(c, a->l, 0);
    FN(_reduce)(r, c);
}
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    vcol c[FE_LIMBS + 1];
    vec t[FE_LIMBS];
    for (int i = 0; i <= FE_LIMBS; i++) c[i] = vcol_zero(i < FE_LIMBS, i > 0);
    for (int i = 0; i < FE_LIMBS; i++) VCOL_MAC(c, i, a->l[i], vset1(k));
    for (int i = 0; i < FE_LIMBS; i++) {
        t[i] = VCOL_LOW(c, i);
        VCOL_CARRY(c, i);
    }
    FN(_fold)(r, t, vshl(VCOL_ALL(c, FE_LIMBS), 4));
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a);
    FN(_limbs_half)(r->l, t.l);
}

PC_FN void IMPL(_to_words)(vec w[FE_WORDS], const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a); /* below 2^256 + 2^36: less than 2 p, or 3 p for 2^255 - 19 */
    FN(_limbs_reduce_once)(t.l, 1);
    if (FE_SUB_P > 2) FN(_limbs_reduce_once)(t.l, 1);
    WORDS_FROM_LIMBS52(FE_WORDS)(w, t.l);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a);
    return FN(_limbs_is_multiple)(t.l, FE_SUB_P > 2 ? 2 : 1);
}
#include "fe_derived.inc.h"
