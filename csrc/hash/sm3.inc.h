/* sm3.inc.h - SM3 compression over W32 lanes. GB/T 32905-2016, section 5.3 (ISO/IEC 10118-3:2018, dedicated hash-function 17). */

static const uint32_t sm3_initial[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                        0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};

/* T_j rotated left by j mod 32, T_j = 79cc4519 for j < 16 and 7a879d8a after. */
static const uint32_t sm3_t[64] = {
    0x79cc4519, 0xf3988a32, 0xe7311465, 0xce6228cb, 0x9cc45197, 0x3988a32f, 0x7311465e, 0xe6228cbc, 0xcc451979, 0x988a32f3,
    0x311465e7, 0x6228cbce, 0xc451979c, 0x88a32f39, 0x11465e73, 0x228cbce6, 0x9d8a7a87, 0x3b14f50f, 0x7629ea1e, 0xec53d43c,
    0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce, 0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec, 0xa7a879d8, 0x4f50f3b1,
    0x9ea1e762, 0x3d43cec5, 0x7a879d8a, 0xf50f3b14, 0xea1e7629, 0xd43cec53, 0xa879d8a7, 0x50f3b14f, 0xa1e7629e, 0x43cec53d,
    0x879d8a7a, 0x0f3b14f5, 0x1e7629ea, 0x3cec53d4, 0x79d8a7a8, 0xf3b14f50, 0xe7629ea1, 0xcec53d43, 0x9d8a7a87, 0x3b14f50f,
    0x7629ea1e, 0xec53d43c, 0xd8a7a879, 0xb14f50f3, 0x629ea1e7, 0xc53d43ce, 0x8a7a879d, 0x14f50f3b, 0x29ea1e76, 0x53d43cec,
    0xa7a879d8, 0x4f50f3b1, 0x9ea1e762, 0x3d43cec5,
};

static inline v32 sm3_p0(v32 x) { return v32_xor3(x, v32_rotl(x, 9), v32_rotl(x, 17)); }
static inline v32 sm3_p1(v32 x) { return v32_xor3(x, v32_rotl(x, 15), v32_rotl(x, 23)); }
#define SM3_FF_LOW(x, y, z)  v32_xor3(x, y, z)
#define SM3_GG_LOW(x, y, z)  v32_xor3(x, y, z)
#define SM3_FF_HIGH(x, y, z) v32_majority(x, y, z)
#define SM3_GG_HIGH(x, y, z) v32_choose(x, y, z)

/* One round; the caller renames the variables. w0 = W_j, w4 = W_(j+4). */
#define SM3_ROUND(a, b, c, d, e, f, g, h, FF, GG, w0, w4, t)                                                                \
    do {                                                                                                                    \
        v32 a12 = v32_rotl(a, 12);                                                                                          \
        v32 ss1 = v32_rotl(v32_add(v32_add(a12, e), v32_set1(t)), 7);                                                       \
        v32 tt1 = v32_add(v32_add(FF(a, b, c), d), v32_add(v32_xor(ss1, a12), v32_xor(w0, w4)));                            \
        v32 tt2 = v32_add(v32_add(GG(e, f, g), h), v32_add(ss1, w0));                                                       \
        b = v32_rotl(b, 9);                                                                                                 \
        d = tt1;                                                                                                            \
        f = v32_rotl(f, 19);                                                                                                \
        h = sm3_p0(tt2);                                                                                                    \
    } while (0)

/* W_(j+16) from the ring of the last 16 words: needed 12 rounds ahead, for W_(j+4) of the round that uses it as w4. */
#define SM3_EXTEND(i)                                                                                                       \
    (w[(i) & 15] = v32_xor3(sm3_p1(v32_xor3(w[(i) & 15], w[((i) + 7) & 15], v32_rotl(w[((i) + 13) & 15], 15))),             \
                            v32_rotl(w[((i) + 3) & 15], 7), w[((i) + 10) & 15]))

#define SM3_4_ROUNDS(FF, GG, i)                                                                                             \
    SM3_ROUND(a, b, c, d, e, f, g, h, FF, GG, w[(i) & 15], w[((i) + 4) & 15], t[i]);                                        \
    SM3_ROUND(d, a, b, c, h, e, f, g, FF, GG, w[((i) + 1) & 15], w[((i) + 5) & 15], t[(i) + 1]);                            \
    SM3_ROUND(c, d, a, b, g, h, e, f, FF, GG, w[((i) + 2) & 15], w[((i) + 6) & 15], t[(i) + 2]);                            \
    SM3_ROUND(b, c, d, a, f, g, h, e, FF, GG, w[((i) + 3) & 15], w[((i) + 7) & 15], t[(i) + 3])

#define SM3_4_EXTEND(i) (SM3_EXTEND(i), SM3_EXTEND((i) + 1), SM3_EXTEND((i) + 2), SM3_EXTEND((i) + 3))

/* state[word * W32 + lane]; n blocks of 64 bytes at p[lane]. */
static void sm3_blocks(uint32_t *state, const uint8_t *const p[W32], size_t n) {
    const uint8_t *at[W32];
    for (int j = 0; j < W32; j++) at[j] = p[j];
    for (; n; n--) {
        v32 w[16];
        v32 a = v32_load(state), b = v32_load(state + W32), c = v32_load(state + 2 * W32), d = v32_load(state + 3 * W32);
        v32 e = v32_load(state + 4 * W32), f = v32_load(state + 5 * W32), g = v32_load(state + 6 * W32);
        v32 h = v32_load(state + 7 * W32);
        v32_block_be(w, at);
        /* Rounds i .. i + 3 read W_i .. W_(i+7), so four words are extended after every four rounds. */
        const uint32_t *t = sm3_t;
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, 0);
        SM3_4_EXTEND(0);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, 4);
        SM3_4_EXTEND(4);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, 8);
        SM3_4_EXTEND(8);
        SM3_4_ROUNDS(SM3_FF_LOW, SM3_GG_LOW, 12);
        SM3_4_EXTEND(12);
        for (t += 16; t < sm3_t + 64; t += 16) {
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, 0);
            SM3_4_EXTEND(0);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, 4);
            SM3_4_EXTEND(4);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, 8);
            SM3_4_EXTEND(8);
            SM3_4_ROUNDS(SM3_FF_HIGH, SM3_GG_HIGH, 12);
            SM3_4_EXTEND(12);
        }
        v32 out[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++) v32_store(state + i * W32, v32_xor(v32_load(state + i * W32), out[i]));
        for (int j = 0; j < W32; j++) at[j] += 64;
    }
}
