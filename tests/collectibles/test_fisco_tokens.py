"""ERC-721 on FISCO BCOS: histories from the logs of a run of blocks, and a digest in a log as evidence."""

from __future__ import annotations

import hashlib

import pytest

import pycore
from pycore import InputError, collectibles, evidence, ledgers
from pycore.ledgers.fisco import v3_records
from pycore.ledgers.proof import Statement, Trusted
from pycore.ledgers.tars import encode
from pycore.testing.fisco import FiscoChain

FISCO = ledgers.get("fisco-bcos")
TOKENS, KEEPER = "ab" * 20, "cd" * 20
PARTIES = [bytes(20), *(bytes([i]) * 20 for i in range(1, 4))]
MOVES = [(0, 1, 7), (1, 2, 7), (2, 0, 7), (0, 3, 2**256 - 1)]  # from, to, token: one in each transaction
FILE = b"A file.\n"
CHAINS = {"keccak256": "erc-721", "sm3": "erc-721-sm3"}


class TokenChain(FiscoChain):
    """A chain whose transactions move tokens, and keep the digest of a file."""

    def receipt(self, number, index, transaction):
        made = super().receipt(number, index, transaction)
        sender, recipient, token = MOVES[2 * (number - 1) + index]
        topic = pycore.hash(self.hash, b"Transfer(address,address,uint256)")
        parties = [bytes(12) + PARTIES[one] for one in (sender, recipient)]
        kept = pycore.hash(self.hash, b"Kept(bytes32)")
        made["data"]["logs"] = [
            {"address": TOKENS, "topics": [topic, *parties, token.to_bytes(32, "big")], "data": b""},
            {"address": KEEPER, "topics": [kept], "data": hashlib.sha256(FILE).digest()},
        ]
        made["data_hash"] = self.receipt_hashes([{"data": made["data"]}])[0].tobytes()
        return made


@pytest.fixture(scope="module", params=CHAINS)
def chain(request):
    made = TokenChain(seed=3, hash=request.param)
    return made, made.run(2)


def test_a_history_from_logs(chain):
    made, blocks = chain
    context = made.context(1, made.genesis_hash, rules="compatible")
    reports = list(FISCO.validate_chain([block.data for block in blocks], context, events=True))
    assert all(report.valid and report.complete for report in reports)
    rows = collectibles.transfers(reports, CHAINS[made.hash], contract=TOKENS)
    assert rows.kind.tolist() == [0, 1, 2, 0]
    assert rows.tokens == ("7", str(2**256 - 1))
    assert rows.time.tolist() == [block.header.timestamp for block in blocks for _ in range(2)]
    asked = {"rules": [{"rule": "holding_period", "seconds": 2, "after_mint": True}]}
    found = collectibles.check_rules(rows, asked)
    assert found.complete
    assert [(one.block, one.transaction, one.rule) for one in found.violations] == [(1, 1, "holding_period")]
    history = collectibles.history(reports, "7", layout=CHAINS[made.hash])
    assert history.valid
    assert history.owner is None
    assert [entry.sender for entry in history.entries] == [None, "01" * 20, "02" * 20]


def test_the_other_hash_has_other_topics(chain):
    made, blocks = chain
    context = made.context(1, made.genesis_hash, rules="compatible")
    reports = list(FISCO.validate_chain([blocks[0].data], context, events=True))
    (other,) = set(CHAINS.values()) - {CHAINS[made.hash]}
    found = collectibles.check_rules(collectibles.transfers(reports, other, contract=TOKENS), {"rules": []})
    assert len(found.transfers) == 0
    assert found.check("events").ok is None


def cut_otherwise(block, change):
    """The block with its receipts cut in another way, under the same hashes."""
    receipts = [{"data": dict(one["data"])} for one in block.receipts]
    for one in receipts:
        change(one["data"])
    values = {"version": 3, "type": 1, "header": block.header.values(), "transactions": block.transactions}
    return encode(v3_records.BLOCK, {**values, "receipts": receipts})


def into_the_output(data):
    for log in data["logs"]:
        data["output"] += log["address"].encode() + b"".join(log["topics"]) + log["data"]
    data["logs"] = []


