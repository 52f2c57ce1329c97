/* buckets.inc.h - one sum of many multiples on a curve with the endomorphism, by buckets (Pippenger) in affine
 * coordinates; template.
 *
 * Makes k256_lists and k256_multi (types), _multi_put, _get, _clear, _term, _load, _load_pairs, _expect,
 * _add_pairs, _thin_out, _reduce, _list_window, _list_halves, _weigh, _join, _best_window, _by, _of_terms
 * (here cv(multi_put) and so on).
 *
 * Requires affine_pairs.inc.h, weierstrass_complete.inc.h and glv.inc.h. A term is a point, or its endomorphic image, times
 * a number below 2^128 (`full`) or at most 2^63 (`brief`). The numbers are cut into signed digits. In every window the
 * terms are listed by their digit, and each list, a bucket, is added up as a tree: neighbours in pairs, the sums in
 * pairs, until one is left. A lane is a pair, whatever bucket and window it is of, so lanes are always full, and many
 * pairs share an inversion: 6M an addition against 11M or more for a law without exceptions, which a lane for each window
 * (edwards_pippenger.inc.h) would need. On Edwards curves that law is 7M, and an inversion would not pay.
 *
 * A bucket of digit d = h 2^split + l counts h times in `row` h and l times in `column` l of its window: two sums of
 * 2^(window / 2) buckets instead of one of 2^window, made of the same pairs. The sums left are weighed by running
 * sums with the complete addition law, a lane for each, and Horner's rule joins the windows.
 *
 * Points that are equal, opposite or cancel to infinity need no care anywhere: affine_pairs.inc.h says which sums are
 * infinite, and these leave their list. */

enum {
    cv(MULTI_ITEMS) = 2048, /* items of a sum, each with two points */
    cv(MULTI_POINTS) = 2 * cv(MULTI_ITEMS) + 1,
    cv(POINT_WORDS) = sizeof(cv(aff)) / sizeof(vec),
    cv(MULTI_ROWS) = 2 * cv(MULTI_POINTS),       /* point k and its image: rows 2 k and 2 k + 1 */
    cv(MULTI_TERMS) = 2 * cv(MULTI_POINTS) + VL, /* whole vectors of them are read */
    cv(MULTI_FULL_BITS) = CV_GLV_BITS,           /* at most two words */
    cv(MULTI_BRIEF_BITS) = 64,
    cv(MULTI_LEAST_WINDOW) = 4,
    cv(MULTI_MOST_WINDOW) = 11,
    cv(MULTI_MOST_WINDOWS) = RECODE_DIGITS(cv(MULTI_FULL_BITS), cv(MULTI_LEAST_WINDOW)),
    cv(MULTI_LIST) = cv(MULTI_TERMS) + 4096,                                  /* terms of the windows taken together */
    cv(MULTI_BUCKETS) = 2048,                                                 /* their buckets */
    cv(MULTI_LISTS) = cv(MULTI_BUCKETS) + cv(MULTI_MOST_WINDOWS),             /* with one of zeros in each window */
    cv(MULTI_ROOM) = cv(MULTI_ROWS) + cv(MULTI_LIST) + 2 * cv(MULTI_BUCKETS), /* rows of points and of sums */
    cv(MULTI_HOM_WORDS) = sizeof(cv(hom)) / sizeof(vec)
};
/* A reference: row << 1 | negative. */
#define MULTI_NONE UINT32_MAX

/* Lists side by side in refs: `count` references from `start`. Row base + i is where a sum at refs[i] goes. */
typedef struct cv(lists_s) {
    uint32_t *refs, *start, *count;
    uint32_t n, base;
} cv(lists);

