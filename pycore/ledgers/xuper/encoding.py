"""The bytes that a transaction's digest and id are taken over: three versions, two encodings.

The digest, which is signed, is SHA256d of the encoding without signatures, the id of the one with them (xupercore
56f3d1af20d7, bcs/ledger/xledger/state/utxo/txhash):

    versions 0 to 2   values as Go's encoding/json writes them, a newline behind each; empty bytes of some fields are
                      left out, which is why such a text can be read in more than one way
    version 3         numbers in 8 bytes, big endian; bytes and lists behind their length; arguments by key

Neither holds blockid, received_timestamp or modify_block; versions 0 and 1 not hd_info either. Confirmed by published
transactions of versions 1, 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.columns import Column
from pycore.hashing.batch import hash_batch
from pycore.ledgers.scan import NUMBER, PARENT, START, Spans, Tables
from pycore.ledgers.write import (
    BE64,
    BE64_SIZED,
    BYTES,
    DECIMAL,
    JSON,
    JSON_BASE64,
    Records,
    Writing,
    counts,
    following,
)
from pycore.ledgers.xuper.columns import Columns
from pycore.ledgers.xuper.plans import AUTH_SIGN, INITIATOR_SIGN

FLAT_VERSION = 3
_NONE = bytes(8)
_CHUNK = 2048
"""Transactions that are written at a time: what is written is hashed while it is in the cache, in memory that is used
again."""


class Digests(NamedTuple):
    """uint8 (n, 32) each: what is signed, and the transactions' ids."""

    signed: NDArray[np.uint8]
    txid: NDArray[np.uint8]


def digests(columns: Columns, threads: int | None = 1) -> Digests:
    """Digest and id of every transaction."""
    n = len(columns)
    found = Digests(np.zeros((n, 32), np.uint8), np.zeros((n, 32), np.uint8))
    flat = columns.number("version") >= FLAT_VERSION
    if flat.all() or not flat.any():
        writing = (_flat if flat.any() else _json)(columns).writing()

        def work(first: int, last: int) -> None:
            _digest(writing, found, first, last)

        count = parallel.resolve_threads(threads)
        parallel.run_pieces(work, [*range(0, n, _CHUNK), n], count)
        return found
    for chosen in (flat, ~flat):
        part = digests(columns.take(chosen), threads)
        found.signed[chosen], found.txid[chosen] = part
    return found


def _digest(writing: Writing, found: Digests, first: int, last: int) -> None:
    whole = writing.column(first, last)
    assert whole.offsets is not None
    found.txid[first:last] = hash_batch("sha256d", Column(whole.data, whole.offsets[::3].copy()), threads=1)
    found.signed[first:last] = hash_batch("sha256d", _without_middle(whole, last - first), threads=1)


def texts(columns: Columns) -> list[tuple[bytes, bytes]]:
    """Of every transaction, what its digest and its id are taken over; all of one encoding."""
    flat = columns.number("version") >= FLAT_VERSION
    parts = list((_flat if flat.all() else _json)(columns).column())
    return [(a + c, a + b + c) for a, b, c in zip(parts[::3], parts[1::3], parts[2::3], strict=True)]


def _without_middle(whole: Column, n: int) -> Column:
    """Rows 0 and 2 of each three as one."""
    assert whole.offsets is not None
    out = Records(n, whole.data)
    out.span(BYTES, Spans(whole.data, whole.offsets[:-1].reshape(n, 3), 0))
    out.span(BYTES, Spans(whole.data, whole.offsets[1:].reshape(n, 3), 1))
    return out.column()


# ---- version 3 -------------------------------------------------------------------------------------------------------


