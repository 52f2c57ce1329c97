/* test_weierstrass.c - the three real curves from the inside: parameters, tables, and u G + v Q where an attacker would aim.
 * Nothing here knows a lane count (-DTEST_VEC_HEADER and -DTEST_LANES_HEADER name other headers). */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER   "../vec/vec_portable.h"
#    define TEST_LANES_HEADER "../hash/lanes_portable.h"
#endif
#include TEST_VEC_HEADER
#include TEST_LANES_HEADER
#include "check_test.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* the templates hold more than is tested here */

static int second_walks;
#define PC_SECOND_WALK() (second_walks++)

#include "../hash/hash.inc.h"
#include "../field/fields.inc.h"
#include "../schemes/short_weierstrass.inc.h"

enum { ROUNDS = THOROUGH ? 4000 : 400 };
static const unsigned ALL_LANES = (1u << VL) - 1;

#include "awkward.h"

#include "../curves/secp256k1.inc.h"
#include "weierstrass_cases.inc.h"
#include "../curves/undef.inc.h"

#include "../curves/p256.inc.h"
#include "weierstrass_cases.inc.h"
#include "../curves/undef.inc.h"

#include "../curves/sm2.inc.h"
#include "weierstrass_cases.inc.h"
#include "../curves/undef.inc.h"

#include "second_walks.inc.h"

/* lambda (x, y) = (beta x, y), with lambda as mult/glv.inc.h has it. */
static void test_endomorphism(void) {
    static const uint64_t beta[4] = {0xc1396c28719501eeULL, 0x9cf0497512f58995ULL, 0x6e64479eac3434e9ULL,
                                     0x7ae96a2b657c0710ULL};
    static const uint64_t lambda[4] = {0xdf02967c1b23bd72ULL, 0x122e22ea20816678ULL, 0xa5261c028812645aULL,
                                       0x5363ad4cc05c30e0ULL};
    k256_aff g;
    k256_jac p, q;
    fe_k256_t b;
    vec w[4];
    k256_generator(&g);
    k256_fe_const(&b, beta);
    fe_k256_mul(&g.x, &g.x, &b);
    k256_jac_from_aff(&p, &g);
    words_set1(w, lambda);
    k256_mul_generator(&q, w);
    EXPECT(k256_same(&p, &q) == ALL_LANES);
}

int main(void) {
    vmode mode = vmode_enter();
    k256_test_base(), p256_test_base(), sm2c_test_base();
    test_endomorphism();
    k256_test_double_base(), p256_test_double_base(), sm2c_test_double_base();
    vmode_leave(mode);
    test_second_walks();
    return test_report("weierstrass");
}
