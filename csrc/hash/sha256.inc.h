/* sha256.inc.h - SHA-256 compression over S32 lanes. FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

#include "sha256_constants.h"

/* One round; the caller renames the variables instead of moving them. wk = w[t] + K[t]. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, wk)                                                                            \
    do {                                                                                                                    \
        s32 t1 = s32_add(s32_add(h, wk), s32_add(s32_choose(e, f, g), sha256_big1(e)));                                     \
        d = s32_add(d, t1);                                                                                                 \
        h = s32_add(t1, s32_add(sha256_big0(a), s32_majority(a, b, c)));                                                    \
    } while (0)

static inline s32 sha256_big0(s32 x) { return s32_xor3(s32_rotl(x, 30), s32_rotl(x, 19), s32_rotl(x, 10)); }
static inline s32 sha256_big1(s32 x) { return s32_xor3(s32_rotl(x, 26), s32_rotl(x, 21), s32_rotl(x, 7)); }
static inline s32 sha256_small0(s32 x) { return s32_xor3(s32_rotl(x, 25), s32_rotl(x, 14), s32_shr(x, 3)); }
static inline s32 sha256_small1(s32 x) { return s32_xor3(s32_rotl(x, 15), s32_rotl(x, 13), s32_shr(x, 10)); }

/* w[i] becomes the schedule word 16 steps on; w is a ring of the last 16 words. */
#define SHA256_EXTEND(i)                                                                                                    \
    (w[(i) & 15] = s32_add(s32_add(w[(i) & 15], sha256_small0(w[((i) + 1) & 15])),                                          \
                           s32_add(w[((i) + 9) & 15], sha256_small1(w[((i) + 14) & 15]))))

#define SHA256_8_ROUNDS(W, t)                                                                                               \
    SHA256_ROUND(a, b, c, d, e, f, g, h, W(0 + (t)));                                                                       \
    SHA256_ROUND(h, a, b, c, d, e, f, g, W(1 + (t)));                                                                       \
    SHA256_ROUND(g, h, a, b, c, d, e, f, W(2 + (t)));                                                                       \
    SHA256_ROUND(f, g, h, a, b, c, d, e, W(3 + (t)));                                                                       \
    SHA256_ROUND(e, f, g, h, a, b, c, d, W(4 + (t)));                                                                       \
    SHA256_ROUND(d, e, f, g, h, a, b, c, W(5 + (t)));                                                                       \
    SHA256_ROUND(c, d, e, f, g, h, a, b, W(6 + (t)));                                                                       \
    SHA256_ROUND(b, c, d, e, f, g, h, a, W(7 + (t)))

#define SHA256_GIVEN(i)    s32_add(w[i], s32_set1(k[i]))
#define SHA256_MADE(i)     s32_add(SHA256_EXTEND(i), s32_set1(k[i]))
#define SHA256_EXPANDED(i) s32_set1(k[i])

/* state[word * S32 + lane]; n blocks of 64 bytes at p[lane]. */
static void sha256_blocks(uint32_t *state, const uint8_t *const p[S32], size_t n) {
    const uint8_t *at[S32];
    for (int j = 0; j < S32; j++) at[j] = p[j];
    for (; n; n--) {
        s32 w[16];
        s32 a = s32_load(state), b = s32_load(state + S32), c = s32_load(state + 2 * S32), d = s32_load(state + 3 * S32);
        s32 e = s32_load(state + 4 * S32), f = s32_load(state + 5 * S32), g = s32_load(state + 6 * S32);
        s32 h = s32_load(state + 7 * S32);
        s32_block_be(w, at);
        const uint32_t *k = sha256_k;
        SHA256_8_ROUNDS(SHA256_GIVEN, 0);
        SHA256_8_ROUNDS(SHA256_GIVEN, 8);
        for (int t = 16; t < 64; t += 16) {
            k = sha256_k + t;
            SHA256_8_ROUNDS(SHA256_MADE, 0);
            SHA256_8_ROUNDS(SHA256_MADE, 8);
        }
        s32 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) s32_store(state + i * S32, s32_add(s32_load(state + i * S32), out[i]));
        for (int j = 0; j < S32; j++) at[j] += 64;
    }
}

/* One block that is the same in every lane: schedule[t] = W_t + K_t. */
static void sha256_expanded(uint32_t *state, const uint32_t *schedule) {
    s32 a = s32_load(state), b = s32_load(state + S32), c = s32_load(state + 2 * S32), d = s32_load(state + 3 * S32);
    s32 e = s32_load(state + 4 * S32), f = s32_load(state + 5 * S32), g = s32_load(state + 6 * S32);
    s32 h = s32_load(state + 7 * S32);
    for (const uint32_t *k = schedule; k < schedule + 64; k += 16) {
        SHA256_8_ROUNDS(SHA256_EXPANDED, 0);
        SHA256_8_ROUNDS(SHA256_EXPANDED, 8);
    }
    s32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) s32_store(state + i * S32, s32_add(s32_load(state + i * S32), out[i]));
}
