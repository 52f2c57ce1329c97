"""Transactions as columns: every field that is hashed or judged, without an object for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.errors import InputError
from pycore.ledgers.scan import FAULT, FIRST_CELL, PARENT, Plan, Spans, Tables
from pycore.ledgers.xuper import plans
from pycore.ledgers.xuper.messages import Argument, InvokeRequest, Transaction, XuperSignature, parse, scan_merged

MAX_ROWS = 1 << 19
"""Inputs, outputs, values read or written, calls, arguments, signatures of a block: more of one of them is not read."""

_TX_TABLES = plans.TRANSACTION.names[1:]


@dataclass(slots=True, eq=False)
class Columns:
    """Transactions as columns, all over one run of bytes.

    Attributes:
        data: uint8 (size,), contiguous.
        tx: tables of :data:`~pycore.ledgers.xuper.plans.TRANSACTION`.
        request: tables of the calls, one for each row of the table "request" of `tx`, in its order.
        arg: the arguments of the calls, ordered by call and key, each key once.
        arg_call: int64 (arguments,): the call that each belongs to.
        xuper_sign: one for each transaction; of zero bytes where it has none.
        faulty: bool (n,): bytes that are no transaction; their cells are 0.
    """

    data: NDArray[np.uint8]
    tx: Tables
    request: Tables
    arg: Tables
    arg_call: NDArray[np.int64]
    xuper_sign: Tables
    faulty: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tx["tx"])

    def number(self, path: str) -> NDArray[np.int64]:
        """int64 (n,): a number of each transaction."""
        return self.tx.number("tx", path)

    def span(self, path: str) -> Spans:
        """Where a field of each transaction stands."""
        return self.tx.span("tx", path)

    def parents(self, table: str) -> NDArray[np.int64]:
        """int64 (rows,): the transaction of each row of a table of `tx`."""
        return self.tx[table][:, PARENT]

    def message(self, index: int) -> Transaction:
        """A transaction as a message: for what is rare."""
        return parse(Transaction, self.tx.span("tx")[index], "transactions")

    def take(self, chosen: NDArray[np.bool_]) -> Columns:
        """These transactions."""
        if chosen.all():
            return self
        tx, kept = _chosen(self.tx, chosen, _TX_TABLES)
        calls = kept["request"]
        request, _ = _chosen(self.request, calls, ("arg", "limit"))
        place = np.cumsum(calls) - 1
        of_args = calls[self.arg_call]
        arg = _of(self.arg, {"arg": self.arg["arg"][of_args]})
        xuper_sign, _ = _chosen(self.xuper_sign, chosen, ("key",))
        arg_call = place[self.arg_call[of_args]]
        return Columns(self.data, tx, request, arg, arg_call, xuper_sign, self.faulty[chosen])


def open_transactions(records: Spans, threads: int | None) -> Columns:
    """Reads transactions.

    InputError, of the field `transactions`, for more than MAX_ROWS rows of one kind.
    """
    tx = _scan(plans.TRANSACTION, Transaction, records, threads)
    faulty = tx["tx"][:, FAULT] != 0
    if faulty.any():  # what stands before the fault is not read
        tx["tx"][faulty, FIRST_CELL:] = 0
        for name in _TX_TABLES:
            tx.rows[name] = tx[name][~faulty[tx[name][:, PARENT]]]
    request = _scan(plans.REQUEST, InvokeRequest, tx.span("request"), threads)
    _blame(faulty, tx["request"][:, PARENT], request)
    arg = _scan(plans.ARGUMENT, Argument, Spans(request.data, request["arg"], request.span("arg").column), threads)
    _blame(faulty, tx["request"][request["arg"][:, PARENT], PARENT], arg)
    held = Spans(arg.data, tx["tx"], tx.plan.place("tx", "xuper_sign"))
    xuper_sign = _scan(plans.XUPER_SIGN, XuperSignature, held, threads)
    _blame(faulty, np.arange(len(faulty)), xuper_sign)
    data = xuper_sign.data  # which begins with the data of all before it
    arg, arg_call = _in_order(arg, request["arg"][:, PARENT])
    parts = [Tables(one.plan, data, one.rows, one.counts, 0, None) for one in (tx, request, arg, xuper_sign)]
    return Columns(data, parts[0], parts[1], parts[2], arg_call, parts[3], faulty)


def _scan(plan: Plan, kind: type, records: Spans, threads: int | None) -> Tables:
    limits = dict.fromkeys(plan.names[1:], MAX_ROWS + 1)
    tables = scan_merged(plan, kind, records, room={name: 2 * len(records) + 16 for name in limits}, limits=limits,
                         threads=threads)  # fmt: skip
    for name in limits:
        if tables.counts[name] > MAX_ROWS:
            raise InputError("transactions", f"more than {MAX_ROWS} rows of {name!r}", f"at most {MAX_ROWS}")
    return tables


def _blame(faulty: NDArray[np.bool_], owners: NDArray[np.int64], tables: Tables) -> None:
    """Marks the transactions that hold something that is no message."""
    bad = tables[tables.plan.names[0]][:, FAULT] != 0
    if bad.any():
        faulty[owners[bad]] = True


def _in_order(arg: Tables, calls: NDArray[np.int64]) -> tuple[Tables, NDArray[np.int64]]:
    """Arguments by call and key; of one key that is there twice the last one, as a map has it."""
    if not (len(calls) and (calls[1:] == calls[:-1]).any()):
        return arg, calls
    spans = arg.span("arg", "key")
    begins = _beginnings(spans)
    order = np.lexsort((begins, calls))
    same = (calls[order][1:] == calls[order][:-1]) & (begins[order][1:] == begins[order][:-1])
    if not same.any():  # their first bytes tell them apart
        return _of(arg, {"arg": arg["arg"][order]}), calls[order]
    owners, keys = calls.tolist(), spans.items()
    last = {(owner, key): row for row, (owner, key) in enumerate(zip(owners, keys, strict=True))}
    rows = np.array([last[place] for place in sorted(last)], np.intp)
    return _of(arg, {"arg": arg["arg"][rows]}), calls[rows]


def _beginnings(spans: Spans) -> NDArray[np.uint64]:
    """uint64 (n,): the first 8 bytes of each piece, with zeros behind shorter ones, as big-endian numbers."""
    places = spans.start[:, None] + np.arange(8)
    inside = places < spans.end[:, None]
    places[~inside] = 0
    padded = np.where(inside, spans.data[places], 0).astype(np.uint8) if spans.data.size else np.zeros_like(inside)
    return np.ascontiguousarray(padded.astype(np.uint8)).view(">u8").ravel().astype(np.uint64)


def _of(tables: Tables, rows: dict[str, NDArray[np.int64]]) -> Tables:
    return Tables(tables.plan, tables.data, rows, {name: len(array) for name, array in rows.items()}, 0, None)


def _chosen(
    tables: Tables, chosen: NDArray[np.bool_], below: tuple[str, ...]
) -> tuple[Tables, dict[str, NDArray[np.bool_]]]:
    """Some records with the rows that hang on them, and which rows those are."""
    place = np.cumsum(chosen) - 1
    top = tables.plan.names[0]
    rows, kept = {top: tables[top][chosen]}, {}
    for name in below:
        kept[name] = chosen[tables[name][:, PARENT]]
        rows[name] = tables[name][kept[name]]
        rows[name][:, PARENT] = place[rows[name][:, PARENT]]
    return _of(tables, rows), kept
