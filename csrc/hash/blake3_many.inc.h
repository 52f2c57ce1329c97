/* blake3_many.inc.h - blake3_many and blake3_merkle_level: short messages in lanes, long ones as trees of chunks.
 *
 * Messages of one chunk are scheduled as those of any other hash (many.inc.h makes blake3_short_many). When a message is longer,
 * the chunks of as many messages as fit go through the lanes together, and so do the parents of all their trees, level by level:
 * neighbours are paired and an odd last node moves up, which is BLAKE3's tree. A message of more than FOREST chunks is cut into
 * subtrees of FOREST chunks, whose roots are merged as they come. */

enum { BLAKE3_FOREST = 256 };

#define MANY         blake3_short
#define MANY_WORD    uint32_t
#define MANY_LANES   W32
#define MANY_INDEX   HASH_INDEX_W32
#define MANY_WORDS   BLAKE3_WORDS
#define MANY_BLOCK   64
#define MANY_DIGEST  32
#define MANY_BLOCKS  blake3_blocks
#define MANY_INITIAL blake3_initial
#define MANY_PAD     hash_pad_zeros_64
#define MANY_ROWS    blake3_rows
#define MANY_ROW     32
#define MANY_LAST    blake3_last
#define MANY_DIRECT  blake3_direct
#include "many.inc.h"

/* Trees under construction. Nodes of a tree are neighbours, trees lie one after the other. */
typedef struct blake3_forest {
    size_t trees, chunks;
    uint16_t first[BLAKE3_FOREST], count[BLAKE3_FOREST]; /* nodes of each tree */
    uint8_t nodes[BLAKE3_FOREST][32];
} blake3_forest;

/* A message as its chunks see it. */
typedef struct blake3_source {
    const uint8_t *prefix, *data;
    size_t prefix_len, len;
    uint64_t before; /* chunks in front of these */
} blake3_source;

/* W32 whole chunks from `data` on, the first with this counter, a multiple of W32; or, with `parent`, W32 pairs. Their digests may lie
 * over what was read. */
static void blake3_row(const uint8_t *data, int parent, uint64_t counter, uint8_t *out) {
    static const uint32_t lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, zero[16];
    uint32_t state[BLAKE3_WORDS * W32];
    const uint8_t *at[W32];
    const size_t size = parent ? 64 : BLAKE3_CHUNK;
    for (size_t w = 0; w < BLAKE3_FLAGS; w++) v32_store(state + HASH_INDEX_W32(w, 0), v32_set1(blake3_initial[w]));
    v32_store(state + HASH_INDEX_W32(BLAKE3_FLAGS, 0), v32_set1(parent ? BLAKE3_PARENT : BLAKE3_START));
    v32_store(state + HASH_INDEX_W32(BLAKE3_SIZE, 0), v32_set1(64));
    v32_store(state + HASH_INDEX_W32(BLAKE3_COUNTER, 0),
              v32_add(v32_set1((uint32_t)counter), v32_load(parent ? zero : lane)));
    v32_store(state + HASH_INDEX_W32(BLAKE3_COUNTER + 1, 0), v32_set1((uint32_t)(counter >> 32)));
    for (size_t j = 0; j < W32; j++) at[j] = data + j * size;
    if (!parent) {
        blake3_blocks(state, at, BLAKE3_CHUNK / 64 - 1);
        for (size_t j = 0; j < W32; j++) at[j] += BLAKE3_CHUNK - 64;
        v32_store(state + HASH_INDEX_W32(BLAKE3_FLAGS, 0), v32_set1(BLAKE3_END));
    }
    blake3_blocks(state, at, 1);
    blake3_rows(out, state);
}

/* Up to W32 chunks or parents on their way through the lanes. */
typedef struct blake3_lanes {
    size_t used;
    uint32_t state[BLAKE3_WORDS * W32];
    const uint8_t *at[W32];
    size_t inner[W32]; /* blocks before the last one */
    uint8_t *out[W32];
    uint32_t last_flags[W32], last_size[W32];
    uint8_t copied[W32][BLAKE3_CHUNK]; /* chunks that hold some of the prefix, and last blocks that are not whole */
} blake3_lanes;

