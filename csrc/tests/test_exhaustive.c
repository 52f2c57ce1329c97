/* test_exhaustive.c - the group, multiplication and scheme templates over curves of a few bits, where every input can be
 * tried: every pair of points, every pair of scalars, every (key, r, s, digest). The exceptional additions that an attacker
 * would have to aim for on a real curve happen all the time here. Curves with a = 0 (plain, and with the endomorphism) and
 * a = -3; all have prime order n < p, p = 3 mod 4. Every lane has its own input; nothing here knows how many there are. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER   "../vec/vec_portable.h"
#    define TEST_LANES_HEADER "../hash/lanes_portable.h"
#endif
#include TEST_VEC_HEADER
#include TEST_LANES_HEADER
#include "check_test.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* no curve here uses all of the templates */

#include "../hash/hash.inc.h"
#include "../field/params.h"
#include "../field/words.inc.h"
#include "../field/fields.inc.h"
#include <pthread.h>
#include "../mult/glv.inc.h"
#include "../mult/recode.inc.h"
#include "../mult/lane_tables.inc.h"
#include "../schemes/parts/combine.inc.h"
#include "../schemes/parts/encoding.inc.h"
#include "../schemes/parts/messages.inc.h"

enum { EXHAUST_STEP = THOROUGH ? 1 : 9 }; /* of keys and scalars */

#define SMALL_WORDS(x) {x, 0, 0, 0}
static const unsigned TINY_LANES = (1u << VL) - 1;

/* ---- y^2 = x^3 + 7 over GF(43): 31 points. Plain ladder, as if there were no endomorphism. ---------------------------- */
#define TINY(name) fe43_##name
#define TINY_P     43
#include "tiny_field.inc.h"
#define TINY(name) sc31_##name
#define TINY_P     31
#include "tiny_field.inc.h"

#define cv(name)        a0_##name
#define fe(name)        fe43_##name
#define sc(name)        sc31_##name
#define CV_A            0
#define CV_BITS         5
#define CV_WORDS        4
#define CV_SCALAR_WORDS 4
#define CV_P            SMALL_WORDS(43)
#define CV_N            SMALL_WORDS(31)
#define CV_B            SMALL_WORDS(7)
#define CV_GX           SMALL_WORDS(2)
#define CV_GY           SMALL_WORDS(12)
#define CV_GLV          0
#define CV_Q_WINDOW     4
#define CV_G_WINDOW     3
#define CV_COMB_WINDOW  2
#define CV_KNOWN_WINDOW 3
#include "../schemes/parts/weierstrass_layers.inc.h"
#define ecdsa(name) a0_ecdsa_##name
#include "../schemes/ecdsa/verify.inc.h"
#include "../schemes/ecdsa/recover.inc.h"
#define TINY_A     0
#define TINY_B     7
#define TINY_FIELD 43
#define TINY_ORDER 31
#include "tiny_group.inc.h"

/* Every r, s, digest and recovery id. r + n < p does happen: p - n = 12. */
static void test_recover(void) {
    enum { RANGE = 33, ITEMS = RANGE * RANGE * 4 };
    static k256_recover_work work __attribute__((aligned(64)));
    static uint8_t signatures[ITEMS][65], digest[32], keys[ITEMS][64], verdicts[ITEMS];
    int valid = 0;
    for (int i = 0; i < ITEMS; i++) {
        signatures[i][31] = (uint8_t)(i / 4 / RANGE);
        signatures[i][63] = (uint8_t)(i / 4 % RANGE);
        signatures[i][64] = (uint8_t)(i % 4 + (i / 4 % 2 ? 27 : 0));
    }
    for (int e = 0; e < 31; e++) {
        const pc_column sigs = pc_column_fixed(signatures[0], 65), digests = {digest, NULL, 32, 0};
        digest[31] = (uint8_t)e;
        secp256k1_recover(0, &sigs, &digests, ITEMS, &work, keys[0], verdicts);
        for (int i = 0; i < ITEMS; i++) {
            int r = i / 4 / RANGE, s = i / 4 % RANGE, v = i % 4, x = r + (v & 2 ? 31 : 0), log_r = 0;
            int wanted = PC_BAD_SIGNATURE, log_q = 0;
            for (int k = 1; k < 31; k++)
                if (a0_multiple[k].x == x && a0_multiple[k].y % 2 == (v & 1)) log_r = k;
            if (r == 0 || s == 0 || r >= 31 || s >= 31) {
                wanted = PC_SCALAR_OUT_OF_RANGE;
            } else if (log_r) {
                log_q = (s * log_r + 31 - e) % 31 * a0_inverse(r, 31) % 31;
                if (log_q) wanted = PC_VALID;
            }
            EXPECT_INT(verdicts[i], wanted);
            if (wanted == PC_VALID) {
                EXPECT(keys[i][31] == a0_multiple[log_q].x && keys[i][63] == a0_multiple[log_q].y && keys[i][0] == 0);
                EXPECT_INT(a0_ecdsa_wanted(log_q, r, s, e, 0), PC_VALID);
                valid++;
            } else {
                for (int k = 0; k < 64; k++) EXPECT(keys[i][k] == 0);
            }
        }
    }
    EXPECT(valid > 1000);
}
#undef ecdsa
#include "tiny_undef.inc.h"

