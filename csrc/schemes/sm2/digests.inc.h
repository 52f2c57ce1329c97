/* sm2/digests.inc.h - what SM2 signs: e = SM3(Z_A || M); template over SM2's curve.
 *
 * Gives sm2_identity, sm2_signers, sm2_find_signers and sm2_digests. Requires parts/keys.inc.h.
 *
 * Z_A = SM3(ENTL || ID || a || b || x_G || y_G || x_A || y_A), section 5.5 of GB/T 32918.2-2016: ENTL is the
 * length of the identifier in bits, two bytes, big-endian. Without an identifier (user_id NULL) there is no
 * Z_A and e = SM3(M), as some implementations sign; the empty identifier is another thing (ENTL = 0). */
#ifndef PC_SCHEMES_SM2_DIGESTS_INC_H
#define PC_SCHEMES_SM2_DIGESTS_INC_H
enum { SM2_ID_MAX = PC_USER_ID_LIMIT_SM2, SM2_Z_CONSTANT = 2 + SM2_ID_MAX + 4 * 32 };
_Static_assert(8 * SM2_ID_MAX <= 0xffff, "ENTL has two bytes");

/* The signers of a chunk, each once: few keys sign most of a consortium chain's transactions, and Z_A takes longer to hash
 * than a short message. */
typedef struct sm2_signers_s {
    uint16_t which[cv(CHUNK)];                         /* item -> signer */
    uint16_t first[cv(CHUNK)];                         /* signer -> the first item that is its own */
    uint8_t xy[64 * cv(CHUNK)], heads[32 * cv(CHUNK)]; /* signer -> x || y; item -> Z_A */
} sm2_signers;

/* The part of Z_A's input that does not depend on the key; returns its length. */
static size_t sm2_identity(uint8_t out[SM2_Z_CONSTANT], const uint8_t *id, size_t len) {
    static const uint64_t p[4] = CV_P, b[4] = CV_B, gx[4] = CV_GX, gy[4] = CV_GY, three[4] = {3, 0, 0, 0};
    uint64_t a[4];
    PC_CHECK(len <= SM2_ID_MAX);
    out[0] = (uint8_t)(len * 8 >> 8);
    out[1] = (uint8_t)(len * 8);
    if (len) memcpy(out + 2, id, len);
    uint8_t *at = out + 2 + len;
    int256_sub(a, p, three);
    pc_words_to_be(at, a);
    pc_words_to_be(at + 32, b);
    pc_words_to_be(at + 64, gx);
    pc_words_to_be(at + 96, gy);
    return 2 + len + 128;
}

/* Finds the signers among n items that are told apart by two rows of words each; returns their number. */
static size_t sm2_find_signers(sm2_signers *signers, const uint64_t *a, const uint64_t *b, size_t n) {
    enum { SLOTS = 4 * cv(CHUNK), FREE = 0xffff };
    uint16_t slots[SLOTS];
    size_t count = 0;
    memset(slots, 0xff, sizeof slots);
    for (size_t j = 0; j < n; j++) {
        size_t slot = (size_t)((a[j] ^ b[j] >> 7) * 0x9e3779b97f4a7c15ULL >> 32) % SLOTS;
        for (;; slot = (slot + 1) % SLOTS) { /* at most a quarter is taken */
            if (slots[slot] == FREE) {
                signers->first[count] = (uint16_t)j;
                slots[slot] = (uint16_t)count++;
                break;
            }
            size_t other = signers->first[slots[slot]], equal = 1;
            for (size_t i = 0; i < 4; i++) {
                equal &= a[i * cv(CHUNK) + j] == a[i * cv(CHUNK) + other];
                equal &= b[i * cv(CHUNK) + j] == b[i * cv(CHUNK) + other];
            }
            if (equal) break;
        }
        signers->which[j] = slots[slot];
    }
    return count;
}

/* e[32 n] of n messages by the signers that were found, whose keys are in signers->xy. */
static void sm2_digests(const uint8_t *identity, size_t identity_len, sm2_signers *signers, size_t n_signers,
                        const pc_column *messages, size_t n, uint8_t *e) {
    const pc_column keys = pc_column_fixed(signers->xy, 64), heads = pc_column_fixed(signers->heads, 32);
    sm3_many(identity, identity_len, &keys, n_signers, e); /* Z_A of each; e has room for them */
    for (size_t j = 0; j < n; j++) memcpy(signers->heads + 32 * j, e + 32 * signers->which[j], 32);
    sm3_many_heads(NULL, 0, &heads, messages, n, e);
}
#endif
