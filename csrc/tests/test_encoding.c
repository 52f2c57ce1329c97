/* test_encoding.c - SEC 1 keys, compact and DER signatures: hand-made cases for every rule of schemes/parts/encoding.inc.h, every
 * truncation of good input, and every single-byte change of it. Inputs are copied to memory of their exact size, so that
 * AddressSanitizer sees a read past the end. */
#include "check_test.h"

#include "../vec/vec_portable.h"
#include "../schemes/parts/encoding.inc.h"

static size_t unhex(uint8_t *out, const char *hex) {
    size_t n = 0;
    for (unsigned byte; *hex && sscanf(hex, "%2x", &byte) == 1; hex += 2) out[n++] = (uint8_t)byte;
    return n;
}

static int parse_der(const uint8_t *bytes, size_t len, int rules, uint64_t r[4], uint64_t s[4]) {
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    int result = sig_parse_der(len ? exact : NULL, len, rules, r, s);
    free(exact);
    return result;
}

#define X32  "1111111111111111111111111111111111111111111111111111111111111111"
#define Z10  "00000000000000000000"
#define Z122 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 Z10 "0000"
#define F32  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
enum { OK = SIG_OK, LARGE = SIG_TOO_LARGE, BAD = SIG_MALFORMED };
static const struct {
    const char *hex;
    int expected[3]; /* PC_DER_STRICT, TRAILING, GO: the last as encoding/asn1 of Go 1.19 answers */
    const char *what;
} der_cases[] = {
    {"3006020101020101", {OK, OK, OK}, "r = s = 1"},
    {"3006020100020100", {OK, OK, OK}, "zero is well formed"},
    {"300802020080020200ff", {OK, OK, OK}, "a zero byte before a high bit"},
    {"30440220" X32 "0220" X32, {OK, OK, OK}, "32 bytes"},
    {"3046022100" F32 "022100" F32, {OK, OK, OK}, "33 bytes with the leading zero: 2^256 - 1"},
    {"3045022101" X32 "0220" X32, {LARGE, LARGE, LARGE}, "r has 257 bits"},
    {"30450220" X32 "022101" X32, {LARGE, LARGE, LARGE}, "s has 257 bits"},
    {"3026022101" X32 "020101", {LARGE, LARGE, LARGE}, "r too large, s small"},
    {"3047022200ff" X32 "02217f" X32, {LARGE, LARGE, LARGE}, "both too large"},
    {"", {BAD, BAD, BAD}, "nothing"},
    {"30", {BAD, BAD, BAD}, "a tag alone"},
    {"3000", {BAD, BAD, BAD}, "empty SEQUENCE"},
    {"3003020101", {BAD, BAD, BAD}, "one INTEGER"},
    {"3009020101020101020101", {BAD, BAD, OK}, "three INTEGERs"},
    {"300702010102010100", {BAD, BAD, OK}, "a byte left over inside the SEQUENCE"},
    {"300602010102010100", {BAD, OK, OK}, "a byte behind the SEQUENCE"},
    {"30060201010201010000", {BAD, OK, OK}, "two bytes behind the SEQUENCE"},
    {"30060201010201013006020101020101", {BAD, OK, OK}, "another SEQUENCE behind it"},
    {"3005020101020101", {BAD, BAD, BAD}, "SEQUENCE shorter than its contents"},
    {"3007020101020101", {BAD, BAD, BAD}, "SEQUENCE longer than the input"},
    {"308106020101020101", {BAD, BAD, BAD}, "long-form length of the SEQUENCE"},
    {"30820006020101020101", {BAD, BAD, BAD}, "long-form length of two bytes"},
    {"3080020101020101", {BAD, BAD, BAD}, "indefinite length"},
    {"30800201010201010000", {BAD, BAD, BAD}, "indefinite length with an end"},
    {"300702810101020101", {BAD, BAD, BAD}, "long-form length of r"},
    {"3006028001020101", {BAD, BAD, BAD}, "indefinite length of r"},
    {"3106020101020101", {BAD, BAD, BAD}, "SET"},
    {"2006020101020101", {BAD, BAD, BAD}, "wrong tag of the SEQUENCE"},
    {"3006030101020101", {BAD, BAD, BAD}, "BIT STRING for r"},
    {"30060201010a0101", {BAD, BAD, BAD}, "ENUMERATED for s"},
    {"30050200020101", {BAD, BAD, BAD}, "empty r"},
    {"30050201010200", {BAD, BAD, BAD}, "empty s"},
    {"3006020180020101", {BAD, BAD, BAD}, "negative r"},
    {"30060201010201ff", {BAD, BAD, BAD}, "negative s"},
    {"300702020001020101", {BAD, BAD, BAD}, "r with a superfluous zero"},
    {"300702010102020001", {BAD, BAD, BAD}, "s with a superfluous zero"},
    {"300702020000020101", {BAD, BAD, BAD}, "zero in two bytes"},
    {"30070202ff80020101", {BAD, BAD, BAD}, "negative r in two bytes, not minimal"},
    {"3006020201020101", {BAD, BAD, BAD}, "r runs over s"},
    {"3006020101020201", {BAD, BAD, BAD}, "s runs over the end"},
    {"30060201010201", {BAD, BAD, BAD}, "cut"},
    {"3007020101020101ff", {BAD, BAD, OK}, "no element, left over inside"},
    {"30080201010201010500ff", {BAD, BAD, OK}, "NULL left over inside, and a byte behind"},
    {"308180020101020101" Z122, {BAD, BAD, OK}, "a length of 128, which needs two bytes"},
    {"30820100020101020101" Z122 Z122 "000000000000", {BAD, BAD, OK}, "a length of 256, which needs three"},
    {"30820080020101020101" Z122, {BAD, BAD, BAD}, "a length of 128 in three bytes"},
    {"30850100000000020101020101", {BAD, BAD, BAD}, "a length in five bytes"},
    {"3081870281810101" Z122 "01010101"
     "020101",
     {BAD, BAD, BAD},
     "r of 129 bytes, one short"},
    {"308187028181010101010101" Z122 "01"
     "020101",
     {BAD, BAD, LARGE},
     "r of 129 bytes"},
    {"0500", {BAD, BAD, BAD}, "NULL"},
};