/* Compresses what is in the lanes. Whole chunks take two steps: 15 blocks, and the last one. */
static void blake3_flush(blake3_lanes *l) {
    uint8_t rows[W32 * 32];
    size_t left = l->used;
    while (left) {
        const uint8_t *any = NULL;
        size_t step = SIZE_MAX;
        for (size_t j = 0; j < l->used; j++) {
            if (!l->out[j]) continue;
            any = l->at[j];
            if (l->inner[j] == 0) {
                l->state[HASH_INDEX_W32(BLAKE3_FLAGS, j)] |= l->last_flags[j];
                l->state[HASH_INDEX_W32(BLAKE3_SIZE, j)] = l->last_size[j];
                step = 1;
            } else if (l->inner[j] < step) {
                step = l->inner[j];
            }
        }
        for (size_t j = 0; j < W32; j++) {
            if (j >= l->used || !l->out[j]) l->at[j] = any;
        }
        blake3_blocks(l->state, l->at, step);
        int written = 0;
        for (size_t j = 0; j < l->used; j++) {
            if (!l->out[j]) continue;
            if (l->inner[j]) {
                l->inner[j] -= step;
                l->at[j] += step * 64;
                continue;
            }
            if (!written) blake3_rows(rows, l->state);
            written = 1;
            memcpy(l->out[j], rows + 32 * j, 32);
            l->out[j] = NULL;
            left--;
        }
    }
    l->used = 0;
}

/* The next free lane, with an initial state. */
static size_t blake3_slot(blake3_lanes *l, uint32_t flags, uint64_t counter) {
    if (l->used == W32) blake3_flush(l);
    size_t j = l->used++;
    for (size_t w = 0; w < BLAKE3_WORDS; w++) l->state[HASH_INDEX_W32(w, j)] = blake3_initial[w];
    l->state[HASH_INDEX_W32(BLAKE3_FLAGS, j)] = flags;
    l->state[HASH_INDEX_W32(BLAKE3_COUNTER, j)] = (uint32_t)counter;
    l->state[HASH_INDEX_W32(BLAKE3_COUNTER + 1, j)] = (uint32_t)(counter >> 32);
    return j;
}

static void blake3_parent(blake3_lanes *l, const uint8_t *pair, uint32_t root, uint8_t *out) {
    size_t j = blake3_slot(l, 0, 0);
    l->at[j] = pair;
    l->inner[j] = 0;
    l->last_flags[j] = BLAKE3_PARENT | root;
    l->last_size[j] = 64;
    l->out[j] = out;
}

/* Chunk `counter` of the source. */
static void blake3_chunk(blake3_lanes *l, const blake3_source *s, uint64_t counter, uint32_t root, uint8_t *out) {
    size_t j = blake3_slot(l, BLAKE3_START, s->before + counter), begin = (size_t)counter * BLAKE3_CHUNK;
    size_t total = s->prefix_len + s->len, size = total - begin < BLAKE3_CHUNK ? total - begin : BLAKE3_CHUNK;
    if (begin >= s->prefix_len && size == BLAKE3_CHUNK) {
        l->at[j] = s->data + (begin - s->prefix_len);
    } else {
        uint8_t *to = l->copied[j];
        size_t skipped = begin < s->prefix_len ? 0 : begin - s->prefix_len;
        size_t kept = begin < s->prefix_len ? s->prefix_len - begin : 0;
        if (kept > size) kept = size;
        if (kept) memcpy(to, s->prefix + begin, kept);
        if (size > kept) memcpy(to + kept, s->data + skipped, size - kept);
        size_t end = size ? (size + 63) / 64 * 64 : 64;
        memset(to + size, 0, end - size);
        l->at[j] = to;
    }
    l->inner[j] = size ? (size - 1) / 64 : 0;
    l->last_flags[j] = BLAKE3_END | root;
    l->last_size[j] = (uint32_t)(size - l->inner[j] * 64);
    l->out[j] = out;
}

