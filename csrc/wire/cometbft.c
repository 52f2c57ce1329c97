/* cometbft.c - signed headers of CometBFT to rows, the leaves of their headers' hashes, and what their votes sign. See pycore.h.
 *
 * Read are messages exactly as CometBFT's software writes them, which keep the rules that it has for headers and commits by
 * themselves (types/block.go, ValidateBasic); a record that is anything else is told apart, and has no votes here. So fields are
 * expected in their order, once, none at its default, none unknown, and what is read needs no further look. */
#include "../core/arguments.h"
#include "protobuf.h"
#include "utf8.h"

enum { ABSENT = 1, NIL = 3 };
enum { HASH = 32, ADDRESS = 20, SIGNATURE = 64, CHAIN_ID_MAX = 50, SLOTS_MAX = 10000, BLOCK_VERSION = 11 };
enum { NANOS_MAX = 999999999, LEAF_MAX = 128 }; /* of what is hashed of a usual header */
enum { LEAVES_MAX = PC_CM_LEAVES * (LEAF_MAX + 4) };
#define YEAR_1    (-62135596800) /* Go's zero time */
#define YEARS_MAX 9000000000     /* seconds from 1970 either way that fit 64 bits of nanoseconds */

/* The rest of a message; `odd` once it turns out to be another one than those that are read here. */
typedef struct part {
    const uint8_t *p, *end;
    int odd;
} part;

typedef struct piece {
    const uint8_t *p; /* NULL: absent */
    size_t len;
} piece;

/* The number of a field; 0 where it is absent, which is never written. */
static uint64_t number(part *in, unsigned field) {
    uint64_t v = 0;
    unsigned flags = 0;
    if (in->p == in->end || *in->p != field << 3) return 0;
    const uint8_t *p = pc_varint(in->p + 1, in->end, NUMBER_BYTES, 1, &v, &flags);
    if (!p || flags || v == 0) return in->odd = 1, 0;
    in->p = p;
    return v;
}

/* The content of a field, which an inner message has also where it is empty. */
static piece content(part *in, unsigned field) {
    uint64_t len = 0;
    unsigned flags = 0;
    if (in->p == in->end || *in->p != (field << 3 | WIRE_BYTES)) return (piece){NULL, 0};
    const uint8_t *p = pc_varint(in->p + 1, in->end, UPB.most, 1, &len, &flags);
    if (!p || flags || len > (uint64_t)(in->end - p)) return in->odd = 1, (piece){NULL, 0};
    in->p = p + len;
    return (piece){p, (size_t)len};
}

static piece bytes(part *in, unsigned field) {
    const piece found = content(in, field);
    if (found.p && found.len == 0) in->odd = 1;
    return found;
}

/* Bytes that have this length where they are there. */
static piece sized(part *in, unsigned field, size_t len, int needed) {
    const piece found = bytes(in, field);
    if (found.p ? found.len != len : needed) in->odd = 1;
    return found;
}

static part message(part *in, unsigned field) {
    const piece found = content(in, field);
    if (!found.p) in->odd = 1;
    return (part){found.p, found.p ? found.p + found.len : NULL, in->odd};
}

/* Nothing of a message may be left; its oddness is that of the one around it. */
static void leave(part *around, const part *in) {
    if (in->odd || in->p != in->end) around->odd = 1;
}

static void instant(part *around, unsigned field, int64_t *seconds, uint64_t *nanos) {
    part in = message(around, field);
    *seconds = (int64_t)number(&in, 1);
    *nanos = number(&in, 2);
    if (*nanos > NANOS_MAX) in.odd = 1;
    leave(around, &in);
}

static void moment(part *around, unsigned field) {
    int64_t seconds;
    uint64_t nanos;
    instant(around, field, &seconds, &nanos);
    if (seconds < -YEARS_MAX || seconds >= YEARS_MAX) around->odd = 1;
}

/* Where the block's hash is; `needed`: it names a block and its parts. */
static piece block_id(part *around, unsigned field, int needed) {
    part in = message(around, field);
    const piece hash = sized(&in, 1, HASH, needed);
    part parts = message(&in, 2);
    const uint64_t total = number(&parts, 1);
    if (total > UINT32_MAX || (needed && total == 0)) parts.odd = 1;
    sized(&parts, 2, HASH, needed);
    leave(&in, &parts);
    leave(around, &in);
    return hash;
}

