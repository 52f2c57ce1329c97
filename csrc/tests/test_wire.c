/* test_wire.c - records to columns: plans that are refused, every flag and every fault with its place, the edges of numbers,
 * groups, tables that are too small, and what is done with the columns. Records lie in memory of exactly their size. */
#include "../pycore.h"
#include "check_test.h"

enum { MOST_ROWS = 64, N_FIELDS = 28, N_MESSAGES = 4, N_TABLES = 3 };
/* Cells of table 0, and of table 1. */
enum {
    NAME = PC_ROW_CELLS,
    DATA = NAME + 2,
    SUB = DATA + 3,
    TEXT = SUB + 2,
    DEEP = TEXT + 2,
    GAS = DEEP + 2,
    SIX = GAS + 3
};
enum { SEVEN = SIX + 3, BOOL, SINT32, SINT64, FIXED32, FIXED64, UINT32, INT32, WIDTH };
enum { INNER = PC_ROW_CELLS, INNER_WIDTH = INNER + 3 };

/* A record (0), what its field 3 repeats (1), what its field 4 is (2), and what lies in that (3). */
static const pc_scan_field FIELDS[N_FIELDS] = {
    {1, PC_SCAN_STRING, 0, -1, -1, NAME, 0},
    {2, PC_SCAN_BYTES, PC_SCAN_TAGGED, -1, -1, DATA, 0},
    {3, PC_SCAN_MESSAGE, PC_SCAN_REPEATED, 1, 1, -1, 0},
    {4, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 2, -1, SUB, 0},
    {5, PC_SCAN_UINT32, PC_SCAN_REPEATED, -1, 2, -1, 0},
    {6, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, SIX, 0},
    {7, PC_SCAN_INT32, PC_SCAN_PRESENCE, -1, -1, SEVEN, 1},
    {8, PC_SCAN_STRING, PC_SCAN_PRESENCE, -1, -1, -1, 1},
    {9, PC_SCAN_BOOL, 0, -1, -1, BOOL, 0},
    {10, PC_SCAN_SINT32, 0, -1, -1, SINT32, 0},
    {11, PC_SCAN_SINT64, 0, -1, -1, SINT64, 0},
    {12, PC_SCAN_FIXED32, 0, -1, -1, FIXED32, 0},
    {13, PC_SCAN_FIXED64, 0, -1, -1, FIXED64, 0},
    {14, PC_SCAN_UINT32, 0, -1, -1, UINT32, 0},
    {15, PC_SCAN_INT32, 0, -1, -1, INT32, 0},
    {16, PC_SCAN_UINT32, PC_SCAN_REPEATED | PC_SCAN_SINGLY, -1, 2, -1, 0},
    {17, PC_SCAN_FIXED32, PC_SCAN_REPEATED, -1, 2, -1, 0},
    {18, PC_SCAN_BYTES, PC_SCAN_REPEATED, -1, 1, -1, 0},
    {19, PC_SCAN_INT32, PC_SCAN_PRESENCE, -1, -1, -1, 31},
    {20, PC_SCAN_BYTES, PC_SCAN_PRESENCE, -1, -1, -1, 31},
    {21, PC_SCAN_UINT32, 0, -1, 2, -1, 0},
    {1000, PC_SCAN_STRING, PC_SCAN_REPEATED, -1, -1, -1, 0},
    {1, PC_SCAN_UINT64, 0, -1, -1, INNER, 0}, /* message 1 */
    {2, PC_SCAN_STRING, 0, -1, -1, INNER + 1, 0},
    {1, PC_SCAN_STRING, 0, -1, -1, TEXT, 0}, /* message 2 */
    {2, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 3, -1, DEEP, 0},
    {3, PC_SCAN_STRING, 0, -1, -1, -1, 0},
    {4, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, GAS, 0}, /* message 3 */
};
static const pc_scan_message MESSAGES[N_MESSAGES] = {{0, 22}, {22, 2}, {24, 3}, {27, 1}};
static const uint32_t WIDTHS[N_TABLES] = {WIDTH, INNER_WIDTH, 2};
static const pc_scan_plan PLAN = {FIELDS, MESSAGES, WIDTHS, N_FIELDS, N_MESSAGES, N_TABLES};

static int64_t top[MOST_ROWS][WIDTH], inner[MOST_ROWS][INNER_WIDTH], numbers[MOST_ROWS][2];
static pc_scan_table tables[N_TABLES];
static pc_scan_fault fault;

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

static void open_tables(void) {
    tables[0] = (pc_scan_table){top[0], MOST_ROWS, SIZE_MAX, 0};
    tables[1] = (pc_scan_table){inner[0], MOST_ROWS, SIZE_MAX, 0};
    tables[2] = (pc_scan_table){numbers[0], MOST_ROWS, SIZE_MAX, 0};
    memset(top, 0xee, sizeof top);
    memset(inner, 0xee, sizeof inner);
    memset(numbers, 0xee, sizeof numbers);
    memset(&fault, 0, sizeof fault);
}

