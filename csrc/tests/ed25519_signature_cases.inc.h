/* ed25519_signature_cases.inc.h - whole Ed25519 signatures of test_ed25519.c: every verdict and every set of rule flags. */

/* All 64 pairs of torsion in A and R, with and without a part of prime order in each, under all 32 sets of flags. */
static void test_torsion_signatures(void) {
    static batch b;
    static uint8_t verdicts[64];
    for (int parts = 0; parts < 4; parts++) {
        uint64_t a[4] = {0}, r[4] = {0}, k[64][4];
        if (parts & 1) a[0] = test_random(), a[2] = test_random();
        if (parts & 2) r[0] = test_random(), r[3] = 1;
        for (int i = 0; i < 64; i++) {
            forge(&b, (size_t)i, a, i / 8, r, i % 8);
            challenge(k[i], &b, (size_t)i);
        }
        for (int rules = THOROUGH ? 0 : parts; rules < ALL_RULES; rules += THOROUGH ? 1 : 5) {
            verify(&b, 0, 64, rules, verdicts);
            for (int i = 0; i < 64; i++) {
                int small = ((rules & PC_RULE_NO_SMALL_A) && !(parts & 1)) || ((rules & PC_RULE_NO_SMALL_R) && !(parts & 2));
                int cancels = ((uint64_t)(i % 8) + k[i][0] * (uint64_t)(i / 8)) % 8 == 0; /* R's torsion + k A's */
                int equal = (rules & PC_RULE_COFACTORED) || cancels;
                EXPECT_INT(verdicts[i], small ? PC_SMALL_ORDER : equal ? PC_VALID : PC_BAD_SIGNATURE);
            }
        }
    }
}

/* Every encoding of the points with y = 0 and y = 1 as A and as R, S = 0: [8] times anything of small order vanishes. */
static void test_non_canonical(void) {
    static const uint64_t p_words[4] = {FE25519_P};
    static batch b;
    static uint8_t verdicts[64];
    uint8_t encoding[8][32];
    for (int i = 0; i < 8; i++) { /* bit 0: y, bit 1: plus p, bit 2: sign */
        uint64_t y[4] = {(uint64_t)i & 1};
        if (i & 2) big_add(y, y, p_words);
        y[3] |= (uint64_t)(i >> 2) << 63;
        pc_words_to_le(encoding[i], y);
    }
    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < 64; i++) {
        memcpy(b.keys + 32 * i, encoding[i / 8], 32);
        memcpy(b.signatures + 64 * i, encoding[i % 8], 32);
    }
    for (int rules = 0; rules < ALL_RULES; rules += THOROUGH ? 1 : 3) {
        verify(&b, 0, 64, rules, verdicts);
        for (int i = 0; i < 64; i++) {
            int a = i / 8, r = i % 8;
            int bad_a = (a & 2) || a == 5, bad_r = (r & 2) || r == 5; /* y >= p, or minus zero */
            uint64_t k[4];
            challenge(k, &b, (size_t)i);
            /* i T with y = 1: 0; y = 0: 2 or 6 by its sign, which decides nothing modulo 4 but does modulo 8 */
            uint64_t t_a = a & 1 ? 0 : a & 4 ? 6 : 2, t_r = r & 1 ? 0 : r & 4 ? 6 : 2;
            int cancels = (t_r + k[0] * t_a) % 8 == 0;
            int wanted = PC_VALID;
            if (((rules & PC_RULE_CANONICAL_A) && bad_a) || ((rules & PC_RULE_CANONICAL_R) && bad_r))
                wanted = PC_NON_CANONICAL;
            else if (rules & (PC_RULE_NO_SMALL_A | PC_RULE_NO_SMALL_R))
                wanted = PC_SMALL_ORDER;
            else if (!(rules & PC_RULE_COFACTORED) && !cancels)
                wanted = PC_BAD_SIGNATURE;
            EXPECT_INT(verdicts[i], wanted);
        }
    }
}

