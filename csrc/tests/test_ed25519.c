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
/* The point with these words, and where there is one. */
static unsigned decompress(ed25519_ext *p, const uint64_t words[4]) {
    ed25519_encoded e[ed25519_SIDE];
    for (int j = 0; j < ed25519_SIDE; j++) words_set1(e[j].words, words);
    ed25519_decompress(e, ed25519_SIDE);
    const unsigned good = mbits(e[0].is_point);
    EXPECT(good == mbits(e[1].is_point) &&
           mbits(mand(fe25519_eq(&e[0].x, &e[1].x), fe25519_eq(&e[0].y, &e[1].y))) == ALL_LANES);
    ed25519_from_affine(p, &e[0].x, &e[0].y);
    ed25519_decompress(e, 1);
    EXPECT(good == mbits(e[0].is_point) && mbits(fe25519_eq(&p->x, &e[0].x)) == ALL_LANES);
    return good;
}
/* torsion[i] = i T for a point T of order 8. */
static ed25519_ext torsion[8];
static void find_torsion(void) {
    static const uint64_t y8[4] = {0xb027b2c28f95e826ULL, 0xf098eff289f4c345ULL, 0x3933c6d305acdfd5ULL,
                                   0x05fc536d880238b1ULL};
    EXPECT(decompress(&torsion[1], y8) == ALL_LANES);
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
    static const uint64_t p_words[4] = {FE25519_P};
    uint8_t bytes[32], again[32];
    uint64_t y[4];
    vec w[4], normal[4];
    ed25519_ext p;
    ed25519_encoding e;
    int points = 0, n_small = 0;
    for (int round = 0; round < 200; round++) { /* half of all y are on the curve; what decompresses encodes back */
        test_fill(bytes, 32);
        bytes[31] &= 0xbf; /* y < 2^254 < p, whatever the sign */
        pc_words_from_le(y, bytes);
        const unsigned good = decompress(&p, y);
        EXPECT(good == 0 || good == ALL_LANES);
        if (!good) continue;
        points++;
        encode(again, &p);
        EXPECT(memcmp(bytes, again, 32) == 0);
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        ed25519_encoding_normal(normal, &e);
        EXPECT(mbits(e.canonical) == ALL_LANES && mbits(e.small) == 0 && mbits(words_eq(w, normal)) == ALL_LANES);
    }
    EXPECT(points > 60 && points < 140);
    for (int i = 0; i < 8; i++) { /* the small-order test knows all eight, in every encoding */
        encode(bytes, &torsion[i]);
        pc_words_from_le(y, bytes);
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        EXPECT(mbits(mand(e.small, e.canonical)) == ALL_LANES);
    }
    for (int d = 0; d < 38;
         d++) { /* y = p .. p + 18 with both signs: never canonical; 0 and 1 among them are of small order */
        const uint64_t step[4] = {(uint64_t)d / 2},
                       wanted[4] = {(uint64_t)d / 2, 0, 0, (d & 1) && d / 2 != 1 ? 1ULL << 63 : 0};
        big_add(y, p_words, step);
        y[3] |= (uint64_t)(d & 1) << 63;
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        ed25519_encoding_normal(normal, &e);
        words_set1(w, wanted); /* y = 1: minus zero is zero */
        EXPECT(mbits(e.canonical) == 0 && mbits(words_eq(normal, w)) == ALL_LANES);
        n_small += mbits(e.small) != 0;
    }
    EXPECT_INT(n_small, 4);
}

/* ---- whole signatures ------------------------------------------------------------------------------------------------------ */

enum { MESSAGE = 24, MOST = 200 };
typedef struct {
    uint8_t keys[32 * MOST], signatures[64 * MOST], messages[MESSAGE * MOST];
} batch;

static uint8_t *scratch;

