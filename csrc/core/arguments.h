/* arguments.h - what every public call checks about its columns, so that kernels need not. */
#ifndef PC_ARGUMENTS_H
#define PC_ARGUMENTS_H
#include "../pycore.h"
#include "check.h"

/* Outputs are at most 65 bytes an item; this keeps every size below PTRDIFF_MAX. */
#define PC_MAX_ITEMS ((size_t)PTRDIFF_MAX / 128)

PC_FN int pc_column_ok(const pc_column *column, size_t n) {
    if (n == 0) return 1;
    if (!column || n > PC_MAX_ITEMS) return 0;
    if (!column->offsets) {
        if (column->width == 0) return 1;
        if (!column->data || column->width > (size_t)PTRDIFF_MAX) return 0;
        size_t step = column->stride < 0 ? (size_t)0 - (size_t)column->stride : (size_t)column->stride;
        return step == 0 || n - 1 <= ((size_t)PTRDIFF_MAX - column->width) / step;
    }
    if (column->offsets[0] < 0) return 0;
    for (size_t i = 0; i < n; i++) {
        if (column->offsets[i + 1] < column->offsets[i]) return 0;
    }
    return column->data != NULL || column->offsets[n] == column->offsets[0];
}

PC_FN int pc_prefix_ok(const uint8_t *prefix, size_t len) { return (prefix || len == 0) && len <= (size_t)PTRDIFF_MAX / 2; }
#endif
