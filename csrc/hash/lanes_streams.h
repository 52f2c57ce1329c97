/* lanes_streams.h - LANES_STREAMS vectors of lanes side by side, over the vocabulary of a lanes header.
 *
 * The rounds of SHA-2, SM3 and RIPEMD-160 are one long chain: every operation waits for the one before. Where an operation takes
 * more than a cycle and registers are plenty, two vectors in flight fill the gaps. A lanes header that wants that defines
 * LANES_STREAMS as 2. s32 is S32 = LANES_STREAMS * W32 lanes of 32-bit words, s64 the same for 64 bits; the operations are
 * those of lanes_portable.h with s for v. Hashes with their own parallelism (Keccak, BLAKE) use v32 and v64 directly. */
#ifndef PC_LANES_STREAMS_H
#define PC_LANES_STREAMS_H

#ifndef LANES_STREAMS
#    define LANES_STREAMS 1
#endif
#ifndef v32_add_stored
#    define v32_add_stored(a, p) v32_add(a, *(p))
#    define v64_add_stored(a, p) v64_add(a, *(p))
#endif

enum { S32 = LANES_STREAMS * W32, S64 = LANES_STREAMS * W64 };

#if LANES_STREAMS == 1
typedef v32 s32;
typedef v64 s64;
#    define s32_set1     v32_set1
#    define s32_load     v32_load
#    define s32_store    v32_store
#    define s32_add      v32_add
#    define s32_xor      v32_xor
#    define s32_xor3     v32_xor3
#    define s32_choose   v32_choose
#    define s32_majority v32_majority
#    define s32_ornxor   v32_ornxor
#    define s32_rotl     v32_rotl
#    define s32_shr      v32_shr
#    define s32_fold     v32_fold
#    define s32_block_be v32_block_be
#    define s32_block_le v32_block_le
#    define s64_set1     v64_set1
#    define s64_load     v64_load
#    define s64_store    v64_store
#    define s64_add      v64_add
#    define s64_xor      v64_xor
#    define s64_xor3     v64_xor3
#    define s64_choose   v64_choose
#    define s64_majority v64_majority
#    define s64_rotl     v64_rotl
#    define s64_shr      v64_shr
#    define s64_block_be v64_block_be
#elif LANES_STREAMS == 2
typedef struct s32 {
    v32 part[2];
} s32;
typedef struct s64 {
    v64 part[2];
} s64;

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
STREAMS_ALL(s32, v32, uint32_t, W32)
STREAMS_ALL(s64, v64, uint64_t, W64)
STREAMS_3(s32, v32, ornxor)
STREAMS_BLOCK(s32, v32, be, W32)
STREAMS_BLOCK(s32, v32, le, W32)
STREAMS_BLOCK(s64, v64, be, W64)
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
#    define s32_rotl(a, n) STREAMS_SHIFT(s32, v32_rotl, a, n)
#    define s32_shr(a, n)  STREAMS_SHIFT(s32, v32_shr, a, n)
#    define s32_fold(a, n) STREAMS_SHIFT(s32, v32_fold, a, n)
#    define s64_rotl(a, n) STREAMS_SHIFT(s64, v64_rotl, a, n)
#    define s64_shr(a, n)  STREAMS_SHIFT(s64, v64_shr, a, n)
#else
#    error "LANES_STREAMS is 1 or 2"
#endif
#endif
