/* test_trees.c - trees that grow, plans and what is hashed by them, against one recursive statement of the
 * tree: every shape, on every backend, in memory of exactly the size that is asked for; and every argument
 * that is refused. */
#include "../pycore.h"
#include "check_test.h"

enum { LEAVES = 700, DIGEST = 64, LIMIT = 1000 };

static int backend;
static pc_tree_params params;
static size_t size;
static uint8_t leaves[LEAVES][DIGEST], zeros[65 * DIGEST];

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

static void hash_pair(const uint8_t *left, const uint8_t *right, uint8_t *out) {
    uint8_t pair[2 * DIGEST];
    memcpy(pair, left, size);
    memcpy(pair + size, right, size);
    pc_column one = {pair, NULL, 2 * size, 0};
    EXPECT_INT(pc_hash_batch(backend, params.hash, params.prefix, params.prefix_len, &one, 1, out), PC_OK);
}

/* The node at (height, position) of the tree over the first `count` leaves. */
static void node_at(unsigned height, uint64_t position, uint64_t count, uint8_t *out) {
    uint8_t left[DIGEST], right[DIGEST];
    if (position << height >= count) { /* only where the tree pads */
        memcpy(out, zeros + height * size, size);
        return;
    }
    if (height == 0) {
        memcpy(out, leaves[position], size);
        return;
    }
    node_at(height - 1, 2 * position, count, left);
    if ((2 * position + 1) << (height - 1) < count || params.odd == PC_ODD_PAD) {
        node_at(height - 1, 2 * position + 1, count, right);
    } else if (params.odd == PC_ODD_DUPLICATE) {
        memcpy(right, left, size);
    } else {
        memcpy(out, left, size);
        return;
    }
    hash_pair(left, right, out);
}

static unsigned depth_of(uint64_t count) {
    unsigned depth = 0;
    if (params.limited) count = params.limit;
    while ((uint64_t)1 << depth < count) depth++;
    return depth;
}

/* ---- growing ---------------------------------------------------------------------------------------------------------- */

static int is_watched(const pc_watch *watch, int height, uint64_t position) {
    for (size_t i = 0; i < watch->n; i++) {
        if (watch->leaves[i] >> height >> 1 == position >> 1) return 1;
    }
    return 0;
}

/* The reported nodes of an append that made `to` leaves of `from`: those that are watched, once, and no
 * others. */
static void check_report(const pc_watch *watch, uint64_t from, uint64_t to) {
    size_t wanted = 0;
    for (int height = 0; height < 12; height++) {
        for (uint64_t at = from >> height; at < to >> height; at++) wanted += (size_t)is_watched(watch, height, at);
    }
    EXPECT_INT((long long)watch->found, (long long)wanted);
    for (size_t i = 0; i < watch->found; i++) {
        const pc_tree_node *node = &watch->nodes[i];
        uint8_t digest[DIGEST];
        EXPECT(node->position >= from >> node->height && node->position < to >> node->height);
        EXPECT(is_watched(watch, node->height, node->position));
        node_at((unsigned)node->height, node->position, to, digest);
        EXPECT(memcmp(node->digest, digest, size) == 0);
    }
}

static void check_edge(const pc_frontier *frontier, uint64_t count) {
    pc_edge *edge = memory(sizeof *edge);
    uint8_t *root = memory(size), wanted[DIGEST];
    const unsigned depth = depth_of(count);
    EXPECT_INT(pc_merkle_edge(backend, &params, frontier, edge, root), PC_OK);
    EXPECT_INT(edge->depth, depth);
    for (unsigned height = 0; height <= depth; height++) {
        const uint64_t last = (count - 1) >> height;
        const int inner = last & 1 && (last + 1) << height == count;
        EXPECT_INT(edge->positions[height], inner ? -1 : (long long)last);
        node_at(height, last, count, wanted);
        if (!inner) EXPECT(memcmp(edge->nodes[height], wanted, size) == 0);
    }
    EXPECT(memcmp(root, wanted, size) == 0);
    memset(root, 0, size);
    EXPECT_INT(pc_merkle_edge(backend, &params, frontier, NULL, root), PC_OK);
    EXPECT(memcmp(root, wanted, size) == 0);
    free(root);
    free(edge);
}

