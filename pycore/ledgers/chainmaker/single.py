"""One record of the chain by itself: a transaction's hash and sender, a header's hash, a block's certificate."""

from __future__ import annotations

from typing import Any

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.report import Check, Report
from pycore.base.verdicts import Verdict, verdict_error
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import CertificateError, PublicKey, parse_certificate, parse_public_key
from pycore.ledgers.chainmaker import proof_forms
from pycore.ledgers.chainmaker.block import open_block
from pycore.ledgers.chainmaker.context import ChainContext, chain_hash_name
from pycore.ledgers.chainmaker.digests import header_bytes
from pycore.ledgers.chainmaker.messages import BlockHeader, Member, Transaction, parse
from pycore.ledgers.chainmaker.proof_facts import member_facts
from pycore.ledgers.chainmaker.proofs import PROOFS
from pycore.ledgers.chainmaker.signers import CERT, PUBLIC_KEY, signing_hash
from pycore.ledgers.proof import Statement, Trusted

DEFAULT_HASH = "sm3"


def only_wire(form: str) -> None:
    """InputError: another form than "wire". The chain's nodes answer in protobuf, over gRPC."""
    if form != "wire":
        raise InputError("form", quote(form), "'wire': the chain's nodes answer in protobuf")


def transaction_hash(tx: BytesLike, hash: str, block_version: int) -> bytes:
    """The leaf of tx_root."""
    item = proof_forms.transaction_item(one_bytes(tx, "tx"), block_version)
    return hash_one(hash, item)


def transaction_sender(tx: BytesLike, hash: str) -> str:
    """The sender's id, where its signature over the payload holds."""
    message = parse(Transaction, one_bytes(tx, "tx"), "tx")
    signer = message.sender.signer
    key, with_ = _key(signer, hash)
    if key.kind != "rsa" and key.data[:1] != b"\x04":  # as blocks are judged: the chain's code reads no other form
        raise verdict_error(Verdict.MALFORMED_KEY)
    if with_ is None:
        raise verdict_error(Verdict.UNSUPPORTED_ALGORITHM)
    batch = SignatureBatch(threads=1)
    batch.add(key, with_, message.payload.SerializeToString(deterministic=True), message.sender.signature)
    verdict = Verdict(int(batch.run()[0]))
    if verdict != Verdict.VALID:
        raise verdict_error(verdict)
    return str(member_facts(signer, hash)["id"])


def _key(member: Member, hash: str) -> tuple[PublicKey, str | None]:
    """The key that a member comes with, and the hash that it signs with."""
    try:
        if member.member_type == CERT:
            certificate = parse_certificate(member.member_info, rules="compatible")
            return certificate.key, signing_hash(certificate.key, certificate.hash)
        if member.member_type == PUBLIC_KEY:
            key = parse_public_key(member.member_info, rules="compatible")
            return key, signing_hash(key, hash)
    except CertificateError as error:
        raise verdict_error(Verdict.MALFORMED_KEY) from error
    wanted = "a sender who comes with a certificate or a key: use validate_transactions with a context for others"
    raise InputError("tx.sender.signer.member_type", str(member.member_type), wanted)


def header_hash(header: BytesLike, hash: str) -> bytes:
    """block_hash of a serialised BlockHeader."""
    return hash_one(hash, header_bytes(parse(BlockHeader, one_bytes(header, "header"), "header")))


def verify_certificate(block: BytesLike, context: ChainContext) -> Report:
    """Whether a block's votes, by themselves, make its header final."""
    data = one_bytes(block, "block")
    header = open_block(data).header
    for name in ("hash", "consensus"):
        if getattr(context, name) is None:
            check = Check("certificate", None, detail=f"the context names no {name}")
            return Report("chainmaker", context.rules, (check,))
    below = max(0, header.block_height - 1)
    chain_id = header.chain_id if context.chain_id is None else context.chain_id
    trusted = Trusted("chainmaker", chain_id, below, header.pre_block_hash, context)
    try:
        bundle = PROOFS.make({"block": data}, Statement("header"), trusted)
    except InputError as error:
        check = Check("certificate", False, error.got, error.wanted, error.field)
        return Report("chainmaker", context.rules, (check,))
    return Report("chainmaker", context.rules, PROOFS.check(bundle, trusted).checks)


def hash_of(hash: str | None) -> str:
    """The chain's hash from an argument; SM3 where it says nothing."""
    return DEFAULT_HASH if hash is None else chain_hash_name(hash)


def proof_nodes(proof: Any) -> list[bytes]:
    """The siblings of a proof, from the leaf up: bytes, or hexadecimal text."""
    try:
        return [bytes.fromhex(one) if isinstance(one, str) else one_bytes(one, "proof") for one in proof]
    except (TypeError, ValueError) as error:
        raise InputError("proof", quote(proof), "a sequence of hashes, bytes or hexadecimal") from error
