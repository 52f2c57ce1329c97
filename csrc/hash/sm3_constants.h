/* sm3_constants.h - GB/T 32905-2016, sections 4.1 and 4.2, and the message schedule of one block in plain C. */
#ifndef PC_HASH_SM3_CONSTANTS_H
#define PC_HASH_SM3_CONSTANTS_H
#include <stdint.h>

static const uint32_t sm3_initial[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                        0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};

/* T_j rotated left by j mod 32, T_j = 79cc4519 for j < 16 and 7a879d8a after. */
#define SM3_T                                                                                                               \
    0x79cc4519, 0xf3988a32, 0xe7311465, 0xce6228cb, 0x9cc45197, 0x3988a32f, 0x7311465e, 0xe6228cbc, 0xcc451979, 0x988a32f3, \
        0x311465e7, 0x6228cbce, 0xc451979c, 0x88a32f39, 0x11465e73, 0x228cbce6, 0x9d8a7a87, 0x3b14f50f, 0x7629ea1e,         \
        0xec53d43c, 0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce, 0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec,         \
        0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5, 0x7a879d8a, 0xf50f3b14, 0xea1e7629, 0xd43cec53, 0xa879d8a7,         \
        0x50f3b14f, 0xa1e7629e, 0x43cec53d, 0x879d8a7a, 0x0f3b14f5, 0x1e7629ea, 0x3cec53d4, 0x79d8a7a8, 0xf3b14f50,         \
        0xe7629ea1, 0xcec53d43, 0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c, 0xd8a7a879, 0xb14f50f3, 0x629ea1e7,         \
        0xc53d43ce, 0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec, 0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5
static const uint32_t sm3_t[64] = {SM3_T};

/* Section 5.3.2: schedule[j] = W_j, schedule[64 + j] = W_j xor W_(j+4). */
static void sm3_expand(uint32_t *schedule, const uint8_t *block) {
#define ROTL(x, n) ((x) << (n) | (x) >> (32 - (n)))
    uint32_t w[68];
    for (int j = 0; j < 16; j++) {
        const uint8_t *p = block + 4 * j;
        w[j] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int j = 16; j < 68; j++) {
        uint32_t x = w[j - 16] ^ w[j - 9] ^ ROTL(w[j - 3], 15);
        w[j] = x ^ ROTL(x, 15) ^ ROTL(x, 23) ^ ROTL(w[j - 13], 7) ^ w[j - 6];
    }
    for (int j = 0; j < 64; j++) schedule[j] = w[j], schedule[64 + j] = w[j] ^ w[j + 4];
#undef ROTL
}
#endif
