/* fe_element.inc.h - template: an element of five limbs per lane, and what does not depend on their width. Requires FE.
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

typedef struct PC_CAT(FE, _s) {
    vec l[5];
} PC_CAT(FE, _t);
#define FE_T     PC_CAT(FE, _t)
#define FE_LIMBS 5

#ifdef PC_VERIFY
/* Limbs below `most`, the top one below `top`; unsigned. */
PC_FN int FN(_limbs_below)(const FE_T *a, uint64_t most, uint64_t top) {
    for (int lane = 0; lane < VL; lane++)
        for (int i = 0; i < 5; i++)
            if (vlane(a->l[i], lane) >= (i < 4 ? most : top)) return 0;
    return 1;
}
#endif

PC_FN FE_T IMPL(_zero)(void) {
    FE_T r;
    for (int i = 0; i < 5; i++) r.l[i] = vzero();
    return r;
}
PC_FN void FN(_select)(FE_T *r, vmask m, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = vblend(m, a->l[i], b->l[i]);
}
