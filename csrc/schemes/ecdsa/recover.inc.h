/* ecdsa/recover.inc.h - public keys from ECDSA signatures on secp256k1 (SEC 1, section 4.1.6). Gives
 * secp256k1_recover and RECOVER_SCRATCH.
 *
 * Requires parts/keys.inc.h instantiated for secp256k1. A signature is r || s || v. v is 0 .. 3 or 27 .. 30:
 * bit 0 of v (less 27) is the parity of y(R), bit 1 says that x(R) = r + n. Q = r^-1 (s R - e G), in affine
 * coordinates by one inversion for a chunk.
 *
 * Verdicts: MALFORMED_SIGNATURE (length, v), SCALAR_OUT_OF_RANGE, HIGH_S, and BAD_SIGNATURE where no point
 * has that x or Q is infinity, in that order. */

typedef struct k256_recover_work_s {
    uint64_t x[4 * cv(CHUNK)], odd[cv(CHUNK)];
    uint64_t r[4 * cv(CHUNK)], s[4 * cv(CHUNK)], e[4 * cv(CHUNK)];
    uint64_t key_x[4 * cv(CHUNK)], key_y[4 * cv(CHUNK)];
    uint8_t status[cv(CHUNK)];
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    sc(t) r_inv[cv(GROUPS)], sc_tmp[cv(GROUPS)];
    fe(t) z_inv[cv(GROUPS)], fe_tmp[cv(GROUPS)];
    cv(mult_work) mult;
} k256_recover_work;

#define RECOVER_SCRATCH sizeof(k256_recover_work)

/* Reads item j of a chunk: its verdict so far, and x(R). */
static uint8_t k256_recover_parse(k256_recover_work *w, size_t j, int rules, const uint8_t *bytes, size_t len) {
    static const uint64_t p[4] = CV_P, order[4] = CV_N;
    uint64_t r[4], s[4], x[4], complement[4];
    if (len != 65) return PC_MALFORMED_SIGNATURE;
    unsigned v = bytes[64] >= 27 ? bytes[64] - 27u : bytes[64];
    if (v > 3) return PC_MALFORMED_SIGNATURE;
    sig_parse_compact(bytes, 64, r, s);
    if (int256_is_zero(r) || int256_is_zero(s) || !int256_lt(r, order) || !int256_lt(s, order))
        return PC_SCALAR_OUT_OF_RANGE;
    int256_sub(complement, order, s);
    if ((rules & PC_RULE_LOW_S) && int256_lt(complement, s)) return PC_HIGH_S;
    memcpy(x, r, sizeof x);
    if (v & 2) {
        if (int256_add(x, r, order) || !int256_lt(x, p)) return PC_BAD_SIGNATURE;
    }
    cv(soa_put)(w->r, j, r);
    cv(soa_put)(w->s, j, s);
    cv(soa_put)(w->x, j, x);
    w->odd[j] = v & 1;
    return PC_VALID;
}

static void k256_recover_read(k256_recover_work *w, int rules, const pc_column *signatures, const pc_column *digests,
                              size_t first, size_t n) {
    static const uint64_t one[4] = {1, 0, 0, 0}, gx[4] = CV_GX;
    for (size_t j = 0; j < cv(groups_of)(n) * VL; j++) {
        uint64_t e[4] = {1, 0, 0, 0};
        size_t len = 0;
        w->status[j] = PC_MALFORMED_SIGNATURE;
        if (j < n) {
            const uint8_t *bytes = pc_column_row(signatures, first + j, &len);
            w->status[j] = k256_recover_parse(w, j, rules, bytes, len);
            pc_words_from_be(e, pc_column_row(digests, first + j, &len));
        }
        cv(soa_put)(w->e, j, e);
        if (w->status[j] == PC_VALID) continue;
        cv(soa_put)(w->r, j, one);
        cv(soa_put)(w->s, j, one);
        cv(soa_put)(w->x, j, gx);
        w->odd[j] = 0;
    }
}

/* Lane stage: the keys as words, and BAD_SIGNATURE where there is none. */
static void k256_recover_solve(k256_recover_work *w, size_t n) {
    const size_t groups = cv(groups_of)(n);
    cv(aff) generator;
    vec words[4];
    vmask found[cv(GROUPS)], odd[cv(GROUPS)];
    unsigned live[cv(GROUPS)] = {0};
    cv(generator)(&generator);
    for (size_t g = 0; g < groups; g++) {
        words_load(words, w->x + g * VL, cv(CHUNK));
        fe(from_words)(&w->q[g].x, words);
        odd[g] = veq(vload(w->odd + g * VL), vset1(1));
        words_load(words, w->r + g * VL, cv(CHUNK));
        sc(from_words)(&w->r_inv[g], words);
    }
    for (size_t g = 0; g < groups; g += PC_SIDE)
        cv(lift_x_side)(&w->q[g], &odd[g], &found[g], groups - g < PC_SIDE ? (int)(groups - g) : PC_SIDE);
    for (size_t g = 0; g < groups; g++) cv(aff_select)(&w->q[g], found[g], &w->q[g], &generator);
    sc(batch_inv)(w->r_inv, groups, w->sc_tmp);
    for (size_t g = 0; g < groups; g++) {
        sc(t) t;
        words_load(words, w->e + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(mul)(&t, &t, &w->r_inv[g]);
        sc(neg)(&t, &t);
        sc(to_words)(w->uv[g].u, &t);
        words_load(words, w->s + g * VL, cv(CHUNK));
        sc(from_words)(&t, words);
        sc(mul)(&t, &t, &w->r_inv[g]);
        sc(to_words)(w->uv[g].v, &t);
    }
    for (size_t g = 0; g < groups; g++) {
        live[g] = 0;
        for (size_t lane = 0; lane < VL; lane++) live[g] |= (unsigned)(w->status[g * VL + lane] == PC_VALID) << lane;
        live[g] &= mbits(found[g]);
    }
    cv(double_base)(w->sum, w->uv, w->q, live, groups, &w->mult);
    for (size_t g = 0; g < groups; g++) w->z_inv[g] = w->sum[g].z;
    fe(batch_inv)(w->z_inv, groups, w->fe_tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(aff) key;
        cv(to_aff)(&key, &w->sum[g], &w->z_inv[g]);
        fe(to_words)(words, &key.x);
        words_store(w->key_x + g * VL, cv(CHUNK), words);
        fe(to_words)(words, &key.y);
        words_store(w->key_y + g * VL, cv(CHUNK), words);
        unsigned good = mbits(mand(found[g], mnot(fe(is_zero)(&w->sum[g].z))));
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[g * VL + lane];
            if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
        }
    }
}

static void secp256k1_recover(int rules, const pc_column *signatures, const pc_column *digests, size_t count, void *scratch,
                              uint8_t *keys, uint8_t *verdicts) {
    k256_recover_work *w = (k256_recover_work *)scratch;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        k256_recover_read(w, rules, signatures, digests, first, n);
        k256_recover_solve(w, n);
        for (size_t j = 0; j < n; j++) {
            uint8_t *key = keys + 64 * (first + j);
            uint64_t x[4], y[4];
            verdicts[first + j] = w->status[j];
            memset(key, 0, 64);
            if (w->status[j] != PC_VALID) continue;
            cv(soa_get)(x, w->key_x, j);
            cv(soa_get)(y, w->key_y, j);
            pc_words_to_be(key, x);
            pc_words_to_be(key + 32, y);
        }
    }
    vmode_leave(mode);
}
