/* fabricx.c - the messages of Fabric-X's verifier: what a batch holds, what its transactions sign, and the answers. See pycore.h.
 *
 * Read as Go's protobuf reads them, because the other verifiers of a network do: numbers of ten bytes at most for tags and lengths
 * also, messages that come twice are merged, of a number or oneof the last one counts, groups lie 10,001 deep at most. */
#include <string.h>

#include "../core/arguments.h"
#include "utf8.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, GROUP = 3, END_GROUP = 4, FIXED32 = 5 };
enum { NUMBERS_MAX = (1 << 29) - 1, GROUPS_MAX = 10001 };

typedef struct token {
    uint32_t number;
    unsigned wire;
    const uint8_t *tag, *start, *end;
    uint64_t value;
} token;

typedef struct walk {
    pc_scan_table *tables;
    const uint8_t *data;
    int keep; /* whether rows are written */
    int full; /* a row did not fit */
    int64_t spare[PC_FX_CELLS];
} walk;

/* ---- one field --------------------------------------------------------------------------------------------------------- */

static const uint8_t *varint(const uint8_t *p, const uint8_t *end, uint64_t *value) {
    if (p < end && *p < 0x80) return *value = *p, p + 1;
    uint64_t v = 0;
    for (int i = 0; i < 10 && p < end; i++) {
        const uint8_t byte = *p++;
        if (i == 9 && byte > 1) return NULL;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) return *value = v, p;
    }
    return NULL;
}

/* Behind a value of this wire type; NULL when there is none. */
static const uint8_t *value_at(const uint8_t *p, const uint8_t *end, token *t) {
    uint64_t length;
    t->start = p;
    switch (t->wire) {
    case VARINT:
        p = varint(p, end, &t->value);
        break;
    case BYTES:
        p = varint(p, end, &length);
        if (!p || length > (uint64_t)(end - p)) return NULL;
        t->start = p;
        p += length;
        break;
    case FIXED64:
        p = end - p < 8 ? NULL : p + 8;
        break;
    case FIXED32:
        p = end - p < 4 ? NULL : p + 4;
        break;
    default:
        return NULL;
    }
    return t->end = p;
}

/* Behind the group whose start was read. Inside, numbers may be of 31 bits. */
static const uint8_t *skip_group(const uint8_t *p, const uint8_t *end, uint32_t number) {
    uint32_t open[GROUPS_MAX];
    size_t depth = 1;
    open[0] = number;
    while (depth) {
        uint64_t tag;
        token t;
        if (!(p = varint(p, end, &tag)) || tag >> 3 == 0 || tag >> 3 > INT32_MAX) return NULL;
        t.wire = (unsigned)tag & 7;
        if (t.wire == GROUP) {
            if (depth == GROUPS_MAX) return NULL;
            open[depth++] = (uint32_t)(tag >> 3);
        } else if (t.wire == END_GROUP) {
            if (open[--depth] != (uint32_t)(tag >> 3)) return NULL;
        } else if (!(p = value_at(p, end, &t))) {
            return NULL;
        }
    }
    return p;
}

static const uint8_t *next(const uint8_t *p, const uint8_t *end, token *t) {
    uint64_t tag;
    t->tag = p;
    if (!(p = varint(p, end, &tag)) || tag >> 3 == 0 || tag >> 3 > NUMBERS_MAX) return NULL;
    t->number = (uint32_t)(tag >> 3);
    t->wire = (unsigned)tag & 7;
    if (t->wire != GROUP) return value_at(p, end, t);
    return t->end = skip_group(p, end, t->number);
}

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

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static const uint32_t WIDTHS[PC_FX_TABLES] = {PC_FX_REQUEST_CELLS, PC_FX_NAMESPACE_CELLS,   PC_FX_METADATA_CELLS,
                                              PC_FX_LIST_CELLS,    PC_FX_ENDORSEMENT_CELLS, PC_FX_UPDATE_CELLS};

