"""CometBFT commits of 100 validators, from protobuf bytes to reports, on one thread: this library, PyNaCl, CometBFT.

    python -m bench.commits                       1,000 commits of one set
    python -m bench.commits --backend avx2 --rounds 9 --json

PyNaCl's side is a loop over signatures, keys and signed bytes that are ready: of the same signatures that the mode
looks at. CometBFT's is its Go code on one core: VerifyCommit and VerifyCommitLight of parsed commits ("parsed"), or
from the same bytes as here, with the checks that the reports have ("bytes"). "alone" verifies one commit a call.

Measured in turn, in processor time, so that other work on the machine counts less: the medians over rounds, and the
median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import pycore
from bench import chain_programs
from bench.peers import PeerMissingError
from pycore.cli._environment import describe_environment
from pycore.consensus import ValidatorSet, verify_commit, verify_commits
from pycore.ledgers.cometbft import encoding, signbytes
from pycore.ledgers.cometbft.messages import ABSENT, SignedHeader
from pycore.testing.cometbft import Chain, make_commit

VALIDATORS = 100
SAMPLE = 2000  # signatures of PyNaCl's loop
TARGETS = {"avx512ifma": (25.0, 8.0, 0.35), "avx2": (14.0, 4.0, 0.35)}
"""Backend -> times PyNaCl's speed, times CometBFT's, latency over CometBFT's."""

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """A line of the result: microseconds a commit of ours and the peer's, their ratio, and the ratio asked for."""

    work: str
    ours_us: float
    peer: str
    peer_us: float
    ratio: float
    target: str


