/* test_hash.c - every hash on every usable backend: published answers, and batches against the same messages one by one. */
#include "../pycore.h"
#include "check_test.h"

/* Published answers. FIPS 180-4 and FIPS 202 examples (csrc.nist.gov/projects/cryptographic-standards-and-guidelines/
 * example-values); GB/T 32905-2016, appendix A; Keccak: the Keccak team's known answers;
 * RIPEMD-160: its authors' paper; RFC 7693, appendix A; BLAKE3: the authors' test vectors. repeat: the message is text that often. */
static const struct {
    const char *hash, *text, *digest;
    size_t repeat;
} published[] = {
    {"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1},
    {"sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 1},
    {"sha256", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 1},
    {"sha256", "a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000},
    {"sha256d", "hello", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50", 1},
    {"sha512", "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac9"
     "4fa54ca49f",
     1},
    {"sha512", "",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a53832"
     "7af927da3e",
     1},
    {"sha512", "a",
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb2"
     "17ad8cc09b",
     1000000},
    {"sha3-256", "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532", 1},
    {"sha3-256", "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", 1},
    {"keccak256", "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", 1},
    {"keccak256", "abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45", 1},
    {"sm3", "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", 1},
    {"sm3", "abcd", "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732", 16},
    {"ripemd160", "", "9c1185a5c5e9fc54612808977ee8f548b2258d31", 1},
    {"ripemd160", "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc", 1},
    {"ripemd160", "1234567890", "9b752e45573d4b39f4dbd3323cab82bf63326bfb", 8},
    {"ripemd160", "a", "52783243c1697bdbe16d37f97f68f08325dc1528", 1000000},
    {"blake2b-512", "abc",
     "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386"
     "edd4009923",
     1},
    {"blake3", "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", 1},
};

static int hash_by_name(const char *name) {
    for (int i = 0; pc_hash_at(i); i++) {
        if (strcmp(pc_hash_at(i)->name, name) == 0) return pc_hash_at(i)->id;
    }
    return -1;
}

static void test_published(int backend) {
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        size_t one = strlen(published[i].text), len = one * published[i].repeat;
        uint8_t *message = malloc(len + 1), digest[64];
        char hex[129];
        int hash = hash_by_name(published[i].hash);
        for (size_t r = 0; r < published[i].repeat; r++) memcpy(message + r * one, published[i].text, one);
        pc_column column = {message, NULL, len, (ptrdiff_t)len};
        if (EXPECT_INT(pc_hash_batch(backend, hash, NULL, 0, &column, 1, digest), PC_OK)) {
            for (size_t k = 0; k < pc_hash_at(hash)->digest_size; k++) sprintf(hex + 2 * k, "%02x", digest[k]);
            if (!EXPECT(strcmp(hex, published[i].digest) == 0)) {
                fprintf(stderr, "  %s(%s): got %s\n", published[i].hash, published[i].text, hex);
            }
        }
        free(message);
    }
}

static int portable; /* position of the backend in plain C: the last one */

enum { N = 70, LONGEST = 700, PREFIX_MAX = 300 };

/* The reference: one message, put together, in plain C, which the published answers have checked. */
static void one_by_one(int hash, const uint8_t *prefix, size_t prefix_len, const uint8_t *message, size_t len,
                       uint8_t *digest) {
    uint8_t joined[PREFIX_MAX + LONGEST];
    memcpy(joined, prefix, prefix_len);
    memcpy(joined + prefix_len, message, len);
    pc_column column = {joined, NULL, prefix_len + len, 0};
    EXPECT_INT(pc_hash_batch(portable, hash, NULL, 0, &column, 1, digest), PC_OK);
}

/* Unequal messages at every count up to N, each with a prefix: must equal the concatenation hashed alone. */
static void test_ragged(int backend, int hash) {
    static uint8_t data[N * LONGEST], prefix[PREFIX_MAX], wanted[N * 64], got[N * 64];
    static const size_t prefixes[] = {0, 1, 63, 64, 65, 127, 128, 135, 136, 137, 272, 300};
    size_t size = pc_hash_at(hash)->digest_size;
    int64_t offsets[N + 1] = {0};
    for (int i = 0; i < N; i++) {
        size_t len = i % 3 == 0 ? (size_t)(test_random() % LONGEST) : (size_t)(test_random() % 140);
        offsets[i + 1] = offsets[i] + (int64_t)len;
    }
    test_fill(data, sizeof data);
    test_fill(prefix, sizeof prefix);
    pc_column column = {data, offsets, 0, 0};
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        for (int i = 0; i < N; i++) {
            one_by_one(hash, prefix, prefixes[p], data + offsets[i], (size_t)(offsets[i + 1] - offsets[i]),
                       wanted + (size_t)i * size);
        }
        for (size_t n = 0; n <= N; n += n < 20 ? 1 : 17) {
            memset(got, 0xaa, sizeof got);
            EXPECT_INT(pc_hash_batch(backend, hash, prefix, prefixes[p], &column, n, got), PC_OK);
            if (!EXPECT(memcmp(got, wanted, n * size) == 0)) return;
            EXPECT(n == N || got[n * size] == 0xaa);
        }
    }
}

/* Every count up to four times the most lanes, one length at a time; rows not aligned. So are widths of nodes behind one byte. */
static void test_counts(int backend, int hash) {
    enum { MOST = 4 * 32 + 1 };
    static const size_t widths[] = {0, 32, 32, 55, 64, 64, 65, 128, 136, 200}, prefixes[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0};
    static uint8_t data[MOST * 201 + 1], wanted[MOST * 64], got[(MOST + 1) * 64];
    size_t size = pc_hash_at(hash)->digest_size;
    test_fill(data, sizeof data);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        pc_column rows = {data + 1, NULL, widths[w], (ptrdiff_t)widths[w] + 1};
        for (size_t i = 0; i < MOST; i++) {
            one_by_one(hash, data, prefixes[w], rows.data + i * (widths[w] + 1), widths[w], wanted + i * size);
        }
        for (size_t n = 1; n <= MOST; n++) {
            if (!THOROUGH && n > 20 && (n + 1) % 8 > 2) continue; /* next to whole vectors */
            memset(got, 0xaa, sizeof got);
            EXPECT_INT(pc_hash_batch(backend, hash, data, prefixes[w], &rows, n, got), PC_OK);
            if (!EXPECT(memcmp(got, wanted, n * size) == 0 && got[n * size] == 0xaa)) return;
        }
    }
}

/* Prefixes and messages that are long next to each other, as trees of chunks have them. */
static void test_long(int backend, int hash) {
    enum { DATA = 300 * 1024, WIDTH = 2500, ROWS = 7 };
    static uint8_t joined[DATA + 5000], data[DATA], wanted[64], got[ROWS * 64];
    static const size_t prefixes[] = {0, 1, 1023, 1024, 1025, 2048, 4999};
    size_t size = pc_hash_at(hash)->digest_size;
    test_fill(data, sizeof data);
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        const size_t lens[] = {DATA, DATA - 1025, 1024, 1023, 0};
        memcpy(joined, data + 1000, prefixes[p]);
        for (size_t l = 0; l < sizeof lens / sizeof lens[0]; l++) {
            if (!THOROUGH && lens[l] > 2048 && p % 3) continue;
            memcpy(joined + prefixes[p], data, lens[l]);
            pc_column one = {data, NULL, lens[l], 0}, whole = {joined, NULL, prefixes[p] + lens[l], 0};
            EXPECT_INT(pc_hash_batch(backend, hash, data + 1000, prefixes[p], &one, 1, got), PC_OK);
            EXPECT_INT(pc_hash_batch(portable, hash, NULL, 0, &whole, 1, wanted), PC_OK);
            if (!EXPECT(memcmp(got, wanted, size) == 0)) return;
        }
        pc_column rows = {data, NULL, WIDTH, WIDTH + 3};
        EXPECT_INT(pc_hash_batch(backend, hash, data + 1000, prefixes[p], &rows, ROWS, got), PC_OK);
        for (size_t i = 0; i < ROWS; i++) {
            memcpy(joined + prefixes[p], data + i * (WIDTH + 3), WIDTH);
            pc_column whole = {joined, NULL, prefixes[p] + WIDTH, 0};
            EXPECT_INT(pc_hash_batch(portable, hash, NULL, 0, &whole, 1, wanted), PC_OK);
            if (!EXPECT(memcmp(got + i * size, wanted, size) == 0)) return;
        }
    }
}

