"""Validator sets: order, hash, limits, what a move keeps, and signatures by position."""

from __future__ import annotations

import copy
import pickle
import random
from dataclasses import replace

import numpy as np
import pytest

import pycore
from pycore.consensus import Validator, ValidatorSet, VoteCollector, keyrings
from pycore.consensus.vote_batches import FEW
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import BlockId
from pycore.testing.cometbft import CHAIN_ID, Signer, make_signers, make_vote, sign_all

LIMIT = (2**63 - 1) // 8


def validators_of(signers: list[Signer]) -> list[Validator]:
    return [one.validator for one in signers]


@pytest.fixture(scope="module")
def signers() -> list[Signer]:
    return make_signers(12, seed=5, powers=[10 + 3 * (i % 4) for i in range(12)])


@pytest.fixture(scope="module")
def mixed() -> list[Signer]:
    return make_signers(6, seed=6, schemes=("ed25519", "ecdsa-secp256k1"))


# ---- what a set is ---------------------------------------------------------------------------------------------------


def test_validators_not_in_canonical_order_give_the_same_set(signers: list[Signer]) -> None:
    listed = validators_of(signers)
    shuffled = random.Random(1).sample(listed, len(listed))
    assert shuffled != listed
    found, other = ValidatorSet(listed), ValidatorSet(shuffled)
    assert found.validators == other.validators
    assert found == other
    assert found.hash == other.hash
    order = [(-one.power, one.address) for one in found.validators]
    assert order == sorted(order)
    assert found.powers.tolist() == [one.power for one in found.validators]
    assert found.total == sum(found.powers.tolist()) == found.electorate.total
    assert [found.index(one) for one in found.addresses] == list(range(12))
    assert found.index(bytes(20)) is None


def test_the_proposer_priority_is_not_hashed(signers: list[Signer]) -> None:
    listed = validators_of(signers)
    other = [replace(one, priority=7 * i - 40) for i, one in enumerate(listed)]
    assert ValidatorSet(other) == ValidatorSet(listed)
    assert ValidatorSet(other).validators != ValidatorSet(listed).validators


def test_addresses_follow_from_keys(signers: list[Signer]) -> None:
    bare = [replace(one, address=b"") for one in validators_of(signers)]
    assert ValidatorSet(bare).addresses == ValidatorSet(validators_of(signers)).addresses
    wrong = [replace(bare[0], address=bytes(20)), *bare[1:]]
    with pytest.raises(InputError, match=r"validators\[0\].address"):
        ValidatorSet(wrong)


def test_equal_addresses_are_refused(signers: list[Signer]) -> None:
    listed = validators_of(signers)
    with pytest.raises(InputError, match=r"validators\[3\].address.*as of validator 1"):
        ValidatorSet([*listed[:3], replace(listed[1], power=99)])


@pytest.mark.parametrize("power", [0, -1, True, 1.0, "1", None])
def test_powers_are_positive_integers(signers: list[Signer], power: object) -> None:
    listed = validators_of(signers)
    with pytest.raises(InputError, match=r"validators\[1\].power"):
        ValidatorSet([listed[0], replace(listed[1], power=power)])  # type: ignore[arg-type]


def test_overflowing_power_is_refused(signers: list[Signer]) -> None:
    first, second = validators_of(signers)[:2]
    most = ValidatorSet([replace(first, power=LIMIT - 1), replace(second, power=1)])
    assert most.total == LIMIT
    for powers in ((LIMIT, 1), (2**63 - 1, 1), (2**63 - 1, 2**63 - 1), (2**64, 1)):
        with pytest.raises(InputError, match="a total power of"):
            ValidatorSet([replace(first, power=powers[0]), replace(second, power=powers[1])])


