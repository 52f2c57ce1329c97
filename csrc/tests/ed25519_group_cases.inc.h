/* ed25519_group_cases.inc.h - the Edwards group of test_ed25519.c: the law where incomplete formulas fail, multiplication, sums of many
 * points, encodings. */

static void test_law(void) {
    const vmask none = mfrom_bits(0), all = mfrom_bits(ALL_LANES);
    ed25519_ext base, p, q, wanted, got;
    ed25519_generator(&base);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 8; j++) {
            for (int shift = 0; shift < 3; shift++) { /* in the torsion, and next to it: +T_i - T_j, B + T_i and -B + T_j */
                ed25519_cached cached;
                ed25519_niels niels;
                ed25519_sum s;
                fe25519_t z_inv;
                ed25519_neg(&got, &base);
                ed25519_add(&p, &torsion[i], shift ? &base : &torsion[0]);
                ed25519_add(&q, &torsion[j], shift == 0 ? &torsion[0] : shift == 1 ? &base : &got);
                ed25519_to_cached(&cached, &q);
                fe25519_inv(&z_inv, &q.z);
                ed25519_to_niels(&niels, &q, &z_inv);
                for (int negative = 0; negative < 2; negative++) {
                    int k = (negative ? i - j + 8 : i + j) % 8, bases = shift == 0 ? 0 : shift == 1 ? 1 : -1;
                    bases = (shift ? 1 : 0) + (negative ? -bases : bases);
                    wanted = torsion[k];
                    for (int n = 0; n < (bases < 0 ? -bases : bases); n++)
                        ed25519_add(&wanted, &wanted, bases < 0 ? &got : &base);
                    ed25519_ext sum;
                    ed25519_add_cached(&s, &p, &cached, negative ? all : none);
                    ed25519_to_ext(&sum, &s);
                    EXPECT(same_point(&wanted, &sum));
                    ed25519_add_niels(&s, &p, &niels, negative ? all : none);
                    ed25519_to_ext(&sum, &s);
                    EXPECT(same_point(&wanted, &sum));
                    EXPECT((mbits(ed25519_is_identity(&sum)) == ALL_LANES) == (k == 0 && bases == 0));
                }
                ed25519_dbl_ext(&s, &p);
                ed25519_to_ext(&q, &s);
                ed25519_add(&wanted, &p, &p);
                EXPECT(same_point(&wanted, &q));
            }
        }
    }
}

static void test_multiplication(void) {
    static const uint64_t some[][4] = {{0},
                                       {1},
                                       {2},
                                       {15},
                                       {16},
                                       {17},
                                       {31},
                                       {32},
                                       {127},
                                       {128},
                                       {129},
                                       {255},
                                       {256},
                                       {0, 0, 0, 1ULL << 60},
                                       {~0ULL, ~0ULL, ~0ULL, (1ULL << 60) - 1}};
    enum { SOME = sizeof some / sizeof some[0] };
    ed25519_ext base, a, ub, va, wanted, got;
    ed25519_generator(&base);
    for (int round = 0; round < SOME + 12; round++) {
        uint64_t u[4], v[4], one[4] = {1};
        vec uw[4], vw[4];
        test_fill((uint8_t *)u, 32);
        test_fill((uint8_t *)v, 32);
        slow_multiple(&a, v, &base);
        ed25519_add(&a, &a, &torsion[round % 8]);
        big_mod(u, u, 4, order);
        big_mod(v, v, 4, order);
        if (round < SOME) memcpy(u, some[round], 32), memcpy(v, some[(round * 7 + 3) % SOME], 32);
        if (round == SOME) big_sub(u, order, one), big_sub(v, order, one);
        words_set1(uw, u);
        words_set1(vw, v);
        slow_multiple(&ub, u, &base);
        slow_multiple(&va, v, &a);
        ed25519_add(&wanted, &ub, &va);
        ed25519_double_base(&got, uw, vw, &a);
        EXPECT(same_point(&wanted, &got));
        ed25519_mul_generator(&got, uw);
        EXPECT(same_point(&ub, &got));
    }
}

/* ---- the subgroup of prime order ----------------------------------------------------------------------------------------- */

/* Multiples of the base point plus every point of small order, in several coordinates, every lane another one: those without a part
 * of small order are in the subgroup. The slow way, L p = 0, says the same. */