/* Steps of any size, with some leaves watched, from no leaves to many. */
static void test_growing(int watched) {
    pc_frontier *frontier = memory(sizeof *frontier);
    uint64_t wanted[4] = {0, test_random() % LEAVES, 0, UINT64_MAX};
    wanted[2] = wanted[1] + test_random() % 3; /* neighbours, or the same twice */
    pc_watch watch = {wanted, watched ? 4 : 0, NULL, 0, 77};
    memset(frontier, 0, sizeof *frontier);
    for (size_t count = 0, step; count < LEAVES; count += step) {
        step = test_random() % 4 ? test_random() % 9 : test_random() % 400;
        if (step > LEAVES - count) step = LEAVES - count;
        uint8_t *rows = memory(step * size); /* of exactly this size, as is the room */
        for (size_t i = 0; i < step; i++) memcpy(rows + i * size, leaves[count + i], size);
        watch.room = watched ? 2 * step + 64 : 0;
        watch.nodes = watched ? memory(watch.room * sizeof *watch.nodes) : NULL;
        EXPECT_INT(pc_merkle_grow(backend, &params, frontier, 0, rows, size, step, &watch), PC_OK);
        EXPECT(frontier->leaf_count == count + step);
        check_report(&watch, count, count + step);
        if (count + step && (THOROUGH || step > 8)) check_edge(frontier, count + step);
        free(watch.nodes);
        free(rows);
    }
    free(frontier);
}

/* Subtrees of 4 leaves, and leaves that get hashed. */
static void test_levels_of_growing(void) {
    pc_frontier frontier = {0}, again = {0};
    uint8_t *roots = memory(LEAVES / 4 * size), *hashed = memory(9 * size), data[9 * 5], a[DIGEST], b[DIGEST];
    for (size_t i = 0; i < LEAVES / 4; i++) node_at(2, i, LEAVES, roots + i * size);
    EXPECT_INT(pc_merkle_grow(backend, &params, &frontier, 2, roots, size, LEAVES / 4, NULL), PC_OK);
    check_edge(&frontier, LEAVES / 4 * 4);
    test_fill(data, sizeof data);
    pc_column column = {data, NULL, 5, 5};
    EXPECT_INT(pc_hash_batch(backend, params.hash, params.leaf_prefix, params.leaf_prefix_len, &column, 9, hashed), PC_OK);
    frontier.leaf_count = 0;
    EXPECT_INT(pc_merkle_grow(backend, &params, &frontier, PC_LEAVES, data, 5, 9, NULL), PC_OK);
    EXPECT_INT(pc_merkle_grow(backend, &params, &again, 0, hashed, size, 9, NULL), PC_OK);
    EXPECT_INT(pc_merkle_edge(backend, &params, &frontier, NULL, a), PC_OK);
    EXPECT_INT(pc_merkle_edge(backend, &params, &again, NULL, b), PC_OK);
    EXPECT(frontier.leaf_count == 9 && memcmp(a, b, size) == 0);
    free(hashed);
    free(roots);
}

/* ---- multiproofs ------------------------------------------------------------------------------------------------------ */

static void open_plan(pc_plan_memory *plan, size_t n, size_t room, size_t wide) {
    memset(plan, 0, sizeof *plan);
    plan->room = room;
    plan->helpers = memory(wide * room * sizeof(uint64_t));
    plan->left = memory(room * sizeof(int64_t));
    plan->right = memory(room * sizeof(int64_t));
    plan->work = memory(2 * (n > room ? n : room) * sizeof(uint64_t));
}

static void close_plan(pc_plan_memory *plan) {
    free(plan->helpers);
    free(plan->left);
    free(plan->right);
    free(plan->work);
}

