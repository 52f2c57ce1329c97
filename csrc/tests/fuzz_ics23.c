/* fuzz_ics23.c - commitment proofs of any bytes: the input is a byte of flags, a byte that says how many proofs there are, and their
 * bytes in equal parts. Every verdict is one that the call has, and twice the same. */
#include "../backend/backend.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                                                  \
    if (!(condition)) abort()

enum { MOST = 8, ROOM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    static const uint32_t places[] = {1, 0, 2};
    if (size < 2 || size > 8192) return 0;
    const size_t n = 1 + input[1] % MOST, part = (size - 2) / n;
    const int wrapped = input[0] >> 3 & 1;
    pc_ics23_spec spec = {.leaf_op = 1,
                          .inner_op = 1,
                          .leaf_hash = 0,
                          .key_hash = -1,
                          .value_hash = input[0] & 16 ? 0 : -1,
                          .inner_hash = 0,
                          .value_op = input[0] & 16 ? 1 : 0,
                          .length_op = input[0] >> 5,
                          .min_prefix = 1,
                          .max_prefix = 8,
                          .child_size = 3,
                          .left_bytes = 6,
                          .max_depth = 1024,
                          .flags = input[0] & 7,
                          .places = places,
                          .children = 3,
                          .empty_child = (const uint8_t *)"\0\0\0",
                          .empty_len = 3};
    if (spec.length_op == 2) spec.length_op = 8;
    uint8_t *data = malloc(n * part + 1);
    memcpy(data, input + 2, n * part);
    int64_t start[MOST], end[MOST];
    for (size_t i = 0; i < n; i++) {
        start[i] = (int64_t)(i * part);
        end[i] = (int64_t)((i + 1) * part);
    }
    const pc_spans spans = {data, n * part, start, end, 1, n};
    const pc_column root = {input, NULL, 1, 1};
    const uint32_t groups[MOST] = {0};
    pc_ics23_item items[MOST];
    pc_ics23_node *nodes = malloc(ROOM * sizeof *nodes);
    uint8_t *digests = malloc((MOST + ROOM) * 64), verdicts[2][MOST], marks[MOST], present[MOST];
    for (int round = 0; round < 2; round++) {
        REQUIRE(pc_ics23_exist(PC_AUTO, &spec, &spans, wrapped, &root, 1, groups, NULL, NULL, items, nodes, ROOM, digests,
                               verdicts[round]) == 0);
    }
    REQUIRE(memcmp(verdicts[0], verdicts[1], n) == 0);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(verdicts[0][i] == PC_UNCHECKED || verdicts[0][i] == PC_BAD_PROOF || verdicts[0][i] == PC_MALFORMED_PROOF);
        present[i] = verdicts[0][i] == PC_BAD_PROOF; /* read as a whole, as a valid one is */
    }
    REQUIRE(pc_ics23_adjacent(&spec, &spans, items, nodes, present, n / 2, marks) == PC_OK);
    free(data);
    free(nodes);
    free(digests);
    return 0;
}
