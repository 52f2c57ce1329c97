"""Sets and caches of keys: the part of the C interface behind ``pycore.signatures.keyset`` and
``pycore.signatures.keycache``. As in ``pycore.base.ffi``, nothing here judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base.columns import as_column
from pycore.base.ffi import (
    _BYTES,
    _NULL,
    _address,
    _bytes_pointer,
    _check,
    _scratch,
    aligned_bytes,
    aligned_copy,
    ffi,
    lib,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.base.ffi import VerifyParams

FEW: int = lib.PC_FEW
"""The most items of :meth:`KeyCache.verify_few`."""
FEW_BYTES: int = lib.PC_FEW_BYTES
"""The most bytes of their rows."""
PART: int = lib.PC_PART
"""Items with tables from which it pays to part a call."""
NO_SLOT: int = lib.PC_NO_SLOT % 2**32
"""In place of a slot: the key has none."""
WANTED: int = lib.PC_WANTED % 2**32
"""The same, and it has come often enough for a table."""

_SLOTS = ffi.typeof("uint32_t *")
_PAIR = ffi.typeof("uint32_t[2]")
_KEYSET = ffi.typeof("pc_keyset *")
_CACHE = ffi.typeof("pc_key_cache *")


class Items:
    """The keys, signatures and messages of a call, in columns.

    Attributes:
        n: how many they are.
        messages: for whoever cuts the call into pieces: how many bytes there are, and where.
    """

    __slots__ = ("_keys", "_signatures", "messages", "n")

    def __init__(self, keys: Column | None, signatures: Column, messages: Column) -> None:
        """keys: None where they are in a set."""
        self._keys, self._signatures, self.messages = keys, signatures, messages
        self.n = signatures.n

    def key(self, item: int) -> bytes:
        """The encoded key of an item."""
        assert self._keys is not None
        return self._keys[item]

    def slice(self, start: int, stop: int) -> Items:
        """Items start up to stop, as a view."""
        if start == 0 and stop == self.n:
            return self
        keys = None if self._keys is None else self._keys.slice(start, stop)
        return Items(keys, self._signatures.slice(start, stop), self.messages.slice(start, stop))

    def take(self, rows: NDArray[np.intp]) -> Items:
        """These items, copied."""
        keys = None if self._keys is None else self._keys.take(rows)
        return Items(keys, self._signatures.take(rows), self.messages.take(rows))

    def native(self) -> tuple[Any, Any, Any]:
        """Keys, signatures and messages as ``pc_column``: keep this object alive while C reads."""
        keys = _NULL if self._keys is None else self._keys.to_native()
        return keys, self._signatures.to_native(), self.messages.to_native()


class FewItems(NamedTuple):
    """At most ``FEW`` items of at most ``FEW_BYTES`` bytes, as they are: for :meth:`KeyCache.verify_few`.

    Attributes:
        rows: the keys, then the signatures, then the messages.
        lengths: of each row.
    """

    rows: tuple[bytes, ...]
    lengths: list[int]

    @property
    def n(self) -> int:
        """How many items they are."""
        return len(self.lengths) // 3

    def columns(self) -> Items:
        """The same in columns."""
        n = self.n
        keys, signatures, messages = (as_column(self.rows[at : at + n], "rows") for at in (0, n, 2 * n))
        return Items(keys, signatures, messages)


def keyset_window(backend: int, scheme: int, n_keys: int, memory_limit: int) -> int:
    """The window that a set of keys should have in this many bytes; 0 when no tables fit."""
    window = int(lib.pc_keyset_window(backend, scheme, n_keys, memory_limit))
    if window < 0:
        _check(window, backend)
    return window


def keyset_build(
    backend: int, scheme: int, keys: Column, window: int, verdicts: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Parse and tabulate keys into a set; returns its memory, which must not move or change while it is used."""
    memory = aligned_bytes(lib.pc_keyset_size(backend, scheme, keys.n, window))
    pointer = ffi.cast("pc_keyset *", _address(memory))
    _check(
        lib.pc_keyset_build(backend, scheme, keys.to_native(), keys.n, window, pointer, _bytes_pointer(verdicts)),
        backend,
    )
    memory.flags.writeable = False
    return memory


def keyset_table_size(backend: int, scheme: int, window: int) -> int:
    """Bytes of one key's table; 0 when the scheme has none of this window."""
    return int(lib.pc_keyset_table_size(backend, scheme, window))


