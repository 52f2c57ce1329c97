/* sha256_pair.inc.h - SHA-256 over instructions that take whole rounds, two messages at a time: a round instruction has a latency
 * of several cycles and every one waits for the last, so a second message runs in the gaps for nothing. The includer gives
 *
 *   sha256_quad            four message words, in the order of the message
 *   sha256_state           the working variables as the instructions want them
 *   sha256_get(p), sha256_put(p, s)   from and to eight words a .. h
 *   sha256_sum(s, t)       variable by variable
 *   sha256_rounds(s, wk)   four rounds; wk = W_t + K_t, t ascending
 *   sha256_extend(w0, w1, w2, w3)     from W_(t-16) .. W_(t-1), W_t .. W_(t+3)
 *   sha256_take(p)         four words from memory;  sha256_plus(w, p): w plus those
 *   sha256_read(p)         four big-endian words from 16 bytes;  sha256_write(p, w): the reverse
 *
 * Defines everything of sha256_many.inc.h. */
#include "sha256_constants.h"

enum { SHA256_PAIR = 2 };
#define SHA256_PAIR_INDEX(w, j) ((j) * 8 + (w))

/* The same four rounds of both messages, on message words that were loaded or are made here. */
#define SHA256_PAIR_ROUNDS(i, t)                                                                                            \
    (s0 = sha256_rounds(s0, sha256_plus(x[i], sha256_k + (t))), s1 = sha256_rounds(s1, sha256_plus(y[i], sha256_k + (t))))
#define SHA256_PAIR_GIVEN(i, t)                                                                                             \
    do {                                                                                                                    \
        x[i] = sha256_read(at[0] + 16 * (i)), y[i] = sha256_read(at[1] + 16 * (i));                                         \
        SHA256_PAIR_ROUNDS(i, t);                                                                                           \
    } while (0)
#define SHA256_PAIR_MADE(i, t)                                                                                              \
    do {                                                                                                                    \
        x[i] = sha256_extend(x[i], x[((i) + 1) & 3], x[((i) + 2) & 3], x[((i) + 3) & 3]);                                   \
        y[i] = sha256_extend(y[i], y[((i) + 1) & 3], y[((i) + 2) & 3], y[((i) + 3) & 3]);                                   \
        SHA256_PAIR_ROUNDS(i, t);                                                                                           \
    } while (0)

/* state[8 lane + word]; n blocks of 64 bytes at p[lane]. */
static void sha256_pair_blocks(uint32_t *state, const uint8_t *const p[SHA256_PAIR], size_t n) {
    const uint8_t *at[SHA256_PAIR] = {p[0], p[1]};
    sha256_state s0 = sha256_get(state), s1 = sha256_get(state + 8);
    for (; n; n--) {
        const sha256_state before0 = s0, before1 = s1;
        sha256_quad x[4], y[4];
        SHA256_PAIR_GIVEN(0, 0);
        SHA256_PAIR_GIVEN(1, 4);
        SHA256_PAIR_GIVEN(2, 8);
        SHA256_PAIR_GIVEN(3, 12);
        for (int t = 16; t < 64; t += 16) {
            SHA256_PAIR_MADE(0, t);
            SHA256_PAIR_MADE(1, t + 4);
            SHA256_PAIR_MADE(2, t + 8);
            SHA256_PAIR_MADE(3, t + 12);
        }
        s0 = sha256_sum(s0, before0), s1 = sha256_sum(s1, before1);
        at[0] += 64, at[1] += 64;
    }
    sha256_put(state, s0);
    sha256_put(state + 8, s1);
}

#define SHA256_ONE_ROUNDS(i, t) (s = sha256_rounds(s, sha256_plus(x[i], sha256_k + (t))))
#define SHA256_ONE_GIVEN(i, t)  (x[i] = sha256_read(p + 16 * (i)), SHA256_ONE_ROUNDS(i, t))
#define SHA256_ONE_MADE(i, t)                                                                                               \
    (x[i] = sha256_extend(x[i], x[((i) + 1) & 3], x[((i) + 2) & 3], x[((i) + 3) & 3]), SHA256_ONE_ROUNDS(i, t))

/* A message by itself, whose rounds take as long as the instruction has latency: less than those of two. */
static void sha256_one_blocks(uint32_t *state, const uint8_t *p, size_t n) {
    sha256_state s = sha256_get(state);
    for (; n; n--, p += 64) {
        const sha256_state before = s;
        sha256_quad x[4];
        SHA256_ONE_GIVEN(0, 0);
        SHA256_ONE_GIVEN(1, 4);
        SHA256_ONE_GIVEN(2, 8);
        SHA256_ONE_GIVEN(3, 12);
        for (int t = 16; t < 64; t += 16) {
            SHA256_ONE_MADE(0, t);
            SHA256_ONE_MADE(1, t + 4);
            SHA256_ONE_MADE(2, t + 8);
            SHA256_ONE_MADE(3, t + 12);
        }
        s = sha256_sum(s, before);
    }
    sha256_put(state, s);
}

/* One block that is the same for both: schedule[t] = W_t + K_t. */
static void sha256_pair_expanded(uint32_t *state, const uint32_t *schedule) {
    const sha256_state before0 = sha256_get(state), before1 = sha256_get(state + 8);
    sha256_state s0 = before0, s1 = before1;
    for (int t = 0; t < 64; t += 4) {
        const sha256_quad wk = sha256_take(schedule + t);
        s0 = sha256_rounds(s0, wk);
        s1 = sha256_rounds(s1, wk);
    }
    sha256_put(state, sha256_sum(s0, before0));
    sha256_put(state + 8, sha256_sum(s1, before1));
}

static inline void sha256_pair_rows(uint8_t *rows, const uint32_t *state) {
    for (int k = 0; k < 2 * SHA256_PAIR; k++) sha256_write(rows + 16 * k, sha256_take(state + 4 * k));
}

#define MANY_LANES    SHA256_PAIR
#define MANY_INDEX    SHA256_PAIR_INDEX
#define MANY_BLOCKS   sha256_pair_blocks
#define MANY_EXPANDED sha256_pair_expanded
#define MANY_ROWS     sha256_pair_rows
#define MANY_ONE      sha256_one_blocks
#define MANY_AHEAD    1
#include "sha256_many.inc.h"
