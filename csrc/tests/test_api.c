/* test_api.c - the public calls: what a malformed call gets, and that a well-formed one touches nothing but its outputs.
 *
 * Every array has its exact size on the heap, so that the sanitizer variants see any access beyond it. */
#include "../pycore.h"
#include "check_test.h"

enum { N = 5 };

static void *exact(const void *data, size_t len) {
    void *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    return copy;
}

static pc_column fixed(const uint8_t *data, size_t width) {
    pc_column column = {data, NULL, width, (ptrdiff_t)width};
    return column;
}

/* ---- registry ---------------------------------------------------------------------------------------------------------- */

static void test_registry(void) {
    int hashes = 0, schemes = 0, statuses = 0, rules = 0, fields = 0, features = 0, present;
    for (; pc_hash_at(hashes); hashes++) EXPECT_INT(pc_hash_at(hashes)->id, hashes);
    for (; pc_scheme_at(schemes); schemes++) EXPECT_INT(pc_scheme_at(schemes)->id, schemes);
    for (; pc_status_at(statuses); statuses++) EXPECT_INT(pc_status_at(statuses)->code, statuses);
    for (; pc_rules_at(rules); rules++) EXPECT(pc_scheme_at(pc_rules_at(rules)->scheme) != NULL);
    for (; pc_field_at(fields); fields++) EXPECT(strlen(pc_field_at(fields)) > 3);
    for (; pc_cpu_feature_at(features, &present); features++) EXPECT(present == 0 || present == 1);
    EXPECT(hashes >= 6 && schemes >= 5 && statuses >= 17 && rules >= 11 && fields >= 8);
    EXPECT(!pc_hash_at(-1) && !pc_scheme_at(-1) && !pc_status_at(-1) && !pc_rules_at(-1) && !pc_field_at(-1));
    EXPECT(!pc_cpu_feature_at(-1, &present) && (features == 0 || pc_cpu_feature_at(0, NULL)));
    EXPECT(strcmp(pc_status_at(1)->name, "VALID") == 0);
    EXPECT(strchr(pc_version(), '.') != NULL);
    EXPECT(strncmp(pc_compiler(), "gcc ", 4) == 0 || strncmp(pc_compiler(), "clang ", 6) == 0);
    EXPECT(strstr(pc_compiler(), "-O") != NULL);
    pc_backend_row row;
    EXPECT_INT(pc_backend_at(-1, &row), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_backend_at(1000, &row), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_backend_at(0, NULL), PC_ERR_ARGUMENT);
}

/* ---- columns ----------------------------------------------------------------------------------------------------------- */

