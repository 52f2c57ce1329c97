/* sha512_armsha512.inc.h - SHA-512 with FEAT_SHA512 of ARMv8.2-A (Arm ARM, DDI 0487, C7.2: SHA512H, SHA512H2, SHA512SU0, SHA512SU1),
 * two messages at a time for the reason that sha256_pair.inc.h gives.
 *
 * A vector holds two words, the earlier one in lane 0. Two rounds are SHA512H, which gives T1 of both before the part of a .. c,
 * and SHA512H2, which adds that; the other six variables move down by two. */
#include "sha512_constants.h"

#include <arm_neon.h>
#include <stdint.h>

enum { SHA512_PAIR = 2 };
#define SHA512_PAIR_INDEX(w, j) ((j) * 8 + (w))

typedef struct sha512_state {
    uint64x2_t ab, cd, ef, gh;
} sha512_state;

static inline sha512_state sha512_get(const uint64_t *words) {
    return (sha512_state){vld1q_u64(words), vld1q_u64(words + 2), vld1q_u64(words + 4), vld1q_u64(words + 6)};
}
/* Adds s to the words. */
static inline void sha512_put(uint64_t *words, sha512_state s) {
    const uint64x2_t parts[4] = {s.ab, s.cd, s.ef, s.gh};
    for (int i = 0; i < 4; i++) vst1q_u64(words + 2 * i, vaddq_u64(vld1q_u64(words + 2 * i), parts[i]));
}

/* Rounds t and t + 1; wk = W + K of both. */
static inline sha512_state sha512_rounds(sha512_state s, uint64x2_t wk) {
    const uint64x2_t sum = vaddq_u64(s.gh, vextq_u64(wk, wk, 1)); /* g + wk of round t + 1, h + wk of round t */
    const uint64x2_t t1 = vsha512hq_u64(sum, vextq_u64(s.ef, s.gh, 1), vextq_u64(s.cd, s.ef, 1));
    return (sha512_state){vsha512h2q_u64(t1, s.cd, s.ab), s.ab, vaddq_u64(s.cd, t1), s.ef};
}

static inline uint64x2_t sha512_read(const uint8_t *p) { return vreinterpretq_u64_u8(vrev64q_u8(vld1q_u8(p))); }

/* w is a ring of the last 16 words: pair i becomes the pair 16 words on. */
#define SHA512_PAIR_EXTEND(w, i)                                                                                            \
    vsha512su1q_u64(vsha512su0q_u64(w[i], w[((i) + 1) & 7]), w[((i) + 7) & 7],                                              \
                    vextq_u64(w[((i) + 4) & 7], w[((i) + 5) & 7], 1))
#define SHA512_PAIR_ROUNDS(i)                                                                                               \
    do {                                                                                                                    \
        const uint64x2_t k2 = vld1q_u64(k + 2 * (i));                                                                       \
        s0 = sha512_rounds(s0, vaddq_u64(x[i], k2));                                                                        \
        s1 = sha512_rounds(s1, vaddq_u64(y[i], k2));                                                                        \
    } while (0)
#define SHA512_PAIR_GIVEN(i)                                                                                                \
    do {                                                                                                                    \
        x[i] = sha512_read(at[0] + 16 * (i)), y[i] = sha512_read(at[1] + 16 * (i));                                         \
        SHA512_PAIR_ROUNDS(i);                                                                                              \
    } while (0)
#define SHA512_PAIR_MADE(i)                                                                                                 \
    do {                                                                                                                    \
        x[i] = SHA512_PAIR_EXTEND(x, i), y[i] = SHA512_PAIR_EXTEND(y, i);                                                   \
        SHA512_PAIR_ROUNDS(i);                                                                                              \
    } while (0)

/* state[8 lane + word]; n blocks of 128 bytes at p[lane]. */
static void sha512_pair_blocks(uint64_t *state, const uint8_t *const p[SHA512_PAIR], size_t n) {
    const uint8_t *at[SHA512_PAIR] = {p[0], p[1]};
    for (; n; n--) {
        sha512_state s0 = sha512_get(state), s1 = sha512_get(state + 8);
        uint64x2_t x[8], y[8];
        const uint64_t *k = sha512_k;
        SHA512_PAIR_GIVEN(0);
        SHA512_PAIR_GIVEN(1);
        SHA512_PAIR_GIVEN(2);
        SHA512_PAIR_GIVEN(3);
        SHA512_PAIR_GIVEN(4);
        SHA512_PAIR_GIVEN(5);
        SHA512_PAIR_GIVEN(6);
        SHA512_PAIR_GIVEN(7);
        for (k += 16; k < sha512_k + 80; k += 16) {
            SHA512_PAIR_MADE(0);
            SHA512_PAIR_MADE(1);
            SHA512_PAIR_MADE(2);
            SHA512_PAIR_MADE(3);
            SHA512_PAIR_MADE(4);
            SHA512_PAIR_MADE(5);
            SHA512_PAIR_MADE(6);
            SHA512_PAIR_MADE(7);
        }
        sha512_put(state, s0);
        sha512_put(state + 8, s1);
        at[0] += 128, at[1] += 128;
    }
}

/* One block that is the same for both: schedule[t] = W_t + K_t. */
static void sha512_pair_expanded(uint64_t *state, const uint64_t *schedule) {
    sha512_state s0 = sha512_get(state), s1 = sha512_get(state + 8);
    for (int t = 0; t < 80; t += 2) {
        const uint64x2_t wk = vld1q_u64(schedule + t);
        s0 = sha512_rounds(s0, wk);
        s1 = sha512_rounds(s1, wk);
    }
    sha512_put(state, s0);
    sha512_put(state + 8, s1);
}

static inline void sha512_pair_rows(uint8_t *rows, const uint64_t *state) {
    for (int k = 0; k < 4 * SHA512_PAIR; k++) {
        vst1q_u8(rows + 16 * k, vrev64q_u8(vreinterpretq_u8_u64(vld1q_u64(state + 2 * k))));
    }
}

#define MANY_LANES    SHA512_PAIR
#define MANY_INDEX    SHA512_PAIR_INDEX
#define MANY_BLOCKS   sha512_pair_blocks
#define MANY_EXPANDED sha512_pair_expanded
#define MANY_ROWS     sha512_pair_rows
#include "sha512_many.inc.h"
