/* fuzz_write.c - the writer of records, with tables that the input says, sound or not: no read past the data and no write past the
 * output; what is measured is what is written; and which records are written together changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { TABLES = 3, PARTS = 3, RECORDS = 3, CELLS = TABLES * PARTS * RECORDS, HEAD = 3 * TABLES * PARTS + CELLS + TABLES };

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD) return 0;
    int64_t cells[2 * CELLS];
    uint8_t where[RECORDS];
    pc_write_part parts[TABLES * PARTS];
    pc_write_table tables[TABLES];
    const uint8_t *kinds = data, *values = kinds + 3 * TABLES * PARTS, *counts = values + CELLS;
    const size_t len = size - HEAD, half = len / 2;
    const uint8_t *text = data + HEAD + half;
    const pc_writing writing = {tables, TABLES, data + HEAD, half};
    for (int i = 0; i < RECORDS; i++) where[i] = values[i] & 1;
    size_t pieces = 1;
    for (int i = 0; i < TABLES * PARTS; i++) {
        const uint8_t *one = kinds + 3 * i;
        int64_t *own = cells + 2 * RECORDS * i;
        const uint32_t kind = one[0] % (PC_WRITE_KINDS + (data[0] & 1));
        const int odd = one[1] >= 0xf0; /* numbers that no scan gives */
        for (int k = 0; k < RECORDS; k++) {
            const uint8_t value = values[RECORDS * i + k];
            own[2 * k] = odd ? (int64_t)(int8_t)value * 0x123456789 : value % 16;
            if (kind >= PC_WRITE_SPLIT && !odd) own[2 * k] = k && value & 1 ? own[2 * k - 2] : k;
            own[2 * k + 1] = own[2 * k] + value / 16 - odd;
        }
        parts[i] = (pc_write_part){.kind = kind,
                                   .table = odd ? one[2] % 5u : (uint32_t)(i / PARTS + 1),
                                   .a = own,
                                   .b = own + 1,
                                   .stride = one[1] & 0x10 && kind < PC_WRITE_SPLIT ? 0 : 2,
                                   .where = one[1] & 1 ? where : NULL,
                                   .text = text,
                                   .size = one[1] % (len - half + 1)};
        if (kind >= PC_WRITE_SPLIT) parts[i].where = NULL;
        pieces += i < PARTS && kind == PC_WRITE_SPLIT;
    }
    for (int t = 0; t < TABLES; t++) tables[t] = (pc_write_table){parts + PARTS * t, PARTS, counts[t] % (RECORDS + 1)};
    const size_t n = tables[0].n;
    int64_t sizes[RECORDS * (PARTS + 1)], offsets[RECORDS * (PARTS + 1) + 1] = {0};
    const int64_t total = pc_write_sizes(&writing, 0, n, sizes);
    if (total < 0) {
        REQUIRE(total == PC_ERR_ARGUMENT);
        return 0;
    }
    for (size_t i = 0; i < n * pieces; i++) offsets[i + 1] = offsets[i] + sizes[i];
    REQUIRE(offsets[n * pieces] == total);
    uint8_t *out = memory((size_t)total);
    REQUIRE(pc_write_records(&writing, 0, n, offsets, out, (size_t)total) == total);
    for (size_t row = 0; row < n; row++) { /* each record by itself */
        int64_t own[PARTS + 1], places[PARTS + 2] = {0};
        const int64_t size_of_one = pc_write_sizes(&writing, row, 1, own);
        for (size_t k = 0; k < pieces; k++) places[k + 1] = places[k] + own[k];
        REQUIRE(places[pieces] == size_of_one);
        uint8_t *part = memory((size_t)size_of_one);
        REQUIRE(pc_write_records(&writing, row, 1, places, part, (size_t)size_of_one) == size_of_one);
        REQUIRE(memcmp(own, sizes + row * pieces, pieces * sizeof *own) == 0);
        REQUIRE(!size_of_one || memcmp(part, out + offsets[row * pieces], (size_t)size_of_one) == 0);
        places[pieces] -= 1;
        if (size_of_one) REQUIRE(pc_write_records(&writing, row, 1, places, part, (size_t)size_of_one) == PC_ERR_ARGUMENT);
        free(part);
    }
    free(out);
    return 0;
}
