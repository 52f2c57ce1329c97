/* ed25519.inc.h - Ed25519 verification (RFC 8032, section 5.1.7) under any set of rules, key sets, and signing of test data;
 * template.
 *
 * Wants the vec header, field/fields.inc.h, hash/hash.inc.h, and the layers below, which it includes.
 *
 * The five published verdict functions differ in independent flags (PC_RULE_*, registry.def), and each flag is one test here:
 *   CANONICAL_A, CANONICAL_R   y < p, and no "minus zero": x = 0 with its sign bit set
 *   NO_SMALL_A, NO_SMALL_R     not one of the eight points of small order
 *   COFACTORED                 [8] S B = [8] R + [8] k A, instead of S B = R + k A
 * Always: S < L, and k is hashed over the bytes as received. Without CANONICAL_* a y from p to 2^255 - 1 stands for y - p, and
 * minus zero for zero, as ZIP-215 says.
 *
 * Verdicts, the first that applies:
 *   MALFORMED_KEY         A is not 32 bytes, or no point has this y
 *   MALFORMED_SIGNATURE   not 64 bytes
 *   NON_CANONICAL         S >= L, or A or R breaks a CANONICAL rule
 *   SMALL_ORDER           A or R breaks a NO_SMALL rule
 *   BAD_SIGNATURE         the equation does not hold; also when R is on no point
 *
 * The cofactorless equation is checked as ref10 does: R' = S B - k A is encoded and compared with R's bytes, normalised first where
 * the rules admit other encodings. So R is never decompressed, and the encoding shares one inversion per chunk. The cofactored
 * equation decompresses R, and is first tried for many items at once (ed25519_batch.inc.h). */
#ifndef PC_SCHEMES_ED25519_INC_H
#define PC_SCHEMES_ED25519_INC_H
#include <pthread.h>
#include <string.h>

#include "../core/column.h"
#include "../curves/ed25519.inc.h"
#include "../mult/recode.inc.h"
#include "../mult/rows.inc.h"
#include "messages.inc.h"

#include "../group/edwards.inc.h"
#include "../mult/edwards_base.inc.h"

enum {
    ed25519_GROUPS = VL == 1 ? 64 : 128 / VL, /* vectors per chunk */
    ed25519_CHUNK = ed25519_GROUPS * VL,      /* items per chunk */
    ed25519_BATCH = ed25519_GROUPS < 32 ? ed25519_GROUPS
                                        : 32, /* vectors per combined equation: 130 KiB of tables with one lane */
    ed25519_BATCH_LEAST = 4                   /* fewer vectors do not pay for the shared work */
};

/* ---- single encodings, one item at a time ------------------------------------------------------------------------------ */

/* What an encoding of a point says before it is decompressed. */
typedef struct ed25519_encoding_s {
    uint64_t y[4]; /* the number as received, below 2^255 */
    int negative;  /* the sign bit */
    int canonical; /* y < p, and not minus zero */
    int small;     /* if this is a point, it is one of the eight of small order */
} ed25519_encoding;

static const uint64_t ed25519_p[4] = CV_P, ed25519_order[4] = CV_N;

