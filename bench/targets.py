"""The speeds this library is held to, as multiples of its peers': what ``python -m bench`` prints.

:data:`TARGETS` is the whole list. A target names two contestants of its group; the groups (``contests.py``) prepare
their data once and both are timed in turn, window by window, so that a busy machine slows both alike. What counts is
the ratio.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pycore
from pycore.base.jit import warm_up

from . import contests, ledger_contests
from .entrants import Contestant, Plan
from .tree_contests import GROWTH_STEPS
from .tree_peers import GROWTH_PEERS, TREE_PEERS, TRIE_PEERS

_WINDOW = 0.004  # seconds: shorter calls are repeated to fill one, so that the clock's grain does not count
_ROUNDS_AT_MOST = 101
IFMA, AVX2 = "avx512ifma", "avx2"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table.

    Attributes:
        group: whose data and contestants (a key of ``contests.GROUPS``).
        work: what is done, for people.
        ours, peer: contestants of the group; the ratio is (items/s of ours) / (items/s of peer).
        milestone: the ratio to reach, or None where the figure stands for itself.
        needs: the backend that the milestone was set for; on a CPU without it the line says so.
        at_most: instead of a ratio: the most seconds that one call of ours may take.
    """

    group: str
    work: str
    ours: str
    peer: str
    milestone: float | None = None
    needs: str = ""
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A target as measured. `ratio` is the median over rounds; low and high are its quartiles."""

    target: Target
    backend: str
    items: int
    rounds: int = 0
    ours_per_second: float | None = None
    peer_per_second: float | None = None
    peer_version: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    clock: str = "CPU time of one thread"
    missing: str = ""  # why nothing was measured

    @property
    def reached(self) -> bool | None:
        """Whether the milestone is reached; None when there is none, or nothing was measured."""
        if self.target.at_most is not None and self.ours_per_second:
            return self.items / self.ours_per_second <= self.target.at_most
        if self.ratio is None or self.target.milestone is None:
            return None
        return self.ratio >= self.target.milestone

    @property
    def verdict(self) -> str:
        """ "reached", "not reached", "needs avx512ifma: this CPU runs avx2", the missing peer, or nothing."""
        if self.missing:
            return f"not measured: {self.missing}"
        if self.reached is None:
            return ""
        if self.reached:
            return "reached"
        if self.target.at_most is not None and self.ours_per_second:
            return f"not reached: {self.items / self.ours_per_second * 1e6:.1f} us"
        if self.target.needs and self.target.needs != self.backend:
            return f"needs {self.target.needs}: this CPU runs {self.backend}"
        return "not reached"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        target = self.target
        return {
            "group": target.group,
            "work": target.work,
            "items": self.items,
            "backend": self.backend,
            "ours": target.ours,
            "peer": self.peer_version or target.peer,
            "ours_per_second": self.ours_per_second,
            "peer_per_second": self.peer_per_second,
            "ratio": self.ratio,
            "ratio_quartiles": [self.low, self.high],
            "milestone": target.milestone,
            "at_most_seconds": target.at_most,
            "needs": target.needs,
            "reached": self.reached,
            "verdict": self.verdict,
            "rounds": self.rounds,
            "clock": self.clock,
        }


def _signature_targets() -> Iterator[Target]:
    yield Target("ed25519", "ed25519 zip215, distinct keys", "zip215", "PyNaCl", 20, IFMA)
    yield Target("ed25519", "ed25519 strict, distinct keys", "strict", "PyNaCl", 9, IFMA)
    yield Target("ed25519", "ed25519 rfc8032, distinct keys", "rfc8032", "PyNaCl", 9, IFMA)
    yield Target("ed25519", "ed25519 zip215, 100 known signers", "known", "PyNaCl", 28, IFMA)
    yield Target("ed25519", "ed25519 strict, 100 known signers", "known strict", "PyNaCl")
    yield Target("ed25519", "ed25519 zip215, 1 bad in 1,000", "zip215, 1 bad in 1,000", "PyNaCl")
    yield Target("ed25519", "ed25519 zip215, 1 bad in 10", "zip215, 1 bad in 10", "PyNaCl")
    for n in contests.SIZES:
        yield Target("ed25519", f"ed25519 zip215, {n:,} in a call", f"zip215 x {n}", "PyNaCl")
    yield Target("ecdsa-secp256k1", "ecdsa-secp256k1, distinct keys", "distinct", "coincurve", 5.5, IFMA)
    loaded = "coincurve, keys loaded"
    yield Target("ecdsa-secp256k1", "ecdsa-secp256k1, 100 known signers", "known", loaded, 10, IFMA)
    yield Target("schnorr-secp256k1", "schnorr-secp256k1, distinct keys", "distinct", "coincurve", 5, IFMA)
    yield Target("schnorr-secp256k1", "schnorr-secp256k1, 100 known signers", "known", "coincurve")
    yield Target("ecdsa-p256", "ecdsa-p256, distinct keys", "distinct", "cryptography", 6, IFMA)
    yield Target("ecdsa-p256", "ecdsa-p256, 100 known signers", "known", "cryptography, keys loaded", 16, IFMA)
    yield Target("sm2", "sm2 with Z_A and 300-byte messages, distinct keys", "distinct", "OpenSSL", 30, IFMA)
    yield Target("sm2", "sm2 with Z_A and 300-byte messages, 100 known signers", "known", "OpenSSL", 75, IFMA)
    for scheme, peer in (
        ("ed25519", "PyNaCl"),
        ("ecdsa-secp256k1", loaded),
        ("schnorr-secp256k1", "coincurve"),
        ("ecdsa-p256", "cryptography, keys loaded"),
        ("sm2", "OpenSSL"),
    ):
        yield Target(scheme, f"{scheme}, 100 returning signers in plain calls", "returning", peer)
        yield Target(scheme, f"{scheme}: avx2 against portable", "avx2", "portable", 1.8)
    for scheme in ("ecdsa-secp256k1", "ed25519"):
        yield Target("threads", f"{scheme}: two threads", f"two threads, {scheme}", f"one thread, {scheme}", 1.9)


def _hash_targets() -> Iterator[Target]:
    yield Target("sha256", "sha256, messages of 64 B", "65536 x 64", "hashlib 64", 11, IFMA)
    yield Target("sha256", "sha256, 16 messages of 64 B", "16 x 64", "hashlib 16 x 64", 1.0)
    yield Target("sha256", "sha256, one message of 64 B", "1 x 64", "hashlib 16 x 64", at_most=3e-6)
    yield Target("sha512", "sha512, messages of 128 B", "65536 x 128", "hashlib 128", 7, IFMA)
    yield Target("sm3", "sm3, messages of 64 B", "65536 x 64", "hashlib 64", 28, IFMA)
    yield Target("sm3", "sm3, messages of 1 KiB", "8192 x 1024", "hashlib 1024", 12, IFMA)
    yield Target("keccak256", "keccak256, messages of 64 B", "65536 x 64", "pycryptodome 64", 70, IFMA)
    yield Target("keccak256", "keccak256, messages of 64 B", "65536 x 64", "hashlib sha3-256 64", 10, IFMA)
    yield Target("blake3", "blake3, messages of 64 B", "65536 x 64", "blake3 64", 30, IFMA)
    yield Target("blake3", "blake3, one long message", "1 x 67108864", "blake3 67108864", 0.9, IFMA)
    # the targets are shares of the peer's time, 0.085 and 0.04: as ratios
    shares = {("rfc9162 sha256", "hashlib"): 0.085, ("chainmaker sm3", "hashlib"): 0.04}
    for (tree, algorithm), peers in TREE_PEERS.items():
        for peer in peers:
            called = f"{tree} {algorithm}"
            share = shares.get((called, peer))
            milestone, needs = (1 / share, IFMA) if share else (None, "")
            yield Target("merkle", f"Merkle root, {tree}, {algorithm}", called, f"{peer} {called}", milestone, needs)
    yield Target("proofs", "inclusion proofs of depth 20, sha256", "proofs", "hashlib proofs", 10)
    yield Target("proofs", "inclusion proofs of depth 20, sha256", "proofs", "pymerkle proofs")
    yield Target("proofs", "multiproof of 1,000 leaves of 2^20, sha256", "multiproof", "hashlib multiproof")
    for step in GROWTH_STEPS:
        for peer in GROWTH_PEERS:
            name = f"{step} at a time"
            yield Target("growth", f"growing log with roots, {step:,} leaves at a time", name, f"{peer} {name}")
    yield Target("sparse", "sparse Merkle tree, updates in one batch", "sparse", "hashlib sparse", 20, IFMA)
    for peer in TRIE_PEERS:
        yield Target("trie", "Ethereum account proofs, trie of 20,000", "trie", f"{peer} trie")
    yield Target("threads", "Merkle root, sha256: two threads", "two threads, merkle", "one thread, merkle", 1.8)


def _ledger_targets() -> Iterator[Target]:
    """Everything about a transaction, against ChainMaker's Go code on its sender's signature alone."""
    for suite, curve in (("sm2", "SM2"), ("p256", "P-256")):
        for ours, what in (("block", "in a block, every check"), ("loose", "outside a block")):
            for peer in ledger_contests.PEERS:
                work = f"ChainMaker transactions, {curve}, {what}"
                yield Target("chainmaker", work, f"{ours} {suite}", f"{peer} {suite}")


TARGETS: tuple[Target, ...] = (*_signature_targets(), *_hash_targets(), *_ledger_targets())


COLUMNS = ("work", "items", "backend", "pycore/s", "peer", "peer/s", "ratio", "milestone", "")


def line(result: Result) -> tuple[str, ...]:
    """A result as cells under :data:`COLUMNS`."""
    target = result.target
    milestone = f"{target.milestone:.3g}x" if target.milestone is not None else ""
    if target.at_most is not None:
        milestone = f"a call in {target.at_most * 1e6:g} us"
    return (
        target.work,
        f"{result.items:,}" if result.items else "",
        result.backend,
        "" if result.ours_per_second is None else f"{result.ours_per_second:,.0f}",
        result.peer_version or target.peer,
        "" if result.peer_per_second is None else f"{result.peer_per_second:,.0f}",
        "" if result.ratio is None else f"{result.ratio:.2f}x",
        milestone,
        result.verdict,
    )


def measure(*, quick: bool = False, only: Sequence[str] = (), seconds: float | None = None) -> Iterator[Result]:
    """Measures target after target of :data:`TARGETS`, group by group, on the backend that the calling context takes.

    Targets whose hash this build lacks are left out; targets whose peer or backend is absent come back with `missing`.

    Args:
        quick: batches a quarter of the size and fewer rounds: under a minute in all.
        only: take the targets whose group or work contains one of these; empty takes all.
        seconds: CPU to spend per target; default 0.3 when quick, else 2.
    """
    plan = Plan.quick() if quick else Plan.full()
    budget = seconds if seconds is not None else (0.3 if quick else 2.0)
    before = pycore.get_threads()
    pycore.set_threads(1)
    warm_up()
    try:
        for group, prepare in contests.GROUPS.items():
            wanted = [one for one in TARGETS if one.group == group]
            wanted = [one for one in wanted if not only or any(part in f"{group} {one.work}" for part in only)]
            if wanted and contests.known(group):
                yield from _contest(wanted, prepare(plan), budget, 3 if quick else 5)
    finally:
        pycore.set_threads(before)


def _contest(
    targets: list[Target], entered: dict[str, Contestant | str], seconds: float, rounds: int
) -> Iterator[Result]:
    """Rounds over all targets of a group: each time the peer's window, then ours."""
    found: dict[Target, Result] = {}
    pairs: dict[Target, tuple[Contestant, Contestant]] = {}
    for target in targets:
        ours, peer = entered[target.ours], entered[target.peer]
        if isinstance(ours, str) or isinstance(peer, str):
            why = "; ".join(one for one in (ours, peer) if isinstance(one, str))
            items = 0 if isinstance(ours, str) else ours.items
            found[target] = Result(target, "" if isinstance(ours, str) else ours.version, items, missing=why)
        else:
            pairs[target] = ours, peer
    for one in {id(one): one for pair in pairs.values() for one in pair}.values():
        if not one.check(one.run()):
            raise AssertionError(f"{targets[0].group}: {one.name} is wrong about the result")
    repeats = {id(one): _repeats(one) for pair in pairs.values() for one in pair}
    times: dict[Target, list[tuple[float, float]]] = {target: [] for target in pairs}
    spent, done = 0.0, 0
    while pairs and done < _ROUNDS_AT_MOST and (done < rounds or spent < seconds * len(pairs)):
        for target, (ours, peer) in pairs.items():
            theirs = _timed(peer, repeats[id(peer)])
            mine = _timed(ours, repeats[id(ours)])
            times[target].append((mine / ours.items, theirs / peer.items))
            spent += mine * repeats[id(ours)] + theirs * repeats[id(peer)]
        done += 1
    for target, (ours, peer) in pairs.items():
        found[target] = _result(target, ours, peer, times[target])
    yield from (found[target] for target in targets)


