/* ed25519/work.inc.h - the working memory of a call, and the layers that every stage stands on; template.
 *
 * Requires the vec header, field/fields.inc.h and hash/hash.inc.h. Gives ed25519_work, the sizes of its parts
 * (ed25519_CHUNK, _BLOCK, _STRAUS, _PIPPENGER, _LEAF, _TOGETHER, _KNOWN), ed25519_p, ed25519_order, ed25519_there and
 * ed25519_refuse; the parameters of the curve (CV_*, cv) stay defined, for ed25519/all.inc.h to end. */
#ifndef PC_SCHEMES_ED25519_WORK_INC_H
#define PC_SCHEMES_ED25519_WORK_INC_H
#include <pthread.h>
#include <string.h>

#include "../../core/column.h"
#include "../../curves/ed25519.inc.h"
#include "../../mult/recode.inc.h"
#include "../../mult/lane_tables.inc.h"
#include "../parts/combine.inc.h"
#include "../parts/messages.inc.h"

#include "../../group/edwards.inc.h"
#include "../../group/edwards_subgroup.inc.h"
#include "../../mult/edwards_base.inc.h"
#include "../../mult/edwards_known.inc.h"
#include "../../mult/edwards_straus.inc.h"
#include "../../mult/edwards_pippenger.inc.h"

enum {
    ed25519_CHUNK = COMBINE_MOST, /* items per chunk */
    ed25519_BLOCK = 32,           /* vectors of single equations whose encodings share an inversion */
    ed25519_STRAUS = 64 / VL,     /* vectors per Straus sum: 280 to 330 KB of tables */
    ed25519_PIPPENGER = 64 + 1,   /* items from which buckets win */
    ed25519_LEAF = 8,             /* vectors of the smallest combination, when some have failed */
    ed25519_TOGETHER = 2 * VL +
        1,              /* items from which combinations win under cofactorless rules: measured with 1, 4, 8 lanes */
    ed25519_KNOWN = 192 /* items up to which tables of the keys beat a combination: measured with 4 lanes */
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
    uint8_t exact[ed25519_CHUNK]; /* items whose cofactorless equation was checked as it is */
    combine_keys found;           /* key number k has row k of keys */
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
#endif
