"""Opens a block: header and additional data as messages, everything that there are thousands of as columns.

Nothing is judged here, and nothing is built before it is known how large it gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from pycore.errors import InputError
from pycore.ledgers.chainmaker import plans
from pycore.ledgers.chainmaker.messages import (
    AdditionalData,
    Block,
    BlockHeader,
    BlockInfo,
    TxRWSet,
    parse,
)
from pycore.ledgers.scan import PARENT, VALUE, Plan, Spans, Tables

Buffer: TypeAlias = "bytes | memoryview | NDArray[np.uint8]"

FORMS = ("auto", "block", "block-info")
MAX_BLOCK_BYTES = 256 << 20
MAX_RECORDS = 1 << 18
"""Transactions, DAG vertexes, read and write sets: more of one of them than this is no block that a node makes."""
MAX_EDGES = 1 << 24
"""Edges of the DAG that are read."""
FEW_RECORDS = 1 << 12
MIN_TRANSACTION_BYTES = 64
"""Bytes that transactions have on average where there are more than FEW_RECORDS: a signature alone is as long."""

# Bytes of a block for each row that room is made for: real blocks never need more, and pages are taken when touched.
_SHARE = {"txs": 64, "vertexes": 64, "edges": 32, "rw_sets": 64}
_LIMITS = {"txs": MAX_RECORDS, "vertexes": MAX_RECORDS, "edges": MAX_EDGES, "rw_sets": MAX_RECORDS}
_CALLED = {"txs": "txs", "vertexes": "dag.vertexes", "edges": "dag.vertexes.neighbors", "rw_sets": "rwset_list"}
_FORM = Plan(
    BlockInfo.DESCRIPTOR,
    {"": "info", "block": "block"},
    {"block": ["header"]},
    raw=("block.header", "block.dag", "block.txs", "block.additional_data", "rwset_list"),
)
_LONG, _NUMBER = 0x0A, 0x08  # tags of a field 1: one with a length, a number


@dataclass(slots=True, eq=False)
class Graph:
    """The block's DAG. owners, neighbors: int64 (edges,), by vertex; encoded: what dag_hash is taken over."""

    encoded: bytes
    vertexes: int
    owners: NDArray[np.int64]
    neighbors: NDArray[np.int64]

    def lists(self) -> list[list[int]]:
        """The neighbours of every vertex."""
        found: list[list[int]] = [[] for _ in range(self.vertexes)]
        for owner, neighbor in zip(self.owners.tolist(), self.neighbors.tolist(), strict=True):
            found[owner].append(neighbor)
        return found


@dataclass(slots=True, eq=False)
class OpenBlock:
    """A block in parts.

    Attributes:
        header: the header; an empty one where the block has none.
        has_header, has_dag: whether they are there.
        graph: the DAG.
        txs: the transactions.
        extra: the additional data.
        rw_sets: read and write sets that came with the block; None: it has none.
    """

    header: BlockHeader
    has_header: bool
    has_dag: bool
    graph: Graph
    txs: Spans
    extra: Mapping[str, bytes]
    rw_sets: Spans | None


def open_block(data: Buffer, form: str = "auto") -> OpenBlock:
    """A block from its bytes, which are read in place.

    "auto" tells Block and BlockInfo apart by their content: a BlockInfo has a Block in field 1, whose own field 1 is a
    header; a Block has the header there, whose field 1 is a number.

    Raises:
        InputError: no block, or one of more records than are read.
    """
    if form not in FORMS:
        raise InputError("form", got=repr(form), wanted="one of " + ", ".join(map(repr, FORMS)))
    view = np.frombuffer(data, np.uint8)
    if view.size > MAX_BLOCK_BYTES:
        raise InputError("block", got=f"{view.size} bytes", wanted=f"at most {MAX_BLOCK_BYTES}")
    if not view.size:
        raise InputError("block", got="0 bytes", wanted="a ChainMaker Block or BlockInfo")
    if form == "block-info" or (form == "auto" and is_block_info(view)):
        tables = _scan(plans.BLOCK_INFO, BlockInfo, view)
        return _parts(tables, tables.span("rw_sets") if len(tables["rw_sets"]) else None)
    return _parts(_scan(plans.BLOCK, Block, view), None)


