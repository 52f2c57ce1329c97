"""Records of FISCO BCOS 2.x: transactions, headers and blocks as RLP, from wire bytes or a node's JSON-RPC.

The formats of release 2.11.0, as read in public copies of the code (libethcore: Transaction, BlockHeader, Block,
TxsParallelParser). Transactions, headers and signatures are confirmed by published data, the block around them is not.

    transaction   rlp[nonce gasPrice gasLimit blockLimit to value data chainId groupId extraData  v r s]
                  secp256k1: v = 27 or 28; SM2: the 64 bytes of the public key in place of v
    header        rlp[parentHash stateRoot transactionsRoot receiptsRoot dbHash logsBloom number gasLimit gasUsed
                  timestamp extraData[] sealer sealerList[]]
    block         rlp[header, transactions, hash, [[index, signature] ...], [receipt ...]]
    transactions  a string: uint32 count, count + 1 uint32 offsets, all little-endian, and the transactions' RLP
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import rlp
from pycore.base.columns import one_bytes
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.rlp_columns import END, ITEM, LIST, START, Fields, Items
from pycore.ledgers.rpc_json import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNED, ITEMS = 10, 13
HEADER_ITEMS, BLOCK_ITEMS = 13, 5
MAX_TRANSACTIONS = 1 << 20
SMALLEST = 32
"""Bytes of a transaction: with a signature it has more, and a row of columns takes five hundred."""
MAX_LISTED = 1 << 12
"""Sealers, signatures or pieces of extra data of one header."""
_PIECE = 1024  # receipts whose columns are made at a time: they stay in the cache
_MOST = 4 * MAX_LISTED  # items of a header or of a list of signatures, those inside lists counted
NO_ADDRESS = bytes(20)
_PARTS = "header, transactions, hash, signatures, receipts"


@dataclass(frozen=True)
class Header:
    """A header.

    Attributes:
        raw: its RLP, which is what is hashed.
        parent_hash, tx_root, receipt_root: 32 bytes each.
        number, timestamp: the latter in milliseconds.
        sealers: node ids, 64 bytes each.
        signatures: (index of the sealer, signature) of each vote; they are not in `raw`.
        stated: the hash that stands next to it, or None.
    """

    raw: bytes
    parent_hash: bytes
    tx_root: bytes
    receipt_root: bytes
    number: int
    timestamp: int
    sealer: int
    sealers: tuple[bytes, ...]
    signatures: tuple[tuple[int, bytes], ...] = ()
    stated: bytes | None = None

    def hash(self, name: str) -> bytes:
        """The block's hash under "keccak256" or "sm3"."""
        return hash_one(name, self.raw)

    @cached_property
    def told(self) -> str | None:
        """The hash under which the stated hash is right, None where there is no such."""
        return next((name for name in ("keccak256", "sm3") if self.hash(name) == self.stated), None)


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        header: with its signatures and the stated hash.
        transactions: their RLP, one piece each.
        packed: all of them as a block holds them, one piece; None for an answer of RPC, which does not have it.
        listed: the content of the list of receipts, one piece, not read yet; None where the block came without.
        wrong: of a block from RPC: what a transaction says of itself that is not so, by its index.
    """

    header: Header
    transactions: Spans
    packed: Spans | None = None
    listed: Spans | None = None
    wrong: tuple[tuple[int, str], ...] = ()

    def receipts(self) -> Spans | None:
        """RLP of each receipt, one piece each; None where the block came without. InputError named `block.receipts`
        where they are not what receipts are."""
        return None if self.listed is None else _receipts(self.listed)


# ---- headers ---------------------------------------------------------------------------------------------------------


def read_header(header: Any, form: str) -> Header:
    """A header by itself, or that of a block with its signatures. InputError where it is neither."""
    if form == "rpc":
        return _rpc_header(Answer.of(header, "header"))
    data = one_bytes(header, "header")
    if Fields.of(_one(data), BLOCK_ITEMS).sound[0]:
        return read_block(data, form).header
    return _header(rlp.decode_list(data, max_depth=2, max_items=_MOST, name="header"), data, "header")


def _header(items: list[rlp.Item], raw: bytes, name: str) -> Header:
    rlp.items(items, HEADER_ITEMS, name)
    hashes = [rlp.octets(items[i], 32, f"{name}[{i}]") for i in range(5)]
    rlp.octets(items[5], 256, f"{name}[5]")
    number, _, _, timestamp = (
        rlp.number(items[i], size, f"{name}[{i}]") for i, size in zip(range(6, 10), (8, 32, 32, 8), strict=True)
    )
    extra, sealers = (rlp.items(items[i], None, f"{name}[{i}]") for i in (10, 12))
    if max(len(extra), len(sealers)) > MAX_LISTED:
        raise InputError(name, f"{len(extra)} pieces of extra data, {len(sealers)} sealers", f"at most {MAX_LISTED}")
    for i, one in enumerate(extra):
        rlp.octets(one, None, f"{name}[10][{i}]")
    ids = tuple(rlp.octets(one, 64, f"{name}[12][{i}]") for i, one in enumerate(sealers))
    sealer = rlp.number(items[11], 32, f"{name}[11]")
    return Header(raw, hashes[0], hashes[2], hashes[3], number, timestamp, sealer, ids)


def _signatures(listed: rlp.Item, name: str) -> tuple[tuple[int, bytes], ...]:
    votes = rlp.items(listed, None, name)
    if len(votes) > MAX_LISTED:
        raise InputError(name, f"{len(votes)} signatures", f"at most {MAX_LISTED}")
    found = []
    for i, vote in enumerate(votes):
        index, signature = rlp.items(vote, 2, f"{name}[{i}]")
        found.append((rlp.number(index, 32, f"{name}[{i}][0]"), rlp.octets(signature, None, f"{name}[{i}][1]")))
    return tuple(found)


def _with(header: Header, signatures: tuple[tuple[int, bytes], ...], stated: bytes | None) -> Header:
    return Header(
        header.raw, header.parent_hash, header.tx_root, header.receipt_root, header.number, header.timestamp,
        header.sealer, header.sealers, signatures, stated,
    )  # fmt: skip


def _rpc_header(answer: Answer) -> Header:
    names = ("parentHash", "stateRoot", "transactionsRoot", "receiptsRoot", "dbHash")
    items: list[Any] = [answer.octets(name, 32) for name in names]
    items.append(answer.octets("logsBloom", 256))
    items += [answer.number(name, size) for name, size in (("number", 8), ("gasLimit", 32), ("gasUsed", 32))]
    items.append(answer.number("timestamp", 8))
    items.append(answer.octet_list("extraData"))
    items.append(answer.number("sealer", 32))
    items.append(answer.octet_list("sealerList", 64))
    raw = rlp.encode(items)
    made = _header(rlp.decode_list(raw, name=answer.name), raw, answer.name)
    votes: tuple[tuple[int, bytes], ...] = ()
    if answer.has("signatureList"):
        votes = tuple((one.number("index", 32), one.octets("signature")) for one in answer.objects("signatureList"))
        if len(votes) > MAX_LISTED:
            raise InputError(f"{answer.name}.signatureList", f"{len(votes)} signatures", f"at most {MAX_LISTED}")
    stated = next((answer.octets(name, 32) for name in ("hash", "blockHash") if answer.has(name)), None)
    return _with(made, votes, stated)


# ---- transactions ----------------------------------------------------------------------------------------------------


def read_transaction(tx: Any, form: str, name: str = "transaction") -> tuple[bytes, bytes | None]:
    """The RLP of a transaction, and the hash that it states (RPC only). It is not parsed here."""
    if form == "wire":
        return one_bytes(tx, name), None
    return _rpc_transaction(Answer.of(tx, name))


def _rpc_transaction(answer: Answer) -> tuple[bytes, bytes | None]:
    """From `getTransactionByHash` of 2.5.0 and later, whose answers have the signature.

    RPC shows a contract's creation with 20 zero bytes as its `to`, and so would it show a call of the address zero:
    the stated hash tells which it was.
    """
    signature = answer.object("signature")
    v = signature.raw("v")
    if isinstance(v, str) and len(v.removeprefix("0x")) == 128:
        mark: bytes | int = signature.octets("v", 64)
    else:
        mark = signature.number("v", 1)
        mark += 27 if mark < 27 else 0
    to = answer.optional_octets("to", 20)
    stated = answer.octets("hash", 32) if answer.has("hash") else None
    made = b""
    for target in (b"", to) if to == NO_ADDRESS else (to,):
        items = [answer.number(name, 32) for name in ("nonce", "gasPrice", "gas", "blockLimit")]
        rest = [target, answer.number("value", 32), answer.octets("input"), answer.number("chainId", 32)]
        last = [answer.number("groupId", 32), answer.optional_octets("extraData")]
        made = rlp.encode([*items, *rest, *last, mark, signature.number("r", 32), signature.number("s", 32)])
        if stated in (hash_one("keccak256", made), hash_one("sm3", made)):
            break
    return made, stated


def pack(transactions: Iterable[bytes]) -> bytes:
    """Transactions as a block holds them."""
    items = list(transactions)
    if not items:
        return b""
    offsets = np.zeros(len(items) + 2, "<u4")
    offsets[0] = len(items)
    offsets[2:] = np.cumsum([len(one) for one in items])
    return offsets.tobytes() + b"".join(items)


def unpack(packed: Spans) -> Spans:
    """Where each transaction of one packed piece stands. InputError for anything that :func:`pack` would not write."""
    data, first, size = packed.data, int(packed.start[0]), int(packed.lengths[0])
    none = np.zeros(0, np.int64)
    if not size:
        return Spans.of(data, none, none)
    head = data[first : first + 4].tobytes()
    count = int.from_bytes(head, "little")
    begin = 4 * (count + 2)
    if not 0 < count <= MAX_TRANSACTIONS or begin + count * SMALLEST > size:
        got = f"a count of {count} in {size} bytes"
        raise InputError("block.transactions", got, f"1 to {MAX_TRANSACTIONS} transactions with their offsets")
    table = data[first + 4 : first + begin].tobytes()
    offsets = np.frombuffer(table, "<u4").astype(np.int64) + begin
    if offsets[0] != begin or offsets[-1] != size or (np.diff(offsets) <= 0).any():
        raise InputError("block.transactions", "offsets that leave gaps or go back", "ascending from 0 to the end")
    return Spans.of(data, first + offsets[:-1], first + offsets[1:])


# ---- blocks ----------------------------------------------------------------------------------------------------------


def read_block(block: Any, form: str) -> Block:
    """A block of either form, its receipts unread. InputError where it is not one."""
    if form == "rpc":
        return _rpc_block(Answer.of(block, "block"))
    data = one_bytes(block, "block")
    parts = Fields.of(_one(data), BLOCK_ITEMS)
    if not parts.sound[0] or not all(parts.is_list(i)[0] == wanted for i, wanted in enumerate((1, 0, 0, 1, 1))):
        raise InputError("block", f"{len(data)} bytes", f"canonical RLP of {BLOCK_ITEMS} items: {_PARTS}")
    head, stated, listed = (data[parts.cells[0, i, ITEM] : parts.cells[0, i, END]] for i in (0, 2, 3))
    inside = rlp.decode_list(head, max_depth=2, max_items=_MOST, name="block.header")
    listed_votes = rlp.decode(listed, max_depth=2, max_items=_MOST, name="block.signatures")
    votes = _signatures(listed_votes, "block.signatures")
    header = _with(_header(inside, head, "block.header"), votes, rlp.octets(rlp.decode(stated), 32, "block.hash"))
    packed = parts.column(1)
    return Block(header, unpack(packed), packed, parts.column(4))


def _one(data: bytes) -> Spans:
    """One piece that is all of the bytes, in place."""
    return Spans(np.frombuffer(data, np.uint8), np.array([[0, len(data)]], np.int64))


def _receipts(content: Spans) -> Spans:
    """Each receipt with its header: [root gasUsed contract bloom status output (remainGas from 2.8.0) logs]."""
    items = Items.of(content, most=MAX_TRANSACTIONS, smallest=300)
    spans, n = items.spans, len(items.cells)
    sound = not items.faults.any() and bool(items.lists.all())
    if not (sound and all(_are_receipts(spans.part(i, min(i + _PIECE, n))) for i in range(0, n, _PIECE))):
        raise InputError("block.receipts", "a receipt that is not canonical", "receipts of 7 or 8 items")
    return items.whole


def _are_receipts(lists: Spans) -> bool:
    parts = Fields.inside(lists, 8, fewest=7)
    if not parts.sound.all():
        return False
    logs_at = np.where(parts.cells[:, 7, END] > 0, 7, 6)
    logs = parts.cells[np.arange(len(parts)), logs_at]
    return (
        _receipt_parts(parts, logs_at == 7)
        and bool((logs[:, LIST] == 1).all())
        and _logs(Spans(lists.data, logs, START))
    )


def _receipt_parts(parts: Fields, eight: NDArray[np.bool_]) -> bool:
    checks = [parts.is_bytes(i, size) for i, size in ((0, 32), (2, 20), (3, 256))]
    checks += [parts.is_number(1, 32), parts.is_number(4, 32), parts.is_string(5), ~eight | parts.is_number(6, 32)]
    return all(bool(one.all()) for one in checks)


def _logs(lists: Spans) -> bool:
    """Lists of [address, [topic ...], data]."""
    logs = Items.of(lists, most=MAX_LISTED, smallest=24)
    if logs.faults.any() or not logs.lists.all():
        return False
    parts = Fields.inside(logs.spans, 3)
    if not (parts.sound.all() and parts.is_bytes(0, 20).all() and parts.is_list(1).all() and parts.is_string(2).all()):
        return False
    topics = Items.of(parts.column(1), most=4, smallest=33)
    return not topics.faults.any() and not topics.lists.any() and bool((topics.spans.lengths == 32).all())


def _rpc_block(answer: Answer) -> Block:
    header = _rpc_header(answer)
    records, wrong = [], []
    for i, one in enumerate(answer.objects("transactions")):
        record, stated = _rpc_transaction(one)
        records.append(record)
        name = "sm3" if is_sm2(record) else "keccak256"
        if stated is not None and stated != hash_one(name, record):
            wrong.append((i, f"states the hash {stated.hex()}, and has another"))
    return Block(header, Spans.joined(records), wrong=tuple(wrong))


def is_sm2(record: bytes) -> bool:
    """Whether a transaction has a public key in place of v. False for bytes that are no transaction."""
    try:
        items = rlp.decode_list(record, max_depth=1, max_items=2 * ITEMS)
    except InputError:
        return False
    return len(items) == ITEMS and len(items[SIGNED]) == 64
