/* ics23_read.h - proofs of existence as paths in one tree of steps. Proofs under one root share their upper steps, so a step that
 * two proofs have in common, with all steps above it, becomes one node, which is checked and hashed once.
 *
 * Only the bytes that a protobuf writer puts are read here: fields in order, each once, nothing unknown, no number longer than
 * needed. Whatever else a proof may be stays PC_UNCHECKED, for a caller that reads field by field. */
#ifndef PC_ICS23_READ_H
#define PC_ICS23_READ_H
#include "trees.h"

enum { STEPS_MAX = 1024, STEP_BYTES_MAX = 2048, LEAF_BYTES_MAX = 4096, NONE = 0xFFFFFFFF };

#if defined(__GNUC__)
#    define PREFETCH(at) __builtin_prefetch(at)
#else
#    define PREFETCH(at) ((void)(at))
#endif

typedef struct pc_ics23_reader {
    const pc_ics23_spec *spec;
    const pc_spans *proofs;
    const pc_column *keys, *values;
    pc_ics23_item *items;
    pc_ics23_node *nodes;
    size_t room, used;
    int full;            /* a node had no room */
    size_t steps;        /* of all proofs so far: never fewer than the nodes that they can need */
    const uint8_t *leaf; /* the last leaf operation that was good */
    size_t leaf_len;
    uint32_t leaf_prefix, leaf_prefix_len; /* its prefix, from its first byte on */
    /* The last proof: where its steps begin, counted from its end, and their nodes; from the root down. */
    const uint8_t *last_end;
    size_t last_len, last_steps;
    uint32_t last_group, last_from[STEPS_MAX], last_node[STEPS_MAX];
} pc_ics23_reader;

/* A length of at most four bytes, in as few as it needs, of something that ends by `end`; NULL where it is not. */
PC_FN const uint8_t *size_at(const uint8_t *p, const uint8_t *end, size_t *size) {
    size_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        if (p == end) return NULL;
        const uint8_t byte = *p++;
        value |= (size_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if ((!byte && shift) || value > (size_t)(end - p)) return NULL;
        *size = value;
        return p;
    }
    return NULL;
}

/* The content of a field of bytes with this tag, and its size; NULL where it does not come next, or is empty. */
PC_FN const uint8_t *bytes_at(const uint8_t *p, const uint8_t *end, uint8_t tag, size_t *size) {
    if (p == end || *p != tag) return NULL;
    p = size_at(p + 1, end, size);
    return p && *size ? p : NULL;
}

/* A number below 128 with this tag, 0 where it does not come next; 128: it is not written as writers do. */
PC_FN uint32_t number_at(const uint8_t **p, const uint8_t *end, uint8_t tag) {
    if (*p == end || **p != tag) return 0;
    if (end - *p < 2 || (*p)[1] == 0 || (*p)[1] > 127) return 128;
    *p += 2;
    return (*p)[-1];
}

/* One of IAVL's numbers, as Go's binary.ReadVarint reads it; NULL where there is none, or it is negative. */
PC_FN const uint8_t *iavl_number(const uint8_t *p, const uint8_t *end, uint64_t *number) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && p < end; i++) {
        const uint8_t byte = *p++;
        if (i == 9 && byte > 1) return NULL;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        *number = value >> 1;
        return value & 1 ? NULL : p;
    }
    return NULL;
}

/* Height, size and version; the rest begins at what is returned. */
PC_FN const uint8_t *iavl_head(const uint8_t *p, const uint8_t *end, uint64_t *height, uint64_t *size) {
    uint64_t version;
    p = iavl_number(p, end, height);
    p = p ? iavl_number(p, end, size) : NULL;
    return p ? iavl_number(p, end, &version) : NULL;
}

