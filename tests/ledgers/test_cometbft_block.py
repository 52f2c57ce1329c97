"""CometBFT's blocks and runs of blocks: every check by itself, and what a run knows of the next block."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import CountCases

from pycore import ledgers
from pycore.errors import InputError, ProofError
from pycore.ledgers.cometbft import encoding, hashes, rpc
from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.context import CometbftContext
from pycore.ledgers.cometbft.evidence import duplicate_vote, light_client_attack
from pycore.testing import cometbft_json as answers
from pycore.testing.cometbft import Chain, conflicting_block, make_commit, make_signers, make_vote

LEDGER: Any = ledgers.get("cometbft")
CHAIN = Chain(blocks=4, validators=5, seed=41, powers=[50, 40, 30, 20, 10], absent=(3,), nil=(4,))


def context(chain: Chain, i: int, **more: Any) -> CometbftContext:
    """The context before block i, with its commit."""
    return CometbftContext.from_dict({**chain.context(i), "commit": encoding.commit(chain.commits[i]), **more})


def failed(report: Any) -> set[str]:
    return {check.name for check in report.failed}


def skipped(report: Any) -> set[str]:
    return {check.name for check in report.skipped}


def sealed(block: m.Block, **header: Any) -> m.Block:
    """A block whose header has the hashes of its content."""
    assert block.last_commit is not None
    made = {
        "data_hash": hashes.data_hash(block.transactions),
        "evidence_hash": hashes.evidence_hash(block.evidence),
        "last_commit_hash": hashes.commit_hash(block.last_commit),
    }
    return replace(block, header=replace(block.header, **{**made, **header}))


def committed(chain: Chain, i: int, block: m.Block, **options: Any) -> tuple[bytes, CometbftContext]:
    """A changed block, signed by its validators as if it were the chain's."""
    data = encoding.block(block)
    block_id = hashes.block_id_of(block.header, data)
    commit = make_commit(chain.signers[i], block_id, block.header.height, chain_id=chain.chain_id, **options)
    return data, context(chain, i, commit=encoding.commit(commit))


# ---- one block -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("i", range(4))
def test_a_block_with_all_that_it_needs(i: int) -> None:
    report = LEDGER.validate_block(CHAIN.block_bytes[i], context(CHAIN, i))
    assert (report.valid, report.complete) == (True, True), [str(one) for one in report if not one.ok]
    assert report.block_hash == CHAIN.block_ids[i].hash
    assert report.counts == {"transactions": 3, "evidence": 0, "signatures": 4 if i else 0}
    assert len(report.transactions) == 0
    answer = LEDGER.validate_block(answers.block_answer(CHAIN.blocks[i], CHAIN.block_ids[i]), context(CHAIN, i))
    assert answer.checks == report.checks


def test_without_a_context_nothing_is_complete() -> None:
    report = LEDGER.validate_block(CHAIN.block_bytes[1])
    assert report.valid
    assert skipped(report) == {
        "chain_id", "height", "previous_hash", "block_hash", "parts", "validators_hash", "next_validators", "proposer",
        "last_commit", "time", "certificate", "quorum",
    }  # fmt: skip
    answer = LEDGER.validate_block(answers.block_answer(CHAIN.blocks[1], CHAIN.block_ids[1]))
    assert skipped(report) - skipped(answer) == {"block_hash", "parts"}


def header_with(**change: Any) -> Callable[[m.Block], m.Block]:
    return lambda block: replace(block, header=replace(block.header, **change))


def last_with(**change: Any) -> Callable[[m.Block], m.Block]:
    """The last commit changed, and hashed again."""

    def made(block: m.Block) -> m.Block:
        assert block.last_commit is not None
        return sealed(replace(block, last_commit=replace(block.last_commit, **change)))

    return made


def slot_with(position: int, **change: Any) -> Callable[[m.Block], m.Block]:
    def made(block: m.Block) -> m.Block:
        assert block.last_commit is not None
        slots = list(block.last_commit.signatures)
        slots[position] = replace(slots[position], **change)
        return last_with(signatures=tuple(slots))(block)

    return made


OTHER_ID = m.BlockId(bytes(32), 1, bytes(32))


