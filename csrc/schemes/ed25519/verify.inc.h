/* ed25519/verify.inc.h - Ed25519 verification (RFC 8032, section 5.1.7) under any set of rules; template.
 * Gives ed25519_verify.
 *
 * The five published verdict functions differ in independent flags (PC_RULE_*, registry.def), and each flag
 * is one test here:
 *   CANONICAL_A, CANONICAL_R   y < p, and no "minus zero": x = 0 with its sign bit set
 *   NO_SMALL_A, NO_SMALL_R     not one of the eight points of small order
 *   COFACTORED                 [8] S B = [8] R + [8] k A, instead of S B = R + k A
 * Always: S < L, and k is hashed over the bytes as received. Without CANONICAL_* a y from p to 2^255 - 1
 * stands for y - p, and minus zero for zero, as ZIP-215 says.
 *
 * Verdicts, the first that applies:
 *   MALFORMED_KEY         A is not 32 bytes, or no point has this y
 *   MALFORMED_SIGNATURE   not 64 bytes
 *   NON_CANONICAL         S >= L, or A or R breaks a CANONICAL rule
 *   SMALL_ORDER           A or R breaks a NO_SMALL rule
 *   BAD_SIGNATURE         the equation does not hold; also when R is on no point
 *
 * Few cofactorless equations are checked as ref10 does: R' = S B - k A is encoded and compared with R's bytes,
 * normalised first where the rules admit other encodings. So R is never decompressed, and the encodings share
 * inversions. The cofactored equation decompresses R, and is first tried for many items at once. So are many
 * cofactorless ones, and then the part of small order is looked at, which the cofactor would take away.
 *
 * A chunk of items goes through stages, one file each:
 *   read.inc.h     items to rows of words; rules of encodings; the challenge
 *   keys.inc.h     equal keys found; points of keys, and of R
 *   check.inc.h    single equations
 *   batch.inc.h    combined equations
 *   torsion.inc.h  the part of small order
 *   known.inc.h    all of these by keys with tables
 * Between the stages everything is in rows, one per item or key, so that any items can be put into the lanes
 * of a vector. */
#ifndef PC_SCHEMES_ED25519_VERIFY_INC_H
#define PC_SCHEMES_ED25519_VERIFY_INC_H
#include "batch.inc.h"
#include "keys.inc.h"
#include "known.inc.h"
#include "torsion.inc.h"

static void ed25519_verify(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                           const pc_column *messages, size_t count, void *scratch, uint8_t *verdicts) {
    ed25519_work *w = (ed25519_work *)scratch;
    const int cofactored = (params->rules & PC_RULE_COFACTORED) != 0;
    const combine_scheme *scheme = cofactored ? &ed25519_combines : &ed25519_combines_exact;
    size_t domain_len;
    const uint8_t *domain = ed25519_domain(params->rules, &domain_len);
    vmode mode = vmode_enter();
    combine_start(&w->combine);
    for (size_t first = 0; first < count; first += ed25519_CHUNK) {
        const size_t n = count - first < ed25519_CHUNK ? count - first : ed25519_CHUNK;
        const pc_column rows = column_from(messages, first), heads = pc_column_fixed((const uint8_t *)w->heads, 64);
        ed25519_read(w, keys, signatures, first, n);
        ed25519_apply_rules(w, params->rules, n);
        sha512_many_heads(domain, domain_len, &heads, &rows, n, (uint8_t *)w->wide);
        ed25519_scalars(w->scalars + 4, 8, w->wide, n);
        if (!keys->column && keys->set->window && (!cofactored || n <= ed25519_KNOWN)) {
            ed25519_check_known(w, keys, first, n, cofactored);
            for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
            continue;
        }
        ed25519_find_keys(w, n);
        if (!keys->column) ed25519_load_keys(w, keys, first);
        const int together = cofactored || ed25519_worth_combining(w, n);
        ed25519_decompress_all(w, n, keys->column != NULL, together);
        const size_t live = ed25519_list_live(w, n);
        if (!together) {
            combine_alone(&w->combine, scheme, w, w->status, w->live, live);
        } else {
            memset(w->exact, 0, n);
            combine_settle(&w->combine, scheme, w, w->status, w->live, live, first);
            if (!cofactored) ed25519_refuse_torsion(w, w->live, live);
        }
        for (size_t j = 0; j < n; j++) verdicts[first + j] = w->bad_key[j] ? PC_MALFORMED_KEY : w->status[j];
    }
    vmode_leave(mode);
}
#endif
