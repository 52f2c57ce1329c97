"""Many proofs at once: the part of the C interface that ``csrc/trees/ics23.c`` is behind. As in ``pycore.base.ffi``,
nothing here judges."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.ffi import (
    _NULL,
    _OFFSETS,
    _backend,
    _bytes_pointer,
    _check,
    column_struct,
    ffi,
    lib,
)
from pycore.base.registry import HASHES as CORE_HASHES
from pycore.ics23.specs import HASHES, NO_HASH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.ics23.checking import Checker

_SPEC = ffi.typeof("pc_ics23_spec *")
_SPANS = ffi.typeof("pc_spans *")
_ITEMS = ffi.typeof("pc_ics23_item *")
_NODES = ffi.typeof("pc_ics23_node *")
_ROWS = ffi.typeof("uint32_t *")
_PLACES = ffi.typeof("uint32_t[]")
_ITEM_SIZE, _NODE_SIZE = ffi.sizeof("pc_ics23_item"), ffi.sizeof("pc_ics23_node")
_ITEM = np.dtype(
    {
        "names": ["key", "value", "key_len", "value_len"],
        "formats": ["<i8", "<i8", "<u4", "<u4"],
        "offsets": [ffi.offsetof("pc_ics23_item", name) for name in ("key", "value", "key_len", "value_len")],
        "itemsize": _ITEM_SIZE,
    }
)
_STEP_BYTES = 32
"""Nodes of this kernel's first try: one for so many bytes of proofs. Steps of real trees take 37 bytes and more."""
_KEPT_BYTES = 32 << 20
"""Memory that a thread keeps from one call to the next: new memory costs more than hashing in it."""
_MOST_PREFIX = 1 << 20
_MOST_LEAF_PREFIX = 4096


@dataclass(frozen=True, slots=True)
class NativeSpec:
    """A ``pc_ics23_spec`` with what it points to."""

    struct: Any
    digest_size: int
    keep: tuple[Any, ...]


def native_spec(checker: Checker) -> NativeSpec | None:
    """The checker's spec and rules for C; None where C lacks one of its hashes, or its sizes are beyond any tree's."""
    spec, inner, leaf = checker.spec, checker.spec.inner_spec, checker.spec.leaf_spec
    ids = []
    for op in (leaf.hash, leaf.prehash_key, leaf.prehash_value, inner.hash):
        name = HASHES[op].name if op != NO_HASH else None
        if name == "":
            return None
        ids.append(-1 if name is None else CORE_HASHES[name].id)
    wide = max(inner.min_prefix_length, inner.max_prefix_length, spec.left_bytes) > _MOST_PREFIX
    if wide or len(leaf.prefix) > _MOST_LEAF_PREFIX:
        return None
    places = [inner.child_order.index(child) for child in range(len(inner.child_order))]
    flags = (
        (lib.PC_ICS23_IAVL if checker.iavl else 0)
        | (lib.PC_ICS23_SIMPLE if checker.tendermint else 0)
        | (lib.PC_ICS23_STRICT if checker.strict else 0)
    )
    keep = (
        ffi.new("uint8_t[]", leaf.prefix or b"\0"),
        ffi.new(_PLACES, places),
        ffi.new("uint8_t[]", inner.empty_child or b"\0"),
    )
    struct = ffi.new(
        _SPEC,
        {
            "leaf_op": leaf.hash, "key_op": leaf.prehash_key, "value_op": leaf.prehash_value,
            "length_op": leaf.length, "inner_op": inner.hash,
            "leaf_hash": ids[0], "key_hash": ids[1], "value_hash": ids[2], "inner_hash": ids[3],
            "min_prefix": inner.min_prefix_length, "max_prefix": inner.max_prefix_length,
            "child_size": inner.child_size, "left_bytes": spec.left_bytes,
            "min_depth": spec.min_depth, "max_depth": spec.depth, "flags": flags,
            "leaf_prefix": keep[0], "leaf_prefix_len": len(leaf.prefix),
            "places": keep[1], "children": len(places),
            "empty_child": keep[2], "empty_len": len(inner.empty_child),
        },
    )  # fmt: skip
    return NativeSpec(struct, max(HASHES[leaf.hash].size, HASHES[inner.hash].size), keep)


