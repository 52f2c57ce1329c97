/* ed25519_batch.inc.h - many cofactored equations as one; template, included by ed25519.inc.h.
 *
 * For random coefficients z of 128 bits, every lane checks the combination of its own items
 *
 *     [8] ( (sum z S) B - sum (z k) A - sum z R ) = 0
 *
 * whose doublings are shared: half the work of single equations. If every equation holds, so does this. If one fails, its left side
 * has a part of prime order (the factor 8 removes any other), and the combination holds with probability 2^-128. A lane that fails
 * is gone through equation by equation. So the verdicts are those of the single equations, for every input - which is true with the
 * cofactor only: without it a defect of small order survives or cancels by chance (docs/design/0001).
 *
 * The coefficients must be unpredictable for whoever makes the signatures, and reproducible is pleasant: they are a hash of
 * everything that the equations hold - S and the digest behind k, which covers R, A and the message, of all items of the chunk. */

/* z of the items of a chunk: two words each. Overwrites w->heads and w->digests. */
static void ed25519_coefficients(ed25519_work *w, size_t n, uint64_t z[2 * ed25519_CHUNK]) {
    const pc_column digests = pc_column_fixed(w->digests, 64 * n);
    uint8_t seed[64], counters[8 * (ed25519_CHUNK / 4)];
    const pc_column numbers = pc_column_fixed(counters, 8);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < 4; i++) pc_store64_le(w->heads + 32 * j + 8 * i, w->s[i * ed25519_CHUNK + j]);
    sha512_many(w->heads, 32 * n, &digests, 1, seed);
    for (size_t j = 0; j < ed25519_CHUNK / 4; j++) pc_store64_le(counters + 8 * j, j);
    sha512_many(seed, sizeof seed, &numbers, (n + 3) / 4, w->digests); /* four coefficients in a digest */
    for (size_t j = 0; j < ed25519_CHUNK; j++) {
        const int wanted = j < n && w->status[j] == PC_VALID && !w->bad_key[j]; /* others stay out of the sum */
        z[j] = wanted ? pc_load64_le(w->digests + 16 * j) : 0;
        z[ed25519_CHUNK + j] = wanted ? pc_load64_le(w->digests + 16 * j + 8) : 0;
    }
}

/* Does the combination hold, lane by lane, for the vectors first .. first + n - 1? */
static vmask ed25519_combination(ed25519_work *w, const uint64_t z[2 * ed25519_CHUNK], size_t first, size_t n) {
    sc25519_t sum = sc25519_zero(), t, zt;
    ed25519_ext minus_a, p;
    vec words[4];
    for (size_t i = 0; i < n; i++) {
        const size_t at = (first + i) * VL;
        ed25519_pair *pair = &w->pairs[i];
        pair->z[0] = vload(z + at);
        pair->z[1] = vload(z + ed25519_CHUNK + at);
        pair->z[2] = pair->z[3] = vzero();
        sc25519_from_words(&zt, pair->z);
        words_load(words, w->k + at, ed25519_CHUNK);
        sc25519_from_words(&t, words);
        sc25519_mul(&t, &t, &zt);
        sc25519_to_words(pair->v, &t);
        words_load(words, w->s + at, ed25519_CHUNK);
        sc25519_from_words(&t, words);
        sc25519_mul(&t, &t, &zt);
        sc25519_addc(&sum, &sum, &t);
        ed25519_neg(&minus_a, &w->a[first + i]);
        ed25519_multiples(pair->a_rows, ed25519_A_ROWS, &minus_a);
        ed25519_multiples(pair->r_rows, ed25519_Z_ROWS, &w->r[first + i]);
    }
    sc25519_to_words(words, &sum);
    ed25519_straus(&p, words, w->pairs, n);
    return ed25519_vanishes(&p);
}

/* Settles the cofactored equations of a chunk. */
static void ed25519_check_cofactored(ed25519_work *w, size_t n) {
    const size_t groups = ed25519_groups_of(n);
    uint64_t z[2 * ed25519_CHUNK];
    if (groups >= ed25519_BATCH_LEAST) ed25519_coefficients(w, n, z);
    for (size_t first = 0; first < groups; first += ed25519_BATCH) {
        const size_t count = groups - first < ed25519_BATCH ? groups - first : ed25519_BATCH;
        if (count >= ed25519_BATCH_LEAST && mbits(ed25519_combination(w, z, first, count)) == (1u << VL) - 1) continue;
        ed25519_equations(w, first, count);
        ed25519_compare_cofactored(w, first, count);
    }
}
