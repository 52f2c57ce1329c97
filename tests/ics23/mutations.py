"""Claims about trees, and what a stranger could make of them: mutated bytes, fields, keys, values and roots."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.testing.ics23 import ProvenTree, compressed, items

KINDS = ("iavl", "tendermint", "smt")


@dataclass(frozen=True)
class Claim:
    """That a key has a value, or None: nothing stands under it. kind: a spec's name, or another form of one."""

    kind: Any
    root: bytes
    proof: bytes
    key: bytes
    value: bytes | None


@lru_cache(maxsize=16)
def tree(kind: str, count: int, seed: int = 3) -> ProvenTree:
    return ProvenTree(kind, items(count, seed=seed, value_size=5 + seed))


def claim(rng: random.Random, kind: str | None = None) -> Claim:
    """A claim that holds."""
    kind = kind or rng.choice(KINDS)
    made = tree(kind, rng.choice((1, 2, 3, 7, 20)))
    form = rng.choice(("one", "one", "one", "batch", "compressed"))
    present = rng.random() < 0.6
    key = rng.choice(made.keys) if present else rng.randbytes(20)
    if form == "one":
        proof = made.membership(key) if present else made.non_membership(key)
    else:
        keys = [rng.choice(made.keys) if rng.random() < 0.5 else rng.randbytes(20) for _ in range(rng.randrange(4))]
        keys.insert(rng.randrange(len(keys) + 1), key)
        proof = made.batch(keys)
        if form == "compressed":
            proof = compressed(proof)
    return Claim(kind, made.root, proof, key, made.exist(key).value if present else None)


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutated(rng: random.Random, one: Claim) -> Claim:
    """Something else, which mostly does not hold."""
    roll = rng.random()
    if roll < 0.35:
        return replace(one, proof=_bytes(rng, one.proof))
    if roll < 0.85:
        proof = pb.CommitmentProof.FromString(one.proof)
        for _ in range(rng.choice((1, 1, 1, 2))):
            _fields(rng, proof)
        return replace(one, proof=proof.SerializeToString())
    if roll < 0.9:
        return replace(one, key=rng.choice((b"", one.key[:-1], one.key + b"\0", rng.randbytes(20))))
    if roll < 0.94:
        return replace(one, value=None if one.value is not None else rng.randbytes(8))
    if roll < 0.97:
        return replace(one, kind=rng.choice(KINDS))
    return replace(one, root=rng.choice((b"", one.root[:-1], one.root + b"\0", rng.randbytes(32))))


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """One change of bytes anywhere."""
    at = rng.randrange(len(data))
    roll = rng.randrange(6)
    if roll == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if roll == 1:
        return data[:at] + data[at + 1 :]
    if roll == 2:
        return data[:at] + rng.randbytes(1) + data[at:]
    if roll == 3:
        return data[:at]
    if roll == 4:  # the same field once more, or an unknown one
        return data + rng.choice(
            (data, b"\x50\x01", b"\x53\x54", b"\x53", b"\x0a\x00", b"\x12\x00", b"\x1a\x00", b"\x22\x00")
        )
    return _wrapped(rng, data)


def _wrapped(rng: random.Random, data: bytes) -> bytes:
    """The content of the outer message changed at its end, with the length that fits."""
    size, at = 0, 1
    while data[at] > 127:
        size |= (data[at] & 127) << 7 * (at - 1)
        at += 1
    inside = data[at + 1 :]
    inside += rng.choice((
        b"\x0a\x00", b"\x12\x00", b"\x1a\x00", b"\x22\x00", b"\x0a\x01k", b"\x12\x01v", b"\x1a\x02\x08\x01",
        b"\x1a\x02\x20\x01", b"\x22\x02\x08\x01", b"\x50\x01", b"\x0b\x0c", b"\x08\x01", b"\x7d\1\2\3\4",
    ))  # fmt: skip
    return data[:1] + _varint(len(inside)) + inside


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _fields(rng: random.Random, proof: pb.CommitmentProof) -> None:
    """One change of a field of one of the proofs inside."""
    found: list[pb.ExistenceProof | pb.CompressedExistenceProof] = []
    which = proof.WhichOneof("proof")
    if which in ("batch", "compressed"):
        entries = getattr(proof, which).entries
        if rng.random() < 0.15:
            _lists(rng, proof, which)
            return
        if not entries:
            return
        _gather(rng, rng.choice(list(entries)), found)
        if which == "compressed" and rng.random() < 0.5 and len(proof.compressed.lookup_inners):
            _step(rng, rng.choice(list(proof.compressed.lookup_inners)))
            return
    elif which:
        _gather(rng, proof, found)
    if found:
        _existence(rng, rng.choice(found))


