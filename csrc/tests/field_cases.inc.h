/* field_cases.inc.h - every operation of field.h for one field, against big.h; template. Requires FT (prefix), FT_P (words)
 * and FT_WORST(elements, values, n), FT_LOOSE(elements, values, n): append the corners of the tight and of the loose class
 * of this body, and their values (test_field.c). */

#define F(name)  PC_CAT(FT, name)
#define TF(name) PC_CAT(PC_CAT(test_, FT), name)

/* The element with value x in every lane, and back from the last lane. Not inlined: they are called in fifty places, for sixteen fields. */
PC_NOINLINE void TF(_set)(F(_t) * r, const uint64_t x[BIG_WORDS]) {
    vec w[BIG_WORDS];
    words_set1_n(w, x, BIG_WORDS);
    F(_from_words)(r, w);
}
PC_NOINLINE void TF(_get)(uint64_t x[BIG_WORDS], const F(_t) * a) {
    vec w[BIG_WORDS];
    F(_to_words)(w, a);
    for (int i = 0; i < BIG_WORDS; i++) x[i] = vlane(w[i], VL - 1);
}
PC_NOINLINE int TF(_is)(const F(_t) * a, const uint64_t wanted[BIG_WORDS]) {
    uint64_t got[BIG_WORDS];
    TF(_get)(got, a);
    return big_same(got, wanted);
}

/* Products less something, of the sum and the difference of two tight elements. */
static void TF(_fused)(const F(_t) * a, const F(_t) * b, const uint64_t x[BIG_WORDS], const uint64_t y[BIG_WORDS]) {
    static const uint64_t P[BIG_WORDS] = {FT_P};
    uint64_t sum[BIG_WORDS], difference[BIG_WORDS], wanted[BIG_WORDS], t[BIG_WORDS];
    F(_t) s, d, r, c;
    big_addmod(sum, x, y, P);
    big_submod(difference, x, y, P);
    F(_add)(&s, a, b);
    F(_sub)(&d, a, b);
    F(_mul_sub)(&r, &s, &d, a);
    big_mulmod(t, sum, difference, P);
    big_submod(wanted, t, x, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_sqr)(&c, &r); /* wide enough for a multiplication */
    big_mulmod(wanted, wanted, wanted, P);
    EXPECT(TF(_is)(&c, wanted));
    F(_mul_subc)(&r, &s, &d, b);
    big_submod(wanted, t, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_add)(&c, &r, &r);
    big_addmod(wanted, wanted, wanted, P);
    EXPECT(TF(_is)(&c, wanted));
    F(_sqr_sub2c)(&r, &d, a);
    big_mulmod(t, difference, difference, P);
    big_submod(t, t, x, P);
    big_submod(wanted, t, x, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_sqr_sub12c)(&r, &d, b, a);
    big_submod(wanted, wanted, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_sqr_sub12c)(&r, &r, &r, &r);
    big_mulmod(t, wanted, wanted, P);
    for (int i = 0; i < 3; i++) big_submod(t, t, wanted, P);
    EXPECT(TF(_is)(&r, t));
    /* three halves of a product: doubled, three times it */
    F(_mul_half3)(&r, &s, &d);
    big_mulmod(t, sum, difference, P);
    big_addmod(wanted, t, t, P);
    big_addmod(wanted, wanted, t, P);
    F(_addc)(&c, &r, &r);
    EXPECT(TF(_is)(&c, wanted));
    F(_sqr_half3)(&r, &d);
    big_mulmod(t, difference, difference, P);
    big_addmod(wanted, t, t, P);
    big_addmod(wanted, wanted, t, P);
    F(_addc)(&c, &r, &r);
    EXPECT(TF(_is)(&c, wanted));
    F(_sqr_apart)(&r, &c, a, &s);
    big_mulmod(t, sum, sum, P);
    big_submod(wanted, x, t, P);
    EXPECT(TF(_is)(&r, wanted));
    big_addmod(wanted, x, t, P);
    EXPECT(TF(_is)(&c, wanted));
    r = *a;
    F(_sqr_apart)(&r, &c, &r, &r); /* one of the outputs is both inputs */
    big_mulmod(t, x, x, P);
    big_addmod(wanted, x, t, P);
    EXPECT(TF(_is)(&c, wanted));
    big_submod(wanted, x, t, P);
    EXPECT(TF(_is)(&r, wanted));
}

