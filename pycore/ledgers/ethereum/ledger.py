"""Ethereum's ledger: the face of the package, see :mod:`pycore.ledgers.ethereum`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from pycore.base.columns import BytesLike, one_bytes
from pycore.base.report import BlockReport
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ethereum import block as blocks
from pycore.ledgers.ethereum.context import EthereumContext
from pycore.ledgers.ethereum.headers import read_header
from pycore.ledgers.ethereum.records import read_block, read_transaction
from pycore.ledgers.ethereum.transactions import VALID, check
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.runs import Step
from pycore.merkle import patricia

if TYPE_CHECKING:
    from typing import TypeAlias

    Record: TypeAlias = BytesLike | str | Mapping[str, Any]

FORMS = ("wire", "rpc")


class Ethereum(LedgerFace[EthereumContext]):
    """The validator; stateless, safe to share between threads."""

    name = "ethereum"
    context_type = EthereumContext

    def validate_block(
        self, block: Record, context: Any = None, *, threads: int | None = None, form: str = "auto",
        events: bool = False,
    ) -> BlockReport:  # fmt: skip
        """Every check that the block and the context allow.

        Args:
            block: serialised, or what `eth_getBlockByNumber` answers with whole transactions, as a dict or JSON text.
            context: an :class:`EthereumContext`, its JSON form as text, mapping or path; None: only checks that need
                none.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.
            form: "auto" | "wire" | "rpc"; "auto" takes text, mappings, and bytes that begin with "{" as JSON.
            events: also fill `events` of the report, from the context's receipts where their root is right.

        Raises:
            InputError: what is given is no block. Whatever is wrong inside a block is in the report.
        """
        return blocks.validate(block, self.context(context), told(block, form), threads, events)

    def step(self, block: bytes, context: EthereumContext, *, threads: int | None) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`. The hash and the receipts that the context has are
        of one block, and not kept for the next."""
        report = self.validate_block(block, context, threads=threads)
        return Step(report, context.replace(block_hash=None, receipts=None))

    def validate_transactions(
        self, transactions: Sequence[Record], context: Any = None, *, threads: int | None = None, form: str = "wire"
    ) -> Verdicts:
        """Verdicts of transactions that are not in a block: form, chain, signature."""
        known = self.context(context)
        records = [read_transaction(one, form_of(form), f"transactions[{i}]")[0] for i, one in enumerate(transactions)]
        found = check(Spans.joined(records), known.chain_id, low_s=known.strict, threads=threads)
        return Verdicts.of_kernel(found.codes)

    def transaction_hash(self, tx: Record, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a transaction, 32 bytes. InputError where it is not one, or states another hash."""
        keccak(hash)
        record, stated = read_transaction(tx, form_of(form))
        found = check(Spans.joined([record]), None, low_s=False, threads=1)
        if int(found.codes[0]) == int(Verdict.MALFORMED_ITEM):
            raise InputError("transaction", found.details.get(0, f"{len(record)} bytes"), "a transaction")
        digest: bytes = found.hashes[0].tobytes()
        if stated not in (None, digest):
            raise InputError("transaction.hash", (stated or b"").hex(), f"{digest.hex()}, its Keccak-256")
        return digest

    def transaction_sender(self, tx: Record, *, form: str = "wire", hash: str | None = None) -> str:
        """The sender, "0x" and 40 hexadecimal digits. InvalidSignature where the signature does not hold; one with a
        high s, which blocks before Homestead have, does hold here."""
        keccak(hash)
        record, _ = read_transaction(tx, form_of(form))
        found = check(Spans.joined([record]), None, low_s=False, threads=1)
        if int(found.codes[0]) != VALID:
            raise verdict_error(Verdict(int(found.codes[0])))
        sender: str = found.senders[0].tobytes().hex()
        return "0x" + sender

    def header_hash(self, header: Record, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a block, 32 bytes, from its header."""
        keccak(hash)
        return read_header(header, form_of(form)).hash

    def verify_certificate(self, header: Record, context: Any = None, *, form: str = "wire") -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("header", "an execution header", f"a chain with certificates: {blocks.NO_CERTIFICATE}")

    def verify_inclusion(
        self, root: BytesLike | str, item_hash: BytesLike | str, proof: Any, *, form: str = "rpc",
        index: int | None = None,
    ) -> None:  # fmt: skip
        """Checks that a transaction, receipt or withdrawal is in the trie of a header; returns None, or raises.

        Args:
            root: of the trie, 32 bytes.
            item_hash: Keccak-256 of the item as the trie has it: of a transaction its hash.
            proof: nodes from the root to the leaf; "rpc": hexadecimal.
            form: "rpc" | "wire".
            index: position of the item in the block.

        Raises:
            ProofError: the proof does not lead from the root to that item.
            InputError: a malformed call.
        """
        if type(index) is not int or not 0 <= index < 1 << 32:
            raise InputError("index", f"{index}", "the item's position in the block")
        values = [digest(value, name) for value, name in ((root, "root"), (item_hash, "item_hash"))]
        if not isinstance(proof, (list, tuple)):
            raise InputError("proof", type(proof).__name__, "a list of nodes")
        nodes = [from_hex(one, f"proof[{i}]") if form_of(form) == "rpc" else one for i, one in enumerate(proof)]
        value = patricia.verify_trie(values[0], patricia.index_keys([index])[0], nodes)
        if value is None or hash_one("keccak256", value) != values[1]:
            raise verdict_error(Verdict.BAD_PROOF)

    def block_height(self, block: Record, *, form: str = "auto") -> int:
        """The height that a block says it has; nothing is checked. InputError when it is not a block."""
        return read_block(block, told(block, form)).header.number

    def block_digests(self, block: Record, hash: str = "keccak256", *, form: str = "auto") -> dict[str, Any]:
        """The block's hashes, recomputed from its content: "block_hash", "tx_root", "withdrawals_root",
        "ommers_hash" (None where the form lacks what they are made of), "tx_hashes"."""
        keccak(hash)
        return blocks.digests(read_block(block, told(block, form)))

    @cached_property
    def proofs(self) -> Any:
        """The chain's part in proof bundles: :class:`pycore.ledgers.proof.ProofRules`."""
        return import_module("pycore.ledgers.ethereum.proofs").RULES


def form_of(form: str) -> str:
    """A form, or InputError."""
    if form not in FORMS:
        raise InputError("form", repr(form)[:40], "one of 'wire', 'rpc'")
    return form


def told(block: Any, form: str) -> str:
    """The form of a block: RLP of a list never begins with the brace of a JSON object."""
    if form != "auto":
        return form_of(form)
    if isinstance(block, (str, Mapping)):
        return "rpc"
    return "rpc" if one_bytes(block, "block")[:1] == b"{" else "wire"


def keccak(hash: str | None) -> None:
    """The chain has one hash."""
    if hash not in (None, "keccak256"):
        raise InputError("hash", repr(hash)[:40], "'keccak256' or None")


def from_hex(value: Any, name: str) -> bytes:
    """Bytes, or their hexadecimal."""
    if not isinstance(value, str):
        data: bytes = one_bytes(value, name)
        return data
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise InputError(name, value[:70], "hexadecimal") from None


def digest(value: Any, name: str) -> bytes:
    """32 bytes, or their hexadecimal."""
    found = from_hex(value, name)
    if len(found) != 32:
        raise InputError(name, f"{len(found)} bytes", "32 bytes")
    return found


LEDGER = Ethereum()
"""What :func:`pycore.ledgers.get` answers with."""
