/* weierstrass.inc.h - points of y^2 = x^3 + a x + b with a = 0 or a = -3, one point per lane; template.
 *
 * Makes k256_aff, _jac and _chord (types), _fe_const, _generator, _jac_infinity, _jac_from_aff, _aff_select,
 * _jac_select, _rhs, _on_curve, _lift_x, _lift_x_side, _dbl, _dbl_side, _madd, _madd_side, _madd_chord, _madd_exact,
 * _to_aff, _aff_add_den, _aff_dbl_den, _aff_chord, _aff_add, _aff_dbl, and the same for p256_ and sm2c_: in a
 * backtrace k256_dbl, here cv(dbl).
 *
 * Requires (curves/<curve>.inc.h)
 *   cv(name) fe(name) sc(name)   prefixes of the curve, of its coordinate field and of its scalar field (field.h)
 *   CV_A                         0 or -3
 *   CV_WORDS                     words of a coordinate; CV_SCALAR_WORDS: of a scalar
 *   CV_B, CV_GX, CV_GY           b and the generator, as words
 *
 * The group must have odd prime order: there is no point with y = 0, and the only point that doubles to infinity is
 * infinity.
 *
 *   cv(aff)   affine x, y; never infinity
 *   cv(jac)   Jacobian: x = X / Z^2, y = Y / Z^3; infinity exactly when Z = 0
 *
 * All stored coordinates are tight (field.h). Every output may be one of the inputs. */

typedef struct cv(aff_s) {
    fe(t) x, y;
} cv(aff);
typedef struct cv(jac_s) {
    fe(t) x, y, z;
} cv(jac);

PC_FN void cv(fe_const)(fe(t) * r, const uint64_t words[CV_WORDS]) {
    vec w[CV_WORDS];
    words_set1_n(w, words, CV_WORDS);
    fe(from_words)(r, w);
}
PC_FN void cv(generator)(cv(aff) * r) {
    static const uint64_t x[CV_WORDS] = CV_GX, y[CV_WORDS] = CV_GY;
    cv(fe_const)(&r->x, x);
    cv(fe_const)(&r->y, y);
}
PC_FN void cv(jac_infinity)(cv(jac) * r) {
    r->x = r->y = fe(one)();
    r->z = fe(zero)();
}
PC_FN void cv(jac_from_aff)(cv(jac) * r, const cv(aff) * p) {
    r->x = p->x;
    r->y = p->y;
    r->z = fe(one)();
}
PC_FN void cv(aff_select)(cv(aff) * r, vmask m, const cv(aff) * a, const cv(aff) * b) {
    fe(select)(&r->x, m, &a->x, &b->x);
    fe(select)(&r->y, m, &a->y, &b->y);
}
PC_FN void cv(jac_select)(cv(jac) * r, vmask m, const cv(jac) * a, const cv(jac) * b) {
    fe(select)(&r->x, m, &a->x, &b->x);
    fe(select)(&r->y, m, &a->y, &b->y);
    fe(select)(&r->z, m, &a->z, &b->z);
}

/* ---- the curve equation ----------------------------------------------------------------------------------------------- */

/* r = x^3 + a x + b, tight. */
PC_FN void cv(rhs)(fe(t) * r, const fe(t) * x) {
    static const uint64_t b[CV_WORDS] = CV_B;
    fe(t) t, c;
    fe(sqr)(&t, x);
#if CV_A == -3
    c = fe(one)();
    fe(mul_small)(&c, &c, 3);
    fe(sub)(&t, &t, &c);
#endif
    fe(mul)(&t, &t, x);
    cv(fe_const)(&c, b);
    fe(addc)(r, &t, &c);
}
PC_FN vmask cv(on_curve)(const cv(aff) * p) {
    fe(t) yy, t;
    fe(sqr)(&yy, &p->y);
    cv(rhs)(&t, &p->x);
    return fe(eq)(&yy, &t);
}
/* p[j].y = the root of the curve equation at p[j].x with the wanted parity, for n vectors side by side, n <= PC_SIDE.
 * Lanes without a root are not in found, and their y means nothing. Both fields of all curves here have p = 3 mod 4 (SEC
 * 1, section 2.3.4). */
static PC_UNUSED void cv(lift_x_side)(cv(aff) * p, const vmask *odd, vmask *found, int n) {
    fe(t) t[PC_SIDE], y[PC_SIDE], yy;
    for (int j = 0; j < PC_SIDE; j++) cv(rhs)(&t[j], &p[j < n ? j : 0].x);
    fe(sqrt_side)(y, t, n);
    for (int j = 0; j < n; j++) {
        fe(sqr)(&yy, &y[j]);
        found[j] = fe(eq)(&yy, &t[j]);
        const vmask is_odd = fe(is_odd)(&y[j]);
        fe(cneg)(&p[j].y, mor(mand(odd[j], mnot(is_odd)), mand(is_odd, mnot(odd[j]))), &y[j]);
    }
}
PC_FN vmask cv(lift_x)(cv(aff) * p, vmask odd) {
    vmask found;
    cv(lift_x_side)(p, &odd, &found, 1);
    return found;
}

