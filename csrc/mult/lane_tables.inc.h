/* lane_tables.inc.h - tables whose entry differs per lane.
 *
 * Makes rows_store, rows_listed, rows_index.
 *
 * A table entry is a struct made of nothing but vecs (a point of field elements). In memory an entry of ONE lane is a row:
 * its limbs one after the other as plain 64-bit words, so that a backend loads the rows of all its lanes with contiguous
 * loads and a transpose (vload_rows), which beats a gather several times over. Rows of a wide backend are padded to 64
 * bytes. */
#ifndef PC_MULT_LANE_TABLES_INC_H
#define PC_MULT_LANE_TABLES_INC_H
#include "../core/check.h"

/* Words from one row to the next for an entry of n vecs. */
#define ROW_STRIDE(n) (VL == 1 ? (n) : ((n) + 7) / 8 * 8)

/* Entry of every lane -> row[lane] of the table. */
PC_FN void rows_store(uint64_t *base, const uint32_t row[VL], size_t stride, const vec *entry, size_t n) {
    vstore_rows(base, row, stride, entry, n);
}

/* Entries first .. first + VL - 1 of a list of n, the last one repeated. list NULL: the numbers. */
PC_FN void rows_listed(uint32_t row[VL], const uint32_t *list, size_t first, size_t n) {
    for (size_t lane = 0; lane < VL; lane++) {
        const size_t at = first + lane < n ? first + lane : n - 1;
        row[lane] = list ? list[at] : (uint32_t)at;
    }
}
/* row[lane] = value of that lane + offset. */
PC_FN void rows_index(uint32_t row[VL], vec value, uint32_t offset) {
    uint64_t v[VL];
    vstore(v, value);
    for (int lane = 0; lane < VL; lane++) row[lane] = (uint32_t)v[lane] + offset;
}
#endif
