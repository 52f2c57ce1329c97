/* double_base.inc.h - r = u G + v Q for many lanes at once; template.
 *
 * Makes k256_entry, _uv, _mult_work and _walk (types), _ladder_g (table), _ladder_g_build, _entry_get, _entry_put,
 * _tables_widen, _tables_few, _tables_build, _table_rows, _q_load, _walk_start, _walk_add, _ladder, _ladder_fast,
 * _ladder_exact, _ladder_side, _double_base, and the same for p256_ and sm2c_ (here cv(ladder) and so on).
 *
 * Requires fixed_base.inc.h and (curves/<curve>.inc.h)
 *   CV_Q_WINDOW   bits per digit of v; the table of Q has 2^(CV_Q_WINDOW - 1) points
 *   CV_G_WINDOW   bits per digit of u
 *   CV_GLV        1 when the curve has the endomorphism (x, y) -> (beta x, y) = lambda (x, y), and glv.inc.h splits v into
 *                 halves below 2^CV_GLV_BITS
 *
 * Work goes by chunks of vectors. For a whole chunk, the tables 1 Q .. 2^(CV_Q_WINDOW - 1) Q are built in affine
 * coordinates with one shared inversion for each doubling of their length (6M or so a point, against 18M for Jacobian
 * additions and a conversion). Then every vector walks a ladder in lockstep: the same doublings for all lanes, a signed
 * digit of each scalar at fixed positions. Where VEC_SIDE says so, two vectors walk side by side, each formula step by
 * step in turn. With the endomorphism v = v1 + v2 lambda has halves of CV_LADDER_BITS, which
 * halves the doublings; u is then cut into two plain halves, and the table of G holds G and 2^CV_LADDER_BITS G. The group
 * order must exceed 2^CV_Q_WINDOW.
 *
 * Exceptional additions. A signer chooses Q, u and v, and can make the running sum meet plus or minus a table point, or
 * infinity, at any step. The fast ladder does not look: madd_chord shows that such a lane, and only such a lane, ends with
 * Z = 0. The vectors that have one are walked again with exact additions. The same holds for an honest result of infinity.
 * Lanes without an item, and those whose verdict is known already, are not asked for (`live`) and cost no second walk.
 */

/* Tests count second walks by it. */
#ifndef PC_SECOND_WALK
#    define PC_SECOND_WALK() ((void)0)
#endif

#if CV_GLV
#    define CV_LADDER_BITS CV_GLV_BITS
#    define CV_V_PARTS     2
#else
#    define CV_LADDER_BITS CV_BITS
#    define CV_V_PARTS     1
#endif

/* One table entry: a multiple of Q, and with GLV the x of lambda times it. */
typedef struct cv(entry_s) {
    fe(t) x, y;
#if CV_GLV
    fe(t) beta_x;
#endif
} cv(entry);

enum {
    cv(Q_ROWS) = 1 << (CV_Q_WINDOW - 1),
    cv(ENTRY_VECS) = sizeof(cv(entry)) / sizeof(vec),
    cv(ENTRY_STRIDE) = ROW_STRIDE(cv(ENTRY_VECS)),
    cv(FE_VECS) = sizeof(fe(t)) / sizeof(vec),
    cv(G_BASES) = CV_V_PARTS,
    cv(G_ROWS) = cv(G_BASES) << (CV_G_WINDOW - 1),
    cv(LADDER_WORDS) = (CV_LADDER_BITS + 63) / 64,
    cv(GROUPS) = VL == 1 ? 128 : 32, /* vectors per chunk */
    cv(CHUNK) = cv(GROUPS) * VL      /* items per chunk */
};

static uint64_t cv(ladder_g)[cv(G_ROWS) * cv(AFF_STRIDE)] __attribute__((aligned(64)));
static pthread_once_t cv(ladder_g_once) = PTHREAD_ONCE_INIT;
static PC_UNUSED void cv(ladder_g_build)(void) {
    vmode mode = vmode_enter();
    cv(fixed_base_build)(cv(ladder_g), CV_G_WINDOW, CV_LADDER_BITS, cv(G_BASES));
    vmode_leave(mode);
}