static void test_columns(void) {
    uint8_t digest[N * 64], *data = exact("0123456789", 10);
    const int64_t falling[] = {0, 4, 3, 5}, negative[] = {-1, 2, 3, 4}, empty[] = {7, 7, 7, 7}, good[] = {0, 0, 10, 10};
    const struct {
        const char *what;
        pc_column column;
        size_t n;
        int wanted;
    } cases[] = {
        {"falling offsets", {data, falling, 0, 0}, 3, PC_ERR_ARGUMENT},
        {"offsets that fall later", {data, falling, 0, 0}, 1, PC_OK},
        {"negative offset", {data, negative, 0, 0}, 3, PC_ERR_ARGUMENT},
        {"empty rows without data", {NULL, empty, 0, 0}, 3, PC_OK},
        {"rows without data", {NULL, good, 0, 0}, 3, PC_ERR_ARGUMENT},
        {"good offsets", {data, good, 0, 0}, 3, PC_OK},
        {"width without data", {NULL, NULL, 1, 1}, 3, PC_ERR_ARGUMENT},
        {"no width, no data", {NULL, NULL, 0, 5}, 3, PC_OK},
        {"no rows at all", {NULL, NULL, 5, 5}, 0, PC_OK},
        {"overlapping rows", {data, NULL, 5, 2}, 3, PC_OK},
        {"the same row", {data, NULL, 10, 0}, 3, PC_OK},
        {"backwards", {data + 8, NULL, 2, -4}, 3, PC_OK},
        {"a stride past the address space", {data, NULL, 5, PTRDIFF_MAX}, 3, PC_ERR_ARGUMENT},
        {"a negative one", {data, NULL, 5, PTRDIFF_MIN}, 3, PC_ERR_ARGUMENT},
        {"a width past the address space", {data, NULL, SIZE_MAX, 0}, 1, PC_ERR_ARGUMENT},
        {"more items than digests fit", {data, NULL, 1, 0}, SIZE_MAX / 2, PC_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int h = 0; pc_hash_at(h); h++) {
            int got = pc_hash_batch(PC_AUTO, h, NULL, 0, &cases[i].column, cases[i].n, digest);
            if (!EXPECT_INT(got, cases[i].wanted)) fprintf(stderr, "  %s\n", cases[i].what);
        }
    }
    pc_column one = fixed(data, 10);
    EXPECT_INT(pc_hash_batch(PC_AUTO, -1, NULL, 0, &one, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 1000, NULL, 0, &one, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 0, NULL, 1, &one, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 0, data, SIZE_MAX, &one, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 0, NULL, 0, &one, 1, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 0, NULL, 0, NULL, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_batch(PC_AUTO, 0, NULL, 0, NULL, 0, NULL), PC_OK);
    EXPECT_INT(pc_hash_batch(99, 0, NULL, 0, &one, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 0, data, 2, 5, digest), PC_OK);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 0, NULL, 0, 5, digest), PC_OK);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 0, NULL, 1, 5, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 0, data, 2, 5, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 0, data, SIZE_MAX, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_hash_rows(PC_AUTO, 1000, data, 2, 5, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_merkle_level(PC_AUTO, 0, PC_ODD_PROMOTE, NULL, 0, digest, 1, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_merkle_level(PC_AUTO, 0, 2, NULL, 0, digest, 2, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_merkle_level(PC_AUTO, 0, PC_ODD_PROMOTE, NULL, 0, NULL, 2, digest), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_merkle_level(PC_AUTO, 0, PC_ODD_PROMOTE, NULL, 0, digest, SIZE_MAX, digest), PC_ERR_ARGUMENT);
    free(data);
}
static void test_streams(void) {
    uint8_t digest[64], *data = exact("0123456789", 10);
    for (int h = 0; pc_hash_at(h); h++) {
        size_t size = pc_hash_stream_size(PC_AUTO, h);
        uint8_t *memory = aligned_alloc(64, size + 64);
        pc_hash_stream *stream = (pc_hash_stream *)memory;
        memset(memory, 0xaa, size + 64);
        EXPECT_INT(pc_hash_stream_update(stream, data, 10), PC_ERR_ARGUMENT); /* never opened */
        EXPECT_INT(pc_hash_stream_digest(stream, digest), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(PC_AUTO, -1, stream), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(PC_AUTO, 1000, stream), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(99, h, stream), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(PC_AUTO, h, NULL), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(PC_AUTO, h, (pc_hash_stream *)(memory + 8)), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_open(PC_AUTO, h, stream), PC_OK);
        EXPECT_INT(pc_hash_stream_update(stream, NULL, 1), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_update(stream, NULL, 0), PC_OK);
        EXPECT_INT(pc_hash_stream_update(NULL, data, 1), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_digest(stream, NULL), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_digest(NULL, digest), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_hash_stream_digest(stream, digest), PC_OK);
        for (size_t i = 0; i < 64; i++) EXPECT(memory[size + i] == 0xaa);
        free(memory);
    }
    EXPECT_INT(pc_hash_stream_size(PC_AUTO, -1), 0);
    EXPECT_INT(pc_hash_stream_size(PC_AUTO, 1000), 0);
    EXPECT_INT(pc_hash_stream_size(99, 0), 0);
    free(data);
}

/* ---- signatures -------------------------------------------------------------------------------------------------------- */

typedef struct batch {
    pc_verify_params params;
    pc_column keys, signatures, messages;
    uint8_t *key_data, *signature_data, *message_data, *verdicts;
    void *scratch;
    size_t scratch_len, key_size;
} batch;

static batch make_batch(int scheme) {
    batch b = {.params = {.scheme = scheme}};
    uint8_t secrets[N * 32], keys[N * 65], signatures[N * 64];
    test_fill(secrets, sizeof secrets);
    b.message_data = exact("five messages of 8 bytes that are signed", N * 8);
    b.messages = fixed(b.message_data, 8);
    b.key_size = pc_scheme_at(scheme)->max_key_size;
    if (scheme == 0) b.params.rules = PC_RULE_COFACTORED;
    pc_column secret = fixed(secrets, 32);
    EXPECT_INT(pc_testing_public_keys(scheme, &secret, N, keys), PC_OK);
    EXPECT_INT(pc_testing_sign(&b.params, &secret, &b.messages, N, signatures), PC_OK);
    b.key_data = exact(keys, N * b.key_size);
    b.signature_data = exact(signatures, N * 64);
    b.keys = fixed(b.key_data, b.key_size);
    b.signatures = fixed(b.signature_data, 64);
    b.verdicts = exact("-----", N);
    b.scratch_len = pc_verify_scratch_size(PC_AUTO, &b.params);
    b.scratch = aligned_alloc(64, (b.scratch_len + 64) / 64 * 64);
    return b;
}

static void free_batch(batch *b) {
    free(b->key_data), free(b->signature_data), free(b->message_data), free(b->verdicts), free(b->scratch);
}

static int verify(const batch *b, size_t n) {
    return pc_verify_batch(PC_AUTO, &b->params, &b->keys, &b->signatures, &b->messages, n, b->scratch, b->scratch_len,
                           b->verdicts);
}

static void test_valid(batch *b) {
    EXPECT_INT(verify(b, N), PC_OK);
    EXPECT(memcmp(b->verdicts, "\1\1\1\1\1", N) == 0);
    memset(b->verdicts, '-', N);
    EXPECT_INT(verify(b, 3), PC_OK);
    EXPECT(memcmp(b->verdicts, "\1\1\1--", N) == 0); /* nothing past n */
    for (int i = 0; i < N; i++) {                    /* one bad item at each place, and nothing else */
        b->message_data[8 * i] ^= 1;
        EXPECT_INT(verify(b, N), PC_OK);
        for (int j = 0; j < N; j++) EXPECT_INT(b->verdicts[j], j == i ? 2 : 1);
        b->message_data[8 * i] ^= 1;
    }
    EXPECT_INT(pc_verify_batch(PC_AUTO, &b->params, NULL, NULL, NULL, 0, NULL, 0, NULL), PC_OK);
}

#define REFUSED(change, wanted)                                                                                             \
    do {                                                                                                                    \
        batch bad = *b;                                                                                                     \
        memset(b->verdicts, '-', N);                                                                                        \
        change;                                                                                                             \
        EXPECT_INT(verify(&bad, N), wanted);                                                                                \
    } while (0)

static void test_refused(const batch *b) {
    int flags = pc_scheme_at(b->params.scheme)->flags;
    static const int64_t falling[] = {0, 8, 7, 9, 10, 11};
    REFUSED(bad.params.scheme = 1000, PC_ERR_ARGUMENT);
    REFUSED(bad.params.scheme = -1, PC_ERR_ARGUMENT);
    REFUSED(bad.params.rules |= 64, PC_ERR_ARGUMENT);
    REFUSED(bad.params.rules |= b->params.scheme == 0 ? PC_RULE_LOW_S : PC_RULE_COFACTORED, PC_ERR_ARGUMENT);
    REFUSED(bad.params.message = 2, PC_ERR_ARGUMENT);
    REFUSED(bad.params.encoding = 2, PC_ERR_ARGUMENT);
    REFUSED(bad.params.der_rules = 3, PC_ERR_ARGUMENT);
    REFUSED(bad.params.encoding = PC_ENCODING_DER, flags & PC_SCHEME_DER ? PC_OK : PC_ERR_ARGUMENT);
    REFUSED(bad.params.hash = 2, flags & PC_SCHEME_HASH ? PC_ERR_ARGUMENT : PC_OK); /* sha512: 64-byte digests */
    REFUSED(bad.params.hash = 77, flags & PC_SCHEME_HASH ? PC_ERR_ARGUMENT : PC_OK);
    REFUSED(bad.params.message = PC_MESSAGE_PREHASHED, PC_ERR_ARGUMENT); /* 8 bytes are no digest */
    REFUSED(bad.params.user_id_len = 1, flags & PC_SCHEME_USER_ID ? PC_ERR_ARGUMENT : PC_OK);
    REFUSED(bad.params.user_id_len = 8192;
            bad.params.user_id = b->key_data, flags & PC_SCHEME_USER_ID ? PC_ERR_ARGUMENT : PC_OK);
    REFUSED(bad.keys.data = NULL, PC_ERR_ARGUMENT);
    REFUSED(bad.signatures.data = NULL, PC_ERR_ARGUMENT);
    REFUSED(bad.messages.offsets = falling, PC_ERR_ARGUMENT);
    REFUSED(bad.verdicts = NULL, PC_ERR_ARGUMENT);
    REFUSED(bad.scratch = NULL, PC_ERR_SCRATCH);
    REFUSED(bad.scratch = (char *)b->scratch + 8, PC_ERR_SCRATCH);
    REFUSED(bad.scratch_len = b->scratch_len - 1, PC_ERR_SCRATCH);
    EXPECT_INT(
        pc_verify_batch(PC_AUTO, NULL, &b->keys, &b->signatures, &b->messages, N, b->scratch, b->scratch_len, b->verdicts),
        PC_ERR_ARGUMENT);
    EXPECT_INT(pc_verify_scratch_size(PC_AUTO, NULL), 0);
    EXPECT_INT(pc_verify_scratch_size(99, &b->params), 0);
}

static void test_keyset(const batch *b, int window) {
    int scheme = b->params.scheme;
    size_t size = pc_keyset_size(PC_AUTO, scheme, N, window);
    if (!EXPECT(size >= N * 32 && size % 64 == 0)) return;
    pc_keyset *set = aligned_alloc(64, size);
    memset(set, 0xaa, size);
    uint32_t indices[N] = {4, 0, 3, 3, 1};
    uint8_t verdicts[N], signatures[N * 64], messages[N * 8];
    for (int i = 0; i < N; i++) {
        memcpy(signatures + 64 * i, b->signature_data + 64 * indices[i], 64);
        memcpy(messages + 8 * i, b->message_data + 8 * indices[i], 8);
    }
    pc_column s = fixed(signatures, 64), m = fixed(messages, 8);
#define SET_VERIFY(set) pc_verify_keyset(set, &b->params, indices, &s, &m, N, b->scratch, b->scratch_len, verdicts)
    EXPECT_INT(SET_VERIFY(set), PC_ERR_ARGUMENT); /* never built */
    EXPECT_INT(SET_VERIFY(NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_build(PC_AUTO, scheme, &b->keys, N, window, (pc_keyset *)(void *)((char *)set + 8), verdicts),
               PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_build(PC_AUTO, scheme, &b->keys, N, window, NULL, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_build(PC_AUTO, 1000, &b->keys, N, window, set, verdicts), PC_ERR_ARGUMENT);
    uint8_t *bad_keys = exact(b->key_data, N * b->key_size);
    memset(bad_keys + 2 * b->key_size, scheme ? 0xff : 0,
           b->key_size); /* key 2 is no point: x >= p, and for Ed25519 y = 2 */
    if (scheme == 0) bad_keys[2 * b->key_size] = 2;
    pc_column keys = fixed(bad_keys, b->key_size);
    EXPECT_INT(pc_keyset_build(PC_AUTO, scheme, &keys, N, window, set, verdicts), PC_OK);
    EXPECT(memcmp(verdicts, "\1\1\4\1\1", N) == 0);
    memset(bad_keys, 0, N * b->key_size); /* the set keeps what it needs */
    free(bad_keys);
    EXPECT_INT(SET_VERIFY(set), PC_OK);
    EXPECT(memcmp(verdicts, "\1\1\1\1\1", N) == 0);
    signatures[64] ^= 1, indices[2] = 2;
    EXPECT_INT(SET_VERIFY(set), PC_OK);
    EXPECT(verdicts[0] == 1 && verdicts[1] > 1 && verdicts[2] == 4 && verdicts[3] == 1 && verdicts[4] == 1);
    indices[3] = N;
    EXPECT_INT(SET_VERIFY(set), PC_ERR_ARGUMENT);
    indices[3] = UINT32_MAX;
    EXPECT_INT(SET_VERIFY(set), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_verify_keyset(set, &b->params, NULL, &s, &m, N, b->scratch, b->scratch_len, verdicts), PC_ERR_ARGUMENT);
    pc_verify_params other = {.scheme = scheme ? 0 : 1};
    EXPECT_INT(pc_verify_keyset(set, &other, indices, &s, &m, N, b->scratch, b->scratch_len, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_size(PC_AUTO, scheme, SIZE_MAX / 2, window), 0);
    EXPECT_INT(pc_keyset_size(PC_AUTO, 1000, 1, window), 0);
    free(set);
}

static void test_recover(void) {
    uint8_t digest[32] = {1}, signature[2 * 65] = {0}, key[2 * 64], verdicts[2];
    size_t scratch_len = pc_recover_scratch_size(PC_AUTO);
    void *scratch = aligned_alloc(64, (scratch_len + 64) / 64 * 64);
    pc_column s = fixed(signature, 65), d = fixed(digest, 32), short_d = fixed(digest, 31);
    d.stride = 0;
    memset(key, 0xaa, sizeof key);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 0, &s, &d, 2, scratch, scratch_len, key, verdicts), PC_OK);
    EXPECT(verdicts[0] == 8 && verdicts[1] == 8); /* r = 0 */
    for (size_t i = 0; i < sizeof key; i++) EXPECT_INT(key[i], 0);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 1, &s, &d, 2, scratch, scratch_len, key, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 0, &s, &short_d, 1, scratch, scratch_len, key, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 0, &s, &d, 2, scratch, scratch_len - 1, key, verdicts), PC_ERR_SCRATCH);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 0, &s, &d, 2, scratch, scratch_len, NULL, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_recover_batch(PC_AUTO, 0, NULL, NULL, 0, NULL, 0, NULL, NULL), PC_OK);
    free(scratch);
}

