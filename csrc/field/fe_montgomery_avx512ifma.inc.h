/* fe_montgomery_avx512ifma.inc.h - template: Montgomery fields modulo a sparse p = -1 mod 2^52 for eight lanes, R = 2^260, radix
 * 2^52, by 52-bit multiply-adds. Contract: field.h. Same domain, limbs and classes as fe_montgomery.inc.h; carries are parallel
 * (FE_CARRY_TO).
 *
 * Requires FE, FE_P, FE_R, FE_R2, and for p = FE_S0 + FE_S1 2^52 + FE_S2 2^104 + FE_S3 2^156 + FE_S4 2^208 with FE_S0 = -1:
 *   FE_S1, FE_S3, FE_S4        signed constants; FE_S2 is 0
 *                              FE_S4 = 2^48 - 2^16 in all of these primes
 *   FE_TIMES_S1(e), _S3(e)     S1 and S3 times a vec e, a small signed number, by shifts
 *   FE_STEP(c, i)              column i of c[10] is complete: its digit times p to the columns above, see below
 *   FE_START(c, doubled)       what the columns hold before any product; doubled: half of it, since they will be doubled
 *
 *   class   value    limb 4    comes from
 *   tight   < 2 p    < 2^49    mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   < 4 p    < 2^50    add, sub, neg (a + 2 p - b), mul_half3 (3 a b / 2 + p / 2 < 3.5 p)
 *
 *   mul, sqr of loose: (a b + m p) / R with m < R is below 16 p^2 / 2^260 + p < 2 p.
 *   carry, addc, subc: with e = floor(value / 2^256), in [-4, 8), value - e p = (value mod 2^256) + e (2^256 - p), which is
 *   below 2^256 + 8 * 2^224 < 2 p, and above -2^227: FE_CARRY_TO adds p where it is below zero. e is what limb 4 says once
 *   its sign is kept, less one where the limbs below it are negative as a whole, which the same repairs. */
#include "words.inc.h"
#define FE_OWN_PACK
#define FE_OWN_FUSED
#define FE_OWN_HALF3
#define FE_OWN_APART
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
/* p and 2 p by limbs, signed. */
static const uint64_t FN(_limbs_p)[5] = {(uint64_t)FE_S0, (uint64_t)FE_S1, 0, (uint64_t)FE_S3, (uint64_t)FE_S4};
static const uint64_t FN(_limbs_2p)[5] = {2 * (uint64_t)FE_S0, 2 * (uint64_t)FE_S1, 0, 2 * (uint64_t)FE_S3,
                                          2 * (uint64_t)FE_S4};
/* t plus limb i of 2 p. */
#define FE_PLUS_2P(t, i) (FE_S##i != 0 ? vadd(t, FN(_constant)(FN(_limbs_2p), i)) : (t))
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vadd(a->l[0], b->l[0]), t1 = vadd(a->l[1], b->l[1]), t2 = vadd(a->l[2], b->l[2]),
              t3 = vadd(a->l[3], b->l[3]), t4 = vadd(a->l[4], b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0);
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    const vec t0 = vsub(FE_PLUS_2P(a->l[0], 0), b->l[0]), t1 = vsub(FE_PLUS_2P(a->l[1], 1), b->l[1]),
              t2 = vsub(a->l[2], b->l[2]), t3 = vsub(FE_PLUS_2P(a->l[3], 3), b->l[3]),
              t4 = vsub(FE_PLUS_2P(a->l[4], 4), b->l[4]);
    FE_CARRY_TO(r, t0, t1, t2, t3, t4, 0); /* above zero, so limb 4 is right once the others are */
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    const FE_T z = IMPL(_zero)();
    IMPL(_sub)(r, &z, a);
}
/* r = t0 .. t4 - e p, e = floor(t4 / 2^48); `top`: t4 may be below zero. */
#define FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, top)                                                                     \
    do {                                                                                                                    \
        const vec e_ = vec_sar(t4, 48);                                                                                     \
        const vec s0_ = vadd(t0, e_), s1_ = vsub(t1, FE_TIMES_S1(e_)), s3_ = vsub(t3, FE_TIMES_S3(e_)),                     \
                  s4_ = vadd(vand(t4, FE_LIMB(_MASK48)), vshl(e_, 16));                                                     \
        FE_CARRY_TO(r, s0_, s1_, t2, s3_, s4_, top);                                                                        \
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
              t3 = vsub(a->l[3], b->l[3]), t4 = vsub(a->l[4], b->l[4]);
    FE_CARRY_TO_REDUCED(r, t0, t1, t2, t3, t4, 1);
}

