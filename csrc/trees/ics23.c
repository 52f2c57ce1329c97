/* ics23.c - proofs of existence by ICS-23, many at once. A group of proofs is read, then its leaves are hashed, then the nodes that no
 * proof before has reached, level by level from the deepest, a block of them for each call of the hash's kernel. Groups are small
 * enough that all of this stays in the second-level cache.
 *
 * A node takes the digest of the first child that reaches it. A child with another digest gets a copy of the node, which is not shared:
 * one of the two leads elsewhere than to the root, and neither changes the verdict of the other. */
#include "ics23_read.h"

enum {
    GROUP = 512,
    BLOCK = 128,
    BUFFER = 16 << 10,
    STEP_BYTES_MIN = 5
}; /* messages and their bytes that are hashed by one call; they stay in the first-level cache */

/* Messages on their way to a hash. */
typedef struct batch {
    int backend, hash;
    size_t size, n; /* of a digest; messages so far */
    int64_t offsets[BLOCK + 1];
    uint8_t bytes[BUFFER], digests[BLOCK * PC_DIGEST_MAX];
} batch;

typedef struct climb {
    pc_ics23_reader read;
    const pc_column *roots;
    size_t n, slot, leaf_size, inner_size; /* proofs; bytes between two digests */
    uint8_t *digests, *verdicts;           /* of leaves, then of nodes */
    size_t levels;                         /* one more than that of the deepest node of this group */
    uint32_t first[STEPS_MAX]; /* the nodes that this group was the first to reach, by level: lists through `next` */
    batch values, keys, out;
} climb;

/* A copy of a few bytes, mostly of as many as the one before: two overlapping pieces of a constant length are no call. */
static inline void copy_few(uint8_t *to, const uint8_t *from, size_t len) {
    if (len == 32) {
        memcpy(to, from, 32);
    } else if (len > 64 || len < 4) {
        memcpy(to, from, len);
    } else if (len > 32) {
        memcpy(to, from, 32);
        memcpy(to + len - 32, from + len - 32, 32);
    } else if (len >= 16) {
        memcpy(to, from, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    }
}

static inline void put(batch *to, const uint8_t *data, size_t len) {
    copy_few(to->bytes + to->offsets[to->n + 1], data, len);
    to->offsets[to->n + 1] += (int64_t)len;
}

/* Ends a message and begins the next one. */
static void close_message(batch *to) {
    to->n++;
    if (to->n < BLOCK) to->offsets[to->n + 1] = to->offsets[to->n];
}

static void clear(batch *to) {
    to->n = 0;
    to->offsets[0] = to->offsets[1] = 0;
}

static int fits(const batch *to, size_t len) { return to->n < BLOCK && len <= BUFFER - (size_t)to->offsets[to->n]; }

static void run(batch *to) {
    const pc_backend *ops; /* the best one for so many; that there is one was seen by prepare() */
    const pc_column column = {to->bytes, to->offsets, 0, 0};
    if (to->n && pc_resolve(PC_KIND_HASH, to->hash, to->backend, to->n, &ops, NULL) == PC_OK)
        ops->hash[to->hash].many(NULL, 0, &column, to->n, to->digests);
}

static const uint8_t *digest_at(const climb *c, uint32_t id) { return c->digests + (size_t)id * c->slot; }

static int is_root(const climb *c, uint32_t group, const uint8_t *digest, size_t size) {
    size_t len;
    const uint8_t *root = pc_column_row(c->roots, group, &len);
    return len == size && memcmp(root, digest, size) == 0;
}

/* Gives a digest to a node; returns which node took it, NONE where there is no room for a copy. */
static uint32_t deliver(climb *c, uint32_t to, uint32_t id, size_t size) {
    pc_ics23_reader *r = &c->read;
    pc_ics23_node *node = &r->nodes[to];
    if (node->input != NONE) {
        const size_t its = node->input < c->n ? c->leaf_size : c->inner_size;
        if (its == size && pc_digest_same(digest_at(c, node->input), digest_at(c, id), size)) return to;
        if (r->used == r->room) return NONE;
        to = (uint32_t)r->used++;
        r->nodes[to] = *node;
        node = &r->nodes[to];
        node->good = 0;
    }
    node->input = id;
    node->next = c->first[node->level];
    c->first[node->level] = to;
    if (node->level >= c->levels) c->levels = (size_t)node->level + 1;
    return to;
}

/* ---- leaves --------------------------------------------------------------------------------------------------------------*/

/* The bytes that stand before data of this length, by the spec's operation; 0 where that takes another length. */
static int put_length(batch *to, uint32_t op, size_t len) {
    uint8_t bytes[64] = {0}; /* as wide as the longest copy of a constant length: gcc sees the others as well */
    size_t n = 0;
    switch (op) {
    case PC_ICS23_NO_PREFIX:
        break;
    case PC_ICS23_VAR_PROTO:
        for (; len > 127; len >>= 7) bytes[n++] = (uint8_t)(len | 0x80);
        bytes[n++] = (uint8_t)len;
        break;
    case PC_ICS23_FIXED32_BIG:
    case PC_ICS23_FIXED64_BIG:
        n = op == PC_ICS23_FIXED32_BIG ? 4 : 8;
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)((uint64_t)len >> 8 * (n - 1 - i));
        break;
    case PC_ICS23_FIXED32_LITTLE:
    case PC_ICS23_FIXED64_LITTLE:
        n = op == PC_ICS23_FIXED32_LITTLE ? 4 : 8;
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)((uint64_t)len >> 8 * i);
        break;
    case PC_ICS23_REQUIRE_32:
        return len == 32;
    default:
        return op == PC_ICS23_REQUIRE_64 && len == 64;
    }
    put(to, bytes, n);
    return 1;
}

