/* fe_p256_portable.inc.h - multiplying by the P-256 prime with shifts. Over fe_montgomery_portable.inc.h.
 *
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1, so q p for the digit q < 2^52 of column i is, in columns of 52 bits from there:
 *   -q                     column 0: clears the low limb, which the shift drops anyway
 *   +q 2^44                column 1 (96 = 52 + 44): the low 8 bits of q stay, the others go to column 2
 *   +q 2^36                column 3 (192 = 156 + 36): the low 16 bits stay, the others go to column 4
 *   +q (2^48 - 2^16)       column 4 (256, 224 = 208 + 48, 16) */
#define FE_TERM0(q)   0
#define FE_TERM1(q)   ((int64_t)((uint64_t)(q) << 44 & PC_MASK52))
#define FE_TERM2(q)   ((q) >> 8)
#define FE_TERM3(q)   ((int64_t)((uint64_t)(q) << 36 & PC_MASK52))
#define FE_NARROW4(q) ((q) >> 16)
#define FE_TERM4(q)   M(q, (1LL << 48) - (1LL << 16))
#include "fe_montgomery_portable.inc.h"
