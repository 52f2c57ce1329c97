"""The Fabric-X verifier: transactions per second of processor time, from gRPC bytes to statuses.

    python -m bench.fabricx                      ours, and the committer's own verifier where Go builds it
    python -m bench.fabricx --transactions 40000 --block 500 --rounds 5
    python -m bench.fabricx --lone 900           how long one transaction waits for its status

Each verifier is a process; a client here sends VerifierBatch messages and takes every status. Only the verifier's
processor time counts (user and system, all threads), so what the client costs does not matter. Rounds alternate
between the two and the medians are printed. Where Go or its module proxy is absent, the peer is reckoned: 7,550
transactions (MSP: 3,640 with certificates, 4,180 with ids) at 10,500 P-256 verifications per second of `openssl
speed`, scaled by what that gives now.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from bench.fabricx_go import program
from bench.peers import PeerMissingError
from pycore.cli._environment import describe_environment
from pycore.testing.fabricx import FabricXNetwork, batch

METHOD = "/servicepb.Verifier/StartStream"
KINDS = {"ecdsa": 7550, "eddsa": 10600, "certs": 3640, "ids": 4180}
"""Kind -> the committer's transactions per second of processor time where P-256 takes `OPENSSL` verifications."""
OPENSSL = 10_500
CUTOFF = 0.01
"""Seconds that a status may wait for others, with both verifiers."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Verifier:
    """A verifier in a process, and a stream to it."""

    def __init__(self, name: str, process: subprocess.Popen[str], address: str) -> None:
        self.name, self.process = name, process
        self._channel = grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)])
        self._out: queue.Queue[bytes | None] = queue.Queue()
        channel: Any = self._channel  # the stubs demand serializers
        self._call: Any = channel.stream_stream(METHOD)(iter(self._out.get, None))

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def run(self, messages: Sequence[bytes], count: int) -> tuple[float, float]:
        """Seconds of processor time and of the clock, until every request has its status."""
        cpu, clock = self.cpu(), time.perf_counter()
        for message in messages:
            self._out.put(message)
        while count > 0:
            count -= _statuses(next(self._call))
        return self.cpu() - cpu, time.perf_counter() - clock

    def update(self, message: bytes) -> None:
        """Sends a message that is not answered."""
        self._out.put(message)

    def close(self) -> None:
        """Ends the process."""
        self._out.put(None)
        self._call.cancel()
        self._channel.close()
        self.process.terminate()
        self.process.wait()


def _statuses(answer: bytes) -> int:
    """How many statuses a TxStatusBatch has, all of which must be 1."""
    found = at = 0
    while at < len(answer):
        size = answer[at + 1]
        assert size < 128, "a status of a generated transaction is short"
        at += 2 + size
        assert answer[at - 2 : at] == b"\x10\x01"
        found += 1
    return found


@contextlib.contextmanager
def verifiers(update: bytes) -> Iterator[list[Verifier]]:
    """Ours, and the committer's where Go builds it."""
    found: list[Verifier] = []
    try:
        command = [
            sys.executable,
            "-m",
            "pycore.cli",
            "serve",
            "--fabric-x",
            "127.0.0.1:0",
            "--batch-time-cutoff",
            f"{1000 * CUTOFF:.0f}ms",
        ]
        ours = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert ours.stderr is not None
        found.append(Verifier("pycore", ours, json.loads(ours.stderr.readline())["address"]))
        try:
            theirs = subprocess.Popen([program(), "-mode", "serve"], stdout=subprocess.PIPE, text=True)
            assert theirs.stdout is not None
            found.append(Verifier("committer", theirs, theirs.stdout.readline().strip()))
        except PeerMissingError as error:
            print(f"the committer's verifier is absent: {error}")
        for one in found:
            one.update(update)
        yield found
    finally:
        for one in found:
            one.close()


def lone(found: Sequence[Verifier], requests: Sequence[bytes]) -> None:
    """Prints how long single transactions take from sending to status: one sent as soon as the last is answered, one
    within the cutoff after it, one later, in turns."""
    rng, pauses = random.Random(1), ("at once", "within the cutoff", "later")
    taken: dict[tuple[str, str], list[float]] = {(one.name, pause): [] for one in found for pause in pauses}
    for at in range(0, len(requests), 30):
        for one in found:
            for place, request in enumerate(requests[at : at + 30]):
                pause = pauses[place % 3]
                time.sleep({"at once": 0.0, "within the cutoff": rng.random() * CUTOFF, "later": 1.5 * CUTOFF}[pause])
                taken[one.name, pause].append(one.run([batch([request])], 1)[1])
    for (name, pause), seconds in taken.items():
        median, *_, ninth = (1e3 * value for value in statistics.quantiles(seconds, n=10)[4:])
        beyond = sum(value > CUTOFF + 0.002 for value in seconds)
        print(f"{name:10} sent {pause:18} median {median:6.2f} ms, nine in ten within {ninth:6.2f} ms; "
              f"later than the cutoff and 2 ms: {beyond} of {len(seconds)}")  # fmt: skip


def openssl_rate() -> float:
    """P-256 verifications per second of one processor, by OpenSSL."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "ecdsap256"], capture_output=True, text=True, check=True
    )
    found = re.search(r"([\d.]+)\s*$", done.stdout.strip())
    assert found is not None, done.stdout
    return float(found[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=int, default=20_000)
    parser.add_argument("--block", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--lone", type=int, default=0, help="single transactions, in place of blocks")
    given = parser.parse_args(arguments)
    network = FabricXNetwork()
    if given.lone:
        print(f"cpu: {describe_environment()['cpu']}, cutoff {1000 * CUTOFF:.0f} ms")
        with verifiers(batch([], network.update())) as found:
            lone(found, network.requests("ecdsa", given.lone))
        return 0
    rate = openssl_rate()
    print(f"cpu: {describe_environment()['cpu']}, OpenSSL P-256: {rate:,.0f}/s")
    with verifiers(batch([], network.update())) as found:
        for kind in given.kinds:
            requests = network.requests(kind, given.transactions)
            messages = [batch(requests[at : at + given.block]) for at in range(0, len(requests), given.block)]
            for one in found:
                one.run(messages[:8], len(requests[: 8 * given.block]))
            rates: dict[str, list[float]] = {one.name: [] for one in found}
            for _ in range(given.rounds):
                for one in found:
                    rates[one.name].append(len(requests) / one.run(messages, len(requests))[0])
            medians = {name: statistics.median(values) for name, values in rates.items()}
            peer = medians.get("committer", KINDS[kind] * rate / OPENSSL)
            word = "measured" if "committer" in medians else "reckoned"
            print(
                f"{kind:6} {medians['pycore']:10,.0f} tx per CPU second; the committer's {peer:8,.0f} ({word}); "
                f"{medians['pycore'] / peer:5.1f} times"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
