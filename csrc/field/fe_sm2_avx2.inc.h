/* fe_sm2_avx2.inc.h - SM2 over fe_montgomery_avx2.inc.h: S = 2^64 - 2^96, so v S is v (2^12 - 2^44) in column 1. */
#define FE_P1 (4096.0 - 17592186044416.0)
#define FE_P3 0.0
#define FE_SPREAD(v, c1, c2, c3, c4)                                                                                        \
    do {                                                                                                                    \
        c1 = vadd(c1, vsub(vand(vshl(v, 12), FE_MASK), vand(vshl(v, 44), FE_MASK)));                                        \
        c2 = vadd(c2, vsub(vshr(v, 40), vshr(v, 8)));                                                                       \
    } while (0)
#define FE_SPREAD2 ((1ULL << 11) - (1ULL << 43))
#define FE_SPREAD4 0
#include "fe_montgomery_avx2.inc.h"
