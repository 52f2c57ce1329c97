/* selftest.c - known-answer tests that every backend passes before it is used.
 *
 * The answers (gen/selftest.inc.h) come from big-integer arithmetic in another language. A batch repeats seven signature cases
 * over 7 * lanes items, so that every case sits in every lane: lane counts are powers of two. Memory is on the stack: at most
 * MAX_LANES lanes. */
#include "column.h"
#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

enum { SIG_CASES = 7, MAX_LANES = 16, MAX_ITEMS = SIG_CASES * MAX_LANES };
enum { COMBINED = 72 }; /* items that every backend tries together, by buckets */

typedef struct sig_case {
    uint8_t key_len, signature_len, message, verdict;
    uint8_t key[65], signature[64];
} sig_case;

typedef struct recover_case {
    uint8_t verdict;
    uint8_t signature[65], digest[32], key[64];
} recover_case;

#include "../gen/selftest.inc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PC_HASH(...) +1
_Static_assert(COUNT(hash_answers) ==
#include "../registry.def"
               , "a hash without known answers: tools/gen_selftest.py");
#undef PC_HASH
#define PC_SCHEME(...) +1
_Static_assert(COUNT(sig_cases) ==
#include "../registry.def"
               , "a scheme without known answers: tools/gen_selftest.py");
#undef PC_SCHEME

enum { HASH_ROWS = COUNT(hash_lengths), HASH_DATA = 4096 };

/* ---- hashes ----------------------------------------------------------------------------------------------------------- */

static void fill_pattern(uint8_t *data, size_t len, unsigned seed) {
    for (size_t i = 0; i < len; i++) data[i] = (uint8_t)((seed + 7 * i) % 251);
}

/* tools/gen_selftest.py hash_answer() is the same in Python. */
static int hash_passes(const pc_backend *backend, int hash) {
    const pc_hash_ops *ops = &backend->hash[hash];
    size_t size = pc_hash_at(hash)->digest_size;
    uint8_t data[HASH_DATA], prefix[256], digests[(COUNT(hash_prefixes) + 2) * HASH_ROWS * 64], answer[64];
    uint8_t *next = digests;
    int64_t offsets[HASH_ROWS + 1] = {0};
    for (size_t i = 0; i < HASH_ROWS; i++) {
        offsets[i + 1] = offsets[i] + hash_lengths[i];
        fill_pattern(data + offsets[i], hash_lengths[i], (unsigned)i);
    }
    pc_column messages = {data, offsets, 0, 0};
    fill_pattern(prefix, sizeof prefix, 1);
    for (size_t p = 0; p < COUNT(hash_prefixes); p++) {
        ops->many(prefix, hash_prefixes[p], &messages, HASH_ROWS, next);
        next += HASH_ROWS * size;
    }
    const uint8_t *children = next - HASH_ROWS * size;
    size_t parents = (HASH_ROWS + 1) / 2 * size;
    if (ops->merkle_level) {
        ops->merkle_level(PC_ODD_PROMOTE, NULL, 0, children, HASH_ROWS, next);
        /* the second time in place */
        memcpy(next + parents, children, HASH_ROWS * size);
        ops->merkle_level(PC_ODD_DUPLICATE, NULL, 0, next + parents, HASH_ROWS, next + parents);
    }
    pc_column all = pc_column_fixed(digests, (size_t)(next - digests) + 2 * parents);
    ops->many(NULL, 0, &all, 1, answer);
    return memcmp(answer, hash_answers[hash], size) == 0;
}

/* ---- signatures ------------------------------------------------------------------------------------------------------- */

typedef struct sig_batch {
    uint8_t keys[MAX_ITEMS * 65], signatures[MAX_ITEMS * 64], messages[MAX_ITEMS * 256];
    int64_t key_at[MAX_ITEMS + 1], signature_at[MAX_ITEMS + 1], message_at[MAX_ITEMS + 1];
} sig_batch;

static void append(uint8_t *data, int64_t *offsets, size_t i, const void *row, size_t len) {
    memcpy(data + offsets[i], row, len);
    offsets[i + 1] = offsets[i] + (int64_t)len;
}

/* Verdicts of the cases which[0 .. n - 1] are what they should be. */
static int cases_pass(const pc_backend *backend, int scheme, int rules, const uint8_t *which, size_t n, sig_batch *batch,
                      void *scratch) {
    const char *user_id = pc_scheme_at(scheme)->default_user_id;
    pc_verify_params params = {.scheme = scheme, .rules = rules, .hash = PC_HASH_SHA256};
    params.user_id = (const uint8_t *)user_id;
    params.user_id_len = user_id ? strlen(user_id) : 0;
    batch->key_at[0] = batch->signature_at[0] = batch->message_at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const sig_case *row = &sig_cases[scheme][which[i]];
        const char *message = sig_messages[row->message];
        append(batch->keys, batch->key_at, i, row->key, row->key_len);
        append(batch->signatures, batch->signature_at, i, row->signature, row->signature_len);
        append(batch->messages, batch->message_at, i, message, strlen(message));
    }
    pc_column keys = {batch->keys, batch->key_at, 0, 0};
    pc_column signatures = {batch->signatures, batch->signature_at, 0, 0};
    pc_column messages = {batch->messages, batch->message_at, 0, 0};
    pc_key_source source = {&keys, NULL, NULL};
    uint8_t verdicts[MAX_ITEMS] = {0};
    backend->scheme[scheme].verify(&params, &source, &signatures, &messages, n, scratch, verdicts);
    for (size_t i = 0; i < n; i++) {
        if (verdicts[i] != sig_cases[scheme][which[i]].verdict) return 0;
    }
    return 1;
}
/* Every case in every lane. Then, where equations are combined, enough of the valid ones for that, with bad ones among them;
 * without the cofactor also the valid ones alone, whose part of small order is looked at then. */
