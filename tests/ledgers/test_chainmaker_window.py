"""Blocks that share a batch of signatures: what one of them does to its neighbours, and what is left when nobody asks
for more reports."""

from __future__ import annotations

import gc
import weakref

import pytest
from Crypto.PublicKey import ECC

from pycore import ledgers, testing
from pycore.base import parallel
from pycore.errors import InputError
from pycore.identities import collector
from pycore.ledgers.chainmaker import headers, window
from pycore.ledgers.chainmaker.messages import BlockInfo
from pycore.ledgers.chainmaker.validator import Validation

LEDGER = ledgers.get("chainmaker")
COUNT = 6


@pytest.fixture(scope="module")
def made():
    return testing.generate_ledger(
        blocks=COUNT, txs_per_block=3, suite="p256", authentication="key", signers=3, seed=4, invalid_every=0
    )


@pytest.fixture(scope="module")
def blocks(made):
    return [made.block_info(index) for index in range(COUNT)]


@pytest.fixture(scope="module")
def context(made):
    return made.context_for(0).replace(rw_sets=None, public_keys=None)


def by_rare_keys(block):
    """The block with every sender a key on P-384."""
    info = BlockInfo.FromString(block)
    key = ECC.generate(curve="P-384").public_key().export_key(format="PEM")
    for tx in info.block.txs:
        tx.sender.signer.member_info = key.encode()
    return info.SerializeToString()


@pytest.mark.parametrize("size", [1, 1 << 20])
@pytest.mark.parametrize("at", [0, 2, COUNT - 1])
def test_too_many_rare_signatures_end_the_run_at_their_block(blocks, context, at, size, monkeypatch):
    monkeypatch.setattr(collector, "MAX_RARE", 2)
    monkeypatch.setattr(window, "GROUP_BYTES", size)
    given = [*blocks[:at], by_rare_keys(blocks[at]), *blocks[at + 1 :]]
    run, heights = LEDGER.validate_chain(given, context), []
    with pytest.raises(InputError, match="P-384"):
        heights += (report.height for report in run)
    assert heights == [context.height + place for place in range(at)]


@pytest.mark.parametrize("size", [1, 5000, 1 << 20])
def test_rare_signatures_of_neighbours_are_counted_by_block(blocks, context, size, monkeypatch):
    monkeypatch.setattr(collector, "MAX_RARE", 3)
    monkeypatch.setattr(window, "GROUP_BYTES", size)
    given = [by_rare_keys(block) for block in blocks]
    assert [report.counts["invalid"] for report in LEDGER.validate_chain(given, context)] == [3] * COUNT


@pytest.mark.parametrize("authentication", ["certificate", "key"])
@pytest.mark.parametrize("count", [3, 40])
def test_reports_do_not_depend_on_who_shares_a_batch(count, authentication, monkeypatch):
    made = testing.generate_ledger(
        blocks=COUNT, txs_per_block=count, suite="sm2", authentication=authentication, signers=3, seed=9,
        invalid_every=2 * count,
    )  # fmt: skip
    given = [made.block_info(index) for index in range(COUNT)]
    whole = []
    for size in (1, 2 * len(given[0]), 1 << 24):
        monkeypatch.setattr(window, "GROUP_BYTES", size)
        run = LEDGER.validate_chain(given, made.context_for(0).replace(rw_sets=None))
        whole.append([{**report.to_dict(), "timings": {}} for report in run])
    assert whole[0] == whole[1] == whole[2]
    assert sum(report["counts"]["invalid"] for report in whole[0]) == COUNT // 2


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 5000, 1 << 20])
@pytest.mark.parametrize("taken", [1, 2, COUNT])
def test_whatever_was_begun_is_finished_or_abandoned(blocks, context, size, taken, threads, monkeypatch):
    monkeypatch.setattr(window, "GROUP_BYTES", size)
    begun, ended = [], []

    class Noted(parallel.Started):
        def __init__(self, *given):
            begun.append(self)
            super().__init__(*given)

        def finish(self):
            ended.append(self)
            super().finish()

        def abandon(self):
            ended.append(self)
            super().abandon()

    monkeypatch.setattr(parallel, "Started", Noted)
    reports = window.validate_together(blocks, context, None, "auto", threads)
    for _ in range(taken):
        next(reports)
    reports.close()
    assert begun
    assert set(begun) == set(ended)


def test_a_block_that_fails_on_the_way_is_abandoned(blocks, context, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    left = []
    monkeypatch.setattr(headers, "turn", fails)
    monkeypatch.setattr(Validation, "abandon", lambda work: left.append(work))
    with pytest.raises(KeyboardInterrupt):
        next(window.validate_together(blocks, context, None, "auto", 1))
    assert len(left) == 1


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("how", ["block", "chain"])
def test_views_are_read_in_place_and_let_go(blocks, context, how, threads):
    """Reports of views of bytes are those of the bytes, and a block is not kept until the garbage collector comes."""

    def reports(given):
        if how == "chain":
            return list(LEDGER.validate_chain(given, context, threads=threads))
        return [LEDGER.validate_block(given[0], context, threads=threads)]

    wanted = reports(blocks)
    gc.disable()
    try:
        views = [memoryview(block) for block in blocks]
        left = [weakref.ref(view) for view in views]
        got = reports(views)
        del views
        assert [ref() for ref in left] == [None] * COUNT
    finally:
        gc.enable()
    assert all(report.valid for report in got)
    for one, other in zip(got, wanted, strict=True):
        shown = [{**report.to_dict(), "timings": None} for report in (one, other)]
        assert shown[0] == shown[1]


@pytest.mark.parametrize("form", ["changing", "numbers", "every other"])
def test_other_views_are_copied(blocks, context, form):
    """A buffer that somebody may change, or one in another shape, is read once."""
    block = blocks[0] + bytes(-len(blocks[0]) % 4)
    given = {
        "changing": memoryview(bytearray(blocks[0])),
        "numbers": memoryview(blocks[0]).cast("B", (1, len(blocks[0]))),
        "every other": memoryview(bytes(byte for pair in zip(block, block, strict=True) for byte in pair))[::2],
    }[form]
    run = LEDGER.validate_chain([given], context)
    if form == "changing":
        assert next(run).valid
    else:
        with pytest.raises(InputError):
            next(run)