static int64_t *open_row(walk *w, int table) {
    pc_scan_table *t = &w->tables[table];
    int64_t *cells = w->spare;
    if (w->keep && t->rows < t->capacity) cells = t->cells + t->rows * WIDTHS[table];
    if (w->keep && t->rows >= t->capacity) w->full = 1;
    t->rows++;
    memset(cells, 0, WIDTHS[table] * sizeof *cells);
    return cells;
}

static void put_span(const walk *w, int64_t *cells, const token *t) {
    cells[0] = t->start - w->data;
    cells[1] = t->end - w->data;
}

#define EACH_FIELD(p, end, t)                                                                                               \
    for (token t; p < end;)                                                                                                 \
        if (!(p = next(p, end, &t)))                                                                                        \
            return 0;                                                                                                       \
        else
#define IS(t, n, w) ((t).number == (n) && (t).wire == (w))

/* Read, ReadWrite and Write: keys and values are bytes, versions numbers, and nothing can be wrong but the encoding itself. */
static int check_item(const uint8_t *p, const uint8_t *end) {
    EACH_FIELD(p, end, t) {}
    return 1;
}

static int scan_namespace(walk *w, int64_t *row, const uint8_t *p, const uint8_t *end) {
    row[PC_FX_NS_START] = p - w->data;
    row[PC_FX_NS_END] = end - w->data;
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, BYTES)) {
            if (!is_utf8(t.start, t.end)) return 0;
            put_span(w, row + PC_FX_NS_ID, &t);
        } else if (IS(t, 2, VARINT)) {
            row[PC_FX_NS_VERSION] = (int64_t)t.value;
        } else if (t.number >= 3 && t.number <= 5 && t.wire == BYTES) {
            if (!check_item(t.start, t.end)) return 0;
        }
    }
    return 1;
}

static int check_identity(const uint8_t *p, const uint8_t *end) {
    EACH_FIELD(p, end, t) {
        if ((IS(t, 1, BYTES) || IS(t, 3, BYTES)) && !is_utf8(t.start, t.end)) return 0;
    }
    return 1;
}

static int scan_endorsement(walk *w, int64_t list, const uint8_t *p, const uint8_t *end) {
    int64_t *row = open_row(w, PC_FX_ENDORSEMENTS);
    const int64_t whole[2] = {p - w->data, end - w->data};
    row[PC_FX_EN_LIST] = list;
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, BYTES)) put_span(w, row + PC_FX_EN_SIGNATURE, &t);
        if (!IS(t, 2, BYTES)) continue;
        if (!check_identity(t.start, t.end)) return 0;
        if (row[PC_FX_EN_IDENTITIES]++ == 0) {
            put_span(w, row + PC_FX_EN_IDENTITY, &t);
        } else { /* merged: whoever reads it takes it from the whole */
            memcpy(row + PC_FX_EN_IDENTITY, whole, sizeof whole);
        }
    }
    return 1;
}

static int scan_list(walk *w, int64_t request, const uint8_t *p, const uint8_t *end) {
    int64_t *row = open_row(w, PC_FX_LISTS);
    const int64_t list = (int64_t)w->tables[PC_FX_LISTS].rows - 1;
    row[PC_FX_LI_REQUEST] = request;
    row[PC_FX_LI_FIRST] = (int64_t)w->tables[PC_FX_ENDORSEMENTS].rows;
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, BYTES) && !scan_endorsement(w, list, t.start, t.end)) return 0;
    }
    row[PC_FX_LI_COUNT] = (int64_t)w->tables[PC_FX_ENDORSEMENTS].rows - row[PC_FX_LI_FIRST];
    return 1;
}

