#define _GNU_SOURCE
#include "caller.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <nghttp2/nghttp2.h>

#ifndef MSG_NOSIGNAL
#    define MSG_NOSIGNAL 0 /* macOS; Python ignores SIGPIPE */
#endif

enum {
    PREFIX = 5,        /* of a message: flag, length */
    FIELDS = 64,       /* of a call's header list */
    MOST_HEAD = 60000, /* its bytes: nghttp2 sends no list of more than 64 KiB */
    OUT = 1 << 18,     /* bytes that are sent at once */
    IN = 1 << 16,      /* and received */
    WINDOW = 1 << 22,  /* of a stream and of the connection: there is one call at a time */
    INTERIM = 8,       /* answers before the answer, such as 103 */
    LOOKS = 16         /* at what came between two calls */
};
static const double IDLE = 1000; /* frames that bring nothing: so many at once, and a quarter of it each second */

typedef struct {
    char *bytes;
    size_t size, capacity, listed;
} list;

struct h2_caller {
    nghttp2_session *session;
    uint32_t most_headers, most_message;
    /* the call */
    int32_t id; /* 0 between two calls */
    uint8_t prefix[PREFIX];
    const uint8_t *body;
    size_t body_size, body_at; /* with the prefix */
    list lists[2];             /* head, tail */
    int at, interim;           /* the list that comes next */
    uint8_t came[PREFIX];
    unsigned came_size;
    uint8_t *message;
    size_t have, want, capacity;
    unsigned flags;
    uint32_t code;
    int over, left, answered;
    /* the connection */
    double idle, idle_at; /* the leaky bucket */
    int failed, goaway, error;
    char why[64]; /* nghttp2's words for what was wrong */
    size_t out_size, out_at;
    uint8_t out[OUT];
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what comes ---- */

/* The call is at its end: by the peer, or because nothing more of it is wanted. */
static void end(h2_caller *c, uint32_t code) {
    if (c->over) return;
    if (!c->flags && ((c->came_size && c->came_size < PREFIX) || c->have < c->want)) c->flags |= H2_CUT;
    c->over = 1;
    c->code = code;
}

static void stop(h2_caller *c, unsigned flag) {
    c->flags |= flag;
    nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, c->id, NGHTTP2_CANCEL);
    end(c, 0);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *user) {
    h2_caller *c = user;
    (void)session, (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id != c->id || c->over || c->at > 1) return 0;
    list *l = &c->lists[c->at];
    l->listed += name_size + value_size + 32;
    if (l->listed > c->most_headers) {
        c->flags |= H2_HEADERS;
        /* or the bytes of a list without an end would cost time for nothing */
        return l->listed > 4 * (size_t)c->most_headers ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
    }
    const size_t more = name_size + value_size + 2;
    if (l->size + more > l->capacity) {
        const size_t capacity = 2 * l->capacity + more + 256;
        char *bytes = realloc(l->bytes, capacity);
        if (!bytes) {
            c->flags |= H2_MEMORY;
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        l->bytes = bytes, l->capacity = capacity;
    }
    char *to = l->bytes + l->size;
    memcpy(to, name, name_size);
    to[name_size] = 0;
    memcpy(to + name_size + 1, value, value_size);
    to[name_size + 1 + value_size] = 0;
    l->size += more;
    return 0;
}

/* A header list is whole. Interim answers (100 to 199) do not count. */
static void listed(h2_caller *c) {
    static const char interim[] = ":status\0001";
    list *l = &c->lists[c->at > 1 ? 1 : c->at];
    c->answered = 1;
    if (c->at == 0 && l->size >= sizeof interim - 1 && !memcmp(l->bytes, interim, sizeof interim - 1)) {
        l->size = l->listed = 0;
        if (++c->interim > INTERIM) stop(c, H2_HEADERS);
        return;
    }
    c->at++;
}

static int on_data(nghttp2_session *session, uint8_t frame_flags, int32_t id, const uint8_t *data, size_t size, void *user) {
    h2_caller *c = user;
    (void)session, (void)frame_flags;
    if (id != c->id || c->over) return 0;
    while (size && c->came_size < PREFIX) {
        c->came[c->came_size++] = *data++, size--;
        if (c->came_size < PREFIX) continue;
        const uint8_t *p = c->came;
        const uint32_t want = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
        if (p[0]) return stop(c, p[0] == 1 ? H2_SQUEEZED : H2_ODD), 0;
        if (want > c->most_message) return stop(c, H2_LARGE), 0;
        c->want = want;
    }
    if (!size) return 0;
    if (size > c->want - c->have) return stop(c, H2_MANY), 0;
    if (c->have + size > c->capacity) { /* grows with the bytes that came */
        size_t capacity = 2 * (c->have + size);
        if (capacity > c->want) capacity = c->want;
        uint8_t *message = realloc(c->message, capacity);
        if (!message) return stop(c, H2_MEMORY), 0;
        c->message = message, c->capacity = capacity;
    }
    memcpy(c->message + c->have, data, size);
    c->have += size;
    return 0;
}

/* A frame that brings nothing; one too many is the end of the connection. */
static void charge(h2_caller *c, double cost) {
    const double now = now_s();
    c->idle -= (now - c->idle_at) * IDLE / 4;
    if (c->idle < 0) c->idle = 0;
    c->idle_at = now;
    c->idle += cost;
    if (c->idle > IDLE && !c->failed) {
        nghttp2_session_terminate_session(c->session, NGHTTP2_ENHANCE_YOUR_CALM);
        c->failed = NGHTTP2_ERR_FLOODED;
        strcpy(c->why, "too many frames that bring nothing");
    }
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
    h2_caller *c = user;
    (void)session;
    const int ours = c->id && hd->stream_id == c->id;
    if (hd->type == NGHTTP2_DATA && hd->length && ours && !c->over) return 0;
    charge(c, hd->type == NGHTTP2_WINDOW_UPDATE ? 0.01 : ours ? 0.1 : 1);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    h2_caller *c = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) c->goaway = 1;
    if (frame->hd.stream_id != c->id || !c->id || c->over) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) listed(c);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == frame->data.padlen) charge(c, 0.1); /* padding alone */
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) || c->over) return 0;
    if (c->body_at < PREFIX + c->body_size) /* answered before all was sent: the rest is of no use */
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, c->id, NGHTTP2_CANCEL);
    end(c, 0);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    h2_caller *c = user;
    (void)session;
    if (id == c->id) end(c, code);
    return 0;
}

