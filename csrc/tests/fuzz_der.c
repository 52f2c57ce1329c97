/* fuzz_der.c - signature parsing: no read past the end, DER is unique, a lenient rule differs from the strict one by the bytes
 * behind the SEQUENCE alone, and Go's from that by the bytes behind s. The input is parsed as it is, and once more as two integers that are encoded,
 * damaged as the rest of the input says, and parsed. */
#include <stdio.h>
#include <stdlib.h>

#include "../vec/vec_portable.h"
#include "../schemes/parts/encoding.inc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

/* What PC_DER_GO takes and PC_DER_TRAILING refuses is a strict signature once the bytes behind s are gone, if that is short
 * enough to be one. lenient, r, s: what PC_DER_TRAILING gave. */
static void check_go(const uint8_t *data, size_t size, int lenient, const uint64_t r[4], const uint64_t s[4]) {
    uint64_t go_r[4], go_s[4], r2[4], s2[4];
    uint8_t cut[72];
    const int go = sig_parse_der(data, size, PC_DER_GO, go_r, go_s);
    if (lenient != SIG_MALFORMED) {
        REQUIRE(go == lenient && memcmp(r, go_r, 32) == 0 && memcmp(s, go_s, 32) == 0);
    } else if (go == SIG_OK) {
        const size_t head = data[1] > 0x7f ? 2 + (size_t)(data[1] & 0x7f) : 2, r_size = 2 + (size_t)data[head + 1];
        const size_t body = r_size + 2 + (size_t)data[head + r_size + 1];
        REQUIRE(head + body <= size && body <= 70);
        cut[0] = 0x30;
        cut[1] = (uint8_t)body;
        memcpy(cut + 2, data + head, body);
        REQUIRE(sig_parse_der(cut, 2 + body, PC_DER_STRICT, r2, s2) == SIG_OK);
        REQUIRE(memcmp(r2, go_r, 32) == 0 && memcmp(s2, go_s, 32) == 0);
    }
}

static void check(const uint8_t *data, size_t size) {
    uint64_t r[4], s[4], r2[4], s2[4];
    uint8_t again[72];
    int strict = sig_parse_der(data, size, PC_DER_STRICT, r, s),
        lenient = sig_parse_der(data, size, PC_DER_TRAILING, r2, s2);
    if (strict == SIG_OK) {
        REQUIRE(sig_write_der(again, r, s) == size && memcmp(again, data, size) == 0);
    }
    if (strict != SIG_MALFORMED) {
        REQUIRE(lenient == strict && memcmp(r, r2, 32) == 0 && memcmp(s, s2, 32) == 0);
        REQUIRE(size == 2 + (size_t)data[1]);
    }
    if (strict == SIG_TOO_LARGE) REQUIRE(size > 2 + 2 + 32 + 3);
    if (lenient != SIG_MALFORMED) {
        size_t whole = 2 + (size_t)data[1];
        REQUIRE(whole <= size && sig_parse_der(data, whole, PC_DER_STRICT, r, s) == lenient);
    }
    check_go(data, size, lenient, r2, s2);
    if (sig_parse_compact(data, size, r, s) == SIG_OK) {
        sig_write_compact(again, r, s);
        REQUIRE(size == 64 && memcmp(again, data, 64) == 0);
    }
}

/* size bytes: two lengths, the integers' bytes, then pairs (position, change). */
static void check_damaged(const uint8_t *data, size_t size) {
    uint8_t be[64] = {0}, *der;
    uint64_t r[4], s[4], r2[4], s2[4];
    if (size < 3) return;
    size_t r_len = data[0] % 33, s_len = data[1] % 33, kind = data[2], at = 3;
    if (size < at + r_len + s_len) return;
    memcpy(be + 32 - r_len, data + at, r_len);
    memcpy(be + 64 - s_len, data + at + r_len, s_len);
    at += r_len + s_len;
    pc_words_from_be(r, be);
    pc_words_from_be(s, be + 32);
    uint8_t good[72];
    size_t len = sig_write_der(good, r, s), cut = kind % 4 == 0 && kind / 4 < len ? kind / 4 : len;
    REQUIRE(sig_parse_der(good, len, PC_DER_STRICT, r2, s2) == SIG_OK && memcmp(r, r2, 32) == 0 && memcmp(s, s2, 32) == 0);
    der = malloc(cut ? cut : 1); /* its exact size: one byte too many is seen */
    memcpy(der, good, cut);
    for (; at + 2 <= size && cut; at += 2) der[data[at] % cut] ^= data[at + 1];
    check(der, cut);
    if (cut < len || memcmp(der, good, len) != 0) {
        int result = sig_parse_der(der, cut, PC_DER_STRICT, r2, s2);
        REQUIRE(result != SIG_OK || memcmp(r, r2, 32) != 0 || memcmp(s, s2, 32) != 0);
    }
    free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check(data, size);
    check_damaged(data, size);
    return 0;
}