/* Every length around the block and padding boundaries, rows of one width at a stride, also backwards and repeated. */
static void test_strided(int backend, int hash) {
    static uint8_t data[20 * 400], got[20 * 64], wanted[64];
    size_t size = pc_hash_at(hash)->digest_size;
    test_fill(data, sizeof data);
    for (size_t width = 0; width <= 290; width++) {
        const ptrdiff_t strides[] = {(ptrdiff_t)width, 331, -331, 0};
        for (int s = 0; s < 4; s++) {
            pc_column column = {strides[s] < 0 ? data + 19 * 331 : data, NULL, width, strides[s]};
            EXPECT_INT(pc_hash_batch(backend, hash, NULL, 0, &column, 20, got), PC_OK);
            for (int i = 0; i < 20; i += 19) {
                one_by_one(hash, data, 0, column.data + i * strides[s], width, wanted);
                if (!EXPECT(memcmp(got + (size_t)i * size, wanted, size) == 0)) return;
            }
        }
    }
}

static void test_merkle(int backend, int hash) {
    static uint8_t children[67 * 64], parents[67 * 64], inplace[67 * 64], wanted[64];
    static const uint8_t prefix[300] = {1, 2, 3};
    static const size_t prefixes[] = {0, 1, 64, 300};
    size_t size = pc_hash_at(hash)->digest_size;
    test_fill(children, sizeof children);
    for (size_t count = 2; count <= 67; count++) {
        for (int odd = PC_ODD_PROMOTE; odd <= PC_ODD_DUPLICATE; odd++) {
            size_t prefix_len = prefixes[count % 4];
            memcpy(inplace, children, sizeof children);
            EXPECT_INT(pc_merkle_level(backend, hash, odd, prefix, prefix_len, children, count, parents), PC_OK);
            EXPECT_INT(pc_merkle_level(backend, hash, odd, prefix, prefix_len, inplace, count, inplace), PC_OK);
            EXPECT(memcmp(parents, inplace, (count + 1) / 2 * size) == 0);
            EXPECT(memcmp(inplace + (count + 1) / 2 * size, children + (count + 1) / 2 * size, size) == 0);
            for (size_t i = 0; i < (count + 1) / 2; i++) {
                uint8_t pair[128];
                int alone = 2 * i + 1 == count;
                memcpy(pair, children + 2 * i * size, size);
                memcpy(pair + size, children + (2 * i + !alone) * size, size);
                one_by_one(hash, prefix, prefix_len, pair, 2 * size, wanted);
                if (alone && odd == PC_ODD_PROMOTE) memcpy(wanted, pair, size);
                if (!EXPECT(memcmp(parents + i * size, wanted, size) == 0)) return;
            }
        }
    }
}

