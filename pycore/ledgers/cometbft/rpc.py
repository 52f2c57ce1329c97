"""Messages of CometBFT read from the JSON that a node's RPC answers: the text itself, or the dict that it holds.

The whole reply, an object with "jsonrpc" and "result", stands for its result. Answers of /commit, /header, /block,
/validators (of one page or of several), /tx with a proof are taken as they are; in place of an answer also the object
inside it. The forms of values are in :mod:`~pycore.ledgers.cometbft.fields`. InputError names the field by its path:
``commit.signatures[3].timestamp``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.cometbft.fields import Fields, of_base64, shown
from pycore.ledgers.cometbft.messages import (
    ABSENT,
    COMMIT,
    NIL,
    PRECOMMIT,
    PREVOTE,
    PROPOSAL,
    YEAR_1,
    Block,
    BlockId,
    Commit,
    CommitSig,
    DuplicateVote,
    Evidence,
    Header,
    LightBlock,
    LightClientAttack,
    Proposal,
    SignedHeader,
    TxProof,
    Validators,
    Vote,
    with_proposer,
)
from pycore.ledgers.cometbft.schemes import BY_JSON, SCHEMES, check_key

MAX_VALUES = 1 << 20
"""Values and names of an answer."""
MAX_PAGES = 1 << 10
"""Pages of a set of validators."""

_FLAGS = {"BLOCK_ID_FLAG_ABSENT": ABSENT, "BLOCK_ID_FLAG_COMMIT": COMMIT, "BLOCK_ID_FLAG_NIL": NIL}
_TYPES = {
    "SIGNED_MSG_TYPE_PREVOTE": PREVOTE, "SIGNED_MSG_TYPE_PRECOMMIT": PRECOMMIT, "SIGNED_MSG_TYPE_PROPOSAL": PROPOSAL
}  # fmt: skip
_SDK_KEYS = {
    "/cosmos.crypto.ed25519.PubKey": SCHEMES["ed25519"],
    "/cosmos.crypto.secp256k1.PubKey": SCHEMES["ecdsa-secp256k1"],
}
_EVIDENCE = ("tendermint/DuplicateVoteEvidence", "tendermint/LightClientAttackEvidence")


def answer(data: Any, field: str) -> Fields:
    """An answer's result: from text, bytes of text, or a dict, with or without the reply around it."""
    if isinstance(data, (str, bytes, bytearray, memoryview)):
        data = load_object(data if isinstance(data, str) else bytes(data), field, values=MAX_VALUES)
    found = Fields(data, field)
    if "jsonrpc" in found.values:
        if found.has("error"):
            raise InputError(field, f"the answer of a failed call: {shown(found.values['error'])}", "a result")
        found = found.object("result")
    return found


def _inside(found: Fields, name: str) -> Fields:
    """The object of that name where the answer has one, else the answer itself."""
    return found.object(name) if found.has(name) else found


# ---- headers and commits ---------------------------------------------------------------------------------------------


def header(data: Any, field: str = "header") -> Header:
    """A header: of /header, of /commit, of /block, or by itself."""
    found = answer(data, field)
    for name in ("signed_header", "block", "header"):
        found = _inside(found, name)
    return read_header(found)


def signed_header(data: Any, field: str = "signed_header") -> SignedHeader:
    """A header and its commit: of /commit, or an object with both."""
    return read_signed_header(_inside(answer(data, field), "signed_header"))


def commit(data: Any, field: str = "commit") -> Commit:
    """A commit: of /commit, or by itself."""
    return read_commit(_inside(_inside(answer(data, field), "signed_header"), "commit"))


def read_signed_header(found: Fields) -> SignedHeader:
    """From an object with "header" and "commit"."""
    return SignedHeader(read_header(found.object("header")), read_commit(found.object("commit")))


def read_header(found: Fields) -> Header:
    """From a header's own object."""
    version = found.object("version")
    return Header(
        version.number("block", 64, signed=False, default=0),
        version.number("app", 64, signed=False, default=0),
        found.text("chain_id"),
        found.number("height", 64),
        found.time("time"),
        read_block_id(found, "last_block_id"),
        found.hash("last_commit_hash"),
        found.hash("data_hash"),
        found.hash("validators_hash"),
        found.hash("next_validators_hash"),
        found.hash("consensus_hash"),
        _app_hash(found),
        found.hash("last_results_hash"),
        found.hash("evidence_hash"),
        found.address("proposer_address"),
    )


def _app_hash(found: Fields) -> bytes:
    """Of any length, so only hexadecimal, or the base64 of 32 bytes."""
    value = found.values.get("app_hash")
    return found.hash("app_hash") if isinstance(value, str) and len(value) == 44 and value[-1] == "=" else (
        found.hexadecimal("app_hash")
    )  # fmt: skip


