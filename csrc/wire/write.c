/* write.c - records written from columns: what a scan found, in the order and the notation in which it is hashed. See pycore.h. */
#include <string.h>

#include "../core/arguments.h"
#include "utf8.h"

static const char HEX_DIGITS[] = "0123456789abcdef";
static const char BASE64_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- JSON strings --------------------------------------------------------------------------------------------------- */

/* Bytes with a bit of 0x80 in every byte of x that is zero or has it set already; never none where one is zero. */
static uint64_t zero_bytes(uint64_t x) { return (x - 0x0101010101010101u) | x; }

/* Whether each of eight bytes is ASCII that stands for itself; "no" may be said of some for which that is not so. */
static int are_plain(uint64_t eight) {
    const uint64_t ones = 0x0101010101010101u, low = 0x2020202020202020u;
    uint64_t odd = zero_bytes(eight ^ (ones * '"')) | zero_bytes(eight ^ (ones * '\\')) | zero_bytes(eight ^ (ones * '<')) |
                   zero_bytes(eight ^ (ones * '>')) | zero_bytes(eight ^ (ones * '&'));
    odd |= (eight - low) | eight; /* below 0x20, or not ASCII */
    return (odd & (ones * 0x80)) == 0;
}

/* What stands for the character at *p, which is passed: 1 to 6 bytes in `to`. */
static size_t json_character(const uint8_t **p, const uint8_t *end, int short_names, uint8_t to[6]) {
    const uint8_t c = **p;
    if (c >= 0x80) {
        const int n = pc_utf8_at(*p, end);
        const uint8_t *from = *p;
        *p += n ? n : 1;
        if (n == 0) return memcpy(to, "\\ufffd", 6), 6;
        if (n == 3 && from[0] == 0xe2 && from[1] == 0x80 && (from[2] & 0xfe) == 0xa8) {
            memcpy(to, from[2] & 1 ? "\\u2029" : "\\u2028", 6);
            return 6;
        }
        return memcpy(to, from, (size_t)n), (size_t)n;
    }
    ++*p;
    static const char named[] = "\"\\\n\r\t\b\f", names[] = "\"\\nrtbf";
    const char *found = c ? memchr(named, c, short_names ? 7 : 5) : NULL;
    if (found) return to[0] = '\\', to[1] = (uint8_t)names[found - named], 2;
    if (c >= 0x20 && c != '<' && c != '>' && c != '&') return to[0] = c, 1;
    memcpy(to, "\\u00", 4);
    to[4] = (uint8_t)HEX_DIGITS[c >> 4];
    to[5] = (uint8_t)HEX_DIGITS[c & 15];
    return 6;
}

static size_t json_size(const uint8_t *p, size_t len, int short_names) {
    const uint8_t *end = p + len;
    uint8_t to[6];
    size_t size = 2;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), are_plain(eight))) {
            p += 8;
            size += 8;
        } else {
            size += json_character(&p, end, short_names, to);
        }
    }
    return size;
}

/* As many bytes as json_size has said, unless the text has changed since: then `room` is not passed. NULL: it was too little. */
static uint8_t *json_put(uint8_t *out, const uint8_t *room, const uint8_t *p, size_t len, int short_names) {
    const uint8_t *end = p + len;
    uint8_t to[6];
    if (room - out < 2) return NULL;
    *out++ = '"';
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && room - out >= 8 && (memcpy(&eight, p, 8), are_plain(eight))) {
            memcpy(out, &eight, 8);
            p += 8;
            out += 8;
        } else {
            const size_t n = json_character(&p, end, short_names, to);
            if ((size_t)(room - out) < n) return NULL;
            memcpy(out, to, n);
            out += n;
        }
    }
    if (out == room) return NULL;
    *out++ = '"';
    return out;
}

/* ---- other notations ------------------------------------------------------------------------------------------------ */

static uint8_t *put_endian(uint8_t *out, uint64_t v, int size, int big) {
    for (int i = 0; i < size; i++) out[i] = (uint8_t)(v >> 8 * (big ? size - 1 - i : i));
    return out + size;
}

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

static size_t decimal_size(int64_t v) {
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t n = 1 + (v < 0);
    while (u >= 10) u /= 10, n++;
    return n;
}

static uint8_t *put_decimal(uint8_t *out, int64_t v) {
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    uint8_t *end = out + decimal_size(v), *p = end;
    do *--p = (uint8_t)('0' + u % 10);
    while (u /= 10);
    if (v < 0) *--p = '-';
    return end;
}

static uint8_t *put_hex(uint8_t *out, const uint8_t *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        *out++ = (uint8_t)HEX_DIGITS[p[i] >> 4];
        *out++ = (uint8_t)HEX_DIGITS[p[i] & 15];
    }
    return out;
}

