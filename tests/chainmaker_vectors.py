"""Reads the published ChainMaker vectors into blocks and contexts."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pycore
from pycore.identities.x509 import parse_certificate
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.ledger import ChainContext

TIME = 1_893_456_000  # 2030-01-01: the vectors' certificates start on 2026-11-22
HASHES = {"SHA256": "sha256", "SHA3_256": "sha3-256", "SM3": "sm3"}


@functools.lru_cache(maxsize=16)
def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def certificate_hash(pem: str, chain_hash: str) -> str:
    return pycore.hash(HASHES[chain_hash], parse_certificate(pem.encode()).der).hex()


def nodes_of(entry: Any) -> dict[str, str]:
    """Node id -> PEM with which that node votes, from a certificate in which all four voted for themselves."""
    case = next(case for case in entry["qc_cases"] if case["name"] == "4_of_4")
    extra = bytes.fromhex(case["extra_hex"])
    if case["extra_key"] == "maxbftQC":
        pairs = [(v.author.decode(), v.signature) for v in messages.parse(messages.QuorumCert, extra, "qc").votes]
    else:
        votes = messages.parse(messages.VoteSet, extra, "qc").votes.values()
        pairs = [(v.voter, v.endorsement) for v in votes]
    return {voter: entry_.signer.member_info.decode() for voter, entry_ in pairs}


def block_context(document: Any, entry: Any, **changes: Any) -> ChainContext:
    """Everything that a block file tells about one of its blocks."""
    known = next(block for block in document["blocks"] if any(c["name"] == "4_of_4" for c in block["qc_cases"]))
    values: dict[str, Any] = {
        "chain_id": "chain1",
        "hash": document["chain_hash"],
        "auth_type": document["auth_type"],
        "trust_roots": {org: (pem,) for org, pem in document["ca_pem"].items()},
        "validators": tuple(entry["validators"]),
        "nodes": nodes_of(known),
        "rw_sets": tuple(bytes.fromhex(item) for item in entry["rwsets_hex"]),
        "time": TIME,
    }
    return ChainContext(**(values | changes))


def with_extra(block: bytes, key: str, extra: bytes) -> bytes:
    """The block with another quorum certificate. Hashes do not cover additional data."""
    parsed = messages.parse(messages.Block, block, "block")
    parsed.additional_data.extra_data.clear()
    parsed.additional_data.extra_data[key] = extra
    return parsed.SerializeToString()


def transaction_context(document: Any, **changes: Any) -> ChainContext:
    values: dict[str, Any] = {
        "hash": document["chain_hash"],
        "auth_type": document["auth_type"],
        "trust_roots": {org: (pem,) for org, pem in document["ca_pem"].items()},
        "certificates": {certificate_hash(pem, document["chain_hash"]): pem for pem in document["certs_pem"].values()},
        "time": TIME,
    }
    return ChainContext(**(values | changes))


def real_context(document: Any, entry: Any, **changes: Any) -> ChainContext:
    """The contents of the explorer dump: signer certificates, but no roots; one block shows three of the four
    voters."""
    nodes = {vote["voter"]: vote["cert_pem"] for block in document["blocks"] for vote in block["votes"]}
    sender = entry["sender_cert_pem"]
    values: dict[str, Any] = {
        "chain_id": "chain1",
        "hash": entry["chain_hash"],
        "certificates": {certificate_hash(sender, entry["chain_hash"]): sender},
        "validators": tuple(sorted(nodes)),
        "nodes": nodes,
        "height": entry["height"],
        "previous_block_hash": bytes.fromhex(entry["pre_block_hash"]),
        "rw_sets": tuple(bytes.fromhex(item) for item in entry.get("rwsets_hex", ())) or None,
        "time": 1_704_067_200,  # 2024-01-01, soon after the blocks were made
    }
    return ChainContext(**(values | changes))
