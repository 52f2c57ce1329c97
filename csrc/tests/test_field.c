/* test_field.c - every field, template and tuned body, against schoolbook arithmetic. Build with -DPC_VERIFY as well: then each
 * operation asserts the range class of what it takes and gives, and the corner cases below reach the corners of the classes.
 *
 * -DTEST_VEC_HEADER='"../vec/vec_avx2.h"' runs the same cases over another vec header. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER "../vec/vec_portable.h"
#endif
#include TEST_VEC_HEADER
#include "../backend/backend.h"
#include "../field/fields.inc.h"
#include "../field/probe.inc.h"
#include "check_test.h"
#include "field_corners.h"

#if defined(PC_FIELDS_AVX2)
#    define WORST_25519(w, v, n) WORST_DOUBLES((1LL << 50) + (1 << 13), (1LL << 50) + (1 << 13), 51, w, v, n)
#    define LOOSE_25519(w, v, n) WORST_DOUBLES((1LL << 51) + (1 << 14), (1LL << 51) + (1 << 14), 51, w, v, n)
#    define WORST_K256(w, v, n)  WORST_DOUBLES((1LL << 51) + (1LL << 43), (1LL << 47) + 64, 52, w, v, n)
#    define LOOSE_K256(w, v, n)  WORST_DOUBLES((1LL << 51) + (1LL << 43), (1LL << 48) + 256, 52, w, v, n)
#    define WORST_MONT(w, v, n)  WORST_MONT_DOUBLES(1, w, v, n)
#    define LOOSE_MONT(w, v, n)  WORST_MONT_DOUBLES(2, w, v, n)
#elif defined(PC_FIELDS_PORTABLE)
#    define WORST_25519(w, v, n) WORST_LIMBS((1LL << 51) + (1 << 13) - 1, (1LL << 51) + (1 << 13) - 1, 51, w, v, n)
#    define WORST_K256(w, v, n)  WORST_LIMBS((1LL << 52) + (1LL << 44) - 1, (1LL << 48) + (1LL << 44) - 1, 52, w, v, n)
#    define WORST_MONT(w, v, n)  WORST_VALUES(-1, 2, w, v, n)
#    define LOOSE_25519(w, v, n) WORST_LIMBS((1LL << 53) - 129, (1LL << 53) - 129, 51, w, v, n)
#    define LOOSE_K256(w, v, n)  WORST_LIMBS((1LL << 54) - (1LL << 40) - 1, (1LL << 50) - 9, 52, w, v, n)
#    define LOOSE_MONT(w, v, n)  WORST_VALUES(-4, 4, w, v, n)
#elif defined(PC_FIELDS_IFMA)
#    define WORST_25519(w, v, n) WORST_LIMBS((1LL << 51) + (1 << 11) - 1, (1LL << 51) + (1 << 11) - 1, 51, w, v, n)
#    define LOOSE_25519(w, v, n) WORST_LIMBS((1LL << 52) - 1, (1LL << 52) - 1, 51, w, v, n)
#    define WORST_K256(w, v, n)  WORST_LIMBS((1LL << 52) - 1, (1LL << 48) + (1 << 7) - 1, 52, w, v, n)
#    define WORST_MONT           WORST_MONT52
#    define LOOSE_K256           LOOSE_PM52
#    define LOOSE_MONT           LOOSE_MONT52
#else
#    define WORST_25519 WORST_PM52
#    define WORST_K256  WORST_PM52
#    define WORST_MONT  WORST_MONT52
#    define LOOSE_25519 LOOSE_PM52
#    define LOOSE_K256  LOOSE_PM52
#    define LOOSE_MONT  LOOSE_MONT52
#endif

#define FT_P     FE25519_P
#define FT_WORST WORST_PM52
#define FT_LOOSE LOOSE_PM52
#define FT       ref_fe25519
#include "field_cases.inc.h"
#undef FT_WORST
#undef FT_LOOSE
#define FT_WORST WORST_25519
#define FT_LOOSE LOOSE_25519
#define FT       fe25519
#include "field_cases.inc.h"
#undef FT_WORST
#undef FT_LOOSE
#undef FT_P

#define FT_P     FE_K256_P
#define FT_WORST WORST_PM52
#define FT_LOOSE LOOSE_PM52
#define FT       ref_fe_k256
#include "field_cases.inc.h"
#undef FT_WORST
#undef FT_LOOSE
#define FT_WORST WORST_K256
#define FT_LOOSE LOOSE_K256
#define FT       fe_k256
#include "field_cases.inc.h"
#undef FT_WORST
#undef FT_LOOSE
#undef FT_P

#define FT_WORST WORST_MONT52
#define FT_LOOSE LOOSE_MONT52
#define FT_P     FE_P256_P
#define FT       ref_fe_p256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P FE_SM2_P
#define FT   ref_fe_sm2
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC25519_P
#define FT   ref_sc25519
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_K256_P
#define FT   ref_sc_k256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_P256_P
#define FT   ref_sc_p256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_SM2_P
#define FT   ref_sc_sm2
#include "field_cases.inc.h"
#undef FT_P
#undef FT_WORST
#undef FT_LOOSE

#define FT_WORST WORST_MONT
#define FT_LOOSE LOOSE_MONT
#define FT_P     FE_P256_P
#define FT       fe_p256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P FE_SM2_P
#define FT   fe_sm2
#include "field_cases.inc.h"
#undef FT_P
#ifdef PC_FIELDS_AVX2 /* the orders have no separate bodies there */
#    undef FT_WORST
#    undef FT_LOOSE
#    define FT_WORST WORST_MONT52
#    define FT_LOOSE LOOSE_MONT52
#endif
#define FT_P SC25519_P
#define FT   sc25519
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_K256_P
#define FT   sc_k256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_P256_P
#define FT   sc_p256
#include "field_cases.inc.h"
#undef FT_P
#define FT_P SC_SM2_P
#define FT   sc_sm2
#include "field_cases.inc.h"
#undef FT_P
#undef FT_WORST
#undef FT_LOOSE

