/* fe_sm2_avx512ifma.inc.h - multiplying by the SM2 prime. Over fe_montgomery_avx512ifma.inc.h.
 *
 * p = 2^256 - 2^224 - 2^96 + 2^64 - 1 = -1 - K (2^52) + (2^48 - 2^16) (2^208) with K = 2^44 - 2^12. Instead of taking K m
 * away for a digit m, its complement 2^52 - 1 - m times K is added. That is (2^52 - 1) K too much for each of the five
 * digits, at 2^52, 2^104 and so on; the sum is K 2^312 - K 2^52, so column 1 starts with K and column 6 with -K. */
#define FE_SM2_K       ((1LL << 44) - (1LL << 12))
#define FE_S0          (-1LL)
#define FE_S1          (-FE_SM2_K)
#define FE_S3          0LL
#define FE_S4          ((1LL << 48) - (1LL << 16))
#define FE_TIMES_S1(e) vsub(vshl(e, 12), vshl(e, 44))
#define FE_TIMES_S3(e) vzero()
enum { fe_sm2_PLUS_K, fe_sm2_PLUS_HALF_K, fe_sm2_MINUS_K, fe_sm2_MINUS_HALF_K };
static const uint64_t fe_sm2_starts[] = {FE_SM2_K, FE_SM2_K / 2, 0 - (uint64_t)FE_SM2_K, 0 - (uint64_t)FE_SM2_K / 2};
#define FE_START(c, doubled)                                                                                                \
    do {                                                                                                                    \
        for (int k_ = 0; k_ < 10; k_++) (c)[k_] = vzero();                                                                  \
        (c)[1] = FN(_constant)(fe_sm2_starts, (doubled) ? fe_sm2_PLUS_HALF_K : fe_sm2_PLUS_K);                              \
        (c)[6] = FN(_constant)(fe_sm2_starts, (doubled) ? fe_sm2_MINUS_HALF_K : fe_sm2_MINUS_K);                            \
    } while (0)
#define FE_STEP(c, i)                                                                                                       \
    do {                                                                                                                    \
        const vec c_ = (c)[i], k_ = FN(_constant)(fe_sm2_starts, fe_sm2_PLUS_K), s4_ = FN(_constant)(FN(_limbs_p), 4);      \
        const vec rest_ = vec_not(c_);                                                                                      \
        (c)[i + 1] = VEC_LOW((c)[i + 1], rest_, k_);                                                                        \
        if (i > 0) (c)[i + 1] = vadd((c)[i + 1], vshr(c_, 52));                                                             \
        (c)[i + 2] = VEC_HIGH((c)[i + 2], rest_, k_);                                                                       \
        (c)[i + 4] = VEC_LOW((c)[i + 4], c_, s4_);                                                                          \
        (c)[i + 5] = VEC_HIGH((c)[i + 5], c_, s4_);                                                                         \
    } while (0)
#include "fe_montgomery_avx512ifma.inc.h"
