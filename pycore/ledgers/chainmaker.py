"""ChainMaker 2.x: validates a block completely, without executing it.

    ledger = pycore.ledgers.get("chainmaker")
    report = ledger.validate_block(block, ChainContext(hash="SM3", trust_roots={...}, validators=(...)))
    report.valid, report.complete, report.failed, report.transactions

What is checked, in the report's order (guide: docs/guides/chainmaker.md):

    structure            header, block hash, proposer, signature and DAG are there
    chain_id height      as the context says; every transaction names the same chain
    previous_hash        pre_block_hash against the context
    block_hash           H(header without block_hash and signature)
    proposer_signature   over block_hash            proposer_role   CONSENSUS
    rw_sets              result.rw_set_hash of every transaction, when read and write sets are given
    tx_count tx_ids      counts and duplicates
    transactions         verifyTxHeader; every sender, endorser and payer signature; policies, default and configured
    policies             whether the context sufficed to judge them (docs/guides/chainmaker-access.md)
    tx_root rw_set_root  Merkle roots
    dag_hash dag         hash and rule; `dag_rebuilt` on demand
    votes quorum         the quorum certificate of TBFT, DPoS, MaxBFT or Raft; `voter_binding` under strict
    trust_roots          whether certificates could be judged

Rules. `compatible` accepts exactly what the chain's code (version 2.3, as read) accepts; `strict`, the default, refuses
besides: bytes after the DER of a signature; an empty org_id; any endorsement that does not verify; a TBFT certificate
of prevotes, of another height, with a voter twice, with one key for several voters, or signed by another key than the
voter's; a MaxBFT certificate with any author twice, of several epochs or another height, or signed by another key than
the author's. These are readings of public copies of the code, not statements about anybody's nodes.

Members and policies differ in more places: docs/guides/chainmaker-access.md and certificates.md list them.

Certificates are judged at `context.time`, by default now, as a node does - not at the block's time stamp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.ledgers._chainmaker import validator
from pycore.ledgers._chainmaker.context import ChainContext, chain_hash_name
from pycore.ledgers._chainmaker.digests import block_digests
from pycore.ledgers._chainmaker.fields import RegisteredKey, Revocation, TrustMember
from pycore.ledgers._chainmaker.messages import parse_block
from pycore.ledgers._chainmaker.rows import Policy
from pycore.ledgers.report import BlockReport

if TYPE_CHECKING:
    from pycore.base.columns import BytesLike

__all__ = ["LEDGER", "ChainContext", "ChainMaker", "Policy", "RegisteredKey", "Revocation", "TrustMember"]


class ChainMaker:
    """The validator; stateless, safe to share between threads. Resolved members are cached per chain configuration."""

    name = "chainmaker"

    def validate_block(
        self,
        block: BytesLike,
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        form: str = "auto",
        threads: int | None = None,
    ) -> BlockReport:
        """Every check that the block and the context allow.

        block     serialised Block or BlockInfo (which adds read and write sets)
        context   a ChainContext, its JSON form as text, mapping or path, or None: what needs no context is checked
        form      "auto" | "block" | "block-info"
        threads   of the signature kernels; None: the library's setting

        InputError when the bytes are no block. Whatever is wrong inside a block is in the report.
        """
        return validator.Validation(self.context(context), threads).run(_bytes(block), form)

    def validate_transactions(
        self,
        transactions: Sequence[BytesLike],
        context: ChainContext | Mapping[str, Any] | str | Path | None = None,
        *,
        threads: int | None = None,
    ) -> Verdicts:
        """Verdicts of serialised transactions that are in no block yet: header rules, every signature, policies.

        What the context does not tell is not held against a transaction, and there is no report to say so: give trust
        roots, and in the key modes nodes and registered keys.
        """
        items = [_bytes(item) for item in transactions]
        return validator.validate_transactions(items, self.context(context), threads)

    def block_digests(self, block: BytesLike, hash: str = "sm3", *, form: str = "auto") -> dict[str, Any]:
        """The block's hashes, recomputed from its content.

        {"block_hash", "tx_root", "dag_hash", "rw_set_root"}: bytes (roots are b"" without transactions), and
        "tx_hashes": list of bytes.
        """
        parsed, _ = parse_block(_bytes(block), form)
        found = block_digests(parsed, chain_hash_name(hash))
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


def _bytes(data: BytesLike) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return memoryview(data).tobytes()  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError("block", got=type(data).__name__, wanted="a bytes-like object") from error


LEDGER = ChainMaker()
"""What :func:`pycore.ledgers.get` answers with."""
