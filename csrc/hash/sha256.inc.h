/* sha256.inc.h - SHA-256 compression over W32 lanes. FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

static const uint32_t sha256_initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* One round; the caller renames the variables instead of moving them. wk = w[t] + K[t]. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, wk)                                                                            \
    do {                                                                                                                    \
        v32 t1 = v32_add(v32_add(h, wk), v32_add(v32_choose(e, f, g), sha256_big1(e)));                                     \
        d = v32_add(d, t1);                                                                                                 \
        h = v32_add(t1, v32_add(sha256_big0(a), v32_majority(a, b, c)));                                                    \
    } while (0)

static inline v32 sha256_big0(v32 x) { return v32_xor3(v32_rotl(x, 30), v32_rotl(x, 19), v32_rotl(x, 10)); }
static inline v32 sha256_big1(v32 x) { return v32_xor3(v32_rotl(x, 26), v32_rotl(x, 21), v32_rotl(x, 7)); }
static inline v32 sha256_small0(v32 x) { return v32_xor3(v32_rotl(x, 25), v32_rotl(x, 14), v32_shr(x, 3)); }
static inline v32 sha256_small1(v32 x) { return v32_xor3(v32_rotl(x, 15), v32_rotl(x, 13), v32_shr(x, 10)); }

/* w[i] becomes the schedule word 16 steps on; w is a ring of the last 16 words. */
#define SHA256_EXTEND(i)                                                                                                    \
    (w[(i) & 15] = v32_add(v32_add(w[(i) & 15], sha256_small0(w[((i) + 1) & 15])),                                          \
                           v32_add(w[((i) + 9) & 15], sha256_small1(w[((i) + 14) & 15]))))

#define SHA256_8_ROUNDS(W, t)                                                                                               \
    SHA256_ROUND(a, b, c, d, e, f, g, h, v32_add(W(0 + (t)), v32_set1(k[0 + (t)])));                                        \
    SHA256_ROUND(h, a, b, c, d, e, f, g, v32_add(W(1 + (t)), v32_set1(k[1 + (t)])));                                        \
    SHA256_ROUND(g, h, a, b, c, d, e, f, v32_add(W(2 + (t)), v32_set1(k[2 + (t)])));                                        \
    SHA256_ROUND(f, g, h, a, b, c, d, e, v32_add(W(3 + (t)), v32_set1(k[3 + (t)])));                                        \
    SHA256_ROUND(e, f, g, h, a, b, c, d, v32_add(W(4 + (t)), v32_set1(k[4 + (t)])));                                        \
    SHA256_ROUND(d, e, f, g, h, a, b, c, v32_add(W(5 + (t)), v32_set1(k[5 + (t)])));                                        \
    SHA256_ROUND(c, d, e, f, g, h, a, b, v32_add(W(6 + (t)), v32_set1(k[6 + (t)])));                                        \
    SHA256_ROUND(b, c, d, e, f, g, h, a, v32_add(W(7 + (t)), v32_set1(k[7 + (t)])))

#define SHA256_GIVEN(i) w[i]

/* state[word * W32 + lane]; n blocks of 64 bytes at p[lane]. */
static void sha256_blocks(uint32_t *state, const uint8_t *const p[W32], size_t n) {
    const uint8_t *at[W32];
    for (int j = 0; j < W32; j++) at[j] = p[j];
    for (; n; n--) {
        v32 w[16];
        v32 a = v32_load(state), b = v32_load(state + W32), c = v32_load(state + 2 * W32), d = v32_load(state + 3 * W32);
        v32 e = v32_load(state + 4 * W32), f = v32_load(state + 5 * W32), g = v32_load(state + 6 * W32);
        v32 h = v32_load(state + 7 * W32);
        v32_block_be(w, at);
        const uint32_t *k = sha256_k;
        SHA256_8_ROUNDS(SHA256_GIVEN, 0);
        SHA256_8_ROUNDS(SHA256_GIVEN, 8);
        for (int t = 16; t < 64; t += 16) {
            k = sha256_k + t;
            SHA256_8_ROUNDS(SHA256_EXTEND, 0);
            SHA256_8_ROUNDS(SHA256_EXTEND, 8);
        }
        v32 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) v32_store(state + i * W32, v32_add(v32_load(state + i * W32), out[i]));
        for (int j = 0; j < W32; j++) at[j] += 64;
    }
}
