#include <stdlib.h>
#include <string.h>

#include "inside.h"

enum { MOST_FIELDS = 256 /* of a header list of ours */ };

/* The fields of name NUL value NUL ...; -1 where it has another form. */
static int fields(nghttp2_nv *to, int n, const char *from, size_t size) {
    const char *const end = from + size;
    while (from < end) {
        const char *name_end = memchr(from, 0, (size_t)(end - from));
        if (!name_end || n == MOST_FIELDS) return -1;
        const char *value = name_end + 1, *value_end = memchr(value, 0, (size_t)(end - value));
        if (!value_end) return -1;
        to[n++] = (nghttp2_nv){(uint8_t *)(uintptr_t)from, (uint8_t *)(uintptr_t)value, (size_t)(name_end - from),
                               (size_t)(value_end - value), NGHTTP2_NV_FLAG_NONE};
        from = value_end + 1;
    }
    return n;
}

static int status_field(nghttp2_nv *to, const char *status) {
    to[0] = (nghttp2_nv){(uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)status, 7, 3, NGHTTP2_NV_FLAG_NONE};
    return 1;
}

static void piece_prefix(const piece *p, uint8_t prefix[PREFIX]) {
    const uint32_t n = (uint32_t)(p->size - PREFIX);
    prefix[0] = 0, prefix[1] = (uint8_t)(n >> 24), prefix[2] = (uint8_t)(n >> 16), prefix[3] = (uint8_t)(n >> 8);
    prefix[4] = (uint8_t)n;
}

static size_t pieces_read(h2_connection *c, stream *s, uint8_t *to, size_t room) {
    size_t n = 0;
    while (s->first && n < room) {
        piece *p = s->first;
        size_t part;
        if (p->at < PREFIX) {
            uint8_t prefix[PREFIX];
            piece_prefix(p, prefix);
            part = PREFIX - p->at < room - n ? PREFIX - p->at : room - n;
            memcpy(to + n, prefix + p->at, part);
        } else {
            part = p->size - p->at < room - n ? p->size - p->at : room - n;
            memcpy(to + n, c->memory->bytes(p->body) + (p->at - PREFIX), part);
        }
        n += part, p->at += part;
        if (p->at == p->size) {
            s->first = p->next;
            if (!s->first) s->last = NULL;
            h2i_piece_free(c, p);
        }
    }
    return n;
}

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                           nghttp2_data_source *source, void *user) {
    h2_connection *c = user;
    stream *s = source->ptr;
    const size_t n = pieces_read(c, s, to, room);
    if (!s->first && s->watched && n) {
        h2_event *e = h2i_event_new(c, id);
        if (!e) return NGHTTP2_ERR_CALLBACK_FAILURE;
        e->flags = H2_SENT;
        s->watched = 0;
    }
    if (s->first) return (ssize_t)n;
    if (s->finished) {
        nghttp2_nv nv[MOST_FIELDS];
        const int count = fields(nv, 0, s->tail, s->tail_size);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, id, nv, (size_t)count)) return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        return (ssize_t)n;
    }
    if (!n) {
        s->waiting = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

static int queue(h2_connection *c, stream *s, void *body) {
    piece *p = malloc(sizeof *p);
    if (!p) return -1;
    *p = (piece){.body = body, .size = c->memory->size(body) + PREFIX};
    c->memory->keep(body);
    if (s->last)
        s->last->next = p;
    else
        s->first = p;
    s->last = p;
    return 0;
}

static int keep_tail(stream *s, const char *tail, size_t size) {
    nghttp2_nv nv[MOST_FIELDS];
    if (fields(nv, 0, tail, size) < 0 || !(s->tail = malloc(size + 1))) return -1;
    memcpy(s->tail, tail, size);
    s->tail_size = size;
    s->finished = 1;
    return 0;
}

int h2_respond(h2_connection *c, int32_t id, const char *head, size_t head_size, void *body, const char *tail,
               size_t tail_size, int watched) {
    stream *s = stream_at(c, id);
    if (!s || s->finished || (s->begun ? head != NULL : head == NULL)) return -1;
    nghttp2_nv nv[MOST_FIELDS];
    if (!s->begun && tail && !body) { /* one header list */
        int n = fields(nv, status_field(nv, "200"), head, head_size);
        if (n < 0 || (n = fields(nv, n, tail, tail_size)) < 0) return -1;
        s->begun = s->finished = 1;
        return nghttp2_submit_response(c->session, id, nv, (size_t)n, NULL) ? -1 : 0;
    }
    if (body && queue(c, s, body)) return -1;
    if (tail && keep_tail(s, tail, tail_size)) return -1;
    if (watched) s->watched = 1;
    if (!s->begun) {
        const int n = fields(nv, status_field(nv, "200"), head, head_size);
        const nghttp2_data_provider provider = {{.ptr = s}, read_answer};
        if (n < 0) return -1;
        s->begun = 1;
        return nghttp2_submit_response(c->session, id, nv, (size_t)n, &provider) ? -1 : 0;
    }
    if (s->waiting && (s->first || s->finished)) {
        s->waiting = 0;
        return nghttp2_session_resume_data(c->session, id) ? -1 : 0;
    }
    return 0;
}

int h2_refuse_http(h2_connection *c, int32_t id, const char *status) {
    stream *s = stream_at(c, id);
    nghttp2_nv nv[1];
    if (!s || s->begun) return -1;
    s->begun = s->finished = s->refused = 1;
    return nghttp2_submit_response(c->session, id, nv, (size_t)status_field(nv, status), NULL) ? -1 : 0;
}

/* An answer that is over before the request: the peer need not send the rest. */
int h2i_on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    h2_connection *c = user;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    c->strikes = 0;
    c->pinged_at = 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s && !s->ended) return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
    return 0;
}

/* Headers that are larger than nghttp2 sends: without this the peer would wait for ever. */
int h2i_on_frame_unsent(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user) {
    (void)code, (void)user;
    if (frame->hd.type != NGHTTP2_HEADERS || !nghttp2_session_get_stream_user_data(session, frame->hd.stream_id)) return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
}

void h2_reset(h2_connection *c, int32_t id, uint32_t code) {
    if (stream_at(c, id)) nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, id, code);
}
