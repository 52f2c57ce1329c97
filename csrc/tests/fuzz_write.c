/* fuzz_write.c - the writer of records, with pieces that the input says, sound or not: no read past the data and no write past the
 * output; what is measured is what is written; and where records are cut changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { PIECES = 8, RECORDS = 3, HEAD = 3 * PIECES + RECORDS + 1 };

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD) return 0;
    uint8_t kind[PIECES];
    int64_t a[PIECES], b[PIECES], first[RECORDS + 1], sizes[RECORDS], offsets[RECORDS + 1] = {0};
    const size_t len = size - HEAD, half = len / 2;
    const pc_pieces pieces = {kind, a, b, PIECES, data + HEAD, data + HEAD + half, half, len - half};
    for (int i = 0; i < PIECES; i++) {
        kind[i] = data[3 * i] % (PC_WRITE_KINDS + (data[0] & 1));
        a[i] = (int64_t)(int8_t)data[3 * i + 1] * (data[3 * i] & 0x40 ? 0x123456789 : 1);
        b[i] = a[i] + data[3 * i + 2] % 64 - 1;
    }
    for (int i = 0; i <= RECORDS; i++) first[i] = data[3 * PIECES + i] % (PIECES + 2);
    const int64_t total = pc_write_sizes(&pieces, first, RECORDS, sizes);
    if (total < 0) {
        REQUIRE(total == PC_ERR_ARGUMENT);
        return 0;
    }
    for (int i = 0; i < RECORDS; i++) offsets[i + 1] = offsets[i] + sizes[i];
    REQUIRE(offsets[RECORDS] == total);
    uint8_t *out = memory((size_t)total);
    REQUIRE(pc_write_records(&pieces, first, RECORDS, offsets, out, (size_t)total) == total);
    int64_t at = offsets[0], one_size;
    for (int64_t k = first[0]; k < first[RECORDS]; k++) { /* each piece as a record by itself */
        const int64_t single[2] = {k, k + 1};
        REQUIRE(pc_write_sizes(&pieces, single, 1, &one_size) == one_size);
        uint8_t *part = memory((size_t)one_size);
        const int64_t places[2] = {0, one_size}, short_of[2] = {0, one_size - 1};
        REQUIRE(pc_write_records(&pieces, single, 1, places, part, (size_t)one_size) == one_size);
        REQUIRE(at + one_size <= total && memcmp(out + at, part, (size_t)one_size) == 0);
        if (one_size) REQUIRE(pc_write_records(&pieces, single, 1, short_of, part, (size_t)one_size) == PC_ERR_ARGUMENT);
        at += one_size;
        free(part);
    }
    REQUIRE(at == total);
    free(out);
    return 0;
}
