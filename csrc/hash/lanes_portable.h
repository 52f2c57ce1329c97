/* lanes_portable.h - the vocabulary of the hash templates, one lane.
 *
 * v32 is W32 lanes of 32-bit words and v64 is W64 lanes of 64-bit words; lane j belongs to message j. Every lanes header gives
 * exactly these names, and perhaps LANES_STREAMS, vNN_add_stored, LANES_MAJORITY_LAST with vNN_and, and LANES_HAVE_FIRST with
 * vNN_first (lanes_streams.h), and the templates use nothing else:
 *
 *   W32, W64                       lanes, constants; LANES_MAX is the larger of the two
 *   vNN_set1(x)                    x in every lane
 *   vNN_load(p), vNN_store(p, v)   W words in memory order (the chaining state between two calls)
 *   vNN_add, vNN_xor               modulo 2^32 or 2^64; v32_xor3, v64_xor3 of three
 *   vNN_add_stored(v, p)           v + *p, where registers are too few to keep *p in one
 *   vNN_rotl(v, n), vNN_shr(v, n)  n is a constant, 1 <= n < 32 or 64
 *   vNN_choose(m, a, b)            bit by bit: m ? a : b
 *   vNN_majority(a, b, c)          bit by bit
 *   v32_ornxor(a, b, c)            (a | ~b) ^ c
 *   v64_chi(a, b, c)               a ^ (~b & c)
 *   v64_theta(a, b)                a ^ rotl(b, 1)
 *   v64_xor_rotl(a, b, n)          rotl(a ^ b, n), n a constant
 *   v32_fold(v, n)                 v ^ rotl(v, n) ^ rotl(v, n + 8), n a constant: P0 and P1 of SM3
 *   v32_block_be(w, p)             w[0..15] = the 64-byte block at p[lane], big-endian words, one message per lane
 *   v32_block_le(w, p)             the same with little-endian words
 *   v32_half_le(w, p, from)        w[0..7] = the 32 bytes at p[lane] + from, little-endian words
 *   v64_block_be(w, p)             the same for a 128-byte block
 *   v64_block_le16(w, p)           the same for 128 bytes, little-endian
 *   v64_block_le(w, p)             w[0..16] = 136 bytes at p[lane], little-endian words (Keccak with rate 1088)
 *   vNN_be(v), vNN_le(v)           words whose bytes in memory are big-endian, little-endian
 *   vNN_rows8(rows, w)             bytes of w[0..7] lane after lane, in memory order: W rows of 32 or 64 bytes
 */
#ifndef PC_LANES_PORTABLE_H
#define PC_LANES_PORTABLE_H
#include <stdint.h>
#include <string.h>

enum { W32 = 1, W64 = 1, LANES_MAX = 1 };
typedef uint32_t v32;
typedef uint64_t v64;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#    define LANES_BE32(x) (x)
#    define LANES_BE64(x) (x)
#    define LANES_LE32(x) __builtin_bswap32(x)
#    define LANES_LE64(x) __builtin_bswap64(x)
#else
#    define LANES_BE32(x) __builtin_bswap32(x)
#    define LANES_BE64(x) __builtin_bswap64(x)
#    define LANES_LE32(x) (x)
#    define LANES_LE64(x) (x)
#endif

static inline v32 v32_set1(uint32_t x) { return x; }
static inline v32 v32_load(const uint32_t *p) { return *p; }
static inline void v32_store(uint32_t *p, v32 v) { *p = v; }
static inline v32 v32_add(v32 a, v32 b) { return a + b; }
static inline v32 v32_xor(v32 a, v32 b) { return a ^ b; }
static inline v32 v32_xor3(v32 a, v32 b, v32 c) { return a ^ b ^ c; }
static inline v32 v32_rotl(v32 a, int n) { return a << n | a >> (32 - n); }
static inline v32 v32_shr(v32 a, int n) { return a >> n; }
static inline v32 v32_fold(v32 a, int n) { return a ^ v32_rotl(a, n) ^ v32_rotl(a, n + 8); }
static inline v32 v32_choose(v32 m, v32 a, v32 b) { return b ^ (m & (a ^ b)); }
static inline v32 v32_ornxor(v32 a, v32 b, v32 c) { return (a | ~b) ^ c; }
static inline v32 v32_majority(v32 a, v32 b, v32 c) { return (a & b) + (c & (a ^ b)); }

