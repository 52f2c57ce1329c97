/* One gRPC connection of a client, which carries one call at a time. HTTP/2 is nghttp2's; gRPC's frames of messages are made
 * and read here.
 *
 *     h2_caller_open      a connection; what it wants to say first leaves with the first call
 *     h2_caller_begin     a call: the headers and one message
 *     h2_caller_run       sends and receives over a socket until the call is over; or, for those who have another kind of
 *     h2_caller_collect   transport: bytes for the peer,
 *     h2_caller_receive   bytes of the peer
 *     h2_caller_answer    what came
 *     h2_caller_taken     it was read, and the next call may begin
 *
 * Everything of a peer is bounded before it costs: header lists and the message by what `h2_caller_open` is told, interim
 * answers and frames that bring nothing by a leaky bucket. No memory is taken ahead of the bytes that came. No threads.
 */
#ifndef PYCORE_CALLER_H
#define PYCORE_CALLER_H

#include "http2.h" /* H2_LARGE, H2_HEADERS, H2_SQUEEZED, H2_ODD, H2_CUT: what is wrong with an answer */

enum { H2_MANY = 4096, H2_MEMORY = 8192 }; /* of an answer: several messages; there was no memory for it */

typedef enum { H2_OVER, H2_LATE, H2_GONE, H2_INTERRUPTED } h2_outcome;

/* Header lists have the form name NUL value NUL ...; pointers are NULL for what did not come, and valid until
 * h2_caller_taken. code: of RFC 9113, with which the stream ended; 0 for none. */
typedef struct {
    const char *head, *tail;
    const uint8_t *message;
    size_t head_size, tail_size, message_size;
    unsigned flags;
    uint32_t code;
} h2_answer;

typedef struct h2_caller h2_caller;

/* headers: most bytes of a header list, as RFC 9113 counts them. message: most bytes of an answer's message. NULL where there
 * is no memory. */
h2_caller *h2_caller_open(uint32_t headers, uint32_t message);
void h2_caller_close(h2_caller *c);

enum { H2_BUSY = -1, H2_NO_FORM = -2 };

/* head: of the form above, pseudo header fields first, at most 64 fields and 60,000 bytes. body: less than 4 GiB; it has to
 * stay until the call is over. 0; H2_BUSY where another call is open, the connection carries no more, or there is no memory;
 * H2_NO_FORM for another head or body. */
int h2_caller_begin(h2_caller *c, const char *head, size_t head_size, const uint8_t *body, size_t body_size);

/* until: of the monotonic clock, in seconds; negative for never. H2_INTERRUPTED: a signal came; to be called again. */
h2_outcome h2_caller_run(h2_caller *c, int fd, double until);

/* Bytes to write, valid until the next call of anything; NULL where there are none. */
const uint8_t *h2_caller_collect(h2_caller *c, size_t *size);
/* 0, or an error of nghttp2: the connection is at its end. */
int h2_caller_receive(h2_caller *c, const uint8_t *data, size_t size);

/* Takes what has come on a socket between two calls, without waiting; whether another one may begin. */
int h2_caller_look(h2_caller *c, int fd);

void h2_caller_answer(const h2_caller *c, h2_answer *answer);
void h2_caller_taken(h2_caller *c);

/* Ends the call. */
void h2_caller_reset(h2_caller *c, uint32_t code);

int h2_caller_over(const h2_caller *c);
/* Whether another call may begin. */
int h2_caller_usable(const h2_caller *c);
/* Whether the peer cannot have begun with the call: it said so, or nothing of it has left. */
int h2_caller_unsent(const h2_caller *c);
/* Whether anything of an answer has come. */
int h2_caller_answered(const h2_caller *c);
/* errno of the socket; 0 where it was not its fault. */
int h2_caller_error(const h2_caller *c);
/* nghttp2's words for an error of the peer; empty where there was no error. */
const char *h2_caller_why(const h2_caller *c);

#endif
