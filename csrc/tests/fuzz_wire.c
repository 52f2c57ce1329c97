/* fuzz_wire.c - the scanner of records. With a plan that the input says, sound or not: no read past the record and no write past a
 * table, of whatever capacity. With a fixed plan: the place of a record and the room of the tables change nothing, cells lie
 * inside of what they are in, and a record with a field cut out has all but that field. */
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
                                    one[1] % 12,
                                    one[0] >> 4,
                                    (int16_t)(one[2] % 4),
                                    (int16_t)(one[3] % 5 - 1),
                                    (int16_t)(one[4] % 17 - 1),
                                    (int16_t)(one[2] >> 4)};
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
    const int64_t faulty = pc_scan_records(&plan, &records, tables, &fault);
    REQUIRE(faulty == PC_ERR_ARGUMENT || (faulty >= 0 && faulty <= 2));
    if (faulty > 0) REQUIRE(fault.code && fault.offset >= 0 && fault.offset <= (int64_t)len && fault.depth <= PC_SCAN_DEPTH);
    for (int i = 0; i < TABLES; i++) free(tables[i].cells);
}

/* ---- a fixed plan ------------------------------------------------------------------------------------------------------ */

enum { NAME = PC_ROW_CELLS, OUTER = NAME + 2, INNER = OUTER + 2, GAS = INNER + 2, LAST = GAS + 3, WIDTH = LAST + 3 };
static const pc_scan_field FIXED[] = {
    {1, PC_SCAN_STRING, 0, -1, -1, NAME, 0},
    {2, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 1, -1, OUTER, 0},
    {3, PC_SCAN_MESSAGE, PC_SCAN_REPEATED, 3, 1, -1, 0},
    {4, PC_SCAN_SINT32, PC_SCAN_REPEATED, -1, 2, -1, 0},
    {5, PC_SCAN_FIXED32, PC_SCAN_REPEATED, -1, 2, -1, 0},
    {6, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, LAST, 0},
    {7, PC_SCAN_BOOL, PC_SCAN_PRESENCE, -1, -1, -1, 1},
    {8, PC_SCAN_BYTES, PC_SCAN_PRESENCE, -1, -1, -1, 1},
    {1, PC_SCAN_STRING, PC_SCAN_REPEATED, -1, 1, -1, 0},
    {2, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 2, -1, INNER, 0},
    {4, PC_SCAN_INT32, PC_SCAN_TAGGED, -1, -1, GAS, 0},
    {1, PC_SCAN_STRING, 0, -1, -1, NAME, 0},
};
static const pc_scan_message FIXED_MESSAGES[] = {{0, 8}, {8, 2}, {10, 1}, {11, 1}};
static const uint32_t FIXED_WIDTHS[] = {WIDTH, NAME + 2, 2};
static const pc_scan_plan PLAN = {FIXED, FIXED_MESSAGES, FIXED_WIDTHS, 12, 4, 3};
static const uint32_t AROUND[] = {OUTER, INNER};

typedef struct scanned {
    pc_scan_table tables[3];
    pc_scan_fault fault;
    int64_t faulty;
} scanned;

static void close_scan(scanned *s) {
    for (int i = 0; i < 3; i++) free(s->tables[i].cells);
}

/* One record at `base` of exactly its memory, in tables with this room. */
static void scan(scanned *s, const uint8_t *data, size_t size, size_t base, const size_t room[3]) {
    uint8_t *exact = memory(base + size);
    memset(exact, 0x0a, base + size);
    memcpy(exact + base, data, size);
    for (int i = 0; i < 3; i++)
        s->tables[i] = (pc_scan_table){memory(room[i] * FIXED_WIDTHS[i] * sizeof(int64_t)), room[i], SIZE_MAX, 0};
    const int64_t start = (int64_t)base, end = (int64_t)(base + size);
    const pc_spans record = {exact, base + size, &start, &end, 1, 1};
    s->faulty = pc_scan_records(&PLAN, &record, s->tables, &s->fault);
    REQUIRE(s->faulty == 0 || s->faulty == 1);
    free(exact);
}

static void check_span(const int64_t *row, int cell, int64_t from, int64_t to) {
    REQUIRE((row[cell] == 0 && row[cell + 1] == 0) ||
            (from < row[cell] && row[cell] <= row[cell + 1] && row[cell + 1] <= to));
}

