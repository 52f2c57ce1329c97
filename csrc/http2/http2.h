/* One gRPC connection of a server, as bytes in and bytes out. HTTP/2 is nghttp2's; gRPC's frames of messages are read here.
 *
 *     h2_open      a connection; what it wants to say first is collected at once
 *     h2_receive   bytes of the peer: leaves events
 *     h2_respond   an answer, or a part of one
 *     h2_collect   bytes for the peer: leaves events
 *
 * Everything of a peer is bounded before it costs: the header list and messages by `limits`, messages that are not whole
 * yet over all connections by `h2_room`, frames that bring nothing by a leaky bucket. No memory is taken ahead of the bytes
 * that came. No threads in here, and no sockets.
 *
 * Memory of messages is the caller's: `h2_memory` says how it is had, so that it can be a Python object from the first byte.
 */
#ifndef PYCORE_HTTP2_H
#define PYCORE_HTTP2_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    void *(*make)(size_t capacity); /* NULL where there is no memory */
    void *(*resize)(void *blob,
                    size_t capacity); /* the blob, moved; NULL, and the old one is gone, where there is no memory */
    uint8_t *(*bytes)(void *blob);
    size_t (*size)(void *blob);
    void (*keep)(void *blob); /* one owner more */
    void (*drop)(void *blob);
} h2_memory;

/* Shared by the connections of a server: how many bytes of messages that are not whole, or not taken yet, they may hold, how
 * many they do, and where they put what they collect. Begins as zeros and `most`. */
typedef struct {
    int64_t most, held;
    uint8_t *out;
    size_t out_capacity;
} h2_room;

typedef struct {
    uint32_t message; /* bytes of one message */
    uint32_t streams; /* calls at once */
    uint32_t headers; /* bytes of a header list, as RFC 9113 counts them */
    uint32_t window;  /* of a stream: bytes that may come before somebody takes them */
    uint32_t idle;    /* frames that bring nothing: so many at once, and a quarter of it each second */
} h2_limits;

enum {                    /* what an event tells; several may be true */
       H2_CALL = 1,       /* begins: `head` has its header list, `timeout` the grpc-timeout */
       H2_MESSAGE = 2,    /* `message` is whole */
       H2_END = 4,        /* the peer sends no more */
       H2_CLOSED = 8,     /* the stream is gone: `code` is an error code of RFC 9113, 0 where all was sent */
       H2_SENT = 16,      /* of a stream: every message that was given has left */
       H2_LARGE = 32,     /* a message is larger than the limit: `code` has the declared size; the rest is not read */
       H2_FULL = 64,      /* there is no room for a message; the rest is not read */
       H2_HEADERS = 128,  /* the header list is larger than the limit */
       H2_PONG = 256,     /* the answer to the ping of a shutdown notice */
       H2_SQUEEZED = 512, /* the message's flag says that it is compressed */
       H2_CUT = 1024,     /* ended inside of a message */
       H2_ODD = 2048      /* a message's flag is `code`, neither 0 nor 1; the rest is not read */
};

typedef struct {
    uint32_t flags, code;
    int32_t stream;
    int64_t timeout; /* nanoseconds; -1 for none, -2 for one that cannot be read */
    void *head;      /* name NUL value NUL ..., blob; NULL where there is none */
    void *message;   /* blob; NULL where there is none */
} h2_event;

typedef struct h2_connection h2_connection;

/* NULL where there is no memory. The room outlives the connection. */
h2_connection *h2_open(const h2_memory *memory, const h2_limits *limits, h2_room *room);
void h2_close(h2_connection *c);
/* After its last connection. */
void h2_room_empty(h2_room *room);

/* 0, or an error: the connection is at its end, and what is still to collect says why. */
int h2_receive(h2_connection *c, const uint8_t *data, size_t size);

/* Events since the last call; their blobs are the caller's. They are valid until the next call of anything. */
size_t h2_take_events(h2_connection *c, h2_event **events);

/* A part of an answer. head: the first headers, of the form of events, without :status; NULL where they were given. body: a
 * message, of which the connection becomes an owner; NULL for none. tail: the last headers: nothing comes after them; NULL
 * where something does. head and tail without body are one header list. watched: an H2_SENT event follows. 0, or -1 where
 * the stream is gone, or there is no memory. */
int h2_respond(h2_connection *c, int32_t stream, const char *head, size_t head_size, void *body, const char *tail,
               size_t tail_size, int watched);

/* A final answer in plain HTTP, for what is no gRPC. */
int h2_refuse_http(h2_connection *c, int32_t stream, const char *status);

/* A message was taken from a stream: the peer may send as many bytes more. */
void h2_taken(h2_connection *c, int32_t stream, size_t size);

void h2_reset(h2_connection *c, int32_t stream, uint32_t code);

/* Bytes to write: at most `most` and the rest of a frame. NULL and 0 where there is nothing. Valid until the next call for any
 * connection of the room. */
const uint8_t *h2_collect(h2_connection *c, size_t most, size_t *size);

/* Tells the peer to begin no more calls here. Those on their way are still taken until h2_goaway. */
int h2_notice(h2_connection *c);
int h2_goaway(h2_connection *c, uint32_t code);

/* Calls that are open. */
size_t h2_streams(const h2_connection *c);
/* Frames that wait to be collected. */
size_t h2_queued(const h2_connection *c);
/* Whether everything was said: nothing to read and nothing to write any more. */
int h2_done(const h2_connection *c);

#endif
