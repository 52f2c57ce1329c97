"""XuperChain's blocks: ids, trees, signatures, certificates and runs."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import xuper as oracle

import pycore
from pycore import ledgers
from pycore.consensus.quorum import Rule
from pycore.errors import InputError
from pycore.ledgers.xuper import XuperContext, certificate, headers
from pycore.ledgers.xuper.messages import InternalBlock
from pycore.testing.xuper import START_HEIGHT, Draft, XuperMaker, make_keys, seal, set_ids, sign_drafts

LEDGER: Any = ledgers.get("xuperchain")
MAKER = XuperMaker(5)
CHAIN = MAKER.chain(4, 3)


def context(place: int = 1, **changes: Any) -> XuperContext:
    """Everything that block `place` of the chain needs."""
    before = MAKER.origin if place == 0 else CHAIN[place - 1].blockid
    following = CHAIN[place + 1].SerializeToString() if place + 1 < len(CHAIN) else None
    return MAKER.context.replace(
        **{"height": START_HEIGHT + place, "previous_block_hash": before, "next_block": following} | changes
    )


def validate(block: Any, **changes: Any) -> Any:
    return LEDGER.validate_block(block.SerializeToString(), context(**changes))


def resealed(change: Callable[[Any], None], place: int = 1) -> Any:
    """A block that is changed, and given its id and signature after that."""
    block = copy.deepcopy(CHAIN[place])
    change(block)
    seal(block, MAKER.proposer(START_HEIGHT + place))
    return block


def names(checks: Any) -> list[str]:
    return [check.name for check in checks]


# ---- ids, trees, signatures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", ["strict", "compatible"])
@pytest.mark.parametrize("crypto", ["p-256", "sm2"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_sound_block_is_valid_and_complete(version: int, crypto: str, rules: str) -> None:
    maker = XuperMaker(6, crypto=crypto, version=version, users=2)
    chain = maker.chain(3, 3)
    for place, certainty in ((1, "read" if crypto == "sm2" else ""),):
        known = maker.context.replace(
            rules=rules, height=START_HEIGHT + place, previous_block_hash=chain[place - 1].blockid,
            next_block=chain[place + 1].SerializeToString(),
        )  # fmt: skip
        report = LEDGER.validate_block(chain[place].SerializeToString(), known, events=True)
        assert report.valid, [str(check) for check in report.failed]
        assert report.complete, names(report.skipped)
        assert report.check("proposer_signature").certainty == report.check("curves").certainty == certainty
        assert report.check("certificate").certainty == report.check("justify").certainty == "read"
        assert report.block_hash == chain[place].blockid == oracle.block_id(chain[place])
        assert [event.topic for event in report.events] == ["increase"]
        assert report.events[0].data == ('{"n":1}',)
        assert report.counts["signatures"] == 3
        assert json.loads(json.dumps(report.to_dict()))["valid"]


def test_blockid_covers_every_field_but_height_tree_and_signature() -> None:
    block = CHAIN[1]
    before = oracle.block_id(block)
    assert headers.block_id(block) == before == LEDGER.header_hash(block.SerializeToString())
    other: dict[str, Any] = {
        "version": 2, "nonce": 1, "tx_count": 9, "proposer": b"x", "timestamp": 1, "pubkey": b"y", "pre_hash": b"z",
        "merkle_root": b"r", "cur_term": 7, "cur_block_num": 8, "target_bits": 1,
    }  # fmt: skip
    for name, value in other.items():
        made = copy.deepcopy(block)
        setattr(made, name, value)
        assert headers.block_id(made) == oracle.block_id(made) != before, name
    for change in (
        lambda made: made.failed_txs.__setitem__("a", "b"),
        lambda made: made.ClearField("justify"),
        lambda made: setattr(made.justify, "type", 1),
        lambda made: setattr(made.justify, "view_number", 1),
        lambda made: setattr(made.justify, "proposal_msg", b""),
        lambda made: setattr(made.justify.sign_infos.qc_sign_infos[0], "sign", b""),
    ):
        made = copy.deepcopy(block)
        change(made)
        assert headers.block_id(made) == oracle.block_id(made) != before
    for name, value in {"height": 5, "in_trunk": False, "next_hash": b"n", "sign": b"s", "blockid": b"i"}.items():
        made = copy.deepcopy(block)
        setattr(made, name, value)
        assert headers.block_id(made) == before, name
    made = copy.deepcopy(block)
    del made.merkle_tree[:], made.transactions[:]
    assert headers.block_id(made) == before
    made.target_bits = -1
    assert headers.block_id(made) == oracle.block_id(made) == before  # only above 0


def test_failed_transactions_are_covered_by_their_reasons_in_order() -> None:
    def fail(entries: dict[str, str]) -> Any:
        return resealed(lambda block: [block.failed_txs.__setitem__(key, entries[key]) for key in entries])

    one, two = "1" * 64, "2" * 64
    sound = fail({two: "b", one: "a"})
    assert sound.blockid == oracle.block_id(sound) == fail({one: "ab", two: ""}).blockid
    assert validate(sound).check("failed_txs").ok
    for bad in ({"x": "a"}, {one.upper().replace("1", "A"): "a"}, {one: "a\0"}):
        assert validate(fail(bad)).check("failed_txs").ok is False
        assert validate(fail(bad), rules="compatible").check("failed_txs").ok


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9])
def test_merkle_tree_of_bitcoins_shape(count: int) -> None:
    leaves = np.arange(count * 32, dtype=np.uint8).reshape(count, 32)
    levels = headers.tree_levels(leaves)
    rows = [row.tobytes() for row in leaves]
    assert headers.tree_array(levels) == oracle.merkle_tree(rows)
    root = levels[-1][0].tobytes()
    assert root == oracle.merkle_tree(rows)[-1] == pycore.merkle_root(leaves, tree="bitcoin")
    tree = pycore.MerkleTree(leaves, tree="bitcoin")
    for index in range(count):
        proof = list(tree.proof(index))
        LEDGER.verify_inclusion(root, rows[index], proof, index=index, leaf_count=count)
        LEDGER.verify_inclusion(
            root, rows[index], {"index": index, "path": [node.hex() for node in proof]}, leaf_count=count
        )
        for wrong in (index + 1, index ^ 1, count):
            with pytest.raises(pycore.ProofError):
                LEDGER.verify_inclusion(root, rows[index], proof, index=wrong, leaf_count=count + (wrong == index))
        for place in range(len(proof)):
            bad = [*proof]
            bad[place] = bytes([bad[place][0] ^ 1]) + bad[place][1:]
            with pytest.raises(pycore.ProofError):
                LEDGER.verify_inclusion(root, rows[index], bad, index=index, leaf_count=count)
        with pytest.raises(pycore.ProofError):
            LEDGER.verify_inclusion(root, rows[index], [*proof, root], index=index, leaf_count=count)


def test_inclusion_refuses_malformed_calls() -> None:
    node = bytes(32)
    for arguments, position in (
        ((node, node, []), {"index": 0}),
        ((node, node, []), {"leaf_count": 1}),
        ((node[:31], node, []), {"index": 0, "leaf_count": 1}),
        ((node, node, [b"short"]), {"index": 0, "leaf_count": 2}),
        ((node, node, ["zz"]), {"index": 0, "leaf_count": 2}),
        ((node, node, "text"), {"index": 0, "leaf_count": 2}),
        ((node, node, [node] * 33), {"index": 0, "leaf_count": 2}),
        ((node, node, {"path": [], "index": 1}), {"index": 0, "leaf_count": 1}),
    ):
        with pytest.raises(InputError):
            LEDGER.verify_inclusion(*arguments, **position)


def test_duplicates_and_tx_count() -> None:
    """CVE-2012-2459: repeating the last transactions does not change the root."""
    block = copy.deepcopy(CHAIN[1])
    block.transactions.pop()
    leaves = np.frombuffer(b"".join(tx.txid for tx in block.transactions), np.uint8).reshape(-1, 32)
    assert len(leaves) == 3
    block.merkle_root, block.tx_count = headers.tree_levels(leaves)[-1][0].tobytes(), 3
    del block.merkle_tree[:]
    seal(block, MAKER.proposer(START_HEIGHT + 1))
    assert validate(block, next_block=None).valid
    block.transactions.append(block.transactions[2])
    report = validate(block, next_block=None)
    assert report.check("tx_root").ok
    assert names(report.failed) == ["tx_count", "tx_ids"]


def test_merkle_tree_in_the_block_is_compared_where_it_is_there() -> None:
    assert validate(CHAIN[1]).check("merkle_tree").ok
    for change in (
        lambda block: block.merkle_tree.pop(),
        lambda block: block.merkle_tree.append(b""),
        lambda block: block.merkle_tree.__setitem__(1, bytes(32)),
        lambda block: block.merkle_tree.__setitem__(0, block.merkle_tree[0] + b"x"),
    ):
        block = copy.deepcopy(CHAIN[1])
        change(block)
        assert names(validate(block).failed) == ["merkle_tree"]
    block = copy.deepcopy(CHAIN[1])
    del block.merkle_tree[:]
    report = validate(block)
    assert report.valid
    assert "merkle_tree" not in names(report)


def test_a_block_has_transactions() -> None:
    def change(block: Any) -> None:
        del block.transactions[:], block.merkle_tree[:]
        block.tx_count = 0

    assert "empty_block" in names(validate(resealed(change)).failed)


def test_proposer_is_the_address_of_the_key_and_signs_the_id() -> None:
    key, other = MAKER.proposer(START_HEIGHT + 1), MAKER.validators[0]
    block = resealed(lambda made: setattr(made, "proposer", other.address.encode()))
    assert {"proposer", "proposer_signature"} <= set(names(validate(block, next_block=None).failed))
    block = copy.deepcopy(CHAIN[1])
    block.sign = other.sign(block.blockid)
    assert names(validate(block).failed) == ["proposer_signature"]
    block.sign = key.sign(bytes(32))
    assert names(validate(block).failed) == ["proposer_signature"]
    stranger = make_keys(5, "stranger", 1)[0]
    block = copy.deepcopy(CHAIN[1])
    block.proposer, block.pubkey = stranger.address.encode(), stranger.text.encode()
    seal(block, stranger)
    assert "validators" in names(validate(block, next_block=None).failed)
    assert validate(block, next_block=None, validators=()).check("validators").ok is None


def test_another_curve_than_the_chains() -> None:
    report = validate(CHAIN[1], crypto="sm2", rules="compatible")
    assert report.check("proposer_signature").got == "UNSUPPORTED_ALGORITHM"


def test_height_and_previous_hash_come_from_the_context() -> None:
    assert validate(CHAIN[1], height=None).check("height").ok is None
    assert names(validate(CHAIN[1], height=7).failed) == ["height"]
    assert names(validate(CHAIN[1], previous_block_hash=bytes(32)).failed) == ["previous_hash"]
    assert validate(CHAIN[1], previous_block_hash=None).check("previous_hash").ok is None


def test_every_header_field_spoilt() -> None:
    """Under the id and the signature as they were, and under new ones."""
    numbers = ("version", "nonce", "timestamp", "cur_term", "cur_block_num", "target_bits", "tx_count", "height")
    for name in (*numbers, "pre_hash", "proposer", "pubkey", "merkle_root", "blockid", "sign"):
        value = getattr(CHAIN[1], name)
        spoilt = [value + 1] if name in numbers else [value[:-1], value + b"\0", value[:-1] + bytes([value[-1] ^ 1])]
        for new in spoilt:
            block = copy.deepcopy(CHAIN[1])
            setattr(block, name, new)
            report = validate(block)
            assert not report.valid, name
            if name not in ("height", "sign", "blockid"):
                assert "block_hash" in names(report.failed), name
                seal(block, MAKER.proposer(START_HEIGHT + 1))
                assert not validate(block).valid, name  # the certificate is of another block


def test_the_chains_own_transactions_spend_nothing() -> None:
    def spending(name: str) -> Any:
        draft = MAKER.draft(1)
        setattr(draft.tx, name, True)
        tx = sign_drafts([Draft(draft.tx, [], [])])[0]
        return MAKER.block(START_HEIGHT + 1, CHAIN[0].blockid, [tx], justify=CHAIN[1].justify)

    for name in ("coinbase", "autogen"):
        block = spending(name)
        assert validate(block, next_block=None).faults[0].verdict.name == "MALFORMED_ITEM", name
        assert validate(block, next_block=None, rules="compatible").valid
    second = MAKER.award(1, MAKER.users[0])
    block = MAKER.block(START_HEIGHT + 1, CHAIN[0].blockid, [second], justify=CHAIN[1].justify)
    assert [fault.index for fault in validate(block, next_block=None).faults] == [1]
    tx = MAKER.award(2, MAKER.users[0])
    assert LEDGER.validate_transactions([tx.SerializeToString()])[0].name == "MALFORMED_ITEM"


def test_the_first_block_has_version_0_and_no_signature() -> None:
    tx = MAKER.award(0, MAKER.users[0])
    tx.version = 0
    set_ids([tx])
    block = InternalBlock(version=1, merkle_root=tx.txid, tx_count=1, transactions=[tx])
    block.blockid = headers.block_id(block)
    report = LEDGER.validate_block(block.SerializeToString(), {"height": 0})
    assert report.valid
    assert {"proposer_signature", "certificate", "previous_hash"} <= set(names(report.skipped))
    block.pre_hash = bytes(32)
    block.blockid = headers.block_id(block)
    assert not LEDGER.validate_block(block.SerializeToString(), {"height": 0}).valid


# ---- certificates ----------------------------------------------------------------------------------------------------


def certified(voters: list[Any], *, rules: str = "strict", change: Callable[[Any], None] | None = None,
              maker: Any = MAKER, carrier: Any = None, **changes: Any) -> Any:  # fmt: skip
    """The check of the certificate of a block, whose votes are these; `change`: what is done to it."""
    chain = CHAIN if maker is MAKER else maker.chain(2, 1)
    block = chain[1]
    justify = maker.justify(block, voters)
    if change is not None:
        change(justify)
    proposer = carrier or maker.proposer(START_HEIGHT + 2)
    following = maker.block(START_HEIGHT + 2, block.blockid, [], justify=justify, proposer=proposer)
    known = maker.context.replace(rules=rules, next_block=following.SerializeToString(), **changes)
    return LEDGER.verify_certificate(block.SerializeToString(), known).check("certificate")


VOTERS = MAKER.validators
COLLECTOR = MAKER.proposer(START_HEIGHT + 2)
REST = [key for key in VOTERS if key is not COLLECTOR]


def test_both_thresholds() -> None:
    """n - f validators; the collector of the votes needs no vote. Of four: two votes and the collector."""
    for n in range(1, 30):
        assert certificate.needed(n) == n - (n - 1) // 3 == Rule.more_than(2, 3).needed(n)
    for rules in ("strict", "compatible"):
        assert certified(REST[:2], rules=rules).ok
        assert certified(REST, rules=rules).ok
        assert certified(REST[:1], rules=rules).ok is False
        assert certified([], rules=rules).ok is False


def test_strict_counts_distinct_validators_once() -> None:
    twice = [REST[0], REST[0]]
    assert certified(twice).ok is False
    assert certified(twice, rules="compatible").ok
    own = [REST[0], COLLECTOR]  # a vote of the collector, who counts already
    assert certified(own).ok is False
    assert certified(own, rules="compatible").ok
    assert certified([*own, REST[1]]).ok


def test_the_collector_must_be_a_validator_under_strict() -> None:
    stranger = make_keys(5, "stranger", 1)[0]
    assert certified(VOTERS, carrier=stranger).ok is False
    assert certified(VOTERS, carrier=stranger, rules="compatible").ok


def test_votes_of_strangers_are_passed_over_and_bad_votes_of_validators_refuse() -> None:
    stranger = make_keys(5, "stranger", 1)[0]
    for rules in ("strict", "compatible"):
        assert certified([*REST[:2], stranger], rules=rules).ok
        assert certified([REST[0], stranger], rules=rules).ok is False
        bad = certified(REST, rules=rules, change=lambda qc: setattr(qc.sign_infos.qc_sign_infos[1], "sign", b"\x30\0"))
        assert bad.ok is False
        assert "MALFORMED_SIGNATURE" in bad.detail

        def other_key(qc: Any) -> None:
            qc.sign_infos.qc_sign_infos[0].public_key = stranger.text

        assert certified(REST, rules=rules, change=other_key).ok is False


def test_what_a_certificate_is_for() -> None:
    for rules in ("strict", "compatible"):
        assert certified(REST, rules=rules, change=lambda qc: setattr(qc, "proposal_id", bytes(32))).ok is False
        assert certified(REST, rules=rules, change=lambda qc: setattr(qc, "proposal_msg", b"\xff")).ok is False
    view = {"change": lambda qc: setattr(qc, "view_number", START_HEIGHT)}
    assert certified(REST, **view).ok is False
    assert certified(REST, rules="compatible", **view).ok


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_thresholds_by_number_of_validators(n: int) -> None:
    maker = XuperMaker(7, validators=n, users=1)
    others = [key for key in maker.validators if key is not maker.proposer(START_HEIGHT + 2)]
    for votes in range(n):
        check = certified(others[:votes], maker=maker)
        assert check.ok is (votes + 1 >= certificate.needed(n)), (n, votes)
        assert certified(others[:votes], maker=maker, rules="compatible").ok is check.ok


def test_the_only_validator_certifies_its_blocks() -> None:
    maker = XuperMaker(8, validators=1, users=1)
    chain = [block.SerializeToString() for block in maker.chain(3, 1)]
    for consensus in ("chained-bft", "single"):
        known = maker.context.replace(consensus=consensus, height=START_HEIGHT, previous_block_hash=maker.origin)
        reports = list(LEDGER.validate_chain(chain, known))
        assert all(report.valid and report.complete for report in reports)


def test_the_next_block_must_hold_itself() -> None:
    following = copy.deepcopy(CHAIN[2])
    cases: list[Callable[[Any], None]] = [
        lambda block: setattr(block, "blockid", bytes(32)),
        lambda block: setattr(block, "sign", b""),
        lambda block: setattr(block, "height", 9),
        lambda block: setattr(block, "timestamp", 9),
    ]
    for change in cases:
        made = copy.deepcopy(following)
        change(made)
        report = validate(CHAIN[1], next_block=made.SerializeToString())
        assert names(report.failed) == ["certificate"]
    assert validate(CHAIN[1], next_block=CHAIN[3].SerializeToString()).check("certificate").ok is False
    with pytest.raises(InputError, match="next_block"):
        validate(CHAIN[1], next_block=b"\xff")


def test_justify_of_the_block_before() -> None:
    def change(block: Any) -> None:
        del block.justify.sign_infos.qc_sign_infos[1:]

    report = validate(resealed(change), next_block=None)
    assert names(report.failed) == ["justify"]
    report = validate(resealed(lambda block: block.ClearField("justify")), next_block=None)
    assert names(report.failed) == ["justify"]
    no_start = validate(resealed(lambda block: block.ClearField("justify")), next_block=None, start_height=None)
    assert no_start.check("justify").ok is None
    assert validate(CHAIN[0], place=0).check("justify").ok  # the consensus begins there
    assert validate(CHAIN[1], validators=()).check("justify").ok is None


def test_what_is_not_known_is_skipped_with_the_reason() -> None:
    report = validate(CHAIN[1], next_block=None)
    assert report.valid
    assert "next block" in report.check("certificate").detail
    assert validate(CHAIN[1], consensus="none").check("certificate").ok is None
    empty = LEDGER.validate_block(CHAIN[1].SerializeToString())
    assert empty.valid
    assert {"height", "previous_hash", "validators", "justify", "certificate"} == set(names(empty.skipped))


def test_validators_by_terms() -> None:
    terms = {"1": [key.address for key in VOTERS]}
    known = {"terms": terms, "validators": (), "previous_term": 1}
    report = validate(CHAIN[1], **known)
    assert report.valid
    assert report.complete
    report = validate(CHAIN[1], **known | {"terms": {"2": terms["1"]}})
    assert {"validators", "justify", "certificate"} <= set(names(report.skipped))
    report = validate(CHAIN[1], **known | {"previous_term": None})
    assert names(report.skipped) == ["justify"]


# ---- runs ------------------------------------------------------------------------------------------------------------

DATA = [block.SerializeToString() for block in CHAIN]


@pytest.mark.parametrize("window", [1, 2, 3, 16])
def test_a_run_certifies_each_block_by_the_next(window: int) -> None:
    start = context(0, next_block=None)
    run = LEDGER.validate_chain(iter(DATA), start, window_blocks=window)
    reports = list(run)
    assert [report.height for report in reports] == [START_HEIGHT + i for i in range(4)]
    assert all(report.valid for report in reports)
    assert [names(report.skipped) for report in reports] == [[], [], [], ["certificate"]]
    assert run.checkpoint.block_hash == CHAIN[-1].blockid
    assert run.checkpoint.context.next_block is None
    assert json.loads(json.dumps(run.checkpoint.to_dict()))["height"] == START_HEIGHT + 3


def test_a_run_goes_on_from_its_checkpoint() -> None:
    first = LEDGER.validate_chain(DATA[:2], context(0, next_block=None))
    list(first)
    document = json.loads(json.dumps(first.checkpoint.to_dict()))
    reports = list(LEDGER.validate_chain(DATA[2:], checkpoint=document))
    assert all(report.valid for report in reports)
    assert [names(report.skipped) for report in reports] == [[], ["certificate"]]


def test_blocks_after_one_that_is_not_valid() -> None:
    bad = copy.deepcopy(CHAIN[1])
    bad.sign = b""
    reports = list(LEDGER.validate_chain([DATA[0], bad.SerializeToString(), *DATA[2:]], context(0, next_block=None)))
    assert [report.valid for report in reports] == [False, False, True, True]  # its signature makes the first final
    assert {"height", "previous_hash"} <= set(names(reports[2].skipped))


def test_what_is_no_block_ends_a_run_after_the_reports_before_it() -> None:
    for count in (1, 2):
        for bad in (b"\xff", b""):
            run = LEDGER.validate_chain([*DATA[:count], bad], context(0, next_block=None), window_blocks=2)
            reports = [next(run) for _ in range(count)]
            assert [names(report.skipped) for report in reports] == [[], ["certificate"]][-count:]
            with pytest.raises(InputError, match=rf"blocks\[{count}\]"):
                next(run)
    broken = iter([DATA[0], DATA[1], 7])
    run = LEDGER.validate_chain(broken, context(0, next_block=None), window_blocks=2)
    assert next(run).valid
    assert next(run).valid
    with pytest.raises(InputError):
        next(run)


def test_terms_follow_the_blocks_of_a_run() -> None:
    terms = {1: [key.address for key in VOTERS]}
    start = context(0, next_block=None, validators=(), terms=terms)
    run = LEDGER.validate_chain(DATA, start)
    reports = list(run)
    assert all(report.valid for report in reports)
    assert [names(report.skipped) for report in reports] == [[], [], [], ["certificate"]]
    assert run.checkpoint.context.previous_term == 1


def test_a_run_with_events() -> None:
    reports = list(LEDGER.validate_chain(DATA, context(0, next_block=None), events=True))
    assert [len(report.events) for report in reports] == [1, 1, 1, 1]
    assert all(report.events is None for report in LEDGER.validate_chain(DATA[:1], context(0, next_block=None)))


def test_calls_of_a_few_blocks_at_a_time() -> None:
    """A block is held back until the next one is there, or none is to come."""
    state = LEDGER.chain_state(context(0, next_block=None))
    counts, reports = [], []
    for blocks, last in ((DATA[:1], False), ([], False), (DATA[1:3], False), (DATA[3:], False), ([], True), ([], True)):
        found = list(state.reports(blocks, last=last))
        counts.append(len(found))
        reports += found
    assert counts == [0, 0, 2, 1, 1, 0]
    assert [names(report.skipped) for report in reports] == [[], [], [], ["certificate"]]
    assert state.checkpoint.height == START_HEIGHT + 3


def test_the_next_block_of_a_context_is_for_a_run_of_one_block() -> None:
    for blocks, skipped in ((DATA[:1], [[]]), (DATA[:2], [[], ["certificate"]])):
        reports = LEDGER.validate_chain(blocks, context(0, next_block=DATA[1]))
        assert [names(report.skipped) for report in reports] == skipped


# ---- the rest of the face --------------------------------------------------------------------------------------------


def test_digests_and_height() -> None:
    found = LEDGER.block_digests(DATA[1])
    assert found == {
        "block_hash": CHAIN[1].blockid,
        "tx_root": CHAIN[1].merkle_root,
        "tx_hashes": [tx.txid for tx in CHAIN[1].transactions],
    }
    assert LEDGER.block_height(DATA[1]) == START_HEIGHT + 1
    for call in (lambda: LEDGER.block_digests(DATA[1], "sm3"), lambda: LEDGER.header_hash(DATA[1], hash="sha256")):
        with pytest.raises(InputError, match="hash"):
            call()
    with pytest.raises(InputError, match="form"):
        LEDGER.header_hash(DATA[1], form="json")


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": "lenient"}, {"validators": ["a", "a"]}, {"validators": "a"}, {"terms": {"x": []}}, {"terms": [1]},
        {"accounts": {"x": {}}}, {"accounts": {"XC1111111111111111": {"rule": "any"}}}, {"height": -1},
        {"accounts": {"XC1111111111111111": {"rule": "threshold", "accept": "1"}}}, {"crypto": "rsa"},
        {"consensus": "pow"}, {"previous_block_hash": "00"}, {"next_block": 5}, {"unknown": 1}, {"start_height": True},
        {"accounts": {"XC1111111111111111": {"rule": "aksets", "sets": ["ab"], "more": 1}}},
    ],
)  # fmt: skip
def test_contexts_that_are_refused(fields: Any) -> None:
    with pytest.raises(InputError, match="context"):
        XuperContext.from_dict(fields)


def test_a_context_in_json() -> None:
    lists = {"XC1111111111111111@xuper": {"rule": "aksets", "sets": [["a"]]}}
    full = XuperContext(
        rules="compatible", chain_name="xuper", crypto="sm2", consensus="single", validators=["a"], terms={3: ["b"]},
        previous_term=3, start_height=1, next_block=b"\1", accounts=lists, height=4, previous_block_hash=bytes(32),
    )  # fmt: skip
    assert XuperContext.from_json(full.to_json()) == full
    assert LEDGER.context(full.to_json()) == full


def test_bytes_that_are_no_block() -> None:
    for data in (b"", b"\xff", b"\x5a\x02\xff\xff", DATA[0][:-1], b"\x5a\0" * 5000):
        with pytest.raises(InputError, match="block"):
            LEDGER.validate_block(data)
    many = InternalBlock()
    for _ in range(1025):
        many.justify.sign_infos.qc_sign_infos.add()
    with pytest.raises(InputError, match="justify"):
        LEDGER.validate_block(many.SerializeToString())


def test_events_that_other_readings_of_an_old_id_hide_are_noticed() -> None:
    """Ids of versions 1 and 2 have no lengths: without the values, the texts behind them become buckets and keys."""
    maker = XuperMaker(5, version=1)
    draft = maker.draft(1)
    (events,) = (one.value for one in draft.tx.tx_outputs_ext if one.bucket == "$transient")
    del draft.tx.tx_outputs_ext[:]
    draft.tx.tx_outputs_ext.add(bucket="$transient", key=b"contractEvent", value=events)
    draft.tx.tx_outputs_ext.add(bucket="counter1", key=b"visits", value=b"1")
    block = maker.block(START_HEIGHT, maker.origin, sign_drafts([draft]))
    honest = LEDGER.validate_block(block.SerializeToString(), maker.context, events=True)
    assert len(honest.events) == 1
    assert honest.check("events").ok
    written = block.transactions[1].tx_outputs_ext
    del written[:]
    written.add(bucket="$transient", key=b"contractEvent")
    written.add(bucket=base64.b64encode(events).decode(), key=base64.b64decode("counter1"))
    written.add(bucket=base64.b64encode(b"visits").decode(), key=b"1")
    report = LEDGER.validate_block(block.SerializeToString(), maker.context, events=True)
    assert report.valid
    assert (report.block_hash, report.events) == (honest.block_hash, ())
    assert report.check("events").ok is None
