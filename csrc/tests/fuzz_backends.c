/* fuzz_backends.c - a batch of signatures, valid ones and all that can be made of them, gets the same verdicts from every backend, from
 * a column and from a key set with and without tables, as its items get one by one from the portable backend.
 *
 * The input chooses: scheme, rule set, size (up to four vectors of eight, and one more), and per item a key, a signature and a message
 * from small pools - honest ones, small and odd points, scalars at the edges - and a byte to change. */
#include "../backend/backend.h"
#include "largest_key.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { MOST = 33, POOL = 12, MESSAGE = 32, BACKENDS_MOST = 16 };

/* Secrets whose keys meet table entries: 1, 2, -1, -2, lambda of secp256k1, and others. */
static const char *const secret_hex[POOL] = {"01",
                                             "02",
                                             "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
                                             "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
                                             "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122",
                                             "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72",
                                             "03",
                                             "10",
                                             "80",
                                             "1234567890abcdef",
                                             "cafe",
                                             "beef"};
/* Ed25519: y of the points of small order and their other encodings; elsewhere just odd bytes. */
static const char *const odd_hex[] = {"0100000000000000000000000000000000000000000000000000000000000000",
                                      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                      "0000000000000000000000000000000000000000000000000000000000000000",
                                      "0000000000000000000000000000000000000000000000000000000000000080",
                                      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                                      "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"};
enum { ODD = sizeof odd_hex / sizeof odd_hex[0] };

typedef struct pool {
    uint8_t keys[POOL][65], signatures[POOL][64], messages[POOL][MESSAGE];
    size_t key_len;
} pool;
static pool *pools; /* by position of the scheme */
static uint8_t odd[ODD][32], *scratch;
static size_t scratch_len;
static int portable, usable[BACKENDS_MOST], backends;

static void from_hex(uint8_t *out, size_t len, const char *hex) { /* right-aligned */
    size_t digits = strlen(hex);
    memset(out, 0, len);
    for (size_t i = 0; i < digits; i++) {
        const char c = hex[digits - 1 - i];
        const uint8_t value = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        out[len - 1 - i / 2] |= (uint8_t)(value << (i % 2 ? 4 : 0));
    }
}

static void start(void) {
    pc_backend_row row;
    size_t schemes = 0;
    REQUIRE(pc_init() == PC_OK);
    for (int i = 0; pc_backend_at(i, &row) == PC_OK; i++) {
        const pc_verify_params params = {.scheme = PC_SCHEME_SM2};
        if (!row.usable || !pc_verify_scratch_size(i, &params)) continue; /* no signatures there */
        usable[backends++] = portable = i;
        fprintf(stderr, "fuzz_backends: %s\n", row.name);
    }
    while (pc_scheme_at((int)schemes)) schemes++;
    REQUIRE((pools = calloc(schemes, sizeof *pools)) != NULL);
    for (int i = 0; i < ODD; i++) from_hex(odd[i], 32, odd_hex[i]);
    for (size_t s = 0; s < schemes; s++) {
        pool *p = &pools[s];
        uint8_t secrets[POOL][32], flat[POOL * 65];
        pc_verify_params params = {.scheme = pc_scheme_at((int)s)->id};
        if (pc_scheme_at((int)s)->flags & PC_SCHEME_PREHASHED) params.message = PC_MESSAGE_PREHASHED;
        for (int i = 0; i < POOL; i++) {
            from_hex(secrets[i], 32, secret_hex[i]);
            memset(p->messages[i], i % 3 ? i : 0, MESSAGE); /* the digest 0 is among them */
        }
        const pc_column secret = {secrets[0], NULL, 32, 32}, message = {p->messages[0], NULL, MESSAGE, MESSAGE};
        p->key_len = largest_key((int)s);
        REQUIRE(pc_testing_public_keys(params.scheme, &secret, POOL, flat) == PC_OK);
        for (size_t i = 0; i < POOL; i++) memcpy(p->keys[i], flat + i * p->key_len, p->key_len);
        REQUIRE(pc_testing_sign(&params, &secret, &message, POOL, p->signatures[0]) == PC_OK);
        for (int i = 0; i < backends; i++) {
            const size_t wanted = pc_verify_scratch_size(usable[i], &params);
            if (wanted > scratch_len) scratch_len = wanted;
        }
    }
    scratch_len = (scratch_len + 63) / 64 * 64;
    REQUIRE((scratch = aligned_alloc(64, scratch_len)) != NULL);
}

