/* lane.c - the same-host lane's part that must not wait for Python: a packet there and one back, and the columns of a request
 * where they are. See pycore.h and docs/design/0023-same-host-lane.md. */
#ifdef __linux__
#    define _GNU_SOURCE /* ppoll */
#    include <errno.h>
#    include <poll.h>
#    include <sys/socket.h>
#    include <time.h>
#    include <unistd.h>
#endif
#include "protobuf.h"

/* ---- columns -------------------------------------------------------------------------------------------------------- */

enum { COLUMN_DATA = 1, COLUMN_WIDTH = 2, COLUMN_OFFSETS = 3 };

/* Whether the bytes are a Column of data, width and offsets, each at most once. */
static int cut_column(const uint8_t *raw, const uint8_t *p, const uint8_t *end, int64_t cells[PC_CUT_CELLS]) {
    unsigned seen = 0;
    memset(cells, 0, PC_CUT_CELLS * sizeof *cells);
    while (p < end) {
        pc_token t;
        if (pc_protobuf_tag(&p, end, &UPB, &t) || t.number < COLUMN_DATA || t.number > COLUMN_OFFSETS) return 0;
        if (t.wire != (t.number == COLUMN_WIDTH ? WIRE_VARINT : WIRE_BYTES) || seen >> t.number & 1) return 0;
        if (pc_protobuf_value(&p, end, &UPB, &t) || t.flags || t.value > UINT32_MAX) return 0;
        seen |= 1u << t.number;
        if (t.number == COLUMN_WIDTH) {
            cells[PC_CUT_WIDTH] = (int64_t)t.value;
        } else {
            int64_t *span = cells + (t.number == COLUMN_DATA ? PC_CUT_DATA : PC_CUT_OFFSETS);
            span[0] = t.start - raw;
            span[1] = t.end - raw;
        }
    }
    return 1;
}

int64_t pc_columns_cut(const uint8_t *raw, size_t size, uint32_t first, uint32_t n, int64_t *cells, uint8_t *rest,
                       size_t room) {
    const uint8_t *p = raw, *const end = raw + size;
    uint32_t seen = 0;
    size_t kept = 0;
    if (n == 0 || n >= 32) return PC_ERR_ARGUMENT;
    while (p < end) {
        pc_token t;
        if (pc_protobuf_tag(&p, end, &UPB, &t) || t.number == 0 || pc_protobuf_value(&p, end, &UPB, &t) || t.flags)
            return PC_ERR_ARGUMENT;
        const uint32_t i = t.number - first;
        if (t.number < first || i >= n) {
            const size_t length = (size_t)(t.end - t.tag);
            if (length > room - kept) return PC_ERR_ARGUMENT;
            memcpy(rest + kept, t.tag, length);
            kept += length;
        } else {
            if (t.wire != WIRE_BYTES || seen >> i & 1) return PC_ERR_ARGUMENT;
            if (!cut_column(raw, t.start, t.end, cells + i * PC_CUT_CELLS)) return PC_ERR_ARGUMENT;
            seen |= 1u << i;
        }
    }
    return seen + 1 == 1u << n ? (int64_t)kept : PC_ERR_ARGUMENT;
}

/* ---- packets -------------------------------------------------------------------------------------------------------- */

#ifdef __linux__
enum { NS = 1000000000, FDS = 4 };

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

static int64_t take(int fd, uint8_t *packet, size_t room, int got[2]) {
    union {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(FDS * sizeof(int))];
    } control;
    struct iovec part = {packet, room};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    const ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) return -(int64_t)errno;
    got[0] = -1;
    got[1] = (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
            if (got[0] < 0) {
                got[0] = one;
            } else {
                close(one);
                got[1] = 1;
            }
        }
    }
    return n;
}

static int64_t earlier(int64_t time, int64_t limit) { return limit >= 0 && limit < time ? limit : time; }

/* 0 once something can be read, or -errno. */
static int64_t sleep_until(int fd, int64_t end) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const int64_t left = end < 0 ? 0 : end - now();
    const struct timespec t = {left / NS, left % NS};
    if (end >= 0 && left <= 0) return -ETIMEDOUT;
    const int n = ppoll(&p, 1, end < 0 ? NULL : &t, NULL);
    return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -(int64_t)errno;
}

int64_t pc_lane_exchange(int fd, const uint8_t *packet, size_t n, int64_t sleep_ns, int64_t spin_ns, int64_t limit_ns,
                         uint8_t *answer, size_t room, int *got) {
    const int64_t begin = now(), limit = limit_ns < 0 ? -1 : begin + limit_ns;
    int64_t found = -EAGAIN;
    got[0] = -1;
    got[1] = 0;
    while (n && send(fd, packet, n, MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return -(int64_t)errno;
    if (spin_ns > 0) {
        const int64_t middle = earlier(begin + sleep_ns, limit), end = earlier(begin + sleep_ns + spin_ns, limit);
        if (sleep_ns > 0) (void)sleep_until(fd, middle);
        do {
            found = take(fd, answer, room, got);
        } while (found == -EAGAIN && now() < end);
    }
    while (found == -EAGAIN) {
        const int64_t fault = sleep_until(fd, limit);
        found = fault ? fault : take(fd, answer, room, got);
    }
    return found;
}
#else
int64_t pc_lane_exchange(int fd, const uint8_t *packet, size_t n, int64_t sleep_ns, int64_t spin_ns, int64_t limit_ns,
                         uint8_t *answer, size_t room, int *got) {
    (void)fd, (void)packet, (void)n, (void)sleep_ns, (void)spin_ns, (void)limit_ns, (void)answer, (void)room, (void)got;
    return PC_ERR_BACKEND;
}
#endif