static int scan_content(walk *w, int64_t request, int64_t *row, const uint8_t *p, const uint8_t *end) {
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, BYTES)) {
            int64_t *ns = open_row(w, PC_FX_NAMESPACES);
            ns[PC_FX_NS_REQUEST] = request;
            ns[PC_FX_NS_INDEX] = row[PC_FX_RE_NAMESPACES + 1]++;
            if (!scan_namespace(w, ns, t.start, t.end)) return 0;
        } else if (IS(t, 2, BYTES)) {
            row[PC_FX_RE_LISTS + 1]++;
            if (!scan_list(w, request, t.start, t.end)) return 0;
        } else if (IS(t, 3, BYTES)) {
            row[PC_FX_RE_METADATA + 1]++;
            put_span(w, open_row(w, PC_FX_METADATA), &t);
        }
    }
    return 1;
}

static int scan_ref(walk *w, int64_t *row, const uint8_t *p, const uint8_t *end) {
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, VARINT)) row[PC_FX_RE_BLOCK] = (int64_t)t.value;
        if (IS(t, 2, VARINT)) row[PC_FX_RE_NUMBER] = (int64_t)(uint32_t)t.value;
        if (!IS(t, 3, BYTES)) continue;
        if (!is_utf8(t.start, t.end)) return 0;
        put_span(w, row + PC_FX_RE_ID, &t);
    }
    return 1;
}

static int scan_request(walk *w, const uint8_t *p, const uint8_t *end) {
    int64_t kept[PC_FX_REQUEST_CELLS], *row = open_row(w, PC_FX_REQUESTS);
    const int64_t request = (int64_t)w->tables[PC_FX_REQUESTS].rows - 1;
    memset(kept, 0, sizeof kept); /* the spare row is others' as well */
    kept[PC_FX_RE_NAMESPACES] = (int64_t)w->tables[PC_FX_NAMESPACES].rows;
    kept[PC_FX_RE_LISTS] = (int64_t)w->tables[PC_FX_LISTS].rows;
    kept[PC_FX_RE_METADATA] = (int64_t)w->tables[PC_FX_METADATA].rows;
    EACH_FIELD(p, end, t) {
        if (IS(t, 1, BYTES)) {
            kept[PC_FX_RE_PARTS] |= 1;
            if (!scan_ref(w, kept, t.start, t.end)) return 0;
        } else if (IS(t, 2, BYTES)) {
            kept[PC_FX_RE_PARTS] |= 2;
            if (!scan_content(w, request, kept, t.start, t.end)) return 0;
        }
    }
    memcpy(row, kept, sizeof kept);
    return 1;
}

int pc_fabricx_scan(const uint8_t *data, size_t size, size_t *at, int keep, pc_scan_table *tables) {
    if (!at || *at > size || (size && !data) || size > PTRDIFF_MAX || !tables) return PC_ERR_ARGUMENT;
    for (int i = 0; i < PC_FX_TABLES; i++)
        if (tables[i].capacity && !tables[i].cells) return PC_ERR_ARGUMENT;
    walk w = {.tables = tables, .data = size ? data : (const uint8_t *)"", .keep = keep};
    const uint8_t *p = w.data + *at, *end = w.data + size;
    while (p < end) {
        size_t before[PC_FX_TABLES];
        token t;
        for (int i = 0; i < PC_FX_TABLES; i++) before[i] = tables[i].rows;
        const uint8_t *behind = next(p, end, &t);
        if (!behind) return PC_FX_MALFORMED;
        if (IS(t, 1, BYTES)) {
            put_span(&w, open_row(&w, PC_FX_UPDATES), &t);
        } else if (IS(t, 2, BYTES) && keep != PC_FX_KEEP_UPDATES && !scan_request(&w, t.start, t.end)) {
            return PC_FX_MALFORMED;
        }
        if (w.full) {
            for (int i = 0; i < PC_FX_TABLES; i++) tables[i].rows = before[i];
            return PC_FX_FULL;
        }
        p = behind;
        *at = (size_t)(p - w.data);
    }
    return PC_FX_DONE;
}

/* ---- signed bytes ------------------------------------------------------------------------------------------------------ */

