/* fe_k256_powers.inc.h - inverses and square roots modulo the secp256k1 prime by an addition chain; template, part of
 * fe_derived.inc.h.
 *
 * Makes FE_inv, FE_sqrt, FE_sqrt_side. */

/* secp256k1: p - 2 and (p + 1) / 4 are both 223 ones, a zero, 22 ones and a short tail, so 13 and 15 multiplications do
 * what windows do with 60. x_n = a^(2^n - 1); r = a^(2^246 - 2^22 - 1), and x2 for the tails. The three are different
 * elements, each n side by side. */
PC_FN void FN(_sqr_mul)(FE_T *r, const FE_T *a, int times, const FE_T *b, int n) { /* r may be a, not b */
    FN(_side_sqr_n)(r, a, times, n);
    FN(_side_mul)(r, r, b, n);
}
PC_NOINLINE void FN(_chain)(FE_T *r, FE_T *x2, const FE_T *a, int n) {
    FE_T x3[PC_SIDE], x22[PC_SIDE], x44[PC_SIDE], x88[PC_SIDE];
    FN(_sqr_mul)(x2, a, 1, a, n);
    FN(_sqr_mul)(x3, x2, 1, a, n);
    FN(_sqr_mul)(r, x3, 3, x3, n);
    FN(_sqr_mul)(r, r, 3, x3, n);
    FN(_sqr_mul)(r, r, 2, x2, n); /* x11 */
    FN(_sqr_mul)(x22, r, 11, r, n);
    FN(_sqr_mul)(x44, x22, 22, x22, n);
    FN(_sqr_mul)(x88, x44, 44, x44, n);
    FN(_sqr_mul)(r, x88, 88, x88, n);
    FN(_sqr_mul)(r, r, 44, x44, n);
    FN(_sqr_mul)(r, r, 3, x3, n); /* x223 */
    FN(_sqr_mul)(r, r, 23, x22, n);
}
PC_FN void FN(_inv)(FE_T *r, const FE_T *a) {
    FE_T t, x2, x = *a;
    FN(_chain)(&t, &x2, &x, 1);
    FN(_sqr_mul)(&t, &t, 5, &x, 1);
    FN(_sqr_mul)(&t, &t, 3, &x2, 1);
    FN(_sqr_mul)(r, &t, 2, &x, 1);
}
/* p = 3 mod 4: a^((p + 1) / 4). */
PC_NOINLINE void FN(_sqrt_side)(FE_T *r, const FE_T *a, int n) {
    FE_T x2[PC_SIDE], u[PC_SIDE];
    FN(_chain)(u, x2, a, n);
    FN(_sqr_mul)(u, u, 6, x2, n);
    FN(_side_sqr_n)(r, u, 2, n);
}
PC_NOINLINE void FN(_sqrt)(FE_T *r, const FE_T *a) {
    FE_T x = *a;
    FN(_sqrt_side)(r, &x, 1);
}
