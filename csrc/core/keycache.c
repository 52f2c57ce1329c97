/* keycache.c - a key cache: which keys of a batch have a table, which of the others come often, and which key came least
 * recently.
 *
 * One piece of memory, with offsets instead of pointers inside, so that a copy of it goes on by itself:
 *
 *   struct pc_key_cache
 *   a pc_keyset of n_slots slots         the parsed keys, and where their tables are
 *   keys, lengths                        the encoding of the key in each slot; length 0: the slot is free
 *   buckets                              slot + 1 of each key, found by its hash, the next bucket being tried when one is taken
 *   last_used                            per slot: the clock when its key last came
 *   sightings                            counters of keys without a slot, by hash; keys may share one
 *
 * Look-ups only count and tell the time, in relaxed atomics: threads may lose each other's counts, which delays a table
 * and does no harm. */
#include "../backend/backend.h"
#include "arguments.h"
#include "column.h"

#include <string.h>

#define CACHE_MAGIC 0x70796b6361636865ULL

enum {
    SIGHTINGS = 1 << 17, /* counters */
    COUNTED = 1 << 16,   /* items after which counting starts again: distinct keys must not fill the counters */
    MOST_SLOTS = 1 << 24
};

struct pc_key_cache {
    uint64_t magic; /* CACHE_MAGIC: catches memory that was never opened */
    uint64_t seed;  /* of the hash: nobody outside can aim at one bucket */
    uint64_t counted;
    uint32_t n_slots, bucket_mask, stride, often;
    uint64_t keys_at, lengths_at, buckets_at, last_used_at, sightings_at; /* bytes from the start of this struct */
};

static size_t round_64(size_t n) { return (n + 63) & ~(size_t)63; }
enum { KEYSET_AT = (sizeof(struct pc_key_cache) + 63) / 64 * 64 };

/* Process-wide, so that keys of several caches can be compared: how many items were looked up. */
static uint64_t clock_of_items;

/* ---- parts ------------------------------------------------------------------------------------------------------------ */

static uint8_t *part(const pc_key_cache *cache, uint64_t at) { return (uint8_t *)(uintptr_t)cache + at; }
static pc_keyset *keyset_of(const pc_key_cache *cache) { return (pc_keyset *)(void *)part(cache, KEYSET_AT); }
static uint8_t *key_of(const pc_key_cache *cache, uint32_t slot) {
    return part(cache, cache->keys_at) + (size_t)slot * cache->stride;
}
static uint8_t *lengths_of(const pc_key_cache *cache) { return part(cache, cache->lengths_at); }
static uint32_t *buckets_of(const pc_key_cache *cache) { return (uint32_t *)(void *)part(cache, cache->buckets_at); }
static uint64_t *last_used_of(const pc_key_cache *cache) { return (uint64_t *)(void *)part(cache, cache->last_used_at); }

/* Fills in where the parts are; returns the bytes of all, or 0 when there is no such cache. */
static size_t lay_out(int backend, int scheme, size_t n_slots, pc_key_cache *cache) {
    const pc_scheme_row *row = pc_scheme_at(scheme);
    size_t set, buckets = 2, stride = 0;
    if (!row || n_slots == 0 || n_slots > MOST_SLOTS) return 0;
    set = pc_keyset_size(backend, scheme, n_slots, 0);
    if (!set) return 0;
    for (const size_t *size = row->key_sizes; *size; size++) stride = *size;
    while (buckets < 2 * n_slots) buckets *= 2; /* half of them stay free: a search ends */
    cache->n_slots = (uint32_t)n_slots;
    cache->bucket_mask = (uint32_t)(buckets - 1);
    cache->stride = (uint32_t)stride;
    cache->keys_at = KEYSET_AT + round_64(set);
    cache->lengths_at = cache->keys_at + round_64(n_slots * stride);
    cache->buckets_at = cache->lengths_at + round_64(n_slots);
    cache->last_used_at = cache->buckets_at + round_64(buckets * sizeof(uint32_t));
    cache->sightings_at = cache->last_used_at + round_64(n_slots * sizeof(uint64_t));
    return cache->sightings_at + SIGHTINGS;
}

