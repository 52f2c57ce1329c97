/* bip340/verify.inc.h - Schnorr signatures of BIP-340 over secp256k1.
 *
 * Wants keys.inc.h and mult/buckets.inc.h instantiated for secp256k1, and combine.inc.h. Keys are 32 bytes, the x of the
 * point with even y; messages have any length. Order of the checks: ecdsa.inc.h. r >= p and s >= n, which BIP-340 just
 * calls failures, are SCALAR_OUT_OF_RANGE; r or s zero is no error by itself.
 *
 * R = s G - e P with e = H("BIP0340/challenge", r || x(P) || m) mod n must be finite, have even y, and x(R) = r. For one
 * item that is computed and looked at; many are tried at once, by keys with tables only when they are very many
 * (schnorr_bip340_batch.inc.h). Between the stages everything is in rows, one per item or key, so that any items can be
 * put into the lanes of a vector. */

enum { schnorr_secp256k1_CHUNK = COMBINE_MOST };

/* A chunk. Only the rows of the items that there are get touched. */
typedef struct schnorr_secp256k1_work_s {
    uint64_t heads[8 * schnorr_secp256k1_CHUNK];   /* of each item: the bytes r || x(P) */
    uint64_t scalars[8 * schnorr_secp256k1_CHUNK]; /* s, -e */
    uint64_t r[4 * schnorr_secp256k1_CHUNK];
    uint8_t digests[32 * schnorr_secp256k1_CHUNK];
    const uint64_t *tables[schnorr_secp256k1_CHUNK]; /* of each item's key, in a set with tables */
    int window;                                      /* of the tables; 0: there are none */
    combine_keys found;
    uint32_t jobs[2 * schnorr_secp256k1_CHUNK]; /* x to find points for */
    uint32_t live[schnorr_secp256k1_CHUNK];
    uint8_t status[schnorr_secp256k1_CHUNK], bad_key[schnorr_secp256k1_CHUNK], bad_point[1 + schnorr_secp256k1_CHUNK];
    /* single equations */
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    fe(t) z_inv[cv(GROUPS)], tmp[cv(GROUPS)];
    cv(sum_work) mult;
    /* combined ones */
    combine_state combine;
    uint64_t drawn[2 * schnorr_secp256k1_CHUNK + 8], coefficients[2 * schnorr_secp256k1_CHUNK];
    uint64_t products[8 * schnorr_secp256k1_CHUNK], factors[4 * (1 + schnorr_secp256k1_CHUNK)];
    uint32_t in_use[1 + schnorr_secp256k1_CHUNK];
    uint8_t in_sum[1 + schnorr_secp256k1_CHUNK];
    cv(hom) left_side, remembered; /* of combinations that failed */
    cv(multi) multi;               /* points: 0 is G, then the different keys, then R of each item */
} schnorr_secp256k1_work;

/* The prefix of a tagged hash: SHA-256(tag) twice. */
PC_FN void bip340_tag(uint8_t prefix[64], const char *tag) {
    const pc_column name = pc_column_fixed((const uint8_t *)tag, strlen(tag));
    sha256_many(NULL, 0, &name, 1, prefix);
    memcpy(prefix + 32, prefix, 32);
}

/* ---- items ------------------------------------------------------------------------------------------------------------ */

