"""The parts of a bundle in the one form that each may have: what nothing commits to is left out, and whatever may be
written in several ways is written in one.

A quorum certificate says who signed next to what was signed, and repeats itself; no signature covers that. So the votes
of a bundle are those for its block alone, in the order of their voters, and their signers' PEM is that which every
encoder writes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import lru_cache

from google.protobuf.message import Message

from pycore.errors import InputError
from pycore.identities import pem
from pycore.identities.x509 import CertificateError, parse_certificate, parse_public_key
from pycore.ledgers.chainmaker import plans
from pycore.ledgers.chainmaker.digests import GAS_CLEARED_FROM
from pycore.ledgers.chainmaker.messages import (
    BlockHeader,
    EndorsementEntry,
    QuorumCert,
    Transaction,
    VoteSet,
    parse,
    parse_bounded,
)
from pycore.ledgers.chainmaker.quorum import MAX_VOTES, MAXBFT_KEY, TBFT_KEY
from pycore.ledgers.chainmaker.signers import CERT, PUBLIC_KEY
from pycore.ledgers.scan import Spans

MAX_RECORDS = 1 << 16
"""Parameters, events, values of events, endorsers, reads or writes of one item that are read."""
_LINE = 64
_KEPT = 1 << 13  # bytes of a certificate that is remembered
_READS: dict[int, Callable[[bytes], object]] = {CERT: parse_certificate, PUBLIC_KEY: parse_public_key}
_KEYS = {"tbft": TBFT_KEY, "dpos": TBFT_KEY, "maxbft": MAXBFT_KEY}


def extra_data(consensus: str, certificate: bytes) -> Mapping[str, bytes]:
    """The extra data of a block with this certificate."""
    return {_KEYS[consensus]: certificate} if consensus in _KEYS else {}


def certificate_of(
    consensus: str, extra: Mapping[str, bytes], header: BlockHeader, validators: tuple[str, ...]
) -> bytes:
    """The certificate of a block in its one form; b"" for a consensus without votes.

    InputError: the extra data has no certificate of that consensus, or one that does not parse.
    """
    key = _KEYS.get(consensus)
    if key is None:
        return b""
    if key not in extra:
        raise InputError("sources.block", f"additional data without {key}", f"the votes of {consensus}")
    return one_form(consensus, extra[key], header, validators)


def one_form(consensus: str, certificate: bytes, header: BlockHeader, validators: tuple[str, ...]) -> bytes:
    """A certificate in its one form: a bundle's must be its own. InputError where it does not parse."""
    if _KEYS.get(consensus) == TBFT_KEY:
        return _tbft(parse_bounded(VoteSet, certificate, TBFT_KEY, (6, 7), MAX_VOTES), header, validators)
    if consensus == "maxbft":
        return _maxbft(parse_bounded(QuorumCert, certificate, MAXBFT_KEY, (1,), MAX_VOTES), header, validators)
    return b""


def transaction_item(transaction: bytes, block_version: int) -> bytes:
    """A transaction as its hash is taken over: without gas_used, from the block version on that leaves it out."""
    tx = parse(Transaction, transaction, "transaction")
    if block_version >= GAS_CLEARED_FROM and tx.result.contract_result.gas_used:
        tx.result.contract_result.gas_used = 0
    return tx.SerializeToString(deterministic=True)


def too_many(kind: type[Message], item: bytes) -> str:
    """Which records a statement's item has more of than are read; "" where there is room for all."""
    plan = plans.ITEMS[kind]
    counts = plan.scan(Spans.joined([item]), limits=dict.fromkeys(plan.names[1:], 0)).counts
    return next((f"{count} {name}" for name, count in counts.items() if count > MAX_RECORDS), "")


def is_strict(entry: EndorsementEntry) -> bool:
    """Whether the certificate or key that a signer comes with is one under the rules "strict" as well."""
    kind, info = entry.signer.member_type, entry.signer.member_info
    judge = _is_strict if len(info) <= _KEPT else _is_strict.__wrapped__
    return kind not in _READS or judge(kind, info)


@lru_cache(maxsize=256)
def _is_strict(kind: int, info: bytes) -> bool:
    try:
        _READS[kind](info)
    except CertificateError:
        return False
    return True


def _tbft(found: VoteSet, header: BlockHeader, validators: tuple[str, ...]) -> bytes:
    made = VoteSet(type=found.type, height=found.height, round=found.round)
    known = frozenset(validators)
    for vote in found.votes.values():
        same = (vote.type, vote.height, vote.round) == (found.type, found.height, found.round)
        if same and vote.hash == header.block_hash and (not known or vote.voter in known):
            copy = made.votes[vote.voter]
            copy.CopyFrom(vote)
            _normalise(copy.endorsement)
    made.DiscardUnknownFields()
    return made.SerializeToString(deterministic=True)


def _maxbft(found: QuorumCert, header: BlockHeader, validators: tuple[str, ...]) -> bytes:
    known = frozenset(name.encode() for name in validators)
    votes = {
        vote.author: vote
        for vote in reversed(found.votes)
        if vote.block_id == header.block_hash and (not known or vote.author in known)
    }
    made = QuorumCert(votes=[votes[author] for author in sorted(votes)])
    for vote in made.votes:
        _normalise(vote.signature)
    made.DiscardUnknownFields()
    return made.SerializeToString(deterministic=True)


def _normalise(entry: EndorsementEntry) -> None:
    if entry.HasField("signer") and entry.signer.member_type in _READS:
        entry.signer.member_info = _armoured(entry.signer.member_info)


def _armoured(text: bytes) -> bytes:
    """The first block of a PEM text as encoders write it; a text without one, or with a broken one, as it is."""
    block = next(pem.blocks(text), None)
    if block is None or block.error:
        return text
    encoded, label = base64.b64encode(block.der), block.label.encode()
    lines = b"".join(encoded[at : at + _LINE] + b"\n" for at in range(0, len(encoded), _LINE))
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, lines, label)
