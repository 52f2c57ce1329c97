/* fuzz_lane.c - requests of the same-host lane whose columns are cut out: no read past the end, no write past the rest, spans inside
 * of the request, and pieces of a request only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { COLUMNS = 3, FIRST = 9 };

static void check_span(const int64_t *span, size_t size) {
    REQUIRE(0 <= span[0]);
    REQUIRE(span[0] <= span[1]);
    REQUIRE((size_t)span[1] <= size);
}

static int cut(const uint8_t *data, size_t size) {
    int64_t cells[COLUMNS * PC_CUT_CELLS];
    int found = 0;
    for (size_t room = 0; room <= size; room += 1 + room / 2) {
        uint8_t *rest = malloc(room ? room : 1); /* of the exact size */
        const int64_t kept = pc_columns_cut(data, size, FIRST, COLUMNS, cells, rest, room);
        REQUIRE(kept == PC_ERR_ARGUMENT || (kept >= 0 && (size_t)kept <= room));
        int64_t inside = kept;
        for (int i = 0; kept >= 0 && i < COLUMNS; i++) {
            const int64_t *c = cells + i * PC_CUT_CELLS;
            check_span(c + PC_CUT_DATA, size);
            check_span(c + PC_CUT_OFFSETS, size);
            REQUIRE(0 <= c[PC_CUT_WIDTH] && c[PC_CUT_WIDTH] <= UINT32_MAX);
            inside += c[PC_CUT_DATA + 1] - c[PC_CUT_DATA] + c[PC_CUT_OFFSETS + 1] - c[PC_CUT_OFFSETS];
        }
        REQUIRE(kept < 0 || (size_t)inside <= size);
        found |= kept >= 0;
        free(rest);
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t sound[] = "\x0a\x02sm\x4a\x07\x0a\x03"
                                   "abc\x10\x03\x52\x00\x5a\x0d\x0a\x01x\x1a\x08\0\0\0\0\1\0\0\0\x28\x01";
    uint8_t request[sizeof sound - 1];
    memcpy(request, sound, sizeof request);
    REQUIRE(cut(request, sizeof request));
    for (size_t i = 0; i + 1 < size && i < 6; i += 2) request[data[i] % sizeof request] = data[i + 1];
    (void)cut(request, size % 5 ? sizeof request : size % sizeof request);
    (void)cut(data, size);
    return 0;
}