static int is_utf8(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        const int n = *p < 0x80 ? 1 : pc_utf8_at(p, end);
        if (n == 0) return 0;
        p += n;
    }
    return 1;
}

/* ---- records -------------------------------------------------------------------------------------------------------- */

static void put_span(int64_t *cells, const uint8_t *data, piece found) {
    cells[0] = found.p ? found.p - data : 0;
    cells[1] = found.p ? cells[0] + (int64_t)found.len : 0;
}

static void read_header(part *around, const uint8_t *data, int64_t *row) {
    part in = message(around, 1);
    int64_t *fields = row + PC_CM_FIELDS;
    part version = message(&in, 1);
    put_span(fields, data, (piece){version.p, (size_t)(version.end - version.p)});
    if (number(&version, 1) != BLOCK_VERSION) version.odd = 1;
    number(&version, 2);
    leave(&in, &version);
    const piece chain_id = bytes(&in, 2);
    if (!chain_id.p || chain_id.len > CHAIN_ID_MAX || !is_utf8(chain_id.p, chain_id.p + chain_id.len)) in.odd = 1;
    put_span(fields + 2, data, chain_id);
    const uint8_t *before = in.p;
    row[PC_CM_HEIGHT] = (int64_t)number(&in, 3);
    put_span(fields + 4, data, (piece){before, (size_t)(in.p - before)});
    if (row[PC_CM_HEIGHT] <= 0) in.odd = 1;
    for (unsigned field = 4; field <= 5; field++) { /* their contents: behind a tag and a length */
        part peek = in;
        put_span(fields + 2 * (field - 1), data, content(&peek, field));
        if (field == 4) moment(&in, field);
        if (field == 5) block_id(&in, field, 0);
    }
    for (unsigned field = 6; field <= 14; field++) {
        const piece found =
            field == 11 ? bytes(&in, field) : sized(&in, field, field == 14 ? ADDRESS : HASH, field == 8 || field == 14);
        if (found.len > LEAF_MAX) in.odd = 1;
        put_span(fields + 2 * (field - 1), data, found);
    }
    leave(around, &in);
}

/* The votes of one commit go to rows from `votes` on, of which there are `room`. Returns how many they are, or -1: no room. */
static int64_t read_slots(part *in, const uint8_t *data, int64_t record, int64_t *row, int64_t *votes, size_t room) {
    size_t n = 0;
    int64_t slot = 0;
    for (; in->p < in->end && !in->odd; slot++) {
        part one = message(in, 4);
        const uint64_t flag = number(&one, 1);
        const piece address = bytes(&one, 2);
        part peek = one;
        const piece time = content(&peek, 3);
        int64_t seconds;
        uint64_t nanos;
        instant(&one, 3, &seconds, &nanos);
        const piece signature = bytes(&one, 4);
        if (flag < ABSENT || flag > NIL || slot >= SLOTS_MAX) one.odd = 1;
        if (flag == ABSENT) {
            if (address.p || signature.p || seconds != YEAR_1 || nanos) one.odd = 1;
        } else if (address.len != ADDRESS || signature.len != SIGNATURE || seconds < -YEARS_MAX || seconds >= YEARS_MAX) {
            one.odd = 1;
        }
        leave(in, &one);
        if (in->odd || flag == ABSENT) continue;
        if (n == room) return -1;
        int64_t *vote = votes + n++ * PC_CV_CELLS;
        vote[PC_CV_RECORD] = record;
        vote[PC_CV_SLOT] = slot;
        vote[PC_CV_FLAG] = (int64_t)flag;
        vote[PC_CV_ADDRESS] = address.p - data;
        vote[PC_CV_SIGNATURE] = signature.p - data;
        put_span(vote + PC_CV_TIME, data, time);
    }
    row[PC_CM_SLOTS] = slot;
    if (slot == 0) in->odd = 1;
    return (int64_t)n;
}

