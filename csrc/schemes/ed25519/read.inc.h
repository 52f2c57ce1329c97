/* ed25519/read.inc.h - items to rows of words, the rules about their encodings, and the challenge; template.
 *
 * Gives ed25519_read, ed25519_apply_rules, ed25519_scalars and ed25519_wide_mod (sums modulo L),
 * ed25519_encoding_read and _normal, ed25519_load_le, and ed25519_key_record, one key of a key set. */
#ifndef PC_SCHEMES_ED25519_READ_INC_H
#define PC_SCHEMES_ED25519_READ_INC_H
#include "work.inc.h"

/* Stands in where there is no key, so that the lane code needs no special case: the base point. */
static const uint8_t ed25519_filler[32] = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                           0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                           0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

/* One key of a key set: its point, the bytes that k is hashed over, and the table of -A, or NULL in a set without tables. */
typedef struct ed25519_key_record_s {
    uint64_t x[4], y[4];
    uint8_t bytes[32];
    uint64_t verdict;
    uint64_t *table;
} ed25519_key_record;

/* n words of each lane's row, from bytes that are little-endian. */
PC_FN void ed25519_load_le(vec *w, const uint64_t *rows, const uint32_t row[VL], size_t stride, size_t n) {
    vload_rows(w, rows, row, stride, n);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < n; i++) {
        uint64_t t[VL];
        vstore(t, w[i]);
        for (int lane = 0; lane < VL; lane++) t[lane] = __builtin_bswap64(t[lane]);
        w[i] = vload(t);
    }
#endif
}

/* ---- encodings of points ------------------------------------------------------------------------------------------------ */

/* Properties of an encoding before it is decompressed. */
typedef struct ed25519_encoding_s {
    vec y[4];        /* modulo p */
    vmask negative;  /* the sign bit */
    vmask canonical; /* y < p as received, and not minus zero */
    vmask small;     /* if this is a point, it is one of the eight of small order */
    vmask x_zero;
} ed25519_encoding;

PC_FN vmask ed25519_is(const vec y[4], const uint64_t c[4]) {
    vec w[4];
    words_set1(w, c);
    return words_eq(y, w);
}
/* y of the points of order 1 and 2 is 1 and -1, of order 4 it is 0, of order 8 one of two. */
PC_FN void ed25519_encoding_read(ed25519_encoding *e, const vec bytes[4]) {
    static const uint64_t zero[4] = {0}, one[4] = {1}, y8[4] = CV_Y8;
    vec p[4], less[4], constant[4];
    words_set1(p, ed25519_p);
    memcpy(e->y, bytes, sizeof e->y);
    e->negative = vlt(vset1(~0ULL >> 1), bytes[3]);
    e->y[3] = vand(bytes[3], vset1(~0ULL >> 1));
    e->canonical = words_lt2(e->y, p);
    words_sub(less, e->y, p);
    words_select(e->y, e->canonical, e->y, less);
    words_set1(constant, one);
    words_sub(less, p, constant);
    e->x_zero = mor(ed25519_is(e->y, one), words_eq(e->y, less));
    e->canonical = mand(e->canonical, mnot(mand(e->x_zero, e->negative)));
    words_set1(constant, y8);
    words_sub(less, p, constant);
    e->small = mor(mor(e->x_zero, ed25519_is(e->y, zero)), mor(words_eq(e->y, constant), words_eq(e->y, less)));
}
/* The canonical words of the point with this encoding, if it is one: y reduced, minus zero made zero, sign in bit 255. */
PC_FN void ed25519_encoding_normal(vec w[4], const ed25519_encoding *e) {
    const vec sign = vblend(mand(e->negative, mnot(e->x_zero)), vset1(1ULL << 63), vzero());
    memcpy(w, e->y, sizeof e->y);
    w[3] = vor(w[3], sign);
}

/* ---- items --------------------------------------------------------------------------------------------------------------- */

