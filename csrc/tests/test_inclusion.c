/* test_inclusion.c - batches of inclusion proofs against one recursive statement of the tree: every shape, every small tree, a fault in
 * every place, on every backend. */
#include "../pycore.h"
#include "check_test.h"

enum { LEAVES = 21, DEPTH = 7, DIGEST = 64 };

static int backend, limit; /* of the tree under test; a limit only for trees that pad */
static pc_tree_params params;
static size_t size;
static uint8_t leaves[LEAVES][DIGEST];

static void hash_pair(const uint8_t *left, const uint8_t *right, uint8_t *out) {
    uint8_t pair[2 * DIGEST];
    memcpy(pair, left, size);
    memcpy(pair + size, right, size);
    pc_column one = {pair, NULL, 2 * size, 0};
    EXPECT_INT(pc_hash_batch(backend, params.hash, params.prefix, params.prefix_len, &one, 1, out), PC_OK);
}

/* The node at (level, index) of the tree over the first `count` leaves. */
static void node_at(size_t level, size_t index, size_t count, uint8_t *out) {
    if (level == 0) {
        memset(out, 0, size);
        if (index < count) memcpy(out, leaves[index], size);
        return;
    }
    uint8_t left[DIGEST], right[DIGEST];
    node_at(level - 1, 2 * index, count, left);
    if ((2 * index + 1) << (level - 1) < count || params.odd == PC_ODD_PAD) {
        node_at(level - 1, 2 * index + 1, count, right);
    } else if (params.odd == PC_ODD_DUPLICATE) {
        memcpy(right, left, size);
    } else {
        memcpy(out, left, size);
        return;
    }
    hash_pair(left, right, out);
}

/* Levels above the leaves. */
static size_t depth_of(size_t count) {
    size_t depth = 0;
    if (params.limited) count = (size_t)limit;
    while ((size_t)1 << depth < count) depth++;
    return depth;
}

/* The siblings of a leaf; returns how many there are. */
static size_t prove(size_t index, size_t count, uint8_t *proof) {
    size_t siblings = 0, depth = depth_of(count);
    for (size_t level = 0; level < depth; level++, index >>= 1) {
        size_t other = index ^ 1;
        if (other << level >= count && params.odd == PC_ODD_PROMOTE) continue;
        if (other << level >= count && params.odd == PC_ODD_DUPLICATE) other = index;
        node_at(level, other, count, proof + siblings++ * size);
    }
    return siblings;
}

/* What one proof gets, alone. */
static int verdict_of(const uint8_t *root, const uint8_t *node, const uint8_t *proof, int64_t len, uint64_t index,
                      uint64_t count) {
    const int64_t offsets[] = {0, len};
    uint8_t verdict = 0;
    pc_column roots = {root, NULL, size, 0}, nodes = {node, NULL, size, 0}, proofs = {proof, offsets, 0, 0};
    EXPECT_INT(pc_verify_inclusion(backend, &params, &roots, &nodes, &proofs, &index, &count, 1, &verdict), PC_OK);
    return verdict;
}

