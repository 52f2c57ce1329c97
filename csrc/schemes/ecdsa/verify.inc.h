/* ecdsa/verify.inc.h - ECDSA verification (SEC 1, section 4.1.4; FIPS 186-5, section 6.4.2); template, once
 * per curve.
 *
 * Requires parts/keys.inc.h and parts/signatures.inc.h, and ecdsa(name) as the prefix of the scheme. Gives
 * ecdsa(verify) and ecdsa(keyset_put): ecdsa_secp256k1_verify, ecdsa_p256_verify and so on in a backtrace.
 *
 * Order of the checks, the same for every scheme here and wherever an item stands in a batch:
 *     the key        MALFORMED_KEY          (encoding, range, curve equation)
 *     the signature  MALFORMED_SIGNATURE    (length or DER)
 *     its integers   SCALAR_OUT_OF_RANGE    (0 < r < n, 0 < s < n)
 *     low s          HIGH_S                 (only under PC_RULE_LOW_S)
 *     the equation   BAD_SIGNATURE
 *
 * The equation is R = u1 G + u2 Q with u1 = e / s, u2 = r / s, and x(R) = r (mod n). s is inverted for a
 * whole chunk at once, and x(R) = X / Z^2 is not computed: X is compared with r Z^2 and, where r + n < p,
 * with (r + n) Z^2. */

#ifndef ECDSA_KEY_FORMS
#    define ECDSA_KEY_FORMS PC_KEY_FORMS_ECDSA_P256
_Static_assert((int)ECDSA_KEY_FORMS == (int)PC_KEY_FORMS_ECDSA_SECP256K1, "the same over every curve");
#endif

typedef struct ecdsa(work_s) {
    cv(keys) keys;
    uint64_t r[4 * cv(CHUNK)], s[4 * cv(CHUNK)], e[4 * cv(CHUNK)];
    uint8_t digests[32 * cv(CHUNK)], status[cv(CHUNK)];
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    sc(t) s_inv[cv(GROUPS)], tmp[cv(GROUPS)];
    cv(sum_work) mult;
} ecdsa(work);

/* The digests of n messages from item first on, into w->e. */
static void ecdsa(digests)(ecdsa(work) * w, const pc_verify_params *params, const pc_column *messages, size_t first,
                           size_t n) {
    uint64_t e[4];
    digests_32(w->digests, params, messages, first, n);
    for (size_t j = 0; j < n; j++) {
        pc_words_from_be(e, w->digests + 32 * j);
        cv(soa_put)(w->e, j, e);
    }
}

/* Lane stage: VALID items of status that do not satisfy the equation become BAD_SIGNATURE. */
static void ecdsa(equations)(ecdsa(work) * w, size_t n) {
    const size_t groups = cv(groups_of)(n);
    vec words[4];
    for (size_t g = 0; g < groups; g++) {
        words_load(words, w->s + g * VL, cv(CHUNK));
        sc(from_words)(&w->s_inv[g], words);
    }
    sc(batch_inv)(w->s_inv, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        sc(t) t;
        words_load(words, w->e + g * VL, cv(CHUNK));
        sc(from_words)(&t, words); /* e below 2^256 is reduced here */
        sc(mul)(&t, &t, &w->s_inv[g]);
        sc(to_words)(w->uv[g].u, &t);
        words_load(words, w->r + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(mul)(&t, &t, &w->s_inv[g]);
        sc(to_words)(w->uv[g].v, &t);
    }
    cv(key_sums)(w->sum, w->uv, &w->keys, w->q, w->status, groups, &w->mult);
    for (size_t g = 0; g < groups; g++) {
        words_load(words, w->r + g * VL, cv(CHUNK));
        unsigned good = mbits(cv(x_is)(&w->sum[g], words));
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[g * VL + lane];
            if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
        }
    }
}

static void ecdsa(verify)(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                          const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    static const uint64_t one[4] = {1, 0, 0, 0}, two[4] = {2, 0, 0, 0};
    ecdsa(work) *w = (ecdsa(work) *)scratch;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        uint64_t r[4], s[4];
        cv(keys_read)(&w->keys, keys, first, n, ECDSA_KEY_FORMS);
        ecdsa(digests)(w, params, messages, first, n);
        for (size_t j = 0; j < n; j++) {
            w->status[j] = cv(signature_read)(r, s, params, signatures, first + j);
            cv(soa_put)(w->r, j, r);
            cv(soa_put)(w->s, j, s);
        }
        for (size_t j = n; j < cv(groups_of)(n) * VL; j++) { /* fill the last vector: 2 G + G meets nothing */
            cv(soa_put)(w->r, j, one);
            cv(soa_put)(w->s, j, one);
            cv(soa_put)(w->e, j, two);
            w->status[j] = PC_MALFORMED_SIGNATURE;
        }
        cv(keys_points)(w->q, &w->keys, n);
        ecdsa(equations)(w, n);
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->keys.bad[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}

static void ecdsa(keyset_put)(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots, void *const *tables,
                              uint8_t *verdicts) {
    vmode mode = vmode_enter();
    cv(keyset_fill)(keys, n, set, slots, tables, ECDSA_KEY_FORMS, verdicts);
    vmode_leave(mode);
}
