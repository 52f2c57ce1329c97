/* fe25519_avx512ifma.inc.h - 2^255 - 19 for eight lanes in radix 2^51, by 52-bit multiply-adds. Contract: field.h.
 *
 * The value is sum l[i] 2^(51 i), limbs unsigned. The multiplier reads 52 bits and no more, so there is one bit of
 * headroom: a sum of two tights may not fit. But it fails to fit only where a limb carries out of the last step of a
 * reduction, about once in 2^37, so sums are not carried; they are looked at, and a rare wide one is carried on a branch
 * that is never taken (FE_WIDE).
 *
 *   class   every limb       comes from
 *   tight   < 2^51 + 2^11    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^52           add (2 tight), sub and neg (a + p - b; p has limbs 2^51 - 1 and 2^51 - 19)
 *
 *   mul, sqr: 2^51 is half of 2^52, so a high half weighs twice what the next column does. Column k takes k + 1 low halves
 *   (k < 5; else 9 - k) and k high halves twice (else 10 - k), each below 2^52; columns 5 .. 9 are at most 14, 11, 8, 5, 2
 *   of these, and 19 times that joins columns 0 .. 4: at most 267, 213, 159, 105, 51, all below 2^61. One parallel carry:
 *   limbs 1 .. 4 take less than 2^10 and limb 0 takes 19 * 102 < 2^11.
 *   carry: carries < 2, limb 0 takes 19 * 2. addc, subc: sums below 2^53 and 2^52 + 2^53 (4 p has limbs >= 2^53 - 76, not
 *   below a loose one): carries < 6, limb 0 takes 19 * 5. mul_small: see there. */
#include "fe_element.inc.h"
#define FE_M51         0x7ffffffffffffULL
#define FE_IS_TIGHT(a) FN(_limbs_below)(a, FE_M51 + 1 + (1 << 11), FE_M51 + 1 + (1 << 11))
#define FE_IS_LOOSE(a) FN(_limbs_below)(a, 1ULL << 52, 1ULL << 52)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = IMPL(_zero)();
    r.l[0] = vset1(1);
    return r;
}
/* One parallel carry. */
PC_INLINE void FN(_carry_limbs)(FE_T *r, vec t0, vec t1, vec t2, vec t3, vec t4) {
    const vec mask = vset1(FE_M51);
    r->l[0] = VEC_MACL(vand(t0, mask), vshr(t4, 51), vset1(19));
    r->l[1] = vadd(vand(t1, mask), vshr(t0, 51));
    r->l[2] = vadd(vand(t2, mask), vshr(t1, 51));
    r->l[3] = vadd(vand(t3, mask), vshr(t2, 51));
    r->l[4] = vadd(vand(t4, mask), vshr(t3, 51));
}
PC_INLINE void FN(_set)(FE_T *r, vec t0, vec t1, vec t2, vec t3, vec t4) {
    r->l[0] = t0, r->l[1] = t1, r->l[2] = t2, r->l[3] = t3, r->l[4] = t4;
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    const vec mask = vset1(FE_M51), w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    r->l[0] = VEC_MACL(vand(w0, mask), vshr(w3, 63), vset1(19));
    r->l[1] = vand(vor(vshr(w0, 51), vshl(w1, 13)), mask);
    r->l[2] = vand(vor(vshr(w1, 38), vshl(w2, 26)), mask);
    r->l[3] = vand(vor(vshr(w2, 25), vshl(w3, 39)), mask);
    r->l[4] = vand(vshr(w3, 12), mask);
}
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) { FN(_carry_limbs)(r, a->l[0], a->l[1], a->l[2], a->l[3], a->l[4]); }
/* Whether a limb is not below 2^52, negative ones included. */
#define FE_WIDE(t0, t1, t2, t3, t4) PC_RARE(vec_any_bit(vec_or3(vec_or3(t0, t1, t2), t3, t4), ~PC_MASK52))
/* Limb i of a + b, and of a + k p - b. */
#define FE_SUM(i)           vadd(a->l[i], b->l[i])
#define FE_DIFFERENCE(i, k) vsub(vadd(a->l[i], vset1((k) * (FE_M51 - ((i) == 0 ? 18 : 0)))), b->l[i])
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, FE_SUM(0), FE_SUM(1), FE_SUM(2), FE_SUM(3), FE_SUM(4));
}
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, FE_DIFFERENCE(0, 4), FE_DIFFERENCE(1, 4), FE_DIFFERENCE(2, 4), FE_DIFFERENCE(3, 4),
                     FE_DIFFERENCE(4, 4));
}
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = FE_SUM(0), t1 = FE_SUM(1), t2 = FE_SUM(2), t3 = FE_SUM(3), t4 = FE_SUM(4);
    if (FE_WIDE(t0, t1, t2, t3, t4))
        FN(_carry_limbs)(r, t0, t1, t2, t3, t4);
    else
        FN(_set)(r, t0, t1, t2, t3, t4);
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = FE_DIFFERENCE(0, 1), t1 = FE_DIFFERENCE(1, 1), t2 = FE_DIFFERENCE(2, 1), t3 = FE_DIFFERENCE(3, 1),
              t4 = FE_DIFFERENCE(4, 1);
    if (FE_WIDE(t0, t1, t2, t3, t4))
        IMPL(_subc)(r, a, b); /* with a larger multiple of p no limb is negative */
    else
        FN(_set)(r, t0, t1, t2, t3, t4);
}
#undef FE_WIDE
#undef FE_SUM
#undef FE_DIFFERENCE
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    const FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}

