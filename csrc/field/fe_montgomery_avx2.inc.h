/* fe_montgomery_avx2.inc.h - template: P-256 and SM2, Montgomery form with R = 2^260 as in fe_montgomery.inc.h, for four lanes in
 * radix 2^52, limbs signed and held as doubles. Contract: field.h. Products: fe_doubles_avx2.h.
 *
 * Requires FE, FE_P, FE_R, FE_R2 (params.h) for a prime p = 2^256 - 2^224 + S - 1 with a sparse S = 0 mod 2^52, S < 2^208, and
 *   FE_P1, FE_P3              limbs 1 and 3 of p with signs (limb 0 is -1, limb 2 is 0, limb 4 is 2^48 - 2^16)
 *   FE_SPREAD(v, c1 .. c4)    adds v S to the columns from that of v on, v < 2^52: shifts
 *   FE_SPREAD2, FE_SPREAD4    the same for v = 2^51, a constant: its part in columns 2 and 4 (there is none in 1 and 3)
 *
 *   class   value    limbs 0..3           comes from
 *   tight   +-p      |.| <= 2^51 + 2^44   mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   +-2 p    |.| <= 2^51 + 2^44   add, sub, neg; carried, see fe_k256_avx2.inc.h
 *
 *   mul of loose: |a b| / R <= 4 p^2 / 2^260 < p / 4, and |m| p / R <= p / 2 because the quotient digits are in [-2^51,
 *   2^51).
 *   carry, addc, subc: minus the nearest multiple of p as limb 4 tells, at most 4: less than p / 2 + 2^227 is left.
 *   half: p of the other sign is added, so |a| <= 2 p becomes p at most. to_words: of a 1 / R, at most p / 2 + 1. */
#define FE_OWN_PACK
#define FE_OWN_SUB2C
#include "fe_doubles_avx2.h"
#include "fe_limbs52.inc.h"
#define FE_P4 (DB_TWO48 - 65536.0)

#ifdef PC_VERIFY
/* -k p <= a <= k p, limbs 0..3 as they should be. */
PC_FN int FN(_within)(const FE_T *a, int64_t k) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    if (!db_within(a->l, DB_TWO51 + 17592186044416.0, 8 * DB_TWO48)) return 0;
    for (int lane = 0; lane < VL; lane++) {
        int64_t above = 0, below = 0;
        for (int i = 0; i < 5; i++) {
            const int64_t x = (int64_t)DB_LIMB(a, i)[lane];
            above = (k * (int64_t)P[i] - x + above) >> 52;
            below = (k * (int64_t)P[i] + x + below) >> 52;
        }
        if (above < 0 || below < 0) return 0;
    }
    return 1;
}
#endif
#define FE_IS_TIGHT(a) FN(_within)(a, 1)
#define FE_IS_LOOSE(a) FN(_within)(a, 2)

/* Limbs below 2^53: every limb but the top one to its remainder in [-2^51, 2^51] and the carry of the one below. */
PC_INLINE void FN(_settle)(FE_T *r, vdbl x0, vdbl x1, vdbl x2, vdbl x3, vdbl x4) {
    const vdbl down = db_set1(1 / DB_TWO52), up = db_set1(DB_TWO52);
    const vdbl q0 = db_round(db_mul(x0, down)), q1 = db_round(db_mul(x1, down)), q2 = db_round(db_mul(x2, down));
    const vdbl q3 = db_round(db_mul(x3, down));
    r->l[0] = DB_I(db_fnma(q0, up, x0));
    r->l[1] = DB_I(db_add(q0, db_fnma(q1, up, x1)));
    r->l[2] = DB_I(db_add(q1, db_fnma(q2, up, x2)));
    r->l[3] = DB_I(db_add(q2, db_fnma(q3, up, x3)));
    r->l[4] = DB_I(db_add(q3, x4));
}
/* The same minus the nearest multiple of p. */
PC_INLINE void FN(_carry_limbs)(FE_T *r, vdbl x0, vdbl x1, vdbl x2, vdbl x3, vdbl x4) {
    const vdbl q = db_round(db_mul(x4, db_set1(1 / DB_TWO48)));
    FN(_settle)(r, db_add(x0, q), db_fnma(q, db_set1(FE_P1), x1), x2, FE_P3 != 0 ? db_fnma(q, db_set1(FE_P3), x3) : x3,
                db_fnma(q, db_set1(FE_P4), x4));
}
PC_FN void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_settle)(r, DB_SUM(a, b, 0), DB_SUM(a, b, 1), DB_SUM(a, b, 2), DB_SUM(a, b, 3), DB_SUM(a, b, 4));
}
PC_FN void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_settle)(r, DB_DIFF(a, b, 0), DB_DIFF(a, b, 1), DB_DIFF(a, b, 2), DB_DIFF(a, b, 3), DB_DIFF(a, b, 4));
}
PC_FN void IMPL(_neg)(FE_T *r, const FE_T *a) {
    for (int i = 0; i < 5; i++) r->l[i] = DB_I(db_sub(db_set1(0), DB_LIMB(a, i)));
}
PC_FN void IMPL(_carry)(FE_T *r, const FE_T *a) {
    FN(_carry_limbs)(r, DB_LIMB(a, 0), DB_LIMB(a, 1), DB_LIMB(a, 2), DB_LIMB(a, 3), DB_LIMB(a, 4));
}
PC_FN void IMPL(_addc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, DB_SUM(a, b, 0), DB_SUM(a, b, 1), DB_SUM(a, b, 2), DB_SUM(a, b, 3), DB_SUM(a, b, 4));
}
PC_FN void IMPL(_subc)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_carry_limbs)(r, DB_DIFF(a, b, 0), DB_DIFF(a, b, 1), DB_DIFF(a, b, 2), DB_DIFF(a, b, 3), DB_DIFF(a, b, 4));
}

