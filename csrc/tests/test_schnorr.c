/* test_schnorr.c - BIP-340 from the inside: sums of many multiples on secp256k1 against plain multiplication, and
 * combined equations with one bad item anywhere, errors that would cancel, every density of bad items, equal items, and
 * points that meet in the buckets. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER   "../vec/vec_portable.h"
#    define TEST_LANES_HEADER "../hash/lanes_portable.h"
#endif
#include TEST_VEC_HEADER
#include TEST_LANES_HEADER
#include "../backend/backend.h"
#include "../field/fields.inc.h"
#pragma GCC diagnostic ignored "-Wunused-function" /* the other schemes over short Weierstrass curves; the library signs */
#include "../hash/hash.inc.h"
#include "../schemes/short_weierstrass.inc.h"
#include "big.h"
#include "check_test.h"

enum { MOST = THOROUGH ? 320 : 150 };
enum { MESSAGE = 32, CHUNK_END = schnorr_secp256k1_CHUNK };

static const uint64_t order[4] = {SC_K256_P}, lambda[4] = {0xdf02967c1b23bd72ULL, 0x122e22ea20816678ULL,
                                                           0xa5261c028812645aULL, 0x5363ad4cc05c30e0ULL};
static schnorr_secp256k1_work work __attribute__((aligned(64)));

typedef struct batch_s {
    uint8_t keys[32 * MOST], signatures[64 * MOST], messages[MESSAGE * MOST];
} batch;
static batch good, spoiled;
static uint8_t bad[MOST];

static void verify(const batch *b, size_t n, uint8_t *verdicts) {
    const pc_verify_params params = {.scheme = PC_SCHEME_SCHNORR_SECP256K1};
    const pc_column keys = pc_column_fixed(b->keys, 32), signatures = pc_column_fixed(b->signatures, 64);
    const pc_column messages = pc_column_fixed(b->messages, MESSAGE);
    const pc_key_source source = {&keys, NULL, NULL};
    memset(verdicts, 0xee, n);
    schnorr_secp256k1_verify(&params, &source, &signatures, &messages, n, &work, verdicts);
}
static void expect_bad(const batch *b, size_t n) {
    uint8_t verdicts[MOST];
    verify(b, n, verdicts);
    for (size_t i = 0; i < n; i++)
        if (!EXPECT_INT(verdicts[i], bad[i] ? PC_BAD_SIGNATURE : PC_VALID)) break;
}
static void start_over(void) {
    spoiled = good;
    memset(bad, 0, sizeof bad);
}
/* s += by, which is not zero. */
static void spoil(batch *b, size_t i, uint64_t by) {
    const uint64_t more[4] = {by};
    uint64_t s[4];
    pc_words_from_be(s, b->signatures + 64 * i + 32);
    big_addmod(s, s, more, order);
    pc_words_to_be(b->signatures + 64 * i + 32, s);
}
static void spoil_one(size_t i, uint64_t by) {
    spoil(&spoiled, i, by);
    bad[i] = 1;
}

/* ---- points ----------------------------------------------------------------------------------------------------------- */

