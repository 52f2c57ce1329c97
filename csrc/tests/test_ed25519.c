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
#include "../schemes/ed25519/all.inc.h"
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
    ed25519_encoded e[PC_SIDE];
    for (int j = 0; j < PC_SIDE; j++) words_set1(e[j].words, words);
    ed25519_decompress(e, PC_SIDE);
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
/* The same, kept: cases that change only signatures share the tables, which cost ten times what they are for. */
static struct kept {
    pc_keyset *set;
    size_t n;
    uint8_t keys[32 * MOST], verdicts[MOST];
} kept_sets[4];
static const pc_keyset *kept_set(const uint8_t *keys, size_t n, int window, uint8_t *verdicts) {
    struct kept *k = &kept_sets[window % 4];
    if (!k->set || k->n != n || k->set->window != window || memcmp(k->keys, keys, 32 * n) != 0) {
        free(k->set);
        k->set = new_set(keys, n, window, k->verdicts);
        k->n = n;
        memcpy(k->keys, keys, 32 * n);
    }
    memcpy(verdicts, k->verdicts, n);
    return k->set;
}
/* Verdicts by encoded keys. */
static void verify_column(const batch *b, size_t first, size_t n, int rules, uint8_t *verdicts) {
    const pc_column keys = pc_column_fixed(b->keys + 32 * first, 32),
                    signatures = pc_column_fixed(b->signatures + 64 * first, 64);
    const pc_column messages = pc_column_fixed(b->messages + MESSAGE * first, MESSAGE);
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = rules};
    const pc_key_source source = {&keys, NULL, NULL};
    memset(scratch, 0xa5, ED25519_VERIFY_SCRATCH);
    ed25519_verify(&params, &source, &signatures, &messages, n, scratch, verdicts);
}
/* The same; by tables of the keys they are the same. */
static void verify(const batch *b, size_t first, size_t n, int rules, uint8_t *verdicts) {
    const pc_column signatures = pc_column_fixed(b->signatures + 64 * first, 64);
    const pc_column messages = pc_column_fixed(b->messages + MESSAGE * first, MESSAGE);
    const pc_verify_params params = {.scheme = PC_SCHEME_ED25519, .rules = rules};
    uint8_t by_table[MOST];
    uint32_t indices[MOST];
    const pc_keyset *set = kept_set(b->keys + 32 * first, n, 2 + b->keys[32 * first] % 4, by_table); /* one for all rules */
    const pc_key_source known = {NULL, set, indices};
    for (size_t i = 0; i < n; i++) indices[i] = (uint32_t)i;
    memset(scratch, 0x5a, ED25519_VERIFY_SCRATCH);
    ed25519_verify(&params, &known, &signatures, &messages, n, scratch, by_table);

    verify_column(b, first, n, rules, verdicts);
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

#include "ed25519_group_cases.inc.h"
#include "ed25519_signature_cases.inc.h"
#include "ed25519_batch_cases.inc.h"

int main(void) {
    scratch = aligned_alloc(64, (ED25519_VERIFY_SCRATCH + 63) / 64 * 64);
    vmode mode = vmode_enter();
    find_torsion();
    test_law();
    test_multiplication();
    test_subgroup();
    test_encodings();
    test_torsion_signatures();
    test_non_canonical();
    test_sums();
    vmode_leave(mode);
    test_verdicts();
    sign_all(&good, MOST);
    test_combination();
    test_errors();
    test_equal_items();
    test_exact_combinations();
    test_chunks();
    test_lengths();
    for (int i = 0; i < 4; i++) free(kept_sets[i].set);
    free(scratch);
    return test_report("ed25519");
}