/* ---- what goes ---- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *user) {
    h2_caller *c = user;
    size_t done = 0;
    (void)session, (void)source;
    if (id != c->id || c->over) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the body may be gone */
    while (done < size && c->body_at < PREFIX) to[done++] = c->prefix[c->body_at++];
    size_t n = PREFIX + c->body_size - c->body_at;
    if (n > size - done) n = size - done;
    if (n) memcpy(to + done, c->body + (c->body_at - PREFIX), n);
    c->body_at += n;
    if (c->body_at == PREFIX + c->body_size) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(done + n);
}

/* nghttp2 tells the peer, and nobody else, what was wrong. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    h2_caller *c = user;
    (void)session;
    if (frame->hd.type != NGHTTP2_GOAWAY || *c->why) return 0;
    size_t size = frame->goaway.opaque_data_len;
    if (size >= sizeof c->why) size = sizeof c->why - 1;
    if (size) memcpy(c->why, frame->goaway.opaque_data, size);
    return 0;
}

/* An error of the peer makes nghttp2 say GOAWAY, after which it reads no more: nothing would ever end the call. */
static void note_end(h2_caller *c) {
    if (c->failed || (c->goaway && c->over)) return;
    if (!nghttp2_session_want_read(c->session)) c->failed = NGHTTP2_ERR_PROTO;
}

/* Whether there is something to send. */
static int filled(h2_caller *c) {
    if (c->out_at == c->out_size) c->out_at = c->out_size = 0;
    while (c->out_size < OUT / 2) { /* a frame is at most as large as nghttp2 makes them: 16 KiB and its header */
        const uint8_t *frame;
        const ssize_t n = nghttp2_session_mem_send(c->session, &frame);
        if (n < 0 || (size_t)n > OUT - c->out_size) {
            if (!c->failed) c->failed = n < 0 ? (int)n : NGHTTP2_ERR_INTERNAL;
            break;
        }
        if (n == 0) break;
        memcpy(c->out + c->out_size, frame, (size_t)n);
        c->out_size += (size_t)n;
    }
    note_end(c);
    return c->out_at < c->out_size;
}

