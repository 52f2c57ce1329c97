"""Connections of the second front end: whole ones give the messages that were sent, whatever the cuts; broken ones give
events in order, and no memory stays.

    python tests/fuzz/fuzz_http2.py --seconds 10 --seed 1

Half of the connections have frames that were changed, dropped, repeated or made up. While they are read calls are
answered, in parts or at once, reset, and drained, at random.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    headers,
    message,
)

from pycore import _http2

MESSAGE, ROOM = 200_000, 1 << 20
HEAD, TAIL = b"content-type\0application/grpc\0", b"grpc-status\x000\0"
KINDS = (DATA, HEADERS, 2, RST_STREAM, SETTINGS, 5, PING, GOAWAY, WINDOW_UPDATE, 9, 77)
LAST = _http2.END | _http2.LARGE | _http2.FULL | _http2.CUT | _http2.ODD


class DifferenceError(AssertionError):
    """Something that a connection must not do."""


def frames_of(rng: random.Random) -> tuple[list[bytes], dict[int, list[bytes]]]:
    """Frames of a few calls, in a random order that keeps each call's, and the messages of each."""
    queues: list[list[bytes]] = []
    sent: dict[int, list[bytes]] = {}
    number = 1
    for _ in range(rng.randint(1, 6)):
        bodies = [rng.randbytes(rng.choice((0, 1, 5, 300, 16_000, 70_000))) for _ in range(rng.choice((0, 1, 1, 1, 3)))]
        more = rng.choice(((), (("grpc-timeout", "5S"),), (("k", "v" * 100),)))
        data = b"".join(map(message, bodies))
        queue = [frame(HEADERS, END_HEADERS | (0 if data else END_STREAM), number, headers("/a/B", *more))]
        at = 0
        while at < len(data):
            size = rng.choice((1, 4, 6, 1000, 16_384))
            part = data[at : at + size]
            at += len(part)
            queue.append(frame(DATA, END_STREAM if at == len(data) else 0, number, part))
            if rng.random() < 0.7 and size < 1000:  # not too many tiny ones
                part, at = data[at : at + 16_384], min(at + 16_384, len(data))
                if part:
                    queue.append(frame(DATA, END_STREAM if at == len(data) else 0, number, part))
        queues.append(queue)
        sent[number] = bodies
        number += 2
    ours = struct.pack(">HI", 4, rng.choice((0, 100, 65_535)))
    out = [frame(SETTINGS, 0, 0, ours), frame(SETTINGS, ACK, 0), queues[0].pop(0)]
    out += [queue.pop(0) for queue in queues[1:]]  # streams begin in order
    while queues := [queue for queue in queues if queue]:
        out.append(rng.choice(queues).pop(0))
    return out, sent


def mutated(rng: random.Random, frames: list[bytes]) -> list[bytes]:
    """A few changes."""
    out = list(frames)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out))
        kind = rng.randrange(6)
        if kind == 0 and out[at]:
            one = bytearray(out[at])
            one[rng.randrange(min(len(one), rng.choice((9, 40, 20_000))))] = rng.randrange(256)
            out[at] = bytes(one)
        elif kind == 1:
            out.pop(at)
        elif kind == 2:
            out.insert(at, out[rng.randrange(len(out))])
        elif kind == 3:
            junk = rng.randbytes(rng.choice((0, 4, 5, 8, 50)))
            out.insert(at, frame(rng.choice(KINDS), rng.randrange(256), rng.choice((0, 1, 3, 5, 1 << 30)), junk))
        elif kind == 4:
            lie = rng.choice((0, 1, MESSAGE, MESSAGE + 1, 0xFFFFFFFF))
            out.insert(at, frame(DATA, rng.choice((0, 1)), rng.choice((1, 3)), message(b"ab", length=lie)))
        else:
            out[at] = out[at][: rng.randrange(len(out[at]) + 1)]
        out = out or [b"\0"]
    return out