static int nibble(int c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Bytes of a text in hexadecimal; a dot is nothing. */
static size_t from_hex(const char *text, uint8_t *out) {
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '.') continue;
        out[n++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
        text++;
    }
    return n;
}

/* One record of these bytes that begins at `base`. */
static int64_t scan_bytes(const pc_scan_plan *plan, const uint8_t *bytes, size_t len, size_t base) {
    uint8_t *data = memory(base + len);
    memset(data, 0, base + len);
    if (len) memcpy(data + base, bytes, len);
    const int64_t start = (int64_t)base, end = (int64_t)(base + len);
    const pc_spans record = {base + len ? data : NULL, base + len, &start, &end, 1, 1};
    const int64_t faulty = pc_scan_records(plan, &record, tables, &fault);
    free(data);
    return faulty;
}

/* Whether the bytes are a record as protobuf's own parser reads them, and as the one in Go does, as bits. */
static int readers_of(const char *text, int repeat) {
    static uint8_t bytes[65536];
    uint8_t one[64];
    const size_t size = from_hex(text, one), half = size / 2;
    size_t len = 0;
    for (int i = 0; i < repeat; i++) memcpy(bytes + len, one, half), len += half;
    for (int i = 0; i < repeat; i++) memcpy(bytes + len, one + half, size - half), len += size - half;
    const int64_t start = 0, end = (int64_t)len;
    const pc_spans record = {bytes, len, &start, &end, 1, 1};
    open_tables();
    const int upb = pc_scan_records(&PLAN, &record, tables, &fault) == 0;
    return upb | (pc_scan_go(&PLAN, &record, tables, &fault) == 0) << 1;
}

static int64_t scan_hex(const char *text) {
    uint8_t bytes[512];
    open_tables();
    return scan_bytes(&PLAN, bytes, from_hex(text, bytes), 0);
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

static pc_scan_field fields[80];
static pc_scan_message messages[70];
static uint32_t widths[20];
static pc_scan_plan plan;

static void copy_plan(void) {
    memcpy(fields, FIELDS, sizeof FIELDS);
    memcpy(messages, MESSAGES, sizeof MESSAGES);
    memcpy(widths, WIDTHS, sizeof WIDTHS);
    plan = (pc_scan_plan){fields, messages, widths, N_FIELDS, N_MESSAGES, N_TABLES};
}

/* Makes the plan unsound in way i; 0 when there is no such way. */
static int spoil(int i) {
    copy_plan();
    if (i == 0) return plan.fields = NULL, 1;
    if (i == 1) return plan.messages = NULL, 1;
    if (i == 2) return plan.widths = NULL, 1;
    if (i == 3) return plan.n_messages = 0, 1;
    if (i == 4) return plan.n_messages = PC_SCAN_MESSAGES + 1, 1;
    if (i == 5) return plan.n_tables = 0, 1;
    if (i == 6) return plan.n_tables = PC_SCAN_TABLES + 1, 1;
    if (i == 7) return widths[0] = PC_SCAN_CELLS + 1, 1;
    if (i == 8) return widths[1] = PC_ROW_CELLS - 1, 1;
    if (i == 9) return widths[0] = 2, 1; /* a record is no number */
    if (i == 10) return widths[2] = 1, 1;
    if (i == 11) return widths[2] = 3, 1;
    if (i == 12) return messages[0].count = PC_SCAN_FIELDS + 1, 1;
    if (i == 13) return messages[3].first = N_FIELDS, 1; /* reaches behind the fields */
    if (i == 14) return messages[3].first = N_FIELDS + 1, messages[3].count = 0, 1;
    if (i == 15) return messages[3].first = UINT32_MAX, 1;
    if (i == 16) return fields[0].number = 0, 1;
    if (i == 17) return fields[0].kind = PC_SCAN_FIXED64 + 1, 1;
    if (i == 18) return fields[6].oneof = -1, 1;
    if (i == 19) return fields[6].oneof = 32, 1;
    if (i == 20) return fields[2].table = -2, 1;
    if (i == 21) return fields[2].table = 0, 1; /* rows of table 0 are records */
    if (i == 22) return fields[2].table = N_TABLES, 1;
    if (i == 23) return fields[0].cell = -2, 1;
    if (i == 24) return fields[2].table = 2, 1; /* a message as a row of two cells */
    if (i == 25) return fields[4].table = 1, 1; /* a number as a wide row */
    if (i == 26) return fields[0].cell = PC_ROW_CELLS - 1, 1;
    if (i == 27) return fields[0].cell = WIDTH - 1, 1; /* two cells, room for one */
    if (i == 28) return fields[1].cell = WIDTH - 2, 1; /* tagged bytes: three */
    if (i == 29) return fields[5].cell = WIDTH - 2, 1; /* a tagged number: three */
    if (i == 30) return fields[14].cell = WIDTH, 1;
    if (i == 31) return fields[22].cell = INNER_WIDTH, 1; /* of the table that its message is a row of */
    if (i == 32) return fields[1].number = 1, 1;          /* not ascending */
    if (i == 33) return fields[1].number = 4, 1;
    if (i == 34) return fields[2].message = 0, 1; /* itself */
    if (i == 35) return fields[25].message = 2, 1;
    if (i == 36) return fields[25].message = 1, 1; /* an earlier one */
    if (i == 37) return fields[25].message = -1, 1;
    if (i == 38) return fields[25].message = N_MESSAGES, 1;
    if (i == 39) return fields[2].message = 2, 1; /* writes into rows of table 0 and of table 1, which are shorter */
    return 0;
}

/* A chain of messages, each with one field. */
static void make_chain(uint32_t n) {
    memset(fields, 0, sizeof fields);
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = (pc_scan_field){1, i + 1 < n ? PC_SCAN_MESSAGE : PC_SCAN_UINT64, 0, (int16_t)(i + 1), -1, -1, 0};
        messages[i] = (pc_scan_message){i, 1};
    }
    widths[0] = PC_ROW_CELLS;
    plan = (pc_scan_plan){fields, messages, widths, n, n, 1};
}