/* Hashes key or value of the proofs in `rows` before they are part of a leaf. */
static void hash_parts(const climb *c, batch *to, const uint32_t *rows, size_t n, int values) {
    const uint8_t *data = c->read.proofs->data;
    clear(to);
    for (size_t i = 0; i < n; i++) {
        const pc_ics23_item *item = &c->read.items[rows[i]];
        put(to, data + (values ? item->value : item->key), values ? item->value_len : item->key_len);
        close_message(to);
    }
    run(to);
}

/* Bytes that a proof's leaf takes in the buffers, each; more than BUFFER: its parts are hashed by themselves. */
static size_t leaf_room(const climb *c, const pc_ics23_item *item) {
    const pc_ics23_spec *spec = c->read.spec;
    const size_t key = spec->key_hash < 0 ? item->key_len : PC_DIGEST_MAX;
    const size_t value = spec->value_hash < 0 ? item->value_len : PC_DIGEST_MAX;
    const size_t whole = item->leaf_prefix_len + key + value + 16;
    const size_t part = item->key_len > item->value_len ? item->key_len : item->value_len;
    return whole > part ? whole : part;
}

/* The digests of the leaves of some proofs, whose nodes get them. 0 where there was no room for a copy. */
static int hash_leaves(climb *c, const uint32_t *rows, size_t n) {
    const pc_ics23_spec *spec = c->read.spec;
    const uint8_t *data = c->read.proofs->data;
    uint32_t whole[BLOCK];
    size_t kept = 0;
    if (spec->key_hash >= 0) hash_parts(c, &c->keys, rows, n, 0);
    if (spec->value_hash >= 0) hash_parts(c, &c->values, rows, n, 1);
    clear(&c->out);
    for (size_t i = 0; i < n; i++) {
        const pc_ics23_item *item = &c->read.items[rows[i]];
        const uint8_t *key = spec->key_hash < 0 ? data + item->key : c->keys.digests + i * c->keys.size;
        const uint8_t *value = spec->value_hash < 0 ? data + item->value : c->values.digests + i * c->values.size;
        const size_t key_len = spec->key_hash < 0 ? item->key_len : c->keys.size;
        const size_t value_len = spec->value_hash < 0 ? item->value_len : c->values.size;
        const int64_t start = c->out.offsets[c->out.n + 1];
        put(&c->out, data + item->leaf_prefix, item->leaf_prefix_len);
        int good = put_length(&c->out, spec->length_op, key_len);
        put(&c->out, key, key_len);
        good = good && put_length(&c->out, spec->length_op, value_len);
        put(&c->out, value, value_len);
        if (!good || (item->steps && c->inner_size > spec->child_size && spec->child_size >= 32)) {
            c->verdicts[rows[i]] = PC_MALFORMED_PROOF;
            c->out.offsets[c->out.n + 1] = start;
            continue;
        }
        whole[kept++] = rows[i];
        close_message(&c->out);
    }
    run(&c->out);
    for (size_t i = 0; i < kept; i++) {
        pc_ics23_item *item = &c->read.items[whole[i]];
        uint8_t *digest = c->digests + whole[i] * c->slot;
        pc_digest_copy(digest, c->out.digests + i * c->leaf_size, c->leaf_size);
        if (!item->steps) {
            if (!is_root(c, item->bottom, digest, c->leaf_size)) c->verdicts[whole[i]] = PC_BAD_PROOF;
            continue;
        }
        item->to = deliver(c, item->bottom, whole[i], c->leaf_size);
        if (item->to == NONE) return 0;
    }
    return 1;
}

