/* weierstrass_cases.inc.h - cases for one curve of test_weierstrass.c; template over its parameters. */

/* Lanes where two points are the same. */
static unsigned cv(same)(const cv(jac) * a, const cv(jac) * b) {
    fe(t) aa, bb, l, r;
    vmask a_inf = fe(is_zero)(&a->z), b_inf = fe(is_zero)(&b->z);
    fe(sqr)(&aa, &a->z);
    fe(sqr)(&bb, &b->z);
    fe(mul)(&l, &a->x, &bb);
    fe(mul)(&r, &b->x, &aa);
    vmask same = fe(eq)(&l, &r);
    fe(mul)(&aa, &aa, &a->z);
    fe(mul)(&bb, &bb, &b->z);
    fe(mul)(&l, &a->y, &bb);
    fe(mul)(&r, &b->y, &aa);
    same = mand(mand(same, fe(eq)(&l, &r)), mnot(mor(a_inf, b_inf)));
    return mbits(mor(same, mand(a_inf, b_inf)));
}

static void cv(test_base)(void) {
    static const uint64_t order[4] = CV_N, zero[4] = {0};
    const uint64_t all[4] = {~0ULL, ~0ULL, ~0ULL, ~0ULL >> (256 - CV_BITS)};
    cv(aff) g;
    cv(jac) p, q;
    vec w[4];
    cv(generator)(&g);
    EXPECT(mbits(cv(on_curve)(&g)) == ALL_LANES);
    cv(jac_from_aff)(&p, &g);
    for (uint64_t k = 1; k < 600; k++) { /* k G by repeated addition */
        const uint64_t words[4] = {k, 0, 0, 0};
        words_set1(w, words);
        cv(mul_generator)(&q, w);
        EXPECT(cv(same)(&p, &q) == ALL_LANES);
        cv(madd_exact)(&p, &p, &g);
    }
    words_set1(w, order); /* the order itself, and zero, give infinity */
    cv(mul_generator)(&q, w);
    EXPECT(mbits(fe(is_zero)(&q.z)) == ALL_LANES);
    words_set1(w, zero);
    cv(mul_generator)(&q, w);
    EXPECT(mbits(fe(is_zero)(&q.z)) == ALL_LANES);
    cv(jac_infinity)(&p); /* 2^CV_BITS - 1 from doublings and additions alone */
    for (int i = 0; i < CV_BITS; i++) {
        cv(dbl)(&p, &p);
        cv(madd_exact)(&p, &p, &g);
    }
    words_set1(w, all);
    cv(mul_generator)(&q, w);
    EXPECT(cv(same)(&p, &q) == ALL_LANES);
}

/* An awkward scalar in every lane, below the order. */
static void cv(awkward)(sc(t) * s) {
    static const uint64_t order[4] = CV_N;
    uint64_t soa[4 * VL], w[4];
    vec words[4];
    for (size_t lane = 0; lane < VL; lane++) {
        awkward(w, order);
        for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = w[i];
    }
    words_load(words, soa, VL);
    sc(from_words)(s, words);
}

/* The comb and the ladder share no table and no digits, so for Q = d G each checks the other: u G + v Q is (u + v d) G.
 * Scalars are small, nearly n, powers of two, long runs of ones, and u is often chosen so that the sum is a small multiple
 * of G or infinity: the running sum meets table points, their negatives and infinity on its way. */
static void cv(test_double_base)(void) {
    static cv(mult_work) work;
    unsigned infinite = 0;
    for (int round = 0; round < ROUNDS; round++) {
        sc(t) d, u, v, t;
        cv(jac) p, wanted, got;
        cv(aff) q, g;
        cv(uv) k;
        fe(t) z_inv;
        vec w[4];
        cv(awkward)(&d);
        cv(awkward)(&v);
        cv(awkward)(&t);
        if (round % 4 == 0) t = sc(zero)();
        sc(to_words)(w, &d);
        cv(mul_generator)(&p, w);
        vmask no_key = fe(is_zero)(&p.z); /* d = 0 is no key: take G and d = 1 there */
        fe(inv)(&z_inv, &p.z);
        cv(to_aff)(&q, &p, &z_inv);
        cv(generator)(&g);
        cv(aff_select)(&q, no_key, &g, &q);
        const sc(t) one = sc(one)();
        sc(select)(&d, no_key, &one, &d);
        sc(mul)(&u, &v, &d);
        if (round % 3) { /* u = t - v d: the sum is t G */
            sc(subc)(&u, &t, &u);
        } else { /* or any u */
            t = u;
            cv(awkward)(&u);
            sc(addc)(&t, &t, &u);
        }
        sc(to_words)(w, &t);
        cv(mul_generator)(&wanted, w);
        infinite += mbits(words_is_zero(w)) & 1;
        sc(to_words)(k.u, &u);
        sc(to_words)(k.v, &v);
        cv(double_base)(&got, &k, &q, NULL, 1, &work);
        if (!EXPECT(cv(same)(&got, &wanted) == ALL_LANES)) return;
    }
    EXPECT(infinite > ROUNDS / 16);
}