def _result(target: Target, ours: Contestant, peer: Contestant, times: list[tuple[float, float]]) -> Result:
    ratios = [theirs / mine for mine, theirs in times]
    low, _, high = statistics.quantiles(ratios, n=4)
    ratio = statistics.median(ratios)
    if ours.wall:  # other processes only ever take time away, most of all from two threads: the quickest of each
        ratio = min(theirs for _, theirs in times) / min(mine for mine, _ in times)
    return Result(
        target=target,
        backend=ours.version,
        items=ours.items,
        rounds=len(times),
        ours_per_second=1 / statistics.median(mine for mine, _ in times),
        peer_per_second=1 / statistics.median(theirs for _, theirs in times),
        peer_version="" if peer.own else peer.version,
        ratio=ratio,
        low=low,
        high=high,
        clock="wall clock, quickest of each" if ours.wall else "CPU time of one thread",
    )


def _repeats(one: Contestant) -> int:
    return max(1, int(_WINDOW / max(_timed(one, 1), 1e-7)))


def _timed(one: Contestant, repeat: int) -> float:
    """Seconds of one call, on average over `repeat`."""
    clock: Callable[[], int] = time.perf_counter_ns if one.wall else time.thread_time_ns
    run, begin = one.run, clock()
    for _ in range(repeat):
        run()
    return (clock() - begin) / 1e9 / repeat
