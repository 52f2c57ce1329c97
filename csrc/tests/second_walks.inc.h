/* second_walks.inc.h - valid signatures never cost a second walk, for test_weierstrass.c: every number of items in the
 * last vector, by a column, by tables of keys and by recovery, alone and next to items that are refused early. */

enum { WALK_ITEMS = 2 * VL + 1, WALK_WINDOW = 4 };

static uint8_t walk_keys[65 * WALK_ITEMS], walk_signatures[65 * WALK_ITEMS], walk_digests[32 * WALK_ITEMS];
static uint8_t walk_verdicts[WALK_ITEMS], walk_scratch[1 << 23] __attribute__((aligned(64)));
static pc_column walk_signature_rows;

/* Secrets 3, 5 ...: small and distinct, so that a table entry is the next one's key. */
static void walk_sign(const pc_verify_params *params, size_t n) {
    uint8_t secrets[32 * WALK_ITEMS] = {0}, compact[64 * WALK_ITEMS];
    const pc_column secret_rows = pc_column_fixed(secrets, 32), digest_rows = pc_column_fixed(walk_digests, 32);
    for (size_t i = 0; i < n; i++) secrets[32 * i + 31] = (uint8_t)(2 * i + 3);
    for (size_t i = 0; i < sizeof walk_digests; i++) walk_digests[i] = (uint8_t)test_random();
    EXPECT_INT(pc_testing_public_keys(params->scheme, &secret_rows, n, walk_keys), PC_OK);
    EXPECT_INT(pc_testing_sign(params, &secret_rows, &digest_rows, n, compact), PC_OK);
    for (size_t i = 0; i < n; i++) memcpy(walk_signatures + 65 * i, compact + 64 * i, 64);
}
/* Recovery needs the parity of y(R), which a signature without it leaves to trial. */
static void walk_find_parities(size_t n) {
    uint8_t keys[64 * WALK_ITEMS];
    const pc_column digests = pc_column_fixed(walk_digests, 32);
    for (size_t i = 0; i < n; i++) walk_signatures[65 * i + 64] = 0;
    secp256k1_recover(0, &walk_signature_rows, &digests, n, walk_scratch, keys, walk_verdicts);
    for (size_t i = 0; i < n; i++)
        if (memcmp(keys + 64 * i, walk_keys + 65 * i + 1, 64) != 0) walk_signatures[65 * i + 64] = 1;
}

static void walk_count(const pc_verify_params *params, pc_verify_fn *verify, const pc_key_source *source, size_t n) {
    const pc_column digests = pc_column_fixed(walk_digests, 32);
    second_walks = 0;
    memset(walk_verdicts, 0xee, n);
    verify(params, source, &walk_signature_rows, &digests, n, walk_scratch, walk_verdicts);
    for (size_t i = 0; i < n; i++) EXPECT_INT(walk_verdicts[i], PC_VALID);
    EXPECT_INT(second_walks, 0);
    memset(walk_signatures, 0, 64); /* r = s = 0: refused early, whatever the sum is */
    verify(params, source, &walk_signature_rows, &digests, n, walk_scratch, walk_verdicts);
    EXPECT_INT(walk_verdicts[0], PC_SCALAR_OUT_OF_RANGE);
    EXPECT_INT(second_walks, 0);
}

static void test_second_walks_of(int scheme, pc_verify_fn *verify, pc_keyset_put_fn *put, size_t record, size_t table) {
    const pc_verify_params params = {.scheme = scheme, .message = PC_MESSAGE_PREHASHED};
    const pc_column keys = pc_column_fixed(walk_keys, 65);
    static union {
        pc_keyset set;
        uint8_t room[64 + 256 * WALK_ITEMS];
    } memory __attribute__((aligned(64)));
    uint32_t indices[WALK_ITEMS];
    uint8_t first[64];
    walk_signature_rows = pc_column_fixed(walk_signatures, 64);
    walk_signature_rows.stride = 65;
    walk_sign(&params, WALK_ITEMS);
    memcpy(first, walk_signatures, 64);
    const size_t records = (64 + record * WALK_ITEMS + 63) / 64 * 64;
    uint8_t *tables = aligned_alloc(64, table * WALK_ITEMS);
    void *at[WALK_ITEMS];
    EXPECT(tables != NULL && records <= sizeof memory);
    for (uint32_t i = 0; i < WALK_ITEMS; i++) at[i] = tables + table * i, indices[i] = i;
    memory.set = (pc_keyset){.scheme = scheme, .n_keys = WALK_ITEMS, .records_offset = 64, .window = WALK_WINDOW};
    put(&keys, WALK_ITEMS, &memory.set, NULL, at, walk_verdicts);
    for (size_t n = 1; n <= WALK_ITEMS; n++) {
        const pc_key_source column = {&keys, NULL, NULL}, known = {NULL, &memory.set, indices};
        walk_count(&params, verify, &column, n);
        memcpy(walk_signatures, first, 64);
        walk_count(&params, verify, &known, n);
        memcpy(walk_signatures, first, 64);
    }
    free(tables);
}

static void test_second_walks(void) {
    uint8_t keys[64 * WALK_ITEMS];
    const pc_column digests = pc_column_fixed(walk_digests, 32);
    test_second_walks_of(PC_SCHEME_ECDSA_P256, ecdsa_p256_verify, ecdsa_p256_keyset_put, sizeof(p256_key_record),
                         p256_keyset_table(WALK_WINDOW));
    test_second_walks_of(PC_SCHEME_SM2, sm2_verify, sm2_keyset_put, sizeof(sm2c_key_record), sm2c_keyset_table(WALK_WINDOW));
    test_second_walks_of(PC_SCHEME_ECDSA_SECP256K1, ecdsa_secp256k1_verify, ecdsa_secp256k1_keyset_put,
                         sizeof(k256_key_record), k256_keyset_table(WALK_WINDOW));
    walk_signature_rows = pc_column_fixed(walk_signatures, 65);
    walk_find_parities(WALK_ITEMS);
    for (size_t n = 1; n <= WALK_ITEMS; n++) {
        second_walks = 0;
        secp256k1_recover(0, &walk_signature_rows, &digests, n, walk_scratch, keys, walk_verdicts);
        for (size_t i = 0; i < n; i++) EXPECT_INT(walk_verdicts[i], PC_VALID);
        EXPECT_INT(second_walks, 0);
    }
    /* The count counts: G + G, of a valid range, is looked at again. */
    memset(walk_signatures, 0, 64);
    memset(walk_digests, 0, 32);
    walk_signatures[31] = walk_signatures[63] = walk_digests[31] = 1;
    const pc_column one = pc_column_fixed(walk_digests, 32), key = pc_column_fixed(walk_keys, 65);
    walk_signature_rows = pc_column_fixed(walk_signatures, 64);
    const pc_key_source source = {&key, NULL, NULL};
    const pc_verify_params params = {.scheme = PC_SCHEME_ECDSA_SECP256K1, .message = PC_MESSAGE_PREHASHED};
    const pc_column secret = pc_column_fixed(walk_digests, 32); /* 1: the key is G */
    EXPECT_INT(pc_testing_public_keys(params.scheme, &secret, 1, walk_keys), PC_OK);
    second_walks = 0;
    ecdsa_secp256k1_verify(&params, &source, &walk_signature_rows, &one, 1, walk_scratch, walk_verdicts);
    EXPECT_INT(walk_verdicts[0], PC_BAD_SIGNATURE);
    EXPECT_INT(second_walks, 1);
}
