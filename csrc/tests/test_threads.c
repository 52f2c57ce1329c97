/* test_threads.c - the first calls of a process, from many threads at once: start-up, self-test and base point tables are built once,
 * and every thread gets the right answers. Run under ThreadSanitizer as well (make tsan). */
#include "../pycore.h"
#include "check_test.h"
#include "largest_key.h"

#include <pthread.h>

enum { THREADS = 8, N = 3 };

static pthread_barrier_t barrier;

/* Signs N messages, spoils the second, verifies all: 1 when the verdicts are right. */
static int round_trip(int scheme, uint8_t seed) {
    uint8_t secrets[N * 32] = {0}, keys[N * 65] = {0}, signatures[N * 64] = {0}, messages[N * 8] = {0}, verdicts[N] = {0};
    size_t key_size = largest_key(scheme);
    pc_verify_params params = {.scheme = scheme, .rules = scheme == 0 ? PC_RULE_COFACTORED : 0};
    for (size_t i = 0; i < sizeof secrets; i++) secrets[i] = (uint8_t)(seed + 3 * i);
    pc_column s = {secrets, NULL, 32, 32}, k = {keys, NULL, key_size, (ptrdiff_t)key_size};
    pc_column g = {signatures, NULL, 64, 64}, m = {messages, NULL, 8, 8};
    size_t scratch_len = pc_verify_scratch_size(PC_AUTO, &params);
    void *scratch = aligned_alloc(64, (scratch_len + 63) / 64 * 64);
    int good =
        pc_testing_public_keys(scheme, &s, N, keys) == PC_OK && pc_testing_sign(&params, &s, &m, N, signatures) == PC_OK;
    messages[8] ^= 1;
    good = good && pc_verify_batch(PC_AUTO, &params, &k, &g, &m, N, scratch, scratch_len, verdicts) == PC_OK;
    free(scratch);
    return good && verdicts[0] == 1 && verdicts[1] == 2 && verdicts[2] == 1;
}

static void *work(void *argument) {
    int *good = argument, first = *good;
    *good = 1;
    pthread_barrier_wait(&barrier);
    for (int i = 0; pc_scheme_at(i); i++) { /* each thread begins with another scheme */
        int schemes = 0;
        while (pc_scheme_at(schemes)) schemes++;
        if (!round_trip((first + i) % schemes, (uint8_t)(first + 1))) *good = 0;
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    int results[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        results[i] = i;
        EXPECT_INT(pthread_create(&threads[i], NULL, work, &results[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_INT(results[i], 1);
    }
    pthread_barrier_destroy(&barrier);
    return test_report("test_threads");
}