/* The scalars of one vector: u and v as words. */
typedef struct cv(uv_s) {
    vec u[CV_SCALAR_WORDS], v[CV_SCALAR_WORDS];
} cv(uv);

typedef struct cv(mult_work_s) {
    cv(entry) entries[cv(GROUPS)][cv(Q_ROWS)];
    fe(t) den[cv(GROUPS) * cv(Q_ROWS) / 2], tmp[cv(GROUPS) * cv(Q_ROWS) / 2];
#if VL > 1
    uint64_t rows[VEC_SIDE][VL * cv(Q_ROWS) * cv(ENTRY_STRIDE)]; /* the entries of the vectors at work, by lane */
#endif
} cv(mult_work);

/* ---- tables of Q ------------------------------------------------------------------------------------------------------ */

PC_FN void cv(entry_get)(cv(aff) * p, const cv(entry) * e) {
    p->x = e->x;
    p->y = e->y;
}
PC_FN void cv(entry_put)(cv(entry) * e, const cv(aff) * p) {
    e->x = p->x;
    e->y = p->y;
}

/* Entries m + 1 .. 2 m of every group from 1 .. m. */
static void cv(tables_widen)(size_t groups, size_t m, cv(mult_work) * w) {
    cv(aff) p, top;
    for (size_t g = 0; g < groups; g++) {
        cv(entry_get)(&top, &w->entries[g][m - 1]);
        for (size_t i = 0; i + 1 < m; i++) {
            cv(entry_get)(&p, &w->entries[g][i]);
            cv(aff_add_den)(&w->den[g * m + i], &p, &top);
        }
        cv(aff_dbl_den)(&w->den[g * m + m - 1], &top);
    }
    fe(batch_inv)(w->den, groups * m, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        cv(entry_get)(&top, &w->entries[g][m - 1]);
        for (size_t i = 0; i + 1 < m; i++) {
            cv(entry_get)(&p, &w->entries[g][i]);
            cv(aff_add)(&p, &p, &top, &w->den[g * m + i]);
            cv(entry_put)(&w->entries[g][m + i], &p);
        }
        cv(aff_dbl)(&p, &top, &w->den[g * m + m - 1]);
        cv(entry_put)(&w->entries[g][2 * m - 1], &p);
    }
}

/* The same tables for the few vectors of a small batch, where sharing an inversion saves little: multiples of Q in Jacobian
 * coordinates, i Q = (i - 1) Q + Q, and a single inversion to make them affine. */
static void cv(tables_few)(const cv(aff) * q, size_t groups, cv(mult_work) * w) {
    enum { MADE = cv(Q_ROWS) - 1 };
    for (size_t g = 0; g < groups; g++) {
        cv(jac) p;
        cv(jac_from_aff)(&p, &q[g]);
        for (size_t i = 1; i <= MADE; i++) {
            i == 1 ? cv(dbl)(&p, &p) : cv(madd)(&p, &p, &q[g]);
            w->entries[g][i].x = p.x;
            w->entries[g][i].y = p.y;
            w->den[g * MADE + i - 1] = p.z;
        }
    }
    fe(batch_inv)(w->den, groups * MADE, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 1; i <= MADE; i++) {
            cv(jac) p = {w->entries[g][i].x, w->entries[g][i].y, fe(one)()};
            cv(aff) r;
            cv(to_aff)(&r, &p, &w->den[g * MADE + i - 1]);
            cv(entry_put)(&w->entries[g][i], &r);
        }
    }
}

