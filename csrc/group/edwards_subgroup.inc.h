/* edwards_subgroup.inc.h - which points lie in the subgroup of prime order, for a curve of 8 L points; template.
 *
 * Makes ed25519_in_subgroup (here cv(in_subgroup)).
 *
 * Requires edwards.inc.h and (curves/<curve>.inc.h) CV_SUBGROUP_E, CV_SUBGROUP_C, CV_SUBGROUP_LAMBDA. Two powers instead of the 252
 * doublings of L p: half a halving of p, by the isogeny of degree 2, and a character of order 4 of what comes of it.
 * docs/design/0026 has the proof; here is what is computed.
 *
 *   p = (X : Y : Z) is twice a point if, and only if, Z^2 - Y^2 is a square s^2. Then, for either root s,
 *
 *     m = Z - Y,   g = 2 X Y - c s Z,   h = s (2 g + e m X) - lambda g m
 *
 *   and p is eight times a point, that is, in the subgroup, if z = 2 h^2 (g X)^3 m is a fourth power and not zero. z is zero
 *   for (0, 1), which is in the subgroup, and for some of the other points of small order, which are not. */

/* in[j]: the lanes where p[j] is in the subgroup; n vectors, at most SIDE. */
static PC_UNUSED void cv(in_subgroup)(vmask in[PC_SIDE], const cv(ext) p[PC_SIDE], int n) {
    static const uint64_t root_words[4] = CV_ROOT1, e_words[4] = CV_SUBGROUP_E, c_words[4] = CV_SUBGROUP_C;
    static const uint64_t lambda_words[4] = CV_SUBGROUP_LAMBDA;
    fe(t) a[PC_SIDE], power[PC_SIDE], z[PC_SIDE], one = fe(one)(), root, e, c, lambda, s, m, g, h, t;
    PC_CHECK(n >= 1 && n <= PC_SIDE);
    cv(fe_const)(&root, root_words);
    cv(fe_const)(&e, e_words);
    cv(fe_const)(&c, c_words);
    cv(fe_const)(&lambda, lambda_words);
    for (int j = 0; j < n; j++) {
        fe(sqr)(&s, &p[j].z);
        fe(sqr)(&t, &p[j].y);
        fe(subc)(&a[j], &s, &t);
    }
    cv(pow_p58)(power, a, n);
    for (int j = 0; j < n; j++) {
        fe(mul)(&s, &power[j], &a[j]); /* s^2 is a, -a, or a is no square */
        fe(sqr)(&t, &s);
        const vmask is_root = fe(eq)(&t, &a[j]);
        fe(add)(&t, &t, &a[j]);
        in[j] = mor(is_root, fe(is_zero)(&t));
        fe(mul)(&t, &s, &root);
        fe(select)(&s, is_root, &s, &t);

        fe(sub)(&m, &p[j].z, &p[j].y);
        fe(mul)(&t, &p[j].x, &p[j].y);
        fe(add)(&t, &t, &t);
        fe(mul)(&g, &s, &c);
        fe(mul)(&g, &g, &p[j].z);
        fe(subc)(&g, &t, &g);
        fe(mul)(&t, &m, &p[j].x);
        fe(mul)(&t, &t, &e);
        fe(add)(&h, &g, &g);
        fe(addc)(&t, &t, &h);
        fe(mul)(&h, &s, &t);
        fe(mul)(&t, &g, &m);
        fe(mul)(&t, &t, &lambda);
        fe(sub)(&h, &h, &t);
        fe(sqr)(&h, &h);
        fe(mul)(&g, &g, &p[j].x);
        fe(sqr)(&t, &g);
        fe(mul)(&g, &g, &t);
        fe(mul)(&g, &g, &m);
        fe(mul)(&g, &g, &h);
        fe(add)(&g, &g, &g);
        fe(carry)(&z[j], &g);
    }
    cv(pow_p58)(power, z, n);
    for (int j = 0; j < n; j++) { /* (p - 1) / 4 = 2 (p - 5) / 8 + 1 */
        fe(sqr)(&t, &power[j]);
        fe(mul)(&t, &t, &z[j]);
        in[j] = mor(mand(in[j], fe(eq)(&t, &one)), cv(is_identity)(&p[j]));
    }
}
