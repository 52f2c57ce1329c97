/* test_write.c - records written from pieces: every notation by its definition, memory of exactly the size that is asked for, and
 * every argument that is refused. */
#include "../pycore.h"
#include "check_test.h"

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* One record of one piece over `text`, in memory of exactly its size; a piece of a number takes `a`. */
static int writes(int kind, int64_t a, const void *text, size_t len, const void *wanted, size_t size) {
    uint8_t *exact = memory(len);
    memcpy(exact, text, len);
    const uint8_t kinds[1] = {(uint8_t)kind};
    const int number = kind >= PC_WRITE_BE32 && kind <= PC_WRITE_VARINT;
    const int64_t from = number ? a : 0, to = (int64_t)len, first[2] = {0, 1};
    const int literal = kind == PC_WRITE_LITERAL;
    const pc_pieces pieces = {
        kinds, &from, &to, 1, literal ? NULL : exact, literal ? exact : NULL, literal ? 0 : len, literal ? len : 0};
    int64_t sizes[1];
    int good =
        EXPECT_INT(pc_write_sizes(&pieces, first, 1, sizes), (long long)size) && EXPECT_INT(sizes[0], (long long)size);
    uint8_t *out = memory(size);
    const int64_t offsets[2] = {0, (int64_t)size}, less[2] = {0, (int64_t)size - 1}, more[2] = {0, (int64_t)size + 1};
    good &= EXPECT_INT(pc_write_records(&pieces, first, 1, offsets, out, size), (long long)size);
    good &= EXPECT(memcmp(out, wanted, size) == 0);
    if (size) good &= EXPECT_INT(pc_write_records(&pieces, first, 1, less, out, size), PC_ERR_ARGUMENT);
    uint8_t *wide = memory(size + 1);
    good &= EXPECT_INT(pc_write_records(&pieces, first, 1, more, wide, size + 1), PC_ERR_ARGUMENT);
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

enum { PIECES = 7, RECORDS = 4 };
static const uint8_t KINDS[PIECES] = {PC_WRITE_LITERAL, PC_WRITE_DECIMAL, PC_WRITE_BYTES,  PC_WRITE_HEX,
                                      PC_WRITE_JSON,    PC_WRITE_BE32,    PC_WRITE_LITERAL};
static const int64_t FIRST[RECORDS + 1] = {0, 3, 3, 6, 7};
static const char WANTED[] = "(-12yz";
static const int64_t SIZES[RECORDS] = {6, 0, 15, 1};
static int64_t a[PIECES], b[PIECES], first[RECORDS + 1];
static uint8_t kinds[PIECES];
static uint8_t *data, *literals;
static pc_pieces pieces;

static void open_pieces(void) {
    static const int64_t from[PIECES] = {0, -12, 1, 2, 4, 7, 1}, to[PIECES] = {1, 0, 3, 3, 6, 0, 2};
    memcpy(a, from, sizeof a), memcpy(b, to, sizeof b), memcpy(kinds, KINDS, sizeof kinds),
        memcpy(first, FIRST, sizeof first);
    memcpy(data, "ayzbx>", 6);
    memcpy(literals, "()", 2);
    pieces = (pc_pieces){kinds, a, b, PIECES, data, literals, 6, 2};
}

static void test_records(void) {
    open_pieces();
    int64_t sizes[RECORDS], offsets[RECORDS + 1] = {0};
    uint8_t *out = memory(22);
    EXPECT_INT(pc_write_sizes(&pieces, first, RECORDS, sizes), 22);
    for (int i = 0; i < RECORDS; i++) {
        EXPECT_INT(sizes[i], SIZES[i]);
        offsets[i + 1] = offsets[i] + sizes[i];
    }
    memset(out, 0, 22);
    EXPECT_INT(pc_write_records(&pieces, first, RECORDS, offsets, out, 22), 22);
    EXPECT(memcmp(out, WANTED, 6) == 0 && memcmp(out + 6, "7a\"x\\u003e\"\0\0\0\7)", 15) == 0);
    memset(out, 0x55, 22); /* the third alone */
    EXPECT_INT(pc_write_records(&pieces, first + 2, 1, offsets + 2, out, 22), 15);
    EXPECT(out[5] == 0x55 && out[21] == 0x55 && memcmp(out + 6, "7a\"x\\u003e\"\0\0\0\7", 15) == 0);
    EXPECT_INT(pc_write_sizes(&pieces, NULL, 0, NULL), 0);
    EXPECT_INT(pc_write_records(&pieces, NULL, 0, NULL, NULL, 0), 0);
    const pc_pieces none = {NULL, NULL, NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_write_sizes(&none, FIRST, 0, sizes), 0);
    free(out);
}

/* What no call takes: way i; 0 when there is no such way. */
static int spoil(int i) {
    open_pieces();
    if (i == 0) return pieces.n = SIZE_MAX, 1;
    if (i == 1) return pieces.kind = NULL, 1;
    if (i == 2) return pieces.a = NULL, 1;
    if (i == 3) return pieces.b = NULL, 1;
    if (i == 4) return pieces.data = NULL, 1;
    if (i == 5) return pieces.literals = NULL, 1;
    if (i == 6) return pieces.size = SIZE_MAX, 1;
    if (i == 7) return pieces.literals_size = SIZE_MAX, 1;
    if (i == 8) return pieces.n = PIECES - 1, 1;
    if (i == 9) return kinds[5] = PC_WRITE_KINDS, 1;
    if (i == 10) return kinds[5] = 255, 1;
    if (i == 11) return a[2] = -1, 1;
    if (i == 12) return a[2] = 4, 1;
    if (i == 13) return b[4] = 7, 1;
    if (i == 14) return b[4] = INT64_MAX, 1;
    if (i == 15) return a[4] = INT64_MIN, 1;
    if (i == 16) return b[6] = 3, 1;
    if (i == 17) return first[0] = -1, 1;
    if (i == 18) return first[1] = 2, first[2] = 1, 1;
    if (i == 19) return first[4] = PIECES + 1, 1;
    if (i == 20) return first[1] = INT64_MAX, 1;
    return 0;
}

static void test_bad_pieces(void) {
    int64_t sizes[RECORDS];
    const int64_t offsets[RECORDS + 1] = {0, 6, 6, 21, 22};
    uint8_t *out = memory(22);
    int ways = 0;
    for (; spoil(ways); ways++) {
        if (!EXPECT_INT(pc_write_sizes(&pieces, first, RECORDS, sizes), PC_ERR_ARGUMENT) ||
            !EXPECT_INT(pc_write_records(&pieces, first, RECORDS, offsets, out, 22), PC_ERR_ARGUMENT))
            fprintf(stderr, "  way %d\n", ways);
    }
    EXPECT_INT(ways, 21);
    open_pieces();
    EXPECT_INT(pc_write_sizes(NULL, first, RECORDS, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&pieces, NULL, RECORDS, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&pieces, first, RECORDS, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_sizes(&pieces, first, SIZE_MAX, sizes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&pieces, first, RECORDS, NULL, out, 22), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&pieces, first, RECORDS, offsets, NULL, 22), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_write_records(&pieces, first, RECORDS, offsets, out, 21), PC_ERR_ARGUMENT);
    static const int64_t wrong[][RECORDS + 1] = {{-1, 6, 6, 21, 22}, {0, 5, 6, 21, 22}, {0, 7, 7, 21, 22}, {0, 6, 5, 21, 22},
                                                 {0, 6, 6, 20, 22},  {0, 6, 7, 21, 22}, {1, 6, 6, 21, 22}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        EXPECT_INT(pc_write_records(&pieces, first, RECORDS, wrong[i], out, 22), PC_ERR_ARGUMENT);
    free(out);
}

int main(void) {
    data = memory(6);
    literals = memory(2);
    test_numbers();
    test_bytes();
    test_json();
    test_records();
    test_bad_pieces();
    free(data), free(literals);
    return test_report("write");
}
