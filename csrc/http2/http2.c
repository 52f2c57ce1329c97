#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inside.h"

enum {
    CONNECTION_ROOM = 1 << 24,
    PING_STRIKES = 4,   /* pings that come too early, before a connection is ended */
    PING_EVERY_S = 300, /* without an answer in between */
    MANY_EVENTS = 1024, /* room for more of them is not kept */
    SMALL = 1 << 16,    /* bytes of a message that never count for the room */
};
static const uint8_t NOTICE[8] = {'p', 'y', 'c', 'o', 'r', 'e', 0, 1};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- events ---- */

h2_event *h2i_event_new(h2_connection *c, int32_t id) {
    if (c->n_events == c->event_capacity) {
        const size_t capacity = c->event_capacity ? 2 * c->event_capacity : 64;
        h2_event *more = realloc(c->events, capacity * sizeof *more);
        if (!more) {
            c->failed = NGHTTP2_ERR_NOMEM;
            return NULL;
        }
        c->events = more, c->event_capacity = capacity;
    }
    h2_event *e = &c->events[c->n_events++];
    *e = (h2_event){.stream = id, .timeout = -1};
    return e;
}

/* The event of a stream to which more can be added: its last one of this batch, while no message stands in the way. */
static h2_event *event_of(h2_connection *c, stream *s, uint32_t adds) {
    if (s->batch == c->batch && s->event < c->n_events) {
        h2_event *e = &c->events[s->event];
        const uint32_t last = H2_END | H2_CLOSED | H2_LARGE | H2_FULL | H2_CUT | H2_ODD;
        if (e->stream == s->id && !(e->flags & last) && !(adds == H2_MESSAGE && e->message)) return e;
    }
    h2_event *e = h2i_event_new(c, s->id);
    if (e) s->event = c->n_events - 1, s->batch = c->batch;
    return e;
}

size_t h2_take_events(h2_connection *c, h2_event **events) {
    const size_t n = c->n_events;
    *events = c->events;
    c->n_events = 0;
    c->batch++;
    return n;
}

/* ---- streams ---- */

void h2i_piece_free(h2_connection *c, piece *p) {
    c->memory->drop(p->body);
    free(p);
}

static void unhold(h2_connection *c, stream *s, int64_t size) {
    if (size > s->held) size = s->held;
    s->held -= size;
    c->room->held -= size;
}

static void message_drop(h2_connection *c, stream *s) {
    if (s->message) c->memory->drop(s->message);
    unhold(c, s, s->partial);
    s->partial = 0;
    s->message = NULL;
    s->have = s->want = s->capacity = 0;
    s->prefixed = 0;
}

static void stream_free(h2_connection *c, stream *s) {
    message_drop(c, s);
    unhold(c, s, s->held);
    for (piece *p = s->first, *next; p; p = next) {
        next = p->next;
        h2i_piece_free(c, p);
    }
    if (s->before)
        s->before->after = s->after;
    else
        c->streams = s->after;
    if (s->after) s->after->before = s->before;
    c->open--;
    free(s->head);
    free(s->tail);
    free(s);
}

/* Whether a frame that brings nothing is one too many. */
static int wasteful(h2_connection *c, double cost) {
    const double now = now_s(), most = c->limits.idle;
    c->idle -= (now - c->idle_at) * most / 4;
    if (c->idle < 0) c->idle = 0;
    c->idle_at = now;
    c->idle += cost;
    return c->idle > most;
}

/* The end of a connection that costs too much. */
static int calm(h2_connection *c) {
    const int32_t last = nghttp2_session_get_last_proc_stream_id(c->session);
    if (!c->abusive) nghttp2_session_terminate_session2(c->session, last, NGHTTP2_ENHANCE_YOUR_CALM);
    c->abusive = 1;
    return 0;
}

