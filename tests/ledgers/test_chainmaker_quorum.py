"""Quorum certificates built here: the exact number of votes, and the rules that the published cases do not reach."""

from __future__ import annotations

import pytest
from pki import TIME, identity
from sealed import LEDGER, ORG, seal, sealed_block

from pycore.identities.x509 import parse_public_key
from pycore.ledgers.chainmaker import messages, quorum
from pycore.ledgers.chainmaker.ledger import ChainContext
from pycore.ledgers.chainmaker.node_id import node_id

HEIGHT = 7
QUORUM_CHECKS = {"votes", "quorum", "voter_binding"}


@pytest.fixture(scope="module")
def chain():
    """Ten validators under one root, and a context that knows them all."""
    root = identity(ORG, "root-cert", ca=True)
    nodes = [identity(ORG, "consensus", root) for _ in range(10)]
    context = ChainContext(
        chain_id="chain1", hash="sha256", trust_roots={ORG: (root.pem,)}, time=TIME, height=HEIGHT,
        previous_block_hash=bytes(32),
    )  # fmt: skip
    return root, nodes, context


def with_validators(context, nodes, count):
    return context.replace(
        validators=tuple(map(name, range(count))), nodes={name(i): nodes[i].pem for i in range(count)}
    )


def name(index):
    return f"node{index}"


def block_by(proposer, *, view=None, **options):
    """A sealed block without a certificate."""
    if view is not None:
        options["consensus_args"] = messages.BlockHeaderConsensusArgs(consensus_type=3, view=view).SerializeToString()
    return sealed_block(proposer, block_height=HEIGHT, **options)


def endorse(who, message):
    entry = messages.EndorsementEntry(signature=who.sign(message))
    entry.signer.org_id, entry.signer.member_info = ORG, who.pem.encode()
    return entry


def vote(voter, who, block, **changes):
    """A signed TBFT vote."""
    values = {"type": 1, "voter": voter, "height": HEIGHT, "round": 0, "hash": block.header.block_hash} | changes
    made = messages.Vote(**values)
    made.endorsement.CopyFrom(endorse(who, quorum.vote_bytes(made)))
    return made


def tbft(block, votes, **changes):
    """The block with a vote set; votes under separate keys, so that a voter can come twice."""
    votes_set = messages.VoteSet(**({"type": 1, "height": HEIGHT, "round": 0} | changes))
    for place, made in enumerate(votes):
        votes_set.votes[f"{place:02d}"].CopyFrom(made)
    sealed = messages.Block.FromString(block.SerializeToString())
    sealed.additional_data.extra_data[quorum.TBFT_KEY] = votes_set.SerializeToString()
    return sealed.SerializeToString()


def maxbft(block, authors, **changes):
    """The block with a certificate of (author, signer) votes."""
    certificate = messages.QuorumCert()
    for author, who in authors:
        values = {
            "block_id": block.header.block_hash,
            "height": HEIGHT,
            "view": 5,
            "author": author.encode(),
            "epoch_id": 1,
        }
        made = messages.VoteData(**(values | changes))
        made.signature.CopyFrom(endorse(who, quorum.vote_data_bytes(made)))
        certificate.votes.append(made)
    sealed = messages.Block.FromString(block.SerializeToString())
    sealed.additional_data.extra_data[quorum.MAXBFT_KEY] = certificate.SerializeToString()
    return sealed.SerializeToString()


def accepted(block, context, rules):
    report = LEDGER.validate_block(block, context.replace(rules=rules))
    assert {check.name for check in report.failed} <= QUORUM_CHECKS, [str(check) for check in report.failed]
    return report.valid


def both(block, context):
    """(compatible, strict)."""
    return accepted(block, context, "compatible"), accepted(block, context, "strict")