int64_t pc_cometbft_commits(const pc_spans *records, int64_t *rows, int64_t *votes, size_t capacity) {
    if (!records || records->n > PC_MAX_ITEMS || (records->n && (!records->start || !records->end || !rows)) ||
        (records->size && !records->data) || (capacity && !votes))
        return PC_ERR_ARGUMENT;
    const uint8_t *data = records->size ? records->data : (const uint8_t *)"";
    size_t kept = 0;
    for (size_t i = 0; i < records->n; i++) {
        const int64_t start = records->start[i * records->stride], end = records->end[i * records->stride];
        if (start < 0 || end < start || (uint64_t)end > records->size) return PC_ERR_ARGUMENT;
        int64_t *row = rows + i * PC_CM_CELLS, n;
        memset(row, 0, PC_CM_CELLS * sizeof *row);
        row[PC_CM_FIRST] = (int64_t)kept;
        part in = {data + start, data + end, 0};
        read_header(&in, data, row);
        part commit = message(&in, 2);
        row[PC_CM_COMMIT_HEIGHT] = (int64_t)number(&commit, 1);
        row[PC_CM_ROUND] = (int64_t)number(&commit, 2);
        if (row[PC_CM_COMMIT_HEIGHT] <= 0 || row[PC_CM_ROUND] < 0 || row[PC_CM_ROUND] > INT32_MAX) commit.odd = 1;
        part peek = commit;
        put_span(row + PC_CM_BLOCK_ID, data, content(&peek, 3));
        const piece claimed = block_id(&commit, 3, 1);
        row[PC_CM_CLAIMED] = claimed.p ? claimed.p - data : 0;
        n = commit.odd || in.odd ? 0
                                 : read_slots(&commit, data, (int64_t)i, row, votes + kept * PC_CV_CELLS, capacity - kept);
        if (n < 0) return PC_ERR_ARGUMENT;
        leave(&in, &commit);
        row[PC_CM_USUAL] = !in.odd && in.p == in.end;
        if (row[PC_CM_USUAL]) kept += (size_t)n;
    }
    return (int64_t)kept;
}

/* ---- what is hashed and signed -------------------------------------------------------------------------------------- */

static int span_ok(const int64_t *cells, size_t size) {
    return cells[0] >= 0 && cells[0] <= cells[1] && (uint64_t)cells[1] <= size;
}

static uint8_t *put_varint(uint8_t *out, uint64_t v) {
    for (; v >= 0x80; v >>= 7) *out++ = (uint8_t)(v | 0x80);
    *out++ = (uint8_t)v;
    return out;
}

static uint8_t *put(uint8_t *out, const uint8_t *from, size_t len) {
    memcpy(out, from, len);
    return out + len;
}

/* The fields that are messages already, and the height, which has the same bytes in one but for its field's number. */
static int is_whole(size_t field) { return field == 0 || field == 2 || field == 3 || field == 4; }

/* The leaves of one header, each behind the byte that leaves are hashed with; offsets: 15. NULL: cells that no scan has made. */
static uint8_t *put_leaves(uint8_t *out, const uint8_t *data, size_t size, const int64_t *row, int64_t *offsets) {
    const uint8_t *first = out;
    offsets[0] = 0;
    for (size_t field = 0; field < PC_CM_LEAVES; field++) {
        const int64_t *cells = row + PC_CM_FIELDS + 2 * field;
        if (!span_ok(cells, size)) return NULL;
        const size_t len = (size_t)(cells[1] - cells[0]);
        *out++ = 0;
        if (len && !is_whole(field)) {
            *out++ = 1 << 3 | WIRE_BYTES;
            out = put_varint(out, len);
        }
        if (len) memcpy(out, data + cells[0], len);
        if (field == 2 && len) *out = 1 << 3;
        out += len;
        offsets[field + 1] = out - first;
    }
    return out;
}

