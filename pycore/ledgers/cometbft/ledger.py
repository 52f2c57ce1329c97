"""CometBFT's ledger: the face of the package, see :mod:`pycore.ledgers.cometbft`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, NoReturn

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.report import BlockReport, Check, Report
from pycore.base.verdicts import Verdict, verdict_error
from pycore.consensus.commits import verify_commit
from pycore.errors import InputError
from pycore.ledgers.cometbft import consensus, encoding, hashes, rpc, wire
from pycore.ledgers.cometbft.block import CHAIN, NO_VALIDATORS, Validation
from pycore.ledgers.cometbft.context import CometbftContext, held
from pycore.ledgers.cometbft.fields import Fields, of_base64
from pycore.ledgers.cometbft.messages import Block, BlockId
from pycore.ledgers.cometbft.run import CometbftState
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.runs import Checkpoint, Step
from pycore.merkle.inclusion import verify_inclusion

FORMS = ("wire", "rpc")
_MAX_DEPTH = 64
_NOT_JUDGED = (
    "a chain that defines its transactions: those of CometBFT are bytes that the application judges, and only their "
    "place in a block is checked"
)


class Cometbft(LedgerFace[CometbftContext]):
    """The validator; stateless, safe to share between threads."""

    name = CHAIN
    context_type = CometbftContext

    def validate_block(
        self, block: Any, context: Any = None, *, threads: int | None = None, form: str = "auto"
    ) -> BlockReport:
        """Every check that the block and the context allow.

        Args:
            block: a Block in protobuf, or the answer of /block as a dict or JSON text.
            context: a :class:`CometbftContext`, its JSON form as text, mapping or path; None: only checks that need
                none.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.
            form: "auto" | "wire" | "rpc"; "auto" takes text, mappings, and bytes that begin with "{" as JSON.

        Raises:
            InputError: what is given is no block. Whatever is wrong inside a block is in the report.
        """
        found, claimed = read(block, form)
        return Validation(found, self.context(context), claimed=claimed, threads=threads).run()

    def step(self, block: bytes, context: CometbftContext, *, threads: int | None) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`.

        What moves: the validators, to the set whose hash the header names, where it is the same or among those of the
        context; and the time. A header is proven by the commit in the next block, which the validators of before sign:
        nothing that follows is valid without it."""
        work = Validation(wire.block(block), context, threads=threads)
        report = work.run()
        if not report.valid or context.validators is None:
            return Step(report, context.of_next(previous_time=work.header.time_ns, previous_validators=None))
        moved = context.of_next(previous_time=work.header.time_ns, previous_validators=context.validators)
        if work.next is None:
            name = work.header.next_validators_hash.hex().upper()
            return Step(report, moved, f"block {report.height} names validators that are not given: {name}")
        if work.next != context.validators:
            changed = Check("context_change", True, "validators")
            report = dataclasses.replace(report, checks=(*report.checks, changed))
        return Step(report, moved.replace(validators=work.next))

    def chain_state(
        self, context: Any = None, *, checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> CometbftState:  # fmt: skip
        """The state that :meth:`validate_chain` keeps, for callers that get blocks a few at a time. Each block is
        certified by the commit in the one after it: the certificate of the last block is skipped."""
        return CometbftState(self, context, checkpoint, threads=threads)

    def validate_transactions(self, items: Any, context: Any = None, *, threads: int | None = None) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("items", "transactions of CometBFT", _NOT_JUDGED)

    def transaction_hash(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> bytes:
        """SHA-256 of a transaction, 32 bytes.

        Args:
            tx: its bytes; "rpc": its base64, or an object with "tx", as /tx answers it.
            form: "wire" | "rpc".
            hash: None or "sha256", which every such chain has.
        """
        _sha256(hash)
        if _form(form) == "wire":
            return hashes.transaction_hash(one_bytes(tx, "tx"))
        if isinstance(tx, str) and tx.lstrip()[:1] != "{":
            return hashes.transaction_hash(of_base64(tx, "tx"))
        found = rpc.answer(tx, "tx")
        digest = hashes.transaction_hash(of_base64(found.raw("tx"), "tx.tx"))
        if found.has("hash") and found.hash("hash") != digest:
            raise InputError("tx.hash", found.hash("hash").hex(), f"{digest.hex()}, its SHA-256")
        return digest

    def transaction_sender(self, tx: Any, *, form: str = "wire", hash: str | None = None) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("tx", "a transaction of CometBFT", _NOT_JUDGED)

    def header_hash(self, header: Any, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a block, 32 bytes, from its header: protobuf, or the answer of /header, /commit or /block."""
        _sha256(hash)
        found = hashes.header_hash(_reader(form).header(header))
        if not found:
            raise InputError("header.validators_hash", "nothing", "a hash: without it the header has none")
        return found

    def verify_certificate(self, header: Any, context: Any = None, *, form: str = "wire", mode: str = "full") -> Report:
        """The commit of a signed header: its quorum, and every signature that is there.

        Args:
            header: a SignedHeader in protobuf, or the answer of /commit.
            context: its `validators` are those of this block; its `chain_id` must be the header's.
            form: "wire" | "rpc".
            mode: as for :func:`pycore.consensus.verify_commit`.
        """
        known = self.context(context)
        found = consensus.signed_header(_reader(form).signed_header(header))
        if known.validators is None:
            return Report(CHAIN, known.rules, (Check("quorum", None, None, None, NO_VALIDATORS),))
        return verify_commit(held(known.validators), found, mode=mode, chain_id=known.chain_id)

    def verify_inclusion(
        self, root: BytesLike | str, item_hash: BytesLike | str, proof: Any, *, form: str = "rpc", **position: int
    ) -> None:
        """Checks that a transaction is in a block; returns None, or raises.

        Args:
            root: `data_hash` of a header that is trusted, 32 bytes or hexadecimal.
            item_hash: SHA-256 of the transaction.
            proof: "rpc": the answer of /tx with a proof, or its object "proof"; "wire": a TxProof; or, with `index` and
                `leaf_count`, the nodes from the leaf up as a list.
            form: "rpc" | "wire".
            position: index, leaf_count; where the proof says them too, they must be the same.

        The path does not tell the position: the same nodes lead to one root from several positions of trees of several
        sizes, and no header says how many transactions a block has.

        Raises:
            ProofError: the proof does not lead from the root to that transaction.
            InputError: a malformed call.
        """
        digests = [_digest(value, name) for value, name in ((root, "root"), (item_hash, "item_hash"))]
        if isinstance(proof, (list, tuple)):
            _form(form)
            nodes = [_node(one, f"proof[{i}]") for i, one in enumerate(proof)]
        else:
            found = _reader(form).tx_proof(proof)
            nodes = list(found.aunts)
            for name, value in (("index", found.index), ("leaf_count", found.total)):
                if position.setdefault(name, value) != value:
                    raise InputError(name, quote(position[name]), f"{value}, as in the proof")
            leaf = hashes.tree([digests[1]])
            if (found.root, found.leaf_hash) != (digests[0], leaf) or (
                found.data and hashes.transaction_hash(found.data) != digests[1]
            ):
                raise verdict_error(Verdict.BAD_PROOF)
        if position.keys() != {"index", "leaf_count"}:
            raise InputError("position", ", ".join(sorted(position)) or "nothing", "index, leaf_count")
        if len(nodes) > _MAX_DEPTH:
            raise InputError("proof", f"{len(nodes)} nodes", f"at most {_MAX_DEPTH}")
        index, count = position["index"], position["leaf_count"]
        if not 0 <= index < count < 1 << 63:
            raise verdict_error(Verdict.MALFORMED_PROOF)
        verify_inclusion(digests[0], digests[1], nodes, index=index, leaf_count=count, tree="rfc9162")

    def block_height(self, block: Any, *, form: str = "auto") -> int:
        """The height that a block says it has; nothing is checked. InputError when it is not a block."""
        return read(block, form)[0].header.height

    def block_digests(self, block: Any, hash: str = "sha256", *, form: str = "auto") -> dict[str, Any]:
        """The block's hashes, recomputed from its content: "block_hash", "tx_root", "last_commit_hash" and
        "evidence_hash", "parts_hash", "tx_hashes"; of a block without a last commit that of an empty one."""
        _sha256(hash)
        found, _ = read(block, form)
        last = found.last_commit
        return {
            "block_hash": hashes.header_hash(found.header),
            "tx_root": hashes.data_hash(found.transactions),
            "last_commit_hash": hashes.EMPTY if last is None else hashes.commit_hash(last),
            "evidence_hash": hashes.evidence_hash(found.evidence),
            "parts_hash": hashes.parts_of(encoding.block(found))[1],
            "tx_hashes": [hashes.transaction_hash(one) for one in found.transactions],
        }

    @cached_property
    def proofs(self) -> Any:
        """The chain's part in proof bundles: :class:`pycore.ledgers.proof.ProofRules`."""
        return import_module("pycore.ledgers.cometbft.proofs").RULES


def read(block: Any, form: str = "auto", field: str = "block") -> tuple[Block, BlockId | None]:
    """A block, and the block id that an answer gives with it. InputError names `field`."""
    if form == "auto":
        text = isinstance(block, (str, Mapping)) or one_bytes(block, field)[:1] == b"{"
        form = "rpc" if text else "wire"
    if _form(form) == "wire":
        return wire.block(one_bytes(block, field), field), None
    found = rpc.answer(block, field)
    claimed = rpc.read_block_id(found, "block_id") if found.has("block_id") and found.has("block") else None
    return rpc.read_block(found.object("block") if found.has("block") else found), claimed


def _form(form: str) -> str:
    if form not in FORMS:
        raise InputError("form", repr(form)[:40], "one of 'wire', 'rpc'")
    return form


def _reader(form: str) -> Any:
    return wire if _form(form) == "wire" else rpc


def _sha256(hash: str | None) -> None:
    if hash not in (None, "sha256"):
        raise InputError("hash", repr(hash)[:40], "'sha256' or None")


def _digest(value: Any, name: str) -> bytes:
    found = Fields({name: value}, "position").hash(name) if isinstance(value, str) else one_bytes(value, name)
    if len(found) != 32:
        raise InputError(name, f"{len(found)} bytes", "32 bytes")
    return found


def _node(value: Any, name: str) -> bytes:
    return of_base64(value, name) if isinstance(value, str) else one_bytes(value, name)


LEDGER = Cometbft()
"""What :func:`pycore.ledgers.get` answers with."""
