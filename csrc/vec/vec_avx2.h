/* vec_avx2.h - four lanes: AVX2 integers, and FMA for the 52-bit products. See vec/README.md for the vocabulary.
 *
 * There is no 52 x 52-bit integer multiplication in AVX2; the double unit has one. With round toward zero and x, y < 2^52:
 *
 *   h = fma(x, y, 2^104)                   its last mantissa bit weighs 2^52, so the mantissa is floor(x y / 2^52)
 *   l = fma(x, y, (2^104 + 2^52) - h)      the addend is exact; l = 2^52 + (x y mod 2^52), the mantissa is the low half
 *
 * Both bit patterns are added to the columns as integers, exponent fields and all. A column starts at minus the sum of the
 * exponent fields that will come (vcol_zero), so it is right when all announced products are in. The exponent fields are
 * multiples of 2^52, so its low 52 bits are right at any time. All operands are integers below 2^53: nothing is ever
 * subnormal, inexact in the sense that matters, or NaN. vmode_enter sets the rounding mode of MXCSR and vmode_leave puts
 * back what was there; the compiler does not model MXCSR, so both are opaque to it (volatile asm with a memory clobber). */
#ifndef PC_VEC_H
#define PC_VEC_H
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include "../core/check.h"

#define VEC_AVX2 1 /* the fields may use their bodies for doubles, field/<field>_avx2.inc.h */
#define VL       4
#define VEC_FLATTEN
#define VEC_SIDE 1

typedef __m256i vec;
typedef __m256i vmask; /* 0 or all ones per lane */
__extension__ typedef unsigned __int128 pc_u128;

