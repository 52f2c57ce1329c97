/* parts/messages.inc.h - the message side of a signature scheme: parts of columns, and hashes by their id.
 * Gives column_from, hash_32_many and digests_32. */
#ifndef PC_SCHEMES_MESSAGES_INC_H
#define PC_SCHEMES_MESSAGES_INC_H
#include "../../core/column.h"

/* The column from its row `first` on. */
PC_FN pc_column column_from(const pc_column *column, size_t first) {
    pc_column rest = *column;
    if (rest.offsets)
        rest.offsets += first;
    else if (rest.data)
        rest.data += (ptrdiff_t)first * rest.stride;
    return rest;
}

/* How many hashes of the registry have 32-byte digests: the dispatcher lets every one of them through. */
enum {
#define PC_HASH(id, ID, name, size, ...) +((size) == 32)
    HASHES_32 = 0
#include "../../registry.def"
#undef PC_HASH
};
_Static_assert(HASHES_32 == 7,
               "a hash with 32-byte digests needs its case in hash_32_many; without one it would be SHA-256");

/* The hash with this id and 32-byte digests. The dispatcher has checked that there is one. */
PC_FN pc_hash_fn *hash_32_many(int id) {
    switch (id) {
    case PC_HASH_SHA256D:
        return sha256d_many;
    case PC_HASH_SHA3_256:
        return sha3_256_many;
    case PC_HASH_KECCAK256:
        return keccak256_many;
    case PC_HASH_SM3:
        return sm3_many;
    case PC_HASH_BLAKE2B_256:
        return blake2b_256_many;
    case PC_HASH_BLAKE3:
        return blake3_many;
    default:
        PC_CHECK(id == PC_HASH_SHA256);
        return sha256_many;
    }
}

/* The 32-byte digests of messages first .. first + n - 1: hashed, or as they are when the caller has hashed them. */
PC_FN void digests_32(uint8_t *digests, const pc_verify_params *params, const pc_column *messages, size_t first, size_t n) {
    const pc_column rows = column_from(messages, first);
    if (params->message == PC_MESSAGE_HASH) {
        hash_32_many(params->hash)(NULL, 0, &rows, n, digests);
        return;
    }
    for (size_t j = 0; j < n; j++) {
        size_t len;
        memcpy(digests + 32 * j, pc_column_row(&rows, j, &len), 32);
    }
}
#endif