static int cache_ok(const pc_key_cache *cache) {
    return cache && ((uintptr_t)cache & 63) == 0 && cache->magic == CACHE_MAGIC;
}

/* ---- finding ---------------------------------------------------------------------------------------------------------- */

static uint64_t load_64(const uint8_t *p, size_t n) {
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}
/* Seeded; a collision costs time and nothing else. */
static uint64_t key_hash(uint64_t seed, const uint8_t *key, size_t len) {
    const uint64_t factor = 0x9e3779b97f4a7c15ULL;
    uint64_t h = seed ^ len * factor;
    for (size_t i = 0; i < len; i += 8) {
        h = (h ^ load_64(key + i, len - i < 8 ? len - i : 8)) * factor;
        h ^= h >> 29;
    }
    h *= seed | 1;
    return h ^ h >> 32;
}

static void fill_buckets(const pc_key_cache *cache) {
    uint32_t *buckets = buckets_of(cache);
    const uint8_t *lengths = lengths_of(cache);
    memset(buckets, 0, ((size_t)cache->bucket_mask + 1) * sizeof *buckets);
    for (uint32_t slot = 0; slot < cache->n_slots; slot++) {
        if (lengths[slot] == 0) continue;
        uint32_t at = (uint32_t)key_hash(cache->seed, key_of(cache, slot), lengths[slot]) & cache->bucket_mask;
        while (buckets[at]) at = (at + 1) & cache->bucket_mask;
        buckets[at] = slot + 1;
    }
}

static uint32_t find(const pc_key_cache *cache, const uint8_t *key, size_t len, uint64_t hash) {
    const uint32_t *buckets = buckets_of(cache);
    const uint8_t *lengths = lengths_of(cache);
    for (uint32_t at = (uint32_t)hash & cache->bucket_mask; buckets[at]; at = (at + 1) & cache->bucket_mask) {
        const uint32_t slot = buckets[at] - 1;
        if (lengths[slot] == len && memcmp(key_of(cache, slot), key, len) == 0) return slot;
    }
    return (uint32_t)PC_NO_SLOT;
}

/* Counts a key without a slot: has it come often? Then its counter starts again, if it may be `taken`. */
static int sight(pc_key_cache *cache, uint64_t hash, int taken) {
    uint8_t *count = part(cache, cache->sightings_at) + (hash >> 32) % SIGHTINGS;
    const unsigned seen = __atomic_load_n(count, __ATOMIC_RELAXED) + 1u, often = cache->often;
    const int take = seen >= often && taken;
    __atomic_store_n(count, (uint8_t)(take ? 0 : seen < often ? seen : often), __ATOMIC_RELAXED);
    return take;
}

/* n items pass: the time it is then. */
static uint64_t tick(pc_key_cache *cache, size_t n) {
    if (__atomic_add_fetch(&cache->counted, n, __ATOMIC_RELAXED) > COUNTED) {
        uint64_t *words = (uint64_t *)(void *)part(cache, cache->sightings_at);
        __atomic_store_n(&cache->counted, 0, __ATOMIC_RELAXED);
        for (size_t i = 0; i < SIGHTINGS / sizeof *words; i++) __atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
    }
    return __atomic_add_fetch(&clock_of_items, n, __ATOMIC_RELAXED);
}

/* pc_key_cache_find, with at most `room` keys wanted; 0: nothing is counted. */
static void look_up(pc_key_cache *cache, const pc_column *keys, size_t n, size_t room, uint32_t *slots, uint32_t *found) {
    const uint64_t now = room ? tick(cache, n) : 0;
    uint32_t hits = 0, wanted = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const uint8_t *key = pc_column_row(keys, i, &len);
        slots[i] = (uint32_t)PC_NO_SLOT;
        if (len == 0 || len > cache->stride) continue;
        const uint64_t hash = key_hash(cache->seed, key, len);
        const uint32_t slot = find(cache, key, len, hash);
        if (slot != (uint32_t)PC_NO_SLOT) {
            slots[i] = slot;
            hits++;
            if (room) __atomic_store_n(&last_used_of(cache)[slot], now, __ATOMIC_RELAXED);
        } else if (room && sight(cache, hash, wanted < room)) {
            slots[i] = (uint32_t)PC_WANTED;
            wanted++;
        }
    }
    found[0] = hits;
    found[1] = wanted;
}

