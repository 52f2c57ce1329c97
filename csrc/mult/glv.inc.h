/* glv.inc.h - splits a scalar of secp256k1 along its endomorphism: k = k1 + k2 lambda (mod n), |k1|, |k2| < 2^128.
 *
 * Makes glv_multiple, glv_combine, glv_difference, k256_split.
 *
 * Gallant, Lambert, Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms" (CRYPTO 2001);
 * Guide to Elliptic Curve Cryptography, algorithm 3.74. A reduced basis of the lattice of (a, b) with a + b lambda = 0 (mod
 * n), from the extended Euclidean algorithm on n and lambda:
 *
 *     (a1, b1) = ( 0x3086d221a7d46bcde86c90e49284eb15, -0xe4437ed6010e88286f547fa90abfe4c3)
 *     (a2, b2) = (0x114ca50f7a8e2f3f657c1108d9d44cfd8,  a1)
 *
 * With c1 = round(b2 k / n) and c2 = round(-b1 k / n): k1 = k - c1 a1 - c2 a2, k2 = -c1 b1 - c2 b2. The divisions become
 * multiplications by G1 = round(2^384 b2 / n) and G2 = round(2^384 (-b1) / n); the error of each is far below one, which
 * moves a point that lies near the border of a lattice cell to the neighbouring one and leaves the bound. k1 and k2 are
 * computed modulo 2^156, in three 52-bit limbs, and read as signed. */

/* Columns of an n x n limb product: how many low and how many high halves go into column i (vec/README.md, vcol_zero). */
#define GLV_LOWS(n, i)  ((i) < (n) ? (i) + 1 : (i) < 2 * (n) - 1 ? 2 * (n) - 1 - (i) : 0)
#define GLV_HIGHS(n, i) ((i) == 0 ? 0 : GLV_LOWS(n, (i) - 1))

/* c = round(k g / 2^384), three limbs. */
PC_FN void glv_multiple(vec c[3], const vec k[5], const uint64_t g[5]) {
    vcol col[10];
    vec l7, l8, l9;
    for (int i = 0; i < 10; i++) col[i] = vcol_zero(GLV_LOWS(5, i), GLV_HIGHS(5, i));
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) VCOL_MAC(col, i + j, k[i], vset1(g[j]));
    VCOL_ADD(col, 7, vset1(1 << 19)); /* 2^383: round to nearest; 384 = 7 * 52 + 20 */
    for (int i = 0; i < 7; i++) VCOL_CARRY(col, i);
    l7 = VCOL_LOW(col, 7);
    VCOL_CARRY(col, 7);
    l8 = VCOL_LOW(col, 8);
    VCOL_CARRY(col, 8);
    l9 = VCOL_ALL(col, 9);
    const vec mask = vset1(PC_MASK52);
    c[0] = vand(vor(vshr(l7, 20), vshl(l8, 32)), mask);
    c[1] = vand(vor(vshr(l8, 20), vshl(l9, 32)), mask);
    c[2] = vshr(l9, 20);
}

/* r = c1 x1 + c2 x2 modulo 2^156. */
PC_FN void glv_combine(vec r[3], const vec c1[3], const uint64_t x1[3], const vec c2[3], const uint64_t x2[3]) {
    vcol col[4];
    for (int i = 0; i < 4; i++) col[i] = vcol_zero(2 * (i + 1), 2 * i);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; i + j < 3; j++) {
            VCOL_MAC(col, i + j, c1[i], vset1(x1[j]));
            VCOL_MAC(col, i + j, c2[i], vset1(x2[j]));
        }
    }
    for (int i = 0; i < 3; i++) {
        r[i] = VCOL_LOW(col, i);
        VCOL_CARRY(col, i);
    }
}

/* w = |a - b| for a - b modulo 2^156 read as signed and below 2^128; returns the lanes where it is negative. */
PC_FN vmask glv_difference(vec w[2], const vec a[3], const vec b[3]) {
    const vec mask = vset1(PC_MASK52);
    vec d[3], c = vset1(1);
    for (int i = 0; i < 3; i++) { /* a + ~b + 1 */
        vec t = vadd(vadd(a[i], vsub(mask, b[i])), c);
        d[i] = vand(t, mask);
        c = vshr(t, 52);
    }
    vmask negative = veq(vshr(d[2], 51), vset1(1));
    vec flip = vblend(negative, mask, vzero());
    c = vblend(negative, vset1(1), vzero());
    for (int i = 0; i < 3; i++) { /* negative: ~d + 1 */
        vec t = vadd(vxor(d[i], flip), c);
        d[i] = vand(t, mask);
        c = vshr(t, 52);
    }
    PC_CHECK(mbits(vlt(d[2], vset1(1 << 24))) == (1u << VL) - 1);
    w[0] = vor(d[0], vshl(d[1], 52));
    w[1] = vor(vshr(d[1], 12), vshl(d[2], 40));
    return negative;
}

/* part[0] + lambda part[1] = k (mod n), with their signs apart. */
PC_FN void k256_split(vec part[2][2], vmask negative[2], const vec k[4]) {
    static const uint64_t g1[5] = {0x3209a45dbb031ULL, 0x1471e8ca7fe89ULL, 0x284eb153daa8aULL, 0x6bcde86c90e49ULL,
                                   0x03086d221a7d4ULL};
    static const uint64_t g2[5] = {0x1b4ae8ac47f71ULL, 0xac9df506c6157ULL, 0xabfe4c4221208ULL, 0x88286f547fa90ULL,
                                   0x0e4437ed6010eULL};
    static const uint64_t a1[3] = {0xc90e49284eb15ULL, 0x21a7d46bcde86ULL, 0x00000003086d2ULL}; /* = b2 */
    static const uint64_t a2[3] = {0x1108d9d44cfd8ULL, 0xf7a8e2f3f657cULL, 0x000000114ca50ULL};
    static const uint64_t minus_b1[3] = {0x47fa90abfe4c3ULL, 0xd6010e88286f5ULL, 0x0000000e4437eULL};
    static const uint64_t zero[3] = {0, 0, 0};
    vec limbs[5], c1[3], c2[3], sum[3], other[3];
    words_to_limbs52(limbs, k);
    glv_multiple(c1, limbs, g1);
    glv_multiple(c2, limbs, g2);
    glv_combine(sum, c1, a1, c2, a2);
    negative[0] = glv_difference(part[0], limbs, sum);
    glv_combine(sum, c1, minus_b1, c2, zero);
    glv_combine(other, c1, zero, c2, a1);
    negative[1] = glv_difference(part[1], sum, other);
}
