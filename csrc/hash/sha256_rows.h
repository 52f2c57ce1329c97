/* sha256_rows.h - which rows SHA-256 takes from where they lie: 32 or 64 bytes, behind a byte (RFC 9162) or nothing; and schedules of
 * which some words are the same for all of them. */
#ifndef PC_HASH_SHA256_ROWS_H
#define PC_HASH_SHA256_ROWS_H
#include "../core/check.h"
#include "sha256_constants.h"

#include <stddef.h>

/* Words of the last block that are the same for all rows, one bit each: all but the first of 65 bytes; the length and the zeros
 * before it of 33, and of 32. */
enum { SHA256_SAME_1_64 = 0xfffe, SHA256_SAME_32 = 0xfe00 };
#define SHA256_SAME(same, t) ((same) >> (t) & 1)

/* The sums of the parts of words 0 .. 31 that are the same, and the same with K_t. */
typedef struct sha256_known {
    uint32_t word[32], round[32];
} sha256_known;

typedef struct sha256_rows_call {
    const uint32_t *start; /* the state in front of them */
    const uint8_t *data;
    uint8_t *digests;
    ptrdiff_t stride;
    size_t kept;           /* bytes before each row, 0 or 1 */
    uint8_t before;        /* that byte */
    uint64_t bits;         /* of a whole message */
    uint32_t schedule[64]; /* of the last block, where it is the same for all */
    sha256_known known;    /* of the last block, where it is not */
} sha256_rows_call;

/* Words 0 .. 31 of a schedule that are the same, given those below 16. */
PC_INLINE uint32_t sha256_same(uint32_t same) {
    for (int t = 16; t < 32; t++) {
        const uint32_t word =
            SHA256_SAME(same, t - 16) & SHA256_SAME(same, t - 15) & SHA256_SAME(same, t - 7) & SHA256_SAME(same, t - 2);
        same |= word << t;
    }
    return same;
}

/* The known words of the last block of messages of so many bits: zeros and their length. */
PC_FN void sha256_know(sha256_known *known, uint32_t same, uint64_t bits) {
    uint32_t *w = known->word;
    same = sha256_same(same);
    for (int t = 0; t < 32; t++) {
        w[t] = 0;
        if (t == 14) w[t] = (uint32_t)(bits >> 32);
        if (t == 15) w[t] = (uint32_t)bits;
        if (t >= 16) {
            if (SHA256_SAME(same, t - 16)) w[t] += w[t - 16];
            if (SHA256_SAME(same, t - 15)) w[t] += sha256_small(w[t - 15], 25, 14, 3);
            if (SHA256_SAME(same, t - 7)) w[t] += w[t - 7];
            if (SHA256_SAME(same, t - 2)) w[t] += sha256_small(w[t - 2], 15, 13, 10);
        }
        known->round[t] = w[t] + sha256_k[t];
    }
}
#endif
