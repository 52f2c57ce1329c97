"""Signatures that were found valid, so that the same one need not be verified twice.

A row is remembered by 32 bytes: SHA-256 of a salt of this process, the options (scheme, rules, hash, encoding, signer's
identifier and all others), and the key, the signature and the digest of the message. Only VALID is remembered, and only
what the kernel said of exactly these bytes under exactly these options; everything else is verified again. The salt
keeps others from choosing what collides in the table; that no two rows have one digest rests on SHA-256 alone.

Requests of many rows are looked at by a few of them: where none is known, only these few are remembered, and the rest
is done as without a cache. So a block whose transactions came one by one before is found, and a stream of new
signatures pays next to nothing. Small requests are looked up one in eight while fewer than one in sixteen is found.

The table has two generations. When the younger is full it becomes the older, and the older is forgotten; a row that is
found in the older moves to the younger.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np

from pycore import hashing
from pycore.base.columns import Column
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.service.shapes import Shaped
from pycore.service.work import Work

__all__ = ["VerdictCache"]

ENTRY_BYTES = 192
"""What a row takes: its digest as an object, and its place in a table that is not full."""

_KIND = "VerifySignatures"
_AT_ONCE = 4  # rows: looked up on the event loop, before the request joins others
_AT_ONCE_BYTES = 1 << 16  # of their rows: hashed there in a fraction of a millisecond
_MOST_OPTIONS = 1 << 14  # bytes of text in the options of a work that is looked up; longer ones are wrong anyway
_FEW = 16  # rows: looked up one by one, and always
_SAMPLE = 4
_WINDOW = 1 << 15  # look-ups: more than two blocks of transactions that came one by one before
_WORTH = 16  # a look-up costs a small request less than a tenth of what a hit saves
_BYTE, _PART = 8, 7  # one in eight, by a byte of the signature
_LOCKED = 1024  # rows
_VALID = int(Verdict.VALID)


class VerdictCache:
    """Remembers valid signatures. Any thread may call any method.

    Args:
        nbytes: most memory that it takes; at least a few entries.
        salt: 32 bytes that nobody else knows; random ones by default.

    Attributes:
        hits: rows that were found, of those that were looked up.
        misses: rows that were not.
        asleep: whether few are found, so that small requests are looked up one in eight.
    """

    def __init__(self, nbytes: int, salt: bytes | None = None) -> None:
        self._most = max(1, nbytes // ENTRY_BYTES // 2)
        self._salt = secrets.token_bytes(32) if salt is None else salt
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._lock = threading.Lock()
        self._prefix = lru_cache(maxsize=256)(self._prefix_of)
        self._window = [0, 0]  # hits and look-ups since `asleep` was decided
        self.asleep = False
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def nbytes(self) -> int:
        """About how much memory the entries take."""
        return len(self) * ENTRY_BYTES

    def known(self, work: Work) -> Verdicts | None:
        """The verdicts of a small work whose rows are all known; else None, and its marks are set for `run`.

        Quick: it is called on the event loop.
        """
        if work.n > _AT_ONCE or not _fits(work) or (self.asleep and self._passes_over(work)):
            return None
        if not isinstance(work, Shaped) and sum(column.nbytes for column in work.columns) > _AT_ONCE_BYTES:
            return None
        marks = self._one_by_one(work, range(work.n))
        if not all(self._look_up(marks)):
            work.marks[:] = marks
            return None
        return Verdicts.of_kernel(np.full(work.n, _VALID, dtype=np.uint8))

    def _passes_over(self, work: Work) -> bool:
        """Whether a work is of those that are left out while few are found. It depends on the signature, so that the
        same one is always left out or never."""
        cell = work.cells()[1] if isinstance(work, Shaped) else next(_cells(work.columns[1], (0,)))
        return len(cell) <= _BYTE or cell[_BYTE] & _PART != self._salt[0] & _PART

    def run(self, work: Work, do: Callable[[Work], Any]) -> Any:
        """What `do` gives for a work. Rows that are known are not among those that it is given."""
        if not _fits(work):
            return do(work)
        if work.marks or ((work.n <= _FEW or work.joined) and self.asleep):
            marks = work.marks or [None] * work.n
            return self._rest(work, do, marks, self._has(marks))
        if work.n > _FEW and not work.joined:
            sample = [work.n * i // _SAMPLE for i in range(_SAMPLE)]
            digests = self._one_by_one(work, sample)
            if not any(self._look_up(digests)):
                verdicts: Verdicts = do(work)
                self._remember(digests, verdicts.codes[sample].tobytes())
                return verdicts
        digests = self._digests(work)
        return self._rest(work, do, digests, self._look_up(digests))

    def _rest(
        self, work: Work, do: Callable[[Work], Any], marks: Sequence[bytes | None], found: list[bool]
    ) -> Verdicts:
        """The verdicts where some rows, or none, are known: the others are verified, and remembered by their marks."""
        if not any(found):
            verdicts: Verdicts = do(work)
            self._remember(marks, verdicts.codes.tobytes())
            return verdicts
        codes = np.full(work.n, _VALID, dtype=np.uint8)
        rows = np.flatnonzero(~np.array(found, dtype=np.bool_))
        if len(rows):
            columns = tuple(column.take(rows) for column in work.columns)
            try:
                verdicts = do(Work(work.kind, work.options, columns, len(rows), len(rows)))
            except InputError:
                return cast("Verdicts", do(work))  # its words count all rows
            codes[rows] = verdicts.codes
            self._remember([marks[row] for row in rows.tolist()], verdicts.codes.tobytes())
        return Verdicts.of_kernel(codes)

    # ---- digests -----------------------------------------------------------------------------------------------------

    def _prefix_of(self, options: Hashable) -> bytes:
        words = repr(options)  # of words, bytes, bools and None: no two have the same
        return hashlib.sha256(self._salt + words.encode("utf-8", "backslashreplace")).digest()

    def _one_by_one(self, work: Work, rows: Sequence[int]) -> list[bytes]:
        sha256 = hashlib.sha256
        prefix = self._prefix(work.options)
        found = []
        if isinstance(work, Shaped):
            cells: Iterable[Sequence[bytes]] = [work.cells()]
        else:
            cells = zip(*(_cells(column, rows) for column in work.columns), strict=True)
        for key, signature, message in cells:
            sizes = (len(key) << 32 | len(signature)).to_bytes(8, "little")
            found.append(sha256(b"".join((prefix, sizes, key, signature, sha256(message).digest()))).digest())
        return found

    def _digests(self, work: Work) -> list[bytes]:
        """The same for all rows, by the batch kernels where the forms allow it."""
        keys, signatures, messages = work.columns
        if work.n <= _FEW or keys.width is None or signatures.width is None:
            return self._one_by_one(work, range(work.n))
        head = self._prefix(work.options) + (keys.width << 32 | signatures.width).to_bytes(8, "little")
        parts = (
            np.broadcast_to(np.frombuffer(head, dtype=np.uint8), (work.n, len(head))),
            keys.data.reshape(work.n, keys.width),
            signatures.data.reshape(work.n, signatures.width),
            hashing.hash_batch("sha256", messages, threads=1),
        )
        raw = hashing.hash_batch("sha256", np.concatenate(parts, axis=1), threads=1).tobytes()
        return [raw[at : at + 32] for at in range(0, len(raw), 32)]

    # ---- the table ---------------------------------------------------------------------------------------------------

    def _has(self, marks: Sequence[bytes | None]) -> list[bool]:
        young, old = self._young, self._old
        return [one in young or one in old for one in marks]

    def _look_up(self, digests: list[bytes]) -> list[bool]:
        found = self._has(digests)
        hits = sum(found)
        with self._lock:
            self.hits += hits
            self.misses += len(found) - hits
            if hits:
                self._add(one for one, known in zip(digests, found, strict=True) if known and one in self._old)
            self._window[0] += hits
            self._window[1] += len(found)
            if self._window[1] >= _WINDOW or (self.asleep and self._window[0] >= _WINDOW // _WORTH):
                self.asleep = self._window[0] * _WORTH < self._window[1]
                self._window = [0, 0]
        return found

    def _remember(self, marks: Sequence[bytes | None], codes: bytes) -> None:
        found = [one for one, code in zip(marks, codes, strict=True) if code == _VALID and one is not None]
        for start in range(0, len(found), _LOCKED):  # the event loop may be waiting for the lock
            with self._lock:
                self._add(found[start : start + _LOCKED])

    def _add(self, digests: Any) -> None:
        for one in digests:
            if len(self._young) >= self._most:
                self._old, self._young = self._young, set()
            self._young.add(one)


def _cells(column: Column, rows: Sequence[int]) -> Iterator[bytes]:
    """Some rows of a column. Quicker than asking for them one by one: that checks each number."""
    data, offsets = column.data, column.offsets
    if offsets is None:
        return (data[row].tobytes() for row in rows)
    return (data[offsets[row] : offsets[row + 1]].tobytes() for row in rows)


def _fits(work: Work) -> bool:
    """Whether a work is one that may be remembered: its bytes stay as they are until the kernel has seen them."""
    if isinstance(work, Shaped):
        return work.kind == _KIND
    if work.kind != _KIND or not work.n:
        return False
    if not all(isinstance(one, Column) and one.n == work.n and _is_private(one.data) for one in work.columns):
        return False
    return _size(work.options) <= _MOST_OPTIONS


def _size(options: Any) -> int:
    """The length of the texts in the options of a work, which nobody has checked yet."""
    if isinstance(options, (str, bytes)):
        return len(options)
    return sum(map(_size, options)) if isinstance(options, tuple) else 0


def _is_private(data: Any) -> bool:
    """Whether nobody else can write to an array. Its flags do not say so: memory may be shared with another process."""
    while isinstance(data, (np.ndarray, memoryview)):
        data = data.base if isinstance(data, np.ndarray) else data.obj
    return data is None or isinstance(data, bytes)
