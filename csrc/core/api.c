/* api.c - the public batch calls: every argument is checked here, so that kernels need not. */
#include "arguments.h"
#include "column.h"
#include "dispatch.h"

#include <string.h>

/* Of key tables. A window of 9 gains less than what its table, twice as large, loses to the caches; below 4 the time to build a
 * table is nearly the same and the walk gets long. */
enum { WIDEST_WINDOW = 8, NARROWEST_WINDOW = 4 };

/* PC_AUTO takes what is best for so many items: a set belongs to one backend, and is there for batches however few keys it has. */
enum { SET_BATCH = 1024 };

/* ---- argument checks -------------------------------------------------------------------------------------------------- */

static int hash_is_32(int hash) {
    const pc_hash_row *row = pc_hash_at(hash);
    return row && row->digest_size == 32;
}

/* The flags that some rule set of the scheme names, all together. */
static int known_rules(int scheme) {
    int known = 0;
    const pc_rules_row *row;
    for (int i = 0; (row = pc_rules_at(i)) != NULL; i++) {
        if (row->scheme == scheme) known |= row->flags;
    }
    return known;
}

static int params_ok(const pc_verify_params *params) {
    const pc_scheme_row *row = params ? pc_scheme_at(params->scheme) : NULL;
    if (!row || (params->rules & ~known_rules(params->scheme))) return 0;
    if (params->message != PC_MESSAGE_HASH && params->message != PC_MESSAGE_PREHASHED) return 0;
    if (params->encoding != PC_ENCODING_COMPACT && params->encoding != PC_ENCODING_DER) return 0;
    if (params->der_rules < PC_DER_STRICT || params->der_rules > PC_DER_GO) return 0;
    if (params->encoding == PC_ENCODING_DER && !(row->flags & PC_SCHEME_DER)) return 0;
    if (params->message == PC_MESSAGE_PREHASHED && !(row->flags & PC_SCHEME_PREHASHED)) return 0;
    if ((row->flags & PC_SCHEME_HASH) && params->message == PC_MESSAGE_HASH && !hash_is_32(params->hash)) return 0;
    if (row->user_id_limit && params->message == PC_MESSAGE_HASH) {
        if (params->user_id_len > row->user_id_limit || (!params->user_id && params->user_id_len)) return 0;
    }
    return 1;
}

/* A call that takes digests wants exactly 32 bytes a row: anything else is the caller's mistake, not the item's. */
static int messages_ok(const pc_verify_params *params, const pc_column *messages, size_t n) {
    if (!pc_column_ok(messages, n)) return 0;
    if (params->message != PC_MESSAGE_PREHASHED) return 1;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        (void)pc_column_row(messages, i, &len);
        if (len != 32) return 0;
        if (!messages->offsets) break;
    }
    return 1;
}

static int scratch_ok(const void *scratch, size_t scratch_len, size_t wanted) {
    return scratch_len >= wanted && (wanted == 0 || (scratch && ((uintptr_t)scratch & 63) == 0));
}

/* ---- hashes ----------------------------------------------------------------------------------------------------------- */

/* How many lanes these messages can keep busy, for the choice of a backend: one long message among short ones is as good as
 * alone, but BLAKE3 takes a message apart into chunks of 1,024 bytes. */
static size_t side_by_side(int hash, const pc_column *messages, size_t n) {
    if (n == 0) return n;
    const int64_t *at = messages->offsets;
    if (hash == PC_HASH_BLAKE3) {
        size_t chunks = (at ? (size_t)(at[n] - at[0]) : n * messages->width) / 1024;
        return chunks > n ? chunks : n;
    }
    if (!at) return n;
    uint64_t longest = 0, all = (uint64_t)(at[n] - at[0]);
    for (size_t i = 0; i < n; i++) {
        uint64_t len = (uint64_t)(at[i + 1] - at[i]);
        if (len > longest) longest = len;
    }
    return longest <= 1024 ? n : (size_t)((all + longest - 1) / longest); /* short ones cost about as much as each other */
}

int pc_hash_batch(int backend, int hash, const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                  uint8_t *digests) {
    const pc_backend *ops;
    if (!pc_hash_at(hash) || !pc_prefix_ok(prefix, prefix_len) || !pc_column_ok(messages, n)) return PC_ERR_ARGUMENT;
    if (n && !digests) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_HASH, hash, backend, side_by_side(hash, messages, n), &ops, NULL);
    if (result == PC_OK && n) ops->hash[hash].many(prefix, prefix_len, messages, n, digests);
    return result;
}

int pc_hash_rows(int backend, int hash, const uint8_t *rows, size_t width, size_t n, uint8_t *digests) {
    pc_column column = {rows, NULL, width, (ptrdiff_t)width};
    return pc_hash_batch(backend, hash, NULL, 0, &column, n, digests);
}

/* ---- signatures ------------------------------------------------------------------------------------------------------- */

static size_t round_64(size_t n) { return (n + 63) & ~(size_t)63; }

