/* many.inc.h - schedules messages of any lengths onto the lanes of one compression function. Included once per hash with
 *
 *   MANY             name, e.g. sha256: defines sha256_many, sha256_many_heads, sha256_merkle_level and sha256_stream
 *   MANY_WORD        uint32_t or uint64_t;  MANY_LANES  messages at a time
 *   MANY_WORDS       words of chaining state;  MANY_BLOCK  bytes per block;  MANY_DIGEST  bytes per digest
 *   MANY_INDEX(w, j) where word w of lane j is in the state
 *   MANY_BLOCKS      void (MANY_WORD *state, const uint8_t *const p[MANY_LANES], size_t n_blocks)
 *   MANY_STREAMS     optional: MANY_BLOCKS and MANY_EXPANDED take one more argument, how many lanes have messages: the first ones
 *   MANY_INITIAL     const MANY_WORD[MANY_WORDS]
 *   MANY_PAD         int (uint8_t *block, size_t used, uint64_t total): writes the padding behind `used` bytes of the last
 *                    block (room for two blocks) of a message of `total` bytes; returns the blocks there are now, 1 or 2
 *   MANY_ROWS        void (uint8_t *rows, const MANY_WORD *state): the state as bytes, lane after lane, MANY_ROW bytes each, of
 *                    which the first MANY_DIGEST are the digest
 *   MANY_SCHEDULE, MANY_EXPAND, MANY_EXPANDED   optional: words of a block's message schedule, void (MANY_WORD *schedule,
 *                    const uint8_t *block) that makes it, and void (MANY_WORD *state, const MANY_WORD *schedule) that
 *                    compresses the same block in every lane
 *   MANY_LAST(state, j, total)  optional: the last block is special, and always there (BLAKE2): a whole last block is no
 *                    padding's neighbour but the last block itself, and this prepares lane j for it
 *
 *   MANY_DIRECT      optional: size_t (const MANY_WORD *start, const uint8_t *kept, size_t kept_len, uint64_t total, const uint8_t
 *                    *data, ptrdiff_t stride, size_t len, size_t n, uint8_t *digests) hashes as many of n messages of one length as
 *                    it has a shorter way for, the first ones, and says how many. start: the state behind the whole blocks of the
 *                    prefix; kept: the rest of the prefix; total: bytes of a whole message. Digests may lie over rows as
 *                    in hash_merkle_level
 *   MANY_ONE         optional: void (MANY_WORD *state, const uint8_t *p, size_t n_blocks), one message by itself where that takes
 *                    less than MANY_LANES of them; word w of lane j is then at MANY_WORDS * j + w
 *   MANY_AHEAD       optional: 1 copies what has to be copied of messages of one length a step ahead. A compression that reads bytes
 *                    that were just written, by stores that do not match its loads, waits until they are in the cache; with few
 *                    lanes that shows.
 *
 * A message is prefix || head || data || padding. The whole blocks of the prefix are hashed once for all messages. The rest of
 * it, with the message's own head (at most 64 bytes: Z_A of SM2, R || A of Ed25519) and the first bytes of the data, makes up
 * up to two blocks that have to be copied (front), and the last bytes with the padding another one or two (back); all blocks
 * between are read in place (body).
 *
 * Messages of one length run in step: one shape for all, the bytes that they share written once, and a last block that is only
 * padding expanded once. Messages of different lengths are taken longest first, and a lane whose message is done takes the next
 * one; all lanes step by the shortest run among them, and lanes without a message repeat another lane's input and are ignored. */
#define MANY_CAT_(a, b) a##b
#define MANY_CAT(a, b)  MANY_CAT_(a, b)
#define MANY_FN(name)   MANY_CAT(MANY, name)
#ifdef MANY_LAST
#    define MANY_WHOLE(len) ((len) ? ((len) - 1) / MANY_BLOCK : 0) /* blocks before the last one */
#else
#    define MANY_WHOLE(len) ((len) / MANY_BLOCK)
#endif

enum { MANY_FN(_buffer) = 4 * MANY_BLOCK };

/* The parts that all messages of a call share. */
typedef struct MANY_FN(_call) {
    MANY_WORD start[MANY_WORDS]; /* the state behind the whole blocks of the prefix */
    const uint8_t *kept;         /* the rest of the prefix */
    size_t kept_len;
    uint64_t prefix_len;
    const pc_column *heads, *messages;
    uint8_t *digests;
} MANY_FN(_call);