static void test_subgroup(void) {
    static const uint64_t some[][4] = {{0}, {1}, {8}, {0x123456789abcdefULL, 2, 3, 4}};
    enum { SOME = sizeof some / sizeof some[0], ALL = 8 * SOME };
    static ed25519_ext points[ALL];
    ed25519_ext base, slow, p[PC_SIDE];
    ed25519_generator(&base);
    for (size_t i = 0; i < ALL; i++) {
        slow_multiple(&points[i], some[i / 8], &base);
        ed25519_add(&points[i], &points[i], &torsion[i % 8]);
        slow_multiple(&slow, order, &points[i]);
        EXPECT(mbits(ed25519_is_identity(&slow)) == (i % 8 ? 0 : ALL_LANES));
    }
    for (size_t first = 0; first < ALL; first++) {
        for (int n = 1; n <= PC_SIDE; n++) {
            unsigned wanted[PC_SIDE] = {0};
            vmask in[PC_SIDE];
            for (size_t j = 0; j < (size_t)n; j++) {
                for (size_t lane = 0; lane < VL; lane++) {
                    const size_t i = (first + 5 * (j * VL + lane)) % ALL;
                    ed25519_ext_select(&p[j], mfrom_bits(1u << lane), &points[i], lane ? &p[j] : &points[i]);
                    wanted[j] |= (unsigned)(i % 8 == 0) << lane;
                }
                const uint64_t scale[4] = {test_random(), test_random(), first};
                fe25519_t z;
                if (first % 2 == 0) continue;
                fe25519_set_words(&z, scale);
                fe25519_mul(&p[j].x, &p[j].x, &z);
                fe25519_mul(&p[j].y, &p[j].y, &z);
                fe25519_mul(&p[j].z, &p[j].z, &z);
            }
            ed25519_in_subgroup(in, p, n);
            for (int j = 0; j < n; j++) EXPECT_INT(mbits(in[j]), wanted[j]);
        }
    }
}

/* ---- encodings ------------------------------------------------------------------------------------------------------------- */

static void test_encodings(void) {
    static const uint64_t p_words[4] = {FE25519_P};
    uint8_t bytes[32], again[32];
    uint64_t y[4];
    vec w[4], normal[4];
    ed25519_ext p;
    ed25519_encoding e;
    int points = 0, n_small = 0;
    for (int round = 0; round < 200; round++) { /* half of all y are on the curve; what decompresses encodes back */
        test_fill(bytes, 32);
        bytes[31] &= 0xbf; /* y < 2^254 < p, whatever the sign */
        pc_words_from_le(y, bytes);
        const unsigned good = decompress(&p, y);
        EXPECT(good == 0 || good == ALL_LANES);
        if (!good) continue;
        points++;
        encode(again, &p);
        EXPECT(memcmp(bytes, again, 32) == 0);
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        ed25519_encoding_normal(normal, &e);
        EXPECT(mbits(e.canonical) == ALL_LANES && mbits(e.small) == 0 && mbits(words_eq(w, normal)) == ALL_LANES);
    }
    EXPECT(points > 60 && points < 140);
    for (int i = 0; i < 8; i++) { /* the small-order test knows all eight, in every encoding */
        encode(bytes, &torsion[i]);
        pc_words_from_le(y, bytes);
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        EXPECT(mbits(mand(e.small, e.canonical)) == ALL_LANES);
    }
    for (int d = 0; d < 38;
         d++) { /* y = p .. p + 18 with both signs: never canonical; 0 and 1 among them are of small order */
        const uint64_t step[4] = {(uint64_t)d / 2},
                       wanted[4] = {(uint64_t)d / 2, 0, 0, (d & 1) && d / 2 != 1 ? 1ULL << 63 : 0};
        big_add(y, p_words, step);
        y[3] |= (uint64_t)(d & 1) << 63;
        words_set1(w, y);
        ed25519_encoding_read(&e, w);
        ed25519_encoding_normal(normal, &e);
        words_set1(w, wanted); /* y = 1: minus zero is zero */
        EXPECT(mbits(e.canonical) == 0 && mbits(words_eq(normal, w)) == ALL_LANES);
        n_small += mbits(e.small) != 0;
    }
    EXPECT_INT(n_small, 4);
}

/* ---- sums of many points ------------------------------------------------------------ */

enum { POINTS = 70 };
static const uint64_t kinds[][4] = {{0},
                                    {1},
                                    {~0ULL, ~0ULL, 0, 0},                                 /* 2^128 - 1 */
                                    {0, 1ULL << 63, ~0ULL, ~0ULL},                        /* -2^127 */
                                    {~0ULL, ~0ULL >> 1, 0, 0},                            /* 2^127 - 1 */
                                    {0x8080808080808080ULL, 0x8080808080808080ULL, 0, 0}, /* digits on the edge */
                                    {0x7f7f7f7f7f7f7f7fULL, 0x7f7f7f7f7f7f7f7fULL, 0, 0},
                                    {~0ULL, ~0ULL, ~0ULL, ~0ULL}}; /* -1 */
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Points of every kind - equal, opposite, of small order, the identity - with a scalar of full size and a signed one of 128 bits. */
static ed25519_ext points[POINTS];
static uint64_t rows[POINTS * ed25519_POINT_STRIDE], full[POINTS * 4], brief[POINTS * 4];

