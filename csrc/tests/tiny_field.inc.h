/* tiny_field.inc.h - a field of a few bits with the contract of field/field.h, for exhaustive tests of what stands on it;
 * template.
 *
 * Requires TINY (the prefix, as a function-like macro) and TINY_P (an odd prime below 2^16; = 3 mod 4 where sqrt is used).
 * A tight value is below p; add and sub give sums below 2 p, which are loose, and VERIFY builds stop at a loose value where the
 * contract asks for a tight one: a group formula that forgets a carry fails here whatever field it runs on. */

#ifndef PC_TINY_LANES
#    define PC_TINY_LANES
PC_FN vec tiny_mod(vec a, uint64_t p) {
    uint64_t x[VL];
    vstore(x, a);
    for (int lane = 0; lane < VL; lane++) x[lane] %= p;
    return vload(x);
}
PC_FN vec tiny_mul(vec a, vec b, uint64_t p) {
    uint64_t x[VL], y[VL];
    vstore(x, a);
    vstore(y, b);
    for (int lane = 0; lane < VL; lane++) x[lane] = x[lane] * y[lane] % p;
    return vload(x);
}
PC_FN int tiny_below(vec a, uint64_t bound) { return mbits(vlt(a, vset1(bound))) == (1u << VL) - 1; }
#endif

typedef struct TINY(s) {
    vec l[1];
} TINY(t);

PC_FN int TINY(tight)(const TINY(t) * a) { return tiny_below(a->l[0], TINY_P); }
PC_FN int TINY(loose)(const TINY(t) * a) { return tiny_below(a->l[0], 2 * (TINY_P)); }
PC_FN TINY(t) TINY(of_vec)(vec value) {
    TINY(t) r = {{tiny_mod(value, TINY_P)}};
    return r;
}
PC_FN TINY(t) TINY(of)(uint64_t value) { return TINY(of_vec)(vset1(value)); }
PC_FN TINY(t) TINY(zero)(void) { return TINY(of)(0); }
PC_FN TINY(t) TINY(one)(void) { return TINY(of)(1); }

