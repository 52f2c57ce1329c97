/* edwards.inc.h - points of -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 5 mod 8, one point per lane; template.
 *
 * Makes ed25519_ext, _proj, _sum, _cached, _niels and _encoded (types, below), _fe_const, _identity,
 * _from_affine, _generator, _neg, _ext_select, _to_proj, _to_ext, _to_cached, _to_niels, _niels_of,
 * _from_niels, _dbl, _dbl_ext, _add_cached, _add_niels, _add, _is_identity, _pow_p58, _decompress, _encode:
 * in a backtrace ed25519_dbl, here cv(dbl).
 *
 * Requires (curves/<curve>.inc.h) the prefixes cv(name), fe(name) and CV_WORDS, CV_P, CV_D, CV_ROOT1, CV_GX, CV_GY. -1 is a square and d is not,
 * so the addition law is complete: every formula here holds for all inputs, the eight points of small order included, and there
 * are no special cases anywhere (Hisil, Wong, Carter, Dawson 2008; Bernstein, Lange 2007).
 *
 *   type         meaning                                                  coordinates
 *   cv(ext)      extended: x = X / Z, y = Y / Z, T = X Y / Z              tight
 *   cv(proj)     the same without T: what a doubling needs                tight
 *   cv(sum)      a finished addition before its last multiplications:     loose
 *                X : Y : Z : T = E F : G H : F G : E H
 *   cv(cached)   a summand: Y + X, Y - X, 2 Z, 2 d T                      loose, tight (2 d T)
 *   cv(niels)    a summand with Z = 1, halved: (y + x)/2, (y - x)/2, d x y     tight
 *   cv(encoded)  the 32 bytes of a point, before and after decompression
 *
 * A chain of doublings keeps to sum -> proj (3M), and only what comes before an addition computes T (4M). Every output may be one
 * of the inputs. */

typedef struct cv(ext_s) {
    fe(t) x, y, z, t;
} cv(ext);
typedef struct cv(proj_s) {
    fe(t) x, y, z;
} cv(proj);
typedef struct cv(sum_s) {
    fe(t) e, f, g, h;
} cv(sum);
typedef struct cv(cached_s) {
    fe(t) y_plus_x, y_minus_x, z2, t2d;
} cv(cached);
typedef struct cv(niels_s) {
    fe(t) y_plus_x, y_minus_x, txd;
} cv(niels);

PC_FN void cv(fe_const)(fe(t) * r, const uint64_t words[CV_WORDS]) {
    vec w[CV_WORDS];
    words_set1_n(w, words, CV_WORDS);
    fe(from_words)(r, w);
}
PC_FN void cv(identity)(cv(ext) * r) {
    r->x = r->t = fe(zero)();
    r->y = r->z = fe(one)();
}
/* x, y tight. */
PC_FN void cv(from_affine)(cv(ext) * r, const fe(t) * x, const fe(t) * y) {
    fe(mul)(&r->t, x, y);
    r->x = *x;
    r->y = *y;
    r->z = fe(one)();
}
PC_FN void cv(generator)(cv(ext) * r) {
    static const uint64_t gx[CV_WORDS] = CV_GX, gy[CV_WORDS] = CV_GY;
    fe(t) x, y;
    cv(fe_const)(&x, gx);
    cv(fe_const)(&y, gy);
    cv(from_affine)(r, &x, &y);
}
PC_FN void cv(neg)(cv(ext) * r, const cv(ext) * p) {
    fe(t) t;
    fe(neg)(&t, &p->x);
    fe(carry)(&r->x, &t);
    fe(neg)(&t, &p->t);
    fe(carry)(&r->t, &t);
    r->y = p->y;
    r->z = p->z;
}
PC_FN void cv(ext_select)(cv(ext) * r, vmask m, const cv(ext) * a, const cv(ext) * b) {
    fe(select)(&r->x, m, &a->x, &b->x);
    fe(select)(&r->y, m, &a->y, &b->y);
    fe(select)(&r->z, m, &a->z, &b->z);
    fe(select)(&r->t, m, &a->t, &b->t);
}