typedef struct cv(multi_s) {
    uint64_t rows[cv(MULTI_ROOM) * cv(POINT_WORDS)];
    uint64_t low[cv(MULTI_TERMS)], high[cv(MULTI_TERMS)], digits[cv(MULTI_TERMS)];
    uint32_t ref[cv(MULTI_TERMS)];
    size_t full, terms; /* the full ones come first */
    uint32_t refs[cv(MULTI_LIST)], start[cv(MULTI_LISTS)], count[cv(MULTI_LISTS)];
    uint32_t half_refs[2 * cv(MULTI_BUCKETS)], half_start[2 * cv(MULTI_BUCKETS)], half_count[2 * cv(MULTI_BUCKETS)];
    uint32_t first[cv(PAIRS) * VL], second[cv(PAIRS) * VL], to[cv(PAIRS) * VL]; /* pairs that wait to be added */
    size_t waiting;
    int thin; /* there are MULTI_NONE in the lists */
    uint64_t windows[2 * cv(MULTI_MOST_WINDOWS) * cv(MULTI_HOM_WORDS)];
    cv(pairs) pairs;
} cv(multi);

/* ---- points and terms ------------------------------------------------------------------------------------------------- */

/* Point k[lane] = p, and its image. */
PC_FN void cv(multi_put)(cv(multi) * w, const uint32_t k[VL], const cv(aff) * p) {
    static const uint64_t beta_words[CV_WORDS] = CV_BETA;
    cv(aff) image = *p;
    uint32_t row[VL];
    cv(fe_const)(&image.x, beta_words);
    fe(mul)(&image.x, &image.x, &p->x);
    for (int lane = 0; lane < VL; lane++) row[lane] = 2 * k[lane];
    vstore_rows(w->rows, row, cv(POINT_WORDS), (const vec *)p, cv(POINT_WORDS));
    for (int lane = 0; lane < VL; lane++) row[lane]++;
    vstore_rows(w->rows, row, cv(POINT_WORDS), (const vec *)&image, cv(POINT_WORDS));
}
PC_FN void cv(multi_get)(cv(aff) * p, const cv(multi) * w, const uint32_t k[VL]) {
    uint32_t row[VL];
    for (int lane = 0; lane < VL; lane++) row[lane] = 2 * k[lane];
    vload_rows((vec *)p, w->rows, row, cv(POINT_WORDS), cv(POINT_WORDS));
}
PC_FN void cv(multi_clear)(cv(multi) * w) { w->full = w->terms = 0; }
/* Adds point k, or with image 1 its image, times (high 2^64 + low), negated or not. Full terms have to come before brief
 * ones. */
