/* test_fabricx.c - batches of Fabric-X's verifier: rows by hand-made messages, what is signed in memory of exactly its size, answers,
 * and every argument that is refused. */
#include "../pycore.h"
#include "check_test.h"

static void *memory(size_t bytes) {
    void *made = malloc(bytes ? bytes : 1);
    if (!made) abort();
    return made;
}

typedef struct found {
    pc_scan_table tables[PC_FX_TABLES];
    int64_t *cells[PC_FX_TABLES];
} found;

static const size_t WIDTHS[PC_FX_TABLES] = {PC_FX_REQUEST_CELLS, PC_FX_NAMESPACE_CELLS,   PC_FX_METADATA_CELLS,
                                            PC_FX_LIST_CELLS,    PC_FX_ENDORSEMENT_CELLS, PC_FX_UPDATE_CELLS};

/* Reads bytes in memory of exactly their size, with room for `room` rows in each table. */
static int scan(const void *bytes, size_t size, size_t room, found *f, uint8_t **data) {
    *data = memory(size);
    memcpy(*data, bytes, size);
    for (int i = 0; i < PC_FX_TABLES; i++) {
        f->cells[i] = memory(room * WIDTHS[i] * sizeof(int64_t));
        f->tables[i] = (pc_scan_table){room ? f->cells[i] : NULL, room, SIZE_MAX, 0};
    }
    size_t at = 0;
    return pc_fabricx_scan(*data, size, &at, PC_FX_KEEP, f->tables);
}

static void release(found *f, uint8_t *data) {
    for (int i = 0; i < PC_FX_TABLES; i++) free(f->cells[i]);
    free(data);
}

#define READS(text, room, wanted)                                                                                           \
    do {                                                                                                                    \
        found f;                                                                                                            \
        uint8_t *data;                                                                                                      \
        EXPECT_INT(scan(text, sizeof(text) - 1, room, &f, &data), wanted);                                                  \
        release(&f, data);                                                                                                  \
    } while (0)

