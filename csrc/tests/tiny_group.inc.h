/* tiny_group.inc.h - exhaustive tests of the group, of the multiplications and of ECDSA over one tiny curve; template.
 *
 * Requires the curve's parameters with integers TINY_A, TINY_B, TINY_FIELD, TINY_ORDER next to them, everything up to
 * schemes/ecdsa/verify.inc.h instantiated, and EXHAUST_STEP. The oracle is a list of the multiples of G made by schoolbook affine
 * addition. Gives cv(all_tests). */

enum { cv(P) = TINY_FIELD, cv(N) = TINY_ORDER };
static struct {
    int x, y;
} cv(multiple)[cv(N)]; /* of G; [0] is infinity */

PC_NOINLINE int cv(inverse)(int a, int m) {
    for (int i = 1; i < m; i++)
        if ((a % m + m) % m * i % m == 1) return i;
    return 0;
}
static void cv(model)(void) {
    static const uint64_t gx[4] = CV_GX, gy[4] = CV_GY;
    const int p = cv(P), x1 = (int)gx[0], y1 = (int)gy[0];
    int x = x1, y = y1;
    for (int i = 1; i < cv(N); i++) {
        EXPECT(i == 1 || x != x1 || y != y1); /* G has order N, not less */
        EXPECT(((x * x % p * x + (TINY_A + p) * x + TINY_B - y * y) % p + p) % p == 0);
        cv(multiple)[i].x = x;
        cv(multiple)[i].y = y;
        int top = x == x1 ? 3 * x * x + TINY_A : y1 - y, bottom = x == x1 ? 2 * y : x1 - x;
        int slope = (top % p + p) * cv(inverse)(bottom, p) % p;
        int x3 = ((slope * slope - x - x1) % p + p) % p;
        y = ((slope * (x - x3) - y) % p + p) % p;
        x = x3;
    }
    EXPECT(cv(multiple)[cv(N) - 1].x == x1 && cv(multiple)[cv(N) - 1].y == p - y1); /* = -G: the next one is infinity */
}

/* ---- points ----------------------------------------------------------------------------------------------------------- */

/* Points by their logarithm, one per lane. */
PC_NOINLINE cv(aff) cv(aff_of)(const int i[VL]) {
    uint64_t x[VL], y[VL];
    for (int lane = 0; lane < VL; lane++) {
        x[lane] = (uint64_t)cv(multiple)[i[lane]].x;
        y[lane] = (uint64_t)cv(multiple)[i[lane]].y;
    }
    cv(aff) r = {fe(of_vec)(vload(x)), fe(of_vec)(vload(y))};
    return r;
}
PC_NOINLINE cv(jac) cv(jac_of)(const int i[VL], const int z[VL]) {
    uint64_t x[VL], y[VL], w[VL];
    for (int lane = 0; lane < VL; lane++) {
        const uint64_t own = (uint64_t)z[lane];
        if (i[lane]) {
            x[lane] = (uint64_t)cv(multiple)[i[lane]].x * own * own;
            y[lane] = (uint64_t)cv(multiple)[i[lane]].y * own * own * own;
            w[lane] = own;
        } else { /* infinity has many forms; X and Y are free */
            x[lane] = own * 5;
            y[lane] = own * 3 + 1;
            w[lane] = 0;
        }
    }
    cv(jac) r = {fe(of_vec)(vload(x)), fe(of_vec)(vload(y)), fe(of_vec)(vload(w))};
    return r;
}
/* Lanes in which p is the multiple i of G. */
PC_NOINLINE unsigned cv(is)(const cv(jac) * p, const int i[VL]) {
    int z[VL];
    unsigned none = 0;
    for (int lane = 0; lane < VL; lane++) {
        z[lane] = (int)(vlane(p->z.l[0], lane) % cv(P));
        none |= (unsigned)(i[lane] == 0) << lane;
    }
    cv(jac) wanted = cv(jac_of)(i, z);
    const unsigned zero = mbits(fe(is_zero)(&p->z)),
                   same = mbits(fe(eq)(&p->x, &wanted.x)) & mbits(fe(eq)(&p->y, &wanted.y));
    return (none & zero) | (~none & ~zero & same);
}