def read_block_id(found: Fields, field: str) -> BlockId:
    """A block id; null and an empty one stand for none."""
    if not found.has(field):
        return BlockId()
    one = found.object(field)
    name = "parts" if one.has("parts") else "part_set_header"
    if not one.has(name):
        return BlockId(one.hash("hash"))
    parts = one.object(name)
    return BlockId(one.hash("hash"), parts.number("total", 32, signed=False, default=0), parts.hash("hash"))


def read_commit(found: Fields) -> Commit:
    """From a commit's own object."""
    slots = tuple(_slot(one) for one in found.objects("signatures"))
    return Commit(
        found.number("height", 64), found.number("round", 32, default=0), read_block_id(found, "block_id"), slots
    )


def _slot(found: Fields) -> CommitSig:
    flag = found.raw("block_id_flag")
    named = _FLAGS.get(flag) if isinstance(flag, str) else None
    flag = found.number("block_id_flag", 8, signed=False) if named is None else named
    default = YEAR_1 if flag == ABSENT else None
    return CommitSig(
        flag, found.address("validator_address"), found.time("timestamp", default), found.base64("signature")
    )


# ---- validators ------------------------------------------------------------------------------------------------------


def validators(data: Any, field: str = "validators") -> Validators:
    """A validator set: the answer of /validators, a sequence of them where it has several pages, an object with
    "validators", or a list of validators. A page without the others is refused."""
    if isinstance(data, str) and data.lstrip().startswith("["):
        data = load_object('{"pages":' + data + "}", field, values=MAX_VALUES)["pages"]
    if isinstance(data, (list, tuple)):
        if data and all(isinstance(one, Mapping) and "pub_key" in one for one in data):
            return Validators(tuple(_validator(Fields(one, f"{field}[{i}]")) for i, one in enumerate(data)))
        return _pages(data, field)
    found = answer(data, field)
    for name in ("validator_set", "validators"):
        if isinstance(found.values.get(name), Mapping):
            found = found.object(name)
    return _pages([found.values], found.name) if "total" in found.values else _set(found)


def _set(found: Fields) -> Validators:
    rows = found.objects("validators") if "validators" in found.values else None
    if rows is None:
        raise InputError(f"{found.name}.validators", "nothing", "a list of validators")
    proposer = _validator(found.object("proposer")) if found.has("proposer") else None
    return Validators(tuple(_validator(one) for one in rows), proposer)


def _pages(pages: Sequence[Any], field: str) -> Validators:
    """All pages of one height, in order."""
    if len(pages) > MAX_PAGES:
        raise InputError(field, f"{len(pages)} pages", f"at most {MAX_PAGES}")
    if not pages:
        raise InputError(field, "no pages", "the answers of /validators, all pages")
    found: list[Validator] = []
    place: tuple[int, int] | None = None
    for i, page in enumerate(pages):
        name = field if len(pages) == 1 else f"{field}[{i}]"
        one = answer(page, name)
        here = one.number("block_height", 64, default=0), one.number("total", 64, signed=False)
        if place is not None and here != place:
            got = f"a page of {here[1]} validators at height {here[0]}"
            raise InputError(name, got, f"one of {place[1]} at height {place[0]}, as the first")
        place = here
        found += _set(one).validators
    assert place is not None
    if len(found) != place[1]:
        wanted = "all of them: /validators has pages, ask for each of them and give them together"
        raise InputError(field, f"{len(found)} of {place[1]} validators", wanted)
    return Validators(tuple(found))


def _validator(found: Fields) -> Validator:
    key = found.object("pub_key")
    if key.has("@type"):
        scheme, value, names = _SDK_KEYS.get(key.text("@type")), "key", list(_SDK_KEYS)
        kind = "@type"
    else:
        scheme, value, names, kind = BY_JSON.get(key.text("type")), "value", list(BY_JSON), "type"
    if scheme is None:
        raise InputError(f"{key.name}.{kind}", shown(key.text(kind)), "one of " + ", ".join(names))
    octets = of_base64(key.raw(value), f"{key.name}.{value}")
    check_key(scheme.name, octets, f"{key.name}.{value}")
    power = "voting_power" if found.has("voting_power") or not found.has("power") else "power"
    return Validator(
        octets,
        found.number(power, 64),
        scheme.name,
        found.address("address"),
        found.number("proposer_priority", 64, default=0),
    )


def light_block(data: Any, field: str = "light_block") -> LightBlock:
    """A signed header and its validators: an object with "signed_header" (or "header" and "commit") and
    "validator_set", or a pair: the answer of /commit and that of /validators, or its pages. Where no proposer is named
    it is the validator with the highest priority."""
    if isinstance(data, (list, tuple)):
        if len(data) != 2:
            raise InputError(field, f"{len(data)} answers", "two: of /commit, and of /validators")
        return with_proposer(LightBlock(signed_header(data[0], f"{field}[0]"), validators(data[1], f"{field}[1]")))
    found = answer(data, field)
    signed = _inside(found, "signed_header")
    name = "validator_set" if found.has("validator_set") else "validators"
    return with_proposer(LightBlock(read_signed_header(signed), validators(found.raw(name), f"{found.name}.{name}")))


