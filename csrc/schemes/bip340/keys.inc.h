/* bip340/keys.inc.h - the points of keys and of R, and equal keys; template over secp256k1.
 *
 * Gives schnorr_secp256k1_find_keys, and schnorr_secp256k1_lift, which finds the points of x coordinates. */
#ifndef PC_SCHEMES_BIP340_KEYS_INC_H
#define PC_SCHEMES_BIP340_KEYS_INC_H
#include "read.inc.h"

/* Keeps the points of these jobs, or that there are none. */
static void schnorr_secp256k1_keep(schnorr_secp256k1_work *w, const uint32_t job[VL], const cv(aff) * p, unsigned found) {
    uint32_t point[VL];
    for (size_t lane = 0; lane < VL; lane++) {
        const uint32_t item = job[lane] / 2;
        point[lane] = job[lane] & 1 ? w->found.of[item] : 1 + schnorr_secp256k1_CHUNK + item;
        if (found >> lane & 1) continue;
        if (job[lane] & 1)
            w->bad_point[point[lane]] = 1;
        else if (w->status[item] == PC_VALID)
            w->status[item] = PC_BAD_SIGNATURE;
    }
    cv(multi_put)(&w->multi, point, p);
}
/* Finds the points of n jobs: 2 j is the R of item j, 2 j + 1 its key. */
static void schnorr_secp256k1_lift(schnorr_secp256k1_work *w, size_t n) {
    const vmask even[PC_SIDE] = {mfrom_bits(0), mfrom_bits(0)};
    for (size_t first = 0; first < n; first += PC_SIDE * VL) {
        const int side = n - first <= VL ? 1 : PC_SIDE;
        uint32_t job[PC_SIDE * VL];
        cv(aff) p[PC_SIDE];
        vmask found[PC_SIDE];
        for (int i = 0; i < side; i++) {
            uint64_t soa[4 * VL], x[4];
            vec words[4];
            rows_listed(job + i * VL, w->jobs, first + (size_t)i * VL, n);
            for (size_t lane = 0; lane < VL; lane++) {
                pc_words_from_be(x, (const uint8_t *)(w->heads + 4 * (size_t)job[(size_t)i * VL + lane]));
                for (size_t k = 0; k < 4; k++) soa[k * VL + lane] = x[k];
            }
            words_load(words, soa, VL);
            fe(from_words)(&p[i].x, words);
        }
        cv(lift_x_side)(p, even, found, side);
        for (int i = 0; i < side; i++) schnorr_secp256k1_keep(w, job + i * VL, &p[i], mbits(found[i]));
    }
}
/* Points of keys from the records of a set. */
static void schnorr_secp256k1_load_keys(schnorr_secp256k1_work *w, const pc_key_source *keys, size_t first) {
    for (size_t at = 1; at <= w->found.n; at += VL) {
        uint64_t soa[8 * VL];
        uint32_t row[VL];
        vec words[8];
        cv(aff) p;
        rows_listed(row, NULL, at, w->found.n + 1);
        for (size_t lane = 0; lane < VL; lane++) {
            const cv(key_record) *key = schnorr_secp256k1_record(keys, first + w->found.item[row[lane]]);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = key->x[i], soa[(4 + i) * VL + lane] = key->y[i];
        }
        words_load(words, soa, VL);
        words_load(words + 4, soa + 4 * VL, VL);
        fe(from_words)(&p.x, words);
        fe(from_words)(&p.y, words + 4);
        cv(multi_put)(&w->multi, row, &p);
    }
}
/* The different keys of a chunk, and their points. */
static void schnorr_secp256k1_find_keys(schnorr_secp256k1_work *w, const pc_key_source *keys, size_t first, size_t n) {
    const uint32_t zero[VL] = {0};
    size_t jobs = 0;
    cv(aff) generator;
    combine_find_keys(&w->found, w->heads + 4, w->bad_key, n);
    memset(w->bad_point, 0, w->found.n + 1);
    memset(w->in_sum, 0, w->found.n + 1);
    cv(generator)(&generator);
    cv(multi_put)(&w->multi, zero, &generator);
    if (!keys->column) {
        schnorr_secp256k1_load_keys(w, keys, first);
        return;
    }
    for (uint32_t key = 1; key <= w->found.n; key++) w->jobs[jobs++] = 2 * w->found.item[key] + 1;
    schnorr_secp256k1_lift(w, jobs);
}
#endif
