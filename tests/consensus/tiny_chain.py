"""A chain that exists in tests only: what the collector knows of a chain comes from its rules, and these are its own.

A vote is one line of text, its fields between spaces: kind, height, round, claim ("-" for nil), position, address, and
in hexadecimal its extensions' (signed bytes, signature) and its signature. It signs the line up to the position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pycore.base.columns import as_column
from pycore.consensus import Validator, ValidatorSet, Vote, VoteCollector, chains
from pycore.consensus.quorum import INT64_MAX, Rule
from pycore.consensus.vote_columns import VoteColumns
from pycore.errors import InputError
from pycore.testing import _deterministic
from pycore.testing._sign import public_keys, sign

CHAIN = "tiny-1"


class TinyRules:
    """As far as a collector asks."""

    chain = "tiny"
    quorum = Rule.more_than(2, 3)
    power_limit, lowest_power, size_limit = INT64_MAX, 1, 1 << 16
    schemes = frozenset({"ed25519", "odd"})
    options: Mapping[str, Mapping[str, Any]] = MappingProxyType({"ed25519": {"rules": "zip215"}})

    def address(self, scheme: str, public_key: bytes) -> bytes:
        return hashlib.sha256(public_key).digest()[:8]

    def order(self, validators: Sequence[Validator]) -> list[Validator]:
        return list(validators)

    def set_hash(self, validators: Sequence[Validator]) -> bytes:
        return hashlib.sha256(b"".join(one.public_key for one in validators)).digest()

    def read_vote(self, data: Any, form: str, *, chain_id: str) -> Vote:
        parts = bytes(data).split(b" ")
        if len(parts) < 7 or parts[0] not in (b"prevote", b"precommit"):
            raise InputError("vote", repr(data)[:40], "a line")
        try:
            extensions = [bytes.fromhex(one.decode()) for one in parts[6:-1]]
            height, round_, position = int(parts[1]), int(parts[2]), int(parts[4])
            address, signature = bytes.fromhex(parts[5].decode()), bytes.fromhex(parts[-1].decode())
        except ValueError:
            raise InputError("vote", repr(data)[:40], "a line") from None
        return Vote(
            chain_id, parts[0].decode(), height, round_, None if parts[3] == b"-" else parts[3], address, position,
            message_of(chain_id, *parts[:4]), signature, 0, tuple(zip(extensions[::2], extensions[1::2], strict=True)),
            bytes(data),
        )  # fmt: skip

    def equivocation(self, first: Vote, second: Vote, validators: ValidatorSet, time_ns: int) -> bytes:
        return b"\n".join((*sorted((first.raw, second.raw)), str(time_ns).encode()))

    def read_equivocation(self, data: Any, form: str, *, chain_id: str) -> tuple[Vote, Vote]:
        first, second, _ = bytes(data).split(b"\n")
        return tuple(self.read_vote(one, form, chain_id=chain_id) for one in (first, second))  # type: ignore[return-value]


class ColumnRules(TinyRules):
    """The same with a reader of many votes, which leaves every seventh to the other one."""

    chain = "tiny-columns"

    def _read(self, record: bytes, chain_id: str) -> Vote | None:
        try:
            return self.read_vote(record, "wire", chain_id=chain_id)
        except InputError:
            return None

    def read_votes(self, records: Any, *, chain_id: str, threads: int | None = 1) -> VoteColumns:
        found = [None if i % 7 == 6 else self._read(record, chain_id) for i, record in enumerate(records)]
        blank = Vote("", "prevote", 0, 0, None, bytes(8), 0, b"", b"", 0)
        votes = [one or blank for one in found]
        sized = [one is not None and len(one.address) == 8 and len(one.signature) == 64 for one in found]
        owners = [(i, pair) for i, one in enumerate(votes) for pair in one.extensions]
        address = b"".join(one.address if fits else bytes(8) for one, fits in zip(votes, sized, strict=True))
        return VoteColumns(
            usual=np.array(sized, np.bool_),
            heights=np.array([one.height for one in votes], np.int64),
            rounds=np.array([one.round for one in votes], np.int64),
            kinds=[one.kind for one in votes],
            claims=[one.claim for one in votes],
            positions=np.array([one.position for one in votes], np.int64),
            addresses=np.frombuffer(address, np.uint8).reshape(-1, 8),
            messages=as_column([one.message for one in votes], "messages"),
            signatures=as_column([one.signature for one in votes], "signatures"),
            extension_of=np.array([i for i, _ in owners], np.int64),
            extension_messages=as_column([message for _, (message, _) in owners], "messages"),
            extension_signatures=as_column([signature for _, (_, signature) in owners], "signatures"),
        )


def message_of(chain_id: str, *parts: bytes) -> bytes:
    return b" ".join((chain_id.encode(), *parts))


RULES = TinyRules()


class _Columns:
    RULES = ColumnRules()


def register(monkeypatch: Any) -> None:
    """Makes both chains known while a test runs."""
    import sys

    monkeypatch.setitem(sys.modules, "tiny_columns", _Columns)
    monkeypatch.setitem(chains._MODULES, "tiny", "tiny_chain")
    monkeypatch.setitem(chains._MODULES, "tiny-columns", "tiny_columns")


class Voters:
    """n validators of either chain, who sign whatever is asked."""

    def __init__(self, powers: Sequence[int], *, chain: str = "tiny", seed: int = 1) -> None:
        self.secrets = _deterministic.rows(seed, "voters", count=len(powers), width=32)
        keys = [bytes(key) for key in public_keys("ed25519", self.secrets)]
        self.set = ValidatorSet([Validator(key, power) for key, power in zip(keys, powers, strict=True)], chain=chain)
        self._cache: dict[Any, bytes] = {}

    def __len__(self) -> int:
        return len(self.set)

    def raws(self, asked: Sequence[tuple[int, str]], *, height: int = 5, round: int = 0, kind: str = "precommit",
             chain_id: str = CHAIN, extensions: bool = False) -> list[bytes]:  # fmt: skip
        """Votes in the chain's form: (position, claim) each, "-" for nil."""
        return self.lines([(who, claim, height, round, kind) for who, claim in asked], chain_id, extensions)

    def lines(
        self, asked: Sequence[tuple[int, str, int, int, str]], chain_id: str = CHAIN, extensions: bool = False
    ) -> list[bytes]:
        """The same for (position, claim, height, round, kind)."""
        missing = [one for one in dict.fromkeys(asked) if (one, chain_id, extensions) not in self._cache]
        if missing:
            heads = [f"{kind} {height} {round_} {claim}" for _, claim, height, round_, kind in missing]
            messages = [message_of(chain_id, head.encode()) for head in heads]
            secrets = np.ascontiguousarray(self.secrets[[one[0] for one in missing]])
            extended = [b"extends " + message for message in messages]
            signed = sign("ed25519", secrets, messages), sign("ed25519", secrets, extended)
            for one, head, more, mine, theirs in zip(missing, heads, extended, *signed, strict=True):
                tail = f"{more.hex()} {bytes(theirs).hex()}" if extensions else ""
                line = f"{head} {one[0]} {self.set.addresses[one[0]].hex()} {tail} {bytes(mine).hex()}"
                self._cache[one, chain_id, extensions] = line.replace("  ", " ").encode()
        return [self._cache[one, chain_id, extensions] for one in asked]

    def vote(self, who: int, claim: str, **place: Any) -> Vote:
        """One vote as a value."""
        raw = self.raws([(who, claim)], **place)[0]
        return RULES.read_vote(raw, "wire", chain_id=place.get("chain_id", CHAIN))


