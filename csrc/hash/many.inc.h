/* many.inc.h - schedules messages of any lengths onto the lanes of one compression function. Included once per hash with
 *
 *   MANY             name, e.g. sha256: defines sha256_many, sha256_many_heads and sha256_merkle_level
 *   MANY_WORD        uint32_t or uint64_t;  MANY_LANES  W32 or W64
 *   MANY_WORDS       words of chaining state;  MANY_BLOCK  bytes per block;  MANY_DIGEST  bytes per digest
 *   MANY_BLOCKS      void (MANY_WORD *state, const uint8_t *const p[MANY_LANES], size_t n_blocks)
 *   MANY_INITIAL     const MANY_WORD[MANY_WORDS]
 *   MANY_PAD         int (uint8_t *block, size_t used, uint64_t total): writes the padding behind `used` bytes of the last
 *                    block (room for two blocks) of a message of `total` bytes; returns the blocks there are now, 1 or 2
 *   MANY_PUT         void (uint8_t *digest, const MANY_WORD *state): lane state, words MANY_LANES apart, to bytes
 *
 * A message is prefix || head || data || padding. The whole blocks of the prefix are hashed once for all messages. What is left
 * of it, with the message's own head (at most 64 bytes: Z_A of SM2, R || A of Ed25519) and the first bytes of the data, makes up
 * one or two blocks that have to be copied (head), and the last bytes with the padding another one or two (tail); all blocks
 * between are read in place (body). A lane works through these three runs; when its message is
 * done it takes the next one. All lanes step by the shortest run among them. Lanes without a message repeat another lane's
 * input and are ignored. */
#define MANY_CAT_(a, b) a##b
#define MANY_CAT(a, b)  MANY_CAT_(a, b)
#define MANY_FN(name)   MANY_CAT(MANY, name)

typedef struct MANY_FN(_lane) {
    size_t item;          /* which message; SIZE_MAX: none */
    int run;              /* which of the runs below is next */
    const uint8_t *at[3]; /* head, body, tail */
    size_t blocks[3];     /* blocks left in each */
    uint8_t head[2 * MANY_BLOCK];
    uint8_t tail[2 * MANY_BLOCK];
} MANY_FN(_lane);

PC_NOINLINE void MANY_FN(_start)(MANY_FN(_lane) * lane, const uint8_t *prefix, size_t prefix_len, const pc_column *heads,
                                 const pc_column *messages, size_t item) {
    size_t len, head_len = 0, kept = prefix_len % MANY_BLOCK, used = 0;
    const uint8_t *data = pc_column_row(messages, item, &len), *end = len ? data + len : data;
    if (kept) memcpy(lane->head, prefix + (prefix_len - kept), kept);
    if (heads) {
        const uint8_t *own = pc_column_row(heads, item, &head_len);
        if (head_len) memcpy(lane->head + kept, own, head_len);
        kept += head_len;
    }
    lane->item = item;
    lane->run = 0;
    lane->at[0] = lane->head;
    lane->blocks[0] = kept / MANY_BLOCK;
    size_t part = kept % MANY_BLOCK;
    if (part && len >= MANY_BLOCK - part) {
        memcpy(lane->head + kept, data, MANY_BLOCK - part);
        data += MANY_BLOCK - part;
        lane->blocks[0]++;
    } else if (part) {
        memcpy(lane->tail, lane->head + kept - part, part);
        used = part;
    }
    size_t rest = (size_t)(end - data), whole = used ? 0 : rest / MANY_BLOCK;
    lane->at[1] = data;
    lane->blocks[1] = whole;
    rest -= whole * MANY_BLOCK;
    if (rest) memcpy(lane->tail + used, end - rest, rest);
    lane->at[2] = lane->tail;
    lane->blocks[2] = (size_t)MANY_PAD(lane->tail, used + rest, (uint64_t)prefix_len + head_len + len);
    while (lane->blocks[lane->run] == 0) lane->run++;
}

