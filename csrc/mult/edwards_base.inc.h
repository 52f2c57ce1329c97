/* edwards_base.inc.h - multiples of the base point and of one more point per lane, on a twisted Edwards curve; template.
 *
 * Makes ed25519_ladder_g and _comb (tables), _ladder_g_build, _comb_build, _niels_pack, _niels_unpack,
 * _niels_store, _niels_load, _fixed_rows, _add_fixed, _mul_generator, _multiples, _add_digit, _add_g_digit,
 * _sum_identity, _double_base (here cv(comb) and so on).
 *
 * Requires group/edwards.inc.h, lane_tables.inc.h, recode.inc.h and (curves/<curve>.inc.h)
 *   CV_BITS          bits of the group order
 *   CV_A_WINDOW      bits per digit of the scalar of A; its table has 2^(CV_A_WINDOW - 1) + 1 entries
 *   CV_G_WINDOW      bits per digit of the scalar of the base point in the double-base ladder
 *   CV_COMB_WINDOW   bits per digit of the comb (signing)
 *
 * Signed fixed windows in lockstep; entry 0 of every table is the identity, so a digit of zero needs no care: the addition law is
 * complete. The tables of the base point are built on first use, in the limbs of this backend (docs/design/0006). */

enum {
    cv(NIELS_VECS) = sizeof(cv(niels)) / sizeof(vec),
    cv(NIELS_WORDS) = 3 * CV_WORDS,                                          /* packed */
    cv(NIELS_STRIDE) = VL == 1 ? (int)cv(NIELS_VECS) : (int)cv(NIELS_WORDS), /* words per row */
    cv(CACHED_VECS) = sizeof(cv(cached)) / sizeof(vec),
    cv(CACHED_STRIDE) = ROW_STRIDE(cv(CACHED_VECS)),
    cv(G_ROWS) = (1 << (CV_G_WINDOW - 1)) + 1,
    cv(COMB_ROWS) = (1 << (CV_COMB_WINDOW - 1)) + 1,
    cv(COMB_BASES) = RECODE_DIGITS(CV_BITS, CV_COMB_WINDOW),
    cv(A_ROWS) = (1 << (CV_A_WINDOW - 1)) + 1
};

static uint64_t cv(ladder_g)[cv(G_ROWS) * cv(NIELS_STRIDE)] __attribute__((aligned(64)));
static uint64_t cv(comb)[cv(COMB_BASES) * cv(COMB_ROWS) * cv(NIELS_STRIDE)] __attribute__((aligned(64)));
static pthread_once_t cv(ladder_g_once) = PTHREAD_ONCE_INIT, cv(comb_once) = PTHREAD_ONCE_INIT;

PC_FN void cv(niels_pack)(vec packed[cv(NIELS_WORDS)], const cv(niels) * p) {
    fe(pack)(packed, &p->y_plus_x);
    fe(pack)(packed + CV_WORDS, &p->y_minus_x);
    fe(pack)(packed + 2 * CV_WORDS, &p->txd);
}
PC_INLINE void cv(niels_unpack)(cv(niels) * p, const vec packed[cv(NIELS_WORDS)]) {
    fe(unpack)(&p->y_plus_x, packed);
    fe(unpack)(&p->y_minus_x, packed + CV_WORDS);
    fe(unpack)(&p->txd, packed + 2 * CV_WORDS);
}
/* A row is a summand in packed words; with a single lane it is the struct as it is (fixed_base.inc.h). */
PC_FN void cv(niels_store)(uint64_t *rows, const uint32_t row[VL], const cv(niels) * p) {
    vec packed[cv(NIELS_WORDS)];
    if (VL > 1) cv(niels_pack)(packed, p);
    rows_store(rows, row, cv(NIELS_STRIDE), VL > 1 ? packed : (const vec *)p, cv(NIELS_STRIDE));
}
PC_INLINE void cv(niels_load)(cv(niels) * p, const uint64_t *rows, const uint32_t row[VL]) {
    vec packed[cv(NIELS_WORDS)];
    vload_rows(VL > 1 ? packed : (vec *)p, rows, row, cv(NIELS_STRIDE), cv(NIELS_STRIDE));
    if (VL > 1) cv(niels_unpack)(p, packed);
}

