/* test_spans.c - pieces gathered, hashed, grouped, compared, and records with a field cut out, in memory of exactly the size that is
 * asked for; every argument that is refused; SipHash. */
#include "../pycore.h"
#include "../wire/siphash.h"
#include "check_test.h"

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

/* ---- SipHash ----------------------------------------------------------------------------------------------------------- */

static uint64_t turn(uint64_t x, unsigned bits) { return (x << bits) | (x >> (64 - bits)); }

static void rounds(uint64_t v[4], int n) {
    for (; n; n--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = turn(v[1], 13) ^ v[0], v[3] = turn(v[3], 16) ^ v[2];
        v[0] = turn(v[0], 32) + v[3], v[2] += v[1];
        v[3] = turn(v[3], 21) ^ v[0], v[1] = turn(v[1], 17) ^ v[2];
        v[2] = turn(v[2], 32);
    }
}

static uint64_t word_at(const uint8_t *p) {
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++) word |= (uint64_t)p[i] << (8 * i);
    return word;
}

/* SipHash-c-d as section 2 of the paper has it. */
static uint64_t siphash(int c, int d, const uint8_t key[16], const uint8_t *text, size_t len) {
    uint8_t padded[320] = {0};
    const size_t whole = len / 8 * 8 + 8; /* the last word: the bytes that are left, and the length */
    memcpy(padded, text, len);
    padded[whole - 1] = (uint8_t)len;
    uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573};
    for (unsigned i = 0; i < 4; i++) v[i] ^= word_at(key + 8 * (i % 2));
    for (size_t i = 0; i < whole; i += 8) {
        v[3] ^= word_at(padded + i);
        rounds(v, c);
        v[0] ^= word_at(padded + i);
    }
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Appendix A of Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), proves the function above, and that one what
 * the library has. */
static void test_siphash(void) {
    uint8_t key[16], text[300];
    for (unsigned i = 0; i < 16; i++) key[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof text; i++) text[i] = (uint8_t)i;
    EXPECT(siphash(2, 4, key, text, 15) == 0xa129ca6149be45e5);
    for (size_t len = 0; len <= sizeof text; len++) {
        uint8_t *exact = memory(len);
        memcpy(exact, text, len);
        EXPECT(pc_siphash13(key, exact, len) == siphash(1, 3, key, text, len));
        free(exact);
        test_fill(key, sizeof key);
        test_fill(text, sizeof text);
    }
}

/* ---- pieces ------------------------------------------------------------------------------------------------------------ */

enum { N = 6, SIZE = 12 };
static const int64_t STARTS[N] = {0, 3, 0, 12, 6, 9}, ENDS[N] = {3, 6, 12, 12, 9, 11}; /* abc abc ... "" xyz ab */
static const uint8_t ZEROS[272];
static uint8_t *data;           /* abcabcxyzabq, of exactly this size */
static int64_t cells[N][3];     /* start and end are the second and third */
static pc_spans pieces, broken; /* pieces of them, and a copy to spoil */

static void open_pieces(void) {
    memcpy(data, "abcabcxyzabq", SIZE);
    for (int i = 0; i < N; i++) cells[i][0] = -1, cells[i][1] = STARTS[i], cells[i][2] = ENDS[i];
    pieces = broken = (pc_spans){data, SIZE, &cells[0][1], &cells[0][2], 3, N};
}

/* What no call on pieces takes: way i; 0 when there is no such way. */
static int spoil(int i) {
    open_pieces();
    if (i == 0) return broken.n = SIZE_MAX, 1;
    if (i == 1) return broken.start = NULL, 1;
    if (i == 2) return broken.end = NULL, 1;
    if (i == 3) return broken.data = NULL, 1;
    if (i == 4) return cells[N - 1][1] = -1, 1;
    if (i == 5) return cells[N - 1][2] = SIZE + 1, 1;
    if (i == 6) return cells[N - 1][1] = 12, 1;
    if (i == 7) return cells[N - 1][2] = INT64_MAX, 1;
    if (i == 8) return cells[N - 1][1] = INT64_MIN, 1;
    return 0;
}

/* A stream of the first hash. */
static pc_hash_stream *opened(void) {
    pc_hash_stream *stream = aligned_alloc(64, pc_hash_stream_size(PC_AUTO, 0));
    if (!stream) abort();
    EXPECT_INT(pc_hash_stream_open(PC_AUTO, 0, stream), PC_OK);
    return stream;
}

