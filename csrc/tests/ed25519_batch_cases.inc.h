/* ed25519_batch_cases.inc.h - combined equations of test_ed25519.c: what a combination takes, what makes it fall, equal items, chunks. */

/* Spoils S of an item: the equation fails by a point of prime order. */
static void spoil(batch *b, size_t i, uint64_t by) {
    const uint64_t d[4] = {by};
    uint64_t s[4];
    pc_words_from_le(s, b->signatures + 64 * i + 32);
    big_addmod(s, s, d, order);
    pc_words_to_le(b->signatures + 64 * i + 32, s);
}
/* verify() under the cofactored rules, against a list of what is bad. */
static void expect_bad(const batch *b, size_t n, const uint8_t *bad) {
    static uint8_t verdicts[MOST];
    int wrong = 0;
    verify(b, 0, n, PC_RULE_COFACTORED, verdicts);
    for (size_t i = 0; i < n; i++) wrong += verdicts[i] != (bad[i] ? PC_BAD_SIGNATURE : PC_VALID);
    EXPECT_INT(wrong, 0);
}

/* Signatures of MOST keys that all hold, and a copy to spoil with what is bad in it. */
static batch good, spoiled;
static uint8_t bad[MOST];
static void start_over(void) {
    spoiled = good;
    memset(bad, 0, sizeof bad);
}
static void spoil_one(size_t i, uint64_t by) {
    spoil(&spoiled, i, by);
    bad[i] = 1;
}

/* A combination is taken when all is well and falls when anything is not. */
static void test_combination(void) {
    ed25519_work *w = (ed25519_work *)(void *)scratch;
    start_over();
    expect_bad(&good, MOST, bad); /* leaves points, scalars and coefficients in the scratch */
    EXPECT(w->combine.seeded == 1 && w->combine.seen == MOST && w->combine.bad == 0 && w->found.n == MOST);
    for (size_t i = 0; i < MOST; i++) { /* 128 bits, all different, sign extended */
        const uint64_t *z = w->z + 4 * i;
        EXPECT(z[2] == z[3] && z[2] == 0 - (z[1] >> 63));
        for (size_t j = 0; j < i; j++) EXPECT(z[0] != w->z[4 * j] && z[1] != w->z[4 * j + 1]);
    }
    vmode mode = vmode_enter();
    EXPECT(ed25519_holds(w, w->live, MOST));
    EXPECT(ed25519_holds_in(w, w->live, 3 * VL) == ALL_LANES);
    w->wide[8 * (MOST / 2)] ^= 1;
    EXPECT(!ed25519_holds(w, w->live, MOST) && ed25519_holds(w, w->live, MOST / 2));
    EXPECT(ed25519_holds(w, w->live + MOST / 2 + 1, MOST - MOST / 2 - 1));
    w->wide[8 * VL + 4] ^= 1; /* lane 0 of the second vector */
    EXPECT(ed25519_holds_in(w, w->live, 3 * VL) == (ALL_LANES & ~1u));
    EXPECT(ed25519_holds_in(w, w->live, VL) == ALL_LANES); /* what is not there is ignored */
    w->combine.seeded = -1; /* the system has no random bytes: no combination, the same verdicts */
    w->scalars[8 * 5] ^= 1;
    memset(w->z, 0, sizeof w->z);
    combine_settle(&w->combine, &ed25519_combines, w, w->status, w->live, 3 * VL + 4, 0);
    for (size_t i = 0; i < 3 * VL + 4; i++) EXPECT_INT(w->status[i], i == 5 ? PC_BAD_SIGNATURE : PC_VALID);
    vmode_leave(mode);
}