/* The rows of a record at 0 and at 9 say the same: places have moved, numbers have not. */
static void check_moved(const scanned *here, const scanned *there) {
    const int64_t *a = here->tables[0].cells, *b = there->tables[0].cells;
    static const int spans[] = {NAME, OUTER, INNER}, numbers[] = {GAS, LAST};
    REQUIRE(b[PC_ROW_START] == a[PC_ROW_START] + 9 && b[PC_ROW_END] == a[PC_ROW_END] + 9);
    REQUIRE(b[PC_ROW_FLAGS] == a[PC_ROW_FLAGS] && b[PC_ROW_FAULT] == a[PC_ROW_FAULT]);
    for (int i = 0; i < 3; i++) {
        const int64_t *from = a + spans[i], *to = b + spans[i], by = from[0] ? 9 : 0;
        REQUIRE(to[0] == from[0] + by && to[1] == from[1] + by);
    }
    for (int i = 0; i < 2; i++) {
        const int64_t *from = a + numbers[i], *to = b + numbers[i], by = from[1] ? 9 : 0;
        REQUIRE(to[0] == from[0] && to[1] == from[1] + by && to[2] == from[2] + by);
    }
    for (int t = 0; t < 3; t++) REQUIRE(here->tables[t].rows == there->tables[t].rows);
    for (size_t i = 0; i < 2 * here->tables[2].rows; i++) REQUIRE(here->tables[2].cells[i] == there->tables[2].cells[i]);
}

/* The record without its number in two messages, if it has no flags: what is left has none either. */
static void check_cut(const uint8_t *data, size_t size, const int64_t *row, const size_t room[3]) {
    if (row[PC_ROW_FAULT] || row[PC_ROW_FLAGS] & ~PC_SCAN_KEPT) return;
    static const struct {
        uint32_t depth, field;
    } cuts[] = {{2, GAS}, {0, LAST}};
    for (int i = 0; i < 2; i++) {
        const uint32_t field = cuts[i].field;
        uint8_t *out = memory(size);
        int64_t offsets[2];
        const int64_t len = pc_spans_cut(data, size, row, WIDTH, 1, AROUND, cuts[i].depth, field, out, offsets);
        REQUIRE(len >= 0 && len <= (int64_t)size && offsets[1] == len);
        REQUIRE((int64_t)size - len >= row[field + 1] - row[field + 2]);
        scanned again;
        scan(&again, out, (size_t)len, 0, room);
        const int64_t *left = again.tables[0].cells;
        REQUIRE(again.faulty == 0 && left[PC_ROW_FLAGS] == row[PC_ROW_FLAGS] && left[field + 1] == 0);
        REQUIRE(left[NAME + 1] - left[NAME] == row[NAME + 1] - row[NAME]);
        REQUIRE(left[i ? GAS : LAST] == row[i ? GAS : LAST] && (left[OUTER] > 0) == (row[OUTER] > 0));
        close_scan(&again);
        free(out);
    }
}

static void check_fixed_plan(const uint8_t *data, size_t size) {
    const size_t room[3] = {1, size, size}, little[3] = {1, size % 3, size % 5}, nothing[3] = {0, 0, 0};
    scanned whole, moved, small, counted;
    scan(&whole, data, size, 0, room);
    scan(&moved, data, size, 9, room);
    scan(&small, data, size, 0, little);
    scan(&counted, data, size, 0, nothing);
    REQUIRE(whole.faulty == moved.faulty && whole.faulty == small.faulty && whole.faulty == counted.faulty);
    const int64_t *row = whole.tables[0].cells;
    REQUIRE(memcmp(row, small.tables[0].cells, WIDTH * sizeof *row) == 0);
    for (int t = 0; t < 3; t++) {
        REQUIRE(whole.tables[t].rows == counted.tables[t].rows && whole.tables[t].rows == small.tables[t].rows);
        REQUIRE(whole.tables[t].rows <= size + (t == 0));
    }
    if (whole.faulty) REQUIRE(whole.fault.code == row[PC_ROW_FAULT] && whole.fault.offset + 9 == moved.fault.offset);
    check_moved(&whole, &moved);
    check_span(row, NAME, 0, (int64_t)size);
    check_span(row, OUTER, 0, (int64_t)size);
    if (!(row[PC_ROW_FLAGS] & PC_SCAN_TWICE)) check_span(row, INNER, row[OUTER], row[OUTER + 1]);
    for (size_t i = 0; i < whole.tables[1].rows; i++) {
        const int64_t *one = whole.tables[1].cells + i * FIXED_WIDTHS[1];
        check_span(one, PC_ROW_START, 0, (int64_t)size);
        check_span(one, NAME, one[PC_ROW_START], one[PC_ROW_END]);
        REQUIRE(one[PC_ROW_PARENT] == 0 && (one[PC_ROW_FLAGS] & ~row[PC_ROW_FLAGS]) == 0);
    }
    check_cut(data, size, row, room);
    close_scan(&whole), close_scan(&moved), close_scan(&small), close_scan(&counted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_any_plan(data, size);
    check_fixed_plan(data, size);
    return 0;
}