class Reader:
    """One connection, and what it has told."""

    def __init__(self, rng: random.Random, room: _http2.Room, lively: bool) -> None:
        self.rng, self.lively = rng, lively
        self.h2 = _http2.Connection(room, MESSAGE, 100, 4096, 1 << 20, 200)
        self.messages: dict[int, list[bytes]] = defaultdict(list)
        self.ended: set[int] = set()
        self.open: set[int] = set()
        self.closed: set[int] = set()

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data) and not self.h2.done:
            part = data[at : at + self.rng.choice((1, 9, 100, 70_000, 70_000))]
            at += len(part)
            self.take(self.h2.receive(part, len(part)))
            if self.rng.random() < 0.5:
                self.flush()
        self.flush()

    def flush(self) -> None:
        while self.h2.collect(self.rng.choice((1, 1000, 1 << 20))) is not None:
            self.take(self.h2.events())
        self.take(self.h2.events())

    def take(self, events: list[_http2.Event] | None) -> None:
        for flags, stream, _, _, head, body in events or ():
            if flags & _http2.PONG:
                continue
            if flags & _http2.CALL:
                if stream in self.open or stream in self.closed or head is None or len(head) > 4096:
                    raise DifferenceError(f"stream {stream} begins again, or has a long head")
                self.open.add(stream)
            elif stream not in self.open:
                raise DifferenceError(f"stream {stream} is told of before it begins, or after it was closed")
            if stream in self.ended and flags & (_http2.MESSAGE | LAST):
                raise DifferenceError(f"stream {stream} goes on after its end")
            if bool(flags & _http2.MESSAGE) != (body is not None):
                raise DifferenceError("a message without bytes")
            if body is not None:
                if len(body) > MESSAGE:
                    raise DifferenceError("a message that is too large")
                self.messages[stream].append(body)
                self.h2.taken(stream, len(body))
            if flags & LAST:
                self.ended.add(stream)
            if flags & _http2.CLOSED:
                self.open.discard(stream)
                self.closed.add(stream)
            if self.lively:
                self.act(stream)

    def act(self, stream: int) -> None:
        rng, h2 = self.rng, self.h2
        kind = rng.randrange(12)
        if kind == 0:
            h2.respond(stream, HEAD, rng.randbytes(rng.choice((0, 10, 100_000))), TAIL)
        elif kind == 1:
            h2.respond(stream, HEAD, None, TAIL)
        elif kind == 2:
            h2.respond(stream, HEAD, None, None)
        elif kind == 3:
            h2.respond(stream, rng.choice((HEAD, None)), rng.randbytes(5000), None, True)
        elif kind == 4:
            h2.respond(stream, None, None, TAIL)
        elif kind == 5:
            h2.reset(stream, rng.choice((0, 2, 8)))
        elif kind == 6 and rng.random() < 0.1:
            h2.notice()
        elif kind == 7 and rng.random() < 0.1:
            h2.goaway(0)
        elif kind == 8:
            h2.refuse_http(stream, "415")
        elif kind == 9:
            h2.respond(stream, b"no end", None, b"a\0b")


def run(count: int, seed: int, seconds: float | None = None) -> Counter[str]:
    """Reads `count` connections, or for so long; how many ended how.

    Raises:
        DifferenceError: one of them did what it must not do.
    """
    rng, counts = random.Random(seed), Counter[str]()
    end = None if seconds is None else time.monotonic() + seconds
    room = _http2.Room(ROOM)
    while time.monotonic() < end if end is not None else counts.total() < count:
        frames, sent = frames_of(rng)
        whole = rng.random() < 0.5
        reader = Reader(rng, room, lively=not whole)
        reader.feed(PREFACE + b"".join(frames if whole else mutated(rng, frames)))
        if whole:
            for stream, bodies in sent.items():
                if reader.messages[stream] != bodies or stream not in reader.ended:
                    raise DifferenceError(f"stream {stream}: other messages than were sent")
        counts["whole" if whole else "ended" if reader.h2.done else "open"] += 1
        del reader
        if room.held:
            raise DifferenceError(f"{room.held} bytes are held by nobody")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(dict(run(0, arguments.seed, arguments.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
