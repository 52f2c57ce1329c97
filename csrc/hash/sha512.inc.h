/* sha512.inc.h - SHA-512 compression over S64 lanes. FIPS 180-4, sections 4.1.3 and 6.4.2. */

#include "sha512_constants.h"

#define SHA512_ROUND(a, b, c, d, e, f, g, h, wk)                                                                            \
    do {                                                                                                                    \
        s64 t1 = s64_first(s64_add(s64_first(s64_add(h, wk)), s64_choose(e, f, g)));                                        \
        t1 = s64_add(t1, STREAM(sha512_big1)(e));                                                                           \
        d = s64_add(d, t1);                                                                                                 \
        h = s64_add(s64_first(s64_add(t1, s64_majority_next(a, b, c, &differ))), STREAM(sha512_big0)(a));                   \
    } while (0)

static inline s64 STREAM(sha512_big0)(s64 x) { return s64_xor3(s64_rotl(x, 36), s64_rotl(x, 30), s64_rotl(x, 25)); }
static inline s64 STREAM(sha512_big1)(s64 x) { return s64_xor3(s64_rotl(x, 50), s64_rotl(x, 46), s64_rotl(x, 23)); }
static inline s64 STREAM(sha512_small0)(s64 x) { return s64_xor3(s64_rotl(x, 63), s64_rotl(x, 56), s64_shr(x, 7)); }
static inline s64 STREAM(sha512_small1)(s64 x) { return s64_xor3(s64_rotl(x, 45), s64_rotl(x, 3), s64_shr(x, 6)); }

#define SHA512_EXTEND(i)                                                                                                    \
    (w[(i) & 15] = s64_add(s64_add(w[(i) & 15], STREAM(sha512_small0)(w[((i) + 1) & 15])),                                  \
                           s64_add(w[((i) + 9) & 15], STREAM(sha512_small1)(w[((i) + 14) & 15]))))

#define SHA512_8_ROUNDS(W, t)                                                                                               \
    SHA512_ROUND(a, b, c, d, e, f, g, h, W(0 + (t)));                                                                       \
    SHA512_ROUND(h, a, b, c, d, e, f, g, W(1 + (t)));                                                                       \
    SHA512_ROUND(g, h, a, b, c, d, e, f, W(2 + (t)));                                                                       \
    SHA512_ROUND(f, g, h, a, b, c, d, e, W(3 + (t)));                                                                       \
    SHA512_ROUND(e, f, g, h, a, b, c, d, W(4 + (t)));                                                                       \
    SHA512_ROUND(d, e, f, g, h, a, b, c, W(5 + (t)));                                                                       \
    SHA512_ROUND(c, d, e, f, g, h, a, b, W(6 + (t)));                                                                       \
    SHA512_ROUND(b, c, d, e, f, g, h, a, W(7 + (t)))

#define SHA512_GIVEN(i)    s64_add(w[i], s64_set1(k[i]))
#define SHA512_MADE(i)     s64_add(SHA512_EXTEND(i), s64_set1(k[i]))
#define SHA512_EXPANDED(i) s64_set1(k[i])

/* differ: see SHA256_ROUND. state[word * S64 + lane]; n blocks of 128 bytes at p[lane]. */
static void STREAM(sha512_blocks)(uint64_t *state, const uint8_t *const *p, size_t n) {
    const uint8_t *at[STREAM_W64];
    for (int j = 0; j < STREAM_W64; j++) at[j] = p[j];
    for (; n; n--) {
        s64 w[16];
        s64 a = s64_load(state), b = s64_load(state + S64), c = s64_load(state + 2 * S64), d = s64_load(state + 3 * S64);
        s64 e = s64_load(state + 4 * S64), f = s64_load(state + 5 * S64), g = s64_load(state + 6 * S64);
        s64 h = s64_load(state + 7 * S64), differ = s64_xor(b, c);
        s64_block_be(w, at);
        const uint64_t *k = sha512_k;
        SHA512_8_ROUNDS(SHA512_GIVEN, 0);
        SHA512_8_ROUNDS(SHA512_GIVEN, 8);
        for (int t = 16; t < 80; t += 16) {
            k = sha512_k + t;
            SHA512_8_ROUNDS(SHA512_MADE, 0);
            SHA512_8_ROUNDS(SHA512_MADE, 8);
        }
        s64 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) s64_store(state + i * S64, s64_add(s64_load(state + i * S64), out[i]));
        for (int j = 0; j < STREAM_W64; j++) at[j] += 128;
    }
}

/* One block that is the same in every lane. */
static void STREAM(sha512_expanded)(uint64_t *state, const uint64_t *schedule) {
    s64 a = s64_load(state), b = s64_load(state + S64), c = s64_load(state + 2 * S64), d = s64_load(state + 3 * S64);
    s64 e = s64_load(state + 4 * S64), f = s64_load(state + 5 * S64), g = s64_load(state + 6 * S64);
    s64 h = s64_load(state + 7 * S64), differ = s64_xor(b, c);
    for (const uint64_t *k = schedule; k < schedule + 80; k += 16) {
        SHA512_8_ROUNDS(SHA512_EXPANDED, 0);
        SHA512_8_ROUNDS(SHA512_EXPANDED, 8);
    }
    s64 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) s64_store(state + i * S64, s64_add(s64_load(state + i * S64), out[i]));
}
