"""This library and its peers measured in turn, so that a busy machine slows both alike; what counts is the ratio."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import pycore
from pycore.base.jit import warm_up
from pycore.signatures.keycache import without_key_cache
from pycore.testing import _deterministic, generate_signatures

from . import peers
from .peers import HashTask, PeerMissingError, Prepared, SignatureTask
from .tree_peers import TREE_PEERS, TreePeer, TreeTask

BATCH = 1024
_SLOW_ITEMS = 16  # a peer below this library's speed by orders of magnitude is timed over so many items
_ROUNDS_AT_LEAST = 5
_MESSAGE_SIZES = (64, 1024)  # bytes
_COMPRESSED = frozenset({"ecdsa-secp256k1"})  # the key form that chains send


@dataclass(frozen=True, slots=True)
class Measurement:
    """One implementation: median seconds of CPU per item, and how much quicker this library was, round by round.

    `ratio` is the median over rounds of (peer's time / our time): above 1 this library is quicker. None for ourselves.
    """

    name: str
    version: str
    seconds_per_item: float
    ratio: float | None = None

    @property
    def items_per_second(self) -> float:
        """Items per second of one CPU."""
        return 1 / self.seconds_per_item

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "version": self.version,
            "seconds_per_item": self.seconds_per_item,
            "items_per_second": self.items_per_second,
            "ratio": self.ratio,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work, with everybody's time for it."""

    layer: str  # "signature", "hash", "merkle"
    work: str
    items: int
    backend: str
    rounds: int
    ours: Measurement
    others: tuple[Measurement, ...]
    missing: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "layer": self.layer,
            "work": self.work,
            "items": self.items,
            "backend": self.backend,
            "rounds": self.rounds,
            "ours": self.ours.to_dict(),
            "peers": [one.to_dict() for one in self.others],
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class _Work:
    """What a row measures: ours over `items`, each peer over its own part of them."""

    layer: str
    name: str
    algorithm: str
    items: int
    ours: Callable[[], object]
    expected: object
    contenders: dict[str, Callable[[int], Prepared]]  # name -> number of items -> prepared
    check: Callable[[object, int], bool]


def rows(*, batch: int = BATCH, with_peers: bool = True) -> list[tuple[str, Callable[[], _Work]]]:
    """Everything that ``pycore bench`` can measure, in the order of its table: what it is called, and what prepares
    it."""
    signatures = [(f"signature: {name}", partial(_signature_work, name, batch, with_peers)) for name in pycore.SCHEMES]
    hashes = [
        (f"hash: {name}, {size} bytes", partial(_hash_work, name, batch, size, with_peers))
        for name in pycore.HASHES
        for size in _MESSAGE_SIZES
    ]
    trees = [
        (f"merkle: {tree}, {name}", partial(_merkle_work, tree, name, batch, with_peers)) for tree, name in TREE_PEERS
    ]
    return [*signatures, *hashes, *trees]


def compare(
    *,
    batch: int = BATCH,
    seconds: float = 0.5,
    only: Sequence[str] = (),
    with_peers: bool = True,
) -> Iterator[Row]:
    """Measures row after row.

    Args:
        batch: items per call.
        seconds: CPU time to spend per implementation and row; at least five rounds are made in any case.
        only: take the rows whose name (see :func:`rows`) contains one of these; empty takes all.
        with_peers: measure the peers that are installed too.
    """
    warm_up()
    for name, prepare in rows(batch=batch, with_peers=with_peers):
        if only and not any(part in name for part in only):
            continue
        with _one_thread():
            row = _measure(prepare(), seconds)
        yield row


# ---- the work --------------------------------------------------------------------------------------------------------


def _signature_work(scheme: str, batch: int, with_peers: bool) -> _Work:
    keys, signatures, messages = generate_signatures(scheme, batch, seed=1, compressed=scheme in _COMPRESSED)
    if scheme.startswith("ecdsa-"):
        lowered = b"".join(peers.low_s(scheme, row.tobytes()) for row in signatures)
        signatures = np.frombuffer(lowered, dtype=np.uint8).reshape(-1, 64)
    key_list, signature_list, message_list = ([row.tobytes() for row in one] for one in (keys, signatures, messages))

    def ours() -> object:
        with without_key_cache():  # keys that the rounds repeat stand for keys that never come again
            return int(pycore.verify_batch(scheme, keys, signatures, messages, threads=1).valid.sum())

    def prepared(make: peers.SignaturePeer) -> Callable[[int], Prepared]:
        return lambda n: make(SignatureTask(scheme, key_list[:n], signature_list[:n], message_list[:n]))

    others = peers.SIGNATURE_PEERS.get(scheme, {}) if with_peers else {}
    return _Work(
        "signature",
        f"signature: {scheme}",
        scheme,
        batch,
        ours,
        batch,
        {name: prepared(make) for name, make in others.items()},
        lambda result, n: result == n,
    )


def _hash_work(algorithm: str, batch: int, size: int, with_peers: bool) -> _Work:
    messages = _deterministic.rows(1, "bench", algorithm, count=batch, width=size)
    listed = [row.tobytes() for row in messages]
    expected = pycore.hash_batch(algorithm, messages)

    def ours() -> object:
        return pycore.hash_batch(algorithm, messages)

    def prepared(make: peers.HashPeer) -> Callable[[int], Prepared]:
        return lambda n: make(HashTask(algorithm, listed[:n]))

    def check(result: Any, n: int) -> bool:
        return all(bytes(got) == want.tobytes() for got, want in zip(result, expected[:n], strict=True))

    others = peers.HASH_PEERS.get(algorithm, {}) if with_peers else {}
    contenders = {name: prepared(make) for name, make in others.items()}
    return _Work("hash", f"hash: {algorithm}, {size} bytes", algorithm, batch, ours, expected, contenders, check)


def _merkle_work(tree: str, algorithm: str, batch: int, with_peers: bool) -> _Work:
    leaves = _deterministic.rows(1, "bench", tree, count=batch, width=32)
    listed = [row.tobytes() for row in leaves]
    expected = pycore.merkle_root(leaves, tree=tree, hash=algorithm)

    def ours() -> object:
        return pycore.merkle_root(leaves, tree=tree, hash=algorithm)

    contenders: dict[str, Callable[[int], Prepared]] = {}
    if with_peers:
        task = TreeTask(tree, algorithm, listed)  # a root is over all leaves, so the number asked for is ignored
        contenders = {name: _whole(make, task) for name, make in TREE_PEERS[tree, algorithm].items()}
    return _Work(
        "merkle",
        f"merkle: {tree}, {algorithm}",
        algorithm,
        batch,
        ours,
        expected,
        contenders,
        lambda result, _n: result == expected,
    )


def _whole(make: TreePeer, task: TreeTask) -> Callable[[int], Prepared]:
    return lambda _n: make(task)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Everything on the calling thread, as the clock counts that one only. Forgets an earlier `pycore.set_threads`."""
    pycore.set_threads(1)
    try:
        yield
    finally:
        pycore.set_threads(None)


# ---- the clock -------------------------------------------------------------------------------------------------------


def _measure(work: _Work, seconds: float) -> Row:
    """Rounds of ours, peer, peer, ...; CPU time of this thread, so that other processes do not count."""
    if not work.check(work.ours(), work.items):
        raise AssertionError(f"{work.name}: this library's own result is wrong")
    running: dict[str, tuple[Prepared, int]] = {}
    missing: dict[str, str] = {}
    one = _timed(work.ours) / work.items
    for name, make in work.contenders.items():
        try:
            n = work.items
            trial = make(min(_SLOW_ITEMS, n)) if work.layer == "signature" else make(n)
            if work.layer == "signature" and _timed(trial.run) / min(_SLOW_ITEMS, n) > 20 * one:
                n = min(_SLOW_ITEMS, n)
            prepared = make(n)
        except (PeerMissingError, ImportError) as error:
            missing[name] = str(error)
            continue
        if not work.check(prepared.run(), n):
            raise AssertionError(f"{work.name}: {name} disagrees about the result")
        running[name] = prepared, n
    repeat = max(1, int(0.002 / max(_timed(work.ours), 1e-7)))  # short calls are repeated to fill some milliseconds
    times: dict[str, list[float]] = {name: [] for name in ("", *running)}
    spent, rounds = 0.0, 0
    while rounds < _ROUNDS_AT_LEAST or spent < seconds * (1 + len(running)):
        taken = _timed(work.ours, repeat)
        times[""].append(taken / repeat / work.items)
        spent += taken
        for name, (prepared, n) in running.items():
            taken = _timed(prepared.run)
            times[name].append(taken / n)
            spent += taken
        rounds += 1
    backend = pycore.capabilities().active[work.algorithm]
    others = tuple(
        Measurement(
            name,
            prepared.version,
            statistics.median(times[name]),
            statistics.median(theirs / ours for theirs, ours in zip(times[name], times[""], strict=True)),
        )
        for name, (prepared, _) in running.items()
    )
    ours = Measurement("pycore", pycore.__version__, statistics.median(times[""]))
    return Row(work.layer, work.name, work.items, backend, rounds, ours, others, missing)


def _timed(run: Callable[[], object], repeat: int = 1) -> float:
    """CPU seconds of this thread for `repeat` calls."""
    begin = time.thread_time_ns()
    for _ in range(repeat):
        run()
    return (time.thread_time_ns() - begin) / 1e9