/* x and y of k G for k not zero modulo n. */
static void multiple(uint64_t x[4], uint64_t y[4], const uint64_t k[4]) {
    k256_jac p;
    k256_aff a;
    fe_k256_t z;
    vec words[4];
    words_set1(words, k);
    k256_mul_generator(&p, words);
    fe_k256_inv(&z, &p.z);
    k256_to_aff(&a, &p, &z);
    fe_k256_to_words(words, &a.x);
    for (int i = 0; i < 4; i++) x[i] = vlane(words[i], VL - 1);
    fe_k256_to_words(words, &a.y);
    for (int i = 0; i < 4; i++) y[i] = vlane(words[i], VL - 1);
}
/* Is this k G, in every lane? */
static int is_multiple(const k256_hom *p, const uint64_t k[4]) {
    uint64_t x[4], y[4];
    k256_hom wanted;
    k256_aff a;
    vec words[4];
    if (int256_is_zero(k)) return mbits(fe_k256_is_zero(&p->z)) == (1u << VL) - 1;
    multiple(x, y, k);
    words_set1(words, x);
    fe_k256_from_words(&a.x, words);
    words_set1(words, y);
    fe_k256_from_words(&a.y, words);
    k256_hom_from_aff(&wanted, &a);
    return mbits(k256_hom_eq(p, &wanted)) == (1u << VL) - 1 && mbits(fe_k256_is_zero(&p->z)) == 0;
}
/* Sums of `full` and `brief` terms over points whose logarithms are known. */
static void check_sum(size_t full, size_t brief, int window) {
    enum { POINTS = 24 };
    static uint64_t logs[POINTS][4];
    static int made = 0;
    uint64_t wanted[4] = {0};
    k256_hom sum;
    for (uint32_t i = 0; i < POINTS && !made; i++) {
        uint64_t xy[8];
        uint32_t at[VL];
        vec words[4];
        k256_aff p;
        for (int k = 0; k < 4; k++) logs[i][k] = i % 3 == 0 ? (k == 0) * (i + 1) : test_random() >> (k == 3);
        multiple(xy, xy + 4, logs[i]);
        words_set1(words, xy);
        fe_k256_from_words(&p.x, words);
        words_set1(words, xy + 4);
        fe_k256_from_words(&p.y, words);
        for (int lane = 0; lane < VL; lane++) at[lane] = i;
        k256_multi_put(&work.multi, at, &p);
    }
    made = 1;
    k256_multi_clear(&work.multi);
    for (size_t t = 0; t < full + brief; t++) {
        const int image = (int)(test_random() % 2), negative = (int)(test_random() % 2);
        const uint32_t point = (uint32_t)(test_random() % POINTS);
        const uint64_t low = t < full ? test_random() : test_random() >> 1,
                       high = t < full ? test_random() >> t % 70 % 64 : 0;
        const uint64_t k[4] = {low, high};
        uint64_t part[4];
        k256_multi_term(&work.multi, point, image, negative, low, high, t < full);
        big_mulmod(part, k, logs[point], order);
        if (image) big_mulmod(part, part, lambda, order);
        if (negative) big_negmod(part, part, order);
        big_addmod(wanted, wanted, part, order);
    }
    if (window)
        k256_multi_by(&sum, &work.multi, window);
    else
        k256_multi_of_terms(&sum, &work.multi);
    EXPECT(is_multiple(&sum, wanted));
}
static void test_sums(void) {
    for (int window = k256_MULTI_LEAST_WINDOW; window <= k256_MULTI_MOST_WINDOW; window++) check_sum(21, 9, window);
    for (size_t n = 0; n < 12; n++) check_sum(n, n * 5 % 7, 0);
    check_sum(THOROUGH ? 2000 : 200, THOROUGH ? 1500 : 200, 0);
}

/* ---- combined equations ----------------------------------------------------------------------------------------------- */

