/* streams.inc.h - the compression functions with one chain of operations, once per number of vectors side by side. Gives
 * sha256_blocks, sha256_expanded and the same for sm3 and sha512, for the lanes of the caller's count. */
#include "sha256_rows.h"

#include "streams_one.h"
#include "sha256.inc.h"
#include "sha512.inc.h"
#include "sm3.inc.h"
#include "streams_end.h"
#if LANES_STREAMS == 2
#    include "streams_all.h"
#    include "sha256.inc.h"
#    include "sha512.inc.h"
#    include "sm3.inc.h"
#    include "streams_end.h"
#endif
STREAMED(sha256, SHA256, uint32_t, W32)
STREAMED_EXPANDED(sha256, SHA256, uint32_t, W32)
STREAMED(sha512, SHA512, uint64_t, W64)
STREAMED_EXPANDED(sha512, SHA512, uint64_t, W64)
STREAMED(sm3, SM3, uint32_t, W32)
STREAMED_EXPANDED(sm3, SM3, uint32_t, W32)

/* Hashes n rows of 32 or 64 bytes behind nothing or one byte: MANY_DIRECT of many.inc.h. */
#define SHA256_ROWS(which)                                                                                                  \
    if (together) sha256_rows_##which##_all(&call, 0, together);                                                            \
    if (together < n) sha256_rows_##which##_one(&call, together, n);
#if LANES_STREAMS == 1
#    define sha256_rows_64_all   sha256_rows_64_one
#    define sha256_rows_1_64_all sha256_rows_1_64_one
#    define sha256_rows_32_all   sha256_rows_32_one
#endif
PC_NOINLINE size_t sha256_direct(const uint32_t *start, const uint8_t *kept, size_t kept_len, uint64_t total,
                                 const uint8_t *data, ptrdiff_t stride, size_t len, size_t n, uint8_t *digests) {
    sha256_rows_call call = {
        .start = start, .data = data, .digests = digests, .stride = stride, .kept = kept_len, .bits = 8 * total};
    if (W32 == 1 || kept_len > 1 || (len != 32 && len != 64)) return 0;
    size_t together = 0; /* by two vectors at a time, but for a rest that one holds */
    if (LANES_STREAMS == 2 && pc_tuned_streams[PC_HASH_SHA256] == 2) together = n % S32 > W32 ? n : n - n % S32;
    if (kept_len) call.before = *kept;
    if (len == 64 && !kept_len) {
        uint8_t last[64] = {0x80};
        for (int k = 0; k < 8; k++) last[63 - k] = (uint8_t)(call.bits >> 8 * k);
        sha256_expand(call.schedule, last);
        SHA256_ROWS(64)
    } else if (len == 64) {
        sha256_know(&call.known, SHA256_SAME_1_64, call.bits);
        SHA256_ROWS(1_64)
    } else {
        sha256_know(&call.known, SHA256_SAME_32, call.bits);
        SHA256_ROWS(32)
    }
    return n;
}
#undef SHA256_ROWS
