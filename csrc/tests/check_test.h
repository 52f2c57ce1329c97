/* check_test.h - what every C test shares: a check that says where it failed, and a seeded generator. */
#ifndef PC_CHECK_TEST_H
#define PC_CHECK_TEST_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Assertions and sanitizers are tenfold slow: with them, or told so, a test samples what it would try exhaustively, one of every kind. */
#if defined(PC_VERIFY) || defined(TEST_BRIEF)
enum { THOROUGH = 0 };
#else
enum { THOROUGH = 1 };
#endif

static int test_failures;

/* Evaluates to the condition, so that a loop can stop at the first failure. */
#define EXPECT(condition)                                                                                                   \
    ((condition) ? 1 : (test_failures++, fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), 0))
#define EXPECT_INT(got, wanted) test_int((got), (wanted), #got, __FILE__, __LINE__)

static inline int test_int(long long got, long long wanted, const char *what, const char *file, int line) {
    if (got == wanted) return 1;
    test_failures++;
    fprintf(stderr, "%s:%d: %s is %lld, wanted %lld\n", file, line, what, got, wanted);
    return 0;
}

#ifndef TEST_ISA /* the instruction set of a test that takes templates by the inside */
#    define TEST_ISA "the library"
#endif
static inline int test_report(const char *name) {
    printf("%s (%s): %s\n", name, TEST_ISA, test_failures ? "FAILED" : "ok");
    return test_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* xorshift64*: the same bytes on every machine. */
static uint64_t test_state = 0x9e3779b97f4a7c15;
static inline uint64_t test_random(void) {
    test_state ^= test_state >> 12;
    test_state ^= test_state << 25;
    test_state ^= test_state >> 27;
    return test_state * 0x2545f4914f6cdd1d;
}
static inline void test_fill(uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) data[i] = (uint8_t)test_random();
}
#endif
