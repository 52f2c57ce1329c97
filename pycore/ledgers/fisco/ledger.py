"""FISCO BCOS's ledger: the face of the package, see :mod:`pycore.ledgers.fisco`.

The two generations of the chain share names and nothing else, so every call goes to one of two modules that have the
same functions: :mod:`~pycore.ledgers.fisco.v3` and :mod:`~pycore.ledgers.fisco.v2`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, TypeAlias

from pycore.base.columns import BytesLike, one_bytes
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.fisco.context import FiscoContext, check_generation, check_hash
from pycore.ledgers.runs import Step

FORMS = ("wire", "rpc")
Record: TypeAlias = "BytesLike | str | Mapping[str, Any]"
"""A record in either form: "wire", the bytes; "rpc", the dict or JSON text of a node's answer."""


def _of(generation: Any) -> Any:
    """The module of a generation; a call loads only the one that it needs."""
    return import_module(f"pycore.ledgers.fisco.v{check_generation(generation)}")


def _form(form: str, more: Sequence[str] = ()) -> str:
    if form not in (*FORMS, *more):
        raise InputError("form", got=repr(form)[:40], wanted="one of " + ", ".join(map(repr, (*FORMS, *more))))
    return form


class Fisco(LedgerFace[FiscoContext]):
    """The validator of both generations; stateless, safe to share between threads."""

    name = "fisco-bcos"
    context_type = FiscoContext
    has_events = True

    def validate_block(
        self, block: Record, context: Any = None, *, threads: int | None = None, form: str = "auto",
        events: bool = False,
    ) -> BlockReport:  # fmt: skip
        """Every check that the block and the context allow.

        Args:
            block: serialised (3.x: Tars; 2.x: RLP), or what `getBlockByNumber` answers, as a dict or JSON text.
            context: a :class:`FiscoContext`, its JSON form as text, mapping or path; None: only checks that need none.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.
            form: "auto" | "wire" | "rpc"; "auto" takes text, mappings, and bytes that begin with "{" as JSON.
            events: also fill `events` of the report.

        Raises:
            InputError: what is given is no block. Whatever is wrong inside a block is in the report.
        """
        known = self.context(context)
        form = _told(block) if _form(form, ("auto",)) == "auto" else form
        report: BlockReport = _of(known.generation).validate_block(block, known, form, threads, events)
        return report

    def step(self, block: bytes, context: FiscoContext, *, threads: int | None, events: bool = False) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`. `events` as for :meth:`validate_block`."""
        step: Step = _of(context.generation).step(block, context, _told(block), threads, events)
        return step

    def validate_transactions(
        self, transactions: Sequence[Record], context: Any = None, *, threads: int | None = None, form: str = "wire"
    ) -> Verdicts:
        """Verdicts of transactions that are not in a block yet.

        A gap in the context is not held against a transaction, and there is no report to say so: give chain_id,
        group_id and hash, and the height of the block that they are meant for.
        """
        known = self.context(context)
        found: Verdicts = _of(known.generation).validate_transactions(transactions, known, _form(form), threads)
        return found

    def transaction_hash(
        self, tx: Record, *, form: str = "wire", hash: str | None = None, generation: int = 3
    ) -> bytes:
        """The hash of a transaction, 32 bytes. hash None: the one under which the stated hash is right, else
        InputError."""
        found: bytes = _of(generation).transaction_hash(tx, _form(form), check_hash(hash))
        return found

    def transaction_sender(
        self, tx: Record, *, form: str = "wire", hash: str | None = None, generation: int = 3
    ) -> str:
        """The sender, "0x" and 40 hexadecimal digits, from the signature. InvalidSignature where that does not
        hold."""
        found: str = _of(generation).transaction_sender(tx, _form(form), check_hash(hash))
        return found

    def header_hash(self, header: Record, *, form: str = "wire", hash: str | None = None, generation: int = 3) -> bytes:
        """The hash of a header, 32 bytes; `hash` as for :meth:`transaction_hash`."""
        found: bytes = _of(generation).header_hash(header, _form(form), check_hash(hash))
        return found

    def verify_certificate(self, header: Record, context: Any, *, form: str = "wire") -> Report:
        """The header's hash, its list of sealers, every signature of its certificate, and their quorum."""
        known = self.context(context)
        found: Report = _of(known.generation).verify_certificate(header, known, _form(form))
        return found

    def verify_inclusion(
        self,
        root: BytesLike | str,
        item_hash: BytesLike | str,
        proof: Any,
        *,
        form: str = "rpc",
        hash: str = "keccak256",
        generation: int = 3,
        index: int | None = None,
        count: int | None = None,
        rules: str = "strict",
    ) -> None:
        """Checks that a transaction or receipt is below a root of a header; returns None, or raises.

        Args:
            root, item_hash: 32 bytes each, or their hexadecimal.
            proof: "rpc": what the node answers; "wire": the nodes as bytes.
            form: "rpc" | "wire".
            hash: the chain's.
            generation: 3 or 2.
            index, count: position of the item, and items of the block; "strict" needs both.
            rules: "strict" | "compatible".

        Raises:
            ProofError: the proof does not lead to the root, or not from that position.
            InputError: a malformed call.
        """
        known = check_hash(hash)
        _of(generation).verify_inclusion(root, item_hash, proof, _form(form), known, index, count, rules)

    def block_height(self, block: Record, *, form: str = "auto", generation: int = 3) -> int:
        """The height that a block says it has; nothing is checked. InputError when it is not a block."""
        form = _told(block) if _form(form, ("auto",)) == "auto" else form
        height: int = _of(generation).block_height(block, form)
        return height

    def block_digests(
        self, block: Record, hash: str = "keccak256", *, form: str = "auto", generation: int = 3
    ) -> dict[str, Any]:
        """The block's hashes, recomputed from its content: "block_hash", "tx_root", "receipt_root", "tx_hashes"."""
        form = _told(block) if _form(form, ("auto",)) == "auto" else form
        found: dict[str, Any] = _of(generation).block_digests(block, form, check_hash(hash))
        return found

    @cached_property
    def proofs(self) -> Any:
        """The chain's part in proof bundles (generation 3): :class:`pycore.ledgers.proof.ProofRules`."""
        return import_module("pycore.ledgers.fisco.v3_proofs").RULES


def _told(block: Record) -> str:
    """The form of a block: no record of the chain begins with the brace that every JSON object begins with."""
    if isinstance(block, (str, Mapping)):
        return "rpc"
    return "rpc" if one_bytes(block, "block")[:1] == b"{" else "wire"


LEDGER = Fisco()
"""What :func:`pycore.ledgers.get` answers with."""
