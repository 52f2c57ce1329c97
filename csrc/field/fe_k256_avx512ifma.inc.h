/* fe_k256_avx512ifma.inc.h - 2^256 - 2^32 - 977 for eight lanes in radix 2^52, by 52-bit multiply-adds. Contract: field.h.
 *
 * 2^256 = K = 0x1000003d1, so p is 2^48 in limb 4 and -K in limb 0, and 2^260 = 16 K. The multiplier reads 52 bits, so
 * limbs are always carried, all at once (FE_CARRY_TO).
 *
 *   class   limbs 0..3   limb 4           comes from
 *   tight   < 2^52       < 2^48 + 2^7     mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^52       < 2^50           add (2 tight), sub, neg (a + 2 p - b: limb 4 above 0, below 2^49 + 2^48 + 2^7)
 *
 *   mul, sqr: columns are at most nine halves, below 2^56. Columns 5 .. 9 join 0 .. 5 times 16 K < 2^37: a column's low 52
 *   bits by both halves, what it has above (at most 8; column 9 nothing) by the low half alone. The rest above bit 256,
 *   q < 2^9 + 2^41, joins columns 0 and 1 times K. Columns 0 .. 3 are below 2^57 in the end, so limb 4 takes less than 2^5
 *   with its 48 bits.
 *   carry: q < 4. addc, subc: q < 8 and q < 16; subc adds 8 p, so q stands for q - 8 and the rest may be below zero, which
 *   FE_CARRY_TO also sees and repairs by adding p. mul_subc, sqr_sub2c, sqr_sub12c: the same with 2, 4, 4 p. */
#define FE_OWN_FUSED
#include "fe_limbs52.inc.h"
#include "fe_carry_avx512ifma.inc.h"
#define FE_IS_TIGHT(a) FN(_limbs_below)(a, PC_MASK52 + 1, (1ULL << 48) + (1 << 7))
#define FE_IS_LOOSE(a) FN(_limbs_below)(a, PC_MASK52 + 1, 1ULL << 50)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = IMPL(_zero)();
    r.l[0] = vset1(1);
    return r;
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) { words_to_limbs52(r->l, w); }
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vadd(a->l[0], b->l[0]), t1 = vadd(a->l[1], b->l[1]), t2 = vadd(a->l[2], b->l[2]),
              t3 = vadd(a->l[3], b->l[3]), t4 = vadd(a->l[4], b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vsub(vsub(a->l[0], vset1(2 * FE_K256_K)), b->l[0]), t1 = vsub(a->l[1], b->l[1]),
              t2 = vsub(a->l[2], b->l[2]), t3 = vsub(a->l[3], b->l[3]), t4 = vsub(vadd(a->l[4], vset1(2ULL << 48)), b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    const FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
/* t4 is below 2^52: what it has above bit 256 goes to limb 0. */
#define FE_TAKE_TOP(t0, t4)                                                                                                 \
    do {                                                                                                                    \
        (t0) = VEC_MACL(t0, vshr(t4, 48), vset1(FE_K256_K));                                                                \
        (t4) = vand(t4, vset1(PC_MASK48));                                                                                  \
    } while (0)
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) {
    vec t0 = a->l[0], t4 = a->l[4];
    FE_TAKE_TOP(t0, t4);
    FE_CARRY_TO(r, t0, a->l[1], a->l[2], a->l[3], t4, 0);
}
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t1 = vadd(a->l[1], b->l[1]), t2 = vadd(a->l[2], b->l[2]), t3 = vadd(a->l[3], b->l[3]);
    vec t0 = vadd(a->l[0], b->l[0]), t4 = vadd(a->l[4], b->l[4]);
    FE_TAKE_TOP(t0, t4);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t1 = vsub(a->l[1], b->l[1]), t2 = vsub(a->l[2], b->l[2]), t3 = vsub(a->l[3], b->l[3]);
    vec t0 = vsub(vsub(a->l[0], vset1(8 * FE_K256_K)), b->l[0]), t4 = vsub(vadd(a->l[4], vset1(8ULL << 48)), b->l[4]);
    FE_TAKE_TOP(t0, t4);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 1);
}

