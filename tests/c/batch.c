/* batch.c - a C program that uses the library through pycore.h alone. It hashes a message with every hash, builds a Merkle root, and
 * for each scheme signs eight messages, tampers with one and prints the verdicts of the batch. Exits 0 when every verdict is right.
 *
 *     make -C csrc && cc -Icsrc tests/c/batch.c build/c/libpycore.a -lpthread -o batch && ./batch */
#include <pycore.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 8, TAMPERED = 5 };

static void print_hex(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) printf("%02x", bytes[i]);
}

static const char *verdict_name(int code) {
    for (int i = 0; pc_status_at(i); i++) {
        if (pc_status_at(i)->code == code) return pc_status_at(i)->name;
    }
    return "?";
}

/* Rows of one width, one after the other. */
static pc_column rows(const uint8_t *data, size_t width) {
    pc_column column;
    column.data = data;
    column.offsets = NULL;
    column.width = width;
    column.stride = (ptrdiff_t)width;
    return column;
}

static int show_backends(void) {
    pc_backend_row row;
    if (pc_init() != PC_OK) {
        fprintf(stderr, "no backend can be used (PYCORE_BACKEND=%s)\n", pc_forced_backend() ? pc_forced_backend() : "");
        return 0;
    }
    printf("pycore %s\n", pc_version());
    for (int i = 0; pc_backend_at(i, &row) == PC_OK; i++) {
        printf("backend %s: %s%s\n", row.name, row.usable ? "usable" : "not usable: ", row.reason);
    }
    return 1;
}

static int show_hashes(void) {
    const pc_hash_row *hash;
    pc_column message = rows((const uint8_t *)"abc", 3);
    uint8_t digest[64];
    for (int i = 0; (hash = pc_hash_at(i)) != NULL; i++) {
        if (pc_hash_batch(PC_AUTO, hash->id, NULL, 0, &message, 1, digest) != PC_OK) return 0;
        printf("%s ", hash->name);
        print_hex(digest, hash->digest_size);
        printf("\n");
    }
    return 1;
}

/* The root over six leaf digests: levels in place until one is left. */
static int show_merkle_root(void) {
    uint8_t nodes[6 * 32];
    size_t count = 6;
    memset(nodes, 7, sizeof nodes);
    for (; count > 1; count = (count + 1) / 2) {
        if (pc_merkle_level(PC_AUTO, 0, PC_ODD_DUPLICATE, NULL, 0, nodes, count, nodes) != PC_OK) return 0;
    }
    printf("merkle-root ");
    print_hex(nodes, 32);
    printf("\n");
    return 1;
}

static int default_rules(int scheme) {
    for (int i = 0; pc_rules_at(i); i++) {
        if (pc_rules_at(i)->scheme == scheme) return pc_rules_at(i)->flags;
    }
    return 0;
}

static size_t largest(const size_t *sizes) {
    while (sizes[1]) sizes++;
    return sizes[0];
}

static int show_scheme(const pc_scheme_row *scheme) {
    uint8_t secrets[N * 32] = {0}, keys[N * 65] = {0}, signatures[N * 64] = {0}, messages[N * 16] = {0}, verdicts[N] = {0};
    pc_column secret_rows = rows(secrets, 32), key_rows = rows(keys, largest(scheme->key_sizes)),
              signature_rows = rows(signatures, 64);
    pc_column message_rows = rows(messages, 16);
    pc_verify_params params;
    memset(&params, 0, sizeof params);
    params.scheme = scheme->id;
    params.rules = default_rules(scheme->id);
    params.user_id = (const uint8_t *)scheme->default_user_id; /* SM2 alone has one */
    params.user_id_len = scheme->default_user_id ? strlen(scheme->default_user_id) : 0;
    for (size_t i = 0; i < sizeof secrets; i++) secrets[i] = (uint8_t)(i * 37 + 11);
    for (size_t i = 0; i < sizeof messages; i++) messages[i] = (uint8_t)i;

    size_t scratch_len = pc_verify_scratch_size(PC_AUTO, &params);
    void *scratch = aligned_alloc(64, (scratch_len + 63) / 64 * 64);
    int good = scratch != NULL && pc_testing_public_keys(scheme->id, &secret_rows, N, keys) == PC_OK &&
               pc_testing_sign(&params, &secret_rows, &message_rows, N, signatures) == PC_OK;
    messages[16 * TAMPERED] ^= 1;
    good = good && pc_verify_batch(PC_AUTO, &params, &key_rows, &signature_rows, &message_rows, N, scratch, scratch_len,
                                   verdicts) == PC_OK;
    free(scratch);
    if (!good) return 0;
    printf("%s", scheme->name);
    for (int i = 0; i < N; i++) {
        printf(" %s", verdict_name(verdicts[i]));
        if ((verdicts[i] == 1) != (i != TAMPERED)) good = 0;
    }
    printf("\n");
    return good;
}

int main(void) {
    int good = show_backends() && show_hashes() && show_merkle_root();
    for (int i = 0; good && pc_scheme_at(i); i++) good = show_scheme(pc_scheme_at(i));
    if (!good) fprintf(stderr, "FAILED\n");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
