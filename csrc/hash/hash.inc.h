/* hash.inc.h - every hash of registry.def over the lanes of this backend: <hash>_many and <hash>_merkle_level, with the
 * signatures of backend.h. Uses a lanes header (lanes_portable.h lists the vocabulary). */
#include "../backend/backend.h"
#include "shape.h"

#include "keccak.inc.h"
#include "padding.inc.h"
#include "sha256.inc.h"
#include "sha512.inc.h"
#include "sm3.inc.h"

/* ---- output: MANY_ROWS ------------------------------------------------------------------------------------------------ */

static inline void hash_rows_32be(uint8_t *rows, const uint32_t *state) {
    v32 w[8];
    for (int i = 0; i < 8; i++) w[i] = v32_be(v32_load(state + i * W32));
    v32_rows8(rows, w);
}
static inline void hash_rows_64be(uint8_t *rows, const uint64_t *state) {
    v64 w[8];
    for (int i = 0; i < 8; i++) w[i] = v64_be(v64_load(state + i * W64));
    v64_rows8(rows, w);
}
static inline void hash_rows_64le(uint8_t *rows, const uint64_t *state) {
    v64 w[8];
    for (int i = 0; i < 8; i++) w[i] = v64_le(v64_load(state + i * W64));
    v64_rows8(rows, w);
}

/* ---- instances -------------------------------------------------------------------------------------------------------- */

#define MANY_INDEX_32(w, j) ((w) * W32 + (j))
#define MANY_INDEX_64(w, j) ((w) * W64 + (j))

#define MANY_LANES    W32
#define MANY_INDEX    MANY_INDEX_32
#define MANY_BLOCKS   sha256_blocks
#define MANY_EXPANDED sha256_expanded
#define MANY_ROWS     hash_rows_32be
#include "sha256_many.inc.h"

#define MANY         sm3
#define MANY_WORD    uint32_t
#define MANY_LANES   W32
#define MANY_INDEX   MANY_INDEX_32
#define MANY_WORDS   8
#define MANY_BLOCK   64
#define MANY_DIGEST  32
#define MANY_BLOCKS  sm3_blocks
#define MANY_INITIAL sm3_initial
#define MANY_PAD     hash_pad_64
#define MANY_ROWS    hash_rows_32be
#define MANY_ROW     32
#include "many.inc.h"

#define MANY         sha512
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   MANY_INDEX_64
#define MANY_WORDS   8
#define MANY_BLOCK   128
#define MANY_DIGEST  64
#define MANY_BLOCKS  sha512_blocks
#define MANY_INITIAL sha512_initial
#define MANY_PAD     hash_pad_128
#define MANY_ROWS    hash_rows_64be
#define MANY_ROW     64
#include "many.inc.h"

static const uint64_t keccak_initial[25];

#define MANY         sha3_256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_INDEX   MANY_INDEX_64
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
#define MANY_INDEX   MANY_INDEX_64
#define MANY_WORDS   25
#define MANY_BLOCK   136
#define MANY_DIGEST  32
#define MANY_BLOCKS  keccak_blocks
#define MANY_INITIAL keccak_initial
#define MANY_PAD     hash_pad_keccak
#define MANY_ROWS    hash_rows_64le
#define MANY_ROW     64
#include "many.inc.h"