/* A set of the first n keys at `keys`, with tables of this window; the caller frees it. */
static pc_keyset *new_set(const uint8_t *keys, size_t n, int window, uint8_t *verdicts) {
    const size_t records = (n * sizeof(ed25519_key_record) + 63) & ~(size_t)63, table = ed25519_keyset_table(window);
    const pc_column column = pc_column_fixed(keys, 32);
    pc_keyset *set = aligned_alloc(64, 64 + records + n * table);
    set->n_keys = n;
    set->records_offset = 64;
    set->tables_offset = 64 + records;
    set->window = window;
    EXPECT(sizeof *set <= 64 && (window == 0) == (table == 0) && table % 64 == 0);
    ed25519_keyset_put(&column, n, set, NULL, NULL, verdicts);
    return set;
}
/* Verdicts by encoded keys; by tables of the keys they are the same. */
static void verify(const batch *b, size_t first, size_t n, int rules, uint8_t *verdicts) {
    const pc_column keys = pc_column_fixed(b->keys + 32 * first, 32),
                    signatures = pc_column_fixed(b->signatures + 64 * first, 64);
    const pc_column messages = pc_column_fixed(b->messages + MESSAGE * first, MESSAGE);
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = rules};
    const pc_key_source source = {&keys, NULL, NULL};
    uint8_t by_table[MOST];
    uint32_t indices[MOST];
    pc_keyset *set = new_set(b->keys + 32 * first, n, 2 + rules % 4, by_table);
    const pc_key_source known = {NULL, set, indices};
    for (size_t i = 0; i < n; i++) indices[i] = (uint32_t)i;
    memset(scratch, 0x5a, ED25519_VERIFY_SCRATCH);
    ed25519_verify(&params, &known, &signatures, &messages, n, scratch, by_table);
    free(set);

    memset(scratch, 0xa5, ED25519_VERIFY_SCRATCH);
    ed25519_verify(&params, &source, &signatures, &messages, n, scratch, verdicts);
    EXPECT(memcmp(by_table, verdicts, n) == 0);
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

/* n valid signatures by different keys. */
static void sign_all(batch *b, size_t n) {
    static uint8_t seeds[32 * MOST];
    static const pc_verify_params params = {.scheme = PC_SCHEME_ED25519};
    const pc_column secrets = pc_column_fixed(seeds, 32), messages = pc_column_fixed(b->messages, MESSAGE);
    test_fill(seeds, sizeof seeds);
    test_fill(b->messages, MESSAGE * n);
    pc_testing_public_keys(PC_SCHEME_ED25519, &secrets, n, b->keys);
    pc_testing_sign(&params, &secrets, &messages, n, b->signatures);
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
    static uint8_t verdicts[MOST], alone[MOST], wanted[MOST];
    sign_all(&b, MOST);
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
    static uint32_t indices[MOST];
    static batch shuffled;
    pc_keyset *set = new_set(b.keys, MOST, 0, verdicts);
    const pc_column signatures = pc_column_fixed(shuffled.signatures, 64);
    const pc_column texts = pc_column_fixed(shuffled.messages, MESSAGE);
    const pc_key_source source = {NULL, set, indices};
    for (size_t i = 0; i < MOST; i++) {
        EXPECT_INT(verdicts[i], wanted[i] == PC_MALFORMED_KEY ? PC_MALFORMED_KEY : PC_VALID);
        indices[i] = (uint32_t)(i * 3 % MOST); /* 3 does not divide MOST: a permutation */
        memcpy(shuffled.signatures + 64 * i, b.signatures + 64 * indices[i], 64);
        memcpy(shuffled.messages + MESSAGE * i, b.messages + MESSAGE * indices[i], MESSAGE);
    }
    for (int rules = 0; rules < ALL_RULES; rules += 5) {
        const pc_verify_params with = {.scheme = PC_SCHEME_ED25519, .rules = rules};
        ed25519_verify(&with, &source, &signatures, &texts, MOST, scratch, verdicts);
        for (size_t i = 0; i < MOST; i++) EXPECT_INT(verdicts[i], wanted[indices[i]]);
    }
    free(set);
}

/* ---- combined equations ---------------------------------------------------------------------------------------------------- */

