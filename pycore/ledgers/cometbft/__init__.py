"""CometBFT (Tendermint), the consensus of Cosmos chains: blocks, commits, validators, evidence; releases 0.34 to 1.0.

Hashes and signed bytes are the same in all of them; differences are in :mod:`~pycore.ledgers.cometbft.versions`.
Certainty: headers, sets, commits, times and transaction proofs are recomputed on published blocks of real chains; all
messages, commits and evidence are compared with CometBFT's own code, 0.38.26 up to 1.0.1, over mutated ones.

Checks of a block (`wire`: a Block in protobuf; `rpc`: the answer of /block)

    structure             header, last commit and evidence keep the rules for them by themselves
    chain_id, height, previous_hash
                          the context's
    block_hash, parts     what an answer or a commit says against what is recomputed of all of the block
    tx_root, last_commit_hash, evidence_hash
                          the header's, recomputed
    app_hash, consensus_hash, last_results_hash
                          only where the context has them: they follow from the state, which no block holds
    validators_hash       the header's is that of the context's validators
    schemes               their keys are such as the context's release has; only where it names one
    next_validators       the next block's validators are known: the same, or among the context's `later_validators`
    proposer              is one of the validators
    last_block_id         the last commit is for the block before, of the height before
    last_commit           its quorum, and every signature that is there, those for no block as well
    time                  after the block before, and the median of the votes for that, weighted by power
    evidence_size         bytes of all evidence
    evidence              each piece holds, is young enough and there once: ``evidence[i]`` for one that does not
    certificate, quorum   the commit for this block: signatures, and power behind it
    context_change        in a run: the validators of the next block are others

Transactions are bytes to CometBFT, so a report has no verdicts on them: their count is in `counts`.

Rule sets: "strict" checks every signature of a block's own commit, and refuses evidence that names nobody, as CometBFT
does where it arrives. "compatible" checks as many signatures as make the quorum, and takes such evidence.
Stricter than CometBFT in both: protobuf must be as it is written; names of chains are UTF-8; a commit has 10,000 slots
at most; times of votes lie between 1677 and 2262.

Not checked: what the application decides (transactions, its hash), parameters of consensus, whose turn it was to
propose, clocks, whether an earlier block has the same evidence. Signatures by sr25519, BLS12-381, ML-DSA-65 and
secp256k1eth are refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycore.ledgers.cometbft.context import CometbftContext
    from pycore.ledgers.cometbft.ledger import LEDGER, Cometbft

__all__ = ["LEDGER", "Cometbft", "CometbftContext"]


def __getattr__(name: str) -> Any:
    """The ledger's parts on first use: the rules of consensus need none of them."""
    from importlib import import_module

    where = {"LEDGER": "ledger", "Cometbft": "ledger", "CometbftContext": "context"}
    if name in where:
        return getattr(import_module(f"pycore.ledgers.cometbft.{where[name]}"), name)
    raise AttributeError(f"module 'pycore.ledgers.cometbft' has no attribute {name!r}")
