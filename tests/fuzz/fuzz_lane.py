"""Packets of the same-host lane: each is refused, or read to a call that is written as the same bytes.

    python tests/fuzz/fuzz_lane.py --seconds 10 --seed 1

With --service PATH the packets, some with descriptors, also go to a service that runs there, which must answer or close
the connection each time, and be well afterwards.
"""

from __future__ import annotations

import argparse
import array
import os
import random
import socket
import sys
import time
from collections import Counter

from pycore.wire import frames

METHODS = ("VerifySignatures", "HashBatch", "GetCapabilities", "Check", "Nothing", "")
NUMBERS = (0, 1, 2, 255, 256, 4095, 4096, 32768, 65535, 65536, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1)
PATIENCE_S = 60.0


class DifferenceError(AssertionError):
    """A packet that was read is not written as it was."""


def make(rng: random.Random) -> bytes:
    """A packet of a call, most often a whole one."""
    metadata = tuple(
        (rng.choice(("authorization", "x-request-id", "a", "pycore-priority")), rng.choice(("", "votes", "x" * 300)))
        for _ in range(rng.choice((0, 0, 1, 2, 64)))
    )
    body = None if rng.random() < 0.2 else rng.randbytes(rng.choice((0, 1, 30, 1000)))
    begin, length = (rng.choice(NUMBERS), rng.choice(NUMBERS)) if body is None else (0, 0)
    timeout = rng.choice((0, 0, 1, 1_000_000, (1 << 64) - 1))
    return frames.write_call(
        rng.choice(METHODS), metadata, timeout, body, begin, length, region=rng.random() < 0.2
    )  # fmt: skip


def mutated(rng: random.Random, packet: bytes) -> bytes:
    """One small change, mostly in the head."""
    out, kind = bytearray(packet), rng.randrange(6)
    at = rng.randrange(min(len(out), rng.choice((8, 36, 1 << 20))))
    if kind == 0:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        out[at] = rng.randrange(256)
    elif kind == 2:
        out.insert(at, rng.randrange(256))
    elif kind == 3:
        del out[at]
    elif kind == 4:
        return bytes(out[:at])
    else:
        width = rng.choice((2, 4, 8))
        out[at : at + width] = (rng.choice(NUMBERS) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    return bytes(out)


def judge(packet: bytes) -> str:
    """`read` or `refused`; DifferenceError where what was read is written as something else."""
    try:
        call = frames.read_call(packet)
    except frames.FrameError:
        return "refused"
    again = frames.write_call(
        call.method, call.metadata, call.timeout, call.body, call.begin, call.length, region=call.region
    )
    if again != packet:
        raise DifferenceError(packet.hex())
    return "read"


def send(packet: bytes, rng: random.Random, path: str) -> None:
    """Gives a packet to a service and takes what comes."""
    fds = [os.memfd_create("fuzz", os.MFD_ALLOW_SEALING) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
            caller.settimeout(PATIENCE_S)
            caller.connect(path)
            with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            caller.sendmsg([packet or b"x"], with_it)
            if rng.random() < 0.5:
                answer = caller.recv(frames.MOST_PACKET)
                if answer:
                    frames.read_answer(answer)
    finally:
        for fd in fds:
            os.close(fd)


def run(packets: int, seed: int, path: str | None = None, seconds: float | None = None) -> Counter[str]:
    """How many packets were read and refused."""
    rng, counts = random.Random(seed), Counter[str]()
    end = None if seconds is None else time.monotonic() + seconds
    while sum(counts.values()) < packets and (end is None or time.monotonic() < end):
        packet = make(rng)
        if rng.random() < 0.8:
            packet = mutated(rng, packet)
        counts[judge(packet)] += 1
        if path is not None:
            send(packet, rng, path)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--service", help="the socket of a service that runs")
    arguments = parser.parse_args()
    print(dict(run(1 << 62, arguments.seed, arguments.service, arguments.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