int pc_key_cache_find(pc_key_cache *cache, const pc_column *keys, size_t n, int count, uint32_t *slots, uint32_t *found) {
    if (!cache_ok(cache) || !pc_column_ok(keys, n) || n > UINT32_MAX || (n && !slots) || !found) return PC_ERR_ARGUMENT;
    /* building tables must not eat what they save */
    look_up(cache, keys, n, count ? 1 + n / cache->often : 0, slots, found);
    return PC_OK;
}

const pc_keyset *pc_key_cache_keys(const pc_key_cache *cache) { return cache_ok(cache) ? keyset_of(cache) : NULL; }

int pc_key_cache_oldest(const pc_key_cache *cache, uint32_t *slot, uint64_t *idle) {
    if (!cache_ok(cache) || !slot || !idle) return PC_ERR_ARGUMENT;
    const uint64_t now = __atomic_load_n(&clock_of_items, __ATOMIC_RELAXED);
    *slot = (uint32_t)PC_NO_SLOT;
    *idle = 0;
    for (uint32_t at = 0; at < cache->n_slots; at++) {
        const uint64_t used = __atomic_load_n(&last_used_of(cache)[at], __ATOMIC_RELAXED);
        const uint64_t since = used < now ? now - used : 0; /* it may come at this very moment */
        if (lengths_of(cache)[at] == 0 || (*slot != (uint32_t)PC_NO_SLOT && since <= *idle)) continue;
        *slot = at;
        *idle = since;
    }
    return PC_OK;
}

/* ---- keys that come and go --------------------------------------------------------------------------------------------- */

size_t pc_key_cache_size(int backend, int scheme, size_t n_slots) {
    pc_key_cache head;
    return lay_out(backend, scheme, n_slots, &head);
}

int pc_key_cache_open(int backend, int scheme, size_t n_slots, int window, unsigned often, uint64_t seed,
                      pc_key_cache *cache, size_t cache_len) {
    pc_key_cache head = {0};
    if (!cache || ((uintptr_t)cache & 63) || often == 0 || often > UINT8_MAX) return PC_ERR_ARGUMENT;
    const size_t size = lay_out(backend, scheme, n_slots, &head);
    if (!size || window <= 0) return PC_ERR_ARGUMENT;
    if (cache_len < size) return PC_ERR_SCRATCH;
    memset(cache, 0, size);
    *cache = head;
    cache->seed = seed;
    cache->often = often;
    const int result = pc_keyset_open(backend, scheme, n_slots, window, keyset_of(cache));
    if (result == PC_OK) cache->magic = CACHE_MAGIC;
    return result;
}

int pc_key_cache_put(pc_key_cache *cache, const uint32_t *slots, const pc_column *keys, size_t n, void *const *tables,
                     uint8_t *verdicts) {
    if (!cache_ok(cache) || (n && !slots)) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        if (slots[i] >= cache->n_slots || lengths_of(cache)[slots[i]]) return PC_ERR_ARGUMENT;
    const int result = pc_keyset_put(keyset_of(cache), slots, keys, n, tables, verdicts);
    if (result != PC_OK) return result;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const uint8_t *key = pc_column_row(keys, i, &len);
        const int keep = verdicts[i] == PC_VALID && len <= cache->stride;
        if (keep) memcpy(key_of(cache, slots[i]), key, len);
        lengths_of(cache)[slots[i]] = (uint8_t)(keep ? len : 0);
        last_used_of(cache)[slots[i]] = __atomic_load_n(&clock_of_items, __ATOMIC_RELAXED);
    }
    fill_buckets(cache);
    return PC_OK;
}

int pc_key_cache_drop(pc_key_cache *cache, uint32_t slot) {
    if (!cache_ok(cache) || slot >= cache->n_slots || lengths_of(cache)[slot] == 0) return PC_ERR_ARGUMENT;
    lengths_of(cache)[slot] = 0;
    fill_buckets(cache);
    return PC_OK;
}

/* ---- a few items ------------------------------------------------------------------------------------------------------- */

/* The rows of a few items: three columns over one piece of memory. */
typedef struct few_rows {
    int64_t offsets[3 * PC_FEW + 1];
    pc_column keys, signatures, messages;
} few_rows;