/* The root that a plan leads to from `given` slots; whole, then wave by wave in pieces. */
static void run_plan(const pc_plan_memory *memory_of, const uint8_t *given, size_t n, uint8_t *root, int *equal) {
    const size_t n_slots = n + memory_of->n_parents;
    uint8_t *slots = memory(n_slots * size), *again = memory(n_slots * size);
    pc_merkle_plan plan = {memory_of->left, memory_of->right, memory_of->n_parents, memory_of->waves, memory_of->n_waves};
    memcpy(slots, given, n * size);
    memcpy(again, given, n * size);
    EXPECT_INT(pc_merkle_multiproof(backend, &params, &plan, slots, n_slots, equal), PC_OK);
    for (size_t wave = 0; wave < memory_of->n_waves; wave++) {
        int64_t bounds[2] = {memory_of->waves[wave], 0};
        EXPECT(bounds[0] < memory_of->waves[wave + 1]);
        for (; bounds[0] < memory_of->waves[wave + 1]; bounds[0] = bounds[1]) {
            int ignored;
            bounds[1] = bounds[0] + 1 + (int64_t)(test_random() % 9);
            if (bounds[1] > memory_of->waves[wave + 1]) bounds[1] = memory_of->waves[wave + 1];
            plan.waves = bounds, plan.n_waves = 1;
            EXPECT_INT(pc_merkle_multiproof(backend, &params, &plan, again, n_slots, &ignored), PC_OK);
        }
    }
    EXPECT(memcmp(slots, again, n_slots * size) == 0);
    if (EXPECT(memory_of->root >= 0 && (size_t)memory_of->root < n_slots)) {
        memcpy(root, slots + (size_t)memory_of->root * size, size);
    }
    free(again);
    free(slots);
}

/* Some leaves of a tree: the helpers are its nodes, and lead to its root. */
static void test_multiproof(uint64_t count, unsigned one_in) {
    uint64_t indices[LEAVES];
    uint8_t root[DIGEST], wanted[DIGEST];
    size_t n = 0;
    int equal;
    for (uint64_t i = 0; i < count; i++) {
        if (test_random() % one_in == 0 || (n == 0 && i == count - 1)) indices[n++] = i;
    }
    pc_plan_memory plan;
    const int64_t room = pc_plan_room(&params, indices, n, count);
    if (!EXPECT(room >= 0)) return;
    open_plan(&plan, n, (size_t)room, 2);
    EXPECT_INT(pc_plan_multiproof(&params, indices, n, count, &plan), PC_OK);
    EXPECT(plan.n_parents <= plan.room && (params.odd == PC_ODD_PROMOTE || plan.n_parents == plan.room));
    const size_t tail = params.odd == PC_ODD_PAD ? 65 : 0, known = n + plan.n_helpers + tail;
    uint8_t *given = memory(known * size);
    for (size_t i = 0; i < n; i++) memcpy(given + i * size, leaves[indices[i]], size);
    for (size_t i = 0; i < plan.n_helpers; i++) {
        const uint64_t height = plan.helpers[2 * i], position = plan.helpers[2 * i + 1];
        EXPECT(i == 0 || height > plan.helpers[2 * i - 2] || position > plan.helpers[2 * i - 1]);
        EXPECT(position << height < count);
        node_at((unsigned)height, position, count, given + (n + i) * size);
    }
    memcpy(given + (known - tail) * size, zeros, tail * size);
    run_plan(&plan, given, known, root, &equal);
    node_at(depth_of(count), 0, count, wanted);
    EXPECT(memcmp(root, wanted, size) == 0);
    EXPECT_INT(equal, 0);
    if (plan.room) { /* a room too small is noticed */
        plan.room = plan.n_parents ? plan.n_parents - 1 : 0;
        if (plan.n_parents) EXPECT_INT(pc_plan_multiproof(&params, indices, n, count, &plan), PC_ERR_ARGUMENT);
    }
    free(given);
    close_plan(&plan);
}

