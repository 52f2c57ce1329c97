/* fe_montgomery_avx512ifma.inc.h - template: Montgomery fields modulo a sparse p = -1 mod 2^52 for eight lanes, R = 2^260, radix
 * 2^52, by 52-bit multiply-adds. Contract: field.h. Same domain, limbs and classes as fe_montgomery.inc.h; carries are parallel
 * (FE_CARRY_TO).
 *
 * Requires FE, FE_P, FE_R, FE_R2, and for p = FE_S0 + FE_S1 2^52 + FE_S2 2^104 + FE_S3 2^156 + FE_S4 2^208 with FE_S0 = -1:
 *   FE_S1, FE_S3, FE_S4        signed constants; FE_S2 is 0
 *                              FE_S4 = 2^48 - 2^16 in all of these primes
 *   FE_TIMES_S1(e), _S3(e)     S1 and S3 times a vec e, a small signed number, by shifts
 *   FE_STEPS(l, h, n)          the five digits, see below
 *
 *   class   value    limb 4    comes from
 *   tight   < 2 p    < 2^49    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 4 p    < 2^50    add, sub, neg (a + 2 p - b)
 *
 *   mul, sqr of loose: (a b + m p) / R with m < R is below 16 p^2 / 2^260 + p < 2 p.
 *   carry, addc, subc: with e = floor(value / 2^256), in [0, 8), value - e p = (value mod 2^256) + e (2^256 - p), which is
 *   below 2^256 + 8 * 2^224 < 2 p. subc adds 4 p first, three parts of it after the division: e is in [-4, 4), and the
 *   result above -2^227; FE_CARRY_TO adds p where it is below zero. mul_subc, sqr_sub2c, sqr_sub12c: the same with 2, 4, 6 p, of
 *   which limb 4 of what is taken away is less. */
#include "words.inc.h"
#define FE_OWN_PACK
#define FE_OWN_FUSED
#include "fe_limbs52.inc.h"
#include "fe_carry_avx512ifma.inc.h"

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
/* t plus a constant that may be 0. */
#define FE_PLUS(t, constant) ((constant) != 0 ? vadd(t, vset1((uint64_t)(constant))) : (t))
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vadd(a->l[0], b->l[0]), t1 = vadd(a->l[1], b->l[1]), t2 = vadd(a->l[2], b->l[2]),
              t3 = vadd(a->l[3], b->l[3]), t4 = vadd(a->l[4], b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vsub(FE_PLUS(a->l[0], 2 * FE_S0), b->l[0]), t1 = vsub(FE_PLUS(a->l[1], 2 * FE_S1), b->l[1]),
              t2 = vsub(a->l[2], b->l[2]), t3 = vsub(FE_PLUS(a->l[3], 2 * FE_S3), b->l[3]),
              t4 = vsub(FE_PLUS(a->l[4], 2 * FE_S4), b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0); /* above zero, so limb 4 is right once the others are */
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    const FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
/* r = t0 .. t4 - e p, e = floor(t4 / 2^48) - bias, where t4 holds bias 2^48 too much already. */
#define FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, bias)                                                                    \
    do {                                                                                                                    \
        const vec e_ = FE_PLUS(vshr(t4, 48), -(bias));                                                                      \
        const vec s0_ = vadd(t0, e_), s1_ = vsub(t1, FE_TIMES_S1(e_)), s3_ = vsub(t3, FE_TIMES_S3(e_)),                     \
                  s4_ = vadd(vand(t4, vset1(PC_MASK48)), vshl(e_, 16));                                                     \
        FE_CARRY_TO(r, s0_, s1_, t2, s3_, s4_, bias);                                                                       \
    } while (0)
PC_INLINE void IMPL(_carry)(FE_T *r, const FE_T *a) {
    const vec t0 = a->l[0], t1 = a->l[1], t2 = a->l[2], t3 = a->l[3], t4 = a->l[4];
    FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vadd(a->l[0], b->l[0]), t1 = vadd(a->l[1], b->l[1]), t2 = vadd(a->l[2], b->l[2]),
              t3 = vadd(a->l[3], b->l[3]), t4 = vadd(a->l[4], b->l[4]);
    FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vsub(a->l[0], b->l[0]), t1 = vsub(a->l[1], b->l[1]), t2 = vsub(a->l[2], b->l[2]),
              t3 = vsub(a->l[3], b->l[3]), t4 = vsub(vadd(a->l[4], vset1(4ULL << 48)), b->l[4]);
    FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, 4);
}

#define L(acc, x, y) VEC_MACL(acc, x, y)
#define H(acc, x, y) VEC_MACH(acc, x, y)
/* t = (l + h) / R mod p as five columns, tight in value. Column k is l[k] + h[k], and n[k] is still to be taken away; l[0]
 * and h[9] are alone. With p = -1 mod 2^52 digit i is column i itself, of which the multiplier reads 52 bits, and what
 * column i has above goes to the next. */