/* z-scaled i G, and j G: doubled, added in all ways. */
PC_NOINLINE void cv(check_sums)(const int i[VL], const int z[VL], const int j[VL]) {
    int sum[VL], twice[VL];
    unsigned special = 0;
    for (int lane = 0; lane < VL; lane++) {
        sum[lane] = (i[lane] + j[lane]) % cv(N);
        twice[lane] = 2 * i[lane] % cv(N);
        special |= (unsigned)(i[lane] == 0 || i[lane] == j[lane] || sum[lane] == 0) << lane;
    }
    cv(jac) p = cv(jac_of)(i, z), r;
    cv(aff) q = cv(aff_of)(j);
    cv(dbl)(&r, &p);
    EXPECT(cv(is)(&r, twice) == TINY_LANES);
    cv(madd_exact)(&r, &p, &q);
    EXPECT(cv(is)(&r, sum) == TINY_LANES);
    cv(madd)(&r, &p, &q); /* ends with Z = 0 in the lanes that it does not do, and in no other */
    EXPECT((mbits(fe(is_zero)(&r.z)) & special) == special);
    EXPECT((cv(is)(&r, sum) | special) == TINY_LANES);
    r = p;
    cv(madd_exact)(&r, &r, &q); /* in place */
    EXPECT(cv(is)(&r, sum) == TINY_LANES);
    r = p;
    cv(dbl)(&r, &r);
    EXPECT(cv(is)(&r, twice) == TINY_LANES);
}
/* i G + j G in affine coordinates, where it is no infinity. */
PC_NOINLINE void cv(check_affine)(const int i[VL], const int j[VL]) {
    cv(aff) p = cv(aff_of)(i), q = cv(aff_of)(j), r, twice, wanted;
    int sum[VL];
    unsigned equal = 0, infinite = 0;
    fe(t) den, dbl_den;
    for (int lane = 0; lane < VL; lane++) {
        sum[lane] = (i[lane] + j[lane]) % cv(N);
        equal |= (unsigned)(i[lane] == j[lane]) << lane;
        infinite |= (unsigned)(sum[lane] == 0) << lane;
        if (sum[lane] == 0) sum[lane] = 1;
    }
    cv(aff_add_den)(&den, &p, &q);
    cv(aff_dbl_den)(&dbl_den, &p);
    fe(select)(&den, mfrom_bits(equal), &dbl_den, &den);
    fe(inv)(&den, &den);
    cv(aff_add)(&r, &p, &q, &den);
    cv(aff_dbl)(&twice, &p, &den);
    cv(aff_select)(&r, mfrom_bits(equal), &twice, &r);
    wanted = cv(aff_of)(sum);
    EXPECT(((mbits(fe(eq)(&r.x, &wanted.x)) & mbits(fe(eq)(&r.y, &wanted.y))) | infinite) == TINY_LANES);
}

/* Every pair of points; neighbours in the list are neighbours in the lanes. */
static void cv(test_group)(void) {
    int i[VL] = {0}, z[VL], j[VL] = {0}, n = 0;
    for (int lane = 0; lane < VL; lane++) i[lane] = j[lane] = z[lane] = 1;
    for (int a = 0; a < cv(N); a++) {
        for (int scale = 1; scale < cv(P); scale += 1 + cv(P) / 16) {
            for (int b = 1; b < cv(N); b++) {
                i[n] = a, z[n] = scale, j[n] = b;
                if (++n == VL || (a == cv(N) - 1 && b == cv(N) - 1)) {
                    cv(check_sums)(i, z, j);
                    n = 0;
                }
            }
        }
    }
    n = 0;
    for (int a = 1; a < cv(N); a++) {
        for (int b = 1; b < cv(N); b++) {
            i[n] = a, j[n] = b;
            if (++n == VL || (a == cv(N) - 1 && b == cv(N) - 1)) {
                cv(check_affine)(i, j);
                n = 0;
            }
        }
    }
}

static void cv(test_equation)(void) {
    for (int x = 0; x < cv(P); x++) {
        int roots = 0;
        for (int y = 0; y < cv(P); y += VL) {
            uint64_t ys[VL];
            unsigned found = 0;
            for (int lane = 0; lane < VL; lane++) {
                ys[lane] = (uint64_t)((y + lane) % cv(P));
                for (int i = 1; i < cv(N); i++) {
                    if (cv(multiple)[i].x != x || cv(multiple)[i].y != (int)ys[lane]) continue;
                    found |= 1u << lane;
                    roots += y + lane < cv(P);
                }
            }
            cv(aff) p = {fe(of)((uint64_t)x), fe(of_vec)(vload(ys))};
            EXPECT(found == mbits(cv(on_curve)(&p)));
        }
        EXPECT(roots == 0 || roots == 2);
    }
    for (int x = 0; x < cv(P); x++) {
        for (unsigned odd = 0; odd < 2; odd++) { /* other parities and other x in the other lanes */
            uint64_t xs[VL];
            unsigned parity = 0, wanted = 0;
            for (int lane = 0; lane < VL; lane++) {
                xs[lane] = (uint64_t)((x + lane) % cv(P));
                parity |= ((odd + (unsigned)lane) & 1) << lane;
                for (int i = 1; i < cv(N); i++) wanted |= (unsigned)(cv(multiple)[i].x == (int)xs[lane]) << lane;
            }
            cv(aff) p = {fe(of_vec)(vload(xs)), fe(zero)()};
            EXPECT(mbits(cv(lift_x)(&p, mfrom_bits(parity))) == wanted);
            EXPECT((mbits(cv(on_curve)(&p)) & wanted) == wanted);
            EXPECT((mbits(fe(is_odd)(&p.y)) & wanted) == (parity & wanted));
        }
    }
}