@pytest.mark.parametrize("count", range(1, 11))
def test_the_number_of_votes(count, chain):
    """floor(2 n / 3) + 1 votes and no fewer, for TBFT, DPoS and MaxBFT."""
    _, nodes, base = chain
    context = with_validators(base, nodes, count)
    needed = 2 * count // 3 + 1
    assert quorum.RULE.needed(count) == needed
    block, other = block_by(nodes[0]), block_by(nodes[0], view=5)
    for votes in (needed - 1, needed, count):
        made = [vote(name(i), nodes[i], block) for i in range(votes)]
        expected = (votes >= needed,) * 2
        assert both(tbft(block, made), context) == expected
        assert both(tbft(block, made), context.replace(consensus="dpos")) == expected
        assert both(maxbft(other, [(name(i), nodes[i]) for i in range(votes)]), context) == expected
        report = LEDGER.validate_block(tbft(block, made), context)
        assert (report.check("quorum").got, report.check("quorum").wanted) == (votes, needed)


def test_a_certificate_for_another_height(chain):
    """The hash alone binds it, for the chain."""
    _, nodes, base = chain
    context = with_validators(base, nodes, 4)
    block, other = block_by(nodes[0]), block_by(nodes[0], view=5)
    made = [vote(name(i), nodes[i], block, height=99) for i in range(3)]
    assert both(tbft(block, made, height=99), context) == (True, False)
    assert both(tbft(block, made), context) == (False, False)  # votes of another height than the set's do not count
    assert both(maxbft(other, [(name(i), nodes[i]) for i in range(3)], height=99), context) == (True, False)


def test_a_set_of_prevotes(chain):
    _, nodes, base = chain
    context = with_validators(base, nodes, 4)
    block = block_by(nodes[0])
    made = [vote(name(i), nodes[i], block, type=0) for i in range(3)]
    assert both(tbft(block, made, type=0), context) == (True, False)


def test_rounds(chain):
    _, nodes, base = chain
    context = with_validators(base, nodes, 4)
    block = block_by(nodes[0])
    made = [vote(name(i), nodes[i], block, round=-1 if i == 3 else 2) for i in range(4)]
    assert both(tbft(block, made, round=2), context) == (True, True)
    assert both(tbft(block, made[:2] + made[3:], round=2), context) == (False, False)


def test_a_voter_twice(chain):
    _, nodes, base = chain
    context = with_validators(base, nodes, 4)
    block = block_by(nodes[0])
    made = [vote(name(i), nodes[i], block) for i in (0, 1, 2, 2)]
    assert both(tbft(block, made), context) == (True, False)
    assert both(tbft(block, made[:2] + made[:1]), context) == (False, False)


def test_one_key_for_several_voters(chain):
    """Without a map from node to key, strict still asks for as many keys as votes."""
    _, nodes, base = chain
    context = with_validators(base, nodes, 4).replace(nodes={})
    block = block_by(nodes[0])
    same = tbft(block, [vote(name(i), nodes[0], block) for i in range(3)])
    swapped = tbft(block, [vote(name(i), nodes[(i + 1) % 3], block) for i in range(3)])
    assert both(same, context) == (True, False)
    assert both(swapped, context) == (True, True)
    report = LEDGER.validate_block(swapped, context)
    assert [check.name for check in report.skipped] == ["rw_sets", "voter_binding", "proposer_turn"]
    assert both(swapped, with_validators(base, nodes, 4)) == (True, False)


def test_without_validators(chain):
    """How many votes are enough is not known; that each of them is valid still is."""
    _, nodes, base = chain
    block = block_by(nodes[0])
    made = [vote(name(i), nodes[i], block) for i in range(3)]
    report = LEDGER.validate_block(tbft(block, made), base)
    assert report.valid
    assert not report.complete
    assert report.check("quorum").ok is None
    assert report.check("votes").ok
    made[1].endorsement.signature = made[0].endorsement.signature
    report = LEDGER.validate_block(tbft(block, made), base)
    assert report.check("votes").ok is False
    assert not report.valid


def test_roles(chain):
    root, nodes, base = chain
    context = with_validators(base, nodes, 4).replace(nodes={})
    client = identity(ORG, "client", root)
    block = block_by(nodes[0])
    made = [vote(name(0), client, block), *(vote(name(i), nodes[i], block) for i in (1, 2, 3))]
    assert both(tbft(block, made), context) == (False, False)
    other = block_by(client)
    report = LEDGER.validate_block(tbft(other, [vote(name(i), nodes[i], other) for i in range(3)]), context)
    assert {check.name for check in report.failed} == {"proposer_role"}