/* The node at a generalized index: given, a helper, or hashed from what is below. */
static void ssz_node(uint64_t index, const uint64_t *given, size_t n, const uint8_t *values, uint8_t *out) {
    uint8_t left[DIGEST], right[DIGEST];
    for (size_t i = 0; i < n; i++) {
        if (given[i] != index) continue;
        memcpy(out, values + i * size, size);
        return;
    }
    if (!EXPECT(index < (uint64_t)1 << 40)) return;
    ssz_node(2 * index, given, n, values, left);
    ssz_node(2 * index + 1, given, n, values, right);
    hash_pair(left, right, out);
}

static int above(uint64_t a, uint64_t b) { /* a == b, or b below a */
    while (b > a) b >>= 1;
    return a == b;
}

/* Nodes of any depth, none above another. */
static void test_ssz(void) {
    enum { MOST = 12 };
    uint64_t indices[MOST + 40 * MOST];
    int64_t order[MOST];
    size_t n = 0, room = 0;
    uint8_t root[DIGEST], wanted[DIGEST];
    int equal;
    for (int tries = 0; tries < MOST; tries++) {
        const unsigned depth = (unsigned)(test_random() % (test_random() % 4 ? 5 : 40));
        const uint64_t index = ((uint64_t)1 << depth) + test_random() % ((uint64_t)1 << depth);
        int apart = 1;
        for (size_t i = 0; i < n; i++) apart &= !above(index, indices[i]) && !above(indices[i], index);
        if (!apart) continue;
        size_t at = n;
        for (; at && indices[order[at - 1]] < index; at--) order[at] = order[at - 1];
        order[at] = (int64_t)n;
        indices[n++] = index;
        room += depth;
    }
    pc_plan_memory plan;
    open_plan(&plan, n, room, 1);
    EXPECT_INT(pc_plan_ssz(indices, order, n, &plan), PC_OK);
    uint8_t *values = memory((n + plan.n_helpers) * size);
    test_fill(values, (n + plan.n_helpers) * size);
    for (size_t i = 0; i < plan.n_helpers; i++) {
        EXPECT(i == 0 || plan.helpers[i] < plan.helpers[i - 1]);
        indices[n + i] = plan.helpers[i];
    }
    run_plan(&plan, values, n + plan.n_helpers, root, &equal);
    ssz_node(1, indices, n + plan.n_helpers, values, wanted);
    EXPECT(memcmp(root, wanted, size) == 0);
    if (plan.n_parents) {
        plan.room = plan.n_parents - 1;
        EXPECT_INT(pc_plan_ssz(indices, order, n, &plan), PC_ERR_ARGUMENT);
    }
    free(values);
    close_plan(&plan);
}

/* ---- proofs of single leaves ------------------------------------------------------------------------------------------ */

static void test_proofs(uint64_t count) {
    enum { N = 9 };
    uint64_t indices[N], counts[N];
    int64_t *offsets = memory((N + 1) * sizeof *offsets);
    uint8_t root[DIGEST], chosen[N * DIGEST], verdicts[N];
    size_t n_nodes = 0;
    for (uint64_t width = count; n_nodes += width, width > 1;) width -= width / 2;
    uint8_t *nodes = memory(n_nodes * size), *at = nodes;
    for (unsigned height = 0; at < nodes + n_nodes * size; height++) {
        for (uint64_t i = 0; i <= (count - 1) >> height; i++, at += size) node_at(height, i, count, at);
    }
    for (size_t i = 0; i < N; i++) {
        indices[i] = test_random() % count, counts[i] = count;
        memcpy(chosen + i * size, leaves[indices[i]], size);
    }
    EXPECT_INT(pc_merkle_proofs(&params, nodes, n_nodes, count, indices, N, offsets, NULL), PC_OK);
    uint8_t *data = memory((size_t)offsets[N]);
    EXPECT_INT(pc_merkle_proofs(&params, nodes, n_nodes, count, indices, N, offsets, data), PC_OK);
    node_at(depth_of(count), 0, count, root);
    pc_column roots = {root, NULL, size, 0}, rows = {chosen, NULL, size, (ptrdiff_t)size}, proofs = {data, offsets, 0, 0};
    EXPECT_INT(pc_verify_inclusion(backend, &params, &roots, &rows, &proofs, indices, counts, N, verdicts), PC_OK);
    for (size_t i = 0; i < N; i++) EXPECT_INT(verdicts[i], 1);
    offsets[N] += (int64_t)size;
    EXPECT_INT(pc_merkle_proofs(&params, nodes, n_nodes, count, indices, N, offsets, data), PC_ERR_ARGUMENT);
    indices[N - 1] = count;
    EXPECT_INT(pc_merkle_proofs(&params, nodes, n_nodes, count, indices, N, offsets, NULL), PC_ERR_ARGUMENT);
    free(data);
    free(nodes);
    free(offsets);
}