/* Column k of the product and of m p: its halves (n low, m high), the lift that makes it positive and its digits signed (it
 * lies within -2^53, 2^55.5; the 2^57 adds 32 to the carry), and what the spreads of digits v have too much, v being 2^51
 * more than the digit. */
#define FE_COLUMN(k)                                                                                                        \
    DB_ROW((1ULL << 57) + (1ULL << 51) - ((k) > 0 ? 32 : 0) - (FE_PAIRS(k) + ((k) >= 4 && (k) <= 8)) * DB_LOW -             \
           (FE_PAIRS((k) - 1) + ((k) >= 5)) * DB_HIGH - ((k) >= 2 && (k) <= 6 ? FE_SPREAD2 : 0) -                           \
           ((k) >= 4 && (k) <= 8 ? FE_SPREAD4 : 0))
static const uint64_t FN(_rows)[12][VL] __attribute__((aligned(32))) = {
    FE_COLUMN(0),      FE_COLUMN(1),  FE_COLUMN(2), FE_COLUMN(3), FE_COLUMN(4),                         /* */
    FE_COLUMN(5),      FE_COLUMN(6),  FE_COLUMN(7), FE_COLUMN(8), DB_ROW(DB_SIGNED - 32 - 2 * DB_HIGH), /* */
    DB_ROW(PC_MASK52), DB_ROW(DB_LOW)};
#define FE_ROW(i)   vload(rows[i])
#define FE_MASK     FE_ROW(10)
#define FE_DIGIT(v) db_sub(DB_D(vor(v, FE_ROW(11))), db_set1(DB_TWO52 + DB_TWO51))
/* Column k is complete: its digit times p + 1 goes to the columns above (times -1 it clears the column), and so does its
 * carry. c5 is not in use yet. */
#define FE_STEP(k, c, c1, c2, c3, c4, c5)                                                                                   \
    do {                                                                                                                    \
        const vec t_ = vadd(c, FE_ROW(k)), v_ = vand(t_, FE_MASK);                                                          \
        const vdbl q_ = FE_DIGIT(v_);                                                                                       \
        c1 = vadd(c1, vshr(t_, 52));                                                                                        \
        FE_SPREAD(v_, c1, c2, c3, c4);                                                                                      \
        DB_TOR(c4, c5, q_, top);                                                                                            \
    } while (0)
