/* inclusion.c - checks of Merkle inclusion proofs: a block of proofs climbs together, level by level, each level one call of the
 * hash's kernel. RFC 9162, section 2.1.3.2, for trees that promote; the other shapes differ in their odd nodes alone. */
#include "trees.h"

enum {
    BLOCK = 128
}; /* proofs that climb together: full vectors on every instruction set, nodes that stay in the first-level cache */

#if defined(__GNUC__)
#    define PREFETCH(at) __builtin_prefetch(at)
#else
#    define PREFETCH(at) ((void)0)
#endif

/* How a proof climbs. */
typedef struct climber {
    const uint8_t *sibling; /* the next one */
    uint64_t left, self;    /* bit s: at step s the sibling is hashed before the node; the node is paired with itself */
    size_t item, steps;
} climber;

/* Lays out the pairs of the climbers' next level, lets those go that have arrived, and returns how many are left. */
static size_t pair_up(const pc_tree_params *tree, const pc_column *roots, size_t size, size_t step, climber *climbers,
                      size_t n, const uint8_t *nodes, uint8_t *pairs, uint8_t *verdicts) {
    size_t still = 0;
    for (size_t c = 0; c < n; c++) {
        climber *one = &climbers[c];
        const uint8_t *mine = nodes + c * size, *sibling = one->sibling;
        if (one->steps == step) {
            size_t len;
            if (!pc_digest_same(mine, pc_column_row(roots, one->item, &len), size)) verdicts[one->item] = PC_BAD_PROOF;
            continue;
        }
        const int self = one->self >> step & 1, after = one->left >> step & 1;
        if ((self || !tree->equal_siblings) && pc_digest_same(sibling, mine, size) != self)
            verdicts[one->item] = PC_BAD_PROOF;
        PREFETCH(sibling + 2 * size); /* proofs lie far apart: two levels of hashing are time enough to fetch a line */
        pc_digest_copy(pairs + (2 * still + (size_t)after) * size, mine, size);
        pc_digest_copy(pairs + (2 * still + (size_t)!after) * size, sibling, size);
        if (still != c) climbers[still] = *one;
        climbers[still++].sibling = sibling + size;
    }
    return still;
}

/* Items first .. first + n - 1, at most BLOCK. */
static void check_block(const pc_hash_ops *hash, const pc_tree_params *tree, size_t size, const pc_column *roots,
                        const pc_column *nodes, const pc_column *proofs, const uint64_t *index, const uint64_t *leaf_count,
                        size_t first, size_t n, uint8_t *verdicts) {
    climber climbers[BLOCK];
    uint8_t arrived[BLOCK * PC_DIGEST_MAX], pairs[2 * BLOCK * PC_DIGEST_MAX];
    size_t climbing = 0;
    for (size_t i = first; i < first + n; i++) {
        climber *one = &climbers[climbing];
        size_t len, node_len;
        verdicts[i] = PC_MALFORMED_PROOF;
        if (index[i] >= leaf_count[i] || (tree->limited && leaf_count[i] > tree->limit)) continue;
        one->item = i;
        one->steps = pc_tree_walk(tree, index[i], leaf_count[i], &one->left, &one->self);
        one->sibling = pc_column_row(proofs, i, &len);
        if (len != one->steps * size) continue;
        verdicts[i] = PC_VALID; /* until something speaks against it */
        pc_digest_copy(arrived + climbing++ * size, pc_column_row(nodes, i, &node_len), size);
    }
    for (size_t step = 0; climbing; step++) {
        climbing = pair_up(tree, roots, size, step, climbers, climbing, arrived, pairs, verdicts);
        if (!climbing) return;
        pc_column column = pc_column_fixed(pairs, 2 * size);
        hash->many(tree->prefix, tree->prefix_len, &column, climbing, arrived);
    }
}

static int digests_ok(const pc_column *column, size_t n, size_t size) {
    return pc_column_ok(column, n) && (n == 0 || (!column->offsets && column->width == size));
}

int pc_verify_inclusion(int backend, const pc_tree_params *tree, const pc_column *roots, const pc_column *nodes,
                        const pc_column *proofs, const uint64_t *index, const uint64_t *leaf_count, size_t n,
                        uint8_t *verdicts) {
    const pc_backend *ops;
    const pc_hash_row *row = pc_tree_hash(tree);
    if (!row || !digests_ok(roots, n, row->digest_size)) return PC_ERR_ARGUMENT;
    if (!digests_ok(nodes, n, row->digest_size) || !pc_column_ok(proofs, n)) return PC_ERR_ARGUMENT;
    if (n && (!index || !leaf_count || !verdicts)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_HASH, tree->hash, backend, n < BLOCK ? n : BLOCK, &ops, NULL);
    if (result != PC_OK) return result;
    for (size_t first = 0; first < n; first += BLOCK) {
        check_block(&ops->hash[tree->hash], tree, row->digest_size, roots, nodes, proofs, index, leaf_count, first,
                    n - first < BLOCK ? n - first : BLOCK, verdicts);
    }
    return PC_OK;
}
