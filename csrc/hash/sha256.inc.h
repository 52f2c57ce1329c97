/* sha256.inc.h - SHA-256 compression over S32 lanes. FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

#include "sha256_constants.h"

/* One round; the caller renames the variables instead of moving them. wk = w[t] + K[t]. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, wk)                                                                            \
    do {                                                                                                                    \
        s32 t1 = s32_add(s32_add(h, wk), s32_add(s32_choose(e, f, g), STREAM(sha256_big1)(e)));                             \
        d = s32_add(d, t1);                                                                                                 \
        h = s32_add(t1, s32_add(STREAM(sha256_big0)(a), s32_majority(a, b, c)));                                            \
    } while (0)

static inline s32 STREAM(sha256_big0)(s32 x) { return s32_xor3(s32_rotl(x, 30), s32_rotl(x, 19), s32_rotl(x, 10)); }
static inline s32 STREAM(sha256_big1)(s32 x) { return s32_xor3(s32_rotl(x, 26), s32_rotl(x, 21), s32_rotl(x, 7)); }
static inline s32 STREAM(sha256_small0)(s32 x) { return s32_xor3(s32_rotl(x, 25), s32_rotl(x, 14), s32_shr(x, 3)); }
static inline s32 STREAM(sha256_small1)(s32 x) { return s32_xor3(s32_rotl(x, 15), s32_rotl(x, 13), s32_shr(x, 10)); }

/* w[i] becomes the schedule word 16 steps on; w is a ring of the last 16 words. */
#define SHA256_EXTEND(i)                                                                                                    \
    (w[(i) & 15] = s32_add(s32_add(w[(i) & 15], STREAM(sha256_small0)(w[((i) + 1) & 15])),                                  \
                           s32_add(w[((i) + 9) & 15], STREAM(sha256_small1)(w[((i) + 14) & 15]))))

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

/* The block w behind the state v. */
PC_INLINE void STREAM(sha256_compress)(s32 v[8], s32 w[16]) {
    s32 a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
    const uint32_t *k = sha256_k;
    SHA256_8_ROUNDS(SHA256_GIVEN, 0);
    SHA256_8_ROUNDS(SHA256_GIVEN, 8);
    for (int t = 16; t < 64; t += 16) {
        k = sha256_k + t;
        SHA256_8_ROUNDS(SHA256_MADE, 0);
        SHA256_8_ROUNDS(SHA256_MADE, 8);
    }
    const s32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) v[i] = s32_add(v[i], out[i]);
}

/* One block that is the same in every lane: schedule[t] = W_t + K_t. */
PC_INLINE void STREAM(sha256_compress_expanded)(s32 v[8], const uint32_t *schedule) {
    s32 a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
    for (const uint32_t *k = schedule; k < schedule + 64; k += 16) {
        SHA256_8_ROUNDS(SHA256_EXPANDED, 0);
        SHA256_8_ROUNDS(SHA256_EXPANDED, 8);
    }
    const s32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) v[i] = s32_add(v[i], out[i]);
}

/* state[word * S32 + lane]; n blocks of 64 bytes at p[lane]. */
static void STREAM(sha256_blocks)(uint32_t *state, const uint8_t *const *p, size_t n) {
    const uint8_t *at[STREAM_W32];
    for (int j = 0; j < STREAM_W32; j++) at[j] = p[j];
    for (; n; n--) {
        s32 v[8], w[16];
        for (int i = 0; i < 8; i++) v[i] = s32_load(state + i * S32);
        s32_block_be(w, at);
        STREAM(sha256_compress)(v, w);
        for (int i = 0; i < 8; i++) s32_store(state + i * S32, v[i]);
        for (int j = 0; j < STREAM_W32; j++) at[j] += 64;
    }
}

static void STREAM(sha256_expanded)(uint32_t *state, const uint32_t *schedule) {
    s32 v[8];
    for (int i = 0; i < 8; i++) v[i] = s32_load(state + i * S32);
    STREAM(sha256_compress_expanded)(v, schedule);
    for (int i = 0; i < 8; i++) s32_store(state + i * S32, v[i]);
}

