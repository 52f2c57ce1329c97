/* sha256.inc.h - SHA-256 compression over W32 lanes. FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

#include "sha256_constants.h"

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
    SHA256_ROUND(a, b, c, d, e, f, g, h, W(0 + (t)));                                                                       \
    SHA256_ROUND(h, a, b, c, d, e, f, g, W(1 + (t)));                                                                       \
    SHA256_ROUND(g, h, a, b, c, d, e, f, W(2 + (t)));                                                                       \
    SHA256_ROUND(f, g, h, a, b, c, d, e, W(3 + (t)));                                                                       \
    SHA256_ROUND(e, f, g, h, a, b, c, d, W(4 + (t)));                                                                       \
    SHA256_ROUND(d, e, f, g, h, a, b, c, W(5 + (t)));                                                                       \
    SHA256_ROUND(c, d, e, f, g, h, a, b, W(6 + (t)));                                                                       \
    SHA256_ROUND(b, c, d, e, f, g, h, a, W(7 + (t)))

#define SHA256_GIVEN(i)    v32_add(w[i], v32_set1(k[i]))
#define SHA256_MADE(i)     v32_add(SHA256_EXTEND(i), v32_set1(k[i]))
#define SHA256_EXPANDED(i) v32_set1(k[i])

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
            SHA256_8_ROUNDS(SHA256_MADE, 0);
            SHA256_8_ROUNDS(SHA256_MADE, 8);
        }
        v32 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) v32_store(state + i * W32, v32_add(v32_load(state + i * W32), out[i]));
        for (int j = 0; j < W32; j++) at[j] += 64;
    }
}

/* One block that is the same in every lane: schedule[t] = W_t + K_t. */
static void sha256_expanded(uint32_t *state, const uint32_t *schedule) {
    v32 a = v32_load(state), b = v32_load(state + W32), c = v32_load(state + 2 * W32), d = v32_load(state + 3 * W32);
    v32 e = v32_load(state + 4 * W32), f = v32_load(state + 5 * W32), g = v32_load(state + 6 * W32);
    v32 h = v32_load(state + 7 * W32);
    for (const uint32_t *k = schedule; k < schedule + 64; k += 16) {
        SHA256_8_ROUNDS(SHA256_EXPANDED, 0);
        SHA256_8_ROUNDS(SHA256_EXPANDED, 8);
    }
    v32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) v32_store(state + i * W32, v32_add(v32_load(state + i * W32), out[i]));
}
