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
#include "big.h"
#include "check_test.h"

/* Numbers around everything that may go wrong: 0, multiples of p, powers of two, limbs of all ones. */
static int test_edges(uint64_t (*edge)[4], int most, const uint64_t p[4]) {
    int n = 0;
#define PUT(...)                                                                                                            \
    do {                                                                                                                    \
        const uint64_t x_[4] = {__VA_ARGS__};                                                                               \
        if (n < most) memcpy(edge[n++], x_, 32);                                                                            \
    } while (0)
    const uint64_t max = ~0ULL;
    PUT(0);
    PUT(1);
    PUT(2);
    PUT(19);
    PUT(max, max, max, max);
    PUT(max, max, max, max >> 1);
    PUT(0, 0, 0, 1ULL << 63);
    PUT(max);
    PUT(max << 1, max, max, max);
    PUT(0xfffffffffffffULL, 0xffffffffffULL << 24, 0, max);
    for (int d = -2; d <= 2; d++) { /* p + d and, where it fits, 2 p + d */
        uint64_t step[4] = {(uint64_t)(d < 0 ? -d : d)}, x[4], twice[4];
        if (d < 0)
            big_sub(x, p, step);
        else
            big_add(x, p, step);
        PUT(x[0], x[1], x[2], x[3]);
        if (!big_add(twice, x, p)) PUT(twice[0], twice[1], twice[2], twice[3]);
        big_sub(x, p, x); /* around zero, from the other side */
        PUT(x[0], x[1], x[2], x[3]);
    }
    for (int mask = 1; mask < 32; mask += 2) { /* 52-bit limbs of all ones */
        uint64_t x[4] = {0};
        for (int bit = 0; bit < 256; bit++)
            if (mask >> (bit / 52) & 1) x[bit / 64] |= 1ULL << (bit % 64);
        PUT(x[0], x[1], x[2], x[3]);
    }
    for (int bit = 50; bit < 256; bit += 51) { /* 51-bit limbs: one bit at each border */
        uint64_t x[4] = {0};
        x[bit / 64] = 1ULL << (bit % 64);
        PUT(x[0], x[1], x[2], x[3]);
    }
#undef PUT
    return n;
}

/* r = 2^-260 mod p, by the exponent p - 2. */
static void test_unshift(uint64_t r[4], const uint64_t p[4]) {
    uint64_t one[4] = {1}, two[4] = {2}, e[4], base[4];
    big_shlmod(base, one, 260, p);
    big_sub(e, p, two);
    memcpy(r, one, 32);
    for (int bit = 255; bit >= 0; bit--) {
        big_mulmod(r, r, r, p);
        if (e[bit / 64] >> (bit % 64) & 1) big_mulmod(r, r, base, p);
    }
}
/* Value of five signed limbs of `radix` bits. */
static void test_value(uint64_t r[4], const int64_t limb[5], int radix, const uint64_t p[4]) {
    memset(r, 0, 32);
    for (int i = 4; i >= 0; i--) {
        uint64_t size[4] = {(uint64_t)(limb[i] < 0 ? -limb[i] : limb[i])};
        big_shlmod(r, r, radix, p);
        if (limb[i] < 0)
            big_submod(r, r, size, p);
        else
            big_addmod(r, r, size, p);
    }
}

/* Corners of a class whose limbs are independent: each limb zero or the most it may be. */
#define WORST_LIMBS(most, top, radix, worst, value, n)                                                                      \
    for (int mask_ = 0; mask_ < 32; mask_++) {                                                                              \
        int64_t limb_[5];                                                                                                   \
        for (int i = 0; i < 5; i++) {                                                                                       \
            limb_[i] = mask_ >> i & 1 ? (int64_t)(i < 4 ? (most) : (top)) : 0;                                              \
            (worst)[n].l[i] = vset1((uint64_t)limb_[i]);                                                                    \
        }                                                                                                                   \
        test_value((value)[n++], limb_, radix, P);                                                                          \
    }