static void test_data_and_probes(void) {
    uint8_t secret[32] = {1}, out[65], a[32] = {3}, b[32] = {5};
    pc_column good = fixed(secret, 32), narrow = fixed(secret, 31);
    EXPECT_INT(pc_testing_public_keys(1000, &good, 1, out), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_testing_public_keys(1, &narrow, 1, out), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_testing_public_keys(1, &good, 1, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_testing_sign(NULL, &good, &good, 1, out), PC_ERR_ARGUMENT);
    for (int field = 0; pc_field_at(field); field++) {
        EXPECT_INT(pc_field_probe(PC_AUTO, field, 0, a, b, 1, 1, out), PC_OK);
        EXPECT_INT(out[0], 15);
    }
    EXPECT_INT(pc_field_probe(PC_AUTO, 1000, 0, a, b, 1, 1, out), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_field_probe(PC_AUTO, 0, 9, a, b, 1, 1, out), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_field_probe(PC_AUTO, 0, -1, a, b, 1, 1, out), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_field_probe(PC_AUTO, 0, 0, NULL, b, 1, 1, out), PC_ERR_ARGUMENT);
}

/* A set whose keys come one by one, with and without tables. */
static void test_slots(const batch *b, int window) {
    enum { SLOTS = 7 };
    static const uint32_t slots[N] = {6, 0, 3, 1, 5};
    const int scheme = b->params.scheme;
    const size_t size = pc_keyset_size(PC_AUTO, scheme, SLOTS, 0), table = pc_keyset_table_size(PC_AUTO, scheme, window);
    pc_keyset *set = aligned_alloc(64, size);
    void *tables[N], *crooked[1];
    uint8_t verdicts[N];
    uint32_t indices[N];
    memset(set, 0xaa, size);
#define SLOTS_VERIFY(which)                                                                                                 \
    pc_verify_keyset(set, &b->params, which, &b->signatures, &b->messages, N, b->scratch, b->scratch_len, verdicts)
    EXPECT_INT(pc_keyset_put(set, slots, &b->keys, N, NULL, verdicts), PC_ERR_ARGUMENT); /* not open */
    EXPECT_INT(pc_keyset_open(PC_AUTO, scheme, SLOTS, 1000, set), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_open(PC_AUTO, 1000, SLOTS, window, set), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_open(PC_AUTO, scheme, SLOTS, window, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_open(PC_AUTO, scheme, SLOTS, window, set), PC_OK);
    EXPECT_INT(SLOTS_VERIFY(slots), PC_OK);
    EXPECT(memcmp(verdicts, "\4\4\4\4\4", N) == 0); /* no key in any slot */
    for (int i = 0; i < N; i++) {
        tables[i] = window ? aligned_alloc(64, table) : NULL;
        if (window) memset(tables[i], 0xaa, table);
    }
    for (int i = 0; i < N; i++) { /* one key a call, then all of them */
        const pc_column one = fixed(b->key_data + (size_t)i * b->key_size, b->key_size);
        EXPECT_INT(pc_keyset_put(set, slots + i, &one, 1, tables + i, verdicts), PC_OK);
        EXPECT_INT(verdicts[0], 1);
        EXPECT_INT(SLOTS_VERIFY(slots), PC_OK);
        for (int j = 0; j < N; j++) EXPECT_INT(verdicts[j], j <= i ? 1 : 4);
    }
    for (int i = 0; i < N; i++) indices[i] = slots[N - 1 - i];
    EXPECT_INT(pc_keyset_put(set, indices, &b->keys, N, tables, verdicts), PC_OK);
    EXPECT_INT(SLOTS_VERIFY(indices), PC_OK);
    EXPECT(memcmp(verdicts, "\1\1\1\1\1", N) == 0);
    const pc_column none = fixed(b->key_data, 0);
    EXPECT_INT(pc_keyset_put(set, indices, &none, 1, tables, verdicts), PC_OK);
    EXPECT_INT(verdicts[0], 4);
    EXPECT_INT(SLOTS_VERIFY(indices), PC_OK);
    EXPECT(memcmp(verdicts, "\4\1\1\1\1", N) == 0);
    indices[2] = SLOTS;
    EXPECT_INT(pc_keyset_put(set, indices, &b->keys, N, tables, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_put(set, NULL, &b->keys, N, tables, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_put(set, slots, &b->keys, N, tables, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_keyset_put(NULL, slots, &b->keys, N, tables, verdicts), PC_ERR_ARGUMENT);
    if (window) {
        crooked[0] = (char *)tables[0] + 8;
        EXPECT_INT(pc_keyset_put(set, slots, &b->keys, N, NULL, verdicts), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_keyset_put(set, slots, &b->keys, 1, crooked, verdicts), PC_ERR_ARGUMENT);
    }
    for (int i = 0; i < N; i++) free(tables[i]);
    free(set);
}

/* Keys by their bytes: lengths matter, counters do what they say, and every slot is found among many. */
static void test_key_index(void) {
    enum { KEYS = 500, STRIDE = 65, BUCKETS = 1024 };
    static uint8_t keys[KEYS][STRIDE], lengths[KEYS], sightings[256];
    static uint32_t buckets[BUCKETS], found[KEYS + 4];
    pc_key_index index = {.keys = keys[0],
                          .stride = STRIDE,
                          .lengths = lengths,
                          .buckets = buckets,
                          .sightings = sightings,
                          .n_slots = KEYS,
                          .bucket_mask = BUCKETS - 1,
                          .sighting_mask = 255,
                          .seed = 0x1234567890abcdefULL};
    for (int i = 0; i < KEYS; i++) {
        lengths[i] = i % 10 == 9 ? 0 : i % 2 ? 33 : 65;
        memset(keys[i], i / 2 % 250, STRIDE); /* pairs that differ in length alone */
        keys[i][7] = (uint8_t)(i / 500);
    }
    EXPECT_INT(pc_key_index_fill(&index, buckets), PC_OK);
    for (int i = 0; i < KEYS; i++) {
        uint32_t frequent;
        const pc_column one = fixed(keys[i], i % 2 ? 33 : 65);
        EXPECT_INT(pc_key_index_find(&index, &one, 1, 200, found, &frequent, 1), 0);
        EXPECT_INT(found[0], lengths[i] ? (uint32_t)i : (uint32_t)PC_NO_SLOT);
    }
    /* one stranger three times among keys that are there, one twice */
    uint8_t strange[2][33] = {{2, 7, 1}, {3, 1, 4}};
    const uint8_t *order[7] = {keys[1], strange[0], strange[1], strange[0], keys[3], strange[1], strange[0]};
    uint8_t rows[7][33];
    uint32_t frequent[4] = {99, 99, 99, 99};
    for (int i = 0; i < 7; i++) memcpy(rows[i], order[i], 33);
    const pc_column seven = fixed(rows[0], 33);
    memset(sightings, 0, sizeof sightings);
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 0, found, NULL, 0), 0);
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 3, found, frequent, 4), 1);
    EXPECT(frequent[0] == 6 && frequent[1] == 99);
    EXPECT(found[0] == 1 && found[4] == 3 && found[1] == (uint32_t)PC_NO_SLOT && found[6] == (uint32_t)PC_NO_SLOT);
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 3, found, frequent, 4), 2); /* the other one, and the first again */
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 3, found, NULL, 0), 0);     /* no room: it comes next time */
    EXPECT(pc_key_index_find(&index, &seven, 1, 3, found, frequent, 4) == 0 && found[0] == 1);
    const pc_column empty = fixed(rows[0], 0);
    EXPECT_INT(pc_key_index_find(&index, &empty, 2, 1, found, frequent, 4), 0);
    EXPECT(found[0] == (uint32_t)PC_NO_SLOT && found[1] == (uint32_t)PC_NO_SLOT);
    EXPECT_INT(pc_key_index_find(NULL, &seven, 7, 3, found, frequent, 4), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_index_find(&index, NULL, 7, 3, found, frequent, 4), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 256, found, frequent, 4), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 3, found, NULL, 4), PC_ERR_ARGUMENT);
    index.bucket_mask = 1000;
    EXPECT_INT(pc_key_index_fill(&index, buckets), PC_ERR_ARGUMENT);
    index.bucket_mask = 511; /* more than half full */
    EXPECT_INT(pc_key_index_find(&index, &seven, 7, 3, found, frequent, 4), PC_ERR_ARGUMENT);
}

