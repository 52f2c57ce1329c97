"""The knowledge that a CometBFT block cannot bring itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pycore.base.columns import quote
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.errors import InputError
from pycore.ledgers import fields
from pycore.ledgers.cometbft import encoding, hashes, rpc, versions, wire
from pycore.ledgers.cometbft.fields import of_time
from pycore.ledgers.cometbft.messages import Commit, LightBlock
from pycore.ledgers.contexts import JsonContext

RULES = ("strict", "compatible")
_ANSWER = frozenset({"pub_key", "validators", "validator_set", "result"})
MAX_SETS = 64
"""Sets of later validators, and light blocks, of a context."""


@dataclass(frozen=True)
class CometbftContext(JsonContext):
    """The basis on which a block is judged. Every field may be missing: the checks that need it are then skipped.

    rules                 "strict" | "compatible": see :mod:`pycore.ledgers.cometbft`
    chain_id              name of the chain
    release               line of CometBFT's releases, such as "0.38": what differs is in
                          :mod:`pycore.ledgers.cometbft.versions`
    validators            who signs this block: objects with public_key (hexadecimal), power and scheme, or the answer
                          of /validators at its height
    previous_validators   who signed the block before; in a run they follow
    later_validators      sets of later heights, in any order: where a header names one by its hash, a run goes on with
                          it
    commit                the commit for this block: protobuf, or the answer of /commit; in a run that of the next block
    previous_time         Unix nanoseconds of the block before; of the first block the genesis time
    initial_height        of the chain's first block
    proposer_time         whether a block's time is its proposer's, from 1.0 on and where the chain wants it, instead of
                          the median of the votes before
    max_age_blocks, max_age_ns
                          beyond which evidence is too old: both
    max_evidence_bytes    of a block, all of it together; CometBFT's own default
    light_blocks          of heights that evidence is about: protobuf LightBlocks, or objects as in answers
    app_hash, consensus_hash, last_results_hash
                          what the application and the parameters say that this block's header must have; not followed
                          in a run
    height                of this block
    previous_block_hash   32 bytes
    """

    rules: str = "strict"
    chain_id: str | None = None
    release: str | None = None
    validators: tuple[Validator, ...] | None = None
    previous_validators: tuple[Validator, ...] | None = None
    later_validators: tuple[tuple[Validator, ...], ...] = ()
    commit: bytes | None = None
    previous_time: int | None = None
    initial_height: int = 1
    proposer_time: bool = False
    max_age_blocks: int | None = None
    max_age_ns: int | None = None
    max_evidence_bytes: int = 1 << 20
    light_blocks: tuple[bytes, ...] = ()
    app_hash: bytes | None = None
    consensus_hash: bytes | None = None
    last_results_hash: bytes | None = None
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        found: dict[str, Any] = {"rules": fields.one_of("rules", self.rules, RULES)}
        if self.chain_id is not None:
            found["chain_id"] = fields.text("chain_id", self.chain_id)
        if self.release is not None:
            found["release"] = _named(lambda: versions.release(self.release or "").name)
        for name in ("validators", "previous_validators"):
            if getattr(self, name) is not None:
                found[name] = _validators(name, getattr(self, name))
        later = fields.sequence("later_validators", self.later_validators)
        found["later_validators"] = tuple(_validators(f"later_validators[{i}]", one) for i, one in _few(later))
        if self.commit is not None:
            found["commit"] = _commit(self.commit)
        blocks = fields.sequence("light_blocks", self.light_blocks)
        found["light_blocks"] = tuple(_light_block(f"light_blocks[{i}]", one) for i, one in _few(blocks))
        if self.previous_time is not None:
            found["previous_time"] = _time("previous_time", self.previous_time)
        for name, least in (
            ("height", 1),
            ("initial_height", 1),
            ("max_age_blocks", 0),
            ("max_age_ns", 0),
            ("max_evidence_bytes", 0),
        ):
            if getattr(self, name) is not None:
                found[name] = fields.number(name, getattr(self, name), 63, least=least)
        if type(self.proposer_time) is not bool:
            raise fields.refuse("proposer_time", quote(self.proposer_time), "true or false")
        for name in ("previous_block_hash", "consensus_hash", "last_results_hash"):
            if getattr(self, name) is not None:
                found[name] = fields.octets(name, getattr(self, name), 32)
        if self.app_hash is not None:
            found["app_hash"] = fields.octets("app_hash", self.app_hash)
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def strict(self) -> bool:
        """Whether the stricter rules hold."""
        return self.rules == "strict"

    @property
    def line(self) -> versions.Release | None:
        """The line of releases, where it is known."""
        return None if self.release is None else versions.RELEASES[self.release]

    @property
    def own_commit(self) -> Commit | None:
        """The commit for this block."""
        return None if self.commit is None else wire.commit(self.commit, "context.commit")

    def by_height(self) -> dict[int, LightBlock]:
        """The chain's light blocks that the context has."""
        found = [wire.light_block(data, "context.light_blocks") for data in self.light_blocks]
        return {one.signed_header.header.height: one for one in found}

    def of_next(self, **changes: Any) -> CometbftContext:
        """The context of the next block: without what was for one block only."""
        single = {"commit": None, "app_hash": None, "consensus_hash": None, "last_results_hash": None}
        return self.replace(**single, **changes)


