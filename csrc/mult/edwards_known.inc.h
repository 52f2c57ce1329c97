/* edwards_known.inc.h - tables of a point that many scalars will multiply, and r = u B + v A by them: additions only; template.
 *
 * Makes ed25519_known_b (table), _known_terms (type), _known_store, _load, _to_ext, _flush, _bases, _fill,
 * _build, _b_build, _take_aim, _fetch, _sum (here cv(known_store) and so on).
 *
 * Requires edwards_base.inc.h and (curves/<curve>.inc.h)
 *   CV_KNOWN_WINDOW   bits per digit of u, and the most per digit of v
 *
 * A table for digits of `window` bits holds j 2^(window i) A for 0 <= j <= 2^(window - 1) and every digit i, as summands of packed
 * words, at row i (2^(window - 1) + 1) + j. The addition law is complete and v is used as the integer that it is, so
 * everything holds for every point A, whatever its order.
 *
 * Building walks up the multiples of a base, every lane another base - a digit of a key - and brings blocks of them to Z = 1 with one
 * inversion. */

enum {
    cv(KNOWN_ROW) = cv(NIELS_WORDS),
    cv(KNOWN_BLOCK) = 32 /* vectors per inversion */
};
#define ED_KNOWN_DIGITS(window) RECODE_DIGITS(CV_BITS, window)
#define ED_KNOWN_PER(window)    (((size_t)1 << ((window) - 1)) + 1) /* rows per digit */
#define ED_KNOWN_WORDS(window)  (ED_KNOWN_DIGITS(window) * ED_KNOWN_PER(window) * cv(KNOWN_ROW))
enum {
    cv(KNOWN_LEAST_WINDOW) = 2,
    cv(KNOWN_MOST_DIGITS) = ED_KNOWN_DIGITS(cv(KNOWN_LEAST_WINDOW)),
    cv(KNOWN_MOST_TERMS) = cv(KNOWN_MOST_DIGITS) + ED_KNOWN_DIGITS(CV_KNOWN_WINDOW)
};

/* ---- building ---------------------------------------------------------------------------------------------------------- */

PC_FN void cv(known_store)(uint64_t *const row[VL], const cv(niels) * p) {
    vec packed[cv(KNOWN_ROW)];
    uint64_t word[VL];
    cv(niels_pack)(packed, p);
    for (size_t i = 0; i < cv(KNOWN_ROW); i++) {
        vstore(word, packed[i]);
        for (size_t lane = 0; lane < VL; lane++) row[lane][i] = word[lane];
    }
}
PC_FN void cv(known_load)(cv(niels) * p, const uint64_t *const row[VL]) {
    vec packed[cv(KNOWN_ROW)];
    vload_each(packed, row, cv(KNOWN_ROW));
    cv(niels_unpack)(p, packed);
}
/* p, or with negative -p, in extended coordinates. */
PC_FN void cv(known_to_ext)(cv(ext) * r, const cv(niels) * p, vmask negative) {
    fe(t) x, y;
    fe(subc)(&x, &p->y_plus_x, &p->y_minus_x); /* they are halved */
    fe(addc)(&y, &p->y_plus_x, &p->y_minus_x);
    fe(cneg)(&x, negative, &x);
    cv(from_affine)(r, &x, &y);
}

/* Brings n points to Z = 1 and puts them into row j of base i, j = first_j + k step_j: see the two callers. */
static void cv(known_flush)(const cv(ext) * block, size_t n, uint64_t *const bases[VL], size_t first_row, size_t row_step) {
    fe(t) z_inv[cv(KNOWN_BLOCK)], tmp[cv(KNOWN_BLOCK)];
    for (size_t i = 0; i < n; i++) z_inv[i] = block[i].z;
    fe(batch_inv)(z_inv, n, tmp);
    for (size_t i = 0; i < n; i++) {
        uint64_t *row[VL];
        cv(niels) entry;
        for (size_t lane = 0; lane < VL; lane++) row[lane] = bases[lane] + (first_row + i * row_step) * cv(KNOWN_ROW);
        cv(to_niels)(&entry, &block[i], &z_inv[i]);
        cv(known_store)(row, &entry);
    }
}
/* Row 1 of every digit: 2^(window i) A, a key per lane. */
static void cv(known_bases)(uint64_t *const tables[VL], const cv(ext) * a, int window) {
    const size_t digits = ED_KNOWN_DIGITS(window), per = ED_KNOWN_PER(window);
    cv(ext) p = *a, block[cv(KNOWN_BLOCK)];
    cv(sum) s;
    for (size_t first = 0; first < digits; first += cv(KNOWN_BLOCK)) {
        const size_t n = digits - first < cv(KNOWN_BLOCK) ? digits - first : cv(KNOWN_BLOCK);
        for (size_t i = 0; i < n; i++) {
            block[i] = p;
            for (int k = 0; k < window; k++) {
                cv(dbl_ext)(&s, &p);
                cv(to_ext)(&p, &s);
            }
        }
        cv(known_flush)(block, n, tables, first * per + 1, per);
    }
}
/* The other rows of VL digits whose row 1 is there. */
static void cv(known_fill)(uint64_t *const bases[VL], int window) {
    const size_t per = ED_KNOWN_PER(window);
    const uint64_t *first_row[VL];
    const vmask none = mfrom_bits(0);
    cv(ext) p, block[cv(KNOWN_BLOCK)];
    cv(niels) base;
    cv(sum) s;
    cv(identity)(&p);
    cv(known_flush)(&p, 1, bases, 0, 0);
    for (size_t lane = 0; lane < VL; lane++) first_row[lane] = bases[lane] + cv(KNOWN_ROW);
    cv(known_load)(&base, first_row);
    cv(known_to_ext)(&p, &base, none);
    for (size_t j = 2; j < per; j += cv(KNOWN_BLOCK)) {
        const size_t n = per - j < cv(KNOWN_BLOCK) ? per - j : cv(KNOWN_BLOCK);
        for (size_t i = 0; i < n; i++) {
            cv(add_niels)(&s, &p, &base, none);
            cv(to_ext)(&p, &s);
            block[i] = p;
        }
        cv(known_flush)(block, n, bases, j, 1);
    }
}
/* Tables of the points of lanes 0 .. count - 1, 1 <= count <= VL; lanes above hold copies of lane 0, with its table. */
static void cv(known_build)(uint64_t *const tables[VL], size_t count, const cv(ext) * a, int window) {
    const size_t digits = (size_t)ED_KNOWN_DIGITS(window), per = ED_KNOWN_PER(window), total = count * digits;
    PC_CHECK(window >= cv(KNOWN_LEAST_WINDOW) && window <= CV_KNOWN_WINDOW);
    cv(known_bases)(tables, a, window);
    for (size_t first = 0; first < total; first += VL) {
        uint64_t *bases[VL];
        for (size_t lane = 0; lane < VL; lane++) {
            const size_t i = first + lane < total ? first + lane : first;
            bases[lane] = tables[i / digits] + i % digits * per * cv(KNOWN_ROW);
        }
        cv(known_fill)(bases, window);
    }
}