@pytest.mark.parametrize(
    ("name", "change", "checks"),
    [
        ("chain", header_with(chain_id="other"), {"chain_id", "last_commit", "certificate", "quorum"}),
        ("height", header_with(height=9), {"height", "last_block_id"}),
        ("protocol", header_with(block_version=10), {"structure"}),
        ("previous", header_with(last_block_id=OTHER_ID), {"previous_hash", "last_block_id"}),
        ("data", header_with(data_hash=bytes(32)), {"tx_root"}),
        ("last commit's hash", header_with(last_commit_hash=bytes(32)), {"last_commit_hash"}),
        ("evidence's hash", header_with(evidence_hash=bytes(32)), {"evidence_hash"}),
        ("validators", header_with(validators_hash=bytes(32)), {"validators_hash"}),
        ("no validators", header_with(validators_hash=b""), {"structure", "validators_hash"}),
        ("proposer", header_with(proposer_address=bytes(20)), {"proposer"}),
        ("time", header_with(time_ns=CHAIN.blocks[2].header.time_ns + 1), {"time"}),
        ("early", header_with(time_ns=CHAIN.blocks[1].header.time_ns), {"time"}),
        ("transactions", lambda block: replace(block, transactions=block.transactions[1:]), {"tx_root"}),
        ("order", lambda block: replace(block, transactions=block.transactions[::-1]), {"tx_root"}),
        ("last height", last_with(height=1), {"last_block_id", "last_commit"}),
        ("last round", last_with(round=1), {"last_commit"}),
        ("last block", last_with(block_id=OTHER_ID), {"last_block_id", "last_commit"}),
        ("fewer slots", lambda block: last_with(signatures=block.last_commit.signatures[:-1])(block), {"last_commit"}),
        ("signature", slot_with(0, signature=bytes(64)), {"last_commit"}),
        ("a vote for none", slot_with(4, signature=bytes(64)), {"last_commit"}),
        ("flag", slot_with(0, flag=m.NIL), {"last_commit"}),
        ("address", slot_with(0, address=CHAIN.signers[0][1].address), {"last_commit"}),
        ("absent with a time", slot_with(3, time_ns=0), {"structure"}),
        ("absent with an address", slot_with(3, address=bytes(20)), {"structure"}),
        ("vote's time", slot_with(0, time_ns=5), {"last_commit"}),
        ("no last commit", lambda block: replace(block, last_commit=None), {"structure", "last_commit_hash"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_one_change_fails_its_checks(name: str, change: Callable[[m.Block], m.Block], checks: set[str]) -> None:
    """The block is signed again where its validators would sign it, so that only what is named is wrong."""
    data, known = committed(CHAIN, 2, change(CHAIN.blocks[2]))
    report = LEDGER.validate_block(data, known)
    assert checks <= failed(report), [str(one) for one in report if one.ok is False]
    assert failed(report) <= checks | {"last_block_id", "last_commit", "time"}


def test_a_commit_of_another_block_is_no_certificate() -> None:
    for commit, checks in (
        (CHAIN.commits[2], {"block_hash", "parts", "certificate", "quorum"}),
        (replace(CHAIN.commits[1], round=1), {"certificate", "quorum"}),
        (replace(CHAIN.commits[1], block_id=replace(CHAIN.block_ids[1], parts_hash=bytes(32))),
         {"parts", "certificate", "quorum"}),
    ):  # fmt: skip
        report = LEDGER.validate_block(CHAIN.block_bytes[1], context(CHAIN, 1, commit=encoding.commit(commit)))
        assert failed(report) == checks


def test_power_decides_and_not_heads() -> None:
    """Two with 90 of 150 are too few, three with 120 enough, four with 100 not: that is two thirds, and not more."""
    for absent, enough in (((2, 3, 4), False), ((3, 4), True), ((0,), False), ((1,), True), ((1, 4), False)):
        commit = make_commit(CHAIN.signers[1], CHAIN.block_ids[1], 2, absent=absent)
        report = LEDGER.validate_block(CHAIN.block_bytes[1], context(CHAIN, 1, commit=encoding.commit(commit)))
        assert report.check("quorum").ok is enough
        assert report.check("certificate").ok


def test_strict_rules_check_every_vote() -> None:
    """One bad signature of a vote for no block refuses the commit; "compatible" looks at what makes the quorum."""
    slots = list(CHAIN.commits[1].signatures)
    slots[4] = replace(slots[4], signature=bytes(64))
    commit = encoding.commit(replace(CHAIN.commits[1], signatures=tuple(slots)))
    assert failed(LEDGER.validate_block(CHAIN.block_bytes[1], context(CHAIN, 1, commit=commit))) == {
        "certificate", "quorum"
    }  # fmt: skip
    loose = context(CHAIN, 1, commit=commit, rules="compatible")
    assert not failed(LEDGER.validate_block(CHAIN.block_bytes[1], loose))


def test_the_state_that_the_context_has() -> None:
    header = CHAIN.blocks[1].header
    good = {name: getattr(header, name) for name in ("app_hash", "consensus_hash", "last_results_hash")}
    report = LEDGER.validate_block(CHAIN.block_bytes[1], context(CHAIN, 1, **good))
    assert all(report.check(name).ok for name in good)
    for name in good:
        report = LEDGER.validate_block(CHAIN.block_bytes[1], context(CHAIN, 1, **{name: bytes(32)}))
        assert failed(report) == {name}


def test_keys_that_the_release_does_not_have() -> None:
    row = {"public_key": "00" * 96, "power": 1, "scheme": "bls12-381"}
    known = CometbftContext.from_dict({"validators": [*CHAIN.context(1)["validators"], row], "release": "0.38"})
    assert "schemes" in failed(LEDGER.validate_block(CHAIN.block_bytes[1], known))
    assert "schemes" not in failed(LEDGER.validate_block(CHAIN.block_bytes[1], known.replace(release="1.0")))


def test_times_of_proposers() -> None:
    """Where a chain has them, a block's time is not the median: it is after the one before, that is all."""
    later = header_with(time_ns=CHAIN.blocks[2].header.time_ns + 7)(CHAIN.blocks[2])
    data, known = committed(CHAIN, 2, later)
    assert failed(LEDGER.validate_block(data, known)) == {"time"}
    assert not failed(LEDGER.validate_block(data, known.replace(release="1.0", proposer_time=True)))


def test_the_first_block() -> None:
    """No commit before it; the genesis time, or from 1.0 on not before it."""
    known = context(CHAIN, 0)
    time_ns = CHAIN.blocks[0].header.time_ns
    assert failed(LEDGER.validate_block(CHAIN.block_bytes[0], known.replace(previous_time=time_ns - 1))) == {"time"}
    assert not failed(
        LEDGER.validate_block(CHAIN.block_bytes[0], known.replace(previous_time=time_ns - 1, release="1.0"))
    )
    data, known = committed(CHAIN, 0, sealed(replace(CHAIN.blocks[0], last_commit=CHAIN.blocks[1].last_commit)))
    assert failed(LEDGER.validate_block(data, known)) == {"last_commit"}
    later = Chain(blocks=2, seed=42, first_height=100)
    assert LEDGER.validate_block(later.block_bytes[0], context(later, 0)).complete


# ---- evidence --------------------------------------------------------------------------------------------------------


def with_evidence(*evidence: m.Evidence) -> m.Block:
    return sealed(replace(CHAIN.blocks[3], evidence=evidence))


def double(height: int = 3) -> m.DuplicateVote:
    one = CHAIN.signers[0][1]
    votes = [make_vote(one, height=height, position=1, block_id=CHAIN.block_ids[i]) for i in (0, 1)]
    return duplicate_vote(*votes, CHAIN.validators(0), CHAIN.blocks[min(height, 4) - 1].header.time_ns)


def light(*positions: int) -> list[bytes]:
    return [encoding.light_block(CHAIN.light_block(i)) for i in positions]


def test_evidence_in_a_block() -> None:
    attack = light_client_attack(conflicting_block(CHAIN, 2), CHAIN.light_block(0), CHAIN.light_block(2))
    for evidence, blocks in (((double(),), ()), ((double(2),), (1,)), ((attack, double()), (0, 2))):
        data, known = committed(CHAIN, 3, with_evidence(*evidence))
        report = LEDGER.validate_block(data, known.replace(light_blocks=light(*blocks)))
        assert (report.valid, report.complete) == (True, True), [str(one) for one in report if not one.ok]
        assert report.counts["evidence"] == len(evidence)


@pytest.mark.parametrize(
    ("evidence", "change", "state"),
    [
        ([replace(double(), power=41)], {}, "failed"),
        ([replace(double(), time_ns=5)], {}, "failed"),
        ([double(), double()], {}, "failed"),
        ([double(4)], {}, "failed"),
        ([double()], {"max_age_blocks": 0, "max_age_ns": 0}, "passed"),
        ([double(2)], {"max_age_blocks": 0, "max_age_ns": 0, "light_blocks": light(1)}, "failed"),
        ([double()], {"max_age_ns": None}, "skipped"),
        ([double(2)], {}, "skipped"),
        ([double()], {"max_evidence_bytes": 100}, "failed"),
    ],
)
def test_evidence_that_does_not_hold_or_cannot_be_judged(evidence: Any, change: dict[str, Any], state: str) -> None:
    data, known = committed(CHAIN, 3, with_evidence(*evidence))
    report = LEDGER.validate_block(data, known.replace(**change))
    found = [check.status for check in report if check.name.startswith("evidence") and check.name != "evidence_hash"]
    assert state in found
    assert failed(report) <= {f"evidence[{i}]" for i in range(2)} | {"structure", "evidence_size"}


# ---- runs ------------------------------------------------------------------------------------------------------------


def test_a_run_with_other_validators_in_every_block() -> None:
    chain = Chain(blocks=6, validators=4, seed=43, replaced=1, schemes=("ed25519", "ecdsa-secp256k1"))
    run = LEDGER.validate_chain(chain.block_bytes, chain.context())
    reports = list(run)
    assert all(one.valid for one in reports)
    assert [one.complete for one in reports] == [True] * 5 + [False]
    assert skipped(reports[-1]) == {"block_hash", "parts", "certificate", "quorum"}
    assert all(one.check("context_change").ok for one in reports)
    last = {"commit": encoding.commit(chain.commits[5])}
    assert all(one.complete for one in LEDGER.validate_chain(chain.block_bytes[5:], {**chain.context(5), **last}))
    moved = run.checkpoint.context
    assert list(moved.validators) == chain.validators(6)
    assert list(moved.previous_validators) == chain.validators(5)


def test_validators_that_are_not_given_end_what_a_run_knows() -> None:
    """Their hash alone says nothing of who they are: from there on the run is not complete, and says why."""
    chain = Chain(blocks=4, validators=4, seed=44, replaced=1)
    document = chain.context()
    document["later_validators"] = document["later_validators"][:1]
    reports = list(LEDGER.validate_chain(chain.block_bytes, document))
    assert [one.complete for one in reports] == [True, False, False, False]
    assert reports[1].check("next_validators").ok is None
    changes = [one.check("context_change") for one in reports]
    assert [one.ok for one in changes] == [True, None, None, None]
    assert "names validators that are not given" in changes[1].detail


def test_the_next_block_certifies_the_one_before() -> None:
    """Another block than the next one's commit is for is not valid, and nothing that follows is proven."""
    other = header_with(app_hash=b"other")(CHAIN.blocks[1])
    blocks = [CHAIN.block_bytes[0], encoding.block(other), *CHAIN.block_bytes[2:]]
    reports = list(LEDGER.validate_chain(blocks, CHAIN.context()))
    assert [one.valid for one in reports] == [True, False, False, True]
    assert {"certificate", "quorum", "block_hash"} <= failed(reports[1])
    assert "previous_hash" in failed(reports[2])
    assert {"height", "previous_hash"} <= skipped(reports[3])


def test_a_run_goes_on_from_a_checkpoint() -> None:
    chain = Chain(blocks=5, validators=4, seed=45, replaced=1)
    whole = [one.to_dict() for one in LEDGER.validate_chain(chain.block_bytes, chain.context())]
    for cut in range(1, 5):
        first = LEDGER.validate_chain(chain.block_bytes[:cut], chain.context())
        list(first)
        rest = LEDGER.validate_chain(
            chain.block_bytes[cut:], checkpoint=json.loads(json.dumps(first.checkpoint.to_dict()))
        )
        for one, two in zip(rest, whole[cut:], strict=True):
            shown = one.to_dict()
            assert shown.pop("timings").keys() == two["timings"].keys()
            assert shown == {name: value for name, value in two.items() if name != "timings"}


# ---- contexts --------------------------------------------------------------------------------------------------------


def test_contexts_in_json_and_back() -> None:
    known = context(CHAIN, 2, light_blocks=light(0), later_validators=[CHAIN.context(1)["validators"]], app_hash="ab")
    assert CometbftContext.from_json(known.to_json()) == known


def test_contexts_from_answers() -> None:
    """Validators, commits and light blocks as nodes answer them."""
    pages = answers.validators_answers(CHAIN.validators(1), 2, per_page=2)
    commit = answers.commit_answer(CHAIN.signed_header(1))
    shown = [{**json.loads(commit)["result"], "validator_set": answers.validator_set(CHAIN.light_block(1).validators)}]
    for validators in (pages, [json.loads(page) for page in pages]):
        known = CometbftContext.from_dict(
            {"validators": validators, "commit": commit, "light_blocks": shown, "previous_time": "2023-11-14T22:13:20Z"}
        )
        assert list(known.validators or ()) == CHAIN.validators(1)
        assert known.own_commit == CHAIN.commits[1]
        assert known.by_height() == {2: CHAIN.light_block(1)}
        assert known.previous_time == 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"validators": []}, "validators"),
        ({"validators": [{"power": 1}]}, "validators[0]"),
        ({"validators": [{"public_key": "00" * 31, "power": 1}]}, "validators[0].public_key"),
        ({"validators": [{"public_key": "00" * 32, "power": 0}]}, "validators[0].power"),
        ({"validators": [{"public_key": "00" * 32, "power": 2**60}]}, "validators"),
        ({"validators": [{"public_key": "00" * 32, "power": 1, "scheme": "rsa"}]}, "validators[0].scheme"),
        ({"validators": [{"public_key": "00" * 32, "power": 1}] * 2}, "validators[1].address"),
        ({"validators": 7}, "validators"),
        ({"later_validators": [[]] * 65}, "later_validators"),
        ({"commit": "00"}, "commit"),
        ({"commit": {"height": "x"}}, "commit.height"),
        ({"release": "0.33"}, "release"),
        ({"previous_time": "yesterday"}, "previous_time"),
        ({"previous_time": 1.5}, "previous_time"),
        ({"proposer_time": 1}, "proposer_time"),
        ({"height": 0}, "height"),
        ({"previous_block_hash": "00"}, "previous_block_hash"),
        ({"rules": "lax"}, "rules"),
        ({"light_blocks": ["00"]}, "light_blocks[0]"),
        ({"validator": []}, "validator"),
    ],
)
def test_contexts_that_are_refused(document: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        CometbftContext.from_dict(document)
    assert caught.value.field == f"context.{field}"


# ---- single records --------------------------------------------------------------------------------------------------


def test_hashes_of_single_records() -> None:
    block = CHAIN.blocks[1]
    tx = block.transactions[0]
    digest = LEDGER.transaction_hash(tx)
    assert digest == hashes.transaction_hash(tx)
    answer = json.loads(answers.tx_answer(CHAIN.tx_proof(1, 0), 2))
    assert (
        LEDGER.transaction_hash(answer, form="rpc")
        == LEDGER.transaction_hash(answer["result"]["tx"], form="rpc")
        == digest
    )
    answer["result"]["hash"] = "00" * 32
    with pytest.raises(InputError, match="its SHA-256"):
        LEDGER.transaction_hash(answer, form="rpc")
    header = encoding.header(block.header)
    assert LEDGER.header_hash(header) == LEDGER.header_hash(answers.header_answer(block.header), form="rpc")
    digests = LEDGER.block_digests(CHAIN.block_bytes[1])
    assert digests["block_hash"] == CHAIN.block_ids[1].hash
    assert digests["tx_root"] == block.header.data_hash
    assert digests["parts_hash"] == CHAIN.block_ids[1].parts_hash
    assert digests["tx_hashes"][0] == digest
    assert LEDGER.block_height(CHAIN.block_bytes[1]) == 2
    for call in (
        lambda: LEDGER.transaction_hash(tx, hash="sm3"), lambda: LEDGER.transaction_sender(tx),
        lambda: LEDGER.validate_transactions([tx]), lambda: LEDGER.header_hash(header, form="xml"),
        lambda: LEDGER.header_hash(encoding.header(replace(block.header, validators_hash=b""))),
        lambda: LEDGER.block_height(b"\xff"),
    ):  # fmt: skip
        with pytest.raises(InputError):
            call()


def test_certificates_of_single_headers() -> None:
    signed = CHAIN.signed_header(1)
    known = {"validators": CHAIN.context(1)["validators"], "chain_id": CHAIN.chain_id}
    for header, form in ((encoding.signed_header(signed), "wire"), (answers.commit_answer(signed), "rpc")):
        report = LEDGER.verify_certificate(header, known, form=form)
        assert (report.valid, report.complete) == (True, True)
        assert skipped(LEDGER.verify_certificate(header, form=form)) == {"quorum"}
        assert "chain_id" in failed(LEDGER.verify_certificate(header, {**known, "chain_id": "other"}, form=form))


def test_inclusion_of_transactions() -> None:
    proof = Chain(blocks=1, seed=46, transactions=7).tx_proof(0, 5)
    digest = hashes.transaction_hash(proof.data)
    answer = answers.tx_answer(proof, 1)
    LEDGER.verify_inclusion(proof.root, digest, answer)
    LEDGER.verify_inclusion(proof.root.hex(), digest.hex(), json.loads(answer)["result"]["proof"])
    LEDGER.verify_inclusion(proof.root, digest, encoding.tx_proof(proof), form="wire")
    LEDGER.verify_inclusion(proof.root, digest, list(proof.aunts), index=5, leaf_count=7)
    for wrong in (
        replace(proof, root=bytes(32)), replace(proof, leaf_hash=bytes(32)), replace(proof, data=b"other"),
        replace(proof, index=4), replace(proof, index=7), replace(proof, index=-1), replace(proof, total=0),
        replace(proof, aunts=proof.aunts[1:]), replace(proof, aunts=(*proof.aunts, bytes(32))),
        replace(proof, aunts=(bytes(32), *proof.aunts[1:])), replace(proof, aunts=(bytes(31), *proof.aunts[1:])),
    ):  # fmt: skip
        with pytest.raises((ProofError, InputError)):
            LEDGER.verify_inclusion(proof.root, digest, encoding.tx_proof(wrong), form="wire")
    with pytest.raises(ProofError):
        LEDGER.verify_inclusion(bytes(32), digest, answer)
    with pytest.raises(InputError, match="as in the proof"):
        LEDGER.verify_inclusion(proof.root, digest, answer, index=4)


# ---- published blocks ------------------------------------------------------------------------------------------------


@pytest.mark.vectors
def test_published_proofs_and_blocks(require_vectors: Callable[[str], Path], count_cases: CountCases) -> None:
    folder = require_vectors("cometbft/rpc_kvstore_v038")
    rows = json.loads((folder / "tx_search_with_prove.json").read_text())["result"]["txs"]
    for row in rows:
        root = rpc.tx_proof(row).root
        LEDGER.verify_inclusion(root, LEDGER.transaction_hash(row, form="rpc"), row)
    text = (folder / "block_at_height_10.json").read_text()
    commit = (folder / "commit_at_height_10.json").read_text()
    report = LEDGER.validate_block(text, {"chain_id": rpc.header(text).chain_id, "height": 10, "release": "0.38"})
    assert report.valid, [str(one) for one in report.failed]
    assert report.check("parts").ok
    assert LEDGER.header_hash(commit, form="rpc") == rpc.commit(commit).block_id.hash
    count_cases("kvstore: proofs and a block through the ledger", len(rows) + 2)


@pytest.mark.vectors
def test_published_squares_have_another_root(require_vectors: Callable[[str], Path]) -> None:
    """Celestia lays transactions out in squares: `tx_root` of its blocks is not CometBFT's, and says so."""
    text = (require_vectors("cometbft/celestia_mocha4") / "3001" / "signed_block.json").read_text()
    found = json.loads(text)["result"]
    block = {"header": found["header"], "data": found["data"], "last_commit": None}
    assert "tx_root" in failed(LEDGER.validate_block(block))


def test_more_validators_than_a_set_can_have() -> None:
    rows = [{"public_key": i.to_bytes(32, "big").hex(), "power": 1} for i in range(10_001)]
    with pytest.raises(InputError, match="at most 10000"):
        CometbftContext.from_dict({"validators": rows})


def test_a_set_of_ten_thousand() -> None:
    rows = [{"public_key": i.to_bytes(32, "big").hex(), "power": 1 + i % 3} for i in range(10_000)]
    known = CometbftContext.from_dict({"validators": rows})
    assert len(known.validators or ()) == 10_000
    powers = [one.power for one in known.validators or ()]
    assert powers == sorted(powers, reverse=True)


def test_signers_are_as_many_as_asked_for() -> None:
    assert len({one.address for one in make_signers(20, seed=1, schemes=("ed25519", "ecdsa-secp256k1"))}) == 20
