"""CometBFT's messages as nodes' RPC answers them in JSON: the objects, and the replies around them. Test data.

>>> from pycore.ledgers.cometbft import rpc
>>> from pycore.testing.cometbft import Chain
>>> chain = Chain(blocks=1, seed=1)
>>> rpc.signed_header(commit_answer(chain.signed_header(0))) == chain.signed_header(0)
True
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from pycore.consensus.validators import Validator
from pycore.ledgers.cometbft.fields import text_of_time
from pycore.ledgers.cometbft.messages import (
    Block,
    BlockId,
    Commit,
    DuplicateVote,
    Evidence,
    Header,
    LightBlock,
    SignedHeader,
    TxProof,
    Validators,
    Vote,
)
from pycore.ledgers.cometbft.schemes import SCHEMES


def reply(result: Any) -> str:
    """The text of a node's reply."""
    return json.dumps({"jsonrpc": "2.0", "id": -1, "result": result})


def _hex(data: bytes) -> str:
    return data.hex().upper()


def _base64(data: bytes) -> str | None:
    return base64.b64encode(data).decode() if data else None


def block_id(value: BlockId) -> dict[str, Any]:
    """A block id."""
    return {"hash": _hex(value.hash), "parts": {"total": value.parts_total, "hash": _hex(value.parts_hash)}}


def header(value: Header) -> dict[str, Any]:
    """A header."""
    version = {"block": str(value.block_version)} | ({"app": str(value.app_version)} if value.app_version else {})
    found = {
        "version": version, "chain_id": value.chain_id, "height": str(value.height),
        "time": text_of_time(value.time_ns), "last_block_id": block_id(value.last_block_id),
    }  # fmt: skip
    names = (
        "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
        "last_results_hash", "evidence_hash", "proposer_address",
    )  # fmt: skip
    return found | {name: _hex(getattr(value, name)) for name in names}


def commit(value: Commit) -> dict[str, Any]:
    """A commit."""
    slots = [
        {
            "block_id_flag": slot.flag, "validator_address": _hex(slot.address),
            "timestamp": text_of_time(slot.time_ns), "signature": _base64(slot.signature),
        }
        for slot in value.signatures
    ]  # fmt: skip
    place = {"height": str(value.height), "round": value.round, "block_id": block_id(value.block_id)}
    return {**place, "signatures": slots}


def signed_header(value: SignedHeader) -> dict[str, Any]:
    """A signed header."""
    return {"header": header(value.header), "commit": commit(value.commit)}


def validator(value: Validator) -> dict[str, Any]:
    """A validator."""
    return {
        "address": _hex(value.address),
        "pub_key": {"type": SCHEMES[value.scheme].json, "value": _base64(value.public_key)},
        "voting_power": str(value.power),
        "proposer_priority": str(value.priority),
    }


def validator_set(value: Validators) -> dict[str, Any]:
    """A validator set inside another message."""
    rows = {"validators": [validator(one) for one in value.validators]}
    return rows if value.proposer is None else {**rows, "proposer": validator(value.proposer)}


def light_block(value: LightBlock) -> dict[str, Any]:
    """A light block, as evidence has it."""
    return {
        "signed_header": signed_header(value.signed_header),
        "validator_set": validator_set(value.validators),
    }


def vote(value: Vote) -> dict[str, Any]:
    """A vote."""
    return {
        "type": value.type, "height": str(value.height), "round": value.round, "block_id": block_id(value.block_id),
        "timestamp": text_of_time(value.time_ns), "validator_address": _hex(value.address),
        "validator_index": value.position, "signature": _base64(value.signature),
        "extension": _base64(value.extension), "extension_signature": _base64(value.extension_signature),
    }  # fmt: skip


def evidence(value: Evidence, *, since_1_0: bool = False) -> dict[str, Any]:
    """Evidence. Before 1.0 most of its names begin with capitals."""
    if isinstance(value, DuplicateVote):
        kind = "tendermint/DuplicateVoteEvidence"
        found: dict[str, Any] = {
            "vote_a": vote(value.first), "vote_b": vote(value.second), "TotalVotingPower": str(value.total_power),
            "ValidatorPower": str(value.power), "Timestamp": text_of_time(value.time_ns),
        }  # fmt: skip
    else:
        kind = "tendermint/LightClientAttackEvidence"
        found = {
            "ConflictingBlock": light_block(value.conflicting), "CommonHeight": str(value.common_height),
            "ByzantineValidators": [validator(one) for one in value.byzantine],
            "TotalVotingPower": str(value.total_power), "Timestamp": text_of_time(value.time_ns),
        }  # fmt: skip
    if since_1_0:
        found = {"".join("_" + c.lower() if c.isupper() else c for c in k).lstrip("_"): v for k, v in found.items()}
    return {"type": kind, "value": found}


def block(value: Block, *, since_1_0: bool = False) -> dict[str, Any]:
    """A block."""
    found = {
        "header": header(value.header),
        "data": {"txs": [_base64(one) or "" for one in value.transactions]},
        "evidence": {"evidence": [evidence(one, since_1_0=since_1_0) for one in value.evidence]},
    }
    return found if value.last_commit is None else {**found, "last_commit": commit(value.last_commit)}


def tx_proof(value: TxProof) -> dict[str, Any]:
    """The proof of a transaction."""
    path = {
        "total": str(value.total), "index": str(value.index), "leaf_hash": _base64(value.leaf_hash),
        "aunts": [_base64(one) for one in value.aunts],
    }  # fmt: skip
    return {"root_hash": _hex(value.root), "data": _base64(value.data), "proof": path}


# ---- answers ---------------------------------------------------------------------------------------------------------


def commit_answer(value: SignedHeader) -> str:
    """The reply of /commit."""
    return reply({"signed_header": signed_header(value), "canonical": True})


def header_answer(value: Header) -> str:
    """The reply of /header."""
    return reply({"header": header(value)})


def block_answer(value: Block, its_id: BlockId) -> str:
    """The reply of /block."""
    return reply({"block_id": block_id(its_id), "block": block(value)})


def validators_answers(validators: Sequence[Validator], height: int, *, per_page: int = 100) -> list[str]:
    """The replies of /validators, page after page."""
    pages = [validators[at : at + per_page] for at in range(0, len(validators), per_page)]
    return [
        reply({
            "block_height": str(height), "validators": [validator(one) for one in page], "count": str(len(page)),
            "total": str(len(validators)),
        })
        for page in pages
    ]  # fmt: skip


def tx_answer(value: TxProof, height: int) -> str:
    """The reply of /tx with a proof."""
    from pycore.ledgers.cometbft.hashes import transaction_hash

    found = {"hash": _hex(transaction_hash(value.data)), "height": str(height), "index": value.index}
    return reply({**found, "tx": _base64(value.data), "proof": tx_proof(value)})
