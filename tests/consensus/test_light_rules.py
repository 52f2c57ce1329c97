"""The conditions of a light client's step: each fails by itself, in its place, with its verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pycore.consensus.light import (
    LightOptions,
    LightReport,
    LightVerdict,
    TrustedState,
    advance,
    verify_adjacent,
    verify_backwards,
    verify_light,
    verify_root,
    verify_skipping,
)
from pycore.consensus.validators import ValidatorSet
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft import messages as cometbft
from pycore.testing.cometbft import Signer
from pycore.testing.cometbft_light import LightChain, resigned, strangers

SECOND = 10**9
PERIOD = 3600 * SECOND
OPTIONS = LightOptions(PERIOD)
CHAIN = LightChain(heights=8, validators=6, seed=5)
TRUSTED = TrustedState.of(CHAIN.block(2))
ADJACENT = ["trusting_period", "chain_id", "height", "time", "clock_drift", "structure", "commit_height", "header_hash",
            "size", "validators_hash", "next_validators", "addresses", "signatures", "quorum"]  # fmt: skip
SKIPPING = [*ADJACENT[:10], "double_votes", "trust", "trust_signatures", *ADJACENT[11:]]
BACKWARDS = ["chain_id", "height", "time", *ADJACENT[5:10], "previous_hash"]


def own(height: int) -> cometbft.LightBlock:
    return CHAIN.blocks[height]


def signers(height: int) -> list[Signer]:
    return CHAIN.signers[height]


def read(block: cometbft.LightBlock) -> LightBlock:
    return LightBlock.read(encoding.light_block(block), form="wire")


def failed(report: LightReport) -> list[str]:
    return [check.name for check in report.failed]


def changed(height: int, **changes: Any) -> LightBlock:
    """The chain's block of a height with another header, for which its validators sign."""
    return read(resigned(own(height).signed_header.header, signers(height), changes=changes))


def with_commit(at: int, **changes: Any) -> LightBlock:
    """The chain's block of a height with another commit, signatures as they were."""
    block = own(at)
    commit = replace(block.signed_header.commit, **changes)
    return read(replace(block, signed_header=replace(block.signed_header, commit=commit)))


def with_slots(height: int, slots: dict[int, dict[str, Any]]) -> LightBlock:
    found = list(own(height).signed_header.commit.signatures)
    for i, changes in slots.items():
        found[i] = replace(found[i], **changes)
    return with_commit(height, signatures=tuple(found))


def with_validators(height: int, rows: list[Signer]) -> LightBlock:
    block = own(height)
    return read(replace(block, validators=cometbft.Validators(tuple(one.validator for one in rows))))


# ---- what holds ------------------------------------------------------------------------------------------------------


def test_adjacent_holds() -> None:
    report = verify_adjacent(TRUSTED, CHAIN.block(3), OPTIONS, CHAIN.now_ns)
    assert report.verdict is LightVerdict.SUCCESS
    assert report.valid
    assert report.complete
    assert [check.name for check in report] == ADJACENT
    assert (report.trusted_height, report.height, report.reason) == (2, 3, "")


@pytest.mark.parametrize("height", [4, 5, 8])
def test_skipping_holds(height: int) -> None:
    report = verify_skipping(TRUSTED, CHAIN.block(height), OPTIONS, CHAIN.now_ns)
    assert report.verdict is LightVerdict.SUCCESS
    assert report.valid
    assert report.complete
    assert [check.name for check in report] == SKIPPING


def test_backwards_holds() -> None:
    report = verify_backwards(TrustedState.of(CHAIN.block(5)), CHAIN.block(4))
    assert report.verdict is LightVerdict.SUCCESS
    assert report.valid
    assert report.complete
    assert [check.name for check in report] == BACKWARDS
    assert verify_backwards(CHAIN.block(5).signed_header, CHAIN.block(4)).valid


def test_root_holds() -> None:
    report = verify_root(CHAIN.block(5), CHAIN.hash(5), OPTIONS, CHAIN.now_ns)
    assert report.verdict is LightVerdict.SUCCESS
    assert report.valid
    assert report.complete


def by_power(rows: list[Signer]) -> list[Signer]:
    return sorted(rows, key=lambda one: (-one.validator.power, one.address))