static uint8_t *put_base64(uint8_t *out, const uint8_t *p, size_t len) {
    for (; len >= 3; p += 3, len -= 3) {
        const unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
        for (int i = 0; i < 4; i++) *out++ = (uint8_t)BASE64_DIGITS[v >> (18 - 6 * i) & 63];
    }
    if (len) {
        const unsigned v = (unsigned)p[0] << 16 | (len > 1 ? (unsigned)p[1] << 8 : 0);
        *out++ = (uint8_t)BASE64_DIGITS[v >> 18];
        *out++ = (uint8_t)BASE64_DIGITS[v >> 12 & 63];
        *out++ = len > 1 ? (uint8_t)BASE64_DIGITS[v >> 6 & 63] : '=';
        *out++ = '=';
    }
    return out;
}

/* ---- pieces --------------------------------------------------------------------------------------------------------- */

typedef struct one_piece {
    int kind;
    int64_t a;
    const uint8_t *p; /* its bytes, of a kind that has them */
    size_t len;
} one_piece;

static int is_number(uint32_t kind) { return kind >= PC_WRITE_BE32 && kind <= PC_WRITE_VARINT; }

/* The piece that a part is in a row; 0 when it leaves its bytes. */
static int piece_at(const pc_writing *in, const pc_write_part *part, size_t row, one_piece *one) {
    *one = (one_piece){(int)part->kind, 0, (const uint8_t *)"", 0};
    if (part->kind == PC_WRITE_LITERAL) {
        one->len = part->size;
        if (one->len) one->p = part->text;
        return 1;
    }
    const int64_t a = part->a[row * part->stride];
    one->a = a;
    if (is_number(part->kind)) return 1;
    const int64_t b = part->b[row * part->stride];
    if (a < 0 || b < a || (uint64_t)b > in->size) return 0;
    one->len = (size_t)(b - a);
    if (one->len) one->p = in->data + a;
    return 1;
}

static size_t size_of(const one_piece *one) {
    const size_t len = one->len;
    switch (one->kind) {
    case PC_WRITE_BE32:
    case PC_WRITE_LE32:
        return 4;
    case PC_WRITE_BE64:
    case PC_WRITE_LE64:
        return 8;
    case PC_WRITE_DECIMAL:
        return decimal_size(one->a);
    case PC_WRITE_VARINT:
        return varint_size((uint64_t)one->a);
    case PC_WRITE_BE64_SIZED:
        return 8 + len;
    case PC_WRITE_VARINT_SIZED:
        return varint_size(len) + len;
    case PC_WRITE_HEX:
        return 2 * len;
    case PC_WRITE_BASE64:
        return (len + 2) / 3 * 4;
    case PC_WRITE_JSON_BASE64:
        return (len + 2) / 3 * 4 + 2;
    case PC_WRITE_JSON:
    case PC_WRITE_JSON_BF:
        return json_size(one->p, len, one->kind == PC_WRITE_JSON_BF);
    default:
        return len;
    }
}

static uint64_t reversed(uint64_t v) {
    v = (v & 0x00ff00ff00ff00ffu) << 8 | (v >> 8 & 0x00ff00ff00ff00ffu);
    v = (v & 0x0000ffff0000ffffu) << 16 | (v >> 16 & 0x0000ffff0000ffffu);
    return v << 32 | v >> 32;
}

/* 8 bytes, big endian: most pieces are or begin with such a number. */
static uint8_t *put_be64(uint8_t *out, uint64_t v) {
    const uint16_t one = 1;
    uint8_t low;
    memcpy(&low, &one, 1);
    if (low) v = reversed(v);
    memcpy(out, &v, 8);
    return out + 8;
}

/* Bytes, by words where there is room behind them. */
static uint8_t *put_bytes(uint8_t *out, const uint8_t *room, const uint8_t *p, size_t len, const uint8_t *end) {
    if (len <= 32 && room - out >= 32 && end - p >= 32)
        memcpy(out, p, 32);
    else
        memcpy(out, p, len);
    return out + len;
}