/* ---- the same curve with its endomorphism (beta = 6, lambda = 5) and a 128-bit ladder --------------------------------- */
#define cv(name)        e0_##name
#define fe(name)        fe43_##name
#define sc(name)        sc31_##name
#define CV_A            0
#define CV_BITS         5
#define CV_WORDS        4
#define CV_SCALAR_WORDS 4
#define CV_P            SMALL_WORDS(43)
#define CV_N            SMALL_WORDS(31)
#define CV_B            SMALL_WORDS(7)
#define CV_GX           SMALL_WORDS(2)
#define CV_GY           SMALL_WORDS(12)
#define CV_GLV          1
#define CV_GLV_BITS     128
#define CV_BETA         SMALL_WORDS(6)
#define CV_LAMBDA       SMALL_WORDS(5)
#define CV_Q_WINDOW     3
#define CV_G_WINDOW     4
#define CV_COMB_WINDOW  3
#define CV_KNOWN_WINDOW 4
/* Any split will do, so this one varies the parts and their signs. */
static void e0_split(vec part[2][2], vmask negative[2], const vec k[4]) {
    uint64_t first[VL], second[VL];
    unsigned signs[2] = {0, 0};
    for (int lane = 0; lane < VL; lane++) {
        const uint64_t own = vlane(k[0], lane), k2 = (own * 5 + 3) % 31, k1 = (own + 31 * 31 - 5 * k2) % 31;
        signs[0] |= (unsigned)(own & 1) << lane;
        signs[1] |= (unsigned)(own >> 1 & 1) << lane;
        first[lane] = own & 1 ? (31 - k1) % 31 : k1;
        second[lane] = own & 2 ? (31 - k2) % 31 : k2;
    }
    part[0][0] = vload(first), part[0][1] = vzero();
    part[1][0] = vload(second), part[1][1] = vzero();
    for (int i = 0; i < 2; i++) negative[i] = mfrom_bits(signs[i]);
}
#include "../schemes/parts/weierstrass_layers.inc.h"
#define ecdsa(name) e0_ecdsa_##name
#include "../schemes/ecdsa/verify.inc.h"
#include "../group/weierstrass_complete.inc.h"
#include "../mult/affine_pairs.inc.h"
#include "../mult/buckets.inc.h"
#define SCHNORR_LEAST SIZE_MAX /* random combinations mean nothing where one coefficient in 31 is zero */
#include "../schemes/bip340/verify.inc.h"
#define TINY_A     0
#define TINY_B     7
#define TINY_FIELD 43
#define TINY_ORDER 31
#include "tiny_group.inc.h"
#include "tiny_buckets.inc.h"