@pytest.mark.parametrize(("power", "verdict"), [(20, "not enough trust"), (21, "success")])
def test_power_counts_and_not_heads(power: int, verdict: str) -> None:
    """One of six trusted validators signs; it has 20 or 21 of their 60. In the new set it is the least of seven."""
    first, second, *others = signers(2)
    trusted = by_power([first.with_power(power), second.with_power(30 - power + 6), *(o.with_power(6) for o in others)])
    assert sum(one.validator.power for one in trusted) == 60
    block = read(resigned(own(6).signed_header.header, by_power([*strangers(6), first.with_power(1)])))
    state = TrustedState.of(read(resigned(own(2).signed_header.header, trusted)))
    report = verify_skipping(state, block, OPTIONS, CHAIN.now_ns)
    assert report.verdict.value == verdict
    assert (report.check("trust").got, report.check("trust").wanted) == (power, 21)


@pytest.mark.parametrize(("level", "signed", "verdict"), [
    ((1, 3), 2, "not enough trust"), ((1, 3), 3, "success"), ((2, 3), 4, "not enough trust"), ((2, 3), 5, "success"),
    ((1, 1), 6, "not enough trust"),
])  # fmt: skip
def test_trust_levels(level: tuple[int, int], signed: int, verdict: str) -> None:
    """More than the level of six equal validators: at 1/1 not even all are more."""
    others = strangers(30)
    rows = by_power([*signers(2)[:signed], *others])
    block = read(resigned(own(6).signed_header.header, rows))
    options = LightOptions(PERIOD, trust_level=level)
    assert verify_skipping(TRUSTED, block, options, CHAIN.now_ns).verdict.value == verdict


# ---- each condition by itself ----------------------------------------------------------------------------------------

NOW = CHAIN.now_ns
TIME2 = CHAIN.blocks[2].signed_header.header.time_ns
EXPIRED = TIME2 + PERIOD
HEIGHT3, HEIGHT6 = 3, 6


def forward_cases(height: int) -> list[tuple[str, LightBlock, int]]:
    """Condition, block, time: of blocks that break one condition, and none that adjacent and skipping do not share."""
    header = own(height).signed_header.header
    mixed = by_power([*signers(height)[1:], strangers(1)[0]])
    return [
        ("trusting_period", CHAIN.block(height), EXPIRED),
        ("trusting_period", CHAIN.block(height), EXPIRED + 1),
        ("chain_id", changed(height, chain_id="another-chain"), NOW),
        ("time", changed(height, time_ns=TIME2), NOW),
        ("time", changed(height, time_ns=TIME2 - 1), NOW),
        ("clock_drift", changed(height, time_ns=NOW + OPTIONS.max_clock_drift_ns), NOW),
        ("structure", changed(height, block_version=10), NOW),
        ("structure", with_slots(height, {5: {"flag": cometbft.ABSENT}}), NOW),
        ("commit_height", read(resigned(header, signers(height), height=height + 1)), NOW),
        ("header_hash", with_commit(height, block_id=own(height - 1).signed_header.commit.block_id), NOW),
        ("size", with_commit(height, signatures=own(height).signed_header.commit.signatures[:5]), NOW),
        ("validators_hash", with_validators(height, mixed), NOW),
    ]


@pytest.mark.parametrize("height", [HEIGHT3, HEIGHT6])
def test_each_condition_fails_by_itself(height: int) -> None:
    """Those that come before the counting of signatures."""
    verify = verify_adjacent if height == HEIGHT3 else verify_skipping
    for name, block, now_ns in forward_cases(height):
        report = verify(TRUSTED, block, OPTIONS, now_ns)
        assert failed(report) == [name], (name, failed(report))
        wanted = LightVerdict.EXPIRED if name == "trusting_period" else LightVerdict.INVALID
        assert report.verdict is wanted, name
        expensive = {"double_votes", "trust", "trust_signatures", "addresses", "signatures", "quorum"}
        for check in report:
            if check.name in expensive:
                assert check.ok is None, (name, check)
                assert f"not reached: {name} does not hold" in check.detail
            elif check.name != name:
                assert check.ok, (name, check)


def test_limits_of_time_are_exact() -> None:
    """A nanosecond to the right side of each limit, all is well."""
    assert verify_light(TRUSTED, CHAIN.block(3), OPTIONS, EXPIRED - 1).valid
    assert verify_light(TRUSTED, changed(3, time_ns=TIME2 + 1), OPTIONS, NOW).valid
    latest = NOW + OPTIONS.max_clock_drift_ns - 1
    assert verify_light(TRUSTED, changed(3, time_ns=latest), OPTIONS, NOW).valid


