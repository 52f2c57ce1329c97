/* scan.c - walks records by a plan. See pycore.h; the reader of protobuf's fields is protobuf.h. */
#include "../core/arguments.h"
#include "protobuf.h"
#include "utf8.h"

typedef struct scan {
    const pc_scan_plan *plan;
    pc_scan_table *tables;
    const uint8_t *data;
    pc_scan_fault fault;
    unsigned levels;               /* that messages and groups may still go down */
    size_t before[PC_SCAN_TABLES]; /* rows of each table when the record began */
    int64_t unkept[PC_SCAN_CELLS]; /* written in place of a row that does not fit */
} scan;

typedef struct row {
    int64_t *cells;
    int64_t index;
} row;

static int is_number(int kind) { return kind > PC_SCAN_MESSAGE; }

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

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static row open_row(scan *s, int table, int64_t parent) {
    pc_scan_table *t = &s->tables[table];
    row made = {s->unkept, (int64_t)t->rows};
    if (t->rows < t->capacity) made.cells = t->cells + t->rows * s->plan->widths[table];
    t->rows++;
    made.cells[PC_ROW_PARENT] = parent;
    return made;
}

static row open_wide_row(scan *s, int table, int64_t parent, uint32_t number, const uint8_t *start, const uint8_t *end) {
    row made = open_row(s, table, parent);
    if (made.cells == s->unkept) return made; /* nobody reads it */
    memset(made.cells + 1, 0, (s->plan->widths[table] - 1) * sizeof *made.cells);
    made.cells[PC_ROW_START] = start - s->data;
    made.cells[PC_ROW_END] = end - s->data;
    made.cells[PC_ROW_NUMBER] = number;
    return made;
}

