/* test_rlp.c - items and lists of RLP, in memory of exactly the size that is asked for; each fault; every argument that is
 * refused. */
#include "../pycore.h"
#include "check_test.h"

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

enum { ROOM = 16 };

typedef struct found {
    int64_t cells[ROOM * PC_RLP_CELLS], firsts[2], rows;
    uint8_t fault;
} found;

/* The items of one piece, which lies in memory of its size. */
static found items_of(const void *bytes, size_t len, size_t most) {
    found f = {.fault = 99};
    uint8_t *exact = memory(len);
    const int64_t start = 0, end = (int64_t)len;
    memcpy(exact, bytes, len);
    const pc_spans pieces = {exact, len, &start, &end, 1, 1};
    f.rows = pc_rlp_items(&pieces, most, f.cells, ROOM, f.firsts, &f.fault);
    free(exact);
    return f;
}

static void expect_fault(const char *bytes, size_t len, int fault) {
    const found f = items_of(bytes, len, ROOM);
    EXPECT_INT(f.fault, fault);
    EXPECT_INT(f.rows, 0);
    EXPECT_INT(f.firsts[1], 0);
}

/* One item of a length, string or list: its header is the shortest, and one byte less or a longer header is refused. */
static void test_length(size_t len, int list) {
    uint8_t *item = memory(len + 10);
    size_t head = 0;
    const uint8_t base = list ? 0xc0 : 0x80;
    if (len < 56) {
        item[head++] = (uint8_t)(base + len);
    } else {
        const unsigned width = len < 256 ? 1 : len < 65536 ? 2 : 3;
        item[head++] = (uint8_t)(base + 55 + width);
        for (unsigned i = width; i--;) item[head++] = (uint8_t)(len >> (8 * i));
    }
    memset(item + head, 0xc0, len);
    const found f = items_of(item, head + len, 1);
    EXPECT_INT(f.fault, PC_RLP_SOUND);
    EXPECT_INT(f.rows, 1);
    EXPECT_INT(f.cells[PC_RLP_START], (long long)head);
    EXPECT_INT(f.cells[PC_RLP_END], (long long)(head + len));
    EXPECT_INT(f.cells[PC_RLP_ITEM], 0);
    EXPECT_INT(f.cells[PC_RLP_LIST], list);
    if (head + len > 1) expect_fault((char *)item, head + len - 1, PC_RLP_TRUNCATED);

    const int64_t start = (int64_t)head, end = (int64_t)(head + len), none = 0;
    const pc_spans piece = {item, head + len, &start, &end, 1, 1}, nothing = {NULL, 0, &none, &none, 1, 1};
    int64_t offsets[2];
    EXPECT_INT(pc_rlp_lists(&nothing, &piece, &nothing, NULL, offsets), (long long)(head + len));
    uint8_t *made = memory(head + len);
    EXPECT_INT(pc_rlp_lists(&nothing, &piece, &nothing, made, offsets), (long long)(head + len));
    if (list) EXPECT(memcmp(made, item, head + len) == 0);
    free(made);
    free(item);
}

static void test_faults(void) {
    expect_fault("\x81\x7f", 2, PC_RLP_NOT_SHORTEST);
    expect_fault("\x81\x00", 2, PC_RLP_NOT_SHORTEST);
    expect_fault("\xb8\x01\xff", 3, PC_RLP_NOT_SHORTEST);
    expect_fault("\xf8\x00", 2, PC_RLP_NOT_SHORTEST);
    expect_fault("\xb9\x00\x38", 3, PC_RLP_NOT_SHORTEST);
    expect_fault("\xbf\xff\xff\xff\xff\xff\xff\xff\xff", 9, PC_RLP_TRUNCATED);
    expect_fault("\xff\xff\xff\xff\xff\xff\xff\xff", 8, PC_RLP_TRUNCATED);
    expect_fault("\xb8", 1, PC_RLP_TRUNCATED);
    expect_fault("\x81", 1, PC_RLP_TRUNCATED);
    expect_fault("\x01\x81\x7f", 3, PC_RLP_NOT_SHORTEST); /* what came before the fault is not kept */
    const found many = items_of("\x01\x02\x03", 3, 2);
    EXPECT_INT(many.fault, PC_RLP_TOO_MANY);
    EXPECT_INT(many.rows, 0);
    EXPECT_INT(items_of("", 0, 0).fault, PC_RLP_SOUND);
    EXPECT_INT(items_of("\x01", 1, 0).fault, PC_RLP_TOO_MANY);
    EXPECT_INT(items_of("\x81\x80", 2, 1).fault, PC_RLP_SOUND);
}

