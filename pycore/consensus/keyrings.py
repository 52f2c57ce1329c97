"""The prepared keys of a set of validators: parsed once, tabulated where that pays, kept when a set moves.

    first use        keys of one scheme are parsed together: a :class:`pycore.KeySet` without tables
    many small calls tables in addition, at most TABLES bytes, once small calls had PATIENCE signatures for each key.
                     Calls of MANY and more combine their equations and are not faster with tables
    a set moves      keys that stay keep all this; new keys become one generation more. Beyond GENERATIONS, or when
                     fewer than half of the kept keys are in the set, all are prepared again

So memory is bounded by the size of the set, however many heights it lives through.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import ffi, parallel
from pycore.base.registry import SCHEMES
from pycore.base.verdicts import Verdict
from pycore.signatures.batch import DEFAULT_USER_ID, Options
from pycore.signatures.keyset import KeySet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pycore.base.columns import Column

__all__ = ["GENERATIONS", "MANY", "PATIENCE", "TABLES", "Keyring", "distinct", "verify_places"]

PATIENCE = 64
"""Signatures of small calls, for each key, from which tables are made."""
TABLES = 16 << 20
"""Bytes that the tables of one generation of keys may take."""
MANY = 192
"""Signatures of a call for which no tables are used."""
GENERATIONS = 6
"""Groups of keys, all schemes together, that a set may consist of."""
_UNSUPPORTED = int(Verdict.UNSUPPORTED_ALGORITHM)
_DEFAULTS: dict[str, Any] = {
    "rules": None, "prehashed": False, "user_id": DEFAULT_USER_ID, "hash": None, "encoding": "compact",
    "der_rules": "strict",
}  # fmt: skip


class _Generation:
    """Keys of one scheme that came together."""

    def __init__(self, scheme: str, keys: Sequence[bytes], options: Mapping[str, Any]) -> None:
        self.scheme, self.keys = scheme, tuple(keys)
        self._id = SCHEMES[scheme].id
        self._options = Options.check(SCHEMES[scheme], **{**_DEFAULTS, **options})
        self._sets: dict[tuple[int, bool], KeySet] = {}  # (backend, with tables)
        self._asked = 0
        self._building = threading.Lock()

    def verify(
        self, rows: NDArray[np.int64], signatures: Column, messages: Column, threads: int | None
    ) -> NDArray[np.uint8]:
        """uint8 (n,): codes of n signatures, each by the key at a row."""
        keyset, count = self._keyset(len(rows)), parallel.resolve_threads(threads)
        return keyset.verify_columns(self._options, rows.astype(np.uint32), signatures, messages, count)

    def _keyset(self, n: int) -> KeySet:
        """A set for a call of n signatures, for the current backend: the tables of another one are of no use."""
        backend = ffi.backend_pick(ffi.KIND_SCHEME, self._id, MANY)
        if n < MANY:
            tabulated = self._sets.get((backend, True))
            if tabulated is not None:
                return tabulated
            self._asked += n  # threads that lose a count here only delay the tables
            if self._asked >= PATIENCE * len(self.keys) and self._building.acquire(blocking=False):
                try:
                    keyset = KeySet(self.scheme, self.keys, memory_limit=TABLES)
                    self._sets[backend, True] = keyset
                finally:
                    self._building.release()
                return keyset
        plain = self._sets.get((backend, False))
        if plain is None:
            plain = KeySet(self.scheme, self.keys, memory_limit=0)
            self._sets[backend, False] = plain
        return plain


class Keyring:
    """The keys of n validators, by position.

    keys     n pairs (scheme, encoded key)
    options  scheme -> options of verification; keys of other schemes verify nothing
    """

    def __init__(self, keys: Sequence[tuple[str, bytes]], options: Mapping[str, Mapping[str, Any]]) -> None:
        self._keys = tuple(keys)
        self._options = options
        self._generations: list[_Generation] = []
        self._generation = np.full(len(keys), -1, np.int64)
        self._row = np.zeros(len(keys), np.int64)
        self._add(range(len(keys)))

    def _add(self, positions: Sequence[int]) -> None:
        """Makes generations of the keys at these positions, one for each scheme."""
        schemes: dict[str, list[int]] = {}
        for i in positions:
            schemes.setdefault(self._keys[i][0], []).append(i)
        for scheme, members in schemes.items():
            if scheme in self._options:
                self._generation[members] = len(self._generations)
                self._row[members] = np.arange(len(members))
                keys = [self._keys[i][1] for i in members]
                self._generations.append(_Generation(scheme, keys, self._options[scheme]))

    @cached_property
    def _places(self) -> dict[tuple[str, bytes], tuple[int, int]]:
        """Key -> generation and row."""
        return {
            (one.scheme, key): (at, row) for at, one in enumerate(self._generations) for row, key in enumerate(one.keys)
        }

    def moved(self, after: Keyring) -> Keyring:
        """The keys of `after`, which is fresh, with what is prepared here for those that are here too."""
        places = self._places
        kept = [i for i, key in enumerate(after._keys) if key in places]
        fresh = [i for i, key in enumerate(after._keys) if key not in places]
        schemes = {after._keys[i][0] for i in fresh} & set(self._options)
        if len(self._generations) + len(schemes) > GENERATIONS or 2 * len(kept) < len(places):
            return after
        found: Keyring = object.__new__(Keyring)
        found._keys, found._options = after._keys, self._options
        found._generations = list(self._generations)
        found._generation = np.full(len(after._keys), -1, np.int64)
        found._row = np.zeros(len(after._keys), np.int64)
        for i in kept:
            found._generation[i], found._row[i] = places[after._keys[i]]
        found._add(fresh)
        return found

    @cached_property
    def alone(self) -> _Generation | None:
        """The generation in which every key is, at its own position; None where there are others."""
        whole = (
            len(self._generations) == 1
            and len(self._generations[0].keys) == len(self._keys)
            and not self._generation.any()  # none is -1, a key whose scheme verifies nothing
            and bool((self._row == np.arange(len(self._keys))).all())
        )
        return self._generations[0] if whole else None

    @property
    def generations(self) -> int:
        """Groups that the keys are in."""
        return len(self._generations)


def verify_places(
    places: Sequence[tuple[Keyring, Any]],
    voters: NDArray[np.int64],
    signatures: Column,
    messages: Column,
    threads: int | None,
) -> NDArray[np.uint8]:
    """uint8 (n,): verdict codes of n signatures, equal ones verified once.

    places   (keyring, rows): whose keys the rows are by; together they are all rows. Keyrings that moved from one
             another are verified together
    voters   int64 (n,): positions in those keyrings
    """
    n = len(voters)
    if len(places) == 1 and places[0][0].alone is not None:
        one = places[0][0].alone
        first, copies = distinct(voters, signatures, messages)
        if first is None or copies is None:
            return one.verify(voters, signatures, messages, threads)
        return one.verify(voters[first], signatures.take(first), messages.take(first), threads)[copies]
    which, row = np.empty(n, np.int64), np.empty(n, np.int64)
    generations: dict[int, tuple[int, _Generation]] = {}
    for keyring, rows in places:
        order = [generations.setdefault(id(one), (len(generations), one))[0] for one in keyring._generations]
        at = voters[rows]
        which[rows] = np.array([*order, -1], np.int64)[keyring._generation[at]]
        row[rows] = keyring._row[at]
    first, copies = distinct((which << 32) + row, signatures, messages)
    if first is None or copies is None:
        return _by_generation([one for _, one in generations.values()], which, row, signatures, messages, threads)
    codes = _by_generation(
        [one for _, one in generations.values()],
        which[first],
        row[first],
        signatures.take(first),
        messages.take(first),
        threads,
    )
    return codes[copies]


def _by_generation(
    generations: Sequence[_Generation],
    which: NDArray[np.int64],
    row: NDArray[np.int64],
    signatures: Column,
    messages: Column,
    threads: int | None,
) -> NDArray[np.uint8]:
    """The codes; `which` generation, -1 for a scheme that is not built."""
    present = np.unique(which).tolist() if len(generations) != 1 else [*{int(which.min()), int(which.max())}]
    if len(present) == 1 and present[0] >= 0:
        return generations[present[0]].verify(row, signatures, messages, threads)
    codes = np.full(len(which), _UNSUPPORTED, np.uint8)
    for at in present:
        if at >= 0:
            rows = np.flatnonzero(which == at)
            codes[rows] = generations[at].verify(row[rows], signatures.take(rows), messages.take(rows), threads)
    return codes


def distinct(
    positions: NDArray[np.int64], signatures: Column, messages: Column
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | tuple[None, None]:
    """Which of n items to verify when equal ones are verified once: the first of each kind, ascending, and for every
    item its place among those; None and None where no two are equal."""
    n = len(positions)
    if n < 2:
        return None, None
    if signatures.offsets is None and signatures.data.shape[1] >= 8 and signatures.data.strides[1] == 1:
        heads = np.ascontiguousarray(signatures.data[:, :8]).view(np.uint64)[:, 0]
        ordered = np.sort(heads)
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(again):  # equal signatures have equal heads
            return None, None
        candidates = np.flatnonzero(np.isin(heads, again)).tolist()
    else:
        candidates = list(range(n))
    seen: dict[tuple[int, bytes, bytes], int] = {}
    original = np.arange(n)
    for i in candidates:
        original[i] = seen.setdefault((int(positions[i]), signatures[i], messages[i]), i)
    first = np.flatnonzero(original == np.arange(n))
    if len(first) == n:
        return None, None
    place = np.zeros(n, np.intp)
    place[first] = np.arange(len(first))
    return first, place[original]
