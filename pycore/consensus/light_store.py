"""Where a light client keeps the blocks that it trusts: in memory, or in an SQLite file.

A block is handed to a store once it is verified, and not before; nothing else ever is. The file holds each as the
chain's protobuf bytes, written in one transaction that is on the disk before the call returns. A process that is killed
at any moment leaves a file with the blocks of all calls that returned, perhaps with that of the one that did not, and
with no part of any.

Every row has the SHA-256 of its content. A row is read only if that is right, and the header's hash is recomputed from
the bytes. That notices damage; it is no protection against somebody who may write the file: whoever may, decides what
is trusted.
"""

from __future__ import annotations

import bisect
import hashlib
import sqlite3
import threading
from pathlib import Path
from typing import Protocol

from pycore.base.columns import quote
from pycore.base.store_file import StoreFile
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError, StoreError

__all__ = ["LightStore", "MemoryLightStore", "SqliteLightStore"]

SCHEMA = 1
APPLICATION = 0x70634C74
"""SQLite's application_id of these files: "pcLt"."""
_WAIT = 10.0
_TABLE = """
CREATE TABLE blocks (
    chain TEXT NOT NULL, chain_id TEXT NOT NULL, height INTEGER NOT NULL, hash BLOB NOT NULL, block BLOB NOT NULL,
    digest BLOB NOT NULL, PRIMARY KEY (chain, chain_id, height)
)"""


class LightStore(Protocol):
    """Trusted light blocks of one chain by height. Safe to use from any number of threads.

    Every method raises StoreError where the store cannot be read or written.
    """

    def save(self, block: LightBlock, *, keep: int = 0) -> None:
        """Keep a verified block, then only the `keep` highest; 0: all. Both or neither.

        StoreError where there is another block of its height.
        """
        ...

    def get(self, height: int) -> LightBlock | None:
        """The block of a height."""
        ...

    def heights(self) -> list[int]:
        """Heights of all blocks, ascending."""
        ...

    def before(self, height: int) -> LightBlock | None:
        """The highest block below a height."""
        ...

    def after(self, height: int) -> LightBlock | None:
        """The lowest block above a height."""
        ...

    def clear(self) -> None:
        """Forget every block."""
        ...


