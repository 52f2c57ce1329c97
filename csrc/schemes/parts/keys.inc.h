/* parts/keys.inc.h - the public keys of a chunk, from an encoded column or a key set, to affine points or
 * their tables; template.
 *
 * Requires mult/known_base.inc.h and parts/encoding.inc.h. Gives, as k256_..., p256_... and sm2c_...,
 * cv(keys_read), cv(keys_points), cv(key_sums), cv(keyset_fill), cv(keyset_table) and the cv(soa_...)
 * helpers. A key that does not parse, or is no point of the curve, is marked and replaced by the generator,
 * so that the lane code after it needs no special case. */

/* One key of a key set. Any verdict other than PC_VALID stands for a slot without a key. */
typedef struct cv(key_record_s) {
    uint64_t x[4], y[4];
    uint64_t verdict;
    uint64_t *table; /* known_table.inc.h; NULL in a set without tables */
} cv(key_record);

/* Keys of a chunk: word i of item j at [i * CHUNK + j]. */
typedef struct cv(keys_s) {
    uint64_t x[4 * cv(CHUNK)], y[4 * cv(CHUNK)];
    uint64_t form[cv(CHUNK)]; /* KEY_Y_GIVEN, KEY_Y_EVEN, KEY_Y_ODD, or KEY_TRUSTED */
    uint8_t bad[cv(CHUNK)];
    int window;                        /* of the tables; 0: there are none */
    const uint64_t *tables[cv(CHUNK)]; /* NULL where the key is bad */
} cv(keys);

PC_FN void cv(soa_put)(uint64_t *soa, size_t j, const uint64_t w[4]) {
    for (int i = 0; i < 4; i++) soa[(size_t)i * cv(CHUNK) + j] = w[i];
}
PC_FN void cv(soa_get)(uint64_t w[4], const uint64_t *soa, size_t j) {
    for (int i = 0; i < 4; i++) w[i] = soa[(size_t)i * cv(CHUNK) + j];
}
/* Vectors that n items fill. */
PC_FN size_t cv(groups_of)(size_t n) { return (n + VL - 1) / VL; }

PC_FN void cv(key_put)(cv(keys) * keys, size_t j, const uint64_t x[4], const uint64_t y[4], int form) {
    static const uint64_t gx[4] = CV_GX, gy[4] = CV_GY;
    int bad = form == KEY_MALFORMED;
    cv(soa_put)(keys->x, j, bad ? gx : x);
    cv(soa_put)(keys->y, j, bad || form == KEY_Y_EVEN || form == KEY_Y_ODD ? gy : y);
    keys->form[j] = (uint64_t)(bad ? KEY_TRUSTED : form);
    keys->bad[j] = (uint8_t)bad;
}

/* Items first .. first + n - 1 of the source; the rest of the last vector is filled with the generator. */
static void cv(keys_read)(cv(keys) * keys, const pc_key_source *source, size_t first, size_t n, int forms) {
    static const uint64_t prime[4] = CV_P;
    uint64_t x[4] = {0}, y[4] = {0};
    keys->window = source->column ? 0 : source->set->window;
    for (size_t j = 0; j < n; j++) {
        if (source->column) {
            size_t len;
            const uint8_t *bytes = pc_column_row(source->column, first + j, &len);
            int form = key_parse(bytes, len, forms, prime, x, y);
            cv(key_put)(keys, j, x, y, form);
        } else {
            const cv(key_record) *records =
                (const cv(key_record) *)(const void *)((const uint8_t *)source->set + source->set->records_offset);
            const cv(key_record) *key = &records[source->indices[first + j]];
            cv(key_put)(keys, j, key->x, key->y, key->verdict == PC_VALID ? KEY_TRUSTED : KEY_MALFORMED);
            keys->tables[j] = key->verdict == PC_VALID ? key->table : NULL;
        }
    }
    for (size_t j = n; j < cv(groups_of)(n) * VL; j++) {
        cv(key_put)(keys, j, x, y, KEY_MALFORMED);
        keys->tables[j] = NULL;
    }
}

/* The points of the vectors of a chunk, after keys_read. Finds y for the forms without one (and keeps it in keys->y), checks
 * the others against the curve, and marks what fails. Keys with tables are of a set, which has checked them: nothing to do. */
static void cv(keys_points)(cv(aff) * points, cv(keys) * keys, size_t n) {
    const size_t groups = cv(groups_of)(n);
    cv(aff) generator;
    if (keys->window) return;
    cv(generator)(&generator);
    for (size_t first = 0; first < groups; first += PC_SIDE) { /* roots are found side by side */
        const int side = groups - first < PC_SIDE ? (int)(groups - first) : PC_SIDE;
        cv(aff) lifted[PC_SIDE];
        vmask odd[PC_SIDE], lift[PC_SIDE], found[PC_SIDE];
        unsigned lifts = 0;
        vec words[4];
        for (int j = 0; j < side; j++) {
            const size_t g = first + (size_t)j;
            const vec form = vload(keys->form + g * VL);
            words_load(words, keys->x + g * VL, cv(CHUNK));
            fe(from_words)(&points[g].x, words);
            words_load(words, keys->y + g * VL, cv(CHUNK));
            fe(from_words)(&points[g].y, words);
            odd[j] = veq(form, vset1(KEY_Y_ODD));
            lift[j] = mor(odd[j], veq(form, vset1(KEY_Y_EVEN)));
            lifts |= mbits(lift[j]);
            lifted[j] = points[g];
        }
        if (lifts) cv(lift_x_side)(lifted, odd, found, side);
        for (int j = 0; j < side; j++) {
            const size_t g = first + (size_t)j;
            const vmask given = veq(vload(keys->form + g * VL), vset1(KEY_Y_GIVEN));
            vmask good = mnot(given);
            if (mbits(given)) good = mor(good, cv(on_curve)(&points[g]));
            if (mbits(lift[j])) {
                good = mand(good, mor(mnot(lift[j]), found[j]));
                fe(select)(&points[g].y, lift[j], &lifted[j].y, &points[g].y);
                fe(to_words)(words, &points[g].y);
                words_store(keys->y + g * VL, cv(CHUNK), words);
            }
            unsigned bad = ~mbits(good);
            if (bad & ((1u << VL) - 1)) {
                cv(aff_select)(&points[g], good, &points[g], &generator);
                for (int lane = 0; lane < VL; lane++) keys->bad[g * VL + (size_t)lane] |= (uint8_t)(bad >> lane & 1);
            }
        }
    }
}