static void few_columns(few_rows *few, const uint8_t *rows, size_t n) {
    few->keys = (pc_column){rows, few->offsets, 0, 0};
    few->signatures = (pc_column){rows, few->offsets + n, 0, 0};
    few->messages = (pc_column){rows, few->offsets + 2 * n, 0, 0};
}

/* Those items whose key has a table, or those without one: copied to bytes, with their numbers; returns how many they are. */
static size_t few_part(few_rows *to, uint8_t *bytes, const few_rows *from, const uint8_t *rows, size_t n, int known,
                       uint32_t *items, const uint32_t *slots) {
    size_t count = 0, at = 0, row = 0;
    for (size_t i = 0; i < n; i++)
        if ((slots[i] < (uint32_t)PC_WANTED) == known) items[count++] = (uint32_t)i;
    to->offsets[0] = 0;
    for (size_t column = 0; column < 3; column++) {
        for (size_t j = 0; j < count; j++) {
            const int64_t *offset = &from->offsets[column * n + items[j]];
            const size_t len = (size_t)(offset[1] - offset[0]);
            if (len) memcpy(bytes + at, rows + offset[0], len);
            to->offsets[++row] = (int64_t)(at += len);
        }
    }
    few_columns(to, bytes, count);
    return count;
}

/* Both kinds of items, one after the other. */
static int few_parted(pc_key_cache *cache, const pc_verify_params *params, const few_rows *few, const uint8_t *rows,
                      size_t n, const uint32_t *slots, void *scratch, size_t scratch_len, uint8_t *verdicts) {
    uint8_t bytes[PC_FEW_BYTES], part[PC_FEW];
    uint32_t items[PC_FEW], known[PC_FEW];
    few_rows of;
    for (int with = 0; with <= 1; with++) {
        const size_t count = few_part(&of, bytes, few, rows, n, with, items, slots);
        for (size_t j = 0; j < count; j++) known[j] = slots[items[j]];
        const int result = with ? pc_verify_keyset(keyset_of(cache), params, known, &of.signatures, &of.messages, count,
                                                   scratch, scratch_len, part)
                                : pc_verify_batch(keyset_of(cache)->backend, params, &of.keys, &of.signatures, &of.messages,
                                                  count, scratch, scratch_len, part);
        if (result != PC_OK) return result;
        for (size_t j = 0; j < count; j++) verdicts[items[j]] = part[j];
    }
    return PC_OK;
}

int pc_verify_few(pc_key_cache *cache, const pc_verify_params *params, const uint8_t *rows, const uint32_t *lengths,
                  size_t n, void *scratch, size_t scratch_len, uint8_t *verdicts) {
    few_rows few;
    uint32_t slots[PC_FEW], found[2];
    int result;
    if (!cache_ok(cache) || !params || params->scheme != keyset_of(cache)->scheme || n > PC_FEW) return PC_ERR_ARGUMENT;
    if (n == 0) return 0;
    if (!rows || !lengths || !verdicts) return PC_ERR_ARGUMENT;
    few.offsets[0] = 0;
    for (size_t i = 0; i < 3 * n; i++) few.offsets[i + 1] = few.offsets[i] + lengths[i];
    if (few.offsets[3 * n] > PC_FEW_BYTES) return PC_ERR_ARGUMENT;
    few_columns(&few, rows, n);
    look_up(cache, &few.keys, n, 1, slots, found);
    if (found[0] == n)
        result = pc_verify_keyset(keyset_of(cache), params, slots, &few.signatures, &few.messages, n, scratch, scratch_len,
                                  verdicts);
    else if (found[0] < PC_PART)
        result = pc_verify_batch(keyset_of(cache)->backend, params, &few.keys, &few.signatures, &few.messages, n, scratch,
                                 scratch_len, verdicts);
    else
        result = few_parted(cache, params, &few, rows, n, slots, scratch, scratch_len, verdicts);
    if (result != PC_OK) return result;
    result = (int)found[0];
    for (size_t i = 0; found[1] && i < n; i++)
        if (slots[i] == (uint32_t)PC_WANTED) result |= (int)(i + 1) << 8;
    return result;
}