PC_INLINE void FN(_reduce)(vec t[5], vec l[10], vec h[10]) {
    vec n[10];
    FE_STEPS(l, h, n);
    t[0] = FE_COLUMN(5), t[1] = FE_COLUMN(6), t[2] = FE_COLUMN(7), t[3] = FE_COLUMN(8), t[4] = h[9];
}
PC_INLINE void FN(_products)(vec t[5], const FE_T *a, const FE_T *b) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    const vec b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3], b4 = b->l[4];
    vec l[10], h[10];
    l[0] = L(zero, a0, b0);
    l[1] = L(L(zero, a0, b1), a1, b0);
    h[1] = H(zero, a0, b0);
    l[2] = L(L(L(zero, a0, b2), a1, b1), a2, b0);
    h[2] = H(H(zero, a0, b1), a1, b0);
    l[3] = L(L(L(L(zero, a0, b3), a1, b2), a2, b1), a3, b0);
    h[3] = H(H(H(zero, a0, b2), a1, b1), a2, b0);
    l[4] = L(L(L(L(L(zero, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0);
    h[4] = H(H(H(H(zero, a0, b3), a1, b2), a2, b1), a3, b0);
    l[5] = L(L(L(L(zero, a1, b4), a2, b3), a3, b2), a4, b1);
    h[5] = H(H(H(H(H(zero, a0, b4), a1, b3), a2, b2), a3, b1), a4, b0);
    l[6] = L(L(L(zero, a2, b4), a3, b3), a4, b2);
    h[6] = H(H(H(H(zero, a1, b4), a2, b3), a3, b2), a4, b1);
    l[7] = L(L(zero, a3, b4), a4, b3);
    h[7] = H(H(H(zero, a2, b4), a3, b3), a4, b2);
    l[8] = L(zero, a4, b4);
    h[8] = H(H(zero, a3, b4), a4, b3);
    h[9] = H(zero, a4, b4);
    FN(_reduce)(t, l, h);
}
PC_INLINE vec FN(_twice)(vec x) { return vadd(x, x); }
#define D(x) FN(_twice)(x)
/* The products of different limbs are summed up, doubled once per column, and the squares added. */
PC_INLINE void FN(_squares)(vec t[5], const FE_T *a) {
    const vec zero = vzero();
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    vec l[10], h[10];
    l[0] = L(zero, a0, a0);
    l[1] = H(D(L(zero, a0, a1)), a0, a0);
    l[2] = L(D(H(L(zero, a0, a2), a0, a1)), a1, a1);
    l[3] = H(D(H(L(L(zero, a0, a3), a1, a2), a0, a2)), a1, a1);
    l[4] = L(D(H(H(L(L(zero, a0, a4), a1, a3), a0, a3), a1, a2)), a2, a2);
    l[5] = H(D(H(H(L(L(zero, a1, a4), a2, a3), a0, a4), a1, a3)), a2, a2);
    l[6] = L(D(H(H(L(zero, a2, a4), a1, a4), a2, a3)), a3, a3);
    l[7] = H(D(H(L(zero, a3, a4), a2, a4)), a3, a3);
    l[8] = L(D(H(zero, a3, a4)), a4, a4);
    h[1] = h[2] = h[3] = h[4] = h[5] = h[6] = h[7] = h[8] = zero;
    h[9] = H(zero, a4, a4);
    FN(_reduce)(t, l, h);
}
#undef D
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    vec t[5];
    FN(_products)(t, a, b);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 0);
}
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vec t[5];
    FN(_squares)(t, a);
    FE_CARRY_TO(r, t[0], t[1], t[2], t[3], t[4], 0);
}
PC_FN void IMPL(_mul_sub)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    vec t[5];
    FN(_products)(t, a, b);
    const vec t0 = vsub(t[0], FE_PLUS(c->l[0], -2 * FE_S0)), t1 = vsub(t[1], FE_PLUS(c->l[1], -2 * FE_S1)),
              t2 = vsub(t[2], c->l[2]), t3 = vsub(t[3], FE_PLUS(c->l[3], -2 * FE_S3)),
              t4 = vsub(t[4], FE_PLUS(c->l[4], -2 * FE_S4));
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0); /* above zero */
}
/* r = t - s, where s is tight or the sum of up to three; `bias` is even and not below twice their number. */
#define FE_CARRY_TO_DIFFERENCE(r, t, s0, s1, s2, s3, s4, bias)                                                              \
    do {                                                                                                                    \
        const vec d0_ = vsub(t[0], s0), d1_ = vsub(t[1], s1), d2_ = vsub(t[2], s2), d3_ = vsub(t[3], s3),                   \
                  d4_ = vsub(t[4], vsub(s4, vset1((uint64_t)(bias) << 48)));                                                \
        FE_CARRY_TO_REDUCED(r, d0_, d1_, d2_, d3_, d4_, bias);                                                              \
    } while (0)