/* Whether a leaf operation is the spec's: PC_VALID, PC_MALFORMED_PROOF or PC_UNCHECKED. */
PC_FN uint8_t read_leaf(pc_ics23_reader *r, const uint8_t *leaf, size_t len) {
    const pc_ics23_spec *spec = r->spec;
    if (r->leaf && len == r->leaf_len && memcmp(leaf, r->leaf, len) == 0) {
        r->leaf = leaf;
        return PC_VALID;
    }
    const uint8_t *p = leaf, *end = leaf + len, *prefix = leaf;
    size_t prefix_len = 0;
    const uint32_t hash = number_at(&p, end, 0x08), key = number_at(&p, end, 0x10), value = number_at(&p, end, 0x18);
    const uint32_t length = number_at(&p, end, 0x20);
    if (p != end) {
        prefix = bytes_at(p, end, 0x2a, &prefix_len);
        if (!prefix || prefix + prefix_len != end || prefix_len > LEAF_BYTES_MAX) return PC_UNCHECKED;
    }
    if ((hash | key | value | length) > 127) return PC_UNCHECKED;
    if (hash != spec->leaf_op || key != spec->key_op || value != spec->value_op || length != spec->length_op)
        return PC_MALFORMED_PROOF;
    if (prefix_len < spec->leaf_prefix_len || memcmp(prefix, spec->leaf_prefix, spec->leaf_prefix_len) != 0)
        return PC_MALFORMED_PROOF;
    if (spec->flags & PC_ICS23_IAVL) {
        uint64_t height, size;
        if (iavl_head(prefix, prefix + prefix_len, &height, &size) != prefix + prefix_len) return PC_MALFORMED_PROOF;
        if ((spec->flags & PC_ICS23_STRICT) && (height != 0 || size != 1)) return PC_MALFORMED_PROOF;
    }
    r->leaf = leaf;
    r->leaf_len = len;
    r->leaf_prefix = (uint32_t)(prefix - leaf);
    r->leaf_prefix_len = (uint32_t)prefix_len;
    return PC_VALID;
}

/* Whether a step is one of the spec's, as far as it shows by itself. */
PC_FN uint8_t step_form(const pc_ics23_spec *spec, const uint8_t *prefix, const pc_ics23_node *node, uint64_t *height) {
    const size_t len = node->prefix_len;
    *height = STEPS_MAX;
    if (spec->flags & PC_ICS23_IAVL) {
        uint64_t size;
        const uint8_t *rest = iavl_head(prefix, prefix + len, height, &size);
        const size_t left = rest ? (size_t)(prefix + len - rest) : 0;
        if (!rest || (left != 1 && left != 34)) return PC_MALFORMED_PROOF;
    }
    if ((spec->flags & PC_ICS23_SIMPLE) && (spec->flags & PC_ICS23_STRICT) &&
        (prefix[0] != 1 || (node->suffix_len && len != 1)))
        return PC_MALFORMED_PROOF;
    if (len >= spec->leaf_prefix_len && memcmp(prefix, spec->leaf_prefix, spec->leaf_prefix_len) == 0)
        return PC_MALFORMED_PROOF;
    if (len < spec->min_prefix || len > (size_t)spec->max_prefix + spec->left_bytes) return PC_MALFORMED_PROOF;
    if (node->suffix_len % spec->child_size) return PC_MALFORMED_PROOF;
    if ((spec->flags & PC_ICS23_STRICT) && node->suffix_len > spec->left_bytes) return PC_MALFORMED_PROOF;
    return PC_VALID;
}