static void cv(tables_build)(const cv(aff) * q, size_t groups, cv(mult_work) * w) {
    for (size_t g = 0; g < groups; g++) cv(entry_put)(&w->entries[g][0], &q[g]);
    if (groups < 5) /* an inversion is some 270M: shared by five, three of them cost what tables_few adds */
        cv(tables_few)(q, groups, w);
    else
        for (size_t m = 1; m < cv(Q_ROWS); m *= 2) cv(tables_widen)(groups, m, w);
#if CV_GLV
    static const uint64_t beta_words[CV_WORDS] = CV_BETA;
    fe(t) beta;
    cv(fe_const)(&beta, beta_words);
    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < cv(Q_ROWS); i++) fe(mul)(&w->entries[g][i].beta_x, &w->entries[g][i].x, &beta);
#endif
}

/* The table of vector g as rows, lane by lane; side: which of the vectors that are worked at together it is. */
PC_FN const uint64_t *cv(table_rows)(size_t g, int side, cv(mult_work) * w) {
#if VL == 1
    return (void)side, (const uint64_t *)w->entries[g]; /* with one lane the structs are the rows */
#else
    for (uint32_t i = 0; i < cv(Q_ROWS); i++) {
        uint32_t row[VL];
        for (uint32_t lane = 0; lane < VL; lane++) row[lane] = lane * cv(Q_ROWS) + i;
        rows_store(w->rows[side], row, cv(ENTRY_STRIDE), (const vec *)&w->entries[g][i], cv(ENTRY_VECS));
    }
    return w->rows[side];
#endif
}

/* ---- the ladder ------------------------------------------------------------------------------------------------------- */

/* q = digit * Q, or with part = 1 digit * lambda Q; another point where the digit is zero. */
PC_INLINE void cv(q_load)(cv(aff) * q, const uint64_t *rows, int part, vec digit, vmask zero) {
    uint32_t row[VL];
    rows_index(row, vblend(zero, vzero(), vsub(digit, vset1(1))), 0);
    for (uint32_t lane = 0; lane < VL; lane++) row[lane] += lane * cv(Q_ROWS);
    if (part == 0) {
        vload_rows((vec *)q, rows, row, cv(ENTRY_STRIDE), cv(AFF_VECS));
    } else {
#if CV_GLV
        vload_rows((vec *)&q->y, rows + cv(FE_VECS), row, cv(ENTRY_STRIDE), cv(FE_VECS));
        vload_rows((vec *)&q->x, rows + 2 * cv(FE_VECS), row, cv(ENTRY_STRIDE), cv(FE_VECS));
#endif
    }
}

/* The walk of a vector: its scalars, v as its parts, and the table of its point. */
typedef struct cv(walk_s) {
    const uint64_t *rows;
    const vec *u;
#if CV_GLV
    vec v[CV_V_PARTS][cv(LADDER_WORDS)];
    vmask v_negative[CV_V_PARTS];
#else
    const vec (*v)[CV_SCALAR_WORDS];
#endif
} cv(walk);

