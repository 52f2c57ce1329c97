/* test_write.c - records written from columns: every notation by its definition, memory of exactly the size that is asked for, and
 * every argument that is refused. */
#include "../core/arguments.h"
#include "../pycore.h"
#include "check_test.h"

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* One record of one part over `text`, in memory of exactly its size; a part that is a number takes `a`. */
static int writes(int kind, int64_t a, const void *text, size_t len, const void *wanted, size_t size) {
    uint8_t *exact = memory(len);
    memcpy(exact, text, len);
    const int number = kind >= PC_WRITE_BE32 && kind <= PC_WRITE_VARINT, literal = kind == PC_WRITE_LITERAL;
    const int64_t from = number ? a : 0, to = (int64_t)len;
    const pc_write_part part = {(uint32_t)kind, 0, &from, &to, 0, NULL, literal ? exact : NULL, literal ? len : 0};
    const pc_write_table table = {&part, 1, 1};
    const pc_writing writing = {&table, 1, literal ? NULL : exact, literal ? 0 : len};
    int64_t sizes[1];
    int good = EXPECT_INT(pc_write_sizes(&writing, 0, 1, sizes), (long long)size) && EXPECT_INT(sizes[0], (long long)size);
    uint8_t *out = memory(size);
    const int64_t offsets[2] = {0, (int64_t)size}, less[2] = {0, (int64_t)size - 1}, more[2] = {0, (int64_t)size + 1};
    good &= EXPECT_INT(pc_write_records(&writing, 0, 1, offsets, out, size), (long long)size);
    good &= EXPECT(memcmp(out, wanted, size) == 0);
    if (size) good &= EXPECT_INT(pc_write_records(&writing, 0, 1, less, out, size), PC_ERR_ARGUMENT);
    uint8_t *wide = memory(size + 1);
    good &= EXPECT_INT(pc_write_records(&writing, 0, 1, more, wide, size + 1), PC_ERR_ARGUMENT);
    free(wide), free(out), free(exact);
    if (!good) fprintf(stderr, "  kind %d, number %lld, %zu bytes\n", kind, (long long)a, len);
    return good;
}

#define WRITES(kind, text, wanted) writes(kind, 0, text, sizeof(text) - 1, wanted, sizeof(wanted) - 1)
#define NUMBER(kind, a, wanted)    writes(kind, a, "", 0, wanted, sizeof(wanted) - 1)

static void test_numbers(void) {
    NUMBER(PC_WRITE_BE32, 0x01020304, "\1\2\3\4");
    NUMBER(PC_WRITE_LE32, 0x01020304, "\4\3\2\1");
    NUMBER(PC_WRITE_BE32, -2, "\xff\xff\xff\xfe");
    NUMBER(PC_WRITE_LE32, 0x7f0102030405, "\5\4\3\2");
    NUMBER(PC_WRITE_BE64, 0x0102030405060708, "\1\2\3\4\5\6\7\10");
    NUMBER(PC_WRITE_LE64, 0x0102030405060708, "\10\7\6\5\4\3\2\1");
    NUMBER(PC_WRITE_LE64, -1, "\xff\xff\xff\xff\xff\xff\xff\xff");
    static const int64_t edges[] = {0,
                                    1,
                                    9,
                                    10,
                                    99,
                                    100,
                                    -1,
                                    -9,
                                    -10,
                                    INT32_MAX,
                                    INT32_MIN,
                                    INT64_MAX,
                                    INT64_MIN,
                                    1000000000000,
                                    INT64_MIN + 1,
                                    127,
                                    128,
                                    16383,
                                    16384,
                                    -128};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        char text[24];
        writes(PC_WRITE_DECIMAL, edges[i], "", 0, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)edges[i]));
        uint8_t bytes[10];
        size_t n = 0;
        uint64_t v = (uint64_t)edges[i];
        do bytes[n++] = (uint8_t)(v % 128 + (v / 128 ? 128 : 0));
        while (v /= 128);
        writes(PC_WRITE_VARINT, edges[i], "", 0, bytes, n);
    }
}

