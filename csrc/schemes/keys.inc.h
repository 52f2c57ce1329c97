/* keys.inc.h - the public keys of a chunk, from an encoded column or a key set, to affine points; template.
 *
 * Wants double_base.inc.h (chunk sizes) and encoding.inc.h. A key that does not parse, or is no point of the curve, is
 * marked and replaced by the generator, so that the lane code after it needs no special case. */

/* One key of a key set. verdict is PC_VALID or PC_MALFORMED_KEY. */
typedef struct cv(key_record_s) {
    uint64_t x[4], y[4];
    uint64_t verdict;
} cv(key_record);

/* Keys of a chunk: word i of item j at [i * CHUNK + j]. */
typedef struct cv(keys_s) {
    uint64_t x[4 * cv(CHUNK)], y[4 * cv(CHUNK)];
    uint64_t form[cv(CHUNK)]; /* KEY_Y_GIVEN, KEY_Y_EVEN, KEY_Y_ODD, or KEY_TRUSTED */
    uint8_t bad[cv(CHUNK)];
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
        }
    }
    for (size_t j = n; j < cv(groups_of)(n) * VL; j++) cv(key_put)(keys, j, x, y, KEY_MALFORMED);
}

/* The points of the vectors of a chunk, after keys_read. Finds y for the forms without one (and keeps it in keys->y), checks
 * the others against the curve, and marks what fails. */
static void cv(keys_points)(cv(aff) * points, cv(keys) * keys, size_t n) {
    cv(aff) generator;
    cv(generator)(&generator);
    for (size_t g = 0; g < cv(groups_of)(n); g++) {
        const size_t at = g * VL;
        cv(aff) p, lifted;
        vec x[4], y[4], form = vload(keys->form + at);
        words_load(x, keys->x + at, cv(CHUNK));
        words_load(y, keys->y + at, cv(CHUNK));
        fe(from_words)(&p.x, x);
        fe(from_words)(&p.y, y);
        vmask odd = veq(form, vset1(KEY_Y_ODD)), lift = mor(odd, veq(form, vset1(KEY_Y_EVEN)));
        vmask given = veq(form, vset1(KEY_Y_GIVEN)), good = mnot(given);
        if (mbits(given)) good = mor(good, cv(on_curve)(&p));
        if (mbits(lift)) {
            lifted = p;
            vmask found = cv(lift_x)(&lifted, odd);
            good = mand(good, mor(mnot(lift), found));
            fe(select)(&p.y, lift, &lifted.y, &p.y);
            fe(to_words)(y, &p.y);
            words_store(keys->y + at, cv(CHUNK), y);
        }
        unsigned bad = ~mbits(good);
        if (bad & ((1u << VL) - 1)) {
            cv(aff_select)(&p, good, &p, &generator);
            for (int lane = 0; lane < VL; lane++) keys->bad[at + (size_t)lane] |= (uint8_t)(bad >> lane & 1);
        }
        points[g] = p;
    }
}

/* pc_keyset_build_fn, less the forms that the scheme takes. */
static void cv(keyset_fill)(const pc_column *column, size_t n_keys, pc_keyset *set, int forms, uint8_t *verdicts) {
    cv(key_record) *records = (cv(key_record) *)(void *)((uint8_t *)set + set->records_offset);
    const pc_key_source source = {column, NULL, NULL};
    cv(keys) keys;
    cv(aff) points[cv(GROUPS)];
    for (size_t first = 0; first < n_keys; first += cv(CHUNK)) {
        size_t n = n_keys - first < cv(CHUNK) ? n_keys - first : cv(CHUNK);
        cv(keys_read)(&keys, &source, first, n, forms);
        cv(keys_points)(points, &keys, n);
        for (size_t j = 0; j < n; j++) {
            cv(key_record) *key = &records[first + j];
            cv(soa_get)(key->x, keys.x, j);
            cv(soa_get)(key->y, keys.y, j);
            verdicts[first + j] = keys.bad[j] ? PC_MALFORMED_KEY : PC_VALID;
            key->verdict = verdicts[first + j];
        }
    }
}
