/* ed25519/known.inc.h - keys with tables: their making, and a chunk of signatures by them; template.
 *
 * Gives ed25519_check_known, ed25519_keyset_put and ed25519_keyset_table.
 *
 * R' = S B - k A takes additions only (mult/edwards_known.inc.h; the tables are those of -A). Its encoding,
 * with one inversion for a block, is compared with R's. Equal bytes settle the item under every rule set: R
 * is then R', and the equation holds with and without the cofactor. Under the cofactored rules an item that
 * differs may still be valid, or its R be on no point: only the vectors that have such an item decompress R
 * and look at [8] (R' - R). */
#ifndef PC_SCHEMES_ED25519_KNOWN_INC_H
#define PC_SCHEMES_ED25519_KNOWN_INC_H
#include "check.inc.h"

static size_t ed25519_keyset_table(int window) {
    if (window < ed25519_KNOWN_LEAST_WINDOW || window > CV_KNOWN_WINDOW) return 0;
    return (ED_KNOWN_WORDS(window) * sizeof(uint64_t) + 63) & ~(size_t)63;
}

/* The tables of n records, a lane each. */
static void ed25519_keyset_tabulate(ed25519_key_record *const records[VL], size_t n, int window) {
    uint64_t x_words[4][VL], y_words[4][VL], *tables[VL];
    fe25519_t x, y;
    ed25519_ext a;
    vec words[4];
    for (size_t lane = 0; lane < VL; lane++) {
        const ed25519_key_record *key = records[lane < n ? lane : 0];
        tables[lane] = key->table;
        for (size_t i = 0; i < 4; i++) x_words[i][lane] = key->x[i], y_words[i][lane] = key->y[i];
    }
    words_load(words, x_words[0], VL);
    fe25519_from_words(&x, words);
    words_load(words, y_words[0], VL);
    fe25519_from_words(&y, words);
    ed25519_from_affine(&a, &x, &y);
    ed25519_neg(&a, &a);
    ed25519_known_build(tables, n, &a, window);
}

/* Where the set itself has room for the table of a slot. */
PC_FN void *ed25519_own_table(pc_keyset *set, size_t slot) {
    return (uint8_t *)set + set->tables_offset + slot * ed25519_keyset_table(set->window);
}

/* Keys into slots of a set (NULL: slots 0 .. n - 1). */
static void ed25519_keyset_put(const pc_column *column, size_t n, pc_keyset *set, const uint32_t *slots, void *const *tables,
                               uint8_t *verdicts) {
    enum {
        STRIDE = sizeof(ed25519_key_record) / sizeof(uint64_t),
        BYTES = offsetof(ed25519_key_record, bytes) / sizeof(uint64_t)
    };
    ed25519_key_record *records = (ed25519_key_record *)(void *)((uint8_t *)set + set->records_offset);
    uint64_t *words = (uint64_t *)(void *)records;
    ed25519_key_record *waiting[VL];
    size_t n_waiting = 0;
    vmode mode = vmode_enter();
    for (size_t at = 0; at < n; at++) {
        size_t len;
        const uint8_t *bytes = pc_column_row(column, at, &len);
        ed25519_key_record *key = &records[slots ? slots[at] : at];
        key->verdict = len == 32 ? PC_VALID : PC_MALFORMED_KEY;
        key->table = NULL;
        memcpy(key->bytes, len == 32 ? bytes : ed25519_filler, 32);
    }
    for (size_t first = 0; first < n; first += PC_SIDE * VL) {
        ed25519_encoded e[PC_SIDE];
        uint32_t row[PC_SIDE][VL];
        const int side = n - first <= VL ? 1 : PC_SIDE;
        for (int i = 0; i < side; i++) {
            rows_listed(row[i], slots, first + (size_t)i * VL, n);
            ed25519_load_le(e[i].words, words + BYTES, row[i], STRIDE, 4);
        }
        ed25519_decompress(e, side);
        for (int i = 0; i < side; i++) {
            const unsigned good = mbits(e[i].is_point);
            vec point[8];
            fe25519_to_words(point, &e[i].x);
            fe25519_to_words(point + 4, &e[i].y);
            vstore_rows(words, row[i], STRIDE, point, 8);
            for (int lane = 0; lane < VL; lane++)
                if (!(good >> lane & 1)) records[row[i][lane]].verdict = PC_MALFORMED_KEY;
        }
    }
    for (size_t at = 0; at < n; at++) {
        const size_t slot = slots ? slots[at] : at;
        verdicts[at] = (uint8_t)records[slot].verdict;
        if (!set->window || verdicts[at] != PC_VALID) continue;
        records[slot].table = (uint64_t *)(tables ? tables[at] : ed25519_own_table(set, slot));
        waiting[n_waiting++] = &records[slot];
        if (n_waiting < VL) continue;
        ed25519_keyset_tabulate(waiting, n_waiting, set->window);
        n_waiting = 0;
    }
    if (n_waiting) ed25519_keyset_tabulate(waiting, n_waiting, set->window);
    vmode_leave(mode);
}