/* ---- multiplication --------------------------------------------------------------------------------------------------- */

static cv(mult_work) cv(work);
static struct {
    int u[cv(CHUNK)], v[cv(CHUNK)], q[cv(CHUNK)];
    int n;
} cv(pending);

/* u G + v (q G) for what is pending; empty lanes of the last vector do the last item again. */
PC_NOINLINE void cv(check_double_base)(void) {
    static cv(aff) q[cv(GROUPS)];
    static cv(uv) k[cv(GROUPS)];
    static cv(jac) r[cv(GROUPS)];
    const int n = cv(pending).n, groups = (n + VL - 1) / VL;
    int own[VL], wanted[VL];
    memset(k, 0, sizeof k);
    for (int g = 0; g < groups; g++) {
        uint64_t u[VL], v[VL];
        for (int lane = 0; lane < VL; lane++) {
            const int item = g * VL + lane < n ? g * VL + lane : n - 1;
            u[lane] = (uint64_t)cv(pending).u[item];
            v[lane] = (uint64_t)cv(pending).v[item];
            own[lane] = cv(pending).q[item];
        }
        k[g].u[0] = vload(u);
        k[g].v[0] = vload(v);
        q[g] = cv(aff_of)(own);
    }
    cv(double_base)(r, k, q, NULL, (size_t)groups, &cv(work));
    for (int g = 0; g < groups; g++) {
        for (int lane = 0; lane < VL; lane++) {
            const int item = g * VL + lane < n ? g * VL + lane : n - 1;
            wanted[lane] = (cv(pending).u[item] + cv(pending).v[item] * cv(pending).q[item]) % cv(N);
        }
        EXPECT(cv(is)(&r[g], wanted) == TINY_LANES);
    }
    cv(pending).n = 0;
}

static void cv(test_multiplication)(void) {
    static const int sizes[] = {cv(CHUNK), 1, 3 * VL, cv(CHUNK), 7 * VL - 1, cv(CHUNK) - 1, cv(CHUNK), cv(CHUNK)};
    size_t size = 0;
    for (int first = 0; first < 1 << CV_BITS; first += VL) {
        uint64_t own[VL];
        int wanted[VL];
        vec words[4] = {vzero(), vzero(), vzero(), vzero()};
        cv(jac) r;
        for (int lane = 0; lane < VL; lane++) {
            own[lane] = (uint64_t)((first + lane) % (1 << CV_BITS));
            wanted[lane] = (int)(own[lane] % cv(N));
        }
        words[0] = vload(own);
        cv(mul_generator)(&r, words);
        EXPECT(cv(is)(&r, wanted) == TINY_LANES);
    }
    /* every u and v, against every point or a few, in chunks of several sizes */
    for (int u = 0; u < cv(N); u++) {
        for (int v = 0; v < cv(N); v++) {
            for (int i = 1 + (u + v) % EXHAUST_STEP; i < cv(N); i += EXHAUST_STEP * (1 + cv(N) / 16)) {
                const int n = cv(pending).n++;
                cv(pending).u[n] = u, cv(pending).v[n] = v, cv(pending).q[n] = i;
                if (n + 1 < sizes[size % 8]) continue;
                cv(check_double_base)();
                size++;
            }
        }
    }
    if (cv(pending).n) cv(check_double_base)();
}

/* The same by tables: every u, v and point, every window; few vectors, which are added up one by one, and many, which are added up
 * as trees. Some items have no key. Lanes take neighbouring v, so on a large curve three of them do every third v each. */