/* Sums by buckets and by tables against the plain sum, for scalars of every kind: all equal (so that one bucket takes them all), zero,
 * one, the largest, and points of every kind: equal, opposite, of small order, the identity. */
static void test_sums(void) {
    enum { POINTS = 70 };
    static const uint64_t kinds[][4] = {{0},
                                        {1},
                                        {~0ULL, ~0ULL, 0, 0},                                 /* 2^128 - 1 */
                                        {0, 1ULL << 63, ~0ULL, ~0ULL},                        /* -2^127 */
                                        {~0ULL, ~0ULL >> 1, 0, 0},                            /* 2^127 - 1 */
                                        {0x8080808080808080ULL, 0x8080808080808080ULL, 0, 0}, /* digits on the edge */
                                        {0x7f7f7f7f7f7f7f7fULL, 0x7f7f7f7f7f7f7f7fULL, 0, 0},
                                        {~0ULL, ~0ULL, ~0ULL, ~0ULL}}; /* -1 */
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    static uint64_t rows[POINTS * ed25519_POINT_STRIDE], full[POINTS * 4], brief[POINTS * 4];
    static uint64_t buckets[ed25519_BUCKET_WORDS] __attribute__((aligned(64)));
    static ed25519_ext points[POINTS];
    uint32_t list[POINTS];
    ed25519_ext base;
    ed25519_generator(&base);
    for (uint32_t i = 0; i < POINTS; i++) {
        uint32_t row[VL];
        uint64_t k[4] = {i % 3 ? i : test_random()};
        ed25519_niels niels;
        fe25519_t z_inv;
        slow_multiple(&points[i], k, &base);
        if (i % 5 == 4) ed25519_neg(&points[i], &points[i - 1]);
        if (i % 4 == 0) ed25519_add(&points[i], &points[i], &torsion[i / 4 % 8]);
        if (i % 7 == 0) points[i] = torsion[i % 8];
        fe25519_inv(&z_inv, &points[i].z);
        ed25519_to_niels(&niels, &points[i], &z_inv);
        ed25519_ext back;
        ed25519_from_niels(&back, &niels);
        EXPECT(same_point(&points[i], &back));
        for (int lane = 0; lane < VL; lane++) row[lane] = i;
        ed25519_point_store(rows, row, &niels);
        list[i] = i;
    }
    for (int round = 0; round < KINDS + 6; round++) {
        const size_t n_full = round == KINDS ? 0 : (size_t)(1 + test_random() % POINTS);
        const size_t n_brief = round == KINDS + 1 ? 0 : (size_t)(1 + test_random() % POINTS);
        ed25519_ext wanted, got, t;
        ed25519_identity(&wanted);
        for (size_t i = 0; i < POINTS; i++) {
            uint64_t *z = brief + 4 * i;
            test_fill((uint8_t *)(full + 4 * i), 32);
            big_mod(full + 4 * i, full + 4 * i, 4, order);
            test_fill((uint8_t *)z, 16);
            z[2] = z[3] = 0 - (z[1] >> 63);
            if (round >= KINDS) continue;
            memcpy(z, kinds[round], 16);
            z[2] = z[3] = 0 - (z[1] >> 63);
            memcpy(full + 4 * i, kinds[round], 32);
            if (round == 3 || round == KINDS - 1) big_sub(full + 4 * i, order, kinds[1]); /* L - 1 */
        }
        for (size_t i = 0; i < POINTS; i++) {
            uint64_t positive[4];
            const uint64_t none[4] = {0}, *z = brief + 4 * i;
            if (i < n_full) {
                slow_multiple(&t, full + 4 * i, &points[i]);
                ed25519_add(&wanted, &wanted, &t);
            }
            if (i >= n_brief) continue;
            memcpy(positive, z, sizeof positive);
            if (z[3]) big_sub(positive, none, z);
            slow_multiple(&t, positive, &points[POINTS - 1 - i]);
            if (z[3]) ed25519_neg(&t, &t);
            ed25519_add(&wanted, &wanted, &t);
        }
        uint32_t backwards[POINTS];
        uint64_t turned[POINTS * 4];
        for (uint32_t i = 0; i < POINTS; i++) {
            backwards[i] = POINTS - 1 - i;
            memcpy(turned + 4 * (POINTS - 1 - i), brief + 4 * i, 32);
        }
        const ed25519_terms of_full = {rows, full, 4, list, n_full}, of_brief = {rows, turned, 4, backwards, n_brief};
        ed25519_pippenger(&got, &of_full, &of_brief, buckets);
        EXPECT(same_point(&wanted, &got));
        for (int window = ed25519_LEAST_WINDOW; window <= ed25519_MOST_WINDOW; window++) {
            ed25519_pippenger_by(&got, &of_full, &of_brief, buckets, window);
            EXPECT(same_point(&wanted, &got));
        }
        if (n_full != n_brief && round % 4) continue;
        static ed25519_pair pairs[3]; /* and by tables: the same term in every lane, and u B */
        uint64_t u[4];
        vec words[4];
        test_fill((uint8_t *)u, 32);
        big_mod(u, u, 4, order);
        slow_multiple(&wanted, u, &base);
        for (size_t i = 0; i < 3; i++) {
            uint64_t positive[4];
            const uint64_t none[4] = {0}, *z = brief + 4 * i;
            words_set1(pairs[i].v, full + 4 * i);
            words_set1(pairs[i].z, z);
            ed25519_multiples(pairs[i].a_rows, ed25519_A_ROWS, &points[i]);
            ed25519_multiples(pairs[i].r_rows, ed25519_Z_ROWS, &points[i + 3]);
            slow_multiple(&t, full + 4 * i, &points[i]);
            ed25519_add(&wanted, &wanted, &t);
            memcpy(positive, z, sizeof positive);
            if (z[3]) big_sub(positive, none, z);
            slow_multiple(&t, positive, &points[i + 3]);
            if (z[3]) ed25519_neg(&t, &t);
            ed25519_add(&wanted, &wanted, &t);
        }
        words_set1(words, u);
        ed25519_straus(&got, words, pairs, 3);
        EXPECT(same_point(&wanted, &got));
    }
}

