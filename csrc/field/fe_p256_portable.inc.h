/* fe_p256_portable.inc.h - the shifts that multiply by the P-256 prime. Over fe_mont_portable.inc.h.
 *
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1, so q p at column i is, counting bits from column 0 as 52 per column:
 *   -q                      at bit 0    -> column 0 (its low 52 bits vanish, as they must)
 *   +q 2^44                 at bit 52   (96 = 52 + 44)           -> column 1
 *   +q 2^36                 at bit 156  (192 = 156 + 36)         -> column 3
 *   +q (2^48 - 2^16)        at bit 208  (256, 224 = 208 + 48, 16) -> column 4 */
#define FE_ADD_MULTIPLE(c, i, q)                                                                                            \
    do {                                                                                                                    \
        (c)[i] -= (q);                                                                                                      \
        (c)[(i) + 1] += (pc_i128)(q) << 44;                                                                                 \
        (c)[(i) + 3] += (pc_i128)(q) << 36;                                                                                 \
        (c)[(i) + 4] += (pc_i128)(q) * ((1LL << 48) - (1LL << 16));                                                         \
    } while (0)
#include "fe_mont_portable.inc.h"
