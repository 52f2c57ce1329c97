/* sha256_shani.inc.h - SHA-256 with the SHA extensions of x86 (Intel SDM, volume 2: SHA256RNDS2, SHA256MSG1, SHA256MSG2), two
 * messages at a time: a round instruction has a latency of four cycles or more and every one waits for the last, so a second
 * message runs in the gaps for nothing.
 *
 * The instructions want the state as ABEF and CDGH (A and C in the high words) and four message words at a time. */
#include "sha256_constants.h"

#include <immintrin.h>

enum { SHANI_LANES = 2 };
#define SHANI_INDEX(w, j) ((j) * 8 + (w))

typedef struct shani_state {
    __m128i abef, cdgh;
} shani_state;

static inline shani_state shani_load(const uint32_t *state) {
    __m128i dcba = _mm_loadu_si128((const __m128i *)state), hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (shani_state){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

static inline void shani_store(uint32_t *state, shani_state s) {
    __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b), dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static inline shani_state shani_add(shani_state a, shani_state b) {
    return (shani_state){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

/* Four rounds; wk = W_t + K_t, t ascending. */
static inline shani_state shani_rounds(shani_state s, __m128i wk) {
    s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, wk);
    s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(wk, 0x0e));
    return s;
}

static inline __m128i shani_k(int t) { return _mm_loadu_si128((const __m128i *)(sha256_k + t)); }

static inline __m128i shani_message(const uint8_t *p) {
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p),
                            _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

/* w[0..3] hold W_(t-16) .. W_(t-1); w[0] becomes W_t .. W_(t+3). */
static inline __m128i shani_extend(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3);
}

/* The same four rounds of both messages, on message words that were loaded or are made here. */
#define SHANI_GIVEN(i, t)                                                                                                   \
    do {                                                                                                                    \
        x[i] = shani_message(at[0] + 16 * (i)), y[i] = shani_message(at[1] + 16 * (i));                                     \
        s0 = shani_rounds(s0, _mm_add_epi32(x[i], shani_k(t)));                                                             \
        s1 = shani_rounds(s1, _mm_add_epi32(y[i], shani_k(t)));                                                             \
    } while (0)
#define SHANI_MADE(i, t)                                                                                                    \
    do {                                                                                                                    \
        x[i] = shani_extend(x[i], x[((i) + 1) & 3], x[((i) + 2) & 3], x[((i) + 3) & 3]);                                    \
        y[i] = shani_extend(y[i], y[((i) + 1) & 3], y[((i) + 2) & 3], y[((i) + 3) & 3]);                                    \
        s0 = shani_rounds(s0, _mm_add_epi32(x[i], shani_k(t)));                                                             \
        s1 = shani_rounds(s1, _mm_add_epi32(y[i], shani_k(t)));                                                             \
    } while (0)

/* state[8 lane + word]; n blocks of 64 bytes at p[lane]. */
static void shani_blocks(uint32_t *state, const uint8_t *const p[SHANI_LANES], size_t n) {
    const uint8_t *at[SHANI_LANES] = {p[0], p[1]};
    shani_state s0 = shani_load(state), s1 = shani_load(state + 8);
    for (; n; n--) {
        const shani_state before0 = s0, before1 = s1;
        __m128i x[4], y[4];
        SHANI_GIVEN(0, 0);
        SHANI_GIVEN(1, 4);
        SHANI_GIVEN(2, 8);
        SHANI_GIVEN(3, 12);
        for (int t = 16; t < 64; t += 16) {
            SHANI_MADE(0, t);
            SHANI_MADE(1, t + 4);
            SHANI_MADE(2, t + 8);
            SHANI_MADE(3, t + 12);
        }
        s0 = shani_add(s0, before0), s1 = shani_add(s1, before1);
        at[0] += 64, at[1] += 64;
    }
    shani_store(state, s0);
    shani_store(state + 8, s1);
}

/* One block that is the same for both: schedule[t] = W_t + K_t. */
static void shani_expanded(uint32_t *state, const uint32_t *schedule) {
    const shani_state before0 = shani_load(state), before1 = shani_load(state + 8);
    shani_state s0 = before0, s1 = before1;
    for (int t = 0; t < 64; t += 4) {
        __m128i wk = _mm_loadu_si128((const __m128i *)(schedule + t));
        s0 = shani_rounds(s0, wk);
        s1 = shani_rounds(s1, wk);
    }
    shani_store(state, shani_add(s0, before0));
    shani_store(state + 8, shani_add(s1, before1));
}

static inline void shani_rows(uint8_t *rows, const uint32_t *state) {
    for (int k = 0; k < 2 * SHANI_LANES; k++) {
        _mm_storeu_si128((__m128i *)(rows + 16 * k), shani_message((const uint8_t *)(state + 4 * k)));
    }
}

#define MANY_LANES    SHANI_LANES
#define MANY_INDEX    SHANI_INDEX
#define MANY_BLOCKS   shani_blocks
#define MANY_EXPANDED shani_expanded
#define MANY_ROWS     shani_rows
#include "sha256_many.inc.h"
