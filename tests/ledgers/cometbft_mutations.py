"""Messages, commits and evidence of CometBFT with something changed: what the campaign of cometbft_peers asks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.evidence import duplicate_vote, light_client_attack
from pycore.testing.cometbft import Chain, conflicting_block, make_vote, ordered, signed

CHAIN = Chain(blocks=3, validators=6, seed=77, absent=(4,), nil=(5,), powers=[50, 40, 30, 20, 5, 4])
MIXED = Chain(blocks=2, validators=6, seed=78, schemes=("ed25519", "ecdsa-secp256k1"), powers=[9, 8, 7, 6, 5, 4])
NEW_SET = Chain(blocks=3, validators=5, seed=79, replaced=2, round=3)
CHAINS = (CHAIN, MIXED, NEW_SET)


# ---- mutations -------------------------------------------------------------------------------------------------------

NUMBERS = (0, 1, -1, 2, 10, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 127, 128, 3, 4)
TIMES = (m.YEAR_1, 0, 1, -1, m.YEAR_10000 - 1, m.YEAR_10000, m.YEAR_1 - 1, 10**9, 253402300799 * 10**9, -(10**9) + 1)


def other_value(value: Any, rng: random.Random, name: str = "") -> Any:
    """The value with one thing changed."""
    if name == "time_ns":
        return rng.choice((*TIMES, value + 1, value - 10**9))
    if name in ("scheme", "typed", "type") and not isinstance(value, int):
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        limits = {"round": 31, "position": 31, "pol_round": 31, "flag": 31, "parts_total": 32, "type": 31}
        bits = limits.get(name, 63)
        made = rng.choice((*NUMBERS, value + 1, value - 1))
        unsigned = name in ("parts_total", "block_version", "app_version")
        low, high = (0, 2**32 - 1 if bits == 32 else 2**64 - 1) if unsigned else (-(2**bits), 2**bits - 1)
        return min(max(made, low), high)
    if isinstance(value, str):
        return rng.choice(("", "x" * 50, "x" * 51, "ä" * 25, value + "1", "\0"))
    if isinstance(value, bytes):
        if not value or rng.random() < 0.2:
            return rng.choice((b"", b"\0", bytes(20), bytes(32), bytes(64), bytes(65), rng.randbytes(32), bytes(3310)))
        at = rng.randrange(len(value))
        return rng.choice((
            value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :], value[:-1], value + b"\0",
        ))  # fmt: skip
    if isinstance(value, tuple):
        if not value:
            return value
        at = rng.randrange(len(value))
        made = list(value)
        what = rng.random()
        if what < 0.6:
            made[at] = other_value(value[at], rng)
        elif what < 0.7:
            del made[at]
        elif what < 0.8:
            made.insert(at, value[at])
        else:
            to = rng.randrange(len(value))
            made[at], made[to] = made[to], made[at]
        return tuple(made)
    if is_dataclass(value):
        one = rng.choice([item.name for item in fields(value)])
        return replace(value, **{one: other_value(getattr(value, one), rng, one)})  # type: ignore[type-var]
    return value


def other_bytes(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one thing changed."""
    if not data:
        return rng.randbytes(3)
    at, what = rng.randrange(len(data)), rng.randrange(8)
    if what < 3:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if what == 3:
        return data[:at] + data[at + 1 :]
    if what == 4:
        return data[:at] + rng.randbytes(1) + data[at:]
    if what == 5:
        return data[:at]
    if what == 6:
        return data + rng.choice((b"\0", b"\x08\x01", b"\xfa\x07\x00", data[:at], b"\x1a\x00", b"\x10\x00"))
    to = rng.randrange(len(data))
    first, last = min(at, to), max(at, to)
    return data[:last] + data[first:last] + data[last:]


