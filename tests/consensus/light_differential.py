"""Changed light blocks for CometBFT's own light client and ours, and where the two may differ.

    python light_differential.py PROGRAM CASES [SEED]

PROGRAM is built from tests/go/cometbft-light. Every case is a trusted block, a block that was changed in up to three
ways (signed again or not), a time and options. The verdicts must be the same, but for the differences in `ALLOWED`. Of
these two let us accept what CometBFT refuses: the order in which validators are listed, and the copy of the proposer in
a set; no hash and no signature depends on either.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pycore.consensus.light import LightOptions, TrustedState, verify_backwards, verify_light
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes, wire
from pycore.ledgers.cometbft import messages as cometbft
from pycore.ledgers.cometbft.evidence import in_order
from pycore.testing.cometbft import Signer, signed
from pycore.testing.cometbft_light import LightChain, strangers

SECOND = 10**9
CHUNK = 500


@dataclass
class Case:
    """What both are asked. `made` says how the block came about."""

    kind: str
    trusted: bytes
    block: bytes
    period: int
    now: int
    drift: int
    level: tuple[int, int]
    made: tuple[str, ...]

    def line(self) -> str:
        numbers = (self.period, self.now, self.drift, *self.level)
        return f"{self.kind} {self.trusted.hex()} {self.block.hex()} {' '.join(map(str, numbers))}\n"


# ---- changes ---------------------------------------------------------------------------------------------------------


class Draft:
    """A light block that is being changed, and those who would sign it."""

    def __init__(self, rng: random.Random, chain: LightChain, height: int) -> None:
        block = chain.blocks[height]
        self.rng, self.chain, self.signers = rng, chain, list(chain.signers[height])
        self.header, self.commit = block.signed_header.header, block.signed_header.commit
        self.validators = block.validators
        self.again = False  # sign again, and hash again, at the end

    def slots(self) -> list[cometbft.CommitSig]:
        return list(self.commit.signatures)

    def put(self, slots: list[cometbft.CommitSig]) -> None:
        self.commit = replace(self.commit, signatures=tuple(slots))

    def header_field(self) -> None:
        rng, header = self.rng, self.header
        name = rng.choice([
            "chain_id", "height", "time_ns", "time_ns", "last_block_id", "last_commit_hash", "data_hash",
            "validators_hash", "next_validators_hash", "consensus_hash", "app_hash", "last_results_hash",
            "evidence_hash", "proposer_address", "block_version", "app_version",
        ])  # fmt: skip
        value: Any = getattr(header, name)
        if name == "chain_id":
            value = rng.choice(["", "other", "pycore-test ", "x" * 50, "x" * 51])
        elif name == "last_block_id":
            value = cometbft.BlockId(rng.randbytes(rng.choice([0, 32, 32, 31])), rng.randrange(3), rng.randbytes(32))
        elif isinstance(value, int):
            value = rng.choice([value + 1, value - 1, 0, 1, value + rng.randrange(100 * SECOND), 2**62])
        else:
            size = rng.choice([0, len(value), len(value), 31, 33])
            value = rng.randbytes(size)
        self.header = replace(header, **{name: value})

    def slot(self) -> None:
        rng, slots = self.rng, self.slots()
        if not slots:
            return
        i, other = rng.randrange(len(slots)), rng.randrange(len(slots))
        what = rng.randrange(12)
        if what == 0:
            slots[i] = replace(slots[i], flag=rng.choice([0, 1, 2, 3, 4]))
        elif what == 1:
            slots[i] = replace(slots[i], address=rng.choice([slots[other].address, rng.randbytes(20), b"", bytes(19)]))
        elif what == 2:
            slots[i] = replace(slots[i], time_ns=slots[i].time_ns + rng.choice([1, -1, SECOND, -(10**18)]))
        elif what == 3:
            slots[i] = replace(slots[i], signature=rng.choice([bytes(64), b"", rng.randbytes(64), rng.randbytes(63)]))
        elif what == 4 and slots[i].signature:
            place = rng.randrange(len(slots[i].signature))
            data = bytearray(slots[i].signature)
            data[place] ^= 1 << rng.randrange(8)
            slots[i] = replace(slots[i], signature=bytes(data))
        elif what == 5:
            slots[i], slots[other] = slots[other], slots[i]
        elif what == 6:
            slots[i] = slots[other]
        elif what == 7:
            del slots[i]
        elif what == 8:
            slots.append(slots[other])
        elif what in (9, 10):
            for place in rng.sample(range(len(slots)), rng.randrange(1, len(slots) + 1)):
                slots[place] = cometbft.CommitSig(cometbft.ABSENT)
        else:
            for place in rng.sample(range(len(slots)), rng.randrange(1, len(slots) + 1)):
                slots[place] = replace(slots[place], flag=cometbft.NIL)
        self.put(slots)

    def commit_field(self) -> None:
        rng = self.rng
        what = rng.randrange(4)
        if what == 0:
            self.commit = replace(self.commit, height=self.commit.height + rng.choice([1, -1, 5]))
        elif what == 1:
            self.commit = replace(self.commit, round=rng.choice([0, 1, 2**31 - 1]))
        else:
            own = self.commit.block_id
            parts = replace(own, parts_total=rng.randrange(4)), replace(own, parts_hash=rng.randbytes(32))
            others = replace(own, hash=rng.randbytes(32)), cometbft.BlockId()
            self.commit = replace(self.commit, block_id=rng.choice([*parts, *others]))

    def set(self) -> None:
        rng, rows = self.rng, list(self.validators.validators)
        i, what = rng.randrange(len(rows)), rng.randrange(6)
        if what == 0:
            rows[i] = replace(rows[i], power=rng.choice([1, rows[i].power + 1, rows[i].power * 3]))
        elif what == 1 and len(rows) > 1:
            del rows[i]
        elif what == 2:
            rows.append(strangers(1, seed=100 + rng.randrange(10**6))[0].validator)
        elif what == 3:
            rows[i] = replace(strangers(1, seed=100 + rng.randrange(10**6))[0].validator, power=rows[i].power)
        elif what == 4:
            rng.shuffle(rows)
        else:
            rows[i] = replace(rows[i], priority=rng.randrange(-50, 50))
        self.validators = cometbft.Validators(tuple(rows), rows[0])

    def other_signers(self) -> None:
        """Some of the set and some strangers sign, and the header names them."""
        rng = self.rng
        kept = rng.sample(self.signers, rng.randrange(0, len(self.signers) + 1))
        rows = [*kept, *strangers(rng.randrange(0, 8), seed=1, power=rng.choice([1, 10, 30]))] or self.signers
        self._named(rows)

    def other_powers(self) -> None:
        self._named([one.with_power(self.rng.choice([1, 5, 10, 20, 60])) for one in self.signers])

    def _named(self, rows: list[Signer]) -> None:
        self.signers = sorted(
            {one.address: one for one in rows}.values(), key=lambda one: (-one.validator.power, one.address)
        )
        self.validators = cometbft.Validators(tuple(one.validator for one in self.signers), self.signers[0].validator)
        self.header = replace(self.header, validators_hash=hashes.validators_hash(self.validators.validators))
        time = self.header.time_ns + SECOND
        size = len(self.signers)
        absent = self.rng.sample(range(size), self.rng.choice([0, 0, 1, size // 3, size // 2]))
        made = [cometbft.CommitSig(cometbft.COMMIT, one.address, time) for one in self.signers]
        for i in absent:
            made[i] = cometbft.CommitSig(cometbft.ABSENT)
        self.put(made)
        self.again = True

    def sign_again(self) -> None:
        self.again = True

    def wire(self) -> bytes:
        if self.again:
            block_id = replace(self.commit.block_id, hash=hashes.header_hash(self.header))
            self.commit = replace(self.commit, block_id=block_id)
            if len(self.commit.signatures) == len(self.signers):
                self.commit = signed(self.signers, self.commit, self.header.chain_id)
        whole = cometbft.LightBlock(cometbft.SignedHeader(self.header, self.commit), self.validators)
        return encoding.light_block(whole)


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Changes of the bytes as they are sent."""
    place = rng.randrange(len(data))
    what = rng.randrange(5)
    if what == 0:
        return data[:place]
    if what == 1:
        return data[:place] + rng.randbytes(1) + data[place:]
    if what == 2:
        return data[:place] + data[place + 1 :]
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


