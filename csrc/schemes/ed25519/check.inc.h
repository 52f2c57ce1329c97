/* ed25519/check.inc.h - single equations, one item per lane; template.
 *
 * Gives ed25519_check_encoded (without the cofactor), ed25519_check_singly (with it), and for known.inc.h
 * ed25519_invert_z, ed25519_is_encoded and ed25519_vanishes. */
#ifndef PC_SCHEMES_ED25519_CHECK_INC_H
#define PC_SCHEMES_ED25519_CHECK_INC_H
#include "read.inc.h"

/* sum = S B - k A for the items in these rows. */
static void ed25519_equation(ed25519_work *w, const uint32_t row[VL], ed25519_ext *sum) {
    uint32_t key[VL];
    vec scalars[8];
    ed25519_niels point;
    ed25519_ext minus_a;
    for (int lane = 0; lane < VL; lane++) key[lane] = w->found.of[row[lane]];
    vload_rows(scalars, w->scalars, row, 8, 8);
    ed25519_point_load(&point, w->keys, key);
    ed25519_from_niels(&minus_a, &point);
    ed25519_neg(&minus_a, &minus_a);
    ed25519_double_base(sum, scalars, scalars + 4, &minus_a);
}

/* 1 / Z of the sums of a block, for ed25519_is_encoded. */
static void ed25519_invert_z(ed25519_work *w, size_t vecs) {
    for (size_t i = 0; i < vecs; i++) w->memory.block.z[i] = w->memory.block.sum[i].z;
    fe25519_batch_inv(w->memory.block.z, vecs, w->memory.block.tmp);
}
/* Sum i of a block, of the items in these rows, and R have the same encoding. */
static vmask ed25519_is_encoded(const ed25519_work *w, const uint32_t row[VL], size_t i) {
    vec got[4], wanted[4];
    ed25519_encoding r;
    ed25519_load_le(wanted, w->heads, row, 8, 4);
    ed25519_encoding_read(&r, wanted);
    ed25519_encoding_normal(wanted, &r);
    ed25519_encode(got, &w->memory.block.sum[i], &w->memory.block.z[i]);
    return words_eq(got, wanted);
}
/* S B - k A and R have the same encoding: the sums of a block of items, the first of them number `first` of the list. */
static void ed25519_compare_encoded(ed25519_work *w, const uint32_t *list, size_t first, size_t n) {
    const size_t vecs = (n - first + VL - 1) / VL < ed25519_BLOCK ? (n - first + VL - 1) / VL : ed25519_BLOCK;
    ed25519_invert_z(w, vecs);
    for (size_t i = 0; i < vecs; i++) {
        uint32_t row[VL];
        rows_listed(row, list, first + i * VL, n);
        ed25519_refuse(w, row, mnot(ed25519_is_encoded(w, row, i)), PC_BAD_SIGNATURE);
    }
}
/* Settles the cofactorless equations of the listed items. */
static void ed25519_check_encoded(ed25519_work *w, const uint32_t *list, size_t n) {
    for (size_t first = 0; first < n; first += ed25519_BLOCK * VL) {
        for (size_t i = 0; i < ed25519_BLOCK && first + i * VL < n; i++) {
            uint32_t row[VL];
            rows_listed(row, list, first + i * VL, n);
            ed25519_equation(w, row, &w->memory.block.sum[i]);
        }
        ed25519_compare_encoded(w, list, first, n);
    }
}

/* [8] p = 0. */
PC_FN vmask ed25519_vanishes(const ed25519_ext *p) {
    ed25519_ext t = *p;
    ed25519_sum s;
    for (int i = 0; i < 3; i++) {
        ed25519_dbl_ext(&s, &t);
        ed25519_to_ext(&t, &s);
    }
    return ed25519_is_identity(&t);
}
/* [8] (sum - R) = 0, where sum = S B - k A of the items in these rows. */
static void ed25519_compare_cofactored(ed25519_work *w, const uint32_t row[VL], const ed25519_ext *sum) {
    ed25519_niels r;
    ed25519_sum s;
    ed25519_ext t;
    ed25519_point_load(&r, w->rs, row);
    ed25519_add_niels(&s, sum, &r, mfrom_bits((1u << VL) - 1));
    ed25519_to_ext(&t, &s);
    ed25519_refuse(w, row, mnot(ed25519_vanishes(&t)), PC_BAD_SIGNATURE);
}
/* Settles the cofactored equations of the listed items, one by one. */
static void ed25519_check_singly(void *work, const uint32_t *list, size_t n) {
    ed25519_work *w = (ed25519_work *)work;
    for (size_t first = 0; first < n; first += VL) {
        uint32_t row[VL];
        ed25519_ext sum;
        rows_listed(row, list, first, n);
        ed25519_equation(w, row, &sum);
        ed25519_compare_cofactored(w, row, &sum);
    }
}
#endif