/* 19 x = x + 2 (9 x): column k + 5 becomes what the two accumulators of column k start from, of weight one and two. */
#define FE_FOLD(one, two, x) ((one) = (x), (two) = vadd(one, vshl(one, 3)))
PC_INLINE vec FN(_twice)(vec x, vec y) { return vadd(x, vadd(y, y)); } /* x + 2 y */
#define FE_TWICE FN(_twice)

PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const vec b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3], b4 = b->l[4];
    vec l0, l1, l2, l3, l4, l5, l6, l7, l8, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;
#define L(acc, x, y) VEC_MACL(acc, x, y)
#define H(acc, x, y) VEC_MACH(acc, x, y)
    l5 = L(L(L(L(zero, a1, b4), a2, b3), a3, b2), a4, b1);
    h5 = H(H(H(H(H(zero, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0);
    l6 = L(L(L(zero, a2, b4), a3, b3), a4, b2);
    h6 = H(H(H(H(zero, a1, b4), a2, b3), a3, b2), a4, b1);
    l7 = L(L(zero, a3, b4), a4, b3);
    h7 = H(H(H(zero, a2, b4), a3, b3), a4, b2);
    l8 = L(zero, a4, b4);
    h8 = H(H(zero, a3, b4), a4, b3);
    h9 = H(zero, a4, b4);
    l5 = FE_TWICE(l5, h5);
    l6 = FE_TWICE(l6, h6);
    l7 = FE_TWICE(l7, h7);
    l8 = FE_TWICE(l8, h8);
    h9 = vadd(h9, h9);
    FE_FOLD(l0, h0, l5);
    FE_FOLD(l1, h1, l6);
    FE_FOLD(l2, h2, l7);
    FE_FOLD(l3, h3, l8);
    FE_FOLD(l4, h4, h9);
    l0 = L(l0, a0, b0);
    l1 = L(L(l1, a0, b1), a1, b0);
    h1 = H(h1, a0, b0);
    l2 = L(L(L(l2, a0, b2), a1, b1), a2, b0);
    h2 = H(H(h2, a0, b1), a1, b0);
    l3 = L(L(L(L(l3, a0, b3), a1, b2), a2, b1), a3, b0);
    h3 = H(H(H(h3, a0, b2), a1, b1), a2, b0);
    l4 = L(L(L(L(L(l4, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0);
    h4 = H(H(H(H(h4, a0, b3), a1, b2), a2, b1), a3, b0);
    FN(_carry_limbs)(r, FE_TWICE(l0, h0), FE_TWICE(l1, h1), FE_TWICE(l2, h2), FE_TWICE(l3, h3), FE_TWICE(l4, h4));
}
/* Three accumulators per column, of weight one (low halves of squares), two (high halves of squares, low halves of
 * products) and four (high halves of products): nothing is doubled before it is summed up. Columns 5, 7 and 9 have no low
 * half of a square, so there half the column, s, is present: 19 * 2 s = 2 s + 4 (9 s). */
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    vec i0, i1, i2, i3, i4, i6, i8, j0, j1, j2, j3, j4, j5, j6, j7, j9, k0, k2, k3, k4, k5, k6, k7, k8;
    j5 = H(L(L(zero, a1, a4), a2, a3), a2, a2);
    k5 = H(H(zero, a0, a4), a1, a3);
    i6 = L(zero, a3, a3);
    j6 = L(zero, a2, a4);
    k6 = H(H(zero, a1, a4), a2, a3);
    j7 = H(L(zero, a3, a4), a3, a3);
    k7 = H(zero, a2, a4);
    i8 = L(zero, a4, a4);
    k8 = H(zero, a3, a4);
    j9 = H(zero, a4, a4);
    j5 = FE_TWICE(j5, k5);
    i6 = FE_TWICE(i6, FE_TWICE(j6, k6));
    j7 = FE_TWICE(j7, k7);
    i8 = vadd(i8, vshl(k8, 2));
    FE_FOLD(j0, k0, j5);
    FE_FOLD(i1, j1, i6);
    FE_FOLD(j2, k2, j7);
    FE_FOLD(i3, j3, i8);
    FE_FOLD(j4, k4, j9);
    i0 = L(zero, a0, a0);
    j1 = H(L(j1, a0, a1), a0, a0);
    i2 = L(zero, a1, a1);
    j2 = L(j2, a0, a2);
    k2 = H(k2, a0, a1);
    j3 = H(L(L(j3, a0, a3), a1, a2), a1, a1);
    k3 = H(zero, a0, a2);
    i4 = L(zero, a2, a2);
    j4 = L(L(j4, a0, a4), a1, a3);
    k4 = H(H(k4, a0, a3), a1, a2);
    FN(_carry_limbs)(r, FE_TWICE(i0, FE_TWICE(j0, k0)), FE_TWICE(i1, j1), FE_TWICE(i2, FE_TWICE(j2, k2)),
                     FE_TWICE(i3, FE_TWICE(j3, k3)), FE_TWICE(i4, FE_TWICE(j4, k4)));
}
/* Low halves below 2^52; high halves below 2^17, twice, and 38 times into limb 0. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    const vec zero = vzero(), f = vset1(k);
    vec t[5];
    t[0] = L(L(zero, a->l[0], f), H(zero, a->l[4], f), vset1(38));
    for (int i = 1; i < 5; i++) t[i] = FE_TWICE(L(zero, a->l[i], f), H(zero, a->l[i - 1], f));
    FN(_carry_limbs)(r, t[0], t[1], t[2], t[3], t[4]);
}
#undef L
#undef H
#undef FE_FOLD
#undef FE_TWICE
/* 2^51 is even, so limb 0 has the parity. Limbs stay below 2^52 + 2^51 with p, below 2^52 halved with the bit from above. */
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    const vec one = vset1(1), zero = vzero();
    const vmask odd = veq(vand(a->l[0], one), one);
    vec t[5];
    t[0] = vadd(a->l[0], vblend(odd, vset1(FE_M51 - 18), zero));
    for (int i = 1; i < 5; i++) t[i] = vadd(a->l[i], vblend(odd, vset1(FE_M51), zero));
    for (int i = 0; i < 4; i++) t[i] = vadd(vshr(t[i], 1), vshl(vand(t[i + 1], one), 50));
    t[4] = vshr(t[4], 1);
    FN(_carry_limbs)(r, t[0], t[1], t[2], t[3], t[4]);
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    const vec mask = vset1(FE_M51);
    FE_T t;
    IMPL(_carry)(&t, a); /* value < 2^255 + 2^209 < 2 p: it is >= p exactly when value + 19 carries into bit 255 */
    vec q = vshr(vadd(t.l[0], vset1(19)), 51);
    for (int i = 1; i < 5; i++) q = vshr(vadd(t.l[i], q), 51);
    vec c = VEC_MACL(vzero(), q, vset1(19));
    for (int i = 0; i < 5; i++) {
        c = vadd(c, t.l[i]);
        t.l[i] = vand(c, mask);
        c = vshr(c, 51); /* out of the top: the 2^255 of value + 19 q, dropped */
    }
    w[0] = vor(t.l[0], vshl(t.l[1], 51));
    w[1] = vor(vshr(t.l[1], 13), vshl(t.l[2], 38));
    w[2] = vor(vshr(t.l[2], 26), vshl(t.l[3], 25));
    w[3] = vor(vshr(t.l[3], 39), vshl(t.l[4], 12));
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec w[4];
    IMPL(_to_words)(w, a);
    return words_is_zero(w);
}
#include "fe_derived.inc.h"
#undef FE_M51
