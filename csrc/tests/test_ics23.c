/* test_ics23.c - commitment proofs of a small tree, alone and together: every byte changed, sides, rooms, arguments. */
#include "../backend/backend.h"
#include "check_test.h"

enum { LEAVES = 8, DEPTH = 3, PROOF = 300 };

static int sha256;
static uint8_t nodes[2 * LEAVES][32]; /* 1 is the root, the children of i are 2 i and 2 i + 1 */
static uint8_t proofs[LEAVES][PROOF];
static size_t lengths[LEAVES];
static const uint32_t places[] = {0, 1};
static pc_ics23_spec spec;

static void hash(const uint8_t *data, size_t len, uint8_t *digest) {
    const pc_column one = {data, NULL, len, 0};
    EXPECT_INT(pc_hash_batch(PC_AUTO, sha256, NULL, 0, &one, 1, digest), PC_OK);
}

static uint8_t *field(uint8_t *to, uint8_t tag, const uint8_t *data, size_t len) {
    *to++ = tag;
    if (len > 127) *to++ = (uint8_t)(len | 0x80);
    *to++ = (uint8_t)(len > 127 ? len >> 7 : len);
    memcpy(to, data, len);
    return to + len;
}

/* A simple tree: leaves H(0, key, value), nodes H(1, left, right). Proof i is an ExistenceProof. */
static void plant(void) {
    for (size_t i = 0; i < LEAVES; i++) {
        const uint8_t leaf[] = {0, (uint8_t)('a' + i), 'v'};
        hash(leaf, sizeof leaf, nodes[LEAVES + i]);
    }
    for (size_t i = LEAVES - 1; i > 0; i--) {
        uint8_t whole[65] = {1};
        memcpy(whole + 1, nodes[2 * i], 64);
        hash(whole, sizeof whole, nodes[i]);
    }
    for (size_t i = 0; i < LEAVES; i++) {
        const uint8_t key = (uint8_t)('a' + i), value = 'v', leaf[] = {0x08, 1, 0x2a, 1, 0};
        uint8_t *to = field(proofs[i], 0x0a, &key, 1);
        to = field(to, 0x12, &value, 1);
        to = field(to, 0x1a, leaf, sizeof leaf);
        for (size_t at = LEAVES + i; at > 1; at /= 2) {
            uint8_t step[PROOF] = {0x08, 1}, prefix[33] = {1}, *p = step + 2;
            memcpy(prefix + 1, nodes[at ^ 1], 32);
            p = field(p, 0x12, prefix, at & 1 ? 33 : 1);
            if (!(at & 1)) p = field(p, 0x1a, nodes[at ^ 1], 32);
            to = field(to, 0x22, step, (size_t)(p - step));
        }
        lengths[i] = (size_t)(to - proofs[i]);
    }
    spec = (pc_ics23_spec){.leaf_op = 1,
                           .inner_op = 1,
                           .leaf_hash = sha256,
                           .key_hash = -1,
                           .value_hash = -1,
                           .inner_hash = sha256,
                           .min_prefix = 1,
                           .max_prefix = 1,
                           .child_size = 32,
                           .left_bytes = 32,
                           .max_depth = 128,
                           .flags = PC_ICS23_STRICT,
                           .leaf_prefix = (const uint8_t *)"",
                           .leaf_prefix_len = 1,
                           .places = places,
                           .children = 2};
}

/* Checks n proofs in memory that ends where they end; returns what the call returned, and keeps items and nodes for neighbours(). */
static pc_ics23_item items[2 * LEAVES];
static pc_ics23_node *kept;
static pc_spans spans;
static int64_t start[2 * LEAVES], end[2 * LEAVES];
static uint8_t *data;

static void release(void) {
    free(kept);
    free(data);
    kept = NULL;
    data = NULL;
}

static int64_t check(const uint8_t *const *given, const size_t *sizes, size_t n, size_t room, uint8_t *verdicts) {
    const uint32_t groups[2 * LEAVES] = {0};
    const pc_column root = {nodes[1], NULL, 32, 32};
    size_t size = 0;
    release();
    for (size_t i = 0; i < n; i++) size += sizes[i];
    data = malloc(size ? size : 1);
    size = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(data + size, given[i], sizes[i]);
        start[i] = (int64_t)size;
        end[i] = (int64_t)(size += sizes[i]);
    }
    spans = (pc_spans){data, size, start, end, 1, n};
    kept = malloc(room * sizeof *kept);
    uint8_t *digests = malloc((n + room) * 32);
    const int64_t result =
        pc_ics23_exist(PC_AUTO, &spec, &spans, 0, &root, 1, groups, NULL, NULL, items, kept, room, digests, verdicts);
    free(digests);
    return result;
}