static size_t length_size(size_t len) {
    size_t n = 1;
    if (len >= 0x80)
        for (; len; len >>= 8) n++;
    return n;
}
static size_t der_size(size_t len) { return 1 + length_size(len) + len; }

static uint8_t *der_head(uint8_t *out, uint8_t tag, size_t len) {
    *out++ = tag;
    if (len < 0x80) return *out++ = (uint8_t)len, out;
    size_t n = length_size(len) - 1;
    *out++ = (uint8_t)(0x80 | n);
    while (n--) *out++ = (uint8_t)(len >> 8 * n);
    return out;
}

static uint8_t *der_bytes(uint8_t *out, uint8_t tag, const uint8_t *p, size_t len) {
    out = der_head(out, tag, len);
    if (len) memcpy(out, p, len);
    return out + len;
}

/* Bytes of a two's complement integer. */
static size_t integer_size(int64_t v) {
    size_t n = 1;
    for (; v > 127 || v < -128; v >>= 8) n++;
    return n;
}

static uint8_t *der_integer(uint8_t *out, int64_t v) {
    size_t n = integer_size(v);
    out = der_head(out, 0x02, n);
    while (n--) *out++ = (uint8_t)((uint64_t)v >> 8 * n);
    return out;
}

/* One read, read-write or write. */
typedef struct item {
    const uint8_t *key, *value;
    size_t key_len, value_len;
    int64_t version; /* -1: absent */
} item;

enum { READ = 3, READ_WRITE = 4, WRITE = 5 }; /* as the fields of a namespace are numbered */

static void read_item(item *one, uint32_t kind, const uint8_t *p, const uint8_t *end) {
    const uint32_t value = kind == READ_WRITE ? 3 : 2;
    *one = (item){.version = -1};
    while (p < end) {
        token t;
        if (!(p = next(p, end, &t))) return; /* cannot be: the scan has read it */
        if (IS(t, 1, BYTES)) {
            one->key = t.start;
            one->key_len = (size_t)(t.end - t.start);
        } else if (kind != READ && IS(t, value, BYTES)) {
            one->value = t.start;
            one->value_len = (size_t)(t.end - t.start);
        } else if (kind != WRITE && IS(t, 2, VARINT)) {
            one->version = (int64_t)t.value;
        }
    }
}

static size_t item_size(const item *one, uint32_t kind) {
    size_t size = der_size(one->key_len);
    if (kind != READ) size += der_size(one->value_len);
    if (one->version != -1) size += 2 + integer_size(one->version);
    return size;
}

static uint8_t *put_item(uint8_t *out, const item *one, uint32_t kind) {
    out = der_head(out, 0x30, item_size(one, kind));
    out = der_bytes(out, 0x04, one->key, one->key_len);
    if (kind != READ) out = der_bytes(out, 0x04, one->value, one->value_len);
    return one->version != -1 ? der_integer(out, one->version) : out;
}

/* Where a call finds what is signed. */
typedef struct signing {
    const uint8_t *data;
    const pc_fabricx_rows *rows;
    int64_t request; /* whose metadata has been added up */
    size_t metadata; /* the content of its SEQUENCE */
} signing;

typedef struct sizes {
    size_t sets[3], whole;
} sizes;

static const int64_t *span_of(const signing *s, int64_t m) { return s->rows->metadata + m * PC_FX_METADATA_CELLS; }