/* The record of an item's key. */
PC_FN const cv(key_record) * schnorr_secp256k1_record(const pc_key_source *keys, size_t item) {
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    return (const cv(key_record) *)(const void *)base + keys->indices[item];
}
/* Items first .. first + n - 1 to rows 0 .. n - 1. What can not be used is replaced by something that can. */
static void schnorr_secp256k1_read(schnorr_secp256k1_work *w, const pc_key_source *keys, const pc_column *signatures,
                                   size_t first, size_t n) {
    static const uint64_t p[4] = CV_P, order[4] = CV_N, one[4] = {1, 0, 0, 0}, gx[4] = CV_GX;
    w->window = keys->column ? 0 : keys->set->window;
    for (size_t j = 0; j < n; j++) {
        uint64_t r[4], s[4], x[4];
        size_t len;
        const uint8_t *bytes = pc_column_row(signatures, first + j, &len);
        uint8_t *head = (uint8_t *)(w->heads + 8 * j);
        w->status[j] = PC_VALID;
        if (sig_parse_compact(bytes, len, r, s) != SIG_OK)
            w->status[j] = PC_MALFORMED_SIGNATURE;
        else if (!int256_lt(r, p) || !int256_lt(s, order))
            w->status[j] = PC_SCALAR_OUT_OF_RANGE;
        memcpy(w->r + 4 * j, w->status[j] == PC_VALID ? r : one, sizeof r);
        memcpy(w->scalars + 8 * j, w->status[j] == PC_VALID ? s : one, sizeof s);
        if (keys->column) {
            bytes = pc_column_row(keys->column, first + j, &len);
            w->bad_key[j] = key_parse(bytes, len, KEY_X_ONLY, p, x, NULL) == KEY_MALFORMED;
        } else {
            const cv(key_record) *key = schnorr_secp256k1_record(keys, first + j);
            w->bad_key[j] = key->verdict != PC_VALID;
            w->tables[j] = w->bad_key[j] ? NULL : key->table;
            memcpy(x, key->x, sizeof x);
        }
        pc_words_to_be(head, w->r + 4 * j);
        pc_words_to_be(head + 32, w->bad_key[j] ? gx : x);
    }
}
/* -e mod n of n items from their digests. */
static void schnorr_secp256k1_challenges(schnorr_secp256k1_work *w, size_t n) {
    for (size_t first = 0; first < n; first += VL) {
        uint64_t soa[4 * VL], e[4];
        uint32_t row[VL];
        vec words[4];
        sc(t) t;
        rows_listed(row, NULL, first, n);
        for (size_t lane = 0; lane < VL; lane++) {
            pc_words_from_be(e, w->digests + 32 * (size_t)row[lane]);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = e[i];
        }
        words_load(words, soa, VL);
        sc(from_words)(&t, words);
        sc(neg)(&t, &t);
        sc(to_words)(words, &t);
        vstore_rows(w->scalars + 4, row, 8, words, 4);
    }
}

/* ---- points ----------------------------------------------------------------------------------------------------------- */

/* Keeps the points of these jobs, or that there are none. */
static void schnorr_secp256k1_keep(schnorr_secp256k1_work *w, const uint32_t job[VL], const cv(aff) * p, unsigned found) {
    uint32_t point[VL];
    for (size_t lane = 0; lane < VL; lane++) {
        const uint32_t item = job[lane] / 2;
        point[lane] = job[lane] & 1 ? w->found.of[item] : 1 + schnorr_secp256k1_CHUNK + item;
        if (found >> lane & 1) continue;
        if (job[lane] & 1)
            w->bad_point[point[lane]] = 1;
        else if (w->status[item] == PC_VALID)
            w->status[item] = PC_BAD_SIGNATURE;
    }
    cv(multi_put)(&w->multi, point, p);
}
/* Finds the points of n jobs: 2 j is the R of item j, 2 j + 1 its key. */
static void schnorr_secp256k1_lift(schnorr_secp256k1_work *w, size_t n) {
    const vmask even[PC_SIDE] = {mfrom_bits(0), mfrom_bits(0)};
    for (size_t first = 0; first < n; first += PC_SIDE * VL) {
        const int side = n - first <= VL ? 1 : PC_SIDE;
        uint32_t job[PC_SIDE * VL];
        cv(aff) p[PC_SIDE];
        vmask found[PC_SIDE];
        for (int i = 0; i < side; i++) {
            uint64_t soa[4 * VL], x[4];
            vec words[4];
            rows_listed(job + i * VL, w->jobs, first + (size_t)i * VL, n);
            for (size_t lane = 0; lane < VL; lane++) {
                pc_words_from_be(x, (const uint8_t *)(w->heads + 4 * (size_t)job[(size_t)i * VL + lane]));
                for (size_t k = 0; k < 4; k++) soa[k * VL + lane] = x[k];
            }
            words_load(words, soa, VL);
            fe(from_words)(&p[i].x, words);
        }
        cv(lift_x_side)(p, even, found, side);
        for (int i = 0; i < side; i++) schnorr_secp256k1_keep(w, job + i * VL, &p[i], mbits(found[i]));
    }
}
/* Points of keys from the records of a set. */
static void schnorr_secp256k1_load_keys(schnorr_secp256k1_work *w, const pc_key_source *keys, size_t first) {
    for (size_t at = 1; at <= w->found.n; at += VL) {
        uint64_t soa[8 * VL];
        uint32_t row[VL];
        vec words[8];
        cv(aff) p;
        rows_listed(row, NULL, at, w->found.n + 1);
        for (size_t lane = 0; lane < VL; lane++) {
            const cv(key_record) *key = schnorr_secp256k1_record(keys, first + w->found.item[row[lane]]);
            for (size_t i = 0; i < 4; i++) soa[i * VL + lane] = key->x[i], soa[(4 + i) * VL + lane] = key->y[i];
        }
        words_load(words, soa, VL);
        words_load(words + 4, soa + 4 * VL, VL);
        fe(from_words)(&p.x, words);
        fe(from_words)(&p.y, words + 4);
        cv(multi_put)(&w->multi, row, &p);
    }
}
/* The different keys of a chunk, and their points. */
static void schnorr_secp256k1_find_keys(schnorr_secp256k1_work *w, const pc_key_source *keys, size_t first, size_t n) {
    const uint32_t zero[VL] = {0};
    size_t jobs = 0;
    cv(aff) generator;
    combine_find_keys(&w->found, w->heads + 4, w->bad_key, n);
    memset(w->bad_point, 0, w->found.n + 1);
    memset(w->in_sum, 0, w->found.n + 1);
    cv(generator)(&generator);
    cv(multi_put)(&w->multi, zero, &generator);
    if (!keys->column) {
        schnorr_secp256k1_load_keys(w, keys, first);
        return;
    }
    for (uint32_t key = 1; key <= w->found.n; key++) w->jobs[jobs++] = 2 * w->found.item[key] + 1;
    schnorr_secp256k1_lift(w, jobs);
}

