/* bip340/verify.inc.h - Schnorr signatures of BIP-340 over secp256k1. Gives schnorr_secp256k1_verify and
 * _keyset_put.
 *
 * Requires what work.inc.h requires. Keys are 32 bytes, the x of the point with even y; messages have any
 * length. Order of the checks: ecdsa/verify.inc.h. r >= p and s >= n, which BIP-340 just calls failures, are
 * SCALAR_OUT_OF_RANGE; r or s zero is no error by itself.
 *
 * R = s G - e P with e = H("BIP0340/challenge", r || x(P) || m) mod n must be finite, have even y, and x(R) =
 * r. For one item that is computed and looked at; many are tried at once, by keys with tables only when they
 * are very many (batch.inc.h). Between the stages everything is in rows, one per item or key, so that any
 * items can be put into the lanes of a vector. */
#ifndef PC_SCHEMES_BIP340_VERIFY_INC_H
#define PC_SCHEMES_BIP340_VERIFY_INC_H
#include "batch.inc.h"

static void schnorr_secp256k1_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                                     const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    schnorr_secp256k1_work *w = (schnorr_secp256k1_work *)scratch;
    const pc_column heads = pc_column_fixed((const uint8_t *)w->heads, 64);
    uint8_t prefix[64];
    (void)params;
    vmode mode = vmode_enter();
    bip340_tag(prefix, "BIP0340/challenge");
    combine_start(&w->combine);
    for (size_t first = 0; first < count; first += schnorr_secp256k1_CHUNK) {
        const size_t n = count - first < schnorr_secp256k1_CHUNK ? count - first : schnorr_secp256k1_CHUNK;
        const pc_column rows = column_from(messages, first);
        size_t live = 0;
        schnorr_secp256k1_read(w, keys, signatures, first, n);
        sha256_many_heads(prefix, sizeof prefix, &heads, &rows, n, w->digests);
        schnorr_secp256k1_challenges(w, n);
        const int combined = !w->window || n >= SCHNORR_KNOWN;
        if (combined) schnorr_secp256k1_find_keys(w, keys, first, n);
        for (uint32_t j = 0; j < n; j++) {
            if (combined) w->bad_key[j] |= w->bad_point[w->found.of[j]];
            if (w->status[j] == PC_VALID && !w->bad_key[j]) w->live[live++] = j;
        }
        if (combined)
            combine_settle(&w->combine, w->window ? &schnorr_secp256k1_combines_known : &schnorr_secp256k1_combines, w,
                           w->status, w->live, live, first);
        else
            schnorr_secp256k1_check_singly(w, w->live, live);
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}

static void schnorr_secp256k1_keyset_put(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots,
                                         void *const *tables, uint8_t *verdicts) {
    vmode mode = vmode_enter();
    cv(keyset_fill)(keys, n, set, slots, tables, PC_KEY_FORMS_SCHNORR_SECP256K1, verdicts);
    vmode_leave(mode);
}
#endif