/* How a message of a given length lies in its blocks. */
static hash_shape MANY_FN(_shape)(const MANY_FN(_call) * call, size_t head_len, size_t len) {
    hash_shape s = {.fixed = call->kept_len + head_len, .total = call->prefix_len + head_len + len};
    size_t all = s.fixed + len, whole = MANY_WHOLE(all), copied = (s.fixed + MANY_BLOCK - 1) / MANY_BLOCK;
    s.front = whole < copied ? whole : copied;
    s.body = whole - s.front;
    s.first = s.body ? s.front * MANY_BLOCK - s.fixed : len;
    s.used = all - whole * MANY_BLOCK;
    return s;
}

/* Copies what belongs in front and back of one message; the rest of the prefix and the padding are there already. */
static inline void MANY_FN(_fill)(uint8_t *buffer, const hash_shape *s, const uint8_t *head, size_t head_len,
                                  const uint8_t *data) {
    if (head_len) hash_copy(buffer + (s->fixed - head_len), head, head_len);
    hash_copy(buffer + s->fixed, data, s->first);
    if (s->body) hash_copy(buffer + s->front * MANY_BLOCK, data + s->first + s->body * MANY_BLOCK, s->used);
}

static inline void MANY_FN(_last)(MANY_WORD *state, size_t lane, uint64_t total) {
#ifdef MANY_LAST
    MANY_LAST(state, lane, total);
#else
    (void)state, (void)lane, (void)total;
#endif
}

#ifndef MANY_AHEAD
#    define MANY_AHEAD 0
#endif
#ifdef MANY_STREAMS
#    define MANY_RUN(state, p, n_blocks, used)       MANY_BLOCKS(state, p, n_blocks, used)
#    define MANY_RUN_EXPANDED(state, schedule, used) MANY_EXPANDED(state, schedule, used)
#else
#    define MANY_RUN(state, p, n_blocks, used)       MANY_BLOCKS(state, p, n_blocks)
#    define MANY_RUN_EXPANDED(state, schedule, used) MANY_EXPANDED(state, schedule)
#endif
#ifdef MANY_ONE
#    define MANY_STEP(alone, j, p, n_blocks, used)                                                                          \
        do {                                                                                                                \
            if (alone)                                                                                                      \
                MANY_ONE(state + MANY_WORDS * (j), (p)[j], n_blocks);                                                       \
            else                                                                                                            \
                MANY_RUN(state, p, n_blocks, used);                                                                         \
        } while (0)
#else
#    define MANY_STEP(alone, j, p, n_blocks, used) ((void)(j), MANY_RUN(state, p, n_blocks, used))
#endif

/* ---- one length --------------------------------------------------------------------------------------------------------- */

/* The digests of the first lanes, one after another. */
static inline void MANY_FN(_digests)(uint8_t *digests, const MANY_WORD *state, size_t lanes) {
    uint8_t rows[MANY_LANES * MANY_ROW];
    if (MANY_ROW == MANY_DIGEST && lanes == MANY_LANES) {
        MANY_ROWS(digests, state);
        return;
    }
    MANY_ROWS(rows, state);
    for (size_t j = 0; j < lanes; j++) memcpy(digests + j * MANY_DIGEST, rows + j * MANY_ROW, MANY_DIGEST);
}

