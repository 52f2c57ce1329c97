"""The knowledge of a BIF node that is not in a block: :class:`BifContext`, and its JSON form."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pycore.consensus import Electorate, Rule
from pycore.errors import InputError
from pycore.ledgers import fields
from pycore.ledgers.bif import headers, keys
from pycore.ledgers.bif.messages import MAX_HEADER, MAX_VALIDATORS
from pycore.ledgers.contexts import JsonContext

RULES = ("strict", "compatible")
CONSENSUS = ("pbft", "xbft")
OTHER_ACCOUNTS = ("unknown", "single")
MAX_SIGNERS = 100
"""Signers of an account, and signatures of a transaction (chain.proto, Limit and Signer.Limit)."""


@dataclass(frozen=True)
class Validator:
    """A validator: its address, and what it has pledged, which its set's hash covers."""

    address: str
    pledge: int = 0

    def to_plain(self) -> Any:
        """As JSON has it: the address where nothing is pledged."""
        return self.address if not self.pledge else {"address": self.address, "pledge": self.pledge}


@dataclass(frozen=True)
class Account:
    """Who may sign for an account: transactions need signatures of `threshold` weight together.

    master_weight   of the account's own key
    threshold       tx_threshold of the account
    signers         address -> weight of the others
    """

    master_weight: int = 1
    threshold: int = 1
    signers: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("master_weight", "threshold"):
            fields.number(f"accounts.{name}", getattr(self, name), 63)
        name = "accounts.signers"
        signers = {address: fields.number(name, weight, 63) for address, weight in fields.items(name, self.signers)}
        if len(signers) > MAX_SIGNERS:
            raise fields.refuse("accounts.signers", f"{len(signers)} signers", f"at most {MAX_SIGNERS}")
        object.__setattr__(self, "signers", MappingProxyType(signers))

    def to_plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"master_weight": self.master_weight, "threshold": self.threshold, "signers": dict(self.signers)}

    def electorate(self, owner: str) -> Electorate:
        """Who may sign, with weights. The owner's key has the master weight and no other."""
        powers: dict[Hashable, int] = dict(self.signers.items())
        powers[owner] = self.master_weight
        return Electorate(powers, limit=(1 << 63) * (MAX_SIGNERS + 1))

    @property
    def rule(self) -> Rule:
        """How much weight is enough. A threshold of 0 asks for a signature all the same."""
        return Rule.at_least(max(1, self.threshold))


class Table(dict[str, Any]):
    """A mapping by addresses that were checked for a kind of ledger, once: contexts change with every block. Not to be
    changed."""

    def __init__(self, values: Mapping[str, Any], variant: str) -> None:
        super().__init__(values)
        self.variant = variant


class Checked(tuple[Any, ...]):
    """Addresses or validators that were checked for a kind of ledger, in order, each once."""

    variant: str

    def __new__(cls, values: Iterable[Any], variant: str) -> Checked:
        """values: what was checked; it may repeat."""
        made = super().__new__(cls, dict.fromkeys(values))
        made.variant = variant
        return made


def _checked(value: Any, variant: str) -> bool:
    return isinstance(value, (Table, Checked)) and value.variant == variant


