/* test_dispatch.c - the dispatcher with a list of backends made for it: detection, self-test, falling back, forcing one.
 *
 * dispatch.c is included, not linked, with other lists. The faulty backends are the portable kernels with one fault. */
#define PC_BACKENDS_DEF       "../tests/dispatch_backends.def"
#define PC_PREFERENCES_DEF    "../tests/dispatch_preferences.def"
#define PC_THIS_CPU           PC_CPU_MODEL_ZEN3
#define PC_HAVE_missing_cpu   1
#define PC_HAVE_broken_hash   1
#define PC_HAVE_broken_merkle 1
#define PC_HAVE_accepts_all   1
#define PC_HAVE_broken_lane   1
#define PC_HAVE_hash_only     1
#define PC_HAVE_large         1
#define PC_HAVE_portable      1
#include "../core/dispatch.c"
#include "check_test.h"

#include <sys/wait.h>
#include <unistd.h>

/* What preferences say, read and changed by name. */
static int value_of(const char *name, const char *algorithm, pc_choice *choice) {
    for (int i = 0; pc_choice_at(i, choice) == PC_OK; i++)
        if (strcmp(choice->name, name) == 0 && strcmp(choice->algorithm, algorithm) == 0) return (int)choice->value;
    return -1;
}
static void test_changed_choice(void) {
    pc_choice choice;
    EXPECT_INT(value_of("from portable", "sha256", &choice), 100);
    EXPECT(strcmp(choice.source, "measured on such a CPU") == 0 && choice.usual == 100);
    EXPECT_INT(value_of("from portable", "sha512", &choice), 3);
    EXPECT_INT(value_of("from absent", "sha256", &choice), -1);
    EXPECT_INT(pc_choice_set("from portable", "sha256", 7), PC_OK);
    EXPECT_INT(value_of("from portable", "sha256", &choice), 7);
    EXPECT_INT((int)choice.usual, 100);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 6), PC_WHY_ORDER);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 7), PC_WHY_SET);
    EXPECT_INT(pc_choice_set("from portable", "sha256", PC_NEVER), PC_OK);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 1 << 20), PC_WHY_ORDER);
    EXPECT_INT(pc_choice_set("from portable", "sha256", -1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_set("from portable", "sha256", (int64_t)PC_NEVER + 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_set("from portable", "none", 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_set("from absent", "sha256", 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_set("streams", "sm3", 3), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_set("streams", "sm3", 1), PC_OK);
    EXPECT_INT(value_of("streams", "sm3", &choice), 1);
    EXPECT_INT(pc_choice_set(NULL, "sm3", 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_choice_at(-1, &choice), PC_ERR_ARGUMENT);
}

/* ---- backends with one fault ------------------------------------------------------------------------------------------ */

static void good_hash(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests) {
    pc_backend_portable.hash[PC_HASH_SHA256].many(prefix, prefix_len, messages, n, digests);
}
static void good_merkle(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                        uint8_t *out) {
    pc_backend_portable.hash[PC_HASH_SHA256].merkle_level(odd, prefix, prefix_len, children, count, out);
}
static void bad_hash(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests) {
    good_hash(prefix, prefix_len, messages, n, digests);
    if (n > 1) digests[32 * n - 1] ^= 1;
}
static void bad_merkle(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                       uint8_t *out) {
    good_merkle(odd, prefix, prefix_len, children, count, out);
    if (odd == PC_ODD_DUPLICATE) out[(count + 1) / 2 * 32 - 1] ^= 0x80;
}
static void accept(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                   const pc_column *messages, size_t n, void *scratch, uint8_t *verdicts) {
    (void)params, (void)keys, (void)signatures, (void)messages, (void)scratch;
    memset(verdicts, PC_VALID, n);
}
static void lane_3(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                   const pc_column *messages, size_t n, void *scratch, uint8_t *verdicts) {
    pc_verify_fn *good = pc_backend_portable.scheme[PC_SCHEME_ECDSA_P256].verify;
    if (good) good(params, keys, signatures, messages, n, scratch, verdicts);
    for (size_t i = 3; i < n; i += 8) {
        if (verdicts[i] == PC_VALID) verdicts[i] = PC_BAD_SIGNATURE;
    }
}
static void sm2_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                       const pc_column *messages, size_t n, void *scratch, uint8_t *verdicts) {
    pc_backend_portable.scheme[PC_SCHEME_SM2].verify(params, keys, signatures, messages, n, scratch, verdicts);
}
static void sm2_keyset(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots, void *const *tables,
                       uint8_t *verdicts) {
    pc_backend_portable.scheme[PC_SCHEME_SM2].keyset_put(keys, n, set, slots, tables, verdicts);
}
static void recover(int rules, const pc_column *signatures, const pc_column *digests, size_t count, void *scratch,
                    uint8_t *keys, uint8_t *verdicts) {
    pc_backend_portable.recover(rules, signatures, digests, count, scratch, keys, verdicts);
}
enum { SCRATCH = 1 << 24 };

const pc_backend pc_backend_missing_cpu = {.name = "missing_cpu", .lanes = 1};
const pc_backend pc_backend_broken_hash = {
    .name = "broken_hash", .lanes = 8, .hash[PC_HASH_SHA256] = {.many = bad_hash, .merkle_level = good_merkle}};
const pc_backend pc_backend_broken_merkle = {
    .name = "broken_merkle", .lanes = 8, .hash[PC_HASH_SHA256] = {.many = good_hash, .merkle_level = bad_merkle}};
const pc_backend pc_backend_accepts_all = {
    .name = "accepts_all", .lanes = 4, .scheme[PC_SCHEME_ED25519] = {.verify = accept}};
const pc_backend pc_backend_broken_lane = {
    .name = "broken_lane", .lanes = 8, .scheme[PC_SCHEME_ECDSA_P256] = {.verify = lane_3, .verify_scratch = SCRATCH}};
const pc_backend pc_backend_hash_only = {
    .name = "hash_only", .lanes = 2, .hash[PC_HASH_SHA256] = {.many = good_hash, .merkle_level = good_merkle}};
const pc_backend pc_backend_large = {
    .name = "large",
    .lanes = 1,
    .recover = recover,
    .recover_scratch = SCRATCH,
    .scheme[PC_SCHEME_SM2] = {.verify = sm2_verify, .verify_scratch = SCRATCH, .keyset_put = sm2_keyset}};

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static int position(const char *name) {
    pc_backend_row row;
    for (int i = 0; pc_backend_at(i, &row) == PC_OK; i++) {
        if (strcmp(row.name, name) == 0) return i;
    }
    return -1;
}

static void expect_row(const char *name, int compiled, int usable, const char *reason) {
    pc_backend_row row = {0};
    if (!EXPECT_INT(pc_backend_at(position(name), &row), PC_OK)) return;
    EXPECT_INT(row.compiled, compiled);
    EXPECT_INT(row.usable, usable);
    EXPECT(compiled ? row.lanes > 0 : row.lanes == 0);
    if (!EXPECT(reason ? strstr(row.reason, reason) != NULL : row.reason[0] == 0))
        fprintf(stderr, "  %s: %s\n", name, row.reason);
}

static int hash_abc(int backend) {
    static const uint8_t abc[3] = {'a', 'b', 'c'};
    uint8_t digest[32];
    pc_column column = {abc, NULL, 3, 3};
    int result = pc_hash_batch(backend, PC_HASH_SHA256, NULL, 0, &column, 1, digest);
    return result == PC_OK ? digest[0] : result;
}

static void test_rows(void) {
    EXPECT_INT(pc_init(), PC_OK);
    EXPECT(pc_forced_backend() == NULL);
    expect_row("elsewhere", 0, 0, "for vax only");
    expect_row("absent", 0, 0, "not compiled");
    expect_row("missing_cpu", 1, 0, "CPU");
    expect_row("broken_hash", 1, 0, "self-test failed: sha256");
    expect_row("broken_merkle", 1, 0, "self-test failed: sha256");
    expect_row("accepts_all", 1, 0, "self-test failed: ed25519");
    EXPECT(pc_backend_portable.scheme[PC_SCHEME_ECDSA_P256].verify_scratch <= SCRATCH);
    expect_row("broken_lane", 1, 0, "self-test failed: ecdsa-p256");
    expect_row("hash_only", 1, 1, NULL);
    expect_row("portable", 1, 1, NULL);
}

static void test_choice(void) {
    int portable = position("portable"), hash_only = position("hash_only");
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), hash_only);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA512, 1), portable);
    EXPECT_INT(pc_backend_pick(1, PC_SCHEME_ED25519, 1000),
               pc_backend_portable.scheme[PC_SCHEME_ED25519].verify ? portable : PC_ERR_BACKEND);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 99), hash_only);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 100), portable);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 99), PC_WHY_ORDER);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 100), PC_WHY_MEASURED);
    if (pc_backend_portable.scheme[PC_SCHEME_SM2].verify) EXPECT_INT(pc_backend_why(1, PC_SCHEME_SM2, 7), PC_WHY_RULE);
    EXPECT_INT(pc_backend_why(0, 99, 1), PC_ERR_ARGUMENT);
    const pc_backend *found;
    int at = -1;
    EXPECT_INT(pc_resolve(PC_KIND_MERKLE, PC_HASH_SHA256, PC_AUTO, 99, &found, &at), PC_OK);
    EXPECT_INT(at, hash_only);
    EXPECT_INT(pc_resolve(PC_KIND_MERKLE, PC_HASH_SHA256, PC_AUTO, 100, &found, &at), PC_OK);
    EXPECT_INT(at, portable);
    if (pc_backend_portable.scheme[PC_SCHEME_SM2].verify) {
        EXPECT_INT(pc_backend_pick(1, PC_SCHEME_SM2, 6), position("large"));
        EXPECT_INT(pc_backend_pick(1, PC_SCHEME_SM2, 7), portable);
    }
    if (pc_backend_portable.recover) { /* keys are recovered by the rows of ECDSA over the same curve */
        EXPECT_INT(pc_resolve(PC_KIND_RECOVER, 0, PC_AUTO, 3, &found, &at), PC_OK);
        EXPECT_INT(at, position("large"));
        EXPECT_INT(pc_resolve(PC_KIND_RECOVER, 0, PC_AUTO, 4, &found, &at), PC_OK);
        EXPECT_INT(at, portable);
    }
    EXPECT_INT(pc_backend_pick(2, 0, 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_backend_pick(0, 99, 1), PC_ERR_ARGUMENT);
    EXPECT_INT(hash_abc(PC_AUTO), 0xba);
    EXPECT_INT(hash_abc(hash_only), 0xba);
    EXPECT_INT(hash_abc(portable), 0xba);
    EXPECT_INT(hash_abc(position("broken_hash")), PC_ERR_BACKEND);
    EXPECT_INT(hash_abc(position("missing_cpu")), PC_ERR_BACKEND);
    EXPECT_INT(hash_abc(position("absent")), PC_ERR_BACKEND);
    EXPECT_INT(hash_abc(BACKENDS), PC_ERR_ARGUMENT);
    EXPECT_INT(hash_abc(-2), PC_ERR_ARGUMENT);
}