typedef struct batch {
    uint8_t keys[MOST][65], signatures[MOST][64], messages[MOST][MESSAGE];
    size_t n, key_len;
    pc_verify_params params;
} batch;

/* Five bytes an item: key, signature, message, where to change a byte, and by what. */
static void item(batch *b, const pool *p, const uint8_t in[5]) {
    uint8_t *key = b->keys[b->n], *signature = b->signatures[b->n], *message = b->messages[b->n];
    const size_t own = in[0] % POOL, at = in[3] % 128;
    memcpy(key, p->keys[own], p->key_len);
    if (in[0] >= 0xc0) memcpy(key + p->key_len % 32, odd[in[0] % ODD], 32);
    memcpy(signature, p->signatures[in[1] < 0x80 ? own : in[1] % POOL], 64);
    if (in[1] >= 0xc0) memcpy(signature + (in[1] & 32), odd[in[1] % ODD], 32);
    if (in[1] >= 0xe0) memcpy(signature, odd[in[3] % ODD], 32);
    memcpy(message, p->messages[in[2] < 0xc0 ? own : in[2] % POOL], MESSAGE);
    if (at < 64)
        signature[at] ^= in[4];
    else if (at < 96)
        message[at - 64] ^= in[4];
    else
        key[at - 96] ^= in[4];
    b->n++;
}

static void check(const batch *b) {
    const pc_column keys = {b->keys[0], NULL, b->key_len, 65}, signatures = {b->signatures[0], NULL, 64, 64};
    const pc_column messages = {b->messages[0], NULL, MESSAGE, MESSAGE};
    uint8_t alone[MOST], got[MOST];
    uint32_t indices[MOST];
    for (size_t i = 0; i < b->n; i++) {
        const pc_column k = {b->keys[i], NULL, b->key_len, 65}, s = {b->signatures[i], NULL, 64, 64};
        const pc_column m = {b->messages[i], NULL, MESSAGE, MESSAGE};
        REQUIRE(pc_verify_batch(portable, &b->params, &k, &s, &m, 1, scratch, scratch_len, &alone[i]) == PC_OK);
        indices[i] = (uint32_t)i;
    }
    for (int j = 0; j < backends; j++) {
        const int backend = usable[j];
        memset(got, 0, sizeof got);
        REQUIRE(pc_verify_batch(backend, &b->params, &keys, &signatures, &messages, b->n, scratch, scratch_len, got) ==
                PC_OK);
        REQUIRE(memcmp(got, alone, b->n) == 0);
        for (int window = 0; window <= 4; window += 4) {
            const size_t size = pc_keyset_size(backend, b->params.scheme, b->n, window);
            pc_keyset *set = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
            if (!set) continue; /* no such table */
            REQUIRE(pc_keyset_build(backend, b->params.scheme, &keys, b->n, window, set, got) == PC_OK);
            REQUIRE(pc_verify_keyset(set, &b->params, indices, &signatures, &messages, b->n, scratch, scratch_len, got) ==
                    PC_OK);
            REQUIRE(memcmp(got, alone, b->n) == 0);
            free(set);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static batch b;
    int schemes = 0, rows = 0, of_scheme = 0;
    if (!pools) start();
    if (size < 8) return 0;
    while (pc_scheme_at(schemes)) schemes++;
    const int s = data[0] % schemes;
    memset(&b, 0, sizeof b);
    b.params.scheme = pc_scheme_at(s)->id;
    b.key_len = pools[s].key_len;
    if (pc_scheme_at(s)->flags & PC_SCHEME_PREHASHED) b.params.message = PC_MESSAGE_PREHASHED;
    for (rows = 0; pc_rules_at(rows); rows++) of_scheme += pc_rules_at(rows)->scheme == b.params.scheme;
    for (int row = 0, left = of_scheme ? data[1] % of_scheme : 0; row < rows; row++) {
        if (pc_rules_at(row)->scheme == b.params.scheme && left-- == 0) b.params.rules = pc_rules_at(row)->flags;
    }
    const size_t wanted = 1 + data[2] % MOST;
    for (size_t at = 3; b.n < wanted && at + 5 <= size; at += 5) item(&b, &pools[s], data + at);
    if (b.n) check(&b);
    return 0;
}
