"""Runs of blocks: links, windows, checkpoints."""

from __future__ import annotations

import json

import pytest
from chain_blocks import ConfiguredChain

from pycore import ledgers, testing
from pycore.errors import InputError
from pycore.ledgers.chainmaker import Checkpoint
from pycore.ledgers.chainmaker.messages import BlockInfo

LEDGER = ledgers.get("chainmaker")
COUNT = 7


def plain(report):
    """A report without what no two runs share."""
    shown = report.to_dict()
    shown.pop("timings")
    return shown


def told(run):
    return [plain(report) for report in run]


@pytest.fixture(scope="module")
def made():
    return testing.generate_ledger(blocks=COUNT, txs_per_block=4, suite="p256", signers=3, seed=8)


@pytest.fixture(scope="module")
def blocks(made):
    return [made.block_info(index) for index in range(COUNT)]


@pytest.fixture(scope="module")
def context(made):
    return made.context_for(0).replace(rw_sets=None)


@pytest.fixture(scope="module")
def configured():
    """Nine blocks; the third adds a node, the sixth takes it away again."""
    chain = ConfiguredChain()
    for nodes in (None, None, 5, None, None, 4, None, None, None):
        if nodes is None:
            chain.add()
        else:
            chain.add_configuration(nodes, signers=9 - nodes)  # all administrators of before
            chain.elect(nodes)
    return chain


@pytest.mark.parametrize("window", [1, 2, 16])
def test_a_run_says_of_each_block_what_it_alone_would_get(made, blocks, context, window):
    run = LEDGER.validate_chain(iter(blocks), context, window_blocks=window)
    assert run.checkpoint is None
    for index, report in enumerate(run):
        assert report.valid
        assert report.complete
        place = made.context_for(index).replace(rw_sets=None)
        assert plain(report) == plain(LEDGER.validate_block(blocks[index], place))
        assert run.checkpoint.height == report.height
        assert run.checkpoint.block_hash == report.block_hash
    assert run.checkpoint.height == COUNT
    assert list(run) == []


def test_what_is_wrong_in_a_block_is_reported_where_it_is(context):
    spoilt = testing.generate_ledger(blocks=4, txs_per_block=4, suite="p256", signers=3, seed=8, invalid_every=9)
    blocks = [spoilt.block_info(index) for index in range(4)]
    reports = list(LEDGER.validate_chain(blocks, spoilt.context_for(0).replace(rw_sets=None)))
    bad = [index for index in range(4) if spoilt.invalid_in(index)]
    assert bad
    assert bad[0] < 3
    for index, report in enumerate(reports):
        assert [fault.index for fault in report.faults] == sorted(spoilt.invalid_in(index))
        links = {report.check(name).ok for name in ("height", "previous_hash")}
        assert links == ({True} if index <= bad[0] else {None})


def test_a_gap_fails_and_nothing_after_it_is_proven(blocks, context):
    run = LEDGER.validate_chain(blocks[:2] + blocks[3:], context)
    reports = list(run)
    assert [report.height for report in reports] == [1, 2, 4, 5, 6, 7]
    assert [report.valid for report in reports] == [True, True, False, True, True, True]
    assert [report.complete for report in reports] == [True, True, True, False, False, False]
    assert (reports[2].check("height").got, reports[2].check("height").wanted) == (4, 3)
    assert reports[2].check("previous_hash").wanted == reports[1].block_hash
    for report in reports[3:]:
        for check in (report.check("height"), report.check("previous_hash")):
            assert check.ok is None
            assert "block 4 is not valid" in check.detail
            assert check.got == check.wanted
    assert run.checkpoint.broken == 4


def test_the_hash_that_counts_is_the_recomputed_one(blocks, context):
    """A block that lies about its hash breaks the link of the next, whichever of the two hashes that names."""
    info = BlockInfo.FromString(blocks[1])
    info.block.header.block_timestamp += 1
    reports = list(LEDGER.validate_chain([blocks[0], info.SerializeToString(), blocks[2]], context))
    assert reports[1].check("block_hash").ok is False
    assert reports[2].check("previous_hash").ok is False
    assert reports[2].check("previous_hash").wanted == reports[1].block_hash


@pytest.mark.parametrize("order", [[0, 0], [1, 0], [0, 2, 1]])
def test_blocks_out_of_order(blocks, context, order):
    reports = list(LEDGER.validate_chain([blocks[index] for index in order], context))
    assert not all(report.valid for report in reports)
    assert any(report.check("height").ok is False for report in reports)


