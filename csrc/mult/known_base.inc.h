/* known_base.inc.h - r = u G + v Q for points Q whose tables are known (known_table.inc.h): additions only; template.
 *
 * Makes k256_known_g (table), _known_aim and _known_work (types), _known_g_build, _known_signs, _start,
 * _terms, _take_aim, _load, _walk, _walk_fast, _walk_exact, _mend, _add_one, _products, _add_all, _add,
 * _tree, _base, and the same for p256_ and sm2c_ (here cv(known_walk) and so on).
 *
 * Requires double_base.inc.h (chunk sizes, scalars) and (curves/<curve>.inc.h)
 *   CV_KNOWN_WINDOW   bits per digit of u, and the most per digit of v: at most 13, and 2^CV_KNOWN_WINDOW below the group order
 *
 * Digits. k < n is first made odd: m = k, or m = n - k with its sign to remember. With L bits, L = window * digits, an odd m < 2^L is
 * the sum of s_i 2^i over i < L with every s_i = 1 or -1; the signs, read as bits, are (m >> 1) + 2^(L - 1), and all of them flipped
 * give -m. A digit is `window` neighbouring signs, an odd number d with |d| < 2^window: no digit is zero, nothing is carried from one
 * to the next, and a table needs the odd multiples alone. The sum of the digits is k, modulo n and thus in the group, whose order is n.
 *
 * Additions. There is nothing but a sum of table entries, so it is taken as a tree: many pairs at once in affine coordinates, where an
 * addition is 2M + 1S and a share of an inversion - 3M, and one real inversion for hundreds of vectors. That is 6M against 11M for
 * the mixed addition, which a few vectors use that would have to pay for the inversion alone.
 *
 * Exceptional additions. A signer chooses Q, u and v, and can make two partial sums meet: equal, or opposite. Either gives an addition
 * in affine coordinates the denominator zero, and makes the product of all denominators zero in that lane: one look at the product
 * finds it. Then the zeros are replaced by one and their lanes marked, and a marked vector is summed again by exact additions, one by
 * one. In the mixed additions Z = 0 marks a lane, as in double_base.inc.h. No partial sum is ever infinity otherwise. */

enum {
    cv(KNOWN_ROW) = 2 * CV_WORDS,         /* words of a table row: x and y, packed (field.h) */
    cv(SIGN_WORDS) = CV_SCALAR_WORDS + 1, /* of the signs of a scalar, up to a digit more than it has bits */
    cv(KNOWN_ADDS) = 256, /* vectors of additions that share an inversion, at most. Twice as many no longer fit L2 */
    cv(KNOWN_LEAST) = 64, /* fewer are cheaper without one: 5M saved an addition, 270M an inversion */
    cv(KNOWN_MOST_DIGITS) = (CV_BITS + 1) / 2
};
/* Digits of a scalar, and rows of a table, for one window. */
#define KNOWN_DIGITS(window) ((CV_BITS + (window) - 1) / (window))
#define KNOWN_ROWS(window)   ((size_t)KNOWN_DIGITS(window) << ((window) - 1))

#include "known_table.inc.h"

static uint64_t cv(known_g)[KNOWN_ROWS(CV_KNOWN_WINDOW) * cv(KNOWN_ROW)] __attribute__((aligned(64)));
static pthread_once_t cv(known_g_once) = PTHREAD_ONCE_INIT;
static PC_UNUSED void cv(known_g_build)(void) {
    uint64_t *const tables[VL] = {cv(known_g)};
    vmode mode = vmode_enter();
    cv(aff) generator;
    cv(generator)(&generator);
    cv(known_build)(tables, 1, &generator, CV_KNOWN_WINDOW);
    vmode_leave(mode);
}

/* Where an addition finds its table row, and which lanes want its negative. */
typedef struct cv(known_aim_s) {
    const uint64_t *row[VL];
    vmask negative;
} cv(known_aim);

typedef struct cv(known_work_s) {
    cv(aff) sum[cv(KNOWN_ADDS)], term[cv(KNOWN_ADDS)];
    fe(t) den[cv(KNOWN_ADDS)], before[cv(KNOWN_ADDS)];
    cv(known_aim) aim[cv(KNOWN_ADDS)];
    vec signs[cv(GROUPS)][2][cv(SIGN_WORDS)]; /* of u and v */
    unsigned doubt[cv(GROUPS)];
    /* of this call */
    const uint64_t *const *tables; /* item -> its key's table; NULL: whatever comes out is ignored */
    size_t groups;
    int window;
} cv(known_work);

