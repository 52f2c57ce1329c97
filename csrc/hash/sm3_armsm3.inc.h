/* sm3_armsm3.inc.h - SM3 with FEAT_SM3 of ARMv8.2-A (Arm ARM, DDI 0487, C7.2: SM3SS1, SM3TT1A, SM3TT1B, SM3TT2A, SM3TT2B, SM3PARTW1,
 * SM3PARTW2), two messages at a time for the reason that sha256_pair.inc.h gives.
 *
 * The instructions want A and E in the top lane, D and H in the lowest, the other way round than memory; message words lie as in
 * memory. A round is SS1, then TT1 on the one half and TT2 on the other. */
#include "sm3_constants.h"

#include <arm_neon.h>
#include <stdint.h>

enum { SM3_PAIR = 2 };
#define SM3_PAIR_INDEX(w, j) ((j) * 8 + (w))

typedef struct sm3_state {
    uint32x4_t abcd, efgh;
} sm3_state;

/* Only the top lane of the vector with a round's constant counts: four words that end with it. */
static const uint32_t sm3_t_last[3 + 64] = {0, 0, 0, SM3_T};

static inline uint32x4_t sm3_reverse(uint32x4_t v) {
    const uint32x4_t pairs = vrev64q_u32(v);
    return vextq_u32(pairs, pairs, 2);
}
static inline sm3_state sm3_get(const uint32_t *words) {
    return (sm3_state){sm3_reverse(vld1q_u32(words)), sm3_reverse(vld1q_u32(words + 4))};
}
static inline void sm3_put(uint32_t *words, sm3_state s) {
    vst1q_u32(words, sm3_reverse(s.abcd));
    vst1q_u32(words + 4, sm3_reverse(s.efgh));
}
static inline sm3_state sm3_mix(sm3_state s, sm3_state before) {
    return (sm3_state){veorq_u32(s.abcd, before.abcd), veorq_u32(s.efgh, before.efgh)};
}
static inline uint32x4_t sm3_read(const uint8_t *p) { return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p))); }

/* W_(j+16) .. W_(j+19) from W_j .. W_(j+15). */
static inline uint32x4_t sm3_extend(uint32x4_t w0, uint32x4_t w4, uint32x4_t w8, uint32x4_t w12) {
    const uint32x4_t w3 = vextq_u32(w0, w4, 3), w7 = vextq_u32(w4, w8, 3), w10 = vextq_u32(w8, w12, 2);
    return vsm3partw2q_u32(vsm3partw1q_u32(w7, w0, w12), w10, w3);
}

/* Round `lane` of the four whose words are w, and w0 = W_j xor W_(j+4): 1 of a message, 2 of both. */
#define SM3_PAIR_ROUND(AB, s, w, w0, t, lane)                                                                               \
    do {                                                                                                                    \
        const uint32x4_t ss1 = vsm3ss1q_u32(s.abcd, s.efgh, t);                                                             \
        s.abcd = vsm3tt1##AB##q_u32(s.abcd, ss1, w0, lane);                                                                 \
        s.efgh = vsm3tt2##AB##q_u32(s.efgh, ss1, w, lane);                                                                  \
    } while (0)
#define SM3_PAIR_2_ROUNDS(AB, wx, wx0, wy, wy0, t, lane)                                                                    \
    do {                                                                                                                    \
        const uint32x4_t constant = vld1q_u32((t) + (lane));                                                                \
        SM3_PAIR_ROUND(AB, s0, wx, wx0, constant, lane);                                                                    \
        SM3_PAIR_ROUND(AB, s1, wy, wy0, constant, lane);                                                                    \
    } while (0)
#define SM3_PAIR_4_ROUNDS(AB, wx, wx0, wy, wy0, t)                                                                          \
    do {                                                                                                                    \
        SM3_PAIR_2_ROUNDS(AB, wx, wx0, wy, wy0, t, 0);                                                                      \
        SM3_PAIR_2_ROUNDS(AB, wx, wx0, wy, wy0, t, 1);                                                                      \
        SM3_PAIR_2_ROUNDS(AB, wx, wx0, wy, wy0, t, 2);                                                                      \
        SM3_PAIR_2_ROUNDS(AB, wx, wx0, wy, wy0, t, 3);                                                                      \
    } while (0)

