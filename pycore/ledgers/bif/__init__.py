"""Xinghuo's BIF-Core 1.x, and ledgers of its code base (BUMO): validates a block without executing it.

    ledger = pycore.ledgers.get("bif")
    report = ledger.validate_block(block, BifContext(validators=(...), accounts={...}, ...))
    report.valid, report.complete, report.failed, report.transactions

A block is a LedgerBundle (:mod:`pycore.ledgers.bif.block`): header, consensus value, and the proof that the next block
carries of it. The checks, in the report's order (guide: docs/guides/bif.md):

    structure              lengths of hashes; `strict`: encoded as a writer encodes it
    chain_id height        as the context says
    previous_hash          against the context
    block_hash             recomputed
    consensus_value_hash   of the consensus value; certainty read for BIF's
    consensus_value        the header's height, time and previous hash are those agreed on; read
    transactions           form, every signature, who may sign, nonces (:mod:`pycore.ledgers.bif.transactions`)
    accounts nonces domains
                           whether the context sufficed for them
    validators             whose hash the header states: those of now, or others that are known
    certificate quorum     the proof of this block (:mod:`pycore.ledgers.bif.certificate`, `xbft`); read
    handover               after a change of validators that was not proven: a quorum of those before agrees
    header_proof           the next consensus value names the header, and is proven in turn; read
    previous_proof         the proof of the block before that this one carries; read

In a run of blocks `height` and `previous_hash` compare with the block before, blocks are final by the next one's
proof, and

    context_change         what the block moves in the context: validators, nonces, changed_accounts

Rules. `compatible` accepts what public copies of the code base accept, as read; `strict`, the default, also refuses:
bytes that a writer would have put otherwise, and keys in upper-case hexadecimal; any signature of a transaction that
does not verify, where `compatible` passes over it; Ed25519 keys that are not in canonical form; a trigger in a
transaction that was agreed on; "ef" addresses of SM2 keys, which BIF-Core-SDK-Go writes with a chain code; PBFT
commits of another sequence than the block's height, or of several views; in XBFT proofs signatures that do not count,
and nodes that do not agree with the vote; the first bytes of a timeout alone as what is signed. These are readings,
not statements about anybody's nodes.
"""

from __future__ import annotations

from pycore.ledgers.bif.context import Account, BifContext, Validator
from pycore.ledgers.bif.ledger import LEDGER, Bif

__all__ = ["LEDGER", "Account", "Bif", "BifContext", "Validator"]