static void test_bytes(void) {
    WRITES(PC_WRITE_LITERAL, "", "");
    WRITES(PC_WRITE_LITERAL, "ab", "ab");
    WRITES(PC_WRITE_BYTES, "", "");
    WRITES(PC_WRITE_BYTES, "a\0b", "a\0b");
    WRITES(PC_WRITE_BE64_SIZED, "", "\0\0\0\0\0\0\0\0");
    WRITES(PC_WRITE_BE64_SIZED, "abc", "\0\0\0\0\0\0\0\3abc");
    WRITES(PC_WRITE_VARINT_SIZED, "", "\0");
    WRITES(PC_WRITE_VARINT_SIZED, "abc", "\3abc");
    static uint8_t text[300], sized[302] = {0xac, 0x02};
    test_fill(text, sizeof text);
    memcpy(sized + 2, text, sizeof text);
    writes(PC_WRITE_VARINT_SIZED, 0, text, sizeof text, sized, sizeof sized);
    WRITES(PC_WRITE_HEX, "", "");
    WRITES(PC_WRITE_HEX, "\0\x9a\xff", "009aff");
    /* RFC 4648, section 10 */
    WRITES(PC_WRITE_BASE64, "", "");
    WRITES(PC_WRITE_BASE64, "f", "Zg==");
    WRITES(PC_WRITE_BASE64, "fo", "Zm8=");
    WRITES(PC_WRITE_BASE64, "foo", "Zm9v");
    WRITES(PC_WRITE_BASE64, "foob", "Zm9vYg==");
    WRITES(PC_WRITE_BASE64, "fooba", "Zm9vYmE=");
    WRITES(PC_WRITE_BASE64, "foobar", "Zm9vYmFy");
    WRITES(PC_WRITE_BASE64, "\xfb\xff\xbf", "+/+/");
    WRITES(PC_WRITE_JSON_BASE64, "", "\"\"");
    WRITES(PC_WRITE_JSON_BASE64, "foob", "\"Zm9vYg==\"");
}

/* By the definition, character by character: what `len` bytes become; the bytes of the answer. */
static size_t json(const uint8_t *p, size_t len, int short_names, char *out) {
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < len;) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        const size_t size = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
        uint32_t point = size == 1 ? p[i] : size ? p[i] & (0x7fu >> size) : 0;
        int sound = size && size <= len - i;
        for (size_t k = 1; sound && k < size; k++) {
            sound = p[i + k] >> 6 == 2;
            point = point << 6 | (p[i + k] & 0x3f);
        }
        sound = sound && point >= least[size] && point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000);
        const char *named = sound && point ? strchr("\"\\\n\r\t\b\f", (int)(point < 0x80 ? point : 1)) : NULL;
        if (named && !short_names && (point == '\b' || point == '\f')) named = NULL;
        if (!sound) {
            at += sprintf(at, "\\ufffd");
            i++;
            continue;
        }
        if (named)
            at += sprintf(at, "\\%c", "\"\\nrtbf"[strchr("\"\\\n\r\t\b\f", (int)point) - "\"\\\n\r\t\b\f"]);
        else if (point < 0x20 || point == '<' || point == '>' || point == '&' || point == 0x2028 || point == 0x2029)
            at += sprintf(at, "\\u%04x", (unsigned)point);
        else
            memcpy(at, p + i, size), at += size;
        i += size;
    }
    *at++ = '"';
    return (size_t)(at - out);
}