/* Four rounds on words i of the ring of the last 16, and those words 16 on. */
#define SM3_PAIR_STEP(AB, i)                                                                                                \
    do {                                                                                                                    \
        const uint32x4_t x0 = veorq_u32(x[i], x[((i) + 1) & 3]), y0 = veorq_u32(y[i], y[((i) + 1) & 3]);                    \
        SM3_PAIR_4_ROUNDS(AB, x[i], x0, y[i], y0, t + 4 * (i));                                                             \
    } while (0)
#define SM3_PAIR_EXTEND(i)                                                                                                  \
    do {                                                                                                                    \
        x[i] = sm3_extend(x[i], x[((i) + 1) & 3], x[((i) + 2) & 3], x[((i) + 3) & 3]);                                      \
        y[i] = sm3_extend(y[i], y[((i) + 1) & 3], y[((i) + 2) & 3], y[((i) + 3) & 3]);                                      \
    } while (0)
#define SM3_PAIR_16_ROUNDS(AB)                                                                                              \
    do {                                                                                                                    \
        SM3_PAIR_STEP(AB, 0);                                                                                               \
        SM3_PAIR_EXTEND(0);                                                                                                 \
        SM3_PAIR_STEP(AB, 1);                                                                                               \
        SM3_PAIR_EXTEND(1);                                                                                                 \
        SM3_PAIR_STEP(AB, 2);                                                                                               \
        SM3_PAIR_EXTEND(2);                                                                                                 \
        SM3_PAIR_STEP(AB, 3);                                                                                               \
        SM3_PAIR_EXTEND(3);                                                                                                 \
        t += 16;                                                                                                            \
    } while (0)

/* state[8 lane + word]; n blocks of 64 bytes at p[lane]. */
static void sm3_pair_blocks(uint32_t *state, const uint8_t *const p[SM3_PAIR], size_t n) {
    const uint8_t *at[SM3_PAIR] = {p[0], p[1]};
    sm3_state s0 = sm3_get(state), s1 = sm3_get(state + 8);
    for (; n; n--) {
        const sm3_state before0 = s0, before1 = s1;
        const uint32_t *t = sm3_t_last;
        uint32x4_t x[4], y[4];
        for (int i = 0; i < 4; i++) x[i] = sm3_read(at[0] + 16 * i), y[i] = sm3_read(at[1] + 16 * i);
        SM3_PAIR_16_ROUNDS(a);
        while (t < sm3_t_last + 48) SM3_PAIR_16_ROUNDS(b);
        /* the last rounds read no word beyond W_67 */
        SM3_PAIR_STEP(b, 0);
        SM3_PAIR_EXTEND(0);
        SM3_PAIR_STEP(b, 1);
        SM3_PAIR_STEP(b, 2);
        SM3_PAIR_STEP(b, 3);
        s0 = sm3_mix(s0, before0), s1 = sm3_mix(s1, before1);
        at[0] += 64, at[1] += 64;
    }
    sm3_put(state, s0);
    sm3_put(state + 8, s1);
}

/* One block that is the same for both: schedule[j] = W_j, schedule[64 + j] = W_j xor W_(j+4). */
static void sm3_pair_expanded(uint32_t *state, const uint32_t *schedule) {
    const sm3_state before0 = sm3_get(state), before1 = sm3_get(state + 8);
    sm3_state s0 = before0, s1 = before1;
    for (int j = 0; j < 64; j += 4) {
        const uint32x4_t w = vld1q_u32(schedule + j), w0 = vld1q_u32(schedule + 64 + j);
        if (j < 16) {
            SM3_PAIR_4_ROUNDS(a, w, w0, w, w0, sm3_t_last + j);
        } else {
            SM3_PAIR_4_ROUNDS(b, w, w0, w, w0, sm3_t_last + j);
        }
    }
    sm3_put(state, sm3_mix(s0, before0));
    sm3_put(state + 8, sm3_mix(s1, before1));
}

static inline void sm3_pair_rows(uint8_t *rows, const uint32_t *state) {
    for (int k = 0; k < 2 * SM3_PAIR; k++) {
        vst1q_u8(rows + 16 * k, vrev32q_u8(vreinterpretq_u8_u32(vld1q_u32(state + 4 * k))));
    }
}

#define MANY_LANES    SM3_PAIR
#define MANY_INDEX    SM3_PAIR_INDEX
#define MANY_BLOCKS   sm3_pair_blocks
#define MANY_EXPANDED sm3_pair_expanded
#define MANY_ROWS     sm3_pair_rows
#include "sm3_many.inc.h"