PC_FN int ed25519_lt(const uint64_t a[4], const uint64_t b[4]) {
    for (int i = 3; i > 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return a[0] < b[0];
}
PC_FN int ed25519_same(const uint64_t a[4], const uint64_t b[4]) {
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}
/* r = a - b, a >= b. */
PC_FN void ed25519_minus(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t t = a[i] - b[i], out = a[i] < b[i];
        out |= t < borrow;
        r[i] = t - borrow;
        borrow = out;
    }
}
/* -1 mod p and the y of the points of order 8; those of order 1 and 4 are 1 and 0. */
PC_FN void ed25519_encoding_read(ed25519_encoding *e, const uint8_t bytes[32]) {
    static const uint64_t zero[4] = {0}, one[4] = {1}, y8[4] = CV_Y8;
    uint64_t y[4], minus_one[4], minus_y8[4];
    pc_words_from_le(e->y, bytes);
    e->negative = (int)(e->y[3] >> 63);
    e->y[3] &= ~(1ULL << 63);
    e->canonical = ed25519_lt(e->y, ed25519_p);
    memcpy(y, e->y, sizeof y);
    if (!e->canonical) ed25519_minus(y, e->y, ed25519_p);
    ed25519_minus(minus_one, ed25519_p, one);
    ed25519_minus(minus_y8, ed25519_p, y8);
    int x_zero = ed25519_same(y, one) || ed25519_same(y, minus_one); /* the only points with x = 0 */
    if (x_zero && e->negative) e->canonical = 0;
    e->small = x_zero || ed25519_same(y, zero) || ed25519_same(y, y8) || ed25519_same(y, minus_y8);
}
/* The canonical words of the point with this encoding, if it is one: y reduced, minus zero made zero, sign in bit 255. */
PC_FN void ed25519_encoding_normal(uint64_t w[4], const ed25519_encoding *e) {
    int reduce = !ed25519_lt(e->y, ed25519_p);
    memcpy(w, e->y, sizeof e->y);
    if (reduce) ed25519_minus(w, w, ed25519_p);
    if (!e->negative) return;
    uint64_t flipped[4], one[4] = {1}, minus_one[4];
    ed25519_minus(minus_one, ed25519_p, one);
    memcpy(flipped, w, sizeof flipped);
    if (!ed25519_same(flipped, one) && !ed25519_same(flipped, minus_one)) w[3] |= 1ULL << 63;
}

/* ---- keys -------------------------------------------------------------------------------------------------------------- */

/* One key of a key set: its point, what its encoding says, and the bytes that k is hashed over. */
typedef struct ed25519_key_record_s {
    uint64_t x[4], y[4];
    uint8_t bytes[32];
    uint8_t verdict, canonical, small;
} ed25519_key_record;

/* The signatures of a chunk; word i of item j at [i * CHUNK + j]. */
typedef struct ed25519_work_s {
    uint64_t a_x[4 * ed25519_CHUNK], a_y[4 * ed25519_CHUNK], a_negative[ed25519_CHUNK];
    uint64_t r_y[4 * ed25519_CHUNK], r_negative[ed25519_CHUNK]; /* as received */
    uint64_t r_normal[4 * ed25519_CHUNK];                       /* normalised, sign in bit 255 */
    uint64_t s[4 * ed25519_CHUNK], k[4 * ed25519_CHUNK];
    uint8_t status[ed25519_CHUNK], bad_key[ed25519_CHUNK];
    uint8_t heads[64 * ed25519_CHUNK]; /* R || A */
    uint8_t digests[64 * ed25519_CHUNK];
    ed25519_ext a[ed25519_GROUPS], r[ed25519_GROUPS], sum[ed25519_GROUPS]; /* A, and with cofactor -R */
    fe25519_t z[ed25519_GROUPS], tmp[ed25519_GROUPS];
    ed25519_pair pairs[ed25519_BATCH];
} ed25519_work;

#define ED25519_VERIFY_SCRATCH sizeof(ed25519_work)
#define ED25519_KEYSET_RECORD  sizeof(ed25519_key_record)
#define ED25519_KEYSET_TABLE   ed25519_keyset_table

PC_FN void ed25519_soa_put(uint64_t *soa, size_t j, const uint64_t w[4]) {
    for (size_t i = 0; i < 4; i++) soa[i * ed25519_CHUNK + j] = w[i];
}
PC_FN size_t ed25519_groups_of(size_t n) { return (n + VL - 1) / VL; }

/* Stands in where there is no key, so that the lane code needs no special case: the base point. */
static const uint8_t ed25519_filler[32] = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                           0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                           0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

/* VALID, or which rule this key breaks. */
PC_FN uint8_t ed25519_key_status(int rules, int canonical, int small) {
    if ((rules & PC_RULE_CANONICAL_A) && !canonical) return PC_NON_CANONICAL;
    if ((rules & PC_RULE_NO_SMALL_A) && small) return PC_SMALL_ORDER;
    return PC_VALID;
}

