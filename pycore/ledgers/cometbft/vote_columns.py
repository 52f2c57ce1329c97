"""Many votes from protobuf to columns, without an object for each.

Usual votes are read here: bytes as the chain's software writes them, and values that keep its rules for votes
(types/vote.go, ValidateBasic). Everything else is left to the reader of single votes, which names what is wrong. The
signed bytes are put together from what was sent: block id and time have the same bytes in a Vote as in a CanonicalVote
(types/canonical.go).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore._pb.ledgers.cometbft.v1 import types_pb2 as pb
from pycore.base.columns import Column, trusted_column
from pycore.consensus.vote_columns import VoteColumns
from pycore.ledgers.cometbft.encoding import octets
from pycore.ledgers.cometbft.messages import KINDS, PRECOMMIT, PREVOTE, SECOND
from pycore.ledgers.cometbft.signbytes import chain_bytes
from pycore.ledgers.scan import FAULT, FLAGS, Plan, Spans, Tables
from pycore.ledgers.write import LE64, VARINT, VARINT_SIZED, Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_votes"]

_ADDRESS, _HASH, _SIGNATURE = 20, 32, 64
_YEARS = 9_000_000_000  # seconds from 1970 either way that fit 64 bits of nanoseconds
_NAMES = [KINDS.get(code, "") for code in (0, PREVOTE, PRECOMMIT)]


@lru_cache(maxsize=1)
def _plan() -> Plan:
    parts = "block_id.part_set_header"
    cells = ["type", "height", "round", "block_id", "block_id.hash", parts, f"{parts}.total", f"{parts}.hash",
             "timestamp", "timestamp.seconds", "timestamp.nanos", "validator_address", "validator_index", "signature",
             "extension", "extension_signature"]  # fmt: skip
    return Plan(pb.Vote.DESCRIPTOR, {"": "vote"}, {"vote": cells})


def read_votes(records: Column, *, chain_id: str, threads: int | None = 1) -> VoteColumns:
    """n records, each a Vote; see :class:`pycore.consensus.vote_columns.VoteColumns`."""
    tables = _plan().scan(_spans(records), threads=threads)
    usual = _usual(tables)
    rows = np.flatnonzero(usual)
    if len(rows) < len(usual):
        tables.rows["vote"] = tables["vote"][rows]
    type_, round_ = tables.number("vote", "type"), tables.number("vote", "round")
    voted = tables.span("vote", "block_id.hash").lengths > 0
    addresses = tables.span("vote", "validator_address").gather().data.reshape(len(rows), _ADDRESS)
    signatures = tables.span("vote", "signature").gather().data.reshape(len(rows), _SIGNATURE)
    end = octets(6, chain_bytes(chain_id))
    extended = np.flatnonzero(tables.span("vote", "extension_signature").lengths > 0)
    messages = _messages(tables, type_ == PREVOTE, voted, end)
    signed, owners = _extensions(tables, extended, octets(4, chain_bytes(chain_id)))
    claims = _claims(tables, voted)
    found = VoteColumns(
        usual=usual,
        heights=tables.number("vote", "height"),
        rounds=round_,
        kinds=[_NAMES[one] for one in type_.tolist()],
        claims=claims,
        positions=tables.number("vote", "validator_index"),
        addresses=addresses,
        messages=messages,
        signatures=trusted_column(signatures, None),
        extension_of=extended,
        extension_messages=signed,
        extension_signatures=owners,
    )
    return found if len(rows) == len(usual) else _spread(found, rows)


def _spans(records: Column) -> Spans:
    """The records where they stand."""
    if records.offsets is None:
        width = records.data.shape[1]
        data = np.ascontiguousarray(records.data).reshape(-1)
        starts = np.arange(len(records), dtype=np.int64) * width
        return Spans.of(data, starts, starts + width)
    return Spans.of(records.data, records.offsets[:-1], records.offsets[1:])


def _usual(tables: Tables) -> NDArray[np.bool_]:
    """bool (n,): votes that are as the chain's software writes them and keep its rules."""

    def number(name: str) -> NDArray[np.int64]:
        return tables.number("vote", name)

    def lengths(name: str) -> NDArray[np.int64]:
        return tables.span("vote", name).lengths

    table, parts = tables["vote"], "block_id.part_set_header"
    usual: NDArray[np.bool_] = (table[:, FLAGS] == 0) & (table[:, FAULT] == 0)
    for name in ("block_id", parts, "timestamp"):
        usual &= ~tables.span("vote", name).absent
    usual &= (number("type") == PREVOTE) | (number("type") == PRECOMMIT)
    usual &= (number("height") > 0) & (number("round") >= 0) & (number("validator_index") >= 0)
    usual &= (lengths("validator_address") == _ADDRESS) & (lengths("signature") == _SIGNATURE)
    seconds, nanos = number("timestamp.seconds"), number("timestamp.nanos")
    usual &= (nanos >= 0) & (nanos < SECOND) & (seconds >= -_YEARS) & (seconds < _YEARS)
    hash_, total, parts_hash = lengths("block_id.hash"), number(f"{parts}.total"), lengths(f"{parts}.hash")
    nil = (hash_ == 0) & (total == 0) & (parts_hash == 0)
    usual &= nil | ((hash_ == _HASH) & (total > 0) & (parts_hash == _HASH))
    signed, extension = lengths("extension_signature"), lengths("extension")
    bare = (signed == 0) & (extension == 0)
    usual &= bare | ((signed == _SIGNATURE) & ~nil & (number("type") == PRECOMMIT))
    return usual


