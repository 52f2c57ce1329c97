"""Published blocks of real chains: every hash recomputed, every signature verified, in both forms."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CountCases

from pycore.consensus import ValidatorSet
from pycore.consensus.commits import verify_commit
from pycore.ledgers.cometbft import encoding, fields, hashes, rpc, signbytes, structure, wire
from pycore.ledgers.cometbft.block import median_time
from pycore.ledgers.cometbft.consensus import RULES
from pycore.ledgers.cometbft.fields import text_of_time
from pycore.ledgers.cometbft.messages import ABSENT, NIL, LightBlock, vote_of

Require = Callable[[str], Path]

pytestmark = pytest.mark.vectors


def mocha(folder: Path) -> Iterator[tuple[str, str]]:
    """Signed blocks of Celestia's test net, with 1 to 100 validators."""
    for path in sorted(folder.glob("*/signed_block.json")):
        yield path.parent.name, path.read_text()


def check(found: LightBlock) -> int:
    """Every hash and signature of a light block, in both forms. The number of signatures."""
    assert not structure.light_block_faults(found)
    data = encoding.light_block(found)
    assert wire.light_block(data) == found
    block = RULES.read_light_block(data, "wire")
    header = found.signed_header.header
    assert block.hash == found.signed_header.commit.block_id.hash == hashes.header_hash(header)
    assert block.validators.hash == header.validators_hash
    certificate = block.signed_header.certificate
    assert block.validators.verify(certificate.positions, certificate.signatures, certificate.messages).all_valid
    for mode in ("full", "light", "all"):
        report = verify_commit(block.validators, block.signed_header.raw, form="wire", mode=mode)
        assert (report.valid, report.complete) == (True, True), report
    return len(certificate)


def test_blocks_of_celestia(require_vectors: Require, count_cases: CountCases) -> None:
    """Absent votes among them, and votes for no block."""
    signatures, flags = 0, set()
    blocks = [rpc.light_block(text) for _, text in mocha(require_vectors("cometbft/celestia_mocha4"))]
    for block in blocks:
        flags |= {slot.flag for slot in block.signed_header.commit.signatures}
        signatures += check(block)
    assert ABSENT in flags
    print(f"blocks {len(blocks)}, signatures {signatures}, votes for no block: {NIL in flags}")
    count_cases("celestia mocha-4: header, set, signatures", len(blocks) * 2 + signatures)


def test_answers_of_celestia(require_vectors: Require, count_cases: CountCases) -> None:
    """/commit, /header and /validators by themselves say what the whole block says."""
    seen = 0
    for path in sorted(require_vectors("cometbft/celestia_mocha4").glob("*/commit.json")):
        signed = rpc.signed_header(path.read_text())
        assert rpc.commit(path.read_text()) == signed.commit
        assert hashes.header_hash(signed.header) == signed.commit.block_id.hash
        validators = path.with_name("validators_1.json")
        if validators.exists():
            check(rpc.light_block([path.read_text(), validators.read_text()]))
        seen += 1
    for path in sorted(require_vectors("cometbft/celestia_mocha4").glob("*/header.json")):
        header = rpc.header(path.read_text())
        other = rpc.header(path.with_name("signed_block.json").read_text())
        assert header == other
        seen += 1
    assert seen
    count_cases("celestia mocha-4: answers of /commit, /header, /validators", seen)


@pytest.mark.parametrize("name", ["sp1_small-1", "sp1_small-2"])
def test_blocks_of_sp1(name: str, require_vectors: Require, count_cases: CountCases) -> None:
    folder = require_vectors(f"cometbft/{name}")
    text = [(folder / f"{part}.json").read_text() for part in ("signed_header", "validators", "next_validators")]
    found = rpc.light_block(text[:2])
    assert ValidatorSet.read(text[2]).hash == found.signed_header.header.next_validators_hash
    count_cases(f"{name}: header, sets, signatures", 3 + check(found))


def test_headers_of_lumina(require_vectors: Require, count_cases: CountCases) -> None:
    """256 headers in a row: each commit is hashed by the next header, and heights in commits are JSON numbers."""
    rows = json.loads(require_vectors("cometbft/lumina_extended_headers_1_to_256.json").read_text())
    before: LightBlock | None = None
    signatures = links = 0
    for row in rows:
        found = rpc.light_block(row)
        signatures += check(found)
        if before is not None:
            header = found.signed_header.header
            assert hashes.commit_hash(before.signed_header.commit) == header.last_commit_hash
            assert header.last_block_id == before.signed_header.commit.block_id
            links += 1
        before = found
    assert (len(rows), links) == (256, 255)
    count_cases("lumina: headers, signatures, links", len(rows) + signatures + 2 * links)


