/* plan.c - the integer side of proofs: where their nodes stand, and in which order to hash from known
 * nodes to a root. Nothing is hashed here, and nothing follows from a proof: positions and sizes alone
 * decide. */
#include "trees.h"

/* The nodes of a plan are known by slots: first the given nodes, then what a proof supplies (helpers),
 * then, in trees that pad, the roots of empty subtrees, then the parents. Where helpers and parents begin
 * is known at the end only. Until then a helper is -1 - its number, an empty subtree NOTHING + its height,
 * and parent i is (given nodes) + i. */
#define NOTHING (-((int64_t)1 << 62))
enum { ZEROS = PC_DEPTH_MAX + 1 };

static int plan_ok(const pc_plan_memory *plan, size_t n) {
    if (!plan || !n || n > PC_MAX_ITEMS / 64 || plan->room > PC_MAX_ITEMS || !plan->work) return 0;
    return plan->room == 0 || (plan->helpers && plan->left && plan->right);
}

static void begin(pc_plan_memory *plan) {
    plan->n_helpers = plan->n_parents = plan->n_waves = 0;
    plan->waves[0] = 0;
}

/* A parent of two provisional slots; 0 when there is no room. */
static int join(pc_plan_memory *plan, int64_t slot, int64_t partner, int swap) {
    if (plan->n_parents == plan->room) return 0;
    plan->left[plan->n_parents] = swap ? partner : slot;
    plan->right[plan->n_parents++] = swap ? slot : partner;
    return 1;
}

/* Parents joined since the last wave make one. */
static void end_wave(pc_plan_memory *plan) {
    if ((int64_t)plan->n_parents > plan->waves[plan->n_waves]) plan->waves[++plan->n_waves] = (int64_t)plan->n_parents;
}

static int64_t settled(int64_t slot, int64_t given, int64_t helpers, int64_t zeros) {
    if (slot < NOTHING / 2) return slot - NOTHING + given + helpers;
    if (slot < 0) return given - 1 - slot;
    return slot < given ? slot : slot + helpers + zeros;
}

/* Provisional slots to final ones. */
static void settle(pc_plan_memory *plan, size_t n, int64_t root, int64_t zeros) {
    const int64_t given = (int64_t)n, helpers = (int64_t)plan->n_helpers;
    for (size_t i = 0; i < plan->n_parents; i++) {
        plan->left[i] = settled(plan->left[i], given, helpers, zeros);
        plan->right[i] = settled(plan->right[i], given, helpers, zeros);
    }
    plan->root = settled(root, given, helpers, zeros);
}

/* ---- multiproofs ------------------------------------------------------------------------------------------------------ */

static int indices_ok(const pc_tree_params *tree, const uint64_t *indices, size_t n, uint64_t leaf_count) {
    if (!pc_tree_hash(tree) || !pc_tree_holds(tree, leaf_count) || !indices || !n || n > PC_MAX_ITEMS / 64) return 0;
    for (size_t i = 1; i < n; i++) {
        if (indices[i] <= indices[i - 1]) return 0;
    }
    return indices[n - 1] < leaf_count;
}

int64_t pc_plan_room(const pc_tree_params *tree, const uint64_t *indices, size_t n, uint64_t leaf_count) {
    if (!indices_ok(tree, indices, n, leaf_count)) return PC_ERR_ARGUMENT;
    int64_t nodes = pc_tree_depth(tree, leaf_count);
    for (size_t i = 1; i < n; i++) {
        unsigned height = 0; /* on which the ways of two neighbours meet */
        for (uint64_t apart = indices[i] ^ indices[i - 1]; apart; apart >>= 1) height++;
        nodes += height - 1;
    }
    return nodes;
}

int pc_plan_multiproof(const pc_tree_params *tree, const uint64_t *indices, size_t n, uint64_t leaf_count,
                       pc_plan_memory *plan) {
    if (!plan_ok(plan, n) || !indices_ok(tree, indices, n, leaf_count)) return PC_ERR_ARGUMENT;
    uint64_t *positions = plan->work; /* of the nodes known on the present level, ascending, and their slots */
    int64_t *slots = (int64_t *)plan->work + n;
    const unsigned depth = pc_tree_depth(tree, leaf_count);
    const int pads = tree->odd == PC_ODD_PAD;
    size_t count = n;
    uint64_t last = leaf_count - 1; /* position of the last node of the level */
    begin(plan);
    for (size_t i = 0; i < n; i++) positions[i] = indices[i], slots[i] = (int64_t)i;
    for (unsigned level = 0; level < depth; level++, last >>= 1) {
        size_t written = 0;
        for (size_t i = 0; i < count;) {
            const uint64_t position = positions[i], other = position ^ 1;
            const int64_t slot = slots[i++];
            int64_t partner = slot;
            if (other > last && tree->odd == PC_ODD_PROMOTE) {
                positions[written] = position >> 1;
                slots[written++] = slot;
                continue;
            }
            if (other > last) {
                if (pads) partner = NOTHING + (int64_t)level;
            } else if (i < count && positions[i] == other) {
                partner = slots[i++];
            } else {
                if (plan->n_helpers == plan->room) return PC_ERR_ARGUMENT;
                plan->helpers[2 * plan->n_helpers] = level;
                plan->helpers[2 * plan->n_helpers + 1] = other;
                partner = -1 - (int64_t)plan->n_helpers++;
            }
            if (!join(plan, slot, partner, position & 1)) return PC_ERR_ARGUMENT;
            positions[written] = position >> 1;
            slots[written++] = (int64_t)(n + plan->n_parents) - 1;
        }
        count = written;
        end_wave(plan);
    }
    settle(plan, n, slots[0], pads ? ZEROS : 0);
    return PC_OK;
}

