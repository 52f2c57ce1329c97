/* test_ed25519.c - the Edwards group and Ed25519 from the inside: the eight torsion points in every combination, recoded
 * multiplication against double-and-add, every set of rule flags, every verdict, column against key set, batch against single, and the
 * combined equations. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER   "../vec/vec_portable.h"
#    define TEST_LANES_HEADER "../hash/lanes_portable.h"
#endif
#include TEST_VEC_HEADER
#include TEST_LANES_HEADER
#include "../backend/backend.h"
#include "../field/fields.inc.h"
#pragma GCC diagnostic ignored "-Wunused-function" /* of the hashes only SHA-512 is used here; the library signs */
#include "../hash/hash.inc.h"
#include "../schemes/ed25519.inc.h"
#include "big.h"
#include "check_test.h"

enum { ALL_LANES = (1u << VL) - 1, ALL_RULES = 32 };

static const uint64_t order[4] = {SC25519_P};

static int same_point(const ed25519_ext *a, const ed25519_ext *b) {
    fe25519_t l, r;
    vmask same;
    fe25519_mul(&l, &a->x, &b->z);
    fe25519_mul(&r, &b->x, &a->z);
    same = fe25519_eq(&l, &r);
    fe25519_mul(&l, &a->y, &b->z);
    fe25519_mul(&r, &b->y, &a->z);
    same = mand(same, fe25519_eq(&l, &r));
    fe25519_mul(&l, &b->x, &b->y); /* T is what it should be: T Z = X Y */
    fe25519_mul(&r, &b->t, &b->z);
    return mbits(mand(same, fe25519_eq(&l, &r))) == ALL_LANES;
}
static void encode(uint8_t bytes[32], const ed25519_ext *p) {
    fe25519_t z;
    vec w[4];
    uint64_t t[4];
    fe25519_inv(&z, &p->z);
    ed25519_encode(w, p, &z);
    for (int i = 0; i < 4; i++) t[i] = vlane(w[i], VL - 1);
    pc_words_to_le(bytes, t);
}
/* The slow way: r = k p, bit by bit, with the plain addition only. */
static void slow_multiple(ed25519_ext *r, const uint64_t k[4], const ed25519_ext *p) {
    ed25519_ext acc;
    ed25519_identity(&acc);
    for (int bit = 255; bit >= 0; bit--) {
        ed25519_add(&acc, &acc, &acc);
        if (k[bit / 64] >> (bit % 64) & 1) ed25519_add(&acc, &acc, p);
    }
    *r = acc;
}
/* torsion[i] = i T for a point T of order 8. */
static ed25519_ext torsion[8];
static void find_torsion(void) {
    static const uint64_t y8[4] = {0xb027b2c28f95e826ULL, 0xf098eff289f4c345ULL, 0x3933c6d305acdfd5ULL,
                                   0x05fc536d880238b1ULL};
    vec y[4];
    words_set1(y, y8);
    EXPECT(mbits(ed25519_decompress(&torsion[1], y, mfrom_bits(0))) == ALL_LANES);
    ed25519_identity(&torsion[0]);
    for (int i = 2; i < 8; i++) ed25519_add(&torsion[i], &torsion[i - 1], &torsion[1]);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++) EXPECT(!same_point(&torsion[i], &torsion[j]));
    ed25519_ext wrap;
    ed25519_add(&wrap, &torsion[7], &torsion[1]);
    EXPECT(same_point(&torsion[0], &wrap));
}

/* ---- the group law, on the points where incomplete formulas fail ---------------------------------------------------------- */

