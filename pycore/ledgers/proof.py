"""The part of a chain in a proof bundle (:mod:`pycore.bundle`): the same five parts for every chain.

A bundle claims that something is on a chain: a transaction, an event, a value of the state. It holds everything that
is needed to check that, except what must come from somewhere else: the state that the reader trusts. The parts are
plain values here; their encoding, the store of trusted states and the commands are in :mod:`pycore.bundle`.

A chain offers :class:`ProofRules` as ``pycore.ledgers.get(name).proofs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pycore.base.report import Check
from pycore.ledgers.contexts import JsonContext


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The path from a leaf to a root of the block's header.

    Attributes:
        index: position of the leaf.
        count: leaves of the tree.
        nodes: the proof's nodes, from the leaf to the root, as the chain's proofs have them; for a trie its nodes from
            the root to the leaf; for a chain without a tree whatever holds all the leaves, as one node.
    """

    index: int = 0
    count: int = 0
    nodes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """The claim.

    Attributes:
        kind: "header" (nothing but the block), "transaction", "receipt", "event" or "state".
        item: the leaf's content as the chain serialises it, without any part that nothing commits to.
        key: of a "state": where the value is, as the chain writes it. Else b"".
        event: of an "event": which of the leaf's events, from 0. Else 0.
    """

    kind: str
    item: bytes = b""
    key: bytes = b""
    event: int = 0


@dataclass(frozen=True, slots=True)
class Bundle:
    """One claim about a chain and everything that proves it to those who trust a state of that chain.

    Attributes:
        chain: name of the chain's kind, as in :func:`pycore.ledgers.names`.
        chain_id: which chain of that kind, as the chain names itself; "" where it has no name.
        trusted_height, trusted_hash: the trusted state for which it was made.
        headers: consecutive block headers in the chain's encoding, lowest first, each without its transactions. The
            first is that of the statement's block, unless the chain says otherwise.
        certificate: what makes that block final, where it is not in a header. b"" where it is.
        inclusion: from the statement's item to a root of that header.
        statement: what is claimed.
    """

    chain: str
    chain_id: str
    trusted_height: int
    trusted_hash: bytes
    headers: tuple[bytes, ...]
    certificate: bytes = b""
    inclusion: Inclusion = field(default_factory=Inclusion)
    statement: Statement = field(default_factory=lambda: Statement("header"))


@dataclass(frozen=True, slots=True)
class Trusted:
    """A state of a chain that the reader trusts, from wherever that trust comes.

    Attributes:
        chain, chain_id: as in :class:`Bundle`.
        height: of the block after which the state holds.
        block_hash: that block's hash.
        context: the chain's context for the blocks after it: validators, hash, rules ... without a block's place.
    """

    chain: str
    chain_id: str
    height: int
    block_hash: bytes
    context: JsonContext


@dataclass(frozen=True)
class Proven:
    """The answer of a chain to a bundle. The claim is proven only if every check passed and none was skipped.

    Attributes:
        checks: every condition, with what was got and what was wanted, in the order in which they were made.
        height: of the statement's block.
        block_hash: of the statement's block, recomputed; b"" where that could not be done.
        time: its time stamp in Unix seconds, None where it has none that the certificate covers.
        certified_by: those whose votes count for the block, as the chain names them.
        facts: the statement in words that JSON can hold: a transaction's id, sender, contract, method, parameters,
            result; an event's contract, topic, data; the key and value of a state. Empty where it is not proven.
        advanced: for a bundle that moves the trusted state, the state after it; None where it moves nothing.
    """

    checks: tuple[Check, ...]
    height: int = 0
    block_hash: bytes = b""
    time: float | None = None
    certified_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    advanced: Trusted | None = None


class ProofRules(Protocol):
    """How a chain checks and makes bundles.

    Attributes:
        kinds: the statements that the chain can prove.
        sources: what :meth:`make` can be given: name -> in words. A source is bytes in the chain's encoding, or an
            object (a dict) that a node's RPC answered.
    """

    kinds: tuple[str, ...]
    sources: Mapping[str, str]

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """Every condition of the claim. `bundle` is already known to be of the trusted chain and of one of `kinds`.

        A block above the trusted height is final by a certificate of the trusted validators. A block at or below it is
        final only where its `headers` lead to the trusted block by their hashes. Bytes that no check covers are
        refused: in a bundle that is valid every bit matters.

        Whatever is wrong in a bundle is a check that failed; this raises nothing for it.
        """
        ...

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`; `advanced` is the trusted state after the bundle's last header, if all that must hold for
        moving does: a "header" moves the place, and what the chain says changes its validators moves these."""
        ...

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """A bundle from files or answers. `statement.item` b"" with an index in `sources` names a transaction of the
        block. InputError names the source that is missing or does not fit; nothing is verified here but the form."""
        ...