/* Everything that takes two tight elements; x and y are their values, canonical. */
static void TF(_pair)(const F(_t) * a, const F(_t) * b, const uint64_t x[BIG_WORDS], const uint64_t y[BIG_WORDS]) {
    static const uint64_t P[BIG_WORDS] = {FT_P};
    uint64_t sum[BIG_WORDS], difference[BIG_WORDS], wanted[BIG_WORDS], t[BIG_WORDS];
    F(_t) s, d, r, c;
    big_addmod(sum, x, y, P);
    big_submod(difference, x, y, P);
    F(_add)(&s, a, b);
    EXPECT(TF(_is)(&s, sum));
    F(_sub)(&d, a, b);
    EXPECT(TF(_is)(&d, difference));
    F(_carry)(&c, &d);
    EXPECT(TF(_is)(&c, difference));
    F(_carry)(&c, &s);
    EXPECT(TF(_is)(&c, sum));
    F(_mul)(&r, a, b);
    big_mulmod(wanted, x, y, P);
    EXPECT(TF(_is)(&r, wanted));
    r = *b; /* the output is the second operand */
    F(_mul)(&r, a, &r);
    EXPECT(TF(_is)(&r, wanted));
    r = *a;
    F(_mul)(&r, &r, b);
    EXPECT(TF(_is)(&r, wanted));
    /* loose by loose, and what comes out is tight enough to go on */
    F(_mul)(&r, &s, &d);
    big_mulmod(wanted, sum, difference, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_add)(&c, &r, a);
    big_addmod(t, wanted, x, P);
    EXPECT(TF(_is)(&c, t));
    F(_sqr)(&r, &d);
    big_mulmod(wanted, difference, difference, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_sqr)(&r, &s);
    big_mulmod(wanted, sum, sum, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_addc)(&r, &s, &d);
    big_addmod(wanted, x, x, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_subc)(&r, &s, &d);
    big_addmod(wanted, y, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_subc)(&r, &d, &s);
    big_negmod(wanted, wanted, P);
    EXPECT(TF(_is)(&r, wanted));
    TF(_fused)(a, b, x, y);
    F(_sub)(&r, &r, &r); /* all of the operands the same memory */
    EXPECT(mbits(F(_is_zero)(&r)) == (1u << VL) - 1);
    EXPECT((mbits(F(_eq)(a, b)) & 1) == (unsigned)big_same(x, y));
    EXPECT((mbits(F(_is_zero)(&d)) & 1) == (unsigned)big_same(x, y));
    EXPECT((mbits(F(_is_odd)(&d)) & 1) == (difference[0] & 1));
    F(_select)(&r, F(_is_odd)(&s), a, b);
    EXPECT(TF(_is)(&r, sum[0] & 1 ? x : y));
}

static void TF(_single)(const F(_t) * a, const uint64_t x[BIG_WORDS]) {
    static const uint64_t P[BIG_WORDS] = {FT_P}, zero[BIG_WORDS] = {0};
    static const uint32_t small[] = {0, 1, 2, 3, 8, 977, 65537, 121666, 131071};
    uint64_t wanted[BIG_WORDS];
    F(_t) r, n;
    vec packed[BIG_WORDS], p[BIG_WORDS];
    EXPECT(TF(_is)(a, x));
    F(_pack)(packed, a);
    words_set1_n(p, P, BIG_WORDS);
    EXPECT(mbits(words_lt2_n(packed, p, BIG_WORDS)) == (1u << VL) - 1);
    F(_unpack)(&r, packed);
    EXPECT(TF(_is)(&r, x));
    F(_neg)(&n, a);
    big_negmod(wanted, x, P);
    EXPECT(TF(_is)(&n, wanted));
    F(_cneg)(&r, mfrom_bits((1u << VL) - 1), a);
    EXPECT(TF(_is)(&r, wanted));
    F(_cneg)(&r, mfrom_bits(0), a);
    EXPECT(TF(_is)(&r, x));
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const uint64_t k[BIG_WORDS] = {small[i]};
        F(_mul_small)(&r, &n, small[i]);
        big_mulmod(wanted, x, k, P);
        big_negmod(wanted, wanted, P);
        EXPECT(TF(_is)(&r, wanted));
    }
    F(_half)(&r, &n);
    TF(_get)(wanted, &r);
    big_addmod(wanted, wanted, wanted, P);
    big_addmod(wanted, wanted, x, P);
    EXPECT(big_same(wanted, zero));
    F(_sqr_n)(&r, a, 3);
    memcpy(wanted, x, sizeof wanted);
    for (int i = 0; i < 3; i++) big_mulmod(wanted, wanted, wanted, P);
    EXPECT(TF(_is)(&r, wanted));
}