/* The signs of k < n: bits 0 .. L - 1; those above mean nothing. */
static void cv(known_signs)(vec s[cv(SIGN_WORDS)], const vec k[CV_SCALAR_WORDS], int window) {
    static const uint64_t order[CV_SCALAR_WORDS] = CV_N;
    const int top = KNOWN_DIGITS(window) * window - 1;
    const vmask odd = words_is_odd(k);
    vec n[CV_SCALAR_WORDS], m[cv(SIGN_WORDS)];
    words_set1_n(n, order, CV_SCALAR_WORDS);
    words_sub_n(m, n, k, CV_SCALAR_WORDS);
    words_select_n(m, odd, k, m, CV_SCALAR_WORDS);
    m[CV_SCALAR_WORDS] = vzero();
    for (int i = 0; i < cv(SIGN_WORDS); i++) {
        vec w = i < CV_SCALAR_WORDS ? vor(vshr(m[i], 1), vshl(m[i + 1], 63)) : vzero();
        if (i == top >> 6) w = vor(w, vset1(1ULL << (top & 63)));
        s[i] = vxor(w, vblend(odd, vzero(), vset1(~0ULL)));
    }
}

/* Scalars of all vectors. A lane without a key gets digits of which no two meet in a sum, whatever they are. */
static void cv(known_start)(const cv(uv) * k, cv(known_work) * w) {
    static const uint64_t filler[2][5] = {
        {0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL, 0xa4093822299f31d0ULL, 0x082efa98ec4e6c89ULL, 0x452821e638d01377ULL},
        {0xbe5466cf34e90c6cULL, 0xc0ac29b7c97c50ddULL, 0x3f84d5b5b5470917ULL, 0x9216d5d98979fb1bULL, 0xd1310ba698dfb5acULL}};
    for (size_t g = 0; g < w->groups; g++) {
        unsigned live = 0;
        for (size_t lane = 0; lane < VL; lane++) live |= (unsigned)(w->tables[g * VL + lane] != NULL) << lane;
        cv(known_signs)(w->signs[g][0], k[g].u, CV_KNOWN_WINDOW);
        cv(known_signs)(w->signs[g][1], k[g].v, w->window);
        for (int part = 0; part < 2 && live != (1u << VL) - 1; part++)
            for (int i = 0; i < cv(SIGN_WORDS); i++)
                w->signs[g][part][i] = vblend(mfrom_bits(live), w->signs[g][part][i], vset1(filler[part][i % 5]));
        w->doubt[g] = 0;
    }
}

/* Terms: the digits of u, and then those of v. */
PC_FN int cv(known_terms)(const cv(known_work) * w) { return KNOWN_DIGITS(CV_KNOWN_WINDOW) + KNOWN_DIGITS(w->window); }

PC_FN void cv(known_take_aim)(cv(known_aim) * aim, const cv(known_work) * w, size_t g, int term) {
    const int of_v = term >= KNOWN_DIGITS(CV_KNOWN_WINDOW), window = of_v ? w->window : CV_KNOWN_WINDOW;
    const int place = of_v ? term - KNOWN_DIGITS(CV_KNOWN_WINDOW) : term;
    const vec top = vset1(1ULL << (window - 1));
    vec digit = recode_bits(w->signs[g][of_v], cv(SIGN_WORDS), place * window, window);
    uint64_t j[VL];
    aim->negative = veq(vand(digit, top), vzero());
    digit = vblend(aim->negative, vxor(digit, vset1(~0ULL)), digit);
    vstore(j, vand(digit, vsub(top, vset1(1))));
    for (size_t lane = 0; lane < VL; lane++) {
        const uint64_t *table = of_v && w->tables[g * VL + lane] ? w->tables[g * VL + lane] : cv(known_g);
        aim->row[lane] = table + (((size_t)place << (window - 1)) + j[lane]) * cv(KNOWN_ROW);
        __builtin_prefetch(aim->row[lane]);
    }
}
PC_FN void cv(known_load)(cv(aff) * p, const cv(known_aim) * aim) {
    vec words[cv(KNOWN_ROW)];
    vload_each(words, aim->row, cv(KNOWN_ROW));
    fe(unpack)(&p->x, words);
    fe(unpack)(&p->y, words + CV_WORDS);
    fe(cneg)(&p->y, aim->negative, &p->y);
}