/* rows[j] = j * base for j < n, every lane computing the same; one inversion per block of entries. */
static void cv(fixed_rows)(uint64_t *rows, uint32_t n, const cv(ext) * base) {
    enum { BLOCK = 32 };
    cv(ext) p, block[BLOCK];
    fe(t) z_inv[BLOCK], tmp[BLOCK];
    cv(cached) step;
    cv(niels) entry;
    cv(sum) s;
    cv(to_cached)(&step, base);
    cv(identity)(&p);
    for (uint32_t first = 0; first < n; first += BLOCK) {
        uint32_t count = n - first < BLOCK ? n - first : BLOCK;
        for (uint32_t j = 0; j < count; j++) {
            block[j] = p;
            z_inv[j] = p.z;
            cv(add_cached)(&s, &p, &step, mfrom_bits(0));
            cv(to_ext)(&p, &s);
        }
        fe(batch_inv)(z_inv, count, tmp);
        for (uint32_t j = 0; j < count; j++) {
            uint32_t row[VL];
            for (int lane = 0; lane < VL; lane++) row[lane] = first + j;
            cv(to_niels)(&entry, &block[j], &z_inv[j]);
            cv(niels_store)(rows, row, &entry);
        }
    }
}
static PC_UNUSED void cv(ladder_g_build)(void) {
    vmode mode = vmode_enter();
    cv(ext) base;
    cv(generator)(&base);
    cv(fixed_rows)(cv(ladder_g), cv(G_ROWS), &base);
    vmode_leave(mode);
}
static PC_UNUSED void cv(comb_build)(void) {
    vmode mode = vmode_enter();
    cv(ext) base;
    cv(sum) s;
    cv(generator)(&base);
    for (int i = 0; i < cv(COMB_BASES); i++) {
        cv(fixed_rows)(cv(comb) + (size_t)i * cv(COMB_ROWS) * cv(NIELS_STRIDE), cv(COMB_ROWS), &base);
        for (int k = 0; k < CV_COMB_WINDOW; k++) {
            cv(dbl_ext)(&s, &base);
            cv(to_ext)(&base, &s);
        }
    }
    vmode_leave(mode);
}

/* s = p + digit * base of these rows. */
PC_INLINE void cv(add_fixed)(cv(sum) * s, const cv(ext) * p, const uint64_t *rows, vec digit, vmask negative) {
    uint32_t row[VL];
    cv(niels) q;
    rows_index(row, digit, 0);
    cv(niels_load)(&q, rows, row);
    cv(add_niels)(s, p, &q, negative);
}

/* r = k B for k < 2^CV_BITS: no doublings. */
static PC_UNUSED void cv(mul_generator)(cv(ext) * r, const vec k[CV_SCALAR_WORDS]) {
    cv(sum) s;
    vmask negative;
    pthread_once(&cv(comb_once), cv(comb_build));
    cv(identity)(r);
    for (int i = 0; i < cv(COMB_BASES); i++) {
        vec digit = recode_digit(k, CV_SCALAR_WORDS, i * CV_COMB_WINDOW, CV_COMB_WINDOW, &negative);
        cv(add_fixed)(&s, r, cv(comb) + (size_t)i * cv(COMB_ROWS) * cv(NIELS_STRIDE), digit, negative);
        cv(to_ext)(r, &s);
    }
}

/* ---- points that differ per lane --------------------------------------------------------------------------------------- */

/* Words of a table of n_rows multiples per lane: j p of lane l at row l * n_rows + j. */
#define ED_TABLE_WORDS(n_rows) (VL * (size_t)(n_rows) * cv(CACHED_STRIDE))

