"""Made-up channels of Fabric and one block, for the tests of its blocks and transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycore import ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.hashing.batch import hash as hash_one
from pycore.testing.fabric import FabricChannel

LEDGER = ledgers.get("fabric")
CHANNEL = FabricChannel(seed=3, organisations=2, peers=2)
BFT = FabricChannel(seed=4, organisations=1, peers=1, orderers=4, bft=True)
ENTRIES = CHANNEL.transactions(1, 4, endorsements=2)
BLOCK = CHANNEL.block(1, CHANNEL.genesis_hash, ENTRIES)
RULES = ("strict", "compatible")


def report_of(block: bytes, channel: FabricChannel = CHANNEL, **changes: Any) -> Any:
    return LEDGER.validate_block(block, channel.context(1, channel.genesis_hash, **changes))


def failed(report: Any) -> set[str]:
    return {check.name for check in report.failed}


def block_of(entries: list[bytes], channel: FabricChannel = CHANNEL, **options: Any) -> bytes:
    return channel.block(1, channel.genesis_hash, entries, **options)


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def with_metadata(block: bytes, change: Callable[[Any], None]) -> bytes:
    made = block_pb2.Block.FromString(block)
    metadata = block_pb2.Metadata.FromString(made.metadata.metadata[0])
    change(metadata)
    made.metadata.metadata[0] = metadata.SerializeToString()
    return made.SerializeToString()


class Parts:
    """An envelope taken apart; :meth:`envelope` signs it again."""

    def __init__(self, entry: bytes) -> None:
        self.payload = block_pb2.Payload.FromString(block_pb2.Envelope.FromString(entry).payload)
        self.channel = block_pb2.ChannelHeader.FromString(self.payload.header.channel_header)
        self.signer = block_pb2.SignatureHeader.FromString(self.payload.header.signature_header)
        self.body = transaction_pb2.Transaction.FromString(self.payload.data)
        self.inner = transaction_pb2.ChaincodeActionPayload.FromString(self.body.actions[0].payload)
        self.response = transaction_pb2.ProposalResponsePayload.FromString(self.inner.action.proposal_response_payload)
        self.action = transaction_pb2.ChaincodeAction.FromString(self.response.extension)
        self.rehash = True
        self.payload_bytes: bytes | None = None

    def envelope(self, *, endorse: bool = True) -> bytes:
        header = self.payload.header
        header.channel_header, header.signature_header = (
            self.channel.SerializeToString(), self.signer.SerializeToString()
        )  # fmt: skip
        if self.body.actions:
            head = self.body.actions[0].header
            covered = header.channel_header + head + self.inner.chaincode_proposal_payload
            if self.rehash:
                self.response.proposal_hash = hash_one("sha256", covered)
            if self.action is not None:
                self.response.extension = self.action.SerializeToString()
            self.inner.action.proposal_response_payload = self.response.SerializeToString()
            who = [CHANNEL.peers[0], CHANNEL.peers[1]]
            if endorse:
                response = self.inner.action.proposal_response_payload
                signed = CHANNEL.sign(who, [response + CHANNEL.serialized(one) for one in who])
                for one, signature in zip(self.inner.action.endorsements, signed, strict=False):
                    one.signature = signature
            self.body.actions[0].payload = self.inner.SerializeToString()
            self.payload.data = self.body.SerializeToString()
        payload = self.payload.SerializeToString() if self.payload_bytes is None else self.payload_bytes
        signature = CHANNEL.sign([CHANNEL.clients[0]], [payload])[0]
        return block_pb2.Envelope(payload=payload, signature=signature).SerializeToString()


def parts() -> Parts:
    return Parts(ENTRIES[0])
