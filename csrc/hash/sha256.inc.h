/* sha256.inc.h - SHA-256 compression over S32 lanes. FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2. */

#include "sha256_constants.h"

/* One round; the caller renames the variables instead of moving them. wk = w[t] + K[t]. differ: b ^ c, and a ^ b after it. What
 * waits for e the longest goes into the sums last. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, wk)                                                                            \
    do {                                                                                                                    \
        s32 t1 = s32_first(s32_add(s32_first(s32_add(h, wk)), s32_choose(e, f, g)));                                        \
        t1 = s32_add(t1, STREAM(sha256_big1)(e));                                                                           \
        d = s32_add(d, t1);                                                                                                 \
        h = s32_add(s32_first(s32_add(t1, s32_majority_next(a, b, c, &differ))), STREAM(sha256_big0)(a));                   \
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

#define SHA256_GIVEN(i)    (SHA256_SAME(same, i) ? s32_set1(known->round[i]) : s32_add(w[i], s32_set1(k[i])))
#define SHA256_MADE(i)     s32_add(SHA256_EXTEND(i), s32_set1(k[i]))
#define SHA256_EXPANDED(i) s32_set1(k[i])
#define SHA256_PARTLY(i)                                                                                                    \
    (w[i] = STREAM(sha256_word)(w, 16 + (i), same, known),                                                                  \
     SHA256_SAME(same, 16 + (i)) ? s32_set1(known->round[16 + (i)]) : s32_add(w[i], s32_set1(k[16 + (i)])))

/* Word t of a schedule, 16 <= t < 32, where some words are the same in every lane: what is known of it, and what is not. */
PC_INLINE s32 STREAM(sha256_word)(const s32 w[16], int t, uint32_t same, const sha256_known *known) {
    const int some =
        SHA256_SAME(same, t - 16) || SHA256_SAME(same, t - 15) || SHA256_SAME(same, t - 7) || SHA256_SAME(same, t - 2);
    s32 word = some ? s32_set1(known->word[t]) : w[t & 15];
    if (some && !SHA256_SAME(same, t - 16)) word = s32_add(word, w[t & 15]);
    if (!SHA256_SAME(same, t - 7)) word = s32_add(word, w[(t - 7) & 15]);
    if (!SHA256_SAME(same, t - 15)) word = s32_add(word, STREAM(sha256_small0)(w[(t - 15) & 15]));
    if (!SHA256_SAME(same, t - 2)) word = s32_add(word, STREAM(sha256_small1)(w[(t - 2) & 15]));
    return word;
}

/* The rows that are hashed next: some of their halves are read, words at w, between the rounds before them, where that is free. */
typedef struct STREAM(sha256_next) {
    s32 w[16];
    const uint8_t *at[STREAM_W32];
} STREAM(sha256_next);

/* The block w behind the state v. same: bit t says that word t < 16 is the same in every lane, and `known`; a constant. Reads so
 * many halves of the next rows, where same != 0. */
PC_INLINE void STREAM(sha256_compress)(s32 v[8], s32 w[16], uint32_t same, const sha256_known *known,
                                       STREAM(sha256_next) * next, int halves) {
    s32 a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7], differ = s32_xor(b, c);
    const uint32_t *k = sha256_k;
    int t = 16;
    same = sha256_same(same);
    SHA256_8_ROUNDS(SHA256_GIVEN, 0);
    SHA256_8_ROUNDS(SHA256_GIVEN, 8);
    if (same) {
        if (halves > 0) s32_half_be(next->w, next->at, 0);
        SHA256_8_ROUNDS(SHA256_PARTLY, 0);
        SHA256_8_ROUNDS(SHA256_PARTLY, 8);
        if (halves > 1) s32_half_be(next->w + 8, next->at, 32);
        t = 32;
    }
    for (; t < 64; t += 16) {
        k = sha256_k + t;
        SHA256_8_ROUNDS(SHA256_MADE, 0);
        SHA256_8_ROUNDS(SHA256_MADE, 8);
    }
    const s32 out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) v[i] = s32_add(v[i], out[i]);
}

/* One block that is the same in every lane: schedule[t] = W_t + K_t. Reads the next rows, unless next is NULL. */
PC_INLINE void STREAM(sha256_compress_expanded)(s32 v[8], const uint32_t *schedule, STREAM(sha256_next) * next) {
    s32 a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7], differ = s32_xor(b, c);
    const uint32_t *k = schedule;
    for (int half = 0; half < 2; half++, k += 16) {
        SHA256_8_ROUNDS(SHA256_EXPANDED, 0);
        SHA256_8_ROUNDS(SHA256_EXPANDED, 8);
        k += 16;
        if (next) s32_half_be(next->w + 8 * half, next->at, 32 * (size_t)half);
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
        STREAM(sha256_compress)(v, w, 0, NULL, NULL, 0);
        for (int i = 0; i < 8; i++) s32_store(state + i * S32, v[i]);
        for (int j = 0; j < STREAM_W32; j++) at[j] += 64;
    }
}

