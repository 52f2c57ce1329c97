"""Entries of Fabric for `python -m bench.chains`: a block of transactions with three endorsements each, by ten
endorsers and two clients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pycore
from bench.chains import Entry, Peer
from pycore import ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2, membership_pb2, transaction_pb2
from pycore.ledgers.fabric.block import open_block
from pycore.testing.fabric import FabricChannel

ENDORSEMENTS = 3
Signed = tuple[bytes, bytes, bytes]  # certificate in PEM, message, signature


def entries(n: int) -> list[Entry]:
    """The block of a channel; transactions are counted, each of which has four signatures."""
    channel = FabricChannel(seed=1, organisations=2, peers=5)
    block = channel.block(1, channel.genesis_hash, channel.transactions(1, n, endorsements=ENDORSEMENTS))
    context = channel.context(1, channel.genesis_hash)
    ledger = ledgers.get("fabric")
    signatures = [one for entry in open_block(block).entries.items() for one in _signatures(entry)]
    points = {who.certificate_pem: who.public_key for who in channel.people.values()}
    keys, messages = [points[pem] for pem, _, _ in signatures], [message for _, message, _ in signatures]
    made = [signature for _, _, signature in signatures]

    def whole() -> None:
        report = ledger.validate_block(block, context)
        assert report.valid, report.failed
        assert report.transactions.all_valid, report.faults

    def alone() -> None:
        pycore.verify_batch("ecdsa-p256", keys, made, messages, encoding="der", rules="low-s").raise_if_invalid()

    name = "3 endorsements a transaction, 10 endorsers"
    peer = Peer("cryptography, the calls alone", n, _loop(signatures))
    return [Entry("fabric", name, n, whole, alone, peers=[peer])]


def _signatures(entry: bytes) -> list[Signed]:
    envelope = block_pb2.Envelope.FromString(entry)
    payload = block_pb2.Payload.FromString(envelope.payload)
    creator = block_pb2.SignatureHeader.FromString(payload.header.signature_header).creator
    body = transaction_pb2.Transaction.FromString(payload.data).actions[0].payload
    action = transaction_pb2.ChaincodeActionPayload.FromString(body).action
    found = [(_pem(creator), envelope.payload, envelope.signature)]
    found += [
        (_pem(one.endorser), action.proposal_response_payload + one.endorser, one.signature)
        for one in action.endorsements
    ]
    return found


def _pem(identity: bytes) -> bytes:
    return membership_pb2.SerializedIdentity.FromString(identity).id_bytes


def _loop(signatures: list[Signed]) -> Callable[[], object]:
    """One call for each signature, with keys read and messages hashed beforehand."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    keys: dict[bytes, Any] = {pem: x509.load_pem_x509_certificate(pem).public_key() for pem, _, _ in signatures}
    rule = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
    items = [(keys[pem], made, hashlib.sha256(message).digest()) for pem, message, made in signatures]

    def run() -> None:
        for key, made, digest in items:
            key.verify(made, digest, rule)

    return run
