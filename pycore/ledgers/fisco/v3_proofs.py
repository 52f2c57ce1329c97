"""Proof bundles of FISCO BCOS 3.x: :class:`pycore.ledgers.proof.ProofRules`.

    headers       records without the hash that follows from them. Of blocks above the trusted one: each certified, its
                  signatures by ascending index, and on secp256k1 with the lower s. Of blocks up to the trusted one:
                  without signatures, leading to it
    certificate   empty: it is in the headers
    inclusion     the nodes of the chain's own proof; `count` 0, because no header says how many leaves there are
    statement     :mod:`pycore.ledgers.fisco.v3_items`

The strict rules apply whatever the context says; `compatible` only lets a log be told from a receipt's other bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pycore.base.columns import one_bytes, quote
from pycore.base.report import Check
from pycore.errors import InputError, ProofError
from pycore.ledgers.fisco import v3_header, v3_items, v3_merkle, v3_rpc
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_certificate import Certificate, certify
from pycore.ledgers.fisco.v3_hashes import LOG_BOUNDS, RC4_VERSION, receipt_messages
from pycore.ledgers.fisco.v3_header import Header, header_of
from pycore.ledgers.fisco.v3_records import (
    BLOCK_PLAN,
    HEADER_PLAN,
    RECEIPT_PLAN,
    TRANSACTION_PLAN,
    read,
)
from pycore.ledgers.fisco.v3_transactions import judge
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.scan import Tables

MAX_HEADERS = 1 << 12
"""Headers of a bundle."""


@dataclass(eq=False)
class _Walk:
    """The way along the headers.

    Attributes:
        checks: made so far.
        headers, hashes: the bundle's, in order; empty where they do not parse.
        context: of the block after the last header.
        signers: node ids behind the statement's header.
        loose: whether the trusted context has the compatible rules.
    """

    checks: list[Check]
    headers: list[Header]
    hashes: list[bytes]
    context: FiscoContext
    signers: tuple[str, ...] = ()
    loose: bool = False

    def add(self, name: str, ok: bool | None, got: Any = None, wanted: Any = None, **more: str) -> bool:
        """One more check; whether it passed."""
        self.checks.append(Check(name, ok, got, wanted, **more))
        return ok is True

    @property
    def holds(self) -> bool:
        """Whether every check so far passed."""
        return all(check.ok for check in self.checks)


class FiscoProofs:
    """The chain's part in proof bundles."""

    kinds = ("header", "transaction", "receipt", "event")
    sources: Mapping[str, str] = {
        "block": "the statement's block, serialised or what getBlockByNumber answers; for events with its receipts",
        "headers": "the headers after it up to the trusted block, for a block that is not above that one",
        "index": "position of the transaction or receipt in the block",
        "transaction": "instead of the block's: what getTransaction answers with its proof",
        "receipt": "instead of the block's: what getTransactionReceipt answers with its proof",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """Every condition of the claim."""
        walk = self._walk(bundle, trusted)
        if not walk.headers:
            return Proven(tuple(walk.checks))
        header, block_hash = walk.headers[0], walk.hashes[0]
        facts = self._statement(bundle, header, walk) if walk.holds else {}
        proven = walk.holds
        return Proven(
            tuple(walk.checks),
            height=max(header.number, 0),
            block_hash=block_hash,
            time=header.timestamp / 1000,
            certified_by=walk.signers if proven else (),
            facts=facts if proven else {},
        )

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`; a bundle whose headers are above the trusted one moves the state to its last header, and
        the list of sealers where those who are trusted vouch for another one."""
        found = self.check(bundle, trusted)
        walk = self._walk(bundle, trusted)
        if not all(check.ok for check in found.checks) or not walk.headers or walk.headers[-1].number <= trusted.height:
            return found
        kept = walk.context.replace(height=None, previous_block_hash=None, rules=_rules(trusted))
        state = Trusted(trusted.chain, trusted.chain_id, walk.headers[-1].number, walk.hashes[-1], kept)
        return replace(found, advanced=state)

    # ---- headers -------------------------------------------------------------------------------------------------

    def _walk(self, bundle: Bundle, trusted: Trusted) -> _Walk:
        given = trusted.context
        known = isinstance(given, FiscoContext) and given.generation == 3 and None not in (
            given.hash, given.chain_id, given.group_id,
        )  # fmt: skip
        context = given.replace(rules="strict") if isinstance(given, FiscoContext) else FiscoContext()
        walk = _Walk([], [], [], context, loose=_rules(trusted) == "compatible")
        wanted = "generation 3 with hash, chain_id, group_id and sealers"
        if not walk.add("context", known and bool(context.sealers), None, wanted):
            return walk
        name = chain_name(context)
        walk.add("chain_id", bundle.chain_id == name, bundle.chain_id, name)
        bare = not bundle.certificate and 0 < len(bundle.headers) <= MAX_HEADERS
        got = f"{len(bundle.headers)} headers, a certificate of {len(bundle.certificate)} bytes"
        if not walk.add("form", bare, got, f"1 to {MAX_HEADERS} headers with their certificates in them"):
            return walk
        below = self._read(bundle, trusted, walk)
        if walk.holds:
            (self._lead_back if below else self._certify)(walk, trusted)
        if not walk.holds and len(walk.headers) < len(bundle.headers):
            walk.headers.clear()
        return walk

    def _read(self, bundle: Bundle, trusted: Trusted, walk: _Walk) -> bool:
        """Reads the headers; whether they are of blocks up to the trusted one."""
        hash = walk.context.hash
        assert hash is not None
        below = False
        for i, data in enumerate(bundle.headers):
            try:
                header = header_of(read(HEADER_PLAN, data, "header"))
            except InputError as error:
                walk.add("headers", False, f"header {i}: {error.got}", "headers in their canonical form")
                return False
            below = below or (i == 0 and header.number <= trusted.height)
            fault = _form_fault(header, data, hash, signed=not below)
            if fault:
                walk.add("headers", False, f"header {i}: {fault}", "headers in their canonical form")
                return False
            walk.headers.append(header)
            walk.hashes.append(header.hash(hash))
        walk.add("headers", True, f"{len(walk.headers)} headers")
        first = walk.headers[0].number
        linked = all(
            header.number == first + i and (i == 0 or header.parents[0][1] == walk.hashes[i - 1])
            for i, header in enumerate(walk.headers)
        )
        walk.add("links", linked, None, "each header names the hash of the one before")
        return below

    def _lead_back(self, walk: _Walk, trusted: Trusted) -> None:
        """A block up to the trusted one is final because the trusted one is behind it."""
        got = walk.headers[-1].number, walk.hashes[-1].hex()
        wanted = trusted.height, trusted.block_hash.hex()
        walk.add("trusted_block", got == wanted, f"{got[0]} {got[1]}", f"{wanted[0]} {wanted[1]}")

    def _certify(self, walk: _Walk, trusted: Trusted) -> None:
        """Every header is certified by the list that holds for it; the one next to the trusted block names it."""
        hash = walk.context.hash
        assert hash is not None
        first = walk.headers[0]
        if first.number == trusted.height + 1:
            walk.add(
                "trusted_block", first.parents[0][1] == trusted.block_hash, first.parents[0][1], trusted.block_hash
            )
        found: Certificate | None = None
        for i, header in enumerate(walk.headers):
            found = certify(header, hash, walk.hashes[i], walk.context)
            if i == 0:
                walk.signers = found.signers
            if not all(check.ok for check in found.checks):
                break
            if found.changed:
                names = tuple(sealer.hex() for sealer in header.sealers)
                walk.context = walk.context.replace(sealers=names, weights=header.weights)
        assert found is not None
        walk.checks += found.checks  # of the first header that has none, or of the last one

    # ---- statements ----------------------------------------------------------------------------------------------

    def _statement(self, bundle: Bundle, header: Header, walk: _Walk) -> Mapping[str, Any]:
        """The checks of the claim itself, and what it says."""
        said, inclusion = bundle.statement, bundle.inclusion
        plain = not said.key and (said.kind == "event" or said.event == 0) and inclusion.count == 0
        if said.kind == "header":
            plain = plain and not said.item and inclusion == Inclusion()
        walk.add("statement", plain, None, "no parts but those of its kind, and no number of leaves")
        if not plain or said.kind == "header":
            return {"block_hash": walk.hashes[0].hex(), "timestamp_ms": header.timestamp}
        hash = walk.context.hash
        assert hash is not None
        if said.kind == "transaction":
            item, root = v3_items.transaction(said.item, hash, walk.context), header.tx_root
        elif said.kind == "receipt":
            item, root = v3_items.receipt(said.item, hash, header.number), header.receipt_root
        else:
            item, root = v3_items.event(said.item, hash, header.number, said.event), header.receipt_root
        if not walk.add("item", not item.fault, item.fault or None, f"a {said.kind} with one reading"):
            return {}
        try:
            v3_merkle.check_path(hash, root, item.leaf, inclusion.nodes, inclusion.index)
            walk.add("inclusion", True, item.leaf, root)
        except ProofError as error:
            walk.add("inclusion", False, item.leaf, root, detail=error.verdict.meaning)
        if said.kind == "event":
            walk.add("log_bounds", True if walk.loose else None, detail=LOG_BOUNDS, certainty="read")
        return item.facts

    # ---- making --------------------------------------------------------------------------------------------------

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """A bundle from a block, or from a block's header and an answer with a proof."""
        context = trusted.context
        if not isinstance(context, FiscoContext) or context.hash is None:
            raise InputError("trusted.context", quote(type(context).__name__), "a FiscoContext with hash")
        unknown = set(sources) - set(self.sources)
        if unknown or "block" not in sources:
            raise InputError("sources", ", ".join(sorted(unknown)) or "no block", ", ".join(self.sources))
        tables, header = _block(sources["block"], context.hash)
        signed = header.number > trusted.height
        headers = [_canonical(header, context.hash, signed=signed)]
        for i, one in enumerate(sources.get("headers", ())):
            headers.append(_canonical(_header(one, context.hash, f"headers[{i}]"), context.hash, signed=signed))
        item, index = b"", 0
        nodes: Sequence[bytes] = ()
        if statement.kind != "header":
            item, index, nodes = self._leaf(sources, statement, context.hash, tables)
        return Bundle(
            "fisco-bcos", trusted.chain_id, trusted.height, trusted.block_hash, tuple(headers),
            inclusion=Inclusion(index, 0, tuple(nodes)),
            statement=Statement(statement.kind, item, b"", statement.event if statement.kind == "event" else 0),
        )  # fmt: skip

    def _leaf(
        self, sources: Mapping[str, Any], statement: Statement, hash: str, tables: Tables | None
    ) -> tuple[bytes, int, Sequence[bytes]]:
        """The item, its position and the nodes of its proof."""
        nodes: Sequence[bytes]
        kind = "transaction" if statement.kind == "transaction" else "receipt"
        table = "tx" if kind == "transaction" else "receipt"
        if kind in sources:
            answer = v3_rpc.document(sources[kind], kind)
            data = v3_rpc.transaction(answer, hash) if kind == "transaction" else v3_rpc.receipt(answer)
            found, row = read(TRANSACTION_PLAN if kind == "transaction" else RECEIPT_PLAN, data, kind), 0
            nodes = v3_rpc.proof(answer, "txProof" if kind == "transaction" else "txReceiptProof", kind)
            index = v3_merkle.position(hash, _leaves(found, kind, hash)[0].tobytes(), nodes)
        else:
            index = row = sources.get("index", -1)
            count = len(tables[table]) if tables is not None else 0
            if type(row) is not int or not 0 <= row < count:
                raise InputError("sources.index", quote(row), f"one of the {count} {kind}s of the block")
            assert tables is not None
            found = tables
            nodes = v3_merkle.prove(hash, _leaves(found, kind, hash), index)
        if kind == "transaction":
            return v3_items.transaction_item(v3_items.transaction_values(found, row)), index, nodes
        values = v3_items.receipt_values(found, row)
        return v3_items.receipt_item(values, joined=statement.kind == "receipt"), index, nodes


def chain_name(context: FiscoContext) -> str:
    """The name of a chain of this kind: chain and group."""
    return f"{context.chain_id}/{context.group_id}"


def _rules(trusted: Trusted) -> str:
    return str(getattr(trusted.context, "rules", "strict"))


def _form_fault(header: Header, data: bytes, hash: str, *, signed: bool) -> str:
    """Why a header is not in the form that a bundle has it in; "" where it is."""
    if header.encode(stated=False) != data or header.data_hash:
        return "not the canonical record, or with its hash"
    if header.version == RC4_VERSION:
        return "a header of 3.0.0-rc4, of whose time the hash has the lower half alone"
    found = v3_header.structure(header, present=True, strict=True)
    if not found.ok:
        return str(found.got)
    if not signed:
        return "signatures, to which nothing commits" if header.signatures else ""
    indexes = [index for index, _ in header.signatures]
    if indexes != sorted(set(indexes)):
        return "signatures that are not by ascending sealers"
    if hash == "keccak256" and any(v3_items.low_s(one) != one for _, one in header.signatures):
        return "a signature with the higher of two s"
    return ""


def _canonical(header: Header, hash: str, *, signed: bool) -> bytes:
    signatures = sorted(header.signatures) if signed else []
    if hash == "keccak256":
        signatures = [(index, v3_items.low_s(one)) for index, one in signatures]
    return replace(header, signatures=tuple(signatures)).encode(stated=False)


def _block(source: Any, hash: str) -> tuple[Tables | None, Header]:
    """The tables of a block - None: there is only its header - and its header."""
    if isinstance(source, (str, Mapping)) or one_bytes(source, "block")[:1] == b"{":
        answer = v3_rpc.document(source, "block")
        if not answer.get("transactions"):
            return None, _header(answer, hash, "block")
        source = v3_rpc.block(answer, hash)
    tables = read(BLOCK_PLAN, source, "block")
    return tables, header_of(tables, "block")


def _header(source: Any, hash: str, name: str) -> Header:
    rpc = isinstance(source, (str, Mapping)) or one_bytes(source, name)[:1] == b"{"
    data = v3_rpc.header(source, hash, name) if rpc else one_bytes(source, name)
    return header_of(read(HEADER_PLAN, data, name), name)


def _leaves(tables: Tables, kind: str, hash: str) -> Any:
    """The hashes of the transactions or receipts."""
    if kind == "receipt":
        return receipt_messages(tables).hashes(hash)
    return judge(tables, hash, FiscoContext(hash=hash), None, 1).hashes


RULES = FiscoProofs()
"""What :attr:`pycore.ledgers.fisco.ledger.Fisco.proofs` answers with."""