static void test_law(void) {
    const vmask none = mfrom_bits(0), all = mfrom_bits(ALL_LANES);
    ed25519_ext base, p, q, wanted, got;
    ed25519_generator(&base);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            for (int shift = 0; shift < 3; shift++) { /* in the torsion, and next to it: +T_i - T_j, B + T_i and -B + T_j */
                ed25519_cached cached;
                ed25519_niels niels;
                ed25519_sum s;
                fe25519_t z_inv;
                ed25519_neg(&got, &base);
                ed25519_add(&p, &torsion[i], shift ? &base : &torsion[0]);
                ed25519_add(&q, &torsion[j], shift == 0 ? &torsion[0] : shift == 1 ? &base : &got);
                ed25519_to_cached(&cached, &q);
                fe25519_inv(&z_inv, &q.z);
                ed25519_to_niels(&niels, &q, &z_inv);
                for (int negative = 0; negative < 2; negative++) {
                    int k = (negative ? i - j + 8 : i + j) % 8, bases = shift == 0 ? 0 : shift == 1 ? 1 : -1;
                    bases = (shift ? 1 : 0) + (negative ? -bases : bases);
                    wanted = torsion[k];
                    for (int n = 0; n < (bases < 0 ? -bases : bases); n++)
                        ed25519_add(&wanted, &wanted, bases < 0 ? &got : &base);
                    ed25519_ext sum;
                    ed25519_add_cached(&s, &p, &cached, negative ? all : none);
                    ed25519_to_ext(&sum, &s);
                    EXPECT(same_point(&wanted, &sum));
                    ed25519_add_niels(&s, &p, &niels, negative ? all : none);
                    ed25519_to_ext(&sum, &s);
                    EXPECT(same_point(&wanted, &sum));
                    EXPECT((mbits(ed25519_is_identity(&sum)) == ALL_LANES) == (k == 0 && bases == 0));
                }
                ed25519_dbl_ext(&s, &p);
                ed25519_to_ext(&q, &s);
                ed25519_add(&wanted, &p, &p);
                EXPECT(same_point(&wanted, &q));
            }
        }
    }
}

static void test_multiplication(void) {
    static const uint64_t some[][4] = {{0},
                                       {1},
                                       {2},
                                       {15},
                                       {16},
                                       {17},
                                       {31},
                                       {32},
                                       {127},
                                       {128},
                                       {129},
                                       {255},
                                       {256},
                                       {0, 0, 0, 1ULL << 60},
                                       {~0ULL, ~0ULL, ~0ULL, (1ULL << 60) - 1}};
    enum { SOME = sizeof some / sizeof some[0] };
    ed25519_ext base, a, ub, va, wanted, got;
    ed25519_generator(&base);
    for (int round = 0; round < SOME + 12; round++) {
        uint64_t u[4], v[4], one[4] = {1};
        vec uw[4], vw[4];
        test_fill((uint8_t *)u, 32);
        test_fill((uint8_t *)v, 32);
        slow_multiple(&a, v, &base);
        ed25519_add(&a, &a, &torsion[round % 8]);
        big_mod(u, u, 4, order);
        big_mod(v, v, 4, order);
        if (round < SOME) memcpy(u, some[round], 32), memcpy(v, some[(round * 7 + 3) % SOME], 32);
        if (round == SOME) big_sub(u, order, one), big_sub(v, order, one);
        words_set1(uw, u);
        words_set1(vw, v);
        slow_multiple(&ub, u, &base);
        slow_multiple(&va, v, &a);
        ed25519_add(&wanted, &ub, &va);
        ed25519_double_base(&got, uw, vw, &a);
        EXPECT(same_point(&wanted, &got));
        ed25519_mul_generator(&got, uw);
        EXPECT(same_point(&ub, &got));
    }
}

/* ---- encodings ------------------------------------------------------------------------------------------------------------- */

static void test_encodings(void) {
    uint8_t bytes[32], again[32];
    uint64_t y[4];
    vec w[4];
    ed25519_ext p;
    int points = 0;
    for (int round = 0; round < 200; round++) { /* half of all y are on the curve; what decompresses encodes back */
        test_fill(bytes, 32);
        bytes[31] &= 0xbf; /* y < 2^254 < p, whatever the sign */
        pc_words_from_le(y, bytes);
        int negative = (int)(y[3] >> 63);
        y[3] &= ~(1ULL << 63);
        words_set1(w, y);
        unsigned good = mbits(ed25519_decompress(&p, w, mfrom_bits(negative ? ALL_LANES : 0)));
        EXPECT(good == 0 || good == ALL_LANES);
        if (!good) continue;
        points++;
        encode(again, &p);
        EXPECT(memcmp(bytes, again, 32) == 0);
    }
    EXPECT(points > 60 && points < 140);
    for (int i = 0; i < 8; i++) { /* the small-order test knows all eight, in every encoding */
        ed25519_encoding e;
        encode(bytes, &torsion[i]);
        ed25519_encoding_read(&e, bytes);
        EXPECT(e.small && e.canonical);
    }
    int n_small = 0;
    for (int d = 0; d < 38;
         d++) { /* y = p .. p + 18 with both signs: never canonical; 0 and 1 among them are of small order */
        static const uint64_t p_words[4] = {FE25519_P};
        uint64_t step[4] = {(uint64_t)d / 2}, normal[4];
        ed25519_encoding e;
        big_add(y, p_words, step);
        y[3] |= (uint64_t)(d & 1) << 63;
        pc_words_to_le(bytes, y);
        ed25519_encoding_read(&e, bytes);
        ed25519_encoding_normal(normal, &e);
        EXPECT(!e.canonical);
        n_small += e.small;
        EXPECT(normal[0] == (uint64_t)d / 2 && !normal[1] && !normal[2]);
        EXPECT(normal[3] == ((d & 1) && d / 2 != 1 ? 1ULL << 63 : 0)); /* y = 1: minus zero is zero */
    }
    EXPECT_INT(n_small, 4);
}