class Go:
    """The Go program with the commits loaded."""

    def __init__(self, validators: ValidatorSet, records: Sequence[bytes]) -> None:
        command = chain_programs.cometbft()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._count = len(records)
        for line in (f"set {validators.to_bytes().hex()}", *(f"load {record.hex()}" for record in records)):
            if self._ask(line).startswith("refused"):
                raise RuntimeError("CometBFT refuses what is to be measured")

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def _used(self) -> float:
        """Processor seconds of all its threads."""
        stats = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text().split()[0]) for one in stats) / 1e9

    def seconds(self, call: str) -> float:
        """Of one call over all commits, each."""
        before = self._used()
        if int(self._ask(call)) != self._count:
            raise RuntimeError("CometBFT refuses what is to be measured")
        return (self._used() - before) / self._count

    def close(self) -> None:
        """Ends the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def generate(count: int, varied: bool) -> tuple[ValidatorSet, list[SignedHeader]]:
    """Commits of one set: by all of it, or with up to ten others absent and nil at every height."""
    chain = Chain(blocks=count, validators=VALIDATORS, transactions=0, seed=1)
    signers, rng, headers = chain.signers[0], random.Random(2), []
    for i in range(count):
        header = chain.signed_header(i)
        if varied:
            out = rng.sample(range(VALIDATORS), rng.randrange(11))
            cut = rng.randrange(len(out) + 1)
            block, time_ns = header.header, header.header.time_ns
            commit = make_commit(
                signers, chain.block_ids[i], block.height, time_ns=time_ns, absent=out[:cut], nil=out[cut:]
            )
            header = SignedHeader(block, commit)
        headers.append(header)
    return ValidatorSet([one.validator for one in signers]), headers


def nacl_loop(validators: ValidatorSet, headers: Sequence[SignedHeader]) -> Callable[[], float]:
    """Seconds that a signature takes PyNaCl, everything about it being ready."""
    try:
        from nacl.signing import VerifyKey
    except ImportError:
        raise PeerMissingError("PyNaCl is not installed") from None
    ready = []
    for one in headers:
        texts = signbytes.commit(one.header.chain_id, one.commit)
        slots = enumerate(one.commit.signatures)
        ready += [(i, texts[i], slot.signature) for i, slot in slots if slot.flag != ABSENT]
        if len(ready) >= SAMPLE:
            break
    keys = [VerifyKey(one.public_key) for one in validators.validators]
    given = [(keys[i], message, signature) for i, message, signature in ready]

    def run() -> float:
        begin = time.process_time()
        for key, message, signature in given:
            key.verify(message, signature)
        return (time.process_time() - begin) / len(given)

    return run


def ours(validators: ValidatorSet, records: Sequence[bytes], mode: str, *, alone: bool) -> float:
    """Processor seconds a commit."""
    begin = time.process_time()
    if alone:
        reports = [verify_commit(validators, one, mode=mode, form="wire", threads=1) for one in records]
    else:
        reports = verify_commits(validators, records, mode=mode, form="wire", threads=1)
    used = time.process_time() - begin
    if not all(one.valid and one.complete for one in reports):
        raise RuntimeError("a commit is not valid")
    return used / len(records)


def measure(count: int, rounds: int, varied: bool, targets: tuple[float, float, float] | None) -> list[Row]:
    """All rows of one shape of commits."""
    validators, headers = generate(count, varied)
    records = [encoding.signed_header(one) for one in headers]
    looked_at = {
        mode: statistics.mean(len(one.positions) for one in verify_commits(validators, records, mode=mode, form="wire"))
        for mode in ("full", "light")
    }
    loop, go = _or_none(lambda: nacl_loop(validators, headers)), _or_none(lambda: Go(validators, records))
    few = records[:200]
    gc.collect()
    gc.freeze()  # what was generated is not the garbage collector's to walk through
    found: dict[str, list[float]] = {}
    for _ in range(rounds + 1):  # the first one warms everybody up
        for mode in ("full", "light"):
            found.setdefault(mode, []).append(ours(validators, records, mode, alone=False))
            found.setdefault(f"{mode} alone", []).append(ours(validators, few, mode, alone=True))
            if loop is not None:
                found.setdefault(f"{mode} nacl", []).append(loop() * looked_at[mode])
            if go is not None:
                found.setdefault(f"{mode} parsed", []).append(go.seconds(f"run {mode}"))
                found.setdefault(f"{mode} bytes", []).append(go.seconds(f"wire {mode}"))
    if go is not None:
        go.close()
    shape = "up to ten others do not sign" if varied else "all sign"
    return _rows(found, f"{count:,} commits of {VALIDATORS}, {shape}", targets)


def _or_none(make: Callable[[], T]) -> T | None:
    try:
        return make()
    except PeerMissingError as error:
        print(f"not measured: {error}")
        return None


def _rows(found: dict[str, list[float]], shape: str, targets: tuple[float, float, float] | None) -> list[Row]:
    rows = []
    for mode in ("full", "light"):
        asked = targets or (0.0, 0.0, 0.0)
        for own, peer, name, target in (
            (mode, f"{mode} nacl", "PyNaCl, the signatures alone", f">= {asked[0]:g}"),
            (mode, f"{mode} parsed", "CometBFT, parsed", f">= {asked[1]:g}" if mode == "light" else ""),
            (mode, f"{mode} bytes", "CometBFT, bytes", ""),
            (f"{mode} alone", f"{mode} parsed", "CometBFT, parsed", f"<= {asked[2]:g}" if mode == "light" else ""),
        ):
            if peer not in found:
                continue
            mine, others = found[own][1:], found[peer][1:]
            latency = own.endswith("alone")
            ratios = [a / b if latency else b / a for a, b in zip(mine, others, strict=True)]
            rows.append(
                Row(
                    f"{shape}, {own}", 1e6 * statistics.median(mine), name, 1e6 * statistics.median(others),
                    statistics.median(ratios), target if targets else "",
                )
            )  # fmt: skip
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backend", help="force one backend; `pycore info` lists them")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with pycore.use_backend(options.backend) if options.backend else nullcontext():
        backend = options.backend or pycore.capabilities().active["ed25519"]
        rows = []
        for varied in (False, True):
            rows += measure(options.commits, options.rounds, varied, TARGETS.get(backend))
    environment = describe_environment()
    if options.json:
        print(json.dumps({"environment": environment, "backend": backend, "rows": [asdict(row) for row in rows]}))
        return 0
    print(f"{environment['cpu']}, {backend}, one thread, {options.rounds} rounds")
    for row in rows:
        print(
            f"{row.work:62} {row.ours_us:8.1f} us   {row.peer:28} {row.peer_us:8.1f} us   {row.ratio:6.2f} {row.target}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
