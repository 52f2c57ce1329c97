/* emulate_avx512.h - the AVX-512 intrinsics that the core uses, as plain C, so that its 8- and 16-lane text runs on any
 * CPU.
 *
 * -DPC_EMULATE_AVX512 makes vec/vec_avx512ifma.h and hash/lanes_avx512.h include this file in place of <immintrin.h>; the
 * rest of the text is the very same. A build that emulates leaves the instruction set's compiler flags out. It proves the
 * text; what the compiler makes of the real intrinsics is another matter, for a machine that has them.
 *
 * Names and semantics: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, under the instruction named
 * next to each function. Only what is in use is here: an intrinsic that is new to the core does not compile until it is
 * written down. Lane 0 is the lowest in memory. */
#ifndef PC_EMULATE_AVX512_H
#define PC_EMULATE_AVX512_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 64-byte vectors as arguments, without the registers for them: one file, everything static, so no convention is broken. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define EMU static inline __attribute__((unused, always_inline))

typedef long long __m512i __attribute__((vector_size(64), may_alias));
typedef uint8_t __mmask8;
typedef uint16_t __mmask16;

typedef uint64_t emu_u64 __attribute__((vector_size(64)));
typedef int64_t emu_i64 __attribute__((vector_size(64)));
typedef uint32_t emu_u32 __attribute__((vector_size(64)));
typedef uint8_t emu_u8 __attribute__((vector_size(64)));

/* ---- memory and constants
 * ----------------------------------------------------------------------------------------------- */

EMU __m512i _mm512_loadu_si512(const void *p) { /* VMOVDQU64 */
    __m512i r;
    memcpy(&r, p, sizeof r);
    return r;
}
EMU void _mm512_storeu_si512(void *p, __m512i a) { memcpy(p, &a, sizeof a); }
/* VMOVDQU64 zmm{k}{z}, m512: memory under a clear mask bit is not touched, its lane is zero. */
EMU __m512i _mm512_maskz_loadu_epi64(__mmask8 k, const void *p) {
    uint64_t r[8] = {0};
    for (int i = 0; i < 8; i++)
        if (k >> i & 1) memcpy(&r[i], (const uint8_t *)p + 8 * i, 8);
    return _mm512_loadu_si512(r);
}
EMU void _mm512_mask_storeu_epi64(void *p, __mmask8 k, __m512i a) { /* VMOVDQU64 m512{k}: likewise */
    for (int i = 0; i < 8; i++) {
        const uint64_t lane = (uint64_t)a[i];
        if (k >> i & 1) memcpy((uint8_t *)p + 8 * i, &lane, 8);
    }
}
EMU __m512i _mm512_setzero_si512(void) { return (__m512i){0}; }
EMU __m512i _mm512_set1_epi64(long long x) { return (__m512i){x, x, x, x, x, x, x, x}; } /* VPBROADCASTQ */
EMU __m512i _mm512_set1_epi32(int x) {                                                   /* VPBROADCASTD */
    const long long both = (long long)((uint64_t)(uint32_t)x << 32 | (uint32_t)x);
    return _mm512_set1_epi64(both);
}
EMU __m512i _mm512_set_epi64(long long h, long long g, long long f, long long e, long long d, long long c, long long b,
                             long long a) {
    return (__m512i){a, b, c, d, e, f, g, h};
}

/* ---- arithmetic and logic
 * ----------------------------------------------------------------------------------------------- */