/* 0 p .. (n_rows - 1) p, n_rows <= A_ROWS. */
static void cv(multiples)(uint64_t *rows, uint32_t n_rows, const cv(ext) * p) {
    cv(ext) multiple[cv(A_ROWS)];
    cv(cached) c, step;
    cv(sum) s;
    PC_CHECK(n_rows >= 2 && n_rows <= cv(A_ROWS));
    cv(identity)(&multiple[0]);
    multiple[1] = *p;
    cv(to_cached)(&step, p);
    for (uint32_t j = 0; j < n_rows; j++) {
        uint32_t row[VL];
        if (j >= 2) {
            if (j % 2 == 0)
                cv(dbl_ext)(&s, &multiple[j / 2]);
            else
                cv(add_cached)(&s, &multiple[j - 1], &step, mfrom_bits(0));
            cv(to_ext)(&multiple[j], &s);
        }
        cv(to_cached)(&c, &multiple[j]);
        for (uint32_t lane = 0; lane < VL; lane++) row[lane] = lane * n_rows + j;
        vstore_rows(rows, row, cv(CACHED_STRIDE), (const vec *)&c, cv(CACHED_VECS));
    }
}
/* s += the digit of k at pos times the point of these rows. */
PC_INLINE void cv(add_digit)(cv(sum) * s, const uint64_t *rows, uint32_t n_rows, const vec k[CV_SCALAR_WORDS], int pos,
                             int window) {
    uint32_t row[VL];
    vmask negative;
    cv(cached) c;
    cv(ext) q;
    vec digit = recode_digit(k, CV_SCALAR_WORDS, pos, window, &negative);
    rows_index(row, digit, 0);
    for (uint32_t lane = 0; lane < VL; lane++) row[lane] += lane * n_rows;
    vload_rows((vec *)&c, rows, row, cv(CACHED_STRIDE), cv(CACHED_VECS));
    cv(to_ext)(&q, s);
    cv(add_cached)(s, &q, &c, negative);
}
/* The same for the base point. */
PC_INLINE void cv(add_g_digit)(cv(sum) * s, const vec k[CV_SCALAR_WORDS], int pos) {
    vmask negative;
    cv(ext) q;
    vec digit = recode_digit(k, CV_SCALAR_WORDS, pos, CV_G_WINDOW, &negative);
    cv(to_ext)(&q, s);
    cv(add_fixed)(s, &q, cv(ladder_g), digit, negative);
}
PC_FN void cv(sum_identity)(cv(sum) * s) {
    s->f = s->g = s->h = fe(one)();
    s->e = fe(zero)();
}

enum {
    cv(TOP_A) = RECODE_TOP(CV_BITS, CV_A_WINDOW),
    cv(TOP_G) = RECODE_TOP(CV_BITS, CV_G_WINDOW),
    cv(TOP) = (int)cv(TOP_A) > (int)cv(TOP_G) ? (int)cv(TOP_A) : (int)cv(TOP_G)
};

/* r = u B + v A for u, v < 2^CV_BITS. */
PC_NOINLINE VEC_FLATTEN void cv(double_base)(cv(ext) * r, const vec u[CV_SCALAR_WORDS], const vec v[CV_SCALAR_WORDS],
                                             const cv(ext) * a) {
    uint64_t rows[ED_TABLE_WORDS(cv(A_ROWS))];
    cv(proj) p;
    cv(sum) s;
    pthread_once(&cv(ladder_g_once), cv(ladder_g_build));
    cv(multiples)(rows, cv(A_ROWS), a);
    cv(sum_identity)(&s);
    for (int pos = cv(TOP);; pos--) {
        if (pos % CV_A_WINDOW == 0 && pos <= cv(TOP_A)) cv(add_digit)(&s, rows, cv(A_ROWS), v, pos, CV_A_WINDOW);
        if (pos % CV_G_WINDOW == 0 && pos <= cv(TOP_G)) cv(add_g_digit)(&s, u, pos);
        if (pos == 0) break;
        cv(to_proj)(&p, &s);
        cv(dbl)(&s, &p);
    }
    cv(to_ext)(r, &s);
}
