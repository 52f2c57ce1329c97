/* fe_carry_avx512ifma.inc.h - carrying five 52-bit limbs at once; shared by the bodies in radix 2^52.
 *
 * Makes the macro FE_CARRY_TO and FE_settle. Requires FE, FE_P, fe_limbs52.inc.h.
 *
 * A chain of carries costs time: every step waits for the one before. Here each limb carries into the next, all at once. A
 * limb can still be out of range then, when it was all ones (or zero, where carries are negative) and a carry came in:
 * about once in 2^46. One test for all limbs finds that, and the chain is left to a branch that is never taken. */

/* r = the value of t0 .. t4, signed limbs below 2^63; it must fit the class of r, give or take p below zero. `top` joins
 * the test where limb 4 may come out below zero. */
#define FE_CARRY_TO(r, t0, t1, t2, t3, t4, top)                                                                             \
    do {                                                                                                                    \
        const vec mask_ = vset1(PC_MASK52);                                                                                 \
        const vec r0_ = vand(t0, mask_), r1_ = vadd(vand(t1, mask_), vec_sar(t0, 52)),                                      \
                  r2_ = vadd(vand(t2, mask_), vec_sar(t1, 52)), r3_ = vadd(vand(t3, mask_), vec_sar(t2, 52)),               \
                  r4_ = vadd(t4, vec_sar(t3, 52));                                                                          \
        vec all_ = vec_or3(r1_, r2_, r3_);                                                                                  \
        if (top) all_ = vor(all_, r4_);                                                                                     \
        (r)->l[0] = r0_, (r)->l[1] = r1_, (r)->l[2] = r2_, (r)->l[3] = r3_, (r)->l[4] = r4_;                                \
        if (PC_RARE(vec_any_bit(all_, ~PC_MASK52))) {                                                                       \
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
