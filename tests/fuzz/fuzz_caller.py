"""The client's side of a connection: whole answers are read whatever the cuts; broken ones end the call, the
connection, or neither, and no memory stays.

    python tests/fuzz/fuzz_caller.py --seconds 10 --seed 1

Half of the connections have frames that were changed, dropped, repeated or made up. Calls are given up at random.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
from collections import Counter
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
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    message,
)

from pycore import _http2

_HEAD = b":method\0POST\0:scheme\0http\0:path\0/service/Method\0:authority\0localhost\0"
_LIMIT = 20_000


def _fields(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"\0" + bytes([len(k)]) + k + bytes([len(v)]) + v for k, v in pairs)


_FIRST = _fields((b":status", b"200"), (b"content-type", b"application/grpc"))
_LAST = _fields((b"grpc-status", b"0"))


def _answer(rng: random.Random, stream: int, body: bytes) -> list[bytes]:
    """The frames of a good answer."""
    frames = []
    if rng.random() < 0.1:
        frames.append(frame(HEADERS, END_HEADERS, stream, _fields((b":status", b"103"))))
    frames.append(frame(HEADERS, END_HEADERS, stream, _FIRST))
    whole = message(body)
    while whole:
        size = min(len(whole), rng.choice((1, 4, 5, 6, 100, 16_384)))
        frames.append(frame(DATA, 0, stream, whole[:size]))
        whole = whole[size:]
        if rng.random() < 0.2:
            between = (
                frame(PING, 0, 0, bytes(8)),
                frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
                frame(DATA, 8, stream, b"\0"),
            )
            frames.append(rng.choice(between))
    return [*frames, frame(HEADERS, END_HEADERS | END_STREAM, stream, _LAST)]


def _made_up(rng: random.Random, stream: int) -> bytes:
    kind = rng.choice((DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, 5, 9, 77))
    return frame(
        kind, rng.randrange(256), rng.choice((0, stream, stream + 2)), rng.randbytes(rng.choice((0, 4, 8, 30)))
    )


def _broken(rng: random.Random, frames: list[bytes], stream: int) -> list[bytes]:
    """The frames with some of them changed."""
    found = []
    for one in frames:
        chance = rng.random()
        if chance < 0.05:
            continue
        if chance < 0.1:
            found.append(_made_up(rng, stream))
        elif chance < 0.15:
            at = rng.randrange(len(one))
            found.append(one[:at] + bytes([rng.randrange(256)]) + one[at + 1 :])
            continue
        elif chance < 0.18:
            found.append(frame(RST_STREAM, 0, stream, struct.pack(">I", rng.randrange(16))))
        elif chance < 0.2:
            found.append(frame(GOAWAY, 0, 0, struct.pack(">II", rng.choice((0, stream)), rng.randrange(14))))
        found.append(one)
    return found


def _collected(caller: _http2.Caller) -> int:
    size = 0
    while (more := caller.collect()) is not None:
        size += len(more)
    return size


def _demand(held: bool, what: str) -> None:
    if not held:
        raise DifferenceError(what)


def _call(rng: random.Random, caller: _http2.Caller, stream: int, greeting: bytes, good: bool) -> None:
    question, body = rng.randbytes(rng.choice((0, 10, 3000))), rng.randbytes(rng.choice((0, 1, 50, 5000, _LIMIT)))
    caller.begin(_HEAD, question)
    _demand(_collected(caller) > 0, "nothing of a call was sent")
    frames = _answer(rng, stream, body)
    if not good:
        frames = _broken(rng, frames, stream)
    data = greeting + b"".join(frames)
    while data and not caller.over:
        size = rng.choice((1, 9, 100, 1 << 14))
        try:
            caller.receive(data[:size])
        except ValueError:
            _demand(not good, "a good answer was an error")
            _demand(not caller.usable, "a broken connection goes on")
            break
        data = data[size:]
        if rng.random() < 0.2:
            _collected(caller)
        if not good and rng.random() < 0.002:
            caller.reset(8)
    if not caller.over:
        caller.reset(8)
    unsent, answered = caller.unsent, caller.answered
    head, found, tail, flags, code = caller.answer()
    _demand(not (unsent and answered), "an answer to a call that was not sent")
    _demand(head is None or answered, "an answer that has not come")
    if tail is not None:
        _demand(head is not None, "the end of an answer without its beginning")
    if good:
        ends = head is not None and tail == b"grpc-status\x000\x00"
        _demand(ends and (found, flags, code) == (body, 0, 0), "a good answer was another one")
    if found is not None:
        _demand(not flags and len(found) <= _LIMIT, "a message that there is not")
    _collected(caller)


class DifferenceError(AssertionError):
    """A good answer was not read as it was sent, or a bad one as a good one."""


def run(connections: int, seed: int, seconds: float = float("inf")) -> Counter[str]:
    """How many calls were good and bad, and how many connections ended before their last call."""
    seen: Counter[str] = Counter()
    end = time.monotonic() + seconds
    for number in range(connections):
        if time.monotonic() > end:
            break
        rng = random.Random(f"{seed} {number}")
        good = rng.random() < 0.5
        caller = _http2.Caller(8192, _LIMIT)
        for i in range(rng.randrange(1, 5)):
            if not caller.usable:
                _demand(not good, "a connection with good answers ended")
                seen["ended"] += 1
                break
            greeting = b"" if i else frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0)
            _call(rng, caller, 2 * i + 1, greeting, good)
            seen["good" if good else "bad"] += 1
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(dict(run(sys.maxsize, given.seed, given.seconds)))


if __name__ == "__main__":
    main()
