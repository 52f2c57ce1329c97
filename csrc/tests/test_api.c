/* test_api.c - the public calls: what a malformed call gets, and that a well-formed one touches nothing but its outputs.
 *
 * Every array has its exact size on the heap, so that the sanitizer variants see any access beyond it. */
#include "../pycore.h"
#include "check_test.h"
#include "largest_key.h"

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
    for (int s = 0; s < schemes; s++) {
        const pc_scheme_row *scheme = pc_scheme_at(s);
        size_t previous = 0;
        for (const size_t *size = scheme->key_sizes; *size; previous = *size++) EXPECT(*size > previous);
        EXPECT(scheme->key_sizes[0] && scheme->key_forms && scheme->table_pays > 0 && scheme->table_pays <= UINT8_MAX);
        EXPECT((scheme->user_id_limit == 0) == (scheme->default_user_id == NULL));
        EXPECT(!scheme->default_user_id || strlen(scheme->default_user_id) <= scheme->user_id_limit);
    }
    pc_backend_row row;
    for (int at = 0; pc_backend_at(at, &row) == PC_OK; at++) { /* what is not partial has every kernel */
        size_t missing = 0;
        if (!row.usable) continue;
        for (int h = 0; h < hashes; h++) missing += pc_hash_stream_size(at, h) == 0;
        for (int s = 0; s < schemes; s++) missing += pc_keyset_size(at, s, 1, 0) == 0;
        missing += pc_recover_scratch_size(at) == 0;
        EXPECT_INT(row.partial != 0, missing != 0);
    }
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
    b.key_size = largest_key(scheme);
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
    REFUSED(bad.params.rules |= 128, PC_ERR_ARGUMENT);
    if (b->params.scheme != 0) REFUSED(bad.params.rules |= PC_RULE_FABRICX, PC_ERR_ARGUMENT);
    REFUSED(bad.params.rules |= b->params.scheme == 0 ? PC_RULE_LOW_S : PC_RULE_COFACTORED, PC_ERR_ARGUMENT);
    REFUSED(bad.params.message = 2, PC_ERR_ARGUMENT);
    REFUSED(bad.params.encoding = 2, PC_ERR_ARGUMENT);
    REFUSED(bad.params.der_rules = 3, PC_ERR_ARGUMENT);
    REFUSED(bad.params.encoding = PC_ENCODING_DER, flags & PC_SCHEME_DER ? PC_OK : PC_ERR_ARGUMENT);
    REFUSED(bad.params.hash = 2, flags & PC_SCHEME_HASH ? PC_ERR_ARGUMENT : PC_OK); /* sha512: 64-byte digests */
    REFUSED(bad.params.hash = 77, flags & PC_SCHEME_HASH ? PC_ERR_ARGUMENT : PC_OK);
    REFUSED(bad.params.message = PC_MESSAGE_PREHASHED, PC_ERR_ARGUMENT); /* 8 bytes are no digest */
    REFUSED(bad.params.user_id_len = 1, pc_scheme_at(b->params.scheme)->user_id_limit ? PC_ERR_ARGUMENT : PC_OK);
    REFUSED(bad.params.user_id_len = 8192;
            bad.params.user_id = b->key_data, pc_scheme_at(b->params.scheme)->user_id_limit ? PC_ERR_ARGUMENT : PC_OK);
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

/* ---- the key cache ----------------------------------------------------------------------------------------------------- */

typedef struct cache_of_test {
    size_t size, table;
    pc_key_cache *cache;
    void *tables[N];
} cache_of_test;

enum { CACHE_SLOTS = 7, CACHE_OFTEN = 3, CACHE_WINDOW = 4 };
static const uint32_t cache_slots[N] = {6, 0, 3, 1, 5};