class KeyCache:
    """A ``pc_key_cache`` with its memory.

    Look-ups may come from any number of threads; what changes the cache is done to a :meth:`copy` that no other thread
    has yet.

    Args:
        backend, scheme, window: whose tables it is for.
        n_slots: keys that it has room for.
        often: items of a key, 1 to 255, after which it is wanted.
        seed: a random 64-bit number.
    """

    __slots__ = ("_memory", "_pointer", "keyset")

    def __init__(self, backend: int, scheme: int, n_slots: int, window: int, often: int, seed: int) -> None:
        size = lib.pc_key_cache_size(backend, scheme, n_slots)
        self._take(aligned_bytes(size))
        _check(
            lib.pc_key_cache_open(backend, scheme, n_slots, window, often, seed, self._pointer, self._memory.size),
            backend,
        )
        self.keyset = lib.pc_key_cache_keys(self._pointer)

    def _take(self, memory: NDArray[np.uint8]) -> None:
        self._memory = memory
        self._pointer = ffi.from_buffer(_CACHE, memory)

    def copy(self) -> KeyCache:
        """One that goes on by itself, with the same tables."""
        other = object.__new__(KeyCache)
        other._take(aligned_copy(self._memory))
        other.keyset = lib.pc_key_cache_keys(other._pointer)
        return other

    def put(self, slots: list[int], keys: Column, tables: list[NDArray[np.uint8]], verdicts: NDArray[np.uint8]) -> None:
        """Put keys into distinct free slots; `tables` are aligned, of the table's size, and must live as long as their
        slots. A key that does not parse leaves its slot free."""
        _check(
            lib.pc_key_cache_put(
                self._pointer,
                slots,
                keys.to_native(),
                keys.n,
                ffi.new("void *[]", [_bytes_pointer(table) for table in tables]),
                _bytes_pointer(verdicts),
            )
        )

    def drop(self, slot: int) -> None:
        """Free a slot."""
        _check(lib.pc_key_cache_drop(self._pointer, slot))

    def find(self, items: Items, slots: NDArray[np.uint32], *, count: bool) -> tuple[int, int]:
        """Write the slot of each item's key, ``NO_SLOT`` or ``WANTED``.

        Returns how many have a slot, and how many are wanted: none unless keys are counted.
        """
        found = ffi.new(_PAIR)
        code = lib.pc_key_cache_find(
            self._pointer, items.native()[0], items.n, count, ffi.from_buffer(_SLOTS, slots), found
        )
        if code:
            _check(code)
        return found[0], found[1]

    def verify_few(
        self, backend: int, params: VerifyParams, items: FewItems, verdicts: NDArray[np.uint8]
    ) -> tuple[int, int]:
        """Write the verdicts of a few items, by tables where there are some; the keys are counted.

        backend: the cache's. Returns how many have a table, and 0 or 1 + an item whose key is wanted.
        """
        scratch, scratch_size = _scratch.take(params.scratch_size(backend))
        code = lib.pc_verify_few(
            self._pointer,
            params.struct,
            b"".join(items.rows),
            items.lengths,
            len(verdicts),
            scratch,
            scratch_size,
            ffi.from_buffer(_BYTES, verdicts),
        )
        if code < 0:
            _check(code, backend)
        return code & 0xFF, code >> 8

    def oldest(self) -> tuple[int, int]:
        """``(slot, idle)``: whose key came least recently, ``NO_SLOT`` when there is none, and how many items of all
        caches came since."""
        slot, idle = ffi.new("uint32_t *"), ffi.new("uint64_t *")
        _check(lib.pc_key_cache_oldest(self._pointer, slot, idle))
        return slot[0], idle[0]


def keyset_pointer(keyset: NDArray[np.uint8]) -> Any:
    """A set as :func:`verify_keyset` takes it; keeps its memory alive."""
    return ffi.from_buffer(_KEYSET, keyset)


def verify_keys(
    backend: int, params: VerifyParams, items: Items, verdicts: NDArray[np.uint8], start: int, stop: int
) -> None:
    """Write the verdicts of items start up to stop, by their encoded keys."""
    part = items.slice(start, stop)
    keys, signatures, messages = part.native()
    scratch, scratch_size = _scratch.take(params.scratch_size(backend))
    out = ffi.from_buffer(_BYTES, verdicts) + start
    code = lib.pc_verify_batch(backend, params.struct, keys, signatures, messages, part.n, scratch, scratch_size, out)
    if code:
        _check(code, backend)


def verify_keyset(
    keyset: KnownKeys,
    params: VerifyParams,
    items: Items,
    verdicts: NDArray[np.uint8],
    start: int,
    stop: int,
) -> None:
    """The same by keys of a set."""
    part = items.slice(start, stop)
    _, signatures, messages = part.native()
    scratch, scratch_size = _scratch.take(params.scratch_size(keyset.backend))
    indices = ffi.from_buffer(_SLOTS, keyset.indices) + start
    out = ffi.from_buffer(_BYTES, verdicts) + start
    code = lib.pc_verify_keyset(
        keyset.pointer, params.struct, indices, signatures, messages, part.n, scratch, scratch_size, out
    )
    if code:
        _check(code, keyset.backend)


class KnownKeys(NamedTuple):
    """Which keys of a set items have.

    Attributes:
        pointer: the ``pc_keyset``, from :func:`keyset_pointer` or :attr:`KeyCache.keyset`.
        backend: that it was built for.
        indices: uint32 (n,), C-contiguous: the key of each item.
    """

    pointer: Any
    backend: int
    indices: NDArray[np.uint32]
