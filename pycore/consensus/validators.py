"""Validators and their sets: keys, power, order and hash, and the verification of what they sign.

>>> from pycore.consensus import Validator, ValidatorSet
>>> keys = [bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), b"B" * 32]
>>> validators = ValidatorSet([Validator(keys[0], 10), Validator(keys[1], 20)])
>>> validators.powers.tolist(), validators.total, validators.index(validators.addresses[1])
([20, 10], 30, 1)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import as_column, index_array, one_bytes, quote, same_n
from pycore.base.verdicts import Verdicts
from pycore.consensus.chains import rules
from pycore.consensus.keyrings import Keyring, verify_places
from pycore.consensus.quorum import Electorate
from pycore.consensus.votes import checked_form
from pycore.errors import InputError, LengthError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import ArrayLike, NDArray

    from pycore.base.columns import BatchOfBytes
    from pycore.consensus.chains import ConsensusRules

__all__ = ["Validator", "ValidatorSet"]


@dataclass(frozen=True, slots=True)
class Validator:
    """One validator.

    public_key  as the scheme has it: Ed25519 32 bytes, secp256k1 33 bytes, compressed
    power       voting power
    scheme      as :func:`pycore.verify` names it. A chain may have others too ("sr25519", "bls12-381"): they are read,
                and no signature of theirs is ever valid.
    address     empty: the chain's rule derives it from the key; a set refuses any other one
    priority    proposer priority: never hashed, and no part of a set's equality
    """

    public_key: bytes
    power: int
    scheme: str = "ed25519"
    address: bytes = b""
    priority: int = 0


class Rulings:
    """Decisions on votes by one set, by all that they follow from. Bounded: forgets everything when full, and keeps
    nothing of very large commits. Threads may write at once, since they write equal values."""

    __slots__ = ("_found",)
    most, most_bytes = 64, 1 << 14

    def __init__(self) -> None:
        self._found: dict[tuple[Hashable, ...], Any] = {}

    def get(self, key: tuple[Hashable, ...]) -> Any:
        """None where it is not known."""
        return self._found.get(key)

    def put(self, key: tuple[Hashable, ...], ruling: Any) -> None:
        """The last part of the key are the votes, as bytes."""
        if len(key[-1]) <= self.most_bytes:  # type: ignore[arg-type]
            if len(self._found) >= self.most:
                self._found = {}
            self._found[key] = ruling


class ValidatorSet:
    """Validators in the canonical order of their chain. Immutable, and safe to use from any number of threads.

    Attributes:
        chain: whose rules it follows.
        validators, addresses: in canonical order.
        powers: int64 (n,).
        total: of the powers.
        electorate: positions and powers, for :func:`pycore.consensus.tally`.
        keyring: the prepared keys.
        rulings: what was decided of votes, for whoever decides.

    Raises:
        InputError: a malformed key, a power that the chain refuses, a total above its limit, an address that is not the
            key's, one key or address twice, no validators without `empty`, more than the chain can have.
    """

    def __init__(self, validators: Iterable[Validator], *, chain: str = "cometbft", empty: bool = False) -> None:
        self._rules = rules(chain)
        self.chain = self._rules.chain
        checked = _checked(self._rules, validators, empty)
        self.validators: tuple[Validator, ...] = tuple(self._rules.order(checked))
        self.addresses: tuple[bytes, ...] = tuple(one.address for one in self.validators)
        powers = [one.power for one in self.validators]
        self.total = sum(powers)
        self.powers: NDArray[np.int64] = np.array(powers, np.int64)
        self.powers.flags.writeable = False
        self.electorate = Electorate(dict(enumerate(powers)), limit=self._rules.power_limit)
        self._places = {address: i for i, address in enumerate(self.addresses)}
        self.rulings = Rulings()
        self.keyring = Keyring([(one.scheme, one.public_key) for one in self.validators], self._rules.options)

    @classmethod
    def read(cls, data: Any, *, chain: str = "cometbft", form: str = "rpc") -> ValidatorSet:
        """From what a node answers. InputError: `data` is nothing of the kind, or no set."""
        return cls(rules(chain).read_validators(data, checked_form(form)), chain=chain)

    def to_bytes(self) -> bytes:
        """In the chain's protobuf form."""
        return self._rules.write_validators(self)

    @property
    def rules(self) -> ConsensusRules:
        """Of the chain."""
        return self._rules

    @cached_property
    def hash(self) -> bytes:
        """As the chain's headers carry it. InputError: the chain has no hash for a set with such keys."""
        return self._rules.set_hash(self.validators)

    @cached_property
    def octets(self) -> bytes:
        """The addresses, one after another."""
        return b"".join(self.addresses)

    @cached_property
    def address_rows(self) -> NDArray[np.uint8]:
        """uint8 (n, width): the addresses."""
        width = len(self.addresses[0]) if self.addresses else 0
        rows = np.frombuffer(self.octets, np.uint8).reshape(len(self), width)
        rows.flags.writeable = False
        return rows

    @property
    def unbuilt(self) -> tuple[str, ...]:
        """Schemes of validators here whose signatures cannot be checked."""
        return tuple(sorted({one.scheme for one in self.validators} - set(self._rules.options)))

    def index(self, address: bytes) -> int | None:
        """Position of the validator with this address."""
        return self._places.get(bytes(address))

    def moved(self, validators: Iterable[Validator]) -> ValidatorSet:
        """The set of these validators. Keys that stay keep what was prepared for them; see
        :class:`pycore.consensus.keyrings.Keyring`."""
        after = ValidatorSet(validators, chain=self.chain)
        after.keyring = self.keyring.moved(after.keyring)
        return after

    def verify(
        self, positions: ArrayLike, signatures: BatchOfBytes, messages: BatchOfBytes, *, threads: int | None = None
    ) -> Verdicts:
        """Verify n signatures, each by the validator at a position, by the chain's rules for the scheme.

        Args:
            positions: n integers from 0 to ``len(self) - 1``.
            signatures: n signatures of any length: a wrong one is MALFORMED_SIGNATURE.
            messages: n messages.

        Returns:
            n verdicts, each as if it were alone; equal signatures of one message by one validator are verified once.
            UNSUPPORTED_ALGORITHM where the scheme is among :attr:`unbuilt`.

        Raises:
            InputError: a position outside the set, or counts that differ.
        """
        places = index_array(positions, "positions", len(self))
        signature_column = as_column(signatures, "signatures", widths=(64,))
        message_column = as_column(messages, "messages")
        same_n("signatures", signature_column, len(places), "positions")
        same_n("messages", message_column, len(places), "positions")
        if not len(places):
            return Verdicts(b"")
        codes = verify_places([(self.keyring, slice(None))], places, signature_column, message_column, threads)
        return Verdicts.of_kernel(codes)

    def __len__(self) -> int:
        return len(self.validators)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ValidatorSet):
            return NotImplemented
        return self is other or self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        """All that sets are told apart by: what is hashed, also where the chain has no hash for a scheme."""
        return self.chain, *((one.scheme, one.public_key, one.power) for one in self.validators)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.validators, self.chain)

    def __repr__(self) -> str:
        return f"ValidatorSet({len(self)} validators, power {self.total}, {self.chain!r})"


