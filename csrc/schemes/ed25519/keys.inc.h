/* ed25519/keys.inc.h - the points of keys and of R, and equal keys; template.
 *
 * Gives ed25519_find_keys, ed25519_load_keys (of a key set), ed25519_decompress_all and ed25519_list_live. */
#ifndef PC_SCHEMES_ED25519_KEYS_INC_H
#define PC_SCHEMES_ED25519_KEYS_INC_H
#include "read.inc.h"

/* Numbers the different keys of a chunk. */
static void ed25519_find_keys(ed25519_work *w, size_t n) {
    combine_find_keys(&w->found, w->heads + 4, w->bad_key, n);
    memset(w->bad_point, 0, w->found.n + 1);
    memset(w->in_sum, 0, w->found.n + 1);
}

/* ---- points -------------------------------------------------------------------------------------------------------------- */

/* Points of keys from the records of a key set. */
static void ed25519_load_keys(ed25519_work *w, const pc_key_source *keys, size_t first) {
    enum { STRIDE = sizeof(ed25519_key_record) / sizeof(uint64_t) };
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    for (size_t at = 1; at <= w->found.n; at += VL) {
        uint32_t row[VL], record[VL];
        vec words[8];
        fe25519_t x, y;
        ed25519_niels point;
        rows_listed(row, NULL, at, w->found.n + 1);
        for (int lane = 0; lane < VL; lane++) record[lane] = keys->indices[first + w->found.item[row[lane]]];
        vload_rows(words, (const uint64_t *)(const void *)base, record, STRIDE, 8);
        fe25519_from_words(&x, words);
        fe25519_from_words(&y, words + 4);
        ed25519_niels_of(&point, &x, &y);
        ed25519_point_store(w->keys, row, &point);
    }
}
/* Decompresses the encodings 4 * jobs[i] words into heads: the R of item j is number 2 j, its key 2 j + 1. */
static void ed25519_decompress_jobs(ed25519_work *w, size_t n) {
    for (size_t first = 0; first < n; first += PC_SIDE * VL) {
        ed25519_encoded e[PC_SIDE];
        const int side = n - first <= VL ? 1 : PC_SIDE;
        for (int i = 0; i < side; i++) {
            uint32_t row[VL];
            rows_listed(row, w->jobs, first + (size_t)i * VL, n);
            ed25519_load_le(e[i].words, w->heads, row, 4, 4);
        }
        ed25519_decompress(e, side);
        for (int i = 0; i < side; i++) {
            const size_t at = first + (size_t)i * VL;
            const unsigned good = mbits(e[i].is_point);
            uint64_t rows[VL * ed25519_POINT_STRIDE];
            uint32_t to[VL];
            ed25519_niels point;
            ed25519_niels_of(&point, &e[i].x, &e[i].y);
            for (uint32_t lane = 0; lane < VL; lane++) to[lane] = lane;
            ed25519_point_store(rows, to, &point);
            for (size_t lane = 0; lane < VL && at + lane < n; lane++) {
                const uint32_t item = w->jobs[at + lane] / 2, key = w->found.of[item];
                const int is_key = w->jobs[at + lane] & 1, bad = !(good >> lane & 1);
                memcpy((is_key ? w->keys + (size_t)key * ed25519_POINT_STRIDE : w->rs + (size_t)item * ed25519_POINT_STRIDE),
                       rows + lane * ed25519_POINT_STRIDE, sizeof(uint64_t) * ed25519_POINT_VECS);
                if (bad && is_key) w->bad_point[key] = 1;
                if (bad && !is_key && w->status[item] == PC_VALID) w->status[item] = PC_BAD_SIGNATURE;
            }
        }
    }
}
/* Decompresses the keys of a chunk and its R, as wanted. */
static void ed25519_decompress_all(ed25519_work *w, size_t n, int keys, int rs) {
    size_t jobs = 0;
    for (uint32_t key = 1; keys && key <= w->found.n; key++) w->jobs[jobs++] = 2 * w->found.item[key] + 1;
    for (uint32_t j = 0; rs && j < n; j++)
        if (w->status[j] == PC_VALID && !w->bad_key[j]) w->jobs[jobs++] = 2 * j;
    ed25519_decompress_jobs(w, jobs);
}
/* The items whose equation is still to be checked. */
static size_t ed25519_list_live(ed25519_work *w, size_t n) {
    size_t live = 0;
    for (uint32_t j = 0; j < n; j++) {
        w->bad_key[j] |= w->bad_point[w->found.of[j]];
        if (w->status[j] == PC_VALID && !w->bad_key[j]) w->live[live++] = j;
    }
    return live;
}
#endif
