"""A generated ChainMaker chain and the trusted states around one of its transactions, for tests of bundles."""

from __future__ import annotations

from pycore import ledgers, testing
from pycore.ledgers.chainmaker import messages, proofs
from pycore.ledgers.proof import Statement, Trusted
from pycore.testing.chainmaker import CHAIN_ID

LEDGER = ledgers.get("chainmaker")
PROOFS = LEDGER.proofs
BLOCKS, AT, TX = 4, 1, 2


class Chain:
    """A generated chain, one transaction of it, and the trusted states before and after its block."""

    def __init__(self, authentication="certificate", consensus="tbft", suite="p256", **context):
        self.ledger = testing.generate_ledger(
            blocks=BLOCKS, txs_per_block=5, suite=suite, seed=3, events=2, authentication=authentication,
            consensus=consensus, invalid_every=0,
        )  # fmt: skip
        self.context = self.ledger.context.replace(**context)
        self.before, self.after = self.trusted(0), self.trusted(BLOCKS - 1)
        rw_set = messages.TxRWSet.FromString(self.ledger.blocks.rw_sets(AT)[TX])
        self.key = proofs.state_key(rw_set.tx_writes[0])
        self.value = rw_set.tx_writes[0].value
        self.block = messages.Block.FromString(self.ledger.blocks[AT])

    def trusted(self, index):
        data = self.ledger.blocks[index]
        digest = LEDGER.block_digests(data, hash=self.context.hash)["block_hash"]
        return Trusted("chainmaker", CHAIN_ID, LEDGER.block_height(data), digest, self.context)

    def statement(self, kind):
        return Statement(kind, key=self.key if kind == "state" else b"", event=int(kind == "event"))

    def sources(self, *, late=False, **changes):
        following = {"following": list(self.ledger.blocks[AT + 1 :])} if late else {}
        return {"block": self.ledger.block_info(AT), "index": TX, **following, **changes}

    def bundle(self, kind, *, late=False):
        trusted = self.after if late else self.before
        return PROOFS.make(self.sources(late=late), self.statement(kind), trusted)


def holds(proven):
    return all(check.ok is True for check in proven.checks)


def broken(proven):
    """Names of the conditions that do not hold; a bundle of which none of them is named would be proven."""
    found = [check.name for check in proven.checks if check.ok is not True]
    assert found, "every condition holds"
    assert not proven.facts
    assert not proven.certified_by
    return found


def trusted_after(chain, index):
    context = chain.context.replace(height=None, previous_block_hash=None)
    height = LEDGER.block_height(chain.blocks[index])
    return Trusted("chainmaker", CHAIN_ID, height, chain.hashes[index + 1], context)


def configuring(chain, index, trusted):
    return PROOFS.make({"block": chain.blocks[index], "index": 0}, Statement("transaction"), trusted)
