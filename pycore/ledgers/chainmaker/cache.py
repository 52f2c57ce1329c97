"""A map that forgets: bounded in entries and in bytes, safe to share between threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A thread-safe map that forgets what was used longest ago when it is full.

    capacity    entries
    max_bytes   sum of what `size` says of each entry; an entry above an eighth of it is not kept at all, so
                that one caller cannot push everybody else's out
    """

    def __init__(
        self, capacity: int, *, max_bytes: int | None = None, size: Callable[[K, V], int] | None = None
    ) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._size = size
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value, now the most recently used, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            return entry[0]

    def get_all(self, keys: Iterable[K]) -> dict[K, V | None]:
        """What :meth:`get` says of each distinct key, in the order of the keys."""
        found: dict[K, V | None] = dict.fromkeys(keys)
        entries, hits = self._entries, 0
        with self._lock:
            for key in found:
                entry = entries.get(key)
                if entry is not None:
                    entries.move_to_end(key)
                    found[key] = entry[0]
                    hits += 1
            self.hits += hits
            self.misses += len(found) - hits
        return found

    def put(self, key: K, value: V) -> None:
        """Remembers the value and forgets the oldest beyond the bounds."""
        weight = self._size(key, value) if self._size else 0
        if self._max_bytes is not None and weight > self._max_bytes // 8:
            return
        with self._lock:
            old = self._entries.pop(key, None)
            self.bytes += weight - (old[1] if old else 0)
            self._entries[key] = value, weight
            while len(self._entries) > self._capacity or (self._max_bytes is not None and self.bytes > self._max_bytes):
                self.bytes -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value, made when absent. Two threads may both make it; they agree on one."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
