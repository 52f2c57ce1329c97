/* big.h - slow and obvious arithmetic modulo any 256-bit number: the yardstick of the field tests. Nothing here is shared with the
 * code under test. Numbers are little-endian 64-bit words. */
#ifndef PC_TEST_BIG_H
#define PC_TEST_BIG_H
#include <stdint.h>
#include <string.h>

static inline int big_lt(const uint64_t a[4], const uint64_t b[4]) {
    for (int i = 3; i >= 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}
static inline int big_same(const uint64_t a[4], const uint64_t b[4]) { return memcmp(a, b, 32) == 0; }
/* r = a + b, returns the carry. */
static inline int big_add(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    int carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t t = a[i] + b[i], s = t + (uint64_t)carry;
        carry = (t < a[i]) | (s < t);
        r[i] = s;
    }
    return carry;
}
static inline int big_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    int borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t t = a[i] - b[i], s = t - (uint64_t)borrow;
        borrow = (t > a[i]) | (s > t);
        r[i] = s;
    }
    return borrow;
}
/* r = x[n] mod p, one bit at a time. */
static inline void big_mod(uint64_t r[4], const uint64_t *x, int n, const uint64_t p[4]) {
    uint64_t acc[4] = {0};
    for (int bit = 64 * n - 1; bit >= 0; bit--) {
        int out = (int)(acc[3] >> 63);
        for (int i = 3; i > 0; i--) acc[i] = acc[i] << 1 | acc[i - 1] >> 63;
        acc[0] = acc[0] << 1 | (x[bit / 64] >> (bit % 64) & 1);
        if (out || !big_lt(acc, p)) big_sub(acc, acc, p);
    }
    memcpy(r, acc, sizeof acc);
}
static inline void big_addmod(uint64_t r[4], const uint64_t a[4], const uint64_t b[4], const uint64_t p[4]) {
    uint64_t t[5];
    t[4] = (uint64_t)big_add(t, a, b);
    big_mod(r, t, 5, p);
}
static inline void big_negmod(uint64_t r[4], const uint64_t a[4], const uint64_t p[4]) {
    const uint64_t zero[4] = {0};
    uint64_t t[4];
    big_mod(t, a, 4, p);
    if (!big_same(t, zero)) big_sub(t, p, t);
    memcpy(r, t, sizeof t);
}
static inline void big_submod(uint64_t r[4], const uint64_t a[4], const uint64_t b[4], const uint64_t p[4]) {
    uint64_t t[4], u[4];
    big_mod(t, a, 4, p);
    big_negmod(u, b, p);
    big_addmod(r, t, u, p);
}
/* r = a b mod p by 32-bit schoolbook rows. */
static inline void big_mulmod(uint64_t r[4], const uint64_t a[4], const uint64_t b[4], const uint64_t p[4]) {
    uint32_t x[8], y[8], z[16] = {0};
    uint64_t wide[8];
    for (int i = 0; i < 8; i++) x[i] = (uint32_t)(a[i / 2] >> (32 * (i % 2))), y[i] = (uint32_t)(b[i / 2] >> (32 * (i % 2)));
    for (int i = 0; i < 8; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 8; j++) {
            carry += z[i + j] + (uint64_t)x[i] * y[j];
            z[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        z[i + 8] = (uint32_t)carry;
    }
    for (int i = 0; i < 8; i++) wide[i] = z[2 * i] | (uint64_t)z[2 * i + 1] << 32;
    big_mod(r, wide, 8, p);
}
/* r = a 2^n mod p. */
static inline void big_shlmod(uint64_t r[4], const uint64_t a[4], int n, const uint64_t p[4]) {
    big_mod(r, a, 4, p);
    while (n-- > 0) big_addmod(r, r, r, p);
}
#endif
