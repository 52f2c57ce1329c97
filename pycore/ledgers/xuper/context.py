"""The knowledge that a XuperChain block cannot bring itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext
from pycore.ledgers.xuper.acl import AccessList, is_account

RULES = ("strict", "compatible")
CONSENSUS = ("chained-bft", "single", "none")
CRYPTO = ("p-256", "sm2")


@dataclass(frozen=True)
class XuperContext(JsonContext):
    """The basis on which a block is judged. Every field may be missing: the checks that need it are then skipped.

    rules                 "strict" | "compatible": see :mod:`pycore.ledgers.xuper`
    chain_name            name of the chain; in the names of accounts behind "@"
    crypto                "p-256" | "sm2": the curve of the chain's nodes
    consensus             "chained-bft": TDPoS, XPoS and XPoA with a certificate in the next block; "single": one node
                          makes all blocks; "none": nothing but the proposer's signature stands behind a block
    validators            addresses of the validators
    terms                 term -> addresses of its validators, where they change by terms; then `validators` is not used
    previous_term         of the block before, where there are terms; in a run it follows the blocks
    start_height          height at which the consensus began: up to it blocks carry no certificate
    next_block            the block after this one, with or without its transactions: it carries this one's certificate
    accounts              account -> access list
    height                of this block
    previous_block_hash   32 bytes
    """

    rules: str = "strict"
    chain_name: str | None = None
    crypto: str | None = None
    consensus: str | None = None
    validators: tuple[str, ...] = ()
    terms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    previous_term: int | None = None
    start_height: int | None = None
    next_block: bytes | None = None
    accounts: Mapping[str, AccessList] = field(default_factory=dict)
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        found: dict[str, Any] = {
            "rules": fields.one_of("rules", self.rules, RULES),
            "validators": _addresses("validators", self.validators),
            "terms": {_term(key): _addresses(f"terms[{key}]", value) for key, value in _entries(self.terms)},
            "accounts": {
                _account(name): AccessList.read(f"accounts[{name!r}]", value)
                for name, value in fields.items("accounts", self.accounts)
            },
        }
        if self.chain_name is not None:
            found["chain_name"] = fields.word("chain_name", self.chain_name)
        for name, wanted in (("crypto", CRYPTO), ("consensus", CONSENSUS)):
            if getattr(self, name) is not None:
                found[name] = fields.one_of(name, getattr(self, name), wanted)
        for name in ("height", "start_height", "previous_term"):
            if getattr(self, name) is not None:
                found[name] = fields.number(name, getattr(self, name), 63)
        if self.next_block is not None:
            found["next_block"] = fields.octets("next_block", self.next_block)
        if self.previous_block_hash is not None:
            found["previous_block_hash"] = fields.octets("previous_block_hash", self.previous_block_hash, 32)
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def strict(self) -> bool:
        """Whether the stricter rules hold."""
        return self.rules == "strict"

    def voters(self, term: int | None) -> tuple[str, ...]:
        """The validators of a term; nobody where that is not known."""
        if not self.terms:
            return self.validators
        return () if term is None else self.terms.get(term, ())


def _addresses(name: str, value: Any) -> tuple[str, ...]:
    found = fields.words(name, value)
    if len(set(found)) < len(found):
        raise fields.refuse(name, "an address twice", "each address once")
    return found


def _entries(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, Mapping):
        raise fields.refuse("terms", type(value).__name__, "a mapping (JSON object)")
    return list(value.items())


def _term(value: Any) -> int:
    """JSON has its keys as texts."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return fields.number("terms", value, 63)


def _account(name: str) -> str:
    if not is_account(name):
        raise fields.refuse("accounts", repr(name), "names such as XC1111111111111111@xuper")
    return name
