/* column.h - reading rows of a pc_column. */
#ifndef PC_COLUMN_H
#define PC_COLUMN_H
#include "../pycore.h"

/* Row i and its length. The pointer of an empty row must not be read and may be NULL. */
static inline const uint8_t *pc_column_row(const pc_column *column, size_t i, size_t *len) {
    if (column->offsets) {
        *len = (size_t)(column->offsets[i + 1] - column->offsets[i]);
        return *len ? column->data + column->offsets[i] : column->data;
    }
    *len = column->width;
    return column->width ? column->data + (ptrdiff_t)i * column->stride : column->data;
}

/* n contiguous rows of width bytes. */
static inline pc_column pc_column_fixed(const uint8_t *data, size_t width) {
    pc_column column = {data, NULL, width, (ptrdiff_t)width};
    return column;
}
#endif