/* Several pieces: rows name theirs, a fault ends its own only, and rows beyond the room are counted. */
static void test_pieces(void) {
    const uint8_t data[] = {0x01, 0xc1, 0x02, 0x81, 0x00, 0x82, 0x80, 0x80};
    const int64_t start[] = {0, 3, 5, 0}, end[] = {3, 5, 8, 0};
    const pc_spans pieces = {data, sizeof data, start, end, 1, 4};
    int64_t cells[2 * PC_RLP_CELLS], firsts[5];
    uint8_t faults[4];
    EXPECT_INT(pc_rlp_items(&pieces, 9, cells, 2, firsts, faults), 3);
    const int64_t wanted[] = {0, 2, 2, 3, 3};
    EXPECT(memcmp(firsts, wanted, sizeof wanted) == 0);
    EXPECT(!faults[0] && faults[1] == PC_RLP_NOT_SHORTEST && !faults[2] && !faults[3]);
    EXPECT(cells[PC_RLP_CELLS + PC_RLP_PARENT] == 0 && cells[PC_RLP_CELLS + PC_RLP_LIST] == 1);
    EXPECT(cells[PC_RLP_CELLS + PC_RLP_START] == 2 && cells[PC_RLP_CELLS + PC_RLP_ITEM] == 1);
    EXPECT_INT(pc_rlp_items(&pieces, 9, NULL, 0, firsts, faults), 3);
}

static void test_lists(void) {
    const uint8_t data[] = {0x01, 0x02, 0x80}, head[] = {0x7e};
    const int64_t start[] = {0, 1}, end[] = {2, 2}, zero = 0, one = 1, tail_at[] = {2, 0}, tail_end[] = {3, 0};
    const pc_spans pieces = {data, 3, start, end, 1, 2}, heads = {head, 1, &zero, &one, 1, 1},
                   tails = {data, 3, tail_at, tail_end, 1, 2};
    int64_t offsets[3];
    const uint8_t wanted[] = {0x7e, 0xc3, 0x01, 0x02, 0x80, 0x7e, 0xc1, 0x02};
    EXPECT_INT(pc_rlp_lists(&heads, &pieces, &tails, NULL, offsets), 8);
    uint8_t *out = memory(8);
    EXPECT_INT(pc_rlp_lists(&heads, &pieces, &tails, out, offsets), 8);
    EXPECT(memcmp(out, wanted, 8) == 0 && offsets[0] == 0 && offsets[1] == 5 && offsets[2] == 8);
    free(out);
}

static void test_refused(void) {
    const uint8_t data[4] = {0};
    int64_t start = 0, end = 5, cells[PC_RLP_CELLS], firsts[2], offsets[2];
    uint8_t fault;
    pc_spans piece = {data, 4, &start, &end, 1, 1}, empty = {NULL, 0, &start, &start, 1, 1},
             three = {data, 4, NULL, NULL, 1, 0};
    EXPECT_INT(pc_rlp_items(&piece, 1, cells, 1, firsts, &fault), PC_ERR_ARGUMENT); /* the end is beyond the data */
    EXPECT_INT(pc_rlp_lists(&empty, &piece, &empty, NULL, offsets), PC_ERR_ARGUMENT);
    end = -1;
    EXPECT_INT(pc_rlp_items(&piece, 1, cells, 1, firsts, &fault), PC_ERR_ARGUMENT);
    end = 4;
    EXPECT_INT(pc_rlp_items(NULL, 1, cells, 1, firsts, &fault), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_items(&piece, 1, NULL, 1, firsts, &fault), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_items(&piece, 1, cells, 1, NULL, &fault), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_items(&piece, 1, cells, 1, firsts, NULL), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_lists(&three, &piece, &empty, NULL, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_lists(&empty, &piece, &three, NULL, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_rlp_lists(&empty, &piece, &empty, NULL, NULL), PC_ERR_ARGUMENT);
    piece.start = NULL;
    EXPECT_INT(pc_rlp_items(&piece, 1, cells, 1, firsts, &fault), PC_ERR_ARGUMENT);
}

int main(void) {
    const size_t lengths[] = {0, 1, 2, 54, 55, 56, 57, 255, 256, 257, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int list = 0; list < 2; list++) test_length(lengths[i], list);
    test_faults();
    test_pieces();
    test_lists();
    test_refused();
    return test_report("rlp");
}