static int climb_leaves(climb *c, size_t first, size_t last) {
    uint32_t rows[BLOCK];
    size_t n = 0, bytes = 0;
    for (size_t i = first; i < last; i++) {
        if (c->verdicts[i] != PC_VALID) continue;
        const size_t room = leaf_room(c, &c->read.items[i]);
        if (room > BUFFER) { /* for a caller that hashes it by itself */
            c->verdicts[i] = PC_UNCHECKED;
            continue;
        }
        if (n == BLOCK || bytes + room > BUFFER) {
            if (!hash_leaves(c, rows, n)) return 0;
            n = bytes = 0;
        }
        rows[n++] = (uint32_t)i;
        bytes += room;
    }
    return hash_leaves(c, rows, n);
}

/* ---- nodes ---------------------------------------------------------------------------------------------------------------*/

static void put_node(climb *c, const pc_ics23_node *node) {
    const uint8_t *step = c->read.proofs->data + node->step;
    put(&c->out, step + node->prefix, node->prefix_len);
    put(&c->out, digest_at(c, node->input), node->input < c->n ? c->leaf_size : c->inner_size);
    put(&c->out, step + node->suffix, node->suffix_len);
}

/* Whether a node's message is the one that was put last: two children of one node tell the same of it. */
static int told_before(const climb *c, const pc_ics23_node *node) {
    const batch *to = &c->out;
    if (!to->n) return 0;
    const uint8_t *last = to->bytes + to->offsets[to->n - 1], *step = c->read.proofs->data + node->step;
    const size_t size = node->input < c->n ? c->leaf_size : c->inner_size;
    const size_t len = (size_t)(to->offsets[to->n] - to->offsets[to->n - 1]);
    if (len != node->prefix_len + size + node->suffix_len) return 0;
    return pc_digest_same(last + node->prefix_len, digest_at(c, node->input), size) &&
           memcmp(last, step + node->prefix, node->prefix_len) == 0 &&
           memcmp(last + node->prefix_len + size, step + node->suffix, node->suffix_len) == 0;
}

