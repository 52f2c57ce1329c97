/* blake2b.inc.h - BLAKE2b compression over W64 lanes, unkeyed, sequential. RFC 7693, sections 2 and 3.
 *
 * The state is h[0..7], then t: the bytes compressed so far, then f: all ones for the last block. Lengths are below 2^64, so the
 * upper half of the counter stays zero. */

#define BLAKE2B_IV                                                                                                          \
    0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, \
        0x5be0cd19137e2179
enum { BLAKE2B_T = 8, BLAKE2B_F = 9, BLAKE2B_WORDS = 10 };

/* Section 2.5: h[0] takes in the parameter block, 0x0101 in bytes 2 and 3 (fanout, depth), the digest's size in byte 0. */
#define BLAKE2B_H0(size) (0x6a09e667f3bcc908 ^ 0x01010000 ^ (size))
static const uint64_t blake2b_256_initial[BLAKE2B_WORDS] = {BLAKE2B_H0(32), BLAKE2B_IV};
static const uint64_t blake2b_512_initial[BLAKE2B_WORDS] = {BLAKE2B_H0(64), BLAKE2B_IV};

#define BLAKE2B_G(a, b, c, d, x, y)                                                                                         \
    do {                                                                                                                    \
        a = v64_add(v64_add_stored(a, &w[x]), b);                                                                           \
        d = v64_xor_rotl(d, a, 32);                                                                                         \
        c = v64_add(c, d);                                                                                                  \
        b = v64_xor_rotl(b, c, 40);                                                                                         \
        a = v64_add(v64_add_stored(a, &w[y]), b);                                                                           \
        d = v64_xor_rotl(d, a, 48);                                                                                         \
        c = v64_add(c, d);                                                                                                  \
        b = v64_xor_rotl(b, c, 1);                                                                                          \
    } while (0)

/* A row of SIGMA, section 2.7. */
#define BLAKE2B_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                                 \
    BLAKE2B_G(v0, v4, v8, v12, s0, s1);                                                                                     \
    BLAKE2B_G(v1, v5, v9, v13, s2, s3);                                                                                     \
    BLAKE2B_G(v2, v6, v10, v14, s4, s5);                                                                                    \
    BLAKE2B_G(v3, v7, v11, v15, s6, s7);                                                                                    \
    BLAKE2B_G(v0, v5, v10, v15, s8, s9);                                                                                    \
    BLAKE2B_G(v1, v6, v11, v12, s10, s11);                                                                                  \
    BLAKE2B_G(v2, v7, v8, v13, s12, s13);                                                                                   \
    BLAKE2B_G(v3, v4, v9, v14, s14, s15)

/* state[word * W64 + lane]; n blocks of 128 bytes at p[lane]. */
static void blake2b_blocks(uint64_t *state, const uint8_t *const p[W64], size_t n) {
    static const uint64_t iv[8] = {0x6a09e667f3bcc908, BLAKE2B_IV};
    const uint8_t *at[W64];
    for (int j = 0; j < W64; j++) at[j] = p[j];
    for (; n; n--) {
        v64 w[16];
        v64_block_le16(w, at);
        v64 t = v64_add(v64_load(state + BLAKE2B_T * W64), v64_set1(128)), f = v64_load(state + BLAKE2B_F * W64);
        v64_store(state + BLAKE2B_T * W64, t);
        v64 v0 = v64_load(state), v1 = v64_load(state + W64), v2 = v64_load(state + 2 * W64), v3 = v64_load(state + 3 * W64);
        v64 v4 = v64_load(state + 4 * W64), v5 = v64_load(state + 5 * W64), v6 = v64_load(state + 6 * W64);
        v64 v7 = v64_load(state + 7 * W64);
        v64 v8 = v64_set1(iv[0]), v9 = v64_set1(iv[1]), v10 = v64_set1(iv[2]), v11 = v64_set1(iv[3]);
        v64 v12 = v64_xor(v64_set1(iv[4]), t), v13 = v64_set1(iv[5]), v14 = v64_xor(v64_set1(iv[6]), f),
            v15 = v64_set1(iv[7]);
        BLAKE2B_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        BLAKE2B_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
        BLAKE2B_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
        BLAKE2B_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
        BLAKE2B_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
        BLAKE2B_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
        BLAKE2B_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
        BLAKE2B_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
        BLAKE2B_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
        BLAKE2B_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
        BLAKE2B_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        BLAKE2B_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
        v64 out[8] = {v64_xor(v0, v8),  v64_xor(v1, v9),  v64_xor(v2, v10), v64_xor(v3, v11),
                      v64_xor(v4, v12), v64_xor(v5, v13), v64_xor(v6, v14), v64_xor(v7, v15)};
        for (int i = 0; i < 8; i++) v64_store(state + i * W64, v64_xor(v64_load(state + i * W64), out[i]));
        for (int j = 0; j < W64; j++) at[j] += 128;
    }
}

/* Section 3.3: the last block counts its message bytes only. blake2b_blocks adds a whole block. */
static inline void blake2b_last(uint64_t *state, size_t lane, uint64_t total) {
    state[BLAKE2B_T * W64 + lane] = total - 128;
    state[BLAKE2B_F * W64 + lane] = ~(uint64_t)0;
}
