/* bip340/sign.inc.h - BIP-340 signatures for test data: the BIP's default signing with an auxiliary
 * randomness of 32 zero bytes. Gives schnorr_secp256k1_public_keys and _sign. Requires parts/signing.inc.h.
 */
#ifndef PC_SCHEMES_BIP340_SIGN_INC_H
#define PC_SCHEMES_BIP340_SIGN_INC_H
#include "read.inc.h"

/* (x, y) = k G with y even: where it is odd, k becomes n - k. x is written as bytes[j * stride .. + 32) too. */
static void schnorr_secp256k1_even(uint64_t *k, uint64_t *x, uint8_t *bytes, size_t stride, size_t n) {
    static const uint64_t order[4] = CV_N;
    uint64_t y[4 * cv(CHUNK)], w[4];
    cv(points_of)(x, y, k, n);
    for (size_t j = 0; j < n; j++) {
        cv(soa_get)(w, x, j);
        pc_words_to_be(bytes + j * stride, w);
        if (!(y[j] & 1)) continue;
        cv(soa_get)(w, k, j);
        int256_sub(w, order, w);
        cv(soa_put)(k, j, w);
    }
}

static void schnorr_secp256k1_public_keys(const pc_column *secrets, size_t count, uint8_t *public_keys) {
    uint64_t d[4 * cv(CHUNK)], x[4 * cv(CHUNK)];
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        cv(secrets_read)(d, secrets, first, n, 0);
        schnorr_secp256k1_even(d, x, public_keys + 32 * first, 32, n);
    }
    vmode_leave(mode);
}

/* Hashes under the three tags of the BIP. */
typedef struct schnorr_secp256k1_tags_s {
    uint8_t aux_of_zeros[32], nonce[64], challenge[64];
} schnorr_secp256k1_tags;

static void schnorr_secp256k1_sign_chunk(const schnorr_secp256k1_tags *tags, const pc_column *secrets,
                                         const pc_column *messages, size_t first, size_t n, uint8_t *signatures) {
    uint64_t d[4 * cv(CHUNK)], k[4 * cv(CHUNK)], x[4 * cv(CHUNK)], w[4];
    uint8_t heads[64 * cv(CHUNK)], digests[32 * cv(CHUNK)];
    const pc_column rows = column_from(messages, first), head_rows = pc_column_fixed(heads, 64);
    cv(secrets_read)(d, secrets, first, n, 0);
    schnorr_secp256k1_even(d, x, heads + 32, 64, n);
    for (size_t j = 0; j < n; j++) {
        cv(soa_get)(w, d, j);
        pc_words_to_be(heads + 64 * j, w);
        for (size_t i = 0; i < 32; i++) heads[64 * j + i] ^= tags->aux_of_zeros[i];
    }
    sha256_many_heads(tags->nonce, 64, &head_rows, &rows, n, digests);
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) {
        pc_words_from_be(w, digests + 32 * (j < n ? j : 0));
        cv(scalar_fit)(w);
        cv(soa_put)(k, j, w);
    }
    schnorr_secp256k1_even(k, x, heads, 64, n); /* the head is now r || x(P) */
    sha256_many_heads(tags->challenge, 64, &head_rows, &rows, n, digests);
    for (size_t g = 0; g < cv(groups_of)(n); g++) { /* s = k + e d */
        uint64_t soa[4 * VL];
        vec words[4];
        sc(t) t, u;
        for (size_t lane = 0; lane < VL; lane++) {
            size_t j = g * VL + lane;
            pc_words_from_be(w, digests + 32 * (j < n ? j : 0));
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = w[i];
        }
        words_load(words, soa, VL);
        sc(from_words)(&t, words);
        words_load(words, d + g * VL, cv(CHUNK));
        sc(from_words)(&u, words);
        sc(mul)(&t, &t, &u);
        words_load(words, k + g * VL, cv(CHUNK));
        sc(from_words)(&u, words);
        sc(add)(&t, &t, &u);
        sc(to_words)(words, &t);
        words_store(k + g * VL, cv(CHUNK), words);
    }
    for (size_t j = 0; j < n; j++) {
        memcpy(signatures + 64 * (first + j), heads + 64 * j, 32);
        cv(soa_get)(w, k, j);
        pc_words_to_be(signatures + 64 * (first + j) + 32, w);
    }
}

static void schnorr_secp256k1_sign(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages,
                                   size_t count, uint8_t *signatures) {
    static const uint8_t zeros[32] = {0};
    const pc_column aux = pc_column_fixed(zeros, 32);
    schnorr_secp256k1_tags tags;
    (void)params;
    vmode mode = vmode_enter();
    bip340_tag(tags.challenge, "BIP0340/aux");
    sha256_many(tags.challenge, 64, &aux, 1, tags.aux_of_zeros);
    bip340_tag(tags.nonce, "BIP0340/nonce");
    bip340_tag(tags.challenge, "BIP0340/challenge");
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        schnorr_secp256k1_sign_chunk(&tags, secrets, messages, first, n, signatures);
    }
    vmode_leave(mode);
}
#endif
