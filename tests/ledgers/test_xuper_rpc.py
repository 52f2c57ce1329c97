"""XuperChain's JSON: what the gateway and the command line print is read back, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from google.protobuf import json_format

from pycore import ledgers
from pycore.errors import InputError
from pycore.ledgers.xuper import rpc
from pycore.testing.xuper import START_HEIGHT, XuperMaker

LEDGER: Any = ledgers.get("xuperchain")
MAKER = XuperMaker(9)
CHAIN = MAKER.chain(3, 2)
_RESOURCES = ["CPU", "MEMORY", "DISK", "XFEE"]


def gateway(message: Any) -> Any:
    """As the chain's gateway writes a message: the names of json_name, bytes in base64, enumerations by number."""
    made = json_format.MessageToDict(message, use_integers_for_enums=True)
    return json.loads(json.dumps(made))


def printed_tx(tx: Any) -> dict[str, Any]:
    """As the command line prints a transaction."""
    signs = lambda field: [{"publickey": one.public_key, "sign": one.sign.hex()} for one in field]  # noqa: E731
    amount = lambda data: str(int.from_bytes(data, "big"))  # noqa: E731
    return {
        "txid": tx.txid.hex(), "blockid": tx.blockid.hex(),
        "txInputs": [{"refTxid": one.ref_txid.hex(), "refOffset": one.ref_offset, "fromAddr": one.from_addr.decode(),
                      "amount": amount(one.amount)} for one in tx.tx_inputs] or None,
        "txOutputs": [{"amount": amount(one.amount), "toAddr": one.to_addr.decode()} for one in tx.tx_outputs],
        "desc": tx.desc.decode(), "nonce": tx.nonce, "timestamp": tx.timestamp, "version": tx.version,
        "autogen": tx.autogen, "coinbase": tx.coinbase,
        "txInputsExt": [{"bucket": one.bucket, "key": one.key.decode(), "refTxid": one.ref_txid.hex(),
                         "refOffset": one.ref_offset} for one in tx.tx_inputs_ext],
        "txOutputsExt": [{"bucket": one.bucket, "key": one.key.decode(), "value": one.value.decode()}
                         for one in tx.tx_outputs_ext],
        "contractRequests": [{
            "moduleName": one.module_name, "contractName": one.contract_name, "methodName": one.method_name,
            "args": {key: value.decode() for key, value in one.args.items()},
            "resource_limits": [{"type": _RESOURCES[two.type], "limit": two.limit} for two in one.resource_limits],
        } for one in tx.contract_requests],
        "initiator": tx.initiator, "authRequire": list(tx.auth_require), "initiatorSigns": signs(tx.initiator_signs),
        "authRequireSigns": signs(tx.auth_require_signs), "receivedTimestamp": tx.received_timestamp,
        "modifyBlock": {"marked": False, "effectiveHeight": 0, "effectiveTxid": ""},
    }  # fmt: skip


def printed(block: Any) -> dict[str, Any]:
    """As the command line prints a block; bytes inside of the certificate are in base64 there."""
    coded = gateway(block.justify)
    signs = coded.get("SignInfos", {}).get("QCSignInfos", [])
    justify = {
        "ProposalId": block.justify.proposal_id.hex(), "ProposalMsg": coded.get("ProposalMsg"),
        "Type": block.justify.type, "ViewNumber": block.justify.view_number, "SignInfos": {"QCSignInfos": signs},
    }  # fmt: skip
    return {
        "version": block.version, "blockid": block.blockid.hex(), "preHash": block.pre_hash.hex(),
        "proposer": block.proposer.decode(), "sign": block.sign.hex(), "pubkey": block.pubkey.decode(),
        "merkleRoot": block.merkle_root.hex(), "height": block.height, "timestamp": block.timestamp,
        "transactions": [printed_tx(tx) for tx in block.transactions], "txCount": block.tx_count,
        "merkleTree": [node.hex() for node in block.merkle_tree], "inTrunk": block.in_trunk, "nextHash": "",
        "failedTxs": dict(block.failed_txs) or None, "curTerm": block.cur_term, "curBlockNum": block.cur_block_num,
        "justify": justify,
    }  # fmt: skip