/* Every x as a key, every r up to p, every s up to n, for a few messages. */
static void test_schnorr(void) {
    enum { R = 45, S = 33, ITEMS = R * S };
    static schnorr_secp256k1_work work __attribute__((aligned(64)));
    static uint8_t signatures[ITEMS][64], verdicts[ITEMS];
    uint8_t prefix[64], input[64 + 8], challenge[32];
    int valid = 0;
    bip340_tag(prefix, "BIP0340/challenge");
    for (int i = 0; i < ITEMS; i++) {
        signatures[i][31] = (uint8_t)(i / S);
        signatures[i][63] = (uint8_t)(i % S);
    }
    for (int x = 0; x < 46; x++) {
        for (uint8_t len = 0; len < 4; len++) {
            uint8_t key[32] = {0}, message[4] = {7, 7, 7, 7};
            const pc_column keys = {key, NULL, 32, 0}, sigs = pc_column_fixed(signatures[0], 64),
                            messages = {message, NULL, len, 0};
            const pc_key_source source = {&keys, NULL, NULL};
            int log_p = 0;
            key[31] = (uint8_t)x;
            schnorr_secp256k1_verify(NULL, &source, &sigs, &messages, ITEMS, &work, verdicts);
            for (int k = 1; k < 31; k++)
                if (e0_multiple[k].x == x && e0_multiple[k].y % 2 == 0) log_p = k;
            for (int i = 0; i < ITEMS; i++) {
                int r = i / S, s = i % S, wanted = PC_BAD_SIGNATURE, e = 0;
                memset(input, 0, sizeof input);
                input[31] = (uint8_t)r;
                input[63] = (uint8_t)x;
                memcpy(input + 64, message, len);
                const pc_column joined = pc_column_fixed(input, 64 + (size_t)len);
                sha256_many(prefix, 64, &joined, 1, challenge);
                for (int k = 0; k < 32; k++) e = (e * 256 + challenge[k]) % 31;
                if (!log_p) {
                    wanted = PC_MALFORMED_KEY;
                } else if (r >= 43 || s >= 31) {
                    wanted = PC_SCALAR_OUT_OF_RANGE;
                } else {
                    int k = (s + (31 - e) * log_p) % 31;
                    if (k && e0_multiple[k].x == r && e0_multiple[k].y % 2 == 0) wanted = PC_VALID;
                }
                EXPECT_INT(verdicts[i], wanted);
                valid += wanted == PC_VALID;
            }
        }
    }
    EXPECT(valid > 500);
}

static void test_endomorphism(void) {
    for (int i = 1; i < 31; i++) {
        EXPECT_INT(e0_multiple[i * 5 % 31].x, e0_multiple[i].x * 6 % 43);
        EXPECT_INT(e0_multiple[i * 5 % 31].y, e0_multiple[i].y);
    }
}
#undef ecdsa
#include "tiny_undef.inc.h"

/* ---- y^2 = x^3 - 3 x + 15 over GF(31): 29 points ---------------------------------------------------------------------- */
#define TINY(name) fe31_##name
#define TINY_P     31
#include "tiny_field.inc.h"
#define TINY(name) sc29_##name
#define TINY_P     29
#include "tiny_field.inc.h"

#define cv(name)        a3_##name
#define fe(name)        fe31_##name
#define sc(name)        sc29_##name
#define CV_A            -3
#define CV_BITS         5
#define CV_WORDS        4
#define CV_SCALAR_WORDS 4
#define CV_P            SMALL_WORDS(31)
#define CV_N            SMALL_WORDS(29)
#define CV_B            SMALL_WORDS(15)
#define CV_GX           SMALL_WORDS(3)
#define CV_GY           SMALL_WORDS(8)
#define CV_GLV          0
#define CV_Q_WINDOW     3
#define CV_G_WINDOW     4
#define CV_COMB_WINDOW  4
#define CV_KNOWN_WINDOW 4
#include "../schemes/parts/weierstrass_layers.inc.h"
#define ecdsa(name) a3_ecdsa_##name
#include "../schemes/ecdsa/verify.inc.h"
#include "../schemes/sm2/verify.inc.h"
#define TINY_A     -3
#define TINY_B     15
#define TINY_FIELD 31
#define TINY_ORDER 29
#include "tiny_group.inc.h"

/* Every key, r, s and e. */
static void test_sm2(void) {
    enum { RANGE = 32, ITEMS = RANGE * RANGE };
    static sm2_work work __attribute__((aligned(64)));
    static uint8_t signatures[ITEMS][64], verdicts[ITEMS];
    const pc_verify_params params = {.message = PC_MESSAGE_PREHASHED};
    int valid = 0, infinite = 0;
    for (int i = 0; i < ITEMS; i++) {
        signatures[i][31] = (uint8_t)(i / RANGE);
        signatures[i][63] = (uint8_t)(i % RANGE);
    }
    for (int d = 1; d < 29; d += EXHAUST_STEP) {
        for (int e = 0; e < 29; e++) {
            uint8_t key[65], digest[32] = {0};
            size_t key_len = (size_t)a3_sec1(key, d, e % 3 == 0), raw = e % 3 == 1;
            const pc_column keys = {key + raw, NULL, key_len - raw, 0}; /* 33, 64 and 65 bytes */
            const pc_column sigs = pc_column_fixed(signatures[0], 64), digests = {digest, NULL, 32, 0};
            const pc_key_source source = {&keys, NULL, NULL};
            digest[31] = (uint8_t)e;
            sm2_verify(&params, &source, &sigs, &digests, ITEMS, &work, verdicts);
            for (int i = 0; i < ITEMS; i++) {
                int r = i / RANGE, s = i % RANGE, t = (r + s) % 29, k = (s + t * d) % 29, wanted = PC_BAD_SIGNATURE;
                if (r == 0 || s == 0 || r >= 29 || s >= 29 || t == 0)
                    wanted = PC_SCALAR_OUT_OF_RANGE;
                else if (k && (e + a3_multiple[k].x) % 29 == r)
                    wanted = PC_VALID;
                EXPECT_INT(verdicts[i], wanted);
                valid += wanted == PC_VALID;
                infinite += wanted == PC_BAD_SIGNATURE && k == 0;
            }
        }
    }
    EXPECT(valid > 1000 && infinite > 100);
}
#undef ecdsa
#include "tiny_undef.inc.h"