static void cv(test_known)(void) {
    const int stride = VL > 2 && cv(N) > 100 ? 3 : 1;
    enum { WORDS = KNOWN_ROWS(2) * cv(KNOWN_ROW) + (cv(KNOWN_ROW) << CV_KNOWN_WINDOW) };
    static uint64_t memory[cv(N)][WORDS];
    static cv(known_work) work;
    for (int window = 2; window <= CV_KNOWN_WINDOW; window++) {
        EXPECT(KNOWN_ROWS(window) * cv(KNOWN_ROW) <= WORDS);
        for (int first = 1; first < cv(N); first += VL) {
            const size_t count = first + VL <= cv(N) ? VL : (size_t)(cv(N) - first);
            uint64_t *tables[VL] = {NULL};
            int points[VL];
            for (int lane = 0; lane < VL; lane++) points[lane] = first + lane < cv(N) ? first + lane : 1;
            for (size_t lane = 0; lane < count; lane++) tables[lane] = memory[points[lane]];
            cv(aff) q = cv(aff_of)(points);
            cv(known_build)(tables, count, &q, window);
        }
        for (int i = 1; i < cv(N); i++) {
            for (int digit = 0, power = 1; digit < KNOWN_DIGITS(window); digit++, power = (power << window) % cv(N)) {
                for (int j = 0; j < 1 << (window - 1); j++) {
                    const uint64_t *row = memory[i] + (size_t)((digit << (window - 1)) + j) * cv(KNOWN_ROW);
                    const int wanted = (2 * j + 1) * power % cv(N) * i % cv(N);
                    EXPECT(row[0] == (uint64_t)cv(multiple)[wanted].x && row[4] == (uint64_t)cv(multiple)[wanted].y);
                }
            }
        }
        for (int u = 0; u < cv(N); u++) {
            for (int v = (u + window) % stride; v < cv(N); v += EXHAUST_STEP * stride) {
                static cv(uv) k[cv(GROUPS)];
                static cv(jac) r[cv(GROUPS)];
                static const uint64_t *tables[cv(CHUNK)];
                static int wanted[cv(GROUPS)][VL];
                unsigned live[cv(GROUPS)] = {0};
                const int first = 1 + (u + v) % 4;
                const size_t n = (u + v) % 3 ? 1 + (size_t)(u + v) % 5 : cv(GROUPS) - (size_t)(u % 2);
                memset(k, 0, sizeof k);
                for (size_t g = 0; g < n; g++) {
                    uint64_t us[VL], vs[VL];
                    for (int lane = 0; lane < VL; lane++) {
                        const size_t item = g * VL + (size_t)lane;
                        const int i = 1 + (first + (int)item * (1 + cv(N) / 100)) % (cv(N) - 1);
                        us[lane] = (uint64_t)((u + 5 * lane) % cv(N));
                        vs[lane] = (uint64_t)((v + lane) % cv(N));
                        tables[item] = (item + (size_t)u) % 19 == 7 ? NULL : memory[i];
                        live[g] |= (unsigned)(tables[item] != NULL) << lane;
                        wanted[g][lane] = ((int)us[lane] + (int)vs[lane] * i) % cv(N);
                    }
                    k[g].u[0] = vload(us);
                    k[g].v[0] = vload(vs);
                }
                cv(known_base)(r, k, tables, window, NULL, n, &work);
                for (size_t g = 0; g < n; g++) EXPECT((cv(is)(&r[g], wanted[g]) & live[g]) == live[g]);
            }
        }
    }
}

#if CV_LADDER_BITS > 64
/* u may be any integer of the ladder's width: both halves of the table of G. */
static void cv(test_wide_u)(void) {
    for (int round = 0; round < 2000; round++) {
        uint64_t u[4][VL], v[VL];
        int q[VL], wanted[VL];
        cv(uv) k;
        cv(jac) r;
        memset(&k, 0, sizeof k);
        for (int lane = 0; lane < VL; lane++) {
            uint64_t sum = 0;
            q[lane] = 1 + (round + lane) % (cv(N) - 1);
            v[lane] = (uint64_t)(round * 3 + lane) % cv(N);
            for (int i = 0; i < 4; i++) u[i][lane] = round % 3 ? test_random() : test_random() % 2 ? ~0ULL : 0;
            for (int i = 7; i >= 0; i--) sum = (sum << 32 | (u[i / 2][lane] >> 32 * (i % 2) & 0xffffffff)) % cv(N);
            wanted[lane] = (int)((sum + v[lane] * (uint64_t)q[lane]) % cv(N));
        }
        for (int i = 0; i < 4; i++) k.u[i] = vload(u[i]);
        k.v[0] = vload(v);
        cv(aff) point = cv(aff_of)(q);
        cv(double_base)(&r, &k, &point, NULL, 1, &cv(work));
        EXPECT(cv(is)(&r, wanted) == TINY_LANES);
    }
}
#endif