PC_FN void cv(multi_term)(cv(multi) * w, uint32_t k, int image, int negative, uint64_t low, uint64_t high, int full) {
    PC_CHECK(w->terms < 2 * cv(MULTI_POINTS) && (!full || w->full == w->terms) &&
             (full || (high == 0 && low <= 1ULL << 63)));
    w->ref[w->terms] = (2 * k + (uint32_t)image) << 1 | (uint32_t)negative;
    w->low[w->terms] = low;
    w->high[w->terms++] = high;
    w->full += (size_t)full;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------------ */

/* p = what these references mean; negated where flip has a bit. */
PC_INLINE void cv(multi_load)(cv(aff) * p, const cv(multi) * w, const uint32_t *refs, unsigned flip) {
    uint32_t row[VL];
    for (int lane = 0; lane < VL; lane++) row[lane] = refs[lane] >> 1;
    vload_rows((vec *)p, w->rows, row, cv(POINT_WORDS), cv(POINT_WORDS));
    if (flip) fe(cneg)(&p->y, mfrom_bits(flip), &p->y);
}
/* The points of the pairs that wait. The sign of a pair's first point is left to the reference to the sum: second is
 * negated where they differ. */
PC_NOINLINE VEC_FLATTEN void cv(multi_load_pairs)(cv(multi) * w, size_t vecs) {
    for (size_t i = 0; i < vecs; i++) {
        unsigned flip = 0;
        for (size_t lane = 0; lane < VL; lane++) flip |= ((w->first[i * VL + lane] ^ w->second[i * VL + lane]) & 1) << lane;
        cv(multi_load)(&w->pairs.sum[i], w, w->first + i * VL, 0);
        cv(multi_load)(&w->pairs.term[i], w, w->second + i * VL, flip);
        cv(pair_chord)(&w->pairs, i);
    }
}
/* Has the point that this means come in from memory. */
PC_INLINE void cv(multi_expect)(const cv(multi) * w, uint32_t ref) {
    const uint64_t *row = w->rows + (size_t)(ref >> 1) * cv(POINT_WORDS);
    __builtin_prefetch(row);
    __builtin_prefetch(row + cv(POINT_WORDS) - 1);
}
/* Adds the pairs that wait. */
static void cv(multi_add_pairs)(cv(multi) * w, const cv(lists) * l) {
    const size_t n = w->waiting, vecs = (n + VL - 1) / VL;
    if (n == 0) return;
    for (size_t i = n; i < vecs * VL; i++) {
        w->first[i] = w->first[n - 1];
        w->second[i] = w->second[n - 1];
        w->to[i] = w->to[n - 1];
    }
    cv(multi_load_pairs)(w, vecs);
    cv(pairs_add)(&w->pairs, vecs);
    for (size_t i = 0; i < vecs; i++) {
        const unsigned infinite = w->pairs.infinite[i];
        uint32_t row[VL];
        for (size_t lane = 0; lane < VL; lane++) row[lane] = l->base + w->to[i * VL + lane];
        vstore_rows(w->rows, row, cv(POINT_WORDS), (const vec *)&w->pairs.sum[i], cv(POINT_WORDS));
        for (size_t lane = 0; infinite && lane < VL; lane++)
            if (infinite >> lane & 1) l->refs[w->to[i * VL + lane]] = MULTI_NONE;
        w->thin |= infinite != 0;
    }
    w->waiting = 0;
}
/* Takes the MULTI_NONE out of the lists. */
static void cv(multi_thin_out)(cv(multi) * w, const cv(lists) * l) {
    for (uint32_t b = 0; b < l->n && w->thin; b++) {
        uint32_t *refs = l->refs + l->start[b], kept = 0;
        for (uint32_t i = 0; i < l->count[b]; i++)
            if (refs[i] != MULTI_NONE) refs[kept++] = refs[i];
        l->count[b] = kept;
    }
    w->thin = 0;
}
/* Adds up each list, so that one reference is left, or none. A sum takes a place that no pair still to come will read:
 * that of pair i is i, and later pairs are read from 2 i + 2 on. */
static void cv(multi_reduce)(cv(multi) * w, const cv(lists) * l) {
    int again = 1;
    w->waiting = 0;
    w->thin = 0;
    while (again) {
        again = 0;
        for (uint32_t b = 0; b < l->n; b++) {
            const uint32_t start = l->start[b], count = l->count[b], half = count / 2;
            uint32_t *refs = l->refs + start;
            if (count < 2) continue;
            for (uint32_t i = 0; i < half; i++) {
                const uint32_t p = refs[2 * i], q = refs[2 * i + 1];
                const size_t at = w->waiting++;
                w->first[at] = p;
                w->second[at] = q;
                w->to[at] = start + i;
                cv(multi_expect)(w, p);
                cv(multi_expect)(w, q);
                refs[i] = (l->base + start + i) << 1 | (p & 1);
                if (w->waiting == cv(PAIRS) * VL) cv(multi_add_pairs)(w, l);
            }
            if (count & 1) refs[half] = refs[count - 1];
            l->count[b] = half + (count & 1);
            again |= l->count[b] > 1;
        }
        cv(multi_add_pairs)(w, l);
        cv(multi_thin_out)(w, l);
    }
}

/* ---- windows ---------------------------------------------------------------------------------------------------------- */

/* Lists the terms of one window by their digits; list 0, of zeros, is made empty. Returns how much of refs is in use. */
static uint32_t cv(multi_list_window)(cv(multi) * w, const cv(lists) * l, uint32_t first_list, uint32_t at, size_t terms,
                                      int pos, int window) {
    const uint32_t lists = (1u << (window - 1)) + 1;
    uint32_t *start = l->start + first_list, *count = l->count + first_list;
    for (size_t i = 0; i < terms; i += VL) {
        const vec k[2] = {vload(w->low + i), vload(w->high + i)};
        vmask negative;
        const vec digit = recode_digit(k, 2, pos, window, &negative);
        vstore(w->digits + i, vor(vshl(digit, 1), vblend(negative, vset1(1), vzero())));
    }
    memset(count, 0, lists * sizeof *count);
    for (size_t i = 0; i < terms; i++) count[w->digits[i] >> 1]++;
    for (uint32_t d = 0; d < lists; d++) {
        start[d] = at;
        at += count[d];
        count[d] = 0;
    }
    for (size_t i = 0; i < terms; i++) {
        const uint64_t digit = w->digits[i] >> 1;
        l->refs[start[digit] + count[digit]++] = w->ref[i] ^ (uint32_t)(w->digits[i] & 1);
    }
    count[0] = 0;
    return at;
}
/* The lists of rows 1 .. rows and of columns 1 .. columns of `windows` windows, from their buckets. */
static void cv(multi_list_halves)(const cv(lists) * from, cv(lists) * l, uint32_t windows, int window, int split) {
    const uint32_t top = 1u << (window - 1), columns = (1u << split) - 1, rows = top >> split;
    uint32_t at = 0;
    l->n = 0;
    for (uint32_t i = 0; i < windows; i++) {
        const uint32_t first = i * (top + 1);
        for (uint32_t h = 1; h <= rows; h++, l->n++) {
            l->start[l->n] = at;
            for (uint32_t d = h << split; d <= top && d >> split == h; d++)
                if (from->count[first + d]) l->refs[at++] = from->refs[from->start[first + d]];
            l->count[l->n] = at - l->start[l->n];
        }
        for (uint32_t c = 1; c <= columns; c++, l->n++) {
            l->start[l->n] = at;
            for (uint32_t d = c; d <= top; d += columns + 1)
                if (from->count[first + d]) l->refs[at++] = from->refs[from->start[first + d]];
            l->count[l->n] = at - l->start[l->n];
        }
    }
}
/* Weighs rows and columns: sums 2 i and 2 i + 1 of w->windows, i counted from first, are those of the rows and of the
 * columns. */
static void cv(multi_weigh)(cv(multi) * w, const cv(lists) * l, uint32_t first, uint32_t windows, uint32_t rows,
                            uint32_t columns) {
    const uint32_t most = rows > columns ? rows : columns;
    for (uint32_t job = 0; job < 2 * windows; job += VL) {
        cv(hom) running, total, q, sum;
        uint32_t row[VL];
        cv(hom_infinity)(&running);
        cv(hom_infinity)(&total);
        for (uint32_t d = most; d > 0; d--) {
            uint32_t refs[VL];
            unsigned there = 0, flip = 0;
            cv(aff) p;
            for (uint32_t lane = 0; lane < VL; lane++) {
                const uint32_t of = job + lane < 2 * windows ? job + lane : 2 * windows - 1, own = of & 1 ? columns : rows;
                const uint32_t list = of / 2 * (rows + columns) + (of & 1) * rows + d - 1;
                const int filled = d <= own && l->count[list];
                refs[lane] = filled ? l->refs[l->start[list]] : 0;
                there |= (unsigned)filled << lane;
                flip |= (refs[lane] & 1) << lane;
            }
            if (there) {
                cv(multi_load)(&p, w, refs, flip);
                cv(hom_from_aff)(&q, &p);
                cv(hom_add)(&sum, &running, &q);
                cv(hom_select)(&running, mfrom_bits(there), &sum, &running);
            }
            cv(hom_add)(&total, &total, &running);
        }
        for (uint32_t lane = 0; lane < VL; lane++) {
            const uint32_t of = job + lane < 2 * windows ? job + lane : 2 * windows - 1;
            row[lane] = 2 * first + of;
        }
        vstore_rows(w->windows, row, cv(MULTI_HOM_WORDS), (const vec *)&total, cv(MULTI_HOM_WORDS));
    }
}
/* r = sum over i of 2^(window i) (2^split rows[i] + columns[i]). Every lane computes the same. */
static void cv(multi_join)(cv(hom) * r, const cv(multi) * w, int windows, int window, int split) {
    cv(hom_infinity)(r);
    for (int i = 2 * windows; i-- > 0;) { /* columns are below the rows: 2 i is the rows, 2 i + 1 the columns */
        const int columns = !(i & 1), of = i ^ 1;
        uint32_t row[VL];
        cv(hom) next;
        for (int lane = 0; lane < VL; lane++) row[lane] = (uint32_t)of;
        vload_rows((vec *)&next, w->windows, row, cv(MULTI_HOM_WORDS), cv(MULTI_HOM_WORDS));
        if (i < 2 * windows - 1) cv(hom_dbl_n)(r, r, columns ? split : window - split);
        cv(hom_add)(r, r, &next);
    }
}

/* The width that costs least, in additions: those of the terms, of the buckets to rows and columns, and of the weighing. */
PC_FN int cv(multi_best_window)(size_t full, size_t brief) {
    size_t least = SIZE_MAX;
    int best = 0;
    for (int window = cv(MULTI_LEAST_WINDOW); window <= cv(MULTI_MOST_WINDOW); window++) {
        const size_t windows = RECODE_DIGITS(cv(MULTI_FULL_BITS), window),
                     briefs = RECODE_DIGITS(cv(MULTI_BRIEF_BITS) - 1, window);
        const size_t cost = full * windows + brief * briefs + (windows << (window - 1)) + windows * (8u << (window / 2));
        if (cost < least) least = cost, best = window;
    }
    return best;
}
/* r = the sum of all terms, in every lane. */
static void cv(multi_by)(cv(hom) * r, cv(multi) * w, int window) {
    const int windows = RECODE_DIGITS(cv(MULTI_FULL_BITS), window), briefs = RECODE_DIGITS(cv(MULTI_BRIEF_BITS), window);
    const int split = window / 2;
    const uint32_t lists = (1u << (window - 1)) + 1, columns = (1u << split) - 1, rows = 1u << (window - 1 - split);
    cv(lists) l = {w->refs, w->start, w->count, 0, cv(MULTI_ROWS)};
    cv(lists) halves = {w->half_refs, w->half_start, w->half_count, 0, cv(MULTI_ROWS) + cv(MULTI_LIST)};
    for (size_t i = w->terms; i < w->terms + VL; i++) w->low[i] = w->high[i] = 0;
    for (int first = 0, next; first < windows; first = next) {
        uint32_t at = 0;
        l.n = 0;
        for (next = first; next < windows; next++, l.n += lists) {
            const size_t terms = next < briefs ? w->terms : w->full;
            if (next > first && (at + terms > cv(MULTI_LIST) || l.n + lists > cv(MULTI_BUCKETS))) break;
            at = cv(multi_list_window)(w, &l, l.n, at, terms, next * window, window);
        }
        cv(multi_reduce)(w, &l);
        cv(multi_list_halves)(&l, &halves, (uint32_t)(next - first), window, split);
        cv(multi_reduce)(w, &halves);
        cv(multi_weigh)(w, &halves, (uint32_t)first, (uint32_t)(next - first), rows, columns);
    }
    cv(multi_join)(r, w, windows, window, split);
}
static PC_UNUSED void cv(multi_of_terms)(cv(hom) * r, cv(multi) * w) {
    cv(multi_by)(r, w, cv(multi_best_window)(w->full, w->terms - w->full));
}
