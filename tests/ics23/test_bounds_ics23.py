"""The cost of a proof follows from its size, however it is made and however often it is asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from mutations import tree

from pycore import Verdict, ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.base.deadline import Budget, ExpiredError
from pycore.errors import ProofError
from pycore.ics23 import checking, reading
from pycore.ics23.checking import Checker
from pycore.testing.ics23 import compressed

LEAF = {"hash": "SHA256", "length": "VAR_PROTO", "prefix": "AA=="}
WIDE = {
    "leafSpec": LEAF,
    "innerSpec": {"childOrder": [0, 1], "childSize": 4096, "minPrefixLength": 1, "maxPrefixLength": 4096,
                  "hash": "SHA256"},
    "maxDepth": 1024,
}  # fmt: skip


def one_step_often(entries: int, depth: int, step: int) -> pb.CommitmentProof:
    """A compressed proof of a few bytes whose paths all repeat one long step."""
    proof = pb.CommitmentProof()
    json_format.ParseDict(
        {
            "compressed": {
                "entries": [
                    {"exist": {"key": "a2V5", "value": "dg==", "leaf": LEAF, "path": [0] * depth}}
                    for _ in range(entries)
                ]
            }
        },
        proof,
    )
    proof.compressed.lookup_inners.add(hash=1, prefix=b"\1" * step)
    return proof


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_a_small_compressed_proof_cannot_ask_for_any_amount_of_hashing(
    rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = 0
    climb = checking._climb

    def counted(step: Any, node: bytes) -> bytes:
        nonlocal hashed
        hashed += len(step.prefix)
        return climb(step, node)

    monkeypatch.setattr(checking, "_climb", counted)
    proof = one_step_often(entries=2, depth=500, step=3000)
    data, text = proof.SerializeToString(), json_format.MessageToJson(proof)
    for form in (data, text, json.loads(text)):
        for given in (form, [form]):
            found = ics23.verify_membership_batch(WIDE, bytes(32), given, [b"key"], [b"v"], rules=rules)
            assert list(found) == [Verdict.MALFORMED_PROOF]
            absent = ics23.verify_non_membership_batch(WIDE, bytes(32), given, [b"key"], rules=rules)
            assert list(absent) == [Verdict.MALFORMED_PROOF]
    assert hashed <= reading.MAX_SHARING * len(data)


def test_the_bound_is_far_from_proofs_of_real_trees() -> None:
    for kind in ("iavl", "tendermint", "smt"):
        made = tree(kind, 600)
        whole = made.batch(made.keys)
        assert 4 * len(whole) < reading.MAX_SHARING * len(compressed(whole))
        values = [made.exist(key).value for key in made.keys]
        assert ics23.verify_membership_batch(kind, made.root, compressed(whole), made.keys, values).all_valid


def test_one_proof_is_looked_at_once_however_many_keys_it_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tree("iavl", 40)
    keys = [b"absent %d" % i for i in range(50)]
    looked = 0
    step_form = Checker._step_form

    def counted(self: Checker, *given: Any) -> None:
        nonlocal looked
        looked += 1
        step_form(self, *given)

    monkeypatch.setattr(Checker, "_step_form", counted)
    exist = made.membership(made.keys[3])
    absent = next(proof for proof in map(made.non_membership, keys))
    entry = pb.CommitmentProof.FromString(absent).nonexist
    steps = len(pb.CommitmentProof.FromString(exist).exist.path)
    assert not ics23.verify_membership_batch("iavl", made.root, exist, keys, keys).valid.any()
    assert 0 < looked <= steps
    looked = 0
    found = ics23.verify_non_membership_batch("iavl", made.root, absent, keys)
    assert 0 < looked <= len(entry.left.path) + len(entry.right.path)
    assert found[0] is Verdict.VALID
    batch = json_format.MessageToJson(pb.CommitmentProof.FromString(made.batch([made.keys[3]])))
    looked = 0
    value = made.exist(made.keys[3]).value
    assert ics23.verify_membership_batch("iavl", made.root, batch, [made.keys[3]] * 50, [value] * 50).all_valid
    assert 0 < looked <= steps


def test_a_deadline_ends_the_work_between_two_keys() -> None:
    made = tree("iavl", 5)
    text = json_format.MessageToJson(pb.CommitmentProof.FromString(made.membership(made.keys[0])))
    value = made.exist(made.keys[0]).value
    for given in (text, [text]):
        with pytest.raises(ExpiredError), Budget(deadline=1.0, clock=lambda: 2.0):
            ics23.verify_membership_batch("iavl", made.root, given, [made.keys[0]], [value])


@pytest.mark.parametrize(
    "text", ["[" + "[]," * (1 << 18) + "[]]", "[" * 40 + "]" * 40, '{"exist": {"leaf": {"hash": ' + "1" * 100 + "}}}"],
    ids=["values", "levels", "digits"],
)  # fmt: skip
def test_json_is_bounded_before_anything_is_built_of_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = json.loads

    def counted(*arguments: Any, **named: Any) -> Any:
        assert len(arguments[0]) < 1000
        return loads(*arguments, **named)

    monkeypatch.setattr("pycore.ics23.json_forms.json.loads", counted)
    with pytest.raises(ProofError, match="MALFORMED_PROOF: JSON with"):
        ics23.verify_membership("iavl", bytes(32), text, b"k", b"v")
