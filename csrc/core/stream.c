/* stream.c - one message that comes in pieces: keeps what does not fill a unit of the hash, and always something of the end, because a
 * last block or subtree may be special. */
#include "dispatch.h"

#include <string.h>

#define STREAM_MAGIC 0x70796873747265ULL

/* The head; the hash's state follows, then the bytes that wait. */
struct pc_hash_stream {
    uint64_t magic; /* catches memory that was never opened */
    int32_t hash, backend;
    size_t waiting; /* bytes, 0 .. unit; 0 only before the first byte */
};
enum { HEAD = 64 };

static size_t round_64(size_t n) { return (n + 63) & ~(size_t)63; }

static uint8_t *state_of(const pc_hash_stream *stream) { return (uint8_t *)stream + HEAD; }
static uint8_t *room_of(const pc_hash_stream *stream, const pc_stream_ops *ops) {
    return state_of(stream) + round_64(ops->state);
}

/* A message in pieces is one message, but BLAKE3 takes it apart into many. */
static int ops_of(int backend, int hash, const pc_stream_ops **ops, int *position) {
    const pc_backend *found;
    if (!pc_hash_at(hash)) return PC_ERR_ARGUMENT;
    int result = pc_resolve(PC_KIND_STREAM, hash, backend, hash == PC_HASH_BLAKE3 ? 64 : 1, &found, position);
    if (result == PC_OK) *ops = found->hash[hash].stream;
    return result;
}

/* Of a stream that was opened. */
static int open_ops(const pc_hash_stream *stream, const pc_stream_ops **ops) {
    if (!stream || ((uintptr_t)stream & 63) || stream->magic != STREAM_MAGIC) return PC_ERR_ARGUMENT;
    return ops_of(stream->backend, stream->hash, ops, NULL);
}

size_t pc_hash_stream_size(int backend, int hash) {
    const pc_stream_ops *ops;
    if (ops_of(backend, hash, &ops, NULL) != PC_OK) return 0;
    return HEAD + round_64(ops->state) + round_64(ops->unit);
}

int pc_hash_stream_open(int backend, int hash, pc_hash_stream *stream) {
    const pc_stream_ops *ops;
    int position;
    if (!stream || ((uintptr_t)stream & 63)) return PC_ERR_ARGUMENT;
    int result = ops_of(backend, hash, &ops, &position);
    if (result != PC_OK) return result;
    *stream = (pc_hash_stream){STREAM_MAGIC, hash, position, 0};
    ops->start(state_of(stream));
    return PC_OK;
}

int pc_hash_stream_update(pc_hash_stream *stream, const uint8_t *data, size_t len) {
    const pc_stream_ops *ops;
    int result = open_ops(stream, &ops);
    if (result != PC_OK) return result;
    if (!data && len) return PC_ERR_ARGUMENT;
    uint8_t *room = room_of(stream, ops);
    if (stream->waiting) {
        size_t part = ops->unit - stream->waiting < len ? ops->unit - stream->waiting : len;
        if (part) memcpy(room + stream->waiting, data, part);
        stream->waiting += part;
        if (part == len) return PC_OK;
        data += part, len -= part;
        ops->absorb(state_of(stream), room, 1);
        stream->waiting = 0;
    }
    if (len == 0) return PC_OK;
    size_t units = (len - 1) / ops->unit;
    if (units) ops->absorb(state_of(stream), data, units);
    stream->waiting = len - units * ops->unit;
    memcpy(room, data + units * ops->unit, stream->waiting);
    return PC_OK;
}

int pc_hash_stream_digest(const pc_hash_stream *stream, uint8_t *digest) {
    const pc_stream_ops *ops;
    int result = open_ops(stream, &ops);
    if (result != PC_OK) return result;
    if (!digest) return PC_ERR_ARGUMENT;
    ops->finish(state_of(stream), room_of(stream, ops), stream->waiting, digest);
    return PC_OK;
}
