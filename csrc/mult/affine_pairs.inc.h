/* affine_pairs.inc.h - many additions of points side by side, in affine coordinates with a shared inversion; template.
 *
 * Makes k256_pairs (type), _pair_chord, _pairs_products, _pairs_mend, _pairs_finish, _pairs_add (here
 * cv(pairs_add) and so on).
 *
 * Requires weierstrass.inc.h. An addition is 5M + 1S and its share of one inversion for all, against 8M + 3S for the mixed
 * one, and leaves an affine point. It holds for every pair: where the denominator is zero, the product of all of them is
 * zero in that lane, which one look finds; then such lanes get the denominator and the numerator of the tangent, or,
 * where the points are opposite, are said to be infinite. */

enum { cv(PAIRS) = 256 }; /* vectors that share an inversion, at most: twice as many no longer fit the second-level cache */

typedef struct cv(pairs_s) {
    cv(aff) sum[cv(PAIRS)], term[cv(PAIRS)]; /* pairs_add: sum[i] += term[i]. Spoils term */
    fe(t) den[cv(PAIRS)], before[cv(PAIRS)];
    uint8_t infinite[cv(PAIRS)]; /* lanes where the sum is infinity, and sum[i] without meaning */
} cv(pairs);

/* den and numerator of pair i; term.x keeps x2 - x1. */
PC_INLINE void cv(pair_chord)(cv(pairs) * p, size_t i) {
    fe(subc)(&p->den[i], &p->term[i].x, &p->sum[i].x);
    fe(subc)(&p->term[i].y, &p->term[i].y, &p->sum[i].y);
    p->term[i].x = p->den[i];
    p->infinite[i] = 0;
}
/* Even and odd pairs have separate products, which the processor takes side by side. */
PC_NOINLINE VEC_FLATTEN void cv(pairs_products)(cv(pairs) * p, size_t n, fe(t) product[2]) {
    product[0] = product[1] = fe(one)();
    for (size_t i = 0; i < n; i++) {
        p->before[i] = product[i % 2];
        fe(mul)(&product[i % 2], &product[i % 2], &p->den[i]);
    }
}
/* Lanes with the denominator zero: the tangent where the points are equal, else infinity. */
PC_NOINLINE void cv(pairs_mend)(cv(pairs) * p, size_t n) {
    const fe(t) one = fe(one)(), none = fe(zero)();
    for (size_t i = 0; i < n; i++) {
        const vmask zero = fe(is_zero)(&p->den[i]);
        if (!mbits(zero)) continue;
        const vmask equal = mand(zero, fe(is_zero)(&p->term[i].y)), opposite = mand(zero, mnot(equal));
        fe(t) den, slope;
        fe(addc)(&den, &p->sum[i].y, &p->sum[i].y);
        fe(select)(&den, equal, &den, &p->den[i]);
        fe(select)(&p->den[i], opposite, &one, &den);
        fe(sqr)(&slope, &p->sum[i].x);
        fe(mul_small)(&slope, &slope, 3);
        fe(select)(&p->term[i].y, equal, &slope, &p->term[i].y);
        fe(select)(&p->term[i].x, equal, &none, &p->term[i].x);
        p->infinite[i] = (uint8_t)mbits(opposite);
    }
}
PC_NOINLINE VEC_FLATTEN void cv(pairs_finish)(cv(pairs) * p, size_t n, fe(t) inverse[2]) {
    for (size_t i = n; i-- > 0;) {
        cv(aff) *sum = &p->sum[i];
        fe(t) slope, t;
        fe(mul)(&t, &inverse[i % 2], &p->before[i]);
        fe(mul)(&inverse[i % 2], &inverse[i % 2], &p->den[i]);
        fe(mul)(&slope, &p->term[i].y, &t);
        t = sum->x;
        fe(sqr_sub12c)(&sum->x, &slope, &p->term[i].x, &t); /* slope^2 - x1 - x2 */
        fe(sub)(&t, &t, &sum->x);
        fe(mul_subc)(&sum->y, &t, &slope, &sum->y);
    }
}
/* Pairs 0 .. n - 1, after pair_chord. */
static void cv(pairs_add)(cv(pairs) * p, size_t n) {
    fe(t) product[2], inverse[2], both;
    PC_CHECK(n <= cv(PAIRS));
    cv(pairs_products)(p, n, product);
    fe(mul)(&both, &product[0], &product[1]);
    if (mbits(fe(is_zero)(&both))) {
        cv(pairs_mend)(p, n);
        cv(pairs_products)(p, n, product);
        fe(mul)(&both, &product[0], &product[1]);
    }
    fe(inv)(&both, &both);
    fe(mul)(&inverse[0], &both, &product[1]);
    fe(mul)(&inverse[1], &both, &product[0]);
    cv(pairs_finish)(p, n, inverse);
}