/* Spoils S of an item: the equation fails by a point of prime order. */
static void spoil(batch *b, size_t i, uint64_t by) {
    const uint64_t d[4] = {by};
    uint64_t s[4];
    pc_words_from_le(s, b->signatures + 64 * i + 32);
    big_addmod(s, s, d, order);
    pc_words_to_le(b->signatures + 64 * i + 32, s);
}
/* verify() under the cofactored rules, against a list of what is bad. */
static void expect_bad(const batch *b, size_t n, const uint8_t *bad) {
    static uint8_t verdicts[MOST];
    int wrong = 0;
    verify(b, 0, n, PC_RULE_COFACTORED, verdicts);
    for (size_t i = 0; i < n; i++) wrong += verdicts[i] != (bad[i] ? PC_BAD_SIGNATURE : PC_VALID);
    EXPECT_INT(wrong, 0);
}

/* A combination is taken when all is well, falls when anything is not, and no arrangement of errors gets through it. */
static void test_combination(void) {
    static batch good, b;
    static uint8_t bad[MOST];
    ed25519_work *w = (ed25519_work *)(void *)scratch;
    sign_all(&good, MOST);
    memset(bad, 0, sizeof bad);
    expect_bad(&good, MOST, bad); /* leaves points, scalars and coefficients in the scratch */
    EXPECT(w->seeded == 1 && w->seen == MOST && w->bad == 0 && w->n_keys == MOST);
    for (size_t i = 0; i < MOST; i++) { /* 128 bits, all different, sign extended */
        const uint64_t *z = w->z + 4 * i;
        EXPECT(z[2] == z[3] && z[2] == 0 - (z[1] >> 63));
        for (size_t j = 0; j < i; j++) EXPECT(z[0] != w->z[4 * j] && z[1] != w->z[4 * j + 1]);
    }
    vmode mode = vmode_enter();
    EXPECT(ed25519_holds(w, w->live, MOST));
    EXPECT(ed25519_holds_in(w, w->live, 3 * VL) == ALL_LANES);
    w->wide[8 * (MOST / 2)] ^= 1;
    EXPECT(!ed25519_holds(w, w->live, MOST) && ed25519_holds(w, w->live, MOST / 2));
    EXPECT(ed25519_holds(w, w->live + MOST / 2 + 1, MOST - MOST / 2 - 1));
    w->wide[8 * VL + 4] ^= 1; /* lane 0 of the second vector */
    EXPECT(ed25519_holds_in(w, w->live, 3 * VL) == (ALL_LANES & ~1u));
    EXPECT(ed25519_holds_in(w, w->live, VL) == ALL_LANES); /* what is not there is not looked at */
    w->seeded = -1; /* the system has no random bytes: no combination, the same verdicts */
    w->scalars[8 * 5] ^= 1;
    memset(w->z, 0, sizeof w->z);
    ed25519_check_cofactored(w, w->live, 3 * VL + 4, 0);
    for (size_t i = 0; i < 3 * VL + 4; i++) EXPECT_INT(w->status[i], i == 5 ? PC_BAD_SIGNATURE : PC_VALID);
    vmode_leave(mode);

    static const size_t sizes[] = {
        1, 2, VL, VL + 1, 2 * VL + 1, 33, ed25519_PIPPENGER - 1, ed25519_PIPPENGER, ed25519_PIPPENGER + 1, MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const size_t n = sizes[k];
        for (size_t i = 0; i < n; i += n < 2 * VL + 2 ? 1 : 1 + test_random() % n) { /* one bad item, anywhere */
            b = good;
            memset(bad, 0, sizeof bad);
            spoil(&b, i, 1);
            bad[i] = 1;
            expect_bad(&b, n, bad);
        }
        for (size_t step = 1; step < n;
             step = 3 * step + 1) { /* every step-th, in pairs whose errors cancel in a plain sum */
            b = good;
            memset(bad, 0, sizeof bad);
            for (size_t i = 0; i + step < n; i += 2 * step) {
                const uint64_t minus_one[4] = {1};
                uint64_t s[4];
                spoil(&b, i, 1);
                pc_words_from_le(s, good.signatures + 64 * (i + step) + 32);
                big_submod(s, s, minus_one, order);
                pc_words_to_le(b.signatures + 64 * (i + step) + 32, s);
                bad[i] = bad[i + step] = 1;
            }
            expect_bad(&b, n, bad);
        }
        b = good; /* a neighbour that is no signature at all */
        memset(b.signatures + 64 * (n - 1), 0xff, 64);
        uint8_t verdicts[MOST];
        verify(&b, 0, n, PC_RULE_COFACTORED, verdicts);
        for (size_t j = 0; j < n; j++) EXPECT_INT(verdicts[j], j == n - 1 ? PC_NON_CANONICAL : PC_VALID);
    }
#ifndef PC_VERIFY
    for (size_t i = 0; i < MOST; i += VL > 1 ? 1 : 7) { /* nothing is skipped, wherever the quarters end; slow in one lane */
        b = good;
        memset(bad, 0, sizeof bad);
        spoil(&b, i, 1);
        bad[i] = 1;
        expect_bad(&b, MOST, bad);
    }
#endif
    for (size_t rare = 3; rare < MOST; rare *= 4) { /* all densities, in runs and strewn */
        for (int runs = 0; runs < 2; runs++) {
            b = good;
            for (size_t i = 0; i < MOST; i++) {
                bad[i] = runs ? i / 30 % rare == 0 : test_random() % rare == 0;
                if (bad[i]) spoil(&b, i, 1 + i);
            }
            expect_bad(&b, MOST, bad);
        }
    }
}

