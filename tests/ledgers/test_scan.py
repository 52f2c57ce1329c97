"""Plans and tables: messages of a toy chain, defined here, read through a plan; what is refused; threads; cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pycore import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers import ffi_scan
from pycore.ledgers.scan import END, FAULT, FLAGS, KEPT, NUMBER, PARENT, START, VALUE, Plan, Spans, Tables

F = descriptor_pb2.FieldDescriptorProto
STRING, BYTES, UINT64, MESSAGE = F.TYPE_STRING, F.TYPE_BYTES, F.TYPE_UINT64, F.TYPE_MESSAGE
ONE, MANY = F.LABEL_OPTIONAL, F.LABEL_REPEATED

Rows = list[tuple[str, int, int, int, str]]  # fields: name, number, label, type, name of the type


def make_pool(messages: dict[str, Rows], syntax: str = "proto3") -> Any:
    """A function from names to classes."""
    file = descriptor_pb2.FileDescriptorProto(name="toy.proto", package="toy", syntax=syntax)
    for name, rows in messages.items():
        made = file.message_type.add(name=name)
        for field, number, label, kind, of in rows:
            one = made.field.add(name=field, number=number, label=label, type=kind)
            if of:
                one.type_name = f".toy.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"toy.{name}"))


# A toy chain: transfers that several people sign, and what became of them.
CHAIN: dict[str, Rows] = {
    "Signed": [("by", 1, ONE, STRING, ""), ("signature", 2, ONE, BYTES, "")],
    "Outcome": [("code", 1, ONE, UINT64, ""), ("fee", 2, ONE, UINT64, ""), ("log", 3, MANY, STRING, "")],
    "Transfer": [
        ("id", 1, ONE, STRING, ""),
        ("amounts", 2, MANY, UINT64, ""),
        ("sender", 3, ONE, MESSAGE, "Signed"),
        ("witnesses", 4, MANY, MESSAGE, "Signed"),
        ("outcome", 5, ONE, MESSAGE, "Outcome"),
    ],
}
TOY = make_pool(CHAIN)
PLAN = Plan(
    TOY("Transfer").DESCRIPTOR,
    {"": "transfer", "amounts": "amount", "sender": "signed", "witnesses": "signed", "outcome.log": "line"},
    {"transfer": ["id", "outcome", "outcome.code", "outcome.fee!"], "signed": ["by", "signature"]},
    most={"signed": 40},
)


def transfer(k: int, witnesses: int) -> Any:
    made = TOY("Transfer")(id=f"t{k}", amounts=range(k % 5), sender={"by": "sender", "signature": b"s"})
    for i in range(witnesses):
        made.witnesses.add(by=f"w{i % 3}", signature=bytes([i]))
    if k % 3:
        made.outcome.code, made.outcome.fee = k, 300 * (k % 2)
        made.outcome.log.extend(["done"] * (k % 2))
    return made


def transfers(n: int) -> list[Any]:
    return [transfer(k, k % 4) for k in range(n)]


def scan(plan: Plan, messages: list[Any], **more: Any) -> Tables:
    return plan.scan(Spans.joined([message.SerializeToString() for message in messages]), **more)


# ---- a toy chain -----------------------------------------------------------------------------------------------------


def test_cells_are_what_was_written():
    made = transfers(20)
    tables = scan(PLAN, made)
    assert (tables.faulty, tables.fault) == (0, None)
    assert tables["transfer"][:, FLAGS].tolist() == [0] * 20
    assert list(tables.span("transfer", "id").gather()) == [m.id.encode() for m in made]
    assert tables.number("transfer", "outcome.code").tolist() == [m.outcome.code for m in made]
    assert tables.number("transfer", "outcome.fee").tolist() == [m.outcome.fee for m in made]
    assert tables.span("transfer", "outcome").absent.tolist() == [not m.HasField("outcome") for m in made]
    assert (tables.tag("transfer", "outcome.fee") > 0).tolist() == [m.outcome.fee > 0 for m in made]
    pairs = [(k, value) for k, m in enumerate(made) for value in m.amounts]
    assert tables["amount"][:, [PARENT, VALUE]].tolist() == [list(pair) for pair in pairs]
    signed = [(k, 3, m.sender) for k, m in enumerate(made)] + [
        (k, 4, w) for k, m in enumerate(made) for w in m.witnesses
    ]
    signed.sort(key=lambda row: row[:2])
    assert tables["signed"][:, [PARENT, NUMBER]].tolist() == [list(row[:2]) for row in signed]
    assert list(tables.span("signed").gather()) == [row[2].SerializeToString() for row in signed]
    assert list(tables.span("signed", "by").gather()) == [row[2].by.encode() for row in signed]
    assert list(tables.span("line").gather()) == [b"done" for m in made for _ in m.outcome.log]
    groups, firsts = tables.span("signed", "by").group()
    assert [tables.span("signed", "by")[int(i)] for i in firsts] == list(
        dict.fromkeys(row[2].by.encode() for row in signed)
    )
    assert groups.max() == len(firsts) - 1


def test_flagged_records_are_written_again_and_scanned_again():
    good, bad = transfer(1, 2).SerializeToString(), transfer(2, 1).SerializeToString()
    tables = PLAN.scan(Spans.joined([good, bad + b"\x0a\x01x", b"\xf8\x01\x00", b""]))
    assert tables.rewritten("transfer").tolist() == [1]
    assert tables["transfer"][2, FLAGS] & ~KEPT == 0
    again = TOY("Transfer").FromString(tables.span("transfer")[1]).SerializeToString()
    tables = PLAN.scan(Spans.joined([again]))
    assert tables["transfer"][0, FLAGS] == 0
    assert tables.span("transfer", "id")[0] == b"x"


def test_a_field_is_cut():
    made = transfers(30)
    tables = scan(PLAN, made)
    for m in made:
        if m.HasField("outcome"):
            m.outcome.fee = 0
    column = tables.cut(["outcome"], "outcome.fee", 0, 30)
    assert list(column) == [m.SerializeToString() for m in made]
    assert list(tables.cut(["outcome"], "outcome.fee", 7, 9)) == [m.SerializeToString() for m in made[7:9]]
    assert list(tables.cut(["outcome"], "outcome.fee", 7, 7)) == []


def test_a_record_with_too_many_rows_is_flagged():
    made = [transfer(1, 39), transfer(2, 40), transfer(4, 2)]  # and each has a sender
    tables = scan(PLAN, made)
    assert tables["transfer"][:, FLAGS].tolist() == [0, ffi_scan.OVERFLOW, 0]
    assert tables["signed"][:, PARENT].tolist() == [0] * 40 + [2] * 3
    assert set(tables["amount"][:, PARENT].tolist()) == {0, 2}


@pytest.mark.parametrize("n", [0, 1, 255, 256, 5000])
def test_threads_and_room_change_nothing(n, rng):
    made = transfers(n)
    alone = scan(PLAN, made)
    for threads, room in ((2, {}), (3, {"signed": 7 * n, "amount": 1}), (None, {"line": n})):
        tables = scan(PLAN, made, threads=threads, room=room)
        for name in PLAN.names:
            assert np.array_equal(tables[name], alone[name]), (name, threads)
        assert tables.counts == alone.counts
    some = scan(PLAN, made, limits={"signed": 3, "amount": 0}, threads=2)
    assert np.array_equal(some["signed"], alone["signed"][:3])
    assert (len(some["amount"]), some.counts) == (0, alone.counts)


def test_the_first_fault_is_told_whatever_the_threads():
    items = [transfer(k, 2).SerializeToString() for k in range(3000)]
    for k in (2999, 1700, 40):
        items[k] = items[k][:-1]
        for threads in (1, 2):
            tables = PLAN.scan(Spans.joined(items), threads=threads)
            assert tables.fault is not None
            assert (tables.fault.record, tables.fault.code) == (k, 1)
            start, end = tables["transfer"][k, [START, END]].tolist()
            assert start <= tables.fault.offset < end
    assert tables.faulty == 3
    assert np.flatnonzero(tables["transfer"][:, FAULT]).tolist() == [40, 1700, 2999]


def test_tables_below_tables_are_counted_from_the_right_rows():
    pool = make_pool({"Out": [("ins", 1, MANY, MESSAGE, "In")], "In": [("numbers", 1, MANY, UINT64, "")]})
    plan = Plan(pool("Out").DESCRIPTOR, {"": "out", "ins": "in", "ins.numbers": "number"}, {})
    made = [pool("Out")(ins=[{"numbers": [k, 7]}] * (k % 3)) for k in range(600)]
    wanted = scan(plan, made)
    tables = scan(plan, made, threads=2)
    assert all(np.array_equal(tables[name], wanted[name]) for name in plan.names)
    parents = tables["in"][tables["number"][:, PARENT], PARENT]
    assert tables["number"][::2, VALUE].tolist() == parents[::2].tolist()


def test_a_fault_is_told_with_place_and_field():
    good = transfer(1, 1).SerializeToString()
    bad = TOY("Transfer")(id="a").SerializeToString() + b"\x22\x03\x0a\x01\xff"
    tables = PLAN.scan(Spans.joined([good, bad]))
    error = tables.refusal("txs", "a transfer", len(bad))
    assert str(error) == (
        f"txs: got 8 bytes that are not UTF-8 at byte {len(good) + 7}, in witnesses.by, wanted a transfer"
    )


# ---- plans that are refused ------------------------------------------------------------------------------------------


def refused(kind: Any, tables: dict[str, str], cells: dict[str, list[str]], **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        Plan(kind.DESCRIPTOR, tables, cells, **more)
    return caught.value


def test_names_that_lead_nowhere():
    kind = TOY("Transfer")
    assert refused(kind, {"": "a", "amount": "b"}, {}).field == "tables"
    assert refused(kind, {"": "a"}, {"a": ["outcome.cost"]}).field == "cells"
    assert refused(kind, {"": "a", "witnesses": "w"}, {"a": ["witnesses.by"]}).field == "cells"
    assert refused(kind, {"": "a"}, {}, raw=["outc"]).field == "raw"
    assert refused(kind, {"": "a"}, {}, most={"b": 1}).field == "most"


def test_a_cell_that_several_would_share():
    kind = TOY("Transfer")
    for path in ("witnesses", "witnesses.by", "amounts", "outcome.log"):
        assert refused(kind, {"": "a"}, {"a": [path]}).field == "cells"


def test_messages_that_contain_themselves():
    pool = make_pool({
        "Tree": [("value", 1, ONE, UINT64, ""), ("left", 2, ONE, MESSAGE, "Tree"), ("more", 3, ONE, MESSAGE, "Forest")],
        "Forest": [("trees", 1, MANY, MESSAGE, "Tree")],
    })  # fmt: skip
    tree = pool("Tree")
    error = refused(tree, {"": "tree"}, {"tree": ["value"]})
    assert (error.field, "left" in str(error)) == ("raw", True)
    assert "more.trees" in str(refused(tree, {"": "tree"}, {}, raw=["left"]))
    plan = Plan(tree.DESCRIPTOR, {"": "tree"}, {"tree": ["value", "left"]}, raw=["left", "more.trees"])
    made = tree(value=1, left=tree(value=2, left=tree(value=3)))
    assert plan.scan(Spans.joined([scan(plan, [made]).span("tree", "left")[0]])).number("tree", "value")[0] == 2


def test_maps_are_bytes():
    file = descriptor_pb2.FileDescriptorProto(name="map.proto", package="toy", syntax="proto3")
    made = file.message_type.add(name="Held")
    entry = made.nested_type.add(name="MEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=ONE, type=STRING)
    entry.field.add(name="value", number=2, label=ONE, type=BYTES)
    made.field.add(name="m", number=1, label=MANY, type=MESSAGE, type_name=".toy.Held.MEntry")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    held = message_factory.GetMessageClass(pool.FindMessageTypeByName("toy.Held"))
    assert "map" in str(refused(held, {"": "held"}, {}))
    plan = Plan(held.DESCRIPTOR, {"": "held", "m": "m"}, {}, raw=["m"])
    assert len(scan(plan, [held(m={"a": b"b", "c": b"d"})])["m"]) == 2


def test_other_languages_than_proto3():
    kind = make_pool({"Old": [("value", 1, ONE, UINT64, "")]}, syntax="proto2")("Old")
    error = refused(kind, {"": "old"}, {"old": ["value"]})
    assert (error.field, error.wanted) == ("message", "proto3")


def test_limits():
    def many(n: int) -> Rows:
        return [(f"f{k}", k, ONE, UINT64, "") for k in range(1, n + 1)]

    assert refused(make_pool({"M": many(65)})("M"), {"": "m"}, {}).field == "message"
    full = make_pool({"M": many(64)})("M")
    assert refused(full, {"": "m"}, {"m": [f"f{k}" for k in range(1, 60)]}).field == "tables"
    plan = Plan(full.DESCRIPTOR, {"": "m"}, {"m": [f"f{k}" for k in range(1, 59)]})
    assert scan(plan, [full(f58=7)]).number("m", "f58")[0] == 7
    chain = {f"M{k}": [("next", 1, ONE, MESSAGE, f"M{k + 1}")] for k in range(16)} | {"M16": many(1)}
    error = refused(make_pool(chain)("M0"), {"": "m"}, {})
    assert (error.field, ".".join(["next"] * 16) in str(error)) == ("raw", True)
    Plan(make_pool(chain)("M1").DESCRIPTOR, {"": "m"}, {})
    wide = {"Leaf": many(1), "M": [(f"m{k}", k, ONE, MESSAGE, "Half") for k in (1, 2, 3)]}
    wide["Half"] = [(f"h{k}", k, ONE, MESSAGE, "Leaf") for k in range(1, 31)]
    assert refused(make_pool(wide)("M"), {"": "m"}, {}).field == "message"
    tables = {"": "m", **{f"f{k}": f"t{k}" for k in range(1, 17)}}
    assert refused(full, tables, {}).field == "tables"


# ---- pieces ----------------------------------------------------------------------------------------------------------


def test_pieces():
    items = [b"abc", b"", b"ab\xff", b"abc", b"a" * 100]
    spans = Spans.joined(items)
    assert [spans[i] for i in range(len(spans))] == items
    assert spans.lengths.tolist() == [3, 0, 3, 3, 100]
    assert list(spans.gather()) == items
    assert list(spans.gather(np.array([4, 0, 0], np.uint32))) == [items[4], items[0], items[0]]
    assert list(spans.take(np.array([2, 1])).gather()) == [items[2], items[1]]
    assert list(spans.part(1, 3).gather()) == items[1:3]
    for name in ("sha256", "sm3"):
        assert spans.digest(name) == hash_one(name, b"".join(items))
        assert spans.part(1, 2).digest(name) == Spans.joined([]).digest(name) == hash_one(name, b"")
    groups, firsts = spans.group()
    assert (groups.tolist(), firsts.tolist()) == ([0, 1, 2, 0, 3], [0, 1, 2, 4])
    assert spans.having(b"\xffz").tolist() == [False, False, True, False, False]
    assert spans.having(b"").tolist() == [False] * 5
    assert spans.equal(b"abc").tolist() == [True, False, False, True, False]
    assert spans.equal(b"").tolist() == [False, True, False, False, False]
    assert spans.equal(Spans.joined([*items[:4], b"b"])).tolist() == [True] * 4 + [False]
    none = Spans.joined([])
    assert (len(none), list(none.gather()), none.group()[1].tolist()) == (0, [], [])
    with pytest.raises(RuntimeError):
        spans.gather(np.array([5], np.uint32))
    with pytest.raises(RuntimeError):
        Spans.of(spans.data, np.array([0]), np.array([200])).group()