/* Working memory of key_sums: whichever way the keys call for. */
typedef union cv(sum_work_u) {
    cv(mult_work) ladder;
    cv(known_work) known;
} cv(sum_work);

/* live[g] = the lanes of vector g whose verdict the equation decides: those that are VALID so far. */
static void cv(live_lanes)(unsigned live[cv(GROUPS)], const cv(keys) * keys, const uint8_t *status, size_t groups) {
    for (size_t g = 0; g < groups; g++) {
        live[g] = 0;
        for (size_t lane = 0; lane < VL; lane++) {
            const size_t j = g * VL + lane;
            live[g] |= (unsigned)(status[j] == PC_VALID && !keys->bad[j]) << lane;
        }
    }
}

/* sum[g] = u G + v Q for the keys of a chunk, after keys_points, where status is VALID so far; other lanes are left without
 * meaning. By double_base, or without its doublings. */
static void cv(key_sums)(cv(jac) * sum, const cv(uv) * k, const cv(keys) * keys, const cv(aff) * points,
                         const uint8_t *status, size_t groups, cv(sum_work) * w) {
    unsigned live[cv(GROUPS)] = {0};
    cv(live_lanes)(live, keys, status, groups);
    if (keys->window)
        cv(known_base)(sum, k, keys->tables, keys->window, live, groups, &w->known);
    else
        cv(double_base)(sum, k, points, live, groups, &w->ladder);
}

/* ---- key sets --------------------------------------------------------------------------------------------------------- */

PC_UNUSED static size_t cv(keyset_table)(int window) {
    return window >= 2 && window <= CV_KNOWN_WINDOW ? KNOWN_ROWS(window) * cv(KNOWN_ROW) * sizeof(uint64_t) : 0;
}

/* Where the set itself has room for the table of a slot. */
PC_FN void *cv(keyset_own_table)(pc_keyset *set, size_t slot) {
    return (uint8_t *)set + set->tables_offset + slot * cv(keyset_table)(set->window);
}

/* The tables of records that are waiting for one: a lane each. */
static void cv(keyset_tabulate)(cv(key_record) *const records[VL], size_t n, int window) {
    uint64_t x_words[4 * VL], y_words[4 * VL], *tables[VL];
    vec x[4], y[4];
    cv(aff) q;
    for (size_t lane = 0; lane < VL; lane++) {
        const cv(key_record) *key = records[lane < n ? lane : 0];
        tables[lane] = key->table;
        for (size_t i = 0; i < 4; i++) x_words[i * VL + lane] = key->x[i], y_words[i * VL + lane] = key->y[i];
    }
    words_load(x, x_words, VL);
    words_load(y, y_words, VL);
    fe(from_words)(&q.x, x);
    fe(from_words)(&q.y, y);
    cv(known_build)(tables, n, &q, window);
}

/* pc_keyset_put_fn, except the forms that the scheme takes. */
static void cv(keyset_fill)(const pc_column *column, size_t n_keys, pc_keyset *set, const uint32_t *slots,
                            void *const *tables, int forms, uint8_t *verdicts) {
    cv(key_record) *records = (cv(key_record) *)(void *)((uint8_t *)set + set->records_offset), *waiting[VL];
    const pc_key_source source = {column, NULL, NULL};
    size_t n_waiting = 0;
    cv(keys) keys;
    cv(aff) points[cv(GROUPS)];
    for (size_t first = 0; first < n_keys; first += cv(CHUNK)) {
        size_t n = n_keys - first < cv(CHUNK) ? n_keys - first : cv(CHUNK);
        cv(keys_read)(&keys, &source, first, n, forms);
        cv(keys_points)(points, &keys, n);
        for (size_t j = 0; j < n; j++) {
            const size_t item = first + j;
            const size_t slot = slots ? slots[item] : item;
            cv(key_record) *key = &records[slot];
            cv(soa_get)(key->x, keys.x, j);
            cv(soa_get)(key->y, keys.y, j);
            verdicts[item] = keys.bad[j] ? PC_MALFORMED_KEY : PC_VALID;
            key->verdict = verdicts[item];
            key->table = NULL;
            if (!set->window || keys.bad[j]) continue;
            key->table = (uint64_t *)(tables ? tables[item] : cv(keyset_own_table)(set, slot));
            waiting[n_waiting++] = key;
            if (n_waiting < VL) continue;
            cv(keyset_tabulate)(waiting, n_waiting, set->window);
            n_waiting = 0;
        }
    }
    if (n_waiting) cv(keyset_tabulate)(waiting, n_waiting, set->window);
}
