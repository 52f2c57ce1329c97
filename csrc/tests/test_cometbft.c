/* test_cometbft.c - signed headers of CometBFT: the rows of one that is written here, what its votes sign and its hash, records that
 * are not usual, in memory of exactly their size, and every argument that is refused. */
#include "../pycore.h"
#include "check_test.h"
#include "cometbft_record.h"

enum { ROOM = 12 };

typedef struct found {
    uint8_t *data;
    size_t size;
    int64_t row[PC_CM_CELLS], votes[ROOM * PC_CV_CELLS], count;
} found;

static void scan(const uint8_t *bytes, size_t size, found *f) {
    f->data = malloc(size ? size : 1);
    if (!f->data) abort();
    if (size) memcpy(f->data, bytes, size);
    f->size = size;
    const int64_t bounds[2] = {0, (int64_t)size};
    const pc_spans records = {f->data, size, bounds, bounds + 1, 1, 1};
    f->count = pc_cometbft_commits(&records, f->row, f->votes, ROOM);
}

static int is_usual(const uint8_t *bytes, size_t size) {
    found f;
    scan(bytes, size, &f);
    const int usual = f.count >= 0 && f.row[PC_CM_USUAL] == 1;
    EXPECT(usual || f.count == 0);
    free(f.data);
    return usual;
}

static void test_rows(void) {
    writer w = {.size = 0};
    found f;
    put_record(&w);
    scan(w.bytes, w.size, &f);
    EXPECT_INT(f.count, 2);
    EXPECT_INT(f.row[PC_CM_USUAL], 1);
    EXPECT_INT(f.row[PC_CM_HEIGHT], 300);
    EXPECT_INT(f.row[PC_CM_COMMIT_HEIGHT], 300);
    EXPECT_INT(f.row[PC_CM_ROUND], 2);
    EXPECT_INT(f.row[PC_CM_SLOTS], 3);
    EXPECT_INT(f.row[PC_CM_BLOCK_ID + 1] - f.row[PC_CM_BLOCK_ID], 72);
    EXPECT_INT(f.data[f.row[PC_CM_CLAIMED]], 0x60);
    for (unsigned field = 6; field <= 13; field++) EXPECT_INT(f.data[f.row[PC_CM_FIELDS + 2 * (field - 1)]], (int)field);
    for (int i = 0; i < 2; i++) {
        const int64_t *vote = f.votes + i * PC_CV_CELLS;
        EXPECT_INT(vote[PC_CV_RECORD], 0);
        EXPECT_INT(vote[PC_CV_SLOT], 2 * i);
        EXPECT_INT(vote[PC_CV_FLAG], 2 + i);
        EXPECT_INT(f.data[vote[PC_CV_ADDRESS]], 0x70 + 2 * i);
        EXPECT_INT(f.data[vote[PC_CV_SIGNATURE]], 0x71 + 2 * i);
    }
    free(f.data);
}

/* A CanonicalVote for the block, and one for none. */
static void test_signed(void) {
    writer w = {.size = 0}, wanted = {.size = 0}, body = {.size = 0};
    found f;
    put_record(&w);
    scan(w.bytes, w.size, &f);
    for (int nil = 0; nil < 2; nil++) {
        static const uint8_t head[] = {0x08, 2, 0x11, 0x2c, 1, 0, 0, 0, 0, 0, 0, 0x19, 2, 0, 0, 0, 0, 0, 0, 0};
        body.size = 0;
        memcpy(body.bytes, head, sizeof head);
        body.size = sizeof head;
        if (!nil) put_block_id(&body, 4, 0x60);
        put_time(&body, 5, 1700000001, nil ? 0x72 : 0x70);
        put_field(&body, 6, "chain", 5);
        put_number(&wanted, 0, body.size);
        memcpy(wanted.bytes + wanted.size, body.bytes, body.size);
        wanted.size += body.size;
    }
    const pc_cometbft_rows rows = {f.data, f.size, f.row, f.votes, 1, 2};
    const int64_t chosen[2] = {0, 1};
    int64_t offsets[3];
    uint8_t signatures[128], messages[2 * PC_CM_MESSAGE], addresses[40], hash[32];
    EXPECT_INT(pc_cometbft_signed(&rows, chosen, 2, signatures, messages, offsets), (long long)wanted.size);
    EXPECT(memcmp(messages, wanted.bytes, wanted.size) == 0);
    EXPECT_INT(offsets[2], (long long)wanted.size);
    EXPECT(signatures[0] == 0x71 && signatures[63] == 0x71 && signatures[64] == 0x73 && signatures[127] == 0x73);
    EXPECT_INT(pc_cometbft_addresses(&rows, addresses), 2);
    EXPECT(addresses[0] == 0x70 && addresses[39] == 0x72);
    EXPECT_INT(pc_cometbft_hashes(PC_AUTO, 0, f.data, f.size, f.row, 1, hash), 0);
    EXPECT(hash[0] != 0 || hash[1] != 0);
    free(f.data);
}

