/* fuzz_main.c - runs a libFuzzer target where there is no libFuzzer: ./fuzz_x [runs] [seed]. Inputs are random bytes, and changed
 * copies of earlier ones: bytes flipped, cut, grown, replaced by values that parsers trip over. No coverage feedback: a smoke test
 * that runs everywhere. With a file name instead of a number the target runs on that file alone. */
#include "check_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POOL = 64, LONGEST = 1024 };

static void run(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1); /* of the exact size, so that AddressSanitizer sees one byte too many */
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int run_file(const char *path) {
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) return fprintf(stderr, "%s: can not be read\n", path), EXIT_FAILURE;
    run(data, fread(data, 1, sizeof data, file));
    fclose(file);
    return EXIT_SUCCESS;
}

static size_t change(uint8_t *data, size_t size) {
    static const uint8_t awkward[] = {0x00, 0x01, 0x02, 0x20, 0x21, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff};
    for (uint64_t changes = 1 + test_random() % 4; changes; changes--) {
        size_t at = size ? (size_t)(test_random() % size) : 0;
        switch (test_random() % 6) {
        case 0:
            if (size) data[at] ^= (uint8_t)(1u << (test_random() % 8));
            break;
        case 1:
            if (size) data[at] = awkward[test_random() % sizeof awkward];
            break;
        case 2:
            size = at;
            break;
        case 3:
            if (size < LONGEST) memmove(data + at + 1, data + at, size++ - at), data[at] = (uint8_t)test_random();
            break;
        case 4:
            if (size) memmove(data + at, data + at + 1, --size - at);
            break;
        default:
            if (size) data[at] = (uint8_t)(data[at] + (test_random() % 2 ? 1 : 255));
        }
    }
    return size;
}

int main(int argc, char **argv) {
    static uint8_t pool[POOL][LONGEST + 1];
    static size_t sizes[POOL];
    char *end = NULL;
    long runs = argc > 1 ? strtol(argv[1], &end, 10) : 20000;
    if (argc > 1 && *end) return run_file(argv[1]);
    if (argc > 2) test_state ^= strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15;
    for (long i = 0; i < runs; i++) {
        size_t slot = (size_t)(test_random() % POOL), from = (size_t)(test_random() % POOL);
        if (sizes[from] == 0 || test_random() % 16 == 0) {
            sizes[slot] = (size_t)(test_random() % (test_random() % 4 ? 160 : LONGEST));
            test_fill(pool[slot], sizes[slot]);
        } else {
            if (slot != from) memcpy(pool[slot], pool[from], sizes[slot] = sizes[from]);
            sizes[slot] = change(pool[slot], sizes[slot]);
        }
        run(pool[slot], sizes[slot]);
    }
    printf("%s: %ld inputs ok\n", argv[0], runs);
    return EXIT_SUCCESS;
}
