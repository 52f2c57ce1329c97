/* fe_carry_avx512ifma.inc.h - carrying five 52-bit limbs at once; shared by the bodies in radix 2^52.
 *
 * Makes the macro FE_CARRY_TO, FE_settle and FE_constant. Requires FE, FE_P, fe_limbs52.inc.h.
 *
 * A chain of carries costs time: every step waits for the one before. Here each limb carries into the next, all at once. A
 * limb can still be out of range then, when it was all ones (or zero, where carries are negative) and a carry came in:
 * about once in 2^46. One test for all limbs finds that, and the chain is left to a branch that is never taken.
 *
 * Vector operations are what these bodies cost, so a limb's low 52 bits and what comes in from below are one of them, the
 * low half of a product by 1, and constants come from memory: a compiler that sees their values takes each through a general
 * register, which is a vector operation every time. */

/* Entry i of a table of constants in every lane, read from memory wherever it is used. */
PC_INLINE vec FN(_constant)(const uint64_t *table, size_t i) {
    __asm__("" : "+r"(table));
    return vset1(table[i]);
}
enum { FN(_MASK52), FN(_ABOVE52), FN(_ONE), FN(_BIT51), FN(_MASK48) }; /* places in FE_limb */
static const uint64_t FN(_limb)[] = {PC_MASK52, ~PC_MASK52, 1, 1ULL << 51, PC_MASK48};
#define FE_LIMB(name) FN(_constant)(FN(_limb), FN(name))

/* r = the value of t0 .. t4, signed limbs below 2^63; it must fit the class of r, give or take p below zero. `top` joins
 * the test where limb 4 may come out below zero. */
#define FE_CARRY_TO(r, t0, t1, t2, t3, t4, top)                                                                             \
    do {                                                                                                                    \
        const vec one_ = FE_LIMB(_ONE);                                                                                     \
        const vec r0_ = vand(t0, FE_LIMB(_MASK52)), r1_ = VEC_LOW(vec_sar(t0, 52), t1, one_),                               \
                  r2_ = VEC_LOW(vec_sar(t1, 52), t2, one_), r3_ = VEC_LOW(vec_sar(t2, 52), t3, one_),                       \
                  r4_ = vadd(t4, vec_sar(t3, 52));                                                                          \
        vec all_ = vec_or3(r1_, r2_, r3_);                                                                                  \
        if (top) all_ = vor(all_, r4_);                                                                                     \
        (r)->l[0] = r0_, (r)->l[1] = r1_, (r)->l[2] = r2_, (r)->l[3] = r3_, (r)->l[4] = r4_;                                \
        if (PC_RARE(vec_any_of(all_, FE_LIMB(_ABOVE52)))) {                                                                 \
            FE_T t_ = *(r);                                                                                                 \
            FN(_settle)(&t_);                                                                                               \
            *(r) = t_;                                                                                                      \
        }                                                                                                                   \
    } while (0)

/* The rare end: limb by limb, and p added where that leaves a number below zero. */
PC_COLD void FN(_settle)(FE_T *r) {
    static const uint64_t P[5] = PC_LIMBS52(FE_P);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 4; i++) {
            r->l[i + 1] = vadd(r->l[i + 1], vec_sar(r->l[i], 52));
            r->l[i] = vand(r->l[i], vset1(PC_MASK52));
        }
        const vmask below = vlt(vset1(1ULL << 63), r->l[4]);
        for (int i = 0; i < 5; i++) r->l[i] = vadd(r->l[i], vblend(below, vset1(P[i]), vzero()));
    }
}
