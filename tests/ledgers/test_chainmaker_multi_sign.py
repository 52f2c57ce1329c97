"""Requests that several sign one after the other: their record, judged by its votes alone."""

from __future__ import annotations

import pytest
from pki import TIME, identity, member

import pycore
from pycore import Verdict
from pycore._pb.ledgers.chainmaker.v1 import transaction_pb2
from pycore.ledgers.chainmaker import messages, multi_sign
from pycore.ledgers.chainmaker.ledger import ChainContext, Policy

RULES = ("strict", "compatible")
MAJORITY, ADMIN_ROW, ADMIN_OR_CLIENT = "CHAIN_CONFIG-BLOCK_UPDATE", "CERT_MANAGE-CERTS_FREEZE", "CERT_MANAGE-CERT_ADD"


@pytest.fixture(scope="module")
def orgs():
    roots = [identity(f"org{i}", "root-cert", ca=True) for i in range(1, 5)]
    units = {unit: [identity(top.org, unit, top) for top in roots] for unit in ("admin", "client")}
    known = ChainContext(hash="sha256", time=TIME, trust_roots={top.org: (top.pem,) for top in roots})
    return units["admin"], units["client"], known, roots


def record(resource, agree=(), reject=(), *, status=0, forged=()):
    """The record of a request and its votes; `forged`: places of votes whose signature is another's."""
    contract, method = resource.split("-")
    info = transaction_pb2.MultiSignInfo(contract_name=contract, method=method, status=status)
    info.payload.CopyFrom(messages.Payload(chain_id="c", tx_id="req", contract_name="MULTI_SIGN", method="REQ"))
    message = info.payload.SerializeToString()
    for vote, who in [*((0, who) for who in agree), *((1, who) for who in reject)]:
        place = len(info.vote_infos)
        signed = b"else" if place in forged else message
        entry = messages.EndorsementEntry(signer=member(who), signature=who.sign(signed))
        info.vote_infos.add(vote=vote, endorsement=entry)
    return info.SerializeToString()


def judged(data, known, **changes):
    return multi_sign.judge_record(data, known.replace(**changes))


@pytest.mark.parametrize("rules", RULES)
def test_a_majority(orgs, rules):
    admins, clients, known, _ = orgs
    for agree, reject, status in (
        (admins[:3], [], "PASSED"),
        (admins[:2], [], "PROCESSING"),
        ([], [], "PROCESSING"),
        (admins[:2], admins[2:3], "PROCESSING"),
        (admins[:2], admins[2:], "REFUSED"),  # half of four can no longer be outvoted
        ([], admins[:3], "REFUSED"),
        (admins[:3], admins[3:], "PASSED"),
        (clients, [], "PROCESSING"),
        ([*admins[:2], *clients[2:]], clients, "PROCESSING"),
    ):
        assert judged(record(MAJORITY, agree, reject), known, rules=rules).status == status


@pytest.mark.parametrize("rules", RULES)
def test_any(orgs, rules):
    admins, clients, known, _ = orgs
    for resource, agree, reject, status in (
        (ADMIN_ROW, admins[3:], [], "PASSED"),
        (ADMIN_ROW, clients, [], "PROCESSING"),
        (ADMIN_ROW, [], admins[:1], "REFUSED"),  # as read: by the same row
        (ADMIN_OR_CLIENT, clients[:1], admins, "PASSED"),
        (ADMIN_OR_CLIENT, [], clients[:1], "REFUSED"),
    ):
        assert judged(record(resource, agree, reject), known, rules=rules).status == status


@pytest.mark.parametrize("rules", RULES)
def test_rows_of_the_configuration_decide(orgs, rules):
    admins, _, known, _ = orgs
    for policy, count in ((Policy("ALL"), 4), (Policy("2"), 2), (Policy("3/4", (), ("ADMIN",)), 3)):
        for votes in range(1, 5):
            found = judged(record(MAJORITY, admins[:votes]), known, rules=rules, policies={MAJORITY: policy})
            assert found.status == ("PASSED" if votes >= count else "PROCESSING")
    named = Policy("ANY", ("org2",), ("ADMIN",))
    assert judged(record(MAJORITY, admins[1:2]), known, policies={MAJORITY: named}).status == "PASSED"
    found = judged(record(MAJORITY, admins[:1]), known, policies={MAJORITY: named})
    assert (found.status, found.votes[0]) == ("PROCESSING", Verdict.POLICY_NOT_MET)


@pytest.mark.parametrize("rules", RULES)
def test_votes_that_do_not_count(orgs, rules):
    """A forged vote, one by a stranger, one by somebody who has voted before, one in another role."""
    admins, clients, known, _ = orgs
    stranger = identity("org3", "admin")
    data = record(MAJORITY, [admins[0], admins[1], admins[0], stranger, clients[2]], [admins[1]], forged={1})
    found = judged(data, known, rules=rules)
    assert [vote.name for vote in found.votes] == [
        "VALID", "BAD_SIGNATURE", "POLICY_NOT_MET", "BAD_CERTIFICATE", "POLICY_NOT_MET", "VALID",
    ]  # fmt: skip
    assert found.details[0] == found.details[5] == ""
    assert "before" in found.details[2]
    assert "not one of those" in found.details[4]
    assert all(found.details[i] for i in (1, 3))
    assert found.status == "PROCESSING"
    assert judged(record(MAJORITY, admins[:3], forged={2}), known, rules=rules).status == "PROCESSING"


