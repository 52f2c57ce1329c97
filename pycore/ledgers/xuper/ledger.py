"""XuperChain's ledger: the face of the package, see :mod:`pycore.ledgers.xuper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pycore.base.columns import BytesLike, bytes_view, describe, one_bytes
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError, InvalidSignature, LengthError
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.runs import Checkpoint, Step
from pycore.ledgers.scan import Spans
from pycore.ledgers.xuper import encoding, headers, owners, rpc, transactions
from pycore.ledgers.xuper.block import open_block, open_header
from pycore.ledgers.xuper.columns import Columns, open_transactions
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.proofs import XuperProofs
from pycore.ledgers.xuper.run import XuperState
from pycore.ledgers.xuper.validator import CHAIN, HeaderChecks, Validation
from pycore.merkle.inclusion import verify_inclusion

_HASH = "sha256d"
_MAX_DEPTH = 32


class XuperChain(LedgerFace[XuperContext]):
    """The validator; stateless, safe to share between threads."""

    name = CHAIN
    context_type = XuperContext
    proofs = XuperProofs()
    has_events = True

    def validate_block(
        self, block: BytesLike, context: Any = None, *, form: str = "wire", threads: int | None = None,
        events: bool = False,
    ) -> BlockReport:  # fmt: skip
        """Every check that the block and the context allow.

        block     serialised InternalBlock; with form="rpc" the JSON text or mapping that a node or the command line
                  answers
        context   a XuperContext, its JSON form as text, mapping or path; None: only checks that need no context
        threads   of the kernels; None: the library's setting
        events    whether the report has the events of the block's transactions

        InputError when the bytes are not a block. Whatever is wrong inside a block is in the report.
        """
        view = bytes_view(_wire(block, form, rpc.block, "block"), "block")
        return Validation(self.context(context), threads).run(view, events=events)

    def step(self, block: bytes, context: XuperContext, *, threads: int | None, events: bool = False) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`. `previous_term` follows the blocks; validators that
        are elected are not followed, since no part of a block says who they are: `terms` names them."""
        report = Validation(context, threads).run(np.frombuffer(block, np.uint8), events=events)
        moved = context.replace(next_block=None)
        if context.terms:
            moved = moved.replace(previous_term=max(0, open_header(block, "block").cur_term))
        return Step(report, moved)

    def chain_state(
        self, context: Any = None, *, checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> XuperState:  # fmt: skip
        """The state that :meth:`validate_chain` keeps, for callers that get blocks a few at a time. Each block is
        certified by the one after it: the certificate of the last block is skipped."""
        return XuperState(self, context, checkpoint, threads=threads)

    def validate_transactions(
        self, items: Sequence[Any], context: Any = None, *, form: str = "wire", threads: int | None = None
    ) -> Verdicts:
        """Verdicts of serialised transactions that are in no block yet: their ids, every signature, access lists, and
        whose outputs they spend. One that needs an access list that the context does not have is UNKNOWN_SIGNER; bytes
        that are no transaction are MALFORMED_ITEM."""
        data = [_wire(item, form, rpc.transaction, "transactions") for item in items]
        columns = open_transactions(Spans.joined([one_bytes(item, "transactions") for item in data]), threads)
        found = transactions.judge(columns, self.context(context), threads, genesis=None)
        owners.settle(found)
        return Verdicts(found.codes)

    def transaction_hash(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The id of a transaction, 32 bytes, recomputed. hash: None or "sha256d", which every such chain has."""
        _check_hash(hash)
        found: bytes = encoding.digests(_one(tx, form)).txid[0].tobytes()
        return found

    def transaction_digest(self, tx: Any, *, form: str = "wire") -> bytes:
        """The 32 bytes that the signatures of a transaction are over."""
        found: bytes = encoding.digests(_one(tx, form)).signed[0].tobytes()
        return found

    def transaction_sender(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> str:
        """The initiator, an address. Raises InvalidSignature where the transaction is not valid by itself, as is also
        said of one by an account: nothing says here who may act for it (UNKNOWN_SIGNER)."""
        _check_hash(hash)
        columns = _one(tx, form)
        found = transactions.judge(columns, XuperContext(), 1, genesis=None)
        owners.settle(found)
        if not Verdicts(found.codes).all_valid:
            raise InvalidSignature(Verdict(int(found.codes[0])))
        return columns.span("initiator")[0].decode()

    def header_hash(self, header: Any, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The id of a block, 32 bytes, recomputed from the block with or without its transactions."""
        _check_hash(hash)
        return headers.block_id(_header(header, form))

    def verify_certificate(self, header: Any, context: Any = None, *, form: str = "wire") -> Report:
        """The checks of a header, with or without its transactions: its id, its proposer's signature, the certificate
        that it carries of the block before (`justify`), and its own (`certificate`), which is in the context's
        `next_block`."""
        known = self.context(context)
        top = HeaderChecks(_header(header, form), known)
        top.place()
        top.signed(None)
        return Report(CHAIN, known.rules, tuple(top.checks))

    def verify_inclusion(
        self, root: BytesLike, item_hash: BytesLike, proof: Any, *, form: str = "rpc", **position: int
    ) -> None:
        """Checks that a transaction is in a block.

        root        merkle_root of the block         item_hash   txid
        proof       the siblings from the leaf up: 32 bytes each, or in hexadecimal; or an object with `path` and
                    `index`, as contracts that follow a chain get it
        index       the transaction's position       leaf_count  tx_count of the block

        Returns None, or raises ProofError. The number of leaves must come from a header that is trusted.
        """
        if form not in ("rpc", "wire"):
            raise InputError("form", describe(form), "'rpc' or 'wire'")
        path = proof
        if isinstance(proof, Mapping):
            path = proof.get("path")
            given = proof.get("index")
            if position.setdefault("index", given) != given:  # type: ignore[arg-type]
                raise InputError("index", describe(position["index"]), "that of the proof")
        if position.keys() != {"index", "leaf_count"}:
            raise InputError("position", ", ".join(sorted(position)) or "nothing", "index, leaf_count")
        nodes = [_node(one, f"proof[{i}]") for i, one in enumerate(_path(path))]
        sizes = (one_bytes(root, "root"), one_bytes(item_hash, "item_hash"))
        for name, value in zip(("root", "item_hash"), sizes, strict=True):
            if len(value) != 32:
                raise LengthError(name, f"{len(value)} bytes", "32 bytes")
        index, count = position["index"], position["leaf_count"]
        verify_inclusion(*sizes, nodes, index=index, leaf_count=count, tree="bitcoin")

    def block_height(self, block: BytesLike) -> int:
        """The height that a block says it has; nothing is checked."""
        return int(open_block(bytes_view(block, "block")).header.height)

    def block_digests(self, block: BytesLike, hash: str = _HASH) -> dict[str, Any]:
        """The block's hashes, recomputed from its content: {"block_hash", "tx_root"}: bytes (the root is b"" without
        transactions), and "tx_hashes": list of bytes."""
        _check_hash(hash)
        opened = open_block(bytes_view(block, "block"))
        txids = encoding.digests(open_transactions(opened.txs, None), None).txid
        root = headers.tree_levels(txids)[-1][0].tobytes() if len(txids) else b""
        rows = [row.tobytes() for row in txids]
        return {"block_hash": headers.block_id(opened.header), "tx_root": root, "tx_hashes": rows}


def _check_hash(hash: str | None) -> None:
    if hash not in (None, _HASH):
        raise InputError("hash", describe(hash), f"{_HASH!r}, the only one of this chain")


def _wire(item: Any, form: str, read: Any, field: str) -> Any:
    """The bytes of what came in one of the forms."""
    if form == "wire":
        return item
    if form == "rpc":
        return read(item, field).SerializeToString()
    raise InputError("form", describe(form), "'wire' or 'rpc'")


def _one(tx: Any, form: str) -> Columns:
    data = one_bytes(_wire(tx, form, rpc.transaction, "tx"), "tx")
    columns = open_transactions(Spans.joined([data]), 1)
    if columns.faulty[0]:
        raise InputError("tx", f"{len(data)} bytes that do not parse", "a XuperChain Transaction")
    return columns


def _header(header: Any, form: str) -> Any:
    return open_header(one_bytes(_wire(header, form, rpc.block, "header"), "header"))


def _path(path: Any) -> Sequence[Any]:
    if isinstance(path, (str, bytes)) or not isinstance(path, Sequence):
        raise InputError("proof", describe(path), "a sequence of nodes, or an object with `path` and `index`")
    if len(path) > _MAX_DEPTH:
        raise InputError("proof", f"{len(path)} nodes", f"at most {_MAX_DEPTH}")
    return path


def _node(value: Any, field: str) -> bytes:
    node = rpc.unhex(value, field) if isinstance(value, str) else one_bytes(value, field)
    if len(node) != 32:
        raise LengthError(field, f"{len(node)} bytes", "32 bytes")
    return node


LEDGER = XuperChain()
"""What :func:`pycore.ledgers.get` answers with."""