/* 0 when the backend has no such tables, or no computer such memory. */
static size_t keyset_bytes(const pc_backend *ops, int scheme, size_t n_keys, int window) {
    const size_t record = ops->scheme[scheme].keyset_record, head = round_64(sizeof(pc_keyset));
    const size_t table = window ? ops->scheme[scheme].keyset_table(window) : 0;
    if ((window && !table) || n_keys > UINT32_MAX || n_keys > PC_MAX_ITEMS / (record + table + 1)) return 0;
    return head + round_64(n_keys * record) + n_keys * table;
}

size_t pc_keyset_table_size(int backend, int scheme, int window) {
    const pc_backend *ops;
    if (!pc_scheme_at(scheme) || pc_resolve(PC_KIND_SCHEME, scheme, backend, SET_BATCH, &ops, NULL) != PC_OK) return 0;
    return window ? ops->scheme[scheme].keyset_table(window) : 0;
}

size_t pc_keyset_size(int backend, int scheme, size_t n_keys, int window) {
    const pc_backend *ops;
    if (!pc_scheme_at(scheme) || pc_resolve(PC_KIND_SCHEME, scheme, backend, SET_BATCH, &ops, NULL) != PC_OK) return 0;
    return keyset_bytes(ops, scheme, n_keys, window);
}

int pc_keyset_window(int backend, int scheme, size_t n_keys, size_t memory_limit) {
    const pc_backend *ops;
    if (!pc_scheme_at(scheme)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_SCHEME, scheme, backend, SET_BATCH, &ops, NULL);
    if (result != PC_OK) return result;
    for (int window = WIDEST_WINDOW; window >= NARROWEST_WINDOW; window--) {
        size_t size = keyset_bytes(ops, scheme, n_keys, window);
        if (size && size <= memory_limit) return window;
    }
    return 0;
}

/* The head of a set; slots are still without keys. */
static int keyset_head(int backend, int scheme, size_t n_keys, int window, pc_keyset *set, const pc_backend **ops) {
    int position;
    if (!pc_scheme_at(scheme) || !set || ((uintptr_t)set & 63)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_SCHEME, scheme, backend, SET_BATCH, ops, &position);
    if (result != PC_OK) return result;
    if (!keyset_bytes(*ops, scheme, n_keys, window)) return PC_ERR_ARGUMENT;
    set->magic = 0;
    set->backend = position;
    set->scheme = scheme;
    set->n_keys = n_keys;
    set->records_offset = round_64(sizeof(pc_keyset));
    set->tables_offset = 0;
    set->window = window;
    return PC_OK;
}

int pc_keyset_build(int backend, int scheme, const pc_column *keys, size_t n_keys, int window, pc_keyset *set,
                    uint8_t *verdicts) {
    const pc_backend *ops;
    if (!pc_column_ok(keys, n_keys) || (n_keys && !verdicts)) return PC_ERR_ARGUMENT;
    int result = keyset_head(backend, scheme, n_keys, window, set, &ops);
    if (result != PC_OK) return result;
    set->tables_offset = set->records_offset + round_64(n_keys * ops->scheme[scheme].keyset_record);
    if (n_keys) ops->scheme[scheme].keyset_put(keys, n_keys, set, NULL, NULL, verdicts);
    set->magic = PC_KEYSET_MAGIC;
    return PC_OK;
}

int pc_keyset_open(int backend, int scheme, size_t n_slots, int window, pc_keyset *set) {
    const pc_backend *ops;
    int result = keyset_head(backend, scheme, n_slots, window, set, &ops);
    if (result != PC_OK) return result;
    memset((uint8_t *)set + set->records_offset, 0, n_slots * ops->scheme[scheme].keyset_record);
    set->magic = PC_KEYSET_MAGIC;
    return PC_OK;
}

int pc_keyset_put(pc_keyset *set, const uint32_t *slots, const pc_column *keys, size_t n, void *const *tables,
                  uint8_t *verdicts) {
    const pc_backend *ops;
    if (!set || ((uintptr_t)set & 63) || set->magic != PC_KEYSET_MAGIC || set->tables_offset) return PC_ERR_ARGUMENT;
    if (!pc_column_ok(keys, n) || (n && (!slots || !verdicts || (set->window && !tables)))) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        if (slots[i] >= set->n_keys) return PC_ERR_ARGUMENT;
        if (set->window && (!tables[i] || ((uintptr_t)tables[i] & 63))) return PC_ERR_ARGUMENT;
    }
    int result = pc_resolve(PC_KIND_SCHEME, set->scheme, set->backend, n, &ops, NULL);
    if (result == PC_OK && n) ops->scheme[set->scheme].keyset_put(keys, n, set, slots, tables, verdicts);
    return result;
}

size_t pc_verify_scratch_size(int backend, const pc_verify_params *params) {
    if (!params || !pc_scheme_at(params->scheme)) return 0;
    return pc_scratch_wanted(PC_KIND_SCHEME, params->scheme, backend);
}

