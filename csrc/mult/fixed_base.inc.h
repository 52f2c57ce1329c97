/* fixed_base.inc.h - tables of multiples of the generator, and k G by a comb; template.
 *
 * Makes k256_comb (table), _acc (type), _aff_store, _aff_load, _fixed_base_widen, _fixed_base_build,
 * _acc_start, _acc_take, _acc_add, _acc_add_side, _fixed_load, _acc_add_fixed, _comb_build, _comb_walk,
 * _comb_walk_exact, _mul_generator, and the same for p256_ and sm2c_ (here cv(comb) and so on).
 *
 * Requires weierstrass.inc.h and (curves/<curve>.inc.h)
 *   CV_BITS          bits of the group order; CV_SCALAR_WORDS: words of a scalar, CV_WORDS: of a coordinate
 *   CV_COMB_WINDOW   bits per digit of the comb
 *
 * A table holds j * 2^(spacing i) * G for 1 <= j <= 2^(window - 1) and 0 <= i < bases, affine, one row per point and the
 * same rows for every lane. Two shapes are in use: spacing = window is a comb, which needs no doubling at all (signing, key
 * sets); spacing near the length of the ladder rides on the doublings of a double-base multiplication (double_base.inc.h)
 * and affords wider digits. They are built on first use, in the limbs of this backend, once per process. The group order
 * must exceed 2^window, so that no two entries of a base coincide up to sign. */

enum {
    cv(AFF_VECS) = sizeof(cv(aff)) / sizeof(vec),
    cv(AFF_ROW) = VL == 1 ? (int)cv(AFF_VECS) : 2 * CV_WORDS, /* words of a row */
    cv(AFF_STRIDE) = ROW_STRIDE(cv(AFF_ROW)),
    cv(FB_BLOCK) = 64, /* vectors of table entries per inversion */
    cv(COMB_BASES) = RECODE_DIGITS(CV_BITS, CV_COMB_WINDOW),
    cv(COMB_ROWS) = cv(COMB_BASES) << (CV_COMB_WINDOW - 1)
};

/* A row is x and y as packed words: at four words each one cache line, which costs the lanes one transpose and a few shifts to load.
 * With a single lane nothing has to be transposed, and a row is the struct as it is. */
PC_FN void cv(aff_store)(uint64_t *rows, const uint32_t row[VL], const cv(aff) * p) {
    vec packed[2 * CV_WORDS];
    if (VL > 1) {
        fe(pack)(packed, &p->x);
        fe(pack)(packed + CV_WORDS, &p->y);
    }
    rows_store(rows, row, cv(AFF_STRIDE), VL > 1 ? packed : (const vec *)p, cv(AFF_ROW));
}
PC_INLINE void cv(aff_load)(cv(aff) * p, const uint64_t *rows, const uint32_t row[VL]) {
    vec packed[2 * CV_WORDS];
    vload_rows(VL > 1 ? packed : (vec *)p, rows, row, cv(AFF_STRIDE), cv(AFF_ROW));
    if (VL > 1) {
        fe(unpack)(&p->x, packed);
        fe(unpack)(&p->y, packed + CV_WORDS);
    }
}

/* Entries m + 1 .. 2 m of a base from its entries 1 .. m; row j - 1 holds entry j. Lanes take neighbouring entries; lanes
 * past the end repeat the last one. */
