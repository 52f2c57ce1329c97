/* test_wide.c - the templates at another width: BLS12-381, whose coordinates take six words and eight limbs and whose scalars take four
 * and five. Nothing ships with it yet; it holds field/, group/ and mult/ to asking for a width instead of knowing one.
 *
 * -DTEST_VEC_HEADER='"../vec/vec_avx2.h"' runs the same cases over another vec header. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER "../vec/vec_portable.h"
#endif
#include TEST_VEC_HEADER
#include "check_test.h"
#define BIG_WORDS 6
#include "field_corners.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* the templates hold more than is tested here */

#include "../field/words.inc.h"
#include "../mult/lane_tables.inc.h"
#include "../mult/recode.inc.h"
#include <pthread.h>

/* The field and the group order (Bowe, "BLS12-381: New zk-SNARK Elliptic Curve Construction", 2017), and what params.h has of others:
 * R = 2^416 and 2^260. */
#define FP381_P                                                                                                             \
    0xb9feffffffffaaabULL, 0x1eabfffeb153ffffULL, 0x6730d2a0f6b0f624ULL, 0x64774b84f38512bfULL, 0x4b1ba7b6434bacd7ULL,      \
        0x1a0111ea397fe69aULL
#define FP381_R                                                                                                             \
    0x44f6480ea8e9b9afULL, 0xa96f7d65766c8fe4ULL, 0xe82efd4228b540feULL, 0x6723e5f0ade53b2eULL, 0x25ff6eb6fdd4230aULL,      \
        0x14c8ee06ef23c24aULL
#define FP381_R2                                                                                                            \
    0x1a2a5bf4cb89af51ULL, 0xec71f13afbba7ca3ULL, 0x7104659032646160ULL, 0x480a4a188311a84dULL, 0x6698e5907ad91f53ULL,      \
        0x087462075d745072ULL
#define FP381_N0 0x3fffcfffcfffdULL
#define SC381_P  0xffffffff00000001ULL, 0x53bda402fffe5bfeULL, 0x3339d80809a1d805ULL, 0x73eda753299d7d48ULL
#define SC381_R  0x00000022ffffffddULL, 0x8d12939700396c23ULL, 0xff1776e6aedf7745ULL, 0x26821fa14f77df20ULL
#define SC381_R2 0x99e99103f29c6cf0ULL, 0x31138b57927663d9ULL, 0x9f7715f1ba1c0ed6ULL, 0x09ff646cc0273c82ULL
#define SC381_N0 0xffffeffffffffULL

#define FE_P  FP381_P
#define FE_R  FP381_R
#define FE_R2 FP381_R2
#define FE_N0 FP381_N0
#define FE    fp381
#include "../field/fe_montgomery.inc.h"
#undef FE_P
#undef FE_R
#undef FE_R2
#undef FE_N0
#define FE_P  SC381_P
#define FE_R  SC381_R
#define FE_R2 SC381_R2
#define FE_N0 SC381_N0
#define FE    sc381
#include "../field/fe_montgomery.inc.h"
#undef FE_P
#undef FE_R
#undef FE_R2
#undef FE_N0

/* ---- the field: the cases of test_field.c ------------------------------------------------------------------------------ */

#define FT_P     FP381_P
#define FT_WORST WORST_MONT52
#define FT_LOOSE LOOSE_MONT52
#define FT       fp381
#include "field_cases.inc.h"

static void test_params(void) {
    const uint64_t p[BIG_WORDS] = {FP381_P}, r[BIG_WORDS] = {FP381_R}, r2[BIG_WORDS] = {FP381_R2}, one[BIG_WORDS] = {1};
    const uint64_t limbs[BIG_LIMBS] = PC_LIMBS52(FP381_P);
    uint64_t t[BIG_WORDS];
    vec w[BIG_WORDS], l[BIG_LIMBS];
    big_shlmod(t, one, 52 * BIG_LIMBS, p);
    EXPECT(big_same(t, r));
    big_shlmod(t, one, 2 * 52 * BIG_LIMBS, p);
    EXPECT(big_same(t, r2));
    EXPECT(((p[0] * FP381_N0 + 1) & PC_MASK52) == 0);
    words_set1_n(w, p, BIG_WORDS);
    words_to_limbs52_6(l, w);
    for (int i = 0; i < BIG_LIMBS; i++) EXPECT(vlane(l[i], VL - 1) == limbs[i]);
    words_from_limbs52_6(w, l);
    for (int i = 0; i < BIG_WORDS; i++) EXPECT(vlane(w[i], VL - 1) == p[i]);
    EXPECT_INT(sizeof(fp381_t) / sizeof(vec), 8);
    EXPECT_INT(sizeof(sc381_t) / sizeof(vec), 5);
}

/* ---- the group G1: y^2 = x^3 + 4, in the cases of test_weierstrass.c --------------------------------------------------- */

#define cv(name)        g1_##name
#define fe(name)        fp381_##name
#define sc(name)        sc381_##name
#define CV_A            0
#define CV_BITS         255
#define CV_WORDS        6
#define CV_SCALAR_WORDS 4
#define CV_P            {FP381_P}
#define CV_N            {SC381_P}
#define CV_B            {4, 0, 0, 0, 0, 0}
#define CV_GX                                                                                                               \
    {0xfb3af00adb22c6bbULL, 0x6c55e83ff97a1aefULL, 0xa14e3a3f171bac58ULL,                                                   \
     0xc3688c4f9774b905ULL, 0x2695638c4fa9ac0fULL, 0x17f1d3a73197d794ULL}