/* ---- between the forms ------------------------------------------------------------------------------------------------- */

PC_INLINE void cv(to_proj)(cv(proj) * r, const cv(sum) * s) {
    fe(mul)(&r->x, &s->e, &s->f);
    fe(mul)(&r->y, &s->g, &s->h);
    fe(mul)(&r->z, &s->f, &s->g);
}
PC_INLINE void cv(to_ext)(cv(ext) * r, const cv(sum) * s) {
    fe(mul)(&r->x, &s->e, &s->f);
    fe(mul)(&r->y, &s->g, &s->h);
    fe(mul)(&r->z, &s->f, &s->g);
    fe(mul)(&r->t, &s->e, &s->h);
}
PC_FN void cv(to_cached)(cv(cached) * r, const cv(ext) * p) {
    static const uint64_t d[CV_WORDS] = CV_D;
    fe(t) t;
    cv(fe_const)(&t, d);
    fe(add)(&t, &t, &t);
    fe(mul)(&r->t2d, &p->t, &t);
    fe(add)(&r->y_plus_x, &p->y, &p->x);
    fe(sub)(&r->y_minus_x, &p->y, &p->x);
    fe(add)(&r->z2, &p->z, &p->z);
}
/* x, y tight. */
PC_FN void cv(niels_of)(cv(niels) * r, const fe(t) * x, const fe(t) * y) {
    static const uint64_t d[CV_WORDS] = CV_D;
    fe(t) t, xy;
    cv(fe_const)(&t, d);
    fe(mul)(&xy, x, y);
    fe(mul)(&r->txd, &xy, &t);
    fe(add)(&t, y, x);
    fe(sub)(&xy, y, x);
    fe(half)(&r->y_plus_x, &t);
    fe(half)(&r->y_minus_x, &xy);
}
/* p as affine summand, given 1 / Z. */
PC_FN void cv(to_niels)(cv(niels) * r, const cv(ext) * p, const fe(t) * z_inv) {
    fe(t) x, y;
    fe(mul)(&x, &p->x, z_inv);
    fe(mul)(&y, &p->y, z_inv);
    cv(niels_of)(r, &x, &y);
}
/* And back: x and y are the difference and the sum of the two halves. */
PC_FN void cv(from_niels)(cv(ext) * r, const cv(niels) * q) {
    fe(t) x, y;
    fe(sub)(&x, &q->y_plus_x, &q->y_minus_x);
    fe(add)(&y, &q->y_plus_x, &q->y_minus_x);
    fe(carry)(&x, &x);
    fe(carry)(&y, &y);
    cv(from_affine)(r, &x, &y);
}

/* ---- the group law ----------------------------------------------------------------------------------------------------- */

