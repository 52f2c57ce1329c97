/* protobuf.h - reads one field of a protobuf message: https://protobuf.dev/programming-guides/encoding.
 *
 * Accepted are the bytes that a parser accepts: upb, protobuf's own, or the one in Go; those that writers would have put
 * otherwise are flagged. */
#ifndef PC_WIRE_PROTOBUF_H
#define PC_WIRE_PROTOBUF_H
#include <string.h>

#include "../core/check.h"
#include "../pycore.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_END_GROUP = 4, WIRE_32 = 5 };
enum { NUMBER_BYTES = 10 };
enum { FIELD_NUMBER_MAX = (1 << 29) - 1 };

/* What readers do not agree on. */
typedef struct pc_reader {
    int most;        /* bytes of a tag or length */
    unsigned levels; /* of messages and groups below a record, or of groups in one message */
    int exact;       /* numbers of more than 64 bits, and field numbers that none has inside of groups, are faults */
} pc_reader;
enum { UPB_LEVELS = 100, GO_LEVELS = 10001 };
static const pc_reader UPB = {5, UPB_LEVELS, 0}, GO = {NUMBER_BYTES, GO_LEVELS, 1};

typedef struct pc_token {
    uint32_t number; /* of the field */
    unsigned wire, flags;
    const uint8_t *tag, *start, *end; /* the field begins at tag, its content is [start, end) */
    uint64_t value;                   /* of a number */
} pc_token;

/* The number at p; NULL when it does not end within `most` bytes or before `end`. Bits above 63 are dropped, or refused where
 * the reader is exact. */
PC_FN const uint8_t *pc_varint(const uint8_t *p, const uint8_t *end, int most, int exact, uint64_t *value, unsigned *flags) {
    uint64_t v = 0;
    if (p < end && *p < 0x80) {
        *value = *p;
        return p + 1;
    }
    for (int i = 0; i < most && p < end; i++) {
        const uint8_t byte = *p++;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        if (exact && i == 9 && byte > 1) return NULL;
        if (byte == 0 || (i == 9 && byte > 1)) *flags |= PC_SCAN_NOT_MINIMAL;
        *value = v;
        return p;
    }
    return NULL;
}

/* Why a number at `from` was not read: the bytes ended, or it has too many of them. */
PC_FN int pc_varint_fault(const uint8_t *from, const uint8_t *end, int most, int too_long) {
    return end - from < most ? PC_SCAN_TRUNCATED : too_long;
}

/* One field without its nesting: what stands behind its tag. */
PC_FN int pc_protobuf_value(const uint8_t **at, const uint8_t *end, const pc_reader *as, pc_token *t) {
    const uint8_t *p = *at;
    uint64_t length;
    uint32_t four;
    t->start = p;
    t->value = 0;
    switch (t->wire) {
    case WIRE_VARINT:
        if (!(p = pc_varint(p, end, NUMBER_BYTES, as->exact, &t->value, &t->flags)))
            return pc_varint_fault(t->start, end, NUMBER_BYTES, PC_SCAN_LONG_NUMBER);
        break;
    case WIRE_BYTES:
        if (!(p = pc_varint(p, end, as->most, as->exact, &length, &t->flags)))
            return pc_varint_fault(t->start, end, as->most, PC_SCAN_LONG_NUMBER);
        if (length > (uint64_t)(end - p)) return PC_SCAN_TRUNCATED;
        t->start = p;
        p += length;
        break;
    case WIRE_64:
        if (end - p < 8) return PC_SCAN_TRUNCATED;
        memcpy(&t->value, p, 8); /* little-endian, as every machine that this is built for */
        p += 8;
        break;
    case WIRE_32:
        if (end - p < 4) return PC_SCAN_TRUNCATED;
        memcpy(&four, p, 4);
        t->value = four;
        p += 4;
        break;
    default:
        return PC_SCAN_BAD_TAG;
    }
    t->end = *at = p;
    return PC_SCAN_SOUND;
}

PC_FN int pc_protobuf_tag(const uint8_t **at, const uint8_t *end, const pc_reader *as, pc_token *t) {
    uint64_t tag;
    t->tag = *at;
    t->flags = 0;
    const uint8_t *p = pc_varint(*at, end, as->most, as->exact, &tag, &t->flags);
    if (!p) return pc_varint_fault(*at, end, as->most, PC_SCAN_BAD_TAG);
    if (tag >> 3 > (as->exact ? INT32_MAX : FIELD_NUMBER_MAX)) return PC_SCAN_BAD_TAG;
    t->number = (uint32_t)(tag >> 3);
    t->wire = (unsigned)tag & 7;
    *at = p;
    return PC_SCAN_SOUND;
}

/* Goes behind the group whose start was read; `levels` may be open at once. A list of open groups in place of
 * recursion: the input must not choose how much stack it takes. */
PC_FN int pc_protobuf_skip_group(const uint8_t **at, const uint8_t *end, uint32_t number, const pc_reader *as,
                                 unsigned levels) {
    uint32_t open[GO_LEVELS];
    unsigned depth = 1;
    if (levels == 0) return PC_SCAN_BAD_GROUP;
    open[0] = number;
    while (depth) {
        pc_token t;
        int fault = pc_protobuf_tag(at, end, as, &t);
        if (fault) return fault;
        if (as->exact && t.number == 0) return PC_SCAN_BAD_TAG; /* upb does not look at numbers here */
        if (t.wire == WIRE_GROUP) {
            if (depth == levels) return PC_SCAN_BAD_GROUP;
            open[depth++] = t.number;
        } else if (t.wire == WIRE_END_GROUP) {
            if (open[--depth] != t.number) return PC_SCAN_BAD_GROUP;
        } else if ((fault = pc_protobuf_value(at, end, as, &t))) {
            return fault;
        }
    }
    return PC_SCAN_SOUND;
}

/* The field at *at, which moves behind it; groups may be `levels` deep, at most the reader's. */
PC_FN int pc_protobuf_next(const uint8_t **at, const uint8_t *end, const pc_reader *as, unsigned levels, pc_token *t) {
    int fault = pc_protobuf_tag(at, end, as, t);
    if (fault) return fault;
    if (t->number == 0 || t->number > FIELD_NUMBER_MAX) return PC_SCAN_BAD_TAG;
    if (t->wire == WIRE_END_GROUP) return PC_SCAN_BAD_GROUP;
    if (t->wire != WIRE_GROUP) return pc_protobuf_value(at, end, as, t);
    t->start = *at;
    t->value = 0;
    fault = pc_protobuf_skip_group(at, end, t->number, as, levels);
    t->end = *at;
    return fault;
}
#endif
