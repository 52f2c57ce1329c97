/* fe_limbs52.inc.h - what both 52-bit templates share: five limbs below 2^52 per lane, always carried.
 *
 * Wants FE and FE_P (four words). Gives FE_t, select and the carry-chain helpers. The carry chains add, for a - b, the
 * complement 2^52 - 1 - b_i per limb and a one at the bottom: the limbs then hold a - b + 2^260, and the bit above the top
 * limb says a >= b. */

#include "fe_element.inc.h"

/* r = a + b; the sum must stay below 2^260. */
PC_FN void FN(_limbs_add)(vec r[5], const vec a[5], const vec b[5]) {
    vec c = vzero();
    for (int i = 0; i < 5; i++) {
        vec t = vadd(vadd(a[i], b[i]), c);
        c = vshr(t, 52);
        r[i] = vand(t, vset1(PC_MASK52));
    }
}
/* r = a + k p - b for a small constant k; the result must lie in [0, 2^260). */
PC_FN void FN(_limbs_sub)(vec r[5], const vec a[5], uint64_t k, const vec b[5]) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    vec c = vset1(1);
    for (int i = 0; i < 5; i++) {
        vec t = vadd(vadd(a[i], vset1(k * P[i] + PC_MASK52)), vsub(c, b[i]));
        c = vshr(t, 52);
        r[i] = vand(t, vset1(PC_MASK52));
    }
}
/* a -= k p where a >= k p; k is 1, 2 or 4. */
PC_FN void FN(_limbs_reduce_once)(vec a[5], uint64_t k) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    vec e = vzero(), d[5]; /* e: the signed carry; 2^55 lent to every limb keeps t positive */
    for (int i = 0; i < 5; i++) {
        vec t = vadd(vadd(a[i], e), vset1((8ULL << 52) - k * P[i]));
        d[i] = vand(t, vset1(PC_MASK52));
        e = vsub(vshr(t, 52), vset1(8));
    }
    vmask ge = veq(e, vzero());
    for (int i = 0; i < 5; i++) a[i] = vblend(ge, d[i], a[i]);
}
/* a / 2 for a below 2^259: adds p when a is odd. */
PC_FN void FN(_limbs_half)(vec r[5], const vec a[5]) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    vmask odd = veq(vand(a[0], vset1(1)), vset1(1));
    vec t[5], p[5];
    for (int i = 0; i < 5; i++) p[i] = vblend(odd, vset1(P[i]), vzero());
    FN(_limbs_add)(t, a, p);
    for (int i = 0; i < 4; i++) r[i] = vor(vshr(t[i], 1), vshl(vand(t[i + 1], vset1(1)), 51));
    r[4] = vshr(t[4], 1);
}
/* a = 0 or a = p or ... a = k p, compared limb by limb (carried limbs are unique). */
PC_FN vmask FN(_limbs_is_multiple)(const vec a[5], uint64_t k) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    vmask found = mfrom_bits(0);
    for (uint64_t m = 0; m <= k; m++) {
        vec diff = vzero();
        uint64_t c = 0;
        for (int i = 0; i < 5; i++) {
            uint64_t t = m * P[i] + c;
            c = t >> 52;
            diff = vor(diff, vxor(a[i], vset1(t & PC_MASK52)));
        }
        found = mor(found, veq(diff, vzero()));
    }
    return found;
}

/* How many products meet in a column: five limbs by five, and the pairs i < j of a squaring. */
#define FE_PAIRS(k)     ((k) < 0 || (k) > 8 ? 0 : (k) < 5 ? (k) + 1 : 9 - (k))
#define FE_OFF_PAIRS(k) (FE_PAIRS(k) / 2)
#define FE_DIAGONAL(k)  ((k) >= 0 && (k) <= 8 && (k) % 2 == 0)

/* c = a * b, columns 0..9, each announced to take `more` times the same products again. */
PC_INLINE void FN(_limbs_mul)(vcol c[10], const vec a[5], const vec b[5], int more) {
#pragma GCC unroll 10
    for (int k = 0; k < 10; k++) c[k] = vcol_zero((1 + more) * FE_PAIRS(k), (1 + more) * FE_PAIRS(k - 1));
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
#pragma GCC unroll 5
        for (int j = 0; j < 5; j++) VCOL_MAC(c, i + j, a[i], b[j]);
}
PC_INLINE void FN(_limbs_sqr)(vcol c[10], const vec a[5], int more) {
#pragma GCC unroll 10
    for (int k = 0; k < 10; k++) c[k] = vcol_zero(FE_OFF_PAIRS(k), FE_OFF_PAIRS(k - 1));
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++)
#pragma GCC unroll 5
        for (int j = i + 1; j < 5; j++) VCOL_MAC(c, i + j, a[i], a[j]);
#pragma GCC unroll 10
    for (int k = 0; k < 10; k++)
        VCOL_DOUBLE(c, k, FE_DIAGONAL(k) + more * FE_PAIRS(k), FE_DIAGONAL(k - 1) + more * FE_PAIRS(k - 1));
#pragma GCC unroll 5
    for (int i = 0; i < 5; i++) VCOL_MAC(c, 2 * i, a[i], a[i]);
}