static inline v64 v64_set1(uint64_t x) { return x; }
static inline v64 v64_load(const uint64_t *p) { return *p; }
static inline void v64_store(uint64_t *p, v64 v) { *p = v; }
static inline v64 v64_add(v64 a, v64 b) { return a + b; }
static inline v64 v64_xor(v64 a, v64 b) { return a ^ b; }
static inline v64 v64_xor3(v64 a, v64 b, v64 c) { return a ^ b ^ c; }
static inline v64 v64_rotl(v64 a, int n) { return a << n | a >> (64 - n); }
static inline v64 v64_shr(v64 a, int n) { return a >> n; }
static inline v64 v64_choose(v64 m, v64 a, v64 b) { return b ^ (m & (a ^ b)); }
static inline v64 v64_majority(v64 a, v64 b, v64 c) { return (a & b) + (c & (a ^ b)); }
static inline v64 v64_chi(v64 a, v64 b, v64 c) { return a ^ (~b & c); }
static inline v64 v64_theta(v64 a, v64 b) { return a ^ v64_rotl(b, 1); }
static inline v64 v64_xor_rotl(v64 a, v64 b, int n) { return v64_rotl(a ^ b, n); }

static inline void v32_block_be(v32 w[16], const uint8_t *const p[W32]) {
    for (int i = 0; i < 16; i++) {
        uint32_t x;
        memcpy(&x, p[0] + 4 * i, 4);
        w[i] = LANES_BE32(x);
    }
}

static inline void v32_block_le(v32 w[16], const uint8_t *const p[W32]) {
    for (int i = 0; i < 16; i++) {
        uint32_t x;
        memcpy(&x, p[0] + 4 * i, 4);
        w[i] = LANES_LE32(x);
    }
}

static inline void v32_half_le(v32 w[8], const uint8_t *const p[W32], size_t from) {
    for (int i = 0; i < 8; i++) {
        uint32_t x;
        memcpy(&x, p[0] + from + 4 * i, 4);
        w[i] = LANES_LE32(x);
    }
}

static inline void v64_block_be(v64 w[16], const uint8_t *const p[W64]) {
    for (int i = 0; i < 16; i++) {
        uint64_t x;
        memcpy(&x, p[0] + 8 * i, 8);
        w[i] = LANES_BE64(x);
    }
}

static inline void v64_block_le16(v64 w[16], const uint8_t *const p[W64]) {
    for (int i = 0; i < 16; i++) {
        uint64_t x;
        memcpy(&x, p[0] + 8 * i, 8);
        w[i] = LANES_LE64(x);
    }
}

static inline void v64_block_le(v64 w[17], const uint8_t *const p[W64]) {
    for (int i = 0; i < 17; i++) {
        uint64_t x;
        memcpy(&x, p[0] + 8 * i, 8);
        w[i] = LANES_LE64(x);
    }
}

static inline v32 v32_be(v32 a) { return LANES_BE32(a); }
static inline v32 v32_le(v32 a) { return LANES_LE32(a); }
static inline v64 v64_be(v64 a) { return LANES_BE64(a); }
static inline v64 v64_le(v64 a) { return LANES_LE64(a); }
static inline void v32_rows8(uint8_t *rows, const v32 w[8]) { memcpy(rows, w, 32); }
static inline void v64_rows8(uint8_t *rows, const v64 w[8]) { memcpy(rows, w, 64); }
#endif