#define CV_GY                                                                                                               \
    {0x0caa232946c5e7e1ULL, 0xd03cc744a2888ae4ULL, 0x00db18cb2c04b3edULL,                                                   \
     0xfcf5e095d5d00af6ULL, 0xa09e30ed741d8ae4ULL, 0x08b3f481e3aaa0f1ULL}
#define CV_GLV          0
#define CV_Q_WINDOW     5
#define CV_G_WINDOW     8
#define CV_COMB_WINDOW  5
#define CV_KNOWN_WINDOW 7
#include "../group/weierstrass.inc.h"
#include "../group/weierstrass_complete.inc.h"
#include "../mult/fixed_base.inc.h"
#include "../mult/double_base.inc.h"
#include "../mult/known_base.inc.h"

enum { ROUNDS = THOROUGH ? 600 : 60 };
static const unsigned ALL_LANES = (1u << VL) - 1;
#include "awkward.h"
#include "weierstrass_cases.inc.h"

/* A product from an independent implementation (a textbook ladder in Python). */
static void test_known_answer(void) {
    static const uint64_t k[4] = {0x0123456789abcdefULL, 0xdeadbeefcafebabeULL, 0xfedcba9876543210ULL,
                                  0x123456789abcdef0ULL};
    static const uint64_t x[6] = {0x81cd5864976e1c07ULL, 0xc47c61507049a2dbULL, 0xb5bce2e1a3a31634ULL,
                                  0x015eb205c24691a2ULL, 0x274277639463ed39ULL, 0x12d9d5c90789eedaULL};
    static const uint64_t y[6] = {0x5fad5fe9d4c0c992ULL, 0x8a829a239cf74d2cULL, 0x7fde0c7b3e2f7e27ULL,
                                  0x8ace2685e6d8b48bULL, 0xa460d7e9584ceadaULL, 0x0aa6ae7f9e4dc58eULL};
    g1_jac p, wanted;
    g1_aff a;
    vec w[4];
    words_set1(w, k);
    g1_mul_generator(&p, w);
    g1_fe_const(&a.x, x);
    g1_fe_const(&a.y, y);
    g1_jac_from_aff(&wanted, &a);
    EXPECT(mbits(g1_on_curve(&a)) == ALL_LANES);
    EXPECT(g1_same(&p, &wanted) == ALL_LANES);
}
/* Tables of d G, and u G + v (d G) by additions alone: a vector, and enough of them for the tree. */
static void test_known_base(void) {
    enum { WINDOW = 5, MOST = 40 };
    static uint64_t tables[VL][KNOWN_ROWS(WINDOW) * g1_KNOWN_ROW] __attribute__((aligned(64)));
    static g1_known_work work;
    uint64_t *to[VL];
    const uint64_t *of[MOST * VL];
    sc381_t d;
    g1_jac p, wanted[MOST], got[MOST];
    g1_aff q, g;
    g1_uv k[MOST];
    fp381_t z_inv;
    vec w[4];
    g1_awkward(&d);
    const sc381_t one = sc381_one();
    sc381_select(&d, sc381_is_zero(&d), &one, &d);
    sc381_to_words(w, &d);
    g1_mul_generator(&p, w);
    fp381_inv(&z_inv, &p.z);
    g1_to_aff(&q, &p, &z_inv);
    for (size_t lane = 0; lane < VL; lane++) to[lane] = tables[lane];
    g1_known_build(to, VL, &q, WINDOW);
    for (size_t i = 0; i < MOST * VL; i++) of[i] = tables[i % VL];
    for (size_t groups = 1; groups <= g1_GROUPS && groups <= MOST; groups = groups == 1 ? 20 : groups + 12) {
        for (size_t i = 0; i < groups; i++) {
            sc381_t u, v, t;
            g1_awkward(&u);
            g1_awkward(&v);
            sc381_mul(&t, &v, &d);
            if (i % 3 == 1) sc381_neg(&u, &t), sc381_carry(&u, &u); /* infinity */
            sc381_addc(&t, &t, &u);
            sc381_to_words(w, &t);
            g1_mul_generator(&wanted[i], w);
            sc381_to_words(k[i].u, &u);
            sc381_to_words(k[i].v, &v);
        }
        g1_known_base(got, k, of, WINDOW, NULL, groups, &work);
        for (size_t i = 0; i < groups; i++) EXPECT(g1_same(&got[i], &wanted[i]) == ALL_LANES);
    }
    g1_generator(&g);
    g1_hom a, b, sum; /* and the complete addition: G + dG, twice over */
    g1_hom_from_aff(&a, &g);
    g1_hom_from_aff(&b, &q);
    g1_hom_add(&sum, &a, &b);
    g1_hom_add(&a, &b, &a);
    EXPECT(mbits(g1_hom_eq(&sum, &a)) == ALL_LANES);
}

int main(void) {
    vmode mode = vmode_enter();
    test_params();
    test_fp381_all();
    g1_test_base();
    test_known_answer();
    g1_test_double_base();
    test_known_base();
    vmode_leave(mode);
    return test_report("wide");
}