def _flat(c: Columns) -> Records:
    out = Records(len(c), c.data)
    _flat_list(out, c.tx, "input", ("ref_txid", "#ref_offset", "from_addr", "amount", "#frozen_height"))
    _flat_list(out, c.tx, "output", ("amount", "to_addr", "#frozen_height"))
    _flat_fields(out, c.tx, "tx", ("desc", "#coinbase", "nonce", "#timestamp", "#version", "#autogen"))
    _flat_list(out, c.tx, "input_ext", ("bucket", "key", "ref_txid", "#ref_offset"))
    _flat_list(out, c.tx, "output_ext", ("bucket", "key", "value"))
    out.rows(_flat_requests(c), c.parents("request"), counted=True)
    _flat_fields(out, c.tx, "tx", ("initiator",))
    _flat_list(out, c.tx, "auth", ("",))
    out.split()
    for number in (INITIATOR_SIGN, AUTH_SIGN):
        _flat_list(out, c.tx, "sign", ("public_key", "sign"), c.tx["sign"][:, NUMBER] == number)
    _flat_list(out, c.xuper_sign, "key", ("",))
    _flat_fields(out, c.xuper_sign, "xuper_sign", ("signature",))
    out.split()
    _flat_fields(out, c.tx, "tx", ("hd_info.hd_public_key", "hd_info.original_hash"))
    return out


def _flat_requests(c: Columns) -> Records:
    out = Records(len(c.request["request"]), c.data)
    _flat_fields(out, c.request, "request", ("module_name", "contract_name", "method_name"))
    inner = Records(len(c.arg_call), c.data)
    _flat_fields(inner, c.arg, "arg", ("key", "value"))
    out.rows(inner, c.arg_call, counted=True)
    _flat_list(out, c.request, "limit", ("#type", "#limit"))
    _flat_fields(out, c.request, "request", ("amount",))
    return out


def _flat_fields(
    out: Records, tables: Tables, table: str, fields: tuple[str, ...], rows: NDArray[np.int64] | None = None
) -> None:
    """Fields of each row of a table, or of some rows. fields: "#" before numbers; "" is the row itself."""
    cells = tables[table] if rows is None else rows
    for name in fields:
        if name.startswith("#"):
            out.cells(BE64, cells, tables.plan.place(table, name[1:]))
        else:
            out.cells(BE64_SIZED, cells, tables.plan.place(table, name) if name else START)


def _flat_list(
    out: Records, tables: Tables, table: str, fields: tuple[str, ...], chosen: NDArray[np.bool_] | None = None
) -> None:
    """The rows of a table behind their number, 0 where there are none at all; fields as in :func:`_flat_fields`."""
    rows = tables[table] if chosen is None or chosen.all() else tables[table][chosen]
    if not len(rows):
        out.literal(_NONE)
        return
    inner = Records(len(rows), out.data)
    _flat_fields(inner, tables, table, fields, rows)
    out.rows(inner, rows[:, PARENT], counted=True)


# ---- versions 1 and 2 ------------------------------------------------------------------------------------------------


class _Object:
    """A JSON object in each of n records, whose empty fields are left out (Go's omitempty)."""

    def __init__(self, out: Records) -> None:
        self._out = out
        self._some = np.zeros(out.n, np.bool_)
        out.literal(b"{")

    def name(self, name: str, where: NDArray[np.bool_]) -> None:
        """The field's name, where the field is not left out."""
        self._out.literal(b",", self._some & where)
        self._out.literal(f'"{name}":'.encode(), where)
        self._some = self._some | where

    def span(self, name: str, kind: int, spans: Spans) -> None:
        """A text or bytes."""
        where = spans.lengths > 0
        self.name(name, where)
        self._out.span(kind, spans, where)

    def number(self, name: str, values: NDArray[np.int64]) -> None:
        """A number."""
        where = values != 0
        self.name(name, where)
        self._out.number(DECIMAL, values, where)

    def end(self) -> None:
        """Nothing follows."""
        self._out.literal(b"}")


