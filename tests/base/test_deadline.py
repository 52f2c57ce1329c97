"""Work ends between two pieces once nobody waits for it: counted in looks at a clock that the test moves, not timed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import testing
from pycore.base import deadline, parallel
from pycore.base.deadline import AbandonedError, Budget, ExpiredError, checkpoint
from pycore.merkle import patricia


class Ticking:
    """A clock that is a second further each time it is looked at."""

    def __init__(self) -> None:
        self.looks = 0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self.looks += 1
            return float(self.looks)


MIB = 1 << 20
ROWS = np.zeros((40_000, 32), dtype=np.uint8)


def _hashes(threads: int) -> Any:
    return pycore.hash_batch("sha256", np.zeros((48, MIB), dtype=np.uint8), threads=threads).tobytes()


def _signatures(threads: int) -> Any:
    keys = np.full((24_000, 33), 5, dtype=np.uint8)
    verdicts = pycore.verify_batch("ecdsa-p256", keys, np.ones((24_000, 64), dtype=np.uint8), ROWS[:24_000],
                                   threads=threads)  # fmt: skip
    return verdicts.codes.tobytes()


def _tree(threads: int) -> Any:
    return pycore.MerkleTree(ROWS, threads=threads).root


def _root(threads: int) -> Any:
    return pycore.merkle_root(ROWS, threads=threads)


def _inclusion(threads: int) -> Any:
    tree = pycore.MerkleTree(ROWS[:1000], threads=1)
    proofs = tree.proofs(np.arange(1000))
    verdicts = pycore.verify_inclusion_batch(tree.root, ROWS[:1000], proofs, index=np.arange(1000), leaf_count=1000,
                                             threads=threads)  # fmt: skip
    return verdicts.codes.tobytes()


def _sparse(threads: int) -> Any:
    tree = pycore.SparseMerkleTree()
    keys = [pycore.hash("sha256", b"%d" % i) for i in range(200)]
    tree.update(keys, keys, threads=threads)
    return tree.root


def _trie(threads: int) -> Any:
    keys = ROWS[:2000]
    found = patricia.verify_trie_batch(patricia.EMPTY_ROOT, keys, [[]] * len(keys), threads=threads)
    return found.verdicts.codes.tobytes()


def _block(threads: int) -> Any:
    ledger = testing.generate_ledger(blocks=1, txs_per_block=20, seed=5)
    report = pycore.ledgers.get("chainmaker").validate_block(
        ledger.block_info(0), ledger.context_for(0).replace(rw_sets=None), threads=threads
    )
    return report.block_hash, report.valid, report.transactions.codes.tobytes()


WORK = [_hashes, _signatures, _tree, _root, _inclusion, _sparse, _trie, _block]
LEAST = {_hashes: 4, _signatures: 2, _tree: 5, _root: 5, _inclusion: 2, _sparse: 4, _trie: 2, _block: 6}


@pytest.mark.parametrize("work", WORK, ids=[one.__name__[1:] for one in WORK])
def test_work_ends_at_the_first_checkpoint_after_its_deadline(work: Callable[[int], Any]) -> None:
    wanted = work(1)
    clock = Ticking()
    with Budget(deadline=1e9, clock=clock):
        assert work(1) == wanted  # cut into pieces, with the same result
    whole = clock.looks
    assert whole >= LEAST[work]
    for last in {1, 2, whole}:
        clock = Ticking()
        with Budget(deadline=float(last), clock=clock), pytest.raises(ExpiredError):
            work(1)
        assert clock.looks == last  # not one piece more
    with Budget(deadline=float(whole + 1), clock=Ticking()):
        assert work(1) == wanted


@pytest.mark.parametrize("work", WORK, ids=[one.__name__[1:] for one in WORK])
def test_threads_end_as_well(work: Callable[[int], Any]) -> None:
    wanted = work(1)
    for last in (1, 3):
        clock = Ticking()
        with Budget(deadline=float(last), clock=clock):
            try:
                assert work(4) == wanted  # fewer than `last` looks
                assert clock.looks < last
            except ExpiredError:
                assert last <= clock.looks <= last + 4  # each of the others looks once more


def test_helpers_see_the_callers_context() -> None:
    seen: list[tuple[int, bool, int]] = []
    everybody = threading.Barrier(3)

    def piece(start: int, _: int) -> None:
        everybody.wait(120)  # three pieces at once: three threads
        seen.append((threading.get_ident(), deadline.limited(), pycore.base.ffi.current_backend()))

    with pycore.use_backend("portable"), Budget():
        wanted = pycore.base.ffi.current_backend()
        parallel.run_pieces(piece, [0, 1, 2, 3], threads=3)
    assert len({thread for thread, _, _ in seen}) == 3
    assert {(limited, backend) for _, limited, backend in seen} == {(True, wanted)}
    assert not deadline.limited()


def test_a_cancelled_budget_stops_the_piece_after_this_one() -> None:
    budget = Budget()
    done: list[int] = []

    def piece(start: int, _: int) -> None:
        done.append(start)
        if start == 2:
            budget.cancel()

    with budget, pytest.raises(AbandonedError):
        parallel.run_pieces(piece, list(range(9)), threads=1)
    assert done == [0, 1, 2]


def test_without_a_budget_nothing_is_cut_or_looked_at() -> None:
    checkpoint()
    column = pycore.base.columns.as_column(np.zeros((48, MIB), dtype=np.uint8), "messages")
    cost = parallel.Cost(item_ns=80, byte_ns=1)
    assert parallel.cut(48, 1, cost, column) == [0, 48]
    with Budget():
        pieces = parallel.cut(48, 1, cost, column)
        assert pieces[0] == 0
        assert pieces[-1] == 48
        assert len(pieces) == 6  # 50 ms of work by the estimate, in pieces of 10
        assert parallel.cut(1, 1, cost, column) == [0, 1]
        assert parallel.cut(0, 1, cost) == [0, 0]


def test_inner_budgets_end_with_their_block() -> None:
    outer = Budget()
    with outer:
        with Budget(deadline=0.0, clock=lambda: 1.0), pytest.raises(ExpiredError):
            checkpoint()
        checkpoint()
        outer.cancel()
        with pytest.raises(AbandonedError):
            checkpoint()
    checkpoint()
