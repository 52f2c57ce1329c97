/* fe25519_avx2.inc.h - 2^255 - 19 for four lanes in radix 2^51, limbs signed and held as doubles. Contract: field.h.
 *
 * The value is sum l[i] 2^(51 i), lazily carried; 2^255 = 19 folds the top. Products: fe_doubles_avx2.h.
 *
 *   class   every limb           comes from
 *   tight   |.| <= 2^50 + 2^13   mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   |.| <= 2^51 + 2^14   add, sub, neg (limb by limb, nothing else to do)
 *
 *   mul, sqr of loose: a product is below 2^102.1. Low halves are below 2^52, high ones below 2^50.1 in magnitude and count
 *   twice (they weigh 2^52, a column 2^51). Column 0 is the largest: 1 + 19 * 4 low halves and 19 * 5 high ones, below 2^59.
 *   With 2^60 added columns are positive and their carries lie within 2^9 +- 2^8; a carry moves its digit of [-2^50, 2^50)
 *   by less than 2^8, limb 0 by 19 times that, < 2^13.
 *   carry: carries are at most 1; addc, subc: 2; mul_small: see there. half: of a carried element, limbs below 2^50 +
 *   2^4. */
#include "fe_doubles_avx2.h"
#include "fe_element.inc.h"
#define FE_M51         0x7ffffffffffffULL
#define FE_IS_TIGHT(a) db_within((a)->l, DB_TWO51 / 2 + 8192, DB_TWO51 / 2 + 8192)
#define FE_IS_LOOSE(a) db_within((a)->l, DB_TWO51 + 16384, DB_TWO51 + 16384)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = IMPL(_zero)();
    r.l[0] = DB_I(db_set1(1));
    return r;
}
PC_INLINE void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = DB_I(db_add(DB_D(a->l[i]), DB_D(b->l[i])));
}
PC_INLINE void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = DB_I(db_sub(DB_D(a->l[i]), DB_D(b->l[i])));
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
    for (int i = 0; i < 5; i++) r->l[i] = DB_I(db_sub(db_set1(0), DB_D(a->l[i])));
}
/* Limbs below 2^53: every limb to its remainder in [-2^50, 2^50] and the carry of the one below. */
PC_INLINE void FN(_carry_limbs)(FE_T *r, vdbl x0, vdbl x1, vdbl x2, vdbl x3, vdbl x4) {
    const vdbl down = db_set1(1 / DB_TWO51), up = db_set1(DB_TWO51);
    const vdbl q0 = db_round(db_mul(x0, down)), q1 = db_round(db_mul(x1, down)), q2 = db_round(db_mul(x2, down));
    const vdbl q3 = db_round(db_mul(x3, down)), q4 = db_round(db_mul(x4, down));
    r->l[0] = DB_I(db_fma(q4, db_set1(19), db_fnma(q0, up, x0)));
    r->l[1] = DB_I(db_add(q0, db_fnma(q1, up, x1)));
    r->l[2] = DB_I(db_add(q1, db_fnma(q2, up, x2)));
    r->l[3] = DB_I(db_add(q2, db_fnma(q3, up, x3)));
    r->l[4] = DB_I(db_add(q3, db_fnma(q4, up, x4)));
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
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    const vec mask = vset1(FE_M51);
    const vec x1 = vand(vor(vshr(w[0], 51), vshl(w[1], 13)), mask), x2 = vand(vor(vshr(w[1], 38), vshl(w[2], 26)), mask);
    const vec x3 = vand(vor(vshr(w[2], 25), vshl(w[3], 39)), mask);
    FN(_carry_limbs)(r, db_from_int(vand(w[0], mask), 0), db_from_int(x1, 0), db_from_int(x2, 0), db_from_int(x3, 0),
                     db_from_int(vshr(w[3], 12), 0));
}

/* The correction of a column before it is carried: its n low halves and m high halves (already times two), each counted
 * once or, folded, 19 times; plus 2^60 + 2^50. */
#define FE_BIAS(n, m, n19, m19)                                                                                             \
    vset1((1ULL << 60) + (1ULL << 50) - ((n) + 19ULL * (n19)) * DB_LOW - 2 * ((m) + 19ULL * (m19)) * DB_HIGH)
/* low + 2 high + 19 (low19 + 2 high19) + bias; FE_FOLD0 for column 0, which no high half enters, FE_FOLD4 for column 4,
 * which no low half enters from above. */