static cache_of_test make_cache(const batch *b) {
    const int scheme = b->params.scheme;
    cache_of_test c = {
        pc_key_cache_size(PC_AUTO, scheme, CACHE_SLOTS), pc_keyset_table_size(PC_AUTO, scheme, CACHE_WINDOW), NULL, {NULL}};
    c.cache = aligned_alloc(64, c.size); /* of exactly this size: the sanitizers watch its end */
    memset(c.cache, 0xaa, c.size);
    for (int i = 0; i < N; i++) c.tables[i] = aligned_alloc(64, c.table);
    return c;
}
static void free_cache(cache_of_test *c) {
    for (int i = 0; i < N; i++) free(c->tables[i]);
    free(c->cache);
}
static int open_cache(const batch *b, cache_of_test *c) {
    return pc_key_cache_open(PC_AUTO, b->params.scheme, CACHE_SLOTS, CACHE_WINDOW, CACHE_OFTEN, 42, c->cache, c->size);
}

static void test_cache_refused(const batch *b) {
    const int scheme = b->params.scheme;
    cache_of_test c = make_cache(b);
    pc_key_cache *crooked = (pc_key_cache *)(void *)((uint8_t *)c.cache + 8);
    uint32_t slots[N], found[2];
    uint64_t idle;
    uint8_t verdicts[N];
    EXPECT(c.size > 0 && c.size % 64 == 0);
    EXPECT_INT(pc_key_cache_size(PC_AUTO, scheme, 0), 0);
    EXPECT_INT(pc_key_cache_size(PC_AUTO, scheme, SIZE_MAX), 0);
    EXPECT_INT(pc_key_cache_size(PC_AUTO, 1000, N), 0);
    EXPECT_INT(pc_key_cache_size(99, scheme, N), 0);
    for (int opened = 0; opened <= 1; opened++) { /* memory that was never opened, then wrong arguments alone */
        pc_key_cache *cache = c.cache;
        if (opened) EXPECT_INT(open_cache(b, &c), PC_OK);
        const int wanted = opened ? PC_OK : PC_ERR_ARGUMENT;
        EXPECT_INT(pc_key_cache_find(cache, &b->keys, N, 1, slots, found), wanted);
        EXPECT_INT(pc_key_cache_oldest(cache, slots, &idle), wanted);
        EXPECT_INT(pc_key_cache_put(cache, cache_slots, &b->keys, 0, c.tables, verdicts), wanted);
        EXPECT((pc_key_cache_keys(cache) != NULL) == opened);
        EXPECT_INT(pc_key_cache_drop(cache, 0), PC_ERR_ARGUMENT); /* no key there */
        for (int i = 0; i < 2; i++) {
            pc_key_cache *bad = i ? crooked : NULL;
            EXPECT_INT(pc_key_cache_find(bad, &b->keys, N, 1, slots, found), PC_ERR_ARGUMENT);
            EXPECT_INT(pc_key_cache_oldest(bad, slots, &idle), PC_ERR_ARGUMENT);
            EXPECT_INT(pc_key_cache_put(bad, cache_slots, &b->keys, N, c.tables, verdicts), PC_ERR_ARGUMENT);
            EXPECT_INT(pc_key_cache_drop(bad, 0), PC_ERR_ARGUMENT);
            EXPECT(pc_key_cache_keys(bad) == NULL);
            EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, CACHE_WINDOW, 1, 1, bad, c.size), PC_ERR_ARGUMENT);
        }
    }
    EXPECT_INT(pc_key_cache_find(c.cache, NULL, N, 1, slots, found), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_find(c.cache, &b->keys, N, 1, NULL, found), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_find(c.cache, &b->keys, N, 1, slots, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_find(c.cache, &b->keys, SIZE_MAX, 1, slots, found), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_oldest(c.cache, NULL, &idle), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_oldest(c.cache, slots, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_drop(c.cache, CACHE_SLOTS), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_put(c.cache, NULL, &b->keys, N, c.tables, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, NULL, N, c.tables, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &b->keys, N, NULL, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &b->keys, N, c.tables, NULL), PC_ERR_ARGUMENT);
    const uint32_t beyond[1] = {CACHE_SLOTS};
    EXPECT_INT(pc_key_cache_put(c.cache, beyond, &b->keys, 1, c.tables, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, CACHE_WINDOW, 1, 1, c.cache, c.size - 1), PC_ERR_SCRATCH);
    EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, 0, 1, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, 99, 1, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    EXPECT(pc_key_cache_keys(c.cache) == NULL); /* what failed to open is no cache */
    EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, CACHE_WINDOW, 0, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_open(PC_AUTO, scheme, CACHE_SLOTS, CACHE_WINDOW, 256, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_open(99, scheme, CACHE_SLOTS, CACHE_WINDOW, 1, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_key_cache_open(PC_AUTO, 1000, CACHE_SLOTS, CACHE_WINDOW, 1, 1, c.cache, c.size), PC_ERR_ARGUMENT);
    free_cache(&c);
}

/* Strangers are wanted when they have come often; known keys verify by their tables, in a copy of the cache as well. */
static void test_cache(const batch *b) {
    cache_of_test c = make_cache(b);
    pc_key_cache *copy = aligned_alloc(64, c.size);
    uint32_t slots[N], found[2], oldest;
    uint64_t idle;
    uint8_t verdicts[N];
#define FIND(cache, count) pc_key_cache_find(cache, &b->keys, N, count, slots, found)
    EXPECT_INT(open_cache(b, &c), PC_OK);
    EXPECT(pc_key_cache_oldest(c.cache, &oldest, &idle) == PC_OK && oldest == (uint32_t)PC_NO_SLOT);
    for (int round = 1; round <= CACHE_OFTEN; round++) {
        EXPECT_INT(FIND(c.cache, 0), PC_OK); /* counts nothing */
        EXPECT_INT(FIND(c.cache, 1), PC_OK);
        EXPECT(found[0] == 0 && (found[1] > 0) == (round == CACHE_OFTEN) && found[1] <= 1 + N / CACHE_OFTEN);
        for (int i = 0; i < N; i++) EXPECT(slots[i] == (uint32_t)PC_NO_SLOT || slots[i] == (uint32_t)PC_WANTED);
    }
    const pc_column cut = fixed(b->key_data, b->key_size - 1);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &cut, 1, c.tables, verdicts), PC_OK);
    EXPECT_INT(verdicts[0], 4); /* malformed: its slot stays free */
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &b->keys, N, c.tables, verdicts), PC_OK);
    EXPECT(memcmp(verdicts, "\1\1\1\1\1", N) == 0);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &b->keys, 1, c.tables, verdicts), PC_ERR_ARGUMENT); /* taken */
    EXPECT_INT(pc_key_cache_find(c.cache, &cut, 1, 1, slots, found), PC_OK);
    EXPECT(found[0] == 0 && slots[0] == (uint32_t)PC_NO_SLOT); /* lengths count */
    memcpy(copy, c.cache, c.size);
    EXPECT_INT(pc_key_cache_drop(copy, cache_slots[2]), PC_OK);
    EXPECT_INT(pc_key_cache_drop(copy, cache_slots[2]), PC_ERR_ARGUMENT);
    EXPECT_INT(FIND(copy, 0), PC_OK);
    EXPECT(found[0] == N - 1 && slots[2] == (uint32_t)PC_NO_SLOT && slots[3] == cache_slots[3]);
    for (int bad = -1; bad < N; bad++) {
        EXPECT_INT(FIND(c.cache, 1), PC_OK);
        EXPECT(found[0] == N && found[1] == 0 && memcmp(slots, cache_slots, sizeof slots) == 0);
        if (bad >= 0) b->message_data[8 * bad] ^= 1;
        EXPECT_INT(pc_verify_keyset(pc_key_cache_keys(c.cache), &b->params, slots, &b->signatures, &b->messages, N,
                                    b->scratch, b->scratch_len, verdicts),
                   PC_OK);
        for (int i = 0; i < N; i++) EXPECT_INT(verdicts[i], i == bad ? 2 : 1);
        if (bad >= 0) b->message_data[8 * bad] ^= 1;
    }
    const pc_column others = fixed(b->key_data + b->key_size, b->key_size);
    EXPECT_INT(pc_key_cache_find(c.cache, &others, N - 1, 1, slots, found), PC_OK);
    EXPECT(pc_key_cache_oldest(c.cache, &oldest, &idle) == PC_OK && oldest == cache_slots[0]);
    EXPECT(idle >= N - 1);
    EXPECT_INT(pc_key_cache_drop(c.cache, oldest), PC_OK);
    EXPECT_INT(pc_key_cache_put(c.cache, cache_slots, &b->keys, 1, c.tables, verdicts), PC_OK);
    EXPECT(FIND(c.cache, 0) == PC_OK && found[0] == N);
    free(copy);
    free_cache(&c);
}