static void measure(signing *s, const int64_t *ns, sizes *out) {
    const int64_t *request = s->rows->requests + ns[PC_FX_NS_REQUEST] * PC_FX_REQUEST_CELLS;
    const uint8_t *p = s->data + ns[PC_FX_NS_START], *end = s->data + ns[PC_FX_NS_END];
    const int64_t first = request[PC_FX_RE_METADATA], count = request[PC_FX_RE_METADATA + 1];
    if (s->request != ns[PC_FX_NS_REQUEST]) {
        s->request = ns[PC_FX_NS_REQUEST];
        s->metadata = 0;
        for (int64_t m = first; m < first + count; m++)
            s->metadata += der_size((size_t)(span_of(s, m)[1] - span_of(s, m)[0]));
    }
    memset(out, 0, sizeof *out);
    while (p < end) {
        token t;
        item one;
        if (!(p = next(p, end, &t))) break;
        if (t.number < READ || t.number > WRITE || t.wire != BYTES) continue;
        read_item(&one, t.number, t.start, t.end);
        out->sets[t.number - READ] += der_size(item_size(&one, t.number));
    }
    out->whole = der_size((size_t)(request[PC_FX_RE_ID + 1] - request[PC_FX_RE_ID])) + (count ? der_size(s->metadata) : 0) +
                 der_size((size_t)(ns[PC_FX_NS_ID + 1] - ns[PC_FX_NS_ID])) + 2 + integer_size(ns[PC_FX_NS_VERSION]);
    for (int i = 0; i < 3; i++) out->whole += der_size(out->sets[i]);
}

static uint8_t *put_set(uint8_t *out, const signing *s, const int64_t *ns, uint32_t kind, size_t size) {
    const uint8_t *p = s->data + ns[PC_FX_NS_START], *end = s->data + ns[PC_FX_NS_END];
    out = der_head(out, 0x30, size);
    while (size && p < end) {
        token t;
        item one;
        if (!(p = next(p, end, &t))) break;
        if (t.number != kind || t.wire != BYTES) continue;
        read_item(&one, kind, t.start, t.end);
        out = put_item(out, &one, kind);
    }
    return out;
}

static uint8_t *put_signed(uint8_t *out, const signing *s, const int64_t *ns, const sizes *size) {
    const int64_t *request = s->rows->requests + ns[PC_FX_NS_REQUEST] * PC_FX_REQUEST_CELLS, *id = request + PC_FX_RE_ID;
    const int64_t first = request[PC_FX_RE_METADATA], count = request[PC_FX_RE_METADATA + 1];
    out = der_head(out, 0x30, size->whole);
    out = der_bytes(out, 0x0c, s->data + id[0], (size_t)(id[1] - id[0]));
    if (count) out = der_head(out, 0x30, s->metadata);
    for (int64_t m = first; m < first + count; m++)
        out = der_bytes(out, 0x04, s->data + span_of(s, m)[0], (size_t)(span_of(s, m)[1] - span_of(s, m)[0]));
    id = ns + PC_FX_NS_ID;
    out = der_bytes(out, 0x0c, s->data + id[0], (size_t)(id[1] - id[0]));
    out = der_integer(out, ns[PC_FX_NS_VERSION]);
    for (uint32_t kind = READ; kind <= WRITE; kind++) out = put_set(out, s, ns, kind, size->sets[kind - READ]);
    return out;
}

static int span_ok(const int64_t *span, size_t size) {
    return span[0] >= 0 && span[1] >= span[0] && (uint64_t)span[1] <= size;
}

static int range_ok(const int64_t *range, size_t n) {
    return range[0] >= 0 && range[1] >= 0 && (uint64_t)range[0] <= n && (uint64_t)range[1] <= n - (uint64_t)range[0];
}

/* Whether a namespace and what it hangs on lie inside of their arrays. */
static int namespace_ok(const pc_fabricx_rows *rows, size_t size, const int64_t *ns) {
    if (ns[PC_FX_NS_REQUEST] < 0 || (uint64_t)ns[PC_FX_NS_REQUEST] >= rows->n_requests) return 0;
    const int64_t *request = rows->requests + ns[PC_FX_NS_REQUEST] * PC_FX_REQUEST_CELLS;
    return span_ok(ns + PC_FX_NS_START, size) && span_ok(ns + PC_FX_NS_ID, size) && span_ok(request + PC_FX_RE_ID, size) &&
           range_ok(request + PC_FX_RE_METADATA, rows->n_metadata);
}

