"""FISCO BCOS 2.x: what :mod:`pycore.ledgers.fisco.ledger` calls for `generation` 2.

The checks of a block, in the report's order:

    height previous_hash  against the context
    block_hash            H(header) against the hash that stands next to it
    tx_count nonces       the number of transactions, and that none has the nonce of another
    transactions          form, chain, group, block limit, signature of each
    tx_root receipt_root  width-16 trees; read in the code: what 2.0, 2.1 and rc1 have in their place
    sealers sealer_list signatures quorum
                          the certificate

Rules. `compatible` follows the code of 2.11.0 as read in public copies: it counts a sealer's second signature once
more, and takes any public key behind an SM2 signature of a certificate. `strict` refuses both. Blocks of 2.0.0-rc1,
whose parts stand in another order, are refused as no blocks.

Not checked: state and database hashes, gas, logs blooms, the results in receipts, the genesis block's content.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from pycore.base import parallel, rlp
from pycore.base.columns import one_bytes
from pycore.base.report import BlockReport, Check, Report, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.fisco import v2_certificate, v2_merkle
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v2_records import (
    MAX_TRANSACTIONS,
    Block,
    Header,
    is_sm2,
    pack,
    read_block,
    read_header,
    read_transaction,
)
from pycore.ledgers.fisco.v2_transactions import Checked, check
from pycore.ledgers.runs import Step
from pycore.merkle.patricia_tree import PatriciaTrie

CHAIN = "fisco-bcos"
CONSENSUS_CONTRACT = (0x1003).to_bytes(20, "big")
"""The precompiled contract whose calls change the list of sealers."""
_VALID = int(Verdict.VALID)
_SHOWN = 1000
"""Transactions of a block whose faults are told."""


def validate_block(
    block: Any, context: FiscoContext, form: str, threads: int | None, events: bool = False
) -> BlockReport:
    """See the face. `events`: 2.x's logs are not offered as events."""
    return _validate(block, context, form, threads)[0]


def step(block: Any, context: FiscoContext, form: str, threads: int | None, events: bool = False) -> Step:
    """A block of a run. A call of the contract that changes the sealers leaves the list unknown from then on: its
    outcome is in a receipt that nothing here executes. `events` as for :func:`validate_block`."""
    report, checked = _validate(block, context, form, threads)
    targets = checked.targets
    if len(targets) and context.sealers and targets.equal(CONSENSUS_CONTRACT).any():
        why = f"block {report.height} calls the contract 0x1003, which may change the sealers: give the new list"
        return Step(report, context.replace(sealers=()), why)
    return Step(report, context)


def validate_transactions(
    transactions: Sequence[Any], context: FiscoContext, form: str, threads: int | None
) -> Verdicts:
    """See the face. Without `context.hash` the first transaction's signature tells which chain's they are."""
    records = [read_transaction(one, form, f"transactions[{i}]")[0] for i, one in enumerate(transactions)]
    name = context.hash or ("sm3" if records and is_sm2(records[0]) else "keccak256")
    return Verdicts.of_kernel(check(Spans.joined(records), name, context, threads).codes)


def transaction_hash(tx: Any, form: str, hash: str | None) -> bytes:
    """See the face. Without `hash` the form of the signature tells it."""
    record, stated = read_transaction(tx, form)
    name = hash or ("sm3" if is_sm2(record) else "keccak256")
    checked = check(Spans.joined([record]), name, None, 1)
    if int(checked.codes[0]) == int(Verdict.MALFORMED_ITEM):
        raise InputError("transaction", f"{len(record)} bytes", "the canonical RLP of a transaction of 2.x")
    found: bytes = checked.hashes[0].tobytes()
    if stated is not None and stated != found:
        raise InputError("transaction.hash", stated.hex(), f"{found.hex()}, its hash under {name}")
    return found


def transaction_sender(tx: Any, form: str, hash: str | None) -> str:
    """See the face."""
    record, _ = read_transaction(tx, form)
    name = hash or ("sm3" if is_sm2(record) else "keccak256")
    checked = check(Spans.joined([record]), name, None, 1)
    if int(checked.codes[0]) != _VALID:
        raise verdict_error(Verdict(int(checked.codes[0])))
    sender: str = checked.senders[0].tobytes().hex()
    return "0x" + sender


