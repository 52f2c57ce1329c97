"""verify_commit and verify_commits: every mode, what each looks at, and that two roads to a report agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from commit_cases import SET_MODES, TRUSTING, failed, forged, judge, made, names, set_of, sound, wire, with_slot

from pycore.base.verdicts import Verdict
from pycore.consensus import (
    QuorumNotReached,
    SignedHeader,
    Validator,
    ValidatorSet,
    verify_certificate,
    verify_commit,
    verify_commits,
)
from pycore.consensus.commits import MODES
from pycore.errors import InputError, InvalidSignature, VerificationError
from pycore.ledgers.cometbft import messages as m
from pycore.testing.cometbft import Chain, make_commit, make_signers, signed

# ---- modes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "slots"),
    [
        ("light", [0, 2, 4]),
        ("full", [0, 2, 3, 4, 5]),
        ("all", [0, 2, 4, 5]),
        ("trusting", [0]),
        ("trusting-all", [0, 2, 4, 5]),
    ],
)
def test_what_each_mode_looks_at(mode: str, slots: list[int]) -> None:
    signers, header = made([40, 9, 8, 7, 30, 6], absent=[1], nil=[3])  # in order: 40 30 9 8 7 6
    powers = [one.validator.power for one in signers]
    assert powers == [40, 30, 9, 8, 7, 6]
    report = judge(signers, header, mode)
    # 40 + 9 + 7 = 56 of 100: not enough for two thirds
    if mode in SET_MODES:
        assert failed(report) == ["quorum"]
        assert (report.check("quorum").got, report.check("quorum").wanted) == (40 + 9 + 7 + 6, 67)
        assert report.positions.tolist() == sorted({*slots, 5})
    else:
        assert sound(report)
        assert report.positions.tolist() == slots
    signers, header = made([40, 9, 8, 7, 30, 6], absent=[2], nil=[3])  # 40 + 30 are enough
    report = judge(signers, header, mode)
    assert sound(report)
    wanted = {
        "light": [0, 1],
        "full": [0, 1, 3, 4, 5],
        "all": [0, 1, 4, 5],
        "trusting": [0],
        "trusting-all": [0, 1, 4, 5],
    }
    assert report.positions.tolist() == wanted[mode]
    assert report.verdicts.all_valid
    assert report.check("signatures").got == report.check("signatures").wanted == len(wanted[mode])


def test_checks_by_mode() -> None:
    signers, header = made()
    for mode in SET_MODES:
        assert names(judge(signers, header, mode)) == [
            "structure", "validators_hash", "header_hash", "commit_height", "size", "addresses", "signatures", "quorum",
        ]  # fmt: skip
    for mode in TRUSTING:
        assert names(judge(signers, header, mode, chain_id="pycore-test")) == [
            "structure", "chain_id", "header_hash", "commit_height", "double_votes", "signatures", "quorum",
        ]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_one_bad_signature_among_those_looked_at_refuses_the_commit(mode: str) -> None:
    signers, header = made(count=7, absent=[1], nil=[2])
    good = judge(signers, header, mode)
    assert sound(good)
    for at in range(7):
        if at == 1:
            continue
        report = judge(signers, forged(header, at), mode)
        if at in good.positions.tolist():
            assert failed(report) == ["signatures", "quorum"]
            assert report.check("quorum").got == 0
            assert f"slot {at}: BAD_SIGNATURE" in report.check("signatures").detail
            assert [int(p) for p, v in zip(report.positions, report.verdicts, strict=True) if v != 1] == [at]
            with pytest.raises(InvalidSignature) as refused:
                report.require()
            assert refused.value.index == at
        else:
            assert sound(report)


@pytest.mark.parametrize("mode", MODES)
def test_times_that_were_cut_are_named(mode: str) -> None:
    signers, header = made(count=4)
    slots = tuple(replace(one, time_ns=one.time_ns // 1_000_000 * 1_000_000) for one in header.commit.signatures)
    cut = replace(header, commit=replace(header.commit, signatures=slots))
    remark = "all votes' nanoseconds end in 000000"
    odd = replace(cut, commit=replace(cut.commit, signatures=(*slots[:-1], header.commit.signatures[-1])))
    for form, told in ((header, False), (cut, True), (odd, False), (forged(header, 0), False)):
        reports = [judge(signers, form, mode)]
        reports.append(verify_commit(set_of(signers), SignedHeader.read(wire(form), form="wire"), mode=mode))
        for report in reports:
            check = report.check("signatures")
            assert (remark in check.detail) == told
            assert check.ok is (form is header)
    whole = signed(signers, cut.commit, header.header.chain_id)  # whole milliseconds alone are no fault
    assert judge(signers, replace(cut, commit=whole), mode).check("signatures").ok


def test_a_nil_vote_is_checked_in_full_and_never_counts() -> None:
    signers, header = made(count=3, nil=[2])
    assert failed(judge(signers, header, "full")) == ["quorum"]
    signers, header = made(count=4, nil=[3])
    assert sound(judge(signers, header, "full"))
    assert failed(judge(signers, forged(header, 3), "full")) == ["signatures", "quorum"]
    for mode in ("light", "all"):
        assert sound(judge(signers, forged(header, 3), mode))
    # the same signature said to be for the block
    assert not sound(judge(signers, with_slot(header, 3, flag=m.COMMIT), "full"))


def test_nobody_signed() -> None:
    signers, header = made(count=3, absent=[0, 1, 2])
    for mode in MODES:
        report = judge(signers, header, mode)
        assert failed(report) == ["quorum"]
        assert report.check("quorum").got == 0
        with pytest.raises(QuorumNotReached):
            report.require()


# ---- power -----------------------------------------------------------------------------------------------------------


def test_power_and_head_count_disagree() -> None:
    few_strong, header = made([100, 100, 1, 1, 1, 1, 1, 1], 8, absent=[2, 3, 4, 5, 6, 7])
    report = judge(few_strong, header)
    assert sound(report)  # 2 of 8 heads, 200 of 206
    assert (report.check("quorum").got, report.check("quorum").wanted) == (200, 138)
    many_weak, header = made([100, 100, 1, 1, 1, 1, 1, 1], 8, absent=[0])
    report = judge(many_weak, header)
    assert failed(report) == ["quorum"]  # 7 of 8 heads, 106 of 206
    with pytest.raises(QuorumNotReached) as refused:
        report.require()
    assert (refused.value.got, refused.value.needed) == (106, 138)


@pytest.mark.parametrize(("count", "absent", "enough"), [(3, 1, False), (4, 1, True), (6, 2, False), (7, 2, True)])
def test_exactly_two_thirds_are_not_enough(count: int, absent: int, enough: bool) -> None:
    signers, header = made(count=count, absent=list(range(absent)))
    for mode in SET_MODES:
        assert sound(judge(signers, header, mode)) is enough


def test_the_largest_powers_that_a_chain_can_have() -> None:
    most = (2**63 - 1) // 8
    signers, header = made([most - 2, 1, 1], 3, absent=[1])
    assert sound(judge(signers, header))
    assert judge(signers, header).check("quorum").got == most - 2
    # many such commits at once: sums over all of them would not fit 64 bits
    data = [wire(header)] * 300
    reports = verify_commits(set_of(signers), data, form="wire", mode="full")
    assert all(sound(one) and one.check("quorum").got == most - 1 for one in reports)
    light = verify_commits(set_of(signers), data, form="wire")
    assert all(one.positions.tolist() == [0] for one in light)


def test_a_commit_of_another_size() -> None:
    signers, header = made(count=4)
    for slots in (header.commit.signatures[:3], (*header.commit.signatures, m.CommitSig(m.ABSENT))):
        changed = replace(header, commit=replace(header.commit, signatures=slots))
        for mode in SET_MODES:
            report = judge(signers, changed, mode)
            assert failed(report) == ["size", "quorum"]
            assert [check.name for check in report.skipped] == ["addresses", "signatures"]
            assert report.check("size").got == len(slots)
            assert len(report.positions) == 0
        assert sound(judge(signers, changed, "trusting"))


def test_addresses_are_those_of_the_slots() -> None:
    signers, header = made(count=4, absent=[0])
    signers, header = made(count=5, nil=[4])
    other = with_slot(header, 0, address=signers[1].address)
    for mode in SET_MODES:
        report = judge(signers, other, mode)
        assert failed(report) == ["addresses", "quorum"]
        assert report.check("addresses").got == report.check("addresses").wanted - 1
    nil = with_slot(header, 4, address=signers[1].address)
    assert failed(judge(signers, nil, "full")) == ["addresses", "quorum"]
    assert sound(judge(signers, nil, "light"))  # nobody asks


def test_a_commit_of_ten_thousand() -> None:
    signers, header = made(count=10_000, absent=range(0, 3000, 2))
    report = judge(signers, header)
    assert sound(report)
    assert (report.check("quorum").got, len(report.positions)) == (66_670, 6667)
    last = int(report.positions[-1])
    assert failed(judge(signers, forged(header, last))) == ["signatures", "quorum"]
    assert sound(judge(signers, forged(header, last + 1)))


# ---- what the commit is for ------------------------------------------------------------------------------------------


def test_header_and_commit_belong_together() -> None:
    signers, header = made(count=4)
    other = replace(header, header=replace(header.header, app_hash=b"another"))
    report = judge(signers, other)
    assert failed(report) == ["header_hash"]
    assert report.check("header_hash").got == header.commit.block_id.hash
    assert report.check("header_hash").wanted == report.block_hash != header.commit.block_id.hash
    with pytest.raises(VerificationError) as refused:
        report.require()
    assert refused.value.verdict == Verdict.BAD_DIGEST
    later = signed(signers, replace(header.commit, height=9))
    report = judge(signers, replace(header, commit=later))
    assert failed(report) == ["commit_height"]
    assert (report.check("commit_height").got, report.check("commit_height").wanted) == (9, 1)


def test_the_header_names_its_validators() -> None:
    signers, header = made(count=4)
    other = [signers[0].with_power(11), *signers[1:]]
    report = judge(other, header)
    assert failed(report) == ["validators_hash"]
    assert report.check("validators_hash").got == set_of(signers).hash
    assert "validators_hash" not in names(judge(other, header, "trusting"))


def test_the_chain_that_was_asked_for() -> None:
    signers, header = made(count=4)
    assert sound(judge(signers, header, chain_id="pycore-test"))
    report = judge(signers, header, chain_id="another")
    assert failed(report) == ["chain_id"]
    assert report.chain_id == "pycore-test"
    # a header that claims to be of another chain has another hash, and signatures of neither
    moved = replace(header, header=replace(header.header, chain_id="another"))
    assert failed(judge(signers, moved, chain_id="another")) == ["header_hash", "signatures", "quorum"]


# ---- trusting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "level", "reached"), [(4, (1, 3), True), (3, (1, 3), False), (3, (1, 4), True)])
def test_strangers_are_passed_by(known: int, level: tuple[int, int], reached: bool) -> None:
    signers, header = made(count=6)
    trusted = [*signers[:known], *make_signers(9 - known, seed=78)]  # 90 of power, 10 for each that is known
    report = judge(trusted, header, "trusting-all", trust_level=level)
    assert report.check("quorum").ok is reached
    assert report.check("quorum").got == 10 * known
    assert report.positions.tolist() == list(range(known))


@pytest.mark.parametrize(("known", "reached"), [(1, False), (2, False), (3, True), (6, True)])
def test_exactly_the_trust_level_is_not_enough(known: int, reached: bool) -> None:
    signers, header = made(count=6)
    trusted = [*signers[:known], *make_signers(6 - known, seed=78)]
    report = judge(trusted, header, "trusting")
    assert sound(report) is reached
    assert report.check("quorum").wanted == 21
    assert len(report.positions) == min(known, 3)


@pytest.mark.parametrize("mode", TRUSTING)
def test_nobody_counts_twice(mode: str) -> None:
    signers, header = made(count=6)
    slots = list(header.commit.signatures)
    slots[1] = replace(slots[0], time_ns=slots[0].time_ns + 1)
    doubled = signed([signers[0], signers[0], *signers[2:]], replace(header.commit, signatures=tuple(slots)))
    report = judge(signers, replace(header, commit=doubled), mode)
    assert failed(report) == ["double_votes", "quorum"]
    assert report.verdicts.all_valid
    assert report.check("double_votes").detail == "slots 0 and 1 are by one validator"
    # behind the signature that completes the quorum nobody looks
    slots = list(header.commit.signatures)
    slots[5] = replace(slots[0], time_ns=slots[0].time_ns + 1)
    late = signed([*signers[:5], signers[0]], replace(header.commit, signatures=tuple(slots)))
    assert sound(judge(signers, replace(header, commit=late), "trusting"))
    assert failed(judge(signers, replace(header, commit=late), "trusting-all")) == ["double_votes", "quorum"]


def test_a_vote_that_occurs_twice_gives_its_power_once() -> None:
    signers, header = made([50, 20, 20, 10], 4)
    slots = [header.commit.signatures[i] for i in (1, 1, 1, 1)]
    report = judge(signers, replace(header, commit=replace(header.commit, signatures=tuple(slots))), "trusting")
    assert failed(report) == ["double_votes", "quorum"]
    assert len(report.positions) == 4  # 20 of 34: the repetitions add nothing, so all of them are looked at


@pytest.mark.parametrize(
    "level", [(1, 0), (2, 1), (-1, 3), (1,), (1, 3, 5), "1/3", None, (1, None), (0.5, 1), (1, 2**63)]
)
def test_trust_levels_are_shares(level: Any) -> None:
    signers, header = made(count=4)
    with pytest.raises(InputError, match="trust_level"):
        judge(signers, header, "trusting", trust_level=level)
    assert sound(judge(signers, header, "light", trust_level=(1, 3)))


def test_a_trust_level_whose_product_does_not_fit_is_refused() -> None:
    signers, header = made([2**59, 2**59 - 2, 1], 3)
    assert sound(judge(signers, header, "trusting", trust_level=(8, 24)))
    with pytest.raises(InputError, match="trust_level"):
        judge(signers, header, "trusting", trust_level=(9, 27))


# ---- schemes ---------------------------------------------------------------------------------------------------------


def test_two_schemes_in_one_set() -> None:
    signers, header = made(count=7, schemes=("ed25519", "ecdsa-secp256k1"))
    for mode in MODES:
        report = judge(signers, header, mode)
        assert sound(report)
        for at in report.positions.tolist():
            assert failed(judge(signers, forged(header, at), mode)) == ["signatures", "quorum"]


def _with_unbuilt(power: int) -> tuple[ValidatorSet, m.SignedHeader]:
    """A validator whose scheme is not built, with this power, among four of 10 each."""
    signers = make_signers(4, seed=3)
    validators = ValidatorSet([Validator(bytes(range(96)), power, "bls12-381"), *(one.validator for one in signers)])
    by_address = {one.address: one for one in signers}
    chain = Chain(blocks=1, validators=4, seed=3)
    header = replace(chain.signed_header(0).header, validators_hash=validators.hash)
    from pycore.ledgers.cometbft import hashes

    block_id = m.BlockId(hashes.header_hash(header), 1, bytes(32))
    stand_in = make_signers(1, seed=99)[0]
    everybody = [by_address.get(address, stand_in) for address in validators.addresses]
    commit = make_commit(everybody, block_id, header.height)
    slots = [
        replace(slot, address=address) for slot, address in zip(commit.signatures, validators.addresses, strict=True)
    ]
    return validators, m.SignedHeader(header, replace(commit, signatures=tuple(slots)))


@pytest.mark.parametrize("mode", ["full", "all", "trusting-all"])
def test_a_scheme_that_is_not_built_is_named_and_never_counts(mode: str) -> None:
    level = (2, 3)
    validators, header = _with_unbuilt(5)  # 40 of 45 without it
    report = verify_commit(validators, wire(header), mode=mode, form="wire", trust_level=level)
    assert report.valid
    assert not report.complete
    assert report.check("signatures").ok is None
    assert "bls12-381 cannot be checked here" in report.check("signatures").detail
    assert (report.check("quorum").ok, report.check("quorum").got) == (True, 40)
    with pytest.raises(VerificationError) as refused:
        report.require()
    assert refused.value.verdict == Verdict.UNSUPPORTED_ALGORITHM
    validators, header = _with_unbuilt(30)  # 40 of 70: it would make the difference
    report = verify_commit(validators, wire(header), mode=mode, form="wire", trust_level=level)
    assert [check.name for check in report.skipped] == ["signatures", "quorum"]
    assert report.decision is not None
    assert not report.decision.reached
    with pytest.raises(QuorumNotReached):
        report.require()


def test_a_set_that_the_chain_has_no_hash_for() -> None:
    signers, header = made(count=4)
    validators = ValidatorSet([*(one.validator for one in signers), Validator(bytes(32), 1, "sr25519")])
    with pytest.raises(InputError):
        validators.hash  # noqa: B018
    assert validators == ValidatorSet(validators.validators)
    assert validators != set_of(signers)
    assert len({validators, ValidatorSet(validators.validators), set_of(signers)}) == 2
    slots = (*header.commit.signatures, m.CommitSig(m.ABSENT))
    changed = replace(header, commit=replace(header.commit, signatures=slots))
    report = verify_commit(validators, wire(changed), form="wire")
    assert [check.name for check in report.skipped] == ["validators_hash"]
    assert report.valid
    assert not report.complete
    with pytest.raises(VerificationError):
        report.require()
    assert sound(verify_commit(validators, wire(changed), form="wire", mode="trusting"))


# ---- calls -----------------------------------------------------------------------------------------------------------


def test_what_is_not_a_signed_header_is_a_report() -> None:
    signers, header = made(count=4)
    data = wire(header)
    for bad in (b"", b"\xff", data[:-1], data + b"\0", b"{}"):
        for mode in MODES:
            report = verify_commit(set_of(signers), bad, mode=mode, form="wire")
            assert failed(report) == ["structure"]
            assert all(check.ok is None for check in report.checks[1:])
            assert set(names(report)) == set(names(judge(signers, header, mode)))
            with pytest.raises(VerificationError):
                report.require()
    assert failed(verify_commit(set_of(signers), "{}", form="rpc")) == ["structure"]


def test_a_commit_that_breaks_a_rule_by_itself_is_never_valid() -> None:
    signers, header = made(count=4, absent=[3])
    for changes in (
        {"address": signers[3].address},
        {"signature": bytes(64)},
        {"time_ns": 0},
        {"flag": 0},
        {"flag": 4},
    ):
        for mode in MODES:
            report = judge(signers, with_slot(header, 3, **changes), mode)
            assert failed(report) == ["structure"]
            assert "signatures[3]" in report.check("structure").detail


def test_malformed_calls() -> None:
    signers, header = made(count=4)
    validators, data = set_of(signers), wire(header)
    for options in ({"mode": "quick"}, {"form": "cbor"}, {"chain": "none"}, {"chain_id": 7}):
        with pytest.raises(InputError, match=next(iter(options))):
            verify_commit(validators, data, **{"form": "wire", **options})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="validators"):
        verify_commits([validators, validators], [data], form="wire")
    with pytest.raises(InputError, match="an empty set"):
        verify_commit(ValidatorSet([], empty=True), data, form="wire")
    assert verify_commits(validators, [], form="wire") == []


def test_sets_and_headers_as_data() -> None:
    signers, header = made(count=4)
    validators = set_of(signers)
    assert sound(verify_commit(validators.to_bytes(), wire(header), form="wire"))
    assert sound(verify_commit(validators, SignedHeader.read(wire(header), form="wire")))


def test_a_certificate_without_its_header() -> None:
    signers, header = made(count=7, nil=[1], absent=[2])
    certificate = SignedHeader.read(wire(header), form="wire").certificate
    report = verify_certificate(set_of(signers), certificate)
    assert sound(report)
    assert names(report) == ["size", "addresses", "signatures", "quorum"]
    bad = SignedHeader.read(wire(forged(header, 1)), form="wire").certificate
    assert failed(verify_certificate(set_of(signers), bad)) == ["signatures", "quorum"]
    assert sound(verify_certificate(set_of(signers), bad, mode="light"))


def test_a_certificate_by_a_set_that_has_no_hash() -> None:
    signers, header = made(count=4)
    validators = ValidatorSet([*(one.validator for one in signers), Validator(bytes(32), 1, "sr25519")])
    certificate = SignedHeader.read(wire(header), form="wire").certificate
    assert sound(verify_certificate(validators, certificate, mode="trusting-all"))
    assert failed(verify_certificate(validators, certificate)) == ["size", "quorum"]


def test_a_certificate_that_no_reader_makes_is_a_malformed_call() -> None:
    signers, header = made(count=4)
    validators = set_of(signers)
    certificate = SignedHeader.read(wire(header), form="wire").certificate
    slots = certificate.positions.tolist()
    for changes, field in (
        ({"positions": np.array([*slots[:-1], 9], np.int32)}, "certificate.positions"),
        ({"positions": np.array([-1, *slots[1:]], np.int32)}, "certificate.positions"),
        ({"positions": np.array([slots[0], *slots[:-1]], np.int32)}, "certificate.positions"),
        ({"kinds": np.full(len(slots), 7, np.uint8)}, "certificate.kinds"),
        ({"signatures": list(certificate.signatures)[:-1]}, "certificate.signatures"),
    ):
        for mode in MODES:
            with pytest.raises(InputError) as error:
                verify_certificate(validators, replace(certificate, **changes), mode=mode)
            assert error.value.field == field
