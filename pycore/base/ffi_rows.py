"""The rows of ``csrc/registry.def``, read from the C core for ``pycore.base.registry``."""

from __future__ import annotations

from typing import Any, NamedTuple

from pycore.base.ffi import _rows, _text, ffi, lib


def hash_rows() -> list[tuple[int, str, int, int, str]]:
    """``(id, name, digest_size, block_size, source)`` of every hash, in registry order."""
    return [(r.id, _text(r.name), r.digest_size, r.block_size, _text(r.source)) for r in _rows(lib.pc_hash_at)]


class SchemeRow(NamedTuple):
    """A row ``PC_SCHEME`` of ``csrc/registry.def``; ``pycore.h`` says what each field means."""

    id: int
    name: str
    key_sizes: tuple[int, ...]
    signature_size: int
    flags: int
    table_pays: int
    user_id_limit: int
    default_user_id: bytes
    source: str


def _key_sizes(sizes: Any) -> tuple[int, ...]:
    n = 0
    while sizes[n]:
        n += 1
    return tuple(ffi.unpack(sizes, n))


def scheme_rows() -> list[SchemeRow]:
    """Every scheme, in registry order."""
    return [
        SchemeRow(
            r.id,
            _text(r.name),
            _key_sizes(r.key_sizes),
            r.signature_size,
            r.flags,
            r.table_pays,
            r.user_id_limit,
            _text(r.default_user_id).encode(),
            _text(r.source),
        )
        for r in _rows(lib.pc_scheme_at)
    ]


def rules_rows() -> list[tuple[int, str, int]]:
    """``(scheme id, name, flags)`` of every rule set; a scheme's first row is its default."""
    return [(r.scheme, _text(r.name), r.flags) for r in _rows(lib.pc_rules_at)]
