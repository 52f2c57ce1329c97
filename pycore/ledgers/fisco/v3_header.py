"""Headers of FISCO BCOS 3.x: their hash, their form, their place in the chain."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from pycore.base.report import Check
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fisco.context import HASHES, MAX_SEALERS, NODE_ID_SIZE, FiscoContext
from pycore.ledgers.fisco.v3_hashes import RC4_VERSION, header_message
from pycore.ledgers.fisco.v3_records import HEADER, HEADER_DATA
from pycore.ledgers.scan import START, Tables
from pycore.ledgers.tars import encode

FIRST_RELEASE = 0x03000000
"""Header version 3.0.0: 0xMMmmpp00."""
MAX_GAS_DIGITS = 20
_ZERO = bytes(32)


@dataclass(frozen=True)
class Header:
    """A header as it was sent. Names as in :data:`~pycore.ledgers.fisco.v3_records.HEADER_DATA`.

    Attributes:
        parents: (number, hash).
        gas_used: text.
        signatures: (index of the sealer, signature).
        data_hash: the hash that it states, b"" where it states none.
    """

    version: int = 0
    parents: tuple[tuple[int, bytes], ...] = ()
    tx_root: bytes = b""
    receipt_root: bytes = b""
    state_root: bytes = b""
    number: int = 0
    gas_used: bytes = b""
    timestamp: int = 0
    sealer: int = 0
    sealers: tuple[bytes, ...] = ()
    extra_data: bytes = b""
    weights: tuple[int, ...] = ()
    signatures: tuple[tuple[int, bytes], ...] = ()
    data_hash: bytes = b""

    @property
    def roots(self) -> tuple[bytes, bytes, bytes]:
        """Of transactions, receipts and state."""
        return self.tx_root, self.receipt_root, self.state_root

    def hash(self, name: str) -> bytes:
        """The hash of its content."""
        return hash_one(name, header_message({one.name: getattr(self, one.name) for one in fields(self)}))

    def values(self, *, stated: bool = True) -> dict[str, Any]:
        """The record's values; `stated` False: without its hash, which follows from the rest."""
        data = {one.name: getattr(self, one.name) for one in HEADER_DATA.fields}
        data["parents"] = [{"number": number, "hash": hash_} for number, hash_ in self.parents]
        signatures = [{"index": index, "signature": signature} for index, signature in self.signatures]
        return {"data": data, "signatures": signatures, "data_hash": self.data_hash if stated else b""}

    def encode(self, *, stated: bool = True) -> bytes:
        """The canonical record of :meth:`values`."""
        return encode(HEADER, self.values(stated=stated))

    def bare(self) -> Header:
        """Block 0 as it is hashed: what JSON-RPC shows as zeros is not there."""
        tx, receipt, state = (b"" if root == _ZERO else root for root in self.roots)
        gas = b"" if self.gas_used == b"0" else self.gas_used
        return replace(self, tx_root=tx, receipt_root=receipt, state_root=state, gas_used=gas)


def header_of(tables: Tables, name: str = "header") -> Header:
    """The header in the tables of a block or of a header; an empty one where a block has none.

    Raises:
        InputError: more sealers, weights, signatures or parents than any chain has.
    """
    for table in ("parent", "sealer", "weight", "signature"):
        if len(tables[table]) > MAX_SEALERS:
            raise InputError(name, f"{len(tables[table])} rows of {table!r}", f"at most {MAX_SEALERS}")
    if not len(tables["header"]):
        return Header()

    def number(path: str) -> int:
        return int(tables.number("header", f"data.{path}")[0])

    def data(path: str) -> bytes:
        return tables.span("header", f"data.{path}")[0]

    parents, signatures = tables.number("parent", "number").tolist(), tables.number("signature", "index").tolist()
    return Header(
        version=number("version"),
        parents=tuple(zip(parents, tables.span("parent", "hash").items(), strict=True)),
        tx_root=data("tx_root"),
        receipt_root=data("receipt_root"),
        state_root=data("state_root"),
        number=number("number"),
        gas_used=data("gas_used"),
        timestamp=number("timestamp"),
        sealer=number("sealer"),
        sealers=tuple(tables.span("sealer").items()),
        extra_data=data("extra_data"),
        weights=tuple(tables["weight"][:, START].tolist()),
        signatures=tuple(zip(signatures, tables.span("signature", "signature").items(), strict=True)),
        data_hash=tables.span("header", "data_hash")[0],
    )


