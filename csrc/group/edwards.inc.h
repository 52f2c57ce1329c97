/* edwards.inc.h - points of -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 5 mod 8, one point per lane; template.
 *
 * Wants (curves/<curve>.inc.h) the prefixes cv(name), fe(name) and CV_P, CV_D, CV_ROOT1, CV_GX, CV_GY. -1 is a square and d is not,
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

PC_FN void cv(fe_const)(fe(t) * r, const uint64_t words[4]) {
    vec w[4];
    words_set1(w, words);
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
    static const uint64_t gx[4] = CV_GX, gy[4] = CV_GY;
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
    static const uint64_t d[4] = CV_D;
    fe(t) t;
    cv(fe_const)(&t, d);
    fe(add)(&t, &t, &t);
    fe(mul)(&r->t2d, &p->t, &t);
    fe(add)(&r->y_plus_x, &p->y, &p->x);
    fe(sub)(&r->y_minus_x, &p->y, &p->x);
    fe(add)(&r->z2, &p->z, &p->z);
}
/* p as affine summand, given 1 / Z. */
PC_FN void cv(to_niels)(cv(niels) * r, const cv(ext) * p, const fe(t) * z_inv) {
    static const uint64_t d[4] = CV_D;
    fe(t) x, y, t;
    fe(mul)(&x, &p->x, z_inv);
    fe(mul)(&y, &p->y, z_inv);
    fe(mul)(&r->txd, &x, &y);
    cv(fe_const)(&t, d);
    fe(mul)(&r->txd, &r->txd, &t);
    fe(add)(&t, &y, &x);
    fe(half)(&r->y_plus_x, &t);
    fe(sub)(&t, &y, &x);
    fe(half)(&r->y_minus_x, &t);
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

/* r = a^((p - 5) / 8) = a^(2^252 - 3) for p = 2^255 - 19: runs of ones, doubled and joined. */
PC_NOINLINE void cv(pow_p58)(fe(t) * r, const fe(t) * a) {
    fe(t) x = *a, t0, t1, t2;
    fe(sqr)(&t0, &x);       /* 2 */
    fe(sqr_n)(&t1, &t0, 2); /* 8 */
    fe(mul)(&t1, &t1, &x);  /* 9 */
    fe(mul)(&t0, &t0, &t1); /* 11 */
    fe(sqr)(&t0, &t0);      /* 22 */
    fe(mul)(&t0, &t0, &t1); /* 31 = 2^5 - 1 */
    fe(sqr_n)(&t1, &t0, 5);
    fe(mul)(&t0, &t1, &t0); /* 2^10 - 1 */
    fe(sqr_n)(&t1, &t0, 10);
    fe(mul)(&t1, &t1, &t0); /* 2^20 - 1 */
    fe(sqr_n)(&t2, &t1, 20);
    fe(mul)(&t1, &t2, &t1); /* 2^40 - 1 */
    fe(sqr_n)(&t1, &t1, 10);
    fe(mul)(&t0, &t1, &t0); /* 2^50 - 1 */
    fe(sqr_n)(&t1, &t0, 50);
    fe(mul)(&t1, &t1, &t0); /* 2^100 - 1 */
    fe(sqr_n)(&t2, &t1, 100);
    fe(mul)(&t1, &t2, &t1); /* 2^200 - 1 */
    fe(sqr_n)(&t1, &t1, 50);
    fe(mul)(&t0, &t1, &t0); /* 2^250 - 1 */
    fe(sqr_n)(&t0, &t0, 2);
    fe(mul)(r, &t0, &x); /* 2^252 - 3 */
}

/* The point with this y and parity of x (negative: x odd), by the liberal rule of ZIP-215: y is any number below 2^255, taken
 * modulo p, and x = 0 takes either sign. Lanes where y is on no point are not in the result; their point is meaningless but
 * well formed. With u = y^2 - 1 and v = d y^2 + 1, x = u v^3 (u v^7)^((p - 5) / 8) up to a root of -1. */
PC_NOINLINE vmask cv(decompress)(cv(ext) * r, const vec y_words[4], vmask negative) {
    static const uint64_t d_words[4] = CV_D, root_words[4] = CV_ROOT1;
    const fe(t) one = fe(one)();
    fe(t) y, u, v, x, t, d;
    fe(from_words)(&y, y_words);
    fe(sqr)(&t, &y);
    fe(sub)(&u, &t, &one);
    fe(carry)(&u, &u);
    cv(fe_const)(&d, d_words);
    fe(mul)(&v, &t, &d);
    fe(add)(&v, &v, &one);
    fe(carry)(&v, &v);
    fe(sqr)(&t, &v);
    fe(mul)(&t, &t, &v); /* v^3 */
    fe(sqr)(&x, &t);
    fe(mul)(&x, &x, &v);
    fe(mul)(&x, &x, &u); /* u v^7 */
    cv(pow_p58)(&x, &x);
    fe(mul)(&x, &x, &t);
    fe(mul)(&x, &x, &u);
    fe(sqr)(&t, &x);
    fe(mul)(&t, &t, &v); /* v x^2 is u, -u, or x is no root */
    vmask root = fe(eq)(&t, &u);
    fe(add)(&t, &t, &u);
    vmask other = fe(is_zero)(&t);
    cv(fe_const)(&d, root_words);
    fe(mul)(&t, &x, &d);
    fe(select)(&x, root, &x, &t);
    vmask odd = fe(is_odd)(&x);
    fe(cneg)(&x, mor(mand(odd, mnot(negative)), mand(negative, mnot(odd))), &x);
    cv(from_affine)(r, &x, &y);
    return mor(root, other);
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