def test_heights() -> None:
    """Adjacent takes the next height alone, skipping any above it; the trusted height and below is for neither."""
    for height in (1, 2, 4):
        assert failed(verify_adjacent(TRUSTED, changed(height, time_ns=NOW), OPTIONS, NOW)) in (
            ["height"], ["height", "next_validators"],
        )  # fmt: skip
    for height in (1, 2, 3):
        assert failed(verify_skipping(TRUSTED, changed(height, time_ns=NOW), OPTIONS, NOW)) == ["height"]
    for height in (1, 2):
        assert failed(verify_light(TRUSTED, changed(height, time_ns=NOW), OPTIONS, NOW)) == ["height"]
    sequential = LightOptions(PERIOD, sequential=True)
    assert verify_light(TRUSTED, CHAIN.block(3), sequential, NOW).valid
    assert failed(verify_light(TRUSTED, CHAIN.block(4), sequential, NOW)) == ["height"]


def test_next_validators() -> None:
    """Validators whom the trusted header does not name, though they sign all."""
    report = verify_adjacent(TRUSTED, read(resigned(own(3).signed_header.header, strangers(6))), OPTIONS, NOW)
    assert failed(report) == ["next_validators"]
    assert report.verdict is LightVerdict.INVALID


def test_addresses() -> None:
    """A signature under another validator's address: it is refused whether or not it verifies."""
    slots = own(3).signed_header.commit.signatures
    block = with_slots(3, {0: {"address": slots[1].address}})
    report = verify_adjacent(TRUSTED, block, OPTIONS, NOW)
    assert "addresses" in failed(report)
    assert report.verdict is LightVerdict.INVALID


@pytest.mark.parametrize("height", [HEIGHT3, HEIGHT6])
def test_own_signatures(height: int) -> None:
    """One bad signature among those that are needed refuses the block; one that is not needed is ignored."""
    needed = 3 if height == HEIGHT3 else 4  # of those that only the block's own quorum needs
    slots = own(height).signed_header.commit.signatures
    bad = {"signature": bytes(64)}
    report = verify_light(TRUSTED, with_slots(height, {needed: bad}), OPTIONS, NOW)
    assert "signatures" in failed(report)
    assert report.verdict is LightVerdict.INVALID
    assert verify_light(TRUSTED, with_slots(height, {5: bad}), OPTIONS, NOW).valid
    swapped = {0: {"signature": slots[1].signature}, 1: {"signature": slots[0].signature}}
    assert not verify_light(TRUSTED, with_slots(height, swapped), OPTIONS, NOW).valid


@pytest.mark.parametrize("height", [HEIGHT3, HEIGHT6])
def test_own_quorum(height: int) -> None:
    """Four of six signed: that is two thirds, and not more."""
    for kind in ("absent", "nil"):
        block = read(resigned(own(height).signed_header.header, signers(height), **{kind: (1, 4)}))
        report = verify_light(TRUSTED, block, OPTIONS, NOW)
        assert failed(report) == ["quorum"]
        assert report.verdict is LightVerdict.INVALID
        assert (report.check("quorum").got, report.check("quorum").wanted) == (40, 41)
        one = read(resigned(own(height).signed_header.header, signers(height), **{kind: (1,)}))
        assert verify_light(TRUSTED, one, OPTIONS, NOW).valid


def test_trust_comes_before_the_own_quorum() -> None:
    """Neither the trusted nor the new validators signed enough: NOT_ENOUGH_TRUST, and the own quorum is not reached."""
    rows = strangers(6)
    block = read(resigned(own(6).signed_header.header, rows, absent=range(1, 6)))
    report = verify_skipping(TRUSTED, block, OPTIONS, NOW)
    assert report.verdict is LightVerdict.NOT_ENOUGH_TRUST
    assert failed(report) == ["trust"]
    assert [check.name for check in report.skipped] == ["trust_signatures", "addresses", "signatures", "quorum"]