static int combine_draws_twice(combine_state *c) {
    uint64_t one[64], two[64];
    combine_start(c);
    if (!combine_draw(c, one, 16, 0) || !combine_draw(c, two, 16, 16)) return 0;
    for (int i = 0; i < 32; i++)
        for (int j = 0; j < 32; j++)
            if (one[i] == two[j]) return 0;
    return 1;
}
/* A combination is taken when all is well and falls when anything is not; its coefficients are what they should be. */
static void test_combination(void) {
    start_over();
    expect_bad(&good, MOST); /* leaves points, scalars and coefficients */
    EXPECT(work.combine.seeded == 1 && work.combine.seen == MOST && work.combine.bad == 0 && work.found.n == MOST);
    for (size_t i = 0; i < MOST; i++) {
        const uint64_t *c = work.coefficients + 2 * i;
        const uint64_t low[4] = {c[0] >> 63 ? 0 - c[0] : c[0]}, high[4] = {c[1] >> 63 ? 0 - c[1] : c[1]};
        uint64_t a[4], b[4];
        big_mulmod(b, high, lambda, order);
        if (c[1] >> 63) big_negmod(b, b, order);
        memcpy(a, low, sizeof a);
        if (c[0] >> 63) big_negmod(a, a, order);
        big_addmod(a, a, b, order);
        for (int part = 0; part < 8; part += 4) {
            big_mulmod(b, a, work.scalars + 8 * i + part, order);
            EXPECT(big_same(b, work.products + 8 * i + part));
        }
        for (size_t j = 0; j < i; j++) EXPECT(c[0] != work.coefficients[2 * j] && c[1] != work.coefficients[2 * j + 1]);
    }
    EXPECT(combine_draws_twice(&work.combine));
    vmode mode = vmode_enter();
    const unsigned all = (1u << VL) - 1;
    EXPECT_INT(schnorr_secp256k1_holds(&work, work.live, MOST), all);
    for (int word = 0; word < 8; word += 4) { /* a s and a e */
        work.products[8 * (MOST / 2) + (size_t)word] ^= 1;
        EXPECT_INT(schnorr_secp256k1_holds(&work, work.live, MOST), 0);
        schnorr_secp256k1_remember(&work);
        EXPECT_INT(schnorr_secp256k1_holds(&work, work.live, MOST / 2), all);
        EXPECT(!schnorr_secp256k1_explains(&work));
        EXPECT_INT(schnorr_secp256k1_holds(&work, work.live + MOST / 2, MOST / 8), 0);
        EXPECT(schnorr_secp256k1_explains(&work));
        work.products[8 * (MOST / 2) + (size_t)word] ^= 1;
    }
    for (int half = 0; half < 2; half++) { /* R */
        work.coefficients[2 * 7 + half] ^= 1ULL << 62;
        EXPECT_INT(schnorr_secp256k1_holds(&work, work.live, MOST), 0);
        work.coefficients[2 * 7 + half] ^= 1ULL << 62;
    }
    work.combine.seeded = -1; /* the system has no random bytes: no combination, the same verdicts */
    work.scalars[8 * 5] ^= 1;
    memset(work.coefficients, 0, sizeof work.coefficients);
    combine_settle(&work.combine, &schnorr_secp256k1_combines, &work, work.status, work.live, MOST / 2, 0);
    for (size_t i = 0; i < MOST / 2; i++) EXPECT_INT(work.status[i], i == 5 ? PC_BAD_SIGNATURE : PC_VALID);
    vmode_leave(mode);
}

