/* fe_doubles_avx2.h - what the AVX2 bodies share: limbs kept as doubles, four lanes to a vector.
 *
 * A limb is a signed integer held in a double. The double unit multiplies exactly (two FMAs per product) and adds exactly
 * (below 2^53), so an element never leaves it: operands of a product need no conversion and a sum is five additions without
 * a carry.
 *
 * The product of two limbs, |x y| < 2^103, under rounding toward zero (vmode_enter):
 *
 *   h = fma(x, y, 1.5 2^104)                the last mantissa bit weighs 2^52: floor(x y / 2^52), plus a constant
 *   l = fma(x, y, (1.5 2^104 + 2^52) - h)   the addend is exact; l = 2^52 + (x y mod 2^52)
 *
 * Both are added up as 64-bit integers, exponent field and all; the sum of the constants that came along is taken off once
 * per column (DB_LOW, DB_HIGH). 52 bits of h and 52 of l are 104 in all, hence 2^103 for a signed product: that, and not
 * 2^53, is what bounds the limbs of an operand.
 *
 * Only the first FMA is ever inexact. Everything else is exact or says its rounding itself (db_round), so nothing else
 * depends on MXCSR, and a compiler may move it across a change of mode. The multiplications are not inlined, so they cannot
 * be moved. */
#ifndef PC_FE_DOUBLES_AVX2_H
#define PC_FE_DOUBLES_AVX2_H
#include "words.inc.h"

typedef __m256d vdbl;
#define DB_D(v) _mm256_castsi256_pd(v)
#define DB_I(d) _mm256_castpd_si256(d)

#define DB_TWO48  281474976710656.0
#define DB_TWO51  2251799813685248.0
#define DB_TWO52  4503599627370496.0
#define DB_TWO104 20282409603651670423947251286016.0
#define DB_LOW    0x4330000000000000ULL /* comes along with every low half: the bits of 2^52 */
#define DB_HIGH   0x4678000000000000ULL /* and with every high half: the bits of 1.5 2^104 */
#define DB_MASK51 0x7ffffffffffffULL
#define DB_SIGNED 0x4338000000000000ULL /* the bits of 1.5 2^52: an integer in +-2^51 on top of it is a double */

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

/* A signed integer, |d| < 2^52. On top of 1.5 2^52 there is room for +-2^51 only, so its half goes that way and its lowest
 * bit another. */
PC_FN vec db_to_signed(vdbl d) {
    const vdbl base = db_set1(1.5 * DB_TWO52), half = db_floor(db_mul(d, db_set1(0.5)));
    const vec h = DB_I(db_add(half, base)), bit = DB_I(db_add(db_fnma(half, db_set1(2), d), base));
    return vsub(vadd(vadd(h, h), bit), vset1(3 * DB_SIGNED));
}
/* Limb i of an element, of a sum and of a difference. */
#define DB_LIMB(a, i)    DB_D((a)->l[i])
#define DB_SUM(a, b, i)  db_add(DB_LIMB(a, i), DB_LIMB(b, i))
#define DB_DIFF(a, b, i) db_sub(DB_LIMB(a, i), DB_LIMB(b, i))

#ifdef PC_VERIFY
/* Integers, none larger than `most`, the top one not larger than `top`. */
PC_FN int db_within(const vec l[5], double most, double top) {
    for (int i = 0; i < 5; i++)
        for (int lane = 0; lane < VL; lane++) {
            const double x = DB_D(l[i])[lane], bound = i < 4 ? most : top;
            if (!(x >= -bound && x <= bound) || x != (double)(int64_t)x) return 0;
        }
    return 1;
}
#endif
/* For a / 2: x = half of every limb. Where limb i was odd it lends half of itself to the limb below: lend[i] is 0 or 1/2
 * with the sign of that limb, so that taking lend[i] times the radix from it makes it smaller, not larger; limb i gets
 * lend[i]. Limb 0 lends to the top: there lend[0] p is to be taken off, which makes limb 0 an integer because p is odd. */
PC_INLINE void db_halves(vdbl x[5], vdbl lend[5], const vec l[5]) {
    const vdbl minus = db_set1(-0.0);
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) x[i] = db_mul(DB_D(l[i]), db_set1(0.5));
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) {
        const vdbl below = _mm256_and_pd(minus, x[i ? i - 1 : 4]);
        lend[i] = _mm256_xor_pd(db_sub(x[i], db_floor(x[i])), below);
    }
}

/* Constants as rows of a table behind a pointer that compilers cannot look through: then they are memory operands, where
 * gcc builds every integer constant again through a general register. */
#define DB_ROW(x) {(uint64_t)(x), (uint64_t)(x), (uint64_t)(x), (uint64_t)(x)}
#define DB_TABLE(name, rows)                                                                                                \
    const uint64_t (*name)[VL] = rows;                                                                                      \
    __asm__("" : "+r"(name))

/* The two constants of a product, in registers for as long as a multiplication lasts. */
typedef struct db_magic_s {
    vdbl high, both;
} db_magic;
PC_INLINE db_magic db_magic_load(void) {
    const db_magic m = {db_set1(1.5 * DB_TWO104), db_set1(1.5 * DB_TWO104 + DB_TWO52)};
    return m;
}
/* The product x y, or x y and x2 y2, y in memory:
 *
 *   DB_SET   lo, hi = its halves          DB_SET2   lo, hi = the sums of their halves
 *   DB_TO    lo += its low, hi = its high half      DB_TO2
 *   DB_MAC   lo += its low, hi += its high half     DB_MAC2
 *
 * DB_SETR, DB_TOR, DB_MACR: y in a register. In assembler because of the order alone: compilers start many products at once
 * and spill them, gcc loses a third to that. Nor can they fold an FMA of constants here, which would round to nearest. */