/* ---- rows of 32 or 64 bytes, alone or behind one byte, from where they lie to their digests ------------------------------ */

/* A message as words: the rows, one byte further on where there is a byte before them, and the bit behind them. */
PC_INLINE void STREAM(sha256_shifted)(s32 x[16], s32 *rest, const s32 *w, int n, uint8_t before) {
    const s32 top = s32_set1(0xff000000);
    s32 last = s32_set1((uint32_t)before << 24);
    for (int i = 0; i < n; i++) {
        const s32 turned = s32_rotl(w[i], 24);
        x[i] = s32_choose(top, last, turned);
        last = turned;
    }
    *rest = s32_choose(top, last, s32_set1(0x00800000));
}
/* The end of a message of `bits` bits from word `first` of its last block on. */
PC_INLINE void STREAM(sha256_end)(s32 x[16], int first, uint64_t bits) {
    for (int i = first; i < 14; i++) x[i] = s32_set1(0);
    x[14] = s32_set1((uint32_t)(bits >> 32));
    x[15] = s32_set1((uint32_t)bits);
}

/* Where the rows of a step lie, and the state before them. Lanes without a row read the first one. */
PC_INLINE void STREAM(sha256_rows_begin)(const uint8_t *at[STREAM_W32], s32 v[8], const sha256_rows_call *call, size_t first,
                                         size_t lanes) {
    for (size_t j = 0; j < STREAM_W32; j++) at[j] = call->data + (ptrdiff_t)(j < lanes ? first + j : first) * call->stride;
    for (int i = 0; i < 8; i++) v[i] = s32_set1(call->start[i]);
}
PC_INLINE void STREAM(sha256_rows_end)(const sha256_rows_call *call, size_t first, size_t lanes, const s32 v[8]) {
    uint8_t rows[32 * STREAM_W32];
    if (lanes == STREAM_W32) {
        s32_rows8_be(call->digests + 32 * first, v);
        return;
    }
    s32_rows8_be(rows, v);
    memcpy(call->digests + 32 * first, rows, 32 * lanes);
}

PC_NOINLINE void STREAM(sha256_rows_64)(const sha256_rows_call *call, size_t first, size_t lanes) {
    const uint8_t *at[STREAM_W32];
    s32 v[8], w[16];
    STREAM(sha256_rows_begin)(at, v, call, first, lanes);
    s32_block_be(w, at);
    STREAM(sha256_compress)(v, w);
    STREAM(sha256_compress_expanded)(v, call->schedule);
    STREAM(sha256_rows_end)(call, first, lanes, v);
}
PC_NOINLINE void STREAM(sha256_rows_1_64)(const sha256_rows_call *call, size_t first, size_t lanes) {
    const uint8_t *at[STREAM_W32];
    s32 v[8], w[16], x[16], rest;
    STREAM(sha256_rows_begin)(at, v, call, first, lanes);
    s32_block_be(w, at);
    STREAM(sha256_shifted)(x, &rest, w, 16, call->before);
    for (int block = 0; block < 2; block++) { /* one text of the rounds for both */
        STREAM(sha256_compress)(v, x);
        x[0] = rest;
        STREAM(sha256_end)(x, 1, call->bits);
    }
    STREAM(sha256_rows_end)(call, first, lanes, v);
}
PC_NOINLINE void STREAM(sha256_rows_32)(const sha256_rows_call *call, size_t first, size_t lanes) {
    const uint8_t *at[STREAM_W32];
    s32 v[8], w[8], x[16];
    STREAM(sha256_rows_begin)(at, v, call, first, lanes);
    s32_half_be(w, at);
    if (call->kept) {
        STREAM(sha256_shifted)(x, &x[8], w, 8, call->before);
    } else {
        for (int i = 0; i < 8; i++) x[i] = w[i];
        x[8] = s32_set1(0x80000000);
    }
    STREAM(sha256_end)(x, 9, call->bits);
    STREAM(sha256_compress)(v, x);
    STREAM(sha256_rows_end)(call, first, lanes, v);
}
