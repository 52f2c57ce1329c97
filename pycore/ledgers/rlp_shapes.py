"""Shapes of RLP items that several chains share, checked in columns: access lists, and tables of fields.

A shape answers per record: bool (n,), whether its item has that shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pycore.ledgers.rlp_columns import Fields, Items

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.ledgers.ffi_scan import Spans

    Marks = NDArray[np.bool_]

MAX_ENTRIES = 1 << 16
"""Entries of one list of a transaction: a block's gas pays for fewer."""

Rule: TypeAlias = int | str
"""A number of bytes: a number of at most so many. "address": 20 bytes; "to": those or nothing; "data": any string;
"access", "hashes", "authorizations": lists."""


def well_formed(fields: Fields, rules: Sequence[Rule]) -> Marks:
    """Whether each item of a record fits its rule."""
    marks: Marks = fields.sound.copy()
    for field, rule in enumerate(rules):
        marks &= _fits(fields, field, rule)
    return marks


def _fits(fields: Fields, field: int, rule: Rule) -> Marks:
    if isinstance(rule, int):
        return fields.is_number(field, rule)
    if rule == "address":
        return fields.is_bytes(field, 20)
    if rule == "to":
        return fields.is_bytes(field, 0, 20)
    if rule == "data":
        return fields.is_string(field)
    shape = {"access": access_lists, "hashes": hash_lists, "authorizations": authorization_lists}[rule]
    found: Marks = fields.is_list(field) & shape(fields.column(field))
    return found


def access_lists(content: Spans) -> Marks:
    """[[address, [key ...]] ...] (EIP-2930), addresses of 20 bytes and keys of 32."""
    entries = Items.of(content, most=MAX_ENTRIES, smallest=23)
    good: Marks = entries.faults == 0
    if not len(entries.cells):
        return good
    parts = Fields.inside(entries.spans, 2, sound=entries.lists)
    inner = parts.is_bytes(0, 20) & parts.is_list(1)
    inner &= hash_lists(parts.column(1))
    good &= ~entries.any_of(~inner, len(content))
    return good


def hash_lists(content: Spans) -> Marks:
    """[hash ...], of 32 bytes each."""
    items = Items.of(content, most=MAX_ENTRIES, smallest=33)
    bad = items.lists | (items.spans.lengths != 32)
    good: Marks = (items.faults == 0) & ~items.any_of(bad, len(content))
    return good


def authorization_lists(content: Spans) -> Marks:
    """[[chain id, address, nonce, parity, r, s] ...] (EIP-7702), one at least."""
    entries = Items.of(content, most=MAX_ENTRIES, smallest=26)
    good: Marks = (entries.faults == 0) & (entries.counts > 0)
    if not len(entries.cells):
        return good
    parts = Fields.inside(entries.spans, 6, sound=entries.lists)
    inner = well_formed(parts, (32, "address", 8, 1, 32, 32))
    good &= ~entries.any_of(~inner, len(content))
    return good


def first_bytes(spans: Spans) -> NDArray[np.uint8]:
    """uint8 (n,): the first byte of each piece, 0 where it has none."""
    found = np.zeros(len(spans), np.uint8)
    some = spans.lengths > 0
    found[some] = spans.data[spans.start[some]]
    return found