#define L(acc, x, y) VEC_MACL(acc, x, y)
#define H(acc, x, y) VEC_MACH(acc, x, y)
/* The ten columns of a b / R mod p, of which 5 .. 9 are the result, tight in value; a column has
 * one accumulator, and the digits are taken as soon as their columns are complete: fewer operations, and still several chains
 * at work at any time. With p = -1 mod 2^52 digit i is column i itself, of which the multiplier reads 52 bits, and what the
 * column has above goes to the next. */
PC_INLINE void FN(_products)(vec c[10], const FE_T *a, const FE_T *b) {
    FE_START(c, 0);
#define ROW(i)                                                                                                              \
    c[i] = L(c[i], a->l[i], b->l[0]), c[i + 1] = L(c[i + 1], a->l[i], b->l[1]), c[i + 2] = L(c[i + 2], a->l[i], b->l[2]),   \
    c[i + 3] = L(c[i + 3], a->l[i], b->l[3]), c[i + 4] = L(c[i + 4], a->l[i], b->l[4]),                                     \
    c[i + 1] = H(c[i + 1], a->l[i], b->l[0]), c[i + 2] = H(c[i + 2], a->l[i], b->l[1]),                                     \
    c[i + 3] = H(c[i + 3], a->l[i], b->l[2]), c[i + 4] = H(c[i + 4], a->l[i], b->l[3]),                                     \
    c[i + 5] = H(c[i + 5], a->l[i], b->l[4]);                                                                               \
    FE_STEP(c, i)
    ROW(0);
    ROW(1);
    ROW(2);
    ROW(3);
    ROW(4);
#undef ROW
}
/* The same for a square. The products of different limbs are summed up, doubled once per column, and the squares added. */
PC_INLINE void FN(_squares)(vec c[10], const FE_T *a) {
    const vec a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3], a4 = a->l[4];
    FE_START(c, 1);
    c[1] = L(c[1], a0, a1), c[2] = L(c[2], a0, a2), c[3] = L(c[3], a0, a3), c[4] = L(c[4], a0, a4);
    c[2] = H(c[2], a0, a1), c[3] = H(c[3], a0, a2), c[4] = H(c[4], a0, a3), c[5] = H(c[5], a0, a4);
    c[3] = L(c[3], a1, a2), c[4] = L(c[4], a1, a3), c[5] = L(c[5], a1, a4);
    c[4] = H(c[4], a1, a2), c[5] = H(c[5], a1, a3), c[6] = H(c[6], a1, a4);
    c[5] = L(c[5], a2, a3), c[6] = L(c[6], a2, a4), c[7] = L(c[7], a3, a4);
    c[6] = H(c[6], a2, a3), c[7] = H(c[7], a2, a4), c[8] = H(c[8], a3, a4);
#pragma GCC unroll 8
    for (int i = 1; i < 9; i++) c[i] = vadd(c[i], c[i]);
    c[0] = L(c[0], a0, a0), c[1] = H(c[1], a0, a0), c[2] = L(c[2], a1, a1), c[3] = H(c[3], a1, a1);
    c[4] = L(c[4], a2, a2), c[5] = H(c[5], a2, a2), c[6] = L(c[6], a3, a3), c[7] = H(c[7], a3, a3);
    c[8] = L(c[8], a4, a4), c[9] = H(c[9], a4, a4);
    FE_STEP(c, 0);
    FE_STEP(c, 1);
    FE_STEP(c, 2);
    FE_STEP(c, 3);
    FE_STEP(c, 4);
}
PC_FN void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    vec c[10];
    FN(_products)(c, a, b);
    FE_CARRY_TO(r, c[5], c[6], c[7], c[8], c[9], 0);
}
PC_FN void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    vec c[10];
    FN(_squares)(c, a);
    FE_CARRY_TO(r, c[5], c[6], c[7], c[8], c[9], 0);
}
/* r = t - s, above -2 p: t + 2 p - s, loose. */
PC_INLINE void FN(_less)(FE_T *r, const vec t[5], const FE_T *s) {
    const vec t0 = vsub(t[0], s->l[0]), t1 = vsub(t[1], s->l[1]), t2 = vsub(t[2], s->l[2]), t3 = vsub(t[3], s->l[3]),
              t4 = vsub(t[4], s->l[4]);
    FE_CARRY_TO(r, FE_PLUS_2P(t0, 0), FE_PLUS_2P(t1, 1), t2, FE_PLUS_2P(t3, 3), FE_PLUS_2P(t4, 4), 0);
}
PC_FN void IMPL(_mul_sub)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    vec c[10];
    FN(_products)(c, a, b);
    FN(_less)(r, c + 5, s);
}
PC_FN void IMPL(_sqr_apart)(FE_T *minus, FE_T *plus, const FE_T *s, const FE_T *a) {
    vec c[10];
    FE_T t;
    FN(_squares)(c, a);
    for (int i = 0; i < 5; i++) t.l[i] = c[5 + i]; /* signed limbs, which is all the same here */
    const FE_T x = *s;
    FN(_less)(minus, x.l, &t);
    const vec t0 = vadd(x.l[0], c[5]), t1 = vadd(x.l[1], c[6]), t2 = vadd(x.l[2], c[7]), t3 = vadd(x.l[3], c[8]),
              t4 = vadd(x.l[4], c[9]);
    FE_CARRY_TO(plus, t0, t1, t2, t3, t4, 0);
}
/* r = t - s, where s is tight or the sum of up to three. */
#define FE_CARRY_TO_DIFFERENCE(r, t, s0, s1, s2, s3, s4)                                                                    \
    do {                                                                                                                    \
        const vec d0_ = vsub(t[0], s0), d1_ = vsub(t[1], s1), d2_ = vsub(t[2], s2), d3_ = vsub(t[3], s3),                   \
                  d4_ = vsub(t[4], s4);                                                                                     \
        FE_CARRY_TO_REDUCED(r, d0_, d1_, d2_, d3_, d4_, 1);                                                                 \
    } while (0)