/* ---- single equations ------------------------------------------------------------------------------------------------- */

/* Settles the equations of the listed items, at most a block of them: groups vectors. */
static void schnorr_secp256k1_check_block(schnorr_secp256k1_work *w, const uint32_t *list, size_t n) {
    const size_t groups = cv(groups_of)(n);
    const uint64_t *tables[cv(CHUNK)];
    uint32_t row[VL], key[VL];
    vec words[8];
    for (size_t g = 0; g < groups; g++) {
        rows_listed(row, list, g * VL, n);
        vload_rows(words, w->scalars, row, 8, 8);
        memcpy(w->uv[g].u, words, sizeof w->uv[g].u);
        memcpy(w->uv[g].v, words + 4, sizeof w->uv[g].v);
        for (size_t lane = 0; lane < VL; lane++) {
            if (w->window) tables[g * VL + lane] = w->tables[row[lane]];
            key[lane] = w->window ? 0 : w->found.of[row[lane]];
        }
        if (!w->window) cv(multi_get)(&w->q[g], &w->multi, key);
    }
    if (w->window)
        cv(known_base)(w->sum, w->uv, tables, w->window, groups, &w->mult.known);
    else
        cv(double_base)(w->sum, w->uv, w->q, groups, &w->mult.ladder);
    for (size_t g = 0; g < groups; g++) w->z_inv[g] = w->sum[g].z;
    fe(batch_inv)(w->z_inv, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(aff) point;
        fe(t) r;
        rows_listed(row, list, g * VL, n);
        vload_rows(words, w->r, row, 4, 4);
        fe(from_words)(&r, words);
        cv(to_aff)(&point, &w->sum[g], &w->z_inv[g]);
        const vmask same = mand(fe(eq)(&point.x, &r), mnot(fe(is_odd)(&point.y)));
        const unsigned good = mbits(mand(same, mnot(fe(is_zero)(&w->sum[g].z))));
        for (size_t lane = 0; lane < VL; lane++) {
            uint8_t *status = &w->status[row[lane]];
            if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
        }
    }
}
static void schnorr_secp256k1_check_singly(void *work, const uint32_t *list, size_t n) {
    for (size_t first = 0; first < n; first += cv(CHUNK))
        schnorr_secp256k1_check_block((schnorr_secp256k1_work *)work, list + first,
                                      n - first < cv(CHUNK) ? n - first : cv(CHUNK));
}

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
    cv(keyset_fill)(keys, n, set, slots, tables, KEY_X_ONLY, verdicts);
    vmode_leave(mode);
}
