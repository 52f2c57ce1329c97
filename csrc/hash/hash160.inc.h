/* hash160.inc.h - RIPEMD-160 over S32 lanes, and hash160 over it and the including backend's sha256_many. */
#include "padding.inc.h"
#include "digest_rows.h"
#include "lanes_streams.h"
#include "many_shared.h"

static const uint32_t ripemd160_initial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

#include "streams_one.h"
#include "ripemd160.inc.h"
#include "streams_end.h"
#if LANES_STREAMS == 2
#    include "streams_all.h"
#    include "ripemd160.inc.h"
#    include "streams_end.h"
#endif
STREAMED(ripemd160, RIPEMD160, uint32_t, W32)

HASH_ROWS(ripemd160_rows, v32, uint32_t, S32, W32, 5, le)

#define MANY         ripemd160
#define MANY_WORD    uint32_t
#define MANY_LANES   S32
#define MANY_INDEX   HASH_INDEX_S32
#define MANY_WORDS   5
#define MANY_BLOCK   64
#define MANY_DIGEST  20
#define MANY_BLOCKS  ripemd160_blocks
#define MANY_STREAMS 1
#define MANY_INITIAL ripemd160_initial
#define MANY_PAD     hash_pad_64_le
#define MANY_ROWS    ripemd160_rows
#define MANY_ROW     32
#include "many.inc.h"

/* RIPEMD-160 of SHA-256: the hash of Bitcoin's addresses and scripts. */
static void hash160_many(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests) {
    enum { CHUNK = 128 };
    uint8_t inner[CHUNK * 32];
    pc_column rest = *messages, digested = pc_column_fixed(inner, 32);
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        sha256_many(prefix, prefix_len, &rest, m, inner);
        ripemd160_many(NULL, 0, &digested, m, digests + 20 * i);
        if (rest.offsets) {
            rest.offsets += m;
        } else if (rest.data) {
            rest.data += (ptrdiff_t)m * rest.stride;
        }
    }
}

static void hash160_finish(const void *state, const uint8_t *tail, size_t len, uint8_t *digest) {
    uint8_t inner[32];
    pc_column digested = pc_column_fixed(inner, 32);
    sha256_finish(state, tail, len, inner);
    ripemd160_many(NULL, 0, &digested, 1, digest);
}

static const pc_stream_ops hash160_stream = {64, sizeof(sha256_message), sha256_begin, sha256_absorb, hash160_finish};

static void hash160_merkle_level(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                 uint8_t *parents) {
    hash_merkle_level(hash160_many, 20, odd, prefix, prefix_len, children, count, parents);
}
