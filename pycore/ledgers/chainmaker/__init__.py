"""ChainMaker 2.x: validates a block completely, without executing it.

    ledger = pycore.ledgers.get("chainmaker")
    report = ledger.validate_block(block, ChainContext(hash="SM3", trust_roots={...}, validators=(...)))
    report.valid, report.complete, report.failed, report.transactions

The checks, in the report's order (guide: docs/guides/chainmaker.md):

    structure            header, block hash, proposer, signature and DAG are there
    chain_id height      as the context says; every transaction names the same chain
    previous_hash        pre_block_hash against the context
    block_hash           H(header without block_hash and signature)
    proposer_signature   over block_hash            proposer_role   CONSENSUS
    rw_sets              result.rw_set_hash of every transaction, when read and write sets are given
    tx_count tx_ids      counts and duplicates
    transactions         verifyTxHeader; every sender, endorser and payer signature; policies, default and configured
    policies             whether the context sufficed to judge them (docs/guides/chainmaker-access.md)
    tx_root rw_set_root  Merkle roots
    dag_hash dag         hash and rule; `dag_rebuilt` on demand
    votes quorum         the quorum certificate of TBFT, DPoS, MaxBFT or Raft; `voter_binding` under strict
    empty_block          of a block without transactions: only MaxBFT makes them
    proposer_turn        strict: TBFT's and DPoS's rotation        consensus_args   strict: of the chain's consensus
    trust_roots          whether certificates could be judged

In a run of blocks (:mod:`pycore.ledgers.chainmaker.chain`) `height` and `previous_hash` compare with the block
before, and

    context_change       a configuration block moves the context; skipped, with the reason, where that is not known

Rules. `compatible` accepts exactly what the chain's code (version 2.3, as read) accepts; `strict`, the
default, also refuses: bytes after the DER of a signature; an empty org_id; any endorsement that does not
verify; a TBFT certificate of prevotes, of another height, with a voter twice, with one key for several
voters, or signed by another key than the voter's; a MaxBFT certificate with any author twice, of several
epochs or another height, or signed by another key than the author's; a block out of turn; consensus
arguments of another consensus. These are readings of public copies of the code, not statements about
anybody's nodes.

Members and policies differ in more places: docs/guides/chainmaker-access.md and certificates.md list them.

Certificates are judged at `context.time`, by default now, as a node does - not at the block's time stamp.
"""

from __future__ import annotations

from pycore.ledgers.chainmaker.ledger import (
    LEDGER,
    ChainContext,
    ChainMaker,
    ChainRun,
    ChainState,
    Checkpoint,
    Policy,
    RegisteredKey,
    Revocation,
    TrustMember,
)

__all__ = [
    "LEDGER",
    "ChainContext",
    "ChainMaker",
    "ChainRun",
    "ChainState",
    "Checkpoint",
    "Policy",
    "RegisteredKey",
    "Revocation",
    "TrustMember",
]
