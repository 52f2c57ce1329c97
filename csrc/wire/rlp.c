/* rlp.c - lists of RLP items to columns, and columns to lists. See pycore.h.
 *
 * RLP (Ethereum Yellow Paper, appendix B) has one encoding for each item, and only that one is read here. A call goes one
 * level down, so whoever calls chooses the depth, and the input chooses no stack. */
#include <string.h>

#include "../core/arguments.h"

typedef struct rlp_item {
    const uint8_t *item, *start, *end; /* the header begins at item, the content is [start, end) */
    int list;
} rlp_item;

/* The item at p, which is below end. */
static int read_item(const uint8_t *p, const uint8_t *end, rlp_item *out) {
    const unsigned head = *p;
    uint64_t size = 0;
    out->item = p;
    out->list = head >= 0xc0;
    if (head < 0x80) {
        out->start = p;
        out->end = p + 1;
        return PC_RLP_SOUND;
    }
    const unsigned base = out->list ? 0xc0 : 0x80, small = head - base;
    p++;
    if (small < 56) {
        size = small;
    } else {
        const unsigned width = small - 55;
        if ((size_t)(end - p) < width) return PC_RLP_TRUNCATED;
        if (*p == 0) return PC_RLP_NOT_SHORTEST;
        for (unsigned i = 0; i < width; i++) size = size << 8 | p[i];
        if (size < 56) return PC_RLP_NOT_SHORTEST;
        p += width;
    }
    if (size > (uint64_t)(end - p)) return PC_RLP_TRUNCATED;
    if (size == 1 && !out->list && *p < 0x80) return PC_RLP_NOT_SHORTEST;
    out->start = p;
    out->end = p + size;
    return PC_RLP_SOUND;
}

static int pieces_ok(const pc_spans *in) {
    return in && in->n <= PC_MAX_ITEMS && (!in->n || (in->start && in->end)) && (!in->size || in->data);
}

static int piece_at(const pc_spans *in, size_t i, int64_t *start, int64_t *end) {
    *start = in->start[i * in->stride];
    *end = in->end[i * in->stride];
    return *start >= 0 && *end >= *start && (uint64_t)*end <= in->size;
}

int64_t pc_rlp_items(const pc_spans *pieces, size_t most, int64_t *cells, size_t capacity, int64_t *firsts,
                     uint8_t *faults) {
    if (!pieces_ok(pieces) || !firsts || (pieces->n && !faults) || (capacity && !cells)) return PC_ERR_ARGUMENT;
    const uint8_t *data = pieces->size ? pieces->data : (const uint8_t *)"";
    size_t rows = 0;
    firsts[0] = 0;
    for (size_t i = 0; i < pieces->n; i++) {
        int64_t from, to;
        const size_t before = rows;
        if (!piece_at(pieces, i, &from, &to)) return PC_ERR_ARGUMENT;
        const uint8_t *p = data + from, *end = data + to;
        int fault = PC_RLP_SOUND;
        for (rlp_item one; p < end && !fault; p = one.end) {
            if ((fault = rows - before == most ? PC_RLP_TOO_MANY : read_item(p, end, &one))) break;
            if (rows < capacity) {
                int64_t *row = cells + rows * PC_RLP_CELLS;
                row[PC_RLP_PARENT] = (int64_t)i;
                row[PC_RLP_START] = one.start - data;
                row[PC_RLP_END] = one.end - data;
                row[PC_RLP_ITEM] = one.item - data;
                row[PC_RLP_LIST] = one.list;
            }
            rows++;
        }
        if (fault) rows = before;
        faults[i] = (uint8_t)fault;
        firsts[i + 1] = (int64_t)rows;
    }
    return (int64_t)rows;
}

/* ---- columns to lists ------------------------------------------------------------------------------------------------ */

static size_t header_size(uint64_t size) {
    size_t n = 1;
    if (size < 56) return n;
    for (; size; size >>= 8) n++;
    return n;
}

static uint8_t *put_header(uint8_t *out, uint64_t size) {
    if (size < 56) {
        *out++ = (uint8_t)(0xc0 + size);
        return out;
    }
    const size_t width = header_size(size) - 1;
    *out++ = (uint8_t)(0xf7 + width);
    for (size_t i = width; i--;) *out++ = (uint8_t)(size >> (8 * i));
    return out;
}

int64_t pc_rlp_lists(const pc_spans *heads, const pc_spans *pieces, const pc_spans *tails, uint8_t *out, int64_t *offsets) {
    if (!pieces_ok(pieces) || !pieces_ok(heads) || !pieces_ok(tails) || !offsets) return PC_ERR_ARGUMENT;
    if ((heads->n != 1 && heads->n != pieces->n) || (tails->n != 1 && tails->n != pieces->n)) return PC_ERR_ARGUMENT;
    int64_t at = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < pieces->n; i++) {
        int64_t head, head_end, from, to, tail, tail_end;
        if (!piece_at(heads, heads->n == 1 ? 0 : i, &head, &head_end) || !piece_at(pieces, i, &from, &to) ||
            !piece_at(tails, tails->n == 1 ? 0 : i, &tail, &tail_end))
            return PC_ERR_ARGUMENT;
        const uint64_t inside = (uint64_t)(to - from) + (uint64_t)(tail_end - tail);
        const uint64_t whole = (uint64_t)(head_end - head) + header_size(inside) + inside;
        if (inside > PTRDIFF_MAX / 4 || whole > (uint64_t)(PTRDIFF_MAX - at)) return PC_ERR_ARGUMENT;
        if (out) {
            uint8_t *p = out + at;
            if (head_end > head) memcpy(p, heads->data + head, (size_t)(head_end - head));
            p = put_header(p + (head_end - head), inside);
            if (to > from) memcpy(p, pieces->data + from, (size_t)(to - from));
            if (tail_end > tail) memcpy(p + (to - from), tails->data + tail, (size_t)(tail_end - tail));
        }
        at += (int64_t)whole;
        offsets[i + 1] = at;
    }
    return at;
}