/* digests[i] = H(prefix || heads[i] || messages[i]); a head is at most 64 bytes, and heads may be NULL. */
PC_NOINLINE void MANY_FN(_many_heads)(const uint8_t *prefix, size_t prefix_len, const pc_column *heads,
                                      const pc_column *messages, size_t n, uint8_t *digests) {
    MANY_WORD start[MANY_WORDS], state[MANY_WORDS * MANY_LANES];
    MANY_FN(_lane) lanes[MANY_LANES];
    size_t next = 0, busy = 0;

    for (int w = 0; w < MANY_WORDS; w++) start[w] = MANY_INITIAL[w];
    if (prefix_len >= MANY_BLOCK) { /* every lane computes the same: cheaper than a second, one-lane copy of the template */
        const uint8_t *same[MANY_LANES];
        for (int j = 0; j < MANY_LANES; j++) same[j] = prefix;
        for (int w = 0; w < MANY_WORDS * MANY_LANES; w++) state[w] = start[w / MANY_LANES];
        MANY_BLOCKS(state, same, prefix_len / MANY_BLOCK);
        for (int w = 0; w < MANY_WORDS; w++) start[w] = state[w * MANY_LANES];
    }
    for (int j = 0; j < MANY_LANES; j++) {
        lanes[j].item = SIZE_MAX;
        if (next == n) continue;
        MANY_FN(_start)(&lanes[j], prefix, prefix_len, heads, messages, next++);
        busy++;
    }
    for (int w = 0; w < MANY_WORDS * MANY_LANES; w++) state[w] = start[w / MANY_LANES];

    while (busy) {
        const uint8_t *at[MANY_LANES], *any = NULL;
        size_t step = SIZE_MAX;
        for (int j = 0; j < MANY_LANES; j++) {
            if (lanes[j].item == SIZE_MAX) continue;
            any = at[j] = lanes[j].at[lanes[j].run];
            if (lanes[j].blocks[lanes[j].run] < step) step = lanes[j].blocks[lanes[j].run];
        }
        for (int j = 0; j < MANY_LANES; j++) {
            if (lanes[j].item == SIZE_MAX) at[j] = any;
        }
        MANY_BLOCKS(state, at, step);
        for (int j = 0; j < MANY_LANES; j++) {
            MANY_FN(_lane) *lane = &lanes[j];
            if (lane->item == SIZE_MAX) continue;
            lane->at[lane->run] += step * MANY_BLOCK;
            lane->blocks[lane->run] -= step;
            while (lane->run < 3 && lane->blocks[lane->run] == 0) lane->run++;
            if (lane->run < 3) continue;
            MANY_PUT(digests + lane->item * MANY_DIGEST, state + j);
            lane->item = SIZE_MAX;
            if (next == n) {
                busy--;
                continue;
            }
            MANY_FN(_start)(lane, prefix, prefix_len, heads, messages, next++);
            for (int w = 0; w < MANY_WORDS; w++) state[w * MANY_LANES + j] = start[w];
        }
    }
}

PC_NOINLINE void MANY_FN(_many)(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                                uint8_t *digests) {
    MANY_FN(_many_heads)(prefix, prefix_len, NULL, messages, n, digests);
}

/* Every parent is a message of the same length, so the lanes run in step: what a step writes (parents i .. i + W - 1) lies below
 * what later steps read (children 2 i + 2 W and up), and parents may be the same memory as children. */
static void MANY_FN(_merkle_level)(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                   uint8_t *parents) {
    pc_column pairs = pc_column_fixed(children, 2 * MANY_DIGEST);
    MANY_FN(_many)(prefix, prefix_len, &pairs, count / 2, parents);
    if (count % 2 == 0) return;
    const uint8_t *last = children + (count - 1) * MANY_DIGEST;
    uint8_t *parent = parents + count / 2 * MANY_DIGEST;
    if (odd == PC_ODD_PROMOTE) {
        memmove(parent, last, MANY_DIGEST);
        return;
    }
    uint8_t twice[2 * MANY_DIGEST];
    memcpy(twice, last, MANY_DIGEST);
    memcpy(twice + MANY_DIGEST, last, MANY_DIGEST);
    pairs = pc_column_fixed(twice, sizeof twice);
    MANY_FN(_many)(prefix, prefix_len, &pairs, 1, parent);
}

#undef MANY_FN
#undef MANY_CAT
#undef MANY_CAT_
#undef MANY
#undef MANY_WORD
#undef MANY_LANES
#undef MANY_WORDS
#undef MANY_BLOCK
#undef MANY_DIGEST
#undef MANY_BLOCKS
#undef MANY_INITIAL
#undef MANY_PAD
#undef MANY_PUT