/* A new node below `parent` for a step; its number goes to *made, NONE where there is no room. */
PC_FN uint8_t new_step(pc_ics23_reader *r, uint32_t parent, size_t level, const uint8_t *step, size_t len, uint32_t *made) {
    const uint8_t *p = step, *end = step + len, *prefix, *suffix;
    size_t prefix_len, suffix_len = 0;
    uint64_t height;
    const uint32_t hash = number_at(&p, end, 0x08);
    prefix = bytes_at(p, end, 0x12, &prefix_len);
    if (!prefix || hash > 127 || len > STEP_BYTES_MAX) return PC_UNCHECKED;
    suffix = p = prefix + prefix_len;
    if (p != end) {
        suffix = bytes_at(p, end, 0x1a, &suffix_len);
        if (!suffix || suffix + suffix_len != end) return PC_UNCHECKED;
    }
    *made = NONE;
    if (r->used == r->room) {
        r->full = 1;
        return PC_VALID;
    }
    pc_ics23_node node = {.step = step - r->proofs->data, .parent = parent, .input = NONE, .to = NONE, .next = NONE};
    node.step_len = (uint16_t)len;
    node.prefix = (uint16_t)(prefix - step);
    node.prefix_len = (uint16_t)prefix_len;
    node.suffix = (uint16_t)(suffix - step);
    node.suffix_len = (uint16_t)suffix_len;
    node.level = (uint16_t)level;
    if (hash != r->spec->inner_op) return PC_MALFORMED_PROOF;
    const uint8_t verdict = step_form(r->spec, prefix, &node, &height);
    if (verdict != PC_VALID) return verdict;
    const uint64_t reach = height < STEPS_MAX ? height + level : STEPS_MAX;
    node.reach = (uint16_t)(reach < r->nodes[parent].reach ? reach : r->nodes[parent].reach);
    *made = (uint32_t)r->used++;
    r->nodes[*made] = node;
    uint32_t *child = r->nodes[parent].child;
    if (child[0] == 0) {
        child[0] = *made;
    } else if (child[1] == 0) {
        child[1] = *made;
    } /* else: not a binary tree, or a proof that lies; the node is this proof's alone */
    return PC_VALID;
}

/* How many bytes two proofs have in common before their ends. */
PC_FN size_t common_end(const uint8_t *a, const uint8_t *b, size_t most) {
    size_t same = 0;
    while (same + 32 <= most && memcmp(a - same - 32, b - same - 32, 32) == 0) same += 32;
    while (same < most && a[-1 - (ptrdiff_t)same] == b[-1 - (ptrdiff_t)same]) same++;
    return same;
}

/* Finds the steps of a path that begins at p, the lowest first, up to one at which the last proof's path goes on with the same bytes.
 * from: where they begin, counted from the end; *shared: how many steps of the last proof follow. Returns how many were found; more
 * than STEPS_MAX: bytes that are no steps, or too many. */
PC_FN size_t find_steps(pc_ics23_reader *r, uint32_t group, const uint8_t *start, const uint8_t *p, const uint8_t *end,
                        uint32_t *from, size_t *shared) {
    size_t found = 0, same = 0, step_len, level = 0;
    const size_t len = (size_t)(end - start);
    if (r->last_group == group && r->last_steps) {
        same = common_end(end, r->last_end, len < r->last_len ? len : r->last_len);
        level = r->last_steps;
    }
    *shared = 0;
    while (p != end) {
        const size_t at = (size_t)(end - p);
        if (at <= same) {
            while (level && r->last_from[level - 1] > at) level--;
            if (level && r->last_from[level - 1] == at) {
                *shared = level;
                return found;
            }
        }
        if (found == STEPS_MAX || !(p = bytes_at(p, end, 0x22, &step_len))) return STEPS_MAX + 1;
        from[found++] = (uint32_t)at;
        p += step_len;
    }
    return found;
}