static int verify(const pc_backend *ops, const pc_verify_params *params, const pc_key_source *keys,
                  const pc_column *signatures, const pc_column *messages, size_t n, void *scratch, size_t scratch_len,
                  uint8_t *verdicts) {
    const pc_scheme_ops *scheme = &ops->scheme[params->scheme];
    if (n == 0) return PC_OK;
    if (!pc_column_ok(signatures, n) || !messages_ok(params, messages, n) || !verdicts) return PC_ERR_ARGUMENT;
    if (!scratch_ok(scratch, scratch_len, scheme->verify_scratch)) return PC_ERR_SCRATCH;
    scheme->verify(params, keys, signatures, messages, n, scratch, verdicts);
    return PC_OK;
}

int pc_verify_batch(int backend, const pc_verify_params *params, const pc_column *keys, const pc_column *signatures,
                    const pc_column *messages, size_t n, void *scratch, size_t scratch_len, uint8_t *verdicts) {
    const pc_backend *ops;
    if (!params_ok(params) || !pc_column_ok(keys, n)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_SCHEME, params->scheme, backend, n, &ops, NULL);
    if (result != PC_OK) return result;
    pc_key_source source = {keys, NULL, NULL};
    return verify(ops, params, &source, signatures, messages, n, scratch, scratch_len, verdicts);
}

int pc_verify_keyset(const pc_keyset *set, const pc_verify_params *params, const uint32_t *key_indices,
                     const pc_column *signatures, const pc_column *messages, size_t n, void *scratch, size_t scratch_len,
                     uint8_t *verdicts) {
    const pc_backend *ops;
    if (!params_ok(params) || !set || ((uintptr_t)set & 63) || set->magic != PC_KEYSET_MAGIC) return PC_ERR_ARGUMENT;
    if (set->scheme != params->scheme || set->backend < 0 || n > PC_MAX_ITEMS || (n && !key_indices)) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        if (key_indices[i] >= set->n_keys) return PC_ERR_ARGUMENT;
    }
    int result = pc_resolve(PC_KIND_SCHEME, params->scheme, set->backend, n, &ops, NULL);
    if (result != PC_OK) return result;
    pc_key_source source = {NULL, set, key_indices};
    return verify(ops, params, &source, signatures, messages, n, scratch, scratch_len, verdicts);
}

size_t pc_recover_scratch_size(int backend) { return pc_scratch_wanted(PC_KIND_RECOVER, 0, backend); }

int pc_recover_batch(int backend, int rules, const pc_column *signatures, const pc_column *digests, size_t n, void *scratch,
                     size_t scratch_len, uint8_t *keys, uint8_t *verdicts) {
    static const pc_verify_params prehashed = {.scheme = PC_SCHEME_ECDSA_SECP256K1, .message = PC_MESSAGE_PREHASHED};
    const pc_backend *ops;
    if (rules & ~PC_RULE_LOW_S) return PC_ERR_ARGUMENT;
    if (!pc_column_ok(signatures, n) || !messages_ok(&prehashed, digests, n)) return PC_ERR_ARGUMENT;
    if (n && (!keys || !verdicts)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_RECOVER, 0, backend, n, &ops, NULL);
    if (result != PC_OK || n == 0) return result;
    if (!scratch_ok(scratch, scratch_len, ops->recover_scratch)) return PC_ERR_SCRATCH;
    ops->recover(rules, signatures, digests, n, scratch, keys, verdicts);
    return PC_OK;
}

/* ---- test data -------------------------------------------------------------------------------------------------------- */

static int secrets_ok(const pc_column *secrets, size_t n) {
    return pc_column_ok(secrets, n) && (n == 0 || (!secrets->offsets && secrets->width == 32));
}

int pc_testing_public_keys(int scheme, const pc_column *secrets, size_t n, uint8_t *public_keys) {
    const pc_backend *ops;
    if (!pc_scheme_at(scheme) || !secrets_ok(secrets, n) || (n && !public_keys)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_TEST_DATA, scheme, PC_AUTO, n, &ops, NULL);
    if (result == PC_OK && n) ops->scheme[scheme].public_keys(secrets, n, public_keys);
    return result;
}

int pc_testing_sign(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t n,
                    uint8_t *signatures) {
    const pc_backend *ops;
    if (!params_ok(params) || !secrets_ok(secrets, n) || !messages_ok(params, messages, n)) return PC_ERR_ARGUMENT;
    if (n && !signatures) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_TEST_DATA, params->scheme, PC_AUTO, n, &ops, NULL);
    if (result == PC_OK && n) ops->scheme[params->scheme].sign(params, secrets, messages, n, signatures);
    return result;
}

/* ---- probes ------------------------------------------------------------------------------------------------------------ */

int pc_field_probe(int backend, int field, int op, const uint8_t *a, const uint8_t *b, size_t n, size_t repeat, uint8_t *r) {
    const pc_backend *ops;
    if (!pc_field_at(field) || op < 0 || op > 8 || n > PC_MAX_ITEMS || (n && (!a || !b || !r))) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_FIELD, 0, backend, n, &ops, NULL);
    return result == PC_OK && n ? ops->field_probe(field, op, a, b, n, repeat, r) : result;
}
