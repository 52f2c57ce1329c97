/* bip340/read.inc.h - items to rows of words, and the challenge; template over secp256k1.
 *
 * Gives schnorr_secp256k1_read, schnorr_secp256k1_challenges, schnorr_secp256k1_record (an item's key in a
 * set) and bip340_tag. */
#ifndef PC_SCHEMES_BIP340_READ_INC_H
#define PC_SCHEMES_BIP340_READ_INC_H
#include "work.inc.h"

/* The prefix of a tagged hash: SHA-256(tag) twice. */
PC_FN void bip340_tag(uint8_t prefix[64], const char *tag) {
    const pc_column name = pc_column_fixed((const uint8_t *)tag, strlen(tag));
    sha256_many(NULL, 0, &name, 1, prefix);
    memcpy(prefix + 32, prefix, 32);
}

/* The record of an item's key. */
PC_FN const cv(key_record) * schnorr_secp256k1_record(const pc_key_source *keys, size_t item) {
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    return (const cv(key_record) *)(const void *)base + keys->indices[item];
}
/* Items first .. first + n - 1 to rows 0 .. n - 1. A row that cannot be used is replaced by something that can. */
static void schnorr_secp256k1_read(schnorr_secp256k1_work *w, const pc_key_source *keys, const pc_column *signatures,
                                   size_t first, size_t n) {
    static const uint64_t p[4] = CV_P, order[4] = CV_N, one[4] = {1, 0, 0, 0}, gx[4] = CV_GX;
    w->window = keys->column ? 0 : keys->set->window;
    for (size_t j = 0; j < n; j++) {
        uint64_t r[4], s[4], x[4];
        size_t len;
        const uint8_t *bytes = pc_column_row(signatures, first + j, &len);
        uint8_t *head = (uint8_t *)(w->heads + 8 * j);
        w->status[j] = PC_VALID;
        if (sig_parse_compact(bytes, len, r, s) != SIG_OK)
            w->status[j] = PC_MALFORMED_SIGNATURE;
        else if (!int256_lt(r, p) || !int256_lt(s, order))
            w->status[j] = PC_SCALAR_OUT_OF_RANGE;
        memcpy(w->r + 4 * j, w->status[j] == PC_VALID ? r : one, sizeof r);
        memcpy(w->scalars + 8 * j, w->status[j] == PC_VALID ? s : one, sizeof s);
        if (keys->column) {
            bytes = pc_column_row(keys->column, first + j, &len);
            w->bad_key[j] = key_parse(bytes, len, PC_KEY_FORMS_SCHNORR_SECP256K1, p, x, NULL) == KEY_MALFORMED;
        } else {
            const cv(key_record) *key = schnorr_secp256k1_record(keys, first + j);
            w->bad_key[j] = key->verdict != PC_VALID;
            w->tables[j] = w->bad_key[j] ? NULL : key->table;
            memcpy(x, key->x, sizeof x);
        }
        pc_words_to_be(head, w->r + 4 * j);
        pc_words_to_be(head + 32, w->bad_key[j] ? gx : x);
    }
}
/* -e mod n of n items from their digests. */
static void schnorr_secp256k1_challenges(schnorr_secp256k1_work *w, size_t n) {
    for (size_t first = 0; first < n; first += VL) {
        uint64_t soa[4 * VL], e[4];
        uint32_t row[VL];
        vec words[4];
        sc(t) t;
        rows_listed(row, NULL, first, n);
        for (size_t lane = 0; lane < VL; lane++) {
            pc_words_from_be(e, w->digests + 32 * (size_t)row[lane]);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = e[i];
        }
        words_load(words, soa, VL);
        sc(from_words)(&t, words);
        sc(neg)(&t, &t);
        sc(to_words)(words, &t);
        vstore_rows(w->scalars + 4, row, 8, words, 4);
    }
}
#endif
