/* test_utf8.c - strings of records are UTF-8 by the definition: characters of one to four bytes with the edges of every byte,
 * at every place of a text. */
#include "../pycore.h"
#include "check_test.h"

static const pc_scan_field TEXT = {1, PC_SCAN_STRING, 0, -1, -1, -1, 0};
static const pc_scan_message MESSAGE = {0, 1};
static const uint32_t WIDTH = PC_ROW_CELLS;
static const pc_scan_plan PLAN = {&TEXT, &MESSAGE, &WIDTH, 1, 1, 1};

/* By the definition: RFC 3629, section 3. */
static int decodes(const uint8_t *p, size_t n) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < n;) {
        const size_t size = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
        uint32_t point = size == 1 ? p[i] : p[i] & (0x7fu >> size);
        if (size == 0 || size > n - i) return 0;
        for (size_t k = 1; k < size; k++) {
            if (p[i + k] >> 6 != 2) return 0;
            point = point << 6 | (p[i + k] & 0x3f);
        }
        if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
        i += size;
    }
    return 1;
}

/* Every first and second byte (sampled: those at edges), with every edge behind them. */
static void test_characters(void) {
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    enum { EDGES = sizeof edges, TEXTS = 2 + EDGES + EDGES * EDGES };
    static uint8_t data[TEXTS * 6];
    static int64_t start[TEXTS], end[TEXTS], rows[TEXTS][PC_ROW_CELLS];
    pc_scan_table table = {rows[0], TEXTS, SIZE_MAX, 0};
    pc_scan_fault fault;
    const pc_spans records = {data, sizeof data, start, end, 1, TEXTS};
    for (int pair = 0; pair < 65536; pair++) {
        const uint8_t first = (uint8_t)(pair >> 8), second = (uint8_t)pair;
        if (!THOROUGH && memchr(edges, second, EDGES) == NULL) continue;
        for (size_t i = 0; i < TEXTS; i++) {
            uint8_t *text = data + 6 * i + 2;
            const size_t more = i < 2 ? 0 : i < 2 + EDGES ? 1 : 2, len = i == 0 ? 1 : 2 + more, k = i - 2;
            memset(text, 0x80, 4); /* what is behind a text would go on with its last character */
            text[-2] = 0x0a, text[-1] = (uint8_t)len, text[0] = first, text[1] = second;
            if (more == 1) text[2] = edges[k];
            if (more == 2) text[2] = edges[(k - EDGES) / EDGES], text[3] = edges[(k - EDGES) % EDGES];
            start[i] = (int64_t)(6 * i);
            end[i] = start[i] + 2 + (int64_t)len;
        }
        EXPECT(pc_scan_records(&PLAN, &records, &table, &fault) >= 0);
        for (size_t i = 0; i < TEXTS; i++) {
            const int wanted = decodes(data + 6 * i + 2, data[6 * i + 1]) ? 0 : PC_SCAN_NOT_UTF8;
            if (rows[i][PC_ROW_FAULT] != wanted && !EXPECT_INT(rows[i][PC_ROW_FAULT], wanted))
                fprintf(stderr, "%02x %02x, text %zu\n", first, second, i);
        }
    }
}

/* A character at every place of the words of eight bytes that texts are read by. */
static void test_places(void) {
    static const uint8_t four[][4] = {
        {0xf0, 0x9f, 0x98, 0x80}, {0xe4, 0xb8, 0xad, 'x'}, {0xf0, 0x9f, 0x98, 'x'}, {'a', 'b', 'c', 0xc3}};
    for (int at = 0; at <= 40; at++) {
        for (size_t k = 0; k < 4; k++) {
            uint8_t record[46] = {0x0a, 44};
            memset(record + 2, 'a', 44);
            memcpy(record + 2 + at, four[k], 4);
            const int64_t start = 0, end = sizeof record;
            int64_t row[PC_ROW_CELLS];
            const pc_spans one = {record, sizeof record, &start, &end, 1, 1};
            pc_scan_table table = {row, 1, SIZE_MAX, 0};
            pc_scan_fault fault;
            EXPECT_INT(pc_scan_records(&PLAN, &one, &table, &fault), !decodes(record + 2, 44));
        }
    }
}

int main(void) {
    test_characters();
    test_places();
    return test_report("utf8");
}