def test_trust_is_counted_before_signatures_are_verified() -> None:
    """Bad signatures of too few trusted validators are ignored; of enough of them they are not."""
    rows = by_power([*signers(2)[:2], *strangers(20)])
    block = resigned(own(6).signed_header.header, rows)
    slots = tuple(replace(slot, signature=bytes(64)) for slot in block.signed_header.commit.signatures)
    commit = replace(block.signed_header.commit, signatures=slots)
    report = verify_skipping(
        TRUSTED, read(replace(block, signed_header=replace(block.signed_header, commit=commit))), OPTIONS, NOW
    )
    assert report.verdict is LightVerdict.NOT_ENOUGH_TRUST
    report = verify_skipping(TRUSTED, with_slots(6, {0: {"signature": bytes(64)}}), OPTIONS, NOW)
    assert failed(report) == ["trust_signatures"]
    assert report.verdict is LightVerdict.INVALID


def test_nobody_signs_twice() -> None:
    """One trusted validator in many slots is one vote, and refused where it would have been counted."""
    rows = strangers(6)
    header = own(6).signed_header.header
    block = resigned(header, rows)
    one = signers(2)[0]
    slots = list(block.signed_header.commit.signatures)
    signed = resigned(header, [one], changes={"validators_hash": block.signed_header.header.validators_hash})
    for i in range(4):
        slots[i] = replace(signed.signed_header.commit.signatures[0], time_ns=slots[i].time_ns)
    commit = replace(block.signed_header.commit, signatures=tuple(slots))
    twice = read(replace(block, signed_header=replace(block.signed_header, commit=commit)))
    report = verify_skipping(TRUSTED, twice, OPTIONS, NOW)
    assert failed(report) == ["double_votes", "trust"]
    assert report.verdict is LightVerdict.INVALID


# ---- backwards, and the first header ---------------------------------------------------------------------------------


def test_backwards_conditions() -> None:
    after = TrustedState.of(CHAIN.block(5))
    cases = {
        "chain_id": changed(4, chain_id="another-chain"),
        "height": CHAIN.block(3),
        "time": changed(4, time_ns=after.time_ns),
        "structure": with_slots(4, {5: {"flag": cometbft.ABSENT}}),
        "commit_height": with_commit(4, height=5),
        "header_hash": with_commit(4, block_id=own(3).signed_header.commit.block_id),
        "size": with_commit(4, signatures=own(4).signed_header.commit.signatures[:5]),
        "validators_hash": with_validators(4, strangers(6)),
        "previous_hash": changed(4, app_hash=b"other"),
    }
    assert set(cases) == set(BACKWARDS)
    for name, block in cases.items():
        report = verify_backwards(after, block)
        rest = ["previous_hash"] if name in ("chain_id", "height", "time") else []
        assert failed(report) == [name, *rest], name
        assert report.verdict is LightVerdict.INVALID


def test_backwards_needs_no_signature() -> None:
    """The hash is all that counts: a commit with bad signatures is no reason to doubt the header."""
    block = with_slots(4, {i: {"signature": bytes(64)} for i in range(6)})
    assert verify_backwards(TrustedState.of(CHAIN.block(5)), block).valid


def test_root_conditions() -> None:
    hash_, time = CHAIN.hash(5), own(5).signed_header.header.time_ns
    cases = {
        "root_hash": verify_root(CHAIN.block(5), CHAIN.hash(4), OPTIONS, NOW),
        "trusting_period": verify_root(CHAIN.block(5), hash_, OPTIONS, time + PERIOD),
        "clock_drift": verify_root(CHAIN.block(5), hash_, OPTIONS, time - OPTIONS.max_clock_drift_ns),
        "structure": verify_root(with_slots(5, {5: {"flag": cometbft.ABSENT}}), hash_, OPTIONS, NOW),
        "commit_height": verify_root(with_commit(5, height=6), hash_, OPTIONS, NOW),
        "validators_hash": verify_root(with_validators(5, strangers(6)), hash_, OPTIONS, NOW),
        "signatures": verify_root(with_slots(5, {0: {"signature": bytes(64)}}), hash_, OPTIONS, NOW),
    }
    for name, report in cases.items():
        assert failed(report)[0] == name
        assert not report.valid
    assert cases["trusting_period"].verdict is LightVerdict.EXPIRED
    few = resigned(own(5).signed_header.header, signers(5), absent=(0, 1))
    report = verify_root(read(few), hash_, OPTIONS, NOW)
    assert failed(report) == ["quorum"]


# ---- many steps ------------------------------------------------------------------------------------------------------