/* Hashes what was put, and passes the digests on. 0 where there was no room for a copy. */
static int pass_on(climb *c, const uint32_t *taken, const uint8_t *message, size_t n) {
    run(&c->out);
    for (size_t i = 0; i < n; i++) {
        pc_ics23_node *node = &c->read.nodes[taken[i]];
        const uint32_t id = (uint32_t)c->n + taken[i];
        uint8_t *digest = c->digests + (size_t)id * c->slot;
        pc_digest_copy(digest, c->out.digests + message[i] * c->inner_size, c->inner_size);
        if (node->level == 0) {
            node->good = (uint8_t)is_root(c, node->parent, digest, c->inner_size);
            continue;
        }
        const uint32_t to = deliver(c, node->parent, id, c->inner_size);
        if (to == NONE) return 0;
        c->read.nodes[taken[i]].to = to;
    }
    clear(&c->out);
    return 1;
}

static int climb_level(climb *c, size_t level) {
    uint32_t taken[2 * BLOCK];
    uint8_t message[2 * BLOCK];
    uint32_t parent = NONE;
    size_t n = 0;
    clear(&c->out);
    for (uint32_t at = c->first[level]; at != NONE; at = c->read.nodes[at].next) {
        const pc_ics23_node *node = &c->read.nodes[at];
        if (n == 2 * BLOCK || !fits(&c->out, STEP_BYTES_MAX + PC_DIGEST_MAX)) {
            if (!pass_on(c, taken, message, n)) return 0;
            n = 0;
        }
        if (!n || node->parent != parent || !told_before(c, node)) {
            put_node(c, node);
            close_message(&c->out);
        }
        parent = node->parent;
        message[n] = (uint8_t)(c->out.n - 1);
        taken[n++] = at;
    }
    return pass_on(c, taken, message, n);
}

/* Verdicts of the group's proofs, from the root down; empties the lists. */
static void judge(climb *c, size_t first, size_t last) {
    pc_ics23_node *nodes = c->read.nodes;
    for (size_t level = 0; level < c->levels; level++) {
        for (uint32_t at = level ? c->first[level] : NONE; at != NONE; at = nodes[at].next)
            nodes[at].good = nodes[nodes[at].to].good;
        c->first[level] = NONE;
    }
    c->levels = 0;
    for (size_t i = first; i < last; i++) {
        const pc_ics23_item *item = &c->read.items[i];
        if (c->verdicts[i] == PC_VALID && item->steps && !nodes[item->to].good) c->verdicts[i] = PC_BAD_PROOF;
    }
}

/* Has a batch use a hash; none for -1. */
static int prepare(batch *to, int backend, int hash, size_t n) {
    const pc_backend *ops;
    if (hash < 0) return PC_OK;
    const pc_hash_row *row = pc_hash_at(hash);
    if (!row) return PC_ERR_ARGUMENT;
    const int result = pc_resolve(PC_KIND_HASH, hash, backend, n < BLOCK ? n : BLOCK, &ops, NULL);
    if (result != PC_OK) return result;
    to->backend = backend;
    to->hash = hash;
    to->size = row->digest_size;
    return PC_OK;
}

static int spec_ok(const pc_ics23_spec *spec) {
    return spec && spec->child_size && spec->child_size <= INT32_MAX && spec->max_prefix <= INT32_MAX &&
           spec->left_bytes <= INT32_MAX && spec->leaf_prefix_len <= LEAF_BYTES_MAX &&
           (spec->leaf_prefix || !spec->leaf_prefix_len) && (spec->leaf_op | spec->key_op | spec->value_op) < 128 &&
           (spec->length_op | spec->inner_op) < 128 && pc_hash_at(spec->leaf_hash) && pc_hash_at(spec->inner_hash);
}

static int spans_ok(const pc_spans *spans) {
    if (!spans || spans->n > PC_MAX_ITEMS || spans->size > (size_t)PTRDIFF_MAX) return 0;
    if (spans->n && (!spans->start || !spans->end || (!spans->data && spans->size))) return 0;
    for (size_t i = 0; i < spans->n; i++) {
        const int64_t start = spans->start[i * spans->stride], end = spans->end[i * spans->stride];
        if (start < 0 || end < start || (uint64_t)end > spans->size) return 0;
    }
    return 1;
}

