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

/* state[word * W32 + lane]; n blocks of 64 bytes at p[lane]. */
static void blake3_blocks(uint32_t *state, const uint8_t *const p[W32], size_t n) {
    static const uint32_t iv[4] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a};
    const uint8_t *at[W32];
    for (int j = 0; j < W32; j++) at[j] = p[j];
    for (; n; n--) {
        v32 w[16];
        v32_block_le(w, at);
        for (int j = 0; W32 > 1 && j < W32; j++) HASH_PREFETCH((uintptr_t)at[j] + W32 * BLAKE3_CHUNK);
        v32 v0 = v32_load(state), v1 = v32_load(state + W32), v2 = v32_load(state + 2 * W32), v3 = v32_load(state + 3 * W32);
        v32 v4 = v32_load(state + 4 * W32), v5 = v32_load(state + 5 * W32), v6 = v32_load(state + 6 * W32);
        v32 v7 = v32_load(state + 7 * W32), v8 = v32_set1(iv[0]), v9 = v32_set1(iv[1]), v10 = v32_set1(iv[2]);
        v32 v11 = v32_set1(iv[3]), v12 = v32_load(state + BLAKE3_COUNTER * W32);
        v32 v13 = v32_load(state + (BLAKE3_COUNTER + 1) * W32), v14 = v32_load(state + BLAKE3_SIZE * W32);
        v32 v15 = v32_load(state + BLAKE3_FLAGS * W32);
        BLAKE3_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        BLAKE3_ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
        BLAKE3_ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
        BLAKE3_ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
        BLAKE3_ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
        BLAKE3_ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
        BLAKE3_ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);
        v32_store(state, v32_xor(v0, v8)), v32_store(state + W32, v32_xor(v1, v9));
        v32_store(state + 2 * W32, v32_xor(v2, v10)), v32_store(state + 3 * W32, v32_xor(v3, v11));
        v32_store(state + 4 * W32, v32_xor(v4, v12)), v32_store(state + 5 * W32, v32_xor(v5, v13));
        v32_store(state + 6 * W32, v32_xor(v6, v14)), v32_store(state + 7 * W32, v32_xor(v7, v15));
        v32_store(state + BLAKE3_FLAGS * W32, v32_set1(0));
        v32_store(state + BLAKE3_SIZE * W32, v32_set1(64));
        for (int j = 0; j < W32; j++) at[j] += 64;
    }
}

/* The next block of this lane is the last of its chunk, the only one of its message. */
static inline void blake3_last(uint32_t *state, size_t lane, uint64_t total) {
    state[BLAKE3_FLAGS * W32 + lane] |= BLAKE3_END | BLAKE3_ROOT;
    state[BLAKE3_SIZE * W32 + lane] = total ? (uint32_t)((total - 1) % 64 + 1) : 0;
}
