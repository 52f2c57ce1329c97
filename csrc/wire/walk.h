/* walk.h - what the walks of every encoding share: the rows that they fill, the plan that they follow, the loop over records.
 * See pycore.h. An encoding brings the walk of one record. */
#ifndef PC_WIRE_WALK_H
#define PC_WIRE_WALK_H
#include <string.h>

#include "../core/arguments.h"
#include "../core/check.h"
#include "../pycore.h"

typedef struct scan {
    const pc_scan_plan *plan;
    pc_scan_table *tables;
    const uint8_t *data;
    pc_scan_fault fault;
    unsigned levels;               /* that messages and groups may still go down */
    const struct pc_reader *as;    /* of protobuf */
    size_t before[PC_SCAN_TABLES]; /* rows of each table when the record began */
    int64_t unkept[PC_SCAN_CELLS]; /* written in place of a row that does not fit */
} scan;

typedef struct row {
    int64_t *cells;
    int64_t index;
} row;

PC_FN int is_number(int kind) { return kind > PC_SCAN_MESSAGE; }

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

PC_FN row open_row(scan *s, int table, int64_t parent) {
    pc_scan_table *t = &s->tables[table];
    row made = {s->unkept, (int64_t)t->rows};
    if (t->rows < t->capacity) made.cells = t->cells + t->rows * s->plan->widths[table];
    t->rows++;
    made.cells[PC_ROW_PARENT] = parent;
    return made;
}

PC_FN row open_wide_row(scan *s, int table, int64_t parent, uint32_t number, const uint8_t *start, const uint8_t *end) {
    row made = open_row(s, table, parent);
    if (made.cells == s->unkept) return made; /* nobody reads it */
    memset(made.cells + 1, 0, (s->plan->widths[table] - 1) * sizeof *made.cells);
    made.cells[PC_ROW_START] = start - s->data;
    made.cells[PC_ROW_END] = end - s->data;
    made.cells[PC_ROW_NUMBER] = number;
    return made;
}

/* The end of a record: rows of a table that it has too many of are taken back. */
PC_FN unsigned settle(scan *s) {
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

PC_FN int stop(scan *s, int code, const uint8_t *at) {
    s->fault.code = code;
    s->fault.offset = at - s->data;
    s->fault.depth = 0;
    return code;
}

/* The field with a number, or NULL. Writers put fields in order, so it is mostly the one at `next` or shortly behind; the
 * others are searched by halves, or unknown numbers would cost as much as a message has fields. */
PC_FN const pc_scan_field *find(const pc_scan_field *first, uint32_t count, uint32_t number, uint32_t *next) {
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

/* ---- the plan ------------------------------------------------------------------------------------------------------- */

/* Whether a field fits where it says; `tables`: those into whose rows its message may write, a bit each. */
PC_FN int field_ok(const pc_scan_plan *plan, const pc_scan_field *f, uint32_t tables) {
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
PC_FN int plan_ok(const pc_scan_plan *plan) {
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

/* The walk of one record of an encoding: a fault or PC_SCAN_SOUND. */
typedef int (*pc_walk)(scan *s, const uint8_t *p, const uint8_t *end, row in, unsigned *flags);

PC_FN int64_t pc_walk_records(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault,
                              pc_walk walk_record) {
    if (!plan_ok(plan) || !records || !tables || !fault || records->n > PC_MAX_ITEMS) return PC_ERR_ARGUMENT;
    if (records->n && (!records->start || !records->end || (records->size && !records->data))) return PC_ERR_ARGUMENT;
    for (uint32_t i = 0; i < plan->n_tables; i++) {
        if (tables[i].capacity && !tables[i].cells) return PC_ERR_ARGUMENT;
        tables[i].rows = 0;
    }
    scan s = {.plan = plan, .tables = tables, .data = records->size ? records->data : (const uint8_t *)""};
    int64_t faulty = 0;
    for (size_t i = 0; i < records->n; i++) {
        const int64_t start = records->start[i * records->stride], end = records->end[i * records->stride];
        if (start < 0 || end < start || (uint64_t)end > records->size) return PC_ERR_ARGUMENT;
        for (uint32_t t = 1; t < plan->n_tables; t++) s.before[t] = tables[t].rows;
        row made = open_wide_row(&s, 0, (int64_t)i, 0, s.data + start, s.data + end);
        unsigned flags = 0;
        const int code = walk_record(&s, s.data + start, s.data + end, made, &flags);
        made.cells[PC_ROW_FLAGS] = flags | settle(&s);
        made.cells[PC_ROW_FAULT] = code;
        if (!code || faulty++) continue;
        *fault = s.fault;
        fault->record = (int64_t)i;
        for (uint32_t k = 0; k < s.fault.depth; k++) fault->path[k] = s.fault.path[s.fault.depth - 1 - k];
    }
    return faulty;
}
#endif
