/* test_numbers.c - decimal numbers in fixed texts, and base 58, against long division and multiplication byte by byte; edges of
 * every width, memory of exactly the size, and every argument that is refused. */
#include "../pycore.h"
#include "check_test.h"

enum { WIDTH = 64, LETTERS = 160 };
static const uint8_t DIGITS58[59] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* number = number / by, big endian; the rest. */
static unsigned divide(uint8_t *number, size_t width, unsigned by) {
    unsigned rest = 0;
    for (size_t i = 0; i < width; i++) {
        rest = rest << 8 | number[i];
        number[i] = (uint8_t)(rest / by);
        rest %= by;
    }
    return rest;
}

/* By the definition: digits of a number, without leading zeros; "0" has one in decimal and none in base 58. */
static size_t digits_of(const uint8_t *number, size_t width, unsigned base, const char *digits, char *out) {
    uint8_t left[WIDTH];
    char reversed[LETTERS * 2];
    size_t n = 0, top = 0;
    memcpy(left, number, width);
    while (top < width) {
        reversed[n++] = digits[divide(left, width, base)];
        while (top < width && left[top] == 0) top++;
    }
    while (n > 0 && reversed[n - 1] == digits[0]) n--;
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    return n;
}

static void fill_number(uint8_t *number, size_t width) {
    test_fill(number, width);
    const uint64_t kind = test_random() % 8;
    if (kind == 0) memset(number, 0, width);
    if (kind == 1) memset(number, 0xff, width);
    if (kind == 2) memset(number, 0, test_random() % (width + 1));
    if (kind == 3) memset(number, 0, width), number[width - 1] = (uint8_t)test_random();
}

/* ---- decimal ----------------------------------------------------------------------------------------------------------- */

static const uint8_t TEXTS[] = "<a=,b=>";
static const uint32_t ENDS[3] = {3, 6, 7};

/* Whether one text is taken, from memory of exactly its size. */
static int takes(const char *text, size_t len, uint32_t width, uint8_t *out) {
    uint8_t *exact = memory(len), mark = 9;
    memcpy(exact, text, len);
    const int64_t start = 0, end = (int64_t)len;
    const pc_spans one = {exact, len, &start, &end, 1, 1};
    uint8_t *numbers = memory(2 * width);
    const int64_t marked = pc_spans_decimals(&one, TEXTS, ENDS, 2, width, numbers, &mark);
    EXPECT_INT(marked, mark);
    EXPECT(mark <= 1);
    memcpy(out, numbers, 2 * width);
    if (!mark)
        for (uint32_t i = 0; i < 2 * width; i++) EXPECT(numbers[i] == 0);
    free(exact), free(numbers);
    return mark;
}

