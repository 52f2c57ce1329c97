"""Random XuperChain transactions: every field there or not, and texts that JSON has to escape. Not signed."""

from __future__ import annotations

import random
from typing import Any

from pycore.ledgers.xuper.messages import Transaction

TEXTS = [
    "",
    "a",
    "plain text 123",
    '<&>"\\',
    "\u2028x\u2029",
    "\b\f\n\r\t\x00\x1f\x7f",
    "\u6570\u636e",
    "\U0001f600",
    "\ufffd",
]


def _text(rng: random.Random) -> str:
    return rng.choice(TEXTS) if rng.random() < 0.7 else "".join(chr(rng.randrange(1, 0x3000)) for _ in range(9))


def _bytes(rng: random.Random) -> bytes:
    return rng.choice([b"", b"", b"\0", b"k", rng.randbytes(rng.randrange(40)), rng.randbytes(32)])


def _number(rng: random.Random, bits: int) -> int:
    return rng.choice([0, 0, 1, -1, (1 << (bits - 1)) - 1, -(1 << (bits - 1)), rng.getrandbits(bits - 1)])


def random_transaction(rng: random.Random, version: int) -> Any:
    tx = Transaction(
        desc=_bytes(rng), nonce=_text(rng), timestamp=_number(rng, 64), version=version,
        coinbase=rng.random() < 0.2, autogen=rng.random() < 0.2, initiator=_text(rng),
        auth_require=[_text(rng) for _ in range(rng.randrange(3))],
        txid=_bytes(rng), blockid=_bytes(rng), received_timestamp=_number(rng, 64),
    )  # fmt: skip
    for _ in range(rng.randrange(3)):
        tx.tx_inputs.add(ref_txid=_bytes(rng), ref_offset=_number(rng, 32), from_addr=_bytes(rng),
                         amount=_bytes(rng), frozen_height=_number(rng, 64))  # fmt: skip
        tx.tx_outputs.add(amount=_bytes(rng), to_addr=_bytes(rng), frozen_height=_number(rng, 64))
        tx.tx_inputs_ext.add(bucket=_text(rng), key=_bytes(rng), ref_txid=_bytes(rng), ref_offset=_number(rng, 32))
        tx.tx_outputs_ext.add(bucket=_text(rng), key=_bytes(rng), value=_bytes(rng))
    for _ in range(rng.randrange(3)):
        call = tx.contract_requests.add(
            module_name=_text(rng), contract_name=_text(rng), method_name=_text(rng), amount=_text(rng)
        )
        for _ in range(rng.randrange(4)):
            call.args[_text(rng)] = _bytes(rng)
            call.resource_limits.add(type=rng.randrange(5), limit=_number(rng, 64))
    for field in (tx.initiator_signs, tx.auth_require_signs):
        for _ in range(rng.randrange(3)):
            field.add(public_key=_text(rng), sign=_bytes(rng))
    if rng.random() < 0.3:
        tx.xuper_sign.SetInParent()
        tx.xuper_sign.public_keys.extend(_bytes(rng) for _ in range(rng.randrange(3)))
        tx.xuper_sign.signature = _bytes(rng)
    if rng.random() < 0.3:
        tx.hd_info.SetInParent()
        tx.hd_info.hd_public_key = _bytes(rng)
        tx.hd_info.original_hash = _bytes(rng)
    if rng.random() < 0.3:
        tx.modify_block.SetInParent()
    return tx
