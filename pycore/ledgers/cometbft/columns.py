"""Many signed headers from protobuf to columns, without an object for each signature.

What is usual is read here: bytes as the chain's software writes them, and values that keep its rules for headers and
commits (types/block.go: ValidateBasic of Header, Commit and CommitSig). Everything else is left to the reader of single
messages, which names what is wrong. Messages that are signed are put together from what was sent: block id and time of
a vote have the same bytes in a commit as in a CanonicalVote (types/canonical.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pycore._pb.ledgers.cometbft.v1 import types_pb2 as pb
from pycore.base.columns import Column, trusted_column
from pycore.consensus.votes import FOR_CLAIM, FOR_NOTHING, CommitColumns
from pycore.hashing.batch import hash_batch
from pycore.ledgers.cometbft.messages import ABSENT, COMMIT, NIL, SECOND, YEAR_1
from pycore.ledgers.scan import FAULT, FLAGS, PARENT, Plan, Spans, Tables
from pycore.ledgers.write import BYTES, LE64, VARINT, VARINT_SIZED, Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_commits"]

MAX_SLOTS = 10_000
"""Slots of a commit (types/vote_set.go, MaxVotesCount)."""
_BLOCK_VERSION = 11
_MAX_CHAIN_ID = 50
_ADDRESS, _HASH, _SIGNATURE = 20, 32, 64
_YEAR_1 = YEAR_1 // SECOND
_YEARS = 9_000_000_000  # seconds from 1970 either way that fit 64 bits of nanoseconds
_SLOT_BYTES = 64  # fewer than a slot with a vote takes

# The leaves of a header's hash from the sixth on.
_HASHES = (
    "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
    "last_results_hash", "evidence_hash", "proposer_address",
)  # fmt: skip
_MAY_BE_EMPTY = ("last_commit_hash", "data_hash", "next_validators_hash", "consensus_hash", "last_results_hash",
                 "evidence_hash")  # fmt: skip


@lru_cache(maxsize=1)
def _plan() -> Plan:
    parts = "last_block_id.part_set_header"
    header = ["version", "version.block", "chain_id", "height", "time", "time.seconds", "time.nanos", "last_block_id",
              "last_block_id.hash", parts, f"{parts}.hash", *_HASHES]  # fmt: skip
    commit = ["height", "round", "block_id", "block_id.hash", "block_id.part_set_header.total",
              "block_id.part_set_header.hash"]  # fmt: skip
    slot = ["block_id_flag", "validator_address", "timestamp", "timestamp.seconds", "timestamp.nanos", "signature"]
    cells = {"signed": [f"header.{one}" for one in header] + [f"commit.{one}" for one in commit], "slot": slot}
    tables = {"": "signed", "commit.signatures": "slot"}
    return Plan(pb.SignedHeader.DESCRIPTOR, tables, cells, most={"slot": MAX_SLOTS})


def read_commits(records: Sequence[bytes], threads: int | None = 1) -> CommitColumns:
    """n records, each a SignedHeader; see :class:`pycore.consensus.votes.CommitColumns`."""
    spans = Spans.joined(records)
    room = int(spans.data.size) // _SLOT_BYTES + 16
    tables = _plan().scan(spans, room={"slot": room}, threads=threads)
    parents = tables["slot"][:, PARENT]
    flags = tables.number("slot", "block_id_flag")
    usual = _usual(tables, parents)
    sizes = np.bincount(parents, minlength=len(records))
    starts_of_slots = np.zeros(len(records) + 1, np.int64)
    starts_of_slots[1:] = np.cumsum(sizes)
    rows = np.flatnonzero(usual[parents] & (flags != ABSENT))
    starts = np.searchsorted(rows, starts_of_slots)
    of = parents[rows]
    votes = _Signed(tables, rows, of)
    addresses = tables.span("slot", "validator_address").gather(rows.astype(np.uint32)).data
    hashes = np.zeros((len(records), _HASH), np.uint8)
    sound = np.flatnonzero(usual)
    hashes[sound] = _header_hashes(tables, sound)
    return CommitColumns(
        usual=usual,
        chain_ids=_texts(tables.span("signed", "header.chain_id"), usual),
        heights=tables.number("signed", "header.height"),
        commit_heights=tables.number("signed", "commit.height"),
        hashes=_rows(hashes),
        claimed_hashes=_fixed(tables.span("signed", "commit.block_id.hash"), usual),
        validators_hashes=_fixed(tables.span("signed", "header.validators_hash"), usual),
        sizes=sizes,
        starts=starts,
        positions=rows - starts_of_slots[of],
        kinds=np.where(flags[rows] == COMMIT, np.uint8(FOR_CLAIM), np.uint8(FOR_NOTHING)),
        addresses=addresses.reshape(len(rows), _ADDRESS),
        signed=votes.columns,
    )


# ---- what is usual ---------------------------------------------------------------------------------------------------


def _usual(tables: Tables, parents: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool (n,): records that are as the chain's software writes them and keep its rules."""
    top = tables["signed"]
    usual: NDArray[np.bool_] = (top[:, FLAGS] == 0) & (top[:, FAULT] == 0)

    def lengths(name: str) -> NDArray[np.int64]:
        return tables.span("signed", name).lengths

    def present(name: str) -> NDArray[np.bool_]:
        return ~tables.span("signed", name).absent

    for name in ("header.version", "header.time", "header.last_block_id", "header.last_block_id.part_set_header"):
        usual &= present(name)
    usual &= tables.number("signed", "header.version.block") == _BLOCK_VERSION
    usual &= (lengths("header.chain_id") <= _MAX_CHAIN_ID) & present("header.chain_id")
    usual &= _moments(tables, "signed", "header.time")
    for name in ("last_block_id.hash", "last_block_id.part_set_header.hash", *_MAY_BE_EMPTY):
        length = lengths(f"header.{name}")
        usual &= (length == 0) | (length == _HASH)
    usual &= lengths("header.validators_hash") == _HASH
    usual &= lengths("header.proposer_address") == _ADDRESS
    usual &= (tables.number("signed", "header.height") > 0) & (tables.number("signed", "commit.height") > 0)
    usual &= tables.number("signed", "commit.round") >= 0
    usual &= tables.number("signed", "commit.block_id.part_set_header.total") > 0
    for name in ("commit.block_id.hash", "commit.block_id.part_set_header.hash"):
        usual &= lengths(name) == _HASH
    good = _usual_slots(tables)
    usual[parents[~good]] = False
    usual &= np.bincount(parents, minlength=len(top)) > 0
    return usual