#define DB_ONE(h, l, x, y)                                                                                                  \
    "vmovapd %[high], " h "\n\t"                                                                                            \
    "vfmadd231pd " y ", " x ", " h "\n\t"                                                                                   \
    "vsubpd " h ", %[both], " l "\n\t"                                                                                      \
    "vfmadd231pd " y ", " x ", " l "\n\t"
#define DB_PAIR(h, l, x, y, h2, l2, x2, y2)                                                                                 \
    "vmovapd %[high], " h "\n\t"                                                                                            \
    "vmovapd %[high], " h2 "\n\t"                                                                                           \
    "vfmadd231pd " y ", " x ", " h "\n\t"                                                                                   \
    "vfmadd231pd " y2 ", " x2 ", " h2 "\n\t"                                                                                \
    "vsubpd " h ", %[both], " l "\n\t"                                                                                      \
    "vsubpd " h2 ", %[both], " l2 "\n\t"                                                                                    \
    "vfmadd231pd " y ", " x ", " l "\n\t"                                                                                   \
    "vfmadd231pd " y2 ", " x2 ", " l2 "\n\t"
#define DB_PLUS(sum, x) "vpaddq " x ", " sum ", " sum "\n\t"
#define DB_MAGIC        [high] "x"(magic.high), [both] "x"(magic.both)
#define DB_SET_(lo, hi, x, y, where)                                                                                        \
    __asm__(DB_ONE("%0", "%1", "%2", "%3") : "=&x"(hi), "=&x"(lo) : "x"(x), where(y), DB_MAGIC)
#define DB_TO_(lo, hi, x, y, where)                                                                                         \
    do {                                                                                                                    \
        vdbl l_;                                                                                                            \
        __asm__(DB_ONE("%0", "%1", "%3", "%4") DB_PLUS("%2", "%1")                                                          \
                : "=&x"(hi), "=&x"(l_), "+x"(lo)                                                                            \
                : "x"(x), where(y), DB_MAGIC);                                                                              \
    } while (0)
#define DB_MAC_(lo, hi, x, y, where)                                                                                        \
    do {                                                                                                                    \
        vdbl h_, l_;                                                                                                        \
        __asm__(DB_ONE("%0", "%1", "%4", "%5") DB_PLUS("%3", "%0") DB_PLUS("%2", "%1")                                      \
                : "=&x"(h_), "=&x"(l_), "+x"(lo), "+x"(hi)                                                                  \
                : "x"(x), where(y), DB_MAGIC);                                                                              \
    } while (0)
#define DB_SET(lo, hi, x, y)  DB_SET_(lo, hi, x, y, "m")
#define DB_SETR(lo, hi, x, y) DB_SET_(lo, hi, x, y, "x")
#define DB_TO(lo, hi, x, y)   DB_TO_(lo, hi, x, y, "m")
#define DB_TOR(lo, hi, x, y)  DB_TO_(lo, hi, x, y, "x")
#define DB_MAC(lo, hi, x, y)  DB_MAC_(lo, hi, x, y, "m")
#define DB_MACR(lo, hi, x, y) DB_MAC_(lo, hi, x, y, "x")
#define DB_SET2(lo, hi, x, y, x2, y2)                                                                                       \
    do {                                                                                                                    \
        vdbl h_, l_;                                                                                                        \
        __asm__(DB_PAIR("%0", "%1", "%4", "%5", "%2", "%3", "%6", "%7") DB_PLUS("%0", "%2") DB_PLUS("%1", "%3")             \
                : "=&x"(hi), "=&x"(lo), "=&x"(h_), "=&x"(l_)                                                                \
                : "x"(x), "m"(y), "x"(x2), "m"(y2), DB_MAGIC);                                                              \
    } while (0)
#define DB_TO2(lo, hi, x, y, x2, y2)                                                                                        \
    do {                                                                                                                    \
        vdbl h_, l_, k_;                                                                                                    \
        __asm__(DB_PAIR("%0", "%1", "%5", "%6", "%2", "%3", "%7", "%8") DB_PLUS("%0", "%2") DB_PLUS("%4", "%1")             \
                    DB_PLUS("%4", "%3")                                                                                     \
                : "=&x"(hi), "=&x"(l_), "=&x"(h_), "=&x"(k_), "+x"(lo)                                                      \
                : "x"(x), "m"(y), "x"(x2), "m"(y2), DB_MAGIC);                                                              \
    } while (0)
#define DB_MAC2(lo, hi, x, y, x2, y2)                                                                                       \
    do {                                                                                                                    \
        vdbl h_, l_, g_, k_;                                                                                                \
        __asm__(DB_PAIR("%0", "%1", "%6", "%7", "%2", "%3", "%8", "%9") DB_PLUS("%5", "%0") DB_PLUS("%5", "%2")             \
                    DB_PLUS("%4", "%1") DB_PLUS("%4", "%3")                                                                 \
                : "=&x"(h_), "=&x"(l_), "=&x"(g_), "=&x"(k_), "+x"(lo), "+x"(hi)                                            \
                : "x"(x), "m"(y), "x"(x2), "m"(y2), DB_MAGIC);                                                              \
    } while (0)
#endif