/* Three validators, of whom the first and the third vote. */
static void test_choice(void) {
    writer w = {.size = 0};
    found f;
    uint8_t addresses[60];
    int64_t powers[3] = {5, 7, 9}, starts[2], chosen[2];
    pc_commit_vote votes[2];
    put_record(&w);
    scan(w.bytes, w.size, &f);
    memset(addresses, 0x70, 20);
    memset(addresses + 20, 0x71, 40);
    const pc_cometbft_rows rows = {f.data, f.size, f.row, f.votes, 1, 2};
    pc_cometbft_choice how = {powers, addresses, 3, 5, 1, 0};
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 2);
    EXPECT(starts[0] == 0 && starts[1] == 2 && chosen[0] == 0 && chosen[1] == 1);
    EXPECT(votes[0].slot == 0 && votes[0].voter == 0 && votes[0].kind == 1 && votes[0].fits == 1);
    EXPECT(votes[1].slot == 2 && votes[1].voter == 2 && votes[1].kind == 2 && votes[1].fits == 0);
    EXPECT(votes[1].code == 0 && votes[1].none == 0);
    how.brief = 1; /* the first vote has the power that is needed */
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 1);
    how.needed = 6;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 2);
    how.nil = 0;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 1);
    how.n = 2; /* another set */
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 0);
    EXPECT_INT(starts[1], 0);
    how.n = 3, how.nil = 1, how.needed = INT64_MAX;
    powers[0] = INT64_MAX;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), 1); /* needed is reached */
    how.brief = 0;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), PC_ERR_ARGUMENT); /* the sum has no room */
    powers[0] = 5;
    f.votes[PC_CV_SLOT] = 3;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), PC_ERR_ARGUMENT);
    f.votes[PC_CV_SLOT] = 0;
    f.votes[PC_CV_ADDRESS] = (int64_t)f.size - 19;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), PC_ERR_ARGUMENT);
    f.votes[PC_CV_RECORD] = 1;
    EXPECT_INT(pc_cometbft_choose(&rows, &how, starts, chosen, votes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_choose(&rows, NULL, starts, chosen, votes), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_choose(&rows, &how, NULL, chosen, votes), PC_ERR_ARGUMENT);
    free(f.data);
}

/* Every record that is cut off, goes on, or has one byte changed, is another one or none; nothing is read beyond it. */
static void test_changes(void) {
    writer w = {.size = 0};
    put_record(&w);
    EXPECT(is_usual(w.bytes, w.size));
    for (size_t size = 0; size < w.size; size++) EXPECT(!is_usual(w.bytes, size));
    writer longer = w;
    for (unsigned byte = 0; byte < 256; byte++) {
        longer.size = w.size;
        put_byte(&longer, byte);
        EXPECT(!is_usual(longer.bytes, longer.size));
    }
    size_t usual = 0;
    for (size_t at = 0; at < w.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            w.bytes[at] ^= (uint8_t)(1 << bit);
            usual += (size_t)is_usual(w.bytes, w.size);
            w.bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
    EXPECT(usual > 32 * 8 * 12 && usual < w.size * 8); /* hashes, addresses and signatures may be any bytes */
}

static void test_values(void) {
    static const struct {
        unsigned flag;
        int64_t seconds;
        uint64_t nanos;
        size_t address, signature;
        int usual;
    } slots[] = {
        {2, 1700000001, 999999999, 20, 64, 1},  {3, -1, 0, 20, 64, 1},          {2, 0, 0, 20, 64, 1},
        {2, 1700000001, 1000000000, 20, 64, 0}, {2, 9000000000, 0, 20, 64, 0},  {2, -9000000001, 0, 20, 64, 0},
        {2, -62135596800, 0, 20, 64, 0},        {4, 1700000001, 0, 20, 64, 0},  {2, 1700000001, 0, 19, 64, 0},
        {2, 1700000001, 0, 20, 63, 0},          {2, 1700000001, 0, 0, 64, 0},   {2, 1700000001, 0, 20, 0, 0},
        {1, -62135596800, 0, 0, 0, 1},          {1, -62135596800, 1, 0, 0, 0},  {1, 0, 0, 0, 0, 0},
        {1, -62135596800, 0, 20, 0, 0},         {1, -62135596800, 0, 0, 64, 0},
    };
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        writer w = {.size = 0}, commit = {.size = 0}, slot = {.size = 0};
        put_header(&w);
        put_number(&commit, 1, 300);
        put_block_id(&commit, 3, 0x60);
        put_number(&slot, 1, slots[i].flag);
        if (slots[i].address) put_filled(&slot, 2, 1, slots[i].address);
        put_time(&slot, 3, slots[i].seconds, slots[i].nanos);
        if (slots[i].signature) put_filled(&slot, 4, 1, slots[i].signature);
        put_message(&commit, 4, &slot);
        put_message(&w, 2, &commit);
        EXPECT_INT(is_usual(w.bytes, w.size), slots[i].usual);
    }
}

