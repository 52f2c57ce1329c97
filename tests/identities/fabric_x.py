"""Judges Fabric-X's published transactions under MSP rules, slowly: membership and policies are what is tested.

The digest of a namespace is DER, as the documentation of the vectors says: built here once more, field by field.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from x509_make import integer, octets, seq, tlv

from pycore._pb.ledgers.fabric.v1.block_pb2 import Envelope, Payload
from pycore._pb.ledgers.fabric.v1.configuration_pb2 import ConfigEnvelope
from pycore.base.verdicts import Verdict
from pycore.consensus.policy import PolicyError, compile_policy
from pycore.consensus.policy_tree import PolicyTree, Rejecting
from pycore.identities.collector import SignatureBatch
from pycore.identities.msp import UnknownIdentityError
from pycore.identities.msp_channel import msps_of

Fields = dict[int, list[Any]]


def fields(data: bytes) -> Fields:
    """Number -> values of a protobuf message of varints and byte strings."""
    found: Fields = defaultdict(list)
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            found[tag >> 3].append(varint())
        else:
            assert tag & 7 == 2
            size = varint()
            found[tag >> 3].append(data[at : at + size])
            at += size
    return found


def last(message: Fields, number: int, default: Any = b"") -> Any:
    return message[number][-1] if message[number] else default


def signed64(value: int) -> bytes:
    return integer(value - (1 << 64) if value >> 63 else value)


def version(message: Fields) -> bytes:
    value = last(message, 2, None)
    return b"" if value is None or value == (1 << 64) - 1 else signed64(value)


def digest(tx_id: bytes, namespace: Fields, metadata: list[bytes]) -> bytes:
    reads = [seq(octets(last(one, 1)), version(one)) for one in map(fields, namespace[3])]
    both = [seq(octets(last(one, 1)), octets(last(one, 3)), version(one)) for one in map(fields, namespace[4])]
    writes = [seq(octets(last(one, 1)), octets(last(one, 2))) for one in map(fields, namespace[5])]
    return seq(
        tlv(0x0C, tx_id),
        seq(*map(octets, metadata)) if metadata else b"",
        tlv(0x0C, last(namespace, 1)),
        signed64(last(namespace, 2, 0)),
        seq(*reads),
        seq(*both),
        seq(*writes),
    )


def verdicts(document: Any, rules: str) -> dict[str, bool]:
    """Whether each transaction that only MSP rules decide is valid, by the name of its case."""
    update = fields(bytes.fromhex(document["update"]))
    envelope = Envelope.FromString(fields(update[1][0])[1][0])
    group = ConfigEnvelope.FromString(Payload.FromString(envelope.payload).data).config.channel_group
    msps, tree = msps_of(group, rules=rules), PolicyTree(group, rules=rules)
    policies: dict[str, Any] = {"_meta": tree.get("/Channel/Application/LifecycleEndorsement")}
    for item in map(fields, fields(update[2][0])[1]):
        rule = fields(item[2][0])
        policies[item[1][0].decode()] = _policy(rule[2][-1], rules) if rule[2] else None
    found = {}
    for case in document["requests"]:
        request = fields(bytes.fromhex(case["tx_with_ref"]))
        answer = _verdict(last(fields(request[1][0]), 3), fields(b"".join(request[2])), policies, msps)
        if answer is not None:
            found[case["name"]] = answer
    return found


def _policy(data: bytes, rules: str) -> Any:
    try:
        return compile_policy(data, rules=rules)
    except PolicyError as error:
        return Rejecting(str(error))


def _verdict(tx_id: bytes, tx: Fields, policies: dict[str, Any], msps: Any) -> bool | None:
    """None where a threshold rule decides."""
    namespaces = list(map(fields, tx[1]))
    names = [last(one, 1).decode() for one in namespaces]
    if any(name in policies and policies[name] is None for name in names):
        return None
    for place, (name, namespace) in enumerate(zip(names, namespaces, strict=True)):
        if name == "_config":
            continue
        entries = list(map(fields, fields(tx[2][place])[1])) if place < len(tx[2]) else []
        if name not in policies or not entries or any(not entry[2] for entry in entries):
            return False
        if not policies[name].satisfied_by(_signers(entries, digest(tx_id, namespace, tx[3]), msps)):
            return False
    return True


def _signers(entries: list[Fields], message: bytes, msps: Any) -> list[Any]:
    found: dict[tuple[str, str], Any] = {}
    for entry in entries:
        try:
            who = msps.resolve_known(b"".join(entry[2]))
        except UnknownIdentityError:
            continue
        batch = SignatureBatch(der_rules="go", s_rules="low-s", ed25519="ref10")
        batch.add(who.key, who.hash, message, last(entry, 1))
        if batch.run()[0] == Verdict.VALID:
            found.setdefault((who.msp_id, who.id), who)
    return list(found.values())
