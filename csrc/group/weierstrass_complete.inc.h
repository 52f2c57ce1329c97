/* weierstrass_complete.inc.h - an addition without exceptions on y^2 = x^3 + b; template.
 *
 * Makes k256_hom (type), _hom_infinity, _hom_from_aff, _hom_select, _hom_eq, _hom_cross, _hom_add,
 * _hom_dbl_n, _times_3b (here cv(hom_add) and so on).
 *
 * Requires weierstrass.inc.h with CV_A 0, and b below 2^15. Homogeneous coordinates: x = X / Z, y = Y / Z; infinity is (0 :
 * Y : 0). The formulas of Renes, Costello and Batina, "Complete addition formulas for prime order elliptic curves"
 * (EUROCRYPT 2016), section 3.3, hold for every pair of points where no point has order two:
 *
 *     X3 = (X1 Y2 + X2 Y1) (Y1 Y2 - 3b Z1 Z2) - 3b (Y1 Z2 + Y2 Z1) (X1 Z2 + X2 Z1)
 *     Y3 = (Y1 Y2 + 3b Z1 Z2) (Y1 Y2 - 3b Z1 Z2) + 9b X1 X2 (X1 Z2 + X2 Z1)
 *     Z3 = (Y1 Z2 + Y2 Z1) (Y1 Y2 + 3b Z1 Z2) + 3 X1 X2 (X1 Y2 + X2 Y1) */

typedef struct cv(hom_s) {
    fe(t) x, y, z;
} cv(hom);

PC_FN void cv(hom_infinity)(cv(hom) * r) {
    r->x = r->z = fe(zero)();
    r->y = fe(one)();
}
PC_FN void cv(hom_from_aff)(cv(hom) * r, const cv(aff) * p) {
    r->x = p->x;
    r->y = p->y;
    r->z = fe(one)();
}
PC_FN void cv(hom_select)(cv(hom) * r, vmask m, const cv(hom) * a, const cv(hom) * b) {
    fe(select)(&r->x, m, &a->x, &b->x);
    fe(select)(&r->y, m, &a->y, &b->y);
    fe(select)(&r->z, m, &a->z, &b->z);
}
PC_FN vmask cv(hom_eq)(const cv(hom) * p, const cv(hom) * q) {
    fe(t) a, b;
    fe(mul)(&a, &p->x, &q->z);
    fe(mul)(&b, &q->x, &p->z);
    const vmask same = fe(eq)(&a, &b);
    fe(mul)(&a, &p->y, &q->z);
    fe(mul)(&b, &q->y, &p->z);
    return mand(same, fe(eq)(&a, &b));
}
PC_FN void cv(times_3b)(fe(t) * r, const fe(t) * a) {
    static const uint64_t b[CV_WORDS] = CV_B;
    fe(mul_small)(r, a, (uint32_t)(3 * b[0]));
}
/* r = a1 b2 + a2 b1, given a = a1 a2 and b = b1 b2. */
PC_FN void cv(hom_cross)(fe(t) * r, const fe(t) * a1, const fe(t) * b1, const fe(t) * a2, const fe(t) * b2, const fe(t) * a,
                         const fe(t) * b) {
    fe(t) t, u;
    fe(add)(&t, a1, b1);
    fe(add)(&u, a2, b2);
    fe(mul)(&t, &t, &u);
    fe(add)(&u, a, b);
    fe(subc)(r, &t, &u);
}
/* r = p + q: 12M. */
PC_NOINLINE void cv(hom_add)(cv(hom) * r, const cv(hom) * p, const cv(hom) * q) {
    fe(t) xx, yy, zz, xy, yz, xz, plus, minus, t, u;
    fe(mul)(&xx, &p->x, &q->x);
    fe(mul)(&yy, &p->y, &q->y);
    fe(mul)(&zz, &p->z, &q->z);
    cv(hom_cross)(&xy, &p->x, &p->y, &q->x, &q->y, &xx, &yy);
    cv(hom_cross)(&yz, &p->y, &p->z, &q->y, &q->z, &yy, &zz);
    cv(hom_cross)(&xz, &p->x, &p->z, &q->x, &q->z, &xx, &zz);
    cv(times_3b)(&zz, &zz);
    cv(times_3b)(&xz, &xz);
    fe(mul_small)(&xx, &xx, 3);
    fe(addc)(&plus, &yy, &zz);
    fe(subc)(&minus, &yy, &zz);
    fe(mul)(&t, &xz, &yz);
    fe(mul_subc)(&r->x, &xy, &minus, &t);
    fe(mul)(&t, &plus, &minus);
    fe(mul)(&u, &xx, &xz);
    fe(addc)(&r->y, &t, &u);
    fe(mul)(&t, &yz, &plus);
    fe(mul)(&u, &xx, &xy);
    fe(addc)(&r->z, &t, &u);
}
/* r = 2^times p, each 6M + 2S: the same with q = p, where X3 and Z3 have a factor Y. */
PC_NOINLINE void cv(hom_dbl_n)(cv(hom) * r, const cv(hom) * p, int times) {
    fe(t) yy, zz, yz, t, minus;
    *r = *p;
    for (int i = 0; i < times; i++) {
        fe(sqr)(&yy, &r->y);
        fe(sqr)(&zz, &r->z);
        fe(mul)(&yz, &r->y, &r->z);
        fe(mul)(&r->x, &r->x, &r->y);
        cv(times_3b)(&zz, &zz);
        fe(mul_small)(&t, &zz, 3);
        fe(subc)(&minus, &yy, &t); /* Y^2 - 9b Z^2 */
        fe(addc)(&t, &yy, &zz);
        fe(mul)(&t, &t, &minus);
        fe(mul_small)(&yy, &yy, 8);
        fe(mul)(&zz, &zz, &yy);
        fe(addc)(&r->y, &t, &zz); /* (Y^2 + 3b Z^2) (Y^2 - 9b Z^2) + 24b Y^2 Z^2 */
        fe(mul)(&r->x, &r->x, &minus);
        fe(mul_small)(&r->x, &r->x, 2);
        fe(mul)(&r->z, &yy, &yz); /* 8 Y^3 Z */
    }
}
