/* sm2/verify.inc.h - SM2 verification (GB/T 32918.2-2016, section 7.1); template over SM2's curve. Gives
 * sm2_verify and sm2_keyset_put.
 *
 * Requires parts/keys.inc.h and parts/signatures.inc.h. Keys are SEC 1 encoded, 33 or 65 bytes, or x || y
 * alone. Order of the checks: ecdsa/verify.inc.h; t = (r + s) mod n = 0 (step B5) counts as
 * SCALAR_OUT_OF_RANGE.
 *
 * The equation (steps B6, B7) is R = (e + x1) mod n == r with (x1, y1) = s G + t P, so x1 is compared with (r
 * - e) mod n in the way of ECDSA, without an inversion. */
#ifndef PC_SCHEMES_SM2_VERIFY_INC_H
#define PC_SCHEMES_SM2_VERIFY_INC_H
#include "digests.inc.h"

typedef struct sm2_work_s {
    cv(keys) keys;
    uint64_t r[4 * cv(CHUNK)], s[4 * cv(CHUNK)], e[4 * cv(CHUNK)];
    uint8_t identity[SM2_Z_CONSTANT]; /* ENTL || ID || a || b || x_G || y_G */
    size_t identity_len;              /* 0: no Z_A */
    sm2_signers signers;
    uint8_t digests[32 * cv(CHUNK)], status[cv(CHUNK)];
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    cv(sum_work) mult;
} sm2_work;

/* e of the items of a chunk, into w->e. */
static void sm2_read_messages(sm2_work *w, const pc_verify_params *params, const pc_column *messages, size_t first,
                              size_t n) {
    pc_column rows = column_from(messages, first);
    uint64_t words[4];
    if (params->message == PC_MESSAGE_HASH) {
        if (w->identity_len) {
            size_t n_signers = sm2_find_signers(&w->signers, w->keys.x, w->keys.y, n);
            for (size_t i = 0; i < n_signers; i++) {
                cv(soa_get)(words, w->keys.x, w->signers.first[i]);
                pc_words_to_be(w->signers.xy + 64 * i, words);
                cv(soa_get)(words, w->keys.y, w->signers.first[i]);
                pc_words_to_be(w->signers.xy + 64 * i + 32, words);
            }
            sm2_digests(w->identity, w->identity_len, &w->signers, n_signers, &rows, n, w->digests);
        } else {
            sm3_many(NULL, 0, &rows, n, w->digests);
        }
        rows = pc_column_fixed(w->digests, 32);
    }
    for (size_t j = 0; j < n; j++) {
        size_t len;
        pc_words_from_be(words, pc_column_row(&rows, j, &len));
        cv(soa_put)(w->e, j, words);
    }
}

/* Lane stage: VALID items of status that do not satisfy the equation become BAD_SIGNATURE. */
static void sm2_equations(sm2_work *w, size_t n) {
    const size_t groups = cv(groups_of)(n);
    vec r[4], s[4], e[4];
    vmask zero_t[cv(GROUPS)];
    for (size_t g = 0; g < groups; g++) {
        sc(t) t, u;
        words_load(r, w->r + g * VL, cv(CHUNK));
        words_load(s, w->s + g * VL, cv(CHUNK));
        sc(from_words)(&t, r);
        sc(from_words)(&u, s);
        sc(add)(&t, &t, &u);
        sc(to_words)(w->uv[g].v, &t);
        memcpy(w->uv[g].u, s, sizeof s);
        zero_t[g] = words_is_zero(w->uv[g].v);
    }
    cv(key_sums)(w->sum, w->uv, &w->keys, w->q, w->status, groups, &w->mult);
    for (size_t g = 0; g < groups; g++) {
        sc(t) t, u;
        words_load(r, w->r + g * VL, cv(CHUNK));
        words_load(e, w->e + g * VL, cv(CHUNK));
        sc(from_words)(&t, r);
        sc(from_words)(&u, e);
        sc(sub)(&t, &t, &u);
        sc(to_words)(e, &t);
        unsigned good = mbits(cv(x_is)(&w->sum[g], e)), out_of_range = mbits(zero_t[g]);
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[g * VL + lane];
            if (*status != PC_VALID) continue;
            if (out_of_range >> lane & 1)
                *status = PC_SCALAR_OUT_OF_RANGE;
            else if (!(good >> lane & 1))
                *status = PC_BAD_SIGNATURE;
        }
    }
}

static void sm2_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                       const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    static const uint64_t one[4] = {1, 0, 0, 0};
    sm2_work *w = (sm2_work *)scratch;
    vmode mode = vmode_enter();
    w->identity_len = params->user_id ? sm2_identity(w->identity, params->user_id, params->user_id_len) : 0;
    for (size_t first = 0; first < count; first += cv(CHUNK)) {
        size_t n = count - first < cv(CHUNK) ? count - first : cv(CHUNK);
        uint64_t r[4], s[4];
        cv(keys_read)(&w->keys, keys, first, n, PC_KEY_FORMS_SM2);
        cv(keys_points)(w->q, &w->keys, n); /* before hashing: Z_A needs y */
        sm2_read_messages(w, params, messages, first, n);
        for (size_t j = 0; j < n; j++) {
            w->status[j] = cv(signature_read)(r, s, params, signatures, first + j);
            cv(soa_put)(w->r, j, r);
            cv(soa_put)(w->s, j, s);
        }
        for (size_t j = n; j < cv(groups_of)(n) * VL; j++) { /* fill the last vector: G + 2 G meets nothing */
            cv(soa_put)(w->r, j, one);
            cv(soa_put)(w->s, j, one);
            cv(soa_put)(w->e, j, one);
            w->status[j] = PC_MALFORMED_SIGNATURE;
        }
        sm2_equations(w, n);
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->keys.bad[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}

static void sm2_keyset_put(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots, void *const *tables,
                           uint8_t *verdicts) {
    vmode mode = vmode_enter();
    cv(keyset_fill)(keys, n, set, slots, tables, PC_KEY_FORMS_SM2, verdicts);
    vmode_leave(mode);
}
#endif