static void cv(fixed_base_widen)(uint64_t *rows, uint32_t m) {
    uint32_t last[VL];
    cv(aff) top, p;
    fe(t) den[cv(FB_BLOCK)], tmp[cv(FB_BLOCK)];
    for (int lane = 0; lane < VL; lane++) last[lane] = m - 1;
    cv(aff_load)(&top, rows, last);
    for (uint32_t first = 0; first < m; first += cv(FB_BLOCK) * VL) {
        uint32_t from[cv(FB_BLOCK)][VL], to[VL];
        size_t n = 0;
        for (; n < cv(FB_BLOCK) && first + n * VL < m; n++) {
            fe(t) dbl;
            unsigned doubles = 0;
            for (int lane = 0; lane < VL; lane++) {
                uint32_t i = first + (uint32_t)n * VL + (uint32_t)lane;
                from[n][lane] = i < m ? i : m - 1;
                doubles |= (unsigned)(from[n][lane] == m - 1) << lane;
            }
            cv(aff_load)(&p, rows, from[n]);
            cv(aff_add_den)(&den[n], &top, &p);
            cv(aff_dbl_den)(&dbl, &p);
            fe(select)(&den[n], mfrom_bits(doubles), &dbl, &den[n]);
        }
        fe(batch_inv)(den, n, tmp);
        for (size_t i = 0; i < n; i++) {
            cv(aff) sum, twice;
            unsigned doubles = 0;
            for (int lane = 0; lane < VL; lane++) {
                doubles |= (unsigned)(from[i][lane] == m - 1) << lane;
                to[lane] = from[i][lane] + m;
            }
            cv(aff_load)(&p, rows, from[i]);
            cv(aff_add)(&sum, &top, &p, &den[i]);
            cv(aff_dbl)(&twice, &p, &den[i]);
            cv(aff_select)(&sum, mfrom_bits(doubles), &twice, &sum);
            cv(aff_store)(rows, to, &sum);
        }
    }
}

static void cv(fixed_base_build)(uint64_t *rows, int window, int spacing, int bases) {
    const uint32_t per_base = (uint32_t)1 << (window - 1);
    const uint32_t first_row[VL] = {0};
    cv(aff) base;
    cv(generator)(&base);
    for (int i = 0; i < bases; i++) {
        uint64_t *own = rows + (size_t)i * per_base * cv(AFF_STRIDE);
        cv(aff_store)(own, first_row, &base);
        for (uint32_t m = 1; m < per_base; m *= 2) cv(fixed_base_widen)(own, m);
        cv(jac) p;
        cv(jac_from_aff)(&p, &base);
        for (int k = 0; k < spacing; k++) cv(dbl)(&p, &p);
        fe(t) z_inv;
        fe(inv)(&z_inv, &p.z);
        cv(to_aff)(&base, &p, &z_inv);
    }
}

/* ---- the running sum of a multiplication ------------------------------------------------------------------------------ */

typedef struct cv(acc_s) {
    cv(jac) p;
    vmask empty; /* lanes that have met no digit other than zero: p means nothing there but Z = 0 */
} cv(acc);

PC_FN void cv(acc_start)(cv(acc) * a) {
    cv(jac_infinity)(&a->p);
    a->empty = mfrom_bits((1u << VL) - 1);
}
/* a = sum = a + q, but q where a is empty, and a as it was in the lanes of skip. */
PC_INLINE void cv(acc_take)(cv(acc) * a, const cv(jac) * sum, const cv(aff) * q, vmask skip) {
    cv(jac) first, next;
    cv(jac_from_aff)(&first, q);
    cv(jac_select)(&next, a->empty, &first, sum);
    cv(jac_select)(&a->p, skip, &a->p, &next);
    a->empty = mand(a->empty, skip);
}
/* a += (negative ? -q : q), except in the lanes of skip. exact is a constant: 1 takes the addition that holds for every
 * input, 0 the fast one, whose result is right in every lane that ends with Z != 0 (madd_chord). Spoils q. */