def header_hash(header: Any, form: str, hash: str | None) -> bytes:
    """See the face."""
    found = read_header(header, form)
    name = hash or found.told
    if name is None:
        raise InputError("hash", "None", "keccak256 or sm3: the header states no hash that either gives")
    return found.hash(name)


def verify_certificate(header: Any, context: FiscoContext, form: str) -> Report:
    """See the face. "wire": a block, which has the signatures; a header by itself has none."""
    found = read_header(header, form)
    name, told = _hash_of(found, context)
    checks = [told, *v2_certificate.checks(found, name, context)]
    return Report(CHAIN, context.rules, tuple(checks))


def verify_inclusion(
    root: Any, item_hash: Any, proof: Any, form: str, hash: str | None, index: int | None, count: int | None,
    rules: str,
) -> None:  # fmt: skip
    """See the face. A 2.x leaf is made of its position, so `index` is needed under both rules, and no proof fits
    another; `count` is then one more check, which "compatible" leaves out."""
    if type(index) is not int or not 0 <= index < MAX_TRANSACTIONS:
        raise InputError("index", f"{index}", "the item's position in the block")
    if count is not None and (type(count) is not int or not 0 < count <= MAX_TRANSACTIONS):
        raise InputError("count", f"{count}", "the number of items in the block")
    wanted, item = _digest(root, "root"), _digest(item_hash, "item_hash")
    levels = v2_merkle.read_proof(proof, form)
    v2_merkle.verify(hash or "keccak256", wanted, item, levels, index, count if rules == "strict" else None)


def block_height(block: Any, form: str) -> int:
    """See the face."""
    return read_header(block, form).number


def block_digests(block: Any, form: str, hash: str | None) -> dict[str, Any]:
    """See the face: the roots are those of 2.2.0 and later."""
    found, name = read_block(block, form), hash or "keccak256"
    hashes = hash_batch(name, found.transactions.gather())
    listed = found.receipts()
    receipts = None if listed is None else v2_merkle.root(name, hash_batch(name, listed.gather()))
    return {
        "block_hash": found.header.hash(name),
        "tx_root": v2_merkle.root(name, hashes),
        "receipt_root": receipts,
        "tx_hashes": [row.tobytes() for row in hashes],
    }


# ---- parts -----------------------------------------------------------------------------------------------------------


def _digest(value: Any, name: str) -> bytes:
    if isinstance(value, str):
        try:
            value = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise InputError(name, value[:70], "32 bytes or their hexadecimal") from None
    data: bytes = one_bytes(value, name)
    if len(data) != 32:
        raise InputError(name, f"{len(data)} bytes", "32 bytes")
    return data


def _hash_of(header: Header, context: FiscoContext) -> tuple[str, Check]:
    """The chain's hash, and the check of the hash that stands next to the header."""
    name = context.hash or header.told or "keccak256"
    found = header.hash(name)
    if header.stated is None:
        return name, Check("block_hash", None, None, found, "no hash stands next to the header")
    why = "" if context.hash or header.told else "neither keccak256 nor sm3 gives the stated hash"
    return name, Check("block_hash", header.stated == found, header.stated, found, why)


def _validate(block: Any, context: FiscoContext, form: str, threads: int | None) -> tuple[BlockReport, Checked]:
    begun = time.perf_counter()
    opened = read_block(block, form)
    header = opened.header
    name, told = _hash_of(header, context)
    parsed = time.perf_counter()
    looked: list[tuple[int | None, Check]] = []  # how many receipts there are, and their root

    def look_at_receipts() -> None:
        receipts = opened.receipts()
        looked.append((None if receipts is None else len(receipts), _receipt_root(opened, receipts, name, 1)))

    beside = parallel.start_tasks([look_at_receipts], parallel.resolve_threads(threads))
    try:
        checked = check(opened.transactions, name, context.replace(height=header.number), threads)
    except BaseException:
        beside.abandon()
        raise
    faults = _faults(opened, checked)
    verified = time.perf_counter()
    tx_root = _tx_root(opened, checked, name, threads)
    beside.finish()
    receipts, receipt_root = looked[0]
    checks = [*_place(header, context), told, *_counts(receipts, checked, context), _transactions(checked)]
    checks += [tx_root, receipt_root, *v2_certificate.checks(header, name, context, threads)]
    done = time.perf_counter()
    report = BlockReport(
        chain=CHAIN, rules=context.rules, checks=tuple(checks), height=header.number, block_hash=header.hash(name),
        transactions=Verdicts.of_kernel(checked.codes), faults=tuple(faults),
        counts={"transactions": len(checked.codes), "signatures": len(header.signatures)},
        timings={"parse": parsed - begun, "transactions": verified - parsed, "rest": done - verified},
    )  # fmt: skip
    return report, checked


