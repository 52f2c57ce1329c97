/* tiny_buckets.inc.h - exhaustive tests of what sums of many multiples stand on, over a tiny curve with an endomorphism;
 * template.
 *
 * Requires tiny_group.inc.h, and mult/buckets.inc.h instantiated. In a group of 31 elements points are equal, opposite and
 * cancel to infinity in every bucket, at every depth of its tree. */

/* Points by their logarithm, z-scaled; 0 is infinity. */
static cv(hom) cv(hom_of)(const int i[VL], const int z[VL]) {
    uint64_t x[VL], y[VL], w[VL];
    for (int lane = 0; lane < VL; lane++) {
        const uint64_t own = (uint64_t)z[lane];
        x[lane] = i[lane] ? (uint64_t)cv(multiple)[i[lane]].x * own : 0;
        y[lane] = i[lane] ? (uint64_t)cv(multiple)[i[lane]].y * own : own;
        w[lane] = i[lane] ? own : 0;
    }
    const cv(hom) r = {fe(of_vec)(vload(x)), fe(of_vec)(vload(y)), fe(of_vec)(vload(w))};
    return r;
}
/* The lanes in which p is the multiple i of G: the same point, whatever its scale, and no (0 : 0 : 0). */
static unsigned cv(hom_is)(const cv(hom) * p, const int i[VL]) {
    unsigned same = 0;
    for (int lane = 0; lane < VL; lane++) {
        const int x = (int)vlane(p->x.l[0], lane) % cv(P), y = (int)vlane(p->y.l[0], lane) % cv(P),
                  z = (int)vlane(p->z.l[0], lane) % cv(P);
        const int finite =
            z && (cv(multiple)[i[lane]].x * z - x) % cv(P) == 0 && (cv(multiple)[i[lane]].y * z - y) % cv(P) == 0;
        same |= (unsigned)(i[lane] ? finite : x == 0 && y != 0 && z == 0) << lane;
    }
    return same;
}
/* The complete addition and doubling: every pair of points, in many scales. */
static void cv(test_complete)(void) {
    for (int a = 0; a < cv(N); a++) {
        for (int b = 0; b < cv(N); b++) {
            for (int scale = 1; scale < cv(P); scale += 5) {
                int i[VL], j[VL], z[VL], u[VL], sum[VL], twice[VL], eight[VL];
                cv(hom) p, q, r;
                for (int lane = 0; lane < VL; lane++) {
                    i[lane] = (a + lane) % cv(N);
                    j[lane] = (b + 3 * lane) % cv(N);
                    z[lane] = 1 + (scale + lane) % (cv(P) - 1);
                    u[lane] = 1 + (3 * scale + 7 * lane) % (cv(P) - 1);
                    sum[lane] = (i[lane] + j[lane]) % cv(N);
                    twice[lane] = 2 * i[lane] % cv(N);
                    eight[lane] = 8 * i[lane] % cv(N);
                }
                p = cv(hom_of)(i, z);
                q = cv(hom_of)(j, u);
                cv(hom_add)(&r, &p, &q);
                EXPECT(cv(hom_is)(&r, sum) == TINY_LANES);
                cv(hom_add)(&r, &p, &p);
                EXPECT(cv(hom_is)(&r, twice) == TINY_LANES);
                cv(hom_dbl_n)(&r, &p, 1);
                EXPECT(cv(hom_is)(&r, twice) == TINY_LANES);
                cv(hom_add)(&q, &q, &p); /* in place */
                EXPECT(cv(hom_is)(&q, sum) == TINY_LANES);
                cv(hom_dbl_n)(&p, &p, 3);
                EXPECT(cv(hom_is)(&p, eight) == TINY_LANES);
            }
        }
    }
}
/* Every pair of finite points side by side, among pairs that are nothing special: one, some, and a whole block of them. */
static void cv(test_pairs)(void) {
    static cv(pairs) pairs;
    static int i[cv(PAIRS)][VL], j[cv(PAIRS)][VL];
    const int all = (cv(N) - 1) * (cv(N) - 1);
    for (int first = 0, n = 1; first < all; first += n * VL, n = 1 + n % 7 * 31 % cv(PAIRS)) {
        for (int v = 0; v < n; v++) {
            for (int lane = 0; lane < VL; lane++) {
                const int at = (first + v * VL + lane) % all;
                i[v][lane] = 1 + at / (cv(N) - 1);
                j[v][lane] = 1 + at % (cv(N) - 1);
            }
            pairs.sum[v] = cv(aff_of)(i[v]);
            pairs.term[v] = cv(aff_of)(j[v]);
            cv(pair_chord)(&pairs, (size_t)v);
        }
        cv(pairs_add)(&pairs, (size_t)n);
        for (int v = 0; v < n; v++) {
            unsigned infinite = 0;
            int sum[VL];
            for (int lane = 0; lane < VL; lane++) {
                sum[lane] = (i[v][lane] + j[v][lane]) % cv(N);
                infinite |= (unsigned)(sum[lane] == 0) << lane;
                if (sum[lane] == 0) sum[lane] = 1;
            }
            const cv(aff) wanted = cv(aff_of)(sum);
            const unsigned same = mbits(fe(eq)(&pairs.sum[v].x, &wanted.x)) & mbits(fe(eq)(&pairs.sum[v].y, &wanted.y));
            EXPECT((unsigned)pairs.infinite[v] == infinite);
            EXPECT((same | infinite) == TINY_LANES);
        }
    }
}
/* A sum of `full` and `brief` terms in windows of this width. kind 0: everything random; 1: few points and scalars, so
 * that buckets are deep; 2: terms that cancel in pairs; 3: the largest scalars. */