/* With PC_AUTO any usable backend may be taken, so the scratch must do for all of them, and for no other. */
static void test_scratch(void) {
    pc_verify_params params = {.scheme = PC_SCHEME_SM2};
    size_t least = pc_backend_portable.scheme[PC_SCHEME_SM2].verify_scratch;
    EXPECT_INT(pc_verify_scratch_size(PC_AUTO, &params), SCRATCH);
    EXPECT_INT(pc_verify_scratch_size(position("large"), &params), SCRATCH);
    EXPECT_INT(pc_verify_scratch_size(position("portable"), &params), least);
    EXPECT_INT(pc_verify_scratch_size(position("hash_only"), &params), 0);
    params.scheme = PC_SCHEME_ECDSA_P256; /* broken_lane wants SCRATCH, but never runs */
    EXPECT_INT(pc_verify_scratch_size(PC_AUTO, &params), pc_backend_portable.scheme[PC_SCHEME_ECDSA_P256].verify_scratch);
    EXPECT(pc_backend_portable.recover_scratch <= SCRATCH);
    EXPECT_INT(pc_recover_scratch_size(PC_AUTO), SCRATCH);
    EXPECT_INT(pc_recover_scratch_size(position("portable")), pc_backend_portable.recover_scratch);
}

/* PYCORE_BACKEND is read once, so each value needs a separate process. */
static void in_child(const char *value, void (*test)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (value) setenv("PYCORE_BACKEND", value, 1);
        if (!value) unsetenv("PYCORE_BACKEND");
        test();
        fflush(NULL);
        _exit(test_failures ? 1 : 0);
    }
    int status = -1;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    if (!EXPECT_INT(status, 0)) fprintf(stderr, "  with PYCORE_BACKEND=%s\n", value ? value : "(unset)");
}