/* ---- whole signatures ------------------------------------------------------------------------------------------------------ */

enum { MESSAGE = 24, MOST = 3 * ed25519_CHUNK };
typedef struct {
    uint8_t keys[32 * MOST], signatures[64 * MOST], messages[MESSAGE * MOST];
} batch;

static uint8_t *scratch;
static void verify(const batch *b, size_t first, size_t n, int rules, uint8_t *verdicts) {
    const pc_column keys = pc_column_fixed(b->keys + 32 * first, 32),
                    signatures = pc_column_fixed(b->signatures + 64 * first, 64);
    const pc_column messages = pc_column_fixed(b->messages + MESSAGE * first, MESSAGE);
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = rules};
    const pc_key_source source = {&keys, NULL, NULL};
    memset(scratch, 0xa5, ED25519_VERIFY_SCRATCH);
    ed25519_verify(&params, &source, &signatures, &messages, n, scratch, verdicts);
}
/* The challenge of slot j, modulo L. */
static void challenge(uint64_t k[4], const batch *b, size_t j) {
    uint8_t data[64 + MESSAGE], digest[64];
    uint64_t wide_words[8];
    memcpy(data, b->signatures + 64 * j, 32);
    memcpy(data + 32, b->keys + 32 * j, 32);
    memcpy(data + 64, b->messages + MESSAGE * j, MESSAGE);
    const pc_column column = pc_column_fixed(data, sizeof data);
    sha512_many(NULL, 0, &column, 1, digest);
    for (int i = 0; i < 8; i++) wide_words[i] = pc_load64_le(digest + 8 * i);
    big_mod(k, wide_words, 8, order);
}
/* A signature by the key a B + i T with nonce r B + j T: valid up to torsion. */
static void forge(batch *b, size_t slot, const uint64_t a[4], int i, const uint64_t r[4], int j) {
    ed25519_ext base, p;
    uint64_t k[4], s[4];
    ed25519_generator(&base);
    slow_multiple(&p, a, &base);
    ed25519_add(&p, &p, &torsion[i]);
    encode(b->keys + 32 * slot, &p);
    slow_multiple(&p, r, &base);
    ed25519_add(&p, &p, &torsion[j]);
    encode(b->signatures + 64 * slot, &p);
    test_fill(b->messages + MESSAGE * slot, MESSAGE);
    challenge(k, b, slot);
    big_mulmod(s, k, a, order);
    big_addmod(s, s, r, order);
    pc_words_to_le(b->signatures + 64 * slot + 32, s);
}

/* All 64 pairs of torsion in A and R, with and without a part of prime order in each, under all 32 sets of flags. */
static void test_torsion_signatures(void) {
    static batch b;
    static uint8_t verdicts[64];
    for (int parts = 0; parts < 4; parts++) {
        uint64_t a[4] = {0}, r[4] = {0}, k[64][4];
        if (parts & 1) a[0] = test_random(), a[2] = test_random();
        if (parts & 2) r[0] = test_random(), r[3] = 1;
        for (int i = 0; i < 64; i++) {
            forge(&b, (size_t)i, a, i / 8, r, i % 8);
            challenge(k[i], &b, (size_t)i);
        }
        for (int rules = 0; rules < ALL_RULES; rules++) {
            verify(&b, 0, 64, rules, verdicts);
            for (int i = 0; i < 64; i++) {
                int small = ((rules & PC_RULE_NO_SMALL_A) && !(parts & 1)) || ((rules & PC_RULE_NO_SMALL_R) && !(parts & 2));
                int cancels = ((uint64_t)(i % 8) + k[i][0] * (uint64_t)(i / 8)) % 8 == 0; /* R's torsion + k A's */
                int equal = (rules & PC_RULE_COFACTORED) || cancels;
                EXPECT_INT(verdicts[i], small ? PC_SMALL_ORDER : equal ? PC_VALID : PC_BAD_SIGNATURE);
            }
        }
    }
}