@lru_cache(maxsize=16)
def held(validators: tuple[Validator, ...]) -> ValidatorSet:
    """The set of a context's validators; what was prepared for its keys is kept from block to block."""
    return ValidatorSet(validators)


@lru_cache(maxsize=4 * MAX_SETS)
def hash_of(validators: tuple[Validator, ...]) -> bytes:
    """The hash of a context's validators."""
    return hashes.validators_hash(validators)


def _few(values: Sequence[Any]) -> Sequence[tuple[int, Any]]:
    if len(values) > MAX_SETS:
        raise fields.refuse("later_validators", f"{len(values)} entries", f"at most {MAX_SETS}")
    return list(enumerate(values))


def _named(read: Any) -> Any:
    """Reads, with errors that name the context."""
    try:
        return read()
    except InputError as error:
        raise InputError(f"context.{error.field}", error.got, error.wanted) from None


def _validators(name: str, value: Any) -> tuple[Validator, ...]:
    """Validators in canonical order, from one of their forms."""
    if isinstance(value, (str, bytes, Mapping)) or _are_answers(value):
        rows: Sequence[Validator] = _named(lambda: rpc.validators(value, name)).validators
    else:
        rows = [_validator(f"{name}[{i}]", one) for i, one in enumerate(fields.sequence(name, value))]
    try:
        found = ValidatorSet([replace(one, priority=0) for one in rows])
    except InputError as error:
        raise fields.refuse(name + error.field.removeprefix("validators"), error.got, error.wanted) from None
    return found.validators


def _are_answers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(
        isinstance(one, (str, bytes)) or (isinstance(one, Mapping) and not _ANSWER.isdisjoint(one)) for one in value
    )


def _validator(name: str, value: Any) -> Validator:
    if isinstance(value, Validator):
        return value
    known = {"public_key", "power", "scheme", "address", "priority"}
    entries = dict(fields.items(name, value))
    if not {"public_key", "power"} <= entries.keys() <= known:
        raise fields.refuse(name, ", ".join(sorted(entries))[:80], "public_key, power, and perhaps scheme and address")
    return Validator(
        fields.octets(f"{name}.public_key", entries["public_key"]),
        fields.number(f"{name}.power", entries["power"], 63),
        fields.text(f"{name}.scheme", entries.get("scheme", "ed25519")),
        fields.octets(f"{name}.address", entries.get("address", b"")),
    )


def _commit(value: Any) -> bytes:
    """A commit in protobuf, from that or from JSON."""
    if isinstance(value, Mapping) or (isinstance(value, (str, bytes)) and value.lstrip()[:1] in ("{", b"{")):
        return encoding.commit(_named(lambda: rpc.commit(value, "commit")))
    data = fields.octets("commit", value)
    _named(lambda: wire.commit(data, "commit"))
    return data


def _light_block(name: str, value: Any) -> bytes:
    if isinstance(value, (Mapping, list, tuple)) or (isinstance(value, str) and value.lstrip()[:1] == "{"):
        return encoding.light_block(_named(lambda: rpc.light_block(value, name)))
    data = fields.octets(name, value)
    _named(lambda: wire.light_block(data, name))
    return data


def _time(name: str, value: Any) -> int:
    if isinstance(value, str):
        return of_time(value, f"context.{name}")
    if type(value) is not int or not -(1 << 66) < value < 1 << 69:
        raise fields.refuse(name, quote(value), "Unix nanoseconds, or a time such as 2023-09-06T14:17:25.977731473Z")
    return value
