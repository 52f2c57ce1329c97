/* scan.c - walks records by a plan. See pycore.h; the reader of protobuf's fields is protobuf.h. */
#include "protobuf.h"
#include "utf8.h"
#include "walk.h"

static unsigned wire_type(int kind) {
    if (!is_number(kind)) return WIRE_BYTES;
    return kind == PC_SCAN_FIXED32 ? WIRE_32 : kind == PC_SCAN_FIXED64 ? WIRE_64 : WIRE_VARINT;
}

/* ---- values --------------------------------------------------------------------------------------------------------- */

/* RFC 3629. */
static int is_utf8(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
            p += 8;
        } else if (*p < 0x80) {
            p++;
        } else {
            const int n = pc_utf8_at(p, end);
            if (n == 0) return 0;
            p += n;
        }
    }
    return 1;
}

static int64_t number_of(int kind, uint64_t v) {
    switch (kind) {
    case PC_SCAN_UINT32:
        return (int64_t)(uint32_t)v;
    case PC_SCAN_INT32:
        return (int32_t)(uint32_t)v;
    case PC_SCAN_BOOL:
        return v != 0;
    case PC_SCAN_SINT32:
        return (int32_t)((uint32_t)v >> 1 ^ (0 - ((uint32_t)v & 1)));
    case PC_SCAN_SINT64:
        return (int64_t)(v >> 1 ^ (0 - (v & 1)));
    default:
        return (int64_t)v;
    }
}

/* Whether a varint has bits that a writer of this kind never sets. */
static int too_wide(int kind, uint64_t v) {
    switch (kind) {
    case PC_SCAN_UINT32:
    case PC_SCAN_SINT32:
        return v > UINT32_MAX;
    case PC_SCAN_INT32:
        return (uint64_t)(int64_t)(int32_t)(uint32_t)v != v; /* negative ones have all 64 bits */
    case PC_SCAN_BOOL:
        return v > 1;
    default:
        return 0;
    }
}

/* ---- the walk ------------------------------------------------------------------------------------------------------- */

/* The numbers of a packed field. */
static int take_packed(scan *s, const pc_scan_field *f, const pc_token *t, row in, unsigned *flags) {
    const unsigned wire = wire_type(f->kind);
    const uint8_t *p = t->start;
    pc_token one = {.number = f->number, .wire = wire};
    if (p == t->end) *flags |= PC_SCAN_DEFAULT;
    while (p < t->end) {
        one.flags = 0;
        const uint8_t *from = p;
        const int fault = pc_protobuf_value(&p, t->end, s->as, &one);
        if (fault) return stop(s, fault, from);
        *flags |= one.flags | (too_wide(f->kind, one.value) ? PC_SCAN_TOO_WIDE : 0);
        if (f->table >= 0) open_row(s, f->table, in.index).cells[PC_ROW_VALUE] = number_of(f->kind, one.value);
    }
    return PC_SCAN_SOUND;
}

static void take_number(scan *s, const pc_scan_field *f, const pc_token *t, row in, unsigned *flags) {
    const int64_t number = number_of(f->kind, t->value);
    if (too_wide(f->kind, t->value)) *flags |= PC_SCAN_TOO_WIDE;
    if (t->value == 0 && !(f->flags & (PC_SCAN_PRESENCE | PC_SCAN_REPEATED))) *flags |= PC_SCAN_DEFAULT;
    if (f->table >= 0) {
        open_row(s, f->table, in.index).cells[PC_ROW_VALUE] = number;
    } else if (f->cell >= 0) {
        in.cells[f->cell] = number;
        if (f->flags & PC_SCAN_TAGGED) {
            in.cells[f->cell + 1] = t->end - s->data;
            in.cells[f->cell + 2] = t->tag - s->data;
        }
    }
}

static int walk(scan *s, const pc_scan_message *m, const uint8_t *p, const uint8_t *end, row in, unsigned *flags);

