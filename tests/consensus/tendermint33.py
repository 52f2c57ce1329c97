"""Tendermint 0.33 as a chain: enough of its rules for the light-client vectors that were made before 0.34.

The published bisection files of tendermint-rs are in that form: validators, headers and votes are written by amino, and
sets are in the order of addresses. Nothing of pycore reads it. Written out here, the files run through the same light
client as CometBFT's blocks, whose code knows neither.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import pycore
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.consensus.votes import FOR_CLAIM, FOR_NOTHING, LightBlock, QuorumCertificate, SignedHeader
from pycore.ledgers.cometbft.consensus import CometbftRules
from pycore.ledgers.cometbft.fields import of_time

CHAIN = "tendermint-0.33"
_ED25519 = bytes.fromhex("1624de6420")  # amino's prefix of the type, and the key's length


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value) if value else b""


def _octets(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value if value else b""


def _delimited(value: bytes) -> bytes:
    return _varint(len(value)) + value if value else b""


def _fixed(field: int, value: int) -> bytes:
    return bytes([field << 3 | 1]) + value.to_bytes(8, "little") if value else b""


def _time(text: str) -> bytes:
    seconds, nanos = divmod(of_time(text, "time"), 10**9)
    return _number(1, seconds) + _number(2, nanos)


def _tree(leaves: Sequence[bytes]) -> bytes:
    return pycore.merkle_root(list(leaves), tree="rfc9162", hash="sha256")


def _header_hash(header: dict[str, Any]) -> bytes:
    last = header["last_block_id"] or {"hash": "", "part_set_header": {"total": 0, "hash": ""}}
    parts = last["part_set_header"]
    names = ("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
             "last_results_hash", "evidence_hash", "proposer_address")  # fmt: skip
    return _tree(
        [
            _number(1, int(header["version"]["block"])) + _number(2, int(header["version"]["app"])),
            _delimited(header["chain_id"].encode()),
            _varint(int(header["height"])),
            _time(header["time"]),
            _octets(1, bytes.fromhex(last["hash"]))
            + _octets(2, _number(1, int(parts["total"])) + _octets(2, bytes.fromhex(parts["hash"]))),
            *(_delimited(bytes.fromhex(header[name] or "")) for name in names),
        ]
    )


def _signed(chain_id: str, commit: dict[str, Any], slot: dict[str, Any]) -> bytes:
    """The bytes of a precommit."""
    block = commit["block_id"]
    parts = block["part_set_header"]
    inner = _octets(1, bytes.fromhex(parts["hash"])) + _number(2, int(parts["total"]))
    claim = _octets(1, bytes.fromhex(block["hash"])) + _octets(2, inner) if slot["block_id_flag"] == 2 else b""
    return _delimited(
        _number(1, 2) + _fixed(2, int(commit["height"])) + _fixed(3, int(commit["round"])) + _octets(4, claim)
        + _octets(5, _time(slot["timestamp"])) + _octets(6, chain_id.encode())
    )  # fmt: skip


class Tendermint33(CometbftRules):
    """The differences to CometBFT. The "wire" form is the JSON text of a light block."""

    chain = CHAIN

    def order(self, validators: Sequence[Validator]) -> list[Validator]:
        return sorted(
            (replace(v, address=self.address(v.scheme, v.public_key)) for v in validators), key=lambda v: v.address
        )

    def set_hash(self, validators: Sequence[Validator]) -> bytes:
        return _tree([_octets(1, _ED25519 + v.public_key) + _number(2, v.power) for v in validators])

    def read_validators(self, data: Any, form: str) -> list[Validator]:
        return [
            Validator(base64.b64decode(v["pub_key"]["value"]), int(v["voting_power"])) for v in data["validators"] or ()
        ]

    def read_signed_header(self, data: Any, form: str) -> SignedHeader:
        header, commit = data["header"], data["commit"]
        chain_id, block_hash = header["chain_id"], bytes.fromhex(commit["block_id"]["hash"])
        slots = [(i, slot) for i, slot in enumerate(commit["signatures"]) if slot["block_id_flag"] != 1]
        certificate = QuorumCertificate(
            chain_id,
            int(commit["height"]),
            int(commit["round"]),
            block_hash,
            block_hash,
            len(commit["signatures"]),
            np.array([i for i, _ in slots], np.int32),
            np.array([FOR_CLAIM if slot["block_id_flag"] == 2 else FOR_NOTHING for _, slot in slots], np.uint8),
            [bytes.fromhex(slot["validator_address"]) for _, slot in slots],
            np.zeros(len(slots), np.int64),
            [_signed(chain_id, commit, slot) for _, slot in slots],
            [base64.b64decode(slot["signature"]) for _, slot in slots],
        )
        previous = (header["last_block_id"] or {"hash": ""})["hash"]
        hashes = (bytes.fromhex(header[name]) for name in ("validators_hash", "next_validators_hash"))
        return SignedHeader(
            chain_id,
            int(header["height"]),
            of_time(header["time"], "time"),
            _header_hash(header),
            *hashes,
            bytes.fromhex(previous),
            certificate,
            data,
        )

    def read_light_block(self, data: Any, form: str) -> LightBlock:
        found = json.loads(data) if isinstance(data, bytes) else data
        validators = ValidatorSet(self.read_validators(found["validator_set"], form), chain=CHAIN)
        return LightBlock(self.read_signed_header(found["signed_header"], form), validators)

    def write_light_block(self, block: LightBlock) -> bytes:
        rows = [
            {"pub_key": {"value": base64.b64encode(v.public_key).decode()}, "voting_power": str(v.power)}
            for v in block.validators.validators
        ]
        found = {"signed_header": block.signed_header.header, "validator_set": {"validators": rows}}
        return json.dumps(found).encode()

    def attack_evidence(
        self, conflicting: LightBlock, common: LightBlock, trusted: LightBlock, *, byzantine: Any = None
    ) -> bytes:
        return json.dumps([one.hash.hex() for one in (conflicting, common, trusted)]).encode()


RULES = Tendermint33()
