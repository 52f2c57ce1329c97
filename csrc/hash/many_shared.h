/* many_shared.h - what the instances of many.inc.h share: the shape of a message, small copies, Merkle levels. */
#ifndef PC_HASH_MANY_SHARED_H
#define PC_HASH_MANY_SHARED_H
#include "../backend/backend.h"
#include "../core/check.h"
#include "../core/column.h"

#include <string.h>

enum { HASH_WINDOW = 256, HASH_BUCKETS = 128 };

/* An address that will be read soon, if it is one at all. */
#if defined(__GNUC__)
#    define HASH_PREFETCH(address) __builtin_prefetch((const void *)(address))
#else
#    define HASH_PREFETCH(address) ((void)(address))
#endif

/* An address that is computed by itself. As a vector of addresses it would go through memory, in stores that the loads of single
 * addresses wait for. */
static inline PC_UNUSED const uint8_t *hash_address(const uint8_t *p) {
#if defined(__GNUC__)
    __asm__("" : "+r"(p));
#endif
    return p;
}

/* Where rows first .. first + lanes - 1 of n lie, one every `stride` bytes; lanes without a row read the last one. */
static inline PC_UNUSED void hash_rows_at(const uint8_t **at, size_t lanes, const uint8_t *data, ptrdiff_t stride,
                                          size_t first, size_t n) {
    const uint8_t *row = data + (ptrdiff_t)first * stride;
    for (size_t j = 0; j < lanes; j++) {
        at[j] = row = hash_address(row);
        row += first + j + 1 < n ? stride : 0;
    }
}

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

/* One Merkle level over hash function `many` with digests of `size` bytes. Every parent is a message of the same length, so the
 * lanes run in step: what a step writes (parents i .. i + W - 1) lies below what later steps read (children 2 i + 2 W and up), and
 * parents may be the same memory as children. */
PC_FN void hash_merkle_level(pc_hash_fn *many, size_t size, int odd, const uint8_t *prefix, size_t prefix_len,
                             const uint8_t *children, size_t count, uint8_t *parents) {
    pc_column pairs = pc_column_fixed(children, 2 * size);
    many(prefix, prefix_len, &pairs, count / 2, parents);
    if (count % 2 == 0) return;
    const uint8_t *last = children + (count - 1) * size;
    uint8_t *parent = parents + count / 2 * size;
    if (odd == PC_ODD_PROMOTE) {
        memmove(parent, last, size);
        return;
    }
    uint8_t twice[2 * 64];
    memcpy(twice, last, size);
    memcpy(twice + size, last, size);
    pairs = pc_column_fixed(twice, 2 * size);
    many(prefix, prefix_len, &pairs, 1, parent);
}
#endif