/* Few keys, one key, one item many times; keys and R with parts of small order, which the cofactor takes away; S = 0, k A of small
 * order; and a bad item among them. */
static void test_equal_items(void) {
    static batch b, few;
    static uint8_t bad[MOST];
    const uint64_t zero[4] = {0};
    vmode mode = vmode_enter();
    for (size_t i = 0; i < MOST; i++) {
        uint64_t a[4] = {0x1234567 + i % 3, i % 3}, r[4] = {test_random(), test_random(), test_random()};
        forge(&b, i, i % 11 ? a : zero, (int)(i % 3 ? i % 8 : 1), i % 13 ? r : zero, (int)(i / 2 % 8));
    }
    for (size_t i = 0; i < MOST; i++) { /* one item and its torsion: defects that differ by small order alone */
        memcpy(few.keys + 32 * i, b.keys + 32, 32);
        memcpy(few.signatures + 64 * i, b.signatures + 64, 64);
        memcpy(few.messages + MESSAGE * i, b.messages + MESSAGE, MESSAGE);
    }
    vmode_leave(mode);
    memset(bad, 0, sizeof bad);
    expect_bad(&b, MOST, bad);
    expect_bad(&b, 40, bad);
    expect_bad(&few, MOST, bad);
    EXPECT_INT((long)((ed25519_work *)(void *)scratch)->n_keys, 1);
    expect_bad(&few, 5 * VL, bad);
    for (size_t i = 0; i < MOST; i++) bad[i] = i % 2 || i > 120;
    for (size_t i = 0; i < MOST; i++)
        if (bad[i]) spoil(&few, i, 5); /* the same error many times */
    expect_bad(&few, MOST, bad);
    memset(bad, 1, sizeof bad);
    for (size_t i = 0; i < MOST; i++)
        if (!(i % 2 || i > 120)) spoil(&few, i, 7);
    expect_bad(&few, MOST, bad);
    bad[0] = 0;
    memcpy(few.signatures, b.signatures + 64, 64);
    expect_bad(&few, MOST, bad);
}