CHANGES: list[Callable[[Draft], None]] = [
    Draft.header_field, Draft.header_field, Draft.slot, Draft.slot, Draft.slot, Draft.commit_field, Draft.set,
    Draft.other_signers, Draft.other_powers, Draft.sign_again,
]  # fmt: skip


def chains() -> list[LightChain]:
    """One validator, many; few changes, many; two schemes; powers that differ; absent and nil votes."""
    return [
        LightChain(heights=6, validators=1, seed=31, replaced=1),
        LightChain(heights=8, validators=4, seed=32),
        LightChain(heights=8, validators=7, seed=33, replaced=3),
        LightChain(heights=8, validators=5, seed=34, replaced=1, schemes=("ed25519", "ecdsa-secp256k1")),
        LightChain(heights=8, validators=6, seed=35, powers=[1, 5, 10, 20, 40, 80]),
        LightChain(heights=8, validators=9, seed=36, absent=(1,), nil=(4,), replaced=2),
    ]


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases; the same ones for the same seed."""
    pool = chains()
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        chain = rng.choice(pool)
        backwards = rng.random() < 0.1
        first, second = sorted(rng.sample(chain.heights, 2))
        low, high = (first, second) if rng.random() < 0.97 else (second, second)
        draft = Draft(rng, chain, low if backwards else high)
        made = []
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            change = rng.choice(CHANGES)
            change(draft)
            made.append(change.__name__)
        block = draft.wire()
        if rng.random() < 0.15:
            block = flipped(rng, block)
            made.append("flipped")
        trusted = chain.blocks[low + 1 if backwards else low] if low + 1 in chain.blocks else chain.blocks[low]
        period = rng.choice([100 * SECOND, 3600 * SECOND])
        now = rng.choice([
            chain.now_ns, chain.now_ns, chain.now_ns, trusted.signed_header.header.time_ns + period - rng.randrange(2),
            draft.header.time_ns - 10 * SECOND + rng.randrange(2),
        ])  # fmt: skip
        yield Case(
            "backwards" if backwards else "verify", encoding.light_block(trusted), block, period,
            min(max(now, 0), 2**62), 10 * SECOND, rng.choice([(1, 3), (1, 3), (1, 2), (2, 3), (1, 1)]), tuple(made),
        )  # fmt: skip


# ---- verdicts --------------------------------------------------------------------------------------------------------


def ours(case: Case) -> tuple[str, str]:
    """Our word for a case, and why."""
    try:
        block = LightBlock.read(case.block, form="wire")
    except InputError as error:
        return "unreadable", str(error)
    trusted = TrustedState.read(case.trusted)
    if case.kind == "backwards":
        report = verify_backwards(trusted, block)
    else:
        report = verify_light(trusted, block, LightOptions(case.period, case.level, case.drift), case.now)
    words = {"success": "ok", "not enough trust": "trust"}
    return words.get(report.verdict.value, report.verdict.value), report.reason


def allowed(case: Case, own: tuple[str, str], theirs: tuple[str, str]) -> str:
    """Why two different words are no contradiction; "" where they are one."""
    mine, why = own
    word, text = theirs
    if "ok" not in (mine, word) and {mine, word} <= {"invalid", "unreadable", "refused"}:
        return "refused by both, in other words"
    if "panic" in text:
        return "no answer"
    for name, holds in ALLOWED.items():
        if holds(case, mine, why, word, text):
            return name
    return ""


Rule = Callable[[Case, str, str, str, str], bool]


def _another_order(case: Case) -> bool:
    """Whether the validators are listed in another order than CometBFT's; we put them in order, it does not."""
    try:
        rows = wire.light_block(case.block).validators.validators
    except InputError:
        return False
    return list(rows) != in_order(rows)


