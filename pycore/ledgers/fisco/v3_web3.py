"""Type 1 of FISCO BCOS 3.x: an Ethereum transaction in a wrapper.

The record has the payload that was signed (extraTransactionBytes), the signature as r || s || recovery id, and the
hash of the signed transaction (extraTransactionHash). As read, nodes believe that hash and the fields beside it;
here both are made again from the payload, and compared. Always keccak-256 and secp256k1.

Payloads: Ethereum's transactions without a signature. Legacy, RLP of 6 fields, or of 9 with the chain id (EIP-155);
0x01 (EIP-2930), 0x02 (EIP-1559) or 0x03 (EIP-4844) and RLP. Read in the source only (bcos-rpc/web3jsonrpc/model/
Web3Transaction.cpp): no published data has confirmed these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pycore.base import rlp
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.signatures.batch import recover_batch

FIELDS = ("chain_id", "nonce", "to", "input", "value")
MAX_PAYLOAD = 1 << 20
_MAX_DEPTH = 8
# Fields of the typed payloads: how many, and the places of chain id, nonce, to, value, input.
_TYPED = {1: (8, 0, 1, 4, 5, 6), 2: (9, 0, 1, 5, 6, 7), 3: (11, 0, 1, 5, 6, 7)}
_LEGACY = (6, None, 0, 3, 4, 5)


class Web3(NamedTuple):
    """The outcome: the verdict and why, the hash of the signed transaction, the sender's 20 bytes, and what the payload
    says: FIELDS as the record writes them, and "chain", the chain id as a number."""

    verdict: Any
    detail: str
    hash: bytes
    sender: bytes
    inside: Mapping[str, Any]


class _BadPayload(ValueError):
    pass


def judge(given: Mapping[str, bytes], stated: Mapping[str, bytes], chain_id: int | None, *, strict: bool) -> Web3:
    """Checks a wrapper.

    Args:
        given: "extra_bytes", "extra_hash", "signature", "data_hash" of the record.
        stated: the fields of its data, as in FIELDS.
        chain_id: that the chain's Ethereum transactions must have; None: any.
        strict: the fields beside the payload must say what it says, and s must be low (EIP-2).
    """
    found = derive(given["extra_bytes"], given["signature"], chain_id, strict=strict)
    if found.verdict != Verdict.VALID:
        return found
    digest = hash_one("keccak256", given["extra_bytes"])
    for name, right in (("extra_hash", found.hash), ("data_hash", digest)):
        if (given[name] or name == "extra_hash") and given[name] != right:
            return found._replace(verdict=Verdict.BAD_DIGEST, detail=f"{name} is not that of the payload")
    wrong = [name for name in FIELDS if strict and not _same(name, stated[name], found.inside[name])]
    if wrong:
        detail = f"it states another {', '.join(wrong)} than its payload"
        return found._replace(verdict=Verdict.MALFORMED_ITEM, detail=detail)
    return found


def derive(payload: bytes, signature: bytes, chain_id: int | None, *, strict: bool) -> Web3:
    """Everything that follows from a payload and its signature."""
    nothing = bytes(32), bytes(20)
    try:
        kind, fields = parse(payload)
    except _BadPayload as error:
        return Web3(Verdict.MALFORMED_ITEM, f"no Ethereum payload: {error}", *nothing, {})
    if len(signature) != 65 or signature[64] > 1:
        detail = "a signature that is not r, s and a recovery id of 0 or 1"
        return Web3(Verdict.MALFORMED_SIGNATURE, detail, *nothing, {})
    inside = _inside(kind, fields)
    hash_ = hash_one("keccak256", _signed(kind, fields, inside["chain"], signature))
    digest = hash_one("keccak256", payload)
    keys, verdicts = recover_batch("ecdsa-secp256k1", [signature], [digest], rules="low-s" if strict else None)
    if not verdicts.all_valid:
        return Web3(verdicts[0], verdicts[0].meaning, hash_, bytes(20), inside)
    sender = hash_one("keccak256", keys[0].tobytes())[12:]
    if chain_id is not None and inside["chain"] != chain_id:
        return Web3(Verdict.MALFORMED_ITEM, f"another chain id than {chain_id}", hash_, sender, inside)
    return Web3(Verdict.VALID, "", hash_, sender, inside)


def _same(name: str, stated: bytes, inside: bytes) -> bool:
    """Whether a field says what the payload does: addresses in any case of letters, and a chain id may be missing."""
    if name == "chain_id" and not stated:
        return True
    return (stated.lower() if name == "to" else stated) == inside


def parse(payload: bytes) -> tuple[int, list[Any]]:
    """(type, fields) of an unsigned payload; 0 is a legacy one. ValueError where it is none."""
    if not payload or len(payload) > MAX_PAYLOAD:
        raise _BadPayload(f"{len(payload)} bytes")
    kind = payload[0] if payload[0] in _TYPED else 0
    try:
        fields = rlp.decode_list(payload[1:] if kind else payload, max_depth=_MAX_DEPTH)
    except InputError as error:
        raise _BadPayload(error.got) from None
    if kind:
        if len(fields) != _TYPED[kind][0]:
            raise _BadPayload(f"{len(fields)} fields of type {kind}")
    elif len(fields) not in (6, 9) or (len(fields) == 9 and fields[7:] != [b"", b""]):
        raise _BadPayload(f"{len(fields)} fields")
    _, chain, nonce, to, value, data = _TYPED.get(kind, _LEGACY)
    numbers = [nonce, value] + ([chain] if chain is not None else [6] if len(fields) == 9 else [])
    if any(not isinstance(fields[at], bytes) or fields[at][:1] == b"\0" or len(fields[at]) > 32 for at in numbers):
        raise _BadPayload("a number with leading zeros")
    if not isinstance(fields[to], bytes) or len(fields[to]) not in (0, 20) or not isinstance(fields[data], bytes):
        raise _BadPayload("an address of another length than 20 bytes")
    return kind, fields


def _inside(kind: int, fields: list[Any]) -> dict[str, Any]:
    """What the fields of the record must say, and the chain id as a number (None: it has none)."""
    _, chain, nonce, to, value, data = _TYPED.get(kind, _LEGACY)
    at = chain if chain is not None else 6 if len(fields) == 9 else None
    number = None if at is None else int.from_bytes(fields[at], "big")
    return {
        "chain": number,
        "chain_id": str(number or 0).encode(),
        "nonce": hex(int.from_bytes(fields[nonce], "big")).encode(),
        "to": b"0x" + fields[to].hex().encode() if fields[to] else b"",
        "value": hex(int.from_bytes(fields[value], "big")).encode(),
        "input": fields[data],
    }


def _signed(kind: int, fields: list[Any], chain: int | None, signature: bytes) -> bytes:
    """The transaction as it goes over Ethereum's wire."""
    parity = signature[64]
    r, s = signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")
    if kind:
        return bytes((kind,)) + rlp.encode([*fields, parity, r, s])
    v = 27 + parity if chain is None else 35 + 2 * chain + parity
    return rlp.encode([*fields[:6], v, r, s])