/* No arrangement of errors among n items gets through. */
static void test_errors_among(size_t n) {
    for (size_t i = 0; i < n; i += n < 2 * VL + 2 ? 1 : 1 + test_random() % n) { /* one bad item, anywhere */
        start_over();
        spoil_one(i, 1);
        expect_bad(&spoiled, n, bad);
    }
    for (size_t step = 1; step < n; step = 3 * step + 1) { /* every step-th, in pairs whose errors cancel in a plain sum */
        start_over();
        for (size_t i = 0; i + step < n; i += 2 * step) {
            const uint64_t one[4] = {1};
            uint64_t s[4];
            spoil_one(i, 1);
            pc_words_from_le(s, good.signatures + 64 * (i + step) + 32);
            big_submod(s, s, one, order);
            pc_words_to_le(spoiled.signatures + 64 * (i + step) + 32, s);
            bad[i + step] = 1;
        }
        expect_bad(&spoiled, n, bad);
    }
    start_over(); /* a neighbour that is no signature at all */
    memset(spoiled.signatures + 64 * (n - 1), 0xff, 64);
    uint8_t verdicts[MOST];
    verify(&spoiled, 0, n, PC_RULE_COFACTORED, verdicts);
    for (size_t j = 0; j < n; j++) EXPECT_INT(verdicts[j], j == n - 1 ? PC_NON_CANONICAL : PC_VALID);
}

static void test_errors(void) {
    static const size_t sizes[] = {
        1, 2, VL, VL + 1, 2 * VL + 1, 33, ed25519_PIPPENGER - 1, ed25519_PIPPENGER, ed25519_PIPPENGER + 1, MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) test_errors_among(sizes[k]);
    for (size_t i = 0; i < MOST; i += THOROUGH ? 1 : 29) { /* nothing is skipped, wherever the quarters end */
        start_over();
        spoil_one(i, 1);
        expect_bad(&spoiled, MOST, bad);
    }
    for (size_t rare = 3; rare < MOST; rare *= 4) { /* all densities, in runs and strewn */
        for (int runs = 0; runs < 2; runs++) {
            start_over();
            for (size_t i = 0; i < MOST; i++)
                if (runs ? i / 30 % rare == 0 : test_random() % rare == 0) spoil_one(i, 1 + i);
            expect_bad(&spoiled, MOST, bad);
        }
    }
}

/* That the last n items were accepted together. A combination of good items that fails costs time and no verdict. */
static void expect_held(size_t n) {
    ed25519_work *w = (ed25519_work *)(void *)scratch;
    vmode mode = vmode_enter();
    EXPECT(ed25519_holds(w, w->live, n));
    vmode_leave(mode);
}
/* Cofactorless rules. The first 64 items have every pair of parts of small order in A and in R, of the others one in seven; some S are
 * wrong, and some R no point. Together they get the verdict that the numbers say, in batches of every kind of combination. */
static void test_exact_combinations(void) {
    static const size_t sizes[] = {1,   VL,  ed25519_TOGETHER - 1, ed25519_TOGETHER, 33, 40, 64, ed25519_PIPPENGER, 101,
                                   136, MOST};
    static const int rules[] = {0, PC_RULE_CANONICAL_R, 15};
    static batch b;
    static uint8_t verdicts[MOST], wanted[MOST];
    for (size_t i = 0; i < MOST; i++) {
        const uint64_t a[4] = {0x7654321 + i % 9, i % 5, 7}, r[4] = {test_random(), test_random(), test_random()};
        const int odd = i < 64 || i % 7 == 3, t_a = odd ? (int)(i % 8) : 0, t_r = odd ? (int)(i / 8 % 8) : 0;
        uint64_t k[4];
        vmode mode = vmode_enter();
        forge(&b, i, a, t_a, r, t_r);
        vmode_leave(mode);
        challenge(k, &b, i);
        wanted[i] = (t_r + (int)(k[0] & 7) * t_a) % 8 ? PC_BAD_SIGNATURE : PC_VALID;
        if (i % 64 == 50) spoil(&b, i, 8 + i), wanted[i] = PC_BAD_SIGNATURE;
        if (i % 64 == 9) memset(b.signatures + 64 * i, 0, 32), b.signatures[64 * i] = 2, wanted[i] = PC_BAD_SIGNATURE;
    }
    for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
        const size_t n = sizes[j], ends[] = {0, (MOST - n) / 2, MOST - n};
        for (size_t k = 0; k < 3; k++) {
            verify_column(&b, ends[k], n, rules[(j + k) % 3], verdicts);
            EXPECT(memcmp(verdicts, wanted + ends[k], n) == 0);
        }
    }
    verify_column(&good, 0, MOST, 15, verdicts); /* and good ones are accepted together */
    for (size_t i = 0; i < MOST; i++) EXPECT_INT(verdicts[i], PC_VALID);
    expect_held(MOST);
}
/* Few keys, one key, one item many times; keys and R with parts of small order, which the cofactor takes away; S = 0, k A of small
 * order; and a bad item among them. */