PC_FN void TINY(from_words)(TINY(t) * r, const vec w[4]) {
    const vec low = vset1(0xffffffff);
    vec value = vzero();
    for (int i = 3; i >= 0; i--) {
        value = tiny_mod(vor(vshl(value, 32), vshr(w[i], 32)), TINY_P);
        value = tiny_mod(vor(vshl(value, 32), vand(w[i], low)), TINY_P);
    }
    r->l[0] = value;
}
PC_FN void TINY(to_words)(vec w[4], const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    w[0] = tiny_mod(a->l[0], TINY_P);
    w[1] = w[2] = w[3] = vzero();
}
PC_FN void TINY(pack)(vec w[4], const TINY(t) * a) { TINY(to_words)(w, a); }
PC_FN void TINY(unpack)(TINY(t) * r, const vec w[4]) { TINY(from_words)(r, w); }
PC_FN void TINY(add)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(tight)(a) && TINY(tight)(b));
    r->l[0] = vadd(a->l[0], b->l[0]);
}
PC_FN void TINY(sub)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(tight)(a) && TINY(tight)(b));
    r->l[0] = vsub(vadd(a->l[0], vset1(TINY_P)), b->l[0]);
}
PC_FN void TINY(neg)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(tight)(a));
    r->l[0] = vsub(vset1(TINY_P), a->l[0]);
}
PC_FN void TINY(carry)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    *r = TINY(of_vec)(a->l[0]);
}
PC_FN void TINY(addc)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    *r = TINY(of_vec)(vadd(a->l[0], b->l[0]));
}
PC_FN void TINY(subc)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    *r = TINY(of_vec)(vsub(vadd(a->l[0], vset1(2 * (TINY_P))), b->l[0]));
}
PC_FN void TINY(mul)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    r->l[0] = tiny_mul(a->l[0], b->l[0], TINY_P);
}
PC_FN void TINY(sqr)(TINY(t) * r, const TINY(t) * a) { TINY(mul)(r, a, a); }
PC_FN void TINY(mul_sub)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b, const TINY(t) * c) {
    TINY(t) t;
    TINY(mul)(&t, a, b);
    TINY(sub)(r, &t, c);
}
PC_FN void TINY(mul_subc)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b, const TINY(t) * c) {
    TINY(mul_sub)(r, a, b, c);
    TINY(carry)(r, r);
}
PC_FN void TINY(sqr_sub2c)(TINY(t) * r, const TINY(t) * a, const TINY(t) * c) {
    TINY(t) twice;
    TINY(add)(&twice, c, c);
    TINY(carry)(&twice, &twice);
    TINY(mul_subc)(r, a, a, &twice);
}
PC_FN void TINY(sqr_sub12c)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b, const TINY(t) * c) {
    TINY(t) sum;
    TINY(add)(&sum, c, c);
    TINY(addc)(&sum, &sum, b);
    TINY(mul_subc)(r, a, a, &sum);
}
PC_FN void TINY(mul_small)(TINY(t) * r, const TINY(t) * a, uint32_t k) {
    PC_CHECK(TINY(loose)(a) && k < 1 << 17);
    r->l[0] = tiny_mul(a->l[0], vset1(k), TINY_P);
}
PC_FN void TINY(half)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    r->l[0] = tiny_mul(a->l[0], vset1(((TINY_P) + 1) / 2), TINY_P);
}
PC_FN void TINY(mul_half3)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    TINY(mul)(r, a, b);
    TINY(mul_small)(r, r, 3);
    TINY(half)(r, r);
}
PC_FN void TINY(sqr_half3)(TINY(t) * r, const TINY(t) * a) { TINY(mul_half3)(r, a, a); }
PC_FN void TINY(sqr_apart)(TINY(t) * minus, TINY(t) * plus, const TINY(t) * a, const TINY(t) * b) {
    const TINY(t) x = *a;
    TINY(t) t;
    TINY(sqr)(&t, b);
    TINY(sub)(minus, &x, &t);
    TINY(add)(plus, &x, &t);
}
PC_FN TINY(t) TINY(power)(const TINY(t) * a, uint64_t exponent) {
    TINY(t) r = TINY(one)();
    for (int i = 15; i >= 0; i--) {
        TINY(sqr)(&r, &r);
        if (exponent >> i & 1) TINY(mul)(&r, &r, a);
    }
    return r;
}
PC_FN void TINY(inv)(TINY(t) * r, const TINY(t) * a) { *r = TINY(power)(a, (TINY_P)-2); }
PC_FN void TINY(sqrt)(TINY(t) * r, const TINY(t) * a) { *r = TINY(power)(a, ((TINY_P) + 1) / 4); }
PC_FN void TINY(sqrt_side)(TINY(t) * r, const TINY(t) * a, int n) {
    for (int j = 0; j < n; j++) TINY(sqrt)(&r[j], &a[j]);
}
PC_FN void TINY(batch_inv)(TINY(t) * x, size_t n, TINY(t) * tmp) {
    for (size_t i = 0; i < n; i++) {
        PC_CHECK(TINY(tight)(&x[i]));
        tmp[i] = x[i]; /* touched, so that AddressSanitizer sees a tmp that is too short */
        TINY(inv)(&x[i], &tmp[i]);
    }
}
PC_FN vmask TINY(is_zero)(const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    return veq(tiny_mod(a->l[0], TINY_P), vzero());
}
PC_FN vmask TINY(eq)(const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    return veq(tiny_mod(a->l[0], TINY_P), tiny_mod(b->l[0], TINY_P));
}
PC_FN vmask TINY(is_odd)(const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    return veq(vand(tiny_mod(a->l[0], TINY_P), vset1(1)), vset1(1));
}
PC_FN void TINY(select)(TINY(t) * r, vmask m, const TINY(t) * a, const TINY(t) * b) {
    r->l[0] = vblend(m, a->l[0], b->l[0]);
}
PC_FN void TINY(cneg)(TINY(t) * r, vmask m, const TINY(t) * a) {
    PC_CHECK(TINY(tight)(a));
    *r = TINY(of_vec)(vblend(m, vsub(vset1(TINY_P), a->l[0]), a->l[0]));
}

#undef TINY
#undef TINY_P
