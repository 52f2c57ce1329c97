"""Blocks of one transaction, sealed by their proposer and certified by TBFT votes of every node."""

from __future__ import annotations

from pycore import ledgers
from pycore.ledgers.chainmaker import messages, quorum

LEDGER = ledgers.get("chainmaker")
ORG = "org1"


def by_certificate(who):
    return messages.Member(org_id=ORG, member_info=who.pem.encode())


def sealed_block(proposer, *, sender=None, member=by_certificate, **header):
    """A block message. `sender`: of its transaction, else the proposer. `header`: fields in place of the usual ones."""
    values = {
        "block_version": 2030700, "chain_id": "chain1", "block_height": 12, "pre_block_hash": bytes(32),
        "block_timestamp": 9, "proposer": member(proposer), "tx_count": 1,
    }  # fmt: skip
    block = messages.Block(header=messages.BlockHeader(**values | header))
    block.dag.vertexes.add()
    tx = block.txs.add()
    tx.payload.CopyFrom(messages.Payload(chain_id="chain1", tx_id="tx", timestamp=5, contract_name="C", method="m"))
    signer = sender or proposer
    signature = signer.sign(tx.payload.SerializeToString())
    tx.sender.CopyFrom(messages.EndorsementEntry(signer=member(signer), signature=signature))
    tx.result.rw_set_hash = bytes(32)
    return seal(block, proposer)


def seal(block, proposer):
    """Fills in roots, hash and signature."""
    found = LEDGER.block_digests(block.SerializeToString(), hash="sha256")
    for root in ("tx_root", "rw_set_root", "dag_hash"):
        setattr(block.header, root, found[root])
    block.header.block_hash = LEDGER.block_digests(block.SerializeToString(), hash="sha256")["block_hash"]
    block.header.signature = proposer.sign(block.header.block_hash)
    return block


def certified_block(proposer, voters, *, round_=0, member=by_certificate, **options):
    """Bytes of such a block. `voters`: node id -> who votes for it."""
    block = sealed_block(proposer, member=member, **options)
    place = {"height": block.header.block_height, "round": round_}
    votes = messages.VoteSet(type=1, **place)
    for name, who in voters.items():
        vote = messages.Vote(type=1, voter=name, hash=block.header.block_hash, **place)
        signature = who.sign(quorum.vote_bytes(vote))
        vote.endorsement.CopyFrom(messages.EndorsementEntry(signer=member(who), signature=signature))
        votes.votes[name].CopyFrom(vote)
    block.additional_data.extra_data[quorum.TBFT_KEY] = votes.SerializeToString()
    return block.SerializeToString()