class _Memory:
    """The memory of a call: items, nodes and digests, with room for so many."""

    def __init__(self, n: int, room: int, digest_size: int) -> None:
        self.items = np.empty(n * _ITEM_SIZE, np.uint8)
        self.nodes = np.empty(room * _NODE_SIZE, np.uint8)
        self.digests = np.empty((n + room) * digest_size, np.uint8)

    def holds(self, n: int, room: int, digest_size: int) -> bool:
        """Whether there is room for so many."""
        return (
            len(self.items) >= n * _ITEM_SIZE
            and len(self.nodes) >= room * _NODE_SIZE
            and len(self.digests) >= (n + room) * digest_size
        )


_spare = threading.local()


class Paths:
    """Proofs that were checked together.

    Attributes:
        codes: uint8 (n,), writable: verdicts; 0 for those that C leaves to others.
        data: uint8 (size,): what the proofs were read from.
    """

    def __init__(
        self,
        spec: NativeSpec,
        data: NDArray[np.uint8],
        bounds: tuple[NDArray[np.int64], NDArray[np.int64]],
        roots: tuple[Column, NDArray[np.uint32]],
        *,
        wrapped: bool,
        wanted: tuple[Column, Column] | None = None,
    ) -> None:
        """
        Args:
            spec: the spec.
            data: contiguous.
            bounds: starts and ends of the proofs, contiguous int64 (n,).
            roots: distinct roots, and which of them each proof is under.
            wrapped: whether the proofs are CommitmentProof messages, not ExistenceProof messages.
            wanted: keys and values, n each; None: whatever the proofs have.
        """
        start, end = bounds
        n = len(start)
        self.data, self._spec, self._keep = data, spec, (start, end)
        self._spans = ffi.new(
            _SPANS,
            (_bytes_pointer(data), data.size, ffi.from_buffer(_OFFSETS, start), ffi.from_buffer(_OFFSETS, end), 1, n),
        )
        self.codes = np.zeros(n, np.uint8)
        backend = _backend.get()
        distinct, groups = roots
        keys, values = (_NULL, _NULL) if wanted is None else [column_struct(one.data, one.offsets) for one in wanted]
        room = len(distinct) + data.size // _STEP_BYTES + 1024
        memory: _Memory | None = getattr(_spare, "memory", None)
        _spare.memory = None  # in use: it must not serve two at once
        while room:
            if memory is None or not memory.holds(n, room, spec.digest_size):
                memory = _Memory(n, room, spec.digest_size)
            room = lib.pc_ics23_exist(
                backend, spec.struct, self._spans, int(wrapped), column_struct(distinct.data, distinct.offsets),
                len(distinct), ffi.from_buffer(_ROWS, groups), keys, values,
                ffi.cast(_ITEMS, _bytes_pointer(memory.items)),
                ffi.cast(_NODES, _bytes_pointer(memory.nodes)), room, _bytes_pointer(memory.digests),
                _bytes_pointer(self.codes),
            )  # fmt: skip
            if room < 0:
                _check(room, backend)
        assert memory is not None
        self._memory = memory

    def release(self) -> None:
        """Leaves the memory to this thread's next call: nothing but `codes` may be asked for any more."""
        memory = self._memory
        if memory.items.nbytes + memory.nodes.nbytes + memory.digests.nbytes <= _KEPT_BYTES:
            _spare.memory = memory
        del self._memory

    def _item(self, index: int) -> Any:
        return self._memory.items[index * _ITEM_SIZE : (index + 1) * _ITEM_SIZE].view(_ITEM)[0]

    def key(self, index: int) -> bytes:
        """The key of a proof that is VALID or BAD_PROOF."""
        item = self._item(index)
        start = int(item["key"])
        return self.data[start : start + int(item["key_len"])].tobytes()

    def value(self, index: int) -> bytes:
        """The value of such a proof."""
        item = self._item(index)
        start = int(item["value"])
        return self.data[start : start + int(item["value_len"])].tobytes()

    def adjacent(self, present: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Whether no leaf stands between proofs 2 i and 2 i + 1; present, uint8 (2 n,): whether each is there."""
        n = len(present) // 2
        marks = np.zeros(n, np.uint8)
        code = lib.pc_ics23_adjacent(
            self._spec.struct, self._spans, ffi.cast(_ITEMS, _bytes_pointer(self._memory.items)),
            ffi.cast(_NODES, _bytes_pointer(self._memory.nodes)), _bytes_pointer(present), n, _bytes_pointer(marks),
        )  # fmt: skip
        _check(code, _backend.get())
        return marks
