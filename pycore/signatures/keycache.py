"""Keys that come back: noticed in :func:`pycore.verify_batch`, tabulated, and kept for the calls that follow.

A table of a key's multiples makes its verifications several times faster (:class:`pycore.KeySet`), and is worth
building for a key that signs more than a few times. Here keys are counted as they pass; one that comes often enough
gets a table, and later items under the same encoded key are verified by it. Verdicts are those of the plain path for
every input: a key is recognised by its bytes as encoded, compared in full, and only keys that parse are kept.

Memory is bounded by :func:`set_key_cache`, or ``PYCORE_KEY_CACHE`` (bytes), 64 MiB unless said otherwise; 0 turns it
off. The key that was used least recently makes room for a new one, but not while it is in regular use: when more keys
are in circulation than fit, those that are here stay and help, and the others are verified without a table.

Finding and counting keys is done in C (``pc_key_cache``); when to build a table and which to give up is decided here.
Snapshots (:class:`Shelf`) are immutable but for counters: looking keys up takes no lock, and a call that runs while a
key is evicted keeps the tables it uses.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycore.base import backends, ffi
from pycore.base.columns import as_column, quote
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.signatures import ffi_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pycore.base.registry import Scheme

__all__ = ["DEFAULT_MEMORY_LIMIT", "KeyCacheStats", "key_cache_stats", "set_key_cache", "without_key_cache"]

DEFAULT_MEMORY_LIMIT = 64 * 2**20

_WINDOWS = (6, 5, 4)  # widest first: 7 and 8 double the memory of a key for a few percent each
_LEAST_KEYS = 32  # of the widest window that is taken
_MOST_SLOTS = 1 << 14
_NEVER = 255  # items of a key, the most that a count can reach
_NEWCOMERS = 4  # once full, one frequent key in so many gets in: building tables must not eat what they save
_MOST_IDLE = 8  # a key is in regular use until so many times the keys that fit have passed without it


class KeyCacheStats(NamedTuple):
    """State of the cache of keys, and its counters since the process started.

    Attributes:
        memory_limit: bytes that tables may take; 0 when the cache is off.
        nbytes: bytes that they take now.
        keys: keys with a table now.
        hits, misses: items that were verified by a table, and that were looked up and had none.
        promotions, evictions: tables built, and given up for another key or a lower limit.
    """

    memory_limit: int
    nbytes: int
    keys: int
    hits: int
    misses: int
    promotions: int
    evictions: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """The kept keys of one backend and scheme at one moment.

    Attributes:
        cache: finds the keys, and has them as the set that :func:`pycore.signatures.ffi_keys.verify_keyset` takes.
        tables: per slot its table, which `cache` points into, or None.
        slots: the slot of each key, as encoded.
    """

    backend: int
    scheme: int
    table_size: int
    cache: ffi_keys.KeyCache
    tables: tuple[NDArray[np.uint8] | None, ...]
    slots: dict[bytes, int]


class Found(NamedTuple):
    """Keys of a batch that have a table: `hits` of them, at least one.

    Attributes:
        slots: uint32 (n,): the slot of each key in `shelf`; ``ffi_keys.NO_SLOT`` or ``WANTED`` where it has none.
    """

    shelf: Shelf
    slots: NDArray[np.uint32]
    hits: int


class KeyCache:
    """The cache of a process; see the module. Tests make their own.

    Args:
        memory_limit: bytes that tables may take.
        often: items of a key after which its table is built; None means what the registry says of the scheme.
    """

    def __init__(self, memory_limit: int, often: int | None = None) -> None:
        self.memory_limit = memory_limit
        self.often = often
        self._seed = secrets.randbits(64)
        self._lock = threading.Lock()
        self._shelves: dict[tuple[int, int], Shelf] = {}
        self._blank: dict[tuple[int, int], ffi_keys.KeyCache] = {}
        self._nbytes = self._hits = self._misses = self._promotions = self._evictions = 0
        self._newcomers = 0  # frequent keys that found the cache full

    def stats(self) -> KeyCacheStats:
        """Counters of this cache."""
        keys = sum(len(shelf.slots) for shelf in list(self._shelves.values()))
        return KeyCacheStats(
            self.memory_limit, self._nbytes, keys, self._hits, self._misses, self._promotions, self._evictions
        )

    def resize(self, memory_limit: int) -> None:
        """Set the limit and drop all tables."""
        with self._lock:
            self._evictions += sum(len(shelf.slots) for shelf in self._shelves.values())
            self._shelves = {}
            self._nbytes = 0
            self.memory_limit = memory_limit

    def find(self, backend: int, scheme: Scheme, items: ffi_keys.Items) -> Found | None:
        """The keys that have a table; None when no key has one.

        Counts the others, and builds tables for those that have come often.
        """
        shelf = self._shelf(backend, scheme)
        if shelf is None:
            return None
        n = items.n
        slots = np.empty(n, np.uint32)
        hits, wanted = shelf.cache.find(items, slots, count=True)
        if wanted:
            frequent = np.flatnonzero(slots == ffi_keys.WANTED).tolist()
            self._promote((backend, scheme.id), [items.key(item) for item in frequent])
            shelf = self._shelves.get((backend, scheme.id), shelf)
            hits, _ = shelf.cache.find(items, slots, count=False)  # the new tables serve this call already
        self._hits += hits
        self._misses += n - hits
        return Found(shelf, slots, hits) if hits else None

    def verify_few(
        self, backend: int, scheme: Scheme, params: ffi.VerifyParams, items: ffi_keys.FewItems
    ) -> NDArray[np.uint8] | None:
        """Verdict codes of a few items, whose keys C looks up as :meth:`find` does; None: no tables."""
        shelf = self._shelf(backend, scheme)
        cache = shelf.cache if shelf is not None else self._empty(backend, scheme)
        if cache is None:
            return None
        n = items.n
        codes = np.zeros(n, dtype=np.uint8)
        hits, wanted = cache.verify_few(backend, params, items, codes)
        if shelf is None:
            return codes
        self._hits += hits
        self._misses += n - hits
        if wanted:
            self._promote((backend, scheme.id), [items.rows[wanted - 1]])
        return codes

    def _shelf(self, backend: int, scheme: Scheme) -> Shelf | None:
        """The kept keys as they are now; None when none are kept."""
        if self.memory_limit <= 0 or _off.get():
            return None
        return self._shelves.get((backend, scheme.id)) or self._open(backend, scheme)

    def _empty(self, backend: int, scheme: Scheme) -> ffi_keys.KeyCache | None:
        """What calls of a few items take while no keys are kept: it never gets a key."""
        found = self._blank.get((backend, scheme.id))
        if found is None and ffi_keys.keyset_table_size(backend, scheme.id, _WINDOWS[-1]):
            found = ffi_keys.KeyCache(backend, scheme.id, 1, _WINDOWS[-1], _NEVER, self._seed)
            found = self._blank.setdefault((backend, scheme.id), found)
        return found

    # ---- under the lock ------------------------------------------------------------------------------------------

    def _open(self, backend: int, scheme: Scheme) -> Shelf | None:
        """An empty shelf, or None when not one useful table fits."""
        window = size = n_slots = 0
        for window in _WINDOWS:
            size = ffi_keys.keyset_table_size(backend, scheme.id, window)
            n_slots = min(self.memory_limit // size, _MOST_SLOTS) if size else 0
            if n_slots >= _LEAST_KEYS:
                break
        if n_slots == 0:
            return None
        often = self.often or scheme.table_pays
        cache = ffi_keys.KeyCache(backend, scheme.id, n_slots, window, often, self._seed)
        shelf = Shelf(backend, scheme.id, size, cache, (None,) * n_slots, {})
        with self._lock:
            return self._shelves.setdefault((backend, scheme.id), shelf)

    def _promote(self, name: tuple[int, int], wanted: list[bytes]) -> None:
        """Tables for these keys. A thread that finds another one at it leaves it at that: the keys will come again."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            shelf = self._shelves.get(name)
            if shelf is None:  # the limit has changed
                return
            fresh: dict[int, bytes] = {}
            for key in dict.fromkeys(wanted):
                if key in shelf.slots:  # another thread was faster
                    continue
                slot = self._room(name, fresh)
                if slot is not None:
                    fresh[slot] = key
            if fresh:
                self._publish(name, fresh)
        finally:
            self._lock.release()

    def _room(self, name: tuple[int, int], taken: dict[int, bytes]) -> int | None:
        """A slot for one more key within the limit, besides those taken; evicts another key if it may."""
        size = self._shelves[name].table_size
        if self._nbytes + (len(taken) + 1) * size > self.memory_limit:
            self._newcomers += 1
            if self._newcomers % _NEWCOMERS or not self._evict(size):
                return None
        free = (slot for slot, table in enumerate(self._shelves[name].tables) if table is None and slot not in taken)
        return next(free, None)

    def _publish(self, name: tuple[int, int], fresh: dict[int, bytes]) -> None:
        """The shelf with these keys in these free slots."""
        shelf = self._shelves[name]
        cache, tables, slots = shelf.cache.copy(), list(shelf.tables), dict(shelf.slots)
        built = [ffi.aligned_bytes(shelf.table_size) for _ in fresh]
        codes = np.zeros(len(fresh), np.uint8)
        cache.put(list(fresh), as_column(list(fresh.values()), "public_keys"), built, codes)
        for (slot, key), table, code in zip(fresh.items(), built, codes, strict=True):
            if code != Verdict.VALID:  # the slot stays empty
                continue
            tables[slot], slots[key] = table, slot
            self._nbytes += shelf.table_size
            self._promotions += 1
        self._shelves[name] = replace(shelf, cache=cache, tables=tuple(tables), slots=slots)

    def _evict(self, size: int) -> bool:
        """Give up the table of the key that came least recently, if that makes `size` bytes free and the key is not in
        regular use; False otherwise."""
        longest, victim, at = _MOST_IDLE * (self.memory_limit // size), None, 0
        for shelf in self._shelves.values():
            if not shelf.slots or shelf.table_size < size:
                continue
            slot, idle = shelf.cache.oldest()
            if idle > longest:
                longest, victim, at = idle, shelf, slot
        if victim is None:
            return False
        cache, tables = victim.cache.copy(), list(victim.tables)
        cache.drop(at)
        tables[at] = None
        slots = {key: slot for key, slot in victim.slots.items() if slot != at}
        self._nbytes -= victim.table_size
        self._evictions += 1
        self._shelves[victim.backend, victim.scheme] = replace(victim, cache=cache, tables=tuple(tables), slots=slots)
        return True


def _limit(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(name, quote(value), "a number of bytes, 0 or more")
    return int(value)


def _limit_from_environment() -> int:
    variable = os.environ.get("PYCORE_KEY_CACHE", "")
    if not variable:
        return DEFAULT_MEMORY_LIMIT
    try:
        return _limit(int(variable), "PYCORE_KEY_CACHE")
    except ValueError:
        raise InputError("PYCORE_KEY_CACHE", quote(variable), "a number of bytes, 0 or more") from None


_cache: KeyCache | None = None
_off: ContextVar[bool] = ContextVar("pycore_key_cache_off", default=False)


@contextmanager
def without_key_cache() -> Iterator[None]:
    """Calls in this block neither use the cache nor count keys: for measuring what distinct keys cost.

    >>> with without_key_cache():
    ...     before = key_cache_stats()
    """
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def key_cache() -> KeyCache:
    """The cache of this process."""
    global _cache
    if _cache is None:
        _cache = KeyCache(_limit_from_environment())
    return _cache


def _after_fork_in_child() -> None:
    """Its lock may have been held; the tables themselves came along unharmed, but start afresh."""
    global _cache
    if _cache is not None:
        _cache = KeyCache(_cache.memory_limit, _cache.often)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def set_key_cache(memory_limit: int | None) -> None:
    """Set how much memory tables of returning keys may take in this process, and drop those that there are.

    Args:
        memory_limit: bytes; 0 turns the cache off; None goes back to ``PYCORE_KEY_CACHE`` or 64 MiB.

    Raises:
        InputError: not a number of bytes.

    >>> set_key_cache(2**24)
    >>> key_cache_stats().memory_limit
    16777216
    >>> set_key_cache(None)
    """
    key_cache().resize(_limit_from_environment() if memory_limit is None else _limit(memory_limit, "memory_limit"))


def key_cache_stats() -> KeyCacheStats:
    """State of the cache of this process, and its counters.

    >>> key_cache_stats().hits >= 0
    True
    """
    return key_cache().stats()


backends.report_key_cache(key_cache_stats)
