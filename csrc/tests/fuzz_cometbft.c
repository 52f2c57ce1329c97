/* fuzz_cometbft.c - signed headers of CometBFT: no read past the record and no write past the rows, and what is usual is signed and
 * hashed in memory of exactly the size that is said. Inputs are records, or changes to one that is usual. */
#include <stdio.h>
#include <stdlib.h>

#include "../pycore.h"
#include "cometbft_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

static void check_outputs(const uint8_t *data, size_t size, const int64_t *row, const int64_t *votes, size_t n) {
    const pc_cometbft_rows rows = {data, size, row, votes, 1, n};
    int64_t *chosen = memory(n * sizeof *chosen), *offsets = memory((n + 1) * sizeof *offsets);
    uint8_t *signatures = memory(64 * n), *messages = memory(PC_CM_MESSAGE * n), *addresses = memory(20 * n),
            *hash = memory(32);
    for (size_t i = 0; i < n; i++) chosen[i] = (int64_t)i;
    REQUIRE(pc_cometbft_signed(&rows, chosen, n, signatures, messages, offsets) == offsets[n]);
    REQUIRE(offsets[n] <= (int64_t)(PC_CM_MESSAGE * n));
    REQUIRE(pc_cometbft_addresses(&rows, addresses) == (int64_t)n);
    REQUIRE(pc_cometbft_hashes(PC_AUTO, 0, data, size, row, 1, hash) == 0);
    const size_t slots = (size_t)row[PC_CM_SLOTS];
    int64_t *powers = memory(slots * sizeof *powers), starts[2];
    uint8_t *wanted = memory(20 * slots);
    pc_commit_vote *looked = memory(n * sizeof *looked);
    for (size_t i = 0; i < slots; i++) powers[i] = 1;
    memset(wanted, 0x70, 20 * slots);
    const pc_cometbft_choice how = {powers, wanted, slots, 2, 1, size % 2 == 0};
    const int64_t count = pc_cometbft_choose(&rows, &how, starts, chosen, looked);
    REQUIRE(count >= 0 && count <= (int64_t)n && starts[1] == count);
    free(looked), free(wanted), free(powers);
    free(hash), free(addresses), free(messages), free(signatures), free(offsets), free(chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static writer usual = {.size = 0};
    if (usual.size == 0) put_record(&usual);
    const int changes = size && data[0] & 1;
    const size_t length = changes ? usual.size : size;
    uint8_t *record = memory(length);
    if (length) memcpy(record, changes ? usual.bytes : data, length);
    for (size_t i = 1; changes && i + 3 <= size && i < 13; i += 3) /* where, and what it becomes */
        record[(data[i] | (size_t)data[i + 1] << 8) % length] = data[i + 2];
    const size_t room = length / 94 + 1;
    int64_t row[PC_CM_CELLS], *votes = memory(room * PC_CV_CELLS * sizeof *votes);
    const int64_t bounds[2] = {0, (int64_t)length};
    const pc_spans records = {record, length, bounds, bounds + 1, 1, 1};
    const int64_t n = pc_cometbft_commits(&records, row, votes, room);
    REQUIRE(n >= 0 && (n == 0 || row[PC_CM_USUAL]));
    if (row[PC_CM_USUAL]) check_outputs(record, length, row, votes, (size_t)n);
    free(votes), free(record);
    return 0;
}
