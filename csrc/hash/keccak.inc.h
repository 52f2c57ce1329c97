/* keccak.inc.h - Keccak-f[1600] over W64 lanes, absorbing with rate 1088 (136 bytes). FIPS 202, sections 3.2 and 4. */

/* Section 3.2.5: RC of rounds 0 .. 23. */
static const uint64_t keccak_rc[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* State word x + 5 y has the name <y><x>: ba .. bu is row y = 0, and so on (the naming of the Keccak team's reference). One round
 * reads the words A##.. and writes E##..; theta is folded into rho, pi and chi so that each word is loaded and stored once. */
#define KECCAK_ROW(A, E, y, b0, b1, b2, b3, b4)                                                                             \
    E##y##a = v64_chi(b0, b1, b2), E##y##e = v64_chi(b1, b2, b3), E##y##i = v64_chi(b2, b3, b4),                            \
    E##y##o = v64_chi(b3, b4, b0), E##y##u = v64_chi(b4, b0, b1)

#define KECCAK_ROUND(A, E, rc)                                                                                              \
    do {                                                                                                                    \
        v64 ca = v64_xor3(v64_xor3(A##ba, A##ga, A##ka), A##ma, A##sa);                                                     \
        v64 ce = v64_xor3(v64_xor3(A##be, A##ge, A##ke), A##me, A##se);                                                     \
        v64 ci = v64_xor3(v64_xor3(A##bi, A##gi, A##ki), A##mi, A##si);                                                     \
        v64 co = v64_xor3(v64_xor3(A##bo, A##go, A##ko), A##mo, A##so);                                                     \
        v64 cu = v64_xor3(v64_xor3(A##bu, A##gu, A##ku), A##mu, A##su);                                                     \
        v64 da = v64_theta(cu, ce), de = v64_theta(ca, ci), di = v64_theta(ce, co);                                         \
        v64 d0 = v64_theta(ci, cu), du = v64_theta(co, ca);                                                                 \
        v64 b0 = v64_xor(A##ba, da), b1 = v64_xor_rotl(A##ge, de, 44), b2 = v64_xor_rotl(A##ki, di, 43);                    \
        v64 b3 = v64_xor_rotl(A##mo, d0, 21), b4 = v64_xor_rotl(A##su, du, 14);                                             \
        KECCAK_ROW(A, E, b, b0, b1, b2, b3, b4);                                                                            \
        E##ba = v64_xor(E##ba, v64_set1(rc));                                                                               \
        b0 = v64_xor_rotl(A##bo, d0, 28), b1 = v64_xor_rotl(A##gu, du, 20), b2 = v64_xor_rotl(A##ka, da, 3);                \
        b3 = v64_xor_rotl(A##me, de, 45), b4 = v64_xor_rotl(A##si, di, 61);                                                 \
        KECCAK_ROW(A, E, g, b0, b1, b2, b3, b4);                                                                            \
        b0 = v64_xor_rotl(A##be, de, 1), b1 = v64_xor_rotl(A##gi, di, 6), b2 = v64_xor_rotl(A##ko, d0, 25);                 \
        b3 = v64_xor_rotl(A##mu, du, 8), b4 = v64_xor_rotl(A##sa, da, 18);                                                  \
        KECCAK_ROW(A, E, k, b0, b1, b2, b3, b4);                                                                            \
        b0 = v64_xor_rotl(A##bu, du, 27), b1 = v64_xor_rotl(A##ga, da, 36), b2 = v64_xor_rotl(A##ke, de, 10);               \
        b3 = v64_xor_rotl(A##mi, di, 15), b4 = v64_xor_rotl(A##so, d0, 56);                                                 \
        KECCAK_ROW(A, E, m, b0, b1, b2, b3, b4);                                                                            \
        b0 = v64_xor_rotl(A##bi, di, 62), b1 = v64_xor_rotl(A##go, d0, 55), b2 = v64_xor_rotl(A##ku, du, 39);               \
        b3 = v64_xor_rotl(A##ma, da, 41), b4 = v64_xor_rotl(A##se, de, 2);                                                  \
        KECCAK_ROW(A, E, s, b0, b1, b2, b3, b4);                                                                            \
    } while (0)

/* clang-format off */
#define KECCAK_WORDS(X, s)                                           \
    X(s##ba,  0) X(s##be,  1) X(s##bi,  2) X(s##bo,  3) X(s##bu,  4) \
    X(s##ga,  5) X(s##ge,  6) X(s##gi,  7) X(s##go,  8) X(s##gu,  9) \
    X(s##ka, 10) X(s##ke, 11) X(s##ki, 12) X(s##ko, 13) X(s##ku, 14) \
    X(s##ma, 15) X(s##me, 16) X(s##mi, 17) X(s##mo, 18) X(s##mu, 19) \
    X(s##sa, 20) X(s##se, 21) X(s##si, 22) X(s##so, 23) X(s##su, 24)
/* clang-format on */
#define KECCAK_DECLARE(name, i) v64 name;
#define KECCAK_LOAD(name, i)    name = v64_load(state + (i) * W64);
#define KECCAK_STORE(name, i)   v64_store(state + (i) * W64, name);

/* state[word * W64 + lane]; n blocks of 136 bytes at p[lane]. */
static void keccak_blocks(uint64_t *state, const uint8_t *const p[W64], size_t n) {
    const uint8_t *at[W64];
    for (int j = 0; j < W64; j++) at[j] = p[j];
    for (; n; n--) {
        v64 w[17];
        KECCAK_WORDS(KECCAK_DECLARE, x)
        KECCAK_WORDS(KECCAK_DECLARE, y)
        v64_block_le(w, at);
        for (int i = 0; i < 17; i++) v64_store(state + i * W64, v64_xor(v64_load(state + i * W64), w[i]));
        KECCAK_WORDS(KECCAK_LOAD, x)
        for (int round = 0; round < 24; round += 2) {
            KECCAK_ROUND(x, y, keccak_rc[round]);
            KECCAK_ROUND(y, x, keccak_rc[round + 1]);
        }
        KECCAK_WORDS(KECCAK_STORE, x)
        for (int j = 0; j < W64; j++) at[j] += 136;
    }
}
