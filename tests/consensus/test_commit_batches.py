"""Many commits at once equal single ones, and the two roads to a report agree."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from commit_cases import SET_MODES, failed, forged, made, set_of, sound, wire, with_slot

from pycore.consensus import (
    CommitReport,
    SignedHeader,
    verify_commit,
    verify_commits,
)
from pycore.consensus.commits import MODES
from pycore.errors import InputError
from pycore.ledgers.cometbft import messages as m
from pycore.testing.cometbft import Chain

# ---- many at once ----------------------------------------------------------------------------------------------------


def alike(one: CommitReport, other: CommitReport) -> bool:
    """Whether two reports say the same in everything."""
    return (
        one.to_dict() == other.to_dict()
        and one.decision == other.decision
        and one.positions.tolist() == other.positions.tolist()
        and one.verdicts.codes.tolist() == other.verdicts.codes.tolist()
    )


@pytest.mark.parametrize("mode", MODES)
def test_many_equal_one_by_one_and_none_depends_on_another(mode: str) -> None:
    chain = Chain(blocks=12, validators=5, seed=8, absent=[1])
    validators = set_of(chain.signers[0])
    data: list[bytes] = [wire(chain.signed_header(i)) for i in range(12)]
    data[2] = wire(forged(chain.signed_header(2), 0))
    data[5] = b"\xff"
    data[7] = wire(forged(chain.signed_header(7), 4))
    data[9] = wire(with_slot(chain.signed_header(9), 1, flag=9))
    data += data[:4]
    many = verify_commits(validators, data, mode=mode, form="wire", threads=2)
    for one, report in zip(data, many, strict=True):
        assert alike(report, verify_commit(validators, one, mode=mode, form="wire", threads=1))
    assert [sound(report) for report in many[:12]] == [
        i
        not in (
            (2, 5, 7, 9) if mode in ("full", "all", "trusting-all") else (2, 5, 7, 9) if mode == "light" else (2, 5, 9)
        )
        for i in range(12)
    ]


def test_every_height_with_its_own_set() -> None:
    chain = Chain(blocks=10, validators=6, seed=8, replaced=1)
    sets = [set_of(chain.signers[0])]
    for i in range(1, 10):
        sets.append(sets[-1].moved([one.validator for one in chain.signers[i]]))
    data = [wire(chain.signed_header(i)) for i in range(10)]
    for mode in SET_MODES:
        many = verify_commits(sets, data, mode=mode, form="wire")
        assert all(map(sound, many))
        single = [verify_commit(one, header, mode=mode, form="wire") for one, header in zip(sets, data, strict=True)]
        assert all(map(alike, many, single))
        crossed = verify_commits(sets[::-1], data, mode=mode, form="wire")
        assert [failed(report)[0] for report in crossed] == ["validators_hash"] * 10
    trusting = verify_commits([sets[0]] * 10, data, mode="trusting-all", form="wire")
    common = [len({*sets[0].addresses} & {*one.addresses}) for one in sets]
    assert common[0] == 6 > 2 >= common[-1]
    assert [len(report.positions) for report in trusting] == common
    assert [sound(report) for report in trusting] == [left > 2 for left in common]


def test_reports_of_equal_votes_cannot_change_one_another() -> None:
    """Decisions are kept, so callers must not write into them."""
    signers, header = made(count=4)
    validators = set_of(signers)
    report = verify_commit(validators, wire(header), form="wire")
    for column in (report.positions, report.verdicts.codes):
        with pytest.raises(ValueError, match="read-only"):
            column[:] = 3
    assert verify_commit(validators, wire(header), form="wire").positions.tolist() == [0, 1, 2]


def test_what_was_decided_is_kept_for_equal_votes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    signers, header = made(count=4)
    validators = set_of(signers)
    monkeypatch.setattr(type(validators.rulings), "most", 3)
    for _ in range(3):
        for mode in MODES:
            for at in range(4):
                report = verify_commit(validators, wire(forged(header, at)), mode=mode, form="wire")
                assert sound(report) is (at not in report.positions.tolist())
            assert sound(verify_commit(validators, wire(header), mode=mode, form="wire"))
            for level, reached in (((1, 3), True), ((1, 1), False)):
                trusting = verify_commit(validators, wire(header), mode="trusting", form="wire", trust_level=level)
                assert sound(trusting) is reached
        assert len(validators.rulings._found) <= 3


# ---- two roads -------------------------------------------------------------------------------------------------------


def _bytes_changed(rng: random.Random, data: bytes) -> bytes:
    at, kind = rng.randrange(len(data)), rng.randrange(5)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + rng.randbytes(1) + data[at:]
    if kind == 2:
        return data[:at] + data[at + 1 + rng.randrange(3) :]
    if kind == 3:
        return data[:at]
    return data + data[at:]


def _slot_changed(rng: random.Random, header: m.SignedHeader) -> m.SignedHeader:
    if not header.commit.signatures:
        return header
    at = rng.randrange(len(header.commit.signatures))
    slot = header.commit.signatures[at]
    changes: list[dict[str, Any]] = [
        {"flag": rng.choice([0, 1, 2, 3, 4, 127])},
        {"address": rng.choice([b"", bytes(20), bytes(19), bytes(21), header.commit.signatures[at - 1].address])},
        {"time_ns": rng.choice([m.YEAR_1, 0, 1, -1, slot.time_ns + 1, 2**63, -(2**63), m.YEAR_10000 - 1, 9 * 10**18])},
        {"signature": rng.choice([b"", bytes(64), bytes(63), bytes(65), bytes(96), slot.signature[::-1]])},
    ]
    return with_slot(header, at, **rng.choice(changes))


def _header_changed(rng: random.Random, header: m.SignedHeader) -> m.SignedHeader:
    hashes = rng.choice([b"", bytes(32), bytes(31), bytes(33)])
    name = rng.choice([
        "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash",
        "last_results_hash", "evidence_hash",
    ])  # fmt: skip
    changes: list[dict[str, Any]] = [
        {name: hashes},
        {"app_hash": rng.choice([b"", bytes(1), bytes(127), bytes(128), bytes(129), bytes(300)])},
        {"chain_id": rng.choice(["", "a", "a" * 50, "a" * 51, "ü" * 25, "ü" * 26, "a\0b"])},
        {"height": rng.choice([0, 1, 2, -1, 2**63 - 1])},
        {"time_ns": rng.choice([m.YEAR_1, 0, -1, 2**63, m.YEAR_10000 - 1])},
        {"proposer_address": rng.choice([b"", bytes(19), bytes(20), bytes(21)])},
        {"block_version": rng.choice([0, 10, 11, 12])},
        {"app_version": rng.choice([0, 2**64 - 1])},
        {"last_block_id": m.BlockId(hashes, rng.choice([0, 1, 2**32 - 1]), rng.choice([b"", bytes(32), bytes(30)]))},
    ]
    return replace(header, header=replace(header.header, **rng.choice(changes)))


def _commit_changed(rng: random.Random, header: m.SignedHeader) -> m.SignedHeader:
    slots = header.commit.signatures
    hash_ = rng.choice([b"", bytes(32), bytes(31), header.commit.block_id.hash])
    changes: list[dict[str, Any]] = [
        {"height": rng.choice([0, 1, 2, -1, 2**63 - 1])},
        {"round": rng.choice([0, 1, -1, 2**31 - 1])},
        {"block_id": m.BlockId(hash_, rng.choice([0, 1, 2**32 - 1]), rng.choice([b"", bytes(32)]))},
        {"signatures": rng.choice([(), slots[:-1], (*slots, m.CommitSig(m.ABSENT)), slots[::-1]])},
    ]
    return replace(header, commit=replace(header.commit, **rng.choice(changes)))


def changed_records(rng: random.Random, headers: Sequence[m.SignedHeader], count: int) -> list[bytes]:
    """Records of these headers with one, two or three changes: values, or bytes."""
    found = []
    for _ in range(count):
        header = rng.choice(headers)
        kinds: list[Callable[[random.Random, m.SignedHeader], m.SignedHeader]] = [
            _slot_changed, _header_changed, _commit_changed,
        ]  # fmt: skip
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            header = rng.choice(kinds)(rng, header)
        data = wire(header)
        for _ in range(rng.choice([0, 0, 1])):
            data = _bytes_changed(rng, data) if data else data
        found.append(data)
    return found


def compare_roads(seed: int, count: int) -> tuple[int, int, int]:
    """Reports from columns, and from headers read one by one: how many records are valid, are usual, differ."""
    rng = random.Random(seed)
    chain = Chain(
        blocks=4, validators=4, seed=seed, schemes=("ed25519", "ecdsa-secp256k1"), nil=[2], powers=[9, 2, 2, 1]
    )
    headers = [chain.signed_header(i) for i in range(4)]
    validators = set_of(chain.signers[0])
    records = changed_records(rng, headers, count)
    usual = validators.rules.read_commits(records).usual
    mode, level = rng.choice(MODES), rng.choice([(1, 3), (2, 3)])
    options: dict[str, Any] = {"mode": mode, "trust_level": level, "form": "wire"}
    valid = different = 0
    for data, report in zip(records, verify_commits(validators, records, **options), strict=True):
        try:
            header = SignedHeader.read(data, form="wire")
        except InputError as error:
            structure = report.check("structure")
            different += not (structure.ok is False and structure.got == error.got and structure.wanted == error.wanted)
            continue
        different += not alike(report, verify_commit(validators, header, **options))
        valid += sound(report)
    return valid, int(usual.sum()), different


@pytest.mark.parametrize("seed", range(5))
def test_columns_and_single_readers_give_equal_reports(seed: int) -> None:
    valid, usual, different = compare_roads(seed, 300)
    assert different == 0
    assert 0 < valid < usual < 300
