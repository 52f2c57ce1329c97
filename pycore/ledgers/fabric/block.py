"""A block of Fabric opened: its header, its entries, its metadata; and the bytes that its hashes and signatures cover.

Block header hash: SHA-256 of DER SEQUENCE{INTEGER number, OCTET STRING previous_hash, OCTET STRING data_hash},
the number unsigned. Data hash: SHA-256 of all entries one after another, without lengths. Newer Fabric-X orderers hash
the length of each entry before it, 4 bytes, big-endian.

Sources: ``protoutil/blockutils.go`` of Fabric and of fabric-x-common, as read in public copies; the former recomputed
on published blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore._pb.ledgers.fabric.v1.block_pb2 import Block, BlockHeader
from pycore.base.go_protobuf import read
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fabric.plans import BLOCK
from pycore.ledgers.ffi_scan import TWICE
from pycore.ledgers.scan import FLAGS, Spans

SIGNATURES, LAST_CONFIG, CODES, ORDERER, COMMIT_HASH = range(5)
"""Positions of metadata."""
_ROOM = {"entry": 1024, "metadata": 8}
MAX_ENTRIES = 1 << 17
"""Entries of a block that are read."""


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header."""

    number: int
    previous_hash: bytes
    data_hash: bytes

    def der(self) -> bytes:
        """The bytes that are hashed and signed."""
        number = self.number.to_bytes(self.number.bit_length() // 8 + 1, "big")
        return sequence(element(0x02, number), octets(self.previous_hash), octets(self.data_hash))

    def hash(self, name: str = "sha256") -> bytes:
        """The block's hash."""
        return hash_one(name, self.der())

    def wire(self) -> bytes:
        """As protobuf writes it."""
        message = BlockHeader(number=self.number, previous_hash=self.previous_hash, data_hash=self.data_hash)
        return message.SerializeToString()


@dataclass(slots=True, eq=False)
class OpenBlock:
    """A block.

    Attributes:
        data: uint8, its bytes.
        header: None where it has none.
        entries: where each of its envelopes stands.
        metadata: by position.
        has_data, has_metadata: whether these messages are there at all.
    """

    data: NDArray[np.uint8]
    header: Header | None
    entries: Spans
    metadata: tuple[bytes, ...]
    has_data: bool
    has_metadata: bool

    def data_hash(self, name: str = "sha256", *, lengths: bool = False) -> bytes:
        """The hash of the entries; `lengths`: each after its length, as Fabric-X has it."""
        if lengths:
            return hash_one(name, b"".join(len(one).to_bytes(4, "big") + one for one in self.entries.items()))
        return self.entries.digest(name)

    def position(self, place: int) -> bytes:
        """One of the metadata; b"" where it is absent."""
        return self.metadata[place] if place < len(self.metadata) else b""


def open_block(data: bytes) -> OpenBlock:
    """Reads a serialised Block. InputError named `block` when the bytes are not one."""
    cells = np.array([[0, len(data)]], np.int64)
    raw = np.frombuffer(data, np.uint8)
    limits = {"entry": MAX_ENTRIES, "metadata": 64}
    tables = BLOCK.scan(Spans(raw, cells), limits=limits, room=_ROOM)
    if tables.faulty:
        raise tables.refusal("block", "a serialised Fabric block", len(data))
    if tables["block"][0, FLAGS] & TWICE:
        merged = read(Block, data).SerializeToString()
        raw, cells = np.frombuffer(merged, np.uint8), np.array([[0, len(merged)]], np.int64)
        tables = BLOCK.scan(Spans(raw, cells), limits=limits)
    for name, most in limits.items():
        if tables.counts[name] > most:
            raise InputError("block", f"{tables.counts[name]} of {name}", f"at most {most}")
    header = None
    if not tables.span("block", "header").absent[0]:
        number = int(tables.number("block", "header.number")[0]) % (1 << 64)
        header = Header(
            number, tables.span("block", "header.previous_hash")[0], tables.span("block", "header.data_hash")[0]
        )
    return OpenBlock(
        raw,
        header,
        tables.span("entry"),
        tuple(tables.span("metadata").items()),
        not bool(tables.span("block", "data").absent[0]),
        not bool(tables.span("block", "metadata").absent[0]),
    )


# ---- DER that is written ---------------------------------------------------------------------------------------------


def element(tag: int, content: bytes) -> bytes:
    """A DER value."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def octets(content: bytes) -> bytes:
    """An OCTET STRING."""
    return element(0x04, content)


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return element(0x30, b"".join(parts))