/* Everything that takes loose elements. */
static void TF(_loose)(const F(_t) * a, const F(_t) * b, const uint64_t x[BIG_WORDS], const uint64_t y[BIG_WORDS]) {
    static const uint64_t P[BIG_WORDS] = {FT_P}, zero[BIG_WORDS] = {0};
    uint64_t wanted[BIG_WORDS], t[BIG_WORDS];
    F(_t) r;
    EXPECT(TF(_is)(a, x));
    F(_carry)(&r, a);
    EXPECT(TF(_is)(&r, x));
    F(_mul)(&r, a, b);
    big_mulmod(wanted, x, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_sqr)(&r, a);
    big_mulmod(wanted, x, x, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_addc)(&r, a, b);
    big_addmod(wanted, x, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_subc)(&r, a, b);
    big_submod(wanted, x, y, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_mul_small)(&r, a, 131071);
    const uint64_t k[BIG_WORDS] = {131071};
    big_mulmod(wanted, x, k, P);
    EXPECT(TF(_is)(&r, wanted));
    F(_half)(&r, a);
    TF(_get)(t, &r);
    big_addmod(t, t, t, P);
    EXPECT(big_same(t, x));
    EXPECT((mbits(F(_eq)(a, b)) & 1) == (unsigned)big_same(x, y));
    EXPECT((mbits(F(_is_odd)(a)) & 1) == (x[0] & 1));
    EXPECT((mbits(F(_is_zero)(a)) & 1) == (unsigned)big_same(x, zero));
}

static void TF(_roots)(const uint64_t x[BIG_WORDS]) {
    static const uint64_t P[BIG_WORDS] = {FT_P}, zero[BIG_WORDS] = {0}, one[BIG_WORDS] = {1};
    uint64_t t[BIG_WORDS], u[BIG_WORDS], square[BIG_WORDS];
    F(_t) a, r;
    TF(_set)(&a, x);
    F(_inv)(&r, &a);
    TF(_get)(t, &r);
    big_mod(u, x, BIG_WORDS, P);
    big_mulmod(t, t, u, P);
    EXPECT(big_same(t, big_same(u, zero) ? zero : one));
    if ((P[0] & 3) != 3 && (P[0] & 7) != 5) return; /* no root function in these fields */
    F(_sqr)(&a, &a);
    F(_sqrt)(&r, &a);
    TF(_get)(t, &r);
    big_mulmod(t, t, t, P);
    big_mulmod(square, u, u, P);
    EXPECT(big_same(t, square));
}