def test_malformed_keys_and_schemes(signers: list[Signer]) -> None:
    one = validators_of(signers)[0]
    for bad in (b"", one.public_key[:-1], one.public_key + b"\0"):
        with pytest.raises(InputError, match=r"validators\[0\].public_key"):
            ValidatorSet([replace(one, public_key=bad, address=b"")])
    with pytest.raises(InputError, match=r"validators\[0\].scheme"):
        ValidatorSet([replace(one, scheme="rsa", address=b"")])
    with pytest.raises(InputError, match="a Validator"):
        ValidatorSet([one.public_key])  # type: ignore[list-item]
    with pytest.raises(InputError, match="chain"):
        ValidatorSet([one], chain="no chain")


def test_an_empty_set_only_where_it_is_asked_for() -> None:
    with pytest.raises(InputError, match="at least one"):
        ValidatorSet([])
    empty = ValidatorSet([], empty=True)
    assert (len(empty), empty.total, empty.address_rows.shape[0]) == (0, 0, 0)
    assert len(empty.verify([], [], [])) == 0


def test_ten_thousand_validators_and_no_more() -> None:
    listed = validators_of(make_signers(10_001, seed=9, powers=3))
    large = ValidatorSet(listed[:-1])
    assert len(large) == 10_000
    assert large.total == 30_000
    assert [large.index(large.addresses[i]) for i in (0, 5000, 9999)] == [0, 5000, 9999]
    with pytest.raises(InputError, match="at most 10000"):
        ValidatorSet(listed)


def test_written_and_read_again(mixed: list[Signer]) -> None:
    found = ValidatorSet(validators_of(mixed))
    assert ValidatorSet.read(found.to_bytes(), form="wire") == found
    with pytest.raises(InputError, match="form"):
        ValidatorSet.read(found.to_bytes(), form="cbor")
    assert copy.deepcopy(found) == found == pickle.loads(pickle.dumps(found))


# ---- signatures ------------------------------------------------------------------------------------------------------


def test_a_batch_equals_single_calls_at_every_size_and_position(mixed: list[Signer]) -> None:
    found = ValidatorSet(validators_of(mixed))
    for n in range(1, 8):
        places = [i % 6 for i in range(n)]
        messages = [b"message %d" % i for i in range(n)]
        good = sign_all([mixed[i] for i in places], messages)
        assert found.verify(places, good, messages).all_valid
        for at in range(n):
            for spoilt in (good[at][:-1] + bytes([good[at][-1] ^ 1]), good[at][:63], b""):
                given = [*good[:at], spoilt, *good[at + 1 :]]
                verdicts = found.verify(places, given, messages, threads=1)
                assert [i for i in range(n) if verdicts[i] != pycore.Verdict.VALID] == [at]
                for i in range(n):
                    assert found.verify([places[i]], [given[i]], [messages[i]])[0] == verdicts[i]


def test_hidden_duplicates_have_the_verdict_of_each(signers: list[Signer]) -> None:
    found = ValidatorSet(validators_of(signers))
    messages = [b"a", b"b", b"c"]
    good = sign_all(signers[:3], messages)
    rows = [(0, good[0], b"a"), (1, good[1], b"b"), (0, good[0], b"b"), (1, good[0], b"a"), (2, good[2], b"c")]
    picked = [random.Random(3).randrange(5) for _ in range(200)]
    verdicts = found.verify(*zip(*(rows[i] for i in picked), strict=True))
    wanted = [True, True, False, False, True]
    assert verdicts.valid.tolist() == [wanted[i] for i in picked]


