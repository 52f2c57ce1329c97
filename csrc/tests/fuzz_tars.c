/* fuzz_tars.c - the scanner of Tars records. With a plan that the input says, sound or not: no read past the record and no
 * write past a table, of whatever capacity. With a fixed plan: the place of a record and the room of the tables change nothing,
 * and cells lie inside of what they are in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pycore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* ---- any plan ---------------------------------------------------------------------------------------------------------- */

enum { FIELDS = 6, MESSAGES = 3, TABLES = 3, HEAD = 5 * FIELDS + MESSAGES + 2 * TABLES };

/* A plan that is often sound: ascending numbers, messages that name later ones, cells and tables about where they may be. */
static void check_any_plan(const uint8_t *data, size_t size) {
    pc_scan_field fields[FIELDS];
    pc_scan_message messages[MESSAGES];
    uint32_t widths[TABLES];
    pc_scan_table tables[TABLES];
    pc_scan_fault fault;
    if (size < HEAD) return;
    const uint8_t *p = data + 5 * FIELDS;
    for (int i = 0; i < FIELDS; i++) {
        const uint8_t *one = data + 5 * i;
        fields[i] = (pc_scan_field){(uint32_t)(i % 3 + 1 + one[0] % 2 * 2),
                                    one[1] % 8,
                                    one[0] >> 6,
                                    (int16_t)(one[2] % 4),
                                    (int16_t)(one[3] % 5 - 1),
                                    (int16_t)(one[4] % 17 - 1),
                                    0};
    }
    for (int i = 0; i < MESSAGES; i++, p++) messages[i] = (pc_scan_message){*p % (FIELDS + 1), (*p >> 4) % 4};
    for (int i = 0; i < TABLES; i++, p += 2) {
        widths[i] = p[0] % 8 ? p[0] % 24 : 2;
        const size_t room = p[1] % 8;
        tables[i] = (pc_scan_table){memory(room * widths[i] * sizeof(int64_t)), room, p[1] & 16 ? p[1] >> 5 : SIZE_MAX, 0};
    }
    const size_t len = size - HEAD;
    const int64_t start[2] = {0, 0}, end[2] = {(int64_t)len, (int64_t)(len / 2)};
    const pc_scan_plan plan = {fields, messages, widths, FIELDS, MESSAGES, 1 + data[0] % 3};
    const pc_spans records = {data + HEAD, len, start, end, 1, 2};
    const int64_t faulty = pc_scan_tars(&plan, &records, tables, &fault);
    REQUIRE(faulty == PC_ERR_ARGUMENT || (faulty >= 0 && faulty <= 2));
    if (faulty > 0) REQUIRE(fault.code && fault.offset >= 0 && fault.offset <= (int64_t)len && fault.depth <= PC_SCAN_DEPTH);
    for (int i = 0; i < TABLES; i++) free(tables[i].cells);
}

/* ---- a fixed plan ------------------------------------------------------------------------------------------------------ */

enum { N_FIELDS = 14, N_TABLES = 4 };
enum { FLAG = PC_ROW_CELLS, SMALL, BIG, NAME, DATA = NAME + 2, ONE = DATA + 2, ONE_N = ONE + 2, MUST, FAR, WIDTH };
enum { N = PC_ROW_CELLS, TEXT, INNER_WIDTH = TEXT + 2 };

static const pc_scan_field FIXED[N_FIELDS] = {
    {1, PC_SCAN_BOOL, 0, -1, -1, FLAG, 0},
    {2, PC_SCAN_INT32, 0, -1, -1, SMALL, 0},
    {3, PC_SCAN_UINT64, 0, -1, -1, BIG, 0},
    {4, PC_SCAN_STRING, 0, -1, -1, NAME, 0},
    {5, PC_SCAN_BYTES, 0, -1, -1, DATA, 0},
    {6, PC_SCAN_MESSAGE, 0, 1, -1, ONE, 0},
    {7, PC_SCAN_MESSAGE, PC_SCAN_REPEATED, 2, 1, -1, 0},
    {8, PC_SCAN_UINT64, PC_SCAN_REPEATED, -1, 2, -1, 0},
    {9, PC_SCAN_INT32, PC_SCAN_PRESENCE, -1, -1, MUST, 0},
    {200, PC_SCAN_UINT32, 0, -1, -1, FAR, 0},
    {1, PC_SCAN_UINT64, 0, -1, -1, ONE_N, 0}, /* message 1 */
    {1, PC_SCAN_UINT64, 0, -1, -1, N, 0},     /* message 2 */
    {2, PC_SCAN_STRING, 0, -1, -1, TEXT, 0},
    {3, PC_SCAN_BYTES, PC_SCAN_REPEATED, -1, 3, -1, 0},
};
static const pc_scan_message FIXED_MESSAGES[] = {{0, 10}, {10, 1}, {11, 3}};
static const uint32_t FIXED_WIDTHS[N_TABLES] = {WIDTH, INNER_WIDTH, 2, PC_ROW_CELLS};
static const pc_scan_plan PLAN = {FIXED, FIXED_MESSAGES, FIXED_WIDTHS, N_FIELDS, 3, N_TABLES};