/* No arrangement of errors among n items gets through. */
static void test_errors_among(size_t n) {
    uint8_t verdicts[MOST];
    for (size_t i = 0; i < n; i += THOROUGH && n < 100 ? 1 : 1 + test_random() % n) { /* one bad item, anywhere */
        start_over();
        spoil_one(i, 1);
        expect_bad(&spoiled, n);
    }
    for (size_t step = 1; step < n; step = 3 * step + 1) { /* every step-th, in pairs whose errors cancel in a plain sum */
        start_over();
        for (size_t i = 0; i + step < n; i += 2 * step) {
            const uint64_t one[4] = {1};
            uint64_t s[4];
            spoil_one(i, 1);
            pc_words_from_be(s, good.signatures + 64 * (i + step) + 32);
            big_submod(s, s, one, order);
            pc_words_to_be(spoiled.signatures + 64 * (i + step) + 32, s);
            bad[i + step] = 1;
        }
        expect_bad(&spoiled, n);
    }
    start_over(); /* neighbours without a point R, without a scalar, without a key */
    static const uint8_t no_point[32] = {[31] = 5}, not_even_less[32] = {[31] = 7};
    memcpy(spoiled.signatures, no_point, 32);
    memset(spoiled.signatures + 64 * (n / 2), 0xff, 64);
    memcpy(spoiled.keys + 32 * (n - 1), no_point, 32);
    memcpy(spoiled.signatures + 64 * (n / 3), not_even_less, 32);
    verify(&spoiled, n, verdicts);
    for (size_t j = 0; j < n; j++)
        EXPECT_INT(verdicts[j], j == n - 1             ? PC_MALFORMED_KEY
                                : j == n / 2           ? PC_SCALAR_OUT_OF_RANGE
                                : j == 0 || j == n / 3 ? PC_BAD_SIGNATURE
                                                       : PC_VALID);
}
static void test_errors(void) {
    static const size_t sizes[] = {2,
                                   SCHNORR_LEAST - 1,
                                   SCHNORR_LEAST,
                                   SCHNORR_LEAST + 1,
                                   SCHNORR_LEAF - 1,
                                   SCHNORR_LEAF,
                                   SCHNORR_LEAF + 1,
                                   2 * SCHNORR_LEAF + VL + 1,
                                   MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) test_errors_among(sizes[k]);
    for (size_t i = 0; i < MOST;
         i += THOROUGH ? 7 : 49) { /* nothing is skipped, wherever the quarters end; alone and with another */
        start_over();
        spoil_one(i, 1);
        expect_bad(&spoiled, MOST);
        spoil_one((i + 1 + test_random() % (MOST - 1)) % MOST, 2);
        expect_bad(&spoiled, MOST);
    }
    for (size_t rare = 3; rare < MOST; rare *= 4) { /* all densities, in runs and strewn */
        for (int runs = 0; runs < 2; runs++) {
            start_over();
            for (size_t i = 0; i < MOST; i++)
                if (runs ? i / 30 % rare == 0 : test_random() % rare == 0) spoil_one(i, 1 + i);
            expect_bad(&spoiled, MOST);
        }
    }
}

/* ---- points that meet ------------------------------------------------------------------------------------------------- */

/* x(k G) to bytes; k becomes n - k where y is odd. */
static void even_multiple(uint8_t bytes[32], uint64_t k[4]) {
    uint64_t x[4], y[4];
    multiple(x, y, k);
    pc_words_to_be(bytes, x);
    if (y[0] & 1) big_negmod(k, k, order);
}
/* A signature by the key d with nonce k. */
static void forge(batch *b, size_t slot, const uint64_t d[4], const uint64_t k[4]) {
    uint64_t secret[4], nonce[4], e[4];
    uint8_t prefix[64], digest[32], head[64];
    const pc_column heads = pc_column_fixed(head, 64), messages = pc_column_fixed(b->messages + MESSAGE * slot, MESSAGE);
    memcpy(secret, d, sizeof secret);
    memcpy(nonce, k, sizeof nonce);
    even_multiple(b->keys + 32 * slot, secret);
    even_multiple(b->signatures + 64 * slot, nonce);
    test_fill(b->messages + MESSAGE * slot, MESSAGE);
    memcpy(head, b->signatures + 64 * slot, 32);
    memcpy(head + 32, b->keys + 32 * slot, 32);
    bip340_tag(prefix, "BIP0340/challenge");
    sha256_many_heads(prefix, 64, &heads, &messages, 1, digest);
    pc_words_from_be(e, digest);
    big_mulmod(e, e, secret, order);
    big_addmod(e, e, nonce, order);
    pc_words_to_be(b->signatures + 64 * slot + 32, e);
}
/* That the last n items were accepted together. A combination of good items that fails costs time and no verdict. */
static void expect_held(size_t n) {
    vmode mode = vmode_enter();
    EXPECT_INT(schnorr_secp256k1_holds(&work, work.live, n), (1u << VL) - 1);
    vmode_leave(mode);
}
/* Keys and R out of a handful of points that the endomorphism and the sign take to each other, G among them; one item
 * many times. */