static void test_der_cases(void) {
    for (size_t i = 0; i < sizeof der_cases / sizeof der_cases[0]; i++) {
        uint8_t bytes[512];
        uint64_t r[4], s[4];
        size_t len = unhex(bytes, der_cases[i].hex);
        for (int rules = PC_DER_STRICT; rules <= PC_DER_GO; rules++)
            if (!EXPECT_INT(parse_der(bytes, len, rules, r, s), der_cases[i].expected[rules]))
                fprintf(stderr, "  %s, rules = %d\n", der_cases[i].what, rules);
    }
}

/* The longest SEQUENCE of one-byte length: an r of 120 bytes is well formed; with 127 bytes of contents more it is not. */
static void test_der_long(void) {
    uint8_t bytes[256] = {0x30, 0x7f, 0x02, 0x7a};
    uint64_t r[4], s[4];
    memset(bytes + 4, 0x11, 0x7a);
    memcpy(bytes + 4 + 0x7a, "\x02\x01\x05", 3);
    EXPECT_INT(parse_der(bytes, 129, 0, r, s), SIG_TOO_LARGE);
    EXPECT(int256_is_zero(r) && s[0] == 5);
    bytes[1] = 0x80;
    bytes[3] = 0x7b;
    EXPECT_INT(parse_der(bytes, 130, 0, r, s), SIG_MALFORMED);
}

static void random_scalar(uint64_t w[4]) {
    for (int i = 0; i < 4; i++) w[i] = test_random();
    uint64_t keep = test_random() % 257; /* all lengths */
    for (uint64_t bit = keep; bit < 256; bit++) w[bit / 64] &= ~(1ULL << bit % 64);
}

/* Write, read back, cut anywhere, change any byte. DER is unique: another byte string is never the same (r, s). */
static void test_der_roundtrip(void) {
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[80];
        uint64_t r[4], s[4], r2[4], s2[4];
        random_scalar(r);
        random_scalar(s);
        size_t len = sig_write_der(bytes, r, s);
        EXPECT(len <= 72);
        EXPECT_INT(parse_der(bytes, len, 0, r2, s2), SIG_OK);
        EXPECT(memcmp(r, r2, 32) == 0 && memcmp(s, s2, 32) == 0);
        for (size_t cut = 0; cut < len; cut++) EXPECT_INT(parse_der(bytes, cut, 1, r2, s2), SIG_MALFORMED);
        bytes[len] = 0x30;
        EXPECT_INT(parse_der(bytes, len + 1, 0, r2, s2), SIG_MALFORMED);
        EXPECT_INT(parse_der(bytes, len + 1, 1, r2, s2), SIG_OK);
        for (size_t at = 0; at < len; at++) {
            uint8_t change = (uint8_t)(1 + test_random() % 255);
            bytes[at] ^= change;
            if (parse_der(bytes, len, 0, r2, s2) == SIG_OK) EXPECT(memcmp(r, r2, 32) != 0 || memcmp(s, s2, 32) != 0);
            bytes[at] ^= change;
        }
    }
}

static void test_compact(void) {
    uint8_t bytes[66];
    uint64_t r[4], s[4];
    test_fill(bytes, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++)
        EXPECT_INT(sig_parse_compact(bytes, len, r, s), len == 64 ? SIG_OK : SIG_MALFORMED);
    EXPECT_INT(sig_parse_compact(bytes, 64, r, s), SIG_OK);
    uint8_t again[64];
    sig_write_compact(again, r, s);
    EXPECT(memcmp(again, bytes, 64) == 0);
    EXPECT(r[3] >> 56 == bytes[0] && (r[0] & 0xff) == bytes[31] && s[3] >> 56 == bytes[32] && (s[0] & 0xff) == bytes[63]);
}

