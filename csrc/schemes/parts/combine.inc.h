/* parts/combine.inc.h - equations that are tried together: random coefficients, equal keys, and what to do
 * when a combination fails.
 *
 * For schemes whose verification is an equation in a group: sums of many with random coefficients of 128 bits
 * take a fraction of the work, and hold by mistake with probability 2^-128. Nothing here knows a curve.
 * Requires hash/hash.inc.h. Gives combine_settle, combine_draw, combine_find_keys and their types.
 * docs/design/0008. */
#ifndef PC_SCHEMES_COMBINE_INC_H
#define PC_SCHEMES_COMBINE_INC_H
#include <string.h>

#include "../../core/check.h"
#include "../../core/column.h"
#include "../../core/entropy.h"

enum {
    COMBINE_MOST = 2048,  /* items of a call of combine_settle, at most */
    COMBINE_ALONE = 256,  /* items that are checked singly before combinations are thought of again */
    COMBINE_MEMORY = 8192 /* items over which the share of bad ones is taken */
};

/* The part that a scheme provides. work is its own. */
typedef struct combine_scheme_s {
    size_t leaf;     /* items of the smallest combination, when some have failed */
    size_t by_lane;  /* items up to which a combination is one in each lane; 0: it never is */
    size_t least;    /* fewer items are checked singly */
    size_t hopeless; /* where one item in so many is bad, combinations do not pay */
    /* Makes coefficients for the listed items, and whatever else their combinations need; 0: there are none to be had.
     * number: how many were drawn before in this call. */
    int (*prepare)(void *work, const uint32_t *list, size_t n, uint64_t number);
    /* The lanes in which the combination holds: lane j has the items list[j], list[VL + j] and so on. All or none where
     * it is but one. */
    unsigned (*holds)(void *work, const uint32_t *list, size_t n);
    void (*check_singly)(void *work, const uint32_t *list, size_t n); /* status of what fails */
    /* Where a combination is but one and can be told from another, else NULL: remember keeps the left side of the last
     * one, and explains says whether that of the last one is the one kept. */
    void (*remember)(void *work);
    int (*explains)(void *work);
} combine_scheme;

/* Of a call. */
typedef struct combine_state_s {
    uint8_t seed[32];
    int seeded;
    size_t seen, bad; /* how many items were settled, and about how many of them were bad; the recent ones count */
    uint32_t suspects[COMBINE_MOST];
} combine_state;

PC_FN void combine_start(combine_state *c) {
    c->seeded = 0;
    c->seen = c->bad = 0;
}

/* ---- coefficients ----------------------------------------------------------------------------------------------------- */

/* 2 n words that nobody can foresee, in room for a multiple of eight; 0 where the operating system has no seed for them. */
static PC_UNUSED int combine_draw(combine_state *c, uint64_t *words, size_t n, uint64_t number) {
    uint64_t counters[(COMBINE_MOST + 3) / 4];
    const pc_column numbers = pc_column_fixed((const uint8_t *)counters, 8);
    PC_CHECK(n <= COMBINE_MOST);
    if (!c->seeded) c->seeded = pc_entropy(c->seed, sizeof c->seed) ? 1 : -1;
    if (c->seeded < 0) return 0;
    for (size_t i = 0; 4 * i < n; i++) counters[i] = number + 4 * i;
    sha512_many(c->seed, sizeof c->seed, &numbers, (n + 3) / 4, (uint8_t *)words); /* four coefficients in a digest */
    return 1;
}

/* ---- equal keys ------------------------------------------------------------------------------------------------------- */

/* The different keys of some items. */
typedef struct combine_keys_s {
    size_t n;
    uint32_t of[COMBINE_MOST];       /* number of each item's key, from 1; 0 where there is none */
    uint32_t item[1 + COMBINE_MOST]; /* an item that has this key */
    uint16_t table[4 * COMBINE_MOST];
} combine_keys;

/* Numbers the different keys of n items: 32 bytes each, 8 words from one to the next, none where `none` says so. The
 * table is a help, not a promise: a key whose place is not found in a few steps gets a separate number, so made-up
 * collisions cost nothing. */
