"""XuperChain (xupercore 5, Baidu): validates a block completely, without executing it.

    ledger = pycore.ledgers.get("xuperchain")
    report = ledger.validate_block(block, XuperContext(consensus="chained-bft", validators=(...), next_block=...))
    report.valid, report.complete, report.failed, report.transactions

The checks, in the report's order (guide: docs/guides/xuperchain.md); "read" ones say so in `certainty`: their rules
were read in public copies of the chain's code, and no published data has confirmed them.

    structure            id, hashes, proposer, key and signature are there
    height               as the context says; no hash covers it, a run takes it from the block before
    previous_hash        pre_hash against the context
    block_hash           SHA256d of the header's fields (:mod:`~pycore.ledgers.xuper.headers`)
    failed_txs           read: the reasons of failed transactions are part of the id, their ids are not
    proposer             is the address of the key     proposer_signature   over the id: ECDSA on P-256, or SM2
    validators           read: the proposer is one of the term's; whether it was its turn is not checked
    justify              read: the certificate that the block carries, of the block before
    certificate          read: the one of this block, which the next block carries
    tx_count tx_ids      counts and duplicates          empty_block   a block has transactions
    tx_root              Bitcoin's tree over the ids    merkle_tree   its nodes, where the block has them
    curves               how many signatures were verified on which curve; read where SM2 is among them
    accounts             read: transactions whose account's access list is not in the context
    input_owners         read: inputs that contracts pay, which only their execution shows
    events               read: where they are asked for: in versions 1 and 2, whether what is written has one reading

and for every transaction a verdict: its version; its id (versions 1, 2 and 3, :mod:`~pycore.ledgers.xuper.encoding`);
the initiator's signatures and those of auth_require, each by a key of the address that it is for, an address that is
verified already being passed over; access lists of accounts; and that whoever pays an input signed. A transaction with
xuper_sign (multi-, ring, Schnorr or BLS signatures) is UNSUPPORTED_ALGORITHM. Awards and transactions of timers are
made by the chain and have no signatures. Nothing is executed: amounts, write sets and what a contract does are not
judged.

Rules. `compatible` accepts what the chain's code accepts, as read; `strict`, the default, also refuses: bytes after the
DER of a signature; the text of a key that is not exactly as the chain's software writes it; keys of another curve than
the chain's (`crypto`) in transactions; more than one signature of an initiator that is one address; awards and
transactions of timers that spend outputs, and a second award; in versions 1 and 2, whose ids can be read in more than
one way, inputs and outputs without the fields that make them clear; reasons of failed transactions that hold a zero
byte, and keys of theirs that are not ids; certificates by fewer than n - f distinct validators, the next proposer
counted once and only if it is one (:mod:`~pycore.ledgers.xuper.certificate`), of another view than the block's height,
or in a block whose proposer is no validator. These are readings of public copies of the code, not statements about
anybody's nodes.

Strings in versions 1 and 2 are those of Go's encoding/json before Go 1.22, which writes two control characters in
another way.
"""

from __future__ import annotations

from pycore.ledgers.xuper.acl import AccessList
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.ledger import LEDGER, XuperChain
from pycore.ledgers.xuper.run import XuperState

__all__ = ["LEDGER", "AccessList", "XuperChain", "XuperContext", "XuperState"]
