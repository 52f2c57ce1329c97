/* fe_k256_avx2.inc.h - 2^256 - 2^32 - 977 for four lanes in radix 2^52, limbs signed and held as doubles. Contract: field.h.
 *
 * The value is sum l[i] 2^(52 i); 2^256 = K = 0x1000003d1, so 2^260 = 16 K. Products: fe_doubles_avx2.h.
 *
 *   class   limbs 0..3          limb 4              comes from
 *   tight   |.| <= 2^51 + 2^43  |.| <= 2^47 + 2^6   mul, sqr, carry, addc, subc, mul_small, half, from_words
 *   loose   |.| <= 2^51 + 2^43  |.| <= 2^48 + 2^8   add, sub, neg
 *
 * 52-bit limbs have no bit to spare (a product may not reach 2^103), so sums are carried, all limbs at once; only the top
 * limb grows. Radix 2^51 needs no carry in a sum, but 2^255 is half of K: what it saves in sums it loses in products.
 *
 *   add, sub: sums of limbs are below 1.1 2^52, carries at most 1 and remainders at most 2^51.
 *   carry, addc, subc: the top carry is at most 5, times K below 2^35, into limb 0.
 *   half: of a loose top limb, folds it once more. mul, sqr: a product is below 2^102.1; the rest is at the columns,
 *   below. */
#define FE_OWN_SUB2C
#include "fe_doubles_avx2.h"
#include "fe_element.inc.h"
#define FE_IS_TIGHT(a) db_within((a)->l, DB_TWO51 + 8796093022208.0, DB_TWO48 / 2 + 64)
#define FE_IS_LOOSE(a) db_within((a)->l, DB_TWO51 + 8796093022208.0, DB_TWO48 + 256)

PC_FN FE_T IMPL(_one)(void) {
    FE_T r = IMPL(_zero)();
    r.l[0] = DB_I(db_set1(1));
    return r;
}
/* Limbs below 2^53: every limb to its remainder in [-2^51, 2^51] and the carry of the one below. _settle does the same and
 * leaves the top limb alone. */