static void test_arguments(void) {
    writer w = {.size = 0};
    found f;
    put_record(&w);
    scan(w.bytes, w.size, &f);
    const int64_t bounds[2] = {0, (int64_t)f.size}, beyond[2] = {0, (int64_t)f.size + 1}, back[2] = {2, 1};
    int64_t row[PC_CM_CELLS], offsets[2], one = 0, two = 2;
    uint8_t out[PC_CM_MESSAGE], signature[64], hash[32];
    pc_spans records = {f.data, f.size, bounds, bounds + 1, 1, 1};
    EXPECT_INT(pc_cometbft_commits(&records, row, f.votes, 1), PC_ERR_ARGUMENT); /* no room for the second vote */
    EXPECT_INT(pc_cometbft_commits(&records, row, NULL, 1), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_commits(&records, NULL, f.votes, 2), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_commits(NULL, row, f.votes, 2), PC_ERR_ARGUMENT);
    records.start = beyond, records.end = beyond + 1;
    EXPECT_INT(pc_cometbft_commits(&records, row, f.votes, 2), PC_ERR_ARGUMENT);
    records.start = back, records.end = back + 1;
    EXPECT_INT(pc_cometbft_commits(&records, row, f.votes, 2), PC_ERR_ARGUMENT);
    pc_cometbft_rows rows = {f.data, f.size, f.row, f.votes, 1, 2};
    EXPECT_INT(pc_cometbft_signed(&rows, &two, 1, signature, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_signed(&rows, NULL, 1, signature, out, offsets), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_signed(NULL, &one, 1, signature, out, offsets), PC_ERR_ARGUMENT);
    static const int cells[] = {PC_CV_RECORD, PC_CV_SIGNATURE, PC_CV_TIME + 1};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        for (int64_t wrong = -1; wrong < 2; wrong += 2) {
            const int64_t kept = f.votes[cells[i]];
            f.votes[cells[i]] = wrong < 0 ? -1 : (int64_t)f.size + 1;
            EXPECT_INT(pc_cometbft_signed(&rows, &one, 1, signature, out, offsets), PC_ERR_ARGUMENT);
            f.votes[cells[i]] = kept;
        }
    }
    f.votes[PC_CV_ADDRESS] = (int64_t)f.size - 19;
    EXPECT_INT(pc_cometbft_addresses(&rows, out), PC_ERR_ARGUMENT);
    f.row[PC_CM_FIELDS + 1] = (int64_t)f.size + 1;
    EXPECT_INT(pc_cometbft_hashes(PC_AUTO, 0, f.data, f.size, f.row, 1, hash), PC_ERR_ARGUMENT);
    f.row[PC_CM_FIELDS + 1] = f.row[PC_CM_FIELDS] + 200; /* longer than anything in a usual header */
    EXPECT_INT(pc_cometbft_hashes(PC_AUTO, 0, f.data, f.size, f.row, 1, hash), PC_ERR_ARGUMENT);
    EXPECT_INT(pc_cometbft_hashes(PC_AUTO, 0, f.data, f.size, NULL, 1, hash), PC_ERR_ARGUMENT);
    free(f.data);
}

int main(void) {
    test_rows();
    test_signed();
    test_choice();
    test_changes();
    test_values();
    test_arguments();
    return test_report("cometbft");
}