def _lists(rng: random.Random, proof: pb.CommitmentProof, which: str) -> None:
    entries = getattr(proof, which).entries
    roll = rng.randrange(4)
    if roll == 0 and entries:
        del entries[rng.randrange(len(entries))]
    elif roll == 1:
        entries.add()
    elif roll == 2 and entries:
        entries.add().CopyFrom(rng.choice(list(entries)))
    elif which == "compressed" and proof.compressed.lookup_inners:
        del proof.compressed.lookup_inners[rng.randrange(len(proof.compressed.lookup_inners))]


def _gather(rng: random.Random, one: pb.CommitmentProof | pb.BatchEntry, found: list) -> None:
    which = one.WhichOneof("proof")
    if which == "exist":
        found.append(one.exist)
    elif which == "nonexist":
        roll = rng.randrange(12)
        if roll == 0:
            one.nonexist.ClearField("left")
        elif roll == 1:
            one.nonexist.ClearField("right")
        elif roll == 2:
            right = type(one.nonexist.left)()
            right.CopyFrom(one.nonexist.right)
            one.nonexist.right.CopyFrom(one.nonexist.left)
            one.nonexist.left.CopyFrom(right)
        found.extend(getattr(one.nonexist, side) for side in ("left", "right") if one.nonexist.HasField(side))


def _existence(rng: random.Random, one) -> None:
    roll = rng.randrange(10)
    if roll == 0:
        one.key = _octets(rng, one.key)
    elif roll == 1:
        one.value = _octets(rng, one.value)
    elif roll == 2:
        _leaf(rng, one.leaf)
    elif roll == 3 and rng.random() < 0.3:
        one.ClearField("leaf")
    elif not one.path:
        if isinstance(one, pb.ExistenceProof):
            one.path.add(hash=1, prefix=b"\x01")
    elif roll == 4:
        del one.path[rng.randrange(len(one.path))]
    elif roll == 5:
        steps = list(one.path)
        steps.insert(rng.randrange(len(steps) + 1), rng.choice(steps))
        if rng.random() < 0.1:
            steps *= rng.choice((30, 60))
        del one.path[:]
        one.path.extend(steps)
    elif isinstance(one, pb.ExistenceProof):
        _step(rng, rng.choice(list(one.path)))
    else:
        one.path[rng.randrange(len(one.path))] = rng.choice((-1, 0, 1, 2, 5, 2**31 - 1, -(2**31)))


def _leaf(rng: random.Random, leaf: pb.LeafOp) -> None:
    roll = rng.randrange(5)
    if roll == 4:
        leaf.prefix = _octets(rng, leaf.prefix)
    else:
        setattr(leaf, ("hash", "prehash_key", "prehash_value", "length")[roll], rng.randrange(10))


def _step(rng: random.Random, step: pb.InnerOp) -> None:
    roll = rng.randrange(8)
    if roll == 0:
        step.hash = rng.randrange(10)
    elif roll < 4:
        step.prefix = _octets(rng, step.prefix)
    elif roll < 6:
        step.suffix = _octets(rng, step.suffix)
    elif roll == 6:  # a byte from one side to the other
        step.prefix, step.suffix = step.prefix + step.suffix[:1], step.suffix[1:]
    else:
        step.prefix, step.suffix = step.suffix, step.prefix


def _octets(rng: random.Random, data: bytes) -> bytes:
    roll, at = rng.randrange(7), rng.randrange(len(data) + 1)
    if roll == 0 and data:
        at %= len(data)
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    return {1: data[:at], 2: data[at:], 3: data + rng.randbytes(1), 4: rng.randbytes(1) + data}.get(
        roll, data + rng.randbytes(rng.choice((32, 33, 64))) if roll == 5 else data + data
    )