/* ---- arguments -------------------------------------------------------------------------------------------------------- */

#define REFUSED(call) EXPECT_INT(call, PC_ERR_ARGUMENT)

static const pc_tree_params BAD_TREES[] = {{.hash = -1},   {.hash = 1000},    {.odd = -1},           {.odd = 3},
                                           {.limited = 1}, {.prefix_len = 1}, {.leaf_prefix_len = 1}};
enum { BAD = sizeof BAD_TREES / sizeof BAD_TREES[0] };

static void test_growing_refuses(void) {
    pc_frontier frontier = {0}, before;
    pc_edge edge;
    uint8_t rows[4 * 32] = {1}, root[DIGEST];
    uint64_t wanted = 0;
    pc_tree_node nodes[80];
    pc_watch watch = {&wanted, 1, nodes, 80, 0};
    pc_tree_params tree = {.hash = 0}, padded = {.hash = 0, .odd = PC_ODD_PAD, .limited = 1, .limit = 4};
#define GROW(t, f, level, r, width, n, w) pc_merkle_grow(PC_AUTO, t, f, level, r, width, n, w)
    REFUSED(pc_merkle_edge(PC_AUTO, &tree, &frontier, &edge, root)); /* no leaves */
    EXPECT_INT(GROW(&tree, &frontier, 0, rows, 32, 3, &watch), PC_OK);
    before = frontier;
    for (size_t i = 0; i < BAD; i++) {
        REFUSED(GROW(&BAD_TREES[i], &frontier, 0, rows, 32, 1, NULL));
        REFUSED(pc_merkle_edge(PC_AUTO, &BAD_TREES[i], &frontier, &edge, root));
    }
    REFUSED(GROW(NULL, &frontier, 0, rows, 32, 1, NULL));
    REFUSED(GROW(&tree, NULL, 0, rows, 32, 1, NULL));
    REFUSED(GROW(&tree, &frontier, -2, rows, 32, 1, NULL));
    REFUSED(GROW(&tree, &frontier, 63, rows, 32, 1, NULL));
    REFUSED(GROW(&tree, &frontier, 1, rows, 32, 1, NULL)); /* three leaves are no multiple of two */
    REFUSED(GROW(&tree, &frontier, 0, rows, 31, 1, NULL));
    REFUSED(GROW(&tree, &frontier, 0, NULL, 32, 1, NULL));
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, SIZE_MAX, NULL));
    REFUSED(GROW(&tree, &frontier, PC_LEAVES, rows, SIZE_MAX, 2, NULL));
    REFUSED(GROW(&padded, &frontier, 0, rows, 32, 2, NULL)); /* over the limit */
    watch.room = 65;
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, 1, &watch));
    watch.room = 80, watch.nodes = NULL;
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, 1, &watch));
    watch.nodes = nodes, watch.leaves = NULL;
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, 1, &watch));
    REFUSED(pc_merkle_grow(-2, &tree, &frontier, 0, rows, 32, 1, NULL));
    EXPECT(memcmp(&before, &frontier, sizeof before) == 0);
    REFUSED(pc_merkle_edge(PC_AUTO, NULL, &frontier, &edge, root));
    REFUSED(pc_merkle_edge(PC_AUTO, &tree, NULL, &edge, root));
    REFUSED(pc_merkle_edge(PC_AUTO, &tree, &frontier, &edge, NULL));
    REFUSED(pc_merkle_edge(PC_AUTO, &padded, &frontier, &edge, root)); /* no roots of empty subtrees */
    padded.limit = 2, padded.zeros = zeros;
    REFUSED(pc_merkle_edge(PC_AUTO, &padded, &frontier, &edge, root));
    REFUSED(GROW(&padded, &frontier, 0, rows, 32, 0, NULL));
    EXPECT_INT(GROW(&tree, &frontier, 0, NULL, 32, 0, NULL), PC_OK);
    EXPECT_INT(GROW(&tree, &frontier, PC_LEAVES, NULL, 0, 2, NULL), PC_OK); /* empty leaves */
    frontier.leaf_count = (uint64_t)INT64_MAX - 1;
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, 2, NULL));
    EXPECT_INT(GROW(&tree, &frontier, 0, rows, 32, 1, NULL), PC_OK);
    EXPECT_INT(pc_merkle_edge(PC_AUTO, &tree, &frontier, &edge, root), PC_OK);
    EXPECT_INT(edge.depth, 63);
    frontier.leaf_count = (uint64_t)1 << 63;
    REFUSED(GROW(&tree, &frontier, 0, rows, 32, 0, NULL));
    REFUSED(pc_merkle_edge(PC_AUTO, &tree, &frontier, &edge, root));
