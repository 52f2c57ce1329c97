/* hash.inc.h - every hash of registry.def over the lanes of this backend: <hash>_many and <hash>_merkle_level, with the
 * signatures of backend.h. Uses a lanes header (lanes_portable.h lists the vocabulary). */
#include "../backend/backend.h"
#include "lanes_streams.h"
#include "shape.h"

#include "keccak.inc.h"
#include "padding.inc.h"
#include "sha256.inc.h"
#include "sha512.inc.h"
#include "sm3.inc.h"

/* ---- output: MANY_ROWS ------------------------------------------------------------------------------------------------ */

#define HASH_ROWS(name, v, word, lanes, width, order)                                                                       \
    static void name(uint8_t *rows, const word *state) {                                                                    \
        for (int first = 0; first < lanes; first += width) {                                                                \
            v w[8];                                                                                                         \
            for (int i = 0; i < 8; i++) w[i] = v##_##order(v##_load(state + i * lanes + first));                            \
            v##_rows8(rows + first * 8 * (int)sizeof(word), w);                                                             \
        }                                                                                                                   \
    }
HASH_ROWS(hash_rows_32be, v32, uint32_t, S32, W32, be)
HASH_ROWS(hash_rows_64be, v64, uint64_t, S64, W64, be)
HASH_ROWS(hash_rows_64le, v64, uint64_t, W64, W64, le)
#undef HASH_ROWS

/* ---- instances -------------------------------------------------------------------------------------------------------- */

#define HASH_INDEX_S32(w, j) ((w) * S32 + (j))
#define HASH_INDEX_S64(w, j) ((w) * S64 + (j))
#define HASH_INDEX_W64(w, j) ((w) * W64 + (j))

#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_BLOCKS   sha256_blocks
#define MANY_EXPANDED sha256_expanded
#define MANY_ROWS     hash_rows_32be
#include "sha256_many.inc.h"

#define MANY          sm3
#define MANY_WORD     uint32_t
#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_WORDS    8
#define MANY_BLOCK    64
#define MANY_DIGEST   32
#define MANY_BLOCKS   sm3_blocks
#define MANY_INITIAL  sm3_initial
#define MANY_PAD      hash_pad_64
#define MANY_ROWS     hash_rows_32be
#define MANY_ROW      32
#define MANY_SCHEDULE 128
#define MANY_EXPAND   sm3_expand
#define MANY_EXPANDED sm3_expanded
#include "many.inc.h"

#define MANY          sha512
#define MANY_WORD     uint64_t
#define MANY_LANES    S64
#define MANY_INDEX    HASH_INDEX_S64
#define MANY_WORDS    8
#define MANY_BLOCK    128
#define MANY_DIGEST   64
#define MANY_BLOCKS   sha512_blocks
#define MANY_INITIAL  sha512_initial
#define MANY_PAD      hash_pad_128
#define MANY_ROWS     hash_rows_64be
#define MANY_ROW      64
#define MANY_SCHEDULE 80
#define MANY_EXPAND   sha512_expand
#define MANY_EXPANDED sha512_expanded
#include "many.inc.h"

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
