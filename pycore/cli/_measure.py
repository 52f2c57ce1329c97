"""The measurements of ``pycore bench``: this library's rates on this machine, one thread, CPU time."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pycore
from pycore.signatures.keycache import without_key_cache
from pycore.testing import _deterministic, generate_signatures

BATCH = 1024
_WINDOW = 0.002  # seconds: shorter calls are repeated to fill one
_ROUNDS_AT_LEAST = 5
_MESSAGE_SIZES = (64, 1024)  # bytes
_COMPRESSED = frozenset({"ecdsa-secp256k1"})  # the key form that chains send
_TREES = (
    ("rfc9162", "sha256"),
    ("bitcoin", "sha256d"),
    ("chainmaker", "sm3"),
    ("chainmaker", "sha256"),
    ("ssz", "sha256"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work and how fast it was done.

    Attributes:
        layer: "signature", "hash" or "merkle".
        work: its name in the table.
        items: signatures, messages or leaves per call.
        backend: what ran it.
        rounds: how many times it was timed.
        seconds_per_item: the median over rounds, of one thread's CPU time.
    """

    layer: str
    work: str
    items: int
    backend: str
    rounds: int
    seconds_per_item: float

    @property
    def items_per_second(self) -> float:
        """Items per second of one core."""
        return 1 / self.seconds_per_item

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "items_per_second": self.items_per_second}


@dataclass(frozen=True, slots=True)
class _Work:
    algorithm: str
    run: Callable[[], object]
    check: Callable[[Any], bool]


def rows(*, batch: int = BATCH) -> list[tuple[str, Callable[[], _Work]]]:
    """Everything that can be measured, in the order of the table: its name, and what prepares it."""
    signatures = [(f"signature: {name}", partial(_signatures, name, batch)) for name in pycore.SCHEMES]
    known = [(f"signature: {name}, known keys", partial(_known_keys, name, batch)) for name in pycore.SCHEMES]
    hashes = [
        (f"hash: {name}, {size} bytes", partial(_hashes, name, batch, size))
        for name in pycore.HASHES
        for size in _MESSAGE_SIZES
    ]
    trees = [(f"merkle: {tree}, {name}", partial(_root, tree, name, batch)) for tree, name in _TREES]
    return [*signatures, *known, *hashes, *trees]


def measure(*, batch: int = BATCH, seconds: float = 0.3, only: Sequence[str] = ()) -> Iterator[Row]:
    """Measure row after row.

    Args:
        batch: items per call.
        seconds: CPU time to spend per row; at least five rounds are made in any case.
        only: take the rows whose name (see :func:`rows`) contains one of these; empty takes all.
    """
    for name, prepare in rows(batch=batch):
        if only and not any(part in name for part in only):
            continue
        with _one_thread():
            row = _measured(name, prepare(), batch, seconds)
        yield row


def _signatures(scheme: str, batch: int) -> _Work:
    keys, signatures, messages = generate_signatures(scheme, batch, seed=1, compressed=scheme in _COMPRESSED)

    def run() -> pycore.Verdicts:
        with without_key_cache():  # keys that the rounds repeat stand for keys that never come again
            return pycore.verify_batch(scheme, keys, signatures, messages, threads=1)

    return _Work(scheme, run, lambda verdicts: verdicts.all_valid)


def _known_keys(scheme: str, batch: int) -> _Work:
    signers = min(100, batch)
    keys, signatures, messages = generate_signatures(scheme, batch, signers=signers, seed=1)
    listed = [row.tobytes() for row in keys]
    position = {key: i for i, key in enumerate(dict.fromkeys(listed))}
    members, index = pycore.KeySet(scheme, list(position)), [position[key] for key in listed]
    return _Work(
        scheme, lambda: members.verify_batch(index, signatures, messages, threads=1), lambda found: found.all_valid
    )


def _hashes(algorithm: str, batch: int, size: int) -> _Work:
    messages = _deterministic.rows(1, "bench", algorithm, count=batch, width=size)
    return _Work(
        algorithm,
        lambda: pycore.hash_batch(algorithm, messages),
        lambda found: found[0].tobytes() == pycore.hash(algorithm, messages[0].tobytes()),
    )


def _root(tree: str, algorithm: str, batch: int) -> _Work:
    leaves = _deterministic.rows(1, "bench", tree, count=batch, width=32)
    wanted = pycore.MerkleTree(leaves, tree=tree, hash=algorithm).root
    return _Work(
        algorithm, lambda: pycore.merkle_root(leaves, tree=tree, hash=algorithm), lambda found: found == wanted
    )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keeps everything on the calling thread, the only one that the clock counts."""
    before = pycore.get_threads()
    pycore.set_threads(1)
    try:
        yield
    finally:
        pycore.set_threads(before)


def _measured(name: str, work: _Work, items: int, seconds: float) -> Row:
    if not work.check(work.run()):
        raise AssertionError(f"{name}: the result is wrong")
    repeat = max(1, int(_WINDOW / max(cpu_seconds(work.run), 1e-7)))
    times: list[float] = []
    while len(times) < _ROUNDS_AT_LEAST or sum(times) * repeat < seconds:
        times.append(cpu_seconds(work.run, repeat) / repeat)
    backend = pycore.capabilities().active[work.algorithm]
    return Row(name.partition(":")[0], name, items, backend, len(times), statistics.median(times) / items)


def cpu_seconds(run: Callable[[], object], repeat: int = 1) -> float:
    """CPU seconds of this thread for `repeat` calls."""
    begin = time.thread_time_ns()
    for _ in range(repeat):
        run()
    return (time.thread_time_ns() - begin) / 1e9
