/* vec_avx512ifma.h - eight lanes: AVX-512 F/DQ/VL and the 52-bit multiply-add of IFMA. See vec/README.md for the vocabulary.
 *
 * madd52lo and madd52hi add the low and high 52 bits of a 52 x 52-bit product to a 64-bit lane: exactly one VCOL_MAC. They
 * read only the low 52 bits of their operands; a wider limb would be cut without a sound, which is what VERIFY builds look
 * for. */
#ifndef PC_VEC_H
#define PC_VEC_H
#ifdef PC_EMULATE_AVX512
#    include "../tests/emulate_avx512.h"
#else
#    include <immintrin.h>
#endif
#include <stddef.h>
#include <stdint.h>
#include "../core/check.h"

#define VL          8
#define VEC_FLATTEN PC_FLATTEN /* 32 registers hold what a formula needs; a call passes it through memory */
#define VEC_SIDE    2          /* a product waits for its last column longer than it keeps the ports busy */
#define VEC_IFMA    1          /* the fields may use field/<field>_avx512ifma.inc.h */

typedef __m512i vec;
typedef __mmask8 vmask;
__extension__ typedef unsigned __int128 pc_u128;

PC_INLINE vec vset1(uint64_t x) { return _mm512_set1_epi64((long long)x); }
PC_INLINE vec vzero(void) { return _mm512_setzero_si512(); }
PC_INLINE vec vload(const uint64_t *p) { return _mm512_loadu_si512(p); }
PC_INLINE void vstore(uint64_t *p, vec v) { _mm512_storeu_si512(p, v); }
PC_INLINE uint64_t vlane(vec v, int i) {
    uint64_t t[VL];
    vstore(t, v);
    return t[i];
}

PC_INLINE vec vadd(vec a, vec b) { return _mm512_add_epi64(a, b); }
PC_INLINE vec vsub(vec a, vec b) { return _mm512_sub_epi64(a, b); }
PC_INLINE vec vand(vec a, vec b) { return _mm512_and_si512(a, b); }
PC_INLINE vec vor(vec a, vec b) { return _mm512_or_si512(a, b); }
PC_INLINE vec vxor(vec a, vec b) { return _mm512_xor_si512(a, b); }
#define vshl(v, n) _mm512_slli_epi64(v, (unsigned)(n))
#define vshr(v, n) _mm512_srli_epi64(v, (unsigned)(n))

PC_INLINE vec vblend(vmask m, vec a, vec b) { return _mm512_mask_blend_epi64(m, b, a); }
PC_INLINE vmask veq(vec a, vec b) { return _mm512_cmpeq_epi64_mask(a, b); }
PC_INLINE vmask vlt(vec a, vec b) { return _mm512_cmplt_epu64_mask(a, b); }
PC_INLINE vmask mand(vmask a, vmask b) { return (vmask)(a & b); }
PC_INLINE vmask mor(vmask a, vmask b) { return (vmask)(a | b); }
PC_INLINE vmask mnot(vmask a) { return (vmask)~a; }
PC_INLINE unsigned mbits(vmask m) { return m; }
PC_INLINE vmask mfrom_bits(unsigned bits) { return (vmask)bits; }

PC_INLINE vec vgather(const uint64_t *base, const uint32_t row[VL], size_t stride, size_t i) {
    uint64_t t[VL];
    for (int j = 0; j < VL; j++) t[j] = base[(size_t)row[j] * stride + i];
    return vload(t);
}
/* t[i] lane j = a[j] lane i: 8 x 8 words in three steps (pairs of words, of 128 and of 256 bits). */
PC_INLINE void vec_transpose(vec t[VL], const vec a[VL]) {
    vec b[VL], c[VL];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        b[2 * j] = _mm512_unpacklo_epi64(a[2 * j], a[2 * j + 1]);
        b[2 * j + 1] = _mm512_unpackhi_epi64(a[2 * j], a[2 * j + 1]);
    }
    /* b[2j + w]: words w, w + 2, w + 4, w + 6 of lanes 2j, 2j + 1 as 128-bit pieces */
#pragma GCC unroll 2
    for (int w = 0; w < 2; w++) {
        c[w] = _mm512_shuffle_i64x2(b[w], b[2 + w], 0x88);         /* pieces 0, 2 of lanes 0..3 */
        c[2 + w] = _mm512_shuffle_i64x2(b[w], b[2 + w], 0xdd);     /* pieces 1, 3 */
        c[4 + w] = _mm512_shuffle_i64x2(b[4 + w], b[6 + w], 0x88); /* lanes 4..7 */
        c[6 + w] = _mm512_shuffle_i64x2(b[4 + w], b[6 + w], 0xdd);
    }
