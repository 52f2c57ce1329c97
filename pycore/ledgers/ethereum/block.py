"""The validation of one block: see the package's list of checks."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pycore.base import parallel, rlp
from pycore.base.report import BlockReport, Check, Event, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ethereum.context import EthereumContext
from pycore.ledgers.ethereum.headers import Header
from pycore.ledgers.ethereum.records import Block, Receipt, parse_receipt, read_block
from pycore.ledgers.ethereum.transactions import VALID, Checked, read, recover_all
from pycore.merkle.patricia_tree import PatriciaTrie

CHAIN = "ethereum"
NO_CERTIFICATE = (
    "an execution block carries no certificate: it is final by hash links from a block that is trusted; "
    "give context.block_hash"
)
_SHOWN = 1000
"""Transactions of a block whose faults are told."""


def validate(block: Any, context: EthereumContext, form: str, threads: int | None, events: bool) -> BlockReport:
    """The report of a block."""
    begun = time.perf_counter()
    opened = read_block(block, form)
    header = opened.header
    parsed = time.perf_counter()
    checked, signed = read(opened.transactions, context.chain_id, threads)
    tx_root: list[Check] = []  # made by one thread, while the others recover keys
    beside = parallel.start_tasks(
        [lambda: tx_root.append(_tx_root(opened, checked))], parallel.resolve_threads(threads)
    )
    try:
        recover_all(checked, signed, low_s=context.strict, threads=threads)
    except BaseException:
        beside.abandon()
        raise
    beside.finish()
    faults = _faults(opened, checked)
    verified = time.perf_counter()
    bad = int((checked.codes != VALID).sum())
    checks = [*_place(header, context), *_hashes(header, context)]
    checks.append(Check("transactions", not bad, len(checked.codes) - bad, len(checked.codes)))
    checks += [_chain_id(context), *tx_root, _ommers(opened), *_withdrawals(opened)]
    receipt_root, receipts = _receipts(opened, context)
    checks.append(receipt_root)
    done = time.perf_counter()
    return BlockReport(
        chain=CHAIN, rules=context.rules, checks=tuple(checks), height=header.number, block_hash=header.hash,
        transactions=Verdicts.of_kernel(checked.codes), faults=tuple(faults),
        counts={"transactions": len(checked.codes), "receipts": len(receipts)},
        timings={"parse": parsed - begun, "transactions": verified - parsed, "rest": done - verified},
        events=_events(receipts, checked) if events else None,
    )  # fmt: skip


def _faults(opened: Block, checked: Checked) -> list[TransactionFault]:
    details = dict(checked.details)
    for i, why in opened.wrong:
        if int(checked.codes[i]) == VALID:
            checked.codes[i] = int(Verdict.BAD_DIGEST)
            details[i] = why
    return [
        TransactionFault(i, Verdict(int(checked.codes[i])), checked.hashes[i].tobytes().hex(), details.get(i, ""))
        for i in np.flatnonzero(checked.codes != VALID)[:_SHOWN].tolist()
    ]


def _compared(name: str, got: Any, wanted: Any, field: str) -> Check:
    if wanted is None:
        return Check(name, None, got, None, f"context.{field} is not known")
    return Check(name, got == wanted, got, wanted)


def _place(header: Header, context: EthereumContext) -> list[Check]:
    return [
        _compared("height", header.number, context.height, "height"),
        _compared("previous_hash", header.parent_hash, context.previous_block_hash, "previous_block_hash"),
    ]


def _hashes(header: Header, context: EthereumContext) -> list[Check]:
    """`block_hash`: the stated one, of an answer. `trusted_block`: the one that is known from elsewhere."""
    made = []
    if header.stated is not None:
        made.append(Check("block_hash", header.stated == header.hash, header.stated, header.hash))
    known = context.block_hash
    if known is None:
        return [*made, Check("trusted_block", None, header.hash, None, NO_CERTIFICATE)]
    return [*made, Check("trusted_block", header.hash == known, header.hash, known)]


def _chain_id(context: EthereumContext) -> Check:
    if context.chain_id is None:
        return Check("chain_id", None, detail="context.chain_id is not known")
    return Check("chain_id", True, context.chain_id, context.chain_id, "of every transaction that names one")


def _tx_root(opened: Block, checked: Checked) -> Check:
    malformed = int((checked.codes == int(Verdict.MALFORMED_ITEM)).sum())
    if malformed:  # a trie costs more than the bytes of such transactions
        return Check("tx_root", None, opened.header.tx_root, None, f"{malformed} transactions are malformed")
    records = opened.transactions.items()
    found = PatriciaTrie.of_list(records).root
    return Check("tx_root", found == opened.header.tx_root, opened.header.tx_root, found)


def _ommers(opened: Block) -> Check:
    wanted = opened.header.ommers_hash
    if opened.ommers is None:
        return Check("ommers_hash", None, wanted, None, "the answer has only the ommers' hashes")
    found = hash_one("keccak256", opened.ommers)
    return Check("ommers_hash", found == wanted, wanted, found)


def _withdrawals(opened: Block) -> list[Check]:
    """Both the list and the root are there, or neither."""
    wanted, listed = opened.header.withdrawals_root, opened.withdrawals
    if wanted is None and listed is None:
        return []
    if listed is None or wanted is None:
        why = "a root without the list" if listed is None else "a list without its root"
        return [Check("withdrawals_root", False, wanted, None, why)]
    found = PatriciaTrie.of_list(listed).root
    return [Check("withdrawals_root", found == wanted, wanted, found)]


def _receipts(opened: Block, context: EthereumContext) -> tuple[Check, list[Receipt]]:
    wanted = opened.header.receipt_root
    if context.receipts is None:
        return Check("receipt_root", None, wanted, None, "context.receipts are not known"), []
    records = list(context.receipts)
    if len(records) != len(opened.transactions):
        why = f"{len(records)} receipts for {len(opened.transactions)} transactions"
        return Check("receipt_root", False, wanted, None, why), []
    try:
        parsed = [parse_receipt(one, f"context.receipts[{i}]") for i, one in enumerate(records)]
    except InputError as error:
        return Check("receipt_root", False, wanted, None, str(error)), []
    found = PatriciaTrie.of_list(records).root
    right = found == wanted
    return Check("receipt_root", right, wanted, found), parsed if right else []


def _events(receipts: list[Receipt], checked: Checked) -> tuple[Event, ...]:
    """The logs of receipts whose root is right; without receipts there are no events to tell."""
    return tuple(
        Event(
            i, "0x" + checked.hashes[i].tobytes().hex(), "0x" + address.hex(),
            "0x" + topics[0].hex() if topics else "", (*("0x" + one.hex() for one in topics[1:]), "0x" + data.hex()),
        )
        for i, receipt in enumerate(receipts)
        for address, topics, data in receipt.logs
    )  # fmt: skip


def digests(opened: Block) -> dict[str, Any]:
    """A block's hashes, recomputed from its content."""
    records = opened.transactions.items()
    listed = opened.withdrawals
    return {
        "block_hash": opened.header.hash,
        "tx_root": PatriciaTrie.of_list(records).root,
        "withdrawals_root": None if listed is None else PatriciaTrie.of_list(listed).root,
        "ommers_hash": None if opened.ommers is None else hash_one("keccak256", opened.ommers),
        "tx_hashes": [hash_one("keccak256", one) for one in records],
    }


def encode_block(header: bytes, records: list[bytes], ommers: list[bytes], withdrawals: list[bytes] | None) -> bytes:
    """A block from its parts, each in its own encoding."""
    listed = b"".join(one if one[0] >= 0xC0 else rlp.encode_bytes(one) for one in records)
    parts = [header, rlp.encode_list(listed), rlp.encode_list(b"".join(ommers))]
    if withdrawals is not None:
        parts.append(rlp.encode_list(b"".join(withdrawals)))
    return rlp.encode_list(b"".join(parts))
