/* test_mxcsr.c - the SSE control register is the caller's: after every call, good or refused, the rounding mode, the exception masks
 * and the flags are what they were, and the answers do not depend on them. Kernels that use doubles change the register inside. */
#include "../backend/backend.h"
#include "check_test.h"

#if defined(__x86_64__)
#    include <xmmintrin.h>

enum { N = 19, USUAL = 0x1f80, TABLES = THOROUGH ? 4 : 2 };
static const unsigned modes[] = {
    0x7fff,         /* toward zero, every flag raised, denormals are zero (first: tables are built under it) */
    0x5f80,         /* up */
    0x3f80,         /* down */
    USUAL,          /* to nearest */
    0x9fc0,         /* flush to zero, denormals are zero */
    0x0000,         /* every exception traps */
    0x4015, 0xbf80, /* mixtures */
};

/* Runs `call` in the mode and expects to find the mode unchanged. */
#    define KEEPS(call)                                                                                                     \
        do {                                                                                                                \
            _mm_setcsr(mode);                                                                                               \
            call;                                                                                                           \
            const unsigned after_ = _mm_getcsr();                                                                           \
            _mm_setcsr(USUAL);                                                                                              \
            if (!EXPECT(after_ == mode)) fprintf(stderr, "  %s: %#x instead of %#x\n", #call, after_, mode);                \
        } while (0)

static uint8_t keys[N * 65], signatures[N * 64], messages[N * 40], secrets[N * 32], verdicts[N], recovered[N * 64];
static uint8_t *scratch;
static size_t scratch_len;

static void expect_verdicts(const char *what) {
    for (int i = 0; i < N; i++)
        if (!EXPECT_INT(verdicts[i], i == 3 ? PC_BAD_SIGNATURE : PC_VALID)) fprintf(stderr, "  %s, item %d\n", what, i);
}

static void test_scheme(int backend, int scheme, unsigned mode) {
    pc_verify_params params = {.scheme = scheme, .rules = scheme == PC_SCHEME_ED25519 ? PC_RULE_COFACTORED : 0};
    const size_t key_len = scheme == PC_SCHEME_ED25519 || scheme == PC_SCHEME_SCHNORR_SECP256K1 ? 32 : 65;
    const pc_column secret = {secrets, NULL, 32, 32}, texts = {messages, NULL, 40, 40},
                    key = {keys, NULL, key_len, (ptrdiff_t)key_len};
    const pc_column signature = {signatures, NULL, 64, 64};
    uint32_t indices[N];
    int result;
    KEEPS(result = pc_testing_public_keys(scheme, &secret, N, keys));
    EXPECT_INT(result, PC_OK);
    KEEPS(result = pc_testing_sign(&params, &secret, &texts, N, signatures));
    EXPECT_INT(result, PC_OK);
    signatures[64 * 3 + 40] ^= 1;
    KEEPS(scratch_len = pc_verify_scratch_size(backend, &params));
    KEEPS(result = pc_verify_batch(backend, &params, &key, &signature, &texts, N, scratch, scratch_len, verdicts));
    EXPECT_INT(result, PC_OK);
    expect_verdicts("batch");
    for (int window = 0; window <= TABLES; window += TABLES) {
        size_t size;
        KEEPS(size = pc_keyset_size(backend, scheme, N, window));
        pc_keyset *set = aligned_alloc(64, (size + 63) / 64 * 64);
        if (!EXPECT(set != NULL)) return;
        KEEPS(result = pc_keyset_build(backend, scheme, &key, N, window, set, verdicts));
        EXPECT_INT(result, PC_OK);
        for (uint32_t i = 0; i < N; i++) indices[i] = i;
        KEEPS(result = pc_verify_keyset(set, &params, indices, &signature, &texts, N, scratch, scratch_len, verdicts));
        EXPECT_INT(result, PC_OK);
        expect_verdicts("key set");
        indices[0] = N; /* refused */
        KEEPS(result = pc_verify_keyset(set, &params, indices, &signature, &texts, N, scratch, scratch_len, verdicts));
        EXPECT_INT(result, PC_ERR_ARGUMENT);
        free(set);
    }
    KEEPS(result = pc_verify_batch(backend, &params, &key, &signature, &texts, N, scratch, 0, verdicts));
    EXPECT_INT(result, PC_ERR_SCRATCH);
    KEEPS(result = pc_verify_batch(backend, &params, &key, &signature, NULL, N, scratch, scratch_len, verdicts));
    EXPECT_INT(result, PC_ERR_ARGUMENT);
    params.scheme = 99;
    KEEPS(result = pc_verify_batch(backend, &params, &key, &signature, &texts, N, scratch, scratch_len, verdicts));
    EXPECT_INT(result, PC_ERR_ARGUMENT);
}

/* Recovery of the last scheme's keys is not needed for this: any numbers walk through the whole kernel. */
static void test_recovery(int backend, unsigned mode) {
    uint8_t rows[N * 65];
    int result;
    test_fill(rows, sizeof rows);
    for (int i = 0; i < N; i++) rows[65 * i] = 1, rows[65 * i + 64] = (uint8_t)(i % 2);
    const pc_column row = {rows, NULL, 65, 65}, digest = {messages, NULL, 32, 40};
    size_t size;
    KEEPS(size = pc_recover_scratch_size(backend));
    KEEPS(result = pc_recover_batch(backend, 0, &row, &digest, N, scratch, size, recovered, verdicts));
    EXPECT_INT(result, PC_OK);
    KEEPS(result = pc_recover_batch(backend, 0, &row, &digest, N, scratch, 1, recovered, verdicts));
    EXPECT_INT(result, PC_ERR_SCRATCH);
}

static void test_rest(int backend, unsigned mode) {
    static uint8_t digests[N * 64], numbers[32 * N];
    const pc_column texts = {messages, NULL, 40, 40};
    int result;
    for (int hash = 0; pc_hash_at(hash); hash++) {
        KEEPS(result = pc_hash_batch(backend, pc_hash_at(hash)->id, NULL, 0, &texts, N, digests));
        EXPECT(result == PC_OK || result == PC_ERR_BACKEND);
        KEEPS(result = pc_merkle_level(backend, pc_hash_at(hash)->id, PC_ODD_PROMOTE, NULL, 0, digests, N, digests));
        EXPECT(result == PC_OK || result == PC_ERR_BACKEND);
    }
    for (int field = 0; pc_field_at(field); field++)
        for (int op = 0; op < 10; op++) KEEPS(result = pc_field_probe(backend, field, op, messages, numbers, N, 1, numbers));
}

int main(void) {
    unsigned mode = modes[0];
    int result;
    KEEPS(result = pc_init()); /* the self-tests of all backends */
    EXPECT_INT(result, PC_OK);
    test_fill(secrets, sizeof secrets);
    test_fill(messages, sizeof messages);
    pc_backend_row row;
    for (int backend = 0; pc_backend_at(backend, &row) == PC_OK; backend++) {
        if (!row.usable) {
            printf("mxcsr: %s is absent: %s\n", row.name, row.reason);
            continue;
        }
        size_t most = pc_recover_scratch_size(backend);
        for (int s = 0; pc_scheme_at(s); s++) {
            const pc_verify_params params = {.scheme = pc_scheme_at(s)->id};
            const size_t size = pc_verify_scratch_size(backend, &params);
            if (size > most) most = size;
        }
        scratch = aligned_alloc(64, (most + 127) / 64 * 64);
        for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
            mode = modes[m];
            test_rest(backend, mode);
            if (!most) continue; /* hashes only */
            for (int s = 0; pc_scheme_at(s); s++) test_scheme(backend, pc_scheme_at(s)->id, mode);
            test_recovery(backend, mode);
        }
        free(scratch);
        printf("mxcsr: %s\n", row.name);
    }
    return test_report("mxcsr");
}

#else
int main(void) {
    printf("mxcsr: no such register on this machine\n");
    return 0;
}
#endif
