"""The facts of a proven statement, in words that JSON can hold."""

from __future__ import annotations

from typing import Any

from pycore.hashing.batch import hash as hash_one
from pycore.identities.x509 import CertificateError, parse_certificate
from pycore.ledgers.chainmaker.messages import BlockHeader, Member, Transaction, TxRWSet
from pycore.ledgers.chainmaker.signers import CERT, CERT_HASH

_MEMBERS = {0: "CERT", 1: "CERT_HASH", 2: "PUBLIC_KEY", 3: "DID", 4: "ALIAS", 5: "ADDR"}


def header_facts(header: BlockHeader, block_hash: bytes) -> dict[str, Any]:
    """The block: hashes and roots in hexadecimal."""
    return {
        "chain_id": header.chain_id,
        "height": header.block_height,
        "block_hash": block_hash.hex(),
        "previous_hash": header.pre_block_hash.hex(),
        "timestamp": header.block_timestamp,
        "transactions": header.tx_count,
        "tx_root": header.tx_root.hex(),
        "rw_set_root": header.rw_set_root.hex(),
        "configuration_height": header.pre_conf_height,
    }


def transaction_facts(tx: Transaction, hash_: str, index: int) -> dict[str, Any]:
    """A transaction: who called what with which parameters, and what came of it."""
    payload, result = tx.payload, tx.result
    return {
        "tx_id": payload.tx_id,
        "index": index,
        "sender": member_facts(tx.sender.signer, hash_),
        "endorsers": [member_facts(entry.signer, hash_) for entry in tx.endorsers],
        "payer": member_facts(tx.payer.signer, hash_) if tx.HasField("payer") else None,
        "timestamp": payload.timestamp,
        "contract": payload.contract_name,
        "method": payload.method,
        "parameters": [{"key": pair.key, **value_facts(pair.value)} for pair in payload.parameters],
        "successful": result.code == 0,
        "result": {
            "code": result.code,
            "message": result.message,
            "contract_code": result.contract_result.code,
            "contract_message": result.contract_result.message,
            **value_facts(result.contract_result.result),
        },
        "events": len(result.contract_result.contract_event),
        "rw_set_hash": result.rw_set_hash.hex(),
    }


def event_facts(tx: Transaction, number: int, hash_: str, index: int) -> dict[str, Any]:
    """One event of a transaction, and who sent that."""
    event = tx.result.contract_result.contract_event[number]
    return {
        "tx_id": tx.payload.tx_id,
        "index": index,
        "event": number,
        "sender": member_facts(tx.sender.signer, hash_),
        "contract": event.contract_name,
        "topic": event.topic,
        "data": list(event.event_data),
    }


def state_facts(rw_set: TxRWSet, place: int, index: int) -> dict[str, Any]:
    """The value that a transaction wrote. A later transaction, of the same block even, may have written another."""
    write = rw_set.tx_writes[place]
    return {
        "tx_id": rw_set.tx_id,
        "index": index,
        "contract": write.contract_name,
        "key": value_facts(write.key),
        **value_facts(write.value),
    }


def member_facts(member: Member, hash_: str) -> dict[str, Any]:
    """A signer: `id` is the chain's hash of its certificate, whether it comes as a certificate or as that hash; of any
    other kind what the transaction names."""
    facts = {"org_id": member.org_id, "type": _MEMBERS.get(member.member_type, str(member.member_type))}
    info = member.member_info
    if member.member_type == CERT:
        try:
            certificate = parse_certificate(info, rules="compatible")
        except CertificateError:
            return {**facts, "id": info.hex()}
        return {**facts, "id": hash_one(hash_, certificate.der).hex(), "name": certificate.common_name}
    return {**facts, "id": info.hex() if member.member_type == CERT_HASH else info.decode("utf-8", "replace")}


def value_facts(value: bytes) -> dict[str, Any]:
    """Bytes in hexadecimal, and as text where they are UTF-8 that can be shown."""
    facts: dict[str, Any] = {"value": value.hex()}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return facts
    return {**facts, "text": text} if all(letter.isprintable() or letter in "\n\t" for letter in text) else facts