static void test_meetings(void) {
    static batch b;
    static const uint64_t one[4] = {1}, two[4] = {2};
    uint64_t few[6][4];
    vmode mode = vmode_enter();
    memcpy(few[0], one, sizeof one);
    memcpy(few[1], lambda, sizeof lambda);
    big_mulmod(few[2], lambda, lambda, order);
    memcpy(few[3], two, sizeof two);
    big_negmod(few[4], one, order);
    big_mulmod(few[5], lambda, two, order);
    for (size_t i = 0; i < MOST; i++) forge(&b, i, few[i % 6], few[i / 6 % (i < MOST / 2 ? 6 : 1)]);
    vmode_leave(mode);
    memset(bad, 0, sizeof bad);
    for (size_t n = SCHNORR_LEAST; n <= MOST; n = n < MOST && 3 * n > MOST ? MOST : 3 * n) {
        expect_bad(&b, n);
        expect_held(n);
        EXPECT(work.found.n <= 5); /* G and -G are one key */
    }
    for (size_t i = 1; i < MOST; i += 17) spoil(&b, i, 5), bad[i] = 1; /* the same error many times */
    expect_bad(&b, MOST);
    for (size_t i = 0; i < MOST; i++) {
        memcpy(b.keys + 32 * i, good.keys, 32);
        memcpy(b.signatures + 64 * i, good.signatures, 64);
        memcpy(b.messages + MESSAGE * i, good.messages, MESSAGE);
    }
    memset(bad, 0, sizeof bad);
    expect_bad(&b, MOST);
    expect_held(MOST);
    EXPECT_INT((long)work.found.n, 1);
    spoil(&b, MOST - 1, 1);
    bad[MOST - 1] = 1;
    expect_bad(&b, MOST);
}

/* More than a chunk, bad items at its ends. */
static void test_chunks(void) {
    enum { N = CHUNK_END + 70 };
    static uint8_t keys[32 * N], signatures[64 * N], messages[MESSAGE * N], verdicts[N];
    static const size_t places[] = {0, 1, CHUNK_END / 4 - 1, CHUNK_END / 4, CHUNK_END - 1, CHUNK_END, CHUNK_END + 1, N - 1};
    const pc_column key_column = pc_column_fixed(keys, 32), signature_column = pc_column_fixed(signatures, 64);
    const pc_column message_column = pc_column_fixed(messages, MESSAGE);
    const pc_key_source source = {&key_column, NULL, NULL};
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p += THOROUGH ? 1 : 5) {
        for (size_t i = 0; i < N; i++) {
            memcpy(keys + 32 * i, good.keys + 32 * (i % MOST), 32);
            memcpy(signatures + 64 * i, good.signatures + 64 * (i % MOST), 64);
            memcpy(messages + MESSAGE * i, good.messages + MESSAGE * (i % MOST), MESSAGE);
        }
        signatures[64 * places[p] + 63] ^= 1;
        schnorr_secp256k1_verify(NULL, &source, &signature_column, &message_column, N, &work, verdicts);
        for (size_t i = 0; i < N; i++)
            if (!EXPECT_INT(verdicts[i], i == places[p] ? PC_BAD_SIGNATURE : PC_VALID)) break;
    }
}

int main(void) {
    static uint8_t seeds[32 * MOST];
    static const pc_verify_params params = {.scheme = PC_SCHEME_SCHNORR_SECP256K1};
    const pc_column secrets = pc_column_fixed(seeds, 32), messages = pc_column_fixed(good.messages, MESSAGE);
    test_fill(seeds, sizeof seeds);
    test_fill(good.messages, sizeof good.messages);
    pc_testing_public_keys(PC_SCHEME_SCHNORR_SECP256K1, &secrets, MOST, good.keys);
    pc_testing_sign(&params, &secrets, &messages, MOST, good.signatures);
    vmode mode = vmode_enter();
    test_sums();
    vmode_leave(mode);
    test_combination();
    test_errors();
    test_meetings();
    test_chunks();
    return test_report("schnorr");
}