def _json(c: Columns) -> Records:
    out, n = Records(len(c), c.data), len(c)
    _some(out, c.parents("input"), lambda: _json_inputs(c))
    _array(out, c.parents("output"), lambda: _json_outputs(c))
    out.literal(b"\n")
    _line(out, JSON_BASE64, c.span("desc"), optional=True)
    _line(out, JSON, c.span("nonce"))
    for name in ("timestamp", "version"):
        out.number(DECIMAL, c.number(name))
        out.literal(b"\n")
    _some(out, c.parents("input_ext"), lambda: _json_inputs_ext(c))
    _some(out, c.parents("output_ext"), lambda: _json_outputs_ext(c))
    _array(out, c.parents("request"), lambda: _json_requests(c))
    out.literal(b"\n")
    _line(out, JSON, c.span("initiator"))
    names = Records(len(c.tx["auth"]), c.data)
    names.literal(b",", following(c.parents("auth")))
    names.span(JSON, c.tx.span("auth"))
    _array(out, c.parents("auth"), lambda: names)
    out.literal(b"\n")
    out.split()
    for number in (INITIATOR_SIGN, AUTH_SIGN):
        rows = c.tx["sign"][c.tx["sign"][:, NUMBER] == number]
        _json_signs(out, c, rows)
        out.literal(b"\n")
    _some(out, np.flatnonzero(~c.span("xuper_sign").absent), lambda: _json_xuper_sign(c))
    out.split()
    for name in ("coinbase", "autogen"):
        true = c.number(name) != 0
        out.literal(b"true\n", true)
        out.literal(b"false\n", ~true)
    second = c.number("version") >= 2
    has = ~c.span("hd_info").absent & second
    out.literal(b"null\n", second & ~has)
    rows = np.flatnonzero(has)
    _some(out, rows, lambda: _json_hd_info(c, rows))
    assert out.n == n
    return out


def _line(out: Records, kind: int, spans: Spans, *, optional: bool = False) -> None:
    """A value in its line; `optional`: none where it is empty."""
    where = spans.lengths > 0 if optional else None
    out.span(kind, spans, where)
    out.literal(b"\n", where)


def _some(out: Records, parents: NDArray[np.int64], make: Callable[[], Records]) -> None:
    """Rows, if there are any."""
    if len(parents):
        out.rows(make(), parents)


def _array(out: Records, parents: NDArray[np.int64], make: Callable[[], Records]) -> None:
    """An array of rows, which begin with their commas; null where there is none."""
    if not len(parents):
        out.literal(b"null")
        return
    some = counts(parents, out.n) > 0
    out.literal(b"null", ~some)
    out.literal(b"[", some)
    out.rows(make(), parents)
    out.literal(b"]", some)


def _json_hd_info(c: Columns, rows: NDArray[np.intp]) -> Records:
    out = Records(len(rows), c.data)
    fields = _Object(out)
    for name in ("hd_public_key", "original_hash"):
        fields.span(name, JSON_BASE64, c.span(f"hd_info.{name}").take(rows))
    fields.end()
    out.literal(b"\n")
    return out


def _json_inputs(c: Columns) -> Records:
    out = Records(len(c.tx["input"]), c.data)
    _line(out, JSON_BASE64, c.tx.span("input", "ref_txid"), optional=True)
    out.number(DECIMAL, c.tx.number("input", "ref_offset"))
    out.literal(b"\n")
    _line(out, JSON_BASE64, c.tx.span("input", "from_addr"), optional=True)
    _line(out, JSON_BASE64, c.tx.span("input", "amount"), optional=True)
    out.number(DECIMAL, c.tx.number("input", "frozen_height"))
    out.literal(b"\n")
    return out


def _json_outputs(c: Columns) -> Records:
    out = Records(len(c.tx["output"]), c.data)
    out.literal(b",", following(c.parents("output")))
    fields = _Object(out)
    fields.span("amount", JSON_BASE64, c.tx.span("output", "amount"))
    fields.span("to_addr", JSON_BASE64, c.tx.span("output", "to_addr"))
    fields.number("frozen_height", c.tx.number("output", "frozen_height"))
    fields.end()
    return out