static PC_UNUSED void combine_find_keys(combine_keys *k, const uint64_t *keys, const uint8_t *none, size_t n) {
    enum { STEPS = 8 };
    uint32_t bits = 4;
    while ((size_t)1 << bits < 2 * n) bits++;
    PC_CHECK((size_t)1 << bits <= sizeof k->table / sizeof k->table[0]);
    memset(k->table, 0, sizeof k->table[0] << bits);
    k->n = 0;
    for (size_t j = 0; j < n; j++) {
        const uint64_t *key = keys + 8 * j;
        uint64_t at = ((key[0] ^ key[2]) + (key[1] ^ key[3])) * 0x9e3779b97f4a7c15ULL >> (64 - bits);
        uint32_t found = 0;
        k->of[j] = 0;
        if (none[j]) continue;
        for (int step = 0; step < STEPS && !found; step++, at = (at + 1) & (((uint64_t)1 << bits) - 1)) {
            const uint32_t other = k->table[at];
            if (other && memcmp(keys + 8 * (size_t)k->item[other], key, 32) == 0) found = other;
            if (other) continue;
            k->table[at] = (uint16_t)(k->n + 1);
            break;
        }
        if (!found) {
            found = (uint32_t)++k->n;
            k->item[found] = (uint32_t)j;
        }
        k->of[j] = found;
    }
}

/* ---- how many at a time ----------------------------------------------------------------------------------------------- */

PC_FN void combine_note(combine_state *c, size_t n, size_t bad) {
    c->seen += n;
    c->bad += bad;
    if (c->seen < COMBINE_MEMORY) return;
    c->seen /= 2;
    c->bad /= 2;
}
PC_FN int combine_hopeless(const combine_state *c, const combine_scheme *s) { return s->hopeless * c->bad > c->seen; }
/* Checks the listed items singly and remembers what came out. */
static PC_UNUSED void combine_alone(combine_state *c, const combine_scheme *s, void *work, const uint8_t *status,
                                    const uint32_t *list, size_t n) {
    size_t bad = 0;
    s->check_singly(work, list, n);
    for (size_t i = 0; i < n; i++) bad += status[list[i]] != PC_VALID;
    combine_note(c, n, bad);
}
/* Items of the next combination of those that are left. */
PC_FN size_t combine_size(const combine_state *c, const combine_scheme *s, size_t part, size_t left) {
    size_t size = c->bad ? (c->seen + COMBINE_MOST / 8) / (2 * c->bad) : COMBINE_MOST;
    if (part) size = part;
    if (size < s->leaf) size = s->leaf;
    if (size > s->by_lane && size < 4 * s->by_lane && c->bad)
        size = s->by_lane; /* a failure costs a lane, not four quarters */
    return size < left ? size : left;
}
/* Settles the equations of the listed items, at most COMBINE_MOST. number: of the first item in the call.
 *
 * A combination is as large as the share of bad items in this call lets hope: half a bad item each. Of one that fails the
 * quarters are tried, of a quarter that fails its quarters, and the last one not even tried when the others hold. A
 * quarter whose left side is that of the whole explains it: then the rest holds. At the bottom, a leaf, the items are
 * checked singly; those of lanes that fail are put together for that. Where too many are bad this does not pay, and all
 * are checked singly for a while. */
static PC_UNUSED void combine_settle(combine_state *c, const combine_scheme *s, void *work, const uint8_t *status,
                                     const uint32_t *list, size_t n, uint64_t number) {
    const unsigned all = (1u << VL) - 1;
    size_t at = 0, failed_end = 0, part = 0; /* at .. failed_end: there is a bad one among these */
    size_t good = 0, good_end = 0;           /* good .. good_end: there is none among these */
    size_t suspects = 0;
    int prepared = 0;
    while (at < n) {
        unsigned held = 0;
        if (at < good_end && at >= good) {
            combine_note(c, good_end - at, 0);
            at = good_end;
            continue;
        }
        if (at >= failed_end && combine_hopeless(c, s)) {
            const size_t size = n - at < COMBINE_ALONE ? n - at : COMBINE_ALONE;
            combine_alone(c, s, work, status, list + at, size);
            at += size;
            continue;
        }
        if (!prepared && (n < s->least || !s->prepare(work, list + at, n - at, number))) {
            s->check_singly(work, list + at, n - at);
            break;
        }
        prepared = 1;
        if (at < failed_end && failed_end - at <= part) part /= 4;
        const size_t size = combine_size(c, s, at < failed_end ? part : 0, n - at), end = at + size;
        if (size >= s->least) held = s->holds(work, list + at, size);
        if (held == 0 && size >= s->least && s->explains && end < failed_end && s->explains(work)) {
            if (good_end == 0 || good != failed_end) good_end = failed_end;
            good = end;
        }
        if (held == 0 && size > s->leaf) {
            failed_end = end;
            part = size / 4;
            if (s->remember) s->remember(work);
            continue;
        }
        if (held == 0 && !s->by_lane) {
            combine_alone(c, s, work, status, list + at, size);
        } else {
            for (size_t i = 0; i < size; i++)
                if (!(held >> i % VL & 1)) c->suspects[suspects++] = list[at + i];
            combine_note(c, size, (size_t)__builtin_popcount(all & ~held));
        }
        if (held != all) failed_end = 0;
        at = end;
    }
    s->check_singly(work, c->suspects, suspects);
}
#endif