#undef GROW
}

static void test_multiproof_refuses(void) {
    uint8_t slots[4 * 32] = {0};
    int64_t left[2] = {0, 2}, right[2] = {1, 1}, waves[3] = {0, 1, 2};
    int equal;
    pc_tree_params tree = {.hash = 0};
    const pc_merkle_plan good = {left, right, 2, waves, 2};
    pc_merkle_plan plan = good;
#define RUN(t, p, s, n, e) pc_merkle_multiproof(PC_AUTO, t, p, s, n, e)
    EXPECT_INT(RUN(&tree, &plan, slots, 4, &equal), PC_OK);
    EXPECT_INT(equal, 1); /* two zeros */
    for (size_t i = 0; i < BAD; i++) REFUSED(RUN(&BAD_TREES[i], &plan, slots, 4, &equal));
    REFUSED(RUN(NULL, &plan, slots, 4, &equal));
    REFUSED(RUN(&tree, NULL, slots, 4, &equal));
    REFUSED(RUN(&tree, &plan, NULL, 4, &equal));
    REFUSED(RUN(&tree, &plan, slots, 4, NULL));
    REFUSED(RUN(&tree, &plan, slots, 1, &equal));
    REFUSED(RUN(&tree, &plan, slots, SIZE_MAX, &equal));
    REFUSED(RUN(&tree, &plan, slots, 3, &equal)); /* one known slot: the second parent would read itself */
    plan.left = NULL;
    REFUSED(RUN(&tree, &plan, slots, 4, &equal));
    plan = good, plan.right = NULL;
    REFUSED(RUN(&tree, &plan, slots, 4, &equal));
    plan = good, plan.waves = NULL;
    REFUSED(RUN(&tree, &plan, slots, 4, &equal));
    plan = good;
    static const struct {
        int array, at;
        int64_t value;
    } bad[] = {{0, 0, -1}, {0, 0, 2}, {0, 1, 3}, {1, 0, INT64_MIN}, {1, 1, INT64_MAX}, {2, 0, -1}, {2, 2, 3}, {2, 1, 3}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t *array = bad[i].array == 0 ? left : bad[i].array == 1 ? right : waves, kept = array[bad[i].at];
        array[bad[i].at] = bad[i].value;
        REFUSED(RUN(&tree, &plan, slots, 4, &equal));
        array[bad[i].at] = kept;
    }
#undef RUN
}

