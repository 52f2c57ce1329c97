"""BIF's ledger: the face of the package, see :mod:`pycore.ledgers.bif`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import one_bytes, quote
from pycore.base.report import BlockReport, Check, Report
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif import headers, keys, rpc, transactions, validator
from pycore.ledgers.bif.block import MAX_BLOCK_BYTES, open_block, open_value
from pycore.ledgers.bif.context import BifContext
from pycore.ledgers.bif.messages import Transaction, TransactionEnv, parse
from pycore.ledgers.bif.proofs import PROOFS
from pycore.ledgers.bif.run import BifState
from pycore.ledgers.bif.transactions import changed_accounts, last_nonces
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.runs import Checkpoint, Step
from pycore.ledgers.scan import FAULT, Spans

if TYPE_CHECKING:
    from pycore.base.columns import BytesLike

FORMS = ("wire", "rpc")
MAX_CHANGED = 1 << 16
"""Accounts whose signers may have changed that a run remembers."""


class Bif(LedgerFace[BifContext]):
    """The validator; stateless, safe to share between threads."""

    name = "bif"
    context_type = BifContext
    proofs = PROOFS

    def validate_block(
        self, block: BytesLike | Mapping[str, Any] | str, context: Any = None, *, form: str = "wire",
        next_block: Any = None, threads: int | None = None,
    ) -> BlockReport:  # fmt: skip
        """Every check that the block and the context allow.

        block       "wire": a serialised LedgerBundle; "rpc": the answer of `getLedger` with `with_consvalue=true`
        context     a BifContext, its JSON form as text, mapping or path; None: only checks that need no context
        next_block  "rpc": the answer for the next block, which carries the proof of this one; or a list of it and the
                    one for the block after, which carries what makes the header final
        threads     of the signature kernels; None: the library's setting

        InputError when it is not a block. Whatever is wrong inside a block is in the report.
        """
        known = self.context(context)
        return validator.Validation(known, threads).run(_bundle(block, known, form, next_block))

    def chain_state(
        self, context: Any = None, *, checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> BifState:  # fmt: skip
        """The state that :meth:`validate_chain` keeps, for callers that get serialised LedgerBundles a few at a time.
        Each block is final by the two that follow it, where it does not have that already: `certificate` and `quorum`
        of the last block are skipped then, and `header_proof` of the last two."""
        return BifState(self, context, checkpoint, threads=threads)

    def step(self, block: bytes, context: BifContext, *, threads: int | None) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`.

        What moves: the validators, when the header names others, the block is proven and its report is valid; the
        nonces that the context has; the accounts that may have other signers now; and the header before."""
        work = validator.Validation(context, threads)
        report = work.run(block)
        if not report.valid:
            return Step(report, context)
        if work.stale:
            return Step(report, context, f"the context is of an earlier block than {report.height}")
        changes, unclear = self._moves(work, report)
        names = sorted({"validators", "nonces", "changed_accounts"} & changes.keys())
        if names and not unclear:
            report = dataclasses.replace(
                report, checks=(*report.checks, Check("context_change", True, ", ".join(names)))
            )
        return Step(report, context.replace(**changes), unclear)

    def _moves(self, work: validator.Validation, report: BlockReport) -> tuple[dict[str, Any], str]:
        """What changes in the context after a valid block, and why it no longer follows the chain."""
        context, seq = work.context, report.height
        encoded = work.block.header.SerializeToString(deterministic=True)
        changes: dict[str, Any] = {"previous_header": encoded, "handover": False, "previous_validators": None}
        unclear = ""
        if context.validators and work.after is None:
            unclear = f"block {seq} names validators that are not given"
        elif context.validators and work.after != context.validators:
            changes |= {"validators": work.after, "previous_validators": context.validators}
            proven = bool(report.check("header_proof").ok)
            changes |= {"handover": not (work.upgraded or proven), "next_validators": ()}
            if not report.check("quorum").ok:
                unclear = f"block {seq} changes the validators, and is not proven"
        if context.handover and not report.check("handover").ok:
            unclear = f"the change of validators before block {seq} is not confirmed by those before it"
        if unclear:
            changes |= {"validators": (), "previous_validators": None, "handover": False, "next_validators": ()}
        if context.nonces is not None and len(work.found):
            latest = {a: n for a, n in last_nonces(work.found).items() if a in context.nonces}
            if latest:
                changes["nonces"] = {**context.nonces, **latest}
        named = [a for a in changed_accounts(work.found) if keys.is_address(a, variant=context.variant)]
        if set(named) - set(context.changed_accounts):
            changes["changed_accounts"] = (*context.changed_accounts, *named)
            if len(changes["changed_accounts"]) > MAX_CHANGED:
                changes.pop("changed_accounts")
                unclear = f"more than {MAX_CHANGED} accounts may have other signers since"
        return changes, unclear

    def from_answers(self, answer: Any, next_block: Any = None, *, variant: str = "bif") -> bytes:
        """A serialised LedgerBundle from a node's answers, as `form="rpc"` reads them: for runs and bundles.

        next_block  as for :meth:`validate_block`
        """
        return rpc.bundle(answer, _one_of("variant", variant, tuple(keys.VARIANTS)), next_block)

    def block_height(
        self, block: BytesLike | Mapping[str, Any] | str, *, form: str = "wire", variant: str = "bif"
    ) -> int:
        """The height that a block says it has; nothing is checked. InputError when it is not a block."""
        return open_block(_bundle(block, BifContext(variant=variant), form), variant).header.seq

    def block_digests(
        self, block: BytesLike | Mapping[str, Any] | str, hash: str | None = None, *, form: str = "wire",
        variant: str = "bif",
    ) -> dict[str, Any]:  # fmt: skip
        """The block's hashes, recomputed from its content.

        {"block_hash"}: bytes; {"consensus_value_hash"}: bytes, b"" where the block came without the value;
        {"validators_hash"}: of the set that the bundle has, b"" without one; {"tx_hashes"}: list of bytes,
        empty for BUMO's blocks.
        """
        _own_hash(hash)
        opened = open_block(_bundle(block, BifContext(variant=variant), form), variant)
        value = opened.value
        found: list[bytes] = []
        if value is not None and variant == "bif":  # BUMO's transactions have other fields
            rows = transactions.hashes(value.transactions, "block.consensus_value.txset.txs")
            found = [row.tobytes() for row in rows]
        records = value.transactions.items() if value is not None and variant == "bumo" else []
        encoded = b"" if opened.validators is None else opened.validators.SerializeToString(deterministic=True)
        return {
            "block_hash": headers.block_hash(opened.header, records),
            "consensus_value_hash": hash_one("sha256", value.data) if value is not None else b"",
            "validators_hash": hash_one("sha256", encoded) if encoded else b"",
            "tx_hashes": found,
        }

    def validate_transactions(
        self, items: Sequence[BytesLike], context: Any = None, *, form: str = "wire", threads: int | None = None
    ) -> Verdicts:
        """Verdicts of transactions that are not in a block yet: form, every signature, who may sign, nonces.

        items   "wire": serialised TransactionEnv messages; "rpc": objects with `transaction` and `signatures`

        `context.height` is that of the block that they are meant for. Bytes that are no transaction are
        MALFORMED_ITEM. A gap in the context is not held against a transaction, and there is no report to say so.
        """
        known = self.context(context)
        if known.variant != "bif":
            raise InputError("context.variant", quote(known.variant), "'bif': BUMO's transactions have other fields")
        records = [_env(item, form, f"items[{i}]") for i, item in enumerate(items)]
        if not records:
            return Verdicts(b"")
        spans = Spans.joined(records)
        found = transactions.judge(spans, known, seq=known.height, chain_id=known.chain_id, threads=threads)
        return Verdicts(found.codes)

    def transaction_hash(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a transaction, 32 bytes.

        tx   "wire": a serialised TransactionEnv, or the Transaction inside it, whose bytes are hashed; "rpc": as a node
             answers, or SDKs send it
        """
        _own_hash(hash)
        return hash_one("sha256", _blob(tx, form))

    def transaction_sender(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> str:
        """The source address, where the owner's signature holds and no other fails; InvalidSignature where not.

        tx   as for :meth:`transaction_hash`, with its signatures
        """
        _own_hash(hash)
        data = _env(tx, form, "tx")
        found = transactions.judge(Spans.joined([data]), BifContext(other_accounts="single"), seq=None, chain_id=None)
        if found.tables["tx"][0, FAULT]:
            raise found.tables.refusal("tx", "a TransactionEnv", len(data))
        if int(found.codes[0]) != int(Verdict.VALID):
            raise verdict_error(Verdict(int(found.codes[0])))
        return found.sources[0]

    def header_hash(
        self, header: Any, *, form: str = "wire", hash: str | None = None, variant: str = "bif",
        transactions: Sequence[bytes] = (),
    ) -> bytes:  # fmt: skip
        """The hash of a header, 32 bytes.

        header        "wire": a serialised LedgerHeader; "rpc": the answer of `getLedger`, or its `header`
        variant       "bif" | "bumo"
        transactions  of a BUMO block, as its ledger has them after execution
        """
        _own_hash(hash)
        if transactions and variant == "bif":
            raise InputError("transactions", f"{len(transactions)}", "none: BIF's header hash does not cover them")
        _one_of("variant", variant, tuple(keys.VARIANTS))
        data = rpc.header(header, variant) if _form(form) == "rpc" else one_bytes(header, "header")
        return headers.block_hash(headers.read_header(data, variant), [bytes(one) for one in transactions])

    def verify_certificate(self, header: Any, context: Any, *, form: str = "wire", next_block: Any = None) -> Report:
        """The proof of a block: checks `certificate`, `quorum` and, after a change of validators, `handover`.

        header      "wire": a serialised LedgerBundle with `next_proof`; "rpc": the answer of `getLedger`
        next_block  "rpc": the answer for the next block, which carries the proof
        """
        known = self.context(context)
        block = open_block(_bundle(header, known, form, next_block), known.variant)
        value = None if block.value is None else block.value.data
        return Report(
            self.name, known.rules, validator.certificate_checks(block.header, block.next_proof, known, value)
        )

    def verify_inclusion(
        self, root: BytesLike, item_hash: BytesLike, proof: Any, *, form: str = "rpc", index: int | None = None
    ) -> None:
        """Whether a transaction is in the consensus value with a hash; ProofError where it is not. Certainty: read.

        There is no tree: the proof is the whole consensus value.

        root       consensus_value_hash of the block's header
        item_hash  of the transaction
        proof      "wire": the serialised ConsensusValue; "rpc": `consensus_value` of a node's answer, BUMO's form
        index      its position; None: anywhere
        """
        wanted, item = one_bytes(root, "root"), one_bytes(item_hash, "item_hash")
        for name, given in (("root", wanted), ("item_hash", item)):
            if len(given) != 32:
                raise InputError(name, f"{len(given)} bytes", "32 bytes")
        data = one_bytes(proof, "proof") if _form(form) == "wire" else rpc.consensus_value(proof)
        try:
            rows = transactions.hashes(open_value(data, "proof").transactions, "proof")
        except InputError as error:
            raise ProofError(Verdict.MALFORMED_PROOF) from error
        if index is not None and (type(index) is not int or not 0 <= index < len(rows)):
            raise ProofError(Verdict.MALFORMED_PROOF)
        chosen = rows if index is None else rows[index : index + 1]
        there = bool((chosen == np.frombuffer(item, np.uint8)).all(axis=1).any())
        if hash_one("sha256", data) != wanted or not there:
            raise ProofError(Verdict.BAD_PROOF)


# ---- forms -----------------------------------------------------------------------------------------------------------


def _one_of(name: str, value: object, wanted: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in wanted:
        raise InputError(name, quote(value), "one of " + ", ".join(map(repr, wanted)))
    return value


def _form(form: object) -> str:
    return _one_of("form", form, FORMS)


def _own_hash(hash: str | None) -> None:
    if hash not in (None, "sha256"):
        raise InputError("hash", quote(hash), "'sha256' or None: the chain has no other")


def _bundle(block: Any, context: BifContext, form: str, next_block: Any = None) -> bytes:
    if _form(form) == "rpc":
        return rpc.bundle(block, context.variant, next_block)
    if next_block is not None:
        raise InputError("next_block", "an answer", "none with form='wire': the proof is in the bundle")
    return one_bytes(block, "block")


def _env(tx: Any, form: str, field: str) -> bytes:
    return rpc.transaction_env(tx, field) if _form(form) == "rpc" else one_bytes(tx, field)


def _blob(tx: Any, form: str) -> bytes:
    """The bytes that are hashed, from an envelope or as they are. The two are never mistaken for each other: an
    envelope begins with a message, a transaction with an address, whose letters are no message."""
    if _form(form) == "rpc":
        return rpc.transaction_blob(tx)
    data = one_bytes(tx, "tx")
    try:
        env = parse(TransactionEnv, data, "tx", MAX_BLOCK_BYTES)
    except InputError:
        pass
    else:
        if env.HasField("transaction") and env.transaction.source_address:
            return bytes(env.transaction.SerializeToString(deterministic=True))
    if not parse(Transaction, data, "tx", MAX_BLOCK_BYTES).source_address:
        raise InputError("tx", f"{len(data)} bytes without a source address", "a TransactionEnv or Transaction")
    return data


LEDGER = Bif()
"""What :func:`pycore.ledgers.get` answers with."""
