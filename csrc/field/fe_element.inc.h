/* fe_element.inc.h - template: an element of FE_LIMBS limbs per lane, and what does not depend on their width. Requires FE, FE_P.
 *
 * Makes FE_t, FE_zero, FE_select, and for the body that includes it the macros FN(_mul), the name FE_mul, and IMPL(_mul), the name
 * under which a body defines FE_mul and calls it. In VERIFY builds IMPL(_mul) is FE_mul_impl and FE_mul is a wrapper that
 * checks the ranges (fe_contract.inc.h); elsewhere both are the same function. */
#define FN(name) PC_CAT(FE, name)
#ifdef PC_VERIFY
#    define IMPL(name) PC_CAT(FN(name), _impl)
#else
#    define IMPL(name) FN(name)
#endif

/* Words of a canonical number, and limbs of 52 bits for them and four bits of headroom: 4 and 5, or 6 and 8. */
#define FE_WORDS PC_COUNT(FE_P)
#define FE_LIMBS ((64 * FE_WORDS + 4 + 51) / 52)

typedef struct PC_CAT(FE, _s) {
    vec l[FE_LIMBS];
} PC_CAT(FE, _t);
#define FE_T PC_CAT(FE, _t)

#ifdef PC_VERIFY
/* Limbs below `most`, the top one below `top`; unsigned. */
PC_FN int FN(_limbs_below)(const FE_T *a, uint64_t most, uint64_t top) {
    for (int lane = 0; lane < VL; lane++)
        for (int i = 0; i < FE_LIMBS; i++)
            if (vlane(a->l[i], lane) >= (i < FE_LIMBS - 1 ? most : top)) return 0;
    return 1;
}
#endif

PC_FN FE_T IMPL(_zero)(void) {
    FE_T r;
    for (int i = 0; i < FE_LIMBS; i++) r.l[i] = vzero();
    return r;
}
PC_FN void FN(_select)(FE_T *r, vmask m, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < FE_LIMBS; i++) r->l[i] = vblend(m, a->l[i], b->l[i]);
}