/* ---- headers ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    h2_connection *c = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    if (c->open >= c->limits.streams)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    stream *s = calloc(1, sizeof *s);
    if (!s) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->id = frame->hd.stream_id;
    s->timeout = -1;
    s->after = c->streams;
    if (s->after) s->after->before = s;
    c->streams = s;
    c->open++;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    return 0;
}

/* grpc-timeout: 1 to 8 digits and a unit. Nanoseconds, or -2. */
static int64_t timeout_ns(const uint8_t *text, size_t size) {
    int64_t n = 0;
    if (size < 2 || size > 9) return -2;
    for (size_t i = 0; i + 1 < size; i++) {
        if (text[i] < '0' || text[i] > '9') return -2;
        n = 10 * n + (text[i] - '0');
    }
    switch (text[size - 1]) {
    case 'n':
        return n;
    case 'u':
        return n * 1000;
    case 'm':
        return n * 1000000;
    case 'S':
        return n * 1000000000;
    case 'M':
        return n > 150000000 ? INT64_MAX : n * 60000000000;
    case 'H':
        return n > 2500000 ? INT64_MAX : n * 3600000000000;
    default:
        return -2;
    }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *user) {
    h2_connection *c = user;
    (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!s) return 0;
    s->listed += name_size + value_size + 32;
    if (s->listed > c->limits.headers) {
        s->too_long = 1;
        /* or the bytes of a list without an end would cost time for nothing */
        return s->listed > 4 * (size_t)c->limits.headers ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
    }
    if (name_size == 12 && !memcmp(name, "grpc-timeout", 12)) {
        s->timeout = timeout_ns(value, value_size);
        return 0;
    }
    const size_t more = name_size + value_size + 2;
    if (s->head_size + more > s->head_capacity) {
        const size_t capacity = 2 * s->head_capacity + more + 256;
        char *head = realloc(s->head, capacity);
        if (!head) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        s->head = head, s->head_capacity = capacity;
    }
    char *to = s->head + s->head_size;
    memcpy(to, name, name_size);
    to[name_size] = 0;
    memcpy(to + name_size + 1, value, value_size);
    to[name_size + 1 + value_size] = 0;
    s->head_size += more;
    return 0;
}

static int begin_call(h2_connection *c, stream *s) {
    h2_event *e = h2i_event_new(c, s->id);
    if (!e) return NGHTTP2_ERR_CALLBACK_FAILURE;
    s->event = c->n_events - 1, s->batch = c->batch;
    s->told = 1;
    e->flags = H2_CALL | (s->too_long ? H2_HEADERS : 0);
    e->timeout = s->timeout;
    if (s->too_long) s->refused = 1;
    if (!(e->head = c->memory->make(s->head_size))) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (s->head_size) memcpy(c->memory->bytes(e->head), s->head, s->head_size);
    free(s->head);
    s->head = NULL;
    s->head_size = s->head_capacity = 0;
    return 0;
}

/* ---- messages ---- */

static void stop_reading(h2_connection *c, stream *s, uint32_t flag, uint32_t code) {
    message_drop(c, s);
    s->refused = 1;
    h2_event *e = event_of(c, s, flag);
    if (e) e->flags |= flag, e->code = code;
}

/* Room for `more` bytes that are here. */
static int grow(h2_connection *c, stream *s, size_t more) {
    const uint64_t need = (uint64_t)s->have + more;
    if (s->message && need <= s->capacity) return 1;
    uint64_t capacity = 2 * (uint64_t)s->have;
    if (capacity < need) capacity = need;
    if (capacity > s->want) capacity = s->want;
    if (capacity > SMALL) {
        const int64_t held = (int64_t)capacity - s->partial;
        if (c->room->held + held > c->room->most) return 0;
        s->partial += held;
        s->held += held;
        c->room->held += held;
    }
    s->message = s->message ? c->memory->resize(s->message, capacity) : c->memory->make(capacity);
    s->capacity = s->message ? (uint32_t)capacity : 0;
    return s->message != NULL;
}

static int whole(h2_connection *c, stream *s) {
    h2_event *e = event_of(c, s, H2_MESSAGE);
    if (!e) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (!s->message && !(s->message = c->memory->make(0))) return NGHTTP2_ERR_CALLBACK_FAILURE;
    e->flags |= H2_MESSAGE | (s->prefix[0] ? H2_SQUEEZED : 0);
    e->message = s->message;
    s->message = NULL;
    s->have = s->want = s->capacity = 0;
    s->prefixed = 0;
    s->partial = 0; /* it stays held until it is taken */
    s->untaken++;
    return 0;
}

