/* test_rows.c - the library's own list of backends: each is usable, or says what this machine lacks; a self-test that fails is a fault
 * here, where at run time it only drops the backend. And the backends that batches of each size take.
 *
 * Arguments: names of backends that must be usable, "-name" of such that must be compiled and lack something. The tests under an
 * emulator say so which CPU they have. */
#include "../pycore.h"
#include "check_test.h"

static int row_of(const char *name, pc_backend_row *row) {
    for (int i = 0; pc_backend_at(i, row) == PC_OK; i++) {
        if (strcmp(row->name, name) == 0) return i;
    }
    return -1;
}

static void test_reasons(void) {
    pc_backend_row row;
    int rows = 0;
    for (; pc_backend_at(rows, &row) == PC_OK; rows++) {
        const int lacks = strstr(row.reason, "lacks") != NULL, elsewhere = strncmp(row.reason, "for ", 4) == 0;
        if (!EXPECT(row.usable ? row.compiled && row.reason[0] == 0 : lacks || (elsewhere && !row.compiled))) {
            fprintf(stderr, "  %s: compiled %d, usable %d, \"%s\"\n", row.name, row.compiled, row.usable, row.reason);
        }
        EXPECT(row.compiled ? row.lanes > 0 : row.lanes == 0);
    }
    EXPECT(rows > 1 && strcmp(row.name, "portable") == 0 && row.usable); /* the last */
}

/* Every size finds a backend, and asking for that one by position gives the same digests. */
static void test_picks(void) {
    static const size_t sizes[] = {1, 2, 3, 4, 16, 1000};
    static uint8_t data[1000 * 33], by_size[1000 * 64], by_name[1000 * 64];
    test_fill(data, sizeof data);
    for (int h = 0; pc_hash_at(h); h++) {
        const int hash = pc_hash_at(h)->id;
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            const pc_column rows = {data, NULL, 33, 33};
            pc_backend_row row;
            const int picked = pc_backend_pick(0, hash, sizes[s]);
            if (!EXPECT_INT(pc_backend_at(picked, &row), PC_OK) || !EXPECT(row.usable)) return;
            EXPECT_INT(pc_hash_batch(PC_AUTO, hash, NULL, 0, &rows, sizes[s], by_size), PC_OK);
            EXPECT_INT(pc_hash_batch(picked, hash, NULL, 0, &rows, sizes[s], by_name), PC_OK);
            EXPECT(memcmp(by_size, by_name, sizes[s] * pc_hash_at(h)->digest_size) == 0);
        }
    }
}

int main(int count, char **names) {
    pc_backend_row row;
    test_reasons();
    test_picks();
    for (int i = 1; i < count; i++) {
        const int absent = names[i][0] == '-';
        if (!EXPECT(row_of(names[i] + absent, &row) >= 0)) continue;
        if (!EXPECT(row.compiled && row.usable == !absent)) fprintf(stderr, "  %s: %s\n", row.name, row.reason);
    }
    printf("test_rows: usable here:");
    for (int i = 0; pc_backend_at(i, &row) == PC_OK; i++) {
        if (row.usable) printf(" %s", row.name);
    }
    puts("");
    return test_report("test_rows");
}