def test_the_first_block_is_compared_with_the_context(blocks, context):
    first = next(LEDGER.validate_chain(blocks, context.replace(height=2, previous_block_hash=bytes(32))))
    assert [first.check(name).ok for name in ("height", "previous_hash")] == [False, False]
    reports = list(LEDGER.validate_chain(blocks, context.replace(height=None, previous_block_hash=None)))
    assert [check.name for check in reports[0].skipped] == ["height", "previous_hash"]
    assert all(report.valid and report.complete for report in reports[1:])


def test_the_hash_of_the_first_valid_block_holds_for_the_run(blocks, context):
    run = LEDGER.validate_chain(blocks, context.replace(hash=None))
    first, *rest = run
    assert first.valid
    assert "inferred" in first.check("block_hash").detail
    assert not any(report.check("block_hash").detail for report in rest)
    assert run.checkpoint.context.hash == "sha256"


# ---- windows ---------------------------------------------------------------------------------------------------------


class Source:
    """Blocks that count how many of them were read."""

    def __init__(self, blocks):
        self.blocks, self.read = blocks, 0

    def __iter__(self):
        for block in self.blocks:
            self.read += 1
            yield block


@pytest.mark.parametrize(("window_blocks", "window_bytes", "ahead"), [(1, 1 << 30, 1), (3, 1 << 30, 3), (9, 1, 1)])
def test_no_more_is_read_than_a_window(blocks, context, window_blocks, window_bytes, ahead):
    source = Source(blocks)
    run = LEDGER.validate_chain(source, context, window_blocks=window_blocks, window_bytes=window_bytes)
    assert source.read == 0
    for taken, _ in enumerate(run):
        assert source.read - taken <= ahead
    assert source.read == COUNT


def test_windows_do_not_change_reports(configured):
    whole = told(LEDGER.validate_chain(configured.blocks, configured.context))
    assert all(report["valid"] and report["complete"] for report in whole)
    for size in (1, 2, 4):
        assert told(LEDGER.validate_chain(configured.blocks, configured.context, window_blocks=size)) == whole


@pytest.mark.parametrize("window", [1, 2, 16])
def test_after_a_block_that_tells_no_turn_the_next_one_is_not_judged_by_an_older(blocks, context, window):
    bare = BlockInfo.FromString(blocks[2])
    bare.block.ClearField("additional_data")
    given = [*blocks[:2], bare.SerializeToString(), *blocks[3:]]
    run = LEDGER.validate_chain(given, context.replace(consensus=None), window_blocks=window)
    turns = [next((check.ok for check in report.checks if check.name == "proposer_turn"), "none") for report in run]
    assert turns == [True, True, "none", None, *[True] * (COUNT - 4)]


def test_windows_do_not_change_turns_of_a_key_with_two_names(configured):
    names = sorted(configured.context.nodes)
    nodes = {**configured.context.nodes, names[2]: configured.context.nodes[names[0]]}
    turns = [
        [
            report.check("proposer_turn")
            for report in LEDGER.validate_chain(configured.blocks, known, window_blocks=size)
        ]
        for known in [configured.context.replace(nodes=dict(sorted(nodes.items(), reverse=True)))]
        for size in (1, 16)
    ]
    assert turns[0] == turns[1]


def test_a_run_without_turns_does_not_tell_who_proposed(blocks, context):
    run = LEDGER.validate_chain(blocks[:2], context.replace(rules="compatible"))
    assert all(report.valid for report in run)
    assert run.checkpoint.proposer is None
    (report,) = LEDGER.validate_chain(blocks[2:3], context.replace(height=None, previous_block_hash=None),
                                      checkpoint=run.checkpoint)  # fmt: skip
    assert report.valid
    assert report.check("proposer_turn").ok is None