/* ---- Jacobian arithmetic ---------------------------------------------------------------------------------------------- */

/* For every one of n points that are worked at side by side. */
#define EACH_SIDE(n) _Pragma("GCC unroll 2") for (int j = 0; j < (n); j++)

/* r = 2 p. Exact for every p, infinity included (Z3 = Y Z).
 *
 * EFD "dbl-2009-l" (a = 0) and "dbl-2001-b" (a = -3) with every coordinate halved once, which trades the small multiples
 * for one halving. With the half slope L = (3 X^2 + a Z^4) / 2 and T = X Y^2:
 *
 *     X3 = L^2 - 2 T     Y3 = L (T - X3) - Y^4     Z3 = Y Z          a = 0: 3M + 4S     a = -3: 4M + 4S
 *
 * dbl_side doubles PC_SIDE points that have nothing to do with each other, step by step in turn: while one waits for a
 * product, the other has work. Each r[j] may be p[j]. madd_side likewise. */
PC_INLINE void cv(dbl_each)(cv(jac) *const *r, const cv(jac) *const *p, const int n) {
    fe(t) l[PC_SIDE], yy[PC_SIDE], t[PC_SIDE];
#if CV_A == 0
    EACH_SIDE(n) fe(sqr_half3)(&l[j], &p[j]->x);
#else
    EACH_SIDE(n) fe(sqr_apart)(&l[j], &t[j], &p[j]->x, &p[j]->z);
    EACH_SIDE(n) fe(mul_half3)(&l[j], &l[j], &t[j]);
#endif
    EACH_SIDE(n) fe(sqr)(&yy[j], &p[j]->y);
    EACH_SIDE(n) fe(mul)(&r[j]->z, &p[j]->y, &p[j]->z);
    EACH_SIDE(n) fe(mul)(&t[j], &p[j]->x, &yy[j]);
    EACH_SIDE(n) fe(sqr_sub2c)(&r[j]->x, &l[j], &t[j]);
    EACH_SIDE(n) fe(sub)(&t[j], &t[j], &r[j]->x);
    EACH_SIDE(n) fe(sqr)(&yy[j], &yy[j]);
    EACH_SIDE(n) fe(mul_subc)(&r[j]->y, &l[j], &t[j], &yy[j]);
}
PC_NOINLINE VEC_FLATTEN void cv(dbl)(cv(jac) * r, const cv(jac) * p) { cv(dbl_each)(&r, &p, 1); }
#if VEC_SIDE > 1
PC_NOINLINE VEC_FLATTEN void cv(dbl_side)(cv(jac) *const r[PC_SIDE], const cv(jac) *const p[PC_SIDE]) {
    cv(dbl_each)(r, p, PC_SIDE);
}
#endif

/* What both additions need to know about H = U2 - X1 and R = S2 - Y1. */
typedef struct cv(chord_s) {
    fe(t) h, r;
} cv(chord);

/* r = p + q, q affine, for p not infinity and p != q. 8M + 3S (EFD "madd", as 1998 Cohen-Miyaji-Ono writes it).
 *
 * Z3 = Z1 H with H = x(q) Z1^2 - X1. So p = -q gives Z3 = 0, which is right; p = q and p = infinity give Z3 = 0 as well,
 * which is wrong - but once Z is zero, every further doubling and addition keeps it zero. A chain of these that starts
 * finite and ends with a Z other than zero has therefore met none of the exceptional cases, and its result is exact:
 * double_base.inc.h builds on that. */
