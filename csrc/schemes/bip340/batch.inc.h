/* bip340/batch.inc.h - many equations of BIP-340 as one; template over secp256k1.
 *
 * Gives schnorr_secp256k1_combines and, for keys with tables, schnorr_secp256k1_combines_known, both for
 * combine_settle.
 *
 * An item is valid exactly when R, the point with even y and x(R) = r, exists and s G - e P - R = 0. With
 * random coefficients a
 *
 *     (sum a s) G - sum (a e) P - sum a R = 0
 *
 * holds when all equations do. The group has prime order n, so if one does not, there is one a modulo n for
 * which the sum holds all the same. a = c + d lambda with c and d random numbers of 64 bits: no two pairs
 * give the same a (docs/design/0008), so that is a chance of 2^-128. a R then is c R + d lambda R, two terms
 * of 64 bits, and (a e) P two of 128. Factors of equal keys are added first. */
#ifndef PC_SCHEMES_BIP340_BATCH_INC_H
#define PC_SCHEMES_BIP340_BATCH_INC_H
#include "check.inc.h"
#include "keys.inc.h"

#ifndef SCHNORR_LEAST
#    define SCHNORR_LEAST                                                                                                   \
        (VL == 1 ? 10 : 6 * VL) /* items from which a combination is quicker: measured with one lane and with four */
#endif

enum {
    SCHNORR_LEAF = 64,
    SCHNORR_KNOWN =
        1024 /* items from which a combination is quicker than the tables of known keys: a fifth, with four lanes */
};

/* The R of the listed items; their a, and a s and -a e modulo n. */
static int schnorr_secp256k1_prepare(void *work, const uint32_t *list, size_t n, uint64_t number) {
    static const uint64_t lambda_words[4] = CV_LAMBDA;
    schnorr_secp256k1_work *w = (schnorr_secp256k1_work *)work;
    vec words[8];
    sc(t) lambda, a, b, t;
    if (!combine_draw(&w->combine, w->drawn, n, number)) return 0;
    for (size_t i = 0; i < n; i++) {
        w->jobs[i] = 2 * list[i];
        memcpy(w->coefficients + 2 * (size_t)list[i], w->drawn + 2 * i, 2 * sizeof(uint64_t));
    }
    schnorr_secp256k1_lift(w, n);
    words_set1(words, lambda_words);
    sc(from_words)(&lambda, words);
    for (size_t first = 0; first < n; first += VL) {
        const vec most = vset1(~0ULL >> 1), zero = vzero();
        uint32_t row[VL];
        vec c[2];
        rows_listed(row, list, first, n);
        vload_rows(c, w->coefficients, row, 2, 2);
        const vmask negative[2] = {vlt(most, c[0]), vlt(most, c[1])};
        const vec low[4] = {vblend(negative[0], vsub(zero, c[0]), c[0]), zero, zero, zero};
        const vec high[4] = {vblend(negative[1], vsub(zero, c[1]), c[1]), zero, zero, zero};
        sc(from_words)(&a, low);
        sc(cneg)(&a, negative[0], &a);
        sc(from_words)(&b, high);
        sc(cneg)(&b, negative[1], &b);
        sc(mul)(&b, &b, &lambda);
        sc(addc)(&a, &a, &b);
        vload_rows(words, w->scalars, row, 8, 8);
        for (int i = 0; i < 8;
             i += 4) { /* an element times unpacked words packs to their product: nothing to enter or leave */
            sc(unpack)(&t, words + i);
            sc(mul)(&t, &t, &a);
            sc(pack)(words + i, &t);
        }
        vstore_rows(w->products, row, 8, words, 8);
    }
    return 1;
}