def _rebuilt(validators: tuple[Validator, ...], chain: str) -> ValidatorSet:
    return ValidatorSet(validators, chain=chain, empty=True)


def _checked(chain: ConsensusRules, validators: Iterable[Any], empty: bool) -> list[Validator]:
    """The validators with their addresses, each checked, in the order given."""
    found: list[Validator] = []
    places: dict[bytes, int] = {}
    total = 0
    for i, one in enumerate(validators):
        if i >= chain.size_limit:
            raise LengthError("validators", f"more than {chain.size_limit}", f"at most {chain.size_limit}")
        if not isinstance(one, Validator):
            raise InputError(f"validators[{i}]", quote(one), "a Validator")
        power: Any = one.power
        if isinstance(power, bool) or not isinstance(power, (int, np.integer)) or power < chain.lowest_power:
            raise InputError(f"validators[{i}].power", quote(power), f"an integer of {chain.lowest_power} or more")
        total += int(power)
        if total > chain.power_limit:
            raise InputError(
                "validators", f"a total power of {total} up to validator {i}", f"at most {chain.power_limit}"
            )
        if type(one.public_key) is not bytes or type(one.address) is not bytes:
            one = _of_bytes(one, f"validators[{i}]")
        try:
            address = chain.address(one.scheme, one.public_key)
        except InputError as error:
            raise InputError(f"validators[{i}].{error.field}", error.got, error.wanted) from None
        if one.address and one.address != address:
            raise InputError(f"validators[{i}].address", one.address.hex(), f"{address.hex()}, the key's")
        earlier = places.setdefault(address, i)
        if earlier != i:
            raise InputError(f"validators[{i}].address", f"{address.hex()}, as of validator {earlier}", "another one")
        found.append(one if one.address and type(power) is int else replace(one, address=address, power=int(power)))
    if not found and not empty:
        raise InputError("validators", "none", "at least one")
    return found


def _of_bytes(one: Validator, name: str) -> Validator:
    """With key and address as bytes, which nobody can change any more."""
    key, address = one_bytes(one.public_key, f"{name}.public_key"), one_bytes(one.address, f"{name}.address")
    return replace(one, public_key=key, address=address)
