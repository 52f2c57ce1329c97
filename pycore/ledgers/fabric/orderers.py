"""The orderers' signatures on a block.

Fabric's orderers sign the value of the metadata || the signature header || the header's DER. Since 1.4.1 the value says
which block holds the configuration; before, that stood in another place with other signatures. Orderers of the BFT kind
(capability V3_0) may name themselves by a number: the identifier header stands in the place of the signature header.
Fabric-X signs DER SEQUENCE{OCTET STRING signature or identifier header, OCTET STRING header DER, OCTET STRING value}
instead.

Who must have signed says the policy /Channel/Orderer/BlockValidation of the configuration before the block. Where the
orderers are of the BFT kind "strict" also counts them: ceil((n + f + 1) / 2) of n, f = (n - 1) // 3, since Fabric
takes whatever policy was written into the configuration.

Sources: ``protoutil/blockutils.go`` of Fabric and of fabric-x-common, as read in public copies; signatures of single
orderers recomputed on published blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.block_pb2 import (
    IdentifierHeader,
    LastConfig,
    Metadata,
    MetadataSignature,
    OrdererBlockMetadata,
    SignatureHeader,
)
from pycore.base.go_protobuf import read
from pycore.base.verdicts import Verdict
from pycore.consensus.quorum import Ballot, Decision, Electorate, Rule, decide, tally
from pycore.hashing.batch import hash as hash_one
from pycore.identities.collector import SignatureBatch
from pycore.identities.msp import Identity, UnknownIdentityError
from pycore.ledgers.fabric.block import Header, octets, sequence
from pycore.ledgers.fabric.channel import BLOCK_VALIDATION, Channel
from pycore.ledgers.fabric.context import FabricContext

MAX_SIGNATURES = 1 << 10
"""Signatures of a block's metadata that are read."""


class MetadataError(ValueError):
    """Metadata for which Fabric refuses the block."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One of the signatures: who is named, what must be signed, and what is wrong with it; "" for nothing so far."""

    signer: bytes
    identifier: int | None
    message: bytes
    signature: bytes
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """The outcome.

    signers   identities whose signatures hold, each once, in the order of the signatures
    flaws     of each signature, in order; "" for one that holds
    met       whether the policy is met
    quorum    of BFT orderers: the count of those that signed; None for other orderers
    """

    signers: tuple[Identity, ...]
    flaws: tuple[str, ...]
    met: bool
    quorum: Decision | None


def read_metadata(data: bytes, what: str) -> Metadata:
    """One of a block's metadata. Raises MetadataError."""
    try:
        found = read(Metadata, data)
    except DecodeError:
        raise MetadataError(f"{what} that are no message") from None
    if len(found.signatures) > MAX_SIGNATURES:
        raise MetadataError(f"{len(found.signatures)} signatures, more than the {MAX_SIGNATURES} that are read")
    return found


def last_config(signatures: Metadata, place: bytes) -> int:
    """The number of the block that holds the configuration, as the metadata say. Raises MetadataError."""
    try:
        if not signatures.value:
            return int(read(LastConfig, read_metadata(place, "metadata of the last configuration").value).index)
        return int(read(OrdererBlockMetadata, signatures.value).last_config.index)
    except DecodeError:
        raise MetadataError("a value of the metadata that is no message") from None


def signatures_of(metadata: Metadata, header: Header, channel: Channel, context: FabricContext) -> list[Signature]:
    """Every signature with what it must sign. Raises MetadataError where Fabric refuses the block at once."""
    return [_signature(one, metadata.value, header, channel, context) for one in metadata.signatures]


def verify(metadata: Metadata, header: Header, channel: Channel, context: FabricContext) -> Signed:
    """Verifies the signatures and asks the policy. Raises MetadataError."""
    found = signatures_of(metadata, header, channel, context)
    batch = new_batch(context)
    tickets: dict[int, int] = {}
    people: dict[int, Identity] = {}
    flaws = [one.flaw for one in found]
    for place, one in enumerate(found):
        if one.flaw:
            continue
        try:
            who = channel.msps.resolve(one.signer)
        except UnknownIdentityError as error:
            flaws[place] = str(error)
            continue
        if not who.hash:
            flaws[place] = "the MSP signs over an unknown family of hashes"
            continue
        people[place] = who
        message = hash_one("sm3", one.message) if who.hash == "sm3" and context.prehash else one.message
        tickets[place] = batch.add(who.key, who.hash, message, one.signature)
    codes = batch.run() if len(batch) else np.zeros(0, np.uint8)
    for place, ticket in tickets.items():
        if codes[ticket] != Verdict.VALID:
            flaws[place] = f"the signature does not hold: {Verdict(int(codes[ticket])).name}"
    distinct: dict[tuple[str, str], Identity] = {}
    for place, who in people.items():
        if not flaws[place]:
            distinct.setdefault((who.msp_id, who.id), who)
    signers = tuple(distinct.values())
    policy = channel.policies.get(BLOCK_VALIDATION)
    quorum = _quorum(channel, people, flaws) if channel.bft and channel.consenters else None
    return Signed(signers, tuple(flaws), policy.satisfied_by(signers), quorum)


def bft_quorum(n: int) -> int:
    """How many of n orderers must sign: ceil((n + f + 1) / 2), f = (n - 1) // 3.

    >>> [bft_quorum(n) for n in (1, 3, 4, 5, 6, 7, 10)]
    [1, 2, 3, 4, 4, 5, 7]
    """
    return -(-(n + (n - 1) // 3 + 1) // 2)


def new_batch(context: FabricContext, threads: int | None = None) -> SignatureBatch:
    """A batch under Fabric's rules: low s; DER as Go reads it, where the rules are compatible."""
    der_rules = "strict" if context.rules == "strict" else "go"
    return SignatureBatch(der_rules=der_rules, s_rules="low-s", ed25519="ref10", threads=threads)


def _quorum(channel: Channel, people: dict[int, Identity], flaws: list[str]) -> Decision:
    """The count of consenters whose signature holds; anybody else counts for nothing."""
    consenters: dict[tuple[str, str | int], int] = {}
    for number, name in channel.consenters.items():
        try:
            who = channel.msps.resolve(name)
        except UnknownIdentityError:
            consenters["", number] = number
            continue
        consenters[who.msp_id, who.id] = number
    ballots: list[Ballot] = [((who.msp_id, who.id), "block", flaws[place]) for place, who in people.items()]
    electorate = Electorate.equal(consenters)
    return decide(tally(ballots, electorate), Rule.at_least(bft_quorum(len(channel.consenters))), "block")


def _signature(
    one: MetadataSignature, value: bytes, header: Header, channel: Channel, context: FabricContext
) -> Signature:
    by_number = channel.bft and not one.signature_header and bool(one.identifier_header)
    skips = context.form == "fabric-x"  # where Fabric refuses the block
    head = one.identifier_header if by_number else one.signature_header
    message = sequence(octets(head), octets(header.der()), octets(value)) if skips else value + head + header.der()
    try:
        if by_number:
            number = read(IdentifierHeader, head).identifier
            signer = channel.consenters.get(number, b"")
            flaw = "" if signer else f"no orderer has the identifier {number}"
            return Signature(signer, number, message, one.signature, flaw)
        signer = read(SignatureHeader, head).creator
    except DecodeError:
        if not skips:
            raise MetadataError("a signature whose header is no message") from None
        return Signature(b"", None, message, one.signature, "a header that is no message")
    return Signature(signer, None, message, one.signature, "" if head or not skips else "no header")