def test_logs_that_are_moved_into_the_output_are_noticed(chain):
    """The hash of a receipt holds as before, and a transfer is not told any more."""
    made, blocks = chain
    data = cut_otherwise(blocks[0], into_the_output)
    report = FISCO.validate_block(data, made.context(1, made.genesis_hash), events=True)
    assert report.valid
    assert report.events == ()
    assert [check.name for check in report.skipped] == ["log_bounds"]
    with pytest.raises(InputError, match="log_bounds"):
        collectibles.transfers([report], CHAINS[made.hash], contract=TOKENS)
    assert FISCO.validate_block(data, made.context(1, made.genesis_hash)).complete  # nothing is told of logs


def test_a_failure_that_is_made_to_look_like_a_success_is_noticed(chain):
    """Where gas and address have another form than the chain's, nothing parts the status from them either."""

    class Failing(FiscoChain):
        def receipt(self, number, index, transaction):
            made = super().receipt(number, index, transaction)
            made["data"] |= {"status": 16, "output": bytes(4) + TOKENS.encode() + bytes(32), "logs": []}
            return {"data": made["data"]}

    made = Failing(seed=3, hash=chain[0].hash)
    context = made.context(1, made.genesis_hash, rules="compatible")
    block = made.block(1, transactions=2)
    honest = FISCO.validate_block(block.data, context, events=True)
    assert (honest.complete, honest.events) == (True, ())

    def succeed(data):
        log = {"address": TOKENS, "topics": [bytes(32)], "data": b""}
        data |= {"contract_address": "\0\0\0\x10", "status": 0, "output": b"", "logs": [log]}

    report = FISCO.validate_block(cut_otherwise(block, succeed), context, events=True)
    assert report.valid
    assert len(report.events) == 2
    assert [check.name for check in report.skipped] == ["log_bounds"]


def test_a_block_without_transactions_has_no_events(chain):
    made, _ = chain
    block = made.block(1, transactions=0)
    report = FISCO.validate_block(block.data, made.context(1, made.genesis_hash), events=True)
    assert report.valid
    assert report.events == ()


def test_reports_without_events_are_refused(chain):
    made, blocks = chain
    reports = list(FISCO.validate_chain([blocks[0].data], made.context(1, made.genesis_hash)))
    with pytest.raises(InputError, match="events=True"):
        collectibles.transfers(reports, CHAINS[made.hash])


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_a_digest_in_a_log_is_evidence(chain, rules):
    """Under `compatible` alone: the hash of a receipt has no lengths, so that strict rules leave it open where a log
    ends."""
    made, blocks = chain
    context = made.context().replace(rules=rules)
    state = Trusted("fisco-bcos", f"{made.chain_id}/{made.group_id}", 0, made.genesis_hash, context)
    proof = FISCO.proofs.make({"block": blocks[0].data, "index": 1}, Statement("event", event=1), state)
    report = evidence.check(FILE, proof, state)
    assert report.valid
    assert report.complete == (rules == "compatible")
    if rules == "strict":
        assert [check.name for check in report.skipped] == ["log_bounds", "file_digest"]
        return
    assert (report.height, report.contract, report.algorithm) == (1, KEEPER, "sha256")
    assert report.form == "plain digest, hexadecimal"
    assert not evidence.check(b"Another.\n", proof, state).valid


def test_a_transaction_alone_does_not_say_what_came_of_it(chain):
    made, blocks = chain
    state = Trusted("fisco-bcos", f"{made.chain_id}/{made.group_id}", 0, made.genesis_hash, made.context())
    proof = FISCO.proofs.make({"block": blocks[0].data, "index": 0}, Statement("transaction"), state)
    report = evidence.check(blocks[0].transactions[0]["data"]["input"], proof, state)
    assert report.check("call").ok is None
    assert report.check("file_digest").ok is False
    word = blocks[0].transactions[0]["data"]["input"][4:36]
    report = evidence.check(evidence.Digest("sha256", word), proof, state)
    assert (report.form, report.where) == ("plain digest, bytes", "word 0 of the input")
    assert report.valid
    assert not report.complete
