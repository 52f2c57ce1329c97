"""The knowledge of a FISCO BCOS node that is not in a block: :class:`FiscoContext`, and its JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pycore.errors import InputError
from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext

HASHES = ("keccak256", "sm3")
"""Of a standard chain and of a national-crypto chain; each has one hash for everything."""
SCHEMES = {"keccak256": "ecdsa-secp256k1", "sm3": "sm2"}
"""Hash of a chain -> its signatures: the genesis block decides both at once."""
RULES = ("strict", "compatible")
GENERATIONS = (3, 2)
NODE_ID_SIZE = 64
MAX_SEALERS = 1 << 12
"""Sealers of a list: bounds what one certificate can cost. Networks have four to some hundred."""


@dataclass(frozen=True)
class FiscoContext(JsonContext):
    """The chain's configuration and the place of the block in it. Every field may be left out.

    A check whose field is missing is reported as skipped, by name; it never passes silently.

    generation           3 for FISCO BCOS 3.x, 2 for 2.x, whose records and hashes have nothing in common
    hash                 "keccak256" (signatures on secp256k1) | "sm3" (SM2); None: the one under which the hash that
                         the block's header states is right
    rules                "strict" | "compatible"
    chain_id, group_id   expected of every transaction, as text; 2.x: decimal
    sealers              node ids of the consensus nodes at this height, 64 bytes each, in hexadecimal and in the order
                         of the header's list
    weights              of the sealers, in their order; (): each has 1. 2.x has none
    single_sealer        the chain runs with `experimental.single_point_consensus`: one signature is a quorum
    block_limit          blocks that a transaction may wait: `chain.block_limit` of the nodes' configuration
    web3_chain_id        EIP-155 chain id of the transactions that are Ethereum's; None: not compared
    recent_nonces        nonces of transactions in the last `block_limit` blocks; None: not known, so that a nonce is
                         only compared with the others of its block
    height               expected height
    previous_block_hash  hash of the block before this one, 32 bytes
    """

    generation: int = 3
    hash: str | None = None
    rules: str = "strict"
    chain_id: str | None = None
    group_id: str | None = None
    sealers: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    single_sealer: bool = False
    block_limit: int = 600
    web3_chain_id: int | None = None
    recent_nonces: tuple[str, ...] | None = None
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        for name, value in (*self._choices(), *self._consensus(), *self._place()):
            object.__setattr__(self, name, value)
        if self.weights and len(self.weights) != len(self.sealers):
            wanted = f"one for each of the {len(self.sealers)} sealers, or none"
            raise InputError("context.weights", got=f"{len(self.weights)} weights", wanted=wanted)
        if self.generation == 2 and self.weights:
            raise InputError("context.weights", got=f"{len(self.weights)} weights", wanted="none: 2.x has none")

    def _choices(self) -> Iterator[tuple[str, Any]]:
        yield "generation", check_generation(self.generation, "context.generation")
        if self.hash is not None:
            aliases = {"keccak-256": "keccak256", "ecdsa": "keccak256", "sm": "sm3", "gm": "sm3"}
            yield "hash", fields.one_of("hash", self.hash, HASHES, aliases=aliases)
        yield "rules", fields.one_of("rules", self.rules, RULES)
        for name in ("chain_id", "group_id"):
            if getattr(self, name) is not None:
                yield name, fields.word(name, getattr(self, name), empty=True)
        if self.recent_nonces is not None:
            yield "recent_nonces", fields.texts("recent_nonces", self.recent_nonces)

    def _consensus(self) -> Iterator[tuple[str, Any]]:
        sealers = fields.sequence("sealers", self.sealers)
        if len(sealers) > MAX_SEALERS:
            raise fields.refuse("sealers", f"{len(sealers)} of them", f"at most {MAX_SEALERS}")
        ids = tuple(fields.octets(f"sealers[{i}]", one, NODE_ID_SIZE).hex() for i, one in enumerate(sealers))
        if len(set(ids)) < len(ids):
            raise fields.refuse("sealers", "a node id that is there twice", "each node once")
        yield "sealers", ids
        weights = fields.sequence("weights", self.weights)
        yield "weights", tuple(fields.number(f"weights[{i}]", one, 63, least=1) for i, one in enumerate(weights))
        if type(self.single_sealer) is not bool:
            raise fields.refuse("single_sealer", self.single_sealer, "true or false")

    def _place(self) -> Iterator[tuple[str, Any]]:
        yield "block_limit", fields.number("block_limit", self.block_limit, 63, least=1)
        if self.web3_chain_id is not None:
            yield "web3_chain_id", fields.number("web3_chain_id", self.web3_chain_id, 64)
        if self.height is not None:
            yield "height", fields.number("height", self.height, 63)
        if self.previous_block_hash is not None:
            yield "previous_block_hash", fields.octets("previous_block_hash", self.previous_block_hash, 32)

    @property
    def strict(self) -> bool:
        """Whether the strict rules apply."""
        return self.rules == "strict"


def check_generation(value: Any, name: str = "generation") -> int:
    """3 or 2, also as text. InputError for anything else."""
    found = int(value) if value in ("2", "3") else value
    if type(found) is not int or found not in GENERATIONS:
        raise InputError(name, got=repr(value)[:40], wanted="3 or 2")
    return found


def check_hash(value: Any) -> str | None:
    """The hash of a chain; None: the record's own stated hash has to tell. InputError on any other."""
    return None if value is None else fields.one_of("hash", value, HASHES)
