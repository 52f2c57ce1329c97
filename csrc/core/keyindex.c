/* keyindex.c - which keys of a batch are among those that a caller keeps, and which of the others come often. */
#include "../pycore.h"
#include "column.h"

#include <string.h>

static uint64_t load_64(const uint8_t *p, size_t n) {
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}
/* Seeded, so that nobody outside can aim at one bucket; a collision costs time and nothing else. */
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

static int index_ok(const pc_key_index *index) {
    if (!index || !index->keys || !index->lengths || !index->buckets || !index->sightings) return 0;
    const uint64_t buckets = (uint64_t)index->bucket_mask + 1, sightings = (uint64_t)index->sighting_mask + 1;
    if ((buckets & (buckets - 1)) || (sightings & (sightings - 1))) return 0;
    return buckets / 2 >= index->n_slots && index->stride <= UINT8_MAX; /* half of the buckets stay free: a search ends */
}

int pc_key_index_fill(const pc_key_index *index, uint32_t *buckets) {
    if (!index_ok(index) || buckets != index->buckets) return PC_ERR_ARGUMENT;
    memset(buckets, 0, ((size_t)index->bucket_mask + 1) * sizeof *buckets);
    for (uint32_t slot = 0; slot < index->n_slots; slot++) {
        if (index->lengths[slot] == 0) continue;
        if (index->lengths[slot] > index->stride) return PC_ERR_ARGUMENT;
        uint32_t at =
            (uint32_t)key_hash(index->seed, index->keys + slot * index->stride, index->lengths[slot]) & index->bucket_mask;
        while (buckets[at]) at = (at + 1) & index->bucket_mask;
        buckets[at] = slot + 1;
    }
    return PC_OK;
}

static uint32_t find(const pc_key_index *index, const uint8_t *key, size_t len, uint64_t hash) {
    for (uint32_t at = (uint32_t)hash & index->bucket_mask; index->buckets[at]; at = (at + 1) & index->bucket_mask) {
        const uint32_t slot = index->buckets[at] - 1;
        if (index->lengths[slot] == len && memcmp(index->keys + slot * index->stride, key, len) == 0) return slot;
    }
    return (uint32_t)PC_NO_SLOT;
}

int64_t pc_key_index_find(const pc_key_index *index, const pc_column *keys, size_t n, unsigned often, uint32_t *slots,
                          uint32_t *frequent, size_t room) {
    size_t found = 0;
    if (!index_ok(index) || (n && (!keys || !slots)) || n > UINT32_MAX || often > UINT8_MAX || (room && !frequent))
        return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const uint8_t *key = pc_column_row(keys, i, &len);
        slots[i] = (uint32_t)PC_NO_SLOT;
        if (len == 0 || len > index->stride) continue;
        const uint64_t hash = key_hash(index->seed, key, len);
        slots[i] = find(index, key, len, hash);
        if (slots[i] != (uint32_t)PC_NO_SLOT || often == 0) continue;
        /* Threads may lose each other's counts, which only delays a key. */
        uint8_t *count = &index->sightings[(uint32_t)(hash >> 32) & index->sighting_mask];
        const unsigned seen = __atomic_load_n(count, __ATOMIC_RELAXED) + 1u;
        const int take = seen >= often && found < room;
        if (take) frequent[found++] = (uint32_t)i;
        __atomic_store_n(count, (uint8_t)(take ? 0 : seen < often ? seen : often), __ATOMIC_RELAXED);
    }
    return (int64_t)found;
}