def _faults(opened: Block, checked: Checked) -> list[TransactionFault]:
    """The transactions that are not valid; what an answer says of one that is not so makes it BAD_DIGEST."""
    details = dict(checked.details)
    for i, why in opened.wrong:
        if int(checked.codes[i]) == _VALID:
            checked.codes[i] = int(Verdict.BAD_DIGEST)
            details[i] = why
    return [
        TransactionFault(i, Verdict(int(checked.codes[i])), checked.hashes[i].tobytes().hex(), details.get(i, ""))
        for i in np.flatnonzero(checked.codes != _VALID)[:_SHOWN].tolist()
    ]


def _place(header: Header, context: FiscoContext) -> list[Check]:
    wanted, before = context.height, context.previous_block_hash
    unknown = "context.{} is not known"
    return [
        Check("height", None, header.number, None, unknown.format("height"))
        if wanted is None
        else Check("height", header.number == wanted, header.number, wanted),
        Check("previous_hash", None, header.parent_hash, None, unknown.format("previous_block_hash"))
        if before is None
        else Check("previous_hash", header.parent_hash == before, header.parent_hash, before),
    ]


def _counts(receipts: int | None, checked: Checked, context: FiscoContext) -> list[Check]:
    n = len(checked.codes)
    why = "the answer has no receipts" if receipts is None else ""
    made = [Check("tx_count", None if receipts is None else receipts == n, n, receipts, why)]
    nonces = checked.nonces
    distinct = len(nonces.group()[1]) if n else 0
    known = set(context.recent_nonces or ())
    if known:
        numbers = {str(int.from_bytes(one, "big")) for one in nonces.items()}
        again = len(numbers & known)
    else:
        again = 0
    why = "" if context.recent_nonces is not None else "compared within the block only"
    made.append(Check("nonces", distinct == n and not again, distinct - again, n, why, certainty="read"))
    return made


def _transactions(checked: Checked) -> Check:
    bad = int((checked.codes != _VALID).sum())
    return Check("transactions", not bad, len(checked.codes) - bad, len(checked.codes))


def _tx_root(opened: Block, checked: Checked, hash: str, threads: int | None) -> Check:
    wanted, found = opened.header.tx_root, v2_merkle.root(hash, checked.hashes, threads)
    if found == wanted:
        return Check("tx_root", True, wanted, found)
    if (checked.codes == int(Verdict.MALFORMED_ITEM)).any():  # the older trees cost more than their bytes
        return Check("tx_root", False, wanted, found, "malformed transactions")
    items = opened.transactions.items()
    packed = opened.packed[0] if opened.packed is not None else pack(items)
    return _older("tx_root", wanted, found, hash, packed, items)


def _receipt_root(opened: Block, receipts: Spans | None, hash: str, threads: int | None) -> Check:
    wanted = opened.header.receipt_root
    if receipts is None:
        return Check("receipt_root", None, wanted, None, "the answer has no receipts")
    hashes = hash_batch(hash, receipts.gather(), threads=threads)
    found = v2_merkle.root(hash, hashes, threads)
    if found == wanted:
        return Check("receipt_root", True, wanted, found, certainty="read")
    items = receipts.items()
    return _older("receipt_root", wanted, found, hash, rlp.encode_list(b"".join(items)), items)


def _older(name: str, wanted: bytes, found: bytes, hash: str, whole: bytes, items: list[bytes]) -> Check:
    """The roots of releases before 2.2.0; a list has no second one under which another list could pass."""
    for release, root in (("2.0 and 2.1", hash_one(hash, whole)), ("2.0.0-rc1", _trie(items, hash))):
        if root == wanted:
            return Check(name, True, wanted, root, f"as release {release} makes it", certainty="read")
    return Check(name, False, wanted, found)


def _trie(items: list[bytes], hash: str) -> bytes:
    return PatriciaTrie.of_list(items, hash=hash).root if all(items) else b""