static void test_plans_refuse(void) {
    uint64_t indices[3] = {0, 1, 4}, most[2] = {0, (uint64_t)1 << 62};
    pc_tree_params tree = {.hash = 0}, padded = {.hash = 0, .odd = PC_ODD_PAD, .limited = 1, .limit = 4};
    pc_plan_memory plan;
    open_plan(&plan, 3, 10, 2);
    const pc_plan_memory good = plan;
    EXPECT_INT(pc_plan_room(&tree, indices, 3, 5), 3 + 2);
    EXPECT_INT(pc_plan_room(&tree, most, 2, INT64_MAX), 63 + 62);
    EXPECT_INT(pc_plan_multiproof(&tree, indices, 3, 5, &plan), PC_OK);
    for (size_t i = 0; i < BAD; i++) REFUSED(pc_plan_multiproof(&BAD_TREES[i], indices, 3, 5, &plan));
    REFUSED(pc_plan_multiproof(NULL, indices, 3, 5, &plan));
    REFUSED(pc_plan_multiproof(&tree, NULL, 3, 5, &plan));
    REFUSED(pc_plan_multiproof(&tree, indices, 0, 5, &plan));
    REFUSED(pc_plan_multiproof(&tree, indices, 3, 4, &plan)); /* beyond the leaves */
    REFUSED(pc_plan_multiproof(&padded, indices, 3, 5, &plan));
    REFUSED(pc_plan_multiproof(&tree, indices, SIZE_MAX, 5, &plan));
    REFUSED(pc_plan_multiproof(&tree, indices, 3, 5, NULL));
    REFUSED(pc_plan_room(&tree, indices, 3, 4));
    REFUSED(pc_plan_room(&tree, indices, 0, 5));
    for (int missing = 0; missing < 4; missing++) {
        if (missing == 0) plan.helpers = NULL;
        if (missing == 1) plan.left = NULL;
        if (missing == 2) plan.right = NULL;
        if (missing == 3) plan.work = NULL;
        REFUSED(pc_plan_multiproof(&tree, indices, 3, 5, &plan));
        plan = good;
    }
    indices[1] = 0;
    REFUSED(pc_plan_multiproof(&tree, indices, 3, 5, &plan)); /* twice */
    indices[1] = 4, indices[2] = 1;
    REFUSED(pc_plan_multiproof(&tree, indices, 3, 5, &plan)); /* not ascending */
    close_plan(&plan);
}

static void test_ssz_refuses(void) {
    static const struct {
        uint64_t indices[3];
        int64_t order[3];
        int wanted;
    } cases[] = {
        {{9, 8, 5}, {0, 1, 2}, PC_OK},
        {{UINT64_MAX, 4, 2}, {0, 1, 2}, PC_PLAN_CLASH},
        {{UINT64_MAX, UINT64_MAX - 1, 2}, {0, 1, 2}, PC_OK},
        {{9, 4, 3}, {0, 1, 2}, PC_PLAN_CLASH}, /* one above another */
        {{9, 9, 3}, {0, 1, 2}, PC_PLAN_CLASH},
        {{9, 8, 1}, {0, 1, 2}, PC_PLAN_CLASH},
        {{1, 1, 1}, {0, 1, 2}, PC_PLAN_CLASH},
        {{9, 8, 0}, {0, 1, 2}, PC_ERR_ARGUMENT},
        {{8, 9, 5}, {0, 1, 2}, PC_ERR_ARGUMENT}, /* not descending */
        {{9, 8, 5}, {0, 1, 3}, PC_ERR_ARGUMENT},
        {{9, 8, 5}, {-1, 1, 2}, PC_ERR_ARGUMENT},
    };
    pc_plan_memory plan;
    open_plan(&plan, 3, 3 * 63, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_INT(pc_plan_ssz(cases[i].indices, cases[i].order, 3, &plan), cases[i].wanted);
    }
    REFUSED(pc_plan_ssz(NULL, cases[0].order, 3, &plan));
    REFUSED(pc_plan_ssz(cases[0].indices, NULL, 3, &plan));
    REFUSED(pc_plan_ssz(cases[0].indices, cases[0].order, 0, &plan));
    REFUSED(pc_plan_ssz(cases[0].indices, cases[0].order, 3, NULL));
    plan.room = 0;
    REFUSED(pc_plan_ssz(cases[0].indices, cases[0].order, 3, &plan));
    close_plan(&plan);
}

