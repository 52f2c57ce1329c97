/* sha256_rows.h - which rows SHA-256 takes from where they lie: 32 or 64 bytes, behind a byte (RFC 9162) or nothing. */
#ifndef PC_HASH_SHA256_ROWS_H
#define PC_HASH_SHA256_ROWS_H
#include "sha256_constants.h"

typedef struct sha256_rows_call {
    const uint32_t *start; /* the state in front of them */
    const uint8_t *data;
    uint8_t *digests;
    ptrdiff_t stride;
    size_t kept;           /* bytes before each row, 0 or 1 */
    uint8_t before;        /* that byte */
    uint64_t bits;         /* of a whole message */
    uint32_t schedule[64]; /* of the last block, where it is the same for all */
} sha256_rows_call;
#endif
