"""The reference implementation's own test data: proofs of three trees, and cases of each rule."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from pycore import InputError, ics23
from pycore.errors import ProofError
from pycore.ics23 import checking, forms, json_forms
from pycore.ics23.reading import ExistenceProof, RefusedError
from pycore.ics23.specs import HASHES, NO_HASH

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "ics23"
PROOFS = json.loads((FOLDER / "proofs.json").read_text(encoding="utf-8"))["proofs"]
RULES = ("strict", "compatible")


@lru_cache
def cases(name: str) -> Any:
    return json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))[name]


def octets(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def verify(kind: str, root: bytes, proof: bytes, key: bytes, value: bytes, rules: str) -> bool:
    try:
        if value:
            ics23.verify_membership(kind, root, proof, key, value, rules=rules)
        else:
            ics23.verify_non_membership(kind, root, proof, key, rules=rules)
    except ProofError:
        return False
    return True


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", PROOFS)
def test_published_proofs(name: str, rules: str) -> None:
    kind = name.split("/")[0]
    root, proof, key, value = (bytes.fromhex(PROOFS[name][field]) for field in ("root", "proof", "key", "value"))
    assert verify(kind, root, proof, key, value, rules)
    assert not verify(kind, root, proof, key, b"" if value else b"another", rules)
    assert not verify(kind, root[:-1] + bytes([root[-1] ^ 1]), proof, key, value, rules)
    assert not any(verify(other, root, proof, key, value, rules) for other in ics23.SPECS if other != kind)
    if value:
        assert not verify(kind, root, proof, key + b"\0", value, rules)
        assert not verify(kind, root, proof, key, value + b"\0", rules)
    for at in range(0, len(proof), 7):
        changed = proof[:at] + bytes([proof[at] ^ 1 << at % 8]) + proof[at + 1 :]
        if verify(kind, root, changed, key, value, rules):  # a byte of the key that a proof of absence repeats
            assert not value
            assert verify(kind, root, proof, key, value, rules)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", ics23.SPECS)
def test_published_proofs_together(kind: str, rules: str, record_property: Any) -> None:
    chosen = [one for name, one in PROOFS.items() if name.startswith(kind)]
    rows = [[bytes.fromhex(one[field]) for field in ("root", "proof", "key", "value")] for one in chosen]
    there = [row for row in rows if row[3]]
    absent = [row[:3] for row in rows if not row[3]]
    assert ics23.verify_membership_batch(kind, *map(list, zip(*there, strict=True)), rules=rules).all_valid
    assert ics23.verify_non_membership_batch(kind, *map(list, zip(*absent, strict=True)), rules=rules).all_valid
    record_property("proofs", len(rows))
    assert len(rows) == 6


@pytest.mark.parametrize("name", cases("CheckAgainstSpec"))
def test_check_against_spec(name: str) -> None:
    case = cases("CheckAgainstSpec")[name]
    refused = None
    try:
        checker = checking.Checker(forms.as_spec(case["Spec"]), "compatible")
        checker.form(json_forms.commitment_of({"exist": case["Proof"]}).items[0])
    except (InputError, RefusedError) as error:
        refused = error
    assert (refused is not None) == bool(case["Err"])


@pytest.mark.parametrize("name", cases("CheckLeaf"))
def test_check_leaf(name: str) -> None:
    case = cases("CheckLeaf")[name]
    spec = {"leafSpec": case["Spec"], "innerSpec": {"childOrder": [0, 1], "childSize": 20, "hash": "SHA256"}}
    if "hash" not in case["Spec"]:  # a spec without a hash, which nobody computes
        with pytest.raises(InputError, match=r"leaf_spec\.hash"):
            forms.as_spec(spec)
        return
    refused = None
    try:
        checking.Checker(forms.as_spec(spec), "compatible").form(
            ExistenceProof(b"k", b"v", json_forms.leaf_of(case["Leaf"]))
        )
    except RefusedError as error:
        refused = error
    assert (refused is not None) == case["IsErr"]


@pytest.mark.parametrize("name", cases("DoHash"))
def test_do_hash(name: str) -> None:
    case = cases("DoHash")[name]
    preimage = case.get("Preimage") or case["PreImage"]
    assert HASHES[case["HashOp"]].digest(preimage.encode()).hex() == case["ExpectedHash"]


@pytest.mark.parametrize("at", range(len(cases("EmptyBranch"))))
def test_empty_branch(at: int) -> None:
    case = cases("EmptyBranch")[at]
    checker = checking.Checker(forms.as_spec(case["Spec"]), "compatible")
    step = json_forms.commitment_of({"exist": {"path": [case["Op"]]}}).items[0].path[0]
    assert checker.leftmost(step) == (case["IsLeft"] or checker.branch(step) == 0)
    assert checker.rightmost(step) == (case["IsRight"] or checker.branch(step) == 1)


def computed(leaf: Any, key: bytes, value: bytes, path: list[Any]) -> bytes | None:
    """Where a proof leads, or None, with no rule about its form."""
    proof = json_forms.commitment_of({"exist": {"leaf": leaf, "path": path}}).items[0]
    hashes = {leaf.get("hash", 0), *(step.get("hash", 0) for step in path)} if leaf is not None else {NO_HASH}
    if NO_HASH in hashes:
        return None
    try:
        return checking.Checker(ics23.TENDERMINT, "compatible").root(
            ExistenceProof(key, value, proof.leaf, proof.path), proof.leaf
        )
    except RefusedError:
        return None


@pytest.mark.parametrize("name", cases("ExistenceProof"))
def test_existence_proof(name: str) -> None:
    case = cases("ExistenceProof")[name]
    proof = case["Proof"]
    found = computed(proof.get("leaf"), octets(proof.get("key")), octets(proof.get("value")), proof.get("path", []))
    assert found == (None if case["IsErr"] else octets(case["Expected"]))


@pytest.mark.parametrize("name", cases("LeafOp"))
def test_leaf_op(name: str) -> None:
    case = cases("LeafOp")[name]
    found = computed(case["Op"], octets(case.get("Key")), octets(case.get("Value")), [])
    assert found == (None if case["IsErr"] else octets(case["Expected"]))


@pytest.mark.parametrize("name", cases("InnerOp"))
def test_inner_op(name: str) -> None:
    case = cases("InnerOp")[name]
    step, child = (
        json_forms.commitment_of({"exist": {"path": [case["Op"]]}}).items[0].path[0],
        octets(case.get("Child")),
    )
    if case["IsErr"]:
        assert step.hash == NO_HASH or not child  # no node of a proof is empty: every hash has digests
    else:
        assert checking._climb(step, child) == octets(case["Expected"])
