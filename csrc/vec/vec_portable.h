/* vec_portable.h - one lane: a vec is one uint64_t. See vec/README.md for the vocabulary.
 *
 * The column accumulator is 128 bits wide, so a product goes in whole; the multi-lane headers put its low and high 52 bits
 * into columns k and k + 1. Code above sees no difference, because it only reads a column after everything below was
 * carried. */
#ifndef PC_VEC_H
#define PC_VEC_H
#include <stddef.h>
#include <stdint.h>
#include "../core/check.h"

#define VL 1
#define VEC_FLATTEN
#define VEC_SIDE     1
#define VEC_PORTABLE 1 /* the fields may use their one-lane bodies, field/<field>_portable.inc.h */

typedef uint64_t vec;
typedef uint64_t vmask; /* 0 or all ones */
__extension__ typedef unsigned __int128 pc_u128;
__extension__ typedef __int128 pc_i128;

PC_INLINE vec vset1(uint64_t x) { return x; }
PC_INLINE vec vzero(void) { return 0; }
PC_INLINE vec vload(const uint64_t *p) { return *p; }
PC_INLINE void vstore(uint64_t *p, vec v) { *p = v; }
PC_INLINE uint64_t vlane(vec v, int i) { return (void)i, v; }

PC_INLINE vec vadd(vec a, vec b) { return a + b; }
PC_INLINE vec vsub(vec a, vec b) { return a - b; }
PC_INLINE vec vand(vec a, vec b) { return a & b; }
PC_INLINE vec vor(vec a, vec b) { return a | b; }
PC_INLINE vec vxor(vec a, vec b) { return a ^ b; }
#define vshl(v, n) ((vec)((v) << (n)))
#define vshr(v, n) ((vec)((v) >> (n)))

PC_INLINE vec vblend(vmask m, vec a, vec b) { return (a & m) | (b & ~m); }
PC_INLINE vmask veq(vec a, vec b) { return (vmask)0 - (vmask)(a == b); }
PC_INLINE vmask vlt(vec a, vec b) { return (vmask)0 - (vmask)(a < b); }
PC_INLINE vmask mand(vmask a, vmask b) { return a & b; }
PC_INLINE vmask mor(vmask a, vmask b) { return a | b; }
PC_INLINE vmask mnot(vmask a) { return ~a; }
PC_INLINE unsigned mbits(vmask m) { return (unsigned)(m & 1); }
PC_INLINE vmask mfrom_bits(unsigned bits) { return (vmask)0 - (vmask)(bits & 1); }

PC_INLINE vec vgather(const uint64_t *base, const uint32_t row[VL], size_t stride, size_t i) {
    return base[(size_t)row[0] * stride + i];
}
PC_INLINE void vload_each(vec *out, const uint64_t *const p[VL], size_t n) {
    for (size_t k = 0; k < n; k++) out[k] = p[0][k];
}
PC_INLINE void vload_rows(vec *out, const uint64_t *base, const uint32_t row[VL], size_t stride, size_t n) {
    const uint64_t *const p[VL] = {base + (size_t)row[0] * stride};
    vload_each(out, p, n);
}
PC_INLINE void vstore_rows(uint64_t *base, const uint32_t row[VL], size_t stride, const vec *in, size_t n) {
    uint64_t *p = base + (size_t)row[0] * stride;
    for (size_t k = 0; k < n; k++) p[k] = in[k];
}

typedef pc_u128 vcol;
PC_INLINE vcol vcol_zero(int n_low, int n_high) { return (void)n_low, (void)n_high, 0; }
#define VCOL_MAC(c, k, x, y)             (PC_CHECK((x) >> 52 == 0 && (y) >> 52 == 0), (void)((c)[k] += (pc_u128)(x) * (y)))
#define VCOL_ADD(c, k, v)                ((void)((c)[k] += (v)))
#define VCOL_DOUBLE(c, k, n_low, n_high) ((void)(n_low), (void)(n_high), (void)((c)[k] += (c)[k]))
#define VCOL_LOW(c, k)                   ((vec)(c)[k] & 0xfffffffffffffULL)
#define VCOL_CARRY(c, k)                 ((void)((c)[(k) + 1] += (c)[k] >> 52))
#define VCOL_ALL(c, k)                   (PC_CHECK((c)[k] >> 64 == 0), (vec)(c)[k])

typedef int vmode;
PC_INLINE vmode vmode_enter(void) { return 0; }
PC_INLINE void vmode_leave(vmode m) { (void)m; }
#endif