/* ---- the constants of params.h, from the moduli alone ------------------------------------------------------------------ */

static void test_montgomery(const char *name, const uint64_t p[4], const uint64_t r[4], const uint64_t r2[4], uint64_t n0) {
    const uint64_t one[4] = {1};
    uint64_t t[4];
    big_shlmod(t, one, 260, p);
    if (!EXPECT(big_same(t, r))) fprintf(stderr, "R of %s\n", name);
    big_shlmod(t, one, 520, p);
    if (!EXPECT(big_same(t, r2))) fprintf(stderr, "R2 of %s\n", name);
    if (!EXPECT(((p[0] * n0 + 1) & PC_MASK52) == 0)) fprintf(stderr, "N0 of %s\n", name);
}
static void test_params(void) {
    const uint64_t one[4] = {1};
    const uint64_t p25519[4] = {FE25519_P}, k256[4] = {FE_K256_P};
    uint64_t t[4];
    big_shlmod(t, one, 256, p25519);
    EXPECT(t[0] == FE25519_K && !t[1] && !t[2] && !t[3]);
    big_shlmod(t, one, 256, k256);
    EXPECT(t[0] == FE_K256_K && !t[1] && !t[2] && !t[3]);
#define PARAMS(NAME)                                                                                                        \
    do {                                                                                                                    \
        const uint64_t p[4] = {NAME##_P}, r[4] = {NAME##_R}, r2[4] = {NAME##_R2};                                           \
        test_montgomery(#NAME, p, r, r2, NAME##_N0);                                                                        \
    } while (0)
    PARAMS(FE_P256);
    PARAMS(FE_SM2);
    PARAMS(SC25519);
    PARAMS(SC_K256);
    PARAMS(SC_P256);
    PARAMS(SC_SM2);
}

/* ---- plain words -------------------------------------------------------------------------------------------------------- */

static void test_words(void) {
    static const uint64_t p[4] = {FE_P256_P};
    static uint64_t edge[96][4];
    const int n = test_edges(edge, 96, p);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            vec a[4], b[4], r[4], limb[5];
            uint64_t t[4];
            words_set1(a, edge[i]);
            words_set1(b, edge[j]);
            EXPECT((mbits(words_lt(a, edge[j])) & 1) == (unsigned)big_lt(edge[i], edge[j]));
            EXPECT((mbits(words_eq(a, b)) & 1) == (unsigned)big_same(edge[i], edge[j]));
            EXPECT((mbits(words_add(r, a, b)) & 1) == (unsigned)big_add(t, edge[i], edge[j]));
            for (int k = 0; k < 4; k++) EXPECT(vlane(r[k], 0) == t[k]);
            EXPECT((mbits(words_sub(r, a, b)) & 1) == (unsigned)big_sub(t, edge[i], edge[j]));
            for (int k = 0; k < 4; k++) EXPECT(vlane(r[k], 0) == t[k]);
            words_to_limbs52(limb, a);
            for (int k = 0; k < 5; k++) EXPECT(vlane(limb[k], 0) >> (k < 4 ? 52 : 48) == 0);
            words_from_limbs52(r, limb);
            EXPECT(mbits(words_eq(a, r)) == (1u << VL) - 1);
        }
        uint8_t bytes[32];
        uint64_t t[4];
        pc_words_to_le(bytes, edge[i]);
        EXPECT(bytes[0] == (uint8_t)edge[i][0] && bytes[31] == (uint8_t)(edge[i][3] >> 56));
        pc_words_from_le(t, bytes);
        EXPECT(big_same(t, edge[i]));
        pc_words_to_be(bytes, edge[i]);
        EXPECT(bytes[31] == (uint8_t)edge[i][0] && bytes[0] == (uint8_t)(edge[i][3] >> 56));
        pc_words_from_be(t, bytes);
        EXPECT(big_same(t, edge[i]));
    }
}