/* s = 2 p: 4S, and 3M or 4M to leave the sum (dbl-2008-hwcd with a = -1, all signs flipped). */
PC_INLINE void cv(dbl)(cv(sum) * s, const cv(proj) * p) {
    fe(t) a, b, c, t;
    fe(sqr)(&a, &p->x);
    fe(sqr)(&b, &p->y);
    fe(sqr)(&c, &p->z);
    fe(add)(&t, &p->x, &p->y);
    fe(sqr)(&t, &t);
    fe(add)(&s->h, &b, &a);
    fe(sub)(&s->g, &b, &a);
    fe(subc)(&s->e, &t, &s->h); /* 2 X Y */
    fe(add)(&c, &c, &c);
    fe(subc)(&s->f, &c, &s->g);
}
PC_FN void cv(dbl_ext)(cv(sum) * s, const cv(ext) * p) {
    cv(proj) q = {p->x, p->y, p->z};
    cv(dbl)(s, &q);
}
/* s = p + (negative ? -q : q): 4M. Negating a summand swaps y + x with y - x and changes the sign of its T, that is of c. */
PC_INLINE void cv(add_cached)(cv(sum) * s, const cv(ext) * p, const cv(cached) * q, vmask negative) {
    fe(t) a, b, c, d, t, u;
    fe(sub)(&t, &p->y, &p->x);
    fe(select)(&u, negative, &q->y_plus_x, &q->y_minus_x);
    fe(mul)(&a, &t, &u);
    fe(add)(&t, &p->y, &p->x);
    fe(select)(&u, negative, &q->y_minus_x, &q->y_plus_x);
    fe(mul)(&b, &t, &u);
    fe(mul)(&c, &p->t, &q->t2d);
    fe(mul)(&d, &p->z, &q->z2);
    fe(sub)(&s->e, &b, &a);
    fe(add)(&s->h, &b, &a);
    fe(sub)(&t, &d, &c);
    fe(add)(&u, &d, &c);
    fe(select)(&s->f, negative, &u, &t);
    fe(select)(&s->g, negative, &t, &u);
}
/* The same for a halved affine summand: 3M. All of E, F, G, H are halved with it, which is the same projective point. */
PC_INLINE void cv(add_niels)(cv(sum) * s, const cv(ext) * p, const cv(niels) * q, vmask negative) {
    fe(t) a, b, c, t, u;
    fe(sub)(&t, &p->y, &p->x);
    fe(select)(&u, negative, &q->y_plus_x, &q->y_minus_x);
    fe(mul)(&a, &t, &u);
    fe(add)(&t, &p->y, &p->x);
    fe(select)(&u, negative, &q->y_minus_x, &q->y_plus_x);
    fe(mul)(&b, &t, &u);
    fe(mul)(&c, &p->t, &q->txd);
    fe(sub)(&s->e, &b, &a);
    fe(add)(&s->h, &b, &a);
    fe(sub)(&t, &p->z, &c);
    fe(add)(&u, &p->z, &c);
    fe(select)(&s->f, negative, &u, &t);
    fe(select)(&s->g, negative, &t, &u);
}
/* r = p + q, for code that is not hot. */
PC_FN void cv(add)(cv(ext) * r, const cv(ext) * p, const cv(ext) * q) {
    cv(cached) c;
    cv(sum) s;
    cv(to_cached)(&c, q);
    cv(add_cached)(&s, p, &c, mfrom_bits(0));
    cv(to_ext)(r, &s);
}
/* p = (0, 1). */
PC_FN vmask cv(is_identity)(const cv(ext) * p) { return mand(fe(is_zero)(&p->x), fe(eq)(&p->y, &p->z)); }

/* ---- encodings (RFC 8032, sections 5.1.2 and 5.1.3) -------------------------------------------------------------------- */

/* r = a^((p - 5) / 8) = a^(2^252 - 3) for p = 2^255 - 19, n vectors: runs of ones, doubled and joined. r is not a. */
static PC_UNUSED void cv(pow_p58)(fe(t) * r, const fe(t) * a, int n) {
    fe(t) t0[PC_SIDE], t1[PC_SIDE], t2[PC_SIDE];
    fe(side_sqr_n)(t0, a, 1, n);  /* 2 */
    fe(side_sqr_n)(t1, t0, 2, n); /* 8 */
    fe(side_mul)(t1, t1, a, n);   /* 9 */
    fe(side_mul)(t0, t0, t1, n);  /* 11 */
    fe(side_sqr_n)(t0, t0, 1, n); /* 22 */
    fe(side_mul)(t0, t0, t1, n);  /* 31 = 2^5 - 1 */
    fe(side_sqr_n)(t1, t0, 5, n);
    fe(side_mul)(t0, t1, t0, n); /* 2^10 - 1 */
    fe(side_sqr_n)(t1, t0, 10, n);
    fe(side_mul)(t1, t1, t0, n); /* 2^20 - 1 */
    fe(side_sqr_n)(t2, t1, 20, n);
    fe(side_mul)(t1, t2, t1, n); /* 2^40 - 1 */
    fe(side_sqr_n)(t1, t1, 10, n);
    fe(side_mul)(t0, t1, t0, n); /* 2^50 - 1 */
    fe(side_sqr_n)(t1, t0, 50, n);
    fe(side_mul)(t1, t1, t0, n); /* 2^100 - 1 */
    fe(side_sqr_n)(t2, t1, 100, n);
    fe(side_mul)(t1, t2, t1, n); /* 2^200 - 1 */
    fe(side_sqr_n)(t1, t1, 50, n);
    fe(side_mul)(t0, t1, t0, n); /* 2^250 - 1 */
    fe(side_sqr_n)(t0, t0, 2, n);
    fe(side_mul)(r, t0, a, n); /* 2^252 - 3 */
}