/* ---- ECDSA ------------------------------------------------------------------------------------------------------------ */

static int cv(sec1)(uint8_t *out, int d, int form) {
    memset(out, 0, 65);
    int x = cv(multiple)[d].x, y = cv(multiple)[d].y;
    out[0] = form ? (uint8_t)(2 + y % 2) : 4;
    out[31] = (uint8_t)(x >> 8);
    out[32] = (uint8_t)x;
    if (form) return 33;
    out[63] = (uint8_t)(y >> 8);
    out[64] = (uint8_t)y;
    return 65;
}
PC_UNUSED static int cv(ecdsa_wanted)(int d, int r, int s, int e, int low_s) {
    const int n = cv(N);
    if (r <= 0 || s <= 0 || r >= n || s >= n) return PC_SCALAR_OUT_OF_RANGE;
    if (low_s && s > n / 2) return PC_HIGH_S;
    int i = (e + r * d) % n * cv(inverse)(s, n) % n;
    return i && cv(multiple)[i].x % n == r ? PC_VALID : PC_BAD_SIGNATURE;
}

/* Every key, r, s (with values at and above the order) and digest. */
PC_UNUSED static void cv(test_ecdsa)(void) {
    enum { RANGE = cv(N) + 3, ITEMS = RANGE * RANGE };
    static uint8_t signatures[ITEMS][64], digests[ITEMS][32], verdicts[ITEMS];
    static ecdsa(work) work __attribute__((aligned(64)));
    static uint64_t memory[KNOWN_ROWS(2) * cv(KNOWN_ROW) + (cv(KNOWN_ROW) << CV_KNOWN_WINDOW) + 64]
        __attribute__((aligned(64)));
    static uint32_t indices[ITEMS];
    pc_keyset *set = (pc_keyset *)(void *)memory;
    for (int i = 0; i < ITEMS; i++) {
        signatures[i][31] = (uint8_t)(i / RANGE);
        signatures[i][63] = (uint8_t)(i % RANGE);
    }
    long valid = 0, expected = 0;
    for (int d = 1; d < cv(N); d += EXHAUST_STEP) {
        for (int e = 0; e < cv(N); e++) {
            uint8_t key[65];
            pc_verify_params params = {.message = PC_MESSAGE_PREHASHED, .rules = (d + e) % 2 ? PC_RULE_LOW_S : 0};
            const pc_column keys = {key, NULL, (size_t)cv(sec1)(key, d, (d + e) / 2 % 2), 0};
            const pc_column sigs = pc_column_fixed(signatures[0], 64), messages = pc_column_fixed(digests[0], 32);
            const pc_key_source source = {&keys, NULL, NULL};
            for (int i = 0; i < ITEMS; i++) digests[i][31] = (uint8_t)(e + (i % 2 ? cv(N) : 0)); /* reduced modulo n */
            memset(verdicts, 0, sizeof verdicts);
            ecdsa(verify)(&params, &source, &sigs, &messages, ITEMS, &work, verdicts);
            for (int i = 0; i < ITEMS; i++) {
                int wanted = cv(ecdsa_wanted)(d, i / RANGE, i % RANGE, e, params.rules != 0);
                if (verdicts[i] != wanted) EXPECT_INT(verdicts[i], wanted);
                valid += verdicts[i] == PC_VALID;
                expected += wanted == PC_VALID;
            }
            /* the same by the key's table */
            uint8_t key_verdict = 0;
            const pc_key_source known = {NULL, set, indices};
            set->records_offset = 64;
            set->tables_offset = 64 * 3;
            set->window = 2 + (d + e) % (CV_KNOWN_WINDOW - 1);
            ecdsa(keyset_put)(&keys, 1, set, NULL, NULL, &key_verdict);
            EXPECT_INT(key_verdict, PC_VALID);
            ecdsa(verify)(&params, &known, &sigs, &messages, ITEMS, &work, verdicts);
            for (int i = 0; i < ITEMS; i++) {
                int wanted = cv(ecdsa_wanted)(d, i / RANGE, i % RANGE, e, params.rules != 0);
                if (verdicts[i] != wanted) EXPECT_INT(verdicts[i], wanted);
            }
        }
    }
    EXPECT(valid == expected && valid > cv(N));
}