static void forced_portable(void) {
    EXPECT_INT(pc_init(), PC_OK);
    EXPECT(strcmp(pc_forced_backend(), "portable") == 0);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), position("portable"));
    setenv("PYCORE_BACKEND", "hash_only", 1); /* too late */
    EXPECT(strcmp(pc_forced_backend(), "portable") == 0);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), position("portable"));
    EXPECT_INT(hash_abc(position("hash_only")), 0xba); /* an explicit choice still counts */
}
static void forced_hash_only(void) {
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), position("hash_only"));
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SM3, 1), position("portable"));
    EXPECT_INT(pc_backend_why(0, PC_HASH_SHA256, 1), PC_WHY_FORCED);
    EXPECT_INT(pc_backend_why(0, PC_HASH_SM3, 1), PC_WHY_ORDER);
}
static void forced_in_vain(void) {
    EXPECT_INT(pc_init(), PC_ERR_BACKEND);
    EXPECT(pc_forced_backend() != NULL);
    EXPECT_INT(hash_abc(PC_AUTO), PC_ERR_BACKEND);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), PC_ERR_BACKEND);
    expect_row("portable", 1, 1, NULL); /* still says what would work */
}
static void not_forced(void) {
    EXPECT_INT(pc_init(), PC_OK);
    EXPECT(pc_forced_backend() == NULL);
    EXPECT_INT(pc_backend_pick(0, PC_HASH_SHA256, 1), position("hash_only"));
}

/* Many first calls at once: one initialisation, one answer. */
static void *first_call(void *result) {
    *(int *)result = hash_abc(PC_AUTO);
    return NULL;
}
static void together(void) {
    pthread_t threads[16];
    int results[16] = {0};
    for (int i = 0; i < 16; i++) EXPECT_INT(pthread_create(&threads[i], NULL, first_call, &results[i]), 0);
    for (int i = 0; i < 16; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_INT(results[i], 0xba);
    }
}

int main(void) {
    in_child(NULL, test_rows);
    in_child(NULL, test_choice);
    in_child(NULL, test_changed_choice);
    in_child(NULL, test_scratch);
    in_child(NULL, together);
    in_child("portable", forced_portable);
    in_child("hash_only", forced_hash_only);
    in_child("", not_forced);
    in_child("auto", not_forced);
    in_child(pc_device_name(), not_forced);
    in_child("no-such-backend", forced_in_vain);
    in_child("a name that is much longer than any backend's name can be", forced_in_vain);
    in_child("broken_hash", forced_in_vain);
    in_child("missing_cpu", forced_in_vain);
    in_child("absent", forced_in_vain);
    return test_report("test_dispatch");
}
