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
 * the rules admit other encodings. So R is never decompressed, and the encodings share inversions. The cofactored equation
 * decompresses R, and is first tried for many items at once.
 *
 * A chunk of items goes through stages, one file each:
 *   ed25519_read.inc.h     items to rows of words; rules of encodings; the challenge
 *   ed25519_keys.inc.h     equal keys found; points of keys, and of R; key sets
 *   ed25519_check.inc.h    single equations
 *   ed25519_batch.inc.h    combined equations
 * Between the stages everything is in rows, one per item or key, so that any items can be put into the lanes of a vector. */
#ifndef PC_SCHEMES_ED25519_INC_H
#define PC_SCHEMES_ED25519_INC_H
#include <pthread.h>
#include <string.h>

#include "../core/column.h"
#include "../curves/ed25519.inc.h"
#include "../mult/recode.inc.h"
#include "../mult/lane_tables.inc.h"
#include "combine.inc.h"
#include "messages.inc.h"

#include "../group/edwards.inc.h"
#include "../mult/edwards_base.inc.h"
#include "../mult/edwards_known.inc.h"
#include "../mult/edwards_straus.inc.h"
#include "../mult/edwards_pippenger.inc.h"

enum {
    ed25519_CHUNK = COMBINE_MOST, /* items per chunk */
    ed25519_BLOCK = 32,           /* vectors of single equations whose encodings share an inversion */
    ed25519_STRAUS = 64 / VL,     /* vectors per Straus sum: 280 to 330 KB of tables */
    ed25519_PIPPENGER = 64 + 1,   /* items from which buckets win */
    ed25519_LEAF = 8,             /* vectors of the smallest combination, when some have failed */
    ed25519_KNOWN = 192           /* items up to which tables of the keys beat a combination: measured with 4 lanes */
};

static const uint64_t ed25519_p[4] = CV_P, ed25519_order[4] = CV_N;

/* A chunk. Only the rows of the items that there are get touched. */
typedef struct ed25519_work_s {
    uint64_t heads[8 * ed25519_CHUNK];                         /* of each item: the bytes of R and A */
    uint64_t scalars[8 * ed25519_CHUNK];                       /* S, k */
    uint64_t wide[8 * ed25519_CHUNK];                          /* the digest; later z k and -z S */
    uint64_t z[4 * ed25519_CHUNK];                             /* coefficients, signed */
    uint64_t keys[(1 + ed25519_CHUNK) * ed25519_POINT_STRIDE]; /* B, and the different keys */
    uint64_t rs[ed25519_CHUNK * ed25519_POINT_STRIDE];         /* R of each item */
    uint64_t sums[5 * (1 + ed25519_CHUNK)];                    /* factor of each key in a combination */
    uint32_t jobs[2 * ed25519_CHUNK];                          /* encodings to decompress */
    uint32_t live[ed25519_CHUNK], in_use[1 + ed25519_CHUNK];   /* lists of items, of keys */
    uint8_t status[ed25519_CHUNK], bad_key[ed25519_CHUNK], bad_point[1 + ed25519_CHUNK], in_sum[1 + ed25519_CHUNK];
    combine_keys found; /* key number k has row k of keys */
    combine_state combine;
    union {
        struct {
            ed25519_ext sum[ed25519_BLOCK];
            fe25519_t z[ed25519_BLOCK], tmp[ed25519_BLOCK];
        } block;
        ed25519_pair pairs[ed25519_STRAUS];
        uint64_t buckets[ed25519_BUCKET_WORDS];
    } memory;
} ed25519_work;

#define ED25519_VERIFY_SCRATCH sizeof(ed25519_work)
#define ED25519_KEYSET_RECORD  sizeof(ed25519_key_record)
#define ED25519_KEYSET_TABLE   ed25519_keyset_table

/* The lanes where rows_listed found an entry. */
PC_FN vmask ed25519_there(size_t first, size_t n) {
    return mfrom_bits(n - first >= VL ? (1u << VL) - 1 : (1u << (n - first)) - 1);
}

/* The items in these lanes that are VALID so far get the verdict. */
PC_FN void ed25519_refuse(ed25519_work *w, const uint32_t row[VL], vmask lanes, uint8_t verdict) {
    const unsigned bits = mbits(lanes);
    if (!bits) return;
    for (int lane = 0; lane < VL; lane++)
        if ((bits >> lane & 1) && w->status[row[lane]] == PC_VALID) w->status[row[lane]] = verdict;
}

#include "ed25519_read.inc.h"
#include "ed25519_keys.inc.h"

#include "ed25519_check.inc.h"

#include "ed25519_batch.inc.h"
#include "ed25519_known.inc.h"

static void ed25519_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                           const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    ed25519_work *w = (ed25519_work *)scratch;
    const int cofactored = (params->rules & PC_RULE_COFACTORED) != 0;
    vmode mode = vmode_enter();
    combine_start(&w->combine);
    for (size_t first = 0; first < count; first += ed25519_CHUNK) {
        const size_t n = count - first < ed25519_CHUNK ? count - first : ed25519_CHUNK;
        const pc_column rows = column_from(messages, first), heads = pc_column_fixed((const uint8_t *)w->heads, 64);
        ed25519_read(w, keys, signatures, first, n);
        ed25519_apply_rules(w, params->rules, n);
        sha512_many_heads(NULL, 0, &heads, &rows, n, (uint8_t *)w->wide);
        ed25519_scalars(w->scalars + 4, 8, w->wide, n);
        if (!keys->column && keys->set->window && (!cofactored || n <= ed25519_KNOWN)) {
            ed25519_check_known(w, keys, first, n, cofactored);
            for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
            continue;
        }
        ed25519_find_keys(w, n);
        if (!keys->column) ed25519_load_keys(w, keys, first);
        ed25519_decompress_all(w, n, keys->column != NULL, cofactored);
        const size_t live = ed25519_list_live(w, n);
        if (cofactored)
            combine_settle(&w->combine, &ed25519_combines, w, w->status, w->live, live, first);
        else
            ed25519_check_encoded(w, w->live, live);
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}
#if PC_SIGNS
#    include "ed25519_sign.inc.h"
#endif
#include "../curves/undef.inc.h"
#endif
