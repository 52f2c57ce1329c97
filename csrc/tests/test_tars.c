/* test_tars.c - Tars records to columns: every type and edge of a number, every flag and every fault, lists, structs in structs,
 * what is unknown, plans that are refused, tables that are too small. Records lie in memory of exactly their size. */
#include "../pycore.h"
#include "check_test.h"

enum { MOST_ROWS = 32, N_FIELDS = 14, N_TABLES = 4 };
enum { FLAG = PC_ROW_CELLS, SMALL, BIG, NAME, DATA = NAME + 2, ONE = DATA + 2, ONE_N = ONE + 2, MUST, FAR, WIDTH };
enum { N = PC_ROW_CELLS, TEXT, INNER_WIDTH = TEXT + 2 };

static const pc_scan_field FIELDS[N_FIELDS] = {
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
static const pc_scan_message MESSAGES[] = {{0, 10}, {10, 1}, {11, 3}};
static const uint32_t WIDTHS[N_TABLES] = {WIDTH, INNER_WIDTH, 2, PC_ROW_CELLS};
static const pc_scan_plan PLAN = {FIELDS, MESSAGES, WIDTHS, N_FIELDS, 3, N_TABLES};

static int64_t top[MOST_ROWS][WIDTH], inner[MOST_ROWS][INNER_WIDTH], numbers[MOST_ROWS][2], parts[MOST_ROWS][PC_ROW_CELLS];
static pc_scan_table tables[N_TABLES];
static pc_scan_fault fault;

static int nibble(int c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Scans the bytes of a text in hexadecimal, in which a dot is nothing; `room` rows in the tables below the record's. */
static int64_t scan_with(const char *text, size_t room) {
    uint8_t buffer[512];
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '.') continue;
        buffer[n++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
        text++;
    }
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) abort();
    memcpy(exact, buffer, n);
    tables[0] = (pc_scan_table){top[0], MOST_ROWS, SIZE_MAX, 0};
    tables[1] = (pc_scan_table){inner[0], room, SIZE_MAX, 0};
    tables[2] = (pc_scan_table){numbers[0], room, SIZE_MAX, 0};
    tables[3] = (pc_scan_table){parts[0], room, SIZE_MAX, 0};
    memset(top, 0xee, sizeof top);
    memset(&fault, 0, sizeof fault);
    const int64_t start = 0, end = (int64_t)n;
    const pc_spans record = {exact, n, &start, &end, 1, 1};
    const int64_t faulty = pc_scan_tars(&PLAN, &record, tables, &fault);
    free(exact);
    return faulty;
}

static int64_t scan(const char *text) { return scan_with(text, MOST_ROWS); }

static void check_number(const char *text, int cell, int64_t value, int64_t flags) {
    EXPECT_INT(scan(text), 0);
    EXPECT_INT(top[0][cell], value);
    EXPECT_INT(top[0][PC_ROW_FLAGS], flags);
}

static void check_fault(const char *text, int code, int64_t offset) {
    EXPECT_INT(scan(text), 1);
    EXPECT_INT(fault.code, code);
    EXPECT_INT(fault.offset, offset);
    EXPECT_INT(top[0][PC_ROW_FAULT], code);
}

static void test_numbers(void) {
    check_number("", SMALL, 0, 0);
    check_number("20.01", SMALL, 1, 0);
    check_number("20.ff", SMALL, -1, 0);
    check_number("21.0080", SMALL, 128, 0);
    check_number("21.ff7f", SMALL, -129, 0);
    check_number("22.00008000", SMALL, 32768, 0);
    check_number("22.80000000", SMALL, INT32_MIN, 0);
    check_number("33.0000000080000000", BIG, 2147483648, 0);
    check_number("33.8000000000000000", BIG, INT64_MIN, 0);
    check_number("33.7fffffffffffffff", BIG, INT64_MAX, 0);
    check_number("10.7f", FLAG, 127, 0);
    check_number("f0c8.05", FAR, 5, 0);
    check_number("f3c8.00000000ffffffff", FAR, 4294967295, 0);
    check_number("f3c8.0000000100000000", FAR, 4294967296, PC_SCAN_TOO_WIDE);
    check_number("9c", MUST, 0, 0);
    check_number("2c", SMALL, 0, PC_SCAN_DEFAULT);
    check_number("20.00", SMALL, 0, PC_SCAN_DEFAULT | PC_SCAN_NOT_MINIMAL);
    check_number("21.007f", SMALL, 127, PC_SCAN_NOT_MINIMAL);
    check_number("21.ff80", SMALL, -128, PC_SCAN_NOT_MINIMAL);
    check_number("22.00007fff", SMALL, 32767, PC_SCAN_NOT_MINIMAL);
    check_number("33.000000007fffffff", BIG, 2147483647, PC_SCAN_NOT_MINIMAL);
    check_number("f0.02.05", SMALL, 5, PC_SCAN_NOT_MINIMAL);
    check_number("20.05.20.06", SMALL, 6, PC_SCAN_TWICE);
    check_number("30.05.20.06", SMALL, 6, PC_SCAN_UNORDERED);
}

