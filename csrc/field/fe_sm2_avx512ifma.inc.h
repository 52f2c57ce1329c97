/* fe_sm2_avx512ifma.inc.h - multiplying by the SM2 prime. Over fe_montgomery_avx512ifma.inc.h.
 *
 * p = 2^256 - 2^224 - 2^96 + 2^64 - 1 = -1 - (2^44 - 2^12) (2^52) + (2^48 - 2^16) (2^208). The part that a digit takes away is
 * summed up apart, by columns n[1] .. n[6]. Columns may come out below zero; their low 52 bits are right all the same. */
#define FE_S0          (-1LL)
#define FE_S1          ((1LL << 12) - (1LL << 44))
#define FE_S3          0LL
#define FE_S4          ((1LL << 48) - (1LL << 16))
#define FE_TIMES_S1(e) vsub(vshl(e, 12), vshl(e, 44))
#define FE_TIMES_S3(e) vzero()
#define FE_COLUMN(k)   ((k) <= 6 ? vsub(vadd(l[k], h[k]), n[k]) : vadd(l[k], h[k]))
/* Column i, complete: its digit times p to the columns above. */
#define FE_STEP(i, column, l, h, n)                                                                                         \
    do {                                                                                                                    \
        const vec c_ = (column);                                                                                            \
        n[i + 1] = VEC_LOW(n[i + 1], c_, vset1(0 - (uint64_t)FE_S1));                                                       \
        n[i + 2] = VEC_HIGH(vzero(), c_, vset1(0 - (uint64_t)FE_S1));                                                       \
        h[i + 1] = vadd(h[i + 1], vec_sar(c_, 52));                                                                         \
        h[i + 4] = VEC_LOW(h[i + 4], c_, vset1(FE_S4));                                                                     \
        h[i + 5] = VEC_HIGH(h[i + 5], c_, vset1(FE_S4));                                                                    \
    } while (0)
#define FE_STEPS(l, h, n)                                                                                                   \
    n[1] = vzero();                                                                                                         \
    FE_STEP(0, l[0], l, h, n);                                                                                              \
    FE_STEP(1, FE_COLUMN(1), l, h, n);                                                                                      \
    FE_STEP(2, FE_COLUMN(2), l, h, n);                                                                                      \
    FE_STEP(3, FE_COLUMN(3), l, h, n);                                                                                      \
    FE_STEP(4, FE_COLUMN(4), l, h, n)
#include "fe_montgomery_avx512ifma.inc.h"
