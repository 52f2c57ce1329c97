/* lanes_streams.h - LANES_STREAMS vectors of lanes side by side, over the vocabulary of a lanes header.
 *
 * The rounds of SHA-2, SM3 and RIPEMD-160 are one long chain: every operation waits for the one before. Where an operation takes
 * more than a cycle and registers are plenty, two vectors in flight fill the gaps; where it takes one, a second vector only
 * asks for more registers. A lanes header that may want two defines LANES_STREAMS as 2. Then the templates of these hashes are
 * instantiated twice, over one vector (streams_one.h) and over two (streams_all.h), and STREAMED makes one function of them,
 * which takes what this CPU is better off with (pc_tuned_streams, core/tuning.h) and leaves a vector without messages out.
 *
 * In the templates s32 is a vector or two of 32-bit words and s64 the same for 64 bits; the operations are those of
 * lanes_portable.h with s for v. S32 = LANES_STREAMS * W32 is the distance from one word of a state to the next, whichever
 * instance reads it. Hashes with their own parallelism (Keccak, BLAKE) use v32 and v64 directly. */
#ifndef PC_LANES_STREAMS_H
#define PC_LANES_STREAMS_H
#include "../core/check.h"
#include "../core/tuning.h"

#ifndef LANES_STREAMS
#    define LANES_STREAMS 1
#endif
#ifndef v32_add_stored
#    define v32_add_stored(a, p) v32_add(a, *(p))
#    define v64_add_stored(a, p) v64_add(a, *(p))
#endif

enum { S32 = LANES_STREAMS * W32, S64 = LANES_STREAMS * W64 };

/* What v32_majority(a, b, c) gives, where *last is b ^ c, which becomes a ^ b: c of the next call is b of this one in SHA-2. */
#ifdef LANES_MAJORITY_LAST
#    define LANES_MAJORITY_NEXT(v)                                                                                          \
        static inline PC_UNUSED v v##_majority_next(v a, v b, v c, v *last) {                                               \
            const v differ = v##_xor(a, b), taken = v##_xor(b, v##_and(differ, *last));                                     \
            (void)c;                                                                                                        \
            *last = differ;                                                                                                 \
            return taken;                                                                                                   \
        }
#else
#    define LANES_MAJORITY_NEXT(v)                                                                                          \
        static inline PC_UNUSED v v##_majority_next(v a, v b, v c, v *last) {                                               \
            (void)last;                                                                                                     \
            return v##_majority(a, b, c);                                                                                   \
        }
#endif
LANES_MAJORITY_NEXT(v32)
LANES_MAJORITY_NEXT(v64)

/* A sum as it is: what else is added to it comes after. Where chains of sums are long, compilers turn them round so that what
 * is known last goes in first. */
#ifndef LANES_HAVE_FIRST
#    define v32_first(a) (a)
#    define v64_first(a) (a)
#endif

static inline PC_UNUSED void v32_half_be(v32 w[8], const uint8_t *const *p, size_t from) {
    v32_half_le(w, p, from);
    for (int i = 0; i < 8; i++) w[i] = v32_be(w[i]);
}
static inline PC_UNUSED void v32_rows8_be(uint8_t *rows, const v32 w[8]) {
    v32 t[8];
    for (int i = 0; i < 8; i++) t[i] = v32_be(w[i]);
    v32_rows8(rows, t);
}

#if LANES_STREAMS == 1
#    define STREAMED(hash, ID, word, W)                                                                                     \
        static inline void hash##_blocks(word *state, const uint8_t *const *p, size_t n, size_t lanes) {                    \
            (void)lanes;                                                                                                    \
            hash##_blocks_one(state, p, n);                                                                                 \
        }
#    define STREAMED_EXPANDED(hash, ID, word, W)                                                                            \
        static inline void hash##_expanded(word *state, const word *schedule, size_t lanes) {                               \
            (void)lanes;                                                                                                    \
            hash##_expanded_one(state, schedule);                                                                           \
        }
#elif LANES_STREAMS == 2
/* lanes: those that have messages come first; the others are left as they are, or get anything. */
#    define STREAMED(hash, ID, word, W)                                                                                     \
        static void hash##_blocks(word *state, const uint8_t *const *p, size_t n, size_t lanes) {                           \
            if (lanes > W && pc_tuned_streams[PC_HASH_##ID] == 2) {                                                         \
                hash##_blocks_all(state, p, n);                                                                             \
            } else {                                                                                                        \
                hash##_blocks_one(state, p, n);                                                                             \
                if (lanes > W) hash##_blocks_one(state + W, p + W, n);                                                      \
            }                                                                                                               \
        }
