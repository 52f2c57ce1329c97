/* tiny_field.inc.h - a field of a few bits with the contract of field/field.h, for exhaustive tests of what stands on it;
 * template.
 *
 * Wants TINY (the prefix, as a function-like macro) and TINY_P (an odd prime below 2^16; = 3 mod 4 where sqrt is used).
 * Written for one lane. A tight value is below p; add and sub give sums below 2 p, which are loose, and VERIFY builds stop
 * at a loose value where the contract asks for a tight one: a group formula that forgets a carry fails here whatever field
 * it runs on. */

typedef struct TINY(s) {
    vec l[1];
} TINY(t);

PC_FN int TINY(tight)(const TINY(t) * a) { return a->l[0] < (TINY_P); }
PC_FN int TINY(loose)(const TINY(t) * a) { return a->l[0] < 2 * (TINY_P); }
PC_FN TINY(t) TINY(of)(uint64_t value) {
    TINY(t) r = {{value % (TINY_P)}};
    return r;
}
PC_FN TINY(t) TINY(zero)(void) { return TINY(of)(0); }
PC_FN TINY(t) TINY(one)(void) { return TINY(of)(1); }

PC_FN void TINY(from_words)(TINY(t) * r, const vec w[4]) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = (value << 32 | (w[i / 2] >> 32 * (i % 2) & 0xffffffff)) % (TINY_P);
    *r = TINY(of)(value);
}
PC_FN void TINY(to_words)(vec w[4], const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    w[0] = a->l[0] % (TINY_P);
    w[1] = w[2] = w[3] = 0;
}
PC_FN void TINY(pack)(vec w[4], const TINY(t) * a) { TINY(to_words)(w, a); }
PC_FN void TINY(unpack)(TINY(t) * r, const vec w[4]) { TINY(from_words)(r, w); }
PC_FN void TINY(add)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(tight)(a) && TINY(tight)(b));
    r->l[0] = a->l[0] + b->l[0];
}
PC_FN void TINY(sub)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(tight)(a) && TINY(tight)(b));
    r->l[0] = a->l[0] + (TINY_P)-b->l[0];
}
PC_FN void TINY(neg)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(tight)(a));
    r->l[0] = (TINY_P)-a->l[0];
}
PC_FN void TINY(carry)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    *r = TINY(of)(a->l[0]);
}
PC_FN void TINY(addc)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    *r = TINY(of)(a->l[0] + b->l[0]);
}
PC_FN void TINY(subc)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    *r = TINY(of)(a->l[0] + 2 * (TINY_P)-b->l[0]);
}
PC_FN void TINY(mul)(TINY(t) * r, const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    *r = TINY(of)(a->l[0] * b->l[0]);
}
PC_FN void TINY(sqr)(TINY(t) * r, const TINY(t) * a) { TINY(mul)(r, a, a); }
PC_FN void TINY(mul_small)(TINY(t) * r, const TINY(t) * a, uint32_t k) {
    PC_CHECK(TINY(loose)(a) && k < 1 << 17);
    *r = TINY(of)(a->l[0] * k);
}
PC_FN void TINY(half)(TINY(t) * r, const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    *r = TINY(of)(a->l[0] * (((TINY_P) + 1) / 2));
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
PC_FN void TINY(batch_inv)(TINY(t) * x, size_t n, TINY(t) * tmp) {
    for (size_t i = 0; i < n; i++) {
        PC_CHECK(TINY(tight)(&x[i]));
        tmp[i] = x[i]; /* touched, so that AddressSanitizer sees a tmp that is too short */
        TINY(inv)(&x[i], &tmp[i]);
    }
}
PC_FN vmask TINY(is_zero)(const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    return veq(a->l[0] % (TINY_P), 0);
}
PC_FN vmask TINY(eq)(const TINY(t) * a, const TINY(t) * b) {
    PC_CHECK(TINY(loose)(a) && TINY(loose)(b));
    return veq(a->l[0] % (TINY_P), b->l[0] % (TINY_P));
}
PC_FN vmask TINY(is_odd)(const TINY(t) * a) {
    PC_CHECK(TINY(loose)(a));
    return veq(a->l[0] % (TINY_P) & 1, 1);
}
PC_FN void TINY(select)(TINY(t) * r, vmask m, const TINY(t) * a, const TINY(t) * b) {
    r->l[0] = vblend(m, a->l[0], b->l[0]);
}
PC_FN void TINY(cneg)(TINY(t) * r, vmask m, const TINY(t) * a) {
    PC_CHECK(TINY(tight)(a));
    *r = TINY(of)(vblend(m, (TINY_P)-a->l[0], a->l[0]));
}

#undef TINY
#undef TINY_P
