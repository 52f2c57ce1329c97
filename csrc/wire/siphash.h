/* siphash.h - SipHash-1-3: the function of Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one round for
 * a word and three at the end. Who does not know the key cannot choose pieces that fall into one slot of a table. */
#ifndef PC_WIRE_SIPHASH_H
#define PC_WIRE_SIPHASH_H
#include <string.h>

#include "../core/check.h"

PC_FN uint64_t pc_sip_load(const uint8_t *p, size_t n) {
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word;
}

PC_FN uint64_t pc_sip_rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

PC_FN void pc_sip_round(uint64_t v[4]) {
    v[0] += v[1], v[1] = pc_sip_rotate(v[1], 13) ^ v[0], v[0] = pc_sip_rotate(v[0], 32);
    v[2] += v[3], v[3] = pc_sip_rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = pc_sip_rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = pc_sip_rotate(v[1], 17) ^ v[2], v[2] = pc_sip_rotate(v[2], 32);
}

PC_FN uint64_t pc_siphash13(const uint8_t key[16], const uint8_t *p, size_t len) {
    const uint64_t k0 = pc_sip_load(key, 8), k1 = pc_sip_load(key + 8, 8), total = (uint64_t)len << 56;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    for (; len >= 8; p += 8, len -= 8) {
        const uint64_t word = pc_sip_load(p, 8);
        v[3] ^= word;
        pc_sip_round(v);
        v[0] ^= word;
    }
    const uint64_t word = pc_sip_load(p, len) | total;
    v[3] ^= word;
    pc_sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) pc_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
#endif