/* Few items, packed: by their keys while the set has none of them, by the set once it has all. */
static void test_few(const batch *b) {
    enum { BUCKETS = 16, OFTEN = 3 };
    const int scheme = b->params.scheme, window = 5;
    uint8_t lengths[N], sightings[256] = {0}, verdicts[N], built[N];
    uint32_t buckets[BUCKETS], slots[N], frequent[N], key_lengths[N], signature_lengths[N], message_lengths[N];
    pc_key_index index = {b->key_data, b->key_size, lengths, buckets, sightings, N, BUCKETS - 1, 255, 42};
    pc_keyset *set = aligned_alloc(64, pc_keyset_size(PC_AUTO, scheme, N, window));
    EXPECT_INT(pc_keyset_build(PC_AUTO, scheme, &b->keys, N, window, set, built), PC_OK);
    for (int i = 0; i < N; i++) key_lengths[i] = (uint32_t)b->key_size, signature_lengths[i] = 64, message_lengths[i] = 8;
#define FEW(index, set, keys, n, slots)                                                                                     \
    pc_verify_few(PC_AUTO, &b->params, index, set, OFTEN, keys, key_lengths, b->signature_data, signature_lengths,          \
                  b->message_data, message_lengths, n, b->scratch, b->scratch_len, verdicts, slots, frequent)
    for (int known = 0; known <= N; known++) { /* the first so many are in the set */
        for (int i = 0; i < N; i++) lengths[i] = i < known ? (uint8_t)b->key_size : 0;
        EXPECT_INT(pc_key_index_fill(&index, buckets), PC_OK);
        for (int bad = -1; bad < N; bad++) {
            const int mixed = known && known < N;
            memset(verdicts, '-', N), memset(sightings, OFTEN - 1, sizeof sightings);
            if (bad >= 0) b->message_data[8 * bad] ^= 1;
            EXPECT_INT(FEW(&index, set, b->key_data, N, slots), mixed ? PC_FEW_MIXED : known ? 0 : N);
            for (int i = 0; i < N; i++) EXPECT_INT(verdicts[i], mixed ? '-' : i == bad ? 2 : 1);
            for (int i = 0; i < N && !mixed; i++) EXPECT_INT(slots[i], known ? (uint32_t)i : (uint32_t)PC_NO_SLOT);
            for (int i = 0; i < N && !known; i++) EXPECT_INT(frequent[i], i);
            EXPECT_INT(FEW(NULL, NULL, b->key_data, N, NULL), 0);
            for (int i = 0; i < N; i++) EXPECT_INT(verdicts[i], i == bad ? 2 : 1);
            if (bad >= 0) b->message_data[8 * bad] ^= 1;
        }
    }
    EXPECT_INT(FEW(&index, set, b->key_data, 0, NULL), 0);
    EXPECT_INT(FEW(NULL, NULL, b->key_data, PC_FEW + 1, slots), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(NULL, NULL, NULL, N, slots), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(&index, set, NULL, N, slots), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(&index, set, b->key_data, N, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(&index, NULL, b->key_data, N, slots), PC_ERR_ARGUMENT);
    index.bucket_mask = 1000;
    EXPECT_INT(FEW(&index, set, b->key_data, N, slots), PC_ERR_ARGUMENT);
    signature_lengths[2] = 63; /* the rest of the rows come one byte early */
    EXPECT_INT(FEW(NULL, NULL, b->key_data, 3, NULL), 0);
    EXPECT(verdicts[0] == 1 && verdicts[1] == 1 && verdicts[2] == 3);
    free(set);
}

int main(void) {
    test_registry();
    test_columns();
    test_streams();
    for (int scheme = 0; pc_scheme_at(scheme); scheme++) {
        batch b = make_batch(scheme);
        test_valid(&b);
        test_refused(&b);
        test_keyset(&b, 0);
        for (int window = 4; window <= 8; window++)
            if (EXPECT(pc_keyset_table_size(PC_AUTO, b.params.scheme, window) > 0)) test_keyset(&b, window);
        for (int window = 0; window <= 8; window += 4) test_slots(&b, window);
        test_few(&b);
        free_batch(&b);
    }
    test_recover();
    test_data_and_probes();
    test_key_index();
    return test_report("test_api");
}
