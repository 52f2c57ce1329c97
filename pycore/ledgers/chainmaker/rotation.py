"""Whose turn it was to propose: the rotation of TBFT, and of DPoS, which takes it over.

The validators, sorted, take turns: from block version 2030100 on, starting at the proposer of the block before; in
older blocks by the height alone. Each round that fails passes the turn on.

As read, a node checks this while it takes part in a height and not when it reads finished blocks, so `strict` asks
for it and `compatible` does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from pycore.base.report import Check
from pycore.identities.x509 import PublicKey
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import BlockHeader
from pycore.ledgers.chainmaker.node_id import node_id
from pycore.ledgers.chainmaker.quorum import Certificate
from pycore.ledgers.chainmaker.signers import TrustStore

BY_PREVIOUS_FROM = 2030100
"""First block version whose turn starts at the proposer of the block before."""
_SHOWN = 4


def first_turn(
    order: Sequence[str], height: int, block_version: int, blocks_per_proposer: int, previous: str = ""
) -> int:
    """The place in `order` of the validator whose turn round 0 of a height is.

    order                 the validators, sorted
    blocks_per_proposer   blocks in a row by one proposer, 1 or more
    previous              node id that proposed the block before; one that is no validator counts as the first of them

    Source: GetProposer and GetProposerV230 of the chain's module consensus-tbft.

    >>> first_turn(["a", "b", "c"], 7, 2030700, 1, "b"), first_turn(["a", "b", "c"], 7, 2030700, 2, "b")
    (2, 1)
    >>> first_turn(["a", "b", "c"], 7, 2300, 2)
    1
    """
    if block_version < BY_PREVIOUS_FROM:
        return (height + 1) // blocks_per_proposer % len(order)
    place = order.index(previous) if previous in order else 0
    return (place + (height % blocks_per_proposer == 0)) % len(order)


def belongs(key: PublicKey, node: str, store: TrustStore, made: str = "") -> bool | None:
    """Whether a key is that of a node: the context's entry decides, else the id that the key makes, which chains with
    certificates do not use. None: the context does not tell. `made`: that id, if the caller has it."""
    known = store.node_keys.get(node)
    if known is not None:
        return key == known
    return None if store.context.by_certificate else (made or node_id(key)) == node


def node_of(key: PublicKey, store: TrustStore) -> str | None:
    """The node id of a key, or None where the context does not tell."""
    for node, known in store.node_keys.items():
        if known == key:
            return node
    return None if store.context.by_certificate else node_id(key)


def proposer_turn(
    header: BlockHeader, certificate: Certificate, key: PublicKey | None, store: TrustStore, context: ChainContext
) -> Check:
    """Whether the proposer had its turn in the round of the certificate or in one before it.

    A block that was locked in a round without a decision is proposed again in a later one, by the next proposer but
    with the header of the first: so a certificate of round r allows the proposers of the rounds 0 to r.

    The check's `got` is the proposer's node id, also where the turn is not known: the `previous_proposer` of the block
    that follows.
    """
    own = node_of(key, store) if key is not None else None
    rounds = certificate.round
    missing = _missing(header, certificate, context)
    if missing or rounds is None:
        return Check("proposer_turn", None, own, None, missing)
    if rounds < 0:
        return Check("proposer_turn", False, own, None, f"strict: a certificate of round {rounds}")
    order = sorted(context.validators)
    blocks = 1 if context.consensus == "dpos" else context.blocks_per_proposer or 1
    start = first_turn(order, header.block_height, header.block_version, blocks, context.previous_proposer or "")
    allowed = [order[(start + passed) % len(order)] for passed in range(min(rounds + 1, len(order)))]
    wanted = ", ".join(allowed[:_SHOWN]) + (f" and {len(allowed) - _SHOWN} more" if len(allowed) > _SHOWN else "")
    if key is None:
        return Check("proposer_turn", None, None, wanted, "the proposer's key is not known")
    made = "" if store.context.by_certificate else node_id(key)
    held = {node: belongs(key, node, store, made) for node in allowed} if own not in allowed else {own: True}
    if True in held.values():
        return Check("proposer_turn", True, next(node for node, mine in held.items() if mine), wanted)
    if own is None and None in held.values():
        return Check("proposer_turn", None, own, wanted, "the context has no key of the nodes whose turn it was")
    return Check("proposer_turn", False, own, wanted, f"strict: not its turn in any round up to {rounds}")


def _missing(header: BlockHeader, certificate: Certificate, context: ChainContext) -> str:
    """What keeps the turn from being known; "" where nothing does."""
    if not context.validators:
        return "the context names no validators"
    if certificate.round is None:
        return "the certificate tells no round"
    if context.consensus != "dpos" and context.blocks_per_proposer is None:
        return "the context does not tell how many blocks a proposer makes in a row"
    # Nobody proposed the genesis block: as read, the turn of height 1 starts at the first validator.
    known = context.previous_proposer is not None or header.block_height == 1
    if header.block_version >= BY_PREVIOUS_FROM and not known:
        return "the context does not tell who proposed the block before"
    return ""
