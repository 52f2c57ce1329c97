/* sha256_many.inc.h - sha256 and sha256d: many messages, Merkle levels and streams over one build of the compression function: the includer
 * defines MANY_LANES, MANY_INDEX, MANY_BLOCKS, MANY_ROWS and MANY_EXPANDED as many.inc.h describes them. */
#include "padding.inc.h"
#include "sha256_constants.h"
#include "many_shared.h"

#define MANY          sha256
#define MANY_WORD     uint32_t
#define MANY_WORDS    8
#define MANY_BLOCK    64
#define MANY_DIGEST   32
#define MANY_INITIAL  sha256_initial
#define MANY_PAD      hash_pad_64
#define MANY_ROW      32
#define MANY_SCHEDULE 64
#define MANY_EXPAND   sha256_expand
#include "many.inc.h"

/* SHA-256 twice. The second pass works in place: a lane has copied its 32 bytes before anything is written over them. */
static void sha256d_many(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests) {
    sha256_many(prefix, prefix_len, messages, n, digests);
    pc_column inner = pc_column_fixed(digests, 32);
    sha256_many(NULL, 0, &inner, n, digests);
}

static void sha256d_finish(const void *state, const uint8_t *tail, size_t len, uint8_t *digest) {
    uint8_t once[32];
    pc_column inner = pc_column_fixed(once, 32);
    sha256_finish(state, tail, len, once);
    sha256_many(NULL, 0, &inner, 1, digest);
}

static const pc_stream_ops sha256d_stream = {64, sizeof(sha256_message), sha256_begin, sha256_absorb, sha256d_finish};

static void sha256d_merkle_level(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                 uint8_t *parents) {
    sha256_merkle_level(odd, prefix, prefix_len, children, count, parents);
    /* A promoted child is no hash of two: it stays. */
    size_t hashed = odd == PC_ODD_PROMOTE ? count / 2 : (count + 1) / 2;
    pc_column inner = pc_column_fixed(parents, 32);
    sha256_many(NULL, 0, &inner, hashed, parents);
}
