/* combine.inc.h - equations that are tried together: random coefficients, equal keys, and what to do when a combination fails.
 *
 * For schemes whose verification is an equation in a group: sums of many with random coefficients of 128 bits take a fraction of the
 * work, and hold by mistake with probability 2^-128. Nothing here knows a curve. Wants hash/hash.inc.h. docs/design/0008. */
#ifndef PC_SCHEMES_COMBINE_INC_H
#define PC_SCHEMES_COMBINE_INC_H
#include <string.h>

#include "../core/check.h"
#include "../core/column.h"
#include "../core/entropy.h"

enum {
    COMBINE_MOST = 2048,   /* items of a call of combine_settle, at most */
    COMBINE_ALONE = 256,   /* items that are checked singly before combinations are thought of again */
    COMBINE_MEMORY = 8192, /* items over which the share of bad ones is taken */
    COMBINE_HOPELESS = 12  /* where one item in so many is bad, combinations do not pay */
};

/* What a scheme brings along. work is its own. */
typedef struct combine_scheme_s {
    size_t leaf;    /* items of the smallest combination, when some have failed */
    size_t by_lane; /* items up to which a combination is one in each lane; 0: it never is */
    size_t least;   /* fewer items are checked singly */
    /* Makes coefficients for the listed items, and whatever else their combinations need; 0: there are none to be had. number: how many
     * were drawn before in this call. */
    int (*prepare)(void *work, const uint32_t *list, size_t n, uint64_t number);
    /* The lanes in which the combination holds: lane j has the items list[j], list[VL + j] and so on. All or none where it is but one. */
    unsigned (*holds)(void *work, const uint32_t *list, size_t n);
    void (*check_singly)(void *work, const uint32_t *list, size_t n); /* status of what fails */
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

/* Where combine_find_keys keeps what it finds: rows for n items and n + 1 keys. */
typedef struct combine_keys_s {
    uint32_t *key_of;   /* number of each item's key, from 1; 0 where there is none */
    uint32_t *key_item; /* an item that has this key */
    uint16_t *table;    /* a power of two of entries, at least 2 n */
    size_t n_keys;
} combine_keys;

/* Numbers the different keys of n items: 32 bytes each, 8 words from one to the next. The table is a help, not a promise: a key whose
 * place is not found in a few steps gets a number of its own, so made-up collisions cost nothing. */
static PC_UNUSED void combine_find_keys(combine_keys *k, const uint64_t *keys, const uint8_t *none, size_t n) {
    enum { STEPS = 8 };
    uint32_t bits = 4;
    while ((size_t)1 << bits < 2 * n) bits++;
    memset(k->table, 0, sizeof k->table[0] << bits);
    k->n_keys = 0;
    for (size_t j = 0; j < n; j++) {
        const uint64_t *key = keys + 8 * j;
        uint64_t at = ((key[0] ^ key[2]) + (key[1] ^ key[3])) * 0x9e3779b97f4a7c15ULL >> (64 - bits);
        uint32_t found = 0;
        k->key_of[j] = 0;
        if (none[j]) continue;
        for (int step = 0; step < STEPS && !found; step++, at = (at + 1) & (((uint64_t)1 << bits) - 1)) {
            const uint32_t other = k->table[at];
            if (other && memcmp(keys + 8 * (size_t)k->key_item[other], key, 32) == 0) found = other;
            if (other) continue;
            k->table[at] = (uint16_t)(k->n_keys + 1);
            break;
        }
        if (!found) {
            found = (uint32_t)++k->n_keys;
            k->key_item[found] = (uint32_t)j;
        }
        k->key_of[j] = found;
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
PC_FN int combine_hopeless(const combine_state *c) { return COMBINE_HOPELESS * c->bad > c->seen; }
/* Checks the listed items singly and remembers what came out. */
static PC_UNUSED void combine_alone(combine_state *c, const combine_scheme *s, void *work, const uint8_t *status,
                                    const uint32_t *list, size_t n) {
    size_t bad = 0;
    s->check_singly(work, list, n);
    for (size_t i = 0; i < n; i++) bad += status[list[i]] != PC_VALID;
    combine_note(c, n, bad);
}
/* Settles the equations of the listed items, at most COMBINE_MOST. number: of the first item in the call.
 *
 * A combination is as large as the share of bad items in this call lets hope: half a bad item each. Of one that fails the quarters are
 * tried, of a quarter that fails its quarters, and the last one not even tried when the others hold. At the bottom, a leaf, the items of
 * the lanes that fail are set aside, to be checked singly in full vectors. Where one in twelve is bad this no longer pays. */
static PC_UNUSED void combine_settle(combine_state *c, const combine_scheme *s, void *work, const uint8_t *status,
                                     const uint32_t *list, size_t n, uint64_t number) {
    const unsigned all = (1u << VL) - 1;
    size_t at = 0, failed_end = 0, part = 0, suspects = 0; /* at .. failed_end: there is a bad one among these */
    int prepared = 0;
    while (at < n) {
        const size_t left = n - at;
        size_t size = c->bad ? (c->seen + COMBINE_MOST / 8) / (2 * c->bad) : COMBINE_MOST;
        unsigned held = 0;
        if (at < failed_end) {
            if (failed_end - at <= part) part /= 4;
            size = part;
        } else if (combine_hopeless(c)) {
            size = left < COMBINE_ALONE ? left : COMBINE_ALONE;
            combine_alone(c, s, work, status, list + at, size);
            at += size;
            continue;
        }
        if (!prepared && (n < s->least || !s->prepare(work, list + at, left, number))) {
            s->check_singly(work, list + at, left);
            break;
        }
        prepared = 1;
        if (size < s->leaf) size = s->leaf;
        if (size > s->by_lane && size < 4 * s->by_lane && c->bad)
            size = s->by_lane; /* a failure costs a lane, not four quarters */
        if (size > left) size = left;
        if (size >= s->least) held = s->holds(work, list + at, size);
        if (held == 0 && size > s->leaf) {
            failed_end = at + size;
            part = size / 4;
            continue;
        }
        if (held != all) {
            for (size_t i = 0; i < size; i++)
                if (!(held >> i % VL & 1)) c->suspects[suspects++] = list[at + i];
            failed_end = 0;
        }
        combine_note(c, size, s->by_lane ? (size_t)__builtin_popcount(all & ~held) : held != all);
        at += size;
    }
    s->check_singly(work, c->suspects, suspects);
}
#endif