static void test_contents(void) {
    EXPECT_INT(scan("46.02.6162.5d.00.0003.010203"), 0);
    EXPECT_INT(top[0][NAME], 2);
    EXPECT_INT(top[0][NAME + 1], 4);
    EXPECT_INT(top[0][DATA], 8);
    EXPECT_INT(top[0][DATA + 1], 11);
    EXPECT_INT(top[0][PC_ROW_FLAGS], 0);
    check_number("47.00000001.61", NAME, 5, PC_SCAN_NOT_MINIMAL);
    check_number("46.00", NAME, 2, PC_SCAN_DEFAULT);
    check_number("5d.00.0c", DATA, 3, PC_SCAN_DEFAULT);
    check_number("5d.00.01.0001.61", DATA, 5, PC_SCAN_NOT_MINIMAL);
    EXPECT_INT(scan("6a.10.07.0b"), 0);
    EXPECT_INT(top[0][ONE], 1);
    EXPECT_INT(top[0][ONE + 1], 3);
    EXPECT_INT(top[0][ONE_N], 7);
    EXPECT_INT(scan("6a.0b"), 0);
    EXPECT_INT(top[0][ONE], 1);
    EXPECT_INT(top[0][ONE + 1], 1);
}

static void test_lists(void) {
    EXPECT_INT(scan("79.0002.0a.10.01.39.0001.0d.00.0001.61.0b.0a.26.01.78.0b.89.0003.01.0080.0c.00.07"), 0);
    EXPECT_INT(tables[1].rows, 2);
    EXPECT_INT(tables[2].rows, 3);
    EXPECT_INT(tables[3].rows, 1);
    EXPECT_INT(inner[0][N], 1);
    EXPECT_INT(inner[0][PC_ROW_PARENT], 0);
    EXPECT_INT(inner[0][PC_ROW_NUMBER], 7);
    EXPECT_INT(inner[1][TEXT + 1] - inner[1][TEXT], 1);
    EXPECT_INT(numbers[0][PC_ROW_VALUE], 128);
    EXPECT_INT(numbers[1][PC_ROW_VALUE], 0);
    EXPECT_INT(numbers[2][PC_ROW_VALUE], 7);
    EXPECT_INT(parts[0][PC_ROW_PARENT], 0);
    EXPECT_INT(scan_with("89.0003.0c.0c.00.01", 1), 0); /* counted, not written */
    EXPECT_INT(tables[2].rows, 3);
    EXPECT_INT(scan_with("79.0002.0a.39.0002.0d.00.0c.0d.00.0c.0b.0a.0b", 0), 0);
    EXPECT_INT(tables[1].rows, 2);
    EXPECT_INT(tables[3].rows, 2);
    check_number("89.0c", SMALL, 0, PC_SCAN_DEFAULT);
}

static void test_unknown(void) {
    check_number("b0.05", SMALL, 0, PC_SCAN_UNKNOWN);
    check_number("b4.00000000.c5.0000000000000000", SMALL, 0, PC_SCAN_UNKNOWN);
    check_number("ba.16.01.61.2a.0b.0b", SMALL, 0, PC_SCAN_UNKNOWN);
    check_number("b9.0002.0a.0b.09.0c", SMALL, 0, PC_SCAN_UNKNOWN);
    check_number("b8.0001.06.01.61.0d.00.0001.ff", SMALL, 0, PC_SCAN_UNKNOWN);
    check_number("b9.0c", SMALL, 0, PC_SCAN_UNKNOWN);
    check_fault("be", PC_SCAN_BAD_TAG, 0);
    check_fault("ba.10.01", PC_SCAN_TRUNCATED, 0);
    check_fault("b9.0002.0c", PC_SCAN_TRUNCATED, 0);
    check_fault("b9.0002.0c.0b", PC_SCAN_BAD_GROUP, 0);
    check_fault("b9.00ff", PC_SCAN_LONG_NUMBER, 0);
    char deep[200] = "";
    for (int i = 0; i < 33; i++) strcat(deep, i ? "0a" : "ba");
    for (int i = 0; i < 33; i++) strcat(deep, "0b");
    check_fault(deep, PC_SCAN_BAD_GROUP, 0);
    deep[0] = 0;
    for (int i = 0; i < 32; i++) strcat(deep, i ? "0a" : "ba");
    for (int i = 0; i < 32; i++) strcat(deep, "0b");
    check_number(deep, SMALL, 0, PC_SCAN_UNKNOWN);
}

