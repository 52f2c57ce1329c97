"""Type 1 of FISCO BCOS 3.x: an Ethereum transaction in a wrapper.

The record has the payload that was signed (extraTransactionBytes), the signature as r || s || recovery id, and the
hash of the signed transaction (extraTransactionHash). As read, nodes believe that hash and the fields next to it;
here both are made again from the payload, and compared. Always keccak-256 and secp256k1.

Payloads: Ethereum's transactions without a signature. Legacy, RLP of 6 fields, or of 9 with the chain id (EIP-155);
0x01 (EIP-2930), 0x02 (EIP-1559) or 0x03 (EIP-4844) and RLP. Read in the source only (bcos-rpc/web3jsonrpc/model/
Web3Transaction.cpp): no published data has confirmed these rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """The outcome: the verdict and why, the hash of the signed transaction, the sender's 20 bytes, the hash that was
    signed, and what the payload says: FIELDS as the record writes them, and "chain", the chain id as a number."""

    verdict: Any
    detail: str
    hash: bytes
    sender: bytes
    digest: bytes
    inside: Mapping[str, Any]


class BadPayloadError(ValueError):
    """Bytes that are no payload; the reason in words."""


def judge(
    records: Sequence[Mapping[str, bytes]], stated: Sequence[Mapping[str, bytes]], chain_id: int | None, *, strict: bool
) -> list[Web3]:
    """Checks wrappers.

    Args:
        records: "extra_bytes", "extra_hash", "signature", "data_hash" of each.
        stated: the fields of their data, as in FIELDS.
        chain_id: that the chain's Ethereum transactions must have; None: any.
        strict: the fields next to the payload must say what it says, and s must be low (EIP-2).
    """
    pairs = [(record["extra_bytes"], record["signature"]) for record in records]
    found = derive(pairs, chain_id, strict=strict)
    return [_compared(*one, strict=strict) for one in zip(found, records, stated, strict=True)]


def _compared(found: Web3, given: Mapping[str, bytes], stated: Mapping[str, bytes], *, strict: bool) -> Web3:
    """The outcome with the record's fields taken into account."""
    if found.verdict != Verdict.VALID:
        return found
    for name, right in (("extra_hash", found.hash), ("data_hash", found.digest)):
        if (given[name] or name == "extra_hash") and given[name] != right:
            return found._replace(verdict=Verdict.BAD_DIGEST, detail=f"{name} is not that of the payload")
    wrong = [name for name in FIELDS if strict and not _same(name, stated[name], found.inside[name])]
    if wrong:
        detail = f"it states another {', '.join(wrong)} than its payload"
        return found._replace(verdict=Verdict.MALFORMED_ITEM, detail=detail)
    return found


def derive(pairs: Sequence[tuple[bytes, bytes]], chain_id: int | None, *, strict: bool) -> list[Web3]:
    """Everything that follows from payloads and their signatures."""
    found = [_read(payload, signature, chain_id) for payload, signature in pairs]
    good = [i for i, one in enumerate(found) if one.verdict == Verdict.VALID]
    signatures, digests = [pairs[i][1] for i in good], [found[i].digest for i in good]
    rules = "low-s" if strict else None
    keys, verdicts = recover_batch("ecdsa-secp256k1", signatures, digests, rules=rules, threads=1)
    for i, key, verdict in zip(good, keys, verdicts, strict=True):
        if verdict == Verdict.VALID:
            found[i] = found[i]._replace(sender=hash_one("keccak256", key.tobytes())[12:])
        else:
            found[i] = found[i]._replace(verdict=verdict, detail=verdict.meaning)
    return found


def _read(payload: bytes, signature: bytes, chain_id: int | None) -> Web3:
    """All but the sender."""
    nothing = Web3(Verdict.MALFORMED_ITEM, "", bytes(32), bytes(20), bytes(32), {})
    try:
        kind, fields = parse(payload)
    except BadPayloadError as error:
        return nothing._replace(detail=f"no Ethereum payload: {error}")
    if len(signature) != 65 or signature[64] > 1:
        detail = "a signature that is not r, s and a recovery id of 0 or 1"
        return nothing._replace(verdict=Verdict.MALFORMED_SIGNATURE, detail=detail)
    inside = _inside(kind, fields)
    hash_ = hash_one("keccak256", _signed(kind, fields, inside["chain"], signature))
    found = Web3(Verdict.VALID, "", hash_, bytes(20), hash_one("keccak256", payload), inside)
    if chain_id is not None and inside["chain"] != chain_id:
        return found._replace(verdict=Verdict.MALFORMED_ITEM, detail=f"another chain id than {chain_id}")
    return found


def _same(name: str, stated: bytes, inside: bytes) -> bool:
    """Whether a field says what the payload does: addresses in any case of letters, and a chain id may be missing."""
    if name == "chain_id" and not stated:
        return True
    return (stated.lower() if name == "to" else stated) == inside


def parse(payload: bytes) -> tuple[int, list[Any]]:
    """(type, fields) of an unsigned payload; 0 is a legacy one. ValueError for anything else."""
    if not payload or len(payload) > MAX_PAYLOAD:
        raise BadPayloadError(f"{len(payload)} bytes")
    kind = payload[0] if payload[0] in _TYPED else 0
    try:
        fields = rlp.decode_list(payload[1:] if kind else payload, max_depth=_MAX_DEPTH)
    except InputError as error:
        raise BadPayloadError(error.got) from None
    if kind:
        if len(fields) != _TYPED[kind][0]:
            raise BadPayloadError(f"{len(fields)} fields of type {kind}")
    elif len(fields) not in (6, 9) or (len(fields) == 9 and fields[7:] != [b"", b""]):
        raise BadPayloadError(f"{len(fields)} fields")
    _, chain, nonce, to, value, data = _TYPED.get(kind, _LEGACY)
    numbers = [nonce, value] + ([chain] if chain is not None else [6] if len(fields) == 9 else [])
    if any(not isinstance(fields[at], bytes) or fields[at][:1] == b"\0" or len(fields[at]) > 32 for at in numbers):
        raise BadPayloadError("a number with leading zeros")
    if not isinstance(fields[to], bytes) or len(fields[to]) not in (0, 20) or not isinstance(fields[data], bytes):
        raise BadPayloadError("an address of another length than 20 bytes")
    return kind, fields


def _inside(kind: int, fields: list[Any]) -> dict[str, Any]:
    """The fields of the record as they must be, and the chain id as a number; None where there is no chain id."""
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