PC_INLINE void cv(madd_each)(cv(jac) *const *r, cv(chord) * c, const cv(jac) *const *p, const cv(aff) *const *q,
                             const int n) {
    fe(t) zz[PC_SIDE], hhh[PC_SIDE], v[PC_SIDE];
    EACH_SIDE(n) fe(sqr)(&zz[j], &p[j]->z);
    EACH_SIDE(n) fe(mul_sub)(&c[j].h, &q[j]->x, &zz[j], &p[j]->x);
    EACH_SIDE(n) fe(mul)(&zz[j], &zz[j], &p[j]->z);
    EACH_SIDE(n) fe(mul_sub)(&c[j].r, &q[j]->y, &zz[j], &p[j]->y);
    EACH_SIDE(n) fe(sqr)(&hhh[j], &c[j].h);
    EACH_SIDE(n) fe(mul)(&r[j]->z, &p[j]->z, &c[j].h);
    EACH_SIDE(n) fe(mul)(&v[j], &p[j]->x, &hhh[j]);
    EACH_SIDE(n) fe(mul)(&hhh[j], &hhh[j], &c[j].h);
    EACH_SIDE(n) fe(sqr_sub12c)(&r[j]->x, &c[j].r, &hhh[j], &v[j]); /* X3 = R^2 - H^3 - 2 V with V = X1 H^2 */
    EACH_SIDE(n) fe(mul)(&hhh[j], &hhh[j], &p[j]->y);
    EACH_SIDE(n) fe(sub)(&v[j], &v[j], &r[j]->x);
    EACH_SIDE(n) fe(mul_subc)(&r[j]->y, &v[j], &c[j].r, &hhh[j]);
}
PC_FN void cv(madd_chord)(cv(jac) * r, cv(chord) * c, const cv(jac) * p, const cv(aff) * q) {
    cv(madd_each)(&r, c, &p, &q, 1);
}
PC_NOINLINE VEC_FLATTEN void cv(madd)(cv(jac) * r, const cv(jac) * p, const cv(aff) * q) {
    cv(chord) c;
    cv(madd_chord)(r, &c, p, q);
}
#if VEC_SIDE > 1
PC_NOINLINE VEC_FLATTEN void cv(madd_side)(cv(jac) *const r[PC_SIDE], const cv(jac) *const p[PC_SIDE],
                                           const cv(aff) *const q[PC_SIDE]) {
    cv(chord) c[PC_SIDE];
    cv(madd_each)(r, c, p, q, PC_SIDE);
}
#endif
/* r = p + q for every p: infinity, q and -q too. */
PC_FN void cv(madd_exact)(cv(jac) * r, const cv(jac) * p, const cv(aff) * q) {
    cv(chord) c;
    cv(jac) sum, other;
    cv(madd_chord)(&sum, &c, p, q);
    vmask infinite = fe(is_zero)(&p->z);
    vmask equal = mand(fe(is_zero)(&c.h), fe(is_zero)(&c.r));
    cv(dbl)(&other, p);
    cv(jac_select)(&sum, equal, &other, &sum);
    cv(jac_from_aff)(&other, q);
    cv(jac_select)(r, infinite, &other, &sum);
}

/* p as affine, given 1 / Z. */
PC_FN void cv(to_aff)(cv(aff) * r, const cv(jac) * p, const fe(t) * z_inv) {
    fe(t) zz;
    fe(sqr)(&zz, z_inv);
    fe(mul)(&r->x, &p->x, &zz);
    fe(mul)(&zz, &zz, z_inv);
    fe(mul)(&r->y, &p->y, &zz);
}

/* ---- affine arithmetic, with the inversion shared by a batch ---------------------------------------------------------- */

/* The number to invert for p + q (p != +-q) and for 2 p. */
PC_FN void cv(aff_add_den)(fe(t) * r, const cv(aff) * p, const cv(aff) * q) { fe(subc)(r, &q->x, &p->x); }
PC_FN void cv(aff_dbl_den)(fe(t) * r, const cv(aff) * p) { fe(addc)(r, &p->y, &p->y); }
/* r = the third point of the line through p and q with this slope, negated. */
PC_FN void cv(aff_chord)(cv(aff) * r, const fe(t) * slope, const cv(aff) * p, const cv(aff) * q) {
    fe(t) x, t;
    fe(sqr)(&x, slope);
    fe(add)(&t, &p->x, &q->x);
    fe(subc)(&x, &x, &t);
    fe(sub)(&t, &p->x, &x);
    fe(mul)(&t, &t, slope);
    fe(subc)(&r->y, &t, &p->y);
    r->x = x;
}
/* r = p + q with den_inv = 1 / (x(q) - x(p)): 2M + 1S. */
PC_FN void cv(aff_add)(cv(aff) * r, const cv(aff) * p, const cv(aff) * q, const fe(t) * den_inv) {
    fe(t) slope;
    fe(sub)(&slope, &q->y, &p->y);
    fe(mul)(&slope, &slope, den_inv);
    cv(aff_chord)(r, &slope, p, q);
}
/* r = 2 p with den_inv = 1 / (2 y(p)): 2M + 2S. */
PC_FN void cv(aff_dbl)(cv(aff) * r, const cv(aff) * p, const fe(t) * den_inv) {
    fe(t) slope;
    fe(sqr)(&slope, &p->x);
#if CV_A == -3
    fe(t) one = fe(one)();
    fe(sub)(&slope, &slope, &one); /* 3 x^2 - 3 */
#endif
    fe(mul_small)(&slope, &slope, 3);
    fe(mul)(&slope, &slope, den_inv);
    cv(aff_chord)(r, &slope, p, p);
}