/* Adds a tree of `chunks` chunks of a message, the first of them with this counter. */
static void blake3_plant(blake3_forest *f, blake3_lanes *l, const blake3_source *s, uint64_t counter, size_t chunks,
                         uint32_t root) {
    uint8_t (*nodes)[32] = f->nodes + f->chunks;
    f->first[f->trees] = (uint16_t)f->chunks;
    f->count[f->trees++] = (uint16_t)chunks;
    f->chunks += chunks;
    size_t c = 0, begin = (size_t)counter * BLAKE3_CHUNK, whole = 0; /* chunks that lie in the data alone and are full */
    if (begin >= s->prefix_len) whole = (s->len - (begin - s->prefix_len)) / BLAKE3_CHUNK;
    for (; W32 > 1 && c + W32 <= whole && c + W32 <= chunks; c += W32) {
        const uint8_t *data = s->data + (begin - s->prefix_len) + c * BLAKE3_CHUNK;
        blake3_row(data, 0, s->before + counter + c, nodes[c]);
    }
    for (; c < chunks; c++) blake3_chunk(l, s, counter + c, chunks == 1 ? root : 0, nodes[c]);
}

/* Reduces every tree to its root, at nodes[first]. A parent goes where no pair that is still to be read lies: node i is made of
 * nodes 2 i and 2 i + 1. */
static void blake3_grow(blake3_forest *f, blake3_lanes *l, uint32_t root) {
    blake3_flush(l);
    for (int busy = 1; busy;) {
        busy = 0;
        for (size_t t = 0; t < f->trees; t++) {
            uint8_t (*nodes)[32] = f->nodes + f->first[t];
            size_t i = 0;
            for (; W32 > 1 && i + W32 <= f->count[t] / 2u; i += W32) {
                blake3_row(nodes[2 * i], 1, 0, nodes[i]);
            }
            for (; i < f->count[t] / 2u; i++) {
                blake3_parent(l, nodes[2 * i], f->count[t] == 2 ? root : 0, nodes[i]);
            }
        }
        blake3_flush(l);
        for (size_t t = 0; t < f->trees; t++) {
            uint8_t (*nodes)[32] = f->nodes + f->first[t];
            size_t count = f->count[t];
            if (count > 1 && count % 2) memcpy(nodes[count / 2], nodes[count - 1], 32);
            f->count[t] = (uint16_t)((count + 1) / 2);
            busy |= f->count[t] > 1;
        }
    }
}

/* One message of more than FOREST chunks: the roots of whole subtrees, of which two of one size are merged at once. Nothing that
 * could be the root is merged before the end. */
typedef struct blake3_spine {
    uint64_t subtrees;     /* of FOREST chunks, merged or not */
    size_t depth;          /* nodes below */
    uint8_t nodes[56][32]; /* 2^64 bytes are 2^46 subtrees; two more while merging */
} blake3_spine;

/* Hashes the next subtree, at most FOREST chunks, and puts its root behind the others. */
static void blake3_subtree(blake3_spine *spine, blake3_forest *f, blake3_lanes *l, const blake3_source *s, uint64_t counter,
                           size_t chunks) {
    f->trees = f->chunks = 0;
    blake3_plant(f, l, s, counter, chunks, 0);
    blake3_grow(f, l, 0);
    memcpy(spine->nodes[spine->depth++], f->nodes[0], 32);
    f->trees = f->chunks = 0;
}

/* Merges the last subtree, a whole one that others follow, with those before it. */
static void blake3_join(blake3_spine *spine, blake3_lanes *l) {
    for (uint64_t k = ++spine->subtrees; k % 2 == 0; k /= 2) {
        spine->depth--;
        blake3_parent(l, spine->nodes[spine->depth - 1], 0, spine->nodes[spine->depth - 1]);
        blake3_flush(l);
    }
}

/* The subtrees left at the end are merged from the right. */
static void blake3_top(blake3_spine *spine, blake3_lanes *l, uint8_t *digest) {
    while (spine->depth > 1) {
        spine->depth--;
        blake3_parent(l, spine->nodes[spine->depth - 1], spine->depth == 1 ? BLAKE3_ROOT : 0,
                      spine->nodes[spine->depth - 1]);
        blake3_flush(l);
    }
    memcpy(digest, spine->nodes[0], 32);
}

static void blake3_long(blake3_forest *f, blake3_lanes *l, const blake3_source *s, uint64_t chunks, uint8_t *digest) {
    blake3_spine spine = {.depth = 0};
    for (uint64_t counter = 0; counter < chunks; counter += BLAKE3_FOREST) {
        uint64_t left = chunks - counter;
        blake3_subtree(&spine, f, l, s, counter, left < BLAKE3_FOREST ? (size_t)left : BLAKE3_FOREST);
        if (left > BLAKE3_FOREST) blake3_join(&spine, l);
    }
    blake3_top(&spine, l, digest);
}

