/* tars.c - walks Tars records by a plan. See pycore.h. Encoding: TarsCloud/Tars, "TarsTup" and tup/Tars.h.
 *
 * A field is a head - the number in the upper and the type in the lower four bits, a number above 14 in a separate byte -
 * and what its type says. Structs have no length: they end with a head, so where one ends is known when it was walked. */
#include "walk.h"

enum {
    TARS_INT8 = 0,
    TARS_INT16 = 1,
    TARS_INT32 = 2,
    TARS_INT64 = 3,
    TARS_FLOAT = 4,
    TARS_DOUBLE = 5,
    TARS_STRING1 = 6, /* its length in one byte */
    TARS_STRING4 = 7, /* in four */
    TARS_MAP = 8,
    TARS_LIST = 9,
    TARS_STRUCT = 10,
    TARS_END = 11, /* of a struct */
    TARS_ZERO = 12,
    TARS_BYTES = 13
};
enum { TARS_LEVELS = 32 }; /* of structs, lists and maps below an unknown field */

typedef struct token {
    uint32_t number;
    unsigned type;
    const uint8_t *start, *end; /* what a string or bytes hold */
    int64_t value;              /* of a number */
} token;

static uint64_t big_endian(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

static int head(const uint8_t **at, const uint8_t *end, token *t, unsigned *flags) {
    const uint8_t *p = *at;
    if (p == end) return PC_SCAN_TRUNCATED;
    t->number = *p >> 4;
    t->type = *p++ & 15;
    if (t->number == 15) {
        if (p == end) return PC_SCAN_TRUNCATED;
        t->number = *p++;
        if (t->number < 15) *flags |= PC_SCAN_NOT_MINIMAL;
    }
    *at = p;
    return PC_SCAN_SOUND;
}

static int is_integer(unsigned type) { return type <= TARS_INT64 || type == TARS_ZERO; }

/* The integer behind a head. Writers take the smallest type that holds it, and none for zero. */
static int integer(const uint8_t **at, const uint8_t *end, token *t, unsigned *flags) {
    t->value = 0;
    if (t->type == TARS_ZERO) return PC_SCAN_SOUND;
    const size_t size = (size_t)1 << t->type;
    if ((size_t)(end - *at) < size) return PC_SCAN_TRUNCATED;
    const unsigned unused = 64 - 8 * (unsigned)size;
    const uint64_t v = big_endian(*at, size) << unused;
    t->value = v >> 63 ? (int64_t)~(~v >> unused) : (int64_t)(v >> unused);
    *at += size;
    const int64_t half = (int64_t)1 << (size * 4 - 1); /* what half as many bytes hold */
    if (t->value == 0 || (size > 1 && t->value >= -half && t->value < half)) *flags |= PC_SCAN_NOT_MINIMAL;
    return PC_SCAN_SOUND;
}

/* A length or count: an integer under number 0. */
static int count_of(const uint8_t **at, const uint8_t *end, int64_t *count, unsigned *flags) {
    token t;
    int fault = head(at, end, &t, flags);
    if (fault) return fault;
    if (t.number != 0 || !is_integer(t.type) || t.type == TARS_INT64) return PC_SCAN_BAD_TAG;
    if ((fault = integer(at, end, &t, flags))) return fault;
    *count = t.value;
    return t.value < 0 ? PC_SCAN_LONG_NUMBER : PC_SCAN_SOUND;
}

/* The value behind a head whose type has no others inside. */
static int simple(const uint8_t **at, const uint8_t *end, token *t, unsigned *flags) {
    int64_t length = 0;
    int fault;
    if (is_integer(t->type)) return integer(at, end, t, flags);
    switch (t->type) {
    case TARS_FLOAT:
    case TARS_DOUBLE:
        length = t->type == TARS_FLOAT ? 4 : 8;
        break;
    case TARS_STRING1:
        if (*at == end) return PC_SCAN_TRUNCATED;
        length = *(*at)++;
        break;
    case TARS_STRING4:
        if (end - *at < 4) return PC_SCAN_TRUNCATED;
        length = (int64_t)big_endian(*at, 4);
        *at += 4;
        if (length < 256) *flags |= PC_SCAN_NOT_MINIMAL;
        break;
    case TARS_BYTES:
        if (*at == end) return PC_SCAN_TRUNCATED;
        if (*(*at)++ != TARS_INT8) return PC_SCAN_BAD_TAG; /* a head: number 0, type int8 */
        if ((fault = count_of(at, end, &length, flags))) return fault;
        break;
    default:
        return PC_SCAN_BAD_TAG;
    }
    if (length > end - *at) return PC_SCAN_TRUNCATED;
    t->start = *at;
    t->end = *at += length;
    return PC_SCAN_SOUND;
}

/* Goes behind an unknown field whose head was read. A list of what is open in place of recursion: the input must not choose
 * how much stack it takes. */
static int skip(const uint8_t **at, const uint8_t *end, token t) {
    int64_t left[TARS_LEVELS]; /* fields that are to come in an open list or map; of a struct -1 */
    unsigned depth = 0, unread = 0;
    for (;;) {
        int fault;
        if (t.type == TARS_STRUCT || t.type == TARS_LIST || t.type == TARS_MAP) {
            if (depth == TARS_LEVELS) return PC_SCAN_BAD_GROUP;
            left[depth] = -1;
            if (t.type != TARS_STRUCT) {
                if ((fault = count_of(at, end, &left[depth], &unread))) return fault;
                if (t.type == TARS_MAP) left[depth] *= 2;
                if (left[depth] > end - *at) return PC_SCAN_TRUNCATED; /* each takes a byte or more */
            }
            depth++;
        } else if (t.type == TARS_END) {
            if (depth == 0 || left[depth - 1] != -1) return PC_SCAN_BAD_GROUP;
            depth--;
        } else if ((fault = simple(at, end, &t, &unread))) {
            return fault;
        }
        while (depth && left[depth - 1] == 0) depth--;
        if (depth == 0) return PC_SCAN_SOUND;
        if (left[depth - 1] > 0) left[depth - 1]--;
        if ((fault = head(at, end, &t, &unread))) return fault;
    }
}

/* ---- the walk ------------------------------------------------------------------------------------------------------- */

/* Whether a writer of this kind of field can have put this type. */
static int fits(int kind, unsigned type) {
    switch (kind) {
    case PC_SCAN_BYTES:
        return type == TARS_BYTES;
    case PC_SCAN_STRING:
        return type == TARS_STRING1 || type == TARS_STRING4;
    case PC_SCAN_MESSAGE:
        return type == TARS_STRUCT;
    case PC_SCAN_BOOL:
        return type == TARS_INT8 || type == TARS_ZERO;
    case PC_SCAN_INT32:
        return type <= TARS_INT32 || type == TARS_ZERO;
    default:
        return is_integer(type);
    }
}

static int walk(scan *s, const pc_scan_message *m, const uint8_t **at, const uint8_t *end, int inside, row in,
                unsigned *all);

/* One value, whose head was read. */
static int take(scan *s, const pc_scan_field *f, const uint8_t **at, const uint8_t *end, token *t, row in, unsigned *flags) {
    if (f->kind != PC_SCAN_MESSAGE) {
        const int fault = simple(at, end, t, flags);
        if (fault) return stop(s, fault, *at);
        const int optional = !(f->flags & (PC_SCAN_PRESENCE | PC_SCAN_REPEATED));
        if (is_number(f->kind)) {
            if (t->value == 0 && optional) *flags |= PC_SCAN_DEFAULT;
            if (f->kind == PC_SCAN_UINT32 && (uint64_t)t->value > UINT32_MAX) *flags |= PC_SCAN_TOO_WIDE;
            if (f->table >= 0) {
                open_row(s, f->table, in.index).cells[PC_ROW_VALUE] = t->value;
            } else if (f->cell >= 0) {
                in.cells[f->cell] = t->value;
            }
            return PC_SCAN_SOUND;
        }
        if (t->start == t->end && optional) *flags |= PC_SCAN_DEFAULT;
        if (f->table >= 0) open_wide_row(s, f->table, in.index, f->number, t->start, t->end);
    } else {
        unsigned within = 0;
        row made = in;
        t->start = *at;
        if (f->table >= 0) made = open_wide_row(s, f->table, in.index, f->number, *at, *at);
        const int fault = walk(s, &s->plan->messages[f->message], at, end, 1, made, &within);
        t->end = fault ? *at : *at - 1; /* behind the head that ends it */
        if (f->table >= 0) {
            made.cells[PC_ROW_END] = t->end - s->data;
            made.cells[PC_ROW_FLAGS] = within;
            made.cells[PC_ROW_FAULT] = fault;
        }
        *flags |= within;
        if (fault) return fault;
    }
    if (f->cell >= 0) {
        in.cells[f->cell] = t->start - s->data;
        in.cells[f->cell + 1] = t->end - s->data;
    }
    return PC_SCAN_SOUND;
}

static int take_list(scan *s, const pc_scan_field *f, const uint8_t **at, const uint8_t *end, row in, unsigned *flags) {
    int64_t count;
    int fault = count_of(at, end, &count, flags);
    if (!fault && count > end - *at) fault = PC_SCAN_TRUNCATED; /* each takes a byte or more */
    if (!fault && count == 0) *flags |= PC_SCAN_DEFAULT;
    for (; !fault && count; count--) {
        token t;
        fault = head(at, end, &t, flags);
        if (!fault && (t.number != 0 || !fits(f->kind, t.type))) fault = PC_SCAN_BAD_TAG;
        if (fault) break;
        if ((fault = take(s, f, at, end, &t, in, flags))) return fault; /* which has said where */
    }
    return fault ? stop(s, fault, *at) : PC_SCAN_SOUND;
}

/* A record, or with `inside` a struct up to the head that ends it. */
static int walk(scan *s, const pc_scan_message *m, const uint8_t **at, const uint8_t *end, int inside, row in,
                unsigned *all) {
    const pc_scan_field *fields = s->plan->fields + m->first;
    uint64_t seen = 0; /* bit per field */
    uint32_t last = 0, next = 0;
    unsigned flags = 0;
    int fault = PC_SCAN_SOUND;
    while (inside || *at < end) {
        token t;
        const uint8_t *from = *at;
        if ((fault = head(at, end, &t, &flags))) {
            stop(s, fault, from);
            break;
        }
        if (t.type == TARS_END) {
            if (!inside || t.number) fault = stop(s, PC_SCAN_BAD_GROUP, from);
            break;
        }
        if (t.number < last) flags |= PC_SCAN_UNORDERED;
        last = t.number;
        const pc_scan_field *f = find(fields, m->count, t.number, &next);
        if (!f) {
            flags |= PC_SCAN_UNKNOWN;
            if (!(fault = skip(at, end, t))) continue;
            stop(s, fault, from);
            break;
        }
        const uint64_t bit = (uint64_t)1 << (f - fields);
        if (seen & bit) flags |= PC_SCAN_TWICE;
        seen |= bit;
        if (f->flags & PC_SCAN_REPEATED ? t.type != TARS_LIST : !fits(f->kind, t.type)) {
            fault = stop(s, PC_SCAN_BAD_TAG, from);
        } else if (f->flags & PC_SCAN_REPEATED) {
            fault = take_list(s, f, at, end, in, &flags);
        } else {
            fault = take(s, f, at, end, &t, in, &flags);
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
    return walk(s, &s->plan->messages[0], &p, end, 0, in, flags);
}

/* Whether every field is of a kind that Tars has, and asks for nothing that only protobuf's walk keeps. */
static int tars_plan_ok(const pc_scan_plan *plan) {
    if (!plan || (plan->n_fields && !plan->fields)) return 0;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const pc_scan_field *f = &plan->fields[i];
        if (f->kind > PC_SCAN_BOOL || f->number > 255 || f->oneof || f->flags & ~(PC_SCAN_REPEATED | PC_SCAN_PRESENCE))
            return 0;
    }
    return 1;
}

int64_t pc_scan_tars(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault) {
    if (!tars_plan_ok(plan)) return PC_ERR_ARGUMENT;
    return pc_walk_records(plan, records, tables, fault, walk_record);
}
