"""Fabric's validation of a transaction once more, one after another, on protobuf's own messages.

Written from the description of the rules, without columns: for comparison with the columns, on anything.
"""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.base import go_protobuf
from pycore.base.verdicts import Verdict
from pycore.identities.collector import SignatureBatch
from pycore.identities.msp import UnknownIdentityError
from pycore.ledgers.fabric.channel import Channel, policy_of
from pycore.ledgers.fabric.codes import Code


class WrongError(Exception):
    """A transaction with a code."""

    def __init__(self, code: Code) -> None:
        self.code = code


def read(kind: Any, data: bytes, code: Code) -> Any:
    try:
        return go_protobuf.read(kind, data)
    except DecodeError:
        raise WrongError(code) from None


def need(good: object, code: Code) -> None:
    if not good:
        raise WrongError(code)


def codes(entries: list[bytes], channel: Channel, policy: str) -> list[int]:
    """The code of each transaction; every namespace has the one policy."""
    found: list[int] = []
    seen: set[str] = set()
    for entry in entries:
        try:
            tx_id = validate(entry, channel, policy)
        except WrongError as wrong:
            found.append(wrong.code)
            continue
        found.append(Code.DUPLICATE_TXID if tx_id in seen else Code.VALID)
        if tx_id is not None:
            seen.add(tx_id)
    return found


def holds(channel: Channel, name: bytes, message: bytes, signature: bytes) -> Any:
    """Whose valid signature it is; None for nobody's."""
    try:
        who = channel.msps.resolve(name)
    except UnknownIdentityError:
        return None
    batch = SignatureBatch(der_rules="go", s_rules="low-s")
    batch.add(who.key, who.hash, message, signature)
    return who if batch.run()[0] == Verdict.VALID else None


def validate(entry: bytes, channel: Channel, policy: str) -> str | None:
    """The id of a valid transaction, None for a configuration. Raises WrongError."""
    envelope = read(block_pb2.Envelope, entry, Code.INVALID_OTHER_REASON)
    payload = read(block_pb2.Payload, envelope.payload, Code.BAD_PAYLOAD)
    bad = Code.BAD_COMMON_HEADER
    need(payload.HasField("header"), bad)
    header = read(block_pb2.ChannelHeader, payload.header.channel_header, bad)
    signer = read(block_pb2.SignatureHeader, payload.header.signature_header, bad)
    need(header.type in (1, 2, 3) and header.epoch == 0 and signer.nonce and signer.creator, bad)
    creator = holds(channel, signer.creator, envelope.payload, envelope.signature)
    need(creator is not None and not creator.problem, Code.BAD_CREATOR_SIGNATURE)
    need(header.channel_id == channel.channel_id, Code.TARGET_CHAIN_NOT_FOUND)
    if header.type == 3:
        wanted = hashlib.sha256(signer.nonce + signer.creator).hexdigest()
        need(header.tx_id == wanted, Code.BAD_PROPOSAL_TXID)
    need(header.type != 2, Code.UNSUPPORTED_TX_PAYLOAD)
    action = response = None
    if header.type == 3:
        action, response = proposal(payload, header)
    if header.type != 3:
        return None
    for _ in called(header, action, response):
        signers: dict[Any, Any] = {}
        for one in action.action.endorsements:
            message = action.action.proposal_response_payload + one.endorser
            who = holds(channel, one.endorser, message, one.signature)
            if who is not None:
                signers.setdefault((who.msp_id, who.id), who)
        met = policy_of(policy, channel, "compatible").satisfied_by(list(signers.values()))
        need(met, Code.ENDORSEMENT_POLICY_FAILURE)
    return str(header.tx_id)


def proposal(payload: Any, header: Any) -> tuple[Any, Any]:
    """The action and the proposal response of an endorsed transaction."""
    bad = Code.INVALID_ENDORSER_TRANSACTION
    body = read(transaction_pb2.Transaction, payload.data, bad)
    need(len(body.actions) == 1, bad)
    head = read(block_pb2.SignatureHeader, body.actions[0].header, bad)
    need(head.nonce and head.creator, bad)
    action = read(transaction_pb2.ChaincodeActionPayload, body.actions[0].payload, bad)
    need(action.HasField("action"), bad)
    response = read(transaction_pb2.ProposalResponsePayload, action.action.proposal_response_payload, bad)
    need(action.chaincode_proposal_payload, bad)
    covered = payload.header.channel_header + body.actions[0].header + action.chaincode_proposal_payload
    need(response.proposal_hash == hashlib.sha256(covered).digest(), bad)
    return action, response


def called(header: Any, action: Any, response: Any) -> list[str]:
    """The namespaces whose policies are asked."""
    extension = read(transaction_pb2.ChaincodeHeaderExtension, header.extension, Code.BAD_HEADER_EXTENSION)
    need(response.extension, Code.BAD_RESPONSE_PAYLOAD)
    found = read(transaction_pb2.ChaincodeAction, response.extension, Code.BAD_RESPONSE_PAYLOAD)
    sets = read(transaction_pb2.TxReadWriteSet, found.results, Code.BAD_RWSET)
    written = []
    for one in sets.ns_rwset:
        inner = read(transaction_pb2.KVRWSet, one.rwset, Code.BAD_RWSET)
        writes = bool(inner.writes or inner.metadata_writes)
        for collection in one.collection_hashed_rwset:
            hashed = read(transaction_pb2.HashedRWSet, collection.hashed_rwset, Code.BAD_RWSET)
            writes |= bool(hashed.hashed_writes or hashed.metadata_writes)
        written += [one.namespace] * writes
    need(extension.HasField("chaincode_id") and found.HasField("chaincode_id"), Code.INVALID_OTHER_REASON)
    name = extension.chaincode_id.name
    need(name and name == found.chaincode_id.name and found.chaincode_id.version, Code.INVALID_CHAINCODE)
    if found.events:
        event = read(transaction_pb2.ChaincodeEvent, found.events, Code.INVALID_OTHER_REASON)
        need(event.chaincode_id == name, Code.INVALID_OTHER_REASON)
    names = [one.namespace for one in sets.ns_rwset]
    need(len(set(names)) == len(names), Code.ILLEGAL_WRITESET)
    return [name, *written]
