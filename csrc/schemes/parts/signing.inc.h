/* parts/signing.inc.h - keys and nonces for test data: deterministic, NOT constant time, NOT for real keys;
 * template.
 *
 * Requires parts/keys.inc.h. Gives cv(secrets_read), cv(points_of), cv(nonces) and cv(public_keys_sec1):
 * k256_points_of and so on. Used by the sign and public_keys functions of the schemes, which make vectors,
 * benchmarks and generated ledgers. Everything is in structure-of-arrays chunks like the verifiers' (word i
 * of item j at [i * CHUNK + j]), with one inversion a chunk. A signature with r = 0 or s = 0, which a signer
 * must try again, has probability 2^-256 and is not looked for. */

/* w mod n, with 0 replaced by 1. */
PC_FN void cv(scalar_fit)(uint64_t w[4]) {
    static const uint64_t order[4] = CV_N;
    while (!int256_lt(w, order)) int256_sub(w, w, order);
    if (int256_is_zero(w)) w[0] = 1;
}

/* Secrets first .. first + n - 1 as scalars; the rest of the last vector is 1. With no_last, n - 1 counts as 1 too: SM2 divides by
 * 1 + d and so leaves it out (GB/T 32918.1, section 6.1). */
static void cv(secrets_read)(uint64_t *d, const pc_column *secrets, size_t first, size_t n, int no_last) {
    static const uint64_t order[4] = CV_N, one[4] = {1, 0, 0, 0};
    uint64_t w[4], last[4];
    int256_sub(last, order, one);
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) {
        size_t len;
        memcpy(w, one, sizeof w);
        if (j < n) pc_words_from_be(w, pc_column_row(secrets, first + j, &len));
        cv(scalar_fit)(w);
        cv(soa_put)(d, j, no_last && !int256_lt(w, last) ? one : w);
    }
}

/* (x, y) = k G, affine, for every item. */
static void cv(points_of)(uint64_t *x, uint64_t *y, const uint64_t *k, size_t n) {
    const size_t groups = cv(groups_of)(n);
    cv(jac) p[cv(GROUPS)];
    fe(t) z_inv[cv(GROUPS)], tmp[cv(GROUPS)];
    vec words[4];
    for (size_t g = 0; g < groups; g++) {
        words_load(words, k + g * VL, cv(CHUNK));
        cv(mul_generator)(&p[g], words);
        z_inv[g] = p[g].z;
    }
    fe(batch_inv)(z_inv, groups, tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(aff) q;
        cv(to_aff)(&q, &p[g], &z_inv[g]);
        fe(to_words)(words, &q.x);
        words_store(x + g * VL, cv(CHUNK), words);
        fe(to_words)(words, &q.y);
        words_store(y + g * VL, cv(CHUNK), words);
    }
}

/* k = SHA-256(label || secret || e): e[32 n] are the digests that will be signed. */
static void cv(nonces)(uint64_t *k, const uint64_t *d, const uint8_t *e, size_t n) {
    static const uint8_t label[] = "pycore test nonce";
    static const uint64_t one[4] = {1, 0, 0, 0};
    uint8_t secrets[32 * cv(CHUNK)], digests[32 * cv(CHUNK)];
    uint64_t w[4];
    for (size_t j = 0; j < n; j++) {
        cv(soa_get)(w, d, j);
        pc_words_to_be(secrets + 32 * j, w);
    }
    const pc_column heads = pc_column_fixed(secrets, 32), rows = pc_column_fixed(e, 32);
    sha256_many_heads(label, sizeof label - 1, &heads, &rows, n, digests);
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) {
        memcpy(w, one, sizeof w);
        if (j < n) pc_words_from_be(w, digests + 32 * j);
        cv(scalar_fit)(w);
        cv(soa_put)(k, j, w);
    }
}

/* pc_public_keys_fn, but for no_last (secrets_read): 0x04 || x || y. */
static PC_UNUSED void cv(public_keys_sec1)(const pc_column *secrets, size_t count, int no_last, uint8_t *public_keys) {
    uint64_t d[4 * cv(CHUNK)], x[4 * cv(CHUNK)], y[4 * cv(CHUNK)], w[4];
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        cv(secrets_read)(d, secrets, first, n, no_last);
        cv(points_of)(x, y, d, n);
        for (size_t j = 0; j < n; j++) {
            uint8_t *key = public_keys + 65 * (first + j);
            key[0] = 4;
            cv(soa_get)(w, x, j);
            pc_words_to_be(key + 1, w);
            cv(soa_get)(w, y, j);
            pc_words_to_be(key + 33, w);
        }
    }
    vmode_leave(mode);
}
