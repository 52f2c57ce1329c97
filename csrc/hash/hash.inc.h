/* hash.inc.h - every hash of registry.def over the lanes of this backend: <hash>_many, <hash>_merkle_level and <hash>_stream, as
 * backend.h has them. Uses a lanes header (lanes_portable.h lists the vocabulary). */
#include "../backend/backend.h"
#include "lanes_streams.h"
#include "many_shared.h"

#include "blake2b.inc.h"
#include "blake3.inc.h"
#include "keccak.inc.h"
#include "padding.inc.h"
#include "digest_rows.h"
#include "streams.inc.h"

/* ---- output: MANY_ROWS ------------------------------------------------------------------------------------------------ */

HASH_ROWS(hash_rows_32be, v32, uint32_t, S32, W32, 8, be)
HASH_ROWS(blake3_rows, v32, uint32_t, W32, W32, 8, le)
HASH_ROWS(hash_rows_64be, v64, uint64_t, S64, W64, 8, be)
HASH_ROWS(hash_rows_64le, v64, uint64_t, W64, W64, 8, le)

/* ---- instances -------------------------------------------------------------------------------------------------------- */

#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_BLOCKS   sha256_blocks
#define MANY_DIRECT   sha256_direct
#define MANY_STREAMS  1
#define MANY_EXPANDED sha256_expanded
#define MANY_ROWS     hash_rows_32be
#include "sha256_many.inc.h"

#define MANY_LANES    S32
#define MANY_INDEX    HASH_INDEX_S32
#define MANY_BLOCKS   sm3_blocks
#define MANY_STREAMS  1
#define MANY_EXPANDED sm3_expanded
#define MANY_ROWS     hash_rows_32be
#include "sm3_many.inc.h"

#define MANY_LANES    S64
#define MANY_INDEX    HASH_INDEX_S64
#define MANY_BLOCKS   sha512_blocks
#define MANY_STREAMS  1
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

#include "hash160.inc.h"