/* Points of a chunk of encoded keys (a_y, a_negative) into w->a; marks what is on no point. */
static void ed25519_keys_decompress(ed25519_work *w, size_t n) {
    for (size_t g = 0; g < ed25519_groups_of(n); g++) {
        vec y[4];
        words_load(y, w->a_y + g * VL, ed25519_CHUNK);
        vmask negative = veq(vload(w->a_negative + g * VL), vset1(1));
        unsigned good = mbits(ed25519_decompress(&w->a[g], y, negative));
        for (size_t lane = 0; lane < VL; lane++)
            if (!(good >> lane & 1)) w->bad_key[g * VL + lane] = 1;
    }
}
/* The same from key set records: x and y are known. */
static void ed25519_keys_load(ed25519_work *w, size_t n) {
    for (size_t g = 0; g < ed25519_groups_of(n); g++) {
        vec words[4];
        fe25519_t x, y;
        words_load(words, w->a_x + g * VL, ed25519_CHUNK);
        fe25519_from_words(&x, words);
        words_load(words, w->a_y + g * VL, ed25519_CHUNK);
        fe25519_from_words(&y, words);
        ed25519_from_affine(&w->a[g], &x, &y);
    }
}

/* Key of item `at` into slot j: its bytes, and its rule's status. Returns the bytes that k is hashed over. */
static const uint8_t *ed25519_key_read(ed25519_work *w, size_t j, const pc_key_source *keys, size_t at, int rules,
                                       uint8_t *status) {
    ed25519_encoding e;
    w->bad_key[j] = 0;
    if (keys->column) {
        size_t len;
        const uint8_t *bytes = pc_column_row(keys->column, at, &len);
        if (len != 32) {
            w->bad_key[j] = 1;
            bytes = ed25519_filler;
        }
        ed25519_encoding_read(&e, bytes);
        ed25519_soa_put(w->a_y, j, e.y);
        w->a_negative[j] = (uint64_t)e.negative;
        *status = ed25519_key_status(rules, e.canonical, e.small);
        return bytes;
    }
    const uint8_t *base = (const uint8_t *)keys->set + keys->set->records_offset;
    const ed25519_key_record *key = (const ed25519_key_record *)(const void *)base + keys->indices[at];
    w->bad_key[j] = key->verdict != PC_VALID;
    ed25519_soa_put(w->a_x, j, key->x);
    ed25519_soa_put(w->a_y, j, key->y);
    *status = ed25519_key_status(rules, key->canonical, key->small);
    return key->bytes;
}

/* Reads the items first .. first + n - 1 into slots 0 .. n - 1, and fills the rest of the last vector. */
static void ed25519_read(ed25519_work *w, int rules, const pc_key_source *keys, const pc_column *signatures, size_t first,
                         size_t n) {
    static const uint8_t blank[64] = {1};
    const pc_column filler = {ed25519_filler, NULL, 32, 0};
    const pc_key_source no_key = {&filler, NULL, NULL};
    for (size_t j = 0; j < ed25519_groups_of(n) * VL; j++) {
        const int real = j < n;
        const uint8_t *signature = blank;
        ed25519_encoding r;
        uint64_t s[4], normal[4];
        uint8_t key_status, status = real ? PC_VALID : PC_UNCHECKED;
        size_t len = 64;
        const uint8_t *key = real || !keys->column
                                 ? ed25519_key_read(w, j, keys, real ? first + j : first, rules, &key_status)
                                 : ed25519_key_read(w, j, &no_key, 0, rules, &key_status);
        if (real) signature = pc_column_row(signatures, first + j, &len);
        if (len != 64) {
            status = PC_MALFORMED_SIGNATURE;
            signature = blank;
        }
        ed25519_encoding_read(&r, signature);
        ed25519_encoding_normal(normal, &r);
        pc_words_from_le(s, signature + 32);
        if (status != PC_VALID) {
        } else if (!ed25519_lt(s, ed25519_order) || key_status == PC_NON_CANONICAL ||
                   ((rules & PC_RULE_CANONICAL_R) && !r.canonical)) {
            status = PC_NON_CANONICAL;
        } else if (key_status == PC_SMALL_ORDER || ((rules & PC_RULE_NO_SMALL_R) && r.small)) {
            status = PC_SMALL_ORDER;
        }
        if (status != PC_VALID) memset(s, 0, sizeof s);
        ed25519_soa_put(w->r_y, j, r.y);
        w->r_negative[j] = (uint64_t)r.negative;
        ed25519_soa_put(w->r_normal, j, normal);
        ed25519_soa_put(w->s, j, s);
        memcpy(w->heads + 64 * j, signature, 32);
        memcpy(w->heads + 64 * j + 32, key, 32);
        w->status[j] = status;
    }
}

