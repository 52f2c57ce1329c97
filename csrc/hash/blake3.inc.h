/* blake3.inc.h - BLAKE3 over W32 lanes, 32-byte digests, no key. J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn: BLAKE3,
 * one function, fast everywhere, section 2.
 *
 * The state is the chaining value h[0..7] and what the next block is compressed with: its flags, its bytes, and the counter of
 * its chunk. The flags and the size of a block are used up by it: the next one is a plain inner block. */

enum { BLAKE3_FLAGS = 8, BLAKE3_SIZE = 9, BLAKE3_COUNTER = 10, BLAKE3_WORDS = 12 };
enum { BLAKE3_START = 1, BLAKE3_END = 2, BLAKE3_PARENT = 4, BLAKE3_ROOT = 8 };
enum { BLAKE3_CHUNK = 1024 };

#define BLAKE3_IV 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
static const uint32_t blake3_initial[BLAKE3_WORDS] = {BLAKE3_IV, BLAKE3_START, 64, 0, 0};

/* The message goes in first: b is what the sum has to wait for. */
#define BLAKE3_G(a, b, c, d, x, y)                                                                                          \
    do {                                                                                                                    \
        a = v32_add(v32_add_stored(a, &w[x]), b);                                                                           \
        d = v32_rotl(v32_xor(d, a), 16);                                                                                    \
        c = v32_add(c, d);                                                                                                  \
        b = v32_rotl(v32_xor(b, c), 20);                                                                                    \
        a = v32_add(v32_add_stored(a, &w[y]), b);                                                                           \
        d = v32_rotl(v32_xor(d, a), 24);                                                                                    \
        c = v32_add(c, d);                                                                                                  \
        b = v32_rotl(v32_xor(b, c), 25);                                                                                    \
    } while (0)

/* The message words in the order of this round: the permutation of table 2, applied so often. */
#define BLAKE3_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                                  \
    BLAKE3_G(v0, v4, v8, v12, s0, s1);                                                                                      \
    BLAKE3_G(v1, v5, v9, v13, s2, s3);                                                                                      \
    BLAKE3_G(v2, v6, v10, v14, s4, s5);                                                                                     \
    BLAKE3_G(v3, v7, v11, v15, s6, s7);                                                                                     \
    BLAKE3_G(v0, v5, v10, v15, s8, s9);                                                                                     \
    BLAKE3_G(v1, v6, v11, v12, s10, s11);                                                                                   \
    BLAKE3_G(v2, v7, v8, v13, s12, s13);                                                                                    \
    BLAKE3_G(v3, v4, v9, v14, s14, s15)

/* h = the block w behind h; last: counter, bytes and flags of the block. Between its rounds it reads the next block at p[lane] to
 * next, unless next is NULL: what moves words between lanes and what computes with them take turns so. */
PC_INLINE void blake3_compress(v32 h[8], const v32 w[16], const v32 last[4], v32 *next, const uint8_t *const *p) {
    static const uint32_t iv[4] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a};
    v32 v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
    v32 v8 = v32_set1(iv[0]), v9 = v32_set1(iv[1]), v10 = v32_set1(iv[2]), v11 = v32_set1(iv[3]);
    v32 v12 = last[0], v13 = last[1], v14 = last[2], v15 = last[3];
    BLAKE3_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    BLAKE3_ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
    BLAKE3_ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
    if (next) v32_half_le(next, p, 0);
    BLAKE3_ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
    BLAKE3_ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
    if (next) v32_half_le(next + 8, p, 32);
    BLAKE3_ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
    BLAKE3_ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);
    h[0] = v32_xor(v0, v8), h[1] = v32_xor(v1, v9), h[2] = v32_xor(v2, v10), h[3] = v32_xor(v3, v11);
    h[4] = v32_xor(v4, v12), h[5] = v32_xor(v5, v13), h[6] = v32_xor(v6, v14), h[7] = v32_xor(v7, v15);
}

/* state[word * W32 + lane]; n blocks of 64 bytes at p[lane]. */
static void blake3_blocks(uint32_t *state, const uint8_t *const p[W32], size_t n) {
    const uint8_t *at[W32];
    for (int j = 0; j < W32; j++) at[j] = p[j];
    for (; n; n--) {
        v32 h[8], w[16];
        v32_block_le(w, at);
        for (int j = 0; W32 > 1 && j < W32; j++) HASH_PREFETCH((uintptr_t)at[j] + W32 * BLAKE3_CHUNK);
        for (int i = 0; i < 8; i++) h[i] = v32_load(state + i * W32);
        const v32 last[4] = {v32_load(state + BLAKE3_COUNTER * W32), v32_load(state + (BLAKE3_COUNTER + 1) * W32),
                             v32_load(state + BLAKE3_SIZE * W32), v32_load(state + BLAKE3_FLAGS * W32)};
        blake3_compress(h, w, last, NULL, NULL);
        for (int i = 0; i < 8; i++) v32_store(state + i * W32, h[i]);
        v32_store(state + BLAKE3_FLAGS * W32, v32_set1(0));
        v32_store(state + BLAKE3_SIZE * W32, v32_set1(64));
        for (int j = 0; j < W32; j++) at[j] += 64;
    }
}

/* Rows that are a block each, from where they lie to their digests; one row after another in the input too. See MANY_DIRECT of
 * many.inc.h. */
PC_NOINLINE size_t blake3_direct(const uint32_t *start, const uint8_t *kept, size_t kept_len, uint64_t total,
                                 const uint8_t *data, ptrdiff_t stride, size_t len, size_t n, uint8_t *digests) {
    (void)kept, (void)total;
    if (W32 == 1 || kept_len || len != 64 || start[BLAKE3_FLAGS] != BLAKE3_START) return 0;
    const v32 last[4] = {v32_set1(0), v32_set1(0), v32_set1(64), v32_set1(BLAKE3_START | BLAKE3_END | BLAKE3_ROOT)};
    const uint8_t *at[W32];
    v32 w[2][16];
    hash_rows_at(at, W32, data, stride, 0, n);
    v32_block_le(w[0], at);
    for (size_t i = 0, step = 0; i < n; i += W32, step++) {
        uint8_t rows[32 * W32];
        v32 h[8];
        const int more = i + W32 < n;
        if (more) hash_rows_at(at, W32, data, stride, i + W32, n);
        for (int k = 0; k < 8; k++) h[k] = v32_set1(blake3_initial[k]);
        blake3_compress(h, w[step & 1], last, more ? w[~step & 1] : NULL, at);
        for (int k = 0; k < 8; k++) h[k] = v32_le(h[k]);
        v32_rows8(n - i >= W32 ? digests + 32 * i : rows, h);
        if (n - i < W32) memcpy(digests + 32 * i, rows, 32 * (n - i));
    }
    return n;
}

/* The next block of this lane is the last of its chunk, the only one of its message. */
static inline void blake3_last(uint32_t *state, size_t lane, uint64_t total) {
    state[BLAKE3_FLAGS * W32 + lane] |= BLAKE3_END | BLAKE3_ROOT;
    state[BLAKE3_SIZE * W32 + lane] = total ? (uint32_t)((total - 1) % 64 + 1) : 0;
}