PC_INLINE vec FN(_fold)(vec low, vec high, vec low19, vec high19, vec bias) {
    const vec y = vadd(low19, vadd(high19, high19)), s = vadd(high, y);
    return vadd(vadd(vadd(low, bias), vadd(s, s)), vadd(y, vshl(y, 4)));
}
PC_INLINE vec FN(_fold0)(vec low, vec low19, vec high19, vec bias) {
    const vec y = vadd(low19, vadd(high19, high19));
    return vadd(vadd(vadd(low, bias), vadd(y, y)), vadd(y, vshl(y, 4)));
}
PC_INLINE vec FN(_fold4)(vec low, vec high, vec high19, vec bias) {
    const vec s = vadd(vadd(high, high19), vadd(high19, high19)); /* 2 s + 32 high19 = 2 high + 38 high19 */
    return vadd(vadd(vadd(low, bias), vadd(s, s)), vshl(high19, 5));
}
/* Columns with their bias -> tight. */
PC_INLINE void FN(_from_columns)(FE_T *r, vec t0, vec t1, vec t2, vec t3, vec t4) {
    const vec mask = vset1(FE_M51), two52 = vset1(DB_LOW);
    const vdbl less = db_set1(DB_TWO52 + DB_TWO51 / 2 + 512), less0 = db_set1(DB_TWO52 + DB_TWO51 / 2 + 19 * 512);
    const vec x0 = vadd(vor(vand(t0, mask), two52), _mm256_mul_epu32(vshr(t4, 51), vset1(19)));
    const vec x1 = vadd(vor(vand(t1, mask), two52), vshr(t0, 51));
    const vec x2 = vadd(vor(vand(t2, mask), two52), vshr(t1, 51));
    const vec x3 = vadd(vor(vand(t3, mask), two52), vshr(t2, 51));
    const vec x4 = vadd(vor(vand(t4, mask), two52), vshr(t3, 51));
    r->l[0] = DB_I(db_sub(DB_D(x0), less0));
    r->l[1] = DB_I(db_sub(DB_D(x1), less));
    r->l[2] = DB_I(db_sub(DB_D(x2), less));
    r->l[3] = DB_I(db_sub(DB_D(x3), less));
    r->l[4] = DB_I(db_sub(DB_D(x4), less));
}
/* Column by column, a high one before the low one that it folds into: few are alive at a time. */
PC_NOINLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    db_magic magic = db_magic_load();
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    vec low4, high4, low, high, low9, high9, high9_below;
    DB_SET2(low4, high4, a0, b->l[4], a1, b->l[3]);
    DB_MAC2(low4, high4, a2, b->l[2], a3, b->l[1]);
    DB_MAC(low4, high4, a4, b->l[0]);
    DB_SET2(low9, high9, a1, b->l[4], a2, b->l[3]);
    DB_MAC2(low9, high9, a3, b->l[2], a4, b->l[1]);
    DB_SET(low, high, a0, b->l[0]);
    const vec t0 = FN(_fold0)(low, low9, high4, FE_BIAS(1, 0, 4, 5));
    high4 = high, high9_below = high9;
    DB_SET2(low9, high9, a2, b->l[4], a3, b->l[3]);
    DB_MAC(low9, high9, a4, b->l[2]);
    DB_SET2(low, high, a0, b->l[1], a1, b->l[0]);
    const vec t1 = FN(_fold)(low, high4, low9, high9_below, FE_BIAS(2, 1, 3, 4));
    high4 = high, high9_below = high9;
    DB_SET2(low9, high9, a3, b->l[4], a4, b->l[3]);
    DB_SET2(low, high, a0, b->l[2], a1, b->l[1]);
    DB_MAC(low, high, a2, b->l[0]);
    const vec t2 = FN(_fold)(low, high4, low9, high9_below, FE_BIAS(3, 2, 2, 3));
    high4 = high, high9_below = high9;
    DB_SET(low9, high9, a4, b->l[4]);
    DB_SET2(low, high, a0, b->l[3], a1, b->l[2]);
    DB_MAC2(low, high, a2, b->l[1], a3, b->l[0]);
    const vec t3 = FN(_fold)(low, high4, low9, high9_below, FE_BIAS(4, 3, 1, 2));
    const vec t4 = FN(_fold4)(low4, high, high9, FE_BIAS(5, 4, 0, 1));
    FN(_from_columns)(r, t0, t1, t2, t3, t4);
}
/* Off the diagonal once, then doubled. Squares enter even columns by their low halves and odd ones by their high halves. */
PC_NOINLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    db_magic magic = db_magic_load();
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    vec low, high, low4, high4, low9, high9, high9_below, square, square_high;
#define FE_TWICE(x) vadd(x, x)
    DB_SET2(low4, high4, a0, a->l[4], a1, a->l[3]);
    low4 = FE_TWICE(low4);
    DB_SET(square, square_high, a2, a->l[2]);
    low4 = vadd(low4, square);
    high4 = vadd(FE_TWICE(high4), square_high);
    DB_SET2(low9, high9, a1, a->l[4], a2, a->l[3]);
    low9 = FE_TWICE(low9);
    high9_below = FE_TWICE(high9);
    DB_SET(low, high, a0, a->l[0]);
    const vec t0 = FN(_fold0)(low, low9, high4, FE_BIAS(1, 0, 4, 5));
    high4 = high;
    DB_SET(low9, high9, a2, a->l[4]);
    low9 = FE_TWICE(low9);
    DB_SET(square, square_high, a3, a->l[3]);
    low9 = vadd(low9, square);
    high9 = vadd(FE_TWICE(high9), square_high);
    DB_SET(low, high, a0, a->l[1]);
    const vec t1 = FN(_fold)(FE_TWICE(low), high4, low9, high9_below, FE_BIAS(2, 1, 3, 4));
    high4 = FE_TWICE(high), high9_below = high9;
    DB_SET(low9, high9, a3, a->l[4]);
    low9 = FE_TWICE(low9);
    high9 = FE_TWICE(high9);
    DB_SET(low, high, a0, a->l[2]);
    low = FE_TWICE(low);
    DB_SET(square, square_high, a1, a->l[1]);
    low = vadd(low, square);
    high = vadd(FE_TWICE(high), square_high);
    const vec t2 = FN(_fold)(low, high4, low9, high9_below, FE_BIAS(3, 2, 2, 3));
    high4 = high, high9_below = high9;
    DB_SET(low9, high9, a4, a->l[4]);
    DB_SET2(low, high, a0, a->l[3], a1, a->l[2]);
    const vec t3 = FN(_fold)(FE_TWICE(low), high4, low9, high9_below, FE_BIAS(4, 3, 1, 2));
    const vec t4 = FN(_fold4)(low4, FE_TWICE(high), high9, FE_BIAS(5, 4, 0, 1));