/* The peer may send other bytes: as many as were taken, and all of a message for which somebody waits. */
static void give_back(h2_connection *c, stream *s, size_t size) {
    const size_t n = !s->untaken || s->refused || size > s->owed ? s->owed : size;
    if (n) nghttp2_session_consume_stream(c->session, s->id, n);
    s->owed -= n;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size, void *user) {
    h2_connection *c = user;
    stream *s = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    if (nghttp2_session_consume_connection(session, size)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (!s || s->refused) {
        nghttp2_session_consume_stream(session, id, size);
        return 0;
    }
    s->owed += size;
    while (size && !s->refused) {
        if (s->prefixed < PREFIX) {
            while (size && s->prefixed < PREFIX) s->prefix[s->prefixed++] = *data++, size--;
            if (s->prefixed < PREFIX) break;
            if (s->prefix[0] > 1) {
                stop_reading(c, s, H2_ODD, s->prefix[0]);
                break;
            }
            s->want =
                (uint32_t)s->prefix[1] << 24 | (uint32_t)s->prefix[2] << 16 | (uint32_t)s->prefix[3] << 8 | s->prefix[4];
            if (s->want > c->limits.message) {
                stop_reading(c, s, H2_LARGE, s->want);
                break;
            }
        } else {
            const size_t part = size < s->want - s->have ? size : s->want - s->have;
            if (!grow(c, s, part)) {
                stop_reading(c, s, H2_FULL, s->want);
                break;
            }
            memcpy(c->memory->bytes(s->message) + s->have, data, part);
            s->have += (uint32_t)part, data += part, size -= part;
        }
        if (s->have == s->want && s->prefixed == PREFIX) {
            const int error = whole(c, s);
            if (error) return error;
        }
    }
    give_back(c, s, 0);
    return 0;
}

void h2_taken(h2_connection *c, int32_t id, size_t size) {
    stream *s = stream_at(c, id);
    if (!s) return;
    unhold(c, s, (int64_t)size <= s->held - s->partial ? (int64_t)size : s->held - s->partial);
    if (s->untaken) s->untaken--;
    give_back(c, s, size + PREFIX);
}

static void half_closed(h2_connection *c, stream *s) {
    if (s->ended) return;
    s->ended = 1;
    if (s->refused) return;
    h2_event *e = event_of(c, s, H2_END);
    if (e) e->flags |= H2_END | (s->prefixed ? H2_CUT : 0);
    message_drop(c, s);
}

/* ---- frames ---- */

static int on_ping(h2_connection *c, const nghttp2_frame *frame) {
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
        if (!memcmp(frame->ping.opaque_data, NOTICE, sizeof NOTICE)) {
            h2_event *e = h2i_event_new(c, 0);
            if (e) e->flags = H2_PONG;
        }
        return 0;
    }
    const double now = now_s();
    if (c->pinged_at > 0 && now - c->pinged_at < PING_EVERY_S) {
        if (++c->strikes > PING_STRIKES) return calm(c);
    } else {
        c->pinged_at = now;
    }
    return 0;
}

/* The cost of a frame that may bring nothing; those that begin or carry calls have other bounds. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
    double cost = 1;
    (void)session;
    if (hd->type == NGHTTP2_HEADERS || hd->type == NGHTTP2_CONTINUATION) return 0;
    if (hd->type == NGHTTP2_DATA && (hd->length || hd->flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    if (hd->type == NGHTTP2_RST_STREAM) cost = 0.1; /* deadlines of many calls pass at once */
    if (hd->type == NGHTTP2_WINDOW_UPDATE) cost = 0.01;
    return wasteful(user, cost) ? calm(user) : 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    h2_connection *c = user;
    stream *s;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (!s) return 0;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            const int error = begin_call(c, s);
            if (error) return error;
        }
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) half_closed(c, s);
        return 0;
    case NGHTTP2_DATA:
        if (frame->hd.length && frame->hd.length == frame->data.padlen && wasteful(c, 1)) return calm(c); /* padding alone */
        s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) half_closed(c, s);
        return 0;
    case NGHTTP2_PING:
        return on_ping(c, frame);
    default:
        return 0;
    }
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user) {
    (void)session, (void)frame, (void)code;
    return wasteful(user, 10) ? calm(user) : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    h2_connection *c = user;
    stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (!s) return 0;
    h2_event *e = s->told ? h2i_event_new(c, id) : NULL;
    const int failed = s->told && !e;
    if (e) e->flags = H2_CLOSED, e->code = code;
    stream_free(c, s);
    return failed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* ---- the connection ---- */

static nghttp2_session *session_new(h2_connection *c) {
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks)) return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, h2i_on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, h2i_on_frame_unsent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (!nghttp2_option_new(&option)) {
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1); /* gRPC's other servers take them */
        nghttp2_option_set_max_outbound_ack(option, 1000);
        nghttp2_option_set_max_settings(option, 32);