static int scheme_passes(const pc_backend *backend, int scheme, int rules, sig_batch *batch, void *scratch) {
    uint8_t which[MAX_ITEMS], valid[SIG_CASES], bad[SIG_CASES];
    size_t n = (size_t)SIG_CASES * (size_t)backend->lanes, n_valid = 0, n_bad = 0;
    for (size_t i = 0; i < n; i++) which[i] = (uint8_t)(i % SIG_CASES);
    if (!cases_pass(backend, scheme, rules, which, n, batch, scratch)) return 0;
    if (scheme != PC_SCHEME_ED25519 && scheme != PC_SCHEME_SCHNORR_SECP256K1) return 1;
    for (uint8_t i = 0; i < SIG_CASES; i++) {
        if (sig_cases[scheme][i].verdict == PC_VALID) valid[n_valid++] = i;
        if (sig_cases[scheme][i].verdict == PC_BAD_SIGNATURE) bad[n_bad++] = i;
    }
    for (size_t i = 0; i < COMBINED; i++) which[i] = valid[i % n_valid];
    for (size_t i = 0; i < n_bad; i++) which[COMBINED / 2 + i] = bad[i];
    if (!cases_pass(backend, scheme, rules, which, COMBINED, batch, scratch)) return 0;
    if (scheme != PC_SCHEME_ED25519 || rules != 0) return 1;
    for (size_t i = 0; i < n_bad; i++) which[COMBINED / 2 + i] = valid[0];
    return cases_pass(backend, scheme, rules, which, COMBINED, batch, scratch);
}
/* Ed25519 with and without the cofactor, which is another way from the equation on. */
static int all_rules_pass(const pc_backend *backend, int scheme, sig_batch *batch, void *scratch) {
    if (scheme != PC_SCHEME_ED25519) return scheme_passes(backend, scheme, 0, batch, scratch);
    return scheme_passes(backend, scheme, PC_RULE_COFACTORED, batch, scratch) &&
           scheme_passes(backend, scheme, 0, batch, scratch);
}

static int recover_passes(const pc_backend *backend, sig_batch *batch, void *scratch) {
    size_t rows = COUNT(recover_cases), n = rows * (size_t)backend->lanes;
    uint8_t verdicts[MAX_ITEMS] = {0}, *keys = batch->messages;
    batch->key_at[0] = batch->signature_at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        append(batch->keys, batch->key_at, i, recover_cases[i % rows].signature, 65);
        append(batch->signatures, batch->signature_at, i, recover_cases[i % rows].digest, 32);
    }
    pc_column signatures = {batch->keys, batch->key_at, 0, 0}, digests = pc_column_fixed(batch->signatures, 32);
    backend->recover(0, &signatures, &digests, n, scratch, keys, verdicts);
    for (size_t i = 0; i < n; i++) {
        const recover_case *row = &recover_cases[i % rows];
        if (verdicts[i] != row->verdict || memcmp(keys + 64 * i, row->key, 64) != 0) return 0;
    }
    return 1;
}

/* ---- all of a backend ------------------------------------------------------------------------------------------------- */

static size_t scratch_wanted(const pc_backend *backend) {
    size_t wanted = backend->recover ? backend->recover_scratch : 0;
    for (int s = 0; pc_scheme_at(s); s++) {
        int id = pc_scheme_at(s)->id;
        if (backend->scheme[id].verify && backend->scheme[id].verify_scratch > wanted)
            wanted = backend->scheme[id].verify_scratch;
    }
    return (wanted + 63) / 64 * 64;
}

const char *pc_selftest(const pc_backend *backend) {
    const char *failed = NULL;
    if (backend->lanes < 1 || backend->lanes > MAX_LANES) return "lanes";
    for (int h = 0; !failed && pc_hash_at(h); h++) {
        int id = pc_hash_at(h)->id;
        if (backend->hash[id].many && !hash_passes(backend, id)) failed = pc_hash_at(h)->name;
    }
    if (failed) return failed;

    /* The only memory that the library ever takes, at start-up and given back at once. */
    size_t scratch_len = scratch_wanted(backend);
    sig_batch *batch = malloc(sizeof *batch);
    void *scratch = scratch_len ? aligned_alloc(64, scratch_len) : NULL;
    if (!batch || (scratch_len && !scratch)) failed = "out of memory";
    for (int s = 0; !failed && pc_scheme_at(s); s++) {
        int id = pc_scheme_at(s)->id;
        if (backend->scheme[id].verify && !all_rules_pass(backend, id, batch, scratch)) failed = pc_scheme_at(s)->name;
    }
    if (!failed && backend->recover && !recover_passes(backend, batch, scratch)) failed = "recover";
    free(scratch);
    free(batch);
    return failed;
}
