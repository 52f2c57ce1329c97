/* awkward.h - scalars of 256 bits that a ladder may stumble over. */
#ifndef PC_TEST_AWKWARD_H
#define PC_TEST_AWKWARD_H
#include "check_test.h"

/* r = a - b modulo 2^256. */
static void awkward_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        const uint64_t t = a[i] - b[i], s = t - borrow;
        borrow = (t > a[i]) | (s > t);
        r[i] = s;
    }
}
/* A scalar that likes the corners, of any size: the user reduces it. */
static void awkward(uint64_t w[4], const uint64_t order[4]) {
    uint64_t small[4] = {test_random() % 70, 0, 0, 0}, power[4] = {0};
    power[test_random() % 4] = 1ULL << test_random() % 64;
    switch (test_random() % 6) {
    case 0:
        memcpy(w, small, sizeof small);
        break;
    case 1:
        awkward_sub(w, order, small);
        break;
    case 2:
        memcpy(w, power, sizeof power);
        break;
    case 3:
        awkward_sub(w, power, small); /* wraps below zero sometimes, which is as good */
        break;
    case 4:
        for (int i = 0; i < 4; i++) w[i] = test_random() % 2 ? 0x5555555555555555ULL : ~0ULL << test_random() % 64;
        break;
    default:
        for (int i = 0; i < 4; i++) w[i] = test_random();
    }
}
#endif