#ifdef H2_RESET_LIMIT /* the bucket here counts them */
        nghttp2_option_set_stream_reset_rate_limit(option, 1 << 30, 1 << 30);
#endif
        if (nghttp2_session_server_new2(&session, callbacks, c, option)) session = NULL;
        nghttp2_option_del(option);
    }
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

h2_connection *h2_open(const h2_memory *memory, const h2_limits *limits, h2_room *room) {
    h2_connection *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->memory = memory, c->limits = *limits, c->room = room, c->batch = 1;
    c->idle_at = now_s();
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, UINT32_MAX}, /* tell_streams */
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->headers},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    if (!(c->session = session_new(c)) ||
        nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) ||
        nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_ROOM)) {
        h2_close(c);
        return NULL;
    }
    return c;
}

void h2_close(h2_connection *c) {
    if (!c) return;
    for (stream *s = c->streams, *after; s; s = after) {
        after = s->after;
        stream_free(c, s);
    }
    if (c->session) nghttp2_session_del(c->session);
    for (size_t i = 0; i < c->n_events; i++) {
        if (c->events[i].head) c->memory->drop(c->events[i].head);
        if (c->events[i].message) c->memory->drop(c->events[i].message);
    }
    free(c->events);
    free(c);
}

void h2_room_empty(h2_room *room) {
    free(room->out);
    room->out = NULL, room->out_capacity = 0;
}

int h2_receive(h2_connection *c, const uint8_t *data, size_t size) {
    if (c->abusive) c->failed = NGHTTP2_ERR_FLOODED; /* it was told, unless it does not read, and goes on */
    if (c->failed) return c->failed;
    if (!c->n_events && c->event_capacity > MANY_EVENTS) {
        free(c->events);
        c->events = NULL, c->event_capacity = 0;
    }
    const long n = (long)nghttp2_session_mem_recv(c->session, data, size);
    if (n < 0) c->failed = (int)n;
    return c->failed;
}

/* A peer that opens more streams than it was told has its connection ended by nghttp2. Other servers of gRPC refuse the stream,
 * and so does on_begin_headers: nghttp2 knows of no bound, which is written here into the first frame. */
static void tell_streams(h2_connection *c, uint8_t *out, size_t size) {
    enum { FRAME = 9, ENTRY = 6 };
    if (c->told || size < FRAME + ENTRY) return;
    c->told = 1;
    if (out[3] != NGHTTP2_SETTINGS || out[FRAME + 1] != NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) return;
    for (int i = 0; i < 4; i++) out[FRAME + 2 + i] = (uint8_t)(c->limits.streams >> (24 - 8 * i));
}

const uint8_t *h2_collect(h2_connection *c, size_t most, size_t *size) {
    size_t have = 0;
    while (have < most) {
        const uint8_t *data;
        const long n = (long)nghttp2_session_mem_send(c->session, &data);
        if (n <= 0) {
            if (n < 0) c->failed = (int)n;
            break;
        }
        h2_room *room = c->room;
        if (have + (size_t)n > room->out_capacity) {
            const size_t capacity = 2 * (have + (size_t)n);
            uint8_t *out = realloc(room->out, capacity);
            if (!out) {
                c->failed = NGHTTP2_ERR_NOMEM;
                break;
            }
            room->out = out, room->out_capacity = capacity;
        }
        memcpy(room->out + have, data, (size_t)n);
        have += (size_t)n;
    }
    tell_streams(c, c->room->out, have);
    *size = have;
    return have ? c->room->out : NULL;
}

int h2_notice(h2_connection *c) {
    return nghttp2_submit_shutdown_notice(c->session) || nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NOTICE) ? -1 : 0;
}

int h2_goaway(h2_connection *c, uint32_t code) {
    const int32_t last = nghttp2_session_get_last_proc_stream_id(c->session);
    return nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, last, code, NULL, 0) ? -1 : 0;
}

size_t h2_streams(const h2_connection *c) { return c->open; }

size_t h2_queued(const h2_connection *c) { return nghttp2_session_get_outbound_queue_size(c->session); }

int h2_done(const h2_connection *c) {
    return c->failed || (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session));
}
