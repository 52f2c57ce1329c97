"""Evidence of CometBFT: made, written, read, hashed, and every condition of it by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pycore.consensus import ValidatorSet
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes, rpc, wire
from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.consensus import RULES
from pycore.ledgers.cometbft.evidence import byzantine_validators, duplicate_vote, kind_of, light_client_attack
from pycore.ledgers.cometbft.evidence_checks import check_attack, check_duplicate_vote, height_of, is_expired
from pycore.testing import cometbft_json as answers
from pycore.testing.cometbft import (
    CHAIN_ID,
    Chain,
    conflicting_block,
    make_commit,
    make_signers,
    make_vote,
    make_votes,
    ordered,
)

CHAIN = Chain(blocks=4, validators=6, seed=31, powers=[40, 30, 20, 10, 5, 1])
SIGNERS = CHAIN.signers[0]
HELD = ValidatorSet(CHAIN.validators(0))
TIME = CHAIN.blocks[1].header.time_ns
FIRST, SECOND = (make_vote(SIGNERS[1], height=2, position=1, block_id=CHAIN.block_ids[i]) for i in (1, 2))
DUPLICATE = duplicate_vote(FIRST, SECOND, HELD.validators, TIME)


def failed(report: Any) -> set[str]:
    return {check.name for check in report.failed}


# ---- two votes -------------------------------------------------------------------------------------------------------


def test_two_votes_in_either_order_make_one_evidence() -> None:
    assert duplicate_vote(SECOND, FIRST, HELD.validators, TIME) == DUPLICATE
    report = check_duplicate_vote(DUPLICATE, HELD, CHAIN_ID, time_ns=TIME)
    assert (report.valid, report.complete) == (True, True)
    assert DUPLICATE.power == 30 and DUPLICATE.total_power == 106  # noqa: PT018
    assert not check_duplicate_vote(DUPLICATE, HELD, CHAIN_ID).complete  # the block's time is not known


def test_a_vote_for_no_block_contradicts_one_for_a_block() -> None:
    nil = make_vote(SIGNERS[1], height=2, position=1)
    made = duplicate_vote(FIRST, nil, HELD.validators, TIME)
    assert made.first == nil
    assert check_duplicate_vote(made, HELD, CHAIN_ID, time_ns=TIME).valid


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"height": 3}, "second.height"), ({"round": 1}, "second.round"), ({"type": m.PREVOTE}, "second.type"),
        ({"address": SIGNERS[0].address}, "second.address"), ({"block_id": CHAIN.block_ids[1]}, "second.block_id"),
        ({"signature": b""}, "second"),
    ],
)  # fmt: skip
def test_votes_that_contradict_nothing_make_no_evidence(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        duplicate_vote(FIRST, replace(SECOND, **change), HELD.validators, TIME)
    assert caught.value.field == field


def test_strangers_make_no_evidence() -> None:
    stranger = make_signers(1, seed=99)[0]
    votes = [make_vote(stranger, height=2, block_id=one) for one in CHAIN.block_ids[:2]]
    with pytest.raises(InputError, match="a validator's"):
        duplicate_vote(*votes, HELD.validators, TIME)


def with_vote(**change: Any) -> m.DuplicateVote:
    """The second vote changed and signed again."""
    return replace(DUPLICATE, second=make_votes([SIGNERS[1]], [replace(DUPLICATE.second, **change)])[0])


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda: replace(DUPLICATE, first=DUPLICATE.second, second=DUPLICATE.first), {"structure"}),
        (lambda: replace(DUPLICATE, second=DUPLICATE.first), {"structure", "conflict"}),
        (lambda: with_vote(height=3), {"same_vote"}),
        (lambda: with_vote(round=1), {"same_vote"}),
        (lambda: with_vote(type=m.PREVOTE), {"same_vote"}),
        (lambda: with_vote(address=SIGNERS[0].address), {"same_vote"}),
        (lambda: replace(DUPLICATE, power=31), {"power"}),
        (lambda: replace(DUPLICATE, total_power=105), {"total_power"}),
        (lambda: replace(DUPLICATE, time_ns=TIME + 1), {"time"}),
        (lambda: replace(DUPLICATE, first=replace(DUPLICATE.first, signature=bytes(64))), {"signatures"}),
        (lambda: replace(DUPLICATE, second=replace(DUPLICATE.second, time_ns=7)), {"signatures"}),
        (lambda: replace(DUPLICATE, second=replace(DUPLICATE.second, signature=b"")), {"structure", "signatures"}),
    ],
)
def test_every_condition_of_two_votes(made: Callable[[], m.DuplicateVote], names: set[str]) -> None:
    assert failed(check_duplicate_vote(made(), HELD, CHAIN_ID, time_ns=TIME)) == names


def test_two_votes_of_another_chain_or_by_a_stranger() -> None:
    assert failed(check_duplicate_vote(DUPLICATE, HELD, "other", time_ns=TIME)) == {"signatures"}
    without = ValidatorSet([one for one in HELD.validators if one.address != FIRST.address])
    assert failed(check_duplicate_vote(DUPLICATE, without, CHAIN_ID, time_ns=TIME)) == {
        "validator", "total_power", "signatures"
    }  # fmt: skip


def test_equivocation_through_the_rules_of_consensus() -> None:
    votes = [RULES.read_vote(encoding.vote(one), "wire", chain_id=CHAIN_ID) for one in (SECOND, FIRST)]
    data = RULES.equivocation(*votes, HELD, TIME)
    assert wire.evidence(data) == DUPLICATE
    first, second = RULES.read_equivocation(data, "wire", chain_id=CHAIN_ID)
    assert (first.claim, second.claim) == tuple(
        encoding.block_id(one.block_id) for one in (DUPLICATE.first, DUPLICATE.second)
    )
    assert HELD.verify([1, 1], [first.signature, second.signature], [first.message, second.message]).all_valid
    assert RULES.read_equivocation(answers.evidence(DUPLICATE), "rpc", chain_id=CHAIN_ID) == (first, second)
    with pytest.raises(InputError):
        RULES.equivocation(votes[0], votes[0], HELD, TIME)
    attack = encoding.evidence_union(attack_of("lunatic")[0])
    with pytest.raises(InputError, match="an attack on light clients"):
        RULES.read_equivocation(attack, "wire", chain_id=CHAIN_ID)


# ---- attacks on light clients ----------------------------------------------------------------------------------------


def attack_of(kind: str, **options: Any) -> tuple[m.LightClientAttack, m.LightBlock, m.LightBlock]:
    shown, trusted = conflicting_block(CHAIN, 3, kind, **options), CHAIN.light_block(3)
    common = CHAIN.light_block(0) if kind == "lunatic" else trusted
    return light_client_attack(shown, common, trusted), common, trusted


@pytest.mark.parametrize("kind", ["lunatic", "equivocation", "amnesia"])
def test_every_kind_of_attack(kind: str) -> None:
    value, common, trusted = attack_of(kind, absent=(1,))
    assert kind_of(value.conflicting.signed_header, trusted.signed_header) == kind
    assert wire.evidence(encoding.evidence_union(value)) == value
    report = check_attack(value, common, trusted.signed_header)
    if kind == "amnesia":  # CometBFT makes this evidence, and refuses it where it arrives
        assert failed(report) == {"byzantine"}
        report = check_attack(value, common, trusted.signed_header, rules="compatible")
        assert value.byzantine == ()
    else:
        assert [one.address for one in value.byzantine] == [one.address for i, one in enumerate(SIGNERS) if i != 1]
    assert (report.valid, report.complete) == (True, True), report


def test_byzantine_validators_of_an_equivocation_voted_for_both_blocks() -> None:
    """Before 0.38 those who voted for no block counted too."""
    shown, trusted = conflicting_block(CHAIN, 3, "equivocation"), CHAIN.signed_header(3)
    nil = make_commit(SIGNERS, trusted.commit.block_id, 4, time_ns=TIME, nil=(2,), absent=(3,))
    trusted = replace(trusted, commit=nil)
    found = byzantine_validators(shown, CHAIN.validators(0), trusted)
    before = byzantine_validators(shown, CHAIN.validators(0), trusted, nil_counts=True)
    addresses = [one.address for one in SIGNERS]
    assert [addresses.index(one.address) for one in found] == [0, 1, 4, 5]
    assert [addresses.index(one.address) for one in before] == [0, 1, 2, 4, 5]


def test_byzantine_validators_of_a_lunatic_attack_are_those_of_the_common_block() -> None:
    moving = Chain(blocks=4, validators=5, seed=32, replaced=1)
    shown = conflicting_block(moving, 3, "lunatic")
    found = byzantine_validators(shown, moving.validators(0), moving.signed_header(3))
    old, new = ({one.address for one in moving.validators(i)} for i in (0, 3))
    assert {one.address for one in found} == old & new
    value = light_client_attack(shown, moving.light_block(0), moving.light_block(3))
    assert check_attack(value, moving.light_block(0), moving.signed_header(3)).valid


def changed(value: m.LightClientAttack, **change: Any) -> m.LightClientAttack:
    return replace(value, **change)


def with_commit(value: m.LightClientAttack, commit: m.Commit) -> m.LightClientAttack:
    signed = replace(value.conflicting.signed_header, commit=commit)
    return replace(value, conflicting=replace(value.conflicting, signed_header=signed))


def test_every_condition_of_an_attack() -> None:
    value, common, trusted = attack_of("lunatic")
    commit = value.conflicting.signed_header.commit
    slots = commit.signatures
    bad = replace(commit, signatures=(replace(slots[0], signature=bytes(64)), *slots[1:]))
    few = make_commit(SIGNERS, commit.block_id, 4, time_ns=TIME, absent=(0, 1))
    third = make_commit(SIGNERS, commit.block_id, 4, time_ns=TIME, absent=(0, 1, 2))
    other = replace(value.byzantine[0], power=41)
    swapped = replace(value.byzantine[0], public_key=make_signers(1, seed=98)[0].validator.public_key)
    cases: list[tuple[m.LightClientAttack, set[str]]] = [
        (changed(value, common_height=2), {"common_height"}),
        (changed(value, common_height=0), {"structure", "common_height"}),
        (changed(value, common_height=5), {"structure", "common_height"}),
        (changed(value, time_ns=value.time_ns + 1), {"time"}),
        (changed(value, total_power=107), {"total_power"}),
        (changed(value, total_power=0), {"structure", "total_power"}),
        (changed(value, byzantine=value.byzantine[1:]), {"byzantine"}),
        (changed(value, byzantine=value.byzantine[::-1]), {"byzantine"}),
        (changed(value, byzantine=(other, *value.byzantine[1:])), {"byzantine"}),
        (changed(value, byzantine=(swapped, *value.byzantine[1:])), {"byzantine"}),
        (with_commit(value, bad), {"trust", "commit"}),
        (with_commit(value, few), {"commit", "byzantine"}),
        (with_commit(value, third), {"trust", "commit", "byzantine"}),
        (replace(value, conflicting=trusted), {"conflict", "byzantine"}),
        (replace(value, conflicting=replace(value.conflicting, validators=m.Validators((), None))),
         {"structure", "commit"}),
    ]  # fmt: skip
    for i, (one, names) in enumerate(cases):
        report = check_attack(one, common, trusted.signed_header)
        found = failed(report)
        if i == 13:  # the chain's own block: whether anybody is named depends on what it is compared with
            found.add("byzantine")
        assert found == names, (i, report)


def test_the_state_of_a_block_at_the_common_height_is_the_chains_own() -> None:
    value, _, trusted = attack_of("lunatic")
    same_height = replace(value, common_height=4, time_ns=trusted.signed_header.header.time_ns)
    assert "header" in failed(check_attack(same_height, trusted, trusted.signed_header))


def test_an_attack_on_the_future_breaks_the_order_of_times() -> None:
    """A block above the chain's latest is evidence where its time is not after the latest one's."""
    shown = conflicting_block(CHAIN, 3, "lunatic")
    latest = CHAIN.light_block(2)
    value = light_client_attack(shown, CHAIN.light_block(0), latest)
    report = check_attack(value, CHAIN.light_block(0), latest.signed_header)
    assert failed(report) == {"conflict"}
    header = replace(shown.signed_header.header, time_ns=latest.signed_header.header.time_ns)
    block_id = m.BlockId(hashes.header_hash(header), 1, bytes(32))
    commit = make_commit(SIGNERS, block_id, 4, time_ns=TIME)
    early = replace(shown, signed_header=m.SignedHeader(header, commit))
    value = light_client_attack(early, CHAIN.light_block(0), latest)
    assert check_attack(value, CHAIN.light_block(0), latest.signed_header).valid


def test_the_chains_own_block_is_no_conflict_with_a_later_one() -> None:
    """Whoever gives a trusted header of another height must not get evidence against honest validators."""
    own, common, later = CHAIN.light_block(1), CHAIN.light_block(0), CHAIN.light_block(2)
    made = light_client_attack(own, common, later)
    rows = byzantine_validators(own, common.validators.validators, later.signed_header)
    made = replace(made, byzantine=tuple(rows))
    assert failed(check_attack(made, common, later.signed_header)) == {"conflict"}


def test_an_attack_through_the_rules_of_consensus() -> None:
    shown, trusted, common = conflicting_block(CHAIN, 3), CHAIN.light_block(3), CHAIN.light_block(0)
    blocks = [RULES.read_light_block(encoding.light_block(one), "wire") for one in (shown, common, trusted)]
    assert all(isinstance(one, LightBlock) for one in blocks)
    data = RULES.attack_evidence(*blocks)
    assert wire.evidence(data) == light_client_attack(shown, common, trusted)
    assert wire.evidence(RULES.attack_evidence(*blocks, byzantine=())).byzantine == ()


def test_validators_out_of_order_are_refused() -> None:
    """They are hashed in the order of the set, and positions in the commit follow it."""
    value, common, trusted = attack_of("lunatic")
    rows = value.conflicting.validators.validators
    turned = replace(value.conflicting.validators, validators=rows[::-1])
    made = replace(value, conflicting=replace(value.conflicting, validators=turned))
    assert failed(check_attack(made, common, trusted.signed_header)) == {"structure", "commit"}


def test_evidence_expires_by_blocks_and_by_time() -> None:
    ages = {"max_age_blocks": 10, "max_age_ns": 100}
    assert height_of(DUPLICATE) == 2
    assert is_expired(DUPLICATE, height=13, time_ns=TIME + 101, **ages)
    assert not is_expired(DUPLICATE, height=12, time_ns=TIME + 101, **ages)
    assert not is_expired(DUPLICATE, height=13, time_ns=TIME + 100, **ages)
    assert height_of(attack_of("lunatic")[0]) == 1


def test_evidence_in_json_has_two_spellings() -> None:
    for value in (DUPLICATE, attack_of("lunatic")[0]):
        for words in (False, True):
            assert rpc.evidence(answers.evidence(value, since_1_0=words)) == value
    with pytest.raises(InputError) as caught:
        rpc.evidence({"type": "tendermint/Other", "value": {}})
    assert caught.value.field == "evidence.type"


def test_a_set_in_canonical_order_has_a_proposer_by_priority() -> None:
    rows = [replace(one.validator, priority=i % 3) for i, one in enumerate(SIGNERS)]
    best = min((one for one in rows if one.priority == 2), key=lambda one: one.address)
    assert m.proposer_of(rows) == best
    assert ordered(SIGNERS[::-1]) == SIGNERS
