/* sm3.inc.h - SM3 compression over S32 lanes. GB/T 32905-2016, section 5.3 (ISO/IEC 10118-3:2018, dedicated hash-function 17). */

#include "sm3_constants.h"

static inline s32 STREAM(sm3_p0)(s32 x) { return s32_fold(x, 9); }
static inline s32 STREAM(sm3_p1)(s32 x) { return s32_fold(x, 15); }
#define SM3_FF_LOW(x, y, z)  s32_xor3(x, y, z)
#define SM3_GG_LOW(x, y, z)  s32_xor3(x, y, z)
#define SM3_FF_HIGH(x, y, z) s32_majority(x, y, z)
#define SM3_GG_HIGH(x, y, z) s32_choose(x, y, z)

/* One round; the caller renames the variables. w0 = W_j, w04 = W_j xor W_(j+4). */
#define SM3_ROUND(a, b, c, d, e, f, g, h, FF, GG, w0, w04, t)                                                               \
    do {                                                                                                                    \
        s32 a12 = s32_rotl(a, 12);                                                                                          \
        s32 ss1 = s32_rotl(s32_add(s32_first(s32_add(a12, s32_set1(t))), e), 7);                                            \
        s32 tt1 = s32_add(s32_first(s32_add(s32_add(FF(a, b, c), d), w04)), s32_xor(ss1, a12));                             \
        s32 tt2 = s32_add(s32_first(s32_add(s32_add(GG(e, f, g), h), w0)), ss1);                                            \
        b = s32_rotl(b, 9);                                                                                                 \
        d = tt1;                                                                                                            \
        f = s32_rotl(f, 19);                                                                                                \
        h = STREAM(sm3_p0)(tt2);                                                                                            \
    } while (0)

/* W_(j+16) from the ring of the last 16 words: needed 12 rounds ahead, for W_(j+4) of the round that uses it as w4. */
#define SM3_EXTEND(i)                                                                                                       \
    (w[(i) & 15] = s32_xor3(STREAM(sm3_p1)(s32_xor3(w[(i) & 15], w[((i) + 7) & 15], s32_rotl(w[((i) + 13) & 15], 15))),     \
                            s32_rotl(w[((i) + 3) & 15], 7), w[((i) + 10) & 15]))

#define SM3_4_ROUNDS(FF, GG, W, i)                                                                                          \
    SM3_ROUND(a, b, c, d, e, f, g, h, FF, GG, W(i), W##_4(i), t[i]);                                                        \
    SM3_ROUND(d, a, b, c, h, e, f, g, FF, GG, W((i) + 1), W##_4((i) + 1), t[(i) + 1]);                                      \
    SM3_ROUND(c, d, a, b, g, h, e, f, FF, GG, W((i) + 2), W##_4((i) + 2), t[(i) + 2]);                                      \
    SM3_ROUND(b, c, d, a, f, g, h, e, FF, GG, W((i) + 3), W##_4((i) + 3), t[(i) + 3])

#define SM3_GIVEN(i)      w[(i) & 15]
#define SM3_GIVEN_4(i)    s32_xor(w[(i) & 15], w[((i) + 4) & 15])
#define SM3_EXPANDED(i)   s32_set1(k[i])
#define SM3_EXPANDED_4(i) s32_set1(k[64 + (i)])

#define SM3_4_EXTEND(i) (SM3_EXTEND(i), SM3_EXTEND((i) + 1), SM3_EXTEND((i) + 2), SM3_EXTEND((i) + 3))

/* state[word * S32 + lane]; n blocks of 64 bytes at p[lane]. */
static void STREAM(sm3_blocks)(uint32_t *state, const uint8_t *const *p, size_t n) {
    const uint8_t *at[STREAM_W32];
    for (int j = 0; j < STREAM_W32; j++) at[j] = p[j];
    for (; n; n--) {
        s32 w[16];
        s32 a = s32_load(state), b = s32_load(state + S32), c = s32_load(state + 2 * S32), d = s32_load(state + 3 * S32);
        s32 e = s32_load(state + 4 * S32), f = s32_load(state + 5 * S32), g = s32_load(state + 6 * S32);
        s32 h = s32_load(state + 7 * S32);
        s32_block_be(w, at);
        /* Rounds i .. i + 3 read W_i .. W_(i+7), so four words are extended after every four rounds. */
        const uint32_t *t = sm3_t;
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, SM3_GIVEN, 0);
        SM3_4_EXTEND(0);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, SM3_GIVEN, 4);
        SM3_4_EXTEND(4);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, SM3_GIVEN, 8);
        SM3_4_EXTEND(8);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, SM3_GIVEN, 12);
        SM3_4_EXTEND(12);
        for (t += 16; t < sm3_t + 64; t += 16) {
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_GIVEN, 0);
            SM3_4_EXTEND(0);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_GIVEN, 4);
            SM3_4_EXTEND(4);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_GIVEN, 8);
            SM3_4_EXTEND(8);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_GIVEN, 12);
            SM3_4_EXTEND(12);
        }
        s32 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) s32_store(state + i * S32, s32_xor(s32_load(state + i * S32), out[i]));
        for (int j = 0; j < STREAM_W32; j++) at[j] += 64;
    }
}

/* One block that is the same in every lane. */
static void STREAM(sm3_expanded)(uint32_t *state, const uint32_t *schedule) {
    s32 a = s32_load(state), b = s32_load(state + S32), c = s32_load(state + 2 * S32), d = s32_load(state + 3 * S32);
    s32 e = s32_load(state + 4 * S32), f = s32_load(state + 5 * S32), g = s32_load(state + 6 * S32);
    s32 h = s32_load(state + 7 * S32);
    const uint32_t *t = sm3_t, *k = schedule;
    for (int j = 0; j < 16; j += 4, t += 4, k += 4) {
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, SM3_EXPANDED, 0);
    }
    for (int j = 16; j < 64; j += 8, t += 8, k += 8) {
        SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_EXPANDED, 0);
        SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, SM3_EXPANDED, 4);
    }
    s32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) s32_store(state + i * S32, s32_xor(s32_load(state + i * S32), out[i]));
}
