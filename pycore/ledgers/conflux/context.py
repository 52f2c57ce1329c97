"""The knowledge that is not in a transaction of Conflux: :class:`ConfluxContext`, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass

from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext

RULES = ("strict", "compatible")


@dataclass(frozen=True)
class ConfluxContext(JsonContext):
    """The chain, and the epoch. Every field may be left out.

    rules                "strict": low s, and a receiver whose address has a type; "compatible": neither
    chain_id             1029 for mainnet, 1 for the test net
    height               epoch number that transactions are meant for: theirs is at most 100,000 away
    previous_block_hash  not used: no blocks are validated
    """

    rules: str = "strict"
    chain_id: int | None = None
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "rules", fields.one_of("rules", self.rules, RULES))
        if self.chain_id is not None:
            put(self, "chain_id", fields.number("chain_id", self.chain_id, 32, least=1))
        if self.height is not None:
            put(self, "height", fields.number("height", self.height, 63))
        if self.previous_block_hash is not None:
            put(self, "previous_block_hash", fields.octets("previous_block_hash", self.previous_block_hash, 32))

    @property
    def strict(self) -> bool:
        """Whether the strict rules apply."""
        return self.rules == "strict"
