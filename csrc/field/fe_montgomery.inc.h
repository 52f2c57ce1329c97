/* fe_montgomery.inc.h - template: a field modulo any odd p < 2^256 in Montgomery form with R = 2^260, for any number of lanes.
 *
 * Wants FE (prefix) and, as in params.h, FE_P, FE_R, FE_R2 (four words each), FE_N0 (-p^-1 mod 2^52). With FE_N0 = 1, that
 * is p = -1 mod 2^52 (P-256 and SM2), the quotient digit is the low limb itself.
 *
 * Representation: a R mod p in five limbs below 2^52, always carried; the headroom is in the value.
 *
 *   class   value    comes from
 *   tight   < 2 p    mul, sqr, carry, mul_small, half, from_words
 *   loose   < 4 p    add (2 p + 2 p), sub and neg (a + 2 p - b)
 *
 *   mul of loose inputs: (a b + m p) / R with m < R is below 16 p^2 / 2^260 + p < 2 p because p < 2^256.
 *   from_words: w < 2^256 times R2 < p gives w R2 / R + p < 2 p.
 *   to_words: a loose value times 1 gives (4 p + m p) / R <= p, so one conditional subtraction is enough. */
#include "words.inc.h"
#include "fe_limbs52.inc.h"

#ifdef PC_VERIFY
/* a < k p, limbs below 2^52. */
PC_FN int FN(_below)(const FE_T *a, uint64_t k) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    if (!FN(_limbs_below)(a, PC_MASK52 + 1, PC_MASK52 + 1)) return 0;
    for (int lane = 0; lane < VL; lane++) {
        int64_t e = 0;
        for (int i = 0; i < 5; i++) e = ((int64_t)vlane(a->l[i], lane) - (int64_t)(k * P[i]) + e) >> 52;
        if (e >= 0) return 0;
    }
    return 1;
}
#endif
#define FE_IS_TIGHT(a) FN(_below)(a, 2)
#define FE_IS_LOOSE(a) FN(_below)(a, 4)

PC_FN FE_T IMPL(_one)(void) {
    static const uint64_t R[5] = PC_LIMBS52(FE_R);
    FE_T r;
    for (int i = 0; i < 5; i++) r.l[i] = vset1(R[i]);
    return r;
}
PC_FN void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_add)(r->l, a->l, b->l); }
PC_FN void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_sub)(r->l, a->l, 2, b->l); }
PC_FN void IMPL(_neg)(FE_T *r, const FE_T *a) {
    FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
PC_FN void IMPL(_carry)(FE_T *r, const FE_T *a) {
    if (r != a) *r = *a;
    FN(_limbs_reduce_once)(r->l, 2);
}

PC_FN void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_limbs_add)(r->l, a->l, b->l); /* < 8 p < 2^259 */
    FN(_limbs_reduce_once)(r->l, 4);
    FN(_limbs_reduce_once)(r->l, 2);
}
PC_FN void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_limbs_sub)(r->l, a->l, 4, b->l);
    FN(_limbs_reduce_once)(r->l, 4);
    FN(_limbs_reduce_once)(r->l, 2);
}

/* r = c / R mod p for columns announced with room for one more product. */
PC_INLINE void FN(_reduce)(vec r[5], vcol c[10]) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        vec q = VCOL_LOW(c, i);
#if FE_N0 != 1
        vcol z[2];
        z[0] = vcol_zero(1, 0);
        z[1] = vcol_zero(0, 1);
        VCOL_MAC(z, 0, q, vset1(FE_N0));
        q = VCOL_LOW(z, 0);
#endif
#pragma GCC unroll 5
        for (int j = 0; j < 5; j++) VCOL_MAC(c, i + j, q, vset1(P[j]));
        VCOL_CARRY(c, i); /* the low 52 bits are zero now */
    }
#pragma GCC unroll 4
    for (int i = 5; i < 9; i++) {
        r[i - 5] = VCOL_LOW(c, i);
        VCOL_CARRY(c, i);
    }
    r[4] = VCOL_ALL(c, 9);
}
/* Any carried limbs; the caller answers for the range of the result. */
PC_INLINE void FN(_limbs_mont_mul)(vec r[5], const vec a[5], const vec b[5]) {
    vcol c[10];
    FN(_limbs_mul)(c, a, b, 1);
    FN(_reduce)(r, c);
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_mont_mul)(r->l, a->l, b->l); }
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vcol c[10];
    FN(_limbs_sqr)(c, a->l, 1);
    FN(_reduce)(r->l, c);
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    static const uint64_t R2[5] = PC_LIMBS52(FE_R2);
    vec a[5], b[5];
    words_to_limbs52(a, w);
    for (int i = 0; i < 5; i++) b[i] = vset1(R2[i]);
    FN(_limbs_mont_mul)(r->l, a, b);
}
#define FE_OWN_PACK
PC_FN void IMPL(_pack)(vec w[4], const FE_T *a) {
    vec t[5];
    for (int i = 0; i < 5; i++) t[i] = a->l[i];
    FN(_limbs_reduce_once)(t, 1);
    words_from_limbs52(w, t);
}
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[4]) { words_to_limbs52(r->l, w); }
/* Two multiplications: k enters the domain first. Groups prefer additions for the factors 2, 3, 4 and 8. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    vec w[4] = {vset1(k), vzero(), vzero(), vzero()};
    FE_T t;
    IMPL(_from_words)(&t, w);
    IMPL(_mul)(r, a, &t);
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a);
    FN(_limbs_half)(r->l, t.l);
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    vec t[5], one[5] = {vset1(1), vzero(), vzero(), vzero(), vzero()};
    FN(_limbs_mont_mul)(t, a->l, one);
    FN(_limbs_reduce_once)(t, 1);
    words_from_limbs52(w, t);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) { return FN(_limbs_is_multiple)(a->l, 3); }
#include "fe_derived.inc.h"
