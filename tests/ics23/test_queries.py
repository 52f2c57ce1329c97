"""Chained proofs: a node's answer up to the application hash, and those of IBC."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

import pytest

from pycore import InputError, MerkleTree, ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.errors import ProofError
from pycore.testing.ics23 import ProvenTree, items, proof_ops, store_tree

KEY, VALUE = b"\x02balance/1", b"17uatom"


@lru_cache(maxsize=1)
def stores() -> dict[str, ProvenTree]:
    content = items(20, seed=2)
    return {
        "bank": ProvenTree("iavl", content | {KEY: VALUE}),
        "gov": ProvenTree("iavl", items(3, seed=4)),
        "state": ProvenTree("smt", items(9, seed=5)),
    }


def why(call: Any) -> str:
    """The reason of the refusal; "" where there is none."""
    try:
        call()
    except ProofError as error:
        return error.reason
    return ""


def query(ops: Any, path: Any = ("bank", KEY), value: bytes | None = VALUE, **changes: Any) -> str:
    if isinstance(ops, pb.ProofOps):
        ops = ops.SerializeToString()
    if not isinstance(path, str):
        path = [one.encode() if isinstance(one, str) else one for one in path]
    app_hash = changes.pop("app_hash", store_tree(stores()).root)
    return why(lambda: ics23.verify_query(ops, app_hash, path, value, **changes))


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_values_and_absences(rules: str) -> None:
    for name, tree in stores().items():
        for key in tree.keys:
            assert query(proof_ops(stores(), name, key), (name, key), tree.exist(key).value, rules=rules) == ""
        for at in range(5):
            key = bytes([at * 50]) * 7
            assert query(proof_ops(stores(), name, key), (name, key), None, rules=rules) == ""
            assert query(proof_ops(stores(), name, key), (name, key), b"x", rules=rules).endswith(
                "no proof of existence"
            )
    assert query(proof_ops(stores(), "bank", KEY), value=None).endswith("no proof of absence")
    assert query(proof_ops(stores(), "bank", KEY), value=b"").endswith("a proof of another value")


def test_key_paths() -> None:
    ops = proof_ops(stores(), "bank", KEY)
    for path in (
        f"/bank/x:{KEY.hex()}",
        f"/bank/x:{KEY.hex().upper()}",
        "/bank/%02balance%2F1",
        f"/x:{b'bank'.hex()}/x:{KEY.hex()}",
    ):
        assert query(ops, path) == ""
    for path in (
        f"/gov/x:{KEY.hex()}",
        "/bank/balance",
        f"/x/bank/x:{KEY.hex()}",
        f"/x:{KEY.hex()}",
        "/",
        "/bank/",
        f"/bank/x:{KEY.hex()}/",
    ):
        assert "path" in query(ops, path), path
    for path in ("", "bank", "/bank/x:0", "/bank/x:zz", "/bank/%", "/bank/%0g", "/bank/\ud800", KEY):
        with pytest.raises(InputError) as caught:
            ics23.verify_query(ops.SerializeToString(), b"", path, VALUE)
        assert caught.value.field == "key_path"


def test_forms_of_the_answer() -> None:
    ops = proof_ops(stores(), "bank", KEY)
    rows = [
        {"type": one.type, "key": base64.b64encode(one.key).decode(), "data": base64.b64encode(one.data).decode()}
        for one in ops.ops
    ]
    answer = {"jsonrpc": "2.0", "result": {"response": {"code": 0, "height": "9", "proofOps": {"ops": rows}}}}
    for form in (
        {"ops": rows},
        json.dumps({"ops": rows}),
        answer,
        json.dumps(answer),
        answer["result"],
        {"proof_ops": {"ops": rows}},
    ):
        assert query(form) == ""
    for form in (
        {},
        {"ops": []},
        {"ops": rows * 9},
        {"ops": [rows]},
        {"ops": [{**rows[0], "type": 1}, rows[1]]},
        "[]",
        "x",
        b"",
        b"\x0a",
    ):
        assert query(form), form
    rows[0]["data"] = rows[0]["data"][:-2]
    assert query({"ops": rows})


def test_steps_that_are_not_the_answer() -> None:
    ops = proof_ops(stores(), "bank", KEY)
    first, second = ops.ops
    assert query(ops, app_hash=b"r" * 32) == "steps to another application hash"
    assert query(pb.ProofOps(ops=[second, first]))
    assert query(pb.ProofOps(ops=[first])) == "1 steps for a longer path"
    assert query(pb.ProofOps(ops=[first, second, second]))
    other = proof_ops(stores(), "gov", stores()["gov"].keys[0])
    assert "another key" in query(pb.ProofOps(ops=[first, other.ops[1]]))
    assert query(pb.ProofOps(ops=[first, pb.ProofOp(type=second.type, key=second.key, data=other.ops[1].data)]))
    assert query(pb.ProofOps(ops=[first, pb.ProofOp(type="ics23:iavl", key=second.key, data=second.data)]))
    assert "unknown" in query(pb.ProofOps(ops=[first, pb.ProofOp(type="iavl:v", key=second.key, data=second.data)]))
    nameless = pb.ProofOp(type=second.type, data=second.data)
    assert "another key" in query(pb.ProofOps(ops=[first, nameless]))
    assert query(pb.ProofOps(ops=[first, nameless]), rules="compatible").endswith("a proof of another key")
    batch = pb.ProofOp(type=first.type, key=first.key, data=stores()["bank"].batch([KEY]))
    assert "not one proof" in query(pb.ProofOps(ops=[batch, second]))
    empty = pb.ProofOp(type=first.type, key=first.key)
    assert "not one proof" in query(pb.ProofOps(ops=[empty, second]))


def test_every_bit_of_the_answer_counts() -> None:
    ops = proof_ops(stores(), "bank", KEY).SerializeToString()
    for at in range(len(ops)):
        changed = ops[:at] + bytes([ops[at] ^ 1 << at % 8]) + ops[at + 1 :]
        assert query(changed), at


# ---- simple:v --------------------------------------------------------------------------------------------------------


def value_op(content: dict[bytes, bytes], key: bytes) -> tuple[pb.ValueOp, bytes]:
    """A step of the simple tree with positions, and its root."""
    names = sorted(content)
    leaves = [bytes([len(name)]) + name + b"\x20" + hashlib.sha256(content[name]).digest() for name in names]
    tree, index = MerkleTree(leaves), names.index(key)
    leaf = hashlib.sha256(b"\0" + leaves[index]).digest()
    proof = pb.SimpleProof(total=len(names), index=index, leaf_hash=leaf, aunts=list(tree.proof(index)))
    return pb.ValueOp(key=key, proof=proof), tree.root


def test_steps_of_values() -> None:
    for count in (1, 2, 3, 7, 8):
        content = {bytes([i]) * 3: bytes([i]) for i in range(count)}
        for key, value in content.items():
            made, root = value_op(content, key)
            ops = pb.ProofOps(ops=[pb.ProofOp(type="simple:v", key=key, data=made.SerializeToString())])
            assert query(ops, [key], value, app_hash=root) == ""
            assert query(ops, [key], value + b"\0", app_hash=root).endswith("a leaf of another key or value")
            assert query(ops, [key], None, app_hash=root).endswith("a step that proves no absence")
            for change in (
                lambda one: setattr(one.proof, "total", one.proof.index),
                lambda one: setattr(one.proof, "total", -1),
                lambda one: setattr(one.proof, "index", -1),
                lambda one: one.proof.aunts.append(bytes(32)),
                lambda one: one.proof.aunts.append(b""),
                lambda one: one.proof.aunts.extend([bytes(32)] * 101),
                lambda one: setattr(one.proof, "leaf_hash", bytes(31)),
                lambda one: one.ClearField("proof"),
            ):
                wrong = pb.ValueOp.FromString(made.SerializeToString())
                change(wrong)
                ops.ops[0].data = wrong.SerializeToString()
                assert query(ops, [key], value, app_hash=root), (count, key)


# ---- IBC -------------------------------------------------------------------------------------------------------------


def test_chains_of_ibc() -> None:
    bank, above = stores()["bank"], store_tree(stores())
    specs, absent = ["iavl", "tendermint"], b"\x02none"

    def chain(proofs: Any, path: Any, value: bytes | None, root: bytes = above.root, specs: Any = specs) -> str:
        return why(lambda: ics23.verify_chain(specs, root, proofs, path, value))

    proofs = [bank.membership(KEY), above.membership(b"bank")]
    whole = pb.MerkleProof(proofs=[pb.CommitmentProof.FromString(one) for one in proofs]).SerializeToString()
    for form in (proofs, whole):
        assert chain(form, [b"bank", KEY], VALUE) == ""
        assert chain(form, [b"bank", KEY], VALUE, b"r" * 32) == "proofs that lead to another root"
        assert chain(form, [b"gov", KEY], VALUE) == "proof 1: a proof of another key"
        assert chain(form, [b"bank", KEY], b"?") == "proof 0: a proof of another value"
        assert chain(form, [b"bank", KEY], None) == "proof 0: no proof of absence"
        assert chain(form, [b"bank", KEY], VALUE, specs=["tendermint", "tendermint"])
    assert chain([bank.non_membership(absent), proofs[1]], [b"bank", absent], None) == ""
    assert chain([bank.non_membership(absent), above.non_membership(b"banc")], [b"banc", absent], None)
    assert chain(proofs[:1], [b"bank", KEY], VALUE) == "1 proofs for 2 specs"
    assert chain(b"\x0a\x00" * 20, [b"bank", KEY], VALUE) == "more than 16 proofs"
    for field, call in {
        "specs": lambda: ics23.verify_chain([], above.root, [], [], VALUE),
        "path": lambda: ics23.verify_chain(specs, above.root, proofs, [b"bank"], VALUE),
    }.items():
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field
