"""CometBFT commits as RPC JSON: who signed what (CometBFT specification, "Signing": CanonicalVote, length-prefixed)."""

from __future__ import annotations

import base64
import calendar
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .cases import SignatureBatch, SignatureCase

COMMIT, NIL = 2, 3


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def counted(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def scalar(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value) if value else b""


def fixed(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + value.to_bytes(8, "little") if value else b""


def timestamp(text: str) -> bytes:
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?Z", text)
    assert match
    seconds = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
    return scalar(1, seconds) + scalar(2, int((match[2] or "0").ljust(9, "0")))


def sign_bytes(chain_id: str, commit: dict[str, Any], row: dict[str, Any]) -> bytes:
    block_id = b""
    if row["block_id_flag"] == COMMIT:
        parts = commit["block_id"]["parts"]
        part_set = scalar(1, parts["total"]) + counted(2, bytes.fromhex(parts["hash"]))
        block_id = counted(4, counted(1, bytes.fromhex(commit["block_id"]["hash"])) + counted(2, part_set))
    vote = scalar(1, 2) + fixed(2, int(commit["height"])) + fixed(3, int(commit["round"])) + block_id
    vote += counted(5, timestamp(row["timestamp"])) + counted(6, chain_id.encode())
    return varint(len(vote)) + vote


def add_commit(label: str, header: Any, commit: Any, validators: Any, batch: SignatureBatch) -> None:
    keys = {row["address"]: base64.b64decode(row["pub_key"]["value"]) for row in validators}
    for i, row in enumerate(commit["signatures"]):
        if row["block_id_flag"] in (COMMIT, NIL):
            message = sign_bytes(header["chain_id"], commit, row)
            signature = base64.b64decode(row["signature"])
            case = SignatureCase(f"{label} validator {i}", keys[row["validator_address"]], signature, message, True)
            batch.cases.append(case)


def _signed(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"header", "commit", "validator_set"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _signed(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _signed(inner)


def commits(folder: Path, source: str) -> SignatureBatch:
    """Real chains: 17 blocks of Celestia's mocha-4 testnet, 256 of a local one, two more."""
    batch = SignatureBatch(source, "ed25519", options={"rules": "zip215"})
    for path in (*sorted(folder.glob("celestia_mocha4/*/signed_block.json")), *folder.glob("lumina_*.json")):
        for row in _signed(json.loads(path.read_text())):
            label = f"{row['header']['chain_id']} {row['header']['height']}"
            add_commit(label, row["header"], row["commit"], row["validator_set"]["validators"], batch)
    for path in sorted(folder.glob("sp1_small-*/signed_header.json")):
        signed = next(_headers(json.loads(path.read_text())))
        validators = next(_validators(json.loads((path.parent / "validators.json").read_text())))
        add_commit(path.parent.name, signed["header"], signed["commit"], validators, batch)
    return batch


def _headers(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"header", "commit"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _headers(inner)


def _validators(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _validators(inner)
