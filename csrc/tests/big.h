/* big.h - slow and obvious arithmetic modulo any number of BIG_WORDS words: the yardstick of the field tests. Nothing here is shared with the
 * code under test. Numbers are little-endian 64-bit words. */
#ifndef PC_TEST_BIG_H
#define PC_TEST_BIG_H
#include <stdint.h>
#include <string.h>

#ifndef BIG_WORDS /* of a number */
#    define BIG_WORDS 4
#endif
#define BIG_CALL static __attribute__((unused, noinline)) /* in each of a thousand places it would take compilers a minute */

static inline int big_lt(const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS]) {
    for (int i = BIG_WORDS - 1; i >= 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}
static inline int big_same(const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS]) {
    return memcmp(a, b, 8 * BIG_WORDS) == 0;
}
/* r = a + b, returns the carry. */
static inline int big_add(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS]) {
    int carry = 0;
    for (int i = 0; i < BIG_WORDS; i++) {
        uint64_t t = a[i] + b[i], s = t + (uint64_t)carry;
        carry = (t < a[i]) | (s < t);
        r[i] = s;
    }
    return carry;
}
static inline int big_sub(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS]) {
    int borrow = 0;
    for (int i = 0; i < BIG_WORDS; i++) {
        uint64_t t = a[i] - b[i], s = t - (uint64_t)borrow;
        borrow = (t > a[i]) | (s > t);
        r[i] = s;
    }
    return borrow;
}
/* r = x[n] mod p, one bit at a time. */
BIG_CALL void big_mod(uint64_t r[BIG_WORDS], const uint64_t *x, int n, const uint64_t p[BIG_WORDS]) {
    uint64_t acc[BIG_WORDS] = {0};
    for (int bit = 64 * n - 1; bit >= 0; bit--) {
        int out = (int)(acc[BIG_WORDS - 1] >> 63);
        for (int i = BIG_WORDS - 1; i > 0; i--) acc[i] = acc[i] << 1 | acc[i - 1] >> 63;
        acc[0] = acc[0] << 1 | (x[bit / 64] >> (bit % 64) & 1);
        if (out || !big_lt(acc, p)) big_sub(acc, acc, p);
    }
    memcpy(r, acc, sizeof acc);
}
BIG_CALL void big_addmod(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS],
                         const uint64_t p[BIG_WORDS]) {
    uint64_t t[BIG_WORDS + 1];
    t[BIG_WORDS] = (uint64_t)big_add(t, a, b);
    big_mod(r, t, BIG_WORDS + 1, p);
}
BIG_CALL void big_negmod(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t p[BIG_WORDS]) {
    const uint64_t zero[BIG_WORDS] = {0};
    uint64_t t[BIG_WORDS];
    big_mod(t, a, BIG_WORDS, p);
    if (!big_same(t, zero)) big_sub(t, p, t);
    memcpy(r, t, sizeof t);
}
BIG_CALL void big_submod(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS],
                         const uint64_t p[BIG_WORDS]) {
    uint64_t t[BIG_WORDS], u[BIG_WORDS];
    big_mod(t, a, BIG_WORDS, p);
    big_negmod(u, b, p);
    big_addmod(r, t, u, p);
}
/* r = a b mod p by 32-bit schoolbook rows. */
BIG_CALL void big_mulmod(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], const uint64_t b[BIG_WORDS],
                         const uint64_t p[BIG_WORDS]) {
    uint32_t x[2 * BIG_WORDS], y[2 * BIG_WORDS], z[4 * BIG_WORDS] = {0};
    uint64_t wide[2 * BIG_WORDS];
    for (int i = 0; i < 2 * BIG_WORDS; i++)
        x[i] = (uint32_t)(a[i / 2] >> (32 * (i % 2))), y[i] = (uint32_t)(b[i / 2] >> (32 * (i % 2)));
    for (int i = 0; i < 2 * BIG_WORDS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 2 * BIG_WORDS; j++) {
            carry += z[i + j] + (uint64_t)x[i] * y[j];
            z[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        z[i + 2 * BIG_WORDS] = (uint32_t)carry;
    }
    for (int i = 0; i < 2 * BIG_WORDS; i++) wide[i] = z[2 * i] | (uint64_t)z[2 * i + 1] << 32;
    big_mod(r, wide, 2 * BIG_WORDS, p);
}
/* r = a 2^n mod p. */
BIG_CALL void big_shlmod(uint64_t r[BIG_WORDS], const uint64_t a[BIG_WORDS], int n, const uint64_t p[BIG_WORDS]) {
    big_mod(r, a, BIG_WORDS, p);
    while (n-- > 0) big_addmod(r, r, r, p);
}
#endif
