/* parts/signatures.inc.h - what ECDSA and SM2 share about (r, s): reading them, and comparing x(R) with a
 * residue; template.
 *
 * Requires parts/keys.inc.h. Gives cv(signature_read) and cv(x_is): k256_x_is and so on. n < p is needed, as
 * on every curve here. */

/* Reads a signature: its verdict so far. Where that is not VALID, r and s are set to 1. */
PC_FN uint8_t cv(signature_read)(uint64_t r[4], uint64_t s[4], const pc_verify_params *params, const pc_column *signatures,
                                 size_t item) {
    static const uint64_t n[4] = CV_N, one[4] = {1, 0, 0, 0};
    uint64_t complement[4];
    size_t len;
    const uint8_t *bytes = pc_column_row(signatures, item, &len);
    uint8_t status = PC_VALID;
    int parsed = params->encoding == PC_ENCODING_DER ? sig_parse_der(bytes, len, params->der_rules, r, s)
                                                     : sig_parse_compact(bytes, len, r, s);
    if (parsed == SIG_MALFORMED) {
        status = PC_MALFORMED_SIGNATURE;
    } else if (parsed == SIG_TOO_LARGE || int256_is_zero(r) || int256_is_zero(s) || !int256_lt(r, n) || !int256_lt(s, n)) {
        status = PC_SCALAR_OUT_OF_RANGE;
    } else if (params->rules & PC_RULE_LOW_S) {
        int256_sub(complement, n, s);
        if (int256_lt(complement, s)) status = PC_HIGH_S;
    }
    if (status != PC_VALID) {
        memcpy(r, one, sizeof one);
        memcpy(s, one, sizeof one);
    }
    return status;
}

/* x(p) = c (mod n), for c < n < p: the lanes where it holds. Never for p = infinity. */
PC_FN vmask cv(x_is)(const cv(jac) * p, const vec c[4]) {
    static const uint64_t prime[4] = CV_P, order[4] = CV_N;
    fe(t) zz, t;
    vec n[4], wrapped[4];
    vmask finite = mnot(fe(is_zero)(&p->z));
    fe(sqr)(&zz, &p->z);
    fe(from_words)(&t, c);
    fe(mul)(&t, &t, &zz);
    vmask equal = fe(eq)(&t, &p->x);
    words_set1(n, order);
    vmask carry = words_add(wrapped, c, n);
    vmask fits = mand(mnot(carry), words_lt(wrapped, prime));
    if (mbits(mand(fits, mnot(equal)))) {
        fe(from_words)(&t, wrapped);
        fe(mul)(&t, &t, &zz);
        equal = mor(equal, mand(fits, fe(eq)(&t, &p->x)));
    }
    return mand(equal, finite);
}