/* Its bytes at out; NULL when they do not fit before `room`. */
static uint8_t *put_piece(const one_piece *one, uint8_t *out, const uint8_t *room) {
    const size_t len = one->len;
    const uint64_t v = (uint64_t)one->a;
    if (one->kind == PC_WRITE_JSON || one->kind == PC_WRITE_JSON_BF)
        return json_put(out, room, one->p, len, one->kind == PC_WRITE_JSON_BF);
    if (size_of(one) > (size_t)(room - out)) return NULL;
    switch (one->kind) {
    case PC_WRITE_BE32:
        return put_endian(out, v, 4, 1);
    case PC_WRITE_BE64:
        return put_be64(out, v);
    case PC_WRITE_LE32:
        return put_endian(out, v, 4, 0);
    case PC_WRITE_LE64:
        return put_endian(out, v, 8, 0);
    case PC_WRITE_DECIMAL:
        return put_decimal(out, one->a);
    case PC_WRITE_VARINT:
        return put_varint(out, v);
    case PC_WRITE_HEX:
        return put_hex(out, one->p, len);
    case PC_WRITE_BASE64:
        return put_base64(out, one->p, len);
    case PC_WRITE_JSON_BASE64:
        *out = '"';
        out = put_base64(out + 1, one->p, len);
        *out = '"';
        return out + 1;
    case PC_WRITE_BE64_SIZED:
        out = put_be64(out, len);
        break;
    case PC_WRITE_VARINT_SIZED:
        out = put_varint(out, len);
        break;
    }
    memcpy(out, one->p, len);
    return out + len;
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

/* One call: where it is in each table, and the piece of the output that is being measured or written. */
typedef struct walk {
    const pc_writing *in;
    size_t next[PC_WRITE_TABLES]; /* the first row that is not written yet; NOWHERE: it is to be looked for */
    size_t total, before;
    int64_t *sizes;
    const int64_t *offsets;
    uint8_t *out;
    size_t out_size;
} walk;

#define NOWHERE SIZE_MAX

static int part_ok(const pc_writing *in, size_t table, const pc_write_part *part, uint8_t *named) {
    switch (part->kind) {
    case PC_WRITE_LITERAL:
        return !part->size || (part->text && part->size <= PTRDIFF_MAX / 8);
    case PC_WRITE_SPLIT:
        return table == 0 && !part->where;
    case PC_WRITE_ROWS:
    case PC_WRITE_BE64_ROWS: /* every table within one that stands before it, and once: a tree */
        if (part->table <= table || part->table >= in->count || named[part->table]++ || part->where) return 0;
        return part->a || !in->tables[part->table].n;
    default:
        return part->kind < PC_WRITE_SPLIT && (!in->tables[table].n || (part->a && (is_number(part->kind) || part->b)));
    }
}

/* The pieces of the output that each record is; 0 where nothing of this can be written. */
static size_t opened(walk *at, const pc_writing *in, size_t first, size_t n) {
    if (!in || !in->tables || !in->count || in->count > PC_WRITE_TABLES) return 0;
    if (in->size > PTRDIFF_MAX / 8 || (in->size && !in->data)) return 0; /* a byte becomes six at most */
    if (first > in->tables[0].n || n > in->tables[0].n - first) return 0;
    uint8_t named[PC_WRITE_TABLES] = {0};
    size_t pieces = 1;
    for (size_t t = 0; t < in->count; t++) {
        const pc_write_table *table = &in->tables[t];
        if (table->n > PC_MAX_ITEMS || table->count > PC_WRITE_PARTS || (table->count && !table->parts)) return 0;
        for (size_t i = 0; i < table->count; i++) {
            if (!part_ok(in, t, &table->parts[i], named)) return 0;
            pieces += table->parts[i].kind == PC_WRITE_SPLIT;
        }
        at->next[t] = first ? NOWHERE : 0;
    }
    at->in = in;
    at->total = at->before = 0;
    return pieces;
}

/* The rows *from up to the result belong to a row of the table around them; NOWHERE when parents do not ascend. */
static size_t rows_of(walk *at, const pc_write_part *part, size_t row, size_t *from) {
    const size_t n = at->in->tables[part->table].n;
    size_t *next = &at->next[part->table];
    if (*next == NOWHERE) {
        size_t low = 0, high = n;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (part->a[middle * part->stride] < (int64_t)row)
                low = middle + 1;
            else
                high = middle;
        }
        *next = low;
    }
    size_t end = *from = *next;
    while (end < n && part->a[end * part->stride] == (int64_t)row) end++;
    if (end < n && part->a[end * part->stride] < (int64_t)row) return NOWHERE;
    return *next = end;
}

/* Whether, behind the last record, no row of a table is left over. */
static int all_written(const walk *at, size_t end) {
    if (end != at->in->tables[0].n) return 1;
    for (size_t t = 1; t < at->in->count; t++)
        if (at->next[t] != NOWHERE && at->next[t] != at->in->tables[t].n) return 0;
    return 1;
}

