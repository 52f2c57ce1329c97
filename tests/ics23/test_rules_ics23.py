"""Every limit of a spec, and every bound: what is one beyond it is refused, and by which rules."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from google.protobuf import json_format
from judge_ics23 import alone
from mutations import KINDS, Claim, tree

import pycore
from pycore import InputError, Verdict, ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.errors import ProofError
from pycore.ics23 import reading
from pycore.ics23.checking import Checker
from pycore.ics23.reading import Reader
from pycore.ics23.specs import HASHES, LENGTH_OPS, VAR_RLP

SPEC = ics23.ProofSpec(
    ics23.LeafOp(hash=1, prefix=b"\0"), ics23.InnerSpec((0, 1), 32, 2, 4, b"", 1), min_depth=1, max_depth=3
)


def root_of(proof: pb.ExistenceProof) -> bytes:
    """Where a proof of SHA-256 without lengths leads, with no rule about its form."""
    node = hashlib.sha256(proof.leaf.prefix + proof.key + proof.value).digest()
    for step in proof.path:
        node = hashlib.sha256(step.prefix + node + step.suffix).digest()
    return node


def made(*steps: tuple[bytes, bytes], prefix: bytes = b"\0") -> pb.ExistenceProof:
    path = [pb.InnerOp(hash=pb.SHA256, prefix=before, suffix=after) for before, after in steps]
    return pb.ExistenceProof(key=b"k", value=b"v", leaf=pb.LeafOp(hash=pb.SHA256, prefix=prefix), path=path)


def verdicts(spec: Any, proof: pb.ExistenceProof, root: bytes | None = None) -> tuple[str, str]:
    """By the strict and by the compatible rules; both forms, alone and in a batch, agree."""
    wire = pb.CommitmentProof(exist=proof).SerializeToString()
    root = root_of(proof) if root is None else root
    found = []
    for rules in ("strict", "compatible"):
        (verdict,) = ics23.verify_membership_batch(spec, root, [wire], [proof.key], [proof.value], rules=rules)
        assert alone(Claim(spec, root, wire, proof.key, proof.value), rules) is verdict
        found.append(verdict.name)
    return found[0], found[1]


GOOD, BAD, MALFORMED = ("VALID",) * 2, ("BAD_PROOF",) * 2, ("MALFORMED_PROOF",) * 2
STRICT_ONLY = ("MALFORMED_PROOF", "VALID")
SIDE = b"s" * 32


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([], MALFORMED),  # min_depth
        ([(b"\1\1", SIDE)], GOOD),
        ([(b"\1\1", SIDE)] * 3, GOOD),
        ([(b"\1\1", SIDE)] * 4, MALFORMED),  # max_depth
        ([(b"\1", SIDE)], MALFORMED),  # min_prefix_length
        ([(b"\1" * 4, SIDE)], GOOD),
        ([(b"\1" * 5 + SIDE, b"")], MALFORMED),  # max_prefix_length and a child
        ([(b"\1" * 4 + SIDE, b"")], GOOD),
        ([(b"\0\1", SIDE)], MALFORMED),  # the leaf's prefix
        ([(b"\1\1", SIDE[:-1])], MALFORMED),  # no multiple of child_size
        ([(b"\1\1", SIDE * 2)], STRICT_ONLY),  # more than the other child
        ([(b"\1\1", b"")], GOOD),
    ],
)  # fmt: skip
def test_steps(steps: list[tuple[bytes, bytes]], wanted: tuple[str, str]) -> None:
    assert verdicts(SPEC, made(*steps)) == wanted


def test_leaf_operation() -> None:
    step = (b"\1\1", SIDE)
    assert verdicts(SPEC, made(step, prefix=b"\0\7")) == GOOD  # the spec's prefix is the beginning of the leaf's
    assert verdicts(SPEC, made(step, prefix=b"\1")) == MALFORMED
    for field in ("hash", "prehash_key", "prehash_value", "length"):
        proof = made(step)
        setattr(proof.leaf, field, 1 if field != "hash" else 2)
        assert verdicts(SPEC, proof) == MALFORMED
    proof = made(step)
    proof.ClearField("leaf")
    assert verdicts(SPEC, proof, b"") == MALFORMED
    proof = made(step)
    proof.path[0].hash = pb.SHA512
    assert verdicts(SPEC, proof) == MALFORMED
    for field in ("key", "value"):
        proof = made(step)
        setattr(proof, field, b"")
        assert verdicts(SPEC, proof) == MALFORMED
    assert verdicts(SPEC, made(step), b"r" * 32) == BAD
    assert verdicts(SPEC, made(step), root_of(made(step))[:-1]) == BAD


def test_a_node_longer_than_a_child_is_refused() -> None:
    spec = ics23.ProofSpec(ics23.LeafOp(hash=2, prefix=b"\0"), ics23.InnerSpec((0, 1), 32, 1, 1, b"", 2))
    proof = made((b"\1", SIDE))
    proof.leaf.hash = proof.path[0].hash = pb.SHA512
    root = hashlib.sha512(b"\1" + hashlib.sha512(b"\0kv").digest() + SIDE).digest()
    assert verdicts(spec, proof, root) == MALFORMED
    wide = ics23.ProofSpec(spec.leaf_spec, ics23.InnerSpec((0, 1), 64, 1, 1, b"", 2))
    proof.path[0].suffix = SIDE * 2
    root = hashlib.sha512(b"\1" + hashlib.sha512(b"\0kv").digest() + SIDE * 2).digest()
    assert verdicts(wide, proof, root) == GOOD


def test_depth_is_128_where_the_spec_says_nothing() -> None:
    spec = ics23.ProofSpec(SPEC.leaf_spec, SPEC.inner_spec)
    assert verdicts(spec, made(*[(b"\1\1", SIDE)] * 128)) == GOOD
    assert verdicts(spec, made(*[(b"\1\1", SIDE)] * 129)) == MALFORMED


# ---- IAVL and Tendermint ---------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def iavl(*, leaf: tuple[int, int, int] = (0, 1, 5), steps: list[tuple[int, int, int, bytes]] | None = None) -> Any:
    """An IAVL proof; numbers before zigzag are doubled, so 1 is -1."""
    path = [(1, 2, 5, b"\x20")] if steps is None else steps
    proof = made(*[(b"".join(varint(2 * n) for n in one[:3]) + one[3], b"\x20" + SIDE) for one in path])
    proof.leaf.prefix = b"".join(varint(2 * n) for n in leaf)
    proof.leaf.prehash_value, proof.leaf.length = pb.SHA256, pb.VAR_PROTO
    node = hashlib.sha256(proof.leaf.prefix + b"\1k\x20" + hashlib.sha256(b"v").digest()).digest()
    for step in proof.path:
        node = hashlib.sha256(step.prefix + node + step.suffix).digest()
    return proof, node


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, GOOD),
        ({"leaf": (0, 2, 5)}, STRICT_ONLY),
        ({"leaf": (0, 1, 2**40)}, GOOD),
        ({"steps": [(0, 2, 5, b"\x20")]}, MALFORMED),  # lower than the leaf
        ({"steps": [(1, 2, 5, b"\x20"), (1, 2, 5, b"\x20")]}, MALFORMED),  # no higher than the node below
        ({"steps": [(1, 2, 5, b"\x20"), (2, 2, 5, b"\x20")]}, GOOD),
        ({"steps": [(1, 2, 5, b"")]}, MALFORMED),
        ({"steps": [(1, 2, 5, b"\x20\x20")]}, MALFORMED),
        ({"steps": [(1, 2, 5, b"\x20" + SIDE + b"\x20")]}, GOOD),  # and a right child, which only absence minds
    ],
)
def test_iavl_prefixes(changes: dict[str, Any], wanted: tuple[str, str]) -> None:
    proof, root = iavl(**changes)
    assert verdicts("iavl", proof, root) == wanted


def test_iavl_numbers_that_are_negative_or_end_early() -> None:
    for prefix in (b"\1\2\2", b"\0\1\2", b"\0\2\1", b"\0\2", b"", b"\0\2\x80", b"\0\2" + b"\xff" * 9 + b"\2"):
        proof, _ = iavl()
        proof.leaf.prefix = prefix
        assert verdicts("iavl", proof, b"r" * 32) == MALFORMED
    proof, root = iavl(leaf=(0, 1, 2**62))
    assert verdicts("iavl", proof, root) == GOOD


def test_tendermint_prefixes() -> None:
    for before, after, wanted in (
        (b"\1", SIDE, GOOD),
        (b"\1" + SIDE, b"", GOOD),
        (b"\2", SIDE, STRICT_ONLY),
        (b"\2" + SIDE, b"", STRICT_ONLY),
        (b"\1" + SIDE, SIDE, STRICT_ONLY),
    ):
        proof = made((before, after))
        proof.leaf.prehash_value, proof.leaf.length = pb.SHA256, pb.VAR_PROTO
        node = hashlib.sha256(b"\0\1k\x20" + hashlib.sha256(b"v").digest()).digest()
        assert verdicts("tendermint", proof, hashlib.sha256(before + node + after).digest()) == wanted


# ---- hashes, lengths, specs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", HASHES)
def test_every_hash(op: int) -> None:
    digest = HASHES[op].digest
    name = {4: "ripemd160", 5: "hash160", 3: "keccak256", 9: "blake3", 7: "blake2b-512", 1: "sha256", 2: "sha512"}.get(
        op
    )
    if name:
        assert digest(b"abc") == pycore.hash(name, b"abc")
    size = len(digest(b""))
    spec = ics23.ProofSpec(ics23.LeafOp(op, op, op, 1, b"\0"), ics23.InnerSpec((0, 1), max(size, 33), 1, 1, b"", op))
    side = b"s" * spec.inner_spec.child_size
    proof = made((b"\1", side), (b"\1" + side, b""))
    for field in ("hash", "prehash_key", "prehash_value"):
        setattr(proof.leaf, field, op)
    proof.leaf.length = pb.VAR_PROTO
    node = digest(b"\0" + bytes([size]) + digest(b"k") + bytes([size]) + digest(b"v"))
    for step in proof.path:
        step.hash = op
        node = digest(step.prefix + node + step.suffix)
    assert verdicts(spec, proof, node) == GOOD
    assert verdicts(spec, proof, node[:-1] + bytes([node[-1] ^ 1])) == BAD


@pytest.mark.parametrize("op", [i for i in range(len(LENGTH_OPS)) if i != VAR_RLP])
def test_every_length(op: int) -> None:
    size = {7: 32, 8: 64}.get(op, 40)
    proof = made()
    proof.key, proof.value, proof.leaf.length = b"k" * size, b"v" * size, op
    length = {1: varint(size), 3: size.to_bytes(4, "big"), 4: size.to_bytes(4, "little"), 5: size.to_bytes(8, "big"),
              6: size.to_bytes(8, "little")}.get(op, b"")  # fmt: skip
    spec = ics23.ProofSpec(ics23.LeafOp(hash=1, length=op, prefix=b"\0"), SPEC.inner_spec)
    root = hashlib.sha256(b"\0" + length + proof.key + length + proof.value).digest()
    assert verdicts(spec, proof, root) == GOOD
    proof.value += b"v"
    assert verdicts(spec, proof, root) == (MALFORMED if op > 6 else BAD)


def test_specs_that_are_refused() -> None:
    leaf, inner = SPEC.leaf_spec, SPEC.inner_spec
    for field, spec in {
        "spec.leaf_spec.hash": lambda: ics23.ProofSpec(ics23.LeafOp(), inner),
        "spec.inner_spec.hash": lambda: ics23.ProofSpec(leaf, ics23.InnerSpec((0, 1), 32, 1, 1, b"", 10)),
        "spec.leaf_spec.length": lambda: ics23.ProofSpec(ics23.LeafOp(1, length=2), inner),
        "spec.inner_spec.child_order": lambda: ics23.ProofSpec(leaf, ics23.InnerSpec((0, 2), 32, 1, 1, b"", 1)),
        "spec.inner_spec.child_size": lambda: ics23.ProofSpec(leaf, ics23.InnerSpec((0, 1), 0, 1, 1, b"", 1)),
        "spec.max_depth": lambda: ics23.ProofSpec(leaf, inner, 1025),
        "spec.min_depth": lambda: ics23.ProofSpec(leaf, inner, 0, -1),
        "spec": lambda: ics23.verify_non_membership("merk", b"", b"", b""),
    }.items():
        with pytest.raises(InputError) as caught:
            spec()
        assert caught.value.field == field
    wide = ics23.ProofSpec(leaf, ics23.InnerSpec((0, 1), 32, 1, 33, b"", 1))
    with pytest.raises(InputError, match="less than min_prefix_length"):
        ics23.verify_non_membership(wide, b"", b"", b"")
    with pytest.raises(ProofError):
        ics23.verify_non_membership(wide, b"", b"", b"", rules="compatible")


@pytest.mark.parametrize("kind", KINDS)
def test_forms_of_a_spec(kind: str) -> None:
    spec = ics23.SPECS[kind]
    leaf = spec.leaf_spec
    message = pb.ProofSpec(
        leaf_spec=pb.LeafOp(
            hash=leaf.hash, prehash_key=leaf.prehash_key, prehash_value=leaf.prehash_value, length=leaf.length,
            prefix=leaf.prefix,
        ),
        inner_spec=pb.InnerSpec(
            child_order=spec.inner_spec.child_order, child_size=spec.inner_spec.child_size,
            min_prefix_length=spec.inner_spec.min_prefix_length, max_prefix_length=spec.inner_spec.max_prefix_length,
            empty_child=spec.inner_spec.empty_child, hash=spec.inner_spec.hash,
        ),
        max_depth=spec.max_depth,
        prehash_key_before_comparison=spec.prehash_key_before_comparison,
    )  # fmt: skip
    camel = json_format.MessageToJson(message)
    snake = json_format.MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=True)
    grown = tree(kind, 3)
    for form in (spec, kind, message.SerializeToString(), camel, json.loads(camel), snake):
        ics23.verify_membership(
            form, grown.root, grown.membership(grown.keys[0]), grown.keys[0], grown.exist(grown.keys[0]).value
        )
    for form in ("{", "{}", b"\x0a\x01", {"leaf_spec": {}}, {"leafSpec": {}, "leaf_spec": {}}, {"x": 1}, None, b""):
        with pytest.raises(InputError) as caught:
            ics23.verify_non_membership(form, b"", b"", b"")
        assert caught.value.field.startswith("spec")


# ---- bytes, JSON and bounds ------------------------------------------------------------------------------------------


def refused(proof: Any, rules: str = "strict") -> str:
    grown = tree("iavl", 3)
    key = grown.keys[1]
    try:
        ics23.verify_membership("iavl", grown.root, proof, key, grown.exist(key).value, rules=rules)
    except ProofError as error:
        return error.reason
    return ""


def test_bytes_that_two_parsers_read_differently() -> None:
    grown = tree("iavl", 3)
    whole, other = grown.membership(grown.keys[1]), grown.membership(grown.keys[0])
    assert refused(whole + b"\x50\x01") == ""  # an unknown field
    assert refused(other + whole) == "two alternatives of one choice" or "twice" in refused(other + whole)
    assert refused(other + whole, "compatible") == ""  # the later one counts
    assert refused(whole + other, "compatible") == "a proof of another key"
    exist = grown.exist(grown.keys[1]).SerializeToString()
    for twice in (b"\x0a\x01k" + exist, exist + b"\x1a\x00"):
        wire = b"\x0a" + varint(len(twice)) + twice
        assert "twice" in refused(wire)
        assert refused(wire, "compatible") == ""  # the later key counts, an empty leaf operation changes nothing
    for broken in (
        b"\x08\x01",
        whole[:-1],
        b"\x53\x54",
        b"\x53",
        b"\x54",
        b"\x00\x00",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
    ):
        assert refused(broken)
        assert refused(broken, "compatible")


def test_json() -> None:
    grown = tree("iavl", 3)
    message = pb.CommitmentProof.FromString(grown.membership(grown.keys[1]))
    assert refused(json_format.MessageToJson(message)) == ""
    whole = json_format.MessageToDict(message)
    assert refused(json_format.MessageToDict(message, use_integers_for_enums=True)) == ""
    batch = json_format.MessageToDict(pb.CommitmentProof.FromString(grown.batch(grown.keys)))
    assert refused(batch) == ""
    for change in (
        lambda one: one.pop("exist"), lambda one: one.update(nonexist={}), lambda one: one["exist"].update(more=1),
        lambda one: one["exist"].update(key="!"), lambda one: one["exist"].update(key=5),
        lambda one: one["exist"].update(path=None), lambda one: one["exist"].update(path={}),
        lambda one: one["exist"]["leaf"].update(hash="MD5"), lambda one: one["exist"]["leaf"].update(hash=True),
        lambda one: one["exist"]["leaf"].update(hash=2**31), lambda one: one["exist"].update(leaf=[]),
        lambda one: one["exist"]["leaf"].update(prehash_value=1),
        lambda one: one["exist"].update(path=[{}] * 1025),
        lambda one: one["exist"].update(key=one["exist"]["key"][:-1]),
    ):  # fmt: skip
        changed = json.loads(json.dumps(whole))
        change(changed)
        assert refused(changed), changed
    for text in ("", "{", "[]", '{"exist":{},"exist":{}}', "[" * 100_000, "1"):
        assert refused(text)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    step = pb.InnerOp(hash=pb.SHA256, prefix=b"\1", suffix=SIDE)
    long = pb.CommitmentProof(exist=pb.ExistenceProof(key=b"k", value=b"v", path=[step] * 1025))
    assert refused(long.SerializeToString()) == "a path of more than 1024 steps"
    squeezed = pb.CommitmentProof()
    squeezed.compressed.lookup_inners.append(step)
    squeezed.compressed.entries.add().exist.path.extend([0] * 1025)
    assert refused(squeezed.SerializeToString()) == "a path of more than 1024 steps"
    squeezed.compressed.entries[0].exist.path[:] = [1]
    assert refused(squeezed.SerializeToString()) == "a step 1 of 1"
    step.suffix = b"s" * (reading.MAX_OP_BYTES + 1)
    wide = pb.CommitmentProof(exist=pb.ExistenceProof(key=b"k", value=b"v", path=[step]))
    assert refused(wide.SerializeToString()).startswith("a prefix or suffix of more than")
    assert refused(bytes(reading.MAX_PROOF_BYTES + 1)).startswith("a proof of more than")
    column = ics23.verify_membership_batch("iavl", SIDE, [bytes(reading.MAX_PROOF_BYTES + 1)], [b"k"], [b"v"])
    assert column[0] is Verdict.MALFORMED_PROOF
    monkeypatch.setattr(reading, "MAX_ENTRIES", 3)
    monkeypatch.setattr(reading, "MAX_FIELDS", 100)
    grown = tree("iavl", 7)
    many = pb.CommitmentProof(batch=pb.BatchProof(entries=[pb.BatchEntry()] * 4)).SerializeToString()
    assert refused(many) == "more than 3 entries"
    assert refused(b"\x50\x01" * 200) == "more than 100 fields"
    assert refused(grown.batch(grown.keys)).startswith("more than")


def test_placeholders_count_as_absent_children() -> None:
    """In a sparse tree the end of the leaves need not be the end of every level."""
    checker = Checker(ics23.SMT, "strict")
    for kind, edge in ((b"\1" + bytes(32), checker.leftmost), (b"\1" + SIDE, checker.leftmost)):
        data = pb.InnerOp(hash=pb.SHA256, prefix=kind).SerializeToString()
        assert edge(Reader(data, strict=True).inner(0, len(data))) == (kind == b"\1" + bytes(32))
    for kind in (bytes(32), SIDE):
        data = pb.InnerOp(hash=pb.SHA256, prefix=b"\1", suffix=kind).SerializeToString()
        assert checker.rightmost(Reader(data, strict=True).inner(0, len(data))) == (kind == bytes(32))
