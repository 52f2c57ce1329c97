/* fe_element.inc.h - an element of five limbs per lane, and what does not depend on their width. Wants FE. */

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

PC_FN FE_T FN(_zero)(void) {
    FE_T r;
    for (int i = 0; i < 5; i++) r.l[i] = vzero();
    return r;
}
PC_FN void FN(_select)(FE_T *r, vmask m, const FE_T *a, const FE_T *b) {
    for (int i = 0; i < 5; i++) r->l[i] = vblend(m, a->l[i], b->l[i]);
}
