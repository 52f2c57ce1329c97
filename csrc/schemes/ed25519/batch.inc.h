/* ed25519/batch.inc.h - many cofactored equations as one; template.
 *
 * Gives ed25519_combines, for combine_settle.
 *
 * For random coefficients z of 128 bits,
 *
 *     [8] ( sum z R + sum (z k) A - (sum z S) B ) = 0
 *
 * takes a fraction of the work of the single equations. If every equation holds, so does this. If one fails,
 * its left side has a part of prime order (the factor 8 removes any other), and the combination holds with
 * probability 2^-128. So the verdicts are those of the single equations, for every input - which is true with
 * the cofactor only: without it a defect of small order survives or cancels by chance (docs/design/0001).
 *
 * The coefficients come from a generator that the operating system seeds once in a call (docs/design/0008):
 * whoever makes the signatures cannot know them. Where there is no seed, equations are checked singly.
 *
 * Factors of equal keys are added, so a key costs its share once in a combination. Many items make one sum by
 * buckets; fewer make one sum in each lane, and when that fails the failed lanes alone are gone through,
 * regrouped into full vectors. */
#ifndef PC_SCHEMES_ED25519_BATCH_INC_H
#define PC_SCHEMES_ED25519_BATCH_INC_H
#include "check.inc.h"

/* ---- coefficients --------------------------------------------------------------------------------------------------------- */

/* z of the listed items, and their products z k and -z S. */
static int ed25519_coefficients(void *work, const uint32_t *list, size_t n, uint64_t number) {
    static const uint64_t two128_words[4] = {0, 0, 1, 0};
    ed25519_work *w = (ed25519_work *)work;
    sc25519_t two128;
    if (!combine_draw(&w->combine, w->wide, n, number)) return 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t *z = w->z + 4 * (size_t)list[i];
        memcpy(z, w->wide + 2 * i, 16);
        z[2] = z[3] = 0 - (z[1] >> 63);
    }
    sc25519_set_words(&two128, two128_words);
    for (size_t first = 0; first < n; first += VL) {
        uint32_t row[VL];
        vec words[8];
        sc25519_t z, t;
        rows_listed(row, list, first, n);
        vload_rows(words, w->z, row, 4, 4);
        const vmask negative = vlt(vzero(), words[3]);
        words[2] = words[3] = vzero();
        sc25519_from_words(&z, words);
        sc25519_sub(&t, &z, &two128);
        sc25519_carry(&t, &t);
        sc25519_select(&z, negative, &t, &z);
        vload_rows(words, w->scalars, row, 8, 8);
        sc25519_unpack(&t, words + 4);
        sc25519_mul(&t, &t, &z);
        sc25519_pack(words + 4, &t);
        sc25519_unpack(&t, words);
        sc25519_mul(&t, &t, &z);
        sc25519_neg(&t, &t);
        sc25519_carry(&t, &t);
        sc25519_pack(words, &t);
        vstore_rows(w->wide, row, 8, words, 8);
    }
    return 1;
}

/* ---- one sum for all ------------------------------------------------------------------------------------------------------ */

