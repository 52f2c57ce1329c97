"""Checks of a header that follow from the chain's consensus, beyond the certificate of the block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pycore.base.report import Check
from pycore.ledgers.chainmaker import epoch
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import BlockHeader
from pycore.ledgers.chainmaker.quorum import Certificate
from pycore.ledgers.chainmaker.rotation import proposer_turn
from pycore.ledgers.chainmaker.signers import MemberKey, Signer, TrustStore

_MAY_BE_EMPTY = "maxbft"


def turn(
    header: BlockHeader,
    certificate: Certificate | None,
    signers: Mapping[MemberKey, Signer],
    store: TrustStore,
    context: ChainContext,
) -> Check | None:
    """`proposer_turn`, which tells the block after this one who proposed; None for a block that has no such check.

    certificate   of the block; None where it has none
    signers       every signer in the block
    """
    if context.rules != "strict" or not header.block_height or certificate is None or certificate.kind != "tbft":
        return None
    who = header.proposer
    signer = signers.get((who.member_type, who.org_id, who.member_info))
    return proposer_turn(header, certificate, signer.key if signer else None, store, context)


def checks(
    header: BlockHeader, certificate: Certificate | None, turn: Check | None, context: ChainContext
) -> Iterator[Check]:
    """`empty_block`, of a block without transactions; and under `strict` the turn that was found, and
    `consensus_args`."""
    if not header.block_height:
        return
    consensus = _consensus(certificate, context)
    if not header.tx_count:
        yield _empty(consensus)
    if context.rules != "strict":
        return
    if turn is not None:
        yield turn
    yield from epoch.checks(header, consensus)


def _consensus(certificate: Certificate | None, context: ChainContext) -> tuple[str, ...]:
    """The consensus that the chain may have; () where nothing tells. TBFT and DPoS have the same certificates."""
    if context.consensus is not None:
        return (context.consensus,)
    if certificate is None:
        return ()
    return ("tbft", "dpos") if certificate.kind == "tbft" else (certificate.kind,)


def _empty(consensus: tuple[str, ...]) -> Check:
    """As read, a node refuses a block without transactions unless its consensus needs them to go on."""
    if not consensus:
        return Check("empty_block", None, "0 transactions", None, "neither context nor block tell the consensus")
    allowed = consensus == (_MAY_BE_EMPTY,)
    wanted = "0 or more transactions" if allowed else "1 transaction or more"
    return Check("empty_block", allowed, "0 transactions", wanted, "" if allowed else f"{consensus[0]} makes none")
