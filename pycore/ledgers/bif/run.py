"""Runs of blocks in which the two blocks after a block make it final.

A block is given what the next ones tell of it: the proof of it that the next block carries, that block's consensus
value, and the proof of that one which the block after carries. Whatever a block has already stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pycore.errors import InputError
from pycore.ledgers.bif.block import open_value
from pycore.ledgers.bif.messages import MAX_PROOF, LedgerBundle, as_written, parse
from pycore.ledgers.runs import LinkedState


class BifState(LinkedState):
    """The knowledge of a run between two blocks. What does not open is held as it is."""

    ahead = 2

    def _opened(self, block: Any) -> Any:
        data = super()._opened(block)
        return data, _parts(data)

    def _with(self, held: Any, context: Any, after: Sequence[Any]) -> tuple[Any, Any]:
        return _final([held, *after]), context


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A block as it came, its consensus value, and the proof that it carries of the one before."""

    bundle: Any
    value: bytes
    previous_proof: bytes


def _parts(block: Any) -> _Parts | None:
    """None where it does not open, or is not as a writer puts it: such a block must not be changed."""
    if not isinstance(block, bytes):
        return None
    try:
        bundle = parse(LedgerBundle, block, "block")
        value = open_value(bundle.consensus_value, "block") if bundle.consensus_value else None
    except InputError:
        return None
    if not as_written(bundle, block):
        return None
    return _Parts(bundle, bundle.consensus_value, bundle.previous_proof if value is None else value.previous_proof)


def _final(ahead: Sequence[tuple[Any, _Parts | None]]) -> Any:
    (block, own), *rest = ahead
    following = [parts for _, parts in rest]
    after = following[0] if following else None
    if own is None or after is None:
        return block
    whole = own.bundle
    if not whole.next_proof and len(after.previous_proof) <= MAX_PROOF:
        whole.next_proof = after.previous_proof
    last = following[1] if len(following) > 1 else None
    proof = after.bundle.next_proof or (last.previous_proof if last is not None else b"")
    if not whole.HasField("finality") and after.value and proof and len(proof) <= MAX_PROOF:
        whole.finality.next_value, whole.finality.proof = after.value, proof
    return whole.SerializeToString(deterministic=True)