/* ---- the sum, one addition after the other --------------------------------------------------------------------------- */

PC_INLINE void cv(known_walk)(cv(jac) * r, const cv(known_work) * w, size_t g, int exact) {
    cv(known_aim) aim;
    cv(aff) q;
    for (int term = 0; term < cv(known_terms)(w); term++) {
        cv(known_take_aim)(&aim, w, g, term);
        cv(known_load)(&q, &aim);
        if (term == 0)
            cv(jac_from_aff)(r, &q);
        else
            exact ? cv(madd_exact)(r, r, &q) : cv(madd)(r, r, &q);
    }
}
PC_NOINLINE void cv(known_walk_fast)(cv(jac) * r, const cv(known_work) * w, size_t g) { cv(known_walk)(r, w, g, 0); }
PC_NOINLINE void cv(known_walk_exact)(cv(jac) * r, const cv(known_work) * w, size_t g) { cv(known_walk)(r, w, g, 1); }

/* ---- the sum, many additions at a time -------------------------------------------------------------------------------- */

/* A denominator is zero in some lane: marks the vectors that have one (addition i is of vector i % groups), makes them one, and takes
 * the products again. */
PC_NOINLINE void cv(known_mend)(fe(t) product[2], size_t n, cv(known_work) * w) {
    const fe(t) one = fe(one)();
    product[0] = product[1] = one;
    for (size_t i = 0; i < n; i++) {
        vmask zero = fe(is_zero)(&w->den[i]);
        w->doubt[i % w->groups] |= mbits(zero);
        fe(select)(&w->den[i], zero, &one, &w->den[i]);
        w->before[i] = product[i % 2];
        fe(mul)(&product[i % 2], &product[i % 2], &w->den[i]);
    }
}
/* *inverse = the inverse of what it was the inverse of, less denominator i; sum[i] += term[i] with that of denominator i. */
PC_INLINE void cv(known_add_one)(cv(aff) * sum, const cv(aff) * term, size_t i, fe(t) * inverse, const cv(known_work) * w) {
    fe(t) slope, t;
    fe(mul)(&t, inverse, &w->before[i]);
    fe(mul)(inverse, inverse, &w->den[i]);
    fe(sub)(&slope, &term[i].y, &sum[i].y);
    fe(mul)(&slope, &slope, &t);
    t = sum[i].x;
    fe(sqr_sub12c)(&sum[i].x, &slope, &w->den[i], &t); /* slope^2 - x1 - x2, and x2 = den + x1 */
    fe(sub)(&t, &t, &sum[i].x);
    fe(mul_subc)(&sum[i].y, &t, &slope, &sum[i].y);
}
PC_NOINLINE VEC_FLATTEN void cv(known_products)(const cv(aff) * sum, const cv(aff) * term, size_t n, fe(t) product[2],
                                                cv(known_work) * w) {
    product[0] = product[1] = fe(one)();
    for (size_t i = 0; i < n; i += 2) {
        for (size_t k = i; k < i + 2; k++) {
            cv(aff_add_den)(&w->den[k], &sum[k], &term[k]);
            w->before[k] = product[k - i];
            fe(mul)(&product[k - i], &product[k - i], &w->den[k]);
        }
    }
}
PC_NOINLINE VEC_FLATTEN void cv(known_add_all)(cv(aff) * sum, const cv(aff) * term, size_t n, fe(t) inverse[2],
                                               const cv(known_work) * w) {
    for (size_t i = n; i > 0; i -= 2) {
        cv(known_add_one)(sum, term, i - 2, &inverse[0], w);
        cv(known_add_one)(sum, term, i - 1, &inverse[1], w);
    }
}
/* sum[i] += term[i] for i < n. Even and odd additions have separate products, which the processor takes side by side. */
PC_NOINLINE void cv(known_add)(cv(aff) * sum, const cv(aff) * term, size_t n, cv(known_work) * w) {
    const size_t even = n / 2 * 2;
    fe(t) product[2], inverse[2], both;
    cv(known_products)(sum, term, even, product, w);
    if (n > even) {
        cv(aff_add_den)(&w->den[even], &sum[even], &term[even]);
        w->before[even] = product[0];
        fe(mul)(&product[0], &product[0], &w->den[even]);
    }
    fe(mul)(&both, &product[0], &product[1]);
    if (mbits(fe(is_zero)(&both))) {
        cv(known_mend)(product, n, w);
        fe(mul)(&both, &product[0], &product[1]);
    }
    fe(inv)(&both, &both);
    fe(mul)(&inverse[0], &both, &product[1]);
    fe(mul)(&inverse[1], &both, &product[0]);
    if (n > even) cv(known_add_one)(sum, term, even, &inverse[0], w);
    cv(known_add_all)(sum, term, even, inverse, w);
}