@pytest.mark.parametrize("limit", ["window_blocks", "window_bytes"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_windows_that_hold_nothing(context, limit, value):
    with pytest.raises(InputError, match=limit):
        LEDGER.validate_chain([], context, **{limit: value})


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [b"", b"\x0a\xff", b"\x00", 7, None])
def test_what_is_no_block_ends_the_run_behind_the_reports_before_it(blocks, context, bad):
    run = LEDGER.validate_chain([*blocks[:2], bad, blocks[3]], context)
    assert [next(run).height, next(run).height] == [1, 2]
    with pytest.raises(InputError, match=r"block" if bad is None or bad == 7 else r"blocks\[2\]"):
        next(run)
    assert run.checkpoint.height == 2
    assert list(run) == []


def test_an_error_of_the_source_comes_behind_the_reports_before_it(blocks, context):
    def source():
        yield from blocks[:3]
        raise OSError("the disk is gone")

    run = LEDGER.validate_chain(source(), context)
    assert [next(run).height for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="the disk is gone"):
        next(run)


def test_the_sets_of_one_block_are_no_context_of_a_run(made, blocks):
    with pytest.raises(InputError, match="rw_sets"):
        LEDGER.validate_chain(blocks, made.context_for(0))


@pytest.mark.parametrize(
    ("field", "most", "entries"),
    [
        ("validators", 6143, lambda n: tuple(f"v{i}" for i in range(n))),
        ("policies", 4096, lambda n: {f"C-{i}": {"rule": "ANY"} for i in range(n)}),
        ("trust_roots", 4096, lambda n: {f"org{i}": "no certificate" for i in range(n)}),
        ("trust_members", 4096, lambda n: [{"pem": "x", "org_id": "o", "role": "ADMIN"}] * n),
    ],
)
def test_contexts_that_are_too_large_for_a_run(context, field, most, entries):
    LEDGER.validate_chain([], context.replace(**{field: entries(most)}))
    with pytest.raises(InputError, match=field):
        LEDGER.validate_chain([], context.replace(**{field: entries(most + 1)}))


def test_an_empty_run(context):
    run = LEDGER.validate_chain([], context)
    assert list(run) == []
    assert run.checkpoint is None


# ---- checkpoints -----------------------------------------------------------------------------------------------------


def again(checkpoint):
    """The checkpoint after a way through JSON."""
    read = Checkpoint.from_dict(json.loads(json.dumps(checkpoint.to_dict())))
    assert read == checkpoint
    return read


@pytest.mark.parametrize("kind", ["sound", "broken", "unclear"])
def test_a_run_that_goes_on_says_what_one_run_would_have_said(configured, kind):
    blocks, context = list(configured.blocks), configured.context
    if kind == "broken":
        del blocks[1]
    elif kind == "unclear":
        context = context.replace(previous_block_hash=None)
        blocks = blocks[2:]
        context = context.replace(height=3)
    whole = told(LEDGER.validate_chain(blocks, context))
    assert any(not report["complete"] for report in whole) == (kind != "sound")
    for cut in range(1, len(blocks)):
        first = LEDGER.validate_chain(blocks, context, window_blocks=2)
        reports = [plain(next(first)) for _ in range(cut)]
        second = LEDGER.validate_chain(blocks[cut:], checkpoint=again(first.checkpoint))
        assert second.checkpoint == first.checkpoint
        assert reports + told(second) == whole
        third = LEDGER.validate_chain(blocks[cut:], checkpoint=first.checkpoint.to_dict())
        assert told(third) == whole[cut:]


def test_a_checkpoint_with_another_context(configured):
    """The place stays; what was unclear is what the caller now says."""
    context = configured.context.replace(previous_block_hash=None, height=3)
    run = LEDGER.validate_chain(configured.blocks[2:4], context)
    assert [report.check("context_change").ok for report in run] == [None, None]
    assert run.checkpoint.unclear
    known = configured.whole.replace(height=None)
    reports = list(LEDGER.validate_chain(configured.blocks[4:], known, checkpoint=run.checkpoint))
    assert all(report.valid and report.complete for report in reports)


@pytest.mark.parametrize("change", [{"height": 9}, {"previous_block_hash": bytes(32)}])
def test_a_context_that_contradicts_the_checkpoint(blocks, context, change):
    run = LEDGER.validate_chain(blocks, context)
    next(run)
    given = context.replace(**{"height": None, "previous_block_hash": None} | change)
    with pytest.raises(InputError, match=r"context\."):
        LEDGER.validate_chain(blocks[1:], given, checkpoint=run.checkpoint)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2), ("chain", "bitcoin"), ("height", -1), ("height", None), ("height", "1"), ("height", 1 << 64),
        ("block_hash", "00"), ("block_hash", None), ("context", {"trust_rots": {}}), ("context", []),
        ("broken", -1), ("broken", True), ("unclear", None), ("more", 1),
    ],
)  # fmt: skip
def test_checkpoints_that_are_none(blocks, context, field, value):
    run = LEDGER.validate_chain(blocks, context)
    next(run)
    with pytest.raises(InputError):
        Checkpoint.from_dict(run.checkpoint.to_dict() | {field: value})
    with pytest.raises(InputError):
        LEDGER.validate_chain(blocks, checkpoint=run.checkpoint.to_dict() | {field: value})


@pytest.mark.parametrize("document", [None, [], {}, "{}"])
def test_documents_that_are_no_checkpoint(document):
    with pytest.raises(InputError, match="checkpoint"):
        Checkpoint.from_dict(document)