static void STREAM(sha256_expanded)(uint32_t *state, const uint32_t *schedule) {
    s32 v[8];
    for (int i = 0; i < 8; i++) v[i] = s32_load(state + i * S32);
    STREAM(sha256_compress_expanded)(v, schedule, NULL);
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

PC_INLINE void STREAM(sha256_rows_find)(const uint8_t **at, const sha256_rows_call *call, size_t first, size_t n) {
    if (first < n) hash_rows_at(at, STREAM_W32, call->data, call->stride, first, n);
}
PC_INLINE void STREAM(sha256_rows_start)(s32 v[8], const sha256_rows_call *call) {
    for (int i = 0; i < 8; i++) v[i] = s32_set1(call->start[i]);
}
PC_INLINE void STREAM(sha256_rows_end)(const sha256_rows_call *call, size_t first, size_t n, const s32 v[8]) {
    uint8_t rows[32 * STREAM_W32];
    if (n - first >= STREAM_W32) {
        s32_rows8_be(call->digests + 32 * first, v);
        return;
    }
    s32_rows8_be(rows, v);
    memcpy(call->digests + 32 * first, rows, 32 * (n - first));
}

/* Rows first .. n - 1, one at least. */
PC_NOINLINE void STREAM(sha256_rows_64)(const sha256_rows_call *call, size_t first, size_t n) {
    STREAM(sha256_next) next;
    hash_rows_at(next.at, STREAM_W32, call->data, call->stride, first, n);
    s32_half_be(next.w, next.at, 0);
    s32_half_be(next.w + 8, next.at, 32);
    for (; first < n; first += STREAM_W32) {
        s32 v[8], w[16];
        for (int i = 0; i < 16; i++) w[i] = next.w[i];
        STREAM(sha256_rows_find)(next.at, call, first + STREAM_W32, n);
        STREAM(sha256_rows_start)(v, call);
        STREAM(sha256_compress)(v, w, 0, NULL, NULL, 0);
        STREAM(sha256_compress_expanded)(v, call->schedule, &next);
        STREAM(sha256_rows_end)(call, first, n, v);
    }
}
PC_NOINLINE void STREAM(sha256_rows_1_64)(const sha256_rows_call *call, size_t first, size_t n) {
    STREAM(sha256_next) next;
    hash_rows_at(next.at, STREAM_W32, call->data, call->stride, first, n);
    s32_half_be(next.w, next.at, 0);
    s32_half_be(next.w + 8, next.at, 32);
    for (; first < n; first += STREAM_W32) {
        s32 v[8], w[16], x[16], rest;
        for (int i = 0; i < 16; i++) w[i] = next.w[i];
        STREAM(sha256_rows_find)(next.at, call, first + STREAM_W32, n);
        STREAM(sha256_rows_start)(v, call);
        STREAM(sha256_shifted)(x, &rest, w, 16, call->before);
        STREAM(sha256_compress)(v, x, 0, NULL, NULL, 0);
        x[0] = rest;
        STREAM(sha256_compress)(v, x, SHA256_SAME_1_64, &call->known, &next, 2);
        STREAM(sha256_rows_end)(call, first, n, v);
    }
}
PC_NOINLINE void STREAM(sha256_rows_32)(const sha256_rows_call *call, size_t first, size_t n) {
    STREAM(sha256_next) next;
    hash_rows_at(next.at, STREAM_W32, call->data, call->stride, first, n);
    s32_half_be(next.w, next.at, 0);
    for (; first < n; first += STREAM_W32) {
        s32 v[8], w[8], x[16];
        for (int i = 0; i < 8; i++) w[i] = next.w[i];
        STREAM(sha256_rows_find)(next.at, call, first + STREAM_W32, n);
        STREAM(sha256_rows_start)(v, call);
        if (call->kept) {
            STREAM(sha256_shifted)(x, &x[8], w, 8, call->before);
        } else {
            for (int i = 0; i < 8; i++) x[i] = w[i];
            x[8] = s32_set1(0x80000000);
        }
        STREAM(sha256_compress)(v, x, SHA256_SAME_32, &call->known, &next, 1);
        STREAM(sha256_rows_end)(call, first, n, v);
    }
}
