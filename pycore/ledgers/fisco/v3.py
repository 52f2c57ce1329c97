"""FISCO BCOS 3.x: the functions that :mod:`pycore.ledgers.fisco.ledger` calls for generation 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pycore.base.columns import one_bytes, quote
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError
from pycore.ledgers.fisco import v3_block, v3_header, v3_merkle, v3_rpc
from pycore.ledgers.fisco.context import HASHES, FiscoContext
from pycore.ledgers.fisco.v3_certificate import certify
from pycore.ledgers.fisco.v3_hashes import transaction_messages
from pycore.ledgers.fisco.v3_header import Header, hash_name, header_of
from pycore.ledgers.fisco.v3_records import (
    BLOCK_PLAN,
    HEADER_PLAN,
    RECEIPT_PLAN,
    TRANSACTION_PLAN,
    read,
    read_many,
)
from pycore.ledgers.fisco.v3_transactions import Judged, judge
from pycore.ledgers.runs import Step
from pycore.ledgers.scan import Tables

__all__ = [
    "RECEIPT_PLAN",
    "block_digests",
    "block_height",
    "header_hash",
    "step",
    "transaction_hash",
    "transaction_sender",
    "validate_block",
    "validate_transactions",
    "verify_certificate",
    "verify_inclusion",
]

MAX_ITEMS = 1 << 20
"""Transactions of one call."""


def validate_block(block: Any, context: FiscoContext, form: str, threads: int | None, events: bool) -> BlockReport:
    """The report of a block."""
    return v3_block.validate(_block(block, form, context.hash), context, threads, events)[0]


def step(block: bytes, context: FiscoContext, form: str, threads: int | None, events: bool = False) -> Step:
    """One block of a run."""
    return v3_block.step(_block(block, form, context.hash), context, threads, events)


def validate_transactions(items: Sequence[Any], context: FiscoContext, form: str, threads: int | None) -> Verdicts:
    """Verdicts of loose transactions; what is no transaction is MALFORMED_ITEM."""
    if isinstance(items, (str, bytes, Mapping)) or len(items) > MAX_ITEMS:
        raise InputError("transactions", quote(items)[:60], f"a sequence of at most {MAX_ITEMS}")
    if context.hash is None:
        raise InputError("context.hash", "None", "'keccak256' or 'sm3'")
    records = []
    for i, item in enumerate(items):
        try:
            name = f"transactions[{i}]"
            record = v3_rpc.transaction(item, context.hash, name) if form == "rpc" else one_bytes(item, name)
        except InputError:
            if form != "rpc":
                raise
            record = b""
        records.append(record)
    tables, sound = read_many(TRANSACTION_PLAN, records)
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    height = context.height
    return Verdicts(judge(tables, context.hash, context, height, threads, sound & (lengths > 0)).codes)


def transaction_hash(tx: Any, form: str, hash: str | None) -> bytes:
    """The hash of a transaction; of an Ethereum one that of the signed transaction."""
    tables = _transaction(tx, form, hash)
    if tables.number("tx", "type")[0]:
        return bytes(_judged(tables, "keccak256").hashes[0])
    return bytes(transaction_messages(tables).hashes(_told(tables, hash))[0])


def transaction_sender(tx: Any, form: str, hash: str | None) -> str:
    """The sender; InvalidSignature where a rule that needs no context is broken."""
    tables = _transaction(tx, form, hash)
    judged = _judged(tables, "keccak256" if tables.number("tx", "type")[0] else _told(tables, hash))
    if judged.codes[0] != int(Verdict.VALID):
        raise verdict_error(Verdict(int(judged.codes[0])))
    return "0x" + bytes(judged.senders[0]).hex()


def header_hash(header: Any, form: str, hash: str | None) -> bytes:
    """The hash of a header."""
    found = _header(header, form, hash)
    return found.hash(hash_name(found, hash, "hash"))


def verify_certificate(header: Any, context: FiscoContext, form: str) -> Report:
    """The checks of a header by itself."""
    found = _header(header, form, context.hash)
    hash = hash_name(found, context.hash, "context.hash")
    block_hash = found.hash(hash)
    certificate = certify(found, hash, block_hash, context)
    checks = (
        v3_header.structure(found, present=True, strict=context.strict),
        *(check for check in v3_header.place(found, context) if check.ok is not None),
        v3_header.stated_hash(found, block_hash),
        *certificate.checks,
    )
    return Report("fisco-bcos", context.rules, checks)


def verify_inclusion(
    root: Any, item_hash: Any, proof: Any, form: str, hash: str | None, index: int | None, count: int | None, rules: str
) -> None:
    """Checks a proof; see :meth:`pycore.ledgers.fisco.ledger.Fisco.verify_inclusion`."""
    if hash is None:
        raise InputError("hash", "None", "'keccak256' or 'sm3'")
    if isinstance(proof, (str, bytes)) or not isinstance(proof, Sequence):
        raise InputError("proof", quote(proof)[:60], "a sequence of nodes")
    if len(proof) > v3_merkle.MAX_NODES:
        raise verdict_error(Verdict.MALFORMED_PROOF)
    nodes = [_digest(node, f"proof[{i}]", any_size=True) for i, node in enumerate(proof)]
    wanted, leaf = _digest(root, "root"), _digest(item_hash, "item_hash")
    if rules == "compatible":
        v3_merkle.check_membership(hash, wanted, leaf, nodes)
    elif rules != "strict":
        raise InputError("rules", quote(rules), "'strict' or 'compatible'")
    else:
        place = [_whole(value, name) for name, value in (("index", index), ("count", count))]
        v3_merkle.check(hash, wanted, leaf, nodes, *place)


def block_height(block: Any, form: str) -> int:
    """The height that a block says it has."""
    return header_of(read(BLOCK_PLAN, _block(block, form, None), "block"), "block").number


def block_digests(block: Any, form: str, hash: str | None) -> dict[str, Any]:
    """A block's hashes."""
    return v3_block.digests(_block(block, form, hash), hash)