#define L(acc, x, y) VEC_MACL(acc, x, y)
#define H(acc, x, y) VEC_MACH(acc, x, y)
/* The result of a product: columns 0 .. 9, the low ones in two parts. */
typedef struct FN(_columns_s) {
    vec l0, l1, l2, l3, l4, h1, h2, h3, h4, c5, c6, c7, c8, c9;
} FN(_columns);

PC_INLINE void FN(_products)(FN(_columns) * c, const FE_T *a, const FE_T *b) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const vec b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3], b4 = b->l[4];
    c->c5 =
        vadd(L(L(L(L(zero, a1, b4), a2, b3), a3, b2), a4, b1), H(H(H(H(H(zero, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0));
    c->c6 = vadd(L(L(L(zero, a2, b4), a3, b3), a4, b2), H(H(H(H(zero, a1, b4), a2, b3), a3, b2), a4, b1));
    c->c7 = vadd(L(L(zero, a3, b4), a4, b3), H(H(H(zero, a2, b4), a3, b3), a4, b2));
    c->c8 = H(H(L(zero, a4, b4), a3, b4), a4, b3);
    c->c9 = H(zero, a4, b4);
    c->l4 = L(L(L(L(L(zero, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0);
    c->h4 = H(H(H(H(zero, a0, b3), a1, b2), a2, b1), a3, b0);
    c->l3 = L(L(L(L(zero, a0, b3), a1, b2), a2, b1), a3, b0);
    c->h3 = H(H(H(zero, a0, b2), a1, b1), a2, b0);
    c->l2 = L(L(L(zero, a0, b2), a1, b1), a2, b0);
    c->h2 = H(H(zero, a0, b1), a1, b0);
    c->l1 = L(L(zero, a0, b1), a1, b0);
    c->h1 = H(zero, a0, b0);
    c->l0 = L(zero, a0, b0);
}
PC_INLINE vec FN(_twice)(vec x) { return vadd(x, x); }
#define D(x) FN(_twice)(x)
/* The products of different limbs are summed up, doubled once per column, and the squares added. */
PC_INLINE void FN(_squares)(FN(_columns) * c, const FE_T *a) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    c->c5 = H(D(H(H(L(L(zero, a1, a4), a2, a3), a0, a4), a1, a3)), a2, a2);
    c->c6 = L(D(H(H(L(zero, a2, a4), a1, a4), a2, a3)), a3, a3);
    c->c7 = H(D(H(L(zero, a3, a4), a2, a4)), a3, a3);
    c->c8 = L(D(H(zero, a3, a4)), a4, a4);
    c->c9 = H(zero, a4, a4);
    c->l4 = L(D(H(H(L(L(zero, a0, a4), a1, a3), a0, a3), a1, a2)), a2, a2);
    c->l3 = H(D(H(L(L(zero, a0, a3), a1, a2), a0, a2)), a1, a1);
    c->l2 = L(D(H(L(zero, a0, a2), a0, a1)), a1, a1);
    c->l1 = H(D(L(zero, a0, a1)), a0, a0);
    c->l0 = L(zero, a0, a0);
    c->h1 = c->h2 = c->h3 = c->h4 = zero;
}
#undef D
/* r = c - s + bias p, s the sum of tights, `bias` more than their number or 0: no s. */
PC_INLINE void FN(_reduce)(FE_T *r, const FN(_columns) * c, const vec s[5], uint64_t bias) {
    const vec k260 = vset1(16 * FE_K256_K), k256 = vset1(FE_K256_K);
    vec l0 = VEC_LOW(c->l0, c->c5, k260);
    vec l1 = VEC_LOW(c->l1, c->c6, k260), h1 = L(VEC_HIGH(c->h1, c->c5, k260), vshr(c->c5, 52), k260);
    vec l2 = VEC_LOW(c->l2, c->c7, k260), h2 = L(VEC_HIGH(c->h2, c->c6, k260), vshr(c->c6, 52), k260);
    vec l3 = VEC_LOW(c->l3, c->c8, k260), h3 = L(VEC_HIGH(c->h3, c->c7, k260), vshr(c->c7, 52), k260);
    vec l4 = L(c->l4, c->c9, k260), h4 = L(VEC_HIGH(c->h4, c->c8, k260), vshr(c->c8, 52), k260);
    vec t4 = vadd(l4, h4), t5 = H(vzero(), c->c9, k260);
    if (bias) {
        l0 = vsub(l0, vadd(s[0], vset1(bias * FE_K256_K)));
        l1 = vsub(l1, s[1]);
        l2 = vsub(l2, s[2]);
        l3 = vsub(l3, s[3]);
        t4 = vsub(t4, vsub(s[4], vset1(bias << 48)));
    }
    const vec q = vadd(vshr(t4, 48), vshl(t5, 4));
    const vec t0 = L(l0, q, k256), t1 = vadd(l1, H(h1, q, k256)), t2 = vadd(l2, h2), t3 = vadd(l3, h3);
    FE_CARRY_TO(r, t0, t1, t2, t3, vand(t4, vset1(PC_MASK48)), bias);
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_columns) c;
    FN(_products)(&c, a, b);
    FN(_reduce)(r, &c, 0, 0);
}
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    FN(_columns) c;
    FN(_squares)(&c, a);
    FN(_reduce)(r, &c, 0, 0);
}
PC_FN void IMPL(_mul_subc)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    FN(_columns) c;
    FN(_products)(&c, a, b);
    FN(_reduce)(r, &c, s->l, 2);
}
PC_INLINE void IMPL(_mul_sub)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) { IMPL(_mul_subc)(r, a, b, s); }
#define FE_SUM(x, y) {vadd(x[0], y[0]), vadd(x[1], y[1]), vadd(x[2], y[2]), vadd(x[3], y[3]), vadd(x[4], y[4])}
PC_FN void IMPL(_sqr_sub2c)(FE_T *r, const FE_T *a, const FE_T *s) {
    const vec twice[5] = FE_SUM(s->l, s->l);
    FN(_columns) c;
    FN(_squares)(&c, a);
    FN(_reduce)(r, &c, twice, 4);
}
PC_FN void IMPL(_sqr_sub12c)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    const vec twice[5] = FE_SUM(s->l, s->l), sum[5] = FE_SUM(twice, b->l);
    FN(_columns) c;
    FN(_squares)(&c, a);
    FN(_reduce)(r, &c, sum, 4);
}
#undef FE_SUM
/* Column 4 is below 2^52 + 2^17 and column 5 below 2^15: q is below 2^20. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    const vec zero = vzero(), f = vset1(k), k256 = vset1(FE_K256_K);
    const vec t4 = H(L(zero, a->l[4], f), a->l[3], f), t5 = H(zero, a->l[4], f), q = vadd(vshr(t4, 48), vshl(t5, 4));
    const vec t0 = L(L(zero, a->l[0], f), q, k256), t1 = H(H(L(zero, a->l[1], f), a->l[0], f), q, k256);
    const vec t2 = H(L(zero, a->l[2], f), a->l[1], f), t3 = H(L(zero, a->l[3], f), a->l[2], f);
    FE_CARRY_TO(r, t0, t1, t2, t3, vand(t4, vset1(PC_MASK48)), 0);
}
#undef L
#undef H
/* (a - odd) / 2 + odd (p + 1) / 2, and (p + 1) / 2 = 2^255 - (K - 1) / 2. */
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    const vec one = vset1(1), bit51 = vset1(1ULL << 51);
    vec a0 = a->l[0], a4 = a->l[4];
    FE_TAKE_TOP(a0, a4); /* limb 0 below 2^52 + 2^35, which does not matter here */
    const vmask odd = veq(vand(a0, one), one);
    const vec h0 = vadd(vshr(a0, 1), vand(vshl(a->l[1], 51), bit51)),
              t1 = vor(vshr(a->l[1], 1), vand(vshl(a->l[2], 51), bit51));
    const vec t2 = vor(vshr(a->l[2], 1), vand(vshl(a->l[3], 51), bit51)),
              t3 = vor(vshr(a->l[3], 1), vand(vshl(a4, 51), bit51));
    const vec t0 = vsub(h0, vblend(odd, vset1(FE_K256_K / 2), vzero()));
    const vec t4 = vadd(vshr(a4, 1), vblend(odd, vset1(1ULL << 47), vzero()));
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
#undef FE_TAKE_TOP
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a); /* below 2^256 + 2^35 < 2 p */
    FN(_limbs_reduce_once)(t.l, 1);
    words_from_limbs52(w, t.l);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    FE_T t;
    IMPL(_carry)(&t, a);
    return FN(_limbs_is_multiple)(t.l, 1);
}
#include "fe_derived.inc.h"
#undef FE_CARRY_TO