# ---- votes -----------------------------------------------------------------------------------------------------------


def vote(data: Any, field: str = "vote") -> Vote:
    """A vote: an object with its fields."""
    return _vote(_inside(answer(data, field), "vote"))


def _type(found: Fields, field: str = "type") -> int:
    value = found.raw(field)
    return _TYPES[value] if isinstance(value, str) and value in _TYPES else found.number(field, 8, signed=False)


def _vote(found: Fields) -> Vote:
    return Vote(
        _type(found),
        found.number("height", 64),
        found.number("round", 32),
        read_block_id(found, "block_id"),
        found.time("timestamp"),
        found.address("validator_address"),
        found.number("validator_index", 32),
        found.base64("signature"),
        found.base64("extension"),
        found.base64("extension_signature"),
    )


def proposal(data: Any, field: str = "proposal") -> Proposal:
    """A proposal: an object with its fields. Nodes write "Type" for its type."""
    found = _inside(answer(data, field), "proposal")
    return Proposal(
        found.number("height", 64),
        found.number("round", 32),
        found.number("pol_round", 32),
        read_block_id(found, "block_id"),
        found.time("timestamp"),
        found.base64("signature"),
        _type(found, "Type" if found.has("Type") else "type"),
    )


# ---- blocks and proofs -----------------------------------------------------------------------------------------------


def block(data: Any, field: str = "block") -> Block:
    """A block: the answer of /block, or an object with "header", "data", "evidence" and "last_commit"."""
    return read_block(_inside(answer(data, field), "block"))


def read_block(found: Fields) -> Block:
    """From a block's own object."""
    txs = found.object("data").list("txs") if found.has("data") else []
    rows = found.object("evidence").objects("evidence") if found.has("evidence") else iter(())
    return Block(
        read_header(found.object("header")),
        tuple(of_base64(one, f"{found.name}.data.txs[{i}]") for i, one in enumerate(txs)),
        tuple(_evidence(one) for one in rows),
        _last_commit(found.object("last_commit")) if found.has("last_commit") else None,
    )


def _last_commit(found: Fields) -> Commit:
    """Of block 1 an empty one, which some write without fields."""
    if not found.values:
        return Commit(0, 0, BlockId(), ())
    return read_commit(found)


def evidence(data: Any, field: str = "evidence") -> Evidence:
    """Evidence: an object with "type" and "value"."""
    return _evidence(answer(data, field))


def _named(found: Fields, old: str) -> str:
    """The spelling of a field that has two: capitals before 1.0, words joined by "_" from then on."""
    new = "".join("_" + one.lower() if one.isupper() else one for one in old).lstrip("_")
    return new if found.has(new) else old


def _evidence(found: Fields) -> Evidence:
    kind, value = found.text("type"), found.object("value")
    if kind not in _EVIDENCE:
        raise InputError(f"{found.name}.type", shown(kind), "one of " + ", ".join(_EVIDENCE))
    total, time = _named(value, "TotalVotingPower"), _named(value, "Timestamp")
    if kind == _EVIDENCE[0]:
        return DuplicateVote(
            _vote(value.object("vote_a")),
            _vote(value.object("vote_b")),
            value.number(total, 64),
            value.number(_named(value, "ValidatorPower"), 64),
            value.time(time),
        )
    conflicting, byzantine = _named(value, "ConflictingBlock"), _named(value, "ByzantineValidators")
    return LightClientAttack(
        light_block(value.object(conflicting).values, f"{value.name}.{conflicting}"),
        value.number(_named(value, "CommonHeight"), 64),
        tuple(_validator(one) for one in value.objects(byzantine)),
        value.number(total, 64),
        value.time(time),
    )


def tx_proof(data: Any, field: str = "proof") -> TxProof:
    """The proof of a transaction: the answer of /tx with one, or the proof's own object."""
    return read_tx_proof(_whole(answer(data, field)))


def _whole(found: Fields) -> Fields:
    """The object with "root_hash" and the path below "proof"."""
    return found.object("proof") if found.has("proof") and not found.has("root_hash") else found


def read_tx_proof(found: Fields) -> TxProof:
    """From an object with "root_hash", "data" and "proof"."""
    path = found.object("proof")
    aunts = tuple(of_base64(one, f"{path.name}.aunts[{i}]") for i, one in enumerate(path.list("aunts")))
    return TxProof(
        found.hash("root_hash"),
        found.base64("data"),
        path.number("total", 64),
        path.number("index", 64),
        path.base64("leaf_hash"),
        aunts,
    )