/* Every encoding of the points with y = 0 and y = 1 as A and as R, S = 0: [8] times anything of small order vanishes. */
static void test_non_canonical(void) {
    static const uint64_t p_words[4] = {FE25519_P};
    static batch b;
    static uint8_t verdicts[64];
    uint8_t encoding[8][32];
    for (int i = 0; i < 8; i++) { /* bit 0: y, bit 1: plus p, bit 2: sign */
        uint64_t y[4] = {(uint64_t)i & 1};
        if (i & 2) big_add(y, y, p_words);
        y[3] |= (uint64_t)(i >> 2) << 63;
        pc_words_to_le(encoding[i], y);
    }
    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < 64; i++) {
        memcpy(b.keys + 32 * i, encoding[i / 8], 32);
        memcpy(b.signatures + 64 * i, encoding[i % 8], 32);
    }
    for (int rules = 0; rules < ALL_RULES; rules++) {
        verify(&b, 0, 64, rules, verdicts);
        for (int i = 0; i < 64; i++) {
            int a = i / 8, r = i % 8;
            int bad_a = (a & 2) || a == 5, bad_r = (r & 2) || r == 5; /* y >= p, or minus zero */
            uint64_t k[4];
            challenge(k, &b, (size_t)i);
            /* i T with y = 1: 0; y = 0: 2 or 6 by its sign, which decides nothing modulo 4 but does modulo 8 */
            uint64_t t_a = a & 1 ? 0 : a & 4 ? 6 : 2, t_r = r & 1 ? 0 : r & 4 ? 6 : 2;
            int cancels = (t_r + k[0] * t_a) % 8 == 0;
            int wanted = PC_VALID;
            if (((rules & PC_RULE_CANONICAL_A) && bad_a) || ((rules & PC_RULE_CANONICAL_R) && bad_r))
                wanted = PC_NON_CANONICAL;
            else if (rules & (PC_RULE_NO_SMALL_A | PC_RULE_NO_SMALL_R))
                wanted = PC_SMALL_ORDER;
            else if (!(rules & PC_RULE_COFACTORED) && !cancels)
                wanted = PC_BAD_SIGNATURE;
            EXPECT_INT(verdicts[i], wanted);
        }
    }
}