# ---- records from either form ----------------------------------------------------------------------------------------


def _block(block: Any, form: str, hash: str | None) -> bytes:
    return v3_rpc.block(block, hash) if form == "rpc" else one_bytes(block, "block")


def _transaction(tx: Any, form: str, hash: str | None) -> Tables:
    return read(TRANSACTION_PLAN, v3_rpc.transaction(tx, hash) if form == "rpc" else one_bytes(tx, "tx"), "tx")


def _header(header: Any, form: str, hash: str | None) -> Header:
    data = v3_rpc.header(header, hash) if form == "rpc" else one_bytes(header, "header")
    return header_of(read(HEADER_PLAN, data, "header"))


def _told(tables: Tables, hash: str | None) -> str:
    """The chain's hash: the given one, or that under which the stated hash of a transaction is right."""
    if hash is not None:
        return hash
    stated, messages = tables.span("tx", "data_hash")[0], transaction_messages(tables)
    for name in HASHES:
        if messages.hashes(name)[0].tobytes() == stated:
            return name
    wanted = "'keccak256' or 'sm3': the transaction states no hash that is right under either"
    raise InputError("hash", "None", wanted)


def _judged(tables: Tables, hash: str) -> Judged:
    return judge(tables, hash, FiscoContext(hash=hash), None, 1)


def _digest(value: Any, name: str, *, any_size: bool = False) -> bytes:
    if isinstance(value, str):
        try:
            found = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise InputError(name, quote(value)[:60], "bytes in hexadecimal") from None
    else:
        found = one_bytes(value, name)
    if len(found) != 32 and not any_size:
        raise InputError(name, f"{len(found)} bytes", "32 bytes")
    return found


def _whole(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise InputError(name, quote(value), "an integer of 0 or more: the strict rules check the position")
    return value