/* sum[5] += w[4] */
PC_FN void ed25519_accumulate(uint64_t sum[5], const uint64_t w[4]) {
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        const pc_u128 t = (pc_u128)sum[i] + w[i] + carry;
        sum[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    sum[4] += carry;
}
/* Adds up the factors of B and of every key of the listed items, modulo L; returns how many keys there are in in_use. */
static size_t ed25519_add_factors(ed25519_work *w, const uint32_t *list, size_t n) {
    size_t used = 1;
    ed25519_folds folds;
    ed25519_folds_of(&folds);
    memset(w->sums, 0, 5 * sizeof w->sums[0]);
    w->in_use[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t item = list[i], key = w->found.of[item];
        if (!w->in_sum[key]) {
            w->in_sum[key] = 1;
            w->in_use[used++] = key;
            memset(w->sums + 5 * (size_t)key, 0, 5 * sizeof w->sums[0]);
        }
        ed25519_accumulate(w->sums, w->wide + 8 * (size_t)item);
        ed25519_accumulate(w->sums + 5 * (size_t)key, w->wide + 8 * (size_t)item + 4);
    }
    for (size_t i = 0; i < used; i++) w->in_sum[w->in_use[i]] = 0;
    for (size_t first = 0; first < used; first += VL) {
        uint32_t row[VL];
        vec words[5];
        rows_listed(row, w->in_use, first, used);
        vload_rows(words, w->sums, row, 5, 5);
        ed25519_wide_mod(words, words, 5, &folds);
        vstore_rows(w->sums, row, 5, words, 4);
    }
    return used;
}
/* Does the combination of the listed items hold? */
static int ed25519_holds(ed25519_work *w, const uint32_t *list, size_t n) {
    const size_t used = ed25519_add_factors(w, list, n);
    const ed25519_terms full = {w->keys, w->sums, 5, w->in_use, used}, brief = {w->rs, w->z, 4, list, n};
    ed25519_ext sum;
    ed25519_point_of_generator(w->keys);
    ed25519_pippenger(&sum, &full, &brief, w->memory.buckets);
    return mbits(ed25519_vanishes(&sum)) == (1u << VL) - 1;
}

/* ---- one sum in each lane ------------------------------------------------------------------------------------------------- */

/* The lanes in which the combination holds: lane j has the items list[j], list[VL + j] and so on. */
static unsigned ed25519_holds_in(ed25519_work *w, const uint32_t *list, size_t n) {
    const size_t vecs = (n + VL - 1) / VL;
    sc25519_t sum = sc25519_zero(), t;
    ed25519_ext p;
    vec words[8];
    for (size_t i = 0; i < vecs; i++) {
        ed25519_pair *pair = &w->memory.pairs[i];
        const vec there = vblend(ed25519_there(i * VL, n), vset1(~0ULL), vzero());
        uint32_t row[VL], key[VL];
        ed25519_niels point;
        rows_listed(row, list, i * VL, n);
        for (int lane = 0; lane < VL; lane++) key[lane] = w->found.of[row[lane]];
        vload_rows(pair->z, w->z, row, 4, 4);
        vload_rows(words, w->wide, row, 8, 8);
        for (int k = 0; k < 4; k++) {
            pair->z[k] = vand(pair->z[k], there);
            pair->v[k] = vand(words[4 + k], there);
            words[k] = vand(words[k], there);
        }
        sc25519_from_words(&t, words);
        sc25519_addc(&sum, &sum, &t);
        ed25519_point_load(&point, w->keys, key);
        ed25519_from_niels(&p, &point);
        ed25519_multiples(pair->a_rows, ed25519_A_ROWS, &p);
        ed25519_point_load(&point, w->rs, row);
        ed25519_from_niels(&p, &point);
        ed25519_multiples(pair->r_rows, ed25519_Z_ROWS, &p);
    }
    sc25519_to_words(words, &sum);
    ed25519_straus(&p, words, w->memory.pairs, vecs);
    return mbits(ed25519_vanishes(&p));
}

/* ---- for combine_settle ------------------------------------------------------------------------------------------------- */

static unsigned ed25519_holds_where(void *work, const uint32_t *list, size_t n) {
    if (n < ed25519_PIPPENGER) return ed25519_holds_in((ed25519_work *)work, list, n);
    return ed25519_holds((ed25519_work *)work, list, n) ? (1u << VL) - 1 : 0;
}
static const combine_scheme ed25519_combines = {.leaf = ed25519_LEAF * VL,
                                                .by_lane = ed25519_STRAUS * VL,
                                                .least = VL + 1,
                                                .hopeless = 12,
                                                .prepare = ed25519_coefficients,
                                                .holds = ed25519_holds_where,
                                                .check_singly = ed25519_check_singly};
#endif