/* The sums of all vectors, `wide` (at least 2) partial sums side by side: partial sum a of vector g is sum[a * groups + g]. */
static void cv(known_tree)(cv(jac) * r, size_t wide, cv(known_work) * w) {
    const size_t groups = w->groups, terms = (size_t)cv(known_terms)(w);
    size_t count = wide;
    for (size_t a = 0; a < wide; a++)
        for (size_t g = 0; g < groups; g++) cv(known_take_aim)(&w->aim[a * groups + g], w, g, (int)a);
    for (size_t first = 0; first < terms; first += wide, count = terms - first < wide ? terms - first : wide) {
        const size_t next = first + wide, n = count * groups;
        for (size_t i = 0; i < n; i++) cv(known_load)(first ? &w->term[i] : &w->sum[i], &w->aim[i]);
        for (size_t a = 0; a < wide && next + a < terms; a++) /* now, so that the rows come in while these are added */
            for (size_t g = 0; g < groups; g++) cv(known_take_aim)(&w->aim[a * groups + g], w, g, (int)(next + a));
        if (first) cv(known_add)(w->sum, w->term, n, w);
    }
    while (wide / 2 * groups >= cv(KNOWN_LEAST)) {
        const size_t half = (wide + 1) / 2;
        cv(known_add)(w->sum, w->sum + half * groups, (wide - half) * groups, w);
        wide = half;
    }
    for (size_t g = 0; g < groups; g++) {
        cv(jac_from_aff)(&r[g], &w->sum[g]);
        for (size_t a = 1; a < wide; a++) cv(madd)(&r[g], &r[g], &w->sum[a * groups + g]);
    }
}

/* r[g] = u[g] G + v[g] Q[g], Jacobian, infinity exactly when Z = 0, for u, v below the group order. tables: of window `window`, one for
 * each item or NULL, where r is left without meaning, as it is in lanes that are not live (double_base). groups <= GROUPS. */
static void cv(known_base)(cv(jac) * r, const cv(uv) * k, const uint64_t *const *tables, int window, const unsigned *live,
                           size_t groups, cv(known_work) * w) {
    PC_CHECK(groups <= cv(GROUPS) && window >= 2 && window <= CV_KNOWN_WINDOW);
    pthread_once(&cv(known_g_once), cv(known_g_build));
    w->tables = tables;
    w->window = window;
    w->groups = groups;
    cv(known_start)(k, w);
    size_t wide = cv(KNOWN_ADDS) / groups, most = (size_t)cv(known_terms)(w) / 2;
    if (wide > most) wide = most;
    if (wide >= 2 && wide * groups >= cv(KNOWN_LEAST)) {
        cv(known_tree)(r, wide, w);
    } else {
        for (size_t g = 0; g < groups; g++) cv(known_walk_fast)(&r[g], w, g);
    }
    for (size_t g = 0; g < groups; g++) {
        vmask doubtful = mor(fe(is_zero)(&r[g].z), mfrom_bits(w->doubt[g]));
        unsigned asked = live ? live[g] : ~0u;
        for (size_t lane = 0; lane < VL; lane++)
            if (!tables[g * VL + lane]) asked &= ~(1u << lane);
        if (mbits(doubtful) & asked) {
            cv(jac) again;
            PC_SECOND_WALK();
            cv(known_walk_exact)(&again, w, g);
            cv(jac_select)(&r[g], doubtful, &again, &r[g]);
        }
    }
}
