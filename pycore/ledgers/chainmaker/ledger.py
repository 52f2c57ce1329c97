"""ChainMaker's ledger: the face of the package, see :mod:`pycore.ledgers.chainmaker`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import bytes_view
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.ledgers.chainmaker import single, validator
from pycore.ledgers.chainmaker.block import open_block
from pycore.ledgers.chainmaker.chain import ChainState, Checkpoint
from pycore.ledgers.chainmaker.context import ChainContext, chain_hash_name
from pycore.ledgers.chainmaker.digests import Hashing, block_digests
from pycore.ledgers.chainmaker.fields import RegisteredKey, Revocation, TrustMember
from pycore.ledgers.chainmaker.proofs import PROOFS
from pycore.ledgers.chainmaker.rows import Policy
from pycore.ledgers.chainmaker.transactions import open_transactions
from pycore.ledgers.runs import WINDOW_BLOCKS, WINDOW_BYTES, ChainRun
from pycore.merkle.inclusion import verify_inclusion

if TYPE_CHECKING:
    from pycore.base.columns import BytesLike

__all__ = [
    "LEDGER",
    "ChainContext",
    "ChainMaker",
    "ChainRun",
    "ChainState",
    "Checkpoint",
    "Policy",
    "RegisteredKey",
    "Revocation",
    "TrustMember",
]


class ChainMaker:
    """The validator; stateless, safe to share between threads. Resolved members are cached per chain configuration."""

    name = "chainmaker"
    proofs = PROOFS

    def validate_block(
        self,
        block: BytesLike,
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        form: str = "auto",
        threads: int | None = None,
        events: bool = False,
    ) -> BlockReport:
        """Every check that the block and the context allow.

        block     serialised Block or BlockInfo (which adds read and write sets)
        context   a ChainContext, its JSON form as text, mapping or path; None: only checks that need no context
        form      "auto" | "block" | "block-info"
        threads   of the signature kernels; None: the library's setting
        events    whether the report is to have the contract events of the transactions

        InputError when the bytes are not a block. Whatever is wrong inside a block is in the report.
        """
        return validator.Validation(self.context(context), threads, events=events).run(_view(block), form)

    def validate_chain(
        self,
        blocks: Iterable[BytesLike],
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        threads: int | None = None,
        checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        form: str = "auto",
        window_blocks: int = WINDOW_BLOCKS,
        window_bytes: int = WINDOW_BYTES,
        events: bool = False,
    ) -> ChainRun:
        """Validates a run of blocks: each by itself, its link to the one before, and configuration blocks applied.

        blocks        serialised blocks, each the successor of the one before; any iterable, read as reports are taken
        context       of the first block, as for :meth:`validate_block`; no `rw_sets`: a BlockInfo has its own
        threads       as for :meth:`validate_block`
        checkpoint    of an earlier run, or its `to_dict`: go on after it. Without a context it goes on in the
                      checkpoint's; with one, in that one, from the checkpoint's place
        form          as for :meth:`validate_block`
        window_blocks, window_bytes
                      at most so many blocks are read before their reports are taken, and none after so many bytes;
                      1 for a report of each block before the next is read
        events        as for :meth:`validate_block`

        An iterator of reports in the order of the blocks, and after each its `checkpoint`.
        :mod:`pycore.ledgers.chainmaker.chain` says what is checked and what follows a block that is not valid.

        InputError, from the iterator, when bytes are not a block; `blocks[i]` counts from the first of this run.
        """
        state = self.chain_state(context, checkpoint=checkpoint, form=form, threads=threads, events=events)
        return ChainRun(blocks, state, window_blocks=window_blocks, window_bytes=window_bytes)

    def chain_state(
        self,
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        form: str = "auto",
        threads: int | None = None,
        events: bool = False,
    ) -> ChainState:
        """The state that :meth:`validate_chain` keeps, for callers that get blocks a few at a time: its
        `reports(blocks)` are those of the next blocks, its `checkpoint` the place after the last."""
        given = Checkpoint.from_dict(checkpoint) if isinstance(checkpoint, Mapping) else checkpoint
        if given is not None and not isinstance(given, Checkpoint):
            raise InputError("checkpoint", got=type(given).__name__, wanted="a Checkpoint, its mapping or None")
        if given is None:
            known = self.context(context)
        elif context is None:
            known = given.context
        else:
            known = self.context(context)
            given = dataclasses.replace(given, unclear="")
            if known.hash is None:
                known = known.replace(hash=given.context.hash)
        return ChainState(known, given, form=form, threads=threads, events=events)

    def block_height(self, block: BytesLike, *, form: str = "auto") -> int:
        """The height that a block says it has; nothing is checked. InputError when the bytes are not a block."""
        return open_block(_view(block), form).header.block_height

    def validate_transactions(
        self,
        transactions: Sequence[BytesLike],
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        threads: int | None = None,
    ) -> Verdicts:
        """Verdicts of serialised transactions that are not in a block yet: header rules, every signature, policies.

        A gap in the context is not held against a transaction, and there is no report to say so: give trust
        roots, and in the key modes nodes and registered keys.
        """
        items = [_bytes(item) for item in transactions]
        return validator.validate_transactions(items, self.context(context), threads)

    def transaction_hash(
        self, tx: BytesLike, *, form: str = "wire", hash: str | None = None, block_version: int = 2030100
    ) -> bytes:
        """The hash of a serialised Transaction as it is in a block, with its result: the leaf of tx_root, 32 bytes.

        form           "wire"
        hash           the chain's; None: SM3
        block_version  of its block: from 2300 on the hash leaves gas_used out
        """
        single.only_wire(form)
        return single.transaction_hash(tx, single.hash_of(hash), block_version)

    def transaction_sender(self, tx: BytesLike, *, form: str = "wire", hash: str | None = None) -> str:
        """The sender of a serialised Transaction: hexadecimal of the hash of its certificate, or its public key's PEM.

        Raises InvalidSignature where the sender's signature does not hold. Whether the sender is a member, and may do
        this, needs a context: :meth:`validate_transactions`. InputError where the sender is only named (by a hash or
        an alias), so that there is no key here.
        """
        single.only_wire(form)
        return single.transaction_sender(tx, single.hash_of(hash))

    def header_hash(self, header: BytesLike, *, form: str = "wire", hash: str | None = None) -> bytes:
        """block_hash of a serialised BlockHeader, 32 bytes."""
        single.only_wire(form)
        return single.header_hash(header, single.hash_of(hash))

    def verify_certificate(self, header: BytesLike, context: Any, *, form: str = "wire") -> Report:
        """Whether the votes of a block make its header final: member certificates, roles, signatures, the quorum.

        header   a serialised Block or BlockInfo, since votes are in a block's additional data
        context  as for :meth:`validate_block`, with `hash`, `consensus` and `validators`; checks that need
                 the whole block are left out
        """
        single.only_wire(form)
        return single.verify_certificate(header, self.context(context))

    def verify_inclusion(
        self, root: BytesLike, item_hash: BytesLike, proof: Any, *, form: str = "rpc", index: int, count: int,
        hash: str | None = None,
    ) -> None:  # fmt: skip
        """Whether a transaction's hash is leaf `index` of `count` below tx_root; ProofError where not.

        proof   the siblings from the leaf up: a sequence of 32 bytes or hexadecimal each, in either form
        """
        if form not in ("wire", "rpc"):
            raise InputError("form", repr(form), "'wire' or 'rpc'")
        nodes = single.proof_nodes(proof)
        verify_inclusion(
            root, item_hash, nodes, index=index, leaf_count=count, tree="chainmaker", hash=single.hash_of(hash)
        )

    def block_digests(self, block: BytesLike, hash: str = "sm3", *, form: str = "auto") -> dict[str, Any]:
        """The block's hashes, recomputed from its content.

        {"block_hash", "tx_root", "dag_hash", "rw_set_root"}: bytes (roots are b"" without transactions), and
        "tx_hashes": list of bytes.
        """
        opened, hash_ = open_block(_view(block), form), chain_hash_name(hash)
        tables = open_transactions(opened, None)
        hashing = Hashing(opened.header, tables, hash_, None)
        found = block_digests(opened, hash_, hashing, None)
        return {
            "block_hash": found.block_hash,
            "tx_root": found.tx_root,
            "dag_hash": found.dag_hash,
            "rw_set_root": found.rw_set_root,
            "tx_hashes": [row.tobytes() for row in found.tx_hashes],
        }

    def context(self, document: ChainContext | Mapping[str, Any] | str | bytes | Path | None) -> ChainContext:
        """The context from any of its forms; None is the empty one."""
        if isinstance(document, ChainContext):
            return document
        if document is None:
            return ChainContext()
        if isinstance(document, Mapping):
            return ChainContext.from_dict(document)
        if isinstance(document, (str, bytes, Path)):
            return ChainContext.from_json(document)
        raise InputError(
            "context", got=type(document).__name__, wanted="a ChainContext, JSON text, a mapping or a path"
        )


def _view(data: BytesLike) -> NDArray[np.uint8]:
    return bytes_view(data, "block")


def _bytes(data: BytesLike) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return memoryview(data).tobytes()  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError("block", got=type(data).__name__, wanted="a bytes-like object") from error


LEDGER = ChainMaker()
"""What :func:`pycore.ledgers.get` answers with."""