static void TF(_batch_inverses_of)(int n) {
    static const uint64_t P[BIG_WORDS] = {FT_P}, zero[BIG_WORDS] = {0}, one[BIG_WORDS] = {1};
    enum { MOST = 64 };
    uint64_t x[MOST][BIG_WORDS], t[BIG_WORDS];
    F(_t) a[MOST], tmp[MOST];
    for (int i = 0; i < n; i++) {
        test_fill((uint8_t *)x[i], sizeof x[i]);
        if (i % 5 == 0)
            memcpy(x[i], i % 2 ? P : zero, sizeof zero); /* zeros of both forms, the first and the last element among them */
        if (i == n - 1) memcpy(x[i], zero, sizeof zero);
        TF(_set)(&a[i], x[i]);
    }
    F(_batch_inv)(a, (size_t)n, tmp);
    for (int i = 0; i < n; i++) {
        TF(_get)(t, &a[i]);
        big_mulmod(t, t, x[i], P);
        EXPECT(big_same(t, i % 5 == 0 || i == n - 1 ? zero : one));
    }
}
static void TF(_batch_inverses)(void) {
    for (int n = 0; n < 22; n++) TF(_batch_inverses_of)(n);
    TF(_batch_inverses_of)(37);
    TF(_batch_inverses_of)(64);
}

static void TF(_all)(void) {
    static const uint64_t P[BIG_WORDS] = {FT_P};
    enum { MOST = 96 };
    static uint64_t edge[MOST][BIG_WORDS];
    F(_t) a, b;
    int n = test_edges(edge, MOST, P);
    for (int i = 0; i < n; i++) {
        uint64_t x[BIG_WORDS], y[BIG_WORDS];
        big_mod(x, edge[i], BIG_WORDS, P);
        TF(_set)(&a, edge[i]);
        TF(_single)(&a, x);
        TF(_roots)(edge[i]);
        for (int j = 0; j < n; j += 1 + (i % 3)) {
            big_mod(y, edge[j], BIG_WORDS, P);
            TF(_set)(&b, edge[j]);
            TF(_pair)(&a, &b, x, y);
        }
    }
    for (int i = 0; i < 300; i++) {
        uint64_t x[BIG_WORDS], y[BIG_WORDS];
        test_fill((uint8_t *)x, sizeof x);
        test_fill((uint8_t *)y, sizeof y);
        TF(_set)(&a, x);
        TF(_set)(&b, y);
        big_mod(x, x, BIG_WORDS, P);
        big_mod(y, y, BIG_WORDS, P);
        TF(_pair)(&a, &b, x, y);
        TF(_single)(&a, x);
    }
    TF(_batch_inverses)();
    /* the corners of the tight class, limb by limb: values may be unreachable, the bounds must hold all the same */
    static F(_t) worst[FT_WORST_MOST];
    static uint64_t value[FT_WORST_MOST][BIG_WORDS];
    int n_worst = 0;
    {
        FT_WORST(worst, value, n_worst)
    }
    for (int i = 0; i < n_worst; i++) {
        TF(_single)(&worst[i], value[i]);
        for (int j = 0; j < n_worst; j += 1 + i % 2) TF(_pair)(&worst[i], &worst[j], value[i], value[j]);
    }
    n_worst = 0;
    {
        FT_LOOSE(worst, value, n_worst)
    }
    for (int i = 0; i < n_worst; i++)
        for (int j = 0; j < n_worst; j += 1 + i % 2) TF(_loose)(&worst[i], &worst[j], value[i], value[j]);
    /* lanes do not leak into each other */
    uint64_t words[BIG_WORDS][VL], out[BIG_WORDS][VL];
    vec w[BIG_WORDS];
    for (int k = 0; k < 50; k++) {
        test_fill((uint8_t *)words, sizeof words);
        for (int i = 0; i < BIG_WORDS; i++) w[i] = vload(words[i]);
        F(_from_words)(&a, w);
        F(_sqr)(&b, &a);
        F(_sub)(&b, &b, &a);
        F(_mul)(&b, &b, &a);
        F(_to_words)(w, &b);
        for (int i = 0; i < BIG_WORDS; i++) vstore(out[i], w[i]);
        for (int lane = 0; lane < VL; lane++) {
            uint64_t x[BIG_WORDS], t[BIG_WORDS], got[BIG_WORDS];
            for (int i = 0; i < BIG_WORDS; i++) x[i] = words[i][lane], got[i] = out[i][lane];
            big_mulmod(t, x, x, P);
            big_submod(t, t, x, P);
            big_mulmod(t, t, x, P);
            EXPECT(big_same(got, t));
        }
    }
}
#undef F
#undef TF
#undef FT