/* Goes on from the steps that are shared with the last proof to the leaf: `fresh` steps, the lowest first. */
PC_FN uint8_t read_path(pc_ics23_reader *r, uint32_t group, const uint8_t *end, size_t len, size_t shared, size_t fresh,
                        const uint32_t *from, uint32_t *bottom) {
    uint32_t at = shared ? r->last_node[shared - 1] : group;
    r->last_group = group;
    r->last_end = end;
    r->last_len = len;
    for (size_t level = shared; fresh-- > 0; level++) {
        const uint8_t *step = end - from[fresh], *stop = level ? end - r->last_from[level - 1] : end;
        size_t step_len = 0;
        uint32_t found = 0;
        r->last_steps = level; /* nothing below may be taken for this proof's, whatever happens */
        step = size_at(step + 1, stop, &step_len);
        if (!step) return PC_UNCHECKED;
        for (int i = 0; i < 2 && !found; i++) {
            const uint32_t child = r->nodes[at].child[i];
            if (child && r->nodes[child].step_len == step_len &&
                memcmp(r->proofs->data + r->nodes[child].step, step, step_len) == 0)
                found = child;
        }
        if (!found) {
            const uint8_t verdict = new_step(r, at, level, step, step_len, &found);
            if (verdict != PC_VALID) return verdict;
            if (found == NONE) return PC_VALID; /* no room */
        }
        at = found;
        r->last_from[level] = from[fresh];
        r->last_node[level] = at;
        r->last_steps = level + 1;
    }
    *bottom = at;
    return PC_VALID;
}

/* Proofs of one root lie one after another, but each is read from both of its ends. */
PC_FN void prefetch_proof(const pc_spans *proofs, size_t i) {
    if (i >= proofs->n) return;
    const uint8_t *start = proofs->data + proofs->start[i * proofs->stride];
    const size_t len = (size_t)(proofs->end[i * proofs->stride] - proofs->start[i * proofs->stride]);
    for (size_t at = 0; at < len && at < 2048; at += 64) PREFETCH(start + at);
}

/* Reads proof i and checks its form; then its key and value, where they are given. */
PC_FN uint8_t read_proof(pc_ics23_reader *r, size_t i, uint32_t group, int wrapped) {
    const pc_ics23_spec *spec = r->spec;
    pc_ics23_item *item = &r->items[i];
    const uint8_t *data = r->proofs->data, *p = data + r->proofs->start[i * r->proofs->stride];
    const uint8_t *end = data + r->proofs->end[i * r->proofs->stride];
    size_t key_len, value_len, leaf_len, shared;
    uint32_t from[STEPS_MAX];
    prefetch_proof(r->proofs, i + 4);
    if (wrapped && (!(p = bytes_at(p, end, 0x0a, &key_len)) || p + key_len != end)) return PC_UNCHECKED;
    const uint8_t *start = p, *key = bytes_at(p, end, 0x0a, &key_len);
    const uint8_t *value = key ? bytes_at(key + key_len, end, 0x12, &value_len) : NULL;
    const uint8_t *leaf = value ? bytes_at(value + value_len, end, 0x1a, &leaf_len) : NULL;
    if (!leaf || end - start > INT32_MAX) return PC_UNCHECKED;
    const size_t fresh = find_steps(r, group, start, leaf + leaf_len, end, from, &shared), steps = shared + fresh;
    if (steps > STEPS_MAX) return PC_UNCHECKED;
    r->steps += steps;
    uint8_t verdict = read_leaf(r, leaf, leaf_len);
    if (verdict != PC_VALID) return verdict;
    if (steps < spec->min_depth || steps > spec->max_depth) return PC_MALFORMED_PROOF;
    item->bottom = group;
    verdict = read_path(r, group, end, (size_t)(end - start), shared, fresh, from, &item->bottom);
    if (verdict != PC_VALID) return verdict;
    if (steps > r->nodes[item->bottom].reach) return PC_MALFORMED_PROOF;
    item->key = key - data;
    item->value = value - data;
    item->leaf_prefix = leaf - data + r->leaf_prefix;
    item->leaf_prefix_len = r->leaf_prefix_len;
    item->key_len = (uint32_t)key_len;
    item->value_len = (uint32_t)value_len;
    item->steps = (uint32_t)steps;
    size_t len;
    const uint8_t *wanted;
    if (r->keys) {
        wanted = pc_column_row(r->keys, i, &len);
        if (len != key_len || memcmp(wanted, key, len) != 0) return PC_BAD_PROOF;
    }
    if (r->values) {
        wanted = pc_column_row(r->values, i, &len);
        if (len != value_len || memcmp(wanted, value, len) != 0) return PC_BAD_PROOF;
    }
    return PC_VALID;
}
#endif