def _usual_slots(tables: Tables) -> NDArray[np.bool_]:
    """bool (rows,): slots that are absent, or a vote with an address, a time and a signature of the usual size."""
    flags = tables.number("slot", "block_id_flag")
    seconds, nanos = tables.number("slot", "timestamp.seconds"), tables.number("slot", "timestamp.nanos")
    address = tables.span("slot", "validator_address").lengths
    signature = tables.span("slot", "signature").lengths
    vote = (flags == COMMIT) | (flags == NIL)
    vote &= (address == _ADDRESS) & (signature == _SIGNATURE) & _moments(tables, "slot", "timestamp")
    absent = (flags == ABSENT) & (address == 0) & (signature == 0) & (seconds == _YEAR_1) & (nanos == 0)
    found: NDArray[np.bool_] = (vote | absent) & (tables["slot"][:, FLAGS] == 0)
    return found


def _moments(tables: Tables, table: str, name: str) -> NDArray[np.bool_]:
    seconds, nanos = tables.number(table, f"{name}.seconds"), tables.number(table, f"{name}.nanos")
    found: NDArray[np.bool_] = (nanos >= 0) & (nanos < SECOND) & (seconds >= -_YEARS) & (seconds < _YEARS)
    return found & ~tables.span(table, name).absent


# ---- hashes of headers -----------------------------------------------------------------------------------------------


