/* ed25519_sign.inc.h - Ed25519 key and signature generation (RFC 8032, sections 5.1.5 and 5.1.6) for test data: not constant time,
 * secrets are not erased; template. Included by ed25519.inc.h. A secret is the 32-byte seed. */

/* The secrets of a chunk: the scalar a, the prefix, and the public key. */
typedef struct ed25519_signers_s {
    uint64_t a[4 * ed25519_CHUNK], k[4 * ed25519_CHUNK], r[4 * ed25519_CHUNK];
    uint8_t digests[64 * ed25519_CHUNK], prefixes[32 * ed25519_CHUNK], heads[64 * ed25519_CHUNK];
    ed25519_ext points[ed25519_GROUPS];
    fe25519_t z[ed25519_GROUPS], tmp[ed25519_GROUPS];
} ed25519_signers;

/* encodings[stride * j] = the encoding of (scalar j) B. */
static void ed25519_base_encodings(ed25519_signers *w, const uint64_t *scalars, size_t n, uint8_t *encodings,
                                   size_t stride) {
    const size_t groups = ed25519_groups_of(n);
    for (size_t g = 0; g < groups; g++) {
        vec k[4];
        words_load(k, scalars + g * VL, ed25519_CHUNK);
        ed25519_mul_generator(&w->points[g], k);
        w->z[g] = w->points[g].z;
    }
    fe25519_batch_inv(w->z, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        uint64_t words[4][VL];
        vec e[4];
        ed25519_encode(e, &w->points[g], &w->z[g]);
        words_store(words[0], VL, e);
        for (size_t lane = 0; lane < VL && g * VL + lane < n; lane++) {
            uint64_t t[4] = {words[0][lane], words[1][lane], words[2][lane], words[3][lane]};
            pc_words_to_le(encodings + stride * (g * VL + lane), t);
        }
    }
}
/* Scalars (reduced modulo L: B has order L) and prefixes of n seeds. */
static void ed25519_expand(ed25519_signers *w, const pc_column *seeds, size_t n) {
    uint8_t clamped[64 * ed25519_CHUNK] = {0};
    sha512_many(NULL, 0, seeds, n, w->digests);
    for (size_t j = 0; j < n; j++) {
        memcpy(clamped + 64 * j, w->digests + 64 * j, 32);
        clamped[64 * j] &= 0xf8;
        clamped[64 * j + 31] &= 0x7f;
        clamped[64 * j + 31] |= 0x40;
        memcpy(w->prefixes + 32 * j, w->digests + 64 * j + 32, 32);
    }
    ed25519_scalars(w->a, clamped, n);
}

static void ed25519_public_keys(const pc_column *secrets, size_t count, uint8_t *public_keys) {
    ed25519_signers w;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += ed25519_CHUNK) {
        const size_t n = count - first < ed25519_CHUNK ? count - first : ed25519_CHUNK;
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
    (void)params;
    for (size_t first = 0; first < count; first += ed25519_CHUNK) {
        const size_t n = count - first < ed25519_CHUNK ? count - first : ed25519_CHUNK;
        const pc_column seeds = column_from(secrets, first), rows = column_from(messages, first);
        const pc_column prefixes = pc_column_fixed(w.prefixes, 32), heads = pc_column_fixed(w.heads, 64);
        ed25519_expand(&w, &seeds, n);
        sha512_many_heads(NULL, 0, &prefixes, &rows, n, w.digests);
        ed25519_scalars(w.r, w.digests, n);
        ed25519_base_encodings(&w, w.r, n, w.heads, 64);
        ed25519_base_encodings(&w, w.a, n, w.heads + 32, 64);
        sha512_many_heads(NULL, 0, &heads, &rows, n, w.digests);
        ed25519_scalars(w.k, w.digests, n);
        for (size_t g = 0; g < ed25519_groups_of(n); g++) { /* S = r + k a */
            uint64_t words[4][VL];
            vec t[4];
            sc25519_t a, k, r;
            words_load(t, w.a + g * VL, ed25519_CHUNK);
            sc25519_from_words(&a, t);
            words_load(t, w.k + g * VL, ed25519_CHUNK);
            sc25519_from_words(&k, t);
            words_load(t, w.r + g * VL, ed25519_CHUNK);
            sc25519_from_words(&r, t);
            sc25519_mul(&k, &k, &a);
            sc25519_add(&r, &r, &k);
            sc25519_to_words(t, &r);
            words_store(words[0], VL, t);
            for (size_t lane = 0; lane < VL && g * VL + lane < n; lane++) {
                const size_t j = g * VL + lane;
                uint64_t s[4] = {words[0][lane], words[1][lane], words[2][lane], words[3][lane]};
                memcpy(signatures + 64 * (first + j), w.heads + 64 * j, 32);
                pc_words_to_le(signatures + 64 * (first + j) + 32, s);
            }
        }
    }
    vmode_leave(mode);
}