/* All leaves of one tree in one call, with one root for all; then each with faults. */
static void test_tree(size_t count) {
    static uint8_t proofs[LEAVES * DEPTH * DIGEST];
    uint8_t root[DIGEST], verdicts[LEAVES + 1];
    int64_t offsets[LEAVES + 1] = {0};
    uint64_t index[LEAVES], counts[LEAVES];
    node_at(depth_of(count), 0, count, root);
    for (size_t i = 0; i < count; i++) {
        offsets[i + 1] = offsets[i] + (int64_t)(prove(i, count, proofs + offsets[i]) * size);
        index[i] = i, counts[i] = count;
    }
    pc_column roots = {root, NULL, size, 0}, nodes = {leaves[0], NULL, size, DIGEST}, column = {proofs, offsets, 0, 0};
    memset(verdicts, 0xaa, sizeof verdicts);
    EXPECT_INT(pc_verify_inclusion(backend, &params, &roots, &nodes, &column, index, counts, count, verdicts), PC_OK);
    EXPECT_INT(verdicts[count], 0xaa);
    for (size_t i = 0; i < count; i++) {
        uint8_t *proof = proofs + offsets[i], wrong[DIGEST];
        int64_t len = offsets[i + 1] - offsets[i];
        if (!EXPECT_INT(verdicts[i], 1)) fprintf(stderr, "  leaf %zu of %zu\n", i, count);
        if (!THOROUGH && (i + count) % 3 && i && i + 1 < count) continue; /* with faults: the ends, and some between */
        EXPECT_INT(verdict_of(root, leaves[i], proof, len, i, count), 1);
        EXPECT_INT(verdict_of(root, leaves[i], proof, len, count, count), 10);
        EXPECT_INT(verdict_of(root, leaves[i], proof, len, i, 0), 10);
        EXPECT_INT(verdict_of(root, leaves[i], proof, len ? len - 1 : (int64_t)size, i, count), 10);
        EXPECT_INT(verdict_of(root, leaves[i], proof, len + 1, i, count), 10);
        if (params.limited) EXPECT_INT(verdict_of(root, leaves[i], proof, len, i, (uint64_t)limit + 1), 10);
        memcpy(wrong, root, size);
        wrong[test_random() % size] ^= 1;
        EXPECT_INT(verdict_of(wrong, leaves[i], proof, len, i, count), 9);
        memcpy(wrong, leaves[i], size);
        wrong[test_random() % size] ^= 0x80;
        EXPECT_INT(verdict_of(root, wrong, proof, len, i, count), 9);
        for (int64_t at = (int64_t)(test_random() % size); at < len; at += (int64_t)size) { /* a bit of every sibling */
            proof[at] ^= 4;
            EXPECT_INT(verdict_of(root, leaves[i], proof, len, i, count), 9);
            proof[at] ^= 4;
        }
    }
}

/* A node next to another of the same value, which is no odd one: only where the tree allows it. */
static void test_equal_siblings(void) {
    uint8_t root[DIGEST];
    hash_pair(leaves[0], leaves[0], root);
    EXPECT_INT(verdict_of(root, leaves[0], leaves[0], (int64_t)size, 0, 2), params.equal_siblings ? 1 : 9);
    EXPECT_INT(verdict_of(root, leaves[0], leaves[0], (int64_t)size, 1, 2), params.equal_siblings ? 1 : 9);
}

/* More proofs than climb together, of trees of any size, some of them bad: item by item what each gets alone. */
static void test_many(void) {
    enum { N = THOROUGH ? 300 : 100 };
    static uint8_t roots[N * DIGEST], nodes[N * DIGEST], proofs[N * (DEPTH * DIGEST + 1)], verdicts[N];
    int64_t offsets[N + 1] = {0};
    uint64_t index[N], counts[N];
    for (size_t i = 0; i < N; i++) {
        counts[i] = 1 + test_random() % LEAVES, index[i] = test_random() % counts[i];
        node_at(depth_of(counts[i]), 0, counts[i], roots + i * size);
        memcpy(nodes + i * size, leaves[index[i]], size);
        size_t len = prove(index[i], counts[i], proofs + offsets[i]) * size;
        if (test_random() % 8 == 0) len += 1;
        if (test_random() % 8 == 0) index[i] = test_random() % (LEAVES + 2);
        if (test_random() % 8 == 0) nodes[i * size + test_random() % size] ^= 1;
        if (test_random() % 8 == 0) roots[i * size + test_random() % size] ^= 1;
        if (test_random() % 8 == 0 && len) proofs[offsets[i] + (int64_t)(test_random() % len)] ^= 1;
        offsets[i + 1] = offsets[i] + (int64_t)len;
    }
    pc_column r = {roots, NULL, size, (ptrdiff_t)size}, l = {nodes, NULL, size, (ptrdiff_t)size},
              p = {proofs, offsets, 0, 0};
    EXPECT_INT(pc_verify_inclusion(backend, &params, &r, &l, &p, index, counts, N, verdicts), PC_OK);
    size_t seen[11] = {0};
    for (size_t i = 0; i < N; i++) {
        int alone = verdict_of(roots + i * size, nodes + i * size, proofs + offsets[i], offsets[i + 1] - offsets[i],
                               index[i], counts[i]);
        if (EXPECT_INT(verdicts[i], alone)) seen[alone]++;
    }
    EXPECT(seen[1] > N / 4 && seen[9] > N / 20 && seen[10] > N / 20);
}