def test_blocks_of_kvstore(require_vectors: Require, count_cases: CountCases) -> None:
    """Whole blocks: transactions, evidence, the commit before, and the parts that the block travelled in."""
    folder, seen = require_vectors("cometbft/rpc_kvstore_v038"), 0
    for name in ("block_at_height_1", "block_at_height_10", "block_by_hash"):
        text = (folder / f"{name}.json").read_text()
        block, header = rpc.block(text), rpc.header(text)
        data = encoding.block(block)
        assert wire.block(data) == block
        answered = rpc.read_block_id(rpc.answer(text, "block"), "block_id")
        assert hashes.block_id_of(header, data) == answered
        assert hashes.data_hash(block.transactions) == header.data_hash
        assert hashes.evidence_hash(block.evidence) == header.evidence_hash
        assert block.last_commit is not None
        assert hashes.commit_hash(block.last_commit) == header.last_commit_hash
        seen += 5
    signed = rpc.signed_header((folder / "commit_at_height_10.json").read_text())
    assert hashes.header_hash(signed.header) == signed.commit.block_id.hash
    count_cases("kvstore: hashes of blocks", seen + 1)


def test_a_failed_call_is_no_answer(require_vectors: Require) -> None:
    text = (require_vectors("cometbft/rpc_kvstore_v038") / "block_at_height_0.json").read_text()
    with pytest.raises(ValueError, match="the answer of a failed call"):
        rpc.block(text)


def test_proofs_of_kvstore(require_vectors: Require, count_cases: CountCases) -> None:
    path = require_vectors("cometbft/rpc_kvstore_v038") / "tx_search_with_prove.json"
    rows = json.loads(path.read_text())["result"]["txs"]
    for row in rows:
        proof = rpc.tx_proof(row)
        assert base64.b64decode(row["tx"]) == proof.data
        assert hashes.transaction_hash(proof.data).hex().upper() == row["hash"]
        assert wire.tx_proof(encoding.tx_proof(proof)) == proof
        assert hashes.tree([hashes.transaction_hash(proof.data)]) == proof.leaf_hash
    assert len(rows) == 9
    count_cases("kvstore: transaction proofs", len(rows))


def test_times_are_written_as_nodes_write_them(require_vectors: Require, count_cases: CountCases) -> None:
    """Every time of the blocks, to the last digit."""
    seen = 0

    def visit(value: Any) -> None:
        nonlocal seen
        if isinstance(value, dict):
            for name, inner in value.items():
                if name in ("time", "timestamp"):
                    assert text_of_time(fields.Fields(value, "row").time(name)) == inner
                    seen += 1
                else:
                    visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    for _, text in mocha(require_vectors("cometbft/celestia_mocha4")):
        visit(json.loads(text))
    assert seen > 200
    count_cases("celestia mocha-4: times", seen)


def test_signed_bytes_of_a_real_commit(require_vectors: Require) -> None:
    """The frames that all votes of a commit share make the bytes of every single vote."""
    text = (require_vectors("cometbft/celestia_mocha4") / "157000" / "signed_block.json").read_text()
    signed = rpc.signed_header(text)
    found = signbytes.commit("mocha-4", signed.commit)
    assert found == [signbytes.vote("mocha-4", vote_of(signed.commit, i)) for i in range(len(found))]


def test_times_and_proposers_of_real_blocks(require_vectors: Require, count_cases: CountCases) -> None:
    """A block's time is the median of the votes for the one before, weighted by power; its proposer is a validator."""
    blocks = [rpc.light_block(text) for _, text in mocha(require_vectors("cometbft/celestia_mocha4"))]
    rows = json.loads(require_vectors("cometbft/lumina_extended_headers_1_to_256.json").read_text())
    blocks += [rpc.light_block(row) for row in rows]
    known = {(one.signed_header.header.chain_id, one.signed_header.header.height): one for one in blocks}
    medians = 0
    for (chain_id, height), one in known.items():
        header = one.signed_header.header
        assert header.proposer_address in {each.address for each in one.validators.validators}
        before = known.get((chain_id, height - 1))
        if before is not None:
            validators = ValidatorSet(before.validators.validators)
            assert median_time(before.signed_header.commit, validators) == header.time_ns
            medians += 1
    assert medians > 255
    print(f"proposers {len(known)}, medians {medians}")
    count_cases("celestia mocha-4 and lumina: proposers and times", len(known) + medians)
