/* multiproof.c - hashing by a plan, from some known nodes of a tree up to its root. */
#include "trees.h"

/* Pairs hashed together: full vectors on every instruction set, nodes that stay in the first-level cache. */
enum { BLOCK = 128 };

/* Lays out the pairs of parents `first` .. `first + count - 1`, whose children stand in slots below
 * `ready`. Returns PC_OK. */
static int pair_up(const pc_merkle_plan *plan, const uint8_t *slots, size_t size, size_t ready, size_t first, size_t count,
                   uint8_t *pairs, int *equal) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t left = (uint64_t)plan->left[first + i], right = (uint64_t)plan->right[first + i];
        if (left >= ready || right >= ready) return PC_ERR_ARGUMENT; /* negative ones are large */
        const uint8_t *a = slots + left * size, *b = slots + right * size;
        if (equal && left != right && pc_digest_same(a, b, size)) *equal = 1;
        pc_digest_copy(pairs + 2 * i * size, a, size);
        pc_digest_copy(pairs + (2 * i + 1) * size, b, size);
    }
    return PC_OK;
}

int pc_merkle_multiproof(int backend, const pc_tree_params *tree, const pc_merkle_plan *plan, uint8_t *slots, size_t n_slots,
                         int *equal) {
    uint8_t pairs[2 * BLOCK * PC_DIGEST_MAX];
    const pc_hash_row *row = pc_tree_hash(tree);
    const pc_backend *ops;
    if (!row || !plan || !equal || !plan->waves || plan->n_parents > n_slots || n_slots > PC_MAX_ITEMS)
        return PC_ERR_ARGUMENT;
    if ((n_slots && !slots) || (plan->n_parents && (!plan->left || !plan->right))) return PC_ERR_ARGUMENT;
    const size_t size = row->digest_size, known = n_slots - plan->n_parents;
    *equal = 0;
    int result = pc_resolve(PC_KIND_MERKLE, tree->hash, backend, plan->n_parents, &ops, NULL);
    for (size_t wave = 0; wave < plan->n_waves && result == PC_OK; wave++) {
        const int64_t from = plan->waves[wave], to = plan->waves[wave + 1];
        if (from < 0 || to < from || (uint64_t)to > plan->n_parents) return PC_ERR_ARGUMENT;
        for (size_t first = (size_t)from, count; first < (size_t)to && result == PC_OK; first += count) {
            count = (size_t)to - first < BLOCK ? (size_t)to - first : BLOCK;
            result =
                pair_up(plan, slots, size, known + (size_t)from, first, count, pairs, tree->equal_siblings ? NULL : equal);
            if (result == PC_OK) result = pc_tree_raise(backend, tree, pairs, count, slots + (known + first) * size);
        }
    }
    return result;
}
