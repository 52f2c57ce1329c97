/* spans.c - what is done with the columns of a scan: pieces put together, grouped, compared. See pycore.h. */
#include <string.h>

#include "../core/arguments.h"

static int spans_ok(const pc_spans *in) {
    return in && in->n <= PC_MAX_ITEMS && (!in->n || (in->start && in->end)) && (!in->size || in->data);
}

/* Piece i and its length; NULL when it leaves the data. */
static const uint8_t *piece(const pc_spans *in, size_t i, size_t *len) {
    const int64_t start = in->start[i * in->stride], end = in->end[i * in->stride];
    const int inside = start >= 0 && end >= start && (uint64_t)end <= in->size;
    *len = inside ? (size_t)(end - start) : 0;
    if (!inside) return NULL;
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
        if (end < start || end > high || start <= low + (int64_t)varint_size((uint64_t)(end - start))) return 0;
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
        if (start < 0 || end < start || (uint64_t)end > size || at[PC_ROW_FLAGS] & ~(int64_t)PC_SCAN_KEPT)
            return PC_ERR_ARGUMENT;
        if (at[field + 2] == 0) {
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

static uint64_t load(const uint8_t *p, size_t n) {
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word;
}

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void sip_round(uint64_t v[4]) {
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

enum { NH_BYTES = 256, KEY_BYTES = 16 + NH_BYTES };

/* NH of a block (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999) with 64-bit words: two blocks have equal sums for one
 * key in 2^64. Shortens long pieces sixteenfold in a quarter of the time that SipHash takes for them. */
static void nh(const uint8_t *key, const uint8_t *p, uint64_t sum[2]) {
    unsigned __int128 total = 0;
    for (size_t at = 0; at < NH_BYTES; at += 16)
        total += (unsigned __int128)(load(p + at, 8) + load(key + at, 8)) * (load(p + at + 8, 8) + load(key + at + 8, 8));
    sum[0] = (uint64_t)total;
    sum[1] = (uint64_t)(total >> 64);
}

static void absorb(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-1-3 (Aumasson and Bernstein 2012, with one round a word and three at the end) of the sums of whole blocks, what
 * is left, and the length. */
static uint64_t keyed_hash(const uint8_t *key, const uint8_t *p, size_t len) {
    const uint64_t k0 = load(key, 8), k1 = load(key + 8, 8), total = (uint64_t)len << 56;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    if (len >= NH_BYTES) absorb(v, (uint64_t)len);
    for (; len >= NH_BYTES; p += NH_BYTES, len -= NH_BYTES) {
        uint64_t sum[2];
        nh(key + 16, p, sum);
        absorb(v, sum[0]);
        absorb(v, sum[1]);
    }
    for (; len >= 8; p += 8, len -= 8) absorb(v, load(p, 8));
    absorb(v, load(p, len) | total);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
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
    int64_t count = 0;
    for (size_t i = 0; i < in->n; i++) {
        size_t len;
        const uint8_t *p = piece(in, i, &len);
        if (!p) return PC_ERR_ARGUMENT;
        uint64_t has = 0;
        for (size_t k = 0; k < len; k++) has |= set[p[k] >> 6] >> (p[k] & 63) & 1;
        marks[i] = (uint8_t)has;
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