EMU __m512i _mm512_add_epi64(__m512i a, __m512i b) { return (__m512i)((emu_u64)a + (emu_u64)b); } /* VPADDQ */
EMU __m512i _mm512_sub_epi64(__m512i a, __m512i b) { return (__m512i)((emu_u64)a - (emu_u64)b); } /* VPSUBQ */
EMU __m512i _mm512_add_epi32(__m512i a, __m512i b) { return (__m512i)((emu_u32)a + (emu_u32)b); } /* VPADDD */
EMU __m512i _mm512_and_si512(__m512i a, __m512i b) { return a & b; }                              /* VPANDQ */
EMU __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }                               /* VPORQ */
EMU __m512i _mm512_xor_si512(__m512i a, __m512i b) { return a ^ b; }                              /* VPXORQ */
/* VPTERNLOG: the bits of a, b, c at a place are an index, a the highest; that bit of the table is the result. Written as
 * the sum of the table's products, which a compiler folds for a constant table. */
EMU __m512i _mm512_ternarylogic_epi64(__m512i a, __m512i b, __m512i c, int table) {
    __m512i r = {0};
    for (int i = 0; i < 8; i++)
        if (table >> i & 1) r |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return r;
}
#define _mm512_ternarylogic_epi32 _mm512_ternarylogic_epi64

/* VPSLLQ, VPSRLQ, VPSRAQ, VPSRLD by an immediate: a count of the width or more shifts everything out. */
EMU __m512i _mm512_slli_epi64(__m512i a, unsigned n) { return n > 63 ? (__m512i){0} : (__m512i)((emu_u64)a << n); }
EMU __m512i _mm512_srli_epi64(__m512i a, unsigned n) { return n > 63 ? (__m512i){0} : (__m512i)((emu_u64)a >> n); }
EMU __m512i _mm512_srai_epi64(__m512i a, unsigned n) { return (__m512i)((emu_i64)a >> (n > 63 ? 63 : n)); }
EMU __m512i _mm512_srli_epi32(__m512i a, unsigned n) { return n > 31 ? (__m512i){0} : (__m512i)((emu_u32)a >> n); }
/* VPROLQ, VPROLD: the count is taken modulo the width. */
EMU __m512i _mm512_rol_epi64(__m512i a, int n) {
    const emu_u64 x = (emu_u64)a;
    return n & 63 ? (__m512i)(x << (n & 63) | x >> (64 - (n & 63))) : a;
}
EMU __m512i _mm512_rol_epi32(__m512i a, int n) {
    const emu_u32 x = (emu_u32)a;
    return n & 31 ? (__m512i)(x << (n & 31) | x >> (32 - (n & 31))) : a;
}

/* VPMADD52LUQ, VPMADD52HUQ: the low 52 bits of both factors (what is above them does not count), the product's low or high
 * 52 bits, added to the 64 bits of the accumulator. */
#define EMU_LOW52 ((1ULL << 52) - 1)
__extension__ typedef unsigned __int128 emu_u128;
EMU __m512i _mm512_madd52lo_epu64(__m512i a, __m512i b, __m512i c) {
    emu_u64 r = (emu_u64)a, x = (emu_u64)b & EMU_LOW52, y = (emu_u64)c & EMU_LOW52;
    return (__m512i)(r + (x * y & EMU_LOW52)); /* the low 64 bits of the product hold its low 52 */
}
EMU __m512i _mm512_madd52hi_epu64(__m512i a, __m512i b, __m512i c) {
    emu_u64 r = (emu_u64)a, x = (emu_u64)b & EMU_LOW52, y = (emu_u64)c & EMU_LOW52;
    for (int i = 0; i < 8; i++) r[i] += (uint64_t)((emu_u128)x[i] * y[i] >> 52);
    return (__m512i)r;
}

/* ---- masks
 * -------------------------------------------------------------------------------------------------------------- */

