/* fe_doubles_avx2.h - what the AVX2 bodies share: limbs kept as doubles, four lanes to a vector.
 *
 * A limb is a signed integer held in a double. The double unit multiplies exactly (two FMAs per product) and adds exactly (below
 * 2^53), so an element never leaves it: operands of a product need no conversion and a sum is five additions without a carry.
 *
 * The product of two limbs, |x y| < 2^103, under rounding toward zero (vmode_enter):
 *
 *   h = fma(x, y, 1.5 2^104)                    its last mantissa bit weighs 2^52: the mantissa is floor(x y / 2^52) plus a constant
 *   l = fma(x, y, (1.5 2^104 + 2^52) - h)       the addend is exact; l = 2^52 + (x y mod 2^52)
 *
 * Both are added up as 64-bit integers, exponent field and all; the sum of the constants that came along is taken off once per
 * column (DB_LOW, DB_HIGH). 52 bits of h and 52 of l are 104 in all, hence 2^103 for a signed product: that, and not 2^53, is what
 * bounds the limbs of an operand.
 *
 * Only the first FMA is ever inexact. Everything else is exact or says its rounding itself (db_round), so nothing else depends on
 * MXCSR, and a compiler may move it across a change of mode. The multiplications are not inlined, so they can not be moved. */
#ifndef PC_FE_DOUBLES_AVX2_H
#define PC_FE_DOUBLES_AVX2_H
#include "words.inc.h"

typedef __m256d vdbl;
#define DB_D(v) _mm256_castsi256_pd(v)
#define DB_I(d) _mm256_castpd_si256(d)

#define DB_TWO51  2251799813685248.0
#define DB_TWO52  4503599627370496.0
#define DB_TWO104 20282409603651670423947251286016.0
#define DB_LOW    0x4330000000000000ULL /* comes along with every low half: the bits of 2^52 */
#define DB_HIGH   0x4678000000000000ULL /* and with every high half: the bits of 1.5 2^104 */

PC_INLINE vdbl db_set1(double x) { return _mm256_set1_pd(x); }
PC_INLINE vdbl db_add(vdbl a, vdbl b) { return _mm256_add_pd(a, b); }
PC_INLINE vdbl db_sub(vdbl a, vdbl b) { return _mm256_sub_pd(a, b); }
PC_INLINE vdbl db_mul(vdbl a, vdbl b) { return _mm256_mul_pd(a, b); }
PC_INLINE vdbl db_fma(vdbl a, vdbl b, vdbl c) { return _mm256_fmadd_pd(a, b, c); }
PC_INLINE vdbl db_fnma(vdbl a, vdbl b, vdbl c) { return _mm256_fnmadd_pd(a, b, c); } /* c - a b */
/* To the nearest integer, whatever the mode. */
PC_INLINE vdbl db_round(vdbl a) { return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
PC_INLINE vdbl db_floor(vdbl a) { return _mm256_round_pd(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
/* An integer in [0, 2^52) as a double less `less`, and the other way round. */
PC_INLINE vdbl db_from_int(vec v, double less) { return db_sub(DB_D(vor(v, vset1(DB_LOW))), db_set1(DB_TWO52 + less)); }
PC_INLINE vec db_to_int(vdbl d, double more) { return vand(DB_I(db_add(d, db_set1(DB_TWO52 + more))), vset1(PC_MASK52)); }

/* The two constants of a product, in registers for as long as a multiplication lasts. The empty asm hides the first from
 * compilers, which would fold an FMA of constants rounding to nearest. */
typedef struct db_magic_s {
    vdbl high, both;
} db_magic;
PC_INLINE db_magic db_magic_load(void) {
    db_magic m = {db_set1(1.5 * DB_TWO104), db_set1(1.5 * DB_TWO104 + DB_TWO52)};
    __asm__("" : "+x"(m.high));
    return m;
}
/* lo, hi = the halves of x y; DB_MAC adds them to what is there. */
#define DB_SET(lo, hi, x, y)                                                                                                \
    do {                                                                                                                    \
        const vdbl h_ = db_fma(x, y, magic.high);                                                                           \
        lo = DB_I(db_fma(x, y, db_sub(magic.both, h_)));                                                                    \
        hi = DB_I(h_);                                                                                                      \
    } while (0)
#define DB_MAC(lo, hi, x, y)                                                                                                \
    do {                                                                                                                    \
        const vdbl h_ = db_fma(x, y, magic.high);                                                                           \
        lo = vadd(lo, DB_I(db_fma(x, y, db_sub(magic.both, h_))));                                                          \
        hi = vadd(hi, DB_I(h_));                                                                                            \
    } while (0)
/* Between columns: what comes after waits for lo and hi. Left alone, clang starts all products at once and spills them. */
#define DB_NEXT(lo, hi) __asm__("" : "+x"(magic.high), "+x"(lo), "+x"(hi))
#endif