/* ---- larger ones with the windows of the real curves ------------------------------------------------------------------ */
#define TINY(name) fe211_##name
#define TINY_P     211
#include "tiny_field.inc.h"
#define TINY(name) sc199_##name
#define TINY_P     199
#include "tiny_field.inc.h"
#define cv(name)        b0_##name
#define fe(name)        fe211_##name
#define sc(name)        sc199_##name
#define CV_A            0
#define CV_BITS         8
#define CV_WORDS        4
#define CV_SCALAR_WORDS 4
#define CV_P            SMALL_WORDS(211)
#define CV_N            SMALL_WORDS(199)
#define CV_B            SMALL_WORDS(2)
#define CV_GX           SMALL_WORDS(4)
#define CV_GY           SMALL_WORDS(53)
#define CV_GLV          0
#define CV_Q_WINDOW     5
#define CV_G_WINDOW     7
#define CV_COMB_WINDOW  6
#define CV_KNOWN_WINDOW 7
#include "../schemes/parts/weierstrass_layers.inc.h"
#define TINY_A      0
#define TINY_B      2
#define TINY_FIELD  211
#define TINY_ORDER  199
#define ecdsa(name) b0_ecdsa_##name
#include "../schemes/ecdsa/verify.inc.h"
#include "tiny_group.inc.h"
#undef ecdsa
#include "tiny_undef.inc.h"

#define TINY(name) fe199_##name
#define TINY_P     199
#include "tiny_field.inc.h"
#define TINY(name) sc197_##name
#define TINY_P     197
#include "tiny_field.inc.h"
#define cv(name)        b3_##name
#define fe(name)        fe199_##name
#define sc(name)        sc197_##name
#define CV_A            -3
#define CV_BITS         8
#define CV_WORDS        4
#define CV_SCALAR_WORDS 4
#define CV_P            SMALL_WORDS(199)
#define CV_N            SMALL_WORDS(197)
#define CV_B            SMALL_WORDS(6)
#define CV_GX           SMALL_WORDS(1)
#define CV_GY           SMALL_WORDS(2)
#define CV_GLV          0
#define CV_Q_WINDOW     5
#define CV_G_WINDOW     7
#define CV_COMB_WINDOW  6
#define CV_KNOWN_WINDOW 6
#include "../schemes/parts/weierstrass_layers.inc.h"
#define TINY_A      -3
#define TINY_B      6
#define TINY_FIELD  199
#define TINY_ORDER  197
#define ecdsa(name) b3_ecdsa_##name
#include "../schemes/ecdsa/verify.inc.h"
#include "tiny_group.inc.h"
#undef ecdsa
#include "tiny_undef.inc.h"

/* ---- recoding and splitting on real sizes ----------------------------------------------------------------------------- */

/* sum of digit(pos) 2^pos modulo 2^64, 2^64 - 59 and 2^61 - 1 against the value: the three together pin a 256-bit integer
 * well enough for a test that is not adversarial. */
