/* fe_p256_avx2.inc.h - P-256 over fe_montgomery_avx2.inc.h: S = 2^192 + 2^96, so v S is v 2^44 in column 1 and v 2^36 in column
 * 3. */
#define FE_P1 17592186044416.0
#define FE_P3 68719476736.0
#define FE_SPREAD(v, c1, c2, c3, c4)                                                                                        \
    do {                                                                                                                    \
        c1 = vadd(c1, vand(vshl(v, 44), FE_MASK));                                                                          \
        c2 = vadd(c2, vshr(v, 8));                                                                                          \
        c3 = vadd(c3, vand(vshl(v, 36), FE_MASK));                                                                          \
        c4 = vadd(c4, vshr(v, 16));                                                                                         \
    } while (0)
#define FE_SPREAD2 (1ULL << 43)
#define FE_SPREAD4 (1ULL << 35)
#include "fe_montgomery_avx2.inc.h"
