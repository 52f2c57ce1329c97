/* digest_rows.h - where lanes keep the words of a state, and states as digests: MANY_INDEX and MANY_ROWS of many.inc.h over a lanes header. */
#ifndef PC_HASH_DIGEST_ROWS_H
#define PC_HASH_DIGEST_ROWS_H
#define HASH_INDEX_S32(w, j) ((w) * S32 + (j))
#define HASH_INDEX_W32(w, j) ((w) * W32 + (j))
#define HASH_INDEX_S64(w, j) ((w) * S64 + (j))
#define HASH_INDEX_W64(w, j) ((w) * W64 + (j))

/* words: what there is of eight */
#define HASH_ROWS(name, v, word, lanes, width, words, order)                                                                \
    static void name(uint8_t *rows, const word *state) {                                                                    \
        for (int first = 0; first < lanes; first += width) {                                                                \
            v w[8];                                                                                                         \
            for (int i = 0; i < 8; i++) w[i] = v##_##order(v##_load(state + (i < words ? i : 0) * lanes + first));          \
            v##_rows8(rows + first * 8 * (int)sizeof(word), w);                                                             \
        }                                                                                                                   \
    }
#endif