/* Every length up to 300 at every count up to four vectors and one more: rows at an odd address and an odd stride, forwards and
 * backwards, and at each count a hundred mixtures of lengths. Takes minutes, so only `test_hash long` does it. */
static void test_all_lengths(int backend, int hash, size_t lanes) {
    enum { MOST = 4 * 32 + 1, WIDTH = 300, STRIDE = WIDTH + 7 };
    static uint8_t data[MOST * STRIDE + 1], wanted[MOST * 64], got[(MOST + 1) * 64], reversed[MOST * 64];
    static int64_t offsets[MOST + 1];
    const size_t size = pc_hash_at(hash)->digest_size, most = 4 * lanes + 1;
    const uint8_t *first = data + 1;
    test_fill(data, sizeof data);
    for (size_t width = 0; width <= WIDTH; width++) {
        for (size_t i = 0; i < most; i++) one_by_one(hash, data, 0, first + i * STRIDE, width, wanted + i * size);
        for (size_t n = 1; n <= most; n++) {
            const pc_column forwards = {first, NULL, width, STRIDE};
            const pc_column backwards = {first + (n - 1) * STRIDE, NULL, width, -STRIDE};
            memset(got, 0xaa, sizeof got);
            EXPECT_INT(pc_hash_batch(backend, hash, NULL, 0, &forwards, n, got), PC_OK);
            if (!EXPECT(memcmp(got, wanted, n * size) == 0 && got[n * size] == 0xaa)) return;
            EXPECT_INT(pc_hash_batch(backend, hash, NULL, 0, &backwards, n, reversed), PC_OK);
            for (size_t i = 0; i < n; i++) {
                if (!EXPECT(memcmp(reversed + i * size, wanted + (n - 1 - i) * size, size) == 0)) return;
            }
        }
    }
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < most; i++) {
            const size_t len = (size_t)(test_random() % (WIDTH + 1));
            offsets[i + 1] = offsets[i] + (int64_t)len;
            one_by_one(hash, data, 0, first + offsets[i], len, wanted + i * size);
        }
        for (size_t n = 1; n <= most; n++) {
            const pc_column ragged = {first, offsets, 0, 0};
            EXPECT_INT(pc_hash_batch(backend, hash, NULL, 0, &ragged, n, got), PC_OK);
            if (!EXPECT(memcmp(got, wanted, n * size) == 0)) return;
        }
    }
}