/* A few items whose rows come joined: any of their keys known, any item bad. */
static void test_few(const batch *b) {
    cache_of_test c = make_cache(b);
    const size_t keys = N * b->key_size, bytes = keys + N * (64 + 8);
    uint32_t lengths[3 * N], slots[N];
    uint8_t *rows = malloc(bytes), verdicts[N]; /* of exactly this size */
    memcpy(rows, b->key_data, keys), memcpy(rows + keys, b->signature_data, N * 64);
    memcpy(rows + keys + N * 64, b->message_data, N * 8);
    for (int i = 0; i < N; i++)
        lengths[i] = (uint32_t)b->key_size, lengths[N + i] = 64, lengths[2 * N + i] = 8, slots[i] = (uint32_t)i;
#define FEW(cache, params, rows, n) pc_verify_few(cache, params, rows, lengths, n, b->scratch, b->scratch_len, verdicts)
    EXPECT_INT(FEW(c.cache, &b->params, rows, N), PC_ERR_ARGUMENT); /* never opened */
    for (unsigned known = 0; known < 1u << N; known++) {
        EXPECT_INT(open_cache(b, &c), PC_OK);
        for (uint32_t i = 0; i < N; i++) {
            const pc_column one = fixed(b->key_data + i * b->key_size, b->key_size);
            if (known >> i & 1) EXPECT_INT(pc_key_cache_put(c.cache, slots + i, &one, 1, c.tables + i, verdicts), PC_OK);
        }
        const int hits = __builtin_popcount(known), bad = (int)(known % 6) - 1;
        if (bad >= 0) rows[keys + 64 * (size_t)bad + 63] ^= 1;
        for (int call = 1; call <= CACHE_OFTEN; call++) {
            const int got = FEW(c.cache, &b->params, rows, N), wanted = got >> 8;
            EXPECT_INT(got & 0xff, hits);
            EXPECT(call == CACHE_OFTEN && hits < N ? wanted >= 1 && wanted <= N && !(known >> (wanted - 1) & 1) : !wanted);
            for (int i = 0; i < N; i++) EXPECT((verdicts[i] == 1) == (i != bad));
        }
        if (bad >= 0) rows[keys + 64 * (size_t)bad + 63] ^= 1;
    }
    pc_verify_params other = b->params;
    other.scheme = b->params.scheme ? 0 : 1;
    EXPECT_INT(FEW(c.cache, &b->params, rows, 0), 0);
    EXPECT_INT(FEW(c.cache, &other, rows, N), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(c.cache, NULL, rows, N), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(NULL, &b->params, rows, N), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(c.cache, &b->params, NULL, N), PC_ERR_ARGUMENT);
    EXPECT_INT(FEW(c.cache, &b->params, rows, PC_FEW + 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_verify_few(c.cache, &b->params, rows, NULL, N, b->scratch, b->scratch_len, verdicts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_verify_few(c.cache, &b->params, rows, lengths, N, b->scratch, b->scratch_len, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_verify_few(c.cache, &b->params, rows, lengths, N, b->scratch, 0, verdicts), PC_ERR_SCRATCH);
    lengths[3 * N - 1] = PC_FEW_BYTES; /* more than it takes, and more than there is */
    EXPECT_INT(FEW(c.cache, &b->params, rows, N), PC_ERR_ARGUMENT);
    free(rows);
    free_cache(&c);
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
        test_cache_refused(&b);
        test_cache(&b);
        test_few(&b);
        free_batch(&b);
    }
    test_recover();
    test_data_and_probes();
    return test_report("test_api");
}
