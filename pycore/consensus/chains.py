"""The rules by which votes of a chain are judged: :class:`ConsensusRules`, one object per chain.

>>> from pycore.consensus import chains
>>> chains.names()
('cometbft',)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from pycore.base.columns import quote
from pycore.base.extras import explain
from pycore.errors import InputError, LengthError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pycore.base.columns import Column
    from pycore.consensus.quorum import Rule
    from pycore.consensus.validators import Validator, ValidatorSet
    from pycore.consensus.vote_columns import VoteColumns
    from pycore.consensus.votes import CommitColumns, LightBlock, SignedHeader, Vote

__all__ = ["ConsensusRules", "check_chain_id", "names", "rules"]

_MODULES = {"cometbft": "pycore.ledgers.cometbft.consensus"}
_LOADED: dict[str, ConsensusRules] = {}


class ConsensusRules(Protocol):
    """The rules of one chain. Everything that reads raises InputError where the data is nothing of the kind, and bounds
    sizes before they cost; `form` is "rpc" or "wire" (:data:`pycore.consensus.votes.FORMS`).

    chain           name
    quorum          how much power makes a block final
    power_limit     the largest total power of a set
    lowest_power    of a validator
    size_limit      the most validators of a set, and slots of a certificate
    chain_id_limit  bytes of the longest chain_id. Rules that lack this have no bound
    schemes         that a validator's key may be of, also those whose signatures cannot be checked here
    options         scheme -> options of :func:`pycore.verify_batch` (Ed25519's rules and so on) for those that can
    """

    chain: str
    quorum: Rule
    power_limit: int
    lowest_power: int
    size_limit: int
    chain_id_limit: int
    schemes: frozenset[str]
    options: Mapping[str, Mapping[str, Any]]

    def address(self, scheme: str, public_key: bytes) -> bytes:
        """Of a validator with this key. InputError("public_key"): not a key of that scheme by its length, or a scheme
        that no validator of the chain has."""
        ...

    def order(self, validators: Sequence[Validator]) -> list[Validator]:
        """The canonical order; addresses are filled in."""
        ...

    def set_hash(self, validators: Sequence[Validator]) -> bytes:
        """Hash of a set in canonical order."""
        ...

    def read_validators(self, data: Any, form: str) -> list[Validator]:
        """The validators as listed, in any order."""
        ...

    def write_validators(self, validators: ValidatorSet) -> bytes:
        """In protobuf."""
        ...

    def read_signed_header(self, data: Any, form: str) -> SignedHeader:
        """One signed header."""
        ...

    def write_signed_header(self, signed_header: SignedHeader) -> bytes:
        """In protobuf."""
        ...

    def read_commits(self, records: Sequence[bytes], threads: int | None = 1) -> CommitColumns:
        """Many signed headers in protobuf as columns; never raises for what a record holds."""
        ...

    def read_light_block(self, data: Any, form: str) -> LightBlock:
        """One light block."""
        ...

    def write_light_block(self, block: LightBlock) -> bytes:
        """In protobuf."""
        ...

    def read_vote(self, data: Any, form: str, *, chain_id: str) -> Vote:
        """One vote with the bytes that it signs on this chain."""
        ...

    def read_votes(self, records: Column, *, chain_id: str, threads: int | None = 1) -> VoteColumns:
        """Many votes in protobuf as columns; never raises for what a record holds. Votes of a chain whose rules lack
        this are read one by one."""
        ...

    def remark(self, messages: Sequence[bytes]) -> str:
        """What to tell about signed bytes whose signatures do not hold, "" for nothing: a hint, never a verdict. Rules
        that lack this have nothing to tell."""
        ...

    def write_vote(self, vote: Vote) -> bytes:
        """In protobuf."""
        ...

    def equivocation(self, first: Vote, second: Vote, validators: ValidatorSet, time_ns: int) -> bytes:
        """Evidence, in protobuf, that one validator cast both votes, at a block of this time. InputError: the votes do
        not contradict each other."""
        ...

    def read_equivocation(self, data: Any, form: str, *, chain_id: str) -> tuple[Vote, Vote]:
        """The two votes of such evidence."""
        ...

    def attack_evidence(
        self,
        conflicting: LightBlock,
        common: LightBlock,
        trusted: LightBlock,
        *,
        byzantine: Sequence[Validator] | None = None,
    ) -> bytes:
        """Evidence, in protobuf, of an attack on light clients: a block that conflicts with the trusted one, and the
        last block that both chains share. byzantine: who misbehaved; None: those of whom it can be told."""
        ...


def names() -> tuple[str, ...]:
    """Chains that :func:`rules` knows."""
    return tuple(_MODULES)


def rules(chain: str) -> ConsensusRules:
    """The rules of a chain. UnknownNameError on an unknown name."""
    if chain not in _MODULES:
        raise UnknownNameError("chain", quote(chain), "one of " + ", ".join(map(repr, _MODULES)))
    if chain in _LOADED:
        return _LOADED[chain]
    try:
        found: ConsensusRules = import_module(_MODULES[chain]).RULES
    except ImportError as error:
        raise ImportError(explain(error), name=error.name) from error
    _LOADED[chain] = found
    return found


def check_chain_id(of_chain: ConsensusRules, chain_id: str) -> None:
    """InputError where a chain can have no such name: it becomes a part of every message that is signed, so a long one
    would cost as often."""
    if not isinstance(chain_id, str):
        raise InputError("chain_id", quote(chain_id), "text")
    most = getattr(of_chain, "chain_id_limit", None)
    size = len(chain_id.encode("utf-8", "surrogatepass"))
    if most is not None and size > most:
        raise LengthError("chain_id", f"{size} bytes", f"at most {most}")