/* The bytes of the key of item `at`, or NULL where there is none. */
PC_FN const uint8_t *ed25519_key_bytes(const pc_key_source *keys, size_t at) {
    if (keys->column) {
        size_t len;
        const uint8_t *bytes = pc_column_row(keys->column, at, &len);
        return len == 32 ? bytes : NULL;
    }
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    const ed25519_key_record *key = (const ed25519_key_record *)(const void *)base + keys->indices[at];
    return key->verdict == PC_VALID ? key->bytes : NULL;
}
/* Items first .. first + n - 1 to rows 0 .. n - 1. */
static void ed25519_read(ed25519_work *w, const pc_key_source *keys, const pc_column *signatures, size_t first, size_t n) {
    static const uint8_t blank[64] = {1};
    for (size_t j = 0; j < n; j++) {
        size_t len;
        const uint8_t *key = ed25519_key_bytes(keys, first + j), *signature = pc_column_row(signatures, first + j, &len);
        uint8_t *head = (uint8_t *)(w->heads + 8 * j);
        w->bad_key[j] = key == NULL;
        w->status[j] = len == 64 ? PC_VALID : PC_MALFORMED_SIGNATURE;
        if (!key) key = ed25519_filler;
        if (len != 64) signature = blank;
        memcpy(head, signature, 32);
        memcpy(head + 32, key, 32);
        pc_words_from_le(w->scalars + 8 * j, signature + 32);
    }
}
/* The verdict of the rules before any equation. */
static void ed25519_apply_rules(ed25519_work *w, int rules, size_t n) {
    const int of_a = PC_RULE_CANONICAL_A | PC_RULE_NO_SMALL_A, of_r = PC_RULE_CANONICAL_R | PC_RULE_NO_SMALL_R;
    for (size_t first = 0; first < n; first += VL) {
        uint32_t row[VL];
        vec s[4], bytes[8];
        vmask wrong, small = mfrom_bits(0);
        ed25519_encoding e;
        rows_listed(row, NULL, first, n);
        vload_rows(s, w->scalars, row, 8, 4);
        wrong = mnot(words_lt(s, ed25519_order));
        if (rules & (of_a | of_r)) ed25519_load_le(bytes, w->heads, row, 8, 8);
        if (rules & of_r) {
            ed25519_encoding_read(&e, bytes);
            if (rules & PC_RULE_CANONICAL_R) wrong = mor(wrong, mnot(e.canonical));
            if (rules & PC_RULE_NO_SMALL_R) small = mor(small, e.small);
        }
        if (rules & of_a) {
            ed25519_encoding_read(&e, bytes + 4);
            if (rules & PC_RULE_CANONICAL_A) wrong = mor(wrong, mnot(e.canonical));
            if (rules & PC_RULE_NO_SMALL_A) small = mor(small, e.small);
        }
        ed25519_refuse(w, row, wrong, PC_NON_CANONICAL);
        ed25519_refuse(w, row, small, PC_SMALL_ORDER);
    }
}

/* ---- the challenge ------------------------------------------------------------------------------------------------------- */

/* dom2(0, C) of RFC 8032, section 5.1, which stands before what Ed25519ctx hashes; C as in Fabric-X's utils/signature/verify_eddsa.go. */
static const char ed25519_fabricx[] = "SigEd25519 no Ed25519 collisions\000\022Example_ed25519ctx";
PC_FN const uint8_t *ed25519_domain(int rules, size_t *len) {
    *len = rules & PC_RULE_FABRICX ? sizeof ed25519_fabricx - 1 : 0;
    return *len ? (const uint8_t *)ed25519_fabricx : NULL;
}

/* Scalars go from words to words: an element of value c times unpacked words w packs to c w modulo L, whatever the domain (field.h).
 * So a product costs one multiplication, and none to enter or leave. */
typedef struct ed25519_folds_s {
    sc25519_t two252, two504;
} ed25519_folds;
PC_FN void ed25519_folds_of(ed25519_folds *f) {
    static const uint64_t two252[4] = {0, 0, 0, 1ULL << 60};
    sc25519_set_words(&f->two252, two252);
    sc25519_sqr(&f->two504, &f->two252);
}
/* r = w modulo L; n = 5 or 8 words. */
PC_FN void ed25519_wide_mod(vec r[4], const vec *w, int n, const ed25519_folds *f) {
    const vec mask = vset1((1ULL << 60) - 1);
    const vec low[4] = {w[0], w[1], w[2], vand(w[3], mask)};
    vec high[4] = {vor(vshr(w[3], 60), vshl(w[4], 4)), vshr(w[4], 60), vzero(), vzero()};
    sc25519_t t, u;
    for (int i = 5; i < n; i++) {
        high[i - 4] = vor(high[i - 4], vshl(w[i], 4));
        if (i < 7) high[i - 3] = vshr(w[i], 60);
    }
    high[3] = vand(high[3], mask);
    sc25519_unpack(&t, high);
    sc25519_mul(&t, &t, &f->two252);
    if (n == 8) {
        const vec top[4] = {vshr(w[7], 56), vzero(), vzero(), vzero()};
        sc25519_unpack(&u, top);
        sc25519_mul(&u, &u, &f->two504);
        sc25519_addc(&t, &t, &u);
    }
    sc25519_unpack(&u, low);
    sc25519_addc(&t, &t, &u);
    sc25519_pack(r, &t);
}
/* n digests of 64 bytes to scalars below L, `stride` words from one to the next. */
static void ed25519_scalars(uint64_t *scalars, size_t stride, const uint64_t *digests, size_t n) {
    ed25519_folds folds;
    ed25519_folds_of(&folds);
    for (size_t first = 0; first < n; first += VL) {
        uint32_t row[VL];
        vec digest[8], k[4];
        rows_listed(row, NULL, first, n);
        ed25519_load_le(digest, digests, row, 8, 8);
        ed25519_wide_mod(k, digest, 8, &folds);
        vstore_rows(scalars, row, stride, k, 4);
    }
}
#endif
