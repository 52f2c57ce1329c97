/* ed25519/sign.inc.h - Ed25519 key and signature generation (RFC 8032, sections 5.1.5 and 5.1.6) for test
 * data: not constant time, secrets are not erased; template. A secret is the 32-byte seed. Gives
 * ed25519_public_keys and ed25519_sign. */
#ifndef PC_SCHEMES_ED25519_SIGN_INC_H
#define PC_SCHEMES_ED25519_SIGN_INC_H
#include "read.inc.h"

enum { ed25519_SIGN_CHUNK = 64, ed25519_SIGN_VECS = (ed25519_SIGN_CHUNK + VL - 1) / VL };

/* The secrets of a chunk: the scalar a, the prefix, and the public key; one row per item. */
typedef struct ed25519_signers_s {
    uint64_t a[4 * ed25519_SIGN_CHUNK], k[4 * ed25519_SIGN_CHUNK], r[4 * ed25519_SIGN_CHUNK];
    uint64_t digests[8 * ed25519_SIGN_CHUNK];
    uint8_t prefixes[32 * ed25519_SIGN_CHUNK], heads[64 * ed25519_SIGN_CHUNK];
    ed25519_ext points[ed25519_SIGN_VECS];
    fe25519_t z[ed25519_SIGN_VECS], tmp[ed25519_SIGN_VECS];
} ed25519_signers;

/* encodings[stride * j] = the encoding of (scalar j) B. */
static void ed25519_base_encodings(ed25519_signers *w, const uint64_t *scalars, size_t n, uint8_t *encodings,
                                   size_t stride) {
    const size_t vecs = (n + VL - 1) / VL;
    uint32_t row[VL];
    for (size_t i = 0; i < vecs; i++) {
        vec k[4];
        rows_listed(row, NULL, i * VL, n);
        vload_rows(k, scalars, row, 4, 4);
        ed25519_mul_generator(&w->points[i], k);
        w->z[i] = w->points[i].z;
    }
    fe25519_batch_inv(w->z, vecs, w->tmp);
    for (size_t i = 0; i < vecs; i++) {
        uint64_t words[VL][4];
        uint32_t lanes[VL];
        vec e[4];
        ed25519_encode(e, &w->points[i], &w->z[i]);
        rows_listed(lanes, NULL, 0, VL);
        vstore_rows(words[0], lanes, 4, e, 4);
        for (size_t lane = 0; lane < VL && i * VL + lane < n; lane++)
            pc_words_to_le(encodings + stride * (i * VL + lane), words[lane]);
    }
}
/* Scalars (reduced modulo L: B has order L) and prefixes of n seeds. */
static void ed25519_expand(ed25519_signers *w, const pc_column *seeds, size_t n) {
    uint8_t *digests = (uint8_t *)w->digests;
    sha512_many(NULL, 0, seeds, n, digests);
    for (size_t j = 0; j < n; j++, digests += 64) {
        memcpy(w->prefixes + 32 * j, digests + 32, 32);
        memset(digests + 32, 0, 32);
        digests[0] &= 0xf8;
        digests[31] &= 0x7f;
        digests[31] |= 0x40;
    }
    ed25519_scalars(w->a, 4, w->digests, n);
}

static void ed25519_public_keys(const pc_column *secrets, size_t count, uint8_t *public_keys) {
    ed25519_signers w;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += ed25519_SIGN_CHUNK) {
        const size_t n = count - first < ed25519_SIGN_CHUNK ? count - first : ed25519_SIGN_CHUNK;
        const pc_column seeds = column_from(secrets, first);
        ed25519_expand(&w, &seeds, n);
        ed25519_base_encodings(&w, w.a, n, public_keys + 32 * first, 32);
    }
    vmode_leave(mode);
}

static void ed25519_sign(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t count,
                         uint8_t *signatures) {
    ed25519_signers w;
    vmode mode = vmode_enter();
    size_t domain_len;
    const uint8_t *domain = ed25519_domain(params->rules, &domain_len);
    for (size_t first = 0; first < count; first += ed25519_SIGN_CHUNK) {
        const size_t n = count - first < ed25519_SIGN_CHUNK ? count - first : ed25519_SIGN_CHUNK;
        const pc_column seeds = column_from(secrets, first), rows = column_from(messages, first);
        const pc_column prefixes = pc_column_fixed(w.prefixes, 32), heads = pc_column_fixed(w.heads, 64);
        ed25519_expand(&w, &seeds, n);
        sha512_many_heads(domain, domain_len, &prefixes, &rows, n, (uint8_t *)w.digests);
        ed25519_scalars(w.r, 4, w.digests, n);
        ed25519_base_encodings(&w, w.r, n, w.heads, 64);
        ed25519_base_encodings(&w, w.a, n, w.heads + 32, 64);
        sha512_many_heads(domain, domain_len, &heads, &rows, n, (uint8_t *)w.digests);
        ed25519_scalars(w.k, 4, w.digests, n);
        for (size_t at = 0; at < n; at += VL) { /* S = r + k a */
            uint32_t row[VL];
            vec t[4];
            sc25519_t a, k, r;
            rows_listed(row, NULL, at, n);
            vload_rows(t, w.a, row, 4, 4);
            sc25519_from_words(&a, t);
            vload_rows(t, w.k, row, 4, 4);
            sc25519_from_words(&k, t);
            vload_rows(t, w.r, row, 4, 4);
            sc25519_from_words(&r, t);
            sc25519_mul(&k, &k, &a);
            sc25519_add(&r, &r, &k);
            sc25519_to_words(t, &r);
            vstore_rows(w.k, row, 4, t, 4);
        }
        for (size_t j = 0; j < n; j++) {
            memcpy(signatures + 64 * (first + j), w.heads + 64 * j, 32);
            pc_words_to_le(signatures + 64 * (first + j) + 32, w.k + 4 * j);
        }
    }
    vmode_leave(mode);
}
#endif
