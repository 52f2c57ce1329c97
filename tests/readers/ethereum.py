"""Ethereum: RLP (Yellow Paper, appendix B) and what a legacy transaction's sender signs (appendix F; EIP-155)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

Item = bytes | list["Item"]


def rlp(item: Item) -> bytes:
    if isinstance(item, list):
        body, base = b"".join(map(rlp, item)), 0xC0
    else:
        body, base = item, 0x80
        if len(body) == 1 and body[0] < 0x80:
            return body
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length + body


def number(text: str) -> bytes:
    value = int(text, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@dataclass(frozen=True)
class SignedTransaction:
    label: str
    sender: bytes
    signing_data: bytes  # its Keccak-256 is what is signed
    signature65: bytes  # r || s || recovery id
    encoded: bytes
    hash: bytes


def transactions(path: Path) -> list[SignedTransaction]:
    rows = []
    for row in json.loads(path.read_text()):
        fields: list[Item] = [number(row[name]) for name in ("nonce", "gasPrice", "gas")]
        fields += [bytes.fromhex((row["to"] or "0x")[2:]), number(row["value"]), bytes.fromhex(row["input"][2:])]
        v, r, s = (int(row[name], 16) for name in ("v", "r", "s"))
        chain = [number(hex((v - 35) // 2)), b"", b""] if v >= 35 else []
        parity = (v - 35) % 2 if v >= 35 else v - 27
        rows.append(
            SignedTransaction(
                f"transaction {row['transactionIndex']}",
                bytes.fromhex(row["from"][2:]),
                rlp([*fields, *chain]),
                r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity]),
                rlp([*fields, number(row["v"]), number(row["r"]), number(row["s"])]),
                bytes.fromhex(row["hash"][2:]),
            )
        )
    return rows
