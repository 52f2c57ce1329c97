"""Opens a block: header and parts as messages, transactions as spans. Nothing is judged here.

The chain has no message for a whole block: a node stores header, consensus value and proof in three places, and the
proof of a block arrives with the next one. LedgerBundle (proto/pycore/ledgers/bif/v1/ledger.proto) puts them together,
each as the bytes that are hashed, so that nothing has to be encoded again before its hash is taken.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycore.errors import InputError
from pycore.ledgers.bif import headers, plans
from pycore.ledgers.bif.headers import GENESIS, Header
from pycore.ledgers.bif.messages import (
    MAX_PROOF,
    LedgerBundle,
    LedgerUpgrade,
    ValidatorSet,
    as_written,
    parse,
    parse_counted,
)
from pycore.ledgers.scan import FLAGS, Spans, Tables

MAX_BLOCK_BYTES = 64 << 20
"""Bytes of a block; nodes stop at 18 MB for a consensus value (bumo, General::TXSET_LIMIT_SIZE)."""
MAX_HEIGHT = (1 << 62) - 1
"""Heights above this are not read: the next one must be a number as well."""
MAX_RECORDS = 1 << 18
"""Transactions of a block that are read."""
MIN_TRANSACTION_BYTES = 64
"""Bytes that transactions have on average where there are more than FEW_RECORDS: a signature alone is as long."""
FEW_RECORDS = 1 << 12
_PARTS = (
    *("header", "consensus_value", "next_proof", "validators", "previous_proof"),
    *("finality.next_value", "finality.proof", "finality.validators"),
)


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
        next_value: the next block's consensus value; None where it is not known.
        after_proof: the proof of the next block; b"" where it is not known.
        written: whether bundle and header are encoded as a writer encodes them.
        size: bytes of the whole.
    """

    header: Header
    value: Value | None
    previous_proof: bytes | None
    next_proof: bytes
    validators: Any
    next_value: Value | None
    after_proof: bytes
    written: bool
    size: int


def open_block(data: bytes, variant: str) -> OpenBlock:
    """A block from a serialised LedgerBundle. InputError where the bytes are not one."""
    if not data or len(data) > MAX_BLOCK_BYTES:
        raise InputError("block", got=f"{len(data)} bytes", wanted=f"a LedgerBundle of at most {MAX_BLOCK_BYTES} bytes")
    view = np.frombuffer(data, np.uint8)
    tables = plans.BUNDLE.scan(Spans(view, np.array([[0, view.size]], np.int64)))
    if tables.faulty:
        raise tables.refusal("block", "a LedgerBundle", len(data))
    flags = int(tables["bundle"][0, FLAGS])
    if len(tables.rewritten("bundle")):  # parts in several places: put together first
        encoded = parse(LedgerBundle, data, "block").SerializeToString()
        if not encoded:
            raise InputError("block.header", got="nothing", wanted="a serialised LedgerHeader")
        return dataclasses.replace(open_block(encoded, variant), written=False, size=len(data))
    parts = {name: tables.span("bundle", name)[0] for name in _PARTS}
    if not parts["header"]:
        raise InputError("block.header", got="nothing", wanted="a serialised LedgerHeader")
    header = headers.read_header(parts["header"], variant, "block.header")
    if not GENESIS <= header.seq <= MAX_HEIGHT:
        raise InputError("block.header.seq", got=str(header.seq), wanted=f"{GENESIS} to {MAX_HEIGHT}")
    value = open_value(parts["consensus_value"], "block.consensus_value") if parts["consensus_value"] else None
    for name in ("next_proof", "validators", "previous_proof", "finality.proof"):
        if len(parts[name]) > MAX_PROOF:
            raise InputError(f"block.{name}", f"{len(parts[name])} bytes", f"at most {MAX_PROOF}")
    if parts["finality.validators"]:
        raise InputError("block.finality.validators", "a set", "none: that of the next block is in `validators`")
    following = parts["finality.next_value"]
    next_value = open_value(following, "block.finality.next_value") if following else None
    if value is not None and parts["previous_proof"]:
        raise InputError("block.previous_proof", "a proof next to a consensus value", "the one inside it alone")
    listed = parts["validators"]
    return OpenBlock(
        header=header,
        value=value,
        previous_proof=value.previous_proof if value is not None else parts["previous_proof"] or None,
        next_proof=parts["next_proof"],
        validators=parse_counted(ValidatorSet, listed, "block.validators", ("validators",)) if listed else None,
        next_value=next_value,
        after_proof=parts["finality.proof"],
        written=not flags and as_written(header, parts["header"]),
        size=len(data),
    )


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
    upgrade = parse_counted(LedgerUpgrade, data, f"{field}.ledger_upgrade", ("new_validator_list",))
    return tuple(upgrade.new_validator_list)
