/* fuzz_fabricx.c - batches of Fabric-X's verifier: no read past the message, no write past a table or an output, of whatever room;
 * the room of the tables changes what is read in one go, and nothing else; what is measured is what is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

static const size_t WIDTHS[PC_FX_TABLES] = {PC_FX_REQUEST_CELLS, PC_FX_NAMESPACE_CELLS,   PC_FX_METADATA_CELLS,
                                            PC_FX_LIST_CELLS,    PC_FX_ENDORSEMENT_CELLS, PC_FX_UPDATE_CELLS};

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* The bytes that the requests in these tables sign, and their answers, in memory of exactly the size that is measured. */
static void check_outputs(const uint8_t *data, size_t size, pc_scan_table *tables) {
    const pc_fabricx_rows rows = {tables[0].cells, tables[1].cells, tables[2].cells,
                                  tables[0].rows,  tables[1].rows,  tables[2].rows};
    const size_t n = rows.n_namespaces;
    uint32_t *chosen = memory(n * sizeof *chosen);
    int64_t *offsets = memory((n + 1) * sizeof *offsets);
    for (size_t i = 0; i < n; i++) chosen[i] = (uint32_t)i;
    REQUIRE(pc_fabricx_signed(data, size, &rows, chosen, n, NULL, 0, offsets) == (int64_t)n);
    const size_t total = (size_t)offsets[n];
    uint8_t *out = memory(total);
    REQUIRE(pc_fabricx_signed(data, size, &rows, chosen, n, out, total, offsets) == (int64_t)n);
    if (n) REQUIRE(pc_fabricx_signed(data, size, &rows, chosen, n, out, total - 1, offsets) == (int64_t)n - 1);
    free(out), free(offsets), free(chosen);
    uint8_t *status = memory(rows.n_requests);
    int64_t *places = memory((rows.n_requests + 1) * sizeof *places);
    memset(status, 2, rows.n_requests);
    const int64_t bytes = pc_fabricx_answers(data, size, rows.requests, status, rows.n_requests, NULL, places);
    REQUIRE(bytes >= 0);
    out = memory((size_t)bytes);
    REQUIRE(pc_fabricx_answers(data, size, rows.requests, status, rows.n_requests, out, places) == bytes);
    free(out), free(places), free(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const size_t room = data[0] % 9;
    uint8_t *message = memory(size - 1);
    memcpy(message, data + 1, --size);
    pc_scan_table counted[PC_FX_TABLES] = {{NULL, 0, 0, 0}}, tables[PC_FX_TABLES];
    size_t at = 0, done = 0;
    const int sound = pc_fabricx_scan(message, size, &at, PC_FX_COUNT, counted);
    REQUIRE(sound == PC_FX_DONE || sound == PC_FX_MALFORMED);
    for (int i = 0; i < PC_FX_TABLES; i++)
        tables[i].cells = memory((room + counted[i].rows) * WIDTHS[i] * sizeof(int64_t)), tables[i].most = SIZE_MAX;
    at = 0;
    for (size_t more = room;;) { /* in goes, with as much room as one request needs in the end */
        for (int i = 0; i < PC_FX_TABLES; i++)
            tables[i].rows = 0, tables[i].capacity = more < counted[i].rows ? more : counted[i].rows;
        const size_t before = at;
        const int code = pc_fabricx_scan(message, size, &at, PC_FX_KEEP, tables);
        REQUIRE(code == PC_FX_DONE || code == PC_FX_FULL || (code == PC_FX_MALFORMED && sound == code));
        done += tables[PC_FX_REQUESTS].rows;
        if (code != PC_FX_MALFORMED) check_outputs(message, size, tables);
        if (code != PC_FX_FULL) break;
        if (at == before) more = 2 * more + 1;
    }
    if (sound == PC_FX_DONE) REQUIRE(done == counted[PC_FX_REQUESTS].rows && at == size);
    for (int i = 0; i < PC_FX_TABLES; i++) free(tables[i].cells);
    free(message);
    return 0;
}
