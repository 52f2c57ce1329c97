"""Sets of keys and the index that finds keys in them: the part of the C interface behind
``pycore.signatures.keyset`` and ``pycore.signatures.keycache``. As in ``pycore.base.ffi``, nothing here judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base.ffi import _BYTES, _NULL, _address, _bytes_pointer, _check, _scratch, aligned_bytes, ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.base.ffi import VerifyParams

FEW: int = lib.PC_FEW
"""The most items of :func:`verify_few`."""
_FEW_MIXED: int = lib.PC_FEW_MIXED
_NO_SLOT: int = 2**32 - 1

_SLOTS = ffi.typeof("uint32_t *")
_FEW_SLOTS = ffi.typeof("uint32_t[]")
_KEYSET = ffi.typeof("pc_keyset *")


def keyset_size(backend: int, scheme: int, n_keys: int, window: int) -> int:
    """Bytes of a set of keys with tables of this window (0: none); 0 when there is no such set."""
    return int(lib.pc_keyset_size(backend, scheme, n_keys, window))


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


def keyset_open(backend: int, scheme: int, n_slots: int, window: int) -> NDArray[np.uint8]:
    """A set of empty slots for keys with tables of their own: see :func:`keyset_put`."""
    memory = aligned_bytes(lib.pc_keyset_size(backend, scheme, n_slots, 0))
    _check(lib.pc_keyset_open(backend, scheme, n_slots, window, ffi.cast("pc_keyset *", _address(memory))), backend)
    return memory


def keyset_put(
    keyset: NDArray[np.uint8],
    slots: NDArray[np.uint32],
    keys: Column,
    tables: list[NDArray[np.uint8]],
    verdicts: NDArray[np.uint8],
) -> None:
    """Put keys into distinct slots; `tables` are aligned, of the table's size, and must live as long as their slots."""
    _check(
        lib.pc_keyset_put(
            ffi.cast("pc_keyset *", _address(keyset)),
            ffi.from_buffer(_SLOTS, slots),
            keys.to_native(),
            keys.n,
            ffi.new("void *[]", [_bytes_pointer(table) for table in tables]),
            _bytes_pointer(verdicts),
        )
    )


class KeyIndex:
    """Finds keys by their bytes: a ``pc_key_index`` with the memory it points to.

    Args:
        keys: C-contiguous uint8 (n_slots, longest key); row i is the key in slot i, and never changes.
        lengths: uint8 (n_slots,): bytes of each key; 0 is an empty slot.
        sightings: uint8, a power of two of counters, shared by the indices that follow each other.
        seed: a random 64-bit number.
    """

    __slots__ = ("_memory", "_struct")

    def __init__(
        self, keys: NDArray[np.uint8], lengths: NDArray[np.uint8], sightings: NDArray[np.uint8], seed: int
    ) -> None:
        buckets = np.empty(1 << (2 * len(lengths)).bit_length(), np.uint32)
        self._memory = (keys, lengths, sightings, buckets)
        self._struct = ffi.new("pc_key_index *")
        self._struct.keys = _bytes_pointer(keys)
        self._struct.stride = keys.shape[1]
        self._struct.lengths = _bytes_pointer(lengths)
        self._struct.buckets = pointer = ffi.from_buffer("uint32_t *", buckets)
        self._struct.sightings = _bytes_pointer(sightings)
        self._struct.n_slots = len(lengths)
        self._struct.bucket_mask = len(buckets) - 1
        self._struct.sighting_mask = len(sightings) - 1
        self._struct.seed = seed
        _check(lib.pc_key_index_fill(self._struct, pointer))

    @property
    def struct(self) -> Any:
        """The ``pc_key_index``."""
        return self._struct

    def find(self, keys: Column, often: int, room: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """``(slots, frequent)``: the slot of each key or 2^32 - 1, and at most `room` items of keys without a slot that
        have come `often` times (0: nothing is counted)."""
        slots, frequent = np.empty(keys.n, np.uint32), np.empty(room, np.uint32)
        count = lib.pc_key_index_find(
            self._struct,
            keys.to_native(),
            keys.n,
            often,
            ffi.from_buffer(_SLOTS, slots),
            ffi.from_buffer(_SLOTS, frequent),
            room,
        )
        if count < 0:
            _check(count)
        return slots, frequent[:count]


class FewFound(NamedTuple):
    """What :func:`verify_few` noticed about the keys: their slots when it verified by the set, else None, and the items
    whose keys have come often."""

    slots: list[int] | None
    frequent: list[int]


def verify_few(
    backend: int,
    params: VerifyParams,
    known: tuple[KeyIndex, Any, int] | None,
    keys: tuple[bytes, ...],
    signatures: tuple[bytes, ...],
    messages: tuple[bytes, ...],
    verdicts: NDArray[np.uint8],
) -> FewFound | None:
    """``pc_verify_few``: one verdict per item, at most ``FEW``; None, and nothing done, when some keys are known.

    known: which keys to look for, the set that has them, from :func:`keyset_pointer`, and how often is often.
    """
    n = len(keys)
    index, keyset, often = (known[0].struct, known[1], known[2]) if known else (_NULL, _NULL, 0)
    slots = ffi.new(_FEW_SLOTS, 2 * n) if known else _NULL
    scratch, scratch_size = _scratch.take(lib.pc_verify_scratch_size(backend, params.struct))
    code = lib.pc_verify_few(
        backend,
        params.struct,
        index,
        keyset,
        often,
        b"".join(keys),
        [*map(len, keys)],
        b"".join(signatures),
        [*map(len, signatures)],
        b"".join(messages),
        [*map(len, messages)],
        n,
        scratch,
        scratch_size,
        ffi.from_buffer(_BYTES, verdicts),
        slots,
        slots + n if known else _NULL,
    )
    if code == _FEW_MIXED:
        return None
    if code < 0:
        _check(code, backend)
    if not known or slots[0] == _NO_SLOT:
        return FewFound(None, [slots[n + i] for i in range(code)])
    return FewFound(ffi.unpack(slots, n), [])


def keyset_pointer(keyset: NDArray[np.uint8]) -> Any:
    """A set as :func:`verify_few` takes it; keeps its memory alive."""
    return ffi.from_buffer(_KEYSET, keyset)


def verify_keyset(
    backend: int,
    keyset: NDArray[np.uint8],
    params: VerifyParams,
    key_indices: NDArray[np.uint32],
    signatures: Column,
    messages: Column,
    verdicts: NDArray[np.uint8],
) -> None:
    """Like :func:`verify_batch` with keys by index into a set built for `backend`."""
    scratch, scratch_size = _scratch.take(lib.pc_verify_scratch_size(backend, params.struct))
    _check(
        lib.pc_verify_keyset(
            ffi.from_buffer(_KEYSET, keyset),
            params.struct,
            ffi.from_buffer(_SLOTS, key_indices),
            signatures.to_native(),
            messages.to_native(),
            len(verdicts),
            scratch,
            scratch_size,
            _bytes_pointer(verdicts),
        ),
        backend,
    )
