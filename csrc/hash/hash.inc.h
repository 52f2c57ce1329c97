/* hash.inc.h - every hash of registry.def over the lanes of this backend: <hash>_many and <hash>_merkle_level, with the
 * signatures of backend.h. Uses a lanes header (lanes_portable.h lists the vocabulary). */
#include "../backend/backend.h"
#include "lanes_streams.h"
#include "shape.h"

#include "blake2b.inc.h"
#include "blake3.inc.h"
#include "keccak.inc.h"
#include "padding.inc.h"
#include "ripemd160.inc.h"
#include "sha256.inc.h"
#include "sha512.inc.h"
#include "sm3.inc.h"

/* ---- output: MANY_ROWS ------------------------------------------------------------------------------------------------ */

/* words: what there is of eight */
#define HASH_ROWS(name, v, word, lanes, width, words, order)                                                                \
    static void name(uint8_t *rows, const word *state) {                                                                    \
        for (int first = 0; first < lanes; first += width) {                                                                \
            v w[8];                                                                                                         \
            for (int i = 0; i < 8; i++) w[i] = v##_##order(v##_load(state + (i < words ? i : 0) * lanes + first));          \
            v##_rows8(rows + first * 8 * (int)sizeof(word), w);                                                             \
        }                                                                                                                   \
    }
HASH_ROWS(hash_rows_32be, v32, uint32_t, S32, W32, 8, be)
HASH_ROWS(ripemd160_rows, v32, uint32_t, S32, W32, 5, le)
HASH_ROWS(blake3_rows, v32, uint32_t, W32, W32, 8, le)
HASH_ROWS(hash_rows_64be, v64, uint64_t, S64, W64, 8, be)
HASH_ROWS(hash_rows_64le, v64, uint64_t, W64, W64, 8, le)
#undef HASH_ROWS

/* ---- instances -------------------------------------------------------------------------------------------------------- */

#define HASH_INDEX_S32(w, j) ((w) * S32 + (j))
#define HASH_INDEX_W32(w, j) ((w) * W32 + (j))
#define HASH_INDEX_S64(w, j) ((w) * S64 + (j))
#define HASH_INDEX_W64(w, j) ((w) * W64 + (j))

#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_BLOCKS   sha256_blocks
#define MANY_EXPANDED sha256_expanded
#define MANY_ROWS     hash_rows_32be
#include "sha256_many.inc.h"

#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_BLOCKS   sm3_blocks
#define MANY_EXPANDED sm3_expanded
#define MANY_ROWS     hash_rows_32be
#include "sm3_many.inc.h"

#define MANY_LANES    S64
#define MANY_INDEX    HASH_INDEX_S64
#define MANY_BLOCKS   sha512_blocks
#define MANY_EXPANDED sha512_expanded
#define MANY_ROWS     hash_rows_64be
#include "sha512_many.inc.h"

static const uint64_t keccak_initial[25];

#define MANY         sha3_256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   HASH_INDEX_W64
#define MANY_WORDS   25
#define MANY_BLOCK   136
#define MANY_DIGEST  32
#define MANY_BLOCKS  keccak_blocks
#define MANY_INITIAL keccak_initial
#define MANY_PAD     hash_pad_sha3
#define MANY_ROWS    hash_rows_64le
#define MANY_ROW     64
#include "many.inc.h"

#define MANY         keccak256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   HASH_INDEX_W64
#define MANY_WORDS   25
#define MANY_BLOCK   136
#define MANY_DIGEST  32
#define MANY_BLOCKS  keccak_blocks
#define MANY_INITIAL keccak_initial
#define MANY_PAD     hash_pad_keccak
#define MANY_ROWS    hash_rows_64le
#define MANY_ROW     64
#include "many.inc.h"

#define MANY         ripemd160
#define MANY_WORD    uint32_t
#define MANY_LANES   S32
#define MANY_INDEX   HASH_INDEX_S32
#define MANY_WORDS   5
#define MANY_BLOCK   64
#define MANY_DIGEST  20
#define MANY_BLOCKS  ripemd160_blocks
#define MANY_INITIAL ripemd160_initial
#define MANY_PAD     hash_pad_64_le
#define MANY_ROWS    ripemd160_rows
#define MANY_ROW     32
#include "many.inc.h"

#define MANY         blake2b_256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   HASH_INDEX_W64
#define MANY_WORDS   BLAKE2B_WORDS
#define MANY_BLOCK   128
#define MANY_DIGEST  32
#define MANY_BLOCKS  blake2b_blocks
#define MANY_INITIAL blake2b_256_initial
#define MANY_PAD     hash_pad_zeros_128
#define MANY_ROWS    hash_rows_64le
#define MANY_ROW     64
#define MANY_LAST    blake2b_last
#include "many.inc.h"

#define MANY         blake2b_512
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   HASH_INDEX_W64
#define MANY_WORDS   BLAKE2B_WORDS
#define MANY_BLOCK   128
#define MANY_DIGEST  64
#define MANY_BLOCKS  blake2b_blocks
#define MANY_INITIAL blake2b_512_initial
#define MANY_PAD     hash_pad_zeros_128
#define MANY_ROWS    hash_rows_64le
#define MANY_ROW     64
#define MANY_LAST    blake2b_last
#include "many.inc.h"

#include "blake3_many.inc.h"

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

static void hash160_merkle_level(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                 uint8_t *parents) {
    hash_merkle_level(hash160_many, 20, odd, prefix, prefix_len, children, count, parents);
}
