/* fe_p256_avx512ifma.inc.h - multiplying by the P-256 prime. Over fe_montgomery_avx512ifma.inc.h.
 *
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1 = -1 + 2^44 (2^52) + 2^36 (2^156) + (2^48 - 2^16) (2^208). Both halves of every
 * product of a digit are multiply-adds: where all vector operations share two ports these cost what a shift or an addition
 * does, and are one instead of two. A column takes at most nine halves of products and six of digits, below 2^56. Column 0
 * is one low half and has nothing above its 52 bits. */
#define FE_S0          (-1LL)
#define FE_S1          (1LL << 44)
#define FE_S3          (1LL << 36)
#define FE_S4          ((1LL << 48) - (1LL << 16))
#define FE_TIMES_S1(e) vshl(e, 44)
#define FE_TIMES_S3(e) vshl(e, 36)
#define FE_START(c, doubled)                                                                                                \
    do {                                                                                                                    \
        for (int k_ = 0; k_ < 10; k_++) (c)[k_] = vzero();                                                                  \
    } while (0)
#define FE_STEP(c, i)                                                                                                       \
    do {                                                                                                                    \
        const vec c_ = (c)[i], s1_ = FN(_constant)(FN(_limbs_p), 1), s3_ = FN(_constant)(FN(_limbs_p), 3),                  \
                  s4_ = FN(_constant)(FN(_limbs_p), 4);                                                                     \
        (c)[i + 1] = VEC_LOW((c)[i + 1], c_, s1_);                                                                          \
        if (i > 0) (c)[i + 1] = vadd((c)[i + 1], vshr(c_, 52));                                                             \
        (c)[i + 2] = VEC_HIGH((c)[i + 2], c_, s1_);                                                                         \
        (c)[i + 3] = VEC_LOW((c)[i + 3], c_, s3_);                                                                          \
        (c)[i + 4] = VEC_HIGH((c)[i + 4], c_, s3_);                                                                         \
        (c)[i + 4] = VEC_LOW((c)[i + 4], c_, s4_);                                                                          \
        (c)[i + 5] = VEC_HIGH((c)[i + 5], c_, s4_);                                                                         \
    } while (0)
#include "fe_montgomery_avx512ifma.inc.h"