int pc_cometbft_hashes(int backend, int sha256, const uint8_t *data, size_t size, const int64_t *rows, size_t n,
                       uint8_t *hashes) {
    if (n > PC_MAX_ITEMS || (n && (!rows || !hashes)) || (size && !data) || size > PTRDIFF_MAX / 8) return PC_ERR_ARGUMENT;
    enum { GROUP = 16, PAIR = 2 * HASH + 1 };
    uint8_t leaves[GROUP * LEAVES_MAX], nodes[GROUP * PC_CM_LEAVES * HASH], pairs[GROUP * PC_CM_LEAVES / 2 * PAIR];
    uint8_t above[GROUP * PC_CM_LEAVES / 2 * HASH];
    int64_t offsets[GROUP * PC_CM_LEAVES + 1];
    for (size_t first = 0; first < n;) {
        size_t count = 0;
        uint8_t *out = leaves;
        for (; count < GROUP && first + count < n; count++) {
            const int64_t *row = rows + (first + count) * PC_CM_CELLS, before = out - leaves;
            int64_t *at = offsets + count * PC_CM_LEAVES;
            for (size_t field = 0; field < PC_CM_LEAVES; field++)
                if (row[PC_CM_FIELDS + 2 * field + 1] - row[PC_CM_FIELDS + 2 * field] > LEAF_MAX) return PC_ERR_ARGUMENT;
            if (!(out = put_leaves(out, data, size, row, at))) return PC_ERR_ARGUMENT;
            for (size_t i = 0; i <= PC_CM_LEAVES; i++) at[i] += before;
        }
        const pc_column column = {.data = leaves, .offsets = offsets};
        int code = pc_hash_batch(backend, sha256, NULL, 0, &column, count * PC_CM_LEAVES, nodes);
        for (size_t k = PC_CM_LEAVES; k > 1 && !code; k = (k + 1) / 2) {
            const size_t half = k / 2;
            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < half; j++) {
                    uint8_t *pair = pairs + (i * half + j) * PAIR;
                    pair[0] = 1;
                    memcpy(pair + 1, nodes + (i * k + 2 * j) * HASH, 2 * HASH);
                }
            }
            code = pc_hash_rows(backend, sha256, pairs, PAIR, count * half, above);
            for (size_t i = 0; i < count; i++) { /* moves down: nodes of a header end before those of the next one begin */
                const size_t to = i * (half + k % 2);
                if (k % 2) memmove(nodes + (to + half) * HASH, nodes + (i * k + k - 1) * HASH, HASH);
                memcpy(nodes + to * HASH, above + i * half * HASH, half * HASH);
            }
        }
        if (code) return code;
        memcpy(hashes + first * HASH, nodes, count * HASH);
        first += count;
    }
    return 0;
}

/* A precommit as a CanonicalVote behind its length (types/canonical.go); `out` has PC_CM_MESSAGE bytes. NULL: cells that no scan
 * has made. */
static uint8_t *put_vote(uint8_t *out, const uint8_t *data, size_t size, const int64_t *row, const int64_t *vote) {
    const int64_t *id = row + PC_CM_BLOCK_ID, *chain = row + PC_CM_FIELDS + 2, *time = vote + PC_CV_TIME;
    if (!span_ok(id, size) || !span_ok(chain, size) || !span_ok(time, size)) return NULL;
    const int for_block = vote[PC_CV_FLAG] != NIL;
    const size_t id_len = (size_t)(id[1] - id[0]), chain_len = (size_t)(chain[1] - chain[0]),
                 time_len = (size_t)(time[1] - time[0]);
    if (id_len > 127 || chain_len > 127 || time_len > 127) return NULL;
    const uint64_t height = (uint64_t)row[PC_CM_COMMIT_HEIGHT], round = (uint64_t)row[PC_CM_ROUND];
    const size_t body = 11u + (round ? 9u : 0u) + (for_block ? 2 + id_len : 0) + 2 + time_len + 2 + chain_len;
    out = put_varint(out, body);
    out = put(out, (const uint8_t *)"\x08\x02\x11", 3);
    out = put(out, (const uint8_t *)&height, 8); /* little-endian, as every machine that this is built for */
    if (round) {
        *out++ = 0x19;
        out = put(out, (const uint8_t *)&round, 8);
    }
    if (for_block) {
        *out++ = 0x22;
        *out++ = (uint8_t)id_len;
        out = put(out, data + id[0], id_len);
    }
    *out++ = 0x2a;
    *out++ = (uint8_t)time_len;
    out = put(out, data + time[0], time_len);
    *out++ = 0x32;
    *out++ = (uint8_t)chain_len;
    return put(out, data + chain[0], chain_len);
}