/* ---- challenge and equation -------------------------------------------------------------------------------------------- */

/* r = a 64-byte little-endian integer modulo L, given as two halves. */
PC_FN void ed25519_wide_mod(sc25519_t *r, const vec low[4], const vec high[4]) {
    /* 2^256 mod L */
    static const uint64_t shift_words[4] = {0xd6ec31748d98951dULL, 0xc6ef5bf4737dcf70ULL, 0xfffffffffffffffeULL,
                                            0x0fffffffffffffffULL};
    sc25519_t shift, h;
    sc25519_set_words(&shift, shift_words);
    sc25519_from_words(&h, high);
    sc25519_mul(&h, &h, &shift);
    sc25519_from_words(r, low);
    sc25519_add(r, r, &h);
    sc25519_carry(r, r);
}
/* n digests of 64 bytes to scalars below L. k: structure of arrays. */
static void ed25519_scalars(uint64_t *k, const uint8_t *digests, size_t n) {
    for (size_t g = 0; g < ed25519_groups_of(n); g++) {
        uint64_t words[8][VL];
        vec low[4], high[4];
        sc25519_t t;
        for (size_t lane = 0; lane < VL; lane++) {
            size_t item = g * VL + lane < n ? g * VL + lane : n - 1;
            for (size_t i = 0; i < 8; i++) words[i][lane] = pc_load64_le(digests + 64 * item + 8 * i);
        }
        words_load(low, words[0], VL);
        words_load(high, words[4], VL);
        ed25519_wide_mod(&t, low, high);
        sc25519_to_words(low, &t);
        words_store(k + g * VL, ed25519_CHUNK, low);
    }
}
/* Items that are VALID so far and fail become BAD_SIGNATURE. */
PC_FN void ed25519_settle(ed25519_work *w, size_t g, vmask equal) {
    unsigned good = mbits(equal);
    for (size_t lane = 0; lane < VL; lane++) {
        uint8_t *status = &w->status[g * VL + lane];
        if (*status == PC_VALID && !(good >> lane & 1)) *status = PC_BAD_SIGNATURE;
    }
}
/* w->sum = S B - k A for the vectors first .. first + n - 1. */
static void ed25519_equations(ed25519_work *w, size_t first, size_t n) {
    for (size_t g = first; g < first + n; g++) {
        vec s[4], k[4];
        ed25519_ext minus_a;
        words_load(s, w->s + g * VL, ed25519_CHUNK);
        words_load(k, w->k + g * VL, ed25519_CHUNK);
        ed25519_neg(&minus_a, &w->a[g]);
        ed25519_double_base(&w->sum[g], s, k, &minus_a);
    }
}
/* S B - k A and R have the same encoding. */
static void ed25519_compare_encoded(ed25519_work *w, size_t n) {
    const size_t groups = ed25519_groups_of(n);
    for (size_t g = 0; g < groups; g++) w->z[g] = w->sum[g].z;
    fe25519_batch_inv(w->z, groups, w->tmp);
    for (size_t g = 0; g < groups; g++) {
        vec got[4], wanted[4];
        ed25519_encode(got, &w->sum[g], &w->z[g]);
        words_load(wanted, w->r_normal + g * VL, ed25519_CHUNK);
        ed25519_settle(w, g, words_eq(got, wanted));
    }
}
/* [8] p = 0. */
PC_FN vmask ed25519_vanishes(const ed25519_ext *p) {
    ed25519_ext t = *p;
    ed25519_sum s;
    for (int i = 0; i < 3; i++) {
        ed25519_dbl_ext(&s, &t);
        ed25519_to_ext(&t, &s);
    }
    return ed25519_is_identity(&t);
}
/* -R of a chunk into w->r; what is on no point is BAD_SIGNATURE. */
static void ed25519_r_decompress(ed25519_work *w, size_t n) {
    for (size_t g = 0; g < ed25519_groups_of(n); g++) {
        vec y[4];
        words_load(y, w->r_y + g * VL, ed25519_CHUNK);
        ed25519_settle(w, g, ed25519_decompress(&w->r[g], y, veq(vload(w->r_negative + g * VL), vset1(1))));
        ed25519_neg(&w->r[g], &w->r[g]);
    }
}
/* [8] (S B - k A - R) = 0, vector by vector, after ed25519_equations. */
static void ed25519_compare_cofactored(ed25519_work *w, size_t first, size_t n) {
    for (size_t g = first; g < first + n; g++) {
        ed25519_ext t;
        ed25519_add(&t, &w->sum[g], &w->r[g]);
        ed25519_settle(w, g, ed25519_vanishes(&t));
    }
}