/* ---- the probe: all ops, any count, repeats ------------------------------------------------------------------------------ */

static void test_probe(void) {
    enum { N = 11 };
    static const uint64_t moduli[8][4] = {{FE25519_P}, {FE_K256_P}, {FE_P256_P}, {FE_SM2_P},
                                          {SC25519_P}, {SC_K256_P}, {SC_P256_P}, {SC_SM2_P}};
    uint8_t a[32 * N], b[32 * N], r[32 * N], template[32 * N];
    for (int field = 0; field < 8; field++) {
        const uint64_t *p = moduli[field];
        test_fill(a, sizeof a);
        test_fill(b, sizeof b);
        for (int op = 0; op < 5; op++) {
            EXPECT_INT(field_probe(field, op, a, b, N, 1, r), PC_OK);
            for (int i = 0; i < N; i++) {
                uint64_t x[4], y[4], got[4], t[4];
                pc_words_from_le(x, a + 32 * i);
                pc_words_from_le(y, b + 32 * i);
                pc_words_from_le(got, r + 32 * i);
                if (op == 0) big_mulmod(t, x, y, p);
                if (op == 1) big_mulmod(t, x, x, p);
                if (op == 2) big_addmod(t, x, y, p);
                if (op == 3) big_submod(t, x, y, p);
                if (op == 4) big_negmod(t, x, p);
                EXPECT(big_same(got, t));
            }
        }
        for (int op = 0; op < 2; op++) { /* a thousand times over, template and tuned body stay together */
            field_probe(field, op, a, b, N, 1000, r);
            field_probe(field, op + 7, a, b, N, 1000, template);
            EXPECT(memcmp(r, template, sizeof r) == 0);
        }
    }
    EXPECT_INT(field_probe(8, 0, a, b, N, 1, r), PC_ERR_ARGUMENT);
    EXPECT_INT(field_probe(0, 9, a, b, N, 1, r), PC_ERR_ARGUMENT);
    EXPECT_INT(field_probe(0, -1, a, b, N, 1, r), PC_ERR_ARGUMENT);
}

int main(void) {
    vmode mode = vmode_enter();
    test_params();
    test_words();
#define PC_FIELD(position, prefix)                                                                                          \
    test_ref_##prefix##_all();                                                                                              \
    test_##prefix##_all();
#include "../field/fields.def"
#undef PC_FIELD
    vmode_leave(mode);
    test_probe();
    return test_report("field");
}
