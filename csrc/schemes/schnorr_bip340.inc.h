/* schnorr_bip340.inc.h - Schnorr signatures of BIP-340 over secp256k1, and signing of test data.
 *
 * Wants keys.inc.h instantiated for secp256k1. Keys are 32 bytes, the x of the point with even y; messages have any length.
 * Order of the checks: ecdsa.inc.h. r >= p and s >= n, which BIP-340 just calls failures, are SCALAR_OUT_OF_RANGE; r or s
 * zero is no error by itself.
 *
 * R = s G - e P with e = H("BIP0340/challenge", r || x(P) || m) mod n must be finite, have even y, and x(R) = r. The parity
 * of y needs R in affine coordinates: one inversion for all of a chunk. */

typedef struct schnorr_secp256k1_work_s {
    cv(keys) keys;
    uint64_t r[4 * cv(CHUNK)], s[4 * cv(CHUNK)];
    uint8_t heads[64 * cv(CHUNK)], digests[32 * cv(CHUNK)], status[cv(CHUNK)];
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    fe(t) z_inv[cv(GROUPS)], tmp[cv(GROUPS)];
    cv(sum_work) mult;
} schnorr_secp256k1_work;

/* The prefix of a tagged hash: SHA-256(tag) twice. */
PC_FN void bip340_tag(uint8_t prefix[64], const char *tag) {
    const pc_column name = pc_column_fixed((const uint8_t *)tag, strlen(tag));
    sha256_many(NULL, 0, &name, 1, prefix);
    memcpy(prefix + 32, prefix, 32);
}

/* Reads the signatures of a chunk and their challenges' heads r || x(P). */
static void schnorr_secp256k1_read(schnorr_secp256k1_work *w, const pc_column *signatures, size_t first, size_t n) {
    static const uint64_t p[4] = CV_P, order[4] = CV_N, one[4] = {1, 0, 0, 0};
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) {
        uint64_t r[4], s[4], x[4];
        size_t len = 0;
        const uint8_t *bytes = j < n ? pc_column_row(signatures, first + j, &len) : NULL;
        w->status[j] = PC_VALID;
        if (sig_parse_compact(bytes, len, r, s) != SIG_OK)
            w->status[j] = PC_MALFORMED_SIGNATURE;
        else if (!int256_lt(r, p) || !int256_lt(s, order))
            w->status[j] = PC_SCALAR_OUT_OF_RANGE;
        cv(soa_put)(w->r, j, w->status[j] == PC_VALID ? r : one);
        cv(soa_put)(w->s, j, w->status[j] == PC_VALID ? s : one);
        cv(soa_get)(r, w->r, j);
        cv(soa_get)(x, w->keys.x, j);
        pc_words_to_be(w->heads + 64 * j, r);
        pc_words_to_be(w->heads + 64 * j + 32, x);
    }
}

/* u = s, v = -e mod n. */
static void schnorr_secp256k1_scalars(schnorr_secp256k1_work *w, size_t n) {
    const uint8_t zeros[32] = {0};
    for (size_t g = 0; g < cv(groups_of)(n); g++) {
        uint64_t soa[4 * VL], e[4];
        vec words[4];
        sc(t) t;
        for (size_t lane = 0; lane < VL; lane++) {
            size_t j = g * VL + lane;
            pc_words_from_be(e, j < n ? w->digests + 32 * j : zeros);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = e[i];
        }
        words_load(words, soa, VL);
        sc(from_words)(&t, words);
        sc(neg)(&t, &t);
        sc(to_words)(w->uv[g].v, &t);
        words_load(w->uv[g].u, w->s + g * VL, cv(CHUNK));
    }
}

/* Lane stage: VALID items of status that do not satisfy the equation become BAD_SIGNATURE. */
static void schnorr_secp256k1_equations(schnorr_secp256k1_work *w, size_t n) {
    const size_t groups = cv(groups_of)(n);
    cv(key_sums)(w->sum, w->uv, &w->keys, w->q, groups, &w->mult);
    for (size_t g = 0; g < groups; g++) w->z_inv[g] = w->sum[g].z;
    fe(batch_inv)(w->z_inv, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(aff) point;
        fe(t) r;
        vec words[4];
        words_load(words, w->r + g * VL, cv(CHUNK));
        fe(from_words)(&r, words);
        cv(to_aff)(&point, &w->sum[g], &w->z_inv[g]);
        vmask same = mand(fe(eq)(&point.x, &r), mnot(fe(is_odd)(&point.y)));
        unsigned good = mbits(mand(same, mnot(fe(is_zero)(&w->sum[g].z))));
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[g * VL + lane];
            if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
        }
    }
}

static void schnorr_secp256k1_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                                     const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    schnorr_secp256k1_work *w = (schnorr_secp256k1_work *)scratch;
    const pc_column heads = pc_column_fixed(w->heads, 64);
    uint8_t prefix[64];
    (void)params;
    vmode mode = vmode_enter();
    bip340_tag(prefix, "BIP0340/challenge");
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        const pc_column rows = column_from(messages, first);
        cv(keys_read)(&w->keys, keys, first, n, KEY_X_ONLY);
        cv(keys_points)(w->q, &w->keys, n);
        schnorr_secp256k1_read(w, signatures, first, n);
        sha256_many_heads(prefix, sizeof prefix, &heads, &rows, n, w->digests);
        schnorr_secp256k1_scalars(w, n);
        schnorr_secp256k1_equations(w, n);
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->keys.bad[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}

static void schnorr_secp256k1_keyset_put(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots,
                                         void *const *tables, uint8_t *verdicts) {
    vmode mode = vmode_enter();
    cv(keyset_fill)(keys, n, set, slots, tables, KEY_X_ONLY, verdicts);
    vmode_leave(mode);
}
