/* frontier.c - trees that only grow: appending to a frontier, and the right edge of the tree that it
 * stands for. */
#include "trees.h"

/* Nodes appended together: full vectors on every instruction set, and a stack that any thread has. */
enum { BLOCK = 256 };

#define MOST_LEAVES (UINT64_MAX >> 1)

/* Notes which of `count` new nodes of a height, at positions `first` and on, belong to a watched proof:
 * those with a watched leaf below them or below their sibling. Returns PC_OK, or PC_ERR_ARGUMENT when
 * there is no room. */
static int report(pc_watch *watch, int height, uint64_t first, const uint8_t *nodes, size_t count, size_t size) {
    size_t low = 0, high = watch->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (watch->leaves[middle] >> height >> 1 < first >> 1) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (uint64_t next = first; low < watch->n; low++) { /* next: the first node that was not noted yet */
        const uint64_t left = watch->leaves[low] >> height >> 1 << 1;
        if (left >= first + count) break;
        for (uint64_t at = left > next ? left : next; at < left + 2 && at < first + count; at++) {
            if (watch->found == watch->room) return PC_ERR_ARGUMENT;
            pc_tree_node *node = &watch->nodes[watch->found++];
            node->height = height;
            node->position = at;
            pc_digest_copy(node->digest, nodes + (at - first) * size, size);
            next = at + 1;
        }
    }
    return PC_OK;
}

/* Appends `count` nodes of a height, at most BLOCK, that stand in `rows` from row 1 on; leaf_count is the
 * number of leaves before. */
static int append(int backend, const pc_tree_params *tree, size_t size, pc_frontier *frontier, uint64_t leaf_count,
                  int height, uint8_t *rows, size_t count, pc_watch *watch) {
    uint8_t above[(BLOCK / 2 + 1) * PC_DIGEST_MAX], *here = rows, *next = above;
    uint64_t position = leaf_count >> height;
    for (; count; height++, position >>= 1) {
        uint8_t *nodes = here + size, *swap = here; /* row 0 is for the node that waits on this height */
        int result = watch ? report(watch, height, position, nodes, count, size) : PC_OK;
        if (result != PC_OK) return result;
        if (position & 1) {
            nodes = here;
            pc_digest_copy(nodes, frontier->peaks[height], size);
            count++, position--;
        }
        if (count & 1) pc_digest_copy(frontier->peaks[height], nodes + (count - 1) * size, size);
        count >>= 1;
        result = count ? pc_tree_raise(backend, tree, nodes, count, next + size) : PC_OK;
        if (result != PC_OK) return result;
        here = next;
        next = swap;
    }
    return PC_OK;
}

static int watch_ok(pc_watch *watch, size_t n) {
    if (!watch || !watch->n) return 1;
    return watch->leaves && watch->nodes && watch->room >= PC_DEPTH_MAX && (watch->room - PC_DEPTH_MAX) / 2 >= n;
}

int pc_merkle_grow(int backend, const pc_tree_params *tree, pc_frontier *frontier, int level, const uint8_t *rows,
                   size_t width, size_t n, pc_watch *watch) {
    uint8_t nodes[(BLOCK + 1) * PC_DIGEST_MAX];
    const pc_hash_row *row = pc_tree_hash(tree);
    const int height = level == PC_LEAVES ? 0 : level;
    pc_column column = pc_column_fixed(rows, width);
    const pc_backend *ops;
    if (!row || !frontier || height < 0 || height > 62 || !pc_column_ok(&column, n) || !watch_ok(watch, n)) {
        return PC_ERR_ARGUMENT;
    }
    const size_t size = row->digest_size;
    uint64_t leaf_count = frontier->leaf_count;
    if (leaf_count > MOST_LEAVES || leaf_count & (((uint64_t)1 << height) - 1)) return PC_ERR_ARGUMENT;
    if (n > (MOST_LEAVES - leaf_count) >> height || (level != PC_LEAVES && width != size && n)) return PC_ERR_ARGUMENT;
    if (tree->limited && (leaf_count > tree->limit || n > tree->limit - leaf_count)) return PC_ERR_ARGUMENT;
    if (watch) watch->found = 0;
    if (watch && !watch->n) watch = NULL;
    int result =
        pc_resolve(PC_KIND_MERKLE, tree->hash, backend, n, &ops, NULL); /* what fails fails before anything changed */
    while (n && result == PC_OK) {
        size_t count = BLOCK - (size_t)(leaf_count >> height) % BLOCK; /* blocks end where subtrees do */
        if (count > n) count = n;
        if (level == PC_LEAVES) {
            result =
                pc_hash_batch(backend, tree->hash, tree->leaf_prefix, tree->leaf_prefix_len, &column, count, nodes + size);
        } else {
            memcpy(nodes + size, column.data, count * size);
        }
        if (result == PC_OK) result = append(backend, tree, size, frontier, leaf_count, height, nodes, count, watch);
        if (result != PC_OK) break;
        frontier->leaf_count = leaf_count += (uint64_t)count << height;
        if (width) column.data += count * width;
        n -= count;
    }
    return result;
}

int pc_merkle_edge(int backend, const pc_tree_params *tree, const pc_frontier *frontier, pc_edge *edge, uint8_t *root) {
    uint8_t last[PC_DIGEST_MAX], pair[2 * PC_DIGEST_MAX];
    const pc_hash_row *row = pc_tree_hash(tree);
    const uint64_t leaf_count = frontier ? frontier->leaf_count : 0;
    if (!row || leaf_count > MOST_LEAVES || !pc_tree_holds(tree, leaf_count) || !root) return PC_ERR_ARGUMENT;
    if (tree->odd == PC_ODD_PAD && !tree->zeros) return PC_ERR_ARGUMENT;
    const size_t size = row->digest_size;
    const unsigned depth = pc_tree_depth(tree, leaf_count);
    int partial = 0; /* whether the last node stands over fewer leaves than the others of its height */
    if (edge) edge->depth = (int)depth;
    for (unsigned height = 0;; height++) {
        const uint64_t whole = height < PC_DEPTH_MAX ? leaf_count >> height : 0;
        const int joins = whole & 1;
        if (joins && !partial) pc_digest_copy(last, frontier->peaks[height], size);
        if (edge) edge->positions[height] = partial ? (int64_t)whole : joins ? (int64_t)whole - 1 : -1;
        if (edge && (partial || joins)) pc_digest_copy(edge->nodes[height], last, size);
        if (height == depth) break;
        if (!partial && !joins) continue;
        const int complete = partial && joins;
        partial = 1;
        if (!complete && tree->odd == PC_ODD_PROMOTE) continue;
        const uint8_t *after = complete || tree->odd == PC_ODD_DUPLICATE ? last : tree->zeros + height * size;
        pc_digest_copy(pair, complete ? frontier->peaks[height] : last, size);
        pc_digest_copy(pair + size, after, size);
        int result = pc_tree_raise(backend, tree, pair, 1, last);
        if (result != PC_OK) return result;
    }
    pc_digest_copy(root, last, size);
    return PC_OK;
}
