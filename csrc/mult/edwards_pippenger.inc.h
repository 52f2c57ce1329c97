/* edwards_pippenger.inc.h - one sum of many multiples by buckets (Pippenger), its windows spread over the lanes; template.
 *
 * Makes ed25519_terms (type), _point_load, _point_store, _point_of_generator, _window_vecs, _best_window,
 * _bucket_digits, _bucket_add, _bucket_rows, _bucket_clear, _bucket_sum, _join_windows, _pippenger_by,
 * _pippenger (here cv(bucket_add) and so on).
 *
 * Requires edwards_straus.inc.h (for Z_BITS). The scalars are cut into windows of the same width. In every window each point is added
 * to the bucket of its digit, and the buckets are summed with their digits as weights; Horner's rule joins the windows.
 *
 * A lane is a window, not a point: all lanes add the same point, each to its own bucket. So a point is loaded once, by
 * broadcast, for VL windows; there is one sum for the whole batch, so the buckets are shared by all its points; the loads are
 * balanced whatever the digits are; and no two lanes ever meet in a bucket. Bucket 0 takes the points whose digit is zero and is
 * never read: no branch depends on a digit. The addition law is complete, so equal and opposite points need no care.
 *
 * Costs, in multiplications of a vector: 7 for each point and each VL windows; 17 for each bucket of VL windows; 252 doublings. */

enum {
    cv(POINT_VECS) = sizeof(cv(niels)) / sizeof(vec),
    cv(POINT_STRIDE) = ROW_STRIDE(cv(POINT_VECS)),
    cv(EXT_VECS) = sizeof(cv(ext)) / sizeof(vec),
    cv(EXT_STRIDE) = ROW_STRIDE(cv(EXT_VECS)),
    cv(LEAST_WINDOW) = 4,
    cv(MOST_WINDOW) = VL >= 8 ? 8
    : VL >= 4                 ? 9
                              : 11, /* so that the buckets stay in the second-level cache */
    cv(MOST_WINDOWS) = RECODE_DIGITS(CV_BITS, cv(LEAST_WINDOW)),
    cv(BUCKET_WORDS) = VL * ((1 << (cv(MOST_WINDOW) - 1)) + 1) * cv(EXT_STRIDE),
    cv(DIGITS) = 64 /* points whose digits are made at a time */
};
/* The sum of scalars[index] * rows[index] over a list of indices. A row is a cv(niels), limb by limb, POINT_STRIDE words from the next; a scalar
 * is CV_SCALAR_WORDS words in two's complement. Those of `full` are below 2^CV_BITS, those of `brief` of Z_BITS. */
typedef struct cv(terms_s) {
    const uint64_t *rows, *scalars;
    size_t scalar_stride; /* words */
    const uint32_t *index;
    size_t n;
} cv(terms);

PC_FN void cv(point_load)(cv(niels) * p, const uint64_t *rows, const uint32_t row[VL]) {
    vload_rows((vec *)p, rows, row, cv(POINT_STRIDE), cv(POINT_VECS));
}
PC_FN void cv(point_store)(uint64_t *rows, const uint32_t row[VL], const cv(niels) * p) {
    vstore_rows(rows, row, cv(POINT_STRIDE), (const vec *)p, cv(POINT_VECS));
}
/* row = B. */
static PC_UNUSED void cv(point_of_generator)(uint64_t *row) {
    uint32_t one[VL], zero[VL] = {0};
    cv(niels) p;
    for (int lane = 0; lane < VL; lane++) one[lane] = 1;
    pthread_once(&cv(ladder_g_once), cv(ladder_g_build));
    cv(niels_load)(&p, cv(ladder_g), one);
    cv(point_store)(row, zero, &p);
}

/* Vectors of windows. */
PC_FN int cv(window_vecs)(int bits, int window) { return (RECODE_TOP(bits, window) / window + VL) / VL; }

/* The width that costs least. The factors are the multiplications above, and what goes with them. */
PC_FN int cv(best_window)(size_t n_full, size_t n_brief) {
    size_t least = SIZE_MAX;
    int best = 0;
    for (int window = cv(LEAST_WINDOW); window <= cv(MOST_WINDOW); window++) {
        const size_t full = (size_t)cv(window_vecs)(CV_BITS, window),
                     brief = (size_t)cv(window_vecs)(cv(Z_BITS) - 1, window);
        const size_t cost = 8 * (n_full * full + n_brief * brief) + (full * 18 << (window - 1));
        if (cost < least) least = cost, best = window;
    }
    return best;
}

