"""What proof bundles of test chains are made of: one sample or several for each kind of statement. Test data only.

``tools/make_bundles.py`` writes tests/vectors/bundles from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.ledgers.proof import Statement, Trusted


@dataclass(frozen=True)
class BundleSample:
    """A bundle to be made.

    Attributes:
        name: of its files: the kind, and what is particular about it; "transaction", "transaction-earlier".
        statement: the claim; its item may be left out where the sources name it.
        trusted: the state of those who verify it.
        sources: what ``proofs.make`` of the chain is given.
    """

    name: str
    statement: Statement
    trusted: Trusted
    sources: Mapping[str, Any] = field(default_factory=dict)


def chainmaker_bundles() -> Iterator[BundleSample]:
    """SM2 certificates and TBFT, a block after the trusted one and one before it; and P-256 keys and MaxBFT."""
    from pycore.ledgers.chainmaker.messages import TxRWSet
    from pycore.ledgers.chainmaker.proofs import state_key

    from .ledger import generate_ledger

    tx = 2
    for suite, authentication, consensus, mark in (
        ("sm2", "certificate", "tbft", ""),
        ("p256", "key", "maxbft", "-keys-maxbft"),
    ):
        made = generate_ledger(
            blocks=3, txs_per_block=5, suite=suite, signers=2, seed=2, authentication=authentication,
            consensus=consensus, events=2,
        )  # fmt: skip
        chain_id = str(made.context.chain_id)
        before = Trusted("chainmaker", chain_id, 1, made.blocks.previous_hash(1), made.context)
        after = Trusted("chainmaker", chain_id, 3, made.blocks.previous_hash(3), made.context)
        key = state_key(TxRWSet.FromString(made.blocks.rw_sets(1)[tx]).tx_writes[0])
        sources = {"block": made.block_info(1), "index": tx}
        yield BundleSample(f"header{mark}", Statement("header"), before, sources)
        yield BundleSample(f"transaction{mark}", Statement("transaction"), before, sources)
        if mark:
            continue
        yield BundleSample("event", Statement("event", event=1), before, sources)
        yield BundleSample("state", Statement("state", key=key), before, sources)
        earlier = {**sources, "following": [made.blocks[2]]}
        yield BundleSample("transaction-earlier", Statement("transaction"), after, earlier)
