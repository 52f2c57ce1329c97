/* sm2/sign.inc.h - SM2 signatures for test data (GB/T 32918.2-2016, section 6.1). Gives sm2_public_keys and
 * sm2_sign. Requires parts/signing.inc.h. */
#ifndef PC_SCHEMES_SM2_SIGN_INC_H
#define PC_SCHEMES_SM2_SIGN_INC_H
#include "digests.inc.h"

static void sm2_public_keys(const pc_column *secrets, size_t count, uint8_t *public_keys) {
    cv(public_keys_sec1)(secrets, count, 1, public_keys);
}

/* r = e + x1, s = (k - r d) / (1 + d), modulo n; x is overwritten by r and k by s. */
static void sm2_solve(uint64_t *x, uint64_t *k, const uint64_t *d, const uint64_t *e, size_t n) {
    const size_t groups = cv(groups_of)(n);
    sc(t) inv[cv(GROUPS)], tmp[cv(GROUPS)], r, t;
    const sc(t) one = sc(one)();
    vec words[4];
    for (size_t g = 0; g < groups; g++) {
        words_load(words, d + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(add)(&t, &t, &one);
        sc(carry)(&inv[g], &t);
    }
    sc(batch_inv)(inv, groups, tmp);
    for (size_t g = 0; g < groups; g++) {
        words_load(words, x + g * VL, cv(CHUNK));
        sc(from_words)(&r, words);
        words_load(words, e + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(add)(&r, &r, &t);
        sc(to_words)(words, &r);
        words_store(x + g * VL, cv(CHUNK), words);
        words_load(words, d + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(mul)(&r, &r, &t);
        words_load(words, k + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(sub)(&t, &t, &r);
        sc(mul)(&t, &t, &inv[g]);
        sc(to_words)(words, &t);
        words_store(k + g * VL, cv(CHUNK), words);
    }
}

/* e of a chunk whose secrets are d. */
static void sm2_sign_digests(const pc_verify_params *params, const uint64_t *d, const pc_column *rows, size_t n,
                             const uint8_t *identity, size_t identity_len, uint8_t *e) {
    sm2_signers signers;
    uint64_t own[4 * cv(CHUNK)], x[4 * cv(CHUNK)], y[4 * cv(CHUNK)], words[4];
    if (params->message == PC_MESSAGE_PREHASHED) {
        size_t len;
        for (size_t j = 0; j < n; j++) memcpy(e + 32 * j, pc_column_row(rows, j, &len), 32);
        return;
    }
    if (identity_len == 0) {
        sm3_many(NULL, 0, rows, n, e);
        return;
    }
    size_t n_signers = sm2_find_signers(&signers, d, d, n);
    for (size_t i = 0; i < cv(groups_of)(n_signers) * VL; i++) {
        cv(soa_get)(words, d, signers.first[i < n_signers ? i : 0]);
        cv(soa_put)(own, i, words);
    }
    cv(points_of)(x, y, own, n_signers);
    for (size_t i = 0; i < n_signers; i++) {
        cv(soa_get)(words, x, i);
        pc_words_to_be(signers.xy + 64 * i, words);
        cv(soa_get)(words, y, i);
        pc_words_to_be(signers.xy + 64 * i + 32, words);
    }
    sm2_digests(identity, identity_len, &signers, n_signers, rows, n, e);
}

static void sm2_sign_chunk(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t first,
                           size_t n, const uint8_t *identity, size_t identity_len, uint8_t *signatures) {
    static const uint64_t one[4] = {1, 0, 0, 0};
    uint64_t d[4 * cv(CHUNK)], k[4 * cv(CHUNK)], x[4 * cv(CHUNK)], y[4 * cv(CHUNK)], words[4];
    uint8_t e[32 * cv(CHUNK)];
    const pc_column rows = column_from(messages, first);
    cv(secrets_read)(d, secrets, first, n, 1);
    sm2_sign_digests(params, d, &rows, n, identity, identity_len, e);
    cv(nonces)(k, d, e, n);
    cv(points_of)(x, y, k, n);
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) { /* y is free now: it holds e */
        memcpy(words, one, sizeof words);
        if (j < n) pc_words_from_be(words, e + 32 * j);
        cv(soa_put)(y, j, words);
    }
    sm2_solve(x, k, d, y, n);
    for (size_t j = 0; j < n; j++) {
        uint64_t r[4], s[4];
        cv(soa_get)(r, x, j);
        cv(soa_get)(s, k, j);
        sig_write_compact(signatures + 64 * (first + j), r, s);
    }
}

static void sm2_sign(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t count,
                     uint8_t *signatures) {
    uint8_t identity[SM2_Z_CONSTANT];
    size_t identity_len = params->user_id ? sm2_identity(identity, params->user_id, params->user_id_len) : 0;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        sm2_sign_chunk(params, secrets, messages, first, n, identity, identity_len, signatures);
    }
    vmode_leave(mode);
}
#endif
