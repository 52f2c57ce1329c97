/* fuzz_sec1.c - public keys, from bytes to a point of the curve: no read past the end; an accepted key is on the curve and
 * encodes back to the same bytes; its compressed, uncompressed and raw forms give the same point; hybrid forms are refused.
 */
#include <stdio.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* the templates hold more than keys */

#include "../vec/vec_portable.h"
#include "../hash/lanes_portable.h"
#include "../hash/hash.inc.h"
#include "../field/fields.inc.h"
#include "../schemes/short_weierstrass.inc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                  \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

/* One key through keys_read and keys_points: 1 and x || y, big-endian, when it is accepted. */
#define LOADER(curve)                                                                                                       \
    static int curve##_load(const uint8_t *bytes, size_t len, int forms, uint8_t xy[64]) {                                  \
        static curve##_keys keys;                                                                                           \
        curve##_aff points[curve##_GROUPS];                                                                                 \
        const pc_column column = {bytes, NULL, len, 0};                                                                     \
        const pc_key_source source = {&column, NULL, NULL};                                                                 \
        uint64_t x[4], y[4];                                                                                                \
        curve##_keys_read(&keys, &source, 0, 1, forms);                                                                     \
        curve##_keys_points(points, &keys, 1);                                                                              \
        if (keys.bad[0]) return 0;                                                                                          \
        REQUIRE(mbits(curve##_on_curve(&points[0])) & 1);                                                                   \
        curve##_soa_get(x, keys.x, 0);                                                                                      \
        curve##_soa_get(y, keys.y, 0);                                                                                      \
        pc_words_to_be(xy, x);                                                                                              \
        pc_words_to_be(xy + 32, y);                                                                                         \
        return 1;                                                                                                           \
    }
LOADER(k256)
LOADER(p256)
LOADER(sm2c)

typedef int load_fn(const uint8_t *bytes, size_t len, int forms, uint8_t xy[64]);

/* All encodings of a point that one of them gave. */
static void check_point(load_fn *load, const uint8_t xy[64]) {
    uint8_t form[65], other[64];
    memcpy(form + 1, xy, 64);
    for (int prefix = 0; prefix < 256; prefix++) {
        form[0] = (uint8_t)prefix;
        if (prefix != 4) REQUIRE(!load(form, 65, PC_KEY_SEC1 | PC_KEY_XY | PC_KEY_X_ONLY, other));
    }
    form[0] = 4;
    REQUIRE(load(form, 65, PC_KEY_SEC1, other) && memcmp(other, xy, 64) == 0);
    REQUIRE(load(xy, 64, PC_KEY_XY, other) && memcmp(other, xy, 64) == 0);
    REQUIRE(!load(xy, 64, PC_KEY_SEC1, other));
    form[0] = (uint8_t)(2 + (xy[63] & 1));
    REQUIRE(load(form, 33, PC_KEY_SEC1, other) && memcmp(other, xy, 64) == 0);
    form[0] ^= 1; /* the other root: same x, p - y */
    REQUIRE(load(form, 33, PC_KEY_SEC1, other) && memcmp(other, xy, 32) == 0 && ((other[63] ^ xy[63]) & 1));
    REQUIRE(load(xy, 32, PC_KEY_X_ONLY, other) && memcmp(other, xy, 32) == 0 && !(other[63] & 1));
    form[64] ^= 1; /* off the curve, or above the prime */
    form[0] = 4;
    REQUIRE(!load(form, 65, PC_KEY_SEC1, other));
}

static void check(load_fn *load, const uint8_t *data, size_t size) {
    uint8_t xy[64], other[33];
    if (load(data, size, PC_KEY_SEC1, xy)) {
        REQUIRE(size == 33 || size == 65);
        REQUIRE(memcmp(xy, data + 1, size - 1) == 0);
        REQUIRE(size == 65 ? data[0] == 4 : data[0] == 2 + (xy[63] & 1));
        check_point(load, xy);
    }
    if (load(data, size, PC_KEY_XY, xy)) {
        REQUIRE(size == 64 && memcmp(xy, data, 64) == 0);
        check_point(load, xy);
    }
    if (load(data, size, PC_KEY_X_ONLY, xy)) {
        REQUIRE(size == 32 && memcmp(xy, data, 32) == 0);
        check_point(load, xy);
    }
    if (size < 32) return;
    memcpy(other + 1, data, 32); /* half of all x are good ones: neither root or both */
    other[0] = 2;
    int even = load(other, 33, PC_KEY_SEC1, xy);
    if (even) check_point(load, xy);
    other[0] = 3;
    REQUIRE(load(other, 33, PC_KEY_SEC1, xy) == even);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static load_fn *const loaders[] = {k256_load, p256_load, sm2c_load};
    check(loaders[size ? data[size - 1] % 3 : 0], data, size);
    return 0;
}