static int parse_key(const uint8_t *bytes, size_t len, int forms, uint64_t x[4], uint64_t y[4]) {
    static const uint64_t prime[4] = {0xfffffffefffffc2fULL, ~0ULL, ~0ULL, ~0ULL};
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    int form = key_parse(len ? exact : NULL, len, forms, prime, x, y);
    free(exact);
    return form;
}

static void test_keys(void) {
    static const struct {
        size_t len;
        int prefix, sec1, raw, x_only; /* what each set of forms makes of it */
    } cases[] = {
        {33, 2, KEY_Y_EVEN, 0, 0},
        {33, 3, KEY_Y_ODD, 0, 0},
        {65, 4, KEY_Y_GIVEN, 0, 0},
        {33, 4, 0, 0, 0},
        {65, 2, 0, 0, 0},
        {65, 3, 0, 0, 0},
        {65, 6, 0, 0, 0},
        {65, 7, 0, 0, 0},
        {33, 0, 0, 0, 0},
        {33, 1, 0, 0, 0},
        {33, 5, 0, 0, 0},
        {65, 0, 0, 0, 0},
        {1, 0, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {34, 2, 0, 0, 0},
        {66, 4, 0, 0, 0},
        {64, 4, 0, KEY_Y_GIVEN, 0},
        {32, 2, 0, 0, KEY_Y_EVEN},
        {31, 2, 0, 0, 0},
        {63, 4, 0, 0, 0},
    };
    uint8_t bytes[66];
    uint64_t x[4], y[4];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(bytes, 0x11, sizeof bytes);
        bytes[0] = (uint8_t)cases[i].prefix;
        EXPECT_INT(parse_key(bytes, cases[i].len, PC_KEY_SEC1, x, y), cases[i].sec1);
        EXPECT_INT(parse_key(bytes, cases[i].len, PC_KEY_XY, x, y), cases[i].raw);
        EXPECT_INT(parse_key(bytes, cases[i].len, PC_KEY_X_ONLY, x, y), cases[i].x_only);
    }
    memset(bytes, 0xff, sizeof bytes); /* x above the prime */
    for (int prefix = 2; prefix <= 4; prefix++) {
        bytes[0] = (uint8_t)prefix;
        EXPECT_INT(parse_key(bytes, prefix == 4 ? 65 : 33, PC_KEY_SEC1, x, y), KEY_MALFORMED);
    }
    bytes[0] = 4;
    memset(bytes + 1, 0x11, 32); /* x fine, y above the prime */
    EXPECT_INT(parse_key(bytes, 65, PC_KEY_SEC1, x, y), KEY_MALFORMED);
    static const uint8_t prime_tail[5] = {0xfe, 0xff, 0xff, 0xfc, 0x2f};
    memset(bytes, 0xff, 33); /* x = p, then p - 1 */
    bytes[0] = 2;
    memcpy(bytes + 28, prime_tail, 5);
    EXPECT_INT(parse_key(bytes, 33, PC_KEY_SEC1, x, y), KEY_MALFORMED);
    bytes[32]--;
    EXPECT_INT(parse_key(bytes, 33, PC_KEY_SEC1, x, y), KEY_Y_EVEN);
    EXPECT(x[0] == 0xfffffffefffffc2eULL && x[3] == ~0ULL);
}

static void test_int256(void) {
    static const uint64_t zero[4] = {0}, one[4] = {1, 0, 0, 0}, all[4] = {~0ULL, ~0ULL, ~0ULL, ~0ULL}, top[4] = {0, 0, 0, 1};
    uint64_t r[4];
    EXPECT(int256_lt(zero, one) && !int256_lt(one, one) && !int256_lt(all, top) && int256_lt(one, top));
    EXPECT(int256_add(r, all, one) == 1 && int256_is_zero(r));
    EXPECT(int256_add(r, all, all) == 1 && r[0] == ~1ULL && r[3] == ~0ULL);
    EXPECT(int256_sub(r, zero, one) == 1 && memcmp(r, all, 32) == 0);
    EXPECT(int256_sub(r, top, one) == 0 && r[0] == ~0ULL && r[2] == ~0ULL && r[3] == 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t a[4], b[4], back[4];
        random_scalar(a);
        random_scalar(b);
        int carry = int256_add(r, a, b), borrow = int256_sub(back, r, b);
        EXPECT(carry == borrow && memcmp(back, a, 32) == 0 && int256_lt(r, a) == carry);
    }
}

int main(void) {
    test_der_cases();
    test_der_long();
    test_der_roundtrip();
    test_compact();
    test_keys();
    test_int256();
    return test_report("encoding");
}