static void blake3_harvest(blake3_forest *f, blake3_lanes *l, uint8_t *digests) {
    blake3_grow(f, l, BLAKE3_ROOT);
    for (size_t t = 0; t < f->trees; t++) memcpy(digests + 32 * t, f->nodes[f->first[t]], 32);
    f->trees = f->chunks = 0;
}

PC_NOINLINE void blake3_trees(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                              uint8_t *digests) {
    blake3_forest f;
    blake3_lanes l;
    f.trees = f.chunks = l.used = 0;
    for (size_t i = 0; i < n; i++) {
        blake3_source s = {.prefix = prefix, .prefix_len = prefix_len};
        s.data = pc_column_row(messages, i, &s.len);
        uint64_t total = (uint64_t)prefix_len + s.len, chunks = total ? (total + BLAKE3_CHUNK - 1) / BLAKE3_CHUNK : 1;
        if (f.chunks + chunks > BLAKE3_FOREST) blake3_harvest(&f, &l, digests + 32 * (i - f.trees));
        if (chunks > BLAKE3_FOREST) {
            blake3_long(&f, &l, &s, chunks, digests + 32 * i);
        } else {
            blake3_plant(&f, &l, &s, 0, (size_t)chunks, BLAKE3_ROOT);
        }
    }
    blake3_harvest(&f, &l, digests + 32 * (n - f.trees));
}

PC_NOINLINE void blake3_many(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                             uint8_t *digests) {
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        (void)pc_column_row(messages, i, &len);
        if (len > longest) longest = len;
        if (!messages->offsets) break;
    }
    if (prefix_len <= BLAKE3_CHUNK && longest <= BLAKE3_CHUNK - prefix_len) {
        blake3_short_many(prefix, prefix_len, messages, n, digests);
    } else {
        blake3_trees(prefix, prefix_len, messages, n, digests);
    }
}

/* ---- one message in pieces: its spine, and units that are subtrees ------------------------------------------------------- */

/* A piece of the message, as if all before it lay in front of it. */
static blake3_source blake3_piece(const blake3_spine *spine, const uint8_t *data, size_t len) {
    blake3_source s = {.data = data, .len = len, .before = spine->subtrees * BLAKE3_FOREST};
    return s;
}

static void blake3_begin(void *state) {
    blake3_spine *spine = state;
    spine->subtrees = 0;
    spine->depth = 0;
}

PC_NOINLINE void blake3_absorb(void *state, const uint8_t *data, size_t units) {
    blake3_spine *spine = state;
    blake3_forest f;
    blake3_lanes l;
    l.used = 0;
    for (; units; units--, data += BLAKE3_FOREST * BLAKE3_CHUNK) {
        const blake3_source s = blake3_piece(spine, data, BLAKE3_FOREST * BLAKE3_CHUNK);
        blake3_subtree(spine, &f, &l, &s, 0, BLAKE3_FOREST);
        blake3_join(spine, &l);
    }
}

PC_NOINLINE void blake3_finish(const void *state, const uint8_t *tail, size_t len, uint8_t *digest) {
    blake3_spine spine = *(const blake3_spine *)state;
    if (spine.subtrees == 0) {
        pc_column one = pc_column_fixed(tail, len);
        blake3_many(NULL, 0, &one, 1, digest);
        return;
    }
    blake3_forest f;
    blake3_lanes l;
    l.used = 0;
    const blake3_source s = blake3_piece(&spine, tail, len);
    blake3_subtree(&spine, &f, &l, &s, 0, (len + BLAKE3_CHUNK - 1) / BLAKE3_CHUNK);
    blake3_top(&spine, &l, digest);
}

static const pc_stream_ops blake3_stream = {BLAKE3_FOREST * BLAKE3_CHUNK, sizeof(blake3_spine), blake3_begin, blake3_absorb,
                                            blake3_finish};

static void blake3_merkle_level(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                uint8_t *parents) {
    hash_merkle_level(blake3_many, 32, odd, prefix, prefix_len, children, count, parents);
}