static void test_together(void) {
    const uint8_t *given[LEAVES];
    uint8_t verdicts[LEAVES];
    for (size_t room = 1; room < 40; room++) { /* a tree of 8 leaves has 14 steps, and its root */
        for (size_t i = 0; i < LEAVES; i++) given[i] = proofs[i];
        const int64_t enough = check(given, lengths, LEAVES, room, verdicts);
        if (!EXPECT(room < 15 ? enough > 14 : enough == 0)) return;
        for (size_t i = 0; i < LEAVES && enough == 0; i++) EXPECT_INT(verdicts[i], PC_VALID);
    }
    for (size_t i = 0; i < LEAVES; i++) {
        for (size_t j = 0; j < LEAVES; j++) {
            const uint8_t *two[] = {proofs[i], proofs[j]};
            const size_t sizes[] = {lengths[i], lengths[j]};
            const uint8_t both[] = {1, 1}, left[] = {1, 0}, right[] = {0, 1}, none[] = {0, 0};
            uint8_t mark;
            if (!EXPECT_INT(check(two, sizes, 2, 100, verdicts), 0)) return;
            EXPECT_INT(pc_ics23_adjacent(&spec, &spans, items, kept, both, 1, &mark), PC_OK);
            EXPECT_INT(mark, j == i + 1);
            EXPECT_INT(pc_ics23_adjacent(&spec, &spans, items, kept, left, 1, &mark), PC_OK);
            EXPECT_INT(mark, i == LEAVES - 1);
            EXPECT_INT(pc_ics23_adjacent(&spec, &spans, items, kept, right, 1, &mark), PC_OK);
            EXPECT_INT(mark, j == 0);
            EXPECT_INT(pc_ics23_adjacent(&spec, &spans, items, kept, none, 1, &mark), PC_OK);
            EXPECT_INT(mark, 0);
        }
    }
}

/* A changed proof, before and after honest ones that share its steps: it does not hold, and they do. */
static void test_changes(void) {
    uint8_t changed[PROOF], verdicts[3];
    for (size_t i = 0; i < LEAVES; i++) {
        for (size_t at = 0; at <= lengths[i]; at++) {
            for (int bit = 0; bit < (THOROUGH ? 8 : 2); bit++) {
                memcpy(changed, proofs[i], lengths[i]);
                if (at < lengths[i]) changed[at] ^= (uint8_t)(1 << bit);
                const uint8_t *given[] = {proofs[i], changed, proofs[(i + 1) % LEAVES]},
                              *first[] = {changed, proofs[i], proofs[i ^ 1]};
                const size_t cut = at == lengths[i] ? at - 1 : lengths[i];
                const size_t sizes[] = {lengths[i], cut, lengths[(i + 1) % LEAVES]},
                             other[] = {cut, lengths[i], lengths[i ^ 1]};
                EXPECT_INT(check(given, sizes, 3, 100, verdicts), 0);
                if (!EXPECT(verdicts[0] == PC_VALID && verdicts[1] != PC_VALID && verdicts[2] == PC_VALID)) return;
                EXPECT_INT(check(first, other, 3, 100, verdicts), 0);
                if (!EXPECT(verdicts[0] != PC_VALID && verdicts[1] == PC_VALID && verdicts[2] == PC_VALID)) return;
            }
        }
    }
}

static void test_arguments(void) {
    const uint8_t *given[] = {proofs[0]};
    uint8_t verdict;
    const pc_ics23_spec good = spec;
    EXPECT_INT(check(given, lengths, 1, 100, &verdict), 0);
    const uint8_t present[] = {1, 1};
    EXPECT_INT(pc_ics23_adjacent(&spec, &spans, items, kept, present, 1, &verdict), PC_ERR_ARGUMENT); /* one proof, no two */
    spec.child_size = 0;
    EXPECT_INT(check(given, lengths, 1, 100, &verdict), PC_ERR_ARGUMENT);
    spec = good;
    spec.inner_hash = -1;
    EXPECT_INT(check(given, lengths, 1, 100, &verdict), PC_ERR_ARGUMENT);
    spec = good;
    spec.leaf_op = 128;
    EXPECT_INT(check(given, lengths, 1, 100, &verdict), PC_ERR_ARGUMENT);
    spec = good;
    const uint32_t group = 1;
    const pc_column root = {nodes[1], NULL, 32, 32};
    uint8_t digests[101 * 32];
    EXPECT_INT(check(given, lengths, 1, 100, &verdict), 0);
    EXPECT_INT(pc_ics23_exist(PC_AUTO, &spec, &spans, 0, &root, 1, &group, NULL, NULL, items, kept, 100, digests, &verdict),
               PC_ERR_ARGUMENT);
    end[0] = (int64_t)spans.size + 1;
    EXPECT_INT(pc_ics23_exist(PC_AUTO, &spec, &spans, 0, &root, 1, &group, NULL, NULL, items, kept, 100, digests, &verdict),
               PC_ERR_ARGUMENT);
}

int main(void) {
    pc_hash_row const *row;
    for (int i = 0; (row = pc_hash_at(i)); i++) {
        if (strcmp(row->name, "sha256") == 0) sha256 = i;
    }
    plant();
    test_together();
    test_changes();
    test_arguments();
    release();
    return test_report("test_ics23");
}
