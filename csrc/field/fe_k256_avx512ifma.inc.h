/* fe_k256_avx512ifma.inc.h - 2^256 - 2^32 - 977 for eight lanes in radix 2^52, by 52-bit multiply-adds. Contract: field.h.
 *
 * 2^256 = K = 0x1000003d1, so p is 2^48 in limb 4 and -K in limb 0, and 2^260 = 16 K. The multiplier reads 52 bits, so
 * limbs are always carried, all at once (FE_CARRY_TO).
 *
 *   class   limbs 0..3   limb 4           comes from
 *   tight   < 2^52       < 2^48 + 2^7     mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 2^52       < 2^50           add (2 tight), sub, neg (a + 2 p - b: limb 4 above 0, below 2^49 + 2^48 + 2^7),
 *                                         mul_half3 (3/2 of a tight and (p + 1) / 2: limb 4 below 2^49 + 2^8)
 *
 *   mul, sqr: columns are at most nine halves, below 2^56. Columns 5 .. 9 join 0 .. 5 times 16 K < 2^37: a column's low 52
 *   bits by both halves, what it has above (at most 8; column 9 nothing) by the low half alone. The rest above bit 256,
 *   q < 2^9 + 2^41, joins columns 0 and 1 times K. Columns 0 .. 3 are below 2^57 in the end, so limb 4 takes less than 2^5
 *   with its 48 bits.
 *   carry: q < 4. addc, subc: q < 8 and q < 16; subc adds 8 p, so q stands for q - 8 and the rest may be below zero, which
 *   FE_CARRY_TO also sees and repairs by adding p. mul_subc, sqr_sub2c, sqr_sub12c: the same with 2, 4, 4 p. */
#define FE_OWN_FUSED
#define FE_OWN_HALF3
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
enum { FN(_K), FN(_2K), FN(_4K), FN(_16K), FN(_HALF_K), FN(_BIT47), FN(_BIT49), FN(_BIT50) }; /* places in FE_number */
static const uint64_t FN(_number)[] = {
    FE_K256_K,  2 * FE_K256_K, 4 * FE_K256_K, 16 * FE_K256_K, 0 - (uint64_t)(FE_K256_K / 2),
    1ULL << 47, 1ULL << 49,    1ULL << 50};