/* n messages of len bytes with heads of head_len bytes: data + i * stride, head + i * head_stride. */
PC_NOINLINE void MANY_FN(_level)(const MANY_FN(_call) * call, const uint8_t *head, ptrdiff_t head_stride, size_t head_len,
                                 const uint8_t *data, ptrdiff_t stride, size_t len, size_t n) {
    const hash_shape s = MANY_FN(_shape)(call, head_len, len);
    const int copies = s.fixed || s.used;
    MANY_WORD initial[MANY_WORDS * MANY_LANES], state[MANY_WORDS * MANY_LANES];
    uint8_t buffers[(1 + MANY_AHEAD) * MANY_LANES][MANY_FN(_buffer)];
    const uint8_t *front[MANY_LANES], *body[MANY_LANES], *back[MANY_LANES];
    const size_t lanes = n < MANY_LANES ? n : MANY_LANES, built = copies ? lanes : 1;
    size_t tail = 1;
    for (size_t j = 0; j < (copies ? built + MANY_AHEAD * MANY_LANES : 1); j++) {
        if (call->kept_len) memcpy(buffers[j], call->kept, call->kept_len);
        tail = (size_t)MANY_PAD(buffers[j] + s.front * MANY_BLOCK, s.used, s.total);
    }
    for (size_t j = 0; j < MANY_LANES; j++) {
        for (size_t w = 0; w < MANY_WORDS; w++) initial[MANY_INDEX(w, j)] = call->start[w];
        front[j] = buffers[j < built ? j : 0];
        back[j] = front[j] + s.front * MANY_BLOCK;
    }
#ifdef MANY_SCHEDULE
    MANY_WORD schedule[MANY_SCHEDULE];
    const int expanded = s.used == 0;
    if (expanded) MANY_EXPAND(schedule, back[0]);
#else
    const int expanded = 0;
#endif
#ifdef MANY_LAST
    const int apart = 1;
#else
    const int apart = expanded || s.body;
#endif
#define MANY_FILL(buffer, item)                                                                                             \
    MANY_FN(_fill)(buffers[buffer], &s, head_len ? head + (ptrdiff_t)(item) * head_stride : NULL, head_len,                 \
                   len ? data + (ptrdiff_t)(item) * stride : data)
    size_t half = 0; /* where the buffers of this step begin */
    for (size_t j = 0; MANY_AHEAD && copies && j < lanes; j++) MANY_FILL(j, j);
    for (size_t i = 0; i < n; i += MANY_LANES) {
        const size_t done = n - i < MANY_LANES ? n - i : MANY_LANES;
        for (size_t j = 0; j < done; j++) {
            const ptrdiff_t item = (ptrdiff_t)(i + j);
            body[j] = hash_address(len ? data + item * stride : data);
            if (copies && !MANY_AHEAD) MANY_FILL(j, item);
            if (s.body) body[j] += s.first;
        }
        if (MANY_AHEAD && copies) {
            for (size_t j = 0; j < MANY_LANES; j++) {
                front[j] = buffers[half + (j < built ? j : 0)];
                back[j] = front[j] + s.front * MANY_BLOCK;
            }
            half = MANY_LANES - half;
            for (size_t j = 0; j < MANY_LANES && i + MANY_LANES + j < n; j++) MANY_FILL(half + j, i + MANY_LANES + j);
        }
        for (size_t j = done; j < MANY_LANES; j++) body[j] = body[0];
        memcpy(state, initial, sizeof state);
        if (!apart) {
            MANY_STEP(lanes == 1, 0, front, s.front + tail, done);
        } else {
            if (s.front) MANY_STEP(lanes == 1, 0, front, s.front, done);
            if (s.body) MANY_STEP(lanes == 1, 0, body, s.body, done);
            for (size_t j = 0; j < MANY_LANES; j++) MANY_FN(_last)(state, j, s.total);
            if (!expanded) MANY_STEP(lanes == 1, 0, back, tail, done);
        }
#ifdef MANY_SCHEDULE
        if (expanded) MANY_RUN_EXPANDED(state, schedule, done);
#endif
        MANY_FN(_digests)(call->digests + i * MANY_DIGEST, state, done);
    }
#undef MANY_FILL
}

/* ---- any lengths -------------------------------------------------------------------------------------------------------- */

typedef struct MANY_FN(_lane) {
    size_t item;          /* which message; SIZE_MAX: none */
    int run;              /* which of the runs below is next */
    const uint8_t *at[3]; /* front, body, back */
    size_t blocks[3];     /* blocks left in each */
    uint64_t total;
    uint8_t buffer[MANY_FN(_buffer)];
} MANY_FN(_lane);

/* Goes to the next run that has blocks. */
static inline void MANY_FN(_advance)(MANY_FN(_lane) * lane, MANY_WORD *state, size_t j) {
    if (lane->blocks[lane->run]) return;
    while (lane->run < 3 && lane->blocks[lane->run] == 0) lane->run++;
    if (lane->run == 2) MANY_FN(_last)(state, j, lane->total);
}

PC_NOINLINE void MANY_FN(_start)(MANY_FN(_lane) * lane, MANY_WORD *state, size_t j, const MANY_FN(_call) * call,
                                 size_t item) {
    size_t len, head_len = 0;
    const uint8_t *data = pc_column_row(call->messages, item, &len), *head = NULL;
    if (call->heads) head = pc_column_row(call->heads, item, &head_len);
    const hash_shape s = MANY_FN(_shape)(call, head_len, len);
    uint8_t *back = lane->buffer + s.front * MANY_BLOCK;
    if (call->kept_len) memcpy(lane->buffer, call->kept, call->kept_len);
    MANY_FN(_fill)(lane->buffer, &s, head, head_len, data);
    lane->item = item;
    lane->run = 0;
    lane->total = s.total;
    lane->at[0] = lane->buffer;
    lane->blocks[0] = s.front;
    lane->at[1] = s.body ? data + s.first : data;
    lane->blocks[1] = s.body;
    lane->at[2] = back;
    lane->blocks[2] = (size_t)MANY_PAD(back, s.used, s.total);
#ifndef MANY_LAST
    if (s.front && !s.body) { /* back lies behind front: one run */
        lane->blocks[0] += lane->blocks[2];
        lane->blocks[2] = 0;
    }
#endif
    for (size_t w = 0; w < MANY_WORDS; w++) state[MANY_INDEX(w, j)] = call->start[w];
    MANY_FN(_advance)(lane, state, j);
}