/* Made-up keys that fall into the same place of the table of equal keys, and more than a chunk. */
static void test_chunks(void) {
    enum { N = ed25519_CHUNK + 70 };
    static uint8_t keys[32 * N], signatures[64 * N], messages[MESSAGE * N], verdicts[N];
    static batch good;
    static const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = PC_RULE_COFACTORED};
    sign_all(&good, 64);
    for (size_t i = 0; i < N; i++) {
        memcpy(keys + 32 * i, good.keys + 32 * (i % 64), 32);
        memcpy(signatures + 64 * i, good.signatures + 64 * (i % 64), 64);
        memcpy(messages + MESSAGE * i, good.messages + MESSAGE * (i % 64), MESSAGE);
    }
    for (size_t i = 1; i < N; i += 2) {             /* words whose hash is the same for all */
        uint64_t word[4] = {7, test_random() >> 1}; /* and whose first eight bytes are */
        word[2] = word[0];
        word[3] = word[1];
        for (int k = 0; k < 4; k++) pc_store64_le(keys + 32 * i + 8 * k, word[k]);
    }
    const pc_column key_column = pc_column_fixed(keys, 32), signature_column = pc_column_fixed(signatures, 64);
    const pc_column message_column = pc_column_fixed(messages, MESSAGE);
    const pc_key_source source = {&key_column, NULL, NULL};
    ed25519_verify(&params, &source, &signature_column, &message_column, N, scratch, verdicts);
    for (size_t i = 0; i < N; i++) {
        uint64_t y[4];
        ed25519_ext p;
        pc_words_from_le(y, keys + 32 * i);
        vmode mode = vmode_enter();
        const int is_key = i % 2 == 0 || decompress(&p, y) != 0;
        vmode_leave(mode);
        EXPECT_INT(verdicts[i], !is_key ? PC_MALFORMED_KEY : i % 2 ? PC_BAD_SIGNATURE : PC_VALID);
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
    test_sums();
    vmode_leave(mode);
    test_verdicts();
    test_combination();
    test_equal_items();
    test_chunks();
    test_lengths();
    free(scratch);
    return test_report("ed25519");
}