static void test_proofs_refuse(void) {
    uint8_t nodes[6 * 32] = {0}, data[96];
    uint64_t index = 2;
    int64_t offsets[2] = {0, 0};
    pc_tree_params tree = {.hash = 0}, padded = {.hash = 0, .odd = PC_ODD_PAD};
#define PROOFS(t, nodes, n_nodes, count, indices, n, offsets, data)                                                         \
    pc_merkle_proofs(t, nodes, n_nodes, count, indices, n, offsets, data)
    EXPECT_INT(PROOFS(&tree, nodes, 6, 3, &index, 1, offsets, NULL), PC_OK);
    EXPECT_INT(PROOFS(&tree, nodes, 6, 3, &index, 1, offsets, data), PC_OK);
    EXPECT_INT(PROOFS(&tree, NULL, 0, 0, NULL, 0, offsets, NULL), PC_OK);
    EXPECT_INT(offsets[0], 0);
    for (size_t i = 0; i < BAD; i++) REFUSED(PROOFS(&BAD_TREES[i], nodes, 6, 3, &index, 1, offsets, NULL));
    REFUSED(PROOFS(NULL, nodes, 6, 3, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, NULL, 6, 3, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 5, 3, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 6, 4, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 0, 0, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 6, UINT64_MAX, &index, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 6, 3, NULL, 1, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 6, 3, &index, SIZE_MAX, offsets, NULL));
    REFUSED(PROOFS(&tree, nodes, 6, 3, &index, 1, NULL, NULL));
    REFUSED(PROOFS(&padded, nodes, 6, 3, &index, 1, offsets, NULL)); /* no roots of empty subtrees */
    offsets[0] = 32, offsets[1] = 64;
    REFUSED(PROOFS(&tree, nodes, 6, 3, &index, 1, offsets, data));
#undef PROOFS
}

/* ----------------------------------------------------------------------------------------------------------------------- */

static void test_tree(void) {
    memset(zeros, 0, sizeof zeros);
    for (size_t height = 0; height < 64; height++) {
        hash_pair(zeros + height * size, zeros + height * size, zeros + (height + 1) * size);
    }
    test_growing(0);
    test_growing(1);
    test_levels_of_growing();
    for (uint64_t count = 1; count <= 21; count += THOROUGH ? 1 : 5) {
        for (unsigned one_in = 1; one_in < 6; one_in += 2) test_multiproof(count, one_in);
        test_proofs(count);
    }
    test_multiproof(LEAVES, 1);
    test_multiproof(LEAVES, 2);
    test_multiproof(LEAVES, 50);
    for (int i = 0; i < (THOROUGH ? 60 : 6); i++) test_ssz();
}

int main(void) {
    static const uint8_t prefix[] = {1}, leaf_prefix[] = {0};
    pc_backend_row row;
    int tested = 0;
    for (backend = 0; pc_backend_at(backend, &row) == PC_OK; backend++) {
        for (int h = 0; row.usable && pc_hash_at(h); h++) {
            uint8_t digest[DIGEST];
            if (pc_hash_rows(backend, h, NULL, 0, 1, digest) == PC_ERR_BACKEND) continue; /* no kernel for this hash */
            size = pc_hash_at(h)->digest_size;
            test_fill(leaves[0], sizeof leaves);
            for (int shape = 0; shape < 4; shape++) { /* the last one: padded, with a limit */
                const int promotes = shape == PC_ODD_PROMOTE;
                params = (pc_tree_params){.hash = h, .odd = shape < 3 ? shape : PC_ODD_PAD, .limited = shape == 3};
                params.limit = shape == 3 ? LIMIT : 0;
                params.prefix = promotes ? prefix : NULL, params.prefix_len = promotes;
                params.leaf_prefix = leaf_prefix, params.leaf_prefix_len = promotes;
                params.zeros = zeros;
                test_tree();
                tested++;
            }
        }
    }
    test_growing_refuses();
    test_multiproof_refuses();
    test_plans_refuse();
    test_ssz_refuses();
    test_proofs_refuse();
    EXPECT(tested >= 11 * 4);
    return test_report("test_trees");
}