static void make_points(const ed25519_ext *base) {
    for (uint32_t i = 0; i < POINTS; i++) {
        uint32_t row[VL];
        uint64_t k[4] = {i % 3 ? i : test_random()};
        ed25519_niels niels;
        ed25519_ext back;
        fe25519_t z_inv;
        slow_multiple(&points[i], k, base);
        if (i % 5 == 4) ed25519_neg(&points[i], &points[i - 1]);
        if (i % 4 == 0) ed25519_add(&points[i], &points[i], &torsion[i / 4 % 8]);
        if (i % 7 == 0) points[i] = torsion[i % 8];
        fe25519_inv(&z_inv, &points[i].z);
        ed25519_to_niels(&niels, &points[i], &z_inv);
        ed25519_from_niels(&back, &niels);
        EXPECT(same_point(&points[i], &back));
        for (int lane = 0; lane < VL; lane++) row[lane] = i;
        ed25519_point_store(rows, row, &niels);
    }
}
/* All of one kind, or (from KINDS on) at random. */
static void make_scalars(int kind) {
    for (size_t i = 0; i < POINTS; i++) {
        uint64_t *z = brief + 4 * i;
        test_fill((uint8_t *)(full + 4 * i), 32);
        big_mod(full + 4 * i, full + 4 * i, 4, order);
        test_fill((uint8_t *)z, 16);
        if (kind < KINDS) {
            memcpy(z, kinds[kind], 16);
            memcpy(full + 4 * i, kinds[kind], 32);
            if (kinds[kind][3]) big_sub(full + 4 * i, order, kinds[1]); /* L - 1 */
        }
        z[2] = z[3] = 0 - (z[1] >> 63);
    }
}
/* sum += v p, and sum += z p for a signed z. */
static void add_multiple(ed25519_ext *sum, const uint64_t v[4], const ed25519_ext *p) {
    ed25519_ext t;
    slow_multiple(&t, v, p);
    ed25519_add(sum, sum, &t);
}
static void add_signed_multiple(ed25519_ext *sum, const uint64_t z[4], const ed25519_ext *p) {
    const uint64_t none[4] = {0};
    uint64_t positive[4];
    ed25519_ext own = *p;
    memcpy(positive, z, sizeof positive);
    if (z[3]) big_sub(positive, none, z), ed25519_neg(&own, p);
    add_multiple(sum, positive, &own);
}

/* By buckets, with windows of every width: the first n_full points with their full scalars and the last n_brief, backwards. */
static void check_buckets(size_t n_full, size_t n_brief) {
    static uint64_t buckets[ed25519_BUCKET_WORDS] __attribute__((aligned(64)));
    uint32_t list[POINTS], backwards[POINTS];
    uint64_t turned[POINTS * 4];
    ed25519_ext wanted, got;
    ed25519_identity(&wanted);
    for (uint32_t i = 0; i < POINTS; i++) {
        list[i] = i;
        backwards[i] = POINTS - 1 - i;
        memcpy(turned + 4 * (POINTS - 1 - i), brief + 4 * i, 32);
        if (i < n_full) add_multiple(&wanted, full + 4 * i, &points[i]);
        if (i < n_brief) add_signed_multiple(&wanted, brief + 4 * i, &points[POINTS - 1 - i]);
    }
    const ed25519_terms of_full = {rows, full, 4, list, n_full}, of_brief = {rows, turned, 4, backwards, n_brief};
    ed25519_pippenger(&got, &of_full, &of_brief, buckets);
    EXPECT(same_point(&wanted, &got));
    for (int window = ed25519_LEAST_WINDOW; window <= ed25519_MOST_WINDOW; window++) {
        ed25519_pippenger_by(&got, &of_full, &of_brief, buckets, window);
        EXPECT(same_point(&wanted, &got));
    }
}

/* By tables: the same term in every lane, and u B. */
static void check_tables(const ed25519_ext *base) {
    static ed25519_pair pairs[3];
    ed25519_ext wanted, got;
    uint64_t u[4];
    vec words[4];
    test_fill((uint8_t *)u, 32);
    big_mod(u, u, 4, order);
    ed25519_identity(&wanted);
    add_multiple(&wanted, u, base);
    for (size_t i = 0; i < 3; i++) {
        words_set1(pairs[i].v, full + 4 * i);
        words_set1(pairs[i].z, brief + 4 * i);
        ed25519_multiples(pairs[i].a_rows, ed25519_A_ROWS, &points[i]);
        ed25519_multiples(pairs[i].r_rows, ed25519_Z_ROWS, &points[i + 3]);
        add_multiple(&wanted, full + 4 * i, &points[i]);
        add_signed_multiple(&wanted, brief + 4 * i, &points[i + 3]);
    }
    words_set1(words, u);
    ed25519_straus(&got, words, pairs, 3);
    EXPECT(same_point(&wanted, &got));
}

/* Against the plain sum, for scalars of every kind: all equal (so that one bucket takes them all), zero, one, the largest. */
static void test_sums(void) {
    ed25519_ext base;
    ed25519_generator(&base);
    make_points(&base);
    for (int round = 0; round < KINDS + 6; round++) {
        const size_t n_full = round == KINDS ? 0 : (size_t)(1 + test_random() % POINTS);
        const size_t n_brief = round == KINDS + 1 ? 0 : (size_t)(1 + test_random() % POINTS);
        make_scalars(round);
        check_buckets(n_full, n_brief);
        check_tables(&base);
    }
}