def test_half_of_a_majority_counts_organisations_under_strict(orgs):
    admins, _, known, roots = orgs
    second = identity("org1", "admin", roots[0])
    data = record(MAJORITY, [], [admins[0], second])
    assert judged(data, known, rules="compatible").status == "REFUSED"  # as read, entries are counted
    assert judged(data, known, rules="strict").status == "PROCESSING"


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ("USER-m", "not one of"),
        ("PUBKEY_MANAGE-PUBKEY_ADD", "not one of"),
        ("CHAIN_CONFIG-TRUST_ROOT_UPDATE", "SELF"),
        ("CHAIN_CONFIG-NODE_ID_UPDATE", "SELF"),
        ("CHAIN_CONFIG-NO_SUCH_METHOD", "no row"),
        ("CHAIN_CONFIG-ALTER_ADDR_TYPE", "no row"),
    ],
)
def test_requests_that_the_chain_does_not_take(orgs, resource, why, rules):
    admins, _, known, _ = orgs
    found = judged(record(resource, admins), known, rules=rules)
    assert found.status == "NOT_TAKEN"
    assert why in found.why
    assert found.votes.all_valid


def test_public_chains_count_administrators(orgs):
    admins, clients, _, _ = orgs
    known = ChainContext(
        hash="sha256", auth_type="Public", consensus="tbft", consensus_nodes={"public": ("Qm1",)},
        admin_keys=tuple(who.public_pem for who in admins),
    )  # fmt: skip

    def by_key(data):
        info = transaction_pb2.MultiSignInfo.FromString(data)
        for vote, who in zip(info.vote_infos, signers, strict=True):
            key = messages.Member(member_type=2, member_info=who.public_pem.encode())
            vote.endorsement.signer.CopyFrom(key)
        return info.SerializeToString()

    for signers, status in ((admins[:3], "PASSED"), (admins[:2], "PROCESSING"), (clients, "PROCESSING")):
        assert judged(by_key(record(MAJORITY, signers)), known).status == status
    signers = admins[:2]
    assert judged(by_key(record(MAJORITY, [], signers)), known).status == "REFUSED"
    with pytest.raises(pycore.InputError, match="hash"):
        judged(by_key(record(MAJORITY, [], signers)), known, hash=None)


def test_what_the_context_does_not_tell(orgs):
    admins, _, known, _ = orgs
    found = judged(record(MAJORITY, admins), known, trust_roots={})
    assert found.status is None
    assert found.why
    bare = ChainContext(hash="sha256", auth_type="Public", consensus="tbft")
    info = transaction_pb2.MultiSignInfo.FromString(record(MAJORITY, admins[:1]))
    key = messages.Member(member_type=2, member_info=admins[0].public_pem.encode())
    info.vote_infos[0].endorsement.signer.CopyFrom(key)
    assert judged(info.SerializeToString(), bare).status is None


def test_the_recorded_status_is_told(orgs):
    admins, _, known, _ = orgs
    names = [judged(record(MAJORITY, admins, status=number), known).recorded for number in range(6)]
    assert names == ["PROCESSING", "ADOPTED", "REFUSED", "FAILED", "PASSED", "5"]


def test_votes_that_are_neither(orgs):
    admins, _, known, _ = orgs
    info = transaction_pb2.MultiSignInfo.FromString(record(ADMIN_ROW, admins[:1]))
    info.vote_infos[0].vote = 7
    found = judged(info.SerializeToString(), known)
    assert (found.status, found.votes[0]) == ("PROCESSING", Verdict.MALFORMED_ITEM)
    assert "neither" in found.details[0]


@pytest.mark.parametrize(
    ("changes", "version", "field"),
    [({}, 2030299, "block_version"), ({"release": "2.3.2"}, None, "block_version"),
     ({"time": None, "clock": "block_timestamp"}, None, "context.clock")],
)  # fmt: skip
def test_blocks_before_that_rule(orgs, changes, version, field):
    admins, _, known, _ = orgs
    with pytest.raises(pycore.InputError) as caught:
        multi_sign.judge_record(record(MAJORITY, admins), known.replace(**changes), block_version=version)
    assert caught.value.field == field


def test_records_that_do_not_parse(orgs, monkeypatch):
    admins, _, known, _ = orgs
    for data in (b"\xff", b"\x0a\x05a"):
        with pytest.raises(pycore.InputError, match="record"):
            judged(data, known)
    assert judged(b"", known).status == "NOT_TAKEN"
    monkeypatch.setattr(multi_sign, "MAX_VOTES", 2)
    with pytest.raises(pycore.InputError, match="more than 2 votes"):
        judged(record(MAJORITY, admins[:3]), known)