/* Bytes, a string or a message. */
static int take_content(scan *s, const pc_scan_field *f, const pc_token *t, row in, unsigned *flags) {
    if (f->kind == PC_SCAN_STRING && !is_utf8(t->start, t->end)) return stop(s, PC_SCAN_NOT_UTF8, t->start);
    if (t->start == t->end && f->kind != PC_SCAN_MESSAGE && !(f->flags & (PC_SCAN_PRESENCE | PC_SCAN_REPEATED)))
        *flags |= PC_SCAN_DEFAULT;
    if (f->cell >= 0) {
        in.cells[f->cell] = t->start - s->data;
        in.cells[f->cell + 1] = t->end - s->data;
        if (f->flags & PC_SCAN_TAGGED) in.cells[f->cell + 2] = t->tag - s->data;
    }
    if (f->table >= 0) in = open_wide_row(s, f->table, in.index, t->number, t->start, t->end);
    if (f->kind != PC_SCAN_MESSAGE) return PC_SCAN_SOUND;
    unsigned inside = 0;
    if (!s->as->exact) s->levels--; /* Go counts the groups of each message by themselves */
    const int fault = walk(s, &s->plan->messages[f->message], t->start, t->end, in, &inside);
    if (!s->as->exact) s->levels++;
    if (f->table >= 0) {
        in.cells[PC_ROW_FLAGS] = inside;
        in.cells[PC_ROW_FAULT] = fault;
    }
    *flags |= inside;
    return fault;
}

/* Whether a tag has more bytes than it needs. */
static int tag_is_long(const pc_token *t) {
    const uint8_t *last = t->tag;
    for (uint64_t tag = (uint64_t)t->number << 3 | t->wire; tag >= 0x80; tag >>= 7) last++;
    return *last >= 0x80;
}

static int walk(scan *s, const pc_scan_message *m, const uint8_t *p, const uint8_t *end, row in, unsigned *all) {
    const pc_scan_field *fields = s->plan->fields + m->first;
    uint64_t seen = 0; /* bit per field */
    uint32_t last = 0, next = 0, oneofs = 0, strange = 0;
    unsigned flags = 0;
    int fault = PC_SCAN_SOUND;
    while (p < end) {
        pc_token t;
        if ((fault = pc_protobuf_next(&p, end, s->as, s->levels, &t))) {
            stop(s, fault, t.tag);
            break;
        }
        const pc_scan_field *f = find(fields, m->count, t.number, &next);
        const int repeated = f && f->flags & PC_SCAN_REPEATED, number = f && is_number(f->kind);
        const int packed = number && repeated && t.wire == WIRE_BYTES, singly = f && f->flags & PC_SCAN_SINGLY;
        if (!f || (wire_type(f->kind) != t.wire && !packed)) { /* writers keep its bytes, minimal or not; Go not the tag */
            if (s->as->exact && tag_is_long(&t)) flags |= PC_SCAN_NOT_MINIMAL;
            flags |= PC_SCAN_UNKNOWN | (f ? PC_SCAN_WIRE_TYPE : 0) | (t.wire == WIRE_GROUP ? PC_SCAN_IN_GROUP : 0);
            strange = 1;
            continue;
        }
        const uint64_t bit = (uint64_t)1 << (f - fields);
        flags |= t.flags;
        if (t.number < last || strange) flags |= PC_SCAN_UNORDERED;
        if (seen & bit && (packed || !repeated)) flags |= PC_SCAN_TWICE;
        if (number && repeated && packed == singly) flags |= PC_SCAN_PACKING;
        if (f->oneof) {
            if (oneofs >> f->oneof & 1 && !(seen & bit)) flags |= PC_SCAN_TWO_OF_ONE;
            oneofs |= (uint32_t)1 << f->oneof;
        }
        seen |= bit;
        last = t.number;
        if (packed) {
            fault = take_packed(s, f, &t, in, &flags);
        } else if (number) {
            take_number(s, f, &t, in, &flags);
        } else {
            fault = take_content(s, f, &t, in, &flags);
        }
        if (fault) {
            s->fault.path[s->fault.depth++] = t.number;
            break;
        }
    }
    *all |= flags;
    return fault;
}

static int walk_record(scan *s, const uint8_t *p, const uint8_t *end, row in, unsigned *flags) {
    s->as = &UPB;
    s->levels = UPB_LEVELS;
    return walk(s, &s->plan->messages[0], p, end, in, flags);
}

static int walk_as_go(scan *s, const uint8_t *p, const uint8_t *end, row in, unsigned *flags) {
    s->as = &GO;
    s->levels = GO_LEVELS;
    return walk(s, &s->plan->messages[0], p, end, in, flags);
}

int64_t pc_scan_records(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault) {
    return pc_walk_records(plan, records, tables, fault, walk_record);
}

int64_t pc_scan_go(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault) {
    return pc_walk_records(plan, records, tables, fault, walk_as_go);
}
