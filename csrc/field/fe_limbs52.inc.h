/* fe_limbs52.inc.h - template: what the reducers in radix 2^52 share: FE_LIMBS limbs below 2^52 per lane, always carried.
 *
 * Makes, besides what fe_element.inc.h does, FE_limbs_add, _sub, _reduce_once, _half, _is_multiple, _mul, _sqr.
 * Requires FE and FE_P. The carry chains add, for a - b, the complement 2^52 - 1 - b_i per limb and a one at the bottom: the limbs
 * then hold a - b + 2^(52 FE_LIMBS), and the bit above the top limb says a >= b. */

#include "fe_element.inc.h"

/* r = a + b; the sum must stay below 2^(52 FE_LIMBS). */
PC_FN void FN(_limbs_add)(vec r[FE_LIMBS], const vec a[FE_LIMBS], const vec b[FE_LIMBS]) {
    vec c = vzero();
    for (int i = 0; i < FE_LIMBS; i++) {
        vec t = vadd(vadd(a[i], b[i]), c);
        c = vshr(t, 52);
        r[i] = vand(t, vset1(PC_MASK52));
    }
}
/* r = a + k p - b for a small constant k; the result must lie in [0, 2^(52 FE_LIMBS)). */
PC_FN void FN(_limbs_sub)(vec r[FE_LIMBS], const vec a[FE_LIMBS], uint64_t k, const vec b[FE_LIMBS]) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
    vec c = vset1(1);
    for (int i = 0; i < FE_LIMBS; i++) {
        vec t = vadd(vadd(a[i], vset1(k * P[i] + PC_MASK52)), vsub(c, b[i]));
        c = vshr(t, 52);
        r[i] = vand(t, vset1(PC_MASK52));
    }
}
/* a -= k p where a >= k p; k is 1, 2 or 4. */
PC_FN void FN(_limbs_reduce_once)(vec a[FE_LIMBS], uint64_t k) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
    vec e = vzero(), d[FE_LIMBS]; /* e: the signed carry; 2^55 lent to every limb keeps t positive */
    for (int i = 0; i < FE_LIMBS; i++) {
        vec t = vadd(vadd(a[i], e), vset1((8ULL << 52) - k * P[i]));
        d[i] = vand(t, vset1(PC_MASK52));
        e = vsub(vshr(t, 52), vset1(8));
    }
    vmask ge = veq(e, vzero());
    for (int i = 0; i < FE_LIMBS; i++) a[i] = vblend(ge, d[i], a[i]);
}
/* a / 2 for a with a bit to spare: adds p when a is odd. */
PC_FN void FN(_limbs_half)(vec r[FE_LIMBS], const vec a[FE_LIMBS]) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
    vmask odd = veq(vand(a[0], vset1(1)), vset1(1));
    vec t[FE_LIMBS], p[FE_LIMBS];
    for (int i = 0; i < FE_LIMBS; i++) p[i] = vblend(odd, vset1(P[i]), vzero());
    FN(_limbs_add)(t, a, p);
    for (int i = 0; i < FE_LIMBS - 1; i++) r[i] = vor(vshr(t[i], 1), vshl(vand(t[i + 1], vset1(1)), 51));
    r[FE_LIMBS - 1] = vshr(t[FE_LIMBS - 1], 1);
}
/* a = 0 or a = p or ... a = k p, compared limb by limb (carried limbs are unique). */
PC_FN vmask FN(_limbs_is_multiple)(const vec a[FE_LIMBS], uint64_t k) {
    static const uint64_t P[FE_LIMBS] = PC_LIMBS52(FE_P);
    vmask found = mfrom_bits(0);
    for (uint64_t m = 0; m <= k; m++) {
        vec diff = vzero();
        uint64_t c = 0;
        for (int i = 0; i < FE_LIMBS; i++) {
            uint64_t t = m * P[i] + c;
            c = t >> 52;
            diff = vor(diff, vxor(a[i], vset1(t & PC_MASK52)));
        }
        found = mor(found, veq(diff, vzero()));
    }
    return found;
}

/* How many products meet in a column: limbs by limbs, the pairs i < j of a squaring, and its squares. */
#define FE_PAIRS(k)     ((k) < 0 || (k) > 2 * FE_LIMBS - 2 ? 0 : (k) < FE_LIMBS ? (k) + 1 : 2 * FE_LIMBS - 1 - (k))
#define FE_OFF_PAIRS(k) (FE_PAIRS(k) / 2)
#define FE_DIAGONAL(k)  ((k) >= 0 && (k) <= 2 * FE_LIMBS - 2 && (k) % 2 == 0)

/* c = a * b, columns 0 .. 2 FE_LIMBS - 1, each announced to take `more` times the same products again. */
PC_INLINE void FN(_limbs_mul)(vcol c[2 * FE_LIMBS], const vec a[FE_LIMBS], const vec b[FE_LIMBS], int more) {
#pragma GCC unroll 16
    for (int k = 0; k < 2 * FE_LIMBS; k++) c[k] = vcol_zero((1 + more) * FE_PAIRS(k), (1 + more) * FE_PAIRS(k - 1));
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++)
#pragma GCC unroll 16
        for (int j = 0; j < FE_LIMBS; j++) VCOL_MAC(c, i + j, a[i], b[j]);
}
PC_INLINE void FN(_limbs_sqr)(vcol c[2 * FE_LIMBS], const vec a[FE_LIMBS], int more) {
#pragma GCC unroll 16
    for (int k = 0; k < 2 * FE_LIMBS; k++) c[k] = vcol_zero(FE_OFF_PAIRS(k), FE_OFF_PAIRS(k - 1));
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++)
#pragma GCC unroll 16
        for (int j = i + 1; j < FE_LIMBS; j++) VCOL_MAC(c, i + j, a[i], a[j]);
#pragma GCC unroll 16
    for (int k = 0; k < 2 * FE_LIMBS; k++)
        VCOL_DOUBLE(c, k, FE_DIAGONAL(k) + more * FE_PAIRS(k), FE_DIAGONAL(k - 1) + more * FE_PAIRS(k - 1));
#pragma GCC unroll 16
    for (int i = 0; i < FE_LIMBS; i++) VCOL_MAC(c, 2 * i, a[i], a[i]);
}