#pragma GCC unroll 2
    for (int w = 0; w < 2; w++) {
        t[w] = _mm512_shuffle_i64x2(c[w], c[4 + w], 0x88);         /* word w: piece 0 */
        t[4 + w] = _mm512_shuffle_i64x2(c[w], c[4 + w], 0xdd);     /* word 4 + w: piece 2 */
        t[2 + w] = _mm512_shuffle_i64x2(c[2 + w], c[6 + w], 0x88); /* word 2 + w: piece 1 */
        t[6 + w] = _mm512_shuffle_i64x2(c[2 + w], c[6 + w], 0xdd); /* word 6 + w: piece 3 */
    }
}
/* Eight words of every lane: eight loads and a transpose. Loads are masked at the end of a row. */
PC_INLINE void vload_each(vec *out, const uint64_t *const p[VL], size_t n) {
    for (size_t k = 0; k < n; k += 8) {
        const __mmask8 there = (__mmask8)(n - k >= 8 ? 0xff : (1u << (n - k)) - 1);
        vec a[VL], t[VL];
#pragma GCC unroll 8
        for (int j = 0; j < VL; j++) a[j] = _mm512_maskz_loadu_epi64(there, p[j] + k);
        vec_transpose(t, a);
        for (size_t i = 0; i < VL && k + i < n; i++) out[k + i] = t[i];
    }
}
PC_INLINE void vload_rows(vec *out, const uint64_t *base, const uint32_t row[VL], size_t stride, size_t n) {
    const uint64_t *p[VL];
#pragma GCC unroll 8
    for (int j = 0; j < VL; j++) {
        const uint64_t *at = base + (size_t)row[j] * stride;
        __asm__("" : "+r"(at)); /* else gcc computes the eight of them as a vector and takes it apart again */
        p[j] = at;
    }
    vload_each(out, p, n);
}
PC_INLINE void vstore_rows(uint64_t *base, const uint32_t row[VL], size_t stride, const vec *in, size_t n) {
    uint64_t *p[VL];
    for (int j = 0; j < VL; j++) p[j] = base + (size_t)row[j] * stride;
    for (size_t k = 0; k < n; k += 8) {
        const __mmask8 there = (__mmask8)(n - k >= 8 ? 0xff : (1u << (n - k)) - 1);
        vec a[VL], t[VL];
#pragma GCC unroll 8
        for (size_t i = 0; i < VL; i++) a[i] = k + i < n ? in[k + i] : vzero();
        vec_transpose(t, a);
#pragma GCC unroll 8
        for (int j = 0; j < VL; j++) _mm512_mask_storeu_epi64(p[j] + k, there, t[j]);
    }
}

/* For the tuned field bodies alone: the halves of a product one by one, with the operands checked in VERIFY builds, and without
 * the check where dropping what is above 52 bits is meant. */
#define VEC_LOW(acc, x, y)  _mm512_madd52lo_epu64(acc, x, y)
#define VEC_HIGH(acc, x, y) _mm512_madd52hi_epu64(acc, x, y)
#ifdef PC_VERIFY
static inline PC_UNUSED vec vec_low(vec acc, vec x, vec y) {
    PC_CHECK(_mm512_test_epi64_mask(_mm512_or_si512(x, y), vset1(~0xfffffffffffffULL)) == 0);
    return VEC_LOW(acc, x, y);
}
static inline PC_UNUSED vec vec_high(vec acc, vec x, vec y) {
    PC_CHECK(_mm512_test_epi64_mask(_mm512_or_si512(x, y), vset1(~0xfffffffffffffULL)) == 0);
    return VEC_HIGH(acc, x, y);
}
#    define VEC_MACL vec_low
#    define VEC_MACH vec_high
#else
#    define VEC_MACL VEC_LOW
#    define VEC_MACH VEC_HIGH
#endif
#define vec_sar(v, n) _mm512_srai_epi64(v, (unsigned)(n)) /* signed */
PC_INLINE vec vec_or3(vec a, vec b, vec c) { return _mm512_ternarylogic_epi64(a, b, c, 0xfe); }
PC_INLINE vec vec_not(vec a) { return _mm512_ternarylogic_epi64(a, a, a, 0x0f); }
/* The lanes that have any of the bits of b, and whether there are such. */
PC_INLINE vmask vec_any_where(vec a, vec b) { return _mm512_test_epi64_mask(a, b); }
PC_INLINE int vec_any_of(vec a, vec b) { return vec_any_where(a, b) != 0; }
/* a, and a + b in the lanes of m. */
PC_INLINE vec vec_add_where(vmask m, vec a, vec b) { return _mm512_mask_add_epi64(a, m, a, b); }
/* Whether any lane has any of these bits. */
PC_INLINE int vec_any_bit(vec a, uint64_t bits) { return _mm512_test_epi64_mask(a, vset1(bits)) != 0; }

typedef vec vcol;
PC_INLINE vcol vcol_zero(int n_low, int n_high) { return (void)n_low, (void)n_high, vzero(); }
PC_INLINE void vec_mac(vcol *low, vcol *high, vec x, vec y) {
    *low = _mm512_madd52lo_epu64(*low, x, y);
    *high = _mm512_madd52hi_epu64(*high, x, y);
}
#ifdef PC_VERIFY
#    define VEC_CHECK52(x) PC_CHECK(_mm512_test_epi64_mask(x, vset1(~0xfffffffffffffULL)) == 0)
#else
#    define VEC_CHECK52(x) ((void)0)
#endif
#define VCOL_MAC(c, k, x, y)             (VEC_CHECK52(x), VEC_CHECK52(y), vec_mac(&(c)[k], &(c)[(k) + 1], x, y))
#define VCOL_ADD(c, k, v)                ((void)((c)[k] = vadd((c)[k], v)))
#define VCOL_DOUBLE(c, k, n_low, n_high) ((void)(n_low), (void)(n_high), (void)((c)[k] = vadd((c)[k], (c)[k])))
#define VCOL_LOW(c, k)                   vand((c)[k], vset1(0xfffffffffffffULL))
#define VCOL_CARRY(c, k)                 ((void)((c)[(k) + 1] = vadd((c)[(k) + 1], vshr((c)[k], 52))))
#define VCOL_ALL(c, k)                   ((c)[k])

typedef int vmode;
PC_INLINE vmode vmode_enter(void) { return 0; }
PC_INLINE void vmode_leave(vmode m) { (void)m; }
#endif
