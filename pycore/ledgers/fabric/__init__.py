"""Hyperledger Fabric 2.x and 3.x: validates signatures and form of a block; the state is not checked.

    ledger = pycore.ledgers.get("fabric")
    blocks = ledger.blocks_of_file(open("blockfile_000000", "rb").read())
    for report in ledger.validate_chain(blocks, {"config_block": genesis.hex()}):
        report.valid, report.failed, report.transactions, report.codes

The checks, in the report's order (guide: docs/guides/fabric.md):

    structure            header, data and metadata are there
    height previous_hash as the context says
    data_hash            hash of all entries
    envelopes            every entry is an envelope as protobuf writes it (3.x)
    transactions         whether they could be judged; who is valid is in `transactions` and `codes`
    endorsement_policies skipped where a written namespace's policy is known to the state alone
    validation_codes     a peer's codes in the block against those found here
    channel_id           strict, and 2.x: the first transaction is one of the channel
    orderer_signatures   the policy /Channel/Orderer/BlockValidation of the configuration before the block
    quorum               strict: the count of BFT orderers        last_config   strict, Fabric-X: which block configures
    configuration        the next one of this channel             config_update  always skipped: not evaluated again
    context_change       in a run: the configuration moved the context
    state                always skipped where there are transactions: what the block alone cannot say

A transaction gets Fabric's code in Fabric's order, of the first thing that is wrong with it. A block with invalid
transactions is valid, since Fabric keeps and marks them.

Rules. `compatible` accepts what Fabric's code accepts, as read in public copies; `strict`, the default, also refuses:

    bytes after the DER of a signature, or inside of it        unknown fields behind an envelope's
    a policy with a node that needs nobody                      an implicit policy over no groups, or of an unknown rule
    PEM with text around it, certificates that are not DER      MSPs whose revocation lists no authority signed
    a last configuration that is not the trusted one            fewer BFT orderers than ceil((n + f + 1) / 2)
    principals "nominal" for an identity that is not valid

The two readings of members and policies are in :mod:`pycore.identities.msp`, :mod:`pycore.consensus.policy` and
:mod:`pycore.consensus.policy_tree`.
"""

from __future__ import annotations

from pycore.base.report import FabricReport
from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.ledger import LEDGER, Fabric

__all__ = ["LEDGER", "Fabric", "FabricContext", "FabricReport"]
