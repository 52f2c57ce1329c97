/* spans.c - what is done with the columns of a scan: pieces put together, grouped, compared. See pycore.h. */
#include <string.h>

#include "../core/arguments.h"
#include "siphash.h"

static int spans_ok(const pc_spans *in) {
    return in && in->n <= PC_MAX_ITEMS && (!in->n || (in->start && in->end)) && (!in->size || in->data);
}

/* Piece i and its length; NULL when it leaves the data. */
static const uint8_t *piece(const pc_spans *in, size_t i, size_t *len) {
    const int64_t start = in->start[i * in->stride], end = in->end[i * in->stride];
    *len = 0;
    if (start < 0 || end < start || (uint64_t)end > in->size) return NULL;
    *len = (size_t)(end - start);
    return in->size ? in->data + start : (const uint8_t *)"";
}

int64_t pc_spans_gather(const pc_spans *in, const uint32_t *rows, size_t n, uint8_t *out, int64_t *offsets) {
    if (!spans_ok(in) || !offsets || n > PC_MAX_ITEMS || (!rows && n > in->n)) return PC_ERR_ARGUMENT;
    int64_t at = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t k = rows ? rows[i] : i;
        size_t len;
        const uint8_t *from = k < in->n ? piece(in, k, &len) : NULL;
        if (!from || len > (size_t)(PTRDIFF_MAX - at)) return PC_ERR_ARGUMENT;
        if (out) memcpy(out + at, from, len);
        at += (int64_t)len;
        offsets[i + 1] = at;
    }
    return at;
}

int pc_spans_absorb(const pc_spans *in, pc_hash_stream *stream) {
    if (!spans_ok(in)) return PC_ERR_ARGUMENT;
    int result = PC_OK;
    for (size_t i = 0; i < in->n && result == PC_OK; i++) {
        size_t len;
        const uint8_t *from = piece(in, i, &len);
        result = from ? pc_hash_stream_update(stream, from, len) : PC_ERR_ARGUMENT;
    }
    return result;
}

/* ---- records without a field ---------------------------------------------------------------------------------------- */

static size_t varint_size(uint64_t v) {
    size_t n = 1;
    while (v >>= 7) n++;
    return n;
}

static uint8_t *put_varint(uint8_t *out, uint64_t v) {
    for (; v >= 0x80; v >>= 7) *out++ = (uint8_t)(v | 0x80);
    *out++ = (uint8_t)v;
    return out;
}

static uint8_t *put(uint8_t *out, const uint8_t *data, int64_t from, int64_t to) {
    memcpy(out, data + from, (size_t)(to - from));
    return out + (to - from);
}

/* Whether the cells of a row lie inside each other as a scan puts them. */
static int nested(const int64_t *cells, const uint32_t *around, uint32_t depth, uint32_t field) {
    int64_t low = cells[PC_ROW_START], high = cells[PC_ROW_END];
    for (uint32_t d = 0; d < depth; d++) {
        const int64_t start = cells[around[d]], end = cells[around[d] + 1];
        if (start <= low || end < start || end > high) return 0;
        if (start - low <= (int64_t)varint_size((uint64_t)(end - start))) return 0; /* no room for tag and length */
        low = start;
        high = end;
    }
    return cells[field + 2] >= low && cells[field + 1] > cells[field + 2] && cells[field + 1] <= high;
}

/* One record; the lengths of the messages around the field shrink, and a shorter length may take fewer bytes. */
static uint8_t *cut(const uint8_t *data, const int64_t *cells, const uint32_t *around, uint32_t depth, uint32_t field,
                    uint8_t *out) {
    int64_t length[PC_SCAN_DEPTH], from = cells[PC_ROW_START];
    const int64_t tag = cells[field + 2], end = cells[field + 1];
    int64_t less = end - tag;
    for (uint32_t d = depth; d--;) {
        const int64_t whole = cells[around[d] + 1] - cells[around[d]];
        length[d] = whole - less;
        less += (int64_t)varint_size((uint64_t)whole) - (int64_t)varint_size((uint64_t)length[d]);
    }
    for (uint32_t d = 0; d < depth; d++) {
        const int64_t start = cells[around[d]];
        const int64_t size = (int64_t)varint_size((uint64_t)(cells[around[d] + 1] - start));
        out = put_varint(put(out, data, from, start - size), (uint64_t)length[d]);
        from = start;
    }
    out = put(out, data, from, tag);
    return put(out, data, end, cells[PC_ROW_END]);
}

int64_t pc_spans_cut(const uint8_t *data, size_t size, const int64_t *cells, size_t width, size_t n, const uint32_t *around,
                     uint32_t depth, uint32_t field, uint8_t *out, int64_t *offsets) {
    if (n > PC_MAX_ITEMS || depth >= PC_SCAN_DEPTH || (depth && !around) || !offsets || !out) return PC_ERR_ARGUMENT;
    if (width > PC_SCAN_CELLS || field < PC_ROW_CELLS || field + 3 > width || (n && (!cells || !data)))
        return PC_ERR_ARGUMENT;
    for (uint32_t d = 0; d < depth; d++)
        if (around[d] < PC_ROW_CELLS || around[d] + 2 > width) return PC_ERR_ARGUMENT;
    uint8_t *p = out;
    offsets[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t *at = cells + i * width, start = at[PC_ROW_START], end = at[PC_ROW_END];
        if (start < 0 || end < start || (uint64_t)end > size) return PC_ERR_ARGUMENT;
        if (at[PC_ROW_FLAGS] & ~(int64_t)PC_SCAN_KEPT || at[PC_ROW_FAULT]) return PC_ERR_ARGUMENT;
        if (at[field + 1] == 0) { /* the tag of one that is there may stand at 0, its end not */
            p = put(p, data, start, end);
        } else {
            if (!nested(at, around, depth, field)) return PC_ERR_ARGUMENT;
            p = cut(data, at, around, depth, field, p);
        }
        offsets[i + 1] = p - out;
    }
    return p - out;
}

