"""Checks of a block's content against its header: transactions, their roots, read and write sets, the DAG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.chainmaker import dag, transactions
from pycore.ledgers.chainmaker.digests import Digests
from pycore.ledgers.chainmaker.messages import Block, BlockHeader, TxRWSet
from pycore.ledgers.report import Check

_EXACT_DAG_FROM = 2300


def transaction_checks(header: BlockHeader, column: transactions.Column, digests: Digests) -> Iterator[Check]:
    """Counts, duplicates, verdicts, and the two roots over transactions."""
    count = len(column.codes)
    yield Check("tx_count", header.tx_count == count, header.tx_count, count)
    yield Check("tx_ids", column.duplicates == 0, f"{column.duplicates} duplicates", "0 duplicates")
    invalid = int((column.codes != Verdict.VALID).sum())
    yield Check("transactions", invalid == 0, f"{invalid} invalid", "0 invalid")
    yield Check("tx_root", header.tx_root == digests.tx_root, header.tx_root, digests.tx_root)
    wrong = sum(len(leaf) != 32 for leaf in digests.rw_set_hashes)
    same = not wrong and header.rw_set_root == digests.rw_set_root
    detail = f"{wrong} transactions without a rw_set_hash of 32 bytes" if wrong else ""
    yield Check("rw_set_root", same, header.rw_set_root, digests.rw_set_root, detail)


def rw_set_checks(
    block: Block, rw_sets: Sequence[TxRWSet] | None, column: transactions.Column, digests: Digests, hash_: str
) -> Iterator[Check]:
    """The length of result.rw_set_hash, and its value where the sets are given; faults go to `column`."""
    txs = block.txs
    for index, leaf in enumerate(digests.rw_set_hashes):
        if len(leaf) != 32:
            column.fault(index, Verdict.MALFORMED_ITEM, f"rw_set_hash has {len(leaf)} bytes, not 32")
    if rw_sets is None:
        if txs:
            yield Check("rw_sets", None, None, None, "neither the block nor the context has read and write sets")
        return
    if len(rw_sets) != len(txs):
        yield Check("rw_sets", False, len(rw_sets), len(txs), "one read and write set per transaction")
        return
    hashed = hash_batch(hash_, [rw_set.SerializeToString() for rw_set in rw_sets]).tobytes()
    wrong = 0
    for index, (leaf, rw_set, tx) in enumerate(zip(digests.rw_set_hashes, rw_sets, txs, strict=True)):
        wanted = hashed[32 * index : 32 * index + 32]
        if leaf != wanted or rw_set.tx_id != tx.payload.tx_id:
            wrong += 1
            column.fault(
                index, Verdict.BAD_DIGEST, f"rw_set_hash is not that of its read and write set, {wanted.hex()}"
            )
    yield Check("rw_sets", wrong == 0, f"{wrong} differ", "0 differ")


def dag_checks(block: Block, rw_sets: Sequence[TxRWSet] | None, digests: Digests, *, rebuild: bool) -> Iterator[Check]:
    """The DAG's hash, its rule, and on demand its equality with the one that the read and write sets give."""
    header = block.header
    yield Check("dag_hash", header.dag_hash == digests.dag_hash, header.dag_hash, digests.dag_hash)
    wrong = dag.fault(block.dag, len(block.txs), exact=header.block_version >= _EXACT_DAG_FROM)
    yield Check("dag", not wrong, wrong or "sound", "sound")
    if rebuild:
        yield _rebuilt(block, rw_sets, wrong)


def _rebuilt(block: Block, rw_sets: Sequence[TxRWSet] | None, wrong: str) -> Check:
    name = "dag_rebuilt"
    if rw_sets is None or len(rw_sets) != len(block.txs):
        return Check(name, None, None, None, "read and write sets are needed to rebuild the DAG")
    if len(rw_sets) > dag.REBUILD_LIMIT:
        return Check(name, None, len(rw_sets), dag.REBUILD_LIMIT, "too many transactions to rebuild the DAG")
    if wrong:
        return Check(name, False, wrong, "sound")
    built = dag.build(rw_sets)
    given = [list(vertex.neighbors) for vertex in block.dag.vertexes]
    at = next((i for i, (a, b) in enumerate(zip(given, built, strict=False)) if a != b), None)
    if at is None:
        return Check(name, len(given) == len(built))
    return Check(name, False, str(given[at]), str(built[at]), f"vertex {at}")