static uint64_t words_mod(const uint64_t w[4], uint64_t m) {
    pc_u128 r = 0;
    for (int i = 3; i >= 0; i--) r = m ? ((r << 64) | w[i]) % m : w[0];
    return (uint64_t)r;
}
static void test_recode(void) {
    static const uint64_t moduli[3] = {0, 0xffffffffffffffc5ULL, (1ULL << 61) - 1};
    for (int round = 0; round < 20000 / VL; round++) {
        uint64_t w[VL][4], soa[4][VL];
        vec k[4];
        pc_u128 sum[3][VL] = {{0}};
        const int width = 2 + round % 12, bits = round % 2 ? 256 : 128;
        for (int lane = 0; lane < VL; lane++) {
            for (int i = 0; i < 4; i++) {
                w[lane][i] = test_random() % 4 == 0 ? 0 : test_random() % 4 == 0 ? ~0ULL : test_random();
                if (bits == 128 && i > 1) w[lane][i] = 0;
                soa[i][lane] = w[lane][i];
            }
        }
        for (int i = 0; i < 4; i++) k[i] = vload(soa[i]);
        for (int pos = RECODE_TOP(bits, width); pos >= 0; pos -= width) {
            vmask signs;
            const vec digits = recode_digit(k, bits / 64, pos, width, &signs);
            for (int lane = 0; lane < VL; lane++) {
                const uint64_t digit = vlane(digits, lane);
                const int negative = mbits(signs) >> lane & 1;
                EXPECT(digit <= 1ULL << (width - 1));
                sum[0][lane] = (uint64_t)((uint64_t)(sum[0][lane] << width) + (negative ? 0 - digit : digit));
                for (int m = 1; m < 3; m++) {
                    const pc_u128 more = (sum[m][lane] << width) % moduli[m];
                    sum[m][lane] = (more + (negative ? moduli[m] - digit : digit)) % moduli[m];
                }
            }
        }
        for (int lane = 0; lane < VL; lane++)
            for (int m = 0; m < 3; m++) EXPECT((uint64_t)sum[m][lane] == words_mod(w[lane], moduli[m]));
        EXPECT_INT(RECODE_TOP(bits, width) / width + 1, RECODE_DIGITS(bits, width));
    }
}

/* k1 + lambda k2 = k (mod n) with |k1|, |k2| < 2^128, on random scalars and around the edges of the lattice cell. */
static void test_split(void) {
    static const uint64_t lambda_words[4] = {0xdf02967c1b23bd72ULL, 0x122e22ea20816678ULL, 0xa5261c028812645aULL,
                                             0x5363ad4cc05c30e0ULL};
    static const uint64_t n[4] = {SC_K256_P};
    for (int round = 0; round < 50000; round += VL) {
        uint64_t soa[4][VL];
        vec k[4], parts[2][2], got[4], half[4] = {vzero(), vzero(), vzero(), vzero()};
        vmask negative[2];
        sc_k256_t lambda, a, b;
        for (int lane = 0; lane < VL; lane++) {
            uint64_t own[4];
            for (int i = 0; i < 4; i++)
                own[i] = (round / VL) % 4 ? test_random() : test_random() % 2 ? n[i] : test_random() % 2 ? ~0ULL : 0;
            if (round < 64) int256_sub(own, n, (const uint64_t[4]){(uint64_t)(round + lane) + 1, 0, 0, 0});
            for (int i = 0; i < 4; i++) soa[i][lane] = own[i];
        }
        for (int i = 0; i < 4; i++) k[i] = vload(soa[i]);
        sc_k256_from_words(&a, k);
        sc_k256_to_words(k, &a); /* below n */
        k256_split(parts, negative, k);
        words_set1(got, lambda_words);
        sc_k256_from_words(&lambda, got);
        half[0] = parts[0][0], half[1] = parts[0][1];
        sc_k256_from_words(&a, half);
        half[0] = parts[1][0], half[1] = parts[1][1];
        sc_k256_from_words(&b, half);
        sc_k256_cneg(&a, negative[0], &a);
        sc_k256_cneg(&b, negative[1], &b);
        sc_k256_mul(&b, &b, &lambda);
        sc_k256_addc(&a, &a, &b);
        sc_k256_to_words(got, &a);
        EXPECT(mbits(words_eq(got, k)) == TINY_LANES);
    }
}

#define ALL_TESTS(prefix)                                                                                                   \
    do {                                                                                                                    \
        prefix##_model();                                                                                                   \
        prefix##_test_group();                                                                                              \
        prefix##_test_equation();                                                                                           \
        prefix##_test_multiplication();                                                                                     \
        prefix##_test_known();                                                                                              \
    } while (0)

int main(void) {
    vmode mode = vmode_enter();
    ALL_TESTS(a0);
    ALL_TESTS(e0);
    ALL_TESTS(a3);
    ALL_TESTS(b0);
    ALL_TESTS(b3);
    e0_test_wide_u();
    e0_test_complete();
    e0_test_pairs();
    e0_test_buckets();
    test_endomorphism();
    test_recode();
    test_split();
    vmode_leave(mode);
    a0_test_ecdsa();
    a3_test_ecdsa();
    test_recover();
    test_schnorr();
    test_sm2();
    return test_report("exhaustive");
}
