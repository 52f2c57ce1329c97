"""Checks of a block's content against its header: transactions, their roots, read and write sets, the DAG."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.chainmaker import dag, plans, transactions
from pycore.ledgers.chainmaker.block import Graph, OpenBlock
from pycore.ledgers.chainmaker.digests import DIGEST_SIZE, Digests
from pycore.ledgers.chainmaker.messages import BlockHeader, TxRWSet, parse, scan_as_written
from pycore.ledgers.scan import FAULT, Spans

_EXACT_DAG_FROM = 2300


def transaction_checks(header: BlockHeader, column: transactions.Column, digests: Digests) -> Iterator[Check]:
    """Counts, duplicates, verdicts, and the two roots over transactions."""
    count = len(column.codes)
    yield Check("tx_count", header.tx_count == count, header.tx_count, count)
    yield Check("tx_ids", column.duplicates == 0, f"{column.duplicates} duplicates", "0 duplicates")
    invalid = int((column.codes != Verdict.VALID).sum())
    yield Check("transactions", invalid == 0, f"{invalid} invalid", "0 invalid")
    yield Check("tx_root", header.tx_root == digests.tx_root, header.tx_root, digests.tx_root)
    wrong = len(digests.unsound)
    same = not wrong and header.rw_set_root == digests.rw_set_root
    detail = f"{wrong} transactions without a rw_set_hash of 32 bytes" if wrong else ""
    yield Check("rw_set_root", same, header.rw_set_root, digests.rw_set_root, detail)


def rw_set_checks(
    rw_sets: RWSets | None, column: transactions.Column, digests: Digests, hash_: str, threads: int | None
) -> Iterator[Check]:
    """The length of result.rw_set_hash, and its value where the sets are given; faults go to `column`."""
    leaves, count = digests.rw_set_hashes, len(column)
    sizes = leaves.lengths[digests.unsound].tolist()
    for index, size in zip(digests.unsound.tolist(), sizes, strict=True):
        column.fault(index, Verdict.MALFORMED_ITEM, f"rw_set_hash has {size} bytes, not 32")
    if rw_sets is None:
        if count:
            yield Check("rw_sets", None, None, None, "neither the block nor the context has read and write sets")
        return
    if len(rw_sets) != count:
        yield Check("rw_sets", False, len(rw_sets), count, "one read and write set per transaction")
        return
    hashed = hash_batch(hash_, rw_sets.encoded.gather(), threads=threads)
    places = DIGEST_SIZE * np.arange(count + 1, dtype=np.int64)
    same = leaves.equal(Spans.of(hashed.reshape(-1), places[:-1], places[1:]))
    same &= rw_sets.tx_ids.equal(column.spans("payload.tx_id"))
    wrong = np.flatnonzero(~same).tolist()
    for index in wrong:
        said = f"rw_set_hash is not that of its read and write set, {hashed[index].tobytes().hex()}"
        column.fault(index, Verdict.BAD_DIGEST, said)
    yield Check("rw_sets", not wrong, f"{len(wrong)} differ", "0 differ")


class RWSets:
    """The read and write sets of a block, encoded as the chain's nodes do.

    Raises:
        InputError: bytes that are not one; `field` is what they are called.
    """

    def __init__(self, given: Spans, field: str, threads: int | None) -> None:
        tables = scan_as_written(plans.RW_SET, TxRWSet, given, threads=threads)
        if tables.faulty:
            at = int(np.flatnonzero(tables["rw_set"][:, FAULT])[0])
            raise tables.refusal(f"{field}[{at}]", "a ChainMaker TxRWSet", int(given.lengths[at]))
        self.encoded = tables.span("rw_set")
        self.tx_ids = tables.span("rw_set", "tx_id")

    def __len__(self) -> int:
        return len(self.encoded)

    def messages(self) -> list[TxRWSet]:
        """The sets as messages."""
        return [parse(TxRWSet, self.encoded[i], "rw_sets") for i in range(len(self))]


def dag_checks(block: OpenBlock, rw_sets: RWSets | None, digests: Digests, *, rebuild: bool) -> Iterator[Check]:
    """The DAG's hash, its rule, and on demand its equality with the one that the read and write sets give."""
    header, count = block.header, len(block.txs)
    yield Check("dag_hash", header.dag_hash == digests.dag_hash, header.dag_hash, digests.dag_hash)
    graph = block.graph
    exact = header.block_version >= _EXACT_DAG_FROM
    wrong = dag.fault(graph.vertexes, graph.owners, graph.neighbors, count, exact=exact)
    yield Check("dag", not wrong, wrong or "sound", "sound")
    if rebuild:
        yield _rebuilt(graph, count, rw_sets, wrong)


def _rebuilt(graph: Graph, count: int, rw_sets: RWSets | None, wrong: str) -> Check:
    name = "dag_rebuilt"
    if rw_sets is None or len(rw_sets) != count:
        return Check(name, None, None, None, "read and write sets are needed to rebuild the DAG")
    if len(rw_sets) > dag.REBUILD_LIMIT:
        return Check(name, None, len(rw_sets), dag.REBUILD_LIMIT, "too many transactions to rebuild the DAG")
    if wrong:
        return Check(name, False, wrong, "sound")
    built = dag.build(rw_sets.messages())
    given = graph.lists()
    at = next((i for i, (a, b) in enumerate(zip(given, built, strict=False)) if a != b), None)
    if at is None:
        return Check(name, len(given) == len(built))
    return Check(name, False, str(given[at]), str(built[at]), f"vertex {at}")
