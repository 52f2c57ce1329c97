"""Blocks in files: the block files of a peer or orderer, and streams of delivered blocks.

A block file (``blockfile_000000``) holds one record after another, each after its length as a varint: number, data
hash, previous hash, the entries, and the metadata; lists after their counts, byte strings after their lengths, all
varints. Zeros may follow the last one. A stream holds serialised blocks, each after its length as a varint.

Source: ``common/ledger/blkstorage`` of Fabric, as read in public copies; read on a published file.
"""

from __future__ import annotations

from collections.abc import Iterator

from pycore._pb.ledgers.fabric.v1.block_pb2 import Block
from pycore.errors import InputError
from pycore.ledgers.fabric.block import MAX_ENTRIES

MAX_RECORD = 512 << 20
"""Bytes of a record that are read."""


def blocks_of_file(data: bytes) -> Iterator[bytes]:
    """The blocks of a block file, serialised as Fabric sends them. InputError named `file`: where a record is broken,
    after the blocks before it."""
    for where, record in _records(data):
        yield _block(record, where)


def blocks_of_stream(data: bytes) -> Iterator[bytes]:
    """The blocks of a stream, as they are. InputError named `file`: where one is cut off."""
    for _, record in _records(data):
        yield record


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    cursor = _Cursor(data, 0)
    while cursor.at < len(data):
        start = cursor.at
        size = cursor.number()
        if size == 0:
            if data[start:].strip(b"\0"):
                raise InputError("file", f"a record of 0 bytes at byte {start}", "a block file, or zeros to its end")
            return
        if size > MAX_RECORD:
            raise InputError("file", f"a record of {size} bytes at byte {start}", f"at most {MAX_RECORD}")
        yield start, cursor.take(size)


def _block(record: bytes, where: int) -> bytes:
    cursor = _Cursor(record, where)
    made = Block()
    made.header.number = cursor.number()
    made.header.data_hash = cursor.piece()
    made.header.previous_hash = cursor.piece()
    made.data.data.extend(cursor.pieces(MAX_ENTRIES))
    made.metadata.metadata.extend(cursor.pieces(64))
    if cursor.at != len(record):
        raise InputError("file", f"{len(record) - cursor.at} bytes after the block at byte {where}", "no more")
    return made.SerializeToString()


class _Cursor:
    """Varints and byte strings, one after another."""

    def __init__(self, data: bytes, where: int) -> None:
        self.data, self.at, self._where = data, 0, where

    def number(self) -> int:
        """The next varint, below 2^64."""
        value = shift = 0
        while self.at < len(self.data) and shift < 64:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if value >> 64:
                    break
                return value
        raise InputError("file", f"a number that is cut off or too long near byte {self._where + self.at}", "a varint")

    def take(self, size: int) -> bytes:
        """So many bytes."""
        found = self.data[self.at : self.at + size]
        if len(found) != size:
            raise InputError("file", f"{len(found)} bytes near byte {self._where + self.at}", f"{size} bytes")
        self.at += size
        return found

    def piece(self) -> bytes:
        """The next byte string."""
        return self.take(self.number())

    def pieces(self, most: int) -> list[bytes]:
        """The next list of byte strings."""
        count = self.number()
        if count > most:
            raise InputError("file", f"{count} byte strings near byte {self._where + self.at}", f"at most {most}")
        return [self.piece() for _ in range(count)]