static void test_json(void) {
    WRITES(PC_WRITE_JSON, "", "\"\"");
    WRITES(PC_WRITE_JSON, "a\"\\\n\r\t\b\f\x01\x1f\x7f", "\"a\\\"\\\\\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\"");
    WRITES(PC_WRITE_JSON_BF, "\b\f\x01", "\"\\b\\f\\u0001\"");
    WRITES(PC_WRITE_JSON, "<&>\0", "\"\\u003c\\u0026\\u003e\\u0000\"");
    WRITES(PC_WRITE_JSON, "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\\u2028\\u2029\xe2\x80\xaa\"");
    WRITES(PC_WRITE_JSON, "\xff\xe2\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    WRITES(PC_WRITE_JSON, "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    uint8_t text[40];
    char wanted[40 * 6 + 3];
    for (int round = 0; round < (THOROUGH ? 200000 : 20000); round++) {
        static const uint8_t odd[] = {'"', '\\', '<', '>', '&', 0, 8, 9, 12, 0x1f, 0x20, 0x7f, 0x80, 0xa8, 0xe2, 0xed, 0xf4};
        const size_t len = (size_t)(test_random() % sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)(test_random() % 12 ? 0x21 + test_random() % 0x5e : test_random());
        for (size_t i = 0; i < len && round % 3; i += 1 + test_random() % 9) text[i] = odd[test_random() % sizeof odd];
        const int kind = round & 1 ? PC_WRITE_JSON : PC_WRITE_JSON_BF;
        const size_t size = json(text, len, kind == PC_WRITE_JSON_BF, wanted);
        if (!writes(kind, 0, text, len, wanted, size)) break;
    }
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

/* Three records in two pieces each: "(", some of them a number, its rows "[" in hexadecimal, and for each row its own rows;
 * then, behind the split, a word and ")". */
enum { RECORDS = 3, ROWS = 4, LEAVES = 3, TABLES = 3, PARTS = 6, PIECES = 2 * RECORDS };
static const char WANTED[] = "(-12\0\0\0\0\0\0\0\2[ab][b#]yz)"
                             "(\0\0\0\0\0\0\0\0z)"
                             "(7\0\0\0\0\0\0\0\2[][a##])";
static const int64_t OFFSETS[PIECES + 1] = {0, 20, 23, 32, 34, 51, 52};
static int64_t numbers[RECORDS], words[RECORDS][2], rows[ROWS][3], leaves[LEAVES];
static uint8_t where[RECORDS];
static uint8_t *data;
static pc_write_part top[PARTS], middle[4], bottom[1];
static pc_write_table tables[TABLES];
static pc_writing writing;
static const uint8_t OPEN[] = "(", CLOSE[] = ")", FROM[] = "[", TO[] = "]", MARK[] = "#";

static pc_write_part text(const uint8_t *bytes) {
    return (pc_write_part){.kind = PC_WRITE_LITERAL, .text = bytes, .size = 1};
}

static void open_writing(void) {
    static const int64_t all_numbers[RECORDS] = {-12, 99, 7}, all_words[RECORDS][2] = {{2, 4}, {3, 4}, {0, 0}},
                         all_rows[ROWS][3] = {{0, 0, 2}, {0, 1, 2}, {2, 0, 0}, {2, 0, 1}}, all_leaves[LEAVES] = {1, 3, 3};
    memcpy(numbers, all_numbers, sizeof numbers), memcpy(words, all_words, sizeof words);
    memcpy(rows, all_rows, sizeof rows), memcpy(leaves, all_leaves, sizeof leaves);
    memcpy(data, "abyz", 4);
    memcpy(where, "\1\0\1", RECORDS);
    top[0] = text(OPEN);
    top[1] = (pc_write_part){.kind = PC_WRITE_DECIMAL, .a = numbers, .stride = 1, .where = where};
    top[2] = (pc_write_part){.kind = PC_WRITE_BE64_ROWS, .table = 1, .a = rows[0], .stride = 3};
    top[3] = (pc_write_part){.kind = PC_WRITE_SPLIT};
    top[4] = (pc_write_part){.kind = PC_WRITE_BYTES, .a = words[0], .b = words[0] + 1, .stride = 2};
    top[5] = text(CLOSE);
    middle[0] = text(FROM);
    middle[1] = (pc_write_part){.kind = PC_WRITE_BYTES, .a = rows[0] + 1, .b = rows[0] + 2, .stride = 3};
    middle[2] = (pc_write_part){.kind = PC_WRITE_ROWS, .table = 2, .a = leaves, .stride = 1};
    middle[3] = text(TO);
    bottom[0] = text(MARK);
    tables[0] = (pc_write_table){top, 6, RECORDS};
    tables[1] = (pc_write_table){middle, 4, ROWS};
    tables[2] = (pc_write_table){bottom, 1, LEAVES};
    writing = (pc_writing){tables, TABLES, data, 4};
}

static void test_records(void) {
    open_writing();
    enum { TOTAL = sizeof WANTED - 1 };
    int64_t sizes[PIECES];
    uint8_t *out = memory(TOTAL);
    EXPECT_INT(TOTAL, OFFSETS[PIECES]);
    EXPECT_INT(pc_write_sizes(&writing, 0, RECORDS, sizes), TOTAL);
    for (int i = 0; i < PIECES; i++) EXPECT_INT(sizes[i], OFFSETS[i + 1] - OFFSETS[i]);
    memset(out, 0x55, TOTAL);
    EXPECT_INT(pc_write_records(&writing, 0, RECORDS, OFFSETS, out, TOTAL), TOTAL);
    EXPECT(memcmp(out, WANTED, TOTAL) == 0);
    for (size_t from = 0; from <= RECORDS; from++)
        for (size_t to = from; to <= RECORDS; to++) { /* some alone */
            const int64_t *offsets = OFFSETS + 2 * from, size = OFFSETS[2 * to] - *offsets;
            memset(out, 0x55, TOTAL);
            EXPECT_INT(pc_write_sizes(&writing, from, to - from, sizes), size);
            EXPECT_INT(pc_write_records(&writing, from, to - from, offsets, out, TOTAL), size);
            EXPECT(memcmp(out + *offsets, WANTED + *offsets, (size_t)size) == 0);
            EXPECT((!*offsets || out[*offsets - 1] == 0x55) && (*offsets + size == TOTAL || out[*offsets + size] == 0x55));
        }
    EXPECT_INT(pc_write_sizes(&writing, 0, 0, NULL), 0);
    EXPECT_INT(pc_write_records(&writing, RECORDS, 0, NULL, NULL, 0), 0);
    const pc_write_table nothing = {NULL, 0, 1};
    const pc_writing empty = {&nothing, 1, NULL, 0};
    const int64_t none[2] = {0, 0};
    EXPECT_INT(pc_write_sizes(&empty, 0, 1, sizes), 0);
    EXPECT_INT(pc_write_records(&empty, 0, 1, none, NULL, 0), 0);
    free(out);
}

/* What no call takes: way i; 0 when there is no such way. */
static int spoil(int i) {
    open_writing();
    int way = 0;
#define WAY(...)                                                                                                            \
    if (i == way++) {                                                                                                       \
        __VA_ARGS__;                                                                                                        \
        return 1;                                                                                                           \
    }
    WAY(writing.tables = NULL)
    WAY(writing.count = 0)
    WAY(writing.count = 1)
    WAY(writing.count = 2)
    WAY(writing.count = PC_WRITE_TABLES + 1)
    WAY(writing.data = NULL)
    WAY(writing.size = SIZE_MAX)
    WAY(writing.size = 3)
    WAY(tables[0].n = RECORDS - 1)
    WAY(tables[0].parts = NULL)
    WAY(tables[0].count = PC_WRITE_PARTS + 1)
    WAY(tables[1].n = (size_t)PC_MAX_ITEMS + 1)
    WAY(tables[2].parts = NULL)
    WAY(top[0].text = NULL)
    WAY(top[0].size = SIZE_MAX)
    WAY(top[1].a = NULL)
    WAY(top[1].kind = PC_WRITE_KINDS)
    WAY(top[1].kind = UINT32_MAX)
    WAY(top[4].b = NULL)
    WAY(top[4].a = NULL)
    WAY(words[1][0] = -1)
    WAY(words[1][0] = 5)
    WAY(words[0][1] = 5)
    WAY(words[0][1] = INT64_MAX)
    WAY(words[0][0] = INT64_MIN)
    WAY(rows[1][2] = 5)
    WAY(top[2].a = NULL)
    WAY(top[2].table = 0)
    WAY(top[2].table = TABLES)
    WAY(top[2].table = UINT32_MAX)
    WAY(top[2].where = where)
    WAY(top[3].where = where)
    WAY(middle[2].table = 0)
    WAY(middle[2].table = 1)
    WAY(middle[3] = (pc_write_part){.kind = PC_WRITE_SPLIT})
    WAY(middle[3] = middle[2])
    WAY(top[5] = middle[2])
    WAY(rows[3][0] = 3)
    WAY(rows[3][0] = 1)
    WAY(rows[1][0] = -1)
    WAY(leaves[2] = 4)
    WAY(leaves[2] = 2)
    return 0;
}

static void test_bad_writings(void) {
    int64_t sizes[PIECES + 2];
    enum { TOTAL = sizeof WANTED - 1 };
    uint8_t *out = memory(TOTAL);
    int ways = 0;
    for (; spoil(ways); ways++) {
        if (!EXPECT_INT(pc_write_sizes(&writing, 0, RECORDS, sizes), PC_ERR_ARGUMENT) ||
            !EXPECT_INT(pc_write_records(&writing, 0, RECORDS, OFFSETS, out, TOTAL), PC_ERR_ARGUMENT))
            fprintf(stderr, "  way %d\n", ways);
    }
    open_writing();
    EXPECT_INT(pc_write_sizes(NULL, 0, RECORDS, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&writing, 0, RECORDS, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&writing, 0, SIZE_MAX, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&writing, SIZE_MAX, 2, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&writing, 1, RECORDS, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(NULL, 0, RECORDS, OFFSETS, out, TOTAL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&writing, 0, RECORDS, NULL, out, TOTAL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&writing, 0, RECORDS, OFFSETS, NULL, TOTAL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&writing, 0, RECORDS, OFFSETS, out, TOTAL - 1), PC_ERR_ARGUMENT);
    for (int place = 0; place <= PIECES; place++)
        for (int step = -1; step <= 1; step += 2) {
            int64_t wrong[PIECES + 1];
            memcpy(wrong, OFFSETS, sizeof wrong);
            wrong[place] += step;
            EXPECT_INT(pc_write_records(&writing, 0, RECORDS, wrong, out, TOTAL), PC_ERR_ARGUMENT);
            wrong[place] = step < 0 ? INT64_MIN : INT64_MAX;
            EXPECT_INT(pc_write_records(&writing, 0, RECORDS, wrong, out, TOTAL), PC_ERR_ARGUMENT);
        }
    free(out);
}

int main(void) {
    data = memory(4);
    test_numbers();
    test_bytes();
    test_json();
    test_records();
    test_bad_writings();
    free(data);
    return test_report("write");
}