#undef FE_TWICE
    FN(_from_columns)(r, t0, t1, t2, t3, t4);
}
/* k limb < 2^68.1: the quotient, rounded twice, is off by at most 1/2 + 2^-35; remainders stay below 2^50 + 2^16, and so the
 * FMA is exact; its carry of at most 2^17.1 (19 times in limb 0: 2^21.4) is too much for tight, hence the second step. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    const vdbl factor = db_set1(k), down = db_set1(k / DB_TWO51), up = db_set1(DB_TWO51);
    vdbl x[5], q[5];
    for (int i = 0; i < 5; i++) {
        q[i] = db_round(db_mul(DB_LIMB(a, i), down));
        x[i] = _mm256_fmsub_pd(DB_LIMB(a, i), factor, db_mul(q[i], up));
    }
    FN(_carry_limbs)(r, db_fma(q[4], db_set1(19), x[0]), db_add(q[0], x[1]), db_add(q[1], x[2]), db_add(q[2], x[3]),
                     db_add(q[3], x[4]));
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    const vdbl radix = db_set1(DB_TWO51);
    vdbl x[5], lend[5];
    IMPL(_carry)(r, a);
    db_halves(x, lend, r->l);
    r->l[0] = DB_I(db_fnma(lend[1], radix, db_fma(lend[0], db_set1(19), x[0])));
    r->l[1] = DB_I(db_fnma(lend[2], radix, db_add(x[1], lend[1])));
    r->l[2] = DB_I(db_fnma(lend[3], radix, db_add(x[2], lend[2])));
    r->l[3] = DB_I(db_fnma(lend[4], radix, db_add(x[3], lend[3])));
    r->l[4] = DB_I(db_fnma(lend[0], radix, db_add(x[4], lend[4])));
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    const vec mask = vset1(FE_M51);
    FE_T t;
    vec x[5], q, c;
    IMPL(_carry)(&t, a);                                                                   /* |value| < 2^254 + 2^218 */
    for (int i = 0; i < 5; i++) x[i] = db_to_int(DB_LIMB(&t, i), DB_TWO51 - (i ? 1 : 19)); /* + p: in (0, 2 p), limbs too */
    q = vshr(vadd(x[0], vset1(19)), 51); /* at least p exactly when 19 more carry into bit 255 */
    for (int i = 1; i < 5; i++) q = vshr(vadd(x[i], q), 51);
    c = _mm256_mul_epu32(q, vset1(19));
    for (int i = 0; i < 5; i++) {
        c = vadd(x[i], c);
        x[i] = vand(c, mask);
        c = vshr(c, 51);
    }
    w[0] = vor(x[0], vshl(x[1], 51));
    w[1] = vor(vshr(x[1], 13), vshl(x[2], 38));
    w[2] = vor(vshr(x[2], 26), vshl(x[3], 25));
    w[3] = vor(vshr(x[3], 39), vshl(x[4], 12));
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec w[4];
    IMPL(_to_words)(w, a);
    return words_is_zero(w);
}
#undef FE_BIAS
#include "fe_derived.inc.h"
#undef FE_M51
