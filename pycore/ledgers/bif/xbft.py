"""Proofs of XBFT, the open engine for BIF's next consensus. Certainty of everything here: read.

    vote      Sign(serialised XbftQcValue)
    proof     XbftProof{node without its value, qc}: qc is about the value's hash, the node's hash, view and sequence
    node_hash SHA-256(serialised XbftNode with its value, which is the consensus value)
    quorum    at least n - floor(n / 3) validators with valid signatures; others are passed over

`compatible` takes what the engine takes: signatures that do not hold, by strangers or a second time are passed over,
and the node is not compared with the certificate. `strict` refuses a proof for any of them, asks that the node agrees
with what was voted for, and, where the consensus value is known, for the node's hash; and for bytes as a writer puts
them.
An empty list of validators, with which the engine takes anything, never has a quorum here.

A timeout certificate (XbftTc) has signatures over le64(view) || le64(view of the high certificate). The engine passes
these 16 bytes on as a C string, so that they end before the first zero byte: view 1 signs "01" alone, and the second
number is not signed. `compatible` checks that form, `strict` all 16 bytes.

Source: Xbft, lib/engine/XbftNode.cpp (CheckQc), XbftTc.cpp (IsValid), XbftValidatorSet.cpp, lib/protos/consensus.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycore.base.report import Report
from pycore.base.verdicts import Verdict
from pycore.consensus import Repeat
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif.certificate import Members, Outcome, Signed, concluded, outcome_checks, refused, verify_signed
from pycore.ledgers.bif.context import BifContext, Validator
from pycore.ledgers.bif.messages import (
    MAX_VALIDATORS,
    XbftNode,
    XbftProof,
    XbftTc,
    as_written,
    parse_counted,
    shorten,
)

_NO_ANSWER = "16 bytes without a zero byte: the engine would read on behind them"


def judge_xbft(
    data: bytes, digest: bytes, seq: int, validators: Sequence[Validator], context: BifContext,
    value: bytes | None = None,
) -> Outcome:  # fmt: skip
    """An XBFT proof of a consensus value; `value`: its bytes, where they are known."""
    try:
        proof = parse_counted(XbftProof, data, "proof", ("qc.signatures", "node.previous_qc.signatures"))
    except InputError as error:
        return refused(str(error), validators)
    qc = proof.qc
    if len(qc.signatures) > MAX_VALIDATORS:
        return refused(f"{len(qc.signatures)} signatures, at most {MAX_VALIDATORS} are read", validators)
    against = []
    if qc.qc_content.node_value_hash != digest:
        against.append(f"node_value_hash {qc.qc_content.node_value_hash[:32].hex()}, not {digest.hex()}")
    if context.strict:
        against += _disagreements(proof, data, seq, value)
    message = qc.qc_content.SerializeToString()
    signed = [Signed(one.public_key, message, _signature(one)) for one in qc.signatures]
    ballots = _ballots(signed, [digest] * len(signed), validators, context, against)
    repeats = Repeat.REFUSED if context.strict else Repeat.IGNORED
    return concluded(ballots, digest, against, validators, repeats)


def _signature(one: Any) -> bytes:
    return bytes(one.sign_data) if one.WhichOneof("data") == "sign_data" else b""


def _ballots(
    signed: Sequence[Signed], claims: Sequence[bytes], validators: Sequence[Validator], context: BifContext,
    against: list[str],
) -> list[tuple[str, bytes, str]]:  # fmt: skip
    """The votes; what is wrong with one is an objection under `strict`."""
    ballots, members = [], Members(validators, context)
    for i, (one, claim, (key, code)) in enumerate(zip(signed, claims, verify_signed(signed, context), strict=True)):
        place = members.place(key)
        flaw = "not signed by a validator" if place < 0 else ""
        if not flaw and code != Verdict.VALID:
            flaw = f"signature: {Verdict(code).meaning}"
        if flaw and context.strict:
            against.append(f"signature {i}: {flaw}")
        ballots.append((validators[place].address if place >= 0 else shorten(one.key), claim, flaw))
    return ballots


def _disagreements(proof: Any, data: bytes, seq: int, value: bytes | None) -> list[str]:
    """Faults that the engine does not look for."""
    node, content = proof.node, proof.qc.qc_content
    found = [] if as_written(proof, data) else ["not encoded as a writer encodes it"]
    if content.sequence != seq or node.sequence != seq:
        found.append(f"sequence {content.sequence} of the vote and {node.sequence} of the node, the block is {seq}")
    if node.view_number != content.view_number:
        found.append(f"view_number {node.view_number} of the node, {content.view_number} of the vote")
    if node.node_value:
        found.append("a node with its value, which stored proofs do not have")
    elif value is not None:
        whole = XbftNode()
        whole.CopyFrom(node)
        whole.node_value = value
        node_hash = hash_one("sha256", whole.SerializeToString(deterministic=True))
        if node_hash != content.node_hash:
            found.append(f"node_hash {content.node_hash[:32].hex()}, the node's is {node_hash.hex()}")
    return found


def verify_timeout_certificate(data: bytes, context: BifContext) -> Report:
    """A serialised XbftTc against `context.validators`: checks `certificate` and `quorum`, certainty read.

    InputError where the bytes are not one.
    """
    found = parse_counted(XbftTc, data, "certificate", ("signature", "high_qc_view_number"))
    against = []
    if len(found.high_qc_view_number) != len(found.signature):
        against.append(f"{len(found.signature)} signatures, {len(found.high_qc_view_number)} view numbers")
    if len(found.signature) > MAX_VALIDATORS:
        raise InputError("certificate", f"{len(found.signature)} signatures", f"at most {MAX_VALIDATORS}")
    if context.strict and not as_written(found, data):
        against.append("not encoded as a writer encodes it")
    signed = []
    for view, one in zip(found.high_qc_view_number, found.signature, strict=False):
        message: bytes | None = timeout_message(found.view_number, view, strict=context.strict)
        if message is None:
            against.append(_NO_ANSWER)
        signed.append(Signed(one.public_key, message or b"", _signature(one)))
    ballots = _ballots(signed, [b"timeout"] * len(signed), context.validators, context, against)
    repeats = Repeat.REFUSED if context.strict else Repeat.IGNORED
    outcome = concluded(ballots, b"timeout", against, context.validators, repeats)
    return Report("bif", context.rules, outcome_checks(outcome))


def timeout_message(view: int, high: int, *, strict: bool) -> bytes | None:
    """The bytes that a timeout's signature is over; None where the engine's own form has no end.

    >>> timeout_message(1, 7, strict=False), len(timeout_message(1, 7, strict=True))
    (b'\\x01', 16)
    """
    whole = view.to_bytes(8, "little", signed=True) + high.to_bytes(8, "little", signed=True)
    if strict:
        return whole
    end = whole.find(b"\0")
    return None if end < 0 else whole[:end]