# ---- what tests of the collector share -------------------------------------------------------------------------------

H = 5
"""Height of the votes."""


def collector_of(voters: Voters, **options: Any) -> VoteCollector:
    return VoteCollector(voters.set, **{"chain_id": CHAIN, "height": H, "threads": 1} | options)


def counted(collector: VoteCollector) -> dict[str, int]:
    return {name: many for name, many in collector.counts.items() if many}


def told(collector: VoteCollector, raws: list[bytes], **options: Any) -> list[Any]:
    return collector.add_bytes(raws, **options) + collector.flush()


def forged(raw: bytes) -> bytes:
    """With another last digit of its signature."""
    return raw[:-1] + (b"1" if raw.endswith(b"0") else b"0")


def named(voters: Voters, name: str) -> list[bytes]:
    """Twenty votes that are called so, whatever the collector has seen; none of them counts."""
    good = voters.raws([(i, "A") for i in range(20)])
    if name == "malformed":
        return [*[raw[:n] for n, raw in enumerate(good[:17])], b"", b"x" * 100_000, b"precommit 5 0 A 0 zz zz"]
    if name == "stranger":
        fields = [raw.split(b" ") for raw in good]
        for i, one in enumerate(fields):
            if i % 3 == 0:
                one[4] = (b"40", b"-1", b"99999999999")[i % 9 // 3]
            elif i % 3 == 1:
                one[5] = voters.set.addresses[i + 1].hex().encode()
            else:
                one[5] = one[5][:-2]
        return [b" ".join(one) for one in fields]
    if name == "bad_signature":
        return [forged(raw) for raw in good[:18]] + [good[18][:-2], good[19] + b"00"]
    place = {"late_height": 3, "future_height": 6}[name]
    return voters.raws([(i, "A") for i in range(20)], height=place)
