"""Chains that write RLP refuse each other's data, and answers of JSON-RPC are read field by field."""

from __future__ import annotations

import pytest

from pycore import Verdict, ledgers
from pycore.errors import InputError
from pycore.ledgers.rpc_json import Answer
from pycore.testing import conflux
from pycore.testing.ethereum import EthereumChain
from pycore.testing.fisco2 import Fisco2Chain

FISCO = {"generation": 2, "chain_id": "1", "group_id": "1"}
CONTEXTS = {
    "ethereum": ("ethereum", {"chain_id": 1}),
    "fisco keccak256": ("fisco-bcos", FISCO | {"hash": "keccak256"}),
    "fisco sm3": ("fisco-bcos", FISCO | {"hash": "sm3"}),
    "conflux": ("conflux", {"chain_id": 1029}),
}


def transactions():
    """Valid transactions of each."""
    return {
        "ethereum": EthereumChain(1).transactions([0, 1, 2, 3, 4]),
        "fisco keccak256": Fisco2Chain(1).transactions([b"x"]),
        "fisco sm3": Fisco2Chain(1, hash="sm3").transactions([b"x"]),
        "conflux": conflux.transactions([0, 1, 2]),
    }


def test_transactions_of_another_chain():
    for source, records in transactions().items():
        for name, (chain, context) in CONTEXTS.items():
            verdicts = ledgers.get(chain).validate_transactions(records, context)
            if name == source:
                assert verdicts.all_valid
            else:
                assert not verdicts.valid.any(), (source, name)
                assert set(verdicts) <= {Verdict.MALFORMED_ITEM, Verdict.MALFORMED_SIGNATURE}


def test_blocks_of_another_chain():
    ethereum, fisco = EthereumChain(1), Fisco2Chain(1)
    blocks = {"ethereum": ethereum.block(ethereum.transactions([2])).wire, "fisco-bcos": fisco.block([b"x"])}
    for source, block in blocks.items():
        for chain, context in (("ethereum", {}), ("fisco-bcos", {"generation": 2}), ("fisco-bcos", {"generation": 3})):
            if chain == source and context.get("generation") != 3:
                assert ledgers.get(chain).validate_block(block, context).valid
            else:
                with pytest.raises(InputError):
                    ledgers.get(chain).validate_block(block, context)


def test_fields_of_answers():
    answer = Answer.of({"a": "0x0a", "n": 7, "b": "0x", "l": ["0x01", "02"], "o": {"x": "0x1"}, "z": None}, "answer")
    assert (answer.number("a", 1), answer.number("n", 1), answer.octets("b"), answer.octet_list("l")) == (
        10, 7, b"", [b"\x01", b"\x02"],
    )  # fmt: skip
    assert answer.object("o").number("x", 1) == 1
    assert (answer.has("z"), answer.optional_octets("z", 20), answer.optional_octets("b", 20)) == (False, b"", b"")
    for call, field in (
        (lambda: answer.number("z", 1), "answer.z"), (lambda: answer.number("a", 0), "answer.a"),
        (lambda: answer.octets("a", 2), "answer.a"), (lambda: answer.octet_list("l", 2), "answer.l[0]"),
        (lambda: answer.octets("n"), "answer.n"), (lambda: answer.octet_list("a"), "answer.a"),
        (lambda: answer.object("a"), "answer.a"), (lambda: list(answer.objects("l")), "answer.l[0]"),
        (lambda: answer.object("o").number("y", 1), "answer.o.y"),
        (lambda: Answer.of({"x": True}, "answer").number("x", 8), "answer.x"),
        (lambda: Answer.of({"x": "0xg"}, "answer").number("x", 8), "answer.x"),
        (lambda: Answer.of({"x": "0x123"}, "answer").octets("x"), "answer.x"),
        (lambda: Answer.of(7, "answer"), "answer"), (lambda: Answer.of("[]", "answer"), "answer"),
        (lambda: Answer.of(b"\xff", "answer"), "answer"),
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            call()
        assert error.value.field == field
    assert Answer.of('{"jsonrpc": "2.0", "result": {"a": "0x1"}}', "answer").number("a", 1) == 1