/* ---- verification ------------------------------------------------------------------------------------------------------ */

/* The sums S B - k A of a block: items first, first + 1 ... of n listed ones. */
static void ed25519_known_sums(ed25519_work *w, const pc_key_source *keys, size_t number, const uint32_t *list, size_t first,
                               size_t n) {
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    const ed25519_key_record *records = (const ed25519_key_record *)(const void *)base;
    const size_t left = (n - first + VL - 1) / VL, vecs = left < ed25519_BLOCK ? left : ed25519_BLOCK;
    ed25519_known_terms terms[2]; /* the rows of the next vector come in while one is added up */
    for (size_t i = 0; i <= vecs; i++) {
        if (i < vecs) {
            const uint64_t *tables[VL];
            uint32_t row[VL];
            vec scalars[8];
            rows_listed(row, list, first + i * VL, n);
            for (int lane = 0; lane < VL; lane++) tables[lane] = records[keys->indices[number + row[lane]]].table;
            vload_rows(scalars, w->scalars, row, 8, 8);
            ed25519_known_take_aim(&terms[i % 2], scalars, scalars + 4, tables, keys->set->window);
            for (size_t term = 0; i == 0 && term < terms[0].n; term++) ed25519_known_fetch(&terms[0], term);
        }
        if (i > 0) ed25519_known_sum(&w->memory.block.sum[i - 1], &terms[(i - 1) % 2], i < vecs ? &terms[i % 2] : NULL);
    }
}
/* [8] (sum - R) = 0 for the items in these rows, R being decompressed for it. */
static vmask ed25519_known_cofactored(const ed25519_work *w, const uint32_t row[VL], const ed25519_ext *sum) {
    ed25519_encoded r;
    ed25519_niels point;
    ed25519_sum s;
    ed25519_ext t;
    ed25519_load_le(r.words, w->heads, row, 8, 4);
    ed25519_decompress(&r, 1);
    ed25519_niels_of(&point, &r.x, &r.y);
    ed25519_add_niels(&s, sum, &point, mfrom_bits((1u << VL) - 1));
    ed25519_to_ext(&t, &s);
    return mand(r.is_point, ed25519_vanishes(&t));
}
/* Settles a chunk, the first item of which is `number`. */
static void ed25519_check_known(ed25519_work *w, const pc_key_source *keys, size_t number, size_t n, int cofactored) {
    size_t live = 0;
    for (uint32_t j = 0; j < n; j++)
        if (w->status[j] == PC_VALID && !w->bad_key[j]) w->live[live++] = j;
    for (size_t first = 0; first < live; first += ed25519_BLOCK * VL) {
        const size_t left = (live - first + VL - 1) / VL, vecs = left < ed25519_BLOCK ? left : ed25519_BLOCK;
        ed25519_known_sums(w, keys, number, w->live, first, live);
        ed25519_invert_z(w, vecs);
        for (size_t i = 0; i < vecs; i++) {
            uint32_t row[VL];
            rows_listed(row, w->live, first + i * VL, live);
            vmask good = ed25519_is_encoded(w, row, i);
            if (cofactored && mbits(good) != (1u << VL) - 1)
                good = mor(good, ed25519_known_cofactored(w, row, &w->memory.block.sum[i]));
            ed25519_refuse(w, row, mnot(good), PC_BAD_SIGNATURE);
        }
    }
}
#endif