def hash_name(header: Header, known: str | None, field: str) -> str:
    """The chain's hash: the known one, else the one under which the hash that the header states is right.

    Raises:
        InputError: neither tells.
    """
    if known is not None:
        return known
    for name in HASHES:
        if header.data_hash and header.hash(name) == header.data_hash:
            return name
    wanted = "'keccak256' or 'sm3': the header states no hash that is right under either"
    raise InputError(field, "None", wanted)


def structure(header: Header, *, present: bool, strict: bool) -> Check:
    """Whether the header has the form that the chain's nodes give it. Under the strict rules every part has the length
    that makes the concatenation that is hashed mean one thing only."""
    faults = []
    if not present:
        faults.append("there is no header")
    elif header.number < 0:
        faults.append(f"number {header.number}")
    elif strict:
        faults += _form(header)
    return Check("structure", not faults, got="; ".join(faults) or None, wanted="a header of FISCO BCOS 3.x")


def _form(header: Header) -> list[str]:
    faults = []
    if not (header.version >= FIRST_RELEASE or header.version == RC4_VERSION):
        faults.append(f"version {header.version:#x}")
    numbers = (header.number, header.sealer, *header.weights, *(number for number, _ in header.parents))
    if header.version == RC4_VERSION and not all(0 <= number < 1 << 31 for number in numbers):
        faults.append("a number of which the hash of 3.0.0-rc4 has the lower half alone")
    gas = header.gas_used
    if len(gas) > MAX_GAS_DIGITS or (gas and (not gas.isdigit() or (gas[:1] == b"0" and gas != b"0"))):
        faults.append("gasUsed is no decimal number")
    if header.number == 0:
        if header.parents or not {*map(len, header.roots)} <= {0, 32}:
            faults.append("block 0 with a parent or a root of another length")
        return faults
    if not gas:
        faults.append("no gasUsed")
    if len(header.parents) != 1 or header.parents[0][0] != header.number - 1 or len(header.parents[0][1]) != 32:
        faults.append("not exactly one parent, the block before")
    if {*map(len, header.roots)} != {32}:
        faults.append("a root of another length than 32 bytes")
    if len(header.sealers) != len(header.weights) or {len(one) for one in header.sealers} != {NODE_ID_SIZE}:
        faults.append("sealers and weights that do not fit together")
    elif list(header.sealers) != sorted(set(header.sealers)):
        faults.append("sealers that are not in order, or there twice")
    elif min(header.weights) < 1:
        faults.append("a sealer without weight")
    elif not 0 <= header.sealer < len(header.sealers):
        faults.append(f"proposed by sealer {header.sealer} of {len(header.sealers)}")
    return faults


def place(header: Header, context: FiscoContext) -> list[Check]:
    """The header's height, and the hash of the block before it."""
    missing = {"height": context.height is None, "previous_hash": context.previous_block_hash is None}
    found: dict[str, tuple[Any, Any]] = {
        "height": (header.number, context.height),
        "previous_hash": (header.parents[0][1] if header.parents else b"", context.previous_block_hash),
    }
    checks = []
    for name, (got, wanted) in found.items():
        if missing[name]:
            field = "height" if name == "height" else "previous_block_hash"
            checks.append(Check(name, None, got=got, detail=f"context.{field} is not known"))
        else:
            checks.append(Check(name, got == wanted, got=got, wanted=wanted))
    return checks


def stated_hash(header: Header, block_hash: bytes) -> Check:
    """The hash that the header states, against the one of its content."""
    if not header.data_hash:
        return Check("block_hash", True, wanted=block_hash, detail="the header states none")
    return Check("block_hash", header.data_hash == block_hash, got=header.data_hash, wanted=block_hash)


def is_empty_root(root: bytes) -> bool:
    """Whether a root is that of nothing: absent or 32 zero bytes."""
    return root in (b"", _ZERO)


def matrix(hashes: list[bytes]) -> Any:
    """uint8 (n, 32)."""
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), 32)