static void test_faults(void) {
    check_fault("21.00", PC_SCAN_TRUNCATED, 1);
    check_fault("20", PC_SCAN_TRUNCATED, 1);
    check_fault("f0", PC_SCAN_TRUNCATED, 0);
    check_fault("46.03.6162", PC_SCAN_TRUNCATED, 2);
    check_fault("47.0000", PC_SCAN_TRUNCATED, 1);
    check_fault("5d.00.0003.0102", PC_SCAN_TRUNCATED, 4);
    check_fault("5d.01.0001.01", PC_SCAN_BAD_TAG, 2);
    check_fault("5d.00.10.01", PC_SCAN_BAD_TAG, 3);
    check_fault("5d.00.00ff", PC_SCAN_LONG_NUMBER, 4);
    check_fault("23.0000000000000001", PC_SCAN_BAD_TAG, 0); /* a long for an int */
    check_fault("11.0001", PC_SCAN_BAD_TAG, 0);
    check_fault("36.01.61", PC_SCAN_BAD_TAG, 0);
    check_fault("4d.00.0001.61", PC_SCAN_BAD_TAG, 0);
    check_fault("6a.10.01", PC_SCAN_TRUNCATED, 3);
    check_fault("6a.1b", PC_SCAN_BAD_GROUP, 1);
    check_fault("0b", PC_SCAN_BAD_GROUP, 0);
    check_fault("20.01.0b", PC_SCAN_BAD_GROUP, 2);
    check_fault("80.01", PC_SCAN_BAD_TAG, 0);
    check_fault("89.0005.0c", PC_SCAN_TRUNCATED, 3);
    check_fault("89.0001.1c", PC_SCAN_BAD_TAG, 4);
    check_fault("89.03.0000000000000001.0c", PC_SCAN_BAD_TAG, 2);
    check_fault("79.0001.0a.11.00", PC_SCAN_TRUNCATED, 5);
    EXPECT_INT(fault.depth, 2);
    EXPECT_INT(fault.path[0], 7);
    EXPECT_INT(fault.path[1], 1);
}

static void test_plans(void) {
    const int64_t start = 0, end = 0;
    const pc_spans record = {NULL, 0, &start, &end, 1, 1};
    static const struct {
        uint32_t number;
        uint8_t kind, flags;
        int16_t oneof;
    } bad[] = {{256, PC_SCAN_BYTES, 0, 0},
               {1, PC_SCAN_SINT32, 0, 0},
               {1, PC_SCAN_FIXED64, 0, 0},
               {1, PC_SCAN_UINT64, PC_SCAN_TAGGED, 0},
               {1, PC_SCAN_UINT64, PC_SCAN_REPEATED | PC_SCAN_SINGLY, 0},
               {1, PC_SCAN_BYTES, 0, 1},
               {0, PC_SCAN_BYTES, 0, 0}};
    const pc_scan_message message = {0, 1};
    const uint32_t width = PC_ROW_CELLS;
    pc_scan_table table = {NULL, 0, SIZE_MAX, 0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const pc_scan_field field = {bad[i].number, bad[i].kind, bad[i].flags, -1, -1, -1, bad[i].oneof};
        const pc_scan_plan plan = {&field, &message, &width, 1, 1, 1};
        EXPECT_INT(pc_scan_tars(&plan, &record, &table, &fault), PC_ERR_ARGUMENT);
    }
    EXPECT_INT(pc_scan_tars(NULL, &record, &table, &fault), PC_ERR_ARGUMENT);
    const pc_scan_plan unset = {NULL, &message, &width, 1, 1, 1};
    EXPECT_INT(pc_scan_tars(&unset, &record, &table, &fault), PC_ERR_ARGUMENT);
}

int main(void) {
    test_numbers();
    test_contents();
    test_lists();
    test_unknown();
    test_faults();
    test_plans();
    return test_report("tars");
}
