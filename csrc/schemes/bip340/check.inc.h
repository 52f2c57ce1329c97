/* bip340/check.inc.h - single equations, one item per lane; template over secp256k1. Gives
 * schnorr_secp256k1_check_singly. */
#ifndef PC_SCHEMES_BIP340_CHECK_INC_H
#define PC_SCHEMES_BIP340_CHECK_INC_H
#include "work.inc.h"

/* Settles the equations of the listed items, at most a block of them: groups vectors. */
static void schnorr_secp256k1_check_block(schnorr_secp256k1_work *w, const uint32_t *list, size_t n) {
    const size_t groups = cv(groups_of)(n);
    const uint64_t *tables[cv(CHUNK)];
    uint32_t row[VL], key[VL];
    vec words[8];
    for (size_t g = 0; g < groups; g++) {
        rows_listed(row, list, g * VL, n);
        vload_rows(words, w->scalars, row, 8, 8);
        memcpy(w->uv[g].u, words, sizeof w->uv[g].u);
        memcpy(w->uv[g].v, words + 4, sizeof w->uv[g].v);
        for (size_t lane = 0; lane < VL; lane++) {
            if (w->window) tables[g * VL + lane] = w->tables[row[lane]];
            key[lane] = w->window ? 0 : w->found.of[row[lane]];
        }
        if (!w->window) cv(multi_get)(&w->q[g], &w->multi, key);
    }
    if (w->window)
        cv(known_base)(w->sum, w->uv, tables, w->window, NULL, groups, &w->mult.known);
    else
        cv(double_base)(w->sum, w->uv, w->q, NULL, groups, &w->mult.ladder);
    for (size_t g = 0; g < groups; g++) w->z_inv[g] = w->sum[g].z;
    fe(batch_inv)(w->z_inv, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(aff) point;
        fe(t) r;
        rows_listed(row, list, g * VL, n);
        vload_rows(words, w->r, row, 4, 4);
        fe(from_words)(&r, words);
        cv(to_aff)(&point, &w->sum[g], &w->z_inv[g]);
        const vmask same = mand(fe(eq)(&point.x, &r), mnot(fe(is_odd)(&point.y)));
        const unsigned good = mbits(mand(same, mnot(fe(is_zero)(&w->sum[g].z))));
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[row[lane]];
            if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
        }
    }
}
static void schnorr_secp256k1_check_singly(void *work, const uint32_t *list, size_t n) {
    for (size_t first = 0; first < n; first += cv(CHUNK))
        schnorr_secp256k1_check_block((schnorr_secp256k1_work *)work, list + first,
                                      n - first < cv(CHUNK) ? n - first : cv(CHUNK));
}
#endif
