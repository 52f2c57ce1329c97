/* ripemd160.inc.h - RIPEMD-160 compression over S32 lanes. H. Dobbertin, A. Bosselaers, B. Preneel: RIPEMD-160, a strengthened
 * version of RIPEMD, 1996, appendix A (ISO/IEC 10118-3:2018, dedicated hash-function 1). */

#define RIPEMD_F1(x, y, z) s32_xor3(x, y, z)
#define RIPEMD_F2(x, y, z) s32_choose(x, y, z)
#define RIPEMD_F3(x, y, z) s32_ornxor(x, y, z)
#define RIPEMD_F4(x, y, z) s32_choose(z, x, y)
#define RIPEMD_F5(x, y, z) s32_ornxor(y, z, x)

#define RIPEMD_LINE(a, b, c, d, e, F, x, s, k)                                                                              \
    do {                                                                                                                    \
        a = s32_add(s32_rotl(s32_add(s32_add(a, F(b, c, d)), s32_add(w[x], k)), s), e);                                     \
        c = s32_rotl(c, 10);                                                                                                \
    } while (0)

/* A step of both lines: they do not meet before the end, so each fills the other's waits. The caller renames the variables. */
#define RIPEMD_STEP(a, b, c, d, e, F, x, s, F2, x2, s2)                                                                     \
    RIPEMD_LINE(a, b, c, d, e, F, x, s, k);                                                                                 \
    RIPEMD_LINE(a##2, b##2, c##2, d##2, e##2, F2, x2, s2, k2)

/* state[word * S32 + lane]; n blocks of 64 bytes at p[lane]. */
static void STREAM(ripemd160_blocks)(uint32_t *state, const uint8_t *const *p, size_t n) {
    static const uint32_t left[5] = {0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e};
    static const uint32_t right[5] = {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0};
    const uint8_t *at[STREAM_W32];
    for (int j = 0; j < STREAM_W32; j++) at[j] = p[j];
    for (; n; n--) {
        s32 w[16], k, k2;
        s32_block_le(w, at);
        s32 a = s32_load(state), b = s32_load(state + S32), c = s32_load(state + 2 * S32), d = s32_load(state + 3 * S32);
        s32 e = s32_load(state + 4 * S32), a2 = a, b2 = b, c2 = c, d2 = d, e2 = e;
        k = s32_set1(left[0]), k2 = s32_set1(right[0]);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F1, 0, 11, RIPEMD_F5, 5, 8);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F1, 1, 14, RIPEMD_F5, 14, 9);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F1, 2, 15, RIPEMD_F5, 7, 9);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F1, 3, 12, RIPEMD_F5, 0, 11);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F1, 4, 5, RIPEMD_F5, 9, 13);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F1, 5, 8, RIPEMD_F5, 2, 15);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F1, 6, 7, RIPEMD_F5, 11, 15);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F1, 7, 9, RIPEMD_F5, 4, 5);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F1, 8, 11, RIPEMD_F5, 13, 7);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F1, 9, 13, RIPEMD_F5, 6, 7);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F1, 10, 14, RIPEMD_F5, 15, 8);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F1, 11, 15, RIPEMD_F5, 8, 11);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F1, 12, 6, RIPEMD_F5, 1, 14);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F1, 13, 7, RIPEMD_F5, 10, 14);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F1, 14, 9, RIPEMD_F5, 3, 12);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F1, 15, 8, RIPEMD_F5, 12, 6);
        k = s32_set1(left[1]), k2 = s32_set1(right[1]);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F2, 7, 7, RIPEMD_F4, 6, 9);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F2, 4, 6, RIPEMD_F4, 11, 13);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F2, 13, 8, RIPEMD_F4, 3, 15);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F2, 1, 13, RIPEMD_F4, 7, 7);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F2, 10, 11, RIPEMD_F4, 0, 12);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F2, 6, 9, RIPEMD_F4, 13, 8);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F2, 15, 7, RIPEMD_F4, 5, 9);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F2, 3, 15, RIPEMD_F4, 10, 11);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F2, 12, 7, RIPEMD_F4, 14, 7);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F2, 0, 12, RIPEMD_F4, 15, 7);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F2, 9, 15, RIPEMD_F4, 8, 12);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F2, 5, 9, RIPEMD_F4, 12, 7);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F2, 2, 11, RIPEMD_F4, 4, 6);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F2, 14, 7, RIPEMD_F4, 9, 15);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F2, 11, 13, RIPEMD_F4, 1, 13);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F2, 8, 12, RIPEMD_F4, 2, 11);
        k = s32_set1(left[2]), k2 = s32_set1(right[2]);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F3, 3, 11, RIPEMD_F3, 15, 9);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F3, 10, 13, RIPEMD_F3, 5, 7);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F3, 14, 6, RIPEMD_F3, 1, 15);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F3, 4, 7, RIPEMD_F3, 3, 11);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F3, 9, 14, RIPEMD_F3, 7, 8);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F3, 15, 9, RIPEMD_F3, 14, 6);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F3, 8, 13, RIPEMD_F3, 6, 6);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F3, 1, 15, RIPEMD_F3, 9, 14);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F3, 2, 14, RIPEMD_F3, 11, 12);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F3, 7, 8, RIPEMD_F3, 8, 13);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F3, 0, 13, RIPEMD_F3, 12, 5);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F3, 6, 6, RIPEMD_F3, 2, 14);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F3, 13, 5, RIPEMD_F3, 10, 13);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F3, 11, 12, RIPEMD_F3, 0, 13);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F3, 5, 7, RIPEMD_F3, 4, 7);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F3, 12, 5, RIPEMD_F3, 13, 5);
        k = s32_set1(left[3]), k2 = s32_set1(right[3]);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F4, 1, 11, RIPEMD_F2, 8, 15);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F4, 9, 12, RIPEMD_F2, 6, 5);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F4, 11, 14, RIPEMD_F2, 4, 8);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F4, 10, 15, RIPEMD_F2, 1, 11);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F4, 0, 14, RIPEMD_F2, 3, 14);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F4, 8, 15, RIPEMD_F2, 11, 14);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F4, 12, 9, RIPEMD_F2, 15, 6);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F4, 4, 8, RIPEMD_F2, 0, 14);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F4, 13, 9, RIPEMD_F2, 5, 6);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F4, 3, 14, RIPEMD_F2, 12, 9);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F4, 7, 5, RIPEMD_F2, 2, 12);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F4, 15, 6, RIPEMD_F2, 13, 9);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F4, 14, 8, RIPEMD_F2, 9, 12);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F4, 5, 6, RIPEMD_F2, 7, 5);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F4, 6, 5, RIPEMD_F2, 10, 15);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F4, 2, 12, RIPEMD_F2, 14, 8);
        k = s32_set1(left[4]), k2 = s32_set1(right[4]);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F5, 4, 9, RIPEMD_F1, 12, 8);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F5, 0, 15, RIPEMD_F1, 15, 5);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F5, 5, 5, RIPEMD_F1, 10, 12);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F5, 9, 11, RIPEMD_F1, 4, 9);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F5, 7, 6, RIPEMD_F1, 1, 12);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F5, 12, 8, RIPEMD_F1, 5, 5);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F5, 2, 13, RIPEMD_F1, 8, 14);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F5, 10, 12, RIPEMD_F1, 7, 6);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F5, 14, 5, RIPEMD_F1, 6, 8);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F5, 1, 12, RIPEMD_F1, 2, 13);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F5, 3, 13, RIPEMD_F1, 13, 6);
        RIPEMD_STEP(a, b, c, d, e, RIPEMD_F5, 8, 14, RIPEMD_F1, 14, 5);
        RIPEMD_STEP(e, a, b, c, d, RIPEMD_F5, 11, 11, RIPEMD_F1, 0, 15);
        RIPEMD_STEP(d, e, a, b, c, RIPEMD_F5, 6, 8, RIPEMD_F1, 3, 13);
        RIPEMD_STEP(c, d, e, a, b, RIPEMD_F5, 15, 5, RIPEMD_F1, 9, 11);
        RIPEMD_STEP(b, c, d, e, a, RIPEMD_F5, 13, 6, RIPEMD_F1, 11, 11);
        s32 out[5] = {s32_add(s32_load(state + S32), s32_add(c, d2)), s32_add(s32_load(state + 2 * S32), s32_add(d, e2)),
                      s32_add(s32_load(state + 3 * S32), s32_add(e, a2)), s32_add(s32_load(state + 4 * S32), s32_add(a, b2)),
                      s32_add(s32_load(state), s32_add(b, c2))};
        for (int i = 0; i < 5; i++) s32_store(state + i * S32, out[i]);
        for (int j = 0; j < STREAM_W32; j++) at[j] += 64;
    }
}