/* A batch of good and spoiled signatures: which verdict each gets, alone or in company, from a column or a key set. */
static void test_verdicts(void) {
    static batch b;
    static uint8_t seeds[32 * MOST], verdicts[MOST], alone[MOST], wanted[MOST];
    static const pc_verify_params params = {.scheme = PC_SCHEME_ED25519};
    const pc_column secrets = pc_column_fixed(seeds, 32), messages = pc_column_fixed(b.messages, MESSAGE);
    test_fill(seeds, sizeof seeds);
    test_fill(b.messages, sizeof b.messages);
    pc_testing_public_keys(PC_SCHEME_ED25519, &secrets, MOST, b.keys);
    pc_testing_sign(&params, &secrets, &messages, MOST, b.signatures);
    uint8_t off_curve[32] = {2}; /* y = 2 is on no point */
    for (size_t i = 0; i < MOST; i++) {
        uint8_t *key = b.keys + 32 * i, *signature = b.signatures + 64 * i;
        uint64_t s[4];
        wanted[i] = PC_VALID;
        switch (i % 9) {
        case 1:
            memcpy(key, off_curve, 32), wanted[i] = PC_MALFORMED_KEY;
            break;
        case 2:
            signature[3] ^= 4, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 3:
            signature[40] ^= 1, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 4:
            b.messages[MESSAGE * i] ^= 1, wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 5: /* S + L is the same number modulo L, and never accepted */
            pc_words_from_le(s, signature + 32);
            big_add(s, s, order);
            pc_words_to_le(signature + 32, s);
            wanted[i] = PC_NON_CANONICAL;
            break;
        case 6:
            memcpy(signature, off_curve, 32), wanted[i] = PC_BAD_SIGNATURE;
            break;
        case 7:
            memset(signature + 32, 0xff, 32), memcpy(key, off_curve, 32), wanted[i] = PC_MALFORMED_KEY;
            break;
        default:
            break;
        }
    }
    for (int rules = 0; rules < ALL_RULES; rules++) {
        verify(&b, 0, MOST, rules, verdicts);
        EXPECT(memcmp(verdicts, wanted, MOST) == 0);
    }
    for (size_t i = 0; i < 40; i++) verify(&b, i, 1, PC_RULE_COFACTORED, alone + i);
    EXPECT(memcmp(alone, wanted, 40) == 0);

    /* a key set gives the same, in any order of keys */
    static uint64_t set_memory[(sizeof(pc_keyset) + 64 + MOST * sizeof(ed25519_key_record)) / 8 + 8];
    static uint32_t indices[MOST];
    static batch shuffled;
    pc_keyset *set = (pc_keyset *)(void *)set_memory;
    const pc_column keys = pc_column_fixed(b.keys, 32), signatures = pc_column_fixed(shuffled.signatures, 64);
    const pc_column texts = pc_column_fixed(shuffled.messages, MESSAGE);
    const pc_key_source source = {NULL, set, indices};
    set->n_keys = MOST;
    set->records_offset = (sizeof(pc_keyset) + 63) / 64 * 64;
    ed25519_keyset_put(&keys, MOST, set, NULL, NULL, verdicts);
    for (size_t i = 0; i < MOST; i++) {
        EXPECT_INT(verdicts[i], wanted[i] == PC_MALFORMED_KEY ? PC_MALFORMED_KEY : PC_VALID);
        indices[i] = (uint32_t)(i * 5 % MOST); /* 5 does not divide MOST: a permutation */
        memcpy(shuffled.signatures + 64 * i, b.signatures + 64 * indices[i], 64);
        memcpy(shuffled.messages + MESSAGE * i, b.messages + MESSAGE * indices[i], MESSAGE);
    }
    for (int rules = 0; rules < ALL_RULES; rules += 5) {
        const pc_verify_params with = {.scheme = PC_SCHEME_ED25519, .rules = rules};
        ed25519_verify(&with, &source, &signatures, &texts, MOST, scratch, verdicts);
        for (size_t i = 0; i < MOST; i++) EXPECT_INT(verdicts[i], wanted[indices[i]]);
    }
}

/* The combined equation of a cofactored chunk: it is taken when all is well, it falls when anything is not, and no arrangement of
 * errors gets through it. */