def test_advance() -> None:
    chain = LightChain(heights=12, validators=6, seed=6, replaced=2)
    trusted = TrustedState.of(chain.block(1))
    blocks = [chain.block(height) for height in (2, 3, 5, 6)]
    after, report = advance(trusted, blocks, OPTIONS, chain.now_ns)
    assert (after.height, after.hash, report.valid) == (6, chain.hash(6), True)
    assert [step.height for step in report.steps] == [2, 3, 5, 6]
    assert [step.trusted_height for step in report.steps] == [1, 2, 3, 5]
    assert report.to_dict()["steps"][3]["verdict"] == "success"
    # As far as it is proven, and no further.
    after, report = advance(trusted, [chain.block(h) for h in (2, 11, 12)], OPTIONS, chain.now_ns)
    assert (after.height, report.valid, report.verdict) == (2, False, LightVerdict.NOT_ENOUGH_TRUST)
    assert [step.height for step in report.steps] == [2, 11]
    after, report = advance(trusted, [chain.block(1)], OPTIONS, chain.now_ns)
    assert after is trusted
    assert failed(report) == ["height", "time"]


def test_trusted_states_travel() -> None:
    again = TrustedState.read(TRUSTED.to_bytes())
    assert (again.chain_id, again.height, again.hash, again.time_ns) == (
        TRUSTED.chain_id, TRUSTED.height, TRUSTED.hash, TRUSTED.time_ns,
    )  # fmt: skip
    assert again.validators == TRUSTED.validators
    chain = LightChain(heights=4, validators=6, seed=6, replaced=2)
    block, following = chain.block(2), chain.block(3)
    later = TrustedState(block.signed_header, following.validators)
    assert verify_light(TrustedState.read(later.to_bytes()), chain.block(4), OPTIONS, chain.now_ns).valid
    with pytest.raises(InputError, match="validators"):
        TrustedState(block.signed_header, chain.block(4).validators)


# ---- malformed calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("values", "field"), [
    ({"trusting_period_ns": 0}, "trusting_period_ns"),
    ({"trusting_period_ns": -1}, "trusting_period_ns"),
    ({"trusting_period_ns": 1.5}, "trusting_period_ns"),
    ({"trusting_period_ns": True}, "trusting_period_ns"),
    ({"trusting_period_ns": 1, "max_clock_drift_ns": -1}, "max_clock_drift_ns"),
    ({"trusting_period_ns": 1, "trust_level": (1, 4)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (333, 1000)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (4, 3)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (1, 0)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (-1, -3)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (1000, 1001)}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": 0.5}, "trust_level"),
    ({"trusting_period_ns": 1, "trust_level": (1.0, 2.0)}, "trust_level"),
    ({"trusting_period_ns": 1, "sequential": 1}, "sequential"),
])  # fmt: skip
def test_options_are_checked(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as error:
        LightOptions(**values)
    assert error.value.field == field


@pytest.mark.parametrize("level", [(1, 3), (334, 1000), (2, 3), (1, 1), (3, 9)])
def test_levels_from_one_third_to_one(level: tuple[int, int]) -> None:
    assert LightOptions(1, trust_level=level).trust_level == level


def test_arguments_are_checked() -> None:
    block = CHAIN.block(3)
    for field, call in {
        "trusted": lambda: verify_light(block, block, OPTIONS, NOW),  # type: ignore[arg-type]
        "block": lambda: verify_adjacent(TRUSTED, None, OPTIONS, NOW),  # type: ignore[arg-type]
        "options": lambda: verify_light(TRUSTED, block, None, NOW),  # type: ignore[arg-type]
        "now_ns": lambda: verify_light(TRUSTED, block, OPTIONS, float(NOW)),  # type: ignore[arg-type]
        "blocks": lambda: advance(TRUSTED, [], OPTIONS, NOW),
        "signed_header": lambda: TrustedState(block, block.validators),  # type: ignore[arg-type]
    }.items():
        with pytest.raises(InputError) as error:
            call()
        assert error.value.field == field


def test_empty_sets_are_no_light_blocks() -> None:
    """A set without validators has a hash as well; nothing may be trusted because of it."""
    empty = replace(own(3), validators=cometbft.Validators(()))
    with pytest.raises(InputError):
        read(empty)
    with pytest.raises(InputError):
        ValidatorSet([])