typedef struct scanned {
    pc_scan_table tables[N_TABLES];
    pc_scan_fault fault;
    int64_t faulty;
} scanned;

/* One record at `base` of exactly its memory, in tables with this room. */
static void scan(scanned *s, const uint8_t *data, size_t size, size_t base, size_t room) {
    uint8_t *exact = memory(base + size);
    memset(exact, 0x0a, base + size);
    memcpy(exact + base, data, size);
    for (int i = 0; i < N_TABLES; i++) {
        const size_t rows = i ? room : 1;
        s->tables[i] = (pc_scan_table){memory(rows * FIXED_WIDTHS[i] * sizeof(int64_t)), rows, SIZE_MAX, 0};
    }
    const int64_t start = (int64_t)base, end = (int64_t)(base + size);
    const pc_spans record = {exact, base + size, &start, &end, 1, 1};
    s->faulty = pc_scan_tars(&PLAN, &record, s->tables, &s->fault);
    REQUIRE(s->faulty == 0 || s->faulty == 1);
    free(exact);
}

static void close_scan(scanned *s) {
    for (int i = 0; i < N_TABLES; i++) free(s->tables[i].cells);
}

static void check_span(const int64_t *row, int cell, int64_t from, int64_t to) {
    REQUIRE((row[cell] == 0 && row[cell + 1] == 0) ||
            (from < row[cell] && row[cell] <= row[cell + 1] && row[cell + 1] <= to));
}

static void check_fixed_plan(const uint8_t *data, size_t size) {
    scanned whole, moved, small;
    scan(&whole, data, size, 0, size);
    scan(&moved, data, size, 9, size);
    scan(&small, data, size, 0, size % 3);
    const int64_t *row = whole.tables[0].cells, *there = moved.tables[0].cells;
    REQUIRE(whole.faulty == moved.faulty && whole.faulty == small.faulty);
    REQUIRE(memcmp(row, small.tables[0].cells, WIDTH * sizeof *row) == 0);
    for (int t = 0; t < N_TABLES; t++) {
        REQUIRE(whole.tables[t].rows == small.tables[t].rows && whole.tables[t].rows == moved.tables[t].rows);
        REQUIRE(whole.tables[t].rows <= size + (t == 0));
    }
    if (whole.faulty) REQUIRE(whole.fault.code == row[PC_ROW_FAULT] && whole.fault.offset + 9 == moved.fault.offset);
    REQUIRE(row[PC_ROW_FLAGS] == there[PC_ROW_FLAGS] && row[PC_ROW_FAULT] == there[PC_ROW_FAULT]);
    static const int spans[] = {NAME, DATA, ONE}, plain[] = {FLAG, SMALL, BIG, ONE_N, MUST, FAR};
    for (int i = 0; i < 3; i++) {
        check_span(row, spans[i], 0, (int64_t)size);
        REQUIRE(there[spans[i]] == row[spans[i]] + (row[spans[i]] ? 9 : 0));
    }
    for (int i = 0; i < 6; i++) REQUIRE(there[plain[i]] == row[plain[i]]);
    for (size_t i = 0; i < whole.tables[1].rows; i++) {
        const int64_t *one = whole.tables[1].cells + i * INNER_WIDTH;
        check_span(one, PC_ROW_START, 0, (int64_t)size);
        check_span(one, TEXT, one[PC_ROW_START] - 1, (int64_t)size);
        if (!one[PC_ROW_FAULT]) check_span(one, TEXT, one[PC_ROW_START], one[PC_ROW_END]);
        REQUIRE((one[PC_ROW_FLAGS] & ~row[PC_ROW_FLAGS]) == 0);
    }
    for (size_t i = 0; i < whole.tables[3].rows; i++)
        REQUIRE(whole.tables[3].cells[i * PC_ROW_CELLS] < (int64_t)whole.tables[1].rows);
    close_scan(&whole), close_scan(&moved), close_scan(&small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_any_plan(data, size);
    check_fixed_plan(data, size);
    return 0;
}