static void test_what_is_read(void) {
    READS("", 0, PC_FX_DONE);
    READS("\x12\x00", 1, PC_FX_DONE);
    READS("\x12\x00", 0, PC_FX_FULL);
    READS("\x12\x00\x12\x00", 1, PC_FX_FULL);
    READS("\x0a\x01\x05", 1, PC_FX_DONE);                                 /* an update is not looked into */
    READS("\x92\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00", 1, PC_FX_DONE); /* a tag of ten bytes */
    READS("\x92\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00", 1, PC_FX_MALFORMED);
    READS("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, PC_FX_DONE); /* the largest number */
    READS("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 0, PC_FX_MALFORMED);
    READS("\x1b\x1c", 0, PC_FX_DONE);
    READS("\x1b\x14", 0, PC_FX_MALFORMED);
    READS("\x1b", 0, PC_FX_MALFORMED);
    READS("\x1c", 0, PC_FX_MALFORMED);
    READS("\x00\x00", 0, PC_FX_MALFORMED);
    READS("\x1e", 0, PC_FX_MALFORMED);
    READS("\x12\x01", 1, PC_FX_MALFORMED);
    READS("\x12\x05\x0a\x03\x1a\x01\xff", 1, PC_FX_MALFORMED); /* an id that is not UTF-8 */
    READS("\x12\x05\x0a\x03\x1a\x01\x7f", 1, PC_FX_DONE);
    READS("\x12\x0b\x12\x09\x12\x07\x0a\x05\x12\x03\x0a\x01\xff", 1, PC_FX_MALFORMED); /* the same of an MSP */
    READS("\x12\x0b\x12\x09\x12\x07\x0a\x05\x12\x03\x12\x01\xff", 1, PC_FX_DONE);      /* a certificate is bytes */
}

/* Groups within groups: as deep as Go goes, and one deeper. */
static void test_groups(void) {
    for (size_t depth = 10001; depth <= 10002; depth++) {
        uint8_t *bytes = memory(2 * depth);
        memset(bytes, 0x1b, depth);
        memset(bytes + depth, 0x1c, depth);
        found f;
        uint8_t *data;
        EXPECT_INT(scan(bytes, 2 * depth, 0, &f, &data), depth == 10001 ? PC_FX_DONE : PC_FX_MALFORMED);
        release(&f, data);
        free(bytes);
    }
}

/* A transaction "t" with metadata "m", and a namespace "n" of version 2^63 with a read of version 300 and a write. */
static const char WHOLE[] =
    "\x12\x36\x0a\x07\x08\x05\x10\x07\x1a\x01t\x12\x2b"
    "\x0a\x1e\x0a\x01n\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x1a\x06\x0a\x01k\x10\xac\x02\x2a\x06\x0a\x01w\x12\x01v"
    "\x1a\x01m\x12\x06\x0a\x04\x0a\x02ok";
static const uint8_t SIGNED[] = {0x30, 0x2c, 0x0c, 1, 't',  0x30, 3,    4,    1, 'm',  0x0c, 1, 'n', 2,   8, 0x80,
                                 0,    0,    0,    0, 0,    0,    0,    0x30, 9, 0x30, 7,    4, 1,   'k', 2, 2,
                                 1,    0x2c, 0x30, 0, 0x30, 8,    0x30, 6,    4, 1,    'w',  4, 1,   'v'};

static void test_signed_bytes(void) {
    found f;
    uint8_t *data;
    if (!EXPECT_INT(scan(WHOLE, sizeof WHOLE - 1, 4, &f, &data), PC_FX_DONE)) return;
    const pc_fabricx_rows rows = {f.cells[0], f.cells[1], f.cells[2], f.tables[0].rows, f.tables[1].rows, f.tables[2].rows};
    const uint32_t chosen[2] = {0, 0}, beyond[1] = {1};
    const size_t size = sizeof WHOLE - 1, one = SIGNED[1] + 2u;
    int64_t offsets[3];
    uint8_t *out = memory(one);
    EXPECT_INT(pc_fabricx_signed(data, size, &rows, chosen, 2, NULL, 0, offsets), 2);
    EXPECT_INT(offsets[1], (long long)one);
    EXPECT_INT(offsets[2], 2 * (long long)one);
    EXPECT_INT(pc_fabricx_signed(data, size, &rows, chosen, 2, out, one, offsets), 1);
    EXPECT(sizeof SIGNED == one && memcmp(out, SIGNED, one) == 0);
    EXPECT_INT(pc_fabricx_signed(data, size, &rows, chosen, 1, out, one - 1, offsets), 0);
    EXPECT_INT(pc_fabricx_signed(data, size, &rows, beyond, 1, out, one, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_signed(data, 1, &rows, chosen, 1, out, one, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_signed(data, size, NULL, chosen, 1, out, one, offsets), PC_ERR_ARGUMENT);
    for (int i = 0; i < PC_FX_REQUEST_CELLS; i++) {
        if (i < PC_FX_RE_ID || (i > PC_FX_RE_ID + 1 && i < PC_FX_RE_METADATA)) continue;
        const int64_t kept = f.cells[0][i];
        f.cells[0][i] = i == PC_FX_RE_METADATA ? 2 : 1 << 20;
        EXPECT_INT(pc_fabricx_signed(data, size, &rows, chosen, 1, out, one, offsets), PC_ERR_ARGUMENT);
        f.cells[0][i] = kept;
    }
    static const uint8_t answer[] = {0x0a, 0x0b, 0x0a, 0x07, 0x08, 5, 0x10, 7, 0x1a, 1, 't', 0x10, 2}, status[1] = {2};
    EXPECT_INT(pc_fabricx_answers(data, size, f.cells[0], status, 1, NULL, offsets), (long long)sizeof answer);
    free(out);
    out = memory((size_t)offsets[1]);
    EXPECT_INT(pc_fabricx_answers(data, size, f.cells[0], status, 1, out, offsets), offsets[1]);
    EXPECT((size_t)offsets[1] == sizeof answer && memcmp(out, answer, sizeof answer) == 0);
    EXPECT_INT(pc_fabricx_answers(data, 1, f.cells[0], status, 1, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_answers(data, size, NULL, status, 1, out, offsets), PC_ERR_ARGUMENT);
    free(out);
    release(&f, data);
}

static void test_arguments(void) {
    size_t at = 0, far = 2;
    pc_scan_table tables[PC_FX_TABLES] = {{NULL, 0, 0, 0}};
    EXPECT_INT(pc_fabricx_scan(NULL, 0, &at, PC_FX_KEEP, tables), PC_FX_DONE);
    EXPECT_INT(pc_fabricx_scan(NULL, 1, &at, PC_FX_KEEP, tables), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_scan((const uint8_t *)"x", 1, &far, PC_FX_KEEP, tables), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_scan((const uint8_t *)"x", 1, NULL, PC_FX_KEEP, tables), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_fabricx_scan((const uint8_t *)"x", 1, &at, PC_FX_KEEP, NULL), PC_ERR_ARGUMENT);
    tables[0].capacity = 1;
    EXPECT_INT(pc_fabricx_scan((const uint8_t *)"x", 1, &at, PC_FX_KEEP, tables), PC_ERR_ARGUMENT);
}

int main(void) {
    test_what_is_read();
    test_groups();
    test_signed_bytes();
    test_arguments();
    return test_report("fabricx");
}