def _messages(tables: Tables, prevote: NDArray[np.bool_], voted: NDArray[np.bool_], end: bytes) -> Column:
    """The votes as CanonicalVote, each after its length."""
    block_id, time = tables.span("vote", "block_id"), tables.span("vote", "timestamp")
    height, round_ = tables.number("vote", "height"), tables.number("vote", "round")
    later = round_ != 0
    made = Records(len(height), tables.data)
    made.number(VARINT, 11 + 9 * later + _framed(block_id.lengths) * voted + _framed(time.lengths) + len(end))
    made.literal(b"\x08\x01\x11", prevote)
    made.literal(b"\x08\x02\x11", ~prevote)
    made.number(LE64, height)
    made.literal(b"\x19", later)
    made.number(LE64, round_, later)
    made.literal(b"\x22", voted)
    made.span(VARINT_SIZED, block_id, voted)
    made.literal(b"\x2a")
    made.span(VARINT_SIZED, time)
    made.literal(end)
    return made.column()


def _extensions(tables: Tables, rows: NDArray[Any], end: bytes) -> tuple[Column, Column]:
    """The signed bytes of these votes' extensions (CanonicalVoteExtension, each after its length); the signatures."""
    extension = tables.span("vote", "extension").take(rows)
    height, round_ = tables.number("vote", "height")[rows], tables.number("vote", "round")[rows]
    there, later = extension.lengths > 0, round_ != 0
    made = Records(len(rows), tables.data)
    made.number(VARINT, _framed(extension.lengths) * there + 9 + 9 * later + len(end))
    made.literal(b"\x0a", there)
    made.span(VARINT_SIZED, extension, there)
    made.literal(b"\x11")
    made.number(LE64, height)
    made.literal(b"\x19", later)
    made.number(LE64, round_, later)
    made.literal(end)
    signatures = tables.span("vote", "extension_signature").take(rows).gather().data
    return made.column(), trusted_column(signatures.reshape(len(rows), _SIGNATURE), None)


def _framed(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of a field with a number below 16 that has so many bytes, at most 2^28 - 1."""
    return 2 + (lengths > 127) + (lengths > 16383) + (lengths > 2097151) + lengths


def _claims(tables: Tables, voted: NDArray[np.bool_]) -> list[bytes | None]:
    """Block ids; votes for one block share one object."""
    block_id = tables.span("vote", "block_id")
    if not len(block_id):
        return []
    groups, firsts = block_id.group()
    blocks = block_id.take(firsts).items()
    found: list[bytes | None] = [blocks[one] for one in groups.tolist()]
    for i in np.flatnonzero(~voted).tolist():
        found[i] = None
    return found


def _spread(found: VoteColumns, rows: NDArray[np.intp]) -> VoteColumns:
    """The columns of the usual votes as columns of all."""
    n = len(found.usual)
    place = np.zeros(n, np.intp)  # the first usual vote stands in for those that are not
    place[rows] = np.arange(len(rows))
    if not len(rows):
        return VoteColumns(
            usual=found.usual,
            heights=np.zeros(n, np.int64),
            rounds=np.zeros(n, np.int64),
            kinds=[""] * n,
            claims=[None] * n,
            positions=np.zeros(n, np.int64),
            addresses=np.zeros((n, _ADDRESS), np.uint8),
            messages=trusted_column(np.zeros((n, 0), np.uint8), None),
            signatures=trusted_column(np.zeros((n, _SIGNATURE), np.uint8), None),
            extension_of=found.extension_of,
            extension_messages=found.extension_messages,
            extension_signatures=found.extension_signatures,
        )
    places = place.tolist()
    return VoteColumns(
        usual=found.usual,
        heights=found.heights[place],
        rounds=found.rounds[place],
        kinds=[found.kinds[i] for i in places],
        claims=[found.claims[i] for i in places],
        positions=found.positions[place],
        addresses=found.addresses[place],
        messages=found.messages.take(place),
        signatures=found.signatures.take(place),
        extension_of=rows[found.extension_of],
        extension_messages=found.extension_messages,
        extension_signatures=found.extension_signatures,
    )