/* All ones in the lanes of k, and back from lanes of all ones or zero. */
EMU emu_u64 emu_spread(__mmask8 k) {
    const emu_u64 place = {1, 2, 4, 8, 16, 32, 64, 128}, bits = place & k;
    return (emu_u64)(bits == place);
}
EMU __mmask8 emu_gather(emu_u64 lanes) {
    unsigned k = 0;
    for (int i = 0; i < 8; i++) k |= (unsigned)(lanes[i] & 1) << i;
    return (__mmask8)k;
}
EMU __mmask8 _mm512_cmpeq_epi64_mask(__m512i a, __m512i b) { return emu_gather((emu_u64)(a == b)); } /* VPCMPEQQ */
EMU __mmask8 _mm512_cmpneq_epi64_mask(__m512i a, __m512i b) { return (__mmask8)~_mm512_cmpeq_epi64_mask(a, b); }
EMU __mmask8 _mm512_cmplt_epu64_mask(__m512i a, __m512i b) { return emu_gather((emu_u64)((emu_u64)a < (emu_u64)b)); }
EMU __mmask8 _mm512_test_epi64_mask(__m512i a, __m512i b) { return emu_gather((emu_u64)((a & b) != 0)); } /* VPTESTMQ */
EMU __m512i _mm512_mask_blend_epi64(__mmask8 k, __m512i a, __m512i b) { /* VPBLENDMQ: b where the bit is set */
    const __m512i m = (__m512i)emu_spread(k);
    return (a & ~m) | (b & m);
}
EMU __m512i _mm512_mask_add_epi64(__m512i r, __mmask8 k, __m512i a,
                                  __m512i b) { /* VPADDQ zmm{k}: r where the bit is clear */
    return _mm512_mask_blend_epi64(k, r, _mm512_add_epi64(a, b));
}

/* ---- permutations
 * ------------------------------------------------------------------------------------------------------- */

/* VPUNPCKLQDQ, VPUNPCKHQDQ, VPUNPCKLDQ, VPUNPCKHDQ: within each 128 bits. */
EMU __m512i _mm512_permutex2var_epi64(__m512i a, __m512i index, __m512i b) {
    __m512i r;
    for (int i = 0; i < 8; i++) r[i] = index[i] & 8 ? b[index[i] & 7] : a[index[i] & 7];
    return r;
}
EMU __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b) { return (__m512i){a[0], b[0], a[2], b[2], a[4], b[4], a[6], b[6]}; }
EMU __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b) { return (__m512i){a[1], b[1], a[3], b[3], a[5], b[5], a[7], b[7]}; }
EMU __m512i emu_unpack32(__m512i a, __m512i b, int from) {
    const emu_u32 x = (emu_u32)a, y = (emu_u32)b;
    emu_u32 r = {0};
    for (int q = 0; q < 16; q += 4)
        for (int i = 0; i < 2; i++) r[q + 2 * i] = x[q + from + i], r[q + 2 * i + 1] = y[q + from + i];
    return (__m512i)r;
}
EMU __m512i _mm512_unpacklo_epi32(__m512i a, __m512i b) { return emu_unpack32(a, b, 0); }
EMU __m512i _mm512_unpackhi_epi32(__m512i a, __m512i b) { return emu_unpack32(a, b, 2); }
/* VSHUFI64X2: two 128-bit pieces of a, then two of b, chosen by two bits of the selector each. */
EMU __m512i _mm512_shuffle_i64x2(__m512i a, __m512i b, int selector) {
    __m512i r = {0};
    for (int q = 0; q < 4; q++) {
        const int from = 2 * (selector >> (2 * q) & 3);
        r[2 * q] = q < 2 ? a[from] : b[from];
        r[2 * q + 1] = q < 2 ? a[from + 1] : b[from + 1];
    }
    return r;
}
/* VPSHUFB: bytes within each 128 bits, by the low four bits of the selector's byte; its top bit makes a zero. */
EMU __m512i _mm512_shuffle_epi8(__m512i a, __m512i selector) {
    const emu_u8 x = (emu_u8)a, s = (emu_u8)selector;
    emu_u8 r = {0};
    for (int i = 0; i < 64; i++) r[i] = s[i] & 0x80 ? 0 : x[(i & ~15) + (s[i] & 15)];
    return (__m512i)r;
}
#undef EMU
#endif
