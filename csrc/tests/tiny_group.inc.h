/* tiny_group.inc.h - exhaustive tests of the group, of the multiplications and of ECDSA over one tiny curve; template.
 *
 * Wants the curve's parameters with integers TINY_A, TINY_B, TINY_FIELD, TINY_ORDER beside them, everything up to
 * ecdsa.inc.h instantiated, and EXHAUST_STEP. The oracle is a list of the multiples of G made by schoolbook affine
 * addition. Gives cv(all_tests). */

enum { cv(P) = TINY_FIELD, cv(N) = TINY_ORDER };
static struct {
    int x, y;
} cv(multiple)[cv(N)]; /* of G; [0] is infinity */

static int cv(inverse)(int a, int m) {
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

static cv(aff) cv(aff_of)(int i) {
    cv(aff) r;
    r.x = fe(of)((uint64_t)cv(multiple)[i].x);
    r.y = fe(of)((uint64_t)cv(multiple)[i].y);
    return r;
}
static cv(jac) cv(jac_of)(int i, int z) {
    cv(jac) r;
    if (i == 0) { /* infinity has many forms; X and Y are free */
        r.x = fe(of)((uint64_t)z * 5);
        r.y = fe(of)((uint64_t)z * 3 + 1);
        r.z = fe(zero)();
        return r;
    }
    r.x = fe(of)((uint64_t)(cv(multiple)[i].x * z * z));
    r.y = fe(of)((uint64_t)(cv(multiple)[i].y * z * z % cv(P) * z));
    r.z = fe(of)((uint64_t)z);
    return r;
}
static int cv(is)(const cv(jac) * p, int i) {
    if (i == 0) return mbits(fe(is_zero)(&p->z)) != 0;
    cv(jac) wanted = cv(jac_of)(i, (int)(p->z.l[0] % cv(P)));
    return !mbits(fe(is_zero)(&p->z)) && mbits(fe(eq)(&p->x, &wanted.x)) && mbits(fe(eq)(&p->y, &wanted.y));
}

static void cv(test_group)(void) {
    for (int i = 0; i < cv(N); i++) {
        for (int z = 1; z < cv(P); z += 1 + cv(P) / 16) {
            cv(jac) p = cv(jac_of)(i, z), r;
            cv(dbl)(&r, &p);
            EXPECT(cv(is)(&r, 2 * i % cv(N)));
            for (int j = 1; j < cv(N); j++) {
                cv(aff) q = cv(aff_of)(j);
                int special = i == 0 || i == j || i + j == cv(N);
                cv(madd_exact)(&r, &p, &q);
                EXPECT(cv(is)(&r, (i + j) % cv(N)));
                cv(madd)(&r, &p, &q);
                EXPECT(special ? mbits(fe(is_zero)(&r.z)) : (unsigned)cv(is)(&r, (i + j) % cv(N)));
                r = p;
                cv(madd_exact)(&r, &r, &q); /* in place */
                EXPECT(cv(is)(&r, (i + j) % cv(N)));
            }
            r = p;
            cv(dbl)(&r, &r);
            EXPECT(cv(is)(&r, 2 * i % cv(N)));
        }
    }
    for (int i = 1; i < cv(N); i++) {
        for (int j = 1; j < cv(N); j++) {
            cv(aff) p = cv(aff_of)(i), q = cv(aff_of)(j), r, wanted;
            fe(t) den;
            if (i + j == cv(N)) continue;
            (i == j ? (void)cv(aff_dbl_den)(&den, &p) : (void)cv(aff_add_den)(&den, &p, &q));
            fe(inv)(&den, &den);
            i == j ? cv(aff_dbl)(&r, &p, &den) : cv(aff_add)(&r, &p, &q, &den);
            wanted = cv(aff_of)((i + j) % cv(N));
            EXPECT(mbits(fe(eq)(&r.x, &wanted.x)) && mbits(fe(eq)(&r.y, &wanted.y)));
        }
    }
}

static void cv(test_equation)(void) {
    for (int x = 0; x < cv(P); x++) {
        int roots = 0;
        for (int y = 0; y < cv(P); y++) {
            cv(aff) p = {fe(of)((uint64_t)x), fe(of)((uint64_t)y)};
            int found = 0;
            for (int i = 1; i < cv(N); i++) found |= cv(multiple)[i].x == x && cv(multiple)[i].y == y;
            EXPECT((unsigned)found == mbits(cv(on_curve)(&p)));
            roots += found;
        }
        for (unsigned odd = 0; odd < 2; odd++) {
            cv(aff) p = {fe(of)((uint64_t)x), fe(zero)()};
            EXPECT(mbits(cv(lift_x)(&p, mfrom_bits(odd))) == (roots != 0));
            if (roots) EXPECT(mbits(cv(on_curve)(&p)) && (p.y.l[0] & 1) == odd);
        }
    }
}

/* ---- multiplication --------------------------------------------------------------------------------------------------- */

static cv(mult_work) cv(work);

static void cv(test_multiplication)(void) {
    for (uint64_t k = 0; k < (uint64_t)1 << CV_BITS; k++) {
        const vec words[4] = {k, 0, 0, 0};
        cv(jac) r;
        cv(mul_generator)(&r, words);
        EXPECT(cv(is)(&r, (int)(k % cv(N))));
    }
    /* every u and v, against every point or a few; the chunk mixes points */
    for (int u = 0; u < cv(N); u++) {
        for (int v = 0; v < cv(N); v++) {
            cv(aff) q[cv(GROUPS)];
            cv(uv) k[cv(GROUPS)];
            cv(jac) r[cv(GROUPS)];
            int index[cv(GROUPS)];
            size_t n = 0;
            for (int i = 1 + (u + v) % EXHAUST_STEP; i < cv(N) && n < cv(GROUPS);
                 i += EXHAUST_STEP * (1 + cv(N) / 16), n++) {
                memset(&k[n], 0, sizeof k[n]);
                k[n].u[0] = (uint64_t)u;
                k[n].v[0] = (uint64_t)v;
                q[n] = cv(aff_of)(i);
                index[n] = (u + v * i) % cv(N);
            }
            cv(double_base)(r, k, q, n, &cv(work));
            for (size_t i = 0; i < n; i++) EXPECT(cv(is)(&r[i], index[i]));
        }
    }
}

/* The same by tables: every u, v and point, every window; few vectors, which are added up one by one, and many, which are added up
 * as trees. Some items have no key. */
static void cv(test_known)(void) {
    static uint64_t memory[cv(N)][KNOWN_ROWS(2) * cv(KNOWN_ROW) + (cv(KNOWN_ROW) << CV_KNOWN_WINDOW)];
    static cv(known_work) work;
    for (int window = 2; window <= CV_KNOWN_WINDOW; window++) {
        for (int i = 1; i < cv(N); i++) {
            uint64_t *const table[1] = {memory[i]};
            cv(aff) q = cv(aff_of)(i);
            EXPECT(KNOWN_ROWS(window) * cv(KNOWN_ROW) <= sizeof memory[i] / sizeof memory[i][0]);
            cv(known_build)(table, 1, &q, window);
            for (int digit = 0, power = 1; digit < KNOWN_DIGITS(window); digit++, power = (power << window) % cv(N)) {
                for (int j = 0; j < 1 << (window - 1); j++) {
                    const uint64_t *row = memory[i] + (size_t)((digit << (window - 1)) + j) * cv(KNOWN_ROW);
                    const int wanted = (2 * j + 1) * power % cv(N) * i % cv(N);
                    EXPECT(row[0] == (uint64_t)cv(multiple)[wanted].x && row[4] == (uint64_t)cv(multiple)[wanted].y);
                }
            }
        }
        for (int u = 0; u < cv(N); u++) {
            for (int v = 0; v < cv(N); v += EXHAUST_STEP) {
                cv(uv) k[cv(GROUPS)];
                cv(jac) r[cv(GROUPS)];
                const uint64_t *tables[cv(GROUPS)];
                int index[cv(GROUPS)], first = 1 + (u + v) % 4;
                size_t n = (u + v) % 3 ? 1 + (size_t)(u + v) % 5 : cv(GROUPS) - (size_t)(u % 2);
                for (size_t g = 0; g < n; g++) {
                    const int i = 1 + (first + (int)g * (1 + cv(N) / 100)) % (cv(N) - 1);
                    memset(&k[g], 0, sizeof k[g]);
                    k[g].u[0] = (uint64_t)u;
                    k[g].v[0] = (uint64_t)v;
                    tables[g] = (g + (size_t)u) % 19 == 7 ? NULL : memory[i];
                    index[g] = (u + v * i) % cv(N);
                }
                cv(known_base)(r, k, tables, window, n, &work);
                for (size_t g = 0; g < n; g++) EXPECT(!tables[g] || cv(is)(&r[g], index[g]));
            }
        }
    }
}

#if CV_LADDER_BITS > 64
/* u may be any integer of the ladder's width: both halves of the table of G. */
static void cv(test_wide_u)(void) {
    for (int round = 0; round < 2000; round++) {
        cv(uv) k = {{0}, {0}};
        cv(jac) r;
        cv(aff) q = cv(aff_of)(1 + round % (cv(N) - 1));
        uint64_t u = 0;
        for (int i = 0; i < 4; i++) k.u[i] = round % 3 ? test_random() : test_random() % 2 ? ~0ULL : 0;
        for (int i = 7; i >= 0; i--) u = (u << 32 | (k.u[i / 2] >> 32 * (i % 2) & 0xffffffff)) % cv(N);
        k.v[0] = (uint64_t)round % cv(N);
        cv(double_base)(&r, &k, &q, 1, &cv(work));
        EXPECT(cv(is)(&r, (int)((u + k.v[0] * (uint64_t)(1 + round % (cv(N) - 1))) % cv(N))));
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