#    define STREAMED_EXPANDED(hash, ID, word, W)                                                                            \
        static void hash##_expanded(word *state, const word *schedule, size_t lanes) {                                      \
            if (lanes > W && pc_tuned_streams[PC_HASH_##ID] == 2) {                                                         \
                hash##_expanded_all(state, schedule);                                                                       \
            } else {                                                                                                        \
                hash##_expanded_one(state, schedule);                                                                       \
                if (lanes > W) hash##_expanded_one(state + W, schedule);                                                    \
            }                                                                                                               \
        }

typedef struct p32 {
    v32 part[2];
} p32;
typedef struct p64 {
    v64 part[2];
} p64;

#    define STREAMS_ALL(s, v, word, W)                                                                                      \
        static inline s s##_set1(word x) { return (s){{v##_set1(x), v##_set1(x)}}; }                                        \
        static inline s s##_load(const word *p) { return (s){{v##_load(p), v##_load(p + W)}}; }                             \
        static inline void s##_store(word *p, s a) { v##_store(p, a.part[0]), v##_store(p + W, a.part[1]); }                \
        STREAMS_2(s, v, add)                                                                                                \
        STREAMS_2(s, v, xor)                                                                                                \
        STREAMS_3(s, v, xor3)                                                                                               \
        STREAMS_3(s, v, choose)                                                                                             \
        STREAMS_3(s, v, majority)
#    define STREAMS_2(s, v, op)                                                                                             \
        static inline s s##_##op(s a, s b) { return (s){{v##_##op(a.part[0], b.part[0]), v##_##op(a.part[1], b.part[1])}}; }
#    define STREAMS_3(s, v, op)                                                                                             \
        static inline s s##_##op(s a, s b, s c) {                                                                           \
            return (s){{v##_##op(a.part[0], b.part[0], c.part[0]), v##_##op(a.part[1], b.part[1], c.part[1])}};             \
        }
#    define STREAMS_BLOCK(s, v, order, W)                                                                                   \
        static inline void s##_block_##order(s w[16], const uint8_t *const *p) {                                            \
            v t[16], u[16];                                                                                                 \
            v##_block_##order(t, p);                                                                                        \
            v##_block_##order(u, p + W);                                                                                    \
            for (int i = 0; i < 16; i++) w[i] = (s){{t[i], u[i]}};                                                          \
        }
STREAMS_ALL(p32, v32, uint32_t, W32)
STREAMS_ALL(p64, v64, uint64_t, W64)
STREAMS_3(p32, v32, ornxor)
STREAMS_BLOCK(p32, v32, be, W32)
STREAMS_BLOCK(p32, v32, le, W32)
STREAMS_BLOCK(p64, v64, be, W64)
LANES_MAJORITY_NEXT(p32)
LANES_MAJORITY_NEXT(p64)
static inline p32 p32_first(p32 a) { return (p32){{v32_first(a.part[0]), v32_first(a.part[1])}}; }
static inline p64 p64_first(p64 a) { return (p64){{v64_first(a.part[0]), v64_first(a.part[1])}}; }
static inline void p32_half_be(p32 w[8], const uint8_t *const *p, size_t from) {
    v32 t[8], u[8];
    v32_half_be(t, p, from);
    v32_half_be(u, p + W32, from);
    for (int i = 0; i < 8; i++) w[i] = (p32){{t[i], u[i]}};
}
static inline void p32_rows8_be(uint8_t *rows, const p32 w[8]) {
    for (int k = 0; k < 2; k++) {
        v32 t[8];
        for (int i = 0; i < 8; i++) t[i] = w[i].part[k];
        v32_rows8_be(rows + 32 * W32 * k, t);
    }
}
#    undef STREAMS_ALL
#    undef STREAMS_2
#    undef STREAMS_3
#    undef STREAMS_BLOCK

/* n has to be a constant in the code that uses it, so these are no functions. */
#    define STREAMS_SHIFT(s, op, a, n)                                                                                      \
        __extension__({                                                                                                     \
            const s streams_a = (a);                                                                                        \
            (s){{op(streams_a.part[0], n), op(streams_a.part[1], n)}};                                                      \
        })
#    define p32_rotl(a, n) STREAMS_SHIFT(p32, v32_rotl, a, n)
#    define p32_shr(a, n)  STREAMS_SHIFT(p32, v32_shr, a, n)
#    define p32_fold(a, n) STREAMS_SHIFT(p32, v32_fold, a, n)
#    define p64_rotl(a, n) STREAMS_SHIFT(p64, v64_rotl, a, n)
#    define p64_shr(a, n)  STREAMS_SHIFT(p64, v64_shr, a, n)
#else
#    error "LANES_STREAMS is 1 or 2"
#endif
#endif
