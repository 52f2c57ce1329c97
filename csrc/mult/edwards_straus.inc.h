/* edwards_straus.inc.h - sums of many multiples, lane by lane: every point has a table, and the doublings are shared (Straus); template.
 *
 * Makes ed25519_pair (type), ed25519_straus (here cv(straus)).
 *
 * Requires edwards_base.inc.h. Good for few points: the tables cost what 30 additions do, and the work per point does not fall with
 * their number. Sums that need not be kept apart by lane, of some dozens of points and more: edwards_pippenger.inc.h. */

enum {
    cv(Z_BITS) = 128, /* of the short scalars, sign included */
    cv(Z_WINDOW) = 4,
    cv(Z_ROWS) = (1 << (cv(Z_WINDOW) - 1)) + 1,
    cv(TOP_Z) = RECODE_TOP(cv(Z_BITS) - 1, cv(Z_WINDOW))
};
/* One pair of points: v A with v < 2^CV_BITS, and z R with -2^127 <= z < 2^127, in two's complement of CV_SCALAR_WORDS
 * words. */
typedef struct cv(pair_s) {
    vec v[CV_SCALAR_WORDS], z[CV_SCALAR_WORDS];
    uint64_t a_rows[ED_TABLE_WORDS(cv(A_ROWS))], r_rows[ED_TABLE_WORDS(cv(Z_ROWS))];
} cv(pair);

/* r = u B + the sum of v A + z R over n pairs; the tables are in place (multiples). */
PC_NOINLINE VEC_FLATTEN void cv(straus)(cv(ext) * r, const vec u[CV_SCALAR_WORDS], const cv(pair) * pairs, size_t n) {
    cv(proj) p;
    cv(sum) s;
    pthread_once(&cv(ladder_g_once), cv(ladder_g_build));
    cv(sum_identity)(&s);
    for (int pos = cv(TOP);; pos--) {
        if (pos % CV_A_WINDOW == 0 && pos <= cv(TOP_A))
            for (size_t i = 0; i < n; i++) cv(add_digit)(&s, pairs[i].a_rows, cv(A_ROWS), pairs[i].v, pos, CV_A_WINDOW);
        if (pos % cv(Z_WINDOW) == 0 && pos <= cv(TOP_Z))
            for (size_t i = 0; i < n; i++) cv(add_digit)(&s, pairs[i].r_rows, cv(Z_ROWS), pairs[i].z, pos, cv(Z_WINDOW));
        if (pos % CV_G_WINDOW == 0 && pos <= cv(TOP_G)) cv(add_g_digit)(&s, u, pos);
        if (pos == 0) break;
        cv(to_proj)(&p, &s);
        cv(dbl)(&s, &p);
    }
    cv(to_ext)(r, &s);
}