/* A message in pieces of any sizes, its digest taken on the way too, against the whole of it at once. */
static void stream_one(int backend, int hash, const uint8_t *data, size_t len, size_t most, pc_hash_stream *stream,
                       pc_hash_stream *copy, size_t size) {
    uint8_t wanted[64], got[64], again[64];
    pc_column whole = {data, NULL, len, 0};
    EXPECT_INT(pc_hash_stream_open(backend, hash, stream), PC_OK);
    for (size_t at = 0; at < len;) {
        size_t part = test_random() % (most + 1);
        if (part > len - at) part = len - at;
        EXPECT_INT(pc_hash_stream_update(stream, data + at, part), PC_OK);
        at += part;
        if (test_random() % 4 || most > 4096) continue;
        pc_column begun = {data, NULL, at, 0};
        memcpy(copy, stream, size);
        memset(stream, 0, size); /* the copy does not look back */
        EXPECT_INT(pc_hash_stream_digest(copy, got), PC_OK);
        memcpy(stream, copy, size);
        EXPECT_INT(pc_hash_batch(portable, hash, NULL, 0, &begun, 1, wanted), PC_OK);
        if (!EXPECT(memcmp(got, wanted, pc_hash_at(hash)->digest_size) == 0)) return;
    }
    EXPECT_INT(pc_hash_stream_digest(stream, got), PC_OK);
    EXPECT_INT(pc_hash_stream_digest(stream, again), PC_OK);
    EXPECT_INT(pc_hash_batch(portable, hash, NULL, 0, &whole, 1, wanted), PC_OK);
    EXPECT(memcmp(got, again, pc_hash_at(hash)->digest_size) == 0);
    if (!EXPECT(memcmp(got, wanted, pc_hash_at(hash)->digest_size) == 0)) {
        fprintf(stderr, "  %s of %zu bytes in pieces of up to %zu\n", pc_hash_at(hash)->name, len, most);
    }
}

static void test_stream(int backend, int hash) {
    enum { SUBTREE = 256 * 1024, MOST = 5 * SUBTREE + 3 };
    static uint8_t data[MOST];
    const size_t around[] = {SUBTREE, 2 * SUBTREE, 3 * SUBTREE, 4 * SUBTREE, 5 * SUBTREE}, mosts[] = {1, 7, 64, 200};
    size_t size = pc_hash_stream_size(backend, hash);
    EXPECT(size >= 64 && size <= 300 << 10 && size % 64 == 0);
    pc_hash_stream *stream = aligned_alloc(64, size), *copy = aligned_alloc(64, size);
    test_fill(data, sizeof data);
    for (size_t len = 0; len <= 300; len++)
        stream_one(backend, hash, data + len % 5, len, mosts[len % 4], stream, copy, size);
    for (size_t len = 1000; len <= 9000; len += 257) stream_one(backend, hash, data, len, 1500, stream, copy, size);
    const int trees = size > SUBTREE; /* a hash that takes a message apart */
    for (size_t i = 0; trees && i < sizeof around / sizeof around[0]; i++) {
        for (size_t past = 0; past < 3; past++) {
            stream_one(backend, hash, data, around[i] - 1 + past, past == 1 ? SUBTREE : 2 * SUBTREE, stream, copy, size);
        }
    }
    stream_one(backend, hash, data, trees ? MOST : 100000, MOST, stream, copy, size);
    stream_one(backend, hash, data, trees ? MOST : 100000, 50000, stream, copy, size);
    free(stream);
    free(copy);
}

/* Vectors side by side as usual here, or the other way; 0: this hash has no such choice, and other is 1. The hashes
 * that are made of SHA-256 and RIPEMD-160 follow theirs. */
static int set_streams(int hash, int other) {
    const char *name = pc_hash_at(hash)->name;
    pc_choice choice;
    for (int i = 0; pc_choice_at(i, &choice) == PC_OK; i++) {
        if (strcmp(choice.name, "streams") != 0 || strcmp(choice.algorithm, name) != 0) continue;
        EXPECT_INT(pc_choice_set("streams", name, other ? 3 - choice.usual : choice.usual), PC_OK);
        return 1;
    }
    return !other;
}

int main(int count, char **arguments) {
    const int long_run = count > 1 && strcmp(arguments[1], "long") == 0;
    pc_backend_row row;
    int tested = 0;
    while (pc_backend_at(portable + 1, &row) == PC_OK) portable++;
    for (int b = 0; pc_backend_at(b, &row) == PC_OK; b++) {
        if (!row.usable) continue;
        for (int h = 0; pc_hash_at(h); h++) {
            static uint8_t digest[64];
            pc_column empty = {NULL, NULL, 0, 0};
            int id = pc_hash_at(h)->id;
            if (pc_hash_batch(b, id, NULL, 0, &empty, 1, digest) == PC_ERR_BACKEND) continue; /* no kernel for this hash */
            test_long(b, id);
            test_strided(b, id);
            for (int other = 0; other < 2 && set_streams(id, other) && (!other || row.lanes >= 8); other++) {
                test_ragged(b, id);
                test_counts(b, id);
                test_merkle(b, id);
            }
            set_streams(id, 0);
            /* row.lanes are those of the curves: two vectors of sixteen where these have eight, else at most twice as many */
            if (long_run && b != portable) test_all_lengths(b, id, row.lanes >= 8 ? 32 : 2 * (size_t)row.lanes);
            test_stream(b, id);
            tested++;
        }
        if (strcmp(row.name, "portable") == 0) test_published(b);
    }
    test_published(PC_AUTO);
    EXPECT(tested >= 11);
    return test_report("test_hash");
}