/* digits[i * VL + lane] = bucket of term first + i in window first_window + lane, bit 32: subtract. n <= DIGITS. */
static void cv(bucket_digits)(uint64_t *digits, const cv(terms) * t, size_t first, size_t n, int first_window, int window) {
    const uint64_t lane_rows = ((uint64_t)1 << (window - 1)) + 1;
    for (size_t i = 0; i < n; i += VL) {
        uint32_t row[VL], to[VL];
        vec k[CV_SCALAR_WORDS], entry[VL];
        for (size_t j = 0; j < VL; j++) {
            row[j] = t->index[first + (i + j < n ? i + j : n - 1)];
            to[j] = (uint32_t)(i + j);
        }
        vload_rows(k, t->scalars, row, t->scalar_stride, CV_SCALAR_WORDS);
        for (int lane = 0; lane < VL; lane++) {
            vmask negative;
            vec digit = recode_digit(k, CV_SCALAR_WORDS, (first_window + lane) * window, window, &negative);
            digit = vadd(digit, vset1((uint64_t)lane * lane_rows));
            entry[lane] = vor(digit, vand(vblend(negative, vset1(~0ULL), vzero()), vset1(1ULL << 32)));
        }
        vstore_rows(digits, to, VL, entry, VL);
    }
}
/* Adds every term to its buckets in the windows first_window .. first_window + VL - 1. */
PC_NOINLINE VEC_FLATTEN void cv(bucket_add)(uint64_t *buckets, const cv(terms) * t, int first_window, int window) {
    uint64_t digits[cv(DIGITS) * VL];
    for (size_t first = 0; first < t->n; first += cv(DIGITS)) {
        const size_t n = t->n - first < cv(DIGITS) ? t->n - first : cv(DIGITS);
        cv(bucket_digits)(digits, t, first, n, first_window, window);
        for (size_t i = 0; i < n; i++) {
            const uint64_t *point = t->rows + (size_t)t->index[first + i] * cv(POINT_STRIDE);
            const vmask negative = vlt(vset1(~0ULL >> 32), vload(digits + i * VL));
            uint32_t row[VL];
            cv(niels) q;
            cv(ext) p;
            cv(sum) s;
            for (int j = 0; j < VL; j++) row[j] = (uint32_t)digits[i * VL + j];
            for (int k = 0; k < cv(POINT_VECS); k++) ((vec *)&q)[k] = vset1(point[k]);
            vload_rows((vec *)&p, buckets, row, cv(EXT_STRIDE), cv(EXT_VECS));
            cv(add_niels)(&s, &p, &q, negative);
            cv(to_ext)(&p, &s);
            vstore_rows(buckets, row, cv(EXT_STRIDE), (const vec *)&p, cv(EXT_VECS));
        }
    }
}
/* Row `bucket` of every lane. */
PC_FN void cv(bucket_rows)(uint32_t row[VL], uint32_t bucket, int window) {
    for (uint32_t lane = 0; lane < VL; lane++) row[lane] = lane * ((1u << (window - 1)) + 1) + bucket;
}
static void cv(bucket_clear)(uint64_t *buckets, int window) {
    cv(ext) zero;
    uint32_t row[VL];
    cv(identity)(&zero);
    for (uint32_t i = 0; i <= 1u << (window - 1); i++) {
        cv(bucket_rows)(row, i, window);
        vstore_rows(buckets, row, cv(EXT_STRIDE), (const vec *)&zero, cv(EXT_VECS));
    }
}
/* The sum of j times bucket j: from the top, a running sum of buckets, and a sum of those. */
PC_NOINLINE VEC_FLATTEN void cv(bucket_sum)(cv(ext) * total, const uint64_t *buckets, int window) {
    const vmask none = mfrom_bits(0);
    uint32_t row[VL];
    cv(ext) running, p;
    cv(cached) c;
    cv(sum) s;
    cv(bucket_rows)(row, 1u << (window - 1), window);
    vload_rows((vec *)&running, buckets, row, cv(EXT_STRIDE), cv(EXT_VECS));
    *total = running;
    for (uint32_t i = (1u << (window - 1)) - 1; i > 0; i--) {
        cv(bucket_rows)(row, i, window);
        vload_rows((vec *)&p, buckets, row, cv(EXT_STRIDE), cv(EXT_VECS));
        cv(to_cached)(&c, &running);
        cv(add_cached)(&s, &p, &c, none);
        cv(to_ext)(&running, &s);
        cv(to_cached)(&c, &running);
        cv(add_cached)(&s, total, &c, none);
        cv(to_ext)(total, &s);
    }
}
/* Joins the windows: sums[w] is the sum of window w, one row each. Every lane computes the same. */
static void cv(join_windows)(cv(ext) * r, const uint64_t *sums, int windows, int window) {
    cv(ext) next;
    cv(identity)(r);
    for (int w = windows - 1; w >= 0; w--) {
        uint32_t row[VL];
        for (int lane = 0; lane < VL; lane++) row[lane] = (uint32_t)w;
        vload_rows((vec *)&next, sums, row, cv(EXT_STRIDE), cv(EXT_VECS));
        cv(add)(r, r, &next);
        if (w == 0) break;
        cv(proj) p = {r->x, r->y, r->z};
        cv(sum) s;
        for (int i = 1; i < window; i++) {
            cv(dbl)(&s, &p);
            cv(to_proj)(&p, &s);
        }
        cv(dbl)(&s, &p);
        cv(to_ext)(r, &s);
    }
}

/* r = the sum of all terms, in every lane. buckets: BUCKET_WORDS words. */
static PC_UNUSED void cv(pippenger_by)(cv(ext) * r, const cv(terms) * full, const cv(terms) * brief, uint64_t *buckets,
                                       int window) {
    uint64_t sums[(cv(MOST_WINDOWS) + VL) * cv(EXT_STRIDE)];
    const int full_vecs = cv(window_vecs)(CV_BITS, window), brief_vecs = cv(window_vecs)(cv(Z_BITS) - 1, window);
    for (int i = 0; i < full_vecs; i++) {
        cv(ext) sum;
        uint32_t row[VL];
        cv(bucket_clear)(buckets, window);
        cv(bucket_add)(buckets, full, i * VL, window);
        if (i < brief_vecs) cv(bucket_add)(buckets, brief, i * VL, window);
        cv(bucket_sum)(&sum, buckets, window);
        for (int lane = 0; lane < VL; lane++) row[lane] = (uint32_t)(i * VL + lane);
        vstore_rows(sums, row, cv(EXT_STRIDE), (const vec *)&sum, cv(EXT_VECS));
    }
    cv(join_windows)(r, sums, RECODE_DIGITS(CV_BITS, window), window);
}
static PC_UNUSED void cv(pippenger)(cv(ext) * r, const cv(terms) * full, const cv(terms) * brief, uint64_t *buckets) {
    cv(pippenger_by)(r, full, brief, buckets, cv(best_window)(full->n, brief->n));
}