PC_FN void IMPL(_mul_subc)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    vec t[5];
    FN(_products)(t, a, b);
    FE_CARRY_TO_DIFFERENCE(r, t, c->l[0], c->l[1], c->l[2], c->l[3], c->l[4], 2);
}
#define D(i) FN(_twice)(c->l[i])
PC_FN void IMPL(_sqr_sub2c)(FE_T *r, const FE_T *a, const FE_T *c) {
    vec t[5];
    FN(_squares)(t, a);
    FE_CARRY_TO_DIFFERENCE(r, t, D(0), D(1), D(2), D(3), D(4), 4);
}
#define S(i) vadd(D(i), b->l[i])
PC_FN void IMPL(_sqr_sub12c)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    vec t[5];
    FN(_squares)(t, a);
    FE_CARRY_TO_DIFFERENCE(r, t, S(0), S(1), S(2), S(3), S(4), 6);
}
#undef S
#undef D
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    static const uint64_t R2[5] = PC_LIMBS52(FE_R2);
    FE_T a, b;
    words_to_limbs52(a.l, w); /* below 2^256 < 4 p */
    for (int i = 0; i < 5; i++) b.l[i] = vset1(R2[i]);
    IMPL(_mul)(r, &a, &b);
}
PC_FN void IMPL(_pack)(vec w[4], const FE_T *a) {
    vec t[5];
    for (int i = 0; i < 5; i++) t[i] = a->l[i];
    FN(_limbs_reduce_once)(t, 1);
    words_from_limbs52(w, t);
}
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[4]) { words_to_limbs52(r->l, w); }
/* Up to 8 by the limbs: columns below 2^53, and e = floor(value / 2^256) below 32. A larger k enters the domain first. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    if (k <= 8) {
        const vec zero = vzero(), f = vset1(k);
        const vec t0 = L(zero, a->l[0], f), t1 = H(L(zero, a->l[1], f), a->l[0], f), t2 = H(L(zero, a->l[2], f), a->l[1], f);
        const vec t3 = H(L(zero, a->l[3], f), a->l[2], f), low4 = H(L(zero, a->l[4], f), a->l[3], f);
        const vec t4 = vadd(low4, vshl(H(zero, a->l[4], f), 52));
        FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, 0);
    } else {
        vec w[4] = {vset1(k), vzero(), vzero(), vzero()};
        FE_T t;
        IMPL(_from_words)(&t, w);
        IMPL(_mul)(r, a, &t);
    }
}
#undef L
#undef H
/* (a + odd p) / 2. Halves of tight elements are tight as they are; others are carried first. */
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    const vec one = vset1(1), bit51 = vset1(1ULL << 51), zero = vzero();
    FE_T x = *a;
    if (PC_RARE(vec_any_bit(x.l[4], ~0ULL << 49))) IMPL(_carry)(&x, a);
    const vmask odd = veq(vand(x.l[0], one), one);
#define SHIFTED(i)    vor(vshr(x.l[i], 1), vand(vshl(x.l[i + 1], 51), bit51))
#define WITH(t, half) vadd(t, vblend(odd, vset1((uint64_t)(half)), zero))
    const vec t0 = SHIFTED(0), t1 = WITH(SHIFTED(1), FE_S1 / 2), t2 = SHIFTED(2), h3 = SHIFTED(3);
    const vec t3 = FE_S3 != 0 ? WITH(h3, FE_S3 / 2) : h3, t4 = WITH(vshr(x.l[4], 1), FE_S4 / 2);
#undef SHIFTED
#undef WITH
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    FE_T t, one = IMPL(_zero)();
    one.l[0] = vset1(1);
    IMPL(_mul)(&t, a, &one); /* (4 p + m p) / R <= p */
    FN(_limbs_reduce_once)(t.l, 1);
    words_from_limbs52(w, t.l);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) { return FN(_limbs_is_multiple)(a->l, 3); }
#include "fe_derived.inc.h"
#undef FE_CARRY_TO
#undef FE_CARRY_TO_REDUCED
#undef FE_CARRY_TO_DIFFERENCE
#undef FE_PLUS
#undef FE_COLUMN
#undef FE_STEP
#undef FE_STEPS
#undef FE_S0
#undef FE_S1
#undef FE_S3
#undef FE_S4
#undef FE_TIMES_S1
#undef FE_TIMES_S3
