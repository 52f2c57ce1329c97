/* level.c - one level of a Merkle tree. */
#include "trees.h"

int pc_merkle_level(int backend, int hash, int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children,
                    size_t count, uint8_t *parents) {
    const pc_backend *ops;
    if (!pc_hash_at(hash) || !pc_prefix_ok(prefix, prefix_len) || count < 2 || count > PC_MAX_ITEMS) return PC_ERR_ARGUMENT;
    if ((odd != PC_ODD_PROMOTE && odd != PC_ODD_DUPLICATE) || !children || !parents) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_MERKLE, hash, backend, count / 2, &ops, NULL);
    if (result == PC_OK) ops->hash[hash].merkle_level(odd, prefix, prefix_len, children, count, parents);
    return result;
}
