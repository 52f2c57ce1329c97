"""An SQLite file that holds one table of this library: opened for one transaction at a time, and never mistaken.

The file's `application_id` says whose it is and `user_version` which schema it has; another file is refused. Reading
makes no file. A transaction is on the disk before it ends, and what was not committed is undone.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pycore.errors import StoreError

__all__ = ["StoreFile"]

_MARKS = ("application_id", "user_version")


@dataclass(frozen=True)
class StoreFile:
    """One file.

    Args:
        path: where it is, or will be when it is first written.
        holds: what is in it, in words for errors.
        application, schema: SQLite's application_id and user_version of such files.
        table: the statement that makes the table.
        timeout: seconds that another process may hold it.
    """

    path: Path
    holds: str
    application: int
    schema: int
    table: str
    timeout: float

    @contextlib.contextmanager
    def open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, committed at the end of the block.

        Raises:
            StoreError: another file, another schema, or whatever SQLite and the file system say.
        """
        try:
            database = self._connect(write)
            try:
                database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                self._check_schema(database, write)
                yield database
                database.execute("COMMIT")
            finally:
                database.close()  # what was not committed is undone
        except (sqlite3.Error, OSError, OverflowError) as error:
            raise StoreError(f"{self.path}: {error}") from error

    def _connect(self, write: bool) -> sqlite3.Connection:
        if write:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif not self.path.exists():
            return self._empty()
        place = f"{self.path.absolute().as_uri()}?mode={'rwc' if write else 'rw'}"
        database = sqlite3.connect(place, timeout=self.timeout, isolation_level=None, uri=True)
        try:
            database.execute("PRAGMA synchronous = FULL")
            if write or not _is_blank(database):
                return database
        except BaseException:
            database.close()
            raise
        database.close()
        return self._empty()

    def _check_schema(self, database: sqlite3.Connection, write: bool) -> None:
        if write and _is_blank(database):  # new, or its first writer did not get far
            self._create(database)
        application, schema = _marks(database)
        if application != self.application:
            raise StoreError(f"{self.path}: a database, but no store of {self.holds}")
        if schema != self.schema:
            raise StoreError(f"{self.path}: schema {schema}, and this version of pycore reads schema {self.schema}")

    def _empty(self) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:", isolation_level=None)
        self._create(database)
        return database

    def _create(self, database: sqlite3.Connection) -> None:
        database.execute(self.table)
        database.execute(f"PRAGMA application_id = {self.application}")
        database.execute(f"PRAGMA user_version = {self.schema}")


def _marks(database: sqlite3.Connection) -> list[int]:
    return [database.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS]


def _is_blank(database: sqlite3.Connection) -> bool:
    return _marks(database) == [0, 0] and not database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
