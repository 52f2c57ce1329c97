"""A store of trusted states in one SQLite file, for several processes at once.

A name stands for one chain. Its first state is added by its owner; from there it moves forward only, by bundles that
prove the next state, and each step stays in the history with the bundle that proved it. Nothing is overwritten: a state
that somebody else moved meanwhile is looked at again, and of two processes that bring the same bundle one moves it.

Every row has the SHA-256 of its content and of the row before it, so that damage is noticed when a state is read. That
is no protection against somebody who may write the file: whoever may, decides what is trusted.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from pycore.base.columns import quote
from pycore.base.store_file import StoreFile
from pycore.bundle import forms
from pycore.bundle.checking import AnyBundle, AnyTrusted, advance
from pycore.bundle.report import BundleReport
from pycore.bundle.trust import read_trusted, trusted_to_dict, trusted_to_json
from pycore.errors import InputError, StoreError
from pycore.ledgers.proof import Bundle, Trusted

SCHEMA = 1
APPLICATION = 0x70635473
"""SQLite's application_id of these files: "pcTs"."""
MAX_NAME = 100
MAX_NOTE = 1000
Judge: TypeAlias = Callable[[Bundle, Trusted], tuple[BundleReport, Trusted | None]]
_WAIT = 10.0
_TRIES = 16
_TABLE = """
CREATE TABLE steps (
    name TEXT NOT NULL, number INTEGER NOT NULL, height INTEGER NOT NULL, block_hash BLOB NOT NULL,
    state TEXT NOT NULL, at REAL NOT NULL, note TEXT NOT NULL, bundle BLOB, digest BLOB NOT NULL,
    PRIMARY KEY (name, number)
)"""
_COLUMNS = "name, number, height, block_hash, state, at, note, bundle, digest"


@dataclass(frozen=True, slots=True)
class Step:
    """One state of a name, and how it came about.

    Attributes:
        number: from 0, the state that was added.
        at: when it was written, Unix seconds.
        note: the words of whoever added it; "" for a step.
        bundle: the file that proved it; None for the one that was added.
        trusted: the state.
    """

    number: int
    at: float
    note: str
    bundle: bytes | None
    trusted: Trusted


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the store: its present state, and how many steps led to it."""

    name: str
    trusted: Trusted
    steps: int
    at: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the context."""
        state = self.trusted
        return {
            "name": self.name,
            "chain": state.chain,
            "chain_id": state.chain_id,
            "height": state.height,
            "block_hash": state.block_hash.hex(),
            "steps": self.steps,
            "at": self.at,
        }


class TrustStore:
    """The store in a file, which is made when the first state is added. May be shared between threads.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     TrustStore(Path(folder) / "trust.db").list()
    ()

    Every method raises StoreError where the file cannot be read or written, and InputError for a name that is not
    there.
    """

    def __init__(self, path: str | Path, *, timeout: float = _WAIT) -> None:
        """timeout: seconds to wait for another process."""
        self.path = Path(path)
        self._file = StoreFile(self.path, "trusted states", APPLICATION, SCHEMA, _TABLE, timeout)

    def add(self, name: str, trusted: AnyTrusted, *, note: str = "") -> Trusted:
        """Keeps a state that its owner trusts. InputError for a name that is taken, or no state."""
        key, state = _name(name), read_trusted(trusted_to_dict(read_trusted(trusted)))  # as it will be read again
        if len(note) > MAX_NOTE or forms.has_half(note):
            raise InputError("note", f"{len(note)} characters", f"text of at most {MAX_NOTE} that UTF-8 can write")
        with self._file.open(write=True) as database:
            if _last(database, key) is not None:
                raise InputError("name", repr(key), "one that is not taken; `remove` it first")
            _insert(database, key, None, state, note, None)
        return state

    def list(self) -> tuple[Entry, ...]:
        """Every name with its present state, in order of names."""
        query = "SELECT name, MAX(number) FROM steps GROUP BY name ORDER BY name"
        with self._file.open() as database:
            found = [(name, _last(database, name)) for name, _ in database.execute(query)]
            return tuple(Entry(name, row.trusted, row.number, row.at) for name, row in found if row is not None)

    def get(self, name: str, *, height: int | None = None) -> Trusted:
        """The present state of a name; with a height the one that it had there, which older bundles name.

        InputError where there is none.
        """
        key = _name(name)
        with self._file.open() as database:
            row = _last(database, key, height)
        if row is None:
            at = "" if height is None else f" at height {height}"
            raise InputError("name", repr(key) + at, "a state that is in the store")
        return row.trusted

    def history(self, name: str) -> tuple[Step, ...]:
        """All states of a name, the one that was added first."""
        key = _name(name)
        with self._file.open() as database:
            rows = _rows(database, "name = ? ORDER BY number", (key,))
            steps = tuple(_linked(rows))
        if not steps:
            raise InputError("name", repr(key), "a name that is in the store")
        return steps

    def advance(self, name: str, bundle: AnyBundle, *, judge: Judge = advance) -> tuple[BundleReport, Trusted | None]:
        """Moves a name's state by a bundle; None where it does not move.

        Where another process moves the state meanwhile the bundle is judged again, by the new state.

        judge   who decides: :func:`pycore.bundle.advance`, or a client's `advance_trust`, which is believed
        """
        key, given = _name(name), forms.read(bundle)
        for _ in range(_TRIES):
            with self._file.open() as database:
                row = _last(database, key)
            if row is None:
                raise InputError("name", repr(key), "a name that is in the store")
            report, moved = judge(given, row.trusted)
            if moved is None:
                return report, None
            if not _follows(moved, row.trusted) or not report.proven:
                raise StoreError(f"{self.path}: {key!r} was to be moved by something that does not follow it")
            with self._file.open(write=True) as database:
                now = _last(database, key)
                if now is not None and (now.number, now.digest) == (row.number, row.digest):
                    _insert(database, key, now, moved, "", forms.to_bytes(given))
                    return report, moved
        raise StoreError(f"{self.path}: {key!r} is moved by others all the time")

    def remove(self, name: str) -> int:
        """Forgets a name and its history; the number of states that there were."""
        key = _name(name)
        with self._file.open(write=True) as database:
            count = database.execute("DELETE FROM steps WHERE name = ?", (key,)).rowcount
            if not count:
                raise InputError("name", repr(key), "a name that is in the store")
        return count

    def audit(self, name: str) -> tuple[BundleReport, ...]:
        """Proves every step of a name again, from the state that was added. One report for each step."""
        steps = self.history(name)
        reports = []
        for before, after in pairwise(steps):
            report, moved = advance(after.bundle or b"", before.trusted)
            if moved is not None and moved != after.trusted:
                raise StoreError(f"{self.path}: step {after.number} of {name!r} is not what its bundle leads to")
            reports.append(report)
        return tuple(reports)


