/* fe_p256_avx512ifma.inc.h - multiplying by the P-256 prime. Over fe_montgomery_avx512ifma.inc.h.
 *
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1 = -1 + 2^44 (2^52) + 2^36 (2^156) + (2^48 - 2^16) (2^208). A digit q below 2^52
 * times 2^44 has the high half q >> 8, times 2^36 it is q >> 16: multiply-adds are the bottleneck, so these halves are
 * shifted, and the low ones are not, which would take one instruction more. Column k takes, beyond its products, at most
 * 2^52 from each of four such halves. */
#define FE_S0          (-1LL)
#define FE_S1          (1LL << 44)
#define FE_S3          (1LL << 36)
#define FE_S4          ((1LL << 48) - (1LL << 16))
#define FE_TIMES_S1(e) vshl(e, 44)
#define FE_TIMES_S3(e) vshl(e, 36)
#define FE_COLUMN(k)   vadd(l[k], h[k])
/* Column i, complete: its digit times p to the columns above. */
#define FE_STEP(i, column, l, h)                                                                                            \
    do {                                                                                                                    \
        const vec c_ = (column), digit_ = vand(c_, vset1(PC_MASK52));                                                       \
        l[i + 1] = VEC_LOW(l[i + 1], c_, vset1(FE_S1));                                                                     \
        h[i + 1] = vadd(h[i + 1], vshr(c_, 52));                                                                            \
        h[i + 4] = VEC_LOW(h[i + 4], c_, vset1(FE_S4));                                                                     \
        h[i + 5] = VEC_HIGH(h[i + 5], c_, vset1(FE_S4));                                                                    \
        l[i + 3] = VEC_LOW(l[i + 3], c_, vset1(FE_S3));                                                                     \
        h[i + 2] = vadd(h[i + 2], vshr(digit_, 8));                                                                         \
        l[i + 4] = vadd(l[i + 4], vshr(digit_, 16));                                                                        \
    } while (0)
#define FE_STEPS(l, h, n)                                                                                                   \
    (void)n;                                                                                                                \
    FE_STEP(0, l[0], l, h);                                                                                                 \
    FE_STEP(1, FE_COLUMN(1), l, h);                                                                                         \
    FE_STEP(2, FE_COLUMN(2), l, h);                                                                                         \
    FE_STEP(3, FE_COLUMN(3), l, h);                                                                                         \
    FE_STEP(4, FE_COLUMN(4), l, h)
#include "fe_montgomery_avx512ifma.inc.h"
