"""Fabric's ledger: the face of the package, see :mod:`pycore.ledgers.fabric`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1 import block_pb2, membership_pb2
from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.go_protobuf import read
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.identities import go_pem, x509_go
from pycore.identities.collector import NO_HASH
from pycore.identities.x509 import CertificateError, parse_certificate
from pycore.ledgers.fabric import files, orderers, validator
from pycore.ledgers.fabric.block import Header, open_block
from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.proofs import FabricProofs
from pycore.ledgers.fabric.transactions import canonical, judge
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.runs import Step
from pycore.ledgers.scan import Spans

HASHES = ("sha256", "sm3")


class Fabric(LedgerFace[FabricContext]):
    """The validator; stateless, safe to share between threads. Channels and resolved identities are remembered by the
    bytes of their configuration."""

    name = "fabric"
    context_type = FabricContext

    def validate_block(
        self, block: BytesLike, context: Any = None, *, threads: int | None = None, events: bool = False
    ) -> BlockReport:
        """Every check that the block and the context allow.

        Args:
            block: serialised Block.
            context: a :class:`FabricContext`, its JSON form as text, mapping or path; None: only checks that need none.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.
            events: also fill `events` of the report.

        Raises:
            InputError: the bytes are not a block. Whatever is wrong inside a block is in the report.
        """
        return validator.Validation(self.context(context), threads).run(one_bytes(block, "block"), events=events)

    def step(self, block: bytes, context: FabricContext, *, threads: int | None) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`."""
        return validator.step(block, context, threads=threads)

    def validate_transactions(
        self, transactions: Sequence[BytesLike], context: Any = None, *, threads: int | None = None
    ) -> Verdicts:
        """Verdicts of serialised envelopes that are in no block yet; UNCHECKED without a configuration block."""
        known = self.context(context)
        items = [one_bytes(item, f"transactions[{i}]") for i, item in enumerate(transactions)]
        spans = Spans.joined(items)
        batch = orderers.new_batch(known, threads)
        found = judge(spans.data, spans, known, known.channel(), batch, first=False)
        return Verdicts(found.verdicts)

    def transaction_hash(self, tx: BytesLike, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The id of a transaction, 32 bytes: the hash of nonce and creator, and of nothing else in the transaction.
        Fabric writes it in lower-case hexadecimal. `tx`: a serialised Envelope."""
        _wire(form)
        header = _signature_header(_envelope(tx))
        return hash_one(_hash(hash), header.nonce + header.creator)

    def transaction_sender(self, tx: BytesLike, *, form: str = "wire", hash: str | None = None) -> str:
        """The creator: name of the MSP, a colon, and the SHA-256 of the certificate's DER in lower-case hexadecimal.

        Raises InvalidSignature where the creator's certificate cannot be read or the signature is not by its key.
        Whether the MSP knows the certificate is not asked. hash "sm3": of Fabric-GM, over the message's hash.
        """
        _wire(form)
        envelope = _envelope(tx)
        try:
            creator = read(membership_pb2.SerializedIdentity, _signature_header(envelope).creator)
            block = go_pem.first(creator.id_bytes)
            certificate = parse_certificate(b"" if block is None else block.der, rules="compatible", ed25519=True)
        except (DecodeError, CertificateError):
            raise InvalidSignature(Verdict.MALFORMED_KEY) from None
        if x509_go.refusal(certificate):  # as blocks are judged: no node reads it
            raise InvalidSignature(Verdict.MALFORMED_KEY)
        name, message = _hash(hash), envelope.payload
        kind = certificate.key.kind
        if kind == "sm2":
            name, message = "sm3", hash_one("sm3", message)
        batch = orderers.new_batch(FabricContext())
        batch.add(certificate.key, NO_HASH if kind == "ed25519" else name, message, envelope.signature)
        verdict = Verdict(int(batch.run()[0]))
        if verdict is not Verdict.VALID:
            raise InvalidSignature(verdict)
        return f"{creator.mspid}:{hashlib.sha256(certificate.der).hexdigest()}"

    def header_hash(self, header: BytesLike, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a serialised BlockHeader, 32 bytes."""
        _wire(form)
        try:
            found = read(block_pb2.BlockHeader, one_bytes(header, "header"))
        except DecodeError:
            raise InputError("header", "bytes that are no message", "a serialised BlockHeader") from None
        return Header(found.number, found.previous_hash, found.data_hash).hash(_hash(hash))

    def verify_certificate(self, header: BytesLike, context: Any, *, form: str = "wire") -> Report:
        """The orderers' signatures on a block against the policy of the context's configuration block.

        `header`: a serialised Block; its data may be left out, except of a configuration block.
        """
        _wire(form)
        known = self.context(context)
        block = open_block(one_bytes(header, "header"))
        if block.header is None:
            raise InputError("header", "a block without a header", "a serialised Block")
        channel = known.channel()
        trusted = channel is not None and channel.header == block.header
        checks, _ = validator.certificate_checks(block, block.header, channel, known, trusted=trusted)
        return Report(self.name, known.rules, tuple(checks))

    def verify_inclusion(
        self,
        root: BytesLike,
        item_hash: BytesLike,
        proof: BytesLike,
        *,
        form: str = "wire",
        index: int | None = None,
        hash: str | None = None,
    ) -> None:
        """Checks that an envelope is one of a block's entries; returns None, or raises.

        Fabric has no tree: the proof is all entries. Their hash covers no lengths, so each must be an envelope as
        protobuf writes it, which leaves one way to cut them.

        Args:
            root: data_hash of a header, 32 bytes.
            item_hash: hash of the serialised envelope, 32 bytes.
            proof: a serialised BlockData.
            index: its position; None: any.
            hash: the chain's, "sha256" unless given.

        Raises:
            ProofError: the proof does not hold.
            InputError: a malformed call.
        """
        _wire(form)
        name = _hash(hash)
        wanted, item = (_digest(field, value) for field, value in (("root", root), ("item_hash", item_hash)))
        try:
            entries = list(read(block_pb2.BlockData, one_bytes(proof, "proof")).data)
        except DecodeError:
            raise ProofError(Verdict.MALFORMED_PROOF) from None
        if not entries or not canonical(Spans.joined(entries), strict=True).all():
            raise ProofError(Verdict.MALFORMED_PROOF)
        if hash_one(name, b"".join(entries)) != wanted:
            raise ProofError(Verdict.BAD_PROOF)
        places = [i for i, entry in enumerate(entries) if hash_one(name, entry) == item]
        if not places or (index is not None and index not in places):
            raise ProofError(Verdict.BAD_PROOF)

    def block_height(self, block: BytesLike) -> int:
        """The number that a block says it has; nothing is checked. InputError when the bytes are not a block."""
        header = open_block(one_bytes(block, "block")).header
        if header is None:
            raise InputError("block", "a block without a header", "a serialised Fabric block")
        return header.number

    def block_digests(self, block: BytesLike, hash: str = "sha256") -> dict[str, Any]:
        """The block's hashes, recomputed from its content: "block_hash", "data_hash", and "tx_hashes", the ids of its
        transactions; b"" for an entry without nonce and creator."""
        name = _hash(hash)
        opened = open_block(one_bytes(block, "block"))
        header = opened.header or Header(0, b"", b"")
        return {
            "block_hash": header.hash(name),
            "data_hash": opened.data_hash(name),
            "tx_hashes": [_id(entry, name) for entry in opened.entries.items()],
        }

    @staticmethod
    def blocks_of_file(data: BytesLike) -> Iterator[bytes]:
        """The blocks of a block file of a peer or orderer, for :meth:`validate_chain`."""
        return files.blocks_of_file(one_bytes(data, "file"))

    @staticmethod
    def blocks_of_stream(data: BytesLike) -> Iterator[bytes]:
        """The blocks of a stream, each after its length as a varint."""
        return files.blocks_of_stream(one_bytes(data, "file"))

    @cached_property
    def proofs(self) -> FabricProofs:
        """Bundles of proofs: see :mod:`pycore.ledgers.fabric.proofs`."""
        return FabricProofs()


def _wire(form: str) -> None:
    if form != "wire":
        raise InputError("form", quote(form), "'wire': Fabric's nodes answer in protobuf")


def _hash(name: str | None) -> str:
    if name is not None and name not in HASHES:
        raise InputError("hash", quote(name), "'sha256' or 'sm3'")
    return name or "sha256"


def _digest(name: str, value: BytesLike) -> bytes:
    found = one_bytes(value, name)
    if len(found) != 32:
        raise InputError(name, f"{len(found)} bytes", "32 bytes")
    return found


def _envelope(tx: BytesLike) -> block_pb2.Envelope:
    try:
        return read(block_pb2.Envelope, one_bytes(tx, "tx"))
    except DecodeError:
        raise InputError("tx", "bytes that are no message", "a serialised Envelope") from None


def _signature_header(envelope: block_pb2.Envelope) -> block_pb2.SignatureHeader:
    try:
        payload = read(block_pb2.Payload, envelope.payload)
        header = read(block_pb2.SignatureHeader, payload.header.signature_header)
    except DecodeError:
        raise InputError("tx", "a payload or header that is no message", "a serialised Envelope") from None
    if not header.nonce or not header.creator:
        raise InputError("tx", "no nonce or no creator", "an Envelope with both")
    return header


def _id(entry: bytes, name: str) -> bytes:
    try:
        header = _signature_header(read(block_pb2.Envelope, entry))
    except (DecodeError, InputError):
        return b""
    return hash_one(name, header.nonce + header.creator)


LEDGER = Fabric()
"""What :func:`pycore.ledgers.get` answers with."""