class MemoryLightStore:
    """A :class:`LightStore` that ends with the process."""

    def __init__(self) -> None:
        self._blocks: dict[int, LightBlock] = {}
        self._lock = threading.Lock()

    def save(self, block: LightBlock, *, keep: int = 0) -> None:
        """As :class:`LightStore`."""
        with self._lock:
            known = self._blocks.get(block.height)
            if known is not None and known.hash != block.hash:
                raise _other("memory", block, known.hash)
            self._blocks[block.height] = block
            for height in sorted(self._blocks)[:-keep] if keep else ():
                del self._blocks[height]

    def get(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        with self._lock:
            return self._blocks.get(height)

    def heights(self) -> list[int]:
        """As :class:`LightStore`."""
        with self._lock:
            return sorted(self._blocks)

    def before(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        with self._lock:
            heights = sorted(self._blocks)
            place = bisect.bisect_left(heights, height)
            return self._blocks[heights[place - 1]] if place else None

    def after(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        with self._lock:
            heights = sorted(self._blocks)
            place = bisect.bisect_right(heights, height)
            return self._blocks[heights[place]] if place < len(heights) else None

    def clear(self) -> None:
        """As :class:`LightStore`."""
        with self._lock:
            self._blocks.clear()


class SqliteLightStore:
    """A :class:`LightStore` in an SQLite file, which several chains and processes may share.

    path      of the file; it is made when the first block is saved
    chain_id  whose blocks                     chain  whose rules they follow
    timeout   seconds to wait for another process

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     SqliteLightStore(Path(folder) / "light.db", "my-chain").heights()
    []
    """

    def __init__(self, path: str | Path, chain_id: str, *, chain: str = "cometbft", timeout: float = _WAIT) -> None:
        if not isinstance(chain_id, str):
            raise InputError("chain_id", quote(chain_id), "text")
        self.path = Path(path)
        self._chain, self._chain_id = chain, chain_id
        self._file = StoreFile(self.path, "light blocks", APPLICATION, SCHEMA, _TABLE, timeout)

    def save(self, block: LightBlock, *, keep: int = 0) -> None:
        """As :class:`LightStore`. InputError for a block of another chain."""
        if (block.validators.chain, block.signed_header.chain_id) != (self._chain, self._chain_id):
            given = quote(block.signed_header.chain_id)
            raise InputError("block", f"one of the chain {given}", f"one of {quote(self._chain_id)}")
        data, height, digest = block.to_bytes(), block.height, block.hash
        with self._file.open(write=True) as database:
            known = self._row(database, "height = ?", height)
            if known is not None and known.hash != digest:
                raise _other(str(self.path), block, known.hash)
            if known is None:
                row = (self._chain, self._chain_id, height, digest, data, self._digest(height, digest, data))
                database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", row)
            if keep:
                database.execute(
                    "DELETE FROM blocks WHERE chain = ?1 AND chain_id = ?2 AND height NOT IN (SELECT height FROM blocks"
                    " WHERE chain = ?1 AND chain_id = ?2 ORDER BY height DESC LIMIT ?3)",
                    (self._chain, self._chain_id, keep),
                )

    def get(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        return self._one("height = ?", height)

    def heights(self) -> list[int]:
        """As :class:`LightStore`."""
        query = "SELECT height FROM blocks WHERE chain = ? AND chain_id = ? ORDER BY height"
        with self._file.open() as database:
            return [height for (height,) in database.execute(query, (self._chain, self._chain_id))]

    def before(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        return self._one("height < ? ORDER BY height DESC LIMIT 1", height)

    def after(self, height: int) -> LightBlock | None:
        """As :class:`LightStore`."""
        return self._one("height > ? ORDER BY height LIMIT 1", height)

    def clear(self) -> None:
        """As :class:`LightStore`."""
        with self._file.open(write=True) as database:
            database.execute("DELETE FROM blocks WHERE chain = ? AND chain_id = ?", (self._chain, self._chain_id))

    # ---- rows --------------------------------------------------------------------------------------------------------

    def _one(self, where: str, height: int) -> LightBlock | None:
        with self._file.open() as database:
            return self._row(database, where, height)

    def _row(self, database: sqlite3.Connection, where: str, height: int) -> LightBlock | None:
        """The block of a row, if the row is as it was written."""
        query = f"SELECT height, hash, block, digest FROM blocks WHERE chain = ? AND chain_id = ? AND {where}"
        found = database.execute(query, (self._chain, self._chain_id, height)).fetchone()
        if found is None:
            return None
        at, hash_, data, digest = found
        damaged = StoreError(f"{self.path}: the block of height {at} is damaged")
        try:
            if self._digest(at, hash_, data) != digest:
                raise damaged
            block = LightBlock.read(data, chain=self._chain, form="wire")
        except (InputError, TypeError, ValueError, AttributeError) as error:
            raise damaged from error
        if (block.height, block.hash, block.signed_header.chain_id) != (at, hash_, self._chain_id):
            raise damaged
        return block

    def _digest(self, height: int, hash: bytes, data: bytes) -> bytes:
        """Over the row: every text and every byte string with its length."""
        state = hashlib.sha256(f"{height:d}:".encode())
        for part in (self._chain.encode(), self._chain_id.encode(), hash, data):
            state.update(len(part).to_bytes(8, "little") + part)
        return state.digest()


def _other(place: str, block: LightBlock, known: bytes) -> StoreError:
    return StoreError(f"{place}: height {block.height} has the block {known.hex()}, not {block.hash.hex()}")