static int measure_row(walk *at, const pc_write_table *table, size_t row) {
    one_piece one;
    for (size_t k = 0; k < table->count; k++) {
        const pc_write_part *part = &table->parts[k];
        if (part->where && !part->where[row]) continue;
        size_t size = 0;
        if (part->kind < PC_WRITE_SPLIT) {
            if (!piece_at(at->in, part, row, &one)) return 0;
            size = size_of(&one);
        } else if (part->kind == PC_WRITE_SPLIT) {
            *at->sizes++ = (int64_t)(at->total - at->before);
            at->before = at->total;
        } else {
            size_t from;
            const size_t to = rows_of(at, part, row, &from);
            if (to == NOWHERE) return 0;
            size = part->kind == PC_WRITE_BE64_ROWS ? 8 : 0;
            for (; from < to; from++)
                if (!measure_row(at, &at->in->tables[part->table], from)) return 0;
        }
        if (size > (size_t)PTRDIFF_MAX - at->total) return 0;
        at->total += size;
    }
    return 1;
}

/* The next piece of the output: p has to be where it begins. Returns its end, NULL when it is not in `out`. */
static uint8_t *next_room(walk *at, const uint8_t *p) {
    const int64_t begin = *at->offsets++, end = *at->offsets;
    if (begin < 0 || end < begin || (uint64_t)end > at->out_size || p != at->out + begin) return NULL;
    return at->out + end;
}

/* Behind what was written at p; NULL when it does not fit. */
static uint8_t *write_row(walk *at, const pc_write_table *table, size_t row, uint8_t *p, uint8_t **room) {
    const pc_writing *in = at->in;
    one_piece one;
    for (size_t k = 0; k < table->count; k++) {
        const pc_write_part *part = &table->parts[k];
        if (part->where && !part->where[row]) continue;
        const uint32_t kind = part->kind;
        if (kind == PC_WRITE_BE64 && *room - p >= 8) { /* three kinds are by far the most frequent ones */
            p = put_be64(p, (uint64_t)part->a[row * part->stride]);
        } else if (kind < PC_WRITE_SPLIT) {
            if (!piece_at(in, part, row, &one)) return NULL;
            if ((kind == PC_WRITE_BE64_SIZED || kind == PC_WRITE_BYTES) && one.len && one.len + 8 <= (size_t)(*room - p)) {
                if (kind == PC_WRITE_BE64_SIZED) p = put_be64(p, one.len);
                p = put_bytes(p, *room, one.p, one.len, in->data + in->size);
            } else if (!(p = put_piece(&one, p, *room))) {
                return NULL;
            }
        } else if (kind == PC_WRITE_SPLIT) {
            if (p != *room || !(*room = next_room(at, p))) return NULL;
        } else {
            size_t from;
            const size_t to = rows_of(at, part, row, &from);
            if (to == NOWHERE) return NULL;
            if (kind == PC_WRITE_BE64_ROWS) {
                if (*room - p < 8) return NULL;
                p = put_be64(p, to - from);
            }
            for (; from < to; from++)
                if (!(p = write_row(at, &in->tables[part->table], from, p, room))) return NULL;
        }
    }
    return p;
}

int64_t pc_write_sizes(const pc_writing *writing, size_t first, size_t n, int64_t *sizes) {
    walk at;
    if ((n && !sizes) || !opened(&at, writing, first, n)) return PC_ERR_ARGUMENT;
    at.sizes = sizes;
    for (size_t row = first; row < first + n; row++) {
        if (!measure_row(&at, writing->tables, row)) return PC_ERR_ARGUMENT;
        *at.sizes++ = (int64_t)(at.total - at.before);
        at.before = at.total;
    }
    return all_written(&at, first + n) ? (int64_t)at.total : PC_ERR_ARGUMENT;
}

int64_t pc_write_records(const pc_writing *writing, size_t first, size_t n, const int64_t *offsets, uint8_t *out,
                         size_t out_size) {
    walk at;
    if ((n && !offsets) || (out_size && !out) || !opened(&at, writing, first, n)) return PC_ERR_ARGUMENT;
    if (!n) return 0;
    uint8_t nothing[1];
    at.offsets = offsets;
    at.out = out_size ? out : nothing;
    at.out_size = out_size;
    if (offsets[0] < 0 || (uint64_t)offsets[0] > out_size) return PC_ERR_ARGUMENT;
    uint8_t *const begin = at.out + offsets[0], *p = begin;
    for (size_t row = first; row < first + n; row++) {
        uint8_t *room = next_room(&at, p);
        if (!room || !(p = write_row(&at, writing->tables, row, p, &room)) || p != room) return PC_ERR_ARGUMENT;
    }
    return all_written(&at, first + n) ? p - begin : PC_ERR_ARGUMENT;
}
