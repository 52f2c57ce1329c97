/* ecdsa/sign.inc.h - ECDSA signatures for test data (SEC 1, section 4.1.3), always with low s; template, once
 * per curve.
 *
 * Requires parts/signing.inc.h, and ecdsa(name) as the prefix of the scheme. Gives ecdsa(public_keys) and
 * ecdsa(sign): ecdsa_secp256k1_sign and so on. */

static void ecdsa(public_keys)(const pc_column *secrets, size_t count, uint8_t *public_keys) {
    cv(public_keys_sec1)(secrets, count, 0, public_keys);
}

/* r = x mod n, s = (e + r d) / k; x is overwritten by r and k by s. */
static void ecdsa(solve)(uint64_t *x, uint64_t *k, const uint64_t *d, const uint8_t *e, size_t n) {
    const size_t groups = cv(groups_of)(n);
    const uint8_t zeros[32] = {0};
    sc(t) k_inv[cv(GROUPS)], tmp[cv(GROUPS)], r, t;
    vec words[4];
    for (size_t g = 0; g < groups; g++) {
        words_load(words, k + g * VL, cv(CHUNK));
        sc(from_words)(&k_inv[g], words);
    }
    sc(batch_inv)(k_inv, groups, tmp);
    for (size_t g = 0; g < groups; g++) {
        uint64_t soa[4 * VL], w[4];
        words_load(words, x + g * VL, cv(CHUNK));
        sc(from_words)(&r, words);
        sc(to_words)(words, &r);
        words_store(x + g * VL, cv(CHUNK), words);
        words_load(words, d + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(mul)(&r, &r, &t);
        for (size_t lane = 0; lane < VL; lane++) {
            pc_words_from_be(w, g * VL + lane < n ? e + 32 * (g * VL + lane) : zeros);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = w[i];
        }
        words_load(words, soa, VL);
        sc(from_words)(&t, words);
        sc(add)(&t, &t, &r);
        sc(mul)(&t, &t, &k_inv[g]);
        sc(to_words)(words, &t);
        words_store(k + g * VL, cv(CHUNK), words);
    }
}

static void ecdsa(sign)(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t count,
                        uint8_t *signatures) {
    static const uint64_t order[4] = CV_N;
    uint64_t d[4 * cv(CHUNK)], k[4 * cv(CHUNK)], x[4 * cv(CHUNK)], y[4 * cv(CHUNK)];
    uint8_t e[32 * cv(CHUNK)];
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        digests_32(e, params, messages, first, n);
        cv(secrets_read)(d, secrets, first, n, 0);
        cv(nonces)(k, d, e, n);
        cv(points_of)(x, y, k, n);
        ecdsa(solve)(x, k, d, e, n);
        for (size_t j = 0; j < n; j++) {
            uint64_t r[4], s[4], complement[4];
            cv(soa_get)(r, x, j);
            cv(soa_get)(s, k, j);
            int256_sub(complement, order, s);
            sig_write_compact(signatures + 64 * (first + j), r, int256_lt(complement, s) ? complement : s);
        }
    }
    vmode_leave(mode);
}