def _json_inputs_ext(c: Columns) -> Records:
    out = Records(len(c.tx["input_ext"]), c.data)
    _line(out, JSON, c.tx.span("input_ext", "bucket"))
    _line(out, JSON_BASE64, c.tx.span("input_ext", "key"), optional=True)
    _line(out, JSON_BASE64, c.tx.span("input_ext", "ref_txid"), optional=True)
    out.number(DECIMAL, c.tx.number("input_ext", "ref_offset"))
    out.literal(b"\n")
    return out


def _json_outputs_ext(c: Columns) -> Records:
    out = Records(len(c.tx["output_ext"]), c.data)
    _line(out, JSON, c.tx.span("output_ext", "bucket"))
    _line(out, JSON_BASE64, c.tx.span("output_ext", "key"), optional=True)
    _line(out, JSON_BASE64, c.tx.span("output_ext", "value"), optional=True)
    return out


def _json_requests(c: Columns) -> Records:
    out = Records(len(c.request["request"]), c.data)
    out.literal(b",", following(c.parents("request")))
    fields = _Object(out)
    for name in ("module_name", "contract_name", "method_name"):
        fields.span(name, JSON, c.request.span("request", name))
    fields.name("args", counts(c.arg_call, out.n) > 0)
    _some(out, c.arg_call, lambda: _json_arguments(c))
    limits = c.request["limit"][:, PARENT]
    if len(limits):
        some = counts(limits, out.n) > 0
        fields.name("resource_limits", some)
        out.literal(b"[", some)
        out.rows(_json_limits(c, limits), limits)
        out.literal(b"]", some)
    fields.span("amount", JSON, c.request.span("request", "amount"))
    fields.end()
    return out


def _json_arguments(c: Columns) -> Records:
    args = Records(len(c.arg_call), c.data)
    later = following(c.arg_call)
    args.literal(b"{", ~later)
    args.literal(b",", later)
    args.span(JSON, c.arg.span("arg", "key"))
    args.literal(b":")
    value = c.arg.span("arg", "value")
    args.literal(b"null", value.absent)  # Go's map has no bytes there, and empty ones where they are there
    args.span(JSON_BASE64, value, ~value.absent)
    args.literal(b"}", ~np.append(later[1:], np.False_)[: len(later)])
    return args


def _json_limits(c: Columns, parents: NDArray[np.int64]) -> Records:
    out = Records(len(parents), c.data)
    out.literal(b",", following(parents))
    fields = _Object(out)
    fields.number("type", c.request.number("limit", "type"))
    fields.number("limit", c.request.number("limit", "limit"))
    fields.end()
    return out


def _json_signs(out: Records, c: Columns, rows: NDArray[np.int64]) -> None:
    def make() -> Records:
        inner = Records(len(rows), c.data)
        inner.literal(b",", following(rows[:, PARENT]))
        fields = _Object(inner)
        fields.span("PublicKey", JSON, Spans(c.data, rows, c.tx.span("sign", "public_key").column))
        fields.span("Sign", JSON_BASE64, Spans(c.data, rows, c.tx.span("sign", "sign").column))
        fields.end()
        return inner

    _array(out, rows[:, PARENT], make)


def _json_xuper_sign(c: Columns) -> Records:
    """Of the transactions that have one."""
    has = ~c.span("xuper_sign").absent
    place = np.cumsum(has) - 1
    keys = c.xuper_sign["key"]
    parents = place[keys[:, PARENT]]
    out = Records(int(has.sum()), c.data)
    fields = _Object(out)
    some = counts(parents, out.n) > 0
    fields.name("public_keys", some)
    inner = Records(len(keys), c.data)
    inner.literal(b",", following(parents))
    inner.span(JSON_BASE64, c.xuper_sign.span("key"))
    out.literal(b"[", some)
    out.rows(inner, parents)
    out.literal(b"]", some)
    fields.span("signature", JSON_BASE64, c.xuper_sign.span("xuper_sign", "signature").take(np.flatnonzero(has)))
    fields.end()
    out.literal(b"\n")
    return out