ALLOWED: dict[str, Rule] = {
    "validators in another order are put in order": lambda case, mine, why, word, text: (
        word == "invalid" and "to match those that were supplied" in text and _another_order(case)
    ),
    "the proposer, to whom nothing is bound, is not looked at": lambda case, mine, why, word, text: (
        word == "unreadable" and "proposer" in text
    ),
    "they look at the structure before the time and the trust": lambda case, mine, why, word, text: (
        mine in ("expired", "trust") and word == "unreadable"
    ),
    "we look at the size before the trust": lambda case, mine, why, word, text: (
        why.startswith("size:") and word == "trust"
    ),
    "backwards, we look at commit and validators as well": lambda case, mine, why, word, text: (
        case.kind == "backwards" and mine == "invalid" and word == "ok"
        and why.split(":")[0] in ("size", "validators_hash", "header_hash", "commit_height", "structure")
    ),
    "they look at some signatures before they count": lambda case, mine, why, word, text: (
        mine == "trust" and word == "refused" and text.startswith(("wrong signature", "invalid signature"))
    ),
    "we refuse times that 64 bits of nanoseconds do not hold": lambda case, mine, why, word, text: (
        mine == "invalid" and "a time that 64 bits of nanoseconds do not hold" in why
    ),
    "we read only what they write": lambda case, mine, why, word, text: (
        mine == "unreadable" and "flipped" in case.made
    ),
}  # fmt: skip
"""Name -> whether it explains a difference, from the case, our word and reason, and theirs."""


def judge(program: str, given: Iterator[Case]) -> tuple[Counter[str], list[str]]:
    """Pairs of words and allowed differences with their counts, and the contradictions."""
    found, bad = Counter[str](), list[str]()
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while chunk := [case for _, case in zip(range(CHUNK), given, strict=False)]:
            for case in chunk:
                process.stdin.write(case.line())
                process.stdin.flush()
                word, _, text = process.stdout.readline().rstrip("\n").partition("\t")
                own = ours(case)
                if own[0] == word:
                    found[f"both: {word}"] += 1
                    continue
                name = allowed(case, own, (word, text))
                found[name or "CONTRADICTION"] += 1
                if not name:
                    bad.append(f"{case.made} {case.kind}: ours {own}, theirs {(word, text)}")
        process.stdin.close()
    return found, bad


if __name__ == "__main__":
    counts, contradictions = judge(sys.argv[1], cases(int((sys.argv[3:] or ["1"])[0]), int(sys.argv[2])))
    for name, number in counts.most_common():
        print(f"{number:8}  {name}")
    print("\n".join(contradictions[:60]))
    sys.exit(1 if contradictions else 0)