PC_INLINE vec vset1(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
PC_INLINE vec vzero(void) { return _mm256_setzero_si256(); }
PC_INLINE vec vload(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
PC_INLINE void vstore(uint64_t *p, vec v) { _mm256_storeu_si256((__m256i *)p, v); }
PC_INLINE uint64_t vlane(vec v, int i) {
    uint64_t t[VL];
    vstore(t, v);
    return t[i];
}

PC_INLINE vec vadd(vec a, vec b) { return _mm256_add_epi64(a, b); }
PC_INLINE vec vsub(vec a, vec b) { return _mm256_sub_epi64(a, b); }
PC_INLINE vec vand(vec a, vec b) { return _mm256_and_si256(a, b); }
PC_INLINE vec vor(vec a, vec b) { return _mm256_or_si256(a, b); }
PC_INLINE vec vxor(vec a, vec b) { return _mm256_xor_si256(a, b); }
#define vshl(v, n) _mm256_slli_epi64(v, n)
#define vshr(v, n) _mm256_srli_epi64(v, n)

PC_INLINE vec vblend(vmask m, vec a, vec b) { return _mm256_blendv_epi8(b, a, m); }
PC_INLINE vmask veq(vec a, vec b) { return _mm256_cmpeq_epi64(a, b); }
PC_INLINE vmask vlt(vec a, vec b) { /* the comparison is signed: flip the top bits */
    const vec top = vset1(1ULL << 63);
    return _mm256_cmpgt_epi64(vxor(b, top), vxor(a, top));
}
PC_INLINE vmask mand(vmask a, vmask b) { return vand(a, b); }
PC_INLINE vmask mor(vmask a, vmask b) { return vor(a, b); }
PC_INLINE vmask mnot(vmask a) { return vxor(a, vset1(~0ULL)); }
PC_INLINE unsigned mbits(vmask m) { return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(m)); }
PC_INLINE vmask mfrom_bits(unsigned bits) {
    const vec place = _mm256_set_epi64x(8, 4, 2, 1);
    return veq(vand(vset1(bits), place), place);
}

PC_INLINE vec vgather(const uint64_t *base, const uint32_t row[VL], size_t stride, size_t i) {
    uint64_t t[VL];
    for (int j = 0; j < VL; j++) t[j] = base[(size_t)row[j] * stride + i];
    return vload(t);
}
/* Four words of every lane: four loads and a transpose. */
PC_INLINE void vload_each(vec *out, const uint64_t *const p[VL], size_t n) {
    const size_t whole = n / 4 * 4;
    for (size_t k = 0; k < whole; k += 4) {
        vec a = vload(p[0] + k), b = vload(p[1] + k), c = vload(p[2] + k), d = vload(p[3] + k);
        vec ab0 = _mm256_unpacklo_epi64(a, b), ab1 = _mm256_unpackhi_epi64(a, b);
        vec cd0 = _mm256_unpacklo_epi64(c, d), cd1 = _mm256_unpackhi_epi64(c, d);
        out[k] = _mm256_permute2x128_si256(ab0, cd0, 0x20);
        out[k + 1] = _mm256_permute2x128_si256(ab1, cd1, 0x20);
        out[k + 2] = _mm256_permute2x128_si256(ab0, cd0, 0x31);
        out[k + 3] = _mm256_permute2x128_si256(ab1, cd1, 0x31);
    }
    for (size_t k = whole; k < n; k++)
        out[k] = _mm256_set_epi64x((long long)p[3][k], (long long)p[2][k], (long long)p[1][k], (long long)p[0][k]);
}
PC_INLINE void vload_rows(vec *out, const uint64_t *base, const uint32_t row[VL], size_t stride, size_t n) {
    const uint64_t *const p[VL] = {base + (size_t)row[0] * stride, base + (size_t)row[1] * stride,
                                   base + (size_t)row[2] * stride, base + (size_t)row[3] * stride};
    vload_each(out, p, n);
}
/* The same transpose backwards. */
PC_INLINE void vstore_rows(uint64_t *base, const uint32_t row[VL], size_t stride, const vec *in, size_t n) {
    const size_t whole = n / 4 * 4;
    uint64_t *p[VL];
    for (int j = 0; j < VL; j++) p[j] = base + (size_t)row[j] * stride;
    for (size_t k = 0; k < whole; k += 4) {
        vec ab0 = _mm256_unpacklo_epi64(in[k], in[k + 1]), ab1 = _mm256_unpackhi_epi64(in[k], in[k + 1]);
        vec cd0 = _mm256_unpacklo_epi64(in[k + 2], in[k + 3]), cd1 = _mm256_unpackhi_epi64(in[k + 2], in[k + 3]);
        vstore(p[0] + k, _mm256_permute2x128_si256(ab0, cd0, 0x20));
        vstore(p[1] + k, _mm256_permute2x128_si256(ab1, cd1, 0x20));
        vstore(p[2] + k, _mm256_permute2x128_si256(ab0, cd0, 0x31));
        vstore(p[3] + k, _mm256_permute2x128_si256(ab1, cd1, 0x31));
    }
    for (size_t k = whole; k < n; k++) {
        uint64_t t[VL];
        vstore(t, in[k]);
        for (int j = 0; j < VL; j++) p[j][k] = t[j];
    }
}

typedef vec vcol;
#define VEC_BIT52               0x4330000000000000ULL /* the double 2^52 */
#define VEC_BIT104              0x4670000000000000ULL /* the double 2^104 */
#define VEC_BIAS(n_low, n_high) (0 - ((uint64_t)(n_low) * VEC_BIT52 + (uint64_t)(n_high) * VEC_BIT104))
PC_INLINE vcol vcol_zero(int n_low, int n_high) { return vset1(VEC_BIAS(n_low, n_high)); }
/* An integer below 2^52 as a double: put it under the mantissa of 2^52, take 2^52 away. */
PC_INLINE __m256d vec_double(vec a) {
    const vec bit52 = vset1(VEC_BIT52);
    return _mm256_sub_pd(_mm256_castsi256_pd(vor(a, bit52)), _mm256_castsi256_pd(bit52));
}
PC_INLINE void vec_mac(vcol *low, vcol *high, vec x, vec y) {
    __m256d two104 = _mm256_castsi256_pd(vset1(VEC_BIT104));
    __asm__("" : "+x"(two104)); /* else a compiler folds products of constants, rounding them to nearest */
    const __m256d both = _mm256_set1_pd(20282409603651670423947251286016.0 + 4503599627370496.0); /* 2^104 + 2^52 */
    __m256d a = vec_double(x), b = vec_double(y);
    __m256d h = _mm256_fmadd_pd(a, b, two104), l = _mm256_fmadd_pd(a, b, _mm256_sub_pd(both, h));
    *low = vadd(*low, _mm256_castpd_si256(l));
    *high = vadd(*high, _mm256_castpd_si256(h));
}
#define VCOL_MAC(c, k, x, y)             vec_mac(&(c)[k], &(c)[(k) + 1], x, y)
#define VCOL_ADD(c, k, v)                ((void)((c)[k] = vadd((c)[k], v)))
#define VCOL_DOUBLE(c, k, n_low, n_high) ((void)((c)[k] = vadd(vadd((c)[k], (c)[k]), vset1(VEC_BIAS(n_low, n_high)))))
#define VCOL_LOW(c, k)                   vand((c)[k], vset1(0xfffffffffffffULL))
#define VCOL_CARRY(c, k)                 ((void)((c)[(k) + 1] = vadd((c)[(k) + 1], vshr((c)[k], 52))))
#define VCOL_ALL(c, k)                   ((c)[k])

typedef unsigned vmode;
PC_INLINE vmode vmode_enter(void) {
    const unsigned toward_zero = 0x7f80; /* and every exception masked: a product is inexact nearly always */
    unsigned before;
    __asm__ volatile("stmxcsr %0" : "=m"(before) : : "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(toward_zero) : "memory");
    return before;
}
PC_INLINE void vmode_leave(vmode before) { __asm__ volatile("ldmxcsr %0" : : "m"(before) : "memory"); }
#endif
