/* What http2.c (requests and the connection) and answers.c share. */
#ifndef PYCORE_HTTP2_INSIDE_H
#define PYCORE_HTTP2_INSIDE_H

#include <nghttp2/nghttp2.h>

#include "http2.h"

enum { PREFIX = 5 /* of a message: flag, length */ };

typedef struct piece {
    struct piece *next;
    void *body;
    size_t size, at; /* with the prefix */
} piece;

typedef struct stream {
    struct stream *before, *after; /* of the connection */
    int32_t id;
    /* what comes */
    char *head;
    size_t head_size, head_capacity, listed;
    int64_t timeout;
    uint8_t prefix[PREFIX];
    unsigned prefixed;
    void *message;
    uint32_t have, want, capacity;
    int64_t partial, held; /* of the room: for what is not whole, and for all */
    size_t owed, untaken;  /* bytes for which the peer got no others yet; whole messages that nobody took */
    size_t event;          /* the stream's last, and the batch that it is in */
    uint64_t batch;
    unsigned told : 1, refused : 1, ended : 1, too_long : 1;
    /* what goes */
    unsigned begun : 1, finished : 1, waiting : 1, watched : 1;
    piece *first, *last;
    char *tail;
    size_t tail_size;
} stream;

struct h2_connection {
    nghttp2_session *session;
    const h2_memory *memory;
    h2_limits limits;
    h2_room *room;
    stream *streams;
    size_t open;
    h2_event *events;
    size_t n_events, event_capacity;
    uint64_t batch;
    double idle, idle_at; /* the leaky bucket */
    double pinged_at;
    unsigned strikes;
    int failed, abusive, told;
};

static inline stream *stream_at(h2_connection *c, int32_t id) {
    return nghttp2_session_get_stream_user_data(c->session, id);
}

/* One more event; NULL where there is no memory, and the connection has failed. */
h2_event *h2i_event_new(h2_connection *c, int32_t id);

/* A part of an answer that has left, or never will. */
void h2i_piece_free(h2_connection *c, piece *p);

/* Callbacks of nghttp2 about answers. */
int h2i_on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user);
int h2i_on_frame_unsent(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user);

#endif