static void test_plans(void) {
    int ways = 0;
    for (; spoil(ways); ways++) {
        open_tables();
        if (!EXPECT_INT(scan_bytes(&plan, (const uint8_t *)"", 0, 0), PC_ERR_ARGUMENT)) fprintf(stderr, "way %d\n", ways);
    }
    EXPECT_INT(ways, 40);
    open_tables();
    EXPECT_INT(scan_bytes(NULL, (const uint8_t *)"", 0, 0), PC_ERR_ARGUMENT);
    EXPECT_INT(scan_bytes(&plan, (const uint8_t *)"", 0, 0), 0); /* the copy as it is */

    make_chain(PC_SCAN_DEPTH);
    uint8_t nested[2 * PC_SCAN_DEPTH] = {8, 0x80}; /* a number that does not end, in the last message */
    size_t len = 2;
    for (int i = 1; i < PC_SCAN_DEPTH; i++, len += 2) {
        memmove(nested + 2, nested, len);
        nested[0] = 10;
        nested[1] = (uint8_t)len;
    }
    EXPECT_INT(scan_bytes(&plan, nested, len, 3), 1);
    EXPECT_INT(fault.code, PC_SCAN_TRUNCATED);
    EXPECT_INT(fault.offset, 3 + 2 * (PC_SCAN_DEPTH - 1));
    EXPECT_INT(fault.depth, PC_SCAN_DEPTH - 1);
    make_chain(PC_SCAN_DEPTH + 1);
    EXPECT_INT(scan_bytes(&plan, nested, len, 0), PC_ERR_ARGUMENT);

    /* as much of everything as there may be */
    pc_scan_table many[PC_SCAN_TABLES] = {{NULL, 0, SIZE_MAX, 0}};
    for (uint32_t i = 0; i < PC_SCAN_FIELDS; i++) fields[i] = (pc_scan_field){i + 1, PC_SCAN_BYTES, 0, -1, -1, -1, 0};
    for (uint32_t i = 0; i < PC_SCAN_MESSAGES; i++) messages[i] = (pc_scan_message){0, PC_SCAN_FIELDS};
    for (int i = 0; i < PC_SCAN_TABLES; i++) widths[i] = PC_SCAN_CELLS;
    fields[63] = (pc_scan_field){(1u << 29) - 1, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, PC_SCAN_CELLS - 3, 31};
    plan = (pc_scan_plan){fields, messages, widths, PC_SCAN_FIELDS, PC_SCAN_MESSAGES, PC_SCAN_TABLES};
    const int64_t place = 0;
    const pc_spans record = {NULL, 0, &place, &place, 0, 1};
    EXPECT_INT(pc_scan_records(&plan, &record, many, &fault), 0);
    EXPECT_INT((long long)many[0].rows, 1);
}