/* MOST signatures, seven kinds of errors strewn among them, and the verdicts that they should get. */
static void spoil_in_all_ways(batch *b, uint8_t wanted[MOST]) {
    static const uint8_t off_curve[32] = {2}; /* y = 2 is on no point */
    for (size_t i = 0; i < MOST; i++) {
        uint8_t *key = b->keys + 32 * i, *signature = b->signatures + 64 * i;
        uint64_t s[4];
        wanted[i] = PC_VALID;
        switch (i % 9) {
        case 1:
            memcpy(key, off_curve, 32), wanted[i] = PC_MALFORMED_KEY;
            break;
        case 2:
            signature[3] ^= 4, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 3:
            signature[40] ^= 1, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 4:
            b->messages[MESSAGE * i] ^= 1, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 5: /* S + L is the same number modulo L, and never accepted */
            pc_words_from_le(s, signature + 32);
            big_add(s, s, order);
            pc_words_to_le(signature + 32, s);
            wanted[i] = PC_NON_CANONICAL;
            break;
        case 6:
            memcpy(signature, off_curve, 32), wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 7:
            memset(signature + 32, 0xff, 32), memcpy(key, off_curve, 32), wanted[i] = PC_MALFORMED_KEY;
            break;
        default:
            break;
        }
    }
}

/* Which verdict each gets, alone or in company, from a column or a key set. */
static void test_verdicts(void) {
    static batch b;
    static uint8_t verdicts[MOST], alone[MOST], wanted[MOST];
    sign_all(&b, MOST);
    spoil_in_all_ways(&b, wanted);
    for (int rules = 0; rules < ALL_RULES; rules += THOROUGH ? 1 : 5) {
        verify(&b, 0, MOST, rules, verdicts);
        EXPECT(memcmp(verdicts, wanted, MOST) == 0);
    }
    for (size_t i = 0; i < 40; i++) verify(&b, i, 1, PC_RULE_COFACTORED, alone + i);
    EXPECT(memcmp(alone, wanted, 40) == 0);

    /* a key set gives the same, in any order of keys */
    static uint32_t indices[MOST];
    static batch shuffled;
    pc_keyset *set = new_set(b.keys, MOST, 0, verdicts);
    const pc_column signatures = pc_column_fixed(shuffled.signatures, 64);
    const pc_column texts = pc_column_fixed(shuffled.messages, MESSAGE);
    const pc_key_source source = {NULL, set, indices};
    for (size_t i = 0; i < MOST; i++) {
        EXPECT_INT(verdicts[i], wanted[i] == PC_MALFORMED_KEY ? PC_MALFORMED_KEY : PC_VALID);
        indices[i] = (uint32_t)(i * 3 % MOST); /* 3 does not divide MOST: a permutation */
        memcpy(shuffled.signatures + 64 * i, b.signatures + 64 * indices[i], 64);
        memcpy(shuffled.messages + MESSAGE * i, b.messages + MESSAGE * indices[i], MESSAGE);
    }
    for (int rules = 0; rules < ALL_RULES; rules += 5) {
        const pc_verify_params with = {.scheme = PC_SCHEME_ED25519, .rules = rules};
        ed25519_verify(&with, &source, &signatures, &texts, MOST, scratch, verdicts);
        for (size_t i = 0; i < MOST; i++) EXPECT_INT(verdicts[i], wanted[indices[i]]);
    }
    free(set);
}

/* Wrong lengths, which only ragged columns can show. */
static void test_lengths(void) {
    static const int64_t key_offsets[] = {0, 32, 63, 63, 96}, signature_offsets[] = {0, 63, 127, 127, 192},
                         message_offsets[] = {0, 0, 0, 0, 0};
    static const uint8_t wanted[4] = {PC_MALFORMED_SIGNATURE, PC_MALFORMED_KEY, PC_MALFORMED_KEY, PC_MALFORMED_KEY};
    uint8_t keys[96], signatures[192], verdicts[4];
    for (int i = 0; i < 96; i++) keys[i] = 0x66;
    keys[0] = 0x58; /* the base point */
    memset(signatures, 0, sizeof signatures);
    const pc_column key_column = {keys, key_offsets, 0, 0}, signature_column = {signatures, signature_offsets, 0, 0};
    const pc_column messages = {NULL, message_offsets, 0, 0};
    const pc_key_source source = {&key_column, NULL, NULL};
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = PC_RULE_COFACTORED};
    ed25519_verify(&params, &source, &signature_column, &messages, 4, scratch, verdicts);
    EXPECT(memcmp(verdicts, wanted, 4) == 0);
    ed25519_verify(&params, &source, &signature_column, &messages, 0, scratch, verdicts);
}