int64_t pc_fabricx_signed(const uint8_t *data, size_t size, const pc_fabricx_rows *rows, const uint32_t *chosen, size_t n,
                          uint8_t *out, size_t room, int64_t *offsets) {
    if (!rows || (size && !data) || size > PTRDIFF_MAX / 8 || n > PC_MAX_ITEMS || !offsets || (n && !chosen))
        return PC_ERR_ARGUMENT;
    if ((rows->n_requests && !rows->requests) || (rows->n_namespaces && !rows->namespaces)) return PC_ERR_ARGUMENT;
    if (rows->n_metadata && !rows->metadata) return PC_ERR_ARGUMENT;
    for (size_t m = 0; m < rows->n_metadata; m++)
        if (!span_ok(rows->metadata + m * PC_FX_METADATA_CELLS, size)) return PC_ERR_ARGUMENT;
    signing s = {.data = size ? data : (const uint8_t *)"", .rows = rows, .request = -1};
    size_t total = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < n; i++) {
        if (chosen[i] >= rows->n_namespaces) return PC_ERR_ARGUMENT;
        const int64_t *ns = rows->namespaces + chosen[i] * (size_t)PC_FX_NAMESPACE_CELLS;
        if (!namespace_ok(rows, size, ns)) return PC_ERR_ARGUMENT;
        sizes size_of;
        measure(&s, ns, &size_of);
        const size_t bytes = der_size(size_of.whole);
        if (bytes > PTRDIFF_MAX - total) return PC_ERR_ARGUMENT;
        if (out && bytes > room - total) return (int64_t)i;
        if (out) put_signed(out + total, &s, ns, &size_of);
        total += bytes;
        offsets[i + 1] = (int64_t)total;
    }
    return (int64_t)n;
}

/* ---- answers ----------------------------------------------------------------------------------------------------------- */

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

static size_t ref_size(const int64_t *row) {
    const uint64_t block = (uint64_t)row[PC_FX_RE_BLOCK], number = (uint64_t)row[PC_FX_RE_NUMBER];
    const size_t len = (size_t)(row[PC_FX_RE_ID + 1] - row[PC_FX_RE_ID]);
    return (block ? 1 + varint_size(block) : 0) + (number ? 1 + varint_size(number) : 0) +
           (len ? 1 + varint_size(len) + len : 0);
}

int64_t pc_fabricx_answers(const uint8_t *data, size_t size, const int64_t *requests, const uint8_t *status, size_t n,
                           uint8_t *out, int64_t *offsets) {
    if (!offsets || n > PC_MAX_ITEMS || (size && !data) || (n && !(requests && status))) return PC_ERR_ARGUMENT;
    size_t total = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t *row = requests + i * PC_FX_REQUEST_CELLS;
        if (!span_ok(row + PC_FX_RE_ID, size)) return PC_ERR_ARGUMENT;
        const size_t ref = ref_size(row), whole = 1 + varint_size(ref) + ref + (status[i] ? 1 + varint_size(status[i]) : 0);
        if (out) {
            const size_t len = (size_t)(row[PC_FX_RE_ID + 1] - row[PC_FX_RE_ID]);
            uint8_t *p = out + total;
            *p++ = 0x0a;
            p = put_varint(p, whole);
            *p++ = 0x0a;
            p = put_varint(p, ref);
            if (row[PC_FX_RE_BLOCK]) *p++ = 0x08, p = put_varint(p, (uint64_t)row[PC_FX_RE_BLOCK]);
            if (row[PC_FX_RE_NUMBER]) *p++ = 0x10, p = put_varint(p, (uint64_t)row[PC_FX_RE_NUMBER]);
            if (len) *p++ = 0x1a, p = put_varint(p, len), memcpy(p, data + row[PC_FX_RE_ID], len), p += len;
            if (status[i]) *p++ = 0x10, p = put_varint(p, status[i]);
        }
        total += 1 + varint_size(whole) + whole;
        offsets[i + 1] = (int64_t)total;
    }
    return (int64_t)total;
}