/* The same for signed limbs in doubles: each the most or the least it may be. */
#define WORST_DOUBLES(most, top, radix, worst, value, n)                                                                    \
    for (int mask_ = 0; mask_ < 32; mask_++) {                                                                              \
        int64_t limb_[5];                                                                                                   \
        for (int i = 0; i < 5; i++) {                                                                                       \
            limb_[i] = (int64_t)(i < 4 ? (most) : (top)) * (mask_ >> i & 1 ? 1 : -1);                                       \
            (worst)[n].l[i] = DB_I(db_set1((double)limb_[i]));                                                              \
        }                                                                                                                   \
        test_value((value)[n++], limb_, radix, P);                                                                          \
    }
/* Corners of a Montgomery class, which is a range of values: k p + d strictly between low p and high p. */
#define WORST_VALUES(low, high, worst, value, n)                                                                            \
    uint64_t unshift_[4];                                                                                                   \
    test_unshift(unshift_, P);                                                                                              \
    for (int k_ = (low); k_ <= (high); k_++)                                                                                \
        for (int d_ = -1; d_ <= 1; d_++) {                                                                                  \
            static const uint64_t limb_p[5] = PC_LIMBS52(FT_P);                                                             \
            int64_t limb_[5], carry_ = d_;                                                                                  \
            if ((k_ == (low) && d_ <= 0 && (low) < 0) || (k_ == (low) && d_ < 0) || (k_ == (high) && d_ >= 0)) continue;    \
            for (int i = 0; i < 5; i++) {                                                                                   \
                carry_ += k_ * (int64_t)limb_p[i];                                                                          \
                limb_[i] = i < 4 ? carry_ & (int64_t)PC_MASK52 : carry_;                                                    \
                carry_ >>= 52;                                                                                              \
                (worst)[n].l[i] = vset1((uint64_t)limb_[i]);                                                                \
            }                                                                                                               \
            test_value((value)[n], limb_, 52, P);                                                                           \
            big_mulmod((value)[n], (value)[n], unshift_, P);                                                                \
            n++;                                                                                                            \
        }
/* Corners of a Montgomery class in doubles: k p + d between -most p and most p with signed digits, and limbs 0..3 at their bounds
 * under a top limb that keeps the value inside. */
#define WORST_MONT_DOUBLES(most, worst, value, n)                                                                           \
    uint64_t unshift_[4];                                                                                                   \
    test_unshift(unshift_, P);                                                                                              \
    for (int at_ = 0; at_ < 6 * (most) + 1 + 16; at_++) {                                                                   \
        static const uint64_t limb_p[5] = PC_LIMBS52(FT_P);                                                                 \
        const int corner_ = at_ - (6 * (most) + 1), k_ = (at_ + 1) / 3 - (most);                                            \
        int64_t limb_[5], carry_ = (at_ + 1) % 3 - 1;                                                                       \
        for (int i = 0; i < 5; i++) {                                                                                       \
            carry_ += k_ * (int64_t)limb_p[i];                                                                              \
            limb_[i] = i < 4 ? ((carry_ + (1LL << 51)) & (int64_t)PC_MASK52) - (1LL << 51) : carry_;                        \
            carry_ = (carry_ - limb_[i]) >> 52;                                                                             \
            if (corner_ >= 0) limb_[i] = ((1LL << 51) + (1LL << 44)) * (corner_ >> i & 1 ? 1 : -1);                         \
            if (corner_ >= 0 && i == 4) limb_[i] = ((most) * 0xffff0000LL << 16) * (corner_ % 3 - 1) - (corner_ % 3 - 1);   \
            (worst)[n].l[i] = DB_I(db_set1((double)limb_[i]));                                                              \
        }                                                                                                                   \
        test_value((value)[n], limb_, 52, P);                                                                               \
        big_mulmod((value)[n], (value)[n], unshift_, P);                                                                    \
        n++;                                                                                                                \
    }
#define FT_WORST_MOST         32 /* LOOSE_: the same for the loose class */
#define WORST_PM52(w, v, n)   WORST_LIMBS((1LL << 52) - 1, 1LL << 48, 52, w, v, n)
#define LOOSE_PM52(w, v, n)   WORST_LIMBS((1LL << 52) - 1, (1LL << 50) - 1, 52, w, v, n)
#define WORST_MONT52(w, v, n) WORST_VALUES(0, 2, w, v, n)
#define LOOSE_MONT52(w, v, n) WORST_VALUES(0, 4, w, v, n)
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
#ifdef PC_FIELDS_AVX2 /* the orders have no bodies of their own there */
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