static void test_arguments(void) {
    uint8_t digests[64] = {0}, verdict;
    const uint64_t index = 0, count = 1;
    const int64_t offsets[] = {0, 0};
    pc_tree_params tree = {.hash = 0};
    pc_column good = {digests, NULL, 32, 32}, narrow = {digests, NULL, 31, 31}, none = {NULL, offsets, 0, 0};
#define VERIFY(tree, roots, nodes, proofs, index, count, out)                                                               \
    pc_verify_inclusion(PC_AUTO, tree, roots, nodes, proofs, index, count, 1, out)
    EXPECT_INT(VERIFY(&tree, &good, &good, &none, &index, &count, &verdict), PC_OK);
    EXPECT_INT(VERIFY(NULL, &good, &good, &none, &index, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &narrow, &good, &none, &index, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &narrow, &none, &index, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &none, &none, &index, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &good, NULL, &index, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &good, &none, NULL, &count, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &good, &none, &index, NULL, &verdict), PC_ERR_ARGUMENT);
    EXPECT_INT(VERIFY(&tree, &good, &good, &none, &index, &count, NULL), PC_ERR_ARGUMENT);
    const pc_tree_params bad[] = {{.hash = -1}, {.hash = 1000}, {.odd = -1}, {.odd = 3}, {.limited = 1}, {.prefix_len = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_INT(VERIFY(&bad[i], &good, &good, &none, &index, &count, &verdict), PC_ERR_ARGUMENT);
    }
    EXPECT_INT(pc_verify_inclusion(PC_AUTO, &tree, NULL, NULL, NULL, NULL, NULL, 0, NULL), PC_OK);
}

int main(void) {
    static const uint8_t prefix[] = {1};
    pc_backend_row row;
    int tested = 0;
    for (backend = 0; pc_backend_at(backend, &row) == PC_OK; backend++) {
        if (!row.usable) continue;
        for (int h = 0; pc_hash_at(h); h++) {
            uint8_t digest[DIGEST];
            pc_column empty = {NULL, NULL, 0, 0};
            if (pc_hash_batch(backend, h, NULL, 0, &empty, 1, digest) == PC_ERR_BACKEND)
                continue; /* no kernel for this hash */
            size = pc_hash_at(h)->digest_size;
            test_fill(leaves[0], sizeof leaves);
            for (int odd = PC_ODD_PROMOTE; odd <= PC_ODD_PAD; odd++) {
                for (int k = 0; k < (odd == PC_ODD_PAD ? 3 : 2); k++) {
                    limit = k == 2 ? 70 : 0;
                    params = (pc_tree_params){.hash = h, .odd = odd, .equal_siblings = k, .prefix = k ? NULL : prefix};
                    params.prefix_len = k ? 0 : sizeof prefix;
                    params.limited = k == 2, params.limit = (uint64_t)limit;
                    for (size_t count = 1; count <= LEAVES; count += count < 10 ? 1 : 11) test_tree(count);
                    if (k < 2) test_equal_siblings();
                    test_many();
                    tested++;
                }
            }
        }
    }
    test_arguments();
    EXPECT(tested >= 11 * 7);
    return test_report("test_inclusion");
}