@pytest.mark.parametrize("write", [gateway, printed])
def test_blocks_of_both_spellings(write: Any) -> None:
    known = MAKER.context.replace(
        height=START_HEIGHT + 1, previous_block_hash=CHAIN[0].blockid, next_block=CHAIN[2].SerializeToString()
    )
    for answer in (write(CHAIN[1]), json.dumps(write(CHAIN[1]))):
        assert rpc.block(answer) == CHAIN[1]
        report = LEDGER.validate_block(answer, known, form="rpc")
        assert report.valid
        assert report.complete
        assert LEDGER.header_hash(answer, form="rpc") == CHAIN[1].blockid
        assert LEDGER.verify_certificate(answer, known, form="rpc").check("certificate").ok
    assert rpc.block({"block": gateway(CHAIN[0])}) == CHAIN[0]


@pytest.mark.parametrize("write", [gateway, printed_tx])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_transactions_of_both_spellings(write: Any, version: int) -> None:
    maker = XuperMaker(9, version=version)
    for tx in maker.transactions(2):
        assert rpc.transaction(write(tx)) == tx
        assert LEDGER.transaction_hash(json.dumps(write(tx)), form="rpc") == tx.txid
        assert LEDGER.validate_transactions([write(tx)], form="rpc").all_valid


def test_what_the_command_line_drops_is_no_valid_transaction() -> None:
    tx = copy.deepcopy(MAKER.transactions(1)[0])
    tx.tx_outputs[0].frozen_height = 7
    tx.txid = LEDGER.transaction_hash(tx.SerializeToString())
    answer = printed_tx(tx)
    assert LEDGER.validate_transactions([answer], form="rpc")[0].name == "BAD_DIGEST"


TX = MAKER.transactions(2)[1]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["txid"], "zz"), (["txid"], 5), (["txid"], " 00"), (["timestamp"], 1 << 63), (["timestamp"], "5"),
        (["timestamp"], True), (["version"], 1 << 31), (["coinbase"], "yes"), (["authRequire"], "a"),
        (["authRequire"], ["\ud800"]), (["contractRequests", 0, "args"], {"a": "\ud800"}),
        (["contractRequests", 0, "args"], {"\udfff": "a"}), (["authRequire"], [5]),
        (["txInputs"], {}), (["txInputs"], [5]), (["txInputs", 0, "amount"], "-1"),
        (["txInputs", 0, "amount"], "9" * 101), (["txInputs", 0, "more"], 1), (["more"], 1), (["nonce"], "\ud800"),
        (["contractRequests", 0, "args"], {"a": 5}), (["contractRequests", 0, "resource_limits", 0, "type"], "GPU"),
        (["contractRequests", 0, "more"], 1), (["initiatorSigns", 0, "sign"], "0"), (["modifyBlock"], 5),
    ],
)  # fmt: skip
def test_answers_that_do_not_fit_are_named(path: list[Any], value: Any) -> None:
    answer = printed_tx(TX)
    place: Any = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InputError):
        rpc.transaction(answer)


def test_answers_of_the_gateway_that_do_not_fit() -> None:
    good = gateway(TX)
    for bad in ({**good, "more": 1}, {**good, "timestamp": "x"}, {**good, "tx_inputs": 5}, {**good, "desc": "a"},
                {**good, "\ud800": 1}):  # fmt: skip
        with pytest.raises(InputError, match="transaction"):
            rpc.transaction(bad)
    for bad in (5, None, [], "5", "[]", '{"txid": 1, "txid": 2}', '{"a":' * 40):
        with pytest.raises(InputError):
            rpc.transaction(bad)
        with pytest.raises(InputError):
            rpc.block(bad)
    with pytest.raises(InputError):
        rpc.block({**printed(CHAIN[1]), "justify": {"ProposalId": "00", "ProposalMsg": "%"}})
    with pytest.raises(InputError):
        rpc.block({**printed(CHAIN[1]), "transactions": [5]})
