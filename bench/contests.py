"""Who competes for the targets: per group the data, made once, and every contestant ready to run.

A group is a function from a plan to contestants by name; in the place of one that cannot run stands the reason, in
words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import pycore
from pycore.signatures.keycache import without_key_cache
from pycore.testing import _deterministic, generate_signatures

from . import ledger_contests, peers, tree_contests
from .entrants import Contestant, Entries, Entry, Plan, forced_to, picked_backend, same, timed_peer, why_absent
from .peers import HashTask, SignatureTask

SIGNERS = 100
SIZES = (1, 8, 64, 1024)  # small batches, measured by themselves
_COMPRESSED = frozenset({"ecdsa-secp256k1"})  # the key form that chains send
_MESSAGE_SIZE = {"sm2": 300}  # bytes, else 32


# ---- signatures ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Signed:
    scheme: str
    keys: Any
    signatures: Any
    messages: Any

    def first(self, n: int) -> _Signed:
        return _Signed(self.scheme, self.keys[:n], self.signatures[:n], self.messages[:n])

    def lists(self, n: int) -> list[list[bytes]]:
        """The first n, as peers take them."""
        return [[row.tobytes() for row in column[:n]] for column in (self.keys, self.signatures, self.messages)]

    def task(self, n: int) -> SignatureTask:
        return SignatureTask(self.scheme, *self.lists(n))

    def verify(self, **options: Any) -> Callable[[], Any]:
        def run() -> Any:
            with without_key_cache():  # keys that the rounds repeat stand for keys that never come again
                return pycore.verify_batch(self.scheme, self.keys, self.signatures, self.messages, **options)

        return run

    def verify_returning(self, **options: Any) -> Callable[[], Any]:
        """Plain calls: keys that come often get tables on their own."""
        return lambda: pycore.verify_batch(self.scheme, self.keys, self.signatures, self.messages, **options)

    def verify_known(self, **options: Any) -> Callable[[], Any]:
        keys = pycore.KeySet(self.scheme, self.keys[:SIGNERS])
        indices = np.arange(len(self.keys), dtype=np.uint32) % min(SIGNERS, len(self.keys))
        return lambda: keys.verify_batch(indices, self.signatures, self.messages, **options)


def _signed(scheme: str, n: int, signers: int | None = None) -> _Signed:
    keys, signatures, messages = generate_signatures(
        scheme,
        n,
        signers=signers,
        seed=1 if signers is None else 2,
        message_size=_MESSAGE_SIZE.get(scheme, 32),
        compressed=scheme in _COMPRESSED,
    )
    if scheme.startswith("ecdsa-"):
        lowered = b"".join(peers.low_s(scheme, row.tobytes()) for row in signatures)
        signatures = np.frombuffer(lowered, dtype=np.uint8).reshape(-1, 64)
    return _Signed(scheme, keys, signatures, messages)


def _ours(name: str, data: _Signed, run: Callable[[], Any], bad: int = 0, *, wall: bool = False) -> Contestant:
    n = len(data.keys)
    return Contestant(
        name, n, run, lambda got: int(got.valid.sum()) == n - bad, picked_backend(data.scheme, n), wall=wall
    )


def _signature_peer(data: _Signed, name: str) -> Entry:
    make = peers.SIGNATURE_PEERS[data.scheme][name]
    return timed_peer(name, len(data.keys), lambda n: make(data.task(n)), lambda got, n: got == n)


def _against_portable(data: _Signed) -> Iterator[tuple[str, Entry]]:
    for name in ("avx2", "portable"):
        why = why_absent(name)
        entry = Contestant(name, len(data.keys), forced_to(name, data.verify()), lambda got: bool(got.all_valid), name)
        yield name, why or entry


def _signatures(scheme: str, plan: Plan) -> Entries:
    data, committee = _signed(scheme, plan.signatures), _signed(scheme, plan.signatures, SIGNERS)
    found: Entries = {
        "distinct": _ours("distinct", data, data.verify()),
        "known": _ours("known", committee, committee.verify_known()),
        "returning": _ours("returning", committee, committee.verify_returning()),
    }
    found.update(_against_portable(data))
    found.update({name: _signature_peer(data, name) for name in peers.SIGNATURE_PEERS[scheme]})
    return found


def _ed25519(plan: Plan) -> Entries:
    found = _signatures("ed25519", plan)
    data, committee = _signed("ed25519", plan.signatures), _signed("ed25519", plan.signatures, SIGNERS)
    for rules in ("zip215", "rfc8032", "strict"):
        found[rules] = _ours(rules, data, data.verify(rules=rules))
    found["known strict"] = _ours("known strict", committee, committee.verify_known(rules="strict"))
    for every in (1000, 10):
        name = f"zip215, 1 bad in {every:,}"
        messages = data.messages.copy()
        messages[every // 2 :: every, 0] ^= 1  # decodes, and does not hold
        spoilt = _Signed("ed25519", data.keys, data.signatures, messages)
        found[name] = _ours(name, spoilt, spoilt.verify(), bad=len(messages[every // 2 :: every]))
    for n in SIZES:
        part = data.first(n)
        found[f"zip215 x {n}"] = _ours(f"zip215 x {n}", part, _Signed("ed25519", *data.lists(n)).verify())
    return found


def _threads(plan: Plan) -> Entries:
    ecdsa, ed25519 = _signed("ecdsa-secp256k1", plan.signatures), _signed("ed25519", 4 * plan.signatures)
    leaves = _deterministic.rows(1, "bench", "threads", count=plan.leaves, width=32)
    found: Entries = {}
    for threads, word in ((1, "one thread"), (2, "two threads")):
        for data in (ecdsa, ed25519):
            name = f"{word}, {data.scheme}"
            found[name] = _ours(name, data, data.verify(threads=threads), wall=True)
        run = partial(pycore.merkle_root, leaves, tree="rfc9162", hash="sha256", threads=threads)
        root = pycore.merkle_root(leaves, tree="rfc9162", hash="sha256")
        entry = Contestant(word, plan.leaves, run, partial(same, root), picked_backend("sha256"), wall=True)
        found[f"{word}, merkle"] = entry
    return found


# ---- hashes ----------------------------------------------------------------------------------------------------------


def _hashing(algorithm: str, plan: Plan) -> Entries:
    """Every batch and every peer that a target of this hash may name."""
    shapes: dict[str, tuple[tuple[int, int], ...]] = {
        "sha256": ((65536, 64), (16, 64), (1, 64)),
        "sha512": ((65536, 128),),
        "sm3": ((65536, 64), (8192, 1024)),
        "keccak256": ((65536, 64),),
        "blake3": ((65536, 64), (1, 1 << 26)),
    }
    found: Entries = {}
    for count, size in shapes[algorithm]:
        n = count if count < 1024 else count * plan.messages // 65536
        width = plan.long_message if size == 1 << 26 else size
        messages = _deterministic.rows(1, "bench", algorithm, count=n, width=width)
        wanted = pycore.hash_batch(algorithm, messages)
        run = partial(pycore.hash_batch, algorithm, messages)
        name = f"{count} x {size}"
        lanes = n * width // 1024 if algorithm == "blake3" and width > 1024 else n  # it takes a long message apart
        found[name] = Contestant(name, n, run, partial(np.array_equal, wanted), picked_backend(algorithm, lanes))
        task = HashTask(algorithm, [row.tobytes() for row in messages[: 1 << 14]])
        for peer, make in peers.HASH_PEERS.get(algorithm, {}).items():
            called = f"{peer} {size}" if count >= 1024 or size > 1024 else f"{peer} {count} x {size}"
            found[called] = _hash_peer(peer, make, task, wanted)
        if algorithm == "keccak256":  # the same permutation with other padding: what the standard library has
            sha3 = HashTask("sha3-256", task.messages)
            answers = pycore.hash_batch("sha3-256", messages[: 1 << 14])
            found[f"hashlib sha3-256 {size}"] = _hash_peer("hashlib sha3-256", peers.hashlib_loop, sha3, answers)
    return found


def _hash_peer(name: str, make: peers.HashPeer, task: HashTask, wanted: Any) -> Entry:
    def check(got: Any, n: int) -> bool:
        return all(bytes(one) == row.tobytes() for one, row in zip(got, wanted[:n], strict=True))

    return timed_peer(name, len(task), lambda n: make(HashTask(task.algorithm, task.messages[:n])), check)


GROUPS: dict[str, Callable[[Plan], Entries]] = {
    "ed25519": _ed25519,
    **{s: partial(_signatures, s) for s in ("ecdsa-secp256k1", "schnorr-secp256k1", "ecdsa-p256", "sm2")},
    **{name: partial(_hashing, name) for name in ("sha256", "sha512", "sm3", "keccak256", "blake3")},
    **tree_contests.GROUPS,
    **ledger_contests.GROUPS,
    "threads": _threads,
}
_OTHERS = (*tree_contests.GROUPS, *ledger_contests.GROUPS, "threads")
_ALGORITHM = {name: name for name in GROUPS if name not in _OTHERS}


def known(group: str) -> bool:
    """Whether this build has what the group is about."""
    return group not in _ALGORITHM or _ALGORITHM[group] in (*pycore.SCHEMES, *pycore.HASHES)