static void cv(check_buckets)(cv(multi) * w, int full, int brief, int window, int kind) {
    uint64_t sum = 0;
    cv(multi_clear)(w);
    for (int t = 0; t < full + brief; t++) {
        const int is_full = t < full, image = (int)(test_random() % 2),
                  negative = kind == 2 ? t & 1 : (int)(test_random() % 2);
        const uint32_t point = kind == 0   ? (uint32_t)(test_random() % cv(MULTI_POINTS))
                               : kind == 1 ? 7 + (uint32_t)(t % 3)
                                           : 30;
        static uint64_t low, high;
        if (kind != 2 || !negative) {
            low = kind == 1 ? test_random() % 4 : kind == 3 ? ~0ULL : test_random();
            high = kind == 3 ? ~0ULL : kind == 1 ? test_random() % 2 << 63 : test_random();
        }
        if (!is_full) low = kind == 3 || low >> 63 ? 1ULL << 63 : low, high = 0;
        cv(multi_term)(w, point, kind == 2 ? t >> 1 & 1 : image, negative, low, is_full ? high : 0, is_full);
        const pc_u128 k = (pc_u128)(is_full ? high : 0) << 64 | low;
        const uint64_t log = (1 + point % (cv(N) - 1)) * ((kind == 2 ? t >> 1 & 1 : image) ? 5u : 1u),
                       part = (uint64_t)(k % cv(N)) * log;
        sum += negative ? cv(N) - part % cv(N) : part % cv(N);
    }
    cv(hom) r;
    int wanted[VL];
    for (int lane = 0; lane < VL; lane++) wanted[lane] = (int)(sum % cv(N));
    window ? cv(multi_by)(&r, w, window) : cv(multi_of_terms)(&r, w);
    EXPECT(cv(hom_is)(&r, wanted) == TINY_LANES);
}
static void cv(test_buckets)(void) {
    static cv(multi) w;
    for (uint32_t k = 0; k < cv(MULTI_POINTS); k += VL) { /* point k is (1 + k mod 30) G */
        uint32_t at[VL];
        int log[VL];
        for (uint32_t lane = 0; lane < VL; lane++) {
            at[lane] = k + lane < cv(MULTI_POINTS) ? k + lane : cv(MULTI_POINTS) - 1;
            log[lane] = 1 + (int)(at[lane] % (cv(N) - 1));
        }
        const cv(aff) p = cv(aff_of)(log);
        cv(multi_put)(&w, at, &p);
    }
    for (int window = cv(MULTI_LEAST_WINDOW); window <= cv(MULTI_MOST_WINDOW); window++)
        for (int kind = 0; kind < 4; kind++)
            for (int n = 0; n < 3 * 17; n += 17) cv(check_buckets)(&w, n + 1, n / 2, window, kind);
    for (int n = 1; n < 20; n++) cv(check_buckets)(&w, n, n % 3, 0, n % 4);
    for (int kind = 0; kind < 4; kind++)
        cv(check_buckets)(&w, 2 * (cv(MULTI_ITEMS) + 1), 2 * cv(MULTI_ITEMS), 0, kind); /* all there is room for */
    cv(check_buckets)(&w, 0, 0, 0, 0);
    cv(check_buckets)(&w, 0, 9, 0, 0);
}
