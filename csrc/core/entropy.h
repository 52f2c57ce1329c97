/* entropy.h - bytes that nobody can foresee, from the operating system. */
#ifndef PC_ENTROPY_H
#define PC_ENTROPY_H
#include <stddef.h>
#include <stdint.h>
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#    include <sys/random.h>
#    include <unistd.h>
#    define PC_HAS_GETENTROPY 1
#endif

/* Fills out[n], n <= 256. Returns 0 where there is no source or it fails: do without. */
static inline int pc_entropy(uint8_t *out, size_t n) {
#ifdef PC_HAS_GETENTROPY
    return getentropy(out, n) == 0;
#else
    return (void)out, (void)n, 0;
#endif
}
#endif