/* Column k is complete: digit x of the result, carry to up. */
#define FE_OUT(x, k, c, up)                                                                                                 \
    const vec w##k = vadd(c, FE_ROW(k));                                                                                    \
    const vdbl x = FE_DIGIT(vand(w##k, FE_MASK));                                                                           \
    up = vadd(up, vshr(w##k, 52))
#define FE_DONE(r, x0, x1, x2, x3, c9)                                                                                      \
    do {                                                                                                                    \
        (r)->l[0] = DB_I(x0);                                                                                               \
        (r)->l[1] = DB_I(x1);                                                                                               \
        (r)->l[2] = DB_I(x2);                                                                                               \
        (r)->l[3] = DB_I(x3);                                                                                               \
        (r)->l[4] = DB_I(db_sub(DB_D(vadd(c9, FE_ROW(9))), db_set1(1.5 * DB_TWO52)));                                       \
    } while (0)
PC_NOINLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    const db_magic magic = db_magic_load();
    DB_TABLE(rows, FN(_rows));
    const vdbl top = db_set1(FE_P4);
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    const vec *y = b->l;
    vec c0, c1, c2 = vzero(), c3 = vzero(), c4 = vzero(), c5, c6, c7, c8, c9;
    DB_SET(c0, c1, a0, y[0]);
    FE_STEP(0, c0, c1, c2, c3, c4, c5);
    DB_MAC2(c1, c2, a0, y[1], a1, y[0]);
    FE_STEP(1, c1, c2, c3, c4, c5, c6);
    DB_MAC2(c2, c3, a0, y[2], a1, y[1]);
    DB_MAC(c2, c3, a2, y[0]);
    FE_STEP(2, c2, c3, c4, c5, c6, c7);
    DB_MAC2(c3, c4, a0, y[3], a1, y[2]);
    DB_MAC2(c3, c4, a2, y[1], a3, y[0]);
    FE_STEP(3, c3, c4, c5, c6, c7, c8);
    DB_MAC2(c4, c5, a0, y[4], a1, y[3]);
    DB_MAC2(c4, c5, a2, y[2], a3, y[1]);
    DB_MAC(c4, c5, a4, y[0]);
    FE_STEP(4, c4, c5, c6, c7, c8, c9);
    DB_MAC2(c5, c6, a1, y[4], a2, y[3]);
    DB_MAC2(c5, c6, a3, y[2], a4, y[1]);
    FE_OUT(x0, 5, c5, c6);
    DB_MAC2(c6, c7, a2, y[4], a3, y[3]);
    DB_MAC(c6, c7, a4, y[2]);
    FE_OUT(x1, 6, c6, c7);
    DB_MAC2(c7, c8, a3, y[4], a4, y[3]);
    FE_OUT(x2, 7, c7, c8);
    DB_MAC(c8, c9, a4, y[4]);
    FE_OUT(x3, 8, c8, c9);
    FE_DONE(r, x0, x1, x2, x3, c9);
}
/* Off the diagonal (o1..o8) once, then doubled; squares enter a column by one half each. */
PC_NOINLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const db_magic magic = db_magic_load();
    DB_TABLE(rows, FN(_rows));
    const vdbl top = db_set1(FE_P4);
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    const vec *y = a->l;
    vec c0, c1, c2 = vzero(), c3 = vzero(), c4 = vzero(), c5, c6, c7, c8, c9, o1, o2, o3, o4, o5, o6, o7, o8;
#define FE_TWICE(c, o) c = vadd(c, vadd(o, o))
    DB_SET(c0, c1, a0, y[0]);
    FE_STEP(0, c0, c1, c2, c3, c4, c5);
    DB_SET(o1, o2, a0, y[1]);
    FE_TWICE(c1, o1);
    FE_STEP(1, c1, c2, c3, c4, c5, c6);
    DB_TO(o2, o3, a0, y[2]);
    DB_MAC(c2, c3, a1, y[1]);
    FE_TWICE(c2, o2);
    FE_STEP(2, c2, c3, c4, c5, c6, c7);
    DB_TO2(o3, o4, a0, y[3], a1, y[2]);
    FE_TWICE(c3, o3);
    FE_STEP(3, c3, c4, c5, c6, c7, c8);
    DB_TO2(o4, o5, a0, y[4], a1, y[3]);
    DB_MAC(c4, c5, a2, y[2]);
    FE_TWICE(c4, o4);
    FE_STEP(4, c4, c5, c6, c7, c8, c9);
    DB_TO2(o5, o6, a1, y[4], a2, y[3]);
    FE_TWICE(c5, o5);
    FE_OUT(x0, 5, c5, c6);
    DB_TO(o6, o7, a2, y[4]);
    DB_MAC(c6, c7, a3, y[3]);
    FE_TWICE(c6, o6);
    FE_OUT(x1, 6, c6, c7);
    DB_TO(o7, o8, a3, y[4]);
    FE_TWICE(c7, o7);
    FE_OUT(x2, 7, c7, c8);
    DB_MAC(c8, c9, a4, y[4]);
    FE_TWICE(c8, o8);
    FE_OUT(x3, 8, c8, c9);
#undef FE_TWICE
    FE_DONE(r, x0, x1, x2, x3, c9);
}

/* The double in the same addition: below 1.6 2^52 before it is carried. */
#define FE_LESS2(a, c, i) db_fnma(DB_LIMB(c, i), db_set1(2), DB_LIMB(a, i))
PC_INLINE void FN(_sub2c)(FE_T *r, const FE_T *a, const FE_T *c) {
    FN(_carry_limbs)(r, FE_LESS2(a, c, 0), FE_LESS2(a, c, 1), FE_LESS2(a, c, 2), FE_LESS2(a, c, 3), FE_LESS2(a, c, 4));
}
#undef FE_LESS2

/* Carried limbs in [0, 2^52) of a number in [0, 2^256 + 2^224), from words or constants. */
PC_FN void FN(_from_limbs)(FE_T *r, const vec x[5]) {
    FN(_settle)(r, db_from_int(x[0], 0), db_from_int(x[1], 0), db_from_int(x[2], 0), db_from_int(x[3], 0),
                db_from_int(x[4], 0));
}
PC_FN FE_T FN(_constant)(const uint64_t c[5]) {
    FE_T r;
    vec x[5];
    for (int i = 0; i < 5; i++) x[i] = vset1(c[i]);
    FN(_from_limbs)(&r, x);
    return r;
}
PC_FN FE_T IMPL(_one)(void) {
    static const uint64_t R[5] = PC_LIMBS52(FE_R);
    return FN(_constant)(R);
}
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    static const uint64_t R2[5] = PC_LIMBS52(FE_R2);
    const FE_T r2 = FN(_constant)(R2);
    vec x[5];
    words_to_limbs52(x, w);
    FN(_from_limbs)(r, x);
    IMPL(_mul)(r, r, &r2);
}
/* 3 limbs of 2^51.1 are still exact. Otherwise two multiplications: k enters the domain first. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    if (k <= 3) {
        const vdbl x = db_set1(k);
        FN(_carry_limbs)(r, db_mul(DB_LIMB(a, 0), x), db_mul(DB_LIMB(a, 1), x), db_mul(DB_LIMB(a, 2), x),
                         db_mul(DB_LIMB(a, 3), x), db_mul(DB_LIMB(a, 4), x));
        return;
    }
    vec w[4] = {vset1(k), vzero(), vzero(), vzero()};
    FE_T t;
    IMPL(_from_words)(&t, w);
    IMPL(_mul)(r, a, &t);
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    const vdbl radix = db_set1(DB_TWO52);
    vdbl x[5], lend[5];
    db_halves(x, lend, a->l);
    const vdbl x1 = db_fnma(lend[0], db_set1(FE_P1), x[1]), x3 = FE_P3 != 0 ? db_fnma(lend[0], db_set1(FE_P3), x[3]) : x[3];
    r->l[0] = DB_I(db_fnma(lend[1], radix, db_add(x[0], lend[0])));
    r->l[1] = DB_I(db_fnma(lend[2], radix, db_add(x1, lend[1])));
    r->l[2] = DB_I(db_fnma(lend[3], radix, db_add(x[2], lend[2])));
    r->l[3] = DB_I(db_fnma(lend[4], radix, db_add(x3, lend[3])));
    r->l[4] = DB_I(db_fnma(lend[0], db_set1(FE_P4), db_add(x[4], lend[4])));
}
/* x = carried limbs in [0, 2^52) of a + k p, which is not negative and below 2^260. */
PC_FN void FN(_lifted)(vec x[5], const FE_T *a, uint64_t k) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    vec e = vzero();
    for (int i = 0; i < 5; i++) { /* 2^55 lent to every limb keeps t positive */
        vec t = vadd(vadd(db_to_signed(DB_LIMB(a, i)), e), vset1(k * P[i] + (8ULL << 52)));
        x[i] = vand(t, vset1(PC_MASK52));
        e = vsub(vshr(t, 52), vset1(8));
    }
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    FE_T one = IMPL(_zero)(), t;
    vec x[5];
    one.l[0] = DB_I(db_set1(1));
    IMPL(_mul)(&t, a, &one);
    FN(_lifted)(x, &t, 1);
    FN(_limbs_reduce_once)(x, 1);
    words_from_limbs52(w, x);
}
/* The integer behind a R, canonical. */
PC_FN void IMPL(_pack)(vec w[4], const FE_T *a) {
    FE_T t;
    vec x[5];
    IMPL(_carry)(&t, a);
    FN(_lifted)(x, &t, 1);
    FN(_limbs_reduce_once)(x, 1);
    words_from_limbs52(w, x);
}
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[4]) {
    vec x[5];
    words_to_limbs52(x, w);
    FN(_from_limbs)(r, x);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec x[5];
    FN(_lifted)(x, a, 2);
    return FN(_limbs_is_multiple)(x, 4);
}
#undef FE_P4
#undef FE_COLUMN
#undef FE_ROW
#undef FE_MASK
#undef FE_DIGIT
#undef FE_STEP
#undef FE_OUT
#undef FE_DONE
#undef FE_P1
#undef FE_P3
#undef FE_SPREAD
#undef FE_SPREAD2
#undef FE_SPREAD4
#include "fe_derived.inc.h"
