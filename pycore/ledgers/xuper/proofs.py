"""XuperChain in proof bundles (:mod:`pycore.ledgers.proof`).

A bundle has the header of the statement's block, and those after it that lead to a trusted block where the block is
not above the trusted height. `certificate` is the next block's header, which carries the votes: its id covers the
votes, and its proposer, a validator, signed the id. No vote covers a height: that of the certified block is the view
that the next block's proposer signed. Where one node makes all blocks nothing covers it, so there only the block after
the trusted one can be proven, without a certificate.

Bytes that nothing commits to must be absent: of headers the transactions, merkle_tree, in_trunk, next_hash and blockid,
which is recomputed; the keys of failed_txs, of which the id covers the order alone, are "0", "1" ... with leading
zeros; of transactions txid, which is recomputed, blockid, received_timestamp and modify_block. Everything is encoded as
protobuf writes it, with maps in order.

    header        the block, and nothing else
    transaction   it is in the block: its id leads to merkle_root. Of versions 1 and 2, whose encoding can be read in
                  more than one way, only what cannot be misread is told
    event         a contract put it out, in a transaction of version 3: it is part of what the transaction writes
    state         a transaction of version 3 in the block wrote this value to BUCKET/KEY. That it was the newest value
                  then, or is one now, is not proven: no root over the state exists
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, PycoreError
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.scan import Spans
from pycore.ledgers.xuper import encoding, headers, records, rpc, transactions
from pycore.ledgers.xuper.block import MAX_SIGNS, check_counts
from pycore.ledgers.xuper.columns import open_transactions
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.messages import InternalBlock, Transaction, is_canonical, parse
from pycore.ledgers.xuper.validator import READ, HeaderChecks
from pycore.merkle.inclusion import verify_inclusion
from pycore.merkle.tree import MerkleTree

MAX_HEADERS = 1 << 12
MAX_HEADER_BYTES = 1 << 22
MAX_ITEM_BYTES = 1 << 26
MAX_NODES = 32
CLEAR_VERSION = 3
_NEEDED = ("structure", "block_hash", "proposer", "proposer_signature", "validators", "certificate")
_DELETED = b"\0"


class XuperProofs:
    """How bundles of this chain are checked and made."""

    kinds = ("header", "transaction", "event", "state")
    sources: Mapping[str, str] = {
        "block": "the block of the statement, with its transactions",
        "next_block": "the block after it, with or without its transactions",
        "headers": "the blocks after it up to the trusted one, where the block is not above the trusted height: a list",
        "index": "position of the transaction in the block",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :class:`pycore.ledgers.proof.ProofRules`."""
        return _Work(bundle, trusted).run(advancing=False)

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :class:`pycore.ledgers.proof.ProofRules`. A "header" moves the place to its block. Validators are not
        moved: a block does not say who they are. Where they change by terms the trusted context names them (`terms`);
        a block of a term that it does not name is not certified."""
        return _Work(bundle, trusted).run(advancing=True)

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """See :class:`pycore.ledgers.proof.ProofRules`."""
        block = _block_of(sources, "block")
        chain = [_block_of({"headers": one}, "headers") for one in sources.get("headers", ())]
        item, inclusion = b"", Inclusion()
        if statement.kind != "header":
            txs = [bare_transaction(tx) for tx in block.transactions]
            item = statement.item
            given = sources.get("index", -1)
            index = next((i for i, tx in enumerate(txs) if tx == item), -1) if item else given
            if type(index) is not int or not 0 <= index < len(txs):
                raise InputError("index", repr(index), f"the position of one of {len(txs)} transactions")
            item = txs[index]
            columns = open_transactions(Spans.joined(txs), None)
            tree = MerkleTree(encoding.digests(columns).txid, tree="bitcoin")
            inclusion = Inclusion(index, len(txs), tuple(tree.proof(index)))
        certificate = b""
        if block.height > trusted.height and not is_single(trusted.context, block.cur_term):
            certificate = bare_header(_block_of(sources, "next_block"))
        return Bundle(
            chain=trusted.chain, chain_id=trusted.chain_id, trusted_height=trusted.height,
            trusted_hash=trusted.block_hash, headers=(bare_header(block), *map(bare_header, chain)),
            certificate=certificate, inclusion=inclusion,
            statement=Statement(statement.kind, item, statement.key, statement.event),
        )  # fmt: skip


def is_single(context: Any, term: int) -> bool:
    """Whether one node makes all blocks, which are final without votes."""
    alone = len(context.voters(term)) == 1
    return alone and context.consensus in ("single", "chained-bft")


def bare_header(block: Any) -> bytes:
    """A block without whatever its id does not cover, as bundles have it."""
    made = InternalBlock()
    made.CopyFrom(block)
    made.DiscardUnknownFields()
    for name in ("transactions", "merkle_tree", "in_trunk", "next_hash", "blockid"):
        made.ClearField(name)
    reasons = [block.failed_txs[key] for key in sorted(block.failed_txs, key=str.encode)]
    made.failed_txs.clear()
    for key, reason in zip(_keys(len(reasons)), reasons, strict=True):
        made.failed_txs[key] = reason
    return made.SerializeToString(deterministic=True)


def _keys(count: int) -> list[str]:
    return [f"{place:0{len(str(count))}}" for place in range(count)]


def bare_transaction(tx: Any) -> bytes:
    """A transaction without whatever its id does not cover, and without the id."""
    made = Transaction()
    made.CopyFrom(tx)
    made.DiscardUnknownFields()
    for name in ("txid", "blockid", "received_timestamp", "modify_block"):
        made.ClearField(name)
    return made.SerializeToString(deterministic=True)


def _block_of(sources: Mapping[str, Any], name: str) -> Any:
    source = sources.get(name)
    if source is None:
        raise InputError(name, "nothing", XuperProofs.sources[name])
    if isinstance(source, (Mapping, str)):
        return rpc.block(source, name)
    try:
        return InternalBlock.FromString(bytes(source))
    except (DecodeError, ValueError, TypeError):
        raise InputError(name, type(source).__name__, "the bytes of a XuperChain InternalBlock, or its JSON") from None


class _RefusedError(Exception):
    """A condition that does not hold, after which nothing can be looked at."""


class _Work:
    """One bundle."""

    def __init__(self, bundle: Bundle, trusted: Trusted) -> None:
        self.bundle, self.trusted = bundle, trusted
        self.checks: list[Check] = []
        self.time: float | None = None
        self.block_id = b""
        self.height = 0
        self.behind: tuple[str, ...] = ()
        self.facts: dict[str, Any] = {}
        self._strict: XuperContext | None = None

    def run(self, *, advancing: bool) -> Proven:
        """The answer."""
        advanced = None
        try:
            blocks = self._headers()
            self._trust()
            self._final(blocks)
            self._statement(blocks[0])
            if advancing:
                advanced = self._advanced(blocks[-1])
        except _RefusedError:
            pass
        proven = all(check.ok for check in self.checks)
        return Proven(
            tuple(self.checks), self.height, self.block_id, self.time if proven else None,
            self.behind if proven else (), self.facts if proven else {}, advanced if proven else None,
        )  # fmt: skip

    def require(self, name: str, ok: bool, got: Any = None, wanted: Any = None, detail: str = "", *,
                certainty: str = "") -> None:  # fmt: skip
        """Records a condition; what follows needs it."""
        self.checks.append(Check(name, ok, got, wanted, detail, certainty))
        if not ok:
            raise _RefusedError

    # ---- the block ---------------------------------------------------------------------------------------------------

    def _headers(self) -> list[Any]:
        count = len(self.bundle.headers)
        self.require("headers", 1 <= count <= MAX_HEADERS, f"{count} headers", f"1 to {MAX_HEADERS}")
        blocks = [self._header(data, f"headers[{i}]") for i, data in enumerate(self.bundle.headers)]
        ids = [headers.block_id(block) for block in blocks]
        for i in range(1, count):
            linked = blocks[i].pre_hash == ids[i - 1] and blocks[i].height == blocks[i - 1].height + 1
            self.require("headers_linked", linked, blocks[i].pre_hash, ids[i - 1], f"headers[{i}]")
        self.block_id, self.height = ids[0], blocks[0].height
        self.time = blocks[0].timestamp / 1e9
        self.last_id = ids[-1]
        return blocks

    def _header(self, data: bytes, name: str) -> Any:
        """A header with nothing in it that its id does not cover, but the height and the signature."""
        try:
            if not 0 < len(data) <= MAX_HEADER_BYTES:
                raise InputError(name, f"{len(data)} bytes", f"1 to {MAX_HEADER_BYTES}")
            block = parse(InternalBlock, data, name)
            check_counts(block, name)
        except InputError as error:
            wanted = f"a XuperChain InternalBlock of {MAX_SIGNS} votes at most"
            self.checks.append(Check("header_encoding", False, str(error)[:200], wanted))
            raise _RefusedError from None
        self.require("header_encoding", is_canonical(block, data), f"{name}: {len(data)} bytes",
                     "as protobuf writes them, without unknown fields")  # fmt: skip
        extra = [
            field
            for field in ("transactions", "merkle_tree", "in_trunk", "next_hash", "blockid")
            if getattr(block, field)
        ]
        if sorted(block.failed_txs) != _keys(len(block.failed_txs)):
            extra.append("failed_txs")
        self.require("header_parts", not extra, ", ".join(extra), "", f"{name}: nothing that its id does not cover")
        return block

    def _trust(self) -> None:
        trusted, bundle = self.trusted, self.bundle
        same = (bundle.chain, bundle.chain_id) == (trusted.chain, trusted.chain_id)
        self.require("chain", same, f"{bundle.chain} {bundle.chain_id!r}", f"{trusted.chain} {trusted.chain_id!r}")
        made_for = bundle.trusted_height, bundle.trusted_hash
        wanted = f"{trusted.height} {trusted.block_hash.hex()}"
        self.require("trusted_state", made_for == (trusted.height, trusted.block_hash),
                     f"{made_for[0]} {made_for[1].hex()}", wanted)  # fmt: skip

    def _final(self, blocks: list[Any]) -> None:
        if self.height > self.trusted.height:
            self.require("headers_needed", len(blocks) == 1, f"{len(blocks)} headers", "1: the block has a certificate")
            if is_single(self._context(), blocks[0].cur_term):
                self._by_one(blocks[0])
            else:
                self._certified(blocks[0])
            if self.height == self.trusted.height + 1:
                self.require("previous_hash", blocks[0].pre_hash == self.trusted.block_hash, blocks[0].pre_hash,
                             self.trusted.block_hash)  # fmt: skip
            return
        self.require("certificate_needed", not self.bundle.certificate, f"{len(self.bundle.certificate)} bytes",
                     "none: headers lead to the trusted block")  # fmt: skip
        last = blocks[-1]
        reached = last.height == self.trusted.height and self.last_id == self.trusted.block_hash
        self.require("trusted_block", reached, f"{last.height} {self.last_id.hex()}",
                     f"{self.trusted.height} {self.trusted.block_hash.hex()}")  # fmt: skip
        context = XuperContext(rules="strict", crypto=self._context().crypto)
        for block in blocks:  # the signature is not part of the id: every one of them must hold
            self._signed(block, context)

    def _signed(self, block: Any, context: XuperContext) -> None:
        """The proposer's signature of a header that a hash leads to."""
        if block.height == 0 and not block.pre_hash:
            self.require("proposer_signature", not block.sign, f"{len(block.sign)} bytes", "none of a first block")
            return
        made = self._checked(block, context)
        for check in made.checks:
            if check.name in ("structure", "failed_txs", "proposer", "proposer_signature"):
                self._taken(check, block)

    def _by_one(self, block: Any) -> None:
        """A block of the only validator."""
        self.require("certificate_needed", not self.bundle.certificate, f"{len(self.bundle.certificate)} bytes",
                     "none: the only validator needs no votes")  # fmt: skip
        follows = self.height == self.trusted.height + 1
        self.require("height", follows, self.height, self.trusted.height + 1, "nothing else says the block's height")
        made = self._checked(block, self._context())
        for check in made.checks:
            if check.name in (*_NEEDED, "failed_txs"):
                self._taken(check, block)
        self.behind = made.behind

    def _certified(self, block: Any) -> None:
        following = self._header(self.bundle.certificate, "certificate")
        following.blockid = headers.block_id(following)
        made = self._checked(block, self._context(), following)
        for check in made.checks:
            if check.name in (*_NEEDED, "failed_txs"):
                self._taken(check, block)
        self.behind = made.behind

    def _context(self) -> XuperContext:
        """The trusted one, without a place; bundles are always judged by the strict rules."""
        context = self.trusted.context
        assert isinstance(context, XuperContext)
        if self._strict is None:
            self._strict = context.replace(rules="strict", height=None, previous_block_hash=None, next_block=None)
        return self._strict

    def _checked(self, block: Any, context: XuperContext, following: Any = None) -> HeaderChecks:
        filled = InternalBlock()
        filled.CopyFrom(block)
        filled.blockid = headers.block_id(block)
        made = HeaderChecks(filled, context, following, justified=False)  # which says nothing of this block
        made.place()
        made.signed(1)
        return made

    def _taken(self, check: Check, block: Any) -> None:
        if check.name == "failed_txs":  # here the keys are places
            odd = any("\0" in reason for reason in block.failed_txs.values())
            self.require("failed_txs", not odd, f"{len(block.failed_txs)} failed", None, certainty=READ)
            return
        self.checks.append(check)
        if not check.ok:
            raise _RefusedError

    # ---- the statement -----------------------------------------------------------------------------------------------

    def _statement(self, block: Any) -> None:
        statement, inclusion = self.bundle.statement, self.bundle.inclusion
        if statement.kind == "header":
            bare = statement == Statement("header") and inclusion == Inclusion()
            self.require("statement", bare, "further parts" if not bare else "", "nothing but the block")
            return
        self.require("statement", statement.kind in XuperProofs.kinds and len(statement.item) <= MAX_ITEM_BYTES,
                     statement.kind, ", ".join(XuperProofs.kinds))  # fmt: skip
        tx, txid, sound = self._item(statement.item)
        same = inclusion.count == block.tx_count
        self.require("tx_count", same, inclusion.count, block.tx_count)
        self._included(block, txid)
        self.require("transaction", sound == Verdict.VALID, sound.name, "VALID")
        facts = {"tx_id": txid.hex(), "index": inclusion.index, **_facts(tx)}
        if statement.kind == "transaction":
            self.require("statement_parts", not statement.key and not statement.event, "a key or an event", "neither")
        else:
            clear = tx.version >= CLEAR_VERSION
            self.require("clear_version", clear, tx.version, CLEAR_VERSION, "older ids can be read in two ways")
            facts |= self._written(tx) if statement.kind == "state" else self._event(tx)
        self.facts = facts

    def _item(self, data: bytes) -> tuple[Any, bytes, Verdict]:
        """The transaction, its id, and whether it is sound by itself."""
        columns = open_transactions(Spans.joined([data]), 1)
        self.require("item_encoding", not columns.faulty[0], f"{len(data)} bytes", "a XuperChain Transaction")
        tx = Transaction.FromString(data)
        self.require("item_encoding", is_canonical(tx, data), f"{len(data)} bytes",
                     "as protobuf writes them, without unknown fields")  # fmt: skip
        extra = [name for name in ("txid", "blockid", "received_timestamp") if getattr(tx, name)]
        extra += [name for name in ("modify_block", "xuper_sign") if tx.HasField(name)]
        if tx.HasField("hd_info") and (tx.version < 2 or not tx.hd_info.ByteSize()):
            extra.append("hd_info")
        if tx.version < 1:
            extra.append("version")
        self.require("item_parts", not extra, ", ".join(extra), "", "nothing that its id does not cover")
        if tx.version < CLEAR_VERSION:
            full = all(one.key and one.value for one in tx.tx_outputs_ext)
            detail = "an id of this version does not say it clearly"
            self.require("item_parts", full, "" if full else "a written value of nothing", "", detail)
        made = encoding.digests(columns)
        txid = made.txid[0].tobytes()
        tx.txid = txid
        judged = transactions.judge(columns, self._context(), 1, genesis=False, known=made)
        code = int(judged.codes[0])
        if judged.unjudged:
            code = int(Verdict.UNKNOWN_SIGNER)
        return tx, txid, Verdict(code)

    def _included(self, block: Any, txid: bytes) -> None:
        inclusion = self.bundle.inclusion
        error = ""
        try:
            if len(inclusion.nodes) > MAX_NODES or any(len(node) != 32 for node in inclusion.nodes):
                error = "not at most 32 nodes of 32 bytes"
            else:
                verify_inclusion(block.merkle_root, txid, list(inclusion.nodes), index=inclusion.index,
                                 leaf_count=inclusion.count, tree="bitcoin")  # fmt: skip
        except PycoreError as found:
            error = str(found)
        self.require("inclusion", not error, txid, "a leaf of merkle_root", error)

    def _written(self, tx: Any) -> dict[str, Any]:
        """The last value that the transaction wrote to the key."""
        key = self.bundle.statement.key
        self.require("statement_parts", not self.bundle.statement.event, "an event", "none")
        values = [one for one in tx.tx_outputs_ext if one.bucket.encode() + b"/" + one.key == key]
        wanted = "BUCKET/KEY that the transaction wrote"
        self.require("state_key", bool(values) and values[-1].bucket != records.TRANSIENT, key, wanted)
        names = {(one.bucket, one.key) for one in values}
        self.require("state_key", len(names) == 1, f"{len(names)} buckets and keys", "1")
        value = values[-1].value
        return {"key": _text(key), "value": _text(value), "value_hex": value.hex(), "deleted": value == _DELETED}

    def _event(self, tx: Any) -> dict[str, Any]:
        self.require("statement_parts", not self.bundle.statement.key, "a key", "none")
        events = records.events(tx)
        place = self.bundle.statement.event
        known = events is not None and 0 <= place < len(events)
        shown = "a list that cannot be read" if events is None else f"event {place} of {len(events)}"
        self.require("event", known, shown, "one of the transaction's", certainty=READ)
        assert events is not None
        event = events[place]
        return {"contract": event.contract, "topic": event.name, "data": _text(event.body), "event": place}

    # ---- the trusted state -------------------------------------------------------------------------------------------

    def _advanced(self, block: Any) -> Trusted:
        trusted = self.trusted
        self.require("moves", self.bundle.statement.kind == "header" and self.height > trusted.height, self.height,
                     f"a header above {trusted.height}")  # fmt: skip
        context = trusted.context
        assert isinstance(context, XuperContext)
        if context.terms:
            context = context.replace(previous_term=max(0, block.cur_term))
        return Trusted(trusted.chain, trusted.chain_id, self.height, self.block_id, context)


def _facts(tx: Any) -> dict[str, Any]:
    """The content of the transaction, in words that JSON can hold."""
    found: dict[str, Any] = {
        "version": tx.version,
        "time": tx.timestamp / 1e9,
        "nonce": tx.nonce,
        "calls": [
            {
                "module": call.module_name,
                "contract": call.contract_name,
                "method": call.method_name,
                "parameters": {key: _text(call.args[key]) for key in sorted(call.args)},
            }
            for call in tx.contract_requests
        ],
        "outputs": [
            {"to": _text(one.to_addr), "amount": str(int.from_bytes(one.amount, "big"))} for one in tx.tx_outputs
        ],
    }
    if tx.version >= CLEAR_VERSION:
        found["description"] = _text(tx.desc)
        found["inputs"] = [
            {"from": _text(one.from_addr), "amount": str(int.from_bytes(one.amount, "big"))} for one in tx.tx_inputs
        ]
    if tx.coinbase or tx.autogen:
        found["made_by"] = "the chain"  # whoever it names signed nothing
    else:
        found |= {"sender": tx.initiator, "signers": list(tx.auth_require)}
    return found


def _text(data: bytes) -> str:
    """Text, or "0x" and hexadecimal where the bytes are not text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "0x" + data.hex()
