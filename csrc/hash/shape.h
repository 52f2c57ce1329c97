/* shape.h - what the instances of many.inc.h share: the shape of a message and small copies. */
#ifndef PC_HASH_SHAPE_H
#define PC_HASH_SHAPE_H
#include "../core/check.h"
#include "../core/column.h"

#include <string.h>

enum { HASH_WINDOW = 256, HASH_BUCKETS = 128 };

/* Where the bytes of a message lie in its blocks. fixed bytes (what is left of the prefix, and the head) come first. */
typedef struct hash_shape {
    size_t fixed;
    size_t front, body; /* blocks that are copied because they hold fixed bytes; blocks that are read in place */
    size_t first;       /* bytes of the data that are copied behind the fixed ones: all of them when there is no body */
    size_t used;        /* bytes of the message in the last blocks, before the padding */
    uint64_t total;     /* bytes with prefix and head */
} hash_shape;

/* memcpy for sizes that vary from call to call, mostly below 200 bytes: overlapping moves of a fixed size, no call. */
static inline void hash_copy(uint8_t *to, const uint8_t *from, size_t n) {
    if (n >= 32) {
        for (size_t i = 0; i + 32 < n; i += 32) memcpy(to + i, from + i, 32);
        memcpy(to + n - 32, from + n - 32, 32);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    }
}

static inline int hash_one_length(const pc_column *column, size_t n) {
    const int64_t *at = column->offsets;
    int64_t differs = 0;
    if (!at) return 1;
    for (size_t i = 0; i < n; i++) differs |= (at[i + 1] - at[i]) ^ (at[1] - at[0]);
    return differs == 0;
}
#endif
