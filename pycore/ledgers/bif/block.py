"""Opens a block: header and parts as messages, transactions as spans. Nothing is judged here.

The chain has no message for a whole block: a node stores header, consensus value and proof in three places, and the
proof of a block arrives with the next one. LedgerBundle (proto/pycore/ledgers/bif/v1/ledger.proto) puts them together,
each as the bytes that are hashed, so that nothing has to be encoded again before its hash is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycore.errors import InputError
from pycore.ledgers.bif import headers, plans
from pycore.ledgers.bif.headers import Header
from pycore.ledgers.bif.messages import MAX_PROOF, LedgerBundle, ValidatorSet, as_written, parse
from pycore.ledgers.bif.messages import ConsensusValue as ConsensusValueMessage
from pycore.ledgers.scan import Spans, Tables

MAX_BLOCK_BYTES = 64 << 20
"""Bytes of a block; nodes stop at 18 MB for a consensus value (bumo, General::TXSET_LIMIT_SIZE)."""
MAX_RECORDS = 1 << 18
"""Transactions of a block that are read."""
MIN_TRANSACTION_BYTES = 64
"""Bytes that transactions have on average where there are more than FEW_RECORDS: a signature alone is as long."""
FEW_RECORDS = 1 << 12


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A consensus value in parts.

    Attributes:
        data: its bytes, of which the hash is taken.
        seq, close_time, previous_hash, previous_proof: its fields.
        upgraded: addresses of the validators that it sets; empty where it sets none.
        transactions: serialised TransactionEnv records.
        packed: whether it has transactions in another form, which is not public.
    """

    data: bytes
    seq: int
    close_time: int
    previous_hash: bytes
    previous_proof: bytes
    upgraded: tuple[str, ...]
    transactions: Spans
    packed: bool


@dataclass(frozen=True, slots=True, eq=False)
class OpenBlock:
    """A block in parts.

    Attributes:
        header: as a message.
        value: the consensus value; None where the block came without.
        previous_proof: the proof of the block before that this one carries; None where it is not known.
        next_proof: the proof of this block; b"" where it is not known.
        validators: ValidatorSet after this block, where it came with one.
        written: whether bundle and header are encoded as a writer encodes them.
        size: bytes of the whole.
    """

    header: Header
    value: Value | None
    previous_proof: bytes | None
    next_proof: bytes
    validators: Any
    written: bool
    size: int


def open_block(data: bytes, variant: str) -> OpenBlock:
    """A block from a serialised LedgerBundle. InputError where the bytes are not one."""
    if not data or len(data) > MAX_BLOCK_BYTES:
        raise InputError("block", got=f"{len(data)} bytes", wanted=f"a LedgerBundle of at most {MAX_BLOCK_BYTES} bytes")
    bundle = parse(LedgerBundle, data, "block")
    if not bundle.header:
        raise InputError("block.header", got="nothing", wanted="a serialised LedgerHeader")
    header = headers.read_header(bundle.header, variant, "block.header")
    value = open_value(bundle.consensus_value, "block.consensus_value") if bundle.consensus_value else None
    for name in ("next_proof", "validators", "previous_proof"):
        if len(getattr(bundle, name)) > MAX_PROOF:
            got = f"{len(getattr(bundle, name))} bytes"
            raise InputError(f"block.{name}", got, f"at most {MAX_PROOF}")
    if value is not None and bundle.previous_proof:
        raise InputError("block.previous_proof", "a proof next to a consensus value", "the one inside it alone")
    previous = value.previous_proof if value is not None else bundle.previous_proof or None
    validators = parse(ValidatorSet, bundle.validators, "block.validators") if bundle.validators else None
    written = as_written(bundle, data) and as_written(header, bundle.header)
    return OpenBlock(header, value, previous, bundle.next_proof, validators, written, len(data))


def open_value(data: bytes, field: str) -> Value:
    """A consensus value from its bytes. InputError where they are not one."""
    view = np.frombuffer(data, np.uint8)
    records = Spans(view, np.array([[0, view.size]], np.int64))
    limits = {"txs": MAX_RECORDS}
    tables = plans.CONSENSUS_VALUE.scan(records, room={"txs": min(view.size // 64 + 16, MAX_RECORDS)}, limits=limits)
    if tables.faulty:
        raise tables.refusal(field, "a ConsensusValue", len(data))
    count = tables.counts["txs"]
    if count > MAX_RECORDS:
        raise InputError(f"{field}.txset", f"more than {MAX_RECORDS} transactions", f"at most {MAX_RECORDS}")
    if count > FEW_RECORDS and len(data) < MIN_TRANSACTION_BYTES * count:
        wanted = f"at least {MIN_TRANSACTION_BYTES} bytes for each of more than {FEW_RECORDS} transactions"
        raise InputError(f"{field}.txset", f"{count} transactions in {len(data)} bytes", wanted)
    return Value(
        data=data,
        seq=int(tables.number("value", "ledger_seq")[0]),
        close_time=int(tables.number("value", "close_time")[0]),
        previous_hash=tables.span("value", "previous_ledger_hash")[0],
        previous_proof=_bounded(tables, "previous_proof", field),
        upgraded=_upgraded(tables, field),
        transactions=tables.span("txs"),
        packed=not tables.span("value", "txs").absent[0],
    )


def _bounded(tables: Tables, name: str, field: str) -> bytes:
    found = tables.span("value", name)
    if int(found.lengths[0]) > MAX_PROOF:
        raise InputError(f"{field}.{name}", f"{int(found.lengths[0])} bytes", f"at most {MAX_PROOF}")
    return found[0]


def _upgraded(tables: Tables, field: str) -> tuple[str, ...]:
    data = _bounded(tables, "ledger_upgrade", field)
    if not data:
        return ()
    message = ConsensusValueMessage()
    upgrade = parse(type(message.ledger_upgrade), data, f"{field}.ledger_upgrade")
    return tuple(upgrade.new_validator_list)


def paired(blocks: Iterable[Any]) -> Iterator[Any]:
    """Blocks of a run, each with the proof that the next one carries of it; the last stays as it is. One block is read
    ahead. Whatever does not open is passed on: its error is for its own place in the run."""
    before: Any = None
    for block in blocks:
        if before is not None:
            yield _with_proof(before, block)
        before = block
    if before is not None:
        yield before


def _with_proof(block: Any, after: Any) -> Any:
    try:
        data, following = bytes(memoryview(block)), bytes(memoryview(after))
        bundle, later = parse(LedgerBundle, data, "block"), parse(LedgerBundle, following, "block")
        if bundle.next_proof:
            return block
        proof = later.previous_proof
        if later.consensus_value:
            proof = open_value(later.consensus_value, "block").previous_proof
    except (InputError, TypeError):
        return block
    if not proof or len(proof) > MAX_PROOF:
        return block
    bundle.next_proof = proof
    return (
        bundle.SerializeToString(deterministic=True) if as_written(parse(LedgerBundle, data, "block"), data) else block
    )