/* Proofs first .. last - 1. 0 where there was no room. */
static int run_group(climb *c, size_t first, size_t last, const uint32_t *groups, int wrapped) {
    const pc_ics23_spec *spec = c->read.spec;
    for (size_t i = first; i < last; i++) c->verdicts[i] = read_proof(&c->read, i, groups[i], wrapped);
    if (c->read.full) return 0;
    c->out.hash = spec->leaf_hash;
    if (!climb_leaves(c, first, last)) return 0;
    c->out.hash = spec->inner_hash;
    for (size_t level = c->levels; level-- > 0;) {
        if (!climb_level(c, level)) return 0;
    }
    judge(c, first, last);
    return 1;
}

int64_t pc_ics23_exist(int backend, const pc_ics23_spec *spec, const pc_spans *proofs, int wrapped, const pc_column *roots,
                       size_t n_roots, const uint32_t *groups, const pc_column *keys, const pc_column *values,
                       pc_ics23_item *items, pc_ics23_node *nodes, size_t room, uint8_t *digests, uint8_t *verdicts) {
    climb c; /* some 80 KB */
    size_t most = 0;
    if (!spec_ok(spec) || !spans_ok(proofs) || !pc_column_ok(roots, n_roots)) return PC_ERR_ARGUMENT;
    const size_t n = proofs->n;
    if (!n) return 0;
    if ((keys && !pc_column_ok(keys, n)) || (values && !pc_column_ok(values, n))) return PC_ERR_ARGUMENT;
    if (!groups || !items || !nodes || !digests || !verdicts || !n_roots || room < n_roots || room >= NONE - n)
        return PC_ERR_ARGUMENT;
    c.read = (pc_ics23_reader){.spec = spec,
                               .proofs = proofs,
                               .keys = keys,
                               .values = values,
                               .items = items,
                               .nodes = nodes,
                               .room = room,
                               .used = n_roots};
    c.roots = roots;
    c.n = n;
    c.digests = digests;
    c.verdicts = verdicts;
    c.leaf_size = pc_hash_at(spec->leaf_hash)->digest_size;
    c.inner_size = pc_hash_at(spec->inner_hash)->digest_size;
    c.slot = c.leaf_size > c.inner_size ? c.leaf_size : c.inner_size;
    c.levels = 0;
    for (size_t i = 0; i < STEPS_MAX; i++) c.first[i] = NONE;
    const int codes[] = {prepare(&c.values, backend, spec->value_hash, n), prepare(&c.keys, backend, spec->key_hash, n),
                         prepare(&c.out, backend, spec->inner_hash, n), prepare(&c.out, backend, spec->leaf_hash, n)};
    for (size_t i = 0; i < 4; i++) {
        if (codes[i] != PC_OK) return codes[i];
    }
    for (size_t i = 0; i < n_roots; i++)
        nodes[i] = (pc_ics23_node){.input = NONE, .to = NONE, .next = NONE, .reach = UINT16_MAX};
    for (size_t i = 0; i < n; i++) {
        if (groups[i] >= n_roots) return PC_ERR_ARGUMENT;
    }
    for (size_t first = 0; first < n; first += GROUP) {
        if (run_group(&c, first, n - first < GROUP ? n : first + GROUP, groups, wrapped)) continue;
        for (size_t i = 0; i < n; i++) most += (size_t)(proofs->end[i * proofs->stride] - proofs->start[i * proofs->stride]);
        return (int64_t)(n_roots + most / STEP_BYTES_MIN + 1);
    }
    return 0;
}

/* ---- neighbours ----------------------------------------------------------------------------------------------------------*/

/* Whether a step starts from this child, by the lengths of its prefix and suffix. */
static int is_child(const pc_ics23_spec *spec, const pc_ics23_node *node, size_t child) {
    const size_t before = (size_t)spec->places[child] * spec->child_size;
    return node->prefix_len >= before + spec->min_prefix && node->prefix_len <= before + spec->max_prefix &&
           node->suffix_len == spec->left_bytes - before;
}