/* An encoding per lane, and what comes of it. */
typedef struct cv(encoded_s) {
    vec words[4];   /* y below 2^255, and the sign bit */
    fe(t) x, y;     /* the point; tight */
    vmask is_point; /* where there is one */
} cv(encoded);

/* The point with this y and parity of x (sign bit: x odd), by the liberal rule of ZIP-215: y is any number below 2^255, taken
 * modulo p, and x = 0 takes either sign. Lanes where y is on no point are not in is_point; what they hold is meaningless but well
 * formed. With u = y^2 - 1 and v = d y^2 + 1, x = u v^3 (u v^7)^((p - 5) / 8) up to a root of -1. n vectors, at most SIDE. */
static PC_UNUSED void cv(decompress)(cv(encoded) * e, int n) {
    static const uint64_t d_words[4] = CV_D, root_words[4] = CV_ROOT1;
    const fe(t) one = fe(one)();
    fe(t) u[PC_SIDE], v[PC_SIDE], v3[PC_SIDE], x[PC_SIDE], t, d;
    PC_CHECK(n >= 1 && n <= PC_SIDE);
    cv(fe_const)(&d, d_words);
    for (int j = 0; j < n; j++) {
        const vec y[4] = {e[j].words[0], e[j].words[1], e[j].words[2], vand(e[j].words[3], vset1(~0ULL >> 1))};
        fe(from_words)(&e[j].y, y);
        fe(sqr)(&t, &e[j].y);
        fe(sub)(&u[j], &t, &one);
        fe(carry)(&u[j], &u[j]);
        fe(mul)(&t, &t, &d);
        fe(add)(&v[j], &t, &one);
        fe(carry)(&v[j], &v[j]);
        fe(sqr)(&t, &v[j]);
        fe(mul)(&v3[j], &t, &v[j]);
        fe(sqr)(&t, &v3[j]);
        fe(mul)(&t, &t, &v[j]);
        fe(mul)(&v3[j], &v3[j], &u[j]); /* u v^3 */
        fe(mul)(&x[j], &t, &u[j]);      /* u v^7 */
    }
    fe(t) power[PC_SIDE];
    cv(pow_p58)(power, x, n);
    cv(fe_const)(&d, root_words);
    for (int j = 0; j < n; j++) {
        fe(mul)(&x[j], &power[j], &v3[j]);
        fe(sqr)(&t, &x[j]);
        fe(mul)(&t, &t, &v[j]); /* v x^2 is u, -u, or x is no root */
        vmask root = fe(eq)(&t, &u[j]);
        fe(add)(&t, &t, &u[j]);
        e[j].is_point = mor(root, fe(is_zero)(&t));
        fe(mul)(&t, &x[j], &d);
        fe(select)(&x[j], root, &x[j], &t);
        vmask odd = fe(is_odd)(&x[j]), negative = vlt(vset1(~0ULL >> 1), e[j].words[3]);
        fe(cneg)(&e[j].x, mor(mand(odd, mnot(negative)), mand(negative, mnot(odd))), &x[j]);
    }
}
/* The canonical encoding of p, given 1 / Z: y with the parity of x in bit 255. */
PC_FN void cv(encode)(vec w[4], const cv(ext) * p, const fe(t) * z_inv) {
    fe(t) t;
    fe(mul)(&t, &p->x, z_inv);
    vmask odd = fe(is_odd)(&t);
    fe(mul)(&t, &p->y, z_inv);
    fe(to_words)(w, &t);
    w[3] = vor(w[3], vblend(odd, vset1(1ULL << 63), vzero()));
}
