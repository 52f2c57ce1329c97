"""XuperChain's Go code and pycore's `compatible` rules over the same transactions, blocks, keys and signatures.

The program in bench/go/xuper needs the Go toolchain and the chain's modules, pinned there; where they cannot be had, it
is skipped by that name. Copies of the modules elsewhere: GOFLAGS="-modfile=FILE", a go.mod with `replace` lines.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xuper_cases

from bench import chain_programs
from bench.peers import PeerMissingError
from pycore import ledgers
from pycore.base.columns import as_column
from pycore.base.verdicts import Verdict
from pycore.ledgers.scan import Spans
from pycore.ledgers.write import JSON_BF, Records
from pycore.ledgers.xuper import encoding, keys
from pycore.ledgers.xuper.columns import open_transactions
from pycore.ledgers.xuper.signatures import verify_rows
from pycore.testing.xuper import XuperMaker, make_keys, sign_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def program() -> list[str]:
    try:
        return chain_programs.xuper()
    except PeerMissingError as error:
        pytest.skip(str(error))


def ask(lines: list[str]) -> list[str]:
    found = subprocess.run(program(), input="".join(lines), capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def test_ids_and_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backspace and form feed are left out: Go 1.22 and later write them in another way than the chain's Go did."""
    monkeypatch.setattr(xuper_cases, "TEXTS", [text for text in xuper_cases.TEXTS if "\b" not in text])
    rng = random.Random(1)
    txs = [xuper_cases.random_transaction(rng, rng.randrange(4)) for _ in range(1000)]
    odd = [tx.version < 3 and any(mark in str(tx) for mark in ("\\010", "\\014")) for tx in txs]
    data = [tx.SerializeToString() for tx, left_out in zip(txs, odd, strict=True) if not left_out]
    assert len(data) > 500
    found = encoding.digests(open_transactions(Spans.joined(data), 1))
    mine = [f"{txid.tobytes().hex()} {signed.tobytes().hex()}" for signed, txid in zip(*found, strict=True)]
    assert ask([f"tx {item.hex() or '-'}\n" for item in data]) == mine


def test_block_ids_and_trees() -> None:
    """With certificates, failed transactions and rolled-back heights: what no published block has."""
    rng = random.Random(4)
    blocks = []
    for count in (1, 2, 3, 5, 8):
        for block in XuperMaker(count, validators=count).chain(3, count):
            block.target_bits, block.nonce, block.cur_term = (
                rng.randrange(-2, 9),
                rng.randrange(-5, 5),
                rng.randrange(-1, 9),
            )
            for _ in range(rng.randrange(3)):
                block.failed_txs[rng.randbytes(4).hex()] = f"<reason {rng.random()}>"
            block.justify.type = rng.randrange(5) if block.HasField("justify") else 0
            if rng.random() < 0.3:
                block.ClearField("justify")
            blocks.append(block.SerializeToString())
    ledger: Any = ledgers.get("xuperchain")
    mine = [f"{ledger.header_hash(data).hex()} {ledger.block_digests(data)['tx_root'].hex()}" for data in blocks]
    assert ask([f"block {data.hex()}\n" for data in blocks]) == mine


def test_json_strings_of_this_go() -> None:
    rng = random.Random(2)
    marks = b'<>&"\\\b\f\n\r\t\x00\x1f\x7f\xe2\x80\xa8\xa9\xed\xa0\xff a'
    texts = [bytes(rng.choice(marks) for _ in range(rng.randrange(30))) for _ in range(3000)]
    spans = Spans.joined(texts)
    records = Records(len(texts), spans.data)
    records.span(JSON_BF, spans)
    answers = ask([f"json {text.hex() or '-'}\n" for text in texts])
    assert [bytes.fromhex(answer) for answer in answers] == list(records.column())


def spoilt(rng: random.Random) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(key, digest, signature) of both curves: valid, with other digests, and mutated."""
    for crypto in ("p-256", "sm2"):
        made = make_keys(7, "go", 20, crypto)
        digests = np.frombuffer(rng.randbytes(32 * len(made)), np.uint8).reshape(-1, 32)
        for key, row, signature in zip(made, digests, sign_all(made, digests), strict=True):
            digest, text = row.tobytes(), key.text
            for other in (digest, bytes(32), b"\xff" * 32):
                yield text.encode(), other, signature
            for _ in range(12):
                changed = bytearray(signature)
                at = rng.randrange(len(changed))
                choice = rng.randrange(4)
                if choice == 0:
                    changed[at] ^= 1 << rng.randrange(8)
                elif choice == 1:
                    changed += rng.randbytes(2)
                elif choice == 2:
                    del changed[-1]
                else:
                    changed[1] = (changed[1] + rng.choice([1, 255])) % 256
                yield text.encode(), digest, bytes(changed)
            for new in (
                text.replace("Curvname", "curvNAME"), text.replace('"X"', '"x"'), text + " ", text[:-1],
                text.replace("P-256", "P-384"), text.replace('"X":', '"X":0'), text.replace('"X":', '"X":-'),
                text.replace('"X":', '"X":1e1'), text.replace("}", ',"Z":[1]}'), text.replace('"X":', '"X":1,"X":'),
                text.replace('"X":', '"X":null,"x":'), f"[{text}]", text.replace("{", '{"Curvname":5,', 1),
                text.replace("}", ',"Z":NaN}'),
            ):  # fmt: skip
                yield new.encode(), digest, signature


def test_keys_addresses_and_signatures_on_both_curves() -> None:
    items = list(spoilt(random.Random(3)))
    answers = ask([f"key {text.hex()} {digest.hex()} {sign.hex() or '-'}\n" for text, digest, sign in items])
    read: Any = keys.read_keys(Spans.joined([item[0] for item in items]), strict=False)
    digests = np.frombuffer(b"".join(item[1] for item in items), np.uint8).reshape(-1, 32)
    signatures = as_column([item[2] for item in items], "signatures")
    codes = verify_rows(read, np.arange(len(items)), signatures, digests, strict=False, threads=1)
    assert answers.count("") == 0
    valid = 0
    for i, (answer, code) in enumerate(zip(answers, codes.tolist(), strict=True)):
        address, word = answer.split()
        assert (word == "valid") == (code == Verdict.VALID), (items[i], answer)
        if address != "-":
            assert read.address(i) == address
        valid += word == "valid"
    assert valid > len(items) / 5


def test_loaded_transactions() -> None:
    """The program counts those that have their id and are signed by their initiator."""
    for crypto, version in (("p-256", 3), ("p-256", 1), ("sm2", 3)):
        maker = XuperMaker(5, crypto=crypto, version=version)
        block = next(iter(maker.chain(1, 6)))
        count = len(block.transactions)
        lines = [f"load {block.SerializeToString().hex()}\n", "verify\n"]
        own = sum(1 for tx in block.transactions if not tx.initiator_signs)
        assert ask(lines) == [str(count), str(count - own)]
        signed = [tx for tx in block.transactions if tx.initiator_signs]
        signed[0].initiator_signs[0].sign = signed[1].initiator_signs[0].sign
        signed[2].txid = bytes(32)
        lines[0] = f"load {block.SerializeToString().hex()}\n"
        assert ask(lines) == [str(count), str(count - own - 2)]