static void test_equal_items(void) {
    static batch b, few;
    const uint64_t zero[4] = {0};
    vmode mode = vmode_enter();
    for (size_t i = 0; i < MOST; i++) {
        uint64_t a[4] = {0x1234567 + i % 3, i % 3}, r[4] = {test_random(), test_random(), test_random()};
        forge(&b, i, i % 11 ? a : zero, (int)(i % 3 ? i % 8 : 1), i % 13 ? r : zero, (int)(i / 2 % 8));
    }
    for (size_t i = 0; i < MOST; i++) { /* one item and its torsion: defects that differ by small order alone */
        memcpy(few.keys + 32 * i, b.keys + 32, 32);
        memcpy(few.signatures + 64 * i, b.signatures + 64, 64);
        memcpy(few.messages + MESSAGE * i, b.messages + MESSAGE, MESSAGE);
    }
    vmode_leave(mode);
    memset(bad, 0, sizeof bad);
    expect_bad(&b, MOST, bad);
    expect_held(MOST);
    expect_bad(&b, 40, bad);
    expect_bad(&few, MOST, bad);
    expect_held(MOST);
    EXPECT_INT((long)((ed25519_work *)(void *)scratch)->found.n, 1);
    expect_bad(&few, 5 * VL, bad);
    for (size_t i = 0; i < MOST; i++) bad[i] = i % 2 || i > 120;
    for (size_t i = 0; i < MOST; i++)
        if (bad[i]) spoil(&few, i, 5); /* the same error many times */
    expect_bad(&few, MOST, bad);
    memset(bad, 1, sizeof bad);
    for (size_t i = 0; i < MOST; i++)
        if (!(i % 2 || i > 120)) spoil(&few, i, 7);
    expect_bad(&few, MOST, bad);
    bad[0] = 0;
    memcpy(few.signatures, b.signatures + 64, 64);
    expect_bad(&few, MOST, bad);
}

/* Made-up keys that fall into the same place of the table of equal keys, and more than a chunk. */
static void test_chunks(void) {
    enum { N = ed25519_CHUNK + 70 };
    static uint8_t keys[32 * N], signatures[64 * N], messages[MESSAGE * N], verdicts[N];
    static const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = PC_RULE_COFACTORED};
    for (size_t i = 0; i < N; i++) {
        memcpy(keys + 32 * i, good.keys + 32 * (i % 64), 32);
        memcpy(signatures + 64 * i, good.signatures + 64 * (i % 64), 64);
        memcpy(messages + MESSAGE * i, good.messages + MESSAGE * (i % 64), MESSAGE);
    }
    for (size_t i = 1; i < N; i += 2) {             /* words whose hash is the same for all */
        uint64_t word[4] = {7, test_random() >> 1}; /* and whose first eight bytes are */
        word[2] = word[0];
        word[3] = word[1];
        for (int k = 0; k < 4; k++) pc_store64_le(keys + 32 * i + 8 * k, word[k]);
    }
    const pc_column key_column = pc_column_fixed(keys, 32), signature_column = pc_column_fixed(signatures, 64);
    const pc_column message_column = pc_column_fixed(messages, MESSAGE);
    const pc_key_source source = {&key_column, NULL, NULL};
    ed25519_verify(&params, &source, &signature_column, &message_column, N, scratch, verdicts);
    for (size_t i = 0; i < N; i++) {
        uint64_t y[4];
        ed25519_ext p;
        pc_words_from_le(y, keys + 32 * i);
        vmode mode = vmode_enter();
        const int is_key = i % 2 == 0 || decompress(&p, y) != 0;
        vmode_leave(mode);
        EXPECT_INT(verdicts[i], !is_key ? PC_MALFORMED_KEY : i % 2 ? PC_BAD_SIGNATURE : PC_VALID);
    }
}
