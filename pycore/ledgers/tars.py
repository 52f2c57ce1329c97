"""Tars records: a description of structs, the plan that reads them into columns, and a writer.

Tars is the encoding of FISCO BCOS 3.x. A chain describes its structs once, and everything else follows from that:

>>> FEE = Struct("Fee", Field(1, "gas", "long"))
>>> TX = Struct("Tx", Field(1, "id", "string"), Field(3, "fee", FEE), Field(4, "notes", "bytes", repeated=True))
>>> data = encode(TX, {"id": "a", "fee": {"gas": 300}, "notes": [b"x", b"yz"]})
>>> plan = TarsPlan(TX, {"": "tx", "notes": "note"}, {"tx": ["id", "fee.gas"]})
>>> tables = plan.scan(Spans.joined([data]))
>>> tables.span("tx", "id")[0], tables.number("tx", "fee.gas").tolist(), tables.span("note").items()
(b'a', [300], [b'x', b'yz'])

Source: TarsCloud/Tars, the encoding as its generated code writes and reads it. The walk is in C (``csrc/wire/tars.c``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pycore.errors import InputError
from pycore.ledgers import ffi_scan as native
from pycore.ledgers.scan import Plan, Spans, Tables
from pycore.ledgers.scan import PlannedField as _Field
from pycore.ledgers.scan import PlannedMessage as _Message
from pycore.ledgers.scan import PlannedPlace as _Place

__all__ = ["Field", "Spans", "Struct", "Tables", "TarsPlan", "encode"]

_KINDS = {
    "bytes": native.BYTES, "string": native.STRING, "byte": native.BOOL, "int": native.INT32,
    "unsigned int": native.UINT32, "long": native.UINT64,
}  # fmt: skip
_BITS = {"byte": 8, "int": 32, "long": 64}
_INT8, _STRING1, _STRING4, _LIST, _STRUCT, _END, _ZERO, _BYTES = 0, 6, 7, 9, 10, 11, 12, 13


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct.

    Attributes:
        number, name: its tag and its name.
        kind: "bytes" (vector<byte>) | "string" | "byte" | "int" | "unsigned int" | "long" | a Struct.
        repeated: a vector of these.
        required: written even when it is zero or empty.
    """

    number: int
    name: str
    kind: str | Struct
    repeated: bool = False
    required: bool = False


class Struct:
    """A struct: its name and fields."""

    def __init__(self, name: str, *fields: Field) -> None:
        self.full_name = name
        self.fields = tuple(sorted(fields, key=lambda one: one.number))
        self.fields_by_number = {one.number: one for one in fields}
        self.names = frozenset(one.name for one in fields)


class TarsPlan(Plan):
    """The fields that are read of one struct: :class:`pycore.ledgers.scan.Plan` over a :class:`Struct`.

    `cells` have no "!": there is nothing to cut out of a record.
    """

    _reader = "tars"

    @property
    def full_name(self) -> str:
        """The struct's name."""
        return str(self._descriptor.full_name)

    def where(self, path: Sequence[int]) -> str:
        """Names of the fields on a path of numbers."""
        names: list[str] = []
        kind: Any = self._descriptor
        for number in path:
            found = kind.fields_by_number[number]
            names.append(found.name)
            kind = found.kind
        return ".".join(names)

    def _visit(self, kind: Any, at: _Place, order: list[_Message]) -> _Message:
        made = _Message()
        for f in kind.fields:
            whole, local = f"{at.path}.{f.name}".lstrip("."), f"{at.inner}.{f.name}".lstrip(".")
            own = self._tables.get(whole)
            self._seen.add(whole)
            inner = isinstance(f.kind, Struct)
            flags = (native.REPEATED if f.repeated else 0) | (native.PRESENCE if f.required else 0)
            one = _Field(f.number, native.MESSAGE if inner else _KINDS[f.kind], flags, 0, table=own)
            self._nested |= own is not None and at.table != self.names[0]
            self._give_cells(one, at.table, local, at.shared or f.repeated)
            if inner:
                shared = False if own is not None else at.shared or f.repeated
                place = _Place(whole, own or at.table, "" if own is not None else local, shared, ())
                one.message = self._visit(f.kind, place, order)
            elif own is not None and one.kind > native.MESSAGE:
                self._widths[own] = native.VALUE + 1
            made.fields.append(one)
        order.append(made)
        return made


# ---- writing ---------------------------------------------------------------------------------------------------------


def encode(struct: Struct, values: Mapping[str, Any]) -> bytes:
    """The record in its canonical form: fields by number, every number in the least bytes, and nothing that is zero or
    empty unless it is required. Text is written as UTF-8, bytes for a string as they are.

    Raises:
        InputError: a name that the struct does not have, or a number that its field cannot hold.
    """
    out = bytearray()
    _put_fields(out, struct, values)
    return bytes(out)


def _put_fields(out: bytearray, struct: Struct, values: Mapping[str, Any]) -> None:
    unknown = values.keys() - struct.names
    if unknown:
        raise InputError(struct.full_name, f"fields {', '.join(sorted(unknown))}", "fields of the struct")
    for f in struct.fields:
        value = values.get(f.name)
        if f.repeated:
            if value:
                _put_head(out, f.number, _LIST)
                _put_integer(out, 0, len(value))
                for one in value:
                    _put(out, 0, f, one)
        elif f.required or value or (isinstance(f.kind, Struct) and value is not None):
            _put(out, f.number, f, value)


def _put(out: bytearray, number: int, f: Field, value: Any) -> None:
    if isinstance(f.kind, Struct):
        _put_head(out, number, _STRUCT)
        _put_fields(out, f.kind, value or {})
        _put_head(out, 0, _END)
    elif f.kind == "bytes":
        _put_head(out, number, _BYTES)
        out.append(_INT8)
        _put_integer(out, 0, len(value or b""))
        out += value or b""
    elif f.kind == "string":
        data = value.encode() if isinstance(value, str) else bytes(value or b"")
        _put_head(out, number, _STRING1 if len(data) < 256 else _STRING4)
        out += len(data).to_bytes(1 if len(data) < 256 else 4, "big")
        out += data
    else:
        low, high = (
            (0, (1 << 32) - 1) if f.kind == "unsigned int" else (-1 << _BITS[f.kind] - 1, (1 << _BITS[f.kind] - 1) - 1)
        )
        found = value or 0
        if type(found) is not int or not low <= found <= high:
            raise InputError(f.name, repr(found)[:40], f"an integer from {low} to {high}")
        _put_integer(out, number, found)


def _put_head(out: bytearray, number: int, kind: int) -> None:
    out += bytes((0xF0 | kind, number)) if number > 14 else bytes((number << 4 | kind,))


def _put_integer(out: bytearray, number: int, value: int) -> None:
    if value == 0:
        _put_head(out, number, _ZERO)
        return
    kind = next(kind for kind in range(4) if -1 << (8 << kind) - 1 <= value < 1 << (8 << kind) - 1)
    _put_head(out, number, kind)
    out += value.to_bytes(1 << kind, "big", signed=True)