PC_INLINE void FN(_carry_limbs)(FE_T *r, vdbl x0, vdbl x1, vdbl x2, vdbl x3, vdbl x4) {
    const vdbl down = db_set1(1 / DB_TWO52), up = db_set1(DB_TWO52), top = db_set1(DB_TWO48);
    const vdbl q0 = db_round(db_mul(x0, down)), q1 = db_round(db_mul(x1, down)), q2 = db_round(db_mul(x2, down));
    const vdbl q3 = db_round(db_mul(x3, down)), q4 = db_round(db_mul(x4, db_set1(1 / DB_TWO48)));
    r->l[0] = DB_I(db_fma(q4, db_set1(FE_K256_K), db_fnma(q0, up, x0)));
    r->l[1] = DB_I(db_add(q0, db_fnma(q1, up, x1)));
    r->l[2] = DB_I(db_add(q1, db_fnma(q2, up, x2)));
    r->l[3] = DB_I(db_add(q2, db_fnma(q3, up, x3)));
    r->l[4] = DB_I(db_add(q3, db_fnma(q4, top, x4)));
}
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
PC_FN void IMPL(_add)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_settle)(r, DB_SUM(a, b, 0), DB_SUM(a, b, 1), DB_SUM(a, b, 2), DB_SUM(a, b, 3), DB_SUM(a, b, 4));
}
PC_FN void IMPL(_sub)(FE_T *r, const FE_T *a, const FE_T *b) {
    FN(_settle)(r, DB_DIFF(a, b, 0), DB_DIFF(a, b, 1), DB_DIFF(a, b, 2), DB_DIFF(a, b, 3), DB_DIFF(a, b, 4));
}
PC_INLINE void IMPL(_neg)(FE_T *r, const FE_T *a) {
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
PC_FN void IMPL(_from_words)(FE_T *r, const vec w[4]) {
    vec x[5];
    words_to_limbs52(x, w);
    FN(_carry_limbs)(r, db_from_int(x[0], 0), db_from_int(x[1], 0), db_from_int(x[2], 0), db_from_int(x[3], 0),
                     db_from_int(x[4], 0));
}

/* Products. The columns 5..9 of weight 2^260 and more are folded with 16 K as doubles d0..d4. From the top: column 9, the
 * smallest, folds into columns 4 and 5 and joins what 5 folds in its turn, so that nothing but a few bits is left above bit
 * 256 in the end. The columns 0..3 come last, for their products to run while the digits above are converted and multiplied.
 *
 * FE_BIAS takes the constants off that came along with n low and m high halves. FE_LIFT is added before a column is carried:
 * 2^51, so that digits of [0, 2^52) are worth [-2^51, 2^51), and 2^57, so that it is positive (columns stay within -2^53,
 * 2^55), which adds 32 to its carry. */
#define FE_BIAS(n, m) (0 - (n) * DB_LOW - (m) * DB_HIGH)
#define FE_LIFT       ((1ULL << 57) + (1ULL << 51))
enum { FN(_MASK) = 9, FN(_LOW), FN(_MASK48), FN(_MASK51) };
static const uint64_t FN(_rows)[13][VL]
    __attribute__((aligned(32))) = {DB_ROW(FE_BIAS(2, 0) + FE_LIFT),      /* columns 0..3: with what d0..d3 add */
                                    DB_ROW(FE_BIAS(3, 2) + FE_LIFT - 32), /* */
                                    DB_ROW(FE_BIAS(4, 3) + FE_LIFT - 32), /* */
                                    DB_ROW(FE_BIAS(5, 4) + FE_LIFT - 32), /* */
                                    DB_ROW(FE_BIAS(6, 5) + (1ULL << 57) + (1ULL << 47)), /* 4: splits at 2^48 */
                                    DB_ROW(FE_BIAS(4, 5) + FE_LIFT),                     /* 5..7 */
                                    DB_ROW(FE_BIAS(3, 4) + FE_LIFT - 32),                /* */
                                    DB_ROW(FE_BIAS(2, 3) + FE_LIFT - 32),                /* */
                                    DB_ROW(FE_BIAS(1, 2) + (1ULL << 57) + (1ULL << 50)), /* 8: splits at 2^51 */
                                    DB_ROW(PC_MASK52),
                                    DB_ROW(DB_LOW),
                                    DB_ROW(PC_MASK48),
                                    DB_ROW(DB_MASK51)};
#define FE_ROW(i)   vload(rows[i])
#define FE_UP(c)    vshr(c, 52)
#define FE_DIGIT(c) db_sub(DB_D(vor(vand(c, FE_ROW(FN(_MASK))), FE_ROW(FN(_LOW)))), db_set1(DB_TWO52 + DB_TWO51))
/* The top: columns 8 and 9 split at 2^51, not 2^52, so that d3 has room for a late carry and d4 weighs 2^467 = 8 K 2^208. */
#define FE_D4(c8, c9)                                                                                                       \
    db_sub(DB_D(vadd(vadd(vadd(c9, c9), vset1(FE_BIAS(0, 2) + DB_SIGNED - 64)), vshr(c8, 51))), db_set1(1.5 * DB_TWO52))
#define FE_D3(c8, c7)                                                                                                       \
    db_sub(DB_D(vadd(vor(vand(c8, FE_ROW(FN(_MASK51))), FE_ROW(FN(_LOW))), FE_UP(c7))),                                     \
           db_set1(DB_TWO52 + DB_TWO51 / 2 + 32))
/* Column 4 = the low half of 8 K d4, and above = the high one, which d0 takes up. */
#define FE_FOLD4(c4, above, d4)                                                                                             \
    do {                                                                                                                    \
        const vdbl k259_ = db_set1(8.0 * FE_K256_K), h_ = db_fma(d4, k259_, magic.high);                                    \
        c4 = DB_I(db_fma(d4, k259_, db_sub(magic.both, h_)));                                                               \
        above = db_sub(h_, magic.high);                                                                                     \
    } while (0)
#define FE_D0(c5, above) db_fma(above, db_set1(1 / DB_TWO52), FE_DIGIT(c5))
/* The end: limb 4 is the digit of 48 bits, and what is above, below 2^8 in magnitude, folds into limb 0. */
#define FE_END(r, c4, c3, x0, x1, x2)                                                                                       \
    do {                                                                                                                    \
        const vec top_ = vadd(c4, FE_ROW(4));                                                                               \
        const vdbl q_ = db_sub(DB_D(vor(vshr(top_, 48), FE_ROW(FN(_LOW)))), db_set1(DB_TWO52 + 512));                       \
        const vec x4_ = vadd(vor(vand(top_, FE_ROW(FN(_MASK48))), FE_ROW(FN(_LOW))), FE_UP(c3));                            \
        (r)->l[0] = DB_I(db_fma(q_, db_set1(FE_K256_K), x0));                                                               \
        (r)->l[1] = DB_I(x1);                                                                                               \
        (r)->l[2] = DB_I(x2);                                                                                               \
        (r)->l[3] = DB_I(FE_DIGIT(c3));                                                                                     \
        (r)->l[4] = DB_I(db_sub(DB_D(x4_), db_set1(DB_TWO52 + DB_TWO48 / 2 + 32)));                                         \
    } while (0)
PC_NOINLINE void IMPL(_mul)(FE_T *r, const FE_T *a, const FE_T *b) {
    const db_magic magic = db_magic_load();
    DB_TABLE(rows, FN(_rows));
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    const vec *y = b->l;
    vec c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, t;
    vdbl above;
    DB_SET(c8, c9, a4, y[4]);
    DB_SET2(c7, t, a3, y[4], a4, y[3]);
    c8 = vadd(vadd(c8, t), FE_ROW(8));
    const vdbl d4 = FE_D4(c8, c9);
    FE_FOLD4(c4, above, d4);
    DB_TO2(c4, c5, a0, y[4], a1, y[3]);
    DB_MAC2(c4, c5, a2, y[2], a3, y[1]);
    DB_MAC(c4, c5, a4, y[0]);
    DB_TO2(c5, c6, a1, y[4], a2, y[3]);
    DB_MAC2(c5, c6, a3, y[2], a4, y[1]);
    c5 = vadd(c5, FE_ROW(5));
    DB_MAC2(c6, c7, a2, y[4], a3, y[3]);
    DB_MAC(c6, c7, a4, y[2]);
    const vdbl k260 = db_set1(16.0 * FE_K256_K);
    DB_SETR(c0, c1, FE_D0(c5, above), k260);
    c6 = vadd(vadd(c6, FE_UP(c5)), FE_ROW(6));
    DB_TOR(c1, c2, FE_DIGIT(c6), k260);
    c7 = vadd(vadd(c7, FE_UP(c6)), FE_ROW(7));
    DB_MAC(c0, c1, a0, y[0]);
    DB_TOR(c2, c3, FE_DIGIT(c7), k260);
    DB_MAC2(c1, c2, a0, y[1], a1, y[0]);
    DB_MACR(c3, c4, FE_D3(c8, c7), k260);
    c0 = vadd(c0, FE_ROW(0));
    c1 = vadd(vadd(c1, FE_UP(c0)), FE_ROW(1));
    DB_MAC2(c2, c3, a0, y[2], a1, y[1]);
    DB_MAC(c2, c3, a2, y[0]);
    const vdbl x0 = FE_DIGIT(c0);
    const vdbl x1 = FE_DIGIT(c1);
    c2 = vadd(vadd(c2, FE_UP(c1)), FE_ROW(2));
    DB_MAC2(c3, c4, a0, y[3], a1, y[2]);
    DB_MAC2(c3, c4, a2, y[1], a3, y[0]);
    const vdbl x2 = FE_DIGIT(c2);
    c3 = vadd(vadd(c3, FE_UP(c2)), FE_ROW(3));
    FE_END(r, c4, c3, x0, x1, x2);
}
/* Off the diagonal (o1..o8) once, then doubled; squares enter a column by one half each. */
PC_NOINLINE void IMPL(_sqr)(FE_T *r, const FE_T *a) {
    const db_magic magic = db_magic_load();
    DB_TABLE(rows, FN(_rows));
    const vdbl a0 = DB_LIMB(a, 0), a1 = DB_LIMB(a, 1), a2 = DB_LIMB(a, 2), a3 = DB_LIMB(a, 3), a4 = DB_LIMB(a, 4);
    const vec *y = a->l;
    vec c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, o1, o2, o3, o4, o5, o6, o7, o8, s, t;
    vdbl above;
#define FE_TWICE(x) vadd(x, x)
    DB_SET(c8, c9, a4, y[4]);
    DB_SET(o7, o8, a3, y[4]);
    c8 = vadd(vadd(c8, FE_TWICE(o8)), FE_ROW(8));
    const vdbl d4 = FE_D4(c8, c9);
    FE_FOLD4(c4, above, d4);
    DB_SET2(o4, o5, a0, y[4], a1, y[3]);
    DB_TO(c4, c5, a2, y[2]);
    DB_TO2(o5, o6, a1, y[4], a2, y[3]);
    c5 = vadd(vadd(c5, FE_TWICE(o5)), FE_ROW(5));
    DB_MAC(o6, o7, a2, y[4]);
    DB_SET(s, t, a3, y[3]);
    const vdbl k260 = db_set1(16.0 * FE_K256_K);
    DB_SETR(c0, c1, FE_D0(c5, above), k260);
    c6 = vadd(vadd(vadd(s, FE_TWICE(o6)), FE_UP(c5)), FE_ROW(6));
    DB_TOR(c1, c2, FE_DIGIT(c6), k260);
    c7 = vadd(vadd(vadd(t, FE_TWICE(o7)), FE_UP(c6)), FE_ROW(7));
    DB_MAC(c0, c1, a0, y[0]);
    DB_TOR(c2, c3, FE_DIGIT(c7), k260);
    DB_SET(o1, o2, a0, y[1]);
    DB_MACR(c3, c4, FE_D3(c8, c7), k260);
    DB_TO(o2, o3, a0, y[2]);
    c0 = vadd(c0, FE_ROW(0));
    DB_MAC(c2, c3, a1, y[1]);
    c1 = vadd(vadd(vadd(c1, FE_TWICE(o1)), FE_UP(c0)), FE_ROW(1));
    const vdbl x0 = FE_DIGIT(c0);
    const vdbl x1 = FE_DIGIT(c1);
    c2 = vadd(vadd(vadd(c2, FE_TWICE(o2)), FE_UP(c1)), FE_ROW(2));
    DB_MAC2(o3, o4, a0, y[3], a1, y[2]);
    const vdbl x2 = FE_DIGIT(c2);
    c3 = vadd(vadd(vadd(c3, FE_TWICE(o3)), FE_UP(c2)), FE_ROW(3));
    c4 = vadd(c4, FE_TWICE(o4));
    FE_END(r, c4, c3, x0, x1, x2);
#undef FE_TWICE
}
/* The double in the same addition: below 1.6 2^52 before it is carried. */
#define FE_LESS2(a, c, i) db_fnma(DB_LIMB(c, i), db_set1(2), DB_LIMB(a, i))
PC_INLINE void FN(_sub2c)(FE_T *r, const FE_T *a, const FE_T *c) {
    FN(_carry_limbs)(r, FE_LESS2(a, c, 0), FE_LESS2(a, c, 1), FE_LESS2(a, c, 2), FE_LESS2(a, c, 3), FE_LESS2(a, c, 4));
}
#undef FE_LESS2
/* k limb < 2^68.1: the quotient, rounded twice, is off by at most 1/2 + 2^-35, so the FMA is exact. Then a second step for
 * the carries, below 2^18, times K below 2^51. */
PC_FN void IMPL(_mul_small)(FE_T *r, const FE_T *a, uint32_t k) {
    const vdbl factor = db_set1(k);
    vdbl x[5], q[5];
    for (int i = 0; i < 5; i++) {
        const double size = i < 4 ? DB_TWO52 : DB_TWO48;
        q[i] = db_round(db_mul(DB_LIMB(a, i), db_set1(k / size)));
        x[i] = _mm256_fmsub_pd(DB_LIMB(a, i), factor, db_mul(q[i], db_set1(size)));
    }
    FN(_carry_limbs)(r, db_fma(q[4], db_set1(FE_K256_K), x[0]), db_add(q[0], x[1]), db_add(q[1], x[2]), db_add(q[2], x[3]),
                     db_add(q[3], x[4]));
}
PC_FN void IMPL(_half)(FE_T *r, const FE_T *a) {
    vdbl x[5], lend[5];
    db_halves(x, lend, a->l);
    const vdbl q = db_round(db_mul(x[4], db_set1(1 / DB_TWO48))); /* seldom not 0 */
    x[0] = db_fma(q, db_set1(FE_K256_K), x[0]);
    x[4] = db_fnma(q, db_set1(DB_TWO48), x[4]);
    r->l[0] = DB_I(db_fnma(lend[1], db_set1(DB_TWO52), db_fma(lend[0], db_set1(FE_K256_K), x[0])));
    r->l[1] = DB_I(db_fnma(lend[2], db_set1(DB_TWO52), db_add(x[1], lend[1])));
    r->l[2] = DB_I(db_fnma(lend[3], db_set1(DB_TWO52), db_add(x[2], lend[2])));
    r->l[3] = DB_I(db_fnma(lend[4], db_set1(DB_TWO52), db_add(x[3], lend[3])));
    r->l[4] = DB_I(db_fnma(lend[0], db_set1(DB_TWO48), db_add(x[4], lend[4])));
}
PC_FN void IMPL(_to_words)(vec w[4], const FE_T *a) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    FE_T t;
    vec x[5], q, c;
    IMPL(_carry)(&t, a);        /* |value| < 2^255 + 2^214 */
    for (int i = 0; i < 5; i++) /* + p: in (0, 2 p), limbs positive */
        x[i] = vadd(db_to_signed(DB_LIMB(&t, i)), vset1(P[i]));
    q = vshr(vadd(x[0], vset1(FE_K256_K)), 52); /* at least p exactly when K more carries into bit 256 */
    for (int i = 1; i < 4; i++) q = vshr(vadd(x[i], q), 52);
    q = vshr(vadd(x[4], q), 48);
    c = vand(vsub(vzero(), q), vset1(FE_K256_K));
    for (int i = 0; i < 5; i++) {
        c = vadd(x[i], c);
        x[i] = vand(c, vset1(i < 4 ? PC_MASK52 : PC_MASK48));
        c = vshr(c, 52);
    }
    words_from_limbs52(w, x);
}
PC_FN vmask IMPL(_is_zero)(const FE_T *a) {
    vec w[4];
    IMPL(_to_words)(w, a);
    return words_is_zero(w);
}
#undef FE_BIAS
#undef FE_LIFT
#undef FE_UP
#undef FE_ROW
#undef FE_FOLD4
#undef FE_D0
#undef FE_DIGIT
#undef FE_D4
#undef FE_D3
#undef FE_END
#include "fe_derived.inc.h"