/* ---- generalized indices ---------------------------------------------------------------------------------------------- */

/* Two descending queues, merged: the given indices, and the parents found so far. A parent is smaller than
 * all that was taken before it was made, so both stay sorted. */
typedef struct merged {
    const uint64_t *indices;
    const int64_t *order;
    size_t n, given; /* the next given one */
    uint64_t *queue;
    int64_t *slots; /* of the queue */
    size_t head, tail;
} merged;

static uint64_t next_given(const merged *m) { return m->given < m->n ? m->indices[m->order[m->given]] : 0; }
static uint64_t next_parent(const merged *m) { return m->head < m->tail ? m->queue[m->head] : 0; }

static int64_t take_given(merged *m) { return m->order[m->given++]; }
static int64_t take_parent(merged *m) { return m->slots[m->head++]; }

/* Whether the next given index is also the next parent: it lies above another given one. */
static int clash(const merged *m) { return m->given < m->n && next_given(m) == next_parent(m); }

int pc_plan_ssz(const uint64_t *indices, const int64_t *order, size_t n, pc_plan_memory *plan) {
    if (!plan_ok(plan, n) || !indices || !order) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        if (order[i] < 0 || (uint64_t)order[i] >= n || !indices[order[i]]) return PC_ERR_ARGUMENT;
        if (i && indices[order[i]] > indices[order[i - 1]]) return PC_ERR_ARGUMENT;
        if (i && indices[order[i]] == indices[order[i - 1]]) return PC_PLAN_CLASH;
    }
    merged m = {indices, order, n, 0, plan->work, (int64_t *)plan->work + plan->room, 0, 0};
    uint64_t floor = 1; /* the first index of the present level */
    while (next_given(&m) / 2 >= floor) floor *= 2;
    begin(plan);
    for (;;) {
        if (clash(&m)) return PC_PLAN_CLASH;
        const int given = next_given(&m) > next_parent(&m);
        const uint64_t node = given ? next_given(&m) : next_parent(&m), other = node ^ 1;
        const int64_t slot = given ? take_given(&m) : take_parent(&m);
        if (node == 1) {
            if (m.given < n) return PC_PLAN_CLASH;
            end_wave(plan);
            settle(plan, n, slot, 0);
            return PC_OK;
        }
        for (; node < floor; floor /= 2) end_wave(plan);
        /* The sibling of an odd index comes next, if it is known; that of an even one was before it, so is not. */
        if (clash(&m)) return PC_PLAN_CLASH;
        int64_t partner;
        if (node & 1 && next_given(&m) == other) {
            partner = take_given(&m);
        } else if (node & 1 && next_parent(&m) == other) {
            partner = take_parent(&m);
        } else {
            if (plan->n_helpers == plan->room) return PC_ERR_ARGUMENT;
            plan->helpers[plan->n_helpers] = other;
            partner = -1 - (int64_t)plan->n_helpers++;
        }
        if (!join(plan, slot, partner, node & 1)) return PC_ERR_ARGUMENT;
        m.queue[m.tail] = node >> 1;
        m.slots[m.tail++] = (int64_t)(n + plan->n_parents) - 1;
    }
}

/* ---- proofs of single leaves ------------------------------------------------------------------------------------------ */

/* Copies the siblings of one leaf out of a tree's levels. */
static void copy_proof(const pc_tree_params *tree, const uint8_t *nodes, uint64_t leaf_count, uint64_t index, size_t size,
                       uint8_t *out) {
    const unsigned depth = pc_tree_depth(tree, leaf_count);
    uint64_t last = leaf_count - 1;
    for (unsigned height = 0; height < depth; height++, index >>= 1, last >>= 1) {
        const uint8_t *from = NULL; /* promoted: no sibling */
        if ((index ^ 1) <= last) {
            from = nodes + (index ^ 1) * size;
        } else if (tree->odd == PC_ODD_DUPLICATE) {
            from = nodes + index * size;
        } else if (tree->odd == PC_ODD_PAD) {
            from = tree->zeros + height * size;
        }
        if (from) {
            pc_digest_copy(out, from, size);
            out += size;
        }
        if (last) nodes += (last + 1) * size; /* above the root there are empty subtrees alone */
    }
}

int pc_merkle_proofs(const pc_tree_params *tree, const uint8_t *nodes, size_t n_nodes, uint64_t leaf_count,
                     const uint64_t *indices, size_t n, int64_t *offsets, uint8_t *data) {
    const pc_hash_row *row = pc_tree_hash(tree);
    if (!row || n > PC_MAX_ITEMS / 64 || n_nodes > PC_MAX_ITEMS || leaf_count > n_nodes || !offsets) return PC_ERR_ARGUMENT;
    if (n && (!indices || !nodes || !pc_tree_holds(tree, leaf_count))) return PC_ERR_ARGUMENT;
    if (n && tree->odd == PC_ODD_PAD && !tree->zeros) return PC_ERR_ARGUMENT;
    uint64_t all = leaf_count;
    for (uint64_t width = leaf_count; width > 1; all += width) width -= width / 2;
    if (all != n_nodes) return PC_ERR_ARGUMENT;
    if (!data) offsets[0] = 0;
    if (offsets[0]) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        uint64_t left, self;
        if (indices[i] >= leaf_count) return PC_ERR_ARGUMENT;
        const size_t steps = pc_tree_walk(tree, indices[i], leaf_count, &left, &self);
        const int64_t end = offsets[i] + (int64_t)(steps * row->digest_size);
        if (!data) offsets[i + 1] = end;
        if (offsets[i + 1] != end) return PC_ERR_ARGUMENT;
        if (data) copy_proof(tree, nodes, leaf_count, indices[i], row->digest_size, data + offsets[i]);
    }
    return PC_OK;
}