PC_FN void IMPL(_mul_subc)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    vec c[10];
    FN(_products)(c, a, b);
    FE_CARRY_TO_DIFFERENCE(r, (c + 5), s->l[0], s->l[1], s->l[2], s->l[3], s->l[4]);
}
#define D(i) vadd(s->l[i], s->l[i])
PC_FN void IMPL(_sqr_sub2c)(FE_T *r, const FE_T *a, const FE_T *s) {
    vec c[10];
    FN(_squares)(c, a);
    FE_CARRY_TO_DIFFERENCE(r, (c + 5), D(0), D(1), D(2), D(3), D(4));
}
#define S(i) vadd(D(i), b->l[i])
PC_FN void IMPL(_sqr_sub12c)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *s) {
    vec c[10];
    FN(_squares)(c, a);
    FE_CARRY_TO_DIFFERENCE(r, (c + 5), S(0), S(1), S(2), S(3), S(4));
}
#undef S
#undef D
/* r = t / 2 modulo p with t's limbs as they come, plus those of `more` (NULL: nothing). */
PC_INLINE void FN(_halve)(FE_T *r, const vec t[5], const vec *more) {
    const vec bit51 = FE_LIMB(_BIT51);
    const vmask odd = vec_any_where(t[0], FE_LIMB(_ONE));
#define WITH_P(i) (FE_S##i != 0 ? vec_add_where(odd, t[i], FN(_constant)(FN(_limbs_p), i)) : t[i])
    const vec w0 = WITH_P(0), w1 = WITH_P(1), w2 = t[2], w3 = WITH_P(3), w4 = WITH_P(4);
#undef WITH_P
#define HALF(i, w) (more ? vadd(more[i], vec_sar(w, 1)) : vec_sar(w, 1))
    /* times 2^51 modulo 2^52: the lowest bit of a limb, where it goes in the limb below */
    const vec h0 = VEC_LOW(HALF(0, w0), w1, bit51), h1 = VEC_LOW(HALF(1, w1), w2, bit51),
              h2 = VEC_LOW(HALF(2, w2), w3, bit51), h3 = VEC_LOW(HALF(3, w3), w4, bit51), h4 = HALF(4, w4);
#undef HALF
    FE_CARRY_TO(r, h0, h1, h2, h3, h4, 0);
}
/* Halves of tight elements are tight as they are; others are carried first. */
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    FE_T x = *a;
    if (PC_RARE(vec_any_bit(x.l[4], ~0ULL << 49))) IMPL(_carry)(&x, a);
    FN(_halve)(r, x.l, NULL);
}
PC_FN void IMPL(_mul_half3)(FE_T *r, const FE_T *a, const FE_T *b) {
    vec c[10];
    FN(_products)(c, a, b);
    FN(_halve)(r, c + 5, c + 5);
}
PC_FN void IMPL(_sqr_half3)(FE_T *r, const FE_T *a) {
    vec c[10];
    FN(_squares)(c, a);
    FN(_halve)(r, c + 5, c + 5);
}
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
#undef FE_PLUS_2P
#undef FE_LIMB
#undef FE_START
#undef FE_STEP
#undef FE_S0
#undef FE_S1
#undef FE_S3
#undef FE_S4
#undef FE_TIMES_S1
#undef FE_TIMES_S3