/* The order of up to HASH_WINDOW items from `first` on: longest first, equals as they came, so that lanes that start together
 * end together. Counting sort by blocks; all messages of more than HASH_BUCKETS blocks count as equal. */
static void MANY_FN(_order)(const MANY_FN(_call) * call, size_t first, size_t n, uint16_t *order) {
    uint8_t key[HASH_WINDOW];
    uint16_t at[HASH_BUCKETS] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t len, blocks;
        (void)pc_column_row(call->messages, first + i, &len);
        blocks = len / MANY_BLOCK;
        key[i] = (uint8_t)(blocks < HASH_BUCKETS ? HASH_BUCKETS - 1 - blocks : 0);
        at[key[i]]++;
    }
    for (size_t k = 0, sum = 0; k < HASH_BUCKETS; k++) {
        size_t count = at[k];
        at[k] = (uint16_t)sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) order[at[key[i]]++] = (uint16_t)i;
}

PC_NOINLINE void MANY_FN(_ragged)(const MANY_FN(_call) * call, size_t n) {
    MANY_WORD state[MANY_WORDS * MANY_LANES];
    MANY_FN(_lane) lanes[MANY_LANES];
    uint8_t rows[MANY_LANES * MANY_ROW];
    uint16_t order[HASH_WINDOW];
    size_t window = 0, window_end = 0, next = 0, busy = 0;

    memset(state, 0, sizeof state);
    for (size_t j = 0; j < MANY_LANES; j++) lanes[j].item = SIZE_MAX;
    while (busy || next < n) {
        const uint8_t *at[MANY_LANES], *any = NULL;
        size_t step = SIZE_MAX, last = 0;
        for (size_t j = 0; j < MANY_LANES; j++) {
            MANY_FN(_lane) *lane = &lanes[j];
            if (lane->item == SIZE_MAX && next < n) {
                if (next == window_end) {
                    window = next;
                    window_end = n - next < HASH_WINDOW ? n : next + HASH_WINDOW;
                    MANY_FN(_order)(call, window, window_end - window, order);
                }
                MANY_FN(_start)(lane, state, j, call, window + order[next - window]);
                next++, busy++;
            }
            if (lane->item == SIZE_MAX) continue;
            any = at[j] = lane->at[lane->run];
            last = j;
            if (lane->blocks[lane->run] < step) step = lane->blocks[lane->run];
        }
        for (size_t j = 0; j < MANY_LANES; j++) {
            if (lanes[j].item == SIZE_MAX) at[j] = any;
        }
        MANY_STEP(busy == 1, last, at, step, last + 1);
        int written = 0;
        for (size_t j = 0; j < MANY_LANES; j++) {
            MANY_FN(_lane) *lane = &lanes[j];
            if (lane->item == SIZE_MAX) continue;
            lane->at[lane->run] += step * MANY_BLOCK;
            lane->blocks[lane->run] -= step;
            MANY_FN(_advance)(lane, state, j);
            if (lane->run < 3) continue;
            if (!written) MANY_ROWS(rows, state);
            written = 1;
            memcpy(call->digests + lane->item * MANY_DIGEST, rows + j * MANY_ROW, MANY_DIGEST);
            lane->item = SIZE_MAX;
            busy--;
        }
    }
}

/* ---- the calls ---------------------------------------------------------------------------------------------------------- */

/* Blocks of one message. Without MANY_ONE every lane computes the same: cheaper than a second, one-lane copy of the template. */
PC_NOINLINE void MANY_FN(_chain)(MANY_WORD *chain, const uint8_t *data, size_t blocks) {
#ifdef MANY_ONE
    MANY_ONE(chain, data, blocks);
#else
    MANY_WORD state[MANY_WORDS * MANY_LANES];
    const uint8_t *same[MANY_LANES];
    for (size_t j = 0; j < MANY_LANES; j++) {
        same[j] = data;
        for (size_t w = 0; w < MANY_WORDS; w++) state[MANY_INDEX(w, j)] = chain[w];
    }
    MANY_RUN(state, same, blocks, 1);
    for (size_t w = 0; w < MANY_WORDS; w++) chain[w] = state[MANY_INDEX(w, 0)];
#endif
}