def test_a_proposer_without_a_chain(chain):
    _, nodes, base = chain
    context = with_validators(base, nodes, 4)
    other = block_by(identity(ORG, "consensus"), sender=nodes[0])
    report = LEDGER.validate_block(tbft(other, [vote(name(i), nodes[i], other) for i in range(3)]), context)
    assert {check.name for check in report.failed} == {"proposer_signature"}
    assert report.check("proposer_signature").got == "BAD_CERTIFICATE"


def test_bare_keys_have_the_role_that_the_context_gives(chain):
    """In the key modes the consensus role is membership in the set of consensus nodes."""
    _, nodes, _ = chain
    context = ChainContext(chain_id="chain1", hash="sha256", auth_type="Public", validators=tuple(map(name, range(4))))
    block = block_by(nodes[0], member=lambda who: messages.Member(member_type=2, member_info=who.public_pem.encode()))
    made = [vote(name(i), nodes[i], block) for i in range(3)]
    for i, one in enumerate(made):
        signer = one.endorsement.signer
        signer.org_id, signer.member_type, signer.member_info = "", 2, nodes[i].public_pem.encode()
    report = LEDGER.validate_block(tbft(block, made), context)
    assert {"proposer_role", "voter_roles"} <= {check.name for check in report.skipped}
    # A node's id is made from its key, and these names are not: strict sees it without a list of nodes.
    assert [check.name for check in report.failed] == ["voter_binding"]
    assert LEDGER.validate_block(tbft(block, made), context.replace(rules="compatible")).valid
    ids = [node_id(parse_public_key(nodes[i].public_pem.encode())) for i in range(4)]
    real = [vote(ids[i], nodes[i], block) for i in range(3)]
    for i, one in enumerate(real):
        signer = one.endorsement.signer
        signer.org_id, signer.member_type, signer.member_info = "", 2, nodes[i].public_pem.encode()
        one.endorsement.signature = nodes[i].sign(quorum.vote_bytes(one))
    listed = context.replace(validators=tuple(ids), consensus_nodes={"public": tuple(ids)})
    report = LEDGER.validate_block(tbft(block, real), listed)
    assert report.valid, [str(check) for check in report.failed]
    assert report.check("voter_binding").ok
    assert report.check("proposer_role").ok
    known = context.replace(nodes={name(i): nodes[i].public_pem for i in range(4)})
    report = LEDGER.validate_block(tbft(block, made), known)
    assert report.valid
    assert report.check("proposer_role").ok
    strangers = context.replace(nodes={name(i): nodes[5 + i].public_pem for i in range(4)})
    report = LEDGER.validate_block(tbft(block, made), strangers)
    assert {check.name for check in report.failed} == {"proposer_role", "votes", "quorum", "voter_binding"}


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_blocks_without_transactions(rules, chain):
    """Only MaxBFT, whose views go on with them, makes such blocks."""
    _, nodes, base = chain
    context = with_validators(base, nodes, 4).replace(rules=rules)

    def empty(view=None):
        block = block_by(nodes[0], view=view)
        block.ClearField("txs")
        block.dag.ClearField("vertexes")
        block.header.tx_count = 0
        return seal(block, nodes[0])

    block = empty()
    data = tbft(block, [vote(name(i), nodes[i], block) for i in range(3)])
    for consensus in (None, "tbft", "dpos"):
        report = LEDGER.validate_block(data, context.replace(consensus=consensus))
        assert {check.name for check in report.failed} == {"empty_block"}
    for consensus in ("raft", "solo"):
        report = LEDGER.validate_block(data, context.replace(consensus=consensus))
        assert report.check("empty_block").ok is False
    bare = LEDGER.validate_block(block.SerializeToString(), context)
    assert bare.check("empty_block").ok is None  # nothing tells the consensus
    other = empty(view=5)
    for consensus in (None, "maxbft"):
        report = LEDGER.validate_block(
            maxbft(other, [(name(i), nodes[i]) for i in range(3)]), context.replace(consensus=consensus)
        )
        assert report.valid
        assert report.check("empty_block").ok
    full = block_by(nodes[0])
    report = LEDGER.validate_block(tbft(full, [vote(name(i), nodes[i], full) for i in range(3)]), context)
    assert "empty_block" not in {check.name for check in report}