/* Which child a step starts from; the number of children where it starts from no child. */
static size_t child_of(const pc_ics23_spec *spec, const pc_ics23_node *node) {
    size_t child = 0;
    while (child < spec->children && !is_child(spec, node, child)) child++;
    return child;
}

/* Whether the first `count` children are absent, by their places from `siblings` on, of which there are `len` bytes. */
static int are_empty(const pc_ics23_spec *spec, const uint8_t *siblings, size_t len, size_t count) {
    const size_t size = spec->child_size;
    for (size_t child = 0; child < count; child++) {
        const size_t start = (size_t)spec->places[child] * size;
        if (spec->empty_len != size || start + size > len || memcmp(siblings + start, spec->empty_child, size) != 0)
            return 0;
    }
    return 1;
}

/* Whether nothing stands left (right) of a step's child. */
static int at_edge(const pc_ics23_spec *spec, const uint8_t *data, const pc_ics23_node *node, int right) {
    const size_t last = spec->children - 1, size = spec->child_size;
    if (is_child(spec, node, right ? last : 0)) return 1;
    const size_t child = child_of(spec, node);
    if (child > last || child == (right ? last : 0)) return 0;
    const uint8_t *step = data + node->step;
    if (right) {
        const size_t count = last - child;
        return node->suffix_len == count * size && are_empty(spec, step + node->suffix, node->suffix_len, count);
    }
    if (node->prefix_len < child * size) return 0;
    return are_empty(spec, step + node->prefix + node->prefix_len - child * size, child * size, child);
}

/* The steps of a proof, from the root down; how many. */
static size_t path_of(const pc_ics23_item *item, const pc_ics23_node *nodes, const pc_ics23_node **path) {
    uint32_t at = item->bottom;
    for (size_t level = item->steps; level-- > 0; at = nodes[at].parent) path[level] = &nodes[at];
    return item->steps;
}

static int all_at_edge(const pc_ics23_spec *spec, const uint8_t *data, const pc_ics23_node *const *path, size_t from,
                       size_t to, int right) {
    while (from < to && at_edge(spec, data, path[from], right)) from++;
    return from >= to;
}

int pc_ics23_adjacent(const pc_ics23_spec *spec, const pc_spans *proofs, const pc_ics23_item *items,
                      const pc_ics23_node *nodes, const uint8_t *present, size_t n, uint8_t *marks) {
    const pc_ics23_node *left[STEPS_MAX], *right[STEPS_MAX];
    if (!spec_ok(spec) || !spec->places || !spec->children || !spans_ok(proofs) || proofs->n / 2 < n) return PC_ERR_ARGUMENT;
    const uint8_t *data = proofs->data;
    for (size_t i = 0; i < n; i++) {
        const int one = present[2 * i], other = present[2 * i + 1];
        const size_t a = one ? path_of(&items[2 * i], nodes, left) : 0;
        const size_t b = other ? path_of(&items[2 * i + 1], nodes, right) : 0;
        size_t same = 0;
        marks[i] = 0;
        if (!one || !other) {
            marks[i] = (one || other) && all_at_edge(spec, data, left, 0, a, 1) && all_at_edge(spec, data, right, 0, b, 0);
            continue;
        }
        while (same < a && same < b && left[same]->step_len == right[same]->step_len &&
               memcmp(data + left[same]->step, data + right[same]->step, left[same]->step_len) == 0)
            same++;
        if (same == a || same == b) continue; /* one path is the end of the other */
        const size_t child = child_of(spec, left[same]), next = child_of(spec, right[same]);
        marks[i] = next < spec->children && next == child + 1 && all_at_edge(spec, data, left, same + 1, a, 1) &&
                   all_at_edge(spec, data, right, same + 1, b, 0);
    }
    return PC_OK;
}