/* ---- groups --------------------------------------------------------------------------------------------------------- */

enum { NH_BYTES = 256 };
__extension__ typedef unsigned __int128 wide;

/* NH of a block (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999) with 64-bit words: two blocks have equal sums for one
 * key in 2^64. It shortens long pieces sixteenfold, in a quarter of the time that SipHash takes for them. */
static void nh(const uint8_t *key, const uint8_t *p, uint64_t sum[2]) {
    wide total = 0;
    for (size_t at = 0; at < NH_BYTES; at += 16)
        total += (wide)(pc_sip_load(p + at, 8) + pc_sip_load(key + at, 8)) *
                 (pc_sip_load(p + at + 8, 8) + pc_sip_load(key + at + 8, 8));
    sum[0] = (uint64_t)total;
    sum[1] = (uint64_t)(total >> 64);
}

/* SipHash of a short piece; of a long one, of the sums of its blocks, one after another, and what is left. */
static uint64_t keyed_hash(const uint8_t *key, const uint8_t *p, size_t len) {
    if (len < NH_BYTES) return pc_siphash13(key, p, len);
    uint64_t chain[3] = {len, 0, 0};
    uint8_t bytes[sizeof chain];
    for (; len >= NH_BYTES; p += NH_BYTES, len -= NH_BYTES) {
        nh(key + 16, p, chain + 1);
        memcpy(bytes, chain, sizeof chain);
        chain[0] = pc_siphash13(key, bytes, sizeof bytes);
    }
    chain[1] = pc_siphash13(key, p, len);
    memcpy(bytes, chain, sizeof chain);
    return pc_siphash13(key, bytes, 16);
}

int64_t pc_spans_group(const pc_spans *in, const uint8_t key[272], uint32_t *slots, size_t n_slots, uint32_t *groups,
                       uint32_t *firsts) {
    if (!spans_ok(in) || !key || !slots || (in->n && (!groups || !firsts)) || in->n > UINT32_MAX / 2) return PC_ERR_ARGUMENT;
    if (n_slots == 0 || n_slots & (n_slots - 1) || n_slots < in->n + in->n / 2) return PC_ERR_ARGUMENT;
    uint32_t count = 0;
    memset(slots, 0, n_slots * sizeof *slots); /* 0: free, else a group's number plus 1 */
    for (size_t i = 0; i < in->n; i++) {
        size_t len, other;
        const uint8_t *p = piece(in, i, &len);
        if (!p) return PC_ERR_ARGUMENT;
        size_t at = (size_t)keyed_hash(key, p, len) & (n_slots - 1);
        for (; slots[at]; at = (at + 1) & (n_slots - 1)) {
            const uint8_t *q = piece(in, firsts[slots[at] - 1], &other);
            if (other == len && memcmp(p, q, len) == 0) break;
        }
        if (!slots[at]) {
            firsts[count] = (uint32_t)i;
            slots[at] = ++count;
        }
        groups[i] = slots[at] - 1;
    }
    return count;
}

/* ---- marks ---------------------------------------------------------------------------------------------------------- */

int64_t pc_spans_having(const pc_spans *in, const uint64_t set[4], uint8_t *marks) {
    if (!spans_ok(in) || !set || (in->n && !marks)) return PC_ERR_ARGUMENT;
    uint8_t in_set[256];
    for (unsigned b = 0; b < 256; b++) in_set[b] = set[b >> 6] >> (b & 63) & 1;
    int64_t count = 0;
    for (size_t i = 0; i < in->n; i++) {
        size_t len;
        const uint8_t *p = piece(in, i, &len);
        if (!p) return PC_ERR_ARGUMENT;
        uint8_t has = 0;
        for (size_t k = 0; k < len; k++) has |= in_set[p[k]];
        marks[i] = has;
        count += marks[i];
    }
    return count;
}

int64_t pc_spans_equal(const pc_spans *in, const pc_spans *other, uint8_t *marks) {
    if (!spans_ok(in) || !spans_ok(other) || (in->n && !marks) || (other->n != in->n && other->n != 1))
        return PC_ERR_ARGUMENT;
    int64_t count = 0;
    for (size_t i = 0; i < in->n; i++) {
        size_t len, wanted;
        const uint8_t *p = piece(in, i, &len), *q = piece(other, other->n == 1 ? 0 : i, &wanted);
        if (!p || !q) return PC_ERR_ARGUMENT;
        marks[i] = len == wanted && memcmp(p, q, len) == 0;
        count += marks[i];
    }
    return count;
}
