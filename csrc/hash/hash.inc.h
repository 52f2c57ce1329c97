/* hash.inc.h - every hash of registry.def over the lanes of this backend: <hash>_many and <hash>_merkle_level, with the
 * signatures of backend.h. Uses a lanes header (lanes_portable.h lists the vocabulary). */
#include "../backend/backend.h"
#include "../core/column.h"

#include "keccak.inc.h"
#include "sha256.inc.h"
#include "sha512.inc.h"
#include "sm3.inc.h"

/* ---- padding ---------------------------------------------------------------------------------------------------------- */

/* FIPS 180-4, section 5.1: a one bit, zeros, and the length in bits, big-endian, in `length` bytes at the end of a block. */
static inline int hash_pad_md(uint8_t *block, size_t used, uint64_t total, size_t size, size_t length) {
    size_t end = used + 1 + length <= size ? size : 2 * size;
    uint64_t bits = total * 8; /* memory holds less than 2^61 bytes */
    block[used] = 0x80;
    memset(block + used + 1, 0, end - used - 1);
    for (int i = 0; i < 8; i++) block[end - 1 - i] = (uint8_t)(bits >> (8 * i));
    return (int)(end / size);
}

/* FIPS 202, section 5.1 (pad10*1) behind the domain bits of section 6.1: `first` holds both. */
static inline int hash_pad_sponge(uint8_t *block, size_t used, uint8_t first) {
    memset(block + used, 0, 136 - used);
    block[used] = first;
    block[135] |= 0x80;
    return 1;
}

static int hash_pad_64(uint8_t *block, size_t used, uint64_t total) { return hash_pad_md(block, used, total, 64, 8); }
static int hash_pad_128(uint8_t *block, size_t used, uint64_t total) { return hash_pad_md(block, used, total, 128, 16); }
static int hash_pad_sha3(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, hash_pad_sponge(block, used, 0x06);
}
static int hash_pad_keccak(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, hash_pad_sponge(block, used, 0x01);
}

/* ---- output ----------------------------------------------------------------------------------------------------------- */

static inline void hash_put_32be(uint8_t *digest, const uint32_t *state) {
    for (int i = 0; i < 8; i++) {
        uint32_t x = LANES_BE32(state[i * W32]);
        memcpy(digest + 4 * i, &x, 4);
    }
}
static inline void hash_put_64be(uint8_t *digest, const uint64_t *state) {
    for (int i = 0; i < 8; i++) {
        uint64_t x = LANES_BE64(state[i * W64]);
        memcpy(digest + 8 * i, &x, 8);
    }
}
static inline void hash_put_sponge(uint8_t *digest, const uint64_t *state) {
    for (int i = 0; i < 4; i++) {
        uint64_t x = LANES_LE64(state[i * W64]);
        memcpy(digest + 8 * i, &x, 8);
    }
}

/* ---- instances -------------------------------------------------------------------------------------------------------- */

#define MANY         sha256
#define MANY_WORD    uint32_t
#define MANY_LANES   W32
#define MANY_WORDS   8
#define MANY_BLOCK   64
#define MANY_DIGEST  32
#define MANY_BLOCKS  sha256_blocks
#define MANY_INITIAL sha256_initial
#define MANY_PAD     hash_pad_64
#define MANY_PUT     hash_put_32be
#include "many.inc.h"

#define MANY         sm3
#define MANY_WORD    uint32_t
#define MANY_LANES   W32
#define MANY_WORDS   8
#define MANY_BLOCK   64
#define MANY_DIGEST  32
#define MANY_BLOCKS  sm3_blocks
#define MANY_INITIAL sm3_initial
#define MANY_PAD     hash_pad_64
#define MANY_PUT     hash_put_32be
#include "many.inc.h"

#define MANY         sha512
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_WORDS   8
#define MANY_BLOCK   128
#define MANY_DIGEST  64
#define MANY_BLOCKS  sha512_blocks
#define MANY_INITIAL sha512_initial
#define MANY_PAD     hash_pad_128
#define MANY_PUT     hash_put_64be
#include "many.inc.h"

static const uint64_t keccak_initial[25];

#define MANY         sha3_256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_WORDS   25
#define MANY_BLOCK   136
#define MANY_DIGEST  32
#define MANY_BLOCKS  keccak_blocks
#define MANY_INITIAL keccak_initial
#define MANY_PAD     hash_pad_sha3
#define MANY_PUT     hash_put_sponge
#include "many.inc.h"

#define MANY         keccak256
#define MANY_WORD    uint64_t
#define MANY_LANES   W64
#define MANY_WORDS   25
#define MANY_BLOCK   136
#define MANY_DIGEST  32
#define MANY_BLOCKS  keccak_blocks
#define MANY_INITIAL keccak_initial
#define MANY_PAD     hash_pad_keccak
#define MANY_PUT     hash_put_sponge
#include "many.inc.h"

/* SHA-256 twice. The second pass works in place: a lane has copied its 32 bytes before anything is written over them. */
static void sha256d_many(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests) {
    sha256_many(prefix, prefix_len, messages, n, digests);
    pc_column inner = pc_column_fixed(digests, 32);
    sha256_many(NULL, 0, &inner, n, digests);
}

static void sha256d_merkle_level(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                 uint8_t *parents) {
    sha256_merkle_level(odd, prefix, prefix_len, children, count, parents);
    /* A promoted child is no hash of two: it stays. */
    size_t hashed = odd == PC_ODD_PROMOTE ? count / 2 : (count + 1) / 2;
    pc_column inner = pc_column_fixed(parents, 32);
    sha256_many(NULL, 0, &inner, hashed, parents);
}
