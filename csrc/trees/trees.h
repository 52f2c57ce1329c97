/* trees.h - what the loops of hashes over Merkle trees share. */
#ifndef PC_TREES_H
#define PC_TREES_H
#include "../core/arguments.h"
#include "../core/column.h"
#include "../core/dispatch.h"

#include <string.h>

enum { PC_DIGEST_MAX = 64, PC_DEPTH_MAX = 64 };

/* The row of a tree's hash; NULL when the parameters describe no tree. */
PC_FN const pc_hash_row *pc_tree_hash(const pc_tree_params *tree) {
    const pc_hash_row *row = tree ? pc_hash_at(tree->hash) : NULL;
    if (!row || tree->odd < PC_ODD_PROMOTE || tree->odd > PC_ODD_PAD) return NULL;
    if (tree->limited && tree->odd != PC_ODD_PAD) return NULL;
    const int prefixes =
        pc_prefix_ok(tree->prefix, tree->prefix_len) && pc_prefix_ok(tree->leaf_prefix, tree->leaf_prefix_len);
    return prefixes ? row : NULL;
}

/* Whether a tree may have so many leaves, at least one. */
PC_FN int pc_tree_holds(const pc_tree_params *tree, uint64_t leaf_count) {
    return leaf_count && (!tree->limited || leaf_count <= tree->limit);
}

/* Levels above the leaves of a tree that holds leaf_count of them. */
PC_FN unsigned pc_tree_depth(const pc_tree_params *tree, uint64_t leaf_count) {
    unsigned depth = 0;
    for (uint64_t last = (tree->limited ? tree->limit : leaf_count) - 1; last; last >>= 1) depth++;
    return depth;
}

/* The number of siblings of a proof for leaf `index` of `count`, index < count, and their sides. */
PC_FN size_t pc_tree_walk(const pc_tree_params *tree, uint64_t index, uint64_t count, uint64_t *left, uint64_t *self) {
    uint64_t last = (tree->limited ? tree->limit : count) - 1;
    const uint64_t promotes = tree->odd == PC_ODD_PROMOTE, duplicates = tree->odd == PC_ODD_DUPLICATE;
    size_t steps = 0;
    *left = *self = 0;
    for (; last; index >>= 1, last >>= 1) { /* no branches: half of them would be taken, and nobody knows which */
        const uint64_t after = index & 1, alone = (index == last) & ~after;
        *left |= after << steps;
        *self |= (alone & duplicates) << steps;
        steps += !(alone & promotes);
    }
    return steps;
}

PC_FN void pc_digest_copy(uint8_t *to, const uint8_t *from, size_t size) {
    if (size == 32) { /* a constant length is no call */
        memcpy(to, from, 32);
    } else {
        memcpy(to, from, size);
    }
}

PC_FN int pc_digest_same(const uint8_t *a, const uint8_t *b, size_t size) {
    if (size == 32) return memcmp(a, b, 32) == 0;
    return memcmp(a, b, size) == 0;
}

/* parents[i] = H(prefix || children[2 i] || children[2 i + 1]) for `pairs` of them, by the backend that is
 * best for so many. */
PC_FN int pc_tree_raise(int backend, const pc_tree_params *tree, const uint8_t *children, size_t pairs, uint8_t *parents) {
    return pc_merkle_level(backend, tree->hash, PC_ODD_PROMOTE, tree->prefix, tree->prefix_len, children, 2 * pairs,
                           parents);
}
#endif
