/* ed25519_keys.inc.h - points of keys and of R, equal keys, and key sets; template, included by ed25519.inc.h. */

/* ---- equal keys ---------------------------------------------------------------------------------------------------------- */

/* Numbers the different keys of a chunk from 1: key_of, key_item, n_keys. The table is a help, not a promise: a key whose place
 * is not found in a few steps gets a number of its own, so made-up collisions cost nothing. */
static void ed25519_find_keys(ed25519_work *w, size_t n) {
    enum { STEPS = 8 };
    uint32_t bits = 4;
    while ((size_t)1 << bits < 2 * n) bits++;
    PC_CHECK((size_t)1 << bits <= sizeof w->table / sizeof w->table[0]);
    memset(w->table, 0, sizeof w->table[0] << bits);
    w->n_keys = 0;
    w->bad_point[0] = w->in_sum[0] = 0;
    for (size_t j = 0; j < n; j++) {
        const uint64_t *key = w->heads + 8 * j + 4;
        uint64_t at = ((key[0] ^ key[2]) + (key[1] ^ key[3])) * 0x9e3779b97f4a7c15ULL >> (64 - bits);
        uint32_t found = 0;
        w->key_of[j] = 0;
        if (w->bad_key[j]) continue;
        for (int step = 0; step < STEPS && !found; step++, at = (at + 1) & (((uint64_t)1 << bits) - 1)) {
            const uint32_t other = w->table[at];
            if (other && memcmp(w->heads + 8 * w->key_item[other] + 4, key, 32) == 0) found = other;
            if (other) continue;
            w->table[at] = (uint16_t)(w->n_keys + 1);
            break;
        }
        if (!found) {
            found = (uint32_t)++w->n_keys;
            w->key_item[found] = (uint32_t)j;
            w->bad_point[found] = w->in_sum[found] = 0;
        }
        w->key_of[j] = found;
    }
}

/* ---- points -------------------------------------------------------------------------------------------------------------- */

/* Points of keys from the records of a key set. */
static void ed25519_load_keys(ed25519_work *w, const pc_key_source *keys, size_t first) {
    enum { STRIDE = sizeof(ed25519_key_record) / sizeof(uint64_t) };
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    for (size_t at = 1; at <= w->n_keys; at += VL) {
        uint32_t row[VL], record[VL];
        vec words[8];
        fe25519_t x, y;
        ed25519_niels point;
        ed25519_rows(row, NULL, at, w->n_keys + 1);
        for (int lane = 0; lane < VL; lane++) record[lane] = keys->indices[first + w->key_item[row[lane]]];
        vload_rows(words, (const uint64_t *)(const void *)base, record, STRIDE, 8);
        fe25519_from_words(&x, words);
        fe25519_from_words(&y, words + 4);
        ed25519_niels_of(&point, &x, &y);
        ed25519_point_store(w->keys, row, &point);
    }
}
/* Decompresses the encodings 4 * jobs[i] words into heads: the R of item j is number 2 j, its key 2 j + 1. */
static void ed25519_decompress_jobs(ed25519_work *w, size_t n) {
    for (size_t first = 0; first < n; first += ed25519_SIDE * VL) {
        ed25519_encoded e[ed25519_SIDE];
        const int side = n - first <= VL ? 1 : ed25519_SIDE;
        for (int i = 0; i < side; i++) {
            uint32_t row[VL];
            ed25519_rows(row, w->jobs, first + (size_t)i * VL, n);
            ed25519_load_le(e[i].words, w->heads, row, 4, 4);
        }
        ed25519_decompress(e, side);
        for (int i = 0; i < side; i++) {
            const size_t at = first + (size_t)i * VL;
            const unsigned good = mbits(e[i].is_point);
            uint64_t rows[VL * ed25519_POINT_STRIDE];
            uint32_t to[VL];
            ed25519_niels point;
            ed25519_niels_of(&point, &e[i].x, &e[i].y);
            for (uint32_t lane = 0; lane < VL; lane++) to[lane] = lane;
            ed25519_point_store(rows, to, &point);
            for (size_t lane = 0; lane < VL && at + lane < n; lane++) {
                const uint32_t item = w->jobs[at + lane] / 2, key = w->key_of[item];
                const int is_key = w->jobs[at + lane] & 1, bad = !(good >> lane & 1);
                memcpy((is_key ? w->keys + (size_t)key * ed25519_POINT_STRIDE : w->rs + (size_t)item * ed25519_POINT_STRIDE),
                       rows + lane * ed25519_POINT_STRIDE, sizeof(uint64_t) * ed25519_POINT_VECS);
                if (bad && is_key) w->bad_point[key] = 1;
                if (bad && !is_key && w->status[item] == PC_VALID) w->status[item] = PC_BAD_SIGNATURE;
            }
        }
    }
}
/* Decompresses the keys of a chunk and its R, as wanted. */
static void ed25519_decompress_all(ed25519_work *w, size_t n, int keys, int rs) {
    size_t jobs = 0;
    for (uint32_t key = 1; keys && key <= w->n_keys; key++) w->jobs[jobs++] = 2 * w->key_item[key] + 1;
    for (uint32_t j = 0; rs && j < n; j++)
        if (w->status[j] == PC_VALID && !w->bad_key[j]) w->jobs[jobs++] = 2 * j;
    ed25519_decompress_jobs(w, jobs);
}
/* The items whose equation is still to be checked. */
static size_t ed25519_list_live(ed25519_work *w, size_t n) {
    size_t live = 0;
    for (uint32_t j = 0; j < n; j++) {
        w->bad_key[j] |= w->bad_point[w->key_of[j]];
        if (w->status[j] == PC_VALID && !w->bad_key[j]) w->live[live++] = j;
    }
    return live;
}
