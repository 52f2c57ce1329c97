"""Verdicts of batches are those of single proofs, whatever else is in the batch."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf import json_format
from judge_ics23 import alone
from mutations import KINDS, Claim, claim, mutated, tree

import pycore
from pycore import InputError, Verdict, ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.ics23 import batch as batch_module
from pycore.testing.ics23 import ProvenTree, compressed, items

RULES = ("strict", "compatible")


def together(claims: Sequence[Claim], rules: str) -> list[Verdict]:
    """Verdicts of one call; all claims are of one kind and of the same sort."""
    kind, roots, proofs, keys = (
        claims[0].kind,
        [one.root for one in claims],
        [one.proof for one in claims],
        [one.key for one in claims],
    )
    if claims[0].value is None:
        return list(ics23.verify_non_membership_batch(kind, roots, proofs, keys, rules=rules))
    values = [one.value for one in claims if one.value is not None]
    return list(ics23.verify_membership_batch(kind, roots, proofs, keys, values, rules=rules))


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_claims(kind: str, rules: str, seed: int) -> None:
    rng = random.Random(f"{seed} {kind} {rules}")
    claims = [claim(rng, kind) for _ in range(250)]
    claims = [replace(mutated(rng, one), kind=kind) if rng.random() < 0.8 else one for one in claims]
    for present in (True, False):
        part = [one for one in claims if (one.value is not None) == present]
        found = together(part, rules)
        assert found == [alone(one, rules) for one in part]
        assert {*found} == {Verdict.VALID, Verdict.BAD_PROOF, Verdict.MALFORMED_PROOF}


@pytest.mark.parametrize("kind", KINDS)
def test_one_proof_for_many_keys(kind: str, seed: int) -> None:
    rng = random.Random(f"{seed} {kind}")
    made = tree(kind, 20)
    present, absent = rng.sample(made.keys, 8), [rng.randbytes(20) for _ in range(8)]
    plain = made.batch(rng.sample([*present, *absent], 16))
    broken = pb.CommitmentProof.FromString(plain)
    broken.batch.entries[3].ClearField("proof")
    first = next(one for one in broken.batch.entries if one.HasField("exist"))
    first.exist.path[0].prefix += b"\0"
    for proof in (plain, compressed(plain), broken.SerializeToString(), made.membership(present[0]), b"", plain[:-1]):
        keys = [*present, *absent, *made.keys[:3], rng.randbytes(20)]
        values = [made.exist(key).value if key in made.keys else b"x" for key in keys]
        found = list(ics23.verify_membership_batch(kind, made.root, proof, keys, values))
        assert found == [
            alone(Claim(kind, made.root, proof, k, v), "strict") for k, v in zip(keys, values, strict=True)
        ]
        found = list(ics23.verify_non_membership_batch(kind, made.root, proof, keys))
        assert found == [alone(Claim(kind, made.root, proof, key, None), "strict") for key in keys]
    assert ics23.verify_membership_batch(
        kind, made.root, plain, present, [made.exist(k).value for k in present]
    ).all_valid
    assert ics23.verify_non_membership_batch(kind, made.root, compressed(plain), absent).all_valid


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 600])
def test_every_proof_of_a_tree_in_any_order(kind: str, count: int) -> None:
    made = tree(kind, count)
    keys = made.keys.copy()
    for order in (keys, keys[::-1], random.Random(count).sample(keys, count)):
        proofs, values = [made.membership(key) for key in order], [made.exist(key).value for key in order]
        assert ics23.verify_membership_batch(kind, made.root, proofs, order, values).all_valid


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_proof_leaves_the_others_alone(kind: str) -> None:
    """Forged leaves below shared steps, before and after the honest proofs, at every place."""
    made = tree(kind, 7)
    honest = [Claim(kind, made.root, made.membership(key), key, made.exist(key).value) for key in made.keys]
    for at in range(len(honest)):
        forged = []
        for extra in (b"\0", b"\1"):
            proof = pb.CommitmentProof(exist=made.exist(made.keys[at]))
            proof.exist.value += extra
            forged.append(replace(honest[at], proof=proof.SerializeToString(), value=proof.exist.value))
        for claims, bad in (
            ([*forged, *honest], {0, 1}),
            ([*honest, *forged], {len(honest), len(honest) + 1}),
            ([*honest[:at], *forged, *honest[at:]], {at, at + 1}),
        ):
            wanted = [Verdict.BAD_PROOF if i in bad else Verdict.VALID for i in range(len(claims))]
            assert together(claims, "strict") == wanted


def test_many_roots() -> None:
    trees = [tree("iavl", count) for count in (1, 2, 3, 7, 20)]
    rng = random.Random(1)
    claims = []
    for _ in range(300):
        made = rng.choice(trees)
        key = rng.choice(made.keys)
        root = made.root if rng.random() < 0.7 else rng.choice(trees).root
        claims.append(Claim("iavl", root, made.membership(key), key, made.exist(key).value))
    assert together(claims, "strict") == [alone(one, "strict") for one in claims]


def test_forms_of_the_input() -> None:
    made = tree("tendermint", 7)
    keys, proofs = made.keys, [made.membership(key) for key in made.keys]
    values = [made.exist(key).value for key in keys]
    offsets = np.cumsum([0, *map(len, proofs)])
    texts = [json_format.MessageToJson(pb.CommitmentProof.FromString(one)) for one in proofs]
    padded = [one + b"\x50\x01" for one in proofs]  # an unknown field: read field by field
    for form in (
        proofs, pycore.batch(proofs), (b"".join(proofs), offsets), texts, [json.loads(one) for one in texts], padded,
        [proofs[0], texts[1], *padded[2:]],
    ):  # fmt: skip
        assert ics23.verify_membership_batch("tendermint", made.root, form, keys, values).all_valid
        wrong = ics23.verify_membership_batch("tendermint", made.root, form, keys, values[::-1])
        assert [one is Verdict.VALID for one in wrong] == [a == b for a, b in zip(values, values[::-1], strict=True)]
    width = len(proofs[1])
    same = np.frombuffer(proofs[1] * 3, np.uint8).reshape(3, width)
    assert ics23.verify_membership_batch("tendermint", made.root, same, [keys[1]] * 3, [values[1]] * 3).all_valid


def test_no_proofs() -> None:
    for found in (
        ics23.verify_membership_batch("iavl", b"r" * 32, [], [], []),
        ics23.verify_non_membership_batch("iavl", b"r" * 32, [], []),
        ics23.verify_membership_batch("iavl", b"r" * 32, b"", [], []),
    ):
        assert len(found) == 0


def test_large_leaves_and_small_steps() -> None:
    """Leaves beyond the kernel's buffers, and steps so short that the first guess at their number is too small."""
    content = {b"k" * size: b"v" * (40_000 - size) for size in (1, 200, 20_000)} | {b"m": b"v" * 17_000}
    made = ProvenTree("iavl", content)
    proofs = [made.membership(key) for key in made.keys]
    assert ics23.verify_membership_batch(
        "iavl", made.root, proofs, made.keys, [content[key] for key in made.keys]
    ).all_valid
    spec = ics23.ProofSpec(ics23.LeafOp(hash=1, prefix=b"\0"), ics23.InnerSpec((0, 1), 1, 1, 1, b"", 1), max_depth=1024)
    claims = []
    for i in range(40):
        leaf = pb.LeafOp(hash=pb.SHA256, prefix=b"\0")
        steps = [pb.InnerOp(hash=pb.SHA256, prefix=bytes([1 + (i + at) % 250])) for at in range(1000)]
        claims.append(pb.CommitmentProof(exist=pb.ExistenceProof(key=b"k", value=b"v", leaf=leaf, path=steps)))
    proofs = [one.SerializeToString() for one in claims]
    checker = batch_module.Checker(spec, "strict")
    roots = [checker.root(one, one.leaf) for one in (_read(proof) for proof in proofs)]
    found = ics23.verify_membership_batch(spec, roots, proofs, [b"k"] * 40, [b"v"] * 40)
    assert found.all_valid
    assert ics23.verify_membership_batch(spec, roots[::-1], proofs, [b"k"] * 40, [b"v"] * 40).valid.sum() == 0