def commit_cases(rng: random.Random) -> Iterator[tuple[m.Validators, m.SignedHeader]]:
    """A set and a signed header: flags, signatures, order, power and place changed, and signed again or not."""
    while True:
        chain = rng.choice(CHAINS)
        i = rng.randrange(chain.blocks_count)
        signers, block = list(chain.signers[i]), chain.light_block(i)
        commit, header = block.signed_header.commit, block.signed_header.header
        if rng.random() < 0.6:  # who votes for what, signed as it should be
            slots = list(commit.signatures)
            for at in range(len(slots)):
                flag = rng.choice((m.COMMIT, m.COMMIT, m.COMMIT, m.NIL, m.ABSENT))
                slots[at] = (
                    m.CommitSig(m.ABSENT)
                    if flag == m.ABSENT
                    else m.CommitSig(flag, signers[at].address, rng.choice((header.time_ns, 0, 1, -1)))
                )
            commit = signed(signers, replace(commit, signatures=tuple(slots)), header.chain_id)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            commit = spoilt(commit, rng)
        rows = list(block.validators.validators)
        what = rng.random()
        if what < 0.15:
            rows = [one.validator for one in ordered(NEW_SET.signers[rng.randrange(4)])]
        elif what < 0.3:
            at = rng.randrange(len(rows))
            rows[at] = replace(rows[at], power=rng.choice((1, 10, 100, 2**40, 2**59)))
            rows = sorted(rows, key=lambda one: (-one.power, one.address))
        elif what < 0.35:
            rows = rows[1:]
        yield m.Validators(tuple(rows), rows[0]), m.SignedHeader(header, commit)


def spoilt(commit: m.Commit, rng: random.Random) -> m.Commit:
    """The commit with one thing changed that is signed or counted."""
    slots, at = list(commit.signatures), rng.randrange(len(commit.signatures))
    slot, what = slots[at], rng.randrange(9)
    if what == 0 and slot.signature:
        slots[at] = replace(slot, signature=other_value(slot.signature, rng))
    elif what == 1:
        slots[at] = replace(slot, flag=rng.choice((m.COMMIT, m.NIL)))
    elif what == 2:
        to = rng.randrange(len(slots))
        slots[at], slots[to] = slots[to], slots[at]
    elif what == 3:
        slots[at] = replace(slot, address=slots[rng.randrange(len(slots))].address)
    elif what == 4:
        slots[at] = replace(slot, time_ns=slot.time_ns + 1)
    elif what == 5:
        return replace(commit, round=commit.round + 1)
    elif what == 6:
        slots = [*slots, slots[at]]
    elif what == 7:
        slots = slots[:-1]
    else:
        slots[at] = slots[rng.randrange(len(slots))]
    return replace(commit, signatures=tuple(slots))


def evidence_case(rng: random.Random) -> tuple[m.Evidence, m.LightBlock, m.LightBlock]:
    """Evidence, and the chain's own blocks at its height and at the conflicting one."""
    chain = rng.choice(CHAINS)
    last = chain.blocks_count - 1
    if rng.random() < 0.4:
        signers = chain.signers[1]
        at = rng.randrange(len(signers))
        kind = rng.choice((m.PREVOTE, m.PRECOMMIT))
        votes = [
            make_vote(signers[at], height=2, position=at, type=kind, block_id=one)
            for one in rng.sample([*chain.block_ids, m.BlockId()], 2)
        ]
        made: m.Evidence = duplicate_vote(*votes, chain.validators(1), chain.blocks[1].header.time_ns)
        return made, chain.light_block(1), chain.light_block(1)
    kind_of_attack = rng.choice(("lunatic", "equivocation", "amnesia"))
    shown = conflicting_block(chain, last, kind_of_attack, absent=rng.choice(((), (), (0,), (1, 2), (0, 1, 2, 3))))
    trusted = chain.light_block(last)
    common = chain.light_block(rng.randrange(last)) if kind_of_attack == "lunatic" else trusted
    return light_client_attack(shown, common, trusted), common, trusted


def other_evidence(value: m.Evidence, rng: random.Random) -> m.Evidence:
    """Evidence with one thing changed that a rule is about."""
    if isinstance(value, m.LightClientAttack):
        shown = value.conflicting.signed_header
        what = rng.randrange(4)
        if what == 0:
            return replace(
                value,
                conflicting=replace(value.conflicting, signed_header=replace(shown, commit=spoilt(shown.commit, rng))),
            )
        if what == 1:
            return replace(value, byzantine=other_value(value.byzantine, rng))
        if what == 2:
            return replace(value, common_height=value.common_height + rng.choice((-1, 1)))
    return other_value(value, rng)