/* Adds up the factors of G and of every key of the listed items; returns how many keys there are in in_use. */
static size_t schnorr_secp256k1_add_factors(schnorr_secp256k1_work *w, const uint32_t *list, size_t n) {
    static const uint64_t order[4] = CV_N;
    size_t used = 1;
    w->in_use[0] = 0;
    memset(w->factors, 0, 4 * sizeof w->factors[0]);
    for (size_t i = 0; i < n; i++) {
        const uint32_t item = list[i], key = w->found.of[item];
        const uint64_t *products = w->products + 8 * (size_t)item;
        uint64_t *factor = w->factors + 4 * (size_t)key;
        if (w->status[item] != PC_VALID) continue; /* there is no R */
        if (!w->in_sum[key]) {
            w->in_sum[key] = 1;
            w->in_use[used++] = key;
            memset(factor, 0, 4 * sizeof factor[0]);
        }
        int256_add_mod(w->factors, w->factors, products, order);
        int256_add_mod(factor, factor, products + 4, order);
    }
    for (size_t i = 0; i < used; i++) w->in_sum[w->in_use[i]] = 0;
    return used;
}
/* All lanes when the combination of the listed items holds, else none. */
static unsigned schnorr_secp256k1_holds(void *work, const uint32_t *list, size_t n) {
    schnorr_secp256k1_work *w = (schnorr_secp256k1_work *)work;
    const size_t used = schnorr_secp256k1_add_factors(w, list, n);
    cv(multi_clear)(&w->multi);
    for (size_t first = 0; first < used; first += VL) {
        uint64_t halves[4][VL];
        uint32_t key[VL];
        vec factor[4], part[2][2];
        vmask signs[2];
        rows_listed(key, w->in_use, first, used);
        vload_rows(factor, w->factors, key, 4, 4);
        cv(split)(part, signs, factor);
        for (int i = 0; i < 4; i++) vstore(halves[i], part[i / 2][i % 2]);
        for (size_t lane = 0; lane < VL && first + lane < used; lane++)
            for (int image = 0; image < 2; image++)
                cv(multi_term)(&w->multi, key[lane], image, mbits(signs[image]) >> lane & 1, halves[2 * image][lane],
                               halves[2 * image + 1][lane], 1);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t item = list[i];
        if (w->status[item] != PC_VALID) continue;
        for (int image = 0; image < 2; image++) {
            const uint64_t c = w->coefficients[2 * (size_t)item + (size_t)image];
            const int negative = (int)(c >> 63); /* the sum has -a R */
            cv(multi_term)(&w->multi, 1 + schnorr_secp256k1_CHUNK + item, image, !negative, negative ? 0 - c : c, 0, 0);
        }
    }
    cv(multi_of_terms)(&w->left_side, &w->multi);
    return mbits(fe(is_zero)(&w->left_side.z));
}
static void schnorr_secp256k1_remember(void *work) {
    schnorr_secp256k1_work *w = (schnorr_secp256k1_work *)work;
    w->remembered = w->left_side;
}
static int schnorr_secp256k1_explains(void *work) {
    const schnorr_secp256k1_work *w = (const schnorr_secp256k1_work *)work;
    return mbits(cv(hom_eq)(&w->left_side, &w->remembered)) == (1u << VL) - 1;
}

#define SCHNORR_COMBINES(known, one_in)                                                                                     \
    static const combine_scheme schnorr_secp256k1_combines##known = {.leaf = SCHNORR_LEAF,                                  \
                                                                     .by_lane = 0,                                          \
                                                                     .least = SCHNORR_LEAST,                                \
                                                                     .hopeless = one_in,                                    \
                                                                     .prepare = schnorr_secp256k1_prepare,                  \
                                                                     .holds = schnorr_secp256k1_holds,                      \
                                                                     .check_singly = schnorr_secp256k1_check_singly,        \
                                                                     .remember = schnorr_secp256k1_remember,                \
                                                                     .explains = schnorr_secp256k1_explains}
SCHNORR_COMBINES(, 150);
SCHNORR_COMBINES(_known, 1000); /* single checks cost little more than combinations */
#undef SCHNORR_COMBINES
#endif