def parse_whole(data: bytes | memoryview, form: str = "auto") -> tuple[Block, list[TxRWSet] | None]:
    """A block that :func:`open_block` opened, as messages, with its read and write sets if it has them: for the few
    that are read through."""
    if form == "block-info" or (form == "auto" and is_block_info(np.frombuffer(data, np.uint8))):
        info = parse(BlockInfo, bytes(data), "block")
        return info.block, list(info.rwset_list) or None
    return parse(Block, bytes(data), "block"), None


def _whole(view: NDArray[np.uint8]) -> Spans:
    return Spans(view, np.array([[0, view.size]], np.int64))


def _scan(plan: Plan, kind: type[Message], view: NDArray[np.uint8]) -> Tables:
    """Scans the block; one that is not as a writer puts it is encoded again first, which also merges what came in
    parts."""
    tables = _scan_once(plan, kind, view)
    if len(tables.rewritten(plan.names[0])):
        view = np.frombuffer(parse(kind, view.tobytes(), "block").SerializeToString(), np.uint8)
        tables = _scan_once(plan, kind, view)
        if len(tables.rewritten(plan.names[0])):  # the DAG would be hashed as it is
            raise RuntimeError("protobuf writes a block as the scan says that no writer does")
    return tables


def _scan_once(plan: Plan, kind: type[Message], view: NDArray[np.uint8]) -> Tables:
    room = {name: min(view.size // share + 16, _LIMITS[name]) for name, share in _SHARE.items()}
    tables = plan.scan(_whole(view), room=room, limits=_LIMITS)
    for name, most in _LIMITS.items():
        if tables.counts.get(name, 0) > most:
            raise InputError(f"block.{_CALLED[name]}", got=f"more than {most} records", wanted=f"at most {most}")
    if tables.faulty:
        raise tables.refusal("block", f"a ChainMaker {kind.DESCRIPTOR.name}", view.size)
    count = len(tables["txs"])
    if count > FEW_RECORDS and view.size < MIN_TRANSACTION_BYTES * count:  # verdicts cost far more than such bytes
        wanted = f"at least {MIN_TRANSACTION_BYTES} bytes for each of more than {FEW_RECORDS} transactions"
        raise InputError("block.txs", got=f"{count} transactions in {view.size} bytes", wanted=wanted)
    return tables


def _parts(tables: Tables, rw_sets: Spans | None) -> OpenBlock:
    if not len(tables["block"]):  # a BlockInfo without a block
        empty = Spans(tables.data, np.zeros((0, 2), np.int64))
        none = np.zeros(0, np.int64)
        return OpenBlock(BlockHeader(), False, False, Graph(b"", 0, none, none), empty, {}, rw_sets)
    header, dag, extra = (tables.span("block", name) for name in ("header", "dag", "additional_data"))
    edges = tables["edges"]
    return OpenBlock(
        header=parse(BlockHeader, header[0], "block.header"),
        has_header=not header.absent[0],
        has_dag=not dag.absent[0],
        graph=Graph(dag[0], len(tables["vertexes"]), edges[:, PARENT], edges[:, VALUE]),
        txs=tables.span("txs"),
        extra=parse(AdditionalData, extra[0], "block.additional_data").extra_data,
        rw_sets=rw_sets,
    )


def is_block_info(view: NDArray[np.uint8]) -> bool:
    """Whether field 1 of field 1 has a length: in a Block it is the header's version, a number."""
    start = view[:7].tobytes()
    if start[:1] == bytes([_LONG]):  # then this field's length, and the first field inside it
        inner = next((i + 1 for i in range(1, len(start)) if start[i] < 0x80), len(start))
        if start[inner : inner + 1] in (bytes([_LONG]), bytes([_NUMBER])):
            return start[inner] == _LONG
    blocks = _FORM.scan(_whole(view), room={"block": 1}, limits={"block": 1}).span("block", "header")
    return len(blocks) > 0 and not blocks.absent[0]