@dataclass(frozen=True)
class BifContext(JsonContext):
    """The chain's configuration and the place of the block in it. Every field may be left out.

    A check whose field is missing is reported as skipped, by name; it never passes silently.

    variant              "bif" | "bumo": BIF-Core 1.x, or ledgers of BUMO's kind: other headers, keys and addresses, and
                         transactions that are not read
    rules                "strict" | "compatible"
    chain_id             of header and transactions; None: the header's, which is then not compared
    chain_code           that addresses of this ledger may have in front; None: any
    domains              domains whose transactions are expected; None: not known. Domain 0 is always
    consensus            "pbft" | "xbft"
    validators           that sign this block, in the chain's order: those after the block before. Each an address, or
                         {"address", "pledge"}
    previous_validators  that signed the block before; None: the same
    next_validators      a set that a header may name from now on, where the block itself does not bring it
    handover             the block before changed the validators and its header was not proven: this one's proof must
                         have a quorum of the previous ones as well, see :mod:`pycore.ledgers.bif.certificate`
    accounts             address -> {"master_weight", "threshold", "signers"}: who may sign for accounts
    other_accounts       "unknown" | "single": the others; "single": only the owner signs, and suffices
    changed_accounts     accounts of which a transaction since has set who may sign
    nonces               address -> nonce of its last transaction in domain 0; None: not known
    previous_header      header of the block before, serialised: the proof that this block carries is about it
    height               expected height
    previous_block_hash  hash of the block before this one, 32 bytes
    """

    variant: str = "bif"
    rules: str = "strict"
    chain_id: int | None = None
    chain_code: str | None = None
    domains: tuple[int, ...] | None = None
    consensus: str = "pbft"
    validators: tuple[Validator, ...] = ()
    previous_validators: tuple[Validator, ...] | None = None
    next_validators: tuple[Validator, ...] = ()
    handover: bool = False
    accounts: Mapping[str, Account] = field(default_factory=dict)
    other_accounts: str = "unknown"
    changed_accounts: tuple[str, ...] = ()
    nonces: Mapping[str, int] | None = None
    previous_header: bytes | None = None
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        for name, value in (*self._choices(), *self._sets(), *self._place()):
            object.__setattr__(self, name, value)

    def _choices(self) -> Iterator[tuple[str, Any]]:
        yield "variant", fields.one_of("variant", self.variant, tuple(keys.VARIANTS))
        yield "rules", fields.one_of("rules", self.rules, RULES)
        yield "consensus", fields.one_of("consensus", self.consensus, CONSENSUS)
        yield "other_accounts", fields.one_of("other_accounts", self.other_accounts, OTHER_ACCOUNTS)
        if type(self.handover) is not bool:
            raise fields.refuse("handover", self.handover, "True or False")
        if self.chain_id is not None:
            yield "chain_id", fields.number("chain_id", self.chain_id, 63)
        if self.chain_code is not None:
            yield "chain_code", fields.word("chain_code", self.chain_code, empty=True)
        if self.domains is not None:
            found = (fields.number("domains", one, 31) for one in fields.sequence("domains", self.domains))
            yield "domains", tuple(dict.fromkeys(found))

    def _sets(self) -> Iterator[tuple[str, Any]]:
        variant = fields.one_of("variant", self.variant, tuple(keys.VARIANTS))
        for name in ("validators", "previous_validators", "next_validators"):
            value = getattr(self, name)
            if value is not None and not _checked(value, variant):
                yield name, _validators(name, value, variant)
        if not _checked(self.accounts, variant):
            found = fields.items("accounts", self.accounts)
            yield "accounts", Table({_address("accounts", a, variant): _account(v) for a, v in found}, variant)
        if not _checked(self.changed_accounts, variant):
            words = fields.words("changed_accounts", self.changed_accounts)
            yield "changed_accounts", Checked((_address("changed_accounts", a, variant) for a in words), variant)
        if self.nonces is not None and not _checked(self.nonces, variant):
            listed = fields.items("nonces", self.nonces)
            nonces = {_address("nonces", a, variant): fields.number("nonces", v, 63) for a, v in listed}
            yield "nonces", Table(nonces, variant)

    def _place(self) -> Iterator[tuple[str, Any]]:
        if self.height is not None:
            yield "height", fields.number("height", self.height, 63, least=1)
        if self.previous_block_hash is not None:
            yield "previous_block_hash", fields.octets("previous_block_hash", self.previous_block_hash, 32)
        if self.previous_header is not None:
            found = fields.octets("previous_header", self.previous_header)
            if len(found) > MAX_HEADER:
                raise fields.refuse("previous_header", f"{len(found)} bytes", f"at most {MAX_HEADER}")
            variant = fields.one_of("variant", self.variant, tuple(keys.VARIANTS))
            headers.read_header(found, variant, "context.previous_header")
            yield "previous_header", found

    @cached_property
    def strict(self) -> bool:
        """Whether the rules are the strict ones."""
        return self.rules == "strict"


def _validators(name: str, value: Any, variant: str) -> tuple[Validator, ...]:
    found = []
    for entry in fields.sequence(name, value):
        if isinstance(entry, Validator):
            address, pledge = entry.address, entry.pledge
        elif isinstance(entry, Mapping):
            given = dict(fields.items(name, entry))
            if "address" not in given or not given.keys() <= {"address", "pledge"}:
                raise fields.refuse(name, ", ".join(sorted(given)) or "nothing", "fields address, pledge")
            address, pledge = given["address"], given.get("pledge", 0)
        else:
            address, pledge = entry, 0
        found.append(Validator(_address(name, address, variant), fields.number(f"{name}.pledge", pledge, 63)))
    if len(found) > MAX_VALIDATORS:
        raise fields.refuse(name, f"{len(found)} validators", f"at most {MAX_VALIDATORS}")
    if len({one.address for one in found}) < len(found):
        raise fields.refuse(name, "a validator twice", "each validator once")
    return Checked(found, variant)


def _address(name: str, value: Any, variant: str) -> str:
    found = fields.word(name, value)
    if not keys.is_address(found, variant=variant):
        wanted = "did:bid:[code:]ef... or zf... of 22 bytes" if variant == "bif" else "an address, buQ..."
        raise fields.refuse(name, repr(found), wanted)
    return found


def _account(value: Any) -> Account:
    if isinstance(value, Account):
        return value
    given = dict(fields.items("accounts", value))
    wanted = ("master_weight", "threshold", "signers")
    if not given.keys() <= set(wanted):
        raise fields.refuse("accounts", ", ".join(sorted(given)), "fields " + ", ".join(wanted))
    return Account(**given)


def input_validators(data: Any, name: str, variant: str) -> tuple[Validator, ...]:
    """Validators from a ValidatorSet message. InputError where they are more than are read, have no address, or one
    occurs twice."""
    pairs = [Validator(one.address, one.pledge_coin_amount) for one in data.validators]
    try:
        return _validators(name, pairs, variant)
    except InputError as error:
        raise InputError(error.field.removeprefix("context."), error.got, error.wanted) from None