/* Hashes the whole blocks of the prefix. */
static void MANY_FN(_prefix)(MANY_FN(_call) * call, const uint8_t *prefix, size_t prefix_len) {
    size_t whole = MANY_WHOLE(prefix_len);
    call->prefix_len = prefix_len;
    call->kept_len = prefix_len - whole * MANY_BLOCK;
    call->kept = call->kept_len ? prefix + whole * MANY_BLOCK : prefix;
    for (size_t w = 0; w < MANY_WORDS; w++) call->start[w] = MANY_INITIAL[w];
    if (whole) MANY_FN(_chain)(call->start, prefix, whole);
}

/* A message in pieces is one with a long prefix. */
typedef struct MANY_FN(_message) {
    MANY_WORD chain[MANY_WORDS];
    uint64_t len;
} MANY_FN(_message);

PC_UNUSED static void MANY_FN(_begin)(void *state) {
    MANY_FN(_message) *m = state;
    for (size_t w = 0; w < MANY_WORDS; w++) m->chain[w] = MANY_INITIAL[w];
    m->len = 0;
}

PC_UNUSED static void MANY_FN(_absorb)(void *state, const uint8_t *data, size_t units) {
    MANY_FN(_message) *m = state;
    MANY_FN(_chain)(m->chain, data, units);
    m->len += (uint64_t)units * MANY_BLOCK;
}

PC_UNUSED static void MANY_FN(_finish)(const void *state, const uint8_t *tail, size_t len, uint8_t *digest) {
    const MANY_FN(_message) *m = state;
    MANY_FN(_call) call = {.prefix_len = m->len, .digests = digest};
    memcpy(call.start, m->chain, sizeof m->chain);
    MANY_FN(_level)(&call, NULL, 0, 0, tail, 0, len, 1);
}

PC_UNUSED static const pc_stream_ops MANY_FN(_stream) = {
    MANY_BLOCK, sizeof(MANY_FN(_message)), MANY_FN(_begin), MANY_FN(_absorb), MANY_FN(_finish),
};

/* digests[i] = H(prefix || heads[i] || messages[i]); a head is at most 64 bytes, and heads may be NULL. */
PC_NOINLINE void MANY_FN(_many_heads)(const uint8_t *prefix, size_t prefix_len, const pc_column *heads,
                                      const pc_column *messages, size_t n, uint8_t *digests) {
    MANY_FN(_call) call = {.heads = heads, .messages = messages, .digests = digests};
    if (n == 0) return;
    MANY_FN(_prefix)(&call, prefix, prefix_len);
    if ((heads && heads->offsets) || !hash_one_length(messages, n)) {
        MANY_FN(_ragged)(&call, n);
        return;
    }
    size_t len;
    const uint8_t *data = pc_column_row(messages, 0, &len);
    const ptrdiff_t stride = messages->offsets ? (ptrdiff_t)len : messages->stride;
    size_t first = 0;
#ifdef MANY_DIRECT
    if (!heads) first = MANY_DIRECT(call.start, call.kept, call.kept_len, prefix_len + len, data, stride, len, n, digests);
    if (first == n) return;
    call.digests += first * MANY_DIGEST;
#endif
    if (heads) {
        MANY_FN(_level)(&call, heads->data, heads->stride, heads->width, data, stride, len, n);
    } else {
        MANY_FN(_level)(&call, NULL, 0, 0, len ? data + (ptrdiff_t)first * stride : data, stride, len, n - first);
    }
}

PC_NOINLINE void MANY_FN(_many)(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                                uint8_t *digests) {
    MANY_FN(_many_heads)(prefix, prefix_len, NULL, messages, n, digests);
}

PC_UNUSED static void MANY_FN(_merkle_level)(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children,
                                             size_t count, uint8_t *parents) {
    hash_merkle_level(MANY_FN(_many), MANY_DIGEST, odd, prefix, prefix_len, children, count, parents);
}

#undef MANY_FN
#undef MANY_CAT
#undef MANY_CAT_
#undef MANY_WHOLE
#undef MANY
#undef MANY_WORD
#undef MANY_LANES
#undef MANY_WORDS
#undef MANY_BLOCK
#undef MANY_DIGEST
#undef MANY_INDEX
#undef MANY_BLOCKS
#undef MANY_INITIAL
#undef MANY_PAD
#undef MANY_ROWS
#undef MANY_ROW
#undef MANY_SCHEDULE
#undef MANY_EXPAND
#undef MANY_EXPANDED
#undef MANY_LAST
#undef MANY_AHEAD
#undef MANY_ONE
#undef MANY_STEP
#undef MANY_STREAMS
#undef MANY_DIRECT
#undef MANY_RUN
#undef MANY_RUN_EXPANDED