PC_INLINE void cv(walk_start)(cv(walk) * k, const uint64_t *rows, const cv(uv) * uv) {
    k->rows = rows;
    k->u = uv->u;
#if CV_GLV
    cv(split)(k->v, k->v_negative, uv->v);
#else
    k->v = &uv->v;
#endif
}
/* a += the digits at pos, of v or of u: two walks side by side by the fast addition, or one. */
PC_INLINE void cv(walk_add)(cv(acc) * a, const cv(walk) * k, int of_u, int part, int pos, int exact, const int n) {
    cv(aff) q[PC_SIDE];
    vmask negative[PC_SIDE], zero[PC_SIDE];
    EACH_SIDE(n) {
        const int words = cv(LADDER_WORDS);
        const vec *scalar = of_u ? k[j].u + part * words : k[j].v[part];
        const vec digit = recode_digit(scalar, words, pos, of_u ? CV_G_WINDOW : CV_Q_WINDOW, &negative[j]);
        zero[j] = veq(digit, vzero());
        if (of_u) {
            cv(fixed_load)(&q[j], cv(ladder_g) + ((size_t)part * cv(AFF_STRIDE) << (CV_G_WINDOW - 1)), digit, zero[j]);
            continue;
        }
#if CV_GLV
        const vmask flip = k[j].v_negative[part];
        negative[j] = mor(mand(negative[j], mnot(flip)), mand(flip, mnot(negative[j])));
#endif
        cv(q_load)(&q[j], k[j].rows, part, digit, zero[j]);
    }
#if VEC_SIDE > 1
    if (n > 1) {
        cv(acc_add_side)(a, q, negative, zero);
        return;
    }
#endif
    cv(acc_add)(a, q, negative[0], zero[0], exact);
}
/* The walks of n vectors side by side; n and exact are constants, and exact walks are taken one by one. */
PC_INLINE void cv(ladder)(cv(jac) * r, const cv(walk) * k, int exact, const int n) {
    const int top_q = RECODE_TOP(CV_LADDER_BITS, CV_Q_WINDOW), top_g = RECODE_TOP(CV_LADDER_BITS, CV_G_WINDOW);
    cv(acc) a[PC_SIDE];
    EACH_SIDE(n) cv(acc_start)(&a[j]);
    for (int pos = top_q > top_g ? top_q : top_g; pos >= 0; pos--) {
        if (n == 1) cv(dbl)(&a[0].p, &a[0].p);
#if VEC_SIDE > 1
        if (n > 1) {
            cv(jac) *const p[] = {&a[0].p, &a[1].p};
            const cv(jac) *const same[] = {&a[0].p, &a[1].p};
            cv(dbl_side)(p, same);
        }
#endif
        if (pos <= top_q && pos % CV_Q_WINDOW == 0)
            for (int part = 0; part < CV_V_PARTS; part++) cv(walk_add)(a, k, 0, part, pos, exact, n);
        if (pos <= top_g && pos % CV_G_WINDOW == 0)
            for (int part = 0; part < CV_V_PARTS; part++) cv(walk_add)(a, k, 1, part, pos, exact, n);
    }
    EACH_SIDE(n) r[j] = a[j].p;
}
PC_NOINLINE void cv(ladder_fast)(cv(jac) * r, const cv(walk) * k) { cv(ladder)(r, k, 0, 1); }
PC_NOINLINE void cv(ladder_exact)(cv(jac) * r, const cv(walk) * k) { cv(ladder)(r, k, 1, 1); }
#if VEC_SIDE > 1
PC_NOINLINE void cv(ladder_side)(cv(jac) * r, const cv(walk) * k) { cv(ladder)(r, k, 0, PC_SIDE); }
#endif

/* r[g] = u[g] G + v[g] Q[g], Jacobian, infinity exactly when Z = 0, for u, v below the group order. groups <= GROUPS. live: the
 * lanes of each vector that are asked for, a bit each; NULL: all. The others are left without meaning. */
static void cv(double_base)(cv(jac) * r, const cv(uv) * k, const cv(aff) * q, const unsigned *live, size_t groups,
                            cv(mult_work) * w) {
    PC_CHECK(groups <= cv(GROUPS));
    pthread_once(&cv(ladder_g_once), cv(ladder_g_build));
    cv(tables_build)(q, groups, w);
    for (size_t g = 0; g < groups;) {
        const size_t n = groups - g < VEC_SIDE ? 1 : VEC_SIDE;
        cv(walk) walk[PC_SIDE];
        for (size_t j = 0; j < n; j++) cv(walk_start)(&walk[j], cv(table_rows)(g + j, (int)j, w), &k[g + j]);
#if VEC_SIDE > 1
        if (n > 1) cv(ladder_side)(&r[g], walk);
#endif
        if (n == 1) cv(ladder_fast)(&r[g], walk);
        for (size_t j = 0; j < n; j++, g++) {
            vmask doubtful = fe(is_zero)(&r[g].z);
            if (!(mbits(doubtful) & (live ? live[g] : ~0u))) continue;
            cv(jac) again;
            PC_SECOND_WALK();
            cv(ladder_exact)(&again, &walk[j]);
            cv(jac_select)(&r[g], doubtful, &again, &r[g]);
        }
    }
}