#define FE_NUMBER(name) FN(_constant)(FN(_number), FN(name))
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vsub(vsub(a->l[0], FE_NUMBER(_2K)), b->l[0]), t1 = vsub(a->l[1], b->l[1]), t2 = vsub(a->l[2], b->l[2]),
              t3 = vsub(a->l[3], b->l[3]), t4 = vsub(vadd(a->l[4], FE_NUMBER(_BIT49)), b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    const FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
/* t4 is below 2^52: what it has above bit 256 goes to limb 0. */
#define FE_TAKE_TOP(t0, t4)                                                                                                 \
    do {                                                                                                                    \
        (t0) = VEC_MACL(t0, vshr(t4, 48), FE_NUMBER(_K));                                                                   \
        (t4) = vand(t4, FE_LIMB(_MASK48));                                                                                  \
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
/* The columns of a product, row by row, one accumulator each. */
PC_INLINE void FN(_products)(vec c[10], const FE_T *a, const FE_T *b) {
    for (int k = 0; k < 10; k++) c[k] = vzero();
#define ROW(i)                                                                                                              \
    c[i] = L(c[i], a->l[i], b->l[0]), c[i + 1] = L(c[i + 1], a->l[i], b->l[1]), c[i + 2] = L(c[i + 2], a->l[i], b->l[2]),   \
    c[i + 3] = L(c[i + 3], a->l[i], b->l[3]), c[i + 4] = L(c[i + 4], a->l[i], b->l[4]),                                     \
    c[i + 1] = H(c[i + 1], a->l[i], b->l[0]), c[i + 2] = H(c[i + 2], a->l[i], b->l[1]),                                     \
    c[i + 3] = H(c[i + 3], a->l[i], b->l[2]), c[i + 4] = H(c[i + 4], a->l[i], b->l[3]),                                     \
    c[i + 5] = H(c[i + 5], a->l[i], b->l[4])
    ROW(4);
    ROW(3);
    ROW(2);
    ROW(1);
    ROW(0);
#undef ROW
}
/* The products of different limbs are summed up, doubled once per column, and the squares added. */
PC_INLINE void FN(_squares)(vec c[10], const FE_T *a) {
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    for (int k = 0; k < 10; k++) c[k] = vzero();
    c[5] = L(c[5], a2, a3), c[6] = L(c[6], a2, a4), c[7] = L(c[7], a3, a4), c[5] = L(c[5], a1, a4);
    c[6] = H(c[6], a2, a3), c[7] = H(c[7], a2, a4), c[8] = H(c[8], a3, a4), c[5] = H(c[5], a1, a3);
    c[6] = H(c[6], a1, a4), c[3] = L(c[3], a1, a2), c[4] = L(c[4], a1, a3), c[5] = H(c[5], a0, a4);
    c[1] = L(c[1], a0, a1), c[2] = L(c[2], a0, a2), c[3] = L(c[3], a0, a3), c[4] = L(c[4], a0, a4);
    c[2] = H(c[2], a0, a1), c[3] = H(c[3], a0, a2), c[4] = H(c[4], a0, a3), c[4] = H(c[4], a1, a2);
#pragma GCC unroll 8
    for (int i = 8; i > 0; i--) c[i] = vadd(c[i], c[i]);
    c[5] = H(c[5], a2, a2), c[6] = L(c[6], a3, a3), c[7] = H(c[7], a3, a3), c[8] = L(c[8], a4, a4), c[9] = H(c[9], a4, a4);
    c[0] = L(c[0], a0, a0), c[1] = H(c[1], a0, a0), c[2] = L(c[2], a1, a1), c[3] = H(c[3], a1, a1), c[4] = L(c[4], a2, a2);
}
/* t = c modulo p, tight but for its carries. */
PC_INLINE void FN(_reduce)(vec t[5], const vec c[10], const vec *s, uint64_t bias) {
    const vec k260 = FE_NUMBER(_16K), k256 = FE_NUMBER(_K);
    vec l0 = c[0], l1 = c[1], l2 = c[2], l3 = c[3], l4 = c[4];
    if (bias) { /* minus s, the sum of tights, plus bias p; bias is 2 or 4, more than their number */
        l0 = vsub(l0, vadd(s[0], bias == 2 ? FE_NUMBER(_2K) : FE_NUMBER(_4K)));
        l1 = vsub(l1, s[1]);
        l2 = vsub(l2, s[2]);
        l3 = vsub(l3, s[3]);
        l4 = vsub(l4, vsub(s[4], bias == 2 ? FE_NUMBER(_BIT49) : FE_NUMBER(_BIT50)));
    }
    l4 = L(l4, c[9], k260);
    vec t5 = H(vzero(), c[9], k260);
    l3 = VEC_LOW(l3, c[8], k260), l4 = L(VEC_HIGH(l4, c[8], k260), vshr(c[8], 52), k260);
    l2 = VEC_LOW(l2, c[7], k260), l3 = L(VEC_HIGH(l3, c[7], k260), vshr(c[7], 52), k260);
    l1 = VEC_LOW(l1, c[6], k260), l2 = L(VEC_HIGH(l2, c[6], k260), vshr(c[6], 52), k260);
    l0 = VEC_LOW(l0, c[5], k260), l1 = L(VEC_HIGH(l1, c[5], k260), vshr(c[5], 52), k260);
    const vec q = vadd(vshr(l4, 48), vshl(t5, 4));
    t[0] = L(l0, q, k256), t[1] = H(l1, q, k256), t[2] = l2, t[3] = l3, t[4] = vand(l4, FE_LIMB(_MASK48));
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    vec c[10], t[5];
    FN(_products)(c, a, b);
    FN(_reduce)(t, c, NULL, 0);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 0);
}
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vec c[10], t[5];
    FN(_squares)(c, a);
    FN(_reduce)(t, c, NULL, 0);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 0);
}
PC_FN void IMPL(_mul_subc)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    vec c[10], t[5];
    FN(_products)(c, a, b);
    FN(_reduce)(t, c, s->l, 2);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 2);
}
PC_INLINE void IMPL(_mul_sub)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) { IMPL(_mul_subc)(r, a, b, s); }
#define FE_SUM(x, y) {vadd(x[0], y[0]), vadd(x[1], y[1]), vadd(x[2], y[2]), vadd(x[3], y[3]), vadd(x[4], y[4])}
PC_FN void IMPL(_sqr_sub2c)(FE_T *r, const FE_T *a, const FE_T *s) {
    const vec twice[5] = FE_SUM(s->l, s->l);
    vec c[10], t[5];
    FN(_squares)(c, a);
    FN(_reduce)(t, c, twice, 4);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 4);
}
PC_FN void IMPL(_sqr_sub12c)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    const vec twice[5] = FE_SUM(s->l, s->l), sum[5] = FE_SUM(twice, b->l);
    vec c[10], t[5];
    FN(_squares)(c, a);
    FN(_reduce)(t, c, sum, 4);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 4);
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
/* r = t / 2 + odd (p + 1) / 2, with (p + 1) / 2 = 2^255 - (K - 1) / 2, plus the limbs of `more` (NULL: nothing). */
PC_INLINE void FN(_halve)(FE_T *r, const vec t[5], const vec *more) {
    const vec bit51 = FE_LIMB(_BIT51);
    const vmask odd = vec_any_where(t[0], FE_LIMB(_ONE));
#define HALF(i) (more ? vadd(more[i], vec_sar(t[i], 1)) : vec_sar(t[i], 1))
    /* times 2^51 modulo 2^52: the lowest bit of a limb, where it goes in the limb below */
    const vec h0 = vec_add_where(odd, VEC_LOW(HALF(0), t[1], bit51), FE_NUMBER(_HALF_K)), h1 = VEC_LOW(HALF(1), t[2], bit51),
              h2 = VEC_LOW(HALF(2), t[3], bit51), h3 = VEC_LOW(HALF(3), t[4], bit51),
              h4 = vec_add_where(odd, HALF(4), FE_NUMBER(_BIT47));
#undef HALF
    FE_CARRY_TO(r, h0, h1, h2, h3, h4, 0);
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    vec t[5] = {a->l[0], a->l[1], a->l[2], a->l[3], a->l[4]};
    FE_TAKE_TOP(t[0], t[4]); /* limb 0 below 2^52 + 2^35, which does not matter here */
    FN(_halve)(r, t, NULL);
}
PC_FN void IMPL(_mul_half3)(FE_T *r, const FE_T *a, const FE_T *b) {
    vec c[10], t[5];
    FN(_products)(c, a, b);
    FN(_reduce)(t, c, NULL, 0);
    FN(_halve)(r, t, t);
}
PC_FN void IMPL(_sqr_half3)(FE_T *r, const FE_T *a) {
    vec c[10], t[5];
    FN(_squares)(c, a);
    FN(_reduce)(t, c, NULL, 0);
    FN(_halve)(r, t, t);
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
#undef FE_LIMB
#undef FE_NUMBER
