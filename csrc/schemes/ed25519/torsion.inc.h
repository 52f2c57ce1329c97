/* ed25519/torsion.inc.h - what a combined equation cannot see of a cofactorless one; template.
 *
 * Gives ed25519_refuse_torsion, and ed25519_combines_exact for combine_settle.
 *
 * D = S B - k A - R is zero if, and only if, [8] D = 0 and D is in the subgroup of prime order L: the two have nothing else in
 * common. B is in the subgroup, and so is [8] A, so D is in it exactly where Q = R + (k mod 8) A is. The cofactored equation is one that
 * many items share (batch.inc.h); then Q is looked at, item by item. docs/design/0026. */
#ifndef PC_SCHEMES_ED25519_TORSION_INC_H
#define PC_SCHEMES_ED25519_TORSION_INC_H
#include "batch.inc.h"

/* Q = R + (k mod 8) A of the items in these rows. */
static void ed25519_small_sum(const ed25519_work *w, const uint32_t row[VL], ed25519_ext *q) {
    uint32_t key[VL];
    vec scalars[8];
    ed25519_niels point;
    ed25519_sum s;
    for (int lane = 0; lane < VL; lane++) key[lane] = w->found.of[row[lane]];
    vload_rows(scalars, w->scalars, row, 8, 8);
    ed25519_point_load(&point, w->keys, key);
    ed25519_identity(q);
    for (int bit = 2; bit >= 0; bit--) {
        const vmask set = veq(vand(vshr(scalars[4], bit), vset1(1)), vset1(1));
        ed25519_ext sum;
        ed25519_add_niels(&s, q, &point, mfrom_bits(0));
        ed25519_to_ext(&sum, &s);
        ed25519_ext_select(q, set, &sum, q);
        if (bit == 0) break;
        ed25519_dbl_ext(&s, q);
        ed25519_to_ext(q, &s);
    }
    ed25519_point_load(&point, w->rs, row);
    ed25519_add_niels(&s, q, &point, mfrom_bits(0));
    ed25519_to_ext(q, &s);
}
/* The items of a failed combination are checked without the cofactor, which needs no R and leaves no question. */
static void ed25519_check_exactly(void *work, const uint32_t *list, size_t n) {
    ed25519_work *w = (ed25519_work *)work;
    ed25519_check_encoded(w, list, n);
    for (size_t i = 0; i < n; i++) w->exact[list[i]] = 1;
}
/* Refuses those of the n listed items whose Q is not in the subgroup, but for those that were checked exactly. The list is used up. */
static void ed25519_refuse_torsion(ed25519_work *w, uint32_t *list, size_t n) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (w->status[list[i]] == PC_VALID && !w->exact[list[i]]) list[left++] = list[i];
    for (size_t first = 0; first < left; first += PC_SIDE * VL) {
        const int side = left - first <= VL ? 1 : PC_SIDE;
        uint32_t row[PC_SIDE][VL];
        ed25519_ext q[PC_SIDE];
        vmask in[PC_SIDE];
        for (int i = 0; i < side; i++) {
            rows_listed(row[i], list, first + (size_t)i * VL, left);
            ed25519_small_sum(w, row[i], &q[i]);
        }
        ed25519_in_subgroup(in, q, side);
        for (int i = 0; i < side; i++) ed25519_refuse(w, row[i], mnot(in[i]), PC_BAD_SIGNATURE);
    }
}
static const combine_scheme ed25519_combines_exact = {.leaf = ed25519_LEAF * VL,
                                                      .by_lane = ed25519_STRAUS * VL,
                                                      .least = VL + 1,
                                                      .hopeless = 12,
                                                      .prepare = ed25519_coefficients,
                                                      .holds = ed25519_holds_where,
                                                      .check_singly = ed25519_check_exactly};
/* Whether a chunk of n items under cofactorless rules is to be combined, before any point is decompressed. */
static int ed25519_worth_combining(const ed25519_work *w, size_t n) {
    size_t valid = 0;
    for (size_t j = 0; j < n; j++) valid += w->status[j] == PC_VALID && !w->bad_key[j];
    return valid >= ed25519_TOGETHER && !combine_hopeless(&w->combine, &ed25519_combines_exact);
}
#endif
