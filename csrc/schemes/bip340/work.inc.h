/* bip340/work.inc.h - the working memory of a call; template over secp256k1.
 *
 * Requires parts/keys.inc.h and mult/buckets.inc.h instantiated for secp256k1, and parts/combine.inc.h. Gives
 * schnorr_secp256k1_work and schnorr_secp256k1_CHUNK. */
#ifndef PC_SCHEMES_BIP340_WORK_INC_H
#define PC_SCHEMES_BIP340_WORK_INC_H
enum { schnorr_secp256k1_CHUNK = COMBINE_MOST };

/* A chunk. Only the rows of the items that there are get touched. */
typedef struct schnorr_secp256k1_work_s {
    uint64_t heads[8 * schnorr_secp256k1_CHUNK];   /* of each item: the bytes r || x(P) */
    uint64_t scalars[8 * schnorr_secp256k1_CHUNK]; /* s, -e */
    uint64_t r[4 * schnorr_secp256k1_CHUNK];
    uint8_t digests[32 * schnorr_secp256k1_CHUNK];
    const uint64_t *tables[schnorr_secp256k1_CHUNK]; /* of each item's key, in a set with tables */
    int window;                                      /* of the tables; 0: there are none */
    combine_keys found;
    uint32_t jobs[2 * schnorr_secp256k1_CHUNK]; /* x to find points for */
    uint32_t live[schnorr_secp256k1_CHUNK];
    uint8_t status[schnorr_secp256k1_CHUNK], bad_key[schnorr_secp256k1_CHUNK], bad_point[1 + schnorr_secp256k1_CHUNK];
    /* single equations */
    cv(aff) q[cv(GROUPS)];
    cv(jac) sum[cv(GROUPS)];
    cv(uv) uv[cv(GROUPS)];
    fe(t) z_inv[cv(GROUPS)], tmp[cv(GROUPS)];
    cv(sum_work) mult;
    /* combined ones */
    combine_state combine;
    uint64_t drawn[2 * schnorr_secp256k1_CHUNK + 8], coefficients[2 * schnorr_secp256k1_CHUNK];
    uint64_t products[8 * schnorr_secp256k1_CHUNK], factors[4 * (1 + schnorr_secp256k1_CHUNK)];
    uint32_t in_use[1 + schnorr_secp256k1_CHUNK];
    uint8_t in_sum[1 + schnorr_secp256k1_CHUNK];
    cv(hom) left_side, remembered; /* of combinations that failed */
    cv(multi) multi;               /* points: 0 is G, then the different keys, then R of each item */
} schnorr_secp256k1_work;
#endif