# ---- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it is in the file; its digest is right."""

    name: str
    number: int
    at: float
    note: str
    bundle: bytes | None
    digest: bytes
    trusted: Trusted
    before: bytes


def _digest(before: bytes, name: str, number: int, state: str, at: float, note: str, bundle: bytes | None) -> bytes:
    proof = None if bundle is None else hashlib.sha256(bundle).hexdigest()
    parts = [before.hex(), name, number, state, repr(at), note, proof]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _insert(
    database: sqlite3.Connection, name: str, after: _Row | None, state: Trusted, note: str, bundle: bytes | None
) -> None:
    number, before = (0, b"") if after is None else (after.number + 1, after.digest)
    text, at = trusted_to_json(state, indent=None), time.time()
    digest = _digest(before, name, number, text, at, note, bundle)
    values = (name, number, state.height, state.block_hash, text, at, note, bundle, digest)
    database.execute(f"INSERT INTO steps ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _rows(database: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
    return database.execute(f"SELECT {_COLUMNS} FROM steps WHERE {where}", values)


def _last(database: sqlite3.Connection, name: str, height: int | None = None) -> _Row | None:
    """The last state of a name, or the one at a height."""
    if height is not None and not 0 <= height < 1 << 63:
        return None
    values: tuple[Any, ...] = (name,) if height is None else (name, height)
    at = "" if height is None else " AND height = ?"
    found = _rows(database, f"name = ?{at} ORDER BY number DESC LIMIT 1", values).fetchone()
    if found is None:
        return None
    before = b""
    if type(found[1]) is not int:
        raise StoreError(f"a step of {name!r} is damaged")
    if found[1]:
        earlier = database.execute("SELECT digest FROM steps WHERE name = ? AND number = ?", (name, found[1] - 1))
        (before,) = earlier.fetchone() or (b"",)
    return _sound(found, before)


def _linked(rows: Iterator[tuple[Any, ...]]) -> Iterator[Step]:
    before = b""
    for number, row in enumerate(rows):
        if row[1] != number:
            raise StoreError(f"step {number} of {row[0]!r} is missing")
        sound = _sound(row, before)
        before = sound.digest
        yield Step(sound.number, sound.at, sound.note, sound.bundle, sound.trusted)


def _sound(row: tuple[Any, ...], before: bytes) -> _Row:
    """A row whose digest is right. StoreError for any other."""
    name, number, height, block_hash, text, at, note, bundle, digest = row
    try:
        right = _digest(before, name, number, text, at, note, bundle) == digest
        state = read_trusted(text) if right else None
    except (InputError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"step {number} of {name!r} is damaged ({error})") from error
    if state is None or (state.height, state.block_hash) != (height, block_hash):
        raise StoreError(f"step {number} of {name!r} is damaged")
    return _Row(name, number, at, note, bundle, digest, state, before)


def _follows(state: Trusted, before: Trusted) -> bool:
    same = (state.chain, state.chain_id) == (before.chain, before.chain_id)
    return same and state.height > before.height


def _name(name: object) -> str:
    wanted = f"1 to {MAX_NAME} printable characters without white space at its ends"
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise InputError("name", quote(name), wanted)
    return name
