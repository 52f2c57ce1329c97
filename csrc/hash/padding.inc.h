/* padding.inc.h - the last blocks of a message: MANY_PAD of many.inc.h. */
#ifndef PC_HASH_PADDING_INC_H
#define PC_HASH_PADDING_INC_H
#include "../core/check.h"

#include <stdint.h>
#include <string.h>

/* FIPS 180-4, section 5.1: a one bit, zeros, and the length in bits, big-endian, in `length` bytes at the end of a block. */
static inline int hash_pad_md(uint8_t *block, size_t used, uint64_t total, size_t size, size_t length) {
    size_t end = used + 1 + length <= size ? size : 2 * size;
    uint64_t bits = total * 8; /* memory holds less than 2^61 bytes */
    block[used] = 0x80;
    memset(block + used + 1, 0, end - used - 1);
    for (int i = 0; i < 8; i++) block[end - 1 - i] = (uint8_t)(bits >> (8 * i));
    return (int)(end / size);
}

/* RIPEMD-160: the same with the length little-endian. */
PC_FN int hash_pad_64_le(uint8_t *block, size_t used, uint64_t total) {
    int blocks = hash_pad_md(block, used, 0, 64, 8);
    for (int i = 0; i < 8; i++) block[64 * blocks - 8 + i] = (uint8_t)(total * 8 >> (8 * i));
    return blocks;
}

/* The BLAKE hashes: zeros, and none after a whole block. */
PC_FN int hash_pad_zeros_64(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, memset(block + used, 0, 64 - used), 1;
}
PC_FN int hash_pad_zeros_128(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, memset(block + used, 0, 128 - used), 1;
}

/* FIPS 202, section 5.1 (pad10*1) behind the domain bits of section 6.1: `first` holds both. */
static inline int hash_pad_sponge(uint8_t *block, size_t used, uint8_t first) {
    memset(block + used, 0, 136 - used);
    block[used] = first;
    block[135] |= 0x80;
    return 1;
}

PC_FN int hash_pad_64(uint8_t *block, size_t used, uint64_t total) { return hash_pad_md(block, used, total, 64, 8); }
PC_FN int hash_pad_128(uint8_t *block, size_t used, uint64_t total) { return hash_pad_md(block, used, total, 128, 16); }
PC_FN int hash_pad_sha3(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, hash_pad_sponge(block, used, 0x06);
}
PC_FN int hash_pad_keccak(uint8_t *block, size_t used, uint64_t total) {
    return (void)total, hash_pad_sponge(block, used, 0x01);
}
#endif
