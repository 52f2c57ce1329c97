/* known_table.inc.h - tables of a point that many scalars will multiply; template, part of known_base.inc.h.
 *
 * Makes k256_known_step (type), _known_store, _read, _powers, _widen, _build, and the same for p256_ and
 * sm2c_ (here cv(known_store) and so on).
 *
 * A table for digits of `window` bits holds the odd multiples (2 j + 1) 2^(window i) Q for i < KNOWN_DIGITS and j < 2^(window - 1),
 * affine, at row i 2^(window - 1) + j: x and y as packed words, one cache line where these are four each. It is built
 * from the powers 2^t Q by doubling the number of multiples: those below 2^(k + 1) are those below 2^k plus 2^k times the
 * base. Every addition is affine and shares its inversion with many others. The group order is an odd prime above
 * 2^window: no sum meets an exceptional case.
 *
 * The powers wait in the rows that they help to fill: 2^k times base i, for k > 0, in its row 2^(k - 1), which is the one that its
 * last addition overwrites. */

/* Vectors per inversion, which costs as much as some 270M: 50 KiB on the stack with four lanes or eight. */
enum { cv(KNOWN_BLOCK) = VL > 4 ? 64 : 128, cv(KNOWN_POWERS) = cv(KNOWN_BLOCK) / 2 };

PC_FN void cv(known_store)(uint64_t *const row[VL], const cv(aff) * p) {
    vec words[cv(KNOWN_ROW)];
    uint64_t word[VL];
    fe(pack)(words, &p->x);
    fe(pack)(words + CV_WORDS, &p->y);
    for (size_t i = 0; i < cv(KNOWN_ROW); i++) {
        vstore(word, words[i]);
        for (size_t lane = 0; lane < VL; lane++) row[lane][i] = word[lane];
    }
}
PC_FN void cv(known_read)(cv(aff) * p, uint64_t *const row[VL]) {
    const uint64_t *from[VL];
    vec words[cv(KNOWN_ROW)];
    for (size_t lane = 0; lane < VL; lane++) from[lane] = row[lane];
    vload_each(words, from, cv(KNOWN_ROW));
    fe(unpack)(&p->x, words);
    fe(unpack)(&p->y, words + CV_WORDS);
}

/* 2^t Q for all t, a key per lane. */
static void cv(known_powers)(uint64_t *const tables[VL], const cv(aff) * q, int window) {
    const int total = KNOWN_DIGITS(window) * window;
    cv(jac) p, block[cv(KNOWN_POWERS)];
    fe(t) z_inv[cv(KNOWN_POWERS)], tmp[cv(KNOWN_POWERS)];
    cv(jac_from_aff)(&p, q);
    for (int first = 0; first < total; first += cv(KNOWN_POWERS)) {
        const int n = total - first < cv(KNOWN_POWERS) ? total - first : cv(KNOWN_POWERS);
        for (int i = 0; i < n; i++) {
            block[i] = p;
            z_inv[i] = p.z;
            cv(dbl)(&p, &p);
        }
        fe(batch_inv)(z_inv, (size_t)n, tmp);
        for (int i = 0; i < n; i++) {
            const int digit = (first + i) / window, k = (first + i) % window;
            const size_t at = ((size_t)digit << (window - 1)) + (k ? (size_t)1 << (k - 1) : 0);
            uint64_t *row[VL];
            cv(aff) power;
            for (size_t lane = 0; lane < VL; lane++) row[lane] = tables[lane] + at * cv(KNOWN_ROW);
            cv(to_aff)(&power, &block[i], &z_inv[i]);
            cv(known_store)(row, &power);
        }
    }
}

/* The rows of one addition: a multiple below 2^k, the power 2^k, and where their sum goes. */
typedef struct cv(known_step_s) {
    uint64_t *from[VL], *power[VL];
} cv(known_step);

/* Rows m .. 2 m - 1 of every base from rows 0 .. m - 1 and the power in row m. Lanes take neighbouring rows, the last one first; those
 * past the end repeat the last sum. */
static void cv(known_widen)(uint64_t *const *bases, size_t n_bases, size_t m) {
    const size_t total = n_bases * m;
    cv(known_step) step[cv(KNOWN_BLOCK)];
    fe(t) den[cv(KNOWN_BLOCK)], tmp[cv(KNOWN_BLOCK)];
    cv(aff) p, q;
    for (size_t first = 0; first < total; first += cv(KNOWN_BLOCK) * VL) {
        size_t n = 0;
        for (; n < cv(KNOWN_BLOCK) && first + n * VL < total; n++) {
            for (size_t lane = 0; lane < VL; lane++) {
                size_t i = first + n * VL + lane;
                if (i >= total) i = total - 1;
                uint64_t *base = bases[i / m];
                step[n].from[lane] = base + (m - 1 - i % m) * cv(KNOWN_ROW);
                step[n].power[lane] = base + m * cv(KNOWN_ROW);
            }
            cv(known_read)(&p, step[n].from);
            cv(known_read)(&q, step[n].power);
            cv(aff_add_den)(&den[n], &p, &q);
        }
        fe(batch_inv)(den, n, tmp);
        for (size_t i = 0; i < n; i++) {
            uint64_t *to[VL];
            cv(known_read)(&p, step[i].from);
            cv(known_read)(&q, step[i].power);
            cv(aff_add)(&p, &p, &q, &den[i]);
            for (size_t lane = 0; lane < VL; lane++) to[lane] = step[i].from[lane] + m * cv(KNOWN_ROW);
            cv(known_store)(to, &p);
        }
    }
}

/* Tables of the points of lanes 0 .. count - 1, 1 <= count <= VL. */
static void cv(known_build)(uint64_t *const *tables, size_t count, const cv(aff) * q, int window) {
    uint64_t *own[VL], *bases[VL * cv(KNOWN_MOST_DIGITS)];
    const size_t digits = (size_t)KNOWN_DIGITS(window), per_base = (size_t)1 << (window - 1);
    for (size_t lane = 0; lane < VL; lane++) own[lane] = tables[lane < count ? lane : 0];
    cv(aff) p = *q;
    if (count < VL) { /* the other lanes write what lane 0 writes */
        vec x[CV_WORDS], y[CV_WORDS];
        fe(to_words)(x, &p.x);
        fe(to_words)(y, &p.y);
        for (int i = 0; i < CV_WORDS; i++) {
            const vmask live = mfrom_bits((1u << count) - 1);
            x[i] = vblend(live, x[i], vset1(vlane(x[i], 0)));
            y[i] = vblend(live, y[i], vset1(vlane(y[i], 0)));
        }
        fe(from_words)(&p.x, x);
        fe(from_words)(&p.y, y);
    }
    cv(known_powers)(own, &p, window);
    for (size_t key = 0; key < count; key++)
        for (size_t i = 0; i < digits; i++) bases[key * digits + i] = own[key] + i * per_base * cv(KNOWN_ROW);
    for (size_t m = 1; m < per_base; m *= 2) cv(known_widen)(bases, count * digits, m);
}