def _read(proof: bytes):
    return batch_module.entries_of(proof, "proof", strict=True).items[0]


def test_first_range_around_each_point(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(300):
        ranges = [
            tuple(rng.choice((None, bytes([rng.randrange(9)]))) for _ in range(2)) for _ in range(rng.randrange(7))
        ]
        points = [bytes([rng.randrange(9)]) for _ in range(6)]
        wanted = [
            next(
                (r for r, (a, b) in enumerate(ranges) if (a is None or a < point) and (b is None or point < b)),
                None,
            )
            for point in points
        ]
        assert batch_module._first_around(ranges, points) == wanted


def test_malformed_calls() -> None:
    made = tree("iavl", 3)
    proof, key = made.membership(made.keys[0]), made.keys[0]
    value = made.exist(key).value
    for field, call in {
        "values": lambda: ics23.verify_membership_batch("iavl", made.root, [proof], [key], [value, value]),
        "proofs": lambda: ics23.verify_membership_batch("iavl", made.root, [proof, proof], [key], [value]),
        "root": lambda: ics23.verify_membership_batch("iavl", [made.root] * 2, [proof], [key], [value]),
        "spec": lambda: ics23.verify_membership_batch("merk", made.root, [proof], [key], [value]),
        "rules": lambda: ics23.verify_membership_batch("iavl", made.root, [proof], [key], [value], rules="lax"),
        "keys": lambda: ics23.verify_non_membership_batch("iavl", made.root, [proof], key),
    }.items():
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field


def test_ten_thousand_keys_of_one_batch_proof() -> None:
    content = items(300, seed=9)
    made = ProvenTree("smt", content)
    proof = made.batch(made.keys)
    keys = made.keys * 40
    assert ics23.verify_membership_batch("smt", made.root, proof, keys, [content[key] for key in keys]).all_valid
    assert ics23.verify_membership_batch("smt", made.root, proof, [b"?"] * 10_000, [b"?"] * 10_000).valid.sum() == 0