static void test_readers(void) {
    static const struct {
        const char *text;
        int repeat, readers;
    } cases[] = {
        {"980680808080808080808001", 1, 3},
        {"980680808080808080808002", 1, 1},
        {"9886808080808000.00", 1, 2},
        {"9a06818080808000.61", 1, 2},
        {"f8ffffff0f00", 1, 3},
        {"808080801000", 1, 0},
        {"9b06.00009c06", 1, 1},
        {"9b06.f8ffffff3f009c06", 1, 2},
        {"9b06.f8ffffff7f009c06", 1, 0},
        {"9b069c06", 100, 3},
        {"9b069c06", 101, 2},
        {"9b069c06", 10001, 2},
        {"9b069c06", 10002, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT_INT(readers_of(cases[i].text, cases[i].repeat), cases[i].readers);
}

static void test_arguments(void) {
    const uint8_t data[8] = {10, 1, 'a', 10, 1, 'b', 0, 0};
    int64_t start[2] = {0, 3}, end[2] = {3, 6};
    pc_spans good = {data, 6, start, end, 1, 2}, bad;
    open_tables();
    EXPECT_INT(pc_scan_records(&PLAN, &good, tables, &fault), 0);
    EXPECT_INT(pc_scan_records(&PLAN, NULL, tables, &fault), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_scan_records(&PLAN, &good, NULL, &fault), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_scan_records(&PLAN, &good, tables, NULL), PC_ERR_ARGUMENT);
    bad = good, bad.n = SIZE_MAX;
    EXPECT_INT(pc_scan_records(&PLAN, &bad, tables, &fault), PC_ERR_ARGUMENT);
    bad = good, bad.start = NULL;
    EXPECT_INT(pc_scan_records(&PLAN, &bad, tables, &fault), PC_ERR_ARGUMENT);
    bad = good, bad.end = NULL;
    EXPECT_INT(pc_scan_records(&PLAN, &bad, tables, &fault), PC_ERR_ARGUMENT);
    bad = good, bad.data = NULL;
    EXPECT_INT(pc_scan_records(&PLAN, &bad, tables, &fault), PC_ERR_ARGUMENT);
    bad = (pc_spans){NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_scan_records(&PLAN, &bad, tables, &fault), 0);
    static const int64_t places[][2] = {{-1, 3}, {4, 3}, {3, 7}, {INT64_MIN, 0}, {0, INT64_MAX}, {7, 7}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        start[1] = places[i][0], end[1] = places[i][1];
        EXPECT_INT(pc_scan_records(&PLAN, &good, tables, &fault), PC_ERR_ARGUMENT);
    }
    start[1] = end[1] = 6; /* empty, at the end */
    EXPECT_INT(pc_scan_records(&PLAN, &good, tables, &fault), 0);
    tables[1].cells = NULL;
    EXPECT_INT(pc_scan_records(&PLAN, &good, tables, &fault), PC_ERR_ARGUMENT);
    tables[1].capacity = 0;
    EXPECT_INT(pc_scan_records(&PLAN, &good, tables, &fault), 0);
}

/* ---- flags and cells --------------------------------------------------------------------------------------------------- */

static void test_flags(void) {
    enum { O = PC_SCAN_UNORDERED, M = PC_SCAN_NOT_MINIMAL, D = PC_SCAN_DEFAULT, T = PC_SCAN_TWICE, P = PC_SCAN_PACKING };
    enum { W = PC_SCAN_TOO_WIDE, B = PC_SCAN_TWO_OF_ONE, U = PC_SCAN_UNKNOWN, K = PC_SCAN_WIRE_TYPE, G = PC_SCAN_IN_GROUP };
    static const struct {
        const char *record;
        int flags;
    } cases[] = {
        {"", 0},
        {"0a0161.120162.1a00.2200.3001", 0}, /* all in order */
        {"120162.0a0161", O},                /* 2 before 1 */
        {"f80101.0a0161", U | O},            /* behind an unknown one */
        {"0a0161.f80101", U},                /* an unknown one at the end */
        {"1a00.120162.1a00", O},             /* repeated, with another between */
        {"8a000161", M},                     /* tag */
        {"0a810061", M},                     /* length */
        {"308100", M},                       /* number */
        {"30ffffffffffffffffff01", 0},       /* ten bytes, all of them needed */
        {"30ffffffffffffffffff03", M},       /* a bit above the 64th */
        {"2a028100", M},                     /* inside of packed numbers */
        {"f8810000", U},                     /* of an unknown field: kept */
        {"0a00", D},                         /* empty string */
        {"1200", D},                         /* empty bytes */
        {"3000", D},                         /* zero */
        {"2a00", D},                         /* no packed numbers */
        {"2a0100", 0},                       /* a packed zero */
        {"2200", 0},                         /* an empty message is not nothing */
        {"3800", 0},                         /* zero, but in a oneof */
        {"4200", 0},                         /* empty, but in a oneof */
        {"0a0161.0a0161", T},
        {"3001.3002", T},
        {"2200.2200", T},     /* merged */
        {"2a0101.2a0102", T}, /* packed twice */
        {"1a00.1a00", 0},     /* repeated */
        {"2801", P},          /* should be packed */
        {"2801.2a0101", P | T},
        {"800101", 0},                 /* should be single, and is */
        {"820101.01", P},              /* should be single, and is packed */
        {"70ffffffff0f", 0},           /* uint32: its highest */
        {"708080808010", W},           /* uint32: bit 32 */
        {"788180808010", W},           /* int32: bit 32 */
        {"78ffffffff0f", W},           /* int32: -1 in 32 bits */
        {"78ffffffffffffffffff01", 0}, /* int32: -1 */
        {"4802", W},                   /* bool: 2 */
        {"508080808010", W},           /* sint32 */
        {"58ffffffffffffffffff01", 0}, /* sint64: -2^63 */
        {"2a0580808080.10", W},        /* packed uint32 */
        {"3801.420161", B},            /* both of a oneof */
        {"3801.3802", T},              /* one of a oneof twice */
        {"980101.a20100", B},          /* the oneof with the highest number */
        {"3801.980101", 0},            /* two oneofs */
        {"0801", U | K},               /* string as a number */
        {"3200", U | K},               /* number as bytes */
        {"1b1c", U | K | G},           /* message as a group */
        {"f301.0801.f401", U | G},
        {"2d00000000", U | K},        /* packed varints as 32 bits */
        {"1a020801.1a021000", U | K}, /* inside of a message, merged into the record */
        {"22040a000a00", T | D},
        {"65.00000000", D},         /* fixed32 */
        {"69.0000000000000080", 0}, /* fixed64: -0.0 is no default */
        {"c23e00.c23e00", 0},       /* number 1000, repeated, empty */
        {"0a0161.c23e00.120162", O},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t faulty = scan_hex(cases[i].record);
        if (!EXPECT_INT(faulty, 0) || !EXPECT_INT(top[0][PC_ROW_FLAGS], cases[i].flags))
            fprintf(stderr, "record %s\n", cases[i].record);
        EXPECT_INT(top[0][PC_ROW_FAULT], 0);
    }
}

static void test_cells(void) {
    scan_hex("0a046162c3a9.1202ffee.1a050801.120178.1a00.2207.0a0179.1202.2007.2a03010203.300c.38ffffffffffffffffff01");
    EXPECT_INT(top[0][PC_ROW_FAULT], 0);
    EXPECT_INT(top[0][PC_ROW_PARENT], 0);
    EXPECT_INT(top[0][PC_ROW_START], 0);
    EXPECT_INT(top[0][PC_ROW_END], 46);
    EXPECT_INT(top[0][PC_ROW_NUMBER], 0);
    const int64_t wanted[] = {2, 6, 8, 10, 6, 21, 28, 23, 24, 26, 28, 7, 28, 26, 12, 35, 33, -1};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) EXPECT_INT(top[0][NAME + i], wanted[i]);
    const int64_t rows[2][INNER_WIDTH] = {{0, 12, 17, 3, 0, 0, 1, 16, 17}, {0, 19, 19, 3, 0, 0, 0, 0, 0}};
    EXPECT_INT((long long)tables[1].rows, 2);
    EXPECT(memcmp(inner, rows, sizeof rows) == 0);
    EXPECT_INT((long long)tables[2].rows, 3);
    for (int i = 0; i < 3; i++) EXPECT(numbers[i][PC_ROW_PARENT] == 0 && numbers[i][PC_ROW_VALUE] == i + 1);

    scan_hex("4805.5003.58feffffffffffffffff01.65ffffffff.69ffffffffffffffff.708180808010.788080808018");
    const int64_t values[] = {1, -2, INT64_MAX, 0xffffffff, -1, 1, INT32_MIN};
    for (int i = 0; i < 7; i++) EXPECT_INT(top[0][BOOL + i], values[i]);
    EXPECT_INT(top[0][NAME], 0); /* absent */
    EXPECT_INT(top[0][SIX + 1], 0);

    /* a row for what is there once, several fields in one table, numbers of one element each */
    scan_hex("2801.800102.8a010803000000.04000000.920102abcd.a80105");
    EXPECT_INT((long long)tables[2].rows, 5);
    for (int i = 0; i < 5; i++) EXPECT_INT(numbers[i][PC_ROW_VALUE], i + 1);
    EXPECT_INT((long long)tables[1].rows, 1);
    EXPECT_INT(inner[0][PC_ROW_NUMBER], 18);
    EXPECT_INT(inner[0][PC_ROW_END] - inner[0][PC_ROW_START], 2);

    scan_hex("0a0161.0a026263"); /* the last one counts */
    EXPECT(top[0][NAME] == 5 && top[0][NAME + 1] == 7);
    scan_hex("1a0208e5.0161"); /* of a message with a fault the row says so, and what was read stays */
    EXPECT_INT(inner[0][PC_ROW_FAULT], PC_SCAN_TRUNCATED);
}

/* ---- faults ------------------------------------------------------------------------------------------------------------ */

static void test_faults(void) {
    enum { TRUNCATED = PC_SCAN_TRUNCATED, LONG = PC_SCAN_LONG_NUMBER, TAG = PC_SCAN_BAD_TAG };
    enum { GROUP = PC_SCAN_BAD_GROUP, UTF8 = PC_SCAN_NOT_UTF8 };
    static const struct {
        const char *record;
        int code, offset;
        uint32_t depth, path[3];
    } cases[] = {
        {"80", TRUNCATED, 0, 0, {0}},                       /* in a tag */
        {"3001.0a", TRUNCATED, 2, 0, {0}},                  /* in a length */
        {"3001.0a026f", TRUNCATED, 2, 0, {0}},              /* in content */
        {"3080", TRUNCATED, 0, 0, {0}},                     /* in a number */
        {"30ffffffffffffffffff", TRUNCATED, 0, 0, {0}},     /* after nine bytes of one */
        {"69.00000000000000", TRUNCATED, 0, 0, {0}},        /* in eight bytes */
        {"65.000000", TRUNCATED, 0, 0, {0}},                /* in four */
        {"f301.0801", TRUNCATED, 0, 0, {0}},                /* in a group */
        {"f301.0a05", TRUNCATED, 0, 0, {0}},                /* in a field of a group */
        {"0affffffff07.61", TRUNCATED, 0, 0, {0}},          /* a length of 2^31 - 1 */
        {"0affffffff7f.61", TRUNCATED, 0, 0, {0}},          /* of 2^35 - 1 */
        {"0a808080808000.61", LONG, 0, 0, {0}},             /* a length in six bytes */
        {"30ffffffffffffffffffff01", LONG, 0, 0, {0}},      /* a number in eleven */
        {"2a0b.ffffffffffffffffffff01", LONG, 2, 1, {5}},   /* a packed one */
        {"30ffffffffffffffffffff", LONG, 0, 0, {0}},        /* ten bytes, none of them the last */
        {"0a8080808080", LONG, 0, 0, {0}},                  /* five of a length */
        {"8080808080", TAG, 0, 0, {0}},                     /* five of a tag */
        {"3080808080", TRUNCATED, 0, 0, {0}},               /* four of a number */
        {"3001.2a03.0102ff", TRUNCATED, 6, 1, {5}},         /* the last packed one */
        {"8a0105.0000000000", TRUNCATED, 7, 1, {17}},       /* packed four bytes, of which one is there */
        {"00", TAG, 0, 0, {0}},                             /* number 0 */
        {"0200", TAG, 0, 0, {0}},                           /* as bytes */
        {"03.04", TAG, 0, 0, {0}},                          /* as a group */
        {"3001.0e", TAG, 2, 0, {0}},                        /* wire type 6 */
        {"3001.0f", TAG, 2, 0, {0}},                        /* wire type 7 */
        {"f301.0e.f401", TAG, 0, 0, {0}},                   /* in a group */
        {"8a8080808000.0161", TAG, 0, 0, {0}},              /* a tag in six bytes */
        {"f8ffffff1f.00", TAG, 0, 0, {0}},                  /* a number of 30 bits */
        {"0c", GROUP, 0, 0, {0}},                           /* an end without a start */
        {"f301.fc01", GROUP, 0, 0, {0}},                    /* another number's end */
        {"f301.0b.f401.0c", GROUP, 0, 0, {0}},              /* crossed */
        {"0a01ff", UTF8, 2, 1, {1}},                        /* in the record */
        {"0a0161.1a041202c3.28", UTF8, 7, 2, {3, 2}},       /* in a row's message */
        {"3001.2205.1203.2205ff", TRUNCATED, 6, 2, {4, 2}}, /* in a message in a message */
        {"2207.0a0161.1202.2080", TRUNCATED, 7, 2, {4, 2}}, /* the same, at its end */
        {"220c", TRUNCATED, 0, 0, {0}},                     /* a message longer than the record */
        {"2202.0a05.6161616161", TRUNCATED, 2, 1, {4}},     /* a string that leaves its message, not the record */
        {"420180", UTF8, 2, 1, {8}},                        /* checked, not kept */
        {"c23e01ff", UTF8, 3, 1, {1000}},                   /* repeated */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[64];
        const size_t len = from_hex(cases[i].record, bytes), base = i % 3 * 7;
        open_tables();
        int ok = EXPECT_INT(scan_bytes(&PLAN, bytes, len, base), 1);
        ok &= EXPECT_INT(top[0][PC_ROW_FAULT], cases[i].code) & EXPECT_INT(fault.code, cases[i].code);
        ok &= EXPECT_INT(fault.offset, (long long)base + cases[i].offset) & EXPECT_INT(fault.record, 0);
        ok &= EXPECT_INT(fault.depth, cases[i].depth);
        ok &= EXPECT(memcmp(fault.path, cases[i].path, cases[i].depth * sizeof *fault.path) == 0);
        if (!ok) fprintf(stderr, "record %s\n", cases[i].record);
    }
}

/* Every prefix of a record is a message or truncated, and the fault of several records is the first one's. */
static void test_truncation(void) {
    static const char whole[] = "0a046162c3a9.1202ffee.1a050801.120178.2207.0a0179.1202.2007.2a03010203.300c.f301.0801.f401";
    uint8_t bytes[64];
    const size_t len = from_hex(whole, bytes);
    int sound = 0;
    for (size_t n = 0; n <= len; n++) {
        open_tables();
        if (scan_bytes(&PLAN, bytes, n, 0) == 0) {
            sound++;
        } else {
            EXPECT(fault.code == PC_SCAN_TRUNCATED || (n == 5 && fault.code == PC_SCAN_NOT_UTF8));
        }
    }
    EXPECT_INT(sound, 8); /* nothing, and behind each of the seven fields */
    const uint8_t data[] = {0x0a, 1, 'a', 0x0a, 1, 0xff, 0x0a, 9};
    const int64_t start[] = {0, 6, 3, 0}, end[] = {3, 8, 6, 3};
    const pc_spans records = {data, sizeof data, start, end, 1, 4};
    open_tables();
    EXPECT_INT(pc_scan_records(&PLAN, &records, tables, &fault), 2);
    EXPECT(fault.record == 1 && fault.code == PC_SCAN_TRUNCATED && fault.offset == 6);
    EXPECT(top[0][PC_ROW_FAULT] == 0 && top[2][PC_ROW_FAULT] == PC_SCAN_NOT_UTF8 && top[3][PC_ROW_PARENT] == 3);
}

/* ---- edges of numbers and groups -------------------------------------------------------------------------------------- */

/* A number in every length, as value, and as a tag's and a length's number. */
static void test_varints(void) {
    for (int n = 1; n <= 12; n++) {
        for (int last = 0; last < 128; last++) {
            uint8_t bytes[16] = {0x30};
            uint64_t value = 0;
            for (int i = 0; i < n; i++) {
                const uint64_t part = i + 1 < n ? (uint64_t)(7 * i + n) & 0x7f : (uint64_t)last;
                bytes[1 + i] = (uint8_t)(part | (i + 1 < n ? 0x80 : 0));
                if (i < 10) value |= part << (7 * i);
            }
            open_tables();
            EXPECT_INT(scan_bytes(&PLAN, bytes, (size_t)n + 1, 0), n > 10);
            if (n > 10) {
                EXPECT_INT(fault.code, PC_SCAN_LONG_NUMBER);
                continue;
            }
            EXPECT(top[0][SIX] == (int64_t)value && top[0][SIX + 1] == n + 1 && top[0][SIX + 2] == 0);
            const int minimal = n == 1 || (last != 0 && (n < 10 || last == 1));
            EXPECT_INT(top[0][PC_ROW_FLAGS], (minimal ? 0 : PC_SCAN_NOT_MINIMAL) | (value ? 0 : PC_SCAN_DEFAULT));
        }
    }
    EXPECT_INT(scan_hex("b080808000.01"), 0);
    EXPECT_INT(top[0][PC_ROW_FLAGS], PC_SCAN_NOT_MINIMAL);
    EXPECT_INT(scan_hex("0a8180808000.61"), 0);
    EXPECT_INT(top[0][PC_ROW_FLAGS], PC_SCAN_NOT_MINIMAL);
    EXPECT_INT(scan_hex("f8ffffff0f.00"), 0); /* the highest number */
    EXPECT_INT(top[0][PC_ROW_FLAGS], PC_SCAN_UNKNOWN);
}

/* `depth` groups in `around` messages: levels are counted together. */
static int64_t scan_groups(int depth, int around) {
    uint8_t bytes[600];
    size_t len = (size_t)(2 * depth);
    memset(bytes, 0x7b, (size_t)depth); /* field 15 */
    memset(bytes + depth, 0x7c, (size_t)depth);
    for (int i = 0; i < around; i++) {
        memmove(bytes + 3, bytes, len);
        bytes[0] = i + 1 == around ? 0x22 : 0x12;
        bytes[1] = (uint8_t)(len & 0x7f) | 0x80;
        bytes[2] = (uint8_t)(len >> 7);
        len += 3;
    }
    open_tables();
    return scan_bytes(&PLAN, bytes, len, 0);
}

static void test_groups(void) {
    for (int around = 0; around <= 2; around++) {
        for (int depth = 1; depth <= 100 - around; depth++) EXPECT_INT(scan_groups(depth, around), 0);
        EXPECT(top[0][PC_ROW_FLAGS] & PC_SCAN_IN_GROUP);
        EXPECT_INT(scan_groups(101 - around, around), 1);
        EXPECT_INT(fault.code, PC_SCAN_BAD_GROUP);
        EXPECT_INT(fault.depth, around);
    }
    uint8_t after[6 + 200] = {0x22, 0x02, 0x12, 0x00, 0x22, 0x00}; /* messages that are over take no levels */
    memset(after + 6, 0x7b, 100), memset(after + 106, 0x7c, 100);
    open_tables();
    EXPECT_INT(scan_bytes(&PLAN, after, sizeof after, 0), 0);
    EXPECT_INT(scan_hex("f301.0001.0200.f401"), 0); /* field 0 inside of one, as upb has it */
    EXPECT_INT(scan_hex("f301.888000.818080.80800000.f401"), 1);
    EXPECT_INT(scan_hex("f301.088100.1281.0061.1900000000.00000000.2500000000.2b2c.f401"), 0);
    EXPECT_INT(top[0][PC_ROW_FLAGS], PC_SCAN_UNKNOWN | PC_SCAN_IN_GROUP); /* no numbers of a group are flagged */
}

/* ---- tables that are too small ----------------------------------------------------------------------------------------- */

/* Three records: two rows of table 1 each, one number, three numbers. */
static void test_room(void) {
    uint8_t data[64];
    const size_t one = from_hex("1a020801.1a020802.2a0107", data), two = from_hex("1a020803.2a03010203", data + one);
    const int64_t start[] = {0, (int64_t)one, 0}, end[] = {(int64_t)one, (int64_t)(one + two), (int64_t)one};
    const pc_spans records = {data, one + two, start, end, 1, 3};
    for (size_t room = 0; room <= 6; room++) {
        int64_t *wide = memory(room * sizeof *inner), *narrow = memory(room * sizeof *numbers);
        int64_t *records_of = memory((room / 2) * sizeof *top); /* of exactly this size */
        open_tables();
        tables[0] = (pc_scan_table){records_of, room / 2, SIZE_MAX, 0};
        tables[1] = (pc_scan_table){wide, room, SIZE_MAX, 0};
        tables[2] = (pc_scan_table){narrow, room, SIZE_MAX, 0};
        EXPECT_INT(pc_scan_records(&PLAN, &records, tables, &fault), 0);
        EXPECT(tables[0].rows == 3 && tables[1].rows == 5 && tables[2].rows == 5);
        const int64_t values[] = {7, 1, 2, 3, 7}, parents[] = {0, 1, 1, 1, 2}, inside[] = {1, 2, 3, 1, 2};
        for (size_t i = 0; i < room && i < 5; i++) {
            EXPECT(narrow[2 * i] == parents[i] && narrow[2 * i + 1] == values[i]);
            EXPECT_INT(wide[i * INNER_WIDTH + INNER], inside[i]);
        }
        free(wide), free(narrow), free(records_of);
    }
    /* at most two numbers: the second record is left with none, and no row of another table either */
    open_tables();
    tables[2].most = 2;
    EXPECT_INT(pc_scan_records(&PLAN, &records, tables, &fault), 0);
    EXPECT(tables[1].rows == 4 && tables[2].rows == 2);
    EXPECT(top[0][PC_ROW_FLAGS] == 0 && top[1][PC_ROW_FLAGS] == PC_SCAN_OVERFLOW && top[2][PC_ROW_FLAGS] == 0);
    EXPECT(numbers[1][PC_ROW_PARENT] == 2 && inner[2][PC_ROW_PARENT] == 2 && inner[3][INNER] == 2);
    open_tables();
    tables[1].most = tables[2].most = 0;
    EXPECT_INT(pc_scan_records(&PLAN, &records, tables, &fault), 0);
    EXPECT(tables[1].rows == 0 && tables[2].rows == 0 && top[2][PC_ROW_FLAGS] == PC_SCAN_OVERFLOW);
    open_tables();
    tables[1].most = 2, tables[2].most = 3;
    EXPECT_INT(pc_scan_records(&PLAN, &records, tables, &fault), 0);
    EXPECT(tables[1].rows == 5 && tables[2].rows == 5);
}

int main(void) {
    test_plans();
    test_readers();
    test_arguments();
    test_flags();
    test_cells();
    test_faults();
    test_truncation();
    test_varints();
    test_groups();
    test_room();
    return test_report("wire");
}