static void test_bad_pieces(void) {
    uint8_t out[64], marks[N];
    int64_t offsets[N + 1];
    uint32_t slots[16], groups[N], firsts[N];
    const uint64_t set[4] = {~0u, 0, 0, 0};
    const int64_t zero = 0;
    const pc_spans none = {NULL, 0, &zero, &zero, 0, 1};
    pc_hash_stream *stream = opened();
    int ways = 0;
    for (; spoil(ways); ways++) {
        EXPECT_INT(pc_spans_gather(&broken, NULL, broken.n, out, offsets), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_spans_absorb(&broken, stream), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_spans_group(&broken, ZEROS, slots, 16, groups, firsts), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_spans_having(&broken, set, marks), PC_ERR_ARGUMENT);
        EXPECT_INT(pc_spans_equal(&broken, &none, marks), PC_ERR_ARGUMENT);
        if (ways != 0) EXPECT_INT(pc_spans_equal(&broken, &broken, marks), PC_ERR_ARGUMENT);
    }
    EXPECT_INT(ways, 9);
    open_pieces();
    EXPECT_INT(pc_spans_gather(NULL, NULL, 0, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_gather(&pieces, NULL, N, out, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_gather(&pieces, NULL, N + 1, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_gather(&pieces, groups, SIZE_MAX, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_absorb(NULL, stream), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_absorb(&pieces, NULL), PC_ERR_ARGUMENT);
    free(stream);
    EXPECT_INT(pc_spans_group(NULL, ZEROS, slots, 16, groups, firsts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, NULL, slots, 16, groups, firsts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, NULL, 16, groups, firsts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 16, NULL, firsts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 16, groups, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 0, groups, firsts), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 8, groups, firsts), PC_ERR_ARGUMENT);  /* fewer than 9 */
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 15, groups, firsts), PC_ERR_ARGUMENT); /* no power of two */
    EXPECT_INT(pc_spans_having(NULL, set, marks), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_having(&pieces, NULL, marks), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_having(&pieces, set, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_equal(&pieces, NULL, marks), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_equal(NULL, &pieces, marks), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_equal(&pieces, &pieces, NULL), PC_ERR_ARGUMENT);
    broken.n = 2; /* neither one nor as many */
    EXPECT_INT(pc_spans_equal(&pieces, &broken, marks), PC_ERR_ARGUMENT);
}

static void test_gather(void) {
    int64_t offsets[N + 1];
    open_pieces();
    EXPECT_INT(pc_spans_gather(&pieces, NULL, N, NULL, offsets), 23);
    uint8_t *out = memory(23);
    EXPECT_INT(pc_spans_gather(&pieces, NULL, N, out, offsets), 23);
    EXPECT(memcmp(out, "abcabcabcabcxyzabqxyzab", 23) == 0);
    const int64_t wanted[N + 1] = {0, 3, 6, 18, 18, 21, 23};
    EXPECT(memcmp(offsets, wanted, sizeof wanted) == 0);
    free(out);
    uint32_t rows[] = {5, 3, 5, 0};
    out = memory(7);
    EXPECT_INT(pc_spans_gather(&pieces, rows, 4, out, offsets), 7);
    EXPECT(memcmp(out, "abababc", 7) == 0 && offsets[2] == 2);
    rows[3] = N;
    EXPECT_INT(pc_spans_gather(&pieces, rows, 4, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_spans_gather(&pieces, NULL, 2, out, offsets), 6); /* the first ones */
    free(out);
    EXPECT_INT(pc_spans_gather(&pieces, NULL, 0, NULL, offsets), 0);
    const pc_spans nothing = {NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_spans_gather(&nothing, NULL, 0, NULL, offsets), 0);
    EXPECT_INT(pc_spans_gather(&nothing, rows, 1, NULL, offsets), PC_ERR_ARGUMENT);
}

static void test_absorb(void) {
    uint8_t digest[64], wanted[64];
    const size_t size = pc_hash_at(0)->digest_size;
    open_pieces();
    pc_hash_stream *whole = opened(), *cut = opened();
    EXPECT_INT(pc_hash_stream_update(whole, (const uint8_t *)"abcabcabcabcxyzabqxyzab", 23), PC_OK);
    EXPECT_INT(pc_spans_absorb(&pieces, cut), PC_OK);
    EXPECT(pc_hash_stream_digest(whole, wanted) == PC_OK && pc_hash_stream_digest(cut, digest) == PC_OK);
    EXPECT(memcmp(digest, wanted, size) == 0);
    for (int i = 0; i < 20; i++) { /* on, over many blocks */
        EXPECT_INT(pc_hash_stream_update(whole, (const uint8_t *)"abcabcabcabcxyzabqxyzab", 23), PC_OK);
        EXPECT_INT(pc_spans_absorb(&pieces, cut), PC_OK);
    }
    const pc_spans nothing = {NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_spans_absorb(&nothing, cut), PC_OK);
    EXPECT(pc_hash_stream_digest(whole, wanted) == PC_OK && pc_hash_stream_digest(cut, digest) == PC_OK);
    EXPECT(memcmp(digest, wanted, size) == 0);
    free(whole);
    free(cut);
}

/* n random pieces of two letters, one in `rare` of them the second, against comparing each with each; any key gives the
 * same groups. */
static void compare_groups(size_t size, size_t n, size_t least, size_t more, unsigned rare) {
    static uint32_t slots[4096], groups[2000], firsts[2000];
    static uint8_t text[1200], key[272];
    static int64_t start[2000], end[2000];
    for (size_t i = 0; i < size; i++) text[i] = (uint8_t)('a' + (test_random() % rare == 0));
    for (size_t i = 0; i < n; i++) {
        const size_t len = least + test_random() % more;
        start[i] = (int64_t)(test_random() % (size - len));
        end[i] = start[i] + (int64_t)len;
        if (i % 3 == 2) start[i] = start[i - 1], end[i] = end[i - 1];
    }
    const pc_spans many = {text, size, start, end, 1, n};
    for (int round = 0; round < 4; round++) {
        test_fill(key, sizeof key);
        const int64_t count = pc_spans_group(&many, key, slots, 4096, groups, firsts);
        uint32_t seen = 0;
        for (size_t i = 0; i < n; i++) {
            size_t k = 0; /* the first equal one */
            while (end[k] - start[k] != end[i] - start[i] ||
                   memcmp(text + start[k], text + start[i], (size_t)(end[i] - start[i])))
                k++;
            if (k == i) EXPECT(firsts[seen] == i && groups[i] == seen), seen++;
            EXPECT_INT(groups[i], groups[k]);
        }
        EXPECT_INT(count, seen);
    }
}

static void test_groups(void) {
    uint32_t slots[16], groups[N], firsts[N];
    open_pieces();
    EXPECT_INT(pc_spans_group(&pieces, ZEROS, slots, 16, groups, firsts), 5);
    const uint32_t wanted[N] = {0, 0, 1, 2, 3, 4}, first[] = {0, 2, 3, 4, 5};
    EXPECT(memcmp(groups, wanted, sizeof wanted) == 0 && memcmp(firsts, first, sizeof first) == 0);
    const pc_spans nothing = {NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_spans_group(&nothing, ZEROS, slots, 1, NULL, NULL), 0);

    compare_groups(64, 2000, 0, 14, 2);
    compare_groups(1200, 300, 240, 560, 40); /* of 256 bytes and more: shortened before they are hashed */
}

static void test_marks(void) {
    uint8_t marks[N];
    open_pieces();
    for (int byte = 0; byte < 256; byte++) {
        uint64_t set[4] = {0};
        set[byte / 64] = (uint64_t)1 << byte % 64;
        memcpy(data, "abcabcxyzabq", SIZE);
        data[11] = (uint8_t)byte;
        int count = 0;
        const int64_t found = pc_spans_having(&pieces, set, marks);
        for (int i = 0; i < N; i++) {
            const int has = memchr(data + STARTS[i], byte, (size_t)(ENDS[i] - STARTS[i])) != NULL;
            EXPECT_INT(marks[i], has);
            count += has;
        }
        EXPECT_INT(found, count);
    }
    open_pieces();
    const int64_t start[N] = {3, 0, 0, 5, 7, 0}, end[N] = {6, 3, 11, 5, 9, 2};
    const pc_spans other = {data, SIZE, start, end, 1, N}, first = {data, SIZE, start, end, 1, 1};
    EXPECT_INT(pc_spans_equal(&pieces, &other, marks), 4);
    EXPECT(memcmp(marks, "\1\1\0\1\0\1", N) == 0);
    EXPECT_INT(pc_spans_equal(&pieces, &first, marks), 2); /* all with abc */
    EXPECT(memcmp(marks, "\1\1\0\0\0\0", N) == 0);
    const pc_spans nothing = {NULL, 0, NULL, NULL, 0, 0};
    EXPECT_INT(pc_spans_equal(&nothing, &first, NULL), 0);
}

/* ---- records without a field ------------------------------------------------------------------------------------------- */

/* 1: string, 2: message { 1: string, 2: message { 4: number, marked } }, 3: number, marked. */
enum { OUTER = PC_ROW_CELLS, MIDDLE = OUTER + 2, GAS = MIDDLE + 2, TOP = GAS + 3, WIDTH = TOP + 3 };
static const pc_scan_field FIELDS[] = {
    {1, PC_SCAN_STRING, 0, -1, -1, -1, 0},
    {2, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 1, -1, OUTER, 0},
    {3, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, TOP, 0},
    {1, PC_SCAN_STRING, 0, -1, -1, -1, 0},
    {2, PC_SCAN_MESSAGE, PC_SCAN_PRESENCE, 2, -1, MIDDLE, 0},
    {4, PC_SCAN_UINT64, PC_SCAN_TAGGED, -1, -1, GAS, 0},
};
static const pc_scan_message MESSAGES[] = {{0, 3}, {3, 2}, {5, 1}};
static const uint32_t WIDTHS[] = {WIDTH};
static const pc_scan_plan PLAN = {FIELDS, MESSAGES, WIDTHS, 6, 3, 1};
static const uint32_t AROUND[] = {OUTER, MIDDLE};

static size_t put(uint8_t *out, uint8_t tag, const uint8_t *content, size_t len) {
    size_t n = 0;
    out[n++] = tag;
    for (size_t v = len; n == 1 || v; v >>= 7) out[n++] = (uint8_t)((v & 0x7f) | (v >= 0x80 ? 0x80 : 0));
    memcpy(out + n, content, len);
    return n + len;
}

/* A record with texts of these lengths, the number if it is not 0, and behind it an unknown field of that length. */
static size_t make(uint8_t *out, size_t text, size_t inner, uint64_t gas, size_t unknown) {
    static uint8_t deep[80000], middle[80000], letters[70000];
    size_t n = 0, len = 0, deep_len = 0;
    memset(letters, 'a', sizeof letters);
    if (gas) {
        deep[deep_len++] = 0x20;
        for (uint64_t v = gas; v; v >>= 7) deep[deep_len++] = (uint8_t)((v & 0x7f) | (v >= 0x80 ? 0x80 : 0));
    }
    if (unknown) deep_len += put(deep + deep_len, 0x7a, letters, unknown);
    if (inner) len += put(middle + len, 0x0a, letters, inner);
    len += put(middle + len, 0x12, deep, deep_len);
    if (text) n += put(out + n, 0x0a, letters, text);
    return n + put(out + n, 0x12, middle, len);
}

/* Lengths on both sides of every number of bytes that a length takes. */
static void test_cut(void) {
    static const size_t edges[] = {0, 128, 16384, 65536};
    static const uint64_t numbers[] = {0, 1, 127, 128, UINT64_MAX};
    static uint8_t record[90000], wanted[90000];
    for (size_t k = 0; k < 4 * 40; k++) {
        const size_t text = edges[k / 40] + k % 40 < 30 ? k % 40 : edges[k / 40] + k % 40 - 30;
        for (size_t g = 0; g < 10; g++) {
            const size_t inner = g % 2 ? 3 : text, unknown = g % 2 ? text : 0; /* around the field, or behind it */
            const size_t len = make(record, 3, inner, numbers[g / 2], unknown);
            const size_t short_len = make(wanted, 3, inner, 0, unknown);
            uint8_t *exact = memory(len), *out = memory(len);
            int64_t row[WIDTH], offsets[2];
            memcpy(exact, record, len);
            const int64_t start = 0, end = (int64_t)len;
            const pc_spans one = {exact, len, &start, &end, 1, 1};
            pc_scan_table table = {row, 1, SIZE_MAX, 0};
            pc_scan_fault fault;
            EXPECT_INT(pc_scan_records(&PLAN, &one, &table, &fault), 0);
            EXPECT_INT(pc_spans_cut(exact, len, row, WIDTH, 1, AROUND, 2, GAS, out, offsets), (long long)short_len);
            EXPECT(memcmp(out, wanted, short_len) == 0 && offsets[0] == 0 && offsets[1] == (int64_t)short_len);
            free(exact), free(out);
        }
    }
    /* the first field of the first record: its tag stands at 0, and it is cut all the same */
    const uint8_t two[] = {0x18, 5, 0x18, 6, 0x7a, 0};
    const int64_t start[] = {0, 2, 2}, end[] = {2, 6, 2};
    int64_t rows[3][WIDTH], offsets[4];
    const pc_spans records = {two, sizeof two, start, end, 1, 3};
    pc_scan_table table = {rows[0], 3, SIZE_MAX, 0};
    pc_scan_fault fault;
    uint8_t out[8];
    EXPECT_INT(pc_scan_records(&PLAN, &records, &table, &fault), 0);
    EXPECT_INT(pc_spans_cut(two, sizeof two, rows[0], WIDTH, 3, NULL, 0, TOP, out, offsets), 2);
    EXPECT(memcmp(out, two + 4, 2) == 0 && offsets[1] == 0 && offsets[2] == 2 && offsets[3] == 2);
}

static void test_bad_cuts(void) {
    uint8_t record[64], out[64];
    const size_t len = make(record, 3, 2, 300, 0), width = WIDTH;
    const int64_t start = 0, end = (int64_t)len;
    int64_t good[WIDTH], row[WIDTH], offsets[2];
    const pc_spans one = {record, len, &start, &end, 1, 1};
    pc_scan_table table = {good, 1, SIZE_MAX, 0};
    pc_scan_fault fault;
    EXPECT_INT(pc_scan_records(&PLAN, &one, &table, &fault), 0);
    EXPECT_INT(pc_spans_cut(record, len, good, width, 1, AROUND, 2, GAS, out, offsets), (long long)len - 3);
#define REFUSED(...) EXPECT_INT(pc_spans_cut(__VA_ARGS__), PC_ERR_ARGUMENT)
    REFUSED(record, len, good, width, SIZE_MAX, AROUND, 2, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, AROUND, PC_SCAN_DEPTH, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, NULL, 2, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, AROUND, 2, GAS, NULL, offsets);
    REFUSED(record, len, good, width, 1, AROUND, 2, GAS, out, NULL);
    REFUSED(record, len, good, PC_SCAN_CELLS + 1, 1, AROUND, 2, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, AROUND, 2, PC_ROW_CELLS - 1, out, offsets);
    REFUSED(record, len, good, width, 1, AROUND, 2, WIDTH - 2, out, offsets);
    REFUSED(record, len, NULL, width, 1, AROUND, 2, GAS, out, offsets);
    REFUSED(NULL, len, good, width, 1, AROUND, 2, GAS, out, offsets);
    REFUSED(record, len - 1, good, width, 1, AROUND, 2, GAS, out, offsets);
    const uint32_t low[] = {PC_ROW_CELLS - 1, MIDDLE}, high[] = {OUTER, WIDTH - 1}, crossed[] = {MIDDLE, OUTER};
    REFUSED(record, len, good, width, 1, low, 2, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, high, 2, GAS, out, offsets);
    REFUSED(record, len, good, width, 1, crossed, 2, GAS, out, offsets);
    static const struct {
        int cell;
        int64_t value;
    } wrong[] = {
        {PC_ROW_START, -1},
        {PC_ROW_START, 1000},
        {PC_ROW_END, 1000},
        {PC_ROW_END, -1},
        {PC_ROW_FLAGS, PC_SCAN_UNORDERED},
        {PC_ROW_FLAGS, PC_SCAN_TWICE | PC_SCAN_UNKNOWN},
        {PC_ROW_FAULT, PC_SCAN_TRUNCATED},
        {OUTER, 1}, /* no room for a tag and a length */
        {OUTER, -5},
        {OUTER, INT64_MIN},
        {OUTER + 1, 1000},
        {OUTER + 1, 2},
        {MIDDLE, 7},
        {MIDDLE + 1, 1000},
        {GAS + 2, 3}, /* outside of its message */
        {GAS + 2, INT64_MAX},
        {GAS + 2, -1},
        {GAS + 1, 1000},
        {GAS + 1, 1},
        {GAS + 1, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(row, good, sizeof row);
        row[wrong[i].cell] = wrong[i].value;
        if (!REFUSED(record, len, row, width, 1, AROUND, 2, GAS, out, offsets)) fprintf(stderr, "wrong cells %zu\n", i);
    }
    memcpy(row, good, sizeof row);
    row[PC_ROW_FLAGS] = PC_SCAN_KEPT;
    EXPECT_INT(pc_spans_cut(record, len, row, width, 1, AROUND, 2, GAS, out, offsets), (long long)len - 3);
    EXPECT_INT(pc_spans_cut(NULL, 0, NULL, width, 0, AROUND, 2, GAS, out, offsets), 0);
}

int main(void) {
    data = memory(SIZE);
    test_siphash();
    test_bad_pieces();
    test_gather();
    test_absorb();
    test_groups();
    test_marks();
    test_cut();
    test_bad_cuts();
    free(data);
    return test_report("spans");
}
