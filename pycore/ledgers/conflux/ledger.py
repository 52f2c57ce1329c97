"""Conflux's ledger: the face of the package, see :mod:`pycore.ledgers.conflux`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError
from pycore.ledgers.conflux import records
from pycore.ledgers.conflux.addresses import encode
from pycore.ledgers.conflux.context import ConfluxContext
from pycore.ledgers.conflux.transactions import VALID, Checked, check
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.ffi_scan import Spans

if TYPE_CHECKING:
    from typing import TypeAlias

    from pycore.base.columns import BytesLike

    Record: TypeAlias = BytesLike | str | Mapping[str, Any]

NO_BLOCKS = (
    "transactions and header hashes: blocks of Conflux are ordered by a graph of proofs of work and made final by "
    "proof of stake, neither of which is checked here, and their roots need the state"
)
_ANY = ConfluxContext(rules="compatible")


class Conflux(LedgerFace[ConfluxContext]):
    """The validator of core transactions; stateless, safe to share between threads."""

    name = "conflux"
    context_type = ConfluxContext

    def validate_transactions(
        self, transactions: Sequence[Record], context: Any = None, *, threads: int | None = None, form: str = "wire"
    ) -> Verdicts:
        """Verdicts of core transactions: form, chain, epoch, signature. Those of eSpace are Ethereum's."""
        known = self.context(context)
        items = [
            records.read_transaction(one, _form(form), f"transactions[{i}]")[0] for i, one in enumerate(transactions)
        ]
        return Verdicts.of_kernel(check(Spans.joined(items), known, threads).codes)

    def transaction_hash(self, tx: Record, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a transaction, 32 bytes. InputError where it is not one, or states another hash."""
        _keccak(hash)
        found, stated = _one(tx, form)
        if int(found.codes[0]) == int(Verdict.MALFORMED_ITEM):
            raise InputError("transaction", found.details.get(0, "other bytes"), "a core transaction")
        digest: bytes = found.hashes[0].tobytes()
        if stated not in (None, digest):
            raise InputError("transaction.hash", (stated or b"").hex(), f"{digest.hex()}, its Keccak-256")
        return digest

    def transaction_sender(self, tx: Record, *, form: str = "wire", hash: str | None = None) -> str:
        """The sender in base32, with the network that the transaction names. InvalidSignature where the signature does
        not hold."""
        _keccak(hash)
        found, _ = _one(tx, form)
        if int(found.codes[0]) != VALID:
            raise verdict_error(Verdict(int(found.codes[0])))
        return encode(found.senders[0].tobytes(), int(found.chain_ids[0]))

    def header_hash(self, header: Record, *, form: str = "wire", hash: str | None = None) -> bytes:
        """The hash of a block, 32 bytes, from its header."""
        _keccak(hash)
        return records.header_hash(header, _form(form))

    def validate_block(self, block: Any, context: Any = None, **options: Any) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("block", "a block of Conflux", NO_BLOCKS)

    def step(self, block: bytes, context: ConfluxContext, *, threads: int | None) -> NoReturn:
        """Refused, as :meth:`validate_block` is."""
        self.validate_block(block, context)

    def verify_certificate(self, header: Any, context: Any = None, **options: Any) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("header", "a header of Conflux", NO_BLOCKS)

    def verify_inclusion(self, root: Any, item_hash: Any, proof: Any, **options: Any) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("proof", "a proof of Conflux", NO_BLOCKS)

    def block_height(self, block: Any, **options: Any) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("block", "a block of Conflux", NO_BLOCKS)

    def block_digests(self, block: Any, hash: str = "keccak256", **options: Any) -> NoReturn:
        """Refused: InputError with the reason."""
        raise InputError("block", "a block of Conflux", NO_BLOCKS)


def _one(tx: Any, form: str) -> tuple[Checked, bytes | None]:
    record, stated = records.read_transaction(tx, _form(form))
    return check(Spans.joined([record]), _ANY, 1), stated


def _form(form: str) -> str:
    if form not in ("wire", "rpc"):
        raise InputError("form", repr(form)[:40], "one of 'wire', 'rpc'")
    return form


def _keccak(hash: str | None) -> None:
    if hash not in (None, "keccak256"):
        raise InputError("hash", repr(hash)[:40], "'keccak256' or None")


LEDGER = Conflux()
"""What :func:`pycore.ledgers.get` answers with."""