def test_equal_signatures_are_verified_once(signers: list[Signer], monkeypatch: pytest.MonkeyPatch) -> None:
    found = ValidatorSet(validators_of(signers))
    asked: list[int] = []
    whole = keyrings._Generation.verify

    def counted(self: object, rows: np.ndarray, *rest: object) -> np.ndarray:
        asked.append(len(rows))
        return whole(self, rows, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(keyrings._Generation, "verify", counted)
    signature = sign_all(signers[:1], [b"m"])[0]
    assert found.verify([0] * 50, [signature] * 50, [b"m"] * 50).all_valid
    assert found.verify([0] * 50, [signature] * 50, [b"m"] * 49 + [b"n"]).valid.tolist() == [True] * 49 + [False]
    assert asked == [1, 2]


def test_low_s_is_demanded_of_secp256k1(mixed: list[Signer]) -> None:
    found = ValidatorSet(validators_of(mixed))
    at = next(i for i, one in enumerate(found.validators) if one.scheme == "ecdsa-secp256k1")
    signature = sign_all([mixed[at]], [b"m"])[0]
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    names = [verdict.name for verdict in found.verify([at, at], [signature, high], [b"m", b"m"])]
    assert names == ["VALID", "HIGH_S"]


def test_a_scheme_that_is_not_built_is_refused_by_name(signers: list[Signer]) -> None:
    listed = [*validators_of(signers)[:2], Validator(bytes(32), 5, "sr25519"), Validator(bytes(96), 6, "bls12-381")]
    found = ValidatorSet(listed)
    assert found.unbuilt == ("bls12-381", "sr25519")
    at = [found.validators.index(one) for one in found.validators if one.scheme != "ed25519"]
    good = sign_all(signers[:1], [b"m"])[0]
    own = found.index(signers[0].address)
    verdicts = found.verify([*at, own], [bytes(64), bytes(64), good], [b"m"] * 3)
    assert [one.name for one in verdicts] == ["UNSUPPORTED_ALGORITHM", "UNSUPPORTED_ALGORITHM", "VALID"]


@pytest.mark.parametrize(("scheme", "other"), [("ed25519", "sr25519"), ("ecdsa-secp256k1", "secp256k1eth")])
def test_the_bytes_of_a_key_do_not_tell_its_scheme(scheme: str, other: str) -> None:
    """A set that moves to one where a key is of another scheme must not go on with what was prepared for the old."""
    signers = make_signers(4, seed=9, schemes=(scheme,))
    old = ValidatorSet(validators_of(signers))
    good = dict(zip([one.address for one in signers], sign_all(signers, [b"m"] * 4), strict=True))
    for at, one in enumerate(old.validators):
        rows = list(old.validators)
        rows[at] = Validator(one.public_key, one.power, other)
        moved, fresh = old.moved(rows), ValidatorSet(rows)
        signatures = [good.get(each.address, good[one.address]) for each in moved.validators]
        for held in (moved, fresh, moved.moved(rows), moved.moved(old.validators).moved(rows)):
            names = [verdict.name for verdict in held.verify(range(4), signatures, [b"m"] * 4)]
            assert names == ["VALID" if each.scheme == scheme else "UNSUPPORTED_ALGORITHM" for each in held.validators]


def test_a_set_does_not_change_with_the_buffers_it_was_made_from(signers: list[Signer]) -> None:
    one = signers[0].validator
    buffer = bytearray(one.public_key)
    found = ValidatorSet([replace(one, public_key=buffer), signers[1].validator])  # type: ignore[arg-type]
    buffer[:] = signers[2].validator.public_key
    place = found.index(one.address)
    assert place is not None
    good, other = (sign_all([signers[i]], [b"m"])[0] for i in (0, 2))
    assert [verdict.name for verdict in found.verify([place] * 2, [good, other], [b"m"] * 2)] == [
        "VALID", "BAD_SIGNATURE",
    ]  # fmt: skip
    assert found == ValidatorSet([one, signers[1].validator])
    for field, value in (("public_key", "a" * 32), ("public_key", None), ("address", "a" * 20)):
        with pytest.raises(InputError) as error:
            ValidatorSet([replace(one, **{field: value})])
        assert error.value.field == f"validators[0].{field}"


def test_a_set_that_the_chain_has_no_hash_for(signers: list[Signer]) -> None:
    """sr25519 has no place in CometBFT's protobuf: such sets are compared and collect votes all the same, and are
    refused by name where they would have to be hashed or written."""
    listed = [*validators_of(signers), Validator(bytes(32), 5, "sr25519")]
    found = ValidatorSet(listed)
    assert found == ValidatorSet(listed[::-1]) != ValidatorSet(listed[:-1])
    assert len({found, ValidatorSet(listed), ValidatorSet(listed[:-1])}) == 2
    for call in (lambda: found.hash, found.to_bytes):
        with pytest.raises(InputError, match="sr25519"):
            call()
    block = BlockId(b"b" * 32, 1, b"p" * 32)
    places = [(one, found.index(one.address)) for one in signers]
    votes = [
        make_vote(one, block_id=block, position=at, round=i) for i in range(2) for one, at in places if at is not None
    ]
    assert len(votes) > FEW
    collector = VoteCollector(found, chain_id=CHAIN_ID, height=1)
    collector.add_bytes([encoding.vote(vote) for vote in votes])
    collector.flush()
    assert collector.counts["counted"] == len(votes)


def test_a_key_that_is_no_point_verifies_nothing(signers: list[Signer]) -> None:
    bad = next(
        key for i in range(256) if pycore.KeySet("ed25519", [key := bytes([i]) * 32]).verdicts[0].name != "VALID"
    )
    found = ValidatorSet([Validator(bad, 5), signers[0].validator])
    good = sign_all(signers[:1], [b"m"])[0]
    places = [found.index(one.address) for one in found.validators if one.public_key == bad]
    own = found.index(signers[0].address)
    assert [one.name for one in found.verify([places[0], own], [good, good], [b"m"] * 2)] == ["MALFORMED_KEY", "VALID"]


def test_calls_that_are_malformed(signers: list[Signer]) -> None:
    found = ValidatorSet(validators_of(signers))
    for places, signatures, messages in (
        ([12], [b""], [b""]),
        ([-1], [b""], [b""]),
        ([0], [], [b""]),
        ([0], [b""], []),
    ):
        with pytest.raises(InputError):
            found.verify(places, signatures, messages)


# ---- moving ----------------------------------------------------------------------------------------------------------


def _verifies(found: ValidatorSet, signers: dict[bytes, Signer]) -> None:
    own = [signers[one.address] for one in found.validators]
    good = sign_all(own, [b"m"] * len(own))
    spoilt = [*good[:-1], bytes(64)]
    assert found.verify(range(len(own)), good, [b"m"] * len(own)).all_valid
    assert found.verify(range(len(own)), spoilt, [b"m"] * len(own)).first_invalid() == len(own) - 1


def test_a_set_moves_by_differences_and_stays_bounded() -> None:
    pool = make_signers(60, seed=11, schemes=("ed25519", "ecdsa-secp256k1"))
    by_address = {one.address: one for one in pool}
    rng = random.Random(4)
    now = pool[:20]
    found = ValidatorSet(validators_of(now))
    shared = 0
    for _ in range(40):
        stay = rng.sample(now, 20 - rng.choice((0, 1, 2, 12)))
        here = {one.address for one in stay}
        come = rng.sample([one for one in pool if one.address not in here], 20 - len(stay))
        now = [one.with_power(rng.randrange(1, 50)) for one in [*stay, *come]]
        after = found.moved(validators_of(now))
        assert after == ValidatorSet(validators_of(now))
        before = set(map(id, found.keyring._generations))
        shared += bool(before & set(map(id, after.keyring._generations)))
        assert after.keyring.generations <= keyrings.GENERATIONS
        assert len(after.keyring._places) <= 2 * 20 + 20
        found = after
        _verifies(found, by_address)
    assert shared > 20


def test_tables_come_with_use_and_change_no_verdict(signers: list[Signer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "PATIENCE", 2)
    found = ValidatorSet(validators_of(signers))
    by_address = {one.address: one for one in signers}
    for _ in range(6):
        _verifies(found, by_address)
    assert [keyset.window > 0 for keyset in found.keyring._generations[0]._sets.values()] == [False, True]