static void test_decimals(void) {
    uint8_t number[2][WIDTH], out[2 * WIDTH];
    char text[2 * 2 * LETTERS + 16];
    for (int round = 0; round < (THOROUGH ? 20000 : 2000); round++) {
        const uint32_t width = 1 + (uint32_t)(test_random() % WIDTH);
        size_t at = 0;
        for (int k = 0; k < 2; k++) {
            fill_number(number[k], width);
            memcpy(text + at, TEXTS + 3 * k, 3), at += 3;
            const size_t n = digits_of(number[k], width, 10, "0123456789", text + at);
            if (n == 0) text[at] = '0';
            at += n ? n : 1;
        }
        text[at++] = '>';
        EXPECT(takes(text, at, width, out));
        EXPECT(memcmp(out, number[0], width) == 0 && memcmp(out + width, number[1], width) == 0);
        EXPECT(!takes(text, at - 1, width, out));
        text[at] = '>';
        EXPECT(!takes(text, at + 1, width, out));
        const size_t place = (size_t)(test_random() % at);
        const char was = text[place];
        text[place] = '/'; /* before '0', and in no literal */
        EXPECT(!takes(text, at, width, out));
        text[place] = was == ':' ? 'x' : ':';
        EXPECT(!takes(text, at, width, out));
    }
    static const struct {
        const char *text;
        uint32_t width;
        int taken;
    } cases[] = {
        {"<a=0,b=0>", 1, 1},
        {"<a=255,b=0>", 1, 1},
        {"<a=256,b=0>", 1, 0},
        {"<a=0,b=256>", 1, 0},
        {"<a=00,b=0>", 1, 0},
        {"<a=01,b=0>", 1, 0},
        {"<a=,b=0>", 1, 0},
        {"<a=-1,b=0>", 1, 0},
        {"<a=0,b=0", 1, 0},
        {"", 1, 0},
        {"<a=", 1, 0},
        {"<a=0,b=", 1, 0},
        {"<a=16777215,b=9>", 3, 1},
        {"<a=16777216,b=9>", 3, 0},
        {"<a=4294967295,b=9>", 4, 1},
        {"<a=4294967296,b=9>", 4, 0},
        {"<a=4294967296,b=9>", 5, 1},
        {"<a=99999999999999999999,b=9>", 8, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!EXPECT_INT(takes(cases[i].text, strlen(cases[i].text), cases[i].width, out), cases[i].taken))
            fprintf(stderr, "  %s\n", cases[i].text);
}

static void test_bad_decimals(void) {
    static const uint8_t data[] = "<a=1,b=2>";
    const int64_t start = 0, end = 9, behind = 10, before = -1;
    uint8_t out[2 * WIDTH], mark;
    const pc_spans good = {data, 9, &start, &end, 1, 1};
    pc_spans bad = good;
    const uint32_t falling[3] = {3, 2, 7};
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 2, 8, out, &mark), 1);
    EXPECT_INT(pc_spans_decimals(NULL, TEXTS, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, NULL, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, NULL, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, falling, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 0, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 17, 8, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 2, 0, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 2, 65, out, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 2, 8, NULL, &mark), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_decimals(&good, TEXTS, ENDS, 2, 8, out, NULL), PC_ERR_ARGUMENT);
    bad.end = &behind;
    EXPECT_INT(pc_spans_decimals(&bad, TEXTS, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    bad = good, bad.start = &before;
    EXPECT_INT(pc_spans_decimals(&bad, TEXTS, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    bad = good, bad.n = SIZE_MAX;
    EXPECT_INT(pc_spans_decimals(&bad, TEXTS, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
    bad = good, bad.data = NULL;
    EXPECT_INT(pc_spans_decimals(&bad, TEXTS, ENDS, 2, 8, out, &mark), PC_ERR_ARGUMENT);
}

/* ---- base 58 ----------------------------------------------------------------------------------------------------------- */

static void test_base58(void) {
    for (int round = 0; round < (THOROUGH ? 20000 : 2000); round++) {
        const uint32_t width = 1 + (uint32_t)(test_random() % WIDTH),
                       room = (width * 137 + 99) / 100 + (uint32_t)(round % 2);
        uint8_t *number = memory(width), *out = memory(room);
        char wanted[2 * LETTERS];
        int64_t start = -1;
        fill_number(number, width);
        const size_t n = digits_of(number, width, 58, (const char *)DIGITS58, wanted);
        EXPECT_INT(pc_base58(number, 1, width, DIGITS58, room, out, &start), 1);
        if (!EXPECT_INT(start, (long long)(room - n)) || !EXPECT(memcmp(out + start, wanted, n) == 0)) break;
        for (int64_t i = 0; i < start; i++) EXPECT(out[i] == 0);
        free(number), free(out);
    }
    uint8_t number[4] = {0}, out[6];
    int64_t start;
    EXPECT_INT(pc_base58(number, 1, 4, DIGITS58, 5, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 0, DIGITS58, 6, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 65, DIGITS58, 100, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 4, DIGITS58, 129, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 4, NULL, 6, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(NULL, 1, 4, DIGITS58, 6, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 4, DIGITS58, 6, NULL, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, 1, 4, DIGITS58, 6, out, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(number, SIZE_MAX, 4, DIGITS58, 6, out, &start), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_base58(NULL, 0, 4, DIGITS58, 6, NULL, NULL), 0);
}

int main(void) {
    test_decimals();
    test_bad_decimals();
    test_base58();
    return test_report("numbers");
}