static void test_combination(void) {
    enum { N = ed25519_CHUNK };
    static batch b;
    static uint8_t seeds[32 * N], verdicts[N], good[64 * N];
    static uint64_t z[2 * ed25519_CHUNK];
    static const pc_verify_params params = {.scheme = PC_SCHEME_ED25519};
    const pc_column secrets = pc_column_fixed(seeds, 32), messages = pc_column_fixed(b.messages, MESSAGE);
    ed25519_work *w = (ed25519_work *)(void *)scratch;
    test_fill(seeds, sizeof seeds);
    test_fill(b.messages, sizeof b.messages);
    pc_testing_public_keys(PC_SCHEME_ED25519, &secrets, N, b.keys);
    pc_testing_sign(&params, &secrets, &messages, N, b.signatures);
    memcpy(good, b.signatures, sizeof good);
    verify(&b, 0, N, PC_RULE_COFACTORED, verdicts); /* leaves the last chunk's points and scalars in the scratch */
    for (int i = 0; i < N; i++) EXPECT_INT(verdicts[i], PC_VALID);
    ed25519_coefficients(w, N, z);
    for (int i = 0; i < N; i++) { /* coefficients of 128 bits, all different */
        EXPECT(z[i] != 0 && z[N + i] != 0);
        for (int j = 0; j < i; j++) EXPECT(z[i] != z[j] && z[N + i] != z[N + j]);
    }
    vmode mode = vmode_enter();
    EXPECT(mbits(ed25519_combination(w, z, 0, ed25519_BATCH)) == ALL_LANES);
    w->s[0] ^= 1; /* lane 0 of vector 0 */
    EXPECT(mbits(ed25519_combination(w, z, 0, ed25519_BATCH)) == (ALL_LANES & ~1u));
    z[0] = z[N] = 0; /* taken out of the sum */
    EXPECT(mbits(ed25519_combination(w, z, 0, ed25519_BATCH)) == ALL_LANES);
    vmode_leave(mode);
    for (size_t i = 0; i < N; i++) { /* one bad item, anywhere */
        b.signatures[64 * i + 33] ^= 0x10;
        verify(&b, 0, N, PC_RULE_COFACTORED, verdicts);
        for (size_t j = 0; j < N; j++) EXPECT_INT(verdicts[j], i == j ? PC_BAD_SIGNATURE : PC_VALID);
        memcpy(b.signatures + 64 * i, good + 64 * i, 64);
    }
    for (size_t i = 0; i + VL < N; i += VL) { /* S + d and S' - d: their errors cancel in a plain sum of the same lane */
        const uint64_t d[4] = {1 + i};
        uint64_t s[4];
        for (size_t j = 0; j < N; j += 2 * VL) {
            pc_words_from_le(s, good + 64 * j + 32);
            big_addmod(s, s, d, order);
            pc_words_to_le(b.signatures + 64 * j + 32, s);
            pc_words_from_le(s, good + 64 * (j + VL) + 32);
            big_submod(s, s, d, order);
            pc_words_to_le(b.signatures + 64 * (j + VL) + 32, s);
        }
        verify(&b, 0, N, PC_RULE_COFACTORED, verdicts);
        for (size_t j = 0; j < N; j++) EXPECT_INT(verdicts[j], j % VL == 0 ? PC_BAD_SIGNATURE : PC_VALID);
        if (i >= 4 * VL) break;
    }
    for (size_t n = 1; n < N;
         n += n < 12 ? 1 : 13) { /* every way to fill a chunk, with a neighbour that is no signature at all */
        memcpy(b.signatures, good, sizeof good);
        memset(b.signatures + 64 * (n - 1), 0xff, 64);
        verify(&b, 0, n, PC_RULE_COFACTORED, verdicts);
        for (size_t j = 0; j < n; j++) EXPECT_INT(verdicts[j], j == n - 1 ? PC_NON_CANONICAL : PC_VALID);
    }
}

/* Wrong lengths, which only ragged columns can show. */
static void test_lengths(void) {
    static const int64_t key_offsets[] = {0, 32, 63, 63, 96}, signature_offsets[] = {0, 63, 127, 127, 192},
                         message_offsets[] = {0, 0, 0, 0, 0};
    static const uint8_t wanted[4] = {PC_MALFORMED_SIGNATURE, PC_MALFORMED_KEY, PC_MALFORMED_KEY, PC_MALFORMED_KEY};
    uint8_t keys[96], signatures[192], verdicts[4];
    for (int i = 0; i < 96; i++) keys[i] = 0x66;
    keys[0] = 0x58; /* the base point */
    memset(signatures, 0, sizeof signatures);
    const pc_column key_column = {keys, key_offsets, 0, 0}, signature_column = {signatures, signature_offsets, 0, 0};
    const pc_column messages = {NULL, message_offsets, 0, 0};
    const pc_key_source source = {&key_column, NULL, NULL};
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = PC_RULE_COFACTORED};
    ed25519_verify(&params, &source, &signature_column, &messages, 4, scratch, verdicts);
    EXPECT(memcmp(verdicts, wanted, 4) == 0);
    ed25519_verify(&params, &source, &signature_column, &messages, 0, scratch, verdicts);
}

int main(void) {
    scratch = aligned_alloc(64, (ED25519_VERIFY_SCRATCH + 63) / 64 * 64);
    vmode mode = vmode_enter();
    find_torsion();
    test_law();
    test_multiplication();
    test_encodings();
    test_torsion_signatures();
    test_non_canonical();
    vmode_leave(mode);
    test_verdicts();
    test_combination();
    test_lengths();
    free(scratch);
    return test_report("ed25519");
}