def _header_hashes(tables: Tables, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """uint8 (n, 32): the Merkle roots of the headers' fields, in which each is a message by itself
    (types/block.go, Header.Hash; crypto/merkle)."""
    if not len(rows):
        return np.zeros((0, _HASH), np.uint8)
    made = Records(len(rows), tables.data)

    def span(name: str) -> Spans:
        return tables.span("signed", f"header.{name}").take(rows)

    made.literal(b"\x00")
    made.span(BYTES, span("version"))
    made.split()
    made.literal(b"\x00\x0a")
    made.span(VARINT_SIZED, span("chain_id"))
    made.split()
    made.literal(b"\x00\x08")
    made.number(VARINT, tables.number("signed", "header.height")[rows])
    for name in ("time", "last_block_id"):
        made.split()
        made.literal(b"\x00")
        made.span(BYTES, span(name))
    for name in _HASHES:
        made.split()
        made.literal(b"\x00")
        one = span(name)
        there = one.lengths > 0
        made.literal(b"\x0a", there)
        made.span(VARINT_SIZED, one, there)
    nodes = hash_batch("sha256", made.column(), threads=1).reshape(len(rows), -1, _HASH)
    while nodes.shape[1] > 1:
        pairs = nodes.shape[1] // 2
        inner = np.empty((len(rows) * pairs, 2 * _HASH + 1), np.uint8)
        inner[:, 0] = 1
        inner[:, 1:] = nodes[:, : 2 * pairs].reshape(len(rows) * pairs, 2 * _HASH)
        above = hash_batch("sha256", inner, threads=1).reshape(len(rows), pairs, _HASH)
        nodes = np.concatenate([above, nodes[:, 2 * pairs :]], axis=1)
    return nodes[:, 0]


# ---- what is signed --------------------------------------------------------------------------------------------------


class _Signed:
    """Messages and signatures of votes, made when it is known which ones are looked at."""

    def __init__(self, tables: Tables, rows: NDArray[np.int64], of: NDArray[np.int64]) -> None:
        """rows: of the slots with votes; of: the record of each."""
        self._tables, self._rows, self._of = tables, rows, of

    def columns(self, chosen: NDArray[np.int64]) -> tuple[Column, Column]:
        """Messages and signatures (k, 64) of some of the votes."""
        rows, of = self._rows[chosen], self._of[chosen]
        signatures = self._tables.span("slot", "signature").gather(rows.astype(np.uint32))
        return self._messages(rows, of), trusted_column(signatures.data.reshape(len(rows), _SIGNATURE), None)

    def _messages(self, rows: NDArray[np.int64], of: NDArray[np.int64]) -> Column:
        """The precommits as CanonicalVote, each after its length."""
        tables = self._tables
        block_id = tables.span("signed", "commit.block_id").take(of)
        chain_id = tables.span("signed", "header.chain_id").take(of)
        time = tables.span("slot", "timestamp").take(rows)
        rounds = tables.number("signed", "commit.round")[of]
        voted = tables.number("slot", "block_id_flag")[rows] == COMMIT
        later = rounds != 0
        sizes = 11 + 9 * later + _framed(block_id.lengths) * voted + _framed(time.lengths) + _framed(chain_id.lengths)
        made = Records(len(rows), tables.data)
        made.number(VARINT, sizes)
        made.literal(b"\x08\x02\x11")
        made.number(LE64, tables.number("signed", "commit.height")[of])
        made.literal(b"\x19", later)
        made.number(LE64, rounds, later)
        made.literal(b"\x22", voted)
        made.span(VARINT_SIZED, block_id, voted)
        made.literal(b"\x2a")
        made.span(VARINT_SIZED, time)
        made.literal(b"\x32")
        made.span(VARINT_SIZED, chain_id)
        return made.column()


def _framed(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of a field with a number below 16 that has so many bytes, at most 16383."""
    return 2 + (lengths > 127) + lengths


# ---- columns of bytes ------------------------------------------------------------------------------------------------


def _rows(array: NDArray[np.uint8]) -> list[bytes]:
    octets, width = array.tobytes(), array.shape[1]
    return [octets[at : at + width] for at in range(0, len(octets), width)]


def _fixed(spans: Spans, usual: NDArray[np.bool_]) -> list[bytes]:
    """Hashes of the usual records, b"" of others, which may be of any size."""
    found = [b""] * len(spans)
    rows = np.flatnonzero(usual)
    for row, value in zip(rows.tolist(), spans.take(rows).items(), strict=True):
        found[row] = value
    return found


def _texts(spans: Spans, usual: NDArray[np.bool_]) -> list[str]:
    known: dict[bytes, str] = {}
    return [known.setdefault(one, one.decode()) if one else "" for one in _fixed(spans, usual)]