int h2_caller_receive(h2_caller *c, const uint8_t *data, size_t size) {
    if (c->failed) return c->failed;
    const long n = (long)nghttp2_session_mem_recv(c->session, data, size);
    if (n < 0) c->failed = (int)n;
    if (nghttp2_session_want_write(c->session)) filled(c);
    note_end(c);
    return c->failed;
}

const uint8_t *h2_caller_collect(h2_caller *c, size_t *size) {
    *size = 0;
    if (!filled(c)) return NULL;
    const uint8_t *bytes = c->out + c->out_at;
    *size = c->out_size - c->out_at;
    c->out_at = c->out_size;
    c->left = 1;
    return bytes;
}

/* Sends without waiting. 0, or errno: EAGAIN where the rest has to wait. */
static int send_some(h2_caller *c, int fd) {
    while (filled(c)) {
        const ssize_t n = send(fd, c->out + c->out_at, c->out_size - c->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EWOULDBLOCK ? EAGAIN : errno;
        c->out_at += (size_t)n;
        c->left = 1;
    }
    return 0;
}

/* Receives without waiting. 0, or errno: EAGAIN where there is nothing, EPIPE at the end. */
static int receive_some(h2_caller *c, int fd) {
    uint8_t in[IN];
    ssize_t n;
    do n = recv(fd, in, sizeof in, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EWOULDBLOCK ? EAGAIN : errno;
    if (n == 0) return EPIPE;
    return h2_caller_receive(c, in, (size_t)n) ? EPROTO : 0;
}

h2_outcome h2_caller_run(h2_caller *c, int fd, double until) {
    int sent = 0; /* errno of the last attempt */
    for (;;) {
        if (sent == 0 || sent == EAGAIN) sent = send_some(c, fd);
        if (c->over) return H2_OVER;
        if (c->failed) return H2_GONE;
        struct pollfd p = {fd, (short)(POLLIN | (sent == EAGAIN ? POLLOUT : 0)), 0};
        double left = until < 0 ? -1 : until - now_s();
        if (until >= 0 && left <= 0) return H2_LATE;
        const int wait = until < 0 ? -1 : left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1;
        const int ready = sent && sent != EAGAIN ? 1 : poll(&p, 1, wait); /* what came before the end is still read */
        if (ready < 0 && errno == EINTR) return H2_INTERRUPTED;
        if (ready < 0) {
            c->error = errno;
            return H2_GONE;
        }
        if (ready == 0 || p.revents == POLLOUT) continue;
        const int error = receive_some(c, fd);
        if (c->over || !error || (error == EAGAIN && (!sent || sent == EAGAIN))) continue;
        if (error == EPROTO) send_some(c, fd); /* why, as far as that goes at once */
        c->failed = c->failed ? c->failed : NGHTTP2_ERR_EOF;
        c->error = error == EAGAIN ? sent : error == EPROTO || error == EPIPE ? 0 : error;
        return H2_GONE;
    }
}

int h2_caller_look(h2_caller *c, int fd) {
    for (int i = 0; i < LOOKS && !c->failed; i++) {
        const int error = receive_some(c, fd);
        if (error == EAGAIN) {
            const int sent = send_some(c, fd);
            return (!sent || sent == EAGAIN) && h2_caller_usable(c);
        }
        if (error == EPROTO) send_some(c, fd);
        if (error) c->failed = c->failed ? c->failed : NGHTTP2_ERR_EOF;
    }
    return 0;
}

/* ---- calls ---- */

/* Fields of a header list; 0 for another form, or too many. */
static size_t fields_of(nghttp2_nv *fields, const char *head, size_t size) {
    size_t n = 0;
    if (!size || head[size - 1]) return 0;
    for (const char *at = head, *stop_at = head + size; at < stop_at; n++) {
        if (n == FIELDS) return 0;
        const size_t name_size = strlen(at);
        const char *value = at + name_size + 1;
        if (!name_size || value >= stop_at) return 0;
        const size_t value_size = strlen(value);
        fields[n] =
            (nghttp2_nv){(uint8_t *)(uintptr_t)at, (uint8_t *)(uintptr_t)value, name_size, value_size, NGHTTP2_NV_FLAG_NONE};
        at = value + value_size + 1;
    }
    return n;
}

int h2_caller_begin(h2_caller *c, const char *head, size_t head_size, const uint8_t *body, size_t body_size) {
    nghttp2_nv fields[FIELDS];
    const size_t n = fields_of(fields, head, head_size);
    if (!h2_caller_usable(c)) return H2_BUSY;
    if (!n || head_size > MOST_HEAD || body_size > UINT32_MAX) return H2_NO_FORM;
    for (int i = 0; i < 2; i++) c->lists[i].size = c->lists[i].listed = 0;
    c->at = c->interim = 0;
    c->came_size = 0, c->have = c->want = 0, c->flags = 0, c->code = 0;
    c->over = c->left = c->answered = c->error = 0;
    c->body = body, c->body_size = body_size, c->body_at = 0;
    c->prefix[0] = 0;
    for (int i = 0; i < 4; i++) c->prefix[1 + i] = (uint8_t)(body_size >> (24 - 8 * i));
    nghttp2_data_provider provider = {.read_callback = read_body};
    c->id = nghttp2_submit_request(c->session, NULL, fields, n, &provider, NULL);
    if (c->id > 0) return 0;
    c->id = 0, c->over = 1;
    return H2_BUSY;
}

void h2_caller_answer(const h2_caller *c, h2_answer *a) {
    memset(a, 0, sizeof *a);
    if (c->at > 0) a->head = c->lists[0].bytes, a->head_size = c->lists[0].size;
    if (c->at > 1) a->tail = c->lists[1].bytes, a->tail_size = c->lists[1].size;
    if (!c->flags && c->came_size == PREFIX) a->message = c->want ? c->message : c->came, a->message_size = c->want;
    a->flags = c->flags | (c->at > 2 ? H2_HEADERS : 0);
    a->code = c->code;
}

void h2_caller_taken(h2_caller *c) {
    c->id = 0, c->over = 1;
    c->body = NULL;
    if (c->capacity <= IN) return;
    free(c->message); /* a connection that is idle keeps nothing of what was long */
    c->message = NULL, c->capacity = 0;
}

void h2_caller_reset(h2_caller *c, uint32_t code) {
    if (!c->id || c->over) return;
    nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, c->id, code);
    end(c, code);
}

/* ---- the connection ---- */

static nghttp2_session *session_new(h2_caller *c) {
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks)) return NULL;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (!nghttp2_option_new(&option)) {
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1); /* gRPC's other clients take them */
        nghttp2_option_set_max_outbound_ack(option, 1000);
        nghttp2_option_set_max_settings(option, 32);
        if (nghttp2_session_client_new2(&session, callbacks, c, option)) session = NULL;
        nghttp2_option_del(option);
    }
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

