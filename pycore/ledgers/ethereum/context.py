"""The knowledge that is not in a block of Ethereum: :class:`EthereumContext`, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass

from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext

RULES = ("strict", "compatible")
MAX_RECEIPTS = 1 << 20


@dataclass(frozen=True)
class EthereumContext(JsonContext):
    """The chain and the place of a block in it. Every field may be left out.

    A check whose field is missing is reported as skipped, by name; it never passes silently.

    rules                "strict": signatures have low s (EIP-2); "compatible": also those before Homestead, with any s
    chain_id             EIP-155 number of the chain: 1 for mainnet
    block_hash           the block's hash, as known from elsewhere: what makes a block final is not in it
    receipts             of the block's transactions, each as the receipts trie has it; None: not known
    height               expected number
    previous_block_hash  hash of the block before this one, 32 bytes
    """

    rules: str = "strict"
    chain_id: int | None = None
    block_hash: bytes | None = None
    receipts: tuple[bytes, ...] | None = None
    height: int | None = None
    previous_block_hash: bytes | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "rules", fields.one_of("rules", self.rules, RULES))
        for name in ("chain_id", "height"):
            if getattr(self, name) is not None:
                put(self, name, fields.number(name, getattr(self, name), 63))
        for name in ("block_hash", "previous_block_hash"):
            if getattr(self, name) is not None:
                put(self, name, fields.octets(name, getattr(self, name), 32))
        if self.receipts is not None:
            given = fields.sequence("receipts", self.receipts)
            if len(given) > MAX_RECEIPTS:
                raise fields.refuse("receipts", f"{len(given)} of them", f"at most {MAX_RECEIPTS}")
            put(self, "receipts", tuple(fields.octets(f"receipts[{i}]", one) for i, one in enumerate(given)))

    @property
    def strict(self) -> bool:
        """Whether the strict rules apply."""
        return self.rules == "strict"