/* The end of a record: rows of a table that it has too many of are taken back. */
static unsigned settle(scan *s) {
    unsigned flags = 0;
    for (uint32_t i = 1; i < s->plan->n_tables; i++) {
        pc_scan_table *t = &s->tables[i];
        if (t->rows - s->before[i] <= t->most) continue;
        for (uint32_t k = 1; k < s->plan->n_tables; k++) s->tables[k].rows = s->before[k]; /* they may name its rows */
        flags = PC_SCAN_OVERFLOW;
        break;
    }
    return flags;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------- */

static int stop(scan *s, int code, const uint8_t *at) {
    s->fault.code = code;
    s->fault.offset = at - s->data;
    s->fault.depth = 0;
    return code;
}

/* The numbers of a packed field. */
static int take_packed(scan *s, const pc_scan_field *f, const pc_token *t, row in, unsigned *flags) {
    const unsigned wire = wire_type(f->kind);
    const uint8_t *p = t->start;
    pc_token one = {.number = f->number, .wire = wire};
    if (p == t->end) *flags |= PC_SCAN_DEFAULT;
    while (p < t->end) {
        one.flags = 0;
        const uint8_t *from = p;
        const int fault = pc_protobuf_value(&p, t->end, &one);
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
    s->levels--;
    const int fault = walk(s, &s->plan->messages[f->message], t->start, t->end, in, &inside);
    s->levels++;
    if (f->table >= 0) {
        in.cells[PC_ROW_FLAGS] = inside;
        in.cells[PC_ROW_FAULT] = fault;
    }
    *flags |= inside;
    return fault;
}

/* The field with a number, or NULL. Writers put fields in order, so it is mostly the one at `next` or shortly behind; the
 * others are searched by halves, or unknown numbers would cost as much as a message has fields. */
static const pc_scan_field *find(const pc_scan_field *first, uint32_t count, uint32_t number, uint32_t *next) {
    uint32_t k = *next;
    for (const uint32_t near = k + 4; k < count && k < near && first[k].number < number;) k++;
    if (k == count || first[k].number != number) {
        k = 0;
        for (uint32_t n = count, half; n > 1; n -= half) {
            half = n / 2;
            k += first[k + half].number <= number ? half : 0;
        }
        if (count == 0 || first[k].number != number) return NULL;
    }
    *next = k;
    return &first[k];
}

static int walk(scan *s, const pc_scan_message *m, const uint8_t *p, const uint8_t *end, row in, unsigned *all) {
    const pc_scan_field *fields = s->plan->fields + m->first;
    uint64_t seen = 0; /* bit per field */
    uint32_t last = 0, next = 0, oneofs = 0, strange = 0;
    unsigned flags = 0;
    int fault = PC_SCAN_SOUND;
    while (p < end) {
        pc_token t;
        if ((fault = pc_protobuf_next(&p, end, s->levels, &t))) {
            stop(s, fault, t.tag);
            break;
        }
        const pc_scan_field *f = find(fields, m->count, t.number, &next);
        const int repeated = f && f->flags & PC_SCAN_REPEATED, number = f && is_number(f->kind);
        const int packed = number && repeated && t.wire == WIRE_BYTES, singly = f && f->flags & PC_SCAN_SINGLY;
        if (!f || (wire_type(f->kind) != t.wire && !packed)) { /* writers keep its bytes, minimal or not */
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

/* ---- the plan ------------------------------------------------------------------------------------------------------- */

/* Whether a field fits where it says; `tables`: those into whose rows its message may write, a bit each. */
static int field_ok(const pc_scan_plan *plan, const pc_scan_field *f, uint32_t tables) {
    const int number = is_number(f->kind);
    const int cells = (number ? 1 : 2) + (f->flags & PC_SCAN_TAGGED ? (number ? 2 : 1) : 0);
    if (f->number == 0 || f->kind > PC_SCAN_FIXED64 || f->oneof < 0 || f->oneof > 31) return 0;
    if (f->table < -1 || f->table == 0 || f->table >= (int)plan->n_tables || f->cell < -1) return 0;
    if (f->table > 0 && number != (plan->widths[f->table] == 2)) return 0;
    if (f->cell < 0) return 1;
    if (f->cell < PC_ROW_CELLS) return 0;
    for (uint32_t t = 0; t < plan->n_tables; t++)
        if (tables >> t & 1 && f->cell + cells > (int)plan->widths[t]) return 0;
    return 1;
}

/* Whether the plan can be followed without looking: what it names exists, and messages only name later ones, so that
 * the input never chooses the depth. */
static int plan_ok(const pc_scan_plan *plan) {
    unsigned depth[PC_SCAN_MESSAGES] = {0}; /* on the longest way to a message */
    uint32_t tables[PC_SCAN_MESSAGES] = {1};
    if (!plan || !plan->fields || !plan->messages || !plan->widths) return 0;
    if (plan->n_messages - 1 >= PC_SCAN_MESSAGES || plan->n_tables - 1 >= PC_SCAN_TABLES) return 0;
    for (uint32_t t = 0; t < plan->n_tables; t++) {
        const uint32_t width = plan->widths[t];
        if (width > PC_SCAN_CELLS || (width < PC_ROW_CELLS && (width != 2 || t == 0))) return 0;
    }
    for (uint32_t i = 0; i < plan->n_messages; i++) {
        const pc_scan_message *m = &plan->messages[i];
        if (m->count > PC_SCAN_FIELDS || m->first > plan->n_fields || m->count > plan->n_fields - m->first) return 0;
        for (uint32_t k = 0; k < m->count; k++) {
            const pc_scan_field *f = &plan->fields[m->first + k];
            if (!field_ok(plan, f, tables[i]) || (k && f->number <= f[-1].number)) return 0;
            if (f->kind != PC_SCAN_MESSAGE) continue;
            if (f->message <= (int)i || f->message >= (int)plan->n_messages || depth[i] + 2 > PC_SCAN_DEPTH) return 0;
            if (depth[f->message] < depth[i] + 1) depth[f->message] = depth[i] + 1;
            tables[f->message] |= f->table > 0 ? (uint32_t)1 << f->table : tables[i];
        }
    }
    return 1;
}

int64_t pc_scan_records(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault) {
    if (!plan_ok(plan) || !records || !tables || !fault || records->n > PC_MAX_ITEMS) return PC_ERR_ARGUMENT;
    if (records->n && (!records->start || !records->end || (records->size && !records->data))) return PC_ERR_ARGUMENT;
    for (uint32_t i = 0; i < plan->n_tables; i++) {
        if (tables[i].capacity && !tables[i].cells) return PC_ERR_ARGUMENT;
        tables[i].rows = 0;
    }
    scan s = {.plan = plan, .tables = tables, .data = records->size ? records->data : (const uint8_t *)""};
    s.levels = LEVELS_MAX;
    int64_t faulty = 0;
    for (size_t i = 0; i < records->n; i++) {
        const int64_t start = records->start[i * records->stride], end = records->end[i * records->stride];
        if (start < 0 || end < start || (uint64_t)end > records->size) return PC_ERR_ARGUMENT;
        for (uint32_t t = 1; t < plan->n_tables; t++) s.before[t] = tables[t].rows;
        row made = open_wide_row(&s, 0, (int64_t)i, 0, s.data + start, s.data + end);
        unsigned flags = 0;
        const int code = walk(&s, &plan->messages[0], s.data + start, s.data + end, made, &flags);
        made.cells[PC_ROW_FLAGS] = flags | settle(&s);
        made.cells[PC_ROW_FAULT] = code;
        if (!code || faulty++) continue;
        *fault = s.fault;
        fault->record = (int64_t)i;
        for (uint32_t k = 0; k < s.fault.depth; k++) fault->path[k] = s.fault.path[s.fault.depth - 1 - k];
    }
    return faulty;
}