static uint64_t cv(known_b)[ED_KNOWN_WORDS(CV_KNOWN_WINDOW)] __attribute__((aligned(64)));
static pthread_once_t cv(known_b_once) = PTHREAD_ONCE_INIT;
static PC_UNUSED void cv(known_b_build)(void) {
    uint64_t *tables[VL];
    vmode mode = vmode_enter();
    cv(ext) base;
    cv(generator)(&base);
    for (size_t lane = 0; lane < VL; lane++) tables[lane] = cv(known_b);
    cv(known_build)(tables, 1, &base, CV_KNOWN_WINDOW);
    vmode_leave(mode);
}

/* ---- the sum ----------------------------------------------------------------------------------------------------------- */

/* Where the terms of one vector's sum are: the digits of u and then those of v. */
typedef struct cv(known_terms_s) {
    const uint64_t *row[cv(KNOWN_MOST_TERMS)][VL];
    vmask negative[cv(KNOWN_MOST_TERMS)];
    size_t n;
} cv(known_terms);

/* Finds the terms of u B + v A for u, v < 2^CV_BITS. tables: of A, with this window; NULL where it does not matter what comes out. */
static void cv(known_take_aim)(cv(known_terms) * terms, const vec u[CV_SCALAR_WORDS], const vec v[CV_SCALAR_WORDS],
                               const uint64_t *const tables[VL], int window) {
    pthread_once(&cv(known_b_once), cv(known_b_build));
    terms->n = 0;
    for (int part = 0; part < 2; part++) {
        const int width = part ? window : CV_KNOWN_WINDOW;
        for (int i = 0; i < ED_KNOWN_DIGITS(width); i++, terms->n++) {
            uint64_t j[VL];
            vstore(j, recode_digit(part ? v : u, CV_SCALAR_WORDS, i * width, width, &terms->negative[terms->n]));
            for (size_t lane = 0; lane < VL; lane++) {
                const uint64_t *table = part && tables[lane] ? tables[lane] : cv(known_b);
                const uint64_t *row = table + ((size_t)i * ED_KNOWN_PER(width) + j[lane]) * cv(KNOWN_ROW);
                terms->row[terms->n][lane] = row;
            }
        }
    }
}
/* Has the rows of a term fetched; they lie across two lines. */
PC_INLINE void cv(known_fetch)(const cv(known_terms) * terms, size_t i) {
    for (size_t lane = 0; lane < VL; lane++) {
        __builtin_prefetch(terms->row[i][lane]);
        __builtin_prefetch(terms->row[i][lane] + cv(KNOWN_ROW) - 1);
    }
}
/* The sum of these terms. The rows of those that are next (NULL: nothing is) are fetched a term at a time, with each addition: all at
 * once they would be more than a core has in flight, and everything else would wait. */
PC_NOINLINE VEC_FLATTEN void cv(known_sum)(cv(ext) * r, const cv(known_terms) * terms, const cv(known_terms) * next) {
    cv(niels) q;
    cv(sum) s;
    cv(known_load)(&q, terms->row[0]);
    cv(known_to_ext)(r, &q, terms->negative[0]);
    if (next) cv(known_fetch)(next, 0);
    for (size_t i = 1; i < terms->n; i++) {
        if (next) cv(known_fetch)(next, i);
        cv(known_load)(&q, terms->row[i]);
        cv(add_niels)(&s, r, &q, terms->negative[i]);
        cv(to_ext)(r, &s);
    }
}
