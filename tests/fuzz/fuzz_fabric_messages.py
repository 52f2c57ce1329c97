"""Fuzzes the readers of Fabric's messages: envelopes, blocks and what lies in them, members, policies, configurations.

    python tests/fuzz/fuzz_fabric_messages.py --seconds 10 --seed 1

Starts from generated messages and changes bytes, fields, numbers and order. The scan that makes columns and the reader
of single messages refuse the same bytes. Where they do not refuse, protobuf's own parser has the same content unless it
is known to read otherwise, see `pycore.base.go_protobuf`. `tests/identities/test_msp_go.py` holds the same inputs to
Go's parser. A finding is printed with its seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_fabricx import some_field
from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1 import block_pb2, configuration_pb2, membership_pb2, transaction_pb2
from pycore.base.go_protobuf import MalformedError, fields, read
from pycore.ledgers.fabric import plans
from pycore.ledgers.fabric.plans import faults
from pycore.ledgers.scan import Spans
from pycore.testing.fabric import FabricChannel

PLANS = {plan._descriptor.name: plan for plan in vars(plans).values() if isinstance(plan, plans.Plan)}
GO_NAMES = {
    "block": "common", "configuration": "common", "membership": "common", "transaction": "protos",
    **dict.fromkeys(("SerializedIdentity", "MSPConfig", "FabricMSPConfig"), "msp"),
    "ApplicationPolicy": "protos", "TxReadWriteSet": "rwset", "KVRWSet": "kvrwset", "HashedRWSet": "kvrwset",
}  # fmt: skip
Case = tuple[Any, bytes]


@lru_cache(maxsize=1)
def originals() -> list[Case]:
    """(message, serialised) of every kind."""
    found: list[Case] = []

    def add(kind: Any, data: bytes) -> Any:
        found.append((kind, data))
        return kind.FromString(data)

    channel = FabricChannel(seed=1, organisations=2, peers=1, bft=True, orderers=4)
    ends = channel.block(1, channel.genesis_hash, channel.transactions(1, 2))
    for data in (channel.genesis, ends):
        block = add(block_pb2.Block, data)
        add(block_pb2.BlockData, block.data.SerializeToString())
        add(block_pb2.BlockHeader, block.header.SerializeToString())
        metadata = add(block_pb2.Metadata, block.metadata.metadata[0])
        add(block_pb2.OrdererBlockMetadata, metadata.value)
        for one in metadata.signatures:
            add(block_pb2.IdentifierHeader, one.identifier_header)
        payload = add(block_pb2.Payload, add(block_pb2.Envelope, block.data.data[0]).payload)
        add(block_pb2.ChannelHeader, payload.header.channel_header)
        add(block_pb2.SignatureHeader, payload.header.signature_header)
        if block.header.number:
            _actions(payload.data, add)
        else:
            _configuration(payload.data, add)
    return found


def _actions(data: bytes, add: Any) -> None:
    action = add(transaction_pb2.Transaction, data).actions[0]
    inside = add(transaction_pb2.ChaincodeActionPayload, action.payload).action
    answer = add(transaction_pb2.ProposalResponsePayload, inside.proposal_response_payload)
    chaincode = add(transaction_pb2.ChaincodeAction, answer.extension)
    for kind, one in (
        (transaction_pb2.ChaincodeEvent, chaincode.events),
        (transaction_pb2.ChaincodeHeaderExtension, field_2(inside.endorsements[0].endorser)),
        (membership_pb2.SerializedIdentity, inside.endorsements[0].endorser),
        (transaction_pb2.HashedRWSet, b""),
    ):
        add(kind, one)
    rw_set = add(transaction_pb2.TxReadWriteSet, chaincode.results)
    kv = add(transaction_pb2.KVRWSet, rw_set.ns_rwset[0].rwset)
    query = kv.range_queries_info.add(start_key="a")
    query.raw_reads.kv_reads.add(key="b", version={"block_num": 3})
    add(transaction_pb2.KVRWSet, kv.SerializeToString())


def field_2(data: bytes) -> bytes:
    """An extension that names a chaincode as the bytes of an identity do: any content will do."""
    return transaction_pb2.ChaincodeHeaderExtension(chaincode_id={"name": f"c{len(data)}"}).SerializeToString()


def _configuration(data: bytes, add: Any) -> None:
    group = add(configuration_pb2.ConfigEnvelope, data).config.channel_group
    add(configuration_pb2.ConfigGroup, group.groups["Orderer"].SerializeToString(deterministic=True))
    add(configuration_pb2.Capabilities, group.values["Capabilities"].value)
    add(configuration_pb2.Orderers, group.groups["Orderer"].values["Orderers"].value)
    organisation = group.groups["Application"].groups["Org1MSP"]
    config = add(membership_pb2.MSPConfig, organisation.values["MSP"].value)
    add(membership_pb2.FabricMSPConfig, config.config)
    policy = add(membership_pb2.SignaturePolicyEnvelope, organisation.policies["Endorsement"].policy.value)
    principal = add(membership_pb2.MSPPrincipal, policy.identities[0].SerializeToString())
    add(membership_pb2.MSPRole, principal.principal)
    add(membership_pb2.ImplicitMetaPolicy, group.groups["Application"].policies["Endorsement"].policy.value)
    add(membership_pb2.ApplicationPolicy, membership_pb2.ApplicationPolicy(signature_policy=policy).SerializeToString())


def mutated(rng: random.Random) -> Case:
    """A message with some changes."""
    kind, original = rng.choice(originals())
    data = bytearray(original)
    for _ in range(rng.randrange(1, 3)):
        places = list(_places(bytes(data), rng)) or [0]
        at = rng.choice(places) if rng.random() < 0.8 else rng.randrange(len(data) + 1)
        change = rng.randrange(5)
        if change == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            data[at:at] = some_field(rng)
        elif change == 2:
            del data[at : at + rng.randrange(1, 4)]
        elif change == 3:
            data[at:at] = data[rng.choice(places) :][: rng.randrange(1, 80)]
        elif change == 4:
            data += original[rng.choice(places) :] if max(places) <= len(original) else some_field(rng)
    return kind, bytes(data)


def _places(data: bytes, rng: random.Random) -> Iterator[int]:
    """Where some fields begin."""
    at = 0
    yield at
    try:
        for number, wire, value in fields(data):
            assert number >= 0
            at += 1 + (len(value) + (1 if len(value) < 128 else 2) if isinstance(value, bytes) and wire == 2 else 1)
            yield min(at, len(data))
    except MalformedError:
        return


def go_name(kind: Any) -> str:
    """The full name of the message in Fabric."""
    name = kind.DESCRIPTOR.name
    file = kind.DESCRIPTOR.file.name.rpartition("/")[2].removesuffix(".proto")
    return f"{GO_NAMES.get(name, GO_NAMES[file])}.{name}"


def reading(kind: Any, data: bytes) -> bytes | None:
    """The content as written again, None where the bytes are no such message."""
    try:
        return bytes(read(kind, data).SerializeToString(deterministic=True))
    except DecodeError:
        return None


def peculiar(data: bytes) -> bool:
    """Whether a number, a tag or a length anywhere in the bytes may be one that the parsers read differently."""
    return any(data[i] & data[i + 1] & data[i + 2] & data[i + 3] & 0x80 for i in range(len(data) - 3))


def check(kind: Any, data: bytes) -> str:
    """Reads in every way and compares."""
    ours = reading(kind, data)
    plan = PLANS.get(kind.DESCRIPTOR.name)
    if plan is not None:
        found = bool(faults(plan.scan(Spans.joined([data])))[0])
        assert found == (ours is None), "the scan and the reader do not agree"
    try:
        own = kind.FromString(data)
    except DecodeError:
        assert ours is None or peculiar(data), "protobuf's parser refuses what was read"
        return "refused"
    own.DiscardUnknownFields()
    if own.SerializeToString(deterministic=True) != ours:
        in_map = kind in (configuration_pb2.ConfigGroup, configuration_pb2.ConfigEnvelope)
        in_group = ours is None and any(byte & 7 == 3 for byte in data)
        assert peculiar(data) or in_group or in_map or kind is configuration_pb2.Capabilities, "another content"
        return "otherwise"
    return "read"


def run(*, seconds: float, seed: int, limit: int = sys.maxsize) -> Counter[str]:
    """Fuzzes for so long or so many inputs; how many came out in which way."""
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end and counts.total() < limit:
        case = f"{seed}:{counts.total()}"
        kind, data = mutated(random.Random(case))
        try:
            counts[check(kind, data)] += 1
        except BaseException:
            print(f"finding {case}: {kind.DESCRIPTOR.name} {data.hex()}")
            raise
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(dict(run(seconds=given.seconds, seed=given.seed)))