PC_INLINE void cv(acc_add)(cv(acc) * a, cv(aff) * q, vmask negative, vmask skip, int exact) {
    const unsigned none = mbits(a->empty), skips = mbits(skip);
    cv(jac) sum;
    if (skips == (1u << VL) - 1) return;
    fe(cneg)(&q->y, negative, &q->y);
    if (!exact && !(none | skips)) { /* nearly always */
        cv(madd)(&a->p, &a->p, q);
        return;
    }
    exact ? cv(madd_exact)(&sum, &a->p, q) : cv(madd)(&sum, &a->p, q);
    cv(acc_take)(a, &sum, q, skip);
}
#if VEC_SIDE > 1
/* The fast one for two sums side by side. */
PC_INLINE void cv(acc_add_side)(cv(acc) a[PC_SIDE], cv(aff) q[PC_SIDE], const vmask negative[PC_SIDE],
                                const vmask skip[PC_SIDE]) {
    const cv(jac) *const p[] = {&a[0].p, &a[1].p};
    const cv(aff) *const added[] = {&q[0], &q[1]};
    unsigned odd = 0; /* lanes whose sum is not taken as it is */
    EACH_SIDE(PC_SIDE) {
        fe(cneg)(&q[j].y, negative[j], &q[j].y);
        odd |= mbits(a[j].empty) | mbits(skip[j]);
    }
    if (!odd) {
        cv(jac) *const r[] = {&a[0].p, &a[1].p};
        cv(madd_side)(r, p, added);
    } else {
        cv(jac) sum[PC_SIDE], *const r[] = {&sum[0], &sum[1]};
        cv(madd_side)(r, p, added);
        EACH_SIDE(PC_SIDE) cv(acc_take)(&a[j], &sum[j], &q[j], skip[j]);
    }
}
#endif
/* q = the point of these rows that a digit stands for; another one where it is zero. */
PC_INLINE void cv(fixed_load)(cv(aff) * q, const uint64_t *rows, vec digit, vmask zero) {
    uint32_t row[VL];
    rows_index(row, vblend(zero, vzero(), vsub(digit, vset1(1))), 0);
    cv(aff_load)(q, rows, row);
}
/* a += digit * (base of these rows). */
PC_INLINE void cv(acc_add_fixed)(cv(acc) * a, const uint64_t *rows, vec digit, vmask negative, int exact) {
    const vmask zero = veq(digit, vzero());
    cv(aff) q;
    cv(fixed_load)(&q, rows, digit, zero);
    cv(acc_add)(a, &q, negative, zero, exact);
}

/* ---- k G -------------------------------------------------------------------------------------------------------------- */

static uint64_t cv(comb)[cv(COMB_ROWS) * cv(AFF_STRIDE)] __attribute__((aligned(64)));
static pthread_once_t cv(comb_once) = PTHREAD_ONCE_INIT;
static PC_UNUSED void cv(comb_build)(void) {
    vmode mode = vmode_enter();
    cv(fixed_base_build)(cv(comb), CV_COMB_WINDOW, CV_COMB_WINDOW, cv(COMB_BASES));
    vmode_leave(mode);
}

PC_INLINE void cv(comb_walk)(cv(jac) * r, const vec k[CV_SCALAR_WORDS], int exact) {
    cv(acc) a;
    cv(acc_start)(&a);
    for (int i = 0; i < cv(COMB_BASES); i++) {
        vmask negative;
        vec digit = recode_digit(k, CV_SCALAR_WORDS, i * CV_COMB_WINDOW, CV_COMB_WINDOW, &negative);
        const uint64_t *rows = cv(comb) + ((size_t)i * cv(AFF_STRIDE) << (CV_COMB_WINDOW - 1));
        cv(acc_add_fixed)(&a, rows, digit, negative, exact);
    }
    *r = a.p;
}
PC_NOINLINE void cv(comb_walk_exact)(cv(jac) * r, const vec k[CV_SCALAR_WORDS]) { cv(comb_walk)(r, k, 1); }

/* r = k G for k < 2^CV_BITS. */
PC_NOINLINE void cv(mul_generator)(cv(jac) * r, const vec k[CV_SCALAR_WORDS]) {
    pthread_once(&cv(comb_once), cv(comb_build));
    cv(comb_walk)(r, k, 0);
    vmask doubtful = fe(is_zero)(&r->z);
    if (mbits(doubtful)) {
        cv(jac) again;
        cv(comb_walk_exact)(&again, k);
        cv(jac_select)(r, doubtful, &again, r);
    }
}