h2_caller *h2_caller_open(uint32_t headers, uint32_t message) {
    h2_caller *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->most_headers = headers, c->most_message = message;
    c->over = 1;
    c->idle_at = now_s();
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, headers},
    };
    if (!(c->session = session_new(c)) ||
        nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) ||
        nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, WINDOW)) {
        h2_caller_close(c);
        return NULL;
    }
    return c;
}

void h2_caller_close(h2_caller *c) {
    if (!c) return;
    c->over = 1;
    if (c->session) nghttp2_session_del(c->session);
    for (int i = 0; i < 2; i++) free(c->lists[i].bytes);
    free(c->message);
    free(c);
}

int h2_caller_over(const h2_caller *c) { return c->over; }

int h2_caller_usable(const h2_caller *c) {
    return !c->id && !c->failed && !c->goaway && nghttp2_session_check_request_allowed(c->session);
}

int h2_caller_unsent(const h2_caller *c) {
    return !c->left || (c->over && !c->answered && c->code == NGHTTP2_REFUSED_STREAM);
}
int h2_caller_answered(const h2_caller *c) { return c->answered; }
int h2_caller_error(const h2_caller *c) { return c->error; }
const char *h2_caller_why(const h2_caller *c) { return *c->why ? c->why : c->failed ? nghttp2_strerror(c->failed) : ""; }
