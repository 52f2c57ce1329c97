/* fe_montgomery.inc.h - template: a field modulo any odd p in Montgomery form, for any number of lanes and of limbs.
 *
 * Requires FE (prefix) and, as in params.h, FE_P, FE_R, FE_R2 (FE_WORDS words each), FE_N0 (-p^-1 mod 2^52). With FE_N0 = 1, that is
 * p = -1 mod 2^52 (P-256 and SM2), the quotient digit is the low limb itself. p is below B = 2^(64 FE_WORDS), the domain is
 * R = 2^(52 FE_LIMBS) >= 16 B: 2^256 and 2^260 for four words and five limbs, 2^384 and 2^416 for six and eight.
 *
 * Representation: a R mod p in limbs below 2^52, always carried; the headroom is in the value.
 *
 *   class   value    comes from
 *   tight   < 2 p    mul, sqr, carry, mul_small, half, from_words
 *   loose   < 4 p    add (2 p + 2 p), sub and neg (a + 2 p - b)
 *
 *   mul of loose inputs: (a b + m p) / R with m < R is below 16 p^2 / R + p < 2 p because p < B.
 *   from_words: w < B times R2 < p gives w R2 / R + p < 2 p.
 *   to_words: a loose value times 1 gives (4 p + m p) / R <= p, so one conditional subtraction is enough. */
#include "words.inc.h"
#include "fe_limbs52.inc.h"

#ifdef PC_VERIFY
/* a < k p, limbs below 2^52. */
PC_FN int FN(_below)(const FE_T *a, uint64_t k) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
    if (!FN(_limbs_below)(a, PC_MASK52 + 1, PC_MASK52 + 1)) return 0;
    for (int lane = 0; lane < VL; lane++) {
        int64_t e = 0;
        for (int i = 0; i < FE_LIMBS; i++) e = ((int64_t)vlane(a->l[i], lane) - (int64_t)(k * P[i]) + e) >> 52;
        if (e >= 0) return 0;
    }
    return 1;
}
#endif
#define FE_IS_TIGHT(a) FN(_below)(a, 2)
#define FE_IS_LOOSE(a) FN(_below)(a, 4)

PC_FN FE_T IMPL(_one)(void) {
    static const uint64_t R[FE_LIMBS] = PC_LIMBS52(FE_R);
    FE_T r;
    for (int i = 0; i < FE_LIMBS; i++) r.l[i] = vset1(R[i]);
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
    FN(_limbs_add)(r->l, a->l, b->l); /* < 8 p < R */
    FN(_limbs_reduce_once)(r->l, 4);
    FN(_limbs_reduce_once)(r->l, 2);
}
PC_FN void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_limbs_sub)(r->l, a->l, 4, b->l);
    FN(_limbs_reduce_once)(r->l, 4);
    FN(_limbs_reduce_once)(r->l, 2);
}

/* r = c / R mod p for columns announced with room for one more product. */
PC_INLINE void FN(_reduce)(vec r[FE_LIMBS], vcol c[2 * FE_LIMBS]) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++) {
        vec q = VCOL_LOW(c, i);
#if FE_N0 != 1
        vcol z[2];
        z[0] = vcol_zero(1, 0);
        z[1] = vcol_zero(0, 1);
        VCOL_MAC(z, 0, q, vset1(FE_N0));
        q = VCOL_LOW(z, 0);
#endif
#pragma GCC unroll 16
        for (int j = 0; j < FE_LIMBS; j++) VCOL_MAC(c, i + j, q, vset1(P[j]));
        VCOL_CARRY(c, i); /* the low 52 bits are zero now */
    }
#pragma GCC unroll 16
    for (int i = FE_LIMBS; i < 2 * FE_LIMBS - 1; i++) {
        r[i - FE_LIMBS] = VCOL_LOW(c, i);
        VCOL_CARRY(c, i);
    }
    r[FE_LIMBS - 1] = VCOL_ALL(c, 2 * FE_LIMBS - 1);
}
/* Any carried limbs; the caller answers for the range of the result. */
PC_INLINE void FN(_limbs_mont_mul)(vec r[FE_LIMBS], const vec a[FE_LIMBS], const vec b[FE_LIMBS]) {
    vcol c[2 * FE_LIMBS];
    FN(_limbs_mul)(c, a, b, 1);
    FN(_reduce)(r, c);
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) { FN(_limbs_mont_mul)(r->l, a->l, b->l); }
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vcol c[2 * FE_LIMBS];
    FN(_limbs_sqr)(c, a->l, 1);
    FN(_reduce)(r->l, c);
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[FE_WORDS]) {
    static const uint64_t R2[FE_LIMBS] = PC_LIMBS52(FE_R2);
    vec a[FE_LIMBS], b[FE_LIMBS];
    WORDS_TO_LIMBS52(FE_WORDS)(a, w);
    for (int i = 0; i < FE_LIMBS; i++) b[i] = vset1(R2[i]);
    FN(_limbs_mont_mul)(r->l, a, b);
}
#define FE_OWN_PACK
PC_FN void IMPL(_pack)(vec w[FE_WORDS], const FE_T *a) {
    vec t[FE_LIMBS];
    for (int i = 0; i < FE_LIMBS; i++) t[i] = a->l[i];
    FN(_limbs_reduce_once)(t, 1);
    WORDS_FROM_LIMBS52(FE_WORDS)(w, t);
}
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[FE_WORDS]) { WORDS_TO_LIMBS52(FE_WORDS)(r->l, w); }
/* Two multiplications: k enters the domain first. Groups prefer additions for the factors 2, 3, 4 and 8. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    uint64_t c[FE_WORDS] = {k};
    vec w[FE_WORDS];
    FE_T t;
    words_set1_n(w, c, FE_WORDS);
    IMPL(_from_words)(&t, w);
    IMPL(_mul)(r, a, &t);
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a);
    FN(_limbs_half)(r->l, t.l);
}
PC_FN void IMPL(_to_words)(vec w[FE_WORDS], const FE_T *a) {
    vec t[FE_LIMBS], one[FE_LIMBS];
    for (int i = 0; i < FE_LIMBS; i++) one[i] = vset1(i == 0);
    FN(_limbs_mont_mul)(t, a->l, one);
    FN(_limbs_reduce_once)(t, 1);
    WORDS_FROM_LIMBS52(FE_WORDS)(w, t);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) { return FN(_limbs_is_multiple)(a->l, 3); }
#include "fe_derived.inc.h"