#include "ed25519_batch.inc.h"

static void ed25519_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                           const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    ed25519_work *w = (ed25519_work *)scratch;
    vmode mode = vmode_enter();
    for (size_t first = 0; first < count; first += ed25519_CHUNK) {
        const size_t n = count - first < ed25519_CHUNK ? count - first : ed25519_CHUNK;
        const pc_column rows = column_from(messages, first), heads = pc_column_fixed(w->heads, 64);
        ed25519_read(w, params->rules, keys, signatures, first, n);
        sha512_many_heads(NULL, 0, &heads, &rows, n, w->digests);
        ed25519_scalars(w->k, w->digests, n);
        if (keys->column)
            ed25519_keys_decompress(w, n);
        else
            ed25519_keys_load(w, n);
        if (params->rules & PC_RULE_COFACTORED) {
            ed25519_r_decompress(w, n);
            ed25519_check_cofactored(w, n);
        } else {
            ed25519_equations(w, 0, ed25519_groups_of(n));
            ed25519_compare_encoded(w, n);
        }
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}

static size_t ed25519_keyset_table(int window) {
    (void)window;
    return 0;
}
static void ed25519_keyset_put(const pc_column *column, size_t n_keys, pc_keyset *set, const uint32_t *slots,
                               void *const *tables, uint8_t *verdicts) {
    ed25519_key_record *records = (ed25519_key_record *)(void *)((uint8_t *)set + set->records_offset);
    vmode mode = vmode_enter();
    (void)tables;
    for (size_t at = 0; at < n_keys; at += VL) {
        uint64_t y_words[4][VL], x_words[4][VL], negative[VL];
        vec y[4];
        ed25519_ext p;
        for (size_t lane = 0; lane < VL; lane++) {
            const size_t item = at + lane < n_keys ? at + lane : at;
            ed25519_key_record *key = &records[slots ? slots[item] : item];
            ed25519_encoding e;
            size_t len;
            const uint8_t *bytes = pc_column_row(column, item, &len);
            key->verdict = len == 32 ? PC_VALID : PC_MALFORMED_KEY;
            memcpy(key->bytes, len == 32 ? bytes : ed25519_filler, 32);
            ed25519_encoding_read(&e, key->bytes);
            key->canonical = (uint8_t)e.canonical;
            key->small = (uint8_t)e.small;
            for (int i = 0; i < 4; i++) y_words[i][lane] = e.y[i];
            negative[lane] = (uint64_t)e.negative;
        }
        words_load(y, y_words[0], VL);
        unsigned good = mbits(ed25519_decompress(&p, y, veq(vload(negative), vset1(1))));
        fe25519_to_words(y, &p.x);
        words_store(x_words[0], VL, y);
        fe25519_to_words(y, &p.y);
        words_store(y_words[0], VL, y);
        for (size_t lane = 0; lane < VL && at + lane < n_keys; lane++) {
            ed25519_key_record *key = &records[slots ? slots[at + lane] : at + lane];
            for (int i = 0; i < 4; i++) key->x[i] = x_words[i][lane], key->y[i] = y_words[i][lane];
            if (!(good >> lane & 1)) key->verdict = PC_MALFORMED_KEY;
            verdicts[at + lane] = key->verdict;
        }
    }
    vmode_leave(mode);
}
#if PC_SIGNS
#    include "ed25519_sign.inc.h"
#endif
#include "../curves/undef.inc.h"
#endif