int64_t pc_cometbft_signed(const pc_cometbft_rows *in, const int64_t *chosen, size_t n, uint8_t *signatures,
                           uint8_t *messages, int64_t *offsets) {
    if (!in || n > PC_MAX_ITEMS / PC_CM_MESSAGE || !offsets || (n && (!chosen || !signatures || !messages)) ||
        (in->size && !in->data) || (in->n_commits && !in->commits) || (in->n_votes && !in->votes))
        return PC_ERR_ARGUMENT;
    uint8_t *out = messages;
    offsets[0] = 0;
    for (size_t i = 0; i < n; i++) {
        if (chosen[i] < 0 || (uint64_t)chosen[i] >= in->n_votes) return PC_ERR_ARGUMENT;
        const int64_t *vote = in->votes + chosen[i] * PC_CV_CELLS, record = vote[PC_CV_RECORD], at = vote[PC_CV_SIGNATURE];
        if (record < 0 || (uint64_t)record >= in->n_commits || at < 0 || in->size < SIGNATURE ||
            (uint64_t)at > in->size - SIGNATURE)
            return PC_ERR_ARGUMENT;
        memcpy(signatures + i * SIGNATURE, in->data + at, SIGNATURE);
        out = put_vote(out, in->data, in->size, in->commits + record * PC_CM_CELLS, vote);
        if (!out) return PC_ERR_ARGUMENT;
        offsets[i + 1] = out - messages;
    }
    return offsets[n];
}

int64_t pc_cometbft_addresses(const pc_cometbft_rows *in, uint8_t *addresses) {
    if (!in || (in->size && !in->data) || (in->n_votes && (!in->votes || !addresses))) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < in->n_votes; i++) {
        const int64_t at = in->votes[i * PC_CV_CELLS + PC_CV_ADDRESS];
        if (at < 0 || in->size < ADDRESS || (uint64_t)at > in->size - ADDRESS) return PC_ERR_ARGUMENT;
        memcpy(addresses + i * ADDRESS, in->data + at, ADDRESS);
    }
    return (int64_t)in->n_votes;
}

int64_t pc_cometbft_choose(const pc_cometbft_rows *in, const pc_cometbft_choice *how, int64_t *starts, int64_t *chosen,
                           pc_commit_vote *votes) {
    if (!in || !how || !starts || (in->size && !in->data) || (in->n_commits && !in->commits) ||
        (in->n_votes && (!in->votes || !chosen || !votes)) || (how->n && (!how->powers || !how->addresses)))
        return PC_ERR_ARGUMENT;
    size_t kept = 0, i = 0;
    for (size_t record = 0; record < in->n_commits; record++) {
        const int ours = in->commits[record * PC_CM_CELLS + PC_CM_SLOTS] == (int64_t)how->n;
        int64_t power = 0;
        starts[record] = (int64_t)kept;
        for (; i < in->n_votes && in->votes[i * PC_CV_CELLS + PC_CV_RECORD] == (int64_t)record; i++) {
            const int64_t *vote = in->votes + i * PC_CV_CELLS, slot = vote[PC_CV_SLOT], at = vote[PC_CV_ADDRESS];
            if (!ours || (vote[PC_CV_FLAG] == NIL && !how->nil) || (how->brief && power >= how->needed)) continue;
            if (slot < 0 || (uint64_t)slot >= how->n || at < 0 || in->size < ADDRESS || (uint64_t)at > in->size - ADDRESS)
                return PC_ERR_ARGUMENT;
            const uint8_t fits = memcmp(in->data + at, how->addresses + slot * ADDRESS, ADDRESS) == 0;
            chosen[kept] = (int64_t)i;
            votes[kept++] = (pc_commit_vote){(int32_t)slot, (int32_t)slot, (uint8_t)(vote[PC_CV_FLAG] - 1), 0, fits, 0};
            if (__builtin_add_overflow(power, how->powers[slot], &power)) return PC_ERR_ARGUMENT;
        }
    }
    starts[in->n_commits] = (int64_t)kept;
    return i == in->n_votes ? (int64_t)kept : PC_ERR_ARGUMENT;
}
