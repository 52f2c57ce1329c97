/* fuzz_rlp.c - the reader of RLP: no read past the piece, items fill it without a gap, and a list that is written of the items
 * of another has its bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { ROOM = 64, LEVELS = 8 };

static void descend(const uint8_t *data, size_t size, int64_t start, int64_t end, int levels) {
    int64_t cells[ROOM * PC_RLP_CELLS], firsts[2], offsets[2], at = start;
    const int64_t zero = 0;
    uint8_t fault;
    const pc_spans piece = {data, size, &start, &end, 1, 1}, none = {NULL, 0, &zero, &zero, 1, 1};
    const int64_t rows = pc_rlp_items(&piece, ROOM, cells, ROOM, firsts, &fault);
    REQUIRE(rows >= 0 && rows <= ROOM && firsts[1] == rows && (!fault || rows == 0));
    for (int64_t i = 0; i < rows; i++) {
        const int64_t *row = cells + i * PC_RLP_CELLS;
        REQUIRE(row[PC_RLP_ITEM] == at && row[PC_RLP_START] >= at && row[PC_RLP_END] >= row[PC_RLP_START]);
        at = row[PC_RLP_END];
        if (!row[PC_RLP_LIST]) continue;
        const pc_spans inside = {data, size, row + PC_RLP_START, row + PC_RLP_END, 1, 1};
        const int64_t len = pc_rlp_lists(&none, &inside, &none, NULL, offsets);
        REQUIRE(len == at - row[PC_RLP_ITEM]);
        uint8_t *out = malloc((size_t)len);
        if (!out) abort();
        REQUIRE(pc_rlp_lists(&none, &inside, &none, out, offsets) == len);
        REQUIRE(memcmp(out, data + row[PC_RLP_ITEM], (size_t)len) == 0);
        free(out);
        if (levels) descend(data, size, row[PC_RLP_START], row[PC_RLP_END], levels - 1);
    }
    if (!fault) REQUIRE(at == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) abort();
    memcpy(exact, data, size);
    descend(exact, size, 0, (int64_t)size, LEVELS);
    free(exact);
    return 0;
}
